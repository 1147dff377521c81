/*
 * Why requests were refused, and what page requests lack: sections 4.37 and
 * 9.2 of docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_guest.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define HOLE   20u                  /* a page of guest memory that is absent */
#define ROOT   UINT64_C(0x1000)
#define VA     UINT64_C(0x7000)     /* leads to the hole, */
#define BARE   UINT64_C(0x8000)     /* to nothing, */
#define ASIDE  UINT64_C(0x207000)   /* through a table in the hole */
#define BUF(d)  io_at((d)->io, 50)

typedef struct Desk {
    Io *io;
    ImuRef set, dev, space, q;
    uint32_t g, h;                  /* the PASID, on either side */
} Desk;

static Desk desk_new(ImuMapMode mode)
{
    Desk d = { .io = io_new(NULL) };
    uint64_t next = 0x2000, leaf;
    ImuPasidAlloc p;
    ImuRef parent;

    d.set = io_set(d.io, mode, IMU_POOL_DEVICE);
    d.dev = io_bind(d.io, d.set, 0);
    d.q = io_faultq(d.io, d.set, 0);
    parent = io_mapped(d.io, d.set, IMU_SPACE_PARENT, io_none());
    io_map(d.io, d.set, parent, 0, HOLE, 0);
    leaf = io_vtd_entry(d.io, ROOT, 4, &next, VA, FS_RWU);
    io_guest_set(d.io, leaf, HOLE * IO_PAGE | FS_RWU);
    /* The directory that has the table of VA. */
    io_guest_set(d.io, 0x3000 + 8, HOLE * IO_PAGE | FS_RWU);
    d.space = io_vtd(d.io, d.set, parent, d.q, ROOT, 0);
    p = io_alloc_fixed(d.io, d.set, 77);
    io_attach(d.io, d.set, d.dev, &p.pasid, d.space);
    d.g = p.gpasid;
    g_assert_true(im_ioasid_host_pasid(d.io->h, io_func(0), d.g, &d.h));
    return d;
}

static ImuFaultLog take(Desk *d, ImuFault *f, unsigned room)
{
    ImuFaultLog l = {
        .set = d->set, .faults = BUF(d), .count = room, .fault_size = sizeof(*f)
    };

    RC(io_FAULT_LOG(d->io, &l), 0);
    g_assert_cmpuint(l.count, <=, room);
    io_get(d->io, l.faults, f, l.count * sizeof(*f));
    return l;
}

static ImXlat request(Desk *d, uint32_t pasid, uint64_t addr, ImAccess access)
{
    const ImTxn t = { .rid = (uint16_t)io_func(0),
                      .addr = addr,
                      .len = 1,
                      .access = (uint8_t)access,
                      .has_pasid = pasid != IO_NO_PASID,
                      .pasid = pasid == IO_NO_PASID ? 0 : pasid };

    return im_ioasid_translate(d->io->h, &t);
}

typedef struct WhyRow {
    const char *name;
    uint64_t va;
    ImAccess access;
    const char *code;
    ImuStage stage;
    uint32_t flags;
    uint64_t addr;
} WhyRow;

static const WhyRow whys[] = {
    { "of-the-guest", BARE + 5, IM_WRITE, "ABSENT", IMU_STAGE_GUEST, 0,
      BARE + 5 },
    { "of-the-map", VA + 5, IM_READ, "UNMAPPED", IMU_STAGE_MAP, IMU_FAULT_HOST,
      HOLE *IO_PAGE + 5 },
    { "of-the-map-for-an-entry", ASIDE, IM_READ, "TABLE_UNMAPPED",
      IMU_STAGE_MAP, IMU_FAULT_HOST | IMU_FAULT_ENTRY,
      HOLE *IO_PAGE + (ASIDE >> 12 & 511) * 8 },
    { "of-the-range", UINT64_C(1) << 50, IM_READ, "INPUT_RANGE",
      IMU_STAGE_GUEST, 0, UINT64_C(1) << 50 },
};

static void why(const void *data)
{
    const WhyRow *row = data;
    Desk d = desk_new(IMU_MODE_TRANSLATE);
    ImuFaultLog l;
    ImuFault f;

    d.io->readable = 0;
    RC(request(&d, d.h, row->va, row->access).status, IM_FAULT);
    g_assert_cmpuint(d.io->readable, ==, 1);
    g_assert_true(io_ref_eq(d.io->readable_queue, d.set));
    RC(request(&d, d.h, row->va, row->access).status, IM_FAULT);
    g_assert_cmpuint(d.io->readable, ==, 1);
    l = take(&d, &f, 1);
    g_assert_cmpuint(l.count, ==, 1);
    g_assert_cmpuint(l.pending, ==, 1);
    g_assert_cmphex(f.flags, ==, IMU_FAULT_PASID | row->flags);
    g_assert_cmpuint(f.gpasid, ==, d.g);
    g_assert_cmphex(f.cookie, ==, 0xc00);
    g_assert_true(io_ref_eq(f.dev, d.dev));
    g_assert_true(io_ref_eq(f.space, d.space));
    g_assert_cmphex(f.perm, ==, row->access);
    g_assert_cmphex(f.addr, ==, row->addr);
    g_assert_cmphex(f.request, ==, row->va);
    g_assert_cmpuint(f.stage, ==, row->stage);
    g_assert_cmpstr(im_ioasid_fault_name((uint8_t)f.code, NULL), ==, row->code);
    g_assert_cmpuint(f.ticket, ==, 0);
    g_assert_cmpuint(f.deadline, ==, d.io->r->now);
    io_free(d.io);
}

/* A page request says the same of what it lacks, at the device's address. */
static void why_of_pages(const void *data)
{
    const WhyRow *row = data;
    Desk d = desk_new(IMU_MODE_TRANSLATE);
    ImPageReq req = { .addr = row->va,
                      .pasid = d.h,
                      .rid = io_func(0),
                      .has_pasid = true,
                      .read = row->access & IM_READ,
                      .write = row->access & IM_WRITE,
                      .last = true };
    ImuFaultRead r = { .set = d.set,
                       .queue = d.q,
                       .faults = BUF(&d),
                       .count = 1,
                       .fault_size = sizeof(ImuFault) };
    ImuFault f;

    im_ioasid_page_request(d.io->h, &req);
    RC(io_FAULT_READ(d.io, &r), 0);
    g_assert_cmpuint(r.count, ==, 1);
    io_get(d.io, r.faults, &f, sizeof(f));
    g_assert_cmphex(f.addr, ==, row->va & ~UINT64_C(0xfff));
    g_assert_cmphex(f.request, ==, f.addr);
    g_assert_false(f.flags & IMU_FAULT_HOST);
    g_assert_cmpuint(f.stage, ==, row->stage);
    g_assert_cmpstr(im_ioasid_fault_name((uint8_t)f.code, NULL), ==, row->code);
    io_free(d.io);
}

/* Before any table; the host's number is not the guest's to see. */
static void nobodys_pasid(const void *data)
{
    ImuMapMode mode = GPOINTER_TO_UINT(data);
    Desk d = desk_new(mode);
    ImuFault f;

    RC(request(&d, 500, VA, IM_READ).status, IM_FAULT);
    g_assert_cmpuint(take(&d, &f, 1).count, ==, 1);
    g_assert_cmphex(f.flags, ==, IMU_FAULT_PASID);
    g_assert_cmpuint(f.gpasid, ==, mode == IMU_MODE_TRANSLATE ? 0 : 500);
    g_assert_true(io_ref_eq(f.space, io_none()));
    g_assert_cmpuint(f.stage, ==, IMU_STAGE_NONE);
    g_assert_cmpstr(im_ioasid_fault_name((uint8_t)f.code, NULL), ==,
                    "NO_BINDING");
    io_free(d.io);
}

/* What is answered by a page request is no fault; what ATS refuses is one. */
static void translation_requests(void)
{
    Desk d = desk_new(IMU_MODE_TRANSLATE);
    ImuFault f;

    RC(io_ats(d.io, 0, d.h, BARE, false).status, IM_OK);
    g_assert_cmpuint(take(&d, &f, 1).count, ==, 0);
    RC(io_ats(d.io, 0, IO_NO_PASID, BARE, false).status, IM_FAULT);
    g_assert_cmpuint(take(&d, &f, 1).count, ==, 1);
    g_assert_cmphex(f.perm & IM_PERM_R, ==, IM_PERM_R);
    g_assert_cmphex(f.flags, ==, 0);
    io_free(d.io);
}

/* The oldest are kept; the first that finds room again says that some are
 * missing, and page requests were in nobody's way. */
static void bounded(void)
{
    Desk d = desk_new(IMU_MODE_TRANSLATE);
    ImuFault f[IMU_FAULT_LOG_DEPTH];
    ImuFaultLog l;

    for (unsigned i = 0; i < IMU_FAULT_LOG_DEPTH + 3; i++) {
        RC(request(&d, d.h, BARE + i * IO_PAGE, IM_READ).status, IM_FAULT);
    }
    io_page_request(d.io, 0, d.h, 1, BARE, true);
    g_assert_cmpuint(rig_count(d.io->r, RIG_SEEN_PAGE_RESP), ==, 0);
    l = take(&d, f, 10);
    g_assert_cmpuint(l.count, ==, 10);
    g_assert_cmpuint(l.pending, ==, IMU_FAULT_LOG_DEPTH - 10);
    g_assert_cmphex(f[9].request, ==, BARE + 9 * IO_PAGE);
    request(&d, d.h, VA, IM_READ);
    request(&d, d.h, VA, IM_READ);
    l = take(&d, f, IMU_FAULT_LOG_DEPTH);
    g_assert_cmpuint(l.count, ==, IMU_FAULT_LOG_DEPTH - 8);
    for (unsigned i = 0; i < l.count - 2; i++) {
        g_assert_cmphex(f[i].request, ==, BARE + (i + 10) * IO_PAGE);
        g_assert_false(f[i].flags & IMU_FAULT_LOST);
    }
    g_assert_true(f[l.count - 2].flags & IMU_FAULT_LOST);
    g_assert_false(f[l.count - 1].flags & IMU_FAULT_LOST);
    io_free(d.io);
}

/* Another set reads nothing of it; traffic of a freed PASID is not told. */
static void whose(void)
{
    Desk d = desk_new(IMU_MODE_TRANSLATE);
    Desk other = d;
    ImuFault f;

    other.set = io_set(d.io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    RC(request(&d, d.h, BARE, IM_READ).status, IM_FAULT);
    g_assert_cmpuint(take(&other, &f, 1).count, ==, 0);
    g_assert_cmpuint(take(&d, &f, 1).count, ==, 1);
    io_free(d.io);
}

/* First-edition callers have 64 bytes each, newer ones what they say. */
static void sizes(void)
{
    static const struct {
        uint32_t size;
        int rc;
        uint32_t apart, known;
    } rows[] = {
        { 0, 0, 64, 64 },
        { 64, 0, 64, 64 },
        { 72, 0, 72, 72 },
        { 80, 0, 80, 80 },
        { 96, 0, 96, 80 },
        { 63, -EINVAL, 0, 0 },
        { 1, -EINVAL, 0, 0 },
        { IMU_SIZE_MAX + 1, -E2BIG, 0, 0 },
        { UINT32_MAX, -E2BIG, 0, 0 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        Desk d = desk_new(IMU_MODE_TRANSLATE);
        ImuFaultLog l = { .set = d.set,
                          .faults = BUF(&d),
                          .count = 2,
                          .fault_size = rows[i].size };
        uint8_t raw[256], want[256];

        memset(raw, 0xee, sizeof(raw));
        io_put(d.io, BUF(&d), raw, sizeof(raw));
        request(&d, d.h, BARE, IM_READ);
        request(&d, d.h, VA, IM_READ);
        RC(io_FAULT_LOG(d.io, &l), rows[i].rc);
        io_get(d.io, BUF(&d), raw, sizeof(raw));
        if (rows[i].rc) {
            g_assert_cmphex(raw[0], ==, 0xee);
        } else {
            const uint32_t at = rows[i].apart;
            ImuFault f = { 0 };

            memcpy(&f, raw + at, rows[i].known);
            g_assert_cmphex(f.addr, ==, HOLE * IO_PAGE);
            g_assert_cmpuint(f.stage, ==,
                             rows[i].known > 64 ? IMU_STAGE_MAP : 0);
            memset(want, 0xee, sizeof(want));
            g_assert_cmpmem(raw + at + rows[i].known, 256 - at - rows[i].known,
                            want, 256 - at - rows[i].known);
        }
        io_free(d.io);
    }
}

static void wild(void)
{
    Desk d = desk_new(IMU_MODE_TRANSLATE);
    ImuFault f[2];

    request(&d, d.h, BARE, IM_READ);
    RC(IO(d.io, FAULT_LOG, ImuFaultLog, .set = d.set, .faults = IO_WILD,
          .count = 4),
       -EFAULT);
    RC(IO(d.io, FAULT_LOG, ImuFaultLog, .set = d.set, .count = 4,
          .faults = io_at(d.io, IO_RO_PAGE)),
       -EFAULT);
    g_assert_cmpuint(take(&d, f, 2).count, ==, 1);
    io_free(d.io);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(whys); i++) {
        g_autofree char *page = g_strconcat("page/", whys[i].name, NULL);

        spec_row(IOASID_CODES, whys[i].name, why, &whys[i]);
        spec_row(IOASID_CODES, page, why_of_pages, &whys[i]);
    }
    spec_row(IOASID_CODES, "nobodys-pasid", nobodys_pasid,
             GUINT_TO_POINTER(IMU_MODE_TRANSLATE));
    spec_row(IOASID_CODES, "nobodys-pasid-identity", nobodys_pasid,
             GUINT_TO_POINTER(IMU_MODE_IDENTITY));
    spec_test(IOASID_CODES, "translation-requests", translation_requests);
    spec_test(IOASID_CODES, "bounded", bounded);
    spec_test(IOASID_CODES, "whose", whose);
    spec_test(IOASID_CMD_FAULT_LOG, "sizes", sizes);
    spec_test(IOASID_CMD_FAULT_LOG, "wild", wild);
    return g_test_run();
}
