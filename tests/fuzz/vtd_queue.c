/*
 * Random descriptors, good and spoilt, against a small reference of which
 * are valid; answers late, twice, wrong or never.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fuzz.h"
#include "lib/vtd_random.h"

/* Bits that must be zero, by type, in a 256-bit queue: figures 6-1 to 6-9
 * and 7-2, with DIT=0 and PDS=1. */
static const struct {
    unsigned hi, lo;
} zero[10][8] = {
    [1] = { { 8, 6 }, { 15, 12 }, { 63, 50 }, { 255, 64 } },
    [2] = { { 8, 8 }, { 15, 12 }, { 63, 32 }, { 75, 71 }, { 255, 128 } },
    [3] = { { 8, 4 },
            { 15, 12 },
            { 31, 21 },
            { 63, 48 },
            { 75, 65 },
            { 255, 128 } },
    [4] = { { 8, 5 }, { 26, 12 }, { 63, 48 }, { 255, 64 } },
    [5] = { { 8, 8 }, { 31, 12 }, { 65, 64 }, { 255, 128 } },
    [6] = { { 8, 6 }, { 15, 12 }, { 63, 52 }, { 75, 71 }, { 255, 128 } },
    [7] = { { 8, 6 }, { 15, 12 }, { 63, 52 }, { 255, 64 } },
    [8] = { { 15, 12 }, { 63, 52 }, { 74, 65 }, { 255, 128 } },
    [9] = { { 8, 5 }, { 63, 52 }, { 65, 64 }, { 255, 76 } },
};

static unsigned bits(const Desc *d, unsigned hi, unsigned lo)
{
    return (unsigned)(d->q[lo / 64] >> lo % 64 &
                      ((UINT64_C(1) << (hi - lo + 1)) - 1));
}

/* 0: valid; else IQEI. */
static unsigned verdict(World *w, const Desc *d)
{
    unsigned type = bits(d, 11, 9) << 4 | bits(d, 3, 0);
    unsigned g = bits(d, 5, 4);
    unsigned mamv = (unsigned)(rig_reg64(w->r, REG_CAP) >> 48 & 0x3f);

    if (type < 1 || type > 9) {
        return 3;
    }
    for (unsigned i = 0; i < 8 && zero[type][i].hi; i++) {
        for (unsigned b = zero[type][i].lo; b <= zero[type][i].hi; b++) {
            if (d->q[b / 64] >> b % 64 & 1) {
                return 4;
            }
        }
    }
    if (((type == 1 || type == 2) && g == 0) || (type == 6 && g < 2) ||
        (type == 7 && g == 2)) {
        return 4;
    }
    if (type == 2 && g == 3 && bits(d, 69, 64) > mamv) {
        return 4;               /* our choice: the manual is silent */
    }
    return 0;
}

static void answers(World *w, Fuzz *f)
{
    unsigned n = rig_count(w->r, RIG_SEEN_ATS_INV);

    for (unsigned i = 0; i < n; i++) {
        const ImAtsInv v = rig_seen(w->r, RIG_SEEN_ATS_INV, i)->inv;

        if (!fuzz_one_in(f, 16)) {
            im_vtd_ats_inv_done(w->r->vtd, v.rid, 1u << v.itag, 1);
        }
        if (fuzz_one_in(f, 32)) {
            im_vtd_ats_inv_done(w->r->vtd, v.rid ^ 1, 1u << v.itag, 1);
        }
    }
    rig_log_clear(w->r);
}

/* Bring the queue to its end: every error cleared, time passed. */
static void settle(World *w)
{
    unsigned turns = 0;

    while (rig_reg64(w->r, REG_IQH) != rig_reg64(w->r, REG_IQT) ||
           rig_reg32(w->r, REG_FSTS) & (FSTS_IQE | FSTS_ITE | FSTS_ICE)) {
        uint32_t fsts = rig_reg32(w->r, REG_FSTS);
        uint64_t head = rig_reg64(w->r, REG_IQH);

        if (fsts & FSTS_IQE) {
            Desc d;

            for (unsigned i = 0; i < 4; i++) {
                d.q[i] = rig_r64(w->r, w->r->iq + head + 8 * i);
            }
            g_assert_cmphex(rig_reg64(w->r, REG_IQERCD) & 0xf, ==,
                            verdict(w, &d));
            rig_w64(w->r, w->r->iq + head, 5);
            for (unsigned i = 1; i < 4; i++) {
                rig_w64(w->r, w->r->iq + head + 8 * i, 0);
            }
        } else if (!fsts) {
            rig_advance(w->r, w->r->cfg.ats_timeout_ns + 1);
        }
        rig_set32(w->r, REG_FSTS, FSTS_IQE | FSTS_ITE | FSTS_ICE);
        g_assert_cmpuint(++turns, <, 2000);
    }
    rig_advance(w->r, 2 * w->r->cfg.ats_timeout_ns);
    rig_set32(w->r, REG_FSTS, FSTS_IQE | FSTS_ITE | FSTS_ICE);
    rig_log_clear(w->r);
}

static void queue(void)
{
    Fuzz f = fuzz_new(6000);
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    w->r->allow_stray = true;   /* a spoilt status address is obeyed */
    for (uint64_t i = 0; i < f.rounds; i++) {
        unsigned n = (unsigned)fuzz_below(&f, 24) + 1, bad = 0;

        for (unsigned j = 0; j < n; j++) {
            Desc d = vr_desc(w, &f);

            bad += verdict(w, &d) != 0;
            vb_iq_put(w->r, d);
        }
        vb_iq_ring(w->r);
        g_assert_true(bad || !(rig_reg32(w->r, REG_FSTS) & FSTS_IQE));
        answers(w, &f);
        if (fuzz_one_in(&f, 8)) {
            rig_advance(w->r, fuzz_below(&f, w->r->cfg.ats_timeout_ns));
        }
        if (fuzz_one_in(&f, 20)) {
            vb_gcmd(w->r, GCMD_QIE, false);
            rig_set32(w->r, REG_FSTS, FSTS_IQE | FSTS_ITE | FSTS_ICE);
            rig_set64(w->r, REG_IQT, 0);
            w->r->iq_tail = 0;
            vb_gcmd(w->r, GCMD_QIE, true);
        }
        settle(w);
        w->r->strays = 0;
        rig_assert_consistent(w->r);
        g_assert_true(vb_wait(w->r));
        if (rig_reg32(w->r, REG_ICS)) {
            rig_set32(w->r, REG_ICS, 1);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vtd/fuzz/queue", queue);
    return g_test_run();
}
