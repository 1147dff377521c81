/*
 * What a guest's own tables may be, of VT-d's first stage and of Arm's stage
 * 1: sections 4.12, 6 and 7 of docs/uapi.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_guest.h"
#include "lib/smmu_build.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define P  UINT64_C(4096)

/* One device, one parent that is all of memory. */
typedef struct Lab {
    Io *io;
    ImuRef set, dev, parent;
} Lab;

static Lab lab_new(ImuMapMode mode)
{
    Lab l = { .io = io_new(NULL) };

    l.set = io_set(l.io, mode, IMU_POOL_DEVICE);
    l.dev = io_bind(l.io, l.set, 0);
    l.parent = io_parent(l.io, l.set, 0);
    return l;
}

static void attach(Lab *l, ImuRef space)
{
    io_attach(l->io, l->set, l->dev, NULL, space);
}

static void leads(Lab *l, uint32_t pasid, uint64_t va, uint64_t gpa)
{
    ImXlat x = io_dma(l->io, 0, pasid, va, IM_READ);

    RC(x.status, IM_OK);
    g_assert_cmphex(x.addr, ==, io_pa(l->io, 0) + gpa);
}

static void fault_is(const ImXlat *x, const char *name)
{
    RC(x->status, IM_FAULT);
    RC(x->cpl, IM_CPL_UR);
    g_assert_cmpstr(im_ioasid_fault_name(x->fault, NULL), ==, name);
}

static void fails(Lab *l, uint32_t pasid, uint64_t va, const char *name)
{
    ImXlat x = io_dma(l->io, 0, pasid, va, IM_READ);

    fault_is(&x, name);
}

static void invalidate(Lab *l, uint64_t va, uint64_t length)
{
    uint64_t buf = io_at(l->io, 50);
    ImuInvEntry e = { .flags = IMU_INV_NO_PASID, .addr = va, .length = length };

    io_put(l->io, buf, &e, sizeof(e));
    RC(IO(l->io, INVALIDATE, ImuInvalidate, .set = l->set,
          .target = IMU_INV_SET, .gran = IMU_GRAN_RANGE,
          .caches = IMU_CACHE_IOTLB, .entry_size = sizeof(e), .entries = buf,
          .count = 1),
       0);
}

/* --- granules ----------------------------------------------------------- */

typedef struct Granule {
    const char *name;
    IoCd cd;
    uint64_t next;              /* tables below the root */
    uint64_t page[2];           /* data */
} Granule;

#define K  UINT64_C(1024)

/* clang-format off */
static const Granule granules[] = {
    { "4k", { .root = 16 * K, .g = 12, .bits = 39 }, 20 * K,
      { 64 * K, 68 * K } },
    { "16k", { .root = 16 * K, .g = 14, .bits = 36 }, 32 * K,
      { 64 * K, 80 * K } },
    { "64k", { .root = 16 * K, .g = 16, .bits = 30 }, 64 * K,
      { 128 * K, 192 * K } },
    { "64k-of-one-level", { .root = 32 * K, .g = 16, .bits = 25 }, 0,
      { 64 * K, 128 * K } },
};
/* clang-format on */

static void granule(const void *data)
{
    const Granule *row = data;
    uint64_t size = UINT64_C(1) << row->cd.g;
    uint64_t va = size * 7, next = row->next;
    IoSte ste = { .cds = 8 * K };
    Lab l = lab_new(IMU_MODE_TRANSLATE);
    /* The last data page of 64 KiB ends beyond what may be mapped. */
    uint64_t end = MIN(size, (IO_RO_PAGE * P - row->page[1])) - 8;

    io_cd(l.io, ste.cds, &row->cd);
    io_arm_map(l.io, &row->cd, &next, va, row->page[0]);
    attach(&l,
           io_smmu(l.io, l.set, IMU_SPACE_NESTED, l.parent, io_none(), &ste));
    leads(&l, IO_NO_PASID, va, row->page[0]);
    leads(&l, IO_NO_PASID, va + size - 8, row->page[0] + size - 8);
    fails(&l, IO_NO_PASID, va - 8, "ABSENT");
    fails(&l, IO_NO_PASID, va + size, "ABSENT");
    fails(&l, IO_NO_PASID, UINT64_C(1) << row->cd.bits, "INPUT_RANGE");
    /* A page goes with whatever of it is invalidated, and none else. */
    leads(&l, IO_NO_PASID, va + end, row->page[0] + end);
    io_arm_map(l.io, &row->cd, &next, va, row->page[1]);
    invalidate(&l, va + size, size);
    invalidate(&l, va - 1, 1);
    leads(&l, IO_NO_PASID, va + end, row->page[0] + end);
    invalidate(&l, va + size - 1, 1);
    leads(&l, IO_NO_PASID, va + end, row->page[1] + end);
    leads(&l, IO_NO_PASID, va, row->page[1]);
    io_free(l.io);
}

/* --- tables of context descriptors -------------------------------------- */

typedef struct CdTable {
    const char *name;
    IoSte ste;
    uint64_t leaf[2];           /* two levels: of the first and the last */
    uint32_t ssid[3];
    uint32_t absent;            /* its leaf is not there */
} CdTable;

static const CdTable cd_tables[] = {
    { "linear", { .cds = 64 * K, .cdmax = 8 }, { 0 }, { 1, 63, 255 }, 0 },
    { "leaves-of-4k",
      { .cds = 64 * K, .cdmax = 8, .fmt = 1 },
      { 72 * K, 80 * K },
      { 1, 63, 194 },
      64 },
    { "leaves-of-64k",
      { .cds = 16 * K, .cdmax = 12, .fmt = 2 },
      { 64 * K, 128 * K },
      { 1, 1023, 3 * 1024 + 65 },
      1024 },
};

static uint64_t cd_at(const CdTable *row, uint32_t ssid)
{
    unsigned leaf = row->ste.fmt == 1 ? 6 : 10;

    return !row->ste.fmt ? row->ste.cds + 64 * ssid :
                           row->leaf[ssid >> leaf ? 1 : 0] +
                               64 * (ssid & ((1u << leaf) - 1));
}

static void cd_table(const void *data)
{
    const CdTable *row = data;
    Lab l = lab_new(IMU_MODE_DELEGATED);
    unsigned leaf = row->ste.fmt == 1 ? 6 : 10;

    if (row->ste.fmt) {
        io_cd_leaf(l.io, row->ste.cds, 0, row->leaf[0]);
        io_cd_leaf(l.io, row->ste.cds, row->ssid[2] >> leaf, row->leaf[1]);
    }
    for (unsigned i = 0; i < 3; i++) {
        IoCd cd = { .root = (20 + 4 * i) * K,
                    .g = 12,
                    .bits = 21,
                    .asid = (uint16_t)(i + 1) };

        io_cd(l.io, cd_at(row, row->ssid[i]), &cd);
        io_arm_map(l.io, &cd, NULL, 5 * P, (48 + i) * P);
    }
    attach(&l, io_smmu(l.io, l.set, IMU_SPACE_PASID_TABLE, l.parent, io_none(),
                       &row->ste));
    for (unsigned i = 0; i < 3; i++) {
        leads(&l, row->ssid[i], 5 * P, (48 + i) * P);
    }
    fails(&l, row->ssid[0] + 1, 5 * P, "CD_BAD");
    fails(&l, 1u << row->ste.cdmax, 5 * P, "PASID_OFF");
    if (row->absent) {
        fails(&l, row->absent, 5 * P, "PASID_OFF");
    }
    /* The table itself goes through the parent. */
    RC(IO(l.io, UNMAP, ImuUnmap, .set = l.set, .space = l.parent,
          .length = UINT64_MAX),
       0);
    io_inv_all(l.io, l.set, IMU_INV_SET, io_none(), IMU_CACHE_PASID);
    fails(&l, row->ssid[0], 5 * P, "CD_FETCH");
    io_free(l.io);
}

/* A nested space has the CD of SubstreamID 0, of the first leaf. */
static void nested_has_the_first_cd(void)
{
    Lab l = lab_new(IMU_MODE_TRANSLATE);
    IoCd cd = { .root = 20 * K, .g = 12, .bits = 21 };
    ImuPasidAlloc p = io_alloc(l.io, l.set);

    for (unsigned dss = 0; dss < 3; dss++) {
        IoSte ste = { .cds = 64 * K, .cdmax = 8, .fmt = 1, .dss = dss };
        ImuRef s;

        io_cd_leaf(l.io, ste.cds, 0, 72 * K);
        io_cd(l.io, 72 * K, &cd);
        io_arm_map(l.io, &cd, NULL, 5 * P, 48 * P);
        s = io_smmu(l.io, l.set, IMU_SPACE_NESTED, l.parent, io_none(), &ste);
        attach(&l, s);
        io_attach(l.io, l.set, l.dev, &p.pasid, s);
        leads(&l, IO_NO_PASID, 5 * P, 48 * P);
        leads(&l, 1, 5 * P, 48 * P);
        RC(io_detach(l.io, l.set, l.dev, NULL), 0);
        RC(io_detach(l.io, l.set, l.dev, &p.pasid), 0);
    }
    io_free(l.io);
}

/* S1DSS: what requests without PASID are, and whose SubstreamID 0 is. */
typedef struct Dss {
    const char *name;
    unsigned dss;
    const char *without, *zero; /* fault, or NULL */
    uint64_t to;                /* where 5 * P leads without PASID */
} Dss;

static const Dss dss_rows[] = {
    { "terminates", 0, "PASID_OFF", NULL, 0 },
    { "bypasses", 1, NULL, NULL, 5 * 4096 },
    { "is-substream-0", 2, NULL, "PASID_OFF", 48 * 4096 },
};

static void s1dss(const void *data)
{
    const Dss *row = data;
    Lab l = lab_new(IMU_MODE_DELEGATED);
    IoSte ste = { .cds = 64 * K, .cdmax = 4, .dss = row->dss };
    IoCd cd = { .root = 24 * K, .g = 12, .bits = 21 };

    io_cd(l.io, ste.cds, &cd);
    io_arm_map(l.io, &cd, NULL, 5 * P, 48 * P);
    attach(&l, io_smmu(l.io, l.set, IMU_SPACE_PASID_TABLE, l.parent, io_none(),
                       &ste));
    for (unsigned i = 0; i < 2; i++) {      /* read, and cached */
        if (row->without) {
            fails(&l, IO_NO_PASID, 5 * P, row->without);
        } else {
            leads(&l, IO_NO_PASID, 5 * P, row->to);
        }
        if (row->zero) {
            fails(&l, 0, 5 * P, row->zero);
        } else {
            leads(&l, 0, 5 * P, 48 * P);
        }
    }
    io_free(l.io);
}

/* EATS 0 is NO_ATS. */
static void eats(void)
{
    for (unsigned on = 0; on < 2; on++) {
        Lab l = lab_new(IMU_MODE_TRANSLATE);
        IoSte ste = { .cds = 64 * K, .ats = on };
        IoCd cd = { .root = 24 * K, .g = 12, .bits = 21 };
        ImXlat x;

        io_cd(l.io, ste.cds, &cd);
        io_arm_map(l.io, &cd, NULL, 5 * P, 48 * P);
        attach(&l, io_smmu(l.io, l.set, IMU_SPACE_NESTED, l.parent, io_none(),
                           &ste));
        for (unsigned i = 0; i < 2; i++) {
            leads(&l, IO_NO_PASID, 5 * P, 48 * P);
            x = io_ats(l.io, 0, IO_NO_PASID, 5 * P, IM_READ);
            if (on) {
                RC(x.status, IM_OK);
                g_assert_cmphex(x.perm, ==, IM_PERM_R);
            } else {
                fault_is(&x, "ATS_OFF");
            }
        }
        io_free(l.io);
    }
}

/* --- VT-d --------------------------------------------------------------- */

#define ROOT   (16 * K)
#define DATA   (48 * P)

static ImXlat privileged(Lab *l, uint64_t va, ImAccess access)
{
    ImTxn t = { .addr = va,
                .len = 8,
                .rid = io_func(0),
                .access = access,
                .has_pasid = true,
                .pasid = 1,
                .priv = true };

    return im_ioasid_translate(l->io->h, &t);
}

/* A table of one page with the flags, in a space with its own, attached as
 * PASID 1. */
static Lab first_stage(unsigned levels, uint64_t va, uint64_t flags,
                       uint32_t space_flags)
{
    Lab l = lab_new(IMU_MODE_TRANSLATE);
    ImuPasidAlloc p = io_alloc(l.io, l.set);
    uint64_t next = ROOT + P;
    uint64_t at = io_vtd_entry(l.io, ROOT, levels, &next, va, FS_RWU);

    io_guest_set(l.io, at, DATA | flags);
    io_attach(l.io, l.set, l.dev, &p.pasid,
              io_vtd(l.io, l.set, l.parent, io_none(), ROOT, space_flags));
    return l;
}

static void five_levels(void)
{
    uint64_t va = UINT64_C(0x00a5123456789000);
    uint64_t high = UINT64_C(0xff25123456789000);
    Lab l = first_stage(5, va, FS_RWU, IMU_VTD_FIRST_5LP);
    uint64_t next = ROOT + 8 * P;

    leads(&l, 1, va, DATA);
    fails(&l, 1, va ^ UINT64_C(1) << 52, "ABSENT");
    fails(&l, 1, va | UINT64_C(1) << 56, "INPUT_RANGE");
    fails(&l, 1, va | UINT64_C(1) << 60, "INPUT_RANGE");
    io_guest_set(l.io, io_vtd_entry(l.io, ROOT, 5, &next, high, FS_RWU),
                 (DATA + P) | FS_RWU);
    leads(&l, 1, high, DATA + P);
    invalidate(&l, 0, P);
    leads(&l, 1, va + 8, DATA + 8);
    io_free(l.io);
}

static void four_levels(void)
{
    uint64_t va = UINT64_C(0x7f1234567000);
    Lab l = first_stage(4, va, FS_RWU, 0);

    leads(&l, 1, va, DATA);
    fails(&l, 1, va | UINT64_C(1) << 47, "INPUT_RANGE");
    fails(&l, 1, va | UINT64_C(1) << 50, "INPUT_RANGE");
    fails(&l, 1, va | UINT64_C(0xffff) << 48, "INPUT_RANGE");
    io_free(l.io);
}

/* SRE: privileged requests, which reach pages of the supervisor. */
static void sre(void)
{
    uint64_t va = IO_FS_VA(0);

    for (unsigned on = 0; on < 2; on++) {
        uint32_t flags = on ? IMU_VTD_FIRST_SRE : 0;
        Lab super = first_stage(4, va, FS_P | FS_RW, flags);
        Lab user = first_stage(4, va, FS_RWU, flags);

        for (unsigned i = 0; i < 2; i++) {
            ImXlat x = privileged(&super, va, IM_WRITE);
            ImXlat y = privileged(&user, va, IM_READ);

            if (on) {
                RC(x.status, IM_OK);
                g_assert_cmphex(x.addr, ==, io_pa(super.io, 0) + DATA);
                RC(y.status, IM_OK);
            } else {
                fault_is(&x, "PRIVILEGE");
                fault_is(&y, "PRIVILEGE");
            }
            /* What is cached for one is not for the other. */
            fails(&super, 1, va, "PRIVILEGE");
            leads(&user, 1, va, DATA);
        }
        io_free(super.io);
        io_free(user.io);
    }
}

/* WPE: read-only pages are read-only for the supervisor too. */
static void wpe(void)
{
    uint64_t va = IO_FS_VA(0);

    for (unsigned on = 0; on < 2; on++) {
        Lab l = first_stage(4, va, FS_P | FS_US,
                            IMU_VTD_FIRST_SRE | (on ? IMU_VTD_FIRST_WPE : 0));

        for (unsigned i = 0; i < 2; i++) {
            ImXlat x = privileged(&l, va, IM_WRITE);

            if (on) {
                fault_is(&x, "WRITE");
            } else {
                RC(x.status, IM_OK);
            }
            x = privileged(&l, va, IM_READ);
            RC(x.status, IM_OK);
            x = io_dma(l.io, 0, 1, va, IM_WRITE);
            fault_is(&x, "WRITE");
        }
        io_free(l.io);
    }
}

/* EAFE: every entry on the way gets the extended accessed flag. */
static void eafe(void)
{
    uint64_t va = IO_FS_VA(0);

    for (unsigned on = 0; on < 2; on++) {
        Lab l = first_stage(4, va, FS_RWU, on ? IMU_VTD_FIRST_EAFE : 0);
        uint64_t next = 0;
        uint64_t leaf = io_vtd_entry(l.io, ROOT, 4, &next, va, FS_RWU);
        uint64_t top = ROOT + (va >> 39 & 511) * 8;

        leads(&l, 1, va, DATA);
        g_assert_cmphex(io_guest_get(l.io, leaf), ==,
                        DATA | FS_RWU | FS_A | (on ? FS_EA : 0));
        g_assert_cmphex(io_guest_get(l.io, top) & (FS_A | FS_EA), ==,
                        FS_A | (on ? FS_EA : 0));
        io_free(l.io);
    }
}

/* --- the list ----------------------------------------------------------- */

#define ADD(TAG, prefix, rows, fn)                                         \
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {                    \
        g_autofree char *path = g_strdup_printf(prefix "/%s",              \
                                                rows[i].name);             \
                                                                           \
        spec_row(TAG, path, fn, &rows[i]);                                 \
    }

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD(IOASID_CMD_SPACE_CREATE, "granule", granules, granule);
    ADD(IOASID_MODES, "cd-table", cd_tables, cd_table);
    ADD(IOASID_MODES, "s1dss", dss_rows, s1dss);
    spec_test(IOASID_CMD_SPACE_CREATE, "nested-has-the-first-cd",
              nested_has_the_first_cd);
    spec_test(IOASID_CMD_SPACE_CREATE, "eats-0-is-no-ats", eats);
    spec_test(IOASID_CMD_SPACE_CREATE, "vtd/five-levels", five_levels);
    spec_test(IOASID_CMD_SPACE_CREATE, "vtd/four-levels", four_levels);
    spec_test(IOASID_CMD_SPACE_CREATE, "vtd/sre", sre);
    spec_test(IOASID_CMD_SPACE_CREATE, "vtd/wpe", wpe);
    spec_test(IOASID_CMD_SPACE_CREATE, "vtd/eafe", eafe);
    return g_test_run();
}
