/*
 * x-im-explain: a request as its user describes it, and the answer in words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-im.h"
#include "im-qmp.h"
#include "pci-pasid.h"
#include "im/im_dump.h"

#define PAGE  4096

/* --- who asks --------------------------------------------------------- */

/* [ssss:]bb:dd.f */
static bool explain_parse_bdf(const char *text, uint64_t *stream)
{
    unsigned segment = 0, bus, dev, fn;
    char end;

    if (text[strspn(text, "0123456789abcdefABCDEF:.")]) {
        return false;
    }
    if (sscanf(text, "%4x:%2x:%2x.%1x%c", &segment, &bus, &dev, &fn, &end) !=
        4) {
        segment = 0;
        if (sscanf(text, "%2x:%2x.%1x%c", &bus, &dev, &fn, &end) != 3) {
            return false;
        }
    }
    *stream = segment << 16 | bus << 8 | dev << 3 | fn;
    return dev < 32 && fn < 8;
}

static PCIDevice *explain_device_named(const char *id)
{
    g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", id);
    Object *dev = object_resolve_path_type(path, TYPE_PCI_DEVICE, NULL);

    return dev && qdev_is_realized(DEVICE(dev)) ? PCI_DEVICE(dev) : NULL;
}

typedef struct Above {
    void *unit;
    Object *iommu;
} Above;

static void explain_match_unit(Object *obj, ImModelClass *mc, void *opaque)
{
    Above *above = opaque;

    if ((char *)obj + mc->unit_offset == (char *)above->unit) {
        above->iommu = obj;
    }
}

/* The IOMMU above a device, and the requester ID that it sees; or NULL. */
static Object *explain_iommu_above(const char *id, uint64_t *stream)
{
    PCIDevice *dev = explain_device_named(id);
    Above above = { 0 };
    uint16_t rid;

    if (dev) {
        above.unit = pci_pasid_iommu_of(dev, &rid);
        *stream = rid;
    }
    if (above.unit) {
        imq_for_each(NULL, true, explain_match_unit, &above, &error_abort);
    }
    return above.iommu;
}

static bool explain_parse_requester(Object *iommu, const char *text, ImTxn *txn,
                                    Error **errp)
{
    bool segments = IM_MODEL_GET_CLASS(iommu)->segments;
    uint64_t stream;

    if (!explain_parse_bdf(text, &stream) &&
        !imq_number(text, UINT32_MAX, &stream) &&
        explain_iommu_above(text, &stream) != iommu) {
        error_setg(errp,
                   "requester '%s' is none of [ssss:]bb:dd.f, a number "
                   "and the ID of a PCI device behind this IOMMU",
                   text);
        return false;
    }
    if (stream > UINT16_MAX && !segments) {
        error_setg(errp,
                   "requester '%s' is not in segment 0, the only one "
                   "of this IOMMU: numbers are below 65536",
                   text);
        return false;
    }
    txn->segment = (uint16_t)(stream >> 16);
    txn->rid = (uint16_t)stream;
    return true;
}

/* --- what is asked ---------------------------------------------------- */

/* As a device would make it. */
static uint64_t explain_default_length(const ImTxn *t)
{
    return t->at == IM_AT_TRANSLATION                 ? 8 :
           t->access == IM_ATOMIC || t->addr % 4 == 0 ? 4 :
                                                        1;
}

/* A pair that no memory request has, or NULL. */
static const char *explain_contradiction(const XImRequest *q, const ImTxn *t)
{
    bool write = t->access != IM_READ;
    bool message = t->access == IM_WRITE && !t->at && t->len == 4;
    bool natural = is_power_of_2(t->len) && t->addr % t->len == 0;
    const struct {
        bool holds;
        const char *text;
    } rules[] = {
        { q->has_access && q->access == XIM_ACCESS_NONE,
          "only a page request asks for none: access is none, request is "
          "not page" },
        { q->has_last || q->has_prgi,
          "last and prgi belong to a page request: request is not page" },
        { t->priv && !t->has_pasid,
          "privileged needs a pasid: its prefix carries it" },
        { t->exec && !t->has_pasid,
          "execute needs a pasid: its prefix carries it" },
        { t->exec && write,
          "execute is asked for by reads: access is not read" },
        { t->no_write && t->at != IM_AT_TRANSLATION,
          "no-write is a bit of translation requests: at is not "
          "translation" },
        { t->at == IM_AT_TRANSLATION && write,
          "a translation request is a read: access is not read (write "
          "permission is asked for without no-write)" },
        { q->has_data && !message,
          "data is what an untranslated write of 4 bytes writes: access, at "
          "or length differs" },
        { t->access == IM_ATOMIC && (t->len < 4 || t->len > 16 || !natural),
          "atomic operations have 4, 8 or 16 bytes, naturally aligned: "
          "address or length is not" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rules); i++) {
        if (rules[i].holds) {
            return rules[i].text;
        }
    }
    return NULL;
}

/* A pair that no page request has, or NULL. */
static const char *explain_page_contradiction(const XImRequest *q,
                                              const ImTxn *t)
{
    const struct {
        bool holds;
        const char *text;
    } rules[] = {
        { q->has_at && q->at != XIM_AT_UNTRANSLATED,
          "a page request has no AT field: request is page, at is not "
          "untranslated" },
        { q->has_length, "a page request has no length: it asks for a page" },
        { q->has_data, "a page request has no data" },
        { t->no_write,
          "no-write is a bit of translation requests: request is page" },
        { t->priv && !t->has_pasid,
          "privileged needs a pasid: its prefix carries it" },
        { t->exec && !t->has_pasid,
          "execute needs a pasid: its prefix carries it" },
        { q->prgi > 0x1ff, "prgi is above 511: it has 9 bits" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rules); i++) {
        if (rules[i].holds) {
            return rules[i].text;
        }
    }
    return NULL;
}

static bool explain_is_page_request(const XImRequest *q)
{
    return q->has_request && q->request == XIM_REQUEST_KIND_PAGE;
}

/* What the two kinds of requests have in common. */
static bool explain_parse_common(Object *iommu, const XImRequest *q, ImTxn *t,
                                 Error **errp)
{
    static const uint8_t accesses[] = {
        [XIM_ACCESS_READ] = IM_READ,
        [XIM_ACCESS_WRITE] = IM_WRITE,
        [XIM_ACCESS_ATOMIC] = IM_ATOMIC,
        [XIM_ACCESS_NONE] = 0,
    };
    static const uint8_t ats[] = {
        [XIM_AT_UNTRANSLATED] = IM_AT_UNTRANSLATED,
        [XIM_AT_TRANSLATION] = IM_AT_TRANSLATION,
        [XIM_AT_TRANSLATED] = IM_AT_TRANSLATED,
        [XIM_AT_RESERVED] = IM_AT_RESERVED,
    };

    *t = (ImTxn) {
        .pasid = q->pasid,
        .has_pasid = q->has_pasid,
        .access = accesses[q->has_access ? q->access : XIM_ACCESS_READ],
        .at = ats[q->has_at ? q->at : XIM_AT_UNTRANSLATED],
        .priv = q->privileged,
        .exec = q->execute,
        .no_write = q->no_write,
    };
    if (!explain_parse_requester(iommu, q->requester, t, errp)) {
        return false;
    }
    if (!imq_number(q->address, UINT64_MAX, &t->addr)) {
        error_setg(errp,
                   "address '%s' is no number of up to 64 bits, such "
                   "as 0x7f0000001000",
                   q->address);
        return false;
    }
    if (t->pasid > IM_PASID_MAX) {
        error_setg(errp, "pasid 0x%x is above 0xfffff: a PASID has 20 bits",
                   t->pasid);
        return false;
    }
    return true;
}

static bool explain_parse_page_request(Object *iommu, const XImRequest *q,
                                       ImPageReq *req, Error **errp)
{
    const char *wrong;
    ImTxn t;

    if (!explain_parse_common(iommu, q, &t, errp)) {
        return false;
    }
    wrong = explain_page_contradiction(q, &t);
    if (wrong) {
        error_setg(errp, "%s", wrong);
        return false;
    }
    *req = (ImPageReq) {
        .addr = t.addr,
        .pasid = t.pasid,
        .rid = t.rid,
        .segment = t.segment,
        .prgi = q->prgi,
        .has_pasid = t.has_pasid,
        .priv = t.priv,
        .exec = t.exec,
        .read = t.access & IM_READ,
        .write = t.access & IM_WRITE,
        .last = !q->has_last || q->last,
    };
    return true;
}

static bool explain_parse_request(Object *iommu, const XImRequest *q, ImTxn *t,
                                  Error **errp)
{
    const char *wrong;

    if (!explain_parse_common(iommu, q, t, errp)) {
        return false;
    }
    t->len = q->has_length ? q->length : explain_default_length(t);
    if (t->at == IM_AT_TRANSLATION) {
        t->addr &= ~(uint64_t)(PAGE - 1);   /* it asks for pages */
    } else if (t->len > PAGE - t->addr % PAGE) {
        error_setg(errp,
                   "length %" PRIu64 " at address 0x%" PRIx64 " crosses "
                   "a 4 KiB boundary, which no request does",
                   t->len, t->addr);
        return false;
    }
    wrong = explain_contradiction(q, t);
    if (wrong) {
        error_setg(errp, "%s", wrong);
        return false;
    }
    return true;
}

/* --- the answer ------------------------------------------------------- */

static char *explain_hex(uint64_t value)
{
    return g_strdup_printf("0x%" PRIx64, value);
}

static strList *explain_decoded(const ImStep *step, unsigned words)
{
    strList *list = NULL, **tail = &list;

    for (unsigned i = 0; i < words; i++) {
        GString *text = g_string_new(NULL);

        if (step->fields[i]) {
            im_dump_fields(text, step->fields[i], step->value[i]);
        }
        QAPI_LIST_APPEND(tail, g_strdup(g_strchug(text->str)));
        g_string_free(text, true);
    }
    return list;
}

static void explain_add_step(void *opaque, const ImStep *step)
{
    XImStepList ***tail = opaque;
    XImStep *s = g_new0(XImStep, 1);
    unsigned words = MIN(step->words, ARRAY_SIZE(step->value));

    s->what = g_strdup(step->what ?: "");
    s->address = words ? explain_hex(step->addr) : NULL;
    s->values = imq_words(step->value, words);
    if (words && step->fields) {
        s->has_fields = true;
        s->fields = explain_decoded(step, words);
    }
    imq_clause(step->clause, &s->clause, &s->section, &s->title);
    s->note = g_strdup(step->note);
    QAPI_LIST_APPEND(*tail, s);
}

static char *explain_permission_text(unsigned perm)
{
    return g_strdup_printf("%s%s%s", perm & IM_PERM_R ? "r" : "",
                           perm & IM_PERM_W ? "w" : "",
                           perm & IM_PERM_X ? "x" : "");
}

static void explain_refuse(XImExplanation *e, ImModelClass *mc, uint8_t reason)
{
    e->has_reason = reason != 0;
    e->reason = reason;
    if (reason) {
        imq_reason_text(mc, reason, &e->name, &e->text);
    }
}

/* What is at an address of the platform. */
static char *explain_region_at(uint64_t addr)
{
    MemoryRegionSection at = memory_region_find(get_system_memory(), addr, 1);
    char *text;

    if (!at.mr) {
        return g_strdup("nothing");
    }
    text = g_strdup_printf("%s %s",
                           memory_region_is_ram(at.mr) ? "memory" : "device",
                           memory_region_name(at.mr));
    memory_region_unref(at.mr);
    return text;
}

/*
 * A translation request is answered with what is granted beyond it, if
 * anything; another is granted as a whole, and then what it asks for is
 * permitted, also where it would first set a dirty flag.
 */
static void explain_fill_answer(XImExplanation *e, ImModelClass *mc,
                                const ImTxn *t, const ImXlat *x)
{
    static const char *const cpl[] = { "SC", "UR", "CA" };
    unsigned perm = x->perm;

    if (t->at != IM_AT_TRANSLATION && t->len && x->status == IM_OK) {
        perm |= t->access;
    }
    e->granted = x->status == IM_OK && (perm || t->at != IM_AT_TRANSLATION);
    e->completion = g_strdup(x->cpl < ARRAY_SIZE(cpl) ? cpl[x->cpl] : "?");
    e->interrupt = x->interrupt;
    if (e->granted) {
        e->address = explain_hex(x->addr);
        e->mask = explain_hex(x->mask);
        e->permission = explain_permission_text(perm);
    }
    if (e->granted && !x->interrupt && t->at != IM_AT_TRANSLATION) {
        e->reaches = explain_region_at(x->addr);
    }
    explain_refuse(e, mc, x->fault);
}

static XImMessage *explain_message_of(const ImIntOut *out)
{
    static const char *const delivery[] = {
        "fixed", "lowest priority", "SMI",    "reserved", "NMI",
        "INIT",  "reserved",        "ExtINT",
    };
    XImMessage *m = g_new(XImMessage, 1);

    *m = (XImMessage) {
        .remapped = out->remapped,
        .vector = out->vector,
        .destination = out->dest,
        .destination_mode = g_strdup(out->logical ? "logical" : "physical"),
        .delivery_mode = g_strdup(delivery[out->delivery_mode % 8]),
        .trigger_mode = g_strdup(out->level ? "level" : "edge"),
        .redirection_hint = out->redirection_hint,
    };
    return m;
}

/* The request is a message: what becomes of that? */
static void explain_message(XImExplanation *e, Object *iommu, const ImTxn *t,
                            uint32_t data, XImStepList ***tail)
{
    ImModelClass *mc = IM_MODEL_GET_CLASS(iommu);
    ImMsi msi = { .addr = t->addr, .data = data, .rid = t->rid };
    ImIntOut out = mc->explain_interrupt(iommu, &msi, explain_add_step, tail);

    if (out.status == IM_OK) {
        e->message = explain_message_of(&out);
        return;
    }
    e->granted = false;
    g_clear_pointer(&e->address, g_free);
    g_clear_pointer(&e->mask, g_free);
    g_clear_pointer(&e->permission, g_free);
    g_free(e->completion);
    e->completion = g_strdup("UR");
    explain_refuse(e, mc, out.fault);
}

/* As named; or above the device that asks; or the only one. */
static Object *explain_choose_iommu(const XImRequest *q, Error **errp)
{
    uint64_t stream;
    Object *iommu = q->device ? NULL :
                                explain_iommu_above(q->requester, &stream);

    if (!iommu && !q->device && !explain_device_named(q->requester) &&
        !explain_parse_bdf(q->requester, &stream) &&
        !imq_number(q->requester, UINT32_MAX, &stream)) {
        error_setg(errp,
                   "requester '%s' is none of [ssss:]bb:dd.f, a number "
                   "and the ID of a PCI device behind an IOMMU of ours",
                   q->requester);
        return NULL;
    }
    return iommu ?: imq_the_iommu(q->device, errp);
}

static XImExplanation *explain_begin_explanation(Object *iommu,
                                                 uint16_t segment, uint16_t rid)
{
    XImExplanation *e = g_new0(XImExplanation, 1);

    e->device = object_get_canonical_path(iommu);
    e->requester = imq_requester_text(segment, rid);
    return e;
}

static XImPageResponse *explain_response_of(const ImPageResp *resp)
{
    XImPageResponse *r = g_new0(XImPageResponse, 1);

    r->code = g_strdup(resp->code == IM_PAGE_RESP_SUCCESS ? "success" :
                       resp->code == IM_PAGE_RESP_INVALID ? "invalid request" :
                                                            "response failure");
    r->has_pasid = resp->has_pasid;
    r->pasid = resp->pasid;
    return r;
}

static XImExplanation *explain_page_request(Object *iommu, const XImRequest *q,
                                            Error **errp)
{
    ImModelClass *mc = IM_MODEL_GET_CLASS(iommu);
    XImExplanation *e;
    XImStepList **tail;
    ImPageReq req;
    ImPageFate f;

    if (!mc->explain_page_request) {
        error_setg(errp, "%s explains no page requests: request is page",
                   object_get_typename(iommu));
        return NULL;
    }
    if (!explain_parse_page_request(iommu, q, &req, errp)) {
        return NULL;
    }
    e = explain_begin_explanation(iommu, req.segment, req.rid);
    tail = &e->steps;
    f = mc->explain_page_request(iommu, &req, explain_add_step, &tail);
    e->granted = f.queued;
    e->response = f.answered ? explain_response_of(&f.resp) : NULL;
    explain_refuse(e, mc, f.fault);
    return e;
}

XImExplanation *qmp_x_im_explain(XImRequest *q, Error **errp)
{
    Object *iommu = explain_choose_iommu(q, errp);
    ImModelClass *mc;
    XImExplanation *e;
    XImStepList **tail;
    ImTxn txn;
    ImXlat x;

    if (iommu && explain_is_page_request(q)) {
        return explain_page_request(iommu, q, errp);
    }
    if (!iommu || !explain_parse_request(iommu, q, &txn, errp)) {
        return NULL;
    }
    mc = IM_MODEL_GET_CLASS(iommu);
    e = explain_begin_explanation(iommu, txn.segment, txn.rid);
    tail = &e->steps;
    e->length = txn.len;
    x = mc->explain(iommu, &txn, explain_add_step, &tail);
    explain_fill_answer(e, mc, &txn, &x);
    if (x.interrupt && mc->explain_interrupt) {
        explain_message(e, iommu, &txn, q->data, &tail);
    }
    return e;
}
