/*
 * What SMMUv3 caches hold: counted, and shown.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>

#include "hw/smmuv3/cache.h"

#define MAX_DUMPED  64

/* Whom a tag belongs to, in words. */
typedef struct Count {
    GHashTable *live;           /* tag with privilege -> text */
    GString *out;               /* NULL: only count */
    unsigned n;
} Count;

static const char *const worlds[] = { "NS-EL1", "NS-EL2", "NS-EL2-E2H" };

static void smmu_cached_count_entry(void *opaque, uint32_t tag, unsigned cls,
                                    uint64_t addr, const ImTlbHit *hit)
{
    static const char *const sizes[] = {
        "4K", "2M", "1G", "16K", "32M", "64K", "512M", "4T",
    };
    Count *k = opaque;
    const char *who = g_hash_table_lookup(k->live, GUINT_TO_POINTER(tag));

    if (!who) {
        return;
    }
    if (k->out && k->n < MAX_DUMPED) {
        g_string_append_printf(k->out, "  %s %016" PRIx64 " -> %016" PRIx64
                               " %s %c%c%c%s\n", who, addr, hit->addr,
                               sizes[cls],
                               hit->flags & IM_PERM_R ? 'r' : '-',
                               hit->flags & IM_PERM_W ? 'w' : '-',
                               hit->flags & IM_PERM_X ? 'x' : '-',
                               tag & 1 ? " privileged" : "");
    }
    k->n++;
}

static void smmu_cached_name_owner(Count *k, const SmmuOwner *o, char *text)
{
    g_hash_table_insert(k->live, GUINT_TO_POINTER(o->tag), text);
    g_hash_table_insert(k->live, GUINT_TO_POINTER(o->tag + 1),
                        g_strdup(text));
}

static unsigned smmu_cached_count_live(const SmmuCaches *c, GString *out)
{
    Count k = {
        .live = g_hash_table_new_full(NULL, NULL, NULL, g_free), .out = out,
    };

    for (uint32_t i = 0; i < c->vms; i++) {
        const SmmuVm *vm = &c->vm[i];

        if (vm->key != UINT32_MAX) {
            for (unsigned aset = 0; aset < 2; aset++) {
                smmu_cached_name_owner(
                    &k, &vm->global[aset],
                    g_strdup_printf("%s vmid %04x global%s", worlds[vm->world],
                                    vm->vmid, aset ? " aset" : ""));
            }
            smmu_cached_name_owner(&k, &vm->ipa,
                                   g_strdup_printf("%s vmid %04x ipa",
                                                   worlds[vm->world],
                                                   vm->vmid));
        }
    }
    for (uint32_t i = 0; i < c->spaces; i++) {
        const SmmuSpace *sp = &c->space[i];

        if (sp->vm) {
            smmu_cached_name_owner(&k, &sp->va,
                                   g_strdup_printf("%s vmid %04x asid %04x",
                                                   worlds[sp->vm->world],
                                                   sp->vm->vmid, sp->asid));
        }
    }
    im_tlb_visit(&c->tlb, smmu_cached_count_entry, &k);
    g_hash_table_unref(k.live);
    return k.n;
}

unsigned im_smmu_cached_translations(const ImSmmu *s)
{
    return smmu_cached_count_live(s->caches, NULL);
}

void im_smmu_caches_dump(ImSmmu *s, GString *out)
{
    static const char *const configs[] = {
        "abort", "abort", "abort", "abort", "bypass", "stage 1", "stage 2",
        "nested",
    };
    const SmmuCaches *c = s->caches;
    unsigned n;

    g_string_append(out, "configuration cache:\n");
    for (uint32_t i = 0; i < c->streams; i++) {
        const SmmuStream *st = &c->stream[i];

        if (st->valid) {
            g_string_append_printf(out, "  StreamID %x %s\n", st->sid,
                                   configs[st->ste.config & 7]);
        }
    }
    for (uint32_t i = 0; i < c->contexts; i++) {
        const SmmuContext *x = &c->context[i];

        if (x->key != SMMU_NO_CONTEXT && x->s1) {
            g_string_append_printf(out, "  StreamID %x SubstreamID %x%s "
                                   "asid %04x\n", (uint32_t)(x->key >> 32),
                                   (uint32_t)x->key & 0xfffff,
                                   x->key >> SMMU_SSID_BITS & 1 ? "" :
                                   " (none)", x->cd.asid);
        }
    }
    g_string_append(out, "tlb:\n");
    n = smmu_cached_count_live(c, out);
    g_string_append_printf(out, "  %u translations%s\n", n,
                           n > MAX_DUMPED ? ", the rest not shown" : "");
}
