/*
 * vtd-model: Intel VT-d for the q35 machine, around libim's model.
 *
 * This file: properties, registers, life cycle.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/boards.h"
#include "hw/i386/pc.h"
#include "hw/pci/pci_host.h"
#include "hw/qdev-properties.h"
#include "kvm/kvm_i386.h"
#include "migration/blocker.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "system/kvm.h"
#include "system/system.h"
#include "im-vtd-int.h"
#include "trace.h"

/* --- properties ------------------------------------------------------- */

/*
 * S(name, member of ImVtdConfig, description). "auto" is the model's default
 * unless something that it needs is switched off.
 */
#define VTDM_SWITCHES(S)                                                  \
    S("dma-translation", dma_translation,                                 \
      "DMA remapping; off: interrupt remapping only")                     \
    S("scalable-mode", scalable, "scalable mode (SMTS)")                  \
    S("first-stage", first_stage, "first-stage translation (FSTS)")       \
    S("second-stage", second_stage,                                       \
      "second-stage translation in scalable mode (SSTS)")                 \
    S("nested", nested, "nested translation (NEST)")                      \
    S("fs5lp", fs5lp, "first-stage 5-level paging")                       \
    S("fs1gp", fs1gp, "first-stage 1 GiB pages")                          \
    S("ss2m", ss2m, "second-stage 2 MiB pages")                           \
    S("ss1g", ss1g, "second-stage 1 GiB pages")                           \
    S("pri", page_request, "page requests (PRS, PDS)")                    \
    S("no-write-flag", no_write_flag,                                     \
      "honour NW of translation requests (NWFS)")                         \
    S("supervisor", supervisor, "privileged requests (SRS)")              \
    S("ext-accessed", ext_accessed, "extended accessed flag (EAFS)")      \
    S("ss-dirty", ss_dirty, "second-stage accessed and dirty (SSADS)")    \
    S("page-walk-coherency", page_walk_coherency,                         \
      "snooped walks in scalable mode (SMPWCS)")                          \
    S("rid-pasid", rid_pasid, "RID_PASID of the context entry (RPS)")     \
    S("abort-dma", abort_dma, "abort-DMA mode (ADMS)")                    \
    S("coherent", coherent, "coherent structure accesses (C)")            \
    S("snoop-control", snoop_control, "snoop control (SC)")               \
    S("eim", eim, "extended interrupt mode: 32-bit APIC IDs")             \
    S("eim-required", eim_required,                                       \
      "interrupt remapping only with EIME (EIMER)")                       \
    S("intremap-required", intremap_required,                             \
      "no interrupt passes without remapping (IRREQ)")                    \
    S("caching-mode", caching_mode,                                       \
      "faulting translations may be cached (CM)")                         \
    S("psi", psi, "page-selective second-stage invalidation")             \
    S("zlr", zlr, "zero-length reads of write-only pages")                \
    S("esrtps", esrtps, "SRTP invalidates DMA caches")                    \
    S("esirtps", esirtps, "SIRTP invalidates the interrupt-entry cache")  \
    S("stop-marker", stop_marker, "stop markers (SMS)")

/* N(name, member, type of the property, C type, description) */
#define VTDM_NUMBERS(N)                                                   \
    N("aw-bits", aw_bits, vtdm_prop_uint8, uint8_t,                       \
      "widest guest address: 39, 48 or 57")                               \
    N("haw-bits", haw_bits, vtdm_prop_uint8, uint8_t,                     \
      "host address width, 32..52, at most aw-bits")                      \
    N("domain-bits", domain_bits, vtdm_prop_uint8, uint8_t,               \
      "domain-id width: 4, 6, .. 16")                                     \
    N("pasid-bits", pasid_bits, vtdm_prop_uint8, uint8_t,                 \
      "PASID width, 1..20; 0: no PASID")                                  \
    N("version-major", major, vtdm_prop_uint8, uint8_t,                   \
      "VER_REG.MAX, 1..5")                                                \
    N("fault-records", fault_records, qdev_prop_uint16, uint16_t,         \
      "fault recording registers, 1..186")                                \
    N("iotlb-entries", iotlb_entries, qdev_prop_uint32, uint32_t,         \
      "capacity of the IOTLB, a power of two")                            \
    N("ats-timeout", ats_timeout_ns, qdev_prop_uint64, uint64_t,          \
      "device-TLB invalidation time-out, ns of virtual time")

/* Members that the properties of every x86 IOMMU set. */
#define VTDM_INHERITED(I)                                                 \
    I("intremap", intremap, "interrupt remapping")                        \
    I("device-iotlb", device_tlb,                                         \
      "device-TLBs and ATS (vtd-model: on unless switched off)")          \
    I("pt", pass_through, "pass-through translation")

#define SWITCH_ID(name, member, text)              SW_##member,
#define NUMBER_ID(name, member, info, type, text)  NR_##member,
enum { VTDM_SWITCHES(SWITCH_ID) SW_COUNT };
enum { VTDM_NUMBERS(NUMBER_ID) NR_COUNT };
QEMU_BUILD_BUG_ON(SW_COUNT > ARRAY_SIZE(((VtdModel *)NULL)->option));

static const struct { const char *name; size_t member; const char *field; }
switch_rows[] = {
#define SWITCH_ROW(name, member, text) \
    { name, offsetof(ImVtdConfig, member), #member },
    VTDM_SWITCHES(SWITCH_ROW)
};

/* A number that was given is never adjusted. */
static void set_uint8(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    VtdModel *s = VTD_MODEL(obj);
    const Property *prop = opaque;

    if (visit_type_uint8(v, name, object_field_prop_ptr(obj, prop), errp)) {
        s->given |= 1u << prop->bitnr;
    }
}

static void get_uint8(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    visit_type_uint8(v, name, object_field_prop_ptr(obj, opaque), errp);
}

static void set_default_uint8(ObjectProperty *op, const Property *prop)
{
    object_property_set_default_uint(op, prop->defval.u);
}

static const PropertyInfo vtdm_prop_uint8 = {
    .type = "uint8",
    .get = get_uint8,
    .set = set_uint8,
    .set_default_value = set_default_uint8,
};

/* Defaults of numbers are filled in from the model's. */
static Property vtdm_props[] = {
#define NUMBER_PROP(name, member, info, type, text)                       \
    DEFINE_PROP(name, VtdModel, cfg.member, info, type,                   \
                .set_default = true, .bitnr = NR_##member),
    VTDM_NUMBERS(NUMBER_PROP)
#define SWITCH_PROP(name, member, text)                                   \
    DEFINE_PROP(name, VtdModel, option[SW_##member],                      \
                qdev_prop_on_off_auto, OnOffAuto,                         \
                .set_default = true, .defval.i = ON_OFF_AUTO_AUTO),
    VTDM_SWITCHES(SWITCH_PROP)
};

/* The parent class has the property: every x86 IOMMU is described so. */
static void describe_inherited(ObjectClass *oc, const char *name,
                               const char *text)
{
    ObjectProperty *op = object_class_property_find(oc, name);

    g_free(op->description);
    op->description = g_strdup(text);
}

static void props_init(DeviceClass *dc)
{
    ObjectClass *oc = OBJECT_CLASS(dc);
    const ImVtdConfig *d = &IM_VTD_CONFIG_DEFAULT;

#define NUMBER_DEFAULT(name, member, info, type, text) \
    vtdm_props[NR_##member].defval.u = d->member;
    VTDM_NUMBERS(NUMBER_DEFAULT)
    device_class_set_props_n(dc, vtdm_props, ARRAY_SIZE(vtdm_props));

#define NUMBER_TEXT(name, member, info, type, text) \
    object_class_property_set_description(oc, name, text);
#define SWITCH_TEXT(name, member, text)                                   \
    object_class_property_set_description(oc, name,                       \
        d->member ? text "; auto: on" : text "; auto: off");
#define INHERITED_TEXT(name, member, text) \
    describe_inherited(oc, name, text);
    VTDM_NUMBERS(NUMBER_TEXT)
    VTDM_SWITCHES(SWITCH_TEXT)
    VTDM_INHERITED(INHERITED_TEXT)
}

static void apply_switches(VtdModel *s, ImVtdConfig *c, OnOffAuto which)
{
    for (unsigned i = 0; i < SW_COUNT; i++) {
        if (s->option[i] == which) {
            *(bool *)((char *)c + switch_rows[i].member) =
                which == ON_OFF_AUTO_ON;
        }
    }
}

/*
 * What was switched off takes what needs it along, unless that was asked
 * for: then the model refuses the pair.
 */
static void resolve_config(VtdModel *s)
{
    X86IOMMUState *x86 = X86_IOMMU_DEVICE(s);
    ImVtdConfig c = IM_VTD_CONFIG_DEFAULT;

#define NUMBER_TAKE(name, member, info, type, text)  c.member = s->cfg.member;
    VTDM_NUMBERS(NUMBER_TAKE)
    c.intremap = x86_iommu_ir_supported(x86);
    c.device_tlb = x86->dt_supported;
    c.pass_through = x86->pt_supported;
    apply_switches(s, &c, ON_OFF_AUTO_OFF);
    im_vtd_config_prune(&c);
    apply_switches(s, &c, ON_OFF_AUTO_ON);
#define NUMBER_GIVEN(name, member, info, type, text) \
    if (s->given & (1u << NR_##member)) {            \
        c.member = s->cfg.member;                    \
    }
    VTDM_NUMBERS(NUMBER_GIVEN)
    s->cfg = c;
}

static void replace_word(GString *line, const char *from, const char *to)
{
    g_autofree char *a = g_strconcat(from, "=", NULL);
    g_autofree char *b = g_strconcat(to, "=", NULL);
    char *at = strstr(line->str, a);

    /* page_request= ends no other name, but scalable= could */
    while (at) {
        gssize pos = at - line->str;

        if (!pos || !(g_ascii_isalnum(at[-1]) || strchr("_-", at[-1]))) {
            g_string_erase(line, pos, strlen(a));
            g_string_insert(line, pos, b);
            pos += strlen(b);
        } else {
            pos++;
        }
        at = strstr(line->str + pos, a);
    }
}

/* The model speaks of its configuration, the user of properties. */
static void report_config(Error **errp, const char *err)
{
    g_autoptr(GString) line = g_string_new(err);

#define SWITCH_RENAME(name, member, text)  replace_word(line, #member, name);
#define NUMBER_RENAME(name, member, info, type, text) \
    replace_word(line, #member, name);
    VTDM_SWITCHES(SWITCH_RENAME)
    VTDM_NUMBERS(NUMBER_RENAME)
    VTDM_INHERITED(SWITCH_RENAME)
    error_setg(errp, TYPE_VTD_MODEL ": %s", line->str);
}

/* --- registers -------------------------------------------------------- */

static uint64_t mmio_read(void *opaque, hwaddr off, unsigned size)
{
    VtdModel *s = opaque;
    uint64_t val;

    vtdm_enter(s);
    val = im_vtd_mmio_read(s->vtd, off, size);
    vtdm_leave(s);
    trace_im_vtd_mmio_read(off, size, val);
    return val;
}

static void mmio_write(void *opaque, hwaddr off, uint64_t val, unsigned size)
{
    VtdModel *s = opaque;

    trace_im_vtd_mmio_write(off, size, val);
    vtdm_enter(s);
    im_vtd_mmio_write(s->vtd, off, val, size);
    vtdm_leave(s);
}

/* The model decides which accesses mean something: it sees them as made. */
static const MemoryRegionOps mmio_ops = {
    .read = mmio_read,
    .write = mmio_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8,
               .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8,
              .unaligned = true },
};

static void timer_due(void *opaque)
{
    VtdModel *s = opaque;

    vtdm_enter(s);
    im_vtd_deadline(s->vtd);
    vtdm_leave(s);
}

/* --- life cycle ------------------------------------------------------- */

static void vtdm_reset_exit(Object *obj, ResetType type)
{
    VtdModel *s = VTD_MODEL(obj);

    trace_im_vtd_reset();
    vtdm_enter(s);
    g_array_set_size(s->outbox, 0);
    im_vtd_reset(s->vtd);
    s->mode_changed = s->iec_changed = true;
    vtdm_leave(s);
}

static int check_bypass(Object *obj, void *opaque)
{
    PCIHostState *host = (PCIHostState *)
        object_dynamic_cast(obj, TYPE_PCI_HOST_BRIDGE);

    if (host && host->bypass_iommu) {
        g_autofree char *path = object_get_canonical_path(obj);

        error_report(TYPE_VTD_MODEL " covers every PCI function, but %s has "
                     "bypass-iommu=on", path);
        exit(EXIT_FAILURE);
    }
    return 0;
}

/* pci_setup_iommu() overwrites silently: see who won in the end. */
static void machine_done(Notifier *n, void *data)
{
    VtdModel *s = container_of(n, VtdModel, machine_done);

    if (s->root->iommu_ops != &vtdm_pci_ops) {
        error_report(TYPE_VTD_MODEL ": another device took over as the "
                     "IOMMU of %s", BUS(s->root)->name);
        exit(EXIT_FAILURE);
    }
    object_child_foreach_recursive(object_get_root(), check_bypass, NULL);
}

static bool check_machine(VtdModel *s, Error **errp)
{
    PCMachineState *pcms = PC_MACHINE(qdev_get_machine());

    s->root = pcms->pcibus;
    if (!pci_bus_is_express(s->root)) {
        error_setg(errp, TYPE_VTD_MODEL " needs a PCI Express root bus, "
                   "machine type %s has none",
                   MACHINE_GET_CLASS(pcms)->name);
        return false;
    }
    if (s->root->iommu_ops) {
        error_setg(errp, TYPE_VTD_MODEL ": the machine has an IOMMU already");
        return false;
    }
    if (s->cfg.eim && kvm_irqchip_in_kernel() && !kvm_enable_x2apic()) {
        error_setg(errp, TYPE_VTD_MODEL ": eim=on needs KVM's X2APIC API, "
                   "which this host's KVM has not");
        return false;
    }
    return true;
}

static void vtdm_realize(DeviceState *dev, Error **errp)
{
    VtdModel *s = VTD_MODEL(dev);
    char *err = NULL;

    resolve_config(s);
    if (!check_machine(s, errp)) {
        return;
    }
    s->outbox = g_array_new(false, false, sizeof(VtdmMsg));
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, timer_due, s);
    s->bh = qemu_bh_new(vtdm_send, s);
    s->vtd = im_vtd_new(&s->cfg, &vtdm_port, s, &err);
    if (!s->vtd) {
        report_config(errp, err);
        g_free(err);
        return;
    }
    error_setg(&s->blocker, TYPE_VTD_MODEL " does not save its state yet: "
               "no migration, no snapshot with it");
    if (migrate_add_blocker(&s->blocker, errp) < 0) {
        return;
    }

    memory_region_init_io(&s->mmio, OBJECT(s), &mmio_ops, s, TYPE_VTD_MODEL,
                          IM_VTD_MMIO_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(s), &s->mmio);
    sysbus_mmio_map(SYS_BUS_DEVICE(s), 0, VTDM_MMIO_BASE);
    vtdm_fns_init(s);
    pci_setup_iommu(s->root, &vtdm_pci_ops, s);
    s->machine_done.notify = machine_done;
    qemu_add_machine_init_done_notifier(&s->machine_done);
}

static void vtdm_init(Object *obj)
{
    VtdModel *s = VTD_MODEL(obj);

    s->given = 0;                       /* defaults were set before this */
    s->parent_obj.dt_supported = true;  /* inherited default is off */
    qemu_mutex_init(&s->lock);
}

/* Only after a realize that failed: the unit cannot be unplugged. */
static void vtdm_finalize(Object *obj)
{
    VtdModel *s = VTD_MODEL(obj);

    if (s->outbox) {
        g_array_free(s->outbox, true);
        timer_free(s->timer);
        qemu_bh_delete(s->bh);
    }
    if (s->vtd) {
        im_vtd_free(s->vtd);
    }
    qemu_mutex_destroy(&s->lock);
}

/* --- for people ------------------------------------------------------- */

static void model_dump(Object *obj, GString *out)
{
    VtdModel *s = VTD_MODEL(obj);

    vtdm_enter(s);
    im_vtd_dump(s->vtd, out);
    vtdm_leave(s);
}

static void model_counters(Object *obj, ImCounterFn *fn, void *opaque)
{
    VtdModel *s = VTD_MODEL(obj);
    ImVtdCounters c;

    vtdm_enter(s);
    c = *im_vtd_counters(s->vtd);
    vtdm_leave(s);
#define COUNTER(n)  fn(opaque, #n, c.n);
    IM_VTD_COUNTERS(COUNTER)
}

static ImXlat model_explain(Object *obj, const ImTxn *txn, ImStepFn *fn,
                            void *opaque)
{
    VtdModel *s = VTD_MODEL(obj);
    ImXlat x;

    vtdm_enter(s);
    x = im_vtd_explain(s->vtd, txn, fn, opaque);
    vtdm_leave(s);
    return x;
}

static void model_faults(Object *obj, ImFaultLog *copy)
{
    VtdModel *s = VTD_MODEL(obj);

    vtdm_enter(s);
    *copy = s->faults;
    vtdm_leave(s);
}

static void vtdm_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);
    X86IOMMUClass *x86 = X86_IOMMU_DEVICE_CLASS(klass);
    ImModelClass *mc = IM_MODEL_CLASS(klass);

    dc->desc = "Intel VT-d with PASID, ATS and PRI (libim model)";
    dc->hotpluggable = false;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    props_init(dc);
    /* after what DMAs was reset: its DMA still goes where it was meant to */
    rc->phases.exit = vtdm_reset_exit;
    x86->realize = vtdm_realize;
    x86->int_remap = vtdm_int_remap;
    mc->dump = model_dump;
    mc->counters = model_counters;
    mc->explain = model_explain;
    mc->faults = model_faults;
    mc->fault_name = im_vtd_fault_name;
}

static const TypeInfo vtdm_info = {
    .name = TYPE_VTD_MODEL,
    .parent = TYPE_X86_IOMMU_DEVICE,
    .instance_size = sizeof(VtdModel),
    .instance_init = vtdm_init,
    .instance_finalize = vtdm_finalize,
    .class_init = vtdm_class_init,
    .interfaces = (InterfaceInfo[]) { { TYPE_IM_MODEL }, { } },
};

static void vtdm_register_types(void)
{
    type_register_static(&vtdm_info);
}

type_init(vtdm_register_types)
