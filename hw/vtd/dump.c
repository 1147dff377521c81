/*
 * Everything a person wants to see of a unit, decoded by the same layouts
 * that the unit works with.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/dump.h"
#include "hw/vtd/regs.h"
#include "im/spec/vtd_tables.h.inc"

#include <inttypes.h>

IM_LAYOUT(VTD_ROOT0);
IM_LAYOUT(VTD_SCTX0);
IM_LAYOUT(VTD_PDIR);

/* A guest can make tables of any size: how much of them is shown. */
#define DUMP_ENTRIES  512
#define DUMP_READS    32768

/* --- Registers ---------------------------------------------------------- */

static const ImRegFields reg_rows[] = {
    { VTD_R_VER, IM_FIELDS(VTD_VER) },
    { VTD_R_CAP, IM_FIELDS(VTD_CAP) },
    { VTD_R_ECAP, IM_FIELDS(VTD_ECAP) },
    { VTD_R_GSTS, IM_FIELDS(VTD_GCMD) },
    { VTD_R_RTADDR, IM_FIELDS(VTD_RTADDR) },
    { VTD_R_CCMD, IM_FIELDS(VTD_CCMD) },
    { VTD_R_IOTLB, IM_FIELDS(VTD_IOTLB) },
    { VTD_R_FSTS, IM_FIELDS(VTD_FSTS) },
    { VTD_R_FECTL, IM_FIELDS(VTD_EVCTL) },
    { VTD_R_IQA, IM_FIELDS(VTD_IQA) },
    { VTD_R_ICS, IM_FIELDS(VTD_ICS) },
    { VTD_R_IECTL, IM_FIELDS(VTD_EVCTL) },
    { VTD_R_IQERCD, IM_FIELDS(VTD_IQERCD) },
    { VTD_R_IRTA, IM_FIELDS(VTD_IRTA) },
    { VTD_R_PQA, IM_FIELDS(VTD_PQA) },
    { VTD_R_PRS, IM_FIELDS(VTD_PRS) },
    { VTD_R_PECTL, IM_FIELDS(VTD_EVCTL) },
    { VTD_R_VCMD, IM_FIELDS(VTD_VCMD) },
    { VTD_R_VCRSP, IM_FIELDS(VTD_VCRSP) },
    { VTD_R_VCCAP, IM_FIELDS(VTD_VCCAP) },
};

static void vtd_dump_fault_records(ImVtd *s, GString *out)
{
    ImRegBank *bank = s->regs->bank;

    for (unsigned i = 0; i <= IM_GET(s->cap, VTD_CAP_NFR); i++) {
        uint64_t head = im_reg_get(bank, VTD_R_FRCD1, i);
        const VtdFaultDef *def;
        g_autofree char *clause = NULL;

        if (!IM_GET(head, VTD_FRCD1_FAULT)) {
            continue;
        }
        def = im_vtd_fault_def((uint8_t)IM_GET(head, VTD_FRCD1_FR));
        clause = im_clause_text(def->clause);
        g_string_append_printf(out,
                               "fault record %u: %s (%s; %s), address "
                               "%" PRIx64 ":",
                               i, def->name ? def->name : "?",
                               def->text ? def->text : "unknown reason",
                               clause ? clause : "no clause",
                               im_reg_get(bank, VTD_R_FRCD0, i));
        im_dump_fields(out, IM_FIELDS(VTD_FRCD1), head);
        g_string_append_c(out, '\n');
    }
}

static void vtd_dump_regs(ImVtd *s, GString *out)
{
    im_regbank_dump(s->regs->bank, reg_rows, G_N_ELEMENTS(reg_rows), out);
    vtd_dump_fault_records(s, out);
}

/* --- Tables ------------------------------------------------------------- */

typedef struct Walk {
    ImVtd *s;
    GString *out;
    unsigned entries, reads;    /* what may still be shown and read */
} Walk;

/* Whether one more line may be shown. */
static bool vtd_dump_show(Walk *w)
{
    if (!w->entries) {
        return false;
    }
    if (--w->entries == 0) {
        g_string_append(w->out, "    ... more than is shown\n");
        return false;
    }
    return true;
}

/* Read one entry; false when it is not there or enough has been read. */
static bool vtd_dump_read_entry(Walk *w, uint64_t pa, uint64_t *d,
                                unsigned words)
{
    if (!w->reads) {
        return false;
    }
    w->reads--;
    if (im_vtd_mem_peek(w->s, pa, d, words * 8) != IM_BUS_OK) {
        if (vtd_dump_show(w)) {
            g_string_append_printf(w->out,
                                   "    %" PRIx64 ": not "
                                   "readable\n",
                                   pa);
        }
        return false;
    }
    for (unsigned i = 0; i < words; i++) {
        d[i] = GUINT64_FROM_LE(d[i]);
    }
    return true;
}

/* What a table consists of. */
typedef struct Entry {
    const char *name;
    int digits;                 /* of its number */
    unsigned words;
    const ImFieldRow *fields[3];    /* of the first of them */
} Entry;

static const Entry pasid_entry = {
    "        PASID",
    5,
    8,
    { IM_FIELDS(VTD_PTE0), IM_FIELDS(VTD_PTE1), IM_FIELDS(VTD_PTE2) },
};
static const Entry legacy_context = {
    "    context",
    4,
    2,
    { IM_FIELDS(VTD_CTX0), IM_FIELDS(VTD_CTX1) },
};
static const Entry scalable_context = {
    "    context",
    4,
    4,
    { IM_FIELDS(VTD_SCTX0), IM_FIELDS(VTD_SCTX1) },
};

/* Entry i of a table, unless it is 0; false: not readable, or enough. */
static bool vtd_dump_entry(Walk *w, const Entry *e, uint64_t table, unsigned i,
                           unsigned number, uint64_t *d)
{
    if (!vtd_dump_read_entry(w, table + i * e->words * 8, d, e->words)) {
        return false;
    }
    if (d[0] && vtd_dump_show(w)) {
        g_string_append_printf(w->out, "%s %0*x:", e->name, e->digits, number);
        for (unsigned k = 0; k < 3 && e->fields[k]; k++) {
            im_dump_fields(w->out, e->fields[k], d[k]);
        }
        g_string_append_c(w->out, '\n');
    }
    return true;
}

static void vtd_dump_pasid_table(Walk *w, uint64_t table, uint32_t first)
{
    uint64_t d[8];

    for (uint32_t i = 0; i < 64; i++) {
        if (!vtd_dump_entry(w, &pasid_entry, table, i, first + i, d)) {
            return;
        }
    }
}

static void vtd_dump_pasid_directory(Walk *w, uint64_t dir, uint32_t entries)
{
    uint64_t d[8];

    for (uint32_t i = 0; i < entries; i += 8) {
        if (!w->entries || !vtd_dump_read_entry(w, dir + i * 8, d, 8)) {
            return;
        }
        for (uint32_t k = 0; k < 8; k++) {
            if (IM_GET(d[k], VTD_PDIR_P)) {
                vtd_dump_pasid_table(w, d[k] & IM_MASK(VTD_PDIR_SMPTBLPTR),
                                     (i + k) * 64);
            }
        }
    }
}

static void vtd_dump_scalable_context(Walk *w, uint64_t table, uint16_t rid)
{
    uint64_t d[4];

    if (vtd_dump_entry(w, &scalable_context, table, rid & 0x7f, rid, d) &&
        IM_GET(d[0], VTD_SCTX_P)) {
        vtd_dump_pasid_directory(w, d[0] & IM_MASK(VTD_SCTX_PASIDDIRPTR),
                                 128u << IM_GET(d[0], VTD_SCTX_PDTS));
    }
}

/* One quad-word of a root entry: count context entries from rid on. */
static void vtd_dump_contexts(Walk *w, uint64_t root, uint16_t rid,
                              unsigned count)
{
    uint64_t table = root & IM_MASK(VTD_ROOT_CTP);
    uint64_t d[2];

    if (!IM_GET(root, VTD_ROOT_P)) {
        return;
    }
    for (unsigned i = 0; i < count && w->entries; i++) {
        if (count == 256) {
            vtd_dump_entry(w, &legacy_context, table, i, rid + i, d);
        } else {
            vtd_dump_scalable_context(w, table, (uint16_t)(rid + i));
        }
    }
}

static void vtd_dump_tables(ImVtd *s, GString *out)
{
    static const char *const modes[] = {
        "legacy",
        "scalable",
        "reserved",
        "abort-dma",
    };
    Walk w = { s, out, DUMP_ENTRIES, DUMP_READS };
    bool scalable = s->root.ttm == VTD_TTM_SCALABLE;

    g_string_append_printf(out, "root table: %" PRIx64 ", %s mode%s\n",
                           s->root.table, modes[s->root.ttm],
                           s->gsts & IM_MASK(VTD_GCMD_SRTP) ? "" :
                                                              " (not set)");
    if (!(s->gsts & IM_MASK(VTD_GCMD_SRTP)) || s->root.ttm > VTD_TTM_SCALABLE) {
        return;
    }
    for (unsigned bus = 0; bus < 256 && w.entries; bus++) {
        uint16_t rid = (uint16_t)(bus << 8);
        uint64_t d[2];

        if (!vtd_dump_read_entry(&w, s->root.table + bus * sizeof(d), d, 2)) {
            return;
        }
        vtd_dump_contexts(&w, d[0], rid, scalable ? 128 : 256);
        if (scalable) {
            vtd_dump_contexts(&w, d[1], rid | 0x80, 128);
        }
    }
}

void im_vtd_dump(ImVtd *s, GString *out)
{
    vtd_dump_regs(s, out);
    g_string_append_printf(
        out, "interrupt remapping table: %" PRIx64 ", %u entries, %s mode\n",
        s->ir.table, s->ir.entries, s->ir.eime ? "x2APIC" : "xAPIC");
    vtd_dump_tables(s, out);
    im_vtd_queue_dump(s, out);
    im_vtd_page_queue_dump(s, out);
    im_vtd_caches_dump(s, out);
    g_string_append(out, "counters:\n");
    im_vtd_ops.counters(s, im_dump_counter, out);
}
