/*
 * Random damage to a world of VT-d, and random requests of its requester.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/vtd_random.h"

/* An entry of some structure that the request will meet, or nearly. */
static uint64_t pick_entry(World *w, Fuzz *f, unsigned *words)
{
    bool fs = w->kind == W_FS || w->kind == W_NESTED;
    bool ss = w->kind != W_FS && w->kind != W_PT && w->kind != W_LEGACY_PT;
    unsigned level = (unsigned)fuzz_below(f, 4) + 1;
    uint64_t table;

    *words = 1;
    switch (fuzz_below(f, world_scalable(w) ? 12 : 8)) {
    case 0:
        return w->root_entry;
    case 1:
        *words = world_scalable(w) ? 4 : 2;
        return w->ctx;
    case 8:
        return w->dir_entry;
    case 9:
    case 10:
        *words = 4;
        return w->pe;
    default:
        break;
    }
    if (ss && (!fs || fuzz_one_in(f, 2))) {
        uint64_t ipa = w->kind == W_NESTED ? w->gpa : w->iova;

        if (fs && fuzz_one_in(f, 2)) {
            table = world_fs_entry(w, w->iova, level) & ~UINT64_C(0xfff);
            ipa = table + w->bias;
        }
        return world_ss_entry(w, ipa, (unsigned)fuzz_below(f, 4) + 1);
    }
    return fs ? world_fs_entry(w, w->iova, level) : w->ctx;
}

/* PWSNP and SSADE decide about updates, which the oracle does not model
 * together with damage: they stay. */
static bool untouchable(World *w, uint64_t at, unsigned bit)
{
    return world_scalable(w) &&
           ((at == w->pe && bit == 9) || (at == w->pe + 8 && bit == 87 - 64));
}

void vr_damage(World *w, Fuzz *f)
{
    uint64_t at[3], flip[3];
    unsigned n = (unsigned)fuzz_below(f, 3) + 1;

    for (unsigned i = 0; i < n; i++) {
        unsigned words, bit = (unsigned)fuzz_below(f, 64);

        at[i] = pick_entry(w, f, &words);
        at[i] += 8 * fuzz_below(f, words);
        if (fuzz_one_in(f, 2)) {
            bit %= 12;
        }
        flip[i] = untouchable(w, at[i], bit) ? 0 : UINT64_C(1) << bit;
    }
    for (unsigned i = 0; i < n; i++) {
        rig_w64(w->r, at[i], rig_r64(w->r, at[i]) ^ flip[i]);
    }
}

ImTxn vr_txn(World *w, Fuzz *f)
{
    static const ImAccess access[] = { IM_READ, IM_WRITE, IM_ATOMIC };
    ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, access[fuzz_below(f, 3)]);

    if (fuzz_one_in(f, 8)) {
        t.addr ^= UINT64_C(1) << (12 + fuzz_below(f, 52));
    }
    if (t.addr >> 20 == 0xfee) {
        t.addr = w->iova;
    }
    t.addr += fuzz_below(f, 64) * 64;
    t.priv = t.has_pasid && fuzz_one_in(f, 4);
    return t;
}

Desc vr_desc(World *w, Fuzz *f)
{
    uint64_t r = fuzz_u64(f);
    uint64_t addr = fuzz_u64(f) & UINT64_C(0x7ffffffff000);
    unsigned spoil = (unsigned)fuzz_below(f, 16);
    Desc d;

    switch (fuzz_below(f, 9)) {
    case 0:
        d = desc_context(r & 3, w->did, w->rid, r >> 2 & 3);
        break;
    case 1:
        d = desc_iotlb(r & 3, w->did, addr, r >> 2 & 63, r >> 8 & 1);
        break;
    case 2:
        d = desc_dev_tlb((uint16_t)(w->rid + (r & 3)), addr, r >> 2 & 1);
        break;
    case 3:
        d = desc_iec(r & 1, r >> 1 & 31, (uint16_t)(r >> 6));
        break;
    case 4:
        d = desc_piotlb(r & 3, w->did, w->pasid, addr, r >> 2 & 63, r >> 8 & 1);
        break;
    case 5:
        d = desc_pasid_cache(r & 3, w->did, w->pasid);
        break;
    case 6:
        d = desc_pdev_tlb((uint16_t)(w->rid + (r & 3)), r >> 8 & 0xfffff, addr,
                          r >> 2 & 1, r >> 3 & 1);
        break;
    case 7:
        d = desc_page_resp(w->rid, r & 1, r >> 8 & 0xfffff, r >> 1 & 0x1ff,
                           r >> 28 & 15);
        break;
    default:
        d = desc_wait(r & 15, w->r->status + (r >> 4 & 0xff) * 4,
                      (uint32_t)(r >> 32));
        break;
    }
    if (spoil == 0) {
        d.q[r >> 40 & 3] ^= UINT64_C(1) << (r >> 42 & 63);
    }
    return d;
}
