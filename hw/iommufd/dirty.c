/*
 * iommufd: dirty tracking.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/iommufd/dev_int.h"

static int iof_dirty_ask(const IofPaging *p, uint64_t iova, uint64_t length,
                         uint64_t page_size, bool peek, uint8_t *bits)
{
    ImuDirtyGet get = {
        .head.flags = peek ? IMU_DIRTY_PEEK : 0,
        .set = p->base.file->set,
        .space = p->space.ref,
        .iova = iova,
        .length = length,
        .page_size = page_size,
        .bitmap = (uintptr_t)bits,
    };

    return im_iof_backend(p->base.file, IMU_CMD_DIRTY_GET, &get);
}

int im_iof_dirty_track(IofPaging *p, uint32_t flags)
{
    ImuDirtySet set = {
        .head.flags = flags,
        .set = p->base.file->set,
        .space = p->space.ref,
    };
    int err = im_iof_backend(p->base.file, IMU_CMD_DIRTY_SET, &set);

    if (!err) {
        p->tracking = flags & IMU_DIRTY_ON;
    }
    return err;
}

/* Switched on again, everything is clean again. */
int im_iof_dirty_set(ImIommufdCall *call)
{
    const IofDirtySet *a = call->cmd;
    const uint64_t half = UINT64_C(1) << 62;
    bool on = a->flags & IOF_DIRTY_ENABLE;
    IofPaging *p;
    uint8_t bits = 0;

    if (a->flags & ~IOF_DIRTY_ENABLE) {
        return -EOPNOTSUPP;
    }
    p = im_iof_paging(call->file, a->hwpt_id);
    if (!p) {
        return -ENOENT;
    }
    if (on && p->tracking) {
        return iof_dirty_ask(p, 0, 2 * half, half, false, &bits);
    }
    return p->base.driver->dirty_new && p->tracking ?
               0 :
               im_iof_dirty_track(p, on ? IMU_DIRTY_ON : 0);
}

/* --- reading ------------------------------------------------------------ */

/* Pages of one turn at most, and bits of the user: they fit the stack. */
#define TURN_BITS   4096u
#define TURN_BYTES  (TURN_BITS / 8)

/* The user's bits are of the lowest power of two in a->page_size, be it less
 * than a page: then there are many for one. */
typedef struct Reader {
    ImIommufdCall *call;
    const IofDirtyGet *a;
    IofPaging *p;
    uint64_t page;                  /* of the table */
    uint64_t bit;                   /* bytes of the user's bit */
    uint8_t bits[TURN_BYTES];       /* of this turn: of pages */
    uint8_t user[TURN_BYTES + 8];
    uint64_t first;
    uint32_t count;
} Reader;

static bool iof_dirty_has_bit(const uint8_t *bits, uint64_t n)
{
    return bits[n / 8] >> n % 8 & 1;
}

static void iof_dirty_set_bit(uint8_t *bits, uint64_t n)
{
    bits[n / 8] = (uint8_t)(bits[n / 8] | 1u << n % 8);
}

static uint64_t iof_dirty_turn_last(const Reader *r)
{
    return r->first + (r->count * r->page - 1);
}

/*
 * A large page has one dirty bit: all of its part of the turn is dirty, if
 * any page of it is. Pages that no area holds whole are not there.
 */
static int iof_dirty_widen(Reader *r, bool peek, uint64_t block)
{
    uint64_t size = UINT64_C(1) << r->p->dirty_shift;
    uint64_t last = block + (size - 1);
    uint64_t from = (MAX(block, r->first) - r->first) / r->page;
    uint64_t to = (MIN(last, iof_dirty_turn_last(r)) - r->first) / r->page;
    uint8_t any = 0;
    int err;

    if (!im_iof_ioas_covers(r->p->ioas, block, last)) {
        return 0;
    }
    err = iof_dirty_ask(r->p, block, size, size, peek, &any);
    for (uint64_t n = from; !err && (any & 1) && n <= to; n++) {
        iof_dirty_set_bit(r->bits, n);
    }
    return err;
}

/* One look at the pages of a turn. */
static int iof_dirty_look(Reader *r, bool peek)
{
    uint64_t size = UINT64_C(1) << r->p->dirty_shift;
    uint64_t block = r->first & ~(size - 1);
    int err = 0;

    while (!err && size > r->page) {
        err = iof_dirty_widen(r, peek, block);
        if (iof_dirty_turn_last(r) - block < size) {
            break;
        }
        block += size;
    }
    return err ? err :
                 iof_dirty_ask(r->p, r->first, r->count * r->page, r->page,
                               peek, r->bits);
}

/* The user's bits of the turn's dirty pages, ORed into what is there. */
static int iof_dirty_tell(Reader *r)
{
    uint64_t base = (r->first - r->a->iova) / r->bit / 8;
    uint64_t end = (iof_dirty_turn_last(r) - r->a->iova) / r->bit / 8;
    uint64_t to = r->a->bitmap + base;
    size_t len = (size_t)(end - base) + 1;
    bool any = false;
    int err;

    for (uint32_t i = 0; i < TURN_BYTES; i++) {
        any = any || r->bits[i];
    }
    err = any ? im_iof_copy_in(r->call, to, r->user, len) : 0;
    if (err || !any) {
        return err;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        uint64_t at = r->first - r->a->iova + i * r->page;
        uint64_t last = (at + (r->page - 1)) / r->bit;

        for (uint64_t n = at / r->bit;
             iof_dirty_has_bit(r->bits, i) && n <= last; n++) {
            iof_dirty_set_bit(r->user, n - base * 8);
        }
    }
    return im_iof_copy_out(r->call, to, r->user, len);
}

/* Bits are told before pages become clean. */
static int iof_dirty_turn(Reader *r)
{
    int err;

    memset(r->bits, 0, sizeof(r->bits));
    err = iof_dirty_look(r, true);
    if (!err) {
        err = iof_dirty_tell(r);
    }
    if (!err && !(r->a->flags & IOF_DIRTY_NO_CLEAR)) {
        err = iof_dirty_look(r, false);
    }
    return err;
}

/* Up to last, which is the end of a page. */
static void iof_dirty_read_to(Reader *r, uint64_t last)
{
    uint64_t pages = (last - r->first) / r->page + 1;
    uint64_t most = r->bit < r->page ? MAX(TURN_BITS * r->bit / r->page, 1) :
                                       TURN_BITS;
    int err = 0;

    while (!err && pages) {
        r->count = (uint32_t)MIN(pages, most);
        err = iof_dirty_turn(r);
        r->first += r->count * r->page;
        pages -= r->count;
    }
}

static int iof_dirty_check(const IofDirtyGet *a, const IofPaging *p)
{
    uint64_t mask = im_iof_ioas_alignment(p->ioas) - 1;

    if (!a->length) {
        return -EINVAL;
    }
    if (a->iova + (a->length - 1) < a->iova) {
        return -EOVERFLOW;
    }
    if (((a->iova | (a->iova + a->length)) & mask) || !a->page_size ||
        ((a->iova | (a->iova + a->length)) & (a->page_size - 1))) {
        return -EINVAL;
    }
    return p->base.flags & IOF_HWPT_DIRTY ? 0 : -EOPNOTSUPP;
}

/*
 * As Linux does, this reads up to the first hole, and tells neither of that
 * nor of a bitmap that cannot be written. What could not be told stays dirty.
 */
int im_iof_dirty_get(ImIommufdCall *call)
{
    const IofDirtyGet *a = call->cmd;
    Reader r = { .call = call, .a = a, .first = a->iova };
    uint64_t length;
    int err;

    if ((a->flags & ~IOF_DIRTY_NO_CLEAR) || a->reserved) {
        return -EOPNOTSUPP;
    }
    r.p = im_iof_paging(call->file, a->hwpt_id);
    err = r.p ? iof_dirty_check(a, r.p) : -ENOENT;
    if (err) {
        return err;
    }
    r.page = r.p->space.page;
    r.bit = a->page_size & -a->page_size;
    length = im_iof_ioas_covered(r.p->ioas, a->iova, a->iova + (a->length - 1));
    if (r.p->tracking && length) {
        iof_dirty_read_to(&r, a->iova + (length - 1));
    }
    return 0;
}
