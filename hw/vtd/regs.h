/*
 * VT-d registers as the chapters behind them see them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_VTD_REGS_H
#define HW_VTD_REGS_H

#include "hw/core/regbank.h"
#include "hw/vtd/vtd.h"
#include "im/spec/vtd_regs.h.inc"

#define VTD_LAYOUT_ROW(l)  IM_LAYOUT(l);
VTD_REG_LAYOUTS(VTD_LAYOUT_ROW)
#undef VTD_LAYOUT_ROW

#define VTD_REG_ID(name, ...)  VTD_R_##name,
enum { VTD_REGS(VTD_REG_ID) VTD_R_COUNT };
#undef VTD_REG_ID

struct VtdRegs {
    ImRegBank *bank;
    unsigned frcd_index;        /* next fault recording register, 7.2.1 */
};

/* A whole register by its row, element 0. */
static inline uint64_t im_vtd_reg(const ImVtd *s, unsigned reg)
{
    return im_reg_get(s->regs->bank, reg, 0);
}

static inline void im_vtd_reg_set(ImVtd *s, unsigned reg, uint64_t val)
{
    im_reg_set(s->regs->bank, reg, 0, val);
}

static inline bool im_vtd_has_ecap(const ImVtd *s, uint64_t mask)
{
    return (s->ecap & mask) == mask;
}

/* --- config.c ----------------------------------------------------------- */

/* Check; fill ver, cap and ecap of s from cfg. NULL, or a line to free. */
char *im_vtd_config_apply(ImVtd *s, const ImVtdConfig *cfg);

/* --- vtd.c -------------------------------------------------------------- */

/* Coherent write of a queue or a status; fails beyond HAW. */
ImBus im_vtd_mem_write(ImVtd *s, uint64_t pa, const void *buf, size_t len);
/* Whether [pa, pa + len) lies below 2^HAW. */
bool im_vtd_mem_inside(const ImVtd *s, uint64_t pa, size_t len);
/* A read that no counter sees: queues, dumps. */
ImBus im_vtd_mem_peek(ImVtd *s, uint64_t pa, void *buf, size_t len);
void im_vtd_event(ImVtd *s, const ImEvent *ev);
/* Tell listeners outside that translations are gone. */
void im_vtd_unmap(ImVtd *s, uint64_t addr, uint64_t mask);
/* Tell who keeps what tables say, see ImPort.invalidated. */
void im_vtd_invalidated(ImVtd *s, const ImInval *inval);
/* The same of everything. */
void im_vtd_invalidated_all(ImVtd *s);
/* Tell the host of it, see ImPort.changed. */
void im_vtd_changed(ImVtd *s);

/* --- regs.c ------------------------------------------------------------- */

VtdRegs *im_vtd_regs_new(ImVtd *s);
void im_vtd_regs_free(VtdRegs *r);
void im_vtd_regs_reset(ImVtd *s);

/* --- fault.c: events, 6.5.2.10, 7.3 and 7.5 ----------------------------- */

typedef enum VtdEvent {
    VTD_EVENT_FAULT,
    VTD_EVENT_INV,
    VTD_EVENT_PAGE,
    VTD_EVENT_COUNT,
} VtdEvent;

/* Set status bits; the event is raised if none was pending before. */
void im_vtd_event_set(ImVtd *s, VtdEvent ev, uint64_t bits);
/* The status register was written: IP goes with the last condition. */
void im_vtd_event_serviced(ImVtd *s, VtdEvent ev);
/* The control register was written: a pending message may be due. */
void im_vtd_event_unmask(ImVtd *s, VtdEvent ev);
/* An F field was cleared by software: recompute PPF. */
void im_vtd_fault_records_written(ImVtd *s);

/* --- inval.c ------------------------------------------------------------ */

/* Why a descriptor is not executed. The errors are IQERCD_REG.IQEI. */
typedef enum VtdIqResult {
    VTD_IQR_DONE = 0,
    VTD_IQR_BAD_TAIL = 1,
    VTD_IQR_FETCH = 2,
    VTD_IQR_BAD_TYPE = 3,
    VTD_IQR_RESERVED = 4,
    VTD_IQR_BAD_WIDTH = 5,
    VTD_IQR_TAIL_ALIGN = 6,
    VTD_IQR_BAD_TTM = 7,
    VTD_IQR_LATER,               /* not now: the head stays, no error */
} VtdIqResult;

void im_vtd_desc_context(ImVtd *s, const uint64_t *d);
VtdIqResult im_vtd_check_iotlb(ImVtd *s, const uint64_t *d);
void im_vtd_desc_iotlb(ImVtd *s, const uint64_t *d);
void im_vtd_desc_piotlb(ImVtd *s, const uint64_t *d);
void im_vtd_desc_pasid_cache(ImVtd *s, const uint64_t *d);
/* Register-based commands; return the register with its answer. */
uint64_t im_vtd_ccmd(ImVtd *s, uint64_t ccmd);
uint64_t im_vtd_iotlb_cmd(ImVtd *s, uint64_t iotlb, uint64_t iva);

/* --- iq.c --------------------------------------------------------------- */

VtdQueue *im_vtd_queue_new(void);
void im_vtd_queue_free(VtdQueue *q);
void im_vtd_queue_reset(ImVtd *s);
void im_vtd_queue_enable(ImVtd *s, bool on);
/* Fetch and execute what may be fetched now. */
void im_vtd_queue_run(ImVtd *s);
/* Waits no longer wait for these tags ... */
void im_vtd_queue_itags_freed(ImVtd *s, uint32_t itag_vector);
/* ... and those that wait for nothing are completed. */
void im_vtd_queue_resume(ImVtd *s);
void im_vtd_queue_drop_waits(ImVtd *s);
/* Count and tell an error of the queue; the kind is filled in. */
void im_vtd_command_error(ImVtd *s, const ImEvent *error);

/* --- devtlb.c: 4.3 ------------------------------------------------------ */

VtdDevTlb *im_vtd_devtlb_new(void);
void im_vtd_devtlb_free(VtdDevTlb *d);
void im_vtd_devtlb_reset(ImVtd *s);
void im_vtd_devtlb_dump(const ImVtd *s, GString *out);
/* A bit for each tag whose invalidation is outstanding. */
uint32_t im_vtd_itags_busy(const ImVtd *s);
VtdIqResult im_vtd_check_dev_tlb(ImVtd *s, const uint64_t *d);
void im_vtd_desc_dev_tlb(ImVtd *s, const uint64_t *d);
void im_vtd_desc_pdev_tlb(ImVtd *s, const uint64_t *d);

/* --- vcmd.c: 11.4.16 ---------------------------------------------------- */

/* VCCAP as advertised. */
uint64_t im_vtd_vccap(const ImVtd *s);
/* VCMD or VCMD_EO was written; old: as it was before. */
void im_vtd_vcmd_written(ImVtd *s, uint64_t old, unsigned bytes);
void im_vtd_vcmd_eo_written(ImVtd *s, uint64_t old);

/* --- pagereq.c ---------------------------------------------------------- */

/* Send a response; name is what traces show. */
void im_vtd_page_response(ImVtd *s, const ImPageResp *resp, const char *name);
void im_vtd_page_queue_dump(ImVtd *s, GString *out);

#endif /* HW_VTD_REGS_H */
