/*
 * From an untranslated address to a translated one.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_XLAT_H
#define HW_PCIE_XLAT_H

#include "hw/pcie/ep.h"

/* Outcome of asking the ATC and the translation agent. */
typedef enum EpXlatKind {
    EP_XLAT_OK,
    EP_XLAT_NONE,               /* no permission: recoverable */
    EP_XLAT_U,                  /* untranslated requests only */
    EP_XLAT_UR,
    EP_XLAT_CA,
    EP_XLAT_MALFORMED,
} EpXlatKind;

typedef struct EpXlat {
    EpXlatKind kind;
    uint64_t addr;              /* of the requested byte */
    uint64_t base;              /* of the region, translated */
    uint8_t lg2;
    ImXlat raw;                 /* as answered, when one was asked */
} EpXlat;

/* A hit of the ATC that permits what is wanted, else ask. */
EpXlat im_ep_xlat(ImEp *ep, const EpReq *req);
/* One translation request; its answer is not cached. */
EpXlat im_ep_ats_ask(ImEp *ep, const EpReq *req);
/* Put an answer into the ATC. Answers that grant nothing are not kept. */
void im_ep_ats_keep(ImEp *ep, const EpReq *req, const EpXlat *x);
/* An answer as it is on the wire. */
uint64_t im_ep_ats_entry(const EpXlat *x);

#endif /* HW_PCIE_XLAT_H */
