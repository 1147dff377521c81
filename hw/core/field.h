/*
 * Bit layouts as rows that prove themselves.
 *
 * A layout is a macro over three row macros, in manual order, covering all
 * 64 bits of one quad-word:
 *
 *     #define VTD_ROOT0(F, R, I)  F(ROOT, P, 0, 0) R(11, 1) F(ROOT, CTP, 63, 12)
 *
 * F names a field, R is reserved (must be zero), I is ignored by hardware.
 * IM_LAYOUT(VTD_ROOT0) declares ROOT_P_HI, ROOT_P_LO, ... and fails to
 * compile when the rows leave a hole or overlap.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_FIELD_H
#define HW_CORE_FIELD_H

#include <glib.h>
#include <stdint.h>

/* For parts of what every request does: to call them would keep what they
 * share in memory. */
#define IM_INLINE  static inline __attribute__((always_inline))

#define IM_BITS(hi, lo)  (UINT64_MAX >> (63 - (hi) + (lo)) << (lo))

#define IM_MASK(field)          IM_BITS(field##_HI, field##_LO)
#define IM_GET(word, field)     (((word) & IM_MASK(field)) >> field##_LO)
#define IM_PUT(field, val)      (((uint64_t)(val) << field##_LO) & IM_MASK(field))
#define IM_SET(word, field, val) \
    (((word) & ~IM_MASK(field)) | IM_PUT(field, val))

#define IM_F_NONE_(unit, field, hi, lo)
#define IM_RI_NONE_(hi, lo)
#define IM_F_ENUM_(unit, field, hi, lo) \
    unit##_##field##_HI = (hi), unit##_##field##_LO = (lo),
#define IM_F_OR_(unit, field, hi, lo)   | IM_BITS(hi, lo)
#define IM_RI_OR_(hi, lo)               | IM_BITS(hi, lo)
#define IM_F_ADD_(unit, field, hi, lo)  + ((hi) - (lo) + 1)
#define IM_RI_ADD_(hi, lo)              + ((hi) - (lo) + 1)

#define IM_LAYOUT(L)                                                      \
    enum { L(IM_F_ENUM_, IM_RI_NONE_, IM_RI_NONE_) };                     \
    G_STATIC_ASSERT((0 L(IM_F_OR_, IM_RI_OR_, IM_RI_OR_)) == UINT64_MAX); \
    G_STATIC_ASSERT((0 L(IM_F_ADD_, IM_RI_ADD_, IM_RI_ADD_)) == 64)

/* The bits of a layout that must be zero. */
#define IM_RSVD(L)  (UINT64_C(0) L(IM_F_NONE_, IM_RI_OR_, IM_RI_NONE_))

#endif /* HW_CORE_FIELD_H */
