/*
 * What the mock server knows of areas and tables by itself.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_UAPI_MOCK_MODEL_H
#define TESTS_UAPI_MOCK_MODEL_H

#include "mock.h"

#define SAMPLES     4

typedef enum Kind { IOAS, PAGING, NESTED, VIOMMU } Kind;

/* An object by its number: what it stands on, and whether a command made it
 * that says so. */
typedef struct Object {
    uint32_t id;
    Kind kind;
    uint32_t below;
    bool made;
} Object;

/* Memory of one MAP, which copies share. */
typedef struct Memory {
    unsigned refs;
    void *source;           /* NULL: a file */
    uint64_t start;
    uint64_t length;
    uint64_t at[SAMPLES];   /* offsets that are looked at */
    bool revocable;         /* it may be gone: not looked at */
} Memory;

typedef struct Area {
    uint32_t ioas;
    uint64_t iova;
    uint64_t length;
    uint32_t prot;          /* Linux's flags */
    Memory *memory;
    uint64_t offset;
} Area;

/* A device and the table it is attached to. */
typedef struct Attached {
    uint32_t func;
    uint32_t stdev;
    uint32_t pt;
} Attached;

typedef struct View {
    ImIommufdFile *file;
    GPtrArray *areas;
    GArray *objects;
    GArray *attached;
    uint32_t vfio;          /* the IOAS of VFIO's commands */
    bool closed;
} View;

void model_report(const char *format, ...) G_GNUC_PRINTF(1, 2);
unsigned model_reported(void);
/* Of an open file; made when it is first asked for. */
View *model_view(ImIommufdFile *file);
GPtrArray *model_views(void);

Object *model_object(View *v, uint32_t id);
void model_object_in(View *v, uint32_t id, Kind kind, uint32_t below,
                     bool made);
void model_object_out(View *v, uint32_t id);
/* The IOAS that a table or vIOMMU stands on, 0: not known. */
uint32_t model_ioas(View *v, uint32_t id);
/* Whether anything has the pages of the IOAS in a page table. */
bool model_has_table(View *v, uint32_t ioas);

Memory *model_memory(void *source, uint64_t start, uint64_t length);
/* The page with a sample, as its process sees it now; false: it is a file's,
 * or nobody sees it. */
bool model_page(View *v, const Memory *mem, unsigned sample,
                ImIommufdPage *page);
/* The reference to memory is the area's. */
void model_map(View *v, uint32_t ioas, uint64_t iova, uint64_t length,
               uint32_t prot, Memory *mem, uint64_t offset);
void model_copy(View *v, uint32_t prot, uint32_t dst, uint32_t src,
                uint64_t length, uint64_t dst_iova, uint64_t src_iova);
/* What is in first .. last goes; the number of bytes. cut: areas may be
 * parted. */
uint64_t model_unmap(View *v, uint32_t ioas, uint64_t first, uint64_t last,
                     bool cut);

/* Compare the samples of an area on every device: there, or not. */
void model_look(View *v, const Area *a, bool there);

#endif
