/*
 * The upward port: what holds of the table of every IOMMU, whatever it is of.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/io.h"
#include "lib/iommu.h"
#include "lib/tiny.h"

typedef struct Unit {
    const ImIommuOps *ops;
    Rig *rig;
    Io *io;      /* whose rig it is, or NULL */
    Iommu world; /* the same, if it has one */
} Unit;

static Unit unit_new(const char *name)
{
    Unit u = { 0 };

    if (!strcmp(name, "vtd")) {
        u.ops = &im_vtd_ops;
        u.rig = rig_vtd_new(NULL);
    } else if (!strcmp(name, "smmu")) {
        u.ops = &im_smmu_ops;
        u.rig = rig_smmu_new(NULL);
    } else if (!strcmp(name, "ioasid")) {
        u.ops = &im_ioasid_ops;
        u.io = io_new(NULL);
        u.rig = u.io->r;
    } else {
        u.ops = &tiny_ops;
        u.world.op = &iommu_tiny;
        iommu_tiny.start(&u.world, true);
        u.rig = u.world.rig;
    }
    return u;
}

static void unit_free(Unit *u)
{
    if (u->io) {
        io_free(u->io);
    } else if (u->world.op) {
        u->world.op->stop(&u->world);
    } else {
        rig_free(u->rig);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Unit, unit_free)

static const ImTxn somebody = {
    .addr = 0x123456789000,
    .len = 64,
    .rid = 0x108,
    .access = IM_READ,
};

static void is_complete(const void *name)
{
    g_auto(Unit) u = unit_new(name);

    g_assert_true(u.rig->ops == u.ops);
    g_assert_cmpstr(u.ops->name, ==, name);
    g_assert_true(u.ops->free && u.ops->reset && u.ops->translate &&
                  u.ops->page_request && u.ops->ats_inv_done &&
                  u.ops->deadline && u.ops->explain && u.ops->fault_name &&
                  u.ops->dump && u.ops->counters);
    g_assert_true(!u.ops->mmio_read == !u.ops->mmio_write);
    g_assert_true(!u.ops->interrupt == !u.ops->explain_interrupt);
}

/* Reset, a unit passes what comes, or refuses; it says which. */
static void says_whether_it_translates(const void *name)
{
    g_auto(Unit) u = unit_new(name);
    void *iommu = u.rig->iommu;
    ImXlat x;

    u.ops->reset(iommu);
    x = u.ops->translate(iommu, &somebody);
    if (!u.ops->translating || u.ops->translating(iommu)) {
        g_assert_cmpuint(x.status, ==, IM_FAULT);
        g_assert_nonnull(u.ops->fault_name(x.fault, NULL));
    } else {
        g_assert_cmpuint(x.status, ==, IM_OK);
        g_assert_cmphex(x.addr, ==, somebody.addr);
    }
}

static void last_step(void *opaque, const ImStep *step)
{
    *(const char **)opaque = step->what;
}

static void is_same(const ImXlat *x, const ImXlat *y)
{
    g_assert_cmpuint(x->status, ==, y->status);
    g_assert_cmpuint(x->cpl, ==, y->cpl);
    g_assert_cmpuint(x->fault, ==, y->fault);
    g_assert_cmpuint(x->perm, ==, y->perm);
    g_assert_cmphex(x->addr, ==, y->addr);
    g_assert_cmphex(x->mask, ==, y->mask);
}

static void explains_what_it_answers(const void *name)
{
    g_auto(Unit) u = unit_new(name);
    void *iommu = u.rig->iommu;
    ImXlat x = u.ops->translate(iommu, &somebody), y, z;
    const char *last = NULL;

    y = u.ops->explain(iommu, &somebody, last_step, &last);
    z = u.ops->explain(iommu, &somebody, NULL, NULL);
    g_assert_cmpstr(last, ==, "result");
    is_same(&x, &y);
    is_same(&x, &z);
}

/* Of nobody, from a unit as it was reset: the answer that was foretold. */
static void explains_page_requests(const void *name)
{
    g_auto(Unit) u = unit_new(name);
    void *iommu = u.rig->iommu;
    const ImPageReq q = { .rid = 0x108, .prgi = 5, .read = true, .last = true };
    const char *last = NULL;
    const ImPageResp *resp;
    ImPageFate f, g;

    f = u.ops->explain_page_request(iommu, &q, last_step, &last);
    g = u.ops->explain_page_request(iommu, &q, NULL, NULL);
    g_assert_cmpstr(last, ==, "result");
    g_assert_true(f.answered && g.answered && !f.queued && !g.queued);
    g_assert_cmpuint(rig_count(u.rig, RIG_SEEN_PAGE_RESP), ==, 0);
    u.ops->page_request(iommu, &q);
    g_assert_cmpuint(rig_count(u.rig, RIG_SEEN_PAGE_RESP), ==, 1);
    resp = &rig_seen(u.rig, RIG_SEEN_PAGE_RESP, 0)->resp;
    g_assert_cmphex(resp->code, ==, f.resp.code);
    g_assert_cmphex(resp->code, ==, g.resp.code);
    g_assert_cmphex(resp->prgi, ==, f.resp.prgi);
    g_assert_cmphex(resp->rid, ==, f.resp.rid);
}

/* 0 is none; the others have names of their own, and words. */
static void names_its_faults(const void *name)
{
    g_auto(Unit) u = unit_new(name);
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    g_assert_null(u.ops->fault_name(0, NULL));
    for (unsigned reason = 1; reason < 256; reason++) {
        const char *text = NULL;
        const char *fault = u.ops->fault_name((uint8_t)reason, &text);

        if (fault) {
            g_assert_true(*fault && text && *text);
            g_assert_true(g_hash_table_add(names, (char *)fault));
        }
    }
    g_assert_cmpuint(g_hash_table_size(names), >, 3);
}

static void count_one(void *opaque, const char *name, uint64_t value)
{
    GHashTable *all = opaque;

    g_assert_true(*name);
    g_assert_true(
        g_hash_table_insert(all, (char *)name, GSIZE_TO_POINTER(value)));
}

static void counts_by_name(const void *name)
{
    g_auto(Unit) u = unit_new(name);
    g_autoptr(GHashTable) before = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) after = g_hash_table_new(g_str_hash, g_str_equal);

    u.ops->counters(u.rig->iommu, count_one, before);
    u.ops->translate(u.rig->iommu, &somebody);
    u.ops->counters(u.rig->iommu, count_one, after);
    g_assert_cmpuint(g_hash_table_size(before), ==, g_hash_table_size(after));
    g_assert_cmpuint(
        GPOINTER_TO_SIZE(g_hash_table_lookup(after, "translations")), ==,
        GPOINTER_TO_SIZE(g_hash_table_lookup(before, "translations")) + 1);
}

static void shows_itself(const void *name)
{
    g_auto(Unit) u = unit_new(name);
    g_autoptr(GString) out = g_string_new(NULL);

    u.ops->dump(u.rig->iommu, out);
    g_assert_cmpuint(out->len, >, 0);
    g_assert_cmpint(out->str[out->len - 1], ==, '\n');
}

/* An access that is not a register's is none. */
static void ignores_odd_accesses(const void *name)
{
    static const struct {
        uint64_t off;
        unsigned size;
    } odd[] = {
        { 0, 1 }, { 0, 2 }, { 0, 3 },          { 0, 16 },
        { 2, 4 }, { 4, 8 }, { UINT64_MAX, 4 }, { UINT64_C(1) << 40, 8 },
    };
    g_auto(Unit) u = unit_new(name);

    u.ops->reset(u.rig->iommu);
    for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++) {
        u.ops->mmio_write(u.rig->iommu, odd[i].off, UINT64_MAX, odd[i].size);
        g_assert_cmphex(u.ops->mmio_read(u.rig->iommu, odd[i].off, odd[i].size),
                        ==, 0);
    }
    g_assert_false(u.ops->translating(u.rig->iommu));
}

/* Nobody waits for it: nothing happens but what software is told. */
static void survives_strays(const void *name)
{
    g_auto(Unit) u = unit_new(name);
    void *iommu = u.rig->iommu;

    for (unsigned cc = 0; cc < 9; cc++) {
        u.ops->ats_inv_done(iommu, im_func(0xffff, 0x108), UINT32_MAX, cc);
        u.ops->ats_inv_done(iommu, 0, 0, cc);
    }
    if (u.ops->cancel) {
        u.ops->cancel(iommu, 0);
        u.ops->cancel(iommu, UINT64_MAX);
    }
    u.ops->deadline(iommu);
    u.rig->consistent(u.rig);
    g_assert_cmpuint(rig_count(u.rig, RIG_SEEN_ATS_INV), ==, 0);
    g_assert_cmpuint(rig_count(u.rig, RIG_SEEN_RESUME), ==, 0);
}

/* Whatever software writes and functions send, it stays inside memory, and its
 * registers make sense. */
static void survives_anything(const void *name)
{
    g_auto(Unit) u = unit_new(name);
    void *iommu = u.rig->iommu;

    u.rig->allow_stray = true;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t r = (uint64_t)g_test_rand_int() << 32 | g_test_rand_int();
        ImTxn t = {
            .addr = r & 0xffffff,
            .rid = 0x108,
            .len = r >> 60,
            .access = (uint8_t)(1 + (r >> 24) % 3),
            .at = r >> 28 & 3,
            .has_pasid = r >> 30 & 1,
            .pasid = r >> 32 & 0xff,
        };
        ImPageReq q = {
            .addr = t.addr,
            .rid = t.rid,
            .has_pasid = t.has_pasid,
            .pasid = t.pasid,
            .prgi = r >> 40 & 0x1ff,
            .read = r >> 50 & 1,
            .write = r >> 51 & 1,
            .last = r >> 52 & 1,
        };

        if (u.ops->mmio_write) {
            u.ops->mmio_write(iommu, (r >> 8 & 0xff) * 4, r, r & 1 ? 4 : 8);
        }
        u.ops->translate(iommu, &t);
        u.ops->explain(iommu, &t, NULL, NULL);
        if (u.ops->explain_page_request) {
            u.ops->explain_page_request(iommu, &q, NULL, NULL);
        }
        u.ops->page_request(iommu, &q);
        u.ops->ats_inv_done(iommu, t.rid, (uint32_t)r, r >> 54 & 7);
        rig_advance(u.rig, r >> 44);
        rig_log_clear(u.rig);
    }
    u.rig->consistent(u.rig);
    u.ops->reset(iommu);
    u.rig->strays = u.rig->misaligned = 0;
}

/* Whether a unit has an optional member of the table. */
static bool unit_has(const char *name, size_t member)
{
    g_auto(Unit) u = unit_new(name);
    void *at;

    memcpy(&at, (const char *)u.ops + member, sizeof(at));
    return at;
}

#define EVERY   offsetof(ImIommuOps, translate)
#define HAS(m)  offsetof(ImIommuOps, m)

int main(int argc, char **argv)
{
    static const char *const units[] = { "vtd", "smmu", "ioasid", "tiny" };
    static const struct {
        const char *name;
        GTestDataFunc run;
        size_t needs;
    } tests[] = {
        { "complete", is_complete, EVERY },
        { "translating", says_whether_it_translates, EVERY },
        { "explain", explains_what_it_answers, EVERY },
        { "explain-page-request", explains_page_requests,
          HAS(explain_page_request) },
        { "fault-names", names_its_faults, EVERY },
        { "counters", counts_by_name, EVERY },
        { "dump", shows_itself, EVERY },
        { "odd-accesses", ignores_odd_accesses, HAS(mmio_read) },
        { "strays", survives_strays, EVERY },
        { "anything", survives_anything, EVERY },
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(units); i++) {
        for (unsigned t = 0; t < G_N_ELEMENTS(tests); t++) {
            g_autofree char *path = g_strdup_printf("/iommu/%s/%s", units[i],
                                                    tests[t].name);

            if (unit_has(units[i], tests[t].needs)) {
                g_test_add_data_func(path, units[i], tests[t].run);
            }
        }
    }
    return g_test_run();
}
