/*
 * Stream tables and CD tables, linear and in two levels: 5.1 and 5.3.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

/* --- stream table, 5.1 -------------------------------------------------- */

static ImXlat with_l1std(unsigned span, uint32_t sid, unsigned *event)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    uint64_t l2 = rig_alloc(w->r, 32, RIG_READ);
    ImXlat x;

    rig_put(w->r, w->strtab + 8 * (sid >> 8), L1STD_L2PTR, l2 >> 6);
    rig_put(w->r, w->strtab + 8 * (sid >> 8), L1STD_SPAN, span);
    sw_fill_ste(w, l2 + 64 * (sid & 0xff));
    sw_on(w);
    t.rid = (uint16_t)sid;
    x = sw_run(w, &t);
    *event = sb_events(w->r) ? sb_event(w->r, 0).code : 0;
    return x;
}

static void spans(void)
{
    for (unsigned span = 0; span < 32; span++) {
        unsigned covered = span ? 1u << (span - 1) : 0, event;
        bool ok = span >= 1 && span <= 9;
        ImXlat x;

        if (ok) {
            x = with_l1std(span, 0x4200 + covered - 1, &event);
            g_assert_cmpuint(x.status, ==, IM_OK);
            g_assert_cmphex(event, ==, 0);
        }
        if (!ok || covered < 256) {
            x = with_l1std(span, 0x4200 + (ok ? covered : 0), &event);
            sx_is_abort(&x, EV_BAD_STREAMID);
            g_assert_cmphex(event, ==, EV_BAD_STREAMID);
        }
    }
}

/* L2Ptr is taken as aligned to the array's size. */
static void l2ptr_is_aligned(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    ImXlat x;

    rig_put(w->r, w->l1std, 13, 6, 0xff);
    sw_on(w);
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->pa);
}

static void base_is_aligned(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    uint64_t base = w->strtab;
    ImXlat x;

    w->strtab |= 0x7c0;             /* 256 descriptors of 8 bytes */
    sw_on(w);
    w->strtab = base;
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->pa);
}

static void log2size(void)
{
    SwShape s = { .linear = true };
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, &s);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    sw_stream(w, 0x7f);
    w->log2size = 7;
    sw_on(w);
    t.rid = 0x7f;
    x = sw_run(w, &t);
    xlat_is_ok(&x, w->pa);
    sw_no_event(w);
    t.rid = 0x80;
    x = sw_run(w, &t);
    sx_is_abort(&x, EV_BAD_STREAMID);
    sw_only_event(w, EV_BAD_STREAMID);
    t.rid = 0x7f;
    t.segment = 1;
    x = sw_run(w, &t);
    sx_is_abort(&x, EV_BAD_STREAMID);
    sw_only_event(w, EV_BAD_STREAMID);
}

static void splits(const void *data)
{
    unsigned split = GPOINTER_TO_UINT(data);
    unsigned real = split == 8 || split == 10 ? split : 6;
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    uint64_t l1 = rig_alloc(w->r, 8, RIG_READ);
    uint64_t l2 = rig_alloc(w->r, 16, RIG_READ);
    ImXlat x;

    rig_put(w->r, l1 + 8 * (w->sid >> real), L1STD_L2PTR, l2 >> 6);
    rig_put(w->r, l1 + 8 * (w->sid >> real), L1STD_SPAN, real + 1);
    sw_fill_ste(w, l2 + 64 * (w->sid & ((1u << real) - 1)));
    sw_on(w);
    sb_cr0(w->r, CR0_SMMUEN, false);
    rig_set64(w->r, SR_STRTAB_BASE, l1);
    rig_set32(w->r, SR_STRTAB_BASE_CFG, 16 | split << 6 | 1 << 16);
    sb_cr0(w->r, CR0_SMMUEN, true);
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->pa);
}

/* --- CD tables, 5.3 ----------------------------------------------------- */

static void cd_table(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    SwShape s = { .s1fmt = n & 3, .s1cdmax = (uint8_t)(n >> 4) };
    static const uint32_t ssids[] = { 1, 63, 64, 1023, 1024, 0x12345, 0xfffff };
    g_autoptr(SWorld) w = sw_new_off(NULL, n & 8 ? SW_NESTED : SW_S1, true, &s);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);

    for (unsigned i = 0; i < G_N_ELEMENTS(ssids); i++) {
        if (ssids[i] >> s.s1cdmax == 0) {
            sw_substream(w, ssids[i], (uint16_t)(10 + i),
                         w->pa + 0x100000 * (i + 1));
        }
    }
    sw_on(w);
    for (unsigned i = 0; i < G_N_ELEMENTS(ssids); i++) {
        ImXlat x;

        t.pasid = ssids[i];
        x = sw_run(w, &t);
        if (ssids[i] >> s.s1cdmax == 0) {
            xlat_is_ok(&x, w->pa + 0x100000 * (i + 1));
        } else {
            sx_is_abort(&x, EV_BAD_SUBSTREAMID);
        }
    }
}

static void l1cd_invalid(const void *data)
{
    unsigned fmt = GPOINTER_TO_UINT(data);
    SwShape s = { .s1fmt = (uint8_t)fmt, .s1cdmax = 14 };
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, &s);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    uint64_t l1 = w->cdtab + 8 * (w->ssid >> (fmt == 1 ? 6 : 10));
    ImXlat x;

    sw_on(w);
    t.pasid = 0x3fff;                   /* its L1CD is 0 */
    x = sw_run(w, &t);
    sx_is_abort(&x, EV_BAD_SUBSTREAMID);
    g_assert_cmphex(sw_only_event(w, EV_BAD_SUBSTREAMID).ssid, ==, 0x3fff);
    rig_put(w->r, l1, L1CD_L2PTR, (UINT64_C(1) << 48) >> 12);
    sb_do(w->r, cmd_cfgi_all());
    t.pasid = w->ssid;
    x = sw_run(w, &t);
    sx_is_abort(&x, EV_BAD_SUBSTREAMID);
}

/* S1ContextPtr is taken as aligned to the table: 256 CDs, or 256 L1CDs. */
static void cd_table_is_aligned(const void *data)
{
    unsigned fmt = GPOINTER_TO_UINT(data);
    SwShape s = { .s1fmt = (uint8_t)fmt, .s1cdmax = fmt ? 14 : 8 };
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, &s);
    uint64_t bytes = fmt ? 8 * 256 : 64 * 256;
    ImXlat x;

    rig_put(w->r, w->ste, STE_S1CTXPTR, (w->cdtab + bytes - 64) >> 6);
    sw_on(w);
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->pa);
}

/* What stage 2 says of the place of a CD is for a read, whatever the
 * request is. */
static void cd_is_read(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_NESTED, true, NULL);
    uint64_t at = sw_s2_desc(w, w->cd + w->bias, 3);
    ImXlat x;

    rig_w64(w->r, at, (rig_r64(w->r, at) | D_S2XN1) & ~D_S2W);
    sw_on(w);
    x = sw_dma(w, IM_WRITE, w->iova);
    xlat_is_ok(&x, w->pa);
}

/* Beyond S2T0SZ nothing translates it, though there are tables. */
static void cd_beyond_s2t0sz(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_NESTED, true, NULL);
    uint64_t page = w->cd & ~UINT64_C(0xfff), far = UINT64_C(1) << 45;
    ImXlat x;
    Evt e;

    sw_s2_map(w, page | far, page, 12, SB_S2);
    rig_put(w->r, w->ste, STE_S1CTXPTR, (w->cdtab | far) >> 6);
    sw_on(w);
    x = sw_dma(w, IM_READ, w->iova);    /* 48 bits */
    xlat_is_ok(&x, w->pa);
    rig_put(w->r, w->ste, STE_S2T0SZ, 64 - 45);
    sb_do(w->r, cmd_cfgi_all());
    sb_do(w->r, cmd_op(OP_NSNH_ALL));
    x = sw_dma(w, IM_READ, w->iova);
    sx_is_abort(&x, EV_TRANSLATION);
    e = sw_only_event(w, EV_TRANSLATION);
    g_assert_cmpuint(e.cls, ==, CLASS_CD);
    g_assert_cmphex(e.ipa, ==, page | far);
}

/* --- memory beyond OAS, 3.4.3 ------------------------------------------- */

/* It cannot be addressed, even where a bus would answer. */
static void ste_beyond_oas(void)
{
    uint64_t far = UINT64_C(1) << 36;
    ImSmmuConfig c = rig_smmu_config();
    ImTxn t;
    ImXlat x, e;

    c.oas = 36;
    g_autoptr(SWorld) w = sw_new_off(&c, SW_S1, false, NULL);
    w->r->ram_top = far << 1;
    rig_offer(w->r, far, 4, RIG_TABLE);
    sw_fill_ste(w, far + 64 * (w->sid & 0xff));
    rig_put(w->r, w->l1std, L1STD_L2PTR, far >> 6);
    sw_on(w);
    t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    e = im_smmu_explain(w->r->smmu, &t, NULL, NULL);
    sx_is_abort(&e, EV_STE_FETCH);
    x = sw_run(w, &t);
    sx_is_abort(&x, EV_STE_FETCH);
    sw_only_event(w, EV_STE_FETCH);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned split = 0; split < 32; split++) {
        g_autofree char *path = g_strdup_printf("split@%u", split);

        spec_row(SMMU_REG_STRTAB_BASE_CFG, path, splits,
                 GUINT_TO_POINTER(split));
    }
    for (unsigned fmt = 0; fmt < 3; fmt++) {
        for (unsigned cdmax = 6; cdmax <= 20; cdmax += 7) {
            for (unsigned nested = 0; nested < 2; nested++) {
                g_autofree char *path = g_strdup_printf(
                    "table@%u-%u%s", fmt, cdmax, nested ? "-nested" : "");

                spec_row(SMMU_ROUTE_L1CD, path, cd_table,
                         GUINT_TO_POINTER(fmt | nested << 3 | cdmax << 4));
            }
        }
    }
    spec_test(SMMU_ROUTE_SPAN, "every", spans);
    spec_test(SMMU_ROUTE_L1STD, "l2ptr-aligned", l2ptr_is_aligned);
    spec_test(SMMU_REG_STRTAB_BASE, "aligned", base_is_aligned);
    spec_test(SMMU_ROUTE_STREAMID, "log2size", log2size);
    spec_row(SMMU_STE_S1CONTEXTPTR, "aligned", cd_table_is_aligned,
             GUINT_TO_POINTER(0));
    spec_row(SMMU_STE_S1CONTEXTPTR, "aligned-l1", cd_table_is_aligned,
             GUINT_TO_POINTER(1));
    spec_test(SMMU_ROUTE_CD_STAGE2, "is-read", cd_is_read);
    spec_test(SMMU_ROUTE_CD_STAGE2, "beyond-s2t0sz", cd_beyond_s2t0sz);
    spec_test(SMMU_REG_ADDR_SIZE, "ste", ste_beyond_oas);
    spec_row(SMMU_ROUTE_L1CD, "4k", l1cd_invalid, GUINT_TO_POINTER(1));
    spec_row(SMMU_ROUTE_L1CD, "64k", l1cd_invalid, GUINT_TO_POINTER(2));
    return g_test_run();
}
