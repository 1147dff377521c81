/*
 * VT-d unit: life, memory and time.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/iommu.h"
#include "hw/vtd/dma.h"

#include <string.h>

ImVtd *im_vtd_new(const ImVtdConfig *config, const ImPort *port, void *host,
                  char **err)
{
    ImVtd *s = g_new0(ImVtd, 1);
    char *why = im_vtd_config_apply(s, config);

    im_port_copy(&s->port, port);
    if (why) {
        if (err) {
            *err = why;
        } else {
            g_free(why);
        }
        g_free(s);
        return NULL;
    }
    s->host = host;
    s->caches = im_vtd_caches_new(&s->cfg);
    s->regs = im_vtd_regs_new(s);
    s->queue = im_vtd_queue_new();
    s->devtlb = im_vtd_devtlb_new();
    return s;
}

void im_vtd_free(ImVtd *s)
{
    if (!s) {
        return;
    }
    im_vtd_devtlb_free(s->devtlb);
    im_vtd_queue_free(s->queue);
    im_vtd_regs_free(s->regs);
    im_vtd_caches_free(s->caches);
    g_free(s);
}

void im_vtd_reset(ImVtd *s)
{
    im_vtd_regs_reset(s);
    im_vtd_queue_reset(s);
    s->gsts = 0;
    memset(&s->root, 0, sizeof(s->root));
    memset(&s->ir, 0, sizeof(s->ir));
    im_vtd_inv_all(s);
    im_vtd_unmap(s, 0, UINT64_MAX);
    im_vtd_invalidated_all(s);
    im_vtd_changed(s);
}

IM_RULE(VTD_REG_ACCESS);
uint64_t im_vtd_mmio_read(ImVtd *s, uint64_t off, unsigned size)
{
    return im_regbank_read(s->regs->bank, off, size);
}

void im_vtd_mmio_write(ImVtd *s, uint64_t off, uint64_t val, unsigned size)
{
    im_regbank_write(s->regs->bank, off, val, size);
}

bool im_vtd_translating(const ImVtd *s)
{
    return IM_GET(s->gsts, VTD_GCMD_TE);
}

const ImVtdCounters *im_vtd_counters(const ImVtd *s)
{
    return &s->counters;
}

bool im_vtd_mem_inside(const ImVtd *s, uint64_t pa, size_t len)
{
    return im_port_inside(im_vtd_haw_last(s), pa, len);
}

ImBus im_vtd_mem_peek(ImVtd *s, uint64_t pa, void *buf, size_t len)
{
    return im_port_read(&s->port, s->host, im_vtd_haw_last(s), pa, buf, len);
}

ImBus im_vtd_mem_read(ImVtd *s, uint64_t pa, void *buf, size_t len)
{
    s->counters.walk_reads++;
    return im_vtd_mem_peek(s, pa, buf, len);
}

ImBus im_vtd_mem_write(ImVtd *s, uint64_t pa, const void *buf, size_t len)
{
    return im_port_write(&s->port, s->host, im_vtd_haw_last(s), pa, buf, len);
}

void im_vtd_event(ImVtd *s, const ImEvent *ev)
{
    if (s->port.event) {
        s->port.event(s->host, ev);
    }
}

void im_vtd_changed(ImVtd *s)
{
    if (s->port.changed) {
        s->port.changed(s->host);
    }
}

void im_vtd_unmap(ImVtd *s, uint64_t addr, uint64_t mask)
{
    ImUnmap unmap = { .addr = addr & ~mask, .mask = mask };

    if (s->port.unmap) {
        s->port.unmap(s->host, &unmap);
    }
}

IM_RULE(VTD_6_5_TELL);
void im_vtd_invalidated(ImVtd *s, const ImInval *inval)
{
    ImInval i = *inval;

    i.domain = i.by_domain ? i.domain : 0;
    i.func = i.by_func ? i.func : 0;
    i.pasid = i.by_pasid ? i.pasid : 0;
    i.last = i.by_range ? i.last : 0;
    i.first = i.by_range ? i.first : 0;
    if (s->port.invalidated) {
        s->port.invalidated(s->host, &i);
    }
}

void im_vtd_invalidated_all(ImVtd *s)
{
    static const ImInval all = {
        .what = IM_INVAL_CONFIG | IM_INVAL_PASID | IM_INVAL_STAGE1 |
                IM_INVAL_STAGE2,
    };

    im_vtd_invalidated(s, &all);
}

/* --- the upward port ---------------------------------------------------- */

IM_IOMMU_FUNCTIONS(vtd)
IM_IOMMU_UNIT_FUNCTIONS(vtd)
IM_IOMMU_FUNCTION(vtd, ImPageFate, explain_page_request,
                  (void *u, const ImPageReq *req, ImStepFn *fn, void *opaque),
                  (u, req, fn, opaque))
IM_IOMMU_FUNCTION(vtd, ImIntOut, interrupt, (void *u, const ImMsi *msi),
                  (u, msi))
IM_IOMMU_FUNCTION(vtd, ImIntOut, explain_interrupt,
                  (void *u, const ImMsi *msi, ImStepFn *fn, void *opaque),
                  (u, msi, fn, opaque))
IM_IOMMU_BINDING_FUNCTIONS(vtd)
IM_IOMMU_COUNTERS(vtd, ImVtdCounters, IM_VTD_COUNTERS)

const ImIommuOps im_vtd_ops = {
    .name = "vtd",
    IM_IOMMU_MEMBERS(vtd),
    IM_IOMMU_UNIT_MEMBERS(vtd),
    IM_IOMMU_BINDING_MEMBERS(vtd),
    .explain_page_request = vtd_any_explain_page_request,
    .interrupt = vtd_any_interrupt,
    .explain_interrupt = vtd_any_explain_interrupt,
    .fault_name = im_vtd_fault_name,
    .counters = vtd_any_counters,
};
