/*
 * The command queue: which commands there are (chapter 4), errors and
 * their recovery (7.1), indexes and sizes (3.5.1).
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

typedef struct GateRow {
    ImClause clause;
    const char *path;
    uint8_t op;
    uint8_t hi, lo, val;        /* a field to set besides; hi 0: none */
    bool ill;
    void (*change)(ImSmmuConfig *c);
} GateRow;

#define CHANGE(name, what) \
    static void name(ImSmmuConfig *c) { what; im_smmu_config_prune(c); }

CHANGE(no_s1, c->stage1 = false)
CHANGE(no_s2, c->stage2 = false)
CHANGE(no_hyp, c->hyp = false)
CHANGE(no_ats, c->ats = false)
CHANGE(no_pri, c->pri = false)
CHANGE(term_only, {
    c->stall_model = 1;
    c->stall_max = 0;
})
CHANGE(no_ril, c->ril = false)

static const GateRow gate_rows[] = {
    { SPEC(SMMU_CMD_PREFETCH), "ok", OP_PREFETCH_CONFIG },
    { SPEC(SMMU_CMD_PREFETCH), "ssec", OP_PREFETCH_CONFIG, 10, 10, 1, true },
    { SPEC(SMMU_CMD_PREFETCH), "ok", OP_PREFETCH_ADDR },
    { SPEC(SMMU_CMD_PREFETCH), "ssec", OP_PREFETCH_ADDR, 10, 10, 1, true },
    { SPEC(SMMU_CMD_CFGI_STE), "ok", OP_CFGI_STE },
    { SPEC(SMMU_CMD_CFGI_STE), "ssec", OP_CFGI_STE, 10, 10, 1, true },
    { SPEC(SMMU_CMD_CFGI_STE_RANGE), "ok", OP_CFGI_STE_RANGE },
    { SPEC(SMMU_CMD_CFGI_STE_RANGE), "all", OP_CFGI_STE_RANGE, 68, 64, 31 },
    { SPEC(SMMU_CMD_CFGI_STE_RANGE), "ssec", OP_CFGI_STE_RANGE, 10, 10, 1,
      true },
    { SPEC(SMMU_CMD_CFGI_CD), "ok", OP_CFGI_CD },
    { SPEC(SMMU_CMD_CFGI_CD), "ssec", OP_CFGI_CD, 10, 10, 1, true },
    { SPEC(SMMU_CMD_CFGI_CD), "no-stage-1", OP_CFGI_CD, .ill = true,
      .change = no_s1 },
    { SPEC(SMMU_CMD_CFGI_CD_ALL), "ok", OP_CFGI_CD_ALL },
    { SPEC(SMMU_CMD_CFGI_CD_ALL), "ssec", OP_CFGI_CD_ALL, 10, 10, 1, true },
    { SPEC(SMMU_CMD_CFGI_CD_ALL), "no-stage-1", OP_CFGI_CD_ALL, .ill = true,
      .change = no_s1 },
    { SPEC(SMMU_CMD_ILLEGAL), "vms-pidm", OP_CFGI_VMS_PIDM, .ill = true },
    { SPEC(SMMU_CMD_TLBI_NH_ALL), "ok", OP_NH_ALL },
    { SPEC(SMMU_CMD_TLBI_NH_ALL), "no-stage-2", OP_NH_ALL, .change = no_s2 },
    { SPEC(SMMU_CMD_TLBI_NH_ALL), "no-stage-1", OP_NH_ALL, .ill = true,
      .change = no_s1 },
    { SPEC(SMMU_CMD_TLBI_NH_ASID), "ok", OP_NH_ASID },
    { SPEC(SMMU_CMD_TLBI_NH_ASID), "no-stage-1", OP_NH_ASID, .ill = true,
      .change = no_s1 },
    { SPEC(SMMU_CMD_TLBI_NH_VA), "ok", OP_NH_VA },
    { SPEC(SMMU_CMD_TLBI_NH_VA), "no-stage-1", OP_NH_VA, .ill = true,
      .change = no_s1 },
    { SPEC(SMMU_CMD_RIL_RESERVED), "reserved-4k", OP_NH_VA, 75, 74, 1, true },
    { SPEC(SMMU_CMD_RIL_RESERVED), "reserved-16k", OP_NH_VAA, 75, 74, 2, true },
    { SPEC(SMMU_CMD_RIL_RESERVED), "reserved-64k", OP_S2_IPA, 75, 74, 3, true },
    { SPEC(SMMU_CMD_RIL_RESERVED), "reserved-el2", OP_EL2_VA, 75, 74, 1, true },
    { SPEC(SMMU_CMD_RIL_RESERVED), "reserved-el2-vaa", OP_EL2_VAA, 75, 74, 1,
      true },
    { SPEC(SMMU_CMD_RIL_RESERVED), "ttl-alone", OP_NH_VA, 75, 72, 7 },
    { SPEC(SMMU_CMD_RIL_RESERVED), "no-range-no-rule", OP_NH_ALL, 75, 74, 1 },
    { SPEC(SMMU_CMD_RIL_RESERVED), "off", OP_NH_VA, 75, 74, 1,
      .change = no_ril },
    { SPEC(SMMU_CMD_TLBI_NH_VAA), "ok", OP_NH_VAA },
    { SPEC(SMMU_CMD_TLBI_NH_VAA), "no-stage-1", OP_NH_VAA, .ill = true,
      .change = no_s1 },
    { SPEC(SMMU_CMD_ILLEGAL), "el3-all", OP_EL3_ALL, .ill = true },
    { SPEC(SMMU_CMD_ILLEGAL), "el3-va", OP_EL3_VA, .ill = true },
    { SPEC(SMMU_CMD_TLBI_EL2_ALL), "ok", OP_EL2_ALL },
    { SPEC(SMMU_CMD_TLBI_EL2_ALL), "no-hyp", OP_EL2_ALL, .ill = true,
      .change = no_hyp },
    { SPEC(SMMU_CMD_TLBI_EL2_ASID), "ok", OP_EL2_ASID },
    { SPEC(SMMU_CMD_TLBI_EL2_ASID), "no-hyp", OP_EL2_ASID, .ill = true,
      .change = no_hyp },
    { SPEC(SMMU_CMD_TLBI_EL2_VA), "ok", OP_EL2_VA },
    { SPEC(SMMU_CMD_TLBI_EL2_VA), "no-hyp", OP_EL2_VA, .ill = true,
      .change = no_hyp },
    { SPEC(SMMU_CMD_TLBI_EL2_VAA), "ok", OP_EL2_VAA },
    { SPEC(SMMU_CMD_TLBI_EL2_VAA), "no-hyp", OP_EL2_VAA, .ill = true,
      .change = no_hyp },
    { SPEC(SMMU_CMD_TLBI_S12_VMALL), "ok", OP_S12_VMALL },
    { SPEC(SMMU_CMD_TLBI_S12_VMALL), "no-stage-2", OP_S12_VMALL, .ill = true,
      .change = no_s2 },
    { SPEC(SMMU_CMD_TLBI_S2_IPA), "ok", OP_S2_IPA },
    { SPEC(SMMU_CMD_TLBI_S2_IPA), "no-stage-2", OP_S2_IPA, .ill = true,
      .change = no_s2 },
    { SPEC(SMMU_CMD_TLBI_NSNH_ALL), "ok", OP_NSNH_ALL },
    { SPEC(SMMU_CMD_TLBI_NSNH_ALL), "no-stage-1", OP_NSNH_ALL,
      .change = no_s1 },
    { SPEC(SMMU_CMD_TLBI_NSNH_ALL), "no-stage-2", OP_NSNH_ALL,
      .change = no_s2 },
    { SPEC(SMMU_CMD_ILLEGAL), "s-el2-all", 0x50, .ill = true },
    { SPEC(SMMU_CMD_ILLEGAL), "s-el2-asid", 0x51, .ill = true },
    { SPEC(SMMU_CMD_ILLEGAL), "s-el2-va", 0x52, .ill = true },
    { SPEC(SMMU_CMD_ILLEGAL), "s-el2-vaa", 0x53, .ill = true },
    { SPEC(SMMU_CMD_ILLEGAL), "s-s12-vmall", 0x58, .ill = true },
    { SPEC(SMMU_CMD_ILLEGAL), "s-s2-ipa", 0x5a, .ill = true },
    { SPEC(SMMU_CMD_ILLEGAL), "snh-all", 0x60, .ill = true },
    { SPEC(SMMU_CMD_ATC_INV), "ssec", OP_ATC_INV, 10, 10, 1, true },
    { SPEC(SMMU_CMD_ATC_INV), "no-ats", OP_ATC_INV, .ill = true,
      .change = no_ats },
    { SPEC(SMMU_CMD_PRI_RESP), "ok", OP_PRI_RESP },
    { SPEC(SMMU_CMD_PRI_RESP), "ssec", OP_PRI_RESP, 10, 10, 1, true },
    { SPEC(SMMU_CMD_PRI_RESP), "resp-3", OP_PRI_RESP, 77, 76, 3, true },
    { SPEC(SMMU_CMD_PRI_RESP), "no-pri", OP_PRI_RESP, .ill = true,
      .change = no_pri },
    { SPEC(SMMU_CMD_RESUME), "matches-nothing", OP_RESUME },
    { SPEC(SMMU_CMD_RESUME), "ssec", OP_RESUME, 10, 10, 1, true },
    { SPEC(SMMU_CMD_RESUME), "no-stalls", OP_RESUME, .ill = true,
      .change = term_only },
    { SPEC(SMMU_CMD_STALL_TERM), "matches-nothing", OP_STALL_TERM },
    { SPEC(SMMU_CMD_STALL_TERM), "ssec", OP_STALL_TERM, 10, 10, 1, true },
    { SPEC(SMMU_CMD_STALL_TERM), "no-stalls", OP_STALL_TERM, .ill = true,
      .change = term_only },
    { SPEC(SMMU_CMD_SYNC), "none", OP_SYNC, 13, 12, 0 },
    { SPEC(SMMU_CMD_SYNC), "irq", OP_SYNC, 13, 12, 1 },
    { SPEC(SMMU_CMD_SYNC), "sev", OP_SYNC, 13, 12, 2 },
    { SPEC(SMMU_CMD_SYNC), "cs-3", OP_SYNC, 13, 12, 3, true },
    { SPEC(SMMU_CMD_ILLEGAL), "dpti-all", OP_DPTI_ALL, .ill = true },
    { SPEC(SMMU_CMD_ILLEGAL), "dpti-pa", OP_DPTI_PA, .ill = true },
};

/* What must be so after a command that is no command, 7.1. */
static void check_ill(Rig *r, uint32_t at)
{
    g_assert_cmpuint(sb_cerror(r), ==, CERROR_ILL);
    g_assert_cmphex(rig_reg32(r, SR_CMDQ_CONS) & 0xfffff, ==, at);
    g_assert_cmphex(sb_gerror(r), ==, GERROR_CMDQ_ERR);
}

static void gate_row(const void *data)
{
    const GateRow *row = data;
    ImSmmuConfig c = rig_smmu_config();
    Cmd cmd = cmd_op(row->op);

    if (row->change) {
        row->change(&c);
    }
    g_autoptr(SWorld) w = sw_new(&c, SW_BYPASS, false);
    uint32_t at = w->r->sq[0].at;
    if (row->hi) {
        cmd_put(&cmd, row->hi, row->lo, row->val);
    }
    sb_cmd(w->r, cmd);
    if (row->ill) {
        check_ill(w->r, at);
        sb_cmdq_skip(w->r);
    }
    g_assert_true(sb_sync(w->r));
    g_assert_cmphex(sb_gerror(w->r), ==, 0);
    sw_no_event(w);
}

static bool known(unsigned op)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(gate_rows); i++) {
        if (gate_rows[i].op == op) {
            return true;
        }
    }
    return false;
}

static void unknown_opcodes(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_BYPASS, false);

    for (unsigned op = 0; op < 256; op++) {
        uint32_t at = w->r->sq[0].at;

        if (known(op)) {
            continue;
        }
        sb_cmd(w->r, cmd_op(op));
        check_ill(w->r, at);
        sb_cmdq_skip(w->r);
        g_assert_true(sb_sync(w->r));
    }
}

/* 4.4.1.1: TTL=1 means nothing with 16 KiB, so that nothing is named. */
static void ttl_1_of_16k(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_BYPASS, false);
    Cmd c = cmd_tlbi(OP_NH_VA, 0, 1, 0, true);
    uint32_t at;

    sb_do(w->r, cmd_tlbi_range(c, 2, 2, 0, 0));
    at = w->r->sq[0].at;
    sb_cmd(w->r, cmd_tlbi_range(c, 2, 1, 0, 0));
    check_ill(w->r, at);
    sb_cmdq_skip(w->r);
    sb_do(w->r, cmd_tlbi_range(c, 2, 1, 1, 0));
}

/* --- errors, 7.1 -------------------------------------------------------- */

static void stops_at_error(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_BYPASS, false);
    Rig *r = w->r;
    uint32_t at = r->sq[0].at;

    rig_log_clear(r);
    sb_cmd_put(r, cmd_op(OP_NSNH_ALL));
    sb_cmd_put(r, cmd_op(0xff));
    sb_cmd_put(r, cmd_sync(CS_IRQ, 0, 0));
    sb_cmd_ring(r);
    check_ill(r, at + 1);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 1);
    g_assert_cmpuint(rig_seen(r, RIG_SEEN_WIRE, 0)->val, ==,
                     IM_SMMU_IRQ_GERROR);
    /* more doorbells change nothing */
    sb_cmd(r, cmd_op(OP_NSNH_ALL));
    check_ill(r, at + 1);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 1);
    sb_cmdq_skip(r);
    g_assert_true(sb_cmdq_empty(r));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 2);
    g_assert_cmphex(sb_gerror(r), ==, 0);
}

/* The culprit is still there: it fails again, and GERROR toggles back. */
static void fails_again(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_BYPASS, false);
    Rig *r = w->r;
    uint32_t at = r->sq[0].at, before = rig_reg32(r, SR_GERROR);

    sb_cmd(r, cmd_op(0xff));
    check_ill(r, at);
    g_assert_cmphex(rig_reg32(r, SR_GERROR) ^ before, ==, GERROR_CMDQ_ERR);
    sb_gerror_ack(r);
    check_ill(r, at);
    g_assert_cmphex(rig_reg32(r, SR_GERROR), ==, before);
    sb_cmdq_skip(r);
    g_assert_true(sb_sync(r));
}

static void note_cerror(void *host, unsigned line)
{
    Rig *r = host;

    g_assert_cmpuint(line, ==, IM_SMMU_IRQ_GERROR);
    r->sq[0].at = sb_cerror(r);         /* no command is put after this */
}

static void hear_errors(ImPort *port)
{
    port->wire = note_cerror;
}

/* Who is interrupted finds the reason there. */
static void reason_before_interrupt(void)
{
    ImSmmuConfig c = rig_smmu_config();
    g_autoptr(Rig) r = rig_smmu_new_on(&c, hear_errors);

    sb_cmdq_enable(r, 4);
    sb_irq_enable(r, IRQ_GERROR);
    sb_cmd(r, cmd_op(0xff));
    g_assert_cmpuint(r->sq[0].at, ==, CERROR_ILL);
}

/* GERRORN of something else acknowledges nothing. */
static void other_acknowledgement(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_BYPASS, false);
    Rig *r = w->r;
    uint32_t at = r->sq[0].at;

    sb_cmd(r, cmd_op(0xff));
    rig_set32(r, SR_GERRORN, rig_reg32(r, SR_GERRORN));
    check_ill(r, at);
    sb_cmdq_skip(r);
    g_assert_true(sb_cmdq_empty(r));
}

static void fetch_abort(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_BYPASS, false);
    Rig *r = w->r;
    uint32_t at = r->sq[0].at;

    rig_fail_access(r, 0);
    sb_cmd(r, cmd_op(OP_NSNH_ALL));
    g_assert_cmpuint(sb_cerror(r), ==, CERROR_ABT);
    g_assert_cmphex(rig_reg32(r, SR_CMDQ_CONS) & 0xfffff, ==, at);
    g_assert_cmphex(sb_gerror(r), ==, GERROR_CMDQ_ERR);
    sb_gerror_ack(r);
    g_assert_true(sb_sync(r));
}

static void queue_nowhere(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    rig_set64(r, SR_CMDQ_BASE, r->ram_top | 4);
    sb_cr0(r, CR0_CMDQEN, true);
    rig_set32(r, SR_CMDQ_PROD, 1);
    g_assert_cmpuint(sb_cerror(r), ==, CERROR_ABT);
    g_assert_cmphex(sb_gerror(r), ==, GERROR_CMDQ_ERR);
}

/* --- indexes and sizes, 3.5.1 ------------------------------------------- */

static void every_size(const void *data)
{
    unsigned lg2 = GPOINTER_TO_UINT(data);
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    sb_cmdq_enable(r, lg2);
    for (unsigned i = 0; i < (5u << lg2) + 3; i++) {
        sb_cmd(r, cmd_op(OP_NSNH_ALL));
        g_assert_true(sb_cmdq_empty(r));
        g_assert_cmphex(rig_reg32(r, SR_CMDQ_CONS), ==, r->sq[0].at);
    }
}

static void full_queue(const void *data)
{
    unsigned lg2 = GPOINTER_TO_UINT(data);
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    sb_cmdq_enable(r, lg2);
    rig_log_clear(r);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 1u << lg2; i++) {
            sb_cmd_put(r, cmd_sync(CS_IRQ, 0, 0));
        }
        sb_cmd_ring(r);         /* same index, other wrap */
        g_assert_true(sb_cmdq_empty(r));
        g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, (round + 1) << lg2);
    }
}

/* LOG2SIZE above CMDQS behaves as CMDQS. */
static void size_is_capped(void)
{
    ImSmmuConfig c = rig_smmu_config();

    c.cmdq_bits = 3;
    g_autoptr(Rig) r = rig_smmu_new(&c);
    sb_cmdq_enable(r, 3);
    sb_cr0(r, CR0_CMDQEN, false);
    rig_set64(r, SR_CMDQ_BASE, r->sq[0].base | 9);
    sb_cr0(r, CR0_CMDQEN, true);
    for (unsigned i = 0; i < 40; i++) {
        sb_cmd(r, cmd_op(OP_NSNH_ALL));
        g_assert_true(sb_cmdq_empty(r));
    }
}

/* Address bits below the size of the queue are treated as zero. */
static void base_is_aligned(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    sb_cmdq_enable(r, 9);
    sb_cr0(r, CR0_CMDQEN, false);
    rig_set64(r, SR_CMDQ_BASE, r->sq[0].base | 0x1fe0 | 9);
    sb_cr0(r, CR0_CMDQEN, true);
    g_assert_true(sb_sync(r));
    g_assert_cmphex(sb_gerror(r), ==, 0);
}

static void off_and_on(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    sb_cmdq_enable(r, 4);
    sb_cr0(r, CR0_CMDQEN, false);
    rig_log_clear(r);
    sb_cmd(r, cmd_sync(CS_IRQ, 0, 0));
    g_assert_false(sb_cmdq_empty(r));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 0);
    sb_cr0(r, CR0_CMDQEN, true);
    g_assert_true(sb_cmdq_empty(r));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 1);
}

/* Software chooses where both indexes start. */
static void starts_anywhere(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    sb_cmdq_enable(r, 4);
    sb_cr0(r, CR0_CMDQEN, false);
    r->sq[0].at = 0x1e;
    rig_set32(r, SR_CMDQ_PROD, 0x1e);
    rig_set32(r, SR_CMDQ_CONS, 0x1e);
    sb_cr0(r, CR0_CMDQEN, true);
    for (unsigned i = 0; i < 5; i++) {
        g_assert_true(sb_sync(r));
    }
    g_assert_cmphex(rig_reg32(r, SR_CMDQ_CONS), ==, 0x03);
}

/* --- CMD_SYNC, 4.7.3 ---------------------------------------------------- */

static void sync_msi(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);
    const RigLog *e;

    sb_cmdq_enable(r, 4);
    rig_log_clear(r);
    sb_cmd(r, cmd_sync(CS_IRQ, UINT64_C(0x123456784), 0xcafef00d));
    g_assert_true(sb_cmdq_empty(r));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 1);
    e = rig_seen(r, RIG_SEEN_MSI, 0);
    g_assert_cmphex(e->msi.addr, ==, UINT64_C(0x123456784));
    g_assert_cmphex(e->msi.data, ==, 0xcafef00d);
    g_assert_cmpuint(e->msi.source, ==, IM_SMMU_IRQ_SYNC);
}

static void sync_wire(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    sb_cmdq_enable(r, 4);
    rig_log_clear(r);
    sb_cmd(r, cmd_sync(CS_IRQ, 0, 0x55));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 1);
    g_assert_cmpuint(rig_seen(r, RIG_SEEN_WIRE, 0)->val, ==, IM_SMMU_IRQ_SYNC);
}

static void sync_wire_without_msi(void)
{
    ImSmmuConfig c = rig_smmu_config();

    c.msi = false;
    g_autoptr(Rig) r = rig_smmu_new(&c);
    sb_cmdq_enable(r, 4);
    rig_log_clear(r);
    sb_cmd(r, cmd_sync(CS_IRQ, 0x1000, 0x55));
    g_assert_cmpuint(rig_count(r, RIG_SEEN_MSI), ==, 0);
    g_assert_cmpuint(rig_count(r, RIG_SEEN_WIRE), ==, 1);
}

static void sync_silent(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    sb_cmdq_enable(r, 4);
    rig_log_clear(r);
    sb_cmd(r, cmd_sync(CS_NONE, 0x1000, 0x55));
    sb_cmd(r, cmd_sync(CS_SEV, 0x1000, 0x55));
    g_assert_true(sb_cmdq_empty(r));
    g_assert_cmpuint(r->log->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(gate_rows); i++) {
        g_autofree char *path = g_strdup_printf("%s-%02x", gate_rows[i].path,
                                                gate_rows[i].op);

        spec_table_row(&gate_rows[i], path, gate_row);
    }
    for (unsigned lg2 = 0; lg2 <= 12; lg2++) {
        g_autofree char *path = g_strdup_printf("size@%u", lg2);
        g_autofree char *full = g_strdup_printf("full@%u", lg2);

        spec_row(SMMU_REG_QUEUE, path, every_size, GUINT_TO_POINTER(lg2));
        spec_row(SMMU_REG_QUEUE, full, full_queue, GUINT_TO_POINTER(lg2));
    }
    spec_test(SMMU_CMD_ILLEGAL, "unknown-opcodes", unknown_opcodes);
    spec_test(SMMU_CMD_ERROR, "stops", stops_at_error);
    spec_test(SMMU_CMD_ERROR, "fails-again", fails_again);
    spec_test(SMMU_CMD_ERROR, "other-acknowledgement", other_acknowledgement);
    spec_test(SMMU_CMD_ERROR, "reason-first", reason_before_interrupt);
    spec_test(SMMU_CMD_RIL_RESERVED, "ttl-1-of-16k", ttl_1_of_16k);
    spec_test(SMMU_CMD_CERROR_ABT, "fetch", fetch_abort);
    spec_test(SMMU_CMD_CERROR_ABT, "queue-nowhere", queue_nowhere);
    spec_test(SMMU_REG_QUEUE, "size-is-capped", size_is_capped);
    spec_test(SMMU_REG_QUEUE, "base-is-aligned", base_is_aligned);
    spec_test(SMMU_REG_QUEUE, "off-and-on", off_and_on);
    spec_test(SMMU_REG_QUEUE, "starts-anywhere", starts_anywhere);
    spec_test(SMMU_CMD_SYNC, "msi", sync_msi);
    spec_test(SMMU_CMD_SYNC, "wire", sync_wire);
    spec_test(SMMU_CMD_SYNC, "wire-without-msi", sync_wire_without_msi);
    spec_test(SMMU_CMD_SYNC, "silent", sync_silent);
    return g_test_run();
}
