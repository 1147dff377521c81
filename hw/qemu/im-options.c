/*
 * Properties of a device from rows that describe a model's configuration.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "qapi/qapi-types-common.h"
#include "qapi/qapi-visit-common.h"
#include "qapi/visitor.h"
#include "im-options.h"

/* clang-format off */
static const uint8_t sizes[] = {
    [IM_OPTION_SWITCH] = 1, [IM_OPTION_U8] = 1, [IM_OPTION_U16] = 2,
    [IM_OPTION_U32] = 4, [IM_OPTION_U64] = 8,
};
/* clang-format on */

/* The byte of ImOptions.given that belongs to a value. */
static uint8_t *options_given_of(Object *obj, const Property *prop)
{
    return (uint8_t *)object_field_prop_ptr(obj, prop) +
           offsetof(ImOptions, given) - offsetof(ImOptions, value);
}

static uint64_t options_load(const void *p, unsigned kind)
{
    switch (kind) {
    case IM_OPTION_U16:
        return *(const uint16_t *)p;
    case IM_OPTION_U32:
        return *(const uint32_t *)p;
    case IM_OPTION_U64:
        return *(const uint64_t *)p;
    default:
        return *(const uint8_t *)p;
    }
}

const char *im_name_of(Object *obj)
{
    const DeviceState *dev = (DeviceState *)object_dynamic_cast(obj,
                                                                TYPE_DEVICE);
    const char *id = dev ? dev->id : object_get_canonical_path_component(obj);

    return id ? id : object_get_typename(obj);
}

void im_option_refused(Object *obj, const char *name, const char *right,
                       Error *err, Error **errp)
{
    const ObjectProperty *op = object_property_find(obj, name);

    error_setg(errp, "%s: %s", error_get_pretty(err),
               right ? right : op->description);
    error_free(err);
}

/* --- numbers: one that was given is never adjusted ---------------------- */

#define NUMBER(bits)                                                      \
static void options_get_uint##bits(Object *obj, Visitor *v,               \
                                   const char *name, void *opaque,        \
                                   Error **errp)                          \
{                                                                         \
    visit_type_uint##bits(v, name, object_field_prop_ptr(obj, opaque),    \
                          errp);                                          \
}                                                                         \
static void options_set_uint##bits(Object *obj, Visitor *v,               \
                                   const char *name, void *opaque,        \
                                   Error **errp)                          \
{                                                                         \
    Error *err = NULL;                                                    \
                                                                          \
    if (visit_type_uint##bits(v, name, object_field_prop_ptr(obj, opaque),\
                              &err)) {                                    \
        *options_given_of(obj, opaque) = true;                            \
    } else {                                                              \
        im_option_refused(obj, name, NULL, err, errp);                    \
    }                                                                     \
}
NUMBER(8)
NUMBER(16)
NUMBER(32)
NUMBER(64)

static void options_set_default_number(ObjectProperty *op, const Property *prop)
{
    object_property_set_default_uint(op, prop->defval.u);
}

/* --- switches --------------------------------------------------------- */

static void options_get_switch(Object *obj, Visitor *v, const char *name,
                               void *opaque, Error **errp)
{
    OnOffAuto value = *options_given_of(obj, opaque);

    visit_type_OnOffAuto(v, name, &value, errp);
}

static void options_set_switch(Object *obj, Visitor *v, const char *name,
                               void *opaque, Error **errp)
{
    Error *err = NULL;
    OnOffAuto value;

    if (visit_type_OnOffAuto(v, name, &value, &err)) {
        *options_given_of(obj, opaque) = value;
    } else {
        im_option_refused(obj, name, "it is on, off or auto", err, errp);
    }
}

static void options_set_default_switch(ObjectProperty *op, const Property *prop)
{
    object_property_set_default_str(op, "auto");
}

static const PropertyInfo infos[] = {
    [IM_OPTION_SWITCH] = {
        .type = "OnOffAuto", .enum_table = &OnOffAuto_lookup,
        .get = options_get_switch, .set = options_set_switch,
        .set_default_value = options_set_default_switch,
    },
#define NUMBER_INFO(bits)                                                 \
    [IM_OPTION_U##bits] = {                                               \
        .type = "uint" #bits,                                             \
        .get = options_get_uint##bits, .set = options_set_uint##bits,     \
        .set_default_value = options_set_default_number,                  \
    },
    NUMBER_INFO(8)
    NUMBER_INFO(16)
    NUMBER_INFO(32)
    NUMBER_INFO(64)
};

void im_options_class_init(DeviceClass *dc, const ImOptionTable *t,
                           size_t offset, const Property *more,
                           unsigned more_count)
{
    /* the class keeps it */
    Property *props = g_new0(Property, t->count + more_count);

    assert(t->size <= IM_OPTIONS_MAX);
    for (unsigned i = 0; i < t->count; i++) {
        const ImOption *row = &t->rows[i];

        props[i] = (Property) {
            .name = row->name,
            .info = &infos[row->kind],
            .offset = offset + offsetof(ImOptions, value) + row->offset,
            .set_default = true,
            .defval.u = options_load((const char *)t->defaults + row->offset,
                                     row->kind),
        };
    }
    if (more_count) {
        memcpy(props + t->count, more, more_count * sizeof(*more));
    }
    device_class_set_props_n(dc, props, t->count + more_count);
    for (unsigned i = 0; i < t->count; i++) {
        const ImOption *row = &t->rows[i];
        g_autofree char *text = g_strdup_printf(
            "%s%s", row->text,
            row->kind != IM_OPTION_SWITCH || strstr(row->text, "auto: ") ? "" :
            props[i].defval.u ? "; auto: on" :
                                "; auto: off");

        object_class_property_set_description(OBJECT_CLASS(dc), row->name,
                                              text);
    }
}

void im_options_init(ImOptions *o)
{
    /* ON_OFF_AUTO_AUTO is 0 */
    memset(o->given, 0, sizeof(o->given));
}

/* --- a configuration -------------------------------------------------- */

static void options_apply_switches(const ImOptionTable *t, const ImOptions *o,
                                   void *config, OnOffAuto which)
{
    for (unsigned i = 0; i < t->count; i++) {
        const ImOption *row = &t->rows[i];

        if (row->kind == IM_OPTION_SWITCH && o->given[row->offset] == which) {
            *((bool *)config + row->offset) = which == ON_OFF_AUTO_ON;
        }
    }
}

static void options_apply_numbers(const ImOptionTable *t, const ImOptions *o,
                                  void *config)
{
    for (unsigned i = 0; i < t->count; i++) {
        const ImOption *row = &t->rows[i];

        if (row->kind != IM_OPTION_SWITCH && o->given[row->offset]) {
            memcpy((char *)config + row->offset, o->value + row->offset,
                   sizes[row->kind]);
        }
    }
}

void im_options_begin(const ImOptionTable *t, const ImOptions *o, void *config)
{
    QEMU_BUILD_BUG_ON(ON_OFF_AUTO_AUTO != 0);
    memcpy(config, t->defaults, t->size);
    options_apply_numbers(t, o, config);
    options_apply_switches(t, o, config, ON_OFF_AUTO_OFF);
}

void im_options_end(const ImOptionTable *t, const ImOptions *o, void *config)
{
    t->prune(config);
    options_apply_switches(t, o, config, ON_OFF_AUTO_ON);
    options_apply_numbers(t, o, config);
}

static bool options_in_word(char c)
{
    return g_ascii_isalnum(c) || c == '_' || c == '-';
}

/*
 * Whole words; one that could be of a sentence counts as a field only when
 * it has a value.
 */
static void options_replace_word(GString *line, const char *from,
                                 const char *to)
{
    bool any = strpbrk(from, "_=");
    size_t len = strlen(from);
    gssize pos = 0;
    char *at;

    while ((at = strstr(line->str + pos, from)) != NULL) {
        pos = at - line->str;
        if ((pos && options_in_word(at[-1])) ||
            (any ? options_in_word(at[len]) : at[len] != '=')) {
            pos++;
            continue;
        }
        g_string_erase(line, pos, len);
        g_string_insert(line, pos, to);
        pos += strlen(to);
    }
}

void im_options_rename(const ImOptionTable *t, GString *line)
{
    for (unsigned i = 0; i < t->count; i++) {
        options_replace_word(line, t->rows[i].field, t->rows[i].name);
    }
}
