/*
 * The mock server's second opinion, second half: what each command changes,
 * and what is compared after it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <string.h>

#include "mock_model.h"

#define IOCTL_NR(request)   ((request) & 0xff)
#define IOCTL_TYPE(request) ((request) >> 8 & 0xff)
#define AREAS_MAX           8       /* looked at after one command */
#define LOOKED_SHARE        16

/* Structures of Linux's commands, as words of 32 bits. */
typedef struct Words {
    uint32_t w[18];
} Words;

static uint64_t u64(const Words *c, unsigned word)
{
    return c->w[word] | (uint64_t)c->w[word + 1] << 32;
}

static Words before;

static void fetch(const Caller *who, uint64_t arg, Words *c)
{
    memset(c, 0, sizeof(*c));
    if (caller_read(who, arg, &c->w[0], 4)) {
        return;
    }
    if (c->w[0] > sizeof(*c) || c->w[0] < 4 ||
        caller_read(who, arg, c, c->w[0])) {
        memset(c, 0, sizeof(*c));
    }
}

void mock_before(File *f, const Caller *who, uint32_t request, uint64_t arg)
{
    (void)f;
    (void)request;
    fetch(who, arg, &before);
}

/* ----- what commands that succeeded did ----------------------------------- */

static const uint32_t fixed = 1; /* IOMMU_IOAS_MAP_FIXED_IOVA */

static void did_map(View *v, const Words *c, void *source, bool revocable)
{
    uint64_t start = u64(c, 4), length = u64(c, 6), iova = u64(c, 8);
    Memory *mem = model_memory(source, start, length);

    mem->revocable = revocable;

    if ((c->w[1] & fixed) && iova != u64(&before, 8)) {
        model_report("a fixed iova was changed to %" PRIx64, iova);
    }
    model_map(v, model_ioas(v, c->w[2]), iova, length, c->w[1], mem, 0);
}

static void did_unmap(View *v, const Words *c)
{
    uint64_t iova = u64(&before, 2), length = u64(&before, 4);
    uint64_t last = length == UINT64_MAX ? length : iova + (length - 1);
    uint64_t bytes = model_unmap(v, model_ioas(v, c->w[1]), iova, last, false);

    if (bytes != u64(c, 4)) {
        model_report("unmapped %" PRIx64 " bytes, told %" PRIx64, bytes,
                     u64(c, 4));
    }
}

/* An object is gone; with an IOAS what was mapped there, with a mock device
 * that it was attached. */
static void did_destroy(View *v, uint32_t id)
{
    Object *o = model_object(v, id);

    if (o && o->kind == IOAS) {
        model_unmap(v, id, 0, UINT64_MAX, true);
    }
    model_object_out(v, id);
    for (unsigned i = 0; i < v->attached->len; i++) {
        if (g_array_index(v->attached, Attached, i).stdev == id) {
            g_array_remove_index_fast(v->attached, i);
            break;
        }
    }
}

/* A table that a device is attached to: if it was made for that, it is told
 * apart from what was asked for. */
static void did_attach(View *v, uint32_t stdev, uint32_t idev, uint32_t asked,
                       uint32_t pt)
{
    Object *o = model_object(v, asked);
    Attached d = { .stdev = stdev, .pt = pt };
    void *opaque;

    if (o && o->kind == IOAS) {
        model_object_in(v, pt, PAGING, asked, false);
    }
    for (unsigned i = 0; i < v->attached->len; i++) {
        Attached *old = &g_array_index(v->attached, Attached, i);

        if (old->stdev == stdev) {
            old->pt = pt;
            return;
        }
    }
    if (im_iommufd_device_of(v->file, idev, &d.func, &opaque)) {
        g_array_append_val(v->attached, d);
    }
}

static void did_mock(View *v, const Words *c)
{
    switch (c->w[1]) {
    case MOCK_OP_MOCK_DOMAIN:
    case MOCK_OP_MOCK_DOMAIN_FLAGS:
        did_attach(v, c->w[4], c->w[6], before.w[2], c->w[5]);
        break;
    case MOCK_OP_MOCK_DOMAIN_REPLACE:
        did_attach(v, c->w[2], 0, before.w[4], c->w[4]);
        break;
    default:
        break;
    }
}

static void did_hwpt_alloc(View *v, const Words *c)
{
    Object *o = model_object(v, c->w[3]);

    if (o) {
        model_object_in(v, c->w[4], o->kind == IOAS ? PAGING : NESTED, c->w[3],
                        true);
    }
}

/* VFIO's commands act on one IOAS and may part areas. */
static void did_vfio(View *v, const Caller *who, uint32_t nr, const Words *c)
{
    static const uint32_t all = 2; /* VFIO_DMA_UNMAP_FLAG_ALL */

    if (nr == 0x71) {
        model_map(v, v->vfio, u64(c, 4), u64(c, 6),
                  (c->w[1] & 1 ? 4 : 0) | (c->w[1] & 2 ? 2 : 0),
                  model_memory(caller_source(who), u64(c, 2), u64(c, 6)), 0);
    } else if (nr == 0x72) {
        uint64_t iova = u64(&before, 2), size = u64(&before, 4);
        uint64_t bytes = before.w[1] & all ?
                             model_unmap(v, v->vfio, 0, UINT64_MAX, true) :
                             model_unmap(v, v->vfio, iova, iova + (size - 1),
                                         true);

        if (bytes != u64(c, 4)) {
            model_report("VFIO unmapped %" PRIx64 " bytes, told %" PRIx64,
                         bytes, u64(c, 4));
        }
    }
}

static void did(View *v, const Caller *who, uint32_t nr, const Words *c)
{
    switch (nr) {
    case 0x80:
        did_destroy(v, c->w[1]);
        break;
    case 0x81:
        model_object_in(v, c->w[2], IOAS, 0, true);
        break;
    case 0x83:
        model_copy(v, c->w[1], c->w[2], c->w[3], u64(c, 4), u64(c, 6),
                   u64(c, 8));
        break;
    case 0x85:
        did_map(v, c, caller_source(who), false);
        break;
    case 0x86:
        did_unmap(v, c);
        break;
    case 0x88:
        v->vfio = (c->w[2] & 0xffff) == 1 ? c->w[1] : v->vfio;
        break;
    case 0x89:
        did_hwpt_alloc(v, c);
        break;
    case 0x8f:
        did_map(v, c, NULL, mock_is_dmabuf(who, (int)c->w[3]));
        break;
    case 0x90:
        model_object_in(v, c->w[5], VIOMMU, c->w[4], true);
        break;
    case 0xa0:
        did_mock(v, c);
        break;
    default:
        break;
    }
}

/* ----- comparing ---------------------------------------------------------- */

/* Whether the page with a byte of this memory has to be pinned for it. */
static bool pinned_for(View *v, const Memory *mem, uint64_t at)
{
    const uint64_t page = IM_IOMMUFD_PAGE;
    uint64_t first = (mem->start + at) & ~(page - 1);

    for (unsigned i = 0; i < v->areas->len; i++) {
        const Area *a = v->areas->pdata[i];
        uint64_t start = mem->start + a->offset;

        if (a->memory == mem && start < first + page &&
            start + a->length > first &&
            (model_has_table(v, a->ioas) ||
             mock_access_pins(
                 v->file, a->ioas, a->iova + (MAX(first, start) - start),
                 MIN(first + page, start + a->length) - MAX(first, start)))) {
            return true;
        }
    }
    return false;
}

/* Every memory that has the page counts once; NULL: it cannot be said. */
static bool expected_pins(const Memory *mem, uint64_t at, uint32_t *pins)
{
    const uint64_t page = IM_IOMMUFD_PAGE;
    uint64_t first = (mem->start + at) & ~(page - 1);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    *pins = 0;
    for (unsigned i = 0; i < model_views()->len; i++) {
        View *v = model_views()->pdata[i];

        for (unsigned k = 0; k < v->areas->len; k++) {
            Memory *m = ((Area *)v->areas->pdata[k])->memory;

            if (m->source && m->source != mem->source) {
                return false; /* it may be the same memory */
            }
            if (m->source && g_hash_table_add(seen, m) &&
                m->start < first + page && m->start + m->length > first) {
                *pins += pinned_for(v, m, MAX(first, m->start) - m->start);
            }
        }
    }
    return true;
}

static void look_pins(View *v, const Area *a)
{
    ImIommufd *e = im_iommufd_of(v->file);

    for (unsigned s = 0; s < SAMPLES; s++) {
        uint64_t at = a->memory->at[s];
        uint32_t want, have;
        ImIommufdPage page;

        if (at < a->offset || at - a->offset >= a->length ||
            !expected_pins(a->memory, at, &want) ||
            !model_page(v, a->memory, s, &page)) {
            continue;
        }
        have = im_iommufd_page_pins(e, &page);
        if (have != want) {
            model_report("page at %" PRIx64 ": pinned %u times, should be %u",
                         a->memory->start + at, have, want);
        }
    }
}

/* Whether a command only looked: then one in so many is enough. */
static bool only_looked(uint32_t nr, const Words *c)
{
    static unsigned count;

    if (nr != 0xa0) {
        return false;
    }
    switch (c->w[1]) {
    case MOCK_OP_MD_CHECK_MAP:
    case MOCK_OP_MD_CHECK_REFS:
    case MOCK_OP_ACCESS_RW:
    case MOCK_OP_MD_CHECK_IOTLB:
    case MOCK_OP_DEV_CHECK_CACHE:
    case MOCK_OP_PASID_CHECK_HWPT:
        return count++ % LOOKED_SHARE;
    default:
        return false;
    }
}

void mock_after(File *f, const Caller *who, uint32_t request, uint64_t arg,
                int64_t result)
{
    ImIommufdFile *file = server_iommufd(f);
    uint32_t nr = IOCTL_NR(request);
    unsigned had = model_reported();
    char *wrong;
    Words c;
    View *v;

    if (!file) {
        return;
    }
    v = model_view(file);
    fetch(who, arg, &c);
    if (result >= 0 && IOCTL_TYPE(request) == ';') {
        if (nr >= 0x80) {
            did(v, who, nr, &c);
        } else {
            did_vfio(v, who, nr, &c);
        }
    }
    if (only_looked(nr, &c)) {
        return;
    }
    /* the newest ones: they are what a command is about, most often */
    for (unsigned i = 0; i < MIN(v->areas->len, AREAS_MAX); i++) {
        Area *a = v->areas->pdata[v->areas->len - 1 - i];

        model_look(v, a, true);
        look_pins(v, a);
    }
    if (model_reported() != had) {
        model_report("  after command %x operation %u, which answered %d", nr,
                     nr == 0xa0 ? c.w[1] : 0, (int)result);
    }
    if ((wrong = im_iommufd_check(im_iommufd_of(file)))) {
        model_report("the engine itself: %s", wrong);
        g_free(wrong);
    }
}
