/*
 * SMMUv3 registers and queues as the chapters behind them see them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_SMMUV3_REGS_H
#define HW_SMMUV3_REGS_H

#include "hw/core/regbank.h"
#include "hw/smmuv3/smmu.h"
#include "im/spec/smmu_regs.h.inc"

#define SMMU_LAYOUT_ROW(l)  IM_LAYOUT(l);
SMMU_REG_LAYOUTS(SMMU_LAYOUT_ROW)
#undef SMMU_LAYOUT_ROW

#define SMMU_REG_ID(name, ...)  SMMU_R_##name,
enum { SMMU_REGS(SMMU_REG_ID) SMMU_R_COUNT };
#undef SMMU_REG_ID

struct SmmuRegs {
    ImRegBank *bank;
};

static inline uint64_t im_smmu_reg(const ImSmmu *s, unsigned reg)
{
    return im_reg_get(s->regs->bank, reg, 0);
}

static inline void im_smmu_reg_set(ImSmmu *s, unsigned reg, uint64_t val)
{
    im_reg_set(s->regs->bank, reg, 0, val);
}

/* IDR0, and IDR1 in bits 63:32. */
static inline uint64_t im_smmu_features(const ImSmmu *s)
{
    return s->ids.idr[0] | (uint64_t)s->ids.idr[1] << 32;
}

static inline bool im_smmu_has(const ImSmmu *s, uint64_t features)
{
    return !(features & ~im_smmu_features(s));
}

static inline bool im_smmu_on(const ImSmmu *s, uint64_t cr0_field)
{
    return s->cr0 & cr0_field;
}

/* Bits above OAS are not stored, and truncated in commands (3.4.3). */
static inline uint64_t im_smmu_oas_mask(const ImSmmu *s)
{
    return s->oas_mask;
}

/* --- queues (3.5.1): regs.c --------------------------------------------- */

typedef struct SmmuQueue {
    uint64_t base;              /* aligned to the queue */
    unsigned lg2;               /* log2 of the number of entries */
    unsigned entry;             /* bytes of one */
    uint32_t prod, cons;        /* with the wrap bit, nothing above it */
} SmmuQueue;

typedef enum SmmuQueueId {
    SMMU_CMDQ,
    SMMU_EVENTQ,
    SMMU_PRIQ,
} SmmuQueueId;

/* A queue as its registers describe it now. */
SmmuQueue im_smmu_queue(const ImSmmu *s, SmmuQueueId id);

static inline uint32_t im_smmu_queue_next(const SmmuQueue *q, uint32_t at)
{
    return (at + 1) & (uint32_t)IM_BITS(q->lg2, 0);
}

static inline bool im_smmu_queue_empty(const SmmuQueue *q)
{
    return q->prod == q->cons;
}

static inline bool im_smmu_queue_full(const SmmuQueue *q)
{
    return (q->prod ^ q->cons) == 1u << q->lg2;
}

static inline uint64_t im_smmu_queue_addr(const SmmuQueue *q, uint32_t at)
{
    return q->base + (uint64_t)(at & ((1u << q->lg2) - 1)) * q->entry;
}

/* --- irq.c -------------------------------------------------------------- */

/* Pulse a source, if its enable says so: wire, and MSI when it has an
 * address. Not for CMD_SYNC. */
void im_smmu_irq(ImSmmu *s, ImSmmuIrq source);
/* The completion interrupt of a CMD_SYNC; no MSI when addr, the whole field,
 * is 0. */
void im_smmu_irq_sync(ImSmmu *s, uint64_t addr, uint32_t data);
/* Activate global errors (mask of GERROR bits) that are not active. */
void im_smmu_gerror(ImSmmu *s, uint64_t bits);
bool im_smmu_gerror_active(const ImSmmu *s, uint64_t bits);

/* --- cmdq.c ------------------------------------------------------------- */

SmmuCmdq *im_smmu_cmdq_new(void);
void im_smmu_cmdq_free(SmmuCmdq *q);
/* Fetch and execute what may be consumed now. */
void im_smmu_cmdq_run(ImSmmu *s);
/* No CMD_SYNC is held any longer. */
void im_smmu_cmdq_off(ImSmmu *s);
/* Name of a command, of two quad-words, or NULL. */
const char *im_smmu_cmd_name(const uint64_t *d);

/* --- atc.c -------------------------------------------------------------- */

SmmuAtc *im_smmu_atc_new(void);
void im_smmu_atc_free(SmmuAtc *a);
/* SMMUEN was cleared: no invalidation is waited for any longer. */
void im_smmu_atc_off(ImSmmu *s);
/* Whether an invalidation could be sent to a function now. */
bool im_smmu_atc_room(const ImSmmu *s, uint32_t sid);
/* Send it; there is room. Sets its ITag. */
void im_smmu_atc_send(ImSmmu *s, ImAtsInv *msg);
unsigned im_smmu_atc_outstanding(const ImSmmu *s);
/* One has timed out since the last CMD_SYNC that told so; and this does. */
bool im_smmu_atc_timed_out(const ImSmmu *s);
void im_smmu_atc_time_out_told(ImSmmu *s);
void im_smmu_atc_dump(const ImSmmu *s, GString *out);

/* --- eventq.c ----------------------------------------------------------- */

SmmuEventq *im_smmu_eventq_new(void);
void im_smmu_eventq_free(SmmuEventq *q);
void im_smmu_eventq_reset(ImSmmu *s);
/* Whether a record would be written now (3.5.4). */
bool im_smmu_eventq_writable(ImSmmu *s);
/* Write the record of a parked transaction; the queue was writable. False:
 * external abort, the record is lost. */
bool im_smmu_eventq_stall(ImSmmu *s, const SmmuEvent *e);

/* --- stall.c ------------------------------------------------------------ */

typedef enum SmmuResume {
    SMMU_RESUME_RETRY,
    SMMU_RESUME_ABORT,
    SMMU_RESUME_RAZWI,
} SmmuResume;

/* CMD_RESUME; without effect when nothing matches. */
void im_smmu_stall_resume(ImSmmu *s, uint32_t sid, uint16_t stag,
                          SmmuResume action);
/* CMD_STALL_TERM */
void im_smmu_stall_term(ImSmmu *s, uint32_t sid);
/* The event queue may have become writable. */
void im_smmu_stall_pump(ImSmmu *s);
void im_smmu_stalls_dump(ImSmmu *s, GString *out);

/* --- config.c, smmu.c --------------------------------------------------- */

uint32_t im_smmu_aidr(const ImSmmuConfig *cfg);
void im_smmu_changed(ImSmmu *s);
/* Listeners of one function. */
void im_smmu_unmap_fn(ImSmmu *s, const ImUnmap *unmap);

#endif /* HW_SMMUV3_REGS_H */
