/*
 * A libim IOMMU in QEMU: what the model needs, and what it sends.
 *
 * Every function of the port runs under ImUnit.lock, with or without the
 * BQL; memory is accessed at once, everything else is put into the outbox.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/pci/pcie.h"
#include "migration/blocker.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "system/system.h"
#include "im-mem.h"
#include "im-options.h"
#include "im-unit.h"
#include "im-viommu.h"
#include "trace.h"

/* What the model sent and nobody has received yet. */
typedef struct ImUnitMsg {
    enum {
        UNIT_MSI,
        UNIT_WIRE,
        UNIT_ATS_INV,
        UNIT_PAGE_RESP,
        UNIT_UNMAP,
        UNIT_RESUME,
        UNIT_NOTICE,
    } kind;
    union {
        ImMsi msi;
        unsigned line;
        ImAtsInv inv;
        ImPageResp resp;
        ImUnmap unmap;
        struct {
            uint64_t handle;
            ImXlat xlat;
        } resume;
        uint64_t notice;
    };
} ImUnitMsg;

/* --- the port --------------------------------------------------------- */

static ImBus unit_port_read(void *host, uint64_t pa, void *buf, size_t len)
{
    return imq_mem_read(&address_space_memory, pa, buf, len);
}

static ImBus unit_port_write(void *host, uint64_t pa, const void *buf,
                             size_t len)
{
    return imq_mem_write(&address_space_memory, pa, buf, len);
}

static ImBus unit_port_cmpxchg64(void *host, uint64_t pa, uint64_t *expected,
                                 uint64_t desired)
{
    return imq_mem_cmpxchg64(&address_space_memory, pa, expected, desired);
}

static void unit_post(ImUnit *u, const ImUnitMsg *msg)
{
    g_array_append_vals(u->outbox, msg, 1);
}

static void unit_port_msi(void *host, const ImMsi *msi)
{
    unit_post(host, &(ImUnitMsg) { .kind = UNIT_MSI, .msi = *msi });
}

static void unit_port_wire(void *host, unsigned line)
{
    unit_post(host, &(ImUnitMsg) { .kind = UNIT_WIRE, .line = line });
}

/* Traced here and not when it is sent: before what waits for it. */
static void unit_port_ats_invalidate(void *host, const ImAtsInv *inv)
{
    ImUnit *u = host;

    trace_im_unit_ats_invalidate(u->id, inv->rid,
                                 im_unit_pasid(inv->has_pasid, inv->pasid),
                                 inv->addr, inv->lg2size, inv->itag,
                                 inv->global);
    if (u->viommu && im_viommu_ats_invalidate(u->viommu->v, inv)) {
        return;
    }
    unit_post(host, &(ImUnitMsg) { .kind = UNIT_ATS_INV, .inv = *inv });
}

static void unit_port_page_response(void *host, const ImPageResp *resp)
{
    ImUnit *u = host;

    if (u->viommu && im_viommu_page_response(u->viommu->v, resp)) {
        return;
    }
    unit_post(host, &(ImUnitMsg) { .kind = UNIT_PAGE_RESP, .resp = *resp });
}

static void unit_port_resume(void *host, uint64_t handle, const ImXlat *xlat)
{
    ImUnit *u = host;

    trace_im_unit_resume(u->id, handle, xlat->status, xlat->cpl);
    if (!u->viommu || !im_viommu_resume(u->viommu->v, handle, xlat)) {
        im_unit_post_resume(u, handle, xlat);
    }
}

void im_unit_post_resume(ImUnit *u, uint64_t handle, const ImXlat *xlat)
{
    unit_post(u,
              &(ImUnitMsg) { .kind = UNIT_RESUME,
                             .resume = { .handle = handle, .xlat = *xlat } });
}

void im_unit_notice(ImUnit *u, uint64_t what)
{
    unit_post(u, &(ImUnitMsg) { .kind = UNIT_NOTICE, .notice = what });
}

static void unit_port_unmap(void *host, const ImUnmap *unmap)
{
    ImUnit *u = host;

    /* device-TLBs are told by the invalidation message itself */
    if (!unmap->device_tlb && qatomic_read(&u->listeners)) {
        unit_post(u, &(ImUnitMsg) { .kind = UNIT_UNMAP, .unmap = *unmap });
    }
}

static void unit_port_changed(void *host)
{
    ImUnit *u = host;

    u->changed = true;
}

static uint64_t unit_port_now(void *host)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void unit_port_deadline(void *host, uint64_t when)
{
    ImUnit *u = host;

    if (when == IM_NEVER) {
        timer_del(u->timer);
    } else {
        timer_mod_ns(u->timer, MIN(when, INT64_MAX));
    }
}

static void unit_port_invalidated(void *host, const ImInval *inval)
{
    ImUnit *u = host;

    if (u->viommu) {
        im_unit_viommu_place(u->viommu);
        im_viommu_invalidated(u->viommu->v, inval);
    }
}

static uint64_t unit_port_fence(void *host)
{
    ImUnit *u = host;

    return u->viommu ? im_viommu_fence(u->viommu->v) : 0;
}

/* --- the table ---------------------------------------------------------- */

const ImPort im_unit_port = {
    .size = sizeof(ImPort),
    .read = unit_port_read,
    .write = unit_port_write,
    .cmpxchg64 = unit_port_cmpxchg64,
    .msi = unit_port_msi,
    .ats_invalidate = unit_port_ats_invalidate,
    .page_response = unit_port_page_response,
    .unmap = unit_port_unmap,
    .changed = unit_port_changed,
    .now = unit_port_now,
    .deadline = unit_port_deadline,
    .event = im_unit_event,
    .wire = unit_port_wire,
    .resume = unit_port_resume,
    .invalidated = unit_port_invalidated,
    .fence = unit_port_fence,
};

/* --- sending: under the BQL, without the lock --------------------------- */

/*
 * A function of QEMU's own with ATS has its device-TLB in a listener of
 * DEVIOTLB_UNMAP (or none), which is done when it returns. Nobody answers
 * for a function that is not there: the invalidation will time out.
 */
static void unit_send_ats_invalidate(ImUnit *u, const ImAtsInv *inv)
{
    PCIDevice *dev;

    if (inv->segment || pci_pasid_send_ats_invalidate(u, inv)) {
        return;
    }
    dev = u->root ? pci_pasid_find_device(u, u->root, inv->rid) : NULL;
    if (!dev || !pci_is_express(dev) ||
        !pcie_find_capability(dev, PCI_EXT_CAP_ID_ATS)) {
        return;
    }
    if (!inv->has_pasid) {
        im_unit_fns_unmap(u,
                          &(ImUnmap) { .addr = inv->addr,
                                       .rid = inv->rid,
                                       .has_rid = true,
                                       .mask = inv->lg2size >= 64 ?
                                                   UINT64_MAX :
                                                   (1ull << inv->lg2size) - 1,
                                       .device_tlb = true });
    }
    im_unit_enter(u);
    u->iommu->ats_inv_done(u->model, inv->rid, 1u << inv->itag, 1);
    im_unit_leave(u);
}

static void unit_send_one(ImUnit *u, const ImUnitMsg *m)
{
    switch (m->kind) {
    case UNIT_MSI:
        u->ops->send_msi(u, &m->msi);
        break;
    case UNIT_WIRE:
        if (u->ops->send_wire) {
            u->ops->send_wire(u, m->line);
        }
        break;
    case UNIT_ATS_INV:
        unit_send_ats_invalidate(u, &m->inv);
        break;
    case UNIT_PAGE_RESP:
        if (!m->resp.segment) {
            pci_pasid_send_page_response(u, &m->resp);
        }
        break;
    case UNIT_UNMAP:
        im_unit_fns_unmap(u, &m->unmap);
        break;
    case UNIT_RESUME:
        pci_pasid_resume(u, m->resume.handle, &m->resume.xlat);
        break;
    case UNIT_NOTICE:
        u->ops->notice(u, m->notice);
        break;
    }
}

/* Take what is in the outbox; false: it was empty. */
static bool unit_take(ImUnit *u, GArray *batch, bool *changed)
{
    im_unit_enter(u);
    *changed = u->changed;
    u->changed = false;
    g_array_set_size(batch, 0);
    if (u->outbox->len) {
        g_array_append_vals(batch, u->outbox->data, u->outbox->len);
        g_array_set_size(u->outbox, 0);
    }
    qemu_mutex_unlock(&u->lock);
    return *changed || batch->len;
}

/*
 * Sending may end in the model again (a completion, a register write by a
 * peer): what that posts is sent by the outer round, in order.
 */
static void unit_send(void *opaque)
{
    ImUnit *u = opaque;
    g_autoptr(GArray) batch = NULL;
    bool changed;

    assert(bql_locked());
    if (u->sending) {
        return;
    }
    u->sending = true;
    batch = g_array_new(false, false, sizeof(ImUnitMsg));
    while (unit_take(u, batch, &changed)) {
        if (changed) {
            im_unit_fns_switch(u);
            if (u->ops->changed) {
                u->ops->changed(u);
            }
        }
        for (unsigned i = 0; i < batch->len; i++) {
            unit_send_one(u, &g_array_index(batch, ImUnitMsg, i));
        }
    }
    u->sending = false;
}

static bool unit_unlock(ImUnit *u)
{
    bool any;

    if (u->viommu) {
        im_viommu_settle(u->viommu->v);
    }
    any = u->outbox->len || u->changed;
    qemu_mutex_unlock(&u->lock);
    return any;
}

void im_unit_leave(ImUnit *u)
{
    if (!unit_unlock(u)) {
        return;
    }
    if (bql_locked()) {
        unit_send(u);
    } else {
        qemu_bh_schedule(u->bh);
    }
}

void im_unit_leave_later(ImUnit *u)
{
    if (unit_unlock(u)) {
        qemu_bh_schedule(u->bh);
    }
}

static void unit_timer_due(void *opaque)
{
    ImUnit *u = opaque;

    im_unit_enter(u);
    u->iommu->deadline(u->model);
    im_unit_leave(u);
}

/* --- life ------------------------------------------------------------- */

void im_unit_init(ImUnit *u, Object *owner, const ImUnitOps *ops)
{
    u->owner = owner;
    u->ops = ops;
    u->iommu = ops->iommu;
    u->id = im_name_of(u->owner);
    u->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    qemu_mutex_init(&u->lock);
}

void im_unit_prepare(ImUnit *u)
{
    u->id = im_name_of(u->owner);
    u->outbox = g_array_new(false, false, sizeof(ImUnitMsg));
    u->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, unit_timer_due, u);
    u->bh = qemu_bh_new(unit_send, u);
}

/* pci_setup_iommu() overwrites silently: see who won in the end. */
static void unit_machine_done(Notifier *n, void *data)
{
    ImUnit *u = container_of(n, ImUnit, machine_done);

    if (u->root->iommu_ops != &im_unit_pci_ops || u->root->iommu_opaque != u) {
        error_report("%s: another device took over as the IOMMU of %s", u->id,
                     BUS(u->root)->name);
        exit(EXIT_FAILURE);
    }
}

bool im_unit_attach(ImUnit *u, PCIBus *root, Error **errp)
{
    if (root->iommu_ops) {
        error_setg(errp, "%s: %s has an IOMMU already", u->id, BUS(root)->name);
        return false;
    }
    error_setg(&u->blocker,
               "%s does not save its state yet: no migration, "
               "no snapshot with it",
               u->id);
    if (migrate_add_blocker(&u->blocker, errp) < 0) {
        return false;
    }
    u->root = root;
    im_unit_fns_init(u);
    pci_setup_iommu(root, &im_unit_pci_ops, u);
    u->machine_done.notify = unit_machine_done;
    qemu_add_machine_init_done_notifier(&u->machine_done);
    return true;
}

/* What a device waits for is not lost; the rest is. */
static void unit_drop_outbox(ImUnit *u)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < u->outbox->len; i++) {
        ImUnitMsg *m = &g_array_index(u->outbox, ImUnitMsg, i);

        if (m->kind == UNIT_RESUME) {
            g_array_index(u->outbox, ImUnitMsg, kept++) = *m;
        }
    }
    g_array_set_size(u->outbox, kept);
}

static uint64_t unit_mmio_read(void *opaque, hwaddr off, unsigned size)
{
    ImUnit *u = opaque;
    uint64_t val;

    im_unit_enter(u);
    val = u->iommu->mmio_read(u->model, off, size);
    im_unit_leave(u);
    trace_im_unit_mmio_read(u->id, off, size, val);
    return val;
}

static void unit_mmio_write(void *opaque, hwaddr off, uint64_t val,
                            unsigned size)
{
    ImUnit *u = opaque;

    trace_im_unit_mmio_write(u->id, off, size, val);
    im_unit_enter(u);
    u->iommu->mmio_write(u->model, off, val, size);
    im_unit_leave(u);
}

/* The model decides which accesses mean something: it sees them as made. */
static const MemoryRegionOps mmio_ops = {
    .read = unit_mmio_read,
    .write = unit_mmio_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

void im_unit_mmio_init(ImUnit *u, uint64_t size)
{
    memory_region_init_io(&u->mmio, u->owner, &mmio_ops, u,
                          object_get_typename(u->owner), size);
}

void im_unit_reset(ImUnit *u)
{
    trace_im_unit_reset(u->id);
    im_unit_enter(u);
    unit_drop_outbox(u);
    u->iommu->reset(u->model);
    u->changed = true;
    im_unit_leave(u);
}

/* Of a device only after a realize that failed: it cannot be unplugged. */
void im_unit_fini(ImUnit *u)
{
    if (u->outbox) {
        g_array_free(u->outbox, true);
        timer_free(u->timer);
        qemu_bh_delete(u->bh);
    }
    g_hash_table_destroy(u->told);
    qemu_mutex_destroy(&u->lock);
}
