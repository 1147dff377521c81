/*
 * What x-im-explain, x-im-dump, x-im-counters and x-im-faults ask of a
 * device that wraps a model: a QOM interface, so that no command knows a
 * device by name.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_MODEL_H
#define HW_IM_IM_MODEL_H

#include "qom/object.h"

#include "im/im_iommu.h"
#include "im/im_txn.h"

#define TYPE_IM_MODEL "im-model"
#define IM_MODEL(obj) INTERFACE_CHECK(ImModel, (obj), TYPE_IM_MODEL)
typedef struct ImModelClass ImModelClass;
DECLARE_CLASS_CHECKERS(ImModelClass, IM_MODEL, TYPE_IM_MODEL)
typedef struct ImModel ImModel;

/* A fault, or a command that was refused, newest last. Strings are the
 * model's constants, or NULL. */
#define IM_FAULT_TEXT   256

typedef struct ImFaultNote {
    uint64_t seq;           /* counts from 1, without gaps */
    uint64_t time;          /* virtual, ns */
    const char *what;       /* what became of it */
    ImClause clause;        /* of the rule; or none */
    const char *name;       /* a command's: the error, */
    char text[IM_FAULT_TEXT];   /* the rule that was broken */
    uint64_t word[4];
    uint8_t words;
    uint8_t kind;           /* XImFaultKind */
    uint8_t reason;         /* of the others */
    bool hidden;            /* software is not told */
    ImTxn txn;              /* of an interrupt: its address, a write */
    uint32_t data;          /* of an interrupt */
} ImFaultNote;

#define IM_FAULT_NOTES  64

typedef struct ImFaultLog {
    ImFaultNote note[IM_FAULT_NOTES];
    uint64_t count;
} ImFaultLog;

struct ImModelClass {
    InterfaceClass parent;

    size_t unit_offset;     /* of an ImUnit in the device, see im-unit.h */
    void (*dump)(Object *obj, GString *out);
    void (*counters)(Object *obj, ImCounterFn *fn, void *opaque);

    /* IOMMUs only, else NULL */
    ImXlat (*explain)(Object *obj, const ImTxn *txn, ImStepFn *fn,
                      void *opaque);
    void (*faults)(Object *obj, ImFaultLog *copy);
    const char *(*fault_name)(uint8_t reason, const char **text);

    /* Of a page request; NULL: it explains none. */
    ImPageFate (*explain_page_request)(Object *obj, const ImPageReq *req,
                                       ImStepFn *fn, void *opaque);

    /* Of an interrupt request that explain() says it is; or NULL. */
    ImIntOut (*explain_interrupt)(Object *obj, const ImMsi *msi, ImStepFn *fn,
                                  void *opaque);
    bool segments;          /* it knows functions of segments other than 0 */
    bool in_guest;          /* its guest sees it */
};

void imq_fault_log_add(ImFaultLog *log, const ImFaultNote *note);

/* "bb:dd.f", with a segment "ssss:bb:dd.f", for g_free(). */
char *imq_requester_text(uint16_t segment, uint16_t rid);

#endif /* HW_IM_IM_MODEL_H */
