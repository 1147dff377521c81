/*
 * A virtual IOMMU on the host's backend: second stages of the guest's, as
 * spaces that are filled when requests miss them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/viommu/viommu.h"

#include <errno.h>

#define VI_PAGE   UINT64_C(0x1000)
#define VI_LARGE  UINT64_C(0x200000)

static bool vi_shadow_is(const ViShadow *s, const ImBinding *say)
{
    return s->say.domain == say->domain &&
           !memcmp(s->say.second, say->second, sizeof(say->second));
}

int im_viommu_shadow_get(ImViommu *v, const ImBinding *say, ViShadow **out)
{
    ImuSpaceCreate c = {
        .head.flags = IMU_SPACE_PARENT,
        .set = v->cfg.set,
        .kind = IMU_SPACE_MAPPED,
        .tag = say->domain,
    };
    ViShadow *s;
    int err;

    for (ImLink *n = v->shadows; n; n = n->next) {
        s = IM_LINK_OF(n, ViShadow, in_all);
        if (vi_shadow_is(s, say)) {
            s->users++;
            *out = s;
            return 0;
        }
    }
    err = VI_COMMAND(v, SPACE_CREATE, &c);
    if (err) {
        return err;
    }
    s = g_new0(ViShadow, 1);
    s->space = c.space;
    s->say = *say;
    s->users = 1;
    im_link_in(&v->shadows, &s->in_all);
    *out = s;
    return 0;
}

void im_viommu_shadow_put(ImViommu *v, ViShadow *s)
{
    ImuSpaceDestroy d = { .set = v->cfg.set, .space = s->space };

    if (--s->users) {
        return;
    }
    if (!v->dead) {
        VI_COMMAND(v, SPACE_DESTROY, &d);
    }
    im_link_out(&s->in_all);
    g_free(s);
}

static int vi_shadow_unmap(ImViommu *v, ViShadow *s, uint64_t first,
                           uint64_t size)
{
    ImuUnmap u = {
        .set = v->cfg.set,
        .space = s->space,
        .iova = first,
        .length = size,
    };
    int err = VI_COMMAND(v, UNMAP, &u);

    if (!err) {
        v->unfenced = true;
        v->counters.shadow_drops++;
    }
    return err;
}

/* Pieces are of VI_LARGE bytes at most, and aligned: none is cut. */
void im_viommu_shadow_drop(ImViommu *v, ViShadow *s, uint64_t first,
                           uint64_t last)
{
    uint64_t size = s->large ? VI_LARGE : VI_PAGE;

    if (!s->pieces) {
        return;
    }
    first &= ~(size - 1);
    last |= size - 1;
    if (first == 0 && last == UINT64_MAX) {
        vi_shadow_unmap(v, s, 0, UINT64_MAX);
        s->pieces = 0;
        s->large = false;
    } else {
        vi_shadow_unmap(v, s, first, last - first + 1);
    }
}

static int vi_shadow_copy(ImViommu *v, ViShadow *s, uint64_t to, uint64_t from,
                          uint64_t size, uint8_t perm)
{
    ImuCopy c = {
        .head.flags =
            (perm & IM_PERM_R ? IMU_PROT_READ : 0) |
            (perm & IM_PERM_W ? IMU_PROT_WRITE : 0) |
            ((perm & IM_PERM_X) && (perm & IM_PERM_R) ? IMU_PROT_EXEC : 0) |
            IMU_MAP_FIXED,
        .set = v->cfg.set,
        .dst = s->space,
        .src = v->cfg.ram,
        .length = size,
        .dst_iova = to & ~(size - 1),
        .src_iova = from & ~(size - 1),
    };
    int err = VI_COMMAND(v, COPY, &c);

    if (!err) {
        s->pieces++;
        s->large |= size == VI_LARGE;
        v->counters.shadow_fills++;
    }
    return err;
}

/* As much as the host has of what the guest's stage grants, if that is
 * enough. */
static int vi_shadow_copy_page(ImViommu *v, ViShadow *s, uint64_t addr,
                               const ImXlat *x, uint8_t perm)
{
    static const uint8_t host[] = {
        IM_PERM_R | IM_PERM_W | IM_PERM_X,
        IM_PERM_R | IM_PERM_W,
        IM_PERM_R | IM_PERM_X,
        IM_PERM_R,
        IM_PERM_W,
    };
    int err = -EPERM;

    for (unsigned i = 0; err == -EPERM && i < G_N_ELEMENTS(host); i++) {
        uint8_t both = x->perm & host[i];

        if (both & (IM_PERM_R | IM_PERM_W) && !(perm & ~both)) {
            err = vi_shadow_copy(v, s, addr, x->addr, VI_PAGE, both);
        }
    }
    return err;
}

/* One page, in the place of what gave less; if the host has no more, that is
 * there again. */
static bool vi_shadow_fill_page(ImViommu *v, ViShadow *s, uint64_t addr,
                                const ImXlat *x, uint8_t perm)
{
    int err = vi_shadow_copy_page(v, s, addr, x, perm);

    if (err == -EEXIST) {
        im_viommu_shadow_drop(v, s, addr, addr);
        err = vi_shadow_copy_page(v, s, addr, x, perm);
        if (err) {
            vi_shadow_copy_page(v, s, addr, x, 0);
        }
    }
    return !err;
}

IM_RULE(VIOMMU_SHADOWS);
bool im_viommu_shadow_fill(ImViommu *v, ViShadow *s, uint64_t addr,
                           uint8_t perm)
{
    ImAccess access = perm & IM_PERM_W ?
                          perm & IM_PERM_R ? IM_ATOMIC : IM_WRITE :
                          IM_READ;
    ImXlat x = v->ops->second(v->guest, &s->say, addr, access);

    if (x.status != IM_OK || (perm & ~x.perm & (IM_PERM_R | IM_PERM_W))) {
        return false;
    }
    if (s->pieces >= VI_SHADOW_MAX) {
        im_viommu_shadow_drop(v, s, 0, UINT64_MAX);
    }
    return (x.mask >= VI_LARGE - 1 &&
            !vi_shadow_copy(v, s, addr, x.addr, VI_LARGE, x.perm)) ||
           vi_shadow_fill_page(v, s, addr, &x, perm);
}
