/*
 * A host for an iommufd engine under test.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/iof.h"

#define PAGE  IM_IOMMUFD_PAGE
#define FD0   100

/* --- allocations -------------------------------------------------------- */

static void *port_alloc(void *host, size_t bytes)
{
    FakeHost *h = host;

    if (h->fail_in && --h->fail_in == 0) {
        h->failed = true;
        return NULL;
    }
    h->live += bytes;
    return g_malloc0(bytes);
}

static void port_free(void *host, void *p, size_t bytes)
{
    FakeHost *h = host;

    g_assert_cmpuint(h->live, >=, bytes);
    h->live -= bytes;
    memset(p, 0xa5, bytes);
    g_free(p);
}

/* --- memory ------------------------------------------------------------- */

static FakeSegment *segment_at(FakeSource *s, uint64_t addr)
{
    for (unsigned i = 0; i < s->segments; i++) {
        FakeSegment *g = &s->segment[i];

        if (addr >= g->addr && addr - g->addr < g->length) {
            return g;
        }
    }
    return NULL;
}

/* Where a byte of a process is, and how many follow. */
static uint8_t *bytes_at(FakeSource *s, uint64_t addr, size_t *n)
{
    FakeSegment *g = segment_at(s, addr);

    if (!g) {
        return NULL;
    }
    *n = MIN(*n, g->length - (addr - g->addr));
    return g->memory->byte + g->offset + (addr - g->addr);
}

static int copy(const FakeHost *h, const ImIommufdCaller *caller, uint64_t addr,
                void *buf, size_t len, bool out)
{
    if (addr >> 63) {               /* the test's own */
        void *p = (void *)(uintptr_t)(addr & INT64_MAX);
        uint64_t into = addr - fake_addr(h->own);

        if (h->own && (into > h->own_length || len > h->own_length - into)) {
            return -EFAULT;
        }
        memcpy(out ? p : buf, out ? buf : p, len);
        return 0;
    }
    while (len) {
        size_t n = len;
        uint8_t *p = bytes_at(caller->mm, addr, &n);

        if (!p) {
            return -EFAULT;
        }
        memcpy(out ? p : buf, out ? buf : p, n);
        buf = (uint8_t *)buf + n;
        addr += n;
        len -= n;
    }
    return 0;
}

static int port_copy_in(void *host, const ImIommufdCaller *caller,
                        uint64_t addr, void *buf, size_t len)
{
    return copy(host, caller, addr, buf, len, false);
}

static int port_copy_out(void *host, const ImIommufdCaller *caller,
                         uint64_t addr, const void *buf, size_t len)
{
    return copy(host, caller, addr, (void *)(uintptr_t)buf, len, true);
}

static void port_hold(void *host, void *source)
{
    (void)host;
    ((FakeSource *)source)->holds++;
}

static void port_drop(void *host, void *source)
{
    (void)host;
    g_assert_cmpuint(((FakeSource *)source)->holds--, >, 0);
}

static int port_file(void *host, const ImIommufdCaller *caller, int32_t fd,
                     void **source, uint64_t *bytes)
{
    FakeHost *h = host;
    FakeSource *s;

    (void)caller;
    if (fd < 0 || (uint32_t)fd >= h->sources->len) {
        return -EBADF;
    }
    s = g_ptr_array_index(h->sources, (guint)fd);
    if (s->gone) {
        return -ENODEV;
    }
    s->holds++;
    *source = s;
    *bytes = s->bytes;
    return 0;
}

static int port_pin(void *host, void *source, uint64_t addr, uint64_t length,
                    bool write, ImIommufdExtent *extent)
{
    FakeHost *h = host;
    FakeSource *s = source;
    FakeSegment *g = s->gone ? NULL : segment_at(s, addr);

    g_assert_cmpuint(s->holds, >, 0);
    g_assert_cmpuint((addr | length) & (PAGE - 1), ==, 0);
    g_assert_cmpuint(length, >, 0);
    if (s->refuses) {
        return s->refuses;
    }
    if (!g || (write && g->read_only)) {
        return -EFAULT;
    }
    length = MIN(MIN(length, g->length - (addr - g->addr)), h->most_extent);
    *extent = (ImIommufdExtent) {
        .page = { g->memory, g->offset + (addr - g->addr) },
        .length = length,
    };
    for (uint64_t i = 0; i < length / PAGE; i++) {
        g->memory->pins[extent->page.offset / PAGE + i]++;
    }
    return 0;
}

static void port_unpin(void *host, const ImIommufdExtent *e, bool dirty)
{
    FakeMemory *m = e->page.object;

    (void)host;
    (void)dirty;
    for (uint64_t i = 0; i < e->length / PAGE; i++) {
        g_assert_cmpuint(m->pins[e->page.offset / PAGE + i]--, >, 0);
    }
}

static uint8_t *page_bytes(const ImIommufdPage *page, uint32_t at, size_t len)
{
    FakeMemory *m = page->object;

    g_assert_cmpuint(at + len, <=, PAGE);
    g_assert_cmpuint(m->pins[page->offset / PAGE], >, 0);
    return m->byte + page->offset + at;
}

static int port_page_read(void *host, const ImIommufdPage *page, uint32_t at,
                          void *buf, size_t len)
{
    (void)host;
    memcpy(buf, page_bytes(page, at, len), len);
    return 0;
}

static int port_page_write(void *host, const ImIommufdPage *page, uint32_t at,
                           const void *buf, size_t len)
{
    (void)host;
    memcpy(page_bytes(page, at, len), buf, len);
    return 0;
}

/* --- the rest of the port ----------------------------------------------- */

static int port_install(void *host, const ImIommufdCaller *caller,
                        ImIommufdQueue *queue, uint64_t addr)
{
    FakeHost *h = host;
    uint32_t fd = FD0 + h->queues->len;
    int err = h->install_fails ?
                  -EMFILE :
                  port_copy_out(h, caller, addr, &fd, sizeof(fd));

    if (!err) {
        g_ptr_array_add(h->queues, queue);
    }
    return err;
}

static void port_changed(void *host, ImIommufdQueue *queue)
{
    (void)queue;
    ((FakeHost *)host)->changed++;
}

static uint64_t port_now(void *host)
{
    return ((FakeHost *)host)->now;
}

const ImIommufdPort fake_port = {
    .size = sizeof(ImIommufdPort),
    .alloc = port_alloc,
    .free = port_free,
    .copy_in = port_copy_in,
    .copy_out = port_copy_out,
    .hold = port_hold,
    .drop = port_drop,
    .file = port_file,
    .pin = port_pin,
    .unpin = port_unpin,
    .page_read = port_page_read,
    .page_write = port_page_write,
    .install = port_install,
    .changed = port_changed,
    .now = port_now,
};

/* --- for tests ---------------------------------------------------------- */

static void free_memory(void *p)
{
    FakeMemory *m = p;

    for (uint64_t i = 0; i < m->pages; i++) {
        g_assert_cmpuint(m->pins[i], ==, 0);
    }
    g_free(m->byte);
    g_free(m->pins);
    g_free(m);
}

static void free_source(void *p)
{
    g_assert_cmpuint(((FakeSource *)p)->holds, ==, 0);
    g_free(p);
}

FakeHost *fake_new(uint8_t io_page_shift)
{
    FakeHost *h = g_new0(FakeHost, 1);
    ImIommufdConfig cfg = IM_IOMMUFD_CONFIG_DEFAULT;
    char *err;

    h->memories = g_ptr_array_new_with_free_func(free_memory);
    h->sources = g_ptr_array_new_with_free_func(free_source);
    h->queues = g_ptr_array_new();
    h->most_extent = UINT64_MAX;
    cfg.io_page_shift = io_page_shift;
    h->f = im_iommufd_new(&cfg, &fake_port, h, &err);
    g_assert_cmpstr(err, ==, NULL);
    g_assert_nonnull(h->f);
    return h;
}

void fake_free(FakeHost *h)
{
    im_iommufd_free(h->f);
    g_assert_cmpuint(h->live, ==, 0);
    g_ptr_array_unref(h->sources);
    g_ptr_array_unref(h->memories);
    g_ptr_array_unref(h->queues);
    g_free(h);
}

FakeMemory *fake_memory(FakeHost *h, uint64_t pages)
{
    FakeMemory *m = g_new0(FakeMemory, 1);

    m->pages = pages;
    m->byte = g_malloc0(pages * PAGE);
    m->pins = g_new0(uint32_t, pages);
    g_ptr_array_add(h->memories, m);
    return m;
}

FakeSource *fake_process(FakeHost *h)
{
    FakeSource *s = g_new0(FakeSource, 1);

    s->bytes = UINT64_MAX;
    g_ptr_array_add(h->sources, s);
    return s;
}

uint64_t fake_mmap(FakeSource *s, uint64_t addr, FakeMemory *m, uint64_t offset,
                   uint64_t length, bool read_only)
{
    g_assert_cmpuint(s->segments, <, IOF_FAKE_SEGMENTS);
    s->segment[s->segments++] = (FakeSegment) { addr, length, m, offset,
                                                read_only };
    return addr;
}

FakeSource *fake_file(FakeHost *h, FakeMemory *m, int32_t *fd)
{
    FakeSource *s = fake_process(h);

    fake_mmap(s, 0, m, 0, m->pages * PAGE, false);
    *fd = (int32_t)(h->sources->len - 1);
    return s;
}

ImIommufdCaller fake_caller(FakeSource *process)
{
    return (ImIommufdCaller) { .mm = process,
                               .uid = 1000,
                               .may_raise = true,
                               .may_lock = true,
                               .memlock = UINT64_MAX };
}

int fake_ioctl(ImIommufdFile *file, const ImIommufdCaller *caller, uint32_t nr,
               void *arg, uint32_t size)
{
    *(uint32_t *)arg = size;
    return im_iommufd_ioctl(file, caller, IOF_REQUEST(nr), fake_addr(arg));
}

uint32_t fake_ioas(ImIommufdFile *file, const ImIommufdCaller *caller)
{
    IofIoasAllocArg a = { 0 };

    g_assert_cmpint(IOF(file, caller, IOF_NR_IOAS_ALLOC, &a), ==, 0);
    return a.out_id;
}

static void make_space(FakeTable *t)
{
    ImIoasidDevice dev = { .func = t->func };
    ImuSpaceCreate create = { .set = t->file->set, .kind = IMU_SPACE_MAPPED };
    ImuDevBind bind = { .set = t->file->set, .func = t->func };
    ImuAttach attach = { .set = t->file->set };

    g_assert_cmpint(im_ioasid_device_add(t->file->host->backend, &dev), ==, 0);
    g_assert_cmpint(im_iof_backend(t->file, IMU_CMD_SPACE_CREATE, &create), ==,
                    0);
    g_assert_cmpint(im_iof_backend(t->file, IMU_CMD_DEV_BIND, &bind), ==, 0);
    t->space.ref = create.space;
    t->dev = bind.dev;
    attach.dev = bind.dev;
    attach.space = create.space;
    g_assert_cmpint(im_iof_backend(t->file, IMU_CMD_ATTACH, &attach), ==, 0);
}

static void end_space(FakeTable *t)
{
    ImuDevUnbind unbind = { .set = t->file->set, .dev = t->dev };
    ImuSpaceDestroy destroy = { .set = t->file->set, .space = t->space.ref };

    g_assert_cmpint(im_iof_backend(t->file, IMU_CMD_DEV_UNBIND, &unbind), ==,
                    0);
    g_assert_cmpint(im_iof_backend(t->file, IMU_CMD_SPACE_DESTROY, &destroy),
                    ==, 0);
    g_assert_cmpint(im_ioasid_device_remove(t->file->host->backend, t->func),
                    ==, 0);
}

int fake_table(FakeTable *t, ImIommufdFile *file, uint32_t ioas_id,
               uint32_t func, uint64_t first, uint64_t last)
{
    int err;

    *t = (FakeTable) { .file = file,
                       .ioas = im_iof_ioas(file, ioas_id),
                       .func = func };
    make_space(t);
    t->space.page = UINT64_C(1) << file->host->cfg.io_page_shift;
    t->space.first = first;
    t->space.last = last;
    t->space.page_sizes = UINT64_MAX << file->host->cfg.io_page_shift;
    err = im_iof_ioas_add_space(t->ioas, &t->space);
    if (err) {
        end_space(t);
    }
    return err;
}

void fake_table_free(FakeTable *t)
{
    im_iof_ioas_remove_space(t->ioas, &t->space);
    end_space(t);
}

bool fake_lookup(FakeTable *t, uint64_t iova, bool write, uint64_t *pa)
{
    ImTxn txn = { .rid = (uint16_t)t->func,
                  .addr = iova,
                  .access = write ? IM_WRITE : IM_READ,
                  .len = 1 };
    ImXlat x = im_ioasid_translate(t->file->host->backend, &txn);

    *pa = x.addr;
    return x.status == IM_OK;
}

void fake_check(FakeHost *h)
{
    char *why = im_iommufd_check(h->f);

    g_assert_cmpstr(why, ==, NULL);
}
