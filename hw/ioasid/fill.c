/*
 * Maps that are filled while devices wait, as in post-copy: a device's page
 * request, or a request that can wait, goes to who fills the map.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/fault.h"
#include "hw/ioasid/route.h"

static IoSpace *io_fill_root(const IoBind *b)
{
    IoSpace *root = im_ioasid_root(b->space);

    return root && (root->flags & IMU_SPACE_FILL) ? root : NULL;
}

/* --- a request meets what is not there ----------------------------------- */

/* Before a CD was read there is no view. */
static IoBind *io_fill_bind(const IoRoute *r)
{
    return r->view ? r->view->bind : r->bind;
}

static bool io_fill_stall(IoRoute *r, const IoSpace *root, const IoPage *page)
{
    ImIoasid *h = r->h;
    IoBind *b = io_fill_bind(r);
    IoGroup *g;

    if (!h->port.iommu.resume ||
        b->dev->obj.set->groups >= h->cfg.pri_set_limit) {
        return false;
    }
    g = im_iogroup_stall(h, b, root->faultq, page);
    if (!g) {
        return false;
    }
    g->has_pasid = r->has_pasid;
    g->pasid = r->has_pasid ? r->pasid : 0;
    g->gpasid = b->pasid ? b->pasid->gpasid : g->pasid;
    g->txn = *r->txn;
    g->handle = h->waits_again ? h->waits_again : ++h->waits;
    r->handle = g->handle;
    r->out.status = IM_PENDING;
    r->out.perm = 0;
    return true;
}

IM_RULE(IOASID_FILL);
bool im_ioasid_fill(IoRoute *r, uint64_t addr, bool for_entry, bool for_update)
{
    const IoSpace *root = io_fill_root(io_fill_bind(r));
    IoPage page = {
        .addr = addr & ~UINT64_C(0xfff),
        .perm = !for_entry ? r->need :
                for_update ? IM_PERM_R | IM_PERM_W :
                             IM_PERM_R,
    };

    if (!root || r->ex) {
        return false;
    }
    if (r->kind == IO_TRANSLATION) {
        r->out.addr = r->txn->addr;     /* it may ask for the page */
        return im_route_refuse(&r->out, IM_OK, IM_CPL_SC);
    }
    return r->txn->may_stall && io_fill_stall(r, root, &page);
}

/* --- answers ------------------------------------------------------------- */

void im_iofill_resume(ImIoasid *h, const IoGroup *g, ImPageRespCode code)
{
    const ImIoasidDevice *cfg = &g->bind->host->cfg;
    ImXlat x = { .status = IM_FAULT, .cpl = IM_CPL_UR };

    if (code == IM_PAGE_RESP_SUCCESS) {
        h->waits_again = g->handle;
        im_ioasid_translate_as(h, cfg->func, g->has_pasid, g->pasid, &g->txn,
                               &x);
        h->waits_again = 0;
    }
    if (x.status != IM_PENDING) {
        h->port.iommu.resume(h->opaque, g->handle, &x);
    }
}

static bool io_fill_cancel_in(ImIoasid *h, IoFifo *f, uint64_t handle)
{
    for (ImLink *l = f->head; l; l = l->next) {
        IoGroup *g = IM_LINK_OF(l, IoGroup, in_queue);

        if (g->stall && g->handle == handle) {
            im_iogroup_cancel(h, g);
            return true;
        }
    }
    return false;
}

void im_ioasid_cancel(ImIoasid *h, uint64_t handle)
{
    for (ImLink *l = h->faultqs; l; l = l->next) {
        IoQueue *q = IM_LINK_OF(l, IoQueue, in_host);

        if (io_fill_cancel_in(h, &q->unread, handle) ||
            io_fill_cancel_in(h, &q->read, handle)) {
            im_ioasid_rearm(h);
            return;
        }
    }
}

/* --- page requests ------------------------------------------------------- */

static bool io_fill_lacks(ImIoasid *h, const IoGroup *g, const IoPage *page,
                          ImIoasidMiss *miss)
{
    const ImIoasidDevice *cfg = &g->bind->host->cfg;
    const ImTxn txn = {
        .addr = page->addr,
        .len = 1,
        .rid = (uint16_t)cfg->func,
        .segment = (uint16_t)(cfg->func >> 16),
        .has_pasid = g->has_pasid,
        .pasid = g->pasid,
        .access = page->perm & IM_PERM_W ?
                      page->perm & IM_PERM_R ? IM_ATOMIC : IM_WRITE :
                      IM_READ,
        .exec = page->perm & IM_PERM_X,
        .priv = page->perm & 8,
    };

    return im_ioasid_lacks(h, &txn, miss) && miss->stage == IM_IOASID_STAGE_MAP;
}

/* Once any page lacks something, those alone are told that do. */
void im_iofill_sort(ImIoasid *h, IoGroup *g)
{
    const IoSpace *root = io_fill_root(g->bind);
    ImIoasidMiss miss;

    for (ImLink *l = root ? g->pages.head : NULL; l && !g->host; l = l->next) {
        g->host = io_fill_lacks(h, g, IM_LINK_OF(l, IoPage, link), &miss);
    }
    if (!g->host) {
        return;
    }
    g->queue = root->faultq;
    for (ImLink *l = g->pages.head, *next; l; l = next) {
        IoPage *page = IM_LINK_OF(l, IoPage, link);

        next = l->next;
        if (io_fill_lacks(h, g, page, &miss)) {
            page->addr = miss.addr & ~UINT64_C(0xfff);
            page->perm = miss.perm;
        } else {
            im_fifo_out(&g->pages, &page->link);
            im_ioasid_release(h, page, sizeof(*page));
            g->count--;
        }
    }
}
