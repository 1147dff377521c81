/*
 * What the endpoint tells its software: log ring, misuse bits, events.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/pcie/ep.h"

void im_ep_log(ImEp *ep, unsigned kind, unsigned code, unsigned flags,
               uint64_t addr, bool has_pasid, uint32_t pasid, uint32_t arg)
{
    EpLogRecord *r = &ep->log[ep->logged % PASID_EP_LOG_RECORDS];

    if (!IM_GET(EP_REG(ep, CONTROL), EP_CONTROL_LOG)) {
        return;
    }
    r->word[0] = IM_PUT(EP_LOG_HEAD_KIND, kind) |
                 IM_PUT(EP_LOG_HEAD_CODE, code) |
                 IM_PUT(EP_LOG_HEAD_HAS_PASID, has_pasid) |
                 IM_PUT(EP_LOG_HEAD_FLAGS, flags) |
                 IM_PUT(EP_LOG_HEAD_SEQ, ep->logged);
    r->word[1] = addr;
    r->word[2] = IM_PUT(EP_LOG_PASID_PASID, has_pasid ? pasid : 0) |
                 IM_PUT(EP_LOG_PASID_ARG, arg);
    r->word[3] = im_ep_now(ep);
    ep->logged++;
}

/* The n-th quad-word of the log's window. */
uint64_t im_ep_log_read(const ImEp *ep, uint64_t off)
{
    return ep->log[off / PASID_EP_LOG_STRIDE % PASID_EP_LOG_RECORDS]
               .word[off % PASID_EP_LOG_STRIDE / 8];
}

uint64_t im_ep_r_log_count(ImEp *ep, EpChannel *ch)
{
    (void)ch;
    return ep->logged;
}

/* One interrupt for each occurrence that finds the bit clear. */
void im_ep_raise(ImEp *ep, unsigned bit)
{
    uint64_t mask = UINT64_C(1) << bit;

    if (EP_REG(ep, EVENT) & mask) {
        return;
    }
    EP_REG(ep, EVENT) |= mask;
    if (EP_REG(ep, EVENT_ENABLE) & mask) {
        im_ep_interrupt(ep, EP_REG(ep, EVENT_VECTOR));
    }
}

/* Logged when latched: a guest in a loop does not flood the ring. */
void im_ep_misuse(ImEp *ep, unsigned bit, uint32_t arg)
{
    uint64_t mask = UINT64_C(1) << bit;

    if (EP_REG(ep, MISUSE) & mask) {
        return;
    }
    EP_REG(ep, MISUSE) |= mask;
    im_ep_log(ep, PASID_EP_LOG_MISUSE, bit, 0, 0, false, 0, arg);
    im_ep_raise(ep, EP_EVENT_MISUSE_LO);
}
