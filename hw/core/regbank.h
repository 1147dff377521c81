/*
 * Register bank: one table of registers, one merge rule, named hooks.
 *
 * Registers are 4 or 8 bytes wide and naturally aligned. A 4-byte access may
 * address either half of an 8-byte register; an 8-byte access that covers
 * two 4-byte registers is done as two, the lower first. Whatever is not in
 * the table reads 0 and ignores writes, and so does any access that is not
 * 4 or 8 bytes wide, not aligned or outside the bank.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_CORE_REGBANK_H
#define HW_CORE_REGBANK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "im/im_clause.h"
#include "im/im_dump.h"

/*
 * Called after a write has been merged. elem is the element of an array of
 * registers, old the whole register before the write, bytes has a bit for
 * every byte that was written (0xf, 0xf0 or 0xff).
 */
typedef void ImRegWritten(void *dev, unsigned elem, uint64_t old,
                          unsigned bytes);

/* Asked before a write is merged: false ignores it. */
typedef bool ImRegGuard(void *dev, unsigned elem);

/* Returns what a read of the whole register shows; value is what is stored. */
typedef uint64_t ImRegRead(void *dev, unsigned elem, uint64_t value);

/*
 * One row. A bit is read-write (rw), cleared by writing 1 (w1c), or neither:
 * then only the device changes it. sticky bits survive a warm reset. count
 * and stride describe an array of equal registers; count 0 means 1. needs:
 * features of an instance, see im_regbank_implement().
 */
typedef struct ImRegDef {
    const char *name;
    ImClause rule;              /* where it is specified */
    uint32_t offset;
    uint8_t size;
    uint16_t count;
    uint16_t stride;
    uint64_t reset;
    uint64_t rw;
    uint64_t w1c;
    uint64_t sticky;
    uint64_t needs;
    ImRegWritten *written;
    ImRegRead *read;
    ImRegGuard *guard;
} ImRegDef;

typedef struct ImRegBank ImRegBank;

/*
 * Create a bank of bytes bytes from n rows, which must outlive it and must
 * not overlap (asserted). dev is handed to the hooks. Rows are addressed by
 * their index in the table. Values are those of a power-on reset.
 */
ImRegBank *im_regbank_new(const ImRegDef *defs, unsigned n, size_t bytes,
                          void *dev);
void im_regbank_free(ImRegBank *b);

/* Bits of a register that need features of their own. */
typedef struct ImRegBits {
    unsigned reg;
    uint64_t mask;
    uint64_t needs;
} ImRegBits;

/*
 * This instance has these features, bits of any word: what needs another one,
 * registers by their rows and bits by n more, is hidden.
 */
void im_regbank_implement(ImRegBank *b, uint64_t features,
                          const ImRegBits *bits, size_t n);
/*
 * This instance does not implement these bits: they read 0 and ignore
 * writes. All ones hides the register. Call before the bank is used.
 */
void im_regbank_hide(ImRegBank *b, unsigned reg, uint64_t mask);
/* Only the first count elements of an array exist in this instance. */
void im_regbank_limit(ImRegBank *b, unsigned reg, unsigned count);
/* The reset value of this instance, of a register that software cannot
 * write; takes effect at once. */
void im_regbank_preset(ImRegBank *b, unsigned reg, uint64_t value);

/* Reset all registers; warm keeps sticky bits. Calls no hook. */
void im_regbank_reset(ImRegBank *b, bool warm);

/* The device's own view: whole registers, no hook. */
uint64_t im_reg_get(const ImRegBank *b, unsigned reg, unsigned elem);
void im_reg_set(ImRegBank *b, unsigned reg, unsigned elem, uint64_t value);

/* A register, by its row, and what it is made of. */
typedef struct ImRegFields {
    unsigned reg;
    const ImFieldRow *fields;
} ImRegFields;

/* A line for people of each register that is no array: offset, name, what a
 * read of it shows, by its fields if it is one of n, and where it is
 * specified. */
void im_regbank_dump(ImRegBank *b, const ImRegFields *rows, size_t n,
                     GString *out);

/* Software's view. */
uint64_t im_regbank_read(ImRegBank *b, uint64_t off, unsigned size);
void im_regbank_write(ImRegBank *b, uint64_t off, uint64_t val, unsigned size);

/* The one merge rule, for bits in lanes. */
static inline uint64_t im_reg_merge(uint64_t old, uint64_t val, uint64_t rw,
                                    uint64_t w1c, uint64_t lanes)
{
    rw &= lanes;
    w1c &= lanes;
    return (old & ~rw & ~(val & w1c)) | (val & rw);
}

#endif /* HW_CORE_REGBANK_H */
