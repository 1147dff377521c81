/*
 * Dirty tracking of mapped spaces: a bit for each page of each mapping.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <string.h>

#include "hw/ioasid/memory.h"

size_t im_iomap_dirty_bytes(const ImIoasid *h, const IoArea *a)
{
    return (size_t)(im_ioarea_pages(h, a) + 63) / 64 * sizeof(*a->dirty);
}

static IoArea *io_dirty_next_area(IoMap *m, const IoArea *a)
{
    if (!a) {
        return im_ioarea_from(m->root, 0);
    }
    return a->last == UINT64_MAX ? NULL : im_ioarea_from(m->root, a->last + 1);
}

static void io_dirty_forget(ImIoasid *h, IoMap *m)
{
    for (IoArea *a = io_dirty_next_area(m, NULL); a;
         a = io_dirty_next_area(m, a)) {
        if (a->dirty) {
            im_ioasid_release(h, a->dirty, im_iomap_dirty_bytes(h, a));
            a->dirty = NULL;
        }
    }
}

static int io_dirty_begin(ImIoasid *h, IoMap *m)
{
    for (IoArea *a = io_dirty_next_area(m, NULL); a;
         a = io_dirty_next_area(m, a)) {
        a->dirty = im_ioasid_alloc(h, im_iomap_dirty_bytes(h, a));
        if (!a->dirty) {
            io_dirty_forget(h, m);
            return -ENOMEM;
        }
    }
    return 0;
}

static int io_dirty_tracked_space(ImIoasidCtx *c, ImuRef set, ImuRef ref,
                                  IoSpace **space)
{
    int err = im_ioasid_space_of(c, set, ref, space);

    return err || ((*space)->flags & IMU_SPACE_DIRTY) ? err : -EOPNOTSUPP;
}

IM_RULE(IOASID_CMD_DIRTY_SET);
int im_ioasid_cmd_DIRTY_SET(ImIoasidCtx *c, void *arg)
{
    const ImuDirtySet *a = arg;
    bool on = a->head.flags & IMU_DIRTY_ON;
    IoSpace *space;
    int err = io_dirty_tracked_space(c, a->set, a->space, &space);

    if (!err && !on && (a->head.flags & IMU_DIRTY_NEW)) {
        err = -EINVAL;
    }
    if (err) {
        return err;
    }
    if (on == space->dirty_on) {
        space->dirty_new = a->head.flags & IMU_DIRTY_NEW;
        return 0;
    }
    if (on) {
        err = io_dirty_begin(c->host, space->map);
        if (err) {
            return err;
        }
    } else {
        io_dirty_forget(c->host, space->map);
    }
    space->dirty_on = on;
    space->dirty_new = a->head.flags & IMU_DIRTY_NEW;
    /* What is cached may be written without being noticed. */
    im_iomap_changed(c->host, space, 0, UINT64_MAX);
    return 0;
}

/* --- DIRTY_GET -------------------------------------------------------- */

/* Bits on their way to the user, a word at a time. */
typedef struct Out {
    ImIoasidCtx *c;
    const ImuDirtyGet *a;
    uint64_t word;                  /* index of what is in bits */
    uint64_t bits;
} Out;

static int io_dirty_flush(Out *o)
{
    uint64_t count = (o->a->length - 1) / o->a->page_size + 1;
    size_t bytes = (size_t)MIN(8, (count + 7) / 8 - o->word * 8);
    uint64_t at = o->a->bitmap + o->word * 8;
    uint64_t was = 0;
    int err;

    if (!o->bits) {
        return 0;
    }
    err = im_ioasid_get_user(o->c, at, &was, bytes);
    if (err) {
        return err;
    }
    o->bits = GUINT64_TO_LE(o->bits) | was;
    err = im_ioasid_put_user(o->c, at, &o->bits, bytes);
    o->bits = 0;
    return err;
}

static int io_dirty_put_bit(Out *o, uint64_t bit)
{
    int err = 0;

    if (bit / 64 != o->word) {
        err = io_dirty_flush(o);
        o->word = bit / 64;
    }
    o->bits |= UINT64_C(1) << bit % 64;
    return err;
}

/* Dirty pages of an area in first .. last: to the user, or clean again. */
static int io_dirty_each_dirty(ImIoasid *h, IoArea *a, uint64_t first,
                               uint64_t last, Out *o)
{
    unsigned page = h->cfg.page_shift;
    uint64_t i = (MAX(first, a->first) - a->first) >> page;
    uint64_t end = (MIN(last, a->last) - a->first) >> page;
    int err = 0;

    while (!err && i <= end) {
        uint64_t word = a->dirty[i / 64] >> i % 64;

        if (!word) {
            i = (i | 63) + 1;
        } else if (!(word & 1)) {
            i += (unsigned)__builtin_ctzll(word);
        } else {
            if (o) {
                err = io_dirty_put_bit(o, (a->first + (i << page) - first) /
                                              o->a->page_size);
            } else {
                a->dirty[i / 64] &= ~(UINT64_C(1) << i % 64);
            }
            i++;
        }
    }
    return err;
}

static int io_dirty_all_dirty(ImIoasid *h, IoMap *m, uint64_t first,
                              uint64_t last, Out *o)
{
    IoArea *a = im_ioarea_from(m->root, first);
    int err = 0;

    for (; !err && a && a->first <= last; a = io_dirty_next_area(m, a)) {
        err = io_dirty_each_dirty(h, a, first, last, o);
    }
    return !err && o ? io_dirty_flush(o) : err;
}

static int io_dirty_check_get(const ImIoasid *h, const ImuDirtyGet *a)
{
    uint64_t rest = a->page_size - 1;

    if (!a->page_size || (a->page_size & rest) ||
        a->page_size >> h->cfg.page_shift == 0 || !a->length ||
        ((a->iova | a->length) & rest)) {
        return -EINVAL;
    }
    return a->iova + (a->length - 1) < a->iova ? -EOVERFLOW : 0;
}

IM_RULE(IOASID_CMD_DIRTY_GET);
int im_ioasid_cmd_DIRTY_GET(ImIoasidCtx *c, void *arg)
{
    const ImuDirtyGet *a = arg;
    Out o = { .c = c, .a = a };
    uint64_t last = a->iova + (a->length - 1);
    IoSpace *space;
    int err = io_dirty_tracked_space(c, a->set, a->space, &space);

    if (!err) {
        err = io_dirty_check_get(c->host, a);
    }
    if (!err && !space->dirty_on) {
        err = -EINVAL;
    }
    if (!err) {
        err = io_dirty_all_dirty(c->host, space->map, a->iova, last, &o);
    }
    if (err || (a->head.flags & IMU_DIRTY_PEEK)) {
        return err;
    }
    io_dirty_all_dirty(c->host, space->map, a->iova, last, NULL);
    im_iomap_changed(c->host, space, a->iova, last);
    return 0;
}
