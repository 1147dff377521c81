/*
 * Interrupt remapping: chapter 5.1.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/vtd/regs.h"
#include "im/spec/vtd_irte.h.inc"

#define VTD_LAYOUT_ROW(l)  IM_LAYOUT(l);
VTD_IRTE_LAYOUTS(VTD_LAYOUT_ROW)
#undef VTD_LAYOUT_ROW

/* One request on its way. */
typedef struct IntReq {
    const ImMsi *msi;
    uint32_t index;
    uint64_t irte[2];
    bool pass;                      /* compatibility: goes as it came */
    ImStepFn *fn;                   /* explaining: no side effect */
    void *opaque;
} IntReq;

typedef uint8_t IntCheck(ImVtd *s, IntReq *r);

/* CLAUSE(VTD_IR_DISABLED) */
static uint8_t check_enabled(ImVtd *s, IntReq *r)
{
    if (s->gsts & IM_MASK(VTD_GCMD_IRE)) {
        return im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_EIMER)) && !s->ir.eime ?
               VTD_FLT_IR_2A : 0;
    }
    r->pass = true;
    return im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_IRREQ)) ? VTD_FLT_IR_2B : 0;
}

/* CLAUSE(VTD_IR_COMPAT) */
static uint8_t check_format(ImVtd *s, IntReq *r)
{
    if (IM_GET(r->msi->addr, VTD_IRADDR_FORMAT)) {
        return 0;
    }
    r->pass = true;
    return s->ir.eime || !(s->gsts & IM_MASK(VTD_GCMD_CFI)) ?
           VTD_FLT_IR_25 : 0;
}

/* CLAUSE(VTD_IR_REMAPPABLE): reserved bits first, then the index. */
static uint8_t check_index(ImVtd *s, IntReq *r)
{
    uint64_t addr = r->msi->addr;

    r->index = (uint32_t)(IM_GET(addr, VTD_IRADDR_HANDLE) |
                          IM_GET(addr, VTD_IRADDR_HANDLE15) << 15);
    if (IM_GET(addr, VTD_IRADDR_SHV)) {
        if (r->msi->data & IM_RSVD(VTD_IRDATA)) {
            return VTD_FLT_IR_20;
        }
        /* CLAUSE(VTD_IR_INDEX) */
        r->index += (uint32_t)IM_GET((uint64_t)r->msi->data,
                                     VTD_IRDATA_SUBHANDLE);
    }
    return r->index >= s->ir.entries ? VTD_FLT_IR_21 : 0;
}

/* The whole entry in one read: software changes it atomically. */
static uint8_t fetch_irte(ImVtd *s, IntReq *r)
{
    uint64_t addr = s->ir.table + (uint64_t)r->index * sizeof(r->irte);

    if (!im_vtd_mem_inside(s, addr, sizeof(r->irte))) {
        return VTD_FLT_IR_21;
    }
    if (s->port.read(s->host, addr, r->irte, sizeof(r->irte)) != IM_BUS_OK) {
        return VTD_FLT_IR_23;
    }
    r->irte[0] = GUINT64_FROM_LE(r->irte[0]);
    r->irte[1] = GUINT64_FROM_LE(r->irte[1]);
    return IM_GET(r->irte[0], VTD_IRTE0_P) ? 0 : VTD_FLT_IR_22;
}

/* CLAUSE(VTD_IR_SVT) */
static uint8_t check_source(ImVtd *s G_GNUC_UNUSED, IntReq *r)
{
    static const uint16_t ignored[] = { 0, 4, 6, 7 };       /* by SQ */
    uint16_t sid = (uint16_t)IM_GET(r->irte[1], VTD_IRTE1_SID);
    uint16_t mask = ignored[IM_GET(r->irte[1], VTD_IRTE1_SQ)];
    uint16_t rid = r->msi->rid;
    bool ok;

    switch (IM_GET(r->irte[1], VTD_IRTE1_SVT)) {
    case 0:
        ok = true;
        break;
    case 1:
        ok = ((sid ^ rid) & ~mask) == 0;
        break;
    case 2:
        ok = rid >> 8 >= sid >> 8 && rid >> 8 <= (sid & 0xff);
        break;
    default:
        return VTD_FLT_IR_24;
    }
    return ok ? 0 : VTD_FLT_IR_26;
}

/* CLAUSE(VTD_IR_IRTE). Delivery modes 3 and 6 do not exist. */
static uint8_t check_irte(ImVtd *s, IntReq *r)
{
    uint64_t rsvd = IM_RSVD(VTD_IRTE0);
    unsigned dlm = (unsigned)IM_GET(r->irte[0], VTD_IRTE0_DLM);

    if (!s->ir.eime) {
        rsvd |= VTD_IRTE0_XAPIC_RSVD;
    }
    return (r->irte[0] & rsvd) || (r->irte[1] & IM_RSVD(VTD_IRTE1)) ||
           dlm == 3 || dlm == 6 ? VTD_FLT_IR_24 : 0;
}

/* 5.1.4, in its order; a check that lets the request pass is the last. */
static IntCheck *const checks[] = {
    check_enabled,
    check_format,
    check_index,
    fetch_irte,
    check_source,
    check_irte,
};

/* CLAUSE(VTD_IR_EIM) */
static ImIntOut remapped(const ImVtd *s, uint64_t irte)
{
    return (ImIntOut) {
        .status = IM_OK,
        .remapped = true,
        .vector = (uint8_t)IM_GET(irte, VTD_IRTE0_V),
        .delivery_mode = (uint8_t)IM_GET(irte, VTD_IRTE0_DLM),
        .level = IM_GET(irte, VTD_IRTE0_TM),
        .logical = IM_GET(irte, VTD_IRTE0_DM),
        .redirection_hint = IM_GET(irte, VTD_IRTE0_RH),
        .dest = (uint32_t)(s->ir.eime ? IM_GET(irte, VTD_IRTE0_DST)
                                      : VTD_IRTE0_XAPIC(irte)),
    };
}

static ImIntOut take_checks(ImVtd *s, IntReq *r)
{
    uint8_t fault = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(checks) && !fault && !r->pass; i++) {
        fault = checks[i](s, r);
    }
    return fault ? (ImIntOut) { .status = IM_FAULT, .fault = fault } :
           r->pass ? (ImIntOut) { .status = IM_OK } :
           remapped(s, r->irte[0]);
}

ImIntOut im_vtd_interrupt(ImVtd *s, const ImMsi *msi)
{
    IntReq r = { .msi = msi };
    ImIntOut out = take_checks(s, &r);

    s->counters.interrupts++;
    if (out.fault) {
        s->counters.interrupts_blocked++;
        im_vtd_fault_interrupt(s, msi, (uint16_t)r.index, out.fault,
                               IM_GET(r.irte[0], VTD_IRTE0_FPD));
    }
    return out;
}

ImIntOut im_vtd_explain_interrupt(ImVtd *s, const ImMsi *msi, ImStepFn *fn,
                                  void *opaque)
{
    IntReq r = { .msi = msi, .fn = fn, .opaque = opaque };

    return take_checks(s, &r);
}

bool im_vtd_eim_active(const ImVtd *s)
{
    return (s->gsts & IM_MASK(VTD_GCMD_IRE)) && s->ir.eime;
}
