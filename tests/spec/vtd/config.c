/*
 * What a configuration advertises (11.4.2, 11.4.3), and which are refused.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>

#include "lib/spec.h"
#include "lib/vtd_build.h"

/* --- advertised bits ---------------------------------------------------- */

typedef struct BitRow {
    ImClause clause;
    const char *name;
    size_t flag;                /* offset of a bool */
    unsigned bit;
} BitRow;

#define FLAG(f)     offsetof(ImVtdConfig, f)
#define CAP(n, f, b)    { SPEC(VTD_REG_CAP), n, FLAG(f), b }
#define ECAP(n, f, b)   { SPEC(VTD_REG_ECAP), n, FLAG(f), b }

/* clang-format off */
static const BitRow bits[] = {
    CAP("esrtps", esrtps, 63), CAP("esirtps", esirtps, 62),
    CAP("fs1gp", fs1gp, 56), CAP("psi", psi, 39), CAP("zlr", zlr, 22),
    ECAP("sms", stop_marker, 58), ECAP("adms", abort_dma, 52),
    ECAP("rps", rid_pasid, 49), ECAP("ssads", ss_dirty, 45),
    ECAP("eafs", ext_accessed, 34), ECAP("nwfs", no_write_flag, 33),
    ECAP("srs", supervisor, 31), ECAP("nest", nested, 26),
    ECAP("sc", snoop_control, 7), ECAP("pt", pass_through, 6),
    ECAP("eim", eim, 4), ECAP("c", coherent, 0),
};
/* clang-format on */

static void bit_row(const void *data)
{
    const BitRow *row = data;
    unsigned off = row->clause == IM_CLAUSE(VTD_REG_CAP) ? REG_CAP : REG_ECAP;

    for (unsigned on = 0; on < 2; on++) {
        ImVtdConfig c = rig_vtd_config();

        *(bool *)((char *)&c + row->flag) = on;
        g_autoptr(Rig) r = rig_vtd_new(&c);
        g_assert_cmpuint(rig_reg64(r, off) >> row->bit & 1, ==, on);
    }
}

static uint64_t field(uint64_t reg, unsigned hi, unsigned lo)
{
    return reg >> lo & ((UINT64_C(1) << (hi - lo + 1)) - 1);
}

static void cap_fields(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);
    uint64_t cap = rig_reg64(r, REG_CAP);

    g_assert_cmpuint(field(cap, 2, 0), ==, 6);          /* 16 bits of DID */
    g_assert_cmpuint(field(cap, 3, 3), ==, 0);
    g_assert_cmpuint(field(cap, 4, 4), ==, 0);          /* RWBF, SMTS=1 */
    g_assert_cmpuint(field(cap, 6, 5), ==, 0);
    g_assert_cmpuint(field(cap, 7, 7), ==, 0);          /* CM */
    g_assert_cmpuint(field(cap, 12, 8) & 4, ==, 4);     /* 48 bits */
    g_assert_cmpuint(field(cap, 12, 8) & 0x19, ==, 0);
    g_assert_cmpuint(field(cap, 15, 13), ==, 0);
    g_assert_cmpuint(field(cap, 21, 16), ==, 47);
    g_assert_cmpuint(field(cap, 23, 23), ==, 0);
    g_assert_cmpuint(field(cap, 37, 34), ==, 3);
    g_assert_cmpuint(field(cap, 38, 38), ==, 0);
    g_assert_cmpuint(field(cap, 47, 40), ==, 7);
    g_assert_cmpuint(field(cap, 53, 48), >=, 18);       /* 1 GiB pages */
    g_assert_cmpuint(field(cap, 58, 57), ==, 0);
    g_assert_cmpuint(field(cap, 59, 59), ==, 0);        /* PI */
    g_assert_cmpuint(field(cap, 61, 60), ==, 0);
}

static void ecap_fields(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);
    uint64_t ecap = rig_reg64(r, REG_ECAP);

    g_assert_cmpuint(field(ecap, 3, 0), ==, 0xf);       /* C QI DT IR */
    g_assert_cmpuint(field(ecap, 5, 5), ==, 0);
    g_assert_cmpuint(field(ecap, 19, 18), ==, 0);
    g_assert_cmpuint(field(ecap, 24, 24), ==, 0);
    g_assert_cmpuint(field(ecap, 25, 25), ==, 0);       /* MTS */
    g_assert_cmpuint(field(ecap, 28, 27), ==, 0);
    g_assert_cmpuint(field(ecap, 29, 29), ==, 1);       /* PRS */
    g_assert_cmpuint(field(ecap, 30, 30), ==, 0);       /* ERS */
    g_assert_cmpuint(field(ecap, 39, 35), ==, 19);      /* PSS */
    g_assert_cmpuint(field(ecap, 40, 40), ==, 1);       /* PASID */
    g_assert_cmpuint(field(ecap, 41, 41), ==, 0);       /* DIT */
    g_assert_cmpuint(field(ecap, 42, 42), ==, 1);       /* PDS */
    g_assert_cmpuint(field(ecap, 43, 43), ==, 1);       /* SMTS */
    g_assert_cmpuint(field(ecap, 44, 44), ==, 0);       /* VCS */
    g_assert_cmpuint(field(ecap, 48, 46), ==, 7);       /* SSTS FSTS SMPWCS */
    g_assert_cmpuint(field(ecap, 51, 50), ==, 0);
    g_assert_cmpuint(field(ecap, 57, 54), ==, 0);
    g_assert_cmpuint(field(ecap, 63, 59), ==, 0);
}

/* FRCD and IOTLB registers lie in the page and on nothing else. */
static void floating_registers(void)
{
    ImVtdConfig c = rig_vtd_config();
    static const uint16_t n[] = { 1, 8, 128 };

    for (unsigned i = 0; i < G_N_ELEMENTS(n); i++) {
        uint64_t fro, iro;

        c.fault_records = n[i];
        g_autoptr(Rig) r = rig_vtd_new(&c);
        fro = field(rig_reg64(r, REG_CAP), 33, 24) * 16;
        iro = field(rig_reg64(r, REG_ECAP), 17, 8) * 16;
        g_assert_cmphex(fro, >=, 0x0f0);
        g_assert_cmphex(iro, >=, 0x0f0);
        g_assert_cmphex(fro + 16u * n[i], <=, IM_VTD_MMIO_SIZE);
        g_assert_true(iro + 16 <= fro || iro >= fro + 16u * n[i]);
        g_assert_cmpuint(field(rig_reg64(r, REG_CAP), 47, 40), ==, n[i] - 1);
    }
}

static void widths(void)
{
    static const uint8_t aw[] = { 39, 48, 57 };

    for (unsigned i = 0; i < G_N_ELEMENTS(aw); i++) {
        ImVtdConfig c = rig_vtd_config();
        uint64_t cap;

        c.aw_bits = aw[i];
        c.haw_bits = MIN(aw[i], 46);
        g_autoptr(Rig) r = rig_vtd_new(&c);
        cap = rig_reg64(r, REG_CAP);
        g_assert_cmpuint(field(cap, 21, 16), ==, aw[i] - 1);
        g_assert_cmpuint(field(cap, 12, 8) >> (i + 1) & 1, ==, 1);
        g_assert_cmpuint(field(cap, 12, 8) >> (i + 2), ==, 0);
    }
}

/* The version decides whether register-based invalidation exists. */
static void version(void)
{
    for (unsigned major = 1; major <= 5; major++) {
        ImVtdConfig c = rig_vtd_config();

        c.major = (uint8_t)major;
        g_autoptr(Rig) r = rig_vtd_new(&c);
        g_assert_cmphex(rig_reg32(r, REG_VER) >> 4, ==, major);
    }
}

/* --- refused ------------------------------------------------------------ */

typedef struct RefuseRow {
    const char *name;
    void (*spoil)(ImVtdConfig *c);
} RefuseRow;

#define SPOIL(name, code) \
    static void name(ImVtdConfig *c) { code; }

SPOIL(major_0, c->major = 0)
SPOIL(major_6, c->major = 6)
SPOIL(aw_40, c->aw_bits = 40)
SPOIL(haw_wide, c->haw_bits = 52)
SPOIL(haw_narrow, c->haw_bits = 31)
SPOIL(nd_5, c->domain_bits = 5)
SPOIL(nd_18, c->domain_bits = 18)
SPOIL(pasid_21, c->pasid_bits = 21)
SPOIL(no_records, c->fault_records = 0)
SPOIL(many_records, c->fault_records = 257)
SPOIL(nest_no_fs, c->first_stage = c->fs1gp = c->ext_accessed = false)
SPOIL(nest_no_ss, c->second_stage = c->ss_dirty = false)
SPOIL(fs5lp_no_fs, c->first_stage = c->nested = c->fs1gp = false;
      c->ext_accessed = false; c->fs5lp = true)
SPOIL(fs1gp_no_fs, c->first_stage = c->nested = c->ext_accessed = false)
SPOIL(eafs_no_fs, c->first_stage = c->nested = c->fs1gp = false)
SPOIL(eafs_no_coherency, c->page_walk_coherency = c->ss_dirty = false)
SPOIL(ssads_no_coherency, c->page_walk_coherency = false;
      c->ext_accessed = false)
SPOIL(prs_no_dt, c->device_tlb = c->no_write_flag = false)
SPOIL(nwfs_no_dt, c->device_tlb = c->page_request = false;
      c->stop_marker = false)
SPOIL(sms_no_prs, c->page_request = false)
SPOIL(eim_no_ir, c->intremap = false; c->esirtps = false)
SPOIL(scalable_no_dma, c->dma_translation = false)
SPOIL(tlb_odd, c->iotlb_entries = 100)
SPOIL(tlb_small, c->iotlb_entries = 8)

static void legacy_only(ImVtdConfig *c)
{
    c->scalable = c->first_stage = c->nested = c->fs1gp = false;
    c->page_request = c->supervisor = c->ext_accessed = c->ss_dirty = false;
    c->page_walk_coherency = c->rid_pasid = c->stop_marker = false;
    c->pasid_bits = 0;
}

SPOIL(pasid_no_sm, legacy_only(c); c->pasid_bits = 20)
SPOIL(fs_no_sm, legacy_only(c); c->first_stage = true)
SPOIL(prs_no_sm, legacy_only(c); c->page_request = true)
SPOIL(srs_no_sm, legacy_only(c); c->supervisor = true)
SPOIL(rps_no_sm, legacy_only(c); c->rid_pasid = true)
SPOIL(smpwcs_no_sm, legacy_only(c); c->page_walk_coherency = true)

#define R(n)    { #n, n }
/* clang-format off */
static const RefuseRow refused[] = {
    R(major_0), R(major_6), R(aw_40), R(haw_wide), R(haw_narrow), R(nd_5),
    R(nd_18), R(pasid_21), R(no_records), R(many_records), R(nest_no_fs),
    R(nest_no_ss), R(fs5lp_no_fs), R(fs1gp_no_fs), R(eafs_no_fs),
    R(eafs_no_coherency), R(ssads_no_coherency), R(prs_no_dt),
    R(nwfs_no_dt), R(sms_no_prs), R(eim_no_ir), R(scalable_no_dma),
    R(tlb_odd), R(tlb_small), R(pasid_no_sm), R(fs_no_sm), R(prs_no_sm),
    R(srs_no_sm), R(rps_no_sm), R(smpwcs_no_sm),
};
/* clang-format on */
#undef R

static void refuse_row(const void *data)
{
    const RefuseRow *row = data;
    g_autoptr(Rig) r = rig_vtd_new(NULL);       /* a port to borrow */
    ImVtdConfig c = rig_vtd_config();
    g_autofree char *err = NULL;
    ImVtd *vtd;

    row->spoil(&c);
    vtd = im_vtd_new(&c, &r->port, r, &err);
    g_assert_null(vtd);
    g_assert_nonnull(err);
    g_assert_cmpuint(strlen(err), >, 8);
    g_assert_null(strchr(err, '\n'));
}

static void default_is_accepted(void)
{
    ImVtdConfig c = IM_VTD_CONFIG_DEFAULT;
    g_autoptr(Rig) r = rig_vtd_new(&c);
    uint64_t ecap = rig_reg64(r, REG_ECAP), cap = rig_reg64(r, REG_CAP);

    /* facts/vtd-peers.md 3.2: the least that SVA with faults needs */
    g_assert_cmphex(
        ecap &
            (UINT64_C(1) << 43 | UINT64_C(1) << 46 | UINT64_C(1) << 47 |
             UINT64_C(1) << 48 | UINT64_C(1) << 40 | UINT64_C(1) << 42 |
             UINT64_C(1) << 49 | UINT64_C(1) << 33 | UINT64_C(1) << 29 | 0xdf),
        ==,
        UINT64_C(1) << 43 | UINT64_C(1) << 46 | UINT64_C(1) << 47 |
            UINT64_C(1) << 48 | UINT64_C(1) << 40 | UINT64_C(1) << 42 |
            UINT64_C(1) << 49 | UINT64_C(1) << 33 | UINT64_C(1) << 29 | 0xdf);
    g_assert_cmpuint(field(ecap, 39, 35), ==, 19);
    g_assert_cmpuint(field(cap, 12, 8) & 4, ==, 4);
    g_assert_cmpuint(field(cap, 56, 56), ==, 1);
    g_assert_cmpuint(field(cap, 39, 39), ==, 1);
    g_assert_cmpuint(field(cap, 53, 48), >=, 18);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(bits); i++) {
        spec_table_row(&bits[i], bits[i].name, bit_row);
    }
    spec_test(VTD_REG_CAP, "fields", cap_fields);
    spec_test(VTD_REG_CAP, "widths", widths);
    spec_test(VTD_REG_ECAP, "fields", ecap_fields);
    spec_test(VTD_REG_ECAP, "default-configuration", default_is_accepted);
    spec_test(VTD_REG_FRCD, "placement", floating_registers);
    spec_test(VTD_REG_VER, "major", version);
    for (unsigned i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *path = g_strdup_printf("refused/%s", refused[i].name);

        spec_row(VTD_REG_ECAP, path, refuse_row, &refused[i]);
    }
    return g_test_run();
}
