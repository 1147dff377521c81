/*
 * Random commands: what is copied, where may be mapped, what was written.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/io_model_int.h"

#define BUF(t)  io_at((t)->io, IO_RO_PAGE - 8)

/* --- COPY --------------------------------------------------------------- */

static bool model_may_map(const MSpace *sp, uint32_t first, uint32_t n)
{
    for (uint32_t p = first; sp->limited && p < first + n; p++) {
        if (!sp->allowed[p]) {
            return false;
        }
    }
    return true;
}

/* At a fixed place: 0, EINVAL, EEXIST. */
int model_place(const MSpace *sp, uint32_t first, uint32_t n)
{
    if (!model_may_map(sp, first, n)) {
        return -EINVAL;
    }
    for (uint32_t p = first; p < first + n; p++) {
        if (sp->page[p] != M_NONE) {
            return -EEXIST;
        }
    }
    return 0;
}

static int source(const MSpace *sp, uint32_t first, uint32_t n, bool write)
{
    for (uint32_t p = first; p < first + n; p++) {
        if (sp->page[p] == M_NONE) {
            return -ENOENT;
        }
        if (write && !sp->write[p]) {
            return -EPERM;
        }
    }
    return 0;
}

static void copied(Step *t, MSpace *dst, uint32_t to, const MSpace *src,
                   uint32_t from, uint32_t n, bool write)
{
    int page[M_PAGES], map[M_PAGES];

    /* They may be one space. */
    memcpy(page, src->page, sizeof(page));
    memcpy(map, src->map, sizeof(map));
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || map[from + i] != map[from + i - 1]) {
            t->m->maps++;
        }
        dst->page[to + i] = page[from + i];
        dst->map[to + i] = (int)t->m->maps;
        dst->write[to + i] = write;
        dst->dirty[to + i] = dst->maybe[to + i] = false;
    }
}

static int pick_mapped(Step *t)
{
    return PICK(t, M_SPACES,
                t->s->space[i_].live &&
                    t->s->space[i_].kind == IMU_SPACE_MAPPED);
}

/* A page that is mapped, mostly. */
static uint32_t pick_page(Step *t, const MSpace *sp)
{
    return (uint32_t)PICK(t, M_PAGES, sp->live && sp->page[i_] != M_NONE);
}

void model_copy(Step *t)
{
    int i = chance(t, 8) ? pick_space(t) : pick_mapped(t);
    int k = chance(t, 8) ? pick_space(t) : pick_mapped(t);
    MSpace *dst = &t->s->space[i], *src = &t->s->space[k];
    uint32_t to = below(t, M_PAGES), from = pick_page(t, src);
    uint32_t some = 1 + below(t, 6);
    uint32_t n = MIN(some, M_PAGES - MAX(to, from));
    bool write = chance(t, 2);
    ImuCopy a = { .head.flags = IMU_PROT_READ | IMU_MAP_FIXED |
                                (write ? IMU_PROT_WRITE : 0),
                  .set = t->s->ref,
                  .dst = dst->ref,
                  .src = src->ref,
                  .length = (uint64_t)n * IO_PAGE,
                  .dst_iova = (uint64_t)to * IO_PAGE,
                  .src_iova = (uint64_t)from * IO_PAGE };
    int want = !t->s->live || !dst->live || !src->live ?
                   -ENOENT :
               dst->kind != IMU_SPACE_MAPPED || src->kind != IMU_SPACE_MAPPED ?
                   -EINVAL :
                   model_place(dst, to, n);

    if (!want) {
        want = source(src, from, n, write);
    }
    SAY("COPY set %d space %d pages %u+%u of %d from %u%s", SET_NR(t), i, to, n,
        k, from, write ? " write" : "");
    if (came_true(t, io_COPY(t->io, &a), want)) {
        copied(t, dst, to, src, from, n, write);
    }
}

/* --- ALLOW, RANGES ------------------------------------------------------ */

#define MSI_FIRST  UINT64_C(0xfee00000)
#define MSI_LAST   UINT64_C(0xfeefffff)

/* Every device reserves the MSI range. */
static bool has_device(const MSet *s, int space)
{
    for (int i = 0; i < M_SPACES; i++) {
        if ((i == space || (s->space[i].live && s->space[i].parent == space)) &&
            model_space_bound(s, i)) {
            return true;
        }
    }
    return false;
}

void model_allow(Step *t)
{
    int i = chance(t, 8) ? pick_space(t) : pick_mapped(t);
    MSpace *sp = &t->s->space[i];
    uint32_t n = chance(t, 3) ? 0 : 1 + below(t, 3);
    bool msi = chance(t, 6), bad = chance(t, 8);
    bool allowed[M_PAGES] = { false };
    ImuRange r[4];
    ImuAllow a = { .set = t->s->ref, .space = sp->ref };
    uint32_t at = 0;
    int want;

    for (uint32_t k = 0; k < n; k++) {
        uint32_t first = at + below(t, 8), last = first + below(t, 20);

        if (last >= M_PAGES) {
            n = k;
            break;
        }
        r[k] = (ImuRange) { first * (uint64_t)IO_PAGE,
                            (last + 1) * (uint64_t)IO_PAGE - 1 };
        for (at = first; at <= last; at++) {
            allowed[at] = true;
        }
    }
    if (n && msi) {
        r[n++] = (ImuRange) { MSI_FIRST - IO_PAGE, MSI_LAST };
    }
    if (n && bad) {
        r[n - 1].first = r[n - 1].last + 1;
    }
    a.count = n;
    a.ranges = n ? BUF(t) : 0;
    io_put(t->io, BUF(t), r, sizeof(r));
    want = !t->s->live || !sp->live                   ? -ENOENT :
           sp->kind != IMU_SPACE_MAPPED || (n && bad) ? -EINVAL :
           n && msi && has_device(t->s, i)            ? -EADDRINUSE :
                                                        0;
    SAY("ALLOW set %d space %d, %u ranges%s%s", SET_NR(t), i, n,
        msi ? " msi" : "", bad ? " bad" : "");
    if (came_true(t, io_ALLOW(t->io, &a), want)) {
        sp->limited = n != 0;
        sp->msi = n && msi;
        memcpy(sp->allowed, allowed, sizeof(allowed));
    }
}

static uint32_t expected_ranges(const MSet *s, int space, ImuRange *r)
{
    const MSpace *sp = &s->space[space];
    bool hole = has_device(s, space);
    uint32_t n = 0;

    if (!sp->limited) {
        r[n++] = (ImuRange) { 0, hole ? MSI_FIRST - 1 : UINT64_MAX };
        if (hole) {
            r[n++] = (ImuRange) { MSI_LAST + 1, UINT64_MAX };
        }
        return n;
    }
    for (uint32_t p = 0; p < M_PAGES; p++) {
        if (sp->allowed[p] && (p == 0 || !sp->allowed[p - 1])) {
            r[n++].first = p * (uint64_t)IO_PAGE;
        }
        if (sp->allowed[p]) {
            r[n - 1].last = (p + 1) * (uint64_t)IO_PAGE - 1;
        }
    }
    if (sp->msi) {
        r[n++] = (ImuRange) { MSI_FIRST - IO_PAGE, MSI_LAST };
    }
    return n;
}

void model_ranges(Step *t)
{
    int i = chance(t, 8) ? pick_space(t) : pick_mapped(t);
    const MSpace *sp = &t->s->space[i];
    ImuRange want_r[M_PAGES], r[8];
    ImuRanges a = { .set = t->s->ref,
                    .space = sp->ref,
                    .ranges = BUF(t),
                    .count = below(t, 8) };
    uint32_t room = a.count, n = 0;
    int want = !t->s->live || !sp->live     ? -ENOENT :
               sp->kind != IMU_SPACE_MAPPED ? -EINVAL :
                                              0;
    int rc;

    if (!want) {
        n = expected_ranges(t->s, i, want_r);
        want = n > room ? -EMSGSIZE : 0;
    }
    SAY("RANGES set %d space %d room %u", SET_NR(t), i, room);
    rc = io_RANGES(t->io, &a);
    if (rc == want && n) {
        g_assert_cmpuint(a.count, ==, n);
    }
    if (came_true(t, rc, want)) {
        io_get(t->io, a.ranges, r, n * sizeof(*r));
        g_assert_cmpmem(r, n * sizeof(*r), want_r, n * sizeof(*r));
    }
}

/* --- dirty -------------------------------------------------------------- */

void model_dirty_set(Step *t)
{
    int i = chance(t, 8) ?
                pick_space(t) :
                PICK(t, M_SPACES,
                     t->s->space[i_].live && t->s->space[i_].dirty_flag);
    MSpace *sp = &t->s->space[i];
    bool on = !chance(t, 4);
    ImuDirtySet a = { .head.flags = on ? IMU_DIRTY_ON : 0,
                      .set = t->s->ref,
                      .space = sp->ref };
    int want = !t->s->live || !sp->live ? -ENOENT :
               !sp->dirty_flag          ? -EOPNOTSUPP :
                                          0;

    SAY("DIRTY_SET set %d space %d %d", SET_NR(t), i, on);
    if (came_true(t, io_DIRTY_SET(t->io, &a), want) && on != sp->dirty_on) {
        sp->dirty_on = on;
        memset(sp->dirty, 0, sizeof(sp->dirty));
        memset(sp->maybe, 0, sizeof(sp->maybe));
    }
}

static void dirty_get(Step *t, int i)
{
    MSpace *sp = &t->s->space[i];
    uint32_t each = 1u << below(t, 3), first = below(t, M_PAGES / 4) * 4;
    uint32_t some = 4 * (1 + below(t, 8));
    uint32_t n = MIN(some, (M_PAGES - first) / 4 * 4);
    bool peek = chance(t, 3);
    ImuDirtyGet a = { .head.flags = peek ? IMU_DIRTY_PEEK : 0,
                      .set = t->s->ref,
                      .space = sp->ref,
                      .iova = (uint64_t)first * IO_PAGE,
                      .length = (uint64_t)n * IO_PAGE,
                      .page_size = (uint64_t)each * IO_PAGE,
                      .bitmap = BUF(t) };
    uint64_t bits = 0, least = 0, most = 0;
    int want = !t->s->live || !sp->live ? -ENOENT :
               !sp->dirty_flag          ? -EOPNOTSUPP :
               !n || !sp->dirty_on      ? -EINVAL :
                                          0;

    io_put(t->io, a.bitmap, &bits, sizeof(bits));
    SAY("DIRTY_GET set %d space %d pages %u+%u by %u%s", SET_NR(t), i, first, n,
        each, peek ? " peek" : "");
    if (!came_true(t, io_DIRTY_GET(t->io, &a), want)) {
        return;
    }
    io_get(t->io, a.bitmap, &bits, sizeof(bits));
    for (uint32_t p = 0; p < n; p++) {
        uint64_t bit = UINT64_C(1) << p / each;

        least |= sp->dirty[first + p] ? bit : 0;
        most |= sp->dirty[first + p] || sp->maybe[first + p] ? bit : 0;
        if (!peek) {
            sp->dirty[first + p] = sp->maybe[first + p] = false;
        }
    }
    if ((bits & least) != least || (bits & ~most)) {
        g_error("%s: %" G_GINT64_MODIFIER
                "x, but it should be %" G_GINT64_MODIFIER "x",
                t->what, bits, least);
    }
}

/* What is written again after it was reported is reported again. */
void model_dirty_get(Step *t)
{
    int i = chance(t, 8) ?
                pick_space(t) :
                PICK(t, M_SPACES,
                     t->s->space[i_].live && t->s->space[i_].dirty_flag);

    dirty_get(t, i);
    for (unsigned n = 0; n < 2 && t->s->live && t->s->space[i].live; n++) {
        model_touch(t, i);
        dirty_get(t, i);
    }
}
