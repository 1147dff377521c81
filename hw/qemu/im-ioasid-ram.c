/*
 * ioasid-host: guest memory as a space of the guest's set, from which devices
 * take what the guest's tables lead to. All of it, or with fill-delay page by
 * page, when it is asked for, as in post-copy.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "im-ioasid.h"
#include "im-options.h"
#include "trace.h"

#define FAULTS  64u             /* read at a time, if no group has more */

static bool host_ram_is_filled(const IoasidHost *s)
{
    return s->fill_delay_ns;
}

/* A piece of guest memory; when the RAM space cannot have it, requests to it
 * are the host's faults. */
static void host_ram_map_piece(IoasidHost *s, const IoasidRam *ram)
{
    ImuMap m = {
        .head.flags = IMU_PROT_READ | IMU_PROT_EXEC | IMU_MAP_FIXED |
                      (ram->readonly ? 0 : IMU_PROT_WRITE),
        .set = s->guest.set,
        .space = s->ram_space,
        .user = ram->first,
        .iova = ram->first,
        .length = ram->size,
    };
    int err = IM_IOASID_HOST_LATER(s, MAP, &m);

    trace_im_viommu_ram(im_name_of(OBJECT(s)), ram->first, ram->size, err);
}

static void host_ram_map(IoasidHost *s, const IoasidRam *ram, bool on)
{
    ImuUnmap m = {
        .set = s->guest.set,
        .space = s->ram_space,
        .iova = ram->first,
        .length = ram->size,
    };

    if (!on) {
        IM_IOASID_HOST_LATER(s, UNMAP, &m);
    } else if (!host_ram_is_filled(s)) {
        host_ram_map_piece(s, ram);
    }
}

static int host_ram_create(IoasidHost *s)
{
    ImuFaultqCreate q = { .set = s->guest.set };
    ImuSpaceCreate c = {
        .head.flags = IMU_SPACE_PARENT,
        .set = s->guest.set,
        .kind = IMU_SPACE_MAPPED,
    };
    int err = 0;

    if (host_ram_is_filled(s)) {
        err = IM_IOASID_HOST_LATER(s, FAULTQ_CREATE, &q);
        c.head.flags |= IMU_SPACE_FILL;
        c.faultq = s->ram_faults = q.queue;
    }
    if (!err) {
        err = IM_IOASID_HOST_LATER(s, SPACE_CREATE, &c);
    }
    s->ram_space = c.space;
    for (unsigned i = 0; !err && i < s->ram->len; i++) {
        host_ram_map(s, &g_array_index(s->ram, IoasidRam, i), true);
    }
    return err;
}

/* What of a section can be mapped, in whole pages of the host's. */
static bool host_ram_of(const IoasidHost *s, const MemoryRegionSection *section,
                        IoasidRam *ram)
{
    uint64_t page = 1ull << s->cfg.page_shift;
    uint64_t first = ROUND_UP(section->offset_within_address_space, page);
    uint64_t end = section->offset_within_address_space +
                   int128_get64(section->size);

    *ram = (IoasidRam) {
        .first = first,
        .size = end > first ? ROUND_DOWN(end - first, page) : 0,
        .readonly = section->readonly,
    };
    return memory_region_is_ram(section->mr) &&
           !memory_region_is_ram_device(section->mr) && ram->size;
}

/* The view that pages are pinned by is not yet there: see commit. */
static void host_ram_add(MemoryListener *l, MemoryRegionSection *section)
{
    IoasidHost *s = container_of(l, IoasidHost, listener);
    IoasidRam ram;

    if (host_ram_of(s, section, &ram)) {
        ram.fresh = true;
        g_array_append_val(s->ram, ram);
    }
}

static void host_ram_del(MemoryListener *l, MemoryRegionSection *section)
{
    IoasidHost *s = container_of(l, IoasidHost, listener);
    IoasidRam ram;

    if (!host_ram_of(s, section, &ram)) {
        return;
    }
    for (unsigned i = 0; i < s->ram->len; i++) {
        IoasidRam *r = &g_array_index(s->ram, IoasidRam, i);

        if (r->first == ram.first && r->size == ram.size) {
            if (!r->fresh) {
                host_ram_map(s, r, false);
            }
            g_array_remove_index(s->ram, i);
            return;
        }
    }
}

static void host_ram_commit(MemoryListener *l)
{
    IoasidHost *s = container_of(l, IoasidHost, listener);

    for (unsigned i = 0; i < s->ram->len; i++) {
        IoasidRam *r = &g_array_index(s->ram, IoasidRam, i);

        if (r->fresh) {
            r->fresh = false;
            host_ram_map(s, r, true);
        }
    }
}

/* --- what devices wait for ---------------------------------------------- */

/* One page, if the guest has memory there. */
static bool host_ram_bring(IoasidHost *s, uint64_t addr)
{
    uint64_t size = 1ull << s->cfg.page_shift, at = addr & -size;

    for (unsigned i = 0; i < s->ram->len; i++) {
        IoasidRam piece = g_array_index(s->ram, IoasidRam, i);

        if (at >= piece.first && at - piece.first < piece.size) {
            piece.first = at;
            piece.size = size;
            host_ram_map_piece(s, &piece);
            return true;
        }
    }
    return false;
}

static void host_ram_answer(IoasidHost *s, uint64_t ticket, bool brought)
{
    ImuAnswer a = {
        .set = s->guest.set,
        .ticket = ticket,
        .code = brought ? IMU_ANSWER_SUCCESS : IMU_ANSWER_INVALID,
    };

    s->unit_asks = true;        /* who waited asks again, if it is refused */
    IM_IOASID_HOST_LATER(s, FAULT_ANSWER, &a);
    s->unit_asks = false;
}

/* A group is whole: its answer is for all of its pages. */
static void host_ram_serve(IoasidHost *s, const ImuFault *f, unsigned count)
{
    bool brought = true;

    for (unsigned i = 0; i < count; i++) {
        brought &= host_ram_bring(s, f[i].addr);
        if (i + 1 == count || f[i + 1].ticket != f[i].ticket) {
            host_ram_answer(s, f[i].ticket, brought);
            brought = true;
        }
    }
}

/* How many must be read at a time then; 0: there are no more. */
static uint32_t host_ram_read(IoasidHost *s, uint32_t count)
{
    size_t whole = sizeof(ImuFaultRead) + count * sizeof(ImuFault);
    g_autofree ImuFaultRead *read = g_malloc0(whole);
    int err;

    *read = (ImuFaultRead) {
        .set = s->guest.set,
        .queue = s->ram_faults,
        .faults = IM_IOASID_RAW + sizeof(*read),
        .count = count,
        .fault_size = sizeof(ImuFault),
    };
    err = im_ioasid_host_command_later(s, IMU_CMD_FAULT_READ, read,
                                       sizeof(*read), whole);
    if (!err) {
        host_ram_serve(s, (const ImuFault *)(read + 1), read->count);
    }
    return err == -EMSGSIZE ? read->count : !err && read->pending ? count : 0;
}

static void host_ram_fill(void *opaque)
{
    uint32_t count = FAULTS;

    while (count) {
        count = host_ram_read(opaque, count);
    }
}

bool im_ioasid_ram_readable(IoasidHost *s, ImuRef queue)
{
    if (!host_ram_is_filled(s) || !im_ref_eq(queue, s->ram_faults)) {
        return false;
    }
    if (!timer_pending(s->ram_timer)) {
        timer_mod_ns(s->ram_timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                                       MIN(s->fill_delay_ns, INT64_MAX / 2));
    }
    return true;
}

/* --- life --------------------------------------------------------------- */

int im_ioasid_ram_keep(IoasidHost *s)
{
    int err;

    if (s->ram) {
        return 0;
    }
    s->ram = g_array_new(false, false, sizeof(IoasidRam));
    s->ram_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, host_ram_fill, s);
    err = host_ram_create(s);
    if (err) {
        return err;
    }
    s->listener = (MemoryListener) {
        .name = "ioasid-host",
        .region_add = host_ram_add,
        .region_del = host_ram_del,
        .commit = host_ram_commit,
    };
    memory_listener_register(&s->listener, &address_space_memory);
    return 0;
}

void im_ioasid_ram_forget(IoasidHost *s)
{
    if (s->listener.name) {
        memory_listener_unregister(&s->listener);
    }
    if (s->ram) {
        g_array_free(s->ram, true);
        timer_free(s->ram_timer);
    }
}

void im_ioasid_ram_reset(IoasidHost *s)
{
    if (s->ram) {
        timer_del(s->ram_timer);
        if (host_ram_create(s)) {
            s->ram_space = (ImuRef) { 0 };
        }
    }
}
