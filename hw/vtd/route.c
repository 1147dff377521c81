/*
 * VT-d: the route of a DMA request, chapters 3, 4.2 and 7.1.3.
 *
 * Every step returns true when it has answered the request in r->
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/fmt/vtd.h"
#include "hw/vtd/dma.h"

static bool vtd_route_refuse_silently(VtdRoute *r, ImClause clause)
{
    r->out.clause = clause;
    return im_route_refuse(&r->out, IM_FAULT, IM_CPL_UR);
}

/*
 * Grant addr -> out. The region shrinks until it contains nothing that has
 * a rule of its own: the interrupt range.
 */
IM_RULE(VTD_4_2_3_SIZE);
static bool vtd_route_grant(VtdRoute *r, uint64_t out, unsigned lg2,
                            uint8_t perm)
{
    uint64_t in = r->txn->addr;

    while (lg2 > 12 &&
           (im_vtd_overlaps_interrupts(out, lg2) ||
            (!r->has_pasid && im_vtd_overlaps_interrupts(in, lg2)))) {
        lg2--;
    }
    return im_route_grant(&r->out, out, lg2, perm);
}

/* 4.2.1 */
static bool vtd_route_ats_error(VtdRoute *r)
{
    const ImTxn *t = r->txn;

    if (t->at == IM_AT_RESERVED) {
        return vtd_route_refuse_silently(r, IM_CLAUSE(VTD_4_2_1_AT_RESERVED));
    }
    if (t->at == IM_AT_TRANSLATION) {
        if (t->access != IM_READ) {
            return vtd_route_refuse_silently(r, IM_CLAUSE(VTD_4_2_1_AT_WRITE));
        }
        if (im_route_malformed(t)) {
            return vtd_route_refuse_silently(r, IM_CLAUSE(VTD_4_2_1_MALFORMED));
        }
    }
    return false;
}

/*
 * 3.15: without PASID the range is not memory, whatever the tables say.
 * While remapping is off a PASID is ignored (3.1).
 */
IM_RULE(VTD_3_15_ILLEGAL);
IM_RULE(VTD_3_15_PASID);
static bool vtd_route_interrupt_range(VtdRoute *r)
{
    const ImTxn *t = r->txn;
    bool tes = r->s->gsts & IM_MASK(VTD_GCMD_TE);

    if (G_LIKELY(!im_vtd_interrupt_address(t->addr)) ||
        r->kind != VTD_UNTRANSLATED || (tes && r->has_pasid)) {
        return false;
    }
    if (t->access == IM_WRITE && t->len == 4 && t->addr % 4 == 0) {
        r->out.clause = IM_CLAUSE(VTD_3_15_INTERRUPT);
        r->interrupt = true;
        return im_route_grant(&r->out, t->addr, 2, IM_PERM_W);
    }
    if (t->access == IM_READ && t->len == 0) {
        r->out.clause = IM_CLAUSE(VTD_3_15_ZLR);
        return im_route_grant(&r->out, t->addr, 12, IM_PERM_R);
    }
    if (!tes && !(r->s->gsts & IM_MASK(VTD_GCMD_IRE))) {
        return false;
    }
    return im_vtd_refuse(r, VTD_FLT_IR_29);
}

/* 11.4.4.2: not remapped; only untranslated requests pass (4.2.1). */
static bool vtd_route_remapping_off(VtdRoute *r)
{
    if (G_LIKELY(r->s->gsts & IM_MASK(VTD_GCMD_TE))) {
        return false;
    }
    if (r->kind != VTD_UNTRANSLATED) {
        return vtd_route_refuse_silently(r, IM_CLAUSE(VTD_4_2_1_TES0));
    }
    r->out.clause = r->has_pasid ? IM_CLAUSE(VTD_3_1_TES0_PASID) :
                                   IM_CLAUSE(VTD_REG_GSTS);
    r->has_pasid = false;
    return vtd_route_grant(r, r->txn->addr, 32, IM_PERM_R | IM_PERM_W);
}

/* 11.4.5, RTA.1 to RTA.4 */
bool im_vtd_table_mode_fault(VtdRoute *r)
{
    ImVtd *s = r->s;

    switch (s->root.ttm) {
    case VTD_TTM_SCALABLE:
        if (!(s->ecap & IM_MASK(VTD_ECAP_SMTS))) {
            return im_vtd_refuse(r, VTD_FLT_RTA_1);
        }
        break;
    case VTD_TTM_LEGACY:
        if (r->kind == VTD_PAGE_REQUEST) {
            return im_vtd_refuse(r, VTD_FLT_RTA_3);
        }
        if (r->has_pasid) {
            return im_vtd_refuse(r, VTD_FLT_RTA_2);
        }
        if (s->root.ssirwe) {
            return im_vtd_refuse(r, VTD_FLT_RTA_1);
        }
        break;
    case VTD_TTM_ABORT:
        return im_vtd_refuse(r, s->ecap & IM_MASK(VTD_ECAP_ADMS) ?
                                    VTD_FLT_RTA_4 :
                                    VTD_FLT_RTA_1);
    default:
        return im_vtd_refuse(r, VTD_FLT_RTA_1);
    }
    return false;
}

/* --- answers ------------------------------------------------------------ */

IM_RULE(VTD_4_2_3_N);
bool im_vtd_found(VtdRoute *r, uint64_t out, unsigned lg2, uint8_t flags)
{
    const VtdSpace *sp = r->sp;
    uint8_t perm = flags & (IM_PERM_R | IM_PERM_W);
    bool through_ss = sp->pgtt == VTD_PGTT_SECOND ||
                      sp->pgtt == VTD_PGTT_NESTED;

    if (!(flags & VTD_TLB_DIRTY) ||
        (r->kind == VTD_TRANSLATION && im_vtd_no_write(r))) {
        perm &= (uint8_t)~IM_PERM_W;
    }
    if (r->kind == VTD_TRANSLATION) {
        r->non_snoop = sp->pgsnp || (through_ss && (flags & VTD_TLB_SNP));
    }
    return vtd_route_grant(r, out, lg2, perm);
}

/* The IOTLB looks at bits 56:12. The others are what they must be? */
static bool vtd_route_iotlb_address(const VtdSpace *sp, uint64_t addr)
{
    return sp->pgtt == VTD_PGTT_SECOND ? addr >> 57 == 0 :
                                         im_route_canonical(addr, 57);
}

/* 6.2.7: what the IOTLB holds needs no table, if it grants enough. */
static bool vtd_route_iotlb_hit(VtdRoute *r)
{
    const ImTxn *t = r->txn;
    VtdCaches *c = r->s->caches;
    uint64_t key = im_vtd_space_key(r->rid, r->has_pasid, r->pasid);
    uint8_t want = (uint8_t)(r->need |
                             (r->write ? IM_PERM_W | VTD_TLB_DIRTY : 0));
    ImTlbHit hit;
    bool priv;

    if (r->ex || r->kind > VTD_TRANSLATION || t->exec) {
        return false;
    }
    r->sp = im_vtd_space_get(c, key);
    if (!r->sp || r->sp->legacy != im_vtd_legacy_mode(r->s) ||
        (r->kind == VTD_TRANSLATION &&
         (!r->sp->ats || im_vtd_interrupt_address(t->addr)))) {
        return false;
    }
    priv = r->has_pasid ? t->priv : r->sp->rid_priv;
    if ((priv && !r->sp->sre) || !vtd_route_iotlb_address(r->sp, t->addr) ||
        !im_owner_get(&c->pages, &r->sp->pages, priv, t->addr, &hit) ||
        (hit.flags & want) != want ||
        (r->kind == VTD_TRANSLATION && (hit.flags & VTD_TLB_FEE))) {
        return false;
    }
    r->s->counters.iotlb_hits++;
    r->fpd = r->sp->fpd;
    return im_vtd_found(r,
                        hit.addr | (t->addr & ((UINT64_C(1) << hit.shift) - 1)),
                        hit.shift, (uint8_t)hit.flags);
}

/* Once the context entry lets it. */
IM_RULE(VTD_4_2_3_TRANSLATED);
static bool vtd_route_translated(VtdRoute *r)
{
    bool legacy = r->ctx->legacy;

    if (r->kind != VTD_TRANSLATED) {
        return false;
    }
    if (r->txn->addr > im_vtd_haw_last(r->s)) {
        return im_vtd_refuse(r, legacy ? VTD_FLT_LGN_1 : VTD_FLT_SGN_4);
    }
    if (im_vtd_interrupt_address(r->txn->addr)) {
        return im_vtd_refuse(r, legacy ? VTD_FLT_LGN_4 : VTD_FLT_SGN_8);
    }
    r->out.clause = IM_CLAUSE(VTD_4_2_3_TRANSLATED);
    return vtd_route_grant(r, r->txn->addr, 12, IM_PERM_R | IM_PERM_W);
}

/* 7.1.3, S.1 and S.2: a translation request without PASID to FEEx. */
static bool vtd_route_special(VtdRoute *r)
{
    if (r->kind != VTD_TRANSLATION || r->has_pasid ||
        !im_vtd_interrupt_address(r->txn->addr)) {
        return false;
    }
    if (im_vtd_no_write(r)) {
        r->out.clause = IM_CLAUSE(VTD_7_1_3_S2);
        return im_route_grant(&r->out, r->txn->addr, 12, 0);
    }
    r->out.clause = IM_CLAUSE(VTD_7_1_3_S1);
    r->untranslated_only = true;
    return im_route_grant(&r->out, r->txn->addr, 12, IM_PERM_W);
}

/* Log2 of the largest page of the unit. */
IM_RULE(VTD_4_2_3_PT_SIZE);
static unsigned vtd_route_largest_page(const ImVtd *s)
{
    uint64_t sslps = IM_GET(s->cap, VTD_CAP_SSLPS);

    if ((sslps & 2) || (s->cap & IM_MASK(VTD_CAP_FS1GP))) {
        return 30;
    }
    return (sslps & 1) || (s->ecap & IM_MASK(VTD_ECAP_FSTS)) ? 21 : 12;
}

/* In legacy mode AW bounds the address too. */
IM_RULE(VTD_9_3_AW_PASS);
static bool vtd_route_pass_through(VtdRoute *r)
{
    const VtdSpace *sp = r->sp;
    uint64_t addr = r->txn->addr;
    uint64_t last = im_vtd_haw_last(r->s);

    if (sp->pgtt != VTD_PGTT_PASS) {
        return false;
    }
    if (sp->legacy) {
        last = MIN(last, sp->ss.in_last);
    }
    if (addr > last) {
        return im_vtd_refuse(r, sp->legacy ? VTD_FLT_LGN_1 : VTD_FLT_SGN_4);
    }
    if (im_vtd_interrupt_address(addr)) {
        return im_vtd_refuse(r, sp->legacy ? VTD_FLT_LGN_4 : VTD_FLT_SGN_8);
    }
    r->out.clause = IM_CLAUSE(VTD_3_9_PASS_THROUGH);
    return im_vtd_found(r, addr, vtd_route_largest_page(r->s),
                        IM_PERM_R | IM_PERM_W | VTD_TLB_DIRTY);
}

/* AGAW and MGAW: 3.7. */
IM_RULE(VTD_3_6_CANONICAL);
static bool vtd_route_input_range(VtdRoute *r)
{
    const VtdSpace *sp = r->sp;
    uint64_t addr = r->txn->addr;

    if (sp->pgtt == VTD_PGTT_SECOND) {
        return addr > sp->ss.in_last &&
               im_vtd_refuse(r, sp->legacy ? VTD_FLT_LGN_1 : VTD_FLT_SGN_5);
    }
    return !im_route_canonical(addr, sp->fs.top == 4 ? 57 : 48) &&
           im_vtd_refuse(r, VTD_FLT_SGN_1);
}

/* --- the route ---------------------------------------------------------- */

/* What the request asks for: 3.6.1, 3.7.1. */
IM_RULE(VTD_3_14_ZLR);
IM_RULE(VTD_4_2_3_1_DIRTY);
static void vtd_route_begin(VtdRoute *r)
{
    const ImTxn *t = r->txn;

    if (G_LIKELY(t->at == IM_AT_UNTRANSLATED)) {
        bool zlr = t->len == 0 && t->access == IM_READ &&
                   (r->s->cap & IM_MASK(VTD_CAP_ZLR));

        r->kind = VTD_UNTRANSLATED;
        r->need = zlr ? 0 : t->access;
        r->write = t->access & IM_WRITE;
    } else if (t->at == IM_AT_TRANSLATION) {
        r->kind = VTD_TRANSLATION;
        r->write = !im_vtd_no_write(r);
    } else {
        r->kind = VTD_TRANSLATED;
    }
}

void im_vtd_route(VtdRoute *r)
{
    vtd_route_begin(r);
    (void)(vtd_route_ats_error(r) ||        /* 4.2.1 */
           vtd_route_interrupt_range(r) ||  /* 3.15 */
           vtd_route_remapping_off(r) ||    /* 11.4.4.2, 4.2.1 */
           im_vtd_table_mode_fault(r) ||    /* 11.4.5: RTA */
           vtd_route_iotlb_hit(r) ||        /* 6.2.4, 6.2.7 */
           im_vtd_context_fault(r) ||       /* 9.1 - 9.4: LRT to SCT */
           vtd_route_translated(r) ||       /* 4.2.3 */
           im_vtd_pasid_fault(r) ||         /* 9.5, 9.6: SPD, SPT */
           vtd_route_special(r) ||          /* 7.1.3: S.1, S.2 */
           vtd_route_pass_through(r) ||     /* 3.9 */
           vtd_route_input_range(r) ||      /* 3.6, 3.7: SGN.1, .5, LGN.1 */
           im_vtd_walk_tables(r));          /* 3.6 - 3.8: SFS, SSS, LSS */
}

ImXlat im_vtd_answer(const VtdRoute *r)
{
    return (ImXlat) {
        IM_ROUTE_ANSWER(&r->out, r->txn, r->kind == VTD_TRANSLATION),
        .interrupt = r->interrupt,
        .untranslated_only = r->untranslated_only,
        .non_snoop = r->non_snoop,
    };
}

ImXlat im_vtd_translate(ImVtd *s, const ImTxn *txn)
{
    VtdRoute r = {
        .s = s,
        .txn = txn,
        .rid = txn->rid,
        .has_pasid = txn->has_pasid,
        .pasid = txn->pasid,
    };

    im_vtd_route(&r);
    s->counters.translations++;
    s->counters.ats_requests += r.kind == VTD_TRANSLATION;
    s->counters.translated += r.kind == VTD_TRANSLATED;
    return im_vtd_answer(&r);
}

VtdResolved im_vtd_resolve_page_request(ImVtd *s, const ImPageReq *req,
                                        VtdExplain *ex)
{
    VtdRoute r = {
        .s = s,
        .ex = ex,
        .kind = VTD_PAGE_REQUEST,
        .rid = req->rid,
        .has_pasid = req->has_pasid,
        .pasid = req->pasid,
    };
    VtdResolved v = { 0 };

    if (!im_vtd_table_mode_fault(&r) && !im_vtd_context_fault(&r) &&
        !im_vtd_pasid_fault(&r)) {
        v.pgtt = r.sp->pgtt;
        v.did = r.sp->did;
        v.pasid = r.sp->pasid;
    }
    v.reason = r.out.fault;
    v.fpd = r.fpd;
    return v;
}
