/*
 * VFIO device files: /dev/vfio/devices/vfioN. Bind, attach, detach and info
 * are Linux's. Two regions are what a device is there for, without a device:
 *
 *   0  what the function reads and writes by DMA: the offset is the address
 *   1  two 32-bit words: the PASID of that DMA or all ones, and whether the
 *      function asks for pages that are not there (then EAGAIN)
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "im/im_iommufd_dev.h"

#include "internal.h"

#define VFIO_REQUEST(nr)  (((uint32_t)';' << 8) | (100 + (nr)))

#define REGION_DMA       0u
#define REGIONS          2u
#define CONTROL_OFFSET   (UINT64_C(1) << 62)
#define CONTROL_SIZE     8u
#define CHUNK            IM_IOMMUFD_PAGE
#define MOST             (1u << 20)     /* bytes of one transfer */

typedef struct Device {
    ImIommufdDevice dev;
    bool bound;
} Device;

/* One opening of a device file. */
typedef struct Vfio {
    Server *server;
    Device *device;
    ImIommufdFile *file;        /* held; NULL: not bound */
    uint32_t id;
    bool attached[2];           /* without PASID: so asked for; as PASID 0 */
    uint32_t pasid;
    uint32_t ask;
    uint16_t group;             /* of page requests */
} Vfio;

/* --- options ------------------------------------------------------------ */

static const struct {
    const char *name;
    const ImIommufdDriver *driver;
} drivers[] = {
    { "vtd", &im_iommufd_vtd },
    { "smmuv3", &im_iommufd_smmuv3 },
    { "none", &im_iommufd_none },
};

static bool vfio_set_driver(ImIommufdDevice *d, const char *value)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(drivers); i++) {
        if (strcmp(drivers[i].name, value) == 0) {
            d->driver = drivers[i].driver;
            return true;
        }
    }
    return false;
}

static const struct {
    const char *name;
    uint64_t most;
} numbers[] = {
    { "func", UINT32_MAX },          { "group", UINT32_MAX },
    { "iommu", UINT32_MAX },         { "credit", UINT32_MAX },
    { "pasid-bits", IM_PASID_BITS }, { "errata", 1 },
};

static void vfio_set_number(ImIommufdDevice *d, const char *name, uint64_t n)
{
    if (strcmp(name, "func") == 0) {
        d->backend.func = (uint32_t)n;
        d->backend.group = (uint32_t)n;
    } else if (strcmp(name, "group") == 0) {
        d->backend.group = (uint32_t)n;
    } else if (strcmp(name, "iommu") == 0) {
        d->iommu = (uint32_t)n;
    } else if (strcmp(name, "credit") == 0) {
        d->backend.pri_credit = (uint32_t)n;
    } else if (strcmp(name, "errata") == 0) {
        d->no_errata = n == 0;
    } else {
        d->backend.pasid_bits = (uint8_t)n;
    }
}

/* What is wrong, to be freed; NULL: nothing. */
static char *vfio_set_one(ImIommufdDevice *d, char *word)
{
    char *value = strchr(word, '=');
    char *end;
    uint64_t n;

    if (value) {
        *value++ = '\0';
    }
    if (strcmp(word, "driver") == 0) {
        return value && vfio_set_driver(d, value) ?
                   NULL :
                   g_strdup("driver: say driver=vtd, smmuv3 or none");
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (strcmp(word, numbers[i].name) == 0) {
            n = value ? g_ascii_strtoull(value, &end, 0) : 0;
            if (!value || !g_ascii_isdigit(*value) || *end ||
                n > numbers[i].most) {
                return g_strdup_printf("%s: say %s=N, from 0 to %" PRIu64, word,
                                       word, numbers[i].most);
            }
            vfio_set_number(d, word, n);
            return NULL;
        }
    }
    return g_strdup_printf("%s: a device has driver, func, pasid-bits, "
                           "group, iommu, credit and errata",
                           word);
}

static Device *vfio_device_new(Server *s)
{
    Device *device = g_new0(Device, 1);
    uint32_t func = 0x100 + s->devices->len * 8;

    device->dev = (ImIommufdDevice) {
        .driver = &im_iommufd_vtd,
        .backend = {
            .func = func,
            .group = func,
            .pri_credit = 32,
            .pasid_bits = IM_PASID_BITS,
        },
    };
    g_ptr_array_add(s->devices, device);
    return device;
}

bool vfio_option(Server *s, const char *value, char **err)
{
    ImIommufdDevice *d = &vfio_device_new(s)->dev;
    g_auto(GStrv) words = g_strsplit(value, ",", -1);

    for (unsigned i = 0; words[i]; i++) {
        g_autofree char *why = *words[i] ? vfio_set_one(d, words[i]) : NULL;

        if (why) {
            *err = g_strdup_printf("--device: %s", why);
            return false;
        }
    }
    return true;
}

bool vfio_start(Server *s, char **err)
{
    if (s->devices->len == 0) {
        vfio_device_new(s);
    }
    for (guint i = 0; i < s->devices->len; i++) {
        ImIommufdDevice *d = &((Device *)s->devices->pdata[i])->dev;
        int ret;

        if (d->no_errata && d->driver != &im_iommufd_vtd) {
            *err = g_strdup("--device: errata: only driver=vtd has any");
            return false;
        }
        if (d->driver->no_iommu) {
            d->backend.pasid_bits = 0;
        } else {
            d->backend.caps = IMU_DEV_CAP_ATS | IMU_DEV_CAP_PRI |
                              (d->backend.pasid_bits ? IMU_DEV_CAP_PASID : 0);
        }
        d->pasid_bits = d->backend.pasid_bits;
        ret = im_iommufd_device_add(s->im, d);
        if (ret) {
            *err = g_strdup_printf("--device: func=%#x: %s", d->backend.func,
                                   ret == -EEXIST ? "another one has it" :
                                                    g_strerror(-ret));
            return false;
        }
    }
    return true;
}

void vfio_stop(Server *s)
{
    g_ptr_array_set_free_func(s->devices, g_free);
    g_ptr_array_unref(s->devices);
}

/* --- binding ------------------------------------------------------------ */

/* A structure whose first word is its size as the caller knows it. */
static int vfio_get(const Caller *who, uint64_t arg, void *buf, uint32_t min,
                    uint32_t size)
{
    uint32_t argsz;
    int ret = caller_read(who, arg, &argsz, sizeof(argsz));

    if (ret) {
        return ret;
    }
    memset(buf, 0, size);
    return argsz < min ? -EINVAL : caller_read(who, arg, buf, MIN(argsz, size));
}

#define WITH_TOKEN  1u

typedef struct VfioBind {
    uint32_t argsz;
    uint32_t flags;
    int32_t iommufd;
    uint32_t devid;
    uint64_t token;             /* where 16 bytes are */
} VfioBind;

/* What a caller's structure has beyond ours must be 0. */
static int vfio_check_rest(const Caller *who, uint64_t addr, uint64_t len)
{
    uint8_t part[1024];
    int ret = 0;

    while (!ret && len) {
        size_t n = MIN(len, sizeof(part));

        ret = caller_read(who, addr, part, n);
        for (size_t i = 0; !ret && i < n; i++) {
            ret = part[i] ? -E2BIG : 0;
        }
        addr += n;
        len -= n;
    }
    return ret;
}

static int vfio_get_bind(const Caller *who, uint64_t arg, VfioBind *b)
{
    int ret = vfio_get(who, arg, b, offsetof(VfioBind, token), sizeof(*b));

    return ret || b->argsz <= sizeof(*b) ?
               ret :
               vfio_check_rest(who, arg + sizeof(*b), b->argsz - sizeof(*b));
}

/* No device here has one: neither a virtual function nor whose there are. */
static int vfio_check_token(const Caller *who, const VfioBind *b)
{
    uint8_t token[16];

    if (!(b->flags & WITH_TOKEN)) {
        return 0;
    }
    return caller_read(who, b->token, token, sizeof(token)) ? -EFAULT : -EINVAL;
}

static int vfio_iommufd_of(const Caller *who, int32_t fd, ImIommufdFile **file)
{
    File *f = server_file(who, fd);
    int other;

    *file = f ? server_iommufd(f) : NULL;
    if (*file) {
        return 0;
    }
    other = server_getfd(who, fd);
    if (other < 0) {
        return -EBADF;
    }
    close(other);
    return -EBADFD;
}

static int64_t vfio_bind(Vfio *v, const Caller *who, uint64_t arg)
{
    VfioBind b;
    ImIommufdFile *file;
    int ret = vfio_get_bind(who, arg, &b);

    if (ret) {
        return ret;
    }
    if ((b.flags & ~WITH_TOKEN) || b.iommufd < 0 || v->file) {
        return -EINVAL;
    }
    ret = vfio_check_token(who, &b);
    if (!ret) {
        ret = vfio_iommufd_of(who, b.iommufd, &file);
    }
    if (!ret) {
        ret = v->device->bound ?
                  -EINVAL :
                  im_iommufd_bind(file, v->device->dev.backend.func, &b.devid);
    }
    if (ret) {
        return ret;
    }
    if (caller_write(who, arg + offsetof(VfioBind, devid), &b.devid,
                     sizeof(b.devid))) {
        im_iommufd_unbind(file, b.devid);
        return -EFAULT;
    }
    im_iommufd_hold(file);
    v->file = file;
    v->id = b.devid;
    v->device->bound = true;
    return 0;
}

static void vfio_release(File *f)
{
    Vfio *v = f->data;

    if (v->file) {
        im_iommufd_unbind(v->file, v->id);
        im_iommufd_drop(v->file);
        v->device->bound = false;
    }
    server_free(v->server, v, sizeof(*v));
}

/* --- attaching ---------------------------------------------------------- */

#define WITH_PASID  1u

typedef struct VfioAttach {
    uint32_t argsz;
    uint32_t flags;
    uint32_t pt;
    uint32_t pasid;
} VfioAttach;

/* VFIO's numbers of PASIDs end there; beyond it one is ENOSPC. */
#define VFIO_PASIDS  INT32_MAX

/* To iommufd, PASID 0 is none. */
static uint32_t vfio_pasid_of(uint32_t flags, uint32_t pasid)
{
    return flags && pasid ? pasid : IM_IOMMUFD_NO_PASID;
}

/* VFIO knows what it attached in which of its two ways: what is there by the
 * other one is not replaced. */
static bool vfio_is_attached(const Vfio *v, uint32_t flags, uint32_t pasid)
{
    return pasid == IM_IOMMUFD_NO_PASID ?
               v->attached[flags] :
               im_iommufd_attached(v->file, v->id, pasid) != 0;
}

static void vfio_leave(Vfio *v, uint32_t flags, uint32_t pasid)
{
    if (vfio_is_attached(v, flags, pasid)) {
        im_iommufd_detach(v->file, v->id, pasid);
    }
    if (pasid == IM_IOMMUFD_NO_PASID) {
        v->attached[flags] = false;
    }
}

static int64_t vfio_attach(Vfio *v, const Caller *who, uint64_t arg)
{
    VfioAttach a;
    int ret = vfio_get(who, arg, &a, offsetof(VfioAttach, pasid), sizeof(a));
    uint32_t pasid;

    if (ret) {
        return ret;
    }
    if (a.flags & ~WITH_PASID || (a.flags && a.argsz < sizeof(a))) {
        return -EINVAL;
    }
    if (a.flags && a.pasid > VFIO_PASIDS) {
        return -ENOSPC;
    }
    pasid = vfio_pasid_of(a.flags, a.pasid);
    ret = vfio_is_attached(v, a.flags, pasid) ?
              im_iommufd_replace(v->file, v->id, pasid, &a.pt) :
              im_iommufd_attach(v->file, v->id, pasid, &a.pt);
    if (ret) {
        return ret;
    }
    if (pasid == IM_IOMMUFD_NO_PASID) {
        v->attached[a.flags] = true;
    }
    if (caller_write(who, arg + offsetof(VfioAttach, pt), &a.pt,
                     sizeof(a.pt))) {
        vfio_leave(v, a.flags, pasid);
        return -EFAULT;
    }
    return 0;
}

typedef struct VfioDetach {
    uint32_t argsz;
    uint32_t flags;
    uint32_t pasid;
} VfioDetach;

static int64_t vfio_detach(Vfio *v, const Caller *who, uint64_t arg)
{
    VfioDetach d;
    int ret = vfio_get(who, arg, &d, offsetof(VfioDetach, pasid), sizeof(d));

    if (ret) {
        return ret;
    }
    if (d.flags & ~WITH_PASID || (d.flags && d.argsz < sizeof(d))) {
        return -EINVAL;
    }
    if (!d.flags || d.pasid <= VFIO_PASIDS) {
        vfio_leave(v, d.flags, vfio_pasid_of(d.flags, d.pasid));
    }
    return 0;
}

/* --- info --------------------------------------------------------------- */

typedef struct VfioInfo {
    uint32_t argsz;
    uint32_t flags;
    uint32_t regions;
    uint32_t irqs;
    uint32_t cap_offset;
    uint32_t pad;
} VfioInfo;

static int64_t vfio_info(Vfio *v, const Caller *who, uint64_t arg)
{
    VfioInfo i;
    int ret = vfio_get(who, arg, &i, offsetof(VfioInfo, cap_offset), sizeof(i));

    (void)v;
    if (ret) {
        return ret;
    }
    i = (VfioInfo) { .argsz = i.argsz, .regions = REGIONS };
    return caller_write(who, arg, &i, MIN(i.argsz, sizeof(i)));
}

typedef struct VfioRegion {
    uint32_t argsz;
    uint32_t flags;             /* 1 read, 2 write */
    uint32_t index;
    uint32_t cap_offset;
    uint64_t size;
    uint64_t offset;
} VfioRegion;

static int64_t vfio_region(Vfio *v, const Caller *who, uint64_t arg)
{
    VfioRegion r;
    int ret = vfio_get(who, arg, &r, sizeof(r), sizeof(r));

    (void)v;
    if (ret) {
        return ret;
    }
    if (r.index >= REGIONS) {
        return -EINVAL;
    }
    r.flags = 3;
    r.cap_offset = 0;
    r.size = r.index == REGION_DMA ? CONTROL_OFFSET : CONTROL_SIZE;
    r.offset = r.index == REGION_DMA ? 0 : CONTROL_OFFSET;
    return caller_write(who, arg, &r, sizeof(r));
}

static const struct {
    uint32_t request;
    bool before_bind;
    int64_t (*run)(Vfio *v, const Caller *who, uint64_t arg);
} commands[] = {
    { VFIO_REQUEST(7), false, vfio_info },
    { VFIO_REQUEST(8), false, vfio_region },
    { VFIO_REQUEST(18), true, vfio_bind },
    { VFIO_REQUEST(19), false, vfio_attach },
    { VFIO_REQUEST(20), false, vfio_detach },
};

static int64_t vfio_ioctl(File *f, const Caller *who, uint32_t request,
                          uint64_t arg)
{
    Vfio *v = f->data;

    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (commands[i].request == request) {
            return v->file || commands[i].before_bind ?
                       commands[i].run(v, who, arg) :
                       -EINVAL;
        }
    }
    return v->file ? -ENOTTY : -EINVAL;
}

/* --- what the function does --------------------------------------------- */

static ImTxn vfio_request(const Vfio *v, uint64_t addr, size_t len, bool write)
{
    uint32_t func = v->device->dev.backend.func;

    return (ImTxn) {
        .addr = addr,
        .len = len,
        .pasid = v->pasid,
        .has_pasid = v->pasid != IM_IOMMUFD_NO_PASID,
        .rid = im_func_rid(func),
        .segment = im_func_segment(func),
        .access = write ? IM_WRITE : IM_READ,
    };
}

static void vfio_ask_for(Vfio *v, const ImTxn *t)
{
    const ImPageReq req = {
        .addr = t->addr,
        .pasid = t->has_pasid ? t->pasid : 0,
        .has_pasid = t->has_pasid,
        .rid = t->rid,
        .segment = t->segment,
        .prgi = v->group++ & 0x1ff,
        .read = t->access == IM_READ,
        .write = t->access == IM_WRITE,
        .last = true,
    };

    im_ioasid_page_request(im_iommufd_backend(v->server->im), &req);
}

/* What the server cannot do to it, the function cannot. */
static int vfio_memory_rw(Vfio *v, uint64_t pa, void *buf, size_t len,
                          bool write)
{
    int ret = write ? im_iommufd_memory_write(v->server->im, pa, buf, len) :
                      im_iommufd_memory_read(v->server->im, pa, buf, len);

    return ret ? -EIO : 0;
}

/* Within a page. A function that asks finds out by a translation request
 * whether there is something to ask for. */
static int vfio_dma_one(Vfio *v, uint64_t addr, void *buf, size_t len,
                        bool write)
{
    ImIoasid *h = im_iommufd_backend(v->server->im);
    ImTxn t = vfio_request(v, addr, len, write);
    ImXlat x;

    if (v->device->dev.driver->no_iommu) {
        return vfio_memory_rw(v, addr, buf, len, write);
    }
    if (v->ask) {
        ImTxn ats = vfio_request(v, addr & ~(CHUNK - 1), 8, false);

        ats.at = IM_AT_TRANSLATION;
        ats.no_write = !write;
        x = im_ioasid_translate(h, &ats);
        if (x.status == IM_OK && !(x.perm & (write ? IM_PERM_W : IM_PERM_R))) {
            vfio_ask_for(v, &t);
            return -EAGAIN;
        }
    }
    x = im_ioasid_translate(h, &t);
    return x.status == IM_OK ? vfio_memory_rw(v, x.addr, buf, len, write) :
                               -EIO;
}

static int64_t vfio_dma(Vfio *v, const Caller *who, uint64_t user, size_t len,
                        uint64_t addr, bool write)
{
    uint8_t buf[CHUNK];
    size_t done = 0;
    int ret = 0;

    len = MIN(len, MOST);
    while (done < len && !ret) {
        size_t n = MIN(len - done, CHUNK - (addr + done) % CHUNK);

        if (write) {
            ret = caller_read(who, user + done, buf, n);
        }
        ret = ret ? ret : vfio_dma_one(v, addr + done, buf, n, write);
        if (!ret && !write) {
            ret = caller_write(who, user + done, buf, n);
        }
        done += ret ? 0 : n;
    }
    return done ? (int64_t)done : ret;
}

static int64_t vfio_control(Vfio *v, const Caller *who, uint64_t user,
                            size_t len, uint64_t at, bool write)
{
    uint32_t words[2] = { v->pasid, v->ask };

    G_STATIC_ASSERT(sizeof(words) == CONTROL_SIZE);
    if (at > CONTROL_SIZE || len > CONTROL_SIZE - at) {
        return -EINVAL;
    }
    if (!write) {
        return caller_write(who, user, (char *)words + at, len) ? -EFAULT :
                                                                  (int64_t)len;
    }
    if (caller_read(who, user, (char *)words + at, len)) {
        return -EFAULT;
    }
    v->pasid = words[0];
    v->ask = words[1] & 1;
    return (int64_t)len;
}

static int64_t vfio_transfer(File *f, const Caller *who, uint64_t user,
                             size_t len, uint64_t at, bool write)
{
    Vfio *v = f->data;

    if (!v->file || at > INT64_MAX) {
        return -EINVAL;
    }
    return at < CONTROL_OFFSET ?
               vfio_dma(v, who, user, len, at, write) :
               vfio_control(v, who, user, len, at - CONTROL_OFFSET, write);
}

static int64_t vfio_read(File *f, const Caller *who, uint64_t addr, size_t len,
                         uint64_t at)
{
    return vfio_transfer(f, who, addr, len, at, false);
}

static int64_t vfio_write(File *f, const Caller *who, uint64_t addr, size_t len,
                          uint64_t at)
{
    return vfio_transfer(f, who, addr, len, at, true);
}

/* No region of it may be. */
static int vfio_mmap(File *f, const Caller *who, uint64_t offset, uint64_t len,
                     int prot, int flags, uint64_t *at)
{
    (void)f, (void)who, (void)offset, (void)len, (void)prot, (void)flags;
    (void)at;
    return -EINVAL;
}

static const FileOps vfio_file = {
    .name = "vfio",
    .ioctl = vfio_ioctl,
    .read = vfio_read,
    .write = vfio_write,
    .mmap = vfio_mmap,
    .release = vfio_release,
};

int vfio_open(Server *s, const Caller *who, const char *path,
              const FileOps **ops, void **data)
{
    static const char prefix[] = "/dev/vfio/devices/vfio";
    guint64 n;
    char *end;
    Vfio *v;

    (void)who;
    if (!g_str_has_prefix(path, prefix) ||
        !g_ascii_isdigit(path[strlen(prefix)])) {
        return -ENOENT;
    }
    n = g_ascii_strtoull(path + strlen(prefix), &end, 10);
    if (*end || n >= s->devices->len) {
        return -ENOENT;
    }
    v = server_alloc(s, sizeof(*v));
    if (!v) {
        return -ENOMEM;
    }
    *v = (Vfio) { .server = s,
                  .device = s->devices->pdata[n],
                  .pasid = IM_IOMMUFD_NO_PASID };
    *ops = &vfio_file;
    *data = v;
    return 0;
}
