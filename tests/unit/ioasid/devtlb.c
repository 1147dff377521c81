/*
 * Messages to device TLBs: tags, what waits for them, completions and
 * time-outs; and fences.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "rig.h"

#define N     100u
#define NONE  ((ImuRef){ 0 })

typedef struct Many {
    Rig *r;
    ImuRef space;
    ImuRef pasid[N];
} Many;

/* N PASIDs of one mapped space, each with a translation in the device. */
static Many many_new(void)
{
    Many m = { .r = rig_new(IMU_MODE_IDENTITY) };

    m.space = rig_mapped(m.r, 0);
    g_assert_cmpint(rig_map(m.r, m.space, RW, 0, ARGS, 8 * PAGE), ==, 0);
    for (unsigned i = 0; i < N; i++) {
        ImuPasidAlloc a = rig_pasid(m.r);

        m.pasid[i] = a.pasid;
        g_assert_cmpint(rig_attach(m.r, a.pasid, m.space), ==, 0);
        g_assert_cmpint(rig_ats(m.r, a.gpasid, 0x1000).perm, ==,
                        IM_PERM_R | IM_PERM_W);
    }
    return m;
}

static uint64_t fence_new(Rig *r, bool done)
{
    ImuFence f = { .set = r->set };

    ok(r, FENCE, &f);
    g_assert_cmpuint(f.done, ==, done);
    return f.ticket;
}

static bool fence_done(Rig *r, uint64_t ticket)
{
    ImuFence f = { .set = r->set, .ticket = ticket };

    ok(r, FENCE, &f);
    return f.done;
}

static ImuPasidState state_of(Rig *r, ImuRef pasid)
{
    ImuPasidQuery q = { .set = r->set, .pasid = pasid };
    int err = obey(r, PASID_QUERY, &q);

    return err == -ENOENT ? IMU_PASID_FREE : (ImuPasidState)q.state;
}

/* Complete what was sent from message n on; returns the number of them. */
static unsigned complete_from(Rig *r, unsigned n)
{
    while (n < r->sent) {
        im_ioasid_ats_inv_done(r->h, FUNC, 1u << r->inv[n++].itag, 1);
    }
    return n;
}

static void free_all(const Many *m)
{
    for (unsigned i = 0; i < N; i++) {
        ImuPasidFree f = { .set = m->r->set, .pasid = m->pasid[i] };

        ok(m->r, PASID_FREE, &f);
        g_assert_cmpint(rig_detach(m->r, m->pasid[i]), ==, 0);
    }
}

static void test_each_pasid_is_told_once(void)
{
    Many m = many_new();
    Rig *r = m.r;
    bool told[N + 1] = { false };
    uint64_t ticket;

    free_all(&m);
    g_assert_cmpuint(r->sent, ==, 32);
    ticket = fence_new(r, false);
    rig_pass(r, IM_IOASID_CONFIG_DEFAULT.quarantine_ns + 1);
    g_assert_cmpint(state_of(r, m.pasid[N / 2]), ==, IMU_PASID_QUARANTINE);
    complete_from(r, 0);
    g_assert_cmpuint(r->sent, ==, N);
    for (unsigned i = 0; i < N; i++) {
        g_assert_true(r->inv[i].has_pasid);
        g_assert_false(told[r->inv[i].pasid]);
        told[r->inv[i].pasid] = true;
    }
    g_assert_true(fence_done(r, ticket));
    rig_pass(r, IM_IOASID_CONFIG_DEFAULT.quarantine_ns + 1);
    for (unsigned i = 0; i < N; i++) {
        g_assert_cmpint(state_of(r, m.pasid[i]), ==, IMU_PASID_FREE);
    }
    rig_free(r);
}

static void test_a_silent_device_loses_ats(void)
{
    Many m = many_new();
    Rig *r = m.r;
    uint64_t ticket;

    for (unsigned i = 0; i + 1 < N; i++) {
        g_assert_cmpint(rig_detach(r, m.pasid[i]), ==, 0);
    }
    ticket = fence_new(r, false);
    g_assert_cmpint(rig_ats(r, N, 0x2000).status, ==, IM_OK);
    rig_pass(r, IM_IOASID_CONFIG_DEFAULT.ats_timeout_ns);
    g_assert_true(fence_done(r, ticket));
    g_assert_cmpuint(im_ioasid_counters(r->h)->ats_timeouts, ==, 32);
    g_assert_cmpint(rig_ats(r, N, 0x2000).status, ==, IM_FAULT);
    g_assert_cmpint(rig_translated(r, rig_pa(r, ARGS), IM_READ).status, ==,
                    IM_FAULT);
    hits(r, N, 0x2000, rig_pa(r, ARGS + 0x2000));
    im_ioasid_ats_inv_done(r->h, FUNC, UINT32_MAX, 1);     /* too late */
    g_assert_cmpuint(r->sent, ==, 32);
    rig_free(r);
}

static void test_fences_are_in_order(void)
{
    Many m = many_new();
    Rig *r = m.r;
    uint64_t none = fence_new(r, true);
    uint64_t first, same, second;

    g_assert_cmpint(rig_detach(r, m.pasid[0]), ==, 0);
    first = fence_new(r, false);
    same = fence_new(r, false);
    g_assert_cmpint(rig_detach(r, m.pasid[1]), ==, 0);
    second = fence_new(r, false);
    g_assert_true(none < first && first < same && same < second);
    im_ioasid_ats_inv_done(r->h, FUNC, 1u << r->inv[1].itag, 1);
    g_assert_true(fence_done(r, none));
    g_assert_false(fence_done(r, first));
    g_assert_false(fence_done(r, second));
    im_ioasid_ats_inv_done(r->h, FUNC, 1u << r->inv[0].itag, 1);
    g_assert_true(fence_done(r, first));
    g_assert_true(fence_done(r, same));
    g_assert_true(fence_done(r, second));
    rig_free(r);
}

static void test_a_removed_device_owes_nothing(void)
{
    Many m = many_new();
    Rig *r = m.r;
    uint64_t ticket;

    free_all(&m);
    ticket = fence_new(r, false);
    g_assert_cmpint(im_ioasid_device_remove(r->h, FUNC), ==, 0);
    g_assert_true(fence_done(r, ticket));
    rig_pass(r, IM_IOASID_CONFIG_DEFAULT.quarantine_ns + 1);
    g_assert_cmpint(state_of(r, m.pasid[N - 1]), ==, IMU_PASID_FREE);
    g_assert_cmpint(rig_dma(r, 1, 0, IM_READ).status, ==, IM_FAULT);
    rig_free(r);
}

/* The next owner of a function has no ATS while its TLB is the last one's. */
static void test_a_device_changes_hands(void)
{
    Many m = many_new();
    Rig *r = m.r;
    ImuSetCreate s = { .gpasid_min = 1,
                       .gpasid_max = 255,
                       .map_mode = IMU_MODE_TRANSLATE };
    ImuDevUnbind u = { .set = r->set, .dev = r->dev };
    ImuDevBind b = { .func = FUNC };
    ImuRef space;

    ok(r, DEV_UNBIND, &u);
    g_assert_cmpint(rig_dma(r, 1, 0x1000, IM_READ).status, ==, IM_FAULT);
    ok(r, SET_CREATE, &s);
    b.set = r->set = s.set;
    ok(r, DEV_BIND, &b);
    r->dev = b.dev;
    space = rig_mapped(r, 0);
    g_assert_cmpint(rig_map(r, space, RW, 0, ARGS, PAGE), ==, 0);
    g_assert_cmpint(rig_attach(r, NONE, space), ==, 0);
    hits(r, 0, 0, rig_pa(r, ARGS));
    g_assert_cmpint(rig_ats(r, 0, 0).status, ==, IM_FAULT);
    g_assert_true(fence_new(r, true) == 1);
    complete_from(r, 0);
    g_assert_cmpuint(r->sent, ==, N);
    g_assert_cmpint(rig_detach(r, NONE), ==, 0);
    g_assert_cmpint(rig_attach(r, NONE, space), ==, 0);
    g_assert_cmpint(rig_ats(r, 0, 0).status, ==, IM_OK);
    rig_free(r);
}

static void test_ranges_become_powers_of_two(void)
{
    static const struct {
        uint64_t addr, length, want;
        uint8_t lg2size;
    } rows[] = {
        { 0x1000, 1, 0x1000, 12 },
        { 0x1fff, 2, 0, 14 },
        { 0x4000, 0x4000, 0x4000, 14 },
        { 0x3000, 0x2000, 0, 15 },
        { 0, UINT64_MAX, 0, IM_INV_ALL },
        { UINT64_MAX - 0xfff, 0x1000, UINT64_MAX - 0xfff, 12 },
    };
    Many m = many_new();

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImuInvEntry e = { .gpasid = 1,
                          .addr = rows[i].addr,
                          .length = rows[i].length };

        g_assert_cmpint(rig_inval(m.r, IMU_GRAN_RANGE, IMU_CACHE_DEVTLB, &e),
                        ==, 0);
        g_assert_cmphex(m.r->inv[i].addr, ==, rows[i].want);
        g_assert_cmpuint(m.r->inv[i].lg2size, ==, rows[i].lg2size);
    }
    rig_free(m.r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ioasid/devtlb/each", test_each_pasid_is_told_once);
    g_test_add_func("/ioasid/devtlb/silent", test_a_silent_device_loses_ats);
    g_test_add_func("/ioasid/devtlb/fences", test_fences_are_in_order);
    g_test_add_func("/ioasid/devtlb/removed",
                    test_a_removed_device_owes_nothing);
    g_test_add_func("/ioasid/devtlb/hands", test_a_device_changes_hands);
    g_test_add_func("/ioasid/devtlb/ranges", test_ranges_become_powers_of_two);
    return g_test_run();
}
