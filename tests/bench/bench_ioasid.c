/*
 * How fast is the IOASID backend alone, its commands included?
 *
 * Every figure is the median of batches, in nanoseconds an operation of this
 * thread's time; a command's structure is in memory that is an array.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/im_ioasid.h"
/* Inside knowledge, for the lookup without a command. */
#include "hw/ioasid/ioasid.h"

#define MEM_SIZE    (UINT64_C(16) << 20)
#define BENCH_UNIT  ImIoasid
#define BENCH_FN(name)  im_ioasid_##name
#include "bench/bench.h"

#define FUNC        0x0100u
#define ARG         UINT64_C(0x1000)
#define ARG2        UINT64_C(0x2000)
#define MANY        1000000u
#define BOUND       65535u

/* --- the host ----------------------------------------------------------- */

static size_t asked;                /* bytes, by who counts them */

static void *get(void *host, size_t bytes)
{
    (void)host;
    asked += bytes;
    return calloc(1, bytes);
}

static void put(void *host, void *p, size_t bytes)
{
    (void)host;
    asked -= bytes;
    free(p);
}

static int user_read(void *host, void *user, uint64_t addr, void *buf,
                     size_t len)
{
    (void)user;
    return mem_read(host, addr, buf, len) == IM_BUS_OK ? 0 : -1;
}

static int user_write(void *host, void *user, uint64_t addr, const void *buf,
                      size_t len)
{
    (void)user;
    return mem_write(host, addr, buf, len) == IM_BUS_OK ? 0 : -1;
}

static ImIoasidCtx *start(Bench *b)
{
    const ImIoasidPort port = {
        .size = sizeof(port),
        .iommu = bench_port(),
        .alloc = get,
        .free = put,
        .user_read = user_read,
        .user_write = user_write,
        .pin = pin,
        .unpin = unpin,
    };
    const ImIoasidDevice dev = {
        .func = FUNC,
        .caps = IMU_DEV_CAP_PASID,
        .pasid_bits = 20,
    };
    ImIoasidConfig cfg = IM_IOASID_CONFIG_DEFAULT;

    cfg.ctx_quota = IM_PASID_MAX;
    cfg.quarantine_ns = 0;
    b->s = im_ioasid_new(&cfg, &port, b, NULL);
    must(b->s && !im_ioasid_device_add(b->s, &dev));
    return im_ioasid_open(b->s, 0, NULL);
}

/* --- commands ----------------------------------------------------------- */

static void obey(Bench *b, ImIoasidCtx *c, ImuCommand command, void *a,
                 size_t size)
{
    ((ImuHead *)a)->size = (uint32_t)size;
    memcpy(b->mem + ARG, a, size);
    must(!im_ioasid_command(c, command, ARG));
    memcpy(a, b->mem + ARG, size);
}

#define OBEY(b, c, name, a)  obey(b, c, IMU_CMD_##name, a, sizeof(*(a)))

static ImuRef set_new(Bench *b, ImIoasidCtx *c, ImuPool pool)
{
    ImuSetCreate a = {
        .gpasid_min = 1,
        .gpasid_max = IM_PASID_MAX,
        .map_mode = IMU_MODE_TRANSLATE,
        .pool = pool,
    };

    OBEY(b, c, SET_CREATE, &a);
    return a.set;
}

static ImuPasidAlloc pasid_new(Bench *b, ImIoasidCtx *c, ImuRef set)
{
    ImuPasidAlloc a = { .set = set };

    OBEY(b, c, PASID_ALLOC, &a);
    return a;
}

static void set_end(Bench *b, ImIoasidCtx *c, ImuRef set)
{
    ImuSetDestroy a = { .head.flags = IMU_SET_DESTROY_FORCE, .set = set };

    OBEY(b, c, SET_DESTROY, &a);
}

/* --- rows --------------------------------------------------------------- */

static void bench_alloc(Bench *b, ImuPool pool, uint32_t live)
{
    enum { COUNT = 20000 };
    ImIoasidCtx *c = start(b);
    ImuRef set = set_new(b, c, pool);
    ImuPasidAlloc *a = (void *)(b->mem + ARG);
    ImuPasidFree *f = (void *)(b->mem + ARG2);
    double v[BATCHES];
    char what[64];

    for (uint32_t i = 0; i < live; i++) {
        pasid_new(b, c, set);
    }
    *a = (ImuPasidAlloc) { .head.size = sizeof(*a), .set = set };
    *f = (ImuPasidFree) { .head.size = sizeof(*f), .set = set };
    for (unsigned i = 0; i < BATCHES; i++) {
        double at = now_ns();

        for (unsigned n = 0; n < COUNT; n++) {
            must(!im_ioasid_command(c, IMU_CMD_PASID_ALLOC, ARG));
            f->pasid = a->pasid;
            must(!im_ioasid_command(c, IMU_CMD_PASID_FREE, ARG2));
        }
        v[i] = (now_ns() - at) / COUNT;
    }
    snprintf(what, sizeof(what), "alloc + free, %s, %u live",
             pool == IMU_POOL_GLOBAL ? "global" : "per device", live);
    print(what, median(v, BATCHES), 100);
    im_ioasid_free(b->s);
}

/* As requests do: guest number to host number. */
static void bench_lookup(Bench *b)
{
    ImIoasidCtx *c = start(b);
    size_t before = asked;
    size_t heap_before = heap();
    ImuRef ref = set_new(b, c, IMU_POOL_GLOBAL);
    uint32_t *order = calloc(MANY, sizeof(*order));
    double v[BATCHES];
    double bytes, real;
    uint64_t sum = 0;
    IoSet *set;

    must(order && !im_ioasid_set_of(c, ref, &set));
    heap_before += MANY * sizeof(*order);
    for (uint32_t i = 0; i < MANY; i++) {
        pasid_new(b, c, ref);
    }
    bytes = (double)(asked - before) / MANY;
    real = (double)(heap() - heap_before) / MANY;
    shuffle(order, MANY);
    for (unsigned i = 0; i < BATCHES; i++) {
        double at = now_ns();

        for (uint32_t n = 0; n < MANY; n++) {
            sum += im_ioasid_by_gpasid(set, order[n] + 1)->hpasid;
        }
        v[i] = (now_ns() - at) / MANY;
    }
    must(sum == BATCHES * (uint64_t)MANY * (MANY + 1) / 2);
    print("guest to host number, 1 M PASIDs in random order",
          median(v, BATCHES), 30);
    printf("%-46s %9.1f bytes (%.1f with the allocator's)   target   128  "
           "%s\n",
           "a PASID, 1 M of them", bytes, real,
           bytes <= 128 ? "reached" : "MISSED");
    free(order);
    im_ioasid_free(b->s);
}

static void bench_attach(Bench *b)
{
    enum { COUNT = 20000 };
    ImIoasidCtx *c = start(b);
    ImuRef set = set_new(b, c, IMU_POOL_DEVICE);
    ImuDevBind d = { .set = set, .func = FUNC };
    ImuSpaceCreate s = { .set = set, .kind = IMU_SPACE_MAPPED };
    ImuAttach a = { .head.flags = IMU_ATTACH_PASID, .set = set };
    ImuDetach x = { .head.flags = IMU_ATTACH_PASID, .set = set };
    double v[BATCHES];

    OBEY(b, c, DEV_BIND, &d);
    OBEY(b, c, SPACE_CREATE, &s);
    a.dev = x.dev = d.dev;
    a.space = s.space;
    a.pasid = x.pasid = pasid_new(b, c, set).pasid;
    for (unsigned i = 0; i < BATCHES; i++) {
        double at = now_ns();

        for (unsigned n = 0; n < COUNT; n++) {
            OBEY(b, c, ATTACH, &a);
            OBEY(b, c, DETACH, &x);
        }
        v[i] = (now_ns() - at) / COUNT;
    }
    print("attach + detach", median(v, BATCHES), 500);
    im_ioasid_free(b->s);
}

static void bench_destroy(Bench *b)
{
    enum { ROUNDS = 5 };
    ImIoasidCtx *c = start(b);
    double v[ROUNDS];

    for (unsigned i = 0; i < ROUNDS; i++) {
        ImuRef set = set_new(b, c, IMU_POOL_DEVICE);
        ImuDevBind d = { .set = set, .func = FUNC };
        ImuSpaceCreate s = { .set = set, .kind = IMU_SPACE_MAPPED };
        double at;

        OBEY(b, c, DEV_BIND, &d);
        OBEY(b, c, SPACE_CREATE, &s);
        for (uint32_t n = 0; n < BOUND; n++) {
            ImuAttach a = {
                .head.flags = IMU_ATTACH_PASID,
                .set = set,
                .dev = d.dev,
                .pasid = pasid_new(b, c, set).pasid,
                .space = s.space,
            };

            OBEY(b, c, ATTACH, &a);
        }
        at = now_ns();
        set_end(b, c, set);
        v[i] = (now_ns() - at) / 1e6;
    }
    printf("%-46s %9.1f ms   target   100  %s\n",
           "destroy a set of 64 K bound PASIDs", median(v, ROUNDS),
           v[ROUNDS / 2] <= 100 ? "reached" : "MISSED");
    im_ioasid_free(b->s);
}

/* --- requests and mappings ---------------------------------------------- */

#define NESTED_PAGES  4096u

/* Guest memory is this host's; every level present and writable, the pages
 * in no order. */
static uint64_t guest_tables(Bench *b, uint32_t pages)
{
    uint64_t root = new_table(b);

    for (uint32_t i = 0; i < pages; i++) {
        uint64_t va = VA_BASE + ((uint64_t)i << 12);
        uint64_t at = root;

        for (unsigned shift = 39; shift > 12; shift -= 9) {
            uint64_t *e = word(b, at + (va >> shift & 511) * 8);

            if (!*e) {
                *e = new_table(b) | 7;
            }
            at = *e & ~UINT64_C(0xfff);
        }
        *word(b, at + (va >> 12 & 511) * 8) = ((i * 7919u) % 4096u) << 12 |
                                              0x67;
    }
    return root;
}

static ImuRef space_new(Bench *b, ImIoasidCtx *c, ImuSpaceCreate a)
{
    OBEY(b, c, SPACE_CREATE, &a);
    return a.space;
}

static void map_all(Bench *b, ImIoasidCtx *c, ImuRef set, ImuRef space)
{
    ImuMap a = {
        .head.flags = IMU_PROT_READ | IMU_PROT_WRITE | IMU_MAP_FIXED,
        .set = set,
        .space = space,
        .length = MEM_SIZE,
    };

    OBEY(b, c, MAP, &a);
}

static ImTxn nested_request(uint64_t addr)
{
    return (ImTxn) { .rid = FUNC,
                     .has_pasid = true,
                     .pasid = 1,
                     .addr = addr,
                     .len = 8,
                     .access = IM_WRITE };
}

/* A guest's first-stage table on a mapped parent. Returns what it is told
 * to invalidate everything. */
static ImuInvalidate nested_start(Bench *b, ImIoasidCtx **ctx)
{
    ImIoasidCtx *c = *ctx = start(b);
    ImuRef set = set_new(b, c, IMU_POOL_DEVICE);
    ImuDevBind d = { .set = set, .func = FUNC };
    ImuRef parent = space_new(b, c,
                              (ImuSpaceCreate) {
                                  .head.flags = IMU_SPACE_PARENT,
                                  .set = set,
                                  .kind = IMU_SPACE_MAPPED,
                              });
    ImuVtdFirst first;
    ImuAttach a = { .head.flags = IMU_ATTACH_PASID, .set = set };

    b->next = UINT64_C(8) << 20;
    first = (ImuVtdFirst) { .root = guest_tables(b, NESTED_PAGES) };
    memcpy(b->mem + ARG2, &first, sizeof(first));
    OBEY(b, c, DEV_BIND, &d);
    map_all(b, c, set, parent);
    a.space = space_new(b, c,
                        (ImuSpaceCreate) {
                            .set = set,
                            .kind = IMU_SPACE_NESTED,
                            .parent = parent,
                            .format = IMU_FORMAT_VTD_FIRST,
                            .data = ARG2,
                            .data_size = sizeof(first),
                        });
    a.dev = d.dev;
    a.pasid = pasid_new(b, c, set).pasid;
    OBEY(b, c, ATTACH, &a);
    return (ImuInvalidate) {
        .set = set,
        .target = IMU_INV_SET,
        .caches = IMU_CACHE_IOTLB,
    };
}

static void bench_nested(Bench *b)
{
    enum { COUNT = 200000 };
    ImIoasidCtx *c;
    ImuInvalidate all = nested_start(b, &c);
    double hit[BATCHES], miss[BATCHES];

    shuffle(b->order, NESTED_PAGES);
    for (unsigned i = 0; i < BATCHES; i++) {
        ImuInvalidate inv = all;

        OBEY(b, c, INVALIDATE, &inv);
        miss[i] = lookups(b, nested_request(0), NESTED_PAGES, NESTED_PAGES);
        hit[i] = lookups(b, nested_request(0), NESTED_PAGES, COUNT);
    }
    print("nested hit, 4 K pages in random order", median(hit, BATCHES), 40);
    print("nested miss", median(miss, BATCHES), 0);
    im_ioasid_free(b->s);
}

static void bench_map(Bench *b, uint32_t present)
{
    enum { COUNT = 20000 };
    ImIoasidCtx *c = start(b);
    ImuRef set = set_new(b, c, IMU_POOL_DEVICE);
    ImuRef space = space_new(b, c,
                             (ImuSpaceCreate) {
                                 .set = set,
                                 .kind = IMU_SPACE_MAPPED,
                             });
    ImuMap m = {
        .head.flags = IMU_PROT_READ | IMU_PROT_WRITE,
        .set = set,
        .space = space,
        .user = 0x10000,
        .length = 0x1000,
    };
    ImuUnmap u = { .set = set, .space = space };
    double v[BATCHES];
    char what[64];

    for (uint32_t i = 0; i < present; i++) {
        OBEY(b, c, MAP, &m);
    }
    for (unsigned i = 0; i < BATCHES; i++) {
        double at = now_ns();

        for (unsigned n = 0; n < COUNT; n++) {
            OBEY(b, c, MAP, &m);
            u.iova = m.iova;
            u.length = 0x1000;
            OBEY(b, c, UNMAP, &u);
        }
        v[i] = (now_ns() - at) / COUNT;
    }
    snprintf(what, sizeof(what), "map + unmap of a page, %u mapped", present);
    print(what, median(v, BATCHES), 0);
    im_ioasid_free(b->s);
}

/* --- for instructions.py ------------------------------------------------ */

static void ready_miss(Bench *b)
{
    ImIoasidCtx *c;

    nested_start(b, &c);
}

static void ready_hit(Bench *b)
{
    ready_miss(b);
    shuffle(b->order, 16);
    lookups(b, nested_request(0), 16, 16);
}

static void request(Bench *b, uint32_t page)
{
    ImTxn t = nested_request(VA_BASE + ((uint64_t)page << 12));

    must(im_ioasid_translate(b->s, &t).status == IM_OK);
}

static void hit(Bench *b, uint32_t i)
{
    request(b, i % 16);
}

static const CountRow count_rows[] = {
    { "nested hit", ready_hit, hit },
    { "nested miss", ready_miss, request },
};

int main(int argc, char **argv)
{
    Bench b = bench_new();

    if (argc > 1) {
        return count_row(&b, count_rows, G_N_ELEMENTS(count_rows), argv + 2);
    }
    bench_alloc(&b, IMU_POOL_DEVICE, 0);
    bench_alloc(&b, IMU_POOL_GLOBAL, 0);
    bench_alloc(&b, IMU_POOL_GLOBAL, 100000);
    bench_lookup(&b);
    bench_attach(&b);
    bench_destroy(&b);
    bench_nested(&b);
    bench_map(&b, 0);
    bench_map(&b, 10000);
    return bench_end(&b);
}
