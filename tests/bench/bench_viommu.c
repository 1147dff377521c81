/*
 * What do both halves cost? A VT-d unit alone, and the same unit on the host's
 * backend, one after the other: a figure of each, and how they compare.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/im_viommu.h"
#include "im/im_vtd.h"

typedef struct Both {
    ImVtd *vtd;
    ImIoasid *h;
    ImIoasidCtx *ctx;
    ImViommu *v;                /* NULL: the unit alone */
    ImViommuFn *fn;
    ImuRef readable[16];
    unsigned n;
    void *arg;
} Both;

#define MEM_SIZE    (UINT64_C(16) << 20)
#define BENCH_UNIT  Both

static uint8_t both_translate(Both *s, const ImTxn *t)
{
    ImXlat x;

    if (s->fn) {
        im_viommu_translate(s->fn, t, &x);
    } else {
        x = im_vtd_translate(s->vtd, t);
    }
    return x.status;
}

#include "bench/bench_host.h"
#define BENCH_VTD(b)  ((b)->s->vtd)
#include "bench/bench_vtd_unit.h"

#define HOST_FUNC   0x0800
#define ARG         (UINT64_C(1) << 61)
#define CACHED      65536u

/* --- the backend and its host ------------------------------------------- */

static void *get(void *host, size_t bytes)
{
    (void)host;
    return calloc(1, bytes);
}

static void put(void *host, void *p, size_t bytes)
{
    (void)host;
    (void)bytes;
    free(p);
}

static int user_read(void *host, void *user, uint64_t addr, void *buf,
                     size_t len)
{
    Bench *b = host;

    (void)user;
    memcpy(buf, (char *)b->s->arg + (addr - ARG), len);
    return 0;
}

static int user_write(void *host, void *user, uint64_t addr, const void *buf,
                      size_t len)
{
    Bench *b = host;

    (void)user;
    memcpy((char *)b->s->arg + (addr - ARG), buf, len);
    return 0;
}

static void readable(void *host, void *user, ImuRef queue)
{
    Bench *b = host;

    (void)user;
    b->s->readable[b->s->n++ % G_N_ELEMENTS(b->s->readable)] = queue;
}

static int command(void *host, ImuCommand number, void *arg, size_t size,
                   size_t whole)
{
    Bench *b = host;

    (void)whole;
    ((ImuHead *)arg)->size = (uint32_t)size;
    b->s->arg = arg;
    return im_ioasid_command(b->s->ctx, number, ARG);
}
#define COMMAND(b, NAME, a) \
    must(!command(b, IMU_CMD_##NAME, a, sizeof(*(a)), sizeof(*(a))))

/* --- what joins them ---------------------------------------------------- */

static bool join_translate(void *host, uint32_t func, bool has_pasid,
                           uint32_t pasid, const ImTxn *txn, ImXlat *out)
{
    return im_ioasid_translate_as(((Bench *)host)->s->h, func, has_pasid, pasid,
                                  txn, out);
}

static void join_page_request(void *host, const ImPageReq *req)
{
    im_ioasid_page_request(((Bench *)host)->s->h, req);
}

static bool join_host_pasid(void *host, uint32_t func, uint32_t gpasid,
                            uint32_t *hpasid)
{
    return im_ioasid_host_pasid(((Bench *)host)->s->h, func, gpasid, hpasid);
}

static bool join_missed(void *host, ImIoasidMiss *miss)
{
    return im_ioasid_missed(((Bench *)host)->s->h, miss);
}

static void join_host_fault(void *host, const ImTxn *txn, const char *name,
                            const char *text)
{
    (void)host;
    (void)txn;
    fprintf(stderr, "bench: %s: %s\n", name, text);
    exit(1);
}

static void guest_page_response(void *host, const ImPageResp *resp)
{
    Bench *b = host;

    if (!b->s->v || !im_viommu_page_response(b->s->v, resp)) {
        response(host, resp);
    }
}

static void guest_invalidated(void *host, const ImInval *inval)
{
    Bench *b = host;

    if (b->s->v) {
        im_viommu_invalidated(b->s->v, inval);
    }
}

static uint64_t guest_fence(void *host)
{
    Bench *b = host;

    return b->s->v ? im_viommu_fence(b->s->v) : 0;
}

/* What an emulator does when it has left the unit. */
static void settle(Bench *b)
{
    if (!b->s->v) {
        return;
    }
    im_viommu_settle(b->s->v);
    for (unsigned i = 0; i < b->s->n; i++) {
        im_viommu_readable(b->s->v, b->s->readable[i]);
    }
    b->s->n = 0;
}

/* --- the unit, alone and on its host -------------------------------------- */

static void start_unit(Bench *b)
{
    ImVtdConfig cfg = unit_config();
    ImPort port = bench_port();

    port.page_response = guest_page_response;
    port.invalidated = guest_invalidated;
    port.fence = guest_fence;
    b->s->vtd = im_vtd_new(&cfg, &port, b, NULL);
    must(b->s->vtd);
    unit_on(b);
}

static ImuRef ram_space(Bench *b, ImuRef set)
{
    static const ImuRange ram[] = {
        { 0, MEM_SIZE - 1 },
        { OUT_BASE, OUT_BASE + ((uint64_t)CACHED << 12) - 1 },
    };
    ImuSpaceCreate c = {
        .head.flags = IMU_SPACE_PARENT,
        .set = set,
        .kind = IMU_SPACE_MAPPED,
    };

    COMMAND(b, SPACE_CREATE, &c);
    for (unsigned i = 0; i < G_N_ELEMENTS(ram); i++) {
        ImuMap m = {
            .head.flags = IMU_PROT_READ | IMU_PROT_WRITE | IMU_MAP_FIXED,
            .set = set,
            .space = c.space,
            .user = ram[i].first,
            .iova = ram[i].first,
            .length = ram[i].last - ram[i].first + 1,
        };

        COMMAND(b, MAP, &m);
    }
    return c.space;
}

/* The unit stands on a host, where PASIDs are translated. */
static void start_host(Bench *b)
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
        .readable = readable,
    };
    const ImViommuPort join = {
        .size = sizeof(join),
        .command = command,
        .user = ARG,
        .translate = join_translate,
        .page_request = join_page_request,
        .host_pasid = join_host_pasid,
        .missed = join_missed,
        .page_response = response,
        .host_fault = join_host_fault,
    };
    const ImIoasidDevice dev = {
        .func = HOST_FUNC,
        .group = HOST_FUNC,
        .caps = IMU_DEV_CAP_PASID | IMU_DEV_CAP_PRI,
        .pri_credit = 32,
        .pasid_bits = 20,
    };
    ImuSetCreate set = {
        .gpasid_min = 1,
        .gpasid_max = IM_PASID_MAX,
        .map_mode = IMU_MODE_TRANSLATE,
    };
    ImViommuConfig cfg = { .format = IMU_FORMAT_VTD_FIRST,
                           .map_mode = IMU_MODE_TRANSLATE };
    int err;

    b->s->h = im_ioasid_new(&IM_IOASID_CONFIG_DEFAULT, &port, b, NULL);
    must(b->s->h && !im_ioasid_device_add(b->s->h, &dev));
    b->s->ctx = im_ioasid_open(b->s->h, 0, NULL);
    COMMAND(b, SET_CREATE, &set);
    cfg.set = set.set;
    cfg.ram = ram_space(b, set.set);
    b->s->v = im_viommu_new(&cfg, &im_vtd_ops, b->s->vtd, &join, b, &err);
    must(b->s->v && !im_viommu_add(b->s->v, HOST_FUNC, &b->s->fn));
}

static void start(Bench *b, bool host, uint32_t pages)
{
    uint64_t fs;

    b->s = calloc(1, sizeof(*b->s));
    start_unit(b);
    fs = new_table(b);
    pasid_entry(b, 1, 1, fs, 0);
    for (uint32_t i = 0; i < pages; i++) {
        map(b, fs, VA_BASE + ((uint64_t)i << 12),
            OUT_BASE + ((uint64_t)i << 12), FS_TABLE, FS_LEAF);
    }
    if (host) {
        start_host(b);
    }
}

static void stop(Bench *b)
{
    if (b->s->v) {
        im_viommu_free(b->s->v);
        b->s->v = NULL;
        im_ioasid_free(b->s->h);
    }
    im_vtd_free(b->s->vtd);
    free(b->s);
}

/* --- operations --------------------------------------------------------- */

static void submit(Bench *b, uint64_t d0, uint64_t d1)
{
    uint64_t tail = im_vtd_mmio_read(b->s->vtd, 0x088, 8);
    uint64_t *d = word(b, IQ + tail);

    d[0] = d0;
    d[1] = d1;
    d[2] = d[3] = 0;
    reg_write(b, 0x088, (tail + 32) & 0xfff, 8);
    settle(b);
}

static void op_hit(Bench *b, uint32_t i)
{
    ImTxn t = request_of(1, VA_BASE + ((uint64_t)(i & 15) << 12));

    must(both_translate(b->s, &t) == IM_OK);
}

static void op_inv_page(Bench *b, uint32_t i)
{
    submit(b, 0x6 | 3 << 4 | 1 << 16 | UINT64_C(1) << 32,
           VA_BASE + ((uint64_t)(i % CACHED) << 12));
}

/* Request, the guest's queue, its response, and the message to the device. */
static void op_page_request(Bench *b, uint32_t i)
{
    uint64_t head = im_vtd_mmio_read(b->s->vtd, 0x0c0, 8);
    const uint64_t *q = word(b, PRQ + head);
    uint64_t before = b->responses;
    ImPageReq req = {
        .rid = RID,
        .has_pasid = true,
        .pasid = 1,
        .addr = VA_BASE,
        .read = true,
        .last = true,
        .prgi = i & 511,
    };

    if (b->s->fn) {
        im_viommu_page_request(b->s->fn, &req);
        settle(b);
    } else {
        im_vtd_page_request(b->s->vtd, &req);
    }
    must(im_vtd_mmio_read(b->s->vtd, 0x0c8, 8) != head);
    reg_write(b, 0x0c0, (head + 32) & 0xfff, 8);
    submit(b,
           0x9 | 1 << 4 | (uint64_t)RID << 16 |
               (uint64_t)(q[0] >> 32 & 0xfffff) << 32,
           (q[1] >> 3 & 511) << 3);
    must(b->responses == before + 1);
}

/* A PASID's entry appears, is used, goes, and is invalidated. */
static void op_bind(Bench *b, uint32_t i)
{
    uint32_t pasid = 2 + i % 512;
    ImTxn t = request_of(pasid, VA_BASE);

    pasid_entry(b, pasid, (uint16_t)pasid, word(b, PASIDS + 64)[2], 0);
    must(both_translate(b->s, &t) == IM_OK);
    *word(b, PASIDS + 64 * pasid) = 0;
    submit(b, 0x7 | 1 << 4 | pasid << 16 | (uint64_t)pasid << 32, 0);
}

/* --- figures ------------------------------------------------------------ */

typedef struct Row {
    const char *name;
    void (*operate)(Bench *b, uint32_t i);
    uint32_t pages; /* mapped, */
    uint32_t warm; /* and requested first */
    uint32_t times;
    double most; /* target: both halves, times one */
    double ns; /* target: both halves; 0: none */
} Row;

static const Row rows[] = {
    { "hit", op_hit, 16, 16, 200000, 1.15, 0 },
    { "page request round trip", op_page_request, 16, 16, 20000, 1.5, 0 },
    { "invalidate a page, 1 cached", op_inv_page, 16, 1, 16384, 1.5, 0 },
    { "invalidate a page, 64 K cached", op_inv_page, CACHED, CACHED, 16384, 1.5,
      0 },
    { "bind + unbind of a PASID", op_bind, 16, 0, 4096, 0, 5000 },
};

static void prepare(Bench *b, const Row *row, bool host)
{
    start(b, host, row->pages);
    for (uint32_t i = 0; i < row->warm; i++) {
        ImTxn t = request_of(1, VA_BASE + ((uint64_t)i << 12));

        must(both_translate(b->s, &t) == IM_OK);
    }
}

static double measure(Bench *b, const Row *row, bool host)
{
    double v[BATCHES];

    for (unsigned n = 0; n < BATCHES; n++) {
        double at;

        prepare(b, row, host);
        at = now_ns();
        for (uint32_t i = 0; i < row->times; i++) {
            row->operate(b, i);
        }
        v[n] = (now_ns() - at) / row->times;
        stop(b);
    }
    return median(v, BATCHES);
}

static void bench_row(Bench *b, const Row *row)
{
    double one = measure(b, row, false), both = measure(b, row, true);

    printf("%-34s %8.1f ns alone, %8.1f ns both, %5.2f times", row->name, one,
           both, both / one);
    if (row->most > 0) {
        printf(", target %.2f  %s", row->most,
               both <= row->most * one ? "reached" : "MISSED");
    }
    if (row->ns > 0) {
        printf(", target %.0f ns  %s", row->ns,
               both <= row->ns ? "reached" : "MISSED");
    }
    putchar('\n');
}

/* As bench.h's count_row(), each row twice. */
static int count(Bench *b, char **arg)
{
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(rows); i++) {
        const Row *row = &rows[i / 2];
        g_autofree char *name = g_strdup_printf("%s, %s", row->name,
                                                i % 2 ? "both" : "alone");

        if (!arg[0]) {
            puts(name);
        } else if (strcmp(name, arg[0]) == 0) {
            uint32_t times = (uint32_t)atoi(arg[1]);

            prepare(b, row, i % 2);
            for (uint32_t k = 0; k < times; k++) {
                row->operate(b, k);
            }
            stop(b);
        }
    }
    return bench_end(b);
}

int main(int argc, char **argv)
{
    Bench b = bench_new();

    if (argc > 1 && strcmp(argv[1], "count") == 0) {
        return count(&b, argv + 2);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        bench_row(&b, &rows[i]);
    }
    return bench_end(&b);
}
