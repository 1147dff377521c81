/*
 * A guest's own tables, in memory that a parent space maps at its user
 * address. Four levels of 4 KiB, as VT-d's first stage and Arm's stage 1
 * have them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_UNIT_IOASID_GUEST_H
#define TESTS_UNIT_IOASID_GUEST_H

#include "rig.h"

#define GUEST_BASE   0x10000u       /* first guest page that is mapped */
#define GUEST_BYTES  (USER_BYTES - GUEST_BASE)

/* P, RW, US; valid table, page with AF, AP[1], nG */
#define VTD_TABLE  UINT64_C(7)
#define VTD_PAGE   UINT64_C(7)
#define VTD_A      (UINT64_C(1) << 5)
#define VTD_D      (UINT64_C(1) << 6)
#define ARM_TABLE  UINT64_C(3)
#define ARM_PAGE   (UINT64_C(3) | 1 << 10 | 1 << 6 | 1 << 11)
#define ARM_READ_ONLY  (UINT64_C(1) << 7)

typedef struct Guest {
    Rig *r;
    ImuRef parent;
    uint64_t next;                  /* guest-physical, of a free page */
} Guest;

static inline uint64_t guest_get(Guest *g, uint64_t pa)
{
    uint64_t v = 0;

    rig_copy(g->r, pa, &v, 8, false);
    return GUINT64_FROM_LE(v);
}

static inline void guest_set(Guest *g, uint64_t pa, uint64_t v)
{
    v = GUINT64_TO_LE(v);
    rig_copy(g->r, pa, &v, 8, true);
}

static inline uint64_t guest_page(Guest *g)
{
    g->next += PAGE;
    g_assert_cmphex(g->next, <=, USER_BYTES);
    return g->next - PAGE;
}

static inline Guest guest_new(ImuMapMode mode)
{
    Guest g = { .r = rig_new(mode), .next = GUEST_BASE + 0x1000 };

    g.parent = rig_mapped(g.r, IMU_SPACE_PARENT | IMU_SPACE_DIRTY);
    g_assert_cmpint(
        rig_map(g.r, g.parent, RW, GUEST_BASE, GUEST_BASE, GUEST_BYTES), ==, 0);
    return g;
}

/* Where the entry of va in the table's level 0 is. */
static inline uint64_t guest_entry(Guest *g, uint64_t root, uint64_t va,
                                   uint64_t table)
{
    for (unsigned level = 3; level > 0; level--) {
        uint64_t at = root + (va >> (12 + 9 * level) & 511) * 8;

        if (!guest_get(g, at)) {
            guest_set(g, at, guest_page(g) | table);
        }
        root = guest_get(g, at) & UINT64_C(0xffffffffff000);
    }
    return root + (va >> 12 & 511) * 8;
}

static inline ImuRef guest_vtd(Guest *g, uint64_t root)
{
    ImuVtdFirst first = { .root = root };

    return rig_space(g->r, IMU_SPACE_NESTED, 0, g->parent, IMU_FORMAT_VTD_FIRST,
                     &first, sizeof(first));
}

/* Config 101, EATS 01; substreams: log2, in a linear table. */
static inline ImuRef guest_smmu(Guest *g, ImuSpaceKind kind, uint64_t cds,
                                unsigned substreams, unsigned s1dss)
{
    ImuSmmuSte ste = {
        .ste = { 1 | 5 << 1 | cds | (uint64_t)substreams << 59,
                 s1dss | UINT64_C(1) << 28 },
    };

    return rig_space(g->r, kind, 0, g->parent, IMU_FORMAT_SMMU_STE, &ste,
                     sizeof(ste));
}

/* T0SZ 16, 4 KiB, EPD1, IPS 48 bits, AA64, ASET, R, A */
static inline void guest_cd(Guest *g, uint64_t at, uint64_t root, uint16_t asid)
{
    guest_set(g, at,
              16 | UINT64_C(1) << 30 | UINT64_C(1) << 31 | UINT64_C(5) << 32 |
                  UINT64_C(1) << 41 | UINT64_C(1) << 45 | UINT64_C(1) << 46 |
                  UINT64_C(1) << 47 | (uint64_t)asid << 48);
    guest_set(g, at + 8, root);
    guest_set(g, at + 24, 0xff);
}

#endif /* TESTS_UNIT_IOASID_GUEST_H */
