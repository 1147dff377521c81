/*
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/vtd_build.h"

/* --- descriptors -------------------------------------------------------- */

void desc_put(Desc *d, unsigned hi, unsigned lo, uint64_t val)
{
    for (unsigned bit = lo; bit <= hi; bit++) {
        uint64_t one = UINT64_C(1) << bit % 64;

        if (val >> (bit - lo) & 1) {
            d->q[bit / 64] |= one;
        } else {
            d->q[bit / 64] &= ~one;
        }
    }
}

/* Type is split: bits 11:9 hold its upper three bits, 3:0 the lower. */
static Desc desc_new(unsigned type)
{
    Desc d = { { 0 } };

    desc_put(&d, 3, 0, type & 0xf);
    desc_put(&d, 11, 9, type >> 4);
    return d;
}

/* Figure 6-1 */
Desc desc_context(unsigned g, uint16_t did, uint16_t sid, unsigned fm)
{
    Desc d = desc_new(1);

    desc_put(&d, 5, 4, g);
    desc_put(&d, 31, 16, did);
    desc_put(&d, 47, 32, sid);
    desc_put(&d, 49, 48, fm);
    return d;
}

/* Figure 6-3; drains both ways as software does on old hardware */
Desc desc_iotlb(unsigned g, uint16_t did, uint64_t addr, unsigned am, bool ih)
{
    Desc d = desc_new(2);

    desc_put(&d, 5, 4, g);
    desc_put(&d, 6, 6, 1);
    desc_put(&d, 7, 7, 1);
    desc_put(&d, 31, 16, did);
    desc_put(&d, 69, 64, am);
    desc_put(&d, 70, 70, ih);
    desc_put(&d, 127, 76, addr >> 12);
    return d;
}

/* Figure 6-5 */
Desc desc_dev_tlb(uint16_t sid, uint64_t addr, bool s)
{
    Desc d = desc_new(3);

    desc_put(&d, 47, 32, sid);
    desc_put(&d, 64, 64, s);
    desc_put(&d, 127, 76, addr >> 12);
    return d;
}

/* Figure 6-8 */
Desc desc_iec(unsigned g, unsigned im, uint16_t iidx)
{
    Desc d = desc_new(4);

    desc_put(&d, 4, 4, g);
    desc_put(&d, 31, 27, im);
    desc_put(&d, 47, 32, iidx);
    return d;
}

/* Figure 6-9 */
Desc desc_wait(unsigned flags, uint64_t addr, uint32_t data)
{
    Desc d = desc_new(5);

    desc_put(&d, 7, 4, flags);
    desc_put(&d, 63, 32, data);
    desc_put(&d, 127, 66, addr >> 2);
    return d;
}

/* Figure 6-4 */
Desc desc_piotlb(unsigned g, uint16_t did, uint32_t pasid, uint64_t addr,
                 unsigned am, bool ih)
{
    Desc d = desc_new(6);

    desc_put(&d, 5, 4, g);
    desc_put(&d, 31, 16, did);
    desc_put(&d, 51, 32, pasid);
    desc_put(&d, 69, 64, am);
    desc_put(&d, 70, 70, ih);
    desc_put(&d, 127, 76, addr >> 12);
    return d;
}

/* Figure 6-2 */
Desc desc_pasid_cache(unsigned g, uint16_t did, uint32_t pasid)
{
    Desc d = desc_new(7);

    desc_put(&d, 5, 4, g);
    desc_put(&d, 31, 16, did);
    desc_put(&d, 51, 32, pasid);
    return d;
}

/* Figure 6-6 */
Desc desc_pdev_tlb(uint16_t sid, uint32_t pasid, uint64_t addr, bool s, bool gi)
{
    Desc d = desc_new(8);

    desc_put(&d, 31, 16, sid);
    desc_put(&d, 51, 32, pasid);
    desc_put(&d, 64, 64, gi);
    desc_put(&d, 75, 75, s);
    desc_put(&d, 127, 76, addr >> 12);
    return d;
}

/* Figure 7-2 */
Desc desc_page_resp(uint16_t rid, bool pp, uint32_t pasid, uint16_t prgi,
                    unsigned rc)
{
    Desc d = desc_new(9);

    desc_put(&d, 4, 4, pp);
    desc_put(&d, 15, 12, rc);
    desc_put(&d, 31, 16, rid);
    desc_put(&d, 51, 32, pasid);
    desc_put(&d, 75, 67, prgi);
    return d;
}

/* --- registers ---------------------------------------------------------- */

void vb_gcmd(Rig *r, uint32_t bit, bool on)
{
    uint32_t now = rig_reg32(r, REG_GSTS) & GSTS_KEEP;

    rig_set32(r, REG_GCMD, on ? now | bit : now & ~bit);
}

void vb_one_shot(Rig *r, uint32_t bit)
{
    rig_set32(r, REG_GCMD, (rig_reg32(r, REG_GSTS) & GSTS_KEEP) | bit);
}

void vb_set_root(Rig *r, uint64_t root, uint64_t ttm)
{
    rig_set64(r, REG_RTADDR, root | ttm);
    vb_one_shot(r, GCMD_SRTP);
}

/* 6.5.2: tail to zero, then the address, then GCMD.QIE */
void vb_iq_enable(Rig *r, bool wide)
{
    r->iq = rig_alloc(r, 1, RIG_READ);
    if (!r->status) {
        r->status = rig_alloc(r, 1, RIG_WRITE);
    }
    r->iq_width = wide ? 32 : 16;
    r->iq_slots = 4096 / r->iq_width;
    r->iq_tail = 0;
    rig_set64(r, REG_IQT, 0);
    rig_set64(r, REG_IQA, r->iq | (wide ? 1u << 11 : 0));
    vb_gcmd(r, GCMD_QIE, true);
}

void vb_iq_put(Rig *r, Desc d)
{
    uint64_t pa = r->iq + r->iq_tail * r->iq_width;

    for (unsigned i = 0; i < r->iq_width / 8; i++) {
        rig_w64(r, pa + 8 * i, d.q[i]);
    }
    r->iq_tail = (r->iq_tail + 1) % r->iq_slots;
}

void vb_iq_ring(Rig *r)
{
    rig_set64(r, REG_IQT, r->iq_tail * r->iq_width);
}

void vb_submit(Rig *r, Desc d)
{
    vb_iq_put(r, d);
    vb_iq_ring(r);
}

bool vb_wait(Rig *r)
{
    static uint32_t serial = 0x1000;
    uint32_t want = ++serial;

    rig_w32(r, r->status, 0);
    vb_submit(r, desc_wait(WAIT_SW, r->status, want));
    return rig_r32(r, r->status) == want;
}

void vb_prq_enable(Rig *r, unsigned pqs)
{
    r->prq = rig_alloc(r, 1u << pqs, RIG_WRITE | RIG_UPDATE);
    rig_set64(r, REG_PQH, 0);
    rig_set64(r, REG_PQT, 0);
    rig_set64(r, REG_PQA, r->prq | pqs);
}

void vb_irt_enable(Rig *r, unsigned s, bool eime)
{
    unsigned bytes = 16u << (s + 1);

    r->irt = rig_alloc(r, MAX(bytes / 4096, 1), RIG_READ);
    rig_set64(r, REG_IRTA, r->irt | (eime ? 1u << 11 : 0) | s);
    vb_one_shot(r, GCMD_SIRTP);
    vb_gcmd(r, GCMD_IRE, true);
}

void vb_fault_event(Rig *r, uint32_t data)
{
    rig_set32(r, REG_FEDATA, data);
    rig_set32(r, REG_FEADDR, 0xfee00000);
    rig_set32(r, REG_FEUADDR, 0);
    rig_set32(r, REG_FECTL, 0);
}

/* 11.4.2: FRO in units of 16 bytes, NFR is the count minus one */
static uint64_t frcd(Rig *r, unsigned n)
{
    return (rig_reg64(r, REG_CAP) >> 24 & 0x3ff) * 16 + 16 * n;
}

static unsigned frcd_count(Rig *r)
{
    return (unsigned)(rig_reg64(r, REG_CAP) >> 40 & 0xff) + 1;
}

/* 11.4.7.6 */
FaultRec vb_fault(Rig *r, unsigned n)
{
    uint64_t lo = rig_reg64(r, frcd(r, n));
    uint64_t hi = rig_reg64(r, frcd(r, n) + 8);

    return (FaultRec) {
        .f = hi >> 63 & 1,
        .type = (unsigned)((hi >> 62 & 1) << 1 | (hi >> 28 & 1)),
        .at = hi >> 60 & 3,
        .pasid = hi >> 40 & 0xfffff,
        .reason = hi >> 32 & 0xff,
        .pp = hi >> 31 & 1,
        .exe = hi >> 30 & 1,
        .priv = hi >> 29 & 1,
        .sid = (uint16_t)hi,
        .fi = lo,
    };
}

unsigned vb_faults(Rig *r)
{
    unsigned n = 0;

    for (unsigned i = 0; i < frcd_count(r); i++) {
        n += vb_fault(r, i).f;
    }
    return n;
}

void vb_fault_clear(Rig *r)
{
    for (unsigned i = 0; i < frcd_count(r); i++) {
        rig_set32(r, frcd(r, i) + 12, 0x80000000u);
    }
    rig_set32(r, REG_FSTS, FSTS_PFO | FSTS_IQE | FSTS_ICE | FSTS_ITE);
}

/* --- interrupts --------------------------------------------------------- */

void vb_irte(Rig *r, unsigned index, Irte e)
{
    uint64_t pa = r->irt + 16 * index;

    rig_put(r, pa, IRTE_P, e.p);
    rig_put(r, pa, IRTE_FPD, e.fpd);
    rig_put(r, pa, IRTE_DM, e.dm);
    rig_put(r, pa, IRTE_RH, e.rh);
    rig_put(r, pa, IRTE_TM, e.tm);
    rig_put(r, pa, IRTE_DLM, e.dlm);
    rig_put(r, pa, IRTE_V, e.vector);
    rig_put(r, pa, IRTE_DST, e.dst);
    rig_put(r, pa, IRTE_SID, e.sid);
    rig_put(r, pa, IRTE_SQ, e.sq);
    rig_put(r, pa, IRTE_SVT, e.svt);
}

/* 5.1.2.2, figure 5-2 */
ImMsi vb_msi(uint16_t rid, uint16_t handle)
{
    return (ImMsi) {
        .addr = 0xfee00000u | (handle & 0x7fffu) << 5 | 1u << 4 |
                (handle >> 15 & 1u) << 2,
        .rid = rid,
    };
}

ImMsi vb_msi_sub(uint16_t rid, uint16_t handle, uint32_t data)
{
    ImMsi m = vb_msi(rid, handle);

    m.addr |= 1u << 3;
    m.data = data;
    return m;
}
