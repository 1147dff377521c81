/*
 * System calls without the C library, for a child between fork and exec: a
 * debugger may have breakpoints in the library's functions, and nobody takes
 * them out of a child that no debugger knows.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOMMUFD_RAW_H
#define IM_IOMMUFD_RAW_H

#include <sys/syscall.h>
#include <unistd.h>

/* The result, or -errno. */
static inline long raw_call(long nr, long a, long b, long c, long d)
{
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = 0;
    long ret = nr;

    __asm__ volatile("syscall"
                     : "+a"(ret)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return ret;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = 0;

    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
                     : "memory");
    return x0;
#else
    return syscall(nr, a, b, c, d, 0L);
#endif
}

#endif
