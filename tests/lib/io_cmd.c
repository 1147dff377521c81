/*
 * Commands of the IOASID backend, checked as every command is; and a
 * device's side.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/io.h"
#include "lib/vtd_build.h"

#define GUARD_BYTE   0xa5
#define GUARD        32u

const char *io_command_name(uint32_t command)
{
#define NAME(nr, name, type, last)  case IMU_CMD_##name: return #name;
    switch (command) {
        IMU_COMMANDS(NAME)
    default:
        return "unknown";
    }
#undef NAME
}

char *io_dump(Io *io)
{
    GString *s = g_string_new(NULL);

    im_ioasid_dump(io->h, NULL, s);
    return g_string_free(s, FALSE);
}

char *io_dump_of(Io *io, ImIoasidCtx *ctx)
{
    GString *s = g_string_new(NULL);

    im_ioasid_dump(io->h, ctx, s);
    return g_string_free(s, FALSE);
}

void io_same(Io *io, const char *before)
{
    g_autofree char *now = io_dump(io);

    g_assert_cmpstr(before, ==, now);
}

int io_raw(Io *io, uint32_t command, uint64_t arg)
{
    int rc = im_ioasid_command(io->ctx, command, arg);

    g_assert_cmpint(rc, <=, 0);
    io->r->consistent(io->r);
    return rc;
}

/* Put s between guards and obey; what comes back is all that was written. */
static int obey(Io *io, uint32_t command, void *s, size_t size)
{
    uint64_t arg = io_at(io, IO_ARG_PAGE) + GUARD;
    uint8_t guard[GUARD], after[GUARD];
    int rc;

    g_assert_cmpuint(size, <=, IO_PAGE - 2 * GUARD);
    memset(guard, GUARD_BYTE, sizeof(guard));
    io_put(io, arg - GUARD, guard, GUARD);
    io_put(io, arg, s, size);
    io_put(io, arg + size, guard, GUARD);
    rc = io_raw(io, command, arg);
    io_get(io, arg - GUARD, after, GUARD);
    g_assert_cmpmem(after, GUARD, guard, GUARD);
    io_get(io, arg + size, after, GUARD);
    g_assert_cmpmem(after, GUARD, guard, GUARD);
    io_get(io, arg, s, size);
    return rc;
}

/* The members that an error may define; everything else stays. */
static bool defines(uint32_t command, int rc, size_t at, size_t n)
{
    switch (command) {
    case IMU_CMD_PASID_ALLOC:
        return (rc == -ENOSPC || rc == -EDQUOT) &&
               at == offsetof(ImuPasidAlloc, exhausted);
    case IMU_CMD_MAP:
        return rc == -EDQUOT && at == offsetof(ImuMap, exhausted);
    case IMU_CMD_RANGES:
        return rc == -EMSGSIZE && at == offsetof(ImuRanges, count);
    case IMU_CMD_SAVE:
        return rc == -EMSGSIZE && at == offsetof(ImuSave, count);
    case IMU_CMD_FAULT_READ:
        return rc == -EMSGSIZE && at == offsetof(ImuFaultRead, count);
    case IMU_CMD_INVALIDATE:
        return at == offsetof(ImuInvalidate, count);
    default:
        return n == 0;
    }
}

int io_obey(Io *io, uint32_t command, void *s, size_t size)
{
    uint32_t size32 = (uint32_t)size;
    g_autofree uint8_t *was = NULL;
    g_autofree char *before = NULL;
    int rc;

    memcpy(s, &size32, sizeof(size32));
    was = g_memdup2(s, size);
    if (!io->lax) {
        before = io_dump(io);
    }
    rc = obey(io, command, s, size);
    if (rc) {
        for (size_t at = 0; at + 4 <= size; at += 4) {
            if (!defines(command, rc, at, 4) &&
                memcmp(was + at, (uint8_t *)s + at, 4)) {
                g_error("%s failed with %d and wrote offset %zu",
                        io_command_name(command), rc, at);
            }
        }
        if (before && command != IMU_CMD_INVALIDATE && rc != -EDQUOT) {
            io_same(io, before);
        }
    }
    return rc;
}

/* --- in one line -------------------------------------------------------- */

#define OK(rc)  g_assert_cmpint(rc, ==, 0)

ImuRef io_set(Io *io, ImuMapMode mode, ImuPool pool)
{
    ImuSetCreate s = {
        .gpasid_min = mode == IMU_MODE_DELEGATED ? 0 : 1,
        .gpasid_max = mode == IMU_MODE_DELEGATED ? 0 : 255,
        .map_mode = mode,
        .pool = pool,
        .user_token = 0x70ce,
    };

    OK(io_SET_CREATE(io, &s));
    return s.set;
}

ImuPasidAlloc io_alloc(Io *io, ImuRef set)
{
    ImuPasidAlloc a = { .set = set };

    OK(io_PASID_ALLOC(io, &a));
    return a;
}

ImuPasidAlloc io_alloc_fixed(Io *io, ImuRef set, uint32_t gpasid)
{
    ImuPasidAlloc a = {
        .head.flags = IMU_PASID_ALLOC_FIXED,
        .set = set,
        .gpasid = gpasid,
    };

    OK(io_PASID_ALLOC(io, &a));
    g_assert_cmpuint(a.gpasid, ==, gpasid);
    return a;
}

ImuPasidState io_pasid_free(Io *io, ImuRef set, ImuRef pasid)
{
    ImuPasidFree f = { .set = set, .pasid = pasid };

    OK(io_PASID_FREE(io, &f));
    return f.state;
}

ImuPasidState io_state(Io *io, ImuRef set, ImuRef pasid)
{
    ImuPasidQuery q = { .set = set, .pasid = pasid };
    int rc = io_PASID_QUERY(io, &q);

    if (rc) {
        g_assert_cmpint(rc, ==, -ENOENT);
        return IMU_PASID_FREE;
    }
    return q.state;
}

uint32_t io_hpasid(Io *io, ImuRef set, ImuRef pasid)
{
    ImuPasidQuery q = {
        .head.flags = IMU_PASID_QUERY_HPASID,
        .set = set,
        .pasid = pasid,
    };

    OK(io_PASID_QUERY(io, &q));
    return q.hpasid;
}

ImuRef io_bind(Io *io, ImuRef set, unsigned n)
{
    ImuDevBind b = { .set = set, .func = io_func(n), .cookie = 0xc00 + n };

    OK(io_DEV_BIND(io, &b));
    return b.dev;
}

ImuRef io_mapped(Io *io, ImuRef set, uint32_t flags, ImuRef faultq)
{
    ImuSpaceCreate s = {
        .head.flags = flags,
        .set = set,
        .kind = IMU_SPACE_MAPPED,
        .faultq = faultq,
    };

    OK(io_SPACE_CREATE(io, &s));
    return s.space;
}

void io_map(Io *io, ImuRef set, ImuRef space, unsigned page, unsigned n,
            uint64_t iova)
{
    ImuMap m = {
        .head.flags = IMU_PROT_READ | IMU_PROT_WRITE | IMU_PROT_EXEC |
                      IMU_MAP_FIXED,
        .set = set,
        .space = space,
        .user = io_at(io, page),
        .length = (uint64_t)n * IO_PAGE,
        .iova = iova,
    };

    OK(io_MAP(io, &m));
}

ImuRef io_parent(Io *io, ImuRef set, uint32_t flags)
{
    ImuRef space = io_mapped(io, set, flags | IMU_SPACE_PARENT, io_none());

    io_map(io, set, space, 0, IO_RO_PAGE, 0);
    return space;
}

ImuRef io_faultq(Io *io, ImuRef set, uint64_t deadline_ns)
{
    ImuFaultqCreate q = { .set = set, .deadline_ns = deadline_ns };

    OK(io_FAULTQ_CREATE(io, &q));
    return q.queue;
}

ImuRef io_evq(Io *io, ImuRef set, uint32_t depth)
{
    ImuEvqCreate q = { .set = set, .depth = depth };

    OK(io_EVQ_CREATE(io, &q));
    return q.queue;
}

ImuRef io_nested(Io *io, ImuRef set, ImuRef parent, ImuRef faultq,
                 unsigned page)
{
    uint64_t data = io_at(io, IO_ARG_PAGE) + 2048;
    ImuVtdFirst first = {
        .root = (uint64_t)page * IO_PAGE,
        .flags = IMU_VTD_FIRST_WPE,
    };
    ImuSpaceCreate s = {
        .set = set,
        .kind = IMU_SPACE_NESTED,
        .format = IMU_FORMAT_VTD_FIRST,
        .parent = parent,
        .faultq = faultq,
        .data = data,
        .data_size = sizeof(first),
    };

    io_put(io, data, &first, sizeof(first));
    OK(io_SPACE_CREATE(io, &s));
    return s.space;
}

void io_fs_map(Io *io, unsigned page, uint64_t va, uint64_t gpa, uint64_t flags)
{
    for (unsigned level = 4; level >= 1; level--, page++) {
        uint64_t index = va >> (12 + 9 * (level - 1)) & 511;
        uint64_t at = io_at(io, page) + index * 8;
        uint64_t pte = GUINT64_TO_LE(level == 1 ?
                                         gpa | flags :
                                         (uint64_t)(page + 1) * IO_PAGE |
                                             FS_RWU | (flags & FS_A));

        io_put(io, at, &pte, sizeof(pte));
    }
}

int io_attach_rc(Io *io, ImuRef set, ImuRef dev, const ImuRef *pasid,
                 ImuRef space, uint32_t flags)
{
    ImuAttach a = {
        .head.flags = flags | (pasid ? IMU_ATTACH_PASID : 0),
        .set = set,
        .dev = dev,
        .pasid = pasid ? *pasid : io_none(),
        .space = space,
    };

    return io_ATTACH(io, &a);
}

void io_attach(Io *io, ImuRef set, ImuRef dev, const ImuRef *pasid,
               ImuRef space)
{
    OK(io_attach_rc(io, set, dev, pasid, space, 0));
}

int io_replace(Io *io, ImuRef set, ImuRef dev, const ImuRef *pasid,
               ImuRef space)
{
    ImuReplace a = {
        .head.flags = pasid ? IMU_ATTACH_PASID : 0,
        .set = set,
        .dev = dev,
        .pasid = pasid ? *pasid : io_none(),
        .space = space,
    };

    return io_REPLACE(io, &a);
}

int io_detach(Io *io, ImuRef set, ImuRef dev, const ImuRef *pasid)
{
    ImuDetach a = {
        .head.flags = pasid ? IMU_ATTACH_PASID : 0,
        .set = set,
        .dev = dev,
        .pasid = pasid ? *pasid : io_none(),
    };

    return io_DETACH(io, &a);
}

int io_inv_all(Io *io, ImuRef set, ImuInvTarget target, ImuRef object,
               uint32_t caches)
{
    ImuInvalidate v = {
        .set = set,
        .object = object,
        .target = target,
        .gran = IMU_GRAN_ALL,
        .caches = caches,
    };

    return io_INVALIDATE(io, &v);
}

/* --- the device's side -------------------------------------------------- */

uint16_t io_func(unsigned n)
{
    return (uint16_t)(IO_FUNC0 + 8 * n);
}

static ImXlat request(Io *io, unsigned n, uint32_t pasid, uint64_t addr,
                      ImAccess access, ImAt at)
{
    ImTxn t = {
        .addr = addr,
        .len = 8,
        .rid = io_func(n),
        .access = access,
        .at = at,
        .has_pasid = pasid != IO_NO_PASID,
        .pasid = pasid != IO_NO_PASID ? pasid : 0,
    };

    if (at == IM_AT_TRANSLATION) {
        t.no_write = access == IM_READ;
        t.access = IM_READ;
    }
    return im_ioasid_translate(io->h, &t);
}

ImXlat io_dma(Io *io, unsigned n, uint32_t pasid, uint64_t addr,
              ImAccess access)
{
    return request(io, n, pasid, addr, access, IM_AT_UNTRANSLATED);
}

ImXlat io_ats(Io *io, unsigned n, uint32_t pasid, uint64_t addr,
              ImAccess access)
{
    return request(io, n, pasid, addr, access, IM_AT_TRANSLATION);
}

ImXlat io_translated(Io *io, unsigned n, uint32_t pasid, uint64_t addr,
                     ImAccess access)
{
    return request(io, n, pasid, addr, access, IM_AT_TRANSLATED);
}

bool io_reaches(Io *io, unsigned n, uint32_t pasid, uint64_t addr, uint64_t pa)
{
    ImXlat x = io_dma(io, n, pasid, addr, IM_READ);

    return x.status == IM_OK && x.addr == pa;
}

static void answered_as_told(Io *io, const ImPageReq *q, const ImPageFate *f,
                             unsigned before)
{
    unsigned n = rig_count(io->r, RIG_SEEN_PAGE_RESP);
    const ImPageResp *resp;

    g_assert_false(f->queued && f->answered);
    g_assert_cmpuint(f->fault, ==, 0);
    g_assert_cmpuint(n - before, ==, f->answered);
    if (!f->answered) {
        return;
    }
    resp = &rig_seen(io->r, RIG_SEEN_PAGE_RESP, n - 1)->resp;
    g_assert_true(q->last);
    g_assert_cmphex(f->resp.code, ==, resp->code);
    g_assert_cmphex(f->resp.rid, ==, resp->rid);
    g_assert_cmphex(f->resp.segment, ==, resp->segment);
    g_assert_cmphex(f->resp.prgi, ==, resp->prgi);
    g_assert_cmpint(f->resp.has_pasid, ==, resp->has_pasid);
    g_assert_cmphex(f->resp.pasid, ==, resp->pasid);
}

ImPageFate io_ask_page(Io *io, const ImPageReq *q, ImStepFn *fn, void *opaque)
{
    g_autofree char *shown = io_dump(io), *same = NULL;
    ImIoasidCounters was = *im_ioasid_counters(io->h);
    unsigned seen = io->r->log->len;
    unsigned answers = rig_count(io->r, RIG_SEEN_PAGE_RESP);
    ImPageFate f = im_ioasid_explain_page_request(io->h, q, fn, opaque);

    g_assert_cmpmem(&was, sizeof(was), im_ioasid_counters(io->h), sizeof(was));
    g_assert_cmpuint(io->r->log->len, ==, seen);
    same = io_dump(io);
    g_assert_cmpstr(shown, ==, same);
    im_ioasid_page_request(io->h, q);
    io->r->consistent(io->r);
    if (!io->failed) {
        g_assert_cmpuint(im_ioasid_counters(io->h)->page_groups, ==,
                         was.page_groups + (f.queued && q->last));
        answered_as_told(io, q, &f, answers);
    }
    return f;
}

void io_page_request(Io *io, unsigned n, uint32_t pasid, uint16_t prgi,
                     uint64_t addr, bool last)
{
    ImPageReq q = {
        .addr = addr,
        .rid = io_func(n),
        .prgi = prgi,
        .read = true,
        .last = last,
        .has_pasid = pasid != IO_NO_PASID,
        .pasid = pasid != IO_NO_PASID ? pasid : 0,
    };

    io_ask_page(io, &q, NULL, NULL);
}

unsigned io_complete(Io *io)
{
    unsigned n = 0;

    for (unsigned i = 0; i < rig_count(io->r, RIG_SEEN_ATS_INV); i++) {
        ImAtsInv v = rig_seen(io->r, RIG_SEEN_ATS_INV, i)->inv;

        im_ioasid_ats_inv_done(io->h, im_func(v.segment, v.rid), 1u << v.itag,
                               1);
        io->r->consistent(io->r);
        n++;
    }
    rig_log_clear(io->r);
    return n;
}

void io_settle(Io *io)
{
    for (unsigned i = 0; i < 8; i++) {
        while (io_complete(io)) {
        }
        rig_advance(io->r, io->cfg.ats_timeout_ns + io->cfg.quarantine_ns);
    }
}
