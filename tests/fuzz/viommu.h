/*
 * Both halves against an oracle: what the host mapped of a guest's memory, and
 * who was found to grant and to refuse. A program includes this once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_FUZZ_VIOMMU_H
#define TESTS_FUZZ_VIOMMU_H

#include "lib/rig_viommu.h"

#define PAGE   UINT64_C(4096)
#define APART  (UINT64_C(1) << 40 | UINT64_C(0x7000))

typedef struct Tally {
    unsigned ok, guest, host, open;
} Tally;

/* Nothing was tested, else. */
static void tally_end(const Tally *n, uint64_t rounds)
{
    g_test_message("%u granted, %u the guest's, %u the host's, %u open", n->ok,
                   n->guest, n->host, n->open);
    g_assert_cmpuint(n->ok, >, rounds / 20);
    g_assert_cmpuint(n->guest, >, rounds / 20);
    g_assert_cmpuint(n->host, >, rounds / 50);
}

/* map: page of the guest -> ImPerm, if any. */
static void host_map(Vio *x, GHashTable *map, uint64_t at, uint8_t perm)
{
    ImuMap m = {
        .head.flags = (perm & IM_PERM_R ? IMU_PROT_READ : 0) |
                      (perm & IM_PERM_W ? IMU_PROT_WRITE : 0) |
                      (perm & IM_PERM_X ? IMU_PROT_EXEC : 0) | IMU_MAP_FIXED,
        .set = x->set,
        .space = x->ram,
        .user = at,
        .iova = at,
        .length = PAGE,
    };

    if (perm) {
        g_assert_cmpint(VIO(x, MAP, &m), ==, 0);
        g_hash_table_insert(map, GSIZE_TO_POINTER(at / PAGE),
                            GUINT_TO_POINTER(perm));
    }
}

static uint8_t host_has(GHashTable *map, uint64_t addr)
{
    return (uint8_t)GPOINTER_TO_UINT(
        g_hash_table_lookup(map, GSIZE_TO_POINTER(addr / PAGE)));
}

#endif /* TESTS_FUZZ_VIOMMU_H */
