/*
 * Table 30 (7.1.3), legacy mode: LRT, LCT, LSS, LGN, RTA.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fault_rows.h"

#define FEE             UINT64_C(0xfee00000)

/* --- what breaks -------------------------------------------------------- */

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

/* --- rows --------------------------------------------------------------- */

static const FaultRow roots[] = {
    { SPEC(VTD_FLT_LRT_1), "root-table-nowhere", 0x08, .want = "UCU-",
      .damage = { { IN_RTADDR, RTADDR_RTA, NOWHERE } }, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LRT_2), "root-entry-absent", 0x01, .want = "UUU-",
      .damage = { { IN_ROOT, ROOT_P, 0 } }, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LCT_1), "context-table-nowhere", 0x09, .want = "UCU-",
      .damage = { { IN_ROOT, ROOT_CTP, NOWHERE } }, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LCT_2), "context-entry-absent", 0x02, true, .want = "UUU-",
      .damage = { { IN_CTX, CTX_P, 0 } }, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_4), "aw-none", 0x03, true, .want = "UCU-",
      .damage = { { IN_CTX, CTX_AW, 0 } }, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_4), "aw-57-unsupported", 0x03, true, .want = "UCU-",
      .damage = { { IN_CTX, CTX_AW, 3 } }, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_4), "aw-reserved", 0x03, true, .want = "UCU-",
      .damage = { { IN_CTX, CTX_AW, 7 } }, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_4), "aw-reserved-4", 0x03, true, .want = "UCU-",
      .damage = { { IN_CTX, CTX_AW, 4 } }, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LCT_4), "tt-reserved", 0x03, true, .want = "UCU-",
      .damage = { { IN_CTX, CTX_TT, 3 } }, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_4), "tt-ats-without-dt", 0x03, true, .want = "U---",
      .damage = { { IN_CTX, CTX_TT, 1 } }, .pasid = NO_PASID, .reach = FPD_CTX,
      .config = no_device_tlb },
    { SPEC(VTD_FLT_LCT_4), "tt-pass-through-without-pt", 0x03, true,
      .want = "U---", .damage = { { IN_CTX, CTX_TT, 2 } }, .pasid = NO_PASID,
      .reach = FPD_CTX, .config = no_pass_through },
    { SPEC(VTD_FLT_LCT_4), "second-stage-nowhere", 0x03, true, .want = "UC--",
      .damage = { { IN_CTX, CTX_SSPTPTR, NOWHERE } }, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_5), "tt-00-blocks-ats", 0x0d, true, .want = "-UU-",
      .kind = W_LEGACY_NO_ATS, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LCT_5), "tt-10-blocks-ats", 0x0d, true, .want = "-UU-",
      .kind = W_LEGACY_PT, .pasid = NO_PASID, .reach = FPD_CTX },
};

static const FaultRow pages[] = {
    { SPEC(VTD_FLT_LSS_1), "read-pte-fails", 0x07, true, .want = "UC--",
      .damage = { { IN_SS(2), SSE_ADDR, NOWHERE } }, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LSS_1), "read-pde-fails", 0x07, true, .want = "UC--",
      .damage = { { IN_SS(3), SSE_ADDR, NOWHERE } }, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LSS_1), "read-pdpe-fails", 0x07, true, .want = "UC--",
      .damage = { { IN_SS(4), SSE_ADDR, NOWHERE } }, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LSS_2), "snp-without-sc", 0x0c, true, .want = "UC--",
      .damage = { { IN_SS(1), SSE_SNP, 1 } }, .pasid = NO_PASID,
      .reach = FPD_CTX, .config = no_snoop_control },
    { SPEC(VTD_FLT_LSS_2), "snp-in-pde", 0x0c, true, .want = "UC--",
      .damage = { { IN_SS(2), SSE_SNP, 1 } }, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LSS_2), "ps-in-pml4e", 0x0c, true, .want = "UC--",
      .damage = { { IN_SS(4), SSE_PS, 1 } }, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LSS_2), "2m-unsupported", 0x0c, true, .want = "UC--",
      .arm = world_ss_2m, .pasid = NO_PASID, .reach = FPD_CTX,
      .config = small_pages },
    { SPEC(VTD_FLT_LSS_2), "1g-unsupported", 0x0c, true, .want = "UC--",
      .arm = world_ss_1g, .pasid = NO_PASID, .reach = FPD_CTX,
      .config = small_pages },
    { SPEC(VTD_FLT_LGN_1), "beyond-aw", 0x04, true, .want = "U0--",
      .addr = UINT64_C(1) << 48, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LGN_1), "top-bit", 0x04, true, .want = "U0--",
      .addr = UINT64_C(0x8000007654321000), .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_1), "translated-beyond-haw", 0x04, true, .want = "--U-",
      .addr = UINT64_C(1) << 46, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LGN_1), "pass-through-beyond-haw", 0x04, true,
      .want = "U---", .addr = UINT64_C(1) << 46, .pasid = NO_PASID,
      .reach = FPD_CTX, .kind = W_LEGACY_PT },
    { SPEC(VTD_FLT_LGN_2), "write-to-read-only-page", 0x05, true,
      .want = "UE--", .damage = { { IN_SS(1), SSE_RW, SS_R } },
      .access = IM_WRITE, .perm = IM_PERM_R, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_LGN_2), "atomic-to-read-only-page", 0x05, true,
      .want = "UE--", .damage = { { IN_SS(1), SSE_RW, SS_R } },
      .access = IM_ATOMIC, .perm = IM_PERM_R, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_2), "write-below-read-only-directory", 0x05, true,
      .want = "UE--", .damage = { { IN_SS(2), SSE_RW, SS_R } },
      .access = IM_WRITE, .perm = IM_PERM_R, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_2), "write-to-absent-page", 0x05, true, .want = "UE--",
      .damage = { { IN_SS(1), SSE_RW, 0 } }, .access = IM_WRITE,
      .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_3), "read-of-write-only-page", 0x06, true,
      .want = "UE--", .damage = { { IN_SS(1), SSE_RW, SS_W } },
      .perm = IM_PERM_W, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LGN_3), "atomic-to-write-only-page", 0x06, true,
      .want = "UE--", .damage = { { IN_SS(1), SSE_RW, SS_W } },
      .access = IM_ATOMIC, .perm = IM_PERM_W, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_3), "read-below-write-only-directory", 0x06, true,
      .want = "UE--", .damage = { { IN_SS(2), SSE_RW, SS_W } },
      .perm = IM_PERM_W, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_3), "read-of-absent-page", 0x06, true, .want = "UE--",
      .damage = { { IN_SS(1), SSE_RW, 0 } }, .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_3), "read-below-absent-directory", 0x06, true,
      .want = "UE--", .damage = { { IN_SS(2), SSE_RW, 0 } },
      .pasid = NO_PASID },
    { SPEC(VTD_FLT_LGN_4), "output-in-interrupt-range", 0x0e, true,
      .want = "UC--", .damage = { { IN_SS(1), SSE_ADDR, FEE >> 12 } },
      .access = IM_WRITE, .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_LGN_4), "translated-to-interrupt-range", 0x0e, true,
      .want = "--U-", .addr = FEE + 0x1000, .pasid = NO_PASID,
      .reach = FPD_CTX },
};

/* RTADDR: whatever the tables say, the mode decides. */
static const FaultRow modes[] = {
    { SPEC(VTD_FLT_RTA_1), "ttm-10", 0x30, .want = "UCUI", .kind = W_SS,
      .damage = { { IN_RTADDR, RTADDR_TTM, 2 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_RTA_1), "ttm-11-without-adms", 0x30, .want = "UCUI",
      .kind = W_SS, .damage = { { IN_RTADDR, RTADDR_TTM, 3 } }, .pasid = BOTH,
      .config = no_abort_dma },
    { SPEC(VTD_FLT_RTA_1), "ttm-01-without-smts", 0x30, .want = "UCU-",
      .kind = W_LEGACY, .damage = { { IN_RTADDR, RTADDR_TTM, 1 } },
      .pasid = NO_PASID, .config = no_scalable },
    { SPEC(VTD_FLT_RTA_2), "pasid-in-legacy-mode", 0x31, .want = "UU--",
      .kind = W_LEGACY, .pasid = WITH_PASID, .tune = any_pasid },
    { SPEC(VTD_FLT_RTA_3), "page-request-in-legacy-mode", 0x32, .want = "---I",
      .kind = W_LEGACY, .pasid = BOTH, .tune = any_pasid },
    { SPEC(VTD_FLT_RTA_4), "abort-dma", 0x33, .want = "UUUI", .kind = W_SS,
      .damage = { { IN_RTADDR, RTADDR_TTM, 3 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_RTA_4), "abort-dma-without-smts", 0x33, .want = "UUU-",
      .kind = W_LEGACY, .damage = { { IN_RTADDR, RTADDR_TTM, 3 } },
      .pasid = NO_PASID, .config = no_scalable_but_abort },
};

/* A reserved bit each. */
#define ROOT_ROW                                                         \
    { SPEC(VTD_FLT_LRT_3), "reserved", 0x0a, .want = "UCU-",             \
      .damage = { { IN_ROOT } }, .pasid = NO_PASID }
#define CTX_ROW                                                          \
    { SPEC(VTD_FLT_LCT_3), "reserved", 0x0b, true, .want = "UCU-",       \
      .damage = { { IN_CTX } }, .pasid = NO_PASID, .reach = FPD_CTX }
#define PAGE_ROW(NAME, LEVEL, ARM, REACH)                                \
    { SPEC(VTD_FLT_LSS_2), NAME "-reserved", 0x0c, true, .want = "UC--", \
      .arm = ARM, .damage = { { IN_SS(LEVEL) } }, .pasid = NO_PASID,     \
      .reach = REACH }

static const FaultBits bits[] = {
    /* 9.1: 11:1, CTP beyond HAW, 127:64 */
    { ROOT_ROW, 1, 11 },
    { ROOT_ROW, 46, 127 },
    /* 9.3: 11:4, SSPTPTR beyond HAW, 71, 127:88 */
    { CTX_ROW, 4, 11 },
    { CTX_ROW, 46, 63 },
    { CTX_ROW, 71, 71 },
    { CTX_ROW, 88, 127 },
    { { SPEC(VTD_FLT_LCT_3), "did-beyond-nd", 0x0b, true, .want = "UCU-",
        .damage = { { IN_CTX } }, .pasid = NO_PASID, .config = few_domains },
      80,
      87 },
    /* 9.8: 51:HAW, and the low address bits of large pages */
    { PAGE_ROW("leaf", 1, NULL, FPD_CTX), 46, 51 },
    { PAGE_ROW("directory", 2, NULL, 0), 46, 51 },
    { PAGE_ROW("2m", 2, world_ss_2m, 0), 12, 20 },
    { PAGE_ROW("1g", 3, world_ss_1g, 0), 12, 29 },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fault_rows_add(roots, G_N_ELEMENTS(roots));
    fault_rows_add(pages, G_N_ELEMENTS(pages));
    fault_rows_add(modes, G_N_ELEMENTS(modes));
    fault_bits_add(bits, G_N_ELEMENTS(bits));
    return g_test_run();
}
