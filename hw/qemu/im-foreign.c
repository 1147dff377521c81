/*
 * Options of QEMU's own IOMMUs, as rows. docs/migrating.rst has the table
 * for users.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "im-foreign.h"
#include "im-options.h"

typedef struct ImForeign {
    const char *device;         /* QEMU's, which has the option */
    const char *name;
    /* What on and off set here, "" when that is so anyway; NULL: refused. A
     * number is refused always. */
    const char *on;
    const char *off;
    const char *text;
    bool number;
} ImForeign;

#define VTD   "intel-iommu"
#define SMMU  "arm-smmuv3"

static const ImForeign foreign_rows[] = {
    { VTD, "x-scalable-mode", "scalable-mode=on", "scalable-mode=off",
      "write scalable-mode=on|off" },
    { VTD, "x-flts", "first-stage=on", "first-stage=off",
      "write first-stage=on|off; it does not take the second stage away" },
    { VTD, "flts", "first-stage=on", "first-stage=off",
      "write first-stage=on|off; it does not take the second stage away" },
    { VTD, "x-pasid-mode", "pasid-bits=20", "pasid-bits=0",
      "write pasid-bits=0..20, the width of a PASID" },
    { VTD, "svm", "pri=on", "pri=off",
      "write pri=on|off; PASID and ATS are pasid-bits and device-iotlb" },
    { VTD, "dma-drain", "", NULL, "DMA is always drained: leave it out" },
    { VTD, "stale-tm", NULL, "",
      "TM of second-stage entries is checked as reserved: leave it out" },
    { VTD, "x-buggy-eim", NULL, "", "write eim=on|off; there is no other EIM" },
    { VTD, "version", NULL, NULL,
      "write version-major=1..5, the specification that VER_REG names", true },
    { SMMU, "accel", NULL, "",
      "no host's SMMU is behind this model: leave it out" },
    { SMMU, "cmdqv", NULL, "",
      "no host's SMMU is behind this model: leave it out" },
    { SMMU, "bus_num", NULL, NULL,
      "write primary-bus=ID, the root bus by its name", true },
};

/* NAME=VALUE of ours */
static void foreign_assign(Object *obj, const char *what, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(what, "=", 2);

    object_property_parse(obj, part[0], part[1], errp);
}

static void foreign_set(Object *obj, Visitor *v, const char *name, void *opaque,
                        Error **errp)
{
    const ImForeign *row = opaque;
    const char *what = NULL;
    uint64_t number;
    bool on = false;

    if (row->number ? !visit_type_uint64(v, name, &number, errp) :
                      !visit_type_bool(v, name, &on, errp)) {
        return;
    }
    if (!row->number) {
        what = on ? row->on : row->off;
    }
    if (!what) {
        error_setg(errp, "%s: %s%s is of %s: %s", im_name_of(obj), name,
                   row->number ? "" :
                   on          ? "=on" :
                                 "=off",
                   row->device, row->text);
    } else if (*what) {
        foreign_assign(obj, what, errp);
    }
}

void im_foreign_class_init(ObjectClass *oc, const char *device)
{
    for (unsigned i = 0; i < ARRAY_SIZE(foreign_rows); i++) {
        const ImForeign *row = &foreign_rows[i];
        g_autofree char *text = NULL;

        if (strcmp(row->device, device) != 0) {
            continue;
        }
        object_class_property_add(oc, row->name,
                                  row->number ? "uint64" : "bool", NULL,
                                  foreign_set, NULL, (void *)row);
        text = g_strdup_printf("of %s: %s", device, row->text);
        object_class_property_set_description(oc, row->name, text);
    }
}
