/*
 * A host for an iommufd engine under test: processes and files of made-up
 * memory that count pins, allocations that fail when told, and commands in
 * one line.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_IOF_H
#define TESTS_LIB_IOF_H

#include "hw/iommufd/iommufd.h"

#define IOF_FAKE_SEGMENTS  8

/* What may be mapped and pinned: the object of an ImIommufdPage. */
typedef struct FakeMemory {
    uint64_t pages;
    uint8_t *byte;
    uint32_t *pins;
} FakeMemory;

typedef struct FakeSegment {
    uint64_t addr, length;
    FakeMemory *memory;             /* of the host */
    uint64_t offset;
    bool read_only;
} FakeSegment;

/* A process, or a file (with one segment at 0). */
typedef struct FakeSource {
    uint32_t holds;
    bool gone;                      /* nothing can be pinned any more */
    int refuses;                    /* pinning fails so, or 0 */
    uint64_t bytes;                 /* of a dma-buf, else UINT64_MAX */
    FakeSegment segment[IOF_FAKE_SEGMENTS];
    unsigned segments;
} FakeSource;

/* A queue that install() put somewhere. */
typedef struct FakeHost {
    ImIommufd *f;
    GPtrArray *memories, *sources;
    GPtrArray *queues;              /* descriptor number - 100 */
    uint64_t now;
    uint64_t live;                  /* bytes allocated */
    int fail_in;                    /* the n-th allocation fails; 0: none */
    bool failed;
    uint64_t most_extent;           /* bytes that pin() gives at once */
    bool install_fails;
    const void *own;                /* where fake_addr() may be, or NULL: */
    uint64_t own_length;            /* anywhere */
    unsigned changed;
} FakeHost;

extern const ImIommufdPort fake_port;

/* With I/O pages of that size; extra commands or NULL. */
FakeHost *fake_new(uint8_t io_page_shift);
/* Everything must be unpinned, dropped and free by then. */
void fake_free(FakeHost *h);

FakeMemory *fake_memory(FakeHost *h, uint64_t pages);
FakeSource *fake_process(FakeHost *h);
/* Memory at an address; returns the address. */
uint64_t fake_mmap(FakeSource *s, uint64_t addr, FakeMemory *m, uint64_t offset,
                   uint64_t length, bool read_only);
/* A file, whose descriptor is the number. */
FakeSource *fake_file(FakeHost *h, FakeMemory *m, int32_t *fd);

/* A caller with every right. */
ImIommufdCaller fake_caller(FakeSource *process);

/* A command: its structure is the test's, its size is filled in. */
int fake_ioctl(ImIommufdFile *file, const ImIommufdCaller *caller, uint32_t nr,
               void *arg, uint32_t size);
#define IOF(file, caller, nr, arg) \
    fake_ioctl((file), (caller), (nr), (arg), (uint32_t)sizeof(*(arg)))

/* Addresses of the test itself, for structures and arrays. */
static inline uint64_t fake_addr(const void *p)
{
    return (uint64_t)(uintptr_t)p | UINT64_C(1) << 63;
}

/* An IOAS; returns its number. */
uint32_t fake_ioas(ImIommufdFile *file, const ImIommufdCaller *caller);

/* A page table of an IOAS, with a function of the backend's looking into it.
 * 0, or why it cannot be added. */
typedef struct FakeTable {
    ImIommufdFile *file;
    IofIoas *ioas;
    IofSpace space;
    ImuRef dev;
    uint32_t func;
} FakeTable;

int fake_table(FakeTable *t, ImIommufdFile *file, uint32_t ioas_id,
               uint32_t func, uint64_t first, uint64_t last);
void fake_table_free(FakeTable *t);
/* Where a request of the function goes; false: nowhere. */
bool fake_lookup(FakeTable *t, uint64_t iova, bool write, uint64_t *pa);

/* Fails unless all invariants hold. */
void fake_check(FakeHost *h);

#endif /* TESTS_LIB_IOF_H */
