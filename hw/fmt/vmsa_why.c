/*
 * VMSAv8-64 descriptors for people: their fields, and which bit of which
 * entry decided. Rows of vmsa.c's rules, read the other way round.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/dump.h"
#include "hw/fmt/smmu.h"
#include "im/spec/smmu_tables.h.inc"

IM_LAYOUT(VMSA_INVALID);
IM_LAYOUT(VMSA_TABLE);
IM_LAYOUT(VMSA_S2_TABLE);
IM_LAYOUT(VMSA_S1);
IM_LAYOUT(VMSA_S2);

static bool vmsa_why_is_stage2(const ImPtFormat *fmt)
{
    return fmt >= im_vmsa_s2 && fmt < im_vmsa_s2 + 3;
}

/* --- fields ------------------------------------------------------------- */

static const ImFieldRow *const invalid_fields = IM_FIELDS(VMSA_INVALID);
/* By stage; table, leaf */
static const ImFieldRow *const entry_fields[2][2] = {
    { IM_FIELDS(VMSA_TABLE), IM_FIELDS(VMSA_S1) },
    { IM_FIELDS(VMSA_S2_TABLE), IM_FIELDS(VMSA_S2) },
};

const ImFieldRow *im_vmsa_fields(const ImPtFormat *fmt, unsigned level,
                                 uint64_t pte)
{
    bool leaf = level == 0 || !(pte & IM_MASK(VMSA_TABLE_TYPE));

    return pte & IM_MASK(VMSA_INVALID_VALID) ?
               entry_fields[vmsa_why_is_stage2(fmt)][leaf] :
               invalid_fields;
}

/* --- why ---------------------------------------------------------------- */

typedef struct Why {
    const ImPtStage *st;
    const ImVmsaPath *path;
    char *note;
    size_t size;
} Why;

static const char *vmsa_why_entry_name(const Why *w, unsigned level)
{
    return w->st->fmt->entry[level];
}

static uint64_t vmsa_why_leaf_of(const Why *w)
{
    return w->path->entry[w->path->level];
}

/* The rule, and in the note what broke it, of the last entry. */
static ImClause vmsa_why_says(const Why *w, ImClause clause, const char *what)
{
    g_snprintf(w->note, (gulong)w->size, "%s: %s",
               vmsa_why_entry_name(w, w->path->level), what);
    return clause;
}

static bool vmsa_why_flag(const Why *w, uint32_t flags)
{
    return w->st->flags & flags;
}

ImClause im_vmsa_why_unusable(const ImPtStage *st, const ImVmsaPath *path,
                              char *note, size_t size)
{
    const Why w = { st, path, note, size };
    ImPteView v = { 0 };

    switch (st->fmt->decode(st, path->level, vmsa_why_leaf_of(&w), &v)) {
    case IM_PTE_SIZE:
        return vmsa_why_says(&w, IM_CLAUSE(SMMU_VMSA_ADDR_SIZE),
                             vmsa_why_is_stage2(st->fmt) ?
                                 "address beyond S2PS" :
                                 "address beyond IPS");
    case IM_PTE_UNUSED:
        return vmsa_why_says(&w, IM_CLAUSE(SMMU_VMSA_AF), "AF=0");
    default:
        break;
    }
    if (!(vmsa_why_leaf_of(&w) & IM_MASK(VMSA_INVALID_VALID))) {
        return vmsa_why_says(&w, IM_CLAUSE(SMMU_VMSA_INVALID), "VALID=0");
    }
    return path->level == 0 ? vmsa_why_says(&w, IM_CLAUSE(SMMU_VMSA_INVALID),
                                            "TYPE=0 is reserved here") :
                              vmsa_why_says(&w, IM_CLAUSE(SMMU_VMSA_BLOCK),
                                            "TYPE=0: no block at this level");
}

/* --- stage 1 ------------------------------------------------------------ */

/* A bit of a table descriptor above the leaf. */
IM_RULE(SMMU_VMSA_TABLE_ATTR);
static ImClause vmsa_why_by_table(const Why *w, unsigned bit, const char *name)
{
    for (unsigned l = w->path->level + 1u;
         !vmsa_why_flag(w, IM_VMSA_HAD) && l <= w->st->top; l++) {
        if (w->path->entry[l] >> bit & 1) {
            g_snprintf(w->note, (gulong)w->size, "%s: %s=1",
                       vmsa_why_entry_name(w, l), name);
            return IM_CLAUSE(SMMU_VMSA_TABLE_ATTR);
        }
    }
    return IM_CLAUSE_NONE;
}

/* Only privileged requests may. */
static ImClause vmsa_why_privileged_only(const Why *w)
{
    return vmsa_why_leaf_of(w) & IM_MASK(VMSA_S1_AP1) ?
               vmsa_why_by_table(w, VMSA_TABLE_AP_LO, "APTable[0]") :
               vmsa_why_says(w, IM_CLAUSE(SMMU_VMSA_AP), "AP[1]=0");
}

static ImClause vmsa_why_read_only(const Why *w)
{
    bool clean = vmsa_why_flag(w, IM_VMSA_HD) &&
                 (vmsa_why_leaf_of(w) & IM_MASK(VMSA_S1_DBM));

    return !clean && (vmsa_why_leaf_of(w) & IM_MASK(VMSA_S1_AP2)) ?
               vmsa_why_says(w, IM_CLAUSE(SMMU_VMSA_AP), "AP[2]=1") :
               vmsa_why_by_table(w, VMSA_TABLE_AP_HI, "APTable[1]");
}

static ImClause vmsa_why_never(const Why *w, bool leaf, const char *name,
                               unsigned bit, const char *table)
{
    char what[8];

    if (!leaf) {
        return vmsa_why_by_table(w, bit, table);
    }
    g_snprintf(what, sizeof(what), "%s=1", name);
    return vmsa_why_says(w, IM_CLAUSE(SMMU_VMSA_XN), what);
}

static ImClause vmsa_why_never_privileged(const Why *w)
{
    return vmsa_why_never(w, vmsa_why_leaf_of(w) & IM_MASK(VMSA_S1_PXN), "PXN",
                          VMSA_TABLE_PXN_LO, "PXNTable");
}

static ImClause vmsa_why_never_unprivileged(const Why *w)
{
    bool one = vmsa_why_flag(w, IM_VMSA_ONE);

    return vmsa_why_never(w, vmsa_why_leaf_of(w) & IM_MASK(VMSA_S1_UXN),
                          one ? "XN" : "UXN", VMSA_TABLE_UXN_LO,
                          one ? "XNTable" : "UXNTable");
}

/* PAN takes data away from privileged requests. */
static ImClause vmsa_why_by_pan(const Why *w)
{
    char ignored[64];
    const Why quiet = { w->st, w->path, ignored, sizeof(ignored) };

    if (!vmsa_why_flag(w, IM_VMSA_PAN) || !vmsa_why_flag(w, IM_VMSA_PRIV) ||
        vmsa_why_flag(w, IM_VMSA_ONE)) {
        return IM_CLAUSE_NONE;
    }
    if (!vmsa_why_privileged_only(&quiet)) {
        return vmsa_why_says(w, IM_CLAUSE(SMMU_VMSA_PAN),
                             "AP[1]=1, and CD.PAN=1");
    }
    return vmsa_why_flag(w, IM_VMSA_EPAN) &&
                   !vmsa_why_never_unprivileged(&quiet) ?
               vmsa_why_says(w, IM_CLAUSE(SMMU_VMSA_EPAN),
                             "UXN=0, and CD.PAN=1, CD.EPAN=1") :
               IM_CLAUSE_NONE;
}

static bool vmsa_why_has_levels(const Why *w)
{
    return !vmsa_why_flag(w, IM_VMSA_PRIV | IM_VMSA_ONE);
}

static ImClause vmsa_why_s1_no_read(const Why *w)
{
    return vmsa_why_has_levels(w) ? vmsa_why_privileged_only(w) :
                                    vmsa_why_by_pan(w);
}

static ImClause vmsa_why_s1_no_write(const Why *w)
{
    ImClause clause = vmsa_why_has_levels(w) ? vmsa_why_privileged_only(w) :
                                               IM_CLAUSE_NONE;

    clause = clause ? clause : vmsa_why_read_only(w);
    return clause ? clause : vmsa_why_by_pan(w);
}

/* PAN does not matter to what is writable. */
static bool vmsa_why_writable(const Why *w, bool unprivileged)
{
    char ignored[64];
    const Why quiet = { w->st, w->path, ignored, sizeof(ignored) };

    return !vmsa_why_read_only(&quiet) &&
           !(unprivileged && vmsa_why_privileged_only(&quiet));
}

static ImClause vmsa_why_s1_no_exec(const Why *w)
{
    bool priv = vmsa_why_flag(w, IM_VMSA_PRIV) &&
                !vmsa_why_flag(w, IM_VMSA_ONE);
    ImClause clause = priv ? vmsa_why_never_privileged(w) :
                             vmsa_why_never_unprivileged(w);

    if (clause) {
        return clause;
    }
    if (priv && vmsa_why_writable(w, true)) {
        return vmsa_why_says(w, IM_CLAUSE(SMMU_VMSA_XN),
                             "AP[2:1]=01, writable unprivileged");
    }
    return vmsa_why_flag(w, IM_VMSA_WXN) &&
                   vmsa_why_writable(w, vmsa_why_has_levels(w)) ?
               vmsa_why_says(w, IM_CLAUSE(SMMU_VMSA_WXN),
                             "AP[2]=0, and CD.WXN=1") :
               IM_CLAUSE_NONE;
}

/* --- stage 2 ------------------------------------------------------------ */

static ImClause vmsa_why_s2_no_read(const Why *w)
{
    return vmsa_why_leaf_of(w) & IM_MASK(VMSA_S2_S2AP0) ?
               IM_CLAUSE_NONE :
               vmsa_why_says(w, IM_CLAUSE(SMMU_VMSA_S2AP), "S2AP[0]=0");
}

static ImClause vmsa_why_s2_no_write(const Why *w)
{
    bool clean = vmsa_why_flag(w, IM_VMSA_HD) &&
                 (vmsa_why_leaf_of(w) & IM_MASK(VMSA_S2_DBM));

    return clean || (vmsa_why_leaf_of(w) & IM_MASK(VMSA_S2_S2AP1)) ?
               IM_CLAUSE_NONE :
               vmsa_why_says(w, IM_CLAUSE(SMMU_VMSA_S2AP), "S2AP[1]=0");
}

static ImClause vmsa_why_s2_no_exec(const Why *w)
{
    static const char *const texts[] = {
        "",
        "XN=01",
        "XN=10",
        "XN=11",
    };
    ImPteView v = { 0 };

    w->st->fmt->decode(w->st, w->path->level, vmsa_why_leaf_of(w), &v);
    return w->st->fmt->rights(w->st, v.perm) & IM_PERM_X ?
               IM_CLAUSE_NONE :
               vmsa_why_says(w, IM_CLAUSE(SMMU_VMSA_XNX),
                             texts[IM_GET(vmsa_why_leaf_of(w), VMSA_S2_XN)]);
}

ImClause im_vmsa_why_denied(const ImPtStage *st, const ImVmsaPath *path,
                            unsigned right, char *note, size_t size)
{
    static ImClause (*const rules[2][3])(const Why *w) = {
        { vmsa_why_s1_no_read, vmsa_why_s1_no_write, vmsa_why_s1_no_exec },
        { vmsa_why_s2_no_read, vmsa_why_s2_no_write, vmsa_why_s2_no_exec },
    };
    const Why w = { st, path, note, size };

    return rules[vmsa_why_is_stage2(st->fmt)][right / 2](&w);
}
