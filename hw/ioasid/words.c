/*
 * The uAPI in words: rows.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/im_ioasid_words.h"

#include <errno.h>
#include <string.h>

/* --- names --------------------------------------------------------------- */

#define NAMES(n, ...) \
    static const char *const n##_names[] = { __VA_ARGS__, NULL }

NAMES(kind, "backend", "set", "pasid", "device", "space", "fault-queue",
      "event-queue");
NAMES(mode, "identity", "translate", "delegated");
NAMES(pool, "device", "global");
NAMES(state, "free", "idle", "bound", "parked", "quarantine");
NAMES(cap, "pasid", "ats", "pri", "exec", "priv");
NAMES(space, "mapped", "nested", "pasid-table", "block");
NAMES(format, "none", "vtd-first", "smmu-ste");
NAMES(first, "sre", "wpe", "eafe", "5lp");
NAMES(target, "space", "device", "set");
NAMES(gran, "all", "pasid", "range");
NAMES(cache, "iotlb", "devtlb", "pasid-cache");
NAMES(entry, "no-pasid");
NAMES(fault, "pasid", "last");
NAMES(perm, "read", "write", "exec", "priv");
NAMES(answer, "success", "invalid", "failure");
NAMES(event_flag, "lost");
#define EVENT_NAME(n)  #n,
static const char *const event_names[] = { IMU_EVENTS(EVENT_NAME) NULL };

NAMES(f_none, NULL);
NAMES(f_set_destroy, "force");
NAMES(f_pasid_alloc, "fixed");
NAMES(f_pasid_query, "by-gpasid", "hpasid");
NAMES(f_space, "dirty", "parent");
NAMES(f_map, "read", "write", "exec", "fixed");
NAMES(f_dirty_set, "on", "new");
NAMES(f_dirty_get, "peek");
NAMES(f_attach, "pasid", "no-ats");

/* --- members ------------------------------------------------------------- */

#define I   IMU_WORD_IN
#define O   IMU_WORD_OUT
#define IO  (IMU_WORD_IN | IMU_WORD_OUT)
#define E   IMU_WORD_ERROR

#define W_(type, m, n, kind_, dir_, ...) \
    { .name = (n), .kind = IMU_WORD_##kind_, .dir = (dir_), \
      .size = sizeof(((type *)NULL)->m), \
      .offset = G_STRUCT_OFFSET(type, m), __VA_ARGS__ },
#define W(m, n, kind, dir)          W_(T, m, n, kind, dir, .count = 0)
#define NAMED(m, n, kind, dir, list) \
    W_(T, m, n, kind, dir, .names = list##_names)
#define FLAGS(list) \
    W_(T, head.flags, "flags", FLAGS, I, .names = list##_names)
#define LIST(m, n, dir, type, c) \
    W_(T, m, n, LIST, dir, .of = &type##_record, \
       .count = G_STRUCT_OFFSET(T, c))

#define RECORD(type, words) \
    static const ImuRecord type##_record = { \
        .name = #type, .size = sizeof(type), \
        .count = G_N_ELEMENTS(words), .word = (words), \
    }

#define T ImuRange
static const ImuWord range_words[] = {
    W(first, "first", HEX, IO) W(last, "last", HEX, IO)
};
RECORD(ImuRange, range_words);
#undef T
#define T ImuInvEntry
static const ImuWord inv_entry_words[] = {
    NAMED(flags, "flags", FLAGS, I, entry) W(gpasid, "gpasid", NUMBER, I)
    W(addr, "addr", HEX, I) W(length, "length", HEX, I)
};
RECORD(ImuInvEntry, inv_entry_words);
#undef T
#define T ImuVtdFirst
static const ImuWord vtd_first_words[] = {
    W(root, "root", HEX, I) NAMED(flags, "flags", FLAGS, I, first)
};
RECORD(ImuVtdFirst, vtd_first_words);
#undef T
#define T ImuSmmuSte
static const ImuWord smmu_ste_words[] = {
    W(ste[0], "ste0", HEX, I) W(ste[1], "ste1", HEX, I)
};
RECORD(ImuSmmuSte, smmu_ste_words);
#undef T
#define T ImuFault
static const ImuWord fault_words[] = {
    NAMED(flags, "flags", FLAGS, O, fault) W(gpasid, "gpasid", NUMBER, O)
    W(cookie, "cookie", HEX, O) W(dev, "dev", REF, O)
    W(space, "space", REF, O) W(group, "group", NUMBER, O)
    NAMED(perm, "perm", FLAGS, O, perm) W(addr, "addr", HEX, O)
    W(ticket, "ticket", HEX, O) W(deadline, "deadline", NUMBER, O)
};
RECORD(ImuFault, fault_words);
#undef T
#define T ImuEvent
static const ImuWord event_words[] = {
    NAMED(flags, "flags", FLAGS, O, event_flag)
    NAMED(type, "type", ENUM, O, event) W(sequence, "sequence", NUMBER, O)
    W(time, "time", NUMBER, O) W(token, "token", HEX, O)
    W(object, "object", REF, O) W(old_state, "old-state", NUMBER, O)
    W(new_state, "new-state", NUMBER, O)
};
RECORD(ImuEvent, event_words);
#undef T

#define SET  W(set, "set", REF, I)

#define T ImuInfo
static const ImuWord info_words[] = {
    FLAGS(f_none) NAMED(kind, "kind", ENUM, I, kind)
    W(commands, "commands", HEX, O) W(modes, "modes", HEX, O)
    W(flags_known, "flags-known", HEX, O) W(limit, "limit", NUMBER, O)
    W(used, "used", NUMBER, O)
};
RECORD(ImuInfo, info_words);
#undef T
#define T ImuSetCreate
static const ImuWord set_create_words[] = {
    FLAGS(f_none) W(quota_max, "quota-max", NUMBER, I)
    W(quota_reserved, "quota-reserved", NUMBER, I)
    W(gpasid_min, "gpasid-min", NUMBER, I)
    W(gpasid_max, "gpasid-max", NUMBER, I)
    NAMED(map_mode, "map-mode", ENUM, I, mode)
    NAMED(pool, "pool", ENUM, I, pool)
    W(user_token, "user-token", HEX, I) W(set, "set", REF, O)
};
RECORD(ImuSetCreate, set_create_words);
#undef T
#define T ImuSetUpdate
static const ImuWord set_update_words[] = {
    FLAGS(f_none) SET W(quota_max, "quota-max", NUMBER, I)
    W(quota_reserved, "quota-reserved", NUMBER, I)
};
RECORD(ImuSetUpdate, set_update_words);
#undef T
#define T ImuSetQuery
static const ImuWord set_query_words[] = {
    FLAGS(f_none) SET W(quota_max, "quota-max", NUMBER, O)
    W(quota_reserved, "quota-reserved", NUMBER, O)
    W(live, "live", NUMBER, O) W(parked, "parked", NUMBER, O)
    W(quarantined, "quarantined", NUMBER, O)
    W(devices, "devices", NUMBER, O) W(spaces, "spaces", NUMBER, O)
    W(queues, "queues", NUMBER, O) W(user_token, "user-token", HEX, O)
};
RECORD(ImuSetQuery, set_query_words);
#undef T
#define T ImuSetDestroy
static const ImuWord set_destroy_words[] = { FLAGS(f_set_destroy) SET };
RECORD(ImuSetDestroy, set_destroy_words);
#undef T
#define T ImuPasidAlloc
static const ImuWord pasid_alloc_words[] = {
    FLAGS(f_pasid_alloc) SET W(min, "min", NUMBER, I) W(max, "max", NUMBER, I)
    W(gpasid, "gpasid", NUMBER, IO) W(exhausted, "exhausted", NUMBER, E)
    W(pasid, "pasid", REF, O)
};
RECORD(ImuPasidAlloc, pasid_alloc_words);
#undef T
#define T ImuPasidFree
static const ImuWord pasid_free_words[] = {
    FLAGS(f_none) SET W(pasid, "pasid", REF, I)
    NAMED(state, "state", ENUM, O, state)
};
RECORD(ImuPasidFree, pasid_free_words);
#undef T
#define T ImuPasidQuery
static const ImuWord pasid_query_words[] = {
    FLAGS(f_pasid_query) SET W(pasid, "pasid", REF, IO)
    W(gpasid, "gpasid", NUMBER, IO) NAMED(state, "state", ENUM, O, state)
    W(binds, "binds", NUMBER, O) W(hpasid, "hpasid", NUMBER, O)
};
RECORD(ImuPasidQuery, pasid_query_words);
#undef T
#define T ImuDevBind
static const ImuWord dev_bind_words[] = {
    FLAGS(f_none) SET W(func, "func", HEX, I) W(cookie, "cookie", HEX, I)
    W(dev, "dev", REF, O)
};
RECORD(ImuDevBind, dev_bind_words);
#undef T
#define T ImuDevUnbind
static const ImuWord dev_unbind_words[] = {
    FLAGS(f_none) SET W(dev, "dev", REF, I)
};
RECORD(ImuDevUnbind, dev_unbind_words);
#undef T
#define T ImuDevInfo
static const ImuWord dev_info_words[] = {
    FLAGS(f_none) SET W(dev, "dev", REF, I) NAMED(caps, "caps", FLAGS, O, cap)
    W(pasid_bits, "pasid-bits", NUMBER, O) W(group, "group", NUMBER, O)
    W(pri_credit, "pri-credit", NUMBER, O)
    W(page_sizes, "page-sizes", HEX, O) W(formats, "formats", HEX, O)
};
RECORD(ImuDevInfo, dev_info_words);
#undef T
#define T ImuSpaceCreate
static const ImuWord space_create_words[] = {
    FLAGS(f_space) SET NAMED(kind, "kind", ENUM, I, space)
    NAMED(format, "format", ENUM, I, format) W(parent, "parent", REF, I)
    W(faultq, "faultq", REF, I)
    W_(T, data, "vtd-first", LIST, I, .of = &ImuVtdFirst_record,
       .count = G_STRUCT_OFFSET(T, data_size), .bytes = true)
    W_(T, data, "smmu-ste", LIST, I, .of = &ImuSmmuSte_record,
       .count = G_STRUCT_OFFSET(T, data_size), .bytes = true)
    W(space, "space", REF, O)
};
RECORD(ImuSpaceCreate, space_create_words);
#undef T
#define T ImuSpaceDestroy
static const ImuWord space_destroy_words[] = {
    FLAGS(f_none) SET W(space, "space", REF, I)
};
RECORD(ImuSpaceDestroy, space_destroy_words);
#undef T
#define T ImuMap
static const ImuWord map_words[] = {
    FLAGS(f_map) SET W(space, "space", REF, I) W(user, "user", HEX, I)
    W(length, "length", HEX, I) W(iova, "iova", HEX, IO)
};
RECORD(ImuMap, map_words);
#undef T
#define T ImuUnmap
static const ImuWord unmap_words[] = {
    FLAGS(f_none) SET W(space, "space", REF, I) W(iova, "iova", HEX, I)
    W(length, "length", HEX, IO)
};
RECORD(ImuUnmap, unmap_words);
#undef T
#define T ImuCopy
static const ImuWord copy_words[] = {
    FLAGS(f_map) SET W(dst, "dst", REF, I) W(src, "src", REF, I)
    W(length, "length", HEX, I) W(dst_iova, "dst-iova", HEX, IO)
    W(src_iova, "src-iova", HEX, I)
};
RECORD(ImuCopy, copy_words);
#undef T
#define T ImuAllow
static const ImuWord allow_words[] = {
    FLAGS(f_none) SET W(space, "space", REF, I)
    LIST(ranges, "ranges", I, ImuRange, count)
};
RECORD(ImuAllow, allow_words);
#undef T
#define T ImuRanges
static const ImuWord ranges_words[] = {
    FLAGS(f_none) SET W(space, "space", REF, I)
    W(count, "count", NUMBER, IO | E)
    W(alignment, "alignment", HEX, O) LIST(ranges, "ranges", O, ImuRange, count)
};
RECORD(ImuRanges, ranges_words);
#undef T
#define T ImuDirtySet
static const ImuWord dirty_set_words[] = {
    FLAGS(f_dirty_set) SET W(space, "space", REF, I)
};
RECORD(ImuDirtySet, dirty_set_words);
#undef T
#define T ImuDirtyGet
static const ImuWord dirty_get_words[] = {
    FLAGS(f_dirty_get) SET W(space, "space", REF, I) W(iova, "iova", HEX, I)
    W(length, "length", HEX, I) W(page_size, "page-size", HEX, I)
    W(bitmap, "bitmap", BITS, O)
};
RECORD(ImuDirtyGet, dirty_get_words);
#undef T
#define T ImuAttach
static const ImuWord attach_words[] = {
    FLAGS(f_attach) SET W(dev, "dev", REF, I) W(pasid, "pasid", REF, I)
    W(space, "space", REF, I)
};
RECORD(ImuAttach, attach_words);
#undef T
#define T ImuDetach
static const ImuWord detach_words[] = {
    FLAGS(f_attach) SET W(dev, "dev", REF, I) W(pasid, "pasid", REF, I)
};
RECORD(ImuDetach, detach_words);
#undef T
#define T ImuInvalidate
static const ImuWord invalidate_words[] = {
    FLAGS(f_none) SET W(object, "object", REF, I)
    NAMED(target, "target", ENUM, I, target)
    NAMED(gran, "gran", ENUM, I, gran)
    NAMED(caches, "caches", FLAGS, I, cache)
    W_(T, entries, "entries", LIST, I, .of = &ImuInvEntry_record,
       .count = G_STRUCT_OFFSET(T, count),
       .stride = G_STRUCT_OFFSET(T, entry_size))
    W(count, "handled", NUMBER, O | E)
};
RECORD(ImuInvalidate, invalidate_words);
#undef T
#define T ImuFence
static const ImuWord fence_words[] = {
    FLAGS(f_none) SET W(ticket, "ticket", HEX, IO) W(done, "done", NUMBER, O)
};
RECORD(ImuFence, fence_words);
#undef T
#define T ImuFaultqCreate
static const ImuWord faultq_create_words[] = {
    FLAGS(f_none) SET W(deadline_ns, "deadline-ns", NUMBER, I)
    W(queue, "queue", REF, O)
};
RECORD(ImuFaultqCreate, faultq_create_words);
#undef T
#define T ImuQueueDestroy
static const ImuWord queue_destroy_words[] = {
    FLAGS(f_none) SET W(queue, "queue", REF, I)
};
RECORD(ImuQueueDestroy, queue_destroy_words);
#undef T
#define T ImuFaultRead
static const ImuWord fault_read_words[] = {
    FLAGS(f_none) SET W(queue, "queue", REF, I)
    W(count, "count", NUMBER, IO | E)
    W(pending, "pending", NUMBER, O)
    LIST(faults, "faults", O, ImuFault, count)
};
RECORD(ImuFaultRead, fault_read_words);
#undef T
#define T ImuAnswer
static const ImuWord answer_words[] = {
    FLAGS(f_none) SET W(ticket, "ticket", HEX, I)
    NAMED(code, "code", ENUM, I, answer)
};
RECORD(ImuAnswer, answer_words);
#undef T
#define T ImuEvqCreate
static const ImuWord evq_create_words[] = {
    FLAGS(f_none) SET W(depth, "depth", NUMBER, I) W(queue, "queue", REF, O)
};
RECORD(ImuEvqCreate, evq_create_words);
#undef T
#define T ImuEventRead
static const ImuWord event_read_words[] = {
    FLAGS(f_none) SET W(queue, "queue", REF, I)
    W(count, "count", NUMBER, IO | E)
    W(pending, "pending", NUMBER, O)
    LIST(events, "events", O, ImuEvent, count)
};
RECORD(ImuEventRead, event_read_words);
#undef T

/* --- commands ------------------------------------------------------------ */

#define ImuReplace_record  ImuAttach_record

#define VERBS(V)                                                           \
    V(INFO, "info", ImuInfo, "what a kind of object offers")               \
    V(SET_CREATE, "set-create", ImuSetCreate, "a set with a quota")        \
    V(SET_UPDATE, "set-update", ImuSetUpdate, "another quota")             \
    V(SET_QUERY, "set-query", ImuSetQuery, "what a set holds")             \
    V(SET_DESTROY, "set-destroy", ImuSetDestroy,                           \
      "end a set; force: with all it holds")                               \
    V(PASID_ALLOC, "pasid-alloc", ImuPasidAlloc,                           \
      "a PASID; fixed: the one that gpasid says")                          \
    V(PASID_FREE, "pasid-free", ImuPasidFree,                              \
      "give a PASID back, in use or not")                                  \
    V(PASID_QUERY, "pasid-query", ImuPasidQuery, "the state of a PASID")   \
    V(DEV_BIND, "dev-bind", ImuDevBind, "take a function into a set")      \
    V(DEV_UNBIND, "dev-unbind", ImuDevUnbind, "let it go, detached")       \
    V(DEV_INFO, "dev-info", ImuDevInfo, "what a function can do")          \
    V(SPACE_CREATE, "space-create", ImuSpaceCreate,                        \
      "an I/O address space")                                              \
    V(SPACE_DESTROY, "space-destroy", ImuSpaceDestroy,                     \
      "end a space that nothing is attached to")                           \
    V(MAP, "map", ImuMap, "map user memory")                               \
    V(UNMAP, "unmap", ImuUnmap, "unmap whole mappings")                    \
    V(COPY, "copy", ImuCopy, "map what another space maps")                \
    V(ALLOW, "allow", ImuAllow, "the only ranges to be mapped")            \
    V(RANGES, "ranges", ImuRanges, "the ranges that can be mapped")        \
    V(DIRTY_SET, "dirty-set", ImuDirtySet, "switch dirty tracking")        \
    V(DIRTY_GET, "dirty-get", ImuDirtyGet, "pages written to")             \
    V(ATTACH, "attach", ImuAttach,                                         \
      "attach a function, or a PASID of it, to a space")                   \
    V(REPLACE, "replace", ImuReplace, "the same to another, at once")      \
    V(DETACH, "detach", ImuDetach, "undo attach")                          \
    V(INVALIDATE, "invalidate", ImuInvalidate, "drop cached translations") \
    V(FENCE, "fence", ImuFence, "whether all invalidations are done")      \
    V(FAULTQ_CREATE, "faultq-create", ImuFaultqCreate,                     \
      "a queue for page requests")                                         \
    V(FAULTQ_DESTROY, "faultq-destroy", ImuQueueDestroy, "end it")         \
    V(FAULT_READ, "fault-read", ImuFaultRead, "take whole groups")         \
    V(FAULT_ANSWER, "fault-answer", ImuAnswer, "answer a group")           \
    V(EVQ_CREATE, "evq-create", ImuEvqCreate, "a queue for events")        \
    V(EVQ_DESTROY, "evq-destroy", ImuQueueDestroy, "end it")               \
    V(EVENT_READ, "event-read", ImuEventRead, "take events")

#define VERB(cmd, n, type, help) \
    { .name = (n), .command = IMU_CMD_##cmd, .record = &type##_record, \
      .text = (help) },
static const ImuVerb verbs[] = { VERBS(VERB) };

/* Every command has its words, with its own structure. */
#define COMMAND_ONE(...)  + 1
G_STATIC_ASSERT(G_N_ELEMENTS(verbs) == 0 IMU_COMMANDS(COMMAND_ONE));

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
