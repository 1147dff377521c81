/*
 * Page request groups, for the files that deal with them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOASID_FAULT_H
#define HW_IOASID_FAULT_H

#include "hw/ioasid/ledger.h"
#include "im/im_event.h"

#define IO_GROUP_PAGES  512u    /* more is an overflow */

typedef struct IoPage {
    ImLink link;
    uint64_t addr;
    uint64_t request;           /* what the device asked for */
    uint32_t perm;
    ImIoasidMiss miss;          /* what it lacked when it came */
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
    bool host;                  /* of the map: the pages that it lacks */
    bool stall;                 /* a request that waits: */
    uint64_t handle;
    ImTxn txn;
    uint32_t slot;
    uint64_t ticket;
    uint64_t deadline;
};

/* --- faultq.c ----------------------------------------------------------- */

/* The size of one ImuFault for a caller that says *size; 0, -EINVAL, -E2BIG. */
int im_iogroup_fault_size(uint32_t *size);

/* --- fault.c ------------------------------------------------------------ */

/* Is there a ticket for one more whole group, memory aside? */
bool im_iogroup_ticket_left(const ImIoasid *h);
/* A page joins g, or (NULL) a new group of b; the last one makes it whole.
 * false: no memory; what there is of the group is to be dropped. */
bool im_iogroup_take(ImIoasid *h, IoGroup *g, IoBind *b, const ImPageReq *req);
/* A request of b waits for page of queue; NULL: no memory, or no ticket. */
IoGroup *im_iogroup_stall(ImIoasid *h, IoBind *b, IoQueue *queue,
                          const IoPage *page);
/* Out of all that knows it, without an answer. */
void im_iogroup_drop(ImIoasid *h, IoGroup *g);
/* Send a response; by whom: for tracing. */
void im_iogroup_respond(ImIoasid *h, const ImPageResp *resp, const char *by);
/* The group of a set that was read under a ticket. 0, -ENOENT, -EALREADY,
 * -ETIMEDOUT. */
int im_iogroup_by_ticket(const ImIoasid *h, const IoSet *set, uint64_t ticket,
                         IoGroup **g);
/* Whoever waits does not any more: no answer. */
void im_iogroup_cancel(ImIoasid *h, IoGroup *g);
/* The user's answer, which ends it. */
void im_iogroup_answer(ImIoasid *h, IoGroup *g, ImPageRespCode code);

/* --- fill.c -------------------------------------------------------------- */

/* Whether page requests of b may be for who fills its map. */
bool im_iofill_wants(const IoBind *b);
/* What its pages lack: the group goes to who fills the map, with those. */
void im_iofill_sort(ImIoasid *h, IoGroup *g);
/* A request that waited for m was answered so: it goes on, or ends. */
void im_iofill_resume(ImIoasid *h, const IoGroup *g, const ImIoasidMiss *m,
                      ImPageRespCode code);

/* --- indices whose group was given up: IoHostDev.invalid, .failure ------- */

static inline void im_iogroup_give_up(uint64_t *bits, uint16_t prgi)
{
    bits[prgi / 64] |= UINT64_C(1) << (prgi % 64);
}

static inline bool im_iogroup_given_up(const uint64_t *bits, uint16_t prgi)
{
    return bits[prgi / 64] >> (prgi % 64) & 1;
}

static inline void im_iogroup_forgive(uint64_t *bits, uint16_t prgi)
{
    bits[prgi / 64] &= ~(UINT64_C(1) << (prgi % 64));
}

#endif /* HW_IOASID_FAULT_H */
