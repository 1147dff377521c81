/*
 * VMSAv8-64 tables of one stage: every granule and level, what is invalid,
 * permissions against the manual's tables, access flag and dirty state.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tests/unit/fmt/vmsa_rig.h"

#define R  IM_PERM_R
#define W  IM_PERM_W
#define X  IM_PERM_X
#define IN_ADDR  UINT64_C(0x5a5a5a5a5a5a)

/* --- shapes: SMMU_VMSA_BLOCK, SMMU_VMSA_INVALID, SMMU_VMSA_PA52 --------- */

typedef struct Shape {
    const char *name;
    unsigned g, bits, start;
    bool pa52;
    const char *blocks;         /* by level: 'b' block, '-' none, 'p' page */
} Shape;

static const Shape shapes[] = {
    { "4k-48", 0, 48, 0, false, "-bbp" },
    { "4k-40", 0, 40, 0, false, "-bbp" },
    { "4k-39", 0, 39, 1, false, " bbp" },
    { "4k-30", 0, 30, 2, false, "  bp" },
    { "4k-16", 0, 16, 3, false, "   p" },
    { "16k-48", 1, 48, 0, false, "--bp" },
    { "16k-47", 1, 47, 1, false, " -bp" },
    { "16k-36", 1, 36, 2, false, "  bp" },
    { "16k-16", 1, 16, 3, false, "   p" },
    { "64k-48", 2, 48, 1, false, " -bp" },
    { "64k-48-pa52", 2, 48, 1, true, " bbp" },
    { "64k-52", 2, 52, 1, true, " bbp" },
    { "64k-42", 2, 42, 2, false, "  bp" },
    { "64k-17", 2, 17, 3, false, "   p" },
};

static ImPtStage shaped(VRig *v, const Shape *s, bool second)
{
    ImPtStage st = v_stage(v, second ? &im_vmsa_s2[s->g] : &im_vmsa_s1[s->g],
                           s->bits, s->start);

    if (s->pa52) {
        st.flags |= IM_VMSA_PA52;
        st.out_mask = (UINT64_C(1) << 52) - 1;
    }
    return st;
}

static void check_level(const Shape *s, unsigned level, bool second)
{
    g_autoptr(VRig) v = v_new();
    ImPtStage st = shaped(v, s, second);
    unsigned shift = v_shift(v_granule(&st), level);
    uint64_t page = (UINT64_C(1) << shift) - 1;
    uint64_t in = IN_ADDR & ((UINT64_C(1) << s->bits) - 1);
    uint64_t out = UINT64_C(0xa5a5a5a5a5a5) & ~page;
    uint64_t bits = second ? ALL_S2 : ALL_S1;
    ImWalkOut w;

    if (s->pa52) {
        bits |= UINT64_C(0x9) << 12;    /* address 51:48 */
    }
    v_map(v, &st, in, out, level, bits);
    w = v_walk(v, &st, NULL, in, R);
    if (s->blocks[level] == '-') {
        g_assert_cmpuint(w.stop, ==, IM_WALK_ABSENT);
        g_assert_cmpuint(w.level, ==, 3 - level);
        return;
    }
    g_assert_cmpuint(w.stop, ==, IM_WALK_OK);
    g_assert_cmphex(w.addr, ==,
                    out | (in & page) | (s->pa52 ? UINT64_C(9) << 48 : 0));
    g_assert_cmpuint(w.shift, ==, shift);
    g_assert_cmpuint(w.perm, ==, R | W | X);
    g_assert_cmpuint(v->reads, ==, level - s->start + 1);
    /* Its neighbour is not mapped. */
    if (s->bits > shift) {
        w = v_walk(v, &st, NULL, in ^ (page + 1), R);
        g_assert_cmpuint(w.stop, ==, IM_WALK_ABSENT);
        g_assert_cmpuint(w.level, ==, 3 - level);
    }
    /* Level 3 knows no block. */
    if (level == 3) {
        uint64_t at = v_entry(v, &st, in, 3);

        v_set(v, at, v_get(v, at) & ~UINT64_C(2));
        w = v_walk(v, &st, NULL, in, R);
        g_assert_cmpuint(w.stop, ==, IM_WALK_ABSENT);
    }
}

static void test_shape(const void *data)
{
    const Shape *s = data;

    for (unsigned level = s->start; level <= 3; level++) {
        check_level(s, level, false);
        check_level(s, level, true);
    }
}

/* Stage 2 alone: up to 16 first tables, one after the other. */
static void test_concatenated(void)
{
    static const Shape wide[] = {
        { "", 0, 43, 1, false, "" },
        { "", 1, 40, 2, false, "" },
        { "", 2, 46, 2, false, "" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(wide); i++) {
        for (unsigned t = 0; t < 16; t++) {
            g_autoptr(VRig) v = v_new();
            ImPtStage st = shaped(v, &wide[i], true);
            uint64_t in = (uint64_t)t << (wide[i].bits - 4) | 0x12345;

            v_map(v, &st, in, 0xabc0000, 3, ALL_S2);
            g_assert_cmphex(v_walk(v, &st, NULL, in, R).addr, ==,
                            0xabc0000 | (in & ((1u << v_granule(&st)) - 1)));
        }
    }
}

/* Where there are no ASIDs every page is global. */
static void test_global(void)
{
    for (unsigned one = 0; one < 2; one++) {
        g_autoptr(VRig) v = v_new();
        ImPtStage st = v_stage(v, im_vmsa_s1, 48, 0);

        st.flags |= one ? IM_VMSA_ONE : 0;
        v_map(v, &st, IN_ADDR, 0xabcde000, 3, ALL_S1 | D_NG);
        g_assert_cmpint(!!(v_walk(v, &st, NULL, IN_ADDR, R).attr & IM_VMSA_NG),
                        ==, !one);
    }
}

/* --- bits without a meaning --------------------------------------------- */

static void check_ignored(bool second, uint64_t ignored)
{
    g_autoptr(VRig) v = v_new();
    ImPtStage st = v_stage(v, second ? im_vmsa_s2 : im_vmsa_s1, 48, 0);
    uint64_t at = v_map(v, &st, IN_ADDR, 0xabcde000, 3,
                        second ? ALL_S2 : ALL_S1);
    ImWalkOut want = v_walk(v, &st, NULL, IN_ADDR, R | W);

    g_assert_cmpuint(want.stop, ==, IM_WALK_OK);
    for (unsigned b = 0; b < 64; b++) {
        uint64_t bit = UINT64_C(1) << b;
        ImWalkOut w;

        v_set(v, at, v_get(v, at) ^ bit);
        w = v_walk(v, &st, NULL, IN_ADDR, R | W);
        g_assert_cmpuint(w.stop == want.stop && w.addr == want.addr &&
                             w.perm == want.perm && w.attr == want.attr &&
                             w.shift == want.shift,
                         ==, !!(ignored & bit));
        v_set(v, at, v_get(v, at) ^ bit);
    }
}

static void test_ignored(void)
{
    uint64_t high = ~((UINT64_C(1) << 55) - 1);

    /* NS, contiguous, guarded, DBM without HD, 49:48; PXN: unprivileged. */
    check_ignored(false, high | 1 << 5 | UINT64_C(0x3f) << 48);
    /* FnXS, contiguous, DBM without HD, XN[0] without XNX */
    check_ignored(true, high | 1 << 11 | UINT64_C(0x3f) << 48);
}

/* Below its size a block has no address: bit 16 is nT. */
static void test_block_low_bits(void)
{
    g_autoptr(VRig) v = v_new();
    ImPtStage st = v_stage(v, im_vmsa_s1, 48, 0);

    v_map(v, &st, IN_ADDR, 0x40000000, 1, ALL_S1 | 0x1ffff000);
    g_assert_cmphex(v_walk(v, &st, NULL, IN_ADDR, R).addr, ==,
                    0x40000000 | (IN_ADDR & 0x3fffffff));
}

/* --- SMMU_VMSA_ADDR_SIZE, SMMU_VMSA_ORDER ------------------------------- */

static void check_size(bool second, unsigned g, unsigned level)
{
    g_autoptr(VRig) v = v_new();
    ImPtStage st = v_stage(v, second ? &im_vmsa_s2[g] : &im_vmsa_s1[g], 40,
                           g == 2 ? 2 : 1);
    uint64_t bits = second ? ALL_S2 : ALL_S1;
    ImWalkOut w;

    st.out_mask = (UINT64_C(1) << 40) - 1;
    v_map(v, &st, IN_ADDR, UINT64_C(1) << 39, level, bits);
    g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, R).stop, ==, IM_WALK_OK);
    v_map(v, &st, IN_ADDR, UINT64_C(1) << 40, level, bits);
    w = v_walk(v, &st, NULL, IN_ADDR, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_SIZE);
    g_assert_cmpuint(w.level, ==, 3 - level);
    /* A table. */
    v_set(v, v_entry(v, &st, IN_ADDR, 2), UINT64_C(1) << 40 | D_TABLE);
    w = v_walk(v, &st, NULL, IN_ADDR, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_SIZE);
    g_assert_cmpuint(w.level, ==, 1);
}

static void test_size(void)
{
    for (unsigned g = 0; g < 3; g++) {
        for (unsigned level = 2; level <= 3; level++) {
            check_size(false, g, level);
            check_size(true, g, level);
        }
    }
}

/* 64K with 52-bit output: 51:48 beyond IPS, in a table too. */
static void test_size_pa52(void)
{
    g_autoptr(VRig) v = v_new();
    ImPtStage st = v_stage(v, &im_vmsa_s1[2], 48, 1);

    st.flags |= IM_VMSA_PA52;
    v_map(v, &st, IN_ADDR, 0x10000, 3, ALL_S1 | 0x1000);
    g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, R).stop, ==, IM_WALK_SIZE);
    st.flags = 0;
    g_assert_cmphex(v_walk(v, &st, NULL, IN_ADDR, R).addr, ==,
                    0x10000 | (IN_ADDR & 0xffff));
    st.flags |= IM_VMSA_PA52;
    v_set(v, v_entry(v, &st, IN_ADDR, 2),
          v_get(v, v_entry(v, &st, IN_ADDR, 2)) | 0x8000);
    g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, R).stop, ==, IM_WALK_SIZE);
}

/* One fault after the other is repaired. */
static void test_order(void)
{
    for (unsigned second = 0; second < 2; second++) {
        g_autoptr(VRig) v = v_new();
        ImPtStage st = v_stage(v, second ? im_vmsa_s2 : im_vmsa_s1, 48, 0);
        uint64_t at = v_map(v, &st, IN_ADDR, UINT64_C(1) << 47, 3, 0);

        st.out_mask = (UINT64_C(1) << 47) - 1;
        v_set(v, at, v_get(v, at) & ~UINT64_C(1));
        g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, R | W).stop, ==,
                         IM_WALK_ABSENT);
        v_set(v, at, v_get(v, at) | 1);
        g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, R | W).stop, ==,
                         IM_WALK_SIZE);
        v_set(v, at, 0x1000 | D_PAGE);
        g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, R | W).stop, ==,
                         IM_WALK_UNUSED);
        v_set(v, at, 0x1000 | D_PAGE | D_AF);
        g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, R | W).stop, ==,
                         IM_WALK_PERM);
        v_set(v, at, 0x1000 | D_PAGE | (second ? ALL_S2 : ALL_S1));
        g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, R | W).stop, ==,
                         IM_WALK_OK);
    }
}

/* --- stage 1 permissions ------------------------------------------------ */

/* What AP[2:1] gives: privileged, unprivileged. */
static const struct {
    const char *priv, *user;
} ap_table[] = { { "rw", "" }, { "rw", "rw" }, { "r", "" }, { "r", "r" } };

/* The manual's order: data rights, then who may not fetch, then PAN. */
static uint8_t s1_reference(unsigned ap, bool pxn, bool uxn, uint32_t flags)
{
    bool priv = flags & IM_VMSA_PRIV;
    const char *data = priv ? ap_table[ap].priv : ap_table[ap].user;
    bool user_writes = strchr(ap_table[ap].user, 'w');
    bool writes = strchr(data, 'w');
    bool users = *ap_table[ap].user || ((flags & IM_VMSA_EPAN) && !uxn);
    uint8_t perm = 0;

    if (!(priv && (flags & IM_VMSA_PAN) && users)) {
        perm |= strchr(data, 'r') ? R : 0;
        perm |= writes ? W : 0;
    }
    if (priv ? !pxn && !user_writes : !uxn) {
        perm |= writes && (flags & IM_VMSA_WXN) ? 0 : X;
    }
    return perm;
}

static uint8_t granted(VRig *v, ImPtStage *st, uint32_t flags)
{
    ImWalkOut w;

    st->flags = flags;
    w = v_walk(v, st, NULL, IN_ADDR, 0);
    g_assert_cmpuint(w.stop, ==, w.perm ? IM_WALK_OK : IM_WALK_PERM);
    return w.perm;
}

/* SMMU_VMSA_AP, SMMU_VMSA_XN, SMMU_VMSA_WXN, SMMU_VMSA_PAN,
 * SMMU_VMSA_EPAN: all of them. */
static void test_s1_permissions(void)
{
    g_autoptr(VRig) v = v_new();
    ImPtStage st = v_stage(v, im_vmsa_s1, 48, 0);

    for (unsigned i = 0; i < 256; i++) {
        unsigned ap = i & 3;
        bool pxn = i & 4, uxn = i & 8;
        uint32_t flags = (i & 16 ? IM_VMSA_WXN : 0) |
                         (i & 128 ? IM_VMSA_EPAN : 0) |
                         (i & 32 ? IM_VMSA_PAN : 0) |
                         (i & 64 ? IM_VMSA_PRIV : 0);

        v_map(v, &st, IN_ADDR, 0x1000, 3,
              D_AF | (uint64_t)ap << 6 | (pxn ? D_PXN : 0) | (uxn ? D_UXN : 0));
        g_assert_cmpuint(granted(v, &st, flags), ==,
                         s1_reference(ap, pxn, uxn, flags));
    }
}

/* Rows that one reads, so that the reference is not alone. */
static const struct {
    const char *what;
    uint64_t bits;
    uint32_t flags;
    uint8_t want;
} s1_rows[] = {
    { "user page, user", D_AP1, 0, R | W | X },
    { "user page, privileged", D_AP1, IM_VMSA_PRIV, R | W },
    { "read-only user page, privileged", D_AP1 | D_RO, IM_VMSA_PRIV, R | X },
    { "kernel page, user", 0, 0, X },
    { "kernel page UXN, user", D_UXN, 0, 0 },
    { "kernel page, privileged", 0, IM_VMSA_PRIV, R | W | X },
    { "kernel page, privileged, WXN", 0, IM_VMSA_PRIV | IM_VMSA_WXN, R | W },
    { "kernel text, WXN", D_RO, IM_VMSA_PRIV | IM_VMSA_WXN, R | X },
    { "user page, user, WXN", D_AP1, IM_VMSA_WXN, R | W },
    { "user page, privileged, PAN", D_AP1, IM_VMSA_PRIV | IM_VMSA_PAN, 0 },
    { "user text, privileged, PAN", D_AP1 | D_RO, IM_VMSA_PRIV | IM_VMSA_PAN,
      X },
    { "user page, user, PAN", D_AP1, IM_VMSA_PAN, R | W | X },
    { "kernel page that users execute, PAN", 0, IM_VMSA_PRIV | IM_VMSA_PAN,
      R | W | X },
    { "kernel page that users execute, EPAN", 0,
      IM_VMSA_PRIV | IM_VMSA_PAN | IM_VMSA_EPAN, X },
    { "kernel page, EPAN", D_UXN, IM_VMSA_PRIV | IM_VMSA_PAN | IM_VMSA_EPAN,
      R | W | X },
    { "kernel page, EPAN without PAN", 0, IM_VMSA_PRIV | IM_VMSA_EPAN,
      R | W | X },
    { "PXN, privileged", D_PXN, IM_VMSA_PRIV, R | W },
    { "PXN, user", D_AP1 | D_PXN, 0, R | W | X },
    /* SMMU_VMSA_EL2 */
    { "EL2, AP[1]=0", 0, IM_VMSA_ONE, R | W | X },
    { "EL2, AP[1]=1", D_AP1, IM_VMSA_ONE, R | W | X },
    { "EL2, PnU", D_AP1 | D_PXN, IM_VMSA_ONE | IM_VMSA_PRIV, R | W | X },
    { "EL2, XN", D_UXN, IM_VMSA_ONE | IM_VMSA_PRIV, R | W },
    { "EL2, read-only", D_RO, IM_VMSA_ONE, R | X },
    { "EL2, WXN", 0, IM_VMSA_ONE | IM_VMSA_WXN, R | W },
};

static void test_s1_rows(void)
{
    g_autoptr(VRig) v = v_new();
    ImPtStage st = v_stage(v, im_vmsa_s1, 48, 0);

    for (unsigned i = 0; i < G_N_ELEMENTS(s1_rows); i++) {
        v_map(v, &st, IN_ADDR, 0x1000, 3, D_AF | s1_rows[i].bits);
        g_test_message("%s", s1_rows[i].what);
        g_assert_cmpuint(granted(v, &st, s1_rows[i].flags), ==,
                         s1_rows[i].want);
    }
}

/* SMMU_VMSA_TABLE_ATTR: at each level, and none with HAD. */
static void test_hierarchical(void)
{
    for (unsigned i = 0; i < 16 * 4 * 3; i++) {
        g_autoptr(VRig) v = v_new();
        ImPtStage st = v_stage(v, im_vmsa_s1, 48, 0);
        unsigned apt = i & 3, ap = i >> 4 & 3, level = i >> 6;
        bool pxnt = i & 4, uxnt = i & 8;
        /* APTable[0] takes AP[1] away, APTable[1] sets AP[2]. */
        unsigned eff = (ap & (apt & 1 ? 2 : 3)) | (apt & 2);
        uint64_t at;

        v_map(v, &st, IN_ADDR, 0x1000, 3, D_AF | (uint64_t)ap << 6);
        at = v_entry(v, &st, IN_ADDR, level);
        v_set(v, at,
              v_get(v, at) | D_APT(apt) | (pxnt ? D_PXNT : 0) |
                  (uxnt ? D_UXNT : 0));
        for (unsigned p = 0; p < 2; p++) {
            uint32_t flags = p ? IM_VMSA_PRIV : 0;

            g_assert_cmpuint(granted(v, &st, flags), ==,
                             s1_reference(eff, pxnt, uxnt, flags));
            g_assert_cmpuint(granted(v, &st, flags | IM_VMSA_HAD), ==,
                             s1_reference(ap, false, false, flags));
        }
        g_assert_cmpuint(granted(v, &st, IM_VMSA_ONE), ==,
                         R | (eff & 2 ? 0 : W) | (uxnt ? 0 : X));
    }
}

/* --- stage 2 permissions: SMMU_VMSA_S2AP, SMMU_VMSA_XNX ----------------- */

static void test_s2_permissions(void)
{
    /* XN[1:0] with XNX: who may execute */
    static const char *const who[] = { "pu", "u", "", "p" };
    g_autoptr(VRig) v = v_new();
    ImPtStage st = v_stage(v, im_vmsa_s2, 48, 0);

    for (unsigned i = 0; i < 64; i++) {
        unsigned s2ap = i & 3, xn = i >> 2 & 3;
        bool xnx = i & 16, priv = i & 32;
        bool x = xnx ? !!strchr(who[xn], priv ? 'p' : 'u') : !(xn & 2);

        v_map(v, &st, IN_ADDR, 0x1000, 3,
              D_AF | (uint64_t)s2ap << 6 | (uint64_t)xn << 53);
        g_assert_cmpuint(
            granted(v, &st,
                    (xnx ? IM_VMSA_XNX : 0) | (priv ? IM_VMSA_PRIV : 0)),
            ==, (s2ap & 1 ? R : 0) | (s2ap & 2 ? W : 0) | (x ? X : 0));
        /* Table descriptors of stage 2 take nothing away. */
        v->table_bits = UINT64_C(0x1f) << 59;
    }
}

/* --- SMMU_VMSA_AF, SMMU_VMSA_HAFT --------------------------------------- */

static void test_access_flag(void)
{
    for (unsigned second = 0; second < 2; second++) {
        g_autoptr(VRig) v = v_new();
        ImPtStage st = v_stage(v, second ? im_vmsa_s2 : im_vmsa_s1, 48, 0);
        uint64_t all = second ? ALL_S2 : ALL_S1;
        uint64_t at = v_map(v, &st, IN_ADDR, 0x1000, 3, all & ~D_AF);
        uint64_t before = v_get(v, at);

        g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, R).stop, ==,
                         IM_WALK_UNUSED);
        st.flags = IM_VMSA_AFFD;
        g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, R).stop, ==, IM_WALK_OK);
        g_assert_cmphex(v_get(v, at), ==, before);
        st.flags = IM_VMSA_HA;
        g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, R).stop, ==, IM_WALK_OK);
        g_assert_cmphex(v_get(v, at), ==, before | D_AF);
        g_assert_cmpuint(v->updates, ==, 1);
        v_walk(v, &st, NULL, IN_ADDR, R | W);
        g_assert_cmpuint(v->updates, ==, 1);
        /* Tables on the way. */
        st.flags |= IM_VMSA_HAFT;
        v_walk(v, &st, NULL, IN_ADDR, R);
        g_assert_cmpuint(v->updates, ==, 4);
        for (unsigned l = 0; l < 3; l++) {
            g_assert_true(v_get(v, v_entry(v, &st, IN_ADDR, l)) & D_AF);
        }
        v_walk(v, &st, NULL, IN_ADDR, R);
        g_assert_cmpuint(v->updates, ==, 4);
    }
}

/* An access that faults marks nothing. */
static void test_denied_is_unmarked(void)
{
    g_autoptr(VRig) v = v_new();
    ImPtStage st = v_stage(v, im_vmsa_s1, 48, 0);

    st.flags = IM_VMSA_HA | IM_VMSA_HD;
    v_map(v, &st, IN_ADDR, 0x1000, 3, D_RO | D_AP1);
    g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, W).stop, ==, IM_WALK_PERM);
    g_assert_cmpuint(v->updates, ==, 0);
}

/* --- SMMU_VMSA_DBM_S1, SMMU_VMSA_DBM_S2 --------------------------------- */

static const struct {
    const char *what;
    bool second;
    uint64_t bits, table;
    uint32_t flags;
    uint8_t need;
    ImWalkStop want;
    uint64_t set, clear; /* how the descriptor changes */
    bool dirty; /* a write needs no more updates */
} dirty_rows[] = {
    { "clean, read", false, ALL_S1 | D_DBM | D_RO, 0, IM_VMSA_HA | IM_VMSA_HD,
      R, IM_WALK_OK, 0, 0, false },
    { "clean, write", false, ALL_S1 | D_DBM | D_RO, 0, IM_VMSA_HA | IM_VMSA_HD,
      W, IM_WALK_OK, 0, D_RO, true },
    { "clean, no AF, write", false, D_AP1 | D_DBM | D_RO, 0,
      IM_VMSA_HA | IM_VMSA_HD, W, IM_WALK_OK, D_AF, D_RO, true },
    { "dirty, write", false, ALL_S1 | D_DBM, 0, IM_VMSA_HA | IM_VMSA_HD, W,
      IM_WALK_OK, 0, 0, true },
    { "writable, no DBM", false, ALL_S1, 0, IM_VMSA_HA | IM_VMSA_HD, W,
      IM_WALK_OK, 0, 0, true },
    { "read-only, no DBM", false, ALL_S1 | D_RO, 0, IM_VMSA_HA | IM_VMSA_HD, W,
      IM_WALK_PERM, 0, 0, false },
    { "clean, no HD", false, ALL_S1 | D_DBM | D_RO, 0, IM_VMSA_HA, W,
      IM_WALK_PERM, 0, 0, false },
    { "clean, unprivileged page of the kernel", false, D_AF | D_DBM | D_RO, 0,
      IM_VMSA_HA | IM_VMSA_HD, W, IM_WALK_PERM, 0, 0, false },
    { "clean, read-only table", false, ALL_S1 | D_DBM | D_RO, D_APT(2),
      IM_VMSA_HA | IM_VMSA_HD, W, IM_WALK_PERM, 0, 0, false },
    { "clean, read-only table, HAD", false, ALL_S1 | D_DBM | D_RO, D_APT(2),
      IM_VMSA_HA | IM_VMSA_HD | IM_VMSA_HAD, W, IM_WALK_OK, 0, D_RO, true },
    { "stage 2 clean, read", true, D_AF | D_S2R | D_DBM, 0,
      IM_VMSA_HA | IM_VMSA_HD, R, IM_WALK_OK, 0, 0, false },
    { "stage 2 clean, write", true, D_AF | D_S2R | D_DBM, 0,
      IM_VMSA_HA | IM_VMSA_HD, W, IM_WALK_OK, D_S2W, 0, true },
    { "stage 2 clean, no AF, write", true, D_S2R | D_DBM, 0,
      IM_VMSA_HA | IM_VMSA_HD, W, IM_WALK_OK, D_S2W | D_AF, 0, true },
    { "stage 2 dirty, write", true, D_AF | D_S2R | D_S2W | D_DBM, 0,
      IM_VMSA_HA | IM_VMSA_HD, W, IM_WALK_OK, 0, 0, true },
    { "stage 2 read-only", true, D_AF | D_S2R, 0, IM_VMSA_HA | IM_VMSA_HD, W,
      IM_WALK_PERM, 0, 0, false },
    { "stage 2 clean, no HD", true, D_AF | D_S2R | D_DBM, 0, IM_VMSA_HA, W,
      IM_WALK_PERM, 0, 0, false },
};

static void test_dirty(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(dirty_rows); i++) {
        g_autoptr(VRig) v = v_new();
        ImPtStage st =
            v_stage(v, dirty_rows[i].second ? im_vmsa_s2 : im_vmsa_s1, 48, 0);
        uint64_t at, before;
        ImWalkOut w;

        v->table_bits = dirty_rows[i].table;
        at = v_map(v, &st, IN_ADDR, 0x1000, 3, dirty_rows[i].bits);
        before = v_get(v, at);
        st.flags = dirty_rows[i].flags;
        w = v_walk(v, &st, NULL, IN_ADDR, dirty_rows[i].need);
        g_test_message("%s", dirty_rows[i].what);
        g_assert_cmpuint(w.stop, ==, dirty_rows[i].want);
        g_assert_cmphex(v_get(v, at), ==,
                        (before | dirty_rows[i].set) & ~dirty_rows[i].clear);
        if (w.stop == IM_WALK_OK) {
            g_assert_cmpuint(w.dirty, ==, dirty_rows[i].dirty);
            g_assert_cmpuint(w.perm & W, ==, W);
        }
    }
}

/* --- a CPU gets in between ---------------------------------------------- */

static const struct {
    const char *what;
    uint64_t set, clear;
    ImWalkStop want;
    uint64_t after; /* flags of the descriptor */
} races[] = {
    { "marks it used", D_AF, 0, IM_WALK_OK, D_PAGE | D_AF | D_AP1 | D_DBM },
    { "makes it dirty", 0, D_RO, IM_WALK_OK, D_PAGE | D_AF | D_AP1 | D_DBM },
    { "does both", D_AF, D_RO, IM_WALK_OK, D_PAGE | D_AF | D_AP1 | D_DBM },
    { "protects it", 0, D_DBM, IM_WALK_PERM, D_PAGE | D_AP1 | D_RO },
    { "unmaps it", 0, D_V, IM_WALK_ABSENT, 2 | D_AP1 | D_RO | D_DBM },
};

static void test_races(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(races); i++) {
        g_autoptr(VRig) v = v_new();
        ImPtStage st = v_stage(v, im_vmsa_s1, 48, 0);
        uint64_t at = v_map(v, &st, IN_ADDR, 0x1000, 3, D_AP1 | D_RO | D_DBM);

        st.flags = IM_VMSA_HA | IM_VMSA_HD;
        v->races = 1;
        v->race_set = races[i].set;
        v->race_clear = races[i].clear;
        g_test_message("%s", races[i].what);
        g_assert_cmpuint(v_walk(v, &st, NULL, IN_ADDR, W).stop, ==,
                         races[i].want);
        g_assert_cmphex(v_get(v, at) & ~UINT64_C(0x1000), ==, races[i].after);
    }
}

static void test_update_fails(void)
{
    g_autoptr(VRig) v = v_new();
    ImPtStage st = v_stage(v, im_vmsa_s1, 48, 0);
    uint64_t at = v_map(v, &st, IN_ADDR, 0x1000, 3, D_AP1);
    ImWalkOut w;

    st.flags = IM_VMSA_HA;
    v->update_fails = true;
    w = v_walk(v, &st, NULL, IN_ADDR, R);
    g_assert_cmpuint(w.stop, ==, IM_WALK_UPDATE);
    g_assert_cmphex(w.entry, ==, at);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(shapes); i++) {
        g_autofree char *path = g_strdup_printf("/fmt/vmsa/shape/%s",
                                                shapes[i].name);

        g_test_add_data_func(path, &shapes[i], test_shape);
    }
    g_test_add_func("/fmt/vmsa/concatenated", test_concatenated);
    g_test_add_func("/fmt/vmsa/global", test_global);
    g_test_add_func("/fmt/vmsa/ignored", test_ignored);
    g_test_add_func("/fmt/vmsa/block-low-bits", test_block_low_bits);
    g_test_add_func("/fmt/vmsa/size", test_size);
    g_test_add_func("/fmt/vmsa/size-pa52", test_size_pa52);
    g_test_add_func("/fmt/vmsa/order", test_order);
    g_test_add_func("/fmt/vmsa/s1-permissions", test_s1_permissions);
    g_test_add_func("/fmt/vmsa/s1-rows", test_s1_rows);
    g_test_add_func("/fmt/vmsa/hierarchical", test_hierarchical);
    g_test_add_func("/fmt/vmsa/s2-permissions", test_s2_permissions);
    g_test_add_func("/fmt/vmsa/access-flag", test_access_flag);
    g_test_add_func("/fmt/vmsa/denied-is-unmarked", test_denied_is_unmarked);
    g_test_add_func("/fmt/vmsa/dirty", test_dirty);
    g_test_add_func("/fmt/vmsa/races", test_races);
    g_test_add_func("/fmt/vmsa/update-fails", test_update_fails);
    return g_test_run();
}
