/*
 * One endpoint under every IOMMU: what it sends goes to the upward port and
 * nowhere else, so that the same function, unchanged, runs under any of them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/iommu.h"
#include "lib/smmu_world.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"
#include "tests/unit/pcie/upstream.h"

#define DEST UINT64_C(0x300000000)      /* memory for what is mapped later */
#define WORD UINT64_C(0x1122334455667788)

typedef struct Bus {
    Iommu u;
    Up up;              /* its endpoint alone is used */
    unsigned delivered; /* of the rig's log */
} Bus;

/* --- from the function to the IOMMU ---------------------------------------- */

static ImTxn bus_txn(const Bus *b, const ImTxn *txn)
{
    ImTxn t = *txn;

    t.rid = b->u.rid;
    return t;
}

static ImStatus bus_dma(void *host, const ImTxn *txn,
                        bool has_rid G_GNUC_UNUSED, void *buf, ImCpl *cpl,
                        uint64_t *handle G_GNUC_UNUSED)
{
    Bus *b = host;
    ImTxn t = bus_txn(b, txn);
    ImXlat x = iommu_translate(&b->u, &t);
    uint64_t *word = buf;

    *cpl = (ImCpl)x.cpl;
    g_assert_cmpuint(t.len % 8, ==, 0);
    for (unsigned i = 0; x.status == IM_OK && i < t.len / 8; i++) {
        if (t.access == IM_WRITE) {
            rig_w64(b->u.rig, x.addr + 8 * i, word[i]);
        } else {
            word[i] = rig_r64(b->u.rig, x.addr + 8 * i);
        }
    }
    return (ImStatus)x.status;
}

static ImXlat bus_ats(void *host, const ImTxn *txn, bool has_rid G_GNUC_UNUSED)
{
    Bus *b = host;
    ImTxn t = bus_txn(b, txn);

    return iommu_translate(&b->u, &t);
}

static void bus_page_request(void *host, const ImPageReq *req)
{
    Bus *b = host;
    ImPageReq q = *req;

    q.rid = b->u.rid;
    iommu_page_request(&b->u, &q);
}

static void bus_inv_done(void *host, uint32_t itags, unsigned cc)
{
    Rig *r = ((Bus *)host)->u.rig;

    r->ops->ats_inv_done(r->iommu, ((Bus *)host)->u.rid, itags, cc);
}

static void bus_msi(void *host G_GNUC_UNUSED, unsigned vector G_GNUC_UNUSED)
{
}

static void bus_kick(void *host)
{
    ((Bus *)host)->up.kicked = true;
}

static uint64_t bus_now(void *host)
{
    return ((Bus *)host)->u.rig->now;
}

static void bus_deadline(void *host, uint64_t when)
{
    ((Bus *)host)->up.deadline = when;
}

/* --- and back: until nobody has anything left to do ------------------------ */

static void settle(Bus *b)
{
    Rig *r = b->u.rig;

    while (b->up.kicked || b->delivered < r->log->len) {
        if (b->delivered < r->log->len) {
            RigLog e = g_array_index(r->log, RigLog, b->delivered++);

            if (e.kind == RIG_SEEN_ATS_INV) {
                im_ep_ats_invalidate(b->up.ep, &e.inv);
            } else if (e.kind == RIG_SEEN_PAGE_RESP) {
                im_ep_page_response(b->up.ep, &e.resp);
            }
        } else {
            b->up.kicked = im_ep_run(b->up.ep);
        }
    }
}

typedef struct Place {
    const char *name;
    const IommuOps *op;
    unsigned kind;
} Place;

static Bus *bus_new(const Place *place)
{
    static const ImEpPort port = {
        .size = sizeof(ImEpPort),
        .dma = bus_dma,
        .ats = bus_ats,
        .page_request = bus_page_request,
        .ats_inv_done = bus_inv_done,
        .msi = bus_msi,
        .kick = bus_kick,
        .now = bus_now,
        .deadline = bus_deadline,
    };
    Bus *b = g_new0(Bus, 1);

    b->u.op = place->op;
    b->u.kind = place->kind;
    place->op->start(&b->u, true);
    b->delivered = b->u.rig->log->len;
    b->up.ep = im_ep_new(&IM_EP_CONFIG_DEFAULT, &port, b, NULL);
    up_enable(&b->up, 32);
    return b;
}

static void bus_free(Bus *b)
{
    im_ep_free(b->up.ep);
    b->u.op->stop(&b->u);
    g_free(b);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bus, bus_free)

/* Copy 64 bytes from the page that is mapped to the next one. */
static unsigned copy(Bus *b, unsigned mode)
{
    UpOp op = { PASID_EP_OP_COPY, mode, b->u.iova, b->u.iova + 0x1000, 64, 0,
                b->u.pasid,       0 };

    rig_w64(b->u.rig, b->u.pa, WORD);
    rig_w64(b->u.rig, DEST, 0);
    up_start(&b->up, 0, &op);
    settle(b);
    return up_state(&b->up, 0);
}

/* --- scenarios ------------------------------------------------------------- */

static void untranslated(const void *data)
{
    g_autoptr(Bus) b = bus_new(data);

    b->u.op->map(&b->u, b->u.iova + 0x1000, DEST, true);
    g_assert_cmpuint(copy(b, PASID_EP_MODE_UNTRANSLATED), ==,
                     PASID_EP_STATE_OK);
    g_assert_cmphex(rig_r64(b->u.rig, DEST), ==, WORD);
    g_assert_cmpuint(up_r(&b->up, PASID_EP_ATC_USED), ==, 0);
}

static void refused(const void *data)
{
    g_autoptr(Bus) b = bus_new(data);

    g_assert_cmpuint(copy(b, PASID_EP_MODE_UNTRANSLATED), !=,
                     PASID_EP_STATE_OK);
    g_assert_cmphex(rig_r64(b->u.rig, DEST), ==, 0);
    g_assert_cmpuint(b->u.op->faults(&b->u), ==, 1);
    g_assert_cmphex(b->u.op->fault(&b->u).page, ==, b->u.iova + 0x1000);
}

/* What is cached at the function serves until it is invalidated there. */
static void cached_and_invalidated(const void *data)
{
    g_autoptr(Bus) b = bus_new(data);

    b->u.op->map(&b->u, b->u.iova + 0x1000, DEST, true);
    g_assert_cmpuint(copy(b, PASID_EP_MODE_ATS), ==, PASID_EP_STATE_OK);
    g_assert_cmphex(rig_r64(b->u.rig, DEST), ==, WORD);
    g_assert_cmpuint(up_r(&b->up, PASID_EP_ATC_USED), ==, 2);
    b->u.op->unmap(&b->u, b->u.iova + 0x1000);
    b->u.op->invalidate(&b->u, b->u.iova + 0x1000);
    g_assert_cmpuint(copy(b, PASID_EP_MODE_ATS), ==, PASID_EP_STATE_OK);
    b->u.op->atc_invalidate(&b->u, b->u.iova + 0x1000);
    g_assert_false(b->u.op->atc_complete(&b->u));
    settle(b);
    g_assert_true(b->u.op->atc_complete(&b->u));
    g_assert_cmpuint(up_r(&b->up, PASID_EP_ATC_USED), ==, 1);
    g_assert_cmpuint(copy(b, PASID_EP_MODE_ATS), !=, PASID_EP_STATE_OK);
    g_assert_cmphex(rig_r64(b->u.rig, DEST), ==, 0);
}

/* A page that is not there is asked for, made, and used. */
static void page_is_made(const void *data)
{
    g_autoptr(Bus) b = bus_new(data);
    ImPageReq q;

    g_assert_cmpuint(copy(b, PASID_EP_MODE_AUTO), ==, PASID_EP_STATE_WAIT_PAGE);
    g_assert_cmpuint(b->u.op->requests(&b->u), ==, 1);
    q = b->u.op->request(&b->u);
    g_assert_cmphex(q.addr, ==, b->u.iova + 0x1000);
    g_assert_true(q.write && q.last);
    b->u.op->map(&b->u, q.addr, DEST, true);
    b->u.op->respond(&b->u, &q, true);
    settle(b);
    g_assert_cmpuint(up_state(&b->up, 0), ==, PASID_EP_STATE_OK);
    g_assert_cmphex(rig_r64(b->u.rig, DEST), ==, WORD);
    g_assert_cmpuint(b->u.op->faults(&b->u), ==, 0);
}

static void page_is_refused(const void *data)
{
    g_autoptr(Bus) b = bus_new(data);
    ImPageReq q;

    copy(b, PASID_EP_MODE_AUTO);
    q = b->u.op->request(&b->u);
    b->u.op->respond(&b->u, &q, false);
    settle(b);
    g_assert_cmpuint(up_state(&b->up, 0), ==, PASID_EP_STATE_ERROR);
    g_assert_cmphex(rig_r64(b->u.rig, DEST), ==, 0);
}

int main(int argc, char **argv)
{
    static const Place places[] = {
        { "vtd-first", &iommu_vtd, W_FS },
        { "vtd-second", &iommu_vtd, W_SS },
        { "vtd-nested", &iommu_vtd, W_NESTED },
        { "smmu-stage-1", &iommu_smmu, SW_S1 },
        { "smmu-nested", &iommu_smmu, SW_NESTED },
        { "tiny", &iommu_tiny, 0 },
    };

    g_test_init(&argc, &argv, NULL);
    spec_rows(PCIE_AT_FIELD, places, "untranslated", untranslated);
    spec_rows(PCIE_AT_FIELD, places, "refused", refused);
    spec_rows(PCIE_INV_COMPLETION, places, "invalidated",
              cached_and_invalidated);
    spec_rows(PCIE_PRI_RESPONSE, places, "page-is-made", page_is_made);
    spec_rows(PCIE_PRI_CODE, places, "page-is-refused", page_is_refused);
    return g_test_run();
}
