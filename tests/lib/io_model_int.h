/*
 * A step of the random commands, and how it is chosen and checked.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_IO_MODEL_INT_H
#define TESTS_LIB_IO_MODEL_INT_H

#include "lib/io_model.h"

#define QUOTA  40u              /* of an opener */

/* One command under way. */
typedef struct Step {
    Model *m;
    Io *io;
    Fuzz f;
    MCtx *c;
    MSet *s;                    /* may be dead: then ENOENT */
    char what[160];
} Step;

static inline uint32_t below(Step *t, uint32_t n)
{
    return (uint32_t)fuzz_below(&t->f, n);
}

static inline bool chance(Step *t, uint32_t n)
{
    return fuzz_one_in(&t->f, n);
}

/* The result is the right one; true: the command took effect. */
static inline bool came_true(Step *t, int rc, int want)
{
    bool no_memory = t->io->failed && rc == -ENOMEM;

    io_fail_alloc(t->io, UINT64_MAX);
    if (t->m->talk) {
        g_test_message("%s: %d, want %d%s", t->what, rc, want,
                       no_memory ? ", no memory" : "");
    }
    if (rc != want && !no_memory) {
        g_error("%s: %d, but it should be %d", t->what, rc, want);
    }
    return rc == 0;
}

#define SAY(...)  g_snprintf(t->what, sizeof(t->what), __VA_ARGS__)
#define SET_NR(t)  (int)((t)->s - (t)->c->set)

/* An index, mostly of what lives. */
#define PICK(t, count, lives)                                              \
    ({                                                                     \
        uint32_t i_ = below(t, count), n_ = 0, at_ = i_;                   \
        for (i_ = 0; i_ < (count); i_++) {                                 \
            n_ += (lives) ? 1 : 0;                                         \
        }                                                                  \
        if (n_ && !chance(t, 12)) {                                        \
            uint32_t k_ = below(t, n_);                                    \
            for (i_ = 0; i_ < (count); i_++) {                             \
                if ((lives) && k_-- == 0) {                                \
                    at_ = i_;                                              \
                }                                                          \
            }                                                              \
        }                                                                  \
        (int)at_;                                                          \
    })

static inline int pick_pasid(Step *t)
{
    return PICK(t, M_PASIDS, t->s->pasid[i_].state != IMU_PASID_FREE);
}

static inline int pick_space(Step *t)
{
    return PICK(t, M_SPACES, t->s->space[i_].live);
}

static inline int pick_queue(Step *t)
{
    return PICK(t, M_QUEUES, t->s->queue[i_].live);
}

static inline int pick_dev(Step *t)
{
    return PICK(t, M_FUNCS, t->s->dev[i_].live);
}

/* What an operation is of little use without: made instead, mostly. */
enum {
    NEED_SET = 1,
    NEED_DEV = 2,
    NEED_SPACE = 4,
    NEED_PASID = 8,
    NEED_QUEUE = 16
};

typedef struct ModelOp {
    void (*fn)(Step *t);
    unsigned weight;
    unsigned needs;
} ModelOp;

/* The needs that the set does not meet, and what meets them. */
unsigned model_lacks(const Step *t);
extern const ModelOp model_makers[];

/* A request, and what it must meet. */
typedef struct MAsk {
    MSet *s;
    int func, space;            /* as MDev has it */
    uint32_t h;                 /* on the bus */
    int64_t ssid;               /* of a guest's own table, or M_NONE */
    uint64_t addr;
    bool write, ats;
} MAsk;

/* io_model_walk.c */
void model_request(Step *t, const MAsk *a);
uint64_t model_address(Step *t, const MSet *s, int space);
/* Write something through every binding that leads to a mapped space. */
void model_touch(Step *t, int space);
void model_check_fenced(Step *t);
void model_guest_writes(Step *t);

/* io_model_map.c */
int model_place(const MSpace *sp, uint32_t first, uint32_t n);
void model_copy(Step *t);
void model_allow(Step *t);
void model_ranges(Step *t);
void model_dirty_set(Step *t);
void model_dirty_get(Step *t);

extern const ModelOp model_ledger_ops[];
extern const ModelOp model_bind_ops[];

#endif /* TESTS_LIB_IO_MODEL_INT_H */
