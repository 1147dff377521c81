/*
 * A third IOMMU: the model. tiny.h is its specification.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/itag.h"
#include "hw/core/owner.h"
#include "hw/core/port.h"
#include "hw/core/regbank.h"
#include "hw/core/ring.h"
#include "hw/core/route.h"
#include "hw/core/walk.h"
#include "im/im_event.h"
#include "lib/tiny.h"

#define TINY_FAULT_ENUM(name, text)  TINY_FLT_##name,
typedef enum TinyFault { TINY_OK, TINY_FAULTS(TINY_FAULT_ENUM) } TinyFault;

struct Tiny {
    ImPort port;
    void *host;
    uint64_t ats_timeout_ns;
    ImRegBank *regs;
    ImOwnedTlb tlb;
    ImOwner space[TINY_SPACE_COUNT];
    ImItags itags;
    uint16_t itag_rid[IM_ITAGS];
    uint64_t translations, commands;
};

/* One request on its way. */
typedef struct TinyRoute {
    Tiny *s;
    const ImTxn *txn;
    ImStepFn *fn; /* explained: steps are told, nothing is cached */
    void *opaque;
    uint64_t root;
    uint64_t addr;
    uint8_t perm;
} TinyRoute;

static uint64_t tiny_reg(const Tiny *s, TinyReg reg)
{
    return im_reg_get(s->regs, reg, 0);
}

static void tiny_set(Tiny *s, TinyReg reg, uint64_t value)
{
    im_reg_set(s->regs, reg, 0, value);
}

static void tiny_status(Tiny *s, uint64_t bit)
{
    tiny_set(s, TINY_R_STATUS, tiny_reg(s, TINY_R_STATUS) | bit);
}

static bool tiny_translating(const void *iommu)
{
    return tiny_reg(iommu, TINY_R_CTRL);
}

/* Who asks, or is meant. */
static uint64_t tiny_msg(uint16_t rid, bool has_pasid, uint32_t pasid)
{
    return IM_PUT(TINY_MSG_RID, rid) | IM_PUT(TINY_MSG_PP, has_pasid) |
           IM_PUT(TINY_MSG_PASID, has_pasid ? pasid : 0);
}

/* --- requests ----------------------------------------------------------- */

static void tiny_step(void *opaque, const ImStep *step)
{
    TinyRoute *r = opaque;

    if (r->fn) {
        r->fn(r->opaque, step);
    }
}

static ImBus tiny_read(void *opaque, uint64_t pa, void *buf, size_t len)
{
    TinyRoute *r = opaque;

    return r->s->port.read(r->s->host, pa, buf, len);
}

static TinyFault tiny_find_space(TinyRoute *r, uint32_t n)
{
    uint64_t at = tiny_reg(r->s, TINY_R_SPACES) + 8 * (uint64_t)n, e;

    if (n >= TINY_SPACE_COUNT || (r->txn->has_pasid && !n)) {
        return TINY_FLT_SPACE;
    }
    if (tiny_read(r, at, &e, sizeof(e)) != IM_BUS_OK) {
        return TINY_FLT_TABLE;
    }
    e = GUINT64_FROM_LE(e);
    tiny_step(r, &(ImStep) {
                     .what = "space", .addr = at, .value = { e }, .words = 1 });
    r->root = e & IM_MASK(TINY_SPACE_ROOT);
    return e & IM_RSVD(TINY_SPACE)                  ? TINY_FLT_TABLE :
           !IM_GET(e, TINY_SPACE_V)                 ? TINY_FLT_SPACE :
           IM_GET(e, TINY_SPACE_RID) == r->txn->rid ? TINY_OK :
                                                      TINY_FLT_SPACE;
}

static ImPteKind tiny_decode(const ImPtStage *st, unsigned level, uint64_t pte,
                             ImPteView *view)
{
    (void)st, (void)level;
    *view = (ImPteView) { .shift = 12, .addr = pte & IM_MASK(TINY_PTE_ADDR) };
    view->perm = IM_PERM_R | (IM_GET(pte, TINY_PTE_W) ? IM_PERM_W : 0);
    return !IM_GET(pte, TINY_PTE_V) ? IM_PTE_FAULT :
           pte & IM_RSVD(TINY_PTE)  ? IM_PTE_RSVD :
                                      IM_PTE_LEAF;
}

static TinyFault tiny_walk(TinyRoute *r, uint8_t need)
{
    static const char *const entry[] = { "page" };
    static const ImPtFormat format = {
        .name = "tiny",
        .entry = entry,
        .levels = 1,
        .index_bits = TINY_TABLE_BITS,
        .page_shift = 12,
        .entry_size = 8,
        .decode = tiny_decode,
    };
    static const ImWalkOps ops = { .read = tiny_read, .step = tiny_step };
    const ImPtStage st = { &format, .root = r->root, .out_mask = TINY_PAGE };
    ImWalkOut out;

    im_walk(&(ImWalk) { .ops = &ops, .opaque = r, .stage = { &st } },
            r->txn->addr, need, false, &out);
    r->addr = out.addr;
    r->perm = out.perm;
    return out.stop == IM_WALK_OK     ? TINY_OK :
           out.stop == IM_WALK_ABSENT ? TINY_FLT_ABSENT :
           out.stop == IM_WALK_PERM   ? TINY_FLT_ACCESS :
                                        TINY_FLT_TABLE;
}

/* In order: what is wrong with it. */
static TinyFault tiny_route(TinyRoute *r)
{
    const ImTxn *t = r->txn;
    Tiny *s = r->s;
    uint32_t n = t->has_pasid ? t->pasid : 0;
    uint8_t need = t->at == IM_AT_TRANSLATION ? 0 : t->access;
    bool on = tiny_translating(s);
    TinyFault f;
    ImTlbHit hit;

    if (t->at == IM_AT_RESERVED || im_route_malformed(t) || (t->at && !on)) {
        return TINY_FLT_AT;
    }
    if (!on || t->at == IM_AT_TRANSLATED) {
        r->addr = t->addr;
        r->perm = IM_PERM_R | IM_PERM_W;
        return TINY_OK;
    }
    f = tiny_find_space(r, n);
    if (f) {
        return f;
    }
    if (t->addr >> TINY_VA_BITS) {
        return TINY_FLT_RANGE;
    }
    if (!r->fn && im_owner_get(&s->tlb, &s->space[n], false, t->addr, &hit)) {
        r->addr = hit.addr | (t->addr & 0xfff);
        r->perm = (uint8_t)hit.flags;
        return need & ~r->perm ? TINY_FLT_ACCESS : TINY_OK;
    }
    f = tiny_walk(r, need);
    if (!f && !r->fn) {
        im_owner_put(&s->tlb, &s->space[n], false, t->addr, r->addr, 12, 12,
                     r->perm);
    }
    return f;
}

/* What is absent is a success without rights to ATS. */
static ImXlat tiny_answer(TinyRoute *r)
{
    TinyFault f = tiny_route(r);

    if (f && (f != TINY_FLT_ABSENT || r->txn->at != IM_AT_TRANSLATION)) {
        return (ImXlat) { .status = IM_FAULT,
                          .cpl = IM_CPL_UR,
                          .fault = (uint8_t)f };
    }
    return (ImXlat) { .addr = r->addr, .perm = f ? 0 : r->perm, .mask = 0xfff };
}

static ImXlat tiny_translate(void *iommu, const ImTxn *t)
{
    Tiny *s = iommu;
    TinyRoute r = { .s = s, .txn = t };
    ImXlat x = tiny_answer(&r);

    s->translations++;
    if (x.fault && s->port.event) {
        s->port.event(s->host,
                      &(ImEvent) { IM_EVENT_FAULT, .name = "fault", .txn = t });
    }
    if (x.fault && !(tiny_reg(s, TINY_R_STATUS) & TINY_FAULTED)) {
        tiny_set(s, TINY_R_FAULT,
                 tiny_msg(t->rid, t->has_pasid, t->pasid) |
                     IM_PUT(TINY_MSG_WRITE, t->access >> 1) |
                     IM_PUT(TINY_MSG_CODE, x.fault));
        tiny_set(s, TINY_R_FAULT_AT, t->addr);
        tiny_status(s, TINY_FAULTED);
    }
    return x;
}

static const char *tiny_fault_name(uint8_t reason, const char **text)
{
#define TINY_FAULT_ROW(name, why)  [TINY_FLT_##name] = { #name, why },
    static const char *const rows[][2] = { TINY_FAULTS(TINY_FAULT_ROW) };

    reason = reason < G_N_ELEMENTS(rows) ? reason : TINY_OK;
    if (text && reason) {
        *text = rows[reason][1];
    }
    return rows[reason][0];
}

static ImXlat tiny_explain(void *iommu, const ImTxn *txn, ImStepFn *fn,
                           void *opaque)
{
    TinyRoute r = { iommu, txn, .fn = fn ? fn : im_route_unheard,
                    .opaque = opaque };
    ImXlat x = tiny_answer(&r);
    const char *note = im_route_granted(x.perm);

    tiny_fault_name(x.fault, &note);
    im_route_result(r.fn, opaque, x.addr, IM_CLAUSE_NONE, note);
    return x;
}

/* --- commands ----------------------------------------------------------- */

static void tiny_arm(Tiny *s)
{
    s->port.deadline(s->host, im_itags_due(&s->itags));
}

static bool tiny_invalidate(Tiny *s, const uint64_t *d, bool atc)
{
    ImAtsInv inv = {
        .rid = (uint16_t)IM_GET(d[0], TINY_MSG_RID),
        .has_pasid = IM_GET(d[0], TINY_MSG_PP),
        .pasid = (uint32_t)IM_GET(d[0], TINY_MSG_PASID),
        .addr = d[1] & 1 ? 0 : d[1] & ~UINT64_C(0xfff),
        .lg2size = d[1] & 1 ? IM_INV_ALL : 12,
    };
    ImOwner *o = inv.pasid < TINY_SPACE_COUNT ? &s->space[inv.pasid] : NULL;
    uint32_t budget = IM_OWNER_BUDGET;

    if (atc && im_itags_full(&s->itags)) {
        return false;
    }
    if (o && inv.lg2size == IM_INV_ALL) {
        im_owner_renew(&s->tlb, o);
    } else if (o) {
        im_owner_drop(&s->tlb, o, inv.addr, inv.addr | 0xfff, &budget);
    }
    if (atc) {
        inv.itag = (uint8_t)im_itags_take(&s->itags, s->port.now(s->host),
                                          s->ats_timeout_ns);
        s->itag_rid[inv.itag] = inv.rid;
        tiny_arm(s);
        s->port.ats_invalidate(s->host, &inv);
    }
    return true;
}

static void tiny_respond(Tiny *s, uint64_t m)
{
    s->port.page_response(
        s->host, &(ImPageResp) { .rid = (uint16_t)IM_GET(m, TINY_MSG_RID),
                                 .prgi = (uint16_t)IM_GET(m, TINY_MSG_PRGI),
                                 .has_pasid = IM_GET(m, TINY_MSG_PP),
                                 .pasid = (uint32_t)IM_GET(m, TINY_MSG_PASID),
                                 .code = (uint8_t)IM_GET(m, TINY_MSG_CODE) });
}

/* false: not now, or not at all, as STATUS says. */
static bool tiny_command(Tiny *s, const uint64_t *d)
{
    uint64_t op = IM_GET(d[0], TINY_MSG_OP), one = GUINT64_TO_LE(1);

    switch (op) {
    case TINY_INVALIDATE:
    case TINY_INVALIDATE_ATC:
        return tiny_invalidate(s, d, op == TINY_INVALIDATE_ATC);
    case TINY_RESPOND:
        tiny_respond(s, d[0]);
        return true;
    case TINY_WAIT:
        if (s->itags.busy ||
            s->port.write(s->host, d[1] & ~UINT64_C(7), &one, 8) == IM_BUS_OK) {
            return !s->itags.busy;
        }
    }
    tiny_status(s, TINY_BAD_COMMAND);
    return false;
}

static void tiny_commands(void *dev, unsigned elem, uint64_t old,
                          unsigned bytes)
{
    Tiny *s = dev;
    const ImRing q = { tiny_reg(s, TINY_R_CQ_BASE), TINY_RING, 16 };

    (void)elem, (void)old, (void)bytes;
    while (tiny_reg(s, TINY_R_CQ_HEAD) != tiny_reg(s, TINY_R_CQ_TAIL) &&
           !(tiny_reg(s, TINY_R_STATUS) & (TINY_LATE | TINY_BAD_COMMAND))) {
        uint32_t head = (uint32_t)tiny_reg(s, TINY_R_CQ_HEAD);
        uint64_t d[2] = { 0 }; /* one that cannot be read is bad */

        s->port.read(s->host, im_ring_addr(&q, head), d, 16);
        d[0] = GUINT64_FROM_LE(d[0]);
        d[1] = GUINT64_FROM_LE(d[1]);
        if (!tiny_command(s, d)) {
            return;
        }
        s->commands++;
        tiny_set(s, TINY_R_CQ_HEAD, im_ring_next(&q, head));
    }
}

static void tiny_ats_inv_done(void *iommu, uint32_t func, uint32_t itags,
                              unsigned cc)
{
    Tiny *s = iommu;

    for (unsigned tag = 0; tag < IM_ITAGS; tag++) {
        itags &= ~((uint32_t)(s->itag_rid[tag] != func) << tag);
    }
    im_itags_complete(&s->itags, itags, cc);
    tiny_arm(s);
    tiny_commands(s, 0, 0, 0);
}

static void tiny_deadline(void *iommu)
{
    Tiny *s = iommu;

    if (im_itags_expire(&s->itags, s->port.now(s->host))) {
        tiny_status(s, TINY_LATE);
    }
    tiny_arm(s);
}

/* For want of room it is answered with success: the function asks again. */
static void tiny_page_request(void *iommu, const ImPageReq *req)
{
    Tiny *s = iommu;
    const ImRing q = { tiny_reg(s, TINY_R_PQ_BASE), TINY_RING, 16 };
    uint32_t tail = (uint32_t)tiny_reg(s, TINY_R_PQ_TAIL);
    uint64_t m = tiny_msg(req->rid, req->has_pasid, req->pasid) |
                 IM_PUT(TINY_MSG_PRGI, req->prgi) |
                 IM_PUT(TINY_MSG_READ, req->read) |
                 IM_PUT(TINY_MSG_WRITE, req->write) |
                 IM_PUT(TINY_MSG_LAST, req->last);
    uint64_t e[2] = { GUINT64_TO_LE(m), GUINT64_TO_LE(req->addr & TINY_PAGE) };

    if (!im_ring_full(&q, (uint32_t)tiny_reg(s, TINY_R_PQ_HEAD), tail) &&
        s->port.write(s->host, im_ring_addr(&q, tail), e, 16) == IM_BUS_OK) {
        tiny_set(s, TINY_R_PQ_TAIL, im_ring_next(&q, tail));
        return;
    }
    tiny_status(s, TINY_LOST);
    if (req->last && (req->read || req->write)) {
        tiny_respond(s, m);
    }
}

/* --- registers, life ---------------------------------------------------- */

static void tiny_changed(void *dev, unsigned elem, uint64_t old, unsigned bytes)
{
    Tiny *s = dev;

    (void)elem, (void)old, (void)bytes;
    if (s->port.changed) {
        s->port.changed(s->host);
    }
}

#define TINY_REG_ROW(n, rw_, w1c_, hook)                                  \
    [TINY_R_##n] = { .name = #n, .offset = 8 * TINY_R_##n, .size = 8,         \
                   .rw = (rw_), .w1c = (w1c_), .written = hook },
static const ImRegDef tiny_regs[] = { TINY_REGS(TINY_REG_ROW) };

static uint64_t tiny_mmio_read(void *iommu, uint64_t off, unsigned size)
{
    return im_regbank_read(((Tiny *)iommu)->regs, off, size);
}

static void tiny_mmio_write(void *iommu, uint64_t off, uint64_t val,
                            unsigned size)
{
    im_regbank_write(((Tiny *)iommu)->regs, off, val, size);
}

static void tiny_dump(void *iommu, GString *out)
{
    im_regbank_dump(((Tiny *)iommu)->regs, NULL, 0, out);
}

static void tiny_counters(const void *iommu, ImCounterFn *fn, void *opaque)
{
    const Tiny *s = iommu;

    fn(opaque, "translations", s->translations);
    fn(opaque, "commands", s->commands);
}

static void tiny_reset(void *iommu)
{
    Tiny *s = iommu;

    im_regbank_reset(s->regs, false);
    im_owned_flush(&s->tlb);
    s->itags = (ImItags) { 0 };
    tiny_arm(s);
    tiny_changed(s, 0, 0, 0);
}

static void tiny_free(void *iommu)
{
    im_regbank_free(((Tiny *)iommu)->regs);
    im_owned_destroy(&((Tiny *)iommu)->tlb);
    g_free(iommu);
}

Tiny *tiny_new(const ImPort *port, void *host, uint64_t ats_timeout_ns)
{
    static const uint8_t shift[IM_TLB_CLASSES] = { 12 };
    Tiny *s = g_new0(Tiny, 1);

    im_port_copy(&s->port, port);
    s->host = host;
    s->ats_timeout_ns = ats_timeout_ns;
    s->regs = im_regbank_new(tiny_regs, TINY_REG_COUNT, 0x1000, s);
    im_owned_init(&s->tlb, 64, shift);
    for (unsigned n = 0; n < TINY_SPACE_COUNT; n++) {
        im_owner_add(&s->tlb, &s->space[n], 0);
    }
    return s;
}

const ImIommuOps tiny_ops = {
    .name = "tiny",
    .free = tiny_free,
    .reset = tiny_reset,
    .mmio_read = tiny_mmio_read,
    .mmio_write = tiny_mmio_write,
    .translate = tiny_translate,
    .translating = tiny_translating,
    .page_request = tiny_page_request,
    .ats_inv_done = tiny_ats_inv_done,
    .deadline = tiny_deadline,
    .explain = tiny_explain,
    .fault_name = tiny_fault_name,
    .dump = tiny_dump,
    .counters = tiny_counters,
};
