/*
 * iommufd: all of it for people, and what must hold.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>

#include "hw/iommufd/ioas.h"

#define SHIFT  IM_IOMMUFD_PAGE_SHIFT

/* --- dump --------------------------------------------------------------- */

static void iof_dump_area(const IofArea *a, GString *out)
{
    g_string_append_printf(out,
                           "\n    %#" PRIx64 " - %#" PRIx64 " %c%c "
                           "from %#" PRIx64 " at %#" PRIx64,
                           a->span.first, a->span.last,
                           a->prot & IMU_PROT_READ ? 'r' : '-',
                           a->prot & IMU_PROT_WRITE ? 'w' : '-',
                           a->pages->start + a->offset,
                           a->pages->span.first + a->offset);
    if (a->pins || a->locks) {
        g_string_append_printf(out, ", pins %u, locks %u", a->pins, a->locks);
    }
}

static void iof_dump_ranges(const char *what, const ImRanges *r, GString *out)
{
    for (uint32_t i = 0; i < r->count; i++) {
        g_string_append_printf(out, "\n    %s %#" PRIx64 " - %#" PRIx64, what,
                               r->range[i].first, r->range[i].last);
    }
}

static void iof_dump_ioas(const IofIoas *ioas, GString *out)
{
    g_string_append_printf(out, ", alignment %" PRIu64 "%s", ioas->alignment,
                           ioas->small_pages ? ", small pages" : "");
    iof_dump_ranges("reserved", &ioas->iova.taken, out);
    iof_dump_ranges("allowed", &ioas->iova.allowed, out);
    for (IofArea *a = im_iof_area_from(ioas, 0); a;
         a = im_iof_area_next(ioas, a)) {
        iof_dump_area(a, out);
    }
}

static void iof_dump_pins(const IofPages *p, GString *out)
{
    uint64_t from = 0;

    g_string_append_printf(out,
                           "  memory at %#" PRIx64 ": %" PRIu64
                           " pages of %s %#" PRIx64 ", users %u%s%s; pins",
                           p->span.first, p->count,
                           p->is_file ? "file" : "process", p->start, p->users,
                           p->writable ? "" : ", read-only",
                           p->revoked ? ", revoked" : "");
    for (uint64_t i = 1; p->page && i <= p->count; i++) {
        if (i == p->count || p->page[i].pins != p->page[from].pins) {
            g_string_append_printf(out, " %" PRIu64 "x%u", i - from,
                                   p->page[from].pins);
            from = i;
        }
    }
    g_string_append_c(out, '\n');
}

static void iof_dump_file(ImIommufdFile *file, GString *out)
{
    g_string_append_printf(out, " file: held %u%s\n", file->holds,
                           file->per_process ? ", limits per process" : "");
    for (IofObject *o = im_iof_object_next(file, 0); o;
         o = im_iof_object_next(file, o->id)) {
        const IofIoas *ioas = im_iof_ioas(file, o->id);

        g_string_append_printf(out, "  %u: %s, users %u", o->id, o->kind->name,
                               o->users);
        if (ioas) {
            iof_dump_ioas(ioas, out);
        }
        g_string_append_c(out, '\n');
    }
    for (ImLink *n = file->pages; n; n = n->next) {
        iof_dump_pins(IM_LINK_OF(n, IofPages, in_file), out);
    }
}

void im_iommufd_dump(ImIommufd *f, GString *out)
{
    g_string_append_printf(out, "iommufd: I/O pages of %u bytes\n",
                           1u << f->cfg.io_page_shift);
    for (ImLink *n = f->files; n; n = n->next) {
        iof_dump_file(IM_LINK_OF(n, ImIommufdFile, in_host), out);
    }
    for (ImLink *n = f->charges; n; n = n->next) {
        const IofCharge *c = IM_LINK_OF(n, IofCharge, in_host);

        if (c->mm) {
            g_string_append(out, " process");
        } else {
            g_string_append_printf(out, " user %u", c->uid);
        }
        g_string_append_printf(out,
                               ": users %u, pinned %" PRIu64 ", locked %" PRIu64
                               "\n",
                               c->users, c->pinned, c->locked);
    }
    im_ioasid_dump(f->backend, NULL, out);
}

/* --- check -------------------------------------------------------------- */

static uint32_t iof_dump_length_of_list(const ImLink *n)
{
    uint32_t count = 0;

    for (; n; n = n->next) {
        count++;
    }
    return count;
}

static const char *iof_dump_check_area(const IofIoas *ioas, const IofArea *a)
{
    uint64_t into = (a->pages->start + a->offset) & (IM_IOMMUFD_PAGE - 1);
    uint64_t end = a->offset + (a->span.last - a->span.first);

    return end < a->offset || end >> SHIFT >= a->pages->count ?
               "an area is longer than its memory" :
           ((a->span.first | (a->span.last + 1) | into) &
            (ioas->alignment - 1)) ?
               "an area is not aligned" :
           im_ranges_meet(&ioas->iova.taken, a->span.first, a->span.last) ?
               "something reserved is mapped" :
           (a->prot & IMU_PROT_WRITE) && !a->pages->writable ?
               "read-only memory is mapped for writing" :
               NULL;
}

static const char *iof_dump_check_ioas(const IofIoas *ioas)
{
    uint64_t count = 0;

    if (!im_span_check(ioas->areas)) {
        return "the tree of areas is broken";
    }
    for (IofArea *a = im_iof_area_from(ioas, 0); a;
         a = im_iof_area_next(ioas, a)) {
        const char *why = iof_dump_check_area(ioas, a);

        if (why) {
            return why;
        }
        count++;
    }
    return count != ioas->count ? "areas are miscounted" : NULL;
}

/* What areas and spaces say of the pins of some memory. */
typedef struct Count {
    uint32_t users;
    uint32_t *pins;                 /* by page */
    bool more;                      /* accesses pin too */
} Count;

static void iof_dump_count_area(const IofIoas *ioas, const IofArea *a, Count *c)
{
    uint64_t last = a->offset + (a->span.last - a->span.first);
    uint32_t spaces = a->pages->revoked ? 0 :
                                          iof_dump_length_of_list(ioas->spaces);

    c->users++;
    c->more = c->more || a->pins || a->locks;
    for (uint64_t i = a->offset >> SHIFT; c->pins && i <= last >> SHIFT; i++) {
        c->pins[i] += spaces;
    }
}

static void iof_dump_count_areas(const IofPages *p, Count *c)
{
    for (IofIoas *ioas = im_iof_ioas_next(p->file, 0); ioas;
         ioas = im_iof_ioas_next(p->file, ioas->obj.id)) {
        for (IofArea *a = im_iof_area_from(ioas, 0); a;
             a = im_iof_area_next(ioas, a)) {
            if (a->pages == p) {
                iof_dump_count_area(ioas, a, c);
            }
        }
    }
}

static const char *iof_dump_compare(const IofPages *p, const Count *c)
{
    if (c->users != p->users) {
        return "users of memory are miscounted";
    }
    for (uint64_t i = 0; p->page && i < p->count; i++) {
        if (c->more ? p->page[i].pins < c->pins[i] :
                      p->page[i].pins != c->pins[i]) {
            return "a page is pinned for nobody, or not for all";
        }
    }
    return NULL;
}

static const char *iof_dump_check_pages(const IofPages *p)
{
    Count c = { .pins = p->page ? g_new0(uint32_t, p->count) : NULL };
    const char *why;

    iof_dump_count_areas(p, &c);
    why = iof_dump_compare(p, &c);
    g_free(c.pins);
    return why;
}

static uint64_t iof_dump_pinned(const IofPages *p)
{
    uint64_t n = 0;

    for (uint64_t i = 0; p->page && i < p->count; i++) {
        n += p->page[i].pins > 0;
    }
    return n;
}

static bool iof_dump_pays(const IofPages *p, const IofCharge *c)
{
    return c == (p->account.limit == IOF_LIMIT_USER ? p->account.user :
                 p->account.limit == IOF_LIMIT_MM   ? p->account.mm :
                                                      NULL);
}

static const char *iof_dump_check_charge(const ImIommufd *f, const IofCharge *c)
{
    uint64_t all = 0;
    uint64_t locked = 0;

    for (ImLink *n = f->files; n; n = n->next) {
        ImIommufdFile *file = IM_LINK_OF(n, ImIommufdFile, in_host);

        for (ImLink *m = file->pages; m; m = m->next) {
            const IofPages *p = IM_LINK_OF(m, IofPages, in_file);

            all += p->account.mm == c ? iof_dump_pinned(p) : 0;
            locked += iof_dump_pays(p, c) ? iof_dump_pinned(p) : 0;
        }
    }
    return all != c->pinned || locked != c->locked ?
               "pinned memory is charged wrong" :
               NULL;
}

static const char *iof_dump_check_file(ImIommufdFile *file)
{
    const char *why = NULL;

    for (IofIoas *ioas = im_iof_ioas_next(file, 0); ioas && !why;
         ioas = im_iof_ioas_next(file, ioas->obj.id)) {
        why = iof_dump_check_ioas(ioas);
    }
    for (ImLink *n = file->pages; n && !why; n = n->next) {
        why = iof_dump_check_pages(IM_LINK_OF(n, IofPages, in_file));
    }
    return why;
}

char *im_iommufd_check(ImIommufd *f)
{
    const char *why = im_span_check(f->memory) ? NULL :
                                                 "the tree of memory is broken";

    for (ImLink *n = f->files; n && !why; n = n->next) {
        why = iof_dump_check_file(IM_LINK_OF(n, ImIommufdFile, in_host));
    }
    for (ImLink *n = f->charges; n && !why; n = n->next) {
        why = iof_dump_check_charge(f, IM_LINK_OF(n, IofCharge, in_host));
    }
    return why ? g_strdup(why) : im_ioasid_check(f->backend);
}
