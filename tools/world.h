/*
 * A world for the host backend without an emulator: memory, time, and
 * functions that do DMA.
 *
 * Guests' memory, the user memory of the context and physical memory are one
 * and the same.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TOOLS_WORLD_H
#define TOOLS_WORLD_H

#include <glib.h>

#include "im/im_ioasid.h"
#include "im/im_ioasid_words.h"

#define WORLD_MEMORY     (UINT64_C(64) << 20)
#define WORLD_FUNCTIONS  2

typedef struct World World;

/* A function: an address translation cache, and DMA that waits for pages. */
typedef struct WorldFn {
    const char *name;
    uint16_t rid;
    bool mute;                  /* completes no invalidation */
    GArray *atc;                /* AtcEntry */
    GArray *waiting;            /* Dma */
    unsigned next_group;
} WorldFn;

typedef struct AtcEntry {
    uint32_t pasid;
    bool has_pasid;
    uint64_t addr, mask, out;
    uint8_t perm;
} AtcEntry;

typedef struct Dma {
    bool has_pasid;
    uint32_t pasid;
    bool write;
    bool ats;
    uint64_t addr;
    uint64_t value;             /* written */
    uint16_t group;             /* that is waited for */
} Dma;

struct World {
    ImIoasid *host;
    ImIoasidCtx *ctx;
    ImIoasidOwner *owner;       /* of ctx */
    ImIoasidLimits limits;      /* of owner */
    ImuCall *call;              /* under way */
    uint8_t *memory;
    uint64_t tables;           /* where the next page table goes: downwards */
    uint64_t now, alarm;
    WorldFn fn[WORLD_FUNCTIONS];
    GArray *outbox;             /* what the backend sent */
    /* How to tell people. */
    void (*say)(World *w, const char *line);
};

World *world_new(void (*say)(World *w, const char *line));
void world_free(World *w);

WorldFn *world_function(World *w, const char *name);
/* The number that the function puts on the bus; false: there is none. */
bool world_on_bus(World *w, const WorldFn *f, Dma *d, uint32_t *pasid);
void world_dma(World *w, WorldFn *f, const Dma *dma);
int world_command(World *w, ImuCall *call);
/* Deliver what was sent. */
void world_settle(World *w);
void world_step(World *w, uint64_t ns);
/* An entry, and the tables above it, of a VT-d first-stage page table. */
bool world_map_page(World *w, uint64_t root, uint64_t va, uint64_t pa,
                    bool write);

bool world_peek(const World *w, uint64_t addr, uint64_t *value);
bool world_poke(World *w, uint64_t addr, uint64_t value);

#endif /* TOOLS_WORLD_H */
