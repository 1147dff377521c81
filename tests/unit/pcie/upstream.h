/*
 * What is above an endpoint under test: memory, a table of mappings that
 * answers translation requests, a page request queue, a clock. Everything
 * asynchronous waits until a test lets it happen.
 *
 * Test programs are single files: all of this is inline.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_UNIT_PCIE_UPSTREAM_H
#define TESTS_UNIT_PCIE_UPSTREAM_H

#include <string.h>

#include "im/im_pcie.h"
#include "im/spec/pasid_ep_uapi.h"

#define UP_MEM      (UINT64_C(4) << 20)
#define UP_NO_PASID (-1)
#define UP_VA       UINT64_C(0x7f0000000000)

typedef struct UpMap {
    uint64_t va;
    uint64_t pa;
    uint64_t size;
    int64_t pasid;
    unsigned perm;
    bool priv;
    bool global;
    bool u;
} UpMap;

typedef struct UpParked {
    uint64_t handle;
    ImTxn txn;
    void *buf;
} UpParked;

typedef struct Up {
    ImEp *ep;
    ImEpConfig cfg;
    uint8_t *mem;
    GArray *maps;               /* UpMap */
    GArray *dma;                /* ImTxn, as they came */
    GArray *ats;                /* ImTxn */
    GArray *asked;              /* ImPageReq */
    GArray *done;               /* uint32_t ITag vectors */
    uint64_t cc;                /* of each in done, 4 bits, last lowest */
    GArray *msi;                /* unsigned */
    GArray *parked;             /* UpParked */
    unsigned answered;          /* of asked */
    uint64_t now;
    uint64_t deadline;
    uint64_t next_handle;
    uint64_t next_pa;           /* frames for pages that are served */
    bool kicked;
    bool has_rid;               /* of the last DMA */
    unsigned plain;             /* of these, plain ones */
    bool park;                  /* park memory requests */
    bool ats_ur;                /* answer translation requests so */
    bool ats_ca;
    unsigned serve_perm;        /* page requests of served ranges; 0: none */
    uint64_t serve_va;
    uint64_t serve_size;
    uint64_t accesses;
    uint64_t fail_at;           /* n-th access is answered with fail_cpl */
    ImCpl fail_cpl;
    bool failed;
    ImXlat *override;           /* answer of the next translation requests */
    void (*in_ats)(struct Up *up);
    void (*in_dma)(struct Up *up);
    void (*in_asked)(struct Up *up);
} Up;

static inline const UpMap *up_find(Up *up, uint64_t va, int64_t pasid,
                                   bool priv)
{
    for (unsigned i = 0; i < up->maps->len; i++) {
        const UpMap *m = &g_array_index(up->maps, UpMap, i);

        if (va - m->va < m->size && m->priv == priv &&
            (m->pasid == pasid || (m->global && pasid >= 0))) {
            return m;
        }
    }
    return NULL;
}

static inline int64_t up_key(const ImTxn *txn)
{
    return txn->has_pasid ? (int64_t)txn->pasid : UP_NO_PASID;
}

static inline bool up_fails(Up *up)
{
    if (++up->accesses != up->fail_at) {
        return false;
    }
    up->failed = true;
    return true;
}

/* Where a memory request goes; false: it is refused. */
static inline bool up_resolve(Up *up, const ImTxn *txn, uint64_t *pa)
{
    const UpMap *m;

    if (txn->at == IM_AT_TRANSLATED) {
        *pa = txn->addr;
    } else if (txn->at == IM_AT_UNTRANSLATED) {
        m = up_find(up, txn->addr, up_key(txn), txn->priv);
        if (!m || (txn->access & ~m->perm & 3)) {
            return false;
        }
        *pa = m->pa + (txn->addr - m->va);
    } else {
        return false;
    }
    return *pa < UP_MEM && txn->len <= UP_MEM - *pa;
}

static inline ImStatus up_access(Up *up, const ImTxn *txn, void *buf,
                                 ImCpl *cpl)
{
    uint64_t pa;

    *cpl = IM_CPL_SC;
    if (!up_resolve(up, txn, &pa)) {
        *cpl = IM_CPL_UR;
        return IM_FAULT;
    }
    if (txn->access == IM_WRITE) {
        memcpy(up->mem + pa, buf, txn->len);
    } else {
        memcpy(buf, up->mem + pa, txn->len);
    }
    return IM_OK;
}

static inline ImStatus up_dma(void *host, const ImTxn *txn, bool has_rid,
                              void *buf, ImCpl *cpl, uint64_t *handle)
{
    Up *up = host;

    g_assert_cmpuint((txn->addr & 4095) + txn->len, <=, 4096);
    g_array_append_val(up->dma, *txn);
    up->has_rid = has_rid;
    if (up->in_dma) {
        up->in_dma(up);
    }
    if (up_fails(up)) {
        *cpl = up->fail_cpl;
        return IM_FAULT;
    }
    if (up->park) {
        UpParked p = { ++up->next_handle, *txn, buf };

        g_array_append_val(up->parked, p);
        *handle = p.handle;
        return IM_PENDING;
    }
    return up_access(up, txn, buf, cpl);
}

/* What a function without PASID does; it cannot be parked. */
static inline ImStatus up_plain(void *host, uint64_t addr, void *buf,
                                size_t len, bool write)
{
    Up *up = host;
    ImTxn txn = {
        .addr = addr,
        .len = len,
        .access = write ? IM_WRITE : IM_READ,
    };
    ImCpl cpl;

    up->plain++;
    g_array_append_val(up->dma, txn);
    if (up->in_dma) {
        up->in_dma(up);
    }
    return up_fails(up) ? IM_FAULT : up_access(up, &txn, buf, &cpl);
}

static inline ImXlat up_ats(void *host, const ImTxn *txn, bool has_rid)
{
    Up *up = host;
    ImXlat x = { .status = IM_OK, .mask = 4095 };
    const UpMap *m;

    (void)has_rid;
    g_assert_cmpuint(txn->at, ==, IM_AT_TRANSLATION);
    g_array_append_val(up->ats, *txn);
    if (up->in_ats) {
        up->in_ats(up);
    }
    if (up_fails(up) || up->ats_ca || up->ats_ur) {
        x.status = IM_FAULT;
        x.cpl = (uint8_t)(up->ats_ur ? IM_CPL_UR :
                          up->ats_ca ? IM_CPL_CA :
                                       up->fail_cpl);
        return x;
    }
    if (up->override) {
        return *up->override;
    }
    m = up_find(up, txn->addr, up_key(txn), txn->priv);
    if (m) {
        x.addr = m->pa + (txn->addr - m->va);
        x.mask = m->size - 1;
        x.perm = (uint8_t)(m->perm & (txn->exec ? 7u : 3u));
        if (txn->no_write) {
            x.perm &= (uint8_t)~IM_PERM_W;
        }
        x.priv = txn->priv;
        x.global = m->global;
        x.untranslated_only = m->u;
    }
    return x;
}

static inline void up_page_request(void *host, const ImPageReq *req)
{
    Up *up = host;

    g_array_append_val(up->asked, *req);
    if (up->in_asked) {
        up->in_asked(up);
    }
}

static inline void up_inv_done(void *host, uint32_t itag_vector, unsigned cc)
{
    Up *up = host;

    up->cc = up->cc << 4 | cc;
    g_array_append_val(up->done, itag_vector);
}

static inline void up_msi(void *host, unsigned vector)
{
    Up *up = host;

    g_array_append_val(up->msi, vector);
}

static inline void up_kick(void *host)
{
    ((Up *)host)->kicked = true;
}

static inline uint64_t up_now(void *host)
{
    return ((Up *)host)->now;
}

static inline void up_set_deadline(void *host, uint64_t when)
{
    ((Up *)host)->deadline = when;
}

/* A function with everything enabled, mastering, allocation 32. */
static inline Up *up_new_with(const ImEpConfig *cfg)
{
    static const ImEpPort port = {
        .size = sizeof(ImEpPort),
        .dma = up_dma,
        .ats = up_ats,
        .page_request = up_page_request,
        .ats_inv_done = up_inv_done,
        .msi = up_msi,
        .kick = up_kick,
        .now = up_now,
        .deadline = up_set_deadline,
        .plain = up_plain,
    };
    Up *up = g_new0(Up, 1);
    char *err = NULL;

    up->cfg = *cfg;
    up->mem = g_malloc0(UP_MEM);
    up->maps = g_array_new(false, false, sizeof(UpMap));
    up->dma = g_array_new(false, false, sizeof(ImTxn));
    up->ats = g_array_new(false, false, sizeof(ImTxn));
    up->asked = g_array_new(false, false, sizeof(ImPageReq));
    up->done = g_array_new(false, false, sizeof(uint32_t));
    up->msi = g_array_new(false, false, sizeof(unsigned));
    up->parked = g_array_new(false, false, sizeof(UpParked));
    up->deadline = IM_NEVER;
    up->next_pa = UP_MEM / 2;
    up->fail_cpl = IM_CPL_CA;
    up->ep = im_ep_new(cfg, &port, up, &err);
    g_assert_no_error(NULL);
    g_assert_null(err);
    g_assert_nonnull(up->ep);
    return up;
}

static inline void up_free(Up *up)
{
    im_ep_free(up->ep);
    g_array_free(up->maps, true);
    g_array_free(up->dma, true);
    g_array_free(up->ats, true);
    g_array_free(up->asked, true);
    g_array_free(up->done, true);
    g_array_free(up->msi, true);
    g_array_free(up->parked, true);
    g_free(up->mem);
    g_free(up);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Up, up_free)

static inline uint64_t up_r(Up *up, uint64_t off)
{
    return im_ep_mmio_read(up->ep, off, 8);
}

static inline void up_w(Up *up, uint64_t off, uint64_t val)
{
    im_ep_mmio_write(up->ep, off, val, 8);
}

static inline uint64_t up_ch(Up *up, unsigned ch, uint64_t reg)
{
    return up_r(up, PASID_EP_CH(ch, reg));
}

static inline void up_ch_w(Up *up, unsigned ch, uint64_t reg, uint64_t val)
{
    up_w(up, PASID_EP_CH(ch, reg), val);
}

/* Configuration offset of a capability by walking the chain; 0: absent. */
static inline unsigned up_cap(Up *up, unsigned id)
{
    unsigned off = IM_EP_ECAP_BASE;

    for (unsigned i = 0; off && off < IM_EP_ECAP_END && i < 8; i++) {
        uint32_t head = im_ep_cfg_read(up->ep, off, 4);

        if ((head & 0xffff) == id && head) {
            return off;
        }
        off = head >> 20;
    }
    return 0;
}

/* In the order Linux does it: PASID, ATS, PRI. */
static inline void up_enable(Up *up, uint32_t allocation)
{
    unsigned pasid = up_cap(up, 0x1b), ats = up_cap(up, 0xf);
    unsigned pri = up_cap(up, 0x13);

    im_ep_set_bus_master(up->ep, true);
    if (pasid) {
        im_ep_cfg_write(up->ep, pasid + 6, 7, 2);
    }
    if (ats) {
        im_ep_cfg_write(up->ep, ats + 6, 0x8000, 2);
    }
    if (pri) {
        im_ep_cfg_write(up->ep, pri + 4, 2, 2);
        im_ep_cfg_write(up->ep, pri + 12, allocation, 4);
        im_ep_cfg_write(up->ep, pri + 4, 1, 2);
    }
}

static inline Up *up_new(void)
{
    Up *up = up_new_with(&IM_EP_CONFIG_DEFAULT);

    up_enable(up, 32);
    return up;
}

static inline void up_map(Up *up, uint64_t va, uint64_t pa, uint64_t size,
                          int64_t pasid, unsigned perm)
{
    UpMap m = {
        .va = va, .pa = pa, .size = size, .pasid = pasid, .perm = perm
    };

    g_array_append_val(up->maps, m);
}

static inline void up_unmap(Up *up, uint64_t va, int64_t pasid)
{
    for (unsigned i = up->maps->len; i-- > 0;) {
        const UpMap *m = &g_array_index(up->maps, UpMap, i);

        if (m->va == va && m->pasid == pasid) {
            g_array_remove_index(up->maps, i);
        }
    }
}

/* Let the endpoint work until it has nothing left to do by itself. */
static inline void up_run(Up *up)
{
    for (unsigned i = 0; up->kicked; i++) {
        g_assert_cmpuint(i, <, 100000);
        up->kicked = false;
        while (im_ep_run(up->ep)) {
            g_assert_cmpuint(++i, <, 100000);
        }
    }
}

static inline ImPageReq *up_asked(Up *up, unsigned i)
{
    g_assert_cmpuint(i, <, up->asked->len);
    return &g_array_index(up->asked, ImPageReq, i);
}

static inline void up_respond(Up *up, uint16_t prgi, uint8_t code,
                              bool has_pasid, uint32_t pasid)
{
    const ImPageResp resp = {
        .prgi = prgi,
        .code = code,
        .has_pasid = has_pasid,
        .pasid = pasid,
    };

    im_ep_page_response(up->ep, &resp);
}

/* Make a page present as its request asks. */
static inline bool up_serve_one(Up *up, const ImPageReq *req)
{
    unsigned want = (req->read ? IM_PERM_R : 0u) |
                    (req->write ? IM_PERM_W : 0u);
    int64_t key = req->has_pasid ? (int64_t)req->pasid : UP_NO_PASID;

    if (req->addr - up->serve_va >= up->serve_size ||
        (want & ~up->serve_perm) || req->priv) {
        return false;
    }
    if (!up_find(up, req->addr, key, false)) {
        g_assert_cmpuint(up->next_pa, <, UP_MEM);
        up_map(up, req->addr, up->next_pa, 4096, key, up->serve_perm);
        up->next_pa += 4096;
    }
    return true;
}

/* Answer every group that is complete, as an operating system does. */
static inline void up_serve(Up *up)
{
    bool good = true;

    while (up->answered < up->asked->len) {
        ImPageReq req = *up_asked(up, up->answered++);

        if (!req.read && !req.write) {
            continue;                       /* stop marker */
        }
        good &= up_serve_one(up, &req);
        if (req.last) {
            up_respond(up, req.prgi,
                       good ? IM_PAGE_RESP_SUCCESS : IM_PAGE_RESP_INVALID,
                       req.has_pasid, req.pasid);
            good = true;
        }
    }
}

/* Work and answer until nothing changes any more. */
static inline void up_pump(Up *up)
{
    for (unsigned i = 0; up->kicked || up->answered < up->asked->len; i++) {
        g_assert_cmpuint(i, <, 100000);
        up_run(up);
        up_serve(up);
    }
}

static inline void up_advance(Up *up, uint64_t ns)
{
    up->now += ns;
    while (up->deadline <= up->now) {
        up->deadline = IM_NEVER;
        im_ep_deadline(up->ep);
    }
}

/* End the oldest parked request. */
static inline void up_unpark(Up *up, bool ok)
{
    UpParked p;
    ImCpl cpl = IM_CPL_CA;
    ImStatus status = IM_FAULT;

    g_assert_cmpuint(up->parked->len, >, 0);
    p = g_array_index(up->parked, UpParked, 0);
    g_array_remove_index(up->parked, 0);
    if (ok) {
        status = up_access(up, &p.txn, p.buf, &cpl);
    }
    im_ep_dma_done(up->ep, p.handle, status, cpl);
}

typedef struct UpOp {
    unsigned op;
    unsigned mode;
    uint64_t addr;
    uint64_t addr2;
    uint64_t len;
    uint64_t seed;
    int64_t pasid;
    uint64_t flags;             /* more bits of CH_CTRL */
} UpOp;

static inline void up_program(Up *up, unsigned ch, const UpOp *op)
{
    uint64_t ctrl = PASID_EP_PUT(PASID_EP_CH_CTRL_OP, (uint64_t)op->op) |
                    PASID_EP_PUT(PASID_EP_CH_CTRL_MODE, (uint64_t)op->mode) |
                    op->flags;

    if (op->pasid >= 0) {
        ctrl |= PASID_EP_CH_CTRL_PASID;
        up_ch_w(up, ch, PASID_EP_CH_PASID, (uint64_t)op->pasid);
    }
    up_ch_w(up, ch, PASID_EP_CH_CTRL, ctrl);
    up_ch_w(up, ch, PASID_EP_CH_ADDR, op->addr);
    up_ch_w(up, ch, PASID_EP_CH_ADDR2, op->addr2);
    up_ch_w(up, ch, PASID_EP_CH_LEN, op->len);
    up_ch_w(up, ch, PASID_EP_CH_SEED, op->seed);
}

static inline void up_start(Up *up, unsigned ch, const UpOp *op)
{
    up_program(up, ch, op);
    up_ch_w(up, ch, PASID_EP_CH_COMMAND, PASID_EP_CH_CMD_START);
}

static inline unsigned up_state(Up *up, unsigned ch)
{
    return (unsigned)PASID_EP_GET(up_ch(up, ch, PASID_EP_CH_STATUS),
                                  PASID_EP_CH_STATUS_STATE);
}

static inline unsigned up_cause(Up *up, unsigned ch)
{
    return (unsigned)PASID_EP_GET(up_ch(up, ch, PASID_EP_CH_STATUS),
                                  PASID_EP_CH_STATUS_CAUSE);
}

/* Start on channel 0, run and serve; returns the cause, 0 for OK. */
static inline unsigned up_do(Up *up, const UpOp *op)
{
    up_start(up, 0, op);
    up_pump(up);
    return up_state(up, 0) == PASID_EP_STATE_OK ? 0 : up_cause(up, 0);
}

static inline void up_invalidate(Up *up, uint64_t va, uint8_t lg2,
                                 int64_t pasid, bool global, uint8_t itag)
{
    const ImAtsInv inv = {
        .addr = va,
        .lg2size = lg2,
        .has_pasid = pasid >= 0,
        .pasid = pasid >= 0 ? (uint32_t)pasid : 0,
        .global = global,
        .itag = itag,
    };

    im_ep_ats_invalidate(up->ep, &inv);
}

static inline uint64_t up_misuse(Up *up)
{
    return up_r(up, PASID_EP_MISUSE);
}

#endif /* TESTS_UNIT_PCIE_UPSTREAM_H */
