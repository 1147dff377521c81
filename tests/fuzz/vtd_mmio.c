/*
 * Random register accesses of any size, mixed with requests of every
 * kind, completions and time: no crash, no hang, no odd memory access,
 * and power-on reset always leads back to the same place.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/fuzz_rig.h"
#include "lib/vtd_build.h"

static uint64_t offset(Fuzz *f)
{
    /* clang-format off */
    static const uint16_t known[] = {
        REG_GCMD, REG_GSTS, REG_RTADDR, REG_CCMD, REG_FSTS, REG_FECTL,
        REG_FEDATA, REG_FEADDR, REG_IQH, REG_IQT, REG_IQA, REG_ICS,
        REG_IECTL, REG_IQERCD, REG_IRTA, REG_PQH, REG_PQT, REG_PQA,
        REG_PRS, REG_PECTL, 0x0f0, 0x0f8, 0x100, 0x108, 0x220, 0x228,
    };
    /* clang-format on */

    if (fuzz_one_in(f, 6)) {
        return fuzz_below(f, IM_VTD_MMIO_SIZE + 64);
    }
    return known[fuzz_below(f, G_N_ELEMENTS(known))] +
           (fuzz_one_in(f, 4) ? 4 : 0);
}

static uint64_t value(World *w, Fuzz *f, uint64_t off)
{
    switch (fuzz_below(f, 6)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return UINT64_C(1) << fuzz_below(f, 64);
    case 3:
        return off == REG_RTADDR ? w->root | (fuzz_u64(f) & 0xc00) :
               off == REG_IQA    ? w->r->iq | (fuzz_u64(f) & 0x807) :
               off == REG_PQA    ? w->r->prq | (fuzz_u64(f) & 7) :
               off == REG_GCMD   ? fuzz_u64(f) | GCMD_TE | GCMD_QIE :
                                   fuzz_u64(f) & 0xfff;
    case 4:
        return fuzz_u64(f) & 0x7ffe0;
    default:
        return fuzz_u64(f);
    }
}

static void mmio(World *w, Fuzz *f)
{
    uint64_t off = offset(f);

    fuzz_mmio(w->r, f, off, value(w, f, off), IM_VTD_MMIO_SIZE);
}

static void request(World *w, Fuzz *f)
{
    ImTxn t = fuzz_txn(f, w->iova, w->rid, w->pasid);
    ImXlat x = im_vtd_translate(w->r->vtd, &t);

    fuzz_xlat(&x);
    g_assert_true((x.status == IM_OK) == (x.cpl == IM_CPL_SC));
    if (x.status == IM_FAULT) {
        g_assert_true(!x.fault || im_vtd_fault_name(x.fault, NULL));
    }
}

static void message(World *w, Fuzz *f)
{
    ImMsi m = {
        .addr = 0xfee00000 | (fuzz_u64(f) & 0xfffff),
        .data = (uint32_t)fuzz_u64(f),
        .rid = (uint16_t)fuzz_u64(f),
    };
    ImPageReq q = fuzz_page_req(f, w->rid, w->pasid);

    switch (fuzz_below(f, 4)) {
    case 0:
        im_vtd_interrupt(w->r->vtd, &m);
        break;
    case 1:
        im_vtd_page_request(w->r->vtd, &q);
        break;
    case 2:
        im_vtd_ats_inv_done(w->r->vtd, w->rid, (uint32_t)fuzz_u64(f),
                            (unsigned)fuzz_below(f, 9));
        break;
    default:
        rig_advance(w->r, fuzz_below(f, 2 * w->r->cfg.ats_timeout_ns));
        break;
    }
}

/* Only what every state must obey; the guest may have aimed anywhere. */
static void check(World *w)
{
    uint32_t gsts = rig_reg32(w->r, REG_GSTS);

    g_assert_cmpuint(w->r->misaligned, ==, 0);
    g_assert_cmphex(gsts & 0x007fffff, ==, 0);
    if (!(gsts & GSTS_QIES)) {
        g_assert_cmphex(rig_reg64(w->r, REG_IQH), ==, 0);
    }
    w->r->strays = 0;
    rig_assert_consistent(w->r);
    g_assert_cmpuint(w->r->accesses, <, 200000000);
}

static void restart(World *w)
{
    im_vtd_reset(w->r->vtd);
    g_assert_cmphex(rig_reg32(w->r, REG_GSTS), ==, 0);
    g_assert_cmphex(rig_reg32(w->r, REG_FSTS), ==, 0);
    g_assert_cmphex(rig_reg64(w->r, REG_IQA), ==, 0);
    g_assert_cmphex(rig_reg32(w->r, REG_FECTL), ==, CTL_IM);
    g_assert_cmpuint(im_vtd_counters(w->r->vtd) != NULL, ==, 1);
    rig_log_clear(w->r);
    rig_set64(w->r, REG_IQA, w->r->iq | 1u << 11);
    rig_set64(w->r, REG_IQT, 0);
    rig_set64(w->r, REG_PQA, w->r->prq);
    vb_gcmd(w->r, GCMD_QIE, true);
    world_on(w);
}

static void registers(void)
{
    Fuzz f = fuzz_new(1500000);
    g_autoptr(World) w = world_new(NULL, W_FS, true);

    w->r->allow_stray = true;
    for (unsigned i = 0; i < 128; i++) {    /* a queue full of something */
        Desc d = i & 3 ? desc_wait((unsigned)fuzz_below(&f, 16),
                                   w->r->status + 4 * (i & 63), i) :
                         desc_dev_tlb(w->rid, 0, false);

        vb_iq_put(w->r, d);
    }
    for (uint64_t i = 0; i < f.rounds; i++) {
        switch (fuzz_below(&f, 8)) {
        case 0:
            request(w, &f);
            break;
        case 1:
            message(w, &f);
            break;
        default:
            mmio(w, &f);
            break;
        }
        if (i % 64 == 0) {
            check(w);
        }
        if (fuzz_one_in(&f, 2000)) {
            restart(w);
        }
    }
    restart(w);
    w->r->strays = 0;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vtd/fuzz/mmio", registers);
    return g_test_run();
}
