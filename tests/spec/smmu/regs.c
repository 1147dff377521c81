/*
 * Registers of page 0 and page 1: chapter 6.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

/* --- identification, 6.3.1 to 6.3.8 -------------------------------------- */

typedef struct IdRow {
    const char *path;
    void (*change)(ImSmmuConfig *c);
    uint16_t off;
    uint8_t hi, lo;
    uint32_t want;
} IdRow;

#define CHANGE(name, what) \
    static void name(ImSmmuConfig *c) { what; im_smmu_config_prune(c); }

CHANGE(no_s1, c->stage1 = false)
CHANGE(no_s2, c->stage2 = false)
CHANGE(no_coh, c->coherent = false)
CHANGE(httu0, c->httu = 0)
CHANGE(httu1, c->httu = 1)
CHANGE(httu2, c->httu = 2)
CHANGE(no_hyp, c->hyp = false)
CHANGE(no_ats, c->ats = false)
CHANGE(no_split, c->split_ats = false)
CHANGE(no_pri, c->pri = false)
CHANGE(no_msi, c->msi = false)
CHANGE(no_asid16, c->asid16 = false)
CHANGE(no_vmid16, c->vmid16 = false)
CHANGE(no_vmw, c->vmw = false)
CHANGE(no_cd2l, c->cd2l = false)
CHANGE(no_recerr, c->ats_rec_err = false)
CHANGE(term_only, { c->stall_model = 1; c->stall_max = 0; })
CHANGE(forced, { c->stall_model = 2; c->ats = false; c->pri = false; })
CHANGE(term_model, c->term_model = true)
CHANGE(linear, { c->two_level_strtab = false; c->sid_bits = 6; })
CHANGE(sid8, c->sid_bits = 8)
CHANGE(ssid0, c->ssid_bits = 0)
CHANGE(ssid16, c->ssid_bits = 16)
CHANGE(queues, { c->cmdq_bits = 8; c->evtq_bits = 9; c->priq_bits = 10; })
CHANGE(no_perms, c->attr_perms_ovr = false)
CHANGE(no_types, c->attr_types_ovr = false)
CHANGE(no_had, c->had = false)
CHANGE(no_xnx, c->xnx = false)
CHANGE(pps, c->pps = true)
CHANGE(no_fwb, c->fwb = false)
CHANGE(no_stt, c->stt = false)
CHANGE(no_ril, c->ril = false)
CHANGE(bbml1, c->bbml = 1)
CHANGE(no_e0pd, c->e0pd = false)
CHANGE(oas32, c->oas = 32)
CHANGE(oas44, c->oas = 44)
CHANGE(oas52, c->oas = 52)
CHANGE(no_4k, c->gran4k = false)
CHANGE(no_16k, c->gran16k = false)
CHANGE(no_64k, c->gran64k = false)

static const IdRow id_rows[] = {
    { "s2p", NULL, SR_IDR0, 0, 0, 1 },
    { "s2p-off", no_s2, SR_IDR0, 0, 0, 0 },
    { "s1p", NULL, SR_IDR0, 1, 1, 1 },
    { "s1p-off", no_s1, SR_IDR0, 1, 1, 0 },
    { "ttf", NULL, SR_IDR0, 3, 2, 2 },
    { "cohacc", NULL, SR_IDR0, 4, 4, 1 },
    { "cohacc-off", no_coh, SR_IDR0, 4, 4, 0 },
    { "btm", NULL, SR_IDR0, 5, 5, 0 },
    { "httu-3", NULL, SR_IDR0, 7, 6, 3 },
    { "httu-2", httu2, SR_IDR0, 7, 6, 2 },
    { "httu-1", httu1, SR_IDR0, 7, 6, 1 },
    { "httu-0", httu0, SR_IDR0, 7, 6, 0 },
    { "dormhint", NULL, SR_IDR0, 8, 8, 0 },
    { "hyp", NULL, SR_IDR0, 9, 9, 1 },
    { "hyp-off", no_hyp, SR_IDR0, 9, 9, 0 },
    { "hyp-without-stage-2", no_s2, SR_IDR0, 9, 9, 0 },
    { "hyp-without-stage-1", no_s1, SR_IDR0, 9, 9, 0 },
    { "ats", NULL, SR_IDR0, 10, 10, 1 },
    { "ats-off", no_ats, SR_IDR0, 10, 10, 0 },
    { "ns1ats-split", NULL, SR_IDR0, 11, 11, 0 },
    { "ns1ats-no-split", no_split, SR_IDR0, 11, 11, 1 },
    { "ns1ats-without-ats", no_ats, SR_IDR0, 11, 11, 0 },
    { "ns1ats-without-s2", no_s2, SR_IDR0, 11, 11, 0 },
    { "asid16", NULL, SR_IDR0, 12, 12, 1 },
    { "asid16-off", no_asid16, SR_IDR0, 12, 12, 0 },
    { "msi", NULL, SR_IDR0, 13, 13, 1 },
    { "msi-off", no_msi, SR_IDR0, 13, 13, 0 },
    { "sev", NULL, SR_IDR0, 14, 14, 0 },
    { "atos", NULL, SR_IDR0, 15, 15, 0 },
    { "pri", NULL, SR_IDR0, 16, 16, 1 },
    { "pri-off", no_pri, SR_IDR0, 16, 16, 0 },
    { "vmw", NULL, SR_IDR0, 17, 17, 1 },
    { "vmw-off", no_vmw, SR_IDR0, 17, 17, 0 },
    { "vmid16", NULL, SR_IDR0, 18, 18, 1 },
    { "vmid16-off", no_vmid16, SR_IDR0, 18, 18, 0 },
    { "vmid16-without-s2", no_s2, SR_IDR0, 18, 18, 0 },
    { "cd2l", NULL, SR_IDR0, 19, 19, 1 },
    { "cd2l-off", no_cd2l, SR_IDR0, 19, 19, 0 },
    { "vatos", NULL, SR_IDR0, 20, 20, 0 },
    { "ttendian", NULL, SR_IDR0, 22, 21, 2 },
    { "atsrecerr", NULL, SR_IDR0, 23, 23, 1 },
    { "atsrecerr-off", no_recerr, SR_IDR0, 23, 23, 0 },
    { "stall-model-0", NULL, SR_IDR0, 25, 24, 0 },
    { "stall-model-1", term_only, SR_IDR0, 25, 24, 1 },
    { "stall-model-2", forced, SR_IDR0, 25, 24, 2 },
    { "term-model", NULL, SR_IDR0, 26, 26, 0 },
    { "term-model-abort", term_model, SR_IDR0, 26, 26, 1 },
    { "st-level", NULL, SR_IDR0, 28, 27, 1 },
    { "st-level-linear", linear, SR_IDR0, 28, 27, 0 },
    { "reserved-and-rme", NULL, SR_IDR0, 31, 29, 0 },
    { "sidsize", NULL, SR_IDR1, 5, 0, 16 },
    { "sidsize-8", sid8, SR_IDR1, 5, 0, 8 },
    { "ssidsize", NULL, SR_IDR1, 10, 6, 20 },
    { "ssidsize-16", ssid16, SR_IDR1, 10, 6, 16 },
    { "ssidsize-0", ssid0, SR_IDR1, 10, 6, 0 },
    { "priqs", queues, SR_IDR1, 15, 11, 10 },
    { "priqs-without-pri", no_pri, SR_IDR1, 15, 11, 0 },
    { "eventqs", queues, SR_IDR1, 20, 16, 9 },
    { "cmdqs", queues, SR_IDR1, 25, 21, 8 },
    { "attr-perms-ovr", NULL, SR_IDR1, 26, 26, 1 },
    { "attr-perms-ovr-off", no_perms, SR_IDR1, 26, 26, 0 },
    { "attr-types-ovr", NULL, SR_IDR1, 27, 27, 1 },
    { "attr-types-ovr-off", no_types, SR_IDR1, 27, 27, 0 },
    { "presets-and-ecmdq", NULL, SR_IDR1, 31, 28, 0 },
    { "idr2", NULL, SR_IDR2, 31, 0, 0 },
    { "had", NULL, SR_IDR3, 2, 2, 1 },
    { "had-off", no_had, SR_IDR3, 2, 2, 0 },
    { "xnx", NULL, SR_IDR3, 4, 4, 1 },
    { "xnx-off", no_xnx, SR_IDR3, 4, 4, 0 },
    { "pps", pps, SR_IDR3, 5, 5, 1 },
    { "pps-off", NULL, SR_IDR3, 5, 5, 0 },
    { "mpam", NULL, SR_IDR3, 7, 7, 0 },
    { "fwb", NULL, SR_IDR3, 8, 8, 1 },
    { "fwb-off", no_fwb, SR_IDR3, 8, 8, 0 },
    { "stt", NULL, SR_IDR3, 9, 9, 1 },
    { "stt-off", no_stt, SR_IDR3, 9, 9, 0 },
    { "ril", NULL, SR_IDR3, 10, 10, 1 },
    { "ril-off", no_ril, SR_IDR3, 10, 10, 0 },
    { "bbml-2", NULL, SR_IDR3, 12, 11, 2 },
    { "bbml-1", bbml1, SR_IDR3, 12, 11, 1 },
    { "e0pd", NULL, SR_IDR3, 13, 13, 1 },
    { "e0pd-off", no_e0pd, SR_IDR3, 13, 13, 0 },
    { "dpt", NULL, SR_IDR3, 15, 15, 0 },
    { "ptwnnc", NULL, SR_IDR3, 14, 14, 1 },
    { "ptwnnc-without-stage-2", no_s2, SR_IDR3, 14, 14, 0 },
    { "pasidtt", NULL, SR_IDR3, 16, 16, 0 },
    { "epan", NULL, SR_IDR3, 17, 17, 1 },
    { "permission-schemes", NULL, SR_IDR3, 21, 18, 0 },
    { "mteperm", NULL, SR_IDR3, 22, 22, 1 },
    { "mteperm-without-stage-2", no_s2, SR_IDR3, 22, 22, 0 },
    { "idr3-upper", NULL, SR_IDR3, 31, 23, 0 },
    { "oas-48", NULL, SR_IDR5, 2, 0, 5 },
    { "oas-32", oas32, SR_IDR5, 2, 0, 0 },
    { "oas-44", oas44, SR_IDR5, 2, 0, 4 },
    { "oas-52", oas52, SR_IDR5, 2, 0, 6 },
    { "gran", NULL, SR_IDR5, 6, 4, 7 },
    { "gran-no-4k", no_4k, SR_IDR5, 6, 4, 6 },
    { "gran-no-16k", no_16k, SR_IDR5, 6, 4, 5 },
    { "gran-no-64k", no_64k, SR_IDR5, 6, 4, 3 },
    { "ds-d128", NULL, SR_IDR5, 8, 7, 0 },
    { "vax-48", NULL, SR_IDR5, 11, 10, 0 },
    { "vax-52", oas52, SR_IDR5, 11, 10, 1 },
    { "stall-max", NULL, SR_IDR5, 31, 16, 16 },
    { "stall-max-none", term_only, SR_IDR5, 31, 16, 0 },
    { "aidr-major", NULL, SR_AIDR, 7, 4, 0 },
};

static const IdRow iidr_row = {
    "value", NULL, SR_IIDR, 31, 0, 0x0010043b,
};

static const IdRow component_rows[] = {
    { "cidr0", NULL, SR_CIDR0, 31, 0, 0x0d },
    { "cidr1", NULL, SR_CIDR0 + 4, 31, 0, 0xf0 },
    { "cidr2", NULL, SR_CIDR0 + 8, 31, 0, 0x05 },
    { "cidr3", NULL, SR_CIDR0 + 12, 31, 0, 0xb1 },
};

static void id_row(const void *data)
{
    const IdRow *row = data;
    ImSmmuConfig c = rig_smmu_config();
    uint32_t val;

    if (row->change) {
        row->change(&c);
    }
    g_autoptr(Rig) r = rig_smmu_new(&c);
    val = rig_reg32(r, row->off);
    g_assert_cmphex(val << (31 - row->hi) >> (31 - row->hi + row->lo), ==,
                    row->want);
}

/* A version has all that is mandatory in it. */
static const IdRow aidr_rows[] = {
    { "minor", NULL, SR_AIDR, 31, 0, 4 },
    { "e0pd-from-3.3", no_e0pd, SR_AIDR, 31, 0, 2 },
    { "hyp-from-3.2", no_hyp, SR_AIDR, 31, 0, 1 },
    { "hyp-with-two-stages", no_s2, SR_AIDR, 31, 0, 4 },
    { "ril-from-3.2", no_ril, SR_AIDR, 31, 0, 1 },
    { "fwb-from-3.2", no_fwb, SR_AIDR, 31, 0, 1 },
    { "bbml-1", bbml1, SR_AIDR, 31, 0, 4 },
    { "xnx-from-3.1", no_xnx, SR_AIDR, 31, 0, 0 },
    { "had-from-3.1", no_had, SR_AIDR, 31, 0, 0 },
    { "httu", httu0, SR_AIDR, 31, 0, 4 },
};

static void id_read_only(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    for (uint64_t off = 0; off < SR_CR0; off += 4) {
        uint32_t was = rig_reg32(r, off);

        rig_set32(r, off, ~was);
        g_assert_cmphex(rig_reg32(r, off), ==, was);
    }
}

/* --- access, 6.2 --------------------------------------------------------- */

typedef struct RwRow {
    SpecClause clause;
    const char *tag;
    const char *path;
    uint32_t off;
    unsigned size;
    uint64_t mask;              /* bits that software can set */
} RwRow;

#define BITS(h, l)  (UINT64_MAX >> (63 - (h)) & UINT64_MAX << (l))
#define BASE_MASK   (BITS(47, 5) | BITS(4, 0) | BITS(62, 62))

static const RwRow rw_rows[] = {
    { SPEC(SMMU_REG_STATUSR), "statusr", SR_STATUSR, 4, 0 },
    { SPEC(SMMU_REG_AGBPA), "agbpa", SR_AGBPA, 4, 0 },
    { SPEC(SMMU_REG_CR1), "cr1", SR_CR1, 4, 0xfff },
    { SPEC(SMMU_REG_CR2), "cr2", SR_CR2, 4, 0xf },
    { SPEC(SMMU_REG_IRQ_CTRL), "irq-ctrl", SR_IRQ_CTRL, 4, 7 },
    { SPEC(SMMU_REG_IRQ_CFG), "gerror-irq-cfg0",
      SR_GERROR_IRQ_CFG0, 8, BITS(47, 2) },
    { SPEC(SMMU_REG_IRQ_CFG), "gerror-irq-cfg1",
      SR_GERROR_IRQ_CFG1, 4, 0xffffffff },
    { SPEC(SMMU_REG_IRQ_CFG), "gerror-irq-cfg2", SR_GERROR_IRQ_CFG2, 4, 0x3f },
    { SPEC(SMMU_REG_STRTAB_BASE), "strtab-base",
      SR_STRTAB_BASE, 8, BITS(47, 6) | BITS(62, 62) },
    { SPEC(SMMU_REG_STRTAB_BASE_CFG), "strtab-base-cfg",
      SR_STRTAB_BASE_CFG, 4, 0x307ff },
    { SPEC(SMMU_REG_CMDQ_BASE), "cmdq-base", SR_CMDQ_BASE, 8, BASE_MASK },
    { SPEC(SMMU_REG_CMDQ_PROD), "cmdq-prod", SR_CMDQ_PROD, 4, 0x1fff },
    { SPEC(SMMU_REG_CMDQ_CONS), "cmdq-cons", SR_CMDQ_CONS, 4, 0x1fff },
    { SPEC(SMMU_REG_EVENTQ_BASE), "eventq-base", SR_EVTQ_BASE, 8, BASE_MASK },
    { SPEC(SMMU_REG_EVENTQ_PROD), "eventq-prod", SR_EVTQ_PROD, 4, 0x80001fff },
    { SPEC(SMMU_REG_EVENTQ_CONS), "eventq-cons", SR_EVTQ_CONS, 4, 0x80001fff },
    { SPEC(SMMU_REG_IRQ_CFG), "eventq-irq-cfg0",
      SR_EVTQ_IRQ_CFG0, 8, BITS(47, 2) },
    { SPEC(SMMU_REG_IRQ_CFG), "eventq-irq-cfg1",
      SR_EVTQ_IRQ_CFG1, 4, 0xffffffff },
    { SPEC(SMMU_REG_IRQ_CFG), "eventq-irq-cfg2", SR_EVTQ_IRQ_CFG2, 4, 0x3f },
    { SPEC(SMMU_REG_PRIQ_BASE), "priq-base", SR_PRIQ_BASE, 8, BASE_MASK },
    { SPEC(SMMU_REG_PRIQ_PROD), "priq-prod", SR_PRIQ_PROD, 4, 0x80001fff },
    { SPEC(SMMU_REG_PRIQ_CONS), "priq-cons", SR_PRIQ_CONS, 4, 0x80001fff },
    { SPEC(SMMU_REG_IRQ_CFG), "priq-irq-cfg0",
      SR_PRIQ_IRQ_CFG0, 8, BITS(47, 2) },
    { SPEC(SMMU_REG_IRQ_CFG), "priq-irq-cfg1",
      SR_PRIQ_IRQ_CFG1, 4, 0xffffffff },
    { SPEC(SMMU_REG_IRQ_CFG), "priq-irq-cfg2",
      SR_PRIQ_IRQ_CFG2, 4, 0x8000003f },
};

static uint64_t reg_read(Rig *r, const RwRow *row)
{
    return row->size == 8 ? rig_reg64(r, row->off) : rig_reg32(r, row->off);
}

static void reg_write(Rig *r, const RwRow *row, uint64_t val)
{
    if (row->size == 8) {
        rig_set64(r, row->off, val);
    } else {
        rig_set32(r, row->off, (uint32_t)val);
    }
}

/* Address bits 55:48 may be stored or not: OAS is 48. So may ERR of
 * CMDQ_CONS, and PTM without BTM. */
static uint64_t loose(const RwRow *row)
{
    return row->size == 8 ? BITS(55, 48) :
           row->off == SR_CMDQ_CONS ? BITS(30, 24) :
           row->off == SR_CR2 ? CR2_PTM : 0;
}

/* Indexes of 12 bits and a wrap bit. */
static void size_queues(Rig *r)
{
    rig_set64(r, SR_CMDQ_BASE, 12);
    rig_set64(r, SR_EVTQ_BASE, 12);
    rig_set64(r, SR_PRIQ_BASE, 12);
}

static void rw_row(const void *data)
{
    const RwRow *row = data;
    g_autoptr(Rig) r = rig_smmu_new(NULL);
    uint64_t got;

    size_queues(r);
    reg_write(r, row, UINT64_MAX);
    got = reg_read(r, row) & ~loose(row);
    g_assert_cmphex(got, ==, row->mask & ~loose(row));
    for (unsigned bit = 0; bit < row->size * 8; bit++) {
        uint64_t one = UINT64_C(1) << bit;

        if (loose(row) & one) {
            continue;
        }
        reg_write(r, row, one);
        g_assert_cmphex(reg_read(r, row), ==, one & row->mask);
    }
    reg_write(r, row, 0);
    g_assert_cmphex(reg_read(r, row), ==, 0);
}

static void halves_row(const void *data)
{
    const RwRow *row = data;
    uint64_t val = UINT64_C(0x00007654fedcba9f) & row->mask;
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    rig_set32(r, row->off, (uint32_t)val);
    g_assert_cmphex(rig_reg64(r, row->off), ==, (uint32_t)val);
    rig_set32(r, row->off + 4, (uint32_t)(val >> 32));
    g_assert_cmphex(rig_reg64(r, row->off), ==, val);
    g_assert_cmphex(rig_reg32(r, row->off), ==, (uint32_t)val);
    g_assert_cmphex(rig_reg32(r, row->off + 4), ==, val >> 32);
    rig_set64(r, row->off, 0);
    rig_set32(r, row->off + 4, (uint32_t)(val >> 32));
    g_assert_cmphex(rig_reg64(r, row->off), ==, val >> 32 << 32);
}

static void odd_accesses(void)
{
    static const uint8_t sizes[] = { 1, 2, 3, 5, 7, 16 };
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    rig_set64(r, SR_STRTAB_BASE, 0x12340000);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        im_smmu_mmio_write(r->smmu, SR_STRTAB_BASE, UINT64_MAX, sizes[i]);
        g_assert_cmphex(im_smmu_mmio_read(r->smmu, SR_STRTAB_BASE, sizes[i]),
                        ==, 0);
    }
    for (unsigned i = 1; i < 8; i++) {
        im_smmu_mmio_write(r->smmu, SR_STRTAB_BASE + i, UINT64_MAX, 8);
        g_assert_cmphex(im_smmu_mmio_read(r->smmu, SR_STRTAB_BASE + i, 8),
                        ==, 0);
        if (i % 4) {
            im_smmu_mmio_write(r->smmu, SR_STRTAB_BASE + i, UINT64_MAX, 4);
            g_assert_cmphex(im_smmu_mmio_read(r->smmu, SR_STRTAB_BASE + i,
                                              4), ==, 0);
        }
    }
    g_assert_cmphex(rig_reg64(r, SR_STRTAB_BASE), ==, 0x12340000);
}

/* A 64-bit access that covers two registers of 32 bits does both. */
static void two_at_once(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    rig_set64(r, SR_CMDQ_BASE, 12);
    rig_set64(r, SR_CMDQ_PROD, UINT64_C(0x0000002300000045));
    g_assert_cmphex(rig_reg32(r, SR_CMDQ_PROD), ==, 0x45);
    g_assert_cmphex(rig_reg32(r, SR_CMDQ_CONS), ==, 0x23);
    g_assert_cmphex(rig_reg64(r, SR_IDR0), ==,
                    (uint64_t)rig_reg32(r, SR_IDR1) << 32 |
                    rig_reg32(r, SR_IDR0));
}

static void outside_is_zero(void)
{
    static const uint32_t from[] = { 0x100, 0x130, 0x1a0, 0x8000, 0x10000,
                                     0x100d0, 0x1fff8 };
    static const uint32_t to[] = { 0x140, 0x140, 0x200, 0x8200, 0x100a0,
                                   0x10100, 0x20000 };
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(from); i++) {
        for (uint32_t off = from[i]; off < to[i]; off += 4) {
            rig_set32(r, off, 0xffffffff);
            g_assert_cmphex(rig_reg32(r, off), ==, 0);
        }
    }
}

static void without_pri(void)
{
    ImSmmuConfig c = rig_smmu_config();

    c.pri = false;
    im_smmu_config_prune(&c);
    g_autoptr(Rig) r = rig_smmu_new(&c);
    for (uint32_t off = SR_PRIQ_BASE; off <= SR_PRIQ_IRQ_CFG2; off += 4) {
        rig_set32(r, off, 0xffffffff);
        g_assert_cmphex(rig_reg32(r, off), ==, 0);
    }
    rig_set32(r, SR_PRIQ_PROD, 0xffffffff);
    g_assert_cmphex(rig_reg32(r, SR_PRIQ_PROD), ==, 0);
    rig_set32(r, SR_PRIQ_CONS, 0xffffffff);
    g_assert_cmphex(rig_reg32(r, SR_PRIQ_CONS), ==, 0);
    rig_set32(r, SR_IRQ_CTRL, 7);
    g_assert_cmphex(rig_reg32(r, SR_IRQ_CTRL), ==, 5);
    g_assert_cmphex(rig_reg32(r, SR_IRQ_CTRLACK), ==, 5);
}

static void without_msi(void)
{
    static const uint16_t cfg0[] = { SR_GERROR_IRQ_CFG0, SR_EVTQ_IRQ_CFG0,
                                     SR_PRIQ_IRQ_CFG0 };
    ImSmmuConfig c = rig_smmu_config();

    c.msi = false;
    im_smmu_config_prune(&c);
    g_autoptr(Rig) r = rig_smmu_new(&c);
    for (unsigned i = 0; i < G_N_ELEMENTS(cfg0); i++) {
        rig_set64(r, cfg0[i], UINT64_MAX);
        g_assert_cmphex(rig_reg64(r, cfg0[i]), ==, 0);
        rig_set32(r, cfg0[i] + 8u, UINT32_MAX);
        g_assert_cmphex(rig_reg32(r, cfg0[i] + 8u), ==, 0);
    }
}

/* --- CR0 and its acknowledgement, 6.3.9, 6.3.10 -------------------------- */

static void cr0_ack(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    g_assert_cmphex(rig_reg32(r, SR_CR0), ==, 0);
    g_assert_cmphex(rig_reg32(r, SR_CR0ACK), ==, 0);
    rig_set32(r, SR_CR0, CR0_ATSCHK | 4 << CR0_VMW_SHIFT);
    g_assert_cmphex(rig_reg32(r, SR_CR0ACK), ==,
                    CR0_ATSCHK | 4 << CR0_VMW_SHIFT);
    rig_set32(r, SR_CR0ACK, 0);
    g_assert_cmphex(rig_reg32(r, SR_CR0ACK), ==,
                    CR0_ATSCHK | 4 << CR0_VMW_SHIFT);
    rig_set32(r, SR_CR0, 0);
    g_assert_cmphex(rig_reg32(r, SR_CR0ACK), ==, 0);
}

static void cr0_reserved(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    rig_set32(r, SR_CR0, 0xfffffe20);
    g_assert_cmphex(rig_reg32(r, SR_CR0), ==, 0);
    g_assert_cmphex(rig_reg32(r, SR_CR0ACK), ==, 0);
}

static void cr0_bits(void (*change)(ImSmmuConfig *c), uint32_t gone)
{
    ImSmmuConfig c = rig_smmu_config();

    change(&c);
    g_autoptr(Rig) r = rig_smmu_new(&c);
    rig_set32(r, SR_CR0, gone);
    g_assert_cmphex(rig_reg32(r, SR_CR0), ==, 0);
    g_assert_cmphex(rig_reg32(r, SR_CR0ACK), ==, 0);
}

static void cr0_without_pri(void)
{
    cr0_bits(no_pri, CR0_PRIQEN);
}

static void cr0_without_ats(void)
{
    cr0_bits(no_ats, CR0_ATSCHK);
}

static void cr0_without_vmw(void)
{
    cr0_bits(no_vmw, 7u << CR0_VMW_SHIFT);
}

static void cr2_without_atsrecerr(void)
{
    ImSmmuConfig c = rig_smmu_config();

    no_recerr(&c);
    g_autoptr(Rig) r = rig_smmu_new(&c);
    rig_set32(r, SR_CR2, CR2_REC_CFG_ATS);
    g_assert_cmphex(rig_reg32(r, SR_CR2), ==, 0);
}

/* --- guards: what may not change while it is in use ---------------------- */

typedef struct GuardRow {
    const char *path;
    uint32_t off;
    unsigned size;
    uint32_t cr0;               /* in force */
    uint32_t irq;
    uint64_t val;               /* differs from what is there */
} GuardRow;

static const GuardRow guard_rows[] = {
    { "strtab-base", SR_STRTAB_BASE, 8, CR0_SMMUEN, 0, 0x7654000 },
    { "strtab-base-cfg", SR_STRTAB_BASE_CFG, 4, CR0_SMMUEN, 0, 5 },
    { "cr1-table", SR_CR1, 4, CR0_SMMUEN, 0, 0xfc0 },
    { "cr2", SR_CR2, 4, CR0_SMMUEN, 0, CR2_RECINVSID },
    { "cmdq-base", SR_CMDQ_BASE, 8, CR0_CMDQEN, 0, 0x7654005 },
    { "cmdq-cons", SR_CMDQ_CONS, 4, CR0_CMDQEN, 0, 3 },
    { "eventq-base", SR_EVTQ_BASE, 8, CR0_EVENTQEN, 0, 0x7654005 },
    { "eventq-prod", SR_EVTQ_PROD, 4, CR0_EVENTQEN, 0, 3 },
    { "priq-base", SR_PRIQ_BASE, 8, CR0_PRIQEN | CR0_SMMUEN, 0, 0x7654005 },
    { "priq-prod", SR_PRIQ_PROD, 4, CR0_PRIQEN | CR0_SMMUEN, 0, 3 },
    { "gerror-irq-cfg0", SR_GERROR_IRQ_CFG0, 8, 0, IRQ_GERROR, 0x76540 },
    { "gerror-irq-cfg1", SR_GERROR_IRQ_CFG1, 4, 0, IRQ_GERROR, 0x76540 },
    { "gerror-irq-cfg2", SR_GERROR_IRQ_CFG2, 4, 0, IRQ_GERROR, 0x3f },
    { "eventq-irq-cfg0", SR_EVTQ_IRQ_CFG0, 8, 0, IRQ_EVTQ, 0x76540 },
    { "eventq-irq-cfg1", SR_EVTQ_IRQ_CFG1, 4, 0, IRQ_EVTQ, 0x76540 },
    { "eventq-irq-cfg2", SR_EVTQ_IRQ_CFG2, 4, 0, IRQ_EVTQ, 0x3f },
    { "priq-irq-cfg0", SR_PRIQ_IRQ_CFG0, 8, 0, IRQ_PRIQ, 0x76540 },
    { "priq-irq-cfg1", SR_PRIQ_IRQ_CFG1, 4, 0, IRQ_PRIQ, 0x76540 },
    { "priq-irq-cfg2", SR_PRIQ_IRQ_CFG2, 4, 0, IRQ_PRIQ, 0x8000003f },
};

static void guard_row(const void *data)
{
    const GuardRow *row = data;
    RwRow reg = { .off = row->off, .size = row->size };
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    size_queues(r);
    reg_write(r, &reg, row->val);
    g_assert_cmphex(reg_read(r, &reg), ==, row->val);
    reg_write(r, &reg, 0);
    sb_cr0(r, row->cr0, true);
    sb_irq_enable(r, row->irq);
    reg_write(r, &reg, row->val);
    g_assert_cmphex(reg_read(r, &reg), ==, 0);
    if (row->size == 8) {       /* by halves neither */
        rig_set32(r, row->off, (uint32_t)row->val);
        g_assert_cmphex(reg_read(r, &reg), ==, 0);
    }
    sb_irq_enable(r, 0);
    sb_cr0(r, row->cr0, false);
    reg_write(r, &reg, row->val);
    g_assert_cmphex(reg_read(r, &reg), ==, row->val);
    reg_write(r, &reg, 0);
}

/* --- GBPA, 6.3.14 -------------------------------------------------------- */

static void gbpa_update(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);
    uint32_t reset = rig_reg32(r, SR_GBPA);

    g_assert_cmphex(reset, ==, 1u << 12);       /* SHCFG: use incoming */
    rig_set32(r, SR_GBPA, GBPA_ABORT);
    g_assert_cmphex(rig_reg32(r, SR_GBPA), ==, reset);
    rig_set32(r, SR_GBPA, GBPA_ABORT | GBPA_UPDATE);
    g_assert_cmphex(rig_reg32(r, SR_GBPA), ==, GBPA_ABORT);
    rig_set32(r, SR_GBPA, 0xffffffff);
    g_assert_cmphex(rig_reg32(r, SR_GBPA) & 0xffe0c0e0, ==, 0);
    g_assert_cmphex(rig_reg32(r, SR_GBPA) & GBPA_ABORT, ==, GBPA_ABORT);
    rig_set32(r, SR_GBPA, reset | GBPA_UPDATE);
    g_assert_cmphex(rig_reg32(r, SR_GBPA), ==, reset);
}

/* --- GERROR, 6.3.17 ------------------------------------------------------ */

static void gerror_read_only(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    rig_set32(r, SR_GERROR, 0xffffffff);
    g_assert_cmphex(rig_reg32(r, SR_GERROR), ==, 0);
}

/* A unit out of reset has no error: GERROR and GERRORN agree. */
static void gerror_reset(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    g_assert_cmphex(sb_gerror(r), ==, 0);
    im_smmu_reset(r->smmu);
    g_assert_cmphex(sb_gerror(r), ==, 0);
}

/* --- reset --------------------------------------------------------------- */

static void reset_state(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, false);
    ImXlat x = sw_dma(w, IM_READ, w->iova);

    sx_is_ok(&x, w->pa);
    rig_set32(w->r, SR_GBPA, GBPA_ABORT | GBPA_UPDATE);
    im_smmu_reset(w->r->smmu);
    g_assert_cmphex(rig_reg32(w->r, SR_CR0), ==, 0);
    g_assert_cmphex(rig_reg32(w->r, SR_CR0ACK), ==, 0);
    g_assert_cmphex(rig_reg32(w->r, SR_IRQ_CTRL), ==, 0);
    g_assert_cmphex(rig_reg32(w->r, SR_IRQ_CTRLACK), ==, 0);
    g_assert_cmphex(rig_reg32(w->r, SR_GBPA), ==, 1u << 12);
    g_assert_cmphex(rig_reg32(w->r, SR_STATUSR), ==, 0);
    x = sw_dma(w, IM_READ, w->iova);
    sx_is_ok(&x, w->iova);
}

/* Nothing cached survives a reset. */
static void reset_forgets(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);
    ImXlat x = sw_dma(w, IM_READ, w->iova);

    sx_is_ok(&x, w->pa);
    im_smmu_reset(w->r->smmu);
    sw_map(w, w->iova, w->pa + 0x10000);
    rig_set32(w->r, SR_CR2, w->cr2);
    rig_set64(w->r, SR_STRTAB_BASE, w->strtab);
    rig_set32(w->r, SR_STRTAB_BASE_CFG, w->log2size | 8 << 6 | 1 << 16);
    sb_cr0(w->r, CR0_SMMUEN, true);
    x = sw_dma(w, IM_READ, w->iova);
    sx_is_ok(&x, w->pa + 0x10000);
}

static void add_rows(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(id_rows); i++) {
        spec_row(SMMU_REG_IDR, id_rows[i].path, id_row, &id_rows[i]);
    }
    spec_row(SMMU_REG_IIDR, iidr_row.path, id_row, &iidr_row);
    for (unsigned i = 0; i < G_N_ELEMENTS(component_rows); i++) {
        spec_row(SMMU_REG_PIDR, component_rows[i].path, id_row,
                 &component_rows[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(rw_rows); i++) {
        spec_table_row(&rw_rows[i], rw_rows[i].path, rw_row);
        if (rw_rows[i].size == 8) {
            g_autofree char *path = g_strdup_printf("%s-halves",
                                                    rw_rows[i].path);

            spec_row(SMMU_REG_ACCESS, path, halves_row, &rw_rows[i]);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(guard_rows); i++) {
        spec_row(SMMU_REG_GUARD, guard_rows[i].path, guard_row,
                 &guard_rows[i]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_rows();
    for (unsigned i = 0; i < G_N_ELEMENTS(aidr_rows); i++) {
        spec_row(SMMU_REG_AIDR, aidr_rows[i].path, id_row, &aidr_rows[i]);
    }
    spec_test(SMMU_REG_IDR, "read-only", id_read_only);
    spec_test(SMMU_REG_ACCESS, "odd-sizes", odd_accesses);
    spec_test(SMMU_REG_ACCESS, "two-at-once", two_at_once);
    spec_test(SMMU_REG_ACCESS, "not-there", outside_is_zero);
    spec_test(SMMU_REG_ACCESS, "without-pri", without_pri);
    spec_test(SMMU_REG_ACCESS, "without-msi", without_msi);
    spec_test(SMMU_REG_CR0ACK, "follows", cr0_ack);
    spec_test(SMMU_REG_CR0, "reserved", cr0_reserved);
    spec_test(SMMU_REG_CR0ACK, "priqen-without-pri", cr0_without_pri);
    spec_test(SMMU_REG_CR0ACK, "atschk-without-ats", cr0_without_ats);
    spec_test(SMMU_REG_CR0ACK, "vmw-without-vmw", cr0_without_vmw);
    spec_test(SMMU_REG_ACCESS, "rec-cfg-ats", cr2_without_atsrecerr);
    spec_test(SMMU_REG_GBPA, "update", gbpa_update);
    spec_test(SMMU_REG_GERROR, "read-only", gerror_read_only);
    spec_test(SMMU_REG_GERROR, "reset", gerror_reset);
    spec_test(SMMU_REG_RESET, "state", reset_state);
    spec_test(SMMU_TLB_RESET, "caches", reset_forgets);
    return g_test_run();
}
