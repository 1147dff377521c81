/*
 * Both halves in one rig.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/rig_viommu.h"
#include "lib/fuzz_rig.h"

#include <errno.h>

#define ARG  (UINT64_C(1) << 61)

/* --- the backend's port ------------------------------------------------- */

static void *host_alloc(void *host G_GNUC_UNUSED, size_t bytes)
{
    return g_malloc0(bytes);
}

static void host_free(void *host G_GNUC_UNUSED, void *p,
                      size_t bytes G_GNUC_UNUSED)
{
    g_free(p);
}

static int user_access(Vio *x, uint64_t addr, void *buf, size_t len, bool write)
{
    char *at = (char *)x->arg + (addr - ARG);

    if (addr < ARG || addr - ARG > x->whole || len > x->whole - (addr - ARG)) {
        return -EFAULT;
    }
    memcpy(write ? at : buf, write ? buf : at, len);
    return 0;
}

static int host_user_read(void *host, void *user G_GNUC_UNUSED, uint64_t addr,
                          void *buf, size_t len)
{
    return user_access(host, addr, buf, len, false);
}

static int host_user_write(void *host, void *user G_GNUC_UNUSED, uint64_t addr,
                           const void *buf, size_t len)
{
    return user_access(host, addr, (void *)buf, len, true);
}

static int host_pin(void *host, void *user G_GNUC_UNUSED, uint64_t addr,
                    bool write G_GNUC_UNUSED, uint64_t *pa)
{
    *pa = addr ^ ((Vio *)host)->cfg.apart;
    return 0;
}

static void host_unpin(void *host G_GNUC_UNUSED, void *user G_GNUC_UNUSED,
                       uint64_t addr G_GNUC_UNUSED, uint64_t pa G_GNUC_UNUSED,
                       bool dirty G_GNUC_UNUSED)
{
}

static void host_readable(void *host, void *user G_GNUC_UNUSED, ImuRef queue)
{
    Vio *x = host;

    g_array_append_val(x->readable, queue);
}

static ImBus host_read(void *host, uint64_t pa, void *buf, size_t len)
{
    Vio *x = host;

    return x->r->port.read(x->r, pa ^ x->cfg.apart, buf, len);
}

static ImBus host_write(void *host, uint64_t pa, const void *buf, size_t len)
{
    Vio *x = host;

    return x->r->port.write(x->r, pa ^ x->cfg.apart, buf, len);
}

static ImBus host_cmpxchg64(void *host, uint64_t pa, uint64_t *expected,
                            uint64_t desired)
{
    Vio *x = host;

    return x->r->port.cmpxchg64(x->r, pa ^ x->cfg.apart, expected, desired);
}

static void host_msi(void *host G_GNUC_UNUSED, const ImMsi *msi G_GNUC_UNUSED)
{
    g_assert_not_reached();
}

static void host_ats_invalidate(void *host, const ImAtsInv *inv)
{
    Vio *x = host;

    g_array_append_vals(x->invs, inv, 1);
}

static void host_page_response(void *host, const ImPageResp *resp)
{
    Vio *x = host;

    g_array_append_vals(x->resps, resp, 1);
}

static uint64_t host_now(void *host)
{
    return ((Vio *)host)->r->now;
}

static void host_deadline(void *host, uint64_t when)
{
    ((Vio *)host)->deadline = when;
}

static void host_resume(void *host, uint64_t handle G_GNUC_UNUSED,
                        const ImXlat *xlat)
{
    Vio *x = host;

    g_array_append_vals(x->resumed, xlat, 1);
}

static ImIoasidPort backend_port(void)
{
    return (ImIoasidPort) {
        .size = sizeof(ImIoasidPort),
        .iommu = {
            .size = sizeof(ImPort),
            .read = host_read,
            .write = host_write,
            .cmpxchg64 = host_cmpxchg64,
            .msi = host_msi,
            .ats_invalidate = host_ats_invalidate,
            .page_response = host_page_response,
            .now = host_now,
            .deadline = host_deadline,
            .resume = host_resume,
        },
        .alloc = host_alloc,
        .free = host_free,
        .user_read = host_user_read,
        .user_write = host_user_write,
        .pin = host_pin,
        .unpin = host_unpin,
        .readable = host_readable,
    };
}

/* --- the viommu's port -------------------------------------------------- */

/* Commands that give back do not (3.6 of the uAPI), nor what only looks. */
static bool may_fail(ImuCommand command)
{
    static const ImuCommand never[] = {
        IMU_CMD_PASID_FREE,    IMU_CMD_DETACH,     IMU_CMD_DEV_UNBIND,
        IMU_CMD_SPACE_DESTROY, IMU_CMD_UNMAP,      IMU_CMD_FAULTQ_DESTROY,
        IMU_CMD_EVQ_DESTROY,   IMU_CMD_FAULT_READ, IMU_CMD_EVENT_READ,
        IMU_CMD_SET_DESTROY,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(never); i++) {
        if (never[i] == command) {
            return false;
        }
    }
    return true;
}

static int vio_obey(void *host, ImuCommand command, void *arg, size_t size,
                    size_t whole)
{
    Vio *x = host;
    int ret;

    x->commands++;
    if (x->fail_command && may_fail(command) && !--x->fail_command) {
        return x->fail_with;
    }
    ((ImuHead *)arg)->size = (uint32_t)size;
    x->arg = arg;
    x->whole = whole;
    ret = im_ioasid_command(x->ctx, command, ARG);
    x->arg = NULL;
    x->whole = 0;
    return ret;
}

static bool vio_translate(void *host, uint32_t func, bool has_pasid,
                          uint32_t pasid, const ImTxn *txn, ImXlat *out)
{
    return im_ioasid_translate_as(((Vio *)host)->h, func, has_pasid, pasid, txn,
                                  out);
}

static ImXlat vio_explain(void *host, const ImTxn *txn, ImStepFn *fn,
                          void *opaque)
{
    return im_ioasid_explain(((Vio *)host)->h, txn, fn, opaque);
}

static void vio_to_backend(void *host, const ImPageReq *req)
{
    im_ioasid_page_request(((Vio *)host)->h, req);
}

static bool vio_host_pasid(void *host, uint32_t func, uint32_t gpasid,
                           uint32_t *hpasid)
{
    return im_ioasid_host_pasid(((Vio *)host)->h, func, gpasid, hpasid);
}

static bool vio_missed(void *host, ImIoasidMiss *miss)
{
    return im_ioasid_missed(((Vio *)host)->h, miss);
}

static void vio_resume(void *host, uint32_t func G_GNUC_UNUSED, uint64_t handle,
                       const ImXlat *xlat)
{
    host_resume(host, handle, xlat);
}

static void vio_host_fault(void *host, const ImTxn *txn G_GNUC_UNUSED,
                           const char *name, const char *text)
{
    Vio *x = host;

    g_assert_true(name && text);
    x->host_faults++;
    x->host_fault = name;
}

static ImViommuPort viommu_port(void)
{
    return (ImViommuPort) {
        .size = sizeof(ImViommuPort),
        .command = vio_obey,
        .user = ARG,
        .translate = vio_translate,
        .explain = vio_explain,
        .page_request = vio_to_backend,
        .host_pasid = vio_host_pasid,
        .missed = vio_missed,
        .page_response = host_page_response,
        .resume = vio_resume,
        .host_fault = vio_host_fault,
    };
}

/* --- the guest's port --------------------------------------------------- */

static void (*rig_ats_invalidate)(void *host, const ImAtsInv *inv);
static void (*rig_page_response)(void *host, const ImPageResp *resp);
static void (*rig_resume)(void *host, uint64_t handle, const ImXlat *xlat);

static ImViommu *above(void *host)
{
    Rig *r = host;

    return r->vio ? r->vio->v : NULL;
}

static void guest_ats_invalidate(void *host, const ImAtsInv *inv)
{
    if (!above(host) || !im_viommu_ats_invalidate(above(host), inv)) {
        rig_ats_invalidate(host, inv);
    }
}

static void guest_page_response(void *host, const ImPageResp *resp)
{
    if (!above(host) || !im_viommu_page_response(above(host), resp)) {
        rig_page_response(host, resp);
    }
}

static void guest_resume(void *host, uint64_t handle, const ImXlat *xlat)
{
    if (!above(host) || !im_viommu_resume(above(host), handle, xlat)) {
        rig_resume(host, handle, xlat);
    }
}

static void guest_invalidated(void *host, const ImInval *inval)
{
    if (above(host)) {
        im_viommu_invalidated(above(host), inval);
    }
}

static uint64_t guest_fence(void *host)
{
    return above(host) ? im_viommu_fence(above(host)) : 0;
}

static void join_port(ImPort *port)
{
    rig_ats_invalidate = port->ats_invalidate;
    rig_page_response = port->page_response;
    rig_resume = port->resume;
    port->ats_invalidate = guest_ats_invalidate;
    port->page_response = guest_page_response;
    port->resume = guest_resume;
    port->invalidated = guest_invalidated;
    port->fence = guest_fence;
}

/* --- life --------------------------------------------------------------- */

static void make_backend(Vio *x)
{
    ImIoasidPort port = backend_port();
    ImIoasidConfig config = IM_IOASID_CONFIG_DEFAULT;
    char *err = NULL;

    x->h = im_ioasid_new(&config, &port, x, &err);
    g_assert_nonnull(x->h);
    x->ctx = im_ioasid_open(x->h, 0, x);
    for (uint32_t n = 0; n < VIO_FUNCS; n++) {
        ImIoasidDevice d = {
            .func = VIO_HOST_FUNC + 8 * n,
            .group = VIO_HOST_FUNC + 8 * n,
            .caps = IMU_DEV_CAP_PASID | IMU_DEV_CAP_ATS | IMU_DEV_CAP_PRI |
                    IMU_DEV_CAP_EXEC | IMU_DEV_CAP_PRIV,
            .pri_credit = 64,
            .pasid_bits = 20,
        };

        g_assert_cmpint(im_ioasid_device_add(x->h, &d), ==, 0);
    }
}

/* Low memory, where rig_alloc() takes from, and where a World leads. */
static void map_ram(Vio *x)
{
    static const ImuRange ram[] = {
        { 0, VIO_RAM - 1 },
        { UINT64_C(0x123400000), UINT64_C(0x1235fffff) },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(ram); i++) {
        ImuMap m = {
            .head.flags = IMU_PROT_READ | IMU_PROT_WRITE | IMU_PROT_EXEC |
                          IMU_MAP_FIXED,
            .set = x->set,
            .space = x->ram,
            .user = ram[i].first,
            .iova = ram[i].first,
            .length = ram[i].last - ram[i].first + 1,
        };

        g_assert_cmpint(VIO(x, MAP, &m), ==, 0);
    }
}

/* The guest's set, and its memory. */
static void make_set(Vio *x)
{
    const VioConfig *cfg = &x->cfg;
    bool delegated = cfg->mode == IMU_MODE_DELEGATED;
    ImuSetCreate s = {
        .map_mode = cfg->mode,
        .pool = cfg->pool,
        .quota_max = cfg->quota,
        .gpasid_min = !delegated,
        .gpasid_max = delegated ? 0 : IM_PASID_MAX,
    };
    ImuSpaceCreate c = {
        .head.flags = IMU_SPACE_PARENT,
        .kind = IMU_SPACE_MAPPED,
    };

    g_assert_cmpint(VIO(x, SET_CREATE, &s), ==, 0);
    x->set = c.set = s.set;
    g_assert_cmpint(VIO(x, SPACE_CREATE, &c), ==, 0);
    x->ram = c.space;
    if (!cfg->bare) {
        map_ram(x);
    }
}

Vio *vio_new(const VioConfig *cfg)
{
    Vio *x = g_new0(Vio, 1);
    ImViommuPort port = viommu_port();
    ImViommuConfig config;
    int err;

    x->readable = g_array_new(false, false, sizeof(ImuRef));
    x->invs = g_array_new(false, false, sizeof(ImAtsInv));
    x->resps = g_array_new(false, false, sizeof(ImPageResp));
    x->resumed = g_array_new(false, false, sizeof(ImXlat));
    x->deadline = IM_NEVER;
    x->r = cfg->smmu ? rig_smmu_new_on(cfg->smmu, join_port) :
                       rig_vtd_new_on(cfg->vtd, join_port);
    x->cfg = *cfg;
    make_backend(x);
    make_set(x);
    config = (ImViommuConfig) {
        .set = x->set,
        .ram = x->ram,
        .format = cfg->smmu ? IMU_FORMAT_SMMU_STE : IMU_FORMAT_VTD_FIRST,
        .map_mode = cfg->mode,
        .pasids_allocated = cfg->allocated,
        .caching = cfg->caching,
        .msi_first = cfg->smmu ? 0 : 0xfee00000,
        .msi_last = cfg->smmu ? 0 : 0xfeefffff,
    };
    x->v = im_viommu_new(&config, x->r->ops, x->r->iommu, &port, x, &err);
    g_assert_nonnull(x->v);
    x->r->vio = x;
    for (uint32_t n = 0; n < VIO_FUNCS; n++) {
        g_assert_cmpint(im_viommu_add(x->v, VIO_HOST_FUNC + 8 * n, &x->fn[n]),
                        ==, 0);
    }
    return x;
}

void vio_free(Vio *x)
{
    im_viommu_free(x->v);
    x->v = NULL;
    im_ioasid_free(x->h);
    rig_free(x->r);
    g_array_free(x->readable, true);
    g_array_free(x->invs, true);
    g_array_free(x->resps, true);
    g_array_free(x->resumed, true);
    g_free(x);
}

void vio_reset(Vio *x)
{
    x->r->ops->reset(x->r->iommu);
    im_ioasid_reset(x->h);
    g_array_set_size(x->readable, 0);
    g_array_set_size(x->invs, 0);
    make_set(x);
    g_assert_cmpint(im_viommu_reset(x->v, x->set, x->ram), ==, 0);
    vio_pump(x);
}

/* --- at work ------------------------------------------------------------ */

static void check(Vio *x)
{
    g_autofree char *backend = im_ioasid_check(x->h);
    g_autofree char *viommu = im_viommu_check(x->v);

    g_assert_cmpstr(backend, ==, NULL);
    g_assert_cmpstr(viommu, ==, NULL);
}

void vio_pump(Vio *x)
{
    im_viommu_settle(x->v);
    while (x->readable->len || (x->invs->len && !x->mute)) {
        if (x->readable->len) {
            ImuRef q = g_array_index(x->readable, ImuRef, 0);

            g_array_remove_index(x->readable, 0);
            im_viommu_readable(x->v, q);
        } else {
            ImAtsInv inv = g_array_index(x->invs, ImAtsInv, 0);

            g_array_remove_index(x->invs, 0);
            im_ioasid_ats_inv_done(x->h, im_func(inv.segment, inv.rid),
                                   1u << inv.itag, 1);
        }
    }
    check(x);
}

ImXlat vio_dma(Vio *x, unsigned n, const ImTxn *txn)
{
    ImXlat xlat;

    im_viommu_translate(x->fn[n], txn, &xlat);
    vio_pump(x);
    return xlat;
}

void vio_page_request(Vio *x, unsigned n, const ImPageReq *req)
{
    im_viommu_page_request(x->fn[n], req);
    vio_pump(x);
}

void vio_advance(Vio *x, uint64_t ns)
{
    uint64_t end = x->r->now + ns;

    while (x->deadline <= end) {
        rig_advance(x->r, MAX(x->deadline, x->r->now) - x->r->now);
        x->deadline = IM_NEVER;
        im_ioasid_deadline(x->h);
        vio_pump(x);
    }
    rig_advance(x->r, end - x->r->now);
    vio_pump(x);
}

int vio_command(Vio *x, ImuCommand command, void *arg, size_t size)
{
    return vio_obey(x, command, arg, size, size);
}

/* The host takes a function away and gives it again; its commands fail; its
 * devices fall silent. */
void vio_random_host(Vio *x, Fuzz *f)
{
    static const int errors[] = { -ENOMEM, -ENOSPC, -EDQUOT, -EBUSY };
    unsigned n = (unsigned)fuzz_below(f, VIO_FUNCS);

    switch (fuzz_below(f, 4)) {
    case 0:
        x->fail_command = 1 + (unsigned)fuzz_below(f, 8);
        x->fail_with = errors[fuzz_below(f, G_N_ELEMENTS(errors))];
        return;
    case 1:
        x->mute = !x->mute;
        break;
    case 2:
        x->fail_command = 0;
        im_viommu_remove(x->fn[n]);
        g_assert_cmpint(im_viommu_add(x->v, VIO_HOST_FUNC + 8 * n, &x->fn[n]),
                        ==, 0);
        break;
    default:
        vio_advance(x, fuzz_below(f, 1u << 21));
        break;
    }
}

void vio_reset_healthy(Vio *x)
{
    x->fail_command = 0;
    x->mute = false;
    vio_reset(x);
}

void vio_random_page_request(Vio *x, Fuzz *f, uint16_t rid, bool has_pasid,
                             uint32_t pasid)
{
    unsigned n = (unsigned)fuzz_below(f, VIO_FUNCS);
    ImPageReq q = fuzz_page_req(f, (uint16_t)(rid ^ n), pasid);

    q.has_pasid = has_pasid ^ fuzz_one_in(f, 8);
    vio_page_request(x, n, &q);
}

void vio_stepped(Vio *x, Fuzz *f)
{
    g_assert_cmpuint(x->r->misaligned, ==, 0);
    g_array_set_size(x->resps, 0);
    g_array_set_size(x->resumed, 0);
    rig_log_clear(x->r);
    if (fuzz_one_in(f, 500)) {
        g_autoptr(GString) out = g_string_new(NULL);

        im_viommu_dump(x->v, out);
        g_assert_cmpuint(out->len, >, 0);
    }
}
