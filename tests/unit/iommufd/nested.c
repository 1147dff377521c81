/*
 * A guest's own tables through iommufd: VT-d's first stage, SMMUv3's CDs and
 * stage 1, that translate what devices ask; invalidation; vIOMMU commands and
 * events.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "world.h"

#define VA      UINT64_C(0x7f1234567000)
#define ROOT    UINT64_C(0x10000)
#define OLD     UINT64_C(0x40000)       /* where VA leads at first */
#define NEW     UINT64_C(0x41000)
#define STREAM  0x99u

/* P, RW, US; valid table, page with AF, AP[1], nG */
#define VTD_ENTRY  UINT64_C(7)
#define ARM_TABLE  UINT64_C(3)
#define ARM_PAGE   (UINT64_C(3) | 1 << 10 | 1 << 6 | 1 << 11)

typedef struct Guest {
    World *w;
    uint64_t pte;               /* of VA */
    uint64_t page;              /* bits of an entry that is one */
    uint32_t parent, viommu, vdevice, nested;
} Guest;

static void set_page(Guest *g, uint64_t to)
{
    guest_set(g->w, g->pte, to ? to | g->page : 0);
}

static void guest_free(Guest *g)
{
    world_free(g->w);
}

/* --- VT-d --------------------------------------------------------------- */

static int vtd_alloc(Guest *g, const IofVtdS1 *s1, uint32_t flags, uint32_t *id)
{
    IofHwptAlloc a = want_hwpt(g->w->dev, g->parent, flags);
    int err;

    a.data_type = IOF_DATA_VTD_S1;
    a.data_len = sizeof(*s1);
    a.data = fake_addr(s1);
    err = CMD(g->w, IOF_NR_HWPT_ALLOC, &a);
    *id = a.hwpt_id;
    return err;
}

static Guest vtd_new(void)
{
    Guest g = { .w = world_new(&im_iommufd_vtd), .page = VTD_ENTRY };
    IofVtdS1 s1 = { .table = ROOT, .width = 48 };
    uint64_t next = ROOT + PAGE;

    g.parent = parent(g.w);
    g.pte = guest_entry(g.w, ROOT, VA, VTD_ENTRY, &next);
    set_page(&g, OLD);
    RC(vtd_alloc(&g, &s1, IOF_HWPT_PASID, &g.nested), 0);
    return g;
}

static int vtd_inval(Guest *g, uint64_t addr, uint64_t pages, uint32_t flags)
{
    IofInvVtd e = { .addr = addr, .pages = pages, .flags = flags };
    IofInvalidate a = { .hwpt_id = g->nested,
                        .data = fake_addr(&e),
                        .data_type = IOF_INV_VTD_S1,
                        .entry_len = sizeof(e),
                        .entry_num = 1 };
    int err = CMD(g->w, IOF_NR_HWPT_INVALIDATE, &a);

    g_assert_cmpuint(a.entry_num, ==, err ? 0 : 1);
    return err;
}

static void test_vtd_translates(void)
{
    Guest g = vtd_new();

    RC(attach(g.w, NO_PASID, g.nested), 0);
    g_assert_cmphex(reads(g.w, NO_PASID, VA + 8), ==, OLD + 8);
    g_assert_cmphex(reads(g.w, NO_PASID, VA + PAGE), ==, NOWHERE);
    g_assert_cmphex(guest_get(g.w, g.pte) >> 5 & 1, ==, 1);     /* A */
    RC(destroy(g.w, g.parent), -EBUSY);
    RC(destroy(g.w, g.nested), -EBUSY);
    guest_free(&g);
}

static void test_vtd_of_a_pasid(void)
{
    Guest g = vtd_new();

    RC(attach(g.w, 300, g.nested), 0);
    g_assert_cmphex(reads(g.w, 300, VA), ==, OLD);
    g_assert_cmphex(reads(g.w, 301, VA), ==, NOWHERE);
    g_assert_cmphex(reads(g.w, NO_PASID, VA), ==, NOWHERE);
    im_iommufd_detach(g.w->file, g.w->dev, 300);
    g_assert_cmphex(reads(g.w, 300, VA), ==, NOWHERE);
    guest_free(&g);
}

static void test_vtd_five_levels(void)
{
    Guest g = vtd_new();
    IofVtdS1 s1 = { .table = 0x30000, .width = 57 };

    guest_set(g.w, s1.table, ROOT | VTD_ENTRY);
    RC(vtd_alloc(&g, &s1, 0, &g.nested), 0);
    RC(attach(g.w, NO_PASID, g.nested), 0);
    g_assert_cmphex(reads(g.w, NO_PASID, VA), ==, OLD);
    guest_free(&g);
}

/* What a range does not name stays cached; in every PASID that looks into
 * the table it goes. */
static void test_vtd_invalidation(gconstpointer data)
{
    uint32_t pasid = GPOINTER_TO_UINT(data);
    Guest g = vtd_new();

    RC(attach(g.w, pasid, g.nested), 0);
    g_assert_cmphex(reads(g.w, pasid, VA), ==, OLD);
    set_page(&g, NEW);
    RC(vtd_inval(&g, VA + PAGE, 16, 0), 0);
    RC(vtd_inval(&g, VA - PAGE, 1, 0), 0);
    RC(vtd_inval(&g, VA, 0, 0), 0);
    g_assert_cmphex(reads(g.w, pasid, VA), ==, OLD);
    RC(vtd_inval(&g, VA - PAGE, 2, IOF_VTD_INV_LEAF), 0);
    g_assert_cmphex(reads(g.w, pasid, VA), ==, NEW);
    set_page(&g, OLD);
    RC(vtd_inval(&g, VA, UINT64_MAX - 1, 0), 0);
    g_assert_cmphex(reads(g.w, pasid, VA), ==, OLD);
    set_page(&g, 0);
    RC(vtd_inval(&g, 0, UINT64_MAX, 0), 0);
    g_assert_cmphex(reads(g.w, pasid, VA), ==, NOWHERE);
    guest_free(&g);
}

/* Without being asked. */
static void test_vtd_invalidation_reaches_device_tlbs(void)
{
    Guest g = vtd_new();

    RC(attach(g.w, 300, g.nested), 0);
    g_assert_cmpint(dma_of(g.w, FUNC, 300, VA, IM_READ, IM_AT_TRANSLATION).perm,
                    !=, 0);
    RC(vtd_inval(&g, VA, 1, 0), 0);
    g_assert_cmpuint(g.w->told.invalidations, ==, 1);
    g_assert_cmphex(g.w->told.inv.addr, ==, VA);
    g_assert_true(g.w->told.inv.has_pasid);
    g_assert_cmpuint(g.w->told.inv.pasid, ==, 300);
    settle(g.w);
    guest_free(&g);
}

static void test_vtd_errors(void)
{
    static const struct {
        IofVtdS1 s1;
        uint32_t flags;
        int err;
    } rows[] = {
        { { .table = ROOT, .width = 48 }, IOF_HWPT_NEST_PARENT, -EOPNOTSUPP },
        { { .table = ROOT, .width = 48 }, IOF_HWPT_DIRTY, -EOPNOTSUPP },
        { { .table = ROOT, .width = 48, .flags = 7 }, IOF_HWPT_PASID, 0 },
    };
    Guest g = vtd_new();
    uint32_t id;

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        RC(vtd_alloc(&g, &rows[i].s1, rows[i].flags, &id), rows[i].err);
    }
    RC(vtd_inval(&g, VA, 1, 2), -EOPNOTSUPP);
    RC(vtd_inval(&g, VA + 8, 1, 0), -EINVAL);
    RC(vtd_inval(&g, VA, UINT64_MAX, 0), -EINVAL);
    g.nested = g.parent;
    RC(vtd_inval(&g, VA, 1, 0), -EINVAL);
    g.nested = 99;
    RC(vtd_inval(&g, VA, 1, 0), -ENOENT);
    guest_free(&g);
}

/* --- SMMUv3 ------------------------------------------------------------- */

#define CDS  UINT64_C(0x20000)

/* T0SZ 16, EPD1, V, IPS 48 bits, AA64, R, A, ASET */
static void set_cd(World *w, uint32_t ssid, uint64_t root)
{
    uint64_t at = CDS + ssid * 64;

    guest_set(w, at,
              16 | UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(5) << 32 |
                  UINT64_C(1) << 41 | UINT64_C(1) << 45 | UINT64_C(1) << 46 |
                  UINT64_C(1) << 47);
    guest_set(w, at + 8, root);
    guest_set(w, at + 24, 0xff);
}

/* V, Config, S1CDMax = log2 of the CDs; S1DSS 2: no SubstreamID is 0. EATS */
static IofSmmuSte ste(unsigned config, unsigned cdmax)
{
    return (IofSmmuSte) { { GUINT64_TO_LE(1 | (uint64_t)config << 1 | CDS |
                                          (uint64_t)cdmax << 59),
                            GUINT64_TO_LE(2 | UINT64_C(1) << 28) } };
}

static int smmu_alloc(Guest *g, uint32_t on, const IofSmmuSte *s,
                      uint32_t flags, uint32_t *id)
{
    IofHwptAlloc a = want_hwpt(g->w->dev, on, flags);
    int err;

    a.data_type = IOF_DATA_ARM_SMMUV3;
    a.data_len = sizeof(*s);
    a.data = fake_addr(s);
    err = CMD(g->w, IOF_NR_HWPT_ALLOC, &a);
    *id = a.hwpt_id;
    return err;
}

static uint32_t make_viommu(Guest *g)
{
    IofViommuAlloc a = { .type = IOF_VIOMMU_SMMUV3,
                         .dev_id = g->w->dev,
                         .hwpt_id = g->parent };

    RC(CMD(g->w, IOF_NR_VIOMMU_ALLOC, &a), 0);
    return a.viommu_id;
}

static int make_vdevice(Guest *g, uint64_t virt, uint32_t *id)
{
    IofVdeviceAlloc a = { .viommu_id = g->viommu,
                          .dev_id = g->w->dev,
                          .virt_id = virt };
    int err = CMD(g->w, IOF_NR_VDEVICE_ALLOC, &a);

    *id = a.vdevice_id;
    return err;
}

static Guest smmu_new(unsigned config, unsigned cdmax)
{
    Guest g = { .w = world_new(&im_iommufd_smmuv3), .page = ARM_PAGE };
    IofSmmuSte s = ste(config, cdmax);
    uint64_t next = ROOT + PAGE;

    g.parent = parent(g.w);
    g.viommu = make_viommu(&g);
    g.pte = guest_entry(g.w, ROOT, VA, ARM_TABLE, &next);
    set_page(&g, OLD);
    set_cd(g.w, 0, ROOT);
    set_cd(g.w, 3, ROOT);
    RC(smmu_alloc(&g, g.viommu, &s, 0, &g.nested), 0);
    return g;
}

static void bring_in(Guest *g)
{
    RC(make_vdevice(g, STREAM, &g->vdevice), 0);
    RC(attach(g->w, NO_PASID, g->nested), 0);
}

static int smmu_cmds(Guest *g, const uint64_t *cmd, uint32_t n, uint32_t done)
{
    IofInvalidate a = { .hwpt_id = g->viommu,
                        .data = fake_addr(cmd),
                        .data_type = IOF_INV_SMMUV3,
                        .entry_len = 16,
                        .entry_num = n };
    int err = CMD(g->w, IOF_NR_HWPT_INVALIDATE, &a);

    g_assert_cmpuint(a.entry_num, ==, done);
    return err;
}

static int smmu_cmd(Guest *g, uint64_t w0, uint64_t w1)
{
    uint64_t cmd[2] = { GUINT64_TO_LE(w0), GUINT64_TO_LE(w1) };
    IofInvalidate a = { .hwpt_id = g->viommu,
                        .data = fake_addr(cmd),
                        .data_type = IOF_INV_SMMUV3,
                        .entry_len = 16,
                        .entry_num = 1 };
    int err = CMD(g->w, IOF_NR_HWPT_INVALIDATE, &a);

    g_assert_cmpuint(a.entry_num, ==, err ? 0 : 1);
    return err;
}

static void test_smmu_translates(void)
{
    Guest g = smmu_new(5, 0);

    RC(attach(g.w, NO_PASID, g.nested), -ENOENT);       /* no vDEVICE */
    bring_in(&g);
    g_assert_cmphex(reads(g.w, NO_PASID, VA + 8), ==, OLD + 8);
    g_assert_cmphex(reads(g.w, NO_PASID, VA + PAGE), ==, NOWHERE);
    RC(destroy(g.w, g.viommu), -EBUSY);
    guest_free(&g);
}

/* The table of CDs is the device's: every SubstreamID in it. */
static void test_smmu_substreams(void)
{
    Guest g = smmu_new(5, 2);
    uint32_t flagged = hwpt(g.w, g.w->dev, g.w->ioas, IOF_HWPT_PASID);

    bring_in(&g);
    g_assert_cmphex(reads(g.w, NO_PASID, VA), ==, OLD);
    g_assert_cmphex(reads(g.w, 3, VA), ==, OLD);
    g_assert_cmphex(reads(g.w, 2, VA), ==, NOWHERE);    /* no valid CD */
    g_assert_cmphex(reads(g.w, 4, VA), ==, NOWHERE);    /* beyond S1CDMax */
    RC(attach(g.w, 3, flagged), -EINVAL);
    guest_free(&g);
}

static void test_smmu_bypass_and_abort(void)
{
    Guest g = smmu_new(4, 0);
    IofSmmuSte abort = ste(0, 0);
    IofSmmuSte invalid = { { 0, 0 } };
    uint32_t id;

    RC(attach(g.w, NO_PASID, g.nested), 0);             /* no vDEVICE */
    g_assert_cmphex(reads(g.w, NO_PASID, 0x5008), ==, 0x5008);
    RC(smmu_alloc(&g, g.viommu, &abort, 0, &id), 0);
    RC(replace(g.w, NO_PASID, id), 0);
    g_assert_cmphex(reads(g.w, NO_PASID, 0x5008), ==, NOWHERE);
    RC(replace(g.w, NO_PASID, g.nested), 0);
    g_assert_cmphex(reads(g.w, NO_PASID, 0x5008), ==, 0x5008);
    RC(smmu_alloc(&g, g.viommu, &invalid, 0, &id), 0);
    RC(replace(g.w, NO_PASID, id), 0);
    g_assert_cmphex(reads(g.w, NO_PASID, 0x5008), ==, NOWHERE);
    guest_free(&g);
}

static void test_smmu_nested_errors(void)
{
    Guest g = smmu_new(5, 0);
    IofSmmuSte good = ste(5, 0);
    uint32_t id;

    RC(smmu_alloc(&g, g.parent, &good, 0, &id), -EOPNOTSUPP);
    RC(smmu_alloc(&g, g.viommu, &good, IOF_HWPT_PASID, &id), -EOPNOTSUPP);
    for (unsigned config = 1; config < 8; config++) {
        IofSmmuSte s = ste(config, 0);

        RC(smmu_alloc(&g, g.viommu, &s, 0, &id),
           config == 4 || config == 5 ? 0 : -EIO);
    }
    for (unsigned i = 0; i < 4; i++) {
        static const uint8_t bits[] = { 57, 60, 52, 63 };
        IofSmmuSte s = good;

        s.ste[i % 2] |= GUINT64_TO_LE(UINT64_C(1) << bits[i]);
        RC(smmu_alloc(&g, g.viommu, &s, 0, &id), -EIO);
    }
    good.ste[1] |= GUINT64_TO_LE(UINT64_C(3) << 28);    /* EATS 3 */
    RC(smmu_alloc(&g, g.viommu, &good, 0, &id), -EIO);
    guest_free(&g);
}

/* Each TLBI lets the change be seen. */
static void test_smmu_tlbi(gconstpointer data)
{
    uint64_t op = GPOINTER_TO_UINT(data);
    Guest g = smmu_new(5, 2);

    bring_in(&g);
    g_assert_cmphex(reads(g.w, NO_PASID, VA), ==, OLD);
    g_assert_cmphex(reads(g.w, 3, VA), ==, OLD);
    set_page(&g, NEW);
    g_assert_cmphex(reads(g.w, 3, VA), ==, OLD);
    RC(smmu_cmd(&g, op, op == 0x12 || op == 0x13 ? VA : 0), 0);
    g_assert_cmphex(reads(g.w, NO_PASID, VA), ==, NEW);
    g_assert_cmphex(reads(g.w, 3, VA), ==, NEW);
    guest_free(&g);
}

/* A CD is kept until CFGI_CD of its SubstreamID, or of all. */
static void test_smmu_cfgi(gconstpointer data)
{
    bool all = GPOINTER_TO_UINT(data);
    uint64_t stream = (uint64_t)STREAM << 32;
    Guest g = smmu_new(5, 2);

    bring_in(&g);
    g_assert_cmphex(reads(g.w, 3, VA), ==, OLD);
    guest_set(g.w, CDS + 3 * 64, 0);
    RC(smmu_cmd(&g, 0x05 | 2 << 12 | stream, 1), 0);
    g_assert_cmphex(reads(g.w, 3, VA), ==, OLD);
    RC(smmu_cmd(&g, all ? 0x06 | stream : 0x05 | 3 << 12 | stream, all ? 0 : 1),
       0);
    g_assert_cmphex(reads(g.w, 3, VA), ==, NOWHERE);
    guest_free(&g);
}

/* The CD that the device has without SubstreamID is that of 0. */
static void test_smmu_cfgi_of_none(void)
{
    uint64_t stream = (uint64_t)STREAM << 32;
    Guest g = smmu_new(5, 0);

    bring_in(&g);
    g_assert_cmphex(reads(g.w, NO_PASID, VA), ==, OLD);
    guest_set(g.w, CDS, 0);
    RC(smmu_cmd(&g, 0x05 | 3 << 12 | stream, 1), 0);
    g_assert_cmphex(reads(g.w, NO_PASID, VA), ==, OLD);
    RC(smmu_cmd(&g, 0x05 | stream, 1), 0);
    g_assert_cmphex(reads(g.w, NO_PASID, VA), ==, NOWHERE);
    guest_free(&g);
}

static void test_smmu_atc_inv(void)
{
    uint64_t stream = (uint64_t)STREAM << 32;
    Guest g = smmu_new(5, 2);

    bring_in(&g);
    g_assert_cmpint(dma_of(g.w, FUNC, 3, VA, IM_READ, IM_AT_TRANSLATION).perm,
                    !=, 0);
    RC(smmu_cmd(&g, 0x40 | 1 << 11 | 3 << 12 | stream, VA | 0), 0);
    g_assert_cmpuint(g.w->told.invalidations, ==, 1);
    g_assert_cmphex(g.w->told.inv.addr, ==, VA);
    g_assert_cmpuint(g.w->told.inv.lg2size, ==, 12);
    g_assert_cmpuint(g.w->told.inv.pasid, ==, 3);
    settle(g.w);
    RC(smmu_cmd(&g, 0x40 | 1 << 11 | 3 << 12 | stream, 52), 0);
    g_assert_cmpuint(g.w->told.invalidations, ==, 2);
    g_assert_cmpuint(g.w->told.inv.lg2size, ==, IM_INV_ALL);
    settle(g.w);
    /* Without SSV, SSID and G say nothing. */
    RC(smmu_cmd(&g, 0x40 | 1 << 9 | 3 << 12 | stream, VA), 0);
    g_assert_cmpuint(g.w->told.invalidations, ==, 3);
    g_assert_false(g.w->told.inv.has_pasid);
    settle(g.w);
    guest_free(&g);
}

static void test_smmu_cmd_errors(void)
{
    /* clang-format off */
    static const uint64_t refused[][2] = {
        { 0x46, 0 }, { 0x03, 0 }, { 0x28, 0 }, { 0x2a, 0 }, { 0x41, 0 },
        { 0x50, 0 }, { 0xff, 0 }, { 0, 0 },
        { 0x10 | 1 << 8, 0 }, { 0x10, 1 }, { 0x11 | 1 << 20, 0 },
        { 0x30 | UINT64_C(1) << 32, 0 }, { 0x12, 2 },
        { 0x06 | UINT64_C(0x98) << 32, 0 },             /* nobody's */
        { 0x05 | UINT64_C(0x98) << 32, 0 },
        { 0x40 | UINT64_C(0x98) << 32, 0 },
        { 0x05 | 1 << 10 | (uint64_t)STREAM << 32, 0 },  /* SSec */
        { 0x05 | 1 << 11 | (uint64_t)STREAM << 32, 0 },  /* has no SSV */
        { 0x40 | (uint64_t)STREAM << 32, 53 },           /* Size */
        /* NUM, SCALE and TTL without TG; TTL 1 of 16 KiB; all 0 */
        { 0x12 | 1 << 12, VA }, { 0x13 | 1 << 20, VA }, { 0x12, VA | 1 << 8 },
        { 0x12 | 1 << 12, VA | 2 << 10 | 1 << 8 }, { 0x13, VA | 1 << 10 },
    };
    /* clang-format on */
    Guest g = smmu_new(5, 2);
    uint64_t three[6] = { GUINT64_TO_LE(0x10), 0, GUINT64_TO_LE(0x46), 0,
                          GUINT64_TO_LE(0x10), 0 };

    bring_in(&g);
    for (unsigned i = 0; i < G_N_ELEMENTS(refused); i++) {
        RC(smmu_cmd(&g, refused[i][0], refused[i][1]), -EIO);
    }
    RC(smmu_cmds(&g, three, 3, 1), -EIO);
    RC(smmu_cmds(&g, three, 0, 0), -EINVAL);
    /* A range, and a level, of 4 KiB pages. */
    RC(smmu_cmd(&g, 0x12 | 1 << 12, VA | 1 << 10), 0);
    RC(smmu_cmd(&g, 0x13, VA | 1 << 10 | 1 << 8), 0);
    guest_free(&g);
}

/* --- vDEVICEs, events --------------------------------------------------- */

static void test_vdevice_numbers(void)
{
    Guest g = smmu_new(5, 0);
    uint32_t id;

    g.viommu = g.parent;
    RC(make_vdevice(&g, UINT64_C(1) << 32, &id), -ENOENT);
    g.viommu = make_viommu(&g);
    RC(make_vdevice(&g, UINT64_C(1) << 32, &id), 0);    /* nobody's stream */
    RC(destroy(g.w, id), 0);
    RC(make_vdevice(&g, STREAM, &g.vdevice), 0);
    RC(make_vdevice(&g, STREAM + 1, &id), -EEXIST);
    RC(destroy(g.w, g.vdevice), 0);
    RC(make_vdevice(&g, STREAM + 1, &g.vdevice), 0);
    im_iommufd_unbind(g.w->file, g.w->dev);
    RC(destroy(g.w, g.vdevice), -ENOENT);
    RC(im_iommufd_bind(g.w->file, FUNC, &g.w->dev), 0);
    g_assert_cmpuint(g.w->dev, !=, g.vdevice);
    RC(make_vdevice(&g, STREAM + 1, &id), 0);
    g_assert_cmpuint(id, !=, g.vdevice);
    guest_free(&g);
}

static IofVeventqAlloc queue_of(Guest *g, uint32_t depth, int err)
{
    IofVeventqAlloc a = { .viommu_id = g->viommu,
                          .type = IOF_VEVENTQ_SMMUV3,
                          .depth = depth };

    RC(CMD(g->w, IOF_NR_VEVENTQ_ALLOC, &a), err);
    return a;
}

static void test_smmu_events(void)
{
    Guest g = smmu_new(5, 2);
    IofVeventqAlloc a = queue_of(&g, 2, 0);
    ImIommufdQueue *q = g_ptr_array_index(g.w->h->queues, 0);
    struct {
        IofVeventHeader h;
        uint64_t evt[4];
    } r[3];

    queue_of(&g, 2, -EEXIST);
    bring_in(&g);
    g_assert_cmpuint(im_iommufd_queue_poll(q), ==, 0);
    g_assert_cmphex(reads(g.w, 3, VA + PAGE), ==, NOWHERE);
    g_assert_cmphex(reads(g.w, 2, VA), ==, NOWHERE);
    g_assert_cmphex(reads(g.w, 9, VA), ==, NOWHERE);
    g_assert_cmpuint(im_iommufd_queue_poll(q), ==, IM_IOMMUFD_POLLIN);
    RC(im_iommufd_queue_read(q, &g.w->caller, fake_addr(r), 39, 0), -EINVAL);
    RC(im_iommufd_queue_read(q, &g.w->caller, fake_addr(r), 120, 0), 88);
    /* F_TRANSLATION of the guest's stream, SubstreamID 3, a read of VA. */
    g_assert_cmphex(GUINT64_FROM_LE(r[0].evt[0]), ==,
                    0x10 | 1 << 11 | 3 << 12 | (uint64_t)STREAM << 32);
    g_assert_cmphex(GUINT64_FROM_LE(r[0].evt[1]), ==,
                    UINT64_C(1) << 35 | UINT64_C(2) << 40);
    g_assert_cmphex(GUINT64_FROM_LE(r[0].evt[2]), ==, VA + PAGE);
    g_assert_cmphex(GUINT64_FROM_LE(r[1].evt[0]) & 0xff, ==, 0x0a);
    g_assert_cmpuint(r[0].h.sequence, ==, 0);
    g_assert_cmpuint(r[1].h.sequence, ==, 1);
    g_assert_cmpuint(r[2].h.sequence, ==, 2);
    g_assert_cmpuint(r[2].h.flags, ==, IOF_VEVENT_LOST);
    RC(im_iommufd_queue_read(q, &g.w->caller, fake_addr(r), 120, 0), 0);
    RC(im_iommufd_queue_write(q, &g.w->caller, fake_addr(r), 8, 0), -EINVAL);
    RC(destroy(g.w, a.veventq_id), -EBUSY);
    im_iommufd_queue_close(q);
    RC(destroy(g.w, a.veventq_id), 0);
    guest_free(&g);
}

/* --- memory for mmap() -------------------------------------------------- */

static void test_memory_of_a_viommu(void)
{
    Guest g = smmu_new(5, 0);
    ImIommufdViommu *v = im_iommufd_viommu_of(g.w->file, g.viommu);
    ImIommufdMmap what = { .object = &g, .offset = 0x3000 };
    ImIommufdMmap out = { 0 };
    ImIommufdFile *f = g.w->file;
    uint64_t at, second;

    RC(im_iommufd_viommu_map(v, &what, 1, &at), -EINVAL);
    RC(im_iommufd_viommu_map(v, &what, 2 * PAGE, &at), 0);
    RC(im_iommufd_viommu_map(v, &what, PAGE, &second), 0);
    g_assert_cmpuint(second, >=, at + 2 * PAGE);
    RC(im_iommufd_mmap(f, at + PAGE, PAGE, true, false, &out), -ENXIO);
    RC(im_iommufd_mmap(f, at, PAGE, true, false, &out), -ENXIO);
    RC(im_iommufd_mmap(f, at, 2 * PAGE, false, false, &out), -EINVAL);
    RC(im_iommufd_mmap(f, at, 2 * PAGE, true, true, &out), -EPERM);
    RC(destroy(g.w, g.nested), 0);
    RC(im_iommufd_mmap(f, at, 2 * PAGE, true, false, &out), 0);
    g_assert_true(out.object == &g && out.offset == 0x3000);
    RC(destroy(g.w, g.viommu), -EBUSY);
    im_iommufd_munmap(f, at);
    RC(destroy(g.w, g.viommu), 0);
    RC(im_iommufd_mmap(f, at, 2 * PAGE, true, false, &out), -ENXIO);
    guest_free(&g);
}

int main(int argc, char **argv)
{
    static const uint32_t tlbis[] = { 0x10, 0x11, 0x12, 0x13, 0x30 };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/iommufd/vtd/translates", test_vtd_translates);
    g_test_add_func("/iommufd/vtd/pasid", test_vtd_of_a_pasid);
    g_test_add_func("/iommufd/vtd/five-levels", test_vtd_five_levels);
    g_test_add_data_func("/iommufd/vtd/invalidate", GUINT_TO_POINTER(NO_PASID),
                         test_vtd_invalidation);
    g_test_add_data_func("/iommufd/vtd/invalidate-pasid", GUINT_TO_POINTER(300),
                         test_vtd_invalidation);
    g_test_add_func("/iommufd/vtd/invalidate-device-tlb",
                    test_vtd_invalidation_reaches_device_tlbs);
    g_test_add_func("/iommufd/vtd/errors", test_vtd_errors);
    g_test_add_func("/iommufd/smmuv3/translates", test_smmu_translates);
    g_test_add_func("/iommufd/smmuv3/substreams", test_smmu_substreams);
    g_test_add_func("/iommufd/smmuv3/bypass-and-abort",
                    test_smmu_bypass_and_abort);
    g_test_add_func("/iommufd/smmuv3/errors", test_smmu_nested_errors);
    for (unsigned i = 0; i < G_N_ELEMENTS(tlbis); i++) {
        g_autofree char *name = g_strdup_printf("/iommufd/smmuv3/tlbi@%02x",
                                                tlbis[i]);

        g_test_add_data_func(name, GUINT_TO_POINTER(tlbis[i]), test_smmu_tlbi);
    }
    g_test_add_data_func("/iommufd/smmuv3/cfgi-cd", GUINT_TO_POINTER(0),
                         test_smmu_cfgi);
    g_test_add_data_func("/iommufd/smmuv3/cfgi-cd-all", GUINT_TO_POINTER(1),
                         test_smmu_cfgi);
    g_test_add_func("/iommufd/smmuv3/cfgi-cd-of-none", test_smmu_cfgi_of_none);
    g_test_add_func("/iommufd/smmuv3/atc-inv", test_smmu_atc_inv);
    g_test_add_func("/iommufd/smmuv3/command-errors", test_smmu_cmd_errors);
    g_test_add_func("/iommufd/smmuv3/events", test_smmu_events);
    g_test_add_func("/iommufd/viommu/numbers", test_vdevice_numbers);
    g_test_add_func("/iommufd/viommu/memory", test_memory_of_a_viommu);
    return g_test_run();
}
