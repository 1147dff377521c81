/*
 * Interrupt remapping: chapter 5.1.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <string.h>

#include "hw/core/dump.h"
#include "hw/vtd/explain.h"
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
    ImClause clause;                /* what let it pass */
    ImStepFn *fn;                   /* explaining: no side effect */
    void *opaque;
} IntReq;

typedef uint8_t IntCheck(ImVtd *s, IntReq *r);

static const ImFieldRow *const irte_fields[] = {
    IM_FIELDS(VTD_IRTE0),
    IM_FIELDS(VTD_IRTE1),
};

/* A step of who explains, without a read. */
static G_GNUC_PRINTF(4, 5) void tell(const IntReq *r, const char *what,
                                     ImClause clause, const char *note, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    if (!r->fn) {
        return;
    }
    va_start(args, note);
    text = g_strdup_vprintf(note, args);
    va_end(args);
    r->fn(r->opaque,
          &(ImStep) { .what = what, .clause = clause, .note = text });
}

IM_RULE(VTD_IR_DISABLED);
static uint8_t vtd_intremap_check_enabled(ImVtd *s, IntReq *r)
{
    if (s->gsts & IM_MASK(VTD_GCMD_IRE)) {
        return im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_EIMER)) && !s->ir.eime ?
                   VTD_FLT_IR_2A :
                   0;
    }
    r->pass = true;
    r->clause = IM_CLAUSE(VTD_IR_DISABLED);
    tell(r, "interrupt remapping", r->clause, "off: GSTS.IRES=0");
    return im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_IRREQ)) ? VTD_FLT_IR_2B : 0;
}

IM_RULE(VTD_IR_COMPAT);
static uint8_t vtd_intremap_check_format(ImVtd *s, IntReq *r)
{
    if (IM_GET(r->msi->addr, VTD_IRADDR_FORMAT)) {
        tell(r, "interrupt request", IM_CLAUSE(VTD_IR_REMAPPABLE),
             "remappable format: address bit 4 is 1");
        return 0;
    }
    r->pass = true;
    r->clause = IM_CLAUSE(VTD_IR_COMPAT);
    tell(r, "interrupt request", r->clause,
         "compatibility format: address "
         "bit 4 is 0; IRTA.EIME=%d, GSTS.CFIS=%d",
         s->ir.eime, !!(s->gsts & IM_MASK(VTD_GCMD_CFI)));
    return s->ir.eime || !(s->gsts & IM_MASK(VTD_GCMD_CFI)) ? VTD_FLT_IR_25 : 0;
}

/* Reserved bits first, then the index. */
IM_RULE(VTD_IR_REMAPPABLE);
static uint8_t vtd_intremap_check_index(ImVtd *s, IntReq *r)
{
    uint64_t addr = r->msi->addr;

    r->index = (uint32_t)(IM_GET(addr, VTD_IRADDR_HANDLE) |
                          IM_GET(addr, VTD_IRADDR_HANDLE15) << 15);
    if (IM_GET(addr, VTD_IRADDR_SHV)) {
        if (r->msi->data & IM_RSVD(VTD_IRDATA)) {
            return VTD_FLT_IR_20;
        }
        r->index += (uint32_t)IM_GET((uint64_t)r->msi->data,
                                     VTD_IRDATA_SUBHANDLE);
    }
    tell(r, "interrupt index", IM_CLAUSE(VTD_IR_INDEX), "%u of %u entries",
         r->index, s->ir.entries);
    return r->index >= s->ir.entries ? VTD_FLT_IR_21 : 0;
}

/* The whole entry in one read: software changes it atomically. */
static uint8_t vtd_intremap_fetch_irte(ImVtd *s, IntReq *r)
{
    uint64_t addr = s->ir.table + (uint64_t)r->index * sizeof(r->irte);
    ImBus bus;

    if (!im_vtd_mem_inside(s, addr, sizeof(r->irte))) {
        return VTD_FLT_IR_21;
    }
    bus = im_vtd_mem_peek(s, addr, r->irte, sizeof(r->irte));
    if (bus != IM_BUS_OK) {
        memset(r->irte, 0, sizeof(r->irte));
    }
    r->irte[0] = GUINT64_FROM_LE(r->irte[0]);
    r->irte[1] = GUINT64_FROM_LE(r->irte[1]);
    if (r->fn) {
        im_vtd_tell_entry(r->fn, r->opaque, "IRTE", addr, r->irte, irte_fields,
                          G_N_ELEMENTS(irte_fields), bus);
    }
    if (bus != IM_BUS_OK) {
        return VTD_FLT_IR_23;
    }
    return IM_GET(r->irte[0], VTD_IRTE0_P) ? 0 : VTD_FLT_IR_22;
}

/* What an entry expects of its requester, in words; free it. */
static char *vtd_intremap_expected_source(const IntReq *r)
{
    static const char *const by_sq[] = {
        "",
        " (function number bit 2 ignored)",
        " (function number bits 2:1 ignored)",
        " (function number ignored)",
    };
    unsigned sid = (unsigned)IM_GET(r->irte[1], VTD_IRTE1_SID);

    switch (IM_GET(r->irte[1], VTD_IRTE1_SVT)) {
    case 0:
        return g_strdup("any requester");
    case 1:
        return g_strdup_printf("requester " VTD_RID_FORMAT "%s",
                               VTD_RID_ARGS(sid),
                               by_sq[IM_GET(r->irte[1], VTD_IRTE1_SQ)]);
    case 2:
        return g_strdup_printf("a requester of buses %02x to %02x", sid >> 8,
                               sid & 0xff);
    default:
        return g_strdup("what SVT=3 does not define");
    }
}

static bool vtd_intremap_source_matches(const IntReq *r)
{
    static const uint16_t ignored[] = { 0, 4, 6, 7 };       /* by SQ */
    uint16_t sid = (uint16_t)IM_GET(r->irte[1], VTD_IRTE1_SID);
    uint16_t mask = ignored[IM_GET(r->irte[1], VTD_IRTE1_SQ)];
    uint16_t rid = r->msi->rid;

    switch (IM_GET(r->irte[1], VTD_IRTE1_SVT)) {
    case 1:
        return ((sid ^ rid) & ~mask) == 0;
    case 2:
        return rid >> 8 >= sid >> 8 && rid >> 8 <= (sid & 0xff);
    default:
        return true;
    }
}

IM_RULE(VTD_IR_SVT);
IM_RULE(VTD_IR_ANY_SOURCE);
static uint8_t vtd_intremap_check_source(ImVtd *s G_GNUC_UNUSED, IntReq *r)
{
    if (r->fn) {
        g_autofree char *text = vtd_intremap_expected_source(r);

        tell(r, "interrupt source",
             r->msi->any_source ? IM_CLAUSE(VTD_IR_ANY_SOURCE) :
                                  IM_CLAUSE(VTD_IR_SVT),
             VTD_RID_FORMAT ", the entry expects %s%s",
             VTD_RID_ARGS((unsigned)r->msi->rid), text,
             r->msi->any_source ? "; not verified" : "");
    }
    if (IM_GET(r->irte[1], VTD_IRTE1_SVT) == 3) {
        return VTD_FLT_IR_24;
    }
    return r->msi->any_source || vtd_intremap_source_matches(r) ? 0 :
                                                                  VTD_FLT_IR_26;
}

/* Delivery modes 3 and 6 do not exist. */
IM_RULE(VTD_IR_IRTE);
static uint8_t vtd_intremap_check_irte(ImVtd *s, IntReq *r)
{
    uint64_t rsvd = IM_RSVD(VTD_IRTE0) | IM_MASK(VTD_IRTE0_IM);
    unsigned dlm = (unsigned)IM_GET(r->irte[0], VTD_IRTE0_DLM);

    if (!s->ir.eime) {
        rsvd |= VTD_IRTE0_XAPIC_RSVD;
    }
    r->clause = IM_CLAUSE(VTD_IR_IRTE);
    return (r->irte[0] & rsvd) || (r->irte[1] & IM_RSVD(VTD_IRTE1)) ||
                   dlm == 3 || dlm == 6 ?
               VTD_FLT_IR_24 :
               0;
}

/* 5.1.4, in its order; a check that lets the request pass is the last. */
/* clang-format off */
static IntCheck *const checks[] = {
    vtd_intremap_check_enabled,
    vtd_intremap_check_format,
    vtd_intremap_check_index,
    vtd_intremap_fetch_irte,
    vtd_intremap_check_source,
    vtd_intremap_check_irte,
};
/* clang-format on */

IM_RULE(VTD_IR_EIM);
static ImIntOut vtd_intremap_remapped(const ImVtd *s, uint64_t irte)
{
    return (ImIntOut) {
        .status = IM_OK,
        .remapped = true,
        .vector = (uint8_t)IM_GET(irte, VTD_IRTE0_V),
        .delivery_mode = (uint8_t)IM_GET(irte, VTD_IRTE0_DLM),
        .level = IM_GET(irte, VTD_IRTE0_TM),
        .logical = IM_GET(irte, VTD_IRTE0_DM),
        .redirection_hint = IM_GET(irte, VTD_IRTE0_RH),
        .dest = (uint32_t)(s->ir.eime ? IM_GET(irte, VTD_IRTE0_DST) :
                                        VTD_IRTE0_XAPIC(irte)),
    };
}

static ImIntOut vtd_intremap_take_checks(ImVtd *s, IntReq *r)
{
    uint8_t fault = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(checks) && !fault && !r->pass; i++) {
        fault = checks[i](s, r);
    }
    return fault   ? (ImIntOut) { .status = IM_FAULT, .fault = fault } :
           r->pass ? (ImIntOut) { .status = IM_OK } :
                     vtd_intremap_remapped(s, r->irte[0]);
}

/* A driver that programs another source than the hardware's is common. */
static void vtd_intremap_advise_source(ImVtd *s, const IntReq *r)
{
    g_autofree char *expected = vtd_intremap_expected_source(r);
    g_autofree char *text = g_strdup_printf("interrupt of " VTD_RID_FORMAT
                                            " (IRTE %u) is blocked: the entry "
                                            "expects %s",
                                            VTD_RID_ARGS((unsigned)r->msi->rid),
                                            r->index, expected);

    im_vtd_event(s, &(ImEvent) { .kind = IM_EVENT_ADVICE,
                                 .msi = r->msi,
                                 .name = "interrupt-source",
                                 .text = text });
}

ImIntOut im_vtd_interrupt(ImVtd *s, const ImMsi *msi)
{
    IntReq r = { .msi = msi };
    ImIntOut out = vtd_intremap_take_checks(s, &r);

    s->counters.interrupts++;
    if (out.fault) {
        s->counters.interrupts_blocked++;
        im_vtd_fault_interrupt(s, msi, (uint16_t)r.index, out.fault,
                               IM_GET(r.irte[0], VTD_IRTE0_FPD));
    }
    if (out.fault == VTD_FLT_IR_26) {
        vtd_intremap_advise_source(s, &r);
    }
    return out;
}

/* --- for people --------------------------------------------------------- */

static char *vtd_intremap_describe(const ImIntOut *out)
{
    static const char *const modes[] = {
        "fixed", "lowest priority", "SMI",    "reserved", "NMI",
        "INIT",  "reserved",        "ExtINT",
    };

    return out->remapped ?
               g_strdup_printf("remapped: vector %02xh to %s APIC ID %" PRIx32
                               "h, %s, %s%s",
                               out->vector,
                               out->logical ? "logical" : "physical", out->dest,
                               modes[out->delivery_mode],
                               out->level ? "level" : "edge",
                               out->redirection_hint ? ", redirection hint" :
                                                       "") :
               g_strdup("passes as it came");
}

/* IM=1 asks for what CAP.PI=0 says is not there. */
static bool vtd_intremap_asks_for_posting(const IntReq *r)
{
    return r->irte[0] & IM_MASK(VTD_IRTE0_IM);
}

static void vtd_intremap_tell_result(const IntReq *r, const ImIntOut *out)
{
    const VtdFaultDef *def = im_vtd_fault_def(out->fault);

    if (out->fault) {
        tell(r, "result", def->clause, "%s%s", def->text,
             out->fault == VTD_FLT_IR_24 && vtd_intremap_asks_for_posting(r) ?
                 ": IM=1 is the posted format, which CAP.PI=0 reserves" :
                 "");
    } else {
        g_autofree char *words = vtd_intremap_describe(out);

        tell(r, "result", r->clause, "%s", words);
    }
}

ImIntOut im_vtd_explain_interrupt(ImVtd *s, const ImMsi *msi, ImStepFn *fn,
                                  void *opaque)
{
    IntReq r = { .msi = msi, .fn = fn, .opaque = opaque };
    ImIntOut out = vtd_intremap_take_checks(s, &r);

    vtd_intremap_tell_result(&r, &out);
    return out;
}

bool im_vtd_eim_active(const ImVtd *s)
{
    return (s->gsts & IM_MASK(VTD_GCMD_IRE)) && s->ir.eime;
}
