/*
 * iommufd: what VT-d's driver says. A guest's first-stage table, invalidated
 * by pages.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/field.h"
#include "hw/iommufd/dev_int.h"
#include "im/spec/vtd_regs.h.inc"

IM_LAYOUT(VTD_CAP);
IM_LAYOUT(VTD_ECAP);

#define PAGE_SHIFT  12

/* Flags of HWPT_ALLOC that go together, as hwpt_flags has them. */
#define WITH(flags)  (1u << (flags))
#define P  IOF_HWPT_NEST_PARENT
#define D  IOF_HWPT_DIRTY
#define Q  IOF_HWPT_FAULT
#define S  IOF_HWPT_PASID
#define ANY(flags)  (WITH(flags) | WITH((flags) | S))

/* --- GET_HW_INFO -------------------------------------------------------- */

/* What the backend does for a guest with such a unit. */
static uint64_t iof_vtd_cap_reg(void)
{
    return IM_PUT(VTD_CAP_ND, 6) | IM_PUT(VTD_CAP_SAGAW, 0xc) |
           IM_PUT(VTD_CAP_MGAW, 56) | IM_PUT(VTD_CAP_ZLR, 1) |
           IM_PUT(VTD_CAP_SSLPS, 3) | IM_PUT(VTD_CAP_PSI, 1) |
           IM_PUT(VTD_CAP_MAMV, 18) | IM_PUT(VTD_CAP_DWD, 1) |
           IM_PUT(VTD_CAP_DRD, 1) | IM_PUT(VTD_CAP_FS1GP, 1) |
           IM_PUT(VTD_CAP_FS5LP, 1);
}

static uint64_t iof_vtd_ecap_reg(const ImIommufdDevice *dev)
{
    unsigned bits = dev->backend.pasid_bits;

    return IM_PUT(VTD_ECAP_C, 1) | IM_PUT(VTD_ECAP_QI, 1) |
           IM_PUT(VTD_ECAP_DT, 1) | IM_PUT(VTD_ECAP_PT, 1) |
           IM_PUT(VTD_ECAP_SC, 1) | IM_PUT(VTD_ECAP_NEST, 1) |
           IM_PUT(VTD_ECAP_PRS, 1) | IM_PUT(VTD_ECAP_SRS, 1) |
           IM_PUT(VTD_ECAP_EAFS, 1) |
           IM_PUT(VTD_ECAP_PSS, bits ? bits - 1 : 0) |
           IM_PUT(VTD_ECAP_PASID, bits > 0) | IM_PUT(VTD_ECAP_PDS, 1) |
           IM_PUT(VTD_ECAP_SMTS, 1) | IM_PUT(VTD_ECAP_SSADS, 1) |
           IM_PUT(VTD_ECAP_SSTS, 1) | IM_PUT(VTD_ECAP_FSTS, 1) |
           IM_PUT(VTD_ECAP_SMPWCS, 1);
}

static int iof_vtd_hw_info(const ImIommufdHw *hw, uint32_t *type, void *buf,
                           uint32_t *len)
{
    IofHwInfoVtd *info = buf;

    if (*type != IOF_HW_NONE && *type != IOF_HW_VTD) {
        return -EOPNOTSUPP;
    }
    *type = IOF_HW_VTD;
    *info = (IofHwInfoVtd) {
        .flags = hw->dev->no_errata ? 0 : IOF_VTD_ERRATA_772415,
        .cap = iof_vtd_cap_reg(),
        .ecap = iof_vtd_ecap_reg(hw->dev),
    };
    *len = sizeof(*info);
    return 0;
}

/* --- page tables -------------------------------------------------------- */

/* A message to one of these is an interrupt: VT-d 3.15. */
static const ImuRange interrupts[] = { { 0xfee00000, 0xfeefffff } };

/* First stage where it will do: its entries have no bit for reading, and the
 * upper half of its addresses is a sign. */
static void iof_vtd_paging_of(const ImIommufdHw *hw, uint32_t flags,
                              ImIommufdPaging *out)
{
    bool second = flags & (P | D);

    out->last = second ? UINT64_MAX >> 7 : UINT64_MAX >> 8;
    out->always = second ? 0 : IMU_PROT_READ;
    out->writable_only = (flags & P) && !hw->dev->no_errata;
}

/* --- nested tables ------------------------------------------------------ */

static const struct {
    uint32_t theirs, ours;
} flag_rows[] = {
    { IOF_VTD_S1_SRE, IMU_VTD_FIRST_SRE },
    { IOF_VTD_S1_EAFE, IMU_VTD_FIRST_EAFE },
    { IOF_VTD_S1_WPE, IMU_VTD_FIRST_WPE },
};

/* Guest-physical addresses are so wide. */
#define ROOT_LAST  ((UINT64_C(1) << 52) - 1)

/* What does not make a table is found out when it is to be one, as in Linux:
 * its width when a device is attached, its address by every request. */
typedef struct Nested {
    uint32_t width;
} Nested;

static int iof_vtd_nested(ImIommufdNested *n, const ImIommufdHw *hw,
                          const ImIommufdData *d, ImIommufdMeaning *out)
{
    Nested *priv = im_iommufd_nested_private(n);
    IofVtdS1 in;
    int err = d->type == IOF_DATA_VTD_S1 && !im_iommufd_nested_viommu(n) ?
                  im_iommufd_data_get(d, IOF_DATA_VTD_S1, &in, sizeof(in),
                                      sizeof(in)) :
                  -EOPNOTSUPP;

    (void)hw;
    if (err) {
        return err;
    }
    priv->width = in.width;
    *out = (ImIommufdMeaning) {
        .what = in.table > ROOT_LAST ? IM_IOMMUFD_ABORT : IM_IOMMUFD_TABLE,
        .format = IMU_FORMAT_VTD_FIRST,
    };
    out->data.vtd.root = in.table & ~(uint64_t)((1u << PAGE_SHIFT) - 1);
    out->data.vtd.flags = in.width == 57 ? IMU_VTD_FIRST_5LP : 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(flag_rows); i++) {
        if (in.flags & flag_rows[i].theirs) {
            out->data.vtd.flags |= flag_rows[i].ours;
        }
    }
    return 0;
}

static int iof_vtd_attaching(const ImIommufdHw *hw, uint32_t pasid,
                             ImIommufdNested *n, bool old)
{
    const Nested *priv = n ? im_iommufd_nested_private(n) : NULL;

    (void)hw;
    (void)pasid;
    (void)old;
    return !priv || priv->width == 48 || priv->width == 57 ? 0 : -EINVAL;
}

/* Pages, or everything; what ends beyond the top ends there. */
static int iof_vtd_flush(ImIommufdNested *n, const IofInvVtd *in)
{
    ImuInvEntry e = { .addr = in->addr };
    uint64_t most = (UINT64_MAX >> PAGE_SHIFT) - (in->addr >> PAGE_SHIFT);

    if ((in->flags & ~IOF_VTD_INV_LEAF) || in->reserved) {
        return -EOPNOTSUPP;
    }
    if ((in->addr & ((1u << PAGE_SHIFT) - 1)) ||
        (in->pages == UINT64_MAX && in->addr)) {
        return -EINVAL;
    }
    if (!in->pages) {
        return 0;
    }
    e.length = MIN(in->pages, most) << PAGE_SHIFT;
    return im_iommufd_nested_flush(n, IMU_CACHE_IOTLB | IMU_CACHE_DEVTLB,
                                   in->pages == UINT64_MAX || !e.length ? NULL :
                                                                          &e);
}

static int iof_vtd_nested_invalidate(ImIommufdNested *n, ImIommufdArray *a)
{
    uint32_t num = a->num;
    IofInvVtd in;
    int err = 0;

    a->num = 0;
    if (a->type != IOF_INV_VTD_S1) {
        return -EINVAL;
    }
    while (a->num < num) {
        err = im_iommufd_array_get(a, IOF_INV_VTD_S1, a->num, &in, sizeof(in),
                                   sizeof(in));
        if (!err) {
            err = iof_vtd_flush(n, &in);
        }
        if (err) {
            break;
        }
        a->num++;
    }
    return err;
}

const ImIommufdDriver im_iommufd_vtd = {
    .size = sizeof(ImIommufdDriver),
    .name = "vtd",
    .paging = { .page_sizes = 1 << 12 | 1 << 21 | 1 << 30 },
    .hwpt_flags = ANY(0) | ANY(P) | ANY(D) | ANY(P | D) | ANY(Q) | ANY(D | Q),
    .dirty = true,
    .reserved = interrupts,
    .reserved_count = G_N_ELEMENTS(interrupts),
    .nested_size = sizeof(Nested),
    .hw_info = iof_vtd_hw_info,
    .paging_of = iof_vtd_paging_of,
    .nested = iof_vtd_nested,
    .nested_invalidate = iof_vtd_nested_invalidate,
    .attaching = iof_vtd_attaching,
};
