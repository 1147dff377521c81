/*
 * VT-d caches, chapter 6.2, and their invalidation, 6.5.2.
 *
 * Every address space of a requester (VtdSpace) owns tags; entries of the
 * IOTLB and of the paging-structure caches carry one. To invalidate a
 * domain or a PASID is to give its spaces new tags. A space goes when the
 * PASID-cache or context-cache entry that it stands for goes, and with it
 * what it had cached: that is coarser than asked for, which 6.5.2 allows.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>

#include "hw/vtd/dma.h"

#define DID_HASH   1024
#define CTX_HASH   1024

/* More probes than this for one descriptor are dearer than a new tag. */
#define MAX_PROBES_LG2  12u

struct VtdCaches {
    ImTlb tlb;
    ImTlb psc;
    VtdSpace *last;             /* found last */
    uint32_t next_tag;
    uint32_t space_hand;
    ImLink *space_free;        /* dropped, by VtdSpace.hash */
    uint32_t ctx_hand;
    uint32_t spaces;            /* power of two */
    uint32_t ctxs;
    VtdSpace *space;
    VtdCtx *ctx;
    ImLink **space_hash;       /* 2 * spaces */
    ImLink **asid_hash;        /* spaces */
    ImLink *did_hash[DID_HASH];
    ImLink *ctx_hash[CTX_HASH];
    ImLink *ctx_all;
};

#define SPACE_OF(link, member)  IM_LINK_OF(link, VtdSpace, member)
#define CTX_OF(link, member)    IM_LINK_OF(link, VtdCtx, member)

static ImLink **vtd_cache_asid_head(VtdCaches *c, uint16_t did, uint32_t pasid)
{
    return &c->asid_hash[im_link_hash((uint64_t)did << 32 | pasid) &
                         (c->spaces - 1)];
}

/* --- tags ---------------------------------------------------------------- */

static void vtd_cache_assign_tags(VtdCaches *c, VtdSpace *sp)
{
    sp->tlb_tag = c->next_tag;
    sp->fs_tag = c->next_tag + 2;
    sp->ss_tag = c->next_tag + 4;
    c->next_tag += 6;
    sp->tlb_classes = 0;
    sp->fs_classes = 0;
    sp->ss_classes = 0;
    sp->frac = 0;
}

/* A fresh pair; once in 2^26 calls everything starts over. */
static uint32_t vtd_cache_take_tag(VtdCaches *c)
{
    uint32_t tag;

    if (c->next_tag > IM_TLB_TAG_MAX - 8) {
        im_tlb_flush(&c->tlb);
        im_tlb_flush(&c->psc);
        c->next_tag = IM_TLB_TAG_MIN;
        for (uint32_t i = 0; i < c->spaces; i++) {
            vtd_cache_assign_tags(c, &c->space[i]);
        }
    }
    tag = c->next_tag;
    c->next_tag += 2;
    return tag;
}

static void vtd_cache_new_tlb_tag(VtdCaches *c, VtdSpace *sp)
{
    sp->tlb_tag = vtd_cache_take_tag(c);
    sp->tlb_classes = 0;
    sp->frac = 0;
}

static void vtd_cache_new_fs_tag(VtdCaches *c, VtdSpace *sp)
{
    sp->fs_tag = vtd_cache_take_tag(c);
    sp->fs_classes = 0;
}

static void vtd_cache_new_ss_tag(VtdCaches *c, VtdSpace *sp)
{
    sp->ss_tag = vtd_cache_take_tag(c);
    sp->ss_classes = 0;
}

/* --- spaces and contexts ------------------------------------------------- */

static void vtd_cache_drop_space(VtdCaches *c, VtdSpace *sp)
{
    im_link_out(&sp->hash);
    im_link_out(&sp->by_did);
    im_link_out(&sp->by_asid);
    im_link_out(&sp->by_ctx);
    im_link_in(&c->space_free, &sp->hash);
    sp->key = VTD_NO_SPACE;
    sp->used = false;
    if (c->last == sp) {
        c->last = &c->space[0];
    }
}

static void vtd_cache_drop_ctx(VtdCaches *c, VtdCtx *ctx)
{
    while (ctx->spaces) {
        vtd_cache_drop_space(c, SPACE_OF(ctx->spaces, by_ctx));
    }
    im_link_out(&ctx->hash);
    im_link_out(&ctx->all);
    ctx->valid = false;
    ctx->used = false;
}

VtdCtx *im_vtd_ctx_get(VtdCaches *c, uint16_t rid)
{
    ImLink *n = c->ctx_hash[rid % CTX_HASH];

    for (; n; n = n->next) {
        VtdCtx *ctx = CTX_OF(n, hash);

        if (ctx->rid == rid) {
            ctx->used = true;
            return ctx;
        }
    }
    return NULL;
}

VtdCtx *im_vtd_ctx_put(VtdCaches *c, const VtdCtx *from)
{
    VtdCtx *ctx;

    for (;;) {
        ctx = &c->ctx[c->ctx_hand++ & (c->ctxs - 1)];
        if (!ctx->used) {
            break;
        }
        ctx->used = false;
    }
    if (ctx->valid) {
        vtd_cache_drop_ctx(c, ctx);
    }
    *ctx = *from;
    ctx->spaces = NULL;
    ctx->valid = true;
    ctx->used = true;
    im_link_in(&c->ctx_hash[ctx->rid % CTX_HASH], &ctx->hash);
    im_link_in(&c->ctx_all, &ctx->all);
    return ctx;
}

VtdSpace *im_vtd_space_get(VtdCaches *c, uint64_t key)
{
    ImLink *n;

    if (G_LIKELY(c->last->key == key)) {
        return c->last;
    }
    n = c->space_hash[im_link_hash(key) & (2 * c->spaces - 1)];
    for (; n; n = n->next) {
        VtdSpace *sp = SPACE_OF(n, hash);

        if (sp->key == key) {
            sp->used = true;
            c->last = sp;
            return sp;
        }
    }
    return NULL;
}

VtdSpace *im_vtd_space_put(VtdCaches *c, uint64_t key, uint16_t did,
                           uint32_t pasid, VtdCtx *ctx)
{
    VtdSpace *sp;

    while (!c->space_free) {
        sp = &c->space[c->space_hand++ & (c->spaces - 1)];
        if (!sp->used) {
            vtd_cache_drop_space(c, sp);
        }
        sp->used = false;
    }
    sp = SPACE_OF(c->space_free, hash);
    im_link_out(&sp->hash);
    sp->key = key;
    sp->did = did;
    sp->pasid = pasid;
    sp->used = true;
    vtd_cache_new_tlb_tag(c, sp);
    vtd_cache_new_fs_tag(c, sp);
    vtd_cache_new_ss_tag(c, sp);
    im_link_in(&c->space_hash[im_link_hash(sp->key) & (2 * c->spaces - 1)],
               &sp->hash);
    im_link_in(&c->did_hash[sp->did % DID_HASH], &sp->by_did);
    im_link_in(vtd_cache_asid_head(c, sp->did, sp->pasid), &sp->by_asid);
    im_link_in(&ctx->spaces, &sp->by_ctx);
    c->last = sp;
    return sp;
}

/* --- IOTLB, paging-structure caches -------------------------------------- */

static const uint8_t page_shift[IM_TLB_CLASSES] = { 12, 21, 30 };
/* What a table of level 0 and 1 translates. Tables above are few, and read
 * again: a place for each would cost every miss more than it saves. */
static const uint8_t table_shift[IM_TLB_CLASSES] = { 21, 30 };
#define PSC_LEVELS  2

bool im_vtd_iotlb_get(VtdCaches *c, const VtdSpace *sp, bool priv,
                      uint64_t addr, VtdHit *hit)
{
    ImTlbHit h;

    for (unsigned cls = 0; sp->tlb_classes >> cls; cls++) {
        if ((sp->tlb_classes & 1u << cls) &&
            im_tlb_get(&c->tlb, sp->tlb_tag + priv, cls, addr, &h)) {
            hit->addr = h.addr;
            hit->flags = (uint8_t)h.flags;
            hit->shift = page_shift[cls];
            return true;
        }
    }
    return false;
}

void im_vtd_iotlb_prefetch(VtdCaches *c, const VtdSpace *sp, bool priv,
                           uint64_t addr)
{
    im_tlb_prefetch(&c->tlb, sp->tlb_tag + priv, 0, addr);
}

void im_vtd_iotlb_put(VtdCaches *c, VtdSpace *sp, bool priv, uint64_t addr,
                      const VtdHit *hit, unsigned whole)
{
    unsigned cls = hit->shift >= 30 ? 2 : hit->shift >= 21 ? 1 : 0;
    uint64_t rest = (UINT64_C(1) << hit->shift) - 1;
    uint64_t out = hit->addr | (addr & rest);

    sp->tlb_classes |= (uint8_t)(1u << cls);
    if (whole > page_shift[cls]) {
        sp->frac = (uint8_t)MAX(sp->frac, whole);
    }
    im_tlb_put(&c->tlb, sp->tlb_tag + priv, cls, addr,
               out & ~((UINT64_C(1) << page_shift[cls]) - 1), hit->flags);
}

#define PSC_WRITABLE  (1 << 4)

bool im_vtd_psc_get(VtdCaches *c, const VtdSpace *sp, bool priv,
                    unsigned stage, uint64_t in, ImWalkPoint *at)
{
    uint8_t classes = stage == 0 ? sp->fs_classes : sp->ss_classes;
    uint32_t tag = stage == 0 ? sp->fs_tag + priv : sp->ss_tag;
    ImTlbHit h;

    for (unsigned cls = 0; classes >> cls; cls++) {
        if ((classes & 1u << cls) && im_tlb_get(&c->psc, tag, cls, in, &h)) {
            at->table = h.addr;
            at->level = (uint8_t)cls;
            at->perm = h.flags & (PSC_WRITABLE - 1);
            at->writable = h.flags & PSC_WRITABLE;
            return true;
        }
    }
    return false;
}

void im_vtd_psc_put(VtdCaches *c, VtdSpace *sp, bool priv, unsigned stage,
                    uint64_t in, const ImWalkPoint *at)
{
    uint8_t flags = (uint8_t)((at->perm & (PSC_WRITABLE - 1)) |
                              (at->writable ? PSC_WRITABLE : 0));
    uint32_t tag = stage == 0 ? sp->fs_tag + priv : sp->ss_tag;
    uint8_t *classes = stage == 0 ? &sp->fs_classes : &sp->ss_classes;

    if (at->level >= PSC_LEVELS) {
        return;
    }
    *classes |= (uint8_t)(1u << at->level);
    im_tlb_put(&c->psc, tag, at->level, in, at->table, flags);
}

/* --- invalidation, 6.5.2 ------------------------------------------------- */

static bool vtd_cache_by_first_stage(const VtdSpace *sp)
{
    return sp->pgtt == VTD_PGTT_FIRST || sp->pgtt == VTD_PGTT_NESTED;
}

/* Bits of a domain-id beyond CAP.ND are ignored. */
static uint16_t vtd_cache_domain_id(const ImVtd *s, uint16_t did)
{
    return did & im_vtd_did_last(s);
}

void im_vtd_inv_all(ImVtd *s)
{
    VtdCaches *c = s->caches;

    while (c->ctx_all) {
        vtd_cache_drop_ctx(c, CTX_OF(c->ctx_all, all));
    }
}

/*
 * In scalable mode the context cache knows no domain: a domain is everything.
 * A device goes whatever domain it is in.
 */
IM_RULE(VTD_6_5_2_CC);
void im_vtd_inv_context(ImVtd *s, VtdGran g, uint16_t did, uint16_t sid,
                        unsigned fm)
{
    static const uint8_t masked[] = { 0, 1 << 2, 3 << 1, 7 };
    VtdCaches *c = s->caches;
    ImLink *next;

    did = vtd_cache_domain_id(s, did);
    for (ImLink *n = c->ctx_all; n; n = next) {
        VtdCtx *ctx = CTX_OF(n, all);

        next = n->next;
        if ((g == VTD_GRAN_DOMAIN && ctx->legacy && ctx->did != did) ||
            (g == VTD_GRAN_DEVICE &&
             ((ctx->rid ^ sid) & (uint16_t)~masked[fm & 3]))) {
            continue;
        }
        vtd_cache_drop_ctx(c, ctx);
    }
}

/* Apply fn to every space, which may drop it. */
static void vtd_cache_each_space(VtdCaches *c,
                                 void (*fn)(VtdCaches *, VtdSpace *))
{
    for (ImLink *n = c->ctx_all; n; n = n->next) {
        ImLink *next;

        for (ImLink *m = CTX_OF(n, all)->spaces; m; m = next) {
            next = m->next;
            fn(c, SPACE_OF(m, by_ctx));
        }
    }
}

static void vtd_cache_drop_scalable(VtdCaches *c, VtdSpace *sp)
{
    if (!sp->legacy) {
        vtd_cache_drop_space(c, sp);
    }
}

IM_RULE(VTD_6_5_2_PC);
void im_vtd_inv_pasid(ImVtd *s, VtdGran g, uint16_t did, uint32_t pasid)
{
    VtdCaches *c = s->caches;
    ImLink *n;
    ImLink *next;

    did = vtd_cache_domain_id(s, did);
    if (g == VTD_GRAN_GLOBAL) {
        vtd_cache_each_space(c, vtd_cache_drop_scalable);
        return;
    }
    n = g == VTD_GRAN_DOMAIN ? c->did_hash[did % DID_HASH] :
        *vtd_cache_asid_head(c, did, pasid);
    for (; n; n = next) {
        VtdSpace *sp = g == VTD_GRAN_DOMAIN ? SPACE_OF(n, by_did) :
                       SPACE_OF(n, by_asid);

        next = n->next;
        if (sp->did == did && !sp->legacy &&
            (g == VTD_GRAN_DOMAIN || sp->pasid == pasid)) {
            vtd_cache_drop_space(c, sp);
        }
    }
}

/* log2 of the range of a page-selective descriptor. */
static unsigned vtd_cache_range_lg2(unsigned am)
{
    return MIN(12 + am, 63);
}

/* Drop a range from the IOTLB; all of the space when that is cheaper. */
static void vtd_cache_drop_pages(VtdCaches *c, VtdSpace *sp, uint64_t addr,
                                 unsigned lg2)
{
    unsigned smallest = sp->tlb_classes & 1 ? 12 : sp->tlb_classes & 2 ? 21 :
                        30;

    if (!sp->tlb_classes) {
        return;
    }
    /* A page cached in pieces goes with any address in it. */
    lg2 = MAX(lg2, sp->frac);
    if (lg2 > smallest + MAX_PROBES_LG2) {
        vtd_cache_new_tlb_tag(c, sp);
        return;
    }
    for (unsigned priv = 0; priv < 2; priv++) {
        im_tlb_drop(&c->tlb, sp->tlb_tag + priv, sp->tlb_classes, addr, lg2);
    }
}

static void vtd_cache_drop_fs_tables(VtdCaches *c, VtdSpace *sp, uint64_t addr,
                                     unsigned lg2)
{
    if (lg2 > table_shift[0] + MAX_PROBES_LG2) {
        vtd_cache_new_fs_tag(c, sp);
        return;
    }
    for (unsigned priv = 0; sp->fs_classes && priv < 2; priv++) {
        im_tlb_drop(&c->psc, sp->fs_tag + priv, sp->fs_classes, addr, lg2);
    }
}

static void vtd_cache_drop_ss_tables(VtdCaches *c, VtdSpace *sp, uint64_t addr,
                                     unsigned lg2)
{
    if (lg2 > table_shift[0] + MAX_PROBES_LG2) {
        vtd_cache_new_ss_tag(c, sp);
    } else if (sp->ss_classes) {
        im_tlb_drop(&c->psc, sp->ss_tag, sp->ss_classes, addr, lg2);
    }
}

static void vtd_cache_inv_space(VtdCaches *c, VtdSpace *sp)
{
    vtd_cache_new_tlb_tag(c, sp);
    vtd_cache_new_fs_tag(c, sp);
    vtd_cache_new_ss_tag(c, sp);
}

/* Table 23. */
IM_RULE(VTD_6_5_2_IOTLB_GLOBAL);
IM_RULE(VTD_6_5_2_IOTLB_DOMAIN);
IM_RULE(VTD_6_5_2_IOTLB_PAGE);
IM_RULE(VTD_6_5_2_IOTLB_PAGE_FS);
void im_vtd_inv_iotlb(ImVtd *s, VtdGran g, uint16_t did, uint64_t addr,
                      unsigned am, bool ih)
{
    VtdCaches *c = s->caches;
    unsigned lg2 = vtd_cache_range_lg2(am);

    s->counters.iotlb_invalidations++;
    if (g == VTD_GRAN_GLOBAL) {
        vtd_cache_each_space(c, vtd_cache_inv_space);
        return;
    }
    did = vtd_cache_domain_id(s, did);
    addr &= im_vtd_gaw_last(s, 0);
    for (ImLink *n = c->did_hash[did % DID_HASH]; n; n = n->next) {
        VtdSpace *sp = SPACE_OF(n, by_did);

        if (sp->did != did) {
            continue;
        }
        if (g == VTD_GRAN_DOMAIN) {
            vtd_cache_inv_space(c, sp);
            continue;
        }
        if (vtd_cache_by_first_stage(sp)) {
            vtd_cache_new_tlb_tag(c, sp);
            vtd_cache_new_fs_tag(c, sp);
        } else {
            vtd_cache_drop_pages(c, sp, addr, lg2);
        }
        if (!ih) {
            vtd_cache_drop_ss_tables(c, sp, addr, lg2);
        }
    }
}

/* First-stage entries are tagged by Addr[47:12] or Addr[56:12] (Table 18):
 * the bits above do not matter, in whatever form software sends them. */
static uint64_t vtd_cache_fs_address(const VtdSpace *sp, uint64_t addr)
{
    unsigned unused = sp->fs.top == 4 ? 7 : 16;

    return (uint64_t)((int64_t)(addr << unused) >> unused);
}

/* Table 24. */
IM_RULE(VTD_6_5_2_PIOTLB_PASID);
IM_RULE(VTD_6_5_2_PIOTLB_PAGE);
void im_vtd_inv_piotlb(ImVtd *s, VtdGran g, uint16_t did, uint32_t pasid,
                       uint64_t addr, unsigned am, bool ih)
{
    VtdCaches *c = s->caches;
    unsigned lg2 = vtd_cache_range_lg2(am);

    s->counters.iotlb_invalidations++;
    did = vtd_cache_domain_id(s, did);
    for (ImLink *n = *vtd_cache_asid_head(c, did, pasid); n; n = n->next) {
        VtdSpace *sp = SPACE_OF(n, by_asid);

        if (sp->did != did || sp->pasid != pasid || sp->legacy) {
            continue;
        }
        if (g == VTD_GRAN_PASID) {
            vtd_cache_new_tlb_tag(c, sp);
            vtd_cache_new_fs_tag(c, sp);
        } else if (vtd_cache_by_first_stage(sp)) {
            vtd_cache_drop_pages(c, sp, vtd_cache_fs_address(sp, addr), lg2);
            if (!ih) {
                vtd_cache_drop_fs_tables(c, sp, vtd_cache_fs_address(sp, addr),
                                         lg2);
            }
        }
    }
}

/* --- life, dump ---------------------------------------------------------- */

VtdCaches *im_vtd_caches_new(const ImVtdConfig *cfg)
{
    VtdCaches *c = g_new0(VtdCaches, 1);
    uint32_t n = cfg->iotlb_entries;

    im_tlb_init(&c->tlb, n, page_shift);
    im_tlb_init(&c->psc, im_cache_size(n / 16, 64, 1u << 20), table_shift);
    c->spaces = im_cache_size(n / 16, 16, 4096);
    c->ctxs = im_cache_size(n / 64, 16, 1024);
    c->space = g_new0(VtdSpace, c->spaces);
    c->ctx = g_new0(VtdCtx, c->ctxs);
    c->space_hash = g_new0(ImLink *, 2 * c->spaces);
    c->asid_hash = g_new0(ImLink *, c->spaces);
    c->next_tag = IM_TLB_TAG_MIN;
    for (uint32_t i = 0; i < c->spaces; i++) {
        c->space[i].key = VTD_NO_SPACE;
        im_link_in(&c->space_free, &c->space[i].hash);
    }
    c->last = &c->space[0];
    return c;
}

void im_vtd_caches_free(VtdCaches *c)
{
    if (!c) {
        return;
    }
    im_tlb_destroy(&c->tlb);
    im_tlb_destroy(&c->psc);
    g_free(c->space);
    g_free(c->ctx);
    g_free(c->space_hash);
    g_free(c->asid_hash);
    g_free(c);
}

typedef struct Count {
    GHashTable *live;           /* tag + privilege -> VtdSpace */
    GString *out;               /* NULL: only count */
    unsigned n;
} Count;

#define MAX_DUMPED  64

static void vtd_cache_count_entry(void *opaque, uint32_t tag, unsigned cls,
                                  uint64_t addr, const ImTlbHit *hit)
{
    Count *k = opaque;
    const VtdSpace *sp = g_hash_table_lookup(k->live, GUINT_TO_POINTER(tag));

    if (!sp) {
        return;
    }
    if (k->out && k->n < MAX_DUMPED) {
        g_string_append_printf(k->out, "  %04x pasid %05x%s %016" PRIx64
                               " -> %016" PRIx64 " %s %c%c%s\n",
                               sp->rid, sp->pasid,
                               sp->key >> 32 & 1 ? "" : " (rid)",
                               addr, hit->addr,
                               cls == 0 ? "4K" : cls == 1 ? "2M" : "1G",
                               hit->flags & IM_PERM_R ? 'r' : '-',
                               hit->flags & IM_PERM_W ? 'w' : '-',
                               tag & 1 ? " supervisor" : "");
    }
    k->n++;
}

static unsigned vtd_cache_count_live(const VtdCaches *c, GString *out)
{
    Count k = { .live = g_hash_table_new(NULL, NULL), .out = out };

    for (uint32_t i = 0; i < c->spaces; i++) {
        VtdSpace *sp = &c->space[i];

        if (sp->key != VTD_NO_SPACE) {
            g_hash_table_insert(k.live, GUINT_TO_POINTER(sp->tlb_tag), sp);
            g_hash_table_insert(k.live, GUINT_TO_POINTER(sp->tlb_tag + 1),
                                sp);
        }
    }
    im_tlb_visit(&c->tlb, vtd_cache_count_entry, &k);
    g_hash_table_unref(k.live);
    return k.n;
}

unsigned im_vtd_cached_translations(const ImVtd *s)
{
    return vtd_cache_count_live(s->caches, NULL);
}

void im_vtd_caches_dump(ImVtd *s, GString *out)
{
    static const char *const pgtt[] = {
        "?", "first", "second", "nested", "pass-through",
    };
    const VtdCaches *c = s->caches;
    unsigned n;

    g_string_append(out, "context cache:\n");
    for (uint32_t i = 0; i < c->ctxs; i++) {
        const VtdCtx *ctx = &c->ctx[i];

        if (ctx->valid) {
            g_string_append_printf(out, "  %04x %s%s%s%s\n", ctx->rid,
                                   ctx->legacy ? "legacy" : "scalable",
                                   ctx->ats ? " ats" : "",
                                   ctx->paside ? " pasid" : "",
                                   ctx->pre ? " pri" : "");
        }
    }
    g_string_append(out, "address spaces:\n");
    for (uint32_t i = 0; i < c->spaces; i++) {
        const VtdSpace *sp = &c->space[i];

        if (sp->key != VTD_NO_SPACE) {
            g_string_append_printf(out, "  %04x pasid %05x%s did %04x %s\n",
                                   sp->rid, sp->pasid,
                                   sp->key >> 32 & 1 ? "" : " (rid)",
                                   sp->did, pgtt[sp->pgtt]);
        }
    }
    g_string_append(out, "iotlb:\n");
    n = vtd_cache_count_live(c, out);
    g_string_append_printf(out, "  %u translations%s\n", n,
                           n > MAX_DUMPED ? ", the rest not shown" : "");
}
