/*
 * Many streams, substreams and pages come and go, each change followed by
 * just enough invalidation: no answer is ever older than that.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fuzz.h"
#include "lib/smmu_world.h"

#define SPACES  24u
#define PAGES   64u
#define BASE    UINT64_C(0x40000000)

typedef struct Space {
    uint64_t s1;
    uint64_t cd;
    uint32_t ssid;
    uint16_t asid;
    uint64_t page[PAGES];       /* what is mapped now; 0: nothing */
    bool present;
} Space;

typedef struct State {
    SWorld *w;
    Space space[SPACES];
    uint16_t sid[3];
    uint64_t next;
} State;

static uint64_t iova(const State *s, unsigned page)
{
    unsigned g = s->w->shape.g1;

    /* neighbours, and some that share no table */
    return (BASE + ((uint64_t)(page % 8) << g) +
            (uint64_t)(page / 8) * UINT64_C(0x100080000000)) &
           ((UINT64_C(1) << s->w->bits1) - 1);
}

static void select_space(State *s, unsigned i)
{
    s->w->s1 = s->space[i].s1;
}

static uint64_t fresh(State *s)
{
    uint64_t pa = s->next;

    s->next += UINT64_C(1) << s->w->shape.g1;
    return pa;
}

static void build(State *s)
{
    SWorld *w = s->w;

    for (unsigned i = 0; i < SPACES; i++) {
        Space *sp = &s->space[i];

        sp->ssid = 1 + 7 * i;
        sp->asid = (uint16_t)(0x20 + i);
        w->s1 = sp->s1 = sw_table(
            w, MAX(4096, sb_root_size(w->shape.g1, w->bits1, w->start1)));
        sp->cd = sw_cd_at(w, sp->ssid);
        sw_fill_cd(w, sp->cd, sp->asid);
        sp->present = true;
        for (unsigned p = 0; p < PAGES; p += 1 + i % 2) {
            sp->page[p] = fresh(s);
            sw_map(w, iova(s, p), sp->page[p]);
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        s->sid[i] = (uint16_t)(w->sid + i);
        sw_stream(w, s->sid[i]);
    }
}

/* Change one page, then tell the unit by one of the ways that suffice. */
static void change_page(State *s, Fuzz *f)
{
    unsigned i = (unsigned)fuzz_below(f, SPACES);
    unsigned p = (unsigned)fuzz_below(f, PAGES), tg;
    Space *sp = &s->space[i];
    bool was = sp->page[p] != 0;
    SWorld *w = s->w;
    uint64_t va = iova(s, p);

    select_space(s, i);
    if (was && fuzz_one_in(f, 2)) {
        sp->page[p] = 0;
        rig_w64(w->r, sw_s1_desc(w, va, 3), 0);
    } else {
        sp->page[p] = fresh(s);
        sw_map(w, va, sp->page[p]);
    }
    if (!was) {
        return;                 /* a fault is not cached */
    }
    tg = w->shape.g1 == 12 ? 1 : w->shape.g1 == 14 ? 2 : 3;
    switch (fuzz_below(f, 9)) {
    case 0:
        sb_do(w->r, cmd_op(OP_NSNH_ALL));
        break;
    case 1:
        sb_do(w->r, cmd_tlbi(OP_NH_ALL, w->vmid, 0, 0, false));
        break;
    case 2:
        sb_do(w->r, cmd_tlbi(OP_NH_ASID, w->vmid, sp->asid, 0, false));
        break;
    case 3:
        sb_do(w->r, cmd_tlbi(OP_NH_VAA, w->vmid, 0, va, true));
        break;
    case 4:
        sb_do(w->r, cmd_tlbi(OP_S12_VMALL, w->vmid, 0, 0, false));
        break;
    case 5:
        sb_do(w->r,
              cmd_tlbi_range(cmd_tlbi(OP_NH_VA, w->vmid, sp->asid, va, true),
                             tg, 3, 0, 0));
        break;
    case 6: {
        unsigned back = (unsigned)fuzz_below(f, p % 8 + 1);

        sb_do(w->r, cmd_tlbi_range(
                        cmd_tlbi(OP_NH_VA, w->vmid, sp->asid,
                                 va - ((uint64_t)back << w->shape.g1), true),
                        tg, 0, 1 + back, (unsigned)fuzz_below(f, 4)));
        break;
    }
    default:
        sb_do(w->r,
              cmd_tlbi(OP_NH_VA, w->vmid, sp->asid, va, fuzz_one_in(f, 2)));
        break;
    }
}

/* A process goes, or comes back with the same SubstreamID and ASID. */
static void change_space(State *s, Fuzz *f)
{
    Space *sp = &s->space[fuzz_below(f, SPACES)];
    SWorld *w = s->w;

    sp->present = !sp->present;
    rig_put(w->r, sp->cd, CD_EPD0, !sp->present);
    for (unsigned i = 0; i < 3; i++) {
        switch (fuzz_below(f, 4)) {
        case 0:
            sb_cmd_put(w->r, cmd_cfgi_cd_all(s->sid[i]));
            break;
        case 1:
            sb_cmd_put(w->r, cmd_cfgi_ste(s->sid[i], fuzz_one_in(f, 2)));
            break;
        default:
            sb_cmd_put(w->r, cmd_cfgi_cd(s->sid[i], sp->ssid, true));
            break;
        }
    }
    sb_do(w->r, cmd_tlbi(OP_NH_ASID, w->vmid, sp->asid, 0, false));
}

static void request(State *s, Fuzz *f)
{
    bool hot = fuzz_one_in(f, 2);
    unsigned p = (unsigned)fuzz_below(f, hot ? 4 : PAGES);
    Space *sp = &s->space[fuzz_below(f, hot ? 2 : SPACES)];
    ImTxn t = sw_txn(s->w,
                     fuzz_one_in(f, 3) ? IM_AT_TRANSLATION : IM_AT_UNTRANSLATED,
                     IM_READ);
    ImXlat x;

    if (t.at == IM_AT_UNTRANSLATED && fuzz_one_in(f, 2)) {
        t.access = IM_WRITE;
    }
    t.rid = s->sid[fuzz_below(f, 3)];
    t.pasid = sp->ssid;
    t.addr = iova(s, p);
    x = sw_run(s->w, &t);
    if (sp->present && sp->page[p]) {
        sx_is_ok(&x, sp->page[p]);
        g_assert_cmpuint(x.perm & t.access, ==, t.access);
    } else if (t.at == IM_AT_TRANSLATION) {
        sx_is_nothing(&x);
    } else {
        sx_is_abort(&x, EV_TRANSLATION);
    }
}

static void run(SwKind kind, unsigned g1, unsigned entries, Fuzz *f)
{
    ImSmmuConfig c = rig_smmu_config();
    SwShape shape = { .g1 = (uint8_t)g1 };
    State s = { .next = UINT64_C(0x200000000) };

    c.tlb_entries = entries;
    g_autoptr(SWorld) w = sw_new_off(&c, kind, true, &shape);
    w->r->ram_top = UINT64_C(1) << 38;
    s.w = w;
    build(&s);
    sw_on(w);
    for (uint64_t i = 0; i < f->rounds; i++) {
        switch (fuzz_below(f, 160)) {
        case 0:
        case 1:
        case 2:
        case 3:
            change_page(&s, f);
            break;
        case 4:
            change_space(&s, f);
            break;
        default:
            request(&s, f);
            break;
        }
        if (i % 64 == 0) {
            sb_events_clear(w->r);
            rig_log_clear(w->r);
        }
    }
    sb_events_clear(w->r);
    /* else nothing was tested */
    g_assert_cmpuint(im_smmu_counters(w->r->smmu)->tlb_hits, >,
                     f->rounds / (entries < 64 ? 200 : 50));
}

static void caches(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data);
    Fuzz f = fuzz_new(30000);

    run((SwKind)(n & 3), n >> 2 & 31, n >> 8, &f);
}

int main(int argc, char **argv)
{
    static const unsigned entries[] = { 16, 64, 4096 };
    static const uint8_t granules[] = { 12, 14, 16 };
    g_test_init(&argc, &argv, NULL);

    for (unsigned i = 0; i < 9; i++) {
        unsigned n = entries[i / 3], g = granules[i % 3];
        g_autofree char *s1 = g_strdup_printf(
            "/smmu/fuzz/caches/stage-1@%uk/%u", 1u << (g - 10), n);
        g_autofree char *nest = g_strdup_printf(
            "/smmu/fuzz/caches/nested@%uk/%u", 1u << (g - 10), n);

        g_test_add_data_func(s1, GUINT_TO_POINTER(SW_S1 | g << 2 | n << 8),
                             caches);
        g_test_add_data_func(nest,
                             GUINT_TO_POINTER(SW_NESTED | g << 2 | n << 8),
                             caches);
    }
    return g_test_run();
}
