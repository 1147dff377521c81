/*
 * iommufd: OPTION.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/ioas.h"

static int iof_option_rlimit_mode(const ImIommufdCall *call, IofOptionArg *a)
{
    ImIommufdFile *file = call->file;

    if (a->object_id) {
        return -EOPNOTSUPP;
    }
    if (a->op == IOF_OPTION_GET) {
        a->value = file->per_process;
        return 0;
    }
    if (a->op != IOF_OPTION_SET) {
        return -EOPNOTSUPP;
    }
    if (!call->caller->may_raise) {
        return -EPERM;
    }
    if (im_iof_object_next(file, 0)) {
        return -EBUSY;
    }
    if (a->value > 1) {
        return -EINVAL;
    }
    file->per_process = a->value;
    return 0;
}

int im_iof_ioas_small_pages(IofIoas *ioas, bool small)
{
    int err;

    if (small && !ioas->small_pages && ioas->spaces && ioas->areas) {
        return -EINVAL;
    }
    if (small == ioas->small_pages) {
        return 0;
    }
    ioas->small_pages = small;
    err = im_iof_ioas_realign(ioas);
    if (err) {
        ioas->small_pages = !small;
    }
    return err;
}

static int iof_option_huge_pages(const ImIommufdCall *call, IofOptionArg *a)
{
    IofIoas *ioas = im_iof_ioas(call->file, a->object_id);

    if (!ioas) {
        return -ENOENT;
    }
    if (a->op == IOF_OPTION_GET) {
        a->value = !ioas->small_pages;
        return 0;
    }
    if (a->op != IOF_OPTION_SET) {
        return -EOPNOTSUPP;
    }
    return a->value > 1 ? -EINVAL :
                          im_iof_ioas_small_pages(ioas, a->value == 0);
}

static int (*const options[])(const ImIommufdCall *, IofOptionArg *) = {
    [IOF_OPTION_RLIMIT_MODE] = iof_option_rlimit_mode,
    [IOF_OPTION_HUGE_PAGES] = iof_option_huge_pages,
};

int im_iof_option(ImIommufdCall *call)
{
    IofOptionArg *a = call->cmd;
    int err;

    if (a->reserved || a->option >= G_N_ELEMENTS(options)) {
        return -EOPNOTSUPP;
    }
    err = options[a->option](call, a);
    return err || a->op == IOF_OPTION_SET ?
               err :
               im_iommufd_respond(call, sizeof(*a));
}
