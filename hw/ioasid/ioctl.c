/*
 * What a descriptor needs beside commands.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/ledger.h"
#include "im/im_ioasid_ioctl.h"

#include <errno.h>

IM_RULE(IOASID_TRANSPORT);
int im_ioasid_ioctl(ImIoasidCtx *c, uint32_t request, uint64_t arg)
{
    return request >> 8 == IMU_IOC_TYPE ?
               im_ioasid_command(c, request & 0xff, arg) :
               -ENOTTY;
}

bool im_ioasid_poll(const ImIoasidCtx *c)
{
    for (const ImLink *s = c->sets; s; s = s->next) {
        const IoSet *set = IM_LINK_OF(s, IoSet, obj.in_set);

        for (unsigned kind = IMU_KIND_FAULTQ; kind <= IMU_KIND_EVQ; kind++) {
            for (const ImLink *l = set->objects[kind]; l; l = l->next) {
                const IoQueue *q = IM_LINK_OF(l, IoQueue, obj.in_set);

                if (q->pages || q->count) {
                    return true;
                }
            }
        }
    }
    return false;
}
