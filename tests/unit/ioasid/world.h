/*
 * A host for unit tests of the ledger half: user memory is an array, the
 * allocator fails when told, time stands still until told.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_UNIT_IOASID_WORLD_H
#define TESTS_UNIT_IOASID_WORLD_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "im/im_ioasid.h"

#define USER_BYTES  0x10000u
#define NEVER_FAIL  UINT_MAX

typedef struct World {
    uint8_t user[USER_BYTES];
    ImIoasid *h;
    ImIoasidCtx *c;
    uint64_t now;
    uint64_t alarm;
    unsigned fail_alloc;        /* after so many more */
    unsigned fail_write;
    size_t blocks;              /* allocated */
    unsigned responses;
    ImPageResp response;        /* the last */
    unsigned invalidations;
    ImAtsInv inv[64];
    unsigned readable;
} World;

static inline void *world_alloc(void *host, size_t bytes)
{
    World *w = host;

    if (w->fail_alloc != NEVER_FAIL && w->fail_alloc-- == 0) {
        w->fail_alloc = NEVER_FAIL;
        return NULL;
    }
    w->blocks++;
    return calloc(1, bytes);
}

static inline void world_free(void *host, void *p, size_t bytes)
{
    World *w = host;

    (void)bytes;
    w->blocks--;
    free(p);
}

static inline int world_read(void *host, void *user, uint64_t addr, void *buf,
                             size_t len)
{
    World *w = host;

    (void)user;
    if (addr > USER_BYTES || len > USER_BYTES - addr) {
        return -EFAULT;
    }
    memcpy(buf, w->user + addr, len);
    return 0;
}

static inline int world_write(void *host, void *user, uint64_t addr,
                              const void *buf, size_t len)
{
    World *w = host;

    (void)user;
    if (w->fail_write != NEVER_FAIL && w->fail_write-- == 0) {
        w->fail_write = NEVER_FAIL;
        return -EFAULT;
    }
    if (addr > USER_BYTES || len > USER_BYTES - addr) {
        return -EFAULT;
    }
    memcpy(w->user + addr, buf, len);
    return 0;
}

static inline int world_pin(void *host, void *user, uint64_t addr, bool write,
                            uint64_t *pa)
{
    (void)host;
    (void)user;
    (void)write;
    *pa = addr;
    return 0;
}

static inline void world_unpin(void *host, void *user, uint64_t addr,
                               uint64_t pa, bool dirty)
{
    (void)host;
    (void)user;
    (void)addr;
    (void)pa;
    (void)dirty;
}

static inline void world_readable(void *host, void *user, ImuRef queue)
{
    World *w = host;

    (void)user;
    (void)queue;
    w->readable++;
}

static inline ImBus world_mem_read(void *host, uint64_t pa, void *buf,
                                   size_t len)
{
    return world_read(host, NULL, pa, buf, len) ? IM_BUS_ERROR : IM_BUS_OK;
}

static inline ImBus world_mem_write(void *host, uint64_t pa, const void *buf,
                                    size_t len)
{
    return world_write(host, NULL, pa, buf, len) ? IM_BUS_ERROR : IM_BUS_OK;
}

static inline ImBus world_cmpxchg(void *host, uint64_t pa, uint64_t *expected,
                                  uint64_t desired)
{
    (void)host;
    (void)pa;
    (void)expected;
    (void)desired;
    return IM_BUS_ERROR;
}

static inline void world_msi(void *host, const ImMsi *msi)
{
    (void)host;
    (void)msi;
}

static inline void world_invalidate(void *host, const ImAtsInv *inv)
{
    World *w = host;

    w->inv[w->invalidations++ % G_N_ELEMENTS(w->inv)] = *inv;
}

static inline void world_response(void *host, const ImPageResp *resp)
{
    World *w = host;

    w->responses++;
    w->response = *resp;
}

static inline uint64_t world_now(void *host)
{
    World *w = host;

    return w->now;
}

static inline void world_deadline(void *host, uint64_t when)
{
    World *w = host;

    w->alarm = when;
}

static inline World *world_new(const ImIoasidConfig *config)
{
    const ImIoasidPort port = {
        .size = sizeof(port),
        .iommu = {
            .size = sizeof(ImPort), .read = world_mem_read,
            .write = world_mem_write, .cmpxchg64 = world_cmpxchg,
            .msi = world_msi, .ats_invalidate = world_invalidate,
            .page_response = world_response, .now = world_now,
            .deadline = world_deadline,
        },
        .alloc = world_alloc, .free = world_free, .user_read = world_read,
        .user_write = world_write, .pin = world_pin, .unpin = world_unpin,
        .readable = world_readable,
    };
    World *w = g_new0(World, 1);

    w->fail_alloc = w->fail_write = NEVER_FAIL;
    w->alarm = IM_NEVER;
    w->h = im_ioasid_new(config, &port, w, NULL);
    g_assert_nonnull(w->h);
    w->c = im_ioasid_open(w->h, 0, NULL);
    g_assert_nonnull(w->c);
    return w;
}

static inline void world_free_all(World *w)
{
    im_ioasid_free(w->h);
    g_assert_cmpuint(w->blocks, ==, 0);
    g_free(w);
}

/* Time passes, and the alarm rings when it must. */
static inline void world_pass(World *w, uint64_t ns)
{
    uint64_t end = w->now + ns;

    while (w->alarm <= end) {
        w->now = MAX(w->now, w->alarm);
        w->alarm = IM_NEVER;
        im_ioasid_deadline(w->h);
    }
    w->now = end;
}

/* Obey; the structure is at 0 of user memory. */
static inline int world_obey_in(World *w, ImIoasidCtx *c, ImuCommand cmd,
                                void *a, size_t size)
{
    int err;
    char *why;

    ((ImuHead *)a)->size = (uint32_t)size;
    memcpy(w->user, a, size);
    err = im_ioasid_command(c, cmd, 0);
    memcpy(a, w->user, size);
    why = im_ioasid_check(w->h);
    g_assert_cmpstr(why, ==, NULL);
    return err;
}

#define obey(w, cmd, a) \
    world_obey_in(w, (w)->c, IMU_CMD_##cmd, a, sizeof(*(a)))

static inline ImuRef set_new(World *w, ImuMapMode mode, ImuPool pool)
{
    ImuSetCreate a = {
        .gpasid_min = mode == IMU_MODE_DELEGATED ? 0 : 1,
        .gpasid_max = mode == IMU_MODE_DELEGATED ? 0 : 0xffff,
        .map_mode = mode, .pool = pool, .user_token = 0x70,
    };

    g_assert_cmpint(obey(w, SET_CREATE, &a), ==, 0);
    return a.set;
}

static inline ImuPasidAlloc pasid_new(World *w, ImuRef set)
{
    ImuPasidAlloc a = { .set = set };

    g_assert_cmpint(obey(w, PASID_ALLOC, &a), ==, 0);
    return a;
}

static inline ImuPasidState pasid_free(World *w, ImuRef set, ImuRef pasid)
{
    ImuPasidFree a = { .set = set, .pasid = pasid };

    g_assert_cmpint(obey(w, PASID_FREE, &a), ==, 0);
    return a.state;
}

static inline ImuPasidQuery pasid_query(World *w, ImuRef set, ImuRef pasid)
{
    ImuPasidQuery a = { .set = set, .pasid = pasid };

    g_assert_cmpint(obey(w, PASID_QUERY, &a), ==, 0);
    return a;
}

static inline void function_new(World *w, uint32_t func, uint32_t group)
{
    const ImIoasidDevice d = {
        .func = func, .group = group, .pri_credit = 4, .pasid_bits = 8,
        .caps = IMU_DEV_CAP_PASID | IMU_DEV_CAP_PRI,
    };

    g_assert_cmpint(im_ioasid_device_add(w->h, &d), ==, 0);
}

static inline ImuRef dev_new(World *w, ImuRef set, uint32_t func)
{
    ImuDevBind a = { .set = set, .func = func, .cookie = 0xc0 };

    g_assert_cmpint(obey(w, DEV_BIND, &a), ==, 0);
    return a.dev;
}

static inline ImuRef space_new(World *w, ImuRef set, ImuSpaceKind kind,
                               ImuRef faultq)
{
    ImuSpaceCreate a = { .set = set, .kind = kind, .faultq = faultq };

    g_assert_cmpint(obey(w, SPACE_CREATE, &a), ==, 0);
    return a.space;
}

static inline int attach(World *w, ImuRef set, ImuRef dev, ImuRef pasid,
                         ImuRef space)
{
    ImuAttach a = {
        .head.flags = pasid.id ? IMU_ATTACH_PASID : 0,
        .set = set, .dev = dev, .pasid = pasid, .space = space,
    };

    return obey(w, ATTACH, &a);
}

static inline int detach(World *w, ImuRef set, ImuRef dev, ImuRef pasid)
{
    ImuDetach a = {
        .head.flags = pasid.id ? IMU_ATTACH_PASID : 0,
        .set = set, .dev = dev, .pasid = pasid,
    };

    return obey(w, DETACH, &a);
}

static inline char *dump(World *w)
{
    GString *s = g_string_new(NULL);

    im_ioasid_dump(w->h, NULL, s);
    return g_string_free(s, FALSE);
}

#endif /* TESTS_UNIT_IOASID_WORLD_H */
