/*
 * What the decoders of STE and CD share, in line: a request that misses
 * every cache waits for both.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_FMT_SMMU_INT_H
#define HW_FMT_SMMU_INT_H

#include "hw/fmt/smmu.h"

G_STATIC_ASSERT((int)SMMU_IDR5_GRAN16K_LO == (int)SMMU_IDR5_GRAN4K_LO + 1);
G_STATIC_ASSERT((int)SMMU_IDR5_GRAN64K_LO == (int)SMMU_IDR5_GRAN4K_LO + 2);

#define IDR(ids, n, field) \
    ((unsigned)IM_GET((uint64_t)(ids)->idr[n], SMMU_IDR##n##_##field))

/* STALL_MODEL, HTTU, TTENDIAN */
enum { STALL_BOTH = 0, STALL_NONE = 1, STALL_FORCED = 2 };
enum { HTTU_AF = 1, HTTU_DIRTY = 2, HTTU_HAFT = 3 };
enum { TTENDIAN_BIG = 3 };

/* A row (tag, is it broken?, what is said then) of rules, in a function that
 * answers with the first that is. */
#define IM_SMMU_RULE(tag, broken, text) \
    if (G_UNLIKELY(broken(x))) {        \
        return IM_CLAUSE(tag);          \
    }

/* Index of a granule in im_vmsa_s1[] and im_vmsa_s2[], or -1: reserved, or
 * not implemented. code: as in S2TG and TG0. */
IM_INLINE int im_smmu_granule(const ImSmmuIds *ids, unsigned code)
{
    static const int8_t granule[] = { 0, 2, 1, -1 };
    unsigned have = ids->idr[5] >> SMMU_IDR5_GRAN4K_LO;
    int g = granule[code];

    return g >= 0 && (have >> g & 1) ? g : -1;
}

/* Address bits that a PS, IPS or OAS encoding stands for, capped to OAS. */
IM_INLINE unsigned im_smmu_size(const ImSmmuIds *ids, unsigned code)
{
    return MIN(im_smmu_size_bits(code), im_smmu_oas(ids));
}

/* Limits of T0SZ, T1SZ and S2T0SZ, but for the lower one of the latter. */
IM_INLINE unsigned im_smmu_tsz_max(const ImSmmuIds *ids, int granule)
{
    if (!IDR(ids, 3, STT)) {
        return 39;
    }
    return granule == 2 ? 47 : 48;
}

/* Has a table base bits that it may not have? */
IM_RULE(SMMU_VMSA_TTB);
IM_INLINE bool im_smmu_ttb_beyond(uint64_t ttb, int granule, unsigned size)
{
    return ttb >> (granule == 2 ? size : MIN(size, 48));
}

/* Root, output mask and PA52 of a stage whose top is known. */
IM_INLINE void im_smmu_set_output(const ImSmmuIds *ids, ImPtStage *st,
                                  uint64_t ttb, unsigned size)
{
    unsigned align = 3u + st->top_bits;

    if (size == 52) {
        align = MAX(align, 6);
    }
    st->root = ttb & ~((UINT64_C(1) << align) - 1);
    st->out_mask = (UINT64_C(1) << size) - 1;
    if (st->fmt->page_shift == 16 && im_smmu_oas(ids) == 52) {
        st->flags |= IM_VMSA_PA52;
    }
}

/* The same row, of a table for people. */
typedef struct ImSmmuRuleText {
    ImClause clause;
    const char *text;
} ImSmmuRuleText;

#define IM_SMMU_RULE_TEXT(tag, broken, text)  { IM_CLAUSE(tag), text },

static inline const char *im_smmu_rule_text(const ImSmmuRuleText *rows,
                                            size_t n, ImClause clause)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].clause == clause) {
            return rows[i].text;
        }
    }
    return "";
}

#endif /* HW_FMT_SMMU_INT_H */
