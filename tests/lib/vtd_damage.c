/*
 * SPDX-License-Identifier: MIT
 */
#include "lib/vtd_damage.h"

#define PAGE_OF(pa)  ((pa) & ~UINT64_C(0xfff))

/* Where the second stage is entered: iova, or what stage one gives. */
static uint64_t damage_ipa(const World *w)
{
    return w->kind == W_NESTED ? w->gpa : w->iova;
}

/* The address of the structure, in the host's memory. */
static uint64_t damage_place(World *w, unsigned at)
{
    unsigned level = at & 0xf;
    uint64_t table;

    switch (at & 0xf0) {
    case DAMAGE_FS:
        return world_fs_entry(w, w->iova, level);
    case DAMAGE_SS:
        return world_ss_entry(w, damage_ipa(w), level);
    case DAMAGE_TABLE:
        table = PAGE_OF(world_fs_entry(w, w->iova, level));
        return world_ss_entry(w, table + w->bias, 1);
    default:
        return at == IN_ROOT ? w->root_entry :
               at == IN_CTX  ? w->ctx :
               at == IN_DIR  ? w->dir_entry :
                               w->pe;
    }
}

static void damage_rtaddr(World *w, const Damage *d)
{
    if (d->lo == 12) {
        w->root = d->val == NOWHERE ? w->r->ram_top : d->val << 12;
    } else {
        w->ttm_set = true;
        w->ttm = d->val << d->lo;
    }
}

static void damage_one(World *w, const Damage *d)
{
    rig_damage(w->r, damage_place(w, d->at), d);
}

void world_damage(World *w, const Damage list[DAMAGES])
{
    for (unsigned i = 0; i < DAMAGES && list[i].at; i++) {
        Damage d = list[i];

        if (d.at == IN_RTADDR) {
            damage_rtaddr(w, &d);
        } else if (d.at == IN_FS(0) || d.at == IN_SS(0)) {
            unsigned top = d.at == IN_FS(0) ? w->fs_levels : w->ss_levels;

            for (unsigned n = 0; n < top; n++) {
                d.at++;
                damage_one(w, &d);
            }
        } else {
            damage_one(w, &d);
        }
    }
}

/* --- what takes more than a field --------------------------------------- */

#define LARGE_PAGE  UINT64_C(0x40000000)

static uint64_t damage_base(uint64_t addr, unsigned lg2)
{
    return addr >> lg2 << lg2;
}

void world_fs_2m(World *w)
{
    world_fs_map(w, damage_base(w->iova, 21), LARGE_PAGE, 21, FS_RWU);
}

void world_fs_1g(World *w)
{
    world_fs_map(w, damage_base(w->iova, 30), LARGE_PAGE, 30, FS_RWU);
}

void world_ss_2m(World *w)
{
    world_ss_map(w, damage_base(damage_ipa(w), 21), LARGE_PAGE, 21, SS_RW);
}

void world_ss_1g(World *w)
{
    world_ss_map(w, damage_base(damage_ipa(w), 30), LARGE_PAGE, 30, SS_RW);
}

void world_ss_of_39_bits(World *w)
{
    uint64_t pdpt = rig_get(w->r, w->ss, SSE_ADDR);

    rig_put(w->r, w->pe, PE_AW, 1);
    rig_put(w->r, w->pe, PE_SSPTPTR, pdpt);
}
