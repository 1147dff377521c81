/*
 * iommufd: what all of its files share, and what its two halves offer each
 * other. It stands on the backend's commands alone (im_ioasid.h).
 *
 * frame        file.c call.c object.c                     this header
 *     An instance and its files, the table of commands, and the numbers of
 *     objects. It knows no object's kind.
 *
 * IOAS half    ioas.c area.c iova.c space.c pages.c       ioas.h
 *              charge.c access.c option.c vfio.c dump.c
 *     What is mapped where in an IOAS, which memory is behind it, pinned by
 *     whom and charged to whom. To it a page table is an IofSpace that has
 *     to hold what is mapped; who looks into that it does not know.
 *
 * device half  dev.c attach.c hwpt.c nested.c dirty.c     dev_int.h
 *              lookup.c hwinfo.c queue.c fault.c viommu.c
 *              vdevice.c veventq.c hwqueue.c data.c driver_*.c
 *     Functions of the machine and devices bound to a file, the page tables
 *     that these look into, queues of faults and events, vIOMMUs. A driver
 *     (im_iommufd_dev.h) says what is different about one IOMMU.
 *
 * The device half calls the IOAS half by what this header declares ("I/O
 * address spaces"); the other way go only the few functions at its end and
 * the rows of im_iof_dev_commands.
 *
 * Who owns: the instance its files, a file its objects, an object what it has
 * made of the backend's. IofObject.users counts who refers to an object, and
 * DESTROY of one that is referred to is EBUSY. Memory comes from
 * im_iof_alloc() only, which may fail; a command that fails changes nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOMMUFD_IOMMUFD_H
#define HW_IOMMUFD_IOMMUFD_H

#include <errno.h>

#include "hw/core/link.h"
#include "hw/iommufd/abi.h"
#include "im/im_event.h"
#include "im/im_iommufd.h"

typedef struct IofObject IofObject;
typedef struct IofIoas IofIoas;
typedef struct IofSpace IofSpace;
typedef struct IofArea IofArea;
typedef struct IofPages IofPages;
typedef struct IofCharge IofCharge;
typedef struct IofDevs IofDevs;         /* device half: of an instance */
typedef struct IofFileDevs IofFileDevs; /* device half: of a file */

/* --- objects: object.c -------------------------------------------------- */

/* What kind an object is; kinds compare by address. */
typedef struct IofKind {
    const char *name;
    /* Free it and all it holds; its number is free already. */
    void (*destroy)(ImIommufdFile *file, IofObject *obj);
} IofKind;

struct IofObject {
    const IofKind *kind;
    uint32_t id;                    /* 0: not in the table */
    uint32_t users;                 /* what refers to it: DESTROY is EBUSY */
};

/*
 * Give an object the lowest free number, from 1. -ENOMEM. It can be found at
 * once: a command that may still fail takes it out by im_iof_object_out().
 */
int im_iof_object_in(ImIommufdFile *file, IofObject *obj, const IofKind *kind);
/* Take it out, without destroying it. */
void im_iof_object_out(ImIommufdFile *file, IofObject *obj);
/* The same, but its number is not given again while the file lives. */
void im_iof_object_entomb(ImIommufdFile *file, IofObject *obj);
/* NULL: no such object; kind NULL: of any. */
IofObject *im_iof_object(ImIommufdFile *file, const IofKind *kind, uint32_t id);
/* The file ends: destroy all, what refers to something before that. */
void im_iof_objects_end(ImIommufdFile *file);
/* The next one with a number above after, or NULL: for each of a file. */
IofObject *im_iof_object_next(ImIommufdFile *file, uint32_t after);

/* --- instances and files: file.c ---------------------------------------- */

typedef struct IofTable {
    IofObject **slot;               /* by number */
    uint32_t room;
    uint32_t lowest;                /* no lower number is free */
} IofTable;

struct ImIommufdFile {
    ImIommufd *host;
    uint32_t holds;
    IofTable table;
    ImIoasidCtx *ctx;
    ImuRef set;                     /* the one set: mode IDENTITY */
    bool per_process;               /* RLIMIT_MODE 1 */
    ImLink *pages;                  /* IofPages */
    IofIoas *vfio_ioas;             /* or NULL */
    IofFileDevs *devs;              /* device half; NULL at first */
    ImLink in_host;
};

struct ImIommufd {
    ImIommufdConfig cfg;
    ImIommufdPort port;
    void *opaque;                   /* of the port */
    ImIoasid *backend;
    ImLink *files;
    struct ImSpan *memory;          /* pages.c: by synthetic address */
    IofPages *recent;               /* found last there, or NULL */
    ImLink *charges;                /* charge.c */
    uint64_t alarm;                 /* of the backend: virtual ns */
    IofDevs *devs;                  /* device half; NULL at first */
};

/* Tell the backend what time it is, if it wants to know. */
void im_iof_file_tick(ImIommufd *f);

static inline void *im_iof_alloc(ImIommufd *f, size_t bytes)
{
    return f->port.alloc(f->opaque, bytes);
}

static inline void im_iof_release(ImIommufd *f, void *p, size_t bytes)
{
    if (p) {
        f->port.free(f->opaque, p, bytes);
    }
}

/* Obey a command of the backend; the structure's size is filled in. */
int im_iof_backend_call(ImIommufdFile *file, uint32_t command, void *arg,
                        uint32_t size);
#define im_iof_backend(file, command, arg) \
    im_iof_backend_call((file), (command), (arg), (uint32_t)sizeof(*(arg)))

/* --- commands: call.c --------------------------------------------------- */

/* Handlers, rows of the table in call.c; those of the device half are in
 * im_iof_dev_commands, sorted by number. */
int im_iof_destroy(ImIommufdCall *call);
int im_iof_option(ImIommufdCall *call);
int im_iof_ioas_alloc(ImIommufdCall *call);
int im_iof_ioas_allow_iovas(ImIommufdCall *call);
int im_iof_ioas_iova_ranges(ImIommufdCall *call);
int im_iof_ioas_map(ImIommufdCall *call);
int im_iof_ioas_map_file(ImIommufdCall *call);
int im_iof_ioas_copy(ImIommufdCall *call);
int im_iof_ioas_unmap(ImIommufdCall *call);
int im_iof_ioas_change_process(ImIommufdCall *call);
int im_iof_ioas_get_pa(ImIommufdCall *call);
int im_iof_vfio_ioas(ImIommufdCall *call);
/* -ENOTTY: not one of VFIO's. */
int im_iof_vfio(ImIommufdFile *file, const ImIommufdCaller *caller,
                uint32_t request, uint64_t arg);

extern const ImIommufdCommand im_iof_dev_commands[];
extern const unsigned im_iof_dev_command_count;

/* Arrays of a command at user addresses. 0, -EFAULT. */
static inline int im_iof_copy_in(const ImIommufdCall *call, uint64_t addr,
                                 void *buf, size_t len)
{
    ImIommufd *f = call->file->host;

    return len ? f->port.copy_in(f->opaque, call->caller, addr, buf, len) : 0;
}

static inline int im_iof_copy_out(const ImIommufdCall *call, uint64_t addr,
                                  const void *buf, size_t len)
{
    ImIommufd *f = call->file->host;

    return len ? f->port.copy_out(f->opaque, call->caller, addr, buf, len) : 0;
}

/* --- I/O address spaces, for the device half: ioas.c, iova.c, space.c --- */

/*
 * A page table that holds all that is mapped in an IOAS: a MAPPED space of
 * the backend. The device half embeds it in its paging HWPT, makes and
 * destroys the space, and fills in ref, page, first and last before it adds
 * it.
 */
struct IofSpace {
    ImuRef ref;                     /* IMU_SPACE_MAPPED */
    uint64_t page;                  /* smallest, in bytes */
    uint64_t first, last;           /* aperture */
    bool no_iommu;                  /* nothing looks into it */
    bool writable_only;             /* others are refused */
    uint32_t always;                /* IMU_PROT_* of every page */
    uint64_t page_sizes;            /* bit n: 2^n */
    ImLink in_ioas;
};

/* NULL: no such IOAS. */
IofIoas *im_iof_ioas(ImIommufdFile *file, uint32_t id);
/* The object of it: its users, its number. */
IofObject *im_iof_ioas_object(IofIoas *ioas);
/* A list of the device half's that hangs on it: automatic HWPTs. */
ImLink **im_iof_ioas_hwpts(IofIoas *ioas);

/*
 * Make a space hold all that is mapped, from now on. Its aperture bounds the
 * IOAS and its page the alignment as long as it is there: -EADDRINUSE if
 * something mapped or allowed is against that; -EFAULT, -ENOMEM: memory
 * cannot be pinned.
 */
int im_iof_ioas_add_space(IofIoas *ioas, IofSpace *space);
/* Unmap all there, and forget the space; before SPACE_DESTROY. */
void im_iof_ioas_remove_space(IofIoas *ioas, IofSpace *space);

/* Reserve ranges on behalf of owner (any address), all or none: -EADDRINUSE
 * if something is mapped or allowed there, -ENOMEM. An owner may do so many
 * times, and gives all back at once. */
int im_iof_ioas_reserve(IofIoas *ioas, const void *owner,
                        const ImuRange *ranges, unsigned count);
void im_iof_ioas_unreserve(IofIoas *ioas, const void *owner);

/* What iovas and lengths must be multiples of now. */
uint64_t im_iof_ioas_alignment(const IofIoas *ioas);
/* How many bytes of first .. last are mapped before there is a hole; whether
 * all are. */
uint64_t im_iof_ioas_covered(const IofIoas *ioas, uint64_t first,
                             uint64_t last);
bool im_iof_ioas_covers(const IofIoas *ioas, uint64_t first, uint64_t last);

/* Pin on behalf of the engine itself, as an access that is not an object:
 * while it is, UNMAP of it is -EBUSY. Errors of im_iommufd_access_pin(). */
int im_iof_ioas_pin(IofIoas *ioas, uint64_t iova, uint64_t length, bool write,
                    ImIommufdPage *pages);
void im_iof_ioas_unpin(IofIoas *ioas, uint64_t iova, uint64_t length);

/* --- device half, for the others: dev.c, fault.c ------------------------ */

/* A queue of the backend's became readable. */
void im_iof_backend_readable(ImIommufdFile *file, ImuRef queue);
/* Messages of the backend to functions; not from within these. */
void im_iof_ats_invalidate(ImIommufd *f, const ImAtsInv *inv);
void im_iof_page_response(ImIommufd *f, const ImPageResp *resp);
/* A request was refused; not from within a command. */
void im_iof_backend_event(ImIommufd *f, const ImEvent *ev);
/* After each command of the backend: completions that nobody else sends. */
void im_iof_settle(ImIommufd *f);
/* Last things of an instance, and of a file whose objects are all gone. */
void im_iof_devs_free(ImIommufd *f);
void im_iof_file_devs_free(ImIommufdFile *file);

#endif /* HW_IOMMUFD_IOMMUFD_H */
