/*
 * Stalled transactions: 3.12.2, 4.7.
 *
 * A transaction that is parked has a STAG and a record in the event queue,
 * or it waits for both: while the queue is not writable, or STALL_MAX
 * others are stalled, it has not been told of. When its turn comes it is
 * tried again, so that its record never speaks of what is no longer so.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/regs.h"

#include <inttypes.h>

/* How many may wait; what comes later is terminated. */
#define WAIT_MAX    1024
#define NO_STAG     UINT32_MAX
#define DUMP_STALLS 64

typedef struct Parked {
    uint64_t handle;
    ImTxn txn;
    uint32_t sid;
    uint32_t stag;              /* NO_STAG: waits */
    uint8_t code;               /* SmmuEventCode of its last fault */
    bool gone;                  /* cancelled: only the STAG is in use */
    GList in_all, in_stream, in_waiting;
} Parked;

struct SmmuStalls {
    GHashTable *by_handle;      /* &Parked.handle: Parked */
    GHashTable *streams;        /* StreamID: GQueue of Parked */
    GQueue all, waiting;
    Parked **by_stag;
    uint16_t *free;             /* ring of free STAGs, oldest first */
    unsigned max, nfree, first_free;
    uint64_t last_handle;
};

/* --- STAGs: given out in turn, so that one is not soon used again. ------ */

static void smmu_stall_give_back_stag(SmmuStalls *q, Parked *p)
{
    if (p->stag != NO_STAG) {
        q->by_stag[p->stag] = NULL;
        q->free[(q->first_free + q->nfree++) % q->max] = (uint16_t)p->stag;
        p->stag = NO_STAG;
    }
}

static void smmu_stall_take_stag(SmmuStalls *q, Parked *p)
{
    p->stag = q->free[q->first_free];
    q->first_free = (q->first_free + 1) % q->max;
    q->nfree--;
    q->by_stag[p->stag] = p;
}

/* --- The lists. --------------------------------------------------------- */

static GQueue *smmu_stall_stream_of(const SmmuStalls *q, uint32_t sid)
{
    return g_hash_table_lookup(q->streams, GUINT_TO_POINTER(sid));
}

static Parked *smmu_stall_park(SmmuStalls *q, const ImTxn *txn, uint8_t code)
{
    Parked *p = g_new0(Parked, 1);
    GQueue *stream;

    p->handle = ++q->last_handle;
    p->txn = *txn;
    p->sid = im_smmu_txn_sid(txn);
    p->stag = NO_STAG;
    p->code = code;
    p->in_all.data = p->in_stream.data = p->in_waiting.data = p;
    stream = smmu_stall_stream_of(q, p->sid);
    if (!stream) {
        stream = g_new0(GQueue, 1);
        g_hash_table_insert(q->streams, GUINT_TO_POINTER(p->sid), stream);
    }
    g_queue_push_tail_link(stream, &p->in_stream);
    g_queue_push_tail_link(&q->all, &p->in_all);
    g_hash_table_insert(q->by_handle, &p->handle, p);
    return p;
}

static void smmu_stall_unpark(SmmuStalls *q, Parked *p)
{
    GQueue *stream = smmu_stall_stream_of(q, p->sid);

    if (p->stag == NO_STAG) {
        g_queue_unlink(&q->waiting, &p->in_waiting);
    }
    smmu_stall_give_back_stag(q, p);
    g_queue_unlink(stream, &p->in_stream);
    if (g_queue_is_empty(stream)) {
        g_hash_table_remove(q->streams, GUINT_TO_POINTER(p->sid));
    }
    g_queue_unlink(&q->all, &p->in_all);
    if (!p->gone) {
        g_hash_table_remove(q->by_handle, &p->handle);
    }
    g_free(p);
}

/* --- How a stall ends. -------------------------------------------------- */

static void smmu_stall_answer(ImSmmu *s, Parked *p, const ImXlat *xlat)
{
    uint64_t handle = p->handle;
    bool gone = p->gone;

    smmu_stall_unpark(s->stalls, p);
    if (!gone) {
        s->port.resume(s->host, handle, xlat);
    }
}

static void smmu_stall_terminate(ImSmmu *s, Parked *p, ImCpl cpl)
{
    ImXlat xlat = {
        .status = IM_FAULT,
        .cpl = (uint8_t)cpl,
        .fault = p->code,
    };

    if (!p->gone) {
        s->counters.stalls_terminated++;
    }
    smmu_stall_answer(s, p, &xlat);
}

/* An external abort loses the record, not the transaction: it can still be
 * terminated. */
IM_RULE(SMMU_STALL_RECORD);
static void smmu_stall_tell(ImSmmu *s, Parked *p, const SmmuEvent *e)
{
    SmmuEvent record = *e;

    smmu_stall_take_stag(s->stalls, p);
    p->code = e->code;
    record.stall = true;
    record.stag = (uint16_t)p->stag;
    record.txn = &p->txn;
    im_smmu_eventq_stall(s, &record);
}

static bool smmu_stall_may_tell(ImSmmu *s)
{
    return s->stalls->nfree && im_smmu_eventq_writable(s);
}

/* Each turn either takes one from the list for good, or takes a STAG. */
IM_RULE(SMMU_STALL_UNRECORDED);
void im_smmu_stall_pump(ImSmmu *s)
{
    SmmuStalls *q = s->stalls;

    while (!g_queue_is_empty(&q->waiting) && smmu_stall_may_tell(s)) {
        Parked *p = q->waiting.head->data;
        SmmuRetry retry = { 0 };
        ImXlat x = im_smmu_route(s, &p->txn, &retry);

        if (x.status == IM_PENDING) {
            g_queue_unlink(&q->waiting, &p->in_waiting);
            smmu_stall_tell(s, p, &retry.event);
            continue;
        }
        if (x.status == IM_OK) {
            s->counters.stalls_resumed++;
        } else {
            s->counters.stalls_terminated++;
        }
        smmu_stall_answer(s, p, &x);
    }
}

static void smmu_stall_wait_turn(ImSmmu *s, Parked *p)
{
    ImEvent ev = {
        .kind = IM_EVENT_FAULT,
        .name = "stalled: not recorded yet",
        .clause = im_smmu_event_def(p->code)->clause,
        .arg = { p->code },
        .txn = &p->txn,
        .hidden = !im_smmu_eventq_writable(s),
    };

    g_queue_push_tail_link(&s->stalls->waiting, &p->in_waiting);
    im_smmu_trace(s, &ev);
}

bool im_smmu_stall(ImSmmu *s, const ImTxn *txn, const SmmuEvent *e,
                   uint64_t *handle)
{
    SmmuStalls *q = s->stalls;
    Parked *p;

    if (!txn->may_stall || !s->port.resume || !q->max ||
        q->waiting.length >= WAIT_MAX) {
        return false;
    }
    p = smmu_stall_park(q, txn, e->code);
    *handle = p->handle;
    s->counters.stalls++;
    if (g_queue_is_empty(&q->waiting) && smmu_stall_may_tell(s)) {
        smmu_stall_tell(s, p, e);
    } else {
        smmu_stall_wait_turn(s, p);
    }
    return true;
}

/* As though it had just arrived. */
IM_RULE(SMMU_STALL_RETRY);
static void smmu_stall_retry(ImSmmu *s, Parked *p)
{
    SmmuStalls *q = s->stalls;
    SmmuRetry again = { 0 };
    ImXlat x = im_smmu_route(s, &p->txn, &again);

    s->counters.stalls_resumed++;
    if (x.status != IM_PENDING) {
        smmu_stall_answer(s, p, &x);
        return;
    }
    s->counters.stalls++;
    smmu_stall_give_back_stag(q, p);
    p->code = again.event.code;
    if (g_queue_is_empty(&q->waiting) && smmu_stall_may_tell(s)) {
        smmu_stall_tell(s, p, &again.event);
    } else {
        smmu_stall_wait_turn(s, p);
    }
}

IM_RULE(SMMU_STALL_MATCH);
void im_smmu_stall_resume(ImSmmu *s, uint32_t sid, uint16_t stag,
                          SmmuResume action)
{
    SmmuStalls *q = s->stalls;
    Parked *p = stag < q->max ? q->by_stag[stag] : NULL;

    if (!p || p->sid != sid) {
        return;
    }
    if (p->gone || action == SMMU_RESUME_ABORT) {
        smmu_stall_terminate(s, p, IM_CPL_UR);
    } else if (action == SMMU_RESUME_RAZWI) {
        smmu_stall_terminate(s, p, IM_CPL_SC);
    } else {
        smmu_stall_retry(s, p);
    }
    im_smmu_stall_pump(s);
}

/* Recorded or not. */
IM_RULE(SMMU_STALL_TERM);
void im_smmu_stall_term(ImSmmu *s, uint32_t sid)
{
    GQueue *stream = smmu_stall_stream_of(s->stalls, sid);
    unsigned n = stream ? stream->length : 0;

    while (n--) {
        smmu_stall_terminate(s, stream->head->data, IM_CPL_UR);
    }
    im_smmu_stall_pump(s);
}

void im_smmu_stalls_drop(ImSmmu *s)
{
    SmmuStalls *q = s->stalls;

    while (!g_queue_is_empty(&q->all)) {
        smmu_stall_terminate(s, q->all.head->data, IM_CPL_UR);
    }
    g_assert(q->nfree == q->max && g_queue_is_empty(&q->waiting));
}

/* A STAG that software was told of is in use until software says so. */
void im_smmu_cancel(ImSmmu *s, uint64_t handle)
{
    SmmuStalls *q = s->stalls;
    Parked *p = g_hash_table_lookup(q->by_handle, &handle);

    if (!p) {
        return;
    }
    g_hash_table_remove(q->by_handle, &p->handle);
    p->gone = true;
    if (p->stag == NO_STAG) {
        smmu_stall_unpark(q, p);
    }
}

/* --- Life. -------------------------------------------------------------- */

SmmuStalls *im_smmu_stalls_new(const ImSmmu *s)
{
    SmmuStalls *q = g_new0(SmmuStalls, 1);

    q->max = (unsigned)IM_GET(s->ids.idr[5], SMMU_IDR5_STALL_MAX);
    q->nfree = q->max;
    q->by_stag = g_new0(Parked *, q->max);
    q->free = g_new(uint16_t, q->max);
    for (unsigned i = 0; i < q->max; i++) {
        q->free[i] = (uint16_t)i;
    }
    q->by_handle = g_hash_table_new(g_int64_hash, g_int64_equal);
    q->streams = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return q;
}

void im_smmu_stalls_free(SmmuStalls *q)
{
    if (!q) {
        return;
    }
    while (!g_queue_is_empty(&q->all)) {
        smmu_stall_unpark(q, q->all.head->data);
    }
    g_hash_table_destroy(q->streams);
    g_hash_table_destroy(q->by_handle);
    g_free(q->by_stag);
    g_free(q->free);
    g_free(q);
}

void im_smmu_stalls_dump(ImSmmu *s, GString *out)
{
    const SmmuStalls *q = s->stalls;
    unsigned n = 0;

    g_string_append_printf(out,
                           "stalled transactions: %u, of these %u not "
                           "recorded yet\n",
                           q->all.length, q->waiting.length);
    for (const GList *l = q->all.head; l && n < DUMP_STALLS; l = l->next, n++) {
        const Parked *p = l->data;

        g_string_append_printf(out, "    StreamID %x", p->sid);
        if (p->txn.has_pasid) {
            g_string_append_printf(out, " SubstreamID %x", p->txn.pasid);
        }
        g_string_append_printf(out, " address %" PRIx64 ": %s", p->txn.addr,
                               im_smmu_event_name(p->code, NULL));
        if (p->stag != NO_STAG) {
            g_string_append_printf(out, ", STAG %x", p->stag);
        }
        g_string_append(out, p->gone ? ", cancelled\n" : "\n");
    }
}
