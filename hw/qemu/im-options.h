/*
 * Properties of a device from rows that describe a model's configuration:
 * name, default, help, what was given by the user and what was not.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_OPTIONS_H
#define HW_IM_IM_OPTIONS_H

#include "hw/qdev-core.h"

#define IM_OPTIONS_MAX  192

typedef enum ImOptionKind {
    IM_OPTION_SWITCH,       /* bool; on, off or auto: the default unless
                               something that it needs is switched off */
    IM_OPTION_U8,
    IM_OPTION_U16,
    IM_OPTION_U32,
    IM_OPTION_U64,
} ImOptionKind;

typedef struct ImOption {
    const char *name;       /* of the property */
    const char *field;      /* as the model's messages name it */
    const char *text;
    uint8_t kind;           /* ImOptionKind */
    uint8_t offset;         /* in the model's configuration */
} ImOption;

typedef struct ImOptionTable {
    const ImOption *rows;
    unsigned count;
    const void *defaults;   /* a configuration */
    size_t size;            /* of it, at most IM_OPTIONS_MAX */
    void (*prune)(void *config);
} ImOptionTable;

/* Embedded in the device. */
typedef struct ImOptions {
    uint8_t value[IM_OPTIONS_MAX] QEMU_ALIGNED(8);
    /* at a number: given or not; at a switch: an OnOffAuto */
    uint8_t given[IM_OPTIONS_MAX];
} ImOptions;

#define IM_OPTION(config, kind, name, member, text)                       \
    { name, #member, text, IM_OPTION_##kind, offsetof(config, member) }

/* Add the properties to a class, and more of the device's own; offset: of
 * ImOptions in the instance. */
void im_options_class_init(DeviceClass *dc, const ImOptionTable *t,
                           size_t offset, const Property *more,
                           unsigned more_count);
/* In instance_init: what was set until now were defaults. */
void im_options_init(ImOptions *o);

/*
 * What was switched off takes what needs it along, unless that was asked
 * for: then the model refuses the pair. begin: defaults, numbers, what is
 * off; the device may change more; end: prune, then what was asked for.
 */
void im_options_begin(const ImOptionTable *t, const ImOptions *o, void *config);
void im_options_end(const ImOptionTable *t, const ImOptions *o, void *config);

/* A device or object as the user named it: its ID, else its type. */
const char *im_name_of(Object *obj);

/* A value of a property was refused with err, which is consumed: say what
 * would be right; NULL: the property's description says so. */
void im_option_refused(Object *obj, const char *name, const char *right,
                       Error *err, Error **errp);

/* The model speaks of its configuration, the user of properties. */
void im_options_rename(const ImOptionTable *t, GString *line);

#endif /* HW_IM_IM_OPTIONS_H */
