/*
 * Guest-owned tables on a mapped space: what is found, what is cached until
 * it is invalidated, what a device TLB may do.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "guest.h"

#define VA    UINT64_C(0x7f1234567000)
#define NONE  ((ImuRef){ 0 })

/* --- VT-d ------------------------------------------------------------- */

typedef struct Vtd {
    Guest g;
    uint64_t root, pte, page[2];
    ImuPasidAlloc pasid;
    ImuRef space;
    uint32_t hpasid;            /* the first one on the device */
} Vtd;

static Vtd vtd_new(void)
{
    Vtd v = { .g = guest_new(IMU_MODE_TRANSLATE), .hpasid = 1 };

    v.root = guest_page(&v.g);
    v.page[0] = guest_page(&v.g);
    v.page[1] = guest_page(&v.g);
    v.pte = guest_entry(&v.g, v.root, VA, VTD_TABLE);
    guest_set(&v.g, v.pte, v.page[0] | VTD_PAGE);
    v.space = guest_vtd(&v.g, v.root);
    v.pasid = rig_pasid(v.g.r);
    g_assert_cmpint(rig_attach(v.g.r, v.pasid.pasid, v.space), ==, 0);
    return v;
}

static void test_vtd_walks_through_the_parent(void)
{
    Vtd v = vtd_new();
    Rig *r = v.g.r;

    hits(r, v.hpasid, VA + 8, rig_pa(r, v.page[0]) + 8);
    g_assert_cmphex(guest_get(&v.g, v.pte), ==, v.page[0] | VTD_PAGE | VTD_A);
    g_assert_cmpint(rig_dma(r, v.hpasid, VA, IM_WRITE).status, ==, IM_OK);
    g_assert_cmphex(guest_get(&v.g, v.pte), ==,
                    v.page[0] | VTD_PAGE | VTD_A | VTD_D);
    misses(r, v.hpasid, VA + PAGE, "ABSENT");
    misses(r, v.hpasid, UINT64_C(1) << 50, "INPUT_RANGE");
    misses(r, v.hpasid + 1, VA, "NO_BINDING");
    misses(r, 0, VA, "NO_BINDING");
    guest_set(&v.g, v.pte + 8, 0x1000 | VTD_PAGE);
    misses(r, v.hpasid, VA + PAGE, "UNMAPPED");
    guest_set(&v.g, v.pte + 8, v.page[1] | (VTD_PAGE & ~UINT64_C(2)));
    hits(r, v.hpasid, VA + PAGE, rig_pa(r, v.page[1]));
    g_assert_cmpint(rig_dma(r, v.hpasid, VA + PAGE, IM_WRITE).status, ==,
                    IM_FAULT);
    g_assert_cmpuint(r->faults, ==, 6);
    rig_free(r);
}

static void test_iotlb_is_stale_until_invalidated(void)
{
    Vtd v = vtd_new();
    Rig *r = v.g.r;
    ImuInvEntry e = { .gpasid = v.pasid.gpasid, .addr = VA, .length = 1 };
    ImuInvEntry other = { .gpasid = v.pasid.gpasid,
                          .addr = VA + PAGE,
                          .length = PAGE };

    hits(r, v.hpasid, VA, rig_pa(r, v.page[0]));
    guest_set(&v.g, v.pte, v.page[1] | VTD_PAGE);
    hits(r, v.hpasid, VA, rig_pa(r, v.page[0]));
    g_assert_cmpint(rig_inval(r, IMU_GRAN_RANGE, IMU_CACHE_IOTLB, &other), ==,
                    0);
    g_assert_cmpint(rig_inval(r, IMU_GRAN_RANGE, IMU_CACHE_DEVTLB, &e), ==, 0);
    hits(r, v.hpasid, VA, rig_pa(r, v.page[0]));
    g_assert_cmpint(rig_inval(r, IMU_GRAN_RANGE, IMU_CACHE_IOTLB, &e), ==, 0);
    hits(r, v.hpasid, VA, rig_pa(r, v.page[1]));
    guest_set(&v.g, v.pte, v.page[0] | VTD_PAGE);
    e.addr = e.length = 0;
    g_assert_cmpint(rig_inval(r, IMU_GRAN_PASID, IMU_CACHE_IOTLB, &e), ==, 0);
    hits(r, v.hpasid, VA, rig_pa(r, v.page[0]));
    guest_set(&v.g, v.pte, v.page[1] | VTD_PAGE);
    g_assert_cmpint(rig_inval(r, IMU_GRAN_ALL, IMU_CACHE_IOTLB, NULL), ==, 0);
    hits(r, v.hpasid, VA, rig_pa(r, v.page[1]));
    rig_free(r);
}

/* A page of 2 MiB lies in pieces of 4 KiB: all go together. */
static void test_a_large_page_goes_as_a_whole(void)
{
    Vtd v = vtd_new();
    Rig *r = v.g.r;
    uint64_t base = UINT64_C(0x7f1234600000);
    uint64_t leaf = guest_entry(&v.g, v.root, base, VTD_TABLE);
    ImuInvEntry e = { .gpasid = v.pasid.gpasid,
                      .addr = base + PAGE,
                      .length = PAGE };
    uint64_t pde = 0;

    /* The entry above, which points to the table leaf is in. */
    for (uint64_t at = GUEST_BASE + PAGE; at < v.g.next; at += 8) {
        if ((guest_get(&v.g, at) & ~UINT64_C(0xfff)) ==
            (leaf & ~UINT64_C(0xfff))) {
            pde = at;
        }
    }
    guest_set(&v.g, pde, 0x200000 | VTD_PAGE | 1 << 7);
    hits(r, v.hpasid, base + 0x5000, rig_pa(r, 0x205000));
    guest_set(&v.g, pde, 0);
    hits(r, v.hpasid, base + 0x5000, rig_pa(r, 0x205000));
    g_assert_cmpint(rig_inval(r, IMU_GRAN_RANGE, IMU_CACHE_IOTLB, &e), ==, 0);
    misses(r, v.hpasid, base + 0x5000, "ABSENT");
    rig_free(r);
}

static void test_unmap_of_the_parent_needs_no_invalidation(void)
{
    Vtd v = vtd_new();
    Rig *r = v.g.r;

    hits(r, v.hpasid, VA, rig_pa(r, v.page[0]));
    g_assert_cmpint(rig_unmap(r, v.g.parent, 0, UINT64_MAX), ==, 0);
    misses(r, v.hpasid, VA, "TABLE_UNMAPPED");
    g_assert_cmpint(rig_map(r, v.g.parent, IMU_PROT_READ, GUEST_BASE,
                            GUEST_BASE, GUEST_BYTES),
                    ==, 0);
    g_assert_cmphex(guest_get(&v.g, v.pte) & VTD_A, ==, VTD_A);
    hits(r, v.hpasid, VA, rig_pa(r, v.page[0]));
    guest_set(&v.g, v.pte + 8, v.page[1] | VTD_PAGE);
    misses(r, v.hpasid, VA + PAGE, "TABLE_DENIED");     /* to set A */
    rig_free(r);
}

static void test_privilege(void)
{
    Vtd v = vtd_new();
    ImTxn t = { .addr = VA,
                .len = 8,
                .pasid = v.hpasid,
                .has_pasid = true,
                .rid = FUNC,
                .access = IM_READ,
                .priv = true };
    ImXlat x = im_ioasid_translate(v.g.r->h, &t);

    g_assert_cmpstr(im_ioasid_fault_name(x.fault, NULL), ==, "PRIVILEGE");
    guest_set(&v.g, v.pte, v.page[0] | (VTD_PAGE & ~UINT64_C(4)));
    misses(v.g.r, v.hpasid, VA, "PRIVILEGE");
    t.exec = true;
    t.priv = false;
    guest_set(&v.g, v.pte, v.page[0] | VTD_PAGE);
    x = im_ioasid_translate(v.g.r->h, &t);
    g_assert_cmpstr(im_ioasid_fault_name(x.fault, NULL), ==, "EXECUTE");
    rig_free(v.g.r);
}

static void test_parked_and_detached_requests(void)
{
    Vtd v = vtd_new();
    Rig *r = v.g.r;
    ImuPasidFree f = { .set = r->set, .pasid = v.pasid.pasid };
    uint64_t hushed = im_ioasid_counters(r->h)->faults_suppressed;

    hits(r, v.hpasid, VA, rig_pa(r, v.page[0]));
    ok(r, PASID_FREE, &f);
    misses(r, v.hpasid, VA, "PARKED");
    g_assert_cmpuint(r->faults, ==, 0);
    g_assert_cmpuint(im_ioasid_counters(r->h)->faults_suppressed, ==,
                     hushed + 1);
    g_assert_cmpint(rig_detach(r, v.pasid.pasid), ==, 0);
    misses(r, v.hpasid, VA, "NO_BINDING");
    rig_free(r);
}

/* --- ATS -------------------------------------------------------------- */

static void test_translated_requests_reach_what_is_mapped(void)
{
    Vtd v = vtd_new();
    Rig *r = v.g.r;
    uint64_t pa = rig_pa(r, v.page[0]);
    ImXlat x;

    g_assert_cmpint(rig_translated(r, pa, IM_READ).status, ==, IM_FAULT);
    x = rig_ats(r, v.hpasid, VA);
    g_assert_cmpint(x.status, ==, IM_OK);
    g_assert_cmphex(x.addr, ==, pa);
    g_assert_cmpint(x.perm, ==, IM_PERM_R | IM_PERM_W);
    x = rig_ats(r, v.hpasid, VA + PAGE);
    g_assert_cmpint(x.status, ==, IM_OK);
    g_assert_cmpint(x.perm, ==, 0);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(rig_translated(r, pa + 16, IM_WRITE).status, ==, IM_OK);
    }
    g_assert_cmpint(rig_translated(r, rig_pa(r, 0x2000), IM_READ).status, ==,
                    IM_FAULT);
    /* Not before the device knows: an invalidation refuses nothing. */
    g_assert_cmpint(rig_inval(r, IMU_GRAN_ALL, IMU_CACHE_DEVTLB, NULL), ==, 0);
    g_assert_cmpint(rig_translated(r, pa, IM_WRITE).status, ==, IM_OK);
    g_assert_cmpuint(r->sent, ==, 1);
    rig_ats(r, v.hpasid, VA);
    g_assert_cmpint(rig_unmap(r, v.g.parent, 0, UINT64_MAX), ==, 0);
    g_assert_cmpuint(r->sent, ==, 2);
    g_assert_cmpuint(r->inv[1].pasid, ==, v.hpasid);
    g_assert_cmpuint(r->inv[1].lg2size, ==, IM_INV_ALL);
    g_assert_cmpint(rig_translated(r, pa + 16, IM_READ).status, ==, IM_FAULT);
    rig_free(r);
}

static void test_detach_invalidates_the_device_tlb(void)
{
    Vtd v = vtd_new();
    Rig *r = v.g.r;
    ImuFence f = { .set = r->set };
    ImuFence again = { .set = r->set };
    uint64_t pa = rig_pa(r, v.page[0]);

    rig_ats(r, v.hpasid, VA);
    g_assert_cmpint(rig_detach(r, v.pasid.pasid), ==, 0);
    g_assert_cmpint(rig_translated(r, pa, IM_READ).status, ==, IM_FAULT);
    g_assert_cmpuint(r->sent, ==, 1);
    ok(r, FENCE, &f);
    g_assert_cmpuint(f.done, ==, 0);
    again.ticket = f.ticket + 1;
    g_assert_cmpint(obey(r, FENCE, &again), ==, -ENOENT);
    im_ioasid_ats_inv_done(r->h, FUNC, 0xfffffffe, 1);     /* not sent */
    again.ticket = f.ticket;
    ok(r, FENCE, &again);
    g_assert_cmpuint(again.done, ==, 0);
    im_ioasid_ats_inv_done(r->h, FUNC, 1u << r->inv[0].itag, 1);
    ok(r, FENCE, &again);
    g_assert_cmpuint(again.done, ==, 1);
    rig_free(r);
}

/* --- Arm -------------------------------------------------------------- */

static void test_smmu_nested(void)
{
    Guest g = guest_new(IMU_MODE_TRANSLATE);
    Rig *r = g.r;
    uint64_t cd = guest_page(&g);
    uint64_t root = guest_page(&g);
    uint64_t page = guest_page(&g);
    uint64_t pte = guest_entry(&g, root, 0x5000, ARM_TABLE);
    ImuRef s = guest_smmu(&g, IMU_SPACE_NESTED, cd, 0, 0);

    guest_set(&g, pte, page | ARM_PAGE);
    g_assert_cmpint(rig_attach(r, NONE, s), ==, 0);
    misses(r, 0, 0x5000, "CD_BAD");
    guest_cd(&g, cd, root, 7);
    hits(r, 0, 0x5010, rig_pa(r, page) + 0x10);
    misses(r, 0, 0x6000, "ABSENT");
    misses(r, 0, UINT64_C(1) << 48, "INPUT_RANGE");
    guest_set(&g, pte + 8, page | ARM_PAGE | ARM_READ_ONLY);
    hits(r, 0, 0x6000, rig_pa(r, page));
    g_assert_cmpint(rig_dma(r, 0, 0x6000, IM_WRITE).status, ==, IM_FAULT);
    g_assert_cmpint(rig_detach(r, NONE), ==, 0);
    rig_free(r);
}

static void test_delegated_table(void)
{
    Guest g = guest_new(IMU_MODE_DELEGATED);
    Rig *r = g.r;
    uint64_t cds = guest_page(&g);
    uint64_t root[2] = { guest_page(&g), guest_page(&g) };
    uint64_t page[2] = { guest_page(&g), guest_page(&g) };
    ImuRef s = guest_smmu(&g, IMU_SPACE_PASID_TABLE, cds, 4, 2);
    ImuInvEntry e = { .gpasid = 3 };

    for (unsigned i = 0; i < 2; i++) {
        guest_set(&g, guest_entry(&g, root[i], 0x5000, ARM_TABLE),
                  page[i] | ARM_PAGE);
    }
    guest_cd(&g, cds, root[0], 1);
    guest_cd(&g, cds + 3 * 64, root[0], 2);
    g_assert_cmpint(rig_attach(r, NONE, s), ==, 0);
    hits(r, 0, 0x5000, rig_pa(r, page[0]));
    hits(r, 3, 0x5000, rig_pa(r, page[0]));
    misses(r, 4, 0x5000, "CD_BAD");
    misses(r, 16, 0x5000, "PASID_OFF");

    /* Another table, another ASID: the PASID cache alone is enough. */
    guest_cd(&g, cds + 3 * 64, root[1], 9);
    hits(r, 3, 0x5000, rig_pa(r, page[0]));
    g_assert_cmpint(rig_inval(r, IMU_GRAN_PASID, IMU_CACHE_PASID, &e), ==, 0);
    hits(r, 3, 0x5000, rig_pa(r, page[1]));
    /* The same ASID: what is in the IOTLB stays until it is told. */
    guest_cd(&g, cds + 3 * 64, root[0], 9);
    g_assert_cmpint(rig_inval(r, IMU_GRAN_PASID, IMU_CACHE_PASID, &e), ==, 0);
    hits(r, 3, 0x5000, rig_pa(r, page[1]));
    g_assert_cmpint(rig_inval(r, IMU_GRAN_PASID, IMU_CACHE_IOTLB, &e), ==, 0);
    hits(r, 3, 0x5000, rig_pa(r, page[0]));
    hits(r, 0, 0x5000, rig_pa(r, page[0]));

    rig_ats(r, 3, 0x5000);
    g_assert_cmpint(rig_inval(r, IMU_GRAN_PASID, IMU_CACHE_DEVTLB, &e), ==, 0);
    g_assert_true(r->inv[0].has_pasid && r->inv[0].pasid == 3);
    g_assert_cmpint(rig_detach(r, NONE), ==, 0);
    g_assert_cmpuint(r->sent, ==, 2);
    g_assert_cmpuint(r->inv[1].pasid, ==, 3);
    g_assert_cmpuint(r->inv[1].lg2size, ==, IM_INV_ALL);
    misses(r, 3, 0x5000, "NO_BINDING");
    rig_free(r);
}

/* --- dirty state ------------------------------------------------------ */

static uint64_t dirty_bits(Guest *g, uint32_t flags, uint64_t iova)
{
    ImuDirtyGet a = {
        .head.flags = flags,
        .set = g->r->set,
        .space = g->parent,
        .iova = iova,
        .length = 64 * PAGE,
        .page_size = PAGE,
        .bitmap = 0x2000,
    };

    guest_set(g, 0x2000, 0);
    ok(g->r, DIRTY_GET, &a);
    return guest_get(g, 0x2000);
}

static void test_dirty_tracking(void)
{
    Vtd v = vtd_new();
    Rig *r = v.g.r;
    ImuDirtySet set = { .head.flags = IMU_DIRTY_ON,
                        .set = r->set,
                        .space = v.g.parent };
    uint64_t base = GUEST_BASE;
    uint64_t data = UINT64_C(1) << (v.page[0] - base) / PAGE;
    uint64_t table = UINT64_C(1) << (v.pte - base) / PAGE;

    g_assert_cmpint(rig_dma(r, v.hpasid, VA, IM_WRITE).status, ==, IM_OK);
    ok(r, DIRTY_SET, &set);
    g_assert_cmphex(dirty_bits(&v.g, IMU_DIRTY_PEEK, base), ==, 0);
    hits(r, v.hpasid, VA, rig_pa(r, v.page[0]));
    g_assert_cmphex(dirty_bits(&v.g, IMU_DIRTY_PEEK, base), ==, 0);
    g_assert_cmpint(rig_dma(r, v.hpasid, VA, IM_WRITE).status, ==, IM_OK);
    g_assert_cmphex(dirty_bits(&v.g, IMU_DIRTY_PEEK, base), ==, data);
    g_assert_cmphex(dirty_bits(&v.g, 0, base), ==, data);
    g_assert_cmphex(dirty_bits(&v.g, 0, base), ==, 0);
    g_assert_cmpint(rig_dma(r, v.hpasid, VA, IM_WRITE).status, ==, IM_OK);
    g_assert_cmphex(dirty_bits(&v.g, 0, base), ==, data);
    /* The walker's own writes count: A of another page. */
    guest_set(&v.g, v.pte + 8, v.page[1] | VTD_PAGE);
    hits(r, v.hpasid, VA + PAGE, rig_pa(r, v.page[1]));
    g_assert_cmphex(dirty_bits(&v.g, 0, base), ==, table);
    /* A grant to a device TLB is taken for a write. */
    rig_ats(r, v.hpasid, VA);
    g_assert_cmphex(dirty_bits(&v.g, 0, base), ==, data);
    set.head.flags = 0;
    ok(r, DIRTY_SET, &set);
    rig_free(r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ioasid/nested/vtd", test_vtd_walks_through_the_parent);
    g_test_add_func("/ioasid/nested/stale",
                    test_iotlb_is_stale_until_invalidated);
    g_test_add_func("/ioasid/nested/large", test_a_large_page_goes_as_a_whole);
    g_test_add_func("/ioasid/nested/unmap",
                    test_unmap_of_the_parent_needs_no_invalidation);
    g_test_add_func("/ioasid/nested/privilege", test_privilege);
    g_test_add_func("/ioasid/nested/parked", test_parked_and_detached_requests);
    g_test_add_func("/ioasid/nested/translated",
                    test_translated_requests_reach_what_is_mapped);
    g_test_add_func("/ioasid/nested/detach",
                    test_detach_invalidates_the_device_tlb);
    g_test_add_func("/ioasid/nested/smmu", test_smmu_nested);
    g_test_add_func("/ioasid/nested/delegated", test_delegated_table);
    g_test_add_func("/ioasid/nested/dirty", test_dirty_tracking);
    return g_test_run();
}
