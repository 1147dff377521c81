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

#include "im/im_port.h"
#include "im/im_txn.h"

#define TYPE_IM_MODEL "im-model"
#define IM_MODEL(obj) INTERFACE_CHECK(ImModel, (obj), TYPE_IM_MODEL)
typedef struct ImModelClass ImModelClass;
DECLARE_CLASS_CHECKERS(ImModelClass, IM_MODEL, TYPE_IM_MODEL)
typedef struct ImModel ImModel;

/* One fault as it was reported, newest last. */
typedef struct ImFaultNote {
    uint64_t seq;           /* counts from 1, without gaps */
    uint64_t time;          /* virtual, ns */
    const char *what;       /* the model's constant: what became of it */
    ImTxn txn;
    bool interrupt;         /* txn.addr is the message's address */
    uint8_t reason;
} ImFaultNote;

#define IM_FAULT_NOTES  64

typedef struct ImFaultLog {
    ImFaultNote note[IM_FAULT_NOTES];
    uint64_t count;
} ImFaultLog;

typedef void ImCounterFn(void *opaque, const char *name, uint64_t value);

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
};

void imq_fault_log_add(ImFaultLog *log, const ImFaultNote *note);

#endif /* HW_IM_IM_MODEL_H */
