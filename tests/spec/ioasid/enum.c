/*
 * What there is, told piece by piece: section 4.33 of docs/uapi.rst. What a
 * context in the middle of its work has is moving.c's.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io.h"
#include "lib/spec.h"

#define RC(got, want)  g_assert_cmpint(got, ==, want)
#define ARRAY          40u          /* page of user memory */

/* What is there all the time is told once, whatever comes and goes. */
static void stable(void)
{
    Io *io = io_new(NULL);
    ImuRef set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_DEVICE);
    ImuPasidAlloc p[8];
    unsigned seen[8] = { 0 };
    ImuEnum a = {
        .set = set,
        .list = IMU_LIST_PASIDS,
        .entry_size = sizeof(ImuEntry),
        .entries = io_at(io, ARRAY),
        .count = 1,
    };
    ImuEntry e;

    for (unsigned i = 0; i < 8; i++) {
        p[i] = io_alloc(io, set);
    }
    for (unsigned n = 0;; n++) {
        RC(io_ENUM(io, &a), 0);
        if (!a.count) {
            break;
        }
        io_get(io, a.entries, &e, sizeof(e));
        for (unsigned i = 0; i < 8; i++) {
            seen[i] += io_ref_eq(e.object, p[i].pasid);
        }
        if (n == 1) {
            io_pasid_free(io, set, p[0].pasid);
            io_pasid_free(io, set, p[6].pasid);
            io_alloc(io, set);
            io_alloc(io, set);
        }
        g_assert_cmpuint(n, <, 20);
    }
    for (unsigned i = 0; i < 8; i++) {
        g_assert_cmpuint(seen[i], ==, i != 6);
    }
    io_free(io);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(IOASID_CMD_ENUM, "stable-against-changes", stable);
    return g_test_run();
}
