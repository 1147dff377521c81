/*
 * What a set's refused requests leave behind: a log that keeps the oldest, in
 * no queue on which an answer depends.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/fault.h"

IM_RULE(IOASID_CODES);
void im_ioasid_log(IoSet *set, const ImuFault *f)
{
    IoLog *log = &set->log;
    ImuFault *to;

    if (log->count == IMU_FAULT_LOG_DEPTH) {
        log->lost = true;
        return;
    }
    to = &log->fault[(log->head + log->count) % IMU_FAULT_LOG_DEPTH];
    *to = *f;
    to->flags |= log->lost ? IMU_FAULT_LOST : 0;
    to->deadline = im_ioasid_now(set->ctx->host);
    log->lost = false;
    if (log->count++ == 0) {
        im_ioasid_readable(set, set->obj.ref);
    }
}

IM_RULE(IOASID_CMD_FAULT_LOG);
int im_ioasid_cmd_FAULT_LOG(ImIoasidCtx *c, void *arg)
{
    ImuFaultLog *a = arg;
    uint32_t size = a->fault_size;
    IoSet *set;
    IoLog *log;
    int err = im_ioasid_set_of(c, a->set, &set);

    if (!err) {
        err = im_iogroup_fault_size(&size);
    }
    if (err) {
        return err;
    }
    log = &set->log;
    a->count = MIN(a->count, log->count);
    a->pending = log->count - a->count;
    for (uint32_t i = 0; !err && i < a->count; i++) {
        const ImuFault *f = &log->fault[(log->head + i) % IMU_FAULT_LOG_DEPTH];

        err = im_ioasid_put_user(c, a->faults + (uint64_t)i * size, f,
                                 MIN(size, sizeof(*f)));
    }
    if (!err) {
        err = im_ioasid_respond(c, a);
    }
    if (!err) {
        log->head = (log->head + a->count) % IMU_FAULT_LOG_DEPTH;
        log->count -= a->count;
    }
    return err;
}
