/*
 * Guest-owned tables: what a SPACE_CREATE says about them, checked once.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>

#include "hw/fmt/vtd.h"
#include "hw/ioasid/memory.h"
#include "im/spec/smmu_tables.h.inc"

IM_LAYOUT(SMMU_STE0);
IM_LAYOUT(SMMU_STE1);

/* What an address in a guest's table may be: 52 bits, as the formats have. */
#define GUEST_LAST  IM_BITS(51, 0)

#define CONFIG_STAGE1  5

/* Read the format's structure, which may grow as commands do: what is missing
 * beyond its minimum stays as it is. */
static int io_format_get_data(ImIoasidCtx *c, const ImuSpaceCreate *a,
                              void *buf, uint32_t min, uint32_t size)
{
    if (a->data_size < min) {
        return -EINVAL;
    }
    if (a->data_size > IMU_SIZE_MAX) {
        return -E2BIG;
    }
    for (uint32_t at = size; at < a->data_size; at++) {
        uint8_t more;
        int err = im_ioasid_get_user(c, a->data + at, &more, 1);

        if (err || more) {
            return err ? err : -E2BIG;
        }
    }
    return im_ioasid_get_user(c, a->data, buf, MIN(a->data_size, size));
}

#define VTD_FLAGS  (IMU_VTD_FIRST_SRE | IMU_VTD_FIRST_WPE |               \
                    IMU_VTD_FIRST_EAFE | IMU_VTD_FIRST_5LP)

static int io_format_vtd_new(ImIoasidCtx *c, const ImuSpaceCreate *a,
                             void **table)
{
    ImuVtdFirst in;
    IoVtdTable *t;
    int err = io_format_get_data(c, a, &in, sizeof(in), sizeof(in));

    if (err) {
        return err;
    }
    if ((in.flags & ~VTD_FLAGS) || in.reserved) {
        return -EOPNOTSUPP;
    }
    if ((in.root & 0xfff) || in.root > GUEST_LAST) {
        return -EINVAL;
    }
    t = im_ioasid_alloc(c->host, sizeof(*t));
    if (!t) {
        return -ENOMEM;
    }
    *t = (IoVtdTable){
        .said = in,
        .sre = in.flags & IMU_VTD_FIRST_SRE,
        .first = {
            .fmt = &im_vtd_first_stage,
            .root = in.root,
            .out_mask = GUEST_LAST,
            .in_last = UINT64_MAX,
            .top = in.flags & IMU_VTD_FIRST_5LP ? 4 : 3,
            .must = IM_PT_USER,
            .flags = IM_VTD_FS_1GP |
                     (in.flags & IMU_VTD_FIRST_EAFE ? IM_VTD_FS_EAFE : 0) |
                     (in.flags & IMU_VTD_FIRST_WPE ? IM_VTD_FS_WPE : 0),
        },
    };
    *table = t;
    return 0;
}

/* false: none is said. */
static bool io_format_get_ids(const ImuSmmuSte *in, ImSmmuIds *ids)
{
    bool said = in->idr0 || in->idr1 || in->idr3 || in->idr5;

    *ids = im_smmu_guest_ids;
    if (said) {
        *ids = (ImSmmuIds) { .idr = {
                                 [0] = in->idr0,
                                 [1] = in->idr1,
                                 [3] = in->idr3,
                                 [5] = in->idr5,
                             } };
    }
    return said;
}

static int io_format_smmu_new(ImIoasidCtx *c, const ImuSpaceCreate *a,
                              void **table)
{
    uint64_t raw[8] = { 0 };
    ImClause clause;
    ImuSmmuSte in = { .idr0 = 0 };
    ImSmmuIds ids;
    IoSmmuTable *t;
    int err = io_format_get_data(c, a, &in, sizeof(in.ste), sizeof(in));
    bool said = !err && io_format_get_ids(&in, &ids);

    if (err) {
        return err;
    }
    raw[0] = GUINT64_FROM_LE(in.ste[0]);
    raw[1] = GUINT64_FROM_LE(in.ste[1]);
    if ((raw[0] & ~im_smmu_guest_ste[0]) ||
        (raw[1] & ~im_smmu_guest_ste[1] &
         ~(said ? IM_MASK(SMMU_STE_STRW) : 0))) {
        return -EOPNOTSUPP;
    }
    if (IM_GET(raw[0], SMMU_STE_CONFIG) != CONFIG_STAGE1 ||
        !im_smmu_guest_may_be(&ids)) {
        return -EINVAL;
    }
    t = im_ioasid_alloc(c->host, sizeof(*t));
    if (!t) {
        return -ENOMEM;
    }
    t->said = in;
    t->ids = ids;
    if (!im_smmu_ste_decode(&t->ids, false, raw, &t->ste, &clause)) {
        im_ioasid_release(c->host, t, sizeof(*t));
        return -EINVAL;
    }
    *table = t;
    return 0;
}

/* A format: who has it, and in what its table is kept. */
typedef struct Format {
    int (*create)(ImIoasidCtx *c, const ImuSpaceCreate *a, void **table);
    size_t size;
    bool pasid_table;
} Format;

static const Format formats[] = {
    [IMU_FORMAT_VTD_FIRST] = { io_format_vtd_new, sizeof(IoVtdTable), false },
    [IMU_FORMAT_SMMU_STE] = { io_format_smmu_new, sizeof(IoSmmuTable), true },
};

int im_ioasid_table_new(ImIoasidCtx *c, const ImuSpaceCreate *a, void **table)
{
    const Format *f;

    if (a->format >= G_N_ELEMENTS(formats)) {
        return -EOPNOTSUPP;
    }
    f = &formats[a->format];
    if (a->kind == IMU_SPACE_PASID_TABLE && !f->pasid_table) {
        return -EINVAL;
    }
    return f->create(c, a, table);
}

void im_ioasid_table_free(ImIoasid *h, uint8_t format, void *table)
{
    if (table) {
        im_ioasid_release(h, table, formats[format].size);
    }
}

const void *im_ioasid_table_said(const IoSpace *space, uint32_t *size)
{
    const IoVtdTable *vtd = space->table;
    const IoSmmuTable *smmu = space->table;

    if (!space->table) {
        *size = 0;
        return NULL;
    }
    if (space->format == IMU_FORMAT_VTD_FIRST) {
        *size = sizeof(vtd->said);
        return &vtd->said;
    }
    *size = sizeof(smmu->said);
    return &smmu->said;
}
