/*
 * A unit on an ioasid-host: the port of libim's vIOMMU, and functions as its
 * requesters.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "im-options.h"
#include "im-viommu.h"
#include "trace.h"

/* --- the vIOMMU's port -------------------------------------------------- */

static IoasidHost *viommu_host(void *opaque)
{
    return ((ImUnitViommu *)opaque)->host;
}

static int viommu_port_command(void *host, ImuCommand command, void *arg,
                               size_t size, size_t whole)
{
    return im_ioasid_host_command_later(viommu_host(host), command, arg, size,
                                        whole);
}

static bool viommu_port_translate(void *host, uint32_t func, bool has_pasid,
                                  uint32_t pasid, const ImTxn *txn, ImXlat *out)
{
    IoasidHost *s = viommu_host(host);
    bool granted;

    im_unit_enter_to_ask(&s->unit);
    s->unit_asks = true;
    granted = im_ioasid_translate_as(s->host, func, has_pasid, pasid, txn, out);
    s->unit_asks = false;
    if (out->status == IM_PENDING) {
        out->handle |= PCI_PASID_BY_HOST;
    }
    im_unit_leave_later(&s->unit);
    return granted;
}

static ImXlat viommu_port_explain(void *host, const ImTxn *txn, ImStepFn *fn,
                                  void *opaque)
{
    IoasidHost *s = viommu_host(host);
    ImXlat x;

    im_unit_enter_to_ask(&s->unit);
    x = im_ioasid_explain(s->host, txn, fn, opaque);
    im_unit_leave_later(&s->unit);
    return x;
}

static void viommu_port_page_request(void *host, const ImPageReq *req)
{
    IoasidHost *s = viommu_host(host);

    im_unit_enter(&s->unit);
    im_ioasid_page_request(s->host, req);
    im_unit_leave_later(&s->unit);
}

static bool viommu_port_host_pasid(void *host, uint32_t func, uint32_t gpasid,
                                   uint32_t *hpasid)
{
    IoasidHost *s = viommu_host(host);
    bool bound;

    im_unit_enter_to_ask(&s->unit);
    *hpasid = gpasid;
    bound = im_ioasid_fn_host_pasid(s, im_func_rid(func), hpasid);
    im_unit_leave_later(&s->unit);
    return bound;
}

static bool viommu_port_missed(void *host, ImIoasidMiss *miss)
{
    IoasidHost *s = viommu_host(host);
    bool missed;

    im_unit_enter_to_ask(&s->unit);
    missed = im_ioasid_missed(s->host, miss);
    im_unit_leave_later(&s->unit);
    return missed;
}

static void viommu_port_page_response(void *host, const ImPageResp *resp)
{
    IoasidHost *s = viommu_host(host);

    im_unit_enter(&s->unit);
    im_unit_port.page_response(&s->unit, resp);
    im_unit_leave_later(&s->unit);
}

static void viommu_port_resume(void *host, uint32_t host_func, uint64_t handle,
                               const ImXlat *xlat)
{
    im_unit_post_resume(((ImUnitViommu *)host)->unit, handle, xlat);
}

static void viommu_port_host_fault(void *host, const ImTxn *txn,
                                   const char *name, const char *text)
{
    IoasidHost *s = viommu_host(host);

    im_unit_enter_to_ask(&s->unit);
    im_unit_host_fault(&s->unit, txn, name, text);
    im_unit_leave_later(&s->unit);
}

static const ImViommuPort viommu_port = {
    .size = sizeof(ImViommuPort),
    .command = viommu_port_command,
    .user = IM_IOASID_RAW,
    .translate = viommu_port_translate,
    .explain = viommu_port_explain,
    .page_request = viommu_port_page_request,
    .host_pasid = viommu_port_host_pasid,
    .missed = viommu_port_missed,
    .page_response = viommu_port_page_response,
    .resume = viommu_port_resume,
    .host_fault = viommu_port_host_fault,
};

/* --- requests of a function --------------------------------------------- */

static uint16_t viommu_fn_rid(const IoasidFn *fn)
{
    return pci_requester_id(fn->listener->dev);
}

/* Whose requester ID it is now, to the guest; NULL: none of the host's. */
static IoasidFn *viommu_fn_at(const ImUnitViommu *uv, uint16_t rid)
{
    for (unsigned i = 0; i < uv->host->fns->len; i++) {
        IoasidFn *fn = g_ptr_array_index(uv->host->fns, i);

        if (fn->above == uv->unit && viommu_fn_rid(fn) == rid) {
            return fn;
        }
    }
    return NULL;
}

/* Under a requester ID that is not its own it is whoever has that. */
static ImXlat viommu_fn_translate(void *opaque, const ImTxn *txn)
{
    IoasidFn *fn = opaque;
    ImUnit *u = fn->above;
    ImXlat x;

    if (txn->rid != viommu_fn_rid(fn)) {
        fn = viommu_fn_at(u->viommu, txn->rid);
    }
    if (!fn) {
        return im_unit_pasid_ops.translate(u, txn);
    }
    im_unit_enter_to_ask(u);
    im_viommu_translate(fn->vfn, txn, &x);
    trace_im_viommu_translate(u->id, txn->rid,
                              im_unit_pasid(txn->has_pasid, txn->pasid),
                              txn->addr, txn->access, txn->at, x.status, x.addr,
                              x.mask, x.perm);
    if (x.status == IM_PENDING) {
        /* the end must not be told before the caller knows of the start */
        im_unit_leave_later(u);
    } else {
        im_unit_leave(u);
    }
    return x;
}

static MemTxResult viommu_fn_interrupt(void *opaque, const ImMsi *msi)
{
    IoasidFn *fn = opaque;

    return im_unit_pasid_ops.interrupt(fn->above, msi);
}

static void viommu_fn_page_request(void *opaque, const ImPageReq *req)
{
    IoasidFn *fn = opaque;

    im_unit_enter(fn->above);
    im_viommu_page_request(fn->vfn, req);
    im_unit_leave(fn->above);
}

/* Every invalidation message to it is the host's. */
static void viommu_fn_ats_inv_done(void *opaque, uint16_t rid, uint32_t itags,
                                   unsigned cc)
{
    IoasidFn *fn = opaque;

    im_unit_pasid_ops.ats_inv_done(&fn->host->unit, fn->rid, itags, cc);
}

static void viommu_fn_cancel(void *opaque, uint64_t handle)
{
    IoasidFn *fn = opaque;
    ImUnit *u = fn->above;
    bool found;

    if (handle & PCI_PASID_BY_HOST) {
        im_unit_pasid_ops.cancel(&fn->host->unit, handle & ~PCI_PASID_BY_HOST);
        return;
    }
    im_unit_enter(u);
    found = im_viommu_cancel(u->viommu->v, handle);
    im_unit_leave(u);
    if (!found) {
        im_unit_pasid_ops.cancel(u, handle);
    }
}

/* What it waited for is there, and a table refuses it by now: whose? */
static ImXlat viommu_fn_ended(void *opaque, const ImTxn *txn,
                              const ImXlat *xlat)
{
    return xlat->status == IM_FAULT && xlat->fault ?
               viommu_fn_translate(opaque, txn) :
               *xlat;
}

static const PciPasidIommuOps viommu_pasid_ops = {
    .translate = viommu_fn_translate,
    .interrupt = viommu_fn_interrupt,
    .page_request = viommu_fn_page_request,
    .ats_inv_done = viommu_fn_ats_inv_done,
    .cancel = viommu_fn_cancel,
    .ended = viommu_fn_ended,
};

/* --- where a function is ------------------------------------------------ */

static bool viommu_refused(const char *who, IoasidHost *host, int err,
                           Error **errp)
{
    const char *text = NULL, *name = im_ioasid_error(err, &text);

    error_setg(errp, "%s: host=%s refuses: %s: %s", who,
               im_name_of(OBJECT(host)), name ?: "error",
               text ?: strerror(-err));
    return false;
}

bool im_ioasid_fn_place(IoasidFn *fn, Error **errp)
{
    PciPasidListener *l = fn->listener;
    ImUnitViommu *uv = NULL;
    void *iommu = pci_pasid_iommu_of_bus(l->dev);
    int err;

    for (unsigned i = 0; i < fn->host->units->len && !uv; i++) {
        uv = g_ptr_array_index(fn->host->units, i);
        uv = uv->unit == iommu ? uv : NULL;
    }
    if (!uv) {
        return true;
    }
    im_unit_enter(uv->unit);
    err = im_viommu_add(uv->v, fn->rid, &fn->vfn);
    im_unit_leave_later(uv->unit);
    if (err) {
        return viommu_refused(im_name_of(OBJECT(l->dev)), fn->host, err, errp);
    }
    fn->above = uv->unit;
    fn->pasid = (PciPasidFn) {
        .ops = &viommu_pasid_ops,
        .opaque = fn,
        .iommu = uv->unit,
    };
    l->has_rid = false;
    l->host = &fn->host->unit;
    l->host_rid = fn->rid;
    return true;
}

void im_ioasid_fn_displace(IoasidFn *fn)
{
    ImUnit *u = fn->above;

    if (u) {
        im_unit_enter(u);
        im_viommu_remove(fn->vfn);
        fn->above = NULL;
        fn->vfn = NULL;
        im_unit_leave_later(u);
        fn->listener->host = NULL;
    }
}

/* --- the unit ----------------------------------------------------------- */

void im_unit_viommu_place(ImUnitViommu *uv)
{
    for (unsigned i = 0; i < uv->host->fns->len; i++) {
        IoasidFn *fn = g_ptr_array_index(uv->host->fns, i);

        if (fn->above == uv->unit) {
            im_viommu_place(fn->vfn, viommu_fn_rid(fn));
        }
    }
}

bool im_unit_viommu_explain(ImUnitViommu *uv, const ImTxn *txn, ImStepFn *fn,
                            void *opaque, ImXlat *xlat)
{
    IoasidFn *of = txn->segment ? NULL : viommu_fn_at(uv, txn->rid);

    if (of) {
        *xlat = im_viommu_explain(of->vfn, txn, fn, opaque);
    }
    return of;
}

bool im_ioasid_tell_units(IoasidHost *s, ImuRef queue)
{
    bool theirs = false;

    for (unsigned i = 0; i < s->units->len && !theirs; i++) {
        ImUnitViommu *uv = g_ptr_array_index(s->units, i);

        im_unit_enter(uv->unit);
        theirs = im_viommu_readable(uv->v, queue);
        im_unit_leave(uv->unit);
    }
    return theirs;
}

char *im_ioasid_check_units(IoasidHost *s)
{
    char *broken = NULL;

    for (unsigned i = 0; i < s->units->len && !broken; i++) {
        ImUnitViommu *uv = g_ptr_array_index(s->units, i);

        im_unit_enter_to_ask(uv->unit);
        broken = im_viommu_check(uv->v);
        im_unit_leave(uv->unit);
    }
    return broken;
}

void im_ioasid_reset_models(IoasidHost *s)
{
    for (unsigned i = 0; i < s->units->len; i++) {
        ImUnitViommu *uv = g_ptr_array_index(s->units, i);

        im_unit_reset(uv->unit);
    }
}

void im_ioasid_reset_units(IoasidHost *s)
{
    im_ioasid_ram_reset(s);
    for (unsigned i = 0; i < s->units->len; i++) {
        ImUnitViommu *uv = g_ptr_array_index(s->units, i);
        int err;

        im_unit_enter(uv->unit);
        err = im_viommu_reset(uv->v, s->guest.set, s->ram_space);
        im_unit_leave_later(uv->unit);
        trace_im_viommu_reset(uv->unit->id, err);
    }
}

bool im_unit_stand_on(ImUnit *u, IoasidHost *host, const ImViommuConfig *config,
                      Error **errp)
{
    ImUnitViommu *uv = g_new0(ImUnitViommu, 1);
    ImViommuConfig c = *config;
    int err = im_ioasid_ram_keep(host);

    uv->unit = u;
    uv->host = host;
    c.set = host->guest.set;
    c.ram = host->ram_space;
    c.map_mode = host->guest.map_mode;
    if (!err) {
        uv->v = im_viommu_new(&c, u->iommu, u->model, &viommu_port, uv, &err);
    }
    if (!uv->v) {
        g_free(uv);
        return viommu_refused(u->id, host, err, errp);
    }
    host->users++;
    g_ptr_array_add(host->units, uv);
    u->viommu = uv;
    return true;
}

void im_unit_stand_alone(ImUnit *u)
{
    ImUnitViommu *uv = u->viommu;

    if (uv) {
        u->viommu = NULL;
        im_viommu_free(uv->v);
        g_ptr_array_remove(uv->host->units, uv);
        uv->host->users--;
        g_free(uv);
    }
}
