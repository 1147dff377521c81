/*
 * The mock server: the server of libim-iommufd.so with the command of Linux's
 * test module (IOMMU_TEST_CMD).
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"

Mock mock;

G_STATIC_ASSERT(sizeof(MockCmd) == MOCK_CMD_SIZE);
G_STATIC_ASSERT(offsetof(MockCmd, words) == 16);

/* ----- mock devices ------------------------------------------------------ */

/* The device goes with its object. */
static void device_destroy(ImIommufdFile *file, void *opaque)
{
    MockDevice *dev = opaque;

    if (dev->idev) {
        im_iommufd_hold(file);      /* what unbind drops */
        im_iommufd_detach(file, dev->idev, IM_IOMMUFD_NO_PASID);
        im_iommufd_unbind(file, dev->idev);
    }
    im_iommufd_device_remove(im_iommufd_of(file), dev->func);
    free(dev);
}

static const ImIommufdThing device_kind = { "mock device", device_destroy };

static int device_add(MockDevice *dev, ImIommufd *e)
{
    ImIommufdDevice d = {
        .driver = mock_driver(),
        .opaque = dev,
        .backend = {
            .caps = IMU_DEV_CAP_ATS | IMU_DEV_CAP_PRI,
            .pri_credit = 16,
        },
        .no_dirty = dev->flags & MOCK_DEVICE_NO_DIRTY,
    };
    int rc;

    if (dev->flags & MOCK_DEVICE_PASID) {
        d.pasid_bits = MOCK_PASID_BITS;
        d.backend.pasid_bits = MOCK_PASID_BITS;
        d.backend.caps |= IMU_DEV_CAP_PASID;
    }
    do {
        dev->func = mock.next_func++;
        d.backend.func = dev->func;
        d.backend.group = dev->func;
        rc = im_iommufd_device_add(e, &d);
    } while (rc == -EEXIST);
    return rc;
}

/* A device, bound and attached: all of it or nothing. */
int64_t mock_domain(MockCall *m)
{
    bool with_flags = m->c.op == MOCK_OP_MOCK_DOMAIN_FLAGS;
    uint32_t pt = m->c.id, stdev;
    MockDevice *dev;
    int rc;

    if (with_flags &&
        (m->c.domain.flags &
         ~(MOCK_DEVICE_NO_DIRTY | MOCK_DEVICE_HUGE_IOVA | MOCK_DEVICE_PASID))) {
        return -EOPNOTSUPP;
    }
    dev = calloc(1, sizeof(*dev));
    if (!dev) {
        return -ENOMEM;
    }
    dev->file = m->iommufd;
    dev->flags = with_flags ? m->c.domain.flags : 0;
    for (unsigned i = 0; i < MOCK_CACHES; i++) {
        dev->cache[i] = MOCK_CACHE_DEFAULT;
    }
    rc = device_add(dev, im_iommufd_of(m->iommufd));
    if (rc) {
        free(dev);
        return rc;
    }
    rc = im_iommufd_thing_new(m->iommufd, &device_kind, dev, &stdev);
    if (rc) {
        im_iommufd_device_remove(im_iommufd_of(m->iommufd), dev->func);
        free(dev);
        return rc;
    }
    rc = im_iommufd_bind(m->iommufd, dev->func, &dev->idev);
    if (!rc) {
        /* A VFIO file keeps the iommufd open; an object in it must not. */
        im_iommufd_drop(m->iommufd);
        rc = im_iommufd_attach(m->iommufd, dev->idev, IM_IOMMUFD_NO_PASID, &pt);
    }
    if (rc) {
        im_iommufd_thing_free(m->iommufd, stdev);
        return rc;
    }
    m->c.domain.stdev = stdev;
    m->c.domain.hwpt = pt;
    m->c.domain.idev = dev->idev;
    return 0;
}

static MockDevice *device(MockCall *m, uint32_t stdev)
{
    return im_iommufd_thing(m->iommufd, &device_kind, stdev);
}

/* By the object that the engine made of it. */
static MockDevice *device_by_idev(MockCall *m, uint32_t idev)
{
    uint32_t func;
    void *opaque;

    return im_iommufd_device_of(m->iommufd, idev, &func, &opaque) ? opaque :
                                                                    NULL;
}

int64_t mock_replace(MockCall *m)
{
    MockDevice *dev = device(m, m->c.id);

    return dev ? im_iommufd_replace(m->iommufd, dev->idev, IM_IOMMUFD_NO_PASID,
                                    &m->c.replace.pt) :
                 -ENOENT;
}

int64_t mock_pasid_attach(MockCall *m)
{
    MockDevice *dev = device(m, m->c.id);

    return dev ? im_iommufd_attach(m->iommufd, dev->idev, m->c.pasid.pasid,
                                   &m->c.pasid.pt) :
                 -ENOENT;
}

int64_t mock_pasid_replace(MockCall *m)
{
    MockDevice *dev = device(m, m->c.id);

    return dev ? im_iommufd_replace(m->iommufd, dev->idev, m->c.pasid.pasid,
                                    &m->c.pasid.pt) :
                 -ENOENT;
}

int64_t mock_pasid_detach(MockCall *m)
{
    MockDevice *dev = device(m, m->c.id);

    if (!dev) {
        return -ENOENT;
    }
    im_iommufd_detach(m->iommufd, dev->idev, m->c.pasid.pasid);
    return 0;
}

int64_t mock_pasid_check(MockCall *m)
{
    MockDevice *dev = device(m, m->c.id);

    if (!dev) {
        return -ENOENT;
    }
    return im_iommufd_attached(m->iommufd, dev->idev, m->c.pasid.pasid) ==
                   m->c.pasid.pt ?
               0 :
               -EINVAL;
}

int64_t mock_check_cache(MockCall *m)
{
    MockDevice *dev = device_by_idev(m, m->c.id);

    if (!dev) {
        return -ENOENT;
    }
    return m->c.check_cache.id < MOCK_CACHES &&
                   dev->cache[m->c.check_cache.id] == m->c.check_cache.value ?
               0 :
               -EINVAL;
}

/* A page request of the device, of a group of one. */
int64_t mock_iopf(MockCall *m)
{
    MockDevice *dev = device_by_idev(m, m->c.iopf.dev);
    ImPageReq req = { .addr = m->c.iopf.addr, .last = true };

    if (!dev) {
        return -ENOENT;
    }
    req.rid = (uint16_t)dev->func;
    req.segment = (uint16_t)(dev->func >> 16);
    req.prgi = (uint16_t)m->c.iopf.group;
    req.read = m->c.iopf.perm & 1;
    req.write = m->c.iopf.perm & 2;
    req.exec = m->c.iopf.perm & 4;
    req.priv = m->c.iopf.perm & 8;
    /* A PASID that has no table of its own uses the device's. */
    if (im_iommufd_attached(m->iommufd, dev->idev, m->c.iopf.pasid)) {
        req.has_pasid = true;
        req.pasid = m->c.iopf.pasid;
    }
    im_ioasid_page_request(im_iommufd_backend(im_iommufd_of(m->iommufd)), &req);
    return 0;
}

int64_t mock_vevent(MockCall *m)
{
    ImIommufdVdevice *vd = im_iommufd_vdevice_of(m->iommufd, m->c.vevent.dev);
    uint32_t virt;

    if (!vd) {
        return -ENOENT;
    }
    virt = (uint32_t)im_iommufd_vdevice_id(vd);
    return im_iommufd_vevent(im_iommufd_vdevice_viommu(vd), MOCK_VEVENTQ, &virt,
                             sizeof(virt));
}

/* ----- looking at tables -------------------------------------------------- */

int64_t mock_add_reserved(MockCall *m)
{
    return im_iommufd_ioas_reserve(m->iommufd, m->c.id, m->c.add_reserved.start,
                                   m->c.add_reserved.length);
}

/* What a device reaches is what the caller sees at uptr. */
int64_t mock_check_map(MockCall *m)
{
    const uint64_t step = 1u << MOCK_PAGE_SHIFT;
    ImIommufd *e = im_iommufd_of(m->iommufd);

    if ((m->c.check_map.iova | m->c.check_map.length | m->c.check_map.uptr) %
            step ||
        m->c.check_map.length > MOCK_LAST + 1) {
        return -EINVAL;
    }
    for (uint64_t at = 0; at < m->c.check_map.length; at += step) {
        uint64_t pa, user = m->c.check_map.uptr + at;
        ImIommufdPage want, have;
        uint32_t in;
        int rc;

        rc = mock_page_at(m->who, user, &want);
        /* what is only to be written has a place, too */
        for (int write = 0; !rc && write < 2; write++) {
            rc = im_iommufd_hwpt_lookup(m->iommufd, m->c.id,
                                        m->c.check_map.iova + at, write, &pa);
            if (rc != -EACCES) {
                break;
            }
            rc = write ? rc : 0;
        }
        if (rc) {
            return rc == -ENOENT ? -EINVAL : rc;
        }
        if (im_iommufd_memory_page(e, pa, &have, &in) ||
            have.object != want.object || have.offset != want.offset ||
            in != user % IM_IOMMUFD_PAGE) {
            return -EINVAL;
        }
    }
    return 0;
}

int64_t mock_check_refs(MockCall *m)
{
    ImIommufd *e = im_iommufd_of(m->iommufd);

    if ((m->c.check_refs.length | m->c.check_refs.uptr) % IM_IOMMUFD_PAGE ||
        m->c.check_refs.length > UINT64_C(1) << 40) {
        return -EINVAL;
    }
    for (uint64_t at = 0; at < m->c.check_refs.length; at += IM_IOMMUFD_PAGE) {
        ImIommufdPage page;
        int rc = mock_page_at(m->who, m->c.check_refs.uptr + at, &page);

        if (rc) {
            return rc;
        }
        if (im_iommufd_page_pins(e, &page) != m->c.check_refs.refs) {
            return -EIO;
        }
    }
    return 0;
}

int64_t mock_memory_limit(MockCall *m)
{
    return m->c.memory_limit.limit < MOCK_LIMIT_MIN ? -EINVAL : 0;
}

/* The device behind the table writes to the pages of a bitmap. */
int64_t mock_dirty(MockCall *m)
{
    uint64_t bits, word = 0;

    if (m->c.dirty.flags || !m->c.dirty.uptr || !m->c.dirty.page_size ||
        m->c.dirty.iova % m->c.dirty.page_size ||
        m->c.dirty.length % m->c.dirty.page_size) {
        return -EINVAL;
    }
    bits = m->c.dirty.length / m->c.dirty.page_size;
    m->c.dirty.count = 0;
    for (uint64_t i = 0; i < bits; i++) {
        int rc = 0;

        if (i % 64 == 0) {
            uint64_t left = MIN((bits - i + 7) / 8, sizeof(word));

            word = 0;
            rc = caller_read(m->who, m->c.dirty.uptr + i / 8, &word, left);
        }
        if (!rc && (word >> i % 64 & 1)) {
            m->c.dirty.count++;
            rc = im_iommufd_hwpt_write(m->iommufd, m->c.id,
                                       m->c.dirty.iova +
                                           i * m->c.dirty.page_size);
        }
        if (rc) {
            return rc;
        }
    }
    return 0;
}

int64_t mock_check_iotlb(MockCall *m)
{
    ImIommufdNested *n = im_iommufd_nested_of(m->iommufd, m->c.id);
    const MockNested *priv;

    if (!n) {
        return -ENOENT;
    }
    priv = im_iommufd_nested_private(n);
    return m->c.check_iotlb.id < MOCK_IOTLBS &&
                   priv->iotlb[m->c.check_iotlb.id] == m->c.check_iotlb.value ?
               0 :
               -EINVAL;
}

/* ----- the command -------------------------------------------------------- */

typedef int64_t MockFn(MockCall *m);

static MockFn *const ops[] = {
#define MOCK_OP_ROW(nr, name, fn)  [nr] = mock_##fn,
    MOCK_OPS(MOCK_OP_ROW)
#undef MOCK_OP_ROW
};

static int64_t command(File *f, const Caller *who, uint32_t request,
                       uint64_t arg)
{
    MockCall m = {
        .file = f, .iommufd = server_iommufd(f), .who = who, .user = arg
    };
    int64_t rc;

    if (request != MOCK_COMMAND || !m.iommufd) {
        return -ENOTTY;
    }
    rc = caller_read(who, arg, &m.c.size, sizeof(m.c.size));
    if (rc) {
        return rc;
    }
    if (m.c.size < offsetof(MockCmd, last) || m.c.size > sizeof(m.c)) {
        return -EINVAL;
    }
    rc = caller_read(who, arg, &m.c, m.c.size);
    if (rc) {
        return rc;
    }
    if (m.c.op >= G_N_ELEMENTS(ops) || !ops[m.c.op]) {
        return -EOPNOTSUPP;
    }
    rc = ops[m.c.op](&m);
    if (rc >= 0 && caller_write(who, arg, &m.c, offsetof(MockCmd, last))) {
        return -EFAULT;
    }
    return rc;
}

static void *start(Server *s)
{
    mock.server = s;
    return &mock;
}

static ImIommufdConfig config = {
    .io_page_shift = MOCK_PAGE_SHIFT,
    .pasid_bits = MOCK_PASID_BITS,
};

static bool option(const char *name, const char *value)
{
    if (!strcmp(name, "linux")) {
        mock.old = config.before_viommu = !strcmp(value, "6.12");
        return true;
    }
    return mock_check_option(name, value);
}

int mock_page_at(const Caller *who, uint64_t addr, ImIommufdPage *page)
{
    return im_iommufd_page_at(server_instance(who->server), caller_source(who),
                              addr & ~(IM_IOMMUFD_PAGE - 1), page);
}

int main(int argc, char **argv)
{
    static const ServerExtras extras = {
        .size = sizeof(extras),
        .start = start,
        .stop = mock_stop,
        .option = option,
        .config = &config,
        .ioctl = command,
        .before = mock_before,
        .after = mock_after,
        .closed = mock_closed,
    };

    return im_iommufd_server_main(argc, argv, &extras);
}
