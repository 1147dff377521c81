/*
 * Many requesters, address spaces and pages come and go, each change followed
 * by just enough invalidation: no answer is ever older than that. What a
 * change is to an architecture, and what suffices, is said in the first
 * part of Caches; a program includes this once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_FUZZ_CACHES_H
#define TESTS_FUZZ_CACHES_H

#include "lib/fuzz.h"
#include "lib/rig.h"

#define SPACES  24u
#define PAGES   64u
#define RIDS    3u
#define BASE    UINT64_C(0x40000000)

/* What a PASID or SubstreamID leads to. */
typedef struct Space {
    uint64_t root;              /* of its tables */
    uint64_t entry;             /* that names them: PASID table entry, CD */
    uint32_t pasid;
    uint16_t tag;               /* domain-id, ASID */
    uint64_t page[PAGES];       /* what is mapped now; 0: nothing */
    bool present;
} Space;

typedef struct Caches Caches;
struct Caches {
    void *world;
    Rig *r;
    uint16_t rid;               /* and the RIDS - 1 behind it */
    unsigned page_bits;
    uint64_t far;               /* so far apart, pages share no table */
    uint64_t va_mask;
    uint32_t room;              /* entries of the cache for translations */
    const uint64_t *hits;       /* of that cache */
    uint8_t no_page, no_space;  /* the fault if there is none */

    /* What space i leads through, with no page. */
    void (*make)(Caches *s, Space *sp, unsigned i);
    /* Map a page of it; pa 0: unmap. */
    void (*map)(Caches *s, const Space *sp, uint64_t va, uint64_t pa);
    /* A page that was there has changed: tell the unit, by one of the ways
     * that suffice. */
    void (*page_changed)(Caches *s, Fuzz *f, const Space *sp, unsigned page);
    /* sp->present has: write it into the entry, and tell. */
    void (*space_changed)(Caches *s, Fuzz *f, const Space *sp);
    void (*faults_clear)(Rig *r);
    unsigned clear;             /* rounds from one to the next */

    uint64_t next;
    Space space[SPACES];
};

/* Neighbours, and some that share no table. */
static uint64_t iova(const Caches *s, unsigned page)
{
    return (BASE + ((uint64_t)(page % 8) << s->page_bits) + page / 8 * s->far) &
           s->va_mask;
}

static void map_fresh(Caches *s, Space *sp, unsigned page)
{
    sp->page[page] = s->next;
    s->next += UINT64_C(1) << s->page_bits;
    s->map(s, sp, iova(s, page), sp->page[page]);
}

/* Before translation is on. */
static void caches_build(Caches *s)
{
    s->next = UINT64_C(0x200000000);
    for (unsigned i = 0; i < SPACES; i++) {
        Space *sp = &s->space[i];

        s->make(s, sp, i);
        sp->present = true;
        for (unsigned p = 0; p < PAGES; p += 1 + i % 2) {
            map_fresh(s, sp, p);
        }
    }
}

/* Any page, and half of the time one of a few: they are asked for so often
 * that whatever is left of what they were is seen. */
static Space *choose(Caches *s, Fuzz *f, unsigned *page)
{
    bool hot = fuzz_one_in(f, 2);

    *page = (unsigned)fuzz_below(f, hot ? 4 : PAGES);
    return &s->space[fuzz_below(f, hot ? 2 : SPACES)];
}

static void change_page(Caches *s, Fuzz *f)
{
    unsigned p;
    Space *sp = choose(s, f, &p);
    bool was = sp->page[p] != 0;

    if (was && fuzz_one_in(f, 2)) {
        sp->page[p] = 0;
        s->map(s, sp, iova(s, p), 0);
    } else {
        map_fresh(s, sp, p);
    }
    if (was) {                  /* else: a fault is not cached */
        s->page_changed(s, f, sp, p);
    }
}

/* A process goes, or comes back with the same PASID. */
static void change_space(Caches *s, Fuzz *f)
{
    Space *sp = &s->space[fuzz_below(f, SPACES)];

    sp->present = !sp->present;
    s->space_changed(s, f, sp);
}

static void request(Caches *s, Fuzz *f)
{
    unsigned p;
    const Space *sp = choose(s, f, &p);
    ImTxn t = {
        .has_pasid = true,
        .pasid = sp->pasid,
        .addr = iova(s, p),
        .len = 64,
        .access = IM_READ,
    };
    ImXlat x;

    if (fuzz_one_in(f, 3)) {
        t.at = IM_AT_TRANSLATION;
        t.len = 8;
    } else if (fuzz_one_in(f, 2)) {
        t.access = IM_WRITE;
    }
    t.rid = (uint16_t)(s->rid + fuzz_below(f, RIDS));
    x = s->r->ops->translate(s->r->iommu, &t);
    if (sp->present && sp->page[p]) {
        xlat_is_ok(&x, sp->page[p]);
        g_assert_cmpuint(x.perm & t.access, ==, t.access);
    } else if (t.at == IM_AT_TRANSLATION) {
        xlat_is_nothing(&x);
    } else {
        xlat_is_fault(&x, IM_CPL_UR, sp->present ? s->no_page : s->no_space);
    }
}

static void caches_run(Caches *s, unsigned rounds)
{
    Fuzz f = fuzz_new(rounds);

    for (uint64_t i = 0; i < f.rounds; i++) {
        uint64_t what = fuzz_below(&f, 160);

        if (what < 4) {
            change_page(s, &f);
        } else if (what == 4) {
            change_space(s, &f);
        } else {
            request(s, &f);
        }
        if (i % s->clear == 0) {
            s->faults_clear(s->r);
            rig_log_clear(s->r);
        }
    }
    s->faults_clear(s->r);
    /* else nothing was tested */
    g_assert_cmpuint(*s->hits, >, f.rounds / (s->room < 64 ? 200 : 50));
}

#endif /* TESTS_FUZZ_CACHES_H */
