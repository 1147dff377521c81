/*
 * Stream tables and CD tables, linear and in two levels: 5.1 and 5.3.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

/* --- stream table, 5.1 --------------------------------------------------- */

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
    sx_is_ok(&x, w->pa);
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
    sx_is_ok(&x, w->pa);
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
    sx_is_ok(&x, w->pa);
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
    sx_is_ok(&x, w->pa);
}

/* --- CD tables, 5.3 ------------------------------------------------------ */

static void cd_table(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    SwShape s = { .s1fmt = n & 3, .s1cdmax = (uint8_t)(n >> 4) };
    static const uint32_t ssids[] = { 1, 63, 64, 1023, 1024, 0x12345,
                                      0xfffff };
    g_autoptr(SWorld) w = sw_new_off(NULL, n & 8 ? SW_NESTED : SW_S1, true,
                                     &s);
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
            sx_is_ok(&x, w->pa + 0x100000 * (i + 1));
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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned split = 0; split < 32; split++) {
        g_autofree char *path = g_strdup_printf("%u", split);

        spec_row(SMMU_REG_STRTAB_BASE_CFG, path, splits,
                 GUINT_TO_POINTER(split));
    }
    for (unsigned fmt = 0; fmt < 3; fmt++) {
        for (unsigned cdmax = 6; cdmax <= 20; cdmax += 7) {
            for (unsigned nested = 0; nested < 2; nested++) {
                g_autofree char *path = g_strdup_printf("%u-%u%s", fmt,
                    cdmax, nested ? "-nested" : "");

                spec_row(SMMU_ROUTE_L1CD, path, cd_table,
                         GUINT_TO_POINTER(fmt | nested << 3 | cdmax << 4));
            }
        }
    }
    spec_test(SMMU_ROUTE_SPAN, "every", spans);
    spec_test(SMMU_ROUTE_L1STD, "l2ptr-aligned", l2ptr_is_aligned);
    spec_test(SMMU_REG_STRTAB_BASE, "aligned", base_is_aligned);
    spec_test(SMMU_ROUTE_STREAMID, "log2size", log2size);
    spec_row(SMMU_ROUTE_L1CD, "4k", l1cd_invalid, GUINT_TO_POINTER(1));
    spec_row(SMMU_ROUTE_L1CD, "64k", l1cd_invalid, GUINT_TO_POINTER(2));
    return g_test_run();
}
