/*
 * Who keeps what the tables say: what they say as a whole (9.3 to 9.6), what he
 * is told to forget (6.5), and that wait descriptors wait for him (6.5.2.9).
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/im_ioasid_uapi.h"
#include "lib/keeper.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"

static World *world(WorldKind kind, bool has_pasid)
{
    World *w = world_in(rig_vtd_new_on(NULL, keeper_port), kind, has_pasid);

    world_on(w);
    keeper_reset();
    return w;
}

/* --- what they say, 9.3 to 9.6 ------------------------------------------ */

typedef struct SayRow {
    const char *name;
    WorldKind kind;
    bool has_pasid;
    uint8_t how;
    bool first, second, ats, pri;
} SayRow;

static const SayRow says[] = {
    { "legacy", W_LEGACY, false, IM_BINDING_SECOND, false, true, true, false },
    { "legacy-no-ats", W_LEGACY_NO_ATS, false, IM_BINDING_SECOND, false, true,
      false, false },
    { "legacy-pass", W_LEGACY_PT, false, IM_BINDING_PASS, false, false, false,
      false },
    { "first", W_FS, true, IM_BINDING_FIRST, true, false, true, true },
    { "first-no-pasid", W_FS, false, IM_BINDING_FIRST, true, false, true,
      true },
    { "second", W_SS, true, IM_BINDING_SECOND, false, true, true, true },
    { "nested", W_NESTED, true, IM_BINDING_NESTED, true, true, true, true },
    { "pass", W_PT, true, IM_BINDING_PASS, false, false, true, true },
};

static void ask(World *w, ImBinding *b)
{
    w->r->ops->binding(w->r->iommu, w->rid, w->has_pasid, w->pasid, true, b);
}

/* What a host sees of asking: nothing. */
static void says_what_the_tables_say(const void *data)
{
    const SayRow *row = data;
    g_autoptr(World) w = world(row->kind, row->has_pasid);
    ImVtdCounters before = *im_vtd_counters(w->r->vtd);
    ImBinding b;

    ask(w, &b);
    g_assert_cmpuint(b.how, ==, row->how);
    g_assert_false(b.table);
    g_assert_cmphex(b.domain, ==, w->did);
    g_assert_cmpint(b.first[0] != 0, ==, row->first);
    g_assert_cmpint(b.second[0] != 0, ==, row->second);
    g_assert_cmphex(b.second[0], ==, row->second ? w->ss : 0);
    g_assert_cmpint(b.ats, ==, row->ats);
    g_assert_cmpint(b.pri, ==, row->pri);
    if (world_scalable(w)) {
        g_assert_cmphex(b.pasid, ==, w->pasid);
    }
    g_assert_cmpmem(&before, sizeof(before), im_vtd_counters(w->r->vtd),
                    sizeof(before));
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
    g_assert_cmpuint(keeper_count(), ==, 0);
}

/* SRE, WPE, EAFE and FSPM are told as the backend names them. */
static void says_the_flags(void)
{
    static const struct {
        unsigned bit;
        uint32_t flag;
    } rows[] = {
        { 128, IMU_VTD_FIRST_SRE },
        { 132, IMU_VTD_FIRST_WPE },
        { 135, IMU_VTD_FIRST_EAFE },
        { 130, IMU_VTD_FIRST_5LP },
    };
    ImVtdConfig cfg = rig_vtd_config();

    cfg.aw_bits = 57;
    cfg.fs5lp = true;
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(World) w = world_new(&cfg, W_FS, true);
        ImBinding plain, b;

        ask(w, &plain);
        rig_put(w->r, w->pe, rows[i].bit, rows[i].bit, 1);
        ask(w, &b);
        g_assert_cmphex(b.first[1] ^ plain.first[1], ==, rows[i].flag);
    }
}

static void says_nothing(void)
{
    g_autoptr(World) w = world(W_FS, true);
    ImBinding b;

    rig_put(w->r, w->pe, 0, 0, 0);          /* P */
    ask(w, &b);
    g_assert_cmpuint(b.how, ==, IM_BINDING_FAULT);
    vb_gcmd(w->r, GCMD_TE, false);
    ask(w, &b);
    g_assert_cmpuint(b.how, ==, IM_BINDING_OFF);
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
}

/* --- the second stage alone, 3.7 ---------------------------------------- */

static void walks_the_second_stage(void)
{
    g_autoptr(World) w = world(W_NESTED, true);
    ImBinding b;
    ImXlat x;

    ask(w, &b);
    x = w->r->ops->second(w->r->iommu, &b, w->gpa + 0x123, IM_WRITE);
    g_assert_cmpuint(x.status, ==, IM_OK);
    g_assert_cmphex(x.addr, ==, w->hpa + 0x123);
    g_assert_cmphex(x.mask, ==, 0xfff);
    g_assert_cmpuint(x.perm & 3, ==, 3);
    x = w->r->ops->second(w->r->iommu, &b, w->gpa + 0x1000, IM_READ);
    g_assert_cmpuint(x.status, ==, IM_FAULT);
    x = w->r->ops->second(w->r->iommu, &b, UINT64_MAX, IM_READ);
    g_assert_cmpuint(x.status, ==, IM_FAULT);
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
}

/* With SSADE a write is granted once D is set, and sets it. */
static void sets_dirty(void)
{
    g_autoptr(World) w = world(W_SS, true);
    uint64_t leaf = world_ss_entry(w, w->iova, 1);
    ImBinding b;
    ImXlat x;

    rig_put(w->r, w->pe, 9, 9, 1);          /* SSADE */
    rig_put(w->r, w->pe, 87, 87, 1);        /* PWSNP */
    ask(w, &b);
    x = w->r->ops->second(w->r->iommu, &b, w->iova, IM_READ);
    g_assert_cmpuint(x.perm & 3, ==, IM_PERM_R);
    g_assert_cmphex(rig_get(w->r, leaf, 9, 8), ==, 1);      /* A */
    x = w->r->ops->second(w->r->iommu, &b, w->iova, IM_WRITE);
    g_assert_cmpuint(x.perm & 3, ==, 3);
    g_assert_cmphex(rig_get(w->r, leaf, 9, 8), ==, 3);      /* A, D */
}

/* --- descriptors, 6.5.2 ------------------------------------------------- */

typedef struct DescRow {
    const char *name;
    bool legacy;
    Desc desc;
    ImInval want;
} DescRow;

/* The encoders are functions, and so is what fills rows with what they say. */
#define ROW(name_, desc_, ...)                                             \
    rows[n++] = (DescRow) { .name = name_, .desc = desc_,                  \
                            .want = { __VA_ARGS__ } }
#define LEGACY(...)  ROW(__VA_ARGS__), rows[n - 1].legacy = true
#define CONFIG  .what = IM_INVAL_CONFIG
#define BOTH    .what = IM_INVAL_STAGE1 | IM_INVAL_STAGE2
#define FUNC(f, m)   .by_func = true, .func = (f), .func_mask = (m)
#define DID(d)       .by_domain = true, .domain = (d)
#define PASID(p)     .by_pasid = true, .pasid = (p)
#define RANGE(a, b)  .by_range = true, .first = (a), .last = (b)

static unsigned table_rows(DescRow *rows, unsigned n)
{
    ROW("context-global", desc_context(CC_GLOBAL, 0, 0, 0), CONFIG);
    /* In scalable mode the context-cache has no domains. */
    ROW("context-domain", desc_context(CC_DOMAIN, 0x17, 0, 0), CONFIG);
    LEGACY("context-domain-legacy", desc_context(CC_DOMAIN, 0x17, 0, 0), CONFIG,
           DID(0x17));
    ROW("context-device", desc_context(CC_DEVICE, 0x17, 0x3ab1, 0), CONFIG,
        FUNC(0x3ab1, 0));
    ROW("context-fm1", desc_context(CC_DEVICE, 0x17, 0x3ab1, 1), CONFIG,
        FUNC(0x3ab1, 4));
    ROW("context-fm2", desc_context(CC_DEVICE, 0x17, 0x3ab1, 2), CONFIG,
        FUNC(0x3ab1, 6));
    ROW("context-fm3", desc_context(CC_DEVICE, 0x17, 0x3ab1, 3), CONFIG,
        FUNC(0x3ab1, 7));
    ROW("pasid-global", desc_pasid_cache(PC_GLOBAL, 0, 0),
        .what = IM_INVAL_PASID);
    ROW("pasid-domain", desc_pasid_cache(PC_DOMAIN, 0x17, 0),
        .what = IM_INVAL_PASID, DID(0x17));
    ROW("pasid", desc_pasid_cache(PC_PASID, 0x17, 0x321),
        .what = IM_INVAL_PASID, DID(0x17), PASID(0x321));
    return n;
}

static unsigned page_rows(DescRow *rows, unsigned n)
{
    ROW("iotlb-global", desc_iotlb(IOTLB_GLOBAL, 0, 0, 0, false), BOTH);
    ROW("iotlb-domain", desc_iotlb(IOTLB_DOMAIN, 0x17, 0, 0, false), BOTH,
        DID(0x17));
    ROW("iotlb-page", desc_iotlb(IOTLB_PAGE, 0x17, 0x54321000, 0, true),
        .what = IM_INVAL_STAGE2, DID(0x17), RANGE(0x54321000, 0x54321fff));
    ROW("iotlb-pages", desc_iotlb(IOTLB_PAGE, 0x17, 0x54321000, 9, false),
        .what = IM_INVAL_STAGE2, DID(0x17), RANGE(0x54200000, 0x543fffff));
    ROW("piotlb", desc_piotlb(PIOTLB_PASID, 0x17, 0x321, 0, 0, false),
        .what = IM_INVAL_STAGE1, DID(0x17), PASID(0x321));
    ROW("piotlb-page",
        desc_piotlb(PIOTLB_PAGE, 0x17, 0x321, 0x7654321000, 1, false),
        .what = IM_INVAL_STAGE1, DID(0x17), PASID(0x321),
        RANGE(0x7654320000, 0x7654321fff));
    return n;
}

static void descriptor(const void *data)
{
    const DescRow *row = data;
    g_autoptr(World) w = world(row->legacy ? W_LEGACY : W_FS, !row->legacy);

    vb_submit(w->r, row->desc);
    keeper_told(&row->want, 1);
}

/* What is not obeyed is not told, nor what is nobody's to keep. */
static void silent(void)
{
    g_autoptr(World) w = world(W_FS, true);
    Desc bad = desc_pasid_cache(PC_GLOBAL, 0, 0);

    vb_submit(w->r, desc_iec(0, 0, 0));
    vb_submit(w->r, desc_pdev_tlb(w->rid, w->pasid, 0x1000, false, false));
    desc_put(&bad, 255, 255, 1);
    vb_submit(w->r, bad);
    g_assert_cmphex(rig_reg32(w->r, REG_FSTS) & FSTS_IQE, ==, FSTS_IQE);
    keeper_told(NULL, 0);
}

/* --- registers, 6.6 and 11.4.4 ------------------------------------------ */

static void registers(void)
{
    static const ImInval all = { .what = KEEPER_ALL };
    g_autoptr(World) w = world(W_FS, true);

    vb_set_root(w->r, w->root, TTM_SCALABLE);
    keeper_told(&all, 1);                   /* ESRTPS */
    vb_gcmd(w->r, GCMD_TE, false);
    keeper_told(&all, 1);
    vb_gcmd(w->r, GCMD_TE, true);
    keeper_told(&all, 1);
    im_vtd_reset(w->r->vtd);
    keeper_told(&all, 1);
}

/* --- wait descriptors, 6.5.2.9 ------------------------------------------ */

static uint32_t status(const World *w)
{
    return rig_r32(w->r, w->r->status);
}

static void wait_held(World *w, uint64_t ticket, uint32_t val)
{
    keeper_ticket = ticket;
    vb_submit(w->r, desc_wait(WAIT_SW, w->r->status, val));
    keeper_ticket = 0;
}

static void fenced(World *w, uint64_t ticket)
{
    w->r->ops->fenced(w->r->iommu, ticket);
}

/* That ticket or a later one; in order, and what is behind goes on. */
static void waits(void)
{
    g_autoptr(World) w = world(W_FS, true);

    vb_wait(w->r);
    wait_held(w, 7, 0x71);
    wait_held(w, 8, 0x81);
    wait_held(w, 0, 0x91);
    g_assert_cmpuint(keeper_fences, ==, 4);
    vb_submit(w->r, desc_pasid_cache(PC_GLOBAL, 0, 0));
    g_assert_cmpuint(keeper_count(), ==, 1);
    fenced(w, 6);
    g_assert_cmphex(status(w), !=, 0x71);
    fenced(w, 7);
    g_assert_cmphex(status(w), ==, 0x71);
    fenced(w, 5);
    g_assert_cmphex(status(w), ==, 0x71);
    fenced(w, 20);
    g_assert_cmphex(status(w), ==, 0x91);
    wait_held(w, 21, 0x72);
    fenced(w, 20);
    g_assert_cmphex(status(w), ==, 0x91);
    fenced(w, 21);
    g_assert_cmphex(status(w), ==, 0x72);
}

/* Both must have come: the device, and the ticket. */
static void waits_for_both(void)
{
    for (unsigned first = 0; first < 2; first++) {
        g_autoptr(World) w = world(W_FS, true);
        const ImAtsInv *inv;

        vb_submit(w->r, desc_pdev_tlb(w->rid, w->pasid, 0, false, false));
        wait_held(w, 3, 0x33);
        inv = &rig_seen(w->r, RIG_SEEN_ATS_INV, 0)->inv;
        for (unsigned i = 0; i < 2; i++) {
            g_assert_cmphex(status(w), !=, 0x33);
            if (i == first) {
                fenced(w, 3);
            } else {
                im_vtd_ats_inv_done(w->r->vtd, w->rid, 1u << inv->itag, 1);
            }
        }
        g_assert_cmphex(status(w), ==, 0x33);
    }
}

/* The queue was disabled, or the unit reset: nobody waits any more. */
static void waits_no_more(void)
{
    g_autoptr(World) w = world(W_FS, true);

    wait_held(w, 7, 0x71);
    vb_gcmd(w->r, GCMD_QIE, false);
    fenced(w, 7);
    g_assert_cmphex(status(w), !=, 0x71);
    vb_iq_enable(w->r, true);
    g_assert_true(vb_wait(w->r));
    wait_held(w, 9, 0x72);
    im_vtd_reset(w->r->vtd);
    fenced(w, 9);
    g_assert_cmphex(status(w), !=, 0x72);
}

/* Who keeps them counts from the start again: a new wait is held by its own
 * ticket, whatever was done before. */
static void waits_anew(void)
{
    g_autoptr(World) w = world(W_FS, true);

    wait_held(w, 9, 0x71);
    fenced(w, 9);
    g_assert_cmphex(status(w), ==, 0x71);
    wait_held(w, 3, 0x72);
    g_assert_cmphex(status(w), ==, 0x71);
    fenced(w, 3);
    g_assert_cmphex(status(w), ==, 0x72);
}

int main(int argc, char **argv)
{
    DescRow rows[32];
    unsigned n = page_rows(rows, table_rows(rows, 0));

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(says); i++) {
        spec_row(VTD_9_6_BINDING, says[i].name, says_what_the_tables_say,
                 &says[i]);
    }
    spec_test(VTD_9_6_BINDING, "flags", says_the_flags);
    spec_test(VTD_9_6_BINDING, "nothing", says_nothing);
    spec_test(VTD_3_7_BINDING, "walk", walks_the_second_stage);
    spec_test(VTD_3_7_BINDING, "dirty", sets_dirty);
    for (unsigned i = 0; i < n; i++) {
        spec_row(VTD_6_5_TELL, rows[i].name, descriptor, &rows[i]);
    }
    spec_test(VTD_6_5_TELL, "silent", silent);
    spec_test(VTD_6_5_TELL, "registers", registers);
    spec_test(VTD_6_5_TELL_WAIT, "tickets", waits);
    spec_test(VTD_6_5_TELL_WAIT, "both", waits_for_both);
    spec_test(VTD_6_5_TELL_WAIT, "no-more", waits_no_more);
    spec_test(VTD_6_5_TELL_WAIT, "anew", waits_anew);
    return g_test_run();
}
