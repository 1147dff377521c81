/*
 * What a unit says it is: 6.3.1 to 6.3.8, and 2.3 to 2.9.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/smmu_world.h"
#include "lib/spec.h"

/* --- identification, 6.3.1 to 6.3.8 ------------------------------------- */

typedef struct IdRow {
    const char *path;
    void (*change)(ImSmmuConfig *c);
    uint16_t off;
    uint8_t hi, lo;
    uint32_t want;
} IdRow;

#define CHANGE(name, what) \
    static void name(ImSmmuConfig *c) { what; im_smmu_config_prune(c); }

CHANGE(no_s1, c->stage1 = false)
CHANGE(no_s2, c->stage2 = false)
CHANGE(no_coh, c->coherent = false)
CHANGE(httu0, c->httu = 0)
CHANGE(httu1, c->httu = 1)
CHANGE(httu2, c->httu = 2)
CHANGE(no_hyp, c->hyp = false)
CHANGE(no_ats, c->ats = false)
CHANGE(no_split, c->split_ats = false)
CHANGE(no_pri, c->pri = false)
CHANGE(no_msi, c->msi = false)
CHANGE(no_asid16, c->asid16 = false)
CHANGE(no_vmid16, c->vmid16 = false)
CHANGE(no_vmw, c->vmw = false)
CHANGE(no_cd2l, c->cd2l = false)
CHANGE(no_recerr, c->ats_rec_err = false)
CHANGE(term_only, {
    c->stall_model = 1;
    c->stall_max = 0;
})
CHANGE(forced, {
    c->stall_model = 2;
    c->ats = false;
    c->pri = false;
})
CHANGE(term_model, c->term_model = true)
CHANGE(linear, {
    c->two_level_strtab = false;
    c->sid_bits = 6;
})
CHANGE(sid8, c->sid_bits = 8)
CHANGE(ssid0, c->ssid_bits = 0)
CHANGE(ssid16, c->ssid_bits = 16)
CHANGE(queues, {
    c->cmdq_bits = 8;
    c->evtq_bits = 9;
    c->priq_bits = 10;
})
CHANGE(no_perms, c->attr_perms_ovr = false)
CHANGE(no_types, c->attr_types_ovr = false)
CHANGE(no_had, c->had = false)
CHANGE(no_xnx, c->xnx = false)
CHANGE(pps, c->pps = true)
CHANGE(no_fwb, c->fwb = false)
CHANGE(no_stt, c->stt = false)
CHANGE(no_ril, c->ril = false)
CHANGE(bbml1, c->bbml = 1)
CHANGE(no_e0pd, c->e0pd = false)
CHANGE(oas32, c->oas = 32)
CHANGE(oas44, c->oas = 44)
CHANGE(oas52, c->oas = 52)
CHANGE(va52, c->va_bits = 52)
CHANGE(va48, {
    c->oas = 52;
    c->va_bits = 48;
})
CHANGE(no_had_52, {
    c->had = false;
    c->oas = 52;
})
CHANGE(no_e0pd_s2, {
    c->e0pd = false;
    c->stage1 = false;
})
CHANGE(bbml0, c->bbml = 0)
CHANGE(no_4k, c->gran4k = false)
CHANGE(no_16k, c->gran16k = false)
CHANGE(no_64k, c->gran64k = false)

static const IdRow id_rows[] = {
    { "s2p", NULL, SR_IDR0, 0, 0, 1 },
    { "s2p-off", no_s2, SR_IDR0, 0, 0, 0 },
    { "s1p", NULL, SR_IDR0, 1, 1, 1 },
    { "s1p-off", no_s1, SR_IDR0, 1, 1, 0 },
    { "ttf", NULL, SR_IDR0, 3, 2, 2 },
    { "cohacc", NULL, SR_IDR0, 4, 4, 1 },
    { "cohacc-off", no_coh, SR_IDR0, 4, 4, 0 },
    { "btm", NULL, SR_IDR0, 5, 5, 0 },
    { "httu-3", NULL, SR_IDR0, 7, 6, 3 },
    { "httu-2", httu2, SR_IDR0, 7, 6, 2 },
    { "httu-1", httu1, SR_IDR0, 7, 6, 1 },
    { "httu-0", httu0, SR_IDR0, 7, 6, 0 },
    { "dormhint", NULL, SR_IDR0, 8, 8, 0 },
    { "hyp", NULL, SR_IDR0, 9, 9, 1 },
    { "hyp-off", no_hyp, SR_IDR0, 9, 9, 0 },
    { "hyp-without-stage-2", no_s2, SR_IDR0, 9, 9, 0 },
    { "hyp-without-stage-1", no_s1, SR_IDR0, 9, 9, 0 },
    { "ats", NULL, SR_IDR0, 10, 10, 1 },
    { "ats-off", no_ats, SR_IDR0, 10, 10, 0 },
    { "ns1ats-split", NULL, SR_IDR0, 11, 11, 0 },
    { "ns1ats-no-split", no_split, SR_IDR0, 11, 11, 1 },
    { "ns1ats-without-ats", no_ats, SR_IDR0, 11, 11, 0 },
    { "ns1ats-without-s2", no_s2, SR_IDR0, 11, 11, 0 },
    { "asid16", NULL, SR_IDR0, 12, 12, 1 },
    { "asid16-off", no_asid16, SR_IDR0, 12, 12, 0 },
    { "msi", NULL, SR_IDR0, 13, 13, 1 },
    { "msi-off", no_msi, SR_IDR0, 13, 13, 0 },
    { "sev", NULL, SR_IDR0, 14, 14, 0 },
    { "atos", NULL, SR_IDR0, 15, 15, 0 },
    { "pri", NULL, SR_IDR0, 16, 16, 1 },
    { "pri-off", no_pri, SR_IDR0, 16, 16, 0 },
    { "vmw", NULL, SR_IDR0, 17, 17, 1 },
    { "vmw-off", no_vmw, SR_IDR0, 17, 17, 0 },
    { "vmid16", NULL, SR_IDR0, 18, 18, 1 },
    { "vmid16-off", no_vmid16, SR_IDR0, 18, 18, 0 },
    { "vmid16-without-s2", no_s2, SR_IDR0, 18, 18, 0 },
    { "cd2l", NULL, SR_IDR0, 19, 19, 1 },
    { "cd2l-off", no_cd2l, SR_IDR0, 19, 19, 0 },
    { "vatos", NULL, SR_IDR0, 20, 20, 0 },
    { "ttendian", NULL, SR_IDR0, 22, 21, 2 },
    { "atsrecerr", NULL, SR_IDR0, 23, 23, 1 },
    { "atsrecerr-off", no_recerr, SR_IDR0, 23, 23, 0 },
    { "stall-model-0", NULL, SR_IDR0, 25, 24, 0 },
    { "stall-model-1", term_only, SR_IDR0, 25, 24, 1 },
    { "stall-model-2", forced, SR_IDR0, 25, 24, 2 },
    { "term-model", NULL, SR_IDR0, 26, 26, 0 },
    { "term-model-abort", term_model, SR_IDR0, 26, 26, 1 },
    { "st-level", NULL, SR_IDR0, 28, 27, 1 },
    { "st-level-linear", linear, SR_IDR0, 28, 27, 0 },
    { "reserved-and-rme", NULL, SR_IDR0, 31, 29, 0 },
    { "sidsize", NULL, SR_IDR1, 5, 0, 16 },
    { "sidsize-8", sid8, SR_IDR1, 5, 0, 8 },
    { "ssidsize", NULL, SR_IDR1, 10, 6, 20 },
    { "ssidsize-16", ssid16, SR_IDR1, 10, 6, 16 },
    { "ssidsize-0", ssid0, SR_IDR1, 10, 6, 0 },
    { "priqs", queues, SR_IDR1, 15, 11, 10 },
    { "priqs-without-pri", no_pri, SR_IDR1, 15, 11, 0 },
    { "eventqs", queues, SR_IDR1, 20, 16, 9 },
    { "cmdqs", queues, SR_IDR1, 25, 21, 8 },
    { "attr-perms-ovr", NULL, SR_IDR1, 26, 26, 1 },
    { "attr-perms-ovr-off", no_perms, SR_IDR1, 26, 26, 0 },
    { "attr-types-ovr", NULL, SR_IDR1, 27, 27, 1 },
    { "attr-types-ovr-off", no_types, SR_IDR1, 27, 27, 0 },
    { "presets-and-ecmdq", NULL, SR_IDR1, 31, 28, 0 },
    { "idr2", NULL, SR_IDR2, 31, 0, 0 },
    { "had", NULL, SR_IDR3, 2, 2, 1 },
    { "had-off", no_had, SR_IDR3, 2, 2, 0 },
    { "xnx", NULL, SR_IDR3, 4, 4, 1 },
    { "xnx-off", no_xnx, SR_IDR3, 4, 4, 0 },
    { "pps", pps, SR_IDR3, 5, 5, 1 },
    { "pps-off", NULL, SR_IDR3, 5, 5, 0 },
    { "mpam", NULL, SR_IDR3, 7, 7, 0 },
    { "fwb", NULL, SR_IDR3, 8, 8, 1 },
    { "fwb-off", no_fwb, SR_IDR3, 8, 8, 0 },
    { "stt", NULL, SR_IDR3, 9, 9, 1 },
    { "stt-off", no_stt, SR_IDR3, 9, 9, 0 },
    { "ril", NULL, SR_IDR3, 10, 10, 1 },
    { "ril-off", no_ril, SR_IDR3, 10, 10, 0 },
    { "bbml-2", NULL, SR_IDR3, 12, 11, 2 },
    { "bbml-1", bbml1, SR_IDR3, 12, 11, 1 },
    { "e0pd", NULL, SR_IDR3, 13, 13, 1 },
    { "e0pd-off", no_e0pd, SR_IDR3, 13, 13, 0 },
    { "dpt", NULL, SR_IDR3, 15, 15, 0 },
    { "ptwnnc", NULL, SR_IDR3, 14, 14, 1 },
    { "ptwnnc-without-stage-2", no_s2, SR_IDR3, 14, 14, 0 },
    { "fwb-without-stage-2", no_s2, SR_IDR3, 8, 8, 1 },
    { "e0pd-without-stage-1", no_s1, SR_IDR3, 13, 13, 1 },
    { "epan-without-stage-1", no_s1, SR_IDR3, 17, 17, 1 },
    { "pasidtt", NULL, SR_IDR3, 16, 16, 0 },
    { "epan", NULL, SR_IDR3, 17, 17, 1 },
    { "permission-schemes", NULL, SR_IDR3, 21, 18, 0 },
    { "mteperm", NULL, SR_IDR3, 22, 22, 1 },
    { "mteperm-without-stage-2", no_s2, SR_IDR3, 22, 22, 0 },
    { "idr3-upper", NULL, SR_IDR3, 31, 23, 0 },
    { "oas-48", NULL, SR_IDR5, 2, 0, 5 },
    { "oas-32", oas32, SR_IDR5, 2, 0, 0 },
    { "oas-44", oas44, SR_IDR5, 2, 0, 4 },
    { "oas-52", oas52, SR_IDR5, 2, 0, 6 },
    { "gran", NULL, SR_IDR5, 6, 4, 7 },
    { "gran-no-4k", no_4k, SR_IDR5, 6, 4, 6 },
    { "gran-no-16k", no_16k, SR_IDR5, 6, 4, 5 },
    { "gran-no-64k", no_64k, SR_IDR5, 6, 4, 3 },
    { "ds-d128", NULL, SR_IDR5, 8, 7, 0 },
    { "vax-48", NULL, SR_IDR5, 11, 10, 0 },
    { "vax-52", oas52, SR_IDR5, 11, 10, 1 },
    { "vax-52-at-48", va52, SR_IDR5, 11, 10, 1 },
    { "oas-with-vax", va52, SR_IDR5, 2, 0, 5 },
    { "vax-48-at-52", va48, SR_IDR5, 11, 10, 0 },
    { "stall-max", NULL, SR_IDR5, 31, 16, 16 },
    { "stall-max-none", term_only, SR_IDR5, 31, 16, 0 },
    { "aidr-major", NULL, SR_AIDR, 7, 4, 0 },
};

static const IdRow iidr_row = {
    "value", NULL, SR_IIDR, 31, 0, 0x0010043b,
};

static const IdRow component_rows[] = {
    { "cidr0", NULL, SR_CIDR0, 31, 0, 0x0d },
    { "cidr1", NULL, SR_CIDR0 + 4, 31, 0, 0xf0 },
    { "cidr2", NULL, SR_CIDR0 + 8, 31, 0, 0x05 },
    { "cidr3", NULL, SR_CIDR0 + 12, 31, 0, 0xb1 },
};

static void id_row(const void *data)
{
    const IdRow *row = data;
    ImSmmuConfig c = rig_smmu_config();
    uint32_t val;

    if (row->change) {
        row->change(&c);
    }
    g_autoptr(Rig) r = rig_smmu_new(&c);
    val = rig_reg32(r, row->off);
    g_assert_cmphex(val << (31 - row->hi) >> (31 - row->hi + row->lo), ==,
                    row->want);
}

/* A version has all that is mandatory in it, 6.3. */
static const IdRow aidr_rows[] = {
    { "minor", NULL, SR_AIDR, 31, 0, 4 },
    { "stage-1-only", no_s2, SR_AIDR, 31, 0, 4 },
    { "stage-2-only", no_s1, SR_AIDR, 31, 0, 4 },
    { "e0pd-from-3.3", no_e0pd, SR_AIDR, 31, 0, 2 },
    { "e0pd-in-any-unit", no_e0pd_s2, SR_AIDR, 31, 0, 2 },
    { "hyp-from-3.2", no_hyp, SR_AIDR, 31, 0, 1 },
    { "ril-from-3.2", no_ril, SR_AIDR, 31, 0, 1 },
    { "fwb-from-3.2", no_fwb, SR_AIDR, 31, 0, 1 },
    { "bbml-from-3.2", bbml0, SR_AIDR, 31, 0, 1 },
    { "bbml-1", bbml1, SR_AIDR, 31, 0, 4 },
    { "xnx-from-3.1", no_xnx, SR_AIDR, 31, 0, 0 },
    { "had-from-3.1", no_had, SR_AIDR, 31, 0, 0 },
    { "httu", httu0, SR_AIDR, 31, 0, 4 },
    { "stt-optional", no_stt, SR_AIDR, 31, 0, 4 },
};

/* 2.9: nothing of the version after the next one, and in 3.0 nothing of 3.1
 * (6.3.4, 6.3.6). */
static const IdRow subset_rows[] = {
    { "3.2-epan", no_e0pd, SR_IDR3, 17, 17, 0 },
    { "3.2-mteperm", no_e0pd, SR_IDR3, 22, 22, 0 },
    { "3.2-haft", no_e0pd, SR_IDR0, 7, 6, 2 },
    { "3.2-may-have-ptwnnc", no_e0pd, SR_IDR3, 14, 14, 1 },
    { "3.2-may-have-atsrecerr", no_e0pd, SR_IDR0, 23, 23, 1 },
    { "3.1-e0pd-ptwnnc", no_ril, SR_IDR3, 14, 13, 0 },
    { "3.1-atsrecerr", no_ril, SR_IDR0, 23, 23, 0 },
    { "3.1-may-have-stt-fwb", no_ril, SR_IDR3, 9, 8, 3 },
    { "3.1-may-have-bbml", no_ril, SR_IDR3, 12, 11, 2 },
    { "3.0-idr3", no_had, SR_IDR3, 31, 0, 0 },
    { "3.0-may-have-had", no_xnx, SR_IDR3, 31, 0, 4 },
    { "3.0-oas-and-vax", no_had_52, SR_IDR5, 11, 0, 0x75 },
    { "3.0-hyp", no_had, SR_IDR0, 9, 9, 1 },
};

typedef struct RefusedRow {
    const char *path;
    void (*change)(ImSmmuConfig *c);
    const char *both[2];
} RefusedRow;

#define REFUSED(name, what)  static void name(ImSmmuConfig *c) { what; }

REFUSED(had_alone, c->had = false)
REFUSED(hyp_alone, c->hyp = false)
REFUSED(bbml_alone, c->bbml = 0)
REFUSED(e0pd_alone, c->e0pd = false)
REFUSED(va_small, c->va_bits = 47)
REFUSED(va_4k, {
    c->va_bits = 52;
    c->gran64k = false;
})

/* A feature whose prerequisite is off, and no other. */
REFUSED(pps_alone, {
    c->pps = true;
    c->pri = false;
})
REFUSED(pri_alone, { c->ats = c->split_ats = c->ats_rec_err = false; })
REFUSED(recerr_alone, { c->ats = c->split_ats = c->pri = false; })
REFUSED(split_alone, { c->ats = c->pri = c->ats_rec_err = false; })
REFUSED(xnx_alone, {
    c->stage2 = c->hyp = c->vmid16 = c->vmw = false;
    c->split_ats = false;
})
REFUSED(vmw_alone, {
    c->stage2 = c->hyp = c->vmid16 = c->xnx = false;
    c->split_ats = false;
})
REFUSED(hyp_s2, {
    c->stage2 = c->vmid16 = c->vmw = c->xnx = false;
    c->split_ats = false;
})
REFUSED(hyp_s1, {
    c->stage1 = c->asid16 = c->cd2l = c->had = false;
    c->ssid_bits = 0;
    c->split_ats = false;
})
REFUSED(asid_s1, {
    c->stage1 = c->hyp = c->cd2l = c->had = false;
    c->ssid_bits = 0;
    c->split_ats = false;
})

/* What is asked for is not adjusted. */
static const RefusedRow refused_rows[] = {
    { "without-had", had_alone, { "xnx=on", "had=on" } },
    { "without-hyp", hyp_alone, { "e0pd=on", "hyp=on" } },
    { "without-bbml", bbml_alone, { "e0pd=on", "bbml=1" } },
    { "without-e0pd", e0pd_alone, { "httu=3", "e0pd=on" } },
    { "pps", pps_alone, { "pps=on", "pri=on" } },
    { "pri", pri_alone, { "pri=on", "ats=on" } },
    { "ats-rec-err", recerr_alone, { "ats_rec_err=on", "ats=on" } },
    { "split-ats", split_alone, { "split_ats=on", "ats=on" } },
    { "xnx", xnx_alone, { "xnx=on", "stage2=on" } },
    { "vmw", vmw_alone, { "vmw=on", "stage2=on" } },
    { "hyp-stage-2", hyp_s2, { "hyp=on", "stage2=on" } },
    { "hyp-stage-1", hyp_s1, { "hyp=on", "stage1=on" } },
    { "asid16", asid_s1, { "asid16=on", "stage1=on" } },
    { "va-bits", va_small, { "va_bits=47", "52" } },
    { "va-bits-without-64k", va_4k, { "va_bits=52", "gran64k=on" } },
};

static void refused_row(const void *data)
{
    const RefusedRow *row = data;
    ImSmmuConfig c = rig_smmu_config();
    g_autoptr(Rig) r = rig_smmu_new(&c);
    g_autofree char *err = NULL;

    row->change(&c);
    g_assert_null(im_smmu_new(&c, &r->port, r, &err));
    g_assert_nonnull(strstr(err, row->both[0]));
    g_assert_nonnull(strstr(err, row->both[1]));
}

static void id_read_only(void)
{
    g_autoptr(Rig) r = rig_smmu_new(NULL);

    for (uint64_t off = 0; off < SR_CR0; off += 4) {
        uint32_t was = rig_reg32(r, off);

        rig_set32(r, off, ~was);
        g_assert_cmphex(rig_reg32(r, off), ==, was);
    }
}

/* 52-bit virtual addresses behind 48-bit output. */
static void va_52(void)
{
    SwShape shape = { .g1 = 16, .bits1 = 52 };
    ImSmmuConfig c = rig_smmu_config();
    ImTxn t;
    ImXlat x;

    va52(&c);
    g_autoptr(SWorld) w = sw_new_off(&c, SW_S1, true, &shape);
    sw_s1_map(w, UINT64_C(0xf000123450000), 0x50000, 16, SB_S1);
    sw_on(w);
    t = sw_txn(w, IM_AT_UNTRANSLATED, IM_READ);
    t.addr = UINT64_C(0xf000123450000);
    x = sw_run(w, &t);
    xlat_is_ok(&x, 0x50000);
    c.va_bits = 0;
    g_autoptr(SWorld) less = sw_new(&c, SW_S1, true);
    rig_put(less->r, less->cd, CD_TG0, sb_tg0(16));
    rig_put(less->r, less->cd, CD_T0SZ, 12);
    t = sw_txn(less, IM_AT_UNTRANSLATED, IM_READ);
    x = sw_run(less, &t);
    sx_is_abort(&x, EV_BAD_CD);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(id_rows); i++) {
        spec_row(SMMU_REG_IDR, id_rows[i].path, id_row, &id_rows[i]);
    }
    spec_row(SMMU_REG_IIDR, iidr_row.path, id_row, &iidr_row);
    for (unsigned i = 0; i < G_N_ELEMENTS(component_rows); i++) {
        spec_row(SMMU_REG_PIDR, component_rows[i].path, id_row,
                 &component_rows[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(aidr_rows); i++) {
        spec_row(SMMU_REG_AIDR, aidr_rows[i].path, id_row, &aidr_rows[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(subset_rows); i++) {
        spec_row(SMMU_REG_VERSIONS, subset_rows[i].path, id_row,
                 &subset_rows[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(refused_rows); i++) {
        spec_row(SMMU_REG_VERSIONS, refused_rows[i].path, refused_row,
                 &refused_rows[i]);
    }
    spec_test(SMMU_REG_IDR, "read-only", id_read_only);
    spec_test(SMMU_CD_TSZ, "vax-with-smaller-oas", va_52);
    return g_test_run();
}
