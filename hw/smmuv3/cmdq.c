/*
 * The command queue: chapter 4, and 7.1.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/regs.h"
#include "im/spec/smmu_cmds.h.inc"

#define SMMU_LAYOUT_ROW(l)  IM_LAYOUT(l);
SMMU_CMD_LAYOUTS(SMMU_LAYOUT_ROW)
#undef SMMU_LAYOUT_ROW

struct SmmuCmdq {
    bool running;               /* consuming: no second consumer */
    bool fenced;                /* the CMD_SYNC at CONS asked for a fence, */
    uint64_t ticket;            /* which is not done; 0: it is */
};

/* CMDQ_CONS.ERR, and two that are no errors. */
IM_RULE(SMMU_CMD_CERROR_ILL);
IM_RULE(SMMU_CMD_CERROR_ABT);
IM_RULE(SMMU_CMD_CERROR_ATC_INV_SYNC);
typedef enum CmdResult {
    CMD_DONE = 0,
    CMD_ILL = 1,
    CMD_ABT = 2,
    CMD_ATC_SYNC = 3,
    CMD_LATER,                  /* not now: CONS stays */
} CmdResult;

/* Whether a command is executed; of an error, the rule and why. */
typedef struct Verdict {
    CmdResult result;
    ImClause clause;
    const char *text;
} Verdict;

typedef enum CmdGate {
    GATE_ALWAYS,
    GATE_S1,
    GATE_S2,
    GATE_HYP,
    GATE_ATS,
    GATE_PRI,
    GATE_STALL,
    GATE_NEVER,                 /* what this unit does not report */
} CmdGate;

/* Pure, but that CMD_SYNC asks for a fence, once: what is not executed now has
 * no effect. */
typedef Verdict CmdCheck(const ImSmmu *s, const uint64_t *d);
typedef void CmdRun(ImSmmu *s, const uint64_t *d);

enum { HAS_VMID = 1, HAS_ASID = 2, HAS_ADDR = 4 };

typedef struct CmdDef {
    const char *name;
    uint8_t gate;               /* the feature without which it is illegal */
    bool ssec;                  /* the field exists, and 1 is illegal here */
    CmdCheck *check;           /* whether it can be executed now; NULL: yes */
    CmdRun *run;
    uint8_t scope;              /* TLBI_*: SmmuTlbiScope, */
    bool el2;                   /* of the EL2 worlds, */
    uint8_t fields;             /* HAS_*: what else names the translations */
} CmdDef;

static const CmdDef *smmu_cmdq_def_of(const uint64_t *d);

static const Verdict go_ahead = { CMD_DONE, IM_CLAUSE_NONE, NULL };

static Verdict smmu_cmdq_illegal(ImClause clause, const char *text)
{
    return (Verdict) { CMD_ILL, clause, text };
}

static uint32_t smmu_cmdq_sid(const uint64_t *d)
{
    return (uint32_t)IM_GET(d[0], SMMU_CFG0_SID);
}

/* Without substreams SSV is taken for 0. */
static bool smmu_cmdq_ssv(const ImSmmu *s, const uint64_t *d)
{
    return IM_GET(d[0], SMMU_CFG0_SSV) &&
           IM_GET(s->ids.idr[1], SMMU_IDR1_SSIDSIZE);
}

/* --- Configuration. ----------------------------------------------------- */

/* A hint that is not taken. */
IM_RULE(SMMU_CMD_PREFETCH);
static void smmu_cmdq_prefetch(ImSmmu *s G_GNUC_UNUSED,
                               const uint64_t *d G_GNUC_UNUSED)
{
}

static void smmu_cmdq_unmap_stream(ImSmmu *s, uint32_t sid)
{
    ImUnmap unmap = {
        .mask = UINT64_MAX,
        .rid = (uint16_t)sid,
        .has_rid = true,
    };

    im_smmu_unmap_fn(s, &unmap);
}

IM_RULE(SMMU_CMD_CFGI_STE);
static void smmu_cmdq_cfgi_ste(ImSmmu *s, const uint64_t *d)
{
    im_smmu_inv_ste(s, smmu_cmdq_sid(d), 0, IM_GET(d[1], SMMU_CFG1_LEAF));
    smmu_cmdq_unmap_stream(s, smmu_cmdq_sid(d));
}

IM_RULE(SMMU_CMD_CFGI_STE_RANGE);
IM_RULE(SMMU_CMD_CFGI_ALL);
static void smmu_cmdq_cfgi_ste_range(ImSmmu *s, const uint64_t *d)
{
    unsigned lg2 = (unsigned)IM_GET(d[1], SMMU_RANGE1_RANGE) + 1;
    uint32_t sid = lg2 == 32 ? 0 : smmu_cmdq_sid(d) & ~((1u << lg2) - 1);

    im_smmu_inv_ste(s, sid, lg2, false);
    im_smmu_unmap(s, 0, UINT64_MAX);
}

/*
 * Listeners know nothing of PASIDs: only what may drop the CD of index 0
 * concerns them.
 */
IM_RULE(SMMU_CMD_CFGI_CD);
static void smmu_cmdq_cfgi_cd(ImSmmu *s, const uint64_t *d)
{
    bool leaf = IM_GET(d[1], SMMU_CFG1_LEAF);
    uint32_t ssid = 0;

    if (IM_GET(s->ids.idr[1], SMMU_IDR1_SSIDSIZE)) {
        ssid = (uint32_t)IM_GET(d[0], SMMU_CFG0_SSID);
    }
    im_smmu_inv_cd(s, smmu_cmdq_sid(d), ssid, leaf);
    if (ssid == 0 || !leaf) {
        smmu_cmdq_unmap_stream(s, smmu_cmdq_sid(d));
    }
}

IM_RULE(SMMU_CMD_CFGI_CD_ALL);
static void smmu_cmdq_cfgi_cd_all(ImSmmu *s, const uint64_t *d)
{
    im_smmu_inv_cd_all(s, smmu_cmdq_sid(d));
    smmu_cmdq_unmap_stream(s, smmu_cmdq_sid(d));
}

/* --- TLBs. -------------------------------------------------------------- */

IM_RULE(SMMU_CMD_VMW);
static uint16_t smmu_cmdq_vmid_ignore(const ImSmmu *s)
{
    unsigned vmw = (unsigned)IM_GET(s->cr0, SMMU_CR0_VMW);

    return (uint16_t)(vmw > 4 ? 0 : (1u << vmw) - 1);
}

/* The bits of VMIDs and ASIDs above what is implemented are RES0. */
static uint16_t smmu_cmdq_tag_mask(const ImSmmu *s, uint64_t is16)
{
    return im_smmu_has(s, is16) ? 0xffff : 0xff;
}

static bool smmu_cmdq_tlbi_range(const ImSmmu *s, const uint64_t *d,
                                 SmmuTlbi *t)
{
    static const uint8_t granules[] = { 0, 12, 14, 16 };
    unsigned granule = 0, num = 0, scale = 0, ttl = 0;
    uint64_t addr = d[1] & IM_MASK(SMMU_TLBI1_ADDR);
    uint64_t pages = 1;

    if (s->ids.idr[3] & IM_MASK(SMMU_IDR3_RIL)) {
        granule = granules[IM_GET(d[1], SMMU_TLBI1_TG)];
    }
    IM_RULE(SMMU_CMD_RIL);
    if (granule) {
        num = (unsigned)IM_GET(d[0], SMMU_TLBI0_NUM);
        scale = (unsigned)IM_GET(d[0], SMMU_TLBI0_SCALE);
        ttl = (unsigned)IM_GET(d[1], SMMU_TLBI1_TTL);
        ttl = granule == 14 && ttl == 1 ? 0 : ttl;
        if (num == 0 && scale == 0 && ttl == 0) {
            return false;
        }
        pages = (uint64_t)(num + 1) << scale;
        addr &= ~((UINT64_C(1) << granule) - 1);
    }
    t->addr = addr;
    t->last = addr + ((pages << (granule ? granule : 12)) - 1);
    if (t->last < addr) {
        t->last = UINT64_MAX;           /* it does not wrap */
    }
    t->leaf = IM_GET(d[1], SMMU_TLBI1_LEAF);
    return true;
}

/* The smallest aligned region that holds the range. Behind nested stages an
 * IPA says nothing of the addresses that listeners know. */
static void smmu_cmdq_tlbi_unmap(ImSmmu *s, const SmmuTlbi *t, uint8_t fields)
{
    uint64_t mask = UINT64_MAX;

    if ((fields & HAS_ADDR) && (t->scope != SMMU_TLBI_IPA ||
                                !im_smmu_has(s, IM_MASK(SMMU_IDR0_S1P)))) {
        uint64_t differ = t->addr ^ t->last;

        mask = differ ? UINT64_MAX >> __builtin_clzll(differ) : 0;
    }
    im_smmu_unmap(s, t->addr, mask);
}

IM_RULE(SMMU_CMD_RIL_RESERVED);
static Verdict smmu_cmdq_check_tlbi(const ImSmmu *s, const uint64_t *d)
{
    SmmuTlbi t = { 0 };

    return smmu_cmdq_tlbi_range(s, d, &t) ?
               go_ahead :
               smmu_cmdq_illegal(IM_CLAUSE(SMMU_CMD_RIL_RESERVED),
                                 "TG is set, but NUM, SCALE and TTL are 0");
}

/* EL2 without E2H has no ASIDs. */
IM_RULE(SMMU_CMD_TLBI_TAGS);
IM_RULE(SMMU_CMD_TLBI_NH_ALL);
IM_RULE(SMMU_CMD_TLBI_NH_ASID);
IM_RULE(SMMU_CMD_TLBI_NH_VA);
IM_RULE(SMMU_CMD_TLBI_NH_VAA);
IM_RULE(SMMU_CMD_TLBI_EL2_ALL);
IM_RULE(SMMU_CMD_TLBI_EL2_ASID);
IM_RULE(SMMU_CMD_TLBI_EL2_VA);
IM_RULE(SMMU_CMD_TLBI_EL2_VAA);
IM_RULE(SMMU_CMD_TLBI_S12_VMALL);
IM_RULE(SMMU_CMD_TLBI_S2_IPA);
IM_RULE(SMMU_CMD_TLBI_NSNH_ALL);
static void smmu_cmdq_tlbi(ImSmmu *s, const uint64_t *d)
{
    const CmdDef *def = smmu_cmdq_def_of(d);
    SmmuTlbi t = {
        .scope = def->scope,
        .el2 = def->el2,
        .last = UINT64_MAX,
        .vmid_ignore = smmu_cmdq_vmid_ignore(s),
    };

    if (def->fields & HAS_ADDR) {
        smmu_cmdq_tlbi_range(s, d, &t);
    }
    if ((def->fields & HAS_VMID) && im_smmu_has(s, IM_MASK(SMMU_IDR0_S2P))) {
        t.vmid = (uint16_t)IM_GET(d[0], SMMU_TLBI0_VMID) &
                 smmu_cmdq_tag_mask(s, IM_MASK(SMMU_IDR0_VMID16));
    }
    if (def->fields & HAS_ASID) {
        t.asid = (uint16_t)IM_GET(d[0], SMMU_TLBI0_ASID) &
                 smmu_cmdq_tag_mask(s, IM_MASK(SMMU_IDR0_ASID16));
    }
    if (def->el2 && t.scope == SMMU_TLBI_VA &&
        !(s->cr2 & IM_MASK(SMMU_CR2_E2H))) {
        t.scope = SMMU_TLBI_VAA;
    }
    im_smmu_tlbi(s, &t);
    smmu_cmdq_tlbi_unmap(s, &t, def->fields);
}

/* --- ATS and PRI. ------------------------------------------------------- */

static void smmu_cmdq_atc_unmap(ImSmmu *s, const ImAtsInv *inv)
{
    /* clang-format off */
    ImUnmap unmap = {
        .addr = inv->addr, .rid = inv->rid, .has_rid = true,
        .device_tlb = true,
        .mask = inv->lg2size == IM_INV_ALL ? UINT64_MAX :
                (UINT64_C(1) << inv->lg2size) - 1,
    };
    /* clang-format on */

    if (!inv->has_pasid) {
        im_smmu_unmap_fn(s, &unmap);    /* they know no PASID */
    }
}

static unsigned smmu_cmdq_atc_lg2(const uint64_t *d)
{
    return (unsigned)IM_GET(d[1], SMMU_ATC1_SIZE) + 12;
}

IM_RULE(SMMU_CMD_ATS_IGNORED);
static bool smmu_cmdq_ats_ignored(const ImSmmu *s)
{
    return !im_smmu_on(s, IM_MASK(SMMU_CR0_SMMUEN));
}

static Verdict smmu_cmdq_check_atc_inv(const ImSmmu *s, const uint64_t *d)
{
    if (smmu_cmdq_atc_lg2(d) > 64) {
        return smmu_cmdq_illegal(IM_CLAUSE(SMMU_CMD_ATC_INV),
                                 "Size is above 52");
    }
    return smmu_cmdq_ats_ignored(s) || im_smmu_atc_room(s, smmu_cmdq_sid(d)) ?
               go_ahead :
               (Verdict) { .result = CMD_LATER };
}

IM_RULE(SMMU_CMD_ATC_INV);
static void smmu_cmdq_atc_inv(ImSmmu *s, const uint64_t *d)
{
    unsigned lg2 = smmu_cmdq_atc_lg2(d);
    uint32_t sid = smmu_cmdq_sid(d);
    ImAtsInv msg = {
        .rid = (uint16_t)sid,
        .segment = (uint16_t)(sid >> 16),
        .has_pasid = smmu_cmdq_ssv(s, d),
    };

    if (smmu_cmdq_ats_ignored(s)) {
        return;
    }
    msg.lg2size = lg2 == 64 ? IM_INV_ALL : (uint8_t)lg2;
    if (lg2 < 64) {
        msg.addr = d[1] & IM_MASK(SMMU_ATC1_ADDR) & ~((UINT64_C(1) << lg2) - 1);
    }
    if (msg.has_pasid) {
        msg.pasid = (uint32_t)IM_GET(d[0], SMMU_ATC0_SSID);
        msg.global = IM_GET(d[0], SMMU_ATC0_G);
    }
    smmu_cmdq_atc_unmap(s, &msg);
    im_smmu_atc_send(s, &msg);
}

static const uint8_t resp_codes[] = {
    IM_PAGE_RESP_FAILURE,
    IM_PAGE_RESP_INVALID,
    IM_PAGE_RESP_SUCCESS,
};

static Verdict smmu_cmdq_check_pri_resp(const ImSmmu *s G_GNUC_UNUSED,
                                        const uint64_t *d)
{
    return IM_GET(d[1], SMMU_PRI1_RESP) < G_N_ELEMENTS(resp_codes) ?
               go_ahead :
               smmu_cmdq_illegal(IM_CLAUSE(SMMU_CMD_PRI_RESP),
                                 "Resp is reserved");
}

IM_RULE(SMMU_CMD_PRI_RESP);
static void smmu_cmdq_pri_resp(ImSmmu *s, const uint64_t *d)
{
    uint32_t sid = smmu_cmdq_sid(d);
    ImPageResp resp = {
        .rid = (uint16_t)sid,
        .segment = (uint16_t)(sid >> 16),
        .prgi = (uint16_t)IM_GET(d[1], SMMU_PRI1_PRGI),
        .has_pasid = smmu_cmdq_ssv(s, d),
    };
    ImEvent ev = {
        .kind = IM_EVENT_PAGE_RESPONSE,
        .name = "software",
        .resp = &resp,
    };

    if (smmu_cmdq_ats_ignored(s)) {
        return;
    }
    resp.code = resp_codes[IM_GET(d[1], SMMU_PRI1_RESP)];
    if (resp.has_pasid) {
        resp.pasid = (uint32_t)IM_GET(d[0], SMMU_CFG0_SSID);
    }
    s->counters.page_responses++;
    im_smmu_trace(s, &ev);
    s->port.page_response(s->host, &resp);
}

/* --- Stalls and synchronization. ---------------------------------------- */

IM_RULE(SMMU_CMD_RESUME);
static void smmu_cmdq_resume(ImSmmu *s, const uint64_t *d)
{
    bool abort = IM_GET(d[0], SMMU_RESUME0_AB) ||
                 im_smmu_has(s, IM_MASK(SMMU_IDR0_TERM_MODEL));
    SmmuResume action = IM_GET(d[0], SMMU_RESUME0_AC) ? SMMU_RESUME_RETRY :
                        abort                         ? SMMU_RESUME_ABORT :
                                                        SMMU_RESUME_RAZWI;

    im_smmu_stall_resume(s, smmu_cmdq_sid(d),
                         (uint16_t)IM_GET(d[1], SMMU_RESUME1_STAG), action);
}

IM_RULE(SMMU_CMD_STALL_TERM);
static void smmu_cmdq_stall_term(ImSmmu *s, const uint64_t *d)
{
    im_smmu_stall_term(s, smmu_cmdq_sid(d));
}

enum { CS_NONE = 0, CS_IRQ = 1, CS_SEV = 2 };

/* Who keeps what was invalidated may need time for it. */
IM_RULE(SMMU_CMD_SYNC_FENCE);
static bool smmu_cmdq_fence_done(const ImSmmu *s)
{
    SmmuCmdq *q = s->cmdq;

    if (!q->fenced) {
        q->fenced = true;
        q->ticket = s->port.fence ? s->port.fence(s->host) : 0;
    }
    return !q->ticket;
}

void im_smmu_fenced(ImSmmu *s, uint64_t ticket)
{
    if (s->cmdq->ticket && ticket >= s->cmdq->ticket) {
        s->cmdq->ticket = 0;
        im_smmu_cmdq_run(s);
    }
}

/* Whatever else came before is complete already. */
IM_RULE(SMMU_CMD_SYNC);
static Verdict smmu_cmdq_check_sync(const ImSmmu *s, const uint64_t *d)
{
    bool done;

    if (IM_GET(d[0], SMMU_SYNC0_CS) > CS_SEV) {
        return smmu_cmdq_illegal(IM_CLAUSE(SMMU_CMD_SYNC_SIGNAL),
                                 "CS is reserved");
    }
    done = smmu_cmdq_fence_done(s);
    if (im_smmu_atc_timed_out(s)) {
        return (Verdict) {
            CMD_ATC_SYNC,
            IM_CLAUSE(SMMU_CMD_ATC_TIMEOUT),
            "a function did not complete an ATC_INV before this in time",
        };
    }
    return !done || im_smmu_atc_outstanding(s) ?
               (Verdict) { .result = CMD_LATER } :
               go_ahead;
}

/* There is no SEV. */
IM_RULE(SMMU_CMD_SYNC_SIGNAL);
static void smmu_cmdq_sync(ImSmmu *s, const uint64_t *d)
{
    if (IM_GET(d[0], SMMU_SYNC0_CS) == CS_IRQ) {
        im_smmu_irq_sync(s, d[1] & IM_MASK(SMMU_SYNC1_MSIADDR),
                         (uint32_t)IM_GET(d[0], SMMU_SYNC0_MSIDATA));
    }
}

/* --- The table. Reserved fields have no column: they are ignored. ------- */

IM_RULE(SMMU_CMD_RES0);
/* clang-format off */
static const CmdDef cmds[256] = {
    [0x01] = { .name = "PREFETCH_CONFIG", .ssec = true,
               .run = smmu_cmdq_prefetch },
    [0x02] = { .name = "PREFETCH_ADDR", .ssec = true,
               .run = smmu_cmdq_prefetch },
    [0x03] = { .name = "CFGI_STE", .ssec = true, .run = smmu_cmdq_cfgi_ste },
    [0x04] = { .name = "CFGI_STE_RANGE", .ssec = true,
               .run = smmu_cmdq_cfgi_ste_range },
    [0x05] = { .name = "CFGI_CD", .gate = GATE_S1, .ssec = true,
               .run = smmu_cmdq_cfgi_cd },
    [0x06] = { .name = "CFGI_CD_ALL", .gate = GATE_S1, .ssec = true,
               .run = smmu_cmdq_cfgi_cd_all },
    [0x07] = { .name = "CFGI_VMS_PIDM", .gate = GATE_NEVER, .ssec = true },
    [0x10] = { .name = "TLBI_NH_ALL", .gate = GATE_S1, .run = smmu_cmdq_tlbi,
               .scope = SMMU_TLBI_ALL, .fields = HAS_VMID },
    [0x11] = { .name = "TLBI_NH_ASID", .gate = GATE_S1, .run = smmu_cmdq_tlbi,
               .scope = SMMU_TLBI_ASID, .fields = HAS_VMID | HAS_ASID },
    [0x12] = { .name = "TLBI_NH_VA", .gate = GATE_S1,
               .check = smmu_cmdq_check_tlbi, .run = smmu_cmdq_tlbi,
               .scope = SMMU_TLBI_VA,
               .fields = HAS_VMID | HAS_ASID | HAS_ADDR },
    [0x13] = { .name = "TLBI_NH_VAA", .gate = GATE_S1,
               .check = smmu_cmdq_check_tlbi, .run = smmu_cmdq_tlbi,
               .scope = SMMU_TLBI_VAA, .fields = HAS_VMID | HAS_ADDR },
    [0x18] = { .name = "TLBI_EL3_ALL", .gate = GATE_NEVER },
    [0x1a] = { .name = "TLBI_EL3_VA", .gate = GATE_NEVER },
    [0x20] = { .name = "TLBI_EL2_ALL", .gate = GATE_HYP, .run = smmu_cmdq_tlbi,
               .scope = SMMU_TLBI_ALL, .el2 = true },
    [0x21] = { .name = "TLBI_EL2_ASID", .gate = GATE_HYP, .run = smmu_cmdq_tlbi,
               .scope = SMMU_TLBI_ASID, .el2 = true, .fields = HAS_ASID },
    [0x22] = { .name = "TLBI_EL2_VA", .gate = GATE_HYP,
               .check = smmu_cmdq_check_tlbi, .run = smmu_cmdq_tlbi,
               .scope = SMMU_TLBI_VA, .el2 = true,
               .fields = HAS_ASID | HAS_ADDR },
    [0x23] = { .name = "TLBI_EL2_VAA", .gate = GATE_HYP,
               .check = smmu_cmdq_check_tlbi, .run = smmu_cmdq_tlbi,
               .scope = SMMU_TLBI_VAA, .el2 = true, .fields = HAS_ADDR },
    [0x28] = { .name = "TLBI_S12_VMALL", .gate = GATE_S2, .run = smmu_cmdq_tlbi,
               .scope = SMMU_TLBI_VMALL, .fields = HAS_VMID },
    [0x2a] = { .name = "TLBI_S2_IPA", .gate = GATE_S2,
               .check = smmu_cmdq_check_tlbi, .run = smmu_cmdq_tlbi,
               .scope = SMMU_TLBI_IPA, .fields = HAS_VMID | HAS_ADDR },
    [0x30] = { .name = "TLBI_NSNH_ALL", .run = smmu_cmdq_tlbi,
               .scope = SMMU_TLBI_NSNH_ALL },
    [0x40] = { .name = "ATC_INV", .gate = GATE_ATS, .ssec = true,
               .check = smmu_cmdq_check_atc_inv, .run = smmu_cmdq_atc_inv },
    [0x41] = { .name = "PRI_RESP", .gate = GATE_PRI, .ssec = true,
               .check = smmu_cmdq_check_pri_resp, .run = smmu_cmdq_pri_resp },
    [0x44] = { .name = "RESUME", .gate = GATE_STALL, .ssec = true,
               .run = smmu_cmdq_resume },
    [0x45] = { .name = "STALL_TERM", .gate = GATE_STALL, .ssec = true,
               .run = smmu_cmdq_stall_term },
    [0x46] = { .name = "SYNC", .check = smmu_cmdq_check_sync,
               .run = smmu_cmdq_sync },
    [0x50] = { .name = "TLBI_S_EL2_ALL", .gate = GATE_NEVER },
    [0x51] = { .name = "TLBI_S_EL2_ASID", .gate = GATE_NEVER },
    [0x52] = { .name = "TLBI_S_EL2_VA", .gate = GATE_NEVER },
    [0x53] = { .name = "TLBI_S_EL2_VAA", .gate = GATE_NEVER },
    [0x58] = { .name = "TLBI_S_S12_VMALL", .gate = GATE_NEVER },
    [0x5a] = { .name = "TLBI_S_S2_IPA", .gate = GATE_NEVER },
    [0x60] = { .name = "TLBI_SNH_ALL", .gate = GATE_NEVER },
    [0x70] = { .name = "DPTI_ALL", .gate = GATE_NEVER },
    [0x73] = { .name = "DPTI_PA", .gate = GATE_NEVER },
};
/* clang-format on */

static const CmdDef *smmu_cmdq_def_of(const uint64_t *d)
{
    return &cmds[IM_GET(d[0], SMMU_CFG0_OP)];
}

/* CFGI_ALL is CFGI_STE_RANGE of all there are. */
const char *im_smmu_cmd_name(const uint64_t *d)
{
    const CmdDef *def = smmu_cmdq_def_of(d);

    return def->run == smmu_cmdq_cfgi_ste_range &&
                   IM_GET(d[1], SMMU_RANGE1_RANGE) == 31 ?
               "CFGI_ALL" :
               def->name;
}

typedef struct GateDef {
    uint64_t needs;             /* IDR0 */
    const char *text;
} GateDef;

static const GateDef gates[] = {
    [GATE_ALWAYS] = { 0, NULL },
    [GATE_S1] = { IM_MASK(SMMU_IDR0_S1P), "IDR0.S1P is 0" },
    [GATE_S2] = { IM_MASK(SMMU_IDR0_S2P), "IDR0.S2P is 0" },
    [GATE_HYP] = { IM_MASK(SMMU_IDR0_HYP), "IDR0.Hyp is 0" },
    [GATE_ATS] = { IM_MASK(SMMU_IDR0_ATS), "IDR0.ATS is 0" },
    [GATE_PRI] = { IM_MASK(SMMU_IDR0_PRI), "IDR0.PRI is 0" },
    [GATE_STALL] = { 0, "IDR0.STALL_MODEL is 1: nothing stalls" },
    [GATE_NEVER] = { 0, "of the Secure or Realm state, EL3, or a feature "
                        "that no ID register reports" },
};

static bool smmu_cmdq_gate_open(const ImSmmu *s, CmdGate gate)
{
    if (gate == GATE_STALL) {
        return IM_GET(s->ids.idr[0], SMMU_IDR0_STALL_MODEL) != 1;
    }
    return gate != GATE_NEVER && im_smmu_has(s, gates[gate].needs);
}

IM_RULE(SMMU_CMD_ILLEGAL);
IM_RULE(SMMU_CMD_SSEC);
static Verdict smmu_cmdq_judge(const ImSmmu *s, const CmdDef *def,
                               const uint64_t *d)
{
    if (!def->name) {
        return smmu_cmdq_illegal(IM_CLAUSE(SMMU_CMD_ILLEGAL),
                                 "the opcode is reserved");
    }
    if (!smmu_cmdq_gate_open(s, def->gate)) {
        return smmu_cmdq_illegal(IM_CLAUSE(SMMU_CMD_ILLEGAL),
                                 gates[def->gate].text);
    }
    if (def->ssec && IM_GET(d[0], SMMU_CFG0_SSEC)) {
        return smmu_cmdq_illegal(IM_CLAUSE(SMMU_CMD_SSEC),
                                 "SSec is 1 in the Non-secure command queue");
    }
    return def->check ? def->check(s, d) : go_ahead;
}

/* --- Consumption. ------------------------------------------------------- */

/* The reason first, then the global error. */
IM_RULE(SMMU_CMD_ERROR);
static void smmu_cmdq_command_error(ImSmmu *s, const Verdict *v,
                                    const uint64_t *d)
{
    static const char *const names[] = {
        [CMD_ILL] = "CERROR_ILL",
        [CMD_ABT] = "CERROR_ABT",
        [CMD_ATC_SYNC] = "CERROR_ATC_INV_SYNC",
    };
    uint64_t cons = im_smmu_reg(s, SMMU_R_CMDQ_CONS);
    ImEvent ev = {
        .kind = IM_EVENT_COMMAND_ERROR,
        .name = names[v->result],
        .text = v->text,
        .clause = v->clause,
    };

    if (v->result != CMD_ABT) {
        ev.arg[0] = d[0];
        ev.arg[1] = d[1];
        ev.words = 2;
    }
    if (v->result == CMD_ATC_SYNC) {
        im_smmu_atc_time_out_told(s);
    }
    s->counters.command_errors++;
    im_smmu_trace(s, &ev);
    im_smmu_reg_set(s, SMMU_R_CMDQ_CONS,
                    IM_SET(cons, SMMU_CMDQ_CONS_ERR, v->result));
    im_smmu_gerror(s, IM_MASK(SMMU_GERROR_CMDQ));
}

static Verdict smmu_cmdq_fetch(ImSmmu *s, const SmmuQueue *q, uint64_t *d)
{
    if (im_smmu_mem_peek(s, im_smmu_queue_addr(q, q->cons), d, 16) !=
        IM_BUS_OK) {
        return (Verdict) { CMD_ABT, IM_CLAUSE(SMMU_CMD_CERROR_ABT),
                           "the command could not be read" };
    }
    d[0] = GUINT64_FROM_LE(d[0]);
    d[1] = GUINT64_FROM_LE(d[1]);
    return smmu_cmdq_judge(s, smmu_cmdq_def_of(d), d);
}

/* One command; false when consumption stops. It is consumed before what it
 * does is seen, and told of before what it brings about. */
static bool smmu_cmdq_step(ImSmmu *s, const SmmuQueue *q)
{
    uint64_t cons = im_smmu_reg(s, SMMU_R_CMDQ_CONS);
    ImEvent ev = { .kind = IM_EVENT_INVALIDATE };
    uint64_t d[2] = { 0 };
    Verdict v = smmu_cmdq_fetch(s, q, d);

    if (v.result == CMD_LATER) {
        return false;
    }
    im_smmu_cmdq_off(s);
    if (v.result != CMD_DONE) {
        smmu_cmdq_command_error(s, &v, d);
        return false;
    }
    ev.name = im_smmu_cmd_name(d);
    ev.arg[0] = d[0];
    ev.arg[1] = d[1];
    im_smmu_trace(s, &ev);
    im_smmu_reg_set(s, SMMU_R_CMDQ_CONS,
                    IM_SET(cons, SMMU_CMDQ_CONS_RD,
                           im_smmu_queue_next(q, q->cons)));
    s->counters.commands++;
    smmu_cmdq_def_of(d)->run(s, d);
    return true;
}

void im_smmu_cmdq_off(ImSmmu *s)
{
    s->cmdq->fenced = false;
    s->cmdq->ticket = 0;
}

/* Ends at PROD: even a nonsensical one is no more than two rounds away. */
IM_RULE(SMMU_CMD_CONSUME);
void im_smmu_cmdq_run(ImSmmu *s)
{
    if (s->cmdq->running) {
        return;
    }
    s->cmdq->running = true;
    while (im_smmu_on(s, IM_MASK(SMMU_CR0_CMDQEN)) &&
           !im_smmu_gerror_active(s, IM_MASK(SMMU_GERROR_CMDQ))) {
        SmmuQueue q = im_smmu_queue(s, SMMU_CMDQ);

        if (im_smmu_queue_empty(&q) || !smmu_cmdq_step(s, &q)) {
            break;
        }
    }
    s->cmdq->running = false;
}

/* --- Life. -------------------------------------------------------------- */

SmmuCmdq *im_smmu_cmdq_new(void)
{
    return g_new0(SmmuCmdq, 1);
}

void im_smmu_cmdq_free(SmmuCmdq *q)
{
    g_free(q);
}
