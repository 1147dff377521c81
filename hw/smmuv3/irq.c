/*
 * Interrupts and global errors: 3.18, 6.3.17 to 6.3.20, 7.5.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/regs.h"

typedef struct IrqDef {
    const char *name;
    uint64_t enable;            /* IRQ_CTRL; 0: always */
    uint64_t abort;             /* GERROR bit of its MSI */
    unsigned cfg0, cfg1;        /* registers */
} IrqDef;

static const IrqDef irq_defs[IM_SMMU_IRQS] = {
    [IM_SMMU_IRQ_EVTQ] = {
        "event queue", IM_MASK(SMMU_IRQ_CTRL_EVENTQ),
        IM_MASK(SMMU_GERROR_MSI_EVENTQ_ABT),
        SMMU_R_EVENTQ_IRQ_CFG0, SMMU_R_EVENTQ_IRQ_CFG1,
    },
    [IM_SMMU_IRQ_PRIQ] = {
        "PRI queue", IM_MASK(SMMU_IRQ_CTRL_PRIQ),
        IM_MASK(SMMU_GERROR_MSI_PRIQ_ABT),
        SMMU_R_PRIQ_IRQ_CFG0, SMMU_R_PRIQ_IRQ_CFG1,
    },
    [IM_SMMU_IRQ_SYNC] = {
        "CMD_SYNC", 0, IM_MASK(SMMU_GERROR_MSI_CMDQ_ABT), 0, 0,
    },
    [IM_SMMU_IRQ_GERROR] = {
        "global error", IM_MASK(SMMU_IRQ_CTRL_GERROR),
        IM_MASK(SMMU_GERROR_MSI_GERROR_ABT),
        SMMU_R_GERROR_IRQ_CFG0, SMMU_R_GERROR_IRQ_CFG1,
    },
};

/*
 * The wire is pulsed whether or not there is an MSI: the whole field is 0, or
 * there is one; address bits above OAS are cut.
 */
IM_RULE(SMMU_IRQ_SOURCES);
IM_RULE(SMMU_IRQ_MSI);
static void smmu_irq_send(ImSmmu *s, ImSmmuIrq source, uint64_t field,
                          uint32_t data)
{
    ImMsi msi = {
        .addr = field & im_smmu_oas_mask(s),
        .data = data,
        .source = (uint8_t)source,
    };
    ImEvent ev = {
        .kind = IM_EVENT_INTERRUPT,
        .name = irq_defs[source].name,
        .msi = &msi,
    };

    s->counters.interrupts++;
    im_smmu_trace(s, &ev);
    if (s->port.wire) {
        s->port.wire(s->host, source);
    }
    if (field && im_smmu_has(s, IM_MASK(SMMU_IDR0_MSI))) {
        s->port.msi(s->host, &msi);
    }
}

void im_smmu_irq(ImSmmu *s, ImSmmuIrq source)
{
    const IrqDef *def = &irq_defs[source];

    if (im_smmu_reg(s, SMMU_R_IRQ_CTRL) & def->enable) {
        smmu_irq_send(s, source, im_smmu_reg(s, def->cfg0),
                      (uint32_t)im_smmu_reg(s, def->cfg1));
    }
}

void im_smmu_irq_sync(ImSmmu *s, uint64_t addr, uint32_t data)
{
    smmu_irq_send(s, IM_SMMU_IRQ_SYNC, addr, data);
}

bool im_smmu_gerror_active(const ImSmmu *s, uint64_t bits)
{
    return (im_smmu_reg(s, SMMU_R_GERROR) ^ im_smmu_reg(s, SMMU_R_GERRORN)) &
           bits;
}

/* CMDQ_ERR is told of with its command. */
static const struct GerrorDef {
    uint64_t bit;
    const char *name;
    ImSmmuIrq source;           /* of the message that failed */
} gerror_defs[] = {
    { IM_MASK(SMMU_GERROR_EVENTQ_ABT), "EVENTQ_ABT_ERR", IM_SMMU_IRQS },
    { IM_MASK(SMMU_GERROR_PRIQ_ABT), "PRIQ_ABT_ERR", IM_SMMU_IRQS },
    { IM_MASK(SMMU_GERROR_MSI_CMDQ_ABT), "MSI_CMDQ_ABT_ERR", IM_SMMU_IRQ_SYNC },
    { IM_MASK(SMMU_GERROR_MSI_EVENTQ_ABT), "MSI_EVENTQ_ABT_ERR",
      IM_SMMU_IRQ_EVTQ },
    { IM_MASK(SMMU_GERROR_MSI_PRIQ_ABT), "MSI_PRIQ_ABT_ERR", IM_SMMU_IRQ_PRIQ },
    { IM_MASK(SMMU_GERROR_MSI_GERROR_ABT), "MSI_GERROR_ABT_ERR",
      IM_SMMU_IRQ_GERROR },
};

static void smmu_irq_tell_gerror(ImSmmu *s, const struct GerrorDef *def)
{
    ImEvent ev = {
        .kind = IM_EVENT_FAULT,
        .name = def->name,
        .clause = IM_CLAUSE(SMMU_IRQ_GERROR),
    };
    ImMsi msi = { .source = (uint8_t)def->source };

    if (def->source < IM_SMMU_IRQS) {
        const IrqDef *irq = &irq_defs[def->source];

        if (irq->cfg0) {        /* a CMD_SYNC's are gone */
            msi.addr = im_smmu_reg(s, irq->cfg0);
            msi.data = (uint32_t)im_smmu_reg(s, irq->cfg1);
        }
        ev.msi = &msi;
    }
    im_smmu_trace(s, &ev);
}

/*
 * An active error is not activated again. An abort of the very MSI that tells
 * of errors is not told by another.
 */
IM_RULE(SMMU_IRQ_GERROR);
void im_smmu_gerror(ImSmmu *s, uint64_t bits)
{
    uint64_t gerror = im_smmu_reg(s, SMMU_R_GERROR);
    uint64_t fresh = bits & ~(gerror ^ im_smmu_reg(s, SMMU_R_GERRORN));

    if (fresh) {
        im_smmu_reg_set(s, SMMU_R_GERROR, gerror ^ fresh);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(gerror_defs); i++) {
        if (fresh & gerror_defs[i].bit) {
            smmu_irq_tell_gerror(s, &gerror_defs[i]);
        }
    }
    if (fresh & ~IM_MASK(SMMU_GERROR_MSI_GERROR_ABT)) {
        im_smmu_irq(s, IM_SMMU_IRQ_GERROR);
    }
}

IM_RULE(SMMU_IRQ_MSI_ABORT);
void im_smmu_msi_aborted(ImSmmu *s, ImSmmuIrq source)
{
    if (source < IM_SMMU_IRQS && im_smmu_has(s, IM_MASK(SMMU_IDR0_MSI))) {
        im_smmu_gerror(s, irq_defs[source].abort);
    }
}
