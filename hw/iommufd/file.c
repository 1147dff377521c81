/*
 * iommufd: instances, files, and the backend below them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/iommufd/iommufd.h"

const ImIommufdConfig IM_IOMMUFD_CONFIG_DEFAULT = {
    .io_page_shift = 12,
    .pasid_bits = 20,
};

/* --- the backend's port ------------------------------------------------- */

static ImBus iof_file_bus(int err)
{
    return err ? IM_BUS_ERROR : IM_BUS_OK;
}

static ImBus iof_file_mem_read(void *host, uint64_t pa, void *buf, size_t len)
{
    return iof_file_bus(im_iommufd_memory_read(host, pa, buf, len));
}

static ImBus iof_file_mem_write(void *host, uint64_t pa, const void *buf,
                                size_t len)
{
    return iof_file_bus(im_iommufd_memory_write(host, pa, buf, len));
}

/* As atomic as can be from another process. */
static ImBus iof_file_mem_cmpxchg64(void *host, uint64_t pa, uint64_t *expected,
                                    uint64_t desired)
{
    uint64_t now;
    int err = im_iommufd_memory_read(host, pa, &now, sizeof(now));

    if (err) {
        return IM_BUS_ERROR;
    }
    now = GUINT64_FROM_LE(now);
    if (now != *expected) {
        *expected = now;
        return IM_BUS_RETRY;
    }
    desired = GUINT64_TO_LE(desired);
    return iof_file_bus(
        im_iommufd_memory_write(host, pa, &desired, sizeof(desired)));
}

static void iof_file_no_msi(void *host, const ImMsi *msi)
{
    (void)host;
    (void)msi;
}

static void iof_file_ats_invalidate(void *host, const ImAtsInv *inv)
{
    im_iof_ats_invalidate(host, inv);
}

static void iof_file_page_response(void *host, const ImPageResp *resp)
{
    im_iof_page_response(host, resp);
}

static uint64_t iof_file_now(void *host)
{
    ImIommufd *f = host;

    return f->port.now(f->opaque);
}

static void iof_file_deadline(void *host, uint64_t when)
{
    ((ImIommufd *)host)->alarm = when;
}

static void iof_file_no_resume(void *host, uint64_t handle, const ImXlat *xlat)
{
    (void)host;
    (void)handle;
    (void)xlat;
}

static void *iof_file_backend_alloc(void *host, size_t bytes)
{
    return im_iof_alloc(host, bytes);
}

static void iof_file_backend_free(void *host, void *p, size_t bytes)
{
    im_iof_release(host, p, bytes);
}

/* The user of the backend is the engine: its addresses are pointers. */
static int iof_file_user_read(void *host, void *user, uint64_t addr, void *buf,
                              size_t len)
{
    (void)host;
    (void)user;
    memcpy(buf, (const void *)(uintptr_t)addr, len);
    return 0;
}

static int iof_file_user_write(void *host, void *user, uint64_t addr,
                               const void *buf, size_t len)
{
    (void)host;
    (void)user;
    memcpy((void *)(uintptr_t)addr, buf, len);
    return 0;
}

/* What it maps was pinned before, and has its address already. */
static int iof_file_pin(void *host, void *user, uint64_t addr, bool write,
                        uint64_t *pa)
{
    (void)host;
    (void)user;
    (void)write;
    *pa = addr;
    return 0;
}

static void iof_file_unpin(void *host, void *user, uint64_t addr, uint64_t pa,
                           bool dirty)
{
    (void)host;
    (void)user;
    (void)addr;
    (void)pa;
    (void)dirty;
}

static void iof_file_readable(void *host, void *user, ImuRef queue)
{
    (void)host;
    im_iof_backend_readable(user, queue);
}

static void iof_file_event(void *host, const ImEvent *ev)
{
    im_iof_backend_event(host, ev);
}

static const ImIoasidPort backend_port = {
    .size = sizeof(ImIoasidPort),
    .iommu = {
        .size = sizeof(ImPort),
        .read = iof_file_mem_read,
        .write = iof_file_mem_write,
        .cmpxchg64 = iof_file_mem_cmpxchg64,
        .msi = iof_file_no_msi,
        .ats_invalidate = iof_file_ats_invalidate,
        .page_response = iof_file_page_response,
        .now = iof_file_now,
        .deadline = iof_file_deadline,
        .event = iof_file_event,
        .resume = iof_file_no_resume,
    },
    .alloc = iof_file_backend_alloc,
    .free = iof_file_backend_free,
    .user_read = iof_file_user_read,
    .user_write = iof_file_user_write,
    .pin = iof_file_pin,
    .unpin = iof_file_unpin,
    .readable = iof_file_readable,
};

int im_iof_backend_call(ImIommufdFile *file, uint32_t command, void *arg,
                        uint32_t size)
{
    int err;

    ((ImuHead *)arg)->size = size;
    err = im_ioasid_command(file->ctx, command, (uintptr_t)arg);
    im_iof_settle(file->host);
    return err;
}

void im_iof_file_tick(ImIommufd *f)
{
    if (f->alarm != IM_NEVER && f->port.now(f->opaque) >= f->alarm) {
        im_ioasid_deadline(f->backend);
    }
}

/* --- instances ---------------------------------------------------------- */

static const char *iof_file_wrong(const ImIommufdConfig *c,
                                  const ImIommufdPort *p)
{
    const struct {
        bool wrong;
        const char *why;
    } rule[] = {
        { p->size != sizeof(ImIommufdPort), "port: unknown size" },
        { c->io_page_shift < 11 || c->io_page_shift > IM_IOMMUFD_PAGE_SHIFT,
          "io_page_shift must be 11 .. 12" },
        { c->pasid_bits < 1 || c->pasid_bits > 20,
          "pasid_bits must be 1 .. 20" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rule); i++) {
        if (rule[i].wrong) {
            return rule[i].why;
        }
    }
    return NULL;
}

static ImIoasid *iof_file_new_backend(ImIommufd *f, char **err)
{
    ImIoasidConfig cfg = IM_IOASID_CONFIG_DEFAULT;

    cfg.page_shift = f->cfg.io_page_shift;
    cfg.pasid_bits = f->cfg.pasid_bits;
    cfg.ctx_quota = (1u << f->cfg.pasid_bits) - 1;
    cfg.quarantine_ns = 0;
    return im_ioasid_new(&cfg, &backend_port, f, err);
}

ImIommufd *im_iommufd_new(const ImIommufdConfig *config,
                          const ImIommufdPort *port, void *host, char **err)
{
    const char *why = iof_file_wrong(config, port);
    ImIommufd *f;

    *err = NULL;
    if (why) {
        *err = g_strdup(why);
        return NULL;
    }
    f = port->alloc(host, sizeof(*f));
    if (!f) {
        return NULL;
    }
    *f = (ImIommufd) {
        .cfg = *config, .port = *port, .opaque = host, .alarm = IM_NEVER
    };
    f->backend = iof_file_new_backend(f, err);
    if (!f->backend) {
        port->free(host, f, sizeof(*f));
        return NULL;
    }
    return f;
}

void im_iommufd_free(ImIommufd *f)
{
    im_iof_devs_free(f);
    im_ioasid_free(f->backend);
    f->port.free(f->opaque, f, sizeof(*f));
}

ImIoasid *im_iommufd_backend(ImIommufd *f)
{
    return f->backend;
}

/* --- files -------------------------------------------------------------- */

static int iof_file_make_set(ImIommufdFile *file)
{
    ImuSetCreate a = { .gpasid_min = 1,
                       .gpasid_max = (1u << file->host->cfg.pasid_bits) - 1,
                       .map_mode = IMU_MODE_IDENTITY };
    int err = im_iof_backend(file, IMU_CMD_SET_CREATE, &a);

    file->set = a.set;
    return err;
}

ImIommufdFile *im_iommufd_open(ImIommufd *f)
{
    ImIommufdFile *file = im_iof_alloc(f, sizeof(*file));

    if (!file) {
        return NULL;
    }
    *file = (ImIommufdFile) { .host = f, .holds = 1 };
    file->ctx = im_ioasid_open(f->backend, 0, file);
    if (!file->ctx || iof_file_make_set(file)) {
        if (file->ctx) {
            im_ioasid_close(file->ctx);
        }
        im_iof_release(f, file, sizeof(*file));
        return NULL;
    }
    im_link_in(&f->files, &file->in_host);
    return file;
}

void im_iommufd_hold(ImIommufdFile *file)
{
    file->holds++;
}

void im_iommufd_drop(ImIommufdFile *file)
{
    if (--file->holds) {
        return;
    }
    file->holds = 1;                /* what is destroyed may hold and drop */
    im_iof_objects_end(file);
    im_iof_file_devs_free(file);
    im_ioasid_close(file->ctx);
    im_link_out(&file->in_host);
    im_iof_release(file->host, file, sizeof(*file));
}

ImIommufd *im_iommufd_of(const ImIommufdFile *file)
{
    return file->host;
}
