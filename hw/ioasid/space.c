/*
 * I/O address spaces: kinds, parents, and what may be bound to them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <inttypes.h>

#include "hw/ioasid/memory.h"

static const char *const kinds[] = {
    [IMU_SPACE_MAPPED] = "mapped",
    [IMU_SPACE_NESTED] = "nested",
    [IMU_SPACE_PASID_TABLE] = "pasid-table",
    [IMU_SPACE_BLOCK] = "block",
};

static const char *const format_names[] = {
    [IMU_FORMAT_NONE] = "",
    [IMU_FORMAT_VTD_FIRST] = " vtd-first",
    [IMU_FORMAT_SMMU_STE] = " smmu-ste",
};

static bool io_space_has_table(uint32_t kind)
{
    return kind == IMU_SPACE_NESTED || kind == IMU_SPACE_PASID_TABLE;
}

/* --- SPACE_CREATE ----------------------------------------------------- */

static int io_space_find_space(IoSet *set, ImuRef ref, IoSpace **out)
{
    IoObject *obj;
    int err = im_ioasid_find(set, IMU_KIND_SPACE, ref, &obj);

    if (!err) {
        *out = IM_LINK_OF(obj, IoSpace, obj);
    }
    return err;
}

int im_ioasid_space_of(ImIoasidCtx *c, ImuRef set_ref, ImuRef ref,
                       IoSpace **space)
{
    IoSet *set;
    int err = im_ioasid_set_of(c, set_ref, &set);

    return err ? err : io_space_find_space(set, ref, space);
}

static int io_space_find_others(const ImuSpaceCreate *a, IoSet *set,
                                IoSpace **parent, IoQueue **faultq)
{
    IoObject *obj;
    int err = 0;

    *parent = NULL;
    *faultq = NULL;
    if (io_space_has_table(a->kind)) {
        err = io_space_find_space(set, a->parent, parent);
    }
    if (!err && !im_ref_is_null(a->faultq)) {
        err = im_ioasid_find(set, IMU_KIND_FAULTQ, a->faultq, &obj);
        if (!err) {
            *faultq = IM_LINK_OF(obj, IoQueue, obj);
        }
    }
    return err;
}

/* Which kinds, formats, parents and flags go together: IOASID_CMD_SPACE_CREATE
 * has the table. */
static int io_space_check_kind(const ImuSpaceCreate *a, const IoSet *set,
                               const IoSpace *parent)
{
    if (a->kind >= G_N_ELEMENTS(kinds) ||
        a->format >= G_N_ELEMENTS(format_names)) {
        return -EOPNOTSUPP;
    }
    if ((a->kind != IMU_SPACE_MAPPED && a->head.flags) ||
        ((a->head.flags & IMU_SPACE_FILL) && im_ref_is_null(a->faultq)) ||
        (a->kind == IMU_SPACE_BLOCK && !im_ref_is_null(a->faultq))) {
        return -EINVAL;
    }
    if (!io_space_has_table(a->kind)) {
        return !im_ref_is_null(a->parent) || a->format != IMU_FORMAT_NONE ||
                       a->data || a->data_size ?
                   -EINVAL :
                   0;
    }
    return !parent->map || !(parent->flags & IMU_SPACE_PARENT) ||
                   (a->kind == IMU_SPACE_PASID_TABLE &&
                    set->cfg.map_mode == IMU_MODE_TRANSLATE) ?
               -EINVAL :
               0;
}

/* What a kind of space has of its own. A guest's that has no format has no
 * table: its addresses are the parent's. */
static int io_space_add_contents(ImIoasidCtx *c, const ImuSpaceCreate *a,
                                 IoSpace *s)
{
    if (io_space_has_table(a->kind) && a->format == IMU_FORMAT_NONE) {
        return a->data || a->data_size ? -EINVAL : 0;
    }
    if (io_space_has_table(a->kind)) {
        return im_ioasid_table_new(c, a, &s->table);
    }
    if (a->kind == IMU_SPACE_MAPPED) {
        s->map = im_iomap_new(c->host);
        return s->map ? 0 : -ENOMEM;
    }
    return 0;
}

static void io_space_drop(ImIoasid *h, IoSpace *s)
{
    if (s->map) {
        im_iomap_free(h, s->map);
    }
    im_ioasid_table_free(h, s->format, s->table);
    im_ioasid_release(h, s, sizeof(*s));
}

static int io_space_create(ImIoasidCtx *c, ImuSpaceCreate *a, IoSet *set,
                           IoSpace **out)
{
    IoSpace *s = im_ioasid_alloc(c->host, sizeof(*s));
    int err;

    if (!s) {
        return -ENOMEM;
    }
    *s = (IoSpace) { .kind = (uint8_t)a->kind,
                     .format = (uint8_t)a->format,
                     .flags = a->head.flags,
                     .tag = a->tag,
                     .obj.set = set };
    err = io_space_add_contents(c, a, s);
    if (!err) {
        err = im_ioasid_number(c, &s->obj, IMU_KIND_SPACE, set);
    }
    if (!err) {
        a->space = s->obj.ref;
        err = im_ioasid_publish(c, a, &s->obj);
    }
    if (err) {
        io_space_drop(c->host, s);
        return err;
    }
    *out = s;
    return 0;
}

IM_RULE(IOASID_CMD_SPACE_CREATE);
int im_ioasid_cmd_SPACE_CREATE(ImIoasidCtx *c, void *arg)
{
    ImuSpaceCreate *a = arg;
    IoSpace *parent, *s;
    IoQueue *faultq;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (!err) {
        err = io_space_find_others(a, set, &parent, &faultq);
    }
    if (!err) {
        err = io_space_check_kind(a, set, parent);
    }
    if (!err) {
        err = io_space_create(c, a, set, &s);
    }
    if (err) {
        return err;
    }
    if (parent) {
        s->parent = parent;
        parent->obj.users++;
        im_link_in(&parent->children, &s->in_parent);
    }
    if (faultq) {
        s->faultq = faultq;
        faultq->obj.users++;
    }
    return 0;
}

/* --- SPACE_DESTROY ---------------------------------------------------- */

void im_ioasid_space_free(ImIoasidCtx *c, IoSpace *s)
{
    if (s->parent) {
        s->parent->obj.users--;
        im_link_out(&s->in_parent);
    }
    if (s->faultq) {
        s->faultq->obj.users--;
    }
    im_ioasid_unnumber(c, &s->obj);
    io_space_drop(c->host, s);
}

IM_RULE(IOASID_CMD_SPACE_DESTROY);
int im_ioasid_cmd_SPACE_DESTROY(ImIoasidCtx *c, void *arg)
{
    const ImuSpaceDestroy *a = arg;
    IoSpace *s;
    IoSet *set;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (!err) {
        err = io_space_find_space(set, a->space, &s);
    }
    if (!err && (s->binds || s->children || s->obj.users)) {
        err = -EBUSY;
    }
    if (!err) {
        im_ioasid_space_free(c, s);
    }
    return err;
}

/* --- bindings --------------------------------------------------------- */

int im_ioasid_space_fits(const IoSpace *s, const IoDev *dev,
                         const IoPasid *pasid)
{
    const IoSpace *root = im_ioasid_root(s);

    if (s->kind == IMU_SPACE_PASID_TABLE &&
        (pasid || !(dev->host->cfg.caps & IMU_DEV_CAP_PASID))) {
        return -EINVAL;
    }
    return root ? im_iomap_admits(root->map, dev->host) : 0;
}

/* --- for people, and for tests ---------------------------------------- */

#define MAX_DUMPED  16

static void io_space_dump_areas(const IoSpace *s, GString *out)
{
    const IoMap *m = s->map;
    uint64_t at = 0;

    for (unsigned n = 0; n < MAX_DUMPED; n++) {
        const IoArea *a = im_ioarea_from(m->root, at);

        if (!a) {
            return;
        }
        g_string_append_printf(
            out,
            "    %016" PRIx64 " - %016" PRIx64 " %c%c%c user %" PRIx64 "\n",
            a->first, a->last, a->prot & IMU_PROT_READ ? 'r' : '-',
            a->prot & IMU_PROT_WRITE ? 'w' : '-',
            a->prot & IMU_PROT_EXEC ? 'x' : '-',
            a->pages->user + (a->index << m->h->cfg.page_shift));
        if (a->last == UINT64_MAX) {
            return;
        }
        at = a->last + 1;
    }
    if (m->areas > MAX_DUMPED) {
        g_string_append_printf(out, "    ... %" PRIu64 " more\n",
                               m->areas - MAX_DUMPED);
    }
}

void im_ioasid_space_dump(const IoSpace *s, GString *out)
{
    g_string_append_printf(out, "  space %u.%u %s%s%s%s", s->obj.ref.id,
                           s->obj.ref.gen, kinds[s->kind],
                           format_names[s->format],
                           s->flags & IMU_SPACE_PARENT ? " parent" : "",
                           s->dirty_on ? " dirty-tracking" : "");
    if (s->parent) {
        g_string_append_printf(out, " on %u.%u", s->parent->obj.ref.id,
                               s->parent->obj.ref.gen);
    }
    if (s->faultq) {
        g_string_append_printf(out, " faults to %u.%u", s->faultq->obj.ref.id,
                               s->faultq->obj.ref.gen);
    }
    if (s->map) {
        g_string_append_printf(out, " mappings %" PRIu64, s->map->areas);
    }
    g_string_append_c(out, '\n');
    if (s->map) {
        io_space_dump_areas(s, out);
    }
}

static uint64_t io_space_count_areas(const ImSpan *a)
{
    return a ? 1 + io_space_count_areas(a->child[0]) +
                   io_space_count_areas(a->child[1]) :
               0;
}

static char *io_space_check_map(const IoSpace *s)
{
    const IoMap *m = s->map;
    const ImSpan *root = im_ioarea_span(m->root);

    if (!im_span_check(root) || io_space_count_areas(root) != m->areas) {
        return g_strdup_printf("space %u: its mappings are out of order",
                               s->obj.ref.id);
    }
    for (uint64_t at = 0;;) {
        const IoArea *a = im_ioarea_from(m->root, at);

        if (!a) {
            return NULL;
        }
        if (!a->pages->users || !a->dirty != !s->dirty_on ||
            a->index + im_ioarea_pages(m->h, a) > a->pages->count) {
            return g_strdup_printf("space %u: mapping %" PRIx64 " has no "
                                   "pages or no dirty bits",
                                   s->obj.ref.id, a->first);
        }
        if (a->last == UINT64_MAX) {
            return NULL;
        }
        at = a->last + 1;
    }
}

char *im_ioasid_space_check(const ImIoasid *h, const IoSpace *s)
{
    uint32_t users = 0;

    for (ImLink *n = s->children; n; n = n->next) {
        const IoSpace *child = IM_LINK_OF(n, IoSpace, in_parent);

        users++;
        if (child->parent != s || child->obj.set != s->obj.set) {
            return g_strdup_printf("I7: space %u has a child of others",
                                   s->obj.ref.id);
        }
    }
    for (ImLink *n = s->binds; n; n = n->next) {
        const IoBind *b = IM_LINK_OF(n, IoBind, by_space);

        if (b->space != s) {
            return g_strdup_printf("I7: space %u is not what is bound to it",
                                   s->obj.ref.id);
        }
    }
    IM_POOL_EACH(&h->caches->views, const IoView, v) {
        if (v->bind && v->bind->space == s && v->map &&
            (!im_ioasid_root(s) || v->map != im_ioasid_root(s)->map)) {
            return g_strdup_printf("I4: space %u: a view of another map",
                                   s->obj.ref.id);
        }
    }
    return s->map           ? io_space_check_map(s) :
           users && !s->map ? g_strdup("I7: a parent without a map") :
                              NULL;
}
