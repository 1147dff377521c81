/*
 * Configuration: defaults, impossible combinations, and the capability
 * registers that come of it (11.4.1 to 11.4.3).
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/config.h"
#include "hw/vtd/regs.h"

/* What unmodified Linux needs for SVA with page requests on any CPU. */
const ImVtdConfig IM_VTD_CONFIG_DEFAULT = {
    .major = 5,
    .aw_bits = 57,
    .haw_bits = 52,
    .domain_bits = 16,
    .pasid_bits = 20,
    .fault_records = 8,
    .dma_translation = true,
    .scalable = true,
    .first_stage = true,
    .second_stage = true,
    .nested = true,
    .pass_through = true,
    .fs5lp = true,
    .fs1gp = true,
    .ss2m = true,
    .ss1g = true,
    .device_tlb = true,
    .page_request = true,
    .no_write_flag = true,
    .supervisor = true,
    .ext_accessed = true,
    .ss_dirty = true,
    .page_walk_coherency = true,
    .rid_pasid = true,
    .abort_dma = true,
    .coherent = true,
    .snoop_control = true,
    .intremap = true,
    .eim = true,
    .psi = true,
    .zlr = true,
    .esrtps = true,
    .esirtps = true,
    .stop_marker = true,
    .ats_timeout_ns = UINT64_C(10000000000),
    .iotlb_entries = 65536,
};

/*
 * N(feature, prerequisite): what chapter 11.4.2 and 11.4.3 report as Clear
 * when something else is Clear. A prerequisite stands above its dependents,
 * so that one pass prunes them all. second_stage needs nothing: legacy mode
 * has it anyway.
 */
#define VTD_NEEDS(N)                                                      \
    N(scalable, dma_translation)                                          \
    N(first_stage, scalable)                                              \
    N(page_walk_coherency, scalable)                                      \
    N(rid_pasid, scalable)                                                \
    N(supervisor, scalable)                                               \
    N(rid_priv, supervisor)                                               \
    N(nested, first_stage)                                                \
    N(nested, second_stage)                                               \
    N(fs5lp, first_stage)                                                 \
    N(fs1gp, first_stage)                                                 \
    N(ext_accessed, first_stage)                                          \
    N(ext_accessed, page_walk_coherency)                                  \
    N(ss_dirty, second_stage)                                             \
    N(ss_dirty, page_walk_coherency)                                      \
    N(ss_io_rw, scalable)                                                 \
    N(ss_io_rw, second_stage)                                             \
    N(ss1g, ss2m)                                                         \
    N(page_request, scalable)                                             \
    N(page_request, device_tlb)                                           \
    N(no_write_flag, device_tlb)                                          \
    N(translated_pasid, device_tlb)                                       \
    N(early_ats_inv, device_tlb)                                          \
    N(stop_marker, page_request)                                          \
    N(eim, intremap)                                                      \
    N(esirtps, intremap)                                                  \
    N(intremap_required, intremap)                                        \
    N(eim_required, eim)

#define CONFIG_NEED(f, n)  IM_CONFIG_NEED(ImVtdConfig, f, n),
static const ImConfigNeed config_needs[] = { VTD_NEEDS(CONFIG_NEED) };

/*
 * The first stage has 4 levels or 5. Linux wants one width for both stages,
 * and with a second stage of 3 levels finds none.
 */
static bool vtd_config_shares_no_width(const ImVtdConfig *c)
{
    return c->aw_bits == 39 && c->second_stage;
}

void im_vtd_config_prune(ImVtdConfig *config)
{
    config->first_stage &= !vtd_config_shares_no_width(config);
    config->scalable &= config->first_stage || config->second_stage;
    im_config_prune(config, config_needs, G_N_ELEMENTS(config_needs));
    if (!config->scalable) {
        config->pasid_bits = 0;
    }
    config->translated_pasid &= config->pasid_bits > 0;
    config->vcmd = config->pasid_bits ? config->vcmd : NULL;
    config->haw_bits = MIN(config->haw_bits, config->aw_bits);
}

#define CONFIG_RANGE(f, min, max) \
    IM_CONFIG_RANGE(ImVtdConfig, f, min, max)

static const ImConfigRange config_ranges[] = {
    CONFIG_RANGE(major, 1, 5),
    CONFIG_RANGE(aw_bits, 39, 57),
    CONFIG_RANGE(haw_bits, 32, 52),
    CONFIG_RANGE(domain_bits, 4, 16),
    CONFIG_RANGE(pasid_bits, 0, IM_PASID_BITS),
    CONFIG_RANGE(fault_records, 1, VTD_FRCD_MAX),
    CONFIG_RANGE(iotlb_entries, 16, 1u << 24),
};

static char *vtd_config_check_values(const ImVtdConfig *c)
{
    if (c->aw_bits != 39 && c->aw_bits != 48 && c->aw_bits != 57) {
        return g_strdup_printf("aw_bits=%u is not 39, 48 or 57", c->aw_bits);
    }
    if (c->haw_bits > c->aw_bits) {
        return g_strdup_printf("haw_bits=%u is more than aw_bits=%u: MGAW "
                               "must reach all of memory",
                               c->haw_bits, c->aw_bits);
    }
    if (c->domain_bits % 2) {
        return g_strdup_printf("domain_bits=%u is not 4, 6, 8, 10, 12, 14 "
                               "or 16",
                               c->domain_bits);
    }
    if (c->iotlb_entries & (c->iotlb_entries - 1)) {
        return g_strdup_printf("iotlb_entries=%u is not a power of two",
                               c->iotlb_entries);
    }
    if (c->pasid_bits && !c->scalable) {
        return g_strdup_printf("pasid_bits=%u needs scalable=on",
                               c->pasid_bits);
    }
    if (c->translated_pasid && !c->pasid_bits) {
        return g_strdup("translated_pasid=on needs pasid_bits above 0");
    }
    if (c->vcmd && !c->pasid_bits) {
        return g_strdup("vcmd needs pasid_bits above 0");
    }
    if (c->scalable && !c->first_stage && !c->second_stage) {
        return g_strdup("scalable=on needs first_stage=on or "
                        "second_stage=on");
    }
    if (c->device_tlb && !c->ats_timeout_ns) {
        return g_strdup("device_tlb=on needs ats_timeout_ns above 0");
    }
    return NULL;
}

static uint64_t vtd_config_sagaw(const ImVtdConfig *c)
{
    return !c->dma_translation ?
               0 :
               (c->aw_bits >= 39 ? 0x2u : 0) | (c->aw_bits >= 48 ? 0x4u : 0) |
                   (c->aw_bits >= 57 ? 0x8u : 0);
}

/* Draining is what a model without queues does. */
IM_RULE(VTD_REG_CAP);
static uint64_t vtd_config_build_cap(const ImVtdConfig *c)
{
    uint64_t sslps = (c->ss2m ? 1u : 0) | (c->ss1g ? 2u : 0);

    return IM_PUT(VTD_CAP_ND, (c->domain_bits - 4) / 2) |
           IM_PUT(VTD_CAP_CM, c->caching_mode) |
           IM_PUT(VTD_CAP_SAGAW, vtd_config_sagaw(c)) |
           IM_PUT(VTD_CAP_MGAW, c->aw_bits - 1) | IM_PUT(VTD_CAP_ZLR, c->zlr) |
           IM_PUT(VTD_CAP_FRO, VTD_FRCD_OFFSET / 16) |
           IM_PUT(VTD_CAP_SSLPS, sslps) | IM_PUT(VTD_CAP_PSI, c->psi) |
           IM_PUT(VTD_CAP_NFR, c->fault_records - 1) |
           IM_PUT(VTD_CAP_MAMV, c->psi ? 18 : 0) | IM_PUT(VTD_CAP_DWD, 1) |
           IM_PUT(VTD_CAP_DRD, 1) | IM_PUT(VTD_CAP_FS1GP, c->fs1gp) |
           IM_PUT(VTD_CAP_FS5LP, c->fs5lp) |
           IM_PUT(VTD_CAP_ESIRTPS, c->esirtps) |
           IM_PUT(VTD_CAP_ESRTPS, c->esrtps);
}

IM_RULE(VTD_REG_ECAP);
static uint64_t vtd_config_build_ecap(const ImVtdConfig *c)
{
    return IM_PUT(VTD_ECAP_C, c->coherent) | IM_PUT(VTD_ECAP_QI, 1) |
           IM_PUT(VTD_ECAP_DT, c->device_tlb) |
           IM_PUT(VTD_ECAP_IR, c->intremap) | IM_PUT(VTD_ECAP_EIM, c->eim) |
           IM_PUT(VTD_ECAP_PT, c->pass_through) |
           IM_PUT(VTD_ECAP_SC, c->snoop_control) |
           IM_PUT(VTD_ECAP_IRO, VTD_IVA_OFFSET / 16) |
           IM_PUT(VTD_ECAP_MHMV, c->intremap ? 15 : 0) |
           IM_PUT(VTD_ECAP_NEST, c->nested) |
           IM_PUT(VTD_ECAP_PRS, c->page_request) |
           IM_PUT(VTD_ECAP_SRS, c->supervisor) |
           IM_PUT(VTD_ECAP_NWFS, c->no_write_flag) |
           IM_PUT(VTD_ECAP_EAFS, c->ext_accessed) |
           IM_PUT(VTD_ECAP_PSS, c->pasid_bits ? c->pasid_bits - 1 : 0) |
           IM_PUT(VTD_ECAP_PASID, c->pasid_bits > 0) |
           IM_PUT(VTD_ECAP_PDS, c->page_request) |
           IM_PUT(VTD_ECAP_SMTS, c->scalable) |
           IM_PUT(VTD_ECAP_VCS, c->vcmd != NULL) |
           IM_PUT(VTD_ECAP_SSADS, c->ss_dirty) |
           IM_PUT(VTD_ECAP_SSTS, c->scalable && c->second_stage) |
           IM_PUT(VTD_ECAP_FSTS, c->first_stage) |
           IM_PUT(VTD_ECAP_SMPWCS, c->page_walk_coherency) |
           IM_PUT(VTD_ECAP_RPS, c->rid_pasid) |
           IM_PUT(VTD_ECAP_ADMS, c->abort_dma) |
           IM_PUT(VTD_ECAP_RPRIVS, c->rid_priv) |
           IM_PUT(VTD_ECAP_PTRS, c->translated_pasid) |
           IM_PUT(VTD_ECAP_SSIRWS, c->ss_io_rw) |
           IM_PUT(VTD_ECAP_SMS, c->stop_marker) |
           IM_PUT(VTD_ECAP_EIMER, c->eim_required) |
           IM_PUT(VTD_ECAP_IRREQ, c->intremap_required);
}

char *im_vtd_config_apply(ImVtd *s, const ImVtdConfig *cfg)
{
    char *why = im_config_check_ranges(cfg, config_ranges,
                                       G_N_ELEMENTS(config_ranges));

    why = why ? why : vtd_config_check_values(cfg);
    why = why ? why :
                im_config_check_needs(cfg, config_needs,
                                      G_N_ELEMENTS(config_needs));
    if (why) {
        return why;
    }
    s->cfg = *cfg;
    s->ver = (uint32_t)IM_PUT(VTD_VER_MAX, cfg->major);
    s->cap = vtd_config_build_cap(cfg);
    s->ecap = vtd_config_build_ecap(cfg);
    return NULL;
}
