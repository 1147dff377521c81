/*
 * What the files of x-im-explain, x-im-dump, x-im-counters, x-im-faults and
 * "info x-im" share: im-qmp.c (which devices; dump, counters), im-explain.c,
 * im-faults.c, im-hmp.c (the monitor).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_IM_IM_QMP_H
#define HW_IM_IM_QMP_H

#include "qapi/qapi-types-im.h"
#include "im-model.h"

typedef void ImqDeviceFn(Object *obj, ImModelClass *mc, void *opaque);

/* fn for the device of this ID or QOM path; NULL: for each. iommu: IOMMUs
 * alone. False: errp is set. */
bool imq_for_each(const char *device, bool iommu, ImqDeviceFn *fn, void *opaque,
                  Error **errp);
/* The IOMMU of this ID or QOM path; NULL: the only one. */
Object *imq_the_iommu(const char *device, Error **errp);

/* Decimal, or hexadecimal with 0x, up to max: as a person writes it. */
bool imq_number(const char *text, uint64_t max, uint64_t *value);
/* A list of one "0x..." for each word. */
strList *imq_words(const uint64_t *word, unsigned n);
/* The name of a reason and the condition in words; NULL when unknown. */
void imq_reason_text(ImModelClass *mc, uint8_t reason, char **name,
                     char **text);

/* The tag of a clause, "document, section" and the title; NULL of none. */
void imq_clause(ImClause clause, char **tag, char **section, char **title);

void imq_hmp_init(void);

#endif /* HW_IM_IM_QMP_H */
