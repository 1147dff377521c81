/*
 * Fault injection: what is kept back of what the function was going to do.
 * Who keeps something back gives the function that does it when its time, or
 * RELEASE, has come.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_HOLD_H
#define HW_PCIE_HOLD_H

#include "hw/pcie/ep.h"

typedef enum EpHoldKind {
    EP_HOLD_INV,                /* completions of invalidations */
    EP_HOLD_RESP,               /* page responses */
    EP_HOLD_END,                /* ends of parked requests */
    EP_HOLD_KINDS,
} EpHoldKind;

typedef struct EpHeld EpHeld;
struct EpHeld {
    void (*deliver)(ImEp *ep, const EpHeld *what);
    uint32_t itag_vector;       /* EP_HOLD_INV */
    ImPageResp resp;            /* EP_HOLD_RESP */
    uint64_t handle;            /* EP_HOLD_END */
    ImStatus status;
    ImCpl cpl;
    uint64_t due;               /* hold.c; IM_NEVER: until RELEASE */
};

struct EpHold *im_ep_hold_new(void);
void im_ep_hold_free(struct EpHold *hold);
/* Take one of an injection's count; false when it is used up. */
bool im_ep_inject(ImEp *ep, EpReg count);
/* Keep a copy, if software wants that of this kind. */
bool im_ep_hold(ImEp *ep, EpHoldKind kind, const EpHeld *what);
/* Deliver what is due, or all. */
void im_ep_held_deliver(ImEp *ep, bool all);
/* When to do so next; IM_NEVER. */
uint64_t im_ep_held_due(const ImEp *ep);
bool im_ep_held_any(const ImEp *ep);
/* Nobody waits for messages any more; parked requests just end. */
void im_ep_held_reset(ImEp *ep);

#endif /* HW_PCIE_HOLD_H */
