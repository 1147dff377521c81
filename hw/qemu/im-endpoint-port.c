/*
 * pasid-endpoint: what the model asks of the emulator, and its host.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/pci/msi.h"
#include "hw/pci/msix.h"
#include "qemu/main-loop.h"
#include "im-endpoint-int.h"
#include "trace.h"

static ImStatus ep_port_dma(void *host, const ImTxn *txn, bool has_rid,
                            void *buf, ImCpl *cpl, uint64_t *handle)
{
    return pci_pasid_dma(host, txn, has_rid, buf, cpl, handle);
}

static ImXlat ep_port_ats(void *host, const ImTxn *txn, bool has_rid)
{
    return pci_pasid_ats(host, txn, has_rid);
}

static void ep_port_page_request(void *host, const ImPageReq *req)
{
    pci_pasid_page_request(host, req);
}

static void ep_port_ats_inv_done(void *host, uint32_t itag_vector, unsigned cc)
{
    pci_pasid_ats_inv_done(host, itag_vector, cc);
}

static void ep_port_msi(void *host, unsigned vector)
{
    PCIDevice *dev = host;

    trace_pasid_endpoint_msi(dev->name, vector);
    if (msix_enabled(dev)) {
        if (vector < dev->msix_entries_nr) {
            msix_notify(dev, vector);
        }
    } else if (msi_enabled(dev)) {
        /* the guest may have granted fewer than we have: share them */
        msi_notify(dev, vector % msi_nr_vectors_allocated(dev));
    }
}

static void ep_port_kick(void *host)
{
    PasidEndpoint *s = host;

    qemu_bh_schedule(s->bh);
}

static uint64_t ep_port_now(void *host)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void ep_port_deadline(void *host, uint64_t when)
{
    PasidEndpoint *s = host;

    if (when == IM_NEVER) {
        timer_del(s->timer);
    } else {
        timer_mod_ns(s->timer, MIN(when, INT64_MAX));
    }
}

static void ep_port_event(void *host, const ImEvent *ev)
{
    PCIDevice *dev = host;

    trace_pasid_endpoint_event(dev->name, ev->kind, ev->name ?: "", ev->arg[0],
                               ev->arg[1], ev->arg[2], ev->arg[3]);
}

/* What devices without any knowledge of IOMMUs call. */
static ImStatus ep_port_plain(void *host, uint64_t addr, void *buf, size_t len,
                              bool write)
{
    MemTxResult r = write ? pci_dma_write(host, addr, buf, len) :
                            pci_dma_read(host, addr, buf, len);

    return r == MEMTX_OK ? IM_OK : IM_FAULT;
}

static const ImEpPort ep_port = {
    .size = sizeof(ImEpPort),
    .dma = ep_port_dma,
    .ats = ep_port_ats,
    .page_request = ep_port_page_request,
    .ats_inv_done = ep_port_ats_inv_done,
    .msi = ep_port_msi,
    .kick = ep_port_kick,
    .now = ep_port_now,
    .deadline = ep_port_deadline,
    .event = ep_port_event,
    .plain = ep_port_plain,
};

ImEpPort im_endpoint_port(const PasidEndpoint *s)
{
    ImEpPort port = ep_port;

    if (s->host) {
        /* that way leads to the IOMMU of the bus */
        port.plain = NULL;
    }
    return port;
}

/* --- a function that a host assigned ------------------------------------ */

bool im_endpoint_assign(PasidEndpoint *s, Error **errp)
{
    const ImEpConfig *c = &s->cfg;
    ImIoasidDevice d = {
        .func = s->host_rid,
        .caps = (c->pasid ? IMU_DEV_CAP_PASID : 0) |
                (c->ats ? IMU_DEV_CAP_ATS : 0) |
                (c->pri ? IMU_DEV_CAP_PRI : 0) |
                (c->pasid_exec ? IMU_DEV_CAP_EXEC : 0) |
                (c->pasid_priv ? IMU_DEV_CAP_PRIV : 0),
        .pri_credit = c->pri ? c->pri_capacity : 0,
        .pasid_bits = c->pasid ? c->pasid_bits : 0,
    };

    if (!s->host) {
        return true;
    }
    s->fn = im_ioasid_host_add(s->host, &s->listener, &d, errp);
    return s->fn != NULL;
}
