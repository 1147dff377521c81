/*
 * The walks of the oracle: VMSAv8-64, stage 1, stage 2 and nested.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/smmu_oracle_int.h"

void so_stop(Walk *k, unsigned code)
{
    k->a->code = code;
    k->a->end = SO_ABORT;
    k->a->record = true;
}

/* --- memory, with the updates made so far ------------------------------- */

bool so_fetch(Walk *k, uint64_t pa, uint64_t *v)
{
    if (pa >> k->c->oas || pa >= k->w->r->ram_top ||
        (pa >= UINT64_C(0xfe000000) && pa < UINT64_C(0x100000000))) {
        return false;
    }
    *v = rig_r64(k->w->r, pa);
    for (unsigned i = 0; i < k->a->updates; i++) {
        if (k->a->update[i].pa == pa) {
            *v = k->a->update[i].val;
        }
    }
    return true;
}

static void update(Walk *k, uint64_t pa, uint64_t val)
{
    SoAnswer *a = k->a;

    for (unsigned i = 0; i < a->updates; i++) {
        if (a->update[i].pa == pa) {
            a->update[i].val = val;
            return;
        }
    }
    g_assert_cmpuint(a->updates, <, SO_UPDATES);
    a->update[a->updates].pa = pa;
    a->update[a->updates++].val = val;
}

/* --- faults of the walk, 5.5 and 7.3.13 --------------------------------- */

static void s1_fault(Walk *k, unsigned code)
{
    bool cd = k->cd[0] >> 31 & 1;

    so_stop(k, code);
    k->a->s2 = false;
    k->a->cls = CLASS_IN;
    if (!cd) {                  /* stage 1 bypassed: no A, R, S */
        return;
    }
    if (so_get(k->cd, CD_S) && !k->ats) {
        k->a->end = SO_STALL;
        return;
    }
    k->a->end = so_get(k->cd, CD_A) ? SO_ABORT : SO_RAZ_WI;
    k->a->record = so_get(k->cd, CD_R);
}

static void s2_fault(Walk *k, unsigned code, unsigned cls, uint64_t ipa)
{
    so_stop(k, code);
    k->a->s2 = true;
    k->a->cls = cls;
    k->a->ipa = ipa & BITS(55, 12);
    if (so_get(k->ste, STE_S2S) && !k->ats) {
        k->a->end = SO_STALL;
        return;
    }
    k->a->record = so_get(k->ste, STE_S2R);
}

static void walk_abort(Walk *k, bool s2, unsigned cls, uint64_t pa)
{
    so_stop(k, EV_WALK_EABT);
    k->a->s2 = s2;
    k->a->cls = cls;
    k->a->fetch = pa & BITS(55, 3);
}

/* --- descriptors -------------------------------------------------------- */

typedef enum Kind { D_FAULT, D_NEXT, D_LEAF } Kind;

static Kind kind_of(Walk *k, unsigned g, unsigned level, uint64_t d)
{
    if (!(d & D_V)) {
        return D_FAULT;
    }
    if (level == 3) {
        return d & D_TABLE ? D_LEAF : D_FAULT;
    }
    if (d & D_TABLE) {
        return D_NEXT;
    }
    if (level == 2 || (g == 12 && level == 1) ||
        (g == 16 && level == 1 && k->c->oas == 52)) {
        return D_LEAF;
    }
    return D_FAULT;
}

static uint64_t out_addr(Walk *k, unsigned g, uint64_t d, unsigned lg2)
{
    uint64_t addr = d & BITS(47, lg2);

    if (g == 16 && d & BITS(15, 12)) {
        if (k->c->oas != 52) {
            k->a->unsure = true;
        }
        addr |= (d >> 12 & 0xf) << 48;
    }
    return addr;
}

/* --- stage 2 ------------------------------------------------------------ */

typedef struct S2Use {
    unsigned cls;
    bool r, w, x;               /* what is needed */
    bool wish;                  /* of a translation request: to write */
    bool priv;
    bool tt;                    /* the access is a stage 1 table's */
} S2Use;

Stage so_stage2(Walk *k)
{
    unsigned tg = (unsigned)so_get(k->ste, STE_S2TG);
    unsigned sl0 = (unsigned)so_get(k->ste, STE_S2SL0);
    unsigned ps = (unsigned)so_get(k->ste, STE_S2PS);
    static const uint8_t pa[] = { 32, 36, 40, 42, 44, 48, 52, 52 };
    /* clang-format off */
    Stage s = {
        .g = tg == 0 ? 12 : tg == 1 ? 16 : 14,
        .bits = 64 - (unsigned)so_get(k->ste, STE_S2T0SZ),
        .out = MIN(pa[ps], k->c->oas),
        .affd = so_get(k->ste, STE_S2AFFD),
        .ha = so_get(k->ste, STE_S2HA),
        .hd = so_get(k->ste, STE_S2HD),
        .haft = so_get(k->ste, STE_S2HAFT) && k->c->httu == 3,
    };
    /* clang-format on */
    uint64_t size, least = s.out > 48 ? 64 : 16;    /* 5.4, TTB0 */

    s.start = tg == 0 ? (sl0 == 3 ? 3 : 2 - sl0) : 3 - sl0;
    if (s.out > 48 && s.g != 16) {
        s.out = 48;
    }
    size = MAX(least, sb_root_size(s.g, s.bits, s.start));
    s.ttb = (so_get(k->ste, STE_S2TTB) << 4) & ~(size - 1);
    return s;
}

static Perm s2_perm(Walk *k, uint64_t d, bool priv)
{
    unsigned xn = (unsigned)(d >> 53 & 3);
    Perm p = { .r = d & D_S2R, .w = d & D_S2W };

    if (!k->c->xnx) {
        xn &= 2;
    }
    p.x = xn == 0 || (xn == 1 && !priv) || (xn == 3 && priv);
    return p;
}

static bool s2_leaf(Walk *k, const Stage *s, uint64_t at, uint64_t d,
                    uint64_t ipa, const S2Use *u, Perm *out)
{
    bool fwb = k->c->fwb && so_get(k->ste, STE_S2FWB);
    uint64_t now = d;
    Perm p;

    if (!(d & D_AF)) {
        if (s->ha) {
            now |= D_AF;
        } else if (!s->affd) {
            s2_fault(k, EV_ACCESS, u->cls, ipa);
            return false;
        }
    }
    if (s->hd && d & D_DBM && (u->w || u->wish)) {
        now |= D_S2W;
    }
    p = s2_perm(k, now, u->priv);
    if (s->hd && d & D_DBM && !(k->ats && u->cls == CLASS_IN)) {
        p.w = true;
    }
    if (u->cls != CLASS_IN && so_get(k->ste, STE_S2PTW) && (d >> 2 & 3) == 0 &&
        (d >> 4 & (fwb ? 1 : 3)) != 0) {
        k->a->unsure = true;        /* MemAttr is reserved */
    }
    if ((u->r && !p.r) || (u->w && !p.w) || (u->x && !p.x) ||
        (u->cls != CLASS_IN && so_get(k->ste, STE_S2PTW) &&
         (d >> 4 & (fwb ? 1 : 3)) == 0)) {
        s2_fault(k, EV_PERMISSION, u->cls, ipa);
        k->a->ttrnw = !(u->tt && u->w);
        k->a->reads = u->cls == CLASS_IN && u->r && u->w && p.w && !p.r;
        return false;
    }
    if (now != d) {
        update(k, at, now);
    }
    k->leaf2 = u->cls == CLASS_IN;
    k->desc2 = d;
    *out = p;
    return true;
}

static bool s2_walk(Walk *k, uint64_t ipa, const S2Use *u, uint64_t *pa,
                    Perm *perm)
{
    Stage s = so_stage2(k);
    uint64_t table = s.ttb;

    if (s.bits < 64 && ipa >> s.bits) {
        s2_fault(k, EV_TRANSLATION, u->cls, ipa);
        return false;
    }
    for (unsigned l = s.start;; l++) {
        uint64_t at = table + 8 * sb_index(s.g, s.bits, s.start, l, ipa), d;
        unsigned lg2 = sb_level_shift(s.g, l);
        Kind kind;

        if (!so_fetch(k, at, &d)) {
            walk_abort(k, true, u->cls, at);
            return false;
        }
        kind = kind_of(k, s.g, l, d);
        if (kind == D_FAULT) {
            s2_fault(k, EV_TRANSLATION, u->cls, ipa);
            return false;
        }
        table = out_addr(k, s.g, d, kind == D_LEAF ? lg2 : s.g);
        if (table >> s.out) {
            s2_fault(k, EV_ADDR_SIZE, u->cls, ipa);
            return false;
        }
        if (kind == D_LEAF) {
            *pa = table | (ipa & (BITS(63, 0) >> (64 - lg2)));
            return s2_leaf(k, &s, at, d, ipa, u, perm);
        }
        if (s.haft && s.ha && !(d & D_AF)) {
            update(k, at, d | D_AF);
        }
    }
}

/* A stage 1 structure: where it is in memory, read or written. */
bool so_locate(Walk *k, uint64_t addr, unsigned cls, bool write, uint64_t *pa)
{
    S2Use u = {
        .cls = cls, .r = !write, .w = write, .priv = true, .tt = cls == CLASS_TT
    };
    Perm p;

    *pa = addr;
    return !k->s2 || s2_walk(k, addr, &u, pa, &p);
}

/* --- stage 1 ------------------------------------------------------------ */

Stage so_stage1(Walk *k, bool high)
{
    unsigned tg = (unsigned)SO_HALF(k, high, CD_TG);
    unsigned ips = (unsigned)so_get(k->cd, CD_IPS);
    static const uint8_t pa[] = { 32, 36, 40, 42, 44, 48, 52, 52 };
    static const uint8_t lo[] = { 12, 16, 14 }, hi[] = { 0, 14, 12, 16 };
    Stage s = {
        .g = high ? hi[tg] : lo[tg],
        .bits = 64 - (unsigned)(high ? so_get(k->cd, CD_T1SZ) :
                                       so_get(k->cd, CD_T0SZ)),
        .out = MIN(pa[ips], k->c->oas),
        .affd = so_get(k->cd, CD_AFFD),
        .ha = so_get(k->cd, CD_HA),
        .hd = so_get(k->cd, CD_HD),
        .haft = so_get(k->cd, CD_HAFT) && k->c->httu == 3,
        .had = k->c->had && SO_HALF(k, high, CD_HAD),
    };
    uint64_t size, least = s.out > 48 ? 64 : 16;    /* 5.4, TTB0 */

    if (s.out > 48 && s.g != 16) {
        s.out = 48;
    }
    s.start = sb_start_level(s.g, s.bits);
    size = MAX(least, sb_root_size(s.g, s.bits, s.start));
    s.ttb = (SO_HALF(k, high, CD_TTB) << 4) & ~(size - 1);
    return s;
}

/* Permissions of a stage 1 leaf; tables: what those above forbid. */
static Perm s1_perm(Walk *k, uint64_t d, uint64_t tables, bool rw_clean)
{
    bool one = k->el2;          /* one privilege level */
    bool ro = (d & D_AP2 && !rw_clean) || tables & D_TAP2;
    bool user = one || (d & D_AP1 && !(tables & D_TAP1));
    bool uxn = d & D_UXN || tables & D_TUXN;
    bool pxn = d & D_PXN || tables & D_TPXN;
    bool uw = user && !ro, pw = !ro;
    bool wxn = so_get(k->cd, CD_WXN);
    Perm p;

    if (one) {
        p = (Perm) { true, pw, !uxn && !(wxn && pw) };
    } else if (k->priv) {
        bool pan = so_get(k->cd, CD_PAN) && user;

        p = (Perm) { !pan, pw && !pan, !pxn && !uw && !(wxn && pw) };
    } else {
        p = (Perm) { user, uw, user ? !uxn && !(wxn && uw) : !uxn };
    }
    if (!one && !k->priv && !user && !uxn && (k->need_x || k->ats)) {
        k->a->unsure = true;    /* AP[1]=0 and UXN=0: execute only */
    }
    return p;
}

static bool denied(Walk *k, const Perm *p)
{
    return (k->need_r && !p->r) || (k->need_w && !p->w) || (k->need_x && !p->x);
}

static bool wants_write(Walk *k)
{
    return k->ats ? !k->t->no_write : k->need_w;
}

static bool s1_leaf(Walk *k, const Stage *s, uint64_t at_ipa, uint64_t at,
                    uint64_t d, uint64_t tables, Perm *out)
{
    bool clean = s->hd && s->ha && d & D_DBM && d & D_AP2;
    uint64_t now = d, pa;
    Perm p = s1_perm(k, d, tables, clean);

    if (clean && so_get(k->cd, CD_WXN)) {
        k->a->unsure = true;
    }
    if (!(d & D_AF)) {
        if (s->ha) {
            now |= D_AF;
        } else if (!s->affd) {
            s1_fault(k, EV_ACCESS);
            return false;
        }
    }
    if (denied(k, &p)) {
        if (now != d && k->s2) {
            k->a->unsure = true;    /* which of the two comes first */
        }
        s1_fault(k, EV_PERMISSION);
        return false;
    }
    if (k->ats && !so_ats_worth(k, &p)) {
        *out = p;
        return true;
    }
    if (clean && wants_write(k) && p.w) {
        now &= ~D_AP2;
        k->dirtied = true;
    } else if (clean) {
        p.w = false;
    }
    if (now != d) {
        if (!so_locate(k, at_ipa, CLASS_TT, true, &pa)) {
            return false;
        }
        update(k, at, now);
    }
    k->leaf1 = true;
    k->desc1 = d;
    *out = p;
    return true;
}

/* The bits above those that are translated: all those of the half. */
static bool s1_in_range(const Walk *k, const Stage *s, bool high)
{
    uint64_t va = k->t->addr, top = va;

    if (SO_HALF(k, high, CD_TBI)) {
        top = k->el2 ? va & BITS(55, 0) : (uint64_t)((int64_t)(va << 8) >> 8);
    }
    return top >> s->bits == (high ? UINT64_MAX >> s->bits : 0);
}

static bool s1_walk(Walk *k, uint64_t *out, Perm *perm)
{
    uint64_t va = k->t->addr, tables = 0, table;
    bool high = !k->el2 && va >> 55 & 1;
    Stage s;

    if (!k->el2 && (SO_HALF(k, high, CD_EPD) ||
                    (k->c->e0pd && !k->priv && SO_HALF(k, high, CD_E0PD)))) {
        s1_fault(k, EV_TRANSLATION);
        return false;
    }
    s = so_stage1(k, high);
    if (!s1_in_range(k, &s, high)) {
        s1_fault(k, EV_TRANSLATION);
        return false;
    }
    table = s.ttb;
    for (unsigned l = s.start;; l++) {
        uint64_t ipa = table + 8 * sb_index(s.g, s.bits, s.start, l, va);
        unsigned lg2 = sb_level_shift(s.g, l);
        uint64_t at, d;
        Kind kind;

        if (!so_locate(k, ipa, CLASS_TT, false, &at)) {
            return false;
        }
        if (!so_fetch(k, at, &d)) {
            walk_abort(k, false, CLASS_TT, at);
            return false;
        }
        kind = kind_of(k, s.g, l, d);
        if (kind == D_FAULT) {
            s1_fault(k, EV_TRANSLATION);
            return false;
        }
        table = out_addr(k, s.g, d, kind == D_LEAF ? lg2 : s.g);
        if (table >> s.out) {
            s1_fault(k, EV_ADDR_SIZE);
            return false;
        }
        if (kind == D_LEAF) {
            *out = table | (va & (UINT64_MAX >> (64 - lg2)));
            return s1_leaf(k, &s, ipa, at, d, tables, perm);
        }
        if (s.haft && s.ha && !(d & D_AF)) {
            uint64_t pa;

            if (!so_locate(k, ipa, CLASS_TT, true, &pa)) {
                return false;
            }
            update(k, at, d | D_AF);
        }
        if (!s.had) {
            tables |= d & (D_TPXN | D_TUXN | D_TAP1 | D_TAP2);
        }
    }
}

/* --- the end ------------------------------------------------------------ */

void so_translate_ipa(Walk *k)
{
    S2Use u = { .cls = CLASS_IN,
                .r = k->need_r,
                .w = k->need_w,
                .x = k->need_x,
                .priv = k->priv };
    uint64_t addr = k->t->addr;
    Perm p;

    if (addr >> k->c->oas) {        /* 3.9.1.3: as of stage 1 */
        so_stop(k, EV_ADDR_SIZE);
        k->a->cls = CLASS_IN;
        return;
    }
    if (s2_walk(k, addr, &u, &k->a->addr, &p)) {
        k->a->end = SO_OK;
        so_attr(k);
    }
}

void so_translate(Walk *k, bool skip_s1)
{
    uint64_t addr = k->t->addr, ipa;
    Perm p1 = { true, true, true }, p2 = { true, true, true };
    SoAnswer *a = k->a;

    if (k->s1 && !skip_s1) {
        if (!s1_walk(k, &addr, &p1)) {
            return;
        }
    } else if (addr >> k->c->oas) {
        memset(k->cd, 0, sizeof(k->cd));
        s1_fault(k, EV_ADDR_SIZE);
        return;
    }
    if (k->ats && !so_ats_worth(k, &p1)) {
        a->end = SO_OK;
        return;
    }
    ipa = addr;
    if (k->s2) {
        S2Use u = { .cls = CLASS_IN,
                    .r = k->need_r,
                    .w = k->need_w,
                    .x = k->need_x,
                    .priv = k->priv };

        u.wish = k->ats && wants_write(k) && p1.w;
        if (!s2_walk(k, addr, &u, &addr, &p2)) {
            return;
        }
    }
    /* Whether stage 1 is made dirty where stage 2 forbids to write. */
    a->unsure |= k->dirtied && !p2.w;
    a->end = SO_OK;
    a->addr = k->split ? ipa : addr;
    a->r = p1.r && p2.r;
    a->w = p1.w && p2.w;
    a->x = p1.x && p2.x;
    so_attr(k);
}
