/*
 * SMMUv3: explain a request. The same route, from memory alone.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/xlat.h"

static const char *verdict(const SmmuRoute *r)
{
    static const char *const granted[] = {
        [0] = "nothing granted",
        [IM_PERM_R] = "read granted",
        [IM_PERM_W] = "write granted",
        [IM_PERM_R | IM_PERM_W] = "read and write granted",
        [IM_PERM_X] = "execution granted",
        [IM_PERM_X | IM_PERM_R] = "read and execution granted",
        [IM_PERM_X | IM_PERM_W] = "write and execution granted",
        [IM_PERM_X | IM_PERM_R | IM_PERM_W] =
            "read, write and execution granted",
    };

    if (r->status == IM_FAULT) {
        return "terminated, not recorded";
    }
    return granted[r->perm & 7];
}

static void no_step(void *opaque, const ImStep *step)
{
    (void)opaque;
    (void)step;
}

/* What a walk stopped at is told by the last descriptor's step. */
static const char *clause_of(const SmmuRoute *r)
{
    return r->clause ? r->clause : r->fault ? "SMMU_ROUTE_WALK" : NULL;
}

ImXlat im_smmu_explain(ImSmmu *s, const ImTxn *txn, ImStepFn *fn,
                       void *opaque)
{
    SmmuExplain ex = { .fn = fn ? fn : no_step, .opaque = opaque };
    SmmuRoute r = { .s = s, .txn = txn, .ex = &ex };
    ImStep step = { .what = "result" };

    im_smmu_take_route(&r);
    step.addr = r.addr;
    step.clause = clause_of(&r);
    if (r.fault) {
        im_smmu_event_name(r.fault, &step.note);
    } else {
        step.note = verdict(&r);
    }
    ex.fn(opaque, &step);
    return im_smmu_answer(&r);
}
