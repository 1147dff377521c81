/*
 * For programs that run with libim-iommufd.so preloaded and see nothing but
 * what Linux would show them. Structures and numbers are those of Linux's
 * uAPI, written here a second time.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_UAPI_OWN_H
#define TESTS_UAPI_OWN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define IOC(nr)         (((unsigned long)';' << 8) | (nr))
#define PAGE            4096u

typedef struct {
    uint32_t size, id;
} Destroy;
typedef struct {
    uint32_t size, flags, id;
} IoasAlloc;
typedef struct {
    uint32_t size, flags, ioas, reserved;
    uint64_t user, length, iova;
} IoasMap;
typedef struct {
    uint32_t size, ioas;
    uint64_t iova, length;
} IoasUnmap;
typedef struct {
    uint32_t size, flags, ioas;
    int32_t fd;
    uint64_t start, length, iova;
} IoasMapFile;
typedef struct {
    uint32_t size, flags, dev, pt, hwpt, reserved, type, len;
    uint64_t data;
    uint32_t fault, reserved2;
} HwptAlloc;
typedef struct {
    uint32_t size, flags, id;
    int32_t fd;
} FaultAlloc;
typedef struct {
    uint32_t flags, dev, pasid, group, perm, reserved;
    uint64_t addr;
    uint32_t length, cookie;
} Pgfault;
typedef struct {
    uint32_t cookie, code;
} PgResponse;
typedef struct {
    uint32_t argsz, flags;
    int32_t iommufd;
    uint32_t dev;
} Bind;
typedef struct {
    uint32_t argsz, flags, pt, pasid;
} Attach;
typedef struct {
    uint32_t argsz, flags, pasid;
} Detach;
typedef struct {
    uint32_t argsz, flags, regions, irqs, caps, pad;
} Info;

#define DESTROY         IOC(0x80)
#define IOAS_ALLOC      IOC(0x81)
#define IOAS_MAP        IOC(0x85)
#define IOAS_UNMAP      IOC(0x86)
#define HWPT_ALLOC      IOC(0x89)
#define FAULT_ALLOC     IOC(0x8e)
#define IOAS_MAP_FILE   IOC(0x8f)
#define VFIO_INFO       IOC(107)
#define VFIO_BIND       IOC(118)
#define VFIO_ATTACH     IOC(119)
#define VFIO_DETACH     IOC(120)

#define MAP_RW_FIXED    7u
#define NO_PASID        UINT32_MAX
/* The control region of a device file: PASID, whether to ask for pages. */
#define CONTROL         ((off_t)1 << 62)

typedef struct Case {
    const char *name;
    void (*run)(void);
} Case;

/* The name of the case that runs. */
extern const char *own_case;
/* TAP, each case in a child of its own. Returns main()'s result. */
int own_run(const Case *cases, unsigned count);
/* Ends the case, which cannot be had here. */
__attribute__((noreturn)) void own_skip(const char *why);
/* Ends the case. */
__attribute__((noreturn, format(printf, 3, 4))) void
own_fail(const char *file, int line, const char *format, ...);

#define CHECK(cond)                                                        \
    do {                                                                   \
        if (!(cond)) {                                                     \
            own_fail(__FILE__, __LINE__, "%s (errno %d)", #cond, errno);   \
        }                                                                  \
    } while (0)
/* A call that fails as it should. */
#define CHECK_ERRNO(err, call)                                             \
    do {                                                                   \
        errno = 0;                                                         \
        if ((call) != -1 || errno != (err)) {                              \
            own_fail(__FILE__, __LINE__, "%s: errno %d, not %s", #call,    \
                     errno, #err);                                         \
        }                                                                  \
    } while (0)

int own_open(void);                             /* /dev/iommu */
uint32_t own_ioas(int fd);
void own_map(int fd, uint32_t ioas, void *p, size_t length, uint64_t iova);
/* How many objects the file can be seen to have: the next id less one. */
uint32_t own_next_id(int fd);
int own_device(int iommufd, uint32_t *dev);     /* vfio0, bound */
void own_control(int device, uint32_t pasid, uint32_t ask);
/* A child that does not outlive a case that failed. */
pid_t own_fork(void);
/* What a child returned. */
int own_wait(pid_t pid);
void *own_pages(size_t length);                 /* shared, anonymous */
void *own_wild(void);                           /* nothing is there */

#endif
