/*
 * Who owns what a TLB holds.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>

#include "hw/core/owner.h"

/* --- tags --------------------------------------------------------------- */

void im_owned_flush(ImOwnedTlb *t)
{
    im_tlb_flush(&t->tlb);
    t->next_tag = IM_TLB_TAG_MIN;
    for (ImOwner *o = t->owners; o; o = o->next) {
        im_owner_assign(t, o);
    }
}

void im_owner_add(ImOwnedTlb *t, ImOwner *o, uint8_t kind)
{
    g_assert(t->next_tag < IM_TLB_TAG_MAX);
    im_owner_assign(t, o);
    o->kind = kind;
    o->next = t->owners;
    t->owners = o;
}

/* --- ranges ------------------------------------------------------------- */

#define ADDRESS  IM_BITS(56, 0)
#define SHARE    (IM_OWNER_BUDGET / 32)

/* Whether to look for first .. last under a tag would take too long: one
 * probe for each page of the smallest size, or one look at every entry. */
static bool owner_too_dear(const ImOwnedTlb *t, unsigned classes,
                           uint64_t first, uint64_t last, uint32_t budget)
{
    unsigned finest = t->tlb.shift[__builtin_ctz(classes)];
    uint64_t pages = (last >> finest) - (first >> finest) + 1;

    return MIN(pages, im_tlb_entries(&t->tlb)) >= MIN(SHARE, budget);
}

void im_owner_drop_range(ImOwnedTlb *t, ImOwner *o, uint64_t first,
                         uint64_t last, uint32_t *budget)
{
    uint64_t rest = (UINT64_C(1) << o->whole) - 1;
    bool all = last - first > ADDRESS;

    first &= ADDRESS & ~rest;
    last = (last & ADDRESS) | rest;
    if (all || first > last ||
        owner_too_dear(t, o->classes[0] | o->classes[1], first, last,
                       *budget)) {
        im_owner_renew(t, o);
        return;
    }
    for (unsigned priv = 0; priv < 2; priv++) {
        if (o->classes[priv]) {
            uint64_t probes = im_tlb_drop(&t->tlb, o->tag + priv,
                                          o->classes[priv], first, last);

            *budget -= (uint32_t)MIN(probes, *budget);
        }
    }
}

/* --- life --------------------------------------------------------------- */

void im_owned_init(ImOwnedTlb *t, uint32_t entries,
                   const uint8_t shift[IM_TLB_CLASSES])
{
    unsigned cls = IM_OWNER_NO_CLASS;

    *t = (ImOwnedTlb) { .next_tag = IM_TLB_TAG_MIN };
    im_tlb_init(&t->tlb, entries, shift);
    for (unsigned lg2 = 0; lg2 < G_N_ELEMENTS(t->class_of); lg2++) {
        unsigned next = (uint8_t)(cls + 1);

        if (next < IM_TLB_CLASSES && shift[next] == lg2) {
            cls = next;
        }
        t->class_of[lg2] = (uint8_t)cls;
    }
}

void im_owned_destroy(ImOwnedTlb *t)
{
    im_tlb_destroy(&t->tlb);
}

/* --- what is cached ----------------------------------------------------- */

#define MAX_DUMPED  64

typedef struct OwnerCount {
    GHashTable *by_tag;         /* tags of owners that have something */
    const ImOwnedWords *words;
    GString *out;               /* NULL: only count */
    unsigned n;
} OwnerCount;

static void owner_dump_entry(const OwnerCount *k, const ImOwner *o,
                             uint32_t tag, uint64_t addr, const ImTlbHit *hit)
{
    GString *out = k->out;

    g_string_append(out, "  ");
    k->words->owner(out, o);
    g_string_append_printf(out, " %016" PRIx64 " -> %016" PRIx64 " %u%c ", addr,
                           hit->addr, 1u << hit->shift % 10,
                           "BKMGTPE"[hit->shift / 10]);
    for (unsigned i = 0; k->words->rights[i]; i++) {
        g_string_append_c(out, hit->flags >> i & 1 ? k->words->rights[i] : '-');
    }
    g_string_append(out, tag & 1 ? k->words->privileged : "");
    g_string_append_c(out, '\n');
}

static void owner_count_entry(void *opaque, uint32_t tag, uint64_t addr,
                              const ImTlbHit *hit)
{
    OwnerCount *k = opaque;
    const ImOwner *o = g_hash_table_lookup(k->by_tag,
                                           GUINT_TO_POINTER(tag & ~1u));

    if (o) {
        if (k->out && k->n < MAX_DUMPED) {
            owner_dump_entry(k, o, tag, addr, hit);
        }
        k->n++;
    }
}

static unsigned owner_visit(const ImOwnedTlb *t, const ImOwnedWords *words,
                            GString *out)
{
    OwnerCount k = {
        .by_tag = g_hash_table_new(NULL, NULL),
        .words = words,
        .out = out,
    };

    for (ImOwner *o = t->owners; o; o = o->next) {
        if (im_owner_has(o)) {
            g_hash_table_insert(k.by_tag, GUINT_TO_POINTER(o->tag), o);
        }
    }
    im_tlb_visit(&t->tlb, owner_count_entry, &k);
    g_hash_table_unref(k.by_tag);
    return k.n;
}

unsigned im_owned_count(const ImOwnedTlb *t)
{
    return owner_visit(t, NULL, NULL);
}

void im_owned_dump(const ImOwnedTlb *t, const ImOwnedWords *words, GString *out)
{
    unsigned n = owner_visit(t, words, out);

    g_string_append_printf(out, "  %u translations%s\n", n,
                           n > MAX_DUMPED ? ", the rest not shown" : "");
}
