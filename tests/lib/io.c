/*
 * The host of the IOASID backend: memory, allocator, pins.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <string.h>

#include "lib/io.h"

#define USER_BASE  UINT64_C(0x700000000)
#define USER_STEP  UINT64_C(0x1000000)

/* --- physical memory ---------------------------------------------------- */

static uint8_t *phys(const Io *io, uint64_t pa)
{
    uint64_t frame = pa / IO_PAGE;
    RigPage *page = g_hash_table_lookup(io->r->pages, &frame);

    g_assert_nonnull(page);
    return &page->byte[pa % IO_PAGE];
}

/* User pages belong to the user; the backend has those that it pinned. */
static void owned(Io *io, uint64_t pa)
{
    for (unsigned i = 0; i < io->users->len; i++) {
        IoUser *u = io->users->pdata[i];

        if (pa >= u->pa && pa - u->pa < IO_PAGES * IO_PAGE &&
            !u->pins[(pa - u->pa) / IO_PAGE]) {
            io->unpinned++;
            g_error("page %" PRIu64 " is read or written, but not pinned",
                    (pa - u->pa) / IO_PAGE);
        }
    }
}

static ImBus io_read(void *host, uint64_t pa, void *buf, size_t len)
{
    Rig *r = host;

    owned(r->io, pa);
    return r->port.read(host, pa, buf, len);
}

static ImBus io_cmpxchg64(void *host, uint64_t pa, uint64_t *expected,
                          uint64_t desired)
{
    Rig *r = host;

    owned(r->io, pa);
    return r->port.cmpxchg64(host, pa, expected, desired);
}

static ImBus io_write(void *host, uint64_t pa, const void *buf, size_t len)
{
    Rig *r = host;

    owned(r->io, pa);
    return r->port.write(host, pa, buf, len);
}

/* --- user memory -------------------------------------------------------- */

/* Page of [addr, addr + len) of u, -1 when it is not all there. */
static int user_page(const IoUser *u, uint64_t addr, uint64_t len)
{
    uint64_t size = IO_PAGES * IO_PAGE;

    if (addr < u->base || addr - u->base >= size ||
        len > size - (addr - u->base)) {
        return -1;
    }
    return (int)((addr - u->base) / IO_PAGE);
}

static void user_copy(Io *io, const IoUser *u, uint64_t addr, void *to,
                      const void *from, size_t len)
{
    size_t done = 0;

    while (done < len) {
        size_t n = MIN(len - done, IO_PAGE - (addr + done) % IO_PAGE);
        uint8_t *p = phys(io, u->pa + (addr + done - u->base));

        if (to) {
            memcpy((uint8_t *)to + done, p, n);
        } else {
            memcpy(p, (const uint8_t *)from + done, n);
        }
        done += n;
    }
}

static bool user_fails(Io *io)
{
    if (io->user_accesses++ == io->fail_user) {
        io->failed = true;
        return true;
    }
    return false;
}

static int port_user_read(void *host, void *user, uint64_t addr, void *buf,
                          size_t len)
{
    Io *io = ((Rig *)host)->io;

    if (user_fails(io) || user_page(user, addr, len) < 0) {
        return -EFAULT;
    }
    user_copy(io, user, addr, buf, NULL, len);
    return 0;
}

static int port_user_write(void *host, void *user, uint64_t addr,
                           const void *buf, size_t len)
{
    Io *io = ((Rig *)host)->io;
    int first = user_page(user, addr, len);

    if (user_fails(io) || first < 0) {
        return -EFAULT;
    }
    if (len) {
        unsigned last = (unsigned)user_page(user, addr + len - 1, 1);

        if ((unsigned)first <= IO_RO_PAGE && last >= IO_RO_PAGE) {
            return -EFAULT;
        }
    }
    user_copy(io, user, addr, NULL, buf, len);
    return 0;
}

static int port_pin(void *host, void *user, uint64_t addr, bool write,
                    uint64_t *pa)
{
    Io *io = ((Rig *)host)->io;
    IoUser *u = user;
    int page = user_page(u, addr, 1);
    uint64_t size = UINT64_C(1) << io->cfg.page_shift;

    g_assert_cmphex(addr & (size - 1), ==, 0);
    if (io->pins++ == io->fail_pin) {
        io->failed = true;
        return -EFAULT;
    }
    if (page < 0 || (write && page == IO_RO_PAGE) ||
        user_page(u, addr, size) < 0) {
        return -EFAULT;
    }
    for (uint64_t i = 0; i < size / IO_PAGE; i++) {
        u->pins[(unsigned)page + i]++;
    }
    *pa = u->pa + (addr - u->base);
    return 0;
}

static void port_unpin(void *host, void *user, uint64_t addr, uint64_t pa,
                       bool dirty)
{
    Io *io = ((Rig *)host)->io;
    IoUser *u = user;
    int page = user_page(u, addr, 1);

    g_assert_cmpint(page, >=, 0);
    g_assert_cmphex(pa, ==, u->pa + (addr - u->base));
    for (unsigned i = 0; i < 1u << (io->cfg.page_shift - 12); i++) {
        g_assert_cmpuint(u->pins[(unsigned)page + i], >, 0);
        u->pins[(unsigned)page + i]--;
        u->wrote[(unsigned)page + i] += dirty;
    }
}

/* --- allocator ---------------------------------------------------------- */

static void *port_alloc(void *host, size_t bytes)
{
    Io *io = ((Rig *)host)->io;
    void *p;

    if (io->allocs++ == io->fail_alloc) {
        io->failed = true;
        return NULL;
    }
    g_assert_cmpuint(bytes, >, 0);
    if (bytes > io->big) {
        return NULL;
    }
    p = g_malloc0(bytes);
    g_hash_table_insert(io->blocks, p, GSIZE_TO_POINTER(bytes));
    return p;
}

static void port_free(void *host, void *p, size_t bytes)
{
    Io *io = ((Rig *)host)->io;
    gpointer had = g_hash_table_lookup(io->blocks, p);

    if (GPOINTER_TO_SIZE(had) != bytes) {
        io->bad_frees++;
        g_error("%zu bytes were allocated, %zu are freed",
                GPOINTER_TO_SIZE(had), bytes);
    }
    g_hash_table_remove(io->blocks, p);
    g_free(p);
}

static void port_readable(void *host, void *user, ImuRef queue)
{
    Io *io = ((Rig *)host)->io;

    g_assert_nonnull(user);
    io->readable++;
    io->readable_queue = queue;
}

void io_fail_alloc(Io *io, uint64_t n)
{
    io->fail_alloc = n == UINT64_MAX ? n : io->allocs + n;
    io->failed = false;
}

void io_fail_pin(Io *io, uint64_t n)
{
    io->fail_pin = n == UINT64_MAX ? n : io->pins + n;
    io->failed = false;
}

void io_fail_user(Io *io, uint64_t n)
{
    io->fail_user = n == UINT64_MAX ? n : io->user_accesses + n;
    io->failed = false;
}

/* --- life --------------------------------------------------------------- */

static void consistent(Rig *r)
{
    g_autofree char *broken = im_ioasid_check(r->io->h);

    if (broken) {
        g_error("invariant: %s", broken);
    }
}

ImIoasidConfig io_config(void)
{
    return (ImIoasidConfig) {
        .pasid_bits = 16,
        .page_shift = 12,
        .ctx_quota = 1000,
        .iotlb_entries = 64,
        .pri_set_limit = 8,
        .ats_timeout_ns = 1000000,
        .quarantine_ns = 5000,
    };
}

static void add_functions(Io *io)
{
    /* 2 and 3 share a group, 4 has no PASID, 5 has four of them. */
    static const ImuRange msi = { 0xfee00000, 0xfeefffff };

    for (unsigned n = 0; n < IO_FUNCS; n++) {
        ImIoasidDevice d = {
            .func = io_func(n),
            .group = n,
            .pri_credit = 4,
            .caps = IMU_DEV_CAP_PASID | IMU_DEV_CAP_ATS | IMU_DEV_CAP_PRI |
                    IMU_DEV_CAP_EXEC | IMU_DEV_CAP_PRIV,
            .pasid_bits = io->cfg.pasid_bits,
            .reserved = &msi,
            .reserved_count = 1,
        };

        if (n == 3) {
            d.group = 2;
        } else if (n == 4) {
            d.caps = 0;
            d.pri_credit = 0;
            d.pasid_bits = 0;
        } else if (n == 5) {
            d.pasid_bits = 2;
        }
        g_assert_cmpint(im_ioasid_device_add(io->h, &d), ==, 0);
    }
}

Io *io_new(const ImIoasidConfig *cfg)
{
    Io *io = g_new0(Io, 1);
    g_autofree char *err = NULL;

    io->r = rig_host_new(&im_ioasid_ops, consistent);
    io->r->io = io;
    io->cfg = cfg ? *cfg : io_config();
    io->users = g_ptr_array_new_with_free_func(g_free);
    io->blocks = g_hash_table_new(NULL, NULL);
    io->dump = g_string_new(NULL);
    io->fail_alloc = io->fail_pin = io->fail_user = UINT64_MAX;
    io->big = UINT64_C(1) << 28;
    io->port = (ImIoasidPort) {
        .size = sizeof(ImIoasidPort),
        .iommu = io->r->port,
        .alloc = port_alloc,
        .free = port_free,
        .user_read = port_user_read,
        .user_write = port_user_write,
        .pin = port_pin,
        .unpin = port_unpin,
        .readable = port_readable,
    };
    io->port.iommu.read = io_read;
    io->port.iommu.write = io_write;
    io->port.iommu.cmpxchg64 = io_cmpxchg64;
    io->h = im_ioasid_new(&io->cfg, &io->port, io->r, &err);
    if (!io->h) {
        g_error("configuration refused: %s", err ? err : "(no reason)");
    }
    io->r->ioasid = io->h;
    add_functions(io);
    io_open(io, IM_IOASID_CTX_DEBUG);
    return io;
}

void io_free(Io *io)
{
    rig_free(io->r);
    g_assert_cmpuint(g_hash_table_size(io->blocks), ==, 0);
    for (unsigned i = 0; i < io->users->len; i++) {
        IoUser *u = io->users->pdata[i];

        for (unsigned p = 0; p < IO_PAGES; p++) {
            g_assert_cmpuint(u->pins[p], ==, 0);
        }
    }
    g_hash_table_destroy(io->blocks);
    g_ptr_array_free(io->users, TRUE);
    g_string_free(io->dump, TRUE);
    g_free(io);
}

ImIoasidCtx *io_open(Io *io, uint32_t flags)
{
    IoUser *u = g_new0(IoUser, 1);

    u->io = io;
    u->base = USER_BASE + USER_STEP * io->users->len;
    u->pa = rig_alloc(io->r, IO_PAGES, RIG_READ | RIG_WRITE | RIG_UPDATE);
    g_ptr_array_add(io->users, u);
    io->user = u;
    io->ctx = im_ioasid_open(io->h, flags, u);
    g_assert_nonnull(io->ctx);
    u->ctx = io->ctx;
    g_string_truncate(io->dump, 0);
    return io->ctx;
}

void io_use(Io *io, ImIoasidCtx *ctx)
{
    for (unsigned i = 0; i < io->users->len; i++) {
        IoUser *u = io->users->pdata[i];

        if (u->ctx == ctx) {
            io->ctx = ctx;
            io->user = u;
            return;
        }
    }
    g_assert_not_reached();
}

uint64_t io_at(const Io *io, unsigned page)
{
    return io->user->base + (uint64_t)page * IO_PAGE;
}

uint64_t io_pa(const Io *io, unsigned page)
{
    return io->user->pa + (uint64_t)page * IO_PAGE;
}

void io_put(Io *io, uint64_t user, const void *buf, size_t n)
{
    g_assert_cmpint(user_page(io->user, user, n), >=, 0);
    user_copy(io, io->user, user, NULL, buf, n);
}

void io_get(Io *io, uint64_t user, void *buf, size_t n)
{
    g_assert_cmpint(user_page(io->user, user, n), >=, 0);
    user_copy(io, io->user, user, buf, NULL, n);
}
