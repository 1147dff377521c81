/*
 * VT-d: explain a request. The same route, from memory alone.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <string.h>

#include "hw/fmt/vtd.h"
#include "hw/vtd/dma.h"
#include "hw/vtd/explain.h"
#include "im/spec/vtd_tables.h.inc"

IM_LAYOUT(VTD_FS_4K);

void im_vtd_tell_entry(ImStepFn *fn, void *opaque, const char *what,
                       uint64_t pa, const uint64_t *q,
                       const ImFieldRow *const *fields, unsigned n, ImBus bus)
{
    ImStep step = { .what = what, .addr = pa };

    if (bus == IM_BUS_OK) {
        step.words = (uint8_t)n;
        step.fields = fields;
        memcpy(step.value, q, 8 * n);
    } else {
        step.note = "could not be read";
    }
    fn(opaque, &step);
}

/* --- entries of page tables --------------------------------------------- */

enum { LACKS_R, LACKS_W };

/* The level of an entry by its name, or -1 for another format's. */
static int vtd_explain_level_of(const ImPtFormat *fmt, const char *entry)
{
    for (int level = 0; level < fmt->levels; level++) {
        if (fmt->entry[level] == entry) {
            return level;
        }
    }
    return -1;
}

/* What an entry grants of R and W, U/S aside. */
static uint8_t vtd_explain_granted_by(const VtdRoute *r, bool second,
                                      uint64_t pte)
{
    const VtdSpace *sp = r->sp;

    if (second) {
        return im_vtd_second_stage_rights(&sp->ss, pte);
    }
    return IM_PERM_R | ((pte & IM_MASK(VTD_FS4K_RW)) ||
                                (r->priv && !(sp->fs.flags & IM_VTD_FS_WPE)) ?
                            IM_PERM_W :
                            0);
}

static void vtd_explain_note_rights(VtdRoute *r, bool second, const char *entry)
{
    const char **lacks = r->ex->lacks[second];
    uint8_t perm = vtd_explain_granted_by(r, second, r->ex->entry);

    if (!(perm & IM_PERM_R) && !lacks[LACKS_R]) {
        lacks[LACKS_R] = entry;
    }
    if (!(perm & IM_PERM_W) && !lacks[LACKS_W]) {
        lacks[LACKS_W] = entry;
    }
}

void im_vtd_explain_entry(VtdRoute *r, const ImStep *step)
{
    VtdExplain *ex = r->ex;
    int level = vtd_explain_level_of(&im_vtd_first_stage, step->what);
    bool second = level < 0;
    const ImPtStage *st = second ? &r->sp->ss : &r->sp->fs;
    const ImFieldRow *fields[1];
    ImStep told = *step;

    level = second ? vtd_explain_level_of(&im_vtd_second_stage, step->what) :
                     level;
    ex->entry = step->value[0];
    if ((unsigned)level == st->top) {
        memset(ex->lacks[second], 0, sizeof(ex->lacks[second]));
    }
    vtd_explain_note_rights(r, second, step->what);
    fields[0] = second ?
                    im_vtd_second_stage_fields((unsigned)level, ex->entry) :
                    im_vtd_first_stage_fields((unsigned)level, ex->entry);
    told.fields = fields;
    ex->fn(ex->opaque, &told);
}

/* --- why a walk ended --------------------------------------------------- */

static G_GNUC_PRINTF(2, 3) void note(VtdRoute *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_vsnprintf(r->ex->note, sizeof(r->ex->note), format, args);
    va_end(args);
}

/* Which of the request's needs the stage refused, and which entry did. */
static void vtd_explain_note_lacking(VtdRoute *r, bool second, uint8_t missing)
{
    static const char *const bits[2][2] = {
        { "P", "R/W" },
        { "R", "W" },
    };
    static const char *const io_bits[] = { "IR", "IW" };
    unsigned which = missing & IM_PERM_W ? LACKS_W : LACKS_R;
    const char *entry = r->ex->lacks[second][which];

    note(r, "%s: %s=0", entry ? entry : "no entry",
         second && (r->sp->ss.flags & IM_VTD_SS_IRWE) ? io_bits[which] :
                                                        bits[second][which]);
}

static void vtd_explain_note_absent(VtdRoute *r, bool second, const char *entry)
{
    uint8_t perm = vtd_explain_granted_by(r, second, r->ex->entry);

    if (!second) {
        note(r, "%s: P=0", entry);
    } else if (!perm) {
        note(r, "%s: %s", entry,
             r->sp->ss.flags & IM_VTD_SS_IRWE ? "IR=0, IW=0" : "R=0, W=0");
    } else {
        note(r, "%s: grants nothing that the entries above it grant", entry);
    }
}

static void vtd_explain_note_reserved(VtdRoute *r, bool second, unsigned level,
                                      const char *entry)
{
    note(r, "%s: bits %" PRIx64 "h must be 0", entry,
         second ?
             im_vtd_second_stage_reserved(&r->sp->ss, level, r->ex->entry) :
             im_vtd_first_stage_reserved(&r->sp->fs, level, r->ex->entry));
}

/* The nested stage lets an entry of the first be read, or be changed? */
static void vtd_explain_note_nested(VtdRoute *r, const ImWalkOut *w,
                                    const char *entry)
{
    const char *lacks = r->ex->lacks[1][LACKS_W];

    if (w->stop == IM_WALK_NESTED_READ && !r->sp->fs.nest_write) {
        lacks = r->ex->lacks[1][LACKS_R];
    }
    note(r, "%s at guest address %" PRIx64 "h: %s: %s=0", entry, w->in,
         lacks ? lacks : "no entry",
         lacks == r->ex->lacks[1][LACKS_R] ? "R" : "W");
}

static void vtd_explain_note_stop(VtdRoute *r, const ImWalkOut *w)
{
    bool second = w->stage == 1 || r->sp->pgtt == VTD_PGTT_SECOND;
    const ImPtFormat *fmt = second ? &im_vtd_second_stage : &im_vtd_first_stage;
    const char *entry = fmt->entry[w->level];

    switch (w->stop) {
    case IM_WALK_ACCESS:
        note(r, "%s: nothing to be read at %" PRIx64 "h", entry, w->entry);
        break;
    case IM_WALK_ABSENT:
        vtd_explain_note_absent(r, second, entry);
        break;
    case IM_WALK_RSVD:
        vtd_explain_note_reserved(r, second, w->level, entry);
        break;
    case IM_WALK_MUST:
        note(r, "%s: U/S=0", entry);
        break;
    case IM_WALK_RANGE:
        note(r, "%s: guest address beyond AW or MGAW", entry);
        break;
    case IM_WALK_NESTED_READ:
    case IM_WALK_NESTED_WRITE:
        vtd_explain_note_nested(r, w, entry);
        break;
    case IM_WALK_NO_UPDATE:
        note(r, "%s: %s to be set, but PWSNP=0", entry,
             second ? "A or D" : "A, EA or D");
        break;
    case IM_WALK_UPDATE:
        note(r, "%s: %s cannot be set at %" PRIx64 "h", entry,
             second ? "A or D" : "A, EA or D", w->entry);
        break;
    case IM_WALK_FORBIDDEN:
        note(r, "%s: its page is in FEEx_xxxxh", entry);
        break;
    default:
        vtd_explain_note_lacking(r, second, (uint8_t)(r->need & ~w->perm));
        break;
    }
}

/* A translation request is told what is granted; what is not has its row in
 * Table 30 all the same. */
static ImClause vtd_explain_completion_clause(const VtdRoute *r,
                                              const ImWalkOut *w)
{
    bool legacy = r->sp->legacy;

    if (!(w->perm & IM_PERM_W)) {
        return legacy ? IM_CLAUSE(VTD_FLT_LGN_2) : IM_CLAUSE(VTD_FLT_SGN_6);
    }
    if (im_vtd_no_write(r)) {
        return IM_CLAUSE(VTD_4_2_3_NW);
    }
    return w->perm & IM_PERM_R ? IM_CLAUSE(VTD_4_2_3_PERM) :
           legacy              ? IM_CLAUSE(VTD_FLT_LGN_3) :
                                 IM_CLAUSE(VTD_FLT_SGN_7);
}

/* The rule that a granted request met last. */
static ImClause vtd_explain_granting_clause(const VtdRoute *r,
                                            const ImWalkOut *w)
{
    const VtdSpace *sp = r->sp;

    if (r->kind == VTD_TRANSLATION) {
        return vtd_explain_completion_clause(r, w);
    }
    if (!r->need && !(w->perm & IM_PERM_R)) {
        return IM_CLAUSE(VTD_3_14_ZLR);
    }
    if (sp->pgtt == VTD_PGTT_NESTED) {
        return IM_CLAUSE(VTD_3_8_NESTED);
    }
    if (sp->pgtt == VTD_PGTT_SECOND) {
        return IM_CLAUSE(VTD_3_7_1_RIGHTS);
    }
    return !r->priv ? IM_CLAUSE(VTD_3_6_1_USER) :
           (r->need & IM_PERM_W) && !(sp->fs.flags & IM_VTD_FS_WPE) ?
                      IM_CLAUSE(VTD_3_6_1_WPE) :
                      IM_CLAUSE(VTD_3_6_1_SUPERVISOR);
}

/* The entry that withholds what was not asked for. */
static void vtd_explain_note_granted(VtdRoute *r, const ImWalkOut *w)
{
    VtdExplain *ex = r->ex;

    if (!(w->perm & IM_PERM_W)) {
        bool second = ex->lacks[1][LACKS_W] && !ex->lacks[0][LACKS_W];

        vtd_explain_note_lacking(r, second, IM_PERM_W);
    } else if (!(w->perm & IM_PERM_R)) {
        vtd_explain_note_lacking(r, true, IM_PERM_R);
    } else if (!w->dirty) {
        note(r, "a write has D to set first");
    } else {
        note(r, "by every entry");
    }
}

void im_vtd_explain_walk(VtdRoute *r, const ImWalkOut *w)
{
    if (w->stop == IM_WALK_OK) {
        r->out.clause = vtd_explain_granting_clause(r, w);
        vtd_explain_note_granted(r, w);
    } else {
        vtd_explain_note_stop(r, w);
    }
}

/* --- the result --------------------------------------------------------- */

static const char *vtd_explain_verdict(const VtdRoute *r, const ImXlat *x)
{
    if (r->out.fault) {
        return im_vtd_fault_def(r->out.fault)->text;
    }
    if (x->status == IM_FAULT) {
        return "unsupported request, not recorded";
    }
    return x->interrupt ? "an interrupt request, not memory" :
                          im_route_granted(x->perm);
}

ImXlat im_vtd_explain(ImVtd *s, const ImTxn *txn, ImStepFn *fn, void *opaque)
{
    VtdExplain ex = { .fn = fn ? fn : im_route_unheard, .opaque = opaque };
    VtdRoute r = {
        .s = s,
        .txn = txn,
        .ex = &ex,
        .rid = txn->rid,
        .has_pasid = txn->has_pasid,
        .pasid = txn->pasid,
    };
    g_autofree char *text = NULL;
    ImXlat x;

    im_vtd_route(&r);
    x = im_vtd_answer(&r);
    text = g_strdup_printf("%s%s%s", vtd_explain_verdict(&r, &x),
                           *ex.note ? ": " : "", ex.note);
    im_route_result(ex.fn, opaque, x.addr,
                    r.out.fault ? im_vtd_fault_def(r.out.fault)->clause :
                                  r.out.clause,
                    text);
    return x;
}
