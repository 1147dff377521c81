/*
 * VT-d caches, chapter 6.2, and their invalidation, 6.5.2.
 *
 * Every address space of a requester (VtdSpace) owns what the IOTLB and the
 * paging-structure caches hold for it. A space goes when the PASID-cache or
 * context-cache entry that it stands for goes, and with it what it had
 * cached: that is coarser than asked for, which 6.5.2 allows.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/vtd/dma.h"

#define DID_HASH  1024

#define SPACE_OF(link, member)  IM_LINK_OF(link, VtdSpace, member)

static ImLink **vtd_cache_did_head(VtdCaches *c, uint16_t did)
{
    return &c->by_did[did % DID_HASH];
}

static ImLink **vtd_cache_asid_head(VtdCaches *c, uint16_t did, uint32_t pasid)
{
    return &c->by_asid[im_link_hash((uint64_t)did << 32 | pasid) &
                       c->spaces.mask];
}

/* --- spaces and contexts ------------------------------------------------ */

/* What was translated for a space, and how, is forgotten. */
static void vtd_cache_renew_space(VtdCaches *c, VtdSpace *sp)
{
    im_owner_renew(&c->pages, &sp->pages);
    im_owner_renew(&c->tables, &sp->fs_tables);
    im_owner_renew(&c->tables, &sp->ss_tables);
}

static void vtd_cache_drop_space(void *opaque, void *slot)
{
    VtdCaches *c = opaque;
    VtdSpace *sp = slot;

    vtd_cache_renew_space(c, sp);
    im_link_out(&sp->by_did);
    im_link_out(&sp->by_asid);
    im_link_out(&sp->by_ctx);
    im_pool_free(&c->spaces, sp);
}

static void vtd_cache_drop_ctx(void *opaque, void *slot)
{
    VtdCaches *c = opaque;
    VtdCtx *ctx = slot;

    while (ctx->spaces) {
        vtd_cache_drop_space(c, SPACE_OF(ctx->spaces, by_ctx));
    }
    im_pool_free(&c->ctxs, ctx);
}

VtdSpace *im_vtd_space_put(VtdCaches *c, uint64_t key, uint16_t did,
                           uint32_t pasid, VtdCtx *ctx)
{
    VtdSpace *sp = im_pool_put(&c->spaces, key);

    sp->did = did;
    sp->pasid = pasid;
    im_link_in(vtd_cache_did_head(c, did), &sp->by_did);
    im_link_in(vtd_cache_asid_head(c, did, pasid), &sp->by_asid);
    im_link_in(&ctx->spaces, &sp->by_ctx);
    return sp;
}

/* --- invalidation, 6.5.2 ------------------------------------------------ */

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

    IM_POOL_EACH(&c->ctxs, VtdCtx, ctx) {
        vtd_cache_drop_ctx(c, ctx);
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

    did = vtd_cache_domain_id(s, did);
    IM_POOL_EACH(&c->ctxs, VtdCtx, ctx) {
        if ((g == VTD_GRAN_DOMAIN && ctx->legacy && ctx->did != did) ||
            (g == VTD_GRAN_DEVICE &&
             ((ctx->rid ^ sid) & (uint16_t)~masked[fm & 3]))) {
            continue;
        }
        vtd_cache_drop_ctx(c, ctx);
    }
}

static void vtd_cache_drop_scalable(VtdCaches *c)
{
    IM_POOL_EACH(&c->spaces, VtdSpace, sp) {
        if (!sp->legacy) {
            vtd_cache_drop_space(c, sp);
        }
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
        vtd_cache_drop_scalable(c);
        return;
    }
    n = g == VTD_GRAN_DOMAIN ? *vtd_cache_did_head(c, did) :
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

/* The range of a page-selective descriptor, and what is left to spend. */
typedef struct VtdRange {
    uint64_t first, last;
    uint32_t budget;
} VtdRange;

static VtdRange vtd_cache_range(uint64_t addr, unsigned am)
{
    uint64_t rest = (UINT64_C(1) << MIN(12 + am, 63)) - 1;

    return (VtdRange) { addr & ~rest, addr | rest, IM_OWNER_BUDGET };
}

static void vtd_cache_drop_pages(VtdCaches *c, VtdSpace *sp, VtdRange *v)
{
    im_owner_drop(&c->pages, &sp->pages, v->first, v->last, &v->budget);
}

static void vtd_cache_drop_tables(VtdCaches *c, ImOwner *o, VtdRange *v)
{
    im_owner_drop(&c->tables, o, v->first, v->last, &v->budget);
}

/* What the first stage had a part in. */
static void vtd_cache_renew_first(VtdCaches *c, VtdSpace *sp)
{
    im_owner_renew(&c->pages, &sp->pages);
    im_owner_renew(&c->tables, &sp->fs_tables);
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
    VtdRange v = vtd_cache_range(addr & im_vtd_gaw_last(s, 0), am);

    s->counters.iotlb_invalidations++;
    if (g == VTD_GRAN_GLOBAL) {
        IM_POOL_EACH(&c->spaces, VtdSpace, sp) {
            vtd_cache_renew_space(c, sp);
        }
        return;
    }
    did = vtd_cache_domain_id(s, did);
    for (ImLink *n = *vtd_cache_did_head(c, did); n; n = n->next) {
        VtdSpace *sp = SPACE_OF(n, by_did);

        if (sp->did != did) {
            continue;
        }
        if (g == VTD_GRAN_DOMAIN) {
            vtd_cache_renew_space(c, sp);
            continue;
        }
        if (vtd_cache_by_first_stage(sp)) {
            vtd_cache_renew_first(c, sp);
        } else {
            vtd_cache_drop_pages(c, sp, &v);
        }
        if (!ih) {
            vtd_cache_drop_tables(c, &sp->ss_tables, &v);
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
    uint32_t budget = IM_OWNER_BUDGET;

    s->counters.iotlb_invalidations++;
    did = vtd_cache_domain_id(s, did);
    for (ImLink *n = *vtd_cache_asid_head(c, did, pasid); n; n = n->next) {
        VtdSpace *sp = SPACE_OF(n, by_asid);
        VtdRange v;

        if (sp->did != did || sp->pasid != pasid || sp->legacy) {
            continue;
        }
        if (g == VTD_GRAN_PASID) {
            vtd_cache_renew_first(c, sp);
        } else if (vtd_cache_by_first_stage(sp)) {
            v = vtd_cache_range(vtd_cache_fs_address(sp, addr), am);
            v.budget = budget;
            vtd_cache_drop_pages(c, sp, &v);
            if (!ih) {
                vtd_cache_drop_tables(c, &sp->fs_tables, &v);
            }
            budget = v.budget;
        }
    }
}

/* --- life, dump --------------------------------------------------------- */

static const uint8_t page_shift[IM_TLB_CLASSES] = { 12, 21, 30 };
static const uint8_t table_shift[IM_TLB_CLASSES] = { 21, 30 };

VtdCaches *im_vtd_caches_new(const ImVtdConfig *cfg)
{
    VtdCaches *c = g_new0(VtdCaches, 1);
    uint32_t n = cfg->iotlb_entries;
    uint32_t spaces = im_cache_size(n / 16, 16, 4096);
    uint32_t ctxs = im_cache_size(n / 64, 16, 1024);
    VtdSpace *space;

    im_owned_init(&c->pages, n, page_shift);
    im_owned_init(&c->tables, im_cache_size(n / 16, 64, 1u << 20), table_shift);
    im_pool_new(&c->ctxs, ctxs, sizeof(VtdCtx), vtd_cache_drop_ctx, c);
    space = im_pool_new(&c->spaces, spaces, sizeof(VtdSpace),
                        vtd_cache_drop_space, c);
    for (uint32_t i = 0; i < spaces; i++) {
        im_owner_add(&c->pages, &space[i].pages, 0);
        im_owner_add(&c->tables, &space[i].fs_tables, 0);
        im_owner_add(&c->tables, &space[i].ss_tables, 0);
    }
    c->by_did = g_new0(ImLink *, DID_HASH);
    c->by_asid = g_new0(ImLink *, c->spaces.mask + 1);
    return c;
}

void im_vtd_caches_free(VtdCaches *c)
{
    if (!c) {
        return;
    }
    im_owned_destroy(&c->pages);
    im_owned_destroy(&c->tables);
    im_pool_destroy(&c->ctxs);
    im_pool_destroy(&c->spaces);
    g_free(c->by_did);
    g_free(c->by_asid);
    g_free(c);
}

static void vtd_cache_name_space(GString *out, const VtdSpace *sp)
{
    g_string_append_printf(out, "%04x pasid %05x%s", sp->rid, sp->pasid,
                           sp->slot.key >> 32 & 1 ? "" : " (rid)");
}

static void vtd_cache_name_owner(GString *out, const ImOwner *o)
{
    vtd_cache_name_space(out, IM_LINK_OF(o, VtdSpace, pages));
}

unsigned im_vtd_cached_translations(const ImVtd *s)
{
    return im_owned_count(&s->caches->pages);
}

void im_vtd_caches_dump(ImVtd *s, GString *out)
{
    static const char *const pgtt[] = {
        "?", "first", "second", "nested", "pass-through",
    };
    static const ImOwnedWords words = {
        vtd_cache_name_owner,
        "rw",
        " supervisor",
    };
    const VtdCaches *c = s->caches;

    g_string_append(out, "context cache:\n");
    IM_POOL_EACH(&c->ctxs, const VtdCtx, ctx) {
        g_string_append_printf(out, "  %04x %s%s%s%s\n", ctx->rid,
                               ctx->legacy ? "legacy" : "scalable",
                               ctx->ats ? " ats" : "",
                               ctx->paside ? " pasid" : "",
                               ctx->pre ? " pri" : "");
    }
    g_string_append(out, "address spaces:\n");
    IM_POOL_EACH(&c->spaces, const VtdSpace, sp) {
        g_string_append(out, "  ");
        vtd_cache_name_space(out, sp);
        g_string_append_printf(out, " did %04x %s\n", sp->did, pgtt[sp->pgtt]);
    }
    g_string_append(out, "iotlb:\n");
    im_owned_dump(&c->pages, &words, out);
}
