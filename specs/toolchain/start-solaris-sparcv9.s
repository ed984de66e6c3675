! Start file for Solaris on SPARC V9: what crt1.o is elsewhere.
!
! Where the facts come from: "System V Application Binary Interface, SPARC Compliance Definition 2.4",
! chapter 3, "Process Initialization" for 64 bit: %sp is biased by 2047; above the 128 bytes in which the
! first register window may be saved lies argc at %sp+2047+128, then the argument pointers, their null
! pointer, the environment pointers; %g1 is a function to be registered with atexit when it is not null.
! The frame pointer is cleared to mark the end of the chain of frames. A called function may store its six
! register arguments at its caller's %sp+2047+128, which here is argc: so a frame of our own (176 bytes:
! 128 for the window, 48 for the arguments) is made first.
!
! `environ` and `_environ` are one variable of the program's, as in Solaris's own crt1.o: libc's uses of
! either name are bound to it by the run-time linker, because the program exports both.

        .section ".text"
        .align  4
        .globl  _start
        .type   _start, #function
_start:
        mov     %g0, %fp
        mov     %g1, %l3
        ldx     [%sp + 2175], %l0               ! argc
        add     %sp, 2183, %l1                  ! argv
        sllx    %l0, 3, %l2
        add     %l2, %l1, %l2
        add     %l2, 8, %l2                     ! envp = argv + argc + 1
        sub     %sp, 176, %sp
        sethi   %h44(environ), %o0
        or      %o0, %m44(environ), %o0
        sllx    %o0, 12, %o0
        stx     %l2, [%o0 + %l44(environ)]
        brz,pn  %l3, 1f
        nop
        call    atexit
        mov     %l3, %o0                        ! in the delay slot, as below
1:      mov     %l0, %o0
        mov     %l1, %o1
        call    main
        mov     %l2, %o2
        call    exit
        nop
        unimp   0                               ! exit does not return
        .size   _start, . - _start

        .section ".bss"
        .align  8
        .globl  environ
        .globl  _environ
        .type   environ, #object
        .type   _environ, #object
        .size   environ, 8
        .size   _environ, 8
environ:
_environ:
        .skip   8
