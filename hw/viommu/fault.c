/*
 * A virtual IOMMU on the host's backend: page requests on their way to the
 * guest, its answers on their way back, and faults that are the host's.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/viommu/viommu.h"

#include <errno.h>

#define VI_FAULTS  64u              /* read at a time */

/* --- the host's own ----------------------------------------------------- */

static const struct {
    int err;
    const char *name, *text;
} refusals[] = {
    { EDQUOT, "QUOTA", "the set may have no more PASIDs" },
    { ENOSPC, "EXHAUSTED", "the host has no number left" },
    { ENOENT, "NOT_ALLOCATED", "the guest was not given this PASID" },
    { EBUSY, "FREED", "the guest freed this PASID" },
    { EINVAL, "NOT_IN_RANGE", "the set may not have this PASID" },
    { ENOMEM, "NO_MEMORY", "the host has no memory" },
    { ENODEV, "NO_DEVICE", "the host took the function away" },
    { 0, "REFUSED", "the host refused to bind it" },
};

void im_viommu_blame_host(ImViommu *v, const ImTxn *txn, int err)
{
    const char *text = NULL, *name;
    ImIoasidMiss miss;
    unsigned i = 0;

    v->counters.host_faults++;
    if (!err && v->port.missed(v->host, &miss)) {
        name = im_ioasid_fault_name(miss.code, &text);
        v->port.host_fault(v->host, txn, name, text);
        return;
    }
    while (refusals[i].err && refusals[i].err != -err) {
        i++;
    }
    v->port.host_fault(v->host, txn, refusals[i].name, refusals[i].text);
}

/* --- page requests ------------------------------------------------------ */

static void vi_fault_to_model(ImViommuFn *fn, const ImPageReq *req)
{
    fn->v->ops->page_request(fn->v->guest, req);
}

/* Whom the model alone answers: nobody is bound, or may not ask. A stop
 * marker is for the guest's queue. */
IM_RULE(VIOMMU_PAGE_REQUESTS);
void im_viommu_page_request(ImViommuFn *fn, const ImPageReq *req)
{
    ImViommu *v = fn->v;
    ImPageReq r = *req;
    ViBind *b;
    int err;

    v->counters.page_requests++;
    im_viommu_place(fn, im_func(req->segment, req->rid));
    if ((req->last && !req->read && !req->write) ||
        im_viommu_bind(fn, req->has_pasid, req->pasid, &b, &err) != VI_OK ||
        !b->say.pri) {
        v->counters.page_requests_direct++;
        vi_fault_to_model(fn, req);
        return;
    }
    r.segment = im_func_segment(fn->host_func);
    r.rid = im_func_rid(fn->host_func);
    if (req->has_pasid && !b->say.table) {
        r.pasid = b->hpasid;
    }
    v->port.page_request(v->host, &r);
}

static bool vi_fault_take_ticket(ImViommuFn *fn, uint64_t key, uint16_t prgi,
                                 uint64_t *ticket)
{
    for (unsigned i = 0; i < fn->tickets->len; i++) {
        const ViTicket *t = &g_array_index(fn->tickets, ViTicket, i);

        if (t->key == key && t->prgi == prgi) {
            *ticket = t->ticket;
            g_array_remove_index(fn->tickets, i);
            return true;
        }
    }
    return false;
}

/* A device uses an index again when it has its answer: a ticket that the guest
 * never answered is the backend's since its deadline. */
static void vi_fault_remember_ticket(ImViommuFn *fn, const ImuFault *f)
{
    ViTicket t = {
        .ticket = f->ticket,
        .key = im_viommu_key(f->flags & IMU_FAULT_PASID, f->gpasid),
        .prgi = (uint16_t)f->group,
    };
    uint64_t old;

    vi_fault_take_ticket(fn, t.key, t.prgi, &old);
    if (fn->tickets->len == VI_TICKETS_MAX) {
        g_array_remove_index(fn->tickets, 0);
    }
    g_array_append_val(fn->tickets, t);
    fn->v->counters.page_groups++;
}

static void vi_fault_take_fault(ImViommu *v, const ImuFault *f, bool first)
{
    ImViommuFn *fn = im_viommu_by_cookie(v, f->cookie);
    ImPageReq req = {
        .addr = f->addr,
        .pasid = f->gpasid,
        .prgi = (uint16_t)f->group,
        .has_pasid = f->flags & IMU_FAULT_PASID,
        .priv = f->perm & 8,
        .exec = f->perm & IM_PERM_X,
        .read = f->perm & IM_PERM_R,
        .write = f->perm & IM_PERM_W,
        .last = f->flags & IMU_FAULT_LAST,
    };

    if (!fn || !fn->placed) {
        return;
    }
    if (first) {
        vi_fault_remember_ticket(fn, f);
    }
    req.segment = im_func_segment(fn->func);
    req.rid = im_func_rid(fn->func);
    vi_fault_to_model(fn, &req);
}

/* What was read, without why: that would be a walk for each page, and the model
 * finds out for itself. */
static void vi_fault_take_all(ImViommu *v, const uint8_t *faults,
                              uint32_t count)
{
    uint64_t ticket = 0;

    for (uint32_t i = 0; i < count; i++) {
        ImuFault f = { 0 };

        memcpy(&f, faults + (size_t)i * IMU_FAULT_SIZE_MIN, IMU_FAULT_SIZE_MIN);
        vi_fault_take_fault(v, &f, f.ticket != ticket);
        ticket = f.ticket;
    }
}

/* A group that is larger than what is read at a time. */
static bool vi_fault_read_large(ImViommu *v, uint32_t pages)
{
    size_t whole = sizeof(ImuFaultRead) + (size_t)pages * IMU_FAULT_SIZE_MIN;
    g_autofree ImuFaultRead *c = g_malloc0(whole);

    *c = (ImuFaultRead) {
        .set = v->cfg.set,
        .queue = v->faultq,
        .faults = v->port.user + sizeof(*c),
        .count = pages,
    };
    if (im_viommu_obey(v, IMU_CMD_FAULT_READ, c, sizeof(*c), whole)) {
        return false;
    }
    vi_fault_take_all(v, (const uint8_t *)(c + 1), c->count);
    return c->pending;
}

void im_viommu_read_faults(ImViommu *v)
{
    struct {
        ImuFaultRead c;
        uint8_t faults[VI_FAULTS * IMU_FAULT_SIZE_MIN];
    } a;
    int err;

    do {
        a.c = (ImuFaultRead) {
            .set = v->cfg.set,
            .queue = v->faultq,
            .faults = v->port.user + offsetof(__typeof__(a), faults),
            .count = VI_FAULTS,
        };
        err = im_viommu_obey(v, IMU_CMD_FAULT_READ, &a, sizeof(a.c), sizeof(a));
        if (!err) {
            vi_fault_take_all(v, a.faults, a.c.count);
        }
    } while (err == -EMSGSIZE ? vi_fault_read_large(v, a.c.count) :
                                !err && a.c.pending);
}

/* --- answers ------------------------------------------------------------ */

static uint32_t vi_fault_answer_code(uint8_t code)
{
    return code == IM_PAGE_RESP_SUCCESS ? IMU_ANSWER_SUCCESS :
           code == IM_PAGE_RESP_INVALID ? IMU_ANSWER_INVALID :
                                          IMU_ANSWER_FAILURE;
}

/* One that the backend has given meanwhile is not given twice. */
bool im_viommu_page_response(ImViommu *v, const ImPageResp *resp)
{
    ImViommuFn *fn = im_viommu_by_func(v, im_func(resp->segment, resp->rid));
    ImuAnswer a = { .set = v->cfg.set,
                    .code = vi_fault_answer_code(resp->code) };
    ImPageResp r = *resp;

    if (!fn) {
        return false;
    }
    if (vi_fault_take_ticket(fn, im_viommu_key(resp->has_pasid, resp->pasid),
                             resp->prgi, &a.ticket)) {
        if (VI_COMMAND(v, FAULT_ANSWER, &a)) {
            v->counters.page_responses_late++;
        } else {
            v->counters.page_responses++;
        }
        return true;
    }
    v->counters.page_responses_direct++;
    r.segment = im_func_segment(fn->host_func);
    r.rid = im_func_rid(fn->host_func);
    v->port.page_response(v->host, &r);
    return true;
}

/* --- requests that the model parked ------------------------------------- */

void im_viommu_park(ImViommuFn *fn, uint64_t handle, const ImTxn *txn)
{
    ViStall s = { .fn = fn, .handle = handle, .txn = *txn };

    fn->v->counters.stalls++;
    g_array_append_val(fn->v->stalls, s);
}

void im_viommu_forget_stalls(ImViommu *v, const ImViommuFn *fn)
{
    for (unsigned i = v->stalls->len; i-- > 0;) {
        const ViStall *s = &g_array_index(v->stalls, ViStall, i);

        if (s->fn == fn && !s->answered) {
            v->ops->cancel(v->guest, s->handle);
        }
        if (s->fn == fn) {
            g_array_remove_index(v->stalls, i);
        }
    }
}

bool im_viommu_cancel(ImViommu *v, uint64_t handle)
{
    for (unsigned i = 0; i < v->stalls->len; i++) {
        const ViStall *s = &g_array_index(v->stalls, ViStall, i);

        if (s->handle == handle) {
            if (!s->answered) {
                v->ops->cancel(v->guest, handle);
            }
            g_array_remove_index(v->stalls, i);
            return true;
        }
    }
    return false;
}

/*
 * What the guest let go on is the backend's to translate, when the model was
 * left; what it terminated ends as it says.
 */
bool im_viommu_resume(ImViommu *v, uint64_t handle, const ImXlat *xlat)
{
    for (unsigned i = 0; i < v->stalls->len; i++) {
        ViStall *s = &g_array_index(v->stalls, ViStall, i);

        if (s->handle == handle && !s->answered) {
            s->answered = true;
            s->xlat = *xlat;
            return true;
        }
    }
    return false;
}

static void vi_fault_end_stall(ImViommu *v, const ViStall *s)
{
    ImXlat x = s->xlat;

    if (x.status == IM_OK && x.perm) {
        x = im_viommu_ask_again(s->fn, &s->txn);
        if (x.status == IM_FAULT) {
            im_viommu_blame_host(v, &s->txn, 0);
        }
    }
    v->port.resume(v->host, s->fn->host_func, s->handle, &x);
}

void im_viommu_end_stalls(ImViommu *v)
{
    for (unsigned i = 0; i < v->stalls->len;) {
        ViStall s = g_array_index(v->stalls, ViStall, i);

        if (s.answered) {
            g_array_remove_index(v->stalls, i);
            vi_fault_end_stall(v, &s);
        } else {
            i++;
        }
    }
}
