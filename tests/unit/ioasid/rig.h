/*
 * A host for unit tests of the memory half: user memory whose pages are
 * somewhere in physical memory, with every pin counted; allocations, pins
 * and writes fail when told.
 *
 * User address 0 up to ARGS holds the structures of commands.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_UNIT_IOASID_RIG_H
#define TESTS_UNIT_IOASID_RIG_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "im/im_event.h"
#include "im/im_ioasid.h"

#define PAGE        UINT64_C(0x1000)
#define PAGES       1024u
#define USER_BYTES  (PAGES * PAGE)
#define ARGS        UINT64_C(0x8000)
#define RAM         UINT64_C(0x100000000)   /* where physical memory begins */
#define FUNC        0x0100u
#define NEVER_FAIL  UINT_MAX
#define MAX_SENT    4096

typedef struct Rig {
    uint8_t mem[USER_BYTES];        /* physical; user page n is at place[n] */
    uint32_t place[PAGES];
    int pins[PAGES];                /* by physical page */
    ImIoasid *h;
    ImIoasidCtx *c;
    ImuRef set, dev;
    uint64_t now, alarm;
    unsigned fail_alloc, fail_pin, fail_write;
    size_t blocks;
    unsigned sent;
    ImAtsInv inv[MAX_SENT];
    unsigned faults;
    uint64_t fault;                 /* the last one's reason */
} Rig;

static inline uint8_t *rig_user(Rig *r, uint64_t addr)
{
    return &r->mem[r->place[addr / PAGE] * PAGE + addr % PAGE];
}

static inline uint64_t rig_pa(const Rig *r, uint64_t user)
{
    return RAM + r->place[user / PAGE] * PAGE + user % PAGE;
}

static inline bool rig_fails(unsigned *n)
{
    return *n != NEVER_FAIL && (*n)-- == 0 && (*n = NEVER_FAIL, true);
}

static inline void *rig_alloc(void *host, size_t bytes)
{
    Rig *r = host;

    if (rig_fails(&r->fail_alloc)) {
        return NULL;
    }
    r->blocks++;
    return calloc(1, bytes);
}

static inline void rig_release(void *host, void *p, size_t bytes)
{
    Rig *r = host;

    (void)bytes;
    r->blocks--;
    free(p);
}

static inline bool rig_copy(Rig *r, uint64_t addr, void *buf, size_t len,
                            bool out)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t *b;

        if (addr + i >= USER_BYTES) {
            return false;
        }
        b = rig_user(r, addr + i);
        if (out) {
            *b = ((const uint8_t *)buf)[i];
        } else {
            ((uint8_t *)buf)[i] = *b;
        }
    }
    return true;
}

static inline int rig_user_read(void *host, void *user, uint64_t addr,
                                void *buf, size_t len)
{
    (void)user;
    return rig_copy(host, addr, buf, len, false) ? 0 : -EFAULT;
}

static inline int rig_user_write(void *host, void *user, uint64_t addr,
                                 const void *buf, size_t len)
{
    Rig *r = host;

    (void)user;
    if (rig_fails(&r->fail_write)) {
        return -EFAULT;
    }
    return rig_copy(r, addr, (void *)(uintptr_t)buf, len, true) ? 0 : -EFAULT;
}

static inline int rig_pin(void *host, void *user, uint64_t addr, bool write,
                          uint64_t *pa)
{
    Rig *r = host;

    (void)user;
    (void)write;
    g_assert_cmpuint(addr % PAGE, ==, 0);
    if (addr >= USER_BYTES || rig_fails(&r->fail_pin)) {
        return -EFAULT;
    }
    *pa = rig_pa(r, addr);
    r->pins[r->place[addr / PAGE]]++;
    return 0;
}

static inline void rig_unpin(void *host, void *user, uint64_t addr, uint64_t pa,
                             bool dirty)
{
    Rig *r = host;

    (void)user;
    (void)dirty;
    g_assert_cmpuint(pa, ==, rig_pa(r, addr));
    g_assert_cmpint(r->pins[(pa - RAM) / PAGE]--, >, 0);
}

static inline ImBus rig_read(void *host, uint64_t pa, void *buf, size_t len)
{
    Rig *r = host;

    if (pa < RAM || pa - RAM > USER_BYTES - len) {
        return IM_BUS_ERROR;
    }
    g_assert_cmpint(r->pins[(pa - RAM) / PAGE], >, 0);
    memcpy(buf, &r->mem[pa - RAM], len);
    return IM_BUS_OK;
}

static inline ImBus rig_write(void *host, uint64_t pa, const void *buf,
                              size_t len)
{
    (void)host;
    (void)pa;
    (void)buf;
    (void)len;
    g_assert_not_reached();
}

static inline ImBus rig_cmpxchg(void *host, uint64_t pa, uint64_t *expected,
                                uint64_t desired)
{
    Rig *r = host;
    uint64_t was;

    if (rig_read(r, pa, &was, 8) != IM_BUS_OK) {
        return IM_BUS_ERROR;
    }
    if (GUINT64_FROM_LE(was) != *expected) {
        *expected = GUINT64_FROM_LE(was);
        return IM_BUS_RETRY;
    }
    desired = GUINT64_TO_LE(desired);
    memcpy(&r->mem[pa - RAM], &desired, 8);
    return IM_BUS_OK;
}

static inline void rig_msi(void *host, const ImMsi *msi)
{
    (void)host;
    (void)msi;
}

static inline void rig_invalidate(void *host, const ImAtsInv *inv)
{
    Rig *r = host;

    r->inv[r->sent++ % MAX_SENT] = *inv;
}

static inline void rig_response(void *host, const ImPageResp *resp)
{
    (void)host;
    (void)resp;
}

static inline uint64_t rig_now(void *host)
{
    return ((Rig *)host)->now;
}

static inline void rig_deadline(void *host, uint64_t when)
{
    ((Rig *)host)->alarm = when;
}

static inline void rig_event(void *host, const ImEvent *ev)
{
    Rig *r = host;

    if (ev->kind == IM_EVENT_FAULT && !ev->hidden) {
        r->faults++;
        r->fault = ev->arg[0];
    }
}

/* --- commands --------------------------------------------------------- */

static inline int rig_obey(Rig *r, ImuCommand cmd, void *a, size_t size)
{
    int err;
    char *why;

    ((ImuHead *)a)->size = (uint32_t)size;
    rig_copy(r, 0, a, size, true);
    err = im_ioasid_command(r->c, cmd, 0);
    rig_copy(r, 0, a, size, false);
    why = im_ioasid_check(r->h);
    g_assert_cmpstr(why, ==, NULL);
    return err;
}

#define obey(r, cmd, a)  rig_obey(r, IMU_CMD_##cmd, a, sizeof(*(a)))
#define ok(r, cmd, a)  g_assert_cmpint(obey(r, cmd, a), ==, 0)

static inline ImuRef rig_space(Rig *r, ImuSpaceKind kind, uint32_t flags,
                               ImuRef parent, ImuFormat format,
                               const void *data, size_t size)
{
    ImuSpaceCreate a = {
        .head.flags = flags,
        .set = r->set,
        .kind = kind,
        .parent = parent,
        .format = format,
        .data = size ? 0x1000 : 0,
        .data_size = (uint32_t)size,
    };

    if (size) {
        rig_copy(r, 0x1000, (void *)(uintptr_t)data, size, true);
    }
    ok(r, SPACE_CREATE, &a);
    return a.space;
}

static inline ImuRef rig_mapped(Rig *r, uint32_t flags)
{
    return rig_space(r, IMU_SPACE_MAPPED, flags, (ImuRef) { 0 },
                     IMU_FORMAT_NONE, NULL, 0);
}

#define RW  (IMU_PROT_READ | IMU_PROT_WRITE)

static inline int rig_map(Rig *r, ImuRef space, uint32_t flags, uint64_t iova,
                          uint64_t user, uint64_t length)
{
    ImuMap a = {
        .head.flags = flags | IMU_MAP_FIXED,
        .set = r->set,
        .space = space,
        .user = user,
        .length = length,
        .iova = iova,
    };

    return obey(r, MAP, &a);
}

static inline int rig_unmap(Rig *r, ImuRef space, uint64_t iova,
                            uint64_t length)
{
    ImuUnmap a = {
        .set = r->set, .space = space, .iova = iova, .length = length
    };

    return obey(r, UNMAP, &a);
}

static inline int rig_attach(Rig *r, ImuRef pasid, ImuRef space)
{
    ImuAttach a = {
        .head.flags = pasid.id ? IMU_ATTACH_PASID : 0,
        .set = r->set,
        .dev = r->dev,
        .pasid = pasid,
        .space = space,
    };

    return obey(r, ATTACH, &a);
}

static inline int rig_detach(Rig *r, ImuRef pasid)
{
    ImuDetach a = {
        .head.flags = pasid.id ? IMU_ATTACH_PASID : 0,
        .set = r->set,
        .dev = r->dev,
        .pasid = pasid,
    };

    return obey(r, DETACH, &a);
}

static inline ImuPasidAlloc rig_pasid(Rig *r)
{
    ImuPasidAlloc a = { .set = r->set };

    ok(r, PASID_ALLOC, &a);
    return a;
}

static inline int rig_inval(Rig *r, ImuInvGran gran, uint32_t caches,
                            const ImuInvEntry *e)
{
    ImuInvalidate a = {
        .set = r->set,
        .target = IMU_INV_SET,
        .gran = gran,
        .caches = caches,
        .count = e ? 1 : 0,
        .entries = e ? 0x1000 : 0,
        .entry_size = e ? sizeof(*e) : 0,
    };

    if (e) {
        rig_copy(r, 0x1000, (void *)(uintptr_t)e, sizeof(*e), true);
    }
    return obey(r, INVALIDATE, &a);
}

/* --- requests --------------------------------------------------------- */

static inline ImXlat rig_dma(Rig *r, uint32_t pasid, uint64_t addr,
                             ImAccess access)
{
    ImTxn t = {
        .addr = addr,
        .len = 8,
        .pasid = pasid,
        .has_pasid = pasid != 0,
        .rid = FUNC,
        .access = access,
    };

    return im_ioasid_translate(r->h, &t);
}

static inline ImXlat rig_ats(Rig *r, uint32_t pasid, uint64_t addr)
{
    ImTxn t = {
        .addr = addr,
        .len = 8,
        .pasid = pasid,
        .has_pasid = pasid != 0,
        .rid = FUNC,
        .access = IM_READ,
        .at = IM_AT_TRANSLATION,
    };

    return im_ioasid_translate(r->h, &t);
}

static inline ImXlat rig_translated(Rig *r, uint64_t pa, ImAccess access)
{
    ImTxn t = { .addr = pa,
                .len = 8,
                .rid = FUNC,
                .access = access,
                .at = IM_AT_TRANSLATED };

    return im_ioasid_translate(r->h, &t);
}

#define hits(r, pasid, at, pa) do {                                        \
        ImXlat x_ = rig_dma(r, pasid, at, IM_READ);                        \
                                                                           \
        g_assert_cmpint(x_.status, ==, IM_OK);                             \
        g_assert_cmphex(x_.addr, ==, pa);                                  \
    } while (0)

#define misses(r, pasid, at, name) do {                                    \
        ImXlat x_ = rig_dma(r, pasid, at, IM_READ);                        \
                                                                           \
        g_assert_cmpint(x_.status, ==, IM_FAULT);                          \
        g_assert_cmpstr(im_ioasid_fault_name(x_.fault, NULL), ==, name);   \
    } while (0)

/* --- life ------------------------------------------------------------- */

/* Time passes, and the alarm rings when it must. */
static inline void rig_pass(Rig *r, uint64_t ns)
{
    uint64_t end = r->now + ns;

    while (r->alarm <= end) {
        r->now = MAX(r->now, r->alarm);
        r->alarm = IM_NEVER;
        im_ioasid_deadline(r->h);
    }
    r->now = end;
}

static inline Rig *rig_new_reserving(ImuMapMode mode, const ImuRange *range,
                                     unsigned ranges)
{
    const ImIoasidPort port = {
        .size = sizeof(port),
        .iommu = {
            .size = sizeof(ImPort), .read = rig_read, .write = rig_write,
            .cmpxchg64 = rig_cmpxchg, .msi = rig_msi,
            .ats_invalidate = rig_invalidate, .page_response = rig_response,
            .now = rig_now, .deadline = rig_deadline, .event = rig_event,
        },
        .alloc = rig_alloc, .free = rig_release, .user_read = rig_user_read,
        .user_write = rig_user_write, .pin = rig_pin, .unpin = rig_unpin,
    };
    const ImIoasidDevice dev = {
        .func = FUNC,
        .pri_credit = 4,
        .pasid_bits = 20,
        .caps = IMU_DEV_CAP_PASID | IMU_DEV_CAP_ATS | IMU_DEV_CAP_PRI |
                IMU_DEV_CAP_EXEC | IMU_DEV_CAP_PRIV,
        .reserved = range,
        .reserved_count = ranges,
    };
    ImuSetCreate s = {
        .gpasid_min = mode == IMU_MODE_DELEGATED ? 0 : 1,
        .gpasid_max = mode == IMU_MODE_DELEGATED ? 0 : IM_PASID_MAX,
        .map_mode = mode,
    };
    ImuDevBind d = { .func = FUNC, .cookie = 0xc0 };
    Rig *r = g_new0(Rig, 1);

    r->fail_alloc = r->fail_pin = r->fail_write = NEVER_FAIL;
    r->alarm = IM_NEVER;
    for (unsigned i = 0; i < PAGES; i++) {
        /* The upper half of memory is in one piece, the rest in none. */
        r->place[i] = i < PAGES / 2 ? i ^ 5 : i;
    }
    r->h = im_ioasid_new(&IM_IOASID_CONFIG_DEFAULT, &port, r, NULL);
    g_assert_nonnull(r->h);
    g_assert_cmpint(im_ioasid_device_add(r->h, &dev), ==, 0);
    r->c = im_ioasid_open(r->h, IM_IOASID_CTX_DEBUG, NULL);
    g_assert_nonnull(r->c);
    ok(r, SET_CREATE, &s);
    r->set = s.set;
    d.set = r->set;
    ok(r, DEV_BIND, &d);
    r->dev = d.dev;
    return r;
}

static inline Rig *rig_new(ImuMapMode mode)
{
    return rig_new_reserving(mode, NULL, 0);
}

static inline int rig_pinned(const Rig *r)
{
    int n = 0;

    for (unsigned i = 0; i < PAGES; i++) {
        n += r->pins[i];
    }
    return n;
}

static inline void rig_free(Rig *r)
{
    im_ioasid_free(r->h);
    g_assert_cmpuint(r->blocks, ==, 0);
    g_assert_cmpint(rig_pinned(r), ==, 0);
    g_free(r);
}

static inline char *rig_dump(Rig *r)
{
    GString *s = g_string_new(NULL);

    im_ioasid_dump(r->h, NULL, s);
    return g_string_free(s, FALSE);
}

#endif /* TESTS_UNIT_IOASID_RIG_H */
