/*
 * SMMUv3 unit: life, memory and time.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/iommu.h"
#include "hw/core/port.h"
#include "hw/smmuv3/regs.h"

#include <string.h>

ImSmmu *im_smmu_new(const ImSmmuConfig *config, const ImPort *port, void *host,
                    char **err)
{
    ImSmmu *s = g_new0(ImSmmu, 1);
    char *why = im_smmu_config_apply(s, config);

    if (why) {
        if (err) {
            *err = why;
        } else {
            g_free(why);
        }
        g_free(s);
        return NULL;
    }
    im_port_copy(&s->port, port);
    s->host = host;
    s->caches = im_smmu_caches_new(&s->cfg);
    s->regs = im_smmu_regs_new(s);
    s->cmdq = im_smmu_cmdq_new();
    s->atc = im_smmu_atc_new();
    s->eventq = im_smmu_eventq_new();
    s->stalls = im_smmu_stalls_new(s);
    im_smmu_regs_reset(s);
    return s;
}

/* What is still parked is forgotten: its requesters go first or with us. */
void im_smmu_free(ImSmmu *s)
{
    if (!s) {
        return;
    }
    im_smmu_stalls_free(s->stalls);
    im_smmu_eventq_free(s->eventq);
    im_smmu_atc_free(s->atc);
    im_smmu_cmdq_free(s->cmdq);
    im_smmu_regs_free(s->regs);
    im_smmu_caches_free(s->caches);
    g_free(s);
}

void im_smmu_reset(ImSmmu *s)
{
    im_smmu_stalls_drop(s);
    im_smmu_atc_off(s);
    im_smmu_eventq_reset(s);
    im_smmu_regs_reset(s);
    im_smmu_inv_everything(s);
    im_smmu_unmap(s, 0, UINT64_MAX);
    im_smmu_invalidated_all(s);
    im_smmu_changed(s);
}

IM_RULE(SMMU_REG_ACCESS);
uint64_t im_smmu_mmio_read(ImSmmu *s, uint64_t off, unsigned size)
{
    return im_regbank_read(s->regs->bank, off, size);
}

void im_smmu_mmio_write(ImSmmu *s, uint64_t off, uint64_t val, unsigned size)
{
    im_regbank_write(s->regs->bank, off, val, size);
}

bool im_smmu_translating(const ImSmmu *s)
{
    return im_smmu_on(s, IM_MASK(SMMU_CR0_SMMUEN)) ||
           IM_GET(im_smmu_reg(s, SMMU_R_GBPA), SMMU_GBPA_ABORT);
}

const ImSmmuCounters *im_smmu_counters(const ImSmmu *s)
{
    return &s->counters;
}

IM_RULE(SMMU_REG_ADDR_SIZE);
ImBus im_smmu_mem_peek(ImSmmu *s, uint64_t pa, void *buf, size_t len)
{
    return im_port_read(&s->port, s->host, s->oas_mask, pa, buf, len);
}

ImBus im_smmu_mem_write(ImSmmu *s, uint64_t pa, const void *buf, size_t len)
{
    return im_port_write(&s->port, s->host, s->oas_mask, pa, buf, len);
}

void im_smmu_trace(ImSmmu *s, const ImEvent *ev)
{
    if (s->port.event) {
        s->port.event(s->host, ev);
    }
}

void im_smmu_changed(ImSmmu *s)
{
    if (s->port.changed) {
        s->port.changed(s->host);
    }
}

void im_smmu_unmap_fn(ImSmmu *s, const ImUnmap *unmap)
{
    if (s->port.unmap) {
        s->port.unmap(s->host, unmap);
    }
}

void im_smmu_unmap(ImSmmu *s, uint64_t addr, uint64_t mask)
{
    ImUnmap unmap = { .addr = addr & ~mask, .mask = mask };

    im_smmu_unmap_fn(s, &unmap);
}

void im_smmu_invalidated(ImSmmu *s, const ImInval *inval)
{
    if (s->port.invalidated) {
        s->port.invalidated(s->host, inval);
    }
}

IM_RULE(SMMU_REG_TELL);
void im_smmu_invalidated_all(ImSmmu *s)
{
    static const ImInval all = {
        .what = IM_INVAL_CONFIG | IM_INVAL_PASID | IM_INVAL_STAGE1 |
                IM_INVAL_STAGE2,
    };

    im_smmu_invalidated(s, &all);
}

/* --- the upward port ---------------------------------------------------- */

IM_IOMMU_FUNCTIONS(smmu)
IM_IOMMU_UNIT_FUNCTIONS(smmu)
IM_IOMMU_FUNCTION(smmu, ImPageFate, explain_page_request,
                  (void *u, const ImPageReq *req, ImStepFn *fn, void *opaque),
                  (u, req, fn, opaque))
IM_IOMMU_FUNCTION(smmu, void, cancel, (void *u, uint64_t handle), (u, handle))
IM_IOMMU_BINDING_FUNCTIONS(smmu)
IM_IOMMU_COUNTERS(smmu, ImSmmuCounters, IM_SMMU_COUNTERS)

const ImIommuOps im_smmu_ops = {
    .name = "smmu",
    .segments = true,
    IM_IOMMU_MEMBERS(smmu),
    IM_IOMMU_UNIT_MEMBERS(smmu),
    IM_IOMMU_BINDING_MEMBERS(smmu),
    .explain_page_request = smmu_any_explain_page_request,
    .cancel = smmu_any_cancel,
    .fault_name = im_smmu_event_name,
    .counters = smmu_any_counters,
};
