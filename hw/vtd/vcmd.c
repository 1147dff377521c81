/*
 * Virtual command interface: 11.4.16. The host behind the unit obeys; the
 * unit itself gives out no PASID.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/vtd/regs.h"

#define STATUS_UNDEFINED  1

typedef struct VcmdDef {
    uint64_t needs;             /* in VCCAP_REG */
    bool to_host;
    bool gives_pasid;
} VcmdDef;

/* No row: not defined. */
IM_RULE(VTD_REG_VCMD);
static const VcmdDef vcmds[] = {
    [0] = { .needs = IM_MASK(VTD_VCCAP_NS) },
    [IM_VCMD_ALLOC_PASID] = { .needs = IM_MASK(VTD_VCCAP_PAS),
                              .to_host = true,
                              .gives_pasid = true },
    [IM_VCMD_FREE_PASID] = { .needs = IM_MASK(VTD_VCCAP_FPS), .to_host = true },
};

IM_RULE(VTD_REG_VCCAP);
uint64_t im_vtd_vccap(const ImVtd *s)
{
    bool pasid = im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_PASID));

    return IM_PUT(VTD_VCCAP_NS, 1) | IM_PUT(VTD_VCCAP_PAS, pasid) |
           IM_PUT(VTD_VCCAP_FPS, pasid);
}

static bool vtd_vcmd_in_progress(const ImVtd *s)
{
    return im_vtd_reg(s, VTD_R_VCRSP) & IM_MASK(VTD_VCRSP_IP);
}

IM_RULE(VTD_VCMD_STATUS);
static void vtd_vcmd_respond(ImVtd *s, unsigned status, uint32_t pasid)
{
    im_vtd_reg_set(s, VTD_R_VCRSP,
                   IM_PUT(VTD_VCRSP_SC, status) |
                       IM_PUT(VTD_VCRSP_PASID, pasid));
}

static void vtd_vcmd_run(ImVtd *s, uint64_t vcmd)
{
    uint64_t code = IM_GET(vcmd, VTD_VCMD_CMD);
    ImVcmd cmd = {
        .serial = ++s->vcmd_serial,
        .pasid = (uint32_t)IM_GET(vcmd, VTD_VCMD_PASID),
        .code = (uint8_t)code,
    };

    s->counters.virtual_commands++;
    if (code >= G_N_ELEMENTS(vcmds) || !(im_vtd_vccap(s) & vcmds[code].needs)) {
        vtd_vcmd_respond(s, STATUS_UNDEFINED, 0);
    } else if (!vcmds[code].to_host) {
        vtd_vcmd_respond(s, IM_VCMD_OK, 0);
    } else {
        im_vtd_reg_set(s, VTD_R_VCRSP, IM_MASK(VTD_VCRSP_IP));
        s->cfg.vcmd(s->host, &cmd);
    }
}

/* 32-bit software writes the operand first: the low byte is the trigger. */
void im_vtd_vcmd_written(ImVtd *s, uint64_t old, unsigned bytes)
{
    if (vtd_vcmd_in_progress(s)) {
        im_vtd_reg_set(s, VTD_R_VCMD, old);
    } else if (bytes & 1) {
        vtd_vcmd_run(s, im_vtd_reg(s, VTD_R_VCMD));
    }
}

IM_RULE(VTD_REG_VCMD_EO);
void im_vtd_vcmd_eo_written(ImVtd *s, uint64_t old)
{
    if (vtd_vcmd_in_progress(s)) {
        im_vtd_reg_set(s, VTD_R_VCMD_EO, old);
    }
}

/* While IP is 1 the command is still in VCMD. */
IM_RULE(VTD_REG_VCRSP);
void im_vtd_vcmd_done(ImVtd *s, uint32_t serial, ImVcmdStatus status,
                      uint32_t pasid)
{
    uint64_t code = IM_GET(im_vtd_reg(s, VTD_R_VCMD), VTD_VCMD_CMD);

    if (vtd_vcmd_in_progress(s) && serial == s->vcmd_serial) {
        bool result = status == IM_VCMD_OK && vcmds[code].gives_pasid;

        vtd_vcmd_respond(s, status, result ? pasid : 0);
    }
}
