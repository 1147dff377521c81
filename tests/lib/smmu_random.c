/*
 * Worlds of an SMMU at random.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_random.h"

SwShape sr_shape(Fuzz *f, unsigned g1, unsigned g2, unsigned oas, unsigned va)
{
    SwShape s = {
        .g1 = (uint8_t)g1,
        .g2 = (uint8_t)g2,
        .bits1 = (uint8_t)(fuzz_one_in(f, 3) ? 48 : 36 + fuzz_below(f, 13)),
        .bits2 = (uint8_t)(fuzz_one_in(f, 3) ? 48 : 40 + fuzz_below(f, 9)),
        .linear = fuzz_one_in(f, 4),
        .s1fmt = (uint8_t)fuzz_below(f, 3),
        .s1cdmax = (uint8_t)(8 + fuzz_below(f, 5)),
        .high = fuzz_one_in(f, 3),
    };
    unsigned start, top;

    if (va == 52 && g1 == 16 && fuzz_one_in(f, 2)) {
        s.bits1 = (uint8_t)(49 + fuzz_below(f, 4));
    }
    if (oas == 52 && g2 == 16 && fuzz_one_in(f, 2)) {
        s.bits2 = (uint8_t)(49 + fuzz_below(f, 4));
    }
    s.bits2 = (uint8_t)MIN(s.bits2, oas);
    start = sb_start_level(g2, s.bits2);
    top = s.bits2 - sb_level_shift(g2, start);

    if (top <= 4 && start < 3 && fuzz_one_in(f, 2)) {
        s.concat = 1;
    }
    return s;
}

/* An output that needs 52 bits, which 64 KiB descriptors have. */
void sr_far_away(SWorld *w)
{
    uint64_t pa = w->pa | UINT64_C(5) << 49;

    if (sw_s2(w) && w->shape.g2 == 16) {
        sw_s2_map(w, w->ipa, pa, 16, SB_S2);
    } else if (w->kind == SW_S1 && w->shape.g1 == 16) {
        sw_s1_map(w, w->iova, pa, 16, SB_S1);
    }
}

/* What decides about rights and updates, at random but valid. */
void sr_season(SWorld *w, Fuzz *f)
{
    Rig *r = w->r;
    bool ha = fuzz_one_in(f, 2), ha2 = fuzz_one_in(f, 2);

    if (sw_s1(w)) {
        rig_put(r, w->cd, CD_HA, ha);
        rig_put(r, w->cd, CD_HD, ha && fuzz_one_in(f, 2));
        rig_put(r, w->cd, CD_HAFT, ha && fuzz_one_in(f, 3));
        rig_put(r, w->cd, CD_AFFD, fuzz_one_in(f, 3));
        rig_put(r, w->cd, CD_WXN, fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_PAN, fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_HAD0, fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_HAD1, fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_TBI0, fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_TBI1, fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_E0PD0, fuzz_one_in(f, 8));
        rig_put(r, w->cd, CD_E0PD1, fuzz_one_in(f, 8));
        rig_put(r, w->cd, CD_R, !fuzz_one_in(f, 4));
        rig_put(r, w->cd, CD_A, !fuzz_one_in(f, 4));
        if (w->kind == SW_S1 && fuzz_one_in(f, 4)) {
            rig_put(r, w->ste, STE_STRW, 2);
            w->cr2 |= fuzz_one_in(f, 2) || w->shape.high ? CR2_E2H : 0;
        }
    }
    if (sw_s2(w)) {
        rig_put(r, w->ste, STE_S2HA, ha2);
        rig_put(r, w->ste, STE_S2HD, ha2 && fuzz_one_in(f, 2));
        rig_put(r, w->ste, STE_S2HAFT, ha2 && fuzz_one_in(f, 3));
        rig_put(r, w->ste, STE_S2AFFD, fuzz_one_in(f, 3));
        rig_put(r, w->ste, STE_S2PTW, fuzz_one_in(f, 4));
        rig_put(r, w->ste, STE_S2R, !fuzz_one_in(f, 4));
    }
    rig_put(r, w->ste, STE_PRIVCFG, fuzz_one_in(f, 4) ? fuzz_below(f, 4) : 0);
    rig_put(r, w->ste, STE_INSTCFG, fuzz_one_in(f, 4) ? fuzz_below(f, 4) : 0);
}

/* A descriptor that the request meets; 0 when there is none. */
static uint64_t sr_pick_desc(SWorld *w, Fuzz *f)
{
    if (sw_s1(w) && (w->kind == SW_S1 || fuzz_one_in(f, 2))) {
        unsigned l = w->start1 + (unsigned)fuzz_below(f, 4 - w->start1);

        return sw_s1_desc(w, w->iova, l);
    }
    if (sw_s2(w)) {
        unsigned l = w->start2 + (unsigned)fuzz_below(f, 4 - w->start2);
        uint64_t ipa = w->ipa;

        if (w->kind == SW_NESTED && fuzz_one_in(f, 2)) {
            unsigned s1 = w->start1 + (unsigned)fuzz_below(f, 4 - w->start1);

            ipa = sw_s1_desc(w, w->iova, s1) + w->bias;
        } else if (w->kind == SW_NESTED && fuzz_one_in(f, 4)) {
            ipa = w->cd + w->bias;
        }
        return sw_s2_desc(w, ipa, l);
    }
    return 0;
}

/* Attributes of leaves and tables: no address bit, so that walks go on. */
void sr_attributes(SWorld *w, Fuzz *f)
{
    static const uint8_t bits[] = {
        6, 7, 10, 51, 53, 54, 59, 60, 61, 62, 4, 5
    };
    uint64_t at[4], flip[4];
    unsigned n = (unsigned)fuzz_below(f, 5);

    for (unsigned i = 0; i < n; i++) {
        at[i] = sr_pick_desc(w, f);
        flip[i] = DB(bits[fuzz_below(f, sizeof(bits))]);
    }
    for (unsigned i = 0; i < n; i++) {
        if (at[i]) {
            rig_w64(w->r, at[i], rig_r64(w->r, at[i]) ^ flip[i]);
        }
    }
}

void sr_damage(SWorld *w, Fuzz *f)
{
    uint64_t at[3], flip[3];
    unsigned n = (unsigned)fuzz_below(f, 4);

    for (unsigned i = 0; i < n; i++) {
        unsigned bit = (unsigned)fuzz_below(f, 64);

        switch (fuzz_below(f, 6)) {
        case 0:
            at[i] = w->ste + 8 * fuzz_below(f, 4);
            break;
        case 1:
            at[i] = sw_s1(w) ? w->cd + 8 * fuzz_below(f, 3) : 0;
            break;
        case 2:
            at[i] = w->l1std;
            break;
        default:
            at[i] = sr_pick_desc(w, f);
            break;
        }
        flip[i] = UINT64_C(1) << bit;
    }
    for (unsigned i = 0; i < n; i++) {
        if (at[i]) {
            rig_w64(w->r, at[i], rig_r64(w->r, at[i]) ^ flip[i]);
        }
    }
}

ImTxn sr_txn(SWorld *w, Fuzz *f)
{
    static const ImAccess access[] = { IM_READ, IM_WRITE, IM_ATOMIC };
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, access[fuzz_below(f, 3)]);

    t.addr += fuzz_below(f, 64) * 64;
    if (fuzz_one_in(f, 8)) {
        t.addr ^= UINT64_C(1) << (12 + fuzz_below(f, 52));
    }
    if (fuzz_one_in(f, 16)) {
        t.has_pasid = !t.has_pasid;
        t.pasid = t.has_pasid ? (uint32_t)fuzz_below(f, 1 << 20) : 0;
    }
    t.priv = t.has_pasid && fuzz_one_in(f, 3);
    t.exec = t.has_pasid && t.access == IM_READ && fuzz_one_in(f, 3);
    return t;
}

/* A request of ATS, of the address that it may have been told. */
ImTxn sr_ats_txn(SWorld *w, Fuzz *f)
{
    ImTxn t = sr_txn(w, f);

    t.access = IM_READ;
    t.len = 8;
    t.at = IM_AT_TRANSLATION;
    t.no_write = fuzz_one_in(f, 2);
    t.priv = t.has_pasid && fuzz_one_in(f, 3);
    t.exec = t.has_pasid && fuzz_one_in(f, 3);
    if (fuzz_one_in(f, 2)) {
        static const ImAccess access[] = { IM_READ, IM_WRITE };

        t.at = IM_AT_TRANSLATED;
        t.access = (uint8_t)access[fuzz_below(f, 2)];
        t.no_write = false;
        t.addr = fuzz_one_in(f, 4) ? w->pa : w->ipa;
        t.addr += fuzz_below(f, 64) * 64;
        if (fuzz_one_in(f, 8)) {
            t.addr ^= UINT64_C(1) << (12 + fuzz_below(f, 52));
        }
    }
    return t;
}

/* EATS, ATSCHK, and what says which events of ATS are recorded. */
void sr_allow_ats(SWorld *w, Fuzz *f)
{
    w->cr0 |= fuzz_one_in(f, 4) ? 0 : CR0_ATSCHK;
    w->cr2 |= fuzz_one_in(f, 2) ? CR2_REC_CFG_ATS : 0;
    w->cr2 &= fuzz_one_in(f, 2) ? ~CR2_RECINVSID : ~0u;
    rig_put(w->r, w->ste, STE_EATS,
            fuzz_one_in(f, 8)    ? fuzz_below(f, 4) :
            w->kind == SW_NESTED ? 1 + fuzz_below(f, 2) :
                                   1);
    if (w->has_ssid) {
        rig_put(w->r, w->ste, STE_S1DSS, fuzz_below(f, 3));
    }
    if (w->l1std && fuzz_one_in(f, 16)) {
        rig_w64(w->r, w->l1std, 0);             /* C_BAD_STREAMID */
    }
}

Cmd sr_cmd(SWorld *w, Fuzz *f)
{
    /* clang-format off */
    static const uint8_t tlbi[] = {
        OP_NH_ALL, OP_NH_ASID, OP_NH_VA, OP_NH_VAA, OP_EL2_ALL, OP_EL2_ASID,
        OP_EL2_VA, OP_EL2_VAA, OP_S12_VMALL, OP_S2_IPA, OP_NSNH_ALL,
    };
    /* clang-format on */
    uint64_t r = fuzz_u64(f);
    Cmd c;

    switch (fuzz_below(f, 10)) {
    case 0:
        c = cmd_cfgi_ste(w->sid, r & 1);
        break;
    case 1:
        c = cmd_cfgi_ste_range((uint32_t)r, r >> 32 & 31);
        break;
    case 2:
        c = cmd_cfgi_cd(w->sid, r & 0xfffff, r >> 20 & 1);
        break;
    case 3:
        c = cmd_tlbi(tlbi[r % sizeof(tlbi)], r >> 8 & 0xffff, r >> 24 & 0xffff,
                     fuzz_u64(f), r >> 40 & 1);
        c = cmd_tlbi_range(c, r >> 41 & 3, r >> 43 & 3, r >> 45 & 31,
                           r >> 50 & 31);
        break;
    case 4:
        c = cmd_atc_inv(w->sid + (r & 3), fuzz_u64(f), r >> 2 & 31);
        break;
    case 5:
        c = cmd_atc_inv_ssid(w->sid + (r & 3), r >> 8 & 0xfffff, r >> 2 & 1,
                             fuzz_u64(f), 52);
        break;
    case 6:
        c = cmd_pri_resp(w->sid, r & 0x1ff, r >> 9 & 3);
        break;
    case 7:
        c = cmd_resume(w->sid, r & 0xffff, r >> 16 & 1, r >> 17 & 1);
        break;
    default:
        c = cmd_sync(r & 3, r >> 8 & 0xfffff0, (uint32_t)(r >> 32));
        break;
    }
    if (fuzz_one_in(f, 12)) {
        c.q[r >> 60 & 1] ^= UINT64_C(1) << (r >> 54 & 63);
    }
    if (fuzz_one_in(f, 60)) {
        c.q[0] = (c.q[0] & ~UINT64_C(0xff)) | fuzz_below(f, 256);
    }
    return c;
}

uint64_t sr_offset(Fuzz *f)
{
    /* clang-format off */
    static const uint32_t known[] = {
        SR_CR0, SR_CR1, SR_CR2, SR_GBPA, SR_IRQ_CTRL, SR_GERRORN,
        SR_GERROR_IRQ_CFG0, SR_STRTAB_BASE, SR_STRTAB_BASE_CFG,
        SR_CMDQ_BASE, SR_CMDQ_PROD, SR_CMDQ_PROD, SR_CMDQ_CONS,
        SR_EVTQ_BASE, SR_EVTQ_IRQ_CFG0, SR_PRIQ_BASE, SR_PRIQ_IRQ_CFG0,
        SR_PRIQ_IRQ_CFG2, SR_EVTQ_PROD, SR_EVTQ_CONS, SR_PRIQ_PROD,
        SR_PRIQ_CONS,
    };
    /* clang-format on */

    if (fuzz_one_in(f, 8)) {
        return fuzz_below(f, IM_SMMU_MMIO_SIZE + 64);
    }
    return known[fuzz_below(f, G_N_ELEMENTS(known))] +
           (fuzz_one_in(f, 6) ? 4 : 0);
}

uint64_t sr_value(SWorld *w, Fuzz *f, uint64_t off)
{
    Rig *r = w->r;

    switch (fuzz_below(f, 6)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return UINT64_C(1) << fuzz_below(f, 64);
    case 3:
        return off == SR_STRTAB_BASE     ? w->strtab :
               off == SR_STRTAB_BASE_CFG ? 16 | 8 << 6 | 1 << 16 :
               off == SR_CMDQ_BASE       ? r->sq[0].base | 8 :
               off == SR_EVTQ_BASE       ? r->sq[1].base | 7 :
               off == SR_PRIQ_BASE       ? r->sq[2].base | 8 :
               off == SR_CR0             ? fuzz_u64(f) | 0xf :
               off == SR_GERRORN         ? rig_reg32(r, SR_GERROR) :
                                           fuzz_u64(f) & 0x1ff;
    case 4:
        return fuzz_u64(f) & 0x800fffff;
    default:
        return fuzz_u64(f);
    }
}

void sr_places(SWorld *w)
{
    Rig *r = w->r;

    rig_set32(r, SR_CR2, w->cr2);
    rig_set64(r, SR_STRTAB_BASE, w->strtab);
    rig_set32(r, SR_STRTAB_BASE_CFG, 16 | 8 << 6 | 1 << 16);
    rig_set64(r, SR_CMDQ_BASE, r->sq[0].base | 8);
    rig_set64(r, SR_EVTQ_BASE, r->sq[1].base | 7);
    rig_set64(r, SR_PRIQ_BASE, r->sq[2].base | 8);
}
