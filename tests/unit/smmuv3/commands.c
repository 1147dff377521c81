/*
 * What the queue half of the SMMU asks of the other, and tells software:
 * fields of commands and records, with a scripted translation half.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/smmuv3/half.h"

/* --- Command queue. ----------------------------------------------------- */

/* PROD alone makes commands due, and none beyond it. */
static void test_consume(void)
{
    g_autoptr(Rig) r = prepare();

    sb_cmd_put(r, cmd_tlbi(OP_NH_ALL, 1, 0, 0, false));
    sb_cmd_put(r, cmd_tlbi(OP_NH_ALL, 2, 0, 0, false));
    g_assert_cmpuint(other.tlbis, ==, 0);
    rig_set32(r, SR_CMDQ_PROD, 1);
    g_assert_cmpuint(other.tlbis, ==, 1);
    g_assert_cmphex(rig_reg32(r, SR_CMDQ_CONS), ==, 1);
    rig_set32(r, SR_CMDQ_PROD, 2);
    g_assert_cmpuint(other.tlbi.vmid, ==, 2);
    g_assert_cmpuint(count(r)->commands, ==, 2);
}

static void test_cmdqen(void)
{
    g_autoptr(Rig) r = prepare();

    sb_cr0(r, CR0_CMDQEN, false);
    sb_cmd(r, cmd_tlbi(OP_NH_ALL, 1, 0, 0, false));
    g_assert_cmpuint(other.tlbis, ==, 0);
    g_assert_cmphex(rig_reg32(r, SR_CMDQ_CONS), ==, 0);
    sb_cr0(r, CR0_CMDQEN, true);
    g_assert_cmpuint(other.tlbis, ==, 1);
    g_assert_true(sb_cmdq_empty(r));
}

typedef struct FieldRow {
    uint8_t op;
    uint64_t used[2];           /* bits with a meaning, and the opcode */
} FieldRow;

#define FB(h, l)  (UINT64_MAX >> (63 - (h)) & UINT64_MAX << (l))
#define SID_SSID  (FB(7, 0) | FB(11, 10) | FB(63, 12))
#define RANGED    (FB(7, 0) | FB(16, 12) | FB(24, 20) | FB(63, 32))
#define RANGED1   (FB(0, 0) | FB(11, 8) | FB(63, 12))

static const FieldRow field_rows[] = {
    { OP_PREFETCH_CONFIG, { SID_SSID, 0 } },
    { OP_CFGI_STE, { SID_SSID, 1 } },
    { OP_CFGI_STE_RANGE, { SID_SSID, FB(4, 0) } },
    { OP_CFGI_CD, { SID_SSID, 1 } },
    { OP_CFGI_CD_ALL, { SID_SSID, 0 } },
    { OP_NH_ALL, { RANGED, 0 } },
    { OP_NH_ASID, { RANGED, 0 } },
    { OP_NH_VA, { RANGED, RANGED1 } },
    { OP_NH_VAA, { RANGED, RANGED1 } },
    { OP_EL2_ALL, { RANGED, 0 } },
    { OP_EL2_ASID, { RANGED, 0 } },
    { OP_EL2_VA, { RANGED, RANGED1 } },
    { OP_EL2_VAA, { RANGED, RANGED1 } },
    { OP_S12_VMALL, { RANGED, 0 } },
    { OP_S2_IPA, { RANGED, RANGED1 } },
    { OP_NSNH_ALL, { FB(7, 0), 0 } },
    { OP_PRI_RESP, { SID_SSID, FB(8, 0) | FB(13, 12) } },
    { OP_RESUME, { SID_SSID, FB(15, 0) } },
    { OP_STALL_TERM, { SID_SSID, 0 } },
    { OP_SYNC, { FB(7, 0) | FB(13, 12) | FB(27, 22) | FB(63, 32), FB(55, 2) } },
};

static void test_reserved(void)
{
    g_autoptr(Rig) r = prepare();

    for (unsigned i = 0; i < G_N_ELEMENTS(field_rows); i++) {
        const FieldRow *row = &field_rows[i];
        Cmd c = cmd_op(row->op);

        c.q[0] |= ~row->used[0];
        c.q[1] |= ~row->used[1];
        sb_do(r, c);
    }
    g_assert_cmphex(sb_gerror(r), ==, 0);
}

static void test_ssec(void)
{
    g_autoptr(Rig) r = prepare();

    for (unsigned i = 0; i < G_N_ELEMENTS(field_rows); i++) {
        Cmd c = cmd_op(field_rows[i].op);

        if ((field_rows[i].used[0] & FB(11, 10)) != FB(11, 10)) {
            continue;
        }
        cmd_put(&c, 10, 10, 1);
        sb_cmd(r, c);
        g_assert_cmpuint(sb_cerror(r), ==, CERROR_ILL);
        sb_cmdq_skip(r);
        g_assert_cmphex(sb_gerror(r), ==, 0);
    }
    g_assert_cmpuint(other.stes + other.cds, ==, 0);
}

static void test_illegal(void)
{
    g_autoptr(Rig) r = prepare();
    uint32_t gerror = rig_reg32(r, SR_GERROR);

    sb_cmd_put(r, cmd_tlbi(OP_NH_ALL, 1, 0, 0, false));
    sb_cmd_put(r, cmd_op(0));
    sb_cmd(r, cmd_tlbi(OP_NH_ALL, 2, 0, 0, false));
    g_assert_cmphex(rig_reg32(r, SR_CMDQ_CONS), ==, 1 | CERROR_ILL << 24);
    g_assert_cmphex(rig_reg32(r, SR_GERROR) ^ gerror, ==, GERROR_CMDQ_ERR);
    g_assert_cmpuint(other.tlbi.vmid, ==, 1);
}

/* --- Tags of invalidations. --------------------------------------------- */

static void test_tag_widths(void)
{
    ImSmmuConfig cfg = rig_smmu_config();
    g_autoptr(Rig) r = NULL;

    cfg.asid16 = cfg.vmid16 = false;
    r = prepare_with(&cfg);
    sb_do(r, cmd_tlbi(OP_NH_ASID, 0x1234, 0x5678, 0, false));
    g_assert_cmphex(other.tlbi.vmid, ==, 0x34);
    g_assert_cmphex(other.tlbi.asid, ==, 0x78);
    rig_free(r);
    cfg.asid16 = true;
    cfg.stage2 = false;
    im_smmu_config_prune(&cfg);
    r = prepare_with(&cfg);
    sb_do(r, cmd_tlbi(OP_NH_ASID, 0x1234, 0x5678, 0, false));
    g_assert_cmphex(other.tlbi.vmid, ==, 0);
    g_assert_cmphex(other.tlbi.asid, ==, 0x5678);
}

static void test_wildcards(void)
{
    static const uint16_t ignored[] = { 0, 1, 3, 7, 15, 0, 0, 0 };
    g_autoptr(Rig) r = prepare();

    for (unsigned vmw = 0; vmw < G_N_ELEMENTS(ignored); vmw++) {
        rig_set32(r, SR_CR0,
                  (rig_reg32(r, SR_CR0) & 0x3f) | vmw << CR0_VMW_SHIFT);
        sb_do(r, cmd_tlbi(OP_NH_ALL, 0x1234, 0, 0, false));
        g_assert_cmphex(other.tlbi.vmid_ignore, ==, ignored[vmw]);
    }
}

/* --- Who listens: what a command tells of translations kept outside. ---- */

typedef struct HeardRow {
    ImClause clause;
    const char *path;
    void (*change)(ImSmmuConfig *c);
    Cmd cmd;
    bool silent;
    bool of_fn;                 /* of SID alone */
    bool device_tlb;
    uint64_t addr, mask;
} HeardRow;

static void no_substreams(ImSmmuConfig *c)
{
    c->ssid_bits = 0;
    im_smmu_config_prune(c);
}

static void no_stage_1(ImSmmuConfig *c)
{
    c->stage1 = false;
    im_smmu_config_prune(c);
}

#define VA  UINT64_C(0x7654321000)

static void heard_row(const void *data)
{
    const HeardRow *row = data;
    ImSmmuConfig cfg = rig_smmu_config();
    const ImUnmap *u;

    if (row->change) {
        row->change(&cfg);
    }
    g_autoptr(Rig) r = prepare_with(&cfg);
    sb_cmd(r, row->cmd);
    g_assert_true(sb_cmdq_empty(r));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_UNMAP), ==, !row->silent);
    if (row->silent) {
        return;
    }
    u = &rig_seen(r, RIG_SEEN_UNMAP, 0)->unmap;
    g_assert_cmphex(u->addr, ==, row->addr);
    g_assert_cmphex(u->mask, ==, row->mask);
    g_assert_cmpuint(u->has_rid, ==, row->of_fn);
    g_assert_cmphex(u->rid, ==, row->of_fn ? SID : 0);
    g_assert_cmpuint(u->device_tlb, ==, row->device_tlb);
}

/* They know no PASIDs: what concerns one alone is not told. */
static void add_heard_rows(void)
{
    Cmd va = cmd_tlbi(OP_NH_VA, 0, 0, VA, true);
    Cmd ipa = cmd_tlbi(OP_S2_IPA, 0, 0, VA, true);
    const HeardRow rows[] = {
        { SPEC(SMMU_CMD_CFGI_STE), "told", NULL, cmd_cfgi_ste(SID, true),
          .of_fn = true, .mask = UINT64_MAX },
        { SPEC(SMMU_CMD_CFGI_STE_RANGE), "told", NULL,
          cmd_cfgi_ste_range(SID, 3), .mask = UINT64_MAX },
        { SPEC(SMMU_CMD_CFGI_CD), "told-0", NULL, cmd_cfgi_cd(SID, 0, true),
          .of_fn = true, .mask = UINT64_MAX },
        { SPEC(SMMU_CMD_CFGI_CD), "told-not-leaf", NULL,
          cmd_cfgi_cd(SID, 5, false), .of_fn = true, .mask = UINT64_MAX },
        { SPEC(SMMU_CMD_CFGI_CD), "not-told", NULL, cmd_cfgi_cd(SID, 5, true),
          .silent = true },
        { SPEC(SMMU_CMD_CFGI_CD), "told-no-substreams", no_substreams,
          cmd_cfgi_cd(SID, 5, true), .of_fn = true, .mask = UINT64_MAX },
        { SPEC(SMMU_CMD_CFGI_CD_ALL), "told", NULL, cmd_cfgi_cd_all(SID),
          .of_fn = true, .mask = UINT64_MAX },
        { SPEC(SMMU_CMD_TLBI_NH_ALL), "told", NULL,
          cmd_tlbi(OP_NH_ALL, 1, 0, 0, false), .mask = UINT64_MAX },
        { SPEC(SMMU_CMD_TLBI_NH_VA), "told", NULL, va, .addr = VA,
          .mask = 0xfff },
        { SPEC(SMMU_CMD_RIL), "told", NULL, cmd_tlbi_range(va, 1, 0, 2, 0),
          .addr = VA & ~UINT64_C(0x3fff), .mask = 0x3fff },
        { SPEC(SMMU_CMD_TLBI_S2_IPA), "told-all", NULL, ipa,
          .mask = UINT64_MAX },
        { SPEC(SMMU_CMD_TLBI_S2_IPA), "told", no_stage_1, ipa, .addr = VA,
          .mask = 0xfff },
        { SPEC(SMMU_CMD_ATC_INV), "told", NULL, cmd_atc_inv(SID, VA, 1),
          .of_fn = true, .device_tlb = true, .addr = VA & ~UINT64_C(0x1fff),
          .mask = 0x1fff },
        { SPEC(SMMU_CMD_ATC_INV), "not-told", NULL,
          cmd_atc_inv_ssid(SID, 5, false, VA, 1), .silent = true },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        HeardRow *row = spec_keep(g_memdup2(&rows[i], sizeof(rows[i])));

        spec_table_row(row, row->path, heard_row);
    }
}

/* --- Registers. --------------------------------------------------------- */

/* Toggling where nothing is wrong is kept, and can be taken back. */
static void test_gerrorn(void)
{
    g_autoptr(Rig) r = prepare();

    rig_set32(r, SR_GERRORN, UINT32_MAX);
    g_assert_cmphex(rig_reg32(r, SR_GERRORN), ==, 0x1fd);
    g_assert_cmphex(rig_reg32(r, SR_GERROR), ==, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 0);
    sb_cmd(r, cmd_tlbi(OP_NH_ALL, 1, 0, 0, false));
    g_assert_cmpuint(other.tlbis, ==, 0);
    rig_set32(r, SR_GERRORN, 0);
    g_assert_cmpuint(other.tlbis, ==, 1);
}

static void test_oas(void)
{
    /* clang-format off */
    static const uint32_t bases[] = {
        SR_STRTAB_BASE, SR_CMDQ_BASE, SR_EVTQ_BASE, SR_PRIQ_BASE,
        SR_GERROR_IRQ_CFG0, SR_EVTQ_IRQ_CFG0, SR_PRIQ_IRQ_CFG0,
    };
    /* clang-format on */
    static const uint8_t oas[] = { 32, 36, 40, 42, 44, 48, 52 };

    for (unsigned i = 0; i < G_N_ELEMENTS(oas); i++) {
        ImSmmuConfig cfg = rig_smmu_config();
        g_autoptr(Rig) r = NULL;

        cfg.oas = oas[i];
        r = rig_smmu_new(&cfg);
        for (unsigned k = 0; k < G_N_ELEMENTS(bases); k++) {
            rig_set64(r, bases[k], FB(55, 12));
            g_assert_cmphex(rig_reg64(r, bases[k]), ==, FB(oas[i] - 1u, 12));
        }
    }
}

/* --- Interrupts. -------------------------------------------------------- */

/* A wire for each source, with its message or without. */
static void test_sources(void)
{
    g_autoptr(Rig) r = prepare();
    ImPageReq req = { .rid = SID, .addr = 0x5000, .read = true };

    sb_irq_enable(r, 0);
    rig_set64(r, SR_EVTQ_IRQ_CFG0, 0x1230);
    rig_set32(r, SR_EVTQ_IRQ_CFG1, 0x77);
    sb_irq_enable(r, IRQ_EVTQ | IRQ_PRIQ);
    stall(r, SID, 0);
    im_smmu_page_request(r->smmu, &req);
    sb_cmd(r, cmd_op(0xff));            /* not enabled */
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 2);
    g_assert_cmpuint(rig_seen(r, RIG_SEEN_WIRE, 0)->val, ==, IM_SMMU_IRQ_EVTQ);
    g_assert_cmpuint(rig_seen(r, RIG_SEEN_WIRE, 1)->val, ==, IM_SMMU_IRQ_PRIQ);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 0)->msi.addr, ==, 0x1230);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 0)->msi.data, ==, 0x77);
}

/* The message that tells of errors: its abort is not told by another. */
static void test_gerror_msi_abort(void)
{
    g_autoptr(Rig) r = prepare();

    im_smmu_msi_aborted(r->smmu, IM_SMMU_IRQ_GERROR);
    g_assert_cmphex(sb_gerror(r), ==, GERROR_MSI_GERROR_ABT);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 0);
    im_smmu_msi_aborted(r->smmu, IM_SMMU_IRQ_SYNC);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 1);
}

static void test_signals(void)
{
    g_autoptr(Rig) r = prepare();

    sb_cmd(r, cmd_sync(CS_NONE, 0x1000, 1));
    sb_cmd(r, cmd_sync(CS_SEV, 0x1000, 1));
    g_assert_cmpuint(r->log->len, ==, 0);
    sb_cmd(r, cmd_sync(CS_IRQ, 0, 1));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 1);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 0);
    sb_cmd(r, cmd_sync(CS_IRQ, 0x1004, 0x55));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 2);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 0)->msi.addr, ==, 0x1004);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 0)->msi.data, ==, 0x55);
    /* Nothing is left below OAS, but the field is not 0. */
    sb_cmd(r, cmd_sync(CS_IRQ, UINT64_C(1) << 50, 0x56));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 2);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 1)->msi.addr, ==, 0);
    g_assert_cmphex(rig_seen(r, RIG_SEEN_MSI, 1)->msi.data, ==, 0x56);
}

/* --- Records. ----------------------------------------------------------- */

/* Every field of an event set: what a record shows of them. */
typedef struct RecordRow {
    uint8_t code;
    uint64_t q[4];
} RecordRow;

#define R_SSV     (UINT64_C(0x91) << 12 | 1 << 11)
#define R_SID     (UINT64_C(0x345) << 32)
#define R_RW      (DB(33) | DB(34) | DB(35))
#define R_ADDR    UINT64_C(0xfff0123456789abc)
#define R_FAULT   (R_RW | DB(39) | DB(40) | DB(44))
#define R_IPA     UINT64_C(0x0000876543210000)
#define R_FETCH   UINT64_C(0x00007edcba987650)

static const RecordRow record_rows[] = {
    { EV_UUT, { R_SID | R_SSV | 0x01, 0xbeef | R_RW, R_ADDR, 0 } },
    { EV_BAD_STREAMID, { R_SID | R_SSV | 0x02 } },
    { EV_STE_FETCH, { R_SID | R_SSV | 0x03, 0xbeef, 0, R_FETCH } },
    { EV_BAD_STE, { R_SID | R_SSV | 0x04 } },
    { EV_STREAM_DISABLED, { R_SID | 0x06 } },
    { EV_TRANSL_FORBIDDEN, { R_SID | 0x07, DB(35), R_ADDR } },
    { EV_BAD_SUBSTREAMID, { R_SID | UINT64_C(0x91) << 12 | 0x08 } },
    { EV_CD_FETCH, { R_SID | R_SSV | 0x09, 0xbeef, 0, R_FETCH } },
    { EV_BAD_CD, { R_SID | R_SSV | 0x0a } },
    { EV_WALK_EABT,
      { R_SID | R_SSV | 0x0b, 0xbeef | R_RW | DB(39) | DB(40), R_ADDR,
        R_FETCH } },
    { EV_TRANSLATION, { R_SID | R_SSV | 0x10, R_FAULT, R_ADDR, R_IPA } },
    { EV_ADDR_SIZE, { R_SID | R_SSV | 0x11, R_FAULT, R_ADDR, R_IPA } },
    { EV_ACCESS, { R_SID | R_SSV | 0x12, R_FAULT, R_ADDR, R_IPA } },
    { EV_PERMISSION, { R_SID | R_SSV | 0x13, R_FAULT, R_ADDR, R_IPA } },
    { EV_TLB_CONFLICT,
      { R_SID | R_SSV | 0x20, 0xbeef | R_RW | DB(39), R_ADDR, R_IPA } },
    { EV_CFG_CONFLICT, { R_SID | R_SSV | 0x21, 0xbeef } },
    { EV_VMS_FETCH, { R_SID | R_SSV | 0x25, 0xbeef, 0, R_FETCH } },
};

static SmmuEvent everything(uint8_t code)
{
    return (SmmuEvent) {
        .code = code,
        .cls = SMMU_CLASS_TT,
        .sid = 0x345,
        .ssid = 0x91,
        .ssv = true,
        .pnu = true,
        .ind = true,
        .rnw = true,
        .s2 = true,
        .ttrnw = true,
        .stag = 0xdead,
        .reason = 0xbeef,
        .addr = R_ADDR,
        .ipa = UINT64_C(0xffff876543210fff),
        .fetch = UINT64_C(0xffff7edcba987657),
    };
}

static void test_record(const void *data)
{
    const RecordRow *row = data;
    g_autoptr(Rig) r = prepare();
    SmmuEvent e = everything(row->code);
    Evt got;

    im_smmu_event(r->smmu, &e);
    got = sb_event(r, 0);
    for (unsigned i = 0; i < 4; i++) {
        g_assert_cmphex(got.q[i], ==, row->q[i]);
    }
}

/* InD only of reads, TTRnW only of table walks, IPA only of stage 2. */
static void test_fault_fields(void)
{
    g_autoptr(Rig) r = prepare();
    SmmuEvent e = everything(EV_PERMISSION);
    Evt got;

    e.rnw = false;
    e.cls = SMMU_CLASS_IN;
    e.s2 = false;
    e.ssv = false;
    im_smmu_event(r->smmu, &e);
    got = sb_event(r, 0);
    g_assert_false(got.ind || got.ttrnw || got.s2 || got.rnw || got.stall);
    g_assert_true(got.pnu);
    g_assert_cmpuint(got.cls, ==, CLASS_IN);
    g_assert_cmphex(got.q[3], ==, 0);
    g_assert_cmphex(got.q[0] >> 12 & 0xfffff, ==, 0);
}

static void test_bad_ats_treq(void)
{
    g_autoptr(Rig) r = prepare();
    SmmuEvent e = everything(EV_BAD_ATS_TREQ);
    ImTxn t = { .len = 24, .no_write = true };

    e.txn = &t;
    e.rnw = false;
    im_smmu_event(r->smmu, &e);
    t.no_write = false;
    im_smmu_event(r->smmu, &e);
    g_assert_cmphex(sb_event(r, 0).q[1], ==, 3 | DB(32) | DB(33) | DB(35));
    g_assert_cmphex(sb_event(r, 1).q[1], ==,
                    3 | DB(32) | DB(33) | DB(34) | DB(35));
    g_assert_cmphex(sb_event(r, 0).q[2], ==, R_ADDR & ~UINT64_C(0xfff));
    g_assert_cmphex(sb_event(r, 0).q[0], ==, R_SID | R_SSV | 0x05);
}

/* --- Page requests without substreams. ---------------------------------- */

static void test_no_substreams(void)
{
    ImSmmuConfig cfg = rig_smmu_config();
    g_autoptr(Rig) r = NULL;
    ImPageReq req = {
        .rid = SID,
        .addr = 0x5000,
        .read = true,
        .last = true,
        .has_pasid = true,
        .pasid = 7,
        .priv = true,
        .exec = true,
    };
    Ppr p;

    cfg.ssid_bits = 0;
    im_smmu_config_prune(&cfg);
    r = prepare_with(&cfg);
    im_smmu_page_request(r->smmu, &req);
    p = sb_ppr(r, 0);
    g_assert_false(p.ssv || p.priv || p.x);
    sb_do(r, cmd_pri_resp_ssid(SID, 7, 0, RESP_SUCCESS));
    g_assert_false(rig_seen(r, RIG_SEEN_PAGE_RESP, 0)->resp.has_pasid);
    sb_cmd(r, cmd_atc_inv_ssid(SID, 7, true, 0x1000, 0));
    g_assert_false(rig_seen(r, RIG_SEEN_ATS_INV, 0)->inv.has_pasid);
    g_assert_false(rig_seen(r, RIG_SEEN_ATS_INV, 0)->inv.global);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(SMMU_CMD_CONSUME, "up-to-prod", test_consume);
    spec_test(SMMU_REG_CMDQEN, "off-and-on", test_cmdqen);
    spec_test(SMMU_CMD_RES0, "ignored", test_reserved);
    spec_test(SMMU_CMD_SSEC, "illegal", test_ssec);
    spec_test(SMMU_CMD_CERROR_ILL, "stays", test_illegal);
    spec_test(SMMU_CMD_TLBI_TAGS, "widths", test_tag_widths);
    spec_test(SMMU_CMD_VMW, "every-value", test_wildcards);
    add_heard_rows();
    spec_test(SMMU_REG_GERRORN, "inactive-errors", test_gerrorn);
    spec_test(SMMU_REG_ADDR_SIZE, "every-oas", test_oas);
    spec_test(SMMU_IRQ_SOURCES, "wire-and-message", test_sources);
    spec_test(SMMU_IRQ_MSI_ABORT, "of-gerror", test_gerror_msi_abort);
    spec_test(SMMU_CMD_SYNC_SIGNAL, "none-irq-sev", test_signals);
    spec_row(SMMU_EVENT_F_TRANSL_FORBIDDEN, "record", test_record,
             &record_rows[5]);
    for (unsigned i = 0; i < G_N_ELEMENTS(record_rows); i++) {
        const char *name = im_smmu_event_name(record_rows[i].code, NULL);

        spec_row(SMMU_EVENT_RECORD, name, test_record, &record_rows[i]);
    }
    spec_test(SMMU_EVENT_FAULT_FIELDS, "when-valid", test_fault_fields);
    spec_test(SMMU_EVENT_BAD_ATS_TREQ, "as-requested", test_bad_ats_treq);
    spec_test(SMMU_PRIQ_SSV, "no-substreams", test_no_substreams);
    return g_test_run();
}
