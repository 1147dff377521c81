/*
 * SPDX-License-Identifier: MIT
 */
#include "lib/iommu.h"
#include "lib/smmu_world.h"
#include "lib/vtd_build.h"

static void take(Iommu *u, Rig *rig, void *world)
{
    u->rig = rig;
    u->world = world;
}

/* --- VT-d --------------------------------------------------------------- */

static void vtd_start(Iommu *u, bool has_pasid)
{
    World *w = world_new(NULL, (WorldKind)u->kind, has_pasid);

    take(u, w->r, w);
    u->rid = w->rid;
    u->pasid = w->pasid;
    u->has_pasid = has_pasid;
    u->iova = w->iova;
    u->pa = w->hpa;
}

static void vtd_stop(Iommu *u)
{
    world_free(u->world);
}

static void vtd_on(Iommu *u)
{
    vb_iq_enable(u->rig, true);
    vb_prq_enable(u->rig, 0);
    world_on(u->world);
}

static void vtd_map(Iommu *u, uint64_t iova, uint64_t pa, bool writable)
{
    World *w = u->world;

    if (w->kind == W_SS) {
        world_ss_map(w, iova, pa, 12, writable ? SS_RW : SS_R);
        return;
    }
    if (w->kind == W_NESTED) {
        world_ss_map(w, pa + w->bias, pa, 12, SS_RW);
    }
    world_fs_map(w, iova, pa + w->bias, 12,
                 FS_P | FS_US | (writable ? FS_RW : 0));
}

static void vtd_unmap(Iommu *u, uint64_t iova)
{
    rig_w64(u->rig, world_leaf(u->world, iova), 0);
}

static void vtd_invalidate(Iommu *u, uint64_t iova)
{
    World *w = u->world;

    vb_submit(u->rig,
              w->kind == W_FS ?
                  desc_piotlb(PIOTLB_PAGE, w->did, w->pasid, iova, 0, false) :
              w->kind == W_SS ?
                  desc_iotlb(IOTLB_PAGE, w->did, iova, 0, false) :
                  desc_piotlb(PIOTLB_PASID, w->did, w->pasid, 0, 0, false));
    g_assert_true(vb_wait(u->rig));
}

static uint32_t vtd_space(Iommu *u, uint64_t pa)
{
    World *w = u->world;
    uint32_t keep = w->pasid, pasid = 0x5a5;
    uint64_t fs = w->fs, ss = w->ss;

    w->pasid = pasid;
    if (w->kind == W_SS) {
        w->ss = rig_alloc(w->r, 1, RIG_TABLE);
    } else {
        w->fs = world_table(w);
    }
    vtd_map(u, w->iova, pa, true);
    world_pasid_entry(w, w->rid, pasid, w->kind == W_SS ? 0x99 : w->did);
    w->pasid = keep;
    w->fs = fs;
    w->ss = ss;
    return pasid;
}

static unsigned vtd_faults(Iommu *u)
{
    return vb_faults(u->rig);
}

static IommuFault vtd_fault(Iommu *u)
{
    FaultRec f = vb_fault(u->rig, 0);

    for (unsigned i = 0; i < 8 && !f.f; i++) {
        f = vb_fault(u->rig, i);
    }
    vb_fault_clear(u->rig);
    return (IommuFault) {
        .requester = f.sid,
        .pasid = f.pasid,
        .has_pasid = f.pp,
        .write = f.type == FAULT_WRITE,
        .page = f.fi,
    };
}

static void vtd_atc_invalidate(Iommu *u, uint64_t iova)
{
    World *w = u->world;
    Rig *r = u->rig;

    rig_w32(r, r->status, 0);
    vb_iq_put(r, u->has_pasid ?
                     desc_pdev_tlb(w->rid, w->pasid, iova, false, false) :
                     desc_dev_tlb(w->rid, iova, false));
    vb_submit(r, desc_wait(WAIT_SW, r->status, 0x77));
}

static bool vtd_atc_complete(Iommu *u)
{
    return rig_r32(u->rig, u->rig->status) == 0x77;
}

static bool vtd_atc_failed(Iommu *u)
{
    return rig_reg32(u->rig, REG_FSTS) & FSTS_ITE;
}

static void vtd_atc_recover(Iommu *u)
{
    rig_set32(u->rig, REG_FSTS, FSTS_ITE);
    g_assert_true(vb_wait(u->rig));
}

static uint64_t vtd_atc_timeout(const Iommu *u)
{
    return u->rig->cfg.ats_timeout_ns;
}

static unsigned vtd_requests(Iommu *u)
{
    return (
        unsigned)((rig_reg64(u->rig, REG_PQT) - rig_reg64(u->rig, REG_PQH)) %
                  4096 / 32);
}

static ImPageReq vtd_request(Iommu *u)
{
    uint64_t head = rig_reg64(u->rig, REG_PQH), at = u->rig->prq + head;
    ImPageReq q = {
        .has_pasid = rig_get(u->rig, at, PRD_PP),
        .rid = (uint16_t)rig_get(u->rig, at, PRD_RID),
        .pasid = (uint32_t)rig_get(u->rig, at, PRD_PASID),
        .read = rig_get(u->rig, at, PRD_R),
        .write = rig_get(u->rig, at, PRD_W),
        .last = rig_get(u->rig, at, PRD_LAST),
        .prgi = (uint16_t)rig_get(u->rig, at, PRD_PRGI),
        .addr = rig_get(u->rig, at, PRD_ADDR) << 12,
    };

    rig_set64(u->rig, REG_PQH, (head + 32) % 4096);
    return q;
}

static void vtd_respond(Iommu *u, const ImPageReq *q, bool success)
{
    vb_submit(u->rig, desc_page_resp(q->rid, q->has_pasid, q->pasid, q->prgi,
                                     success ? 0 : 1));
    g_assert_true(vb_wait(u->rig));
}

static bool vtd_overflow(Iommu *u)
{
    return rig_reg32(u->rig, REG_PRS) & PRS_PRO;
}

static void vtd_overflow_clear(Iommu *u)
{
    rig_set64(u->rig, REG_PQH, rig_reg64(u->rig, REG_PQT));
    rig_set32(u->rig, REG_PRS, PRS_PRO | PRS_PPR);
}

/* clang-format off */
const IommuOps iommu_vtd = {
    .name = "vtd", .start = vtd_start, .stop = vtd_stop, .on = vtd_on,
    .map = vtd_map, .unmap = vtd_unmap, .invalidate = vtd_invalidate,
    .space = vtd_space,
    .faults = vtd_faults, .fault = vtd_fault,
    .atc_invalidate = vtd_atc_invalidate, .atc_complete = vtd_atc_complete,
    .atc_failed = vtd_atc_failed, .atc_recover = vtd_atc_recover,
    .atc_timeout = vtd_atc_timeout, .requests = vtd_requests,
    .request = vtd_request, .respond = vtd_respond,
    .overflow = vtd_overflow, .overflow_clear = vtd_overflow_clear,
};
/* clang-format on */

/* --- SMMUv3 ------------------------------------------------------------- */

static void smmu_start(Iommu *u, bool has_pasid)
{
    SWorld *w = sw_new_off(NULL, (SwKind)u->kind, has_pasid, NULL);

    w->cr0 = CR0_ATSCHK;
    if (has_pasid) {            /* a table for requests without as well */
        rig_put(w->r, w->ste, STE_S1DSS, 2);
    }
    sw_on(w);
    take(u, w->r, w);
    u->rid = (uint16_t)w->sid;
    u->pasid = w->ssid;
    u->has_pasid = has_pasid;
    u->iova = w->iova;
    u->pa = w->pa;
}

static void smmu_stop(Iommu *u)
{
    sw_free(u->world);
}

static void smmu_on(Iommu *u)
{
    sw_on(u->world);
}

static void smmu_map(Iommu *u, uint64_t iova, uint64_t pa, bool writable)
{
    SWorld *w = u->world;

    if (w->kind == SW_S2) {
        sw_s2_map(w, iova, pa, 12, writable ? SB_S2 : SB_S2 & ~D_S2W);
        return;
    }
    if (w->kind == SW_NESTED) {
        sw_s2_map(w, pa + w->bias, pa, 12, SB_S2);
    }
    sw_s1_map(w, iova, pa + w->bias, 12, writable ? SB_S1 : SB_S1_RO);
}

static void smmu_unmap(Iommu *u, uint64_t iova)
{
    rig_w64(u->rig, sw_leaf(u->world, iova), 0);
}

static void smmu_invalidate(Iommu *u, uint64_t iova)
{
    SWorld *w = u->world;

    sb_do(u->rig, w->kind == SW_S2 ?
                      cmd_tlbi(OP_S2_IPA, w->vmid, 0, iova, true) :
                      cmd_tlbi(OP_NH_VA, w->vmid, w->asid, iova, true));
}

static uint32_t smmu_space(Iommu *u, uint64_t pa)
{
    sw_substream(u->world, 0x5a, 0x99, pa);
    return 0x5a;
}

static unsigned smmu_faults(Iommu *u)
{
    return sb_events(u->rig);
}

static IommuFault smmu_fault(Iommu *u)
{
    Evt e = sb_event(u->rig, 0);

    sb_events_clear(u->rig);
    return (IommuFault) {
        .requester = e.sid,
        .pasid = e.ssid,
        .has_pasid = e.ssv,
        .write = !e.rnw,
        .page = e.addr & ~UINT64_C(0xfff),
    };
}

static void smmu_atc_invalidate(Iommu *u, uint64_t iova)
{
    SWorld *w = u->world;

    sb_cmd_put(u->rig, u->has_pasid ?
                           cmd_atc_inv_ssid(w->sid, w->ssid, false, iova, 0) :
                           cmd_atc_inv(w->sid, iova, 0));
    sb_sync(u->rig);
}

static bool smmu_atc_complete(Iommu *u)
{
    return sb_cmdq_empty(u->rig);
}

static bool smmu_atc_failed(Iommu *u)
{
    return sb_gerror(u->rig) & GERROR_CMDQ_ERR &&
           sb_cerror(u->rig) == CERROR_ATC_INV_SYNC;
}

static void smmu_atc_recover(Iommu *u)
{
    sb_gerror_ack(u->rig);
    g_assert_true(sb_sync(u->rig));
}

static uint64_t smmu_atc_timeout(const Iommu *u)
{
    return u->rig->smmu_cfg.ats_timeout_ns;
}

static unsigned smmu_requests(Iommu *u)
{
    return sb_pprs(u->rig);
}

static ImPageReq smmu_request(Iommu *u)
{
    Ppr p = sb_ppr(u->rig, 0);
    uint32_t mask = (2u << u->rig->sq[2].lg2) - 1;
    uint32_t cons = rig_reg32(u->rig, SR_PRIQ_CONS);

    rig_set32(u->rig, SR_PRIQ_CONS, (cons & Q_OVERFLOW) | ((cons + 1) & mask));
    return (ImPageReq) {
        .rid = (uint16_t)p.sid,
        .segment = (uint16_t)(p.sid >> 16),
        .has_pasid = p.ssv,
        .pasid = p.ssid,
        .read = p.r,
        .write = p.w,
        .last = p.last,
        .prgi = p.prgi,
        .addr = p.addr,
    };
}

static void smmu_respond(Iommu *u, const ImPageReq *q, bool success)
{
    unsigned resp = success ? RESP_SUCCESS : RESP_INVALID;

    sb_do(u->rig, q->has_pasid ?
                      cmd_pri_resp_ssid(q->rid, q->pasid, q->prgi, resp) :
                      cmd_pri_resp(q->rid, q->prgi, resp));
}

static bool smmu_overflow(Iommu *u)
{
    return (rig_reg32(u->rig, SR_PRIQ_PROD) ^ rig_reg32(u->rig, SR_PRIQ_CONS)) &
           Q_OVERFLOW;
}

static void smmu_overflow_clear(Iommu *u)
{
    sb_pprs_clear(u->rig);
}

/* clang-format off */
const IommuOps iommu_smmu = {
    .name = "smmu", .start = smmu_start, .stop = smmu_stop, .on = smmu_on,
    .map = smmu_map, .unmap = smmu_unmap, .invalidate = smmu_invalidate,
    .space = smmu_space,
    .faults = smmu_faults, .fault = smmu_fault,
    .atc_invalidate = smmu_atc_invalidate,
    .atc_complete = smmu_atc_complete, .atc_failed = smmu_atc_failed,
    .atc_recover = smmu_atc_recover, .atc_timeout = smmu_atc_timeout,
    .requests = smmu_requests, .request = smmu_request,
    .respond = smmu_respond, .overflow = smmu_overflow,
    .overflow_clear = smmu_overflow_clear,
};
/* clang-format on */
