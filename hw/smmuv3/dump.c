/*
 * Everything a person wants to see of a unit, decoded by the same layouts
 * that the unit works with.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/dump.h"
#include "hw/smmuv3/regs.h"

#include <inttypes.h>

/* How many entries of a queue are shown. */
#define DUMP_ENTRIES  16

/* --- Registers ---------------------------------------------------------- */

static const ImRegFields reg_rows[] = {
    { SMMU_R_IDR0, IM_FIELDS(SMMU_IDR0) },
    { SMMU_R_IDR1, IM_FIELDS(SMMU_IDR1) },
    { SMMU_R_IDR3, IM_FIELDS(SMMU_IDR3) },
    { SMMU_R_IDR5, IM_FIELDS(SMMU_IDR5) },
    { SMMU_R_IIDR, IM_FIELDS(SMMU_IIDR) },
    { SMMU_R_AIDR, IM_FIELDS(SMMU_AIDR) },
    { SMMU_R_CR0, IM_FIELDS(SMMU_CR0) },
    { SMMU_R_CR0ACK, IM_FIELDS(SMMU_CR0) },
    { SMMU_R_CR1, IM_FIELDS(SMMU_CR1) },
    { SMMU_R_CR2, IM_FIELDS(SMMU_CR2) },
    { SMMU_R_GBPA, IM_FIELDS(SMMU_GBPA) },
    { SMMU_R_IRQ_CTRL, IM_FIELDS(SMMU_IRQ_CTRL) },
    { SMMU_R_IRQ_CTRLACK, IM_FIELDS(SMMU_IRQ_CTRL) },
    { SMMU_R_GERROR, IM_FIELDS(SMMU_GERROR) },
    { SMMU_R_GERRORN, IM_FIELDS(SMMU_GERROR) },
    { SMMU_R_STRTAB_BASE, IM_FIELDS(SMMU_STRTAB_BASE) },
    { SMMU_R_STRTAB_BASE_CFG, IM_FIELDS(SMMU_STRTAB_CFG) },
    { SMMU_R_CMDQ_BASE, IM_FIELDS(SMMU_Q_BASE) },
    { SMMU_R_CMDQ_CONS, IM_FIELDS(SMMU_CMDQ_CONS) },
    { SMMU_R_EVENTQ_BASE, IM_FIELDS(SMMU_Q_BASE) },
    { SMMU_R_EVENTQ_PROD, IM_FIELDS(SMMU_Q_INDEX) },
    { SMMU_R_EVENTQ_CONS, IM_FIELDS(SMMU_Q_INDEX) },
    { SMMU_R_PRIQ_BASE, IM_FIELDS(SMMU_Q_BASE) },
    { SMMU_R_PRIQ_PROD, IM_FIELDS(SMMU_Q_INDEX) },
    { SMMU_R_PRIQ_CONS, IM_FIELDS(SMMU_Q_INDEX) },
};

static void smmu_dump_regs(ImSmmu *s, GString *out)
{
    uint64_t active = im_smmu_reg(s, SMMU_R_GERROR) ^
                      im_smmu_reg(s, SMMU_R_GERRORN);

    im_regbank_dump(s->regs->bank, reg_rows, G_N_ELEMENTS(reg_rows), out);
    if (active) {
        g_string_append(out, "active global errors:");
        im_dump_fields(out, IM_FIELDS(SMMU_GERROR), active);
        g_string_append_c(out, '\n');
    }
    g_string_append_printf(out,
                           "stream table: %" PRIx64 ", %u StreamID "
                           "bits, ",
                           s->strtab.base, s->strtab.log2size);
    if (s->strtab.split) {
        g_string_append_printf(out, "two-level, split at %u\n",
                               s->strtab.split);
    } else {
        g_string_append(out, "linear\n");
    }
}

/* --- Queues ------------------------------------------------------------- */

/* What software left there may be anything. */
typedef void EntryTold(GString *out, const uint64_t *d);

static void smmu_dump_command(GString *out, const uint64_t *d)
{
    const char *name = im_smmu_cmd_name(d);

    g_string_append(out, name ? name : "?");
}

static void smmu_dump_event(GString *out, const uint64_t *d)
{
    const SmmuEventDef *def = im_smmu_event_def((uint8_t)d[0]);
    g_autofree char *clause = im_clause_text(def->clause);

    g_string_append(out, def->name ? def->name : "?");
    if (clause) {
        g_string_append_printf(out, " (%s)", clause);
    }
}

static void smmu_dump_ppr(GString *out, const uint64_t *d G_GNUC_UNUSED)
{
    g_string_append(out, "page request");
}

static const struct QueueRow {
    const char *name;
    SmmuQueueId id;
    uint64_t enable;            /* CR0 */
    uint64_t needs;             /* IDR0 */
    EntryTold *entry;
} queue_rows[] = {
    { "command queue", SMMU_CMDQ, IM_MASK(SMMU_CR0_CMDQEN), 0,
      smmu_dump_command },
    { "event queue", SMMU_EVENTQ, IM_MASK(SMMU_CR0_EVENTQEN), 0,
      smmu_dump_event },
    { "PRI queue", SMMU_PRIQ, IM_MASK(SMMU_CR0_PRIQEN), IM_MASK(SMMU_IDR0_PRI),
      smmu_dump_ppr },
};

static void smmu_dump_entry(ImSmmu *s, GString *out, const struct QueueRow *row,
                            const SmmuQueue *q, uint32_t at)
{
    unsigned words = q->entry / 8;
    uint64_t d[4];

    g_string_append_printf(out, "    %05x:", at & ((1u << q->lg2) - 1));
    if (im_smmu_mem_peek(s, im_smmu_queue_addr(q, at), d, q->entry) !=
        IM_BUS_OK) {
        g_string_append(out, " not readable\n");
        return;
    }
    for (unsigned i = 0; i < words; i++) {
        d[i] = GUINT64_FROM_LE(d[i]);
        g_string_append_printf(out, " %016" PRIx64, d[i]);
    }
    g_string_append_c(out, ' ');
    row->entry(out, d);
    g_string_append_c(out, '\n');
}

static void smmu_dump_queue(ImSmmu *s, GString *out, const struct QueueRow *row)
{
    SmmuQueue q = im_smmu_queue(s, row->id);
    uint32_t at = q.cons;

    g_string_append_printf(out,
                           "%s: base %" PRIx64 ", %u entries, PROD "
                           "%x, CONS %x%s%s\n",
                           row->name, q.base, 1u << q.lg2, q.prod, q.cons,
                           im_smmu_queue_full(&q) ? ", full" : "",
                           im_smmu_on(s, row->enable) ? "" : ", disabled");
    for (unsigned n = 0; n < DUMP_ENTRIES && at != q.prod; n++) {
        smmu_dump_entry(s, out, row, &q, at);
        at = im_smmu_queue_next(&q, at);
    }
}

static void smmu_dump_queues(ImSmmu *s, GString *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(queue_rows); i++) {
        if (im_smmu_has(s, queue_rows[i].needs)) {
            smmu_dump_queue(s, out, &queue_rows[i]);
        }
    }
    im_smmu_atc_dump(s, out);
}

void im_smmu_dump(ImSmmu *s, GString *out)
{
    smmu_dump_regs(s, out);
    smmu_dump_queues(s, out);
    im_smmu_stalls_dump(s, out);
    im_smmu_caches_dump(s, out);
    g_string_append(out, "counters:\n");
    im_smmu_ops.counters(s, im_dump_counter, out);
}
