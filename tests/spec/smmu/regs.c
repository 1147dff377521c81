/*
 * Registers of page 0 and page 1: chapter 6.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

#define CHANGE(name, what) \
    static void name(ImSmmuConfig *c) { what; im_smmu_config_prune(c); }

CHANGE(no_ats, c->ats = false)
CHANGE(no_pri, c->pri = false)
CHANGE(no_vmw, c->vmw = false)
CHANGE(no_recerr, c->ats_rec_err = false)
CHANGE(no_hyp, c->hyp = false)
CHANGE(no_msi, c->msi = false)
CHANGE(no_types, c->attr_types_ovr = false)
CHANGE(no_perms, c->attr_perms_ovr = false)

/* --- access, 6.2 -------------------------------------------------------- */

typedef struct RwRow {
    ImClause clause;
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
    { SPEC(SMMU_REG_IRQ_CFG), "gerror-irq-cfg0", SR_GERROR_IRQ_CFG0, 8,
      BITS(47, 2) },
    { SPEC(SMMU_REG_IRQ_CFG), "gerror-irq-cfg1", SR_GERROR_IRQ_CFG1, 4,
      0xffffffff },
    { SPEC(SMMU_REG_IRQ_CFG), "gerror-irq-cfg2", SR_GERROR_IRQ_CFG2, 4, 0x3f },
    { SPEC(SMMU_REG_STRTAB_BASE), "strtab-base", SR_STRTAB_BASE, 8,
      BITS(47, 6) | BITS(62, 62) },
    { SPEC(SMMU_REG_STRTAB_BASE_CFG), "strtab-base-cfg", SR_STRTAB_BASE_CFG, 4,
      0x307ff },
    { SPEC(SMMU_REG_CMDQ_BASE), "cmdq-base", SR_CMDQ_BASE, 8, BASE_MASK },
    { SPEC(SMMU_REG_CMDQ_PROD), "cmdq-prod", SR_CMDQ_PROD, 4, 0x1fff },
    { SPEC(SMMU_REG_CMDQ_CONS), "cmdq-cons", SR_CMDQ_CONS, 4, 0x1fff },
    { SPEC(SMMU_REG_EVENTQ_BASE), "eventq-base", SR_EVTQ_BASE, 8, BASE_MASK },
    { SPEC(SMMU_REG_EVENTQ_PROD), "eventq-prod", SR_EVTQ_PROD, 4, 0x80001fff },
    { SPEC(SMMU_REG_EVENTQ_CONS), "eventq-cons", SR_EVTQ_CONS, 4, 0x80001fff },
    { SPEC(SMMU_REG_IRQ_CFG), "eventq-irq-cfg0", SR_EVTQ_IRQ_CFG0, 8,
      BITS(47, 2) },
    { SPEC(SMMU_REG_IRQ_CFG), "eventq-irq-cfg1", SR_EVTQ_IRQ_CFG1, 4,
      0xffffffff },
    { SPEC(SMMU_REG_IRQ_CFG), "eventq-irq-cfg2", SR_EVTQ_IRQ_CFG2, 4, 0x3f },
    { SPEC(SMMU_REG_PRIQ_BASE), "priq-base", SR_PRIQ_BASE, 8, BASE_MASK },
    { SPEC(SMMU_REG_PRIQ_PROD), "priq-prod", SR_PRIQ_PROD, 4, 0x80001fff },
    { SPEC(SMMU_REG_PRIQ_CONS), "priq-cons", SR_PRIQ_CONS, 4, 0x80001fff },
    { SPEC(SMMU_REG_IRQ_CFG), "priq-irq-cfg0", SR_PRIQ_IRQ_CFG0, 8,
      BITS(47, 2) },
    { SPEC(SMMU_REG_IRQ_CFG), "priq-irq-cfg1", SR_PRIQ_IRQ_CFG1, 4,
      0xffffffff },
    { SPEC(SMMU_REG_IRQ_CFG), "priq-irq-cfg2", SR_PRIQ_IRQ_CFG2, 4,
      0x8000003f },
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
    return row->size == 8           ? BITS(55, 48) :
           row->off == SR_CMDQ_CONS ? BITS(30, 24) :
           row->off == SR_CR2       ? CR2_PTM :
                                      0;
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
        g_assert_cmphex(im_smmu_mmio_read(r->smmu, SR_STRTAB_BASE + i, 8), ==,
                        0);
        if (i % 4) {
            im_smmu_mmio_write(r->smmu, SR_STRTAB_BASE + i, UINT64_MAX, 4);
            g_assert_cmphex(im_smmu_mmio_read(r->smmu, SR_STRTAB_BASE + i, 4),
                            ==, 0);
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
    static const uint32_t from[] = { 0x100,   0x130,   0x1a0,  0x8000,
                                     0x10000, 0x100d0, 0x1fff8 };
    static const uint32_t to[] = { 0x140,   0x140,   0x200,  0x8200,
                                   0x100a0, 0x10100, 0x20000 };
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

/* --- CR0 and its acknowledgement, 6.3.9, 6.3.10 ------------------------- */

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

static void cr2_bits(void (*change)(ImSmmuConfig *c), uint32_t gone)
{
    ImSmmuConfig c = rig_smmu_config();

    change(&c);
    g_autoptr(Rig) r = rig_smmu_new(&c);
    rig_set32(r, SR_CR2, gone);
    g_assert_cmphex(rig_reg32(r, SR_CR2), ==, 0);
}

static void cr2_without_atsrecerr(void)
{
    cr2_bits(no_recerr, CR2_REC_CFG_ATS);
}

static void cr2_without_hyp(void)
{
    cr2_bits(no_hyp, CR2_E2H);
}

/* Without two-level tables only the size is there to be set. */
static void strtab_cfg_linear(void)
{
    ImSmmuConfig c = rig_smmu_config();

    c.two_level_strtab = false;
    im_smmu_config_prune(&c);
    g_autoptr(Rig) r = rig_smmu_new(&c);
    rig_set32(r, SR_STRTAB_BASE_CFG, UINT32_MAX);
    g_assert_cmphex(rig_reg32(r, SR_STRTAB_BASE_CFG), ==, 0x3f);
}

/* --- guards: what may not change while it is in use --------------------- */

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
    { "cr1-queue-cmdq", SR_CR1, 4, CR0_CMDQEN, 0, 0x3f },
    { "cr1-queue-eventq", SR_CR1, 4, CR0_EVENTQEN, 0, 0x3f },
    { "cr1-queue-priq", SR_CR1, 4, CR0_PRIQEN, 0, 0x3f },
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

/* --- GBPA, 6.3.14 ------------------------------------------------------- */

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

/* What cannot be overridden reads 0: IDR1.ATTR_TYPES_OVR stands for MTCFG,
 * MemAttr, ALLOCCFG and SHCFG, ATTR_PERMS_OVR for PRIVCFG and INSTCFG. */
static void gbpa_without_overrides(void)
{
    static const struct {
        void (*change)(ImSmmuConfig *c);
        uint32_t left;
    } rows[] = {
        { no_types, 0xf0000 },
        { no_perms, 0x3f1f },
        { no_vmw, 0xf3f1f },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImSmmuConfig c = rig_smmu_config();

        rows[i].change(&c);
        g_autoptr(Rig) r = rig_smmu_new(&c);
        rig_set32(r, SR_GBPA, UINT32_MAX);
        g_assert_cmphex(rig_reg32(r, SR_GBPA), ==, rows[i].left | GBPA_ABORT);
    }
}

/* --- GERRORN, 6.3.20 ---------------------------------------------------- */

/* Errors that cannot happen have no bit. */
static void gerrorn_bits(void)
{
    static const struct {
        void (*change)(ImSmmuConfig *c);
        uint32_t bits;
    } rows[] = {
        { no_vmw, 0x1fd },
        { no_pri, 0x1b5 },
        { no_msi, 0x10d },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImSmmuConfig c = rig_smmu_config();

        rows[i].change(&c);
        g_autoptr(Rig) r = rig_smmu_new(&c);
        rig_set32(r, SR_GERRORN, UINT32_MAX);
        g_assert_cmphex(rig_reg32(r, SR_GERRORN), ==, rows[i].bits);
    }
}

/* --- GERROR, 6.3.17 ----------------------------------------------------- */

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

/* --- reset -------------------------------------------------------------- */

static void reset_state(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, false);
    ImXlat x = sw_dma(w, IM_READ, w->iova);

    xlat_is_ok(&x, w->pa);
    rig_set32(w->r, SR_GBPA, GBPA_ABORT | GBPA_UPDATE);
    im_smmu_reset(w->r->smmu);
    g_assert_cmphex(rig_reg32(w->r, SR_CR0), ==, 0);
    g_assert_cmphex(rig_reg32(w->r, SR_CR0ACK), ==, 0);
    g_assert_cmphex(rig_reg32(w->r, SR_IRQ_CTRL), ==, 0);
    g_assert_cmphex(rig_reg32(w->r, SR_IRQ_CTRLACK), ==, 0);
    g_assert_cmphex(rig_reg32(w->r, SR_GBPA), ==, 1u << 12);
    g_assert_cmphex(rig_reg32(w->r, SR_STATUSR), ==, 0);
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->iova);
}

/* Nothing that was configured survives one: neither which errors are
 * recorded nor where the stream table is. */
static void reset_configures_nothing(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, false);
    ImXlat x;

    im_smmu_reset(w->r->smmu);
    sb_evtq_enable(w->r, 4);
    sb_cr0(w->r, CR0_SMMUEN, true);
    x = sw_dma(w, IM_READ, w->iova);
    sx_is_abort(&x, EV_BAD_STREAMID);
    sw_no_event(w);                     /* RECINVSID is 0 */
}

/* Nothing cached survives a reset. */
static void reset_forgets(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);
    ImXlat x = sw_dma(w, IM_READ, w->iova);

    xlat_is_ok(&x, w->pa);
    im_smmu_reset(w->r->smmu);
    sw_map(w, w->iova, w->pa + 0x10000);
    rig_set32(w->r, SR_CR2, w->cr2);
    rig_set64(w->r, SR_STRTAB_BASE, w->strtab);
    rig_set32(w->r, SR_STRTAB_BASE_CFG, w->log2size | 8 << 6 | 1 << 16);
    sb_cr0(w->r, CR0_SMMUEN, true);
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->pa + 0x10000);
}

static void add_rows(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(rw_rows); i++) {
        spec_table_row(&rw_rows[i], rw_rows[i].path, rw_row);
        if (rw_rows[i].size == 8) {
            g_autofree char *path = g_strdup_printf("halves@%s",
                                                    rw_rows[i].path);

            spec_row(SMMU_REG_ACCESS, path, halves_row, &rw_rows[i]);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(guard_rows); i++) {
        spec_row(SMMU_REG_GUARD, guard_rows[i].path, guard_row, &guard_rows[i]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_rows();
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
    spec_test(SMMU_REG_CR2, "e2h-without-hyp", cr2_without_hyp);
    spec_test(SMMU_REG_STRTAB_BASE_CFG, "linear", strtab_cfg_linear);
    spec_test(SMMU_REG_GBPA, "update", gbpa_update);
    spec_test(SMMU_REG_GBPA, "without-overrides", gbpa_without_overrides);
    spec_test(SMMU_REG_GERRORN, "without-pri-or-msi", gerrorn_bits);
    spec_test(SMMU_REG_GERROR, "read-only", gerror_read_only);
    spec_test(SMMU_REG_GERROR, "reset", gerror_reset);
    spec_test(SMMU_REG_RESET, "state", reset_state);
    spec_test(SMMU_REG_RESET, "configuration", reset_configures_nothing);
    spec_test(SMMU_TLB_RESET, "caches", reset_forgets);
    return g_test_run();
}
