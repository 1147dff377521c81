/*
 * Commands: their structures in and out, and what all have in common.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/ioasid/handle.h"
#include "hw/ioasid/moving.h"

#include <errno.h>
#include <string.h>

typedef struct Shape {
    IoCommandFn *fn;
    uint16_t size;
    uint16_t min;
} Shape;

#define MIN_OF(type, last)  \
    (offsetof(type, last) + sizeof(((type *)NULL)->last))
#define SHAPE_ROW(nr, name, type, last) \
    [nr] = { im_ioasid_cmd_##name, sizeof(type), MIN_OF(type, last) },

static const Shape shapes[] = { IMU_COMMANDS(SHAPE_ROW) };

/* A structure that every command's fits in. */
#define UNION_MEMBER(nr, name, type, last)  type name;
typedef union Any {
    ImuHead head;
    uint8_t bytes[1];
    IMU_COMMANDS(UNION_MEMBER)
} Any;

#define ANY_ERROR  255

/*
 * What is checked of a command before its handler runs, and whether it has
 * out members, which error defines some, and of what kind of object it is.
 */
typedef struct Rule {
    uint32_t flags;             /* that are known */
    uint16_t reserved;         /* where 4 bytes are that must be 0; 0: none */
    bool out;
    bool out_quota;             /* EDQUOT defines one */
    uint8_t out_error;          /* errno, or ANY_ERROR; 0: none */
    uint8_t kind;               /* ImuKind */
    uint32_t debug;             /* flags that need IM_IOASID_CTX_DEBUG */
} Rule;

#define R(type)  offsetof(type, reserved)
#define MAP_FLAGS                                                         \
    (IMU_PROT_READ | IMU_PROT_WRITE | IMU_PROT_EXEC | IMU_MAP_FIXED)

#define RULES(V)                                                          \
    V(INFO, .kind = IMU_KIND_BACKEND, .out = true)                        \
    V(ENUM, .kind = IMU_KIND_BACKEND, .reserved = R(ImuEnum),             \
      .out = true)                                                        \
    V(SAVE, .kind = IMU_KIND_BACKEND, .flags = IMU_SAVE_MOVE,             \
      .reserved = R(ImuSave), .out = true, .out_error = EMSGSIZE)         \
    V(RESTORE, .kind = IMU_KIND_BACKEND, .reserved = R(ImuRestore))       \
    V(LIMITS, .kind = IMU_KIND_SET, .out = true)                          \
    V(SET_CREATE, .kind = IMU_KIND_SET, .out = true)                      \
    V(SET_UPDATE, .kind = IMU_KIND_SET)                                   \
    V(SET_QUERY, .kind = IMU_KIND_SET, .out = true)                       \
    V(SET_DESTROY, .kind = IMU_KIND_SET, .flags = IMU_SET_DESTROY_FORCE)  \
    V(PASID_ALLOC, .kind = IMU_KIND_PASID,                                \
      .flags = IMU_PASID_ALLOC_FIXED, .out = true, .out_error = ENOSPC,   \
      .out_quota = true)                                                  \
    V(PASID_FREE, .kind = IMU_KIND_PASID, .reserved = R(ImuPasidFree),    \
      .out = true)                                                        \
    V(PASID_QUERY, .kind = IMU_KIND_PASID,                                \
      .flags = IMU_PASID_QUERY_BY_GPASID | IMU_PASID_QUERY_HPASID,        \
      .out = true, .debug = IMU_PASID_QUERY_HPASID)                       \
    V(DEV_BIND, .kind = IMU_KIND_DEV, .reserved = R(ImuDevBind),          \
      .out = true)                                                        \
    V(DEV_UNBIND, .kind = IMU_KIND_DEV)                                   \
    V(DEV_RENAME, .kind = IMU_KIND_DEV)                                   \
    V(DEV_INFO, .kind = IMU_KIND_DEV, .out = true)                        \
    V(SPACE_CREATE, .kind = IMU_KIND_SPACE,                               \
      .flags = IMU_SPACE_DIRTY | IMU_SPACE_PARENT | IMU_SPACE_FILL,       \
      .out = true)                                                        \
    V(SPACE_DESTROY, .kind = IMU_KIND_SPACE)                              \
    V(MAP, .kind = IMU_KIND_SPACE, .flags = MAP_FLAGS,                    \
      .reserved = R(ImuMap), .out = true, .out_quota = true)              \
    V(UNMAP, .kind = IMU_KIND_SPACE, .out = true)                         \
    V(COPY, .kind = IMU_KIND_SPACE, .flags = MAP_FLAGS, .out = true)      \
    V(ALLOW, .kind = IMU_KIND_SPACE, .reserved = R(ImuAllow))             \
    V(RANGES, .kind = IMU_KIND_SPACE, .reserved = R(ImuRanges),           \
      .out = true, .out_error = EMSGSIZE)                                 \
    V(DIRTY_SET, .kind = IMU_KIND_SPACE,                                  \
      .flags = IMU_DIRTY_ON | IMU_DIRTY_NEW)                              \
    V(DIRTY_GET, .kind = IMU_KIND_SPACE, .flags = IMU_DIRTY_PEEK)         \
    V(ATTACH, .kind = IMU_KIND_SPACE,                                     \
      .flags = IMU_ATTACH_PASID | IMU_ATTACH_NO_ATS)                      \
    V(REPLACE, .kind = IMU_KIND_SPACE,                                    \
      .flags = IMU_ATTACH_PASID | IMU_ATTACH_NO_ATS)                      \
    V(DETACH, .kind = IMU_KIND_SPACE, .flags = IMU_ATTACH_PASID)          \
    V(INVALIDATE, .kind = IMU_KIND_SPACE, .flags = IMU_INV_TAGGED,        \
      .out = true, .out_error = ANY_ERROR)                                \
    V(FENCE, .kind = IMU_KIND_SPACE, .reserved = R(ImuFence),             \
      .out = true)                                                        \
    V(FAULTQ_CREATE, .kind = IMU_KIND_FAULTQ, .out = true)                \
    V(FAULTQ_DESTROY, .kind = IMU_KIND_FAULTQ)                            \
    V(FAULT_READ, .kind = IMU_KIND_FAULTQ, .reserved = R(ImuFaultRead),   \
      .out = true, .out_error = EMSGSIZE)                                 \
    V(FAULT_ANSWER, .kind = IMU_KIND_FAULTQ, .reserved = R(ImuAnswer))    \
    V(FAULT_LOG, .kind = IMU_KIND_FAULTQ, .reserved = R(ImuFaultLog),     \
      .out = true)                                                        \
    V(EVQ_CREATE, .kind = IMU_KIND_EVQ, .reserved = R(ImuEvqCreate),      \
      .out = true)                                                        \
    V(EVQ_DESTROY, .kind = IMU_KIND_EVQ)                                  \
    V(EVENT_READ, .kind = IMU_KIND_EVQ, .out = true)

#define RULE_ROW(name, ...)  [IMU_CMD_##name] = { __VA_ARGS__ },
static const Rule rules[G_N_ELEMENTS(shapes)] = { RULES(RULE_ROW) };

/* A command without a rule does not compile. */
#define RULE_OF(name, ...)  RULE_OF_##name,
enum { RULES(RULE_OF) };
#define HAS_RULE(nr, name, type, last)  G_STATIC_ASSERT(RULE_OF_##name >= 0);
IMU_COMMANDS(HAS_RULE)

int im_ioasid_get_user(ImIoasidCtx *c, uint64_t addr, void *buf, size_t n)
{
    ImIoasid *h = c->host;

    if (addr + n < addr) {
        return -EFAULT;
    }
    return h->port.user_read(h->opaque, c->user, addr, buf, n) ? -EFAULT : 0;
}

int im_ioasid_put_user(ImIoasidCtx *c, uint64_t addr, const void *buf, size_t n)
{
    ImIoasid *h = c->host;

    if (addr + n < addr) {
        return -EFAULT;
    }
    return h->port.user_write(h->opaque, c->user, addr, buf, n) ? -EFAULT : 0;
}

static uint32_t io_ops_word_at(const Any *a, uint16_t offset)
{
    uint32_t w;

    memcpy(&w, a->bytes + offset, sizeof(w));
    return w;
}

/* What a newer caller has beyond the structure known here is 0. */
static int io_ops_tail_is_zero(ImIoasidCtx *c, uint64_t addr, uint32_t bytes)
{
    uint8_t buf[64];

    while (bytes) {
        uint32_t n = MIN(bytes, (uint32_t)sizeof(buf));
        int err = im_ioasid_get_user(c, addr, buf, n);

        if (err) {
            return err;
        }
        for (uint32_t i = 0; i < n; i++) {
            if (buf[i]) {
                return -E2BIG;
            }
        }
        addr += n;
        bytes -= n;
    }
    return 0;
}

static int io_ops_judge_size(const Shape *shape, uint32_t size)
{
    return size < shape->min ? -EINVAL : size > IMU_SIZE_MAX ? -E2BIG : 0;
}

/* Most often one read is enough: that of the minimum, which is all there if
 * the size is good. */
IM_RULE(IOASID_SIZES);
static int io_ops_read_struct(ImIoasidCtx *c, const Shape *shape, uint64_t arg,
                              Any *a)
{
    uint32_t size, most;
    int err;

    if (im_ioasid_get_user(c, arg, a, shape->min)) {
        err = im_ioasid_get_user(c, arg, &a->head, sizeof(a->head));
        if (!err) {
            err = io_ops_judge_size(shape, a->head.size);
        }
        return err ? err : -EFAULT;
    }
    size = a->head.size;
    err = io_ops_judge_size(shape, size);
    if (err || (size == shape->min && size == shape->size)) {
        return err;
    }
    most = MIN(size, shape->size);
    memset(a->bytes + shape->min, 0, (size_t)(shape->size - shape->min));
    if (most > shape->min) {
        err = im_ioasid_get_user(c, arg + shape->min, a->bytes + shape->min,
                                 most - shape->min);
    }
    return err || size <= shape->size ?
               err :
               io_ops_tail_is_zero(c, arg + shape->size, size - shape->size);
}

/* Size, reserved members, flags. */
IM_RULE(IOASID_ORDER);
static int io_ops_copy_in(ImIoasidCtx *c, const Shape *shape, const Rule *rule,
                          uint64_t arg, Any *a)
{
    int err = io_ops_read_struct(c, shape, arg, a);

    if (err) {
        return err;
    }
    if (rule->reserved && io_ops_word_at(a, rule->reserved)) {
        return -EOPNOTSUPP;
    }
    IM_RULE(IOASID_FLAGS);
    if (a->head.flags & ~rule->flags) {
        return -EOPNOTSUPP;
    }
    return a->head.flags & rule->debug && !(c->flags & IM_IOASID_CTX_DEBUG) ?
               -EPERM :
               0;
}

static int io_ops_copy_out(ImIoasidCtx *c, const void *a)
{
    const uint8_t *from = a;

    return c->replay ? 0 :
                       im_ioasid_put_user(c, c->user_struct + sizeof(ImuHead),
                                          from + sizeof(ImuHead),
                                          c->user_size - sizeof(ImuHead));
}

int im_ioasid_respond(ImIoasidCtx *c, const void *a)
{
    int err = io_ops_copy_out(c, a);

    if (!err) {
        c->responded = true;
    }
    return err;
}

IM_RULE(IOASID_ATOMIC);
int im_ioasid_publish(ImIoasidCtx *c, const void *a, IoObject *obj)
{
    int err = im_ioasid_respond(c, a);

    if (err) {
        im_ioasid_number_undo(c, obj);
    } else {
        im_ioasid_list(obj);
    }
    return err;
}

IM_RULE(IOASID_ERRORS);
static int io_ops_obey(ImIoasidCtx *c, uint32_t command, uint64_t arg)
{
    const Shape *shape = command < G_N_ELEMENTS(shapes) ? &shapes[command] :
                                                          NULL;
    const Rule *rule = &rules[command % G_N_ELEMENTS(rules)];
    Any a;
    int err;

    if (!shape || !shape->fn) {
        return -ENOTTY;
    }
    err = io_ops_copy_in(c, shape, rule, arg, &a);
    if (err) {
        return err;
    }
    if (c->replay) {
        err = im_ioasid_replay_adapt(c->replay, command, &a);
        if (err) {
            return err;
        }
    }
    c->user_struct = arg;
    c->user_size = MIN(a.head.size, shape->size);
    c->responded = false;
    err = shape->fn(c, &a);
    if (!err && rule->out && !c->responded) {
        return io_ops_copy_out(c, &a);
    }
    if (err && (rule->out_error == ANY_ERROR || err == -(int)rule->out_error ||
                (err == -EDQUOT && rule->out_quota))) {
        (void)io_ops_copy_out(c, &a);          /* the error is what counts */
    }
    return err;
}

int im_ioasid_replay(ImIoasidCtx *c, uint32_t command, uint64_t arg)
{
    return io_ops_obey(c, command, arg);
}

int im_ioasid_command(ImIoasidCtx *c, uint32_t command, uint64_t arg)
{
    int err = io_ops_obey(c, command, arg);

    c->host->counters.commands++;
    c->host->counters.commands_failed += err != 0;
    return err;
}

/* --- INFO --------------------------------------------------------------- */

/* A bit for each enumerator that there is: all below n. */
#define ENUMERATORS(n)  ((UINT64_C(1) << (n)) - 1)

#define DEV_CAPS  (IMU_DEV_CAP_PASID | IMU_DEV_CAP_ATS | IMU_DEV_CAP_PRI | \
                   IMU_DEV_CAP_EXEC | IMU_DEV_CAP_PRIV)

static const struct KindRow {
    uint64_t modes;
    uint8_t base;               /* of the numbers of its commands */
    uint8_t create;             /* ImuCommand */
} kind_rows[IMU_KINDS] = {
    [IMU_KIND_BACKEND] = { ENUMERATORS(IMU_KINDS), 0x00, IMU_CMD_INFO },
    [IMU_KIND_SET] = {
        ENUMERATORS(IMU_MODE_DELEGATED + 1), 0x10, IMU_CMD_SET_CREATE,
    },
    [IMU_KIND_PASID] = {
        ENUMERATORS(IMU_POOL_GLOBAL + 1), 0x20, IMU_CMD_PASID_ALLOC,
    },
    [IMU_KIND_DEV] = { DEV_CAPS, 0x30, IMU_CMD_DEV_BIND },
    [IMU_KIND_SPACE] = {
        ENUMERATORS(IMU_SPACE_BLOCK + 1), 0x40, IMU_CMD_SPACE_CREATE,
    },
    [IMU_KIND_FAULTQ] = { 0, 0x70, IMU_CMD_FAULTQ_CREATE },
    [IMU_KIND_EVQ] = { 0, 0x78, IMU_CMD_EVQ_CREATE },
};

static uint32_t io_ops_all_objects(const ImIoasidCtx *c)
{
    uint32_t n = 0;

    for (unsigned kind = 0; kind < IMU_KINDS; kind++) {
        n += im_handles_count(c->handles, (ImuKind)kind);
    }
    return n;
}

IM_RULE(IOASID_CMD_INFO);
int im_ioasid_cmd_INFO(ImIoasidCtx *c, void *arg)
{
    ImuInfo *a = arg;
    const struct KindRow *row;

    if (a->kind >= IMU_KINDS) {
        return -EOPNOTSUPP;
    }
    row = &kind_rows[a->kind];
    a->commands = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(shapes); i++) {
        if (shapes[i].fn && rules[i].kind == a->kind) {
            a->commands |= 1u << (i - row->base);
        }
    }
    a->modes = row->modes;
    a->flags_known = rules[row->create].flags;
    a->limit = IMU_OBJECTS_MAX;
    a->used = im_handles_count(c->handles, (ImuKind)a->kind);
    if (a->kind == IMU_KIND_BACKEND) {
        a->limit = 0;
        a->used = io_ops_all_objects(c);
    } else if (a->kind == IMU_KIND_PASID) {
        a->limit = c->host->cfg.ctx_quota;
        a->used = c->pasids;
    }
    return 0;
}
