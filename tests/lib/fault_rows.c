/*
 * SPDX-License-Identifier: MIT
 */
#include "lib/fault_rows.h"
#include "lib/vtd_told.h"

enum { COL_U, COL_T, COL_D, COL_P, COLS };

typedef struct FaultCase {
    FaultRow row;
    unsigned col;
    bool pasid;
    unsigned fpd;           /* one FPD_* bit, or 0 */
} FaultCase;

static World *case_world(const FaultCase *c)
{
    ImVtdConfig cfg = rig_vtd_config();
    World *w;

    if (c->row.config) {
        c->row.config(&cfg);
    }
    w = world_new_off(&cfg, c->row.kind, c->pasid && c->row.kind >= W_FS);
    w->has_pasid = c->pasid;
    if (c->row.arm) {
        c->row.arm(w);
    }
    world_damage(w, c->row.damage);
    if (c->fpd & FPD_CTX) {
        rig_put(w->r, w->ctx, CTX_FPD, 1);
    }
    if (c->fpd & FPD_DIR) {
        rig_put(w->r, w->dir_entry, DIR_FPD, 1);
    }
    if (c->fpd & FPD_PE) {
        rig_put(w->r, w->pe, PE_FPD, 1);
    }
    world_on(w);
    return w;
}

static void check_record(World *w, const FaultCase *c, uint64_t addr,
                         unsigned type, const ImTxn *t)
{
    FaultRec f = vb_fault(w->r, 0);

    if (c->fpd && c->row.qualified) {
        g_assert_cmpuint(vb_faults(w->r), ==, 0);
        g_assert_cmphex(rig_reg32(w->r, REG_FSTS), ==, 0);
        return;
    }
    g_assert_cmpuint(vb_faults(w->r), ==, 1);
    g_assert_true(f.f);
    g_assert_cmphex(f.reason, ==, c->row.reason);
    g_assert_cmphex(f.sid, ==, w->rid);
    g_assert_cmpuint(f.type, ==, type);
    /* 11.4.7.6, FI: bits at and above the largest AGAW are 0 */
    addr &= (UINT64_C(1) << w->r->cfg.aw_bits) - 1;
    g_assert_cmphex(f.fi, ==, addr & ~UINT64_C(0xfff));
    g_assert_cmpuint(f.pp, ==, c->pasid);
    if (c->pasid) {
        g_assert_cmphex(f.pasid, ==, t->pasid);
        g_assert_cmpuint(f.priv, ==, t->priv);
        g_assert_cmpuint(f.exe, ==, t->exec);
    }
    if (c->col != COL_P) {
        g_assert_cmpuint(f.at, ==, t->at);
    }
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_reg32(w->r, REG_FSTS), ==, FSTS_PPF);
}

static void check_no_record(World *w)
{
    g_assert_cmpuint(vb_faults(w->r), ==, 0);
    g_assert_cmphex(rig_reg32(w->r, REG_FSTS), ==, 0);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_MSI), ==, 0);
}

static unsigned record_type(const FaultCase *c, const ImTxn *t)
{
    if (c->col == COL_T) {
        return FAULT_READ;
    }
    return t->access == IM_WRITE  ? FAULT_WRITE :
           t->access == IM_ATOMIC ? FAULT_ATOMIC :
                                    FAULT_READ;
}

static ImTxn case_txn(World *w, const FaultCase *c)
{
    static const ImAt at[] = { IM_AT_UNTRANSLATED, IM_AT_TRANSLATION,
                               IM_AT_TRANSLATED };
    ImAccess access = c->row.access && c->col == COL_U ?
                          (ImAccess)c->row.access :
                          IM_READ;
    ImTxn t = world_txn(w, at[c->col], access);

    if (c->pasid && !world_scalable(w)) {
        t.pasid = 7;
    }
    if (c->row.addr) {
        t.addr = c->row.addr;
    }
    if (c->row.tune) {
        c->row.tune(w, &t);
    }
    return t;
}

static void run_memory(const FaultCase *c)
{
    g_autoptr(World) w = case_world(c);
    ImTxn t = case_txn(w, c);
    Told told;
    ImXlat x = told_translate(w->r, &t, &told);
    char want = c->row.want[c->col];

    if (want != 'E' || c->row.perm) {   /* else: both R and W are refused */
        told_assert_fault(&told, c->row.reason);
    } else {
        g_assert_true(
            g_str_has_prefix(im_clause_tag(told.clause), "VTD_FLT_LGN_") ||
            g_str_has_prefix(im_clause_tag(told.clause), "VTD_FLT_SGN_"));
    }

    switch (want) {
    case 'U':
    case 'C':
        xlat_is_fault(&x, want == 'U' ? IM_CPL_UR : IM_CPL_CA, c->row.reason);
        check_record(w, c, t.addr, record_type(c, &t), &t);
        break;
    case 'S':
        g_assert_cmpuint(x.status, ==, IM_OK);
        g_assert_cmpuint(x.perm, ==, 0);
        check_record(w, c, t.addr, record_type(c, &t), &t);
        break;
    case '0':
        xlat_is_nothing(&x);
        check_no_record(w);
        break;
    case 'E':
        g_assert_cmpuint(x.status, ==, IM_OK);
        g_assert_cmpuint(x.cpl, ==, IM_CPL_SC);
        g_assert_cmpuint(x.perm, ==, c->row.perm);
        check_no_record(w);
        break;
    default:
        g_assert_not_reached();
    }
}

static void run_page_request(const FaultCase *c, bool last)
{
    g_autoptr(World) w = case_world(c);
    ImPageReq q = world_page_req(w);
    ImTxn t = case_txn(w, &(FaultCase) {
                              .row = c->row, .col = COL_U, .pasid = c->pasid });
    const RigLog *resp;
    ImPageFate f;
    Told told;

    q.pasid = t.pasid;
    q.last = last;
    f = told_page_request(w->r, &q, &told);
    g_assert_cmphex(f.fault, ==, c->row.reason);
    g_assert_cmpint(f.answered, ==, last);
    check_record(w, c, q.addr, FAULT_PAGE_REQ, &t);
    g_assert_cmphex(rig_reg64(w->r, REG_PQT), ==, 0);
    g_assert_cmphex(rig_reg32(w->r, REG_PRS), ==, 0);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_WRITE), ==, 0);
    resp = rig_seen(w->r, RIG_SEEN_PAGE_RESP, 0);
    if (!last) {
        g_assert_null(resp);
        return;
    }
    g_assert_nonnull(resp);
    g_assert_cmpuint(resp->resp.code, ==, IM_PAGE_RESP_INVALID);
    g_assert_cmphex(resp->resp.rid, ==, q.rid);
    g_assert_cmphex(resp->resp.prgi, ==, q.prgi);
    g_assert_cmpuint(resp->resp.has_pasid, ==, q.has_pasid);
    if (q.has_pasid) {
        g_assert_cmphex(resp->resp.pasid, ==, q.pasid);
    }
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_PAGE_RESP), ==, 1);
}

static void run_case(const void *data)
{
    const FaultCase *c = data;

    if (c->col != COL_P) {
        run_memory(c);
        return;
    }
    run_page_request(c, true);
    run_page_request(c, false);
}

static void add_case(const FaultRow *row, unsigned col, bool pasid,
                     unsigned fpd)
{
    static const char *const col_name[COLS] = {
        "untranslated",
        "translation-request",
        "translated",
        "page-request",
    };
    static const char *const fpd_name[] = {
        [0] = "",
        [FPD_CTX] = "-context",
        [FPD_DIR] = "-directory",
        [FPD_PE] = "-pasid-entry",
    };
    const char *bit = strchr(row->name, '@');
    int name = bit ? (int)(bit - row->name) : -1;
    FaultCase *c = spec_keep(g_new0(FaultCase, 1));
    g_autofree char *path = g_strdup_printf(
        "%.*s/%s%s@%s%s%s", name, row->name, col_name[col], fpd ? "/fpd" : "",
        bit ? bit + 1 : "", pasid ? "pasid" : "plain", fpd_name[fpd]);

    c->row = *row;
    c->col = col;
    c->pasid = pasid;
    c->fpd = fpd;
    spec_add(row->clause, path, run_case, c);
}

static void add_row(const FaultRow *row)
{
    for (unsigned col = 0; col < COLS; col++) {
        if (row->want[col] == '-') {
            continue;
        }
        for (unsigned p = 0; p < 2; p++) {
            /* PTRS=0: a translated request with PASID is 49h, else n/a */
            bool skip = col == COL_D && p && row->reason != 0x49;

            if (!(row->pasid & (p ? WITH_PASID : NO_PASID)) || skip) {
                continue;
            }
            add_case(row, col, p, 0);
            for (unsigned fpd = 1; fpd <= FPD_PE; fpd <<= 1) {
                if (row->reach & fpd && !strchr("0E", row->want[col])) {
                    add_case(row, col, p, fpd);
                }
            }
        }
    }
}

void fault_rows_add(const FaultRow *rows, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        add_row(&rows[i]);
    }
}

void fault_bits_add(const FaultBits *bits, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        for (unsigned bit = bits[i].lo; bit <= bits[i].hi; bit++) {
            FaultRow one = bits[i].row;

            one.name =
                spec_keep(g_strdup_printf("%s-%u@%u-", one.name, i, bit));
            one.damage[0].hi = one.damage[0].lo = (uint16_t)bit;
            one.damage[0].val = 1;
            add_row(&one);
        }
    }
}
