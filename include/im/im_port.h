/*
 * What an IOMMU model needs from its host.
 *
 * One table per instance, size first so that it can grow at its end; a
 * host fills size = sizeof(ImPort). Members marked optional may be NULL.
 * Every call may be made from inside any call into the model, and must not
 * call back into that model: a host that delivers messages synchronously
 * queues them until the call into the model has returned.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_PORT_H
#define IM_PORT_H

#include <stddef.h>

#include "im/im_clause.h"
#include "im/im_txn.h"

typedef enum ImBus {
    IM_BUS_OK,
    IM_BUS_ERROR,           /* no memory there, or the access failed */
    IM_BUS_RETRY,           /* cmpxchg64 only: the value differed */
} ImBus;

#define IM_NEVER  UINT64_MAX

/* What happened, for tracing; the strings are the model's constants, but for
 * text, which is valid during the call. Answers to requests are no events: who
 * asked has the answer in hand. */
typedef enum ImEventKind {
    IM_EVENT_FAULT,         /* a fault was recorded, or dropped as name says:
                               arg[0] reason; txn, req or msi */
    IM_EVENT_INVALIDATE,    /* a descriptor (arg[0..3]) or a register command
                               was executed: name */
    IM_EVENT_COMMAND_ERROR, /* the queue stopped at a command or descriptor,
                               arg[0..words - 1]: name is the error, text the
                               rule that was broken, clause its tag */
    IM_EVENT_ADVICE,        /* the driver does what the specification answers
                               in a way that few expect: name stays the same
                               for the same matter, text says what to do */
    IM_EVENT_PAGE_REQUEST,  /* req; name says what became of it */
    IM_EVENT_PAGE_RESPONSE, /* resp */
    IM_EVENT_INTERRUPT,     /* msi sent by the model; name: its source */
} ImEventKind;

typedef struct ImEvent {
    ImEventKind kind;
    const char *name;
    const char *text;       /* COMMAND_ERROR, ADVICE */
    const char *clause;     /* COMMAND_ERROR; or NULL */
    uint64_t arg[4];
    uint8_t words;          /* COMMAND_ERROR */
    bool hidden;            /* FAULT: no record tells software of it */
    const ImTxn *txn;
    const ImXlat *xlat;
    const ImPageReq *req;
    const ImPageResp *resp;
    const ImMsi *msi;
} ImEvent;

/*
 * Translations that a listener outside the model may still hold and must
 * now forget: shadow copies of ordinary devices (vhost, vfio), not ATCs.
 * rid is valid with has_rid, else every function is meant.
 */
typedef struct ImUnmap {
    uint64_t addr;
    uint64_t mask;          /* size - 1; UINT64_MAX: everything */
    uint16_t rid;
    bool has_rid;
    bool device_tlb;        /* from a device-TLB descriptor */
} ImUnmap;

/*
 * A command that software behind a virtual unit gives the host (VT-d
 * 11.4.16), answered whenever the host likes by im_vtd_vcmd_done() with the
 * same serial.
 */
typedef enum ImVcmdCode {
    IM_VCMD_ALLOC_PASID = 1,
    IM_VCMD_FREE_PASID = 2,
} ImVcmdCode;

typedef struct ImVcmd {
    uint32_t serial;
    uint32_t pasid;         /* to be freed */
    uint8_t code;           /* ImVcmdCode */
} ImVcmd;

typedef struct ImPort {
    size_t size;

    /* Guest-physical memory, little endian as stored; len <= 64, naturally
     * aligned structures are read in one piece. Never reaches MMIO. */
    ImBus (*read)(void *host, uint64_t pa, void *buf, size_t len);
    ImBus (*write)(void *host, uint64_t pa, const void *buf, size_t len);
    /* Atomic against guest CPUs. Values in host order of the little-endian
     * quad-word. On IM_BUS_RETRY *expected is updated. */
    ImBus (*cmpxchg64)(void *host, uint64_t pa, uint64_t *expected,
                       uint64_t desired);

    /* An interrupt message of the model's own; never remapped. */
    void (*msi)(void *host, const ImMsi *msi);
    /* Messages to functions. Whether and when the completion comes is up to
     * the function: it is reported by im_*_ats_inv_done(). */
    void (*ats_invalidate)(void *host, const ImAtsInv *inv);
    void (*page_response)(void *host, const ImPageResp *resp);
    void (*unmap)(void *host, const ImUnmap *unmap);        /* optional */
    /* RTADDR, GCMD.TE or similar changed what the whole model does. */
    void (*mode_changed)(void *host);                       /* optional */

    /* Virtual time in nanoseconds, and one alarm: the host calls
     * im_*_deadline() once now() >= when. IM_NEVER cancels. */
    uint64_t (*now)(void *host);
    void (*deadline)(void *host, uint64_t when);

    void (*event)(void *host, const ImEvent *ev);           /* optional */

    /* A pulse on a wired interrupt; lines are the model's. */
    void (*wire)(void *host, unsigned line);                /* optional */
    /* The request parked as handle was answered: granted or terminated,
     * never IM_PENDING. Without it no request is parked. */
    void (*resume)(void *host, uint64_t handle, const ImXlat *xlat);

    /* Optional; without it the virtual command interface is refused. */
    void (*vcmd)(void *host, const ImVcmd *cmd);
} ImPort;

/* A field of a bit layout, by its name in the specification. Lists of them
 * end with a NULL name. */
typedef struct ImFieldRow {
    const char *name;
    uint8_t hi, lo;
} ImFieldRow;

/* One step of a walk, for im_*_explain(). Valid during the call. */
typedef struct ImStep {
    const char *what;       /* "root entry", "FS-PML4E", ... */
    const char *clause;     /* clause tag that decided, or NULL */
    const char *note;       /* decision in words, or NULL */
    uint64_t addr;          /* guest-physical address read */
    uint64_t value[8];      /* quad-words read */
    uint8_t words;          /* how many of value[] are valid; 0: no read */
    const ImFieldRow *const *fields;    /* of each word, or NULL */
} ImStep;

typedef void ImStepFn(void *opaque, const ImStep *step);

#endif /* IM_PORT_H */
