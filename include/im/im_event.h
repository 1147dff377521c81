/*
 * What happened in a model, for tracing and for people: no part of what a
 * device is. A host that does not listen misses nothing that a guest sees.
 *
 * Answers to requests are no events: who asked has the answer in hand.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_EVENT_H
#define IM_EVENT_H

#include "im/im_clause.h"
#include "im/im_txn.h"

typedef enum ImEventKind {
    IM_EVENT_FAULT,         /* a fault was recorded, or dropped as name says:
                               arg[0] reason; txn, req or msi */
    IM_EVENT_INVALIDATE,    /* a descriptor (arg[0..3]) or a register command
                               was executed: name */
    IM_EVENT_COMMAND_ERROR, /* the queue stopped at a command or descriptor,
                               arg[0..words - 1]: name is the error, text the
                               rule that was broken, clause where it is */
    IM_EVENT_ADVICE,        /* the driver does what the specification answers
                               in a way that few expect: name stays the same
                               for the same matter, text says what to do */
    IM_EVENT_PAGE_REQUEST,  /* req; name says what became of it */
    IM_EVENT_PAGE_RESPONSE, /* resp */
    IM_EVENT_INTERRUPT,     /* msi sent by the model; name: its source */
} ImEventKind;

/* Strings are the model's constants, but for text; all else is valid during
 * the call. */
typedef struct ImEvent {
    ImEventKind kind;
    const char *name;
    const char *text;       /* COMMAND_ERROR, ADVICE */
    ImClause clause;        /* FAULT, COMMAND_ERROR: of the rule; or none */
    uint64_t arg[4];
    uint8_t words;          /* COMMAND_ERROR */
    bool hidden;            /* FAULT: no record tells software of it */
    const ImTxn *txn;
    const ImXlat *xlat;
    const ImPageReq *req;
    const ImPageResp *resp;
    const ImMsi *msi;
} ImEvent;

#endif /* IM_EVENT_H */
