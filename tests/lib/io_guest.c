/*
 * A guest's own tables, for tests of the IOASID backend.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_guest.h"
#include "lib/smmu_build.h"
#include "lib/vtd_build.h"

static uint64_t pa_of(const Io *io, uint64_t gpa)
{
    g_assert_cmphex(gpa, <, (uint64_t)IO_PAGES * IO_PAGE);
    return io_pa(io, 0) + gpa;
}

uint64_t io_guest_get(Io *io, uint64_t gpa)
{
    return rig_r64(io->r, pa_of(io, gpa));
}

void io_guest_set(Io *io, uint64_t gpa, uint64_t val)
{
    rig_w64(io->r, pa_of(io, gpa), val);
}

static ImuRef nested(Io *io, ImuSpaceCreate *s, const void *data, size_t n)
{
    s->data = io_at(io, IO_ARG_PAGE) + 2048;
    s->data_size = (uint32_t)n;
    io_put(io, s->data, data, n);
    g_assert_cmpint(io_SPACE_CREATE(io, s), ==, 0);
    return s->space;
}

/* --- Arm ---------------------------------------------------------------- */

ImuRef io_smmu(Io *io, ImuRef set, ImuSpaceKind kind, ImuRef parent,
               ImuRef faultq, const IoSte *ste)
{
    /* V, Config 101, S1Fmt, S1ContextPtr, S1CDMax; S1DSS, EATS */
    ImuSmmuSte in = {
        .ste = { 1 | 5 << 1 | (uint64_t)ste->fmt << 4 | ste->cds |
                     (uint64_t)ste->cdmax << 59,
                 ste->dss | (uint64_t)ste->ats << 28 },
    };
    ImuSpaceCreate s = {
        .set = set,
        .kind = kind,
        .format = IMU_FORMAT_SMMU_STE,
        .parent = parent,
        .faultq = faultq,
    };

    return nested(io, &s, &in, sizeof(in));
}

void io_cd(Io *io, uint64_t at, const IoCd *cd)
{
    uint64_t pa = pa_of(io, at);

    for (unsigned i = 0; i < 8; i++) {
        rig_w64(io->r, pa + 8 * i, 0);
    }
    rig_put(io->r, pa, CD_T0SZ, 64 - cd->bits);
    rig_put(io->r, pa, CD_TG0, sb_tg0(cd->g));
    rig_put(io->r, pa, CD_EPD1, 1);
    rig_put(io->r, pa, CD_IPS, sb_ps(48));
    rig_put(io->r, pa, CD_AA64, 1);
    rig_put(io->r, pa, CD_R, 1);
    rig_put(io->r, pa, CD_A, 1);
    rig_put(io->r, pa, CD_ASET, 1);
    rig_put(io->r, pa, CD_ASID, cd->asid);
    rig_put(io->r, pa, CD_TTB0, cd->root >> 4);
    rig_put(io->r, pa, CD_MAIR, 0xff);
    rig_put(io->r, pa, CD_V, 1);
}

void io_cd_leaf(Io *io, uint64_t l1, unsigned i, uint64_t leaf)
{
    io_guest_set(io, l1 + 8 * i, leaf | 1);
}

/* Where the last entry on the way of va is. */
static uint64_t io_arm_entry(Io *io, const IoCd *cd, uint64_t *next,
                             uint64_t va)
{
    unsigned start = sb_start_level(cd->g, cd->bits);
    uint64_t table = cd->root;

    for (unsigned level = start;; level++) {
        uint64_t at = table + 8 * sb_index(cd->g, cd->bits, start, level, va);

        if (level == 3) {
            return at;
        }
        if (!io_guest_get(io, at)) {
            io_guest_set(io, at, sb_addr_desc(cd->g, *next) | D_V | D_TABLE);
            *next += UINT64_C(1) << cd->g;
        }
        table = sb_desc_addr(cd->g, io_guest_get(io, at));
    }
}

void io_arm_map(Io *io, const IoCd *cd, uint64_t *next, uint64_t va,
                uint64_t gpa)
{
    io_guest_set(io, io_arm_entry(io, cd, next, va),
                 sb_addr_desc(cd->g, gpa) | D_V | D_TABLE | SB_S1);
}

/* --- VT-d --------------------------------------------------------------- */

ImuRef io_vtd(Io *io, ImuRef set, ImuRef parent, ImuRef faultq, uint64_t root,
              uint32_t flags)
{
    ImuVtdFirst in = { .root = root, .flags = flags };
    ImuSpaceCreate s = {
        .set = set,
        .kind = IMU_SPACE_NESTED,
        .format = IMU_FORMAT_VTD_FIRST,
        .parent = parent,
        .faultq = faultq,
    };

    return nested(io, &s, &in, sizeof(in));
}

uint64_t io_vtd_entry(Io *io, uint64_t root, unsigned levels, uint64_t *next,
                      uint64_t va, uint64_t table_flags)
{
    for (unsigned level = levels - 1;; level--) {
        uint64_t at = root + (va >> (12 + 9 * level) & 511) * 8;

        if (level == 0) {
            return at;
        }
        if (!io_guest_get(io, at)) {
            io_guest_set(io, at, *next | table_flags);
            *next += IO_PAGE;
        }
        root = io_guest_get(io, at) & UINT64_C(0xffffffffff000);
    }
}
