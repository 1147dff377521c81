/*
 * VMSAv8-64, stage 1 through stage 2: all granule pairs, where a walk stops
 * and what it tells, updates of stage 1 descriptors through stage 2, memory
 * attributes of both.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tests/unit/fmt/vmsa_rig.h"

#define R  IM_PERM_R
#define W  IM_PERM_W
#define X  IM_PERM_X

#define IN_ADDR  UINT64_C(0x12345678)
/* What stage 1 makes of it, and stage 2 of that; pages of any granule. */
#define IPA      UINT64_C(0x7770000)
#define PA       UINT64_C(0x55550000)
#define OFFSET   (IN_ADDR & 0xfff)

typedef struct Nest {
    VRig *v;
    ImPtStage s1, s2;
    uint64_t leaf1, leaf2;      /* descriptors of the final pages */
} Nest;

static const unsigned granules[] = { 12, 14, 16 };

/* The offset in a page. */
static uint64_t low(unsigned g)
{
    return IN_ADDR & ((1u << granules[g]) - 1);
}

static void nest_init(Nest *n, VRig *v, unsigned g1, unsigned g2,
                      uint64_t bits1, uint64_t table2, uint64_t bits2)
{
    n->v = v;
    n->s2 = v_stage(v, &im_vmsa_s2[g2], 40, g2 == 0 ? 1 : 2);
    v_map_memory(v, &n->s2, table2);
    n->leaf2 = v_map(v, &n->s2, IPA + low(g1), PA, 3, bits2);
    v->bias = BIAS;
    n->s1 = v_stage(v, &im_vmsa_s1[g1], 39, g1 == 0 ? 1 : 2);
    n->leaf1 = v_map(v, &n->s1, IN_ADDR, IPA, 3, bits1);
    v->bias = 0;
}

static ImWalkOut nest_walk(Nest *n, uint8_t need)
{
    return v_walk(n->v, &n->s1, &n->s2, IN_ADDR, need);
}

/* IPA of a descriptor of stage 1. */
static uint64_t ipa_of(uint64_t pa)
{
    return pa + BIAS;
}

static void test_pairs(void)
{
    for (unsigned i = 0; i < 9; i++) {
        g_autoptr(VRig) v = v_new();
        unsigned g1 = i / 3, g2 = i % 3;
        unsigned levels1 = g1 == 0 ? 3 : 2, levels2 = g2 == 0 ? 3 : 2;
        Nest n;
        ImWalkOut w;

        nest_init(&n, v, g1, g2, ALL_S1 | D_NG | 3 << 2, ALL_S2,
                  D_AF | D_S2R | D_MEM(5) | 2 << 8);
        w = nest_walk(&n, R);
        g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
        g_assert_cmphex(w.addr, ==, PA + low(MIN(g1, g2)));
        g_assert_cmpuint(w.shift, ==, granules[MIN(g1, g2)]);
        g_assert_cmpuint(w.first_shift, ==, granules[g1]);
        g_assert_cmpuint(w.perm, ==, R | X);
        g_assert_cmpuint(v->reads, ==, levels1 * (levels2 + 1) + levels2);
        g_assert_cmpuint(IM_VMSA_ATTR(w.first_attr), ==, 3);
        g_assert_true(w.first_attr & IM_VMSA_NG);
        g_assert_cmpuint(IM_VMSA_ATTR(w.attr), ==, 5);
        g_assert_cmpuint(IM_VMSA_SH(w.attr), ==, 2);
        /* Every read may fail; it names what could not be read. */
        for (unsigned f = 1; f <= levels1 * (levels2 + 1) + levels2; f++) {
            v->reads = 0;
            v->fail_at = f;
            w = nest_walk(&n, R);
            g_assert_cmpuint(w.stop, ==, IM_WALK_ACCESS);
            g_assert_cmpuint(w.for_entry, ==,
                             w.stage == 1 && f <= levels1 * (levels2 + 1));
            g_assert_cmpuint(w.stage, ==,
                             f % (levels2 + 1) != 0 ||
                                 f > levels1 * (levels2 + 1));
            g_assert_cmphex(w.entry, !=, 0);
            if (w.stage == 0 && w.level == 0) {
                g_assert_cmphex(w.entry, ==, n.leaf1);
            }
        }
    }
}

/* --- where it stops ----------------------------------------------------- */

/* Stage 1 is judged in full before its output is translated. */
static void test_order(void)
{
    g_autoptr(VRig) v = v_new();
    Nest n;
    ImWalkOut w;

    nest_init(&n, v, 0, 0, 0, ALL_S2, 0);
    v_set(v, n.leaf2, 0);
    w = nest_walk(&n, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_UNUSED);
    g_assert_cmpuint(w.stage, ==, 0);
    v_set(v, n.leaf1, IPA | D_PAGE | D_AF);
    w = nest_walk(&n, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_PERM);
    g_assert_cmpuint(w.stage, ==, 0);
    v_set(v, n.leaf1, IPA | D_PAGE | ALL_S1);
    w = nest_walk(&n, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_ABSENT);
    g_assert_cmpuint(w.stage, ==, 1);
    g_assert_false(w.for_entry);
    g_assert_cmphex(w.in, ==, IPA | OFFSET);
    v_set(v, n.leaf2, PA | D_PAGE);
    w = nest_walk(&n, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_UNUSED);
    g_assert_cmpuint(w.stage, ==, 1);
    v_set(v, n.leaf2, PA | D_PAGE | D_AF);
    w = nest_walk(&n, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_PERM);
    g_assert_cmpuint(w.stage, ==, 1);
    g_assert_cmphex(w.in, ==, IPA | OFFSET);
}

/* A request that needs nothing: what stage 1 refuses ends it. */
static void test_nothing_granted(void)
{
    g_autoptr(VRig) v = v_new();
    Nest n;
    ImWalkOut w;

    nest_init(&n, v, 0, 0, D_AF | D_UXN, ALL_S2, ALL_S2);
    v_set(v, n.leaf2, 0);
    w = nest_walk(&n, 0);
    g_assert_cmpuint(w.stop, ==, IM_WALK_PERM);
    g_assert_cmpuint(w.stage, ==, 0);
    g_assert_cmpuint(w.perm, ==, 0);
}

/* SMMU_VMSA_S2_RANGE: of the output, of a table, of the first table. */
static void test_range(void)
{
    const uint64_t beyond = UINT64_C(1) << 40;
    g_autoptr(VRig) v = v_new();
    uint64_t at;
    Nest n;
    ImWalkOut w;

    nest_init(&n, v, 0, 0, ALL_S1, ALL_S2, ALL_S2);
    v_set(v, n.leaf1, beyond | D_PAGE | ALL_S1);
    w = nest_walk(&n, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_RANGE);
    g_assert_cmpuint(w.stage, ==, 1);
    g_assert_false(w.for_entry);
    g_assert_cmphex(w.in, ==, beyond | OFFSET);

    v->bias = BIAS;
    at = v_entry(v, &n.s1, IN_ADDR, 2);
    v->bias = 0;
    v_set(v, at, beyond | D_TABLE);
    w = nest_walk(&n, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_RANGE);
    g_assert_cmpuint(w.stage, ==, 1);
    g_assert_true(w.for_entry);
    g_assert_cmphex(w.in & ~UINT64_C(0xfff), ==, beyond);

    n.s1.root = beyond;
    w = nest_walk(&n, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_RANGE);
    g_assert_true(w.for_entry);
    g_assert_cmphex(w.in & ~UINT64_C(0xfff), ==, beyond);
}

/* Faults of stage 2 on a descriptor of stage 1. */
static const struct {
    const char *what;
    uint64_t bits;              /* of the page that holds it */
    uint32_t flags;
    ImWalkStop want;
    unsigned stage;
} table_rows[] = {
    { "no access flag", ALL_S2 & ~D_AF, 0, IM_WALK_UNUSED, 1 },
    { "not readable", ALL_S2 & ~D_S2R, 0, IM_WALK_NESTED_READ, 0 },
    { "not readable, executable", D_AF | D_S2W, 0, IM_WALK_NESTED_READ, 0 },
    { "too large", ALL_S2 | UINT64_C(1) << 47, 0, IM_WALK_SIZE, 1 },
    /* SMMU_STE_S2PTW */
    { "device", D_AF | D_S2R | D_S2W | D_MEM(3), 0, IM_WALK_OK, 0 },
    { "device, S2PTW", D_AF | D_S2R | D_S2W | D_MEM(3), IM_VMSA_PTW,
      IM_WALK_NESTED_READ, 0 },
    { "normal, S2PTW", D_AF | D_S2R | D_S2W | D_MEM(5), IM_VMSA_PTW, IM_WALK_OK,
      0 },
    /* choices.rst: what is reserved is Device here too. */
    { "reserved 0100, S2PTW", D_AF | D_S2R | D_S2W | D_MEM(4), IM_VMSA_PTW,
      IM_WALK_NESTED_READ, 0 },
    { "reserved 1100, S2PTW", D_AF | D_S2R | D_S2W | D_MEM(12), IM_VMSA_PTW,
      IM_WALK_NESTED_READ, 0 },
    { "no tag access, S2PTW", D_AF | D_S2R | D_S2W | D_MEM(4),
      IM_VMSA_PTW | IM_VMSA_NOTAG, IM_WALK_OK, 0 },
    { "reserved by FWB, S2PTW", D_AF | D_S2R | D_S2W | D_MEM(4),
      IM_VMSA_PTW | IM_VMSA_FWB, IM_WALK_NESTED_READ, 0 },
    { "device by FWB, S2PTW", D_AF | D_S2R | D_S2W | D_MEM(2),
      IM_VMSA_PTW | IM_VMSA_FWB, IM_WALK_NESTED_READ, 0 },
    { "normal by FWB, S2PTW", D_AF | D_S2R | D_S2W | D_MEM(6),
      IM_VMSA_PTW | IM_VMSA_FWB, IM_WALK_OK, 0 },
};

static void test_tables(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(table_rows); i++) {
        g_autoptr(VRig) v = v_new();
        uint64_t page;
        Nest n;
        ImWalkOut w;

        nest_init(&n, v, 0, 0, ALL_S1, ALL_S2,
                  table_rows[i].flags & IM_VMSA_FWB ? ALL_S2 & ~D_MEM(8) :
                                                      ALL_S2);
        page = n.leaf1 & ~UINT64_C(0xfff);
        n.s2.out_mask = (UINT64_C(1) << 40) - 1;
        n.s2.flags = table_rows[i].flags;
        v_map(v, &n.s2, BIAS + page, page, 3, table_rows[i].bits);
        w = nest_walk(&n, R);
        g_test_message("%s", table_rows[i].what);
        g_assert_cmpuint(w.stop, ==, table_rows[i].want);
        if (w.stop != IM_WALK_OK) {
            g_assert_cmpuint(w.stage, ==, table_rows[i].stage);
            g_assert_cmpuint(w.for_entry, ==, w.stage);
            g_assert_false(w.for_update);
            g_assert_cmphex(w.in, ==, ipa_of(n.leaf1));
        }
    }
}

/* --- SMMU_VMSA_NESTED_HTTU ---------------------------------------------- */

#define HA    IM_VMSA_HA
#define HD    (IM_VMSA_HA | IM_VMSA_HD)
#define CLEAN (D_AP1 | D_AF | D_RO | D_DBM)
#define S2RO  (D_AF | D_S2R | D_MEM(15))

static const struct {
    const char *what;
    uint64_t leaf1, table2, leaf2;
    uint32_t flags1, flags2;
    uint8_t need;
    ImWalkStop want;
    uint64_t set1, clear1;      /* changes of the stage 1 descriptor */
    uint64_t set_table2, set2;  /* of the stage 2 descriptors */
} httu_rows[] = {
    { "AF, table page writable", D_AP1, ALL_S2, ALL_S2, HA, 0, R, IM_WALK_OK,
      D_AF, 0, 0, 0 },
    { "AF, table page read-only", D_AP1, S2RO, ALL_S2, HA, 0, R,
      IM_WALK_NESTED_WRITE, 0, 0, 0, 0 },
    { "nothing to set, read-only", ALL_S1, S2RO, ALL_S2, HA, 0, R, IM_WALK_OK,
      0, 0, 0, 0 },
    { "AF, table page clean", D_AP1, S2RO | D_DBM, ALL_S2, HA, HD, R,
      IM_WALK_OK, D_AF, 0, D_S2W, 0 },
    { "nothing to set, clean", ALL_S1, S2RO | D_DBM, ALL_S2, HA, HD, R,
      IM_WALK_OK, 0, 0, 0, 0 },
    { "dirty, table page clean", CLEAN, S2RO | D_DBM, ALL_S2, HD, HD, W,
      IM_WALK_OK, 0, D_RO, D_S2W, 0 },
    { "dirty, table page read-only", CLEAN, S2RO, ALL_S2, HD, HD, W,
      IM_WALK_NESTED_WRITE, 0, 0, 0, 0 },
    { "read of a clean page, read-only", CLEAN, S2RO, ALL_S2, HD, HD, R,
      IM_WALK_OK, 0, 0, 0, 0 },
    { "dirty, and the page itself", CLEAN, ALL_S2, S2RO | D_DBM, HD, HD, W,
      IM_WALK_OK, 0, D_RO, 0, D_S2W },
    { "dirty refused by stage 2", CLEAN, ALL_S2, S2RO, HD, HD, W, IM_WALK_PERM,
      0, 0, 0, 0 },
    { "AF of all", D_AP1, ALL_S2 & ~D_AF, ALL_S2 & ~D_AF, HA, HA, R, IM_WALK_OK,
      D_AF, 0, D_AF, D_AF },
    { "before the output is looked at", D_AP1, S2RO, 0, HA, 0, R,
      IM_WALK_NESTED_WRITE, 0, 0, 0, 0 },
};

static void run_httu(unsigned i, bool peek)
{
    g_autoptr(VRig) v = v_new();
    uint64_t page, table2, b1, b2, bt;
    ImWalk walk = { .ops = peek ? &v_peek : &v_ops, .opaque = v };
    Nest n;
    ImWalkOut w;

    nest_init(&n, v, 0, 0, httu_rows[i].leaf1, ALL_S2, httu_rows[i].leaf2);
    page = n.leaf1 & ~UINT64_C(0xfff);
    table2 = v_map(v, &n.s2, BIAS + page, page, 3, httu_rows[i].table2);
    n.s1.flags = httu_rows[i].flags1;
    n.s2.flags = httu_rows[i].flags2;
    b1 = v_get(v, n.leaf1);
    b2 = v_get(v, n.leaf2);
    bt = v_get(v, table2);
    walk.stage[0] = &n.s1;
    walk.stage[1] = &n.s2;
    im_walk(&walk, IN_ADDR, httu_rows[i].need, httu_rows[i].need & IM_PERM_W,
            &w);
    g_test_message("%s", httu_rows[i].what);
    g_assert_cmpuint(w.stop, ==, httu_rows[i].want);
    if (w.stop == IM_WALK_NESTED_WRITE) {
        g_assert_cmphex(w.in, ==, ipa_of(n.leaf1));
    }
    if (peek) {
        g_assert_cmphex(v_get(v, n.leaf1), ==, b1);
        g_assert_cmphex(v_get(v, n.leaf2), ==, b2);
        g_assert_cmphex(v_get(v, table2), ==, bt);
        return;
    }
    g_assert_cmphex(v_get(v, n.leaf1), ==,
                    (b1 | httu_rows[i].set1) & ~httu_rows[i].clear1);
    g_assert_cmphex(v_get(v, n.leaf2), ==, b2 | httu_rows[i].set2);
    g_assert_cmphex(v_get(v, table2), ==, bt | httu_rows[i].set_table2);
}

static void test_httu(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(httu_rows); i++) {
        run_httu(i, false);
        run_httu(i, true);
    }
}

/* Access flags of table descriptors are updates like any other. */
static void test_haft(void)
{
    g_autoptr(VRig) v = v_new();
    Nest n;
    ImWalkOut w;

    nest_init(&n, v, 0, 0, ALL_S1, S2RO, ALL_S2);
    n.s1.flags = HA | IM_VMSA_HAFT;
    w = nest_walk(&n, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_NESTED_WRITE);
    g_assert_true(w.top);
    g_assert_cmphex(w.in, ==, n.s1.root + (IN_ADDR >> 30) * 8);
}

/* From a known table its place in stage 2's input is not known: the walk
 * starts again at the root when that is asked for. */
static void test_from_the_middle(void)
{
    g_autoptr(VRig) v = v_new();
    uint64_t page;
    Nest n;
    ImWalkOut w;

    nest_init(&n, v, 0, 0, CLEAN, ALL_S2, ALL_S2);
    page = n.leaf1 & ~UINT64_C(0xfff);
    v_map(v, &n.s2, BIAS + page, page, 3, S2RO | D_DBM);
    n.s1.flags = HD;
    n.s2.flags = HD;
    w = nest_walk(&n, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
    g_assert_false(w.dirty);
    g_assert_cmpuint(v->kept.level, ==, 0);
    g_assert_false(v->kept.writable);
    v->start = v->kept;
    v->start_on = true;
    v->reads = 0;
    w = nest_walk(&n, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
    g_assert_cmpuint(v->reads, ==, 1 + 3);
    w = nest_walk(&n, W);
    g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
    g_assert_true(w.dirty);
    g_assert_cmphex(v_get(v, n.leaf1) & D_RO, ==, 0);
    /* Refused: told with the address. */
    v_set(v, n.leaf1, IPA | D_PAGE | CLEAN);
    v_map(v, &n.s2, BIAS + page, page, 3, S2RO);
    w = nest_walk(&n, W);
    g_assert_cmpuint(w.stop, ==, IM_WALK_NESTED_WRITE);
    g_assert_cmphex(w.in, ==, ipa_of(n.leaf1));
}

/* A CPU changes the descriptor while stage 2 is asked. */
static void test_race(void)
{
    g_autoptr(VRig) v = v_new();
    Nest n;

    nest_init(&n, v, 2, 0, CLEAN, ALL_S2, ALL_S2);
    n.s1.flags = HD;
    v->races = 1;
    v->race_clear = D_RO;
    v->race_set = D_NG;
    g_assert_cmpuint(nest_walk(&n, W).stop, ==, IM_WALK_OK);
    g_assert_cmphex(v_get(v, n.leaf1) & (D_RO | D_NG), ==, D_NG);
    v_set(v, n.leaf1, IPA | D_PAGE | CLEAN);
    v->races = 1;
    v->race_clear = D_V;
    v->race_set = 0;
    g_assert_cmpuint(nest_walk(&n, W).stop, ==, IM_WALK_ABSENT);
}

/* Privilege applies to both stages. */
static void test_privilege(void)
{
    static const struct {
        uint64_t bits2;
        bool priv;
        uint8_t want;
    } rows[] = {
        { ALL_S2 | UINT64_C(1) << 53, false, R | W | X },
        { ALL_S2 | UINT64_C(1) << 53, true, R | W },
        { ALL_S2 | UINT64_C(2) << 53, false, R | W },
        { ALL_S2 | UINT64_C(3) << 53, false, R | W },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(VRig) v = v_new();
        Nest n;

        nest_init(&n, v, 0, 0, ALL_S1, ALL_S2, rows[i].bits2);
        n.s2.flags = IM_VMSA_XNX;
        if (rows[i].priv) {
            n.s1.flags |= IM_VMSA_PRIV;
            n.s2.flags |= IM_VMSA_PRIV;
        }
        g_assert_cmpuint(nest_walk(&n, R).perm, ==, rows[i].want);
    }
}

/* --- SMMU_VMSA_ATTR, SMMU_VMSA_FWB, SMMU_CD_MAIR, SMMU_STE_OVERRIDES ---- */

typedef struct AttrRow {
    const char *what;
    int mair;                   /* -1: no stage 1 */
    uint8_t sh1;
    int mem2;                   /* -1: no stage 2 */
    uint8_t sh2;
    bool fwb;
    int memattr;                /* -1: MTCFG=0 */
    uint8_t shcfg;
    uint8_t attr, share;
} AttrRow;

static const AttrRow attr_rows[] = {
    { "incoming", -1, 0, -1, 0, false, -1, 1, 0xff, 3 },
    { "incoming, SHCFG outer", -1, 0, -1, 0, false, -1, 2, 0xff, 2 },
    { "incoming, SHCFG none", -1, 0, -1, 0, false, -1, 0, 0xff, 0 },
    { "MTCFG device", -1, 0, -1, 0, false, 1, 1, 0x04, 2 },
    { "MTCFG NC", -1, 0, -1, 0, false, 5, 1, 0x44, 2 },
    { "MTCFG WT", -1, 0, -1, 0, false, 10, 1, 0xbb, 3 },
    { "MTCFG reserved", -1, 0, -1, 0, false, 12, 1, 0x00, 2 },
    { "stage 1 WB", 0xff, 3, -1, 0, false, -1, 1, 0xff, 3 },
    { "stage 1 WB, overrides do not matter", 0xff, 3, -1, 0, false, 5, 0, 0xff,
      3 },
    { "stage 1 device", 0x04, 0, -1, 0, false, -1, 1, 0x04, 2 },
    { "stage 1 NC", 0x44, 3, -1, 0, false, -1, 1, 0x44, 2 },
    { "stage 1 SH reserved", 0xff, 1, -1, 0, false, -1, 1, 0xff, 0 },
    { "MAIR reserved device", 0x07, 0, -1, 0, false, -1, 1, 0x04, 2 },
    { "MAIR reserved normal", 0xf0, 3, -1, 0, false, -1, 1, 0xf3, 3 },
    { "stage 2 alone", -1, 0, 5, 0, false, -1, 1, 0x44, 2 },
    { "WB, WB", 0xff, 3, 15, 3, false, -1, 1, 0xff, 3 },
    { "WB, NC", 0xff, 3, 5, 3, false, -1, 1, 0x44, 2 },
    { "WB, WT", 0xff, 0, 10, 3, false, -1, 1, 0xbb, 3 },
    { "WB transient, WT", 0x75, 0, 10, 3, false, -1, 1, 0x31, 3 },
    { "WB no-allocate, WT", 0xcc, 0, 10, 3, false, -1, 1, 0x88, 3 },
    { "WB transient, WB", 0x75, 0, 15, 3, false, -1, 1, 0x75, 3 },
    { "WT, no tag access", 0xbb, 3, 4, 3, false, -1, 1, 0xbb, 3 },
    { "WB, reserved", 0xff, 3, 8, 3, false, -1, 1, 0x00, 2 },
    { "MTCFG no tag access is reserved", -1, 0, -1, 0, false, 4, 1, 0x00, 2 },
    { "NC, WB", 0x44, 0, 15, 0, false, -1, 1, 0x44, 2 },
    { "WT, WB", 0xbb, 0, 15, 2, false, -1, 1, 0xbb, 2 },
    { "WB outer NC", 0xff, 0, 7, 0, false, -1, 1, 0x4f, 0 },
    { "device, WB", 0x0c, 0, 15, 0, false, -1, 1, 0x0c, 2 },
    { "WB, device", 0xff, 3, 2, 3, false, -1, 1, 0x08, 2 },
    { "device, device", 0x08, 3, 1, 3, false, -1, 1, 0x04, 2 },
    { "inner, outer", 0xff, 3, 15, 2, false, -1, 1, 0xff, 2 },
    { "none, inner", 0xff, 0, 15, 3, false, -1, 1, 0xff, 3 },
    { "FWB 111, device", 0x04, 0, 7, 0, true, -1, 1, 0x04, 2 },
    { "FWB 111, WT", 0xbb, 3, 7, 0, true, -1, 1, 0xbb, 3 },
    { "FWB 110, device", 0x04, 3, 6, 3, true, -1, 1, 0xff, 3 },
    { "FWB 110, NC", 0x44, 3, 6, 3, true, -1, 1, 0xff, 3 },
    { "FWB 110, WT no-allocate", 0x88, 3, 6, 3, true, -1, 1, 0xcc, 3 },
    { "FWB 110, WT transient", 0x33, 3, 6, 3, true, -1, 1, 0x77, 3 },
    { "FWB 110, WB transient", 0x67, 3, 6, 3, true, -1, 1, 0x67, 3 },
    { "FWB 1110, device", 0x04, 3, 14, 3, true, -1, 1, 0xff, 3 },
    { "FWB 1111, WT", 0xbb, 3, 15, 3, true, -1, 1, 0xbb, 3 },
    { "FWB 110, WB", 0xff, 3, 6, 3, true, -1, 1, 0xff, 3 },
    { "FWB 101, WB", 0xff, 3, 5, 3, true, -1, 1, 0x44, 2 },
    { "FWB 101, device", 0x0c, 3, 5, 3, true, -1, 1, 0x0c, 2 },
    { "FWB 0xx, WB", 0xff, 3, 1, 3, true, -1, 1, 0x04, 2 },
    { "FWB 0xx, device", 0x00, 3, 3, 3, true, -1, 1, 0x00, 2 },
};

static void test_attr(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(attr_rows); i++) {
        const AttrRow *r = &attr_rows[i];
        ImSmmuSte ste = {
            .s1 = r->mair >= 0,
            .s2 = r->mem2 >= 0,
            .mtcfg = r->memattr >= 0,
            .memattr = (uint8_t)MAX(r->memattr, 0),
            .shcfg = r->shcfg,
            .stage2.flags = IM_VMSA_NOTAG | (r->fwb ? IM_VMSA_FWB : 0),
        };
        ImSmmuCd cd = { .mair = (uint64_t)r->mair << 40 };
        uint16_t s1 = (uint16_t)(5 | r->sh1 << 4);
        uint16_t s2 = (uint16_t)((r->mem2 & 15) | r->sh2 << 4);
        uint8_t share = 99;
        uint8_t attr = im_vmsa_attr(r->mair >= 0 ? &cd : NULL, &ste, s1, s2,
                                    &share);

        g_test_message("%s", r->what);
        g_assert_cmphex(attr, ==, r->attr);
        g_assert_cmpuint(share, ==, r->share);
    }
}

/* IDR3.MTEPERM=0: the encoding is reserved. */
static void test_no_mteperm(void)
{
    ImSmmuSte ste = { .s1 = true, .s2 = true };
    ImSmmuCd cd = { .mair = 0xbb };
    uint8_t share;

    g_assert_cmphex(im_vmsa_attr(&cd, &ste, 0x30, 4, &share), ==, 0);
    g_assert_cmpuint(share, ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fmt/vmsa-nested/pairs", test_pairs);
    g_test_add_func("/fmt/vmsa-nested/order", test_order);
    g_test_add_func("/fmt/vmsa-nested/nothing-granted", test_nothing_granted);
    g_test_add_func("/fmt/vmsa-nested/range", test_range);
    g_test_add_func("/fmt/vmsa-nested/tables", test_tables);
    g_test_add_func("/fmt/vmsa-nested/httu", test_httu);
    g_test_add_func("/fmt/vmsa-nested/haft", test_haft);
    g_test_add_func("/fmt/vmsa-nested/from-the-middle", test_from_the_middle);
    g_test_add_func("/fmt/vmsa-nested/race", test_race);
    g_test_add_func("/fmt/vmsa-nested/privilege", test_privilege);
    g_test_add_func("/fmt/vmsa-nested/attr", test_attr);
    g_test_add_func("/fmt/vmsa-nested/no-mteperm", test_no_mteperm);
    return g_test_run();
}
