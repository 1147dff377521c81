/*
 * Invalidations of ATCs that functions have not completed: 3.9.1.4, 4.5.1,
 * and PCIe 10.3.
 *
 * ITags are given out in turn, the one that was freed first before others:
 * a completion that comes late must not complete another invalidation. A
 * tag whose invalidation timed out is used again when no other is left.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/regs.h"

#include <inttypes.h>
#include <string.h>

#define ITAGS       32          /* of one function */
#define ATC_INVS    256         /* outstanding altogether */
#define FUNCTIONS   ATC_INVS    /* whose ITags are remembered */

typedef struct Itag {
    uint64_t due;
    uint64_t freed;             /* turn at which it was; 0: never used */
    uint8_t completions;        /* that have come */
} Itag;

typedef struct Function {
    uint32_t sid;
    uint32_t busy;              /* ITags by bit */
    uint32_t late;              /* timed out, and not completed since */
    uint64_t last;              /* turn of the latest that was freed */
    Itag tag[ITAGS];
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
    return !f->late != !other->late ? !f->late : f->last < other->last;
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

            best = !f->busy && (!best || smmu_atc_forgets(f, best)) ? f : best;
        }
    }
    *best = (Function) { .sid = sid };
    return best;
}

bool im_smmu_atc_room(const ImSmmu *s, uint32_t sid)
{
    const Function *f = smmu_atc_function_of(s->atc, sid);

    return s->atc->outstanding < ATC_INVS &&
           !(f && f->busy == UINT32_MAX);
}

IM_RULE(SMMU_CMD_ATC_ITAG);
static unsigned smmu_atc_free_itag(const Function *f)
{
    uint32_t among = ~f->busy & ~f->late ? ~f->busy & ~f->late : ~f->busy;
    unsigned best = (unsigned)__builtin_ctz(among);

    for (unsigned i = best + 1; i < ITAGS; i++) {
        if ((among >> i & 1) && f->tag[i].freed < f->tag[best].freed) {
            best = i;
        }
    }
    return best;
}

static void smmu_atc_give_back(SmmuAtc *a, Function *f, unsigned itag)
{
    f->busy &= ~(1u << itag);
    f->tag[itag].freed = f->last = ++a->turn;
    a->outstanding--;
}

static void smmu_atc_arm_deadline(ImSmmu *s)
{
    const SmmuAtc *a = s->atc;
    uint64_t when = IM_NEVER;

    for (unsigned i = 0; a->outstanding && i < a->known; i++) {
        const Function *f = &a->fn[i];

        for (uint32_t left = f->busy; left; left &= left - 1) {
            when = MIN(when, f->tag[__builtin_ctz(left)].due);
        }
    }
    s->port.deadline(s->host, when);
}

void im_smmu_atc_send(ImSmmu *s, ImAtsInv *msg)
{
    uint32_t sid = (uint32_t)msg->segment << 16 | msg->rid;
    uint64_t now = s->port.now(s->host);
    SmmuAtc *a = s->atc;
    Function *f = smmu_atc_function_of(a, sid);
    unsigned itag;

    f = f ? f : smmu_atc_new_function(a, sid);
    itag = smmu_atc_free_itag(f);
    f->busy |= 1u << itag;
    f->late &= ~(1u << itag);
    f->tag[itag].due = now + MIN(s->cfg.ats_timeout_ns, IM_NEVER - 1 - now);
    f->tag[itag].completions = 0;
    a->outstanding++;
    msg->itag = (uint8_t)itag;
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
static void smmu_atc_completed(ImSmmu *s, Function *f, unsigned itag,
                               unsigned count)
{
    if (++f->tag[itag].completions < count) {
        return;
    }
    if (f->busy >> itag & 1) {
        smmu_atc_give_back(s->atc, f, itag);
        s->counters.ats_completions++;
    }
    f->late &= ~(1u << itag);
}

void im_smmu_ats_inv_done(ImSmmu *s, uint32_t sid, uint32_t itag_vector,
                          uint8_t cc)
{
    Function *f = smmu_atc_function_of(s->atc, sid);
    unsigned count = cc & 7 ? cc & 7u : 8;

    if (f) {
        for (uint32_t left = itag_vector & (f->busy | f->late); left;
             left &= left - 1) {
            smmu_atc_completed(s, f, (unsigned)__builtin_ctz(left), count);
        }
    }
    smmu_atc_arm_deadline(s);
    im_smmu_cmdq_run(s);
}

static void smmu_atc_time_out(ImSmmu *s, Function *f, unsigned itag)
{
    ImEvent ev = {
        .kind = IM_EVENT_INVALIDATE,
        .name = "ATC_INV: no completion in time", .arg = { f->sid, itag },
    };

    im_smmu_trace(s, &ev);
    smmu_atc_give_back(s->atc, f, itag);
    f->late |= 1u << itag;
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

        for (uint32_t left = f->busy; left; left &= left - 1) {
            unsigned itag = (unsigned)__builtin_ctz(left);

            if (f->tag[itag].due <= now) {
                smmu_atc_time_out(s, f, itag);
            }
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
        a->fn[i].late |= a->fn[i].busy;
        a->fn[i].busy = 0;
    }
    a->outstanding = 0;
    a->timed_out = false;
    s->port.deadline(s->host, IM_NEVER);
}

void im_smmu_atc_reset(ImSmmu *s)
{
    memset(s->atc, 0, sizeof(*s->atc));
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

        for (uint32_t left = f->busy; left; left &= left - 1) {
            unsigned itag = (unsigned)__builtin_ctz(left);

            g_string_append_printf(out, "    StreamID %x, ITag %u, due "
                                   "%" PRIu64 "\n", f->sid, itag,
                                   f->tag[itag].due);
        }
    }
}
