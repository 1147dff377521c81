/*
 * A virtual IOMMU on the host's backend, for people; and what must hold.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/viommu/viommu.h"

#include <inttypes.h>

static const char *const hows[] = {
    [IM_BINDING_FAULT] = "fault",         [IM_BINDING_OFF] = "not translated",
    [IM_BINDING_PASS] = "pass-through",   [IM_BINDING_FIRST] = "first stage",
    [IM_BINDING_SECOND] = "second stage", [IM_BINDING_NESTED] = "nested",
};

static void vi_dump_bind(const ViBind *b, GString *out)
{
    if (b->key >> 32) {
        g_string_append_printf(out, "    PASID %" PRIu32, (uint32_t)b->key);
    } else {
        g_string_append_printf(out, "    %s",
                               b->say.table ? "table of PASIDs" : "no PASID");
    }
    g_string_append_printf(out, ": %s, domain %" PRIu32 ", space %u.%u%s%s\n",
                           hows[b->say.how], b->say.domain, b->space.id,
                           b->space.gen, b->say.ats ? ", ATS" : "",
                           b->say.pri ? ", PRI" : "");
}

static void vi_dump_fn(const ImViommuFn *fn, GString *out)
{
    g_string_append(out, "  function ");
    if (fn->placed) {
        g_string_append_printf(out, "%04" PRIx32 ":%02x:%02x.%x",
                               fn->func >> 16, fn->func >> 8 & 0xff,
                               fn->func >> 3 & 31, fn->func & 7);
    } else {
        g_string_append(out, "not seen yet");
    }
    g_string_append_printf(out, ": device %u.%u, %u groups with the guest%s\n",
                           fn->dev.id, fn->dev.gen, fn->tickets->len,
                           fn->lost ? ", a device-TLB timed out" : "");
    for (ImLink *n = fn->binds; n; n = n->next) {
        vi_dump_bind(IM_LINK_OF(n, ViBind, by_fn), out);
    }
}

void im_viommu_dump(ImViommu *v, GString *out)
{
    g_string_append_printf(out, "on the host's set %u.%u%s:\n", v->cfg.set.id,
                           v->cfg.set.gen,
                           v->dead ? ", which refused its queues" : "");
    for (ImLink *n = v->fns; n; n = n->next) {
        vi_dump_fn(IM_LINK_OF(n, ImViommuFn, in_all), out);
    }
    for (ImLink *n = v->shadows; n; n = n->next) {
        const ViShadow *s = IM_LINK_OF(n, ViShadow, in_all);

        g_string_append_printf(out,
                               "  second stage at %" PRIx64 "h, domain %" PRIu32
                               ": space %u.%u, %u pieces, %u bindings\n",
                               s->say.second[0], s->say.domain, s->space.id,
                               s->space.gen, s->pieces, s->users);
    }
    g_string_append_printf(out,
                           "  fences: last %" PRIu64 ", done %" PRIu64
                           "; %u device-TLB invalidations, %u stalls\n",
                           v->ticket, v->fenced, v->invs->len, v->stalls->len);
}

/* --- what must hold ----------------------------------------------------- */

static char *vi_dump_check_fn(const ImViommuFn *fn)
{
    unsigned count = 0;

    for (ImLink *n = fn->binds; n; n = n->next) {
        ViBind *b = IM_LINK_OF(n, ViBind, by_fn);

        count++;
        if (g_hash_table_lookup(fn->by_key, &b->key) != b || b->fn != fn) {
            return g_strdup("a binding is not found by its PASID");
        }
    }
    if (count != g_hash_table_size(fn->by_key) || count > VI_BINDS_MAX) {
        return g_strdup("the bindings of a function are not those found");
    }
    for (unsigned i = 0; i < VI_MEMOS; i++) {
        uint64_t key = fn->memo[i].key - 1, own = 0;

        if (fn->memo[i].key && !g_hash_table_lookup(fn->by_key, &key) &&
            !g_hash_table_lookup(fn->by_key, &own)) {
            return g_strdup("requests go by a binding that ended");
        }
    }
    return fn->tickets->len <= VI_TICKETS_MAX ?
               NULL :
               g_strdup("too many groups are remembered");
}

static unsigned vi_dump_shadow_users(const ImViommu *v, const ViShadow *s)
{
    unsigned users = 0;

    for (ImLink *n = v->fns; n; n = n->next) {
        const ImViommuFn *fn = IM_LINK_OF(n, ImViommuFn, in_all);

        for (ImLink *m = fn->binds; m; m = m->next) {
            users += IM_LINK_OF(m, ViBind, by_fn)->shadow == s;
        }
    }
    return users;
}

char *im_viommu_check(ImViommu *v)
{
    for (ImLink *n = v->fns; n; n = n->next) {
        char *why = vi_dump_check_fn(IM_LINK_OF(n, ImViommuFn, in_all));

        if (why) {
            return why;
        }
    }
    for (ImLink *n = v->shadows; n; n = n->next) {
        const ViShadow *s = IM_LINK_OF(n, ViShadow, in_all);

        if (s->users != vi_dump_shadow_users(v, s) ||
            s->pieces > VI_SHADOW_MAX) {
            return g_strdup("a shadow does not know its bindings");
        }
    }
    return v->fenced <= v->ticket ? NULL :
                                    g_strdup("a fence is done that was not "
                                             "asked for");
}
