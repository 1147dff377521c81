/*
 * ioasid: which word of a refused command cannot be, and what would. The
 * backend says EINVAL and no more, as a uAPI does; these are its rules of
 * docs/uapi.rst, read by what was said.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "shell.h"

#define PAGE_REST  0xfffu

#define N(word)        im_ioasid_call_number(c, word)
#define RULE(name, condition)                                              \
    static bool name(const ImuCall *c)                                     \
    {                                                                      \
        return condition;                                                  \
    }

/* Of a handle: what it was created as, and what it can. */
static bool why_made(const ImuCall *c, const char *word, uint64_t kind,
                     uint64_t flags)
{
    uint64_t number = N(word);
    ImuRef ref;
    g_autofree char *text = NULL;
    const ShellSpace *s;

    memcpy(&ref, &number, sizeof(ref));
    text = g_strdup_printf("%u.%u", ref.id, ref.gen);
    s = g_hash_table_lookup(shell.spaces, text);
    return s && s->kind == kind && (s->flags & flags) == flags;
}

static bool why_is_mapped(const ImuCall *c, const char *word)
{
    return why_made(c, word, IMU_SPACE_MAPPED, 0);
}

RULE(always, c != NULL)

/* --- sets and PASIDs ---------------------------------------------------- */

RULE(pool_of_mode,
     N("pool") == IMU_POOL_GLOBAL && N("map-mode") != IMU_MODE_TRANSLATE)
RULE(delegated_most, N("map-mode") == IMU_MODE_DELEGATED && N("quota-max"))
RULE(delegated_kept, N("map-mode") == IMU_MODE_DELEGATED && N("quota-reserved"))
RULE(delegated_first, N("map-mode") == IMU_MODE_DELEGATED && N("gpasid-min"))
RULE(delegated_last, N("map-mode") == IMU_MODE_DELEGATED && N("gpasid-max"))
RULE(range_from_0, N("gpasid-min") == 0)
RULE(range_empty, N("gpasid-min") > N("gpasid-max"))
RULE(range_wide, N("gpasid-max") > IM_PASID_MAX)
RULE(quota_below, N("quota-max") && N("quota-reserved") > N("quota-max"))
RULE(none_between, N("min") > N("max"))
RULE(some_between, N("min") || N("max"))
RULE(not_between, N("flags") && N("min") && N("min") <= N("max") &&
                      (N("gpasid") < N("min") || N("gpasid") > N("max")))

/* --- spaces ------------------------------------------------------------- */

#define HAS_TABLE  (N("kind") == IMU_SPACE_NESTED ||                      \
                    N("kind") == IMU_SPACE_PASID_TABLE)

RULE(flags_of_kind, N("kind") != IMU_SPACE_MAPPED && N("flags"))
RULE(faults_of_block, N("kind") == IMU_SPACE_BLOCK && N("faultq"))
RULE(parent_of_none, !HAS_TABLE && N("parent"))
RULE(table_of_none, !HAS_TABLE && N("format"))
RULE(data_of_none, N("format") == IMU_FORMAT_NONE && N("vtd-first"))
RULE(bad_parent,
     HAS_TABLE && !why_made(c, "parent", IMU_SPACE_MAPPED, IMU_SPACE_PARENT))
RULE(vtd_pasid_table,
     N("kind") == IMU_SPACE_PASID_TABLE && N("format") == IMU_FORMAT_VTD_FIRST)
RULE(vtd_table, N("format") == IMU_FORMAT_VTD_FIRST)
RULE(smmu_table, N("format") == IMU_FORMAT_SMMU_STE)

/* --- mappings ----------------------------------------------------------- */

RULE(not_mapped, !why_is_mapped(c, "space"))
RULE(dst_not_mapped, !why_is_mapped(c, "dst"))
RULE(src_not_mapped, !why_is_mapped(c, "src"))
RULE(no_access, !(N("flags") & (IMU_PROT_READ | IMU_PROT_WRITE)))
RULE(only_exec, (N("flags") & (IMU_PROT_READ | IMU_PROT_EXEC)) == IMU_PROT_EXEC)
RULE(no_length, N("length") == 0)
RULE(part_length, N("length") & PAGE_REST)
RULE(part_user, N("user") & PAGE_REST)
RULE(part_iova, N("iova") & PAGE_REST)
RULE(part_src, N("src-iova") & PAGE_REST)
RULE(part_dst, N("dst-iova") & PAGE_REST)
RULE(no_page_size,
     N("page-size") <= PAGE_REST || (N("page-size") & (N("page-size") - 1)))
RULE(part_of_bits, N("length") & (N("page-size") - 1))
RULE(from_part_of_bits, N("iova") & (N("page-size") - 1))

/* --- invalidation ------------------------------------------------------- */

RULE(object_of_set, N("target") == IMU_INV_SET && N("object"))
RULE(no_cache, N("caches") == 0)
RULE(ranges_of_pasids,
     N("gran") == IMU_GRAN_RANGE && (N("caches") & IMU_CACHE_PASID))
RULE(entries_of_all, N("gran") == IMU_GRAN_ALL && N("entries"))
RULE(no_entries, N("gran") != IMU_GRAN_ALL && !N("entries"))

/* The first that holds is it. */
static const struct {
    ImuCommand command;
    bool (*broken)(const ImuCall *c);
    const char *word, *why;
} rules[] = {
#define PAGES     "a multiple of 0x1000"
#define MAPPED    "a space of kind=mapped"
#define NO_QUOTA  "a delegated set has no PASIDs"
    { IMU_CMD_SET_CREATE, pool_of_mode, "pool",
      "global needs map-mode=translate" },
    { IMU_CMD_SET_CREATE, delegated_most, "quota-max", NO_QUOTA },
    { IMU_CMD_SET_CREATE, delegated_kept, "quota-reserved", NO_QUOTA },
    { IMU_CMD_SET_CREATE, delegated_first, "gpasid-min", NO_QUOTA },
    { IMU_CMD_SET_CREATE, delegated_last, "gpasid-max", NO_QUOTA },
    { IMU_CMD_SET_CREATE, range_from_0, "gpasid-min", "1 or more" },
    { IMU_CMD_SET_CREATE, range_empty, "gpasid-max", "gpasid-min or more" },
    { IMU_CMD_SET_CREATE, range_wide, "gpasid-max", "1048575 at most" },
    { IMU_CMD_SET_CREATE, quota_below, "quota-reserved", "quota-max at most" },
    { IMU_CMD_SET_UPDATE, quota_below, "quota-reserved", "quota-max at most" },
    { IMU_CMD_SET_UPDATE, always, "quota-max", NO_QUOTA },
    { IMU_CMD_PASID_ALLOC, none_between, "max", "min or more" },
    { IMU_CMD_PASID_ALLOC, not_between, "gpasid", "from min to max" },
    { IMU_CMD_PASID_ALLOC, some_between, "min",
      "min and max are of the set's gpasid-min to gpasid-max" },
    { IMU_CMD_PASID_ALLOC, always, "gpasid",
      "of the set's gpasid-min to gpasid-max" },
    { IMU_CMD_SPACE_CREATE, flags_of_kind, "flags", "of kind=mapped only" },
    { IMU_CMD_SPACE_CREATE, faults_of_block, "faultq",
      "kind=block asks for no pages" },
    { IMU_CMD_SPACE_CREATE, parent_of_none, "parent",
      "of kind=nested and pasid-table only" },
    { IMU_CMD_SPACE_CREATE, table_of_none, "format",
      "of kind=nested and pasid-table only" },
    { IMU_CMD_SPACE_CREATE, bad_parent, "parent",
      "a space of kind=mapped with flags=parent" },
    { IMU_CMD_SPACE_CREATE, data_of_none, "format",
      "vtd-first or smmu-ste, as the data" },
    { IMU_CMD_SPACE_CREATE, vtd_pasid_table, "format",
      "a pasid-table has smmu-ste or none" },
    { IMU_CMD_SPACE_CREATE, vtd_table, "vtd-first",
      "a root that is a multiple of 0x1000 below 2^52" },
    { IMU_CMD_SPACE_CREATE, smmu_table, "smmu-ste",
      "a legal STE with stage 1 only" },
    { IMU_CMD_SPACE_CREATE, always, "kind",
      "no pasid-table in a set with map-mode=translate" },
    { IMU_CMD_MAP, not_mapped, "space", MAPPED },
    { IMU_CMD_MAP, no_access, "flags", "read or write, or both" },
    { IMU_CMD_MAP, only_exec, "flags", "exec needs read" },
    { IMU_CMD_MAP, no_length, "length", "more than 0" },
    { IMU_CMD_MAP, part_length, "length", PAGES },
    { IMU_CMD_MAP, part_user, "user", PAGES },
    { IMU_CMD_MAP, part_iova, "iova", PAGES },
    { IMU_CMD_MAP, always, "iova", "of what ranges tells" },
    { IMU_CMD_UNMAP, not_mapped, "space", MAPPED },
    { IMU_CMD_UNMAP, no_length, "length", "more than 0" },
    { IMU_CMD_UNMAP, part_length, "length", PAGES },
    { IMU_CMD_UNMAP, part_iova, "iova", PAGES },
    { IMU_CMD_COPY, dst_not_mapped, "dst", MAPPED },
    { IMU_CMD_COPY, src_not_mapped, "src", MAPPED },
    { IMU_CMD_COPY, no_access, "flags", "read or write, or both" },
    { IMU_CMD_COPY, only_exec, "flags", "exec needs read" },
    { IMU_CMD_COPY, no_length, "length", "more than 0" },
    { IMU_CMD_COPY, part_length, "length", PAGES },
    { IMU_CMD_COPY, part_src, "src-iova", PAGES },
    { IMU_CMD_COPY, part_dst, "dst-iova", PAGES },
    { IMU_CMD_COPY, always, "dst-iova", "of what ranges tells" },
    { IMU_CMD_ALLOW, not_mapped, "space", MAPPED },
    { IMU_CMD_ALLOW, always, "ranges",
      "65536 at most, first up to last, none meets another" },
    { IMU_CMD_RANGES, not_mapped, "space", MAPPED },
    { IMU_CMD_DIRTY_GET, no_length, "length", "more than 0" },
    { IMU_CMD_DIRTY_GET, no_page_size, "page-size",
      "a power of two, 0x1000 or more" },
    { IMU_CMD_DIRTY_GET, part_of_bits, "length", "a multiple of page-size" },
    { IMU_CMD_DIRTY_GET, from_part_of_bits, "iova", "a multiple of page-size" },
    { IMU_CMD_DIRTY_GET, always, "space", "dirty-set flags=on comes first" },
    { IMU_CMD_ATTACH, always, "space",
      "kind=pasid-table serves a device as a whole, one that has PASIDs" },
    { IMU_CMD_DETACH, always, "pasid", "needs flags=pasid" },
    { IMU_CMD_INVALIDATE, object_of_set, "object", "target=set has none" },
    { IMU_CMD_INVALIDATE, no_cache, "caches", "one at least" },
    { IMU_CMD_INVALIDATE, ranges_of_pasids, "caches",
      "gran=range is not for pasid-cache" },
    { IMU_CMD_INVALIDATE, entries_of_all, "entries", "gran=all has none" },
    { IMU_CMD_INVALIDATE, no_entries, "entries", "one at least" },
    { IMU_CMD_INVALIDATE, always, "entries",
      "gpasid is 1048575 at most, and 0 with no-pasid; addr and a length "
      "are for gran=range" },
    { IMU_CMD_EVQ_CREATE, always, "depth", "from 1 to 65536" },
};

RULE(pasid_without_flag, !(N("flags") & IMU_ATTACH_PASID) && N("pasid"))

/* What REPLACE says ATTACH does, but for the pasid they are DETACH's. */
static ImuCommand why_like(const ImuCall *c, ImuCommand command)
{
    bool attach = command == IMU_CMD_ATTACH || command == IMU_CMD_REPLACE;

    return !attach               ? command :
           pasid_without_flag(c) ? IMU_CMD_DETACH :
                                   IMU_CMD_ATTACH;
}

bool shell_why(const ImuVerb *v, const ImuCall *c, const char **word,
               const char **why)
{
    ImuCommand command = why_like(c, (ImuCommand)v->command);

    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (rules[i].command == command && rules[i].broken(c)) {
            *word = rules[i].word;
            *why = rules[i].why;
            return true;
        }
    }
    return false;
}
