/*
 * The page request interface: groups, their indices, allocation.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_PRI_H
#define HW_PCIE_PRI_H

#include "hw/pcie/ep.h"

struct EpPri *im_ep_pri_new(void);
/* As after a reset; no channel waits. */
void im_ep_pri_reset(ImEp *ep);
/* PRI is enabled, and no answer has said that it is not to be used. */
bool im_ep_pri_on(const ImEp *ep);
/* Disabled, and nothing outstanding. */
bool im_ep_pri_stopped(const ImEp *ep);
/* It was enabled anew. */
void im_ep_pri_enabled(ImEp *ep);
/* Page request messages that are not answered. */
uint32_t im_ep_pri_outstanding(const ImEp *ep);
/* How many more may be sent. */
uint32_t im_ep_pri_room(const ImEp *ep);

/* An index that is not outstanding, or -1; they are used in turn. */
int im_ep_pri_free_index(ImEp *ep);
/* The index of the group of raw requests that is open, or a free one. */
int im_ep_pri_raw_index(ImEp *ep);
/* Whether an outstanding group may not be continued by a raw request. */
bool im_ep_pri_taken(const ImEp *ep, const ImPageReq *req);
/* Whether a group takes more messages: neither closed nor answered. */
bool im_ep_pri_open(const ImEp *ep, int prgi);
/* Send one message and account for it in its group, which belongs to a
 * channel or to EP_RAW. */
void im_ep_pri_send(ImEp *ep, const ImPageReq *req, int channel);
/* A stop marker: no index, no allocation, no response. */
void im_ep_pri_send_marker(ImEp *ep, const ImPageReq *marker);
/* The same after the last request with a PASID, if that may be sent. */
void im_ep_pri_stop_marker(ImEp *ep, uint32_t pasid);

/* The group stays outstanding, but its channel does not wait for it. */
void im_ep_pri_abandon(ImEp *ep, uint16_t prgi, unsigned channel);
/* Pending requests and credits are forgotten. */
void im_ep_pri_forget(ImEp *ep);
void im_ep_pri_dump(const ImEp *ep, GString *out);

#endif /* HW_PCIE_PRI_H */
