# Start file for 64-bit AIX: what crt0_64.o is elsewhere. GNU assembler, option -a64.
#
# Where the facts come from: the start code of the Go runtime for aix/ppc64 (a public program that is
# started by the same loader) and IBM's "Assembler Language Reference" (linkage convention, 64-bit).
#
# At entry: r14 = argc, r15 = argv, followed by a null pointer and the environment pointers; r19 = a function
# descriptor of the loader's, r18 = its argument. Before anything else the program calls back through it, so
# that libraries such as libpthreads are initialised and r13 (the thread's storage) is set:
# r3 = r18, r4 = the value of libc's `__n_pthreads`, r5 = the value of libc's `__mod_init`.
# r14 to r31 survive calls; a called function saves the TOC pointer r2 at 40(r1) of its caller's frame.

        .csect  .text[PR], 5
        .globl  .__start
.__start:
        stdu    1, -128(1)              # a frame of our own: 48 bytes linkage, 64 bytes arguments
        ld      4, n_pthreads(2)
        ld      4, 0(4)
        ld      5, mod_init(2)
        ld      5, 0(5)
        mr      3, 18
        ld      0, 0(19)                # the code of the loader's function
        std     2, 40(1)
        ld      2, 8(19)                # and its TOC
        mtctr   0
        bctrl
        ld      2, 40(1)

        sldi    5, 14, 3
        add     5, 5, 15
        addi    5, 5, 8                 # envp = argv + argc + 1
        ld      6, environment(2)
        std     5, 0(6)
        mr      3, 14
        mr      4, 15
        bl      .main
        nop
        extsw   3, 3
        bl      .exit
        nop                             # the linker puts the reload of r2 here
        trap                            # exit does not return

# std's personality routine speaks of these two functions of the unwinder, which is no part of the system.
# Panics abort and nothing unwinds, so nobody calls them.
        .globl  ._Unwind_GetDataRelBase
        .globl  ._Unwind_GetTextRelBase
._Unwind_GetDataRelBase:
._Unwind_GetTextRelBase:
        trap

        .toc
n_pthreads:
        .tc     __n_pthreads[TC], __n_pthreads
mod_init:
        .tc     __mod_init[TC], __mod_init
environment:
        .tc     environ[TC], environ

# The entry point is a function descriptor: code, TOC, environment.
        .globl  __start
        .csect  __start[DS], 3
__start:
        .llong  .__start, TOC[tc0], 0

        .globl  _Unwind_GetDataRelBase
        .csect  _Unwind_GetDataRelBase[DS], 3
_Unwind_GetDataRelBase:
        .llong  ._Unwind_GetDataRelBase, TOC[tc0], 0
        .globl  _Unwind_GetTextRelBase
        .csect  _Unwind_GetTextRelBase[DS], 3
_Unwind_GetTextRelBase:
        .llong  ._Unwind_GetTextRelBase, TOC[tc0], 0

        .extern .main
        .extern .exit
        .extern __n_pthreads
        .extern __mod_init
        .extern environ
