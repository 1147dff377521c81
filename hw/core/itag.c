/*
 * Tags of invalidations that are on their way.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/itag.h"

#include <inttypes.h>

static unsigned itag_lowest(uint32_t vector)
{
    return (unsigned)__builtin_ctz(vector);
}

static void itag_in(ImItagFifo *f, unsigned tag)
{
    f->tag[(f->first + (unsigned)f->count++) % IM_ITAGS] = (uint8_t)tag;
}

static unsigned itag_out(ImItagFifo *f)
{
    unsigned tag = f->tag[f->first];

    f->first = (uint8_t)((f->first + 1u) % IM_ITAGS);
    f->count--;
    return tag;
}

static void itag_give_up(ImItags *t, unsigned tag)
{
    t->busy &= ~(1u << tag);
    t->late |= 1u << tag;
    itag_in(&t->given_up, tag);
}

/* Nothing more is expected to come for it, whatever it was. */
static void itag_rest(ImItags *t, unsigned tag)
{
    t->busy &= ~(1u << tag);
    if (t->late >> tag & 1) {
        t->late &= ~(1u << tag);
        for (unsigned n = t->given_up.count; n; n--) {
            unsigned other = itag_out(&t->given_up);

            if (other != tag) {
                itag_in(&t->given_up, other);
            }
        }
    }
    itag_in(&t->rested, tag);
}

unsigned im_itags_take(ImItags *t, uint64_t now, uint64_t timeout)
{
    unsigned tag = t->used < IM_ITAGS ?
                       t->used++ :
                       itag_out(t->rested.count ? &t->rested : &t->given_up);

    t->busy |= 1u << tag;
    t->late &= ~(1u << tag);
    t->tag[tag].due = now + MIN(timeout, IM_NEVER - 1 - now);
    t->tag[tag].seen = 0;
    return tag;
}

uint32_t im_itags_complete(ImItags *t, uint32_t vector, unsigned count)
{
    uint32_t done = 0;

    count = count & 7 ? count & 7 : 8;
    for (uint32_t left = vector & (t->busy | t->late); left; left &= left - 1) {
        unsigned tag = itag_lowest(left);

        if (++t->tag[tag].seen == count) {
            done |= t->busy & 1u << tag;
            itag_rest(t, tag);
        }
    }
    return done;
}

uint32_t im_itags_expire(ImItags *t, uint64_t now)
{
    uint32_t out = 0;

    for (uint32_t left = t->busy; left; left &= left - 1) {
        unsigned tag = itag_lowest(left);

        if (t->tag[tag].due <= now) {
            itag_give_up(t, tag);
            out |= 1u << tag;
        }
    }
    return out;
}

void im_itags_give_up(ImItags *t)
{
    while (t->busy) {
        itag_give_up(t, itag_lowest(t->busy));
    }
}

uint64_t im_itags_due(const ImItags *t)
{
    uint64_t when = IM_NEVER;

    for (uint32_t left = t->busy; left; left &= left - 1) {
        when = MIN(when, t->tag[itag_lowest(left)].due);
    }
    return when;
}

void im_itags_dump(const ImItags *t, unsigned tag, const char *whose,
                   GString *out)
{
    g_string_append_printf(out, "    %s, ITag %u, due at %" PRIu64 " ns\n",
                           whose, tag, t->tag[tag].due);
}
