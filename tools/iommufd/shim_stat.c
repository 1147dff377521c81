/*
 * The preloaded library: what a descriptor is, which of ours is no socket.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "shim.h"

/* Linux's numbers are as they come: the one that asks for any. */
#define MAJOR  10u
#define MINOR  255u

/* As Linux has devices, and queues, which are of no type. */
static mode_t shim_stat_mode_of(const WireFile *f)
{
    return f->polls ? 0600 : S_IFCHR | 0600;
}

static int shim_stat_corrected(int ret, int fd, struct stat *st)
{
    WireFile file;

    if (ret == 0 && S_ISSOCK(st->st_mode) && wire_file(fd, &file)) {
        st->st_mode = shim_stat_mode_of(&file);
        st->st_rdev = file.polls ? 0 : makedev(MAJOR, MINOR);
    }
    return ret;
}

static bool shim_stat_is_itself(const char *path, int flags)
{
    return (flags & AT_EMPTY_PATH) && (!path || !*path);
}

OURS int fstat(int fd, struct stat *st)
{
    return shim_stat_corrected(real()->fstat(fd, st), fd, st);
}

OURS int fstat64(int fd, struct stat64 *st)
{
    return fstat(fd, (struct stat *)st);
}

OURS int fstatat(int dir, const char *path, struct stat *st, int flags)
{
    int ret = real()->fstatat(dir, path, st, flags);

    return shim_stat_is_itself(path, flags) ?
               shim_stat_corrected(ret, dir, st) :
               ret;
}

OURS int fstatat64(int dir, const char *path, struct stat64 *st, int flags)
{
    return fstatat(dir, path, (struct stat *)st, flags);
}

OURS int statx(int dir, const char *path, int flags, unsigned mask,
               struct statx *st)
{
    int ret = real()->statx(dir, path, flags, mask, st);
    WireFile file;

    if (ret == 0 && shim_stat_is_itself(path, flags) &&
        S_ISSOCK(st->stx_mode) && wire_file(dir, &file)) {
        st->stx_mode = (uint16_t)shim_stat_mode_of(&file);
        st->stx_rdev_major = file.polls ? 0 : MAJOR;
        st->stx_rdev_minor = file.polls ? 0 : MINOR;
    }
    return ret;
}

/* Of programs that were linked before glibc 2.33. */
OURS int __fxstat(int version, int fd, struct stat *st);
OURS int __fxstat(int version, int fd, struct stat *st)
{
    (void)version;
    return fstat(fd, st);
}

OURS int __fxstat64(int version, int fd, struct stat *st);
OURS int __fxstat64(int version, int fd, struct stat *st)
{
    (void)version;
    return fstat(fd, st);
}
