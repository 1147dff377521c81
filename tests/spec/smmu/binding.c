/*
 * What the tables say of a StreamID, for who keeps it beside the unit (5.2,
 * 3.3.2), and stage 2 walked for him (3.4).
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/smmu_world.h"
#include "lib/spec.h"

enum { NO_SSID = -1 };
enum { S1DSS_ABORT, S1DSS_BYPASS, S1DSS_SSID0 };
enum { STRW_EL2 = 2 };

static ImBinding ask(SWorld *w, int64_t ssid, bool table)
{
    ImSmmuCounters before = *im_smmu_counters(w->r->smmu);
    uint64_t updates = w->r->updates, writes = w->r->writes;
    ImBinding b;

    w->r->ops->binding(w->r->iommu, w->sid, ssid != NO_SSID,
                       ssid == NO_SSID ? 0 : (uint32_t)ssid, table, &b);
    g_assert_cmpint(
        memcmp(&before, im_smmu_counters(w->r->smmu), sizeof(before)), ==, 0);
    g_assert_cmpuint(w->r->updates, ==, updates);
    g_assert_cmpuint(w->r->writes, ==, writes);
    return b;
}

/* --- one request's ------------------------------------------------------ */

typedef struct HowRow {
    const char *name;
    SwKind kind;
    bool substreams;            /* there are any: S1CDMax is 8 */
    int64_t ssid;
    unsigned s1dss;
    ImBindingHow want;
    SwShape shape;
} HowRow;

/* SubstreamID 0x91 has a CD, and 0. */
static const HowRow how_rows[] = {
    { "s1", SW_S1, true, 0x91, .want = IM_BINDING_FIRST },
    { "s1-4k-leaves", SW_S1, true, 0x91, .want = IM_BINDING_FIRST,
      .shape = { .s1fmt = 1 } },
    { "s1-64k-leaves", SW_S1, true, 0x91, .want = IM_BINDING_FIRST,
      .shape = { .s1fmt = 2 } },
    { "s1-none", SW_S1, false, NO_SSID, .want = IM_BINDING_FIRST },
    { "s1-none-with", SW_S1, false, 0x91, .want = IM_BINDING_FAULT },
    { "s1-beyond", SW_S1, true, 0x100, .want = IM_BINDING_FAULT },
    { "s1-wide", SW_S1, true, 0x100091, .want = IM_BINDING_FAULT },
    { "s1-no-cd", SW_S1, true, 0x92, .want = IM_BINDING_FAULT },
    { "s1-no-leaf", SW_S1, true, 0x12, .want = IM_BINDING_FAULT,
      .shape = { .s1fmt = 1 } },
    { "nested", SW_NESTED, true, 0x91, .want = IM_BINDING_NESTED },
    { "nested-leaves", SW_NESTED, true, 0x91, .want = IM_BINDING_NESTED,
      .shape = { .s1fmt = 1 } },
    { "nested-none", SW_NESTED, false, NO_SSID, .want = IM_BINDING_NESTED },
    { "s2", SW_S2, false, NO_SSID, .want = IM_BINDING_SECOND },
    { "s2-with", SW_S2, false, 0x91, .want = IM_BINDING_FAULT },
    { "bypass", SW_BYPASS, false, NO_SSID, .want = IM_BINDING_PASS },
    { "bypass-with", SW_BYPASS, false, 0x91, .want = IM_BINDING_FAULT },
    { "dss-abort", SW_S1, true, NO_SSID, .s1dss = S1DSS_ABORT,
      .want = IM_BINDING_FAULT },
    { "dss-bypass", SW_S1, true, NO_SSID, .s1dss = S1DSS_BYPASS,
      .want = IM_BINDING_PASS },
    { "dss-bypass-nested", SW_NESTED, true, NO_SSID, .s1dss = S1DSS_BYPASS,
      .want = IM_BINDING_SECOND },
    { "dss-0", SW_S1, true, NO_SSID, .s1dss = S1DSS_SSID0,
      .want = IM_BINDING_FIRST },
    { "dss-0-nested", SW_NESTED, true, NO_SSID, .s1dss = S1DSS_SSID0,
      .want = IM_BINDING_NESTED },
    { "ssid-0", SW_S1, true, 0, .s1dss = S1DSS_ABORT,
      .want = IM_BINDING_FIRST },
    { "ssid-0-bypass", SW_S1, true, 0, .s1dss = S1DSS_BYPASS,
      .want = IM_BINDING_FIRST },
    { "ssid-0-taken", SW_S1, true, 0, .s1dss = S1DSS_SSID0,
      .want = IM_BINDING_FAULT },
};

static SWorld *how_world(const HowRow *row)
{
    SWorld *w = sw_new_off(NULL, row->kind, row->substreams, &row->shape);

    if (row->substreams && row->shape.s1fmt == 0) {
        sw_fill_cd(w, sw_cd_at(w, 0), 0x77);
    }
    if (row->substreams) {
        rig_put(w->r, w->ste, STE_S1DSS, row->s1dss);
    }
    sw_on(w);
    return w;
}

static bool has_first(const ImBinding *b)
{
    return b->how == IM_BINDING_FIRST || b->how == IM_BINDING_NESTED;
}

static bool has_second(const ImBinding *b)
{
    return b->how == IM_BINDING_SECOND || b->how == IM_BINDING_NESTED;
}

/* Of whom the STE is, by its own registers. */
static void ids_are(SWorld *w, const ImBinding *b)
{
    uint64_t idr01 = rig_reg32(w->r, SR_IDR0) |
                     (uint64_t)rig_reg32(w->r, SR_IDR1) << 32;
    uint64_t idr35 = rig_reg32(w->r, SR_IDR3) |
                     (uint64_t)rig_reg32(w->r, SR_IDR5) << 32;

    g_assert_cmphex(b->first[2], ==, has_first(b) ? idr01 : 0);
    g_assert_cmphex(b->first[3], ==, has_first(b) ? idr35 : 0);
}

/* An STE of one CD, which is that of the SubstreamID. */
static void how(const void *data)
{
    const HowRow *row = data;
    g_autoptr(SWorld) w = how_world(row);
    ImBinding b = ask(w, row->ssid, false);
    static const ImBinding fault = { .how = IM_BINDING_FAULT };
    uint64_t cd;

    g_assert_cmpint(b.how, ==, row->want);
    if (b.how == IM_BINDING_FAULT) {
        g_assert_cmpmem(&b, sizeof(b), &fault, sizeof(fault));
        return;
    }
    cd = sw_cd_at(w, row->ssid == NO_SSID ? 0 : (uint32_t)row->ssid);
    g_assert_cmphex(b.first[0], ==,
                    has_first(&b) ? (cd + w->bias) | CONFIG_S1 << 1 | 1 : 0);
    g_assert_cmphex(b.first[1], ==, has_first(&b) ? UINT64_C(1) << 28 : 0);
    ids_are(w, &b);
    g_assert_cmphex(b.second[0], ==, has_second(&b) ? w->s2 : 0);
    g_assert_cmphex(b.domain, ==, row->kind == SW_BYPASS ? 0 : w->vmid);
    g_assert_cmphex(b.pasid, ==, row->ssid == NO_SSID ? 0 : row->ssid);
    g_assert_false(b.table);
    g_assert_cmpint(b.ats, ==, row->kind != SW_BYPASS);
    g_assert_cmpint(b.pri, ==, b.ats);
}

/* --- all of a stream's -------------------------------------------------- */

static const SwShape linear = { 0 };
static const SwShape leaves = { .s1fmt = 1, .s1cdmax = 9 };

static void table_is(SwKind kind, const SwShape *shape, ImBindingHow want)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, kind, true, shape);
    ImBinding b, other;

    rig_put(w->r, w->ste, STE_S1DSS, S1DSS_SSID0);
    rig_put(w->r, w->ste, STE_S1STALLD, 1);
    sw_on(w);
    b = ask(w, NO_SSID, true);
    other = ask(w, 0x91, true);
    g_assert_cmpmem(&b, sizeof(b), &other, sizeof(other));
    g_assert_true(b.table);
    g_assert_cmpint(b.how, ==, want);
    g_assert_cmphex(b.first[0], ==,
                    (w->cdtab + w->bias) | CONFIG_S1 << 1 | 1 |
                        (uint64_t)shape->s1fmt << 4 |
                        (uint64_t)w->shape.s1cdmax << 59);
    g_assert_cmphex(b.first[1], ==, S1DSS_SSID0 | 1u << 27 | 1u << 28);
    g_assert_cmphex(b.second[0], ==, w->s2);
    g_assert_cmphex(b.domain, ==, w->vmid);
    g_assert_cmphex(b.pasid, ==, 0);
}

static void table(void)
{
    table_is(SW_S1, &linear, IM_BINDING_FIRST);
    table_is(SW_S1, &leaves, IM_BINDING_FIRST);
    table_is(SW_NESTED, &leaves, IM_BINDING_NESTED);
}

/* Without one it is as if a request had asked. */
static void no_table(void)
{
    static const SwKind kinds[] = { SW_S1, SW_S2, SW_NESTED, SW_BYPASS };

    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(SWorld) w = sw_new(NULL, kinds[i], false);
        ImBinding b = ask(w, NO_SSID, true);
        ImBinding one = ask(w, NO_SSID, false);

        g_assert_false(b.table);
        g_assert_cmpmem(&b, sizeof(b), &one, sizeof(one));
    }
}

/* --- what is wrong there ------------------------------------------------ */

typedef struct WrongRow {
    const char *name;
    void (*damage)(SWorld *w);
} WrongRow;

#define DAMAGE(name, what)  static void name(SWorld *w) { what; }

DAMAGE(ste_v_0, rig_put(w->r, w->ste, STE_V, 0))
DAMAGE(ste_abort, rig_put(w->r, w->ste, STE_CONFIG, CONFIG_ABORT))
DAMAGE(ste_illegal, rig_put(w->r, w->ste, STE_S1CDMAX, 21))
DAMAGE(span_0, rig_put(w->r, w->l1std, L1STD_SPAN, 0))
DAMAGE(l1std_beyond, rig_put(w->r, w->l1std, L1STD_L2PTR, w->r->ram_top >> 6))
DAMAGE(stream_beyond, w->sid |= 1u << 20)
DAMAGE(cd_v_0, rig_put(w->r, w->cd, CD_V, 0))
DAMAGE(cd_illegal, rig_put(w->r, w->cd, CD_AA64, 0))
DAMAGE(cd_beyond, rig_put(w->r, w->ste, STE_S1CTXPTR, w->r->ram_top >> 6))

static const WrongRow wrong_rows[] = {
    { "ste-v-0", ste_v_0 },
    { "ste-abort", ste_abort },
    { "ste-illegal", ste_illegal },
    { "span-0", span_0 },
    { "l1std-beyond", l1std_beyond },
    { "stream-beyond", stream_beyond },
    { "cd-v-0", cd_v_0 },
    { "cd-illegal", cd_illegal },
    { "cd-beyond", cd_beyond },
};

/* Nothing is kept of what was right, and no record is made. */
static void wrong(const void *data)
{
    const WrongRow *row = data;
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);

    g_assert_cmpint(ask(w, w->ssid, false).how, ==, IM_BINDING_FIRST);
    row->damage(w);
    g_assert_cmpint(ask(w, w->ssid, false).how, ==, IM_BINDING_FAULT);
    g_assert_cmpint(ask(w, NO_SSID, false).how, ==, IM_BINDING_FAULT);
    sw_no_event(w);
}

/* The CD is where stage 2 has nothing. */
static void cd_unmapped(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_NESTED, true);

    g_assert_cmpint(ask(w, w->ssid, false).how, ==, IM_BINDING_NESTED);
    rig_w64(w->r, sw_s2_desc(w, w->cd + w->bias, 3), 0);
    g_assert_cmpint(ask(w, w->ssid, false).how, ==, IM_BINDING_FAULT);
    g_assert_cmpint(ask(w, w->ssid, true).how, ==, IM_BINDING_NESTED);
    sw_no_event(w);
}

/* --- the unit ----------------------------------------------------------- */

static void off(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);

    sb_cr0(w->r, CR0_SMMUEN, false);
    g_assert_cmpint(ask(w, w->ssid, false).how, ==, IM_BINDING_OFF);
    g_assert_cmpint(ask(w, NO_SSID, true).how, ==, IM_BINDING_OFF);
    rig_set32(w->r, SR_GBPA, GBPA_UPDATE | GBPA_ABORT);
    g_assert_cmpint(ask(w, NO_SSID, false).how, ==, IM_BINDING_FAULT);
}

static void ats_is(SWorld *w, bool ats, bool pri)
{
    ImBinding b = ask(w, w->ssid, false);

    g_assert_cmpint(b.ats, ==, ats);
    g_assert_cmpint(b.pri, ==, pri);
    g_assert_cmpint(b.first[1] >> 28 & 3, ==, ats);
}

static void ats(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_NESTED, true);

    ats_is(w, true, true);
    rig_put(w->r, w->ste, STE_EATS, 0);
    ats_is(w, false, false);
    rig_put(w->r, w->ste, STE_EATS, 2);
    ats_is(w, false, false);
    sb_cr0(w->r, CR0_ATSCHK, true);
    ats_is(w, true, true);
}

static void no_pri(void)
{
    ImSmmuConfig c = rig_smmu_config();

    c.pri = false;
    im_smmu_config_prune(&c);
    g_autoptr(SWorld) w = sw_new(&c, SW_S1, true);
    ats_is(w, true, false);
}

/* EL2 has no VMID; with E2H it is like EL1 to who has one alone. */
static void worlds(void)
{
    for (unsigned e2h = 0; e2h < 2; e2h++) {
        g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
        ImBinding b;

        rig_put(w->r, w->ste, STE_STRW, STRW_EL2);
        w->cr2 = e2h ? CR2_E2H : 0;
        sw_on(w);
        b = ask(w, w->ssid, false);
        g_assert_cmpint(b.how, ==, IM_BINDING_FIRST);
        g_assert_cmphex(b.domain, ==, IM_SMMU_EL2);
        g_assert_cmphex(b.first[1] >> 30 & 3, ==, e2h ? 0 : STRW_EL2);
    }
}

/* --- stage 2 alone ------------------------------------------------------ */

static ImXlat second(SWorld *w, uint64_t addr, ImAccess access)
{
    ImBinding b = ask(w, w->has_ssid ? (int64_t)w->ssid : NO_SSID, false);

    return w->r->ops->second(w->r->iommu, &b, addr, access);
}

typedef struct ShapeRow {
    const char *name;
    SwShape shape;
} ShapeRow;

static const ShapeRow shape_rows[] = {
    { "4k", { .g2 = 12 } },
    { "4k-39", { .g2 = 12, .bits2 = 41 } },
    { "4k-concat", { .g2 = 12, .bits2 = 42, .concat = 1 } },
    { "16k", { .g2 = 14 } },
    { "64k", { .g2 = 16 } },
    { "64k-on-4k", { .g1 = 12, .g2 = 16 } },
};

static void as_a_request(const void *data)
{
    const ShapeRow *row = data;
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_NESTED, true, &row->shape);
    uint64_t size = UINT64_C(1) << w->shape.g2;
    ImXlat x;

    sw_on(w);
    x = second(w, w->ipa + 0x123, IM_ATOMIC);
    g_assert_cmpint(x.status, ==, IM_OK);
    g_assert_cmphex(x.addr, ==, w->pa + 0x123);
    g_assert_cmphex(x.mask, ==, size - 1);
    g_assert_cmpint(x.perm, ==, IM_PERM_R | IM_PERM_W | IM_PERM_X);
    x = second(w, w->ipa + size, IM_READ);
    g_assert_cmpint(x.status, ==, IM_FAULT);
    x = second(w, w->ipa | UINT64_C(1) << w->bits2, IM_READ);
    g_assert_cmpint(x.status, ==, IM_FAULT);
    sw_no_event(w);
}

static void rights(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S2, false);
    uint64_t at = sw_leaf(w, w->iova), all = rig_r64(w->r, at);

    rig_w64(w->r, at, all & ~D_S2W);
    g_assert_cmpint(second(w, w->iova, IM_READ).perm, ==,
                    IM_PERM_R | IM_PERM_X);
    g_assert_cmpint(second(w, w->iova, IM_WRITE).status, ==, IM_FAULT);
    rig_w64(w->r, at, all | D_S2XN1);
    g_assert_cmpint(second(w, w->iova, IM_READ).perm, ==,
                    IM_PERM_R | IM_PERM_W);
    /* some privilege may execute, which of the two is not known */
    rig_w64(w->r, at, all | D_S2XN0);
    g_assert_cmpint(second(w, w->iova, IM_READ).perm, ==,
                    IM_PERM_R | IM_PERM_W);
    rig_w64(w->r, at, all | D_S2XN0 | D_S2XN1);
    g_assert_cmpint(second(w, w->iova, IM_READ).perm, ==,
                    IM_PERM_R | IM_PERM_W);
    g_assert_cmpuint(w->r->updates, ==, 0);
}

/* The access flag for any access; a write is granted once it was one. */
static void flags(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S2, false, NULL);
    uint64_t at = sw_leaf(w, w->iova), all = rig_r64(w->r, at);

    rig_put(w->r, w->ste, STE_S2HA, 1);
    rig_put(w->r, w->ste, STE_S2HD, 1);
    sw_on(w);
    rig_w64(w->r, at, (all | D_DBM) & ~(D_AF | D_S2W));
    g_assert_cmpint(second(w, w->iova, IM_READ).perm & IM_PERM_W, ==, 0);
    g_assert_cmphex(rig_r64(w->r, at), ==, (all | D_DBM) & ~D_S2W);
    g_assert_cmpint(second(w, w->iova, IM_WRITE).perm & IM_PERM_W, !=, 0);
    g_assert_cmphex(rig_r64(w->r, at), ==, all | D_DBM);
    g_assert_cmpint(second(w, w->iova, IM_READ).perm & IM_PERM_W, !=, 0);
}

static void no_flags(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S2, false);
    uint64_t at = sw_leaf(w, w->iova);

    rig_w64(w->r, at, rig_r64(w->r, at) & ~D_AF);
    g_assert_cmpint(second(w, w->iova, IM_READ).status, ==, IM_FAULT);
    rig_put(w->r, w->ste, STE_S2AFFD, 1);
    g_assert_cmpint(second(w, w->iova, IM_READ).status, ==, IM_OK);
    g_assert_cmpuint(w->r->updates, ==, 0);
}

static bool same_second(const ImBinding *a, const ImBinding *b)
{
    return a->second[0] == b->second[0] && a->second[1] == b->second[1];
}

/* Which fields of an STE make another stage 2 of it. */
static void told_apart(void)
{
    static const struct {
        unsigned hi, lo;
        uint64_t val;
        bool other;
    } rows[] = {
        { STE_S2TTB, 0x123, true },  { STE_S2T0SZ, 20, true },
        { STE_S2PS, 2, true },       { STE_S2HA, 1, true },
        { STE_S2AFFD, 1, true },     { STE_S2R, 0, false },
        { STE_S2VMID, 0x44, false }, { STE_S1DSS, 1, false },
        { STE_S2FWB, 1, false },     { STE_S2PTW, 1, false },
    };
    g_autoptr(SWorld) w = sw_new(NULL, SW_NESTED, true);
    ImBinding b = ask(w, NO_SSID, true);

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint64_t old = rig_get(w->r, w->ste, rows[i].hi, rows[i].lo);
        ImBinding c;

        rig_put(w->r, w->ste, rows[i].hi, rows[i].lo, rows[i].val);
        c = ask(w, NO_SSID, true);
        g_assert_cmpint(c.how, ==, IM_BINDING_NESTED);
        g_assert_cmpint(same_second(&b, &c), ==, !rows[i].other);
        rig_put(w->r, w->ste, rows[i].hi, rows[i].lo, old);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_rows(SMMU_STE_BINDING, how_rows, "how", how);
    spec_rows(SMMU_STE_BINDING, wrong_rows, "wrong", wrong);
    spec_test(SMMU_STE_BINDING, "table", table);
    spec_test(SMMU_STE_BINDING, "no-table", no_table);
    spec_test(SMMU_STE_BINDING, "cd-unmapped", cd_unmapped);
    spec_test(SMMU_STE_BINDING, "off", off);
    spec_test(SMMU_STE_BINDING, "ats", ats);
    spec_test(SMMU_STE_BINDING, "no-pri", no_pri);
    spec_test(SMMU_STE_BINDING, "worlds", worlds);
    spec_rows(SMMU_VMSA_BINDING, shape_rows, "as-a-request", as_a_request);
    spec_test(SMMU_VMSA_BINDING, "rights", rights);
    spec_test(SMMU_VMSA_BINDING, "flags", flags);
    spec_test(SMMU_VMSA_BINDING, "no-flags", no_flags);
    spec_test(SMMU_VMSA_BINDING, "told-apart", told_apart);
    return g_test_run();
}
