/*
 * PASID, ATS and PRI between PCI functions and the IOMMU above them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/pci/pci_bus.h"
#include "qemu/main-loop.h"
#include "pci-pasid.h"
#include "trace.h"

/* A request that the IOMMU parked. */
typedef struct PciPasidParked {
    PciPasidListener *listener;
    PciPasidFn *fn;
    void *iommu;                /* who says when it ends, */
    uint64_t awaited;           /* and by which handle */
    uint64_t handle;            /* as the function knows it */
    ImTxn txn;
    void *buf;
    QLIST_ENTRY(PciPasidParked) next;
} PciPasidParked;

/* Both lists are under the BQL. */
static QLIST_HEAD(, PciPasidListener) listeners =
    QLIST_HEAD_INITIALIZER(listeners);
static QLIST_HEAD(, PciPasidParked) parked = QLIST_HEAD_INITIALIZER(parked);

/*
 * The root decodes nothing itself: its ops are the mark by which a root of
 * ours is known, and what no region of the IOMMU covers is an error.
 */
static bool pci_pasid_root_accepts(void *opaque, hwaddr addr, unsigned size,
                                   bool is_write, MemTxAttrs attrs)
{
    return false;
}

static const MemoryRegionOps pci_pasid_root_ops = {
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1,
               .max_access_size = 8,
               .accepts = pci_pasid_root_accepts },
};

void pci_pasid_fn_init(PciPasidFn *fn, Object *owner, const char *name,
                       const PciPasidIommuOps *ops, void *iommu)
{
    fn->ops = ops;
    fn->opaque = fn->iommu = iommu;
    memory_region_init_io(&fn->root, owner, &pci_pasid_root_ops, fn, name,
                          UINT64_MAX);
    address_space_init(&fn->as, &fn->root, name);
}

static PciPasidListener *pci_pasid_listener_of(PCIDevice *dev)
{
    PciPasidListener *l;

    QLIST_FOREACH(l, &listeners, next)
    {
        if (l->dev == dev) {
            return l;
        }
    }
    return NULL;
}

/* NULL: no IOMMU, or none of ours. */
static PciPasidFn *pci_pasid_fn_of_bus(PCIDevice *dev)
{
    AddressSpace *as = pci_device_iommu_address_space(dev);

    return as->root->ops == &pci_pasid_root_ops ?
               container_of(as->root, PciPasidFn, root) :
               NULL;
}

/*
 * Where a function was plugged it stays, and IOMMUs are there before it does
 * DMA: what was found once is right.
 */
static PciPasidFn *pci_pasid_fn_of(PCIDevice *dev)
{
    PciPasidListener *l = pci_pasid_listener_of(dev);
    PciPasidFn *fn;

    if (l && l->fn) {
        return l->fn;
    }
    fn = pci_pasid_fn_of_bus(dev);
    if (l) {
        l->fn = fn;
    }
    return fn;
}

static uint16_t pci_pasid_rid_of(const PciPasidListener *l, PCIDevice *dev)
{
    return l && l->has_rid ? l->rid : pci_requester_id(dev);
}

void pci_pasid_listen(PciPasidListener *listener)
{
    assert(listener->dev && bql_locked());
    QLIST_INSERT_HEAD(&listeners, listener, next);
}

static void pci_pasid_cancel_parked(PciPasidListener *listener, bool tell)
{
    PciPasidParked *p, *tmp;

    QLIST_FOREACH_SAFE(p, &parked, next, tmp)
    {
        if (p->listener == listener) {
            QLIST_REMOVE(p, next);
            p->fn->ops->cancel(p->fn->opaque, p->awaited);
            if (tell) {
                listener->dma_done(listener->opaque, p->handle, IM_FAULT,
                                   IM_CPL_UR);
            }
            g_free(p);
        }
    }
}

void pci_pasid_cancel(PciPasidListener *listener)
{
    assert(bql_locked());
    pci_pasid_cancel_parked(listener, true);
}

void pci_pasid_unlisten(PciPasidListener *listener)
{
    assert(bql_locked());
    QLIST_REMOVE(listener, next);
    pci_pasid_cancel_parked(listener, false);
}

/* Two functions may have one requester ID below different IOMMUs. */
static PciPasidListener *pci_pasid_listener_at(void *iommu, uint16_t rid)
{
    PciPasidListener *l;

    QLIST_FOREACH(l, &listeners, next)
    {
        PciPasidFn *fn;

        if (l->host == iommu && l->host_rid == rid) {
            return l;
        }
        if (pci_pasid_rid_of(l, l->dev) != rid) {
            continue;
        }
        fn = pci_pasid_fn_of(l->dev);
        if (fn && fn->iommu == iommu) {
            return l;
        }
    }
    return NULL;
}

bool pci_pasid_send_ats_invalidate(void *iommu, const ImAtsInv *inv)
{
    PciPasidListener *l = pci_pasid_listener_at(iommu, inv->rid);

    if (!l || !l->ats_invalidate) {
        return false;
    }
    l->ats_invalidate(l->opaque, inv);
    return true;
}

bool pci_pasid_send_page_response(void *iommu, const ImPageResp *resp)
{
    PciPasidListener *l = pci_pasid_listener_at(iommu, resp->rid);

    if (!l || !l->page_response) {
        return false;
    }
    l->page_response(l->opaque, resp);
    return true;
}

typedef struct FindByRid {
    void *iommu;
    uint16_t rid;
    PCIDevice *found;
} FindByRid;

static void pci_pasid_match_rid(PCIBus *bus, PCIDevice *dev, void *opaque)
{
    FindByRid *f = opaque;
    PciPasidFn *fn = pci_requester_id(dev) == f->rid ? pci_pasid_fn_of(dev) :
                                                       NULL;

    if (fn && fn->iommu == f->iommu) {
        f->found = dev;
    }
}

static void pci_pasid_match_bus(PCIBus *bus, void *opaque)
{
    pci_for_each_device_under_bus(bus, pci_pasid_match_rid, opaque);
}

PCIDevice *pci_pasid_find_device(void *iommu, PCIBus *root, uint16_t rid)
{
    FindByRid f = { .iommu = iommu, .rid = rid };

    pci_for_each_bus(root, pci_pasid_match_bus, &f);
    return f.found;
}

void *pci_pasid_iommu_of(PCIDevice *dev, uint16_t *rid)
{
    PciPasidFn *fn = pci_pasid_fn_of(dev);

    *rid = pci_pasid_rid_of(pci_pasid_listener_of(dev), dev);
    return fn ? fn->iommu : NULL;
}

void *pci_pasid_iommu_of_bus(PCIDevice *dev)
{
    PciPasidFn *fn = pci_pasid_fn_of_bus(dev);

    return fn ? fn->iommu : NULL;
}

bool pci_pasid_has_ecap(PCIDevice *dev, uint16_t id)
{
    unsigned pos = PCI_CONFIG_SPACE_SIZE;

    /* a list may be in any order, but none is longer than the space */
    for (unsigned i = PCI_CONFIG_SPACE_SIZE;
         i < PCIE_CONFIG_SPACE_SIZE && pci_is_express(dev) &&
         pos >= PCI_CONFIG_SPACE_SIZE;
         i += 4) {
        uint32_t head = dev->config_read(dev, pos, 4);

        if (PCI_EXT_CAP_ID(head) == id) {
            return true;
        }
        pos = PCI_EXT_CAP_NEXT(head);
    }
    return false;
}

/* --- requests --------------------------------------------------------- */

static ImStatus pci_pasid_refuse(ImCpl *cpl, ImCpl how)
{
    *cpl = how;
    return IM_FAULT;
}

static ImStatus pci_pasid_access_memory(AddressSpace *as, const ImTxn *txn,
                                        uint64_t addr, void *buf, uint64_t len,
                                        ImCpl *cpl)
{
    MemTxAttrs attrs = { .requester_id = txn->rid };

    if (len && address_space_rw(as, addr, attrs, buf, len,
                                txn->access != IM_READ) != MEMTX_OK) {
        return pci_pasid_refuse(cpl, IM_CPL_UR);
    }
    return IM_OK;
}

/*
 * A fault that is no error for the requester: it reads zeroes, what it
 * writes is ignored.
 */
static ImStatus pci_pasid_as_nothing(const ImTxn *txn, void *buf, uint64_t len,
                                     ImCpl *cpl)
{
    if (txn->access != IM_WRITE) {
        memset(buf, 0, len);
    }
    *cpl = IM_CPL_SC;
    return IM_OK;
}

static bool pci_pasid_is_nothing(const ImXlat *x)
{
    return x->status == IM_FAULT && x->cpl == IM_CPL_SC;
}

/* A translated piece of the request, or all of it: to memory or beyond. */
static ImStatus pci_pasid_deliver(PciPasidFn *fn, const ImTxn *txn,
                                  const ImXlat *x, void *buf, uint64_t len,
                                  ImCpl *cpl)
{
    if (x->interrupt) {
        ImMsi msi = { .addr = x->addr, .rid = txn->rid };

        if (len != 4 || txn->access != IM_WRITE) {
            return pci_pasid_refuse(cpl, IM_CPL_UR);
        }
        msi.data = ldl_le_p(buf);
        if (fn->ops->interrupt(fn->opaque, &msi) != MEMTX_OK) {
            return pci_pasid_refuse(cpl, IM_CPL_UR);
        }
        return IM_OK;
    }
    if (txn->access == IM_ATOMIC) {
        /* the platform below completes no AtomicOp (PCIe 6.15) */
        return pci_pasid_refuse(cpl, IM_CPL_UR);
    }
    return pci_pasid_access_memory(&address_space_memory, txn, x->addr, buf,
                                   len, cpl);
}

static void pci_pasid_await(PciPasidParked *p, uint64_t handle)
{
    p->awaited = handle;
    p->iommu = handle & PCI_PASID_BY_HOST ? p->listener->host : p->fn->iommu;
}

static ImStatus pci_pasid_park(PCIDevice *dev, PciPasidFn *fn, const ImTxn *txn,
                               const ImXlat *x, void *buf, ImCpl *cpl,
                               uint64_t *handle)
{
    PciPasidListener *l = pci_pasid_listener_of(dev);
    PciPasidParked *p;

    if (!l || !l->dma_done) {
        return pci_pasid_refuse(cpl, IM_CPL_UR);
    }
    p = g_new(PciPasidParked, 1);
    *p = (PciPasidParked) {
        .listener = l,
        .fn = fn,
        .handle = x->handle,
        .txn = *txn,
        .buf = buf,
    };
    pci_pasid_await(p, x->handle);
    QLIST_INSERT_HEAD(&parked, p, next);
    *handle = x->handle;
    return IM_PENDING;
}

static PciPasidParked *pci_pasid_parked_by(void *iommu, uint64_t handle)
{
    PciPasidParked *p;

    assert(bql_locked());
    QLIST_FOREACH(p, &parked, next)
    {
        if (p->iommu == iommu && (p->awaited & ~PCI_PASID_BY_HOST) == handle) {
            break;
        }
    }
    return p;
}

void pci_pasid_resume(void *iommu, uint64_t handle, const ImXlat *xlat)
{
    PciPasidParked *p = pci_pasid_parked_by(iommu, handle);
    ImXlat x = *xlat;
    ImStatus status = IM_FAULT;

    if (p && (p->awaited & PCI_PASID_BY_HOST) && p->fn->ops->ended) {
        x = p->fn->ops->ended(p->fn->opaque, &p->txn, xlat);
    }
    if (p && x.status == IM_PENDING) {
        pci_pasid_await(p, x.handle);
    } else if (p) {
        PciPasidListener *l = p->listener;
        ImCpl cpl = x.cpl;

        QLIST_REMOVE(p, next);
        if (pci_pasid_is_nothing(&x)) {
            status = pci_pasid_as_nothing(&p->txn, p->buf, p->txn.len, &cpl);
        } else if (x.status == IM_OK) {
            status = pci_pasid_deliver(p->fn, &p->txn, &x, p->buf, p->txn.len,
                                       &cpl);
        }
        l->dma_done(l->opaque, p->handle, status, cpl);
        g_free(p);
    }
}

static ImStatus pci_pasid_dma_pieces(PCIDevice *dev, PciPasidFn *fn, ImTxn *t,
                                     uint8_t *buf, ImCpl *cpl, uint64_t *handle)
{
    uint64_t left = t->len;

    for (;;) {
        ImXlat x = fn->ops->translate(fn->opaque, t);
        uint64_t n = left;
        ImStatus status;

        if (x.status == IM_PENDING) {
            return pci_pasid_park(dev, fn, t, &x, buf, cpl, handle);
        }
        if (pci_pasid_is_nothing(&x)) {
            /* to the end: the request is within a page */
            return pci_pasid_as_nothing(t, buf, left, cpl);
        }
        if (x.status != IM_OK) {
            return pci_pasid_refuse(cpl, x.cpl);
        }
        if (n && n - 1 > (x.mask & ~t->addr)) {
            n = (x.mask & ~t->addr) + 1;
        }
        status = pci_pasid_deliver(fn, t, &x, buf, n, cpl);
        left -= n;
        if (status != IM_OK || !left) {
            return status;
        }
        buf += n;
        t->addr += n;
        t->len = left;
    }
}

ImStatus pci_pasid_dma(PCIDevice *dev, const ImTxn *txn, bool has_rid,
                       void *buf, ImCpl *cpl, uint64_t *handle)
{
    PciPasidFn *fn = pci_pasid_fn_of(dev);
    PciPasidListener *l = pci_pasid_listener_of(dev);
    ImTxn t = *txn;
    ImStatus status;

    assert(bql_locked());
    *cpl = IM_CPL_SC;
    if (!has_rid) {
        t.rid = pci_pasid_rid_of(l, dev);
    }
    if (!(pci_get_word(dev->config + PCI_COMMAND) & PCI_COMMAND_MASTER)) {
        return pci_pasid_refuse(cpl, IM_CPL_UR);
    }
    if (fn) {
        t.may_stall = l && l->dma_done && t.at == IM_AT_UNTRANSLATED;
        status = pci_pasid_dma_pieces(dev, fn, &t, buf, cpl, handle);
    } else if (t.has_pasid || t.at != IM_AT_UNTRANSLATED ||
               t.access == IM_ATOMIC) {
        status = pci_pasid_refuse(cpl, IM_CPL_UR);
    } else {
        status = pci_pasid_access_memory(pci_get_address_space(dev), &t, t.addr,
                                         buf, t.len, cpl);
    }
    trace_pci_pasid_dma(dev->name, t.rid, t.has_pasid ? (int64_t)t.pasid : -1,
                        txn->addr, txn->len, t.access, t.at, status, *cpl);
    return status;
}

ImXlat pci_pasid_ats(PCIDevice *dev, const ImTxn *txn, bool has_rid)
{
    PciPasidFn *fn = pci_pasid_fn_of(dev);
    ImXlat x = { .status = IM_FAULT, .cpl = IM_CPL_UR };
    ImTxn t = *txn;

    assert(bql_locked());
    if (!has_rid) {
        t.rid = pci_pasid_rid_of(pci_pasid_listener_of(dev), dev);
    }
    t.at = IM_AT_TRANSLATION;
    if (fn && (pci_get_word(dev->config + PCI_COMMAND) & PCI_COMMAND_MASTER)) {
        x = fn->ops->translate(fn->opaque, &t);
    }
    trace_pci_pasid_ats(dev->name, t.rid, t.has_pasid ? (int64_t)t.pasid : -1,
                        t.addr, x.status, x.cpl, x.addr, x.mask, x.perm);
    return x;
}

void pci_pasid_page_request(PCIDevice *dev, const ImPageReq *req)
{
    PciPasidFn *fn = pci_pasid_fn_of(dev);
    ImPageReq r = *req;

    assert(bql_locked());
    r.rid = pci_pasid_rid_of(pci_pasid_listener_of(dev), dev);
    trace_pci_pasid_page_request(dev->name, r.rid,
                                 r.has_pasid ? (int64_t)r.pasid : -1, r.addr,
                                 r.prgi, r.read, r.write, r.last);
    if (fn) {
        /* without an IOMMU nobody answers: the message is lost */
        fn->ops->page_request(fn->opaque, &r);
    }
}

void pci_pasid_ats_inv_done(PCIDevice *dev, uint32_t itag_vector, unsigned cc)
{
    PciPasidFn *fn = pci_pasid_fn_of(dev);
    uint16_t rid = pci_pasid_rid_of(pci_pasid_listener_of(dev), dev);

    assert(bql_locked());
    trace_pci_pasid_ats_inv_done(dev->name, rid, itag_vector);
    if (fn) {
        fn->ops->ats_inv_done(fn->opaque, rid, itag_vector, cc);
    }
}
