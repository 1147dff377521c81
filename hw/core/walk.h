/*
 * One page-table walker for every format, alone or nested.
 *
 * A format is data and one decoder; a stage is a format plus the registers
 * and table entries that govern this walk. The walker reads entries, sets
 * accessed and dirty flags, nests the second stage into the first, and
 * stops at the first thing that forbids the access. It knows no
 * specification: what a stop means is up to the caller.
 *
 * Levels count from the leaf: level 0 holds the entries of the smallest
 * page.
 *
 * Formats differ in when they judge permissions. Without rights(), what an
 * entry grants is judged entry by entry, and nothing granted ends the walk.
 * With rights(), entries contribute raw bits, judged at the leaf alone; the
 * input range of the nested stage is then that stage's own business.
 *
 * A format with lookup() has no tables: something else knows its pages.
 *
 * A page is marked as written only when nothing else can refuse the write:
 * nested, the flags of stage 0's leaf are tried first (its accessed flag may
 * be set by that), then the last stage's page becomes dirty, then the leaf.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_WALK_H
#define HW_CORE_WALK_H

#include "im/im_explain.h"
#include "im/im_port.h"

/* Beside ImPerm: unprivileged requests may use what lies below. */
#define IM_PT_USER  8

typedef enum ImPteKind {
    IM_PTE_FAULT,           /* not present */
    IM_PTE_RSVD,            /* present, but a bit that must be zero is not */
    IM_PTE_SIZE,            /* its address is too large */
    IM_PTE_UNUSED,          /* not marked as used, and nobody will mark it */
    IM_PTE_TABLE,
    IM_PTE_LEAF,
} ImPteKind;

typedef struct ImPteView {
    uint64_t addr;          /* next table, or first byte of the page */
    uint64_t used;          /* bits to set because the entry is used */
    uint64_t dirty;         /* leaf: bits to set when written through */
    uint64_t clean;         /* leaf: bits to clear when written through */
    uint16_t attr;          /* the format's own, of a leaf */
    uint8_t perm;           /* what this entry alone allows */
    uint8_t shift;          /* leaf: log2 of the page size */
    bool no_tables;         /* leaf: may not hold entries of stage 0 */
} ImPteView;

typedef struct ImPtStage ImPtStage;

typedef struct ImPtFormat {
    const char *name;
    const char *const *entry;   /* entry names by level */
    uint8_t levels;
    uint8_t index_bits;         /* entries of a table, log2 */
    uint8_t page_shift;         /* smallest page, log2 */
    uint8_t entry_size;         /* bytes, 4 or 8 */
    /* Pure. Fills *view for TABLE and LEAF: always the same members, the
     * others are 0. */
    ImPteKind (*decode)(const ImPtStage *st, unsigned level, uint64_t pte,
                        ImPteView *view);
    /* Pure. ImPerm bits that raw bits, ANDed over all levels, amount to.
     * Optional: ImPteView.perm is ImPerm bits already. */
    uint8_t (*rights)(const ImPtStage *st, uint8_t raw);
    /*
     * Optional: instead of tables and decode(). FAULT, or LEAF with *view of
     * the page that holds in; nothing is read. dirty: not 0 when writing
     * through it is to be told to written().
     */
    ImPteKind (*lookup)(const ImPtStage *st, uint64_t in, ImPteView *view);
    void (*written)(const ImPtStage *st, uint64_t in);
} ImPtFormat;

struct ImPtStage {
    const ImPtFormat *fmt;
    void *map;                  /* of lookup() */
    uint64_t root;              /* address of the first table */
    uint64_t out_mask;          /* address bits an entry may use */
    uint64_t in_last;           /* last input address, asked when nested */
    uint32_t flags;             /* the format's own */
    uint8_t top;                /* level of the first table */
    uint8_t top_bits;           /* its index bits, fewer or (concatenated
                                   tables) more; 0: as the format says */
    uint8_t must;               /* permissions every entry must grant */
    bool no_update;             /* flags in entries cannot be set */
    bool nest_write;            /* reads of entries need R and W of the
                                   nested stage, and count as writes */
};

typedef enum ImWalkStop {
    IM_WALK_OK,
    IM_WALK_ACCESS,             /* an entry could not be read */
    IM_WALK_ABSENT,             /* not present, or nothing granted at all */
    IM_WALK_RSVD,
    IM_WALK_SIZE,               /* the address in an entry is too large */
    IM_WALK_UNUSED,             /* a leaf is not marked as used */
    IM_WALK_MUST,               /* ImPtStage.must not granted */
    IM_WALK_RANGE,              /* address beyond in_last of the nested */
    IM_WALK_NESTED_READ,        /* nested stage denies reading an entry */
    IM_WALK_NESTED_WRITE,       /* nested stage denies updating it */
    IM_WALK_NO_UPDATE,          /* ImPtStage.no_update, but flags to set */
    IM_WALK_UPDATE,             /* the update failed */
    IM_WALK_PERM,               /* the leaf is found, need is not granted */
    IM_WALK_FORBIDDEN,          /* ImWalkOps.forbid refused the page */
} ImWalkStop;

typedef struct ImWalkOut {
    uint64_t addr;              /* output address; valid with OK */
    uint64_t first_addr;        /* of stage 0 alone; valid with OK */
    uint64_t in;                /* input of the stage where it stopped; with
                                   NESTED_* address of the entry there */
    uint64_t entry;             /* physical address of the entry at which it
                                   stopped; with ACCESS and UPDATE */
    ImWalkStop stop;
    uint8_t stage;              /* where it stopped */
    uint8_t level;
    bool top;                   /* at an entry of the first table */
    bool for_entry;             /* nested walk was for an entry of stage 0;
                                   not set with NESTED_* */
    bool for_update;            /* and that entry was to be updated */
    uint8_t perm;               /* granted by all levels; OK and PERM */
    uint8_t shift;              /* page size of all stages together */
    uint8_t first_shift;        /* page size of stage 0 alone */
    uint16_t attr;              /* of the leaf of the last stage */
    uint16_t first_attr;        /* of the leaf of stage 0 */
    bool dirty;                 /* a write needs no more flags set; of a
                                   format with rights(), also where that
                                   stage refuses to write */
    bool no_tables;             /* see ImPteView, of the last stage */
} ImWalkOut;

/* A table on the way, with the permissions of the entries above it. */
typedef struct ImWalkPoint {
    uint64_t table;             /* physical */
    uint8_t level;
    uint8_t perm;
    bool writable;              /* its entries can be set, as far as the
                                   nested stage is concerned: W granted,
                                   and no flag of that stage is left to set */
} ImWalkPoint;

typedef struct ImWalkOps {
    ImBus (*read)(void *opaque, uint64_t pa, void *buf, size_t len);
    /* NULL: set no flags, but stop where setting them would be refused. */
    ImBus (*cmpxchg64)(void *opaque, uint64_t pa, uint64_t *expected,
                       uint64_t desired);
    /* Paging-structure cache: the deepest known point. Optional. */
    bool (*find)(void *opaque, unsigned stage, uint64_t in, ImWalkPoint *at);
    /* in is translated through at. Optional. */
    void (*keep)(void *opaque, unsigned stage, uint64_t in,
                 const ImWalkPoint *at);
    /*
     * Whether the answer must not be: addr, in a page of 2^shift bytes that
     * all stages together grant. Asked before any flag says that the page
     * was written. Optional.
     */
    bool (*forbid)(void *opaque, uint64_t addr, unsigned shift);
    ImStepFn *step;             /* every entry read. Optional. */
} ImWalkOps;

typedef struct ImWalk {
    const ImWalkOps *ops;
    void *opaque;
    const ImPtStage *stage[2];  /* [1] == NULL: not nested */
    uint8_t any;                /* a walk that needs none stops with PERM
                                   unless a stage with rights() grants one
                                   of these; 0: or any at all */
} ImWalk;

/*
 * Translate addr. need: permissions without which the walk stops with PERM
 * (a translation request needs none). write: set the dirty flag, or tell
 * written(), if writing is granted. The caller has checked that addr is in
 * the range of stage 0, and, of a format without rights(), the root of stage
 * 0 in that of stage 1.
 */
void im_walk(const ImWalk *w, uint64_t addr, uint8_t need, bool write,
             ImWalkOut *out);

/* log2 of the input range that an entry of a level covers. */
static inline unsigned im_pt_level_shift(const ImPtFormat *fmt, unsigned level)
{
    return fmt->page_shift + level * fmt->index_bits;
}

#endif /* HW_CORE_WALK_H */
