/*
 * The invalidation queue: fetching, waits, errors, 6.5.2. Messages to
 * device-TLBs are devtlb.c's.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/ring.h"
#include "hw/vtd/regs.h"
#include "im/spec/vtd_inval.h.inc"

#include <inttypes.h>
#include <string.h>

#define VTD_LAYOUT_ROW(l)  IM_LAYOUT(l);
VTD_DESC_LAYOUTS(VTD_LAYOUT_ROW)
#undef VTD_LAYOUT_ROW

#define WAITS       32      /* waits that may be held at a time */
#define DESC_WORDS  4
#define DUMP_DESCRIPTORS  16

/* A wait descriptor that was fetched and is held. */
typedef struct HeldWait {
    uint64_t word[2];
    uint32_t itags;         /* invalidations ahead of it still outstanding */
    uint64_t ticket;        /* of ImPort.fence(); 0: done */
} HeldWait;

struct VtdQueue {
    ImRing ring;            /* latched when the queue is enabled */
    bool running;           /* fetching: no second fetcher */
    unsigned epoch;         /* counts enabling and disabling */
    unsigned nwaits;
    HeldWait waits[WAITS];  /* oldest first */
};

/* Whether it may be executed now; then what it does. */
typedef VtdIqResult DescCheck(ImVtd *s, const uint64_t *d);
typedef void DescRun(ImVtd *s, const uint64_t *d);

typedef struct DescDef {
    const char *name;       /* the manual's, and what traces show */
    uint8_t modes;          /* Table 26: bit per TTM in which it is valid */
    uint8_t grans;          /* bit per valid value of bits 5:4; 0: no field */
    uint64_t needs;         /* bits of ECAP_REG without which it is invalid */
    uint64_t rsvd[2];
    uint64_t optional;      /* ECAP_REG bit that unreserves ... */
    uint64_t optional_mask; /* ... these bits of word 0 */
    DescCheck *check;       /* NULL: always */
    DescRun *run;
} DescDef;

/* No interrupt entry is cached here, and none is in flight. */
static void vtd_iq_inv_iec(ImVtd *s, const uint64_t *d G_GNUC_UNUSED)
{
    im_vtd_changed(s);
}

/* Sent in their order among invalidations. */
IM_RULE(VTD_PRQ_RESPONSE_ORDER);
static void vtd_iq_inv_page_resp(ImVtd *s, const uint64_t *d)
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
}

/* --- Waits. ------------------------------------------------------------- */

/*
 * The status is visible before the interrupt. A status nobody can read is
 * lost.
 */
IM_RULE(VTD_DESC_WAIT);
IM_RULE(VTD_IQ_EVENT);
static void vtd_iq_complete_wait(ImVtd *s, const HeldWait *w)
{
    uint64_t addr = w->word[1] & IM_MASK(VTD_WAIT1_ADDR) &
                    ((UINT64_C(1) << s->cfg.haw_bits) - 1);
    uint32_t data = GUINT32_TO_LE((uint32_t)IM_GET(w->word[0], VTD_WAIT0_DATA));

    if (IM_GET(w->word[0], VTD_WAIT0_SW)) {
        im_vtd_mem_write(s, addr, &data, sizeof(data));
    }
    if (IM_GET(w->word[0], VTD_WAIT0_IF)) {
        im_vtd_event_set(s, VTD_EVENT_INV, IM_MASK(VTD_ICS_IWC));
    }
}

/*
 * In order, and each when nothing ahead of it is outstanding. Page requests
 * are in memory as soon as they are received, so PD asks for nothing more.
 */
IM_RULE(VTD_IQ_ORDER);
IM_RULE(VTD_PRQ_DRAIN);
static void vtd_iq_complete_waits(ImVtd *s)
{
    VtdQueue *q = s->queue;

    while (q->nwaits && !q->waits[0].itags && !q->waits[0].ticket) {
        HeldWait w = q->waits[0];

        q->nwaits--;
        memmove(&q->waits[0], &q->waits[1], q->nwaits * sizeof(w));
        vtd_iq_complete_wait(s, &w);
    }
}

static VtdIqResult vtd_iq_check_wait(ImVtd *s, const uint64_t *d G_GNUC_UNUSED)
{
    return s->queue->nwaits == WAITS ? VTD_IQR_LATER : VTD_IQR_DONE;
}

static void vtd_iq_inv_wait(ImVtd *s, const uint64_t *d)
{
    VtdQueue *q = s->queue;

    q->waits[q->nwaits++] = (HeldWait) {
        .word = { d[0], d[1] },
        .itags = im_vtd_itags_busy(s),
        .ticket = s->port.fence ? s->port.fence(s->host) : 0,
    };
}

IM_RULE(VTD_IQ_FENCE);
static bool vtd_iq_fenced(const VtdQueue *q)
{
    return q->nwaits && IM_GET(q->waits[q->nwaits - 1].word[0], VTD_WAIT0_FN);
}

/* --- The table. --------------------------------------------------------- */

/* HPT stands here so that it is seen: ECAP_REG.HPTS is never advertised, and
 * so its type is invalid. */
IM_RULE(VTD_DESC_CONTEXT_CACHE);
IM_RULE(VTD_DESC_IOTLB);
IM_RULE(VTD_DESC_DEV_TLB);
IM_RULE(VTD_DESC_IEC);
IM_RULE(VTD_DESC_PIOTLB);
IM_RULE(VTD_DESC_PASID_CACHE);
IM_RULE(VTD_DESC_PDEV_TLB);
IM_RULE(VTD_DESC_PAGE_RESP);
IM_RULE(VTD_DESC_HPT);
static const DescDef descs[16] = {
    [0x1] = {
        .name = "cc_inv", .modes = VTD_MODES_ALL,
        .rsvd = { IM_RSVD(VTD_CC0), IM_RSVD(VTD_NONE) }, .grans = 0xe,
        .run = im_vtd_desc_context,
    },
    [0x2] = {
        .name = "iotlb_inv", .modes = VTD_MODES_ALL,
        .rsvd = { IM_RSVD(VTD_IOTLB0), IM_RSVD(VTD_IOTLB1) }, .grans = 0xe,
        .check = im_vtd_check_iotlb, .run = im_vtd_desc_iotlb,
    },
    [0x3] = {
        .name = "dev_tlb_inv", .modes = VTD_MODES_ALL,
        .needs = IM_MASK(VTD_ECAP_DT),
        .rsvd = { IM_RSVD(VTD_DTLB0), IM_RSVD(VTD_DTLB1) },
        .optional = IM_MASK(VTD_ECAP_DIT),
        .optional_mask = IM_MASK(VTD_DTLB0_PFSIDL) | IM_MASK(VTD_DTLB0_PFSIDH),
        .check = im_vtd_check_dev_tlb, .run = im_vtd_desc_dev_tlb,
    },
    [0x4] = {
        .name = "iec_inv", .modes = VTD_MODES_ALL,
        .rsvd = { IM_RSVD(VTD_IEC0), IM_RSVD(VTD_NONE) },
        .run = vtd_iq_inv_iec,
    },
    [0x5] = {
        .name = "inv_wait", .modes = VTD_MODES_ALL,
        .rsvd = { IM_RSVD(VTD_WAIT0), IM_RSVD(VTD_WAIT1) },
        .optional = IM_MASK(VTD_ECAP_PDS),
        .optional_mask = IM_MASK(VTD_WAIT0_PD),
        .check = vtd_iq_check_wait, .run = vtd_iq_inv_wait,
    },
    [0x6] = {
        .name = "p_iotlb_inv", .modes = VTD_MODES_WIDE,
        .rsvd = { IM_RSVD(VTD_PIOTLB0), IM_RSVD(VTD_IOTLB1) }, .grans = 0xc,
        .run = im_vtd_desc_piotlb,
    },
    [0x7] = {
        .name = "pc_inv", .modes = VTD_MODES_WIDE,
        .rsvd = { IM_RSVD(VTD_PC0), IM_RSVD(VTD_NONE) }, .grans = 0xb,
        .run = im_vtd_desc_pasid_cache,
    },
    [0x8] = {
        .name = "p_dev_tlb_inv", .modes = VTD_MODES_WIDE,
        .needs = IM_MASK(VTD_ECAP_DT),
        .rsvd = { IM_RSVD(VTD_PDTLB0), IM_RSVD(VTD_PDTLB1) },
        .optional = IM_MASK(VTD_ECAP_DIT),
        .optional_mask = IM_MASK(VTD_PDTLB0_PFSIDL) |
                         IM_MASK(VTD_PDTLB0_PFSIDH),
        .check = im_vtd_check_dev_tlb, .run = im_vtd_desc_pdev_tlb,
    },
    [0x9] = {
        .name = "page_grp_resp", .modes = VTD_MODES_WIDE,
        .needs = IM_MASK(VTD_ECAP_PRS),
        .rsvd = { IM_RSVD(VTD_RESP0), IM_RSVD(VTD_RESP1) },
        .run = vtd_iq_inv_page_resp,
    },
    [0xa] = {
        .name = "hpt_inv", .modes = VTD_MODES_WIDE,
        .needs = IM_MASK(VTD_ECAP_HPTS),
        .rsvd = { IM_RSVD(VTD_NONE), IM_RSVD(VTD_NONE) },
    },
};

/* The row of a descriptor, or NULL. */
IM_RULE(VTD_IQ_MODES);
static const DescDef *vtd_iq_desc_def(const ImVtd *s, uint64_t word)
{
    const DescDef *def = &descs[IM_GET(word, VTD_CC0_TYPE)];

    if (!def->name || IM_GET(word, VTD_CC0_TYPEH) ||
        !(def->modes >> s->root.ttm & 1) || !im_vtd_has_ecap(s, def->needs) ||
        !def->run) {
        return NULL;
    }
    return def;
}

static bool vtd_iq_reserved_set(const ImVtd *s, const DescDef *def,
                                const uint64_t *d)
{
    uint64_t rsvd0 = def->rsvd[0];

    if (!im_vtd_has_ecap(s, def->optional)) {
        rsvd0 |= def->optional_mask;
    }
    return (d[0] & rsvd0) || (d[1] & def->rsvd[1]) || d[2] || d[3] ||
           (def->grans && !(def->grans >> IM_GET(d[0], VTD_CC0_G) & 1));
}

static void vtd_iq_trace_queue(ImVtd *s, const char *name, const uint64_t *d)
{
    ImEvent ev = { .kind = IM_EVENT_INVALIDATE, .name = name };

    memcpy(ev.arg, d, sizeof(ev.arg));
    im_vtd_event(s, &ev);
}

static VtdIqResult vtd_iq_execute(ImVtd *s, const uint64_t *d)
{
    const DescDef *def = vtd_iq_desc_def(s, d[0]);
    VtdIqResult r;

    if (!def) {
        return VTD_IQR_BAD_TYPE;
    }
    if (vtd_iq_reserved_set(s, def, d)) {
        return VTD_IQR_RESERVED;
    }
    r = def->check ? def->check(s, d) : VTD_IQR_DONE;
    if (r == VTD_IQR_DONE) {
        s->counters.descriptors++;
        vtd_iq_trace_queue(s, def->name, d);
        def->run(s, d);
    }
    return r;
}

/* --- Fetching. ---------------------------------------------------------- */

static bool vtd_iq_ttm_valid(const ImVtd *s)
{
    static const uint64_t needs[] = {
        [VTD_TTM_SCALABLE] = IM_MASK(VTD_ECAP_SMTS),
        [VTD_TTM_ABORT] = IM_MASK(VTD_ECAP_ADMS),
    };

    return s->root.ttm != VTD_TTM_RESERVED &&
           im_vtd_has_ecap(s, needs[s->root.ttm]);
}

/* 128 bits only in legacy mode; 256 bits only where a mode needs them. */
static bool vtd_iq_width_valid(const ImVtd *s)
{
    return s->queue->ring.entry == 16 ?
               s->root.ttm == VTD_TTM_LEGACY :
               (s->ecap & (IM_MASK(VTD_ECAP_SMTS) | IM_MASK(VTD_ECAP_ADMS)));
}

static VtdIqResult vtd_iq_check_queue(const ImVtd *s, uint64_t tail)
{
    const ImRing *ring = &s->queue->ring;

    return !vtd_iq_ttm_valid(s)         ? VTD_IQR_BAD_TTM :
           !vtd_iq_width_valid(s)       ? VTD_IQR_BAD_WIDTH :
           !im_ring_aligned(ring, tail) ? VTD_IQR_TAIL_ALIGN :
           !im_ring_inside(ring, tail)  ? VTD_IQR_BAD_TAIL :
                                          VTD_IQR_DONE;
}

static VtdIqResult vtd_iq_fetch(ImVtd *s, uint32_t head, uint64_t *d)
{
    const ImRing *ring = &s->queue->ring;
    uint64_t addr = im_ring_addr(ring, head);

    if (im_vtd_mem_peek(s, addr, d, ring->entry) != IM_BUS_OK) {
        return VTD_IQR_FETCH;
    }
    for (unsigned i = 0; i < DESC_WORDS; i++) {
        d[i] = GUINT64_FROM_LE(d[i]);
    }
    return VTD_IQR_DONE;
}

void im_vtd_command_error(ImVtd *s, const ImEvent *error)
{
    ImEvent ev = *error;

    ev.kind = IM_EVENT_COMMAND_ERROR;
    s->counters.command_errors++;
    im_vtd_event(s, &ev);
}

typedef struct ErrorDef {
    ImClause clause;
    const char *text;
    bool fetched;           /* there is a descriptor to show */
} ErrorDef;

static const ErrorDef errors[] = {
    [VTD_IQR_BAD_TAIL] = {
        IM_CLAUSE(VTD_IQEI_1), "IQEI 1: the tail is beyond the queue", false,
    },
    [VTD_IQR_FETCH] = {
        IM_CLAUSE(VTD_IQEI_2), "IQEI 2: the descriptor cannot be read", false,
    },
    [VTD_IQR_BAD_TYPE] = {
        IM_CLAUSE(VTD_IQEI_3), "IQEI 3: the descriptor's type is not valid in "
        "this mode, or needs a capability that is not reported", true,
    },
    [VTD_IQR_RESERVED] = {
        IM_CLAUSE(VTD_IQEI_4), "IQEI 4: a reserved field of the descriptor is "
        "set, or a field has a reserved value", true,
    },
    [VTD_IQR_BAD_WIDTH] = {
        IM_CLAUSE(VTD_IQEI_5), "IQEI 5: descriptors of 128 bits are for "
        "legacy mode, of 256 bits for units with scalable or abort-DMA mode "
        "(IQA.DW)", false,
    },
    [VTD_IQR_TAIL_ALIGN] = {
        IM_CLAUSE(VTD_IQEI_6), "IQEI 6: the tail is not aligned to a "
        "descriptor", false,
    },
    [VTD_IQR_BAD_TTM] = {
        IM_CLAUSE(VTD_IQEI_7), "IQEI 7: RTADDR.TTM is not valid", false,
    },
};

/* d is the offender, or 0 when it was not fetched. */
static void vtd_iq_error(ImVtd *s, VtdIqResult why, const uint64_t *d)
{
    const ErrorDef *def = &errors[why];
    uint64_t rcd = im_vtd_reg(s, VTD_R_IQERCD);
    ImEvent ev = { .name = "IQE", .text = def->text, .clause = def->clause };

    if (def->fetched) {
        ev.words = (uint8_t)(s->queue->ring.entry / 8);
        memcpy(ev.arg, d, sizeof(ev.arg));
    }
    im_vtd_command_error(s, &ev);
    im_vtd_reg_set(s, VTD_R_IQERCD, IM_SET(rcd, VTD_IQERCD_IQEI, why));
    im_vtd_event_set(s, VTD_EVENT_FAULT, IM_MASK(VTD_FSTS_IQE));
}

IM_RULE(VTD_IQ_FETCH);
static bool vtd_iq_may_fetch(ImVtd *s)
{
    return (s->gsts & IM_MASK(VTD_GCMD_QIE)) && !vtd_iq_fenced(s->queue) &&
           !(im_vtd_reg(s, VTD_R_FSTS) &
             (IM_MASK(VTD_FSTS_IQE) | IM_MASK(VTD_FSTS_ITE))) &&
           im_vtd_reg(s, VTD_R_IQH) != im_vtd_reg(s, VTD_R_IQT);
}

/* One descriptor; false when fetching stops. */
static bool vtd_iq_step(ImVtd *s)
{
    VtdQueue *q = s->queue;
    uint64_t d[DESC_WORDS] = { 0 };
    uint32_t head = (uint32_t)im_vtd_reg(s, VTD_R_IQH);
    unsigned epoch = q->epoch;
    VtdIqResult r = vtd_iq_check_queue(s, im_vtd_reg(s, VTD_R_IQT));

    r = r ? r : vtd_iq_fetch(s, head, d);
    r = r ? r : vtd_iq_execute(s, d);
    if (q->epoch != epoch || r == VTD_IQR_LATER) {
        return false;
    }
    if (r != VTD_IQR_DONE) {
        vtd_iq_error(s, r, d);
        return false;
    }
    im_vtd_reg_set(s, VTD_R_IQH, im_ring_next(&q->ring, head));
    vtd_iq_complete_waits(s);
    return true;
}

/* At most one round of the ring for each call. */
IM_RULE(VTD_IQ_RESUME);
void im_vtd_queue_run(ImVtd *s)
{
    VtdQueue *q = s->queue;
    uint32_t left;

    if (q->running || !vtd_iq_may_fetch(s)) {
        return;
    }
    q->running = true;
    left = im_ring_entries(&q->ring);
    while (left-- && vtd_iq_may_fetch(s) && vtd_iq_step(s)) {
    }
    q->running = false;
}

/* Disabling always works: software spins on QIES. */
IM_RULE(VTD_REG_IQA);
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

/* --- What device-TLBs answered. ----------------------------------------- */

void im_vtd_queue_itags_freed(ImVtd *s, uint32_t itag_vector)
{
    VtdQueue *q = s->queue;

    for (unsigned i = 0; i < q->nwaits; i++) {
        q->waits[i].itags &= ~itag_vector;
    }
}

IM_RULE(VTD_6_5_TELL_WAIT);
void im_vtd_fenced(ImVtd *s, uint64_t ticket)
{
    VtdQueue *q = s->queue;

    for (unsigned i = 0; i < q->nwaits; i++) {
        if (q->waits[i].ticket <= ticket) {
            q->waits[i].ticket = 0;
        }
    }
    im_vtd_queue_resume(s);
}

void im_vtd_queue_drop_waits(ImVtd *s)
{
    s->queue->nwaits = 0;
}

void im_vtd_queue_resume(ImVtd *s)
{
    vtd_iq_complete_waits(s);
    im_vtd_queue_run(s);
}

/* --- Dump and life. ----------------------------------------------------- */

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

    *s->queue = (VtdQueue) {
        .epoch = epoch + 1,
        .running = running,
    };
    im_vtd_devtlb_reset(s);
}

/* Descriptors not yet fetched, the first few of them. */
static void vtd_iq_dump_descriptors(ImVtd *s, GString *out)
{
    const ImRing *ring = &s->queue->ring;
    uint32_t off = (uint32_t)im_vtd_reg(s, VTD_R_IQH);
    uint32_t tail = im_ring_wrap(ring, im_vtd_reg(s, VTD_R_IQT));

    for (unsigned n = 0; off != tail; n++, off = im_ring_next(ring, off)) {
        uint64_t d[DESC_WORDS] = { 0 };
        const DescDef *def;

        if (n == DUMP_DESCRIPTORS) {
            g_string_append_printf(out, "    and %u more\n",
                                   im_ring_used(ring, off, tail));
            break;
        }
        if (vtd_iq_fetch(s, off, d) != VTD_IQR_DONE) {
            g_string_append_printf(out, "    %05x: not readable\n", off);
            continue;
        }
        def = vtd_iq_desc_def(s, d[0]);
        g_string_append_printf(out, "    %05x: %-24s", off,
                               def ? def->name : "invalid");
        for (unsigned i = 0; i < ring->entry / 8; i++) {
            g_string_append_printf(out, " %016" PRIx64, d[i]);
        }
        g_string_append_c(out, '\n');
    }
}

void im_vtd_queue_dump(ImVtd *s, GString *out)
{
    const VtdQueue *q = s->queue;

    g_string_append(out, "invalidation queue:");
    if (!(s->gsts & IM_MASK(VTD_GCMD_QIE))) {
        g_string_append(out, " disabled\n");
    } else {
        g_string_append_printf(out,
                               " base %" PRIx64 ", %u entries of %u "
                               "bytes, head %" PRIx64 ", tail %" PRIx64 "\n",
                               q->ring.base, im_ring_entries(&q->ring),
                               q->ring.entry, im_vtd_reg(s, VTD_R_IQH),
                               im_vtd_reg(s, VTD_R_IQT));
        vtd_iq_dump_descriptors(s, out);
    }
    for (unsigned i = 0; i < q->nwaits; i++) {
        g_string_append_printf(out,
                               "    held wait: %016" PRIx64 " %016" PRIx64
                               ", behind tags %08x\n",
                               q->waits[i].word[0], q->waits[i].word[1],
                               q->waits[i].itags);
    }
    im_vtd_devtlb_dump(s, out);
}
