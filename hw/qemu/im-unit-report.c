/*
 * A libim IOMMU in QEMU: what people see of it. Tracing, the log of faults,
 * and one line on stderr for what the guest's software cannot see.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/qapi-types-im.h"
#include "qemu/error-report.h"
#include "im-unit.h"
#include "im-viommu.h"
#include "trace.h"

/* --- what software is not told ------------------------------------------ */

/* Whatever a guest does, the terminal is not flooded. */
#define TOLD_MAX  64

static bool unit_report_first_time(ImUnit *u, const char *matter)
{
    if (g_hash_table_contains(u->told, matter) ||
        g_hash_table_size(u->told) == TOLD_MAX) {
        return false;
    }
    return g_hash_table_add(u->told, g_strdup(matter));
}

#define LATER "see x-im-faults (further ones are only counted)"

static const char *unit_report_fault_name(ImUnit *u, uint8_t reason)
{
    return u->iommu->fault_name(reason, NULL) ?: "?";
}

/* Where the rule is to be read, for the end of a line. */
static char *unit_report_rule(const ImFaultNote *n)
{
    g_autofree char *text = im_clause_text(n->clause);

    return text ? g_strdup_printf("; %s", text) : g_strdup("");
}

static char *unit_report_pasid(const ImTxn *txn)
{
    return txn->has_pasid ? g_strdup_printf(", PASID 0x%x", txn->pasid) :
                            g_strdup("");
}

static void unit_report_tell_hidden(ImUnit *u, const ImFaultNote *n)
{
    static const char prefix[] = "not recorded: ";
    const char *why = n->what;
    g_autofree char *requester = NULL, *pasid = NULL, *rule = NULL;

    u->hidden_faults++;
    if (!unit_report_first_time(u, n->what)) {
        return;
    }
    if (g_str_has_prefix(why, prefix)) {
        why += strlen(prefix);
    }
    requester = imq_requester_text(n->txn.segment, n->txn.rid);
    pasid = unit_report_pasid(&n->txn);
    rule = unit_report_rule(n);
    warn_report("%s: fault hidden from software (%s): %s%srequester %s%s, "
                "address 0x%" PRIx64 "%s; " LATER,
                u->id, why,
                n->reason ? unit_report_fault_name(u, n->reason) : "",
                n->reason ? ", " : "", requester, pasid, n->txn.addr, rule);
}

static void unit_report_tell_command(ImUnit *u, const ImFaultNote *n)
{
    g_autoptr(GString) words = NULL;
    g_autofree char *rule = unit_report_rule(n);

    /* a text may name the requester: that is not another matter */
    if (!unit_report_first_time(u, im_clause_tag(n->clause) ?:
                                       *n->text             ? n->text :
                                                              n->name)) {
        return;
    }
    words = g_string_new(NULL);
    for (unsigned i = 0; i < n->words; i++) {
        g_string_append_printf(words, " 0x%016" PRIx64, n->word[i]);
    }
    warn_report("%s: %s%s%s:%s%s; " LATER, u->id, n->name, *n->text ? ": " : "",
                n->text, n->words ? words->str : " not fetched", rule);
}

/* --- events of the model ------------------------------------------------ */

static void unit_report_note(ImUnit *u, ImFaultNote *n)
{
    n->time = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    imq_fault_log_add(&u->faults, n);
}

static void unit_report_note_fault(ImUnit *u, const ImEvent *ev)
{
    ImFaultNote n = {
        .what = ev->name ?: "fault",
        .kind = XIM_FAULT_KIND_DMA,
        .reason = ev->xlat ? ev->xlat->fault : (uint8_t)ev->arg[0],
        .clause = ev->clause,
        .hidden = ev->hidden,
    };

    if (ev->txn) {
        n.txn = *ev->txn;
    } else if (ev->req) {
        n.kind = XIM_FAULT_KIND_PAGE_REQUEST;
        n.txn = (ImTxn) {
            .rid = ev->req->rid,
            .segment = ev->req->segment,
            .addr = ev->req->addr,
            .pasid = ev->req->pasid,
            .has_pasid = ev->req->has_pasid,
            .priv = ev->req->priv,
            .exec = ev->req->exec,
            .access = (ev->req->read ? IM_READ : 0) |
                      (ev->req->write ? IM_WRITE : 0),
        };
    } else if (ev->msi) {
        n.kind = XIM_FAULT_KIND_INTERRUPT;
        n.txn = (ImTxn) {
            .rid = ev->msi->rid,
            .addr = ev->msi->addr,
            .len = 4,
            .access = IM_WRITE,
        };
        n.data = ev->msi->data;
    }
    unit_report_note(u, &n);
    trace_im_unit_fault(u->id, n.what, n.txn.rid,
                        im_unit_pasid(n.txn.has_pasid, n.txn.pasid), n.txn.addr,
                        n.reason, unit_report_fault_name(u, n.reason));
    if (n.hidden) {
        unit_report_tell_hidden(u, &n);
    }
}

void im_unit_host_fault(ImUnit *u, const ImTxn *txn, const char *name,
                        const char *text)
{
    ImFaultNote n = {
        .what = "the host's, not told to the guest",
        .kind = XIM_FAULT_KIND_DMA,
        .clause = IM_CLAUSE(VIOMMU_FAULTS),
        .name = name,
        .hidden = true,
        .txn = *txn,
    };
    g_autofree char *requester = NULL, *pasid = NULL;

    g_strlcpy(n.text, text, sizeof(n.text));
    unit_report_note(u, &n);
    trace_im_unit_fault(u->id, n.what, txn->rid,
                        im_unit_pasid(txn->has_pasid, txn->pasid), txn->addr, 0,
                        name);
    u->hidden_faults++;
    if (!unit_report_first_time(u, name)) {
        return;
    }
    requester = imq_requester_text(txn->segment, txn->rid);
    pasid = unit_report_pasid(txn);
    warn_report("%s: fault of the host, not told to the guest: %s: %s: "
                "requester %s%s, address 0x%" PRIx64 "; " LATER,
                u->id, name, text, requester, pasid, txn->addr);
}

static void unit_report_note_command(ImUnit *u, const ImEvent *ev)
{
    ImFaultNote n = {
        .what = "the queue stopped",
        .kind = XIM_FAULT_KIND_COMMAND,
        .name = ev->name ?: "command error",
        .clause = ev->clause,
        .words = MIN(ev->words, ARRAY_SIZE(n.word)),
    };

    memcpy(n.word, ev->arg, sizeof(n.word));
    g_strlcpy(n.text, ev->text ?: "", sizeof(n.text));  /* ev's own */
    unit_report_note(u, &n);
    trace_im_unit_command_error(u->id, n.name, n.text, n.word[0], n.word[1],
                                n.word[2], n.word[3]);
    unit_report_tell_command(u, &n);
}

static void unit_report_tell_advice(ImUnit *u, const ImEvent *ev)
{
    trace_im_unit_advice(u->id, ev->name, ev->text);
    if (unit_report_first_time(u, ev->name)) {
        warn_report("%s: %s: %s", u->id, ev->name, ev->text);
    }
}

static void unit_report_trace_page_request(ImUnit *u, const char *fate,
                                           const ImPageReq *req)
{
    trace_im_unit_page_request(u->id, fate, req->rid,
                               im_unit_pasid(req->has_pasid, req->pasid),
                               req->addr, req->prgi, req->read, req->write,
                               req->last);
}

void im_unit_event(void *host, const ImEvent *ev)
{
    ImUnit *u = host;
    const ImPageResp *resp = ev->resp;
    const char *name = ev->name ?: "";

    switch (ev->kind) {
    case IM_EVENT_FAULT:
        unit_report_note_fault(u, ev);
        break;
    case IM_EVENT_INVALIDATE:
        trace_im_unit_invalidate(u->id, name, ev->arg[0], ev->arg[1],
                                 ev->arg[2], ev->arg[3]);
        break;
    case IM_EVENT_COMMAND_ERROR:
        unit_report_note_command(u, ev);
        break;
    case IM_EVENT_ADVICE:
        unit_report_tell_advice(u, ev);
        break;
    case IM_EVENT_PAGE_REQUEST:
        unit_report_trace_page_request(u, name, ev->req);
        break;
    case IM_EVENT_PAGE_RESPONSE:
        trace_im_unit_page_response(u->id, resp->rid,
                                    im_unit_pasid(resp->has_pasid, resp->pasid),
                                    resp->prgi, resp->code);
        break;
    case IM_EVENT_INTERRUPT:
        trace_im_unit_interrupt(u->id, name, ev->msi ? ev->msi->addr : 0,
                                ev->msi ? ev->msi->data : 0);
        break;
    }
}

/* --- what the commands ask ---------------------------------------------- */

static ImUnit *unit_report_unit_of(Object *obj)
{
    return (ImUnit *)((char *)obj + IM_MODEL_GET_CLASS(obj)->unit_offset);
}

static void unit_report_model_dump(Object *obj, GString *out)
{
    ImUnit *u = unit_report_unit_of(obj);

    im_unit_enter_to_ask(u);
    u->iommu->dump(u->model, out);
    if (u->viommu) {
        im_viommu_dump(u->viommu->v, out);
    }
    im_unit_leave(u);
}

#define VIOMMU_COUNTER(n)  fn(opaque, "viommu_" #n, c->n);
static void unit_report_viommu_counters(const ImViommuCounters *c,
                                        ImCounterFn *fn, void *opaque)
{
    IM_VIOMMU_COUNTERS(VIOMMU_COUNTER)
}

static void unit_report_model_counters(Object *obj, ImCounterFn *fn,
                                       void *opaque)
{
    ImUnit *u = unit_report_unit_of(obj);

    im_unit_enter_to_ask(u);
    u->iommu->counters(u->model, fn, opaque);
    fn(opaque, "memo_hits", u->memo_hits);
    fn(opaque, "hidden_faults", u->hidden_faults);
    if (u->viommu) {
        unit_report_viommu_counters(im_viommu_counters(u->viommu->v), fn,
                                    opaque);
    }
    im_unit_leave(u);
}

static ImXlat unit_report_model_explain(Object *obj, const ImTxn *txn,
                                        ImStepFn *fn, void *opaque)
{
    ImUnit *u = unit_report_unit_of(obj);
    ImXlat x;

    im_unit_enter_to_ask(u);
    if (!u->viommu || !im_unit_viommu_explain(u->viommu, txn, fn, opaque, &x)) {
        x = u->iommu->explain(u->model, txn, fn, opaque);
    }
    im_unit_leave(u);
    return x;
}

static ImPageFate unit_report_model_explain_page_request(Object *obj,
                                                         const ImPageReq *req,
                                                         ImStepFn *fn,
                                                         void *opaque)
{
    ImUnit *u = unit_report_unit_of(obj);
    ImPageFate f;

    im_unit_enter_to_ask(u);
    f = u->iommu->explain_page_request(u->model, req, fn, opaque);
    im_unit_leave(u);
    return f;
}

static ImIntOut unit_report_model_explain_interrupt(Object *obj,
                                                    const ImMsi *msi,
                                                    ImStepFn *fn, void *opaque)
{
    ImUnit *u = unit_report_unit_of(obj);
    ImIntOut out;

    im_unit_enter_to_ask(u);
    out = u->ops->explain_interrupt(u, msi, fn, opaque);
    im_unit_leave(u);
    return out;
}

static void unit_report_model_faults(Object *obj, ImFaultLog *copy)
{
    ImUnit *u = unit_report_unit_of(obj);

    im_unit_enter_to_ask(u);
    *copy = u->faults;
    im_unit_leave(u);
}

void im_unit_model_class(ImModelClass *mc, size_t offset, const ImUnitOps *ops)
{
    mc->unit_offset = offset;
    mc->dump = unit_report_model_dump;
    mc->counters = unit_report_model_counters;
    mc->explain = unit_report_model_explain;
    mc->faults = unit_report_model_faults;
    mc->fault_name = ops->iommu->fault_name;
    mc->explain_page_request = ops->iommu->explain_page_request ?
                                   unit_report_model_explain_page_request :
                                   NULL;
    mc->explain_interrupt = ops->explain_interrupt ?
                                unit_report_model_explain_interrupt :
                                NULL;
    mc->segments = ops->iommu->segments;
    mc->in_guest = true;
}
