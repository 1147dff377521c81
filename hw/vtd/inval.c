/*
 * Invalidation of translation caches: chapter 6.5.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/ring.h"
#include "hw/vtd/regs.h"
#include "im/spec/vtd_inval.h.inc"

#include <string.h>

#define VTD_LAYOUT_ROW(l)  IM_LAYOUT(l);
VTD_DESC_LAYOUTS(VTD_LAYOUT_ROW)
#undef VTD_LAYOUT_ROW

#define ITAGS       32
#define WAITS       32      /* waits that may be held at a time */
#define DESC_WORDS  4

/* Why a descriptor is not executed. The errors are IQERCD_REG.IQEI. */
typedef enum IqResult {
    IQ_DONE = 0,
    IQ_BAD_TAIL = 1,        /* CLAUSE(VTD_IQEI_1) */
    IQ_FETCH = 2,           /* CLAUSE(VTD_IQEI_2) */
    IQ_BAD_TYPE = 3,        /* CLAUSE(VTD_IQEI_3) */
    IQ_RESERVED = 4,        /* CLAUSE(VTD_IQEI_4) */
    IQ_BAD_WIDTH = 5,       /* CLAUSE(VTD_IQEI_5) */
    IQ_TAIL_ALIGN = 6,      /* CLAUSE(VTD_IQEI_6) */
    IQ_BAD_TTM = 7,         /* CLAUSE(VTD_IQEI_7) */
    IQ_LATER,               /* not now: the head stays, no error */
} IqResult;

typedef struct Itag {
    bool busy;
    uint16_t rid;
    uint64_t due;
} Itag;

/* A wait descriptor that was fetched and is held. */
typedef struct HeldWait {
    uint64_t word[2];
    uint32_t itags;         /* invalidations ahead of it still outstanding */
} HeldWait;

struct VtdQueue {
    ImRing ring;            /* latched when the queue is enabled */
    bool running;           /* fetching: no second fetcher */
    unsigned epoch;         /* counts enabling and disabling */
    unsigned nwaits;
    HeldWait waits[WAITS];  /* oldest first */
    Itag itags[ITAGS];
};

typedef IqResult DescRun(ImVtd *s, const uint64_t *d);

typedef struct DescDef {
    const char *name;
    const char *clause;
    uint8_t modes;          /* bit per TTM */
    uint8_t grans;
    uint64_t needs;
    uint64_t rsvd[2];
    uint64_t optional;      /* ECAP_REG bit that unreserves ... */
    uint64_t optional_mask; /* ... these bits of word 0 */
    DescRun *run;
} DescDef;

/* Domain-ids have as many bits as CAP_REG.ND says; the rest is ignored. */
static uint16_t domain_id(const ImVtd *s, uint64_t did)
{
    return (uint16_t)(did & ((2u << (3 + 2 * IM_GET(s->cap, VTD_CAP_ND))) -
                             1));
}

static uint64_t mgaw_mask(const ImVtd *s)
{
    return IM_BITS(IM_GET(s->cap, VTD_CAP_MGAW), 0);
}

/* size - 1 of 2^am pages of 4 KiB. */
static uint64_t am_mask(unsigned am)
{
    return am >= 52 ? UINT64_MAX : (UINT64_C(0x1000) << am) - 1;
}

/* --- Caches of the unit. --------------------------------------------------- */

/* CIRG, IIRG and the G field of their descriptors have one encoding. */
enum { G_GLOBAL = 1, G_DOMAIN = 2, G_SELECTIVE = 3 };

/* 6.5.2.1: in scalable mode the context-cache has no domain-ids. */
static void context_inv(ImVtd *s, unsigned g, uint16_t did, uint16_t sid,
                        unsigned fm)
{
    VtdGran gran = g == G_SELECTIVE ? VTD_GRAN_DEVICE :
                   g == G_DOMAIN && s->root.ttm == VTD_TTM_LEGACY ?
                   VTD_GRAN_DOMAIN : VTD_GRAN_GLOBAL;

    im_vtd_inv_context(s, gran, did, sid, fm);
    im_vtd_unmap(s, 0, UINT64_MAX);
}

/* In scalable mode a page may be one of a nested walk's second stage, which
 * says nothing of the addresses that listeners know: tell them all. */
static void iotlb_inv(ImVtd *s, unsigned g, uint16_t did, uint64_t iva)
{
    static const VtdGran gran[] = {
        [G_GLOBAL] = VTD_GRAN_GLOBAL, [G_DOMAIN] = VTD_GRAN_DOMAIN,
        [G_SELECTIVE] = VTD_GRAN_PAGE,
    };
    unsigned am = (unsigned)IM_GET(iva, VTD_IOTLB1_AM);
    uint64_t addr = iva & IM_MASK(VTD_IOTLB1_ADDR) & mgaw_mask(s);
    uint64_t mask = g == G_SELECTIVE ? am_mask(am) : UINT64_MAX;

    s->counters.iotlb_invalidations++;
    im_vtd_inv_iotlb(s, gran[g], did, addr & ~mask, am,
                     IM_GET(iva, VTD_IOTLB1_IH));
    im_vtd_unmap(s, addr, s->root.ttm == VTD_TTM_LEGACY ? mask : UINT64_MAX);
}

/* --- Register-based commands. ---------------------------------------------- */

/* CLAUSE(VTD_6_5_1_REGISTER_INV) */
static bool register_inv_allowed(const ImVtd *s)
{
    return s->root.ttm == VTD_TTM_LEGACY && IM_GET(s->ver, VTD_VER_MAX) < 6;
}

/* CLAUSE(VTD_REG_CCMD) */
uint64_t im_vtd_ccmd(ImVtd *s, uint64_t ccmd)
{
    unsigned g = (unsigned)IM_GET(ccmd, VTD_CCMD_CIRG);

    ccmd &= ~(IM_MASK(VTD_CCMD_ICC) | IM_MASK(VTD_CCMD_CAIG));
    if (!g || !register_inv_allowed(s)) {
        return ccmd;
    }
    context_inv(s, g, domain_id(s, IM_GET(ccmd, VTD_CCMD_DID)),
                (uint16_t)IM_GET(ccmd, VTD_CCMD_SID),
                (unsigned)IM_GET(ccmd, VTD_CCMD_FM));
    return IM_SET(ccmd, VTD_CCMD_CAIG, g);
}

/* CLAUSE(VTD_REG_IOTLB). Without PSI a page is done as its domain. */
uint64_t im_vtd_iotlb_cmd(ImVtd *s, uint64_t iotlb, uint64_t iva)
{
    unsigned g = (unsigned)IM_GET(iotlb, VTD_IOTLB_IIRG);

    iotlb &= ~(IM_MASK(VTD_IOTLB_IVT) | IM_MASK(VTD_IOTLB_IAIG));
    if (g == G_SELECTIVE && !IM_GET(s->cap, VTD_CAP_PSI)) {
        g = G_DOMAIN;
    }
    if (!g || !register_inv_allowed(s) ||
        (g == G_SELECTIVE &&
         IM_GET(iva, VTD_IVA_AM) > IM_GET(s->cap, VTD_CAP_MAMV))) {
        return iotlb;
    }
    iotlb_inv(s, g, domain_id(s, IM_GET(iotlb, VTD_IOTLB_DID)), iva);
    return IM_SET(iotlb, VTD_IOTLB_IAIG, g);
}

/* --- Descriptors: one function each. ---------------------------------------- */

static IqResult inv_context(ImVtd *s, const uint64_t *d)
{
    context_inv(s, (unsigned)IM_GET(d[0], VTD_CC0_G),
                domain_id(s, IM_GET(d[0], VTD_CC0_DID)),
                (uint16_t)IM_GET(d[0], VTD_CC0_SID),
                (unsigned)IM_GET(d[0], VTD_CC0_FM));
    return IQ_DONE;
}

/* The manual is silent on AM above MAMV in a descriptor: reserved here. */
static IqResult inv_iotlb(ImVtd *s, const uint64_t *d)
{
    unsigned g = (unsigned)IM_GET(d[0], VTD_IOTLB0_G);

    if (g == G_SELECTIVE &&
        (!IM_GET(s->cap, VTD_CAP_PSI) ||
         IM_GET(d[1], VTD_IOTLB1_AM) > IM_GET(s->cap, VTD_CAP_MAMV))) {
        return IQ_RESERVED;
    }
    iotlb_inv(s, g, domain_id(s, IM_GET(d[0], VTD_IOTLB0_DID)), d[1]);
    return IQ_DONE;
}

static IqResult inv_piotlb(ImVtd *s, const uint64_t *d)
{
    bool page = IM_GET(d[0], VTD_PIOTLB0_G) == G_SELECTIVE;
    unsigned am = (unsigned)IM_GET(d[1], VTD_IOTLB1_AM);
    uint64_t mask = page ? am_mask(am) : UINT64_MAX;
    uint64_t addr = d[1] & IM_MASK(VTD_IOTLB1_ADDR) & ~mask;

    s->counters.iotlb_invalidations++;
    im_vtd_inv_piotlb(s, page ? VTD_GRAN_PAGE : VTD_GRAN_PASID,
                      domain_id(s, IM_GET(d[0], VTD_PIOTLB0_DID)),
                      (uint32_t)IM_GET(d[0], VTD_PIOTLB0_PASID), addr, am,
                      IM_GET(d[1], VTD_IOTLB1_IH));
    im_vtd_unmap(s, addr, mask);
    return IQ_DONE;
}

static IqResult inv_pasid_cache(ImVtd *s, const uint64_t *d)
{
    static const VtdGran gran[] = {
        VTD_GRAN_DOMAIN, VTD_GRAN_PASID, VTD_GRAN_GLOBAL, VTD_GRAN_GLOBAL,
    };

    im_vtd_inv_pasid(s, gran[IM_GET(d[0], VTD_PC0_G)],
                     domain_id(s, IM_GET(d[0], VTD_PC0_DID)),
                     (uint32_t)IM_GET(d[0], VTD_PC0_PASID));
    im_vtd_unmap(s, 0, UINT64_MAX);
    return IQ_DONE;
}

/* No interrupt entry is cached, and none is in flight. */
static IqResult inv_iec(ImVtd *s G_GNUC_UNUSED,
                        const uint64_t *d G_GNUC_UNUSED)
{
    return IQ_DONE;
}

/* --- Device-TLB invalidation: messages, tags and time. ----------------------- */

static uint32_t busy_itags(const VtdQueue *q)
{
    uint32_t busy = 0;

    for (unsigned i = 0; i < ITAGS; i++) {
        busy |= (q->itags[i].busy ? 1u : 0) << i;
    }
    return busy;
}

static void arm_deadline(ImVtd *s)
{
    uint64_t when = IM_NEVER;

    for (unsigned i = 0; i < ITAGS; i++) {
        const Itag *t = &s->queue->itags[i];

        when = t->busy ? MIN(when, t->due) : when;
    }
    s->port.deadline(s->host, when);
}

/* ATS 3.4.1: with S the lowest 0 of the address tells the size. */
static void decode_range(uint64_t addr, bool size, ImAtsInv *inv)
{
    unsigned lg2 = 12;

    if (size) {
        while (lg2 < 63 && (addr >> lg2 & 1)) {
            lg2++;
        }
        lg2++;
    }
    inv->lg2size = lg2 > 63 ? IM_INV_ALL : (uint8_t)lg2;
    inv->addr = lg2 > 63 ? 0 : addr & ~((UINT64_C(1) << lg2) - 1);
}

/* CLAUSE(VTD_IQ_ITAG) */
static IqResult send_inv(ImVtd *s, ImAtsInv *inv)
{
    VtdQueue *q = s->queue;
    uint64_t now = s->port.now(s->host);
    ImUnmap unmap = {
        .addr = inv->addr, .rid = inv->rid, .has_rid = true,
        .device_tlb = true,
        .mask = inv->lg2size == IM_INV_ALL ? UINT64_MAX :
                (UINT64_C(1) << inv->lg2size) - 1,
    };
    unsigned tag;

    for (tag = 0; tag < ITAGS && q->itags[tag].busy; tag++) {
    }
    if (tag == ITAGS) {
        return IQ_LATER;
    }
    q->itags[tag] = (Itag) {
        .busy = true, .rid = inv->rid, .due = now + s->cfg.ats_timeout_ns,
    };
    inv->itag = (uint8_t)tag;
    s->counters.ats_invalidations++;
    arm_deadline(s);
    if (s->port.unmap) {
        s->port.unmap(s->host, &unmap);
    }
    s->port.ats_invalidate(s->host, inv);
    return IQ_DONE;
}

static IqResult inv_dev_tlb(ImVtd *s, const uint64_t *d)
{
    ImAtsInv inv = { .rid = (uint16_t)IM_GET(d[0], VTD_DTLB0_SID) };

    decode_range(d[1] & IM_MASK(VTD_DTLB1_ADDR), IM_GET(d[1], VTD_DTLB1_S),
                 &inv);
    return send_inv(s, &inv);
}

static IqResult inv_pdev_tlb(ImVtd *s, const uint64_t *d)
{
    ImAtsInv inv = {
        .rid = (uint16_t)IM_GET(d[0], VTD_PDTLB0_SID),
        .pasid = (uint32_t)IM_GET(d[0], VTD_PDTLB0_PASID),
        .has_pasid = true,
        .global = IM_GET(d[1], VTD_PDTLB1_GI),
    };

    decode_range(d[1] & IM_MASK(VTD_PDTLB1_ADDR),
                 IM_GET(d[1], VTD_PDTLB1_S), &inv);
    return send_inv(s, &inv);
}

static IqResult inv_page_resp(ImVtd *s, const uint64_t *d)
{
    ImPageResp resp = {
        .rid = (uint16_t)IM_GET(d[0], VTD_RESP0_RID),
        .prgi = (uint16_t)IM_GET(d[1], VTD_RESP1_PRGI),
        .code = (uint8_t)IM_GET(d[0], VTD_RESP0_RC),
        .has_pasid = IM_GET(d[0], VTD_RESP0_PP),
    };

    if (resp.has_pasid) {
        resp.pasid = (uint32_t)IM_GET(d[0], VTD_RESP0_PASID);
    }
    s->counters.page_responses++;
    im_vtd_page_response(s, &resp, "software");
    return IQ_DONE;
}

/* --- Waits. ------------------------------------------------------------------ */

/* CLAUSE(VTD_DESC_WAIT). A status nobody can read is lost. */
static void complete_wait(ImVtd *s, const HeldWait *w)
{
    uint64_t addr = w->word[1] & IM_MASK(VTD_WAIT1_ADDR) &
                    ((UINT64_C(1) << s->cfg.haw_bits) - 1);
    uint32_t data = GUINT32_TO_LE((uint32_t)IM_GET(w->word[0],
                                                   VTD_WAIT0_DATA));

    if (IM_GET(w->word[0], VTD_WAIT0_SW)) {
        im_vtd_mem_write(s, addr, &data, sizeof(data));
    }
    if (IM_GET(w->word[0], VTD_WAIT0_IF)) {
        im_vtd_event_set(s, VTD_EVENT_INV, IM_MASK(VTD_ICS_IWC));
    }
}

/*
 * CLAUSE(VTD_IQ_ORDER). In order, and each when nothing ahead of it is
 * outstanding. Page requests are in memory as soon as they are received, so
 * PD asks for nothing more. CLAUSE(VTD_PRQ_DRAIN)
 */
static void complete_waits(ImVtd *s)
{
    VtdQueue *q = s->queue;

    while (q->nwaits && !q->waits[0].itags) {
        HeldWait w = q->waits[0];

        q->nwaits--;
        memmove(&q->waits[0], &q->waits[1], q->nwaits * sizeof(w));
        complete_wait(s, &w);
    }
}

static IqResult inv_wait(ImVtd *s, const uint64_t *d)
{
    VtdQueue *q = s->queue;

    if (q->nwaits == WAITS) {
        return IQ_LATER;
    }
    q->waits[q->nwaits++] = (HeldWait) {
        .word = { d[0], d[1] }, .itags = busy_itags(q),
    };
    return IQ_DONE;
}

/* CLAUSE(VTD_IQ_FENCE) */
static bool fenced(const VtdQueue *q)
{
    return q->nwaits &&
           IM_GET(q->waits[q->nwaits - 1].word[0], VTD_WAIT0_FN);
}

/* --- The table. --------------------------------------------------------------- */

#define DESC_DEF(type, clause_, name_, modes_, needs_, w0, w1, grans_,    \
                 opt, opt_mask, fn)                                       \
    [type] = {                                                            \
        .name = name_, .clause = #clause_, .modes = (modes_),             \
        .grans = (grans_), .needs = (needs_),                             \
        .rsvd = { IM_RSVD(w0), IM_RSVD(w1) },                             \
        .optional = (opt), .optional_mask = (opt_mask), .run = fn,        \
    },
static const DescDef descs[16] = { VTD_DESCS(DESC_DEF) };

/* The row of a descriptor, or NULL: CLAUSE(VTD_IQ_MODES). */
static const DescDef *desc_def(const ImVtd *s, uint64_t word)
{
    const DescDef *def = &descs[IM_GET(word, VTD_CC0_TYPE)];

    if (!def->name || IM_GET(word, VTD_CC0_TYPEH) ||
        !(def->modes >> s->root.ttm & 1) ||
        !im_vtd_has_ecap(s, def->needs) || !def->run) {
        return NULL;
    }
    return def;
}

static bool reserved_set(const ImVtd *s, const DescDef *def,
                         const uint64_t *d)
{
    uint64_t rsvd0 = def->rsvd[0];

    if (!im_vtd_has_ecap(s, def->optional)) {
        rsvd0 |= def->optional_mask;
    }
    return (d[0] & rsvd0) || (d[1] & def->rsvd[1]) || d[2] || d[3] ||
           (def->grans && !(def->grans >> IM_GET(d[0], VTD_CC0_G) & 1));
}

static IqResult execute(ImVtd *s, const uint64_t *d)
{
    const DescDef *def = desc_def(s, d[0]);
    ImEvent ev = { .kind = IM_EVENT_INVALIDATE };
    IqResult r;

    if (!def) {
        return IQ_BAD_TYPE;
    }
    if (reserved_set(s, def, d)) {
        return IQ_RESERVED;
    }
    r = def->run(s, d);
    if (r == IQ_DONE) {
        s->counters.descriptors++;
        ev.name = def->name;
        memcpy(ev.arg, d, sizeof(ev.arg));
        im_vtd_event(s, &ev);
    }
    return r;
}

/* --- Fetching. ------------------------------------------------------------------ */

static bool ttm_valid(const ImVtd *s)
{
    static const uint64_t needs[] = {
        [VTD_TTM_SCALABLE] = IM_MASK(VTD_ECAP_SMTS),
        [VTD_TTM_ABORT] = IM_MASK(VTD_ECAP_ADMS),
    };

    return s->root.ttm != VTD_TTM_RESERVED &&
           im_vtd_has_ecap(s, needs[s->root.ttm]);
}

/* 128 bits only in legacy mode; 256 bits only where a mode needs them. */
static bool width_valid(const ImVtd *s)
{
    return s->queue->ring.entry == 16 ?
           s->root.ttm == VTD_TTM_LEGACY :
           (s->ecap & (IM_MASK(VTD_ECAP_SMTS) | IM_MASK(VTD_ECAP_ADMS)));
}

static IqResult check_queue(const ImVtd *s, uint64_t tail)
{
    const ImRing *ring = &s->queue->ring;

    return !ttm_valid(s) ? IQ_BAD_TTM :
           !width_valid(s) ? IQ_BAD_WIDTH :
           !im_ring_aligned(ring, tail) ? IQ_TAIL_ALIGN :
           !im_ring_inside(ring, tail) ? IQ_BAD_TAIL : IQ_DONE;
}

static IqResult fetch(ImVtd *s, uint32_t head, uint64_t *d)
{
    const ImRing *ring = &s->queue->ring;
    uint64_t addr = im_ring_addr(ring, head);

    if (!im_vtd_mem_inside(s, addr, ring->entry) ||
        s->port.read(s->host, addr, d, ring->entry) != IM_BUS_OK) {
        return IQ_FETCH;
    }
    for (unsigned i = 0; i < DESC_WORDS; i++) {
        d[i] = GUINT64_FROM_LE(d[i]);
    }
    return IQ_DONE;
}

static void queue_error(ImVtd *s, IqResult why)
{
    uint64_t rcd = im_vtd_reg(s, VTD_R_IQERCD);

    im_vtd_reg_set(s, VTD_R_IQERCD, IM_SET(rcd, VTD_IQERCD_IQEI, why));
    im_vtd_event_set(s, VTD_EVENT_FAULT, IM_MASK(VTD_FSTS_IQE));
}

/* CLAUSE(VTD_IQ_FETCH) */
static bool may_fetch(ImVtd *s)
{
    return (s->gsts & IM_MASK(VTD_GCMD_QIE)) && !fenced(s->queue) &&
           !(im_vtd_reg(s, VTD_R_FSTS) &
             (IM_MASK(VTD_FSTS_IQE) | IM_MASK(VTD_FSTS_ITE))) &&
           im_vtd_reg(s, VTD_R_IQH) != im_vtd_reg(s, VTD_R_IQT);
}

/* One descriptor; false when fetching stops. */
static bool step(ImVtd *s)
{
    VtdQueue *q = s->queue;
    uint64_t d[DESC_WORDS] = { 0 };
    uint32_t head = (uint32_t)im_vtd_reg(s, VTD_R_IQH);
    unsigned epoch = q->epoch;
    IqResult r = check_queue(s, im_vtd_reg(s, VTD_R_IQT));

    r = r ? r : fetch(s, head, d);
    r = r ? r : execute(s, d);
    if (q->epoch != epoch || r == IQ_LATER) {
        return false;
    }
    if (r != IQ_DONE) {
        queue_error(s, r);
        return false;
    }
    im_vtd_reg_set(s, VTD_R_IQH, im_ring_next(&q->ring, head));
    complete_waits(s);
    return true;
}

/* CLAUSE(VTD_IQ_RESUME). At most one round of the ring for each call. */
void im_vtd_queue_run(ImVtd *s)
{
    VtdQueue *q = s->queue;
    uint32_t left;

    if (q->running || !may_fetch(s)) {
        return;
    }
    q->running = true;
    left = im_ring_entries(&q->ring);
    while (left-- && may_fetch(s) && step(s)) {
    }
    q->running = false;
}

/* CLAUSE(VTD_REG_IQA). Disabling always works: software spins on QIES. */
void im_vtd_queue_enable(ImVtd *s, bool on)
{
    VtdQueue *q = s->queue;
    uint64_t iqa = im_vtd_reg(s, VTD_R_IQA);

    q->epoch++;
    q->nwaits = 0;
    im_vtd_reg_set(s, VTD_R_IQH, 0);
    if (on) {
        q->ring = (ImRing) {
            .base = iqa & IM_MASK(VTD_IQA_IQA),
            .bytes = 0x1000u << IM_GET(iqa, VTD_IQA_QS),
            .entry = iqa & IM_MASK(VTD_IQA_DW) ? 32 : 16,
        };
        im_vtd_queue_run(s);
    }
}

/* --- Completions. ---------------------------------------------------------------- */

static void free_itag(VtdQueue *q, unsigned tag)
{
    q->itags[tag].busy = false;
    for (unsigned i = 0; i < q->nwaits; i++) {
        q->waits[i].itags &= ~(1u << tag);
    }
}

/* CLAUSE(VTD_IQ_ICE) */
static void completion_error(ImVtd *s, uint16_t rid)
{
    uint64_t rcd = im_vtd_reg(s, VTD_R_IQERCD);

    if (!(im_vtd_reg(s, VTD_R_FSTS) & IM_MASK(VTD_FSTS_ICE))) {
        im_vtd_reg_set(s, VTD_R_IQERCD,
                       IM_SET(rcd, VTD_IQERCD_ICESID, rid));
    }
    im_vtd_event_set(s, VTD_EVENT_FAULT, IM_MASK(VTD_FSTS_ICE));
}

/* 4.2.1: while translation is off, a completion is an unsupported request. */
void im_vtd_ats_inv_done(ImVtd *s, uint16_t rid, uint32_t itag_vector)
{
    VtdQueue *q = s->queue;
    bool stray = false;

    if (!(s->gsts & IM_MASK(VTD_GCMD_TE)) ||
        !im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_DT))) {
        return;
    }
    for (unsigned tag = 0; tag < ITAGS; tag++) {
        if (!(itag_vector >> tag & 1)) {
            continue;
        }
        if (q->itags[tag].busy && q->itags[tag].rid == rid) {
            free_itag(q, tag);
            s->counters.ats_completions++;
        } else {
            stray = true;
        }
    }
    if (stray) {
        completion_error(s, rid);
    }
    arm_deadline(s);
    complete_waits(s);
    im_vtd_queue_run(s);
}

/* CLAUSE(VTD_IQ_ITE). Held waits are gone; the head stays where it is. */
static void timed_out(ImVtd *s, uint16_t rid)
{
    uint64_t rcd = im_vtd_reg(s, VTD_R_IQERCD);

    s->counters.ats_timeouts++;
    s->queue->nwaits = 0;
    if (!(im_vtd_reg(s, VTD_R_FSTS) & IM_MASK(VTD_FSTS_ITE))) {
        im_vtd_reg_set(s, VTD_R_IQERCD,
                       IM_SET(rcd, VTD_IQERCD_ITESID, rid));
    }
    im_vtd_event_set(s, VTD_EVENT_FAULT, IM_MASK(VTD_FSTS_ITE));
}

void im_vtd_queue_deadline(ImVtd *s)
{
    VtdQueue *q = s->queue;
    uint64_t now = s->port.now(s->host);

    for (unsigned tag = 0; tag < ITAGS; tag++) {
        if (q->itags[tag].busy && q->itags[tag].due <= now) {
            free_itag(q, tag);
            timed_out(s, q->itags[tag].rid);
        }
    }
    arm_deadline(s);
    im_vtd_queue_run(s);
}

/* --- Life and dump. --------------------------------------------------------------- */

VtdQueue *im_vtd_queue_new(void)
{
    return g_new0(VtdQueue, 1);
}

void im_vtd_queue_free(VtdQueue *q)
{
    g_free(q);
}

void im_vtd_queue_reset(ImVtd *s)
{
    unsigned epoch = s->queue->epoch;
    bool running = s->queue->running;

    *s->queue = (VtdQueue) { .epoch = epoch + 1, .running = running };
    arm_deadline(s);
}
