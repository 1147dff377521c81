/*
 * ioasid-host: its properties, from rows, and what cannot be of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-types-im-host.h"
#include "qapi/visitor.h"
#include "im-ioasid.h"
#include "im-options.h"

typedef struct HostOption {
    const char *name;
    size_t offset;
    const QEnumLookup *names;   /* of a U32 */
    uint8_t size;
    const char *text;
} HostOption;

#define ROW(name, member, text) \
    { name, offsetof(IoasidHost, member), NULL, \
      sizeof_field(IoasidHost, member), text }
#define NAMES(name, member, type, text) \
    { name, offsetof(IoasidHost, member), &type##_lookup, 4, text }

static const HostOption option_rows[] = {
    ROW("pasid-bits", cfg.pasid_bits, "width of host PASIDs, 1..20"),
    ROW("page-shift", cfg.page_shift,
        "log2 of the page that is mapped, 11..16"),
    ROW("context-quota", cfg.ctx_quota, "PASIDs of all sets together"),
    ROW("iotlb-entries", cfg.iotlb_entries,
        "capacity of the IOTLB, a power of two"),
    ROW("page-groups", cfg.pri_set_limit,
        "page request groups outstanding of one set"),
    ROW("ats-timeout", cfg.ats_timeout_ns,
        "device-TLB invalidation time-out, ns of virtual time"),
    ROW("quarantine", cfg.quarantine_ns,
        "before a PASID is used again, ns of virtual time"),
    ROW("vcmd-delay", vcmd_delay_ns,
        "how long a virtual command takes, ns of virtual time"),
    ROW("fill-delay", fill_delay_ns,
        "until memory that a device asks for is there, ns; 0: all is"),
    ROW("quota-max", guest.quota_max,
        "PASIDs of the guest's set; 0: context-quota"),
    ROW("quota-reserved", guest.quota_reserved,
        "PASIDs kept free for the guest's set"),
    ROW("gpasid-min", guest.gpasid_min, "first guest PASID; 0: 1"),
    ROW("gpasid-max", guest.gpasid_max,
        "last guest PASID; 0: as wide as pasid-bits"),
    NAMES("map-mode", guest.map_mode, XImMapMode,
          "guest to host PASIDs: identity, translate, delegated"),
    NAMES("pool", guest.pool, XImPool,
          "host PASIDs are unique per device or global"),
};

static uint64_t host_options_option_get(const HostOption *row, Object *obj)
{
    const void *at = (char *)obj + row->offset;

    return row->size == 1 ? *(const uint8_t *)at :
           row->size == 4 ? *(const uint32_t *)at :
                            *(const uint64_t *)at;
}

static void host_options_option_set(const HostOption *row, Object *obj,
                                    uint64_t val)
{
    void *at = (char *)obj + row->offset;

    if (row->size == 1) {
        *(uint8_t *)at = val;
    } else if (row->size == 4) {
        *(uint32_t *)at = val;
    } else {
        *(uint64_t *)at = val;
    }
}

static void host_options_prop_get(Object *obj, Visitor *v, const char *name,
                                  void *opaque, Error **errp)
{
    const HostOption *row = opaque;
    uint64_t val = host_options_option_get(row, obj);
    int which = val;

    if (row->names) {
        visit_type_enum(v, name, &which, row->names, errp);
    } else {
        visit_type_uint64(v, name, &val, errp);
    }
}

static void host_options_prop_set(Object *obj, Visitor *v, const char *name,
                                  void *opaque, Error **errp)
{
    const HostOption *row = opaque;
    Error *err = NULL;
    uint64_t val = 0;
    int which = 0;

    if (IOASID_HOST(obj)->host) {
        error_setg(errp, "cannot be changed any more");
        return;
    }
    if (row->names ? !visit_type_enum(v, name, &which, row->names, &err) :
                     !visit_type_uint64(v, name, &val, &err)) {
        im_option_refused(obj, name, NULL, err, errp);
        return;
    }
    val = row->names ? which : val;
    if (row->size < 8 && val >> (8 * row->size)) {
        error_setg(errp, "%s=%" PRIu64 " is too large: %s", name, val,
                   row->text);
        return;
    }
    host_options_option_set(row, obj, val);
}

/* The backend speaks of its configuration, the user of properties. */
static const ImOption config_rows[] = {
    IM_OPTION(ImIoasidConfig, U8, "pasid-bits", pasid_bits, ""),
    IM_OPTION(ImIoasidConfig, U8, "page-shift", page_shift, ""),
    IM_OPTION(ImIoasidConfig, U32, "context-quota", ctx_quota, ""),
    IM_OPTION(ImIoasidConfig, U32, "iotlb-entries", iotlb_entries, ""),
    IM_OPTION(ImIoasidConfig, U32, "page-groups", pri_set_limit, ""),
    IM_OPTION(ImIoasidConfig, U64, "ats-timeout", ats_timeout_ns, ""),
    IM_OPTION(ImIoasidConfig, U64, "quarantine", quarantine_ns, ""),
};

static const ImOptionTable config_names = {
    .rows = config_rows,
    .count = ARRAY_SIZE(config_rows),
};

void im_ioasid_options_rename(GString *line)
{
    im_options_rename(&config_names, line);
}

const char *im_ioasid_options_impossible(const IoasidHost *s)
{
    const ImuSetCreate *g = &s->guest;
    const struct {
        bool bad;
        const char *why;
    } rows[] = {
        { g->pool == IMU_POOL_GLOBAL && g->map_mode != IMU_MODE_TRANSLATE,
          "pool=global needs map-mode=translate" },
        { g->map_mode == IMU_MODE_DELEGATED &&
              (g->quota_max || g->quota_reserved || g->gpasid_min ||
               g->gpasid_max),
          "map-mode=delegated needs quota-max, quota-reserved, gpasid-min "
          "and gpasid-max left out" },
        { g->quota_max && g->quota_reserved > g->quota_max,
          "quota-reserved must be at most quota-max" },
        { g->gpasid_max > IM_PASID_MAX, "gpasid-max must be at most 1048575" },
        { g->gpasid_max && g->gpasid_min > g->gpasid_max,
          "gpasid-min must be at most gpasid-max" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].bad) {
            return rows[i].why;
        }
    }
    return NULL;
}

/* What help prints; host_init() sets the same. */
static void host_options_add_property(ObjectClass *oc, const HostOption *row,
                                      uint64_t val)
{
    const char *type = row->names     ? "enum" :
                       row->size == 1 ? "uint8" :
                       row->size == 4 ? "uint32" :
                                        "uint64";
    ObjectProperty *op =
        object_class_property_add(oc, row->name, type, host_options_prop_get,
                                  host_options_prop_set, NULL, (void *)row);

    object_class_property_set_description(oc, row->name, row->text);
    if (row->names) {
        object_property_set_default_str(op, qapi_enum_lookup(row->names, val));
    } else {
        object_property_set_default_uint(op, val);
    }
}

void im_ioasid_options_add(ObjectClass *oc)
{
    g_autofree IoasidHost *fresh = g_new0(IoasidHost, 1);

    fresh->cfg = IM_IOASID_CONFIG_DEFAULT;
    for (unsigned i = 0; i < ARRAY_SIZE(option_rows); i++) {
        host_options_add_property(oc, &option_rows[i],
                                  host_options_option_get(&option_rows[i],
                                                          (Object *)fresh));
    }
}
