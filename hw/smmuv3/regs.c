/*
 * Registers, chapter 6: guards, updates and acknowledgements.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/regs.h"

#define CR0(field)  ((uint32_t)IM_MASK(SMMU_CR0_##field))

/* --- Guards. An update takes no time: what was written is in force. ----- */

IM_RULE(SMMU_REG_GUARD);

static bool smmu_regs_smmu_disabled(void *dev, unsigned elem G_GNUC_UNUSED)
{
    return !im_smmu_on(dev, CR0(SMMUEN));
}

static bool smmu_regs_cmdq_disabled(void *dev, unsigned elem G_GNUC_UNUSED)
{
    return !im_smmu_on(dev, CR0(CMDQEN));
}

static bool smmu_regs_eventq_disabled(void *dev, unsigned elem G_GNUC_UNUSED)
{
    return !im_smmu_on(dev, CR0(EVENTQEN));
}

static bool smmu_regs_priq_disabled(void *dev, unsigned elem G_GNUC_UNUSED)
{
    return !im_smmu_on(dev, CR0(PRIQEN));
}

static bool smmu_regs_irq_off(const ImSmmu *s, uint64_t enable)
{
    return !(im_smmu_reg(s, SMMU_R_IRQ_CTRL) & enable);
}

static bool smmu_regs_gerror_irq_off(void *dev, unsigned elem G_GNUC_UNUSED)
{
    return smmu_regs_irq_off(dev, IM_MASK(SMMU_IRQ_CTRL_GERROR));
}

static bool smmu_regs_eventq_irq_off(void *dev, unsigned elem G_GNUC_UNUSED)
{
    return smmu_regs_irq_off(dev, IM_MASK(SMMU_IRQ_CTRL_EVENTQ));
}

static bool smmu_regs_priq_irq_off(void *dev, unsigned elem G_GNUC_UNUSED)
{
    return smmu_regs_irq_off(dev, IM_MASK(SMMU_IRQ_CTRL_PRIQ));
}

/* --- CR0: what a change of each field brings about. --------------------- */

/* Caches stay; software invalidates. */
IM_RULE(SMMU_REG_SMMUEN);
static void smmu_regs_smmuen_changed(ImSmmu *s, bool on)
{
    if (!on) {
        IM_RULE(SMMU_STALL_SMMUEN);
        im_smmu_stalls_drop(s);
        im_smmu_atc_off(s);
        im_smmu_cmdq_run(s);
    }
    im_smmu_unmap(s, 0, UINT64_MAX);
    im_smmu_invalidated_all(s);
    im_smmu_changed(s);
}

/* Whether translation requests of split-stage ATS are let through. */
static void smmu_regs_atschk_changed(ImSmmu *s, bool on G_GNUC_UNUSED)
{
    im_smmu_invalidated_all(s);
}

IM_RULE(SMMU_REG_CMDQEN);
static void smmu_regs_cmdqen_changed(ImSmmu *s, bool on)
{
    im_smmu_cmdq_off(s);
    if (on) {
        im_smmu_cmdq_run(s);
    }
}

IM_RULE(SMMU_REG_EVENTQEN);
static void smmu_regs_eventqen_changed(ImSmmu *s, bool on)
{
    if (on) {
        im_smmu_eventq_reset(s);        /* it may be another queue */
        im_smmu_stall_pump(s);
    }
}

typedef struct Cr0Field {
    uint32_t bit;
    void (*changed)(ImSmmu *s, bool on);
} Cr0Field;

/* In the order in which they take effect; the command queue last, so that
 * its commands see the rest. */
static const Cr0Field cr0_fields[] = {
    { CR0(SMMUEN), smmu_regs_smmuen_changed },
    { CR0(ATSCHK), smmu_regs_atschk_changed },
    { CR0(EVENTQEN), smmu_regs_eventqen_changed },
    { CR0(CMDQEN), smmu_regs_cmdqen_changed },
};

IM_RULE(SMMU_REG_CR0);
IM_RULE(SMMU_REG_CR0ACK);
static void smmu_regs_cr0_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                  uint64_t old G_GNUC_UNUSED,
                                  unsigned bytes G_GNUC_UNUSED)
{
    ImSmmu *s = dev;
    uint32_t was = s->cr0;

    s->cr0 = (uint32_t)im_smmu_reg(s, SMMU_R_CR0);
    im_smmu_reg_set(s, SMMU_R_CR0ACK, s->cr0);
    for (size_t i = 0; i < G_N_ELEMENTS(cr0_fields); i++) {
        if ((was ^ s->cr0) & cr0_fields[i].bit) {
            cr0_fields[i].changed(s, s->cr0 & cr0_fields[i].bit);
        }
    }
}

/* --- The other control registers. --------------------------------------- */

#define CR1_TABLE                                                         \
    (IM_MASK(SMMU_CR1_TABLE_IC) | IM_MASK(SMMU_CR1_TABLE_OC) |            \
     IM_MASK(SMMU_CR1_TABLE_SH))
#define CR1_QUEUE                                                         \
    (IM_MASK(SMMU_CR1_QUEUE_IC) | IM_MASK(SMMU_CR1_QUEUE_OC) |            \
     IM_MASK(SMMU_CR1_QUEUE_SH))

/* Each half has its guard. */
IM_RULE(SMMU_REG_CR1);
static void smmu_regs_cr1_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                  uint64_t old, unsigned bytes G_GNUC_UNUSED)
{
    ImSmmu *s = dev;
    uint64_t keep = 0;

    if (im_smmu_on(s, CR0(SMMUEN))) {
        keep |= CR1_TABLE;
    }
    if (im_smmu_on(s, CR0(CMDQEN) | CR0(EVENTQEN) | CR0(PRIQEN))) {
        keep |= CR1_QUEUE;
    }
    im_smmu_reg_set(s, SMMU_R_CR1,
                    (old & keep) | (im_smmu_reg(s, SMMU_R_CR1) & ~keep));
}

IM_RULE(SMMU_REG_CR2);
static void smmu_regs_cr2_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                  uint64_t old G_GNUC_UNUSED,
                                  unsigned bytes G_GNUC_UNUSED)
{
    ImSmmu *s = dev;

    s->cr2 = (uint32_t)im_smmu_reg(s, SMMU_R_CR2);
}

/* What cannot be overridden is taken as it comes. */
static uint32_t smmu_regs_effective_gbpa(const ImSmmu *s)
{
    uint64_t gbpa = im_smmu_reg(s, SMMU_R_GBPA);

    if (!im_smmu_has(s, SMMU_IF1(ATTR_TYPES_OVR))) {
        gbpa = IM_SET(gbpa, SMMU_GBPA_SHCFG, 1);
    }
    return (uint32_t)gbpa;
}

/* Only a write with UPDATE counts, and UPDATE reads 0 again at once. */
IM_RULE(SMMU_REG_GBPA);
static void smmu_regs_gbpa_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                   uint64_t old, unsigned bytes G_GNUC_UNUSED)
{
    ImSmmu *s = dev;
    uint64_t gbpa = im_smmu_reg(s, SMMU_R_GBPA);

    if (!IM_GET(gbpa, SMMU_GBPA_UPDATE)) {
        im_smmu_reg_set(s, SMMU_R_GBPA, old);
        return;
    }
    im_smmu_reg_set(s, SMMU_R_GBPA, gbpa & ~IM_MASK(SMMU_GBPA_UPDATE));
    s->gbpa = smmu_regs_effective_gbpa(s);
    if (!im_smmu_on(s, CR0(SMMUEN))) {
        im_smmu_unmap(s, 0, UINT64_MAX);
        im_smmu_invalidated_all(s);
        im_smmu_changed(s);
    }
}

/* What happened before an enable is not told. */
IM_RULE(SMMU_REG_IRQ_CTRL);
static void smmu_regs_irq_ctrl_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                       uint64_t old G_GNUC_UNUSED,
                                       unsigned bytes G_GNUC_UNUSED)
{
    ImSmmu *s = dev;

    im_smmu_reg_set(s, SMMU_R_IRQ_CTRLACK, im_smmu_reg(s, SMMU_R_IRQ_CTRL));
}

/* Consumption and writing go on. */
IM_RULE(SMMU_REG_GERRORN);
static void smmu_regs_gerrorn_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                      uint64_t old G_GNUC_UNUSED,
                                      unsigned bytes G_GNUC_UNUSED)
{
    im_smmu_stall_pump(dev);
    im_smmu_cmdq_run(dev);
}

/* --- Stream table. ------------------------------------------------------ */

static unsigned smmu_regs_strtab_split(uint64_t cfg)
{
    unsigned split = (unsigned)IM_GET(cfg, SMMU_STRTAB_CFG_SPLIT);

    if (IM_GET(cfg, SMMU_STRTAB_CFG_FMT) != 1) {
        return 0;
    }
    return split == 8 || split == 10 ? split : 6;
}

/* The base is aligned to what is configured, even where SIDSIZE is less. */
IM_RULE(SMMU_REG_STRTAB_BASE);
IM_RULE(SMMU_REG_STRTAB_BASE_CFG);
static void smmu_regs_strtab_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                     uint64_t old G_GNUC_UNUSED,
                                     unsigned bytes G_GNUC_UNUSED)
{
    ImSmmu *s = dev;
    uint64_t base = im_smmu_reg(s, SMMU_R_STRTAB_BASE) &
                    IM_MASK(SMMU_STRTAB_BASE_ADDR);
    uint64_t cfg = im_smmu_reg(s, SMMU_R_STRTAB_BASE_CFG);
    unsigned literal = (unsigned)IM_GET(cfg, SMMU_STRTAB_CFG_LOG2SIZE);
    unsigned split = smmu_regs_strtab_split(cfg);
    unsigned align = !split          ? literal + 6 :
                     literal > split ? MAX(literal - split + 3, 6) :
                                       6;

    s->strtab.base = align < 64 ? base >> align << align : 0;
    s->strtab.log2size = (uint8_t)MIN(literal,
                                      IM_GET(s->ids.idr[1], SMMU_IDR1_SIDSIZE));
    s->strtab.split = (uint8_t)split;
}

/* --- Queues. ------------------------------------------------------------ */

typedef struct QueueDef {
    unsigned base, prod, cons;      /* registers */
    unsigned entry;
    unsigned max_hi, max_lo;        /* of IDR1 */
} QueueDef;

static const QueueDef queue_defs[] = {
    [SMMU_CMDQ] = {
        .base = SMMU_R_CMDQ_BASE, .prod = SMMU_R_CMDQ_PROD,
        .cons = SMMU_R_CMDQ_CONS, .entry = 16,
        .max_hi = SMMU_IDR1_CMDQS_HI, .max_lo = SMMU_IDR1_CMDQS_LO,
    },
    [SMMU_EVENTQ] = {
        .base = SMMU_R_EVENTQ_BASE, .prod = SMMU_R_EVENTQ_PROD,
        .cons = SMMU_R_EVENTQ_CONS, .entry = 32,
        .max_hi = SMMU_IDR1_EVENTQS_HI, .max_lo = SMMU_IDR1_EVENTQS_LO,
    },
    [SMMU_PRIQ] = {
        .base = SMMU_R_PRIQ_BASE, .prod = SMMU_R_PRIQ_PROD,
        .cons = SMMU_R_PRIQ_CONS, .entry = 16,
        .max_hi = SMMU_IDR1_PRIQS_HI, .max_lo = SMMU_IDR1_PRIQS_LO,
    },
};

/* Size capped by IDR1, base aligned to the size. */
IM_RULE(SMMU_REG_QUEUE);
SmmuQueue im_smmu_queue(const ImSmmu *s, SmmuQueueId id)
{
    const QueueDef *def = &queue_defs[id];
    uint64_t base = im_smmu_reg(s, def->base);
    uint64_t max = (s->ids.idr[1] & IM_BITS(def->max_hi, def->max_lo)) >>
                   def->max_lo;
    SmmuQueue q = {
        .lg2 = (unsigned)MIN(IM_GET(base, SMMU_Q_BASE_LOG2SIZE), max),
        .entry = def->entry,
    };
    uint64_t bytes = (uint64_t)q.entry << q.lg2;
    uint64_t index = IM_BITS(q.lg2, 0);

    q.base = base & IM_MASK(SMMU_Q_BASE_ADDR) & ~(bytes - 1);
    q.prod = (uint32_t)(im_smmu_reg(s, def->prod) & index);
    q.cons = (uint32_t)(im_smmu_reg(s, def->cons) & index);
    return q;
}

/* What size cuts off is gone: nothing above the wrap bit is stored. */
static void smmu_regs_cut_indices(ImSmmu *s, SmmuQueueId id)
{
    const QueueDef *def = &queue_defs[id];
    SmmuQueue q = im_smmu_queue(s, id);

    im_smmu_reg_set(s, def->prod,
                    IM_SET(im_smmu_reg(s, def->prod), SMMU_Q_INDEX_INDEX,
                           q.prod));
    im_smmu_reg_set(s, def->cons,
                    IM_SET(im_smmu_reg(s, def->cons), SMMU_Q_INDEX_INDEX,
                           q.cons));
}

/* Any register of a queue was written, size and indexes. */
IM_RULE(SMMU_REG_CMDQ_CONS);
static void smmu_regs_cmdq_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                   uint64_t old G_GNUC_UNUSED,
                                   unsigned bytes G_GNUC_UNUSED)
{
    smmu_regs_cut_indices(dev, SMMU_CMDQ);
}

IM_RULE(SMMU_REG_EVENTQ_PROD);
static void smmu_regs_eventq_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                     uint64_t old G_GNUC_UNUSED,
                                     unsigned bytes G_GNUC_UNUSED)
{
    smmu_regs_cut_indices(dev, SMMU_EVENTQ);
}

IM_RULE(SMMU_REG_PRIQ_PROD);
static void smmu_regs_priq_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                   uint64_t old G_GNUC_UNUSED,
                                   unsigned bytes G_GNUC_UNUSED)
{
    smmu_regs_cut_indices(dev, SMMU_PRIQ);
}

IM_RULE(SMMU_REG_CMDQ_PROD);
static void smmu_regs_cmdq_prod_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                        uint64_t old G_GNUC_UNUSED,
                                        unsigned bytes G_GNUC_UNUSED)
{
    smmu_regs_cut_indices(dev, SMMU_CMDQ);
    im_smmu_cmdq_run(dev);
}

IM_RULE(SMMU_REG_EVENTQ_CONS);
static void smmu_regs_eventq_cons_written(void *dev,
                                          unsigned elem G_GNUC_UNUSED,
                                          uint64_t old G_GNUC_UNUSED,
                                          unsigned bytes G_GNUC_UNUSED)
{
    smmu_regs_cut_indices(dev, SMMU_EVENTQ);
    im_smmu_stall_pump(dev);
}

/* --- The table. --------------------------------------------------------- */

#define REG_DEF(n, clause_, off, sz, rst, rw_, guard_, wr, needs_)        \
    [SMMU_R_##n] = {                                                      \
        .name = #n, .rule = IM_CLAUSE(clause_), .offset = (off),          \
        .size = (sz), .reset = (rst),                                     \
        .rw = (sz) == 4 ? (uint32_t)(rw_) : (rw_),                        \
        .needs = (needs_), .guard = guard_, .written = wr,                \
    },
static const ImRegDef reg_defs[SMMU_R_COUNT] = { SMMU_REGS(REG_DEF) };

#define REG_BITS(n, mask_, needs_)  { SMMU_R_##n, (mask_), (needs_) },
static const ImRegBits reg_bits[] = { SMMU_REG_BITS(REG_BITS) };

/* Registers with an address, of which nothing above OAS is stored. */
/* clang-format off */
static const unsigned reg_addrs[] = {
    SMMU_R_GERROR_IRQ_CFG0, SMMU_R_EVENTQ_IRQ_CFG0, SMMU_R_PRIQ_IRQ_CFG0,
    SMMU_R_STRTAB_BASE, SMMU_R_CMDQ_BASE, SMMU_R_EVENTQ_BASE,
    SMMU_R_PRIQ_BASE,
};
/* clang-format on */

static void smmu_regs_implement(const ImSmmu *s, ImRegBank *bank)
{
    im_regbank_implement(bank, im_smmu_features(s), reg_bits,
                         G_N_ELEMENTS(reg_bits));
    for (size_t i = 0; i < G_N_ELEMENTS(reg_addrs); i++) {
        im_regbank_hide(bank, reg_addrs[i],
                        IM_BITS(55, 0) & ~im_smmu_oas_mask(s));
    }
}

/* The identity that IIDR tells. */
IM_RULE(SMMU_REG_PIDR);
static void smmu_regs_preset_ids(ImSmmu *s, ImRegBank *b)
{
    uint64_t iidr = s->cfg.iidr;
    uint64_t jep106 = IM_GET(iidr, SMMU_IIDR_IMPLEMENTER);
    uint64_t product = IM_GET(iidr, SMMU_IIDR_PRODUCTID);
    static const uint8_t idrs[] = {
        SMMU_R_IDR0, SMMU_R_IDR1, SMMU_R_IDR2, SMMU_R_IDR3,
        SMMU_R_IDR4, SMMU_R_IDR5, SMMU_R_IDR6,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(idrs); i++) {
        im_regbank_preset(b, idrs[i], s->ids.idr[i]);
    }
    im_regbank_preset(b, SMMU_R_IIDR, iidr);
    im_regbank_preset(b, SMMU_R_AIDR, im_smmu_aidr(&s->cfg));
    im_regbank_preset(b, SMMU_R_PIDR0, product & 0xff);
    im_regbank_preset(b, SMMU_R_PIDR1, product >> 8 | (jep106 & 0xf) << 4);
    im_regbank_preset(b, SMMU_R_PIDR2,
                      (jep106 >> 4 & 7) | 8 |
                          IM_GET(iidr, SMMU_IIDR_VARIANT) << 4);
    im_regbank_preset(b, SMMU_R_PIDR3, IM_GET(iidr, SMMU_IIDR_REVISION) << 4);
    im_regbank_preset(b, SMMU_R_PIDR4, jep106 >> 8);
}

SmmuRegs *im_smmu_regs_new(ImSmmu *s)
{
    SmmuRegs *r = g_new0(SmmuRegs, 1);

    r->bank = im_regbank_new(reg_defs, SMMU_R_COUNT, IM_SMMU_MMIO_SIZE, s);
    smmu_regs_preset_ids(s, r->bank);
    smmu_regs_implement(s, r->bank);
    return r;
}

void im_smmu_regs_free(SmmuRegs *r)
{
    if (r) {
        im_regbank_free(r->bank);
        g_free(r);
    }
}

/* What the architecture leaves UNKNOWN is 0. */
IM_RULE(SMMU_REG_RESET);
void im_smmu_regs_reset(ImSmmu *s)
{
    im_regbank_reset(s->regs->bank, false);
    s->cr0 = 0;
    s->cr2 = 0;
    s->gbpa = smmu_regs_effective_gbpa(s);
    smmu_regs_strtab_written(s, 0, 0, 0);
}
