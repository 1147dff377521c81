/*
 * What people are told of how a request ended.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/route.h"

void im_route_unheard(void *opaque, const ImStep *step)
{
    (void)opaque;
    (void)step;
}

const char *im_route_granted(uint8_t perm)
{
    static const char *const words[] = {
        [0] = "nothing granted",
        [IM_PERM_R] = "read granted",
        [IM_PERM_W] = "write granted",
        [IM_PERM_R | IM_PERM_W] = "read and write granted",
        [IM_PERM_X] = "execution granted",
        [IM_PERM_X | IM_PERM_R] = "read and execution granted",
        [IM_PERM_X | IM_PERM_W] = "write and execution granted",
        [IM_PERM_X | IM_PERM_R |
            IM_PERM_W] = "read, write and execution granted",
    };

    return words[perm & (IM_PERM_R | IM_PERM_W | IM_PERM_X)];
}

void im_route_result(ImStepFn *fn, void *opaque, uint64_t addr, ImClause clause,
                     const char *note)
{
    fn(opaque, &(ImStep) {
                   .what = "result",
                   .addr = addr,
                   .clause = clause,
                   .note = note,
               });
}
