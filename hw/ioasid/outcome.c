/*
 * The host backend: how a request ends that is refused, and how people are
 * told.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/ledger.h"
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

/* The PASID as the guest has it; in TRANSLATE the host's is nobody's there. */
static uint32_t io_outcome_gpasid(const IoRoute *r, const IoBind *b,
                                  const IoSet *set)
{
    if (b && b->pasid) {
        return b->pasid->gpasid;
    }
    return r->has_pasid && set->cfg.map_mode != IMU_MODE_TRANSLATE ? r->pasid :
                                                                     0;
}

static uint32_t io_outcome_perm(const ImTxn *t)
{
    uint32_t perm = t->access;

    if (t->at == IM_AT_TRANSLATION) {
        perm = t->no_write ? IM_PERM_R : IM_PERM_R | IM_PERM_W;
    }
    return perm | (uint32_t)t->exec << 2 | (uint32_t)t->priv << 3;
}

static uint32_t io_outcome_flags(const IoRoute *r, const ImIoasidMiss *m)
{
    return (r->has_pasid ? IMU_FAULT_PASID : 0) |
           (m->stage == IM_IOASID_STAGE_MAP ? IMU_FAULT_HOST : 0) |
           (m->for_entry ? IMU_FAULT_ENTRY : 0);
}

/* Who has the device can read of it. */
static void io_outcome_log(const IoRoute *r, const ImIoasidMiss *m)
{
    const IoHostDev *hd = im_ioasid_host_dev(r->h, r->func);
    const IoDev *dev = hd ? hd->bound : NULL;
    const IoBind *b =
        dev ? im_ioasid_serving(r->h, r->func, r->has_pasid, r->pasid) : NULL;

    if (dev) {
        const ImuFault f = {
            .flags = io_outcome_flags(r, m),
            .gpasid = io_outcome_gpasid(r, b, dev->obj.set),
            .cookie = dev->cookie,
            .dev = dev->obj.ref,
            .space = b ? b->space->obj.ref : (ImuRef) { 0 },
            .perm = io_outcome_perm(r->txn),
            .addr = m->addr,
            .stage = m->stage,
            .code = m->code,
            .request = r->txn->addr,
        };

        im_ioasid_log(dev->obj.set, &f);
    }
}

static void io_outcome_record(const IoRoute *r, const ImIoasidMiss *m)
{
    ImIoasid *h = r->h;
    ImEvent ev = {
        .kind = IM_EVENT_FAULT,
        .name = defs[m->code].name,
        .clause = IM_CLAUSE(IOASID_REQUESTS),
        .arg = { m->code },
        .txn = r->txn,
        .hidden = defs[m->code].record == HUSH,
    };

    if (r->ex) {
        return;
    }
    if (ev.hidden) {
        h->counters.faults_suppressed++;
    } else {
        h->counters.faults++;
        io_outcome_log(r, m);
    }
    if (h->port.iommu.event) {
        h->port.iommu.event(h->opaque, &ev);
    }
}

IM_RULE(IOASID_REQUESTS);
static bool io_outcome_refuse(IoRoute *r, const ImIoasidMiss *m)
{
    const FaultDef *def = &defs[m->code];
    bool ats = r->kind == IO_TRANSLATION;

    *im_ioasid_miss_of(r) = *m;
    if (ats && def->reply == MISS) {
        r->out.addr = r->txn->addr;     /* it may ask for the page */
        return im_route_refuse(&r->out, IM_OK, IM_CPL_SC);
    }
    r->out.fault = m->code;
    r->out.addr = 0;
    im_route_refuse(&r->out, IM_FAULT,
                    ats && def->reply == CA ? IM_CPL_CA : IM_CPL_UR);
    io_outcome_record(r, m);
    return true;
}

bool im_ioasid_refuse(IoRoute *r, IoFaultCode code)
{
    const ImIoasidMiss m = {
        .addr = r->txn->addr,
        .stage = code >= IO_FLT_PASID_OFF ? IM_IOASID_STAGE_GUEST :
                                            IM_IOASID_STAGE_NONE,
        .code = (uint8_t)code,
        .perm = r->need,
    };

    return io_outcome_refuse(r, &m);
}

bool im_ioasid_refuse_map(IoRoute *r, IoFaultCode code, uint64_t addr,
                          bool for_entry, bool for_update)
{
    const ImIoasidMiss m = {
        .addr = addr,
        .stage = IM_IOASID_STAGE_MAP,
        .code = (uint8_t)code,
        .perm = !for_entry ? r->need :
                for_update ? IM_PERM_R | IM_PERM_W :
                             IM_PERM_R,
        .for_entry = for_entry,
    };

    return im_ioasid_fill(r, &m) || io_outcome_refuse(r, &m);
}

ImXlat im_ioasid_terminate(ImIoasid *h, uint32_t func, bool has_pasid,
                           uint32_t pasid, const ImTxn *txn,
                           const ImIoasidMiss *m)
{
    IoRoute r = im_ioasid_route_as(h, func, has_pasid, pasid, txn);

    io_outcome_refuse(&r, m);
    return (ImXlat) { IM_ROUTE_ANSWER(&r.out, txn, false) };
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

    if (!denied && w->stage != nested) {
        return im_ioasid_refuse(r, io_outcome_table_code(r, w));
    }
    return im_ioasid_refuse_map(
        r, denied ? IO_FLT_TABLE_DENIED : io_outcome_map_code(r, w), w->in,
        denied || w->for_entry,
        w->stop == IM_WALK_NESTED_WRITE || w->for_update);
}

bool im_ioasid_missed(const ImIoasid *h, ImIoasidMiss *miss)
{
    *miss = h->miss;
    return miss->code;
}
