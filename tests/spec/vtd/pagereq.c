/*
 * Page requests: 7.4 to 7.8, 6.5.3.1.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define SLOTS   128u            /* PQS=0 */

static void send(World *w, const ImPageReq *q)
{
    im_vtd_page_request(w->r->vtd, q);
}

static uint32_t prs(World *w)
{
    return rig_reg32(w->r, REG_PRS);
}

static void page_event(World *w)
{
    rig_set32(w->r, REG_PEDATA, 0x61);
    rig_set32(w->r, REG_PEADDR, 0xfee02000);
    rig_set32(w->r, REG_PEUADDR, 0x300);
    rig_set32(w->r, REG_PECTL, 0);
}

static const ImPageResp *answer(World *w, unsigned n)
{
    const RigLog *e = rig_seen(w->r, RIG_SEEN_PAGE_RESP, n);

    return e ? &e->resp : NULL;
}

/* --- the descriptor ----------------------------------------------------- */

typedef struct FieldRow {
    const char *name;
    ImPageReq q;
} FieldRow;

static const FieldRow fields[] = {
    { "read", { .read = true, .addr = 0x1000 } },
    { "write", { .write = true, .addr = UINT64_C(0x7ffffffff000) } },
    { "last", { .read = true, .write = true, .last = true, .prgi = 0x1ff } },
    { "privileged", { .read = true, .priv = true, .prgi = 0x0aa } },
    { "execute", { .read = true, .exec = true, .prgi = 0x155 } },
    { "low-bits-dropped", { .read = true, .addr = 0x1fff } },
    { "high-address", { .read = true, .addr = UINT64_C(0xfffffffffffff000) } },
};

static void field_check(const FieldRow *row, bool pasid)
{
    g_autoptr(World) w = world_new(NULL, W_FS, pasid);
    ImPageReq q = row->q;
    uint64_t d = w->r->prq;

    q.rid = w->rid;
    q.has_pasid = pasid;
    q.pasid = pasid ? w->pasid : 0;
    q.priv &= pasid;
    q.exec &= pasid;
    send(w, &q);
    g_assert_cmphex(rig_get(w->r, d, PRD_TYPE), ==, 1);
    g_assert_cmphex(rig_get(w->r, d, PRD_PP), ==, pasid);
    g_assert_cmphex(rig_get(w->r, d, 15, 9), ==, 0);
    g_assert_cmphex(rig_get(w->r, d, PRD_RID), ==, w->rid);
    if (pasid) {
        g_assert_cmphex(rig_get(w->r, d, PRD_PASID), ==, w->pasid);
    }
    g_assert_cmphex(rig_get(w->r, d, PRD_EXE), ==, q.exec);
    g_assert_cmphex(rig_get(w->r, d, PRD_PRIV), ==, q.priv);
    g_assert_cmphex(rig_get(w->r, d, 63, 54), ==, 0);
    g_assert_cmphex(rig_get(w->r, d, PRD_R), ==, q.read);
    g_assert_cmphex(rig_get(w->r, d, PRD_W), ==, q.write);
    g_assert_cmphex(rig_get(w->r, d, PRD_LAST), ==, q.last);
    g_assert_cmphex(rig_get(w->r, d, PRD_PRGI), ==, q.prgi);
    g_assert_cmphex(rig_get(w->r, d, PRD_ADDR), ==, q.addr >> 12);
    g_assert_cmphex(rig_r64(w->r, d + 16), ==, 0);
    g_assert_cmphex(rig_r64(w->r, d + 24), ==, 0);
    g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, 32);
    g_assert_cmphex(prs(w), ==, PRS_PPR);
    g_assert_null(answer(w, 0));
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
}

static void field_row(const void *data)
{
    field_check(data, true);
    field_check(data, false);
}

static void pasid_20_bits(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    world_pasid_entry(w, w->rid, 0xfedcb, w->did);
    world_on(w);
    q.pasid = 0xfedcb;
    send(w, &q);
    g_assert_cmphex(rig_get(w->r, w->r->prq, PRD_PASID), ==, 0xfedcb);
}

/* Any kind of PASID entry will do, as long as it is in order. */
static void every_pgtt(const void *data)
{
    g_autoptr(World)
        w = world_new(NULL, (WorldKind)GPOINTER_TO_UINT(data), true);
    ImPageReq q = world_page_req(w);

    send(w, &q);
    g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, 32);
    g_assert_null(answer(w, 0));
}

static void queue_in_order_and_wraps(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    for (unsigned i = 0; i < 300; i++) {
        uint64_t slot = i % SLOTS * 32;

        q.prgi = i & 0x1ff;
        send(w, &q);
        g_assert_cmphex(rig_get(w->r, w->r->prq + slot, PRD_PRGI), ==, q.prgi);
        g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, (slot + 32) % 4096);
        rig_set64(w->r, REG_PQH, (slot + 32) % 4096);
    }
    g_assert_cmphex(prs(w), ==, PRS_PPR);
}

/* Without PASID there is no privilege and no right to execute. */
static void no_privilege_without_pasid(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, false);
    ImPageReq q = world_page_req(w);

    q.priv = q.exec = true;
    q.pasid = 0x321;
    send(w, &q);
    g_assert_cmphex(rig_get(w->r, w->r->prq, PRD_PP), ==, 0);
    g_assert_cmphex(rig_get(w->r, w->r->prq, PRD_PASID), ==, 0);
    g_assert_cmphex(rig_get(w->r, w->r->prq, PRD_EXE), ==, 0);
    g_assert_cmphex(rig_get(w->r, w->r->prq, PRD_PRIV), ==, 0);
}

/* --- full and overflow -------------------------------------------------- */

static World *full_world(void)
{
    World *w = world_new(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    q.last = false;
    for (unsigned i = 0; i < SLOTS - 1; i++) {
        send(w, &q);
    }
    g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, (SLOTS - 1) * 32);
    g_assert_cmphex(prs(w), ==, PRS_PPR);
    return w;
}

static void full_answers_success(void)
{
    g_autoptr(World) w = full_world();
    ImPageReq q = world_page_req(w);

    send(w, &q);
    g_assert_cmphex(prs(w), ==, PRS_PPR | PRS_PRO);
    g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, (SLOTS - 1) * 32);
    g_assert_nonnull(answer(w, 0));
    g_assert_cmphex(answer(w, 0)->code, ==, IM_PAGE_RESP_SUCCESS);
    g_assert_cmphex(answer(w, 0)->prgi, ==, q.prgi);
    g_assert_cmphex(answer(w, 0)->rid, ==, q.rid);
    g_assert_true(answer(w, 0)->has_pasid);
    g_assert_cmphex(answer(w, 0)->pasid, ==, q.pasid);
    g_assert_cmphex(rig_get(w->r, w->r->prq + (SLOTS - 1) * 32, PRD_TYPE), ==,
                    0);
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
}

static void full_drops_without_last(void)
{
    g_autoptr(World) w = full_world();
    ImPageReq q = world_page_req(w);

    q.last = false;
    send(w, &q);
    g_assert_cmphex(prs(w), ==, PRS_PPR | PRS_PRO);
    g_assert_null(answer(w, 0));
}

/* PRO stays in the way until software clears it, room or not. */
static void overflow_until_cleared(void)
{
    g_autoptr(World) w = full_world();
    ImPageReq q = world_page_req(w);

    send(w, &q);
    rig_set64(w->r, REG_PQH, (SLOTS - 1) * 32);
    send(w, &q);
    g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, (SLOTS - 1) * 32);
    g_assert_cmphex(answer(w, 1)->code, ==, IM_PAGE_RESP_SUCCESS);
    q.last = false;
    send(w, &q);
    g_assert_null(answer(w, 2));
    rig_set32(w->r, REG_PRS, PRS_PRO);
    g_assert_cmphex(prs(w), ==, PRS_PPR);
    send(w, &q);
    g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, 0);
    g_assert_cmphex(rig_get(w->r, w->r->prq + (SLOTS - 1) * 32, PRD_TYPE), ==,
                    1);
}

/* 7.4.1: a table error is one also while PRO is set. */
static void table_fault_before_overflow(void)
{
    g_autoptr(World) w = full_world();
    ImPageReq q = world_page_req(w);

    send(w, &q);
    g_assert_cmphex(prs(w) & PRS_PRO, ==, PRS_PRO);
    q.pasid = 0x7ffff;
    send(w, &q);
    g_assert_cmphex(answer(w, 1)->code, ==, IM_PAGE_RESP_INVALID);
    g_assert_cmpuint(vb_faults(w->r), ==, 1);
    g_assert_cmphex(vb_fault(w->r, 0).reason, ==, 0x51);
}

static void bigger_queue(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    vb_prq_enable(w->r, 2);
    world_on(w);
    q.last = false;
    for (unsigned i = 0; i < 4 * SLOTS - 1; i++) {
        send(w, &q);
        g_assert_cmphex(prs(w), ==, PRS_PPR);
    }
    send(w, &q);
    g_assert_cmphex(prs(w), ==, PRS_PPR | PRS_PRO);
}

/* --- stop markers ------------------------------------------------------- */

static ImPageReq stop_marker(const World *w)
{
    ImPageReq q = world_page_req(w);

    q.read = q.write = false;
    return q;
}

static void marker_is_queued(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImPageReq q = stop_marker(w);

    send(w, &q);
    g_assert_cmphex(rig_get(w->r, w->r->prq, PRD_LRW), ==, 4);
    g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, 32);
    g_assert_null(answer(w, 0));
}

static void marker_dropped_when_full(void)
{
    g_autoptr(World) w = full_world();
    ImPageReq q = stop_marker(w);

    send(w, &q);
    g_assert_null(answer(w, 0));
    g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, (SLOTS - 1) * 32);
    g_assert_cmphex(prs(w), ==, PRS_PPR);       /* silently: no overflow */
}

static void marker_dropped_on_fault(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImPageReq q = stop_marker(w);

    rig_put(w->r, w->pe, PE_P, 0);
    world_on(w);
    send(w, &q);
    g_assert_null(answer(w, 0));
    g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, 0);
}

/* The entry of its PASID is gone: what became of a request with no rights. */
static void marker_row(bool sms, bool last, unsigned recorded)
{
    ImVtdConfig c = rig_vtd_config();

    c.stop_marker = sms;
    g_autoptr(World) w = world_new_off(&c, W_FS, true);
    ImPageReq q = stop_marker(w);

    q.last = last;
    rig_put(w->r, w->pe, PE_P, 0);
    world_on(w);
    send(w, &q);
    g_assert_null(answer(w, 0));
    g_assert_cmpuint(vb_faults(w->r), ==, recorded);
}

/* It is a marker with L=1, and kept quiet with SMS=1. */
static void marker_recorded(void)
{
    marker_row(true, true, 0);
    marker_row(true, false, 1);
    marker_row(false, true, 1);
    marker_row(false, false, 1);
}

/* --- the event ---------------------------------------------------------- */

static void event_once(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    page_event(w);
    send(w, &q);
    send(w, &q);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_seen(w->r, RIG_SEEN_MSI, 0)->msi.addr, ==,
                    UINT64_C(0x300fee02000));
    g_assert_cmphex(rig_seen(w->r, RIG_SEEN_MSI, 0)->msi.data, ==, 0x61);
    rig_set32(w->r, REG_PRS, PRS_PPR);
    g_assert_cmphex(prs(w), ==, 0);
    send(w, &q);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_MSI), ==, 2);
}

static void event_for_overflow(void)
{
    g_autoptr(World) w = full_world();
    ImPageReq q = world_page_req(w);

    page_event(w);
    rig_log_clear(w->r);
    rig_set32(w->r, REG_PRS, PRS_PPR);
    send(w, &q);
    g_assert_cmphex(prs(w), ==, PRS_PRO);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_MSI), ==, 1);
}

static void event_masked(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    page_event(w);
    rig_set32(w->r, REG_PECTL, CTL_IM);
    send(w, &q);
    g_assert_cmphex(rig_reg32(w->r, REG_PECTL), ==, CTL_IM | CTL_IP);
    rig_set32(w->r, REG_PECTL, 0);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_reg32(w->r, REG_PECTL), ==, 0);
}

static void event_serviced(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    page_event(w);
    rig_set32(w->r, REG_PECTL, CTL_IM);
    send(w, &q);
    rig_set32(w->r, REG_PRS, PRS_PPR);
    g_assert_cmphex(rig_reg32(w->r, REG_PECTL), ==, CTL_IM);
    rig_set32(w->r, REG_PECTL, 0);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_MSI), ==, 0);
}

/* The descriptor is there before anybody is told. */
static void event_after_descriptor(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    page_event(w);
    rig_log_clear(w->r);
    send(w, &q);
    g_assert_cmpint(rig_position(w->r, RIG_SEEN_WRITE, 0), >=, 0);
    g_assert_cmpint(rig_position(w->r, RIG_SEEN_MSI, 0), >,
                    rig_position(w->r, RIG_SEEN_WRITE, 0));
}

/* --- implicit invalidation ---------------------------------------------- */

/* Cached read-only, upgraded without an invalidation, asked for. */
static void upgrade_row(const void *data)
{
    WorldKind kind = (WorldKind)(GPOINTER_TO_UINT(data) >> 1);
    bool pasid = GPOINTER_TO_UINT(data) & 1;
    g_autoptr(World) w = world_new_off(NULL, kind, pasid);
    ImPageReq q = world_page_req(w);
    uint64_t leaf = world_leaf(w, w->iova);
    ImXlat x;

    rig_put(w->r, leaf, LEAF_WRITE, 0);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
    rig_put(w->r, leaf, SSE_ADDR, (w->gpa + 0x1000) >> 12);
    if (kind == W_NESTED) {
        world_ss_map(w, w->gpa + 0x1000, w->hpa + 0x1000, 12, SS_RW);
    }
    rig_put(w->r, leaf, LEAF_WRITE, 1);
    if (kind == W_SS) {
        rig_put(w->r, leaf, SSE_ADDR, (w->hpa + 0x1000) >> 12);
    }
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);                     /* still the old one */
    send(w, &q);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa + 0x1000);
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_ok(&x, w->hpa + 0x1000);
}

/* A request that is not accepted invalidates nothing - or too much, but
 * must never leave the tables half looked at: here it just must work. */
static void fault_answers_invalid(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    rig_put(w->r, w->ctx, SCTX_PRE, 0);
    world_on(w);
    send(w, &q);
    g_assert_cmphex(answer(w, 0)->code, ==, IM_PAGE_RESP_INVALID);
    g_assert_cmphex(vb_fault(w->r, 0).reason, ==, 0x47);
    g_assert_cmpuint(im_vtd_counters(w->r->vtd)->auto_responses, ==, 1);
}

/* 7.7: with PD=1 the status comes after the descriptors of requests
 * received before. */
static void drain(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    ImPageReq q = world_page_req(w);

    vb_submit(r, desc_wait(WAIT_FN, 0, 0));
    vb_submit(r, desc_piotlb(PIOTLB_PASID, w->did, w->pasid, 0, 0, false));
    vb_submit(r, desc_pdev_tlb(w->rid, w->pasid, UINT64_C(0x7ffffffffffff000),
                               true, false));
    vb_submit(r, desc_wait(WAIT_SW | WAIT_PD, r->status, 0x77));
    send(w, &q);
    g_assert_cmphex(rig_r32(r, r->status), ==, 0);
    im_vtd_ats_inv_done(r->vtd, w->rid,
                        1u << rig_seen(r, RIG_SEEN_ATS_INV, 0)->inv.itag, 1);
    g_assert_cmphex(rig_r32(r, r->status), ==, 0x77);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_WRITE, 0)->addr, ==, r->prq);
    g_assert_cmphex(rig_reg64(r, REG_PQT), ==, 32);
}

/* One request, answered by software: the whole loop. */
static void round_trip(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    ImPageReq q = world_page_req(w);
    uint64_t d = r->prq;
    const ImPageResp *p;

    send(w, &q);
    vb_submit(r, desc_page_resp((uint16_t)rig_get(r, d, PRD_RID),
                                rig_get(r, d, PRD_PP),
                                (uint32_t)rig_get(r, d, PRD_PASID),
                                (uint16_t)rig_get(r, d, PRD_PRGI), 0));
    p = answer(w, 0);
    g_assert_cmphex(p->rid, ==, q.rid);
    g_assert_cmphex(p->pasid, ==, q.pasid);
    g_assert_cmphex(p->prgi, ==, q.prgi);
    g_assert_cmphex(p->code, ==, IM_PAGE_RESP_SUCCESS);
    g_assert_cmpuint(im_vtd_counters(r->vtd)->page_responses, ==, 1);
}

static void add_rows(void)
{
    static const WorldKind kind[] = { W_FS, W_SS, W_NESTED, W_PT };

    for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++) {
        spec_row(VTD_PRQ_DESCRIPTOR, fields[i].name, field_row, &fields[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(kind); i++) {
        g_autofree char *path = g_strdup_printf("kind@%u", kind[i]);
        g_autofree char *pasid = g_strdup_printf("%s/pasid", path);

        spec_row(VTD_PRQ_DESCRIPTOR, path, every_pgtt,
                 GUINT_TO_POINTER(kind[i]));
        if (kind[i] == W_PT) {
            continue;
        }
        spec_row(VTD_PRQ_IMPLICIT_INV, path, upgrade_row,
                 GUINT_TO_POINTER(kind[i] << 1));
        spec_row(VTD_PRQ_IMPLICIT_INV, pasid, upgrade_row,
                 GUINT_TO_POINTER(kind[i] << 1 | 1));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_rows();
    spec_test(VTD_PRQ_DESCRIPTOR, "pasid-20-bits", pasid_20_bits);
    spec_test(VTD_PRQ_DESCRIPTOR, "round-trip", round_trip);
    spec_test(VTD_REG_PQT, "wraps", queue_in_order_and_wraps);
    spec_test(VTD_REG_PQA, "four-pages", bigger_queue);
    spec_test(VTD_PRQ_TABLE_FAULT, "pre-0", fault_answers_invalid);
    spec_test(VTD_PRQ_DESCRIPTOR, "without-pasid", no_privilege_without_pasid);
    spec_test(VTD_PRQ_TABLE_FAULT, "before-overflow",
              table_fault_before_overflow);
    spec_test(VTD_PRQ_FULL, "answers-success", full_answers_success);
    spec_test(VTD_PRQ_FULL, "drops-without-last", full_drops_without_last);
    spec_test(VTD_PRQ_OVERFLOW, "until-cleared", overflow_until_cleared);
    spec_test(VTD_PRQ_STOP_MARKER, "queued", marker_is_queued);
    spec_test(VTD_PRQ_STOP_MARKER, "dropped-when-full",
              marker_dropped_when_full);
    spec_test(VTD_PRQ_STOP_MARKER, "dropped-on-fault", marker_dropped_on_fault);
    spec_test(VTD_PRQ_STOP_MARKER, "recorded", marker_recorded);
    spec_test(VTD_PRQ_EVENT, "once", event_once);
    spec_test(VTD_PRQ_EVENT, "for-overflow", event_for_overflow);
    spec_test(VTD_PRQ_EVENT, "masked", event_masked);
    spec_test(VTD_PRQ_EVENT, "serviced", event_serviced);
    spec_test(VTD_PRQ_EVENT, "after-descriptor", event_after_descriptor);
    spec_test(VTD_PRQ_DRAIN, "status-after-descriptors", drain);
    return g_test_run();
}
