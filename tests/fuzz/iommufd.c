/*
 * Random commands of iommufd, with devices, queues, accesses and failures:
 * whatever comes, what must hold holds, and nothing is left over.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "im/im_iommufd_dev.h"
#include "lib/fuzz.h"
#include "lib/iof.h"

#define PAGE     UINT64_C(4096)
#define USER     UINT64_C(0x40000000)
#define PAGES    32
#define DEVICES  4
#define FUNC     0x100u
#define WORDS    8              /* of a command */

typedef struct World {
    Fuzz f;
    FakeHost *h;
    FakeMemory *memory;
    FakeSource *process;
    int32_t fd;                 /* of the memory */
    ImIommufdCaller caller;
    ImIommufdFile *file;
    uint32_t dev[DEVICES];      /* 0: not bound */
    ImIommufdAccess *access;
    uint64_t own[64];           /* what commands may be and point at */
    uint64_t pinned, length;    /* by the access */
    uint32_t itags[DEVICES];    /* invalidations to be answered */
} World;

/* --- what the host does ------------------------------------------------- */

static void owe(void *opaque, const ImAtsInv *inv)
{
    *(uint32_t *)opaque |= 1u << inv->itag;
}

static void answered(void *opaque, const ImPageResp *resp)
{
    (void)opaque;
    g_assert_cmpuint(resp->prgi, <, 512);
}

static void let_go(void *opaque, uint64_t iova, uint64_t length)
{
    World *w = opaque;

    if (w->length && w->pinned <= iova + (length - 1) &&
        w->pinned + (w->length - 1) >= iova) {
        im_iommufd_access_unpin(w->access, w->pinned, w->length);
        w->length = 0;
    }
}

static void make_devices(World *w)
{
    static const ImIommufdDriver *const drivers[DEVICES] = {
        &im_iommufd_vtd,
        &im_iommufd_vtd,
        &im_iommufd_smmuv3,
        &im_iommufd_none,
    };

    for (uint32_t i = 0; i < DEVICES; i++) {
        bool plain = drivers[i] == &im_iommufd_none;
        /* clang-format off */
        ImIommufdDevice d = {
            .driver = drivers[i], .opaque = &w->itags[i],
            .backend = { .func = FUNC + i, .group = i, .pri_credit = 8,
                         .caps = plain ? 0 : IMU_DEV_CAP_PASID |
                                 IMU_DEV_CAP_ATS | IMU_DEV_CAP_PRI,
                         .pasid_bits = plain ? 0 : 8 },
            .iommu = i / 2, .pasid_bits = plain ? 0 : 8, .inside = true,
            .ats_invalidate = owe, .page_response = answered,
        };
        /* clang-format on */

        g_assert_cmpint(im_iommufd_device_add(w->h->f, &d), ==, 0);
    }
}

static World *begin(void)
{
    static const ImIommufdAccessOps ops = { true, let_go };
    World *w = g_new0(World, 1);
    uint32_t id;

    w->h = fake_new(12);
    w->memory = fake_memory(w->h, PAGES);
    w->process = fake_process(w->h);
    fake_mmap(w->process, USER, w->memory, 0, PAGES * PAGE, false);
    fake_file(w->h, w->memory, &w->fd);
    w->caller = fake_caller(w->process);
    w->caller.may_lock = false;
    w->caller.memlock = 100 * PAGE;
    w->file = im_iommufd_open(w->h->f);
    make_devices(w);
    g_assert_cmpint(im_iommufd_access_new(w->file, &ops, w, &w->access, &id),
                    ==, 0);
    fake_ioas(w->file, &w->caller);
    for (uint32_t i = 0; i < DEVICES; i++) {
        g_assert_cmpint(im_iommufd_bind(w->file, FUNC + i, &w->dev[i]), ==, 0);
    }
    w->h->own = w->own;
    w->h->own_length = sizeof(w->own);
    return w;
}

static void end(World *w)
{
    w->h->fail_in = 0;
    im_iommufd_access_free(w->access);
    for (unsigned i = 0; i < DEVICES; i++) {
        im_iommufd_unbind(w->file, w->dev[i]);
    }
    for (guint i = 0; i < w->h->queues->len; i++) {
        im_iommufd_queue_close(w->h->queues->pdata[i]);
    }
    im_iommufd_drop(w->file);
    fake_free(w->h);
    g_free(w);
}

/* --- commands ----------------------------------------------------------- */

/* A word that may mean something: numbers, flags, addresses, lengths. */
static uint64_t word(World *w)
{
    Fuzz *f = &w->f;

    switch (fuzz_below(f, 13)) {
    case 12:
        return fake_addr(w->own + fuzz_below(f, 64));
    case 0:
        return fuzz_u64(f);
    case 1:
        return UINT64_MAX - fuzz_below(f, 3);
    case 2:
    case 3:
        return USER + fuzz_below(f, PAGES + 2) * PAGE;
    case 4:
    case 5:
        return (1 + fuzz_below(f, 8)) * PAGE;
    case 6:
        return fuzz_below(f, 16) * PAGE + 0x2000000;
    case 7:
        return fuzz_below(f, 16) << 32 | (fuzz_below(f, 16));
    case 8:
        return 0;
    default:
        return fuzz_below(f, 12) << 32 | (1 + fuzz_below(f, 7));
    }
}

/*
 * What is in a structure after its size: a letter for each member, 64 bits
 * wide if it is a capital. An exchange of random members makes the rest.
 */
/* clang-format off */
static const struct Form {
    uint8_t nr;
    const char *members;
} forms[] = {
    { 0x80, "i" }, { 0x81, "zz" }, { 0x82, "anzP" },
    { 0x83, "faaLVV" }, { 0x84, "anzPZ" }, { 0x85, "fazULV" },
    { 0x85, "fazULV" }, { 0x86, "aVL" }, { 0x87, "bboN" }, { 0x88, "an" },
    { 0x89, "hdpzztlPiz" }, { 0x89, "zdpzztlPzz" }, { 0x89, "zdvzztlPzz" },
    { 0x89, "hdazzzzZzz" }, { 0x89, "hdazzzzZiz" }, { 0x8a, "zdlPzzZ" },
    { 0x8b, "bpz" }, { 0x8c, "pbzVLKP" }, { 0x8d, "cPblnz" },
    { 0x8d, "vPblnz" }, { 0x8e, "zzz" }, { 0x8f, "fagSLV" },
    { 0x90, "zbdpzzzZ" }, { 0x90, "zbdpzlzP" }, { 0x91, "vdzN" },
    { 0x92, "z" }, { 0x93, "zvtnzzz" }, { 0x94, "zvtnzVL" },
    { 0x95, "zazVLZ" },
};
/* clang-format on */

/* An object of a kind, by its name; or none. */
static uint32_t some(World *w, const char *kind)
{
    uint32_t id[32];
    unsigned n = 0;

    for (IofObject *o = im_iof_object_next(w->file, 0);
         o && n < G_N_ELEMENTS(id); o = im_iof_object_next(w->file, o->id)) {
        if (!strcmp(o->kind->name, kind)) {
            id[n++] = o->id;
        }
    }
    return n && !fuzz_one_in(&w->f, 30) ? id[fuzz_below(&w->f, n)] :
                                          (uint32_t)fuzz_below(&w->f, 24);
}

static uint64_t member(World *w, char letter)
{
    static const uint8_t hwpt[] = { 0, 0, 1, 1, 2, 4, 8, 9, 10 };
    static const uint8_t lengths[] = { 8, 16, 24, 32 };
    Fuzz *f = &w->f;

    switch (letter) {
    case 'i':
    case 'o':
        return 1 + fuzz_below(f, 24);
    case 'a':
        return some(w, "IOAS");
    case 'p':
        return some(w, "hwpt");
    case 'c':
        return some(w, "nested hwpt");
    case 'v':
        return some(w, "viommu");
    case 'n':
    case 'N':
        return fuzz_below(f, 4);
    case 'b':
        return fuzz_below(f, 2);
    case 'f':
        return 1 + fuzz_below(f, 7);
    case 'g':
        return (uint64_t)w->fd;
    case 'h':
        return hwpt[fuzz_below(f, sizeof(hwpt))];
    case 'd':
        return w->dev[fuzz_below(f, DEVICES)];
    case 't':
        return 1 + fuzz_below(f, 2);
    case 'l':
        return lengths[fuzz_below(f, sizeof(lengths))];
    case 'P':
        return fake_addr(w->own + 16);
    case 'U':
        return USER + fuzz_below(f, PAGES) * PAGE;
    case 'S':
        return fuzz_below(f, PAGES) * PAGE;
    case 'L':
        return (1 + fuzz_below(f, 6)) * PAGE;
    case 'K':
        return PAGE;
    case 'V':
        return 0x2000000 + fuzz_below(f, 16) * PAGE;
    default:
        return 0;
    }
}

/* What a structure points at: guests' tables, invalidations, ranges. */
static void fill_payload(World *w)
{
    /* clang-format off */
    static const uint64_t known[][3] = {
        { 0x2000000 | 5 << 1 | 1 }, { 4 << 1 | 1 }, { 1 }, { 0 },
        { 0, 0x2000000, 48 }, { 0, 0x2001000, 57 }, { 1, 0x2000000, 48 },
        { 0, UINT64_MAX }, { 0x2000000, 3, 1 }, { 0x30 }, { 0x11 },
        { 0x40, 0x2000000 }, { 0x04 }, { 0x100000, 0x1fffff },
    };
    /* clang-format on */
    const uint64_t *p = known[fuzz_below(&w->f, G_N_ELEMENTS(known))];

    for (unsigned i = 16; i < G_N_ELEMENTS(w->own); i++) {
        w->own[i] = i < 19 ? p[i - 16] : i < 24 ? 0 : word(w);
    }
    if (fuzz_one_in(&w->f, 4)) {
        w->own[16 + fuzz_below(&w->f, 3)] = word(w);
    }
}

/* Its bytes, from the size on. */
static uint32_t fill(World *w, const char *members)
{
    uint8_t *at = (uint8_t *)w->own + 4;

    memset(w->own, 0, 16 * sizeof(w->own[0]));
    fill_payload(w);
    for (; *members; members++) {
        uint64_t v = fuzz_one_in(&w->f, 30) ? word(w) : member(w, *members);
        unsigned n = g_ascii_isupper(*members) ? 8 : 4;

        memcpy(at, &v, n);
        at += n;
    }
    return (uint32_t)(at - (uint8_t *)w->own);
}

static void command(World *w)
{
    const struct Form *form = &forms[fuzz_below(&w->f, G_N_ELEMENTS(forms))];
    uint32_t size = fill(w, form->members);

    if (form->nr == IOF_NR_IOAS_ALLOC && !fuzz_one_in(&w->f, 8)) {
        return;                 /* few that are used much */
    }
    fake_ioctl(w->file, &w->caller, form->nr, w->own, size);
}

/* VFIO's, and any number and size there is. */
static void any_command(World *w)
{
    uint32_t nr = fuzz_one_in(&w->f, 2) ? 100 + fuzz_below(&w->f, 18) :
                                          (uint32_t)fuzz_below(&w->f, 256);
    uint32_t size = fuzz_one_in(&w->f, 2) ?
                        32 :
                        (uint32_t)fuzz_below(&w->f, WORDS * 8 + 1);

    for (unsigned i = 0; i < WORDS; i++) {
        w->own[i] = word(w);
    }
    w->own[0] = fuzz_below(&w->f, 4) << 32;
    if (nr == 100 + 2) {
        im_iommufd_ioctl(w->file, &w->caller, IOF_REQUEST(nr),
                         fuzz_below(&w->f, 4));
    } else {
        fake_ioctl(w->file, &w->caller, nr, w->own, size);
    }
}

static void bind(World *w)
{
    uint32_t i = (uint32_t)fuzz_below(&w->f, DEVICES);

    if (w->dev[i] && fuzz_one_in(&w->f, 20)) {
        im_iommufd_unbind(w->file, w->dev[i]);
        w->dev[i] = 0;
    } else if (!w->dev[i] && im_iommufd_bind(w->file, FUNC + i, &w->dev[i])) {
        w->dev[i] = 0;
    }
}

static uint32_t some_pasid(World *w)
{
    return fuzz_one_in(&w->f, 2) ? IM_IOMMUFD_NO_PASID :
                                   (uint32_t)fuzz_below(&w->f, 4);
}

static void attach(World *w)
{
    uint32_t id = w->dev[fuzz_below(&w->f, DEVICES)];
    uint32_t pt = some(w, fuzz_one_in(&w->f, 3) ? "IOAS" :
                          fuzz_one_in(&w->f, 2) ? "hwpt" :
                                                  "nested hwpt");
    uint32_t pasid = some_pasid(w);

    switch (fuzz_below(&w->f, 3)) {
    case 0:
        im_iommufd_attach(w->file, id, pasid, &pt);
        break;
    case 1:
        im_iommufd_replace(w->file, id, pasid, &pt);
        break;
    default:
        im_iommufd_detach(w->file, id, pasid);
    }
}

static void device(World *w)
{
    uint32_t i = (uint32_t)fuzz_below(&w->f, DEVICES);
    uint32_t pasid = some_pasid(w);
    bool has_pasid = pasid != IM_IOMMUFD_NO_PASID;
    ImIoasid *h = im_iommufd_backend(w->h->f);
    ImTxn t = { .rid = (uint16_t)(FUNC + i),
                .len = 8,
                .addr = 0x2000000 + fuzz_below(&w->f, 16) * PAGE,
                .access = (uint8_t)(1 + fuzz_below(&w->f, 2)),
                .at = (uint8_t)fuzz_below(&w->f, 2),
                .has_pasid = has_pasid,
                .pasid = has_pasid ? pasid : 0 };
    ImPageReq r = { .rid = t.rid,
                    .addr = t.addr,
                    .read = true,
                    .last = true,
                    .prgi = (uint16_t)fuzz_below(&w->f, 16),
                    .has_pasid = has_pasid,
                    .pasid = t.pasid };

    im_ioasid_translate(h, &t);
    if (fuzz_one_in(&w->f, 4)) {
        im_ioasid_page_request(h, &r);
    }
    if (fuzz_one_in(&w->f, 2)) {
        im_ioasid_ats_inv_done(h, t.rid, w->itags[i], 1);
        w->itags[i] = 0;
    }
}

static void queue(World *w)
{
    uint8_t *buf = (uint8_t *)w->own;
    ImIommufdQueue *q;

    if (!w->h->queues->len) {
        return;
    }
    q = w->h->queues->pdata[fuzz_below(&w->f, w->h->queues->len)];
    for (unsigned i = 0; i < sizeof(w->own); i++) {
        buf[i] = (uint8_t)(fuzz_one_in(&w->f, 4) ? fuzz_u64(&w->f) : 0);
    }
    if (fuzz_one_in(&w->f, 2)) {
        im_iommufd_queue_read(q, &w->caller, fake_addr(buf),
                              fuzz_below(&w->f, 10) * 8, 0);
    } else {
        im_iommufd_queue_write(q, &w->caller, fake_addr(buf),
                               fuzz_below(&w->f, 5) * 8, 0);
    }
}

static void use_access(World *w)
{
    uint64_t iova = 0x2000000 + fuzz_below(&w->f, 16) * PAGE;
    uint64_t length = 1 + fuzz_below(&w->f, 4 * PAGE);
    uint32_t flags = (uint32_t)fuzz_below(&w->f, 2);
    uint8_t buf[4 * 4096];
    ImIommufdPage page[5];

    memset(buf, 0, sizeof(buf));
    switch (fuzz_below(&w->f, 5)) {
    case 0:
        im_iommufd_access_attach(w->access, (uint32_t)fuzz_below(&w->f, 8));
        break;
    case 1:
        im_iommufd_access_replace(w->access, (uint32_t)fuzz_below(&w->f, 8));
        break;
    case 2:
        im_iommufd_access_detach(w->access);
        break;
    case 3:
        im_iommufd_access_rw(w->access, iova, buf, length, flags);
        break;
    default:
        if (!w->length &&
            !im_iommufd_access_pin(w->access, iova, length, flags, page)) {
            w->pinned = iova;
            w->length = length;
        }
    }
}

/* clang-format off */
static void (*const acts[])(World *) = {
    command, command, command, command, command, command, any_command,
    bind, attach, attach, device, device, queue, use_access,
};
/* clang-format on */

static void test(void)
{
    Fuzz f = fuzz_new(20000);

    while (f.rounds) {
        World *w = begin();

        w->f = f;
        for (unsigned i = 0; i < 400 && w->f.rounds; i++, w->f.rounds--) {
            w->h->fail_in = fuzz_one_in(&w->f, 6) ?
                                1 + (int)fuzz_below(&w->f, 6) :
                                0;
            w->process->gone = fuzz_one_in(&w->f, 20);
            w->h->install_fails = fuzz_one_in(&w->f, 20);
            acts[fuzz_below(&w->f, G_N_ELEMENTS(acts))](w);
            w->h->fail_in = 0;
            w->h->now += fuzz_below(&w->f, 1000000);
            if (i % 8 == 0) {
                fake_check(w->h);
            }
        }
        f = w->f;
        end(w);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fuzz/iommufd", test);
    return g_test_run();
}
