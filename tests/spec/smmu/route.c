/*
 * The way of a request: what no stage translates, what is malformed, and
 * the memory attributes that come out.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_oracle.h"
#include "lib/spec.h"

/* --- F_UUT, 7.3.2 ------------------------------------------------------- */

static void at_reserved(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);
    ImTxn t = sw_txn(w, IM_AT_RESERVED, IM_READ);
    ImXlat x = sw_run(w, &t);
    Evt e;

    g_assert_cmpuint(x.status, ==, IM_FAULT);
    g_assert_cmpuint(x.cpl, !=, IM_CPL_SC);
    e = sw_only_event(w, EV_UUT);
    g_assert_cmphex(e.sid, ==, w->sid);
    g_assert_cmphex(e.addr, ==, t.addr);
    g_assert_cmphex(e.q[3], ==, 0);
    g_assert_cmphex(e.q[1] & UINT64_C(0xfffffff1ffff0000), ==, 0);
}

/* A unit without ATS cannot be asked. */
static void ats_not_there(void)
{
    ImSmmuConfig c = rig_smmu_config();
    ImTxn t;
    ImXlat x;

    c.ats = false;
    im_smmu_config_prune(&c);
    g_autoptr(SWorld) w = sw_new(&c, SW_S1, true);
    t = sw_txn(w, IM_AT_TRANSLATION, IM_READ);
    x = sw_run(w, &t);
    sx_is_cpl(&x, IM_CPL_UR);
}

/* A translation request reads 8 to 64 bytes, in multiples of 8. */
static void treq_length(void)
{
    static const struct {
        uint64_t len;
        ImAccess access;
        bool ok;
    /* clang-format off */
    } rows[] = {
        { 8, IM_READ, true }, { 16, IM_READ, true }, { 64, IM_READ, true },
        { 0, IM_READ, false }, { 4, IM_READ, false }, { 12, IM_READ, false },
        { 72, IM_READ, false }, { 8, IM_WRITE, false },
    };
    /* clang-format on */

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);
        ImTxn t = sw_txn(w, IM_AT_TRANSLATION, rows[i].access);
        ImXlat x;

        t.len = rows[i].len;
        x = sw_run(w, &t);
        if (rows[i].ok) {
            xlat_is_ok(&x, w->pa);
            sw_no_event(w);
        } else {
            sx_is_cpl(&x, IM_CPL_UR);
            sw_only_event(w, EV_UUT);
        }
    }
}

/* --- SMMUEN = 0, 3.11 --------------------------------------------------- */

static void off_passes(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    ImXlat x = sw_dma(w, IM_WRITE, UINT64_C(0x123456789a40));

    xlat_is_ok(&x, UINT64_C(0x123456789a40));
    g_assert_cmpuint(x.perm & 3, ==, IM_PERM_R | IM_PERM_W);
    g_assert_cmpuint(w->r->accesses, ==, 0);
    x = sw_dma(w, IM_READ, (UINT64_C(1) << 48) - 64);
    xlat_is_ok(&x, (UINT64_C(1) << 48) - 64);
}

/* A SubstreamID means nothing to a unit that is off. */
static void off_passes_substream(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImXlat x = sw_dma(w, IM_READ, 0x5000);

    xlat_is_ok(&x, 0x5000);
}

static void off_aborts(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, false);
    ImXlat x;

    sb_cr0(w->r, CR0_SMMUEN, false);
    rig_set32(w->r, SR_GBPA, GBPA_ABORT | GBPA_UPDATE);
    x = sw_dma(w, IM_READ, w->iova);
    g_assert_cmpuint(x.status, ==, IM_FAULT);
    g_assert_cmpuint(x.cpl, !=, IM_CPL_SC);
    sw_no_event(w);
    rig_set32(w->r, SR_GBPA, 1u << 12 | GBPA_UPDATE);
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->iova);
    /* and GBPA is no concern of a unit that is on */
    rig_set32(w->r, SR_GBPA, GBPA_ABORT | GBPA_UPDATE);
    sb_cr0(w->r, CR0_SMMUEN, true);
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->pa);
}

/* 6.3.14: without ATTR_TYPES_OVR shareability is what came, as SHCFG=01
 * says of a unit that has it; else it is what SHCFG says. */
static void off_shareability(void)
{
    static const struct {
        bool override;
        unsigned shcfg;
        uint8_t share;
    /* clang-format off */
    } rows[] = {
        { true, 0, 0 }, { true, 1, 3 }, { true, 2, 2 }, { true, 3, 3 },
        { false, 0, 3 }, { false, 2, 3 },
    };
    /* clang-format on */

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImSmmuConfig c = rig_smmu_config();
        ImXlat x;

        c.attr_types_ovr = rows[i].override;
        g_autoptr(SWorld) w = sw_new_off(&c, SW_S1, false, NULL);
        rig_set32(w->r, SR_GBPA, rows[i].shcfg << 12 | GBPA_UPDATE);
        x = sw_dma(w, IM_READ, 0x5000);
        xlat_is_ok(&x, 0x5000);
        g_assert_cmpuint(x.share, ==, rows[i].share);
    }
}

/* 6.3.14: with MTCFG the memory type is MemAttr's, coded as in an STE. */
static void off_memory_type(void)
{
    static const struct {
        unsigned memattr;
        uint8_t attr;
    } rows[] = { { 0xf, 0xff }, { 0x1, 0x04 }, { 0x5, 0x44 } };
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImXlat x;

        rig_set32(w->r, SR_GBPA,
                  1u << 12 | 1 << 4 | rows[i].memattr | GBPA_UPDATE);
        x = sw_dma(w, IM_READ, 0x5000);
        xlat_is_ok(&x, 0x5000);
        g_assert_cmphex(x.attr, ==, rows[i].attr);
    }
}

/* 6.3.9.6: beyond the output size there is nothing to pass to. */
static void off_too_far(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    ImXlat x = sw_dma(w, IM_READ, UINT64_C(1) << 48);

    g_assert_cmpuint(x.status, ==, IM_FAULT);
    g_assert_cmpuint(x.cpl, !=, IM_CPL_SC);
}

/* --- bypass, 3.3.3 ------------------------------------------------------ */

static void bypass(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_BYPASS, false);
    static const ImAccess all[] = { IM_READ, IM_WRITE, IM_ATOMIC };
    uint64_t last = (UINT64_C(1) << 48) - 64;

    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        ImXlat x = sw_dma(w, all[i], last);

        xlat_is_ok(&x, last);
        g_assert_cmpuint(x.perm & all[i], ==, all[i]);
        g_assert_cmphex(last | x.mask, <, UINT64_C(1) << 48);
    }
    sw_no_event(w);
}

static void bypass_needs_no_memory(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_BYPASS, false);
    uint64_t accesses;
    ImXlat x = sw_dma(w, IM_READ, 0x1000);

    xlat_is_ok(&x, 0x1000);
    accesses = w->r->accesses;
    x = sw_dma(w, IM_READ, UINT64_C(0x123456789000));
    xlat_is_ok(&x, UINT64_C(0x123456789000));
    g_assert_cmpuint(w->r->accesses, ==, accesses);
}

/* --- overrides, 13.1.4 -------------------------------------------------- */

typedef struct OvrRow {
    const char *path;
    uint64_t leaf;
    uint8_t privcfg, instcfg;
    bool pasid, priv, exec;
    ImAccess access;
    bool ok;
} OvrRow;

#define USER    (D_AF | D_AP1 | D_NG)
#define KERNEL  (D_AF | D_NG)

static const OvrRow ovr_rows[] = {
    { "priv", KERNEL, 3, 0, false, false, false, IM_READ, true },
    { "priv-write", KERNEL, 3, 0, false, false, false, IM_WRITE, true },
    { "incoming-0", KERNEL, 0, 0, true, true, false, IM_READ, true },
    { "incoming-1", KERNEL, 1, 0, true, true, false, IM_READ, true },
    { "incoming-unpriv", KERNEL, 1, 0, true, false, false, IM_READ, false },
    { "unpriv", KERNEL, 2, 0, true, true, false, IM_READ, false },
    { "no-pasid-no-priv", KERNEL, 0, 0, false, true, false, IM_READ, false },
    { "inst", USER | D_UXN, 0, 3, false, false, false, IM_READ, false },
    { "inst-write", USER | D_UXN, 0, 3, false, false, false, IM_WRITE, true },
    { "data", USER | D_UXN, 0, 2, true, false, true, IM_READ, true },
    { "incoming-exec", USER | D_UXN, 0, 0, true, false, true, IM_READ, false },
    { "no-pasid-no-exec", USER | D_UXN, 0, 0, false, false, true, IM_READ,
      true },
    { "exec-write", USER | D_UXN, 0, 0, true, false, true, IM_WRITE, true },
};

static void ovr_row(const void *data)
{
    const OvrRow *row = data;
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, row->pasid, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, row->access);
    SoAnswer a;

    sw_s1_map(w, w->iova, w->pa, 12, row->leaf);
    rig_put(w->r, w->ste, STE_PRIVCFG, row->privcfg);
    rig_put(w->r, w->ste, STE_INSTCFG, row->instcfg);
    sw_on(w);
    t.priv = row->priv;
    t.exec = row->exec;
    a = so_check(w, &t, row->path);
    g_assert_false(a.unsure);
    g_assert_cmpuint(a.end == SO_OK, ==, row->ok);
}

/* --- memory attributes -------------------------------------------------- */

typedef struct AttrRow {
    const char *path;
    SwKind kind;
    unsigned idx;               /* of the stage 1 leaf, MAIR 04 44 ff */
    unsigned sh1;
    unsigned mem2, sh2;         /* of the stage 2 leaf */
    uint8_t attr, share;
} AttrRow;

static const AttrRow attr_rows[] = {
    { "write-back-inner", SW_S1, 0, 3, 0, 0, 0xff, 3 },
    { "write-back-outer", SW_S1, 0, 2, 0, 0, 0xff, 2 },
    { "write-back-non", SW_S1, 0, 0, 0, 0, 0xff, 0 },
    { "non-cacheable", SW_S1, 1, 3, 0, 0, 0x44, 2 },
    { "device", SW_S1, 2, 0, 0, 0, 0x04, 2 },
    { "s2-write-back", SW_S2, 0, 0, 0xf, 3, 0xff, 3 },
    { "s2-non-cacheable", SW_S2, 0, 0, 0x5, 3, 0x44, 2 },
    { "s2-device", SW_S2, 0, 0, 0x1, 0, 0x04, 2 },
    { "both-write-back", SW_NESTED, 0, 3, 0xf, 3, 0xff, 3 },
    { "s2-weaker", SW_NESTED, 0, 3, 0x5, 3, 0x44, 2 },
    { "s1-weaker", SW_NESTED, 1, 3, 0xf, 3, 0x44, 2 },
    { "s2-device-wins", SW_NESTED, 0, 3, 0x0, 0, 0x00, 2 },
    { "s1-device-wins", SW_NESTED, 2, 0, 0xf, 3, 0x04, 2 },
    { "more-shareable", SW_NESTED, 0, 0, 0xf, 2, 0xff, 2 },
};

static SWorld *attr_world(const AttrRow *row)
{
    SWorld *w = sw_new_off(NULL, row->kind, false, NULL);

    if (sw_s1(w)) {
        sw_s1_map(w, w->iova, w->ipa, 12,
                  D_AF | D_AP1 | D_NG | D_IDX(row->idx) | D_SH(row->sh1));
    }
    if (sw_s2(w)) {
        sw_s2_map(w, w->ipa, w->pa, 12,
                  D_AF | D_S2R | D_S2W | D_S2MEM(row->mem2) | D_SH(row->sh2));
    }
    sw_on(w);
    return w;
}

static void attr_row(const void *data)
{
    const AttrRow *row = data;
    g_autoptr(SWorld) w = attr_world(row);

    for (unsigned i = 0; i < 2; i++) {          /* walked, then cached */
        ImXlat x = sw_dma(w, IM_READ, w->iova);

        xlat_is_ok(&x, w->pa);
        g_assert_cmphex(x.attr, ==, row->attr);
        g_assert_cmpuint(x.share, ==, row->share);
    }
}

/* 5.2.1: a translation by stage 2 is shared by the streams of a VMID, what
 * their STEs make of the incoming attributes is not. */
static void overrides_are_not_shared(void)
{
    static const uint8_t memattr[] = { 0xf, 0x1, 0x5 };
    static const uint8_t attr[] = { 0xff, 0x04, 0x44 };
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S2, false, NULL);
    uint64_t ste[3] = { w->ste, sw_stream(w, 0x4201), sw_stream(w, 0x4202) };
    uint32_t sid[3] = { w->sid, 0x4201, 0x4202 };
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);

    for (unsigned i = 0; i < 3; i++) {
        rig_put(w->r, ste[i], STE_MTCFG, 1);
        rig_put(w->r, ste[i], STE_MEMATTR, memattr[i]);
    }
    sw_on(w);
    for (unsigned i = 0; i < 6; i++) {
        ImXlat x;

        t.rid = (uint16_t)sid[i % 3];
        x = sw_run(w, &t);
        xlat_is_ok(&x, w->pa);
        g_assert_cmphex(x.attr, ==, attr[i % 3]);
    }
}

/* --- registers do not invalidate ---------------------------------------- */

static void smmuen_keeps_caches(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);
    ImXlat x = sw_dma(w, IM_READ, w->iova);

    xlat_is_ok(&x, w->pa);
    sw_map(w, w->iova, w->pa + 0x10000);
    sb_cr0(w->r, CR0_SMMUEN, false);
    sb_cr0(w->r, CR0_SMMUEN, true);
    x = sw_dma(w, IM_READ, w->iova);    /* old or new: software invalidates */
    g_assert_cmpuint(x.status, ==, IM_OK);
    g_assert_true(x.addr == w->pa || x.addr == w->pa + 0x10000);
    sb_do(w->r, cmd_op(OP_NSNH_ALL));
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->pa + 0x10000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(ovr_rows); i++) {
        spec_row(SMMU_ROUTE_OVERRIDES, ovr_rows[i].path, ovr_row, &ovr_rows[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(attr_rows); i++) {
        spec_row(SMMU_TLB_ATTR, attr_rows[i].path, attr_row, &attr_rows[i]);
    }
    spec_test(SMMU_TLB_ATTR, "overrides", overrides_are_not_shared);
    spec_test(SMMU_ROUTE_UUT, "at-reserved", at_reserved);
    spec_test(SMMU_ROUTE_UUT, "no-ats", ats_not_there);
    spec_test(SMMU_ROUTE_UUT, "length", treq_length);
    spec_test(SMMU_ROUTE_GBPA, "passes", off_passes);
    spec_test(SMMU_REG_SMMUEN, "passes-with-substream", off_passes_substream);
    spec_test(SMMU_ROUTE_GBPA, "aborts", off_aborts);
    spec_test(SMMU_REG_GBPA, "shareability", off_shareability);
    spec_test(SMMU_REG_GBPA, "memory-type", off_memory_type);
    spec_test(SMMU_REG_SMMUEN, "beyond-oas", off_too_far);
    spec_test(SMMU_ROUTE_BYPASS, "identity", bypass);
    spec_test(SMMU_ROUTE_BYPASS, "no-memory", bypass_needs_no_memory);
    spec_test(SMMU_TLB_RESET, "smmuen", smmuen_keeps_caches);
    return g_test_run();
}
