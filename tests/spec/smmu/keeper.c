/*
 * Who keeps what the tables say: what he is told to forget (4.3, 4.4, 6.3.9),
 * and that CMD_SYNC waits for him (4.7.3).
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/keeper.h"
#include "lib/smmu_world.h"
#include "lib/spec.h"

/* A stream and its queues; nothing is told yet. */
static SWorld *world(const ImSmmuConfig *c)
{
    SWorld *w;

    w = sw_in(rig_smmu_new_on(c, keeper_port), SW_S1, true, NULL);
    sw_on(w);
    keeper_reset();
    return w;
}

/* --- commands, 4.3 and 4.4 ---------------------------------------------- */

typedef struct CommandRow {
    ImClause clause;
    const char *name;
    Cmd cmd;
    ImInval want;
} CommandRow;

/* The encoders are functions, and so is what fills rows with what they say. */
#define ROW(tag, name_, cmd_, ...)                                        \
    rows[n++] = (CommandRow) { .clause = IM_CLAUSE(tag), .name = name_,   \
                               .cmd = cmd_, .want = { __VA_ARGS__ } }
#define CFGI(name, cmd, ...)  ROW(SMMU_CMD_TELL_CFGI, name, cmd, __VA_ARGS__)
#define TLBI(name, cmd, ...)  ROW(SMMU_CMD_TELL_TLBI, name, cmd, __VA_ARGS__)
#define STE  IM_INVAL_CONFIG | IM_INVAL_PASID, .by_func = true, .func
#define CD   IM_INVAL_PASID, .by_func = true, .func
#define S1   IM_INVAL_STAGE1, .by_domain = true, .domain
#define S2   IM_INVAL_STAGE2, .by_domain = true, .domain
#define BOTH IM_INVAL_STAGE1 | IM_INVAL_STAGE2
#define ASID(n)      .by_asid = true, .asid = (n)
#define RANGE(a, b)  .by_range = true, .first = (a), .last = (b)

static unsigned cfgi_rows(CommandRow *rows, unsigned n)
{
    CFGI("ste", cmd_cfgi_ste(0x31234, true), .what = STE = 0x31234);
    CFGI("ste-not-leaf", cmd_cfgi_ste(0x31234, false), .what = STE = 0x31234);
    CFGI("ste-range", cmd_cfgi_ste_range(0x31237, 3), .what = STE = 0x31230,
         .func_mask = 0xf);
    CFGI("ste-half", cmd_cfgi_ste_range(0x80031237, 30),
         .what = STE = 0x80000000, .func_mask = 0x7fffffff);
    CFGI("all", cmd_cfgi_all(), .what = IM_INVAL_CONFIG | IM_INVAL_PASID);
    CFGI("cd", cmd_cfgi_cd(0x42, 0x91, true), .what = CD = 0x42,
         .by_pasid = true, .pasid = 0x91);
    CFGI("cd-0", cmd_cfgi_cd(0x42, 0, false), .what = CD = 0x42,
         .by_pasid = true);
    CFGI("cd-all", cmd_cfgi_cd_all(0x42), .what = CD = 0x42);
    return n;
}

static unsigned nh_rows(CommandRow *rows, unsigned n)
{
    TLBI("nh-all", cmd_tlbi(OP_NH_ALL, 0x445, 0x9, 0, false),
         .what = S1 = 0x445);
    TLBI("nh-asid", cmd_tlbi(OP_NH_ASID, 0x445, 0x123, 0, false),
         .what = S1 = 0x445, ASID(0x123));
    TLBI("nh-va", cmd_tlbi(OP_NH_VA, 0x445, 0x123, 0x7654321000, true),
         .what = S1 = 0x445, ASID(0x123), RANGE(0x7654321000, 0x7654321fff));
    TLBI("nh-vaa", cmd_tlbi(OP_NH_VAA, 0x445, 0x123, 0x7654321000, true),
         .what = S1 = 0x445, RANGE(0x7654321000, 0x7654321fff));
    TLBI("nh-va-high",
         cmd_tlbi(OP_NH_VA, 0, 1, UINT64_C(0x00ff800000001000), false),
         .what = S1 = 0, ASID(1),
         RANGE(UINT64_C(0xffff800000001000), UINT64_C(0xffff800000001fff)));
    TLBI("nh-va-last",
         cmd_tlbi(OP_NH_VA, 0, 1, UINT64_C(0xfffffffffffff000), false),
         .what = S1 = 0, ASID(1),
         RANGE(UINT64_C(0xfffffffffffff000), UINT64_MAX));
    return n;
}

static unsigned range_rows(CommandRow *rows, unsigned n)
{
    /* (NUM + 1) << SCALE pages of TG */
    TLBI("range-4k",
         cmd_tlbi_range(cmd_tlbi(OP_NH_VA, 7, 9, 0x7654321000, false), 1, 0, 2,
                        1),
         .what = S1 = 7, ASID(9), RANGE(0x7654321000, 0x7654326fff));
    TLBI("range-16k",
         cmd_tlbi_range(cmd_tlbi(OP_NH_VAA, 7, 9, 0x7654321000, false), 2, 3, 0,
                        0),
         .what = S1 = 7, RANGE(0x7654320000, 0x7654323fff));
    TLBI("range-64k",
         cmd_tlbi_range(cmd_tlbi(OP_S2_IPA, 7, 0, 0x7654321000, false), 3, 0, 0,
                        4),
         .what = S2 = 7, RANGE(0x7654320000, 0x765441ffff));
    TLBI("range-most",
         cmd_tlbi_range(cmd_tlbi(OP_NH_VA, 7, 9, 0, false), 3, 0, 31, 31),
         .what = S1 = 7, ASID(9), RANGE(0, (UINT64_C(1) << 52) - 1));
    return n;
}

static unsigned other_rows(CommandRow *rows, unsigned n)
{
    TLBI("s2-ipa", cmd_tlbi(OP_S2_IPA, 0x445, 0, 0x54321000, false),
         .what = S2 = 0x445, RANGE(0x54321000, 0x54321fff));
    TLBI("s12-vmall", cmd_tlbi(OP_S12_VMALL, 0x445, 0, 0, false), .what = BOTH,
         .by_domain = true, .domain = 0x445);
    TLBI("nsnh-all", cmd_op(OP_NSNH_ALL), .what = BOTH);
    TLBI("el2-all", cmd_op(OP_EL2_ALL), .what = S1 = IM_SMMU_EL2);
    TLBI("el2-asid", cmd_tlbi(OP_EL2_ASID, 0x445, 0x123, 0, false),
         .what = S1 = IM_SMMU_EL2, ASID(0x123));
    /* CR2.E2H is 0: no ASID */
    TLBI("el2-va", cmd_tlbi(OP_EL2_VA, 0x445, 0x123, 0x54321000, false),
         .what = S1 = IM_SMMU_EL2, RANGE(0x54321000, 0x54321fff));
    TLBI("el2-vaa", cmd_tlbi(OP_EL2_VAA, 0x445, 0x123, 0x54321000, false),
         .what = S1 = IM_SMMU_EL2, RANGE(0x54321000, 0x54321fff));
    return n;
}

static void command(const void *data)
{
    const CommandRow *row = data;
    g_autoptr(SWorld) w = world(NULL);

    sb_do(w->r, row->cmd);
    keeper_told(&row->want, 1);
}

static void e2h(void)
{
    static const ImInval want = { .what = S1 = IM_SMMU_EL2,
                                  ASID(0x123),
                                  RANGE(0x54321000, 0x54321fff) };
    g_autoptr(SWorld) w = world(NULL);

    sb_cr0(w->r, CR0_SMMUEN, false);
    rig_set32(w->r, SR_CR2, CR2_E2H);
    sb_cr0(w->r, CR0_SMMUEN, true);
    keeper_reset();
    sb_do(w->r, cmd_tlbi(OP_EL2_VA, 0, 0x123, 0x54321000, false));
    keeper_told(&want, 1);
}

/* Every VMID of a wildcard is one. */
static void vmw(void)
{
    ImInval want[4];
    g_autoptr(SWorld) w = world(NULL);

    sb_cr0(w->r, CR0_SMMUEN, false);
    sb_cr0(w->r, 2u << 6, true);
    sb_cr0(w->r, CR0_SMMUEN, true);
    keeper_reset();
    for (unsigned i = 0; i < 4; i++) {
        want[i] = (ImInval) { .what = S1 = 0x444 + i };
    }
    sb_do(w->r, cmd_tlbi(OP_NH_ALL, 0x446, 0, 0, false));
    keeper_told(want, 4);
}

/* Tags are as wide as they are implemented. */
static void narrow(void)
{
    static const ImInval want = { .what = S1 = 0x45, ASID(0x23) };
    static const ImInval none = { .what = S1 = 0, ASID(0x23) };
    ImSmmuConfig c = rig_smmu_config();

    c.asid16 = c.vmid16 = false;
    for (unsigned s2 = 0; s2 < 2; s2++) {
        c.stage2 = s2;
        im_smmu_config_prune(&c);
        g_autoptr(SWorld) w = world(&c);
        sb_do(w->r, cmd_tlbi(OP_NH_ASID, 0x445, 0x123, 0, false));
        keeper_told(s2 ? &want : &none, 1);
        c = rig_smmu_config();
        c.asid16 = c.vmid16 = false;
    }
}

/* What is not obeyed, and what invalidates nothing that he keeps. */
static void silent(void)
{
    static const uint8_t reserved[] = { 0x00, 0x18, 0x60, 0xff };
    g_autoptr(SWorld) w = world(NULL);
    Cmd c = cmd_cfgi_ste(w->sid, true);

    sb_do(w->r, cmd_op(OP_PREFETCH_CONFIG));
    sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_ATS_INV), ==, 1);
    im_smmu_ats_inv_done(w->r->smmu, w->sid, UINT32_MAX, 1);
    cmd_put(&c, 10, 10, 1);             /* SSec */
    sb_cmd(w->r, c);
    g_assert_cmpuint(sb_cerror(w->r), ==, 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(reserved); i++) {
        sb_cmdq_skip(w->r);
        sb_cmd(w->r, cmd_op(reserved[i]));
        g_assert_cmpuint(sb_cerror(w->r), ==, 1);
    }
    keeper_told(NULL, 0);
}

/* --- registers, 6.3.9 --------------------------------------------------- */

static const ImInval all = { .what = KEEPER_ALL };

static void registers(void)
{
    g_autoptr(SWorld) w = world(NULL);
    Rig *r = w->r;

    sb_cr0(r, CR0_ATSCHK, true);
    keeper_told(&all, 1);
    rig_set32(r, SR_GBPA, GBPA_UPDATE | GBPA_ABORT);
    keeper_told(NULL, 0);             /* nobody is bypassed */
    sb_cr0(r, CR0_SMMUEN, false);
    keeper_told(&all, 1);
    rig_set32(r, SR_GBPA, GBPA_UPDATE);
    keeper_told(&all, 1);
    rig_set32(r, SR_GBPA, GBPA_ABORT);
    sb_cr0(r, CR0_PRIQEN, false);
    sb_cr0(r, CR0_PRIQEN, true);
    keeper_told(NULL, 0);
    sb_cr0(r, CR0_SMMUEN, true);
    keeper_told(&all, 1);
    im_smmu_reset(r->smmu);
    keeper_told(&all, 1);
}

/* --- CMD_SYNC, 4.7.3 ---------------------------------------------------- */

static void held(SWorld *w, uint64_t by)
{
    keeper_ticket = by;
    g_assert_false(sb_sync(w->r));
    keeper_ticket = 0;
}

static void fenced(SWorld *w, uint64_t by)
{
    w->r->ops->fenced(w->r->iommu, by);
}

static void none_needed(void)
{
    g_autoptr(SWorld) w = world(NULL);

    g_assert_true(sb_sync(w->r));
    g_assert_cmpuint(keeper_fences, ==, 1);
    fenced(w, 100);                     /* nobody waits */
    g_assert_true(sb_sync(w->r));
    g_assert_cmpuint(keeper_fences, ==, 2);
}

/* That ticket or a later one; what comes behind waits too. */
static void waits(void)
{
    g_autoptr(SWorld) w = world(NULL);

    held(w, 7);
    sb_cmd(w->r, cmd_cfgi_all());
    keeper_told(NULL, 0);
    fenced(w, 6);
    g_assert_false(sb_cmdq_empty(w->r));
    fenced(w, 7);
    g_assert_true(sb_cmdq_empty(w->r));
    g_assert_cmpuint(keeper_count(), ==, 1);
    held(w, 8);
    fenced(w, 12);
    g_assert_true(sb_cmdq_empty(w->r));
    held(w, 13);                        /* 12 was not for this one */
    fenced(w, 12);
    g_assert_false(sb_cmdq_empty(w->r));
    fenced(w, 13);
    g_assert_true(sb_cmdq_empty(w->r));
    g_assert_cmpuint(keeper_fences, ==, 3);
}

/* Each is asked for once, and both are waited for. */
static void with_devices(void)
{
    g_autoptr(SWorld) w = world(NULL);

    for (unsigned first = 0; first < 2; first++) {
        sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
        held(w, 7 + first);
        if (first) {
            fenced(w, 8);
        } else {
            im_smmu_ats_inv_done(w->r->smmu, w->sid, UINT32_MAX, 1);
        }
        g_assert_false(sb_cmdq_empty(w->r));
        if (first) {
            im_smmu_ats_inv_done(w->r->smmu, w->sid, UINT32_MAX, 1);
        } else {
            fenced(w, 7);
        }
        g_assert_true(sb_cmdq_empty(w->r));
        g_assert_cmpuint(keeper_fences, ==, 1 + first);
    }
}

/* A device that answers nothing: the error is told, whatever the fence does,
 * and its ticket does no harm to the next CMD_SYNC. */
static void timed_out(void)
{
    g_autoptr(SWorld) w = world(NULL);

    sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    held(w, 7);
    rig_advance(w->r, w->r->smmu_cfg.ats_timeout_ns);
    g_assert_cmpuint(sb_cerror(w->r), ==, 3);
    fenced(w, 7);
    g_assert_cmpuint(sb_cerror(w->r), ==, 3);
    g_assert_cmpuint(keeper_fences, ==, 1);
    keeper_ticket = 9; /* the same CMD_SYNC, tried again */
    sb_gerror_ack(w->r);
    g_assert_cmpuint(keeper_fences, ==, 2);
    fenced(w, 7);
    g_assert_false(sb_cmdq_empty(w->r));
    fenced(w, 9);
    g_assert_true(sb_cmdq_empty(w->r));
}

static void signals(void)
{
    g_autoptr(SWorld) w = world(NULL);
    uint64_t at = rig_alloc(w->r, 1, RIG_WRITE);
    unsigned wires = rig_count(w->r, RIG_SEEN_WIRE);

    keeper_ticket = 1;
    sb_cmd(w->r, cmd_sync(CS_IRQ, at, 0x1234));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_MSI), ==, 0);
    fenced(w, 1);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmphex(rig_seen(w->r, RIG_SEEN_MSI, 0)->msi.addr, ==, at);
    sb_cmd(w->r, cmd_sync(CS_SEV, 0, 0));
    g_assert_false(sb_cmdq_empty(w->r));
    fenced(w, 1);
    g_assert_true(sb_cmdq_empty(w->r));
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_MSI), ==, 1);
    g_assert_cmpuint(rig_count(w->r, RIG_SEEN_WIRE), ==, wires + 1);
    sb_cmd(w->r, cmd_sync(3, 0, 0)); /* illegal: no fence for it */
    g_assert_cmpuint(sb_cerror(w->r), ==, 1);
    g_assert_cmpuint(keeper_fences, ==, 2);
}

/* Disabled while it is held, the queue asks anew. */
static void disabled(void)
{
    g_autoptr(SWorld) w = world(NULL);

    held(w, 7);
    sb_cr0(w->r, CR0_CMDQEN, false);
    fenced(w, 7);
    g_assert_false(sb_cmdq_empty(w->r));
    keeper_ticket = 8;
    sb_cr0(w->r, CR0_CMDQEN, true);
    g_assert_cmpuint(keeper_fences, ==, 2);
    fenced(w, 7);
    g_assert_false(sb_cmdq_empty(w->r));
    fenced(w, 8);
    g_assert_true(sb_cmdq_empty(w->r));
}

/* Without translation no device is waited for, but he is. */
static void not_translating(void)
{
    g_autoptr(SWorld) w = world(NULL);

    sb_cmd(w->r, cmd_atc_inv(w->sid, 0x1000, 0));
    held(w, 7);
    sb_cr0(w->r, CR0_SMMUEN, false);
    g_assert_false(sb_cmdq_empty(w->r));
    fenced(w, 7);
    g_assert_true(sb_cmdq_empty(w->r));
}

/* Numbers may begin again behind a reset. */
static void reset(void)
{
    g_autoptr(SWorld) w = world(NULL);

    held(w, 70);
    im_smmu_reset(w->r->smmu);
    fenced(w, 70);
    sw_on(w);
    held(w, 1);
    fenced(w, 1);
    g_assert_true(sb_cmdq_empty(w->r));
}

int main(int argc, char **argv)
{
    static CommandRow rows[32];
    unsigned n = cfgi_rows(rows, 0);

    n = nh_rows(rows, n);
    n = range_rows(rows, n);
    n = other_rows(rows, n);
    g_assert_cmpuint(n, <=, G_N_ELEMENTS(rows));
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < n; i++) {
        spec_table_row(&rows[i], rows[i].name, command);
    }
    spec_test(SMMU_CMD_TELL_TLBI, "e2h", e2h);
    spec_test(SMMU_CMD_TELL_TLBI, "vmw", vmw);
    spec_test(SMMU_CMD_TELL_TLBI, "narrow", narrow);
    spec_test(SMMU_CMD_TELL_CFGI, "silent", silent);
    spec_test(SMMU_REG_TELL, "registers", registers);
    spec_test(SMMU_CMD_SYNC_FENCE, "none-needed", none_needed);
    spec_test(SMMU_CMD_SYNC_FENCE, "waits", waits);
    spec_test(SMMU_CMD_SYNC_FENCE, "with-devices", with_devices);
    spec_test(SMMU_CMD_SYNC_FENCE, "timed-out", timed_out);
    spec_test(SMMU_CMD_SYNC_FENCE, "signals", signals);
    spec_test(SMMU_CMD_SYNC_FENCE, "disabled", disabled);
    spec_test(SMMU_CMD_SYNC_FENCE, "not-translating", not_translating);
    spec_test(SMMU_CMD_SYNC_FENCE, "reset", reset);
    return g_test_run();
}
