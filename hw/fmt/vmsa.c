/*
 * VMSAv8-64 translation tables, stage 1 and 2, of the three granules.
 * A walker's level counts from the leaf: level 0 is the architecture's 3.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/field.h"
#include "hw/fmt/smmu.h"
#include "im/spec/smmu_tables.h.inc"

IM_LAYOUT(VMSA_TABLE);
IM_LAYOUT(VMSA_S1);
IM_LAYOUT(VMSA_S2);

/*
 * Raw permission bits: what an entry does not take away. Four, so that they
 * fit where other formats keep ImPerm bits and IM_PT_USER.
 */
#define S1_PX    1u             /* not PXN */
#define S1_UX    2u             /* not UXN */
#define S1_USER  4u             /* unprivileged may access */
#define S1_W     8u             /* not read-only */
#define S2_R     1u
#define S2_W     2u
#define S2_UX    4u             /* unprivileged may execute */
#define S2_PX    8u
#define RAW_ALL  15u

#define DBM      IM_MASK(VMSA_S1_DBM)
#define AF       IM_MASK(VMSA_S1_AF)

G_STATIC_ASSERT((int)VMSA_S1_AF_LO == (int)VMSA_S2_AF_LO);
G_STATIC_ASSERT((int)VMSA_S1_AF_LO == (int)VMSA_TABLE_AF_LO);
G_STATIC_ASSERT((int)VMSA_S1_DBM_LO == (int)VMSA_S2_DBM_LO);
G_STATIC_ASSERT((int)VMSA_S1_ADDR_LO == (int)VMSA_S2_ADDR_LO);
G_STATIC_ASSERT((int)VMSA_S1_ADDR_LO == (int)VMSA_TABLE_ADDR_LO);

/* Those of stage 1 in the order in which table descriptors take them. */
G_STATIC_ASSERT((int)VMSA_TABLE_UXN_LO == (int)VMSA_TABLE_PXN_LO + 1);
G_STATIC_ASSERT((int)VMSA_TABLE_AP_LO == (int)VMSA_TABLE_PXN_LO + 2);

static const char *const s1_names[] = { "S1-L3", "S1-L2", "S1-L1", "S1-L0" };
static const char *const s2_names[] = { "S2-L3", "S2-L2", "S2-L1", "S2-L0" };

/* --- what both stages share --------------------------------------------- */

/* At which levels a block may be, by granule. */
IM_RULE(SMMU_VMSA_BLOCK);
static bool vmsa_block_allowed(const ImPtStage *st, unsigned level)
{
    switch (st->fmt->page_shift) {
    case 12:
        return level == 1 || level == 2;
    case 14:
        return level == 1;
    default:
        return level == 1 || (level == 2 && (st->flags & IM_VMSA_PA52));
    }
}

IM_RULE(SMMU_VMSA_INVALID);
IM_INLINE ImPteKind vmsa_kind_of(const ImPtStage *st, unsigned level,
                                 uint64_t pte)
{
    bool type = pte & IM_MASK(VMSA_S1_TYPE);

    if (!(pte & IM_MASK(VMSA_S1_VALID))) {
        return IM_PTE_FAULT;
    }
    if (level == 0) {
        return type ? IM_PTE_LEAF : IM_PTE_FAULT;
    }
    if (type) {
        return IM_PTE_TABLE;
    }
    return vmsa_block_allowed(st, level) ? IM_PTE_LEAF : IM_PTE_FAULT;
}

/* Bits below the size are other fields. */
IM_RULE(SMMU_VMSA_PA52);
IM_INLINE uint64_t vmsa_address(const ImPtStage *st, uint64_t pte,
                                unsigned shift)
{
    uint64_t addr = pte & IM_MASK(VMSA_S1_ADDR);

    if (st->flags & IM_VMSA_PA52) {
        addr |= (addr & IM_BITS(15, 12)) << 36;
    }
    return addr & ~((UINT64_C(1) << shift) - 1);
}

/* Kind, address and flags of any entry. The order is the architecture's. */
IM_RULE(SMMU_VMSA_ORDER);
IM_INLINE ImPteKind vmsa_common(const ImPtStage *st, unsigned level,
                                uint64_t pte, ImPteView *v)
{
    ImPteKind kind = vmsa_kind_of(st, level, pte);

    if (kind == IM_PTE_FAULT) {
        return kind;
    }
    v->shift = kind == IM_PTE_TABLE ?
                   st->fmt->page_shift :
                   (uint8_t)im_pt_level_shift(st->fmt, level);
    v->addr = vmsa_address(st, pte, v->shift);
    v->perm = RAW_ALL;
    v->dirty = 0;
    v->clean = 0;
    if (v->addr & ~st->out_mask) {
        IM_RULE(SMMU_VMSA_ADDR_SIZE);
        return IM_PTE_SIZE;
    }
    if (kind == IM_PTE_TABLE) {
        IM_RULE(SMMU_VMSA_HAFT);
        v->used = st->flags & IM_VMSA_HAFT ? AF : 0;
        return kind;
    }
    IM_RULE(SMMU_VMSA_AF);
    v->used = st->flags & IM_VMSA_HA ? AF : 0;
    if (!((pte | v->used) & AF) && !(st->flags & IM_VMSA_AFFD)) {
        return IM_PTE_UNUSED;
    }
    return kind;
}

static bool vmsa_dirty_by_hardware(const ImPtStage *st, uint64_t pte)
{
    return (st->flags & IM_VMSA_HD) && (pte & DBM);
}

/* --- stage 1 ------------------------------------------------------------ */

IM_RULE(SMMU_VMSA_TABLE_ATTR);
IM_INLINE uint8_t vmsa_hierarchical(const ImPtStage *st, uint64_t pte)
{
    return (uint8_t)(st->flags & IM_VMSA_HAD ?
                         RAW_ALL :
                         RAW_ALL & ~(pte >> VMSA_TABLE_PXN_LO));
}

static ImPteKind vmsa_s1_decode(const ImPtStage *st, unsigned level,
                                uint64_t pte, ImPteView *v)
{
    ImPteKind kind = vmsa_common(st, level, pte, v);
    bool dbm;

    if (kind == IM_PTE_TABLE) {
        v->perm = vmsa_hierarchical(st, pte);
    }
    if (kind != IM_PTE_LEAF) {
        return kind;
    }
    /* With DBM, AP[2] says "clean". */
    IM_RULE(SMMU_VMSA_DBM_S1);
    dbm = vmsa_dirty_by_hardware(st, pte);
    v->clean = dbm ? IM_MASK(VMSA_S1_AP2) : 0;
    v->perm = (uint8_t)((pte & IM_MASK(VMSA_S1_AP1) ? S1_USER : 0) |
                        (dbm || !(pte & IM_MASK(VMSA_S1_AP2)) ? S1_W : 0) |
                        (pte & IM_MASK(VMSA_S1_PXN) ? 0 : S1_PX) |
                        (pte & IM_MASK(VMSA_S1_UXN) ? 0 : S1_UX));
    v->attr = (uint16_t)(IM_GET(pte, VMSA_S1_ATTRINDX) | IM_GET(pte, VMSA_S1_SH)
                                                             << 4);
    if ((pte & IM_MASK(VMSA_S1_NG)) && !(st->flags & IM_VMSA_ONE)) {
        v->attr |= IM_VMSA_NG;
    }
    return kind;
}

/* AP[1], PXN and PnU mean nothing there. */
IM_RULE(SMMU_VMSA_EL2);
static uint8_t vmsa_one_privilege(const ImPtStage *st, uint8_t raw)
{
    bool w = raw & S1_W;
    bool x = (raw & S1_UX) && !(w && (st->flags & IM_VMSA_WXN));

    return (uint8_t)(IM_PERM_R | (w ? IM_PERM_W : 0) | (x ? IM_PERM_X : 0));
}

IM_RULE(SMMU_VMSA_AP);
IM_RULE(SMMU_VMSA_XN);
IM_RULE(SMMU_VMSA_WXN);
static uint8_t vmsa_s1_rights(const ImPtStage *st, uint8_t raw)
{
    bool user = raw & S1_USER;
    bool priv = st->flags & IM_VMSA_PRIV;
    bool r = true;
    bool w = raw & S1_W;
    bool x;

    if (st->flags & IM_VMSA_ONE) {
        return vmsa_one_privilege(st, raw);
    }
    if (priv) {
        x = (raw & S1_PX) && !(user && w);
    } else {
        r = user;
        w = user && w;
        x = raw & S1_UX;
    }
    if (w && (st->flags & IM_VMSA_WXN)) {
        x = false;
    }
    /* Data only. */
    IM_RULE(SMMU_VMSA_PAN);
    if (priv && (st->flags & IM_VMSA_PAN) &&
        (user || ((st->flags & IM_VMSA_EPAN) && (raw & S1_UX)))) {
        r = false;
        w = false;
    }
    return (uint8_t)((r ? IM_PERM_R : 0) | (w ? IM_PERM_W : 0) |
                     (x ? IM_PERM_X : 0));
}

/* --- stage 2 ------------------------------------------------------------ */

IM_RULE(SMMU_VMSA_XNX);
static uint8_t vmsa_s2_execute(const ImPtStage *st, uint64_t pte)
{
    static const uint8_t xnx[] = { S2_UX | S2_PX, S2_UX, 0, S2_PX };
    uint64_t xn = IM_GET(pte, VMSA_S2_XN);

    return xnx[st->flags & IM_VMSA_XNX ? xn : xn & 2];
}

static bool vmsa_is_device(const ImPtStage *st, uint64_t memattr)
{
    /* Reserved values, which are as good as Device, among them. */
    return st->flags & IM_VMSA_FWB ?
               !(memattr & 4) || (memattr & 7) == 4 :
               !(memattr & 12) ||
                   (!(memattr & 3) &&
                    !(memattr == 4 && (st->flags & IM_VMSA_NOTAG)));
}

static ImPteKind vmsa_s2_decode(const ImPtStage *st, unsigned level,
                                uint64_t pte, ImPteView *v)
{
    ImPteKind kind = vmsa_common(st, level, pte, v);
    uint64_t memattr = IM_GET(pte, VMSA_S2_MEMATTR);
    bool dbm;

    if (kind != IM_PTE_LEAF) {
        return kind;
    }
    /* With DBM, S2AP[1] says "dirty". */
    IM_RULE(SMMU_VMSA_DBM_S2);
    dbm = vmsa_dirty_by_hardware(st, pte);
    v->dirty = dbm ? IM_MASK(VMSA_S2_S2AP1) : 0;
    IM_RULE(SMMU_VMSA_S2AP);
    v->perm = (uint8_t)((pte & IM_MASK(VMSA_S2_S2AP0) ? S2_R : 0) |
                        (dbm || (pte & IM_MASK(VMSA_S2_S2AP1)) ? S2_W : 0) |
                        vmsa_s2_execute(st, pte));
    v->attr = (uint16_t)(memattr | IM_GET(pte, VMSA_S2_SH) << 4);
    IM_RULE(SMMU_STE_S2PTW);
    v->no_tables = (st->flags & IM_VMSA_PTW) && vmsa_is_device(st, memattr);
    return kind;
}

static uint8_t vmsa_s2_rights(const ImPtStage *st, uint8_t raw)
{
    uint8_t x = st->flags & IM_VMSA_PRIV ? S2_PX : S2_UX;

    return (uint8_t)((raw & S2_R ? IM_PERM_R : 0) |
                     (raw & S2_W ? IM_PERM_W : 0) | (raw & x ? IM_PERM_X : 0));
}

/* --- the formats -------------------------------------------------------- */

#define FORMAT(stage, text, n_levels, bits, shift)                        \
    { .name = "stage " text, .entry = stage##_names,                      \
      .levels = (n_levels), .index_bits = (bits), .page_shift = (shift),  \
      .entry_size = 8, .decode = vmsa_##stage##_decode,                   \
      .rights = vmsa_##stage##_rights }

const ImPtFormat im_vmsa_s1[3] = {
    FORMAT(s1, "1, 4K", 4, 9, 12),
    FORMAT(s1, "1, 16K", 4, 11, 14),
    FORMAT(s1, "1, 64K", 3, 13, 16),
};

const ImPtFormat im_vmsa_s2[3] = {
    FORMAT(s2, "2, 4K", 4, 9, 12),
    FORMAT(s2, "2, 16K", 4, 11, 14),
    FORMAT(s2, "2, 64K", 3, 13, 16),
};
