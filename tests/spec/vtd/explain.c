/*
 * im_vtd_explain() names what decided, of requests that are granted as of
 * those that are not. That it says what the unit does is asserted by
 * told_translate(), here and for every row of the fault tables.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_damage.h"
#include "lib/vtd_told.h"

#define FEE     UINT64_C(0xfee00000)

typedef struct Row {
    ImClause clause;
    const char *name;
    WorldKind kind;
    bool pasid;
    bool off;                       /* translation is not enabled */
    Damage damage[DAMAGES];
    void (*tune)(World *w, ImTxn *t);
    const char *note;               /* begins the note */
    const char *end;                /* and ends it, unless NULL */
} Row;

/* --- what is special ---------------------------------------------------- */

static void writes(World *w G_GNUC_UNUSED, ImTxn *t)
{
    t->access = IM_WRITE;
}

static void privileged(World *w G_GNUC_UNUSED, ImTxn *t)
{
    t->priv = true;
}

static void privileged_write(World *w G_GNUC_UNUSED, ImTxn *t)
{
    t->priv = true;
    t->access = IM_WRITE;
}

static void zero_length(World *w G_GNUC_UNUSED, ImTxn *t)
{
    t->len = 0;
}

static void asks(World *w G_GNUC_UNUSED, ImTxn *t)
{
    t->at = IM_AT_TRANSLATION;
    t->len = 8;
}

static void asks_to_read(World *w, ImTxn *t)
{
    asks(w, t);
    t->no_write = true;
}

static void asks_fee(World *w, ImTxn *t)
{
    asks(w, t);
    t->addr = FEE;
}

static void asks_to_read_fee(World *w, ImTxn *t)
{
    asks_to_read(w, t);
    t->addr = FEE;
}

static void asks_too_much(World *w, ImTxn *t)
{
    asks(w, t);
    t->len = 4096;
}

static void asks_by_writing(World *w, ImTxn *t)
{
    asks(w, t);
    t->access = IM_WRITE;
}

static void reserved_at(World *w G_GNUC_UNUSED, ImTxn *t)
{
    t->at = IM_AT_RESERVED;
}

static void translated(World *w, ImTxn *t)
{
    t->at = IM_AT_TRANSLATED;
    t->addr = w->hpa;
}

static void interrupts(World *w G_GNUC_UNUSED, ImTxn *t)
{
    t->addr = FEE;
    t->len = 4;
    t->access = IM_WRITE;
}

static void reads_fee(World *w G_GNUC_UNUSED, ImTxn *t)
{
    t->addr = FEE;
}

static void reads_nothing_of_fee(World *w G_GNUC_UNUSED, ImTxn *t)
{
    t->addr = FEE;
    t->len = 0;
}

static const Row rows[] = {
    /* granted */
    { SPEC(VTD_3_6_1_USER), "read", W_FS, true,
      .note = "read granted: a write has D to set first" },
    { SPEC(VTD_3_6_1_USER), "write", W_FS, true, .tune = writes,
      .note = "read and write granted: by every entry" },
    { SPEC(VTD_3_6_1_USER), "read-only", W_FS, true,
      .damage = { { IN_FS(3), FSE_RW, 0 } },
      .note = "read granted: FS-PDPE: R/W=0" },
    { SPEC(VTD_3_6_1_SUPERVISOR), "read", W_FS, true,
      .damage = { { IN_PE, PE_SRE, 1 }, { IN_FS(1), FSE_RW_US, 0 } },
      .tune = privileged, .note = "read granted" },
    { SPEC(VTD_3_6_1_WPE), "write", W_FS, true,
      .damage = { { IN_PE, PE_SRE, 1 }, { IN_FS(1), FSE_RW_US, 0 } },
      .tune = privileged_write, .note = "read and write granted" },
    { SPEC(VTD_3_7_1_RIGHTS), "legacy", W_LEGACY, false, .tune = writes,
      .note = "read and write granted: by every entry" },
    { SPEC(VTD_3_7_1_RIGHTS), "scalable", W_SS, true,
      .damage = { { IN_SS(2), SSE_RW, SS_R } },
      .note = "read granted: SS-PDE: W=0" },
    { SPEC(VTD_3_8_NESTED), "write", W_NESTED, true, .tune = writes,
      .note = "read and write granted: by every entry" },
    { SPEC(VTD_3_8_NESTED), "second-read-only", W_NESTED, true,
      .damage = { { IN_SS(2), SSE_RW, SS_R } },
      .note = "read granted: SS-PDE: W=0" },
    { SPEC(VTD_3_8_NESTED), "first-read-only", W_NESTED, true,
      .damage = { { IN_FS(1), FSE_RW, 0 } },
      .note = "read granted: FS-PTE: R/W=0" },
    { SPEC(VTD_3_9_PASS_THROUGH), "scalable", W_PT, true,
      .note = "read and write granted" },
    { SPEC(VTD_3_9_PASS_THROUGH), "legacy", W_LEGACY_PT, false,
      .note = "read and write granted" },
    { SPEC(VTD_3_14_ZLR), "write-only", W_SS, true,
      .damage = { { IN_SS(1), SSE_RW, SS_W } }, .tune = zero_length,
      .note = "write granted: SS-PTE: R=0" },
    { SPEC(VTD_3_15_INTERRUPT), "range", W_FS, false, .tune = interrupts,
      .note = "an interrupt request" },
    { SPEC(VTD_3_15_ZLR), "range", W_FS, false, .tune = reads_nothing_of_fee,
      .note = "read granted" },
    { SPEC(VTD_3_1_TES0_PASID), "off", W_FS, true, .off = true,
      .note = "read and write granted" },
    { SPEC(VTD_REG_GSTS), "off", W_FS, false, .off = true,
      .note = "read and write granted" },
    /* translation and translated requests */
    { SPEC(VTD_4_2_3_PERM), "granted", W_FS, true, .tune = asks,
      .note = "read and write granted" },
    { SPEC(VTD_4_2_3_NW), "withheld", W_FS, true, .tune = asks_to_read,
      .note = "read granted" },
    { SPEC(VTD_FLT_SGN_6), "read-only", W_FS, true,
      .damage = { { IN_FS(1), FSE_RW, 0 } }, .tune = asks,
      .note = "read granted: FS-PTE: R/W=0" },
    { SPEC(VTD_FLT_SGN_6), "read-only-and-nw", W_FS, true,
      .damage = { { IN_FS(1), FSE_RW, 0 } }, .tune = asks_to_read,
      .note = "read granted: FS-PTE: R/W=0" },
    { SPEC(VTD_FLT_SGN_7), "write-only", W_SS, true,
      .damage = { { IN_SS(1), SSE_RW, SS_W } }, .tune = asks,
      .note = "write granted: SS-PTE: R=0" },
    { SPEC(VTD_7_1_3_S1), "told", W_FS, false, .tune = asks_fee,
      .note = "write granted" },
    { SPEC(VTD_7_1_3_S2), "told", W_FS, false, .tune = asks_to_read_fee,
      .note = "nothing granted" },
    { SPEC(VTD_4_2_3_TRANSLATED), "told", W_FS, false, .tune = translated,
      .note = "read and write granted" },
    { SPEC(VTD_4_2_1_AT_RESERVED), "told", W_FS, false, .tune = reserved_at,
      .note = "unsupported request" },
    { SPEC(VTD_4_2_1_AT_WRITE), "told", W_FS, false, .tune = asks_by_writing,
      .note = "unsupported request" },
    { SPEC(VTD_4_2_1_MALFORMED), "told", W_FS, false, .tune = asks_too_much,
      .note = "unsupported request" },
    { SPEC(VTD_4_2_1_TES0), "told", W_FS, false, .off = true, .tune = asks,
      .note = "unsupported request" },
    /* faults of a walk: the entry and the bit */
    { SPEC(VTD_FLT_IR_29), "told", W_FS, false, .tune = reads_fee,
      .note = "request to the interrupt range" },
    { SPEC(VTD_FLT_SFS_2), "told", W_FS, true,
      .damage = { { IN_FS(2), FSE_P, 0 } },
      .note = "first-stage entry not present: FS-PDE: P=0" },
    { SPEC(VTD_FLT_SFS_3), "told", W_FS, true,
      .damage = { { IN_FS(1), 50, 50, 1 } },
      .note = "reserved bits in first-stage entry: FS-PTE: bits "
              "4000000000000h must be 0" },
    { SPEC(VTD_FLT_SGN_2), "told", W_FS, true,
      .damage = { { IN_FS(4), FSE_US, 0 } },
      .note = "user request met a supervisor entry: FS-PML4E: U/S=0" },
    { SPEC(VTD_FLT_SGN_6), "first", W_FS, true,
      .damage = { { IN_FS(3), FSE_RW, 0 } }, .tune = writes,
      .note = "no write permission: FS-PDPE: R/W=0" },
    { SPEC(VTD_FLT_SGN_6), "first-of-two", W_FS, true,
      .damage = { { IN_FS(3), FSE_RW, 0 }, { IN_FS(1), FSE_RW, 0 } },
      .tune = writes, .note = "no write permission: FS-PDPE: R/W=0" },
    { SPEC(VTD_FLT_SGN_6), "of-the-last-walk", W_NESTED, true,
      .damage = { { IN_FS(2), FSE_A, 1 },
                  { IN_TABLE(2), SSE_RW, SS_R },
                  { IN_SS(2), SSE_RW, SS_R } },
      .tune = writes, .note = "no write permission: SS-PDE: W=0" },
    { SPEC(VTD_FLT_SGN_6), "second", W_SS, true,
      .damage = { { IN_SS(2), SSE_RW, SS_R } }, .tune = writes,
      .note = "no write permission: SS-PDE: W=0" },
    { SPEC(VTD_FLT_SGN_6), "nested", W_NESTED, true,
      .damage = { { IN_SS(2), SSE_RW, SS_R } }, .tune = writes,
      .note = "no write permission: SS-PDE: W=0" },
    { SPEC(VTD_FLT_SGN_7), "second", W_SS, true,
      .damage = { { IN_SS(1), SSE_RW, SS_W } },
      .note = "no read permission: SS-PTE: R=0" },
    { SPEC(VTD_FLT_SSS_2), "told", W_NESTED, true,
      .damage = { { IN_SS(1), SSE_RW, 0 } },
      .note = "second-stage entry not present: SS-PTE: R=0, W=0" },
    { SPEC(VTD_FLT_SSS_2), "disjoint", W_SS, true,
      .damage = { { IN_SS(1), SSE_RW, SS_W }, { IN_SS(2), SSE_RW, SS_R } },
      .note = "second-stage entry not present: SS-PTE: grants nothing that" },
    { SPEC(VTD_FLT_SSS_3), "told", W_SS, true,
      .damage = { { IN_SS(1), 50, 50, 1 } },
      .note = "reserved bits in second-stage entry: SS-PTE: bits "
              "4000000000000h" },
    { SPEC(VTD_FLT_LSS_2), "told", W_LEGACY, false,
      .damage = { { IN_SS(1), 50, 50, 1 } },
      .note = "reserved bits in second-stage entry: SS-PTE: bits "
              "4000000000000h" },
    { SPEC(VTD_FLT_LGN_3), "told", W_LEGACY, false,
      .damage = { { IN_SS(1), SSE_RW, SS_W } },
      .note = "no read permission: SS-PTE: R=0" },
    { SPEC(VTD_FLT_SSS_5), "told", W_SS, true,
      .damage = { { IN_PE, PE_SSADE, 1 }, { IN_PE, PE_PWSNP, 0 } },
      .note = "second-stage A/D update in a walk that does not snoop: "
              "SS-PML4E: A or D to be set, but PWSNP=0" },
    { SPEC(VTD_FLT_SFS_9), "told", W_FS, true,
      .damage = { { IN_PE, PE_PWSNP, 0 } },
      .note = "first-stage A/D update in a walk that does not snoop: "
              "FS-PML4E: A, EA or D to be set, but PWSNP=0" },
    { SPEC(VTD_FLT_SFS_10), "told", W_FS, true,
      .damage = { { IN_FS(1), FSE_A, UNWRITABLE } },
      .note = "first-stage A/D update failed: FS-PTE: A, EA or D cannot be "
              "set at" },
    { SPEC(VTD_FLT_SGN_8), "told", W_FS, true,
      .damage = { { IN_FS(1), FSE_ADDR, FEE >> 12 } },
      .note = "output in the interrupt address range: FS-PTE: its page is in "
              "FEE" },
    { SPEC(VTD_FLT_SFS_7), "told", W_NESTED, true,
      .damage = { { IN_TABLE(1), SSE_RW, SS_W } },
      .note = "second stage denies reading a first-stage entry: FS-PTE at "
              "guest",
      .end = "h: SS-PTE: R=0" },
    { SPEC(VTD_FLT_SFS_7), "needs-write", W_NESTED, true,
      .damage = { { IN_PE, PE_SSADE, 1 }, { IN_TABLE(1), SSE_RW, SS_R } },
      .note = "second stage denies reading a first-stage entry: FS-PTE at "
              "guest",
      .end = "h: SS-PTE: W=0" },
};

static void run(const void *data)
{
    const Row *row = data;
    g_autoptr(World) w = world_new_off(NULL, row->kind, row->pasid);
    ImTxn t;
    Told told;

    world_damage(w, row->damage);
    if (!row->off) {
        world_on(w);
    }
    t = world_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    if (row->tune) {
        row->tune(w, &t);
    }
    told_translate(w->r, &t, &told);
    g_assert_cmpint(told.clause, ==, row->clause);
    if (!g_str_has_prefix(told.note, row->note)) {
        g_error("note \"%s\" does not begin with \"%s\"", told.note, row->note);
    }
    if (row->end && !g_str_has_suffix(told.note, row->end)) {
        g_error("note \"%s\" does not end with \"%s\"", told.note, row->end);
    }
}

/* --- every kind of request, in every kind of world ---------------------- */

static void every_request(const void *data)
{
    static const ImAt at[] = { IM_AT_UNTRANSLATED, IM_AT_TRANSLATION,
                               IM_AT_TRANSLATED, IM_AT_RESERVED };
    static const ImAccess access[] = { IM_READ, IM_WRITE, IM_ATOMIC };
    WorldKind kind = (WorldKind)GPOINTER_TO_UINT(data);

    for (unsigned i = 0; i < 4 * 3 * 32; i++) {
        g_autoptr(World) w = world_new(NULL, kind, kind >= W_FS && (i & 1));
        ImTxn t = world_txn(w, at[i >> 5 & 3], access[i / 128]);
        Told told;

        t.priv = i & 2;
        t.exec = i & 4;
        t.no_write = i & 8;
        t.len = i & 16 ? 0 : t.len;
        told_translate(w->r, &t, &told);
    }
}

/* --- what was read ------------------------------------------------------ */

static void entries_are_shown(void)
{
    static const struct {
        WorldKind kind;
        unsigned reads;
        const char *last;
    } want[] = {
        { W_LEGACY, 2 + 4, "SS-PTE" },
        { W_LEGACY_PT, 2, "context entry" },
        { W_FS, 4 + 4, "FS-PTE" },
        { W_SS, 4 + 4, "SS-PTE" },
        { W_PT, 4, "PASID table entry" },
        /* each entry of the first stage behind 4 of the second */
        { W_NESTED, 4 + 4 * 5 + 4, "SS-PTE" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(want); i++) {
        g_autoptr(World) w = world_new(NULL, want[i].kind, false);
        ImTxn t = world_txn(w, IM_AT_UNTRANSLATED, IM_WRITE);
        Told told;

        told_translate(w->r, &t, &told);
        g_assert_cmpuint(told.reads, ==, want[i].reads);
        g_assert_cmpuint(told.steps, ==, want[i].reads + 1);
        g_assert_cmpstr(told.last_read, ==, want[i].last);
    }
}

/* --- page requests ------------------------------------------------------ */

typedef enum Trouble {
    NO_TROUBLE,
    OFF,
    NO_PRE,
    FULL,
    OVERFLOWN,
    NO_MEMORY,
} Trouble;

typedef struct RequestRow {
    const char *name;
    ImClause clause;
    const char *note;           /* NULL: the reason's */
    Trouble trouble;
    bool read, last;
    int code;                   /* of the automatic response; -1: none */
} RequestRow;

#define QUIET   -1
#define MARKER  "; dropped, a stop marker is not answered"
#define MIDST   "; dropped, not the last of its group"
#define INVALID "; answered with Invalid Request automatically"
#define SUCCESS "; answered with Success automatically"

static const RequestRow requests[] = {
    { "queued", IM_CLAUSE(VTD_PRQ_DESCRIPTOR), "queued", NO_TROUBLE, true, true,
      QUIET },
    { "queued-midst", IM_CLAUSE(VTD_PRQ_DESCRIPTOR), "queued", NO_TROUBLE, true,
      false, QUIET },
    { "marker", IM_CLAUSE(VTD_PRQ_DESCRIPTOR), "queued", NO_TROUBLE, false,
      true, QUIET },
    { "off", IM_CLAUSE(VTD_REG_GSTS), "GSTS_REG.TES=0" INVALID, OFF, true, true,
      IM_PAGE_RESP_INVALID },
    { "off-midst", IM_CLAUSE(VTD_REG_GSTS), "GSTS_REG.TES=0" MIDST, OFF, true,
      false, QUIET },
    { "off-marker", IM_CLAUSE(VTD_REG_GSTS), "GSTS_REG.TES=0" MARKER, OFF,
      false, true, QUIET },
    { "pre-0", IM_CLAUSE(VTD_FLT_SCT_8), NULL, NO_PRE, true, true,
      IM_PAGE_RESP_INVALID },
    { "pre-0-midst", IM_CLAUSE(VTD_FLT_SCT_8), NULL, NO_PRE, true, false,
      QUIET },
    { "pre-0-marker", IM_CLAUSE(VTD_FLT_SCT_8), NULL, NO_PRE, false, true,
      QUIET },
    { "full", IM_CLAUSE(VTD_PRQ_FULL),
      "page request queue full, PRO would be set" SUCCESS, FULL, true, true,
      IM_PAGE_RESP_SUCCESS },
    { "full-midst", IM_CLAUSE(VTD_PRQ_FULL),
      "page request queue full, PRO would be "
      "set" MIDST,
      FULL, true, false, QUIET },
    { "full-marker", IM_CLAUSE(VTD_PRQ_FULL),
      "page request queue full, PRO would be "
      "set" MARKER,
      FULL, false, true, QUIET },
    { "overflown", IM_CLAUSE(VTD_PRQ_OVERFLOW), "PRS_REG.PRO=1" SUCCESS,
      OVERFLOWN, true, true, IM_PAGE_RESP_SUCCESS },
    { "overflown-midst", IM_CLAUSE(VTD_PRQ_OVERFLOW), "PRS_REG.PRO=1" MIDST,
      OVERFLOWN, true, false, QUIET },
    { "no-memory", IM_CLAUSE(VTD_PRQ_DESCRIPTOR),
      "page request queue not writable" INVALID, NO_MEMORY, true, true,
      IM_PAGE_RESP_INVALID },
};

/* All but one descriptor are in use: by requests, so PPR is set. */
static void fill(World *w)
{
    ImPageReq q = world_page_req(w);

    for (unsigned i = 0; i < 127; i++) {
        im_vtd_page_request(w->r->vtd, &q);
    }
    g_assert_cmphex(rig_reg32(w->r, REG_PRS), ==, PRS_PPR);
}

static void make_trouble(World *w, Trouble trouble)
{
    ImPageReq q = world_page_req(w);

    switch (trouble) {
    case OFF:
        vb_gcmd(w->r, GCMD_TE, false);
        break;
    case FULL:
        fill(w);
        break;
    case OVERFLOWN:
        fill(w);
        im_vtd_page_request(w->r->vtd, &q);
        break;
    case NO_MEMORY:
        rig_set64(w->r, REG_PQA, w->r->ram_top);
        break;
    default:
        break;
    }
    rig_log_clear(w->r);
}

static void request_row(const void *data)
{
    const RequestRow *row = data;
    g_autoptr(World) w = world_new_off(NULL, W_FS, true);
    ImPageReq q = world_page_req(w);
    ImPageFate f;
    Told told;

    if (row->trouble == NO_PRE) {
        rig_put(w->r, w->ctx, SCTX_PRE, 0);
    }
    world_on(w);
    make_trouble(w, row->trouble);
    q.last = row->last;
    q.read = q.write = row->read;
    f = told_page_request(w->r, &q, &told);
    g_assert_cmpint(told.clause, ==, row->clause);
    if (row->note) {
        g_assert_cmpstr(told.note, ==, row->note);
    }
    g_assert_cmpint(f.answered ? f.resp.code : QUIET, ==, row->code);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("explain/%s", rows[i].name);

        spec_table_row(&rows[i], path, run);
    }
    for (unsigned kind = 0; kind < W_KINDS; kind++) {
        g_autofree char *path = g_strdup_printf("explain/kind@%u", kind);

        spec_row(VTD_4_2_3_PERM, path, every_request, GUINT_TO_POINTER(kind));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(requests); i++) {
        g_autofree char *path = g_strdup_printf("explain/%s", requests[i].name);

        spec_row(VTD_PRQ_TABLE_FAULT, path, request_row, &requests[i]);
    }
    spec_test(VTD_3_4_RID_PASID, "explain/entries", entries_are_shown);
    return g_test_run();
}
