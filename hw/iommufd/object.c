/*
 * iommufd: objects and their numbers, DESTROY, and objects of the host.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/iommufd/iommufd.h"

/* Numbers are 31 bits wide; a table of that many would be no table. */
#define NUMBERS_MAX  (1u << 20)

/* What holds the place of an object that is entombed. */
static const IofKind tomb_kind = { .name = "tomb" };
static const IofObject tomb = { .kind = &tomb_kind };

static int iof_object_grow(ImIommufd *f, IofTable *t)
{
    uint32_t room = t->room ? t->room * 2 : 16;
    IofObject **slot;

    if (room > NUMBERS_MAX) {
        return -ENOSPC;
    }
    slot = im_iof_alloc(f, room * sizeof(IofObject *));
    if (!slot) {
        return -ENOMEM;
    }
    if (t->room) {
        memcpy(slot, t->slot, t->room * sizeof(IofObject *));
        im_iof_release(f, t->slot, t->room * sizeof(IofObject *));
    }
    t->slot = slot;
    t->room = room;
    return 0;
}

int im_iof_object_in(ImIommufdFile *file, IofObject *obj, const IofKind *kind)
{
    IofTable *t = &file->table;
    uint32_t i = t->lowest;
    int err;

    while (i < t->room && t->slot[i]) {
        i++;
    }
    t->lowest = i;
    if (i >= t->room) {
        err = iof_object_grow(file->host, t);
        if (err) {
            return err;
        }
    }
    t->slot[i] = obj;
    t->lowest = i + 1;
    obj->kind = kind;
    obj->id = i + 1;
    return 0;
}

void im_iof_object_out(ImIommufdFile *file, IofObject *obj)
{
    IofTable *t = &file->table;

    t->slot[obj->id - 1] = NULL;
    t->lowest = MIN(t->lowest, obj->id - 1);
    obj->id = 0;
}

void im_iof_object_entomb(ImIommufdFile *file, IofObject *obj)
{
    file->table.slot[obj->id - 1] = (IofObject *)(uintptr_t)&tomb;
    obj->id = 0;
}

IofObject *im_iof_object(ImIommufdFile *file, const IofKind *kind, uint32_t id)
{
    IofObject *obj = id && id <= file->table.room ? file->table.slot[id - 1] :
                                                    NULL;

    if (!obj || obj == &tomb || (kind && obj->kind != kind)) {
        return NULL;
    }
    return obj;
}

IofObject *im_iof_object_next(ImIommufdFile *file, uint32_t after)
{
    for (uint32_t i = after; i < file->table.room; i++) {
        IofObject *obj = file->table.slot[i];

        if (obj && obj != &tomb) {
            return obj;
        }
    }
    return NULL;
}

static void iof_object_destroy(ImIommufdFile *file, IofObject *obj)
{
    im_iof_object_out(file, obj);
    obj->kind->destroy(file, obj);
}

int im_iof_destroy(ImIommufdCall *call)
{
    const IofDestroyArg *a = call->cmd;
    IofObject *obj = im_iof_object(call->file, NULL, a->id);

    if (!obj) {
        return -ENOENT;
    }
    if (obj->users) {
        return -EBUSY;
    }
    iof_object_destroy(call->file, obj);
    return 0;
}

void im_iof_objects_end(ImIommufdFile *file)
{
    IofTable *t = &file->table;
    bool more;

    do {
        more = false;
        for (uint32_t i = t->room; i-- > 0;) {
            if (t->slot[i] && t->slot[i] != &tomb && !t->slot[i]->users) {
                iof_object_destroy(file, t->slot[i]);
                more = true;
            }
        }
    } while (more);
    im_iof_release(file->host, t->slot, t->room * sizeof(IofObject *));
    *t = (IofTable) { 0 };
}

/* --- things: objects of the host ---------------------------------------- */

typedef struct Thing {
    IofObject obj;
    const ImIommufdThing *kind;
    void *opaque;
} Thing;

static void iof_object_thing_destroy(ImIommufdFile *file, IofObject *obj)
{
    Thing *thing = (Thing *)obj;

    thing->kind->destroy(file, thing->opaque);
    im_iof_release(file->host, thing, sizeof(*thing));
}

static const IofKind thing_kind = { "thing", iof_object_thing_destroy };

int im_iommufd_thing_new(ImIommufdFile *file, const ImIommufdThing *kind,
                         void *opaque, uint32_t *id)
{
    Thing *thing = im_iof_alloc(file->host, sizeof(*thing));
    int err = -ENOMEM;

    if (thing) {
        *thing = (Thing) { .kind = kind, .opaque = opaque };
        err = im_iof_object_in(file, &thing->obj, &thing_kind);
        if (err) {
            im_iof_release(file->host, thing, sizeof(*thing));
        } else {
            *id = thing->obj.id;
        }
    }
    return err;
}

void *im_iommufd_thing(ImIommufdFile *file, const ImIommufdThing *kind,
                       uint32_t id)
{
    Thing *thing = (Thing *)im_iof_object(file, &thing_kind, id);

    return thing && thing->kind == kind ? thing->opaque : NULL;
}

void im_iommufd_thing_free(ImIommufdFile *file, uint32_t id)
{
    IofObject *obj = im_iof_object(file, &thing_kind, id);

    if (obj) {
        iof_object_destroy(file, obj);
    }
}
