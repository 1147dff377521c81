/*
 * SMMUv3: a walk of the tables, with the caches and side effects that a
 * request may have.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/cache.h"

typedef struct Walker {
    SmmuRoute *r;
    ImOwner *tables[2];        /* by the walk's stages */
    const ImPtFormat *fmt[2];
} Walker;

static ImBus smmu_walk_op_read(void *opaque, uint64_t pa, void *buf, size_t len)
{
    return im_smmu_walk_read(((Walker *)opaque)->r->s, pa, buf, len);
}

static ImBus smmu_walk_op_peek(void *opaque, uint64_t pa, void *buf, size_t len)
{
    return im_smmu_mem_peek(((Walker *)opaque)->r->s, pa, buf, len);
}

static ImBus smmu_walk_op_cmpxchg(void *opaque, uint64_t pa, uint64_t *expected,
                                  uint64_t desired)
{
    ImSmmu *s = ((Walker *)opaque)->r->s;

    return s->port.cmpxchg64(s->host, pa, expected, desired);
}

static bool smmu_walk_op_find(void *opaque, unsigned stage, uint64_t in,
                              ImWalkPoint *at)
{
    Walker *k = opaque;

    return im_owner_find_table(&k->r->s->caches->tables, k->tables[stage],
                               false, k->fmt[stage], in, at);
}

static void smmu_walk_op_keep(void *opaque, unsigned stage, uint64_t in,
                              const ImWalkPoint *at)
{
    Walker *k = opaque;

    im_owner_keep_table(&k->r->s->caches->tables, k->tables[stage], false,
                        k->fmt[stage], in, at);
}

static void smmu_walk_op_step(void *opaque, const ImStep *step)
{
    Walker *k = opaque;

    im_smmu_explain_entry(k->r, k->fmt, step);
}

static const ImWalkOps walk_ops = {
    .read = smmu_walk_op_read,
    .cmpxchg64 = smmu_walk_op_cmpxchg,
    .find = smmu_walk_op_find,
    .keep = smmu_walk_op_keep,
};

static const ImWalkOps explain_ops = { .read = smmu_walk_op_peek,
                                       .step = smmu_walk_op_step };

/* What a stage must grant some of, lest the completion grant nothing: else
 * the translation ends there, 3.9.1.2. */
static uint8_t smmu_walk_wanted(const SmmuRoute *r)
{
    return (uint8_t)((r->instcfg == INSTCFG_INST ? IM_PERM_X : IM_PERM_R) |
                     (r->write ? IM_PERM_W : 0));
}

/* The stage as r walks it: a copy when it is privileged. */
static const ImPtStage *
smmu_walk_for_request(const SmmuRoute *r, const ImPtStage *st, ImPtStage *copy)
{
    if (!r->pnu) {
        return st;
    }
    *copy = *st;
    copy->flags |= IM_VMSA_PRIV;
    return copy;
}

void im_smmu_walk(SmmuRoute *r, const ImPtStage *first, const ImPtStage *second,
                  uint64_t addr, ImWalkOut *out)
{
    Walker k = { .r = r, .fmt = { first->fmt } };
    ImPtStage copy[2];
    ImWalk w = {
        .ops = r->ex ? &explain_ops : &walk_ops,
        .opaque = &k,
        .stage = { smmu_walk_for_request(r, first, &copy[0]) },
    };

    if (second) {
        w.stage[1] = smmu_walk_for_request(r, second, &copy[1]);
        k.fmt[1] = second->fmt;
    }
    if (!r->ex) {
        k.tables[1] = &r->stream->vm->ipa_tables;
        k.tables[0] = r->only_s2 ? k.tables[1] : &r->context->space->tables;
    }
    if (r->kind == SMMU_TRANSLATION) {
        w.any = smmu_walk_wanted(r);
    }
    if (r->ex) {
        im_smmu_explain_begin(r);
    }
    im_walk(&w, addr, r->need, r->write, out);
}
