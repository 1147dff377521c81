/*
 * What every device around a libim IOMMU needs: a lock, a port, an outbox
 * for what the model sends, functions as sources of requests.
 *
 * im-unit.c is the unit, im-unit-fn.c what functions see of it,
 * im-unit-report.c what people see. A device embeds an ImUnit and describes
 * its model by ImUnitOps.
 *
 * Lock order: BQL, then ImUnit.lock. The lock covers the model, the outbox
 * and the fault log; nothing is sent while it is held.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_UNIT_H
#define HW_IM_IM_UNIT_H

#include "hw/pci/pci_bus.h"
#include "qemu/notify.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "im-model.h"
#include "im-request.h"
#include "pci-pasid.h"

#include "im/im_event.h"
#include "im/im_port.h"

typedef struct ImUnit ImUnit;
typedef struct ImUnitViommu ImUnitViommu;   /* im-viommu.h */

#define TYPE_IM_UNIT_MR  "im-unit-memory-region"

typedef struct ImUnitOps {
    /* The model: under the lock, with or without the BQL. */
    const ImIommuOps *iommu;

    /* To the outside: under the BQL, without the lock. */
    void (*send_msi)(ImUnit *u, const ImMsi *msi);
    void (*send_wire)(ImUnit *u, unsigned line);            /* optional */
    void (*changed)(ImUnit *u);                             /* optional */
    /* What im_unit_notice() said. */
    void (*notice)(ImUnit *u, uint64_t what);               /* optional */

    /*
     * The range where a DWORD write is an interrupt; without interrupt()
     * there is none. Called without the lock, with or without the BQL.
     */
    MemTxResult (*interrupt)(ImUnit *u, const ImMsi *msi);  /* optional */
    uint64_t msi_base;
    uint64_t msi_size;

    /* What would become of one, for people. Optional, under the lock. */
    ImIntOut (*explain_interrupt)(ImUnit *u, const ImMsi *msi, ImStepFn *fn,
                                  void *opaque);
} ImUnitOps;

/*
 * An answer to an ordinary device that the model need not give again: the
 * requester ID is the same, and the unit was not entered for anything but
 * requests since then (stamp).
 */
typedef struct ImUnitMemo {
    uint64_t key;               /* page and access; 0: none */
    uint64_t stamp;
    uint64_t out;
    uint64_t mask;
} ImUnitMemo;

#define IM_UNIT_MEMOS  1024

/* Where a function is: what the table of functions is searched by. */
typedef struct ImUnitPlace {
    PCIBus *bus;                /* NULL: no PCI function */
    uint8_t devfn;
} ImUnitPlace;

/* One function, or another master, as a source of requests. */
typedef struct ImUnitFn {
    ImUnitPlace at;
    uint16_t rid;
    PCIDevice *bridge;          /* NULL: rid is fixed */
    ImUnit *unit;
    PciPasidFn pasid;
    char *name;
    IOMMUMemoryRegion iommu;    /* enabled while the unit translates */
    MemoryRegion top;           /* its last page, see unit_fn_new() */
    MemoryRegion bypass;        /* enabled while it does not */
    ImRequestRegion msi;
    IOMMUNotifierFlag notifiers;
    ImUnitMemo memo[IM_UNIT_MEMOS];
} ImUnitFn;

/* Where an ordinary device's request is led that faulted. */
typedef struct ImUnitNowhere {
    AddressSpace as;
    MemoryRegion root;
    ImRequestRegion page;
} ImUnitNowhere;

struct ImUnit {
    const ImUnitOps *ops;
    const ImIommuOps *iommu;    /* of ops, and */
    void *model;                /* what they are given */
    Object *owner;              /* the device */
    ImUnitViommu *viommu;       /* it stands on a host; or NULL */
    const char *id;             /* as its user named it, else its type */

    QemuMutex lock;
    uint64_t epoch;             /* of im_unit_enter() */
    uint64_t memo_hits;
    unsigned listeners;         /* functions with notifiers; atomic */
    GArray *outbox;             /* ImUnitMsg */
    bool changed;               /* translating() or changed() may say so */
    ImFaultLog faults;
    uint64_t hidden_faults;     /* of which software is not told */
    GHashTable *told;           /* what was told on stderr */

    QEMUTimer *timer;
    QEMUBH *bh;
    Notifier machine_done;
    Error *blocker;

    /* BQL */
    bool sending;
    bool translating;
    MemoryRegion mmio;
    PCIBus *root;
    bool every_root;            /* root complexes without a unit as well */
    uint64_t bypass_size;       /* what passes untranslated; 0: everything */
    GHashTable *fns;            /* ImUnitFn, by ImUnitPlace */
    ImUnitNowhere refused;      /* an error */
    ImUnitNowhere zero;         /* reads as zero, ignores writes */

    /* Why a device is refused that wants to hear of new mappings; and one
     * that has an ATC, or NULL. */
    const char *no_map;
    const char *no_ats;
};

/* --- life ------------------------------------------------------------- */

void im_unit_init(ImUnit *u, Object *owner, const ImUnitOps *ops);
/* Before the model is created with im_unit_port and u as its host. */
void im_unit_prepare(ImUnit *u);
extern const ImPort im_unit_port;
/*
 * The model exists: be the IOMMU of a root bus. Refuses a root bus that has
 * one; that nobody else takes it later is checked when the machine is done.
 */
bool im_unit_attach(ImUnit *u, PCIBus *root, Error **errp);
/* The registers: u->mmio, to be mapped by the device. */
void im_unit_mmio_init(ImUnit *u, uint64_t size);
void im_unit_reset(ImUnit *u);
/* The model is freed by the device, afterwards. */
void im_unit_fini(ImUnit *u);

/* From within the model: have ops->notice() called when it was left. */
void im_unit_notice(ImUnit *u, uint64_t what);
/* Within the lock: the end of a parked request, whoever parked it. */
void im_unit_post_resume(ImUnit *u, uint64_t handle, const ImXlat *xlat);

/* --- im-unit-report.c ------------------------------------------------- */

/* event() of the port. */
void im_unit_event(void *host, const ImEvent *ev);
/* A request that the unit refused and of which its guest is not told. */
void im_unit_host_fault(ImUnit *u, const ImTxn *txn, const char *name,
                        const char *text);
/* All of a device that has its ImUnit at this offset. */
void im_unit_model_class(ImModelClass *mc, size_t offset, const ImUnitOps *ops);

/* --- around every use of the model ------------------------------------ */

/* What is remembered beside the model is forgotten. */
static inline void im_unit_enter(ImUnit *u)
{
    qemu_mutex_lock(&u->lock);
    u->epoch++;
}

/* The same for what does not change an answer. */
static inline void im_unit_enter_to_ask(ImUnit *u)
{
    qemu_mutex_lock(&u->lock);
}

/* Release the lock and see that the outbox is sent. */
void im_unit_leave(ImUnit *u);
/* The same, but never from within this call. */
void im_unit_leave_later(ImUnit *u);

/* --- im-unit-fn.c ----------------------------------------------------- */

extern const PCIIOMMUOps im_unit_pci_ops;
/* The unit, as opaque, is what stands above a function. */
extern const PciPasidIommuOps im_unit_pasid_ops;

void im_unit_fns_init(ImUnit *u);
/* A master that is no PCI function; it is never switched. */
ImUnitFn *im_unit_fn_fixed(ImUnit *u, uint8_t devfn, uint16_t rid,
                           const char *what);
/* translating() may have changed. */
void im_unit_fns_switch(ImUnit *u);
/* Forget: tell whoever listens in these functions' address spaces. */
void im_unit_fns_unmap(ImUnit *u, const ImUnmap *unmap);

static inline int64_t im_unit_pasid(bool has_pasid, uint32_t pasid)
{
    return has_pasid ? (int64_t)pasid : -1;
}

#endif /* HW_IM_IM_UNIT_H */
