/*
 * VT-d fault reasons as rows: 7.1.3 (Table 30) and 5.1.4.1 (Table 15).
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/vtd/vtd.h"

#define REPLY_UR   VTD_REPLY_UR
#define REPLY_CA   VTD_REPLY_CA
#define REPLY_S0   VTD_REPLY_S0
#define REPLY_S0R  VTD_REPLY_S0
#define REPLY_SE   VTD_REPLY_SE
#define REPLY_IR   VTD_REPLY_IR
#define REPLY_NO   VTD_REPLY_NEVER

#define RECORDED_UR   0
#define RECORDED_CA   0
#define RECORDED_S0   0
#define RECORDED_S0R  1
#define RECORDED_SE   0
#define RECORDED_NO   0

static const VtdFaultDef fault_defs[256] = {
#define R(fr, tag, nm, q, u, t, d, p, txt)                                \
    [fr] = { .name = nm, .text = txt, .clause = IM_CLAUSE(VTD_FLT_##tag), \
             .qualified = q,                                              \
             .s0_recorded = RECORDED_##t,                                 \
             .reply = { REPLY_##u, REPLY_##t, REPLY_##d, REPLY_##p } },
#include "im/spec/vtd_faults.h.inc"
#undef R
};

const VtdFaultDef *im_vtd_fault_def(uint8_t reason)
{
    return &fault_defs[reason];
}

const char *im_vtd_fault_name(uint8_t reason, const char **text)
{
    const VtdFaultDef *def = &fault_defs[reason];

    if (text) {
        *text = def->text;
    }
    return def->name;
}
