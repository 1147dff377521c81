/*
 * Tags of invalidations that are on their way to a device's cache of
 * translations: which to use next, until when each may be answered, and how
 * many answers make it complete.
 *
 * A space of 32 tags is a device's or a whole unit's, as its model has it. A
 * tag is free, busy, or late: given up, though its completion may still
 * come, which must not complete another invalidation. So a late tag is used
 * again only when no other is free, and of equals the one that rested
 * longest. What a time-out means is the model's affair.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_ITAG_H
#define HW_CORE_ITAG_H

#include "im/im_port.h"

#include <glib.h>

#define IM_ITAGS  32

typedef struct ImItag {
    uint64_t due;               /* while busy: virtual ns */
    uint8_t seen;               /* completions that have come */
} ImItag;

/* First in, first out. */
typedef struct ImItagFifo {
    uint8_t first, count;
    uint8_t tag[IM_ITAGS];
} ImItagFifo;

/* All zero: no tag was used yet. Tag n is bit n of a vector. */
typedef struct ImItags {
    uint32_t busy;
    uint32_t late;              /* and not completed since */
    uint8_t used;               /* so many, the lowest, were ever */
    ImItagFifo rested;          /* the others that are free */
    ImItagFifo given_up;        /* those of late */
    ImItag tag[IM_ITAGS];
} ImItags;

static inline unsigned im_itags_number(uint32_t vector)
{
    unsigned n = 0;

    for (; vector; vector &= vector - 1) {
        n++;
    }
    return n;
}

static inline bool im_itags_full(const ImItags *t)
{
    return t->busy == UINT32_MAX;
}

/* A tag for an invalidation that is sent now and may take timeout ns. One is
 * free. */
unsigned im_itags_take(ImItags *t, uint64_t now, uint64_t timeout);

/*
 * One completion of each tag of vector has come, which says that there are
 * count of them altogether: a field of 3 bits, 0 is 8. It completes a tag of
 * which so many have come, neither fewer nor more. Returns those that were
 * busy and are complete; one that was late is late no more.
 */
uint32_t im_itags_complete(ImItags *t, uint32_t vector, unsigned count);

/* Those that were due at now, or before: they are late from now on. */
uint32_t im_itags_expire(ImItags *t, uint64_t now);

/* Nobody waits for the busy ones any longer: all of them are late. */
void im_itags_give_up(ImItags *t);

/* When the first is due; IM_NEVER: none is busy. */
uint64_t im_itags_due(const ImItags *t);

/* A line for people about a busy tag; whose: "requester 0108". */
void im_itags_dump(const ImItags *t, unsigned tag, const char *whose,
                   GString *out);

#endif /* HW_CORE_ITAG_H */
