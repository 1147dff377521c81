/*
 * Mapped spaces: MAP, UNMAP, COPY, and the lookup that the walker uses in
 * place of tables.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>

#include "hw/ioasid/memory.h"
#include "hw/ioasid/owner.h"

#define PERM  (IMU_PROT_READ | IMU_PROT_WRITE | IMU_PROT_EXEC)
G_STATIC_ASSERT((int)IMU_PROT_READ == (int)IM_PERM_R);
G_STATIC_ASSERT((int)IMU_PROT_WRITE == (int)IM_PERM_W);
G_STATIC_ASSERT((int)IMU_PROT_EXEC == (int)IM_PERM_X);

/* Alignment beyond which large pages gain nothing. */
#define ALIGN_MAX    (UINT64_C(1) << 21)
/* The largest page that a map stands for. */
#define SHIFT_MAX    42

static uint64_t io_map_page_rest(const ImIoasid *h)
{
    return (UINT64_C(1) << h->cfg.page_shift) - 1;
}

/* --- life ------------------------------------------------------------- */

IoMap *im_iomap_new(ImIoasid *h)
{
    IoMap *m = im_ioasid_alloc(h, sizeof(*m));

    if (m) {
        *m = (IoMap) { .h = h, .gen = 1 };
    }
    return m;
}

static void io_map_free_area(ImIoasid *h, IoArea *a)
{
    if (a->dirty) {
        im_ioasid_release(h, a->dirty, im_iomap_dirty_bytes(h, a));
    }
    im_ioasid_release(h, a, sizeof(*a));
}

static void io_map_unmapped(ImIoasid *h, IoArea *a)
{
    im_iopages_put(h, a->pages);
    io_map_free_area(h, a);
}

static IoArea *io_map_take(IoMap *m, IoArea *a)
{
    m->root = im_ioarea_remove(m->root, a);
    m->recent = NULL;
    m->areas--;
    return a;
}

void im_iomap_free(ImIoasid *h, IoMap *m)
{
    ImMemory mem = im_ioasid_memory(h);

    while (m->root) {
        io_map_unmapped(h, io_map_take(m, m->root));
    }
    im_ranges_free(&mem, &m->allowed);
    im_ranges_free(&mem, &m->reserved);
    im_ioasid_release(h, m, sizeof(*m));
}

/* --- lookup ----------------------------------------------------------- */

static IoArea *io_map_area_at(IoMap *m, uint64_t in)
{
    IoArea *a = m->recent;

    if (a && in >= a->first && in <= a->last) {
        return a;
    }
    a = im_ioarea_from(m->root, in);
    if (!a || a->first > in) {
        return NULL;
    }
    m->recent = a;
    return a;
}

/* log2 of the largest aligned block around in that one view can tell of. */
static uint8_t io_map_block_shift(const IoMap *m, const IoArea *a, uint64_t in,
                                  uint64_t out)
{
    uint8_t shift = m->h->cfg.page_shift;
    uint64_t apart = in ^ out;

    if (a->pages->each || a->dirty) {
        return shift;
    }
    while (shift < SHIFT_MAX) {
        uint64_t rest = (UINT64_C(2) << shift) - 1;

        if ((apart & rest) || (in & ~rest) < a->first ||
            (in | rest) > a->last) {
            break;
        }
        shift++;
    }
    return shift;
}

static ImPteKind io_map_lookup(const ImPtStage *st, uint64_t in, ImPteView *v)
{
    IoMap *m = st->map;
    unsigned page = m->h->cfg.page_shift;
    IoArea *a = io_map_area_at(m, in);
    uint64_t index, pa;

    if (!a) {
        return IM_PTE_FAULT;
    }
    index = (in - a->first) >> page;
    pa = im_iopages_at(m->h, a->pages, a->index + index);
    *v = (ImPteView) {
        .perm = a->prot,
        .shift = io_map_block_shift(m, a, in & ~((UINT64_C(1) << page) - 1),
                                    pa),
    };
    v->addr = pa & ~((UINT64_C(1) << v->shift) - 1);
    if (a->dirty && !(a->dirty[index / 64] >> index % 64 & 1)) {
        v->dirty = 1;
    }
    return IM_PTE_LEAF;
}

static void io_map_written(const ImPtStage *st, uint64_t in)
{
    IoMap *m = st->map;
    IoArea *a = io_map_area_at(m, in);
    uint64_t index = (in - a->first) >> m->h->cfg.page_shift;

    a->dirty[index / 64] |= UINT64_C(1) << index % 64;
}

static bool io_map_pages_reach(const ImIoasid *h, const IoArea *a, uint64_t pa)
{
    uint64_t page = pa & ~io_map_page_rest(h);
    uint64_t count = im_ioarea_pages(h, a);

    if (!a->pages->each) {
        uint64_t base = im_iopages_at(h, a->pages, a->index);

        return page - base <= (count - 1) << h->cfg.page_shift;
    }
    for (uint64_t i = 0; i < count; i++) {
        if ((a->pages->each[a->index + i] ^ pa) <= io_map_page_rest(h)) {
            return true;
        }
    }
    return false;
}

static uint8_t io_map_reaches(const ImIoasid *h, const IoArea *a, uint64_t pa)
{
    if (!a) {
        return 0;
    }
    return (uint8_t)((io_map_pages_reach(h, a, pa) ? a->prot : 0) |
                     io_map_reaches(h, im_ioarea_of(a->child[0]), pa) |
                     io_map_reaches(h, im_ioarea_of(a->child[1]), pa));
}

uint8_t im_iomap_reaches(const IoMap *m, uint64_t pa)
{
    return io_map_reaches(m->h, m->root, pa);
}

static const char *const entry_names[] = { "mapping" };

const ImPtFormat im_ioasid_map_format = {
    .name = "mapped space",
    .entry = entry_names,
    .levels = 1,
    .page_shift = 12,
    .entry_size = 8,
    .lookup = io_map_lookup,
    .written = io_map_written,
};

/* --- where ------------------------------------------------------------ */

static bool io_map_mapped(const IoMap *m, uint64_t first, uint64_t last)
{
    const IoArea *a = im_ioarea_from(m->root, first);

    return a && a->first <= last;
}

int im_iomap_admits(const IoMap *m, const IoHostDev *dev)
{
    for (unsigned i = 0; i < dev->cfg.reserved_count; i++) {
        ImuRange r = dev->cfg.reserved[i];

        if (io_map_mapped(m, r.first, r.last) ||
            im_ranges_meet(&m->allowed, r.first, r.last)) {
            return -EADDRINUSE;
        }
    }
    return 0;
}

/* A place where it is allowed, between what is reserved. */
static bool io_map_gap_allowed(const IoMap *m, uint64_t len, uint64_t align,
                               uint64_t *at)
{
    /* Not 0: too many programs take it for nothing. */
    const ImRange all = { align, UINT64_MAX };
    const ImRange *allowed = m->allowed.count ? m->allowed.range : &all;

    for (uint32_t i = 0; i < MAX(m->allowed.count, 1); i++) {
        ImRange rest = allowed[i];
        ImRange gap;

        while (im_ranges_gap(&m->reserved, &rest, &gap)) {
            if (im_ioarea_gap(m->root, gap.first, gap.last, len, align, at)) {
                return true;
            }
        }
    }
    return false;
}

/* Aligned as the memory is, so that large pages stay large; or as can be. */
static int io_map_choose(const IoMap *m, uint64_t user, uint64_t len,
                         uint64_t *at)
{
    uint64_t page = UINT64_C(1) << m->h->cfg.page_shift;
    uint64_t align = ALIGN_MAX;

    while (align > page && ((user & (align - 1)) || align > len)) {
        align >>= 1;
    }
    return io_map_gap_allowed(m, len, align, at) ||
                   io_map_gap_allowed(m, len, page, at) ?
               0 :
               -ENOSPC;
}

/* A fixed place. */
static int io_map_admit(const IoMap *m, uint64_t iova, uint64_t len)
{
    uint64_t last = iova + (len - 1);

    if (im_ranges_meet(&m->reserved, iova, last) ||
        (m->allowed.count && !im_ranges_hold(&m->allowed, iova, last))) {
        return -EINVAL;
    }
    return io_map_mapped(m, iova, last) ? -EEXIST : 0;
}

/* --- areas on their way in -------------------------------------------- */

/* pages is not referred to until the area is committed. */
static IoArea *io_map_new_area(ImIoasid *h, const IoSpace *space, uint64_t iova,
                               uint64_t len, uint8_t prot)
{
    IoArea *a = im_ioasid_alloc(h, sizeof(*a));

    if (!a) {
        return NULL;
    }
    *a = (IoArea) { .first = iova, .last = iova + (len - 1), .prot = prot };
    if (space->dirty_on) {
        a->dirty = im_ioasid_alloc(h, im_iomap_dirty_bytes(h, a));
        if (!a->dirty) {
            im_ioasid_release(h, a, sizeof(*a));
            return NULL;
        }
        if (space->dirty_new && (prot & IMU_PROT_WRITE)) {
            memset(a->dirty, 0xff, im_iomap_dirty_bytes(h, a));
        }
    }
    return a;
}

static void io_map_commit(IoMap *m, IoArea *a)
{
    m->root = im_ioarea_insert(m->root, a);
    m->areas++;
}

/* Values of MAP and COPY. */
static int io_map_check_values(const ImIoasid *h, uint32_t flags, uint64_t from,
                               uint64_t len, uint64_t iova)
{
    uint64_t rest = io_map_page_rest(h);
    bool fixed = flags & IMU_MAP_FIXED;

    if (!(flags & (IMU_PROT_READ | IMU_PROT_WRITE)) ||
        (flags & (IMU_PROT_READ | IMU_PROT_EXEC)) == IMU_PROT_EXEC ||
        len == 0 || ((from | len) & rest) || (fixed && (iova & rest))) {
        return -EINVAL;
    }
    if (from + (len - 1) < from || (fixed && iova + (len - 1) < iova)) {
        return -EOVERFLOW;
    }
    return 0;
}

/* Of a fixed place, whether it can be had. */
static int io_map_check_place(ImIoasid *h, IoSpace *space, uint32_t flags,
                              uint64_t len, uint64_t iova)
{
    int err = im_iomap_find_reserved(h, space);

    return !err && (flags & IMU_MAP_FIXED) ?
               io_map_admit(space->map, iova, len) :
               err;
}

static int io_map_find_place(const IoSpace *space, uint32_t flags,
                             uint64_t user, uint64_t len, uint64_t *iova)
{
    return flags & IMU_MAP_FIXED ? 0 :
                                   io_map_choose(space->map, user, len, iova);
}

IM_RULE(IOASID_CMD_MAP);
int im_ioasid_cmd_MAP(ImIoasidCtx *c, void *arg)
{
    ImuMap *a = arg;
    ImIoasid *h = c->host;
    IoArea *area;
    IoSpace *space;
    int err = im_ioasid_space_of(c, a->set, a->space, &space);

    if (err) {
        return err;
    }
    if (!space->map) {
        return -EINVAL;
    }
    err = io_map_check_values(h, a->head.flags, a->user, a->length, a->iova);
    if (!err) {
        err = io_map_check_place(h, space, a->head.flags, a->length, a->iova);
    }
    if (!err) {
        err = im_ioasid_may_have(space->obj.set, IM_IOASID_PAGES,
                                 a->length >> h->cfg.page_shift, &a->exhausted);
    }
    if (!err) {
        a->exhausted = 0;
        err = io_map_find_place(space, a->head.flags, a->user, a->length,
                                &a->iova);
    }
    if (err) {
        return err;
    }
    area = io_map_new_area(h, space, a->iova, a->length,
                           (uint8_t)(a->head.flags & PERM));
    if (!area) {
        return -ENOMEM;
    }
    err = im_iopages_pin(c, a->user, a->length >> h->cfg.page_shift,
                         a->head.flags & IMU_PROT_WRITE, &area->pages);
    if (err) {
        io_map_free_area(h, area);
        return err;
    }
    err = im_ioasid_respond(c, a);
    if (err) {
        im_iopages_put(h, area->pages);
        io_map_free_area(h, area);
        return err;
    }
    io_map_commit(space->map, area);
    return 0;
}

/* --- UNMAP ------------------------------------------------------------ */

static void io_map_changed_bind(ImIoasid *h, IoBind *b, uint64_t first,
                                uint64_t last)
{
    IoAtcInv inv = { .bind = b,
                     .first = first,
                     .last = last,
                     .pasid = b->hpasid,
                     .has_pasid = b->pasid };

    if (b->ats_used) {
        im_ioasid_atc_inv(h, &inv);
    }
}

void im_iomap_changed(ImIoasid *h, IoSpace *space, uint64_t first,
                      uint64_t last)
{
    IoMap *m = space->map;
    bool left = false;

    m->gen++;
    h->caches->reach++;
    if (!m->ats_used) {
        return;
    }
    for (ImLink *n = space->binds; n; n = n->next) {
        IoBind *b = IM_LINK_OF(n, IoBind, by_space);

        io_map_changed_bind(h, b, first, last);
        left = left || b->ats_used;
    }
    for (ImLink *n = space->children; n; n = n->next) {
        IoSpace *child = IM_LINK_OF(n, IoSpace, in_parent);

        for (ImLink *k = child->binds; k; k = k->next) {
            if (IM_LINK_OF(k, IoBind, by_space)->ats_used) {
                im_ioasid_atc_inv_bind(h, IM_LINK_OF(k, IoBind, by_space),
                                       NULL);
            }
        }
    }
    m->ats_used = left;
    im_ioasid_rearm(h);
}

/* Bytes of the whole mappings inside. */
static int io_map_measure(const IoMap *m, uint64_t first, uint64_t last,
                          uint64_t *bytes)
{
    uint64_t at = first;
    const IoArea *a;

    *bytes = 0;
    while ((a = im_ioarea_from(m->root, at)) && a->first <= last) {
        if (a->first < first || a->last > last) {
            return -ENOENT;
        }
        *bytes += a->last - a->first + 1;
        if (a->last == UINT64_MAX) {
            break;
        }
        at = a->last + 1;
    }
    return *bytes || (first == 0 && last == UINT64_MAX) ? 0 : -ENOENT;
}

static void io_map_unmap(ImIoasid *h, IoSpace *space, uint64_t first,
                         uint64_t last)
{
    IoArea *gone = NULL;
    IoArea *a;

    while ((a = im_ioarea_from(space->map->root, first)) && a->first <= last) {
        io_map_take(space->map, a);
        a->next = gone;
        gone = a;
    }
    if (gone) {
        im_iomap_changed(h, space, first, last);
    }
    while (gone) {
        a = gone;
        gone = a->next;
        io_map_unmapped(h, a);
    }
}

IM_RULE(IOASID_CMD_UNMAP);
int im_ioasid_cmd_UNMAP(ImIoasidCtx *c, void *arg)
{
    ImuUnmap *a = arg;
    IoSpace *space;
    uint64_t first = a->iova;
    uint64_t last = a->iova + (a->length - 1);
    int err = im_ioasid_space_of(c, a->set, a->space, &space);

    if (err) {
        return err;
    }
    if (!space->map) {
        return -EINVAL;
    }
    if (first == 0 && a->length == UINT64_MAX) {
        last = UINT64_MAX;
    } else if (a->length == 0 ||
               ((first | a->length) & io_map_page_rest(c->host))) {
        return -EINVAL;
    } else if (last < first) {
        return -EOVERFLOW;
    }
    err = io_map_measure(space->map, first, last, &a->length);
    if (!err) {
        err = im_ioasid_respond(c, a);
    }
    if (!err) {
        io_map_unmap(c->host, space, first, last);
    }
    return err;
}

/* --- COPY ------------------------------------------------------------- */

static void io_map_discard(ImIoasid *h, IoArea *chain)
{
    while (chain) {
        IoArea *next = chain->next;

        io_map_free_area(h, chain);
        chain = next;
    }
}

/* Whether len bytes are mapped without a hole, with at least prot. */
static int io_map_check_source(IoMap *m, uint64_t at, uint64_t len,
                               uint8_t prot)
{
    uint64_t last = at + (len - 1);

    for (;;) {
        const IoArea *a = io_map_area_at(m, at);

        if (!a) {
            return -ENOENT;
        }
        if (prot & ~a->prot) {
            return -EPERM;
        }
        if (a->last >= last) {
            return 0;
        }
        at = a->last + 1;
    }
}

/* An area for each part of the source. */
static int io_map_build_copy(ImIoasid *h, const ImuCopy *a, const IoSpace *dst,
                             IoMap *src, IoArea **chain)
{
    uint64_t done = 0;

    *chain = NULL;
    while (done < a->length) {
        uint64_t at = a->src_iova + done;
        const IoArea *from = io_map_area_at(src, at);
        uint64_t len = MIN(a->length - done - 1, from->last - at) + 1;
        IoArea *to = io_map_new_area(h, dst, a->dst_iova + done, len,
                                     (uint8_t)(a->head.flags & PERM));

        if (!to) {
            io_map_discard(h, *chain);
            return -ENOMEM;
        }
        to->pages = from->pages;
        to->index = from->index + ((at - from->first) >> h->cfg.page_shift);
        to->next = *chain;
        *chain = to;
        done += len;
    }
    return 0;
}

static int io_map_copy_spaces(ImIoasidCtx *c, const ImuCopy *a, IoSpace **dst,
                              IoSpace **src)
{
    int err = im_ioasid_space_of(c, a->set, a->dst, dst);

    if (!err) {
        err = im_ioasid_space_of(c, a->set, a->src, src);
    }
    return !err && (!(*dst)->map || !(*src)->map) ? -EINVAL : err;
}

/* Where the first byte of the source is in user memory. */
static uint64_t io_map_user_of(IoMap *m, uint64_t at)
{
    const IoArea *a = io_map_area_at(m, at);

    return a->pages->user + (a->index << m->h->cfg.page_shift) +
           (at - a->first);
}

static int io_map_copy_place(ImIoasid *h, ImuCopy *a, IoSpace *dst,
                             IoSpace *src)
{
    int err = io_map_check_values(h, a->head.flags, a->src_iova, a->length,
                                  a->dst_iova);

    if (!err) {
        err = io_map_check_place(h, dst, a->head.flags, a->length, a->dst_iova);
    }
    if (!err) {
        err = io_map_check_source(src->map, a->src_iova, a->length,
                                  a->head.flags & PERM);
    }
    return err ? err :
                 io_map_find_place(dst, a->head.flags,
                                   io_map_user_of(src->map, a->src_iova),
                                   a->length, &a->dst_iova);
}

IM_RULE(IOASID_CMD_COPY);
IM_RULE(IOASID_DEPTH);
int im_ioasid_cmd_COPY(ImIoasidCtx *c, void *arg)
{
    ImuCopy *a = arg;
    IoSpace *dst, *src;
    IoArea *chain;
    int err = io_map_copy_spaces(c, a, &dst, &src);

    if (!err) {
        err = io_map_copy_place(c->host, a, dst, src);
    }
    if (!err) {
        err = io_map_build_copy(c->host, a, dst, src->map, &chain);
    }
    if (err) {
        return err;
    }
    err = im_ioasid_respond(c, a);
    if (err) {
        io_map_discard(c->host, chain);
        return err;
    }
    while (chain) {
        IoArea *next = chain->next;

        chain->pages->users++;
        io_map_commit(dst->map, chain);
        chain = next;
    }
    return 0;
}
