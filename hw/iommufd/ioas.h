/*
 * iommufd: what the files of the IOAS half share. iommufd.h says what that
 * half is.
 *
 * An IofIoas owns areas, each a range of iovas (IofArea); an area counts as a
 * user of an IofPages, the memory behind it, which goes with its last one.
 * Pages are pinned once for all areas, and by an IofAccount charged to who
 * made them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOMMUFD_IOAS_H
#define HW_IOMMUFD_IOAS_H

#include "hw/core/ranges.h"
#include "hw/core/span.h"
#include "hw/iommufd/iommufd.h"

/* --- charge.c: who pays for pinned memory ------------------------------- */

/* A user or an address space. */
struct IofCharge {
    void *mm;                       /* held; NULL: it is a user */
    uint32_t uid;
    uint32_t users;
    uint64_t pinned;                /* pages; of address spaces */
    uint64_t locked;                /* of them, those that are limited */
    ImLink in_host;
};

typedef enum IofLimit {
    IOF_LIMIT_NONE,
    IOF_LIMIT_USER,
    IOF_LIMIT_MM,
} IofLimit;

/* Who pays for some memory. */
typedef struct IofAccount {
    uint8_t limit;                  /* IofLimit */
    uint64_t most;                  /* pages */
    IofCharge *user;
    IofCharge *mm;
} IofAccount;

/* -ENOMEM */
int im_iof_account_open(ImIommufdFile *file, const ImIommufdCaller *caller,
                        IofAccount *a);
/* All that was charged is given back. */
void im_iof_account_close(ImIommufd *f, IofAccount *a);
/* -ENOMEM: beyond the limit. */
int im_iof_charge(const IofAccount *a, uint64_t pages);
void im_iof_uncharge(const IofAccount *a, uint64_t pages);

/* --- pages.c: memory that areas map ------------------------------------- */

typedef struct IofPage {
    ImIommufdPage at;               /* while pins > 0 */
    uint32_t pins;
} IofPage;

struct IofPages {
    ImSpan span;                   /* its addresses in the backend, if page */
    ImIommufdFile *file;
    uint32_t users;                 /* areas */
    bool is_file;                   /* the source is */
    bool device_only;               /* a dma-buf: no access reads it */
    bool revoked;                   /* maps nothing any more */
    bool writable;
    void *source;
    uint64_t start;                 /* of the first page, in the source */
    uint64_t count;                 /* pages */
    IofPage *page;                  /* NULL: none was ever pinned */
    IofAccount account;
    ImLink in_file;
};

/* What a new one is made of. */
typedef struct IofFrom {
    void *source;                   /* is held again */
    uint64_t start;                 /* any byte */
    uint64_t length;
    bool is_file, device_only, writable;
} IofFrom;

/* Without users. -ENOMEM */
int im_iof_pages_new(ImIommufdFile *file, const ImIommufdCaller *caller,
                     const IofFrom *from, IofPages **out);
void im_iof_pages_free(IofPages *p);
static inline void im_iof_pages_put(IofPages *p)
{
    if (--p->users == 0) {
        im_iof_pages_free(p);
    }
}

/* Pin bytes at an offset from the first page. -EFAULT, -EINVAL, -ENOMEM. */
int im_iof_pages_pin(IofPages *p, uint64_t offset, uint64_t length);
void im_iof_pages_unpin(IofPages *p, uint64_t offset, uint64_t length);
/* Bytes of it, pinned or not. -EFAULT, -EINVAL. */
int im_iof_pages_rw(IofPages *p, uint64_t offset, void *buf, size_t len,
                    bool write);
/* Move what all of a file's memory is charged for to the caller. -EINVAL:
 * some is not of files. -ENOMEM */
int im_iof_pages_change_process(ImIommufdFile *file,
                                const ImIommufdCaller *caller);

/* --- iova.c: which addresses may be used -------------------------------- */

typedef struct IofReserved {
    const void *owner;
    ImRange range;
    ImLink in_iova;
} IofReserved;

typedef struct IofIova {
    ImLink *reserved;               /* IofReserved */
    ImRanges taken;                 /* the same */
    ImRanges allowed;
} IofIova;

static inline ImMemory im_iof_memory(const ImIommufd *f)
{
    return (ImMemory) { f->port.alloc, f->port.free, f->opaque };
}

void im_iof_iova_free(ImIommufd *f, IofIova *v);
/* Lowest place for len bytes, rest above a multiple of align. */
bool im_iof_iova_find(const IofIova *v, const ImSpan *areas, uint64_t len,
                      uint64_t align, uint64_t rest, uint64_t *at);
/* Ranges that are not reserved, lowest first, one a call: *rest is what was
 * not looked at yet, at first IOF_IOVA_ALL. false: no more. */
#define IOF_IOVA_ALL  ((ImRange){ 0, UINT64_MAX })
static inline bool im_iof_iova_next_free(const IofIova *v, ImRange *rest,
                                         ImuRange *out)
{
    ImRange gap;

    if (!im_ranges_gap(&v->taken, rest, &gap)) {
        return false;
    }
    *out = (ImuRange) { gap.first, gap.last };
    return true;
}

/* --- area.c: what is mapped --------------------------------------------- */

struct IofArea {
    ImSpan span;                    /* iovas */
    IofPages *pages;
    uint64_t offset;                /* of the first byte there */
    uint32_t prot;                  /* IMU_PROT_* */
    uint32_t pins;                  /* of accesses */
    uint32_t locks;                 /* pins of the engine's own */
    IofArea *next;                  /* on its way in, or out */
};

struct IofIoas {
    IofObject obj;
    ImIommufdFile *file;
    ImSpan *areas;
    uint64_t count;
    IofIova iova;
    uint64_t alignment;
    bool small_pages;               /* option HUGE_PAGES is 0 */
    ImLink *spaces;                 /* IofSpace */
    ImLink *accesses;               /* ImIommufdAccess */
    ImLink *hwpts;                  /* the device half's */
};

#define IOF_AREA_OF(span_)  ((IofArea *)(void *)(span_))

/* The area around iova, or NULL; the first one that ends at or after it. */
IofArea *im_iof_area_at(const IofIoas *ioas, uint64_t iova);
IofArea *im_iof_area_from(const IofIoas *ioas, uint64_t iova);
/* The one after, or NULL. */
IofArea *im_iof_area_next(const IofIoas *ioas, const IofArea *a);

/* Map parts of pages, which follow each other from the chain's first on, at
 * *iova with IOF_MAP_FIXED or wherever there is place; -EPERM: for writing,
 * and the pages are not. The chain (linked by next, with span.first counted
 * from 0) is the IOAS's after success; each of it counts as a user of its
 * pages then. */
int im_iof_areas_map(IofIoas *ioas, IofArea *chain, uint64_t length,
                     uint32_t flags, uint64_t *iova);
/* One part of pages; NULL: no memory. */
IofArea *im_iof_area_new(ImIommufd *f, IofPages *pages, uint64_t offset,
                         uint64_t first, uint64_t length, uint32_t prot);
void im_iof_areas_free(ImIommufd *f, IofArea *chain);
/* Whether first .. last can be unmapped, and how many bytes that is (0:
 * nothing there). Asks accesses to let go. -ENOENT: cuts an area; -EBUSY,
 * -EDEADLOCK: held. */
int im_iof_areas_may_unmap(IofIoas *ioas, uint64_t first, uint64_t last,
                           uint64_t *bytes);
void im_iof_areas_unmap(IofIoas *ioas, uint64_t first, uint64_t last);
/* Make a bound between two areas at iova, if it is within one. With small
 * pages only, which spaces hold one by one. -EINVAL, -ENOMEM */
int im_iof_area_cut(IofIoas *ioas, uint64_t iova);
/* Unmap it from all spaces, but leave it in the IOAS. */
void im_iof_area_revoke(IofIoas *ioas, IofArea *a);

/* What is mapped, into one space. -EFAULT, -EINVAL, -ENOMEM */
int im_iof_space_fill(IofIoas *ioas, const IofSpace *space);
void im_iof_space_empty(IofIoas *ioas, const IofSpace *space);

/* --- ioas.c ------------------------------------------------------------- */

/* Map new memory, as MAP and MAP_FILE do. */
int im_iof_map(IofIoas *ioas, const ImIommufdCaller *caller,
               const IofFrom *from, uint32_t flags, uint64_t *iova);
/* The next one with a number above after, or NULL. */
IofIoas *im_iof_ioas_next(ImIommufdFile *file, uint32_t after);
/* Unmap what is of a source from all spaces of a file. */
void im_iof_ioas_revoke(ImIommufdFile *file, const void *source);

/* --- option.c: HUGE_PAGES. -EINVAL, -EADDRINUSE ------------------------- */

int im_iof_ioas_small_pages(IofIoas *ioas, bool small);

/* --- space.c: alignment ------------------------------------------------- */

/* Compute it again. -EADDRINUSE: something is mapped otherwise. */
int im_iof_ioas_realign(IofIoas *ioas);

/* --- access.c ----------------------------------------------------------- */

struct ImIommufdAccess {
    IofObject obj;
    ImIommufdFile *file;
    ImIommufdAccessOps ops;
    void *opaque;
    IofIoas *ioas;
    ImLink in_ioas;
};

#endif /* HW_IOMMUFD_IOAS_H */
