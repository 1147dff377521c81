/*
 * ioasid-host: libim's host backend as an object of the emulator.
 *
 * The host's memory is the guest's: a guest-physical address is what user
 * memory of the context and physical memory are named by. What a monitor or
 * this file asks lies beside it (IMU_CALL_BASE, IM_IOASID_RAW).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/boards.h"
#include "hw/qdev-core.h"
#include "migration/blocker.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qom/object_interfaces.h"
#include "system/reset.h"
#include "system/system.h"
#include "im-ioasid.h"
#include "im-mem.h"
#include "im-options.h"
#include "im-viommu.h"

#define EVENT_DEPTH     1024
#define FIRST_RID       0x0100          /* 01:00.0 */
#define PC_MSI_FIRST    0xfee00000ull
#define PC_MSI_LAST     0xfeefffffull

/* --- the backend's port ------------------------------------------------- */

static IoasidHost *host_of(void *unit)
{
    return container_of(unit, IoasidHost, unit);
}

static void *host_port_alloc(void *host, size_t bytes)
{
    return g_try_malloc0(bytes);
}

static void host_port_free(void *host, void *p, size_t bytes)
{
    g_free(p);
}

static int host_user_access(IoasidHost *s, uint64_t addr, void *buf, size_t len,
                            bool write)
{
    if (addr >= IM_IOASID_RAW && addr < IMU_CALL_BASE && s->raw &&
        len <= s->raw_size && addr - IM_IOASID_RAW <= s->raw_size - len) {
        void *at = (char *)s->raw + (addr - IM_IOASID_RAW);

        memcpy(write ? at : buf, write ? buf : at, len);
        return 0;
    }
    if (addr >= IMU_CALL_BASE && s->call) {
        return im_ioasid_call_access(s->call, addr, buf, len, write);
    }
    if (write) {
        return imq_mem_write(&address_space_memory, addr, buf, len) ==
                       IM_BUS_OK ?
                   0 :
                   -EFAULT;
    }
    return imq_mem_read(&address_space_memory, addr, buf, len) == IM_BUS_OK ?
               0 :
               -EFAULT;
}

static int host_port_user_read(void *host, void *user, uint64_t addr, void *buf,
                               size_t len)
{
    return host_user_access(user, addr, buf, len, false);
}

static int host_port_user_write(void *host, void *user, uint64_t addr,
                                const void *buf, size_t len)
{
    return host_user_access(user, addr, (void *)buf, len, true);
}

/* Guest memory stays where it is: what is checked is that it is there. */
static int host_port_pin(void *host, void *user, uint64_t addr, bool write,
                         uint64_t *pa)
{
    *pa = addr;
    return imq_mem_is_ram(&address_space_memory, addr, write) ? 0 : -EFAULT;
}

static void host_port_unpin(void *host, void *user, uint64_t addr, uint64_t pa,
                            bool dirty)
{
}

static void host_port_readable(void *host, void *user, ImuRef queue)
{
    im_unit_notice(host, (uint64_t)queue.gen << 32 | queue.id);
}

/* --- the numbers on the bus --------------------------------------------- */

/*
 * The endpoint speaks of guest PASIDs; what is on the bus is the host's, put
 * there by whoever mediates between both. After the guest freed a PASID the
 * device still uses the number that it was given.
 */
static gpointer host_key_of(uint16_t rid, uint32_t pasid)
{
    return GSIZE_TO_POINTER((uint64_t)rid << 32 | pasid);
}

/* seen: on the bus; to explain alone leaves no trace. */
static bool host_pasid_on_bus(IoasidHost *s, uint16_t rid, uint32_t *pasid,
                              bool seen)
{
    gpointer key = host_key_of(rid, *pasid), val;
    uint32_t on_bus;

    if (!im_ioasid_hides_pasids(s->host, rid)) {
        return true;
    }
    if (im_ioasid_host_pasid(s->host, rid, *pasid, &on_bus)) {
        if (seen) {
            g_hash_table_insert(s->to_host, key, GUINT_TO_POINTER(on_bus));
            g_hash_table_insert(s->to_guest, host_key_of(rid, on_bus),
                                GUINT_TO_POINTER(*pasid));
        }
    } else if (g_hash_table_lookup_extended(s->to_host, key, NULL, &val)) {
        on_bus = GPOINTER_TO_UINT(val);
    } else {
        return false;
    }
    *pasid = on_bus;
    return true;
}

bool im_ioasid_fn_host_pasid(IoasidHost *s, uint16_t rid, uint32_t *pasid)
{
    return host_pasid_on_bus(s, rid, pasid, true);
}

static void host_pasid_of_guest(IoasidHost *s, uint16_t rid, uint32_t *pasid)
{
    gpointer val;

    if (g_hash_table_lookup_extended(s->to_guest, host_key_of(rid, *pasid),
                                     NULL, &val)) {
        *pasid = GPOINTER_TO_UINT(val);
    }
}

static void host_port_ats_invalidate(void *host, const ImAtsInv *inv)
{
    ImAtsInv m = *inv;

    if (m.has_pasid) {
        host_pasid_of_guest(host_of(host), m.rid, &m.pasid);
    }
    im_unit_port.ats_invalidate(host, &m);
}

static void host_port_page_response(void *host, const ImPageResp *resp)
{
    ImPageResp m = *resp;

    if (m.has_pasid) {
        host_pasid_of_guest(host_of(host), m.rid, &m.pasid);
    }
    im_unit_port.page_response(host, &m);
}

/* When a unit asks that stands here, it says whose fault it was. */
static void host_port_event(void *host, const ImEvent *ev)
{
    if (ev->kind != IM_EVENT_FAULT || !host_of(host)->unit_asks) {
        im_unit_event(host, ev);
    }
}

/* --- the backend, as a unit --------------------------------------------- */

static const ImXlat refused = { .status = IM_FAULT, .cpl = IM_CPL_UR };

/* A page request with a PASID that is not on the bus. */
static ImPageFate host_page_fate(const ImPageReq *req)
{
    ImPageFate f = { .answered = req->last && (req->read || req->write) };

    if (f.answered) {
        f.resp = (ImPageResp) { .pasid = req->pasid,
                                .rid = req->rid,
                                .prgi = req->prgi,
                                .has_pasid = true,
                                .code = IM_PAGE_RESP_INVALID };
    }
    return f;
}

static void host_tell_not_attached(ImStepFn *fn, void *opaque, ImClause clause)
{
    static const char *const steps[] = { "the guest's set", "result" };

    for (unsigned i = 0; fn && i < G_N_ELEMENTS(steps); i++) {
        fn(opaque, &(ImStep) {
                       .what = steps[i],
                       .clause = clause,
                       .note = "this PASID is not attached to the function",
                   });
    }
}

static ImXlat host_translate(void *model, const ImTxn *txn)
{
    IoasidHost *s = model;
    ImTxn t = *txn;

    if (t.has_pasid && !host_pasid_on_bus(s, t.rid, &t.pasid, true)) {
        return refused;
    }
    return im_ioasid_translate(s->host, &t);
}

static ImXlat host_explain(void *model, const ImTxn *txn, ImStepFn *fn,
                           void *opaque)
{
    IoasidHost *s = model;
    ImTxn t = *txn;

    if (t.has_pasid && !host_pasid_on_bus(s, t.rid, &t.pasid, false)) {
        host_tell_not_attached(fn, opaque, IM_CLAUSE(IOASID_REQUESTS));
        return refused;
    }
    return im_ioasid_explain(s->host, &t, fn, opaque);
}

static void host_page_request(void *model, const ImPageReq *req)
{
    IoasidHost *s = model;
    ImPageReq r = *req;
    ImPageFate f;

    if (!r.has_pasid || host_pasid_on_bus(s, r.rid, &r.pasid, true)) {
        im_ioasid_page_request(s->host, &r);
        return;
    }
    f = host_page_fate(&r);
    if (f.answered) {
        im_unit_port.page_response(&s->unit, &f.resp);
    }
}

static ImPageFate host_explain_page_request(void *model, const ImPageReq *req,
                                            ImStepFn *fn, void *opaque)
{
    IoasidHost *s = model;
    ImPageReq r = *req;
    ImPageFate f;

    if (r.has_pasid && !host_pasid_on_bus(s, r.rid, &r.pasid, false)) {
        host_tell_not_attached(fn, opaque, IM_CLAUSE(IOASID_FAULTS));
        return host_page_fate(&r);
    }
    f = im_ioasid_explain_page_request(s->host, &r, fn, opaque);
    if (f.resp.has_pasid) {
        f.resp.pasid = req->pasid;
    }
    return f;
}

static void host_ats_inv_done(void *model, uint32_t func, uint32_t itags,
                              unsigned cc)
{
    im_ioasid_ats_inv_done(((IoasidHost *)model)->host, func, itags, cc);
}

static void host_cancel(void *model, uint64_t handle)
{
    im_ioasid_cancel(((IoasidHost *)model)->host, handle);
}

static void host_deadline(void *model)
{
    im_ioasid_deadline(((IoasidHost *)model)->host);
}

static void host_dump(void *model, GString *out)
{
    im_ioasid_dump(((IoasidHost *)model)->host, NULL, out);
}

static void host_counters(const void *model, ImCounterFn *fn, void *opaque)
{
    im_ioasid_ops.counters(((const IoasidHost *)model)->host, fn, opaque);
}

static void host_notice(ImUnit *u, uint64_t what)
{
    ImuRef queue = { .id = (uint32_t)what, .gen = what >> 32 };

    if (!im_ioasid_ram_readable(host_of(u), queue) &&
        !im_ioasid_tell_units(host_of(u), queue)) {
        im_ioasid_qmp_readable(host_of(u), queue);
    }
}

/* No message of its own: its devices' interrupts go the bus's way. */
static void host_send_msi(ImUnit *u, const ImMsi *msi)
{
}

static void host_reset(void *model);

/* The backend's port, as the guest's PASIDs see it. */
static const ImIommuOps host_iommu_ops = {
    .name = TYPE_IOASID_HOST,
    .translate = host_translate,
    .explain = host_explain,
    .page_request = host_page_request,
    .explain_page_request = host_explain_page_request,
    .ats_inv_done = host_ats_inv_done,
    .cancel = host_cancel,
    .deadline = host_deadline,
    .reset = host_reset,
    .dump = host_dump,
    .counters = host_counters,
    .fault_name = im_ioasid_fault_name,
};

static const ImUnitOps host_ops = {
    .iommu = &host_iommu_ops,
    .send_msi = host_send_msi,
    .notice = host_notice,
};

/* --- commands ----------------------------------------------------------- */

/* Within the unit's lock. */
static int host_command(IoasidHost *s, ImuCommand number, void *arg,
                        size_t size, size_t whole)
{
    int ret;

    ((ImuHead *)arg)->size = size;
    s->raw = arg;
    s->raw_size = whole;
    ret = im_ioasid_command(s->ctx, number, IM_IOASID_RAW);
    s->raw = NULL;
    return ret;
}
#define COMMAND(s, NAME, arg) \
    host_command(s, IMU_CMD_##NAME, arg, sizeof(*(arg)), sizeof(*(arg)))

int im_ioasid_host_command(IoasidHost *s, ImuCommand number, void *arg,
                           size_t size, size_t whole)
{
    int ret;

    im_unit_enter(&s->unit);
    ret = host_command(s, number, arg, size, whole);
    im_unit_leave(&s->unit);
    return ret;
}

int im_ioasid_host_command_later(IoasidHost *s, ImuCommand number, void *arg,
                                 size_t size, size_t whole)
{
    int ret;

    im_unit_enter(&s->unit);
    ret = host_command(s, number, arg, size, whole);
    im_unit_leave_later(&s->unit);
    return ret;
}

/* The guest's set, and a queue by which its events become QMP's. */
static int host_make_guest(IoasidHost *s)
{
    ImuSetCreate set = s->guest;
    ImuEvqCreate evq = { .depth = EVENT_DEPTH };
    int ret;

    if (set.map_mode != IMU_MODE_DELEGATED) {
        set.gpasid_min = set.gpasid_min ?: 1;
        set.gpasid_max = set.gpasid_max ?: (1u << s->cfg.pasid_bits) - 1;
    }
    ret = COMMAND(s, SET_CREATE, &set);
    if (ret) {
        return ret;
    }
    evq.set = set.set;
    ret = COMMAND(s, EVQ_CREATE, &evq);
    s->guest.set = set.set;
    s->events = evq.queue;
    return ret;
}

static void host_reset(void *model)
{
    IoasidHost *s = model;

    im_ioasid_reset(s->host);
    g_hash_table_remove_all(s->to_host);
    g_hash_table_remove_all(s->to_guest);
    if (host_make_guest(s)) {
        /* no memory: the guest is without a set until the next reset */
        s->guest.set = (ImuRef) { 0 };
    }
}

/* --- functions ---------------------------------------------------------- */

/* 0 or -errno */
static int host_device_add(IoasidHost *s, ImIoasidDevice *d)
{
    static const ImuRange pc_msi = { PC_MSI_FIRST, PC_MSI_LAST };
    int ret;

    if (!d->func) {
        d->func = s->next_rid;
        s->next_rid += 8;
    }
    if (object_dynamic_cast(qdev_get_machine(), "x86-machine")) {
        d->reserved = &pc_msi;
        d->reserved_count = 1;
    }
    d->group = d->func;
    im_unit_enter(&s->unit);
    ret = im_ioasid_device_add(s->host, d);
    im_unit_leave(&s->unit);
    return ret;
}

static IoasidFn *host_fn_new(IoasidHost *s, PciPasidListener *listener,
                             uint16_t rid)
{
    IoasidFn *fn = g_new0(IoasidFn, 1);

    *fn = (IoasidFn) {
        .host = s,
        .listener = listener,
        .rid = rid,
        .pasid = {
            .ops = &im_unit_pasid_ops,
            .opaque = &s->unit,
            .iommu = &s->unit,
        },
    };
    listener->fn = &fn->pasid;
    listener->has_rid = true;
    listener->rid = rid;
    g_ptr_array_add(s->fns, fn);
    s->users++;
    return fn;
}

IoasidFn *im_ioasid_host_add(IoasidHost *s, PciPasidListener *listener,
                             const ImIoasidDevice *dev, Error **errp)
{
    ImIoasidDevice d = *dev;
    IoasidFn *fn;
    int ret;

    if (!s->host) {
        error_setg(errp, "%s is not complete", im_name_of(OBJECT(s)));
        return NULL;
    }
    ret = host_device_add(s, &d);
    if (ret) {
        const char *text = NULL, *name = im_ioasid_error(ret, &text);

        error_setg(errp, "host-rid 0x%x: %s: %s", d.func, name ?: "error",
                   text ?: strerror(-ret));
        return NULL;
    }
    fn = host_fn_new(s, listener, d.func);
    if (phase_check(PHASE_MACHINE_READY) && !im_ioasid_fn_place(fn, errp)) {
        im_ioasid_host_remove(fn);
        return NULL;
    }
    return fn;
}

void im_ioasid_host_remove(IoasidFn *fn)
{
    IoasidHost *s = fn->host;

    im_ioasid_fn_displace(fn);
    im_unit_enter(&s->unit);
    im_ioasid_device_remove(s->host, fn->rid);
    im_unit_leave(&s->unit);
    fn->listener->fn = NULL;
    s->users--;
    g_ptr_array_remove(s->fns, fn);
    g_free(fn);
}

/* All IOMMUs are there: which function is below one that stands here? */
static void host_machine_done(Notifier *n, void *data)
{
    IoasidHost *s = container_of(n, IoasidHost, machine_done);
    Error *err = NULL;

    for (unsigned i = 0; i < s->fns->len; i++) {
        if (!im_ioasid_fn_place(g_ptr_array_index(s->fns, i), &err)) {
            error_report_err(err);
            exit(EXIT_FAILURE);
        }
    }
}

/* --- life --------------------------------------------------------------- */

/*
 * After what DMAs was reset, like the units; those that stand on it first:
 * they may be reset before it or after it.
 */
static void host_reset_exit(Object *obj, ResetType type)
{
    IoasidHost *s = IOASID_HOST(obj);

    if (s->host) {
        im_ioasid_reset_models(s);
        im_unit_reset(&s->unit);
        im_ioasid_reset_units(s);
    }
}

static ResettableState *host_reset_state(Object *obj)
{
    return &IOASID_HOST(obj)->reset;
}

static ImIoasidPort host_make_port(void)
{
    ImIoasidPort port = {
        .size = sizeof(port),
        .iommu = im_unit_port,
        .alloc = host_port_alloc,
        .free = host_port_free,
        .user_read = host_port_user_read,
        .user_write = host_port_user_write,
        .pin = host_port_pin,
        .unpin = host_port_unpin,
        .readable = host_port_readable,
    };

    port.iommu.ats_invalidate = host_port_ats_invalidate;
    port.iommu.page_response = host_port_page_response;
    port.iommu.event = host_port_event;
    return port;
}

static bool host_create_host(IoasidHost *s, Error **errp)
{
    ImIoasidPort port = host_make_port();
    const char *why = im_ioasid_options_impossible(s);
    char *err = NULL;
    int ret = -ENOMEM;

    if (why) {
        error_setg(errp, "%s: %s", im_name_of(OBJECT(s)), why);
        return false;
    }
    s->host = im_ioasid_new(&s->cfg, &port, &s->unit, &err);
    if (!s->host) {
        g_autoptr(GString) line = g_string_new(err ?: "no memory");

        im_ioasid_options_rename(line);
        error_setg(errp, "%s: %s", im_name_of(OBJECT(s)), line->str);
        g_free(err);
        return false;
    }
    s->ctx = im_ioasid_open(s->host, IM_IOASID_CTX_DEBUG, s);
    if (s->ctx) {
        im_unit_enter(&s->unit);
        ret = host_make_guest(s);
        im_unit_leave_later(&s->unit);
    }
    if (ret) {
        const char *text = NULL, *name = im_ioasid_error(ret, &text);

        error_setg(errp,
                   "%s: the guest's set is refused, see map-mode, pool, "
                   "quota and gpasid properties: %s: %s",
                   im_name_of(OBJECT(s)), name ?: "error",
                   text ?: strerror(-ret));
        return false;
    }
    return true;
}

static void host_complete(UserCreatable *uc, Error **errp)
{
    IoasidHost *s = IOASID_HOST(uc);

    if (s->cfg.pasid_bits > IM_PASID_BITS) {
        error_setg(errp, "%s: pasid-bits=%u is not in 1..%u",
                   im_name_of(OBJECT(s)), s->cfg.pasid_bits, IM_PASID_BITS);
        return;
    }
    im_unit_prepare(&s->unit);
    s->unit.model = s;
    s->unit.translating = true;
    if (!host_create_host(s, errp)) {
        return;
    }
    error_setg(&s->unit.blocker,
               "%s: " TYPE_IOASID_HOST " does not save its "
               "state yet: no migration, no snapshot with it",
               im_name_of(OBJECT(s)));
    if (migrate_add_blocker(&s->unit.blocker, errp) < 0) {
        return;
    }
    qemu_register_resettable(OBJECT(s));
    s->machine_done.notify = host_machine_done;
    qemu_add_machine_init_done_notifier(&s->machine_done);
}

static bool host_can_be_deleted(UserCreatable *uc)
{
    return !IOASID_HOST(uc)->users;
}

static void host_init(Object *obj)
{
    IoasidHost *s = IOASID_HOST(obj);

    s->cfg = IM_IOASID_CONFIG_DEFAULT;
    s->next_rid = FIRST_RID;
    s->fns = g_ptr_array_new();
    s->units = g_ptr_array_new();
    s->to_guest = g_hash_table_new(NULL, NULL);
    s->to_host = g_hash_table_new(NULL, NULL);
    im_unit_init(&s->unit, obj, &host_ops);
}

static void host_finalize(Object *obj)
{
    IoasidHost *s = IOASID_HOST(obj);

    if (s->host) {
        qemu_unregister_resettable(obj);
        im_unit_enter(&s->unit);
        im_ioasid_free(s->host);
        qemu_mutex_unlock(&s->unit.lock);
    }
    migrate_del_blocker(&s->unit.blocker);
    im_unit_fini(&s->unit);
    if (s->machine_done.notify) {
        qemu_remove_machine_init_done_notifier(&s->machine_done);
    }
    im_ioasid_ram_forget(s);
    g_ptr_array_free(s->units, true);
    g_ptr_array_free(s->fns, true);
    g_hash_table_destroy(s->to_guest);
    g_hash_table_destroy(s->to_host);
}

static void host_class_init(ObjectClass *oc, void *data)
{
    UserCreatableClass *ucc = USER_CREATABLE_CLASS(oc);
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    ucc->complete = host_complete;
    ucc->can_be_deleted = host_can_be_deleted;
    rc->get_state = host_reset_state;
    rc->phases.exit = host_reset_exit;
    im_ioasid_options_add(oc);
    im_unit_model_class(IM_MODEL_CLASS(oc), offsetof(IoasidHost, unit),
                        &host_ops);
    IM_MODEL_CLASS(oc)->in_guest = false;
}

static const TypeInfo host_info = {
    .name = TYPE_IOASID_HOST,
    .parent = TYPE_OBJECT,
    .instance_size = sizeof(IoasidHost),
    .instance_init = host_init,
    .instance_finalize = host_finalize,
    .class_init = host_class_init,
    .interfaces =
        (InterfaceInfo[]) {
            { TYPE_USER_CREATABLE },
            { TYPE_IM_MODEL },
            { TYPE_RESETTABLE_INTERFACE },
            {},
        },
};

static void host_register_types(void)
{
    type_register_static(&host_info);
}

type_init(host_register_types)
