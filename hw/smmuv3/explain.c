/*
 * SMMUv3: explain a request. The same route, from memory alone, and what
 * decided: a clause, and the field that it judged.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/smmuv3/xlat.h"

void im_smmu_because(SmmuRoute *r, ImClause clause, const char *format, ...)
{
    va_list args;

    r->out.clause = clause;
    if (r->ex) {
        va_start(args, format);
        g_vsnprintf(r->ex->note, sizeof(r->ex->note), format, args);
        va_end(args);
    }
}

/* More about it. */
static void smmu_explain_add(SmmuRoute *r, const char *more, const char *name)
{
    char *note = r->ex->note;

    g_strlcat(note, more, sizeof(r->ex->note));
    g_strlcat(note, name, sizeof(r->ex->note));
}

/* --- entries ------------------------------------------------------------ */

void im_smmu_explain_begin(SmmuRoute *r)
{
    memset(r->ex->path, 0, sizeof(r->ex->path));
}

/* Which stage's entry it is, of which level, is said by its name. */
static void smmu_explain_take_entry(SmmuRoute *r,
                                    const ImPtFormat *const fmt[2],
                                    const ImStep *step,
                                    const ImFieldRow **fields)
{
    for (unsigned i = 0; i < 2 && fmt[i]; i++) {
        for (unsigned level = 0; level < fmt[i]->levels; level++) {
            if (fmt[i]->entry[level] == step->what) {
                ImVmsaPath *p = &r->ex->path[i];

                p->entry[level] = step->value[0];
                p->level = (uint8_t)level;
                p->any = true;
                *fields = im_vmsa_fields(fmt[i], level, step->value[0]);
            }
        }
    }
}

void im_smmu_explain_entry(SmmuRoute *r, const ImPtFormat *const fmt[2],
                           const ImStep *step)
{
    const ImFieldRow *fields = NULL;
    ImStep told = *step;

    smmu_explain_take_entry(r, fmt, step, &fields);
    told.fields = &fields;
    r->ex->fn(r->ex->opaque, &told);
}

/* --- why a walk ended --------------------------------------------------- */

/* A stage of the walk, as the request met it. */
static ImPtStage smmu_explain_stage_of(const SmmuRoute *r, unsigned i)
{
    const SmmuContext *x = r->context;
    unsigned half = i == 0 && !r->only_s2 && x->cd.world != IM_SMMU_NS_EL2 ?
                        r->txn->addr >> 55 & 1 :
                        0;
    ImPtStage st = i == 0 && !r->only_s2 ? x->cd.half[half].stage :
                                           r->stream->ste.stage2;

    st.flags |= r->pnu ? IM_VMSA_PRIV : 0;
    return st;
}

/* Why a stage denies a right, in the note; none: it does not. */
static ImClause smmu_explain_denied(SmmuRoute *r, unsigned i, unsigned right)
{
    ImPtStage st = smmu_explain_stage_of(r, i);

    return !r->ex->path[i].any ?
               IM_CLAUSE_NONE :
               im_vmsa_why_denied(&st, &r->ex->path[i], right, r->ex->note,
                                  sizeof(r->ex->note));
}

/* What it lacked first; a translation request wants to read. */
static unsigned smmu_explain_lacking(const SmmuRoute *r, const ImWalkOut *w)
{
    unsigned lack = r->need & ~w->perm;

    if (!r->need) {
        return r->instcfg == INSTCFG_INST ? IM_PERM_X : IM_PERM_R;
    }
    return lack & -lack;
}

/* Stage 2 forbids what a stage 1 structure needs, reading or updating. */
static ImClause smmu_explain_forbidden(SmmuRoute *r, unsigned i, bool update)
{
    ImClause clause = smmu_explain_denied(r, i, update ? IM_PERM_W : IM_PERM_R);

    if (clause) {
        return update ? IM_CLAUSE(SMMU_VMSA_NESTED_HTTU) : clause;
    }
    g_snprintf(r->ex->note, sizeof(r->ex->note),
               "%s: MEMATTR is Device, and STE.S2PTW=1",
               smmu_explain_stage_of(r, i).fmt->entry[r->ex->path[i].level]);
    return IM_CLAUSE(SMMU_STE_S2PTW);
}

static ImClause smmu_explain_unusable(SmmuRoute *r, unsigned i)
{
    ImPtStage st = smmu_explain_stage_of(r, i);

    return im_vmsa_why_unusable(&st, &r->ex->path[i], r->ex->note,
                                sizeof(r->ex->note));
}

static ImClause smmu_explain_said(SmmuRoute *r, ImClause clause,
                                  const char *name, const char *what)
{
    im_smmu_because(r, clause, "%s%s", name, what);
    return clause;
}

static ImClause smmu_explain_why(SmmuRoute *r, const ImWalkOut *w)
{
    const char *name = smmu_explain_stage_of(r, w->stage).fmt->entry[w->level];
    ImClause clause;

    switch (w->stop) {
    case IM_WALK_ACCESS:
        return smmu_explain_said(r, IM_CLAUSE(SMMU_EVENT_F_WALK_EABT), name,
                                 ": could not be read");
    case IM_WALK_UPDATE:
        return smmu_explain_said(r, IM_CLAUSE(SMMU_EVENT_F_WALK_EABT), name,
                                 ": could not be updated");
    case IM_WALK_RANGE:
        return smmu_explain_said(r, IM_CLAUSE(SMMU_VMSA_S2_RANGE), "",
                                 "IPA beyond STE.S2T0SZ");
    case IM_WALK_NESTED_READ:
    case IM_WALK_NESTED_WRITE:
        return smmu_explain_forbidden(r, 1, w->stop == IM_WALK_NESTED_WRITE);
    case IM_WALK_PERM:
        clause = smmu_explain_denied(r, w->stage, smmu_explain_lacking(r, w));
        return clause ? clause : smmu_explain_forbidden(r, w->stage, false);
    default:
        return smmu_explain_unusable(r, w->stage);
    }
}

/* The entry of stage 1 that stage 2 was asked about. */
static const char *smmu_explain_entry_sought(const SmmuRoute *r,
                                             const ImWalkOut *w)
{
    const ImVmsaPath *p = &r->ex->path[0];
    ImPtStage st = smmu_explain_stage_of(r, 0);

    return st.fmt->entry[!w->for_entry ? w->level :
                         !p->any       ? st.top :
                                         p->level - !w->for_update];
}

void im_smmu_explain_stop(SmmuRoute *r, const ImWalkOut *w, bool for_cd)
{
    r->out.clause = smmu_explain_why(r, w);
    if (for_cd) {
        smmu_explain_add(r, ", of the place of the CD", "");
    } else if (w->for_entry || w->stop == IM_WALK_NESTED_READ ||
               w->stop == IM_WALK_NESTED_WRITE) {
        smmu_explain_add(r, ", of the place of ",
                         smmu_explain_entry_sought(r, w));
    }
}

/* --- what a walk grants ------------------------------------------------- */

/* What was asked for and is not granted, and by which entry. */
static bool smmu_explain_refusal(SmmuRoute *r, const ImWalkOut *w,
                                 unsigned right, const char *text)
{
    if ((w->perm & right) || !(smmu_explain_denied(r, 0, right) ||
                               smmu_explain_denied(r, 1, right))) {
        return false;
    }
    smmu_explain_add(r, text, "");
    return true;
}

void im_smmu_explain_grant(SmmuRoute *r, const ImWalkOut *w)
{
    bool ats = r->kind == SMMU_TRANSLATION;
    bool s2 = r->only_s2 || r->ex->path[1].any;
    const ImVmsaPath *p = r->ex->path;

    im_smmu_because(r,
                    ats          ? IM_CLAUSE(SMMU_ATS_GRANT) :
                    r->ind && s2 ? IM_CLAUSE(SMMU_VMSA_XNX) :
                    r->ind       ? IM_CLAUSE(SMMU_VMSA_XN) :
                    s2           ? IM_CLAUSE(SMMU_VMSA_S2AP) :
                                   IM_CLAUSE(SMMU_VMSA_AP),
                    "by %s",
                    smmu_explain_stage_of(r, 0).fmt->entry[p[0].level]);
    if (p[1].any) {
        smmu_explain_add(r, " and ",
                         smmu_explain_stage_of(r, 1).fmt->entry[p[1].level]);
    }
    if (ats) {
        (void)(smmu_explain_refusal(r, w, IM_PERM_R, ", so no read") ||
               (r->write &&
                smmu_explain_refusal(r, w, IM_PERM_W, ", so no write")) ||
               (r->ssv && r->txn->exec &&
                smmu_explain_refusal(r, w, IM_PERM_X, ", so no execution")));
    }
}

IM_RULE(SMMU_CD_HALF);
void im_smmu_explain_half(SmmuRoute *r)
{
    const ImSmmuCd *cd = &r->context->cd;
    unsigned i = cd->world == IM_SMMU_NS_EL2 ? 0 : r->txn->addr >> 55 & 1;

    if (!cd->half[i].enabled) {
        im_smmu_because(r, IM_CLAUSE(SMMU_CD_EPD), "CD: EPD%u=1", i);
    } else if (cd->half[i].e0pd && !r->pnu) {
        im_smmu_because(r, IM_CLAUSE(SMMU_CD_E0PD), "CD: E0PD%u=1", i);
    } else {
        im_smmu_because(r, IM_CLAUSE(SMMU_CD_HALF), "address beyond CD.T%uSZ",
                        i);
    }
}

/* --- the result --------------------------------------------------------- */

static const char *smmu_explain_verdict(const SmmuRoute *r)
{
    const char *text = "terminated";

    if (r->out.status != IM_FAULT) {
        return im_route_granted(r->out.perm);
    }
    if (r->out.fault) {
        im_smmu_event_name(r->out.fault, &text);
    }
    return text;
}

static char *smmu_explain_result_text(const SmmuRoute *r)
{
    const SmmuExplain *ex = r->ex;
    GString *out = g_string_new(smmu_explain_verdict(r));

    if (*ex->note) {
        g_string_append_printf(out, ": %s", ex->note);
    }
    if (ex->stalls) {
        g_string_append_printf(out, "; stalls if the requester can wait: %s",
                               ex->stalls);
    }
    if (r->out.status == IM_FAULT && r->out.cpl == IM_CPL_SC) {
        g_string_append(out, "; reads as zero, writes are ignored: CD.A=0");
    }
    if (ex->quiet) {
        g_string_append_printf(out, "; %s", ex->quiet);
    }
    return g_string_free(out, FALSE);
}

ImXlat im_smmu_explain(ImSmmu *s, const ImTxn *txn, ImStepFn *fn, void *opaque)
{
    SmmuExplain ex = { .fn = fn ? fn : im_route_unheard, .opaque = opaque };
    SmmuRoute r = { .s = s, .txn = txn, .ex = &ex };
    g_autofree char *text = NULL;

    im_smmu_take_route(&r);
    text = smmu_explain_result_text(&r);
    im_route_result(ex.fn, opaque, r.out.addr, r.out.clause, text);
    return im_smmu_answer(&r);
}
