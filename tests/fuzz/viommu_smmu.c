/*
 * Both halves, with an SMMU in front, against an oracle: what the guest's
 * tables say by the oracle of chapters 3 to 15, what the host mapped by a
 * table of this program's own, one after the other. Address, rights, and whose
 * fault it was must agree, whatever is cached; and nothing of the host's is
 * seen in the guest.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fuzz/viommu.h"
#include "lib/smmu_oracle.h"
#include "lib/smmu_random.h"

#define OTHERS  3u                  /* processes beside the first */

typedef enum Mode { WHOLE, DAMAGED, ATS, MODES } Mode;

/* Requests of a world, by mode: damage is not undone. */
static const unsigned requests[] = { 32, 8, 32 };

static const struct {
    const char *name;
    ImuMapMode mode;
    ImuPool pool;
} maps[] = {
    { "identity", IMU_MODE_IDENTITY, IMU_POOL_DEVICE },
    { "delegated", IMU_MODE_DELEGATED, IMU_POOL_DEVICE },
    { "translate", IMU_MODE_TRANSLATE, IMU_POOL_DEVICE },
    { "global", IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL },
};

/* A guest, and what the host mapped of its memory. */
typedef struct Both {
    Vio *x;
    SWorld *w;
    GHashTable *map;            /* page of the guest -> ImPerm, if any */
    ImuMapMode mode;
    unsigned others;            /* SubstreamIDs beside the world's own */
    bool weak;                  /* the host lacks pages of tables, too */
} Both;

/* --- the host's map ----------------------------------------------------- */

static uint8_t some_rights(Fuzz *f)
{
    static const uint8_t rights[] = { 0, 1, 2, 3, 5, 7, 7, 7, 7, 7, 7, 7 };

    return rights[fuzz_below(f, sizeof(rights))];
}

/* Every page that there is, and those that the world's address leads to. */
static void map_memory(Both *b, Fuzz *f)
{
    uint64_t data = b->w->pa & ~UINT64_C(0x3ffff);
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, b->x->r->pages);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        uint64_t at = *(uint64_t *)key * PAGE;

        if (at < data || at > data + 0x3ffff) {
            host_map(b->x, b->map, at,
                     b->weak && fuzz_one_in(f, 8) ? some_rights(f) : 7);
        }
    }
    for (unsigned i = 0; i < 64; i++) {
        host_map(b->x, b->map, data + i * PAGE, some_rights(f));
    }
    if (b->w->iova != b->w->pa && b->w->iova >> 44 == 0) {
        host_map(b->x, b->map, b->w->iova & ~(PAGE - 1), some_rights(f));
    }
}

static uint8_t host_rights(const Both *b, uint64_t addr)
{
    return host_has(b->map, addr);
}

static uint32_t other_ssid(unsigned i)
{
    static const uint32_t ssids[OTHERS] = { 0x92, 0xb3, 0 };

    return ssids[i];
}

static uint16_t asid_of(const Both *b, unsigned i)
{
    static const uint8_t far[OTHERS] = { 0x5a, 0xa5, 0x3c };

    return b->w->asid ^ far[i];     /* farther than damage goes */
}

/* --- a guest ------------------------------------------------------------ */

static void both_free(Both *b)
{
    vio_free(b->x);             /* and the world's rig */
    g_free(b->w);
    g_hash_table_destroy(b->map);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Both, both_free)

static ImSmmuConfig random_config(Fuzz *f)
{
    static const uint8_t sizes[] = { 44, 48, 48, 52 };
    ImSmmuConfig c = rig_smmu_config();

    c.xnx = fuzz_one_in(f, 2);
    c.oas = sizes[fuzz_below(f, 4)];
    c.va_bits = fuzz_one_in(f, 2) ? 52 : 48;
    c.tlb_entries = 64;
    c.attr_perms_ovr = false;   /* the backend overrides nothing */
    c.term_model = fuzz_one_in(f, 4);
    c.httu = (uint8_t)fuzz_below(f, 4);
    c.stt = fuzz_one_in(f, 2);
    c.asid16 = fuzz_one_in(f, 2);
    c.vmid16 = fuzz_one_in(f, 2);
    im_smmu_config_prune(&c);
    return c;
}

static void prepare(SWorld *w, Fuzz *f, Mode mode)
{
    sr_season(w, f);
    sr_attributes(w, f);
    if (mode == ATS) {
        sr_allow_ats(w, f);
    }
    if (mode == DAMAGED) {
        sr_damage(w, f);
    }
    /* what both halves together have not: Device memory, split-stage ATS; and
     * what a later revision made of reserved bits */
    rig_put(w->r, w->ste, STE_S2PTW, 0);
    rig_put(w->r, w->ste, STE_S2S, 0);
    rig_put(w->r, w->ste, 88, 88, 0);
    rig_put(w->r, w->ste, 195, 188, 0);
    if (rig_get(w->r, w->ste, STE_EATS) == 2) {
        rig_put(w->r, w->ste, STE_EATS, 1);
    }
    if (sw_s1(w)) {
        rig_put(w->r, w->cd, CD_S, 0);
    }
}

/* More processes, in whose tables the address leads elsewhere. EL2 without
 * E2H has no ASIDs to tell them apart. */
static void add_processes(Both *b, Fuzz *f)
{
    SWorld *w = b->w;

    if (!w->has_ssid || rig_get(w->r, w->ste, STE_STRW) == 2 ||
        fuzz_one_in(f, 2)) {
        return;
    }
    for (unsigned i = 0; i < OTHERS; i++) {
        uint64_t cd = sw_substream(w, other_ssid(i), asid_of(b, i),
                                   w->pa ^ (UINT64_C(0x10000) << i));

        rig_put(w->r, cd, CD_HA, rig_get(w->r, w->cd, CD_HA));
    }
    rig_put(w->r, w->ste, STE_S1DSS, fuzz_below(f, 3));
    b->others = OTHERS;
}

static Both both_new(Fuzz *f, unsigned map, Mode mode)
{
    static const uint8_t granules[] = { 12, 14, 16 };
    SwKind kind = (SwKind)fuzz_below(f, SW_KINDS);
    ImSmmuConfig c = random_config(f);
    VioConfig cfg = {
        .smmu = &c,
        .mode = maps[map].mode,
        .pool = maps[map].pool,
        .bare = true,
        .apart = APART,
    };
    SwShape s = sr_shape(f, granules[fuzz_below(f, 3)],
                         granules[fuzz_below(f, 3)], c.oas, c.va_bits);
    Both b = { .x = vio_new(&cfg), .mode = cfg.mode };

    b.map = g_hash_table_new(NULL, NULL);
    b.weak = fuzz_one_in(f, 4);
    b.w = sw_in(b.x->r, kind,
                sw_s1(&(SWorld) { .kind = kind }) && !fuzz_one_in(f, 3), &s);
    b.x->r->allow_stray = true;
    prepare(b.w, f, mode);
    add_processes(&b, f);
    sw_on(b.w);
    map_memory(&b, f);
    return b;
}

/* --- the oracle --------------------------------------------------------- */

/* The rights that the request needs, or that a completion would grant. */
static uint8_t guest_rights(const SoAnswer *a)
{
    return (uint8_t)((a->r ? IM_PERM_R : 0) | (a->w ? IM_PERM_W : 0) |
                     (a->x ? IM_PERM_X : 0));
}

static uint8_t needed(const ImTxn *t)
{
    return t->exec && !(t->access & IM_WRITE) ? IM_PERM_X : t->access;
}

/* What both grant; 0: the host refuses. */
static uint8_t rights_of_both(const Both *b, const ImTxn *t, const SoAnswer *a)
{
    uint8_t host = host_rights(b, a->addr);
    uint8_t both = host & guest_rights(a);

    if (b->mode == IMU_MODE_TRANSLATE && t->has_pasid && !t->pasid) {
        return 0; /* no set has PASID 0 */
    }
    if (t->at == IM_AT_TRANSLATION) {
        both &= t->no_write ? ~IM_PERM_W : 7; /* what bypass grants as well */
        return both & IM_PERM_R ? both : both & IM_PERM_W;
    }
    return needed(t) & ~host ? 0 : both | (host & IM_PERM_R);
}

static void disagree(const Both *b, const ImTxn *t, const SoAnswer *a,
                     const ImXlat *x, const char *where, const char *what)
{
    g_error("%s: %s: 0x%" G_GINT64_MODIFIER "x at %u access %u nw %d pasid %d "
            "0x%x priv %d exec %d of stages %u: guest %u %02x rights %u "
            "0x%" G_GINT64_MODIFIER "x host %u, answered %u cpl %u %02x perm "
            "%u 0x%" G_GINT64_MODIFIER "x, host's %u, %s",
            where, what, t->addr, t->at, t->access, t->no_write, t->has_pasid,
            t->pasid, t->priv, t->exec, b->w->kind, a->end, a->code,
            guest_rights(a), a->addr, host_rights(b, a->addr), x->status,
            x->cpl, x->fault, x->perm, x->addr, b->x->host_faults,
            b->x->host_fault);
}

/* The guest's tables grant it. */
static void check_granted(Both *b, const ImTxn *t, const SoAnswer *a,
                          const ImXlat *x, const char *where, Tally *n)
{
    uint8_t both = rights_of_both(b, t, a);
    bool ats = t->at == IM_AT_TRANSLATION;

    if (sb_events(b->w->r)) {
        disagree(b, t, a, x, where, "the guest was told");
    }
    if (!both || (b->weak && b->x->host_faults)) {
        n->host++;
        if (b->x->host_faults != 1 || x->perm || (!ats && x->status == IM_OK)) {
            disagree(b, t, a, x, where, "the host refuses");
        }
        return;
    }
    n->ok++;
    if (x->status != IM_OK || x->addr != (a->addr ^ APART) ||
        b->x->host_faults || (x->perm & ~both) ||
        (ats ? x->perm != both : (needed(t) & ~x->perm) != 0)) {
        disagree(b, t, a, x, where, "both grant");
    }
    if (!ats || both == guest_rights(a)) {
        so_wrote(b->w, t, a, where); /* none for what the host refuses */
    }
}

static bool guest_grants(const ImTxn *t, const SoAnswer *a)
{
    return a->end == SO_OK && (t->at != IM_AT_TRANSLATION || guest_rights(a));
}

/* The device does with it what it was told. */
static void check_use(Both *b, const ImTxn *t, const ImXlat *x,
                      const char *where)
{
    ImTxn use = *t;
    ImXlat y;

    use.at = IM_AT_TRANSLATED;
    use.addr = x->addr;
    use.access = x->perm & IM_PERM_R ? IM_READ : IM_WRITE;
    use.no_write = use.exec = use.priv = false;
    y = vio_dma(b->x, 0, &use);
    if (y.status != IM_OK || y.addr != x->addr) {
        g_error("%s: translated: %u, perm %u", where, y.status, x->perm);
    }
}

/* What may be executed and not read cannot be mapped by the host, nor what one
 * privilege may execute: of a second stage that is so, more is refused than the
 * guest's tables refuse. */
static bool executes_unread(const SWorld *w, const ImTxn *t, const SoAnswer *a)
{
    return sw_s2(w) && t->exec && a->x && (!a->r || w->r->smmu_cfg.xnx);
}

static void one_request(Both *b, const ImTxn *t, const char *where, Tally *n)
{
    SoAnswer a = so_answer(b->w, t);
    ImXlat x;

    rig_log_clear(b->w->r);
    b->x->host_faults = 0;
    b->x->host_fault = "none";
    x = vio_dma(b->x, 0, t);
    if (a.unsure || executes_unread(b->w, t, &a)) {
        n->open++;
    } else if (guest_grants(t, &a)) {
        check_granted(b, t, &a, &x, where, n);
    } else {
        n->guest++;
        if (!so_ends_so(&a, t, &x) || b->x->host_faults) {
            disagree(b, t, &a, &x, where, "the guest's tables refuse");
        }
        so_recorded(b->w, t, &a, where);
    }
    sb_events_clear(b->w->r);
    if (!a.unsure && t->at == IM_AT_TRANSLATION && x.status == IM_OK &&
        x.perm) {
        check_use(b, t, &x, where);
    }
}

static ImTxn one_txn(const Both *b, Fuzz *f, Mode mode)
{
    SWorld *w = b->w;
    ImTxn t = sr_txn(w, f);

    if (mode == ATS && fuzz_one_in(f, 2)) {
        t = sr_ats_txn(w, f);
        t.addr = t.at == IM_AT_TRANSLATED ? w->iova : t.addr;
        t.at = IM_AT_TRANSLATION;
        t.access = IM_READ;
        t.len = 8;
    }
    if (b->others && fuzz_one_in(f, 8)) {
        t.has_pasid = t.priv = t.exec = false;
        t.pasid = 0;
    }
    if (t.has_pasid && b->others && !fuzz_one_in(f, 3)) {
        t.pasid = other_ssid((unsigned)fuzz_below(f, OTHERS));
    }
    return t;
}

/* What of an address space may have been cached, by some command that is wide
 * enough: EL2 has no VMID, and without E2H no ASID. */
static Cmd forget_stage1(const SWorld *w, Fuzz *f, uint16_t asid, bool el2)
{
    static const uint8_t el1_ops[] = { OP_NH_ALL, OP_NH_ASID, OP_NH_VA,
                                       OP_NH_VAA };
    static const uint8_t el2_ops[] = { OP_EL2_ALL, OP_EL2_VA, OP_EL2_VAA };
    unsigned op = el2 ? el2_ops[fuzz_below(f, sizeof(el2_ops))] :
                        el1_ops[fuzz_below(f, sizeof(el1_ops))];
    uint64_t page = w->iova >> w->shape.g1 << w->shape.g1;
    Cmd c = cmd_tlbi(op, w->vmid, asid, page, false);

    if (w->shape.g1 != 12 || fuzz_one_in(f, 2)) {
        c = cmd_tlbi_range(c,
                           w->shape.g1 == 12 ? 1 :
                           w->shape.g1 == 14 ? 2 :
                                               3,
                           0, 1, 0);
    }
    return c;
}

static void forget_stage2(const SWorld *w, Fuzz *f, Rig *r)
{
    if (w->kind == SW_S2 && fuzz_one_in(f, 2)) {
        sb_cmd(r, cmd_tlbi_range(cmd_tlbi(OP_S2_IPA, w->vmid, 0,
                                          w->ipa & ~UINT64_C(0xffff), false),
                                 1, 0, 31, 0));
    } else {
        sb_cmd(r, cmd_tlbi(OP_S12_VMALL, w->vmid, 0, 0, false));
    }
}

/* As wide as it takes, or everything. */
static void forget(Both *b, Fuzz *f)
{
    const SWorld *w = b->w;
    Rig *r = w->r;
    bool el2 = w->kind == SW_S1 && rig_get(r, w->ste, STE_STRW) == 2;

    if (fuzz_one_in(f, 4) || w->kind == SW_BYPASS) {
        sb_cmd(r, cmd_cfgi_all());
        sb_cmd(r, cmd_op(OP_NSNH_ALL));
        sb_cmd(r, cmd_op(OP_EL2_ALL));
        return;
    }
    if (sw_s2(w)) {
        if (w->kind == SW_NESTED) {
            sb_cmd(r, cmd_cfgi_ste(w->sid, false)); /* where the CD is */
        }
        forget_stage2(w, f, r);
        return;
    }
    for (unsigned i = 0; i <= b->others; i++) {
        sb_cmd(r, forget_stage1(w, f, i ? asid_of(b, i - 1) : w->asid, el2));
    }
}

/* The guest changes its tables, and says so; damaged ones stay as they are. */
static void change(Both *b, Fuzz *f, Mode mode)
{
    if (mode != DAMAGED) {
        sr_attributes(b->w, f);
        forget(b, f);
    }
    sb_sync(b->w->r); /* devices may have to answer first */
    vio_pump(b->x);
    g_assert_true(sb_cmdq_empty(b->w->r));
}

static void both_halves(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    Mode mode = (Mode)(n % MODES);
    Fuzz f = fuzz_new(2000);
    Tally tally = { 0 };

    f.state += n;
    for (uint64_t i = 0; i < f.rounds; i += requests[mode]) {
        g_auto(Both) b = both_new(&f, n / MODES, mode);

        for (unsigned k = 0; k < requests[mode]; k++) {
            g_autofree char *where =
                g_strdup_printf("round %" G_GUINT64_FORMAT " request %u", i, k);
            ImTxn t = one_txn(&b, &f, mode);

            if (k % 8 == 4) {
                change(&b, &f, mode);
            }
            one_request(&b, &t, where, &tally);
        }
    }
    tally_end(&tally, f.rounds);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned n = 0; n < G_N_ELEMENTS(maps) * MODES; n++) {
        static const char *const modes[] = { "whole", "damaged", "ats" };
        g_autofree char *path = g_strdup_printf("/viommu/fuzz/smmu/%s@%s",
                                                maps[n / MODES].name,
                                                modes[n % MODES]);

        g_test_add_data_func(path, GUINT_TO_POINTER(n), both_halves);
    }
    return g_test_run();
}
