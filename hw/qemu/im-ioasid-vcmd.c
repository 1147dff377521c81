/*
 * ioasid-host: the PASIDs that VT-d's virtual commands ask for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "im-ioasid.h"

static ImVcmdStatus host_vcmd_alloc(IoasidHostVcmd *v, uint32_t *pasid)
{
    IoasidHost *s = v->host;
    ImuPasidAlloc a = {
        .set = s->guest.set,
        .min = s->guest.gpasid_min ?: 1,
        .max = MIN(s->guest.gpasid_max ?: (1u << s->cfg.pasid_bits) - 1,
                   v->max),
    };

    if (IM_IOASID_HOST(s, PASID_ALLOC, &a)) {
        return IM_VCMD_NO_PASID;
    }
    *pasid = a.gpasid;
    return IM_VCMD_OK;
}

static ImVcmdStatus host_vcmd_free(IoasidHostVcmd *v, uint32_t pasid)
{
    IoasidHost *s = v->host;
    ImuPasidQuery q = {
        .head.flags = IMU_PASID_QUERY_BY_GPASID,
        .set = s->guest.set,
        .gpasid = pasid,
    };
    ImuPasidFree f = { .set = s->guest.set };

    if (IM_IOASID_HOST(s, PASID_QUERY, &q)) {
        return IM_VCMD_INVALID_PASID;
    }
    f.pasid = q.pasid;
    return IM_IOASID_HOST(s, PASID_FREE, &f) ? IM_VCMD_INVALID_PASID :
                                               IM_VCMD_OK;
}

static void host_vcmd_obey(void *opaque)
{
    IoasidHostVcmd *v = opaque;
    uint32_t pasid = 0;
    ImVcmdStatus status = v->cmd.code == IM_VCMD_ALLOC_PASID ?
                              host_vcmd_alloc(v, &pasid) :
                              host_vcmd_free(v, v->cmd.pasid);

    v->done(v->opaque, v->cmd.serial, status, pasid);
}

void im_ioasid_vcmd_init(IoasidHostVcmd *v, IoasidHost *host, uint32_t max,
                         IoasidVcmdDone *done, void *opaque)
{
    *v = (IoasidHostVcmd) {
        .host = host,
        .max = max,
        .done = done,
        .opaque = opaque,
        .timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, host_vcmd_obey, v),
    };
    host->users++;
}

void im_ioasid_vcmd(IoasidHostVcmd *v, const ImVcmd *cmd)
{
    v->cmd = *cmd;
    if (v->host->vcmd_delay_ns) {
        timer_mod_ns(v->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                                   MIN(v->host->vcmd_delay_ns, INT64_MAX / 2));
    } else {
        host_vcmd_obey(v);
    }
}

void im_ioasid_vcmd_reset(IoasidHostVcmd *v)
{
    timer_del(v->timer);
}
