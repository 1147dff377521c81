/*
 * Page request groups, for the files that deal with them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOASID_FAULT_H
#define HW_IOASID_FAULT_H

#include "hw/ioasid/ledger.h"
#include "im/im_event.h"

typedef struct IoPage {
    ImLink link;
    uint64_t addr;
    uint32_t perm;
} IoPage;

struct IoGroup {
    ImLink in_queue;            /* once it is whole */
    ImLink by_bind;
    IoBind *bind;
    IoQueue *queue;
    IoFifo pages;
    uint32_t count;
    uint32_t pasid;             /* on the bus */
    uint32_t gpasid;
    uint16_t prgi;
    bool has_pasid;
    bool whole;
    bool read;
    uint32_t slot;
    uint64_t ticket;
    uint64_t deadline;
};

/* The group of a set that was read under a ticket. 0, -ENOENT, -EALREADY,
 * -ETIMEDOUT. */
int im_iogroup_by_ticket(const ImIoasid *h, const IoSet *set, uint64_t ticket,
                         IoGroup **g);
/* The user's answer, which ends it. */
void im_iogroup_answer(ImIoasid *h, IoGroup *g, ImPageRespCode code);

#endif /* HW_IOASID_FAULT_H */
