/*
 * Random commands, good and spoilt, against a small reference of which are
 * legal; answers late, twice, wrong or never.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_random.h"

static unsigned bits(const Cmd *c, unsigned hi, unsigned lo)
{
    return (unsigned)(c->q[lo / 64] >> lo % 64 &
                      ((UINT64_C(1) << (hi - lo + 1)) - 1));
}

/* Chapter 4, for a unit that has everything: what is CERROR_ILL. */
static bool illegal(const Cmd *c)
{
    bool ssec = bits(c, 10, 10);

    switch (bits(c, 7, 0)) {
    case OP_PREFETCH_CONFIG:
    case OP_PREFETCH_ADDR:
    case OP_CFGI_STE:
    case OP_CFGI_STE_RANGE:
    case OP_CFGI_CD:
    case OP_CFGI_CD_ALL:
    case OP_RESUME:
    case OP_STALL_TERM:
        return ssec;
    case OP_ATC_INV:            /* larger sizes: permitted, and our choice */
        return ssec || bits(c, 69, 64) > 52;
    case OP_PRI_RESP:
        return ssec || bits(c, 77, 76) == 3;
    case OP_SYNC:
        return bits(c, 13, 12) == 3;
    case OP_NH_VA:
    case OP_NH_VAA:
    case OP_EL2_VA:
    case OP_EL2_VAA:
    case OP_S2_IPA: {
        unsigned tg = bits(c, 75, 74), ttl = bits(c, 73, 72);

        if (tg == 2 && ttl == 1) {
            ttl = 0;            /* no such block without DS */
        }
        return tg && !ttl && !bits(c, 16, 12) && !bits(c, 24, 20);
    }
    case OP_NH_ALL:
    case OP_NH_ASID:
    case OP_EL2_ALL:
    case OP_EL2_ASID:
    case OP_S12_VMALL:
    case OP_NSNH_ALL:
        return false;
    default:
        return true;
    }
}

static void answers(SWorld *w, Fuzz *f)
{
    unsigned n = rig_count(w->r, RIG_SEEN_ATS_INV);

    for (unsigned i = 0; i < n; i++) {
        const ImAtsInv v = rig_seen(w->r, RIG_SEEN_ATS_INV, i)->inv;
        uint32_t sid = im_func(v.segment, v.rid);

        g_assert_cmpuint(v.itag, <, 32);
        if (!fuzz_one_in(f, 16)) {
            im_smmu_ats_inv_done(w->r->smmu, sid, 1u << v.itag, 1);
        }
        if (fuzz_one_in(f, 32)) {
            im_smmu_ats_inv_done(w->r->smmu, sid ^ 1, 1u << v.itag, 1);
        }
    }
    rig_log_clear(w->r);
}

/* Bring the queue to its end: every error mended, time passed. */
static void settle(SWorld *w, Fuzz *f)
{
    Rig *r = w->r;
    unsigned turns = 0;

    while (!sb_cmdq_empty(r)) {
        uint64_t at = r->sq[0].base + 16 * (rig_reg32(r, SR_CMDQ_CONS) & 0xff);
        Cmd c = { { rig_r64(r, at), rig_r64(r, at + 8) } };

        if (sb_gerror(r) & GERROR_CMDQ_ERR) {
            unsigned err = sb_cerror(r);

            if (err == CERROR_ILL) {
                if (!illegal(&c)) {
                    g_error("ILL: %016" G_GINT64_MODIFIER
                            "x %016" G_GINT64_MODIFIER "x",
                            c.q[0], c.q[1]);
                }
                sb_cmdq_skip(r);
            } else {
                g_assert_cmpuint(err, ==, CERROR_ATC_INV_SYNC);
                g_assert_cmphex(bits(&c, 7, 0), ==, OP_SYNC);
                sb_gerror_ack(r);
            }
        } else {
            /* it waits, and for nothing but completions */
            answers(w, f);
            rig_advance(r, r->smmu_cfg.ats_timeout_ns + 1);
        }
        g_assert_cmpuint(++turns, <, 5000);
    }
    answers(w, f);
    rig_advance(r, 2 * r->smmu_cfg.ats_timeout_ns);
    sb_gerror_ack(r);
    rig_log_clear(r);
}

static void queue(void)
{
    Fuzz f = fuzz_new(6000);
    g_autoptr(SWorld) w = sw_new(NULL, SW_NESTED, true);
    Rig *r = w->r;

    for (uint64_t i = 0; i < f.rounds; i++) {
        unsigned n = (unsigned)fuzz_below(&f, 24) + 1, bad = 0;

        for (unsigned j = 0; j < n; j++) {
            Cmd c = sr_cmd(w, &f);

            bad += illegal(&c);
            sb_cmd_put(r, c);
        }
        sb_cmd_ring(r);
        g_assert_true(bad || !(sb_gerror(r) & GERROR_CMDQ_ERR));
        answers(w, &f);
        if (fuzz_one_in(&f, 8)) {
            rig_advance(r, fuzz_below(&f, r->smmu_cfg.ats_timeout_ns));
        }
        if (fuzz_one_in(&f, 20)) {
            sb_cr0(r, CR0_CMDQEN, false);
            sb_gerror_ack(r);
            rig_set32(r, SR_CMDQ_PROD, 0);
            rig_set32(r, SR_CMDQ_CONS, 0);
            r->sq[0].at = 0;
            sb_cr0(r, CR0_CMDQEN, true);
        }
        settle(w, &f);
        rig_assert_consistent(r);
        if (!sb_sync(r)) {              /* invalidations nobody answered */
            settle(w, &f);
            g_assert_true(sb_sync(r));
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/smmu/fuzz/queue", queue);
    return g_test_run();
}
