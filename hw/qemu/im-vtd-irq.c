/*
 * vtd-model: interrupts. Those of functions and of the IOAPIC are remapped,
 * the unit's own never.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/i386/apic_internal.h"
#include "hw/i386/x86.h"
#include "qapi/error.h"
#include "im-mem.h"
#include "im-vtd-int.h"
#include "trace.h"

/* As the unit's user wants the IOAPIC's to be seen. */
static ImMsi vtdm_irq_as_seen(const VtdModel *s, const ImMsi *msi)
{
    ImMsi m = *msi;

    m.any_source = m.rid == VTDM_IOAPIC_RID && !s->ioapic_source_check;
    return m;
}

static ImIntOut vtdm_irq_remap(VtdModel *s, const ImMsi *msi)
{
    ImMsi m = vtdm_irq_as_seen(s, msi);
    ImIntOut out;

    im_unit_enter_to_ask(&s->unit);
    out = im_vtd_interrupt(s->vtd, &m);
    im_unit_leave(&s->unit);
    trace_im_vtd_remap(msi->rid, msi->addr, msi->data, out.status, out.fault,
                       out.dest, out.vector);
    return out;
}

static void vtdm_irq_compose(const ImMsi *in, const ImIntOut *out,
                             MSIMessage *msg)
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
    bool ioapic = sid == X86_IOMMU_SID_INVALID;
    ImMsi msi = {
        .addr = src->address,
        .data = src->data,
        .rid = ioapic ? VTDM_IOAPIC_RID : sid,
    };
    /* who asks knows no other unit than the machine's */
    VtdModel *s = ioapic ? VTD_MODEL(x86) : vtdm_of_rid(sid);
    ImIntOut out = vtdm_irq_remap(s, &msi);

    if (out.status != IM_OK) {
        return -EPERM;
    }
    vtdm_irq_compose(&msi, &out, dst);
    return 0;
}

static void vtdm_irq_apic_write(uint64_t addr, uint32_t data)
{
    MSIMessage msg = { .address = addr, .data = data };

    apic_get_class(&error_abort)->send_msi(&msg);
}

MemTxResult vtdm_interrupt(ImUnit *u, const ImMsi *msi)
{
    ImIntOut out = vtdm_irq_remap(VTD_MODEL(u->owner), msi);
    MSIMessage msg;

    if (out.status != IM_OK) {
        return MEMTX_DECODE_ERROR;
    }
    vtdm_irq_compose(msi, &out, &msg);
    vtdm_irq_apic_write(msg.address, msg.data);
    return MEMTX_OK;
}

/* What is not remapped is taken for what the interrupt controller makes of
 * it: the compatibility format. */
ImIntOut vtdm_explain_interrupt(ImUnit *u, const ImMsi *msi, ImStepFn *fn,
                                void *opaque)
{
    VtdModel *s = VTD_MODEL(u->owner);
    ImMsi m = vtdm_irq_as_seen(s, msi);
    ImIntOut out = im_vtd_explain_interrupt(s->vtd, &m, fn, opaque);

    if (out.status == IM_OK && !out.remapped) {
        out.vector = extract32(msi->data, 0, 8);
        out.delivery_mode = extract32(msi->data, 8, 3);
        out.level = extract32(msi->data, 15, 1);
        out.logical = extract64(msi->addr, 2, 1);
        out.redirection_hint = extract64(msi->addr, 3, 1);
        out.dest = extract64(msi->addr, 12, 8);
    }
    return out;
}

/*
 * Bits 63:32 of the address carry APIC ID bits 31:8 in x2APIC mode, so only
 * the low half tells an interrupt from memory.
 */
void vtdm_send_msi(ImUnit *u, const ImMsi *msi)
{
    uint32_t data = cpu_to_le32(msi->data);

    if ((msi->addr & 0xfff00000) == VTDM_MSI_BASE) {
        vtdm_irq_apic_write(msi->addr, msi->data);
    } else {
        imq_mem_write(&address_space_memory, msi->addr, &data, 4);
    }
}

void vtdm_ioapic_init(VtdModel *s)
{
    /* interrupts only, so never switched */
    s->ioapic = im_unit_fn_fixed(&s->unit, VTDM_IOAPIC_DEVFN, VTDM_IOAPIC_RID,
                                 "ioapic");
    X86_MACHINE(qdev_get_machine())->ioapic_as = &s->ioapic->pasid.as;
}
