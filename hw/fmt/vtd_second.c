/*
 * VT-d second-stage page tables, 3.7 and 9.8.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/dump.h"
#include "hw/core/field.h"
#include "hw/fmt/vtd.h"
#include "im/spec/vtd_tables.h.inc"

IM_LAYOUT(VTD_SS_TOP);
IM_LAYOUT(VTD_SS_TABLE);
IM_LAYOUT(VTD_SS_1G);
IM_LAYOUT(VTD_SS_2M);
IM_LAYOUT(VTD_SS_4K);

#define PS  IM_MASK(VTD_SST_PS)

static const char *const entry_names[] = {
    "SS-PTE", "SS-PDE", "SS-PDPE", "SS-PML4E", "SS-PML5E",
};

/* Address and must-be-zero bits by level; [0] for tables, [1] for pages. */
static const uint64_t addr_bits[5][2] = {
    { 0, IM_MASK(VTD_SS4K_ADDR) },
    { IM_MASK(VTD_SST_ADDR), IM_MASK(VTD_SS2M_ADDR) },
    { IM_MASK(VTD_SST_ADDR), IM_MASK(VTD_SS1G_ADDR) },
    { IM_MASK(VTD_SS_ADDR), 0 },
    { IM_MASK(VTD_SS_ADDR), 0 },
};

static const uint64_t zero_bits[5][2] = {
    { 0, IM_RSVD(VTD_SS_4K) },
    { IM_RSVD(VTD_SS_TABLE), IM_RSVD(VTD_SS_2M) },
    { IM_RSVD(VTD_SS_TABLE), IM_RSVD(VTD_SS_1G) },
    { IM_RSVD(VTD_SS_TOP), 0 },
    { IM_RSVD(VTD_SS_TOP), 0 },
};

IM_RULE(VTD_9_8_IO_RW);
static uint8_t ss_rights(const ImPtStage *st, uint64_t pte)
{
    bool io = st->flags & IM_VTD_SS_IRWE;
    uint64_t r = io ? IM_MASK(VTD_SS_IR) : IM_MASK(VTD_SS_RD);
    uint64_t w = io ? IM_MASK(VTD_SS_IW) : IM_MASK(VTD_SS_WR);

    return (uint8_t)((pte & r ? IM_PERM_R : 0) | (pte & w ? IM_PERM_W : 0));
}

/* What the capabilities add to the bits that must be zero. */
static uint64_t ss_unsupported(const ImPtStage *st, unsigned level, bool leaf)
{
    uint64_t zero = 0;

    if ((level == 1 && !(st->flags & IM_VTD_SS_2M)) ||
        (level == 2 && !(st->flags & IM_VTD_SS_1G))) {
        zero |= PS;
    }
    if (leaf && !(st->flags & IM_VTD_SS_SC)) {
        zero |= IM_MASK(VTD_SS4K_SNP);
    }
    if (!(st->flags & IM_VTD_SS_IRWE)) {
        zero |= IM_MASK(VTD_SS_IW);
    }
    return zero;
}

IM_RULE(VTD_3_7_LEVELS);
static inline bool ss_is_leaf(unsigned level, uint64_t pte)
{
    return level == 0 || (level <= 2 && (pte & PS));
}

static inline uint64_t ss_reserved(const ImPtStage *st, unsigned level,
                                   uint64_t pte)
{
    bool leaf = ss_is_leaf(level, pte);

    return pte &
           (zero_bits[level][leaf] | (addr_bits[level][leaf] & ~st->out_mask) |
            ss_unsupported(st, level, leaf));
}

uint64_t im_vtd_second_stage_reserved(const ImPtStage *st, unsigned level,
                                      uint64_t pte)
{
    return ss_reserved(st, level, pte);
}

uint8_t im_vtd_second_stage_rights(const ImPtStage *st, uint64_t pte)
{
    return ss_rights(st, pte);
}

/* For people; by level, [0] for tables, [1] for pages. */
static const ImFieldRow *const fields[5][2] = {
    { NULL, IM_FIELDS(VTD_SS_4K) },
    { IM_FIELDS(VTD_SS_TABLE), IM_FIELDS(VTD_SS_2M) },
    { IM_FIELDS(VTD_SS_TABLE), IM_FIELDS(VTD_SS_1G) },
    { IM_FIELDS(VTD_SS_TOP), NULL },
    { IM_FIELDS(VTD_SS_TOP), NULL },
};

const ImFieldRow *im_vtd_second_stage_fields(unsigned level, uint64_t pte)
{
    return fields[level][ss_is_leaf(level, pte)];
}

IM_RULE(VTD_3_7_2_AD);
static ImPteKind ss_decode(const ImPtStage *st, unsigned level, uint64_t pte,
                           ImPteView *v)
{
    bool leaf = ss_is_leaf(level, pte);

    v->perm = ss_rights(st, pte);
    if (!v->perm) {
        return IM_PTE_FAULT;
    }
    if (ss_reserved(st, level, pte)) {
        return IM_PTE_RSVD;
    }
    v->addr = pte & addr_bits[level][leaf];
    v->used = 0;
    v->dirty = 0;
    if (st->flags & IM_VTD_SS_AD) {
        v->used = IM_MASK(VTD_SS_A);
        v->dirty = leaf ? v->used | IM_MASK(VTD_SS4K_D) : 0;
    }
    v->attr = leaf && (pte & IM_MASK(VTD_SS4K_SNP)) ? IM_VTD_SNP : 0;
    v->shift = (uint8_t)im_pt_level_shift(st->fmt, level);
    return leaf ? IM_PTE_LEAF : IM_PTE_TABLE;
}

const ImPtFormat im_vtd_second_stage = {
    .name = "VT-d second stage",
    .entry = entry_names,
    .levels = 5,
    .index_bits = 9,
    .page_shift = 12,
    .entry_size = 8,
    .decode = ss_decode,
};
