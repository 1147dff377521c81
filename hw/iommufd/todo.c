/*
 * iommufd: what is declared and not there yet.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/iommufd.h"

#define TODO(name)                                                         \
    int name(ImIommufdCall *call)                                          \
    {                                                                      \
        (void)call;                                                        \
        return -EOPNOTSUPP;                                                \
    }
TODO(im_iof_option)
TODO(im_iof_ioas_alloc)
TODO(im_iof_ioas_allow_iovas)
TODO(im_iof_ioas_iova_ranges)
TODO(im_iof_ioas_map)
TODO(im_iof_ioas_map_file)
TODO(im_iof_ioas_copy)
TODO(im_iof_ioas_unmap)
TODO(im_iof_ioas_change_process)
TODO(im_iof_ioas_get_pa)
TODO(im_iof_vfio_ioas)

int im_iof_vfio(ImIommufdFile *file, const ImIommufdCaller *caller,
                uint32_t request, uint64_t arg)
{
    (void)file;
    (void)caller;
    (void)request;
    (void)arg;
    return -ENOTTY;
}

void im_iof_charges_free(ImIommufd *f)
{
    (void)f;
}

IofIoas *im_iof_ioas(ImIommufdFile *file, uint32_t id)
{
    (void)file;
    (void)id;
    return NULL;
}

IofObject *im_iof_ioas_object(IofIoas *ioas)
{
    return (IofObject *)ioas;
}

ImLink **im_iof_ioas_hwpts(IofIoas *ioas)
{
    return (ImLink **)ioas;
}

int im_iof_ioas_add_space(IofIoas *ioas, IofSpace *space)
{
    (void)ioas;
    (void)space;
    return -EOPNOTSUPP;
}

void im_iof_ioas_remove_space(IofIoas *ioas, IofSpace *space)
{
    (void)ioas;
    (void)space;
}

int im_iof_ioas_reserve(IofIoas *ioas, const void *owner,
                        const ImuRange *ranges, unsigned count)
{
    (void)ioas;
    (void)owner;
    (void)ranges;
    (void)count;
    return -EOPNOTSUPP;
}

void im_iof_ioas_unreserve(IofIoas *ioas, const void *owner)
{
    (void)ioas;
    (void)owner;
}

uint64_t im_iof_ioas_alignment(const IofIoas *ioas)
{
    (void)ioas;
    return 1;
}

bool im_iof_ioas_covers(const IofIoas *ioas, uint64_t first, uint64_t last)
{
    (void)ioas;
    return first > last;
}

int im_iof_ioas_pin(IofIoas *ioas, uint64_t iova, uint64_t length,
                    bool write, ImIommufdPage *pages)
{
    (void)ioas;
    (void)iova;
    (void)length;
    (void)write;
    (void)pages;
    return -EOPNOTSUPP;
}

void im_iof_ioas_unpin(IofIoas *ioas, uint64_t iova, uint64_t length)
{
    (void)ioas;
    (void)iova;
    (void)length;
}

int im_iommufd_memory_read(ImIommufd *f, uint64_t pa, void *buf, size_t len)
{
    (void)f;
    (void)pa;
    (void)buf;
    (void)len;
    return -EFAULT;
}

int im_iommufd_memory_write(ImIommufd *f, uint64_t pa, const void *buf,
                            size_t len)
{
    (void)f;
    (void)pa;
    (void)buf;
    (void)len;
    return -EFAULT;
}

int im_iommufd_memory_page(ImIommufd *f, uint64_t pa, ImIommufdPage *page,
                           uint32_t *at)
{
    (void)f;
    (void)pa;
    (void)page;
    (void)at;
    return -EFAULT;
}
