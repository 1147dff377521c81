/*
 * Who keeps what a unit's tables say, as far as its port goes: what he is told
 * to forget, and tickets for those who wait for him.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_KEEPER_H
#define TESTS_LIB_KEEPER_H

#include "lib/rig.h"

#define KEEPER_ALL                                                        \
    (IM_INVAL_CONFIG | IM_INVAL_PASID | IM_INVAL_STAGE1 | IM_INVAL_STAGE2)

extern uint64_t keeper_ticket;      /* that the next fences give */
extern unsigned keeper_fences;      /* that were asked for */

void keeper_port(ImPort *port);
/* Nothing was told and asked, no ticket is given. */
void keeper_reset(void);
unsigned keeper_count(void);
/* Just these were told, in this order; none is remembered any more. */
void keeper_told(const ImInval *want, unsigned n);

#endif /* TESTS_LIB_KEEPER_H */
