/*
 * x-im-faults, and the log behind it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/qapi-commands-im.h"
#include "im-qmp.h"

void imq_fault_log_add(ImFaultLog *log, const ImFaultNote *note)
{
    ImFaultNote *n = &log->note[log->count % IM_FAULT_NOTES];

    *n = *note;
    n->seq = ++log->count;
}

static void faults_fill_command(XImFault *f, const ImFaultNote *n)
{
    f->has_words = true;
    f->words = imq_words(n->word, n->words);
    f->name = g_strdup(n->name);
    f->text = *n->text ? g_strdup(n->text) : NULL;
}

static void faults_fill_request(XImFault *f, ImModelClass *mc,
                                const ImFaultNote *n)
{
    static const XImAt ats[] = {
        [IM_AT_UNTRANSLATED] = XIM_AT_UNTRANSLATED,
        [IM_AT_TRANSLATION] = XIM_AT_TRANSLATION,
        [IM_AT_TRANSLATED] = XIM_AT_TRANSLATED,
        [IM_AT_RESERVED] = XIM_AT_RESERVED,
    };
    const ImTxn *t = &n->txn;

    f->requester = imq_requester_text(t->segment, t->rid);
    f->has_pasid = t->has_pasid;
    f->pasid = t->pasid;
    f->address = g_strdup_printf("0x%" PRIx64, t->addr);
    f->has_access = true;
    f->access = t->access == IM_READ   ? XIM_ACCESS_READ :
                t->access == IM_ATOMIC ? XIM_ACCESS_ATOMIC :
                t->access == 0         ? XIM_ACCESS_NONE :
                                         XIM_ACCESS_WRITE;
    f->has_at = true;
    f->at = ats[t->at % ARRAY_SIZE(ats)];
    f->has_length = n->kind != XIM_FAULT_KIND_PAGE_REQUEST;
    f->length = t->len;
    f->privileged = t->priv;
    f->execute = t->exec;
    f->no_write = t->no_write;
    f->has_data = n->kind == XIM_FAULT_KIND_INTERRUPT;
    f->data = n->data;
    f->has_reason = n->reason != 0;
    f->reason = n->reason;
    if (n->reason) {
        imq_reason_text(mc, n->reason, &f->name, &f->text);
    } else {
        f->name = g_strdup(n->name);
        f->text = *n->text ? g_strdup(n->text) : NULL;
    }
}

static XImFault *faults_fault_of(const char *path, ImModelClass *mc,
                                 const ImFaultNote *n)
{
    XImFault *f = g_new0(XImFault, 1);

    f->device = g_strdup(path);
    f->sequence = n->seq;
    f->time = n->time;
    f->kind = n->kind;
    f->what = g_strdup(n->what);
    f->hidden = n->hidden;
    imq_clause(n->clause, &f->clause, &f->section, &f->title);
    if (n->kind == XIM_FAULT_KIND_COMMAND) {
        faults_fill_command(f, n);
    } else {
        faults_fill_request(f, mc, n);
    }
    return f;
}

static void faults_one(Object *obj, ImModelClass *mc, void *opaque)
{
    XImFaultList ***tail = opaque;
    g_autofree char *path = object_get_canonical_path(obj);
    g_autofree ImFaultLog *log = g_new(ImFaultLog, 1);
    uint64_t i;

    mc->faults(obj, log);
    i = log->count > IM_FAULT_NOTES ? log->count - IM_FAULT_NOTES : 0;
    for (; i < log->count; i++) {
        QAPI_LIST_APPEND(
            *tail, faults_fault_of(path, mc, &log->note[i % IM_FAULT_NOTES]));
    }
}

XImFaultList *qmp_x_im_faults(const char *device, Error **errp)
{
    XImFaultList *list = NULL, **tail = &list;

    imq_for_each(device, true, faults_one, &tail, errp);
    return list;
}
