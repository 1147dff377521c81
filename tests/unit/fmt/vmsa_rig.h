/*
 * Memory with VMSAv8-64 tables for tests of the formats. Bits are those of
 * the A-profile manual; levels here are the architecture's, 3 the leaf's.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_UNIT_FMT_VMSA_RIG_H
#define TESTS_UNIT_FMT_VMSA_RIG_H

#include <glib.h>
#include <string.h>

#include "hw/fmt/smmu.h"

#define MEM_SIZE   (UINT64_C(16) << 20)
/* Nested: memory is found at this intermediate address. */
#define BIAS       (UINT64_C(1) << 32)

#define D_V        UINT64_C(1)
#define D_TABLE    UINT64_C(3)
#define D_PAGE     UINT64_C(3)
#define D_AP1      (UINT64_C(1) << 6)       /* unprivileged */
#define D_RO       (UINT64_C(1) << 7)       /* stage 1 */
#define D_S2R      (UINT64_C(1) << 6)
#define D_S2W      (UINT64_C(1) << 7)
#define D_AF       (UINT64_C(1) << 10)
#define D_NG       (UINT64_C(1) << 11)
#define D_DBM      (UINT64_C(1) << 51)
#define D_PXN      (UINT64_C(1) << 53)
#define D_UXN      (UINT64_C(1) << 54)
#define D_PXNT     (UINT64_C(1) << 59)
#define D_UXNT     (UINT64_C(1) << 60)
#define D_APT(n)   ((uint64_t)(n) << 61)
#define D_MEM(n)   ((uint64_t)(n) << 2)

/* Leaves that grant everything. */
#define ALL_S1     (D_AF | D_AP1)
#define ALL_S2     (D_AF | D_S2R | D_S2W | D_MEM(15))

typedef struct VRig {
    uint8_t *mem;
    uint64_t next;              /* table allocator */
    uint64_t table_bits;        /* for new tables: attributes */
    uint64_t bias;              /* of the addresses in new tables */
    unsigned reads, updates;
    unsigned fail_at;           /* this read fails; 0: none */
    bool update_fails;
    unsigned races;             /* how often a CPU gets in between */
    uint64_t race_set, race_clear;
    ImWalkPoint start;          /* with start_on: of stage 0 */
    bool start_on;
    ImWalkPoint kept;           /* the last one of stage 0 */
} VRig;

static inline VRig *v_new(void)
{
    VRig *v = g_new0(VRig, 1);

    v->mem = g_malloc0(MEM_SIZE);
    v->next = 0x100000;
    return v;
}

static inline void v_free(VRig *v)
{
    g_free(v->mem);
    g_free(v);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VRig, v_free)

static inline uint64_t v_get(const VRig *v, uint64_t pa)
{
    uint64_t e;

    g_assert_cmpuint(pa, <=, MEM_SIZE - 8);
    memcpy(&e, v->mem + pa, 8);
    return e;
}

static inline void v_set(VRig *v, uint64_t pa, uint64_t e)
{
    g_assert_cmpuint(pa, <=, MEM_SIZE - 8);
    memcpy(v->mem + pa, &e, 8);
}

/* --- the host ----------------------------------------------------------- */

static inline ImBus v_read(void *opaque, uint64_t pa, void *buf, size_t len)
{
    VRig *v = opaque;

    v->reads++;
    if (pa > MEM_SIZE - len || v->reads == v->fail_at) {
        return IM_BUS_ERROR;
    }
    memcpy(buf, v->mem + pa, len);
    return IM_BUS_OK;
}

static inline ImBus v_cmpxchg(void *opaque, uint64_t pa, uint64_t *expected,
                              uint64_t desired)
{
    VRig *v = opaque;
    uint64_t now = v_get(v, pa);

    v->updates++;
    if (v->races) {
        v->races--;
        now = (now | v->race_set) & ~v->race_clear;
        v_set(v, pa, now);
    }
    if (v->update_fails) {
        return IM_BUS_ERROR;
    }
    if (now != *expected) {
        *expected = now;
        return IM_BUS_RETRY;
    }
    v_set(v, pa, desired);
    return IM_BUS_OK;
}

static inline bool v_find(void *opaque, unsigned stage, uint64_t in,
                          ImWalkPoint *at)
{
    VRig *v = opaque;

    (void)in;
    if (stage || !v->start_on) {
        return false;
    }
    *at = v->start;
    return true;
}

static inline void v_keep(void *opaque, unsigned stage, uint64_t in,
                          const ImWalkPoint *at)
{
    (void)in;
    if (!stage) {
        ((VRig *)opaque)->kept = *at;
    }
}

static const ImWalkOps v_ops = {
    .read = v_read,
    .cmpxchg64 = v_cmpxchg,
    .find = v_find,
    .keep = v_keep,
};
/* As explain does it. */
static const ImWalkOps v_peek = { .read = v_read };

/* --- tables ------------------------------------------------------------- */

static inline unsigned v_granule(const ImPtStage *st)
{
    return st->fmt->page_shift;
}

/* log2 of what an entry of a level maps. */
static inline unsigned v_shift(unsigned granule, unsigned level)
{
    return granule + (3 - level) * (granule - 3);
}

static inline uint64_t v_table(VRig *v, uint64_t size)
{
    uint64_t at = (v->next + size - 1) & ~(size - 1);

    v->next = at + size;
    g_assert_cmpuint(v->next, <=, MEM_SIZE);
    return at;
}

/* A stage of bits of input that starts at a level, with an empty table. */
static inline ImPtStage v_stage(VRig *v, const ImPtFormat *fmt, unsigned bits,
                                unsigned start)
{
    unsigned low = v_shift(fmt->page_shift, start);
    ImPtStage st = {
        .fmt = fmt,
        .top = (uint8_t)(3 - start),
        .top_bits = (uint8_t)(bits - low),
        .in_last = UINT64_MAX,
        .out_mask = (UINT64_C(1) << 48) - 1,
    };

    if (fmt >= im_vmsa_s2 && fmt < im_vmsa_s2 + 3) {
        st.in_last = (UINT64_C(1) << bits) - 1;
    }
    st.root = v_table(v, MAX(UINT64_C(8) << (bits - low), 64)) + v->bias;
    return st;
}

/* Physical address of the entry of a level for an input address. */
static inline uint64_t v_entry(VRig *v, const ImPtStage *st, uint64_t in,
                               unsigned level)
{
    unsigned g = v_granule(st);
    uint64_t table = st->root - v->bias;

    for (unsigned l = 3u - st->top;; l++) {
        unsigned bits = l == 3u - st->top ? st->top_bits : g - 3;
        uint64_t at = table +
                      (in >> v_shift(g, l) & ((UINT64_C(1) << bits) - 1)) * 8;
        uint64_t e;

        if (l == level) {
            return at;
        }
        e = v_get(v, at);
        if (!(e & D_V)) {
            e = (v_table(v, UINT64_C(1) << g) + v->bias) | D_TABLE |
                v->table_bits;
            v_set(v, at, e);
        }
        table = (e & ((UINT64_C(1) << 48) - (UINT64_C(1) << g))) - v->bias;
    }
}

/* Returns where the descriptor is. */
static inline uint64_t v_map(VRig *v, const ImPtStage *st, uint64_t in,
                             uint64_t out, unsigned level, uint64_t bits)
{
    uint64_t at = v_entry(v, st, in, level);

    v_set(v, at, out | bits | (level == 3 ? D_PAGE : D_V));
    return at;
}

/* All of memory, from BIAS on, in pages of the granule. */
static inline void v_map_memory(VRig *v, const ImPtStage *s2, uint64_t bits)
{
    uint64_t bias = v->bias;

    v->bias = 0;
    for (uint64_t a = 0; a < MEM_SIZE; a += 1u << v_granule(s2)) {
        v_map(v, s2, BIAS + a, a, 3, bits);
    }
    v->bias = bias;
}

static inline ImWalkOut v_walk(VRig *v, const ImPtStage *s1,
                               const ImPtStage *s2, uint64_t in, uint8_t need)
{
    ImWalk w = { .ops = &v_ops, .opaque = v, .stage = { s1, s2 } };
    ImWalkOut out;

    im_walk(&w, in, need, need & IM_PERM_W, &out);
    return out;
}

#endif /* TESTS_UNIT_FMT_VMSA_RIG_H */
