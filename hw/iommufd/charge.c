/*
 * iommufd: who pays for pinned memory, as RLIMIT_MEMLOCK has it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/ioas.h"

static IofCharge *iof_charge_find(const ImIommufd *f, void *mm, uint32_t uid)
{
    for (ImLink *n = f->charges; n; n = n->next) {
        IofCharge *c = IM_LINK_OF(n, IofCharge, in_host);

        if (c->mm == mm && (mm || c->uid == uid)) {
            return c;
        }
    }
    return NULL;
}

static IofCharge *iof_charge_get(ImIommufd *f, void *mm, uint32_t uid)
{
    IofCharge *c = iof_charge_find(f, mm, uid);

    if (!c) {
        c = im_iof_alloc(f, sizeof(*c));
        if (!c) {
            return NULL;
        }
        *c = (IofCharge) { .mm = mm, .uid = uid };
        if (mm) {
            f->port.hold(f->opaque, mm);
        }
        im_link_in(&f->charges, &c->in_host);
    }
    c->users++;
    return c;
}

static void iof_charge_put(ImIommufd *f, IofCharge *c)
{
    if (--c->users == 0) {
        im_link_out(&c->in_host);
        if (c->mm) {
            f->port.drop(f->opaque, c->mm);
        }
        im_iof_release(f, c, sizeof(*c));
    }
}

int im_iof_account_open(ImIommufdFile *file, const ImIommufdCaller *caller,
                        IofAccount *a)
{
    ImIommufd *f = file->host;

    *a = (IofAccount) {
        .limit = caller->may_lock  ? IOF_LIMIT_NONE :
                 file->per_process ? IOF_LIMIT_MM :
                                     IOF_LIMIT_USER,
        .most = caller->memlock >> IM_IOMMUFD_PAGE_SHIFT,
        .user = iof_charge_get(f, NULL, caller->uid),
    };
    if (!a->user) {
        return -ENOMEM;
    }
    a->mm = iof_charge_get(f, caller->mm, 0);
    if (!a->mm) {
        iof_charge_put(f, a->user);
        return -ENOMEM;
    }
    return 0;
}

void im_iof_account_close(ImIommufd *f, IofAccount *a)
{
    iof_charge_put(f, a->user);
    iof_charge_put(f, a->mm);
}

/* Who has the limit, or NULL. */
static IofCharge *iof_charge_limited(const IofAccount *a)
{
    return a->limit == IOF_LIMIT_USER ? a->user :
           a->limit == IOF_LIMIT_MM   ? a->mm :
                                        NULL;
}

int im_iof_charge(const IofAccount *a, uint64_t pages)
{
    IofCharge *c = iof_charge_limited(a);

    if (c) {
        if (c->locked > a->most || a->most - c->locked < pages) {
            return -ENOMEM;
        }
        c->locked += pages;
    }
    a->mm->pinned += pages;
    return 0;
}

void im_iof_uncharge(const IofAccount *a, uint64_t pages)
{
    IofCharge *c = iof_charge_limited(a);

    if (c) {
        c->locked -= pages;
    }
    a->mm->pinned -= pages;
}

void im_iommufd_charged(ImIommufd *f, void *mm, uint64_t *pinned,
                        uint64_t *locked)
{
    const IofCharge *c = iof_charge_find(f, mm, 0);

    *pinned = c ? c->pinned : 0;
    *locked = c ? c->locked : 0;
}
