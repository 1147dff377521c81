/*
 * VT-d page-table formats, alone and nested, on random tables: the walker
 * against an oracle that knows nothing of it, written from 3.6, 3.7, 3.8,
 * 9.7 and 9.8 with bit numbers.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>
#include <string.h>

#include "hw/fmt/vtd.h"

#define PAGES     64            /* pages of tables; what they map is not */
#define HAW       46
#define HAW_TOP   (UINT64_C(1) << HAW)

typedef struct Sys {
    uint64_t mem[PAGES][512];
    /* first stage */
    bool five, fs1g, super, wpe;
    /* second stage */
    unsigned levels;
    bool ss2m, ss1g, sc, ssade, nested;
    uint64_t gaw;               /* first address beyond */
} Sys;

typedef struct Answer {
    ImWalkStop stop;
    unsigned stage, level;
    bool for_entry;
    uint64_t addr;
    unsigned shift;
    bool r, w, snp;
} Answer;

static bool bit(uint64_t e, unsigned n)
{
    return e >> n & 1;
}

static bool any(uint64_t e, unsigned hi, unsigned lo)
{
    return e >> lo & (UINT64_MAX >> (63 - hi + lo));
}

/* --- the oracle --------------------------------------------------------- */

static bool readable(uint64_t pa)
{
    return pa < PAGES * 4096;
}

static uint64_t fetch(const Sys *s, uint64_t pa)
{
    return s->mem[pa / 4096][pa / 8 % 512];
}

static Answer bad(ImWalkStop stop, unsigned stage, unsigned level)
{
    return (Answer) { .stop = stop, .stage = stage, .level = level };
}

static bool ss_reserved(const Sys *s, uint64_t e, unsigned level, bool leaf)
{
    return any(e, 51, HAW) || bit(e, 62) || (level >= 4 && bit(e, 7)) ||
           (level == 3 && bit(e, 7) && !s->ss1g) ||
           (level == 2 && bit(e, 7) && !s->ss2m) ||
           (leaf && level == 3 && any(e, 29, 12)) ||
           (leaf && level == 2 && any(e, 20, 12)) ||
           (bit(e, 11) && (!leaf || !s->sc));
}

static Answer ss_oracle(const Sys *s, unsigned stage, uint64_t in, bool need_r,
                        bool need_w)
{
    uint64_t table = 0x1000;
    Answer a = { .r = true, .w = true };

    for (unsigned level = s->levels;; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        uint64_t pa = table + (in >> shift) % 512 * 8;
        bool leaf;
        uint64_t e;

        if (!readable(pa)) {
            return bad(IM_WALK_ACCESS, stage, level);
        }
        e = fetch(s, pa);
        leaf = level == 1 || (level <= 3 && bit(e, 7));
        if (!bit(e, 0) && !bit(e, 1)) {
            return bad(IM_WALK_ABSENT, stage, level);
        }
        if (ss_reserved(s, e, level, leaf)) {
            return bad(IM_WALK_RSVD, stage, level);
        }
        a.r = a.r && bit(e, 0);
        a.w = a.w && bit(e, 1);
        if (!a.r && !a.w) {
            return bad(IM_WALK_ABSENT, stage, level);
        }
        if (!leaf) {
            table = e & (HAW_TOP - 0x1000);
            continue;
        }
        if ((need_r && !a.r) || (need_w && !a.w)) {
            return bad(IM_WALK_PERM, stage, level);
        }
        a.addr = (e & (HAW_TOP - 1) & ~UINT64_C(0xfff)) |
                 (in & ((UINT64_C(1) << shift) - 1));
        a.shift = shift;
        a.snp = bit(e, 11);
        return a;
    }
}

static bool fs_reserved(const Sys *s, uint64_t e, unsigned level, bool leaf)
{
    return any(e, 51, HAW) || (level >= 4 && bit(e, 7)) ||
           (level == 3 && bit(e, 7) && !s->fs1g) ||
           (leaf && level == 3 && any(e, 29, 13)) ||
           (leaf && level == 2 && any(e, 20, 13));
}

/* a: the first stage's answer; settable: its flags are set or may be. */
static Answer fs_leaf(const Sys *s, Answer a, bool need_w, bool settable)
{
    if (need_w && !a.w) {
        return bad(IM_WALK_PERM, 0, a.level);
    }
    if (s->nested) {
        Answer n = ss_oracle(s, 1, a.addr, !need_w, need_w);

        if (n.stop != IM_WALK_OK) {
            return n;
        }
        a.addr = n.addr;
        a.shift = MIN(a.shift, n.shift);
        a.r = n.r;
        a.w = a.w && n.w;
        a.snp = n.snp;
    }
    return settable ? a : bad(IM_WALK_NESTED_WRITE, 0, a.level);
}

static Answer fs_oracle(const Sys *s, uint64_t in, bool need_w)
{
    uint64_t table = 0x2000;
    Answer a = { .r = true, .w = true };

    for (unsigned level = s->five ? 5 : 4;; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        uint64_t at = table + (in >> shift) % 512 * 8;
        bool may_set = true;
        uint64_t addr;
        bool leaf;
        uint64_t e;

        if (s->nested) {
            Answer n = ss_oracle(s, 1, at, true, s->ssade);

            if (n.stop == IM_WALK_PERM) {
                return bad(IM_WALK_NESTED_READ, 0, level);
            }
            if (n.stop != IM_WALK_OK) {
                n.for_entry = true;
                return n;
            }
            at = n.addr;
            may_set = n.w;
        }
        if (!readable(at)) {
            return bad(IM_WALK_ACCESS, 0, level);
        }
        e = fetch(s, at);
        leaf = level == 1 || (level <= 3 && bit(e, 7));
        if (!bit(e, 0)) {
            return bad(IM_WALK_ABSENT, 0, level);
        }
        if (fs_reserved(s, e, level, leaf)) {
            return bad(IM_WALK_RSVD, 0, level);
        }
        addr = e & (HAW_TOP - 1) &
               ~(leaf && level > 1 ? (UINT64_C(1) << shift) - 1 : 0xfff);
        if (s->nested && addr >= s->gaw) {
            return bad(IM_WALK_RANGE, 0, level);
        }
        if (!bit(e, 2) && !s->super) {
            return bad(IM_WALK_MUST, 0, level);
        }
        a.w = a.w && (bit(e, 1) || (s->super && !s->wpe));
        if (!leaf) {
            if (!bit(e, 5) && !may_set) {
                return bad(IM_WALK_NESTED_WRITE, 0, level);
            }
            table = addr;
            continue;
        }
        a.addr = addr | (in & ((UINT64_C(1) << shift) - 1));
        a.shift = shift;
        a.level = level;
        return fs_leaf(s, a, need_w,
                       (bit(e, 5) && (!need_w || bit(e, 6))) || may_set);
    }
}

/* --- random systems ----------------------------------------------------- */

static uint64_t random64(void)
{
    return (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
}

static bool one_in(int n)
{
    return g_test_rand_int_range(0, n) == 0;
}

/* A table, or a page now and then; mostly well-formed. */
static uint64_t random_entry(bool second)
{
    uint64_t e = (uint64_t)g_test_rand_int_range(0, PAGES) << 12;

    e |= second ? 3 : 7;
    if (second && one_in(3)) {
        e |= 0x300;
    }
    if (!second && one_in(2)) {
        e |= 0x60;
    }
    if (one_in(5)) {
        e |= 0x80;
        e &= ~(one_in(2) ? UINT64_C(0x1ff000) : UINT64_C(0x3ffff000));
    }
    if (one_in(12)) {
        e ^= UINT64_C(1) << g_test_rand_int_range(0, 64);
    }
    if (one_in(16)) {
        e &= ~(UINT64_C(1) << g_test_rand_int_range(0, 3));
    }
    return one_in(30) ? 0 : e;
}

static void randomize(Sys *s)
{
    s->five = one_in(2);
    s->fs1g = !one_in(3);
    s->super = one_in(3);
    s->wpe = one_in(2);
    s->levels = (unsigned)g_test_rand_int_range(3, 6);
    s->ss2m = !one_in(3);
    s->ss1g = s->ss2m && one_in(2);
    s->sc = one_in(2);
    s->ssade = one_in(3);
    s->gaw = one_in(2) ? UINT64_C(1) << 39 : UINT64_C(1) << 48;
    for (unsigned p = 0; p < PAGES; p++) {
        for (unsigned i = 0; i < 512; i++) {
            s->mem[p][i] = random_entry(p % 2);
        }
    }
}

static ImBus sys_read(void *opaque, uint64_t pa, void *buf, size_t len)
{
    Sys *s = opaque;

    if (!readable(pa)) {
        return IM_BUS_ERROR;
    }
    memcpy(buf, (uint8_t *)s->mem + pa, len);
    return IM_BUS_OK;
}

static const ImWalkOps sys_ops = { .read = sys_read };

static void compare(const ImWalkOut *w, const Answer *a)
{
    g_assert_cmpuint(w->stop, ==, a->stop);
    if (w->stop != IM_WALK_OK) {
        g_assert_cmpuint(w->stage, ==, a->stage);
        g_assert_cmpuint(w->level + 1, ==, a->level);
        g_assert_cmpuint(w->for_entry, ==, a->for_entry);
        return;
    }
    g_assert_cmphex(w->addr, ==, a->addr);
    g_assert_cmpuint(w->shift, ==, a->shift);
    g_assert_cmpuint(!!(w->perm & IM_PERM_R), ==, a->r);
    g_assert_cmpuint(!!(w->perm & IM_PERM_W), ==, a->w);
    g_assert_cmpuint(!!(w->attr & IM_VTD_SNP), ==, a->snp);
}

static ImPtStage ss_stage(const Sys *s)
{
    return (ImPtStage) {
        .fmt = &im_vtd_second_stage,
        .root = 0x1000,
        .top = (uint8_t)(s->levels - 1),
        .out_mask = HAW_TOP - 1,
        .in_last = s->gaw - 1,
        .flags = (s->ss2m ? IM_VTD_SS_2M : 0) | (s->ss1g ? IM_VTD_SS_1G : 0) |
                 (s->sc ? IM_VTD_SS_SC : 0) | (s->ssade ? IM_VTD_SS_AD : 0),
    };
}

static ImPtStage fs_stage(const Sys *s)
{
    return (ImPtStage) {
        .fmt = &im_vtd_first_stage,
        .root = 0x2000,
        .top = s->five ? 4 : 3,
        .out_mask = HAW_TOP - 1,
        .must = IM_PT_USER,
        .flags = (s->fs1g ? IM_VTD_FS_1GP : 0) |
                 (s->super ? IM_VTD_FS_SUPER : 0) |
                 (s->wpe ? IM_VTD_FS_WPE : 0),
        .nest_write = s->nested && s->ssade,
    };
}

typedef enum Mode { FIRST, SECOND, NESTED } Mode;

static void test_random(const void *data)
{
    Mode mode = (Mode)GPOINTER_TO_UINT(data);
    g_autofree Sys *s = g_new0(Sys, 1);
    unsigned ok = 0;

    for (unsigned round = 0; round < 40; round++) {
        ImPtStage fs;
        ImPtStage ss;
        ImWalk w = { .ops = &sys_ops, .opaque = s };

        randomize(s);
        s->nested = mode == NESTED;
        fs = fs_stage(s);
        ss = ss_stage(s);
        w.stage[0] = mode == SECOND ? &ss : &fs;
        w.stage[1] = mode == NESTED ? &ss : NULL;
        for (unsigned i = 0; i < 4000; i++) {
            uint64_t in = random64();
            bool write = one_in(2);
            Answer a = mode == SECOND ? ss_oracle(s, 0, in, !write, write) :
                                        fs_oracle(s, in, write);
            ImWalkOut out;

            im_walk(&w, in, write ? IM_PERM_W : IM_PERM_R, write, &out);
            compare(&out, &a);
            ok += out.stop == IM_WALK_OK;
        }
    }
    g_test_message("%u of 160000 walks found a page", ok);
    g_assert_cmpuint(ok, >, 1000);
}

/* --- single entries ----------------------------------------------------- */

/* Which bits of an otherwise valid entry make it reserved. */
static uint64_t reserved_bits(const ImPtStage *st, unsigned level,
                              uint64_t base)
{
    uint64_t bits = 0;
    ImPteView v;

    for (unsigned i = 0; i < 64; i++) {
        if (st->fmt->decode(st, level, base | UINT64_C(1) << i, &v) ==
            IM_PTE_RSVD) {
            bits |= UINT64_C(1) << i;
        }
    }
    return bits;
}

static void test_first_stage_reserved(void)
{
    ImPtStage st = { .fmt = &im_vtd_first_stage,
                     .out_mask = HAW_TOP - 1,
                     .flags = IM_VTD_FS_1GP };
    uint64_t high = UINT64_C(0x000fc00000000000);

    g_assert_cmphex(reserved_bits(&st, 4, 7), ==, high | 0x80);
    g_assert_cmphex(reserved_bits(&st, 3, 7), ==, high | 0x80);
    g_assert_cmphex(reserved_bits(&st, 2, 7), ==, high);
    g_assert_cmphex(reserved_bits(&st, 2, 0x87), ==, high | 0x3fffe000);
    g_assert_cmphex(reserved_bits(&st, 1, 0x87), ==, high | 0x1fe000);
    g_assert_cmphex(reserved_bits(&st, 0, 0x87), ==, high);
    st.flags = 0;
    g_assert_cmphex(reserved_bits(&st, 2, 7), ==, high | 0x80);
}

static void test_second_stage_reserved(void)
{
    ImPtStage st = { .fmt = &im_vtd_second_stage,
                     .out_mask = HAW_TOP - 1,
                     .flags = IM_VTD_SS_2M | IM_VTD_SS_1G | IM_VTD_SS_SC };
    uint64_t high = UINT64_C(0x400fc00000000000);

    g_assert_cmphex(reserved_bits(&st, 4, 3), ==, high | 0x880);
    g_assert_cmphex(reserved_bits(&st, 3, 3), ==, high | 0x880);
    g_assert_cmphex(reserved_bits(&st, 2, 3), ==, high | 0x800);
    g_assert_cmphex(reserved_bits(&st, 2, 0x83), ==, high | 0x3ffff000);
    g_assert_cmphex(reserved_bits(&st, 1, 0x83), ==, high | 0x1ff000);
    g_assert_cmphex(reserved_bits(&st, 0, 0x83), ==, high);
    st.flags = 0;
    g_assert_cmphex(reserved_bits(&st, 2, 3), ==, high | 0x880);
    g_assert_cmphex(reserved_bits(&st, 1, 3), ==, high | 0x880);
    g_assert_cmphex(reserved_bits(&st, 0, 3), ==, high | 0x800);
    st.flags = IM_VTD_SS_IRWE | IM_VTD_SS_SC;
    g_assert_cmphex(reserved_bits(&st, 0, UINT64_C(6) << 60), ==,
                    UINT64_C(0x000fc00000000000));
}

typedef struct FlagRow {
    const ImPtFormat *fmt;
    uint64_t entry;             /* of a page of 2 MiB; PS is bit 7 */
    uint32_t flags;
    uint64_t used, dirty;       /* what is set */
} FlagRow;

/* 3.6.2 and 3.7.2: A and EA of every entry, D of those that map a page. */
static void test_marks(void)
{
    static const FlagRow rows[] = {
        { &im_vtd_first_stage, 0x87, 0, 0x20, 0x60 },
        { &im_vtd_first_stage, 0x87, IM_VTD_FS_EAFE, 0x420, 0x460 },
        { &im_vtd_first_stage, 0x87, IM_VTD_FS_SUPER | IM_VTD_FS_WPE, 0x20,
          0x60 },
        { &im_vtd_second_stage, 0x83, IM_VTD_SS_2M | IM_VTD_SS_SC, 0, 0 },
        { &im_vtd_second_stage, 0x83, IM_VTD_SS_2M | IM_VTD_SS_AD, 0x100,
          0x300 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImPtStage st = { .fmt = rows[i].fmt,
                         .out_mask = HAW_TOP - 1,
                         .flags = rows[i].flags };
        ImPteView v;

        g_assert_cmpuint(st.fmt->decode(&st, 1, rows[i].entry, &v), ==,
                         IM_PTE_LEAF);
        g_assert_cmphex(v.used, ==, rows[i].used);
        g_assert_cmphex(v.used | v.dirty, ==, rows[i].dirty);
        g_assert_cmpuint(st.fmt->decode(&st, 1, rows[i].entry & 0x7f, &v), ==,
                         IM_PTE_TABLE);
        g_assert_cmphex(v.used, ==, rows[i].used);
        g_assert_cmphex(v.dirty, ==, 0);
    }
}

/* Second-stage rights by bits 61 and 62 alone, 9.8. */
static void test_second_stage_io_rights(void)
{
    ImPtStage st = { .fmt = &im_vtd_second_stage,
                     .out_mask = HAW_TOP - 1,
                     .flags = IM_VTD_SS_IRWE };
    ImPteView v;

    g_assert_cmpuint(st.fmt->decode(&st, 0, 0x5003, &v), ==, IM_PTE_FAULT);
    g_assert_cmpuint(st.fmt->decode(&st, 0, 0x5000 | UINT64_C(1) << 62, &v), ==,
                     IM_PTE_LEAF);
    g_assert_cmpuint(v.perm, ==, IM_PERM_W);
    g_assert_cmpuint(st.fmt->decode(&st, 0, 0x5000 | UINT64_C(1) << 61, &v), ==,
                     IM_PTE_LEAF);
    g_assert_cmpuint(v.perm, ==, IM_PERM_R);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/fmt/vtd/random/first", GUINT_TO_POINTER(FIRST),
                         test_random);
    g_test_add_data_func("/fmt/vtd/random/second", GUINT_TO_POINTER(SECOND),
                         test_random);
    g_test_add_data_func("/fmt/vtd/random/nested", GUINT_TO_POINTER(NESTED),
                         test_random);
    g_test_add_func("/fmt/vtd/first-reserved", test_first_stage_reserved);
    g_test_add_func("/fmt/vtd/second-reserved", test_second_stage_reserved);
    g_test_add_func("/fmt/vtd/marks", test_marks);
    g_test_add_func("/fmt/vtd/second-io-rights", test_second_stage_io_rights);
    return g_test_run();
}
