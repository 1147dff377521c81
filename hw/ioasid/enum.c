/*
 * ENUM: what there is, in an order that changes do not disturb. Objects go
 * by their numbers, bindings by those of device and PASID, mappings by their
 * addresses; the cursor is where the last one was.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/handle.h"
#include "hw/ioasid/memory.h"

#include <errno.h>
#include <string.h>

#define PASID_SHIFT  32     /* of a binding's cursor: its device is below */

typedef struct Search {
    ImIoasidCtx *c;
    IoSet *set;                 /* NULL: sets are wanted */
    IoSpace *space;             /* with IMU_LIST_MAPPINGS */
    uint64_t cursor;            /* in and out */
    uint8_t kind;               /* of objects */
} Search;

/* --- objects ------------------------------------------------------------ */

static const IoObject *io_enum_object(Search *s)
{
    const IoObject *obj;
    uint32_t id = (uint32_t)MIN(s->cursor, UINT32_MAX - 1) + 1;

    for (; (obj = im_handles_from(s->c->handles, id)); id = obj->ref.id + 1) {
        if (obj->kind == s->kind && obj->set == s->set) {
            s->cursor = obj->ref.id;
            return obj;
        }
    }
    return NULL;
}

static void io_enum_tell_set(const IoObject *obj, ImuEntry *e)
{
    const IoSet *set = IM_LINK_OF(obj, IoSet, obj);

    e->state = set->cfg.map_mode;
    e->pool = set->cfg.pool;
    e->first = set->cfg.gpasid_min;
    e->last = set->cfg.gpasid_max;
    e->value = set->cfg.user_token;
}

static void io_enum_tell_pasid(const IoObject *obj, ImuEntry *e)
{
    const IoPasid *p = IM_LINK_OF(obj, IoPasid, obj);

    e->state = p->state;
    e->number = p->gpasid;
}

static void io_enum_tell_dev(const IoObject *obj, ImuEntry *e)
{
    const IoDev *dev = IM_LINK_OF(obj, IoDev, obj);

    e->number = dev->host->cfg.func;
    e->value = dev->cookie;
}

static void io_enum_tell_space(const IoObject *obj, ImuEntry *e)
{
    const IoSpace *s = IM_LINK_OF(obj, IoSpace, obj);

    e->on = s->parent ? s->parent->obj.ref : (ImuRef) { 0 };
    e->of = s->faultq ? s->faultq->obj.ref : (ImuRef) { 0 };
    e->flags = s->flags;
    e->state = s->kind;
    e->number = s->tag;
}

static void io_enum_tell_faultq(const IoObject *obj, ImuEntry *e)
{
    const IoQueue *q = IM_LINK_OF(obj, IoQueue, obj);

    e->number = q->pages;
    e->value = q->deadline_ns;
}

static void io_enum_tell_evq(const IoObject *obj, ImuEntry *e)
{
    const IoQueue *q = IM_LINK_OF(obj, IoQueue, obj);

    e->number = q->count;
    e->last = q->sequence;
    e->value = q->depth;
}

/* --- bindings ----------------------------------------------------------- */

static uint64_t io_enum_place(const IoBind *b)
{
    return (b->pasid ? (uint64_t)b->pasid->obj.ref.id << PASID_SHIFT : 0) |
           b->dev->obj.ref.id;
}

/* The nearer of two behind the cursor. */
static const IoBind *io_enum_nearer(const Search *s, const IoBind *best,
                                    const IoBind *b)
{
    return io_enum_place(b) > s->cursor &&
                   (!best || io_enum_place(b) < io_enum_place(best)) ?
               b :
               best;
}

/* Those of devices come first, then PASID by PASID. */
static const IoBind *io_enum_own(const Search *s)
{
    const IoBind *best = NULL;

    for (const ImLink *l = s->set->objects[IMU_KIND_DEV];
         l && s->cursor <= UINT32_MAX; l = l->next) {
        const IoDev *dev = IM_LINK_OF(l, IoDev, obj.in_set);

        best = dev->own ? io_enum_nearer(s, best, dev->own) : best;
    }
    return best;
}

static const IoBind *io_enum_of_pasid(const Search *s, const IoPasid *p)
{
    const IoBind *best = NULL;

    for (const ImLink *l = p->binds; l; l = l->next) {
        const IoBind *b = IM_LINK_OF(l, IoBind, by_pasid);

        best = b->ended ? best : io_enum_nearer(s, best, b);
    }
    return best;
}

static const IoBind *io_enum_binding(Search *s)
{
    Search pasids = {
        .c = s->c,
        .set = s->set,
        .kind = IMU_KIND_PASID,
        .cursor = MAX(s->cursor >> PASID_SHIFT, 1) - 1,
    };
    const IoBind *b = io_enum_own(s);
    const IoObject *obj;

    while (!b && (obj = io_enum_object(&pasids))) {
        b = io_enum_of_pasid(s, IM_LINK_OF(obj, IoPasid, obj));
    }
    if (b) {
        s->cursor = io_enum_place(b);
    }
    return b;
}

static void io_enum_tell_binding(const IoBind *b, ImuEntry *e)
{
    e->on = b->dev->obj.ref;
    e->of = b->pasid ? b->pasid->obj.ref : (ImuRef) { 0 };
    e->space = b->space->obj.ref;
    e->flags = b->flags;
    e->number = b->pasid ? b->pasid->gpasid : 0;
}

/* --- mappings ----------------------------------------------------------- */

/* The cursor is the first page behind the last one. */
static const IoArea *io_enum_mapping(Search *s)
{
    unsigned page = s->c->host->cfg.page_shift;
    const IoArea *a = s->cursor > UINT64_MAX >> page ?
                          NULL :
                          im_ioarea_from(s->space->map->root,
                                         s->cursor << page);

    if (a) {
        s->cursor = (a->last >> page) + 1;
    }
    return a;
}

static void io_enum_tell_mapping(const Search *s, const IoArea *a, ImuEntry *e)
{
    e->on = s->space->obj.ref;
    e->flags = a->prot;
    e->first = a->first;
    e->last = a->last;
    e->value = a->pages->user + (a->index << s->c->host->cfg.page_shift);
}

/* --- the command -------------------------------------------------------- */

/* A list of objects: of which kind, and what is told of one. */
static const struct ListRow {
    uint8_t kind;
    void (*tell)(const IoObject *obj, ImuEntry *e);
} rows[] = {
    [IMU_LIST_SETS] = { IMU_KIND_SET, io_enum_tell_set },
    [IMU_LIST_PASIDS] = { IMU_KIND_PASID, io_enum_tell_pasid },
    [IMU_LIST_DEVS] = { IMU_KIND_DEV, io_enum_tell_dev },
    [IMU_LIST_SPACES] = { IMU_KIND_SPACE, io_enum_tell_space },
    [IMU_LIST_FAULTQS] = { IMU_KIND_FAULTQ, io_enum_tell_faultq },
    [IMU_LIST_EVQS] = { IMU_KIND_EVQ, io_enum_tell_evq },
};

/* false: no more. */
static bool io_enum_next(Search *s, uint32_t list, ImuEntry *e)
{
    const IoObject *obj;
    const IoArea *a;
    const IoBind *b;

    *e = (ImuEntry) { 0 };
    switch (list) {
    case IMU_LIST_BINDINGS:
        b = io_enum_binding(s);
        if (b) {
            io_enum_tell_binding(b, e);
        }
        return b;
    case IMU_LIST_MAPPINGS:
        a = io_enum_mapping(s);
        if (a) {
            io_enum_tell_mapping(s, a, e);
        }
        return a;
    default:
        s->kind = rows[list].kind;
        obj = io_enum_object(s);
        if (obj) {
            e->object = obj->ref;
            rows[list].tell(obj, e);
        }
        return obj;
    }
}

/* Handles, then values. */
static int io_enum_judge(ImIoasidCtx *c, const ImuEnum *a, Search *s)
{
    bool sets = a->list == IMU_LIST_SETS;
    bool mappings = a->list == IMU_LIST_MAPPINGS;
    int err = sets ? 0 : im_ioasid_set_of(c, a->set, &s->set);

    if (!err && mappings) {
        err = im_ioasid_space_of(c, a->set, a->space, &s->space);
    }
    if (err) {
        return err;
    }
    if (a->list > IMU_LIST_MAPPINGS) {
        return -EOPNOTSUPP;
    }
    if ((sets && !im_ref_is_null(a->set)) ||
        (!mappings && !im_ref_is_null(a->space)) ||
        (mappings && !s->space->map) || a->entry_size < sizeof(ImuEntry)) {
        return -EINVAL;
    }
    return a->entry_size > IMU_SIZE_MAX ? -E2BIG : 0;
}

IM_RULE(IOASID_CMD_ENUM);
int im_ioasid_cmd_ENUM(ImIoasidCtx *c, void *arg)
{
    ImuEnum *a = arg;
    Search s = { .c = c, .cursor = a->cursor };
    uint64_t at = a->entries;
    uint32_t n = 0;
    ImuEntry e;
    int err = io_enum_judge(c, a, &s);

    while (!err && n < a->count && io_enum_next(&s, a->list, &e)) {
        err = im_ioasid_put_user(c, at, &e, sizeof(e));
        at += a->entry_size;
        n++;
    }
    a->count = n;
    a->cursor = s.cursor;
    return err;
}
