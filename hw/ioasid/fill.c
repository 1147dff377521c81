/*
 * Maps that are filled while devices wait, as in post-copy: a device's page
 * request, or a request that can wait, goes to who fills the map.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/fault.h"
#include "hw/ioasid/owner.h"
#include "hw/ioasid/route.h"

/* Handles of requests that wait, unlike those of an IOMMU that stands before
 * the backend. */
#define HANDLE_BIT  (UINT64_C(1) << 62)

static IoSpace *io_fill_root(const IoBind *b)
{
    IoSpace *root = im_ioasid_root(b->space);

    return root && (root->flags & IMU_SPACE_FILL) ? root : NULL;
}

bool im_iofill_wants(const IoBind *b)
{
    return io_fill_root(b);
}

/* What is there with fewer rights, or must not be there, is not his to
 * bring. */
static bool io_fill_brings(const IoSpace *root, const ImIoasidMiss *m)
{
    const ImRanges *allowed = &root->map->allowed;

    return m->stage == IM_IOASID_STAGE_MAP &&
           (m->code == IO_FLT_UNMAPPED || m->code == IO_FLT_TABLE_UNMAPPED ||
            m->code == IO_FLT_CD_FETCH) &&
           (!allowed->count || im_ranges_meet(allowed, m->addr, m->addr));
}

/* --- a request meets what is not there ----------------------------------- */

/* A request that waits counts as a group. */
static bool io_fill_has_credit(const ImIoasid *h, const IoBind *b)
{
    return b->dev->groups < b->host->cfg.pri_credit &&
           b->dev->obj.set->groups < h->cfg.pri_set_limit &&
           !im_ioasid_full_level(b->dev->obj.set->ctx->owner, IM_IOASID_GROUPS,
                                 1);
}

static bool io_fill_stall(IoRoute *r, const IoSpace *root,
                          const ImIoasidMiss *m)
{
    const IoPage page = {
        .addr = m->addr & ~UINT64_C(0xfff),
        .request = r->txn->addr,
        .perm = m->perm,
        .miss = *m,
    };
    ImIoasid *h = r->h;
    IoBind *b = r->bind ? r->bind : r->view->bind;
    IoGroup *g;

    if (!h->port.iommu.resume || !io_fill_has_credit(h, b)) {
        return false;
    }
    g = im_iogroup_stall(h, b, root->faultq, &page);
    if (!g) {
        return false;
    }
    g->has_pasid = r->has_pasid;
    g->pasid = r->has_pasid ? r->pasid : 0;
    g->gpasid = b->pasid ? b->pasid->gpasid : g->pasid;
    g->txn = *r->txn;
    g->handle = h->waits_again ? h->waits_again : HANDLE_BIT | ++h->waits;
    r->handle = g->handle;
    r->out.status = IM_PENDING;
    r->out.perm = 0;
    return true;
}

IM_RULE(IOASID_FILL);
bool im_ioasid_fill(IoRoute *r, const ImIoasidMiss *m)
{
    const IoBind *b = r->bind ? r->bind : r->view->bind;
    const IoSpace *root = io_fill_root(b);

    if (!root || r->ex || !io_fill_brings(root, m)) {
        return false;
    }
    *im_ioasid_miss_of(r) = *m;
    if (r->kind == IO_TRANSLATION) {
        *im_ioasid_miss_of(r) = (ImIoasidMiss) { 0 };   /* not refused */
        r->out.addr = r->txn->addr;     /* it may ask for the page */
        return im_route_refuse(&r->out, IM_OK, IM_CPL_SC);
    }
    return r->txn->may_stall && io_fill_stall(r, root, m);
}

/* --- answers ------------------------------------------------------------- */

void im_iofill_resume(ImIoasid *h, const IoGroup *g, const ImIoasidMiss *m,
                      ImPageRespCode code)
{
    const ImIoasidDevice *cfg = &g->bind->host->cfg;
    ImXlat x;

    if (code == IM_PAGE_RESP_SUCCESS) {
        h->waits_again = g->handle;
        im_ioasid_translate_as(h, cfg->func, g->has_pasid, g->pasid, &g->txn,
                               &x);
        h->waits_again = 0;
    } else {
        x = im_ioasid_terminate(h, cfg->func, g->has_pasid, g->pasid, &g->txn,
                                m);
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

/* Once any page lacks something, those alone are told that do. */
void im_iofill_sort(ImIoasid *h, IoGroup *g)
{
    const IoSpace *root = io_fill_root(g->bind);

    for (ImLink *l = root ? g->pages.head : NULL; l && !g->host; l = l->next) {
        g->host = io_fill_brings(root, &IM_LINK_OF(l, IoPage, link)->miss);
    }
    if (!g->host) {
        return;
    }
    g->queue = root->faultq;
    for (ImLink *l = g->pages.head, *next; l; l = next) {
        IoPage *page = IM_LINK_OF(l, IoPage, link);

        next = l->next;
        if (io_fill_brings(root, &page->miss)) {
            page->addr = page->miss.addr & ~UINT64_C(0xfff);
            page->perm = page->miss.perm;
        } else {
            im_fifo_out(&g->pages, &page->link);
            im_ioasid_release(h, page, sizeof(*page));
            g->count--;
        }
    }
}
