/*
 * SPDX-License-Identifier: MIT
 */
#include "lib/vtd_fs.h"
#include "lib/vtd_oracle.h"

#define ADDR        UINT64_C(0x000ffffffffff000)
#define BITS(h, l)  (UINT64_MAX >> (63 - (h)) & UINT64_MAX << (l))

typedef struct Walk {
    World *w;
    Oracle *o;
    const ImTxn *t;
    bool sm;
    bool nested;
    bool user;
    bool ssade;
    bool writable;              /* the first-stage entry that was read last */
    unsigned haw;
    uint64_t pe[8];
} Walk;

/* What the second stage says about one address. */
typedef struct Ss {
    uint8_t fault;
    bool r, w;
    uint64_t pa;
} Ss;

static bool fetch(Walk *k, uint64_t pa, uint64_t *v)
{
    if (pa >> k->haw || pa >= k->w->r->ram_top ||
        (pa >= UINT64_C(0xfe000000) && pa < UINT64_C(0x100000000))) {
        return false;
    }
    *v = rig_r64(k->w->r, pa);
    return true;
}

static void accept(Walk *k, uint8_t fault)
{
    k->o->accept[fault] = true;
}

static uint64_t get(const uint64_t *q, unsigned hi, unsigned lo)
{
    return q[lo / 64] >> lo % 64 & UINT64_MAX >> (63 - (hi - lo));
}

/* --- second stage, 3.7, 9.8 --------------------------------------------- */

static bool ss_reserved(Walk *k, uint64_t e, unsigned level)
{
    bool large = level > 1 && e >> 7 & 1;
    bool leaf = level == 1 || large;
    uint64_t bad = BITS(51, k->haw);

    if (large && level > 3) {
        return true;
    }
    if (!leaf || !k->w->r->cfg.snoop_control) {
        bad |= SS_SNP;
    }
    if (large) {
        bad |= BITS(level == 2 ? 20 : 29, 12);
    }
    return (e & bad) || e >> 62 & 1;
}

static Ss ss_walk(Walk *k, uint64_t top, unsigned levels, uint64_t ipa)
{
    Ss s = { .r = true, .w = true };
    uint64_t table = top;

    for (unsigned level = levels; level; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        uint64_t e;

        if (!fetch(k, table + 8 * (ipa >> shift & 0x1ff), &e)) {
            s.fault = k->sm           ? (level == levels ? 0x7b : 0x78) :
                      level == levels ? 0x03 :
                                        0x07;
            return s;
        }
        if (!(e & SS_RW)) {
            s.r = s.w = false;
            s.fault = k->sm ? 0x79 : 0;
            return s;
        }
        if (ss_reserved(k, e, level)) {
            s.fault = k->sm ? 0x7a : 0x0c;
            return s;
        }
        s.r = s.r && e & SS_R;
        s.w = s.w && e & SS_W;
        if (!s.r && !s.w) {
            if (level > 1 && !(e >> 7 & 1)) {
                k->o->unsure = true;    /* go on or give up: both happen */
            }
            s.fault = k->sm ? 0x79 : 0;
            return s;
        }
        if (level == 1 || e >> 7 & 1) {
            uint64_t low = (UINT64_C(1) << shift) - 1;

            s.pa = (e & ADDR & ~low) | (ipa & low);
            return s;
        }
        table = e & ADDR;
    }
    g_assert_not_reached();
}

/* --- the end of every walk ---------------------------------------------- */

static void finish(Walk *k, uint64_t pa, bool r, bool w)
{
    bool deny_r = k->t->access & IM_READ && !r;
    bool deny_w = k->t->access & IM_WRITE && !w;

    if (deny_r) {
        accept(k, k->sm ? 0x86 : 0x06);
    }
    if (deny_w) {
        accept(k, k->sm ? 0x85 : 0x05);
    }
    if (!deny_r && !deny_w) {
        if (pa >> 20 == 0xfee) {
            accept(k, k->sm ? 0x87 : 0x0e);
            return;
        }
        accept(k, 0);
        k->o->addr = pa;
    } else if (pa >> 20 == 0xfee) {
        accept(k, k->sm ? 0x87 : 0x0e);
    }
}

static void second_stage(Walk *k, uint64_t top, unsigned levels)
{
    unsigned x = MIN(12 + 9 * levels, k->w->r->cfg.aw_bits);
    Ss s;

    if (k->t->addr >> x) {
        accept(k, k->sm ? 0x84 : 0x04);
        return;
    }
    s = ss_walk(k, top, levels, k->t->addr);
    if (s.fault) {
        accept(k, s.fault);
        return;
    }
    finish(k, s.pa, s.r, s.w);
}

/* --- first stage, 3.6, 9.7; nested, 3.8 --------------------------------- */

static bool fs_reserved(Walk *k, uint64_t e, unsigned level)
{
    bool large = level > 1 && e >> 7 & 1;
    uint64_t bad = BITS(51, k->haw);

    if (large && (level > 3 || (level == 3 && !k->w->r->cfg.fs1gp))) {
        return true;
    }
    if (large) {
        bad |= BITS(level == 2 ? 20 : 29, 13);
    }
    return e & bad;
}

/* Address of a first-stage entry: through the second stage when nested. */
static bool fs_entry_at(Walk *k, uint64_t *pa, bool top)
{
    unsigned levels = (unsigned)get(k->pe, 4, 2) + 2;
    Ss s;

    k->writable = true;
    if (!k->nested) {
        return true;
    }
    s = ss_walk(k, k->pe[0] & ADDR, levels, *pa);
    if (s.fault) {
        accept(k, s.fault);
        return false;
    }
    if (!s.r || (k->ssade && !s.w)) {
        accept(k, top ? 0x75 : 0x76);
        if (s.r) {
            accept(k, 0x77);
        }
        return false;
    }
    k->writable = s.w;
    *pa = s.pa;
    return true;
}

static void fs_done(Walk *k, uint64_t out, bool rw, bool us)
{
    unsigned levels = (unsigned)get(k->pe, 4, 2) + 2;
    bool wpe = k->pe[2] >> 4 & 1;
    bool w = rw || (!k->user && !wpe);
    Ss s = { .r = true, .w = true, .pa = out };

    if (k->user && !us) {
        accept(k, 0x81);
    }
    if (k->nested) {
        s = ss_walk(k, k->pe[0] & ADDR, levels, out);
        if (s.fault) {
            accept(k, s.fault);
            if (k->t->access & IM_WRITE && !w) {
                accept(k, 0x85);
            }
            return;
        }
    }
    if (k->user && !us) {
        return;
    }
    finish(k, s.pa, s.r, s.w && w);
}

static bool fs_read(void *opaque, const FsWalk *w, uint64_t *e)
{
    Walk *k = opaque;
    uint64_t at = w->at;

    if (!fs_entry_at(k, &at, w->top)) {
        return false;
    }
    if (!fetch(k, at, e)) {
        accept(k, w->top ? 0x73 : 0x70);
        return false;
    }
    if (!(*e & FS_P) || fs_reserved(k, *e, w->level)) {
        accept(k, *e & FS_P ? 0x72 : 0x71);
        return false;
    }
    return true;
}

static bool fs_judge(void *opaque, const FsWalk *w)
{
    Walk *k = opaque;
    unsigned x = MIN(12 + 9 * ((unsigned)get(k->pe, 4, 2) + 2),
                     k->w->r->cfg.aw_bits);
    bool eafe = k->pe[2] >> 7 & 1;

    if (k->nested && (w->entry & ADDR) >> x) {
        accept(k, 0x74);
        return false;
    }
    if (k->user && !w->us) {
        accept(k, 0x81);                /* here, or what comes later */
    }
    if (!k->writable && (fs_lacks_flag(w, k->t->access & IM_WRITE) ||
                         (eafe && !(w->entry & FS_EA)))) {
        accept(k, 0x77);
        if (w->leaf) {
            fs_done(k, 0, w->rw, w->us);
            k->o->accept[0] = false;
            k->o->unsure = true;
        }
        return false;
    }
    return true;
}

static void first_stage(Walk *k)
{
    unsigned levels = get(k->pe, 131, 130) ? 5 : 4;
    unsigned n = 12 + 9 * levels;
    uint64_t sign = (uint64_t)((int64_t)(k->t->addr << (64 - n)) >> (64 - n));
    FsWalk w;

    if (sign != k->t->addr) {
        accept(k, 0x80);
    } else if (fs_walk(k->pe[2] & ~UINT64_C(0xfff), levels, k->t->addr, fs_read,
                       fs_judge, k, &w)) {
        fs_done(k, w.out, w.rw, w.us);
    }
}

/* --- structures --------------------------------------------------------- */

/* 9.6 with this project's configuration: MTS, HPTS, and so on are 0. */
static bool pe_reserved(Walk *k)
{
    const ImVtdConfig *c = &k->w->r->cfg;
    bool bad = get(k->pe, 5, 5) || get(k->pe, 11, 10) || get(k->pe, 86, 80) ||
               get(k->pe, 127, 89) || get(k->pe, 129, 129) ||
               get(k->pe, 139, 136) || get(k->pe, 255, 192);

    for (unsigned i = 4; i < 8; i++) {
        bad |= k->pe[i] != 0;
    }
    /* rows 63:HAW and 191:HAW+128, whatever PGTT says */
    return bad || k->pe[0] >> c->haw_bits || k->pe[2] >> c->haw_bits;
}

static bool pe_bad_program(Walk *k)
{
    const ImVtdConfig *c = &k->w->r->cfg;
    unsigned pgtt = (unsigned)get(k->pe, 8, 6);
    unsigned aw = (unsigned)get(k->pe, 4, 2);
    unsigned fspm = (unsigned)get(k->pe, 131, 130);
    uint64_t sagaw = rig_reg64(k->w->r, REG_CAP) >> 8 & 0x1f;

    if (pgtt < 1 || pgtt > 4) {
        return true;
    }
    if ((pgtt == 2 || pgtt == 3) && (aw < 1 || aw > 3 || !(sagaw >> aw & 1))) {
        return true;
    }
    if (fspm > 1 || (fspm && !c->fs5lp)) {
        return true;            /* no row of 9.6 makes FSPM ignored */
    }
    return pgtt == 3 && k->pe[2] >> MIN(30 + 9 * aw, c->aw_bits);
}

static void pasid_entry(Walk *k)
{
    unsigned pgtt = (unsigned)get(k->pe, 8, 6);
    bool reserved = pe_reserved(k), bad = pe_bad_program(k);

    if (!(k->pe[0] & 1)) {
        accept(k, 0x59);
        return;
    }
    if (reserved || bad) {
        k->o->accept[0x5a] = reserved;
        k->o->accept[0x5b] = bad;
        return;
    }
    k->user = !k->t->priv;
    if (k->t->priv && !get(k->pe, 128, 128)) {
        accept(k, 0x5d);
        return;
    }
    k->ssade = get(k->pe, 9, 9) && (pgtt == 2 || pgtt == 3);
    k->nested = pgtt == 3;
    if (pgtt == 1 || pgtt == 3) {
        first_stage(k);
    } else if (pgtt == 2) {
        second_stage(k, k->pe[0] & ADDR, (unsigned)get(k->pe, 4, 2) + 2);
    } else if (k->t->addr >> k->haw) {
        accept(k, 0x83);
    } else {
        finish(k, k->t->addr, true, true);
    }
}

static void directory(Walk *k, uint64_t dir, uint32_t pasid)
{
    uint64_t de;

    if (!fetch(k, dir + 8 * (pasid >> 6), &de)) {
        accept(k, 0x50);
        return;
    }
    if (!(de & 1)) {
        accept(k, 0x51);
        return;
    }
    if (de & (BITS(11, 2) | BITS(63, k->haw))) {
        accept(k, 0x52);
        return;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (!fetch(k, (de & ~UINT64_C(0xfff)) + 64 * (pasid & 63) + 8 * i,
                   &k->pe[i])) {
            accept(k, 0x58);
            return;
        }
    }
    pasid_entry(k);
}

static void scalable(Walk *k)
{
    uint16_t rid = k->t->rid;
    uint64_t re, c[4];
    uint32_t rid_pasid, limit;

    if (!fetch(k, k->w->root + 16 * (rid >> 8) + (rid & 0x80 ? 8 : 0), &re)) {
        accept(k, 0x38);
        return;
    }
    if (!(re & 1) || re & (BITS(11, 1) | BITS(63, k->haw))) {
        accept(k, re & 1 ? 0x3a : 0x39);
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (!fetch(k, (re & ~UINT64_C(0xfff)) + 32 * (rid & 0x7f) + 8 * i,
                   &c[i])) {
            accept(k, 0x40);
            return;
        }
    }
    if (!(c[0] & 1)) {
        accept(k, 0x41);
        return;
    }
    if (c[0] & (BITS(8, 5) | BITS(63, k->haw)) || c[1] >> 21 || c[2] || c[3]) {
        accept(k, 0x42);
        return;
    }
    if (c[1] >> 20 & 1) {
        k->o->unsure = true;            /* RID_PRIV: as RPRIVS says */
    }
    rid_pasid = (uint32_t)(c[1] & 0xfffff);
    limit = (1u << (get(c, 11, 9) + 13)) - 1;
    if (rid_pasid > limit || (!(c[0] & 4) && c[0] & 16)) {
        accept(k, 0x43);
        return;
    }
    if (k->t->has_pasid) {
        k->o->accept[0x45] = !(c[0] & 8);
        k->o->accept[0x46] = k->t->pasid > limit;
        k->o->accept[0x48] = k->t->pasid == rid_pasid;
        if (!(c[0] & 8) || k->t->pasid > limit || k->t->pasid == rid_pasid) {
            return;
        }
    }
    directory(k, c[0] & ~UINT64_C(0xfff),
              k->t->has_pasid ? k->t->pasid : rid_pasid);
}

static void legacy(Walk *k)
{
    uint64_t re[2], c[2], zero;
    uint64_t at = k->w->root + 16 * (k->t->rid >> 8);
    unsigned tt, aw;

    if (k->t->has_pasid) {
        accept(k, 0x31);
        return;
    }
    if (!fetch(k, at, &re[0]) || !fetch(k, at + 8, &re[1])) {
        accept(k, 0x08);
        return;
    }
    if (!(re[0] & 1) || re[1] || re[0] & (BITS(11, 1) | BITS(63, k->haw))) {
        accept(k, re[0] & 1 ? 0x0a : 0x01);
        return;
    }
    at = (re[0] & ~UINT64_C(0xfff)) + 16 * (k->t->rid & 0xff);
    if (!fetch(k, at, &c[0]) || !fetch(k, at + 8, &c[1])) {
        accept(k, 0x09);
        return;
    }
    tt = (unsigned)get(c, 3, 2);
    aw = (unsigned)get(c, 66, 64);
    zero = BITS(11, 4) | (tt == 2 ? 0 : BITS(63, k->haw));
    if (!(c[0] & 1)) {
        accept(k, 0x02);
        return;
    }
    k->o->accept[0x0b] = c[0] & zero || c[1] & (BITS(63, 24) | 1u << 7);
    k->o->accept[0x03] = tt == 3 || aw < 1 || aw > 3 ||
                         !(rig_reg64(k->w->r, REG_CAP) >> 8 >> aw & 1);
    if (k->o->accept[0x0b] || k->o->accept[0x03]) {
        return;
    }
    if (tt != 2) {
        second_stage(k, c[0] & ADDR, aw + 2);
    } else if (k->t->addr >> k->haw || k->t->addr >> (30 + 9 * aw)) {
        accept(k, 0x04);
    } else {
        finish(k, k->t->addr, true, true);
    }
}

Oracle oracle_answer(World *w, const ImTxn *t)
{
    Oracle o = { .addr = 0 };
    Walk k = { .w = w,
               .o = &o,
               .t = t,
               .sm = world_scalable(w),
               .haw = w->r->cfg.haw_bits };

    if (k.sm) {
        scalable(&k);
    } else {
        legacy(&k);
    }
    return o;
}
