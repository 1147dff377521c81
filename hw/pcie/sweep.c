/*
 * SWEEP: the places of many reads, in order or at random.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/pcie/op.h"

/* The generator of the specification of the registers. */
#define LCG_FACTOR  UINT64_C(6364136223846793005)
#define LCG_ADDEND  UINT64_C(1442695040888963407)

/*
 * What is BAD_PROGRAM. A place is aligned to the request's size and as long
 * as it, so that no request crosses a page.
 */
IM_RULE(EP_SWEEP);
bool im_ep_sweep_impossible(const EpProgram *p)
{
    return p->stride == 0 || p->stride % p->split != 0 ||
           p->addr % p->split != 0 || p->places == 0 ||
           p->places > UINT64_C(1) << 32;
}

static void ep_sweep_draw(EpChannel *ch)
{
    ch->lcg = ch->lcg * LCG_FACTOR + LCG_ADDEND;
    ch->place = (ch->lcg >> 32) * ch->prog.places >> 32;
}

void im_ep_sweep_start(EpChannel *ch, uint64_t count)
{
    EpProgram *p = &ch->prog;

    if (p->split == 0) {
        p->split = 64;
    }
    p->total = count * p->split;
    p->places = p->stride ? p->len / p->stride : 0;
    ch->place = 0;
    ch->lcg = p->seed;
    if (p->random) {
        ep_sweep_draw(ch);
    }
}

void im_ep_sweep_next(EpChannel *ch)
{
    if (ch->prog.random) {
        ep_sweep_draw(ch);
    } else if (++ch->place == ch->prog.places) {
        ch->place = 0;
    }
}
