/*
 * Invalidations of device-TLBs: tags, time and completions, 4.3.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/itag.h"
#include "hw/vtd/regs.h"
#include "im/spec/vtd_inval.h.inc"

IM_LAYOUT(VTD_DTLB0);
IM_LAYOUT(VTD_DTLB1);
IM_LAYOUT(VTD_PDTLB0);
IM_LAYOUT(VTD_PDTLB1);

/* What a tag stands for. */
typedef struct Inv {
    uint16_t rid;
    uint64_t desc[2];           /* for people */
} Inv;

struct VtdDevTlb {
    ImItags itags;              /* one space, whatever the function */
    Inv inv[IM_ITAGS];
};

uint32_t im_vtd_itags_busy(const ImVtd *s)
{
    return s->devtlb->itags.busy;
}

static void vtd_devtlb_arm_deadline(ImVtd *s)
{
    s->port.deadline(s->host, im_itags_due(&s->devtlb->itags));
}

/* --- requests ----------------------------------------------------------- */

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
    return im_itags_full(&s->devtlb->itags) ? VTD_IQR_LATER : VTD_IQR_DONE;
}

static void vtd_devtlb_send_inv(ImVtd *s, ImAtsInv *inv, const uint64_t *desc)
{
    VtdDevTlb *d = s->devtlb;
    unsigned tag = im_itags_take(&d->itags, s->port.now(s->host),
                                 s->cfg.ats_timeout_ns);
    /* clang-format off */
    ImUnmap unmap = {
        .addr = inv->addr, .rid = inv->rid, .has_rid = true,
        .device_tlb = true,
        .mask = inv->lg2size == IM_INV_ALL ? UINT64_MAX :
                (UINT64_C(1) << inv->lg2size) - 1,
    };
    /* clang-format on */

    d->inv[tag] = (Inv) { inv->rid, { desc[0], desc[1] } };
    inv->itag = (uint8_t)tag;
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

/* --- completions -------------------------------------------------------- */

IM_RULE(VTD_IQ_ICE);
static void vtd_devtlb_completion_error(ImVtd *s, uint16_t rid, uint32_t stray)
{
    uint64_t rcd = im_vtd_reg(s, VTD_R_IQERCD);
    g_autofree char *text = g_strdup_printf(
        VTD_RID_FORMAT " completed a device-TLB invalidation that it was not "
                       "asked for, or completed before (ITag vector %08x)",
        VTD_RID_ARGS(rid), stray);

    im_vtd_command_error(s, &(ImEvent) {
                                .name = "ICE",
                                .text = text,
                                .clause = IM_CLAUSE(VTD_IQ_ICE),
                                .arg = { stray },
                                .words = 1,
                            });
    if (!(im_vtd_reg(s, VTD_R_FSTS) & IM_MASK(VTD_FSTS_ICE))) {
        im_vtd_reg_set(s, VTD_R_IQERCD, IM_SET(rcd, VTD_IQERCD_ICESID, rid));
    }
    im_vtd_event_set(s, VTD_EVENT_FAULT, IM_MASK(VTD_FSTS_ICE));
}

/* Those of vector that a function has yet to complete. */
static uint32_t vtd_devtlb_expected(const VtdDevTlb *d, uint16_t rid,
                                    uint32_t vector)
{
    uint32_t mine = 0;

    for (unsigned tag = 0; tag < IM_ITAGS; tag++) {
        mine |= d->inv[tag].rid == rid ? 1u << tag : 0;
    }
    return vector & mine & d->itags.busy;
}

/*
 * 4.2.1: while translation is off, a completion is an unsupported request.
 * Software that then waits for it sees ITE, and few expect that.
 */
IM_RULE(VTD_ATS_EARLY);
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
    if (vtd_devtlb_expected(s->devtlb, rid, itag_vector)) {
        im_vtd_event(s, &advice);
    }
    return true;
}

IM_RULE(VTD_ATS_COMPLETION_COUNT);
void im_vtd_ats_inv_done(ImVtd *s, uint32_t func, uint32_t itags, unsigned cc)
{
    VtdDevTlb *d = s->devtlb;
    uint16_t rid = im_func_rid(func);
    uint32_t due, done;

    if (vtd_devtlb_unsupported(s, rid, itags)) {
        return;
    }
    due = vtd_devtlb_expected(d, rid, itags);
    done = im_itags_complete(&d->itags, due, cc);
    im_vtd_queue_itags_freed(s, done);
    s->counters.ats_completions += im_itags_number(done);
    if (itags & ~due) {
        vtd_devtlb_completion_error(s, rid, itags & ~due);
    }
    vtd_devtlb_arm_deadline(s);
    im_vtd_queue_resume(s);
}

/* --- time --------------------------------------------------------------- */

/* Held waits are gone; the head stays where it is. */
IM_RULE(VTD_IQ_ITE);
static void vtd_devtlb_timed_out(ImVtd *s, const Inv *inv)
{
    uint64_t rcd = im_vtd_reg(s, VTD_R_IQERCD);
    g_autofree char *text = g_strdup_printf(
        VTD_RID_FORMAT " did not complete a device-TLB invalidation in time",
        VTD_RID_ARGS(inv->rid));

    im_vtd_command_error(s, &(ImEvent) {
                                .name = "ITE",
                                .text = text,
                                .clause = IM_CLAUSE(VTD_IQ_ITE),
                                .arg = { inv->desc[0], inv->desc[1] },
                                .words = 2,
                            });
    s->counters.ats_timeouts++;
    im_vtd_queue_drop_waits(s);
    if (!(im_vtd_reg(s, VTD_R_FSTS) & IM_MASK(VTD_FSTS_ITE))) {
        im_vtd_reg_set(s, VTD_R_IQERCD,
                       IM_SET(rcd, VTD_IQERCD_ITESID, inv->rid));
    }
    im_vtd_event_set(s, VTD_EVENT_FAULT, IM_MASK(VTD_FSTS_ITE));
}

IM_RULE(VTD_ITAG_REUSE);
void im_vtd_deadline(ImVtd *s)
{
    VtdDevTlb *d = s->devtlb;
    uint32_t late = im_itags_expire(&d->itags, s->port.now(s->host));

    im_vtd_queue_itags_freed(s, late);
    for (; late; late &= late - 1) {
        vtd_devtlb_timed_out(s, &d->inv[__builtin_ctz(late)]);
    }
    vtd_devtlb_arm_deadline(s);
    im_vtd_queue_run(s);
}

/* --- life and dump ------------------------------------------------------ */

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
    im_vtd_queue_itags_freed(s, s->devtlb->itags.busy);
    im_itags_give_up(&s->devtlb->itags);
    vtd_devtlb_arm_deadline(s);
}

void im_vtd_devtlb_dump(const ImVtd *s, GString *out)
{
    const VtdDevTlb *d = s->devtlb;

    for (uint32_t left = d->itags.busy; left; left &= left - 1) {
        unsigned tag = (unsigned)__builtin_ctz(left);
        g_autofree char *whose = g_strdup_printf(
            "device-TLB invalidation, requester %04x", d->inv[tag].rid);

        im_itags_dump(&d->itags, tag, whose, out);
    }
}
