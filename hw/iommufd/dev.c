/*
 * iommufd: the functions of the machine, and bound ones.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/iommufd/dev_int.h"

/* --- what an instance and a file have ----------------------------------- */

IofDevs *im_iof_devs(ImIommufd *f)
{
    if (!f->devs) {
        f->devs = im_iof_alloc(f, sizeof(*f->devs));
    }
    return f->devs;
}

IofFileDevs *im_iof_file_devs(ImIommufdFile *file)
{
    if (!file->devs) {
        file->devs = im_iof_alloc(file->host, sizeof(*file->devs));
    }
    return file->devs;
}

void im_iof_file_devs_free(ImIommufdFile *file)
{
    im_iof_probe_free(file);
    im_iof_release(file->host, file->devs, sizeof(*file->devs));
    file->devs = NULL;
}

void im_iof_devs_free(ImIommufd *f)
{
    while (f->devs && f->devs->functions) {
        IofFunction *fn = IM_LINK_OF(f->devs->functions, IofFunction,
                                     in_machine);

        im_iommufd_device_remove(f, fn->cfg.backend.func);
    }
    im_iof_release(f, f->devs, sizeof(*f->devs));
    f->devs = NULL;
}

/* --- functions ---------------------------------------------------------- */

static IofFunction *iof_dev_find(ImIommufd *f, uint32_t func)
{
    for (ImLink *l = f->devs ? f->devs->functions : NULL; l; l = l->next) {
        IofFunction *fn = IM_LINK_OF(l, IofFunction, in_machine);

        if (fn->cfg.backend.func == func) {
            return fn;
        }
    }
    return NULL;
}

static void iof_dev_function_free(ImIommufd *f, IofFunction *fn)
{
    im_iof_release(f, fn->reserved,
                   fn->cfg.backend.reserved_count * sizeof(ImuRange));
    im_iof_release(f, fn, sizeof(*fn));
}

static IofFunction *iof_dev_function_new(ImIommufd *f,
                                         const ImIommufdDevice *dev)
{
    size_t bytes = dev->backend.reserved_count * sizeof(ImuRange);
    IofFunction *fn = im_iof_alloc(f, sizeof(*fn));

    if (!fn) {
        return NULL;
    }
    fn->cfg = *dev;
    if (bytes) {
        fn->reserved = im_iof_alloc(f, bytes);
        if (!fn->reserved) {
            im_iof_release(f, fn, sizeof(*fn));
            return NULL;
        }
        memcpy(fn->reserved, dev->backend.reserved, bytes);
        fn->cfg.backend.reserved = fn->reserved;
    }
    return fn;
}

int im_iommufd_device_add(ImIommufd *f, const ImIommufdDevice *dev)
{
    IofDevs *devs = im_iof_devs(f);
    IofFunction *fn = devs ? iof_dev_function_new(f, dev) : NULL;
    int err = -ENOMEM;

    if (fn) {
        err = im_ioasid_device_add(f->backend, &fn->cfg.backend);
    }
    if (fn && err) {
        iof_dev_function_free(f, fn);
    } else if (fn) {
        im_link_in(&devs->functions, &fn->in_machine);
    }
    return err;
}

void im_iof_function_hold(IofFunction *fn)
{
    fn->users++;
}

void im_iof_function_drop(ImIommufd *f, IofFunction *fn)
{
    fn->users--;
    if (fn->removed && !fn->users) {
        iof_dev_function_free(f, fn);
    }
}

int im_iommufd_device_remove(ImIommufd *f, uint32_t func)
{
    IofFunction *fn = iof_dev_find(f, func);

    if (!fn) {
        return -ENOENT;
    }
    im_iof_function_hold(fn);
    if (fn->bound) {
        im_iommufd_unbind(fn->bound->file, fn->bound->obj.id);
    }
    im_link_out(&fn->in_machine);
    im_ioasid_device_remove(f->backend, func);
    fn->removed = true;
    im_iof_function_drop(f, fn);
    return 0;
}

/* --- messages to functions ---------------------------------------------- */

void im_iof_ats_invalidate(ImIommufd *f, const ImAtsInv *inv)
{
    IofFunction *fn = iof_dev_find(f, im_func(inv->segment, inv->rid));

    if (fn && fn->cfg.ats_invalidate) {
        fn->cfg.ats_invalidate(fn->cfg.opaque, inv);
    } else if (fn) {
        fn->owed |= 1u << inv->itag;
    }
}

void im_iof_page_response(ImIommufd *f, const ImPageResp *resp)
{
    IofFunction *fn = iof_dev_find(f, im_func(resp->segment, resp->rid));

    if (fn && fn->cfg.page_response) {
        fn->cfg.page_response(fn->cfg.opaque, resp);
    }
}

/* A completion may let the backend send more. */
void im_iof_settle(ImIommufd *f)
{
    bool more = f->devs && !f->devs->settling;

    if (more) {
        f->devs->settling = true;
    }
    while (more) {
        more = false;
        for (ImLink *l = f->devs->functions; l; l = l->next) {
            IofFunction *fn = IM_LINK_OF(l, IofFunction, in_machine);
            uint32_t owed = fn->owed;

            fn->owed = 0;
            if (owed) {
                im_ioasid_ats_inv_done(f->backend, fn->cfg.backend.func, owed,
                                       1);
                more = true;
            }
        }
        f->devs->settling = more;
    }
}

/* --- bound devices ------------------------------------------------------ */

/* Never called: a bound device has its binder as user. */
static void iof_dev_destroy(ImIommufdFile *file, IofObject *obj)
{
    (void)file;
    (void)obj;
}

static const IofKind kind = { "device", iof_dev_destroy };

IofDevice *im_iof_device(ImIommufdFile *file, uint32_t id)
{
    IofObject *obj = im_iof_object(file, &kind, id);

    return obj ? IM_LINK_OF(obj, IofDevice, obj) : NULL;
}

IofDevice *im_iof_group_next(const IofDevice *dev, const IofDevice *after)
{
    uint32_t group = dev->fn->cfg.backend.group;

    for (ImLink *l = after ? after->in_file.next : dev->file->devs->devices; l;
         l = l->next) {
        IofDevice *d = IM_LINK_OF(l, IofDevice, in_file);

        if (d->fn->cfg.backend.group == group) {
            return d;
        }
    }
    return NULL;
}

ImIommufdHw im_iof_hw(const IofDevice *dev)
{
    return (ImIommufdHw) { .dev = &dev->fn->cfg,
                           .file = dev->file,
                           .id = dev->obj.id };
}

static int iof_dev_bind_backend(IofDevice *dev)
{
    ImuDevBind a = { .set = dev->file->set,
                     .func = dev->fn->cfg.backend.func,
                     .cookie = dev->obj.id };
    int err = im_iof_backend(dev->file, IMU_CMD_DEV_BIND, &a);

    dev->ref = a.dev;
    return err;
}

static void iof_dev_unbind_backend(IofDevice *dev)
{
    ImuDevUnbind a = { .set = dev->file->set, .dev = dev->ref };

    im_iof_backend(dev->file, IMU_CMD_DEV_UNBIND, &a);
}

int im_iommufd_bind(ImIommufdFile *file, uint32_t func, uint32_t *id)
{
    ImIommufd *f = file->host;
    IofFunction *fn = iof_dev_find(f, func);
    IofFileDevs *devs;
    IofDevice *dev;
    int err;

    if (!fn || fn->bound) {
        return fn && fn->bound->file == file ? -EBUSY : -ENODEV;
    }
    devs = im_iof_file_devs(file);
    dev = devs ? im_iof_alloc(f, sizeof(*dev)) : NULL;
    if (!dev) {
        return -ENOMEM;
    }
    *dev = (IofDevice) { .file = file,
                         .fn = fn,
                         .own = { .dev = dev, .pasid = IM_IOMMUFD_NO_PASID } };
    err = im_iof_object_in(file, &dev->obj, &kind);
    if (!err) {
        err = iof_dev_bind_backend(dev);
        if (err) {
            im_iof_object_out(file, &dev->obj);
        }
    }
    if (err) {
        im_iof_release(f, dev, sizeof(*dev));
        return err;
    }
    dev->obj.users = 1;             /* who bound it */
    fn->bound = dev;
    im_iof_function_hold(fn);
    im_link_in(&devs->devices, &dev->in_file);
    if (!fn->cfg.inside) {
        im_iommufd_hold(file);
    }
    *id = dev->obj.id;
    return 0;
}

void im_iommufd_unbind(ImIommufdFile *file, uint32_t id)
{
    IofDevice *dev = im_iof_device(file, id);
    IofFunction *fn;
    bool inside;

    if (!dev) {
        return;
    }
    fn = dev->fn;
    inside = fn->cfg.inside;
    if (dev->vdevice) {
        im_iof_vdevice_entomb(dev->vdevice);
    }
    im_iof_detach_all(dev);
    iof_dev_unbind_backend(dev);
    im_link_out(&dev->in_file);
    im_iof_object_out(file, &dev->obj);
    fn->bound = NULL;
    im_iof_release(file->host, dev, sizeof(*dev));
    im_iof_function_drop(file->host, fn);
    if (!inside) {
        im_iommufd_drop(file);
    }
}

bool im_iommufd_device_of(ImIommufdFile *file, uint32_t id, uint32_t *func,
                          void **opaque)
{
    IofDevice *dev = im_iof_device(file, id);

    if (dev) {
        *func = dev->fn->cfg.backend.func;
        *opaque = dev->fn->cfg.opaque;
    }
    return dev;
}
