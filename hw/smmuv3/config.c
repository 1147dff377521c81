/*
 * Configuration: defaults, impossible combinations, and the ID registers
 * that come of it (6.3.1 to 6.3.8).
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/config.h"
#include "hw/smmuv3/regs.h"

/* What Linux needs for SVA by stalls with 48-bit CPUs, and everything else
 * that is modelled and mandatory, or common. */
const ImSmmuConfig IM_SMMU_CONFIG_DEFAULT = {
    .sid_bits = 16,
    .ssid_bits = 20,
    .oas = 48,
    .cmdq_bits = 16,
    .evtq_bits = 15,
    .priq_bits = 15,
    .stall_model = 0,
    .httu = 2,                  /* Linux knows no 3 in a device tree */
    .bbml = 2,
    .stall_max = 128,
    .stage1 = true,
    .stage2 = true,
    .gran4k = true,
    .gran16k = true,
    .gran64k = true,
    .two_level_strtab = true,
    .cd2l = true,
    .coherent = true,
    .hyp = true,
    .ats = true,
    .split_ats = true,
    .ats_rec_err = true,
    .pri = true,
    .msi = true,
    .asid16 = true,
    .vmid16 = true,
    .had = true,
    .xnx = true,
    .ril = true,
    .fwb = true,
    .e0pd = true,
    .attr_types_ovr = true,
    .attr_perms_ovr = true,
    .ats_timeout_ns = UINT64_C(10000000000),
    .tlb_entries = 65536,
};

/*
 * N(feature, prerequisite). A prerequisite stands above its dependents, so
 * that one pass prunes them all.
 */
#define SMMU_NEEDS(N)                                                     \
    N(hyp, stage1)                                                        \
    N(hyp, stage2)                                                        \
    N(asid16, stage1)                                                     \
    N(cd2l, stage1)                                                       \
    N(had, stage1)                                                        \
    N(vmid16, stage2)                                                     \
    N(vmw, stage2)                                                        \
    N(xnx, stage2)                                                        \
    N(split_ats, ats)                                                     \
    N(split_ats, stage1)                                                  \
    N(split_ats, stage2)                                                  \
    N(ats_rec_err, ats)                                                   \
    N(pri, ats)                                                           \
    N(pps, pri)

#define CONFIG_NEED(f, n)  IM_CONFIG_NEED(ImSmmuConfig, f, n),
static const ImConfigNeed config_needs[] = { SMMU_NEEDS(CONFIG_NEED) };

/* --- versions, 2.3 to 2.9, and what 6.3 says of each field -------------- */

enum { STAGE1 = 1, STAGE2 = 2, NEVER = UINT8_MAX };
#define NEWEST  4

/* Version 3.0 has nothing of 3.1: those fields are RES0. */
typedef struct VersionRow {
    const char *name;
    size_t offset;              /* of a byte */
    bool flag;                  /* on or off, not a number */
    uint8_t least;              /* from which value on it is there */
    uint8_t less;               /* the value without it */
    uint8_t since;              /* minor version that brought it */
    uint8_t must;               /* that demands it, */
    uint8_t stages;             /* of a unit with these */
} VersionRow;

#define MEMBER(m)                                                         \
    .name = #m, .offset = G_STRUCT_OFFSET(ImSmmuConfig, m),               \
    .flag = _Generic(((ImSmmuConfig *)NULL)->m, bool: true, default: false)

static const VersionRow version_rows[] = {
    { MEMBER(had), .least = 1, .must = 1, .stages = STAGE1 },
    { MEMBER(xnx), .least = 1, .since = 1, .must = 1, .stages = STAGE2 },
    { MEMBER(va_bits), .least = 52, .less = 48, .since = 1, .must = NEVER },
    { MEMBER(oas), .least = 52, .less = 48, .since = 1, .must = NEVER },
    { MEMBER(hyp), .least = 1, .must = 2, .stages = STAGE1 | STAGE2 },
    { MEMBER(ril), .least = 1, .since = 2, .must = 2 },
    { MEMBER(bbml), .least = 1, .since = 2, .must = 2 },
    { MEMBER(fwb), .least = 1, .since = 2, .must = 2 },
    { MEMBER(stt), .least = 1, .since = 2, .must = NEVER },
    { MEMBER(e0pd), .least = 1, .since = 3, .must = 3 },
    { MEMBER(ats_rec_err), .least = 1, .since = 3, .must = NEVER },
    { MEMBER(httu), .least = 3, .less = 2, .since = 4, .must = NEVER },
};

static bool smmu_config_is_there(const ImSmmuConfig *c, const VersionRow *row)
{
    return G_STRUCT_MEMBER(uint8_t, c, row->offset) >= row->least;
}

/* What keeps the unit from the version after the one it has; NULL: nothing
 * does. */
IM_RULE(SMMU_REG_AIDR);
static const VersionRow *smmu_config_missing(const ImSmmuConfig *c)
{
    unsigned stages = (c->stage1 ? STAGE1 : 0u) | (c->stage2 ? STAGE2 : 0u);
    const VersionRow *first = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(version_rows); i++) {
        const VersionRow *row = &version_rows[i];

        if (row->must != NEVER && (stages & row->stages) == row->stages &&
            !smmu_config_is_there(c, row) &&
            (!first || row->must < first->must)) {
            first = row;
        }
    }
    return first;
}

uint32_t im_smmu_aidr(const ImSmmuConfig *cfg)
{
    const VersionRow *row = smmu_config_missing(cfg);

    return row ? row->must - 1u : NEWEST;
}

/* A version may have features of the next one. */
IM_RULE(SMMU_REG_VERSIONS);
static bool smmu_config_allowed(unsigned minor, unsigned since)
{
    return since <= (minor ? minor + 1 : 0);
}

static void smmu_config_prune_versions(ImSmmuConfig *c)
{
    unsigned minor = im_smmu_aidr(c);

    for (size_t i = 0; i < G_N_ELEMENTS(version_rows); i++) {
        const VersionRow *row = &version_rows[i];

        if (smmu_config_is_there(c, row) &&
            !smmu_config_allowed(minor, row->since)) {
            G_STRUCT_MEMBER(uint8_t, c, row->offset) = row->less;
        }
    }
}

static char *smmu_config_spelled(const VersionRow *row)
{
    return row->flag ? g_strdup_printf("%s=on", row->name) :
                       g_strdup_printf("%s=%u", row->name, row->least);
}

static char *smmu_config_check_versions(const ImSmmuConfig *c)
{
    const VersionRow *lack = smmu_config_missing(c);
    unsigned minor = im_smmu_aidr(c);

    for (size_t i = 0; i < G_N_ELEMENTS(version_rows); i++) {
        const VersionRow *row = &version_rows[i];

        if (smmu_config_is_there(c, row) &&
            !smmu_config_allowed(minor, row->since)) {
            g_autofree char *has = smmu_config_spelled(row);
            g_autofree char *needs = smmu_config_spelled(lack);

            return g_strdup_printf("%s needs %s: without it the unit is "
                                   "SMMUv3.%u",
                                   has, needs, minor);
        }
    }
    return NULL;
}

/* --- what needs what ---------------------------------------------------- */

void im_smmu_config_prune(ImSmmuConfig *config)
{
    im_config_prune(config, config_needs, G_N_ELEMENTS(config_needs));
    if (!config->stage1) {
        config->ssid_bits = 0;
    }
    if (!config->ssid_bits) {
        config->cd2l = false;
        config->pps = false;
    }
    if (!config->two_level_strtab) {
        config->sid_bits = MIN(config->sid_bits, 6);
    }
    if (config->stall_model == 1) {
        config->stall_max = 0;
    }
    if (!config->gran64k) {
        config->oas = MIN(config->oas, 48);
        config->va_bits = MIN(config->va_bits, 48);
    }
    smmu_config_prune_versions(config);
}

#define CONFIG_RANGE(f, min, max) \
    IM_CONFIG_RANGE(ImSmmuConfig, f, min, max)

/* clang-format off */
static const ImConfigRange config_ranges[] = {
    CONFIG_RANGE(sid_bits, 0, 32),
    CONFIG_RANGE(ssid_bits, 0, IM_PASID_BITS),
    CONFIG_RANGE(oas, 32, 52),
    CONFIG_RANGE(cmdq_bits, 0, 19),
    CONFIG_RANGE(evtq_bits, 0, 19),
    CONFIG_RANGE(priq_bits, 0, 19),
    CONFIG_RANGE(stall_model, 0, 2),
    CONFIG_RANGE(httu, 0, 3),
    CONFIG_RANGE(bbml, 0, 2),
    CONFIG_RANGE(tlb_entries, 16, 1u << 24),
};
/* clang-format on */

/* IDR5.OAS by its encoding */
static const uint8_t oas_bits[] = { 32, 36, 40, 42, 44, 48, 52 };

static unsigned smmu_config_oas_code(unsigned bits)
{
    unsigned code = 0;

    while (code < G_N_ELEMENTS(oas_bits) && oas_bits[code] != bits) {
        code++;
    }
    return code;
}

static char *smmu_config_check_stalls(const ImSmmuConfig *c)
{
    if (c->stall_model == 1 && c->stall_max) {
        return g_strdup_printf("stall_max=%u needs a stall_model other than "
                               "1, terminate only",
                               c->stall_max);
    }
    if (c->stall_model != 1 && !c->stall_max) {
        return g_strdup_printf("stall_model=%u needs stall_max above 0",
                               c->stall_model);
    }
    return NULL;
}

static char *smmu_config_check_values(const ImSmmuConfig *c)
{
    if (smmu_config_oas_code(c->oas) == G_N_ELEMENTS(oas_bits)) {
        return g_strdup_printf("oas=%u is not 32, 36, 40, 42, 44, 48 or 52",
                               c->oas);
    }
    if (c->oas == 52 && !c->gran64k) {
        return g_strdup("oas=52 needs gran64k=on");
    }
    if (c->va_bits && c->va_bits != 48 && c->va_bits != 52) {
        return g_strdup_printf("va_bits=%u is not 0, 48 or 52", c->va_bits);
    }
    if (c->va_bits == 52 && !c->gran64k) {
        return g_strdup("va_bits=52 needs gran64k=on");
    }
    if (!c->stage1 && !c->stage2) {
        return g_strdup("stage1=off needs stage2=on");
    }
    if (!c->gran4k && !c->gran16k && !c->gran64k) {
        return g_strdup("gran4k=off and gran16k=off need gran64k=on");
    }
    if (c->sid_bits > 6 && !c->two_level_strtab) {
        return g_strdup_printf("sid_bits=%u needs two_level_strtab=on: more "
                               "than 64 StreamIDs",
                               c->sid_bits);
    }
    if (c->ssid_bits && !c->stage1) {
        return g_strdup_printf("ssid_bits=%u needs stage1=on", c->ssid_bits);
    }
    if (c->cd2l && !c->ssid_bits) {
        return g_strdup("cd2l=on needs ssid_bits above 0");
    }
    if (c->pps && !c->ssid_bits) {
        return g_strdup("pps=on needs ssid_bits above 0");
    }
    if (c->tlb_entries & (c->tlb_entries - 1)) {
        return g_strdup_printf("tlb_entries=%u is not a power of two",
                               c->tlb_entries);
    }
    if (c->ats && !c->ats_timeout_ns) {
        return g_strdup("ats=on needs ats_timeout_ns above 0");
    }
    return smmu_config_check_stalls(c);
}

/* AArch64 tables, little endian; wired and, perhaps, message signalled
 * interrupts, no wake-up events. */
IM_RULE(SMMU_REG_IDR);
static uint64_t smmu_config_build_idr0(const ImSmmuConfig *c)
{
    bool split_meaningful = c->ats && c->stage1 && c->stage2;

    return IM_PUT(SMMU_IDR0_S2P, c->stage2) | IM_PUT(SMMU_IDR0_S1P, c->stage1) |
           IM_PUT(SMMU_IDR0_TTF, 2) | IM_PUT(SMMU_IDR0_COHACC, c->coherent) |
           IM_PUT(SMMU_IDR0_HTTU, c->httu) | IM_PUT(SMMU_IDR0_HYP, c->hyp) |
           IM_PUT(SMMU_IDR0_ATS, c->ats) |
           IM_PUT(SMMU_IDR0_NS1ATS, split_meaningful && !c->split_ats) |
           IM_PUT(SMMU_IDR0_ASID16, c->asid16) | IM_PUT(SMMU_IDR0_MSI, c->msi) |
           IM_PUT(SMMU_IDR0_PRI, c->pri) | IM_PUT(SMMU_IDR0_VMW, c->vmw) |
           IM_PUT(SMMU_IDR0_VMID16, c->vmid16) |
           IM_PUT(SMMU_IDR0_CD2L, c->cd2l) | IM_PUT(SMMU_IDR0_TTENDIAN, 2) |
           IM_PUT(SMMU_IDR0_ATSRECERR, c->ats_rec_err) |
           IM_PUT(SMMU_IDR0_STALL_MODEL, c->stall_model) |
           IM_PUT(SMMU_IDR0_TERM_MODEL, c->term_model) |
           IM_PUT(SMMU_IDR0_ST_LEVEL, c->two_level_strtab);
}

static uint64_t smmu_config_build_idr1(const ImSmmuConfig *c)
{
    return IM_PUT(SMMU_IDR1_SIDSIZE, c->sid_bits) |
           IM_PUT(SMMU_IDR1_SSIDSIZE, c->ssid_bits) |
           IM_PUT(SMMU_IDR1_PRIQS, c->pri ? c->priq_bits : 0) |
           IM_PUT(SMMU_IDR1_EVENTQS, c->evtq_bits) |
           IM_PUT(SMMU_IDR1_CMDQS, c->cmdq_bits) |
           IM_PUT(SMMU_IDR1_ATTR_PERMS_OVR, c->attr_perms_ovr) |
           IM_PUT(SMMU_IDR1_ATTR_TYPES_OVR, c->attr_types_ovr);
}

static uint64_t smmu_config_build_idr3(const ImSmmuConfig *c)
{
    unsigned minor = im_smmu_aidr(c);

    return IM_PUT(SMMU_IDR3_HAD, c->had) | IM_PUT(SMMU_IDR3_XNX, c->xnx) |
           IM_PUT(SMMU_IDR3_PPS, c->pps) | IM_PUT(SMMU_IDR3_FWB, c->fwb) |
           IM_PUT(SMMU_IDR3_STT, c->stt) | IM_PUT(SMMU_IDR3_RIL, c->ril) |
           IM_PUT(SMMU_IDR3_BBML, c->bbml) | IM_PUT(SMMU_IDR3_E0PD, c->e0pd) |
           IM_PUT(SMMU_IDR3_PTWNNC,
                  c->stage2 && smmu_config_allowed(minor, 3)) |
           IM_PUT(SMMU_IDR3_EPAN, smmu_config_allowed(minor, 4)) |
           IM_PUT(SMMU_IDR3_MTEPERM,
                  c->stage2 && smmu_config_allowed(minor, 4));
}

static uint64_t smmu_config_build_idr5(const ImSmmuConfig *c)
{
    return IM_PUT(SMMU_IDR5_OAS, smmu_config_oas_code(c->oas)) |
           IM_PUT(SMMU_IDR5_GRAN4K, c->gran4k) |
           IM_PUT(SMMU_IDR5_GRAN16K, c->gran16k) |
           IM_PUT(SMMU_IDR5_GRAN64K, c->gran64k) |
           IM_PUT(SMMU_IDR5_VAX, c->va_bits ? c->va_bits == 52 : c->oas == 52) |
           IM_PUT(SMMU_IDR5_STALL_MAX, c->stall_max);
}

char *im_smmu_config_apply(ImSmmu *s, const ImSmmuConfig *cfg)
{
    char *why = im_config_check_ranges(cfg, config_ranges,
                                       G_N_ELEMENTS(config_ranges));

    why = why ? why : smmu_config_check_values(cfg);
    why = why ? why :
                im_config_check_needs(cfg, config_needs,
                                      G_N_ELEMENTS(config_needs));
    why = why ? why : smmu_config_check_versions(cfg);
    if (why) {
        return why;
    }
    s->cfg = *cfg;
    s->ids.idr[0] = (uint32_t)smmu_config_build_idr0(cfg);
    s->ids.idr[1] = (uint32_t)smmu_config_build_idr1(cfg);
    s->ids.idr[3] = (uint32_t)smmu_config_build_idr3(cfg);
    s->ids.idr[5] = (uint32_t)smmu_config_build_idr5(cfg);
    s->oas_mask = UINT64_MAX >> (64 - im_smmu_oas(&s->ids));
    return NULL;
}
