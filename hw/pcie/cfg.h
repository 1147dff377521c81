/*
 * The extended capabilities: their bits, and what these allow.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_CFG_H
#define HW_PCIE_CFG_H

#include "hw/pcie/ep.h"

#include "im/spec/pcie_caps.h.inc"

IM_LAYOUT(PCIE_PASID0);
IM_LAYOUT(PCIE_ATS0);
IM_LAYOUT(PCIE_PRI0);
IM_LAYOUT(PCIE_PRI1);
IM_LAYOUT(PCIE_ACS0);

/* Capabilities, and the quad-words that they are made of. */
enum { EP_CAP_PASID, EP_CAP_ATS, EP_CAP_PRI, EP_CAP_ACS, EP_CAPS };
enum { EP_PASID0, EP_ATS0, EP_PRI0, EP_PRI1, EP_ACS0, EP_QUADS };

struct EpCfg *im_ep_cfg_new(const ImEpConfig *config);
/* Every bit that anybody can change has its reset value. */
void im_ep_cfg_reset(ImEp *ep);

/* A quad-word of a capability; 0 if the function lacks that. */
uint64_t im_ep_cap(const ImEp *ep, unsigned quad);
#define EP_CAP(ep, quad, field)  IM_GET(im_ep_cap(ep, quad), field)
/* Where a capability is in configuration space; 0: nowhere. */
unsigned im_ep_cap_at(const ImEp *ep, unsigned cap);
/* The quad-word at an offset of configuration space, or -1. */
int im_ep_cap_find(const ImEp *ep, unsigned off);
/* Write those of the lanes' bits that software can; returns what was. */
uint64_t im_ep_cap_write(ImEp *ep, unsigned quad, uint64_t val, uint64_t lanes);
/* Put a whole quad-word, and set or clear status bits of one. */
void im_ep_cap_put(ImEp *ep, unsigned quad, uint64_t val);
void im_ep_cap_status(ImEp *ep, unsigned quad, uint64_t bits, bool on);

bool im_ep_ats_on(const ImEp *ep);
/* A translation request was answered UR: ask no more until ATS is enabled
 * anew (ended false). */
bool im_ep_ats_ended(const ImEp *ep);
void im_ep_ats_end(ImEp *ep, bool ended);

/* What configuration forbids about a request; ats: it needs ATS Enable.
 * PASID_EP_CAUSE_*, NONE: it is allowed. */
unsigned im_ep_refuse(const ImEp *ep, const EpReq *req, bool ats);
/* Latch the misuse bit that belongs to a refusal. */
void im_ep_refused(ImEp *ep, unsigned cause, uint32_t arg);

#endif /* HW_PCIE_CFG_H */
