/*
 * Tags of invalidations: which is used next, what completes one, time-outs.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/core/itag.h"
#include "lib/rounds.h"

#define TIMEOUT  1000u

static void take_all(ImItags *t)
{
    for (unsigned i = 0; i < IM_ITAGS; i++) {
        g_assert_false(im_itags_full(t));
        g_assert_cmpuint(im_itags_take(t, i, TIMEOUT), ==, i);
    }
    g_assert_true(im_itags_full(t));
}

/* One after another, and one that is freed waits for its turn. */
static void test_rotation(void)
{
    ImItags t = { 0 };

    for (unsigned i = 0; i < 2 * IM_ITAGS; i++) {
        unsigned tag = im_itags_take(&t, 0, TIMEOUT);

        g_assert_cmpuint(tag, ==, i % IM_ITAGS);
        g_assert_cmphex(im_itags_complete(&t, 1u << tag, 1), ==, 1u << tag);
    }
}

static void test_longest_rest_first(void)
{
    static const unsigned order[] = { 9, 3, 31, 0 };
    ImItags t = { 0 };

    take_all(&t);
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        im_itags_complete(&t, 1u << order[i], 1);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        g_assert_cmpuint(im_itags_take(&t, 0, TIMEOUT), ==, order[i]);
    }
    g_assert_true(im_itags_full(&t));
}

/* However long it rested. */
static void test_late_last(void)
{
    ImItags t = { 0 };

    take_all(&t);
    g_assert_cmphex(im_itags_expire(&t, TIMEOUT), ==, 1);
    g_assert_cmphex(t.late, ==, 1);
    im_itags_complete(&t, 1u << 7, 1);
    im_itags_complete(&t, 1u << 5, 1);
    g_assert_cmpuint(im_itags_take(&t, 0, TIMEOUT), ==, 7);
    g_assert_cmpuint(im_itags_take(&t, 0, TIMEOUT), ==, 5);
    g_assert_cmpuint(im_itags_take(&t, 0, TIMEOUT), ==, 0);
    g_assert_cmphex(t.late, ==, 0);
}

/* Its completion came after all: it rests from then on, as any other. */
static void test_late_completion(void)
{
    ImItags t = { 0 };

    take_all(&t);
    g_assert_cmphex(im_itags_expire(&t, TIMEOUT), ==, 1);
    im_itags_complete(&t, 1u << 7, 1);
    g_assert_cmphex(im_itags_complete(&t, 1, 2), ==, 0);
    g_assert_cmphex(t.late, ==, 1);
    g_assert_cmphex(im_itags_complete(&t, 1, 2), ==, 0);
    g_assert_cmphex(t.late, ==, 0);
    g_assert_cmpuint(im_itags_take(&t, 0, TIMEOUT), ==, 7);
    g_assert_cmpuint(im_itags_take(&t, 0, TIMEOUT), ==, 0);
    g_assert_true(im_itags_full(&t));
}

/* Counts are told by each completion; those of an earlier use are not its. */
static void test_counts(void)
{
    ImItags t = { 0 };
    unsigned tag = im_itags_take(&t, 0, TIMEOUT);

    for (unsigned count = 1; count <= 8; count++) {
        uint32_t bit = 1u << tag;

        for (unsigned i = 1; i < count; i++) {
            g_assert_cmphex(im_itags_complete(&t, bit, count), ==, 0);
        }
        g_assert_cmphex(im_itags_complete(&t, UINT32_MAX, count), ==, bit);
        g_assert_cmphex(im_itags_complete(&t, bit, count), ==, 0);
        tag = im_itags_take(&t, 0, TIMEOUT);
    }
    g_assert_cmphex(im_itags_complete(&t, 1u << tag, 0), ==, 0);
    g_assert_cmphex(im_itags_complete(&t, 1u << tag, 7), ==, 0);
    g_assert_cmphex(im_itags_complete(&t, 1u << tag, 3), ==, 1u << tag);
}

/* Which the second message says, though more have come. */
static void test_counts_that_shrink(void)
{
    ImItags t = { 0 };
    unsigned tag = im_itags_take(&t, 0, TIMEOUT);
    uint32_t bit = 1u << tag;

    g_assert_cmphex(im_itags_complete(&t, bit, 4), ==, 0);
    g_assert_cmphex(im_itags_complete(&t, bit, 1), ==, 0);
    g_assert_cmphex(im_itags_complete(&t, bit, 3), ==, bit);
}

/* An invalidation that timed out half complete leaves its tag with none. */
static void test_counts_start_anew(void)
{
    ImItags t = { 0 };
    unsigned tag;

    take_all(&t);
    im_itags_complete(&t, 1, 2);
    im_itags_expire(&t, TIMEOUT);
    tag = im_itags_take(&t, TIMEOUT, TIMEOUT);
    g_assert_cmpuint(tag, ==, 0);
    g_assert_cmphex(im_itags_complete(&t, 1, 2), ==, 0);
    g_assert_cmphex(im_itags_complete(&t, 1, 2), ==, 1);
}

static void test_time(void)
{
    ImItags t = { 0 };

    g_assert_cmpuint(im_itags_due(&t), ==, IM_NEVER);
    im_itags_take(&t, 500, TIMEOUT);
    im_itags_take(&t, 400, TIMEOUT);
    im_itags_take(&t, 600, IM_NEVER);
    g_assert_cmpuint(im_itags_due(&t), ==, 1400);
    g_assert_cmphex(im_itags_expire(&t, 1399), ==, 0);
    g_assert_cmphex(im_itags_expire(&t, 1400), ==, 2);
    g_assert_cmpuint(im_itags_due(&t), ==, 1500);
    g_assert_cmphex(im_itags_expire(&t, 1500), ==, 1);
    g_assert_cmpuint(im_itags_due(&t), ==, IM_NEVER - 1);
    g_assert_cmphex(t.late, ==, 3);
}

static void test_give_up(void)
{
    ImItags t = { 0 };

    im_itags_take(&t, 0, TIMEOUT);
    im_itags_take(&t, 0, TIMEOUT);
    im_itags_give_up(&t);
    g_assert_cmphex(t.busy, ==, 0);
    g_assert_cmphex(t.late, ==, 3);
    g_assert_cmpuint(im_itags_due(&t), ==, IM_NEVER);
    g_assert_cmpuint(im_itags_take(&t, 0, TIMEOUT), ==, 2);
}

/* --- against lists that are kept in order ------------------------------- */

typedef struct Model {
    GArray *rested, *late;      /* of unsigned: free ones, next one first */
    uint64_t due[IM_ITAGS];     /* IM_NEVER: not busy */
} Model;

static void model_take(Model *m, ImItags *t, uint64_t now, uint64_t timeout)
{
    GArray *from = m->rested->len ? m->rested : m->late;
    unsigned want;

    g_assert_cmpint(im_itags_full(t), ==, from->len == 0);
    if (!from->len) {
        return;
    }
    want = g_array_index(from, unsigned, 0);
    g_array_remove_index(from, 0);
    g_assert_cmpuint(im_itags_take(t, now, timeout), ==, want);
    m->due[want] = now + timeout;
}

static void model_complete(Model *m, ImItags *t, unsigned tag)
{
    bool busy = m->due[tag] != IM_NEVER;
    bool late = false;

    for (guint i = 0; i < m->late->len && !late; i++) {
        late = g_array_index(m->late, unsigned, i) == tag;
        if (late) {
            g_array_remove_index(m->late, i);
        }
    }
    g_assert_cmpint(t->late >> tag & 1, ==, late);
    g_assert_cmphex(im_itags_complete(t, 1u << tag, 1), ==,
                    busy ? 1u << tag : 0);
    m->due[tag] = IM_NEVER;
    if (busy || late) {
        g_array_append_val(m->rested, tag);
    }
}

static void model_expire(Model *m, ImItags *t, uint64_t now)
{
    uint32_t want = 0;

    for (unsigned tag = 0; tag < IM_ITAGS; tag++) {
        if (m->due[tag] <= now) {
            want |= 1u << tag;
            m->due[tag] = IM_NEVER;
            g_array_append_val(m->late, tag);
        }
    }
    g_assert_cmphex(im_itags_expire(t, now), ==, want);
    g_assert_cmphex(t->busy & t->late, ==, 0);
}

static void test_random(void)
{
    Model m = { .rested = g_array_new(FALSE, FALSE, sizeof(unsigned)),
                .late = g_array_new(FALSE, FALSE, sizeof(unsigned)) };
    ImItags t = { 0 };
    uint64_t now = 0;

    for (unsigned tag = 0; tag < IM_ITAGS; tag++) {
        m.due[tag] = IM_NEVER;
        g_array_append_val(m.rested, tag);
    }
    for (unsigned i = 0; i < test_rounds(20000); i++) {
        unsigned tag = (unsigned)g_test_rand_int_range(0, IM_ITAGS);

        if (g_test_rand_int_range(0, 3)) {
            model_take(&m, &t, now, (unsigned)g_test_rand_int_range(1, 60));
        } else {
            model_complete(&m, &t, tag);
        }
        now += g_test_rand_int_range(0, 4) ? 0 : 5;
        model_expire(&m, &t, now);
    }
    g_array_unref(m.rested);
    g_array_unref(m.late);
}

static void test_dump(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    ImItags t = { 0 };
    unsigned tag = im_itags_take(&t, 7, TIMEOUT);

    im_itags_dump(&t, tag, "requester 0108", out);
    g_assert_cmpstr(out->str, ==,
                    "    requester 0108, ITag 0, due at 1007 ns\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/itag/rotation", test_rotation);
    g_test_add_func("/core/itag/longest-rest-first", test_longest_rest_first);
    g_test_add_func("/core/itag/late-last", test_late_last);
    g_test_add_func("/core/itag/late-completion", test_late_completion);
    g_test_add_func("/core/itag/counts", test_counts);
    g_test_add_func("/core/itag/counts-that-shrink", test_counts_that_shrink);
    g_test_add_func("/core/itag/counts-start-anew", test_counts_start_anew);
    g_test_add_func("/core/itag/time", test_time);
    g_test_add_func("/core/itag/give-up", test_give_up);
    g_test_add_func("/core/itag/random", test_random);
    g_test_add_func("/core/itag/dump", test_dump);
    return g_test_run();
}
