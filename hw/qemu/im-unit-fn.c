/*
 * A libim IOMMU in QEMU: PCI functions and other masters as sources of
 * requests. One address space each: the translated view or, while the unit
 * does not translate, memory itself; over it the interrupt range, if any.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "qapi/error.h"
#include "system/dma.h"
#include "im-unit.h"
#include "trace.h"

#define TOP_PAGE  (UINT64_MAX - 0xfff)

/*
 * The requester ID at this moment; false: the bus was unplugged. What
 * pci_bus_num() would do, without its two class casts: this is on the way of
 * every DMA. A root bus has the number it was created with.
 */
static bool unit_fn_rid(const ImUnitFn *fn, uint16_t *rid)
{
    const PCIDevice *bridge = fn->bridge;

    if (!bridge) {
        *rid = fn->rid;
        return true;
    }
    *rid = PCI_BUILD_BDF(bridge->config[PCI_SECONDARY_BUS], fn->at.devfn);
    return qdev_is_realized((DeviceState *)&bridge->qdev);
}

/* --- where faults lead -------------------------------------------------- */

/*
 * In an address space of their own, where no memory can be: who looks a
 * translation up without making the access, as vhost does, finds nothing to
 * use at this address.
 */
#define NOWHERE  (UINT64_C(1) << 62)

static MemTxResult unit_fn_zero_take(void *opaque, hwaddr off, void *buf,
                                     unsigned len, bool is_write)
{
    if (!is_write) {
        memset(buf, 0, len);
    }
    return MEMTX_OK;
}

static MemTxResult unit_fn_refuse_take(void *opaque, hwaddr off, void *buf,
                                       unsigned len, bool is_write)
{
    unit_fn_zero_take(opaque, off, buf, len, is_write);
    return MEMTX_DECODE_ERROR;
}

static void unit_fn_nowhere_init(ImUnit *u, ImUnitNowhere *n, ImRequestFn *fn,
                                 const char *name)
{
    memory_region_init(&n->root, u->owner, name, UINT64_MAX);
    im_request_region_init(&n->page, u->owner, fn, u, name, 0x1000);
    n->page.answered = true;
    memory_region_add_subregion(&n->root, NOWHERE, &n->page.mr);
    address_space_init(&n->as, &n->root, name);
}

/* What was asked for is answered: the rest of its page is not asked again. */
static void unit_fn_fault(ImUnit *u, const ImXlat *x, IOMMUTLBEntry *e)
{
    e->target_as = x->status == IM_FAULT && x->cpl == IM_CPL_SC ?
                       &u->zero.as :
                       &u->refused.as;
    e->translated_addr = NOWHERE;
}

/* --- translation ------------------------------------------------------ */

static ImXlat unit_fn_traced(ImUnit *u, const ImTxn *t)
{
    ImXlat x = u->iommu->translate(u->model, t);

    trace_im_unit_translate(u->id, t->rid,
                            im_unit_pasid(t->has_pasid, t->pasid), t->addr,
                            t->access, t->at, x.status, x.addr, x.mask, x.perm);
    return x;
}

static ImXlat unit_fn_ask_unit(ImUnit *u, const ImTxn *txn)
{
    ImXlat x;

    im_unit_enter_to_ask(u);
    x = unit_fn_traced(u, txn);
    if (x.status == IM_PENDING) {
        /* the end must not be told before the caller knows of the start */
        im_unit_leave_later(u);
    } else {
        im_unit_leave(u);
    }
    return x;
}

/* What could be done there, without a trace of having asked. */
static ImXlat unit_fn_peek(ImUnit *u, ImTxn *txn, IOMMUAccessFlags *perm)
{
    ImXlat x = { .status = IM_FAULT, .cpl = IM_CPL_UR }, y;

    *perm = IOMMU_NONE;
    im_unit_enter_to_ask(u);
    txn->access = IM_READ;
    y = u->iommu->explain(u->model, txn, NULL, NULL);
    if (y.status == IM_OK) {
        x = y;
        *perm |= IOMMU_RO;
    }
    txn->access = IM_WRITE;
    y = u->iommu->explain(u->model, txn, NULL, NULL);
    if (y.status == IM_OK) {
        x = y;
        *perm |= IOMMU_WO;
    }
    im_unit_leave(u);
    return x;
}

/* What is refused while QEMU looks ahead is asked for again: no fault yet. */
static ImXlat unit_fn_ask_model(ImUnit *u, const ImTxn *t)
{
    if (im_request_looks_ahead()) {
        ImXlat x = u->iommu->explain(u->model, t, NULL, NULL);

        if (x.status != IM_OK) {
            return x;
        }
    }
    return unit_fn_traced(u, t);
}

/*
 * The answer to an ordinary device, remembered or asked for. The lock is
 * held, so nothing that changes answers is under way; tracing sees them all.
 */
static ImXlat unit_fn_ask(ImUnitFn *fn, const ImTxn *t)
{
    ImUnit *u = fn->unit;
    ImUnitMemo *m = &fn->memo[(t->addr >> 12) % IM_UNIT_MEMOS];
    uint64_t key = (t->addr & ~0xfffull) | t->access, stamp;
    ImXlat x;

    im_unit_enter_to_ask(u);
    stamp = u->epoch << 16 | t->rid;
    if (m->key == key && m->stamp == stamp &&
        !trace_event_get_state_backends(TRACE_IM_UNIT_TRANSLATE)) {
        u->memo_hits++;
        x = (ImXlat) {
            .addr = m->out | (t->addr & 0xfff),
            .mask = m->mask,
        };
        im_unit_leave(u);
        return x;
    }
    x = unit_fn_ask_model(u, t);
    if (x.status == IM_OK && !x.interrupt && x.mask >= 0xfff) {
        *m = (ImUnitMemo) {
            .key = key,
            .stamp = stamp,
            .out = x.addr & ~0xfffull,
            .mask = x.mask,
        };
    }
    im_unit_leave(u);
    return x;
}

/* Without the BQL, from any thread that does DMA. */
static IOMMUTLBEntry unit_fn_translate(IOMMUMemoryRegion *mr, hwaddr addr,
                                       IOMMUAccessFlags flag, int iommu_idx)
{
    ImUnitFn *fn = container_of(mr, ImUnitFn, iommu);
    ImTxn t = { .addr = addr, .len = 1 };
    IOMMUTLBEntry e = {
        .target_as = &address_space_memory,
        .iova = addr & ~0xfffull,
        .addr_mask = 0xfff,
        .perm = IOMMU_NONE,
    };
    ImXlat x;

    if (!unit_fn_rid(fn, &t.rid)) {
        return e;
    }
    flag &= IOMMU_RW;
    if (flag == IOMMU_NONE) {
        x = unit_fn_peek(fn->unit, &t, &flag);
    } else {
        t.access = flag == IOMMU_RO ? IM_READ :
                   flag == IOMMU_WO ? IM_WRITE :
                                      IM_ATOMIC;
        x = unit_fn_ask(fn, &t);
    }
    if (x.status == IM_OK && !x.interrupt) {
        /* so that mask + 1 is a number; QEMU asks again at each region */
        e.addr_mask = MIN(x.mask, INT64_MAX) | 0xfff;
        e.iova = addr & ~e.addr_mask;
        e.translated_addr = x.addr & ~e.addr_mask;
        /* no more than asked: A and D are set for that only */
        e.perm = flag;
    } else if (flag != IOMMU_NONE) {
        unit_fn_fault(fn->unit, &x, &e);
        e.perm = flag;
    }
    return e;
}

/* --- who else keeps translations -------------------------------------- */

static int unit_fn_notify_flag_changed(IOMMUMemoryRegion *mr,
                                       IOMMUNotifierFlag old,
                                       IOMMUNotifierFlag new, Error **errp)
{
    ImUnitFn *fn = container_of(mr, ImUnitFn, iommu);

    if (new &IOMMU_NOTIFIER_MAP) {
        error_setg(errp,
                   "%s: the device wants to be told of new mappings, "
                   "which %s",
                   fn->name, fn->unit->no_map);
        return -ENOTSUP;
    }
    if ((new &IOMMU_NOTIFIER_DEVIOTLB_UNMAP) && fn->unit->no_ats) {
        error_setg(errp, "%s: the device has a device-TLB, the IOMMU %s",
                   fn->name, fn->unit->no_ats);
        return -ENOTSUP;
    }
    fn->notifiers = new;
    qatomic_add(&fn->unit->listeners, !!new - !!old);
    return 0;
}

static void unit_fn_replay(IOMMUMemoryRegion *mr, IOMMUNotifier *n)
{
    /* only MAP listeners ask; they were refused */
}

static void unit_fn_notify_range(IOMMUNotifier *n, IOMMUNotifierFlag type,
                                 uint64_t first, uint64_t last)
{
    IOMMUTLBEvent event = {
        .type = type,
        .entry = { .target_as = &address_space_memory, .perm = IOMMU_NONE },
    };

    for (;;) {
        uint64_t mask = dma_aligned_pow2_mask(first, last, 64);

        event.entry.iova = first;
        event.entry.addr_mask = mask;
        memory_region_notify_iommu_one(n, &event);
        if (last - first <= mask) {
            return;
        }
        first += mask + 1;
    }
}

static void unit_fn_unmap(ImUnitFn *fn, const ImUnmap *unmap)
{
    IOMMUNotifierFlag type = unmap->device_tlb ? IOMMU_NOTIFIER_DEVIOTLB_UNMAP :
                                                 IOMMU_NOTIFIER_UNMAP;
    uint64_t first = unmap->addr & ~unmap->mask;
    uint64_t last = unmap->addr | unmap->mask;
    IOMMUNotifier *n;

    IOMMU_NOTIFIER_FOREACH(n, &fn->iommu)
    {
        if ((n->notifier_flags & type) && first <= n->end && last >= n->start) {
            unit_fn_notify_range(n, type, MAX(first, n->start),
                                 MIN(last, n->end));
        }
    }
}

void im_unit_fns_unmap(ImUnit *u, const ImUnmap *unmap)
{
    GHashTableIter iter;
    gpointer value;

    trace_im_unit_unmap(u->id, unmap->has_rid ? unmap->rid : -1, unmap->addr,
                        unmap->mask, unmap->device_tlb);
    g_hash_table_iter_init(&iter, u->fns);
    while (g_hash_table_iter_next(&iter, &value, NULL)) {
        ImUnitFn *fn = value;
        uint16_t rid;

        if (fn->notifiers != IOMMU_NOTIFIER_NONE && unit_fn_rid(fn, &rid) &&
            (!unmap->has_rid || unmap->rid == rid)) {
            unit_fn_unmap(fn, unmap);
        }
    }
}

/* --- the interrupt range ------------------------------------------------ */

/* Anything but a DWORD write is a fault, which the model records. */
static MemTxResult unit_fn_msi_refuse(ImUnitFn *fn, hwaddr off, unsigned len,
                                      ImAccess access)
{
    ImTxn t = {
        .addr = fn->unit->ops->msi_base + off,
        .len = len,
        .access = access,
    };

    if (unit_fn_rid(fn, &t.rid)) {
        unit_fn_ask_unit(fn->unit, &t);
    }
    return MEMTX_DECODE_ERROR;
}

static MemTxResult unit_fn_msi_take(void *opaque, hwaddr off, void *buf,
                                    unsigned len, bool is_write)
{
    ImUnitFn *fn = opaque;
    ImMsi msi = { .addr = fn->unit->ops->msi_base + off };

    if (!is_write) {
        memset(buf, 0xff, len);
        return unit_fn_msi_refuse(fn, off, len, IM_READ);
    }
    if (len != 4 || (off & 3)) {
        return unit_fn_msi_refuse(fn, off, len, IM_WRITE);
    }
    if (!unit_fn_rid(fn, &msi.rid)) {
        return MEMTX_DECODE_ERROR;
    }
    msi.data = ldl_le_p(buf);
    return fn->unit->ops->interrupt(fn->unit, &msi);
}

/* --- PASID, ATS and PRI ------------------------------------------------- */

static ImXlat unit_fn_pasid_translate(void *opaque, const ImTxn *txn)
{
    return unit_fn_ask_unit(opaque, txn);
}

static MemTxResult unit_fn_pasid_interrupt(void *opaque, const ImMsi *msi)
{
    ImUnit *u = opaque;

    return u->ops->interrupt ? u->ops->interrupt(u, msi) : MEMTX_DECODE_ERROR;
}

static void unit_fn_pasid_page_request(void *opaque, const ImPageReq *req)
{
    ImUnit *u = opaque;

    im_unit_enter(u);
    u->iommu->page_request(u->model, req);
    im_unit_leave(u);
}

static void unit_fn_pasid_ats_inv_done(void *opaque, uint16_t rid,
                                       uint32_t itags, unsigned cc)
{
    ImUnit *u = opaque;

    im_unit_enter(u);
    u->iommu->ats_inv_done(u->model, rid, itags, cc);
    im_unit_leave(u);
}

static void unit_fn_pasid_cancel(void *opaque, uint64_t handle)
{
    ImUnit *u = opaque;

    if (u->iommu->cancel) {
        im_unit_enter(u);
        u->iommu->cancel(u->model, handle);
        im_unit_leave(u);
    }
}

const PciPasidIommuOps im_unit_pasid_ops = {
    .translate = unit_fn_pasid_translate,
    .interrupt = unit_fn_pasid_interrupt,
    .page_request = unit_fn_pasid_page_request,
    .ats_inv_done = unit_fn_pasid_ats_inv_done,
    .cancel = unit_fn_pasid_cancel,
};

/* --- address spaces --------------------------------------------------- */

static void unit_fn_switch(ImUnitFn *fn, bool translating)
{
    trace_im_unit_switch(fn->name, translating);
    memory_region_set_enabled(&fn->bypass, !translating);
    memory_region_set_enabled(MEMORY_REGION(&fn->iommu), translating);
}

static ImUnitFn *unit_fn_new(ImUnit *u, PCIBus *bus, uint8_t devfn, char *name)
{
    ImUnitFn *fn = g_new0(ImUnitFn, 1);
    MemoryRegion *sysmem = get_system_memory();
    uint64_t size = memory_region_size(sysmem);

    if (u->bypass_size) {
        size = MIN(size, u->bypass_size);
    }
    fn->unit = u;
    fn->at = (ImUnitPlace) { .bus = bus, .devfn = devfn };
    fn->name = name;
    if (bus && bus->parent_dev) {
        /* so that the key stays unique and unit_fn_rid() can look at it */
        object_ref(OBJECT(bus->parent_dev));
    }
    if (bus && pci_bus_is_root(bus)) {
        fn->rid = PCI_BUILD_BDF(pci_bus_num(bus), devfn);
    } else if (bus) {
        fn->bridge = bus->parent_dev;
    }

    pci_pasid_fn_init(&fn->pasid, u->owner, name, &im_unit_pasid_ops, u);
    memory_region_init_iommu(&fn->iommu, sizeof(fn->iommu), TYPE_IM_UNIT_MR,
                             u->owner, "im-unit-dma", UINT64_MAX);
    /* QEMU cannot lay one range of 2^64 bytes over the root: two it can */
    memory_region_init_alias(&fn->top, u->owner, "im-unit-top",
                             MEMORY_REGION(&fn->iommu), TOP_PAGE, 0x1000);
    memory_region_init_alias(&fn->bypass, u->owner, "im-unit-bypass", sysmem, 0,
                             size);

    memory_region_transaction_begin();
    unit_fn_switch(fn, u->translating);
    memory_region_add_subregion_overlap(&fn->pasid.root, 0,
                                        MEMORY_REGION(&fn->iommu), 0);
    memory_region_add_subregion_overlap(&fn->pasid.root, 0, &fn->bypass, 0);
    memory_region_add_subregion_overlap(&fn->pasid.root, TOP_PAGE, &fn->top, 1);
    if (u->ops->interrupt) {
        im_request_region_init(&fn->msi, u->owner, unit_fn_msi_take, fn,
                               "im-unit-msi", u->ops->msi_size);
        memory_region_add_subregion_overlap(&fn->pasid.root, u->ops->msi_base,
                                            &fn->msi.mr, 1);
    }
    memory_region_transaction_commit();
    return fn;
}

ImUnitFn *im_unit_fn_fixed(ImUnit *u, uint8_t devfn, uint16_t rid,
                           const char *what)
{
    char *name = g_strdup_printf("%s %s", object_get_typename(u->owner), what);
    ImUnitFn *fn = unit_fn_new(u, NULL, devfn, name);

    fn->rid = rid;
    return fn;
}

static bool unit_fn_below(PCIBus *root, PCIBus *bus)
{
    while (!pci_bus_is_root(bus)) {
        bus = pci_get_bus(bus->parent_dev);
    }
    return bus == root;
}

static AddressSpace *unit_fn_bus_address_space(PCIBus *bus, void *opaque,
                                               int devfn)
{
    ImUnit *u = opaque;
    ImUnitPlace at = { .bus = bus, .devfn = devfn };
    ImUnitFn *fn = g_hash_table_lookup(u->fns, &at);

    if (fn) {
        return &fn->pasid.as;
    }
    /* QEMU lets a root complex without an IOMMU inherit that of pcie.0 */
    if (!u->every_root && !unit_fn_below(u->root, bus)) {
        return &address_space_memory;
    }
    fn = unit_fn_new(
        u, bus, devfn,
        g_strdup_printf("%s %s %02x.%x", object_get_typename(u->owner),
                        BUS(bus)->name, PCI_SLOT(devfn), PCI_FUNC(devfn)));
    g_hash_table_insert(u->fns, &fn->at, fn);
    return &fn->pasid.as;
}

const PCIIOMMUOps im_unit_pci_ops = {
    .get_address_space = unit_fn_bus_address_space,
};

void im_unit_fns_switch(ImUnit *u)
{
    GHashTableIter iter;
    gpointer value;
    bool on;

    im_unit_enter(u);
    on = !u->iommu->translating || u->iommu->translating(u->model);
    qemu_mutex_unlock(&u->lock);
    if (on == u->translating) {
        return;
    }
    u->translating = on;
    memory_region_transaction_begin();
    g_hash_table_iter_init(&iter, u->fns);
    while (g_hash_table_iter_next(&iter, &value, NULL)) {
        unit_fn_switch(value, on);
    }
    memory_region_transaction_commit();
}

/* --- the unit's functions ---------------------------------------------- */

static guint unit_fn_place_hash(gconstpointer v)
{
    const ImUnitPlace *at = v;

    return g_direct_hash(at->bus) ^ (at->devfn << 4);
}

static gboolean unit_fn_place_equal(gconstpointer a, gconstpointer b)
{
    const ImUnitPlace *x = a, *y = b;

    return x->bus == y->bus && x->devfn == y->devfn;
}

void im_unit_fns_init(ImUnit *u)
{
    u->fns = g_hash_table_new(unit_fn_place_hash, unit_fn_place_equal);
    unit_fn_nowhere_init(u, &u->refused, unit_fn_refuse_take,
                         "im-unit-refused");
    unit_fn_nowhere_init(u, &u->zero, unit_fn_zero_take, "im-unit-zero");
}

static void unit_fn_mr_class_init(ObjectClass *klass, void *data)
{
    IOMMUMemoryRegionClass *imrc = IOMMU_MEMORY_REGION_CLASS(klass);

    imrc->translate = unit_fn_translate;
    imrc->notify_flag_changed = unit_fn_notify_flag_changed;
    imrc->replay = unit_fn_replay;
}

static const TypeInfo mr_info = {
    .parent = TYPE_IOMMU_MEMORY_REGION,
    .name = TYPE_IM_UNIT_MR,
    .class_init = unit_fn_mr_class_init,
};

static void unit_fn_register_types(void)
{
    type_register_static(&mr_info);
}

type_init(unit_fn_register_types)
