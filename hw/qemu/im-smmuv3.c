/*
 * smmuv3-model: Arm SMMUv3 for the virt machine, around libim's model.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/intc/arm_gicv3_its_common.h"
#include "hw/irq.h"
#include "hw/pci/pci_host.h"
#include "hw/platform-bus.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "system/system.h"
#include "im-advice.h"
#include "im-foreign.h"
#include "im-names.h"
#include "im-smmuv3-int.h"
#include "im-viommu.h"
#include "trace.h"

/* --- properties ------------------------------------------------------- */

#define ROW(kind, name, member, text) \
    IM_OPTION(ImSmmuConfig, kind, name, member, text)

static const ImOption option_rows[] = {
    ROW(U8, "sidsize", sid_bits, "StreamID width, 0..32; 16 is a PCI segment"),
    ROW(U8, "ssidsize", ssid_bits,
        "SubstreamID (PASID) width, 1..20; 0: no substreams"),
    ROW(U8, "oas", oas, "output address bits: 32, 36, 40, 42, 44, 48 or 52"),
    ROW(U8, "va-bits", va_bits,
        "bits of a virtual address: 48, 52; 0: 52 with oas=52, else 48"),
    ROW(U8, "cmdq-bits", cmdq_bits, "log2 of the largest command queue, 0..19"),
    ROW(U8, "evtq-bits", evtq_bits, "log2 of the largest event queue, 0..19"),
    ROW(U8, "priq-bits", priq_bits,
        "log2 of the largest page request queue, 0..19"),
    ROW(U8, "stall-model", stall_model,
        "0 stall and terminate, 1 terminate only, 2 stall forced"),
    ROW(U16, "stall-max", stall_max,
        "stalled transactions at once; 0 with stall-model=1"),
    ROW(U8, "httu", httu,
        "hardware updates: 0 none, 1 access flag, 2 dirty too, 3 tables too"),
    ROW(U8, "bbml", bbml, "break-before-make level, 0..2"),
    ROW(U32, "iidr", iidr, "implementation identification (SMMU_IIDR)"),
    ROW(U64, "ats-timeout", ats_timeout_ns,
        "ATC invalidation time-out, ns of virtual time"),
    ROW(U32, "tlb-entries", tlb_entries,
        "capacity of the TLB, a power of two, at least 16"),
    ROW(SWITCH, "gran4k", gran4k, "4 KiB granule"),
    ROW(SWITCH, "gran16k", gran16k, "16 KiB granule"),
    ROW(SWITCH, "gran64k", gran64k, "64 KiB granule"),
    ROW(SWITCH, "two-level-strtab", two_level_strtab,
        "two-level stream table (ST_LEVEL)"),
    ROW(SWITCH, "cd2l", cd2l, "two-level context descriptor tables (CD2L)"),
    ROW(SWITCH, "coherent", coherent, "coherent table accesses (COHACC)"),
    ROW(SWITCH, "hyp", hyp, "EL2 stream worlds (HYP)"),
    ROW(SWITCH, "ats", ats, "address translation service (ATS)"),
    ROW(SWITCH, "split-ats", split_ats, "split-stage ATS (NS1ATS=0)"),
    ROW(SWITCH, "ats-rec-err", ats_rec_err,
        "configuration errors of ATS can be recorded (ATSRECERR)"),
    ROW(SWITCH, "pri", pri, "page request interface (PRI)"),
    ROW(SWITCH, "pps", pps, "PASID on automatic page responses (PPS)"),
    ROW(SWITCH, "msi", msi, "message signalled interrupts (MSI)"),
    ROW(SWITCH, "asid16", asid16, "16-bit ASIDs"),
    ROW(SWITCH, "vmid16", vmid16, "16-bit VMIDs"),
    ROW(SWITCH, "vmw", vmw, "VMID wildcards (VMW)"),
    ROW(SWITCH, "term-model", term_model,
        "terminated transactions always abort (TERM_MODEL)"),
    ROW(SWITCH, "had", had, "hierarchical attributes can be disabled (HAD)"),
    ROW(SWITCH, "xnx", xnx, "stage 2 execute-never by level (XNX)"),
    ROW(SWITCH, "ril", ril, "range invalidation and level hints (RIL)"),
    ROW(SWITCH, "fwb", fwb, "stage 2 forces write-back (FWB)"),
    ROW(SWITCH, "stt", stt, "small translation tables (STT)"),
    ROW(SWITCH, "e0pd", e0pd, "E0PD"),
    ROW(SWITCH, "attr-types-ovr", attr_types_ovr,
        "memory types can be overridden (ATTR_TYPES_OVR)"),
    ROW(SWITCH, "attr-perms-ovr", attr_perms_ovr,
        "permission attributes can be overridden (ATTR_PERMS_OVR)"),
};

static void smmuv3_prune(void *config)
{
    im_smmu_config_prune(config);
}

static const ImOptionTable options = {
    .rows = option_rows,
    .count = ARRAY_SIZE(option_rows),
    .defaults = &IM_SMMU_CONFIG_DEFAULT,
    .size = sizeof(ImSmmuConfig),
    .prune = smmuv3_prune,
};

/* Two members that one property sets. */
static const ImOption stage_rows[] = {
    { .field = "stage1=on", .name = "stage=1 or stage=nested" },
    { .field = "stage2=on", .name = "stage=2 or stage=nested" },
};

static const ImOptionTable stage_options = {
    .rows = stage_rows,
    .count = ARRAY_SIZE(stage_rows),
};

static const Property smmuv3_props[] = {
    DEFINE_PROP_LINK("host", Smmuv3Model, host, TYPE_IOASID_HOST, IoasidHost *),
    DEFINE_PROP_STRING("primary-bus", Smmuv3Model, primary_bus),
    DEFINE_PROP_STRING("stage", Smmuv3Model, stage),
    DEFINE_PROP_UINT16("msi-device-id", Smmuv3Model, msi_device_id, 0),
    DEFINE_PROP_STRING("rmr", Smmuv3Model, rmr),
    DEFINE_PROP_UNSIGNED_NODEFAULT("proximity", Smmuv3Model, proximity,
                                   qdev_prop_uint32, uint32_t),
};

static const char *const own_texts[][2] = {
    { "host", "ID of an ioasid-host: functions of it behind the unit are bound "
              "by what the guest's tables say" },
    { "primary-bus", "PCI root bus whose functions it serves; "
                     "default: pcie.0" },
    { "stage", "stages of translation: 1, 2 or nested (the default)" },
    { "msi-device-id", "DeviceID of the unit's own messages at the ITS; "
                       "0: the highest that is free" },
    { "rmr", "IORT's reserved regions (RMR): "
             "DEVICE[+DEVICE...]@FIRST-LAST[/...]" },
    { "proximity", "NUMA node of the unit (IORT); default: none" },
};

static bool smmuv3_apply_stage(Smmuv3Model *s, Error **errp)
{
    static const struct {
        const char *name;
        bool s1, s2;
    } rows[] = {
        { "nested", true, true },
        { "1", true, false },
        { "2", false, true },
    };

    if (!s->stage) {
        return true;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (strcmp(s->stage, rows[i].name) == 0) {
            s->cfg.stage1 = rows[i].s1;
            s->cfg.stage2 = rows[i].s2;
            return true;
        }
    }
    error_setg(errp, "%s: stage=%s: it is 1, 2 or nested",
               im_name_of(OBJECT(s)), s->stage);
    return false;
}

static bool smmuv3_resolve_config(Smmuv3Model *s, Error **errp)
{
    im_options_begin(&options, &s->options, &s->cfg);
    if (!smmuv3_apply_stage(s, errp)) {
        return false;
    }
    im_options_end(&options, &s->options, &s->cfg);
    return true;
}

/* --- interrupts ------------------------------------------------------- */

static void smmuv3_send_wire(ImUnit *u, unsigned line)
{
    trace_im_smmuv3_wire(line);
    qemu_irq_pulse(SMMUV3_MODEL(u->owner)->irq[line]);
}

/*
 * To memory or a doorbell, but not to a register of a unit: two units, or
 * one, could keep each other busy for ever.
 */
static MemTxResult smmuv3_write_message(Smmuv3Model *s, const ImMsi *msi)
{
    MemTxAttrs attrs = { .requester_id = s->msi_device_id };
    hwaddr off, len = 4;
    MemoryRegion *mr;

    RCU_READ_LOCK_GUARD();
    mr = address_space_translate(&address_space_memory, msi->addr, &off, &len,
                                 true, attrs);
    if (len < 4 ||
        (mr->owner && object_dynamic_cast(mr->owner, TYPE_SMMUV3_MODEL))) {
        return MEMTX_DECODE_ERROR;
    }
    return address_space_write(&address_space_memory, msi->addr, attrs,
                               &(uint32_t) { cpu_to_le32(msi->data) }, 4);
}

static void smmuv3_send_msi(ImUnit *u, const ImMsi *msi)
{
    Smmuv3Model *s = SMMUV3_MODEL(u->owner);

    if (smmuv3_write_message(s, msi) != MEMTX_OK) {
        im_unit_enter(u);
        im_smmu_msi_aborted(s->smmu, msi->source);
        im_unit_leave(u);
    }
}

static const ImUnitOps smmu_ops = {
    .iommu = &im_smmu_ops,
    .send_msi = smmuv3_send_msi,
    .send_wire = smmuv3_send_wire,
};

/* --- the machine ------------------------------------------------------ */

static PCIBus *smmuv3_find_root(Smmuv3Model *s, Error **errp)
{
    const char *name = s->primary_bus ?: "pcie.0";
    PCIBus *bus = im_names_bus(name);

    if (!bus || !pci_bus_is_root(bus)) {
        error_setg(errp, "%s: primary-bus=%s: %s", im_name_of(OBJECT(s)), name,
                   bus ? "it is no root bus" :
                         "there is no PCI bus of this name, or not yet");
        return NULL;
    }
    if (PCI_HOST_BRIDGE(BUS(bus)->parent)->bypass_iommu) {
        error_setg(errp, "%s: primary-bus=%s has bypass-iommu=on",
                   im_name_of(OBJECT(s)), name);
        return NULL;
    }
    return bus;
}

static VirtMachineState *smmuv3_find_machine(Smmuv3Model *s, Error **errp)
{
    Object *machine = object_dynamic_cast(OBJECT(qdev_get_machine()),
                                          TYPE_VIRT_MACHINE);
    VirtMachineState *vms = (VirtMachineState *)machine;

    if (!vms) {
        error_setg(errp, "%s: " TYPE_SMMUV3_MODEL " is for the machine virt",
                   im_name_of(OBJECT(s)));
        return NULL;
    }
    if (vms->iommu != VIRT_IOMMU_NONE) {
        error_setg(errp, "%s: the machine has an IOMMU already: %s",
                   im_name_of(OBJECT(s)),
                   vms->iommu == VIRT_IOMMU_SMMUV3 ? "iommu=smmuv3" :
                                                     "virtio-iommu-pci");
        return NULL;
    }
    return vms;
}

hwaddr smmuv3_model_base(VirtMachineState *vms, Smmuv3Model *s)
{
    PlatformBusDevice *pbus = PLATFORM_BUS_DEVICE(vms->platform_bus_dev);

    return vms->memmap[VIRT_PLATFORM_BUS].base +
           platform_bus_get_mmio_addr(pbus, SYS_BUS_DEVICE(s), 0);
}

int smmuv3_model_spi(VirtMachineState *vms, Smmuv3Model *s, ImSmmuIrq line)
{
    PlatformBusDevice *pbus = PLATFORM_BUS_DEVICE(vms->platform_bus_dev);

    return vms->irqmap[VIRT_PLATFORM_BUS] +
           platform_bus_get_irqn(pbus, SYS_BUS_DEVICE(s), line);
}

bool smmuv3_model_at_its(VirtMachineState *vms, Smmuv3Model *s)
{
    return s->cfg.msi && vms->msi_controller == VIRT_MSI_CTRL_ITS;
}

static int smmuv3_collect(Object *obj, void *opaque)
{
    Smmuv3Model *s = (Smmuv3Model *)object_dynamic_cast(obj, TYPE_SMMUV3_MODEL);

    if (s && s->unit.root) {
        g_ptr_array_add(opaque, s);
    }
    return 0;
}

static int smmuv3_by_msi_device_id(gconstpointer a, gconstpointer b)
{
    const Smmuv3Model *x = *(Smmuv3Model **)a, *y = *(Smmuv3Model **)b;

    return x->msi_device_id - y->msi_device_id;
}

unsigned smmuv3_models(Smmuv3Model ***units)
{
    GPtrArray *all = g_ptr_array_new();
    unsigned n;

    object_child_foreach_recursive(object_get_root(), smmuv3_collect, all);
    g_ptr_array_sort(all, smmuv3_by_msi_device_id);
    n = all->len;
    *units = (Smmuv3Model **)g_ptr_array_free(all, n == 0);
    return n;
}

static bool smmuv3_device_id_taken(Smmuv3Model **unit, unsigned n, uint16_t id)
{
    for (unsigned i = 0; i < n; i++) {
        if (unit[i]->msi_device_id == id) {
            return true;
        }
    }
    return false;
}

static bool smmuv3_choose_device_id(Smmuv3Model *s, Error **errp)
{
    g_autofree Smmuv3Model **unit = NULL;
    unsigned n = smmuv3_models(&unit);

    if (!s->msi_device_id) {
        s->msi_device_id = UINT16_MAX;
        while (smmuv3_device_id_taken(unit, n, s->msi_device_id)) {
            s->msi_device_id--;
        }
    } else if (smmuv3_device_id_taken(unit, n, s->msi_device_id)) {
        error_setg(
            errp,
            "%s: msi-device-id=0x%x is that of another " TYPE_SMMUV3_MODEL,
            im_name_of(OBJECT(s)), s->msi_device_id);
        return false;
    }
    return true;
}

/* --- life cycle ------------------------------------------------------- */

static void smmuv3_reset_exit(Object *obj, ResetType type)
{
    im_unit_reset(&SMMUV3_MODEL(obj)->unit);
}

/* What would reach a guest that cannot learn of the unit, or of two. */
static const char *smmuv3_why_not(Smmuv3Model *s, VirtMachineState *vms,
                                  bool acpi)
{
    if (vms->iommu != VIRT_IOMMU_NONE) {
        return "it excludes virtio-iommu-pci";
    }
    if (s->unit.root != vms->bus && !acpi) {
        return "a device tree describes only pcie.0: boot with UEFI and ACPI";
    }
    if (acpi && (!its_class_name() || VIRT_MACHINE_GET_CLASS(vms)->no_its)) {
        return "this machine has no ITS and so no IORT: use acpi=off";
    }
    return NULL;
}

static bool smmuv3_without_4k(const void *config)
{
    return !((const ImSmmuConfig *)config)->gran4k;
}

static bool smmuv3_few_commands(const void *config)
{
    return ((const ImSmmuConfig *)config)->cmdq_bits < 7;
}

static bool smmuv3_few_streams(const void *config)
{
    return ((const ImSmmuConfig *)config)->sid_bits < 16;
}

static const ImAdvice advice_rows[] = {
    { smmuv3_few_commands,
      "cmdq-bits below 7: Linux wants more than 64 commands, and "
      "functions wait for it for ever: use a larger cmdq-bits" },
    { smmuv3_few_streams,
      "StreamIDs have less than 16 bits: functions with a higher "
      "requester ID, as all below a port, do no DMA: use "
      "sidsize=16, and two-level-strtab=on" },
    { smmuv3_without_4k,
      "gran4k=off: Linux with pages of 4 KiB stops when it boots: "
      "use a kernel with pages of 16 or 64 KiB" },
};

static void smmuv3_advise(Smmuv3Model *s)
{
    im_advice_options(&s->unit, advice_rows, ARRAY_SIZE(advice_rows), &s->cfg);
    im_advice_memory(&s->unit, s->cfg.oas, "oas");
    im_advice_bridges(&s->unit, true,
                      "they share its StreamID, and Linux "
                      "translates for one of them only: put them on PCI "
                      "Express, or behind a bridge each");
    if (s->cfg.ssid_bits) {
        im_advice_pasid(&s->unit);
    }
}

static void smmuv3_machine_done(Notifier *n, void *data)
{
    Smmuv3Model *s = container_of(n, Smmuv3Model, machine_done);
    VirtMachineState *vms = VIRT_MACHINE(qdev_get_machine());
    bool acpi = vms->bootinfo.firmware_loaded && virt_is_acpi_enabled(vms);
    const char *why = smmuv3_why_not(s, vms, acpi);
    Error *err = NULL;

    if (!why && !smmuv3_model_read_iort(vms, s, acpi, &err)) {
        error_report_err(err);
        exit(EXIT_FAILURE);
    }
    if (why) {
        error_report("%s: primary-bus=%s: %s", im_name_of(OBJECT(s)),
                     BUS(s->unit.root)->name, why);
        exit(EXIT_FAILURE);
    }
    if (s->unit.root == vms->bus) {
        smmuv3_model_fdt(vms, s);
    }
    smmuv3_advise(s);
}

static bool smmuv3_create_model(Smmuv3Model *s, Error **errp)
{
    g_autofree char *err = NULL;

    im_unit_prepare(&s->unit);
    if (s->host) {
        s->cfg.attr_perms_ovr = false;  /* the backend overrides nothing */
    }
    s->smmu = im_smmu_new(&s->cfg, &im_unit_port, &s->unit, &err);
    if (!s->smmu) {
        g_autoptr(GString) line = g_string_new(err);

        im_options_rename(&options, line);
        im_options_rename(&stage_options, line);
        error_setg(errp, "%s: %s", im_name_of(OBJECT(s)), line->str);
        return false;
    }
    s->unit.model = s->smmu;
    s->unit.no_map = "a guest does not announce to an SMMU";
    s->unit.no_ats = s->cfg.ats ? NULL : "ats=off";
    s->unit.bypass_size = 1ull << s->cfg.oas;
    return true;
}

static bool smmuv3_stand_on_host(Smmuv3Model *s, Error **errp)
{
    ImViommuConfig c = { .format = IMU_FORMAT_SMMU_STE };

    return !s->host || im_unit_stand_on(&s->unit, s->host, &c, errp);
}

static void smmuv3_realize(DeviceState *dev, Error **errp)
{
    Smmuv3Model *s = SMMUV3_MODEL(dev);
    PCIBus *root;

    if (!smmuv3_find_machine(s, errp) || !smmuv3_resolve_config(s, errp)) {
        return;
    }
    root = smmuv3_find_root(s, errp);
    if (!root || !smmuv3_choose_device_id(s, errp) ||
        !smmuv3_create_model(s, errp) ||
        !im_unit_attach(&s->unit, root, errp) ||
        !smmuv3_stand_on_host(s, errp)) {
        return;
    }
    im_unit_mmio_init(&s->unit, IM_SMMU_MMIO_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(s), &s->unit.mmio);
    for (unsigned i = 0; i < IM_SMMU_IRQS; i++) {
        sysbus_init_irq(SYS_BUS_DEVICE(s), &s->irq[i]);
    }
    s->machine_done.notify = smmuv3_machine_done;
    qemu_add_machine_init_done_notifier(&s->machine_done);
}

static void smmuv3_init(Object *obj)
{
    Smmuv3Model *s = SMMUV3_MODEL(obj);

    im_options_init(&s->options);
    s->proximity = SMMUV3_NO_PROXIMITY;
    im_unit_init(&s->unit, obj, &smmu_ops);
}

static void smmuv3_finalize(Object *obj)
{
    Smmuv3Model *s = SMMUV3_MODEL(obj);

    im_unit_stand_alone(&s->unit);
    im_unit_fini(&s->unit);
    if (s->smmu) {
        im_smmu_free(s->smmu);
    }
}

static void smmuv3_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "Arm SMMUv3 with SubstreamIDs, stalls, ATS and PRI (libim "
               "model)";
    dc->hotpluggable = false;
    dc->user_creatable = true;
    dc->realize = smmuv3_realize;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    im_options_class_init(dc, &options, offsetof(Smmuv3Model, options),
                          smmuv3_props, ARRAY_SIZE(smmuv3_props));
    for (unsigned i = 0; i < ARRAY_SIZE(own_texts); i++) {
        object_class_property_set_description(klass, own_texts[i][0],
                                              own_texts[i][1]);
    }
    im_foreign_class_init(klass, "arm-smmuv3");
    /* after what DMAs was reset: its DMA still goes where it was meant to */
    rc->phases.exit = smmuv3_reset_exit;
    im_unit_model_class(IM_MODEL_CLASS(klass), offsetof(Smmuv3Model, unit),
                        &smmu_ops);
}

static const TypeInfo smmuv3_info = {
    .name = TYPE_SMMUV3_MODEL,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Smmuv3Model),
    .instance_init = smmuv3_init,
    .instance_finalize = smmuv3_finalize,
    .class_init = smmuv3_class_init,
    .interfaces = (InterfaceInfo[]) { { TYPE_IM_MODEL }, {} },
};

static void smmuv3_register_types(void)
{
    type_register_static(&smmuv3_info);
}

type_init(smmuv3_register_types)
