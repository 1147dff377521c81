/*
 * Both halves, with VT-d in front: random registers, descriptors, tables,
 * requests of two functions, page requests, resets and time, while the host's
 * commands fail now and then. Nothing crashes, hangs or is kept, and both
 * halves know after each step what they have.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fuzz_rig.h"
#include "lib/rig_viommu.h"
#include "lib/vtd_random.h"

typedef struct Hammer {
    Vio *x;
    World *w;
    uint64_t pe[8];             /* its PASID entry as it was */
    uint64_t granted;           /* else nothing was tested */
} Hammer;

static uint16_t rid_of(const World *w, unsigned n)
{
    return (uint16_t)(w->rid ^ n);
}

static void request(Hammer *h, Fuzz *f)
{
    unsigned n = (unsigned)fuzz_below(f, VIO_FUNCS);
    ImTxn t = fuzz_one_in(f, 8) ?
                  fuzz_txn(f, h->w->iova, h->w->rid, h->w->pasid) :
                  vr_txn(h->w, f);
    ImXlat x;

    if (t.at == IM_AT_UNTRANSLATED && fuzz_one_in(f, 3)) {
        t.at = IM_AT_TRANSLATION;
        t.access = IM_READ;
        t.len = 8;
        t.addr &= ~UINT64_C(7);
    }
    if (!fuzz_one_in(f, 64)) {          /* else it was given another number */
        t.rid = rid_of(h->w, n);
        t.segment = 0;
    }
    x = vio_dma(h->x, n, &t);
    fuzz_xlat(&x);
    h->granted += x.status == IM_OK && x.perm;
}

/* A driver that minds its queues, and begins them anew when they stop. */
static void serve(Hammer *h)
{
    Rig *r = h->w->r;

    rig_set64(r, REG_PQT - 8, rig_reg64(r, REG_PQT));
    rig_set32(r, REG_PRS, UINT32_MAX);
    if (rig_reg32(r, REG_FSTS) & (FSTS_IQE | FSTS_ITE | FSTS_ICE)) {
        vb_gcmd(r, GCMD_QIE, false);
        vb_fault_clear(r);
        rig_set32(r, REG_FSTS, UINT32_MAX);
        rig_set64(r, REG_IQA, r->iq | (r->iq_width == 32 ? 1u << 11 : 0));
        vb_gcmd(r, GCMD_QIE, true);
        r->iq_tail = rig_reg64(r, REG_IQT);
    }
    vb_fault_clear(r);
}

static void start(Hammer *h)
{
    for (unsigned i = 0; world_scalable(h->w) && i < 8; i++) {
        rig_w64(h->w->r, h->w->pe + 8 * i, h->pe[i]);
    }
    serve(h);
    world_on(h->w);
}

static void damage(Hammer *h, Fuzz *f)
{
    if (world_scalable(h->w)) {
        uint64_t at = h->w->pe + 8 * fuzz_below(f, 8);

        rig_w64(h->w->r, at,
                rig_r64(h->w->r, at) ^ UINT64_C(1) << fuzz_below(f, 64));
    }
}

static void act(Hammer *h, Fuzz *f)
{
    switch (fuzz_below(f, 24)) {
    case 0:
    case 1:
        vio_random_page_request(h->x, f, h->w->rid, h->w->has_pasid,
                                h->w->pasid);
        break;
    case 2:
        damage(h, f);
        break;
    case 3:
        h->x->fail_command = 0;
        start(h);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        vb_submit(h->w->r, vr_desc(h->w, f));
        break;
    case 8:
        serve(h);
        break;
    case 9:
        vio_random_host(h->x, f);
        break;
    case 10:
        /* requests and faults alone: enabling registers is start()'s */
        rig_set32(h->w->r, REG_FSTS, (uint32_t)fuzz_u64(f));
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
    vb_iq_enable(h->w->r, h->w->r->cfg.scalable);
    vb_prq_enable(h->w->r, 0);
    start(h);
    vio_pump(h->x);
}

static const struct {
    const char *name;
    WorldKind kind;
} kinds[] = {
    { "legacy", W_LEGACY }, { "first", W_FS }, { "second", W_SS },
    { "nested", W_NESTED }, { "pass", W_PT },
};

static const struct {
    const char *name;
    VioConfig cfg;
} modes[] = {
    { "identity", { .mode = IMU_MODE_IDENTITY, .quota = 6 } },
    { "translate", { .mode = IMU_MODE_TRANSLATE, .quota = 6 } },
    { "global", { .mode = IMU_MODE_TRANSLATE, .pool = IMU_POOL_GLOBAL } },
    { "caching", { .mode = IMU_MODE_IDENTITY, .caching = true } },
};

static Hammer hammer_new(WorldKind kind, const VioConfig *cfg)
{
    ImVtdConfig c = rig_vtd_config();
    VioConfig v = *cfg;
    Hammer h = { 0 };

    c.caching_mode = v.caching;
    v.vtd = &c;
    h.x = vio_new(&v);
    h.w = world_in(h.x->r, kind, kind >= W_FS);
    world_context(h.w, rid_of(h.w, 1));
    for (unsigned i = 0; world_scalable(h.w) && i < 8; i++) {
        h.pe[i] = rig_r64(h.x->r, h.w->pe + 8 * i);
    }
    h.x->r->allow_stray = true;
    world_on(h.w);
    return h;
}

static void hammer(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    Fuzz f = fuzz_new(20000);
    Hammer h = hammer_new(kinds[n % G_N_ELEMENTS(kinds)].kind,
                          &modes[n / G_N_ELEMENTS(kinds)].cfg);

    f.state += n;
    for (uint64_t i = 0; i < f.rounds; i++) {
        act(&h, &f);
        vio_stepped(h.x, &f);
        if (fuzz_one_in(&f, 400)) {
            reset(&h);
        }
    }
    g_test_message("%" G_GUINT64_FORMAT " granted", h.granted);
    g_assert_cmpuint(h.granted, >, f.rounds / 50);
    vio_free(h.x);
    g_free(h.w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned n = 0; n < G_N_ELEMENTS(kinds) * G_N_ELEMENTS(modes); n++) {
        g_autofree char *path = g_strdup_printf(
            "/viommu/fuzz/vtd/%s@%s", modes[n / G_N_ELEMENTS(kinds)].name,
            kinds[n % G_N_ELEMENTS(kinds)].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(n), hammer);
    }
    return g_test_run();
}
