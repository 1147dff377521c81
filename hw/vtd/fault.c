/*
 * Primary fault logging, 7.2, and the state machine that the three events
 * share, 6.5.2.10, 7.3 and 7.5.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/vtd/regs.h"

/* --- Events ------------------------------------------------------------- */

typedef struct EventDef {
    const char *name;
    unsigned status, ctl, data, addr, uaddr;    /* registers */
    uint64_t conditions;                        /* of the status register */
} EventDef;

#define EVENT_REGS(p)  \
    VTD_R_##p##CTL, VTD_R_##p##DATA, VTD_R_##p##ADDR, VTD_R_##p##UADDR

static const EventDef event_defs[VTD_EVENT_COUNT] = {
    [VTD_EVENT_FAULT] = {
        "fault event", VTD_R_FSTS, EVENT_REGS(FE),
        IM_MASK(VTD_FSTS_PFO) | IM_MASK(VTD_FSTS_PPF) |
        IM_MASK(VTD_FSTS_IQE) | IM_MASK(VTD_FSTS_ICE) |
        IM_MASK(VTD_FSTS_ITE),
    },
    [VTD_EVENT_INV] = {
        "invalidation completion event", VTD_R_ICS, EVENT_REGS(IE),
        IM_MASK(VTD_ICS_IWC),
    },
    [VTD_EVENT_PAGE] = {
        "page request event", VTD_R_PRS, EVENT_REGS(PE),
        IM_MASK(VTD_PRS_PPR) | IM_MASK(VTD_PRS_PRO),
    },
};

static bool vtd_fault_event_pending(ImVtd *s, const EventDef *def)
{
    return im_vtd_reg(s, def->status) & def->conditions;
}

/* Never remapped: straight to the host. */
IM_RULE(VTD_7_3_EVENT_MASKED);
static void vtd_fault_event_deliver(ImVtd *s, const EventDef *def)
{
    uint64_t ctl = im_vtd_reg(s, def->ctl);
    ImMsi msi = {
        .addr = im_vtd_reg(s, def->uaddr) << 32 | im_vtd_reg(s, def->addr),
        .data = (uint32_t)im_vtd_reg(s, def->data),
    };
    ImEvent ev = { IM_EVENT_INTERRUPT, .name = def->name, .msi = &msi };

    if (!IM_GET(ctl, VTD_EVCTL_IP) || IM_GET(ctl, VTD_EVCTL_IM)) {
        return;
    }
    im_vtd_reg_set(s, def->ctl, ctl & ~IM_MASK(VTD_EVCTL_IP));
    im_vtd_event(s, &ev);
    s->port.msi(s->host, &msi);
}

IM_RULE(VTD_7_3_EVENT_ONCE);
void im_vtd_event_set(ImVtd *s, VtdEvent ev, uint64_t bits)
{
    const EventDef *def = &event_defs[ev];
    bool pending = vtd_fault_event_pending(s, def);
    uint64_t ctl;

    im_vtd_reg_set(s, def->status, im_vtd_reg(s, def->status) | bits);
    if (pending || !vtd_fault_event_pending(s, def)) {
        return;
    }
    ctl = im_vtd_reg(s, def->ctl);
    im_vtd_reg_set(s, def->ctl, ctl | IM_MASK(VTD_EVCTL_IP));
    vtd_fault_event_deliver(s, def);
}

IM_RULE(VTD_7_3_EVENT_SERVICED);
void im_vtd_event_serviced(ImVtd *s, VtdEvent ev)
{
    const EventDef *def = &event_defs[ev];

    if (!vtd_fault_event_pending(s, def)) {
        im_vtd_reg_set(s, def->ctl,
                       im_vtd_reg(s, def->ctl) & ~IM_MASK(VTD_EVCTL_IP));
    }
}

void im_vtd_event_unmask(ImVtd *s, VtdEvent ev)
{
    vtd_fault_event_deliver(s, &event_defs[ev]);
}

/* --- Fault records ------------------------------------------------------ */

/* What one fault record holds, and who asked. */
typedef struct FaultRecord {
    uint64_t info;              /* FRCD_REG 63:0 */
    uint64_t head;              /* FRCD_REG 127:64 without F */
    uint8_t reason;
    bool fpd;
    const ImTxn *txn;
    const ImPageReq *req;
    const ImMsi *msi;
} FaultRecord;

/* How a fault ended, and how traces name it. */
typedef enum FaultFate {
    FATE_RECORDED,
    FATE_FPD,
    FATE_OVERFLOW,
} FaultFate;

typedef struct FateDef {
    const char *name;
    uint64_t status;            /* of FSTS_REG, set after the event */
} FateDef;

IM_RULE(VTD_7_2_1_OVERFLOW);
static const FateDef fates[] = {
    [FATE_RECORDED] = { "recorded", IM_MASK(VTD_FSTS_PPF) },
    [FATE_FPD] = { "not recorded: FPD", 0 },
    [FATE_OVERFLOW] = { "not recorded: overflow", IM_MASK(VTD_FSTS_PFO) },
};

static unsigned vtd_fault_record_count(const ImVtd *s)
{
    return (unsigned)IM_GET(s->cap, VTD_CAP_NFR) + 1;
}

IM_RULE(VTD_7_2_1_PPF);
void im_vtd_fault_records_written(ImVtd *s)
{
    uint64_t fsts = im_vtd_reg(s, VTD_R_FSTS) & ~IM_MASK(VTD_FSTS_PPF);

    for (unsigned i = 0; i < vtd_fault_record_count(s); i++) {
        if (im_reg_get(s->regs->bank, VTD_R_FRCD1, i) &
            IM_MASK(VTD_FRCD1_FAULT)) {
            fsts |= IM_MASK(VTD_FSTS_PPF);
            break;
        }
    }
    im_vtd_reg_set(s, VTD_R_FSTS, fsts);
    im_vtd_event_serviced(s, VTD_EVENT_FAULT);
}

IM_RULE(VTD_7_1_1_FPD);
static bool vtd_fault_suppressed(const FaultRecord *f)
{
    const VtdFaultDef *def = im_vtd_fault_def(f->reason);

    return f->fpd && def && def->qualified;
}

/* Equal requesters are not collapsed. */
IM_RULE(VTD_7_2_1_RECORD);
static FaultFate vtd_fault_record(ImVtd *s, const FaultRecord *f)
{
    uint64_t fsts = im_vtd_reg(s, VTD_R_FSTS);
    unsigned i = s->regs->frcd_index;
    ImRegBank *bank = s->regs->bank;

    if (vtd_fault_suppressed(f)) {
        return FATE_FPD;
    }
    if (IM_GET(fsts, VTD_FSTS_PFO) ||
        im_reg_get(bank, VTD_R_FRCD1, i) & IM_MASK(VTD_FRCD1_FAULT)) {
        return FATE_OVERFLOW;
    }
    im_reg_set(bank, VTD_R_FRCD0, i, f->info);
    im_reg_set(bank, VTD_R_FRCD1, i, f->head | IM_MASK(VTD_FRCD1_FAULT));
    s->regs->frcd_index = (i + 1) % vtd_fault_record_count(s);
    IM_RULE(VTD_7_2_1_FRI);
    if (!IM_GET(fsts, VTD_FSTS_PPF)) {
        im_vtd_reg_set(s, VTD_R_FSTS, IM_SET(fsts, VTD_FSTS_FRI, i));
    }
    return FATE_RECORDED;
}

static void vtd_fault_log_fault(ImVtd *s, FaultRecord *f)
{
    ImEvent ev = {
        .kind = IM_EVENT_FAULT,
        .clause = im_vtd_fault_def(f->reason)->clause,
        .txn = f->txn,
        .req = f->req,
        .msi = f->msi,
    };
    FaultFate fate;

    f->head |= IM_PUT(VTD_FRCD1_FR, f->reason);
    fate = vtd_fault_record(s, f);
    if (fate == FATE_RECORDED) {
        s->counters.faults_recorded++;
    } else {
        s->counters.faults_dropped++;
    }
    ev.name = fates[fate].name;
    ev.hidden = fate != FATE_RECORDED;
    ev.arg[0] = f->reason;
    ev.arg[1] = f->info;
    ev.arg[2] = f->head;
    im_vtd_event(s, &ev);
    im_vtd_event_set(s, VTD_EVENT_FAULT, fates[fate].status);
}

/* 11.4.7.6: bits above the largest AGAW are reserved. */
static uint64_t vtd_fault_page_of(const ImVtd *s, uint64_t addr)
{
    static const unsigned agaw[] = { 0, 39, 48, 57, 0 };
    uint64_t sagaw = IM_GET(s->cap, VTD_CAP_SAGAW);
    unsigned width = (unsigned)IM_GET(s->cap, VTD_CAP_MGAW) + 1;

    for (unsigned i = 0; i < G_N_ELEMENTS(agaw); i++) {
        if (sagaw >> i & 1) {
            width = agaw[i];
        }
    }
    return addr & IM_BITS(width - 1, 12);
}

/* The two type bits of a record, T1 and T2. */
static uint64_t vtd_fault_type_bits(bool t1, bool t2)
{
    return IM_PUT(VTD_FRCD1_T1, t1) | IM_PUT(VTD_FRCD1_T2, t2);
}

static uint64_t vtd_fault_pasid_bits(bool has_pasid, uint32_t pasid, bool exec,
                                     bool priv)
{
    if (!has_pasid) {
        return 0;
    }
    return IM_MASK(VTD_FRCD1_PP) | IM_PUT(VTD_FRCD1_PV, pasid) |
           IM_PUT(VTD_FRCD1_EXE, exec) | IM_PUT(VTD_FRCD1_PRIV, priv);
}

/* A translation request is a memory read. */
IM_RULE(VTD_REG_FRCD);
void im_vtd_fault_dma(ImVtd *s, const ImTxn *txn, uint8_t reason, bool fpd)
{
    uint8_t access = txn->at == IM_AT_TRANSLATION ? IM_READ : txn->access;
    FaultRecord f = {
        .info = vtd_fault_page_of(s, txn->addr),
        .head = IM_PUT(VTD_FRCD1_SID, txn->rid) |
                IM_PUT(VTD_FRCD1_AT, txn->at) |
                vtd_fault_type_bits(access & IM_READ, access == IM_ATOMIC) |
                vtd_fault_pasid_bits(txn->has_pasid, txn->pasid,
                                     txn->exec && access == IM_READ, txn->priv),
        .reason = reason,
        .fpd = fpd,
        .txn = txn,
    };

    vtd_fault_log_fault(s, &f);
}

void im_vtd_fault_page_request(ImVtd *s, const ImPageReq *req, uint8_t reason,
                               bool fpd)
{
    FaultRecord f = {
        .info = vtd_fault_page_of(s, req->addr),
        .head =
            IM_PUT(VTD_FRCD1_SID, req->rid) | vtd_fault_type_bits(false, true) |
            vtd_fault_pasid_bits(req->has_pasid, req->pasid, false, req->priv),
        .reason = reason,
        .fpd = fpd,
        .req = req,
    };

    vtd_fault_log_fault(s, &f);
}

/*
 * Whether a reason of 5.1.4.1 comes with the interrupt_index. What is no
 * interrupt, 29h, is recorded as the DMA request that it is.
 */
static bool vtd_fault_index_defined(uint8_t reason)
{
    return reason >= VTD_FLT_IR_21 && reason <= VTD_FLT_IR_26 &&
           reason != VTD_FLT_IR_25;
}

void im_vtd_fault_interrupt(ImVtd *s, const ImMsi *msi, uint16_t index,
                            uint8_t reason, bool fpd)
{
    FaultRecord f = {
        .info = vtd_fault_index_defined(reason) ? (uint64_t)index << 48 : 0,
        .head = IM_PUT(VTD_FRCD1_SID, msi->rid),
        .reason = reason,
        .fpd = fpd,
        .msi = msi,
    };

    vtd_fault_log_fault(s, &f);
}
