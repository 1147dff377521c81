/*
 * The reference model's insides.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/io_model.h"

uint32_t model_charged(const MSet *s)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < M_PASIDS; i++) {
        n += s->pasid[i].state != IMU_PASID_FREE;
    }
    return n;
}

uint32_t model_committed(const MCtx *c)
{
    uint32_t n = c->orphans;

    for (unsigned i = 0; i < M_SETS; i++) {
        if (c->set[i].live) {
            n += MAX(c->set[i].qres, model_charged(&c->set[i]));
        }
    }
    return n;
}

bool model_guest_taken(const MSet *s, uint32_t g)
{
    for (unsigned i = 0; i < M_PASIDS; i++) {
        const MPasid *p = &s->pasid[i];

        if (p->g == g &&
            (p->state == IMU_PASID_IDLE || p->state == IMU_PASID_BOUND ||
             (p->state != IMU_PASID_FREE && s->mode == IMU_MODE_IDENTITY))) {
            return true;
        }
    }
    return false;
}

int model_owner(const Model *m, int func)
{
    for (int c = 0; c < M_CTXS; c++) {
        for (unsigned s = 0; s < M_SETS; s++) {
            if (m->ctx[c].set[s].dev[func].live) {
                return c;
            }
        }
    }
    return M_NONE;
}

MSet *model_binder(Model *m, int func)
{
    for (int c = 0; c < M_CTXS; c++) {
        for (unsigned s = 0; s < M_SETS; s++) {
            if (m->ctx[c].set[s].dev[func].live) {
                return &m->ctx[c].set[s];
            }
        }
    }
    return NULL;
}

bool model_space_bound(const MSet *s, int space)
{
    for (unsigned d = 0; d < M_FUNCS; d++) {
        if (!s->dev[d].live) {
            continue;
        }
        if (s->dev[d].own == space) {
            return true;
        }
        for (unsigned p = 0; p < M_PASIDS; p++) {
            if (s->dev[d].space[p] == space) {
                return true;
            }
        }
    }
    return false;
}

bool model_space_is_parent(const MSet *s, int space)
{
    for (unsigned i = 0; i < M_SPACES; i++) {
        if (s->space[i].live && s->space[i].parent == space) {
            return true;
        }
    }
    return false;
}

bool model_queue_used(const MSet *s, int queue)
{
    for (unsigned i = 0; i < M_SPACES; i++) {
        if (s->space[i].live && s->space[i].faultq == queue) {
            return true;
        }
    }
    return false;
}

/* --- groups ------------------------------------------------------------- */

unsigned model_groups(const Model *m, const MSet *s, int func)
{
    unsigned n = 0;

    for (unsigned i = 0; i < M_GROUPS; i++) {
        const MGroup *g = &m->group[i];

        n += g->live && g->set == s && (func == M_NONE || g->func == func);
    }
    return n;
}

void model_answer(Model *m, MGroup *g)
{
    g->live = false;
    m->responses++;
}

void model_end_groups(Model *m, const MSet *s, int func, int pasid)
{
    for (unsigned i = 0; i < M_GROUPS; i++) {
        MGroup *g = &m->group[i];

        if (g->live && g->set == s && g->func == func && g->pasid == pasid) {
            model_answer(m, g);
        }
    }
}

/* --- states ------------------------------------------------------------- */

static unsigned binds(const MSet *s, int pasid)
{
    unsigned n = 0;

    for (unsigned d = 0; d < M_FUNCS; d++) {
        n += s->dev[d].live && s->dev[d].space[pasid] != M_NONE;
    }
    return n;
}

static void to_free(MPasid *p)
{
    p->state = IMU_PASID_FREE;
}

void model_detached(Model *m, MSet *s, int func, int pasid)
{
    MPasid *p;

    model_end_groups(m, s, func, pasid);
    if (pasid == M_NONE) {
        s->dev[func].own = M_NONE;
        return;
    }
    s->dev[func].space[pasid] = M_NONE;
    p = &s->pasid[pasid];
    p->hot = true;
    if (binds(s, pasid)) {
        return;
    }
    if (p->state == IMU_PASID_BOUND) {
        p->state = IMU_PASID_IDLE;
        s->events++;
    } else {
        p->state = IMU_PASID_QUARANTINE;
    }
}

void model_unbound(Model *m, MSet *s, int func)
{
    if (s->dev[func].own != M_NONE) {
        model_detached(m, s, func, M_NONE);
    }
    for (int p = 0; p < M_PASIDS; p++) {
        if (s->dev[func].space[p] != M_NONE) {
            model_detached(m, s, func, p);
        }
    }
    s->dev[func].live = false;
    m->unbound[func] = true;
}

void model_pasid_freed(Model *m, MSet *s, int pasid)
{
    MPasid *p = &s->pasid[pasid];

    if (p->state == IMU_PASID_BOUND) {
        for (int d = 0; d < M_FUNCS; d++) {
            if (s->dev[d].live && s->dev[d].space[pasid] != M_NONE) {
                model_end_groups(m, s, d, pasid);
                s->dev[d].space[pasid] = M_BLOCKED;
            }
        }
        p->state = IMU_PASID_PARKED;
        s->events++;
    } else if (p->state == IMU_PASID_IDLE) {
        s->events++;
        p->state = IMU_PASID_QUARANTINE;
        if (!p->hot) {
            s->events++;
            to_free(p);
        }
    }
}

void model_destroyed(Model *m, MCtx *c, MSet *s)
{
    for (int d = 0; d < M_FUNCS; d++) {
        if (s->dev[d].live) {
            model_unbound(m, s, d);
        }
    }
    for (int p = 0; p < M_PASIDS; p++) {
        if (s->pasid[p].state == IMU_PASID_IDLE) {
            model_pasid_freed(m, s, p);
        }
        c->orphans += s->pasid[p].state != IMU_PASID_FREE;
    }
    *s = (MSet) { .ref = s->ref };
}

/* Everything that takes time came to its end. */
void model_rest(Model *m)
{
    for (unsigned f = 0; f < M_FUNCS; f++) {
        m->unbound[f] = false;
    }
    for (unsigned c = 0; c < M_CTXS; c++) {
        m->ctx[c].orphans = 0;
        for (unsigned i = 0; i < M_SETS; i++) {
            MSet *s = &m->ctx[c].set[i];

            for (unsigned p = 0; p < M_PASIDS; p++) {
                s->pasid[p].hot = false;
                if (s->pasid[p].state == IMU_PASID_QUARANTINE) {
                    to_free(&s->pasid[p]);
                    s->events++;
                }
            }
        }
    }
    for (unsigned i = 0; i < M_GROUPS; i++) {
        MGroup *g = &m->group[i];

        if (g->live && g->set->queue[g->queue].brief) {
            g->set->events++;
            model_answer(m, g);
        }
    }
}
