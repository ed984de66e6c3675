# Start file for Solaris on x86-64: what crt1.o is elsewhere.
#
# Where the facts come from: "System V Application Binary Interface, AMD64 Architecture Processor
# Supplement", section "Process Initialization": at entry (%rsp) is argc, 8(%rsp) the first of the argument
# pointers, after their null pointer come the environment pointers; %rdx is a function to be registered
# with atexit when it is not null (the run-time linker's, which runs the libraries' termination functions);
# %rbp is unspecified and is set to 0 to mark the end of the chain of frames. The run-time linker has
# already run the initialisation functions of all libraries.
#
# `environ` and `_environ` are one variable of the program's, as in Solaris's own crt1.o: libc's uses of
# either name are bound to it by the run-time linker, because the program exports both.

        .text
        .globl  _start
        .type   _start, @function
_start:
        xorl    %ebp, %ebp
        movq    (%rsp), %rbx            # argc; %rbx, %r12, %r13 survive calls
        leaq    8(%rsp), %r12           # argv
        leaq    16(%rsp,%rbx,8), %r13   # envp = argv + argc + 1
        andq    $-16, %rsp              # calls need an aligned stack
        movq    %r13, environ(%rip)
        testq   %rdx, %rdx
        jz      1f
        movq    %rdx, %rdi
        call    atexit@PLT
1:      movq    %rbx, %rdi
        movq    %r12, %rsi
        movq    %r13, %rdx
        call    main
        movl    %eax, %edi
        call    exit@PLT
        hlt                             # exit does not return
        .size   _start, . - _start

        .bss
        .balign 8
        .globl  environ
        .globl  _environ
        .type   environ, @object
        .type   _environ, @object
        .size   environ, 8
        .size   _environ, 8
environ:
_environ:
        .skip   8
