/*
 * vtd-model: PCI functions and the IOAPIC as sources of requests. One
 * address space each: the translated view or, while TES=0, memory itself;
 * over it the interrupt range.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/i386/x86.h"
#include "qapi/error.h"
#include "system/dma.h"
#include "im-vtd-int.h"
#include "trace.h"

/* The requester ID at this moment; false: the bus was unplugged. */
static bool fn_rid(const VtdmFn *fn, uint16_t *rid)
{
    if (!fn->bus) {
        *rid = fn->rid;
        return true;
    }
    if (!pci_bus_is_root(fn->bus) &&
        !qdev_is_realized(DEVICE(fn->bus->parent_dev))) {
        return false;
    }
    *rid = PCI_BUILD_BDF(pci_bus_num(fn->bus), fn->devfn);
    return true;
}

/* --- translation ------------------------------------------------------ */

static ImXlat fn_ask(VtdModel *s, const ImTxn *txn)
{
    ImXlat x;

    vtdm_enter(s);
    x = im_vtd_translate(s->vtd, txn);
    vtdm_leave(s);
    return x;
}

/* What could be done there, without a trace of having asked. */
static ImXlat fn_peek(VtdModel *s, ImTxn *txn, IOMMUAccessFlags *perm)
{
    ImXlat x = { .status = IM_FAULT }, y;

    *perm = IOMMU_NONE;
    vtdm_enter(s);
    txn->access = IM_READ;
    y = im_vtd_explain(s->vtd, txn, NULL, NULL);
    if (y.status == IM_OK) {
        x = y;
        *perm |= IOMMU_RO;
    }
    txn->access = IM_WRITE;
    y = im_vtd_explain(s->vtd, txn, NULL, NULL);
    if (y.status == IM_OK) {
        x = y;
        *perm |= IOMMU_WO;
    }
    vtdm_leave(s);
    return x;
}

/* Without the BQL, from any thread that does DMA. */
static IOMMUTLBEntry fn_translate(IOMMUMemoryRegion *mr, hwaddr addr,
                                  IOMMUAccessFlags flag, int iommu_idx)
{
    VtdmFn *fn = container_of(mr, VtdmFn, iommu);
    ImTxn t = { .addr = addr, .len = 1 };
    IOMMUTLBEntry e = {
        .target_as = &address_space_memory,
        .iova = addr & ~0xfffull,
        .addr_mask = 0xfff,
        .perm = IOMMU_NONE,
    };
    ImXlat x;

    if (!fn_rid(fn, &t.rid)) {
        return e;
    }
    flag &= IOMMU_RW;
    if (flag == IOMMU_NONE) {
        x = fn_peek(fn->s, &t, &flag);
    } else {
        t.access = flag == IOMMU_RO ? IM_READ :
                   flag == IOMMU_WO ? IM_WRITE : IM_ATOMIC;
        x = fn_ask(fn->s, &t);
    }
    if (x.status == IM_OK && !x.interrupt) {
        /* so that mask + 1 is a number; QEMU asks again at each region */
        e.addr_mask = MIN(x.mask, INT64_MAX) | 0xfff;
        e.iova = addr & ~e.addr_mask;
        e.translated_addr = x.addr & ~e.addr_mask;
        /* no more than asked: A and D are set for that only */
        e.perm = flag;
    }
    return e;
}

/* --- who else keeps translations -------------------------------------- */

static int fn_notify_flag_changed(IOMMUMemoryRegion *mr,
                                  IOMMUNotifierFlag old,
                                  IOMMUNotifierFlag new, Error **errp)
{
    VtdmFn *fn = container_of(mr, VtdmFn, iommu);

    if ((new & IOMMU_NOTIFIER_MAP) && !fn->s->cfg.caching_mode) {
        error_setg(errp, "%s: the device wants to be told of new mappings, "
                   "which a guest does not announce with caching-mode=off",
                   fn->name);
        return -ENOTSUP;
    }
    if (new & IOMMU_NOTIFIER_MAP) {
        error_setg(errp, "%s: the device wants to be told of new mappings, "
                   "which vtd-model does not do yet", fn->name);
        return -ENOTSUP;
    }
    if ((new & IOMMU_NOTIFIER_DEVIOTLB_UNMAP) &&
        !fn->s->parent_obj.dt_supported) {
        error_setg(errp, "%s: the device has a device-TLB, the IOMMU "
                   "device-iotlb=off", fn->name);
        return -ENOTSUP;
    }
    fn->notifiers = new;
    return 0;
}

static void fn_replay(IOMMUMemoryRegion *mr, IOMMUNotifier *n)
{
    /* only MAP listeners ask; they were refused */
}

static void notify_range(IOMMUNotifier *n, IOMMUNotifierFlag type,
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

static void fn_unmap(VtdmFn *fn, const ImUnmap *u)
{
    IOMMUNotifierFlag type = u->device_tlb ? IOMMU_NOTIFIER_DEVIOTLB_UNMAP
                                           : IOMMU_NOTIFIER_UNMAP;
    uint64_t first = u->addr & ~u->mask, last = u->addr | u->mask;
    IOMMUNotifier *n;

    IOMMU_NOTIFIER_FOREACH(n, &fn->iommu) {
        if ((n->notifier_flags & type) && first <= n->end &&
            last >= n->start) {
            notify_range(n, type, MAX(first, n->start), MIN(last, n->end));
        }
    }
}

void vtdm_fns_unmap(VtdModel *s, const ImUnmap *u)
{
    GHashTableIter iter;
    gpointer value;

    trace_im_vtd_unmap(u->has_rid ? u->rid : -1, u->addr, u->mask,
                       u->device_tlb);
    g_hash_table_iter_init(&iter, s->fns);
    while (g_hash_table_iter_next(&iter, &value, NULL)) {
        VtdmFn *fn = value;
        uint16_t rid;

        if (fn->notifiers != IOMMU_NOTIFIER_NONE && fn_rid(fn, &rid) &&
            (!u->has_rid || u->rid == rid)) {
            fn_unmap(fn, u);
        }
    }
}

/* --- interrupts ------------------------------------------------------- */

static ImIntOut remap(VtdModel *s, const ImMsi *msi)
{
    ImIntOut out;

    vtdm_enter(s);
    out = im_vtd_interrupt(s->vtd, msi);
    vtdm_leave(s);
    trace_im_vtd_remap(msi->rid, msi->addr, msi->data, out.status, out.fault,
                       out.dest, out.vector);
    return out;
}

static void compose(const ImMsi *in, const ImIntOut *out, MSIMessage *msg)
{
    X86IOMMUIrq irq = {
        .trigger_mode = out->level,
        .vector = out->vector,
        .delivery_mode = out->delivery_mode,
        .dest = out->dest,
        .dest_mode = out->logical,
        .redir_hint = out->redirection_hint,
        .msi_addr_last_bits = in->addr & 3,
    };

    if (out->remapped) {
        x86_iommu_irq_to_msi_message(&irq, msg);
    } else {
        msg->address = in->addr;
        msg->data = in->data;
    }
    trace_im_vtd_remapped(in->rid, msg->address, msg->data);
}

int vtdm_int_remap(X86IOMMUState *x86, MSIMessage *src, MSIMessage *dst,
                   uint16_t sid)
{
    /* KVM names no source for the IOAPIC's routes */
    ImMsi msi = {
        .addr = src->address, .data = src->data,
        .rid = sid == X86_IOMMU_SID_INVALID ? VTDM_IOAPIC_RID : sid,
    };
    ImIntOut out = remap(VTD_MODEL(x86), &msi);

    if (out.status != IM_OK) {
        return -EPERM;
    }
    compose(&msi, &out, dst);
    return 0;
}

static MemTxResult pasid_interrupt(void *opaque, const ImMsi *msi)
{
    ImIntOut out = remap(opaque, msi);
    MSIMessage msg;

    if (out.status != IM_OK) {
        return MEMTX_DECODE_ERROR;
    }
    compose(msi, &out, &msg);
    vtdm_apic_write(msg.address, msg.data);
    return MEMTX_OK;
}

/* Anything but a DWORD write is a fault, which the model records. */
static MemTxResult msi_refuse(VtdmFn *fn, hwaddr off, unsigned size,
                              ImAccess access)
{
    ImTxn t = { .addr = VTDM_MSI_BASE + off, .len = size, .access = access };

    if (fn_rid(fn, &t.rid)) {
        fn_ask(fn->s, &t);
    }
    return MEMTX_DECODE_ERROR;
}

static MemTxResult msi_read(void *opaque, hwaddr off, uint64_t *data,
                            unsigned size, MemTxAttrs attrs)
{
    *data = UINT64_MAX;
    return msi_refuse(opaque, off, size, IM_READ);
}

static MemTxResult msi_write(void *opaque, hwaddr off, uint64_t data,
                             unsigned size, MemTxAttrs attrs)
{
    VtdmFn *fn = opaque;
    ImMsi msi = { .addr = VTDM_MSI_BASE + off, .data = data };

    if (size != 4 || (off & 3)) {
        return msi_refuse(fn, off, size, IM_WRITE);
    }
    if (!fn_rid(fn, &msi.rid)) {
        return MEMTX_DECODE_ERROR;
    }
    return pasid_interrupt(fn->s, &msi);
}

static const MemoryRegionOps msi_ops = {
    .read_with_attrs = msi_read,
    .write_with_attrs = msi_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8,
               .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8,
              .unaligned = true },
};

/* --- PASID, ATS and PRI ------------------------------------------------- */

static ImXlat pasid_translate(void *opaque, const ImTxn *txn)
{
    return fn_ask(opaque, txn);
}

static void pasid_page_request(void *opaque, const ImPageReq *req)
{
    VtdModel *s = opaque;

    vtdm_enter(s);
    im_vtd_page_request(s->vtd, req);
    vtdm_leave(s);
}

static void pasid_ats_inv_done(void *opaque, uint16_t rid, uint32_t itags)
{
    VtdModel *s = opaque;

    vtdm_enter(s);
    im_vtd_ats_inv_done(s->vtd, rid, itags);
    vtdm_leave(s);
}

static const PciPasidIommuOps vtdm_pasid_ops = {
    .translate = pasid_translate,
    .interrupt = pasid_interrupt,
    .page_request = pasid_page_request,
    .ats_inv_done = pasid_ats_inv_done,
};

/* --- address spaces --------------------------------------------------- */

static void fn_switch(VtdmFn *fn, bool translating)
{
    trace_im_vtd_switch(fn->name, translating);
    memory_region_set_enabled(&fn->bypass, !translating);
    memory_region_set_enabled(MEMORY_REGION(&fn->iommu), translating);
}

static VtdmFn *fn_new(VtdModel *s, PCIBus *bus, uint8_t devfn, uint16_t rid)
{
    VtdmFn *fn = g_new0(VtdmFn, 1);
    Object *owner = OBJECT(s);
    MemoryRegion *sysmem = get_system_memory();

    fn->s = s;
    fn->bus = bus;
    fn->devfn = devfn;
    fn->rid = rid;
    fn->name = bus ? g_strdup_printf("vtd-model %s %02x.%x",
                                     BUS(bus)->name, PCI_SLOT(devfn),
                                     PCI_FUNC(devfn))
                   : g_strdup("vtd-model ioapic");
    if (bus && bus->parent_dev) {
        /* so that the key stays unique and fn_rid() can look at it */
        object_ref(OBJECT(bus->parent_dev));
    }

    pci_pasid_fn_init(&fn->pasid, owner, fn->name, &vtdm_pasid_ops, s);
    memory_region_init_iommu(&fn->iommu, sizeof(fn->iommu),
                             TYPE_VTD_MODEL_MR, owner, "vtd-model-dma",
                             UINT64_MAX);
    memory_region_init_alias(&fn->bypass, owner, "vtd-model-bypass", sysmem,
                             0, memory_region_size(sysmem));
    memory_region_init_io(&fn->msi, owner, &msi_ops, fn, "vtd-model-msi",
                          VTDM_MSI_SIZE);
    /* A response that a register write sends makes a device interrupt while
     * that write is on the stack; the lock is free by then. */
    fn->msi.disable_reentrancy_guard = true;

    memory_region_transaction_begin();
    fn_switch(fn, s->translating);
    memory_region_add_subregion_overlap(&fn->pasid.root, 0,
                                        MEMORY_REGION(&fn->iommu), 0);
    memory_region_add_subregion_overlap(&fn->pasid.root, 0, &fn->bypass, 0);
    memory_region_add_subregion_overlap(&fn->pasid.root, VTDM_MSI_BASE,
                                        &fn->msi, 1);
    memory_region_transaction_commit();
    return fn;
}

static AddressSpace *bus_address_space(PCIBus *bus, void *opaque, int devfn)
{
    VtdModel *s = opaque;
    VtdmFn key = { .bus = bus, .devfn = devfn };
    VtdmFn *fn = g_hash_table_lookup(s->fns, &key);

    /* every root complex of the machine: DRHD says INCLUDE_PCI_ALL */
    if (!fn) {
        fn = fn_new(s, bus, devfn, 0);
        g_hash_table_add(s->fns, fn);
    }
    return &fn->pasid.as;
}

const PCIIOMMUOps vtdm_pci_ops = {
    .get_address_space = bus_address_space,
};

void vtdm_fns_switch(VtdModel *s)
{
    GHashTableIter iter;
    gpointer value;
    bool on;

    vtdm_enter(s);
    on = im_vtd_mmio_read(s->vtd, 0x1c, 4) >> 31;       /* GSTS.TES */
    qemu_mutex_unlock(&s->lock);
    if (on == s->translating) {
        return;
    }
    s->translating = on;
    memory_region_transaction_begin();
    g_hash_table_iter_init(&iter, s->fns);
    while (g_hash_table_iter_next(&iter, &value, NULL)) {
        fn_switch(value, on);
    }
    memory_region_transaction_commit();
}

static guint fn_hash(gconstpointer v)
{
    const VtdmFn *fn = v;

    return g_direct_hash(fn->bus) ^ (fn->devfn << 4);
}

static gboolean fn_equal(gconstpointer a, gconstpointer b)
{
    const VtdmFn *x = a, *y = b;

    return x->bus == y->bus && x->devfn == y->devfn;
}

void vtdm_fns_init(VtdModel *s)
{
    s->fns = g_hash_table_new(fn_hash, fn_equal);
    /* interrupts only, so never switched */
    s->ioapic = fn_new(s, NULL, VTDM_IOAPIC_DEVFN, VTDM_IOAPIC_RID);
    X86_MACHINE(qdev_get_machine())->ioapic_as = &s->ioapic->pasid.as;
}

static void mr_class_init(ObjectClass *klass, void *data)
{
    IOMMUMemoryRegionClass *imrc = IOMMU_MEMORY_REGION_CLASS(klass);

    imrc->translate = fn_translate;
    imrc->notify_flag_changed = fn_notify_flag_changed;
    imrc->replay = fn_replay;
}

static const TypeInfo mr_info = {
    .parent = TYPE_IOMMU_MEMORY_REGION,
    .name = TYPE_VTD_MODEL_MR,
    .class_init = mr_class_init,
};

static void vtdm_fn_register_types(void)
{
    type_register_static(&mr_info);
}

type_init(vtdm_fn_register_types)
