/*
 * What each invalidation drops and what it leaves: 4.3, 4.4, 3.17, 3.21.
 *
 * Every row works on the same set of cached translations. Each is changed
 * in memory behind the unit's back; after the command those in its scope
 * must show the change, those outside must not: dropping more is permitted
 * to hardware, and is what this project does not want to do.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/smmu_world.h"
#include "lib/spec.h"

#define DELTA   UINT64_C(0x10000000)
#define VA0     UINT64_C(0x7654320000)
#define VA1     UINT64_C(0x7654321000)
#define VA2     UINT64_C(0x7654400000)
#define VA3     UINT64_C(0x7654322000)

typedef enum Item {
    I_A1_VA0,           /* NS-EL1, VMID 1, ASID 1 */
    I_A1_VA1,
    I_A2_VA0,           /* VMID 1, ASID 2 */
    I_V2_VA0,           /* VMID 2, ASID 1 */
    I_GLOBAL,           /* VMID 1, ASID 3, nG = 0, VA3 */
    I_EL2_VA0,          /* EL2, or EL2-E2H with ASID 1 */
    I_EL2_VA1,
    I_EL2_A2,           /* EL2-E2H: ASID 2, VA1; EL2: the same as VA1 */
    I_NEST_S1,          /* VMID 3, ASID 1, VA0: its stage 1 changes */
    I_NEST_S2,          /* VA2: its stage 2 changes */
    I_S2_V3,            /* VMID 3, stage 2 only, IPA VA1 */
    I_S2_V4_0,          /* VMID 4, IPA VA0 */
    I_S2_V4_1,          /* IPA VA1 */
    ITEMS
} Item;

#define B(i)    (1u << (i))
#define EL1_V1  (B(I_A1_VA0) | B(I_A1_VA1) | B(I_A2_VA0) | B(I_GLOBAL))
#define EL2     (B(I_EL2_VA0) | B(I_EL2_VA1) | B(I_EL2_A2))
#define ALL     (B(ITEMS) - 1)

typedef struct Entry {
    uint32_t sid;
    uint64_t va;
    uint64_t pa;                /* as cached */
    uint64_t desc;              /* leaf whose address changes */
} Entry;

typedef struct Unit {
    SWorld *w;
    Entry e[ITEMS];
    bool e2h;
} Unit;

static uint64_t next_pa(void)
{
    static uint64_t pa = UINT64_C(0x200000000);

    return pa += 0x100000;
}

/* A stream of its own, of a kind, with first tables of its own. */
static void stream(Unit *u, SwKind kind, uint32_t sid, uint16_t vmid,
                   uint16_t asid, unsigned strw)
{
    SWorld *w = u->w;
    uint64_t ste;

    w->kind = kind;
    w->vmid = vmid;
    w->asid = asid;
    w->bias = kind == SW_NESTED ? UINT64_C(1) << 40 : 0;
    if (kind != SW_S2) {
        w->s1 = sw_table(w, 4096);
        w->cdtab = w->cd = sw_table(w, 64);
        sw_fill_cd(w, w->cd, asid);
    }
    ste = sw_stream(w, sid);
    rig_put(w->r, ste, STE_STRW, strw);
}

static void page(Unit *u, Item i, uint32_t sid, uint64_t va, uint64_t flags)
{
    SWorld *w = u->w;
    Entry *e = &u->e[i];

    *e = (Entry) { .sid = sid, .va = va, .pa = next_pa() };
    if (w->kind == SW_S2) {
        sw_s2_map(w, va, e->pa, 12, SB_S2);
        e->desc = sw_s2_desc(w, va, 3);
        return;
    }
    if (w->kind == SW_NESTED) {
        sw_s2_map(w, e->pa + w->bias, e->pa, 12, SB_S2);
        sw_s2_map(w, e->pa + w->bias + DELTA, e->pa + DELTA, 12, SB_S2);
    }
    sw_s1_map(w, va, e->pa + w->bias, 12, flags);
    e->desc = i == I_NEST_S2 ? sw_s2_desc(w, e->pa + w->bias, 3) :
                               sw_s1_desc(w, va, 3);
}

static void touch(Unit *u, Item i, bool changed)
{
    ImTxn t = {
        .addr = u->e[i].va + 8,
        .len = 4,
        .rid = (uint16_t)u->e[i].sid,
        .access = IM_READ,
    };
    ImXlat x = sw_run(u->w, &t);

    xlat_is_ok(&x, u->e[i].pa + 8 + (changed ? DELTA : 0));
}

static Unit *unit_new(bool e2h, uint32_t cr0)
{
    Unit *u = g_new0(Unit, 1);
    SWorld *w = sw_new_off(NULL, SW_NESTED, false, NULL);

    u->w = w;
    u->e2h = e2h;
    w->cr0 = cr0;
    w->cr2 |= e2h ? CR2_E2H : 0;
    stream(u, SW_S1, 0x101, 1, 1, 0);
    page(u, I_A1_VA0, 0x101, VA0, SB_S1);
    page(u, I_A1_VA1, 0x101, VA1, SB_S1);
    stream(u, SW_S1, 0x102, 1, 2, 0);
    page(u, I_A2_VA0, 0x102, VA0, SB_S1);
    stream(u, SW_S1, 0x103, 2, 1, 0);
    page(u, I_V2_VA0, 0x103, VA0, SB_S1);
    stream(u, SW_S1, 0x104, 1, 3, 0);
    page(u, I_GLOBAL, 0x104, VA3, SB_S1 & ~D_NG);
    stream(u, SW_S1, 0x105, 0, 1, 2);
    page(u, I_EL2_VA0, 0x105, VA0, SB_S1);
    page(u, I_EL2_VA1, 0x105, VA1, SB_S1);
    if (e2h) {
        stream(u, SW_S1, 0x106, 0, 2, 2);
        page(u, I_EL2_A2, 0x106, VA1, SB_S1);
    } else {
        u->e[I_EL2_A2] = u->e[I_EL2_VA1];
    }
    stream(u, SW_NESTED, 0x107, 3, 1, 0);
    page(u, I_NEST_S1, 0x107, VA0, SB_S1);
    page(u, I_NEST_S2, 0x107, VA2, SB_S1);
    stream(u, SW_S2, 0x108, 3, 0, 0);
    page(u, I_S2_V3, 0x108, VA1, 0);
    w->s2 = rig_alloc(w->r, 1, RIG_TABLE);
    stream(u, SW_S2, 0x109, 4, 0, 0);
    page(u, I_S2_V4_0, 0x109, VA0, 0);
    page(u, I_S2_V4_1, 0x109, VA1, 0);
    sw_on(w);
    return u;
}

static void unit_free(Unit *u)
{
    sw_free(u->w);
    g_free(u);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Unit, unit_free)

static void change_all(Unit *u)
{
    for (unsigned i = 0; i < ITEMS; i++) {
        touch(u, i, false);
    }
    for (unsigned i = 0; i < ITEMS; i++) {
        uint64_t was = rig_r64(u->w->r, u->e[i].desc);

        if (i == I_EL2_A2 && !u->e2h) {
            continue;
        }
        rig_w64(u->w->r, u->e[i].desc, was + DELTA);
    }
    for (unsigned i = 0; i < ITEMS; i++) {      /* else nothing is shown */
        touch(u, i, false);
    }
}

static void check(Unit *u, unsigned must, unsigned may)
{
    for (unsigned i = 0; i < ITEMS; i++) {
        ImTxn t = {
            .addr = u->e[i].va,
            .len = 4,
            .rid = (uint16_t)u->e[i].sid,
            .access = IM_READ,
        };
        ImXlat x = sw_run(u->w, &t);
        bool shows = x.addr == u->e[i].pa + DELTA;

        g_assert_cmpuint(x.status, ==, IM_OK);
        g_assert_true(shows || x.addr == u->e[i].pa);
        if (!(may & B(i)) && shows != ((must & B(i)) != 0)) {
            g_test_message("item %u %s", i, shows ? "dropped" : "kept");
            g_test_fail();
        }
    }
}

/* --- one row a command -------------------------------------------------- */

typedef struct TlbiRow {
    ImClause clause;
    const char *path;
    uint8_t op;
    uint16_t vmid, asid;
    uint64_t addr;
    bool leaf;
    unsigned must, may;
    uint8_t tg, ttl, num, scale;
    bool e2h;
    uint8_t vmw;
} TlbiRow;

static const TlbiRow tlbi_rows[] = {
    { SPEC(SMMU_TLB_ALL), "vmid-1", OP_NH_ALL, 1, 0, 0, false, EL1_V1, 0 },
    { SPEC(SMMU_TLB_ALL), "vmid-2", OP_NH_ALL, 2, 0, 0, false, B(I_V2_VA0), 0 },
    { SPEC(SMMU_TLB_ALL), "nested", OP_NH_ALL, 3, 0, 0, false, B(I_NEST_S1),
      B(I_NEST_S2) },
    { SPEC(SMMU_TLB_ALL), "stage-2-only", OP_NH_ALL, 4, 0, 0, false, 0, 0 },
    { SPEC(SMMU_TLB_ALL), "nobody", OP_NH_ALL, 9, 0, 0, false, 0, 0 },
    { SPEC(SMMU_TLB_ASID), "1", OP_NH_ASID, 1, 1, 0, false,
      B(I_A1_VA0) | B(I_A1_VA1), 0 },
    { SPEC(SMMU_TLB_ASID), "2", OP_NH_ASID, 1, 2, 0, false, B(I_A2_VA0), 0 },
    { SPEC(SMMU_TLB_GLOBAL), "by-asid-stays", OP_NH_ASID, 1, 3, 0, false, 0,
      0 },
    { SPEC(SMMU_TLB_ASID), "other-vmid", OP_NH_ASID, 2, 1, 0, false,
      B(I_V2_VA0), 0 },
    { SPEC(SMMU_TLB_ASID), "nested", OP_NH_ASID, 3, 1, 0, false, B(I_NEST_S1),
      B(I_NEST_S2) },
    { SPEC(SMMU_TLB_VA), "asid-1", OP_NH_VA, 1, 1, VA0, false, B(I_A1_VA0), 0 },
    { SPEC(SMMU_TLB_VA), "leaf", OP_NH_VA, 1, 1, VA0, true, B(I_A1_VA0), 0 },
    { SPEC(SMMU_TLB_VA), "other-page", OP_NH_VA, 1, 1, VA1, true, B(I_A1_VA1),
      0 },
    { SPEC(SMMU_TLB_VA), "asid-2", OP_NH_VA, 1, 2, VA0, true, B(I_A2_VA0), 0 },
    { SPEC(SMMU_TLB_GLOBAL), "for-any-asid", OP_NH_VA, 1, 77, VA3, true,
      B(I_GLOBAL), 0 },
    { SPEC(SMMU_TLB_GLOBAL), "of-another-vmid", OP_NH_VA, 2, 3, VA3, true, 0,
      0 },
    { SPEC(SMMU_TLB_VA), "nobody", OP_NH_VA, 1, 1, VA2, true, 0, 0 },
    { SPEC(SMMU_TLB_VA), "nested", OP_NH_VA, 3, 1, VA0, true, B(I_NEST_S1), 0 },
    { SPEC(SMMU_TLB_VAA), "vmid-1", OP_NH_VAA, 1, 0, VA0, true,
      B(I_A1_VA0) | B(I_A2_VA0), 0 },
    { SPEC(SMMU_TLB_GLOBAL), "vaa", OP_NH_VAA, 1, 0, VA3, true, B(I_GLOBAL),
      0 },
    { SPEC(SMMU_TLB_VAA), "other-page", OP_NH_VAA, 1, 0, VA1, true, B(I_A1_VA1),
      0 },
    { SPEC(SMMU_TLB_VAA), "vmid-2", OP_NH_VAA, 2, 0, VA0, false, B(I_V2_VA0),
      0 },
    { SPEC(SMMU_TLB_ALL), "el2", OP_EL2_ALL, 0, 0, 0, false, EL2, 0 },
    { SPEC(SMMU_TLB_ALL), "e2h", OP_EL2_ALL, 0, 0, 0, false, EL2, 0,
      .e2h = true },
    { SPEC(SMMU_TLB_VA), "el2", OP_EL2_VA, 0, 0, VA0, true, B(I_EL2_VA0), 0 },
    { SPEC(SMMU_TLB_VA), "el2-asid-ignored", OP_EL2_VA, 0, 99, VA0, true,
      B(I_EL2_VA0), 0 },
    { SPEC(SMMU_TLB_VA), "e2h", OP_EL2_VA, 0, 1, VA1, true, B(I_EL2_VA1), 0,
      .e2h = true },
    { SPEC(SMMU_TLB_VA), "e2h-other-asid", OP_EL2_VA, 0, 2, VA1, true,
      B(I_EL2_A2), 0, .e2h = true },
    { SPEC(SMMU_TLB_VAA), "el2", OP_EL2_VAA, 0, 0, VA0, true, B(I_EL2_VA0), 0 },
    { SPEC(SMMU_TLB_VAA), "e2h", OP_EL2_VAA, 0, 0, VA1, true,
      B(I_EL2_VA1) | B(I_EL2_A2), 0, .e2h = true },
    { SPEC(SMMU_TLB_ASID), "el2", OP_EL2_ASID, 0, 1, 0, false, 0, EL2 },
    { SPEC(SMMU_TLB_ASID), "e2h", OP_EL2_ASID, 0, 1, 0, false,
      B(I_EL2_VA0) | B(I_EL2_VA1), 0, .e2h = true },
    { SPEC(SMMU_TLB_VMALL), "vmid-1", OP_S12_VMALL, 1, 0, 0, false, EL1_V1, 0 },
    { SPEC(SMMU_TLB_VMALL), "vmid-3", OP_S12_VMALL, 3, 0, 0, false,
      B(I_NEST_S1) | B(I_NEST_S2) | B(I_S2_V3), 0 },
    { SPEC(SMMU_TLB_VMALL), "vmid-4", OP_S12_VMALL, 4, 0, 0, false,
      B(I_S2_V4_0) | B(I_S2_V4_1), 0 },
    { SPEC(SMMU_TLB_IPA), "page", OP_S2_IPA, 4, 0, VA0, true, B(I_S2_V4_0), 0 },
    { SPEC(SMMU_TLB_IPA), "other-page", OP_S2_IPA, 4, 0, VA1, false,
      B(I_S2_V4_1), 0 },
    { SPEC(SMMU_TLB_IPA), "other-vmid", OP_S2_IPA, 3, 0, VA1, true, B(I_S2_V3),
      B(I_NEST_S2) },
    { SPEC(SMMU_TLB_IPA), "stage-1-stays", OP_S2_IPA, 1, 0, VA0, true, 0, 0 },
    { SPEC(SMMU_TLB_NSNH_ALL), "all-but-el2", OP_NSNH_ALL, 0, 0, 0, false,
      ALL & ~EL2, 0 },
    { SPEC(SMMU_TLB_NSNH_ALL), "all-but-e2h", OP_NSNH_ALL, 0, 0, 0, false,
      ALL & ~EL2, 0, .e2h = true },
    /* ranges: (num + 1) * 2^scale pages from addr */
    { SPEC(SMMU_CMD_RIL), "two-pages", OP_NH_VA, 1, 1, VA0, true,
      B(I_A1_VA0) | B(I_A1_VA1), 0, .tg = 1, .num = 1 },
    { SPEC(SMMU_CMD_RIL), "three-pages", OP_NH_VA, 1, 1, VA0, true,
      B(I_A1_VA0) | B(I_A1_VA1) | B(I_GLOBAL), 0, .tg = 1, .num = 2 },
    { SPEC(SMMU_CMD_RIL), "one-page", OP_NH_VA, 1, 1, VA1, true, B(I_A1_VA1), 0,
      .tg = 1, .ttl = 3 },
    { SPEC(SMMU_CMD_RIL), "before", OP_NH_VAA, 1, 0, VA0 - 0x2000, true, 0, 0,
      .tg = 1, .num = 1 },
    { SPEC(SMMU_CMD_RIL), "up-to", OP_NH_VAA, 1, 0, VA0 - 0x2000, true,
      B(I_A1_VA0) | B(I_A2_VA0), 0, .tg = 1, .num = 2 },
    { SPEC(SMMU_CMD_RIL), "scale", OP_S2_IPA, 4, 0, VA0 - 0x20000, true,
      B(I_S2_V4_0) | B(I_S2_V4_1), 0, .tg = 1, .num = 1, .scale = 5 },
    { SPEC(SMMU_CMD_RIL), "everything", OP_NH_VA, 1, 1, 0, true,
      B(I_A1_VA0) | B(I_A1_VA1) | B(I_GLOBAL), 0, .tg = 1, .num = 31,
      .scale = 31 },
    { SPEC(SMMU_CMD_RIL), "other-granule", OP_NH_VA, 1, 1, VA0, true, 0,
      B(I_A1_VA0) | B(I_A1_VA1) | B(I_GLOBAL), .tg = 3, .num = 1 },
    { SPEC(SMMU_CMD_RIL), "other-level", OP_NH_VA, 1, 1,
      VA0 & ~UINT64_C(0x1fffff), true, 0,
      B(I_A1_VA0) | B(I_A1_VA1) | B(I_GLOBAL), .tg = 1, .ttl = 2, .num = 1 },
    { SPEC(SMMU_CMD_RIL), "el2", OP_EL2_VA, 0, 0, VA0, true,
      B(I_EL2_VA0) | B(I_EL2_VA1) | B(I_EL2_A2), 0, .tg = 1, .num = 1 },
    /* CR0.VMW: low bits of the VMID that do not count */
    { SPEC(SMMU_TLB_VMW), "1-bit", OP_NH_ALL, 2, 0, 0, false,
      B(I_V2_VA0) | B(I_NEST_S1), B(I_NEST_S2), .vmw = 1 },
    { SPEC(SMMU_TLB_VMW), "2-bits", OP_NH_ALL, 0, 0, 0, false,
      EL1_V1 | B(I_V2_VA0) | B(I_NEST_S1), B(I_NEST_S2), .vmw = 2 },
    { SPEC(SMMU_TLB_VMW), "3-bits", OP_S12_VMALL, 7, 0, 0, false, ALL & ~EL2, 0,
      .vmw = 3 },
    { SPEC(SMMU_TLB_VMW), "by-va", OP_NH_VA, 0, 1, VA0, true,
      B(I_A1_VA0) | B(I_V2_VA0) | B(I_NEST_S1), 0, .vmw = 4 },
};

static void tlbi_row(const void *data)
{
    const TlbiRow *row = data;
    g_autoptr(Unit) u = unit_new(row->e2h, (uint32_t)row->vmw << CR0_VMW_SHIFT);
    Cmd c = cmd_tlbi(row->op, row->vmid, row->asid, row->addr, row->leaf);

    change_all(u);
    if (row->tg) {
        c = cmd_tlbi_range(c, row->tg, row->ttl, row->num, row->scale);
    }
    sb_do(u->w->r, c);
    check(u, row->must, row->may);
}

/* 3.17.1: global entries of one ASET do not serve the other, and commands
 * do not tell them apart. */
static void global_by_aset(void)
{
    g_autoptr(Unit) u = unit_new(false, 0);
    static const Item both[] = { I_GLOBAL, I_A2_VA0 };

    stream(u, SW_S1, 0x10a, 1, 4, 0);
    rig_put(u->w->r, u->w->cd, CD_ASET, 0);     /* of the others: 1 */
    page(u, I_A2_VA0, 0x10a, VA3, SB_S1 & ~D_NG);
    for (unsigned i = 0; i < 4; i++) {
        touch(u, both[i & 1], false);
    }
    for (unsigned i = 0; i < 2; i++) {
        uint64_t desc = u->e[both[i]].desc;

        rig_w64(u->w->r, desc, rig_r64(u->w->r, desc) + DELTA);
        touch(u, both[i], false);
    }
    sb_do(u->w->r, cmd_tlbi(OP_NH_VA, 1, 77, VA3, true));
    touch(u, both[0], true);
    touch(u, both[1], true);
}

/* Stage 2 changed: the IPA first, then stage 1 of the VMID, as software
 * must do it. */
static void stage2_sequence(void)
{
    g_autoptr(Unit) u = unit_new(false, 0);
    uint64_t ipa = u->e[I_NEST_S2].pa + (UINT64_C(1) << 40);

    change_all(u);
    sb_do(u->w->r, cmd_tlbi(OP_S2_IPA, 3, 0, ipa, true));
    sb_do(u->w->r, cmd_tlbi(OP_NH_ALL, 3, 0, 0, false));
    check(u, B(I_NEST_S1) | B(I_NEST_S2), 0);
}

/* Configuration commands leave translations alone, and the other way. */
static void configuration_is_apart(void)
{
    g_autoptr(Unit) u = unit_new(false, 0);

    change_all(u);
    sb_do(u->w->r, cmd_cfgi_all());
    check(u, 0, 0);
}

/* --- blocks ------------------------------------------------------------- */

/* A block goes with any address in it. */
static void block(const void *data)
{
    unsigned n = GPOINTER_TO_UINT(data), g = n & 31, level = n >> 8;
    SwShape s = { .g1 = (uint8_t)g };
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, &s);
    unsigned lg2 = sb_level_shift(g, level);
    uint64_t va = UINT64_C(0x400000000000), pa = UINT64_C(1) << lg2;
    uint64_t inside = (UINT64_C(1) << lg2) - 0x1000;
    ImXlat x;

    pa = MAX(pa, UINT64_C(0x200000000) >> lg2 << lg2);
    sw_s1_map(w, va, pa, lg2, SB_S1);
    sw_on(w);
    x = sw_dma(w, IM_READ, va + inside);
    xlat_is_ok(&x, pa + inside);
    x = sw_dma(w, IM_READ, va);
    xlat_is_ok(&x, pa);
    rig_w64(w->r, sw_s1_desc(w, va, level), 0);
    sb_do(w->r, cmd_tlbi(OP_NH_VA, w->vmid, w->asid, va + 0x2000, true));
    x = sw_dma(w, IM_READ, va + inside);
    sx_is_abort(&x, EV_TRANSLATION);
    x = sw_dma(w, IM_READ, va);
    sx_is_abort(&x, EV_TRANSLATION);
}

/* A block of stage 1 on small pages of stage 2 is kept in pieces: all go,
 * whichever address of it is named. */
static void block_in_pieces(const void *data)
{
    static const uint64_t offset[] = { 0, 0x3000, 0x100000, 0x1ff000 };
    unsigned named = GPOINTER_TO_UINT(data);
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_NESTED, false, NULL);
    uint64_t va = UINT64_C(0x400000000000), pa = UINT64_C(0x340000000);
    uint64_t other = va + UINT64_C(0x200000);
    ImXlat x;

    sw_s1_map(w, va, pa + w->bias, 21, SB_S1);
    sw_s1_map(w, other, pa + w->bias, 21, SB_S1);
    for (unsigned i = 0; i < G_N_ELEMENTS(offset); i++) {
        sw_s2_map(w, pa + w->bias + offset[i], pa + offset[i], 12, SB_S2);
    }
    sw_on(w);
    for (unsigned i = 0; i < G_N_ELEMENTS(offset); i++) {
        x = sw_dma(w, IM_READ, va + offset[i]);
        xlat_is_ok(&x, pa + offset[i]);
        x = sw_dma(w, IM_READ, other + offset[i]);
        xlat_is_ok(&x, pa + offset[i]);
    }
    rig_w64(w->r, sw_s1_desc(w, va, 2), 0);
    rig_w64(w->r, sw_s1_desc(w, other, 2), 0);
    sb_do(w->r, cmd_tlbi(OP_NH_VA, w->vmid, w->asid, va + offset[named], true));
    for (unsigned i = 0; i < G_N_ELEMENTS(offset); i++) {
        x = sw_dma(w, IM_READ, va + offset[i]);
        sx_is_abort(&x, EV_TRANSLATION);
        x = sw_dma(w, IM_READ, other + offset[i]);
        xlat_is_ok(&x, pa + offset[i]);
    }
}

/* Leaf=0 also drops what is known of tables above. */
static void table_removed(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, false);
    ImXlat x = sw_dma(w, IM_READ, w->iova);

    xlat_is_ok(&x, w->pa);
    rig_w64(w->r, sw_s1_desc(w, w->iova, 1), 0);
    sb_do(w->r, cmd_tlbi(OP_NH_VA, w->vmid, w->asid, w->iova, false));
    x = sw_dma(w, IM_READ, w->iova);
    sx_is_abort(&x, EV_TRANSLATION);
    x = sw_dma(w, IM_READ, w->iova + 0x10000);
    sx_is_abort(&x, EV_TRANSLATION);
}

/* A table that is cached grants no more than when it was walked, whichever
 * page below it is asked for. */
static void table_rights(void)
{
    static const uint64_t apart[] = { 0x1000, 0x200000 };
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    uint64_t va = w->iova, desc = sw_s1_desc(w, va, 1);
    ImXlat x;

    for (unsigned i = 0; i < G_N_ELEMENTS(apart); i++) {
        sw_s1_map(w, va + apart[i], w->pa, 12, SB_S1);
    }
    rig_w64(w->r, desc, rig_r64(w->r, desc) | D_TAP2 | D_TUXN);
    sw_on(w);
    for (unsigned i = 0; i < G_N_ELEMENTS(apart); i++) {
        t.addr = va;
        x = sw_run(w, &t);
        xlat_is_ok(&x, w->pa);
        t.addr = va + apart[i];
        t.access = IM_WRITE;
        x = sw_run(w, &t);
        sx_is_abort(&x, EV_PERMISSION);
        t.access = IM_READ;
        t.exec = true;
        x = sw_run(w, &t);
        sx_is_abort(&x, EV_PERMISSION);
        t.exec = false;
        x = sw_run(w, &t);
        xlat_is_ok(&x, w->pa);
    }
}

/* 3.4.1: the top byte may be a tag, and means nothing to a command. */
static void tag_of_an_address(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, false, NULL);
    uint64_t tag = UINT64_C(0xa5) << 56;
    ImXlat x;

    rig_put(w->r, w->cd, CD_TBI0, 1);
    sw_on(w);
    x = sw_dma(w, IM_READ, w->iova | tag);
    xlat_is_ok(&x, w->pa);
    rig_w64(w->r, sw_leaf(w, w->iova), 0);
    sb_do(w->r, cmd_tlbi(OP_NH_VA, w->vmid, w->asid, w->iova | tag, true));
    x = sw_dma(w, IM_READ, w->iova);
    sx_is_abort(&x, EV_TRANSLATION);
}

/* Without TBI it counts, whatever is cached of the address without it. */
static void no_tag_without_tbi(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, false);
    ImXlat x = sw_dma(w, IM_READ, w->iova);

    xlat_is_ok(&x, w->pa);
    x = sw_dma(w, IM_READ, w->iova | UINT64_C(0xa5) << 56);
    sx_is_abort(&x, EV_TRANSLATION);
}

/* --- what is cached and what not ---------------------------------------- */

static void hit_reads_nothing(const void *data)
{
    SwKind kind = (SwKind)GPOINTER_TO_UINT(data);
    g_autoptr(SWorld) w = sw_new(NULL, kind, kind != SW_S2);
    const ImSmmuCounters *n = im_smmu_counters(w->r->smmu);
    uint64_t accesses, hits;
    ImXlat x = sw_dma(w, IM_WRITE, w->iova);

    xlat_is_ok(&x, w->pa);
    accesses = w->r->accesses;
    hits = n->tlb_hits;
    for (unsigned i = 0; i < 10; i++) {
        x = sw_dma(w, i & 1 ? IM_READ : IM_WRITE, w->iova + 64 * i);
        xlat_is_ok(&x, w->pa + 64 * i);
    }
    g_assert_cmpuint(w->r->accesses, ==, accesses);
    g_assert_cmpuint(n->tlb_hits, ==, hits + 10);
}

/* No fault is cached: what is mapped meanwhile works. */
static void faults_are_not_cached(const void *data)
{
    SwKind kind = (SwKind)GPOINTER_TO_UINT(data);
    g_autoptr(SWorld) w = sw_new(NULL, kind, kind != SW_S2);
    uint64_t va = w->iova + 0x200000;
    ImXlat x = sw_dma(w, IM_READ, va);

    sx_is_abort(&x, EV_TRANSLATION);
    sw_map(w, va, w->pa + 0x100000);
    x = sw_dma(w, IM_READ, va);
    xlat_is_ok(&x, w->pa + 0x100000);
}

/* More rights need no invalidation if they were missing: BBM is not at
 * stake, the access simply faulted before. */
static void more_rights(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImXlat x;

    sw_s1_map(w, w->iova, w->pa, 12, SB_S1_RO);
    sw_on(w);
    x = sw_dma(w, IM_READ, w->iova);
    xlat_is_ok(&x, w->pa);
    x = sw_dma(w, IM_WRITE, w->iova);
    sx_is_abort(&x, EV_PERMISSION);
    sw_s1_map(w, w->iova, w->pa, 12, SB_S1);
    sb_do(w->r, cmd_tlbi(OP_NH_VA, w->vmid, w->asid, w->iova, true));
    x = sw_dma(w, IM_WRITE, w->iova);
    xlat_is_ok(&x, w->pa);
}

/* The privileged see other rights of the same page. */
static void privilege_is_told_apart(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    sw_s1_map(w, w->iova, w->pa, 12, SB_S1 & ~D_AP1);
    sw_on(w);
    t.priv = true;
    x = sw_run(w, &t);
    xlat_is_ok(&x, w->pa);
    t.priv = false;
    x = sw_run(w, &t);
    sx_is_abort(&x, EV_PERMISSION);
    t.priv = t.exec = true;
    x = sw_run(w, &t);
    xlat_is_ok(&x, w->pa);
}

/* With PAN they see less: what users may read is no right of theirs. The
 * next page is for them alone. */
static void privilege_with_pan(void)
{
    g_autoptr(SWorld) w = sw_new_off(NULL, SW_S1, true, NULL);
    ImTxn t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    ImXlat x;

    sw_s1_map(w, w->iova + 0x1000, w->pa, 12, SB_S1 & ~D_AP1);
    rig_put(w->r, w->cd, CD_PAN, 1);
    sw_on(w);
    t.addr += 0x1000;
    t.priv = true;
    x = sw_run(w, &t);
    xlat_is_ok(&x, w->pa);
    t.addr = w->iova;
    for (unsigned i = 0; i < 2; i++) {
        t.priv = false;
        x = sw_run(w, &t);
        xlat_is_ok(&x, w->pa);
        t.priv = true;
        x = sw_run(w, &t);
        sx_is_abort(&x, EV_PERMISSION);
    }
}

/* ATS and ordinary requests share what is cached, whoever came first. */
static void ats_sees_invalidation(void)
{
    g_autoptr(SWorld) w = sw_new(NULL, SW_S1, true);
    ImTxn t = sw_txn(w, IM_AT_TRANSLATION, IM_READ);
    ImXlat x = sw_run(w, &t);

    g_assert_cmphex(x.addr & ~UINT64_C(0xfff), ==, w->pa);
    sw_map(w, w->iova, w->pa + DELTA);
    sb_do(w->r, cmd_tlbi(OP_NH_VA, w->vmid, w->asid, w->iova, true));
    x = sw_run(w, &t);
    g_assert_cmphex(x.addr & ~UINT64_C(0xfff), ==, w->pa + DELTA);
}

int main(int argc, char **argv)
{
    static const uint16_t blocks[] = { 12 | 1 << 8, 12 | 2 << 8, 14 | 2 << 8,
                                       16 | 2 << 8 };
    g_test_init(&argc, &argv, NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(tlbi_rows); i++) {
        g_autofree char *path = g_strdup_printf("scope-%s", tlbi_rows[i].path);

        spec_table_row(&tlbi_rows[i], path, tlbi_row);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(blocks); i++) {
        g_autofree char *path = g_strdup_printf("block@%u-level-%u",
                                                1u << ((blocks[i] & 31) - 10),
                                                blocks[i] >> 8);

        spec_row(SMMU_TLB_VA, path, block, GUINT_TO_POINTER(blocks[i]));
    }
    for (unsigned i = 0; i < 4; i++) {
        g_autofree char *path = g_strdup_printf("in-pieces@%u", i);

        spec_row(SMMU_TLB_VA, path, block_in_pieces, GUINT_TO_POINTER(i));
    }
    for (unsigned kind = SW_S1; kind <= SW_NESTED; kind++) {
        static const char *const name[] = { "s1", "s2", "nested" };

        spec_row(SMMU_TLB_HIT, name[kind], hit_reads_nothing,
                 GUINT_TO_POINTER(kind));
        spec_row(SMMU_TLB_NO_FAULTS, name[kind], faults_are_not_cached,
                 GUINT_TO_POINTER(kind));
    }
    spec_test(SMMU_TLB_GLOBAL, "by-aset", global_by_aset);
    spec_test(SMMU_TLB_IPA, "sequence", stage2_sequence);
    spec_test(SMMU_TLB_CFGI_STE, "leaves-translations", configuration_is_apart);
    spec_test(SMMU_TLB_VA, "tag", tag_of_an_address);
    spec_test(SMMU_TLB_HIT, "no-tag-without-tbi", no_tag_without_tbi);
    spec_test(SMMU_TLB_VA, "table-removed", table_removed);
    spec_test(SMMU_VMSA_TABLE_ATTR, "table-rights", table_rights);
    spec_test(SMMU_TLB_VA, "more-rights", more_rights);
    spec_test(SMMU_TLB_HIT, "privilege", privilege_is_told_apart);
    spec_test(SMMU_TLB_HIT, "privilege-pan", privilege_with_pan);
    spec_test(SMMU_TLB_HIT, "ats", ats_sees_invalidation);
    return g_test_run();
}
