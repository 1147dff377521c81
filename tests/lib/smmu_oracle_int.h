/*
 * Between the files of the oracle.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_SMMU_ORACLE_INT_H
#define TESTS_LIB_SMMU_ORACLE_INT_H

#include "lib/smmu_oracle.h"

#define BITS(h, l)  (UINT64_MAX >> (63 - (h)) & UINT64_MAX << (l))

typedef struct Walk {
    SWorld *w;
    const ImTxn *t;
    const ImSmmuConfig *c;
    SoAnswer *a;
    uint64_t ste[8];
    uint64_t cd[8];
    unsigned config;
    bool s1, s2;
    bool el2, e2h;              /* StreamWorld */
    bool ats;                   /* a translation request */
    bool split;                 /* it is told the IPA, 13.6.3 */
    bool dirtied;               /* it made a stage 1 page dirty */
    bool leaf1, leaf2;          /* stages that led to it, by these leaves */
    uint64_t desc1, desc2;
    bool priv, inst;            /* effective PnU and InD */
    bool need_r, need_w, need_x;
} Walk;

typedef struct Perm {
    bool r, w, x;
} Perm;

/* One stage's geometry and rules. */
typedef struct Stage {
    uint64_t ttb;
    unsigned g, bits, start;
    unsigned out;               /* bits of output address */
    bool affd, ha, hd, haft, had;
} Stage;

static inline uint64_t so_get(const uint64_t *q, unsigned hi, unsigned lo)
{
    return q[lo / 64] >> lo % 64 & UINT64_MAX >> (63 - (hi - lo));
}

/* A field that a CD has for each half: SO_HALF(k, high, CD_TG). */
#define SO_HALF(k, high, f) \
    ((high) ? so_get((k)->cd, f##1) : so_get((k)->cd, f##0))

void so_stop(Walk *k, unsigned code);
/* A structure's quad-word, with the updates made so far. */
bool so_fetch(Walk *k, uint64_t pa, uint64_t *v);
/* A stage 1 structure: where it is in memory, read or written. */
bool so_locate(Walk *k, uint64_t addr, unsigned cls, bool write, uint64_t *pa);
Stage so_stage1(Walk *k, bool high);
Stage so_stage2(Walk *k);
/* Stage 2 alone, of a translated request's IPA. */
void so_translate_ipa(Walk *k);
/* Walk what is enabled, once structures are known to be good. */
void so_translate(Walk *k, bool skip_s1);

/* Memory type and shareability of what was found. */
void so_attr(Walk *k);

/* --- ATS ---------------------------------------------------------------- */

/* The STE is valid. False: it has answered the request. */
bool so_ats_gate(Walk *k);
/* A translated request that no table is asked about. */
void so_ats_pass(Walk *k);
/* Would a completion grant anything of this? 3.9.1.2 */
bool so_ats_worth(const Walk *k, const Perm *p);
/* Of what a walk led to, what the requester is told. */
void so_ats_finish(Walk *k);

#endif /* TESTS_LIB_SMMU_ORACLE_INT_H */
