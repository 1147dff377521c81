/*
 * A second opinion: what is mapped where, kept from the commands alone, and
 * compared with what devices reach and with how often memory is pinned.
 *
 * It asks the engine for none of its lists: areas are found by going through
 * all of them, tables by what commands answered. A disagreement is a line in
 * the file of --reports, which the test reads when the program is done.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mock_model.h"

#define REPORTS_MAX 50

static GPtrArray *views;
static char *report_path;
static unsigned reported;

bool mock_check_option(const char *name, const char *value)
{
    if (strcmp(name, "reports")) {
        return false;
    }
    report_path = g_strdup(value);
    return true;
}

unsigned model_reported(void)
{
    return reported;
}

void model_report(const char *format, ...)
{
    FILE *f;
    va_list ap;

    if (!report_path || ++reported > REPORTS_MAX) {
        return;
    }
    f = fopen(report_path, "a");
    if (f) {
        va_start(ap, format);
        vfprintf(f, format, ap);
        va_end(ap);
        fputc('\n', f);
        fclose(f);
    }
}

/* ----- what is there ------------------------------------------------------ */

void mock_stop(Server *s, void *extra)
{
    g_autofree char *path = g_strconcat(report_path, ".failed", NULL);
    FILE *f = report_path ? fopen(path, "a") : NULL;

    (void)extra;
    if (f) {
        fprintf(f, "%" PRIu64 "\n", server_failures(s));
        fclose(f);
    }
    if (views) {
        g_ptr_array_unref(views);
        views = NULL;
    }
    g_free(report_path);
}

static void memory_drop(Memory *mem)
{
    if (!--mem->refs) {
        g_free(mem);
    }
}

static void area_free(void *p)
{
    Area *a = p;

    memory_drop(a->memory);
    g_free(a);
}

static void view_free(void *p)
{
    View *v = p;

    g_ptr_array_unref(v->areas);
    g_array_unref(v->objects);
    g_array_unref(v->attached);
    g_free(v);
}

GPtrArray *model_views(void)
{
    if (!views) {
        views = g_ptr_array_new_with_free_func(view_free);
    }
    return views;
}

View *model_view(ImIommufdFile *file)
{
    View *v;

    for (unsigned i = 0; i < model_views()->len; i++) {
        v = views->pdata[i];
        if (v->file == file) {
            return v;
        }
    }
    v = g_new0(View, 1);
    v->file = file;
    v->areas = g_ptr_array_new_with_free_func(area_free);
    v->objects = g_array_new(FALSE, TRUE, sizeof(Object));
    v->attached = g_array_new(FALSE, TRUE, sizeof(Attached));
    g_ptr_array_add(views, v);
    return v;
}

/* A file ends with its last access. */
void mock_access_gone(ImIommufdFile *file)
{
    for (unsigned i = 0; i < model_views()->len; i++) {
        View *v = views->pdata[i];

        if (v->file == file && v->closed && !mock_access_of(file)) {
            g_ptr_array_remove_index_fast(views, i);
            return;
        }
    }
}

void mock_closed(File *f)
{
    ImIommufdFile *file = server_iommufd(f);

    model_view(file)->closed = true;
    mock_access_gone(file);
}

Object *model_object(View *v, uint32_t id)
{
    for (unsigned i = 0; i < v->objects->len; i++) {
        Object *o = &g_array_index(v->objects, Object, i);

        if (o->id == id) {
            return o;
        }
    }
    return NULL;
}

void model_object_out(View *v, uint32_t id)
{
    for (unsigned i = 0; i < v->objects->len; i++) {
        if (g_array_index(v->objects, Object, i).id == id) {
            g_array_remove_index_fast(v->objects, i);
            return;
        }
    }
}

void model_object_in(View *v, uint32_t id, Kind kind, uint32_t below, bool made)
{
    Object o = { id, kind, below, made };

    model_object_out(v, id);
    g_array_append_val(v->objects, o);
}

/* The IOAS that a table or vIOMMU stands on, 0: not known. */
uint32_t model_ioas(View *v, uint32_t id)
{
    Object *o = model_object(v, id);

    for (unsigned i = 0; o && i < 4; i++) {
        if (o->kind == IOAS) {
            return o->id;
        }
        o = model_object(v, o->below);
    }
    return 0;
}

/* Whether anything has the pages of the IOAS in a page table. */
bool model_has_table(View *v, uint32_t ioas)
{
    for (unsigned i = 0; i < v->objects->len; i++) {
        Object *o = &g_array_index(v->objects, Object, i);

        if (o->kind == PAGING && o->made && o->below == ioas) {
            return true;
        }
    }
    for (unsigned i = 0; i < v->attached->len; i++) {
        if (model_ioas(v, g_array_index(v->attached, Attached, i).pt) == ioas) {
            return true;
        }
    }
    return false;
}

/* ----- what commands mean ------------------------------------------------- */

Memory *model_memory(void *source, uint64_t start, uint64_t length)
{
    Memory *mem = g_new0(Memory, 1);

    mem->refs = 1;
    mem->source = source;
    mem->start = start;
    mem->length = length;
    for (unsigned i = 0; i < SAMPLES; i++) {
        /* the first byte, the last, and two between */
        mem->at[i] = i == SAMPLES - 1 ? length - 1 : length / SAMPLES * i;
    }
    return mem;
}

bool model_page(View *v, const Memory *mem, unsigned sample,
                ImIommufdPage *page)
{
    uint64_t addr = (mem->start + mem->at[sample]) & ~(IM_IOMMUFD_PAGE - 1);

    return mem->source &&
           !im_iommufd_page_at(im_iommufd_of(v->file), mem->source, addr, page);
}

void model_map(View *v, uint32_t ioas, uint64_t iova, uint64_t length,
               uint32_t prot, Memory *mem, uint64_t offset)
{
    Area *a = g_new0(Area, 1);

    for (unsigned i = 0; i < v->areas->len; i++) {
        Area *o = v->areas->pdata[i];

        if (o->ioas == ioas && o->iova <= iova + (length - 1) &&
            o->iova + (o->length - 1) >= iova) {
            model_report("mapped twice: iova %" PRIx64, iova);
        }
    }
    *a = (Area) { ioas, iova, length, prot, mem, offset };
    g_ptr_array_add(v->areas, a);
}

void model_copy(View *v, uint32_t prot, uint32_t dst, uint32_t src,
                uint64_t length, uint64_t dst_iova, uint64_t src_iova)
{
    uint32_t src_ioas = model_ioas(v, src);

    while (length) {
        Area *from = NULL;
        uint64_t part;

        for (unsigned i = 0; i < v->areas->len && !from; i++) {
            Area *a = v->areas->pdata[i];

            if (a->ioas == src_ioas && a->iova <= src_iova &&
                a->iova + (a->length - 1) >= src_iova) {
                from = a;
            }
        }
        if (!from) {
            model_report("copied from where nothing is mapped: %" PRIx64,
                         src_iova);
            return;
        }
        part = MIN(length, from->iova + from->length - src_iova);
        from->memory->refs++;
        model_map(v, model_ioas(v, dst), dst_iova, part, prot, from->memory,
                  from->offset + (src_iova - from->iova));
        src_iova += part;
        dst_iova += part;
        length -= part;
    }
}

/* One device at an iova: nothing, or the page that is mapped there. */
static void look(View *v, uint32_t func, const Area *a, uint64_t at,
                 const ImIommufdPage *want, bool there)
{
    ImIommufd *e = im_iommufd_of(v->file);
    ImTxn t = { .addr = a->iova + at,
                .len = 1,
                .access = IM_READ,
                .rid = (uint16_t)func,
                .segment = (uint16_t)(func >> 16) };
    ImXlat x = im_ioasid_translate(im_iommufd_backend(e), &t);
    bool got = x.status == IM_OK && (x.perm & IM_PERM_R);
    ImIommufdPage page;
    uint32_t in;

    if (got != there) {
        model_report("device %x reads %" PRIx64 ": %s", func, t.addr,
                     got ? "it is not mapped" : "it is mapped and cannot");
        return;
    }
    if (!there || !want) {
        return;
    }
    if (im_iommufd_memory_page(e, x.addr, &page, &in)) {
        model_report("device %x reads %" PRIx64 ": no memory there", func,
                     t.addr);
    } else if (page.object != want->object || page.offset != want->offset) {
        model_report("device %x reads %" PRIx64 ": another page", func, t.addr);
    }
}

static const uint32_t readable = 4; /* IOMMU_IOAS_MAP_READABLE */

/* Every device on the IOAS, at the samples of one area. */
void model_look(View *v, const Area *a, bool there)
{
    for (unsigned i = 0; i < v->attached->len; i++) {
        Attached *d = &g_array_index(v->attached, Attached, i);
        Object *o = model_object(v, d->pt);

        /* through a guest's table nothing is seen */
        if (a->memory->revocable || !o || o->kind != PAGING ||
            o->below != a->ioas || !(a->prot & readable)) {
            continue;
        }
        for (unsigned s = 0; s < SAMPLES; s++) {
            uint64_t at = a->memory->at[s];
            ImIommufdPage page;

            if (at >= a->offset && at - a->offset < a->length) {
                look(v, d->func, a, at - a->offset,
                     model_page(v, a->memory, s, &page) ? &page : NULL, there);
            }
        }
        /* whatever the samples, both ends */
        look(v, d->func, a, 0, NULL, there);
        look(v, d->func, a, a->length - 1, NULL, there);
    }
}

static bool overlaps(const Area *a, uint32_t ioas, uint64_t first,
                     uint64_t last)
{
    return a->ioas == ioas && a->iova <= last &&
           a->iova + (a->length - 1) >= first;
}

/* Take away what is in first .. last; areas are cut if that is allowed. */
uint64_t model_unmap(View *v, uint32_t ioas, uint64_t first, uint64_t last,
                     bool cut)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < v->areas->len;) {
        Area *a = v->areas->pdata[i];
        uint64_t end = a->iova + (a->length - 1);

        if (!overlaps(a, ioas, first, last)) {
            i++;
            continue;
        }
        if ((a->iova < first || end > last) && !cut) {
            model_report("unmapped a part: %" PRIx64 " of %" PRIx64, first,
                         a->iova);
        }
        if (a->iova < first) {
            uint64_t part = first - a->iova, iova = a->iova;

            a->iova += part;
            a->offset += part;
            a->length -= part;
            a->memory->refs++;
            model_map(v, ioas, iova, part, a->prot, a->memory,
                      a->offset - part);
        }
        if (end > last) {
            a->length -= end - last;
            a->memory->refs++;
            model_map(v, ioas, last + 1, end - last, a->prot, a->memory,
                      a->offset + a->length);
        }
        bytes += a->length;
        g_ptr_array_steal_index_fast(v->areas, i);
        model_look(v, a, false);
        area_free(a);
        i = 0;
    }
    return bytes;
}
