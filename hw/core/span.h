/*
 * Disjoint ranges of addresses, in a balanced tree that knows its gaps.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_SPAN_H
#define HW_CORE_SPAN_H

#include <stdbool.h>
#include <stdint.h>

/* A member of what is found by its addresses; first and last are the
 * user's, and do not change while it is in a tree. */
typedef struct ImSpan {
    struct ImSpan *child[2];
    uint64_t first, last;           /* of this one */
    uint64_t low, high;             /* of the subtree */
    uint64_t gap;                   /* largest between two of the subtree */
    uint8_t height;
} ImSpan;

/* Both return the new root. What is inserted meets nothing there. */
ImSpan *im_span_insert(ImSpan *root, ImSpan *a);
ImSpan *im_span_remove(ImSpan *root, ImSpan *a);
/* The first one that ends at or after addr, or NULL. */
ImSpan *im_span_from(ImSpan *root, uint64_t addr);
/* Lowest address of len free bytes in first .. last, rest above a multiple
 * of align, which is a power of two. */
bool im_span_gap(const ImSpan *root, uint64_t first, uint64_t last,
                 uint64_t len, uint64_t align, uint64_t rest, uint64_t *at);
/* Whether order, heights and summaries are right. */
bool im_span_check(const ImSpan *root);

#endif /* HW_CORE_SPAN_H */
