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

static void itag_free(ImItags *t, unsigned tag)
{
    t->busy &= ~(1u << tag);
    t->tag[tag].freed = ++t->turn;
}

unsigned im_itags_take(ImItags *t, uint64_t now, uint64_t timeout)
{
    uint32_t free = ~t->busy;
    uint32_t among = free & ~t->late ? free & ~t->late : free;
    unsigned best = itag_lowest(among);

    for (uint32_t left = among; left; left &= left - 1) {
        unsigned tag = itag_lowest(left);

        best = t->tag[tag].freed < t->tag[best].freed ? tag : best;
    }
    t->busy |= 1u << best;
    t->late &= ~(1u << best);
    t->tag[best].due = now + MIN(timeout, IM_NEVER - 1 - now);
    t->tag[best].seen = 0;
    return best;
}

uint32_t im_itags_complete(ImItags *t, uint32_t vector, unsigned count)
{
    uint32_t done = 0;

    count = count & 7 ? count & 7 : 8;
    for (uint32_t left = vector & (t->busy | t->late); left;
         left &= left - 1) {
        unsigned tag = itag_lowest(left);

        if (++t->tag[tag].seen == count) {
            done |= 1u << tag;
        }
    }
    t->late &= ~done;
    done &= t->busy;
    for (uint32_t left = done; left; left &= left - 1) {
        itag_free(t, itag_lowest(left));
    }
    return done;
}

uint32_t im_itags_expire(ImItags *t, uint64_t now)
{
    uint32_t out = 0;

    for (uint32_t left = t->busy; left; left &= left - 1) {
        unsigned tag = itag_lowest(left);

        if (t->tag[tag].due <= now) {
            itag_free(t, tag);
            out |= 1u << tag;
        }
    }
    t->late |= out;
    return out;
}

void im_itags_give_up(ImItags *t)
{
    t->late |= t->busy;
    while (t->busy) {
        itag_free(t, itag_lowest(t->busy));
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
