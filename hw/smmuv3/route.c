/*
 * SMMUv3: the route of a request, chapters 3 and 15.
 *
 * Every step returns true when it has answered the request in r->
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/cache.h"

/* CONFIG; SHCFG; EATS */
enum { CONFIG_TRANSLATE = 4 };
enum { SHCFG_INCOMING = 1 };
enum { EATS_OFF, EATS_FULL, EATS_SPLIT };

static const char beyond_oas[] = "not recorded: address beyond OAS";

static bool smmu_route_on(const ImSmmu *s, uint64_t cr0_field)
{
    return s->cr0 & cr0_field;
}

/* --- answers ----------------------------------------------------------- */

/*
 * What a translation request is told that it may do. A read of the device, of
 * data or an instruction, is later what INSTCFG makes of it.
 */
IM_RULE(SMMU_ATS_GRANT);
IM_RULE(SMMU_ATS_NW);
IM_RULE(SMMU_ATS_EXE);
static uint8_t smmu_route_completion(const SmmuRoute *r, uint8_t perm)
{
    unsigned instcfg = r->instcfg;
    bool data = perm & (instcfg == INSTCFG_INST ? IM_PERM_X : IM_PERM_R);
    bool inst = perm & (instcfg == INSTCFG_DATA ? IM_PERM_R : IM_PERM_X);

    return (uint8_t)((data ? IM_PERM_R : 0) |
                     (r->write ? perm & IM_PERM_W : 0) |
                     (r->ssv && r->txn->exec && data && inst ? IM_PERM_X : 0));
}

/*
 * A translation was found. perm is what the tables grant. A write by an
 * ordinary request is granted beyond this request only when it would set no
 * more flags.
 */
static bool smmu_route_found(SmmuRoute *r, uint64_t out, unsigned lg2,
                             uint8_t perm, bool dirty)
{
    if (!dirty) {
        perm &= (uint8_t)~IM_PERM_W;
    }
    if (r->kind == SMMU_TRANSLATION) {
        perm = smmu_route_completion(r, perm);
        if (!perm) {
            r->out.fault = SMMU_EVT_F_PERMISSION;
            return im_smmu_grant_nothing(r);
        }
    } else if (r->ind && (perm & IM_PERM_X)) {
        perm |= IM_PERM_R;          /* it reads what it may execute */
    }
    return im_route_grant(&r->out, out, lg2, perm);
}

/*
 * Nothing translates: identity, with the request's or STE's attributes. A
 * translation request is granted W whatever NW says, 13.6.4.
 */
static bool smmu_route_identity(SmmuRoute *r, const ImSmmuSte *ste,
                                ImClause clause)
{
    uint8_t perm = IM_PERM_R | IM_PERM_W | (r->ind ? IM_PERM_X : 0);

    r->out.clause = clause;
    r->attr = im_vmsa_attr(NULL, ste, 0, 0, &r->share);
    if (r->kind == SMMU_TRANSLATION) {
        return im_route_grant(&r->out, r->txn->addr, im_smmu_stu(r->s),
                              smmu_route_completion(r, perm) | IM_PERM_W);
    }
    return smmu_route_found(r, r->txn->addr, im_smmu_oas(&r->s->ids), perm,
                            true);
}

/* --- before any table -------------------------------------------------- */

IM_RULE(SMMU_ROUTE_UUT);
static bool smmu_route_unsupported(SmmuRoute *r)
{
    const ImTxn *t = r->txn;
    const char *why;

    if (G_LIKELY(t->at == IM_AT_UNTRANSLATED)) {
        return false;
    }
    why =
        t->at == IM_AT_RESERVED                      ? "AT=11 is reserved" :
        !(r->s->ids.idr[0] & IM_MASK(SMMU_IDR0_ATS)) ? "IDR0.ATS=0" :
        im_route_malformed(t) ? "a translation request reads 8 to 64 bytes, in "
                                "multiples of 8" :
                                NULL;
    if (!why) {
        return false;
    }
    im_smmu_because(r, IM_CLAUSE(SMMU_ROUTE_UUT), "%s", why);
    return im_smmu_refuse_code(r, SMMU_EVT_F_UUT);
}

/* The global bypass attributes are those of an STE. No fault of the address
 * is recorded then. */
IM_RULE(SMMU_ROUTE_GBPA);
static bool smmu_route_global_bypass(SmmuRoute *r)
{
    uint64_t gbpa = r->s->gbpa;
    ImSmmuSte ste = {
        .mtcfg = IM_GET(gbpa, SMMU_GBPA_MTCFG),
        .memattr = (uint8_t)IM_GET(gbpa, SMMU_GBPA_MEMATTR),
        .shcfg = (uint8_t)IM_GET(gbpa, SMMU_GBPA_SHCFG),
    };

    if (gbpa & IM_MASK(SMMU_GBPA_ABORT)) {
        return im_smmu_refuse_silently(r, IM_CLAUSE(SMMU_ROUTE_GBPA),
                                       "not recorded: GBPA.ABORT=1");
    }
    if (r->txn->addr > im_smmu_last(r->s)) {
        return im_smmu_refuse_silently(r, IM_CLAUSE(SMMU_ROUTE_GBPA),
                                       beyond_oas);
    }
    r->ind = false;
    return smmu_route_identity(r, &ste, IM_CLAUSE(SMMU_ROUTE_GBPA));
}

IM_RULE(SMMU_ROUTE_SMMUEN);
static bool smmu_route_disabled(SmmuRoute *r)
{
    if (G_LIKELY(smmu_route_on(r->s, IM_MASK(SMMU_CR0_SMMUEN)))) {
        return false;
    }
    if (r->kind == SMMU_ORDINARY) {
        return smmu_route_global_bypass(r);
    }
    im_smmu_because(r, IM_CLAUSE(SMMU_ROUTE_SMMUEN), "CR0.SMMUEN=0");
    return im_smmu_refuse_code(r, r->kind == SMMU_TRANSLATION ?
                                      SMMU_EVT_F_BAD_ATS_TREQ :
                                      SMMU_EVT_F_TRANSL_FORBIDDEN);
}

/* Translated traffic that needs no more: a physical address, and the
 * attributes that it came with. Beyond OAS it ends, without a record. */
static bool smmu_route_pass_translated(SmmuRoute *r, ImClause clause)
{
    static const ImSmmuSte incoming = { .shcfg = SHCFG_INCOMING };

    if (r->txn->addr > im_smmu_last(r->s)) {
        return im_smmu_refuse_silently(r, clause, beyond_oas);
    }
    r->out.clause = clause;
    r->attr = im_vmsa_attr(NULL, &incoming, 0, 0, &r->share);
    return im_route_grant(&r->out, r->txn->addr, 12, IM_PERM_R | IM_PERM_W);
}

/* No STE is looked at. */
IM_RULE(SMMU_ATS_ATSCHK);
static bool smmu_route_translated_unchecked(SmmuRoute *r)
{
    if (G_LIKELY(r->kind != SMMU_TRANSLATED) ||
        smmu_route_on(r->s, IM_MASK(SMMU_CR0_ATSCHK))) {
        return false;
    }
    return smmu_route_pass_translated(r, IM_CLAUSE(SMMU_ATS_ATSCHK));
}

/* --- TLB, 3.17 --------------------------------------------------------- */

/*
 * 13.1.4: what the STE makes of PnU and InD, and so what the tables must
 * grant. InD of a write is 0.
 */
IM_RULE(SMMU_ROUTE_OVERRIDES);
static inline void smmu_route_apply_overrides(SmmuRoute *r,
                                              const ImSmmuSte *ste)
{
    const ImTxn *t = r->txn;

    if (ste->privcfg) {
        r->pnu = ste->privcfg & 1;
    }
    r->instcfg = ste->instcfg;
    if (ste->instcfg) {
        r->ind = ste->instcfg == INSTCFG_INST;
    }
    if (t->access & IM_WRITE) {
        r->ind = false;
    }
    if (r->kind != SMMU_TRANSLATION) {
        r->need = r->ind ? IM_PERM_X : t->access;
    }
}

/* As the TLB knows an address; false: as it never does. */
static inline bool smmu_route_tlb_address(const SmmuContext *x, uint64_t addr,
                                          uint64_t *at)
{
    if (!x->s1) {
        *at = addr;
        return addr >> 55 == 0;
    }
    *at = (uint64_t)((int64_t)(addr << 8) >> 8);
    return *at == addr || x->cd.half[addr >> 55 & 1].tbi;
}

/*
 * Does it grant what is asked, with no flag left to set? A translation
 * request needs no right, but the tables are asked whether a flag may be set:
 * that stage 2 forbids it is the answer.
 */
IM_RULE(SMMU_ATS_WARM);
static inline bool smmu_route_hit_serves(const SmmuRoute *r, uint16_t flags)
{
    unsigned want = r->need | (r->write ? IM_PERM_W | SMMU_TLB_DIRTY : 0);

    return (flags & want) == want;
}

/*
 * The attributes of what stage 2 alone translates: an STE's overrides are not
 * cached with a translation (5.2.1), and mean nothing to translated traffic
 * (13.1.4).
 */
IM_RULE(SMMU_TLB_ATTR);
static void smmu_route_take_stage2_attr(SmmuRoute *r, const ImSmmuSte *ste,
                                        uint16_t s2)
{
    ImSmmuSte plain;

    if (r->kind == SMMU_TRANSLATED) {
        plain = *ste;
        plain.mtcfg = false;
        plain.shcfg = SHCFG_INCOMING;
        ste = &plain;
    }
    r->attr = im_vmsa_attr(NULL, ste, 0, s2, &r->share);
}

/* ste: of a translation by stage 2 alone, else NULL. */
static inline bool smmu_route_take_hit(SmmuRoute *r, const ImSmmuSte *ste,
                                       const ImTlbHit *hit, uint64_t at)
{
    uint64_t rest = (UINT64_C(1) << hit->shift) - 1;

    r->s->counters.tlb_hits++;
    r->attr = im_smmu_tlb_attr(r->s->caches, hit->flags, &r->share);
    if (ste) {
        smmu_route_take_stage2_attr(r, ste,
                                    (uint16_t)(r->attr | r->share << 4));
    }
    return smmu_route_found(r, hit->addr | (at & rest), hit->shift,
                            hit->flags & (IM_PERM_R | IM_PERM_W | IM_PERM_X),
                            hit->flags & SMMU_TLB_DIRTY);
}

static inline bool smmu_route_look_up(SmmuRoute *r, const SmmuContext *x)
{
    ImTlbHit hit;
    uint64_t at;

    return smmu_route_tlb_address(x, r->txn->addr, &at) &&
           im_smmu_tlb_get(r->s->caches, x, r->pnu, at, &hit) &&
           smmu_route_hit_serves(r, hit.flags) &&
           smmu_route_take_hit(r, x->s1 ? NULL : &x->stream->ste, &hit, at);
}

/* What the TLB holds needs no table, if it grants enough. */
IM_RULE(SMMU_TLB_HIT);
static bool smmu_route_tlb_hit(SmmuRoute *r)
{
    SmmuCaches *c = r->s->caches;
    SmmuContext *x;

    if (r->ex || r->kind > SMMU_TRANSLATION || r->ssid >> SMMU_SSID_BITS) {
        return false;
    }
    x = im_smmu_context_get(c, im_smmu_context_key(r->sid, r->ssv, r->ssid));
    r->unknown = !x;
    if (!x ||
        (r->kind == SMMU_TRANSLATION && x->stream->ste.eats != EATS_FULL)) {
        return false;
    }
    smmu_route_apply_overrides(r, &x->stream->ste);
    r->looked = true;
    return smmu_route_look_up(r, x);
}

/* --- what the STE says ------------------------------------------------- */

IM_RULE(SMMU_ROUTE_CONFIG_ABORT);
static bool smmu_route_config_abort(SmmuRoute *r)
{
    return !(r->stream->ste.config & CONFIG_TRANSLATE) &&
           im_smmu_refuse_silently(r, IM_CLAUSE(SMMU_ROUTE_CONFIG_ABORT),
                                   "not recorded: STE.Config=0xx, abort");
}

IM_RULE(SMMU_ATS_EATS);
static bool smmu_route_ats_gate(SmmuRoute *r)
{
    unsigned eats = r->stream->ste.eats;

    if (r->kind == SMMU_ORDINARY) {
        return false;
    }
    if (eats == EATS_SPLIT && !smmu_route_on(r->s, IM_MASK(SMMU_CR0_ATSCHK))) {
        eats = EATS_OFF;
    }
    if (eats == EATS_OFF) {
        im_smmu_because(r, IM_CLAUSE(SMMU_ATS_EATS), "STE.EATS=%u%s",
                        r->stream->ste.eats,
                        r->stream->ste.eats ? ", and CR0.ATSCHK=0" :
                                              ", or ignored");
        return im_smmu_refuse_code(r, r->kind == SMMU_TRANSLATION ?
                                          SMMU_EVT_F_BAD_ATS_TREQ :
                                          SMMU_EVT_F_TRANSL_FORBIDDEN);
    }
    return r->kind == SMMU_TRANSLATED && eats == EATS_FULL &&
           smmu_route_pass_translated(r, IM_CLAUSE(SMMU_ATS_TRANSLATED));
}

/* Stage 1 is off or skipped: the address is an IPA, or a PA. IAS is OAS. */
IM_RULE(SMMU_ROUTE_IAS);
IM_RULE(SMMU_VMSA_S2_RANGE);
static bool smmu_route_ipa_range(SmmuRoute *r)
{
    const ImSmmuSte *ste = &r->stream->ste;
    SmmuEvent e = { .code = SMMU_EVT_F_TRANSLATION,
                    .cls = SMMU_CLASS_IN,
                    .s2 = true,
                    .ipa = r->txn->addr };

    if (r->txn->addr > im_smmu_last(r->s)) {
        im_smmu_because(r, IM_CLAUSE(SMMU_ROUTE_IAS), "address beyond OAS");
        return im_smmu_refuse_code(r, SMMU_EVT_F_ADDR_SIZE);
    }
    if (!ste->s2 || r->txn->addr <= ste->stage2.in_last) {
        return false;
    }
    im_smmu_because(r, IM_CLAUSE(SMMU_VMSA_S2_RANGE),
                    "address beyond STE.S2T0SZ");
    return im_smmu_refuse(r, &e);
}

IM_RULE(SMMU_ROUTE_BYPASS);
static bool smmu_route_bypass(SmmuRoute *r)
{
    const ImSmmuSte *ste = &r->stream->ste;

    if (r->context->s1 || ste->s2) {
        return false;
    }
    return smmu_route_ipa_range(r) ||
           smmu_route_identity(r, ste, IM_CLAUSE(SMMU_ROUTE_BYPASS));
}

IM_RULE(SMMU_CD_HALF);
static bool smmu_route_input_range(SmmuRoute *r)
{
    const SmmuContext *x = r->context;

    if (!x->s1) {
        return smmu_route_ipa_range(r);
    }
    if (im_smmu_cd_half(&x->cd, r->txn->addr, r->pnu) >= 0) {
        return false;
    }
    if (r->ex) {
        im_smmu_explain_half(r);
    }
    return im_smmu_refuse_code(r, SMMU_EVT_F_TRANSLATION);
}

/* --- the walk ---------------------------------------------------------- */

/* Only what grants something is kept. */
IM_RULE(SMMU_TLB_NO_FAULTS);
static void smmu_route_fill(SmmuRoute *r, const ImWalkOut *w, uint64_t at)
{
    const SmmuContext *x = r->context;
    SmmuFill f = {
        .in = at,
        .out = w->addr,
        .shift = w->shift,
        .whole = w->first_shift,
        .dirty = w->dirty,
        .perm = w->perm & (IM_PERM_R | IM_PERM_W | IM_PERM_X),
        .attr = r->attr,
        .share = r->share,
    };

    if (!f.perm) {
        return;
    }
    if (r->only_s2) {
        f.attr = IM_VMSA_ATTR(w->attr);
        f.share = IM_VMSA_SH(w->attr);
        im_smmu_tlb_put_ipa(r->s->caches, r->stream->vm, r->pnu, &f);
        return;
    }
    IM_RULE(SMMU_TLB_GLOBAL);
    f.global = !(w->first_attr & IM_VMSA_NG) && x->cd.world != IM_SMMU_NS_EL2;
    im_smmu_tlb_put(r->s->caches, r->context, r->pnu, &f);
}

static void smmu_route_take_attr(SmmuRoute *r, const ImWalkOut *w)
{
    if (r->only_s2) {
        smmu_route_take_stage2_attr(r, &r->stream->ste, w->attr);
        return;
    }
    r->attr = im_vmsa_attr(&r->context->cd, &r->stream->ste, w->first_attr,
                           w->attr, &r->share);
}

/* The device is told the IPA. */
IM_RULE(SMMU_ATS_SPLIT);
static bool smmu_route_split(const SmmuRoute *r)
{
    return r->kind == SMMU_TRANSLATION && r->stream->ste.eats == EATS_SPLIT;
}

static bool smmu_route_finish_walk(SmmuRoute *r, const ImWalkOut *w,
                                   uint64_t at)
{
    if (w->stop != IM_WALK_OK) {
        return im_smmu_refuse_walk(r, w, SMMU_CLASS_IN);
    }
    smmu_route_take_attr(r, w);
    if (!r->ex) {
        smmu_route_fill(r, w, at);
    } else {
        im_smmu_explain_grant(r, w);
    }
    return smmu_route_found(
        r, smmu_route_split(r) ? r->only_s2 ? at : w->first_addr : w->addr,
        w->shift, w->perm, w->dirty);
}

/* 3.3, 3.4, 13: stage 1, nested or not. */
static bool smmu_route_walk_stage1(SmmuRoute *r)
{
    const SmmuContext *x = r->context;
    const ImSmmuSte *ste = &r->stream->ste;
    unsigned half = x->cd.world == IM_SMMU_NS_EL2 ? 0 : r->txn->addr >> 55 & 1;
    uint64_t at;
    ImWalkOut w;

    smmu_route_tlb_address(x, r->txn->addr, &at);
    if (!r->ex) {
        r->s->counters.tlb_misses++;
    }
    im_smmu_walk(r, &x->cd.half[half].stage, ste->s2 ? &ste->stage2 : NULL, at,
                 &w);
    return smmu_route_finish_walk(r, &w, at);
}

/* Stage 2 alone. A translated request has not tried the TLB yet. */
static bool smmu_route_walk_stage2(SmmuRoute *r)
{
    SmmuVm *vm = r->stream->vm;
    uint64_t at = r->txn->addr;
    ImWalkOut w;
    ImTlbHit hit;

    if (!r->ex) {
        if (r->kind == SMMU_TRANSLATED &&
            im_smmu_tlb_get_ipa(r->s->caches, vm, r->pnu, at, &hit) &&
            smmu_route_hit_serves(r, hit.flags)) {
            return smmu_route_take_hit(r, &r->stream->ste, &hit, at);
        }
        r->s->counters.tlb_misses++;
    }
    r->only_s2 = true;
    im_smmu_walk(r, &r->stream->ste.stage2, NULL, at, &w);
    return smmu_route_finish_walk(r, &w, at);
}

/* Its configuration was not cached: what it leads to may be. */
static bool smmu_route_tlb_hit_after_fetch(SmmuRoute *r)
{
    return !r->looked && !r->ex && !smmu_route_split(r) &&
           smmu_route_look_up(r, r->context);
}

static bool smmu_route_walk_tables(SmmuRoute *r)
{
    return r->context->s1 ? smmu_route_walk_stage1(r) :
                            smmu_route_walk_stage2(r);
}

/* EATS=10, the address is an IPA. */
IM_RULE(SMMU_ATS_TRANSLATED_IPA);
static bool smmu_route_translated_ipa(SmmuRoute *r)
{
    if (r->kind != SMMU_TRANSLATED) {
        return false;
    }
    return smmu_route_ipa_range(r) || smmu_route_walk_stage2(r);
}

/* --- the route --------------------------------------------------------- */

/* The STE is at hand: what is left depends on it. */
static bool smmu_route_overrides(SmmuRoute *r)
{
    smmu_route_apply_overrides(r, &r->stream->ste);
    return false;
}

static void smmu_route_begin(SmmuRoute *r)
{
    const ImTxn *t = r->txn;

    r->sid = im_smmu_txn_sid(t);
    r->write = t->access & IM_WRITE;
    if (G_LIKELY(t->at == IM_AT_UNTRANSLATED)) {
        r->kind = SMMU_ORDINARY;
    } else if (t->at == IM_AT_TRANSLATION) {
        r->kind = SMMU_TRANSLATION;
        r->write = !t->no_write;
    } else if (t->at == IM_AT_TRANSLATED) {
        /* Its PASID means nothing. */
        IM_RULE(SMMU_ATS_TRANSLATED_PASID);
        r->kind = SMMU_TRANSLATED;
        return;
    }
    if (t->has_pasid) {
        r->ssv = true;
        r->ssid = t->pasid;
        r->pnu = t->priv;
        r->ind = t->exec;
    }
}

void im_smmu_take_route(SmmuRoute *r)
{
    smmu_route_begin(r);
    (void)(smmu_route_unsupported(r) ||          /* 3.9, 7.3.2: F_UUT */
           smmu_route_disabled(r) ||             /* 6.3.9, 6.3.14: GBPA */
           smmu_route_translated_unchecked(r) || /* 3.9.1.3: ATSCHK */
           smmu_route_tlb_hit(r) ||              /* 3.17 */
           im_smmu_stream_fault(r) ||            /* 3.3.1, 5.1, 5.2 */
           smmu_route_config_abort(r) ||         /* 5.2: Config */
           smmu_route_ats_gate(r) ||             /* 5.2: EATS */
           smmu_route_overrides(r) ||            /* 13.1.4: PRIV, INSTCFG */
           smmu_route_translated_ipa(r) ||       /* 13.6.3: EATS = 10 */
           im_smmu_context_fault(r) ||           /* 3.3.2, 5.3, 5.4 */
           smmu_route_bypass(r) ||               /* 3.3.3, 3.4 */
           smmu_route_tlb_hit_after_fetch(r) ||  /* 3.17 */
           smmu_route_input_range(r) ||          /* 3.4: IAS, TxSZ, S2T0SZ */
           smmu_route_walk_tables(r));           /* 3.3, 3.4, 3.12, 3.13 */
}

ImXlat im_smmu_answer(const SmmuRoute *r)
{
    return (ImXlat) {
        IM_ROUTE_ANSWER(&r->out, r->txn, r->kind == SMMU_TRANSLATION),
        .handle = r->handle,
        .attr = r->attr,
        .share = r->share,
    };
}

ImXlat im_smmu_route(ImSmmu *s, const ImTxn *txn, SmmuRetry *retry)
{
    SmmuRoute r = { .s = s, .txn = txn, .retry = retry };

    im_smmu_take_route(&r);
    return im_smmu_answer(&r);
}

ImXlat im_smmu_translate(ImSmmu *s, const ImTxn *txn)
{
    SmmuRoute r = { .s = s, .txn = txn };

    im_smmu_take_route(&r);
    s->counters.translations++;
    s->counters.ats_requests += r.kind == SMMU_TRANSLATION;
    s->counters.translated += r.kind == SMMU_TRANSLATED;
    return im_smmu_answer(&r);
}
