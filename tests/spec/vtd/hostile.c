/*
 * Hostile tables, queues and registers: a clear fault or nothing, no
 * crash, no endless walk, and never an access that no table asked for
 * (the rig fails the test when there is one).
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_told.h"

/* Beyond RAM, the unit's own registers, the interrupt range, far up. */
static const uint64_t nowhere[] = {
    UINT64_C(0x1000000000),
    UINT64_C(0xfed90000),
    UINT64_C(0xfee00000),
    UINT64_C(0x3ffffffff000),
};

/* --- pointers ----------------------------------------------------------- */

typedef struct Pointer {
    const char *name;
    WorldKind kind;
    void (*aim)(World *w, uint64_t pa);
    uint8_t fault;
} Pointer;

static void aim_root(World *w, uint64_t pa)
{
    w->root = pa;
}

static void aim_context(World *w, uint64_t pa)
{
    rig_put(w->r, w->root_entry, ROOT_CTP, pa >> 12);
}

static void aim_directory(World *w, uint64_t pa)
{
    rig_put(w->r, w->ctx, SCTX_PASIDDIR, pa >> 12);
}

static void aim_pasid_table(World *w, uint64_t pa)
{
    rig_put(w->r, w->dir_entry, DIR_SMPTBLPTR, pa >> 12);
}

static void aim_first(World *w, uint64_t pa)
{
    rig_put(w->r, w->pe, PE_FSPTPTR, (pa + w->bias) >> 12);
    if (w->kind == W_NESTED) {
        world_ss_map(w, pa + w->bias, pa, 12, SS_RW);
    }
}

static void aim_second(World *w, uint64_t pa)
{
    rig_put(w->r, world_scalable(w) ? w->pe : w->ctx, PE_SSPTPTR, pa >> 12);
}

static void aim_pde(World *w, uint64_t pa)
{
    rig_put(w->r,
            w->kind == W_FS ? world_fs_entry(w, w->iova, 2) :
                              world_ss_entry(w, w->iova, 2),
            FSE_ADDR, pa >> 12);
}

static const Pointer pointers[] = {
    { "legacy-root", W_LEGACY, aim_root, 0x08 },
    { "legacy-context", W_LEGACY, aim_context, 0x09 },
    { "legacy-second-stage", W_LEGACY, aim_second, 0x03 },
    { "legacy-pde", W_LEGACY, aim_pde, 0x07 },
    { "root", W_FS, aim_root, 0x38 },
    { "context", W_FS, aim_context, 0x40 },
    { "directory", W_FS, aim_directory, 0x50 },
    { "pasid-table", W_FS, aim_pasid_table, 0x58 },
    { "first-stage", W_FS, aim_first, 0x73 },
    { "first-stage-pde", W_FS, aim_pde, 0x70 },
    { "second-stage", W_SS, aim_second, 0x7b },
    { "second-stage-pde", W_SS, aim_pde, 0x78 },
    { "nested-first-stage", W_NESTED, aim_first, 0x73 },
    { "nested-second-stage", W_NESTED, aim_second, 0x7b },
};

static void pointer_row(const void *data)
{
    const Pointer *row = data;

    for (unsigned i = 0; i < G_N_ELEMENTS(nowhere); i++) {
        g_autoptr(World) w = world_new_off(NULL, row->kind, row->kind >= W_FS);
        ImXlat x;

        if (row->aim == aim_first && (nowhere[i] + w->bias) >> 46) {
            continue;
        }
        row->aim(w, nowhere[i]);
        world_on(w);
        x = world_dma(w, IM_WRITE, w->iova);
        xlat_is_fault(&x, IM_CPL_UR, row->fault);
        g_assert_cmphex(vb_fault(w->r, 0).reason, ==, row->fault);
        g_assert_cmpuint(w->r->bus_errors, ==, 1);
    }
}

/* A table of one kind used as another: garbage, but bounded. */
static void confusion(void)
{
    for (unsigned a = 0; a < 8; a++) {
        for (unsigned k = W_FS; k <= W_NESTED; k++) {
            g_autoptr(World) w = world_new_off(NULL, (WorldKind)k, true);
            uint64_t at[] = { w->root,
                              w->ctx,
                              w->dir,
                              w->pe,
                              w->fs ? w->fs : w->ss,
                              w->ss ? w->ss : w->fs,
                              w->r->iq,
                              w->r->status };
            uint64_t page = at[a] & ~UINT64_C(0xfff);

            for (unsigned b = 0; b < 5; b++) {
                /* clang-format off */
                static void (*const aim[])(World *, uint64_t) = {
                    aim_context, aim_directory, aim_pasid_table,
                    aim_second, aim_first,
                };
                /* clang-format on */

                rig_offer(w->r, page, 1, RIG_TABLE);
                if (b == 4 && k == W_SS) {
                    continue;
                }
                aim[b](w, page);
                w->r->allow_stray = true;
                vb_set_root(w->r, w->root, TTM_SCALABLE);
                vb_gcmd(w->r, GCMD_TE, true);
                for (unsigned i = 0; i < 64; i++) {
                    world_dma(w, IM_WRITE, w->iova + 0x1234567000 * i);
                }
                g_assert_cmpuint(w->r->accesses, <, 20000);
                w->r->strays = 0;
            }
        }
    }
}

/* --- loops -------------------------------------------------------------- */

/* Every level is the same table: it ends after four, with its own page. */
static void first_stage_loop(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    uint64_t before;
    ImXlat x;

    rig_w64(w->r, w->fs, w->fs | FS_RWU);
    world_on(w);
    before = im_vtd_counters(w->r->vtd)->walk_reads;
    x = world_dma(w, IM_READ, 0);
    xlat_is_ok(&x, w->fs);
    g_assert_cmpuint(im_vtd_counters(w->r->vtd)->walk_reads - before, <, 20);
}

static void second_stage_loop(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_SS, true);
    ImXlat x;

    rig_w64(w->r, w->ss, w->ss | SS_RW);
    world_on(w);
    x = world_dma(w, IM_READ, 0);
    xlat_is_ok(&x, w->ss);
}

static void nested_loop(void)
{
    g_autoptr(World) w = world_new_off(NULL, W_NESTED, true);
    uint64_t before;
    ImXlat x;

    rig_w64(w->r, w->fs, (w->fs + w->bias) | FS_RWU);
    world_on(w);
    before = im_vtd_counters(w->r->vtd)->walk_reads;
    x = world_dma(w, IM_READ, 0);
    xlat_is_ok(&x, w->fs);
    g_assert_cmpuint(im_vtd_counters(w->r->vtd)->walk_reads - before, <, 64);
}

/* The compare and swap never succeeds: it must give up some time. */
static void race_always(Rig *r, uint64_t pa)
{
    rig_w64(r, pa, rig_r64(r, pa) ^ UINT64_C(1) << 54);
}

static void update_never_succeeds(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImXlat x;

    w->r->race = race_always;
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_fault(&x, IM_CPL_UR, 0x91);
    g_assert_cmpuint(w->r->updates, <, 100000);
    w->r->race = NULL;
    x = world_dma(w, IM_WRITE, w->iova);
    xlat_is_ok(&x, w->hpa);
}

/* --- queues ------------------------------------------------------------- */

static void tail_everywhere(void)
{
    for (uint64_t tail = 0; tail < 0x80000; tail += 0x10) {
        static Rig *r;
        bool bad = tail >= 4096 || tail & 0x10;

        if (!r || tail % 0x1000 == 0) {
            g_clear_pointer(&r, rig_free);
            r = rig_vtd_new(NULL);
            vb_iq_enable(r, true);
        }
        rig_set64(r, REG_IQT, bad ? tail : 0);
        g_assert_cmpint(!!(rig_reg32(r, REG_FSTS) & FSTS_IQE), ==, bad);
        rig_set64(r, REG_IQT, 0);
        rig_set32(r, REG_FSTS, FSTS_IQE);
        g_assert_cmphex(rig_reg32(r, REG_FSTS), ==, 0);
        if (tail + 0x10 == 0x80000) {
            g_clear_pointer(&r, rig_free);
        }
    }
}

/* The queue runs over the end of memory. */
static void queue_over_the_edge(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    rig_offer(r, r->ram_top - 0x1000, 1, RIG_READ);
    for (unsigned i = 0; i < 128; i++) {
        rig_w64(r, r->ram_top - 0x1000 + 32 * i, 5);
    }
    rig_set64(r, REG_IQA, (r->ram_top - 0x1000) | 1u << 11 | 7);
    vb_gcmd(r, GCMD_QIE, true);
    rig_set64(r, REG_IQT, 200 * 32);
    g_assert_cmphex(rig_reg32(r, REG_FSTS) & FSTS_IQE, ==, FSTS_IQE);
    g_assert_cmphex(rig_reg64(r, REG_IQERCD) & 0xf, ==, 2);
    g_assert_cmphex(rig_reg64(r, REG_IQH), ==, 128 * 32);
}

/* Software writes PQH and PQT as it likes: never outside the queue. */
static void page_queue_pointers(void)
{
    static const uint64_t value[] = { 0,      0x20,    0xfe0,     0x1000,
                                      0x1020, 0x7ffe0, UINT64_MAX };

    for (unsigned i = 0; i < G_N_ELEMENTS(value); i++) {
        for (unsigned j = 0; j < G_N_ELEMENTS(value); j++) {
            g_autoptr(World) w = world_new(NULL, W_FS, true);
            ImPageReq q = world_page_req(w);
            bool queued, answered;

            rig_set64(w->r, REG_PQH, value[i]);
            rig_set64(w->r, REG_PQT, value[j]);
            im_vtd_page_request(w->r->vtd, &q);
            queued = rig_count(w->r, RIG_SEEN_WRITE);
            answered = rig_count(w->r, RIG_SEEN_PAGE_RESP);
            g_assert_true(queued != answered);
        }
    }
}

static void page_queue_nowhere(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);

    rig_set64(w->r, REG_PQA, w->r->ram_top);
    im_vtd_page_request(w->r->vtd, &q);
    g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, 0);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_PAGE_RESP), ==, 1);
}

static void status_nowhere(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    vb_submit(w->r, desc_wait(WAIT_SW, w->r->ram_top, 1));
    vb_submit(w->r, desc_wait(WAIT_SW, UINT64_C(0xfed90000), 1));
    g_assert_true(vb_wait(w->r));
}

/* --- reset in every state of the queue ---------------------------------- */

static void state_waiting(World *w)
{
    vb_submit(w->r, desc_dev_tlb(w->rid, 0, false));
    vb_submit(w->r, desc_wait(WAIT_SW, w->r->status, 9));
}

static void state_fenced(World *w)
{
    vb_submit(w->r, desc_dev_tlb(w->rid, 0, false));
    vb_submit(w->r, desc_wait(WAIT_SW | WAIT_FN, w->r->status, 9));
    vb_submit(w->r, desc_dev_tlb(w->rid, 0, false));
}

static void state_iqe(World *w)
{
    vb_submit(w->r, (Desc) { { 0 } });
}

static void state_ite(World *w)
{
    state_waiting(w);
    rig_advance(w->r, 2 * w->r->cfg.ats_timeout_ns);
}

static void state_ice(World *w)
{
    im_vtd_ats_inv_done(w->r->vtd, w->rid, 0xffffffff, 1);
}

static void state_itags(World *w)
{
    for (unsigned i = 0; i < 60; i++) {
        vb_submit(w->r, desc_dev_tlb(w->rid, 0x1000 * i, false));
    }
    vb_submit(w->r, desc_wait(WAIT_SW, w->r->status, 9));
}

static void state_masked_events(World *w)
{
    rig_set32(w->r, REG_FECTL, CTL_IM);
    rig_set32(w->r, REG_IECTL, CTL_IM);
    vb_submit(w->r, desc_wait(WAIT_IF, 0, 0));
    world_dma(w, IM_READ, 0x1000);
}

static void state_off(World *w)
{
    vb_gcmd(w->r, GCMD_QIE, false);
}

static const struct {
    const char *name;
    void (*enter)(World *w);
} states[] = {
    { "waiting", state_waiting },
    { "fenced", state_fenced },
    { "iqe", state_iqe },
    { "ite", state_ite },
    { "ice", state_ice },
    { "itags-used-up", state_itags },
    { "masked-events", state_masked_events },
    { "off", state_off },
};

static void reset_row(const void *data)
{
    unsigned i = GPOINTER_TO_UINT(data);
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;
    ImXlat x;

    states[i].enter(w);
    im_vtd_reset(r->vtd);
    g_assert_cmphex(rig_reg32(r, REG_GSTS), ==, 0);
    g_assert_cmphex(rig_reg32(r, REG_FSTS), ==, 0);
    g_assert_cmphex(rig_reg64(r, REG_IQH), ==, 0);
    g_assert_cmphex(rig_reg32(r, REG_ICS), ==, 0);
    g_assert_cmphex(rig_reg32(r, REG_FECTL), ==, CTL_IM);
    g_assert_cmphex(rig_reg32(r, REG_IECTL), ==, CTL_IM);
    g_assert_cmpuint(vb_faults(r), ==, 0);
    rig_log_clear(r);
    rig_w64(r, r->status, 0);
    rig_advance(r, 10 * r->cfg.ats_timeout_ns);
    g_assert_cmphex(rig_r32(r, r->status), ==, 0);
    g_assert_cmphex(rig_reg32(r, REG_FSTS), ==, 0);
    g_assert_cmpuint(r->log->len, ==, 0);
    vb_iq_enable(r, true);
    world_on(w);
    x = world_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->hpa);
    /* answers to what was sent before the reset match nothing now */
    rig_w64(r, r->status, 0);
    im_vtd_ats_inv_done(r->vtd, w->rid, 0xffffffff, 1);
    g_assert_cmphex(rig_reg32(r, REG_FSTS), ==, FSTS_ICE);
    g_assert_cmphex(rig_r32(r, r->status), ==, 0);
    g_assert_true(vb_wait(r));
}

/* QIE off and on again with the queue in the same states. */
static void disable_row(const void *data)
{
    unsigned i = GPOINTER_TO_UINT(data);
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    Rig *r = w->r;

    states[i].enter(w);
    vb_gcmd(r, GCMD_QIE, false);
    g_assert_cmphex(rig_reg32(r, REG_GSTS) & GSTS_QIES, ==, 0);
    rig_advance(r, 10 * r->cfg.ats_timeout_ns);
    vb_fault_clear(r);
    vb_iq_enable(r, true);
    g_assert_true(vb_wait(r));
    g_assert_cmphex(rig_reg64(r, REG_IQH), ==, 32);
}

/* --- requests ----------------------------------------------------------- */

static void odd_requests(void)
{
    static const WorldKind kind[] = { W_LEGACY, W_FS, W_SS, W_NESTED, W_PT };
    static const uint64_t len[] = { 0, 1, 4096, UINT64_MAX };
    static const uint64_t addr[] = { 0, 1, UINT64_MAX, UINT64_C(1) << 63,
                                     UINT64_C(0x7fffffffffffffff) };

    for (unsigned k = 0; k < G_N_ELEMENTS(kind); k++) {
        g_autoptr(World) w = world_new(NULL, kind[k], kind[k] >= W_FS);

        for (unsigned i = 0; i < 4 * 5 * 4 * 4; i++) {
            ImTxn t = world_txn(w, (ImAt)(i & 3), (ImAccess)(i >> 2 & 3));
            ImXlat x;

            t.len = len[i / 16 % 4];
            t.addr = addr[i / 64 % 5];
            x = im_vtd_translate(w->r->vtd, &t);
            g_assert_true(x.status == IM_OK || x.status == IM_FAULT);
            g_assert_true(x.status == IM_OK || x.perm == 0);
        }
    }
}

/* has_pasid with a value no PASID can have. */
static void pasid_out_of_range(void)
{
    static const uint32_t pasid[] = { 0x100000, 0x100321, 0xffffffff };
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    for (unsigned i = 0; i < G_N_ELEMENTS(pasid); i++) {
        ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
        ImXlat x;

        t.pasid = pasid[i];
        x = im_vtd_translate(w->r->vtd, &t);
        xlat_is_fault(&x, IM_CPL_UR, 0x89);
    }
}

/* explain reads the same and changes nothing; told_translate() asserts it. */
static void explain_has_no_effect(const void *data)
{
    WorldKind kind = (WorldKind)GPOINTER_TO_UINT(data);
    g_autoptr(World) w = world_new(NULL, kind, kind >= W_FS);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_WRITE);
    Told told;
    ImXlat x = told_translate(w->r, &t, &told), y;

    xlat_is_ok(&x, w->hpa);
    t.addr = 0x1000;
    y = im_vtd_explain(w->r->vtd, &t, NULL, NULL);
    x = im_vtd_translate(w->r->vtd, &t);
    g_assert_cmphex(x.fault, ==, y.fault);
    g_assert_cmpuint(vb_faults(w->r), ==, x.status == IM_FAULT);
}

static void explain_reads_memory(void)
{
    g_autoptr(World) w = world_new(NULL, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x = im_vtd_translate(w->r->vtd, &t);

    xlat_is_ok(&x, w->hpa);
    rig_put(w->r, w->ctx, CTX_P, 0);             /* cached all the same */
    x = im_vtd_explain(w->r->vtd, &t, NULL, NULL);
    g_assert_cmphex(x.fault, ==, 0x41);
    rig_put(w->r, w->ctx, CTX_P, 1);
    rig_put(w->r, w->pe, PE_P, 0);
    x = im_vtd_explain(w->r->vtd, &t, NULL, NULL);
    g_assert_cmphex(x.fault, ==, 0x59);
    x = im_vtd_translate(w->r->vtd, &t);
    xlat_is_ok(&x, w->hpa);
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
}

static void add_rows(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(pointers); i++) {
        g_autofree char *path = g_strdup_printf("hostile/pointer/%s",
                                                pointers[i].name);

        spec_row(VTD_FLT_SRT_1, path, pointer_row, &pointers[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(states); i++) {
        g_autofree char *reset = g_strdup_printf("hostile/reset/%s",
                                                 states[i].name);
        g_autofree char *off = g_strdup_printf("hostile/disable/%s",
                                               states[i].name);

        spec_row(VTD_IQ_FETCH, reset, reset_row, GUINT_TO_POINTER(i));
        spec_row(VTD_IQ_FETCH, off, disable_row, GUINT_TO_POINTER(i));
    }
    for (unsigned k = 0; k < W_KINDS; k++) {
        g_autofree char *path = g_strdup_printf("hostile/explain@%u", k);

        spec_row(VTD_3_4_RID_PASID, path, explain_has_no_effect,
                 GUINT_TO_POINTER(k));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_rows();
    spec_test(VTD_3_4_RID_PASID, "hostile/explain/reads-memory",
              explain_reads_memory);
    spec_test(VTD_FLT_SPT_3, "hostile/confusion", confusion);
    spec_test(VTD_3_6_LEVELS, "hostile/loop", first_stage_loop);
    spec_test(VTD_3_7_LEVELS, "hostile/loop", second_stage_loop);
    spec_test(VTD_3_8_NESTED, "hostile/loop", nested_loop);
    spec_test(VTD_3_6_2_ATOMIC, "hostile/never-succeeds",
              update_never_succeeds);
    spec_test(VTD_IQEI_1, "hostile/every-tail", tail_everywhere);
    spec_test(VTD_IQEI_2, "hostile/over-the-edge", queue_over_the_edge);
    spec_test(VTD_REG_PQT, "hostile/pointers", page_queue_pointers);
    spec_test(VTD_REG_PQA, "hostile/nowhere", page_queue_nowhere);
    spec_test(VTD_DESC_WAIT, "hostile/status-nowhere", status_nowhere);
    spec_test(VTD_FLT_SGN_10, "hostile/beyond-20-bits", pasid_out_of_range);
    spec_test(VTD_3_15_ILLEGAL, "hostile/odd-requests", odd_requests);
    return g_test_run();
}
