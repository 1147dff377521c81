/*
 * Both halves when one thing fails: each command of the backend, each access
 * to guest memory, of a bind, DMA, page request, answer, invalidation and
 * unbind. Whatever fails, nothing is left behind, and the next time all is
 * well.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/rig_viommu.h"
#include "lib/vtd_build.h"

#include <errno.h>

typedef struct Cycle {
    Vio *x;
    World *w;
} Cycle;

static Cycle cycle_new(WorldKind kind)
{
    Cycle c = { .x = vio_new(&(VioConfig) { .mode = IMU_MODE_TRANSLATE }) };

    c.w = world_in(c.x->r, kind, true);
    world_on(c.w);
    return c;
}

static void cycle_free(Cycle *c)
{
    g_free(c->w);
    vio_free(c->x);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cycle, cycle_free)

/* Whether all of it went as it should. */
static bool cycle_run(Cycle *c)
{
    Rig *r = c->x->r;
    ImTxn t = world_txn(c->w, IM_AT_UNTRANSLATED, IM_WRITE);
    ImPageReq req = world_page_req(c->w);
    ImXlat x = vio_dma(c->x, 0, &t);
    bool good = x.status == IM_OK && x.addr == c->w->hpa;
    uint64_t tail = rig_reg64(r, REG_PQT);

    req.last = true;
    g_array_set_size(c->x->resps, 0);
    vio_page_request(c->x, 0, &req);
    good &= rig_reg64(r, REG_PQT) != tail;
    vb_submit(r, desc_page_resp(c->w->rid, true, c->w->pasid, req.prgi, 0));
    vio_pump(c->x);
    good &= c->x->resps->len == 1 &&
            g_array_index(c->x->resps, ImPageResp, 0).code ==
                IM_PAGE_RESP_SUCCESS;
    vb_submit(r,
              desc_piotlb(PIOTLB_PASID, c->w->did, c->w->pasid, 0, 0, false));
    vb_submit(r, desc_iotlb(IOTLB_DOMAIN, c->w->did, 0, 0, false));
    vb_submit(r, desc_pasid_cache(PC_PASID, c->w->did, c->w->pasid));
    vio_pump(c->x);
    return good;
}

/* What the guest's set has, and the vIOMMU, when nothing is bound. */
static char *cycle_state(Cycle *c)
{
    ImuSetQuery q = { .set = c->x->set };
    g_autoptr(GString) out = g_string_new(NULL);
    const ImViommuCounters *n = im_viommu_counters(c->x->v);

    g_assert_cmpint(VIO(c->x, SET_QUERY, &q), ==, 0);
    g_string_printf(out,
                    "live %u parked %u devices %u spaces %u queues %u "
                    "bound %" G_GUINT64_FORMAT,
                    q.live, q.parked, q.devices, q.spaces, q.queues,
                    n->binds - n->unbinds);
    return g_strdup(out->str);
}

/* What remains of what failed goes with what the guest does next. */
static void cycle_is_whole(Cycle *c, const char *state, unsigned n)
{
    g_autofree char *now = NULL;

    vio_advance(c->x, UINT64_C(20000000000));
    vb_fault_clear(c->x->r);
    g_assert_true(cycle_run(c));
    now = cycle_state(c);
    if (strcmp(now, state) != 0) {
        g_error("after failure %u: %s, was %s", n, now, state);
    }
}

static const struct {
    const char *name;
    WorldKind kind;
} kinds[] = {
    { "first", W_FS },
    { "second", W_SS },
    { "nested", W_NESTED },
    { "pass", W_PT },
};

static void each_command(const void *data)
{
    static const int errors[] = { -ENOMEM, -ENOSPC, -EDQUOT, -ENOENT };
    WorldKind kind = *(const WorldKind *)data;

    for (unsigned e = 0; e < G_N_ELEMENTS(errors); e++) {
        g_auto(Cycle) c = cycle_new(kind);
        g_autofree char *state = NULL;
        unsigned n, failed = 0;

        g_assert_true(cycle_run(&c));
        state = cycle_state(&c);
        for (n = 1;; n++) {
            c.x->fail_command = n;
            c.x->fail_with = errors[e];
            failed += !cycle_run(&c);
            if (c.x->fail_command) {
                break;                  /* there is no n-th */
            }
            cycle_is_whole(&c, state, n);
        }
        c.x->fail_command = 0;
        g_assert_cmpuint(n, >, 5);
        g_assert_cmpuint(failed, >, 2);
    }
}

static void each_access(const void *data)
{
    WorldKind kind = *(const WorldKind *)data;
    g_auto(Cycle) c = cycle_new(kind);
    g_autofree char *state = NULL;
    unsigned n;

    g_assert_true(cycle_run(&c));
    state = cycle_state(&c);
    for (n = 0;; n++) {
        rig_fail_access(c.x->r, n);
        cycle_run(&c);
        if (!c.x->r->failure_hit) {
            break;
        }
        rig_fail_access(c.x->r, UINT64_MAX);
        if (rig_reg32(c.x->r, REG_FSTS) & FSTS_IQE) {
            /* its queue stopped: software begins it anew */
            vb_gcmd(c.x->r, GCMD_QIE, false);
            rig_set32(c.x->r, REG_FSTS, UINT32_MAX);
            vb_iq_enable(c.x->r, true);
        }
        rig_set32(c.x->r, REG_PRS, UINT32_MAX);
        cycle_is_whole(&c, state, n);
    }
    rig_fail_access(c.x->r, UINT64_MAX);
    g_assert_cmpuint(n, >, 10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *command = g_strdup_printf("/viommu/failnth/command/%s",
                                                   kinds[i].name);
        g_autofree char *access = g_strdup_printf("/viommu/failnth/access/%s",
                                                  kinds[i].name);

        g_test_add_data_func(command, &kinds[i].kind, each_command);
        g_test_add_data_func(access, &kinds[i].kind, each_access);
    }
    return g_test_run();
}
