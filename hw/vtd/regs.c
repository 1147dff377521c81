/*
 * Remapping registers: chapter 11, and the commands of 6.6 to 6.8.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/vtd/regs.h"

#define GCMD(field)  ((uint32_t)IM_MASK(VTD_GCMD_##field))

/* --- Global commands: one row each, in the order they are obeyed. ------- */

IM_RULE(VTD_6_6_SRTP);
static void vtd_regs_cmd_srtp(ImVtd *s, bool on G_GNUC_UNUSED)
{
    uint64_t rtaddr = im_vtd_reg(s, VTD_R_RTADDR);

    s->root.table = rtaddr & IM_MASK(VTD_RTADDR_RTA);
    s->root.ttm = (uint8_t)IM_GET(rtaddr, VTD_RTADDR_TTM);
    s->root.ssirwe = IM_GET(rtaddr, VTD_RTADDR_SSIRWE);
    if (s->cap & IM_MASK(VTD_CAP_ESRTPS)) {
        im_vtd_inv_all(s);
        im_vtd_unmap(s, 0, UINT64_MAX);
        im_vtd_invalidated_all(s);
    }
    im_vtd_changed(s);
}

/* There is no interrupt entry cache to drop. */
IM_RULE(VTD_6_7_SIRTP);
static void vtd_regs_cmd_sirtp(ImVtd *s, bool on G_GNUC_UNUSED)
{
    uint64_t irta = im_vtd_reg(s, VTD_R_IRTA);

    s->ir.table = irta & IM_MASK(VTD_IRTA_IRTA);
    s->ir.entries = 2u << IM_GET(irta, VTD_IRTA_S);
    s->ir.eime = IM_GET(irta, VTD_IRTA_EIME);
    im_vtd_changed(s);
}

static void vtd_regs_cmd_te(ImVtd *s, bool on)
{
    if (!on && im_vtd_has_ecap(s, IM_MASK(VTD_ECAP_SMTS))) {
        im_vtd_inv_all(s);
    }
    im_vtd_unmap(s, 0, UINT64_MAX);
    im_vtd_invalidated_all(s);
    im_vtd_changed(s);
}

static void vtd_regs_cmd_mode(ImVtd *s, bool on G_GNUC_UNUSED)
{
    im_vtd_changed(s);
}

typedef struct GcmdDef {
    uint32_t bit;           /* the same in GCMD_REG and GSTS_REG */
    bool one_shot;          /* runs on every 1; else on a change */
    uint64_t needs;         /* ECAP_REG bits */
    void (*run)(ImVtd *s, bool on);
} GcmdDef;

/* WBF has no row: CAP_REG.RWBF is 0. */
IM_RULE(VTD_REG_GCMD);
static const GcmdDef gcmds[] = {
    { GCMD(SRTP), true, 0, vtd_regs_cmd_srtp },
    { GCMD(SIRTP), true, IM_MASK(VTD_ECAP_IR), vtd_regs_cmd_sirtp },
    { GCMD(CFI), false, IM_MASK(VTD_ECAP_IR), vtd_regs_cmd_mode },
    { GCMD(QIE), false, IM_MASK(VTD_ECAP_QI), im_vtd_queue_enable },
    { GCMD(IRE), false, IM_MASK(VTD_ECAP_IR), vtd_regs_cmd_mode },
    { GCMD(TE), false, 0, vtd_regs_cmd_te },
};

/* GSTS shows a command's result before anything else can look. */
static void vtd_regs_run_gcmd(ImVtd *s, const GcmdDef *cmd, bool on)
{
    if (cmd->one_shot ? !on : on == !!(s->gsts & cmd->bit)) {
        return;
    }
    s->gsts = on ? s->gsts | cmd->bit : s->gsts & ~cmd->bit;
    if (!(s->gsts & (GCMD(TE) | GCMD(IRE)))) {
        IM_RULE(VTD_7_2_1_INDEX);
        s->regs->frcd_index = 0;
    }
    cmd->run(s, on);
}

static void vtd_regs_gcmd_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                  uint64_t old G_GNUC_UNUSED,
                                  unsigned bytes G_GNUC_UNUSED)
{
    ImVtd *s = dev;
    uint64_t gcmd = im_vtd_reg(s, VTD_R_GCMD);

    im_vtd_reg_set(s, VTD_R_GCMD, 0);   /* write-only */
    for (size_t i = 0; i < G_N_ELEMENTS(gcmds); i++) {
        if (im_vtd_has_ecap(s, gcmds[i].needs)) {
            vtd_regs_run_gcmd(s, &gcmds[i], gcmd & gcmds[i].bit);
        }
    }
}

static uint64_t vtd_regs_gsts_read(void *dev, unsigned elem G_GNUC_UNUSED,
                                   uint64_t value G_GNUC_UNUSED)
{
    return ((ImVtd *)dev)->gsts;
}

/* --- Register-based invalidation: the top byte triggers. ---------------- */

static void vtd_regs_ccmd_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                  uint64_t old G_GNUC_UNUSED, unsigned bytes)
{
    ImVtd *s = dev;
    uint64_t ccmd = im_vtd_reg(s, VTD_R_CCMD);

    if ((bytes & 0x80) && (ccmd & IM_MASK(VTD_CCMD_ICC))) {
        im_vtd_reg_set(s, VTD_R_CCMD, im_vtd_ccmd(s, ccmd));
    }
}

/* Write-only fields, whose value on a read the manual leaves open. */
static uint64_t vtd_regs_ccmd_read(void *dev G_GNUC_UNUSED,
                                   unsigned elem G_GNUC_UNUSED, uint64_t value)
{
    return value & ~(IM_MASK(VTD_CCMD_SID) | IM_MASK(VTD_CCMD_FM));
}

static uint64_t vtd_regs_iva_read(void *dev G_GNUC_UNUSED,
                                  unsigned elem G_GNUC_UNUSED,
                                  uint64_t value G_GNUC_UNUSED)
{
    return 0;
}

static void vtd_regs_iotlb_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                   uint64_t old G_GNUC_UNUSED, unsigned bytes)
{
    ImVtd *s = dev;
    uint64_t cmd = im_vtd_reg(s, VTD_R_IOTLB);

    if ((bytes & 0x80) && (cmd & IM_MASK(VTD_IOTLB_IVT))) {
        cmd = im_vtd_iotlb_cmd(s, cmd, im_vtd_reg(s, VTD_R_IVA));
        im_vtd_reg_set(s, VTD_R_IOTLB, cmd);
    }
}

/* --- Status and event control. ------------------------------------------ */

/* Clearing IQE or ITE restarts the queue. */
IM_RULE(VTD_REG_FSTS);
static void vtd_regs_fsts_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                  uint64_t old G_GNUC_UNUSED,
                                  unsigned bytes G_GNUC_UNUSED)
{
    im_vtd_event_serviced(dev, VTD_EVENT_FAULT);
    im_vtd_queue_run(dev);
}

static void vtd_regs_ics_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                 uint64_t old G_GNUC_UNUSED,
                                 unsigned bytes G_GNUC_UNUSED)
{
    im_vtd_event_serviced(dev, VTD_EVENT_INV);
}

static void vtd_regs_prs_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                 uint64_t old G_GNUC_UNUSED,
                                 unsigned bytes G_GNUC_UNUSED)
{
    im_vtd_event_serviced(dev, VTD_EVENT_PAGE);
}

static void vtd_regs_fectl_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                   uint64_t old G_GNUC_UNUSED,
                                   unsigned bytes G_GNUC_UNUSED)
{
    im_vtd_event_unmask(dev, VTD_EVENT_FAULT);
}

static void vtd_regs_iectl_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                   uint64_t old G_GNUC_UNUSED,
                                   unsigned bytes G_GNUC_UNUSED)
{
    im_vtd_event_unmask(dev, VTD_EVENT_INV);
}

static void vtd_regs_pectl_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                   uint64_t old G_GNUC_UNUSED,
                                   unsigned bytes G_GNUC_UNUSED)
{
    im_vtd_event_unmask(dev, VTD_EVENT_PAGE);
}

static void vtd_regs_frcd_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                  uint64_t old G_GNUC_UNUSED,
                                  unsigned bytes G_GNUC_UNUSED)
{
    im_vtd_fault_records_written(dev);
}

static void vtd_regs_iqt_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                 uint64_t old G_GNUC_UNUSED,
                                 unsigned bytes G_GNUC_UNUSED)
{
    im_vtd_queue_run(dev);
}

static void vtd_regs_vcmd_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                  uint64_t old, unsigned bytes)
{
    im_vtd_vcmd_written(dev, old, bytes);
}

static void vtd_regs_vcmd_eo_written(void *dev, unsigned elem G_GNUC_UNUSED,
                                     uint64_t old, unsigned bytes G_GNUC_UNUSED)
{
    im_vtd_vcmd_eo_written(dev, old);
}

/* --- The table. --------------------------------------------------------- */

#define REG_DEF(n, clause_, off, sz, cnt, strd, rst, rw_, w1c_, stk, wr, rd,   \
                needs_)                                               \
    [VTD_R_##n] = {                                                       \
        .name = #n, .rule = IM_CLAUSE(clause_), .offset = (off),          \
        .size = (sz), .count = (cnt), .stride = (strd), .reset = (rst),   \
        .rw = (rw_), .w1c = (w1c_), .sticky = (stk), .needs = (needs_),   \
        .written = wr, .read = rd,                                        \
    },
static const ImRegDef reg_defs[VTD_R_COUNT] = { VTD_REGS(REG_DEF) };

#define REG_BITS(n, mask_, needs_)  { VTD_R_##n, (mask_), (needs_) },
static const ImRegBits reg_bits[] = { VTD_REG_BITS(REG_BITS) };

/* Software must find no bit that a layout calls reserved. */
#define LAYOUT_OK(reg, layout) \
    g_assert(((reg_defs[VTD_R_##reg].rw | reg_defs[VTD_R_##reg].w1c) & \
              IM_RSVD(layout)) == 0)

static void vtd_regs_check_table(void)
{
    LAYOUT_OK(GCMD, VTD_GCMD);
    LAYOUT_OK(RTADDR, VTD_RTADDR);
    LAYOUT_OK(CCMD, VTD_CCMD);
    LAYOUT_OK(IOTLB, VTD_IOTLB);
    LAYOUT_OK(IVA, VTD_IVA);
    LAYOUT_OK(FSTS, VTD_FSTS);
    LAYOUT_OK(FECTL, VTD_EVCTL);
    LAYOUT_OK(IQT, VTD_IQP);
    LAYOUT_OK(IQA, VTD_IQA);
    LAYOUT_OK(ICS, VTD_ICS);
    LAYOUT_OK(IRTA, VTD_IRTA);
    LAYOUT_OK(PQH, VTD_PQP);
    LAYOUT_OK(PQT, VTD_PQP);
    LAYOUT_OK(PQA, VTD_PQA);
    LAYOUT_OK(PRS, VTD_PRS);
    LAYOUT_OK(FRCD1, VTD_FRCD1);
    LAYOUT_OK(VCMD, VTD_VCMD);
}

VtdRegs *im_vtd_regs_new(ImVtd *s)
{
    VtdRegs *r = g_new0(VtdRegs, 1);
    unsigned records = (unsigned)IM_GET(s->cap, VTD_CAP_NFR) + 1;

    vtd_regs_check_table();
    r->bank = im_regbank_new(reg_defs, VTD_R_COUNT, IM_VTD_MMIO_SIZE, s);
    im_regbank_preset(r->bank, VTD_R_VER, s->ver);
    im_regbank_preset(r->bank, VTD_R_CAP, s->cap);
    im_regbank_preset(r->bank, VTD_R_ECAP, s->ecap);
    im_regbank_preset(r->bank, VTD_R_VCCAP, im_vtd_vccap(s));
    im_regbank_limit(r->bank, VTD_R_FRCD0, records);
    im_regbank_limit(r->bank, VTD_R_FRCD1, records);
    im_regbank_implement(r->bank, s->ecap, reg_bits, G_N_ELEMENTS(reg_bits));
    return r;
}

void im_vtd_regs_free(VtdRegs *r)
{
    if (r) {
        im_regbank_free(r->bank);
        g_free(r);
    }
}

void im_vtd_regs_reset(ImVtd *s)
{
    im_regbank_reset(s->regs->bank, false);
    s->regs->frcd_index = 0;
}
