/*
 * The event queue: 7.2 to 7.4.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/regs.h"
#include "im/spec/smmu_records.h.inc"

#include <string.h>

#define SMMU_LAYOUT_ROW(l)  IM_LAYOUT(l);
SMMU_RECORD_LAYOUTS(SMMU_LAYOUT_ROW)
#undef SMMU_LAYOUT_ROW

#define WORDS   4               /* of a record */
#define RECENT  8               /* records that new ones may merge with */
#define MERGE_NS  1000000       /* and for how long */

typedef struct Recent {
    uint64_t word[WORDS];
    uint64_t when;              /* written */
    uint32_t at;                /* its index, with the wrap bit */
    bool valid;
} Recent;

struct SmmuEventq {
    Recent recent[RECENT];
    unsigned next;
};

/* --- Layout: which fields a record has. --------------------------------- */

enum {
    REC_SSV = 1 << 0,
    REC_SSID = 1 << 1,
    REC_REASON = 1 << 2,
    REC_STALL = 1 << 3,
    REC_RW = 1 << 4,
    REC_RNW = 1 << 5,
    REC_S2 = 1 << 6,
    REC_CLASS = 1 << 7,
    REC_TTRNW = 1 << 8,
    REC_ADDR = 1 << 9,
    REC_PAGE = 1 << 10,
    REC_IPA = 1 << 11,
    REC_FETCH = 1 << 12,
    REC_TREQ = 1 << 13,
    REC_STAGE = REC_S2 | REC_CLASS,
    REC_FAULT = REC_SSV | REC_STALL | REC_RW | REC_STAGE | REC_TTRNW |
                REC_ADDR | REC_IPA,
};

#define RECORD(name, fields)  [SMMU_EVT_##name] = (fields),
static const uint16_t record_fields[256] = { SMMU_RECORDS(RECORD) };

/* An event without a row does not compile. */
#define RECORD_OF(name, fields)  RECORD_OF_##name,
enum { SMMU_RECORDS(RECORD_OF) };
#define E(code, name, ...)  G_STATIC_ASSERT(RECORD_OF_##name >= 0);
#include "im/spec/smmu_events.h.inc"
#undef E

/* As requested, one STU for each 8 bytes. */
IM_RULE(SMMU_EVENT_BAD_ATS_TREQ);
static uint64_t smmu_eventq_treq_word(const SmmuEvent *e)
{
    uint64_t entries = e->txn ? e->txn->len / 8 : 1;

    return IM_PUT(SMMU_TREQ1_SPAN, MIN(entries, 0xfff)) |
           IM_PUT(SMMU_TREQ1_PRIV, e->pnu) | IM_PUT(SMMU_TREQ1_X, e->ind) |
           IM_PUT(SMMU_TREQ1_W, !(e->txn && e->txn->no_write)) |
           IM_PUT(SMMU_TREQ1_READ, 1);
}

static uint64_t smmu_eventq_word0(const SmmuEvent *e, unsigned f)
{
    uint64_t w = IM_PUT(SMMU_REC0_TYPE, e->code) |
                 IM_PUT(SMMU_REC0_SID, e->sid);

    if ((f & REC_SSV) && e->ssv) {
        w |= IM_MASK(SMMU_REC0_SSV) | IM_PUT(SMMU_REC0_SSID, e->ssid);
    }
    if (f & REC_SSID) {
        w |= IM_PUT(SMMU_REC0_SSID, e->ssid);
    }
    return w;
}

IM_RULE(SMMU_EVENT_FAULT_FIELDS);
static uint64_t smmu_eventq_word1(const SmmuEvent *e, unsigned f)
{
    uint64_t w = f & REC_TREQ ? smmu_eventq_treq_word(e) : 0;

    if (f & REC_REASON) {
        w |= IM_PUT(SMMU_REC1_STAG, e->reason);
    }
    if ((f & REC_STALL) && e->stall) {
        w |= IM_MASK(SMMU_REC1_STALL) | IM_PUT(SMMU_REC1_STAG, e->stag);
    }
    if (f & REC_RW) {
        w |= IM_PUT(SMMU_REC1_PNU, e->pnu) |
             IM_PUT(SMMU_REC1_IND, e->ind && e->rnw);
    }
    if (f & (REC_RW | REC_RNW)) {
        w |= IM_PUT(SMMU_REC1_RNW, e->rnw);
    }
    if (f & REC_S2) {
        w |= IM_PUT(SMMU_REC1_S2, e->s2);
    }
    if (f & REC_CLASS) {
        w |= IM_PUT(SMMU_REC1_CLASS, e->cls);
    }
    if ((f & REC_TTRNW) && e->cls == SMMU_CLASS_TT) {
        w |= IM_PUT(SMMU_REC1_TTRNW, e->ttrnw);
    }
    return w;
}

IM_RULE(SMMU_EVENT_RECORD);
static void smmu_eventq_build(const ImSmmu *s, const SmmuEvent *e, uint64_t *w)
{
    unsigned f = record_fields[e->code];

    w[0] = smmu_eventq_word0(e, f);
    w[1] = smmu_eventq_word1(e, f);
    w[2] = f & REC_ADDR ? e->addr :
           f & REC_PAGE ? e->addr & ~UINT64_C(0xfff) :
                          0;
    w[3] = 0;
    if ((f & REC_IPA) && e->s2) {
        w[3] = e->ipa & IM_MASK(SMMU_IPA3_IPA) & im_smmu_oas_mask(s);
    }
    if (f & REC_FETCH) {
        w[3] = e->fetch & IM_MASK(SMMU_FETCH3_ADDR) & im_smmu_oas_mask(s);
    }
}

/* What people are told: the rule that decided, or that of the record. */
static ImClause smmu_eventq_clause(const SmmuEvent *e)
{
    return e->clause ? e->clause : im_smmu_event_def(e->code)->clause;
}

/* --- Merging. ----------------------------------------------------------- */

/* Whether the record written at index at is still there. */
static bool smmu_eventq_unconsumed(const SmmuQueue *q, uint32_t at)
{
    uint32_t mask = (uint32_t)IM_BITS(q->lg2, 0);

    return ((at - q->cons) & mask) < ((q->prod - q->cons) & mask);
}

/* The low bits of InputAddr do not part two events. */
static bool smmu_eventq_same(const uint64_t *a, const uint64_t *b)
{
    return a[0] == b[0] && a[1] == b[1] && a[3] == b[3] &&
           ((a[2] ^ b[2]) & ~UINT64_C(0xfff)) == 0;
}

/* With one of the last records, while software has not taken it, in quick
 * succession. */
IM_RULE(SMMU_EVENT_MERGE);
static bool smmu_eventq_merged(const ImSmmu *s, const SmmuEvent *e,
                               const SmmuQueue *q, const uint64_t *w)
{
    for (unsigned i = 0; e->merge && i < RECENT; i++) {
        const Recent *r = &s->eventq->recent[i];

        if (r->valid && smmu_eventq_unconsumed(q, r->at) &&
            smmu_eventq_same(r->word, w) &&
            s->port.now(s->host) - r->when <= MERGE_NS) {
            return true;
        }
    }
    return false;
}

static void smmu_eventq_remember(ImSmmu *s, const SmmuQueue *q,
                                 const uint64_t *w)
{
    SmmuEventq *eq = s->eventq;
    Recent *r = &eq->recent[eq->next++ % RECENT];

    memcpy(r->word, w, sizeof(r->word));
    r->when = s->port.now(s->host);
    r->at = q->prod;
    r->valid = true;
}

/* --- Writing. ----------------------------------------------------------- */

/* How an event ended, and how traces name it. */
typedef enum Fate {
    FATE_RECORDED,
    FATE_MERGED,
    FATE_DISABLED,
    FATE_ABORT_ACTIVE,
    FATE_FULL,
    FATE_ABORTED,
} Fate;

static const char *const fate_names[] = {
    [FATE_RECORDED] = "recorded",
    [FATE_MERGED] = "merged",
    [FATE_DISABLED] = "not recorded: queue disabled",
    [FATE_ABORT_ACTIVE] = "not recorded: EVENTQ_ABT_ERR",
    [FATE_FULL] = "not recorded: queue full",
    [FATE_ABORTED] = "not recorded: write aborted",
};

IM_RULE(SMMU_EVENT_WRITABLE);
static Fate smmu_eventq_writable(const ImSmmu *s, const SmmuQueue *q)
{
    return !im_smmu_on(s, IM_MASK(SMMU_CR0_EVENTQEN)) ? FATE_DISABLED :
           im_smmu_gerror_active(s, IM_MASK(SMMU_GERROR_EVENTQ_ABT)) ?
                                                        FATE_ABORT_ACTIVE :
           im_smmu_queue_full(q) ? FATE_FULL :
                                   FATE_RECORDED;
}

bool im_smmu_eventq_writable(ImSmmu *s)
{
    SmmuQueue q = im_smmu_queue(s, SMMU_EVENTQ);

    return smmu_eventq_writable(s, &q) == FATE_RECORDED;
}

/* Told once until software acknowledges. */
IM_RULE(SMMU_EVENT_OVERFLOW);
static void smmu_eventq_overflow(ImSmmu *s)
{
    uint64_t prod = im_smmu_reg(s, SMMU_R_EVENTQ_PROD);
    uint64_t cons = im_smmu_reg(s, SMMU_R_EVENTQ_CONS);

    if (!((prod ^ cons) & IM_MASK(SMMU_Q_INDEX_OVF))) {
        im_smmu_reg_set(s, SMMU_R_EVENTQ_PROD,
                        prod ^ IM_MASK(SMMU_Q_INDEX_OVF));
    }
}

IM_RULE(SMMU_EVENT_ABORT);
IM_RULE(SMMU_EVENT_INTERRUPT);
static Fate smmu_eventq_write_record(ImSmmu *s, const SmmuQueue *q,
                                     const uint64_t *w)
{
    uint64_t prod = im_smmu_reg(s, SMMU_R_EVENTQ_PROD);
    uint64_t le[WORDS];

    for (unsigned i = 0; i < WORDS; i++) {
        le[i] = GUINT64_TO_LE(w[i]);
    }
    if (im_smmu_mem_write(s, im_smmu_queue_addr(q, q->prod), le, sizeof(le)) !=
        IM_BUS_OK) {
        im_smmu_gerror(s, IM_MASK(SMMU_GERROR_EVENTQ_ABT));
        return FATE_ABORTED;
    }
    smmu_eventq_remember(s, q, w);
    im_smmu_reg_set(s, SMMU_R_EVENTQ_PROD,
                    IM_SET(prod, SMMU_Q_INDEX_INDEX,
                           im_smmu_queue_next(q, q->prod)));
    if (im_smmu_queue_empty(q)) {
        im_smmu_irq(s, IM_SMMU_IRQ_EVTQ);
    }
    return FATE_RECORDED;
}

static void smmu_eventq_trace_event(ImSmmu *s, const SmmuEvent *e, Fate fate,
                                    const uint64_t *w)
{
    ImEvent ev = {
        .kind = IM_EVENT_FAULT,
        .txn = e->txn,
        .req = e->req,
        .clause = smmu_eventq_clause(e),
        .name = fate == FATE_RECORDED && e->stall ? "stalled" :
                                                    fate_names[fate],
        .hidden = fate != FATE_RECORDED && fate != FATE_MERGED,
        .arg = { e->code, w[0], w[1], w[2] },
    };

    im_smmu_trace(s, &ev);
}

static Fate smmu_eventq_record(ImSmmu *s, const SmmuEvent *e, const uint64_t *w)
{
    SmmuQueue q = im_smmu_queue(s, SMMU_EVENTQ);
    Fate fate = smmu_eventq_writable(s, &q);

    if (!e->stall && fate != FATE_DISABLED && smmu_eventq_merged(s, e, &q, w)) {
        return FATE_MERGED;
    }
    if (fate == FATE_FULL && !e->stall) {
        smmu_eventq_overflow(s);
    }
    return fate == FATE_RECORDED ? smmu_eventq_write_record(s, &q, w) : fate;
}

static bool smmu_eventq_log_event(ImSmmu *s, const SmmuEvent *e)
{
    uint64_t w[WORDS];
    Fate fate;

    smmu_eventq_build(s, e, w);
    fate = smmu_eventq_record(s, e, w);
    if (fate == FATE_RECORDED) {
        s->counters.events_recorded++;
    } else if (fate == FATE_MERGED) {
        s->counters.events_merged++;
    } else {
        s->counters.events_dropped++;
    }
    smmu_eventq_trace_event(s, e, fate, w);
    return fate == FATE_RECORDED;
}

void im_smmu_event(ImSmmu *s, const SmmuEvent *e)
{
    smmu_eventq_log_event(s, e);
}

void im_smmu_event_hidden(ImSmmu *s, const SmmuEvent *e, const char *why)
{
    uint64_t w[WORDS];
    ImEvent ev = {
        .kind = IM_EVENT_FAULT,
        .name = why,
        .txn = e->txn,
        .req = e->req,
        .clause = smmu_eventq_clause(e),
        .hidden = true,
    };

    smmu_eventq_build(s, e, w);
    ev.arg[0] = e->code;
    memcpy(&ev.arg[1], w, 3 * sizeof(*w));
    s->counters.events_hidden++;
    im_smmu_trace(s, &ev);
}

bool im_smmu_eventq_stall(ImSmmu *s, const SmmuEvent *e)
{
    return smmu_eventq_log_event(s, e);
}

/* --- Life. -------------------------------------------------------------- */

SmmuEventq *im_smmu_eventq_new(void)
{
    return g_new0(SmmuEventq, 1);
}

void im_smmu_eventq_free(SmmuEventq *q)
{
    g_free(q);
}

void im_smmu_eventq_reset(ImSmmu *s)
{
    memset(s->eventq, 0, sizeof(*s->eventq));
}
