/*
 * Both halves: a guest's IOMMU in its rig, whose memory is the guest's, the
 * host's backend beside it, and what joins them. Guest-physical memory is
 * user memory of the backend's context and physical memory, as in an
 * emulator; functions answer device-TLB invalidations when they are told to.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_RIG_VIOMMU_H
#define TESTS_LIB_RIG_VIOMMU_H

#include "im/im_viommu.h"
#include "lib/fuzz.h"
#include "lib/rig.h"

#define VIO_FUNCS      2u
#define VIO_HOST_FUNC  0x0200u          /* + 8 * n */
#define VIO_RAM        (UINT64_C(64) << 20)

typedef struct VioConfig {
    const ImVtdConfig *vtd;             /* or */
    const ImSmmuConfig *smmu;
    ImuMapMode mode;
    ImuPool pool;
    uint32_t quota;
    bool allocated;                     /* the guest has VCMD */
    bool caching;
    bool bare;                          /* the RAM space is empty */
    uint64_t apart;                     /* bits in which a physical address of
                                           the host's differs from the guest's */
} VioConfig;

typedef struct Vio {
    Rig *r;                             /* the guest's */
    ImIoasid *h;
    ImIoasidCtx *ctx;
    ImuRef set, ram;
    ImViommu *v;
    ImViommuFn *fn[VIO_FUNCS];
    VioConfig cfg;
    void *arg;                          /* of the command under way */
    size_t whole;
    GArray *readable;                   /* ImuRef */
    GArray *invs;                       /* ImAtsInv to functions */
    GArray *resps;                      /* ImPageResp to functions */
    GArray *resumed;                    /* ImXlat */
    bool mute;                          /* functions answer no invalidation */
    bool holes;                         /* the RAM space is empty */
    unsigned commands;
    unsigned fail_command;              /* the n-th that may; 0: none */
    int fail_with;
    unsigned host_faults;
    const char *host_fault;             /* name of the last */
    uint64_t deadline;                  /* of the backend */
} Vio;

Vio *vio_new(const VioConfig *cfg);
void vio_free(Vio *x);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Vio, vio_free)

/* The guest is reset, and what the host has of it. */
void vio_reset(Vio *x);
/* Deliver what is under way, until nothing is; and check both halves. */
void vio_pump(Vio *x);
/* A request of function n, in the guest's words; pumped. */
ImXlat vio_dma(Vio *x, unsigned n, const ImTxn *txn);
void vio_page_request(Vio *x, unsigned n, const ImPageReq *req);
/* Let virtual time pass in both halves. */
void vio_advance(Vio *x, uint64_t ns);
/* A command of the host's own. */
int vio_command(Vio *x, ImuCommand command, void *arg, size_t size);
#define VIO(x, NAME, arg)  vio_command(x, IMU_CMD_##NAME, arg, sizeof(*(arg)))

/* The host takes a function away and gives it again; its commands fail; its
 * devices fall silent; time passes. */
void vio_random_host(Vio *x, Fuzz *f);
/* That is over, and all is reset. */
void vio_reset_healthy(Vio *x);
/* Of any function: n has the requester ID rid ^ n. */
void vio_random_page_request(Vio *x, Fuzz *f, uint16_t rid, bool has_pasid,
                             uint32_t pasid);
/* A step of a random run was made: what it left is dropped; now and then both
 * halves are dumped. */
void vio_stepped(Vio *x, Fuzz *f);

#endif /* TESTS_LIB_RIG_VIOMMU_H */
