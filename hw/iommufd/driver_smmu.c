/*
 * iommufd: what SMMUv3's driver says. A guest's STE on a vIOMMU, invalidated
 * by its commands, and its events.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/fmt/smmu.h"
#include "hw/iommufd/dev_int.h"
#include "im/spec/smmu_cmds.h.inc"
#include "im/spec/smmu_records.h.inc"
#include "im/spec/smmu_tables.h.inc"

IM_LAYOUT(SMMU_STE0);
IM_LAYOUT(SMMU_STE1);
IM_LAYOUT(SMMU_CFG0);
IM_LAYOUT(SMMU_CFG1);
IM_LAYOUT(SMMU_TLBI0);
IM_LAYOUT(SMMU_TLBI1);
IM_LAYOUT(SMMU_ATC0);
IM_LAYOUT(SMMU_ATC1);
IM_LAYOUT(SMMU_REC0);
IM_LAYOUT(SMMU_REC1);

/* --- GET_HW_INFO -------------------------------------------------------- */

/* The SMMU that the backend reads a guest's STEs and CDs for, and what a guest
 * needs to know of its stream table and commands. No PRI: Linux tells of none.
 */
static int iof_smmu_hw_info(const ImIommufdHw *hw, uint32_t *type, void *buf,
                            uint32_t *len)
{
    IofHwInfoSmmu *info = buf;
    bool ats = hw->dev->backend.caps & IMU_DEV_CAP_ATS;

    if (*type != IOF_HW_NONE && *type != IOF_HW_SMMUV3) {
        return -EOPNOTSUPP;
    }
    *type = IOF_HW_SMMUV3;
    memcpy(info->idr, im_smmu_guest_ids.idr, sizeof(info->idr));
    info->idr[0] &= (uint32_t)~(IM_MASK(SMMU_IDR0_PRI) |
                                (ats ? 0 : IM_MASK(SMMU_IDR0_ATS)));
    info->idr[0] |= (uint32_t)IM_PUT(SMMU_IDR0_ST_LEVEL, 1);
    info->idr[1] |= (uint32_t)IM_PUT(SMMU_IDR1_SIDSIZE, 16);
    info->idr[3] |= (uint32_t)IM_PUT(SMMU_IDR3_RIL, 1);
    *len = sizeof(*info);
    return 0;
}

/* --- nested STEs -------------------------------------------------------- */

/* Linux's addresses end at 52 bits. */
#define STE0_BEYOND  (IM_MASK(SMMU_STE_S1CONTEXTPTR) &                     \
                      ~((UINT64_C(1) << 52) - 1))

enum { CONFIG_ABORT = 0, CONFIG_BYPASS = 4, CONFIG_STAGE1 = 5 };

/* Of an STE that is ILLEGAL for reasons that Linux does not look for, the SMMU
 * lets no request through. */
static void iof_smmu_translate(const uint64_t ste[2], ImIommufdMeaning *out)
{
    uint64_t raw[8] = { ste[0], ste[1] };
    ImClause clause;
    ImSmmuSte decoded;

    out->needs_vdevice = true;
    if (!im_smmu_ste_decode(&im_smmu_guest_ids, false, raw, &decoded,
                            &clause)) {
        out->what = IM_IOMMUFD_ABORT;
        return;
    }
    out->what = IM_IOMMUFD_TABLE;
    out->format = IMU_FORMAT_SMMU_STE;
    out->data.smmu.ste[0] = GUINT64_TO_LE(ste[0]);
    out->data.smmu.ste[1] = GUINT64_TO_LE(ste[1]);
    out->pasid_table = IM_GET(ste[0], SMMU_STE_S1CDMAX) > 0;
}

static int iof_smmu_nested(ImIommufdNested *n, const ImIommufdHw *hw,
                           const ImIommufdData *d, ImIommufdMeaning *out)
{
    uint64_t ste[2];
    IofSmmuSte in;
    int err = d->type == IOF_DATA_ARM_SMMUV3 && im_iommufd_nested_viommu(n) ?
                  im_iommufd_data_get(d, IOF_DATA_ARM_SMMUV3, &in, sizeof(in),
                                      sizeof(in)) :
                  -EOPNOTSUPP;

    (void)hw;
    if (err) {
        return err;
    }
    *out = (ImIommufdMeaning) { 0 };
    ste[0] = GUINT64_FROM_LE(in.ste[0]);
    ste[1] = GUINT64_FROM_LE(in.ste[1]);
    if (!(ste[0] & IM_MASK(SMMU_STE_V))) {
        out->what = IM_IOMMUFD_ABORT;
        return 0;
    }
    if ((ste[0] & (~im_smmu_guest_ste[0] | STE0_BEYOND)) ||
        (ste[1] & ~im_smmu_guest_ste[1]) || IM_GET(ste[1], SMMU_STE_EATS) > 1) {
        return -EIO;
    }
    switch (IM_GET(ste[0], SMMU_STE_CONFIG)) {
    case CONFIG_ABORT:
        out->what = IM_IOMMUFD_ABORT;
        return 0;
    case CONFIG_BYPASS:
        out->what = IM_IOMMUFD_BYPASS;
        out->no_ats = !IM_GET(ste[1], SMMU_STE_EATS);
        return 0;
    case CONFIG_STAGE1:
        iof_smmu_translate(ste, out);
        return 0;
    default:
        return -EIO;
    }
}

/* --- vIOMMU ------------------------------------------------------------- */

static bool iof_smmu_viommu_is(uint32_t type)
{
    return type == IOF_VIOMMU_SMMUV3;
}

static int iof_smmu_viommu(ImIommufdViommu *v, const ImIommufdHw *hw,
                           const ImIommufdData *d)
{
    (void)v;
    (void)hw;
    (void)d;
    return 0;
}

#define OP       UINT64_C(0xff)
#define STREAM   (OP | IM_MASK(SMMU_CFG0_SID))
#define CD       (STREAM | IM_MASK(SMMU_CFG0_SSID))
#define VMID     (OP | IM_MASK(SMMU_TLBI0_VMID))
#define ASID     (VMID | IM_MASK(SMMU_TLBI0_ASID))
#define RANGE    (IM_MASK(SMMU_TLBI0_NUM) | IM_MASK(SMMU_TLBI0_SCALE))
#define ADDR     (IM_MASK(SMMU_TLBI1_LEAF) | IM_MASK(SMMU_TLBI1_TTL) |    \
                  IM_MASK(SMMU_TLBI1_TG) | IM_MASK(SMMU_TLBI1_ADDR))
#define ATC_ALL  52u
enum { TG_16K = 2 };

/* A command that a guest's queue may carry, and the bits it may have. */
typedef struct Command {
    int (*obey)(ImIommufdViommu *v, const uint64_t cmd[2]);
    uint64_t bits[2];
} Command;

static ImIommufdVdevice *iof_smmu_of_stream(ImIommufdViommu *v,
                                            const uint64_t cmd[2])
{
    return im_iommufd_vdevice_by_id(v, IM_GET(cmd[0], SMMU_CFG0_SID));
}

static int iof_smmu_flush_dev(ImIommufdViommu *v, const uint64_t cmd[2],
                              uint32_t caches, uint32_t gran,
                              const ImuInvEntry *e)
{
    ImIommufdVdevice *vd = iof_smmu_of_stream(v, cmd);

    return vd ? im_iommufd_vdevice_flush(vd, caches, gran, e) : -EIO;
}

/* ASIDs and VMIDs are not the backend's: every translation goes. */
static int iof_smmu_tlbi(ImIommufdViommu *v, const uint64_t cmd[2])
{
    (void)cmd;
    return im_iommufd_viommu_flush(v, IMU_CACHE_IOTLB);
}

/* By address: fields of a range that are reserved together, IHI 0070 4.4.1. */
static int iof_smmu_tlbi_va(ImIommufdViommu *v, const uint64_t cmd[2])
{
    bool range = cmd[0] & RANGE;
    uint64_t tg = IM_GET(cmd[1], SMMU_TLBI1_TG);
    uint64_t ttl = IM_GET(cmd[1], SMMU_TLBI1_TTL);

    if (tg ? (!range && !ttl) || (tg == TG_16K && ttl == 1) : range || ttl) {
        return -EIO;
    }
    return iof_smmu_tlbi(v, cmd);
}

/* It has no SSV: the CD of SubstreamID 0 is also what the device has without
 * one. */
static int iof_smmu_cfgi_cd(ImIommufdViommu *v, const uint64_t cmd[2])
{
    ImuInvEntry e = {
        .gpasid = (uint32_t)IM_GET(cmd[0], SMMU_CFG0_SSID),
    };
    uint32_t caches = IMU_CACHE_PASID | IMU_CACHE_IOTLB;
    int err = iof_smmu_flush_dev(v, cmd, caches, IMU_GRAN_PASID, &e);

    if (!err && !e.gpasid) {
        e.flags = IMU_INV_NO_PASID;
        err = iof_smmu_flush_dev(v, cmd, caches, IMU_GRAN_PASID, &e);
    }
    return err;
}

static int iof_smmu_cfgi_cd_all(ImIommufdViommu *v, const uint64_t cmd[2])
{
    return iof_smmu_flush_dev(v, cmd, IMU_CACHE_PASID | IMU_CACHE_IOTLB,
                              IMU_GRAN_ALL, NULL);
}

/* Size 52 is everything, more is reserved. G: every SubstreamID; it and
 * SSID are ignored without SSV. */
static int iof_smmu_atc_inv(ImIommufdViommu *v, const uint64_t cmd[2])
{
    bool ssv = IM_GET(cmd[0], SMMU_CFG0_SSV);
    ImuInvEntry e = {
        .flags = ssv ? 0 : IMU_INV_NO_PASID,
        .gpasid = ssv ? (uint32_t)IM_GET(cmd[0], SMMU_CFG0_SSID) : 0,
    };
    uint64_t size = IM_GET(cmd[1], SMMU_ATC1_SIZE);
    uint64_t bytes = size < ATC_ALL ? UINT64_C(4096) << size : 0;
    ImIommufdHw hw = im_iommufd_viommu_hw(v);

    if (size > ATC_ALL || !(hw.dev->backend.caps & IMU_DEV_CAP_ATS)) {
        return -EIO;
    }
    if (ssv && IM_GET(cmd[0], SMMU_ATC0_G)) {
        return iof_smmu_flush_dev(v, cmd, IMU_CACHE_DEVTLB, IMU_GRAN_ALL, NULL);
    }
    if (!bytes) {
        return iof_smmu_flush_dev(v, cmd, IMU_CACHE_DEVTLB, IMU_GRAN_PASID, &e);
    }
    e.addr = cmd[1] & IM_MASK(SMMU_ATC1_ADDR) & ~(bytes - 1);
    e.length = bytes;
    return iof_smmu_flush_dev(v, cmd, IMU_CACHE_DEVTLB, IMU_GRAN_RANGE, &e);
}

static const Command commands[] = {
    [0x05] = { iof_smmu_cfgi_cd, { CD, IM_MASK(SMMU_CFG1_LEAF) } },
    [0x06] = { iof_smmu_cfgi_cd_all, { STREAM, 0 } },
    [0x10] = { iof_smmu_tlbi, { VMID, 0 } },
    [0x11] = { iof_smmu_tlbi, { ASID, 0 } },
    [0x12] = { iof_smmu_tlbi_va, { ASID | RANGE, ADDR } },
    [0x13] = { iof_smmu_tlbi_va, { VMID | RANGE, ADDR } },
    [0x30] = { iof_smmu_tlbi, { OP, 0 } },
    [0x40] = { iof_smmu_atc_inv,
               { CD | IM_MASK(SMMU_CFG0_SSV) | IM_MASK(SMMU_ATC0_G),
                 IM_MASK(SMMU_ATC1_SIZE) | IM_MASK(SMMU_ATC1_ADDR) } },
};

static int iof_smmu_obey(ImIommufdViommu *v, const IofInvSmmu *in)
{
    uint64_t cmd[2] = { GUINT64_FROM_LE(in->cmd[0]),
                        GUINT64_FROM_LE(in->cmd[1]) };
    uint64_t op = cmd[0] & OP;
    const Command *c = op < G_N_ELEMENTS(commands) ? &commands[op] : NULL;

    if (!c || !c->obey || (cmd[0] & ~c->bits[0]) || (cmd[1] & ~c->bits[1])) {
        return -EIO;
    }
    return c->obey(v, cmd);
}

/* All are read before the first is obeyed. */
static int iof_smmu_viommu_invalidate(ImIommufdViommu *v, ImIommufdArray *a)
{
    ImIommufd *f = v->file->host;
    uint32_t num = a->num;
    size_t bytes = num * sizeof(IofInvSmmu);
    IofInvSmmu *in;
    int err;

    if (a->type != IOF_INV_SMMUV3 || !num) {
        a->num = 0;
        return -EINVAL;
    }
    in = im_iof_alloc(f, bytes);
    err = in ? im_iommufd_array_get_all(a, in, sizeof(*in)) : -ENOMEM;
    a->num = 0;
    while (!err && a->num < num) {
        err = iof_smmu_obey(v, &in[a->num]);
        a->num += err ? 0 : 1;
    }
    im_iof_release(f, in, bytes);
    return err;
}

/* --- events ------------------------------------------------------------- */

#define F(code, name, record, reply, text)  WHY_##name = (code),
enum {
#include "im/spec/ioasid_faults.h.inc"
};
#undef F

/* The records that Linux passes on, by why the backend refused. A CD that could
 * not be fetched is stage 2's affair, and so not the guest's. */
typedef struct Record {
    uint8_t type; /* 0: none */
    bool of_walk; /* it says what was accessed */
} Record;

/* clang-format off */
static const Record records[UINT8_MAX + 1] = {
    [WHY_PASID_OFF] = { 0x08, false },
    [WHY_CD_BAD] = { 0x0a, false },
    [WHY_INPUT_RANGE] = { 0x10, true },
    [WHY_ABSENT] = { 0x10, true },
    [WHY_BLOCKED] = { 0x10, true },
    [WHY_TABLE_RESERVED] = { 0x10, true },
    [WHY_TABLE_SIZE] = { 0x11, true },
    [WHY_ACCESS_FLAG] = { 0x12, true },
    [WHY_READ] = { 0x13, true },
    [WHY_WRITE] = { 0x13, true },
    [WHY_EXECUTE] = { 0x13, true },
    [WHY_PRIVILEGE] = { 0x13, true },
};
/* clang-format on */

#define CLASS_IN    2u

static void iof_smmu_refused(ImIommufdVdevice *vd, const ImTxn *txn,
                             uint8_t reason)
{
    const Record *r = &records[reason];
    uint64_t evt[4] = { 0 };
    bool wr = txn->access & IM_WRITE;

    if (!r->type) {
        return;
    }
    evt[0] = IM_PUT(SMMU_REC0_TYPE, r->type) |
             IM_PUT(SMMU_REC0_SSV, txn->has_pasid) |
             IM_PUT(SMMU_REC0_SSID, txn->has_pasid ? txn->pasid : 0) |
             IM_PUT(SMMU_REC0_SID, im_iommufd_vdevice_id(vd));
    if (r->of_walk) {
        evt[1] = IM_PUT(SMMU_REC1_PNU, txn->priv) |
                 IM_PUT(SMMU_REC1_IND, txn->exec) | IM_PUT(SMMU_REC1_RNW, !wr) |
                 IM_PUT(SMMU_REC1_CLASS, CLASS_IN);
        evt[2] = txn->addr;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(evt); i++) {
        evt[i] = GUINT64_TO_LE(evt[i]);
    }
    im_iommufd_vevent(im_iommufd_vdevice_viommu(vd), IOF_VEVENTQ_SMMUV3, evt,
                      sizeof(evt));
}

static size_t iof_smmu_veventq(ImIommufdViommu *v, uint32_t type)
{
    (void)v;
    return type == IOF_VEVENTQ_SMMUV3 ? sizeof(IofVeventSmmu) : 0;
}

/* --- page tables -------------------------------------------------------- */

#define WITH(flags)  (1u << (flags))
#define P  IOF_HWPT_NEST_PARENT
#define D  IOF_HWPT_DIRTY
#define Q  IOF_HWPT_FAULT
#define S  IOF_HWPT_PASID
#define ANY(flags)  (WITH(flags) | WITH((flags) | Q))

/* Where Linux maps the doorbells of MSI controllers for devices. */
static const ImuRange doorbells[] = { { 0x8000000, 0x80fffff } };

/* Stage 1 has no bit for reading. */
static void iof_smmu_paging_of(const ImIommufdHw *hw, uint32_t flags,
                               ImIommufdPaging *out)
{
    (void)hw;
    out->always = flags & P ? 0 : IMU_PROT_READ;
}

const ImIommufdDriver im_iommufd_smmuv3 = {
    .size = sizeof(ImIommufdDriver),
    .name = "smmuv3",
    .paging = { .last = UINT64_MAX >> 16,
                .page_sizes = 1 << 12 | 1 << 21 | 1 << 30 },
    .hwpt_flags = ANY(0) | ANY(S) | WITH(P) | ANY(D) | ANY(D | S),
    .dirty = true,
    .dirty_new = true,
    .of_one_iommu = true,
    .on_viommu = true,
    .nested_no_pasid = true,
    .fault_without_pri = true,
    .reserved = doorbells,
    .reserved_count = G_N_ELEMENTS(doorbells),
    .hw_info = iof_smmu_hw_info,
    .paging_of = iof_smmu_paging_of,
    .nested = iof_smmu_nested,
    .viommu_is = iof_smmu_viommu_is,
    .viommu = iof_smmu_viommu,
    .viommu_invalidate = iof_smmu_viommu_invalidate,
    .veventq = iof_smmu_veventq,
    .refused = iof_smmu_refused,
};
