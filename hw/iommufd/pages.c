/*
 * iommufd: memory that areas share, pinned page by page.
 *
 * Each has a place in an address space of the engine's, where the backend
 * and devices find it: what a page table translates to.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/iommufd/ioas.h"

#define PAGE        IM_IOMMUFD_PAGE
#define SHIFT       IM_IOMMUFD_PAGE_SHIFT
/* Physical addresses are so wide; 0 is nobody's. */
#define PLACE_LAST  ((UINT64_C(1) << 52) - 1)
/* Large pages of a table are kept together up to this. */
#define ALIGN_MAX   (UINT64_C(1) << 30)
/* Pages that could be counted at once. */
#define PAGES_MAX   (UINT64_C(1) << 40)

#define PAGES_OF(span_)  ((IofPages *)(void *)(span_))

/* --- life --------------------------------------------------------------- */

/* As aligned as the source is, so that large pages stay large. */
static int iof_pages_place(ImIommufd *f, IofPages *p)
{
    uint64_t len = p->count << SHIFT;
    uint64_t align = PAGE;
    uint64_t at;

    while (align < ALIGN_MAX && align < len) {
        align <<= 1;
    }
    if (!im_span_gap(f->memory, PAGE, PLACE_LAST, len, align,
                     p->start & (align - 1), &at)) {
        return -ENOMEM;
    }
    p->span.first = at;
    p->span.last = at + (len - 1);
    f->memory = im_span_insert(f->memory, &p->span);
    return 0;
}

int im_iof_pages_new(ImIommufdFile *file, const ImIommufdCaller *caller,
                     const IofFrom *from, IofPages **out)
{
    ImIommufd *f = file->host;
    uint64_t start = from->start & ~(PAGE - 1);
    uint64_t count = ((from->start + (from->length - 1)) >> SHIFT) -
                     (start >> SHIFT) + 1;
    IofPages *p;
    int err;

    p = im_iof_alloc(f, sizeof(*p));
    if (!p) {
        return -ENOMEM;
    }
    *p = (IofPages) { .file = file,
                      .start = start,
                      .count = count,
                      .source = from->source,
                      .is_file = from->is_file,
                      .device_only = from->device_only,
                      .writable = from->writable };
    err = im_iof_account_open(file, caller, &p->account);
    if (err) {
        im_iof_release(f, p, sizeof(*p));
        return err;
    }
    f->port.hold(f->opaque, p->source);
    im_link_in(&file->pages, &p->in_file);
    *out = p;
    return 0;
}

static void iof_pages_unready(IofPages *p)
{
    ImIommufd *f = p->file->host;

    if (p->page) {
        f->memory = im_span_remove(f->memory, &p->span);
        im_iof_release(f, p->page, p->count * sizeof(IofPage));
        p->page = NULL;
    }
}

void im_iof_pages_free(IofPages *p)
{
    ImIommufd *f = p->file->host;

    if (f->recent == p) {
        f->recent = NULL;
    }
    im_link_out(&p->in_file);
    im_iof_account_close(f, &p->account);
    f->port.drop(f->opaque, p->source);
    iof_pages_unready(p);
    im_iof_release(f, p, sizeof(*p));
}

/* With an address, and a place for each page: not before there is a table,
 * as more may be mapped until then than could ever be pinned. */
static int iof_pages_make_ready(IofPages *p)
{
    ImIommufd *f = p->file->host;
    size_t bytes = p->count * sizeof(IofPage);
    int err;

    if (p->page) {
        return 0;
    }
    p->page = p->count > PAGES_MAX ? NULL : im_iof_alloc(f, bytes);
    if (!p->page) {
        return -ENOMEM;
    }
    err = iof_pages_place(f, p);
    if (err) {
        im_iof_release(f, p->page, bytes);
        p->page = NULL;
    }
    return err;
}

/* --- pins --------------------------------------------------------------- */

/* Pages that follow each other and are pinned no more, or never were: those
 * that lie together in their object go together. */
static void iof_pages_unpin_run(IofPages *p, uint64_t first, uint64_t count)
{
    ImIommufd *f = p->file->host;

    while (count) {
        ImIommufdExtent e = { .page = p->page[first].at, .length = PAGE };
        uint64_t n = 1;

        while (n < count && p->page[first + n].at.object == e.page.object &&
               p->page[first + n].at.offset == e.page.offset + e.length) {
            e.length += PAGE;
            n++;
        }
        f->port.unpin(f->opaque, &e, p->writable);
        first += n;
        count -= n;
    }
}

/* Pages that follow each other, none of them pinned. */
static int iof_pages_pin_run(IofPages *p, uint64_t first, uint64_t count)
{
    ImIommufd *f = p->file->host;
    uint64_t done = 0;

    while (done < count) {
        ImIommufdExtent e;
        int err = f->port.pin(f->opaque, p->source,
                              p->start + ((first + done) << SHIFT),
                              (count - done) << SHIFT, p->writable, &e);

        if (err) {
            iof_pages_unpin_run(p, first, done);
            return err;
        }
        for (uint64_t at = 0; at < e.length; at += PAGE) {
            p->page[first + done++].at = (ImIommufdPage) {
                .object = e.page.object,
                .offset = e.page.offset + at,
            };
        }
    }
    return 0;
}

/* Length of the run of pages at first that are pinned, or not. */
static uint64_t iof_pages_run(const IofPages *p, uint64_t first, uint64_t last)
{
    bool pinned = p->page[first].pins;
    uint64_t n = 1;

    while (first + n <= last && (p->page[first + n].pins > 0) == pinned) {
        n++;
    }
    return n;
}

static uint64_t iof_pages_unpinned(const IofPages *p, uint64_t first,
                                   uint64_t last)
{
    uint64_t n = 0;

    for (uint64_t i = first; i <= last; i++) {
        n += p->page[i].pins == 0;
    }
    return n;
}

/* Undo, for the runs of first .. last that are not pinned. */
static void iof_pages_unpin_new(IofPages *p, uint64_t first, uint64_t last)
{
    uint64_t n;

    for (uint64_t i = first; i <= last; i += n) {
        n = iof_pages_run(p, i, last);
        if (!p->page[i].pins) {
            iof_pages_unpin_run(p, i, n);
        }
    }
}

static int iof_pages_pin_new(IofPages *p, uint64_t first, uint64_t last)
{
    uint64_t n;

    for (uint64_t i = first; i <= last; i += n) {
        n = iof_pages_run(p, i, last);
        if (!p->page[i].pins) {
            int err = iof_pages_pin_run(p, i, n);

            if (err) {
                if (i > first) {
                    iof_pages_unpin_new(p, first, i - 1);
                }
                return err;
            }
        }
    }
    return 0;
}

/* Too much for us may be too much because nothing is there. */
static int iof_pages_why_not(const IofPages *p, uint64_t i)
{
    ImIommufd *f = p->file->host;
    ImIommufdExtent e;
    int err = f->port.pin(f->opaque, p->source, p->start + (i << SHIFT), PAGE,
                          p->writable, &e);

    if (err) {
        return err;
    }
    f->port.unpin(f->opaque, &e, false);
    return -ENOMEM;
}

/* The first pins of all: no page is looked at that cannot be pinned. */
static int iof_pages_pin_first(IofPages *p, uint64_t first, uint64_t count)
{
    int err = iof_pages_make_ready(p);

    if (err) {
        return iof_pages_why_not(p, first);
    }
    err = im_iof_charge(&p->account, count);
    if (!err) {
        err = iof_pages_pin_run(p, first, count);
        if (err) {
            im_iof_uncharge(&p->account, count);
        }
    }
    if (err) {
        iof_pages_unready(p);
    }
    return err;
}

static int iof_pages_pin_more(IofPages *p, uint64_t first, uint64_t last)
{
    uint64_t fresh = iof_pages_unpinned(p, first, last);
    int err = im_iof_charge(&p->account, fresh);

    if (err) {
        return err;
    }
    err = iof_pages_pin_new(p, first, last);
    if (err) {
        im_iof_uncharge(&p->account, fresh);
    }
    return err;
}

int im_iof_pages_pin(IofPages *p, uint64_t offset, uint64_t length)
{
    uint64_t first = offset >> SHIFT;
    uint64_t last = (offset + (length - 1)) >> SHIFT;
    int err = p->page ? iof_pages_pin_more(p, first, last) :
                        iof_pages_pin_first(p, first, last - first + 1);

    if (err) {
        return err;
    }
    for (uint64_t i = first; i <= last; i++) {
        p->page[i].pins++;
    }
    return 0;
}

void im_iof_pages_unpin(IofPages *p, uint64_t offset, uint64_t length)
{
    uint64_t first = offset >> SHIFT;
    uint64_t last = (offset + (length - 1)) >> SHIFT;
    uint64_t n;

    /* Those with one pin left go, run by run. */
    for (uint64_t i = first; i <= last; i += n) {
        n = 1;
        if (p->page[i].pins > 1) {
            continue;
        }
        while (i + n <= last && p->page[i + n].pins == 1) {
            n++;
        }
        iof_pages_unpin_run(p, i, n);
        im_iof_uncharge(&p->account, n);
    }
    for (uint64_t i = first; i <= last; i++) {
        p->page[i].pins--;
    }
}

/* --- bytes -------------------------------------------------------------- */

static int iof_pages_page_rw(ImIommufd *f, const ImIommufdPage *page,
                             uint32_t at, void *buf, size_t len, bool write)
{
    return write ? f->port.page_write(f->opaque, page, at, buf, len) :
                   f->port.page_read(f->opaque, page, at, buf, len);
}

/* Of one page, pinned for as long as this takes if it is not anyway. */
static int iof_pages_one_page_rw(IofPages *p, uint64_t i, uint32_t at,
                                 void *buf, size_t len, bool write)
{
    ImIommufd *f = p->file->host;
    ImIommufdExtent e;
    int err;

    if (p->page && p->page[i].pins) {
        return iof_pages_page_rw(f, &p->page[i].at, at, buf, len, write);
    }
    err = f->port.pin(f->opaque, p->source, p->start + (i << SHIFT), PAGE,
                      write, &e);
    if (!err) {
        err = iof_pages_page_rw(f, &e.page, at, buf, len, write);
        f->port.unpin(f->opaque, &e, write);
    }
    return err;
}

int im_iof_pages_rw(IofPages *p, uint64_t offset, void *buf, size_t len,
                    bool write)
{
    if (p->device_only) {
        return -EINVAL;
    }
    while (len) {
        uint32_t at = (uint32_t)(offset & (PAGE - 1));
        size_t n = MIN(len, (size_t)PAGE - at);
        int err = iof_pages_one_page_rw(p, offset >> SHIFT, at, buf, n, write);

        if (err) {
            return err;
        }
        buf = (uint8_t *)buf + n;
        offset += n;
        len -= n;
    }
    return 0;
}

/* --- from the address in the backend ------------------------------------ */

static IofPages *iof_pages_at(ImIommufd *f, uint64_t pa)
{
    IofPages *p = f->recent;
    ImSpan *s;

    if (p && pa >= p->span.first && pa <= p->span.last) {
        return p;
    }
    s = im_span_from(f->memory, pa);
    if (!s || s->first > pa) {
        return NULL;
    }
    f->recent = PAGES_OF(s);
    return f->recent;
}

static const IofPage *iof_pages_page_of(ImIommufd *f, uint64_t pa)
{
    const IofPages *p = iof_pages_at(f, pa);
    const IofPage *page;

    if (!p || !p->page) {
        return NULL;
    }
    page = &p->page[(pa - p->span.first) >> SHIFT];
    return page->pins ? page : NULL;
}

static int iof_pages_memory_rw(ImIommufd *f, uint64_t pa, void *buf, size_t len,
                               bool write)
{
    while (len) {
        const IofPage *page = iof_pages_page_of(f, pa);
        uint32_t at = (uint32_t)(pa & (PAGE - 1));
        size_t n = MIN(len, (size_t)PAGE - at);
        int err = page ? iof_pages_page_rw(f, &page->at, at, buf, n, write) :
                         -EFAULT;

        if (err) {
            return -EFAULT;
        }
        buf = (uint8_t *)buf + n;
        pa += n;
        len -= n;
    }
    return 0;
}

int im_iommufd_memory_read(ImIommufd *f, uint64_t pa, void *buf, size_t len)
{
    return iof_pages_memory_rw(f, pa, buf, len, false);
}

int im_iommufd_memory_write(ImIommufd *f, uint64_t pa, const void *buf,
                            size_t len)
{
    return iof_pages_memory_rw(f, pa, (void *)(uintptr_t)buf, len, true);
}

int im_iommufd_memory_page(ImIommufd *f, uint64_t pa, ImIommufdPage *page,
                           uint32_t *at)
{
    const IofPage *found = iof_pages_page_of(f, pa);

    if (!found) {
        return -EFAULT;
    }
    *page = found->at;
    *at = (uint32_t)(pa & (PAGE - 1));
    return 0;
}

/* --- what others ask ---------------------------------------------------- */

int im_iommufd_page_at(ImIommufd *f, void *source, uint64_t addr,
                       ImIommufdPage *page)
{
    ImIommufdExtent e;
    int err = f->port.pin(f->opaque, source, addr & ~(PAGE - 1), PAGE, false,
                          &e);

    if (!err) {
        *page = e.page;
        f->port.unpin(f->opaque, &e, false);
    }
    return err;
}

static bool iof_pages_has_pinned(const IofPages *p, const ImIommufdPage *page)
{
    for (uint64_t i = 0; p->page && i < p->count; i++) {
        if (p->page[i].pins && p->page[i].at.object == page->object &&
            p->page[i].at.offset == page->offset) {
            return true;
        }
    }
    return false;
}

uint32_t im_iommufd_page_pins(ImIommufd *f, const ImIommufdPage *page)
{
    uint32_t n = 0;

    for (ImLink *k = f->files; k; k = k->next) {
        ImIommufdFile *file = IM_LINK_OF(k, ImIommufdFile, in_host);

        for (ImLink *m = file->pages; m; m = m->next) {
            n += iof_pages_has_pinned(IM_LINK_OF(m, IofPages, in_file), page);
        }
    }
    return n;
}

/* --- another process pays ----------------------------------------------- */

static uint64_t iof_pages_pinned(const IofPages *p)
{
    return p->page ? p->count - iof_pages_unpinned(p, 0, p->count - 1) : 0;
}

static int iof_pages_may_change(const ImIommufdFile *file)
{
    for (ImLink *n = file->pages; n; n = n->next) {
        const IofPages *p = IM_LINK_OF(n, IofPages, in_file);

        if (!p->is_file || p->device_only) {
            return -EINVAL;
        }
    }
    return 0;
}

/* Take all from those that pay now, or give it back to them. */
static void iof_pages_give_back(const ImIommufdFile *file, bool take)
{
    for (ImLink *n = file->pages; n; n = n->next) {
        const IofPages *p = IM_LINK_OF(n, IofPages, in_file);
        IofAccount a = p->account;

        a.most = UINT64_MAX;
        if (take) {
            im_iof_uncharge(&a, iof_pages_pinned(p));
        } else {
            (void)im_iof_charge(&a, iof_pages_pinned(p));
        }
    }
}

/* Who pays for p when the caller does. */
static IofAccount iof_pages_heir(const IofPages *p, const IofAccount *caller)
{
    IofAccount a = *caller;

    a.limit = caller->limit == IOF_LIMIT_NONE ? IOF_LIMIT_NONE :
                                                p->account.limit;
    return a;
}

static int iof_pages_charge_heirs(ImIommufdFile *file, const IofAccount *caller)
{
    for (ImLink *n = file->pages; n; n = n->next) {
        IofPages *p = IM_LINK_OF(n, IofPages, in_file);
        IofAccount a = iof_pages_heir(p, caller);
        int err = im_iof_charge(&a, iof_pages_pinned(p));

        if (err) {
            for (ImLink *k = file->pages; k != n; k = k->next) {
                p = IM_LINK_OF(k, IofPages, in_file);
                a = iof_pages_heir(p, caller);
                im_iof_uncharge(&a, iof_pages_pinned(p));
            }
            return err;
        }
    }
    return 0;
}

int im_iof_pages_change_process(ImIommufdFile *file,
                                const ImIommufdCaller *caller)
{
    ImIommufd *f = file->host;
    IofAccount a;
    int err = iof_pages_may_change(file);

    if (err) {
        return err;
    }
    err = im_iof_account_open(file, caller, &a);
    if (err) {
        return err;
    }
    iof_pages_give_back(file, true);
    err = iof_pages_charge_heirs(file, &a);
    if (err) {
        iof_pages_give_back(file, false);
    }
    for (ImLink *n = file->pages; n && !err; n = n->next) {
        IofPages *p = IM_LINK_OF(n, IofPages, in_file);
        IofAccount next = iof_pages_heir(p, &a);

        next.user->users++;
        next.mm->users++;
        im_iof_account_close(f, &p->account);
        p->account = next;
    }
    im_iof_account_close(f, &a);
    return err;
}
