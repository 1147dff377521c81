/*
 * A host for one IOMMU model under test: sparse guest memory that notices
 * every access to a place nobody offered, a clock, and a log of everything
 * the model sends.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_RIG_H
#define TESTS_LIB_RIG_H

#include <glib.h>

#include "im/im_event.h"
#include "im/im_smmu.h"
#include "im/im_vtd.h"

/* What the model may do to a page of guest memory. */
typedef enum RigUse {
    RIG_READ = 1,
    RIG_WRITE = 2,
    RIG_UPDATE = 4,             /* compare and swap */
    RIG_ROM = 8,                /* readable; updates fail on the bus */
    RIG_TABLE = RIG_READ | RIG_UPDATE,
} RigUse;

/* One thing that became visible outside the model, in order. */
typedef enum RigSeen {
    RIG_SEEN_WRITE,             /* addr, val: first 8 bytes, len */
    RIG_SEEN_UPDATE,            /* addr, val: the new value */
    RIG_SEEN_MSI,
    RIG_SEEN_ATS_INV,
    RIG_SEEN_PAGE_RESP,
    RIG_SEEN_UNMAP,
    RIG_SEEN_WIRE,              /* val: the line */
    RIG_SEEN_RESUME,            /* val: the handle, xlat */
} RigSeen;

typedef struct RigLog {
    RigSeen kind;
    uint64_t addr;
    uint64_t val;
    uint64_t len;
    ImMsi msi;
    ImAtsInv inv;
    ImPageResp resp;
    ImUnmap unmap;
    ImXlat xlat;
} RigLog;

typedef struct RigPage {
    uint8_t byte[4096];
    unsigned use;
} RigPage;

typedef struct Rig Rig;

struct Rig {
    const ImIommuOps *ops;
    union {                     /* what it is of, by any type */
        void *iommu;
        ImVtd *vtd;
        ImSmmu *smmu;
        struct ImIoasid *ioasid;
    };
    /* Its registers agree with one another. */
    void (*consistent)(Rig *r);
    ImVtdConfig cfg;
    ImSmmuConfig smmu_cfg;
    struct Io *io;              /* io.h */
    struct Vio *vio;            /* rig_viommu.h */
    ImPort port;

    GHashTable *pages;          /* frame number -> RigPage */
    uint64_t ram_top;           /* at and above: IM_BUS_ERROR */
    uint64_t next_page;         /* allocator */
    bool allow_stray;           /* hostile tests: count, do not assert */
    unsigned strays;            /* accesses inside RAM, not offered */
    unsigned misaligned;
    unsigned bus_errors;        /* accesses outside RAM */

    uint64_t accesses;
    uint64_t reads;
    uint64_t writes;
    uint64_t updates;
    uint64_t fail_at;           /* access number that fails; UINT64_MAX */
    bool failure_hit;
    uint64_t fail_pa;           /* where, and RIG_READ/WRITE/UPDATE */
    unsigned fail_use;

    /* A CPU that gets in between: called before a compare and swap. */
    void (*race)(Rig *r, uint64_t pa);

    /* Every event, while this is set. */
    void (*event)(Rig *r, const ImEvent *ev);
    GString *events;            /* its own */

    GArray *log;                /* of RigLog */
    uint64_t now;
    uint64_t deadline;
    unsigned changes;           /* calls of ImPort.changed */

    /* What vb_iq_enable() and friends made. */
    uint64_t root;
    uint64_t iq;
    uint64_t iq_slots;
    unsigned iq_width;          /* bytes of a descriptor */
    uint64_t iq_tail;
    uint64_t status;            /* page for wait status writes */
    uint64_t prq;
    uint64_t irt;
    struct {                    /* SMMU: command, event, PRI queue */
        uint64_t base;
        unsigned lg2;
        uint32_t at;            /* PROD of the command queue */
    } sq[3];
};

/* A unit with every feature on, of 48-bit guest and 46-bit host addresses. */
ImVtdConfig rig_vtd_config(void);
/* cfg == NULL: that one. */
Rig *rig_vtd_new(const ImVtdConfig *cfg);
/* The same on a host that offers another port. */
Rig *rig_vtd_new_on(const ImVtdConfig *cfg, void (*other)(ImPort *port));

/* A unit with every feature on, of 48-bit addresses. */
ImSmmuConfig rig_smmu_config(void);
Rig *rig_smmu_new(const ImSmmuConfig *cfg);
/* The same on a host that offers less than all of ImPort. */
Rig *rig_smmu_new_on(const ImSmmuConfig *cfg, void (*less)(ImPort *port));

/* Memory, log and clock, with a port and no unit yet. */
Rig *rig_host_new(const ImIommuOps *ops, void (*consistent)(Rig *r));
/* r, whose unit im_*_new() has just made; the end of the program, with the
 * reason it gave, if it refused the configuration. */
Rig *rig_made(Rig *r, const char *err);
void rig_free(Rig *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rig, rig_free)

/* Guest memory: zeroed, contiguous, aligned to its size. */
uint64_t rig_alloc(Rig *r, unsigned pages, unsigned use);
/* Offer frames at an address of the test's choice. */
void rig_offer(Rig *r, uint64_t pa, unsigned pages, unsigned use);
uint32_t rig_r32(Rig *r, uint64_t pa);
uint64_t rig_r64(Rig *r, uint64_t pa);
void rig_w32(Rig *r, uint64_t pa, uint32_t val);
void rig_w64(Rig *r, uint64_t pa, uint64_t val);
/* Set and clear bits [hi:lo] of a structure of any width at pa. */
void rig_put(Rig *r, uint64_t pa, unsigned hi, unsigned lo, uint64_t val);
uint64_t rig_get(Rig *r, uint64_t pa, unsigned hi, unsigned lo);

void rig_fail_access(Rig *r, uint64_t n);      /* the n-th from now */
void rig_advance(Rig *r, uint64_t ns);

unsigned rig_count(const Rig *r, RigSeen kind);
/* The n-th log entry of a kind; NULL when there are fewer. */
const RigLog *rig_seen(const Rig *r, RigSeen kind, unsigned n);
/* Position of that entry in the whole log; -1 when absent. */
int rig_position(const Rig *r, RigSeen kind, unsigned n);
void rig_log_clear(Rig *r);

/* Registers, 32 and 64 bits at a time. */
uint32_t rig_reg32(Rig *r, uint64_t off);
uint64_t rig_reg64(Rig *r, uint64_t off);
void rig_set32(Rig *r, uint64_t off, uint32_t val);
void rig_set64(Rig *r, uint64_t off, uint64_t val);

/* What must hold after any test: registers agree with one another. */
void rig_assert_consistent(Rig *r);

/* Answers. */
void xlat_is_ok(const ImXlat *x, uint64_t addr);
void xlat_is_fault(const ImXlat *x, ImCpl cpl, uint8_t fault);
/* Translation request: success that grants nothing. */
void xlat_is_nothing(const ImXlat *x);

#endif /* TESTS_LIB_RIG_H */
