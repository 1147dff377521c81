/*
 * pasid-endpoint: a PCIe function with PASID, ATS and PRI around libim's
 * model. docs/specs/pasid-endpoint.rst is its programming interface.
 *
 * The model runs under the BQL only. It is never entered from within one of
 * its own calls: messages that arrive meanwhile wait in the inbox, accesses
 * to its own registers by its own DMA are refused.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/pci/msi.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "migration/blocker.h"
#include "qapi/error.h"
#include "qemu/host-utils.h"
#include "qemu/main-loop.h"
#include "im-endpoint-int.h"
#include "im-model.h"
#include "trace.h"

/* QEMU's own vendor ID; the device ID is free there (docs/specs/pci-ids). */
#define EP_VENDOR_ID    0x1234
#define EP_DEVICE_ID    0xa51d
#define EP_REVISION     0x01
#define EP_CLASS        0x1200      /* processing accelerator */

typedef struct EpMsg {
    enum { EP_ATS_INV, EP_PAGE_RESP, EP_DMA_DONE, EP_DEADLINE } kind;
    union {
        ImAtsInv inv;
        ImPageResp resp;
        struct {
            uint64_t handle;
            ImStatus status;
            ImCpl cpl;
        } dma;
    };
} EpMsg;

/* --- properties --------------------------------------------------------- */

#define ROW(kind, name, member, text) \
    IM_OPTION(ImEpConfig, kind, name, member, text)

static const ImOption option_rows[] = {
    ROW(U8, "pasid-bits", pasid_bits, "Max PASID Width, 0..20"),
    ROW(U8, "ats-queue-depth", ats_queue_depth,
        "Invalidate Queue Depth, 0 (means 32)..31"),
    ROW(U32, "pri-capacity", pri_capacity, "Outstanding Page Request Capacity"),
    ROW(U32, "atc-entries", atc_entries,
        "entries of the translation cache; 0: none"),
    ROW(U8, "channels", channels, "DMA channels, 1..32"),
    ROW(U64, "page-timeout", page_timeout_ns,
        "lost page response, ns of virtual time; 0: wait for ever"),
    ROW(U32, "buffer-size", buffer_size,
        "BAR2 in bytes, a power of two, at least 1 MiB"),
    ROW(SWITCH, "pasid", pasid, "PASID capability"),
    ROW(SWITCH, "ats", ats, "ATS capability"),
    ROW(SWITCH, "pri", pri, "page request capability"),
    ROW(SWITCH, "pasid-exec", pasid_exec, "Execute Permission Supported"),
    ROW(SWITCH, "pasid-priv", pasid_priv, "Privileged Mode Supported"),
    ROW(SWITCH, "ats-page-aligned", ats_page_aligned, "Page Aligned Request"),
    ROW(SWITCH, "ats-global-invalidate", ats_global_invalidate,
        "Global Invalidate Supported"),
    ROW(SWITCH, "pri-pasid-required", pri_pasid_required,
        "PRG Response PASID Required"),
    ROW(SWITCH, "acs", acs,
        "ACS capability; auto: on in a multi-function device"),
};

/* A capability that is left out takes along what describes it. */
static void ep_prune(void *config)
{
    ImEpConfig *c = config;

    c->pri &= c->ats;
    c->pasid_exec &= c->pasid;
    c->pasid_priv &= c->pasid;
    c->ats_page_aligned &= c->ats;
    c->ats_global_invalidate &= c->ats && c->pasid;
    c->pri_pasid_required &= c->pri && c->pasid;
}

static const ImOptionTable options = {
    .rows = option_rows,
    .count = ARRAY_SIZE(option_rows),
    .defaults = &IM_EP_CONFIG_DEFAULT,
    .size = sizeof(ImEpConfig),
    .prune = ep_prune,
};

static const Property ep_props[] = {
    DEFINE_PROP_UINT16("vendor-id", PasidEndpoint, vendor_id, EP_VENDOR_ID),
    DEFINE_PROP_UINT16("device-id", PasidEndpoint, device_id, EP_DEVICE_ID),
    DEFINE_PROP_UINT8("revision", PasidEndpoint, revision, EP_REVISION),
    DEFINE_PROP_UINT16("class", PasidEndpoint, class_id, EP_CLASS),
    /* said by the machine's description alone: the function is the same */
    DEFINE_PROP_BOOL("dma-can-stall", PasidEndpoint, dma_can_stall, false),
    DEFINE_PROP_LINK("host", PasidEndpoint, host, TYPE_IOASID_HOST,
                     IoasidHost *),
    DEFINE_PROP_UINT16("host-rid", PasidEndpoint, host_rid, 0),
};

static const char *const ep_texts[] = {
    "PCI vendor ID",
    "PCI device ID",
    "PCI revision ID",
    "PCI base class and sub-class",
    "arm64 device tree: node with dma-can-stall and pasid-num-bits",
    "ID of an ioasid-host: its requests go there, by way of the bus's IOMMU "
    "if that stands on the same host",
    "requester ID at the host; 0: the next free one",
};

static void ep_props_init(DeviceClass *dc)
{
    QEMU_BUILD_BUG_ON(ARRAY_SIZE(ep_texts) != ARRAY_SIZE(ep_props));
    im_options_class_init(dc, &options, offsetof(PasidEndpoint, options),
                          ep_props, ARRAY_SIZE(ep_props));
    for (unsigned i = 0; i < ARRAY_SIZE(ep_props); i++) {
        object_class_property_set_description(OBJECT_CLASS(dc),
                                              ep_props[i].name, ep_texts[i]);
    }
}

/* PCIe has ACS in functions of multi-function devices only (6.12.1). */
static bool ep_resolve_config(PasidEndpoint *s, Error **errp)
{
    const PCIDevice *dev = &s->parent_obj;
    uint8_t acs = s->options.given[offsetof(ImEpConfig, acs)];
    bool several = PCI_FUNC(dev->devfn) ||
                   (dev->cap_present & QEMU_PCI_CAP_MULTIFUNCTION);

    if (acs == ON_OFF_AUTO_ON && !several) {
        error_setg(errp,
                   "%s: acs=on needs multifunction=on: a device of one "
                   "function has no ACS",
                   im_name_of(OBJECT(s)));
        return false;
    }
    im_options_begin(&options, &s->options, &s->cfg);
    s->cfg.acs = several && acs != ON_OFF_AUTO_OFF;
    im_options_end(&options, &s->options, &s->cfg);
    return true;
}

/* --- into the model ----------------------------------------------------- */

static void ep_deliver(PasidEndpoint *s, const EpMsg *m)
{
    const char *id = s->parent_obj.name;

    switch (m->kind) {
    case EP_ATS_INV:
        trace_pasid_endpoint_invalidate(
            id, m->inv.has_pasid ? (int64_t)m->inv.pasid : -1, m->inv.addr,
            m->inv.lg2size, m->inv.itag, m->inv.global);
        im_ep_ats_invalidate(s->ep, &m->inv);
        break;
    case EP_PAGE_RESP:
        trace_pasid_endpoint_response(
            id, m->resp.has_pasid ? (int64_t)m->resp.pasid : -1, m->resp.prgi,
            m->resp.code);
        im_ep_page_response(s->ep, &m->resp);
        break;
    case EP_DMA_DONE:
        im_ep_dma_done(s->ep, m->dma.handle, m->dma.status, m->dma.cpl);
        break;
    case EP_DEADLINE:
        im_ep_deadline(s->ep);
        break;
    }
}

static void ep_enter(PasidEndpoint *s)
{
    assert(bql_locked() && !s->busy);
    s->busy = 1;
}

static void ep_leave(PasidEndpoint *s)
{
    /* deliveries may add to it; s->inbox is read anew each time */
    for (unsigned i = 0; i < s->inbox->len; i++) {
        EpMsg m = g_array_index(s->inbox, EpMsg, i);

        ep_deliver(s, &m);
    }
    g_array_set_size(s->inbox, 0);
    s->busy = 0;
}

static void ep_receive(PasidEndpoint *s, const EpMsg *m)
{
    if (s->busy) {
        g_array_append_vals(s->inbox, m, 1);
        return;
    }
    ep_enter(s);
    ep_deliver(s, m);
    ep_leave(s);
}

static void ep_on_ats_invalidate(void *opaque, const ImAtsInv *inv)
{
    ep_receive(opaque, &(EpMsg) { .kind = EP_ATS_INV, .inv = *inv });
}

static void ep_on_page_response(void *opaque, const ImPageResp *resp)
{
    ep_receive(opaque, &(EpMsg) { .kind = EP_PAGE_RESP, .resp = *resp });
}

static void ep_on_dma_done(void *opaque, uint64_t handle, ImStatus status,
                           ImCpl cpl)
{
    ep_receive(opaque, &(EpMsg) { .kind = EP_DMA_DONE,
                                  .dma = { handle, status, cpl } });
}

static void ep_on_timer(void *opaque)
{
    ep_receive(opaque, &(EpMsg) { .kind = EP_DEADLINE });
}

/* The host's time in this thread: what others do meanwhile is not in it. */
static uint64_t ep_thread_cpu_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void ep_on_kick(void *opaque)
{
    PasidEndpoint *s = opaque;
    uint64_t since = ep_thread_cpu_ns();
    bool more;

    ep_enter(s);
    more = im_ep_run(s->ep);
    ep_leave(s);
    s->cpu_ns += ep_thread_cpu_ns() - since;
    if (more) {
        qemu_bh_schedule(s->bh);
    }
}

/* --- registers and buffer ----------------------------------------------- */

static uint64_t ep_bar0_read(void *opaque, hwaddr off, unsigned size)
{
    PasidEndpoint *s = opaque;
    uint64_t val = UINT64_MAX;

    if (!s->busy) {
        ep_enter(s);
        val = im_ep_mmio_read(s->ep, off, size);
        ep_leave(s);
    }
    trace_pasid_endpoint_read(s->parent_obj.name, off, size, val);
    return val;
}

static void ep_bar0_write(void *opaque, hwaddr off, uint64_t val, unsigned size)
{
    PasidEndpoint *s = opaque;

    trace_pasid_endpoint_write(s->parent_obj.name, off, size, val);
    if (!s->busy) {
        ep_enter(s);
        im_ep_mmio_write(s->ep, off, val, size);
        ep_leave(s);
    }
}

/* The model decides which accesses mean something: it sees them as made. */
static const MemoryRegionOps bar0_ops = {
    .read = ep_bar0_read,
    .write = ep_bar0_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static uint64_t ep_bar2_read(void *opaque, hwaddr off, unsigned size)
{
    PasidEndpoint *s = opaque;

    if (off > s->cfg.buffer_size - size) {
        return UINT64_MAX;          /* the access ends beyond the BAR */
    }
    return ldn_le_p(im_ep_buffer(s->ep) + off, size);
}

static void ep_bar2_write(void *opaque, hwaddr off, uint64_t val, unsigned size)
{
    PasidEndpoint *s = opaque;

    if (off <= s->cfg.buffer_size - size) {
        stn_le_p(im_ep_buffer(s->ep) + off, size, val);
    }
}

static const MemoryRegionOps bar2_ops = {
    .read = ep_bar2_read,
    .write = ep_bar2_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* --- configuration space ------------------------------------------------ */

static uint32_t ep_config_read(PCIDevice *dev, uint32_t addr, int len)
{
    PasidEndpoint *s = PASID_ENDPOINT(dev);
    uint32_t val = UINT32_MAX;

    if (addr < IM_EP_ECAP_BASE) {
        return pci_default_read_config(dev, addr, len);
    }
    if (!s->busy) {
        ep_enter(s);
        val = im_ep_cfg_read(s->ep, addr, len);
        ep_leave(s);
    }
    return val;
}

/* Requests leave the function in D0 with Bus Master Enable only. */
static void ep_update_bus_master(PasidEndpoint *s)
{
    PCIDevice *dev = &s->parent_obj;
    bool master = pci_get_word(dev->config + PCI_COMMAND) & PCI_COMMAND_MASTER;
    unsigned state = pci_get_word(dev->config + dev->pm_cap + PCI_PM_CTRL) &
                     PCI_PM_CTRL_STATE_MASK;

    ep_enter(s);
    im_ep_set_bus_master(s->ep, master && state == 0);
    ep_leave(s);
}

static void ep_config_write(PCIDevice *dev, uint32_t addr, uint32_t val,
                            int len)
{
    PasidEndpoint *s = PASID_ENDPOINT(dev);

    trace_pasid_endpoint_cfg_write(dev->name, addr, len, val);
    if (s->busy) {
        return;
    }
    if (addr >= IM_EP_ECAP_BASE) {
        ep_enter(s);
        im_ep_cfg_write(s->ep, addr, val, len);
        ep_leave(s);
        return;
    }
    pci_default_write_config(dev, addr, val, len);
    pcie_cap_flr_write_config(dev, addr, val, len);
    ep_update_bus_master(s);
}

/* --- life cycle --------------------------------------------------------- */

static void ep_reset_hold(Object *obj, ResetType type)
{
    PasidEndpoint *s = PASID_ENDPOINT(obj);
    PCIDevice *dev = PCI_DEVICE(obj);
    bool flr = pci_get_word(dev->config + dev->exp.exp_cap + PCI_EXP_DEVCTL) &
               PCI_EXP_DEVCTL_BCR_FLR;

    trace_pasid_endpoint_reset(dev->name, flr);
    ep_enter(s);
    if (flr) {
        im_ep_flr(s->ep);
    } else {
        im_ep_reset(s->ep);
    }
    im_ep_set_bus_master(s->ep, false);
    ep_leave(s);
    pci_pasid_cancel(&s->listener);
}

static bool ep_init_caps(PasidEndpoint *s, Error **errp)
{
    PCIDevice *dev = &s->parent_obj;
    unsigned vectors = IM_EP_VECTORS(s->cfg.channels);
    int pm;

    if (pcie_endpoint_cap_init(dev, 0) < 0) {
        error_setg(errp, "%s: no room for the PCI Express capability",
                   im_name_of(OBJECT(s)));
        return false;
    }
    pcie_cap_flr_init(dev);
    pm = pci_pm_init(dev, 0, errp);
    if (pm < 0) {
        return false;
    }
    pci_set_word(dev->config + pm + PCI_PM_PMC, 3);     /* version 1.2 */
    pci_set_word(dev->config + pm + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
    pci_set_word(dev->wmask + pm + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);

    if (msix_init(dev, vectors, &s->msix_bar, 1, 0, &s->msix_bar, 1, 0x800, 0,
                  errp) < 0) {
        return false;
    }
    for (unsigned i = 0; i < vectors; i++) {
        msix_vector_use(dev, i);
    }
    if (msi_init(dev, 0, MIN(pow2ceil(vectors), 32), true, false, errp) < 0) {
        return false;
    }
    s->has_msi = true;
    return true;
}

static void ep_exit(PCIDevice *dev)
{
    PasidEndpoint *s = PASID_ENDPOINT(dev);

    if (s->listener.dev) {
        pci_pasid_unlisten(&s->listener);
        s->listener.dev = NULL;
    }
    if (s->fn) {
        im_ioasid_host_remove(s->fn);
        s->fn = NULL;
    }
    msix_uninit(dev, &s->msix_bar, &s->msix_bar);
    if (s->has_msi) {
        msi_uninit(dev);
    }
    migrate_del_blocker(&s->blocker);
    g_clear_pointer(&s->timer, timer_free);
    g_clear_pointer(&s->bh, qemu_bh_delete);
    g_clear_pointer(&s->ep, im_ep_free);
    if (s->inbox) {
        g_array_free(s->inbox, true);
        s->inbox = NULL;
    }
}

static void ep_init_ids(PasidEndpoint *s)
{
    uint8_t *config = s->parent_obj.config;

    pci_set_word(config + PCI_VENDOR_ID, s->vendor_id);
    pci_set_word(config + PCI_DEVICE_ID, s->device_id);
    pci_set_byte(config + PCI_REVISION_ID, s->revision);
    pci_set_word(config + PCI_CLASS_DEVICE, s->class_id);
}

static void ep_init_bars(PasidEndpoint *s)
{
    PCIDevice *dev = &s->parent_obj;

    memory_region_init_io(&s->bar0, OBJECT(s), &bar0_ops, s,
                          "pasid-endpoint-registers", IM_EP_BAR0_SIZE);
    memory_region_init(&s->msix_bar, OBJECT(s), "pasid-endpoint-msix", 0x1000);
    memory_region_init_io(&s->bar2, OBJECT(s), &bar2_ops, s,
                          "pasid-endpoint-buffer", s->cfg.buffer_size);
    pci_register_bar(dev, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->bar0);
    pci_register_bar(dev, 1, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->msix_bar);
    pci_register_bar(dev, 2, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->bar2);
}

static void ep_realize(PCIDevice *dev, Error **errp)
{
    PasidEndpoint *s = PASID_ENDPOINT(dev);
    ImEpPort port;
    char *err = NULL;

    if (!pci_bus_is_express(pci_get_bus(dev))) {
        error_setg(errp,
                   "%s: " TYPE_PASID_ENDPOINT " is a PCI Express "
                   "function, bus %s is conventional PCI",
                   im_name_of(OBJECT(s)), BUS(pci_get_bus(dev))->name);
        return;
    }
    if (!ep_resolve_config(s, errp)) {
        return;
    }
    s->inbox = g_array_new(false, false, sizeof(EpMsg));
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, ep_on_timer, s);
    /* guarded: DMA to the function's own BARs is refused */
    s->bh = qemu_bh_new_guarded(ep_on_kick, s,
                                &DEVICE(dev)->mem_reentrancy_guard);
    port = im_endpoint_port(s);
    s->ep = im_ep_new(&s->cfg, &port, s, &err);
    if (!s->ep) {
        g_autoptr(GString) line = g_string_new(err);

        im_options_rename(&options, line);
        error_setg(errp, "%s: %s", im_name_of(OBJECT(s)), line->str);
        g_free(err);
        ep_exit(dev);
        return;
    }
    error_setg(&s->blocker,
               "%s: " TYPE_PASID_ENDPOINT " does not save its "
               "state yet: no migration, no snapshot with it",
               im_name_of(OBJECT(s)));
    if (migrate_add_blocker(&s->blocker, errp) < 0) {
        ep_exit(dev);
        return;
    }
    ep_init_ids(s);
    ep_init_bars(s);
    if (!ep_init_caps(s, errp)) {
        ep_exit(dev);
        return;
    }
    s->listener = (PciPasidListener) {
        .dev = dev,
        .opaque = s,
        .ats_invalidate = ep_on_ats_invalidate,
        .page_response = ep_on_page_response,
        .dma_done = ep_on_dma_done,
    };
    if (!im_endpoint_assign(s, errp)) {
        s->listener.dev = NULL;
        ep_exit(dev);
        return;
    }
    pci_pasid_listen(&s->listener);
}

/* --- for people --------------------------------------------------------- */

static void ep_model_dump(Object *obj, GString *out)
{
    PasidEndpoint *s = PASID_ENDPOINT(obj);

    if (!s->busy) {
        ep_enter(s);
        im_ep_dump(s->ep, out);
        ep_leave(s);
    }
}

static void ep_model_counters(Object *obj, ImCounterFn *fn, void *opaque)
{
    PasidEndpoint *s = PASID_ENDPOINT(obj);
    const ImEpCounters *c = im_ep_counters(s->ep);

#define EP_COUNTER(n)  fn(opaque, #n, c->n);
    IM_EP_COUNTERS(EP_COUNTER)
    fn(opaque, "host_cpu_ns", s->cpu_ns);
}

static void ep_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);
    ImModelClass *mc = IM_MODEL_CLASS(klass);

    dc->desc = "PCIe function with PASID, ATS and PRI for IOMMU tests "
               "(libim model)";
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    ep_props_init(dc);
    rc->phases.hold = ep_reset_hold;
    pc->realize = ep_realize;
    pc->exit = ep_exit;
    pc->config_read = ep_config_read;
    pc->config_write = ep_config_write;
    pc->vendor_id = EP_VENDOR_ID;
    pc->device_id = EP_DEVICE_ID;
    pc->revision = EP_REVISION;
    pc->class_id = EP_CLASS;
    mc->dump = ep_model_dump;
    mc->counters = ep_model_counters;
}

static void ep_init(Object *obj)
{
    im_options_init(&PASID_ENDPOINT(obj)->options);
}

static const TypeInfo ep_info = {
    .name = TYPE_PASID_ENDPOINT,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(PasidEndpoint),
    .instance_init = ep_init,
    .class_init = ep_class_init,
    .interfaces =
        (InterfaceInfo[]) {
            { INTERFACE_PCIE_DEVICE },
            { TYPE_IM_MODEL },
            {},
        },
};

static void ep_register_types(void)
{
    type_register_static(&ep_info);
}

type_init(ep_register_types)
