/*
 * ioasid-host: the host backend as an object, and what devices ask of it.
 *
 * im-ioasid.c is the object, im-ioasid-options.c its properties,
 * im-ioasid-qmp.c what a monitor sees of it.
 * Called with the BQL held, unless a comment says otherwise.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_IOASID_H
#define HW_IM_IM_IOASID_H

#include "hw/resettable.h"
#include "qom/object.h"
#include "im-unit.h"

#include "im/im_ioasid.h"
#include "im/im_ioasid_words.h"
#include "im/im_vtd.h"

#define TYPE_IOASID_HOST "ioasid-host"
OBJECT_DECLARE_SIMPLE_TYPE(IoasidHost, IOASID_HOST)

typedef struct IoasidHostVcmd IoasidHostVcmd;

/* Guest memory in one piece. */
typedef struct IoasidRam {
    uint64_t first;
    uint64_t size;
    bool readonly;
    bool fresh;                 /* not mapped yet */
} IoasidRam;

struct IoasidHost {
    Object parent_obj;

    ImUnit unit;                /* unit.model: this */
    ResettableState reset;
    ImIoasid *host;
    ImIoasidConfig cfg;
    ImuSetCreate guest;       /* the guest's set: as wanted, and its handle */
    uint64_t vcmd_delay_ns;

    ImIoasidCtx *ctx;          /* of this emulator: everything of its guest */
    ImuRef events;              /* queue of the guest's set */
    ImuCall *call;              /* under way, by words or */
    void *raw;                  /* as a structure */
    size_t raw_size;

    uint16_t next_rid;
    unsigned users;             /* devices that hold a link */
    GPtrArray *fns;             /* IoasidFn */
    GHashTable *to_guest;       /* function, host PASID -> guest PASID, */
    GHashTable *to_host;        /* and back: as last seen on the bus */

    /* im-viommu.c */
    GPtrArray *units;           /* ImUnitViommu: that stand on it */
    bool unit_asks;             /* one of them translates a request */
    Notifier machine_done;
    MemoryListener listener;
    GArray *ram;                /* IoasidRam; NULL: no unit asked for it */
    ImuRef ram_space;
    ImuRef ram_faults;          /* what of it is waited for */
    QEMUTimer *ram_timer;
    uint64_t fill_delay_ns;     /* until it is there; 0: all is */
};

/* --- functions that the host assigned to the guest ---------------------- */

typedef struct IoasidFn {
    IoasidHost *host;
    PciPasidListener *listener; /* the device's */
    PciPasidFn pasid;           /* where its requests go */
    uint16_t rid;               /* at the host */
    ImUnit *above;              /* the guest's IOMMU that stands on the host,
                                   or NULL, and */
    struct ImViommuFn *vfn;     /* what it is there */
} IoasidFn;

/* What is on the bus for a guest's PASID, within the unit's lock; false: it
 * is bound nowhere, and never was. */
bool im_ioasid_fn_host_pasid(IoasidHost *s, uint16_t rid, uint32_t *pasid);

/*
 * dev->func: the requester ID at the host; 0: the next free one. The
 * listener's requests go to the host or, when the machine is done, to the
 * guest's IOMMU if that stands on this host.
 */
IoasidFn *im_ioasid_host_add(IoasidHost *s, PciPasidListener *listener,
                             const ImIoasidDevice *dev, Error **errp);
/* Surprise removal, if it is in use. */
void im_ioasid_host_remove(IoasidFn *fn);

/* --- PASIDs of the guest's set, for VT-d's virtual commands ------------- */

/*
 * Obey. done() is called from within, or when vcmd-delay has passed. max:
 * the largest PASID the guest can use. One command at a time.
 */
typedef void IoasidVcmdDone(void *opaque, uint32_t serial, unsigned status,
                            uint32_t pasid);
struct IoasidHostVcmd {
    IoasidHost *host;
    uint32_t max;
    IoasidVcmdDone *done;
    void *opaque;
    ImVcmd cmd;
    QEMUTimer *timer;
};

void im_ioasid_vcmd_init(IoasidHostVcmd *v, IoasidHost *host, uint32_t max,
                         IoasidVcmdDone *done, void *opaque);
void im_ioasid_vcmd(IoasidHostVcmd *v, const ImVcmd *cmd);
/* The unit was reset: nobody waits. */
void im_ioasid_vcmd_reset(IoasidHostVcmd *v);

/* --- im-ioasid-options.c ------------------------------------------------ */

void im_ioasid_options_add(ObjectClass *oc);
/* What cannot be of the guest's set, in words of properties, or NULL. */
const char *im_ioasid_options_impossible(const IoasidHost *s);
/* What the backend says of its configuration, in words of properties. */
void im_ioasid_options_rename(GString *line);

/* --- im-ioasid-ram.c ---------------------------------------------------- */

/* Guest memory, from now on, in the RAM space; 0 or -errno. */
int im_ioasid_ram_keep(IoasidHost *s);
/* The set is another one. */
void im_ioasid_ram_reset(IoasidHost *s);
void im_ioasid_ram_forget(IoasidHost *s);
/* A queue became readable: whether it was that of the RAM space. */
bool im_ioasid_ram_readable(IoasidHost *s, ImuRef queue);

/* --- im-ioasid-qmp.c ---------------------------------------------------- */

/* A queue of the context became readable. */
void im_ioasid_qmp_readable(IoasidHost *s, ImuRef queue);
/*
 * A command from C: its structure, of size bytes, which are filled in, with
 * what it refers to behind it, whole bytes in all. To the backend this is
 * user memory at IM_IOASID_RAW. 0 or -errno.
 */
#define IM_IOASID_RAW  (1ull << 61)
int im_ioasid_host_command(IoasidHost *s, ImuCommand command, void *arg,
                           size_t size, size_t whole);
/* The same, from within another unit's lock: nothing is sent yet. */
int im_ioasid_host_command_later(IoasidHost *s, ImuCommand command, void *arg,
                                 size_t size, size_t whole);
#define IM_IOASID_HOST_LATER(s, NAME, arg)                              \
    im_ioasid_host_command_later(s, IMU_CMD_##NAME, arg, sizeof(*(arg)), \
                                 sizeof(*(arg)))
#define IM_IOASID_HOST(s, NAME, arg) \
    im_ioasid_host_command(s, IMU_CMD_##NAME, arg, sizeof(*(arg)), \
                           sizeof(*(arg)))

#endif /* HW_IM_IM_IOASID_H */
