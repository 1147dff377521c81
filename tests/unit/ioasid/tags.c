/*
 * INVALIDATE by the guest's numbers: ASIDs of its CDs, tags of its spaces.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "guest.h"

#define VA     UINT64_C(0x5000)
#define NONE   ((ImuRef) { 0 })
#define IOTLB  IMU_CACHE_IOTLB

/* A guest whose SubstreamIDs 1 to 3 look through one table. */
typedef struct Arm {
    Guest g;
    uint64_t cds, root, pte;
    uint64_t page[2];
    ImuRef space;
} Arm;

static Arm arm_new(const uint16_t *asid)
{
    Arm a = { .g = guest_new(IMU_MODE_DELEGATED) };

    a.cds = guest_page(&a.g);
    a.root = guest_page(&a.g);
    a.page[0] = guest_page(&a.g);
    a.page[1] = guest_page(&a.g);
    a.pte = guest_entry(&a.g, a.root, VA, ARM_TABLE);
    a.space = guest_smmu(&a.g, IMU_SPACE_PASID_TABLE, a.cds, 4, 2);
    for (unsigned i = 0; i < 3; i++) {
        guest_cd(&a.g, a.cds + (i + 1) * 64, a.root, asid[i]);
    }
    g_assert_cmpint(rig_attach(a.g.r, NONE, a.space), ==, 0);
    return a;
}

/* Both pages of the table lead elsewhere from now on. */
static void arm_point_to(Arm *a, unsigned n)
{
    guest_set(&a->g, a->pte, a->page[n] | ARM_PAGE);
    guest_set(&a->g, a->pte + 8, a->page[n] | ARM_PAGE);
}

/* Whether SubstreamID ssid still has what page 0 was. */
static bool arm_is_stale(const Arm *a, uint32_t ssid, uint64_t va)
{
    ImXlat x = rig_dma(a->g.r, ssid, va, IM_READ);

    g_assert_cmpint(x.status, ==, IM_OK);
    return x.addr == rig_pa(a->g.r, a->page[0]);
}

static void arm_fill(Arm *a)
{
    g_assert_cmpint(rig_inval(a->g.r, IMU_GRAN_ALL, IOTLB, NULL), ==, 0);
    arm_point_to(a, 0);
    for (uint32_t ssid = 1; ssid <= 3; ssid++) {
        g_assert_true(arm_is_stale(a, ssid, VA));
        g_assert_true(arm_is_stale(a, ssid, VA + PAGE));
    }
    arm_point_to(a, 1);
}

static int by_asid(Rig *r, ImuInvGran gran, uint32_t asid, uint64_t va)
{
    ImuInvEntry e = { .flags = IMU_INV_ASID,
                      .gpasid = asid,
                      .addr = gran == IMU_GRAN_RANGE ? va : 0,
                      .length = gran == IMU_GRAN_RANGE };

    return rig_inval(r, gran, IOTLB, &e);
}

/* 7 and 0x107 are in one bucket of the index. */
static void test_asid_means_its_cds(void)
{
    static const uint16_t asid[] = { 7, 7, 0x107 };
    Arm a = arm_new(asid);
    Rig *r = a.g.r;

    arm_fill(&a);
    g_assert_cmpint(by_asid(r, IMU_GRAN_PASID, 7, 0), ==, 0);
    g_assert_false(arm_is_stale(&a, 1, VA));
    g_assert_false(arm_is_stale(&a, 2, VA + PAGE));
    g_assert_true(arm_is_stale(&a, 3, VA));
    arm_fill(&a);
    g_assert_cmpint(by_asid(r, IMU_GRAN_RANGE, 7, VA + PAGE), ==, 0);
    g_assert_true(arm_is_stale(&a, 1, VA));
    g_assert_false(arm_is_stale(&a, 1, VA + PAGE));
    g_assert_false(arm_is_stale(&a, 2, VA + PAGE));
    g_assert_true(arm_is_stale(&a, 3, VA + PAGE));
    g_assert_cmpint(by_asid(r, IMU_GRAN_PASID, 0x107, 0), ==, 0);
    g_assert_false(arm_is_stale(&a, 3, VA));
    g_assert_true(arm_is_stale(&a, 1, VA));
    rig_free(r);
}

/* The CD that counts is the one that was read last. */
static void test_asid_follows_the_cd(void)
{
    static const uint16_t asid[] = { 7, 8, 9 };
    Arm a = arm_new(asid);
    Rig *r = a.g.r;
    ImuInvEntry cd = { .gpasid = 1 };
    uint64_t noop;

    arm_fill(&a);
    guest_cd(&a.g, a.cds + 64, a.root, 10);
    g_assert_cmpint(rig_inval(r, IMU_GRAN_PASID, IMU_CACHE_PASID, &cd), ==, 0);
    arm_point_to(&a, 0);
    g_assert_true(arm_is_stale(&a, 1, VA));         /* CD 10 caches it */
    arm_point_to(&a, 1);
    noop = im_ioasid_counters(r->h)->invalidations_noop;
    g_assert_cmpint(by_asid(r, IMU_GRAN_PASID, 7, 0), ==, 0);
    g_assert_cmpuint(im_ioasid_counters(r->h)->invalidations_noop, ==,
                     noop + 1);
    g_assert_true(arm_is_stale(&a, 1, VA));
    g_assert_cmpint(by_asid(r, IMU_GRAN_PASID, 10, 0), ==, 0);
    g_assert_false(arm_is_stale(&a, 1, VA));
    /* Detached: nothing has the ASID, and what had it is not looked at. */
    g_assert_cmpint(rig_detach(r, NONE), ==, 0);
    g_assert_cmpint(by_asid(r, IMU_GRAN_PASID, 8, 0), ==, 0);
    g_assert_cmpuint(im_ioasid_counters(r->h)->invalidations_noop, ==,
                     noop + 2);
    rig_free(r);
}

/* Another set's ASID of the same number is another ASID. */
static void test_asid_is_of_the_set(void)
{
    static const uint16_t asid[] = { 7, 7, 7 };
    Arm a = arm_new(asid);
    Rig *r = a.g.r;
    ImuSetCreate other = { .map_mode = IMU_MODE_DELEGATED };
    ImuRef set = r->set;

    arm_fill(&a);
    ok(r, SET_CREATE, &other);
    r->set = other.set;
    g_assert_cmpint(by_asid(r, IMU_GRAN_PASID, 7, 0), ==, 0);
    g_assert_true(arm_is_stale(&a, 1, VA));
    r->set = set;
    g_assert_cmpint(by_asid(r, IMU_GRAN_PASID, 7, 0), ==, 0);
    g_assert_false(arm_is_stale(&a, 1, VA));
    rig_free(r);
}

static int tagged(Rig *r, uint32_t tag, uint32_t gpasid, uint64_t va)
{
    ImuInvEntry e = { .gpasid = gpasid, .addr = va, .length = 1 };
    ImuInvalidate v = { .head.flags = IMU_INV_TAGGED,
                        .set = r->set,
                        .target = IMU_INV_SET,
                        .gran = gpasid ? IMU_GRAN_RANGE : IMU_GRAN_ALL,
                        .caches = IOTLB,
                        .tag = tag };

    if (gpasid) {
        rig_copy(r, 0x1000, &e, sizeof(e), true);
        v.entries = 0x1000;
        v.entry_size = sizeof(e);
        v.count = 1;
    }
    return obey(r, INVALIDATE, &v);
}

/* Two PASIDs in spaces of two domains, on one table. */
static void test_tag_means_its_spaces(void)
{
    Guest g = guest_new(IMU_MODE_TRANSLATE);
    Rig *r = g.r;
    uint64_t root = guest_page(&g);
    uint64_t page[2] = { guest_page(&g), guest_page(&g) };
    uint64_t pte = guest_entry(&g, root, VA, VTD_TABLE);
    ImuVtdFirst first = { .root = root };
    ImuPasidAlloc p[2];
    uint32_t hpasid[2];

    rig_copy(r, 0x1000, &first, sizeof(first), true);
    for (unsigned i = 0; i < 2; i++) {
        ImuSpaceCreate s = { .set = r->set,
                             .kind = IMU_SPACE_NESTED,
                             .format = IMU_FORMAT_VTD_FIRST,
                             .parent = g.parent,
                             .data = 0x1000,
                             .data_size = sizeof(first),
                             .tag = 40 + i };

        ok(r, SPACE_CREATE, &s);
        p[i] = rig_pasid(r);
        g_assert_cmpint(rig_attach(r, p[i].pasid, s.space), ==, 0);
        g_assert_true(
            im_ioasid_host_pasid(r->h, FUNC, p[i].gpasid, &hpasid[i]));
    }
    for (unsigned with = 0; with < 2; with++) {
        guest_set(&g, pte, page[0] | VTD_PAGE);
        g_assert_cmpint(rig_inval(r, IMU_GRAN_ALL, IOTLB, NULL), ==, 0);
        hits(r, hpasid[0], VA, rig_pa(r, page[0]));
        hits(r, hpasid[1], VA, rig_pa(r, page[0]));
        guest_set(&g, pte, page[1] | VTD_PAGE);
        g_assert_cmpint(tagged(r, 7, 0, 0), ==, 0);
        /* The PASID is the tag's only if its space is. */
        g_assert_cmpint(tagged(r, 40, p[1].gpasid, VA), ==, 0);
        hits(r, hpasid[0], VA, rig_pa(r, page[0]));
        hits(r, hpasid[1], VA, rig_pa(r, page[0]));
        g_assert_cmpint(tagged(r, 41, with ? p[1].gpasid : 0, VA), ==, 0);
        hits(r, hpasid[0], VA, rig_pa(r, page[0]));
        hits(r, hpasid[1], VA, rig_pa(r, page[1]));
        g_assert_cmpint(tagged(r, 40, 0, 0), ==, 0);
        hits(r, hpasid[0], VA, rig_pa(r, page[1]));
    }
    rig_free(r);
}

/* --- why a request was refused ------------------------------------------ */

static void miss_is(Rig *r, ImIoasidStage stage, const char *name,
                    uint64_t addr, bool for_entry)
{
    ImIoasidMiss m;

    g_assert_true(im_ioasid_missed(r->h, &m));
    g_assert_cmpint(m.stage, ==, stage);
    g_assert_cmpstr(im_ioasid_fault_name(m.code, NULL), ==, name);
    g_assert_cmphex(m.addr, ==, addr);
    g_assert_cmpint(m.for_entry, ==, for_entry);
}

static void test_missed(void)
{
    static const uint16_t asid[] = { 7, 7, 7 };
    Arm a = arm_new(asid);
    Rig *r = a.g.r;
    uint64_t hole = GUEST_BASE + USER_BYTES;        /* the map has it not */

    misses(r, 4, VA, "CD_BAD");
    miss_is(r, IM_IOASID_STAGE_GUEST, "CD_BAD", VA, false);
    misses(r, 1, VA, "ABSENT");
    miss_is(r, IM_IOASID_STAGE_GUEST, "ABSENT", VA, false);
    rig_ats(r, 1, VA);
    miss_is(r, IM_IOASID_STAGE_GUEST, "ABSENT", VA, false);
    guest_set(&a.g, a.pte, hole | ARM_PAGE);
    misses(r, 1, VA + 0x123, "UNMAPPED");
    miss_is(r, IM_IOASID_STAGE_MAP, "UNMAPPED", hole + 0x123, false);
    guest_cd(&a.g, a.cds + 2 * 64, hole, 7);
    misses(r, 2, VA, "TABLE_UNMAPPED");
    miss_is(r, IM_IOASID_STAGE_MAP, "TABLE_UNMAPPED", hole, true);
    misses(r, 16, VA, "PASID_OFF");
    miss_is(r, IM_IOASID_STAGE_GUEST, "PASID_OFF", VA, false);
    g_assert_cmpint(rig_detach(r, NONE), ==, 0);
    misses(r, 1, VA, "NO_BINDING");
    miss_is(r, IM_IOASID_STAGE_NONE, "NO_BINDING", VA, false);
    rig_free(r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ioasid/tags/asid", test_asid_means_its_cds);
    g_test_add_func("/ioasid/tags/asid-follows-cd", test_asid_follows_the_cd);
    g_test_add_func("/ioasid/tags/asid-of-set", test_asid_is_of_the_set);
    g_test_add_func("/ioasid/tags/tag", test_tag_means_its_spaces);
    g_test_add_func("/ioasid/tags/missed", test_missed);
    return g_test_run();
}
