/*
 * What is off unless it is asked for: RID_PRIV (RPRIVS), translated requests
 * with PASID (PTRS), I/O read and write bits (SSIRWS), an AW that is ignored.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_told.h"

#define FEE         UINT64_C(0xfee00000)
#define SSIRWE      (UINT64_C(1) << 7)      /* RTADDR_REG */

enum { ECAP_RPRIVS = 53, ECAP_PTRS = 56, ECAP_SSIRWS = 57 };

static ImVtdConfig with(bool rid_priv, bool ptrs, bool io_rw)
{
    ImVtdConfig c = rig_vtd_config();

    c.rid_priv = rid_priv;
    c.translated_pasid = ptrs;
    c.ss_io_rw = io_rw;
    return c;
}

static void reported(void)
{
    for (unsigned i = 0; i < 8; i++) {
        ImVtdConfig c = with(i & 1, i & 2, i & 4);
        g_autoptr(Rig) r = rig_vtd_new(&c);
        uint64_t ecap = rig_reg64(r, REG_ECAP);

        g_assert_cmpuint(ecap >> ECAP_RPRIVS & 1, ==, i & 1);
        g_assert_cmpuint(ecap >> ECAP_PTRS & 1, ==, i >> 1 & 1);
        g_assert_cmpuint(ecap >> ECAP_SSIRWS & 1, ==, i >> 2);
    }
}

/* The answer, explained and again from what is now cached. */
static ImXlat ask(World *w, const ImTxn *t)
{
    Told told;
    ImXlat x = told_translate(w->r, t, &told);
    ImXlat y = im_vtd_translate(w->r->vtd, t);

    g_assert_cmpuint(x.status, ==, y.status);
    g_assert_cmphex(x.fault, ==, y.fault);
    g_assert_cmphex(x.addr, ==, y.addr);
    return x;
}

/* --- 9.4: RID_PRIV ------------------------------------------------------ */

/* A supervisor's page, read-only, behind RID_PASID. */
static World *priv_world(bool rprivs, bool sre, bool wpe)
{
    ImVtdConfig c = with(rprivs, false, false);
    World *w = world_new_off(&c, W_FS, false);

    rig_put(w->r, w->ctx, SCTX_RID_PRIV, 1);
    rig_put(w->r, w->pe, PE_SRE, sre);
    rig_put(w->r, w->pe, PE_WPE, wpe);
    rig_put(w->r, world_fs_entry(w, w->iova, 1), FSE_RW_US, 0);
    world_on(w);
    return w;
}

static void rid_priv_reserved(void)
{
    g_autoptr(World) w = priv_world(false, true, false);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x = ask(w, &t);

    xlat_is_fault(&x, IM_CPL_UR, 0x42);
}

static void rid_priv_supervisor(void)
{
    for (unsigned wpe = 0; wpe < 2; wpe++) {
        g_autoptr(World) w = priv_world(true, true, wpe);
        ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
        ImXlat x = ask(w, &t);

        xlat_is_ok(&x, w->hpa);
        t.access = IM_WRITE;
        x = im_vtd_translate(w->r->vtd, &t);
        if (wpe) {
            xlat_is_fault(&x, IM_CPL_UR, 0x85);
        } else {
            xlat_is_ok(&x, w->hpa);
        }
    }
}

static void rid_priv_without_sre(void)
{
    g_autoptr(World) w = priv_world(true, false, false);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x = ask(w, &t);

    xlat_is_fault(&x, IM_CPL_UR, 0x5d);
    t = world_txn(w, IM_AT_TRANSLATION, IM_READ);
    x = ask(w, &t);
    xlat_is_nothing(&x);
}

/* 4.2.3: its rights are the supervisor's, its Priv bit is 0. */
static void rid_priv_completion(void)
{
    g_autoptr(World) w = priv_world(true, true, false);
    ImTxn t = world_txn(w, IM_AT_TRANSLATION, IM_READ);
    ImXlat x = ask(w, &t);

    xlat_is_ok(&x, w->hpa);
    g_assert_cmpuint(x.perm, ==, IM_PERM_R | IM_PERM_W);
    g_assert_false(x.priv);
}

/* A request with PASID says itself what it is. */
static void rid_priv_is_not_for_pasids(void)
{
    ImVtdConfig c = with(true, false, false);
    g_autoptr(World) w = world_new_off(&c, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    rig_put(w->r, w->ctx, SCTX_RID_PRIV, 1);
    rig_put(w->r, w->pe, PE_SRE, 1);
    rig_put(w->r, world_fs_entry(w, w->iova, 1), FSE_US, 0);
    world_on(w);
    x = ask(w, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x81);
    t.priv = true;
    x = ask(w, &t);
    xlat_is_ok(&x, w->hpa);
}

/* --- 4.2.5, 9.4: translated requests with PASID ------------------------- */

typedef struct PtrsRow {
    const char *name;
    bool ptrs, eptr, paside;
    uint32_t pasid;             /* 0: the world's; 1: RID_PASID */
    uint64_t addr;              /* 0: hpa */
    uint8_t fault;
} PtrsRow;

static const PtrsRow ptrs_rows[] = {
    { "reserved", false, true, true, 0, 0, 0x42 },
    { "not-enabled", true, false, true, 0, 0, 0x49 },
    { "allowed", true, true, true, 0, 0, 0 },
    { "paside-0", true, true, false, 0, 0, 0x43 },
    { "beyond-pss", true, true, true, 0x100000, 0, 0x89 },
    { "rid-pasid", true, true, true, 1, 0, 0x48 },
    { "beyond-haw", true, true, true, 0, UINT64_C(1) << 46, 0x83 },
    { "interrupt-range", true, true, true, 0, FEE, 0x87 },
};

static void ptrs_row(const void *data)
{
    static const ImAccess access[] = { IM_READ, IM_WRITE, IM_ATOMIC };
    const PtrsRow *row = data;
    ImVtdConfig c = with(false, row->ptrs, false);

    for (unsigned i = 0; i < G_N_ELEMENTS(access); i++) {
        g_autoptr(World) w = world_new_off(&c, W_FS, true);
        ImTxn t = world_txn(w, IM_AT_TRANSLATED, access[i]);
        ImXlat x;

        rig_put(w->r, w->ctx, SCTX_EPTR, row->eptr);
        rig_put(w->r, w->ctx, SCTX_PASIDE, row->paside);
        rig_put(w->r, w->pe, PE_P, 0);      /* HPTE=0: not looked at */
        world_on(w);
        t.pasid = row->pasid == 1 ? w->rid_pasid :
                  row->pasid      ? row->pasid :
                                    t.pasid;
        t.addr = row->addr ? row->addr : t.addr;
        x = ask(w, &t);
        if (row->fault) {
            xlat_is_fault(&x, IM_CPL_UR, row->fault);
        } else {
            xlat_is_ok(&x, w->hpa);
            g_assert_cmpuint(x.perm, ==, IM_PERM_R | IM_PERM_W);
        }
    }
}

/* --- 9.8: IR and IW ----------------------------------------------------- */

/* Bits 1:0 and 62:61 of every entry on the way to iova. */
static World *io_world(WorldKind kind, unsigned cpu, unsigned io)
{
    ImVtdConfig c = with(false, false, true);
    World *w = world_new_off(&c, kind, kind != W_LEGACY);

    for (unsigned l = 1; l <= w->ss_levels; l++) {
        uint64_t e = world_ss_entry(w, w->iova, l);

        rig_put(w->r, e, SSE_IO, io);
        rig_put(w->r, e, SSE_RW, cpu);
    }
    w->ttm_set = true;
    w->ttm = TTM_SCALABLE | SSIRWE;
    return w;
}

typedef struct IoRow {
    const char *name;
    unsigned io;                /* IW, IR */
    ImAccess access;
    uint64_t len;
    uint8_t fault;
} IoRow;

static const IoRow io_rows[] = {
    { "read", 1, IM_READ, 64, 0 },
    { "write-denied", 1, IM_WRITE, 64, 0x85 },
    { "write", 2, IM_WRITE, 64, 0 },
    { "read-denied", 2, IM_READ, 64, 0x86 },
    { "zero-length", 2, IM_READ, 0, 0 },
    { "atomic", 3, IM_ATOMIC, 8, 0 },
    { "absent", 0, IM_READ, 64, 0x79 },
};

static void io_row(const void *data)
{
    const IoRow *row = data;

    for (unsigned cpu = 1; cpu < 4; cpu++) {        /* R and W: ignored */
        g_autoptr(World) w = io_world(W_SS, cpu, row->io);
        ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, row->access);
        ImXlat x;

        t.len = row->len;
        world_on(w);
        x = ask(w, &t);
        if (row->fault) {
            xlat_is_fault(&x, IM_CPL_UR, row->fault);
        } else {
            xlat_is_ok(&x, w->hpa);
        }
    }
}

/* Whoever explains names the bits that count. */
static void io_explained(void)
{
    static const struct {
        unsigned io;
        ImAccess access;
        const char *end;
    } rows[] = {
        { 1, IM_WRITE, "SS-PML4E: IW=0" },
        { 2, IM_READ, "SS-PML4E: IR=0" },
        { 0, IM_READ, "SS-PML4E: IR=0, IW=0" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(World) w = io_world(W_SS, 3, rows[i].io);
        ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, rows[i].access);
        Told told;

        world_on(w);
        told_translate(w->r, &t, &told);
        if (!g_str_has_suffix(told.note, rows[i].end)) {
            g_error("note \"%s\" does not end with \"%s\"", told.note,
                    rows[i].end);
        }
    }
}

/* SSIRWE takes effect with SRTP; without it IW is reserved. */
static void io_not_enabled(void)
{
    g_autoptr(World) w = io_world(W_SS, 3, 3);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    w->ttm = TTM_SCALABLE;
    world_on(w);
    x = ask(w, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x7a);
    rig_set64(w->r, REG_RTADDR, w->root | TTM_SCALABLE | SSIRWE);
    x = ask(w, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x7a);
    vb_one_shot(w->r, GCMD_SRTP);
    x = ask(w, &t);
    xlat_is_ok(&x, w->hpa);
}

static void io_in_legacy_mode(void)
{
    g_autoptr(World) w = io_world(W_LEGACY, 3, 3);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    w->ttm = TTM_LEGACY | SSIRWE;
    world_on(w);
    x = ask(w, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x30);
}

/* Nested, each entry of the second stage: IR lets tables be read. */
static void io_nested(void)
{
    for (unsigned io = 0; io < 2; io++) {
        ImVtdConfig c = with(false, false, true);
        g_autoptr(World) w = world_new_off(&c, W_NESTED, true);
        uint64_t va[2] = { w->gpa, 0 };
        ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
        ImXlat x;

        for (unsigned l = 1; l <= w->fs_levels; l++) {
            va[1] = (world_fs_entry(w, w->iova, l) & ~UINT64_C(0xfff)) +
                    w->bias;
            for (unsigned n = 0; n < 2; n++) {
                for (unsigned k = 1; k <= w->ss_levels; k++) {
                    rig_put(w->r, world_ss_entry(w, va[n], k), SSE_IO, 3);
                }
            }
        }
        if (!io) {                          /* the last table's page */
            va[1] = (world_fs_entry(w, w->iova, 1) & ~UINT64_C(0xfff)) +
                    w->bias;
            rig_put(w->r, world_ss_entry(w, va[1], 1), SSE_IO, 2);
        }
        w->ttm_set = true;
        w->ttm = TTM_SCALABLE | SSIRWE;
        world_on(w);
        x = ask(w, &t);
        if (io) {
            xlat_is_ok(&x, w->hpa);
        } else {
            xlat_is_fault(&x, IM_CPL_UR, 0x76);
        }
    }
}

static void io_bit_is_reserved(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    rig_set64(r, REG_RTADDR, 0x5000 | TTM_SCALABLE | SSIRWE);
    g_assert_cmphex(rig_reg64(r, REG_RTADDR), ==, 0x5000 | TTM_SCALABLE);
}

/* --- 9.6: AW while SSTS=0 ----------------------------------------------- */

static ImXlat aw_of_a_first_stage(bool second_stage, bool ignored, unsigned aw)
{
    ImVtdConfig c = rig_vtd_config();

    c.second_stage = second_stage;
    c.nested = c.ss_dirty = second_stage;
    c.aw_ignored = ignored;
    g_autoptr(World) w = world_new_off(&c, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_WRITE);
    ImXlat x;

    rig_put(w->r, w->pe, PE_AW, aw);
    world_on(w);
    x = ask(w, &t);
    if (x.status == IM_OK) {
        xlat_is_ok(&x, w->hpa);
    }
    return x;
}

static void aw_reserved(void)
{
    for (unsigned aw = 0; aw < 8; aw++) {
        ImXlat x = aw_of_a_first_stage(false, false, aw);

        g_assert_cmphex(x.fault, ==, aw ? 0x5a : 0);
        x = aw_of_a_first_stage(true, false, aw);
        g_assert_cmphex(x.fault, ==, 0);    /* not this entry's business */
    }
}

static void aw_ignored(void)
{
    for (unsigned aw = 0; aw < 8; aw++) {
        ImXlat x = aw_of_a_first_stage(false, true, aw);

        g_assert_cmphex(x.fault, ==, 0);
    }
}

/* The other fields of the second stage are as reserved as before. */
static void aw_alone(void)
{
    ImVtdConfig c = rig_vtd_config();

    c.second_stage = c.nested = c.ss_dirty = false;
    c.aw_ignored = true;
    g_autoptr(World) w = world_new_off(&c, W_FS, true);
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    rig_put(w->r, w->pe, 13, 13, 1);
    world_on(w);
    x = ask(w, &t);
    xlat_is_fault(&x, IM_CPL_UR, 0x5a);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(VTD_REG_ECAP, "options", reported);
    spec_test(VTD_9_4_RID_PRIV, "reserved", rid_priv_reserved);
    spec_test(VTD_9_4_RID_PRIV, "supervisor", rid_priv_supervisor);
    spec_test(VTD_9_4_RID_PRIV, "sre-0", rid_priv_without_sre);
    spec_test(VTD_9_4_RID_PRIV, "completion", rid_priv_completion);
    spec_test(VTD_9_4_RID_PRIV, "with-pasid", rid_priv_is_not_for_pasids);
    spec_rows(VTD_4_2_5_PTRS, ptrs_rows, "ptrs", ptrs_row);
    spec_rows(VTD_9_8_IO_RW, io_rows, "io", io_row);
    spec_test(VTD_9_8_IO_RW, "explained", io_explained);
    spec_test(VTD_9_8_IO_RW, "not-enabled", io_not_enabled);
    spec_test(VTD_9_8_IO_RW, "nested", io_nested);
    spec_test(VTD_9_8_IO_RW, "register", io_bit_is_reserved);
    spec_test(VTD_FLT_RTA_1, "ssirwe-in-legacy-mode", io_in_legacy_mode);
    spec_test(VTD_9_6_AW, "reserved", aw_reserved);
    spec_test(VTD_9_6_AW, "ignored", aw_ignored);
    spec_test(VTD_9_6_AW, "alone", aw_alone);
    return g_test_run();
}
