/*
 * iommufd: dirty tracking.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/iommufd/dev_int.h"

int im_iof_dirty_set(ImIommufdCall *call)
{
    const IofDirtySet *a = call->cmd;
    ImuDirtySet set = { .set = call->file->set };
    IofPaging *p;

    if ((a->flags & ~IOF_DIRTY_ENABLE) || a->reserved) {
        return -EOPNOTSUPP;
    }
    p = im_iof_paging(call->file, a->hwpt_id);
    if (!p) {
        return -ENOENT;
    }
    set.head.flags = a->flags & IOF_DIRTY_ENABLE ? IMU_DIRTY_ON : 0;
    set.space = p->space.ref;
    return im_iof_backend(call->file, IMU_CMD_DIRTY_SET, &set);
}

/* --- reading ------------------------------------------------------------ */

/* Pages of one turn: their bits fit the stack. */
#define TURN_BITS   4096u
#define TURN_BYTES  (TURN_BITS / 8)

typedef struct Reader {
    ImIommufdCall *call;
    const IofDirtyGet *a;
    IofPaging *p;
    uint8_t bits[TURN_BYTES];       /* of this turn */
    uint64_t first;                 /* its first page of a->page_size */
    uint32_t count;
} Reader;

static int ask(const Reader *r, uint64_t iova, uint64_t length,
               uint64_t page_size, bool peek, uint8_t *bits)
{
    ImuDirtyGet get = {
        .head.flags = peek ? IMU_DIRTY_PEEK : 0,
        .set = r->call->file->set,
        .space = r->p->space.ref,
        .iova = iova,
        .length = length,
        .page_size = page_size,
        .bitmap = (uintptr_t)bits,
    };

    return im_iof_backend(r->call->file, IMU_CMD_DIRTY_GET, &get);
}

static void set_bit(uint8_t *bits, uint64_t n)
{
    bits[n / 8] = (uint8_t)(bits[n / 8] | 1u << n % 8);
}

/*
 * A large page has one dirty bit: all of its part of the turn is dirty, if
 * any page of it is. Pages that no area holds whole are not there.
 */
static int widen(Reader *r, bool peek, uint64_t block)
{
    const IofDirtyGet *a = r->a;
    uint64_t size = UINT64_C(1) << r->p->dirty_shift;
    uint64_t last = block + (size - 1);
    uint64_t from = MAX(block, r->first);
    uint64_t to = MIN(last, r->first + (r->count * a->page_size - 1));
    uint8_t any = 0;
    int err;

    if (!im_iof_ioas_covers(r->p->ioas, block, last)) {
        return 0;
    }
    err = ask(r, block, size, size, peek, &any);
    for (uint64_t at = from; !err && (any & 1) && at <= to;
         at += a->page_size) {
        set_bit(r->bits, (at - r->first) / a->page_size);
        if (to - at < a->page_size) {
            break;
        }
    }
    return err;
}

/* One look at the pages of a turn. */
static int look(Reader *r, bool peek)
{
    const IofDirtyGet *a = r->a;
    uint64_t size = UINT64_C(1) << r->p->dirty_shift;
    uint64_t last = r->first + (r->count * a->page_size - 1);
    uint64_t block = r->first & ~(size - 1);
    int err = 0;

    if (size <= a->page_size) {
        return ask(r, r->first, r->count * a->page_size, a->page_size, peek,
                   r->bits);
    }
    for (;;) {
        err = widen(r, peek, block);
        if (err || last - block < size) {
            break;
        }
        block += size;
    }
    return err ? err : ask(r, r->first, r->count * a->page_size,
                           a->page_size, peek, r->bits);
}

/* Bits are ORed into the caller's, before pages become clean. */
static int turn(Reader *r)
{
    uint8_t user[TURN_BYTES];
    uint64_t bit = (r->first - r->a->iova) / r->a->page_size;
    uint64_t to = r->a->bitmap + bit / 8;
    size_t len = (r->count + 7) / 8;
    int err;

    memset(r->bits, 0, sizeof(r->bits));
    err = look(r, true);
    if (!err) {
        err = im_iof_copy_in(r->call, to, user, len);
    }
    if (!err) {
        for (size_t i = 0; i < len; i++) {
            user[i] |= r->bits[i];
        }
        err = im_iof_copy_out(r->call, to, user, len);
    }
    if (!err && !(r->a->flags & IOF_DIRTY_NO_CLEAR)) {
        err = look(r, false);
    }
    return err;
}

static int check(const IofDirtyGet *a, const IofPaging *p)
{
    uint64_t mask = p->space.page - 1;

    if (!a->length || !a->page_size ||
        (a->page_size & (a->page_size - 1)) || (a->iova & mask) ||
        (a->length & mask) || (a->page_size & mask)) {
        return -EINVAL;
    }
    if (a->iova + (a->length - 1) < a->iova) {
        return -EOVERFLOW;
    }
    if ((a->iova | a->length) & (a->page_size - 1)) {
        return -EINVAL;
    }
    if (!(p->base.flags & IOF_HWPT_DIRTY)) {
        return -EOPNOTSUPP;
    }
    return im_iof_ioas_covers(p->ioas, a->iova,
                              a->iova + (a->length - 1)) ? 0 : -EINVAL;
}

int im_iof_dirty_get(ImIommufdCall *call)
{
    const IofDirtyGet *a = call->cmd;
    Reader r = { .call = call, .a = a };
    uint64_t pages;
    int err;

    if ((a->flags & ~IOF_DIRTY_NO_CLEAR) || a->reserved) {
        return -EOPNOTSUPP;
    }
    r.p = im_iof_paging(call->file, a->hwpt_id);
    err = r.p ? check(a, r.p) : -ENOENT;
    if (err) {
        return err;
    }
    pages = a->length / a->page_size;
    r.first = a->iova;
    while (!err && pages) {
        r.count = (uint32_t)MIN(pages, TURN_BITS);
        err = turn(&r);
        r.first += r.count * a->page_size;
        pages -= r.count;
    }
    return err;
}
