/*
 * What each invalidation of configuration drops and what it leaves: 4.3.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

#define DELTA   UINT64_C(0x10000000)

static uint64_t next_pa(void)
{
    static uint64_t pa = UINT64_C(0x200000000);

    return pa += 0x100000;
}

/* --- CFGI, 4.3 ---------------------------------------------------------- */

typedef struct Cfg {
    SWorld *w;
    uint32_t sid[3], ssid[2];
    uint64_t ste[3];
    uint64_t cd[3][2];
    uint64_t old[3][2];
} Cfg;

/* Three streams with a CD table each, two substreams of each. */
static Cfg *cfg_new(void)
{
    Cfg *c = g_new0(Cfg, 1);
    SWorld *w = sw_new_off(NULL, SW_S1, true, NULL);
    uint16_t asid = 0x20;

    c->w = w;
    for (unsigned i = 0; i < 3; i++) {
        c->sid[i] = i == 2 ? 0x5000 : 0x4200 + i;
        w->cdtab = sw_table(w, 64 << 8);
        c->ste[i] = sw_stream(w, c->sid[i]);
        for (unsigned j = 0; j < 2; j++) {
            c->ssid[j] = 3 + j;
            c->old[i][j] = next_pa();
            c->cd[i][j] = sw_substream(w, c->ssid[j], asid++, c->old[i][j]);
        }
    }
    sw_on(w);
    return c;
}

static void cfg_free(Cfg *c)
{
    sw_free(c->w);
    g_free(c);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cfg, cfg_free)

static uint64_t cfg_run(Cfg *c, unsigned i, unsigned j)
{
    ImTxn t = sw_txn(c->w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    t.rid = (uint16_t)c->sid[i];
    t.pasid = c->ssid[j];
    x = sw_run(c->w, &t);
    g_assert_cmpuint(x.status, ==, IM_OK);
    return x.addr;
}

/* Every CD anew, with an ASID that no translation is cached under. */
static void cfg_change(Cfg *c)
{
    uint16_t asid = 0x60;

    for (unsigned i = 0; i < 3; i++) {
        for (unsigned j = 0; j < 2; j++) {
            g_assert_cmphex(cfg_run(c, i, j), ==, c->old[i][j]);
            c->w->cdtab = c->cd[i][j] - 64 * (uint64_t)c->ssid[j];
            sw_substream(c->w, c->ssid[j], asid++, c->old[i][j] + DELTA);
        }
    }
}

typedef struct CfgRow {
    ImClause clause;
    const char *path;
    uint8_t op;
    uint32_t sid, ssid;
    uint8_t range;
    bool leaf;
    unsigned must;              /* bit 2 * stream + substream */
    unsigned may;
} CfgRow;

static const CfgRow cfg_rows[] = {
    { SPEC(SMMU_TLB_CFGI_CD), "one", OP_CFGI_CD, 0x4200, 3, 0, true, 0x01, 0 },
    { SPEC(SMMU_TLB_CFGI_CD), "not-leaf", OP_CFGI_CD, 0x4200, 4, 0, false, 0x02,
      0 },
    { SPEC(SMMU_TLB_CFGI_CD), "other-stream", OP_CFGI_CD, 0x4201, 3, 0, true,
      0x04, 0 },
    { SPEC(SMMU_TLB_CFGI_CD), "nobody", OP_CFGI_CD, 0x4203, 3, 0, true, 0, 0 },
    { SPEC(SMMU_TLB_CFGI_CD), "stream", OP_CFGI_CD_ALL, 0x4201, 0, 0, false,
      0x0c, 0 },
    { SPEC(SMMU_TLB_CFGI_STE), "with-its-cds", OP_CFGI_STE, 0x4200, 0, 0, false,
      0x03, 0 },
    { SPEC(SMMU_TLB_CFGI_STE), "leaf", OP_CFGI_STE, 0x5000, 0, 0, true, 0x30,
      0 },
    { SPEC(SMMU_TLB_CFGI_STE), "two", OP_CFGI_STE_RANGE, 0x4201, 0, 0, false,
      0x0f, 0 },
    { SPEC(SMMU_TLB_CFGI_STE), "next-two", OP_CFGI_STE_RANGE, 0x4202, 0, 0,
      false, 0, 0 },
    { SPEC(SMMU_TLB_CFGI_STE), "many", OP_CFGI_STE_RANGE, 0x5fff, 0, 11, false,
      0x30, 0 },
    { SPEC(SMMU_TLB_CFGI_STE), "more", OP_CFGI_STE_RANGE, 0x5fff, 0, 12, false,
      0x3f, 0 },
    { SPEC(SMMU_TLB_CFGI_STE), "all", OP_CFGI_STE_RANGE, 0, 0, 31, false, 0x3f,
      0 },
};

static void cfg_row(const void *data)
{
    const CfgRow *row = data;
    g_autoptr(Cfg) c = cfg_new();
    Cmd cmd = row->op == OP_CFGI_CD ?
                  cmd_cfgi_cd(row->sid, row->ssid, row->leaf) :
              row->op == OP_CFGI_CD_ALL ? cmd_cfgi_cd_all(row->sid) :
              row->op == OP_CFGI_STE    ? cmd_cfgi_ste(row->sid, row->leaf) :
                                       cmd_cfgi_ste_range(row->sid, row->range);

    cfg_change(c);
    sb_do(c->w->r, cmd);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned j = 0; j < 2; j++) {
            bool must = row->must >> (2 * i + j) & 1;

            g_assert_cmphex(cfg_run(c, i, j), ==,
                            c->old[i][j] + (must ? DELTA : 0));
        }
    }
}

/* An STE that is changed is looked at again after CFGI_STE only. */
static void ste_changed(const void *data)
{
    bool leaf = data != NULL;
    g_autoptr(Cfg) c = cfg_new();
    uint64_t was = cfg_run(c, 0, 0);
    ImTxn t = sw_txn(c->w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    rig_put(c->w->r, c->ste[0], STE_CONFIG, CONFIG_ABORT);
    g_assert_cmphex(cfg_run(c, 0, 0), ==, was);
    sb_do(c->w->r, cmd_cfgi_ste(c->sid[1], leaf));
    g_assert_cmphex(cfg_run(c, 0, 0), ==, was);
    sb_do(c->w->r, cmd_cfgi_ste(c->sid[0], leaf));
    t.rid = (uint16_t)c->sid[0];
    t.pasid = c->ssid[0];
    x = sw_run(c->w, &t);
    g_assert_cmpuint(x.status, ==, IM_FAULT);
    sw_no_event(c->w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(cfg_rows); i++) {
        g_autofree char *path = g_strdup_printf("scope-%s", cfg_rows[i].path);

        spec_table_row(&cfg_rows[i], path, cfg_row);
    }
    spec_row(SMMU_TLB_CFGI_STE, "changed", ste_changed, NULL);
    spec_row(SMMU_TLB_CFGI_STE, "changed-leaf", ste_changed, "leaf");
    return g_test_run();
}
