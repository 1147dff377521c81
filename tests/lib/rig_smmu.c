/*
 * The rig around an SMMU.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/rig.h"
#include "lib/smmu_regs.h"

ImSmmuConfig rig_smmu_config(void)
{
    ImSmmuConfig c = IM_SMMU_CONFIG_DEFAULT;

    c.cmdq_bits = c.evtq_bits = c.priq_bits = 12;
    c.httu = 3;
    c.stall_max = 16;
    c.iidr = 0x0010043b;
    c.vmw = c.stt = true;
    c.ats_timeout_ns = 1000000;
    c.tlb_entries = 1024;
    return c;
}

/*
 * 6.3.9: CR0ACK follows CR0, of which only what exists can be set. 4.7: an
 * error of the command queue stands in CONS and in GERROR together. 7.4:
 * queue pointers have no bits beyond index and wrap.
 */
static void consistent(Rig *r)
{
    uint32_t cr0 = rig_reg32(r, SR_CR0);
    uint32_t gerror = rig_reg32(r, SR_GERROR) ^ rig_reg32(r, SR_GERRORN);
    uint32_t cons = rig_reg32(r, SR_CMDQ_CONS);

    g_assert_cmphex(rig_reg32(r, SR_CR0ACK), ==, cr0);
    g_assert_cmphex(rig_reg32(r, SR_IRQ_CTRLACK), ==,
                    rig_reg32(r, SR_IRQ_CTRL));
    g_assert_cmphex(gerror & ~0x1fdu, ==, 0);
    g_assert_cmphex(cons & 0x80f00000u, ==, 0);
    if (gerror & GERROR_CMDQ_ERR) {
        g_assert_cmphex(cons >> 24 & 0x7f, !=, 0);
    }
    g_assert_cmphex(rig_reg32(r, SR_EVTQ_PROD) & 0x7ff00000u, ==, 0);
    g_assert_cmphex(rig_reg32(r, SR_PRIQ_PROD) & 0x7ff00000u, ==, 0);
}

Rig *rig_smmu_new_on(const ImSmmuConfig *cfg, void (*less)(ImPort *port))
{
    Rig *r = rig_host_new(&im_smmu_ops, consistent);
    char *err = NULL;

    r->smmu_cfg = cfg ? *cfg : rig_smmu_config();
    if (less) {
        less(&r->port);
    }
    r->smmu = im_smmu_new(&r->smmu_cfg, &r->port, r, &err);
    return rig_made(r, err);
}

Rig *rig_smmu_new(const ImSmmuConfig *cfg)
{
    return rig_smmu_new_on(cfg, NULL);
}
