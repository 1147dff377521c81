/*
 * Register bank.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/regbank.h"

#include <inttypes.h>

/* One register of this instance; rw and w1c may be fewer than the row's. */
typedef struct RegSlot {
    const ImRegDef *def;
    unsigned elem;
    uint64_t value;
    uint64_t reset;
    uint64_t exists;
    uint64_t rw;
    uint64_t w1c;
} RegSlot;

struct ImRegBank {
    const ImRegDef *defs;
    void *dev;
    size_t bytes;
    unsigned ndefs;
    unsigned nslots;
    unsigned *first;        /* by row: slot of element 0 */
    RegSlot *slots;
    uint16_t *map;          /* by 4-byte word: slot + 1, 0 is none */
};

static unsigned regbank_def_count(const ImRegDef *def)
{
    return def->count ? def->count : 1;
}

static uint64_t regbank_width_mask(const ImRegDef *def)
{
    return def->size == 8 ? UINT64_MAX : UINT32_MAX;
}

static void regbank_map_slot(ImRegBank *b, unsigned slot, bool present)
{
    const RegSlot *s = &b->slots[slot];
    size_t off = s->def->offset + (size_t)s->elem * s->def->stride;

    for (size_t i = 0; i < s->def->size; i += 4) {
        uint16_t *word = &b->map[(off + i) / 4];

        g_assert(off + i + 4 <= b->bytes);
        g_assert(*word == 0 || !present);
        *word = (uint16_t)(present ? slot + 1 : 0);
    }
}

ImRegBank *im_regbank_new(const ImRegDef *defs, unsigned n, size_t bytes,
                          void *dev)
{
    ImRegBank *b = g_new0(ImRegBank, 1);
    unsigned slot = 0;

    b->defs = defs;
    b->ndefs = n;
    b->bytes = bytes;
    b->dev = dev;
    b->first = g_new(unsigned, n);
    for (unsigned i = 0; i < n; i++) {
        b->first[i] = b->nslots;
        b->nslots += regbank_def_count(&defs[i]);
    }
    g_assert(b->nslots < UINT16_MAX);
    b->slots = g_new0(RegSlot, b->nslots);
    b->map = g_new0(uint16_t, bytes / 4);
    for (unsigned i = 0; i < n; i++) {
        const ImRegDef *def = &defs[i];

        g_assert(def->size == 4 || def->size == 8);
        g_assert(def->offset % def->size == 0);
        g_assert((def->rw & def->w1c) == 0);
        for (unsigned e = 0; e < regbank_def_count(def); e++, slot++) {
            b->slots[slot] = (RegSlot) {
                .def = def,
                .elem = e,
                .value = def->reset,
                .reset = def->reset,
                .rw = def->rw,
                .w1c = def->w1c,
                .exists = regbank_width_mask(def),
            };
            regbank_map_slot(b, slot, true);
        }
    }
    return b;
}

void im_regbank_free(ImRegBank *b)
{
    if (!b) {
        return;
    }
    g_free(b->first);
    g_free(b->slots);
    g_free(b->map);
    g_free(b);
}

static RegSlot *regbank_slot_of(const ImRegBank *b, unsigned reg, unsigned elem)
{
    g_assert(reg < b->ndefs && elem < regbank_def_count(&b->defs[reg]));
    return &b->slots[b->first[reg] + elem];
}

void im_regbank_hide(ImRegBank *b, unsigned reg, uint64_t mask)
{
    for (unsigned e = 0; e < regbank_def_count(&b->defs[reg]); e++) {
        RegSlot *s = regbank_slot_of(b, reg, e);

        s->exists &= ~mask;
        s->rw &= ~mask;
        s->w1c &= ~mask;
        s->reset &= ~mask;
        s->value &= ~mask;
    }
}

void im_regbank_implement(ImRegBank *b, uint64_t features,
                          const ImRegBits *bits, size_t n)
{
    for (unsigned i = 0; i < b->ndefs; i++) {
        if (b->defs[i].needs & ~features) {
            im_regbank_hide(b, i, UINT64_MAX);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (bits[i].needs & ~features) {
            im_regbank_hide(b, bits[i].reg, bits[i].mask);
        }
    }
}

void im_regbank_limit(ImRegBank *b, unsigned reg, unsigned count)
{
    for (unsigned e = count; e < regbank_def_count(&b->defs[reg]); e++) {
        regbank_map_slot(b, b->first[reg] + e, false);
    }
}

void im_regbank_preset(ImRegBank *b, unsigned reg, uint64_t value)
{
    RegSlot *s = regbank_slot_of(b, reg, 0);

    s->reset = value & s->exists;
    s->value = s->reset;
}

void im_regbank_reset(ImRegBank *b, bool warm)
{
    for (unsigned i = 0; i < b->nslots; i++) {
        RegSlot *s = &b->slots[i];
        uint64_t keep = warm ? s->def->sticky : 0;

        s->value = (s->value & keep) | (s->reset & ~keep);
    }
}

uint64_t im_reg_get(const ImRegBank *b, unsigned reg, unsigned elem)
{
    return regbank_slot_of(b, reg, elem)->value;
}

void im_reg_set(ImRegBank *b, unsigned reg, unsigned elem, uint64_t value)
{
    RegSlot *s = regbank_slot_of(b, reg, elem);

    s->value = value & s->exists;
}

static bool regbank_access_ok(const ImRegBank *b, uint64_t off, unsigned size)
{
    return (size == 4 || size == 8) && off % size == 0 && off < b->bytes &&
           b->bytes - off >= size;
}

static RegSlot *regbank_slot_at(const ImRegBank *b, uint64_t off)
{
    uint16_t slot = b->map[off / 4];

    return slot ? &b->slots[slot - 1] : NULL;
}

/* Whether an aligned 8-byte access at off is one register. */
static bool regbank_is_wide(const ImRegBank *b, uint64_t off)
{
    const RegSlot *s = regbank_slot_at(b, off);

    return s && s->def->size == 8;
}

/* How far the byte at off is shifted inside its register. */
static unsigned regbank_lane_shift(const RegSlot *s, uint64_t off)
{
    return s->def->size == 8 && off % 8 ? 32 : 0;
}

static uint64_t regbank_slot_read(ImRegBank *b, const RegSlot *s)
{
    return s->def->read ? s->def->read(b->dev, s->elem, s->value) & s->exists :
                          s->value;
}

static uint64_t regbank_read_word(ImRegBank *b, uint64_t off)
{
    const RegSlot *s = regbank_slot_at(b, off);

    return s ? (uint32_t)(regbank_slot_read(b, s) >>
                          regbank_lane_shift(s, off)) :
               0;
}

uint64_t im_regbank_read(ImRegBank *b, uint64_t off, unsigned size)
{
    if (!regbank_access_ok(b, off, size)) {
        return 0;
    }
    if (size == 4) {
        return regbank_read_word(b, off);
    }
    if (regbank_is_wide(b, off)) {
        return regbank_slot_read(b, regbank_slot_at(b, off));
    }
    return regbank_read_word(b, off) | regbank_read_word(b, off + 4) << 32;
}

static void regbank_slot_write(ImRegBank *b, RegSlot *s, uint64_t val,
                               uint64_t lanes, unsigned bytes)
{
    uint64_t old = s->value;

    if (s->def->guard && !s->def->guard(b->dev, s->elem)) {
        return;
    }
    s->value = im_reg_merge(old, val, s->rw, s->w1c, lanes);
    if (s->def->written && s->exists) {
        s->def->written(b->dev, s->elem, old, bytes);
    }
}

static void regbank_write_word(ImRegBank *b, uint64_t off, uint64_t val)
{
    RegSlot *s = regbank_slot_at(b, off);
    unsigned shift;

    if (!s) {
        return;
    }
    shift = regbank_lane_shift(s, off);
    regbank_slot_write(b, s, (val & UINT32_MAX) << shift,
                       (uint64_t)UINT32_MAX << shift, 0xfu << shift / 8);
}

void im_regbank_write(ImRegBank *b, uint64_t off, uint64_t val, unsigned size)
{
    if (!regbank_access_ok(b, off, size)) {
        return;
    }
    if (size == 4) {
        regbank_write_word(b, off, val);
    } else if (regbank_is_wide(b, off)) {
        regbank_slot_write(b, regbank_slot_at(b, off), val, UINT64_MAX, 0xff);
    } else {
        regbank_write_word(b, off, val);
        regbank_write_word(b, off + 4, val >> 32);
    }
}

/* --- for people --------------------------------------------------------- */

static void regbank_dump_one(ImRegBank *b, unsigned reg,
                             const ImFieldRow *fields, GString *out)
{
    const ImRegDef *def = &b->defs[reg];
    const ImClauseRow *rule = im_clause(def->rule);
    uint64_t value = regbank_slot_read(b, regbank_slot_of(b, reg, 0));

    g_string_append_printf(out, "    %05x %-16s %016" PRIx64, def->offset,
                           def->name, value);
    if (fields) {
        im_dump_fields(out, fields, value);
    }
    if (rule) {
        g_string_append_printf(out, "  (%s %s)", rule->section, rule->title);
    }
    g_string_append_c(out, '\n');
}

void im_regbank_dump(ImRegBank *b, const ImRegFields *rows, size_t n,
                     GString *out)
{
    g_string_append(out, "registers:\n");
    for (unsigned reg = 0; reg < b->ndefs; reg++) {
        const ImFieldRow *fields = NULL;

        for (size_t i = 0; i < n && !fields; i++) {
            fields = rows[i].reg == reg ? rows[i].fields : NULL;
        }
        if (regbank_def_count(&b->defs[reg]) == 1) {
            regbank_dump_one(b, reg, fields, out);
        }
    }
}
