/*
 * Which bit decided: said of every combination of the bits that do, and
 * never of one that is granted.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/fmt/smmu.h"
#include "lib/smmu_build.h"
#include "lib/spec.h"

/* The bits of all that are numbered in n. */
static uint64_t pick(const uint64_t *bits, unsigned count, unsigned n)
{
    uint64_t all = 0;

    for (unsigned i = 0; i < count; i++) {
        all |= n >> i & 1 ? bits[i] : 0;
    }
    return all;
}

/* A reason is given of just those rights that are not there. */
static void agree(const ImPtStage *st, const ImVmsaPath *path, uint8_t raw)
{
    uint8_t rights = st->fmt->rights(st, raw);

    for (unsigned right = IM_PERM_R; right <= IM_PERM_X; right <<= 1) {
        char note[64] = "";
        ImClause clause = im_vmsa_why_denied(st, path, right, note,
                                             sizeof(note));

        g_assert_cmpint(!clause, ==, !!(rights & right));
        if (clause) {
            g_assert_true(g_str_has_prefix(note, "S1-L") ||
                          g_str_has_prefix(note, "S2-L"));
            g_assert_nonnull(strchr(note, '='));
        }
    }
}

static void stage1(void)
{
    static const uint64_t leaf[] = { D_AP1, D_AP2, D_DBM, D_PXN, D_UXN };
    static const uint64_t table[] = { D_TAP1, D_TAP2, D_TPXN, D_TUXN };
    static const uint64_t flag[] = {
        IM_VMSA_HD | IM_VMSA_HA,
        IM_VMSA_HAD,
        IM_VMSA_WXN,
        IM_VMSA_PAN,
        IM_VMSA_ONE,
        IM_VMSA_PRIV,
        IM_VMSA_EPAN,
    };
    ImPtStage st = { .fmt = &im_vmsa_s1[0], .top = 3, .out_mask = UINT64_MAX };

    for (unsigned f = 0; f < 128; f++) {
        st.flags = (uint32_t)pick(flag, 7, f);
        for (unsigned n = 0; n < 32 * 16; n++) {
            ImVmsaPath path = { .any = true,
                                .entry = {
                                    [0] = D_V | D_TABLE | D_AF |
                                          pick(leaf, 5, n % 32),
                                    [1] = D_V | D_TABLE,
                                    [3] = D_V | D_TABLE,
                                    [2] = D_V | D_TABLE |
                                          pick(table, 4, n / 32),
                                } };
            ImPteView v = { 0 }, above = { 0 };

            st.fmt->decode(&st, 2, path.entry[2], &above);
            st.fmt->decode(&st, 0, path.entry[0], &v);
            agree(&st, &path, above.perm & v.perm);
        }
    }
}

/* Of several tables the one nearest to the page. */
static void nearest_table(void)
{
    ImPtStage st = { .fmt = &im_vmsa_s1[0], .top = 3, .out_mask = UINT64_MAX };

    for (unsigned l = 1; l < 4; l++) {
        g_autofree char *want = g_strdup_printf("S1-L%u: UXNTable=1", 3 - l);
        ImVmsaPath path = { .any = true,
                            .entry = {
                                [0] = D_V | D_TABLE | D_AF | D_AP1,
                                [1] = D_V | D_TABLE,
                                [2] = D_V | D_TABLE,
                                [3] = D_V | D_TABLE,
                            } };
        char note[64] = "";

        for (unsigned i = l; i < 4; i++) {
            path.entry[i] |= D_TUXN;
        }
        im_vmsa_why_denied(&st, &path, IM_PERM_X, note, sizeof(note));
        g_assert_cmpstr(note, ==, want);
    }
}

/* TYPE=0 where no block may be, by granule and the walker's level. */
static void no_block(void)
{
    static const struct {
        unsigned granule, level;
        const char *note;
    } rows[] = {
        { 0, 3, "S1-L0: TYPE=0: no block at this level" },
        { 1, 2, "S1-L1: TYPE=0: no block at this level" },
        { 2, 2, "S1-L1: TYPE=0: no block at this level" },
        { 0, 0, "S1-L3: TYPE=0 is reserved here" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        ImPtStage st = { .fmt = &im_vmsa_s1[rows[i].granule],
                         .top = 3,
                         .out_mask = UINT64_MAX };
        ImVmsaPath path = { .any = true, .level = (uint8_t)rows[i].level };
        char note[64] = "";

        path.entry[rows[i].level] = D_V | D_AF;
        im_vmsa_why_unusable(&st, &path, note, sizeof(note));
        g_assert_cmpstr(note, ==, rows[i].note);
    }
}

static void stage2(void)
{
    static const uint64_t leaf[] = { D_S2R, D_S2W, D_DBM, D_S2XN0, D_S2XN1 };
    static const uint64_t flag[] = {
        IM_VMSA_HD | IM_VMSA_HA,
        IM_VMSA_XNX,
        IM_VMSA_PRIV,
    };
    ImPtStage st = { .fmt = &im_vmsa_s2[0], .top = 3, .out_mask = UINT64_MAX };

    for (unsigned n = 0; n < 32 * 8; n++) {
        ImVmsaPath path = { .any = true,
                            .entry = {
                                [0] = D_V | D_TABLE | D_AF |
                                      pick(leaf, 5, n % 32),
                            } };
        ImPteView v = { 0 };

        st.flags = (uint32_t)pick(flag, 3, n / 32);
        st.fmt->decode(&st, 0, path.entry[0], &v);
        agree(&st, &path, v.perm);
    }
}

/* Fields by kind of descriptor. */
static void fields(void)
{
    for (unsigned i = 0; i < 3; i++) {
        const ImPtFormat *s1 = &im_vmsa_s1[i], *s2 = &im_vmsa_s2[i];

        g_assert_cmpstr(im_vmsa_fields(s1, 0, 3)[2].name, ==, "ATTRINDX");
        g_assert_cmpstr(im_vmsa_fields(s2, 0, 3)[2].name, ==, "MEMATTR");
        g_assert_true(im_vmsa_fields(s1, 1, 1) == im_vmsa_fields(s1, 0, 3));
        g_assert_cmpstr(im_vmsa_fields(s1, 2, 3)[4].name, ==, "PXN");
        g_assert_null(im_vmsa_fields(s2, 2, 3)[4].name);
        g_assert_null(im_vmsa_fields(s1, 0, 2)[1].name);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(SMMU_VMSA_AP, "why", stage1);
    spec_test(SMMU_VMSA_TABLE_ATTR, "why-the-nearest", nearest_table);
    spec_test(SMMU_VMSA_BLOCK, "why", no_block);
    spec_test(SMMU_VMSA_S2AP, "why", stage2);
    spec_test(SMMU_VMSA_INVALID, "fields", fields);
    return g_test_run();
}
