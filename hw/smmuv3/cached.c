/*
 * What SMMUv3 caches hold: counted, and shown.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/smmuv3/cache.h"

static void smmu_cached_name_vm(GString *out, const SmmuVm *vm)
{
    static const char *const worlds[] = { "NS-EL1", "NS-EL2", "NS-EL2-E2H" };

    g_string_append_printf(out, "%s vmid %04x", worlds[vm->world], vm->vmid);
}

static void smmu_cached_name_owner(GString *out, const ImOwner *o)
{
    const SmmuSpace *sp;

    switch (o->kind) {
    case SMMU_OWNS_VA:
        sp = IM_LINK_OF(o, SmmuSpace, va);
        smmu_cached_name_vm(out, sp->vm);
        g_string_append_printf(out, " asid %04x", sp->asid);
        break;
    case SMMU_OWNS_GLOBAL:
        smmu_cached_name_vm(out, IM_LINK_OF(o, SmmuVm, global[0]));
        g_string_append(out, " global");
        break;
    case SMMU_OWNS_GLOBAL_ASET:
        smmu_cached_name_vm(out, IM_LINK_OF(o, SmmuVm, global[1]));
        g_string_append(out, " global aset");
        break;
    default:
        smmu_cached_name_vm(out, IM_LINK_OF(o, SmmuVm, ipa));
        g_string_append(out, " ipa");
        break;
    }
}

unsigned im_smmu_cached_translations(const ImSmmu *s)
{
    return im_owned_count(&s->caches->pages);
}

void im_smmu_caches_dump(ImSmmu *s, GString *out)
{
    static const char *const configs[] = {
        "abort",  "abort",   "abort",   "abort",
        "bypass", "stage 1", "stage 2", "nested",
    };
    static const ImOwnedWords words = {
        smmu_cached_name_owner,
        "rwx",
        " privileged",
    };
    const SmmuCaches *c = s->caches;

    g_string_append(out, "configuration cache:\n");
    IM_POOL_EACH(&c->streams, const SmmuStream, st) {
        g_string_append_printf(out, "  StreamID %x %s\n",
                               (uint32_t)st->slot.key,
                               configs[st->ste.config & 7]);
    }
    IM_POOL_EACH(&c->contexts, const SmmuContext, x) {
        uint64_t key = x->slot.key;

        if (x->s1) {
            g_string_append_printf(out,
                                   "  StreamID %x SubstreamID %x%s "
                                   "asid %04x\n",
                                   (uint32_t)(key >> 32),
                                   (uint32_t)key & 0xfffff,
                                   key >> SMMU_SSID_BITS & 1 ? "" : " (none)",
                                   x->cd.asid);
        }
    }
    g_string_append(out, "tlb:\n");
    im_owned_dump(&c->pages, &words, out);
}
