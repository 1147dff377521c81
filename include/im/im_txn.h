/*
 * The one request, the one result and the messages of an I/O translation.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef IM_TXN_H
#define IM_TXN_H

#include <stdbool.h>
#include <stdint.h>

#define IM_NEVER  UINT64_MAX    /* of virtual time, in nanoseconds */

#define IM_PASID_BITS   20
#define IM_PASID_MAX    ((1u << IM_PASID_BITS) - 1)

/* What a memory request does; bit 0 needs read permission, bit 1 write. */
typedef enum ImAccess {
    IM_READ = 1,
    IM_WRITE = 2,
    IM_ATOMIC = 3,
} ImAccess;

/* Effective permission of a translation; X exists only where a model has it. */
typedef enum ImPerm {
    IM_PERM_R = 1,
    IM_PERM_W = 2,
    IM_PERM_X = 4,
} ImPerm;

/* The AT field of a memory request (PCIe 6.x, 10.2.2). Never inferred. */
typedef enum ImAt {
    IM_AT_UNTRANSLATED = 0,
    IM_AT_TRANSLATION = 1,
    IM_AT_TRANSLATED = 2,
    IM_AT_RESERVED = 3,
} ImAt;

/* One memory request as it reaches the IOMMU. */
typedef struct ImTxn {
    uint64_t addr; /* first byte */
    uint64_t len; /* bytes; 0 is the zero-length read */
    uint32_t pasid; /* valid with has_pasid; may exceed the width */
    uint16_t rid; /* requester ID: bus 15:8, devfn 7:0 */
    uint16_t segment; /* of the hierarchy; StreamID 31:16 */
    uint8_t access; /* ImAccess */
    uint8_t at; /* ImAt */
    bool has_pasid;
    bool priv; /* privileged mode requested; with has_pasid */
    bool exec; /* execute requested; with has_pasid */
    bool no_write; /* NW of a translation request */
    bool no_snoop; /* No Snoop attribute (PCIe 2.2.6.5): a hint */
    bool may_stall; /* the requester can wait: IM_PENDING allowed */
} ImTxn;

typedef enum ImStatus {
    IM_OK,
    IM_FAULT, /* answered with cpl; nothing was accessed. With
                 IM_CPL_SC: reads as zero, writes ignored */
    IM_PENDING, /* parked under ImXlat.handle, completed later */
} ImStatus;

/* Completion status as the requester sees it (PCIe 2.2.9). */
typedef enum ImCpl {
    IM_CPL_SC,
    IM_CPL_UR,
    IM_CPL_CA,
} ImCpl;

/*
 * The answer to one ImTxn. For IM_AT_TRANSLATION a recoverable miss is
 * IM_OK with perm == 0: a successful completion that grants nothing.
 */
typedef struct ImXlat {
    uint64_t addr; /* output address of the requested byte */
    uint64_t mask; /* size - 1 of the region this answer covers */
    uint64_t handle; /* valid with IM_PENDING */
    uint8_t status; /* ImStatus */
    uint8_t cpl; /* ImCpl */
    uint8_t perm; /* ImPerm bits the requester may use */
    uint8_t fault; /* the model's own reason code; 0: none */
    uint8_t attr; /* memory type as in Arm's MAIR; 0: not said */
    uint8_t share; /* with attr: 0 none, 2 outer, 3 inner */
    bool interrupt; /* a write to the interrupt range: not memory */
    bool priv; /* ATS completion: permissions are privileged */
    bool global; /* ATS completion: valid for every PASID */
    bool untranslated_only; /* ATS completion: the U bit */
    bool non_snoop; /* ATS completion: the N bit */
} ImXlat;

/* A page request message (PCIe 10.4.1); read == write == false with last is
 * a stop marker. */
typedef struct ImPageReq {
    uint64_t addr; /* bits 11:0 ignored */
    uint32_t pasid;
    uint16_t rid;
    uint16_t segment;
    uint16_t prgi; /* page request group index, 9 bits */
    bool has_pasid;
    bool priv;
    bool exec;
    bool read;
    bool write;
    bool last;
} ImPageReq;

/* A page group response message (PCIe 10.4.2). */
typedef enum ImPageRespCode {
    IM_PAGE_RESP_SUCCESS = 0x0,
    IM_PAGE_RESP_INVALID = 0x1,
    IM_PAGE_RESP_FAILURE = 0xf,
} ImPageRespCode;

typedef struct ImPageResp {
    uint32_t pasid;
    uint16_t rid; /* destination function */
    uint16_t segment;
    uint16_t prgi;
    uint8_t code; /* 4 bits as sent; others than 0, 1 mean failure */
    bool has_pasid;
} ImPageResp;

/* What becomes of a page request message. */
typedef struct ImPageFate {
    ImPageResp resp; /* with answered: what the IOMMU sends in the
                        place of software */
    uint8_t fault; /* the model's own reason code; 0: none */
    bool queued; /* else dropped */
    bool answered;
} ImPageFate;

/* A function as one number: a StreamID, ImAtsInv's destination. */
static inline uint32_t im_func(uint16_t segment, uint16_t rid)
{
    return (uint32_t)segment << 16 | rid;
}

static inline uint16_t im_func_segment(uint32_t func)
{
    return (uint16_t)(func >> 16);
}

static inline uint16_t im_func_rid(uint32_t func)
{
    return (uint16_t)func;
}

#define IM_INV_ALL  64      /* ImAtsInv.lg2size: the whole address space */

/* An ATS invalidation request message (PCIe 10.3.1), range decoded. */
typedef struct ImAtsInv {
    uint64_t addr; /* aligned to the range */
    uint32_t pasid;
    uint16_t rid; /* destination function */
    uint16_t segment;
    uint8_t lg2size; /* 12 .. 63, or IM_INV_ALL */
    uint8_t itag; /* 0 .. 31; returned by the completion */
    bool has_pasid;
    bool global; /* with has_pasid: every PASID */
} ImAtsInv;

/*
 * An interrupt message. On the way in, rid is the source and the pair
 * (addr, data) is what was written. A message that an IOMMU remapped is a
 * plain compatibility or extended-destination message again, see ImIntOut.
 */
typedef struct ImMsi {
    uint64_t addr;
    uint32_t data;
    uint16_t rid;
    uint8_t source; /* a model's own: told back if the write fails */
    bool any_source; /* rid is recorded, but not verified */
} ImMsi;

/* What became of an interrupt message. IM_OK: what reaches the interrupt
 * controller. IM_FAULT: blocked, and recorded as a fault. */
typedef struct ImIntOut {
    uint8_t status; /* ImStatus */
    uint8_t fault;
    bool remapped; /* false: request passes as it came */
    uint8_t vector;
    uint8_t delivery_mode; /* DLM */
    bool level; /* TM */
    bool logical; /* DM */
    bool redirection_hint; /* RH */
    uint32_t dest; /* APIC ID; 8 bits unless EIME */
} ImIntOut;

#endif /* IM_TXN_H */
