/*
 * Both halves with an SMMU in front: docs/viommu.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/rig_viommu.h"
#include "lib/smmu_world.h"
#include "lib/spec.h"

typedef struct Flow {
    Vio *x;
    SWorld *w;
} Flow;

static Flow flow_off(const VioConfig *cfg, SwKind kind, bool has_ssid)
{
    ImSmmuConfig smmu = rig_smmu_config();
    VioConfig c = *cfg;
    Flow f;

    c.smmu = c.smmu ? c.smmu : &smmu;
    f.x = vio_new(&c);
    f.w = sw_in(f.x->r, kind, has_ssid, NULL);
    return f;
}

static Flow flow_new(const VioConfig *cfg, SwKind kind, bool has_ssid)
{
    Flow f = flow_off(cfg, kind, has_ssid);

    sw_on(f.w);
    return f;
}

static void flow_free(Flow *f)
{
    vio_free(f->x);
    g_free(f->w);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Flow, flow_free)

static ImXlat dma(Flow *f, ImAt at, ImAccess access)
{
    ImTxn t = sw_txn(f->w, at, access);

    return vio_dma(f->x, 0, &t);
}

static void leads(Flow *f, ImAccess access)
{
    ImXlat x = dma(f, IM_AT_UNTRANSLATED, access);

    g_assert_cmpint(x.status, ==, IM_OK);
    g_assert_cmphex(x.addr, ==, f->w->pa);
}

static const ImViommuCounters *count(const Flow *f)
{
    return im_viommu_counters(f->x->v);
}

/* A command, and what it sets going. */
static void command(Flow *f, Cmd c)
{
    sb_cmd(f->x->r, c);
    vio_pump(f->x);
}

static void synced(Flow *f)
{
    sb_sync(f->x->r);
    vio_pump(f->x);
    g_assert_true(sb_cmdq_empty(f->x->r));
    g_assert_cmpuint(sb_cerror(f->x->r), ==, 0);
}

/* --- every kind of STE, in every mode ----------------------------------- */

typedef struct KindRow {
    const char *name;
    SwKind kind;
    bool has_ssid;
} KindRow;

static const KindRow kinds[] = {
    { "s1", SW_S1, true },
    { "s1-none", SW_S1, false },
    { "s2", SW_S2, false },
    { "nested", SW_NESTED, true },
    { "nested-none", SW_NESTED, false },
    { "bypass", SW_BYPASS, false },
};

static const struct {
    const char *name;
    ImuMapMode mode;
    ImuPool pool;
} modes[] = {
    { "identity", IMU_MODE_IDENTITY, IMU_POOL_DEVICE },
    { "delegated", IMU_MODE_DELEGATED, IMU_POOL_DEVICE },
    { "translate", IMU_MODE_TRANSLATE, IMU_POOL_DEVICE },
    { "global", IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL },
};

static void leads_in_mode(const KindRow *row, unsigned mode)
{
    VioConfig cfg = { .mode = modes[mode].mode, .pool = modes[mode].pool };
    g_auto(Flow) f = flow_new(&cfg, row->kind, row->has_ssid);
    ImXlat x;

    leads(&f, IM_READ);
    leads(&f, IM_WRITE);
    g_assert_cmpuint(count(&f)->binds, ==, 1);
    x = dma(&f, IM_AT_TRANSLATION, IM_READ);
    if (row->kind == SW_BYPASS) {       /* 3.9.1.2 */
        g_assert_cmpint(x.cpl, ==, IM_CPL_UR);
        sw_only_event(f.w, EV_BAD_ATS_TREQ);
        return;
    }
    g_assert_cmpint(x.status, ==, IM_OK);
    g_assert_cmphex(x.addr, ==, f.w->pa);
    g_assert_cmpint(x.perm & 3, ==, 3);
    g_assert_cmpuint(count(&f)->guest_faults + f.x->host_faults, ==, 0);
    sw_no_event(f.w);
}

static void leads_where_the_guest_says(const void *data)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        leads_in_mode(data, i);
    }
}

/* The guest's PASID table is one space, or each of its CDs is. */
static void tables_are_the_guests(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        VioConfig cfg = { .mode = modes[i].mode, .pool = modes[i].pool };
        g_auto(Flow) f = flow_new(&cfg, SW_S1, true);
        uint64_t pa = f.w->pa;

        sw_substream(f.w, 0x92, 0x124, pa + 0x1000);
        leads(&f, IM_READ);
        f.w->ssid = 0x92;
        f.w->pa = pa + 0x1000;
        leads(&f, IM_READ);
        g_assert_cmpuint(count(&f)->binds, ==,
                         modes[i].mode == IMU_MODE_TRANSLATE ? 2 : 1);
    }
}

/* Off, nothing is translated; with GBPA.ABORT nothing passes. */
static void the_unit_is_off(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { 0 }, SW_S1, true);
    uint64_t iova = f.w->iova;

    leads(&f, IM_READ);
    sb_cr0(f.x->r, CR0_SMMUEN, false);
    f.w->iova = f.w->pa;
    leads(&f, IM_READ);
    rig_set32(f.x->r, SR_GBPA, GBPA_UPDATE | GBPA_ABORT);
    g_assert_cmpint(dma(&f, IM_AT_UNTRANSLATED, IM_READ).cpl, ==, IM_CPL_UR);
    g_assert_cmpuint(f.x->host_faults, ==, 0);
    sb_cr0(f.x->r, CR0_SMMUEN, true);
    f.w->iova = iova;
    leads(&f, IM_READ);
    sw_no_event(f.w);
}

/* --- whose fault -------------------------------------------------------- */

static void what_the_guest_lacks(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        VioConfig cfg = { .mode = modes[i].mode, .pool = modes[i].pool };
        g_auto(Flow) f = flow_new(&cfg, SW_NESTED, true);
        ImXlat x;
        Evt e;

        leads(&f, IM_READ);
        f.w->iova += 0x1000;
        x = dma(&f, IM_AT_UNTRANSLATED, IM_READ);
        sx_is_abort(&x, EV_TRANSLATION);
        e = sw_only_event(f.w, EV_TRANSLATION);
        g_assert_cmphex(e.sid, ==, f.w->sid);
        g_assert_cmphex(e.ssid, ==, f.w->ssid);
        g_assert_cmphex(e.addr, ==, f.w->iova);
        g_assert_cmpuint(f.x->host_faults, ==, 0);
    }
}

static void what_the_host_lacks(void)
{
    static const SwKind all[] = { SW_S1, SW_S2, SW_NESTED, SW_BYPASS };

    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        g_auto(Flow) f = flow_new(&(VioConfig) { 0 }, all[i], false);
        ImXlat x;

        leads(&f, IM_READ);
        f.w->iova += 0x1000;
        sw_map(f.w, f.w->iova, UINT64_C(0x123600000));
        f.w->iova = all[i] == SW_BYPASS ? UINT64_C(0x123600000) : f.w->iova;
        x = dma(&f, IM_AT_UNTRANSLATED, IM_READ);
        g_assert_cmpint(x.cpl, ==, IM_CPL_UR);
        sw_no_event(f.w);
        g_assert_cmpuint(f.x->host_faults, ==, 1);
        g_assert_cmpstr(f.x->host_fault, ==, "UNMAPPED");
    }
}

/* Memory that the host has for reading only, below a second stage. */
static void what_the_host_may_only_read(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { 0 }, SW_S2, false);
    ImuMap m = {
        .head.flags = IMU_PROT_READ | IMU_MAP_FIXED,
        .set = f.x->set,
        .space = f.x->ram,
        .user = UINT64_C(0x123600000),
        .iova = UINT64_C(0x123600000),
        .length = 0x1000,
    };

    g_assert_cmpint(VIO(f.x, MAP, &m), ==, 0);
    f.w->iova += 0x1000;
    f.w->pa = m.iova;
    sw_map(f.w, f.w->iova, f.w->pa);
    leads(&f, IM_READ);
    g_assert_cmpint(dma(&f, IM_AT_UNTRANSLATED, IM_WRITE).cpl, ==, IM_CPL_UR);
    g_assert_cmpstr(f.x->host_fault, ==, "WRITE");
    leads(&f, IM_READ);
    g_assert_cmpuint(f.x->host_faults, ==, 1);
    sw_no_event(f.w);
}

/* A page that becomes dirty when it is written is shadowed for reading, until
 * a translation request may write; what stage 2 denies stays denied. */
static void what_is_not_dirty_yet(void)
{
    for (unsigned kind = SW_S2; kind <= SW_NESTED; kind++) {
        g_auto(Flow) f = flow_off(&(VioConfig) { 0 }, (SwKind)kind, false);
        SWorld *w = f.w;
        uint64_t at = sw_s2_desc(w, w->ipa, 3);

        rig_put(f.x->r, w->ste, STE_S2HA, 1);
        rig_put(f.x->r, w->ste, STE_S2HD, 1);
        rig_w64(f.x->r, at, (rig_r64(f.x->r, at) | D_DBM) & ~D_S2W);
        sw_on(w);
        leads(&f, IM_READ);
        g_assert_cmphex(rig_r64(f.x->r, at) & D_S2W, ==, 0);
        g_assert_cmpint(dma(&f, IM_AT_TRANSLATION, IM_READ).perm & 3, ==, 3);
        g_assert_cmphex(rig_r64(f.x->r, at) & D_S2W, !=, 0);
        rig_w64(f.x->r, at, rig_r64(f.x->r, at) & ~(D_DBM | D_S2W));
        command(&f, cmd_tlbi(OP_S12_VMALL, w->vmid, 0, 0, false));
        g_assert_cmpint(dma(&f, IM_AT_TRANSLATION, IM_READ).perm & 3, ==, 1);
        g_assert_cmpuint(f.x->host_faults, ==, 0);
    }
}

/* CD.A=0 is legal to this guest's SMMU, whatever the backend's own is. */
static void judged_by_its_own_smmu(void)
{
    g_auto(Flow) f = flow_off(&(VioConfig) { 0 }, SW_S1, true);
    ImXlat x;

    rig_put(f.x->r, f.w->cd, CD_A, 0);
    sw_on(f.w);
    leads(&f, IM_READ);
    f.w->iova += 0x1000;
    x = dma(&f, IM_AT_UNTRANSLATED, IM_READ);
    sx_is_raz_wi(&x, EV_TRANSLATION);
    sw_only_event(f.w, EV_TRANSLATION);
}

/* --- stalls ------------------------------------------------------------- */

static Flow stalled(ImuMapMode mode, Evt *e)
{
    Flow f = flow_off(&(VioConfig) { .mode = mode }, SW_S1, true);
    ImTxn t;

    rig_put(f.x->r, f.w->cd, CD_S, 1);
    sw_on(f.w);
    leads(&f, IM_READ);
    f.w->iova += 0x1000;
    f.w->pa += 0x1000;
    t = sw_txn(f.w, IM_AT_UNTRANSLATED, IM_WRITE);
    t.may_stall = true;
    g_assert_cmpint(vio_dma(f.x, 0, &t).status, ==, IM_PENDING);
    *e = sw_only_event(f.w, EV_TRANSLATION);
    g_assert_true(e->stall);
    g_assert_cmphex(e->ssid, ==, f.w->ssid);
    g_assert_cmpuint(f.x->resumed->len, ==, 0);
    return f;
}

/* Each time the guest answers: again, what is missing still; then there. */
static void the_guest_resumes(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        Evt e;
        g_auto(Flow) f = stalled(modes[i].mode, &e);
        const ImXlat *x;

        command(&f, cmd_resume(e.sid, e.stag, true, false));
        g_assert_cmpuint(f.x->resumed->len, ==, 0);
        e = sw_only_event(f.w, EV_TRANSLATION);
        sw_map(f.w, f.w->iova, f.w->pa);
        command(&f, cmd_resume(e.sid, e.stag, true, false));
        g_assert_cmpuint(f.x->resumed->len, ==, 1);
        x = &g_array_index(f.x->resumed, ImXlat, 0);
        g_assert_cmpint(x->status, ==, IM_OK);
        g_assert_cmphex(x->addr, ==, f.w->pa);
        leads(&f, IM_WRITE);
        sw_no_event(f.w);
    }
}

static void the_guest_terminates(void)
{
    for (unsigned term = 0; term < 3; term++) {
        Evt e;
        g_auto(Flow) f = stalled(IMU_MODE_TRANSLATE, &e);
        const ImXlat *x;

        if (term == 2) {
            sb_cr0(f.x->r, CR0_SMMUEN, false);
            vio_pump(f.x);
        } else {
            command(&f, term ? cmd_stall_term(e.sid) :
                               cmd_resume(e.sid, e.stag, false, true));
        }
        g_assert_cmpuint(f.x->resumed->len, ==, 1);
        x = &g_array_index(f.x->resumed, ImXlat, 0);
        g_assert_cmpint(x->status, ==, IM_FAULT);
        g_assert_cmpuint(f.x->host_faults, ==, 0);
    }
}

/* --- page requests ------------------------------------------------------ */

static void pages_are_asked_for(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        VioConfig cfg = { .mode = modes[i].mode, .pool = modes[i].pool };
        g_auto(Flow) f = flow_new(&cfg, SW_S1, true);
        ImPageReq req = sw_page_req(f.w);
        const ImPageResp *resp;
        Ppr p;

        req.prgi = 5;
        vio_page_request(f.x, 0, &req);
        g_assert_cmpuint(sb_pprs(f.x->r), ==, 1);
        p = sb_ppr(f.x->r, 0);
        g_assert_cmphex(p.sid, ==, f.w->sid);
        g_assert_cmphex(p.ssid, ==, f.w->ssid);
        g_assert_cmphex(p.prgi, ==, 5);
        command(&f, cmd_pri_resp_ssid(f.w->sid, f.w->ssid, 5, RESP_SUCCESS));
        g_assert_cmpuint(f.x->resps->len, ==, 1);
        resp = &g_array_index(f.x->resps, ImPageResp, 0);
        g_assert_cmpuint(resp->code, ==, IM_PAGE_RESP_SUCCESS);
        g_assert_cmphex(resp->rid, ==, VIO_HOST_FUNC);
        g_assert_cmphex(resp->prgi, ==, 5);
        g_assert_cmpuint(count(&f)->page_responses, ==, 1);
    }
}

/* --- invalidation ------------------------------------------------------- */

/* A command that is too narrow, or of others, and the one that is not. */
static void pages_are_forgotten(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        VioConfig cfg = { .mode = modes[i].mode, .pool = modes[i].pool };
        g_auto(Flow) f = flow_new(&cfg, SW_S1, true);
        SWorld *w = f.w;
        uint64_t page = w->iova & ~UINT64_C(0xfff);

        leads(&f, IM_READ);
        sw_map(w, w->iova, w->pa + 0x1000);
        leads(&f, IM_READ);
        command(&f, cmd_tlbi(OP_NH_VA, w->vmid, w->asid, page + 0x1000, true));
        command(&f, cmd_tlbi(OP_NH_VA, w->vmid, w->asid + 1, page, true));
        command(&f, cmd_tlbi(OP_NH_VA, w->vmid + 1, w->asid, page, true));
        command(&f, cmd_tlbi(OP_NH_ASID, w->vmid, w->asid + 1, 0, true));
        command(&f, cmd_tlbi(OP_NH_ALL, w->vmid + 1, 0, 0, true));
        command(&f, cmd_op(OP_EL2_ALL));
        leads(&f, IM_READ);
        command(&f, cmd_tlbi(OP_NH_VA, w->vmid, w->asid, page, true));
        w->pa += 0x1000;
        leads(&f, IM_READ);
        g_assert_cmpuint(count(&f)->unbinds, ==, 0);
    }
}

/* 3.17: a global page goes with its address, whatever the ASID; not with all
 * of another ASID. */
static void global_pages_are_forgotten(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        VioConfig cfg = { .mode = modes[i].mode, .pool = modes[i].pool };
        g_auto(Flow) f = flow_new(&cfg, SW_S1, true);
        SWorld *w = f.w;
        uint64_t page = w->iova & ~UINT64_C(0xfff);

        sw_s1_map(w, page, w->pa, 12, SB_S1 & ~D_NG);
        leads(&f, IM_READ);
        sw_s1_map(w, page, w->pa + 0x1000, 12, SB_S1 & ~D_NG);
        command(&f, cmd_tlbi(OP_NH_ASID, w->vmid, w->asid + 1, 0, true));
        command(&f, cmd_tlbi(OP_NH_VA, w->vmid + 1, w->asid + 1, page, true));
        leads(&f, IM_READ);
        command(&f, cmd_tlbi(OP_NH_VA, w->vmid, w->asid + 1, page, true));
        w->pa += 0x1000;
        leads(&f, IM_READ);
    }
}

static void shadows_are_dropped(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { 0 }, SW_S2, false);
    SWorld *w = f.w;

    leads(&f, IM_WRITE);
    sw_map(w, w->iova, w->pa + 0x1000);
    command(&f, cmd_tlbi(OP_S2_IPA, w->vmid + 1, 0, w->iova, true));
    leads(&f, IM_WRITE);
    command(&f, cmd_tlbi(OP_S2_IPA, w->vmid, 0, w->iova, true));
    w->pa += 0x1000;
    leads(&f, IM_WRITE);
}

/* A CD is changed: of the guest's table it is read anew, else bound anew. */
static void cds_are_read_anew(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        VioConfig cfg = { .mode = modes[i].mode, .pool = modes[i].pool };
        g_auto(Flow) f = flow_new(&cfg, SW_S1, true);
        SWorld *w = f.w;

        leads(&f, IM_READ);
        sw_substream(w, w->ssid, w->asid + 1, w->pa + 0x1000);
        command(&f, cmd_cfgi_cd(w->sid, w->ssid + 1, true));
        command(&f, cmd_cfgi_cd(w->sid + 1, w->ssid, true));
        leads(&f, IM_READ);
        command(&f, cmd_cfgi_cd(w->sid, w->ssid, true));
        w->pa += 0x1000;
        leads(&f, IM_READ);
        g_assert_cmpuint(count(&f)->unbinds, ==,
                         modes[i].mode == IMU_MODE_TRANSLATE);
    }
}

/* --- device-TLBs and CMD_SYNC ------------------------------------------- */

static void device_tlbs_are_told(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        VioConfig cfg = { .mode = modes[i].mode, .pool = modes[i].pool };
        g_auto(Flow) f = flow_new(&cfg, SW_S1, true);
        SWorld *w = f.w;

        g_assert_cmpint(dma(&f, IM_AT_TRANSLATION, IM_READ).perm, !=, 0);
        f.x->mute = true;
        command(&f, cmd_atc_inv_ssid(w->sid, w->ssid, false, w->iova, 0));
        g_assert_cmpuint(f.x->invs->len, ==, 1);
        g_assert_false(sb_sync(f.x->r));
        f.x->mute = false;
        vio_pump(f.x);
        g_assert_true(sb_cmdq_empty(f.x->r));
        g_assert_cmpuint(count(&f)->ats_completions, ==, 1);
    }
}

/* 7.1: by the model's own clock, and no earlier than the backend's. */
static void device_tlbs_time_out(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { 0 }, SW_S1, true);
    Rig *r = f.x->r;

    dma(&f, IM_AT_TRANSLATION, IM_READ);
    f.x->mute = true;
    command(&f, cmd_atc_inv_ssid(f.w->sid, f.w->ssid, false, f.w->iova, 0));
    g_assert_false(sb_sync(r));
    vio_advance(f.x, r->smmu_cfg.ats_timeout_ns +
                         2 * IM_IOASID_CONFIG_DEFAULT.ats_timeout_ns);
    g_assert_cmpuint(sb_cerror(r), ==, 3);
    g_assert_cmpuint(count(&f)->ats_timeouts, ==, 1);
    sb_gerror_ack(r);
    vio_pump(f.x);
    g_assert_true(sb_cmdq_empty(r));
}

/* What is unbound may be in the device's TLB: it answers first. */
static void syncs_are_held(void)
{
    g_auto(Flow)
        f = flow_new(&(VioConfig) { .mode = IMU_MODE_TRANSLATE }, SW_S1, true);

    g_assert_cmpint(dma(&f, IM_AT_TRANSLATION, IM_READ).perm, !=, 0);
    f.x->mute = true;
    sb_cmd(f.x->r, cmd_cfgi_cd(f.w->sid, f.w->ssid, true));
    g_assert_false(sb_sync(f.x->r));
    vio_pump(f.x);
    g_assert_false(sb_cmdq_empty(f.x->r));
    f.x->mute = false;
    vio_pump(f.x);
    g_assert_true(sb_cmdq_empty(f.x->r));
    synced(&f);
}

/* --- numbers ------------------------------------------------------------ */

/* Two functions with one SubstreamID have two PASIDs on the host's bus, and
 * the guest sees its own. */
static void numbers_are_the_hosts(void)
{
    g_auto(Flow) f = flow_new(&(VioConfig) { .mode = IMU_MODE_TRANSLATE,
                                             .pool = IMU_POOL_GLOBAL },
                              SW_S1, true);
    uint32_t one = 0;
    ImXlat x;

    leads(&f, IM_READ);
    g_assert_true(im_ioasid_host_pasid(f.x->h, VIO_HOST_FUNC, f.w->ssid, &one));
    g_assert_cmphex(one, !=, f.w->ssid);
    f.w->iova += 0x1000;
    x = dma(&f, IM_AT_UNTRANSLATED, IM_READ);
    sx_is_abort(&x, EV_TRANSLATION);
    g_assert_cmphex(sw_only_event(f.w, EV_TRANSLATION).ssid, ==, f.w->ssid);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_rows(VIOMMU_BINDINGS, kinds, "smmu", leads_where_the_guest_says);
    spec_test(VIOMMU_BINDINGS, "smmu/tables", tables_are_the_guests);
    spec_test(VIOMMU_BINDINGS, "smmu/off", the_unit_is_off);
    spec_test(VIOMMU_FAULTS, "smmu/guest", what_the_guest_lacks);
    spec_test(VIOMMU_FAULTS, "smmu/host", what_the_host_lacks);
    spec_test(VIOMMU_SHADOWS, "smmu/read-only", what_the_host_may_only_read);
    spec_test(VIOMMU_SHADOWS, "smmu/not-dirty", what_is_not_dirty_yet);
    spec_test(VIOMMU_FAULTS, "smmu/own-smmu", judged_by_its_own_smmu);
    spec_test(VIOMMU_FAULTS, "smmu/resumed", the_guest_resumes);
    spec_test(VIOMMU_FAULTS, "smmu/terminated", the_guest_terminates);
    spec_test(VIOMMU_PAGE_REQUESTS, "smmu/asked", pages_are_asked_for);
    spec_test(VIOMMU_INVALIDATION, "smmu/page", pages_are_forgotten);
    spec_test(VIOMMU_INVALIDATION, "smmu/global", global_pages_are_forgotten);
    spec_test(VIOMMU_SHADOWS, "smmu/page", shadows_are_dropped);
    spec_test(VIOMMU_INVALIDATION, "smmu/cd", cds_are_read_anew);
    spec_test(VIOMMU_DEVICE_TLBS, "smmu/told", device_tlbs_are_told);
    spec_test(VIOMMU_DEVICE_TLBS, "smmu/time-out", device_tlbs_time_out);
    spec_test(VIOMMU_FENCES, "smmu/held", syncs_are_held);
    spec_test(VIOMMU_PASIDS, "smmu/hidden", numbers_are_the_hosts);
    return g_test_run();
}
