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

static void report_result(VtdRoute *r)
{
    char clause[32];
    const char *text = NULL;
    ImStep step = { .what = "result", .clause = r->clause,
                    .addr = r->out.addr };

    if (r->reason) {
        fault_clause(clause, sizeof(clause), r->reason);
        im_vtd_fault_name(r->reason, &text);
        step.clause = clause;
        step.note = text;
    } else if (r->out.status == IM_FAULT) {
        step.note = "unsupported request, not recorded";
    } else if (r->out.interrupt) {
        step.note = "interrupt request";
    } else if (!r->out.perm) {
        step.note = "nothing granted";
    } else {
        step.note = r->out.perm == IM_PERM_R ? "read" :
                    r->out.perm == IM_PERM_W ? "write" : "read, write";
    }
    r->fn(r->opaque, &step);
}

static void no_step(void *opaque, const ImStep *step)
{
    (void)opaque;
    (void)step;
}

ImXlat im_vtd_explain(ImVtd *s, const ImTxn *txn, ImStepFn *fn, void *opaque)
{
    VtdCtx ctx;
    VtdSpace space;
    VtdRoute r = {
        .quiet = true,
        .fn = fn ? fn : no_step,
        .opaque = opaque,
        .tmp_ctx = &ctx,
        .tmp_space = &space,
    };

    im_vtd_route_begin(&r, s, txn);
    im_vtd_route(&r);
    report_result(&r);
    return r.out;
}
