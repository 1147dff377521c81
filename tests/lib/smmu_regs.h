/*
 * Register offsets and bits of an SMMUv3, from chapter 6 of IHI 0070. The
 * tests' own copy: never the model's.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_SMMU_REGS_H
#define TESTS_LIB_SMMU_REGS_H

enum {
    SR_IDR0 = 0x000,
    SR_IDR1 = 0x004,
    SR_IDR2 = 0x008,
    SR_IDR3 = 0x00c,
    SR_IDR4 = 0x010,
    SR_IDR5 = 0x014,
    SR_IIDR = 0x018,
    SR_AIDR = 0x01c,
    SR_CR0 = 0x020,
    SR_CR0ACK = 0x024,
    SR_CR1 = 0x028,
    SR_CR2 = 0x02c,
    SR_STATUSR = 0x040,
    SR_GBPA = 0x044,
    SR_AGBPA = 0x048,
    SR_IRQ_CTRL = 0x050,
    SR_IRQ_CTRLACK = 0x054,
    SR_GERROR = 0x060,
    SR_GERRORN = 0x064,
    SR_GERROR_IRQ_CFG0 = 0x068,
    SR_GERROR_IRQ_CFG1 = 0x070,
    SR_GERROR_IRQ_CFG2 = 0x074,
    SR_STRTAB_BASE = 0x080,
    SR_STRTAB_BASE_CFG = 0x088,
    SR_CMDQ_BASE = 0x090,
    SR_CMDQ_PROD = 0x098,
    SR_CMDQ_CONS = 0x09c,
    SR_EVTQ_BASE = 0x0a0,
    SR_EVTQ_IRQ_CFG0 = 0x0b0,
    SR_EVTQ_IRQ_CFG1 = 0x0b8,
    SR_EVTQ_IRQ_CFG2 = 0x0bc,
    SR_PRIQ_BASE = 0x0c0,
    SR_PRIQ_IRQ_CFG0 = 0x0d0,
    SR_PRIQ_IRQ_CFG1 = 0x0d8,
    SR_PRIQ_IRQ_CFG2 = 0x0dc,
    SR_GATOS_CTRL = 0x100,
    SR_VATOS_SEL = 0x180,
    SR_IDR6 = 0x190,
    SR_S_IDR0 = 0x8000,
    SR_PIDR4 = 0xfd0,
    SR_CIDR0 = 0xff0,
    SR_EVTQ_PROD = 0x100a8,
    SR_EVTQ_CONS = 0x100ac,
    SR_PRIQ_PROD = 0x100c8,
    SR_PRIQ_CONS = 0x100cc,
};

/* CR0, 6.3.9 */
#define CR0_SMMUEN      (1u << 0)
#define CR0_PRIQEN      (1u << 1)
#define CR0_EVENTQEN    (1u << 2)
#define CR0_CMDQEN      (1u << 3)
#define CR0_ATSCHK      (1u << 4)
#define CR0_VMW_SHIFT   6

/* CR2, 6.3.12 */
#define CR2_E2H         (1u << 0)
#define CR2_RECINVSID   (1u << 1)
#define CR2_PTM         (1u << 2)
#define CR2_REC_CFG_ATS (1u << 3)

/* GBPA, 6.3.14 */
#define GBPA_ABORT      (1u << 20)
#define GBPA_UPDATE     (1u << 31)

/* IRQ_CTRL, 6.3.16 */
#define IRQ_GERROR      (1u << 0)
#define IRQ_PRIQ        (1u << 1)
#define IRQ_EVTQ        (1u << 2)

/* GERROR, 6.3.17 */
#define GERROR_CMDQ_ERR         (1u << 0)
#define GERROR_EVTQ_ABT         (1u << 2)
#define GERROR_PRIQ_ABT         (1u << 3)
#define GERROR_MSI_CMDQ_ABT     (1u << 4)
#define GERROR_MSI_EVTQ_ABT     (1u << 5)
#define GERROR_MSI_PRIQ_ABT     (1u << 6)
#define GERROR_MSI_GERROR_ABT   (1u << 7)

/* CMDQ_CONS.ERR, 7.1 */
enum {
    CERROR_NONE = 0,
    CERROR_ILL = 1,
    CERROR_ABT = 2,
    CERROR_ATC_INV_SYNC = 3
};

/* OVFLG, OVACKFLG */
#define Q_OVERFLOW      (1u << 31)

#endif /* TESTS_LIB_SMMU_REGS_H */
