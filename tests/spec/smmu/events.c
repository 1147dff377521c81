/*
 * Event records: what stands in each of their bits, and when they are
 * recorded (7.3).
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

#define BITS(h, l)  (UINT64_MAX >> (63 - (h)) & UINT64_MAX << (l))

/* Which fields a record has, 7.3.2 to 7.3.20 */
enum {
    HAS_SSV = 1,
    HAS_SSID = 2,
    HAS_ATTR = 4,
    HAS_ADDR = 8,
    HAS_FETCH = 16,
    HAS_STAGE = 32,
    HAS_STALL = 64,
    HAS_REASON = 128,
    HAS_RNW = 256
};

static unsigned fields_of(unsigned code)
{
    switch (code) {
    case EV_BAD_STREAMID:
    case EV_BAD_STE:
    case EV_BAD_CD:
        return HAS_SSV | HAS_SSID;
    case EV_STE_FETCH:
    case EV_CD_FETCH:
        return HAS_SSV | HAS_SSID | HAS_REASON | HAS_FETCH;
    case EV_STREAM_DISABLED:
        return 0;
    case EV_TRANSL_FORBIDDEN:
        return HAS_RNW | HAS_ADDR;
    case EV_BAD_SUBSTREAMID:
        return HAS_SSID;
    case EV_WALK_EABT:
        return HAS_SSV | HAS_SSID | HAS_REASON | HAS_ATTR | HAS_STAGE |
               HAS_ADDR | HAS_FETCH;
    default:
        return HAS_SSV | HAS_SSID | HAS_ATTR | HAS_STAGE | HAS_STALL | HAS_ADDR;
    }
}

static void put(uint64_t *q, unsigned hi, unsigned lo, uint64_t val)
{
    for (unsigned bit = lo; bit <= hi; bit++) {
        q[bit / 64] |= (val >> (bit - lo) & 1) << bit % 64;
    }
}

/* The record must be want in every bit that 7.3 defines or reserves. */
static void record_is(const Evt *got, const Evt *want)
{
    unsigned f = fields_of(want->code);
    uint64_t q[4] = { 0 }, open[4] = { 0 };

    put(q, 7, 0, want->code);
    put(q, 63, 32, want->sid);
    if (f & HAS_SSV) {
        put(q, 11, 11, want->ssv);
    }
    if (f & HAS_SSID && (want->ssv || !(f & HAS_SSV))) {
        put(q, 31, 12, want->ssid);
    } else if (f & HAS_SSV) {
        put(open, 31, 12, 0xfffff);
    }
    if (f & HAS_REASON) {
        put(open, 79, 64, 0xffff);
    }
    if (f & HAS_STALL) {
        put(q, 95, 95, want->stall);
        put(open, 79, 64, 0xffff);
    }
    if (f & (HAS_ATTR | HAS_RNW)) {
        put(q, 99, 99, want->rnw);
    }
    if (f & HAS_ATTR) {
        put(q, 97, 97, want->pnu);
        put(q, 98, 98, want->ind);
    }
    if (f & HAS_STAGE) {
        put(q, 103, 103, want->s2);
        put(q, 105, 104, want->cls);
    }
    if (want->code == EV_PERMISSION && want->cls == CLASS_TT) {
        put(q, 108, 108, want->ttrnw);
    } else if (f & HAS_STALL) {
        put(open, 108, 108, 1);
    }
    if (f & HAS_ADDR) {
        put(q, 191, 128, want->addr);
    }
    if (f & HAS_FETCH) {
        put(q, 247, 195, want->fetch >> 3);
    }
    if (f & HAS_STALL) {
        if (want->s2) {
            put(q, 247, 204, want->ipa >> 12);
        } else {
            put(open, 247, 204, UINT64_MAX);
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        g_assert_cmphex(got->q[i] & ~open[i], ==, q[i] & ~open[i]);
    }
}

static Evt expect(const SWorld *w, unsigned code, const ImTxn *t)
{
    return (Evt) {
        .code = code,
        .sid = w->sid,
        .ssv = t->has_pasid,
        .ssid = t->pasid,
        .rnw = !(t->access & IM_WRITE),
        .cls = CLASS_IN,
        .addr = t->addr,
        .pnu = t->priv,
        .ind = t->exec && !(t->access & IM_WRITE),
    };
}

/* Run t; it must be aborted and leave the record that is wanted. */
static void run(SWorld *w, const ImTxn *t, const Evt *want)
{
    ImXlat x = sw_run(w, t);
    Evt e;

    sx_is_abort(&x, want->code);
    e = sw_only_event(w, want->code);
    record_is(&e, want);
}

/* --- configuration ------------------------------------------------------ */

static void bad_streamid(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Evt e = expect(w, EV_BAD_STREAMID, &t);

    rig_put(w->r, w->l1std, L1STD_SPAN, 0);
    sw_on(w);
    run(w, &t, &e);
}

static void bad_streamid_silent(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImXlat x;

    rig_put(w->r, w->l1std, L1STD_SPAN, 0);
    w->cr2 = 0;
    sw_on(w);
    x = sw_dma(w, IM_READ, w->iova);
    sx_is_abort(&x, EV_BAD_STREAMID);
    sw_no_event(w);
}

static void ste_fetch(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_WRITE);
    Evt e = expect(w, EV_STE_FETCH, &t);
    uint64_t l2 = w->r->ram_top + 0x4000;

    rig_put(w->r, w->l1std, L1STD_L2PTR, l2 >> 6);
    sw_on(w);
    e.fetch = l2 + 64 * (w->sid & 0xff);
    run(w, &t, &e);
}

static void l1std_fetch(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Evt e = expect(w, EV_STE_FETCH, &t);

    w->strtab = w->r->ram_top;
    sw_on(w);
    e.fetch = w->strtab + 8 * (w->sid >> 8);
    run(w, &t, &e);
}

static void bad_ste(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_WRITE);
    Evt e = expect(w, EV_BAD_STE, &t);

    t.pasid = e.ssid = 0xfedcb;
    rig_put(w->r, w->ste, STE_V, 0);
    sw_on(w);
    run(w, &t, &e);
}

/* Config=000 is no error: nothing is recorded. */
static void config_abort(void)
{
    for (unsigned config = 0; config < 4; config++) {
        g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
        ImXlat x;

        rig_put(w->r, w->ste, STE_CONFIG, config);
        sw_on(w);
        x = sw_dma(w, IM_READ, w->iova);
        g_assert_cmpuint(x.status, ==, IM_FAULT);
        g_assert_cmpuint(x.cpl, !=, IM_CPL_SC);
        sw_no_event(w);
    }
}

static void stream_disabled(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Evt e;

    t.has_pasid = false;
    e = expect(w, EV_STREAM_DISABLED, &t);
    run(w, &t, &e);
}

static void bad_substreamid(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Evt e;

    t.pasid = 0x100;
    e = expect(w, EV_BAD_SUBSTREAMID, &t);
    run(w, &t, &e);
}

/* S1DSS=10 and an L1CD that is not there: SubstreamID 0, though none came. */
static void bad_substreamid_zero(void)
{
    SwShape s = { .s1fmt = 2, .s1cdmax = 12 };
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, &s);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Evt e;

    rig_put(w->r, w->ste, STE_S1DSS, 2);
    rig_put(w->r, w->cdtab, L1CD_V, 0);
    sw_on(w);
    t.has_pasid = false;
    t.pasid = 0x77;
    e = expect(w, EV_BAD_SUBSTREAMID, &t);
    e.ssid = 0;
    run(w, &t, &e);
}

static void cd_fetch(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Evt e = expect(w, EV_CD_FETCH, &t);

    rig_put(w->r, w->ste, STE_S1CTXPTR, w->r->ram_top >> 6);
    sw_on(w);
    e.fetch = w->r->ram_top + 64 * w->ssid;
    run(w, &t, &e);
}

static void l1cd_fetch(void)
{
    SwShape s = { .s1fmt = 1, .s1cdmax = 12 };
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, &s);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Evt e = expect(w, EV_CD_FETCH, &t);

    rig_put(w->r, w->ste, STE_S1CTXPTR, w->r->ram_top >> 6);
    sw_on(w);
    e.fetch = w->r->ram_top + 8 * (w->ssid >> 6);
    run(w, &t, &e);
}

static void bad_cd(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Evt e = expect(w, EV_BAD_CD, &t);

    rig_put(w->r, w->cd, CD_V, 0);
    sw_on(w);
    run(w, &t, &e);
}

static void bad_cd_no_substream(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Evt e = expect(w, EV_BAD_CD, &t);

    rig_put(w->r, w->cd, CD_V, 0);
    sw_on(w);
    run(w, &t, &e);
}

/* --- walks -------------------------------------------------------------- */

typedef struct WalkRow {
    ImClause clause;
    const char *path;
    SwKind kind;
    ImAccess access;
    bool priv, exec;
    void (*damage)(SWorld *w, Evt *want);
    unsigned code;
} WalkRow;

static void d_s1_absent(SWorld *w, Evt *e)
{
    (void)e;
    rig_w64(w->r, sw_s1_desc(w, w->iova, 3), 0);
}

static void d_s1_eabt(SWorld *w, Evt *e)
{
    uint64_t at = sw_s1_desc(w, w->iova, 1);

    rig_w64(w->r, at, w->r->ram_top | D_TABLE | D_V);
    e->cls = CLASS_TT;
    e->fetch = w->r->ram_top + 8 * sb_index(12, 48, 0, 2, w->iova);
}

static void d_s1_size(SWorld *w, Evt *e)
{
    (void)e;
    rig_put(w->r, w->cd, CD_IPS, 0);
    rig_w64(w->r, sw_s1_desc(w, w->iova, 3), (UINT64_C(1) << 32) | SB_S1 | 3);
}

static void d_s1_access(SWorld *w, Evt *e)
{
    uint64_t at = sw_s1_desc(w, w->iova, 3);

    (void)e;
    rig_w64(w->r, at, rig_r64(w->r, at) & ~D_AF);
}

static void d_s1_perm(SWorld *w, Evt *e)
{
    uint64_t at = sw_s1_desc(w, w->iova, 3);

    (void)e;
    rig_w64(w->r, at, (rig_r64(w->r, at) | D_AP2 | D_UXN | D_PXN) & ~D_AP1);
}

static void s2_in(SWorld *w, Evt *e)
{
    e->s2 = true;
    e->ipa = w->ipa;
}

static void d_s2_absent(SWorld *w, Evt *e)
{
    s2_in(w, e);
    rig_w64(w->r, sw_s2_desc(w, w->ipa, 3), 0);
}

static void d_s2_eabt(SWorld *w, Evt *e)
{
    s2_in(w, e);
    rig_w64(w->r, sw_s2_desc(w, w->ipa, 2), w->r->ram_top | D_TABLE | D_V);
    e->fetch = w->r->ram_top + 8 * sb_index(12, 48, 0, 3, w->ipa);
}

static void d_s2_size(SWorld *w, Evt *e)
{
    s2_in(w, e);
    rig_put(w->r, w->ste, STE_S2PS, 1);
    rig_w64(w->r, sw_s2_desc(w, w->ipa, 3), (UINT64_C(1) << 36) | SB_S2 | 3);
}

static void d_s2_access(SWorld *w, Evt *e)
{
    uint64_t at = sw_s2_desc(w, w->ipa, 3);

    s2_in(w, e);
    rig_w64(w->r, at, rig_r64(w->r, at) & ~D_AF);
}

static void d_s2_perm(SWorld *w, Evt *e)
{
    uint64_t at = sw_s2_desc(w, w->ipa, 3);

    s2_in(w, e);
    rig_w64(w->r, at, (rig_r64(w->r, at) | D_S2XN1) & ~(D_S2R | D_S2W));
}

/* Stage 2 of the page that the stage 1 structure is in. */
static uint64_t tt_page(SWorld *w, Evt *e)
{
    uint64_t ipa = sw_s1_desc(w, w->iova, 2) + w->bias;

    e->s2 = true;
    e->cls = CLASS_TT;
    e->ipa = ipa & ~UINT64_C(0xfff);
    e->ttrnw = true;
    return sw_s2_desc(w, ipa, 3);
}

static void d_tt_absent(SWorld *w, Evt *e)
{
    rig_w64(w->r, tt_page(w, e), 0);
}

static void d_tt_access(SWorld *w, Evt *e)
{
    uint64_t at = tt_page(w, e);

    rig_w64(w->r, at, rig_r64(w->r, at) & ~D_AF);
}

static void d_tt_perm(SWorld *w, Evt *e)
{
    uint64_t at = tt_page(w, e);

    rig_w64(w->r, at, rig_r64(w->r, at) & ~D_S2R);
}

static void d_tt_eabt(SWorld *w, Evt *e)
{
    uint64_t at = sw_s1_desc(w, w->iova, 1), table = sw_s1_desc(w, w->iova, 2);
    uint64_t ipa = table + UINT64_C(0x12300000000);

    /* the table at an IPA of its own, far from all others */
    sw_s2_map(w, ipa & ~UINT64_C(0xfff), table & ~UINT64_C(0xfff), 12, SB_S2);
    rig_w64(w->r, at, (ipa & ~UINT64_C(0xfff)) | D_TABLE | D_V);
    e->s2 = true;
    e->cls = CLASS_TT;
    rig_w64(w->r, sw_s2_desc(w, ipa, 2), w->r->ram_top | D_TABLE | D_V);
    e->fetch = w->r->ram_top + 8 * sb_index(12, 48, 0, 3, ipa);
}

/* Reading the entry is fine, setting its access flag is not. */
static void d_tt_write(SWorld *w, Evt *e)
{
    uint64_t ipa = sw_s1_desc(w, w->iova, 3) + w->bias;
    uint64_t at = sw_s2_desc(w, ipa, 3), leaf;

    leaf = sw_s1_desc(w, w->iova, 3);
    rig_w64(w->r, leaf, rig_r64(w->r, leaf) & ~D_AF);
    rig_put(w->r, w->cd, CD_HA, 1);
    rig_w64(w->r, at, rig_r64(w->r, at) & ~D_S2W);
    e->s2 = true;
    e->cls = CLASS_TT;
    e->ipa = ipa & ~UINT64_C(0xfff);
    e->ttrnw = false;
}

static uint64_t cd_page(SWorld *w, Evt *e)
{
    e->s2 = true;
    e->cls = CLASS_CD;
    e->ipa = (w->cd + w->bias) & ~UINT64_C(0xfff);
    return sw_s2_desc(w, w->cd + w->bias, 3);
}

static void d_cd_absent(SWorld *w, Evt *e)
{
    rig_w64(w->r, cd_page(w, e), 0);
}

static void d_cd_access(SWorld *w, Evt *e)
{
    uint64_t at = cd_page(w, e);

    rig_w64(w->r, at, rig_r64(w->r, at) & ~D_AF);
}

static void d_cd_perm(SWorld *w, Evt *e)
{
    uint64_t at = cd_page(w, e);

    rig_w64(w->r, at, rig_r64(w->r, at) & ~D_S2R);
}

/* S2PTW: a structure in Device memory is not read. */
static void d_cd_device(SWorld *w, Evt *e)
{
    uint64_t at = cd_page(w, e);

    rig_put(w->r, w->ste, STE_S2PTW, 1);
    rig_w64(w->r, at, rig_r64(w->r, at) & ~D_S2MEM(0xf));
}

static void d_cd_eabt(SWorld *w, Evt *e)
{
    uint64_t ipa = w->cd + w->bias;

    cd_page(w, e);
    rig_w64(w->r, sw_s2_desc(w, ipa, 2), w->r->ram_top | D_TABLE | D_V);
    e->fetch = w->r->ram_top + 8 * sb_index(12, 48, 0, 3, ipa);
}

#define EABT    SPEC(SMMU_EVENT_F_WALK_EABT)
#define TRANS   SPEC(SMMU_EVENT_F_TRANSLATION)
#define SIZE    SPEC(SMMU_EVENT_F_ADDR_SIZE)
#define ACCS    SPEC(SMMU_EVENT_F_ACCESS)
#define PERM    SPEC(SMMU_EVENT_F_PERMISSION)
#define CLSS    SPEC(SMMU_ROUTE_CLASS)
#define CDS2    SPEC(SMMU_ROUTE_CD_STAGE2)

static const WalkRow walk_rows[] = {
    { TRANS, "s1-read", SW_S1, IM_READ, false, false, d_s1_absent, 0x10 },
    { TRANS, "s1-write", SW_S1, IM_WRITE, false, false, d_s1_absent, 0x10 },
    { TRANS, "s1-priv", SW_S1, IM_READ, true, false, d_s1_absent, 0x10 },
    { TRANS, "s1-exec", SW_S1, IM_READ, false, true, d_s1_absent, 0x10 },
    { TRANS, "s1-write-exec", SW_S1, IM_WRITE, true, true, d_s1_absent, 0x10 },
    { TRANS, "s2", SW_NESTED, IM_READ, false, false, d_s2_absent, 0x10 },
    { TRANS, "s2-write", SW_NESTED, IM_WRITE, true, false, d_s2_absent, 0x10 },
    { CLSS, "tt-translation", SW_NESTED, IM_WRITE, false, false, d_tt_absent,
      0x10 },
    { CDS2, "translation", SW_NESTED, IM_READ, true, true, d_cd_absent, 0x10 },
    { TRANS, "s1-of-nested", SW_NESTED, IM_READ, false, false, d_s1_absent,
      0x10 },
    { EABT, "s1", SW_S1, IM_READ, false, false, d_s1_eabt, 0x0b },
    { EABT, "s1-write", SW_S1, IM_WRITE, true, false, d_s1_eabt, 0x0b },
    { EABT, "s2", SW_NESTED, IM_READ, false, false, d_s2_eabt, 0x0b },
    { CLSS, "tt-walk-eabt", SW_NESTED, IM_WRITE, false, false, d_tt_eabt,
      0x0b },
    { CDS2, "walk-eabt", SW_NESTED, IM_READ, false, true, d_cd_eabt, 0x0b },
    { SIZE, "s1", SW_S1, IM_READ, false, false, d_s1_size, 0x11 },
    { SIZE, "s2", SW_NESTED, IM_WRITE, false, false, d_s2_size, 0x11 },
    { ACCS, "s1", SW_S1, IM_READ, false, false, d_s1_access, 0x12 },
    { ACCS, "s1-write", SW_S1, IM_WRITE, true, false, d_s1_access, 0x12 },
    { ACCS, "s2", SW_NESTED, IM_READ, false, false, d_s2_access, 0x12 },
    { CLSS, "tt-access", SW_NESTED, IM_READ, false, false, d_tt_access, 0x12 },
    { CDS2, "access", SW_NESTED, IM_READ, false, false, d_cd_access, 0x12 },
    { PERM, "s1-read", SW_S1, IM_READ, false, false, d_s1_perm, 0x13 },
    { PERM, "s1-write", SW_S1, IM_WRITE, true, false, d_s1_perm, 0x13 },
    { PERM, "s1-exec", SW_S1, IM_READ, true, true, d_s1_perm, 0x13 },
    { PERM, "s2-read", SW_NESTED, IM_READ, false, false, d_s2_perm, 0x13 },
    { PERM, "s2-write", SW_NESTED, IM_WRITE, false, false, d_s2_perm, 0x13 },
    { PERM, "s2-exec", SW_NESTED, IM_READ, false, true, d_s2_perm, 0x13 },
    { PERM, "tt-read", SW_NESTED, IM_READ, false, false, d_tt_perm, 0x13 },
    { PERM, "tt-update", SW_NESTED, IM_READ, false, false, d_tt_write, 0x13 },
    { CDS2, "permission", SW_NESTED, IM_READ, false, false, d_cd_perm, 0x13 },
    { CDS2, "device", SW_NESTED, IM_READ, false, false, d_cd_device, 0x13 },
};

static void walk_row(const void *data)
{
    const WalkRow *row = data;
    g_autoptr(SWorld) w = sw_new_off(NULL, row->kind, true, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, row->access);
    Evt e;

    t.priv = row->priv;
    t.exec = row->exec;
    t.addr += 0x9c0;
    e = expect(w, row->code, &t);
    row->damage(w, &e);
    sw_on(w);
    run(w, &t, &e);
}

/* PnU and InD of a record: after the overrides of the STE. */
static void after_overrides(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Evt e = expect(w, EV_TRANSLATION, &t);

    rig_put(w->r, w->ste, STE_PRIVCFG, 3);
    rig_put(w->r, w->ste, STE_INSTCFG, 3);
    d_s1_absent(w, &e);
    sw_on(w);
    e.pnu = e.ind = true;
    run(w, &t, &e);
    t.access = IM_WRITE;
    e.ind = e.rnw = false;
    run(w, &t, &e);
}

/* InputAddr holds what came, tag byte included. */
static void input_address_with_tag(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Evt e;

    rig_put(w->r, w->cd, CD_TBI0, 1);
    sw_on(w);
    t.addr = UINT64_C(0xa500000000001abc);
    e = expect(w, EV_TRANSLATION, &t);
    run(w, &t, &e);
}

/* Without stage 1 an address beyond the input size is a stage 1 fault. */
static void bypass_too_far(const void *data)
{
    SwKind kind = (SwKind)GPOINTER_TO_UINT(data);
    g_autoptr(SWorld) w = sw_new(NULL, kind, false);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    Evt e;

    t.addr = UINT64_C(1) << 48;
    e = expect(w, EV_ADDR_SIZE, &t);
    run(w, &t, &e);
}

/* An atomic is a write, unless all it lacks is the right to read. rights:
 * 1 to read, 2 to write. */
static void atomic(const void *data)
{
    unsigned rights = GPOINTER_TO_UINT(data);
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S2, false, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_ATOMIC);
    ImXlat x;
    Evt e;

    sw_s2_map(w, w->ipa, w->pa, 12,
              (SB_S2 & ~(D_S2R | D_S2W)) | (rights & 1 ? D_S2R : 0) |
                  (rights & 2 ? D_S2W : 0));
    sw_on(w);
    x = sw_run(w, &t);
    sx_is_abort(&x, EV_PERMISSION);
    e = sw_only_event(w, EV_PERMISSION);
    g_assert_cmpuint(e.rnw, ==, rights == 2);
    g_assert_false(e.ind);
}

static void second_record(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, false);

    for (unsigned i = 0; i < 300; i++) {    /* around the queue, twice */
        ImXlat x = sw_dma(w, IM_READ, 0x1000 + 0x1000 * i);
        Evt e;

        sx_is_abort(&x, EV_TRANSLATION);
        e = sw_only_event(w, EV_TRANSLATION);
        g_assert_cmphex(e.addr, ==, 0x1000 + 0x1000 * i);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(walk_rows); i++) {
        spec_table_row(&walk_rows[i], walk_rows[i].path, walk_row);
    }
    spec_test(SMMU_EVENT_C_BAD_STREAMID, "record", bad_streamid);
    spec_test(SMMU_ROUTE_RECINVSID, "0", bad_streamid_silent);
    spec_test(SMMU_EVENT_F_STE_FETCH, "ste", ste_fetch);
    spec_test(SMMU_EVENT_F_STE_FETCH, "l1std", l1std_fetch);
    spec_test(SMMU_EVENT_C_BAD_STE, "record", bad_ste);
    spec_test(SMMU_ROUTE_CONFIG_ABORT, "silent", config_abort);
    spec_test(SMMU_EVENT_F_STREAM_DISABLED, "record", stream_disabled);
    spec_test(SMMU_EVENT_C_BAD_SUBSTREAMID, "record", bad_substreamid);
    spec_test(SMMU_EVENT_C_BAD_SUBSTREAMID, "l1cd-0", bad_substreamid_zero);
    spec_test(SMMU_EVENT_F_CD_FETCH, "cd", cd_fetch);
    spec_test(SMMU_EVENT_F_CD_FETCH, "l1cd", l1cd_fetch);
    spec_test(SMMU_EVENT_C_BAD_CD, "record", bad_cd);
    spec_test(SMMU_EVENT_C_BAD_CD, "no-substream", bad_cd_no_substream);
    spec_test(SMMU_ROUTE_OVERRIDES, "record", after_overrides);
    spec_test(SMMU_EVENT_F_TRANSLATION, "tag", input_address_with_tag);
    spec_row(SMMU_ROUTE_IAS, "bypass", bypass_too_far,
             GUINT_TO_POINTER(SW_BYPASS));
    spec_row(SMMU_ROUTE_IAS, "stage-2-only", bypass_too_far,
             GUINT_TO_POINTER(SW_S2));
    spec_row(SMMU_ROUTE_ATOMIC, "write-only", atomic, GUINT_TO_POINTER(2));
    spec_row(SMMU_ROUTE_ATOMIC, "read-only", atomic, GUINT_TO_POINTER(1));
    spec_row(SMMU_ROUTE_ATOMIC, "neither", atomic, GUINT_TO_POINTER(0));
    spec_test(SMMU_REG_QUEUE, "around", second_record);
    return g_test_run();
}
