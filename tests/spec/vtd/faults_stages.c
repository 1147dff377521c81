/*
 * Table 30 (7.1.3), scalable mode below the PASID entry: SFS, SSS, SGN.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fault_rows.h"

#define FEE             UINT64_C(0xfee00000)
#define ALL             (FPD_CTX | FPD_DIR | FPD_PE)

/* --- what breaks -------------------------------------------------------- */

static void five_level_aw_57(ImVtdConfig *c)
{
    c->fs5lp = true;
}

static void no_gigabyte(ImVtdConfig *c)
{
    c->fs1gp = false;
}

static void no_large(ImVtdConfig *c)
{
    c->ss2m = c->ss1g = false;
}

static void no_snoop_control(ImVtdConfig *c)
{
    c->snoop_control = false;
}

/* --- rows --------------------------------------------------------------- */

static const FaultRow first[] = {
    { SPEC(VTD_FLT_SFS_1), "read-pte-fails", 0x70, true, .want = "U0--",
      .kind = W_FS, .damage = { { IN_FS(2), FSE_ADDR, NOWHERE } },
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SFS_1), "read-pde-fails", 0x70, true, .want = "U0--",
      .kind = W_FS, .damage = { { IN_FS(3), FSE_ADDR, NOWHERE } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_1), "read-pdpe-fails", 0x70, true, .want = "U0--",
      .kind = W_FS, .damage = { { IN_FS(4), FSE_ADDR, NOWHERE } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_2), "pte-absent", 0x71, true, .want = "U0--",
      .kind = W_FS, .damage = { { IN_FS(1), FSE_P, 0 } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SFS_2), "pde-absent", 0x71, true, .want = "U0--",
      .kind = W_FS, .damage = { { IN_FS(2), FSE_P, 0 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_2), "pdpe-absent", 0x71, true, .want = "U0--",
      .kind = W_FS, .damage = { { IN_FS(3), FSE_P, 0 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_2), "pml4e-absent", 0x71, true, .want = "U0--",
      .kind = W_FS, .damage = { { IN_FS(4), FSE_P, 0 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_2), "nested-pte-absent", 0x71, true, .want = "U0--",
      .kind = W_NESTED, .damage = { { IN_FS(1), FSE_P, 0 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_3), "ps-in-pml4e", 0x72, true, .want = "U0--",
      .kind = W_FS, .damage = { { IN_FS(4), FSE_PS, 1 } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SFS_3), "1g-unsupported", 0x72, true, .want = "U0--",
      .kind = W_FS, .arm = world_fs_1g, .pasid = BOTH, .config = no_gigabyte },
    { SPEC(VTD_FLT_SFS_4), "top-nowhere", 0x73, true, .want = "U0--",
      .kind = W_FS, .damage = { { IN_PE, PE_FSPTPTR, NOWHERE } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SFS_5), "pml4e-beyond-second-stage", 0x74, true,
      .want = "U0--", .kind = W_NESTED, .arm = world_ss_of_39_bits,
      .damage = { { IN_FS(4), 39, 39, 1 } }, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SFS_5), "pte-beyond-second-stage", 0x74, true,
      .want = "U0--", .kind = W_NESTED, .arm = world_ss_of_39_bits,
      .damage = { { IN_FS(1), 39, 39, 1 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_6), "top-table-not-readable", 0x75, true, .want = "U0--",
      .kind = W_NESTED, .damage = { { IN_TABLE(4), SSE_RW, SS_W } },
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SFS_7), "pdpe-table-not-readable", 0x76, true,
      .want = "U0--", .kind = W_NESTED,
      .damage = { { IN_TABLE(3), SSE_RW, SS_W } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SFS_7), "pte-table-not-readable", 0x76, true, .want = "U0--",
      .kind = W_NESTED, .damage = { { IN_TABLE(1), SSE_RW, SS_W } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_8), "top-table-not-writable", 0x77, true, .want = "U0--",
      .kind = W_NESTED, .damage = { { IN_TABLE(4), SSE_RW, SS_R } },
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SFS_8), "pte-table-not-writable", 0x77, true, .want = "U0--",
      .kind = W_NESTED, .damage = { { IN_TABLE(1), SSE_RW, SS_R } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_9), "accessed-without-snoop", 0x90, true, .want = "U0--",
      .kind = W_FS, .damage = { { IN_PE, PE_PWSNP, 0 } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SFS_9), "nested-accessed-without-snoop", 0x90, true,
      .want = "U0--", .kind = W_NESTED, .damage = { { IN_PE, PE_PWSNP, 0 } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_10), "pml4e-update-fails", 0x91, true, .want = "US--",
      .kind = W_FS, .damage = { { IN_FS(4), FSE_A, UNWRITABLE } },
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SFS_10), "pte-update-fails", 0x91, true, .want = "US--",
      .kind = W_FS, .damage = { { IN_FS(1), FSE_A, UNWRITABLE } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_10), "dirty-update-fails", 0x91, true, .want = "US--",
      .kind = W_FS,
      .damage = { { IN_FS(0), FSE_A, 1 }, { IN_FS(1), FSE_D, UNWRITABLE } },
      .access = IM_WRITE, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_1), "first-beyond-48-bits", 0x80, true, .want = "U0--",
      .kind = W_FS, .addr = UINT64_C(1) << 47, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SGN_1), "bit-63", 0x80, true, .want = "U0--", .kind = W_FS,
      .addr = UINT64_C(0x8000007654321000), .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_1), "sign-half-extended", 0x80, true, .want = "U0--",
      .kind = W_NESTED, .addr = UINT64_C(0xfffe800000000000), .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_1), "fs5lp-does-not-widen-4-levels", 0x80, true,
      .want = "U0--", .kind = W_FS, .addr = UINT64_C(1) << 50, .pasid = BOTH,
      .config = five_level_aw_57 },
    { SPEC(VTD_FLT_SGN_2), "pte-supervisor", 0x81, true, .want = "U0--",
      .kind = W_FS, .damage = { { IN_FS(1), FSE_US, 0 } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SGN_2), "pml4e-supervisor", 0x81, true, .want = "U0--",
      .kind = W_FS, .damage = { { IN_FS(4), FSE_US, 0 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_2), "nested-pde-supervisor", 0x81, true, .want = "U0--",
      .kind = W_NESTED, .damage = { { IN_FS(2), FSE_US, 0 } }, .pasid = BOTH },
};

static const FaultRow second[] = {
    { SPEC(VTD_FLT_SSS_1), "read-pte-fails", 0x78, true, .want = "UC--",
      .kind = W_SS, .damage = { { IN_SS(2), SSE_ADDR, NOWHERE } },
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SSS_1), "read-pdpe-fails", 0x78, true, .want = "UC--",
      .kind = W_SS, .damage = { { IN_SS(4), SSE_ADDR, NOWHERE } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_1), "nested-read-pte-fails", 0x78, true, .want = "UC--",
      .kind = W_NESTED, .damage = { { IN_SS(2), SSE_ADDR, NOWHERE } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_2), "pte-absent", 0x79, true, .want = "U0--",
      .kind = W_SS, .damage = { { IN_SS(1), SSE_RW, 0 } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SSS_2), "pde-absent", 0x79, true, .want = "U0--",
      .kind = W_SS, .damage = { { IN_SS(2), SSE_RW, 0 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_2), "pml4e-absent", 0x79, true, .want = "U0--",
      .kind = W_SS, .damage = { { IN_SS(4), SSE_RW, 0 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_2), "rights-crossed", 0x79, true, .want = "U0--",
      .kind = W_SS,
      .damage = { { IN_SS(2), SSE_RW, SS_R }, { IN_SS(1), SSE_RW, SS_W } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_2), "nested-page-absent", 0x79, true, .want = "U0--",
      .kind = W_NESTED, .damage = { { IN_SS(1), SSE_RW, 0 } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SSS_2), "nested-table-absent", 0x79, true, .want = "U0--",
      .kind = W_NESTED, .damage = { { IN_TABLE(3), SSE_RW, 0 } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_3), "snp-without-sc", 0x7a, true, .want = "UC--",
      .kind = W_SS, .damage = { { IN_SS(1), SSE_SNP, 1 } }, .pasid = BOTH,
      .reach = ALL, .config = no_snoop_control },
    { SPEC(VTD_FLT_SSS_3), "snp-in-pde", 0x7a, true, .want = "UC--",
      .kind = W_SS, .damage = { { IN_SS(2), SSE_SNP, 1 } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SSS_3), "ps-in-pml4e", 0x7a, true, .want = "UC--",
      .kind = W_SS, .damage = { { IN_SS(4), SSE_PS, 1 } }, .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_3), "2m-unsupported", 0x7a, true, .want = "UC--",
      .kind = W_SS, .arm = world_ss_2m, .pasid = BOTH, .config = no_large },
    { SPEC(VTD_FLT_SSS_3), "1g-unsupported", 0x7a, true, .want = "UC--",
      .kind = W_SS, .arm = world_ss_1g, .pasid = BOTH, .config = no_large },
    { SPEC(VTD_FLT_SSS_3), "nested-under-a-table", 0x7a, true, .want = "UC--",
      .kind = W_NESTED, .damage = { { IN_TABLE(2), 51, 51, 1 } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_4), "top-nowhere", 0x7b, true, .want = "UC--",
      .kind = W_SS, .damage = { { IN_PE, PE_SSPTPTR, NOWHERE } }, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SSS_4), "nested-top-nowhere", 0x7b, true, .want = "UC--",
      .kind = W_NESTED, .damage = { { IN_PE, PE_SSPTPTR, NOWHERE } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_5), "accessed-without-snoop", 0x7c, true, .want = "UC--",
      .kind = W_SS,
      .damage = { { IN_PE, PE_PWSNP, 0 }, { IN_PE, PE_SSADE, 1 } },
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SSS_6), "pte-update-fails", 0x7d, true, .want = "UC--",
      .kind = W_SS,
      .damage = { { IN_PE, PE_SSADE, 1 }, { IN_SS(1), SSE_A, UNWRITABLE } },
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SSS_6), "pml4e-update-fails", 0x7d, true, .want = "UC--",
      .kind = W_SS,
      .damage = { { IN_PE, PE_SSADE, 1 }, { IN_SS(4), SSE_A, UNWRITABLE } },
      .pasid = BOTH },
};

static const FaultRow general[] = {
    { SPEC(VTD_FLT_SGN_4), "translated-beyond-haw", 0x83, true, .want = "--U-",
      .kind = W_SS, .addr = UINT64_C(1) << 46, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_SGN_4), "pass-through-beyond-haw", 0x83, true,
      .want = "U0--", .kind = W_PT, .addr = UINT64_C(1) << 46, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SGN_5), "first-beyond-aw", 0x84, true, .want = "U0--",
      .kind = W_SS, .addr = UINT64_C(1) << 48, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SGN_5), "all-ones", 0x84, true, .want = "U0--", .kind = W_SS,
      .addr = UINT64_C(0xfffffffffffff000), .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_6), "pte-read-only", 0x85, true, .want = "UE--",
      .kind = W_FS, .damage = { { IN_FS(1), FSE_RW, 0 } }, .access = IM_WRITE,
      .perm = IM_PERM_R, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SGN_6), "pdpe-read-only", 0x85, true, .want = "UE--",
      .kind = W_FS, .damage = { { IN_FS(3), FSE_RW, 0 } }, .access = IM_ATOMIC,
      .perm = IM_PERM_R, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_6), "second-stage-read-only", 0x85, true, .want = "UE--",
      .kind = W_SS, .damage = { { IN_SS(1), SSE_RW, SS_R } },
      .access = IM_WRITE, .perm = IM_PERM_R, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SGN_6), "nested-first-read-only", 0x85, true, .want = "UE--",
      .kind = W_NESTED, .damage = { { IN_FS(1), FSE_RW, 0 } },
      .access = IM_WRITE, .perm = IM_PERM_R, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_6), "nested-second-read-only", 0x85, true,
      .want = "UE--", .kind = W_NESTED,
      .damage = { { IN_SS(1), SSE_RW, SS_R } }, .access = IM_ATOMIC,
      .perm = IM_PERM_R, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_7), "second-stage-write-only", 0x86, true,
      .want = "UE--", .kind = W_SS, .damage = { { IN_SS(1), SSE_RW, SS_W } },
      .perm = IM_PERM_W, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SGN_7), "atomic-to-write-only", 0x86, true, .want = "UE--",
      .kind = W_SS, .damage = { { IN_SS(1), SSE_RW, SS_W } },
      .access = IM_ATOMIC, .perm = IM_PERM_W, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_7), "nested-write-only", 0x86, true, .want = "UE--",
      .kind = W_NESTED, .damage = { { IN_SS(1), SSE_RW, SS_W } },
      .perm = IM_PERM_W, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_8), "first-stage-output", 0x87, true, .want = "UC--",
      .kind = W_FS, .damage = { { IN_FS(1), FSE_ADDR, FEE >> 12 } },
      .pasid = BOTH, .access = IM_WRITE, .reach = ALL },
    { SPEC(VTD_FLT_SGN_8), "second-stage-output", 0x87, true, .want = "UC--",
      .kind = W_SS, .damage = { { IN_SS(1), SSE_ADDR, FEE >> 12 } },
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SGN_8), "nested-output", 0x87, true, .want = "UC--",
      .kind = W_NESTED, .damage = { { IN_SS(1), SSE_ADDR, FEE >> 12 } },
      .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_8), "translated", 0x87, true, .want = "--U-",
      .kind = W_SS, .addr = FEE + 0xff000, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_SGN_8), "pass-through-with-pasid", 0x87, true,
      .want = "U---", .kind = W_PT, .addr = FEE, .pasid = WITH_PASID,
      .reach = ALL },
};

#define FS_ROW(LEVEL, ARM)                                                \
    { SPEC(VTD_FLT_SFS_3), "reserved", 0x72, true, .want = "U0--",        \
      .kind = W_FS, .arm = ARM, .damage = { { IN_FS(LEVEL) } },           \
      .pasid = WITH_PASID }
#define SS_ROW(LEVEL, ARM)                                                \
    { SPEC(VTD_FLT_SSS_3), "reserved", 0x7a, true, .want = "UC--",        \
      .kind = W_SS, .arm = ARM, .damage = { { IN_SS(LEVEL) } },           \
      .pasid = NO_PASID }

static const FaultBits bits[] = {
    { FS_ROW(1, NULL), 46, 51 },        { FS_ROW(2, NULL), 46, 51 },
    { FS_ROW(4, NULL), 46, 51 },        { FS_ROW(2, world_fs_2m), 13, 20 },
    { FS_ROW(3, world_fs_1g), 13, 29 }, { SS_ROW(1, NULL), 46, 51 },
    { SS_ROW(1, NULL), 62, 62 },                /* IW, SSIRWE=0 */
    { SS_ROW(2, NULL), 46, 51 },        { SS_ROW(4, NULL), 46, 51 },
    { SS_ROW(2, world_ss_2m), 12, 20 }, { SS_ROW(3, world_ss_1g), 12, 29 },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fault_rows_add(first, G_N_ELEMENTS(first));
    fault_rows_add(second, G_N_ELEMENTS(second));
    fault_rows_add(general, G_N_ELEMENTS(general));
    fault_bits_add(bits, G_N_ELEMENTS(bits));
    return g_test_run();
}
