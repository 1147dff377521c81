/*
 * SMMUv3 events as rows: 7.3.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/smmu.h"

#define MODEL_TERM   false
#define MODEL_MODEL  true

static const SmmuEventDef event_defs[256] = {
#define E(code, nm, clause_, rec, mod, ats_, txt)                         \
    [code] = { .name = #nm, .text = txt, .clause = IM_CLAUSE(clause_),    \
               .record = SMMU_RECORD_##rec, .model = MODEL_##mod,         \
               .ats = SMMU_ATS_##ats_ },
#include "im/spec/smmu_events.h.inc"
#undef E
};

const SmmuEventDef *im_smmu_event_def(uint8_t code)
{
    return &event_defs[code];
}

const char *im_smmu_event_name(uint8_t code, const char **text)
{
    const SmmuEventDef *def = &event_defs[code];

    if (text) {
        *text = def->text;
    }
    return def->name;
}
