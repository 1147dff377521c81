/*
 * Both halves, with VT-d in front, against an oracle: what the guest's tables
 * say by the oracle of chapters 3, 7 and 9, what the host mapped by a table of
 * this program's own, one after the other. Address, rights, and whose fault it
 * was must agree, with empty caches and with warm ones.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fuzz/viommu.h"
#include "lib/vtd_oracle.h"
#include "lib/vtd_random.h"

static const struct {
    const char *name;
    ImuMapMode mode;
    ImuPool pool;
} maps[] = {
    { "identity", IMU_MODE_IDENTITY, IMU_POOL_DEVICE },
    { "translate", IMU_MODE_TRANSLATE, IMU_POOL_DEVICE },
    { "global", IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL },
};

/* A guest, and what the host mapped of its memory. */
typedef struct Both {
    Vio *x;
    World *w;
    GHashTable *map;            /* page of the guest -> ImPerm, if any */
    bool weak;                  /* the host lacks pages of tables, too */
} Both;

static void both_free(Both *b)
{
    vio_free(b->x);
    g_free(b->w);
    g_hash_table_destroy(b->map);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Both, both_free)

/* --- the host's map ----------------------------------------------------- */

static uint8_t some_rights(Fuzz *f)
{
    static const uint8_t rights[] = { 0, 1, 2, 3, 3, 3, 3, 3 };

    return rights[fuzz_below(f, sizeof(rights))];
}

/* Every page that there is, and those that the world's address leads to. */
static void map_memory(Both *b, Fuzz *f)
{
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, b->x->r->pages);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        host_map(b->x, b->map, *(uint64_t *)key * PAGE,
                 b->weak && fuzz_one_in(f, 8) ? some_rights(f) : 3);
    }
    for (unsigned i = 0; i < 4; i++) {
        host_map(b->x, b->map, b->w->hpa + i * PAGE, some_rights(f));
    }
}

static uint8_t host_rights(const Both *b, uint64_t addr)
{
    return host_has(b->map, addr);
}

/* --- a guest ------------------------------------------------------------ */

static Both both_new(Fuzz *f, unsigned map, bool damaged)
{
    ImVtdConfig c = rig_vtd_config();
    WorldKind kind = (WorldKind)fuzz_below(f, W_KINDS);
    VioConfig cfg = {
        .vtd = &c,
        .mode = maps[map].mode,
        .pool = maps[map].pool,
        .bare = true,
        .apart = APART,
    };
    Both b = { .x = vio_new(&cfg), .weak = fuzz_one_in(f, 4) };

    b.map = g_hash_table_new(NULL, NULL);
    b.w = world_in(b.x->r, kind, kind >= W_FS && fuzz_one_in(f, 2));
    b.x->r->allow_stray = true;
    if (kind >= W_FS) {
        rig_put(b.x->r, b.w->pe, PE_SRE, fuzz_one_in(f, 2));
        /* Nested, it makes reads of entries count as writes; the host's walk
         * of a guest's table does not. */
        rig_put(b.x->r, b.w->pe, PE_SSADE,
                kind != W_PT && kind != W_NESTED && fuzz_one_in(f, 2));
    }
    if (damaged) {
        vr_damage(b.w, f);
    }
    world_on(b.w);
    map_memory(&b, f);
    return b;
}

/* --- judging ------------------------------------------------------------- */

static bool accepts_fault(const Oracle *o)
{
    for (unsigned i = 1; i < G_N_ELEMENTS(o->accept); i++) {
        if (o->accept[i]) {
            return true;
        }
    }
    return false;
}

static void disagree(const Both *b, const ImTxn *t, const Oracle *o,
                     const ImXlat *x, const char *where, const char *what)
{
    g_error("%s: %s: kind %u, 0x%" G_GINT64_MODIFIER "x access %u pasid %d "
            "priv %d: guest's 0x%" G_GINT64_MODIFIER "x (%d) host's rights %u; "
            "answered %u fault %02x 0x%" G_GINT64_MODIFIER "x, %u records, "
            "%u of the host, %s",
            where, what, b->w->kind, t->addr, t->access, t->has_pasid, t->priv,
            o->addr, o->accept[0], host_rights(b, o->addr), x->status, x->fault,
            x->addr, vb_faults(b->x->r), b->x->host_faults,
            b->x->host_fault ? b->x->host_fault : "none");
}

static void one_request(Both *b, const ImTxn *t, const char *where, Tally *n)
{
    Oracle o = oracle_answer(b->w, t);
    uint8_t lacks;
    ImXlat x;

    vb_fault_clear(b->x->r);
    b->x->host_faults = 0;
    b->x->host_fault = NULL;
    x = vio_dma(b->x, 0, t);
    lacks = t->access & ~host_rights(b, o.addr);
    if (o.unsure || (o.accept[0] && accepts_fault(&o))) {
        n->open++;
    } else if (!o.accept[0]) {
        n->guest++;
        if (x.status != IM_FAULT || !o.accept[x.fault] || b->x->host_faults) {
            disagree(b, t, &o, &x, where, "the guest's tables refuse");
        }
    } else if (lacks || (b->weak && b->x->host_faults)) {
        n->host++;
        if (x.status != IM_FAULT || b->x->host_faults != 1 ||
            vb_faults(b->x->r)) {
            disagree(b, t, &o, &x, where, "the host refuses");
        }
    } else {
        n->ok++;
        if (x.status != IM_OK || x.addr != (o.addr ^ APART) ||
            b->x->host_faults || vb_faults(b->x->r)) {
            disagree(b, t, &o, &x, where, "both grant");
        }
    }
}

/* A translation request grants what untranslated ones may do, and no more. */
static void ats_too(Both *b, const ImTxn *t, const char *where)
{
    ImTxn a = *t, use = *t;
    Oracle o = oracle_answer(b->w, t);
    ImXlat x, y;

    a.at = IM_AT_TRANSLATION;
    a.access = IM_READ;
    a.len = 8;
    a.addr &= ~(PAGE - 1);
    x = vio_dma(b->x, 0, &a);
    if (x.status != IM_OK || !(x.perm & t->access)) {
        return;
    }
    if (!o.unsure && !accepts_fault(&o) &&
        (x.addr != ((o.addr & ~(PAGE - 1)) ^ APART) ||
         (x.perm & ~host_rights(b, o.addr) & 3))) {
        disagree(b, t, &o, &x, where, "a translation request");
    }
    use.at = IM_AT_TRANSLATED;
    use.addr = x.addr;
    use.has_pasid = use.priv = false;
    use.pasid = 0;
    use.access = (uint8_t)(x.perm & IM_PERM_R ? IM_READ : IM_WRITE);
    y = vio_dma(b->x, 0, &use);
    if (y.status != IM_OK || y.addr != x.addr) {
        disagree(b, t, &o, &y, where, "what it granted is used");
    }
}

/* The page leads elsewhere, and the guest invalidates everything. */
static void change(Both *b, Fuzz *f)
{
    bool scalable = world_scalable(b->w);
    Rig *r = b->x->r;

    if (b->w->kind != W_PT && b->w->kind != W_LEGACY_PT) {
        rig_put(r, world_leaf(b->w, b->w->iova), 13, 12, fuzz_below(f, 4));
    }
    if (scalable) {
        rig_put(r, b->w->pe, PE_SRE, fuzz_one_in(f, 2));
    }
    vb_submit(r, desc_context(CC_GLOBAL, 0, 0, 0));
    if (scalable) {
        vb_submit(r, desc_pasid_cache(PC_GLOBAL, 0, 0));
    }
    vb_submit(r, desc_iotlb(IOTLB_GLOBAL, 0, 0, 0, false));
    vio_pump(b->x);
}

static void both_halves(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    bool damaged = n & 1;
    unsigned each = damaged ? 4 : 16;
    Fuzz f = fuzz_new(2000);
    Tally tally = { 0 };

    f.state += n;
    for (uint64_t i = 0; i < f.rounds; i += each) {
        g_auto(Both) b = both_new(&f, n / 2, damaged);

        for (unsigned k = 0; k < each; k++) {
            g_autofree char *where =
                g_strdup_printf("round %" G_GUINT64_FORMAT " request %u", i, k);
            ImTxn t = vr_txn(b.w, &f);

            if (k % 8 == 7) {
                change(&b, &f);
            }
            one_request(&b, &t, where, &tally);
            ats_too(&b, &t, where);
        }
    }
    tally_end(&tally, f.rounds);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned n = 0; n < 2 * G_N_ELEMENTS(maps); n++) {
        g_autofree char *path = g_strdup_printf("/viommu/fuzz/vtd/%s@%s",
                                                maps[n / 2].name,
                                                n & 1 ? "damaged" : "whole");

        g_test_add_data_func(path, GUINT_TO_POINTER(n), both_halves);
    }
    return g_test_run();
}
