/*
 * Table 30 (7.1.3), legacy mode: LRT, LCT, LSS, LGN, RTA.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fault_rows.h"

#define NOWHERE(w)      ((w)->r->ram_top)       /* beyond RAM, below HAW */
#define FEE             UINT64_C(0xfee00000)

/* --- what breaks --------------------------------------------------------- */

static void root_nowhere(World *w, unsigned arg)
{
    (void)arg;
    w->root = NOWHERE(w);
}

static void root_absent(World *w, unsigned arg)
{
    (void)arg;
    rig_put(w->r, w->root_entry, 0, 0, 0);
}

static void root_bit(World *w, unsigned bit)
{
    rig_put(w->r, w->root_entry, bit, bit, 1);
}

static void context_nowhere(World *w, unsigned arg)
{
    (void)arg;
    rig_put(w->r, w->root_entry, 63, 12, NOWHERE(w) >> 12);
}

static void context_absent(World *w, unsigned arg)
{
    (void)arg;
    rig_put(w->r, w->ctx, 0, 0, 0);
}

static void context_bit(World *w, unsigned bit)
{
    rig_put(w->r, w->ctx, bit, bit, 1);
}

static void context_aw(World *w, unsigned aw)
{
    rig_put(w->r, w->ctx, 66, 64, aw);
}

static void context_tt(World *w, unsigned tt)
{
    rig_put(w->r, w->ctx, 3, 2, tt);
}

static void pages_nowhere(World *w, unsigned arg)
{
    (void)arg;
    rig_put(w->r, w->ctx, 63, 12, NOWHERE(w) >> 12);
}

/* The entry above level points nowhere: reading level fails. */
static void level_nowhere(World *w, unsigned level)
{
    uint64_t e = world_ss_entry(w, w->iova, level + 1);

    rig_put(w->r, e, 51, 12, NOWHERE(w) >> 12);
}

static void leaf_bit(World *w, unsigned bit)
{
    uint64_t e = world_leaf(w, w->iova);

    rig_put(w->r, e, bit, bit, 1);
}

static void pde_bit(World *w, unsigned bit)
{
    uint64_t e = world_ss_entry(w, w->iova, 2);

    rig_put(w->r, e, bit, bit, 1);
}

static void pml4e_bit(World *w, unsigned bit)
{
    uint64_t e = world_ss_entry(w, w->iova, 4);

    rig_put(w->r, e, bit, bit, 1);
}

static void large_bit(World *w, unsigned bit)
{
    world_ss_map(w, w->iova & ~UINT64_C(0x1fffff), 0x40000000, 21, SS_RW);
    pde_bit(w, bit);
}

static void huge_bit(World *w, unsigned bit)
{
    uint64_t base = w->iova & ~UINT64_C(0x3fffffff);

    world_ss_map(w, base, 0x40000000, 30, SS_RW);
    rig_put(w->r, world_ss_entry(w, base, 3), bit, bit, 1);
}

static void leaf_rights(World *w, unsigned rights)
{
    rig_put(w->r, world_leaf(w, w->iova), 1, 0, rights);
}

static void pde_rights(World *w, unsigned rights)
{
    rig_put(w->r, world_ss_entry(w, w->iova, 2), 1, 0, rights);
}

static void leaf_to_fee(World *w, unsigned arg)
{
    (void)arg;
    rig_put(w->r, world_leaf(w, w->iova), 51, 12, FEE >> 12);
}

static void mode(World *w, unsigned ttm)
{
    w->ttm_set = true;
    w->ttm = (uint64_t)ttm << 10;
}

static void no_device_tlb(ImVtdConfig *c)
{
    c->device_tlb = c->page_request = c->no_write_flag = false;
    c->stop_marker = false;
}

static void no_pass_through(ImVtdConfig *c)
{
    c->pass_through = false;
}

static void no_snoop_control(ImVtdConfig *c)
{
    c->snoop_control = false;
}

static void small_pages(ImVtdConfig *c)
{
    c->ss2m = c->ss1g = false;
}

static void few_domains(ImVtdConfig *c)
{
    c->domain_bits = 8;
}

static void no_abort_dma(ImVtdConfig *c)
{
    c->abort_dma = false;
}

static void no_scalable(ImVtdConfig *c)
{
    c->scalable = c->first_stage = c->nested = c->fs1gp = false;
    c->page_request = c->supervisor = c->ext_accessed = c->ss_dirty = false;
    c->page_walk_coherency = c->rid_pasid = c->stop_marker = false;
    c->abort_dma = false;
    c->pasid_bits = 0;
}

static void no_scalable_but_abort(ImVtdConfig *c)
{
    no_scalable(c);
    c->abort_dma = true;
}

static void any_pasid(World *w, ImTxn *t)
{
    (void)w;
    t->pasid = t->has_pasid ? 7 : 0;
}

/* --- rows ---------------------------------------------------------------- */

static const FaultRow roots[] = {
    { SPEC(VTD_FLT_LRT_1), "root-table-nowhere", 0x08, .want = "UCU-",
      .arm = root_nowhere, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LRT_2), "root-entry-absent", 0x01, .want = "UUU-",
      .arm = root_absent, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LCT_1), "context-table-nowhere", 0x09, .want = "UCU-",
      .arm = context_nowhere, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LCT_2), "context-entry-absent", 0x02, true,
      .want = "UUU-", .arm = context_absent, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_4), "aw-none", 0x03, true, .want = "UCU-",
      .arm = context_aw, .arg = 0, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_4), "aw-57-unsupported", 0x03, true, .want = "UCU-",
      .arm = context_aw, .arg = 3, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_4), "aw-reserved", 0x03, true, .want = "UCU-",
      .arm = context_aw, .arg = 7, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_4), "aw-reserved-4", 0x03, true, .want = "UCU-",
      .arm = context_aw, .arg = 4, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LCT_4), "tt-reserved", 0x03, true, .want = "UCU-",
      .arm = context_tt, .arg = 3, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_4), "tt-ats-without-dt", 0x03, true, .want = "U---",
      .arm = context_tt, .arg = 1, .pasid = NO_PASID, .reach = FPD_CTX,
      .config = no_device_tlb },
    { SPEC(VTD_FLT_LCT_4), "tt-pass-through-without-pt", 0x03, true,
      .want = "U---", .arm = context_tt, .arg = 2, .pasid = NO_PASID,
      .reach = FPD_CTX, .config = no_pass_through },
    { SPEC(VTD_FLT_LCT_4), "second-stage-nowhere", 0x03, true,
      .want = "UC--", .arm = pages_nowhere, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_5), "tt-00-blocks-ats", 0x0d, true, .want = "-UU-",
      .kind = W_LEGACY_NO_ATS, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_5), "tt-10-blocks-ats", 0x0d, true, .want = "-UU-",
      .kind = W_LEGACY_PT, .pasid = NO_PASID, .reach = FPD_CTX },
};

static const FaultRow pages[] = {
    { SPEC(VTD_FLT_LSS_1), "read-pte-fails", 0x07, true, .want = "UC--",
      .arm = level_nowhere, .arg = 1, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LSS_1), "read-pde-fails", 0x07, true, .want = "UC--",
      .arm = level_nowhere, .arg = 2, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LSS_1), "read-pdpe-fails", 0x07, true, .want = "UC--",
      .arm = level_nowhere, .arg = 3, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LSS_2), "snp-without-sc", 0x0c, true, .want = "UC--",
      .arm = leaf_bit, .arg = 11, .pasid = NO_PASID, .reach = FPD_CTX,
      .config = no_snoop_control },
    { SPEC(VTD_FLT_LSS_2), "snp-in-pde", 0x0c, true, .want = "UC--",
      .arm = pde_bit, .arg = 11, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LSS_2), "ps-in-pml4e", 0x0c, true, .want = "UC--",
      .arm = pml4e_bit, .arg = 7, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LSS_2), "2m-unsupported", 0x0c, true, .want = "UC--",
      .arm = large_bit, .arg = 7, .pasid = NO_PASID, .reach = FPD_CTX,
      .config = small_pages },
    { SPEC(VTD_FLT_LSS_2), "1g-unsupported", 0x0c, true, .want = "UC--",
      .arm = huge_bit, .arg = 7, .pasid = NO_PASID, .reach = FPD_CTX,
      .config = small_pages },
    { SPEC(VTD_FLT_LGN_1), "beyond-aw", 0x04, true, .want = "U0--",
      .addr = UINT64_C(1) << 48, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LGN_1), "top-bit", 0x04, true, .want = "U0--",
      .addr = UINT64_C(0x8000007654321000), .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_1), "translated-beyond-haw", 0x04, true,
      .want = "--U-", .addr = UINT64_C(1) << 46, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LGN_1), "pass-through-beyond-haw", 0x04, true,
      .want = "U---", .addr = UINT64_C(1) << 46, .pasid = NO_PASID,
      .reach = FPD_CTX, .kind = W_LEGACY_PT },
    { SPEC(VTD_FLT_LGN_2), "write-to-read-only-page", 0x05, true,
      .want = "UE--", .arm = leaf_rights, .arg = SS_R, .access = IM_WRITE,
      .perm = IM_PERM_R, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LGN_2), "atomic-to-read-only-page", 0x05, true,
      .want = "UE--", .arm = leaf_rights, .arg = SS_R,
      .access = IM_ATOMIC, .perm = IM_PERM_R, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_2), "write-below-read-only-directory", 0x05, true,
      .want = "UE--", .arm = pde_rights, .arg = SS_R, .access = IM_WRITE,
      .perm = IM_PERM_R, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_2), "write-to-absent-page", 0x05, true,
      .want = "UE--", .arm = leaf_rights, .arg = 0, .access = IM_WRITE,
      .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_3), "read-of-write-only-page", 0x06, true,
      .want = "UE--", .arm = leaf_rights, .arg = SS_W, .perm = IM_PERM_W,
      .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LGN_3), "atomic-to-write-only-page", 0x06, true,
      .want = "UE--", .arm = leaf_rights, .arg = SS_W,
      .access = IM_ATOMIC, .perm = IM_PERM_W, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_3), "read-below-write-only-directory", 0x06, true,
      .want = "UE--", .arm = pde_rights, .arg = SS_W, .perm = IM_PERM_W,
      .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_3), "read-of-absent-page", 0x06, true,
      .want = "UE--", .arm = leaf_rights, .arg = 0, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_3), "read-below-absent-directory", 0x06, true,
      .want = "UE--", .arm = pde_rights, .arg = 0, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_4), "output-in-interrupt-range", 0x0e, true,
      .want = "UC--", .arm = leaf_to_fee, .access = IM_WRITE,
      .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LGN_4), "translated-to-interrupt-range", 0x0e, true,
      .want = "--U-", .addr = FEE + 0x1000, .pasid = NO_PASID,
      .reach = FPD_CTX },
};

/* RTADDR: whatever the tables say, the mode decides. */
static const FaultRow modes[] = {
    { SPEC(VTD_FLT_RTA_1), "ttm-10", 0x30, .want = "UCUI", .kind = W_SS,
      .arm = mode, .arg = 2, .pasid = BOTH },
    { SPEC(VTD_FLT_RTA_1), "ttm-11-without-adms", 0x30, .want = "UCUI",
      .kind = W_SS, .arm = mode, .arg = 3, .pasid = BOTH,
      .config = no_abort_dma },
    { SPEC(VTD_FLT_RTA_1), "ttm-01-without-smts", 0x30, .want = "UCU-",
      .kind = W_LEGACY, .arm = mode, .arg = 1, .pasid = NO_PASID,
      .config = no_scalable },
    { SPEC(VTD_FLT_RTA_2), "pasid-in-legacy-mode", 0x31, .want = "UU--",
      .kind = W_LEGACY, .pasid = WITH_PASID, .tune = any_pasid },
    { SPEC(VTD_FLT_RTA_3), "page-request-in-legacy-mode", 0x32,
      .want = "---I", .kind = W_LEGACY, .pasid = BOTH, .tune = any_pasid },
    { SPEC(VTD_FLT_RTA_4), "abort-dma", 0x33, .want = "UUUI", .kind = W_SS,
      .arm = mode, .arg = 3, .pasid = BOTH },
    { SPEC(VTD_FLT_RTA_4), "abort-dma-without-smts", 0x33, .want = "UUU-",
      .kind = W_LEGACY, .arm = mode, .arg = 3, .pasid = NO_PASID,
      .config = no_scalable_but_abort },
};

static const FaultRow root_reserved = {
    SPEC(VTD_FLT_LRT_3), "reserved", 0x0a, .want = "UCU-",
    .arm = root_bit, .pasid = NO_PASID
};

static const FaultRow context_reserved = {
    SPEC(VTD_FLT_LCT_3), "reserved", 0x0b, true, .want = "UCU-",
    .arm = context_bit, .pasid = NO_PASID, .reach = FPD_CTX
};

static const FaultRow did_reserved = {
    SPEC(VTD_FLT_LCT_3), "did-beyond-nd", 0x0b, true, .want = "UCU-",
    .arm = context_bit, .pasid = NO_PASID, .config = few_domains
};

static const FaultRow leaf_reserved = {
    SPEC(VTD_FLT_LSS_2), "leaf-reserved", 0x0c, true, .want = "UC--",
    .arm = leaf_bit, .pasid = NO_PASID, .reach = FPD_CTX
};

static const FaultRow pde_reserved = {
    SPEC(VTD_FLT_LSS_2), "directory-reserved", 0x0c, true, .want = "UC--",
    .arm = pde_bit, .pasid = NO_PASID
};

static const FaultRow large_reserved = {
    SPEC(VTD_FLT_LSS_2), "2m-reserved", 0x0c, true, .want = "UC--",
    .arm = large_bit, .pasid = NO_PASID
};

static const FaultRow huge_reserved = {
    SPEC(VTD_FLT_LSS_2), "1g-reserved", 0x0c, true, .want = "UC--",
    .arm = huge_bit, .pasid = NO_PASID
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(roots); i++) {
        fault_row_add(&roots[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(pages); i++) {
        fault_row_add(&pages[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        fault_row_add(&modes[i]);
    }
    /* 9.1: 11:1, CTP beyond HAW, 127:64 */
    fault_rows_add_bits(&root_reserved, 1, 11);
    fault_rows_add_bits(&root_reserved, 46, 127);
    /* 9.3: 11:4, SSPTPTR beyond HAW, 71, 127:88 */
    fault_rows_add_bits(&context_reserved, 4, 11);
    fault_rows_add_bits(&context_reserved, 46, 63);
    fault_rows_add_bits(&context_reserved, 71, 71);
    fault_rows_add_bits(&context_reserved, 88, 127);
    fault_rows_add_bits(&did_reserved, 80, 87);
    /* 9.8: 51:HAW, and the low address bits of large pages */
    fault_rows_add_bits(&leaf_reserved, 46, 51);
    fault_rows_add_bits(&pde_reserved, 46, 51);
    fault_rows_add_bits(&large_reserved, 12, 20);
    fault_rows_add_bits(&huge_reserved, 12, 29);
    return g_test_run();
}
