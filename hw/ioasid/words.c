/*
 * The uAPI in words: a row for each word of a structure, a record for each
 * structure, and a row for each command.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/im_ioasid_words.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* clang-format off */

/* --- names of enumerators and of bits ----------------------------------- */

static const char *const kind_names[] = {
    "backend", "set", "pasid", "device", "space", "fault-queue", "event-queue",
    NULL,
};
static const char *const mode_names[] = {
    "identity", "translate", "delegated", NULL,
};
static const char *const pool_names[] = { "device", "global", NULL };
static const char *const state_names[] = {
    "free", "idle", "bound", "parked", "quarantine", NULL,
};
static const char *const cap_names[] = {
    "pasid", "ats", "pri", "exec", "priv", NULL,
};
static const char *const space_names[] = {
    "mapped", "nested", "pasid-table", "block", NULL,
};
static const char *const format_names[] = {
    "none", "vtd-first", "smmu-ste", NULL,
};
static const char *const first_names[] = { "sre", "wpe", "eafe", "5lp", NULL };
static const char *const target_names[] = { "space", "device", "set", NULL };
static const char *const gran_names[] = { "all", "pasid", "range", NULL };
static const char *const cache_names[] = {
    "iotlb", "devtlb", "pasid-cache", NULL,
};
static const char *const entry_names[] = { "no-pasid", "asid", NULL };
static const char *const inv_names[] = { "tagged", NULL };
static const char *const fault_names[] = {
    "pasid", "last", "stall", "host", "entry", "lost", NULL,
};
static const char *const stage_names[] = { "none", "guest", "map", NULL };
#define F(code, name, record, reply, text)  [code] = #name,
static const char *const code_names[] = {
    "NONE",
#include "im/spec/ioasid_faults.h.inc"
    NULL,
};
#undef F
static const char *const perm_names[] = {
    "read", "write", "exec", "priv", NULL,
};
static const char *const answer_names[] = {
    "success", "invalid", "failure", NULL,
};
static const char *const event_flag_names[] = { "lost", NULL };
#define EVENT_NAME(n)  #n,
static const char *const event_names[] = { IMU_EVENTS(EVENT_NAME) NULL };

static const char *const list_names[] = {
    "sets", "pasids", "devices", "spaces", "fault-queues", "event-queues",
    "bindings", "mappings", NULL,
};

/* Flags of the commands. */
static const char *const no_names[] = { NULL };
static const char *const save_names[] = { "move", NULL };
static const char *const destroy_names[] = { "force", NULL };
static const char *const alloc_names[] = { "fixed", NULL };
static const char *const query_names[] = { "by-gpasid", "hpasid", NULL };
static const char *const create_names[] = { "dirty", "parent", "fill", NULL };
static const char *const map_names[] = {
    "read", "write", "exec", "fixed", NULL,
};
static const char *const track_names[] = { "on", "new", NULL };
static const char *const dirty_names[] = { "peek", NULL };
static const char *const attach_names[] = { "pasid", "no-ats", NULL };

/* --- words -------------------------------------------------------------- */

enum {
    I = IMU_WORD_IN, O = IMU_WORD_OUT, IO = I | O, E = IMU_WORD_ERROR,
};

/* Where the member of a row is, and how large. */
#define AT(type, member)  \
    .size = sizeof(((type *)NULL)->member), .offset = offsetof(type, member)

/* What all commands have: their own flags; and what nearly all have. */
#define FLAGS(type, list)  \
    { "flags", IMU_WORD_FLAGS, I, AT(type, head.flags), .names = list##_names }
#define SET(type)  { "set", IMU_WORD_REF, I, AT(type, set) }

/* A structure and the rows of its words. */
#define RECORD(type, ...) { \
        .name = #type, .size = sizeof(type), \
        .count = G_N_ELEMENTS(((const ImuWord[]) { __VA_ARGS__ })), \
        .word = (const ImuWord[]) { __VA_ARGS__ }, \
    }

static const ImuRecord range_record = RECORD(ImuRange,
    { "first", IMU_WORD_HEX, IO, AT(ImuRange, first) },
    { "last", IMU_WORD_HEX, IO, AT(ImuRange, last) });

static const ImuRecord inv_entry_record = RECORD(ImuInvEntry,
    { "flags", IMU_WORD_FLAGS, I, AT(ImuInvEntry, flags),
      .names = entry_names },
    { "gpasid", IMU_WORD_NUMBER, I, AT(ImuInvEntry, gpasid) },
    { "addr", IMU_WORD_HEX, I, AT(ImuInvEntry, addr) },
    { "length", IMU_WORD_HEX, I, AT(ImuInvEntry, length) });

static const ImuRecord vtd_first_record = RECORD(ImuVtdFirst,
    { "root", IMU_WORD_HEX, I, AT(ImuVtdFirst, root) },
    { "flags", IMU_WORD_FLAGS, I, AT(ImuVtdFirst, flags),
      .names = first_names });

static const ImuRecord smmu_ste_record = RECORD(ImuSmmuSte,
    { "ste0", IMU_WORD_HEX, I, AT(ImuSmmuSte, ste[0]) },
    { "ste1", IMU_WORD_HEX, I, AT(ImuSmmuSte, ste[1]) },
    { "idr0", IMU_WORD_HEX, I, AT(ImuSmmuSte, idr0) },
    { "idr1", IMU_WORD_HEX, I, AT(ImuSmmuSte, idr1) },
    { "idr3", IMU_WORD_HEX, I, AT(ImuSmmuSte, idr3) },
    { "idr5", IMU_WORD_HEX, I, AT(ImuSmmuSte, idr5) });

static const ImuRecord fault_record = RECORD(ImuFault,
    { "flags", IMU_WORD_FLAGS, O, AT(ImuFault, flags), .names = fault_names },
    { "gpasid", IMU_WORD_NUMBER, O, AT(ImuFault, gpasid) },
    { "cookie", IMU_WORD_HEX, O, AT(ImuFault, cookie) },
    { "dev", IMU_WORD_REF, O, AT(ImuFault, dev) },
    { "space", IMU_WORD_REF, O, AT(ImuFault, space) },
    { "group", IMU_WORD_NUMBER, O, AT(ImuFault, group) },
    { "perm", IMU_WORD_FLAGS, O, AT(ImuFault, perm), .names = perm_names },
    { "addr", IMU_WORD_HEX, O, AT(ImuFault, addr) },
    { "ticket", IMU_WORD_HEX, O, AT(ImuFault, ticket) },
    { "deadline", IMU_WORD_NUMBER, O, AT(ImuFault, deadline) },
    { "stage", IMU_WORD_ENUM, O, AT(ImuFault, stage), .names = stage_names },
    { "code", IMU_WORD_ENUM, O, AT(ImuFault, code), .names = code_names },
    { "request", IMU_WORD_HEX, O, AT(ImuFault, request) });

static const ImuRecord event_record = RECORD(ImuEvent,
    { "flags", IMU_WORD_FLAGS, O, AT(ImuEvent, flags),
      .names = event_flag_names },
    { "type", IMU_WORD_ENUM, O, AT(ImuEvent, type), .names = event_names },
    { "sequence", IMU_WORD_NUMBER, O, AT(ImuEvent, sequence) },
    { "time", IMU_WORD_NUMBER, O, AT(ImuEvent, time) },
    { "token", IMU_WORD_HEX, O, AT(ImuEvent, token) },
    { "object", IMU_WORD_REF, O, AT(ImuEvent, object) },
    { "old-state", IMU_WORD_NUMBER, O, AT(ImuEvent, old_state) },
    { "new-state", IMU_WORD_NUMBER, O, AT(ImuEvent, new_state) });

/* Flags, state and number mean something else in each list. */
static const ImuRecord entry_record = RECORD(ImuEntry,
    { "object", IMU_WORD_REF, O, AT(ImuEntry, object) },
    { "on", IMU_WORD_REF, O, AT(ImuEntry, on) },
    { "of", IMU_WORD_REF, O, AT(ImuEntry, of) },
    { "space", IMU_WORD_REF, O, AT(ImuEntry, space) },
    { "flags", IMU_WORD_HEX, O, AT(ImuEntry, flags) },
    { "state", IMU_WORD_NUMBER, O, AT(ImuEntry, state) },
    { "number", IMU_WORD_NUMBER, O, AT(ImuEntry, number) },
    { "pool", IMU_WORD_NUMBER, O, AT(ImuEntry, pool) },
    { "first", IMU_WORD_HEX, O, AT(ImuEntry, first) },
    { "last", IMU_WORD_HEX, O, AT(ImuEntry, last) },
    { "value", IMU_WORD_HEX, O, AT(ImuEntry, value) });

static const ImuRecord enum_record = RECORD(ImuEnum,
    FLAGS(ImuEnum, no), SET(ImuEnum),
    { "space", IMU_WORD_REF, I, AT(ImuEnum, space) },
    { "list", IMU_WORD_ENUM, I, AT(ImuEnum, list), .names = list_names },
    { "cursor", IMU_WORD_HEX, IO, AT(ImuEnum, cursor) },
    { "count", IMU_WORD_NUMBER, IO, AT(ImuEnum, count) },
    { "entries", IMU_WORD_LIST, O, AT(ImuEnum, entries),
      .of = &entry_record, .count = offsetof(ImuEnum, count),
      .stride = offsetof(ImuEnum, entry_size) });

static const ImuRecord quad_record = RECORD(ImuQuad,
    { "quad", IMU_WORD_HEX, IO, AT(ImuQuad, quad) });
static const ImuRecord move_record = RECORD(ImuMove,
    { "from", IMU_WORD_HEX, I, AT(ImuMove, from) },
    { "length", IMU_WORD_HEX, I, AT(ImuMove, length) },
    { "to", IMU_WORD_HEX, I, AT(ImuMove, to) });
static const ImuRecord func_record = RECORD(ImuFunc,
    { "from", IMU_WORD_HEX, I, AT(ImuFunc, from) },
    { "to", IMU_WORD_HEX, I, AT(ImuFunc, to) });

static const ImuRecord save_record = RECORD(ImuSave,
    FLAGS(ImuSave, save),
    { "count", IMU_WORD_NUMBER, IO | E, AT(ImuSave, count) },
    { "quads", IMU_WORD_LIST, O, AT(ImuSave, quads),
      .of = &quad_record, .count = offsetof(ImuSave, count) });

static const ImuRecord restore_record = RECORD(ImuRestore,
    FLAGS(ImuRestore, no),
    { "quads", IMU_WORD_LIST, I, AT(ImuRestore, quads),
      .of = &quad_record, .count = offsetof(ImuRestore, count) },
    { "moves", IMU_WORD_LIST, I, AT(ImuRestore, moves),
      .of = &move_record, .count = offsetof(ImuRestore, move_count) },
    { "funcs", IMU_WORD_LIST, I, AT(ImuRestore, funcs),
      .of = &func_record, .count = offsetof(ImuRestore, func_count) });

static const ImuRecord info_record = RECORD(ImuInfo,
    FLAGS(ImuInfo, no),
    { "kind", IMU_WORD_ENUM, I, AT(ImuInfo, kind), .names = kind_names },
    { "commands", IMU_WORD_HEX, O, AT(ImuInfo, commands) },
    { "modes", IMU_WORD_HEX, O, AT(ImuInfo, modes) },
    { "flags-known", IMU_WORD_HEX, O, AT(ImuInfo, flags_known) },
    { "limit", IMU_WORD_NUMBER, O, AT(ImuInfo, limit) },
    { "used", IMU_WORD_NUMBER, O, AT(ImuInfo, used) });

static const ImuRecord set_create_record = RECORD(ImuSetCreate,
    FLAGS(ImuSetCreate, no),
    { "quota-max", IMU_WORD_NUMBER, I, AT(ImuSetCreate, quota_max) },
    { "quota-reserved", IMU_WORD_NUMBER, I, AT(ImuSetCreate, quota_reserved) },
    { "gpasid-min", IMU_WORD_NUMBER, I, AT(ImuSetCreate, gpasid_min) },
    { "gpasid-max", IMU_WORD_NUMBER, I, AT(ImuSetCreate, gpasid_max) },
    { "map-mode", IMU_WORD_ENUM, I, AT(ImuSetCreate, map_mode),
      .names = mode_names },
    { "pool", IMU_WORD_ENUM, I, AT(ImuSetCreate, pool), .names = pool_names },
    { "user-token", IMU_WORD_HEX, I, AT(ImuSetCreate, user_token) },
    { "set", IMU_WORD_REF, O, AT(ImuSetCreate, set) });

static const ImuRecord limits_record = RECORD(ImuLimits,
    FLAGS(ImuLimits, no),
    { "level", IMU_WORD_NUMBER, I, AT(ImuLimits, level) },
    { "levels", IMU_WORD_NUMBER, O, AT(ImuLimits, levels) },
    { "pasids", IMU_WORD_NUMBER, O, AT(ImuLimits, pasids) },
    { "pages", IMU_WORD_NUMBER, O, AT(ImuLimits, pages) },
    { "groups", IMU_WORD_NUMBER, O, AT(ImuLimits, groups) },
    { "pasids-used", IMU_WORD_NUMBER, O, AT(ImuLimits, pasids_used) },
    { "pages-used", IMU_WORD_NUMBER, O, AT(ImuLimits, pages_used) },
    { "groups-used", IMU_WORD_NUMBER, O, AT(ImuLimits, groups_used) });

static const ImuRecord set_update_record = RECORD(ImuSetUpdate,
    FLAGS(ImuSetUpdate, no), SET(ImuSetUpdate),
    { "quota-max", IMU_WORD_NUMBER, I, AT(ImuSetUpdate, quota_max) },
    { "quota-reserved", IMU_WORD_NUMBER, I, AT(ImuSetUpdate, quota_reserved) });

static const ImuRecord set_query_record = RECORD(ImuSetQuery,
    FLAGS(ImuSetQuery, no), SET(ImuSetQuery),
    { "quota-max", IMU_WORD_NUMBER, O, AT(ImuSetQuery, quota_max) },
    { "quota-reserved", IMU_WORD_NUMBER, O, AT(ImuSetQuery, quota_reserved) },
    { "live", IMU_WORD_NUMBER, O, AT(ImuSetQuery, live) },
    { "parked", IMU_WORD_NUMBER, O, AT(ImuSetQuery, parked) },
    { "quarantined", IMU_WORD_NUMBER, O, AT(ImuSetQuery, quarantined) },
    { "devices", IMU_WORD_NUMBER, O, AT(ImuSetQuery, devices) },
    { "spaces", IMU_WORD_NUMBER, O, AT(ImuSetQuery, spaces) },
    { "queues", IMU_WORD_NUMBER, O, AT(ImuSetQuery, queues) },
    { "user-token", IMU_WORD_HEX, O, AT(ImuSetQuery, user_token) });

static const ImuRecord set_destroy_record = RECORD(ImuSetDestroy,
    FLAGS(ImuSetDestroy, destroy), SET(ImuSetDestroy));

static const ImuRecord pasid_alloc_record = RECORD(ImuPasidAlloc,
    FLAGS(ImuPasidAlloc, alloc), SET(ImuPasidAlloc),
    { "min", IMU_WORD_NUMBER, I, AT(ImuPasidAlloc, min) },
    { "max", IMU_WORD_NUMBER, I, AT(ImuPasidAlloc, max) },
    { "gpasid", IMU_WORD_NUMBER, IO, AT(ImuPasidAlloc, gpasid) },
    { "exhausted", IMU_WORD_NUMBER, E, AT(ImuPasidAlloc, exhausted) },
    { "pasid", IMU_WORD_REF, O, AT(ImuPasidAlloc, pasid) });

static const ImuRecord pasid_free_record = RECORD(ImuPasidFree,
    FLAGS(ImuPasidFree, no), SET(ImuPasidFree),
    { "pasid", IMU_WORD_REF, I, AT(ImuPasidFree, pasid) },
    { "state", IMU_WORD_ENUM, O, AT(ImuPasidFree, state),
      .names = state_names });

static const ImuRecord pasid_query_record = RECORD(ImuPasidQuery,
    FLAGS(ImuPasidQuery, query), SET(ImuPasidQuery),
    { "pasid", IMU_WORD_REF, IO, AT(ImuPasidQuery, pasid) },
    { "gpasid", IMU_WORD_NUMBER, IO, AT(ImuPasidQuery, gpasid) },
    { "state", IMU_WORD_ENUM, O, AT(ImuPasidQuery, state),
      .names = state_names },
    { "binds", IMU_WORD_NUMBER, O, AT(ImuPasidQuery, binds) },
    { "hpasid", IMU_WORD_NUMBER, O, AT(ImuPasidQuery, hpasid) });

static const ImuRecord dev_bind_record = RECORD(ImuDevBind,
    FLAGS(ImuDevBind, no), SET(ImuDevBind),
    { "func", IMU_WORD_HEX, I, AT(ImuDevBind, func) },
    { "cookie", IMU_WORD_HEX, I, AT(ImuDevBind, cookie) },
    { "dev", IMU_WORD_REF, O, AT(ImuDevBind, dev) });

static const ImuRecord dev_unbind_record = RECORD(ImuDevUnbind,
    FLAGS(ImuDevUnbind, no), SET(ImuDevUnbind),
    { "dev", IMU_WORD_REF, I, AT(ImuDevUnbind, dev) });

static const ImuRecord dev_info_record = RECORD(ImuDevInfo,
    FLAGS(ImuDevInfo, no), SET(ImuDevInfo),
    { "dev", IMU_WORD_REF, I, AT(ImuDevInfo, dev) },
    { "caps", IMU_WORD_FLAGS, O, AT(ImuDevInfo, caps), .names = cap_names },
    { "pasid-bits", IMU_WORD_NUMBER, O, AT(ImuDevInfo, pasid_bits) },
    { "group", IMU_WORD_NUMBER, O, AT(ImuDevInfo, group) },
    { "pri-credit", IMU_WORD_NUMBER, O, AT(ImuDevInfo, pri_credit) },
    { "page-sizes", IMU_WORD_HEX, O, AT(ImuDevInfo, page_sizes) },
    { "formats", IMU_WORD_HEX, O, AT(ImuDevInfo, formats) });

static const ImuRecord dev_rename_record = RECORD(ImuDevRename,
    FLAGS(ImuDevRename, no), SET(ImuDevRename),
    { "dev", IMU_WORD_REF, I, AT(ImuDevRename, dev) },
    { "cookie", IMU_WORD_HEX, I, AT(ImuDevRename, cookie) });

static const ImuRecord space_create_record = RECORD(ImuSpaceCreate,
    FLAGS(ImuSpaceCreate, create), SET(ImuSpaceCreate),
    { "kind", IMU_WORD_ENUM, I, AT(ImuSpaceCreate, kind),
      .names = space_names },
    { "format", IMU_WORD_ENUM, I, AT(ImuSpaceCreate, format),
      .names = format_names },
    { "parent", IMU_WORD_REF, I, AT(ImuSpaceCreate, parent) },
    { "faultq", IMU_WORD_REF, I, AT(ImuSpaceCreate, faultq) },
    { "vtd-first", IMU_WORD_LIST, I, AT(ImuSpaceCreate, data),
      .of = &vtd_first_record, .count = offsetof(ImuSpaceCreate, data_size),
      .bytes = true },
    { "smmu-ste", IMU_WORD_LIST, I, AT(ImuSpaceCreate, data),
      .of = &smmu_ste_record, .count = offsetof(ImuSpaceCreate, data_size),
      .bytes = true },
    { "tag", IMU_WORD_NUMBER, I, AT(ImuSpaceCreate, tag) },
    { "space", IMU_WORD_REF, O, AT(ImuSpaceCreate, space) });

static const ImuRecord space_destroy_record = RECORD(ImuSpaceDestroy,
    FLAGS(ImuSpaceDestroy, no), SET(ImuSpaceDestroy),
    { "space", IMU_WORD_REF, I, AT(ImuSpaceDestroy, space) });

static const ImuRecord map_record = RECORD(ImuMap,
    FLAGS(ImuMap, map), SET(ImuMap),
    { "space", IMU_WORD_REF, I, AT(ImuMap, space) },
    { "user", IMU_WORD_HEX, I, AT(ImuMap, user) },
    { "length", IMU_WORD_HEX, I, AT(ImuMap, length) },
    { "iova", IMU_WORD_HEX, IO, AT(ImuMap, iova) },
    { "exhausted", IMU_WORD_NUMBER, E, AT(ImuMap, exhausted) });

static const ImuRecord unmap_record = RECORD(ImuUnmap,
    FLAGS(ImuUnmap, no), SET(ImuUnmap),
    { "space", IMU_WORD_REF, I, AT(ImuUnmap, space) },
    { "iova", IMU_WORD_HEX, I, AT(ImuUnmap, iova) },
    { "length", IMU_WORD_HEX, IO, AT(ImuUnmap, length) });

static const ImuRecord copy_record = RECORD(ImuCopy,
    FLAGS(ImuCopy, map), SET(ImuCopy),
    { "dst", IMU_WORD_REF, I, AT(ImuCopy, dst) },
    { "src", IMU_WORD_REF, I, AT(ImuCopy, src) },
    { "length", IMU_WORD_HEX, I, AT(ImuCopy, length) },
    { "dst-iova", IMU_WORD_HEX, IO, AT(ImuCopy, dst_iova) },
    { "src-iova", IMU_WORD_HEX, I, AT(ImuCopy, src_iova) });

static const ImuRecord allow_record = RECORD(ImuAllow,
    FLAGS(ImuAllow, no), SET(ImuAllow),
    { "space", IMU_WORD_REF, I, AT(ImuAllow, space) },
    { "ranges", IMU_WORD_LIST, I, AT(ImuAllow, ranges),
      .of = &range_record, .count = offsetof(ImuAllow, count) });

static const ImuRecord ranges_record = RECORD(ImuRanges,
    FLAGS(ImuRanges, no), SET(ImuRanges),
    { "space", IMU_WORD_REF, I, AT(ImuRanges, space) },
    { "count", IMU_WORD_NUMBER, IO | E, AT(ImuRanges, count) },
    { "alignment", IMU_WORD_HEX, O, AT(ImuRanges, alignment) },
    { "ranges", IMU_WORD_LIST, O, AT(ImuRanges, ranges),
      .of = &range_record, .count = offsetof(ImuRanges, count) });

static const ImuRecord dirty_set_record = RECORD(ImuDirtySet,
    FLAGS(ImuDirtySet, track), SET(ImuDirtySet),
    { "space", IMU_WORD_REF, I, AT(ImuDirtySet, space) });

static const ImuRecord dirty_get_record = RECORD(ImuDirtyGet,
    FLAGS(ImuDirtyGet, dirty), SET(ImuDirtyGet),
    { "space", IMU_WORD_REF, I, AT(ImuDirtyGet, space) },
    { "iova", IMU_WORD_HEX, I, AT(ImuDirtyGet, iova) },
    { "length", IMU_WORD_HEX, I, AT(ImuDirtyGet, length) },
    { "page-size", IMU_WORD_HEX, I, AT(ImuDirtyGet, page_size) },
    { "bitmap", IMU_WORD_BITS, O, AT(ImuDirtyGet, bitmap) });

static const ImuRecord attach_record = RECORD(ImuAttach,
    FLAGS(ImuAttach, attach), SET(ImuAttach),
    { "dev", IMU_WORD_REF, I, AT(ImuAttach, dev) },
    { "pasid", IMU_WORD_REF, I, AT(ImuAttach, pasid) },
    { "space", IMU_WORD_REF, I, AT(ImuAttach, space) });

static const ImuRecord detach_record = RECORD(ImuDetach,
    FLAGS(ImuDetach, attach), SET(ImuDetach),
    { "dev", IMU_WORD_REF, I, AT(ImuDetach, dev) },
    { "pasid", IMU_WORD_REF, I, AT(ImuDetach, pasid) });

static const ImuRecord invalidate_record = RECORD(ImuInvalidate,
    FLAGS(ImuInvalidate, inv), SET(ImuInvalidate),
    { "object", IMU_WORD_REF, I, AT(ImuInvalidate, object) },
    { "target", IMU_WORD_ENUM, I, AT(ImuInvalidate, target),
      .names = target_names },
    { "gran", IMU_WORD_ENUM, I, AT(ImuInvalidate, gran), .names = gran_names },
    { "caches", IMU_WORD_FLAGS, I, AT(ImuInvalidate, caches),
      .names = cache_names },
    { "entries", IMU_WORD_LIST, I, AT(ImuInvalidate, entries),
      .of = &inv_entry_record, .count = offsetof(ImuInvalidate, count),
      .stride = offsetof(ImuInvalidate, entry_size) },
    { "handled", IMU_WORD_NUMBER, O | E, AT(ImuInvalidate, count) },
    { "tag", IMU_WORD_NUMBER, I, AT(ImuInvalidate, tag) });

static const ImuRecord fence_record = RECORD(ImuFence,
    FLAGS(ImuFence, no), SET(ImuFence),
    { "ticket", IMU_WORD_HEX, IO, AT(ImuFence, ticket) },
    { "done", IMU_WORD_NUMBER, O, AT(ImuFence, done) });

static const ImuRecord faultq_create_record = RECORD(ImuFaultqCreate,
    FLAGS(ImuFaultqCreate, no), SET(ImuFaultqCreate),
    { "deadline-ns", IMU_WORD_NUMBER, I, AT(ImuFaultqCreate, deadline_ns) },
    { "queue", IMU_WORD_REF, O, AT(ImuFaultqCreate, queue) });

static const ImuRecord queue_destroy_record = RECORD(ImuQueueDestroy,
    FLAGS(ImuQueueDestroy, no), SET(ImuQueueDestroy),
    { "queue", IMU_WORD_REF, I, AT(ImuQueueDestroy, queue) });

static const ImuRecord fault_read_record = RECORD(ImuFaultRead,
    FLAGS(ImuFaultRead, no), SET(ImuFaultRead),
    { "queue", IMU_WORD_REF, I, AT(ImuFaultRead, queue) },
    { "count", IMU_WORD_NUMBER, IO | E, AT(ImuFaultRead, count) },
    { "pending", IMU_WORD_NUMBER, O, AT(ImuFaultRead, pending) },
    { "faults", IMU_WORD_LIST, O, AT(ImuFaultRead, faults),
      .of = &fault_record, .count = offsetof(ImuFaultRead, count),
      .stride = offsetof(ImuFaultRead, fault_size) });

static const ImuRecord fault_log_record = RECORD(ImuFaultLog,
    FLAGS(ImuFaultLog, no), SET(ImuFaultLog),
    { "count", IMU_WORD_NUMBER, IO, AT(ImuFaultLog, count) },
    { "pending", IMU_WORD_NUMBER, O, AT(ImuFaultLog, pending) },
    { "faults", IMU_WORD_LIST, O, AT(ImuFaultLog, faults),
      .of = &fault_record, .count = offsetof(ImuFaultLog, count),
      .stride = offsetof(ImuFaultLog, fault_size) });

static const ImuRecord answer_record = RECORD(ImuAnswer,
    FLAGS(ImuAnswer, no), SET(ImuAnswer),
    { "ticket", IMU_WORD_HEX, I, AT(ImuAnswer, ticket) },
    { "code", IMU_WORD_ENUM, I, AT(ImuAnswer, code), .names = answer_names });

static const ImuRecord evq_create_record = RECORD(ImuEvqCreate,
    FLAGS(ImuEvqCreate, no), SET(ImuEvqCreate),
    { "depth", IMU_WORD_NUMBER, I, AT(ImuEvqCreate, depth) },
    { "queue", IMU_WORD_REF, O, AT(ImuEvqCreate, queue) });

static const ImuRecord event_read_record = RECORD(ImuEventRead,
    FLAGS(ImuEventRead, no), SET(ImuEventRead),
    { "queue", IMU_WORD_REF, I, AT(ImuEventRead, queue) },
    { "count", IMU_WORD_NUMBER, IO | E, AT(ImuEventRead, count) },
    { "pending", IMU_WORD_NUMBER, O, AT(ImuEventRead, pending) },
    { "events", IMU_WORD_LIST, O, AT(ImuEventRead, events),
      .of = &event_record, .count = offsetof(ImuEventRead, count) });
/* clang-format on */

/* --- commands ----------------------------------------------------------- */

static const ImuVerb verbs[] = {
    { "info", IMU_CMD_INFO, &info_record, "what a kind of object offers" },
    { "enum", IMU_CMD_ENUM, &enum_record, "what there is, by list" },
    { "save", IMU_CMD_SAVE, &save_record,
      "all of this context, to be restored; move: and empty it" },
    { "restore", IMU_CMD_RESTORE, &restore_record,
      "what save said, in a context that has never had anything" },
    { "set-create", IMU_CMD_SET_CREATE, &set_create_record,
      "a set with a quota" },
    { "limits", IMU_CMD_LIMITS, &limits_record,
      "what a level above this context lets it have" },
    { "set-update", IMU_CMD_SET_UPDATE, &set_update_record, "another quota" },
    { "set-query", IMU_CMD_SET_QUERY, &set_query_record, "what a set holds" },
    { "set-destroy", IMU_CMD_SET_DESTROY, &set_destroy_record,
      "end a set; force: with all it holds" },
    { "pasid-alloc", IMU_CMD_PASID_ALLOC, &pasid_alloc_record,
      "a PASID; fixed: the one that gpasid says" },
    { "pasid-free", IMU_CMD_PASID_FREE, &pasid_free_record,
      "give a PASID back, in use or not" },
    { "pasid-query", IMU_CMD_PASID_QUERY, &pasid_query_record,
      "the state of a PASID" },
    { "dev-bind", IMU_CMD_DEV_BIND, &dev_bind_record,
      "take a function into a set" },
    { "dev-unbind", IMU_CMD_DEV_UNBIND, &dev_unbind_record,
      "let it go, detached" },
    { "dev-info", IMU_CMD_DEV_INFO, &dev_info_record,
      "what a function can do" },
    { "dev-rename", IMU_CMD_DEV_RENAME, &dev_rename_record,
      "the guest's other name for it" },
    { "space-create", IMU_CMD_SPACE_CREATE, &space_create_record,
      "an I/O address space" },
    { "space-destroy", IMU_CMD_SPACE_DESTROY, &space_destroy_record,
      "end a space that nothing is attached to" },
    { "map", IMU_CMD_MAP, &map_record, "map user memory" },
    { "unmap", IMU_CMD_UNMAP, &unmap_record, "unmap whole mappings" },
    { "copy", IMU_CMD_COPY, &copy_record, "map what another space maps" },
    { "allow", IMU_CMD_ALLOW, &allow_record, "the only ranges to be mapped" },
    { "ranges", IMU_CMD_RANGES, &ranges_record,
      "the ranges that can be mapped" },
    { "dirty-set", IMU_CMD_DIRTY_SET, &dirty_set_record,
      "switch dirty tracking" },
    { "dirty-get", IMU_CMD_DIRTY_GET, &dirty_get_record, "pages written to" },
    { "attach", IMU_CMD_ATTACH, &attach_record,
      "attach a function, or a PASID of it, to a space" },
    { "replace", IMU_CMD_REPLACE, &attach_record,
      "the same to another, at once" },
    { "detach", IMU_CMD_DETACH, &detach_record, "undo attach" },
    { "invalidate", IMU_CMD_INVALIDATE, &invalidate_record,
      "drop cached translations" },
    { "fence", IMU_CMD_FENCE, &fence_record,
      "whether all invalidations are done" },
    { "faultq-create", IMU_CMD_FAULTQ_CREATE, &faultq_create_record,
      "a queue for page requests" },
    { "faultq-destroy", IMU_CMD_FAULTQ_DESTROY, &queue_destroy_record,
      "end it" },
    { "fault-read", IMU_CMD_FAULT_READ, &fault_read_record,
      "take whole groups" },
    { "fault-answer", IMU_CMD_FAULT_ANSWER, &answer_record, "answer a group" },
    { "fault-log", IMU_CMD_FAULT_LOG, &fault_log_record,
      "take why requests were refused" },
    { "evq-create", IMU_CMD_EVQ_CREATE, &evq_create_record,
      "a queue for events" },
    { "evq-destroy", IMU_CMD_EVQ_DESTROY, &queue_destroy_record, "end it" },
    { "event-read", IMU_CMD_EVENT_READ, &event_read_record, "take events" },
};

/* Every command has its words, with its own structure. */
#define COMMAND_ONE(...)  + 1
G_STATIC_ASSERT(G_N_ELEMENTS(verbs) == 0 IMU_COMMANDS(COMMAND_ONE));

ImClause im_ioasid_clause(uint32_t command)
{
#define COMMAND_CLAUSE(nr, name, type, last) \
    [nr] = IM_CLAUSE(IOASID_CMD_##name),
    static const ImClause clauses[] = { IMU_COMMANDS(COMMAND_CLAUSE) };

    return command < G_N_ELEMENTS(clauses) ? clauses[command] : IM_CLAUSE_NONE;
}

const ImuVerb *im_ioasid_verbs(unsigned *count)
{
    *count = G_N_ELEMENTS(verbs);
    return verbs;
}

const ImuVerb *im_ioasid_verb(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

const char *im_ioasid_event_name(uint32_t type)
{
    return type < G_N_ELEMENTS(event_names) - 1 ? event_names[type] : NULL;
}

const char *im_ioasid_state_name(uint32_t state)
{
    return state < G_N_ELEMENTS(state_names) - 1 ? state_names[state] : NULL;
}

typedef struct ErrorRow {
    int error;
    const char *name, *text;
} ErrorRow;

static const ErrorRow errors[] = {
    { EINVAL, "EINVAL", "a value that cannot be" },
    { E2BIG, "E2BIG", "more than is known" },
    { EOPNOTSUPP, "EOPNOTSUPP", "a flag or reserved member" },
    { ENOTTY, "ENOTTY", "no such command" },
    { EFAULT, "EFAULT", "not user memory" },
    { ENOENT, "ENOENT", "no such object in this set" },
    { EEXIST, "EEXIST", "taken" },
    { ENODEV, "ENODEV", "no such function" },
    { EBUSY, "EBUSY", "in use" },
    { EPERM, "EPERM", "not for this context" },
    { EDQUOT, "EDQUOT", "the quota is used up" },
    { ENOSPC, "ENOSPC", "nothing left" },
    { ENOMEM, "ENOMEM", "no memory" },
    { EOVERFLOW, "EOVERFLOW", "wider than the device or the address space" },
    { EXDEV, "EXDEV", "modes that do not mix" },
    { EAGAIN, "EAGAIN", "not now" },
    { EADDRINUSE, "EADDRINUSE", "mapped or reserved" },
    { EBADMSG, "EBADMSG", "no stream that save wrote" },
    { EMSGSIZE, "EMSGSIZE", "the array is too small" },
    { ETIMEDOUT, "ETIMEDOUT", "too late" },
    { EALREADY, "EALREADY", "answered already" },
};

const char *im_ioasid_error(int error, const char **text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        if (errors[i].error == -error) {
            if (text) {
                *text = errors[i].text;
            }
            return errors[i].name;
        }
    }
    return NULL;
}
