/*
 * The host backend: what the files of the memory half share.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOASID_MEMORY_H
#define HW_IOASID_MEMORY_H

#include "hw/core/ranges.h"
#include "hw/core/owner.h"
#include "hw/core/pool.h"
#include "hw/core/span.h"
#include "hw/fmt/smmu.h"
#include "hw/ioasid/ioasid.h"

/* --- areas: disjoint ranges of I/O virtual addresses ------------------ */

typedef struct IoPages IoPages;

typedef struct IoArea {
    union {
        ImSpan span;                /* in the tree of a map */
        struct {                    /* its beginning */
            ImSpan *child[2];
            uint64_t first, last;
        };
    };
    uint8_t prot;                   /* IMU_PROT_* */
    IoPages *pages;
    uint64_t index;                 /* of the first page, in pages */
    uint64_t *dirty;                /* bit per page, while tracked */
    struct IoArea *next;            /* not yet mapped, or not any more */
} IoArea;

static inline ImSpan *im_ioarea_span(IoArea *a)
{
    return a ? &a->span : NULL;
}

static inline IoArea *im_ioarea_of(ImSpan *s)
{
    return (IoArea *)(void *)s;
}

static inline IoArea *im_ioarea_insert(IoArea *root, IoArea *a)
{
    return im_ioarea_of(im_span_insert(im_ioarea_span(root), &a->span));
}

static inline IoArea *im_ioarea_remove(IoArea *root, IoArea *a)
{
    return im_ioarea_of(im_span_remove(im_ioarea_span(root), &a->span));
}

/* The first one that ends at or after addr, or NULL. */
static inline IoArea *im_ioarea_from(IoArea *root, uint64_t addr)
{
    return im_ioarea_of(im_span_from(im_ioarea_span(root), addr));
}

/* Lowest aligned address of len free bytes in first .. last. */
static inline bool im_ioarea_gap(IoArea *root, uint64_t first, uint64_t last,
                                 uint64_t len, uint64_t align, uint64_t *at)
{
    return im_span_gap(im_ioarea_span(root), first, last, len, align, 0, at);
}

/* --- ranges.c: ALLOW, RANGES, reserved ranges ------------------------- */

static inline ImMemory im_ioasid_memory(const ImIoasid *h)
{
    return (ImMemory) { h->port.alloc, h->port.free, h->opaque };
}

/* --- pages.c: user memory that is pinned ------------------------------ */

struct IoPages {
    uint32_t users;
    bool write;
    uint64_t user;                  /* user address */
    uint64_t count;
    uint64_t pa;                    /* of the first page */
    uint64_t *each;                 /* of all, or NULL: contiguous */
    ImIoasidCtx *ctx;               /* who is charged */
};

/* Pin; 0, -ENOMEM, -EFAULT. */
int im_iopages_pin(ImIoasidCtx *c, uint64_t user, uint64_t count, bool write,
                   IoPages **out);
void im_iopages_put(ImIoasid *h, IoPages *p);

static inline uint64_t im_iopages_at(const ImIoasid *h, const IoPages *p,
                                     uint64_t index)
{
    return p->each ? p->each[index] : p->pa + (index << h->cfg.page_shift);
}

/* --- map.c ------------------------------------------------------------ */

struct IoMap {
    ImIoasid *h;
    IoArea *root;
    IoArea *recent;                 /* found last, or NULL */
    uint64_t areas;
    uint64_t gen;                   /* changes: cached translations are old */
    ImRanges allowed;               /* none: all */
    ImRanges reserved;              /* of attached devices, as of epoch */
    uint64_t epoch;
    bool ats_used;                  /* device TLBs may hold some of it */
};

/* The format of a mapped space, alone or as the second stage. Dirty state
 * is told only while it is tracked. */
extern const ImPtFormat im_ioasid_map_format;

static inline ImPtStage im_ioasid_map_stage(IoMap *m)
{
    return (ImPtStage) { .fmt = &im_ioasid_map_format,
                         .map = m,
                         .in_last = UINT64_MAX,
                         .out_mask = UINT64_MAX };
}

/* A space of a set; 0, -ENOENT. */
int im_ioasid_space_of(ImIoasidCtx *c, ImuRef set, ImuRef ref, IoSpace **space);
/* Bring IoMap.reserved up to date. 0, -ENOMEM. */
int im_iomap_find_reserved(ImIoasid *h, IoSpace *space);
IoMap *im_iomap_new(ImIoasid *h);
void im_iomap_free(ImIoasid *h, IoMap *m);
/* The space that maps what space translates to, or NULL. */
static inline IoSpace *im_ioasid_root(const IoSpace *space)
{
    return space->parent ? space->parent : space->map ? (IoSpace *)space : NULL;
}

/* 0, -EADDRINUSE: what dev reserves is mapped or allowed. */
int im_iomap_admits(const IoMap *m, const IoHostDev *dev);
/* Whether a physical address is mapped: what may be done with it. */
uint8_t im_iomap_reaches(const IoMap *m, uint64_t pa);
/* Translations through a map are old, everywhere. The device TLBs of direct
 * bindings are told the range, those of nested ones everything. */
void im_iomap_changed(ImIoasid *h, IoSpace *space, uint64_t first,
                      uint64_t last);
size_t im_iomap_dirty_bytes(const ImIoasid *h, const IoArea *a);

static inline uint64_t im_ioarea_pages(const ImIoasid *h, const IoArea *a)
{
    return ((a->last - a->first) >> h->cfg.page_shift) + 1;
}

/* --- format.c: guest-owned tables ------------------------------------- */

/* said: by SPACE_CREATE. */
typedef struct IoVtdTable {
    ImuVtdFirst said;
    ImPtStage first;
    bool sre;
} IoVtdTable;

typedef struct IoSmmuTable {
    ImuSmmuSte said;
    ImSmmuIds ids;              /* for which it is written */
    ImSmmuSte ste;
} IoSmmuTable;

/* Decode the structure of a SPACE_CREATE; 0 or -errno. */
int im_ioasid_table_new(ImIoasidCtx *c, const ImuSpaceCreate *a, void **table);
void im_ioasid_table_free(ImIoasid *h, uint8_t format, void *table);
/* That, and how large it is; 0: it has no table. */
const void *im_ioasid_table_said(const IoSpace *space, uint32_t *size);

/* --- cache.c ---------------------------------------------------------- */

/* How requests of a view are translated. */
typedef enum IoHow {
    IO_HOW_MAP,                     /* the map alone */
    IO_HOW_VTD,                     /* tables nested on the map */
    IO_HOW_SMMU,
    IO_HOW_REACH,                   /* translated requests of a device */
} IoHow;

/*
 * What requests of a function with a PASID, or with none, meet: the PASID
 * cache, and the owner of what the IOTLB holds for them.
 */
typedef struct IoView {
    ImPoolSlot slot;                /* by im_ioasid_key() */
    ImOwner pages;                  /* in the IOTLB */
    IoBind *bind;                   /* NULL: REACH */
    IoMap *map;                     /* NULL: none */
    uint64_t gen;                   /* of map, or with REACH of all: of what
                                       the IOTLB holds */
    const IoVtdTable *vtd;          /* VTD */
    uint8_t how;                    /* IoHow */
    bool ats;                       /* translation requests are served */
    bool old;                       /* invalidated: read the CD again */
    bool s1;                        /* SMMU: cd is valid, else identity */
    ImSmmuCd cd;
    ImLink by_bind;
    ImLink by_asid;                 /* while s1 */
    ImLink in_globals;              /* the IOTLB may hold a page of it that is
                                       of every ASID */
} IoView;
G_STATIC_ASSERT(offsetof(IoView, slot) == 0);

#define IO_KEY_REACH  (UINT64_C(1) << 30)

static inline uint64_t im_ioasid_key(uint32_t func, bool has_pasid,
                                     uint32_t pasid)
{
    return (uint64_t)func << 32 | (uint64_t)has_pasid << 31 | pasid;
}

#define IO_ASID_BUCKETS  256u

struct IoCaches {
    ImPool views;                   /* IoView */
    ImLink *globals;
    ImLink *asids[IO_ASID_BUCKETS]; /* those with a CD, by its ASID */
    ImOwnedTlb pages;               /* the IOTLB */
    uint64_t epoch;                 /* counts changes of bindings */
    uint64_t reach;                 /* counts those, and of what is mapped */
};

/* NULL: not cached. */
static inline IoView *im_ioasid_view_get(IoCaches *c, uint64_t key)
{
    IoView *v = im_pool_last(&c->views, key);

    return v ? v : im_pool_find(&c->views, key);
}

/* im_pool_room(&c->views), which the caller has filled in or will, as the view
 * of key. b: or NULL, see IoView.bind. */
IoView *im_ioasid_view_put(IoCaches *c, uint64_t key, IoBind *b);
/* The CD of v was read anew, or could not be: find it by its ASID. */
void im_ioasid_view_sort(IoCaches *c, IoView *v);
/* The IOTLB is to hold a page of it that is of every ASID. */
void im_ioasid_view_global(IoCaches *c, IoView *v);
/* Forget what the IOTLB holds for v. */
void im_ioasid_view_renew(ImIoasid *h, IoView *v);

/* IOTLB flags: ImPerm, and that a write sets no more flags. */
#define IO_TLB_DIRTY  (1u << 3)

/* --- devtlb.c --------------------------------------------------------- */

/* Invalidate in the device TLB behind a binding first .. last (0 ..
 * UINT64_MAX: all). */
typedef struct IoAtcInv {
    IoBind *bind;
    uint64_t first, last;
    uint32_t pasid;                 /* host number, or the guest's own */
    bool has_pasid;
} IoAtcInv;

/* IoBind.ats_used: which requests were granted translations. */
#define IO_ATS_OWN    1u            /* of the binding */
#define IO_ATS_GUEST  2u            /* ats_first to ats_last, guest's table */

/* b is about to be freed: nothing is sent on its behalf any more. */
void im_ioasid_atc_unqueue(ImIoasid *h, IoBind *b);
/* May requests of a function use ATS, as far as invalidations go? */
bool im_ioasid_ats_sound(const IoDev *dev);

void im_ioasid_atc_inv(ImIoasid *h, const IoAtcInv *inv);
/* All of what b may have left there; p waits for it, or NULL. */
void im_ioasid_atc_inv_bind(ImIoasid *h, IoBind *b, IoPasid *p);

struct IoFences {
    ImLink *busy;                   /* IoAtc */
    IoFifo waiting;                 /* IoFence */
};

#endif /* HW_IOASID_MEMORY_H */
