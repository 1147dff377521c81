/*
 * The channels as others see them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HW_PCIE_CHANNEL_H
#define HW_PCIE_CHANNEL_H

#include "hw/pcie/ep.h"

EpChannel *im_ep_ch_new(unsigned channels);
/* With the requests that are not parked. */
void im_ep_ch_free(ImEp *ep);
/* The n-th, NULL: there are not so many. */
EpChannel *im_ep_ch(ImEp *ep, uint64_t n);

/* An operation runs, or waits. */
bool im_ep_ch_active(const EpChannel *ch);
bool im_ep_ch_any_active(const ImEp *ep);
/* What software does to one that runs is ignored, and noted. */
void im_ep_ch_ignore(ImEp *ep, EpChannel *ch);
/* End the operations of all that are active. */
void im_ep_ch_end_all(ImEp *ep, unsigned state, unsigned cause);
/* All channels as after a reset, and their registers. */
void im_ep_ch_reset(ImEp *ep);
void im_ep_ch_reset_regs(ImEp *ep);
/* End what uses a PASID, forget its translations, send a stop marker. */
void im_ep_stop_pasid(ImEp *ep, uint32_t pasid);

/* A register; what it says is the channel's. */
uint64_t *im_ep_ch_reg(EpChannel *ch, EpChReg reg);
EpWritten im_ep_w_ch_command;
EpRead im_ep_r_ch_status;
void im_ep_ch_dump(const ImEp *ep, GString *out);

/* --- for pri.c: ask.c --------------------------------------------------- */

/* The channel that waits for a group, or NULL. channel: whose it was. */
EpChannel *im_ep_ch_waiter(ImEp *ep, int channel, uint16_t prgi);
/* What an answered group means for the channel that sent it. */
void im_ep_ch_answered(ImEp *ep, EpChannel *ch, uint8_t code);
/* Who waits for an answer will not get one. */
void im_ep_ch_unanswered(ImEp *ep, unsigned cause, uint8_t code);
/* Channels that wait for room, or for an interface that is gone, look. */
void im_ep_ch_wake(ImEp *ep);

#endif /* HW_PCIE_CHANNEL_H */
