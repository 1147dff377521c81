/*
 * VT-d: explain a request. The same route, from memory alone.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/vtd/dma.h"

/* "SPT.2" is decided by clause VTD_FLT_SPT_2. */
static void fault_clause(char *buf, size_t size, uint8_t reason)
{
    const char *name = im_vtd_fault_name(reason, NULL);

    g_snprintf(buf, (gulong)size, "VTD_FLT_%s", name ? name : "");
    g_strdelimit(buf, ".", '_');
}

static const char *verdict(const ImXlat *x)
{
    static const char *const granted[] = {
        [0] = "nothing granted",
        [IM_PERM_R] = "read granted",
        [IM_PERM_W] = "write granted",
        [IM_PERM_R | IM_PERM_W] = "read and write granted",
    };

    if (x->status == IM_FAULT) {
        return "unsupported request, not recorded";
    }
    return x->interrupt ? "an interrupt request, not memory" :
           granted[x->perm & (IM_PERM_R | IM_PERM_W)];
}

static void no_step(void *opaque, const ImStep *step)
{
    (void)opaque;
    (void)step;
}

ImXlat im_vtd_explain(ImVtd *s, const ImTxn *txn, ImStepFn *fn, void *opaque)
{
    VtdExplain ex = { .fn = fn ? fn : no_step, .opaque = opaque };
    VtdRoute r = {
        .s = s, .txn = txn, .ex = &ex, .rid = txn->rid,
        .has_pasid = txn->has_pasid, .pasid = txn->pasid,
    };
    ImStep step = { .what = "result" };
    char clause[32];
    ImXlat x;

    im_vtd_route(&r);
    x = im_vtd_answer(&r);
    step.addr = x.addr;
    step.clause = r.clause;
    if (r.reason) {
        fault_clause(clause, sizeof(clause), r.reason);
        im_vtd_fault_name(r.reason, &step.note);
        step.clause = clause;
    } else {
        step.note = verdict(&x);
    }
    ex.fn(opaque, &step);
    return x;
}
