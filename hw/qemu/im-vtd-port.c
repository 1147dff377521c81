/*
 * vtd-model: what the model needs from QEMU.
 *
 * Every function of the port runs under VtdModel.lock, with or without the
 * BQL; memory is accessed at once, everything else is put into the outbox.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/i386/apic_internal.h"
#include "hw/pci/pcie.h"
#include "qemu/main-loop.h"
#include "im-mem.h"
#include "im-vtd-int.h"
#include "trace.h"

static ImBus port_read(void *host, uint64_t pa, void *buf, size_t len)
{
    return imq_mem_read(&address_space_memory, pa, buf, len);
}

static ImBus port_write(void *host, uint64_t pa, const void *buf, size_t len)
{
    return imq_mem_write(&address_space_memory, pa, buf, len);
}

static ImBus port_cmpxchg64(void *host, uint64_t pa, uint64_t *expected,
                            uint64_t desired)
{
    return imq_mem_cmpxchg64(&address_space_memory, pa, expected, desired);
}

static void post(VtdModel *s, const VtdmMsg *msg)
{
    g_array_append_vals(s->outbox, msg, 1);
}

static void port_msi(void *host, const ImMsi *msi)
{
    post(host, &(VtdmMsg) { .kind = VTDM_MSI, .msi = *msi });
}

static void port_ats_invalidate(void *host, const ImAtsInv *inv)
{
    post(host, &(VtdmMsg) { .kind = VTDM_ATS_INV, .inv = *inv });
}

static void port_page_response(void *host, const ImPageResp *resp)
{
    post(host, &(VtdmMsg) { .kind = VTDM_PAGE_RESP, .resp = *resp });
}

static void port_unmap(void *host, const ImUnmap *unmap)
{
    if (!unmap->device_tlb) {
        /* device-TLBs are told by the invalidation message itself */
        post(host, &(VtdmMsg) { .kind = VTDM_UNMAP, .unmap = *unmap });
    }
}

static void port_mode_changed(void *host)
{
    VtdModel *s = host;

    s->mode_changed = true;
    s->iec_changed = true;
}

static uint64_t port_now(void *host)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void port_deadline(void *host, uint64_t when)
{
    VtdModel *s = host;

    if (when == IM_NEVER) {
        timer_del(s->timer);
    } else {
        timer_mod_ns(s->timer, MIN(when, INT64_MAX));
    }
}

/* --- tracing and the fault log ---------------------------------------- */

static int64_t pasid_of(bool has_pasid, uint32_t pasid)
{
    return has_pasid ? (int64_t)pasid : -1;
}

static void note_fault(VtdModel *s, const ImEvent *ev)
{
    ImFaultNote n = {
        .time = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
        .what = ev->name ? ev->name : "fault",
        .reason = ev->xlat ? ev->xlat->fault : (uint8_t)ev->arg[0],
    };

    if (ev->txn) {
        n.txn = *ev->txn;
    } else if (ev->req) {
        n.txn = (ImTxn) {
            .rid = ev->req->rid, .addr = ev->req->addr,
            .pasid = ev->req->pasid, .has_pasid = ev->req->has_pasid,
            .priv = ev->req->priv, .exec = ev->req->exec,
            .access = ev->req->write ? IM_WRITE : IM_READ,
        };
    } else if (ev->msi) {
        n.txn = (ImTxn) {
            .rid = ev->msi->rid, .addr = ev->msi->addr, .access = IM_WRITE,
        };
        n.interrupt = true;
    }
    imq_fault_log_add(&s->faults, &n);
    trace_im_vtd_fault(n.what, n.txn.rid,
                       pasid_of(n.txn.has_pasid, n.txn.pasid), n.txn.addr,
                       n.reason, im_vtd_fault_name(n.reason, NULL) ?: "?");
}

static void port_event(void *host, const ImEvent *ev)
{
    VtdModel *s = host;
    const ImTxn *t = ev->txn;
    const ImPageReq *req = ev->req;
    const ImPageResp *resp = ev->resp;

    switch (ev->kind) {
    case IM_EVENT_TRANSLATE:
        trace_im_vtd_translate(t->rid, pasid_of(t->has_pasid, t->pasid),
                               t->addr, t->access, t->at, ev->xlat->status,
                               ev->xlat->addr, ev->xlat->mask,
                               ev->xlat->perm);
        break;
    case IM_EVENT_FAULT:
        note_fault(s, ev);
        break;
    case IM_EVENT_INVALIDATE:
        trace_im_vtd_invalidate(ev->name, ev->arg[0], ev->arg[1], ev->arg[2],
                                ev->arg[3]);
        if (g_strcmp0(ev->name, "iec_inv") == 0) {
            s->iec_changed = true;
        }
        break;
    case IM_EVENT_PAGE_REQUEST:
        trace_im_vtd_page_request(ev->name ?: "", req->rid,
                                  pasid_of(req->has_pasid, req->pasid),
                                  req->addr, req->prgi, req->read,
                                  req->write, req->last);
        break;
    case IM_EVENT_PAGE_RESPONSE:
        trace_im_vtd_page_response(resp->rid,
                                   pasid_of(resp->has_pasid, resp->pasid),
                                   resp->prgi, resp->code);
        break;
    case IM_EVENT_INTERRUPT:
        trace_im_vtd_interrupt(ev->name ?: "", ev->msi->addr, ev->msi->data);
        break;
    }
}

const ImPort vtdm_port = {
    .size = sizeof(ImPort),
    .read = port_read,
    .write = port_write,
    .cmpxchg64 = port_cmpxchg64,
    .msi = port_msi,
    .ats_invalidate = port_ats_invalidate,
    .page_response = port_page_response,
    .unmap = port_unmap,
    .mode_changed = port_mode_changed,
    .now = port_now,
    .deadline = port_deadline,
    .event = port_event,
};

/* --- sending: under the BQL, without the lock --------------------------- */

void vtdm_apic_write(uint64_t addr, uint32_t data)
{
    MSIMessage msg = { .address = addr, .data = data };

    apic_get_class(&error_abort)->send_msi(&msg);
}

/*
 * The unit's own messages: bits 63:32 of the address carry APIC ID bits 31:8
 * in x2APIC mode, so only the low half tells an interrupt from memory.
 */
static void send_msi(const ImMsi *msi)
{
    uint32_t data = cpu_to_le32(msi->data);

    if ((msi->addr & 0xfff00000) == VTDM_MSI_BASE) {
        vtdm_apic_write(msi->addr, msi->data);
    } else {
        imq_mem_write(&address_space_memory, msi->addr, &data, 4);
    }
}

/*
 * A function of QEMU's own with ATS has its device-TLB in a listener of
 * DEVIOTLB_UNMAP (or none), which is done when it returns. Nobody answers
 * for a function that is not there: the invalidation will time out.
 */
static void send_ats_invalidate(VtdModel *s, const ImAtsInv *inv)
{
    PCIDevice *dev;

    trace_im_vtd_ats_invalidate(inv->rid,
                                pasid_of(inv->has_pasid, inv->pasid),
                                inv->addr, inv->lg2size, inv->itag,
                                inv->global);
    if (pci_pasid_send_ats_invalidate(s, inv)) {
        return;
    }
    dev = pci_pasid_find_device(s->root, inv->rid);
    if (!dev || !pci_is_express(dev) ||
        !pcie_find_capability(dev, PCI_EXT_CAP_ID_ATS)) {
        return;
    }
    if (!inv->has_pasid) {
        vtdm_fns_unmap(s, &(ImUnmap) {
            .addr = inv->addr, .rid = inv->rid, .has_rid = true,
            .mask = inv->lg2size >= 64 ? UINT64_MAX
                                       : (1ull << inv->lg2size) - 1,
            .device_tlb = true });
    }
    vtdm_enter(s);
    im_vtd_ats_inv_done(s->vtd, inv->rid, 1u << inv->itag);
    vtdm_leave(s);
}

static void send_one(VtdModel *s, const VtdmMsg *m)
{
    switch (m->kind) {
    case VTDM_MSI:
        send_msi(&m->msi);
        break;
    case VTDM_ATS_INV:
        send_ats_invalidate(s, &m->inv);
        break;
    case VTDM_PAGE_RESP:
        pci_pasid_send_page_response(s, &m->resp);
        break;
    case VTDM_UNMAP:
        vtdm_fns_unmap(s, &m->unmap);
        break;
    }
}

/* Take what is in the outbox; false: it was empty. */
static bool take(VtdModel *s, GArray *batch, bool *mode, bool *iec)
{
    vtdm_enter(s);
    *mode = s->mode_changed;
    *iec = s->iec_changed;
    s->mode_changed = s->iec_changed = false;
    g_array_set_size(batch, 0);
    if (s->outbox->len) {
        g_array_append_vals(batch, s->outbox->data, s->outbox->len);
        g_array_set_size(s->outbox, 0);
    }
    qemu_mutex_unlock(&s->lock);
    return *mode || *iec || batch->len;
}

/*
 * Sending may end in the model again (a completion, a register write by a
 * peer): what that posts is sent by the outer round, in order.
 */
void vtdm_send(void *opaque)
{
    VtdModel *s = opaque;
    g_autoptr(GArray) batch = NULL;
    bool mode, iec;

    assert(bql_locked());
    if (s->sending) {
        return;
    }
    s->sending = true;
    batch = g_array_new(false, false, sizeof(VtdmMsg));
    while (take(s, batch, &mode, &iec)) {
        if (mode) {
            vtdm_fns_switch(s);
        }
        if (iec) {
            x86_iommu_iec_notify_all(X86_IOMMU_DEVICE(s), true, 0, 0);
        }
        for (unsigned i = 0; i < batch->len; i++) {
            send_one(s, &g_array_index(batch, VtdmMsg, i));
        }
    }
    s->sending = false;
}

void vtdm_leave(VtdModel *s)
{
    bool any = s->outbox->len || s->mode_changed || s->iec_changed;

    qemu_mutex_unlock(&s->lock);
    if (!any) {
        return;
    }
    if (bql_locked()) {
        vtdm_send(s);
    } else {
        qemu_bh_schedule(s->bh);
    }
}
