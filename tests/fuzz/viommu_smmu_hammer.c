/*
 * Both halves, with an SMMU in front: random registers, commands, tables,
 * requests of two functions, page requests, stalls, resets and time, while the
 * host's commands fail now and then. Nothing crashes, hangs or is kept, and
 * both halves know after each step what they have.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fuzz_rig.h"
#include "lib/rig_viommu.h"
#include "lib/smmu_random.h"

typedef struct Word {
    uint64_t pa, was;
} Word;

typedef struct Hammer {
    Vio *x;
    SWorld *w;
    GArray *damaged;            /* Word */
    uint64_t granted;           /* else nothing was tested */
    uint64_t parked, resumed;
} Hammer;

static uint32_t sid_of(const SWorld *w, unsigned n)
{
    return w->sid ^ n;
}

static void request(Hammer *h, Fuzz *f)
{
    unsigned n = (unsigned)fuzz_below(f, VIO_FUNCS);
    ImTxn t = fuzz_one_in(f, 4) ? sr_ats_txn(h->w, f) : sr_txn(h->w, f);
    ImXlat x;

    if (fuzz_one_in(f, 16)) {
        t = fuzz_txn(f, h->w->iova, (uint16_t)h->w->sid, h->w->ssid);
    }
    if (!fuzz_one_in(f, 64)) {          /* else it was given another number */
        t.rid = (uint16_t)sid_of(h->w, n);
        t.segment = 0;
    }
    t.may_stall = t.at == IM_AT_UNTRANSLATED && fuzz_one_in(f, 2);
    x = vio_dma(h->x, n, &t);
    fuzz_xlat(&x);
    h->parked += x.status == IM_PENDING;
    h->granted += x.status == IM_OK && x.perm;
}

/* What was damaged is as it was, the last first. */
static void mend(Hammer *h)
{
    while (h->damaged->len) {
        const Word *d = &g_array_index(h->damaged, Word, h->damaged->len - 1);

        rig_w64(h->w->r, d->pa, d->was);
        g_array_set_size(h->damaged, h->damaged->len - 1);
    }
}

/* A bit of what is in the way of a request. */
static void damage(Hammer *h, Fuzz *f)
{
    SWorld *w = h->w;
    uint64_t at[] = { w->ste, w->cd, w->l1std, w->s1, w->s2, w->cdtab };
    Word d = { .pa = at[fuzz_below(f, G_N_ELEMENTS(at))] };

    if (d.pa) {
        d.pa += 8 * fuzz_below(f, 8);
        d.was = rig_r64(w->r, d.pa);
        g_array_append_val(h->damaged, d);
        rig_w64(w->r, d.pa, d.was ^ UINT64_C(1) << fuzz_below(f, 64));
    }
}

static void commands(Hammer *h, Fuzz *f)
{
    Rig *r = h->w->r;
    unsigned n = 1 + (unsigned)fuzz_below(f, 6);
    uint64_t at = rig_reg32(r, SR_CMDQ_PROD) & 0xff;

    for (unsigned i = 0; i < n; i++) {
        Cmd c = sr_cmd(h->w, f);

        rig_w64(r, r->sq[0].base + 16 * ((at + i) & 0xff), c.q[0]);
        rig_w64(r, r->sq[0].base + 16 * ((at + i) & 0xff) + 8, c.q[1]);
    }
    rig_set32(r, SR_CMDQ_PROD, (rig_reg32(r, SR_CMDQ_PROD) + n) & 0x1ff);
}

/* A driver that minds its queues. */
static void serve(Hammer *h)
{
    Rig *r = h->w->r;

    rig_set32(r, SR_EVTQ_CONS, rig_reg32(r, SR_EVTQ_PROD));
    rig_set32(r, SR_PRIQ_CONS, rig_reg32(r, SR_PRIQ_PROD));
    sb_gerror_ack(r);
}

static void start(Hammer *h)
{
    SWorld *w = h->w;
    Rig *r = w->r;

    mend(h);
    serve(h);
    sr_places(w);
    sb_cr0(r, 0xf, true);
    sb_cmdq_skip(r);
}

static void act(Hammer *h, Fuzz *f)
{
    uint64_t off;

    switch (fuzz_below(f, 24)) {
    case 0:
        vio_random_page_request(h->x, f, (uint16_t)h->w->sid, h->w->has_ssid,
                                h->w->ssid);
        break;
    case 1:
        damage(h, f);
        break;
    case 2:
        h->x->fail_command = 0;
        start(h);
        break;
    case 3:
    case 4:
    case 5:
        commands(h, f);
        break;
    case 6:
        serve(h);
        break;
    case 7:
        vio_random_host(h->x, f);
        break;
    case 8:
        off = sr_offset(f);
        fuzz_mmio(h->w->r, f, off, sr_value(h->w, f, off), IM_SMMU_MMIO_SIZE);
        break;
    default:
        request(h, f);
        break;
    }
    vio_pump(h->x);
}

static void reset(Hammer *h)
{
    vio_reset_healthy(h->x);
    start(h);
    vio_pump(h->x);
}

static Hammer hammer_new(SwKind kind, ImuMapMode mode)
{
    ImSmmuConfig c = rig_smmu_config();
    VioConfig cfg = {
        .smmu = &c,
        .mode = mode,
        .quota = mode == IMU_MODE_DELEGATED ? 0 : 6,
    };
    Hammer h = { .x = vio_new(&cfg) };

    h.damaged = g_array_new(false, false, sizeof(Word));
    h.w = sw_in(h.x->r, kind, sw_s1(&(SWorld) { .kind = kind }), NULL);
    sw_stream(h.w, sid_of(h.w, 1));
    if (sw_s1(h.w)) {
        rig_put(h.x->r, h.w->cd, CD_S, 1);
    }
    h.x->r->allow_stray = true;
    sw_on(h.w);
    return h;
}

static void hammer(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    Fuzz f = fuzz_new(60000);
    Hammer h = hammer_new((SwKind)(n % SW_BYPASS), (ImuMapMode)(n / SW_BYPASS));

    f.state += n;
    for (uint64_t i = 0; i < f.rounds; i++) {
        act(&h, &f);
        h.resumed += h.x->resumed->len;
        g_assert_cmpuint(h.resumed, <=, h.parked);
        vio_stepped(h.x, &f);
        if (fuzz_one_in(&f, 200)) {
            reset(&h);
        }
    }
    g_test_message("%" G_GUINT64_FORMAT " granted, %" G_GUINT64_FORMAT
                   " parked",
                   h.granted, h.parked);
    g_assert_cmpuint(h.granted, >, f.rounds / 50);
    vio_free(h.x);
    g_free(h.w);
    g_array_free(h.damaged, true);
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = { "s1", "s2", "nested" };
    static const char *const modes[] = { "identity", "translate", "delegated" };

    g_test_init(&argc, &argv, NULL);
    for (unsigned n = 0; n < SW_BYPASS * G_N_ELEMENTS(modes); n++) {
        g_autofree char *path = g_strdup_printf("/viommu/fuzz/smmu/%s@%s",
                                                modes[n / SW_BYPASS],
                                                kinds[n % SW_BYPASS]);

        g_test_add_data_func(path, GUINT_TO_POINTER(n), hammer);
    }
    return g_test_run();
}
