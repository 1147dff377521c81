/*
 * Random register accesses of any size, commands, requests of every kind,
 * stalls, page requests, completions, time and resets, in any order: no
 * crash, no hang, no odd memory access, every parked request answered once,
 * and a power-on reset always leads back to the same place.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fuzz_rig.h"
#include "lib/smmu_random.h"

typedef struct State {
    SWorld *w;
    GHashTable *parked;         /* handles that are owed an answer */
    uint64_t pending;           /* statistics: else nothing was tested */
    uint64_t resumed;
} State;

/* Answers that came meanwhile: each is owed, and given once. */
static void collect(State *s)
{
    Rig *r = s->w->r;

    for (unsigned i = 0; i < r->log->len; i++) {
        RigLog *e = &g_array_index(r->log, RigLog, i);

        if (e->kind == RIG_SEEN_RESUME) {
            g_assert_true(g_hash_table_remove(s->parked, &e->val));
            s->resumed++;
        }
    }
    rig_log_clear(r);
}

static void request(State *s, Fuzz *f)
{
    SWorld *w = s->w;
    ImTxn t = fuzz_txn(f, fuzz_one_in(f, 2) ? w->iova : 0x5000,
                       (uint16_t)w->sid, w->ssid);
    ImXlat x;

    t.may_stall = fuzz_one_in(f, 2);
    x = sw_run(w, &t);
    fuzz_xlat(&x);
    if (x.status == IM_PENDING) {
        g_assert_true(t.may_stall);
        g_assert_true(g_hash_table_add(s->parked, g_memdup2(&x.handle, 8)));
        s->pending++;
    } else if (x.status == IM_FAULT && x.fault) {
        g_assert_nonnull(im_smmu_event_name(x.fault, NULL));
    }
    collect(s);
}

/* Something that software might put into its queue. */
static Cmd command(State *s, Fuzz *f)
{
    SWorld *w = s->w;
    uint64_t r = fuzz_u64(f);

    switch (fuzz_below(f, 10)) {
    case 0:
        return cmd_resume(w->sid, r & 31, r >> 5 & 1, r >> 6 & 1);
    case 1:
        return cmd_stall_term(w->sid);
    case 2:
        return cmd_atc_inv(w->sid, r, r >> 8 & 63);
    case 3:
        return cmd_pri_resp(w->sid, r & 0x1ff, r >> 9 & 3);
    case 4:
        return cmd_cfgi_ste_range((uint32_t)r, r >> 32 & 31);
    case 5:
        return cmd_tlbi(OP_NH_VA, r & 0xffff, r >> 16 & 0xffff, fuzz_u64(f),
                        r >> 32 & 1);
    case 6:
        return (Cmd) { { r, fuzz_u64(f) } };
    default:
        return cmd_sync(r & 3, r >> 2 & 0xffff0, (uint32_t)r);
    }
}

static void commands(State *s, Fuzz *f)
{
    Rig *r = s->w->r;
    unsigned n = 1 + (unsigned)fuzz_below(f, 6);
    uint64_t at = rig_reg32(r, SR_CMDQ_PROD) & 0xff;

    for (unsigned i = 0; i < n; i++) {
        Cmd c = command(s, f);

        rig_w64(r, r->sq[0].base + 16 * ((at + i) & 0xff), c.q[0]);
        rig_w64(r, r->sq[0].base + 16 * ((at + i) & 0xff) + 8, c.q[1]);
    }
    rig_set32(r, SR_CMDQ_PROD, (rig_reg32(r, SR_CMDQ_PROD) + n) & 0x1ff);
    collect(s);
}

static void message(State *s, Fuzz *f)
{
    SWorld *w = s->w;
    ImSmmu *u = w->r->smmu;
    ImPageReq q = fuzz_page_req(f, (uint16_t)w->sid, w->ssid);

    switch (fuzz_below(f, 6)) {
    case 0:
        im_smmu_page_request(u, &q);
        break;
    case 1:
        im_smmu_ats_inv_done(u, w->sid, (uint32_t)fuzz_u64(f), 1);
        break;
    case 2:
        im_smmu_msi_aborted(u, (ImSmmuIrq)fuzz_below(f, IM_SMMU_IRQS));
        break;
    case 3:
        rig_set32(w->r, SR_EVTQ_CONS, rig_reg32(w->r, SR_EVTQ_PROD));
        rig_set32(w->r, SR_PRIQ_CONS, rig_reg32(w->r, SR_PRIQ_PROD));
        sb_gerror_ack(w->r);
        break;
    default:
        rig_advance(w->r, fuzz_below(f, 2 * w->r->smmu_cfg.ats_timeout_ns));
        break;
    }
    collect(s);
}

/* The function of some parked request is gone. */
static void cancel(State *s, Fuzz *f)
{
    GHashTableIter it;
    gpointer key;
    uint64_t handle = fuzz_u64(f);

    g_hash_table_iter_init(&it, s->parked);
    if (g_hash_table_iter_next(&it, &key, NULL)) {
        handle = *(uint64_t *)key;
        g_hash_table_iter_remove(&it);
    }
    im_smmu_cancel(s->w->r->smmu, handle);
    collect(s);
}

static void check(State *s)
{
    Rig *r = s->w->r;

    g_assert_cmpuint(r->misaligned, ==, 0);
    r->strays = 0;
    g_assert_cmphex(rig_reg32(r, SR_CR0ACK), ==, rig_reg32(r, SR_CR0));
    g_assert_cmphex(rig_reg32(r, SR_IRQ_CTRLACK), ==,
                    rig_reg32(r, SR_IRQ_CTRL));
    g_assert_cmphex(rig_reg32(r, SR_GBPA) & GBPA_UPDATE, ==, 0);
    g_assert_cmphex(rig_reg32(r, SR_GERROR) & ~0x1fdu, ==, 0);
}

/* For people, but of a state that no people would make. */
static void dump(State *s)
{
    g_autoptr(GString) out = g_string_new(NULL);

    im_smmu_dump(s->w->r->smmu, out);
    g_assert_cmpuint(out->len, >, 100);
}

static void restart(State *s)
{
    SWorld *w = s->w;
    Rig *r = w->r;

    im_smmu_reset(r->smmu);
    collect(s);
    g_assert_cmpuint(g_hash_table_size(s->parked), ==, 0);
    g_assert_cmphex(rig_reg32(r, SR_CR0), ==, 0);
    g_assert_cmphex(rig_reg32(r, SR_IRQ_CTRL), ==, 0);
    g_assert_cmphex(rig_reg32(r, SR_GBPA), ==, 1u << 12);
    g_assert_cmphex(sb_gerror(r), ==, 0);
    sr_places(w);
    rig_set32(r, SR_CMDQ_PROD, 0);
    rig_set32(r, SR_CMDQ_CONS, 0);
    rig_set32(r, SR_EVTQ_PROD, 0);
    rig_set32(r, SR_EVTQ_CONS, 0);
    rig_set32(r, SR_PRIQ_PROD, 0);
    rig_set32(r, SR_PRIQ_CONS, 0);
    r->sq[0].at = 0;
    sb_irq_enable(r, 7);
    sb_cr0(r, 0xf, true);
}

/* What a guest or a function may do next; registers most of all. */
static void act(State *s, Fuzz *f)
{
    switch (fuzz_below(f, 16)) {
    case 0:
    case 1:
    case 2:
        request(s, f);
        break;
    case 3:
    case 4:
        commands(s, f);
        break;
    case 5:
    case 6:
        message(s, f);
        break;
    case 7:
        if (fuzz_one_in(f, 8)) {
            cancel(s, f);
        }
        break;
    default: {
        uint64_t off = sr_offset(f);

        fuzz_mmio(s->w->r, f, off, sr_value(s->w, f, off), IM_SMMU_MMIO_SIZE);
        collect(s);
        break;
    }
    }
}

static void registers(void)
{
    Fuzz f = fuzz_new(300000);
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_NESTED, true, NULL);
    State s = { .w = w };

    s.parked = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    w->r->allow_stray = true;
    rig_put(w->r, w->ste, STE_S1DSS, 2);
    rig_put(w->r, w->ste, STE_EATS, 0);
    rig_put(w->r, w->ste, STE_S2S, 1);
    rig_put(w->r, w->cd, CD_S, 1);
    sw_fill_cd(w, sw_cd_at(w, 0), 7);
    sw_on(w);
    restart(&s);
    for (uint64_t i = 0; i < f.rounds; i++) {
        act(&s, &f);
        if (i % 64 == 0) {
            check(&s);
        }
        if (fuzz_one_in(&f, 500)) {
            dump(&s);
        }
        if (fuzz_one_in(&f, 100)) {
            restart(&s);
        }
    }
    g_test_message("%" G_GUINT64_FORMAT " parked, %" G_GUINT64_FORMAT
                   " answered",
                   s.pending, s.resumed);
    g_assert_cmpuint(s.pending, >, f.rounds / 1000);
    restart(&s);
    check(&s);
    g_hash_table_destroy(s.parked);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/smmu/fuzz/mmio", registers);
    return g_test_run();
}
