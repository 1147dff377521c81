/*
 * Table 30 (7.1.3), scalable mode up to the PASID entry: SRT, SCT, SPD,
 * SPT, and SGN.10.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fault_rows.h"

/* --- what breaks -------------------------------------------------------- */

static void pasid_7(World *w, ImTxn *t)
{
    (void)w;
    t->pasid = t->has_pasid ? 7 : 0;
}

static void pasid_2000(World *w, ImTxn *t)
{
    (void)w;
    t->pasid = t->has_pasid ? 0x2000 : 0;
}

static void pasid_80000(World *w, ImTxn *t)
{
    (void)w;
    t->pasid = t->has_pasid ? 0x80000 : 0;
}

static void pasid_400(World *w, ImTxn *t)
{
    (void)w;
    t->pasid = 0x400;
}

static void pasid_wide(World *w, ImTxn *t)
{
    (void)w;
    t->pasid = 0xfffff;
}

static void pasid_of_rid(World *w, ImTxn *t)
{
    t->pasid = w->rid_pasid;
}

static void exec(World *w, ImTxn *t)
{
    (void)w;
    t->exec = true;
}

static void priv(World *w, ImTxn *t)
{
    (void)w;
    t->priv = t->has_pasid;
}

static void ten_bits(ImVtdConfig *c)
{
    c->pasid_bits = 10;
}

static void no_first_stage(ImVtdConfig *c)
{
    c->first_stage = c->nested = c->fs1gp = c->ext_accessed = false;
}

static void no_second_stage(ImVtdConfig *c)
{
    c->second_stage = c->nested = c->ss_dirty = c->ss2m = c->ss1g = false;
}

static void no_nesting(ImVtdConfig *c)
{
    c->nested = false;
}

static void no_pass_through(ImVtdConfig *c)
{
    c->pass_through = false;
}

static void no_supervisor(ImVtdConfig *c)
{
    c->supervisor = false;
}

static void no_rid_pasid(ImVtdConfig *c)
{
    c->rid_pasid = false;
}

static void few_domains(ImVtdConfig *c)
{
    c->domain_bits = 8;
}

static void no_walk_snoop(ImVtdConfig *c)
{
    c->page_walk_coherency = c->ss_dirty = c->ext_accessed = false;
}

static void no_page_snoop(ImVtdConfig *c)
{
    c->snoop_control = false;
}

static void no_ext_accessed(ImVtdConfig *c)
{
    c->ext_accessed = false;
}

static void no_ss_dirty(ImVtdConfig *c)
{
    c->ss_dirty = false;
}

static void no_prs(ImVtdConfig *c)
{
    c->page_request = c->stop_marker = false;
}

static void no_dt(ImVtdConfig *c)
{
    no_prs(c);
    c->device_tlb = c->no_write_flag = false;
}

/* --- rows --------------------------------------------------------------- */

#define ALL     (FPD_CTX | FPD_DIR | FPD_PE)

static const FaultRow rows[] = {
    { SPEC(VTD_FLT_SRT_1), "root-table-nowhere", 0x38, .want = "UCUI",
      .kind = W_SS, .damage = { { IN_RTADDR, RTADDR_RTA, NOWHERE } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SRT_2), "half-absent", 0x39, .want = "UUUI", .kind = W_SS,
      .damage = { { IN_ROOT, ROOT_P, 0 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SCT_1), "context-table-nowhere", 0x40, .want = "UCUI",
      .kind = W_SS, .damage = { { IN_ROOT, ROOT_CTP, NOWHERE } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SCT_2), "context-entry-absent", 0x41, true, .want = "UUUI",
      .kind = W_SS, .damage = { { IN_CTX, CTX_P, 0 } }, .pasid = BOTH,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_SCT_3), "pre-without-prs", 0x42, true, .want = "UCU-",
      .kind = W_SS, .damage = { { IN_CTX, SCTX_PRE, 1 } }, .pasid = BOTH,
      .config = no_prs },
    { SPEC(VTD_FLT_SCT_3), "dte-without-dt", 0x42, true, .want = "U---",
      .kind = W_SS, .damage = { { IN_CTX, SCTX_DTE, 1 } }, .pasid = BOTH,
      .config = no_dt },
    { SPEC(VTD_FLT_SCT_4), "pre-without-dte", 0x43, true, .want = "UCUI",
      .kind = W_SS, .damage = { { IN_CTX, SCTX_DTE, 0 } }, .pasid = BOTH,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_SCT_4), "rid-pasid-beyond-directory", 0x43, true,
      .want = "UCUI", .kind = W_SS,
      .damage = { { IN_CTX, SCTX_PDTS, 0 },
                  { IN_CTX, SCTX_RID_PASID, 0x2000 } },
      .pasid = BOTH, .reach = FPD_CTX },
    { SPEC(VTD_FLT_SCT_5), "dte-0-blocks-ats", 0x44, true, .want = "-UU-",
      .kind = W_SS,
      .damage = { { IN_CTX, SCTX_DTE, 0 }, { IN_CTX, SCTX_PRE, 0 } },
      .pasid = BOTH, .reach = FPD_CTX },
    { SPEC(VTD_FLT_SCT_6), "paside-0", 0x45, true, .want = "UU-I", .kind = W_SS,
      .damage = { { IN_CTX, SCTX_PASIDE, 0 } }, .pasid = WITH_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_SCT_7), "first-pasid-beyond-directory", 0x46, true,
      .want = "UU-I", .kind = W_SS, .damage = { { IN_CTX, SCTX_PDTS, 0 } },
      .tune = pasid_2000, .pasid = WITH_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_SCT_7), "half-a-directory", 0x46, true, .want = "UU-I",
      .kind = W_SS, .damage = { { IN_CTX, SCTX_PDTS, 6 } }, .tune = pasid_80000,
      .pasid = WITH_PASID },
    { SPEC(VTD_FLT_SCT_8), "pre-0", 0x47, true, .want = "---I", .kind = W_SS,
      .damage = { { IN_CTX, SCTX_PRE, 0 } }, .pasid = BOTH, .reach = FPD_CTX },
    { SPEC(VTD_FLT_SCT_9), "pasid-is-rid-pasid", 0x48, true, .want = "UU-I",
      .kind = W_SS, .tune = pasid_of_rid, .pasid = WITH_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_SCT_10), "translated-with-pasid", 0x49, true, .want = "--U-",
      .kind = W_SS, .pasid = WITH_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_SCT_10), "paside-0-is-not-asked", 0x49, true, .want = "--U-",
      .kind = W_SS, .damage = { { IN_CTX, SCTX_PASIDE, 0 } },
      .pasid = WITH_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_SPD_1), "directory-nowhere", 0x50, .want = "UC-I",
      .kind = W_SS, .damage = { { IN_CTX, SCTX_PASIDDIR, NOWHERE } },
      .pasid = BOTH, .reach = FPD_CTX },
    { SPEC(VTD_FLT_SPD_2), "directory-entry-absent", 0x51, true, .want = "U0-I",
      .kind = W_SS, .damage = { { IN_DIR, DIR_P, 0 } }, .pasid = BOTH,
      .reach = FPD_CTX | FPD_DIR },
    { SPEC(VTD_FLT_SPD_2), "directory-entry-all-zero", 0x51, true,
      .want = "U0-I", .kind = W_FS, .damage = { { IN_DIR, DIR_ALL, 0 } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SPD_2), "untouched-pasid", 0x51, true, .want = "U0-I",
      .kind = W_FS, .tune = pasid_wide, .pasid = WITH_PASID },
    { SPEC(VTD_FLT_SPT_1), "pasid-table-nowhere", 0x58, .want = "UC-I",
      .kind = W_SS, .damage = { { IN_DIR, DIR_SMPTBLPTR, NOWHERE } },
      .pasid = BOTH, .reach = FPD_CTX | FPD_DIR },
    { SPEC(VTD_FLT_SPT_2), "pasid-entry-absent", 0x59, true, .want = "U0-I",
      .kind = W_SS, .damage = { { IN_PE, PE_P, 0 } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SPT_2), "pasid-entry-all-zero", 0x59, true, .want = "U0-I",
      .kind = W_FS, .damage = { { IN_PE, PE_ALL, 0 } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SPT_4), "pgtt-0", 0x5b, true, .want = "UC-I", .kind = W_FS,
      .damage = { { IN_PE, PE_PGTT, 0 } }, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SPT_4), "pgtt-5", 0x5b, true, .want = "UC-I", .kind = W_FS,
      .damage = { { IN_PE, PE_PGTT, 5 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SPT_4), "pgtt-6", 0x5b, true, .want = "UC-I", .kind = W_FS,
      .damage = { { IN_PE, PE_PGTT, 6 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SPT_4), "pgtt-7", 0x5b, true, .want = "UC-I", .kind = W_SS,
      .damage = { { IN_PE, PE_PGTT, 7 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SPT_4), "first-stage-without-fsts", 0x5b, true,
      .want = "UC-I", .kind = W_SS, .damage = { { IN_PE, PE_PGTT, 1 } },
      .pasid = BOTH, .config = no_first_stage },
    { SPEC(VTD_FLT_SPT_4), "second-stage-without-ssts", 0x5b, true,
      .want = "UC-I", .kind = W_FS, .damage = { { IN_PE, PE_PGTT, 2 } },
      .pasid = BOTH, .config = no_second_stage },
    { SPEC(VTD_FLT_SPT_4), "nested-without-nest", 0x5b, true, .want = "UC-I",
      .kind = W_SS, .damage = { { IN_PE, PE_PGTT, 3 } }, .pasid = BOTH,
      .config = no_nesting },
    { SPEC(VTD_FLT_SPT_4), "pass-through-without-pt", 0x5b, true,
      .want = "UC-I", .kind = W_PT, .pasid = BOTH, .config = no_pass_through },
    { SPEC(VTD_FLT_SPT_4), "aw-none", 0x5b, true, .want = "UC-I", .kind = W_SS,
      .damage = { { IN_PE, PE_AW, 0 } }, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SPT_4), "aw-57-unsupported", 0x5b, true, .want = "UC-I",
      .kind = W_SS, .damage = { { IN_PE, PE_AW, 3 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SPT_4), "aw-reserved", 0x5b, true, .want = "UC-I",
      .kind = W_NESTED, .damage = { { IN_PE, PE_AW, 5 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SPT_4), "fspm-5-level-unsupported", 0x5b, true,
      .want = "UC-I", .kind = W_FS, .damage = { { IN_PE, PE_FSPM, 1 } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SPT_4), "fspm-reserved", 0x5b, true, .want = "UC-I",
      .kind = W_FS, .damage = { { IN_PE, PE_FSPM, 2 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SPT_4), "nested-fspm-reserved", 0x5b, true, .want = "UC-I",
      .kind = W_NESTED, .damage = { { IN_PE, PE_FSPM, 3 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SPT_4), "nested-fsptptr-beyond-aw", 0x5b, true,
      .want = "UC-I", .kind = W_NESTED, .arm = world_ss_of_39_bits,
      .damage = { { IN_PE, 128 + 39, 128 + 39, 1 } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SPT_5), "execute", 0x5c, true, .want = "U0--", .kind = W_FS,
      .tune = exec, .pasid = WITH_PASID, .reach = ALL },
    { SPEC(VTD_FLT_SPT_5), "execute-second-stage", 0x5c, true, .want = "U0--",
      .kind = W_SS, .tune = exec, .pasid = WITH_PASID },
    { SPEC(VTD_FLT_SPT_6), "supervisor-with-sre-0", 0x5d, true, .want = "U0--",
      .kind = W_FS, .tune = priv, .pasid = WITH_PASID, .reach = ALL },
    { SPEC(VTD_FLT_SPT_6), "supervisor-with-srs-0", 0x5d, true, .want = "U0--",
      .kind = W_FS, .tune = priv, .pasid = WITH_PASID,
      .config = no_supervisor },
    { SPEC(VTD_FLT_SGN_10), "first-pasid-beyond-pss", 0x89, true,
      .want = "UU--", .kind = W_FS, .tune = pasid_400, .pasid = WITH_PASID,
      .config = ten_bits },
    { SPEC(VTD_FLT_SGN_10), "pasid-beyond-pss", 0x89, true, .want = "UU--",
      .kind = W_SS, .tune = pasid_wide, .pasid = WITH_PASID,
      .config = ten_bits },
    { SPEC(VTD_FLT_SPD_2), "page-request-beyond-pss", 0x51, true,
      .want = "---I", .kind = W_FS, .tune = pasid_400, .pasid = WITH_PASID,
      .config = ten_bits },
    { SPEC(VTD_FLT_SPT_2), "no-entry-for-this-pasid", 0x59, true,
      .want = "U0-I", .kind = W_FS, .damage = { { IN_PE, PE_P, 0 } },
      .tune = NULL, .pasid = WITH_PASID },
    { SPEC(VTD_FLT_SPD_2), "pasid-of-another-directory-entry", 0x51, true,
      .want = "U0-I", .kind = W_FS, .tune = pasid_7, .pasid = WITH_PASID },
};

/* A reserved bit each; the walk has seen the entry itself. */
#define PE_ROW(KIND, CONFIG)                                             \
    { SPEC(VTD_FLT_SPT_3), "reserved", 0x5a, true, .want = "UC-I",       \
      .kind = KIND, .damage = { { IN_PE } }, .pasid = BOTH,               \
      .config = CONFIG }

/* clang-format off */
static const FaultBits bits[] = {
    { { SPEC(VTD_FLT_SRT_3), "reserved", 0x3a, .want = "UCUI",
        .kind = W_SS, .damage = { { IN_ROOT } }, .pasid = BOTH }, 1, 11 },
    { { SPEC(VTD_FLT_SRT_3), "reserved", 0x3a, .want = "UCUI",
        .kind = W_SS, .damage = { { IN_ROOT } }, .pasid = NO_PASID }, 46, 63 },
    { { SPEC(VTD_FLT_SCT_3), "reserved", 0x42, true, .want = "UCUI",
        .kind = W_SS, .damage = { { IN_CTX } }, .pasid = BOTH,
        .reach = FPD_CTX }, 5, 8 },
    { { SPEC(VTD_FLT_SCT_3), "reserved", 0x42, true, .want = "UCUI",
        .kind = W_SS, .damage = { { IN_CTX } }, .pasid = NO_PASID }, 46, 63 },
    { { SPEC(VTD_FLT_SCT_3), "reserved", 0x42, true, .want = "UCUI",
        .kind = W_SS, .damage = { { IN_CTX } }, .pasid = NO_PASID }, 85, 255 },
    { { SPEC(VTD_FLT_SCT_3), "reserved", 0x42, true, .want = "UCUI",
        .kind = W_SS, .damage = { { IN_CTX } }, .pasid = NO_PASID,
        .config = no_rid_pasid }, 64, 84 },
    { { SPEC(VTD_FLT_SPD_3), "reserved", 0x52, true, .want = "UC-I",
        .kind = W_SS, .damage = { { IN_DIR } }, .pasid = BOTH,
        .reach = FPD_CTX | FPD_DIR }, 2, 11 },
    { { SPEC(VTD_FLT_SPD_3), "reserved", 0x52, true, .want = "UC-I",
        .kind = W_SS, .damage = { { IN_DIR } }, .pasid = NO_PASID }, 46, 63 },
    /* 9.6 */
    { PE_ROW(W_SS, NULL), 5, 5 },
    { PE_ROW(W_FS, NULL), 10, 11 },
    { PE_ROW(W_SS, NULL), 46, 63 },
    { PE_ROW(W_SS, few_domains), 72, 79 },
    { PE_ROW(W_FS, NULL), 80, 86 },
    { PE_ROW(W_FS, no_walk_snoop), 87, 87 },
    { PE_ROW(W_FS, no_page_snoop), 88, 88 },
    { PE_ROW(W_SS, NULL), 89, 127 },
    { PE_ROW(W_FS, no_supervisor), 128, 128 },
    { PE_ROW(W_FS, NULL), 129, 129 },
    { PE_ROW(W_FS, no_ext_accessed), 135, 135 },
    { PE_ROW(W_FS, NULL), 136, 139 },
    { PE_ROW(W_SS, no_ss_dirty), 9, 9 },
    { PE_ROW(W_FS, NULL), 174, 511 },
    { PE_ROW(W_NESTED, NULL), 174, 191 },
};
/* clang-format on */

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fault_rows_add(rows, G_N_ELEMENTS(rows));
    fault_bits_add(bits, G_N_ELEMENTS(bits));
    return g_test_run();
}
