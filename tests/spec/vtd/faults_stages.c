/*
 * Table 30 (7.1.3), scalable mode below the PASID entry: SFS, SSS, SGN.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fault_rows.h"

#define NOWHERE(w)      ((w)->r->ram_top)
#define FEE             UINT64_C(0xfee00000)
#define ALL             (FPD_CTX | FPD_DIR | FPD_PE)

/* --- what breaks: first stage -------------------------------------------- */

static void fs_level_nowhere(World *w, unsigned level)
{
    uint64_t e = world_fs_entry(w, w->iova, level + 1);

    rig_put(w->r, e, 51, 12, NOWHERE(w) >> 12);
}

static void fs_top_nowhere(World *w, unsigned arg)
{
    (void)arg;
    rig_put(w->r, w->pe, 191, 140, NOWHERE(w) >> 12);
}

static void fs_absent(World *w, unsigned level)
{
    rig_put(w->r, world_fs_entry(w, w->iova, level), 0, 0, 0);
}

static void fs_leaf_bit(World *w, unsigned bit)
{
    rig_put(w->r, world_fs_entry(w, w->iova, 1), bit, bit, 1);
}

static void fs_pde_bit(World *w, unsigned bit)
{
    rig_put(w->r, world_fs_entry(w, w->iova, 2), bit, bit, 1);
}

static void fs_pml4e_bit(World *w, unsigned bit)
{
    rig_put(w->r, world_fs_entry(w, w->iova, 4), bit, bit, 1);
}

static void fs_large_bit(World *w, unsigned bit)
{
    world_fs_map(w, w->iova & ~UINT64_C(0x1fffff), 0x40000000, 21, FS_RWU);
    fs_pde_bit(w, bit);
}

static void fs_huge_bit(World *w, unsigned bit)
{
    world_fs_map(w, w->iova & ~UINT64_C(0x3fffffff), 0x40000000, 30,
                 FS_RWU);
    rig_put(w->r, world_fs_entry(w, w->iova, 3), bit, bit, 1);
}

static void fs_supervisor(World *w, unsigned level)
{
    rig_put(w->r, world_fs_entry(w, w->iova, level), 2, 2, 0);
}

static void fs_read_only(World *w, unsigned level)
{
    rig_put(w->r, world_fs_entry(w, w->iova, level), 1, 1, 0);
}

static void fs_leaf_fee(World *w, unsigned arg)
{
    (void)arg;
    rig_put(w->r, world_fs_entry(w, w->iova, 1), 51, 12, FEE >> 12);
}

static void no_snoop(World *w, unsigned arg)
{
    (void)arg;
    rig_put(w->r, w->pe, 87, 87, 0);
}

/* Nobody can write the table at this level. */
static void fs_rom(World *w, unsigned level)
{
    uint64_t e = world_fs_entry(w, w->iova, level);

    rig_offer(w->r, e & ~UINT64_C(0xfff), 1, RIG_ROM);
}

/* Everything is accessed already; only D of the leaf is to be set. */
static void fs_rom_dirty(World *w, unsigned arg)
{
    for (unsigned l = 1; l <= w->fs_levels; l++) {
        rig_put(w->r, world_fs_entry(w, w->iova, l), 5, 5, 1);
    }
    fs_rom(w, arg);
}

/* --- what breaks: second stage ------------------------------------------- */

/* Where the second stage is entered: iova, or what stage one gives. */
static uint64_t ipa(const World *w)
{
    return w->kind == W_NESTED ? w->gpa : w->iova;
}

static void ss_level_nowhere(World *w, unsigned level)
{
    uint64_t e = world_ss_entry(w, ipa(w), level + 1);

    rig_put(w->r, e, 51, 12, NOWHERE(w) >> 12);
}

static void ss_top_nowhere(World *w, unsigned arg)
{
    (void)arg;
    rig_put(w->r, w->pe, 63, 12, NOWHERE(w) >> 12);
}

static void ss_absent(World *w, unsigned level)
{
    rig_put(w->r, world_ss_entry(w, ipa(w), level), 1, 0, 0);
}

static void ss_leaf_rights(World *w, unsigned rights)
{
    rig_put(w->r, world_ss_entry(w, ipa(w), 1), 1, 0, rights);
}

/* One right above, the other below: together neither. */
static void ss_crossed(World *w, unsigned arg)
{
    (void)arg;
    rig_put(w->r, world_ss_entry(w, ipa(w), 2), 1, 0, SS_R);
    rig_put(w->r, world_ss_entry(w, ipa(w), 1), 1, 0, SS_W);
}

static void ss_leaf_bit(World *w, unsigned bit)
{
    rig_put(w->r, world_ss_entry(w, ipa(w), 1), bit, bit, 1);
}

static void ss_pde_bit(World *w, unsigned bit)
{
    rig_put(w->r, world_ss_entry(w, ipa(w), 2), bit, bit, 1);
}

static void ss_pml4e_bit(World *w, unsigned bit)
{
    rig_put(w->r, world_ss_entry(w, ipa(w), 4), bit, bit, 1);
}

static void ss_large_bit(World *w, unsigned bit)
{
    world_ss_map(w, ipa(w) & ~UINT64_C(0x1fffff), 0x40000000, 21, SS_RW);
    ss_pde_bit(w, bit);
}

static void ss_huge_bit(World *w, unsigned bit)
{
    world_ss_map(w, ipa(w) & ~UINT64_C(0x3fffffff), 0x40000000, 30, SS_RW);
    rig_put(w->r, world_ss_entry(w, ipa(w), 3), bit, bit, 1);
}

static void ss_leaf_fee(World *w, unsigned arg)
{
    (void)arg;
    rig_put(w->r, world_ss_entry(w, ipa(w), 1), 51, 12, FEE >> 12);
}

static void ssade_no_snoop(World *w, unsigned arg)
{
    no_snoop(w, arg);
    rig_put(w->r, w->pe, 9, 9, 1);
}

static void ssade_rom(World *w, unsigned level)
{
    uint64_t e = world_ss_entry(w, ipa(w), level);

    rig_put(w->r, w->pe, 9, 9, 1);
    rig_offer(w->r, e & ~UINT64_C(0xfff), 1, RIG_ROM);
}

/* --- what breaks: the second stage below a first-stage table ------------- */

/* The second-stage leaf that maps the table holding level's entry. */
static uint64_t ss_of_table(World *w, unsigned level)
{
    uint64_t e = world_fs_entry(w, w->iova, level);

    return world_ss_entry(w, (e & ~UINT64_C(0xfff)) + w->bias, 1);
}

static void table_write_only(World *w, unsigned level)
{
    rig_put(w->r, ss_of_table(w, level), 1, 0, SS_W);
}

static void table_read_only(World *w, unsigned level)
{
    rig_put(w->r, ss_of_table(w, level), 1, 0, SS_R);
}

/* All flags set already: nothing to write, R is enough (SSADE=0). */
static void table_absent(World *w, unsigned level)
{
    rig_put(w->r, ss_of_table(w, level), 1, 0, 0);
}

static void table_reserved(World *w, unsigned level)
{
    rig_put(w->r, ss_of_table(w, level), 51, 51, 1);
}

/* The second stage becomes one of 39 bits; the first points beyond it. */
static void fs_addr_beyond_aw(World *w, unsigned level)
{
    uint64_t pdpt = rig_r64(w->r, w->ss) & UINT64_C(0xffffffffff000);

    rig_put(w->r, w->pe, 4, 2, 1);
    rig_put(w->r, w->pe, 63, 12, pdpt >> 12);
    if (level) {
        uint64_t e = world_fs_entry(w, w->iova, level);

        rig_put(w->r, e, 39, 39, 1);
    }
}

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

/* --- rows ---------------------------------------------------------------- */

static const FaultRow first[] = {
    { SPEC(VTD_FLT_SFS_1), "read-pte-fails", 0x70, true, .want = "U0--",
      .kind = W_FS, .arm = fs_level_nowhere, .arg = 1, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SFS_1), "read-pde-fails", 0x70, true, .want = "U0--",
      .kind = W_FS, .arm = fs_level_nowhere, .arg = 2, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_1), "read-pdpe-fails", 0x70, true, .want = "U0--",
      .kind = W_FS, .arm = fs_level_nowhere, .arg = 3, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_2), "pte-absent", 0x71, true, .want = "U0--",
      .kind = W_FS, .arm = fs_absent, .arg = 1, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SFS_2), "pde-absent", 0x71, true, .want = "U0--",
      .kind = W_FS, .arm = fs_absent, .arg = 2, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_2), "pdpe-absent", 0x71, true, .want = "U0--",
      .kind = W_FS, .arm = fs_absent, .arg = 3, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_2), "pml4e-absent", 0x71, true, .want = "U0--",
      .kind = W_FS, .arm = fs_absent, .arg = 4, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_2), "nested-pte-absent", 0x71, true,
      .want = "U0--", .kind = W_NESTED, .arm = fs_absent, .arg = 1,
      .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_3), "ps-in-pml4e", 0x72, true, .want = "U0--",
      .kind = W_FS, .arm = fs_pml4e_bit, .arg = 7, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SFS_3), "1g-unsupported", 0x72, true, .want = "U0--",
      .kind = W_FS, .arm = fs_huge_bit, .arg = 7, .pasid = BOTH,
      .config = no_gigabyte },
    { SPEC(VTD_FLT_SFS_4), "top-nowhere", 0x73, true, .want = "U0--",
      .kind = W_FS, .arm = fs_top_nowhere, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SFS_5), "pml4e-beyond-second-stage", 0x74, true,
      .want = "U0--", .kind = W_NESTED, .arm = fs_addr_beyond_aw,
      .arg = 4, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SFS_5), "pte-beyond-second-stage", 0x74, true,
      .want = "U0--", .kind = W_NESTED, .arm = fs_addr_beyond_aw,
      .arg = 1, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_6), "top-table-not-readable", 0x75, true,
      .want = "U0--", .kind = W_NESTED, .arm = table_write_only,
      .arg = 4, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SFS_7), "pdpe-table-not-readable", 0x76, true,
      .want = "U0--", .kind = W_NESTED, .arm = table_write_only,
      .arg = 3, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SFS_7), "pte-table-not-readable", 0x76, true,
      .want = "U0--", .kind = W_NESTED, .arm = table_write_only,
      .arg = 1, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_8), "top-table-not-writable", 0x77, true,
      .want = "U0--", .kind = W_NESTED, .arm = table_read_only,
      .arg = 4, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SFS_8), "pte-table-not-writable", 0x77, true,
      .want = "U0--", .kind = W_NESTED, .arm = table_read_only,
      .arg = 1, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_9), "accessed-without-snoop", 0x90, true,
      .want = "U0--", .kind = W_FS, .arm = no_snoop, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SFS_9), "nested-accessed-without-snoop", 0x90, true,
      .want = "U0--", .kind = W_NESTED, .arm = no_snoop, .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_10), "pml4e-update-fails", 0x91, true,
      .want = "US--", .kind = W_FS, .arm = fs_rom, .arg = 4,
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SFS_10), "pte-update-fails", 0x91, true,
      .want = "US--", .kind = W_FS, .arm = fs_rom, .arg = 1,
      .pasid = BOTH },
    { SPEC(VTD_FLT_SFS_10), "dirty-update-fails", 0x91, true,
      .want = "US--", .kind = W_FS, .arm = fs_rom_dirty, .arg = 1,
      .access = IM_WRITE, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_1), "first-beyond-48-bits", 0x80, true,
      .want = "U0--", .kind = W_FS, .addr = UINT64_C(1) << 47,
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SGN_1), "bit-63", 0x80, true, .want = "U0--",
      .kind = W_FS, .addr = UINT64_C(0x8000007654321000),
      .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_1), "sign-half-extended", 0x80, true,
      .want = "U0--", .kind = W_NESTED,
      .addr = UINT64_C(0xfffe800000000000), .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_1), "fs5lp-does-not-widen-4-levels", 0x80, true,
      .want = "U0--", .kind = W_FS, .addr = UINT64_C(1) << 50,
      .pasid = BOTH, .config = five_level_aw_57 },
    { SPEC(VTD_FLT_SGN_2), "pte-supervisor", 0x81, true, .want = "U0--",
      .kind = W_FS, .arm = fs_supervisor, .arg = 1, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SGN_2), "pml4e-supervisor", 0x81, true,
      .want = "U0--", .kind = W_FS, .arm = fs_supervisor, .arg = 4,
      .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_2), "nested-pde-supervisor", 0x81, true,
      .want = "U0--", .kind = W_NESTED, .arm = fs_supervisor, .arg = 2,
      .pasid = BOTH },
};

static const FaultRow second[] = {
    { SPEC(VTD_FLT_SSS_1), "read-pte-fails", 0x78, true, .want = "UC--",
      .kind = W_SS, .arm = ss_level_nowhere, .arg = 1, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SSS_1), "read-pdpe-fails", 0x78, true, .want = "UC--",
      .kind = W_SS, .arm = ss_level_nowhere, .arg = 3, .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_1), "nested-read-pte-fails", 0x78, true,
      .want = "UC--", .kind = W_NESTED, .arm = ss_level_nowhere,
      .arg = 1, .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_2), "pte-absent", 0x79, true, .want = "U0--",
      .kind = W_SS, .arm = ss_absent, .arg = 1, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SSS_2), "pde-absent", 0x79, true, .want = "U0--",
      .kind = W_SS, .arm = ss_absent, .arg = 2, .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_2), "pml4e-absent", 0x79, true, .want = "U0--",
      .kind = W_SS, .arm = ss_absent, .arg = 4, .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_2), "rights-crossed", 0x79, true, .want = "U0--",
      .kind = W_SS, .arm = ss_crossed, .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_2), "nested-page-absent", 0x79, true,
      .want = "U0--", .kind = W_NESTED, .arm = ss_absent, .arg = 1,
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SSS_2), "nested-table-absent", 0x79, true,
      .want = "U0--", .kind = W_NESTED, .arm = table_absent, .arg = 3,
      .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_3), "snp-without-sc", 0x7a, true, .want = "UC--",
      .kind = W_SS, .arm = ss_leaf_bit, .arg = 11, .pasid = BOTH,
      .reach = ALL, .config = no_snoop_control },
    { SPEC(VTD_FLT_SSS_3), "snp-in-pde", 0x7a, true, .want = "UC--",
      .kind = W_SS, .arm = ss_pde_bit, .arg = 11, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SSS_3), "ps-in-pml4e", 0x7a, true, .want = "UC--",
      .kind = W_SS, .arm = ss_pml4e_bit, .arg = 7, .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_3), "2m-unsupported", 0x7a, true, .want = "UC--",
      .kind = W_SS, .arm = ss_large_bit, .arg = 7, .pasid = BOTH,
      .config = no_large },
    { SPEC(VTD_FLT_SSS_3), "1g-unsupported", 0x7a, true, .want = "UC--",
      .kind = W_SS, .arm = ss_huge_bit, .arg = 7, .pasid = BOTH,
      .config = no_large },
    { SPEC(VTD_FLT_SSS_3), "nested-under-a-table", 0x7a, true,
      .want = "UC--", .kind = W_NESTED, .arm = table_reserved, .arg = 2,
      .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_4), "top-nowhere", 0x7b, true, .want = "UC--",
      .kind = W_SS, .arm = ss_top_nowhere, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SSS_4), "nested-top-nowhere", 0x7b, true,
      .want = "UC--", .kind = W_NESTED, .arm = ss_top_nowhere,
      .pasid = BOTH },
    { SPEC(VTD_FLT_SSS_5), "accessed-without-snoop", 0x7c, true,
      .want = "UC--", .kind = W_SS, .arm = ssade_no_snoop,
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SSS_6), "pte-update-fails", 0x7d, true,
      .want = "UC--", .kind = W_SS, .arm = ssade_rom, .arg = 1,
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SSS_6), "pml4e-update-fails", 0x7d, true,
      .want = "UC--", .kind = W_SS, .arm = ssade_rom, .arg = 4,
      .pasid = BOTH },
};

static const FaultRow general[] = {
    { SPEC(VTD_FLT_SGN_4), "translated-beyond-haw", 0x83, true,
      .want = "--U-", .kind = W_SS, .addr = UINT64_C(1) << 46,
      .pasid = NO_PASID, .reach = FPD_CTX },
    { SPEC(VTD_FLT_SGN_4), "pass-through-beyond-haw", 0x83, true,
      .want = "U0--", .kind = W_PT, .addr = UINT64_C(1) << 46,
      .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SGN_5), "first-beyond-aw", 0x84, true, .want = "U0--",
      .kind = W_SS, .addr = UINT64_C(1) << 48, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SGN_5), "all-ones", 0x84, true, .want = "U0--",
      .kind = W_SS, .addr = UINT64_C(0xfffffffffffff000),
      .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_6), "pte-read-only", 0x85, true, .want = "UE--",
      .kind = W_FS, .arm = fs_read_only, .arg = 1, .access = IM_WRITE,
      .perm = IM_PERM_R, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SGN_6), "pdpe-read-only", 0x85, true, .want = "UE--",
      .kind = W_FS, .arm = fs_read_only, .arg = 3, .access = IM_ATOMIC,
      .perm = IM_PERM_R, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_6), "second-stage-read-only", 0x85, true,
      .want = "UE--", .kind = W_SS, .arm = ss_leaf_rights, .arg = SS_R,
      .access = IM_WRITE, .perm = IM_PERM_R, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SGN_6), "nested-first-read-only", 0x85, true,
      .want = "UE--", .kind = W_NESTED, .arm = fs_read_only, .arg = 1,
      .access = IM_WRITE, .perm = IM_PERM_R, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_6), "nested-second-read-only", 0x85, true,
      .want = "UE--", .kind = W_NESTED, .arm = ss_leaf_rights,
      .arg = SS_R, .access = IM_ATOMIC, .perm = IM_PERM_R,
      .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_7), "second-stage-write-only", 0x86, true,
      .want = "UE--", .kind = W_SS, .arm = ss_leaf_rights, .arg = SS_W,
      .perm = IM_PERM_W, .pasid = BOTH, .reach = ALL },
    { SPEC(VTD_FLT_SGN_7), "atomic-to-write-only", 0x86, true,
      .want = "UE--", .kind = W_SS, .arm = ss_leaf_rights, .arg = SS_W,
      .access = IM_ATOMIC, .perm = IM_PERM_W, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_7), "nested-write-only", 0x86, true,
      .want = "UE--", .kind = W_NESTED, .arm = ss_leaf_rights,
      .arg = SS_W, .perm = IM_PERM_W, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_8), "first-stage-output", 0x87, true,
      .want = "UC--", .kind = W_FS, .arm = fs_leaf_fee, .pasid = BOTH,
      .access = IM_WRITE, .reach = ALL },
    { SPEC(VTD_FLT_SGN_8), "second-stage-output", 0x87, true,
      .want = "UC--", .kind = W_SS, .arm = ss_leaf_fee, .pasid = BOTH,
      .reach = ALL },
    { SPEC(VTD_FLT_SGN_8), "nested-output", 0x87, true, .want = "UC--",
      .kind = W_NESTED, .arm = ss_leaf_fee, .pasid = BOTH },
    { SPEC(VTD_FLT_SGN_8), "translated", 0x87, true, .want = "--U-",
      .kind = W_SS, .addr = FEE + 0xff000, .pasid = NO_PASID,
      .reach = FPD_CTX },
    { SPEC(VTD_FLT_SGN_8), "pass-through-with-pasid", 0x87, true,
      .want = "U---", .kind = W_PT, .addr = FEE, .pasid = WITH_PASID,
      .reach = ALL },
};

#define FS_BITS(ARM)                                                      \
    { SPEC(VTD_FLT_SFS_3), "reserved", 0x72, true, .want = "U0--",        \
      .kind = W_FS, .arm = ARM, .pasid = WITH_PASID }
#define SS_BITS(ARM)                                                      \
    { SPEC(VTD_FLT_SSS_3), "reserved", 0x7a, true, .want = "UC--",        \
      .kind = W_SS, .arm = ARM, .pasid = NO_PASID }

static const struct {
    FaultRow row;
    unsigned lo, hi;
} bits[] = {
    { FS_BITS(fs_leaf_bit), 46, 51 },
    { FS_BITS(fs_pde_bit), 46, 51 },
    { FS_BITS(fs_pml4e_bit), 46, 51 },
    { FS_BITS(fs_large_bit), 13, 20 },
    { FS_BITS(fs_huge_bit), 13, 29 },
    { SS_BITS(ss_leaf_bit), 46, 51 },
    { SS_BITS(ss_leaf_bit), 62, 62 },           /* IW, SSIRWE=0 */
    { SS_BITS(ss_pde_bit), 46, 51 },
    { SS_BITS(ss_pml4e_bit), 46, 51 },
    { SS_BITS(ss_large_bit), 12, 20 },
    { SS_BITS(ss_huge_bit), 12, 29 },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(first); i++) {
        fault_row_add(&first[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(second); i++) {
        fault_row_add(&second[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(general); i++) {
        fault_row_add(&general[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(bits); i++) {
        FaultRow row = bits[i].row;
        g_autofree char *name = g_strdup_printf("%s-%u", row.name, i);

        row.name = name;
        fault_rows_add_bits(&row, bits[i].lo, bits[i].hi);
    }
    return g_test_run();
}
