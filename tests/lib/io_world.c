/*
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/io_world.h"
#include "lib/vtd_build.h"

#define OK(rc)  g_assert_cmpint(rc, ==, 0)

/* --- the ABI as rows ---------------------------------------------------- */

static const struct {
    const char *type;
    const char *member;
    uint32_t offset;
    uint32_t size;
} members[] = {
#define ABI_STRUCT(type, bytes)
#define ABI_MEMBER(type, member, at, bytes)  { #type, #member, at, bytes },
#define ABI_VALUE(name, value)
#define ABI_COMMAND(nr, name, type, least)
#include "im/spec/ioasid_abi.h.inc"
#undef ABI_MEMBER
#undef ABI_COMMAND
};

/* Flags that exist, and whether there are results, as docs/uapi.rst has it. */
#define INFO_IS           0, true
#define SET_CREATE_IS     0, true
#define SET_UPDATE_IS     0, false
#define SET_QUERY_IS      0, true
#define SET_DESTROY_IS    1, false
#define PASID_ALLOC_IS    1, true
#define PASID_FREE_IS     0, true
#define PASID_QUERY_IS    3, true
#define DEV_BIND_IS       0, true
#define DEV_UNBIND_IS     0, false
#define DEV_INFO_IS       0, true
#define SPACE_CREATE_IS   7, true
#define SPACE_DESTROY_IS  0, false
#define MAP_IS            15, true
#define UNMAP_IS          0, true
#define COPY_IS           15, true
#define ALLOW_IS          0, false
#define RANGES_IS         0, true
#define DIRTY_SET_IS      3, false
#define DIRTY_GET_IS      1, false
#define ATTACH_IS         3, false
#define REPLACE_IS        3, false
#define DETACH_IS         1, false
#define INVALIDATE_IS     IMU_INV_TAGGED, true
#define FENCE_IS          0, true
#define FAULTQ_CREATE_IS  0, true
#define FAULTQ_DESTROY_IS 0, false
#define FAULT_READ_IS     0, true
#define FAULT_ANSWER_IS   0, false
#define FAULT_LOG_IS      0, true
#define EVQ_CREATE_IS     0, true
#define EVQ_DESTROY_IS    0, false
#define EVENT_READ_IS     0, true
#define ENUM_IS           0, true
#define SAVE_IS           IMU_SAVE_MOVE, true
#define DEV_RENAME_IS 0, false
#define LIMITS_IS 0, true
#define RESTORE_IS        0, false

const IoCommand io_commands[] = {
#define ABI_MEMBER(type, member, at, bytes)
#define ABI_COMMAND(nr, name, type, least) \
    { #name, nr, sizeof(type), least, name##_IS },
#include "im/spec/ioasid_abi.h.inc"
#undef ABI_COMMAND
};
const unsigned io_command_count = G_N_ELEMENTS(io_commands);

static const struct {
    uint32_t number;
    const char *type;
} types[] = {
#define ABI_COMMAND(nr, name, type, least)  { nr, #type },
#include "im/spec/ioasid_abi.h.inc"
};

unsigned io_reserved(uint32_t command, IoReserved *rows, unsigned room)
{
    const char *type = NULL;
    unsigned n = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
        if (types[i].number == command) {
            type = types[i].type;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(members) && n < room; i++) {
        if (!g_strcmp0(members[i].type, type) &&
            !strcmp(members[i].member, "reserved")) {
            rows[n++] = (IoReserved) { command, members[i].offset,
                                       members[i].size };
        }
    }
    return n;
}

#define H(name, type, member, kind) \
    { IMU_CMD_##name, #member, offsetof(type, member), IMU_KIND_##kind, false }
#define H0(name, type, member, kind) \
    { IMU_CMD_##name, #member, offsetof(type, member), IMU_KIND_##kind, true }

const IoHandle io_handles[] = {
    H(SET_UPDATE, ImuSetUpdate, set, SET),
    H(SET_QUERY, ImuSetQuery, set, SET),
    H(SET_DESTROY, ImuSetDestroy, set, SET),
    H(PASID_ALLOC, ImuPasidAlloc, set, SET),
    H(PASID_FREE, ImuPasidFree, set, SET),
    H(PASID_FREE, ImuPasidFree, pasid, PASID),
    H(PASID_QUERY, ImuPasidQuery, set, SET),
    H(PASID_QUERY, ImuPasidQuery, pasid, PASID),
    H(DEV_BIND, ImuDevBind, set, SET),
    H(DEV_UNBIND, ImuDevUnbind, set, SET),
    H(DEV_UNBIND, ImuDevUnbind, dev, DEV),
    H(DEV_INFO, ImuDevInfo, set, SET),
    H(DEV_INFO, ImuDevInfo, dev, DEV),
    H(SPACE_CREATE, ImuSpaceCreate, set, SET),
    H(SPACE_CREATE, ImuSpaceCreate, parent, SPACE),
    H0(SPACE_CREATE, ImuSpaceCreate, faultq, FAULTQ),
    H(SPACE_DESTROY, ImuSpaceDestroy, set, SET),
    H(SPACE_DESTROY, ImuSpaceDestroy, space, SPACE),
    H(MAP, ImuMap, set, SET),
    H(MAP, ImuMap, space, SPACE),
    H(UNMAP, ImuUnmap, set, SET),
    H(UNMAP, ImuUnmap, space, SPACE),
    H(COPY, ImuCopy, set, SET),
    H(COPY, ImuCopy, dst, SPACE),
    H(COPY, ImuCopy, src, SPACE),
    H(ALLOW, ImuAllow, set, SET),
    H(ALLOW, ImuAllow, space, SPACE),
    H(RANGES, ImuRanges, set, SET),
    H(RANGES, ImuRanges, space, SPACE),
    H(DIRTY_SET, ImuDirtySet, set, SET),
    H(DIRTY_SET, ImuDirtySet, space, SPACE),
    H(DIRTY_GET, ImuDirtyGet, set, SET),
    H(DIRTY_GET, ImuDirtyGet, space, SPACE),
    H(ATTACH, ImuAttach, set, SET),
    H(ATTACH, ImuAttach, dev, DEV),
    H(ATTACH, ImuAttach, pasid, PASID),
    H(ATTACH, ImuAttach, space, SPACE),
    H(REPLACE, ImuReplace, set, SET),
    H(REPLACE, ImuReplace, dev, DEV),
    H(REPLACE, ImuReplace, pasid, PASID),
    H(REPLACE, ImuReplace, space, SPACE),
    H(DETACH, ImuDetach, set, SET),
    H(DETACH, ImuDetach, dev, DEV),
    H(DETACH, ImuDetach, pasid, PASID),
    H(INVALIDATE, ImuInvalidate, set, SET),
    H(INVALIDATE, ImuInvalidate, object, DEV),
    H(FENCE, ImuFence, set, SET),
    H(FAULTQ_CREATE, ImuFaultqCreate, set, SET),
    H(FAULTQ_DESTROY, ImuQueueDestroy, set, SET),
    H(FAULTQ_DESTROY, ImuQueueDestroy, queue, FAULTQ),
    H(FAULT_READ, ImuFaultRead, set, SET),
    H(FAULT_READ, ImuFaultRead, queue, FAULTQ),
    H(FAULT_ANSWER, ImuAnswer, set, SET),
    H(FAULT_LOG, ImuFaultLog, set, SET),
    H(EVQ_CREATE, ImuEvqCreate, set, SET),
    H(EVQ_DESTROY, ImuQueueDestroy, set, SET),
    H(EVQ_DESTROY, ImuQueueDestroy, queue, EVQ),
    H(EVENT_READ, ImuEventRead, set, SET),
    H(EVENT_READ, ImuEventRead, queue, EVQ),
    H(DEV_RENAME, ImuDevRename, set, SET),
    H(DEV_RENAME, ImuDevRename, dev, DEV),
    H(ENUM, ImuEnum, set, SET),
    H(ENUM, ImuEnum, space, SPACE),
};
const unsigned io_handle_count = G_N_ELEMENTS(io_handles);

/* --- the world ---------------------------------------------------------- */

static void raise_fault(IoWorld *w)
{
    ImuFault f[1];
    ImuFaultRead r = {
        .set = w->set,
        .queue = w->faultq,
        .count = 1,
        .faults = io_at(w->io, IO_WORLD_BUF),
        .fault_size = sizeof(ImuFault),
    };

    io_page_request(w->io, w->fn, w->hpasid, 3, IO_FS_VA(9), true);
    OK(io_FAULT_READ(w->io, &r));
    g_assert_cmpuint(r.count, ==, 1);
    io_get(w->io, r.faults, f, sizeof(f));
    w->ticket = f[0].ticket;
    /* One more, which nobody has read. */
    io_page_request(w->io, w->fn, w->hpasid, 4, IO_FS_VA(8), true);
}

void io_world_init(IoWorld *w, Io *io, unsigned fn)
{
    bool lax = io->lax;

    memset(w, 0, sizeof(*w));
    io->lax = true;
    w->io = io;
    w->ctx = io->ctx;
    w->fn = fn;
    w->set = io_set(io, IMU_MODE_TRANSLATE, IMU_POOL_GLOBAL);
    w->evq = io_evq(io, w->set, 16);
    w->faultq = io_faultq(io, w->set, 0);
    w->spare_faultq = io_faultq(io, w->set, 1000);
    w->dev = io_bind(io, w->set, fn);
    w->idle_dev = io_bind(io, w->set, fn + 1);
    w->parent = io_parent(io, w->set, IMU_SPACE_DIRTY);
    OK(IO(io, DIRTY_SET, ImuDirtySet, .head.flags = IMU_DIRTY_ON, .set = w->set,
          .space = w->parent));
    w->nested = io_nested(io, w->set, w->parent, w->faultq, IO_WORLD_FS);
    io_fs_map(io, IO_WORLD_FS, IO_FS_VA(0), (uint64_t)IO_WORLD_DATA * IO_PAGE,
              FS_RWU);
    w->spare = io_mapped(io, w->set, 0, io_none());
    {
        ImuSpaceCreate s = { .set = w->set, .kind = IMU_SPACE_BLOCK };

        OK(io_SPACE_CREATE(io, &s));
        w->block = s.space;
    }
    io_attach(io, w->set, w->dev, NULL, w->parent);
    w->bound = io_alloc(io, w->set);
    w->idle = io_alloc(io, w->set);
    w->hpasid = io_hpasid(io, w->set, w->bound.pasid);
    io_attach(io, w->set, w->dev, &w->bound.pasid, w->nested);
    raise_fault(w);
    io->lax = lax;
}

ImuRef io_some(const IoWorld *w, ImuKind kind)
{
    switch (kind) {
    case IMU_KIND_SET:
        return w->set;
    case IMU_KIND_PASID:
        return w->bound.pasid;
    case IMU_KIND_DEV:
        return w->dev;
    case IMU_KIND_SPACE:
        return w->parent;
    case IMU_KIND_FAULTQ:
        return w->faultq;
    case IMU_KIND_EVQ:
        return w->evq;
    default:
        return io_none();
    }
}

#define GOOD(name, type, ...) \
    case IMU_CMD_##name: \
        any->name = (type) { __VA_ARGS__ }; \
        break

static void good_ledger(const IoWorld *w, uint32_t command, IoAny *any)
{
    switch (command) {
        GOOD(INFO, ImuInfo, .kind = IMU_KIND_SPACE);
        GOOD(SET_CREATE, ImuSetCreate, .gpasid_min = 1, .gpasid_max = 100,
             .quota_max = 10, .quota_reserved = 2,
             .map_mode = IMU_MODE_TRANSLATE, .pool = IMU_POOL_DEVICE);
        GOOD(LIMITS, ImuLimits, .level = 0);
        GOOD(SET_UPDATE, ImuSetUpdate, .set = w->set, .quota_max = 30,
             .quota_reserved = 20);
        GOOD(SET_QUERY, ImuSetQuery, .set = w->set);
        GOOD(SET_DESTROY, ImuSetDestroy, .set = w->set,
             .head.flags = IMU_SET_DESTROY_FORCE);
        GOOD(PASID_ALLOC, ImuPasidAlloc, .set = w->set);
        GOOD(PASID_FREE, ImuPasidFree, .set = w->set, .pasid = w->bound.pasid);
        GOOD(PASID_QUERY, ImuPasidQuery, .set = w->set,
             .pasid = w->bound.pasid);
        GOOD(DEV_BIND, ImuDevBind, .set = w->set, .func = io_func(5));
        GOOD(DEV_UNBIND, ImuDevUnbind, .set = w->set, .dev = w->dev);
        GOOD(DEV_RENAME, ImuDevRename, .set = w->set, .dev = w->dev,
             .cookie = 5);
        GOOD(DEV_INFO, ImuDevInfo, .set = w->set, .dev = w->dev);
        GOOD(FAULTQ_CREATE, ImuFaultqCreate, .set = w->set);
        GOOD(FAULTQ_DESTROY, ImuQueueDestroy, .set = w->set,
             .queue = w->spare_faultq);
        GOOD(FAULT_READ, ImuFaultRead, .set = w->set, .queue = w->faultq,
             .faults = io_at(w->io, IO_WORLD_BUF), .count = 8);
        GOOD(FAULT_ANSWER, ImuAnswer, .set = w->set, .ticket = w->ticket);
        GOOD(FAULT_LOG, ImuFaultLog, .set = w->set,
             .faults = io_at(w->io, IO_WORLD_BUF), .count = 8);
        GOOD(EVQ_CREATE, ImuEvqCreate, .set = w->set, .depth = 4);
        GOOD(EVQ_DESTROY, ImuQueueDestroy, .set = w->set, .queue = w->evq);
        GOOD(EVENT_READ, ImuEventRead, .set = w->set, .queue = w->evq,
             .events = io_at(w->io, IO_WORLD_BUF), .count = 8);
        GOOD(SAVE, ImuSave, .quads = io_at(w->io, IO_WORLD_BUF), .count = 1024);
        GOOD(RESTORE, ImuRestore, .quads = io_at(w->io, IO_WORLD_BUF));
    default:
        g_assert_not_reached();
    }
}

static bool good_memory(const IoWorld *w, uint32_t command, IoAny *any)
{
    uint64_t buf = io_at(w->io, IO_WORLD_BUF);
    ImuVtdFirst first = { .root = IO_WORLD_FS * IO_PAGE };
    ImuInvEntry entry = { .gpasid = w->bound.gpasid };
    ImuRange range = { 0, UINT32_MAX >> 4 };

    switch (command) {
        GOOD(SPACE_CREATE, ImuSpaceCreate, .set = w->set,
             .kind = IMU_SPACE_NESTED, .format = IMU_FORMAT_VTD_FIRST,
             .parent = w->parent, .faultq = w->faultq, .data = buf,
             .data_size = sizeof(first));
        GOOD(SPACE_DESTROY, ImuSpaceDestroy, .set = w->set, .space = w->spare);
        GOOD(MAP, ImuMap, .head.flags = IMU_PROT_READ | IMU_MAP_FIXED,
             .set = w->set, .space = w->spare, .user = io_at(w->io, 10),
             .length = 3 * IO_PAGE, .iova = 0x40000);
        GOOD(UNMAP, ImuUnmap, .set = w->set, .space = w->parent,
             .length = UINT64_MAX);
        GOOD(COPY, ImuCopy, .head.flags = IMU_PROT_READ, .set = w->set,
             .dst = w->spare, .src = w->parent, .length = 2 * IO_PAGE,
             .src_iova = 3 * IO_PAGE);
        GOOD(ALLOW, ImuAllow, .set = w->set, .space = w->spare, .ranges = buf,
             .count = 1);
        GOOD(RANGES, ImuRanges, .set = w->set, .space = w->parent,
             .ranges = buf, .count = 16);
        GOOD(DIRTY_SET, ImuDirtySet, .set = w->set, .space = w->parent);
        GOOD(DIRTY_GET, ImuDirtyGet, .set = w->set, .space = w->parent,
             .length = 16 * IO_PAGE, .page_size = IO_PAGE, .bitmap = buf);
        GOOD(ATTACH, ImuAttach, .head.flags = IMU_ATTACH_PASID, .set = w->set,
             .dev = w->idle_dev, .pasid = w->idle.pasid, .space = w->nested);
        GOOD(REPLACE, ImuReplace, .head.flags = IMU_ATTACH_PASID, .set = w->set,
             .dev = w->dev, .pasid = w->bound.pasid, .space = w->parent);
        GOOD(DETACH, ImuDetach, .head.flags = IMU_ATTACH_PASID, .set = w->set,
             .dev = w->dev, .pasid = w->bound.pasid);
        GOOD(INVALIDATE, ImuInvalidate, .set = w->set, .object = w->dev,
             .target = IMU_INV_DEV, .gran = IMU_GRAN_PASID,
             .caches = IMU_CACHE_IOTLB | IMU_CACHE_DEVTLB,
             .entry_size = sizeof(entry), .entries = buf, .count = 1);
        GOOD(FENCE, ImuFence, .set = w->set);
        GOOD(ENUM, ImuEnum, .set = w->set, .space = w->parent,
             .list = IMU_LIST_MAPPINGS, .entry_size = sizeof(ImuEntry),
             .entries = buf, .count = 4);
    default:
        return false;
    }
    if (command == IMU_CMD_SPACE_CREATE) {
        io_put(w->io, buf, &first, sizeof(first));
    } else if (command == IMU_CMD_INVALIDATE) {
        io_put(w->io, buf, &entry, sizeof(entry));
    } else if (command == IMU_CMD_ALLOW) {
        io_put(w->io, buf, &range, sizeof(range));
    }
    return true;
}

void io_good(const IoWorld *w, uint32_t command, IoAny *any)
{
    memset(any, 0, sizeof(*any));
    if (!good_memory(w, command, any)) {
        good_ledger(w, command, any);
    }
}

ImuSetQuery io_set_query(Io *io, ImuRef set)
{
    ImuSetQuery q = { .set = set };

    g_assert_cmpint(io_SET_QUERY(io, &q), ==, 0);
    return q;
}

unsigned io_events(Io *io, ImuRef set, ImuRef evq, ImuEvent *e, unsigned room)
{
    ImuEventRead r = {
        .set = set,
        .queue = evq,
        .events = io_at(io, IO_WORLD_BUF),
        .count = room,
    };

    g_assert_cmpint(io_EVENT_READ(io, &r), ==, 0);
    g_assert_cmpuint(r.pending, ==, 0);
    io_get(io, r.events, e, r.count * sizeof(*e));
    return r.count;
}
