/*
 * VT-d first-stage page tables, 3.6 and 9.7.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/dump.h"
#include "hw/core/field.h"
#include "hw/fmt/vtd.h"
#include "im/spec/vtd_tables.h.inc"

IM_LAYOUT(VTD_FS_TOP);
IM_LAYOUT(VTD_FS_TABLE);
IM_LAYOUT(VTD_FS_1G);
IM_LAYOUT(VTD_FS_2M);
IM_LAYOUT(VTD_FS_4K);

#define PS  IM_MASK(VTD_FST_PS)

static const char *const entry_names[] = {
    "FS-PTE", "FS-PDE", "FS-PDPE", "FS-PML4E", "FS-PML5E",
};

/* Address and must-be-zero bits by level; [0] for tables, [1] for pages. */
static const uint64_t addr_bits[5][2] = {
    { 0, IM_MASK(VTD_FS4K_ADDR) },
    { IM_MASK(VTD_FST_ADDR), IM_MASK(VTD_FS2M_ADDR) },
    { IM_MASK(VTD_FST_ADDR), IM_MASK(VTD_FS1G_ADDR) },
    { IM_MASK(VTD_FS_ADDR), 0 },
    { IM_MASK(VTD_FS_ADDR), 0 },
};

static const uint64_t zero_bits[5][2] = {
    { 0, IM_RSVD(VTD_FS_4K) },
    { IM_RSVD(VTD_FS_TABLE), IM_RSVD(VTD_FS_2M) },
    { IM_RSVD(VTD_FS_TABLE), IM_RSVD(VTD_FS_1G) },
    { IM_RSVD(VTD_FS_TOP), 0 },
    { IM_RSVD(VTD_FS_TOP), 0 },
};

IM_RULE(VTD_3_6_LEVELS);
static inline bool fs_is_leaf(unsigned level, uint64_t pte)
{
    return level == 0 || (level <= 2 && (pte & PS));
}

static inline uint64_t fs_reserved(const ImPtStage *st, unsigned level,
                                   uint64_t pte)
{
    bool leaf = fs_is_leaf(level, pte);
    uint64_t zero = zero_bits[level][leaf] |
                    (addr_bits[level][leaf] & ~st->out_mask);

    if (level == 2 && !(st->flags & IM_VTD_FS_1GP)) {
        zero |= PS;
    }
    return pte & zero;
}

uint64_t im_vtd_first_stage_reserved(const ImPtStage *st, unsigned level,
                                     uint64_t pte)
{
    return fs_reserved(st, level, pte);
}

/* For people; by level, [0] for tables, [1] for pages. */
static const ImFieldRow *const fields[5][2] = {
    { NULL, IM_FIELDS(VTD_FS_4K) },
    { IM_FIELDS(VTD_FS_TABLE), IM_FIELDS(VTD_FS_2M) },
    { IM_FIELDS(VTD_FS_TABLE), IM_FIELDS(VTD_FS_1G) },
    { IM_FIELDS(VTD_FS_TOP), NULL },
    { IM_FIELDS(VTD_FS_TOP), NULL },
};

const ImFieldRow *im_vtd_first_stage_fields(unsigned level, uint64_t pte)
{
    return fields[level][fs_is_leaf(level, pte)];
}

IM_RULE(VTD_3_6_2_ACCESSED);
IM_RULE(VTD_3_6_2_DIRTY);
static ImPteKind fs_decode(const ImPtStage *st, unsigned level, uint64_t pte,
                           ImPteView *v)
{
    bool super = st->flags & IM_VTD_FS_SUPER;
    bool leaf = fs_is_leaf(level, pte);

    if (!(pte & IM_MASK(VTD_FS_P))) {
        return IM_PTE_FAULT;
    }
    if (fs_reserved(st, level, pte)) {
        return IM_PTE_RSVD;
    }
    v->addr = pte & addr_bits[level][leaf];
    v->used = IM_MASK(VTD_FS_A);
    if (st->flags & IM_VTD_FS_EAFE) {
        v->used |= IM_MASK(VTD_FS_EA);
    }
    v->dirty = leaf ? v->used | IM_MASK(VTD_FS4K_D) : 0;
    v->perm = IM_PERM_R;
    if ((pte & IM_MASK(VTD_FS_RW)) || (super && !(st->flags & IM_VTD_FS_WPE))) {
        v->perm |= IM_PERM_W;
    }
    if (super || (pte & IM_MASK(VTD_FS_US))) {
        v->perm |= IM_PT_USER;
    }
    v->attr = 0;
    v->shift = (uint8_t)im_pt_level_shift(st->fmt, level);
    return leaf ? IM_PTE_LEAF : IM_PTE_TABLE;
}

const ImPtFormat im_vtd_first_stage = {
    .name = "VT-d first stage",
    .entry = entry_names,
    .levels = 5,
    .index_bits = 9,
    .page_shift = 12,
    .entry_size = 8,
    .decode = fs_decode,
};
