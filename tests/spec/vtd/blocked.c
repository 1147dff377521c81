/*
 * A write that is blocked, for whatever reason, leaves every page clean:
 * A may be set speculatively, D may not (3.6.2, 3.7.2).
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_damage.h"

#define FEE_PAGE    UINT64_C(0xfee01000)
#define BIG         UINT64_C(0x40000000)    /* a 2 MiB page of its own */

typedef struct Row {
    ImClause clause;
    const char *name;
    WorldKind kind;
    uint8_t reason;
    void (*arm)(World *w);
    Damage damage[DAMAGES];     /* after that */
    uint64_t addr;              /* 0: iova */
    bool only_dma;              /* a translation request does not fault */
} Row;

/* --- what blocks -------------------------------------------------------- */

static uint64_t first_leaf(World *w)
{
    return world_fs_entry(w, w->iova, 1);
}

static uint64_t second_leaf(World *w)
{
    return world_ss_entry(w, w->kind == W_NESTED ? w->gpa : w->iova, 1);
}

/* The page is large, and what the request hits is inside the range. */
static void output_big(World *w)
{
    uint64_t pa = FEE_PAGE & ~UINT64_C(0x1fffff);

    if (w->kind == W_FS) {
        world_fs_map(w, BIG, pa, 21, FS_RWU);
    } else {
        world_ss_map(w, BIG, pa, 21, SS_RW);
    }
}

/* Nested, and the second stage alone is left with a flag to set. */
static void clean_page_not_snooped(World *w)
{
    rig_put(w->r, w->pe, PE_SSADE, 1);
    rig_put(w->r, w->pe, PE_PWSNP, 1);
    world_on(w);
    world_dma(w, IM_READ, w->iova);         /* every A, every table's D */
    rig_put(w->r, w->pe, PE_PWSNP, 0);
    vb_gcmd(w->r, GCMD_TE, false);
}

static const Row rows[] = {
    { SPEC(VTD_3_6_2_DIRTY), "output", W_FS, 0x87,
      .damage = { { IN_FS(1), FSE_ADDR, FEE_PAGE >> 12 } } },
    { SPEC(VTD_3_6_2_DIRTY), "output-2m", W_FS, 0x87, .arm = output_big,
      .addr = BIG + 0x1000 },
    { SPEC(VTD_3_6_2_DIRTY), "read-only", W_FS, 0x85,
      .damage = { { IN_FS(1), FSE_RW, 0 } }, .only_dma = true },
    { SPEC(VTD_3_6_2_DIRTY), "no-update", W_FS, 0x91,
      .damage = { { IN_FS(1), FSE_A, 1 }, { IN_FS(1), FSE_D, UNWRITABLE } } },
    { SPEC(VTD_3_6_2_DIRTY), "not-snooped", W_FS, 0x90,
      .damage = { { IN_FS(0), FSE_A, 1 }, { IN_PE, PE_PWSNP, 0 } } },
    { SPEC(VTD_3_7_2_AD), "output", W_SS, 0x87,
      .damage = { { IN_SS(1), SSE_ADDR, FEE_PAGE >> 12 } } },
    { SPEC(VTD_3_7_2_AD), "output-2m", W_SS, 0x87, .arm = output_big,
      .addr = BIG + 0x1000 },
    { SPEC(VTD_3_7_2_AD), "read-only", W_SS, 0x85,
      .damage = { { IN_SS(1), SSE_W, 0 } }, .only_dma = true },
    { SPEC(VTD_3_7_2_AD), "no-update", W_SS, 0x7d,
      .damage = { { IN_SS(1), SSE_A, 1 }, { IN_SS(1), SSE_D, UNWRITABLE } } },
    { SPEC(VTD_3_7_2_AD), "not-snooped", W_SS, 0x7c,
      .damage = { { IN_SS(0), SSE_A, 1 }, { IN_PE, PE_PWSNP, 0 } } },
    { SPEC(VTD_3_8_NESTED), "output", W_NESTED, 0x87,
      .damage = { { IN_SS(1), SSE_ADDR, FEE_PAGE >> 12 } } },
    { SPEC(VTD_3_8_NESTED), "first-read-only", W_NESTED, 0x85,
      .damage = { { IN_FS(1), FSE_RW, 0 } }, .only_dma = true },
    { SPEC(VTD_3_8_NESTED), "second-read-only", W_NESTED, 0x85,
      .damage = { { IN_SS(1), SSE_W, 0 } }, .only_dma = true },
    { SPEC(VTD_3_8_NESTED), "first-no-update", W_NESTED, 0x91,
      .damage = { { IN_FS(1), FSE_A, 1 }, { IN_FS(1), FSE_D, UNWRITABLE } } },
    { SPEC(VTD_3_8_NESTED), "second-no-update", W_NESTED, 0x7d,
      .damage = { { IN_SS(1), SSE_A, 1 }, { IN_SS(1), SSE_D, UNWRITABLE } } },
    { SPEC(VTD_3_8_NESTED), "not-snooped", W_NESTED, 0x90,
      .damage = { { IN_PE, PE_SSADE, 0 },
                  { IN_FS(0), FSE_A, 1 },
                  { IN_PE, PE_PWSNP, 0 } } },
    { SPEC(VTD_3_8_NESTED), "nothing-snooped", W_NESTED, 0x7c,
      .arm = clean_page_not_snooped },
    { SPEC(VTD_3_8_1_SSADE), "table-read-only", W_NESTED, 0x77,
      .damage = { { IN_PE, PE_SSADE, 0 },
                  { IN_TABLE(1), SSE_W, 0 },
                  { IN_FS(0), FSE_A, 1 } } },
};

/* --- what must hold ----------------------------------------------------- */

static void assert_clean(World *w, const Row *row)
{
    uint64_t addr = row->addr ? row->addr : w->iova;
    unsigned level = row->addr ? 2 : 1;

    if (w->kind == W_FS || w->kind == W_NESTED) {
        g_assert_cmphex(rig_r64(w->r, world_fs_entry(w, addr, level)) & FS_D,
                        ==, 0);
    }
    if (w->kind != W_FS) {
        addr = w->kind == W_NESTED ? w->gpa : addr;
        g_assert_cmphex(rig_r64(w->r, world_ss_entry(w, addr, level)) & SS_D,
                        ==, 0);
    }
}

static World *blocked_world(const Row *row)
{
    World *w = world_new_off(NULL, row->kind, true);

    rig_put(w->r, w->pe, PE_SSADE, row->kind != W_FS);
    if (row->arm) {
        row->arm(w);
    }
    world_damage(w, row->damage);
    world_on(w);
    return w;
}

static void one(const Row *row, ImAt at, ImAccess access, bool read_first)
{
    g_autoptr(World) w = blocked_world(row);
    ImTxn t = world_txn(w, at, access);
    ImXlat x;

    t.addr = row->addr ? row->addr : t.addr;
    if (read_first) {                       /* caches know the way */
        world_dma(w, IM_READ, t.addr);
    }
    x = im_vtd_translate(w->r->vtd, &t);
    g_assert_cmphex(x.fault, ==,
                    at == IM_AT_TRANSLATION && row->only_dma ? 0 : row->reason);
    g_assert_cmpuint(x.perm & IM_PERM_W, ==, 0);
    assert_clean(w, row);
    x = im_vtd_translate(w->r->vtd, &t);    /* nor the second time */
    assert_clean(w, row);
}

static void blocked(const void *data)
{
    for (unsigned first = 0; first < 2; first++) {
        one(data, IM_AT_UNTRANSLATED, IM_WRITE, first);
        one(data, IM_AT_UNTRANSLATED, IM_ATOMIC, first);
        one(data, IM_AT_TRANSLATION, IM_READ, first);
    }
}

/* A translation request speaks for its page, which reaches the range. */
static void page_reaches_the_range(void)
{
    static const Row row = { .kind = W_SS,
                             .arm = output_big,
                             .addr = BIG + 0x1f0000 };
    g_autoptr(World) w = blocked_world(&row);
    ImTxn t = world_txn(w, IM_AT_TRANSLATION, IM_READ);
    ImXlat x;

    t.addr = row.addr;
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_fault(&x, IM_CPL_CA, 0x87);
    assert_clean(w, &row);
}

/* Software takes W away while the unit is about to set D. */
static World *racing;

static void race(Rig *r, uint64_t pa)
{
    if (pa == first_leaf(racing)) {
        rig_w64(r, pa, rig_r64(r, pa) & ~FS_RW);
    }
}

static void write_loses_a_race(void)
{
    static const WorldKind kinds[] = { W_FS, W_NESTED };

    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        Row row = { .kind = kinds[i] };
        g_autoptr(World) w = world_new_off(NULL, row.kind, true);
        ImXlat x;

        rig_put(w->r, w->pe, PE_SSADE, row.kind != W_FS);
        world_on(w);
        racing = w;
        w->r->race = race;
        x = world_dma(w, IM_WRITE, w->iova);
        g_assert_cmphex(x.fault, ==, 0x85);
        assert_clean(w, &row);
    }
}

/* The other side: what is not blocked is dirty in both stages. */
static void granted_is_dirty(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_NESTED, true);
    ImXlat x;

    rig_put(w->r, w->pe, PE_SSADE, 1);
    world_on(w);
    x = world_dma(w, IM_WRITE, w->iova);
    g_assert_cmphex(x.addr, ==, w->hpa);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R | IM_PERM_W);
    g_assert_cmphex(rig_r64(w->r, first_leaf(w)) & FS_D, ==, FS_D);
    g_assert_cmphex(rig_r64(w->r, second_leaf(w)) & SS_D, ==, SS_D);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("blocked/%s", rows[i].name);

        spec_table_row(&rows[i], path, blocked);
    }
    spec_test(VTD_FLT_SGN_8, "blocked/page", page_reaches_the_range);
    spec_test(VTD_3_6_2_DIRTY, "blocked/race", write_loses_a_race);
    spec_test(VTD_3_8_NESTED, "granted-is-dirty", granted_is_dirty);
    return g_test_run();
}
