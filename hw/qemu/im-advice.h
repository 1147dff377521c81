/*
 * What a guest will stumble over, told once, when the machine is complete:
 * one line each, which names the device as the user did and the ways out.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_ADVICE_H
#define HW_IM_IM_ADVICE_H

#include "im-unit.h"

/* A choice of the user's, in a configuration of the model. */
typedef struct ImAdvice {
    bool (*holds)(const void *config);
    const char *text;
} ImAdvice;

void im_advice_options(const ImUnit *u, const ImAdvice *rows, unsigned n,
                       const void *config);
/* Memory, or what may be plugged, beyond 2^bits; option: sets these. */
void im_advice_memory(const ImUnit *u, unsigned bits, const char *option);
/* Functions behind a bridge that puts its own requester ID on their
 * requests: where it is not theirs; shared: where there are several. */
void im_advice_bridges(const ImUnit *u, bool shared, const char *text);
/* Functions with PASID that a guest uses without, for want of ACS. */
void im_advice_pasid(const ImUnit *u);

#endif /* HW_IM_IM_ADVICE_H */
