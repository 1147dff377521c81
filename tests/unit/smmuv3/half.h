/*
 * The translation half of the SMMU as a script: what the queue half asks of
 * it is answered as "other" says, and remembered there. Included once by a
 * test program, whose functions take the place of libim's.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_UNIT_SMMUV3_HALF_H
#define TESTS_UNIT_SMMUV3_HALF_H

#include <string.h>

#include "hw/smmuv3/smmu.h"
#include "lib/smmu_build.h"
#include "lib/spec.h"

#define SID  0x108u

/* --- The other half. ---------------------------------------------------- */

static struct {
    unsigned stalls_left;           /* so many attempts stall, ... */
    ImXlat then;                    /* ... then this */
    unsigned routed;
    uint8_t ste_code;
    ImSmmuSte ste;
    SmmuTlbi tlbi;
    unsigned tlbis, stes, cds;
    uint32_t sid;
    unsigned lg2;
} other;

static SmmuEvent fault_of(const ImTxn *txn)
{
    return (SmmuEvent) {
        .code = SMMU_EVT_F_TRANSLATION,
        .cls = SMMU_CLASS_IN,
        .sid = im_smmu_txn_sid(txn),
        .ssv = txn->has_pasid,
        .ssid = txn->pasid,
        .rnw = true,
        .addr = txn->addr,
        .txn = txn,
    };
}

ImXlat im_smmu_route(ImSmmu *s, const ImTxn *txn, SmmuRetry *retry)
{
    ImXlat x = { .status = IM_PENDING };
    SmmuEvent e = fault_of(txn);

    other.routed++;
    if (retry && !other.stalls_left) {
        return other.then;
    }
    if (retry) {
        other.stalls_left--;
        retry->event = e;
        return x;
    }
    if (!im_smmu_stall(s, txn, &e, &x.handle)) {
        im_smmu_event(s, &e);
        x.status = IM_FAULT;
        x.fault = e.code;
        x.cpl = IM_CPL_CA;
    }
    return x;
}

uint8_t im_smmu_ste_of(ImSmmu *s G_GNUC_UNUSED, uint32_t sid G_GNUC_UNUSED,
                       struct SmmuExplain *ex G_GNUC_UNUSED, ImSmmuSte *ste)
{
    *ste = other.ste;
    return other.ste_code;
}

SmmuCaches *im_smmu_caches_new(const ImSmmuConfig *cfg G_GNUC_UNUSED)
{
    return NULL;
}

void im_smmu_caches_free(SmmuCaches *c G_GNUC_UNUSED)
{
}

void im_smmu_inv_everything(ImSmmu *s G_GNUC_UNUSED)
{
}

void im_smmu_inv_ste(ImSmmu *s G_GNUC_UNUSED, uint32_t sid, unsigned lg2,
                     bool leaf G_GNUC_UNUSED)
{
    other.stes++;
    other.sid = sid;
    other.lg2 = lg2;
}

void im_smmu_inv_cd(ImSmmu *s G_GNUC_UNUSED, uint32_t sid,
                    uint32_t ssid G_GNUC_UNUSED, bool leaf G_GNUC_UNUSED)
{
    other.cds++;
    other.sid = sid;
}

void im_smmu_inv_cd_all(ImSmmu *s G_GNUC_UNUSED, uint32_t sid)
{
    other.cds++;
    other.sid = sid;
}

void im_smmu_tlbi(ImSmmu *s G_GNUC_UNUSED, const SmmuTlbi *t)
{
    other.tlbis++;
    other.tlbi = *t;
}

void im_smmu_caches_dump(ImSmmu *s G_GNUC_UNUSED, GString *out)
{
    g_string_append(out, "caches\n");
}

/* --- Helpers. ----------------------------------------------------------- */

static inline Rig *prepare_with(const ImSmmuConfig *cfg)
{
    Rig *r = rig_smmu_new(cfg);

    memset(&other, 0, sizeof(other));
    other.then = (ImXlat) { .status = IM_OK, .addr = 0x1000 };
    sb_cmdq_enable(r, 6);
    sb_evtq_enable(r, 3);
    sb_priq_enable(r, 2);
    sb_irq_enable(r, IRQ_EVTQ | IRQ_PRIQ | IRQ_GERROR);
    sb_cr0(r, CR0_SMMUEN, true);
    rig_log_clear(r);
    return r;
}

static inline Rig *prepare(void)
{
    return prepare_with(NULL);
}

static inline ImXlat dma(Rig *r, uint32_t sid, uint64_t addr)
{
    ImTxn t = {
        .rid = (uint16_t)sid,
        .segment = (uint16_t)(sid >> 16),
        .addr = addr,
        .len = 4,
        .access = IM_READ,
        .may_stall = true,
    };

    return im_smmu_route(r->smmu, &t, NULL);
}

static inline uint64_t stall(Rig *r, uint32_t sid, uint64_t addr)
{
    ImXlat x = dma(r, sid, addr);

    g_assert_cmpuint(x.status, ==, IM_PENDING);
    return x.handle;
}

static inline unsigned resumed(Rig *r)
{
    return rig_count(r, RIG_SEEN_RESUME);
}

static inline const ImSmmuCounters *count(Rig *r)
{
    return im_smmu_counters(r->smmu);
}

#endif /* TESTS_UNIT_SMMUV3_HALF_H */
