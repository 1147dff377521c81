/*
 * Disjoint ranges in a balanced tree that knows its gaps.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>

#include "hw/core/span.h"

/* --- the tree: AVL ---------------------------------------------------- */

static int span_height(const ImSpan *a)
{
    return a ? a->height : 0;
}

/* Free bytes between two that follow each other. */
static uint64_t span_between(uint64_t last, uint64_t first)
{
    return first - last - 1;
}

static void span_sum_up(ImSpan *a)
{
    const ImSpan *l = a->child[0];
    const ImSpan *r = a->child[1];

    a->height = (uint8_t)(1 + MAX(span_height(l), span_height(r)));
    a->low = l ? l->low : a->first;
    a->high = r ? r->high : a->last;
    a->gap = 0;
    if (l) {
        a->gap = MAX(l->gap, span_between(l->high, a->first));
    }
    if (r) {
        a->gap = MAX(a->gap, MAX(r->gap, span_between(a->last, r->low)));
    }
}

/* The child at side goes up. */
static ImSpan *span_rotate(ImSpan *a, int side)
{
    ImSpan *up = a->child[side];

    a->child[side] = up->child[!side];
    up->child[!side] = a;
    span_sum_up(a);
    span_sum_up(up);
    return up;
}

static ImSpan *span_balance(ImSpan *a)
{
    int lean = span_height(a->child[1]) - span_height(a->child[0]);
    int side = lean > 0;
    ImSpan *tall = a->child[side];

    if (lean < -1 || lean > 1) {
        if (span_height(tall->child[side]) < span_height(tall->child[!side])) {
            a->child[side] = span_rotate(tall, !side);
        }
        return span_rotate(a, side);
    }
    span_sum_up(a);
    return a;
}

ImSpan *im_span_insert(ImSpan *root, ImSpan *a)
{
    int side;

    if (!root) {
        a->child[0] = a->child[1] = NULL;
        span_sum_up(a);
        return a;
    }
    side = a->first > root->first;
    root->child[side] = im_span_insert(root->child[side], a);
    return span_balance(root);
}

static ImSpan *span_take_first(ImSpan *root, ImSpan **first)
{
    if (!root->child[0]) {
        *first = root;
        return root->child[1];
    }
    root->child[0] = span_take_first(root->child[0], first);
    return span_balance(root);
}

ImSpan *im_span_remove(ImSpan *root, ImSpan *a)
{
    ImSpan *next;
    int side;

    if (root != a) {
        side = a->first > root->first;
        root->child[side] = im_span_remove(root->child[side], a);
        return span_balance(root);
    }
    if (!a->child[1]) {
        return a->child[0];
    }
    a->child[1] = span_take_first(a->child[1], &next);
    next->child[0] = a->child[0];
    next->child[1] = a->child[1];
    return span_balance(next);
}

ImSpan *im_span_from(ImSpan *root, uint64_t addr)
{
    ImSpan *best = NULL;

    while (root) {
        if (root->last >= addr) {
            best = root;
            root = root->child[0];
        } else {
            root = root->child[1];
        }
    }
    return best;
}

/* --- free ranges ------------------------------------------------------ */

typedef struct Want {
    uint64_t len;
    uint64_t align;
    uint64_t rest;
    uint64_t *at;
} Want;

static bool span_place(uint64_t first, uint64_t last, const Want *w)
{
    uint64_t at = first + ((w->rest - first) & (w->align - 1));

    if (at < first || at > last || last - at < w->len - 1) {
        return false;
    }
    *w->at = at;
    return true;
}

/* first .. last holds no area but those of the subtree. */
static bool span_search(const ImSpan *a, uint64_t first, uint64_t last,
                        const Want *w)
{
    if (last < first || last - first < w->len - 1) {
        return false;
    }
    if (!a) {
        return span_place(first, last, w);
    }
    if (a->gap < w->len && (a->low <= first || a->low - first < w->len) &&
        (a->high >= last || last - a->high < w->len)) {
        return false;
    }
    if (a->first > first &&
        span_search(a->child[0], first, MIN(last, a->first - 1), w)) {
        return true;
    }
    return a->last < last &&
           span_search(a->child[1], MAX(first, a->last + 1), last, w);
}

bool im_span_gap(const ImSpan *root, uint64_t first, uint64_t last,
                 uint64_t len, uint64_t align, uint64_t rest, uint64_t *at)
{
    Want w = { .len = len, .align = align, .rest = rest, .at = at };

    return span_search(root, first, last, &w);
}

/* --- check ------------------------------------------------------------ */

static bool span_same_sums(const ImSpan *a, const ImSpan *b)
{
    return a->height == b->height && a->low == b->low && a->high == b->high &&
           a->gap == b->gap;
}

bool im_span_check(const ImSpan *a)
{
    ImSpan again;

    if (!a) {
        return true;
    }
    again = *a;
    span_sum_up(&again);
    return a->first <= a->last && span_same_sums(a, &again) &&
           ABS(span_height(a->child[0]) - span_height(a->child[1])) <= 1 &&
           (!a->child[0] || a->child[0]->high < a->first) &&
           (!a->child[1] || a->child[1]->low > a->last) &&
           im_span_check(a->child[0]) && im_span_check(a->child[1]);
}
