/*
 * iommufd: what the files of the device half share. iommufd.h says what that
 * half is.
 *
 * A function of the machine (IofFunction) is the instance's; bound, it is a
 * device of one file (IofDevice). A device looks into tables (IofHwpt) by
 * slots: one of its own and one for each PASID. A slot is in the list of its
 * table, so that a table knows who would lose it. A nested table stands on a
 * paging one, or on a vIOMMU that does.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_IOMMUFD_DEV_INT_H
#define HW_IOMMUFD_DEV_INT_H

#include "hw/iommufd/abi_dev.h"
#include "hw/iommufd/iommufd.h"
#include "im/im_iommufd_dev.h"

typedef struct IofFunction IofFunction;
typedef struct IofDevice IofDevice;
typedef struct IofHwpt IofHwpt;
typedef struct IofFault IofFault;

/* --- the machine: dev.c ------------------------------------------------- */

/* A function of the machine. */
struct IofFunction {
    ImIommufdDevice cfg;
    ImuRange *reserved;         /* a copy, which cfg points to */
    uint32_t users;             /* who remembers it beside the machine */
    bool removed;
    IofDevice *bound;
    uint32_t owed;              /* ATS tags that nobody else completes */
    ImLink in_machine;
};

struct IofDevs {
    ImLink *functions;
    uint32_t probes;            /* numbers of probe functions, from 0 */
    bool settling;
};

/* What the file's devices have. */
struct IofFileDevs {
    ImLink *devices;
    ImLink *numbers;            /* PASIDs in use: attach.c */
    ImLink *faults;             /* fault queues: fault.c */
    ImLink *regions;            /* for mmap(): viommu.c */
    IofHwpt *probed;            /* what the probe looks into: lookup.c */
    ImuRef probe;
    uint32_t probe_func;
    bool has_probe;
};

/* Made at first use; NULL: no memory. */
IofDevs *im_iof_devs(ImIommufd *f);
IofFileDevs *im_iof_file_devs(ImIommufdFile *file);

/* One place where a device looks into a table: without PASID, or a PASID. */
typedef struct IofSlot {
    IofDevice *dev;
    IofHwpt *hwpt;              /* NULL: into none */
    uint32_t pasid;             /* IM_IOMMUFD_NO_PASID */
    ImLink in_dev;              /* with a PASID */
    ImLink in_hwpt;             /* with a table */
} IofSlot;

/* A bound device: an object that DESTROY does not destroy. */
struct IofDevice {
    IofObject obj;
    ImIommufdFile *file;
    IofFunction *fn;
    ImuRef ref;                 /* of the backend */
    IofSlot own;
    ImLink *pasids;             /* slots */
    ImIommufdVdevice *vdevice;
    ImLink in_file;
};

IofDevice *im_iof_device(ImIommufdFile *file, uint32_t id);
/* The next device of the same group, from NULL on. */
IofDevice *im_iof_group_next(const IofDevice *dev, const IofDevice *after);
ImIommufdHw im_iof_hw(const IofDevice *dev);
/* Functions: held by who keeps a pointer. */
void im_iof_function_hold(IofFunction *fn);
void im_iof_function_drop(ImIommufd *f, IofFunction *fn);

/* --- page tables: hwpt.c, nested.c -------------------------------------- */

struct IofHwpt {
    IofObject obj;
    ImIommufdFile *file;
    const ImIommufdDriver *driver;
    uint32_t iommu;
    uint32_t flags;             /* IOF_HWPT_* */
    bool nested;
    bool automatic;             /* goes with its last device */
    IofFault *fault;            /* or NULL */
    ImLink *slots;              /* who looks into it */
};

typedef struct IofPaging {
    IofHwpt base;
    IofSpace space;
    IofIoas *ioas;
    uint8_t dirty_shift;
    bool tracking;              /* of dirty pages */
    ImLink in_ioas;             /* automatic ones */
} IofPaging;

struct ImIommufdNested {
    IofHwpt base;
    IofPaging *parent;
    ImIommufdViommu *viommu;    /* or NULL */
    ImIommufdMeaning meaning;
    ImuRef space;               /* for a PASID, or a device without them */
    ImuRef table;               /* all PASIDs of a device; 0: none */
    max_align_t private[];
};

/* Either kind, or NULL. */
IofHwpt *im_iof_hwpt(ImIommufdFile *file, uint32_t id);
IofPaging *im_iof_paging(ImIommufdFile *file, uint32_t id);
/* The table of the engine's own at the bottom. */
IofPaging *im_iof_hwpt_root(IofHwpt *hwpt);
/* The backend's space for a device or a PASID of it. */
ImuRef im_iof_hwpt_space(const IofHwpt *hwpt, const IofDevice *dev,
                         uint32_t pasid);
/* What a new table shall be. */
typedef struct IofWish {
    IofDevice *dev;
    uint32_t flags;             /* IOF_HWPT_* */
    uint32_t fault_id;          /* with IOF_HWPT_FAULT */
    const ImIommufdData *data;  /* NULL: none */
    bool automatic;
} IofWish;

/* A paging table with everything mapped in it; it has a number. */
int im_iof_paging_new(IofIoas *ioas, const IofWish *wish, IofPaging **out);
/* v NULL: on the parent itself. */
int im_iof_nested_new(IofPaging *parent, ImIommufdViommu *v,
                      const IofWish *wish, ImIommufdNested **out);
/* Take a published table out again, as DESTROY does. */
void im_iof_hwpt_destroy(IofHwpt *hwpt);
/* It has lost a user: an automatic one may end. */
void im_iof_hwpt_put(IofHwpt *hwpt);
/* The fault object that was wished for, used from now on: -ENOENT. */
int im_iof_hwpt_set_fault(IofHwpt *hwpt, const IofWish *wish);
void im_iof_hwpt_drop_fault(IofHwpt *hwpt);
extern const IofKind im_iof_paging_kind;
extern const IofKind im_iof_nested_kind;
extern const IofKind im_iof_viommu_kind;

int im_iof_hwpt_alloc(ImIommufdCall *call);
int im_iof_dirty_set(ImIommufdCall *call);
/* IMU_DIRTY_*: track, or do not. -EOPNOTSUPP, -ENOMEM */
int im_iof_dirty_track(IofPaging *p, uint32_t flags);
int im_iof_dirty_get(ImIommufdCall *call);
int im_iof_invalidate(ImIommufdCall *call);

/* --- attaching: attach.c ------------------------------------------------ */

/* End every attachment of a device; then nothing refers to it. */
void im_iof_detach_all(IofDevice *dev);

/* --- queues: queue.c, fault.c, veventq.c -------------------------------- */

typedef struct IofQueueOps {
    int64_t (*read)(ImIommufdQueue *q, const ImIommufdCall *call, uint64_t buf,
                    size_t len);
    /* NULL: cannot be written to. */
    int64_t (*write)(ImIommufdQueue *q, const ImIommufdCall *call, uint64_t buf,
                     size_t len);
    unsigned (*poll)(const ImIommufdQueue *q);
} IofQueueOps;

/* Part of an object, which is in use while a descriptor is open. */
struct ImIommufdQueue {
    const IofQueueOps *ops;
    ImIommufdFile *file;
    IofObject *obj;
    void *opaque;
};

/* Install its descriptor; the queue is in use from then on. */
int im_iof_queue_install(ImIommufdQueue *q, const ImIommufdCall *call,
                         uint64_t addr);
void im_iof_queue_changed(ImIommufdQueue *q);

int im_iof_fault_alloc(ImIommufdCall *call);
/* NULL: no such object. */
IofFault *im_iof_fault(ImIommufdFile *file, uint32_t id);
ImuRef im_iof_fault_queue(const IofFault *fault);
IofObject *im_iof_fault_object(IofFault *fault);
/* The slot stopped looking into its table: forget what was asked for it. */
void im_iof_fault_forget(IofFault *fault, const IofSlot *slot,
                         const IofHwpt *hwpt);

/* --- vIOMMUs: viommu.c, vdevice.c, veventq.c, hwqueue.c ----------------- */

struct ImIommufdViommu {
    IofObject obj;
    ImIommufdFile *file;
    IofFunction *fn;
    IofPaging *parent;
    ImLink *vdevices;
    ImLink *veventqs;
    max_align_t private[];
};

struct ImIommufdVdevice {
    IofObject obj;
    ImIommufdViommu *viommu;
    IofDevice *dev;
    uint64_t virt_id;
    ImLink in_viommu;
};

int im_iof_viommu_alloc(ImIommufdCall *call);
int im_iof_vdevice_alloc(ImIommufdCall *call);
int im_iof_veventq_alloc(ImIommufdCall *call);
int im_iof_hw_queue_alloc(ImIommufdCall *call);
/* Its device goes: so does the vDEVICE, and its number for good. */
void im_iof_vdevice_entomb(ImIommufdVdevice *vd);

/* --- lookup.c ----------------------------------------------------------- */

/* The probe looks elsewhere, as the table is about to go. */
void im_iof_probe_leave(const IofHwpt *hwpt);
void im_iof_probe_free(ImIommufdFile *file);

#endif /* HW_IOMMUFD_DEV_INT_H */
