/*
 * Invalidations of ATCs that functions have not completed: 3.9.1.4, 4.5.1,
 * and PCIe 10.3.
 *
 * Every function has ITags of its own. Those of a function that nothing is
 * expected of may be forgotten for those of another.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/itag.h"
#include "hw/smmuv3/regs.h"

#define ATC_INVS    256         /* outstanding altogether */
#define FUNCTIONS   ATC_INVS    /* whose ITags are remembered */

typedef struct Function {
    uint32_t sid;
    uint64_t last;              /* turn at which it completed something */
    ImItags itags;
} Function;

struct SmmuAtc {
    bool timed_out;             /* since the last CMD_SYNC that told so */
    unsigned outstanding;
    unsigned known;             /* of fn[] */
    uint64_t turn;
    Function fn[FUNCTIONS];
};

static Function *smmu_atc_function_of(SmmuAtc *a, uint32_t sid)
{
    for (unsigned i = 0; i < a->known; i++) {
        if (a->fn[i].sid == sid) {
            return &a->fn[i];
        }
    }
    return NULL;
}

/* Which of two is rather forgotten: who owes nothing, who rests longest. */
static bool smmu_atc_forgets(const Function *f, const Function *other)
{
    return !f->itags.late != !other->itags.late ? !f->itags.late :
                                                  f->last < other->last;
}

/* In place of another, if there is no room: fewer invalidations than these
 * are outstanding. */
static Function *smmu_atc_new_function(SmmuAtc *a, uint32_t sid)
{
    Function *best = NULL;

    if (a->known < FUNCTIONS) {
        best = &a->fn[a->known++];
    } else {
        for (unsigned i = 0; i < FUNCTIONS; i++) {
            Function *f = &a->fn[i];

            best = !f->itags.busy && (!best || smmu_atc_forgets(f, best)) ?
                       f :
                       best;
        }
    }
    *best = (Function) { .sid = sid };
    return best;
}

bool im_smmu_atc_room(const ImSmmu *s, uint32_t sid)
{
    const Function *f = smmu_atc_function_of(s->atc, sid);

    return s->atc->outstanding < ATC_INVS && !(f && im_itags_full(&f->itags));
}

/* So many of a function's are outstanding no longer. */
static void smmu_atc_freed(SmmuAtc *a, Function *f, uint32_t itags)
{
    unsigned n = im_itags_number(itags);

    a->outstanding -= n;
    a->turn += n;
    f->last = n ? a->turn : f->last;
}

static void smmu_atc_arm_deadline(ImSmmu *s)
{
    const SmmuAtc *a = s->atc;
    uint64_t when = IM_NEVER;

    for (unsigned i = 0; a->outstanding && i < a->known; i++) {
        if (a->fn[i].itags.busy) {
            when = MIN(when, im_itags_due(&a->fn[i].itags));
        }
    }
    s->port.deadline(s->host, when);
}

IM_RULE(SMMU_CMD_ATC_ITAG);
void im_smmu_atc_send(ImSmmu *s, ImAtsInv *msg)
{
    uint32_t sid = im_func(msg->segment, msg->rid);
    SmmuAtc *a = s->atc;
    Function *f = smmu_atc_function_of(a, sid);

    f = f ? f : smmu_atc_new_function(a, sid);
    msg->itag = (uint8_t)im_itags_take(&f->itags, s->port.now(s->host),
                                       s->cfg.ats_timeout_ns);
    a->outstanding++;
    s->counters.ats_invalidations++;
    smmu_atc_arm_deadline(s);
    s->port.ats_invalidate(s->host, msg);
}

unsigned im_smmu_atc_outstanding(const ImSmmu *s)
{
    return s->atc->outstanding;
}

bool im_smmu_atc_timed_out(const ImSmmu *s)
{
    return s->atc->timed_out;
}

void im_smmu_atc_time_out_told(ImSmmu *s)
{
    s->atc->timed_out = false;
}

/* Each of so many completions, one a traffic class perhaps, and not before. */
IM_RULE(SMMU_CMD_ATC_COUNT);
void im_smmu_ats_inv_done(ImSmmu *s, uint32_t sid, uint32_t itags, unsigned cc)
{
    Function *f = smmu_atc_function_of(s->atc, sid);

    if (f) {
        uint32_t done = im_itags_complete(&f->itags, itags, cc);

        smmu_atc_freed(s->atc, f, done);
        s->counters.ats_completions += im_itags_number(done);
    }
    smmu_atc_arm_deadline(s);
    im_smmu_cmdq_run(s);
}

static void smmu_atc_time_out(ImSmmu *s, const Function *f, unsigned itag)
{
    ImEvent ev = {
        .kind = IM_EVENT_INVALIDATE,
        .name = "ATC_INV: no completion in time",
        .arg = { f->sid, itag },
    };

    im_smmu_trace(s, &ev);
    s->atc->timed_out = true;
    s->counters.ats_timeouts++;
}

/* Told by the next CMD_SYNC. */
IM_RULE(SMMU_CMD_ATC_TIMEOUT);
void im_smmu_deadline(ImSmmu *s)
{
    uint64_t now = s->port.now(s->host);
    SmmuAtc *a = s->atc;

    for (unsigned i = 0; i < a->known; i++) {
        Function *f = &a->fn[i];
        uint32_t late = im_itags_expire(&f->itags, now);

        smmu_atc_freed(a, f, late);
        for (; late; late &= late - 1) {
            smmu_atc_time_out(s, f, (unsigned)__builtin_ctz(late));
        }
    }
    smmu_atc_arm_deadline(s);
    im_smmu_cmdq_run(s);
}

/* Nobody waits for them any longer, but their completions may yet come. */
void im_smmu_atc_off(ImSmmu *s)
{
    SmmuAtc *a = s->atc;

    for (unsigned i = 0; i < a->known; i++) {
        smmu_atc_freed(a, &a->fn[i], a->fn[i].itags.busy);
        im_itags_give_up(&a->fn[i].itags);
    }
    a->timed_out = false;
    s->port.deadline(s->host, IM_NEVER);
}

SmmuAtc *im_smmu_atc_new(void)
{
    return g_new0(SmmuAtc, 1);
}

void im_smmu_atc_free(SmmuAtc *a)
{
    g_free(a);
}

void im_smmu_atc_dump(const ImSmmu *s, GString *out)
{
    const SmmuAtc *a = s->atc;

    g_string_append_printf(out, "ATC invalidations outstanding: %u%s\n",
                           a->outstanding,
                           a->timed_out ? ", some timed out" : "");
    for (unsigned i = 0; i < a->known; i++) {
        const Function *f = &a->fn[i];

        g_autofree char *whose = g_strdup_printf("StreamID %x", f->sid);

        for (uint32_t left = f->itags.busy; left; left &= left - 1) {
            im_itags_dump(&f->itags, (unsigned)__builtin_ctz(left), whose, out);
        }
    }
}
