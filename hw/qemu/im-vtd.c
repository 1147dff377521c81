/*
 * vtd-model: Intel VT-d for the q35 machine, around libim's model.
 *
 * This file: properties, registers, life cycle. im-vtd-irq.c: interrupts.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/boards.h"
#include "hw/i386/pc.h"
#include "hw/pci/pci_host.h"
#include "hw/qdev-properties.h"
#include "kvm/kvm_i386.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qobject/qobject.h"
#include "system/kvm.h"
#include "system/system.h"
#include "im-advice.h"
#include "im-foreign.h"
#include "im-viommu.h"
#include "im-vtd-int.h"
#include "trace.h"

/* --- properties ------------------------------------------------------- */

#define ROW(kind, name, member, text) \
    IM_OPTION(ImVtdConfig, kind, name, member, text)

static const ImOption option_rows[] = {
    ROW(U8, "aw-bits", aw_bits, "widest guest address: 39, 48 or 57"),
    ROW(U8, "haw-bits", haw_bits,
        "host address width, 32..52, at most aw-bits"),
    ROW(U8, "domain-bits", domain_bits, "domain-id width: 4, 6, .. 16"),
    ROW(U8, "pasid-bits", pasid_bits, "PASID width, 1..20; 0: no PASID"),
    ROW(U8, "version-major", major, "VER_REG.MAX, 1..5"),
    ROW(U16, "fault-records", fault_records,
        "fault recording registers, 1..186"),
    ROW(U32, "iotlb-entries", iotlb_entries,
        "capacity of the IOTLB, a power of two"),
    ROW(U64, "ats-timeout", ats_timeout_ns,
        "device-TLB invalidation time-out, ns of virtual time"),
    ROW(SWITCH, "dma-translation", dma_translation,
        "DMA remapping; off: interrupt remapping only"),
    ROW(SWITCH, "scalable-mode", scalable, "scalable mode (SMTS)"),
    ROW(SWITCH, "first-stage", first_stage, "first-stage translation (FSTS)"),
    ROW(SWITCH, "second-stage", second_stage,
        "second-stage translation in scalable mode (SSTS)"),
    ROW(SWITCH, "nested", nested, "nested translation (NEST)"),
    ROW(SWITCH, "fs5lp", fs5lp, "first-stage 5-level paging"),
    ROW(SWITCH, "fs1gp", fs1gp, "first-stage 1 GiB pages"),
    ROW(SWITCH, "ss2m", ss2m, "second-stage 2 MiB pages"),
    ROW(SWITCH, "ss1g", ss1g, "second-stage 1 GiB pages"),
    ROW(SWITCH, "pri", page_request, "page requests (PRS, PDS)"),
    ROW(SWITCH, "no-write-flag", no_write_flag,
        "honour NW of translation requests (NWFS)"),
    ROW(SWITCH, "supervisor", supervisor, "privileged requests (SRS)"),
    ROW(SWITCH, "ext-accessed", ext_accessed, "extended accessed flag (EAFS)"),
    ROW(SWITCH, "ss-dirty", ss_dirty,
        "second-stage accessed and dirty (SSADS)"),
    ROW(SWITCH, "page-walk-coherency", page_walk_coherency,
        "snooped walks in scalable mode (SMPWCS)"),
    ROW(SWITCH, "rid-pasid", rid_pasid, "RID_PASID of the context entry (RPS)"),
    ROW(SWITCH, "abort-dma", abort_dma, "abort-DMA mode (ADMS)"),
    ROW(SWITCH, "coherent", coherent, "coherent structure accesses (C)"),
    ROW(SWITCH, "snoop-control", snoop_control, "snoop control (SC)"),
    ROW(SWITCH, "eim", eim, "extended interrupt mode: 32-bit APIC IDs"),
    ROW(SWITCH, "eim-required", eim_required,
        "interrupt remapping only with EIME (EIMER)"),
    ROW(SWITCH, "intremap-required", intremap_required,
        "no interrupt passes without remapping (IRREQ)"),
    ROW(SWITCH, "caching-mode", caching_mode,
        "faulting translations may be cached (CM)"),
    ROW(SWITCH, "psi", psi, "page-selective second-stage invalidation"),
    ROW(SWITCH, "zlr", zlr, "zero-length reads of write-only pages"),
    ROW(SWITCH, "esrtps", esrtps, "SRTP invalidates DMA caches"),
    ROW(SWITCH, "esirtps", esirtps,
        "SIRTP invalidates the interrupt-entry cache"),
    ROW(SWITCH, "stop-marker", stop_marker, "stop markers (SMS)"),
    ROW(SWITCH, "rid-priv", rid_priv,
        "privilege of requests without PASID by RID_PRIV (RPRIVS)"),
    ROW(SWITCH, "translated-pasid", translated_pasid,
        "translated requests with PASID (PTRS)"),
    ROW(SWITCH, "ss-io-rw", ss_io_rw,
        "second-stage I/O read and write bits (SSIRWS)"),
    ROW(SWITCH, "first-stage-aw-ignored", aw_ignored,
        "with second-stage=off, AW of a PASID entry is ignored, not reserved"),
    ROW(SWITCH, "early-device-tlb-invalidation", early_ats_inv,
        "device-TLB invalidations complete while translation is off"),
};

/* Members that the properties of every x86 IOMMU set. */
static const ImOption inherited_rows[] = {
    ROW(SWITCH, "intremap", intremap, "interrupt remapping"),
    ROW(SWITCH, "device-iotlb", device_tlb,
        "device-TLBs and ATS; default: on in vtd-model, else off"),
    ROW(SWITCH, "pt", pass_through, "pass-through translation"),
};

static const Property vtdm_props[] = {
    DEFINE_PROP_LINK("host", VtdModel, host, TYPE_IOASID_HOST, IoasidHost *),
    DEFINE_PROP_BOOL("vcmd", VtdModel, vcmd_on, true),
    DEFINE_PROP_BOOL("ioapic-source-check", VtdModel, ioapic_source_check,
                     true),
    DEFINE_PROP_STRING("primary-bus", VtdModel, primary_bus),
    DEFINE_PROP_BOOL("device-scopes", VtdModel, table.device_scopes, false),
    DEFINE_PROP_BOOL("x2apic-opt-out", VtdModel, table.x2apic_opt_out, false),
    DEFINE_PROP_BOOL("dma-opt-in", VtdModel, table.dma_opt_in, false),
    DEFINE_PROP_STRING("rmrr", VtdModel, table.rmrr),
    DEFINE_PROP_BOOL("rmrr-reserved", VtdModel, table.rmrr_reserved, true),
    DEFINE_PROP_STRING("satc", VtdModel, table.satc),
    DEFINE_PROP_STRING("satc-required", VtdModel, table.satc_required),
    DEFINE_PROP_UNSIGNED_NODEFAULT("proximity", VtdModel, table.proximity,
                                   qdev_prop_uint32, uint32_t),
};

static const char *const own_texts[][2] = {
    { "host", "ID of an ioasid-host on which it stands: PASIDs by virtual "
              "commands (VCS), functions of it by the guest's tables" },
    { "vcmd", "with host: off: no virtual commands, the guest chooses its "
              "PASIDs itself" },
    { "ioapic-source-check", "off: the IOAPIC passes whatever source an entry "
                             "(IRTE) names" },
    { "primary-bus", "ID of a pxb-pcie: one more unit, for the functions below "
                     "it; default: everything else" },
    { "device-scopes", "DMAR names functions and ports, without "
                       "INCLUDE_PCI_ALL and ALL_PORTS" },
    { "x2apic-opt-out", "DMAR asks for no x2APIC (X2APIC_OPT_OUT)" },
    { "dma-opt-in", "DMAR's DMA_CTRL_PLATFORM_OPT_IN_FLAG" },
    { "rmrr", "DMAR's reserved regions (RMRR): "
              "DEVICE[+DEVICE...]@FIRST-LAST[/...]" },
    { "rmrr-reserved", "the memory map has the regions of rmrr as reserved" },
    { "satc", "DMAR's integrated functions with an ATC (SATC): "
              "DEVICE[+DEVICE...]" },
    { "satc-required", "the same, of those that need it (ATC_REQUIRED)" },
    { "proximity", "NUMA node of the unit (RHSA); default: none" },
};

static void vtdm_prune(void *config)
{
    im_vtd_config_prune(config);
}

static const ImOptionTable options = {
    .rows = option_rows,
    .count = ARRAY_SIZE(option_rows),
    .defaults = &IM_VTD_CONFIG_DEFAULT,
    .size = sizeof(ImVtdConfig),
    .prune = vtdm_prune,
};

static const ImOptionTable inherited = {
    .rows = inherited_rows,
    .count = ARRAY_SIZE(inherited_rows),
};

static ObjectPropertyAccessor *plain_intremap_set;

static void vtdm_intremap_set(Object *obj, Visitor *v, const char *name,
                              void *opaque, Error **errp)
{
    Error *err = NULL;

    plain_intremap_set(obj, v, name, opaque, &err);
    if (err) {
        im_option_refused(obj, name, "it is on, off or auto", err, errp);
    }
}

/* The parent class has the property: every x86 IOMMU is described so. */
static void vtdm_describe_inherited(ObjectClass *oc)
{
    ObjectProperty *ir = object_class_property_find(oc, "intremap");

    plain_intremap_set = ir->set;
    ir->set = vtdm_intremap_set;
    for (unsigned i = 0; i < inherited.count; i++) {
        const ImOption *row = &inherited.rows[i];
        ObjectProperty *op = object_class_property_find(oc, row->name);

        g_free(op->description);
        op->description = g_strdup(row->text);
        if (strstr(row->text, "default: ")) {
            /* help prints none; an instance is zero anyway */
            qobject_unref(op->defval);
            op->defval = NULL;
            op->init = NULL;
        }
    }
}

static void vtdm_resolve_config(VtdModel *s)
{
    X86IOMMUState *x86 = X86_IOMMU_DEVICE(s);

    im_options_begin(&options, &s->options, &s->cfg);
    s->cfg.intremap = x86_iommu_ir_supported(x86);
    s->cfg.device_tlb = x86->dt_supported;
    s->cfg.pass_through = x86->pt_supported;
    im_options_end(&options, &s->options, &s->cfg);
}

static void vtdm_report_config(VtdModel *s, Error **errp, const char *err)
{
    g_autoptr(GString) line = g_string_new(err);

    im_options_rename(&options, line);
    im_options_rename(&inherited, line);
    error_setg(errp, "%s: %s", im_name_of(OBJECT(s)), line->str);
}

/* --- the model, as a unit ----------------------------------------------- */

/* Whoever keeps remapped messages asks for them again. */
static void vtdm_changed(ImUnit *u)
{
    x86_iommu_iec_notify_all(x86_iommu_get_default(), true, 0, 0);
}

/* The guest's PASIDs are the host's to give, see docs/uapi.rst: not before
 * the model was left. A guest waits for one answer at a time. */
static void vtdm_vcmd(void *host, const ImVcmd *cmd)
{
    ImUnit *u = host;

    VTD_MODEL(u->owner)->asked = *cmd;
    im_unit_notice(u, 0);
}

static void vtdm_vcmd_obey(ImUnit *u, uint64_t what)
{
    VtdModel *s = VTD_MODEL(u->owner);

    im_ioasid_vcmd(&s->vcmd, &s->asked);
}

static void vtdm_vcmd_done(void *opaque, uint32_t serial, unsigned status,
                           uint32_t pasid)
{
    VtdModel *s = opaque;

    im_unit_enter(&s->unit);
    im_vtd_vcmd_done(s->vtd, serial, status, pasid);
    im_unit_leave(&s->unit);
}

static const ImUnitOps vtd_ops = {
    .iommu = &im_vtd_ops,
    .send_msi = vtdm_send_msi,
    .changed = vtdm_changed,
    .notice = vtdm_vcmd_obey,
    .interrupt = vtdm_interrupt,
    .msi_base = VTDM_MSI_BASE,
    .msi_size = VTDM_MSI_SIZE,
    .explain_interrupt = vtdm_explain_interrupt,
};

/* --- life cycle ------------------------------------------------------- */

static void vtdm_reset_exit(Object *obj, ResetType type)
{
    VtdModel *s = VTD_MODEL(obj);

    if (s->host) {
        im_ioasid_vcmd_reset(&s->vcmd);
    }
    im_unit_reset(&s->unit);
}

static int vtdm_check_bypass(Object *obj, void *opaque)
{
    PCIHostState *host =
        (PCIHostState *)object_dynamic_cast(obj, TYPE_PCI_HOST_BRIDGE);

    if (host && host->bypass_iommu) {
        g_autofree char *path = object_get_canonical_path(obj);

        error_report("%s covers every PCI function, but %s has "
                     "bypass-iommu=on",
                     im_name_of(opaque), path);
        exit(EXIT_FAILURE);
    }
    return 0;
}

/* --- what a guest will stumble over ---------------------------------- */

static bool vtdm_no_common_width(const void *config)
{
    const ImVtdConfig *c = config;

    return c->aw_bits == 39 && c->first_stage && c->second_stage;
}

/* With 9.6's AW; legacy mode has a second stage anyway. */
static bool vtdm_linux_sets_aw(const void *config)
{
    const ImVtdConfig *c = config;

    return c->scalable && !c->second_stage && !c->aw_ignored;
}

static bool vtdm_interrupts_only(const void *config)
{
    return !((const ImVtdConfig *)config)->dma_translation;
}

static const ImAdvice advice_rows[] = {
    { vtdm_interrupts_only,
      "dma-translation=off: interrupts are remapped, DMA is not: Linux has no "
      "IOMMU groups, and so no VFIO and no PASIDs" },
    { vtdm_no_common_width,
      "aw-bits=39 with first-stage=on: Linux finds no width that both stages "
      "have, and does without DMA remapping: use aw-bits=48 or 57, or "
      "first-stage=off" },
    { vtdm_linux_sets_aw,
      "second-stage=off: Linux sets AW of PASID entries, which is reserved "
      "then, so that every DMA is fault 5Ah and the boot stops: use "
      "first-stage-aw-ignored=on" },
};

static void vtdm_advise(VtdModel *s)
{
    X86MachineState *x86ms = X86_MACHINE(qdev_get_machine());

    im_advice_options(&s->unit, advice_rows, ARRAY_SIZE(advice_rows), &s->cfg);
    im_advice_memory(&s->unit, s->cfg.haw_bits, "haw-bits");
    if (s->cfg.scalable) {
        im_advice_bridges(&s->unit, false,
                          "Linux up to 7.3 sets no scalable-mode context "
                          "entry for a bridge's requester ID, and hangs when "
                          "it boots: use scalable-mode=off, or put it on PCI "
                          "Express");
    }
    if (s->cfg.pasid_bits) {
        im_advice_pasid(&s->unit);
    }
    if (x86ms->apic_id_limit > 255 && !s->cfg.eim) {
        warn_report("%s: CPUs have APIC IDs up to %u, and no interrupt of a "
                    "device reaches those above 254: use eim=on and "
                    "intremap=on, or fewer CPUs",
                    im_name_of(OBJECT(s)), x86ms->apic_id_limit - 1);
    }
}

static void vtdm_machine_done(Notifier *n, void *data)
{
    VtdModel *s = container_of(n, VtdModel, machine_done);
    Error *err = NULL;

    object_child_foreach_recursive(object_get_root(), vtdm_check_bypass, s);
    if (!vtdm_check_units(&err) ||
        (!s->primary_bus && !vtdm_read_table(s, &err))) {
        error_report_err(err);
        exit(EXIT_FAILURE);
    }
    vtdm_advise(s);
}

static bool vtdm_use_host(VtdModel *s, Error **errp)
{
    if (!s->host) {
        return true;
    }
    if (!s->cfg.pasid_bits) {
        error_setg(errp, "%s: host needs pasid-bits above 0",
                   im_name_of(OBJECT(s)));
        return false;
    }
    if (s->host->guest.map_mode == IMU_MODE_DELEGATED) {
        error_setg(errp,
                   "%s: host with map-mode=delegated has no PASIDs to "
                   "give",
                   im_name_of(OBJECT(s)));
        return false;
    }
    s->cfg.vcmd = s->vcmd_on ? vtdm_vcmd : NULL;
    im_ioasid_vcmd_init(&s->vcmd, s->host, (1u << s->cfg.pasid_bits) - 1,
                        vtdm_vcmd_done, s);
    return true;
}

static bool vtdm_check_machine(VtdModel *s, Error **errp)
{
    PCMachineState *pcms = PC_MACHINE(qdev_get_machine());

    if (!pci_bus_is_express(pcms->pcibus)) {
        error_setg(errp,
                   "%s: " TYPE_VTD_MODEL " needs a PCI Express root "
                   "bus, machine type %s has none",
                   im_name_of(OBJECT(s)), MACHINE_GET_CLASS(pcms)->name);
        return false;
    }
    if (s->cfg.eim && kvm_irqchip_in_kernel() && !kvm_enable_x2apic()) {
        error_setg(errp,
                   "%s: eim=on needs KVM's X2APIC API, which this "
                   "host's KVM has not",
                   im_name_of(OBJECT(s)));
        return false;
    }
    return true;
}

/* X2APIC_OPT_OUT is valid where interrupts are remapped, and where they may
 * be without extended mode (8.1). */
static bool vtdm_check_table(VtdModel *s, Error **errp)
{
    const char *why = !s->table.x2apic_opt_out ? NULL :
                      !s->cfg.intremap         ? "needs intremap=on" :
                      s->cfg.eim_required      ? "excludes eim-required=on" :
                                                 NULL;

    if (why) {
        error_setg(errp, "%s: x2apic-opt-out=on %s", im_name_of(OBJECT(s)),
                   why);
    }
    return !why;
}

static bool vtdm_create_model(VtdModel *s, Error **errp)
{
    char *err = NULL;

    im_unit_prepare(&s->unit);
    s->vtd = im_vtd_new(&s->cfg, &im_unit_port, &s->unit, &err);
    if (!s->vtd) {
        vtdm_report_config(s, errp, err);
        g_free(err);
        return false;
    }
    s->unit.model = s->vtd;
    s->unit.every_root = !s->primary_bus;   /* as the DMAR table says */
    s->unit.no_map = s->cfg.caching_mode ?
                         TYPE_VTD_MODEL " does not do yet" :
                         "a guest does not announce with caching-mode=off";
    s->unit.no_ats = s->cfg.device_tlb ? NULL : "device-iotlb=off";
    return true;
}

/* Functions of the same host below it are the guest's by its tables. */
static bool vtdm_stand_on_host(VtdModel *s, Error **errp)
{
    ImViommuConfig c = {
        .format = IMU_FORMAT_VTD_FIRST,
        .pasids_allocated = s->cfg.vcmd,
        .caching = s->cfg.caching_mode,
        .msi_first = VTDM_MSI_BASE,
        .msi_last = VTDM_MSI_BASE + VTDM_MSI_SIZE - 1,
    };

    return !s->host || im_unit_stand_on(&s->unit, s->host, &c, errp);
}

static void vtdm_realize(DeviceState *dev, Error **errp)
{
    VtdModel *s = VTD_MODEL(dev);
    PCIBus *root;

    vtdm_resolve_config(s);
    if (!vtdm_use_host(s, errp) || !vtdm_check_machine(s, errp) ||
        !vtdm_check_table(s, errp)) {
        return;
    }
    root = vtdm_place(s, errp);
    if (!root || !vtdm_create_model(s, errp) ||
        !im_unit_attach(&s->unit, root, errp) || !vtdm_stand_on_host(s, errp)) {
        return;
    }
    im_unit_mmio_init(&s->unit, IM_VTD_MMIO_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(s), &s->unit.mmio);
    sysbus_mmio_map(SYS_BUS_DEVICE(s), 0, s->base);
    if (!s->primary_bus) {
        vtdm_ioapic_init(s);
    }
    s->machine_done.notify = vtdm_machine_done;
    qemu_add_machine_init_done_notifier(&s->machine_done);
}

static void vtdm_init(Object *obj)
{
    VtdModel *s = VTD_MODEL(obj);

    im_options_init(&s->options);
    s->parent_obj.dt_supported = true;  /* inherited default is off */
    s->table.proximity = VTDM_NO_PROXIMITY;
    im_unit_init(&s->unit, obj, &vtd_ops);
}

static void vtdm_finalize(Object *obj)
{
    VtdModel *s = VTD_MODEL(obj);

    im_unit_stand_alone(&s->unit);
    im_unit_fini(&s->unit);
    if (s->vtd) {
        im_vtd_free(s->vtd);
    }
}

static void vtdm_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);
    X86IOMMUClass *x86 = X86_IOMMU_DEVICE_CLASS(klass);

    dc->desc = "Intel VT-d with PASID, ATS and PRI (libim model)";
    dc->hotpluggable = false;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    im_options_class_init(dc, &options, offsetof(VtdModel, options), vtdm_props,
                          ARRAY_SIZE(vtdm_props));
    for (unsigned i = 0; i < ARRAY_SIZE(own_texts); i++) {
        object_class_property_set_description(klass, own_texts[i][0],
                                              own_texts[i][1]);
    }
    vtdm_describe_inherited(OBJECT_CLASS(klass));
    im_foreign_class_init(klass, "intel-iommu");
    /* after what DMAs was reset: its DMA still goes where it was meant to */
    rc->phases.exit = vtdm_reset_exit;
    x86->realize = vtdm_realize;
    x86->int_remap = vtdm_int_remap;
    im_unit_model_class(IM_MODEL_CLASS(klass), offsetof(VtdModel, unit),
                        &vtd_ops);
}

static const TypeInfo vtdm_info = {
    .name = TYPE_VTD_MODEL,
    .parent = TYPE_X86_IOMMU_DEVICE,
    .instance_size = sizeof(VtdModel),
    .instance_init = vtdm_init,
    .instance_finalize = vtdm_finalize,
    .class_init = vtdm_class_init,
    .interfaces = (InterfaceInfo[]) { { TYPE_IM_MODEL }, {} },
};

static void vtdm_register_types(void)
{
    type_register_static(&vtdm_info);
}

type_init(vtdm_register_types)
