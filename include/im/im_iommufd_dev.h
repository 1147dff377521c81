/*
 * The devices of an iommufd engine: what VFIO calls, and what an IOMMU's
 * driver says about hardware that Linux's uAPI shows.
 *
 * The engine does everything that is the same for every IOMMU; a driver is a
 * table of rows and small functions. Two are built in. Errors are Linux's.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_IOMMUFD_DEV_H
#define IM_IOMMUFD_DEV_H

#include "im/im_iommufd.h"

typedef struct ImIommufdDriver ImIommufdDriver;

/* Objects as a driver sees them; the private bytes follow the driver's size
 * for that kind, are zeroed, and live as long as the object. */
typedef struct ImIommufdNested ImIommufdNested;
typedef struct ImIommufdViommu ImIommufdViommu;
typedef struct ImIommufdVdevice ImIommufdVdevice;
typedef struct ImIommufdHwQueue ImIommufdHwQueue;

/* ===== devices and what is done with them ============================== */

/* A device of the machine, before anybody bound it. Everything is copied. */
typedef struct ImIommufdDevice {
    const ImIommufdDriver *driver;
    void *opaque;               /* the driver's and the host's, of it */
    ImIoasidDevice backend;     /* function, capabilities, reserved ranges */
    uint32_t iommu;             /* number of the IOMMU that it is behind */
    uint8_t pasid_bits;         /* that users may use; 0: no PASIDs */
    bool no_dirty;              /* this one cannot track dirty pages */
    bool no_errata;             /* hardware without those that Linux tells of:
                                   VT-d's, read-only pages under a parent */
    bool inside;                /* bound by an object of the file, it does not
                                   hold the file */
    /* Messages to the function, to be obeyed after the call into the engine
     * returned. Optional: an invalidation is complete at once then. */
    void (*ats_invalidate)(void *opaque, const ImAtsInv *inv);
    void (*page_response)(void *opaque, const ImPageResp *resp);
} ImIommufdDevice;

/* 0 or as im_ioasid_device_add(). Removal unbinds it where it is bound. */
int im_iommufd_device_add(ImIommufd *e, const ImIommufdDevice *dev);
int im_iommufd_device_remove(ImIommufd *e, uint32_t func);

#define IM_IOMMUFD_NO_PASID  UINT32_MAX

/* An object for the function in the file: *id. -ENODEV no such function or
 * bound elsewhere, -EBUSY its group is another file's, -ENOMEM, -ENOSPC. */
int im_iommufd_bind(ImIommufdFile *f, uint32_t func, uint32_t *id);
/* Detaches it from everything first. Its id is gone; a vDEVICE's becomes a
 * tombstone. Nothing happens if there is no such device. */
void im_iommufd_unbind(ImIommufdFile *f, uint32_t id);

/*
 * *pt is an IOAS or HWPT in, the HWPT out. -ENOENT no such object; -EBUSY
 * attached already; -EINVAL the table and the device do not go together, its
 * group has another one, or pasid is not the device's; -ENODEV the table has
 * a fault queue and the device no page requests; -EADDRINUSE a reserved range
 * is mapped; -ENOMEM.
 */
int im_iommufd_attach(ImIommufdFile *f, uint32_t id, uint32_t pasid,
                      uint32_t *pt);
/* As attach, -EINVAL if it is not attached. Atomic; on error the old table
 * stays. Without PASID, for the whole group. */
int im_iommufd_replace(ImIommufdFile *f, uint32_t id, uint32_t pasid,
                       uint32_t *pt);
/* Nothing happens if it is not attached. Faults are answered. */
void im_iommufd_detach(ImIommufdFile *f, uint32_t id, uint32_t pasid);
/* The HWPT that it is attached to, 0: none. */
uint32_t im_iommufd_attached(ImIommufdFile *f, uint32_t id, uint32_t pasid);

/* Function and opaque of a bound device; false: no such device object. */
bool im_iommufd_device_of(ImIommufdFile *f, uint32_t id, uint32_t *func,
                          void **opaque);

/*
 * What a device's access to iova through the HWPT would meet, found out by a
 * translation of a function that does nothing else: the address that the
 * backend's pin() gave. Without write, any access will do. -ENOENT no such
 * HWPT, or nothing is there; -EACCES write is not allowed; -ENOMEM.
 */
int im_iommufd_hwpt_lookup(ImIommufdFile *f, uint32_t hwpt, uint64_t iova,
                           bool write, uint64_t *pa);
/* As a device writing to the page would: what tracking finds afterwards. */
int im_iommufd_hwpt_write(ImIommufdFile *f, uint32_t hwpt, uint64_t iova);

/* ===== what a driver is handed ========================================== */

/* A structure at a user address, whose size the user says. */
typedef struct ImIommufdData {
    const ImIommufdCall *call;
    uint64_t addr;
    uint32_t type;
    uint32_t len;
} ImIommufdData;

/*
 * Copy it in: -EINVAL another type, shorter than min or longer than size;
 * -EFAULT. What it lacks of size is 0. Also copy it back, never more than len
 * bytes.
 */
int im_iommufd_data_get(const ImIommufdData *d, uint32_t type, void *buf,
                        size_t size, size_t min);
int im_iommufd_data_put(const ImIommufdData *d, const void *buf, size_t size);

/* An array of them. */
typedef struct ImIommufdArray {
    const ImIommufdCall *call;
    uint64_t addr;
    uint32_t type;
    uint32_t entry_len;
    uint32_t num;
} ImIommufdArray;

/* Entry i, of which there must be that many (num may count something else
 * by now); errors as im_iommufd_data_get(). */
int im_iommufd_array_get(const ImIommufdArray *a, uint32_t type, uint32_t i,
                         void *buf, size_t size, size_t min);
/* All of them, size bytes of each, whatever entry_len is: -E2BIG longer and
 * not 0, -EFAULT. What they lack is 0. */
int im_iommufd_array_get_all(const ImIommufdArray *a, void *buf, size_t size);

/* A device as a driver sees it. */
typedef struct ImIommufdHw {
    const ImIommufdDevice *dev;
    ImIommufdFile *file; /* NULL: not bound */
    uint32_t id; /* of the object */
} ImIommufdHw;

/* What a page table of the engine's own is like. The defaults are the
 * driver's; a driver changes them for what the user asked for. */
typedef struct ImIommufdPaging {
    uint64_t first; /* aperture */
    uint64_t last;
    uint8_t page_shift; /* smallest page, that of the backend or more */
    uint8_t dirty_shift; /* largest page: one dirty bit of each that
                            an area holds whole; 0: page_shift */
    uint32_t always; /* IMU_PROT_*: what the entries have no bit
                        for, and so lets every device */
    bool writable_only; /* a page that cannot be written: -EINVAL */
    uint64_t page_sizes; /* bit n: 2^n, as VFIO tells; 0: page_shift
                            and all above */
} ImIommufdPaging;

typedef enum ImIommufdWhat {
    IM_IOMMUFD_TABLE, /* a guest's table, on the parent */
    IM_IOMMUFD_BYPASS, /* the parent alone */
    IM_IOMMUFD_ABORT, /* nothing is let through */
} ImIommufdWhat;

/* What the user's data of a nested table mean for the backend. */
typedef struct ImIommufdMeaning {
    uint32_t what; /* ImIommufdWhat */
    uint32_t format; /* ImuFormat, with TABLE */
    union {
        ImuVtdFirst vtd;
        ImuSmmuSte smmu;
    } data;
    bool pasid_table; /* attached without PASID it is that of all
                         PASIDs, none of which can be attached */
    bool no_ats;
    bool needs_vdevice; /* of a vIOMMU: -ENOENT to attach without */
} ImIommufdMeaning;

/* Members that are NULL: the IOMMU has no such thing (-EOPNOTSUPP). Every
 * function is called with the object complete but without id, and what it
 * refuses leaves nothing behind. */
struct ImIommufdDriver {
    size_t size; /* of this structure */
    const char *name;
    ImIommufdPaging paging; /* of a table without data */
    uint32_t hwpt_flags; /* bit n: combination n of HWPT_ALLOC's flags
                            NEST_PARENT 1, DIRTY 2, FAULT 4, PASID 8
                            makes a paging HWPT */
    bool dirty; /* it tracks dirty pages */
    bool dirty_new; /* from the first on, and a page that may be
                       written begins dirty: entries do */
    bool no_iommu; /* devices reach memory by its address, which
                      NOIOMMU_GET_PA tells */
    bool of_one_iommu; /* a table is for devices behind the IOMMU
                          that it was made for */
    bool on_viommu; /* nested tables are made on vIOMMUs only */
    bool nested_no_pasid; /* and are not for PASIDs */
    bool fault_without_pri; /* tables with a fault queue are also for
                               devices that never ask for a page */
    const ImuRange *reserved; /* nobody's where a device is attached
                                 without PASID: interrupts go there */
    unsigned reserved_count;
    size_t nested_size; /* private bytes of each kind */
    size_t viommu_size;
    size_t hw_queue_size;

    /* *type in: wanted, 0 the default; out: given. Fill buf (4 KiB, zeroed),
     * *len. -EOPNOTSUPP unknown type. */
    int (*hw_info)(const ImIommufdHw *hw, uint32_t *type, void *buf,
                   uint32_t *len);
    /* Where devices and HWPT_ALLOC's flags differ in what they default to.
     * Optional. */
    void (*paging_of)(const ImIommufdHw *hw, uint32_t flags,
                      ImIommufdPaging *out);
    /* A paging HWPT with data; out has the defaults. */
    int (*paging_data)(const ImIommufdHw *hw, const ImIommufdData *d,
                       ImIommufdPaging *out);
    /* A nested HWPT, on a parent or a vIOMMU. */
    int (*nested)(ImIommufdNested *n, const ImIommufdHw *hw,
                  const ImIommufdData *d, ImIommufdMeaning *out);
    void (*nested_free)(ImIommufdNested *n);
    /* a->num: entries in, handled out. */
    int (*nested_invalidate)(ImIommufdNested *n, ImIommufdArray *a);
    /* Attaching, after everything else said yes; may say no. n == NULL: a
     * paging HWPT. old: it is replaced. */
    int (*attaching)(const ImIommufdHw *hw, uint32_t pasid, ImIommufdNested *n,
                     bool old);

    /* Whether there are vIOMMUs of the type; one of them (of d->type; d->len
     * 0: no data). */
    bool (*viommu_is)(uint32_t type);
    int (*viommu)(ImIommufdViommu *v, const ImIommufdHw *hw,
                  const ImIommufdData *d);
    void (*viommu_free)(ImIommufdViommu *v);
    int (*viommu_invalidate)(ImIommufdViommu *v, ImIommufdArray *a);
    /* A device gets its virtual number (im_iommufd_vdevice_id()). */
    int (*vdevice)(ImIommufdVdevice *vd);
    void (*vdevice_free)(ImIommufdVdevice *vd);
    /* Bytes of an event of a queue of this type; 0: no such queue. */
    size_t (*veventq)(ImIommufdViommu *v, uint32_t type);
    /* Whether there are queues of the type; one of them, whose memory is
     * mapped in the parent and pinned. */
    bool (*hw_queue_type)(ImIommufdViommu *v, uint32_t type);
    int (*hw_queue)(ImIommufdHwQueue *q, uint32_t index, uint64_t iova,
                    uint64_t length);
    void (*hw_queue_free)(ImIommufdHwQueue *q);
    /* The backend refused a request of a device that has a vDEVICE and looks
     * into a nested table of its vIOMMU: for events. reason: as
     * im_ioasid_fault_name() has it, a code of ioasid_faults.h.inc. */
    void (*refused)(ImIommufdVdevice *vd, const ImTxn *txn, uint8_t reason);
};

extern const ImIommufdDriver im_iommufd_none;
extern const ImIommufdDriver im_iommufd_vtd;
extern const ImIommufdDriver im_iommufd_smmuv3;

/* ===== what a driver calls =============================================== */

/* Private bytes. */
void *im_iommufd_nested_private(ImIommufdNested *n);
void *im_iommufd_viommu_private(ImIommufdViommu *v);
void *im_iommufd_hw_queue_private(ImIommufdHwQueue *q);

/* Objects by id; NULL: no such object. */
ImIommufdNested *im_iommufd_nested_of(ImIommufdFile *f, uint32_t id);
ImIommufdViommu *im_iommufd_viommu_of(ImIommufdFile *f, uint32_t id);

/* The vIOMMU of a nested table (NULL: made on a parent), vDEVICE, queue. */
ImIommufdViommu *im_iommufd_nested_viommu(ImIommufdNested *n);
ImIommufdViommu *im_iommufd_vdevice_viommu(ImIommufdVdevice *vd);
ImIommufdViommu *im_iommufd_hw_queue_viommu(ImIommufdHwQueue *q);
/* The device that the vIOMMU was made for; it may be unbound since, then
 * its file and id are not there. */
ImIommufdHw im_iommufd_viommu_hw(const ImIommufdViommu *v);

uint64_t im_iommufd_vdevice_id(const ImIommufdVdevice *vd);
/* Who has a virtual number; NULL: nobody. */
ImIommufdVdevice *im_iommufd_vdevice_by_id(ImIommufdViommu *v, uint64_t id);
/* The vDEVICE of a bound device, NULL: none. */
ImIommufdVdevice *im_iommufd_vdevice_of(ImIommufdFile *f, uint32_t device);
/* Its device: as the rest of this header has it. */
ImIommufdHw im_iommufd_vdevice_hw(const ImIommufdVdevice *vd);

/* INVALIDATE of what is nested, as im_ioasid.h says: a table's bindings, all
 * bindings of the vIOMMU's parent, a device. e == NULL: everything. */
int im_iommufd_nested_flush(ImIommufdNested *n, uint32_t caches,
                            const ImuInvEntry *e);
int im_iommufd_viommu_flush(ImIommufdViommu *v, uint32_t caches);
int im_iommufd_vdevice_flush(ImIommufdVdevice *vd, uint32_t caches,
                             uint32_t gran, const ImuInvEntry *e);

/* An event for the vIOMMU's queue of that type: len is the queue's. Lost if
 * there is no room; -ENOENT no such queue. */
int im_iommufd_vevent(ImIommufdViommu *v, uint32_t type, const void *event,
                      size_t len);

/* Memory of the host's that the user maps at *offset of the file, whole or
 * not at all; while it is mapped the vIOMMU cannot be destroyed (-EBUSY). It
 * is forgotten with the vIOMMU. -ENOMEM, -EINVAL length */
int im_iommufd_viommu_map(ImIommufdViommu *v, const ImIommufdMmap *what,
                          uint64_t length, uint64_t *offset);

/* q cannot be without on: destroying on is -EBUSY until q went. */
void im_iommufd_hw_queue_needs(ImIommufdHwQueue *q, ImIommufdHwQueue *on);

#endif /* IM_IOMMUFD_DEV_H */
