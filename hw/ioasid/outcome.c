/*
 * The host backend: how a request ends that is refused, and how people are
 * told.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/route.h"
#include "im/im_event.h"

typedef enum Record { RECORD, HUSH } Record;
typedef enum Reply { UR, CA, MISS } Reply;

typedef struct FaultDef {
    const char *name;
    const char *text;
    uint8_t record;
    uint8_t reply;
} FaultDef;

#define F(code, name, record, reply, text) \
    [code] = { #name, text, record, reply },
static const FaultDef defs[] = {
#include "im/spec/ioasid_faults.h.inc"
};
#undef F

const char *im_ioasid_fault_name(uint8_t reason, const char **text)
{
    if (reason >= G_N_ELEMENTS(defs) || !defs[reason].name) {
        return NULL;
    }
    if (text) {
        *text = defs[reason].text;
    }
    return defs[reason].name;
}

static void io_outcome_record(const IoRoute *r, IoFaultCode code)
{
    ImIoasid *h = r->h;
    ImEvent ev = {
        .kind = IM_EVENT_FAULT,
        .name = defs[code].name,
        .clause = IM_CLAUSE(IOASID_REQUESTS),
        .arg = { code },
        .txn = r->txn,
        .hidden = defs[code].record == HUSH,
    };

    if (r->ex) {
        return;
    }
    if (ev.hidden) {
        h->counters.faults_suppressed++;
    } else {
        h->counters.faults++;
    }
    if (h->port.iommu.event) {
        h->port.iommu.event(h->opaque, &ev);
    }
}

IM_RULE(IOASID_REQUESTS);
bool im_ioasid_refuse(IoRoute *r, IoFaultCode code)
{
    bool ats = r->kind == IO_TRANSLATION;

    *im_ioasid_miss_of(r) = (ImIoasidMiss) {
        .addr = r->txn->addr,
        .stage = code >= IO_FLT_PASID_OFF ? IM_IOASID_STAGE_GUEST :
                                            IM_IOASID_STAGE_NONE,
        .code = (uint8_t)code,
        .perm = r->need,
    };
    if (ats && defs[code].reply == MISS) {
        r->out.addr = r->txn->addr;     /* it may ask for the page */
        return im_route_refuse(&r->out, IM_OK, IM_CPL_SC);
    }
    r->out.fault = (uint8_t)code;
    r->out.addr = 0;
    im_route_refuse(&r->out, IM_FAULT,
                    ats && defs[code].reply == CA ? IM_CPL_CA : IM_CPL_UR);
    io_outcome_record(r, code);
    return true;
}

/* --- walks ------------------------------------------------------------ */

static IoFaultCode io_outcome_lacking(const IoRoute *r, uint8_t perm)
{
    uint8_t miss = r->need & (uint8_t)~perm;

    return miss & IM_PERM_W ? IO_FLT_WRITE :
           miss & IM_PERM_X ? IO_FLT_EXECUTE :
                              IO_FLT_READ;
}

/* The map, alone or below a guest's table. */
static IoFaultCode io_outcome_map_code(const IoRoute *r, const ImWalkOut *w)
{
    bool absent = w->stop == IM_WALK_ABSENT;

    if (w->for_entry) {
        return absent ? IO_FLT_TABLE_UNMAPPED : IO_FLT_TABLE_DENIED;
    }
    return absent ? IO_FLT_UNMAPPED : io_outcome_lacking(r, w->perm);
}

static IoFaultCode io_outcome_table_code(const IoRoute *r, const ImWalkOut *w)
{
    switch (w->stop) {
    case IM_WALK_ACCESS:
        return IO_FLT_TABLE_FETCH;
    case IM_WALK_UPDATE:
    case IM_WALK_NO_UPDATE:
        return IO_FLT_TABLE_UPDATE;
    case IM_WALK_RSVD:
        return IO_FLT_TABLE_RESERVED;
    case IM_WALK_SIZE:
    case IM_WALK_RANGE:
        return IO_FLT_TABLE_SIZE;
    case IM_WALK_UNUSED:
        return IO_FLT_ACCESS_FLAG;
    case IM_WALK_MUST:
        return IO_FLT_PRIVILEGE;
    case IM_WALK_PERM:
        return io_outcome_lacking(r, w->perm);
    default:
        return IO_FLT_ABSENT;
    }
}

bool im_ioasid_refuse_walk(IoRoute *r, const ImWalkOut *w, bool nested)
{
    bool denied = w->stop == IM_WALK_NESTED_READ ||
                  w->stop == IM_WALK_NESTED_WRITE;
    bool map = denied || w->stage == nested;

    if (map && !denied && w->stop == IM_WALK_ABSENT &&
        im_ioasid_fill(r, w->in, w->for_entry, w->for_update)) {
        return true;
    }
    im_ioasid_refuse(r, denied ? IO_FLT_TABLE_DENIED :
                        map    ? io_outcome_map_code(r, w) :
                                 io_outcome_table_code(r, w));
    if (map) {
        im_ioasid_miss_map(r, w->in, denied || w->for_entry,
                           w->stop == IM_WALK_NESTED_WRITE || w->for_update);
    }
    return true;
}

void im_ioasid_miss_map(IoRoute *r, uint64_t addr, bool for_entry,
                        bool for_update)
{
    ImIoasidMiss *miss = im_ioasid_miss_of(r);

    miss->stage = IM_IOASID_STAGE_MAP;
    miss->addr = addr;
    miss->for_entry = for_entry;
    miss->perm = !for_entry ? r->need :
                 for_update ? IM_PERM_R | IM_PERM_W :
                              IM_PERM_R;
}

bool im_ioasid_missed(const ImIoasid *h, ImIoasidMiss *miss)
{
    *miss = h->miss;
    return miss->code;
}
