/*
 * SMMUv3: how a request ends that is not translated. 3.12 and 5.5 for
 * ordinary requests, 3.9.1.2 for translation requests and translated ones.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/xlat.h"

/* A, R and S, of a CD, or as stage 2 and a bypassed stage 1 have them. */
typedef struct Model {
    bool abort;
    bool stall;
    const char *quiet;          /* R is 0 */
} Model;

bool im_smmu_grant_nothing(SmmuRoute *r)
{
    r->attr = 0;
    r->share = 0;
    return im_route_grant(&r->out, r->txn->addr, im_smmu_stu(r->s), 0);
}

static bool smmu_outcome_configured(const SmmuRoute *r, uint64_t cr2_field)
{
    return r->s->cr2 & cr2_field;
}

#define QUIET(what)  "not recorded: " what

/* Why an event of a configuration that REC_CFG_ATS is about is not recorded,
 * or NULL. */
static const char *smmu_outcome_quiet_cfg_ats(const SmmuRoute *r)
{
    return smmu_outcome_configured(r, IM_MASK(SMMU_CR2_REC_CFG_ATS)) ?
               NULL :
               QUIET("CR2.REC_CFG_ATS=0");
}

IM_RULE(SMMU_ROUTE_RECINVSID);
static const char *smmu_outcome_quiet_sid(const SmmuRoute *r,
                                          const SmmuEventDef *def)
{
    return def->record == SMMU_RECORD_RECINVSID &&
                   !smmu_outcome_configured(r, IM_MASK(SMMU_CR2_RECINVSID)) ?
               QUIET("CR2.RECINVSID=0") :
               NULL;
}

/* Record it, or tell a person why not. */
static void smmu_outcome_record(SmmuRoute *r, const SmmuEvent *e,
                                const char *quiet)
{
    if (r->ex) {
        r->ex->quiet = quiet;
    } else if (quiet) {
        im_smmu_event_hidden(r->s, e, quiet);
    } else {
        im_smmu_event(r->s, e);
    }
}

/* --- ordinary requests, 5.5 -------------------------------------------- */

IM_RULE(SMMU_ROUTE_ARS);
static Model smmu_outcome_model_of(const SmmuRoute *r, const SmmuEvent *e)
{
    const ImSmmuSte *ste = &r->stream->ste;

    if (e->s2) {
        return (Model) { .abort = true,
                         .quiet = ste->s2r ? NULL : QUIET("STE.S2R=0"),
                         .stall = ste->s2s && r->kind == SMMU_ORDINARY };
    }
    if (r->context && r->context->s1) {
        const ImSmmuCd *cd = &r->context->cd;

        return (Model) { .abort = cd->a,
                         .stall = cd->s,
                         .quiet = cd->r ? NULL : QUIET("CD.R=0") };
    }
    return (Model) { .abort = true };
}

/* If the requester can wait; else it ends here, recorded all the same. */
IM_RULE(SMMU_ROUTE_STALL);
static bool smmu_outcome_stalls(SmmuRoute *r, const SmmuEvent *e)
{
    if (r->ex) {
        return false;
    }
    if (r->retry) {
        r->retry->event = *e;
    } else if (!im_smmu_stall(r->s, r->txn, e, &r->handle)) {
        return false;
    }
    r->out.status = IM_PENDING;
    return true;
}

static void smmu_outcome_end_by_model(SmmuRoute *r, const SmmuEvent *e)
{
    Model m = { .abort = true };

    if (r->stream) {
        m = smmu_outcome_model_of(r, e);
    }
    if (m.stall) {
        if (smmu_outcome_stalls(r, e)) {
            return;
        }
        if (r->ex) {
            r->ex->stalls = e->s2 ? "STE.S2S=1" : "CD.S=1";
        }
        m = (Model) { .abort = true };
    }
    IM_RULE(SMMU_ROUTE_RAZWI);
    im_route_refuse(&r->out, IM_FAULT, m.abort ? IM_CPL_UR : IM_CPL_SC);
    smmu_outcome_record(r, e, m.quiet);
}

static void smmu_outcome_end_ordinary(SmmuRoute *r, const SmmuEvent *e,
                                      const SmmuEventDef *def)
{
    if (def->model) {
        smmu_outcome_end_by_model(r, e);
        return;
    }
    im_route_refuse(&r->out, IM_FAULT, IM_CPL_UR);
    smmu_outcome_record(r, e, smmu_outcome_quiet_sid(r, def));
}

/* --- ATS, 3.9.1.2 ------------------------------------------------------ */

IM_RULE(SMMU_ATS_REPLY);
IM_RULE(SMMU_ATS_REC_CFG);
static void smmu_outcome_end_translation(SmmuRoute *r, const SmmuEvent *e,
                                         const SmmuEventDef *def)
{
    const char *quiet;

    switch (def->ats) {
    case SMMU_ATS_UR:
        im_route_refuse(&r->out, IM_FAULT, IM_CPL_UR);
        smmu_outcome_record(r, e, NULL);
        return;
    case SMMU_ATS_S0:
    case SMMU_ATS_SE:
        im_smmu_grant_nothing(r);
        return;
    default:
        im_route_refuse(&r->out, IM_FAULT, IM_CPL_CA);
        quiet = smmu_outcome_quiet_cfg_ats(r);
        smmu_outcome_record(r, e,
                            quiet ? quiet : smmu_outcome_quiet_sid(r, def));
    }
}

/* Why an event of translated traffic is not recorded, 3.9.1.3. */
static const char *smmu_outcome_quiet_translated(const SmmuRoute *r,
                                                 uint8_t code)
{
    switch (code) {
    case SMMU_EVT_F_UUT:
        return QUIET("of a translated request");
    case SMMU_EVT_C_BAD_STREAMID:
    case SMMU_EVT_F_STE_FETCH:
    case SMMU_EVT_C_BAD_STE:
        return smmu_outcome_quiet_cfg_ats(r);
    default:
        return NULL;
    }
}

IM_RULE(SMMU_ATS_TRANSLATED_EVENTS);
static void smmu_outcome_end_translated(SmmuRoute *r, const SmmuEvent *e,
                                        const SmmuEventDef *def)
{
    if (def->model) {
        smmu_outcome_end_by_model(r, e);
        return;
    }
    im_route_refuse(&r->out, IM_FAULT, IM_CPL_UR);
    smmu_outcome_record(r, e, smmu_outcome_quiet_translated(r, e->code));
}

/* --- any of them ------------------------------------------------------- */

/* PnU and InD as they came, where no STE has been applied to them. */
static bool smmu_outcome_raw_attributes(uint8_t code)
{
    return code == SMMU_EVT_F_UUT || code == SMMU_EVT_F_BAD_ATS_TREQ;
}

static SmmuEvent smmu_outcome_complete(const SmmuRoute *r,
                                       const SmmuEvent *part)
{
    const ImTxn *t = r->txn;
    SmmuEvent e = *part;
    bool raw = smmu_outcome_raw_attributes(e.code);

    e.clause = (uint16_t)r->out.clause;
    e.sid = r->sid;
    e.ssid = r->ssid;
    e.ssv = r->ssv;
    e.rnw = part->rnw || !(t->access & IM_WRITE);
    e.pnu = raw ? t->has_pasid && t->priv : r->pnu;
    e.ind = raw ? t->has_pasid && t->exec : r->ind;
    e.addr = t->addr;
    e.merge = r->stream && r->stream->ste.mev;
    e.txn = t;
    return e;
}

bool im_smmu_refuse(SmmuRoute *r, const SmmuEvent *part)
{
    const SmmuEventDef *def = im_smmu_event_def(part->code);
    SmmuEvent e;

    r->out.fault = part->code;
    if (r->kind == SMMU_QUESTION) {
        return true;
    }
    e = smmu_outcome_complete(r, part);
    switch (r->kind) {
    case SMMU_TRANSLATION:
        smmu_outcome_end_translation(r, &e, def);
        break;
    case SMMU_TRANSLATED:
        smmu_outcome_end_translated(r, &e, def);
        break;
    default:
        smmu_outcome_end_ordinary(r, &e, def);
    }
    return true;
}

bool im_smmu_refuse_silently(SmmuRoute *r, ImClause clause, const char *quiet)
{
    SmmuEvent none = { 0 };

    r->out.clause = clause;
    im_route_refuse(&r->out, IM_FAULT, IM_CPL_UR);
    none = smmu_outcome_complete(r, &none);
    smmu_outcome_record(r, &none, quiet);
    return true;
}

bool im_smmu_refuse_code(SmmuRoute *r, uint8_t code)
{
    SmmuEvent e = { .code = code, .cls = SMMU_CLASS_IN };

    return im_smmu_refuse(r, &e);
}

/* --- walks ------------------------------------------------------------- */

IM_RULE(SMMU_ROUTE_WALK);
static uint8_t smmu_outcome_code_of(const ImWalkOut *w)
{
    switch (w->stop) {
    case IM_WALK_ACCESS:
    case IM_WALK_UPDATE:
        return SMMU_EVT_F_WALK_EABT;
    case IM_WALK_SIZE:
        return SMMU_EVT_F_ADDR_SIZE;
    case IM_WALK_UNUSED:
        return SMMU_EVT_F_ACCESS;
    case IM_WALK_PERM:
    case IM_WALK_MUST:
    case IM_WALK_NESTED_READ:
    case IM_WALK_NESTED_WRITE:
    case IM_WALK_NO_UPDATE:
        return SMMU_EVT_F_PERMISSION;
    default:
        return SMMU_EVT_F_TRANSLATION;
    }
}

/* The write alone would have been granted. */
IM_RULE(SMMU_ROUTE_ATOMIC);
static bool smmu_outcome_lacks_read_only(const SmmuRoute *r, const ImWalkOut *w,
                                         SmmuClass cls)
{
    return w->stop == IM_WALK_PERM && !w->for_entry && cls == SMMU_CLASS_IN &&
           r->need == IM_ATOMIC && (w->perm & IM_ATOMIC) == IM_PERM_W;
}

IM_RULE(SMMU_ROUTE_CLASS);
bool im_smmu_refuse_walk(SmmuRoute *r, const ImWalkOut *w, SmmuClass cls)
{
    bool denied = w->stop == IM_WALK_NESTED_READ ||
                  w->stop == IM_WALK_NESTED_WRITE;
    bool entry = w->for_entry || denied;
    bool s1 = w->stage == 0 && !denied && cls != SMMU_CLASS_CD && !r->only_s2;
    bool eabt = w->stop == IM_WALK_ACCESS || w->stop == IM_WALK_UPDATE;
    SmmuEvent e = {
        .code = smmu_outcome_code_of(w),
        .s2 = !s1,
        .cls = (uint8_t)(entry || (s1 && eabt) ? SMMU_CLASS_TT : cls),
        .ipa = s1 ? 0 : w->in,
        .fetch = eabt ? w->entry : 0,
        .rnw = smmu_outcome_lacks_read_only(r, w, cls),
        .ttrnw = entry && !w->for_update && w->stop != IM_WALK_NESTED_WRITE,
    };

    if (r->ex) {
        im_smmu_explain_stop(r, w, cls == SMMU_CLASS_CD);
    }
    return im_smmu_refuse(r, &e);
}
