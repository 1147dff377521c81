/*
 * Memory attributes in the oracle: 13.1 and 13.6, and of the A-profile manual
 * MAIR, stage 2 MemAttr with and without FWB, shareability.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_oracle_int.h"

enum { NSH = 0, OSH = 2, ISH = 3 };
enum { NC = 1, WT, WB };        /* as stage 2 encodes them */

/* One half of a Normal type: WB or WT or NC, R and W hints, transient. */
typedef struct Half {
    unsigned kind, hints;
    bool transient;
} Half;

typedef struct Type {
    bool device;
    unsigned order;             /* of Device: 0 nGnRnE .. 3 GRE */
    Half outer, inner;
    unsigned sh;
    bool known;
} Type;

static const Half plain[] = {
    [NC] = { NC, 0, false },
    [WT] = { WT, 3, false },
    [WB] = { WB, 3, false },
};

static Half half_of_mair(unsigned v)
{
    if (v == 4) {
        return plain[NC];
    }
    return (Half) { v & 4 ? WB : WT, v & 3, !(v & 8) };
}

static unsigned mair_of_half(Half h)
{
    if (h.kind == NC) {
        return 4;
    }
    return (h.transient ? 0 : 8) | (h.kind == WB ? 4 : 0) | h.hints;
}

static Type type_of_mair(unsigned v, unsigned sh)
{
    Type t = { .sh = sh, .known = sh != 1 };

    if (v >> 4 == 0) {
        t.device = true;
        t.order = v >> 2;
        t.known &= !(v & 3);
        return t;
    }
    t.outer = half_of_mair(v >> 4);
    t.inner = half_of_mair(v & 15);
    t.known &= (v & 15) != 0;
    return t;
}

/* MemAttr[3:0] of stage 2, or of an STE. */
static Type type_of_memattr(unsigned v, unsigned sh)
{
    Type t = { .sh = sh, .known = sh != 1 };

    if (v >> 2 == 0) {
        t.device = true;
        t.order = v;
    } else if ((v & 3) == 0) {
        t.known = false;            /* reserved */
    } else {
        t.outer = plain[v >> 2];
        t.inner = plain[v & 3];
    }
    return t;
}

/* What the request brings: Write-Back, Inner Shareable, or what the STE makes
 * of that; it makes nothing of translated traffic (Table 13.5). */
static Type incoming(const Walk *k)
{
    Type t = {
        .outer = plain[WB], .inner = plain[WB], .sh = ISH, .known = true
    };
    unsigned sh = (unsigned)so_get(k->ste, STE_SHCFG);

    if (k->t->at == IM_AT_TRANSLATED || !k->c->attr_types_ovr) {
        return t;
    }
    if (so_get(k->ste, STE_MTCFG)) {
        t = type_of_memattr((unsigned)so_get(k->ste, STE_MEMATTR), ISH);
        t.device |= !t.known;       /* 5.2: as Device-nGnRnE */
        t.known = true;
    }
    t.sh = sh == 1 ? ISH : sh;
    return t;
}

static Half weaker(Half a, unsigned kind)
{
    if (kind == NC || a.kind == NC) {
        return plain[NC];
    }
    a.kind = MIN(a.kind, kind);
    return a;
}

static unsigned stronger_share(unsigned a, unsigned b)
{
    return a == OSH || b == OSH ? OSH : a == ISH || b == ISH ? ISH : NSH;
}

static Type combine(Type a, Type b)
{
    Type t = a;

    t.known = a.known && b.known;
    t.sh = stronger_share(a.sh, b.sh);
    t.device = a.device || b.device;
    t.order = a.device && b.device ? MIN(a.order, b.order) :
              a.device             ? a.order :
                                     b.order;
    if (!t.device) {
        t.outer = weaker(a.outer, b.outer.kind);
        t.inner = weaker(a.inner, b.inner.kind);
    }
    return t;
}

static Half forced_back(bool device, Half h)
{
    if (device || h.kind == NC) {
        return plain[WB];
    }
    h.kind = WB;
    return h;
}

/* S2FWB: MemAttr[2:0] is Device, or a rule. */
static Type forced(Type a, unsigned v, unsigned sh)
{
    Type t = a;

    if (v < 4) {
        return combine(a, type_of_memattr(v, sh));
    }
    t.sh = stronger_share(a.sh, sh);
    t.known &= v != 4 && v < 8 && sh != 1;
    if (v == 6) {
        t.outer = forced_back(a.device, a.outer);
        t.inner = forced_back(a.device, a.inner);
        t.device = false;
    } else if (v == 5 && !a.device) {
        t.outer = t.inner = plain[NC];
    }
    return t;
}

void so_attr(Walk *k)
{
    SoAnswer *a = k->a;
    unsigned sh2 = (unsigned)(k->desc2 >> 8 & 3);
    unsigned m = (unsigned)(k->desc2 >> 2 & 15);
    Type t = incoming(k);

    if (k->leaf1) {
        t = type_of_mair((unsigned)(k->cd[3] >> 8 * (k->desc1 >> 2 & 7) & 255),
                         (unsigned)(k->desc1 >> 8 & 3));
    }
    if (k->leaf2) {
        t = k->c->fwb && so_get(k->ste, STE_S2FWB) ?
                forced(t, m, sh2) :
                combine(t, type_of_memattr(m, sh2));
    }
    a->typed = t.known && k->t->at != IM_AT_TRANSLATION;
    a->attr = (uint8_t)(t.device ?
                            t.order << 2 :
                            mair_of_half(t.outer) << 4 | mair_of_half(t.inner));
    a->share = (uint8_t)(t.device || a->attr == 0x44 ? OSH : t.sh);
}
