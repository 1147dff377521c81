/*
 * Numbers of up to 20 bits: which are taken, and what they stand for.
 *
 * Both grow by pages that are never given back before the end, so that an
 * operation that found its pages ready cannot fail.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOASID_NUMBERS_H
#define HW_IOASID_NUMBERS_H

#include "hw/ioasid/ioasid.h"

#define IO_NUMBERS  (1u << IM_PASID_BITS)

/* --- which are taken: a bit for each, and bits for what is full --------- */

#define IO_NUM_PAGE   4096u     /* numbers */
#define IO_NUM_PAGES  (IO_NUMBERS / IO_NUM_PAGE)

struct IoNumbers {
    uint32_t first, low;        /* between them none is free */
    uint64_t full_pages[IO_NUM_PAGES / 64];
    uint64_t full_words[IO_NUM_PAGES];
    uint64_t *page[IO_NUM_PAGES];
};

/* NULL: no memory. */
IoNumbers *im_numbers_new(ImIoasid *h);
void im_numbers_free(ImIoasid *h, IoNumbers *n);
/* Before a number is taken for the first time; false: no memory. */
bool im_numbers_extend(ImIoasid *h, IoNumbers *n, uint32_t number);

static inline bool im_numbers_ready(ImIoasid *h, IoNumbers *n, uint32_t number)
{
    return n->page[number / IO_NUM_PAGE] || im_numbers_extend(h, n, number);
}

bool im_numbers_taken(const IoNumbers *n, uint32_t number);
void im_numbers_take(IoNumbers *n, uint32_t number);
void im_numbers_give(IoNumbers *n, uint32_t number);
/* The lowest that is free in first .. last, inclusive; UINT32_MAX: none. */
uint32_t im_numbers_lowest(IoNumbers *n, uint32_t first, uint32_t last);

/* --- what they stand for ------------------------------------------------ */

#define IO_LEAF  1024u

typedef struct IoLeaf {
    void *of[IO_LEAF];
} IoLeaf;

struct IoTable {
    IoLeaf *leaf[IO_NUMBERS / IO_LEAF];
};

IoTable *im_table_new(ImIoasid *h);
void im_table_free(ImIoasid *h, IoTable *t);
/* Before a number is set for the first time; false: no memory. */
bool im_table_extend(ImIoasid *h, IoTable *t, uint32_t number);

static inline bool im_table_ready(ImIoasid *h, IoTable *t, uint32_t number)
{
    return t->leaf[number / IO_LEAF] || im_table_extend(h, t, number);
}

static inline void im_table_set(IoTable *t, uint32_t number, void *what)
{
    t->leaf[number / IO_LEAF]->of[number % IO_LEAF] = what;
}

/* Any 32-bit number. */
static inline void *im_table_get(const IoTable *t, uint32_t number)
{
    const IoLeaf *leaf;

    if (number >= IO_NUMBERS) {
        return NULL;
    }
    leaf = t->leaf[number / IO_LEAF];
    return leaf ? leaf->of[number % IO_LEAF] : NULL;
}

#endif /* HW_IOASID_NUMBERS_H */
