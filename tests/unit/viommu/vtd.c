/*
 * Both halves with VT-d in front: docs/viommu.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/rig_viommu.h"
#include "lib/spec.h"
#include "lib/vtd_build.h"
#include "hw/vtd/vtd.h"

#include <errno.h>

typedef struct Flow {
    Vio *x;
    World *w;
} Flow;

static Flow flow_new(const VioConfig *cfg, WorldKind kind, bool has_pasid)
{
    Flow f = { .x = vio_new(cfg) };

    f.w = world_in(f.x->r, kind, has_pasid);
    world_on(f.w);
    return f;
}

static void flow_free(Flow *f)
{
    g_free(f->w);
    vio_free(f->x);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Flow, flow_free)

static ImXlat dma(Flow *f, ImAt at, ImAccess access)
{
    ImTxn t = world_txn(f->w, at, access);

    return vio_dma(f->x, 0, &t);
}

static void leads(Flow *f, ImAccess access)
{
    ImXlat x = dma(f, IM_AT_UNTRANSLATED, access);

    g_assert_cmpint(x.status, ==, IM_OK);
    g_assert_cmphex(x.addr, ==, f->w->hpa);
}

/* --- every kind of table, in every mode --------------------------------- */

typedef struct KindRow {
    const char *name;
    WorldKind kind;
    bool has_pasid;
    VioConfig cfg;
} KindRow;

#define MODES(R, ...)                                                      \
    R("identity", __VA_ARGS__, { .mode = IMU_MODE_IDENTITY })              \
    R("device", __VA_ARGS__, { .mode = IMU_MODE_TRANSLATE })               \
    R("global", __VA_ARGS__, { .mode = IMU_MODE_TRANSLATE,                 \
                               .pool = IMU_POOL_GLOBAL })
#define KIND_ROW(mode, name, kind, pasid, ...)                             \
    { name "/" mode, kind, pasid, __VA_ARGS__ },

static const KindRow kinds[] = {
    MODES(KIND_ROW, "legacy", W_LEGACY, false) MODES(KIND_ROW, "legacy-pass",
                                                     W_LEGACY_PT, false)
        MODES(KIND_ROW, "first", W_FS, true)
            MODES(KIND_ROW, "first-no-pasid", W_FS, false)
                MODES(KIND_ROW, "second", W_SS, true)
                    MODES(KIND_ROW, "nested", W_NESTED, true)
                        MODES(KIND_ROW, "nested-no-pasid", W_NESTED, false)
                            MODES(KIND_ROW, "pass", W_PT, true)
                                MODES(KIND_ROW, "pass-no-pasid", W_PT, false)
};

static void leads_where_the_guest_says(const void *data)
{
    const KindRow *row = data;
    g_auto(Flow) f = flow_new(&row->cfg, row->kind, row->has_pasid);
    const ImViommuCounters *c = im_viommu_counters(f.x->v);
    ImXlat x;

    leads(&f, IM_READ);
    leads(&f, IM_WRITE);
    g_assert_cmpuint(c->binds, ==, 1);
    g_assert_cmpuint(c->guest_faults + c->host_faults, ==, 0);
    g_assert_cmpuint(vb_faults(f.x->r), ==, 0);
    x = dma(&f, IM_AT_TRANSLATION, IM_READ);
    if (row->kind == W_LEGACY_PT) {     /* TT=10b: no ATS */
        g_assert_cmpint(x.cpl, ==, IM_CPL_UR);
        g_assert_cmpuint(vb_fault(f.x->r, 0).reason, ==, VTD_FLT_LCT_5);
        return;
    }
    g_assert_cmpint(x.status, ==, IM_OK);
    g_assert_cmphex(x.addr, ==, f.w->hpa);
    g_assert_cmpint(x.perm & 3, ==, 3);
    g_assert_cmpuint(c->guest_faults + c->host_faults, ==, 0);
}

/* --- whose fault -------------------------------------------------------- */

/* The guest's record is the model's own, and the host hears of nothing. */
static void what_the_guest_lacks(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { 0 }, W_FS, true);
    ImXlat x;

    leads(&f, IM_READ);
    f.w->iova += 0x1000;
    x = dma(&f, IM_AT_UNTRANSLATED, IM_READ);
    g_assert_cmpint(x.status, ==, IM_FAULT);
    g_assert_cmpuint(vb_faults(f.x->r), ==, 1);
    g_assert_cmpuint(vb_fault(f.x->r, 0).reason, ==, VTD_FLT_SFS_2);
    g_assert_cmpuint(vb_fault(f.x->r, 0).pasid, ==, f.w->pasid);
    g_assert_cmpuint(vb_fault(f.x->r, 0).sid, ==, f.w->rid);
    g_assert_cmpuint(f.x->host_faults, ==, 0);
}

/* Its table leads to where there is no memory. */
static void what_the_host_lacks(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { 0 }, W_FS, true);
    ImXlat x;

    world_fs_map(f.w, f.w->iova + 0x1000, UINT64_C(0x123600000), 12, FS_RWU);
    leads(&f, IM_READ);
    f.w->iova += 0x1000;
    x = dma(&f, IM_AT_UNTRANSLATED, IM_READ);
    g_assert_cmpint(x.status, ==, IM_FAULT);
    g_assert_cmpuint(vb_faults(f.x->r), ==, 0);
    g_assert_cmpuint(f.x->host_faults, ==, 1);
    g_assert_cmpstr(f.x->host_fault, ==, "UNMAPPED");
}

/* A set of one PASID, and a guest that chose two. */
static void what_the_quota_lacks(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { .quota = 1 }, W_FS, true);
    uint64_t other = world_pasid_entry(f.w, f.w->rid, 7, f.w->did);
    ImXlat x;

    for (unsigned i = 0; i < 64; i += 8) {
        rig_w64(f.x->r, other + i, rig_r64(f.x->r, f.w->pe + i));
    }
    leads(&f, IM_READ);
    f.w->pasid = 7;
    x = dma(&f, IM_AT_UNTRANSLATED, IM_READ);
    g_assert_cmpint(x.cpl, ==, IM_CPL_UR);
    g_assert_cmpstr(f.x->host_fault, ==, "QUOTA");
    g_assert_cmpuint(vb_faults(f.x->r), ==, 0);
    /* The first goes, and once its number has rested there is room. */
    vb_submit(f.x->r, desc_pasid_cache(PC_PASID, f.w->did, 0x321));
    x = dma(&f, IM_AT_UNTRANSLATED, IM_READ);
    g_assert_cmpint(x.cpl, ==, IM_CPL_UR);
    vio_advance(f.x, 2 * IM_IOASID_CONFIG_DEFAULT.quarantine_ns);
    leads(&f, IM_READ);
}

/* --- page requests ------------------------------------------------------ */

static void answer_is(Flow *f, uint8_t code)
{
    const ImPageResp *resp;

    g_assert_cmpuint(f->x->resps->len, ==, 1);
    resp = &g_array_index(f->x->resps, ImPageResp, 0);
    g_assert_cmpuint(resp->code, ==, code);
    g_assert_cmphex(resp->rid, ==, VIO_HOST_FUNC);
    g_array_set_size(f->x->resps, 0);
}

/* Device, backend, the guest's queue, and back. */
static void pages_are_asked_for(void)
{
    g_auto(Flow)
        f = flow_new(&(VioConfig) { .mode = IMU_MODE_TRANSLATE }, W_FS, true);
    ImPageReq req = world_page_req(f.w);
    Rig *r = f.x->r;

    req.prgi = 5;
    req.last = false;
    vio_page_request(f.x, 0, &req);
    g_assert_cmphex(rig_reg64(r, REG_PQT), ==, 0);     /* not whole yet */
    req.addr += 0x1000;
    req.last = true;
    vio_page_request(f.x, 0, &req);
    g_assert_cmphex(rig_reg64(r, REG_PQT), ==, 2 * 32);
    g_assert_cmphex(rig_get(r, r->prq, 31, 16), ==, f.w->rid);
    g_assert_cmphex(rig_get(r, r->prq, 51, 32), ==, f.w->pasid);
    g_assert_cmpuint(f.x->resps->len, ==, 0);
    vb_submit(r, desc_page_resp(f.w->rid, true, f.w->pasid, 5, 0));
    vio_pump(f.x);
    answer_is(&f, IM_PAGE_RESP_SUCCESS);
    /* An answer to nothing goes to the device, which must judge it. */
    vb_submit(r, desc_page_resp(f.w->rid, true, f.w->pasid, 5, 1));
    vio_pump(f.x);
    answer_is(&f, IM_PAGE_RESP_INVALID);
}

/* What the backend answered by itself is not answered twice. */
static void late_answers(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { 0 }, W_FS, true);
    ImPageReq req = world_page_req(f.w);

    req.prgi = 9;
    req.last = true;
    vio_page_request(f.x, 0, &req);
    vb_submit(f.x->r, desc_pasid_cache(PC_PASID, f.w->did, f.w->pasid));
    vio_pump(f.x);
    answer_is(&f, IM_PAGE_RESP_INVALID);
    vb_submit(f.x->r, desc_page_resp(f.w->rid, true, f.w->pasid, 9, 0));
    vio_pump(f.x);
    g_assert_cmpuint(f.x->resps->len, ==, 0);
    g_assert_cmpuint(im_viommu_counters(f.x->v)->page_responses_late, ==, 1);
}

/* --- invalidation ------------------------------------------------------- */

/* Requests go by what is cached, until the page is invalidated. */
static void pages_are_forgotten(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { 0 }, W_FS, true);
    uint64_t old = f.w->hpa;

    leads(&f, IM_READ);
    world_fs_map(f.w, f.w->iova, old + 0x1000, 12, FS_RWU);
    leads(&f, IM_READ);
    vb_submit(f.x->r, desc_piotlb(PIOTLB_PAGE, f.w->did, f.w->pasid,
                                  f.w->iova + 0x1000, 0, false));
    vb_submit(f.x->r, desc_piotlb(PIOTLB_PAGE, (uint16_t)(f.w->did + 1),
                                  f.w->pasid, f.w->iova, 0, false));
    leads(&f, IM_READ);
    vb_submit(f.x->r, desc_piotlb(PIOTLB_PAGE, f.w->did, f.w->pasid, f.w->iova,
                                  0, false));
    f.w->hpa += 0x1000;
    leads(&f, IM_READ);
}

/* The same of a second stage, which is a shadow. */
static void shadows_are_dropped(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { 0 }, W_SS, true);

    leads(&f, IM_WRITE);
    world_ss_map(f.w, f.w->iova, f.w->hpa + 0x1000, 12, SS_RW);
    leads(&f, IM_WRITE);
    vb_submit(f.x->r, desc_iotlb(IOTLB_PAGE, f.w->did, f.w->iova, 0, false));
    f.w->hpa += 0x1000;
    leads(&f, IM_WRITE);
}

/* A wait is over when the device has answered, in either half. */
static void waits_are_held(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { 0 }, W_FS, true);
    ImXlat x = dma(&f, IM_AT_TRANSLATION, IM_READ);

    g_assert_cmpint(x.perm, !=, 0);
    f.x->mute = true;
    vb_submit(f.x->r, desc_pasid_cache(PC_PASID, f.w->did, f.w->pasid));
    g_assert_false(vb_wait(f.x->r));
    vio_pump(f.x);
    g_assert_cmpuint(f.x->invs->len, ==, 1);
    f.x->mute = false;
    vio_pump(f.x);
    g_assert_cmphex(rig_r32(f.x->r, f.x->r->status), !=, 0);
}

/* The guest's own device-TLB invalidation, answered and not. */
static void device_tlbs_are_told(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { 0 }, W_FS, true);
    Rig *r = f.x->r;

    dma(&f, IM_AT_TRANSLATION, IM_READ);
    vb_submit(r, desc_pdev_tlb(f.w->rid, f.w->pasid, f.w->iova, false, false));
    vio_pump(f.x);
    g_assert_true(vb_wait(r));
    g_assert_cmpuint(im_viommu_counters(f.x->v)->ats_completions, ==, 1);
    f.x->mute = true;
    vb_submit(r, desc_pdev_tlb(f.w->rid, f.w->pasid, f.w->iova, false, false));
    g_assert_false(vb_wait(r));
    vio_advance(f.x, 2 * r->cfg.ats_timeout_ns +
                         2 * IM_IOASID_CONFIG_DEFAULT.ats_timeout_ns);
    g_assert_cmphex(rig_reg32(r, REG_FSTS) & FSTS_ITE, ==, FSTS_ITE);
}

/* --- caching mode ------------------------------------------------------- */

static void bound_when_told(void)
{
    ImVtdConfig cfg = rig_vtd_config();
    g_auto(Flow) f = { 0 };

    cfg.caching_mode = true;
    f = flow_new(&(VioConfig) { .vtd = &cfg, .caching = true }, W_FS, true);
    im_viommu_place(f.x->fn[0], f.w->rid);
    vb_submit(f.x->r, desc_pasid_cache(PC_PASID, f.w->did, f.w->pasid));
    vio_pump(f.x);
    g_assert_cmpuint(im_viommu_counters(f.x->v)->binds, ==, 1);
    leads(&f, IM_READ);
    g_assert_cmpuint(im_viommu_counters(f.x->v)->binds, ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        spec_row(VIOMMU_BINDINGS, kinds[i].name, leads_where_the_guest_says,
                 &kinds[i]);
    }
    spec_test(VIOMMU_FAULTS, "guest", what_the_guest_lacks);
    spec_test(VIOMMU_FAULTS, "host", what_the_host_lacks);
    spec_test(VIOMMU_PASIDS, "quota", what_the_quota_lacks);
    spec_test(VIOMMU_PAGE_REQUESTS, "asked", pages_are_asked_for);
    spec_test(VIOMMU_PAGE_REQUESTS, "late", late_answers);
    spec_test(VIOMMU_INVALIDATION, "page", pages_are_forgotten);
    spec_test(VIOMMU_SHADOWS, "page", shadows_are_dropped);
    spec_test(VIOMMU_FENCES, "held", waits_are_held);
    spec_test(VIOMMU_DEVICE_TLBS, "told", device_tlbs_are_told);
    spec_test(VIOMMU_CACHING, "bound", bound_when_told);
    return g_test_run();
}
