/*
 * Numbers of up to 20 bits: which are taken, and what they stand for.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/numbers.h"

#define WORDS       (IO_NUM_PAGE / 64)
#define PAGE_BYTES  (WORDS * sizeof(uint64_t))

IoNumbers *im_numbers_new(ImIoasid *h)
{
    return im_ioasid_alloc(h, sizeof(IoNumbers));
}

void im_numbers_free(ImIoasid *h, IoNumbers *n)
{
    if (!n) {
        return;
    }
    for (unsigned i = 0; i < IO_NUM_PAGES; i++) {
        im_ioasid_release(h, n->page[i], PAGE_BYTES);
    }
    im_ioasid_release(h, n, sizeof(*n));
}

bool im_numbers_extend(ImIoasid *h, IoNumbers *n, uint32_t number)
{
    uint64_t *page = im_ioasid_alloc(h, PAGE_BYTES);

    n->page[number / IO_NUM_PAGE] = page;
    return page;
}

bool im_numbers_taken(const IoNumbers *n, uint32_t number)
{
    const uint64_t *page = n->page[number / IO_NUM_PAGE];

    return page && (page[number / 64 % WORDS] >> (number % 64) & 1);
}

void im_numbers_take(IoNumbers *n, uint32_t number)
{
    uint32_t p = number / IO_NUM_PAGE;
    uint32_t w = number / 64 % WORDS;
    uint64_t now = n->page[p][w] | UINT64_C(1) << (number % 64);

    n->page[p][w] = now;
    n->low += n->low == number;
    if (now == UINT64_MAX) {
        n->full_words[p] |= UINT64_C(1) << w;
        if (n->full_words[p] == UINT64_MAX) {
            n->full_pages[p / 64] |= UINT64_C(1) << (p % 64);
        }
    }
}

void im_numbers_give(IoNumbers *n, uint32_t number)
{
    uint32_t p = number / IO_NUM_PAGE;
    uint32_t w = number / 64 % WORDS;
    uint64_t was = n->page[p][w];

    n->page[p][w] = was & ~(UINT64_C(1) << (number % 64));
    if (number < n->low) {
        n->low = MAX(n->first, number);
    }
    if (was == UINT64_MAX) {
        n->full_words[p] &= ~(UINT64_C(1) << w);
        n->full_pages[p / 64] &= ~(UINT64_C(1) << (p % 64));
    }
}

/* The lowest clear bit of word from bit on, or 64. */
static uint32_t io_numbers_clear_from(uint64_t word, uint32_t bit)
{
    uint64_t open;

    if (bit > 63) {
        return 64;
    }
    open = ~word & UINT64_MAX << bit;
    return open ? (uint32_t)__builtin_ctzll(open) : 64;
}

/* The lowest page from p on that is not full, or IO_NUM_PAGES. */
static uint32_t io_numbers_open_page(const IoNumbers *n, uint32_t p)
{
    for (uint32_t i = p / 64; i < IO_NUM_PAGES / 64; i++) {
        uint32_t at = io_numbers_clear_from(n->full_pages[i],
                                            i == p / 64 ? p % 64 : 0);

        if (at < 64) {
            return i * 64 + at;
        }
    }
    return IO_NUM_PAGES;
}

/* The lowest free number of page p from number in it on, or IO_NUM_PAGE. */
static uint32_t io_numbers_open_number(const IoNumbers *n, uint32_t p,
                                       uint32_t number)
{
    uint32_t w = number / 64;
    uint32_t bit;

    if (!n->page[p]) {
        return number;
    }
    bit = io_numbers_clear_from(n->page[p][w], number % 64);
    if (bit == 64) {
        w = io_numbers_clear_from(n->full_words[p], w + 1);
        if (w == 64) {
            return IO_NUM_PAGE;
        }
        bit = io_numbers_clear_from(n->page[p][w], 0);
    }
    return w * 64 + bit;
}

/* The lowest that is free from first on, or UINT32_MAX. */
static uint32_t io_numbers_search(const IoNumbers *n, uint32_t first)
{
    uint32_t p = first / IO_NUM_PAGE;
    uint32_t at = io_numbers_open_number(n, p, first % IO_NUM_PAGE);

    if (at == IO_NUM_PAGE) {
        p = io_numbers_open_page(n, p + 1);
        if (p == IO_NUM_PAGES) {
            return UINT32_MAX;
        }
        at = io_numbers_open_number(n, p, 0);
    }
    return p * IO_NUM_PAGE + at;
}

uint32_t im_numbers_lowest(IoNumbers *n, uint32_t first, uint32_t last)
{
    if (n->first != first) {
        n->first = n->low = first;
    }
    if (n->low <= last && im_numbers_taken(n, n->low)) {
        n->low = io_numbers_search(n, n->low);
    }
    return n->low <= last ? n->low : UINT32_MAX;
}

IoTable *im_table_new(ImIoasid *h)
{
    return im_ioasid_alloc(h, sizeof(IoTable));
}

void im_table_free(ImIoasid *h, IoTable *t)
{
    if (!t) {
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(t->leaf); i++) {
        im_ioasid_release(h, t->leaf[i], sizeof(IoLeaf));
    }
    im_ioasid_release(h, t, sizeof(*t));
}

bool im_table_extend(ImIoasid *h, IoTable *t, uint32_t number)
{
    IoLeaf *leaf = im_ioasid_alloc(h, sizeof(IoLeaf));

    t->leaf[number / IO_LEAF] = leaf;
    return leaf;
}
