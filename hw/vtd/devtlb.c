/*
 * Invalidations of device-TLBs: tags, time and completions, 4.3.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/vtd/regs.h"
#include "im/spec/vtd_inval.h.inc"

#include <inttypes.h>

IM_LAYOUT(VTD_DTLB0);
IM_LAYOUT(VTD_DTLB1);
IM_LAYOUT(VTD_PDTLB0);
IM_LAYOUT(VTD_PDTLB1);

#define ITAGS       32

typedef struct Itag {
    bool busy;
    bool late;              /* timed out: a completion may still come */
    uint8_t seen;           /* completions so far, InvCmpCnt */
    uint16_t rid;
    uint64_t due;
    uint64_t freed;         /* when it was, in order; 0: never used */
    uint64_t desc[2];       /* the descriptor, for people */
} Itag;

struct VtdDevTlb {
    uint64_t frees;
    Itag itags[ITAGS];
};

uint32_t im_vtd_itags_busy(const ImVtd *s)
{
    uint32_t busy = 0;

    for (unsigned i = 0; i < ITAGS; i++) {
        busy |= (s->devtlb->itags[i].busy ? 1u : 0) << i;
    }
    return busy;
}

static void vtd_devtlb_arm_deadline(ImVtd *s)
{
    uint64_t when = IM_NEVER;

    for (unsigned i = 0; i < ITAGS; i++) {
        const Itag *t = &s->devtlb->itags[i];

        when = t->busy ? MIN(when, t->due) : when;
    }
    s->port.deadline(s->host, when);
}

/* A free tag is better than another: never one that may still be completed
 * while there are others, and among equals the one that rested longest. */
static bool vtd_devtlb_better(const Itag *a, const Itag *b)
{
    return a->late != b->late ? !a->late : a->freed < b->freed;
}

/* NULL when every tag is in use. */
static Itag *vtd_devtlb_best_itag(VtdDevTlb *d)
{
    Itag *best = NULL;

    for (unsigned i = 0; i < ITAGS; i++) {
        Itag *t = &d->itags[i];

        if (!t->busy && (!best || vtd_devtlb_better(t, best))) {
            best = t;
        }
    }
    return best;
}

static void vtd_devtlb_free_itag(ImVtd *s, unsigned tag, bool late)
{
    Itag *t = &s->devtlb->itags[tag];

    t->busy = false;
    t->late = late;
    t->freed = ++s->devtlb->frees;
    im_vtd_queue_itag_freed(s, tag);
}

/* --- requests ------------------------------------------------------------ */

/* ATS 3.4.1: with S the lowest 0 of the address tells the size. */
static void vtd_devtlb_decode_range(uint64_t addr, bool size, ImAtsInv *inv)
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

IM_RULE(VTD_IQ_ITAG);
VtdIqResult im_vtd_check_dev_tlb(ImVtd *s, const uint64_t *d G_GNUC_UNUSED)
{
    return vtd_devtlb_best_itag(s->devtlb) ? VTD_IQR_DONE : VTD_IQR_LATER;
}

static void vtd_devtlb_send_inv(ImVtd *s, ImAtsInv *inv, const uint64_t *d)
{
    Itag *t = vtd_devtlb_best_itag(s->devtlb);
    uint64_t now = s->port.now(s->host);
    ImUnmap unmap = {
        .addr = inv->addr, .rid = inv->rid, .has_rid = true,
        .device_tlb = true,
        .mask = inv->lg2size == IM_INV_ALL ? UINT64_MAX :
                (UINT64_C(1) << inv->lg2size) - 1,
    };

    *t = (Itag) {
        .busy = true, .rid = inv->rid, .desc = { d[0], d[1] },
        .due = now + MIN(s->cfg.ats_timeout_ns, IM_NEVER - 1 - now),
    };
    inv->itag = (uint8_t)(t - s->devtlb->itags);
    s->counters.ats_invalidations++;
    vtd_devtlb_arm_deadline(s);
    if (s->port.unmap && !inv->has_pasid) {
        s->port.unmap(s->host, &unmap);     /* they know no PASID */
    }
    s->port.ats_invalidate(s->host, inv);
}

void im_vtd_desc_dev_tlb(ImVtd *s, const uint64_t *d)
{
    ImAtsInv inv = { .rid = (uint16_t)IM_GET(d[0], VTD_DTLB0_SID) };

    vtd_devtlb_decode_range(d[1] & IM_MASK(VTD_DTLB1_ADDR),
                            IM_GET(d[1], VTD_DTLB1_S), &inv);
    vtd_devtlb_send_inv(s, &inv, d);
}

void im_vtd_desc_pdev_tlb(ImVtd *s, const uint64_t *d)
{
    ImAtsInv inv = {
        .rid = (uint16_t)IM_GET(d[0], VTD_PDTLB0_SID),
        .pasid = (uint32_t)IM_GET(d[0], VTD_PDTLB0_PASID),
        .has_pasid = true,
        .global = IM_GET(d[1], VTD_PDTLB1_GI),
    };

    vtd_devtlb_decode_range(d[1] & IM_MASK(VTD_PDTLB1_ADDR),
                            IM_GET(d[1], VTD_PDTLB1_S), &inv);
    vtd_devtlb_send_inv(s, &inv, d);
}

/* --- completions --------------------------------------------------------- */

IM_RULE(VTD_IQ_ICE);
static void vtd_devtlb_completion_error(ImVtd *s, uint16_t rid, uint32_t stray)
{
    uint64_t rcd = im_vtd_reg(s, VTD_R_IQERCD);
    g_autofree char *text = g_strdup_printf(
        VTD_RID_FORMAT " completed a device-TLB invalidation that it was not "
        "asked for, or completed before (ITag vector %08x)", VTD_RID_ARGS(rid),
        stray);

    im_vtd_command_error(s, &(ImEvent) {
        .name = "ICE", .text = text, .clause = "VTD_IQ_ICE",
        .arg = { stray }, .words = 1,
    });
    if (!(im_vtd_reg(s, VTD_R_FSTS) & IM_MASK(VTD_FSTS_ICE))) {
        im_vtd_reg_set(s, VTD_R_IQERCD,
                       IM_SET(rcd, VTD_IQERCD_ICESID, rid));
    }
    im_vtd_event_set(s, VTD_EVENT_FAULT, IM_MASK(VTD_FSTS_ICE));
}

static bool vtd_devtlb_expected(const Itag *t, uint16_t rid)
{
    return t->busy && t->rid == rid;
}

/*
 * 4.2.1: while translation is off, a completion is an unsupported request.
 * Software that then waits for it sees ITE, and few expect that.
 */
static bool vtd_devtlb_unsupported(ImVtd *s, uint16_t rid, uint32_t itag_vector)
{
    static const ImEvent advice = {
        .kind = IM_EVENT_ADVICE,
        .name = "early-ats-invalidation",
        .text = "device-TLBs are invalidated before translation is enabled "
                "(GCMD.TE): the completion is an Unsupported Request (VT-d "
                "4.2.1) and the invalidation will time out (FSTS.ITE); "
                "early-device-tlb-invalidation=on lets it count",
    };

    if (!im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_DT))) {
        return true;
    }
    if ((s->gsts & IM_MASK(VTD_GCMD_TE)) || s->cfg.early_ats_inv) {
        return false;
    }
    for (unsigned tag = 0; tag < ITAGS; tag++) {
        if ((itag_vector >> tag & 1) &&
            vtd_devtlb_expected(&s->devtlb->itags[tag], rid)) {
            im_vtd_event(s, &advice);
            break;
        }
    }
    return true;
}

IM_RULE(VTD_ATS_COMPLETION_COUNT);
void im_vtd_ats_inv_completion(ImVtd *s, uint16_t rid, uint32_t itag_vector,
                               unsigned count)
{
    uint32_t stray = 0;

    count = (count - 1) % 8 + 1;
    if (vtd_devtlb_unsupported(s, rid, itag_vector)) {
        return;
    }
    for (unsigned tag = 0; tag < ITAGS; tag++) {
        Itag *t = &s->devtlb->itags[tag];

        if (!(itag_vector >> tag & 1)) {
            continue;
        }
        if (!vtd_devtlb_expected(t, rid)) {
            stray |= 1u << tag;
        } else if (++t->seen == count) {
            vtd_devtlb_free_itag(s, tag, false);
            s->counters.ats_completions++;
        }
    }
    if (stray) {
        vtd_devtlb_completion_error(s, rid, stray);
    }
    vtd_devtlb_arm_deadline(s);
    im_vtd_queue_resume(s);
}

void im_vtd_ats_inv_done(ImVtd *s, uint16_t rid, uint32_t itag_vector)
{
    im_vtd_ats_inv_completion(s, rid, itag_vector, 1);
}

/* --- time ---------------------------------------------------------------- */

/* Held waits are gone; the head stays where it is. */
IM_RULE(VTD_IQ_ITE);
static void vtd_devtlb_timed_out(ImVtd *s, const Itag *t)
{
    uint64_t rcd = im_vtd_reg(s, VTD_R_IQERCD);
    g_autofree char *text = g_strdup_printf(
        VTD_RID_FORMAT " did not complete a device-TLB invalidation in time",
        VTD_RID_ARGS(t->rid));

    im_vtd_command_error(s, &(ImEvent) {
        .name = "ITE", .text = text, .clause = "VTD_IQ_ITE",
        .arg = { t->desc[0], t->desc[1] }, .words = 2,
    });
    s->counters.ats_timeouts++;
    im_vtd_queue_drop_waits(s);
    if (!(im_vtd_reg(s, VTD_R_FSTS) & IM_MASK(VTD_FSTS_ITE))) {
        im_vtd_reg_set(s, VTD_R_IQERCD,
                       IM_SET(rcd, VTD_IQERCD_ITESID, t->rid));
    }
    im_vtd_event_set(s, VTD_EVENT_FAULT, IM_MASK(VTD_FSTS_ITE));
}

IM_RULE(VTD_ITAG_REUSE);
void im_vtd_deadline(ImVtd *s)
{
    uint64_t now = s->port.now(s->host);

    for (unsigned tag = 0; tag < ITAGS; tag++) {
        Itag *t = &s->devtlb->itags[tag];

        if (t->busy && t->due <= now) {
            vtd_devtlb_free_itag(s, tag, true);
            vtd_devtlb_timed_out(s, t);
        }
    }
    vtd_devtlb_arm_deadline(s);
    im_vtd_queue_run(s);
}

/* --- life and dump ------------------------------------------------------- */

VtdDevTlb *im_vtd_devtlb_new(void)
{
    return g_new0(VtdDevTlb, 1);
}

void im_vtd_devtlb_free(VtdDevTlb *d)
{
    g_free(d);
}

/*
 * What was outstanding is so no more, but a function that was not reset may
 * still complete it.
 */
void im_vtd_devtlb_reset(ImVtd *s)
{
    for (unsigned tag = 0; tag < ITAGS; tag++) {
        if (s->devtlb->itags[tag].busy) {
            vtd_devtlb_free_itag(s, tag, true);
        }
    }
    vtd_devtlb_arm_deadline(s);
}

void im_vtd_devtlb_dump(const ImVtd *s, GString *out)
{
    for (unsigned i = 0; i < ITAGS; i++) {
        const Itag *t = &s->devtlb->itags[i];

        if (t->busy) {
            g_string_append_printf(out, "    device-TLB invalidation: tag "
                                   "%u, requester %04x, due at %" PRIu64
                                   " ns\n", i, t->rid, t->due);
        }
    }
}
