/*
 * What VT-d and SMMUv3 must do alike, and every IOMMU that is plugged in: one
 * table of scenarios, run over each, in every kind of translation.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/iommu.h"
#include "lib/spec.h"
#include "lib/smmu_world.h"
#include "lib/vtd_build.h"

#define FREE    UINT64_C(0x300000000)   /* memory for what is mapped later */

static ImTxn txn(const Iommu *u, ImAt at, ImAccess access)
{
    return (ImTxn) {
        .addr = at == IM_AT_TRANSLATED ? u->pa : u->iova,
        .len = at == IM_AT_TRANSLATION || access == IM_ATOMIC ? 8 : 64,
        .rid = u->rid,
        .pasid = u->has_pasid ? u->pasid : 0,
        .has_pasid = u->has_pasid && at != IM_AT_TRANSLATED,
        .at = (uint8_t)at,
        .access = (uint8_t)access,
    };
}

static ImXlat dma(Iommu *u, ImAccess access, uint64_t addr)
{
    ImTxn t = txn(u, IM_AT_UNTRANSLATED, access);

    t.addr = addr;
    return iommu_translate(u, &t);
}

static ImXlat ats(Iommu *u, uint64_t addr, bool no_write)
{
    ImTxn t = txn(u, IM_AT_TRANSLATION, IM_READ);

    t.addr = addr;
    t.no_write = no_write;
    return iommu_translate(u, &t);
}

static void is_ok(const ImXlat *x, uint64_t addr)
{
    g_assert_cmpuint(x->status, ==, IM_OK);
    g_assert_cmpuint(x->cpl, ==, IM_CPL_SC);
    g_assert_cmphex(x->addr, ==, addr);
}

static void is_refused(Iommu *u, const ImXlat *x, uint64_t addr, bool write)
{
    IommuFault f;

    g_assert_cmpuint(x->status, ==, IM_FAULT);
    g_assert_cmpuint(x->cpl, !=, IM_CPL_SC);
    g_assert_cmpuint(x->perm, ==, 0);
    g_assert_cmpuint(u->op->faults(u), ==, 1);
    f = u->op->fault(u);
    g_assert_cmphex(f.requester, ==, u->rid);
    g_assert_cmpuint(f.has_pasid, ==, u->has_pasid);
    if (u->has_pasid) {
        g_assert_cmphex(f.pasid, ==, u->pasid);
    }
    g_assert_cmpuint(f.write, ==, write);
    g_assert_cmphex(f.page, ==, addr & ~UINT64_C(0xfff));
    g_assert_cmpuint(u->op->faults(u), ==, 0);
}

/* --- requests ----------------------------------------------------------- */

static void read_write(Iommu *u)
{
    static const ImAccess all[] = { IM_READ, IM_WRITE, IM_ATOMIC };

    for (unsigned turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
            ImXlat x = dma(u, all[i], u->iova + 0x678);

            is_ok(&x, u->pa + 0x678);
            g_assert_cmpuint(x.perm & all[i], ==, all[i]);
            g_assert_cmphex(x.mask & 0xfff, ==, 0xfff);
        }
    }
    g_assert_cmpuint(u->op->faults(u), ==, 0);
}

static void write_denied(Iommu *u)
{
    uint64_t at = u->iova + 0x1000;
    ImXlat x;

    u->op->map(u, at, FREE, false);
    x = dma(u, IM_READ, at);
    is_ok(&x, FREE);
    g_assert_cmpuint(x.perm & IM_PERM_W, ==, 0);
    x = dma(u, IM_WRITE, at + 0x40);
    is_refused(u, &x, at, true);
    x = dma(u, IM_READ, at);
    is_ok(&x, FREE);
}

static void unmapped(Iommu *u)
{
    uint64_t at = u->iova + 0x200000;
    ImXlat x = dma(u, IM_READ, at + 0x123);

    is_refused(u, &x, at, false);
    x = dma(u, IM_WRITE, at);
    is_refused(u, &x, at, true);
    u->op->map(u, at, FREE, true);      /* a fault is not cached */
    x = dma(u, IM_WRITE, at);
    is_ok(&x, FREE);
}

static void remapped(Iommu *u)
{
    ImXlat x = dma(u, IM_READ, u->iova);

    is_ok(&x, u->pa);
    u->op->map(u, u->iova, FREE, true);
    u->op->invalidate(u, u->iova);
    x = dma(u, IM_READ, u->iova);
    is_ok(&x, FREE);
    u->op->unmap(u, u->iova);
    u->op->invalidate(u, u->iova);
    x = dma(u, IM_READ, u->iova);
    is_refused(u, &x, u->iova, false);
}

/* A neighbour keeps what it has. */
static void neighbour_stays(Iommu *u)
{
    uint64_t at = u->iova + 0x1000;
    ImXlat x;

    u->op->map(u, at, FREE, true);
    x = dma(u, IM_READ, at);
    is_ok(&x, FREE);
    x = dma(u, IM_READ, u->iova);
    is_ok(&x, u->pa);
    u->op->unmap(u, u->iova);
    u->op->invalidate(u, u->iova);
    x = dma(u, IM_READ, at);
    is_ok(&x, FREE);
    x = dma(u, IM_READ, u->iova);
    is_refused(u, &x, u->iova, false);
}

static void pasids_apart(Iommu *u)
{
    uint32_t other;
    ImTxn t;
    ImXlat x;

    if (!u->has_pasid) {
        return;                 /* substreams are off there */
    }
    other = u->op->space(u, FREE);
    t = txn(u, IM_AT_UNTRANSLATED, IM_WRITE);
    for (unsigned i = 0; i < 4; i++) {
        t.pasid = i & 1 ? other : u->pasid;
        x = iommu_translate(u, &t);
        is_ok(&x, i & 1 ? FREE : u->pa);
    }
    /* an invalidation of the one leaves the other */
    u->op->unmap(u, u->iova);
    u->op->invalidate(u, u->iova);
    t.pasid = other;
    x = iommu_translate(u, &t);
    is_ok(&x, FREE);
    t.pasid = u->pasid;
    x = iommu_translate(u, &t);
    is_refused(u, &x, u->iova, true);
}

static void without_pasid(Iommu *u)
{
    ImTxn t = txn(u, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    t.has_pasid = !u->has_pasid;
    t.pasid = 0x17;
    x = iommu_translate(u, &t);        /* nobody has made a table */
    g_assert_cmpuint(x.status, ==, IM_FAULT);
    g_assert_cmpuint(x.cpl, !=, IM_CPL_SC);
    g_assert_cmpuint(u->op->faults(u), ==, 1);
    u->op->fault(u);
}

static void pasid_out_of_range(Iommu *u)
{
    ImTxn t = txn(u, IM_AT_UNTRANSLATED, IM_READ);
    static const uint32_t far[] = { 1u << 20, 0xfffffff, UINT32_MAX };

    for (unsigned i = 0; i < G_N_ELEMENTS(far); i++) {
        ImXlat x;

        t.has_pasid = true;
        t.pasid = far[i];
        x = iommu_translate(u, &t);
        g_assert_cmpuint(x.status, ==, IM_FAULT);
        g_assert_cmpuint(x.cpl, !=, IM_CPL_SC);
        g_assert_cmpuint(u->op->faults(u), ==, 1);
        u->op->fault(u);
    }
}

/* --- ATS ---------------------------------------------------------------- */

static void ats_translation(Iommu *u)
{
    uint64_t ro = u->iova + 0x1000;
    ImXlat x = ats(u, u->iova, false);

    g_assert_cmpuint(x.status, ==, IM_OK);
    g_assert_cmpuint(x.cpl, ==, IM_CPL_SC);
    g_assert_cmphex(x.addr & ~UINT64_C(0xfff), ==, u->pa);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R | IM_PERM_W);
    g_assert_false(x.untranslated_only);
    u->op->map(u, ro, FREE, false);
    x = ats(u, ro, false);
    g_assert_cmphex(x.addr & ~UINT64_C(0xfff), ==, FREE);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R);
    g_assert_cmpuint(u->op->faults(u), ==, 0);
}

/* What is not there is not granted, and no fault is recorded. */
static void ats_unmapped(Iommu *u)
{
    uint64_t at = u->iova + 0x200000;
    ImXlat x = ats(u, at, false);

    g_assert_cmpuint(x.status, ==, IM_OK);
    g_assert_cmpuint(x.cpl, ==, IM_CPL_SC);
    g_assert_cmpuint(x.perm, ==, 0);
    g_assert_cmpuint(u->op->faults(u), ==, 0);
    u->op->map(u, at, FREE, true);
    x = ats(u, at, true);
    g_assert_cmpuint(x.perm & IM_PERM_R, ==, IM_PERM_R);
    g_assert_cmphex(x.addr & ~UINT64_C(0xfff), ==, FREE);
}

static void translated(Iommu *u)
{
    ImTxn t = txn(u, IM_AT_TRANSLATED, IM_WRITE);
    ImXlat x;

    t.addr = FREE + 0x40;
    x = iommu_translate(u, &t);
    is_ok(&x, FREE + 0x40);
    g_assert_cmpuint(u->op->faults(u), ==, 0);
}

/* --- invalidation of the function's cache ------------------------------- */

static void atc_completes(Iommu *u)
{
    ImAtsInv v;

    rig_log_clear(u->rig);
    u->op->atc_invalidate(u, u->iova);
    g_assert_cmpuint(rig_count(u->rig, RIG_SEEN_ATS_INV), ==, 1);
    v = rig_seen(u->rig, RIG_SEEN_ATS_INV, 0)->inv;
    g_assert_cmphex(v.rid, ==, u->rid);
    g_assert_cmphex(v.addr, ==, u->iova);
    g_assert_cmpuint(v.lg2size, ==, 12);
    g_assert_cmpuint(v.has_pasid, ==, u->has_pasid);
    if (u->has_pasid) {
        g_assert_cmphex(v.pasid, ==, u->pasid);
    }
    g_assert_false(u->op->atc_complete(u));
    iommu_complete(u, &v);
    g_assert_true(u->op->atc_complete(u));
    rig_advance(u->rig, 3 * u->op->atc_timeout(u));
    g_assert_false(u->op->atc_failed(u));
}

static void atc_times_out(Iommu *u)
{
    u->op->atc_invalidate(u, u->iova);
    rig_advance(u->rig, u->op->atc_timeout(u) / 2);
    g_assert_false(u->op->atc_failed(u));
    rig_advance(u->rig, u->op->atc_timeout(u));
    g_assert_true(u->op->atc_failed(u));
    g_assert_false(u->op->atc_complete(u));
    u->op->atc_recover(u);
    g_assert_false(u->op->atc_failed(u));
    atc_completes(u);
}

/* --- page requests ------------------------------------------------------ */

static ImPageReq page_req(const Iommu *u)
{
    return (ImPageReq) {
        .addr = u->iova,
        .rid = u->rid,
        .has_pasid = u->has_pasid,
        .pasid = u->has_pasid ? u->pasid : 0,
        .prgi = 0x155,
        .read = true,
        .write = true,
        .last = true,
    };
}

static void request_response(Iommu *u)
{
    for (unsigned i = 0; i < 200; i++) {        /* around the queue */
        ImPageReq q = page_req(u), seen;
        const ImPageResp *p;

        q.prgi = (uint16_t)i;
        rig_log_clear(u->rig);
        iommu_page_request(u, &q);
        g_assert_cmpuint(u->op->requests(u), ==, 1);
        seen = u->op->request(u);
        g_assert_cmpuint(u->op->requests(u), ==, 0);
        g_assert_cmphex(seen.rid, ==, q.rid);
        g_assert_cmphex(seen.prgi, ==, q.prgi);
        g_assert_cmphex(seen.addr, ==, q.addr);
        g_assert_cmpuint(seen.has_pasid, ==, q.has_pasid);
        g_assert_cmpuint(seen.read && seen.write && seen.last, ==, 1);
        u->op->respond(u, &seen, i & 1);
        g_assert_cmpuint(rig_count(u->rig, RIG_SEEN_PAGE_RESP), ==, 1);
        p = &rig_seen(u->rig, RIG_SEEN_PAGE_RESP, 0)->resp;
        g_assert_cmphex(p->rid, ==, q.rid);
        g_assert_cmphex(p->prgi, ==, q.prgi);
        g_assert_cmphex(p->code, ==,
                        i & 1 ? IM_PAGE_RESP_SUCCESS : IM_PAGE_RESP_INVALID);
        g_assert_cmpuint(p->has_pasid, ==, q.has_pasid);
    }
}

static void page_overflow(Iommu *u)
{
    ImPageReq q = page_req(u);
    unsigned held = 0, n;

    q.last = false;
    while (!u->op->overflow(u) && held < 5000) {
        iommu_page_request(u, &q);
        held++;
    }
    g_assert_true(u->op->overflow(u));
    g_assert_cmpuint(rig_count(u->rig, RIG_SEEN_PAGE_RESP), ==, 0);
    n = u->op->requests(u);
    q.last = true;
    rig_log_clear(u->rig);
    iommu_page_request(u, &q);         /* answered, for nobody will */
    g_assert_cmpuint(u->op->requests(u), ==, n);
    g_assert_cmpuint(rig_count(u->rig, RIG_SEEN_PAGE_RESP), ==, 1);
    g_assert_cmphex(rig_seen(u->rig, RIG_SEEN_PAGE_RESP, 0)->resp.code, ==,
                    IM_PAGE_RESP_SUCCESS);
    u->op->overflow_clear(u);
    g_assert_false(u->op->overflow(u));
    iommu_page_request(u, &q);
    g_assert_cmpuint(u->op->requests(u), ==, 1);
}

/* --- reset -------------------------------------------------------------- */

static void reset(Iommu *u)
{
    ImXlat x = dma(u, IM_READ, u->iova);

    is_ok(&x, u->pa);
    iommu_reset(u);
    x = dma(u, IM_WRITE, u->iova);
    is_ok(&x, u->iova);
    u->op->map(u, u->iova, FREE, true); /* and nothing is remembered */
    u->op->on(u);
    x = dma(u, IM_WRITE, u->iova);
    is_ok(&x, FREE);
}

typedef struct Scenario {
    const char *name;
    void (*run)(Iommu *u);
    ImClause clause[2];
} Scenario;

#define BOTH(v, s)  { IM_CLAUSE(v), IM_CLAUSE(s) }

static const Scenario scenarios[] = {
    { "read-write", read_write, BOTH(VTD_3_6_LEVELS, SMMU_VMSA_AP) },
    { "write-denied", write_denied, BOTH(VTD_FLT_SGN_6, SMMU_VMSA_AP) },
    { "unmapped", unmapped, BOTH(VTD_6_2_4_NO_FAULTING, SMMU_VMSA_INVALID) },
    { "remapped", remapped, BOTH(VTD_DESC_PIOTLB, SMMU_CMD_TLBI_NH_VA) },
    { "neighbour", neighbour_stays,
      BOTH(VTD_DESC_PIOTLB, SMMU_CMD_TLBI_NH_VA) },
    { "pasids-apart", pasids_apart,
      BOTH(VTD_6_2_1_PASID_TAG, SMMU_STE_S1CDMAX) },
    { "without-pasid", without_pasid, BOTH(VTD_3_4_RID_PASID, SMMU_STE_S1DSS) },
    { "pasid-out-of-range", pasid_out_of_range,
      BOTH(VTD_FLT_SCT_7, SMMU_STE_S1CDMAX) },
    { "ats", ats_translation, BOTH(VTD_4_2_3_PERM, SMMU_STE_EATS) },
    { "ats-unmapped", ats_unmapped, BOTH(VTD_4_2_3_PERM, SMMU_STE_EATS) },
    { "translated", translated, BOTH(VTD_4_2_3_TRANSLATED, SMMU_STE_EATS) },
    { "atc-completes", atc_completes,
      BOTH(VTD_DESC_PDEV_TLB, SMMU_CMD_ATC_INV) },
    { "atc-times-out", atc_times_out, BOTH(VTD_IQ_ITE, SMMU_CMD_ATC_TIMEOUT) },
    { "page-request", request_response,
      BOTH(VTD_PRQ_DESCRIPTOR, SMMU_PRIQ_ENTRY) },
    { "page-overflow", page_overflow,
      BOTH(VTD_PRQ_OVERFLOW, SMMU_PRIQ_OVERFLOW) },
    { "reset", reset, BOTH(VTD_REG_GSTS, SMMU_REG_RESET) },
};

typedef struct Case {
    const Scenario *s;
    const IommuOps *op;
    unsigned kind;
    bool pasid;
} Case;

static void run_case(const void *data)
{
    const Case *c = data;
    Iommu u = { .op = c->op, .kind = c->kind };

    c->op->start(&u, c->pasid);
    c->s->run(&u);
    c->op->stop(&u);
}

static void add(const Scenario *s, const IommuOps *op, const char *kind_name,
                unsigned kind, bool pasid)
{
    Case *c = spec_keep(g_new(Case, 1));
    g_autofree char *path = g_strdup_printf("%s/%s@%s%s", op->name, s->name,
                                            kind_name, pasid ? "-pasid" : "");

    *c = (Case) { s, op, kind, pasid };
    if (op == &iommu_tiny) {            /* no specification speaks of it */
        g_autofree char *full = g_strdup_printf("/TINY/%s", path);

        g_test_add_data_func(full, c, run_case);
    } else {
        spec_add(s->clause[op == &iommu_smmu], path, run_case, c);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const IommuOps *op;
        const char *name;
        unsigned kind;
        bool pasid, none;
    } kinds[] = {
        { &iommu_vtd, "first", W_FS, true, true },
        { &iommu_vtd, "second", W_SS, true, true },
        { &iommu_vtd, "nested", W_NESTED, true, true },
        { &iommu_smmu, "stage-1", SW_S1, true, true },
        { &iommu_smmu, "stage-2", SW_S2, false, true },
        { &iommu_smmu, "nested", SW_NESTED, true, true },
        { &iommu_tiny, "table", 0, true, true },
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(scenarios); i++) {
        for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
            if (kinds[k].pasid) {
                add(&scenarios[i], kinds[k].op, kinds[k].name, kinds[k].kind,
                    true);
            }
            if (kinds[k].none) {
                add(&scenarios[i], kinds[k].op, kinds[k].name, kinds[k].kind,
                    false);
            }
        }
    }
    return g_test_run();
}
