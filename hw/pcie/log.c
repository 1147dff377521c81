/*
 * What the endpoint tells its software: log ring, misuse bits, events,
 * interrupts.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/pcie/log.h"

typedef struct EpLogRecord {
    uint64_t word[4];
} EpLogRecord;

typedef struct EpLog {
    EpLogRecord record[PASID_EP_LOG_RECORDS];
    uint64_t logged;
} EpLog;

EpLog *im_ep_log_new(void)
{
    return g_new0(EpLog, 1);
}

void im_ep_log_clear(ImEp *ep)
{
    memset(ep->log, 0, sizeof(*ep->log));
}

IM_RULE(EP_LOG);
void im_ep_log(ImEp *ep, unsigned kind, unsigned code, unsigned flags,
               uint64_t addr, bool has_pasid, uint32_t pasid, uint32_t arg)
{
    EpLog *log = ep->log;
    EpLogRecord *r = &log->record[log->logged % PASID_EP_LOG_RECORDS];

    if (!IM_GET(EP_REG(ep, CONTROL), EP_CONTROL_LOG)) {
        return;
    }
    r->word[0] = IM_PUT(EP_LOG_HEAD_KIND, kind) |
                 IM_PUT(EP_LOG_HEAD_CODE, code) |
                 IM_PUT(EP_LOG_HEAD_HAS_PASID, has_pasid) |
                 IM_PUT(EP_LOG_HEAD_FLAGS, flags) |
                 IM_PUT(EP_LOG_HEAD_SEQ, log->logged);
    r->word[1] = addr;
    r->word[2] = IM_PUT(EP_LOG_PASID_PASID, has_pasid ? pasid : 0) |
                 IM_PUT(EP_LOG_PASID_ARG, arg);
    r->word[3] = im_ep_now(ep);
    log->logged++;
}

uint64_t im_ep_log_read(const ImEp *ep, uint64_t off)
{
    return ep->log->record[off / PASID_EP_LOG_STRIDE % PASID_EP_LOG_RECORDS]
        .word[off % PASID_EP_LOG_STRIDE / 8];
}

uint64_t im_ep_r_log_count(ImEp *ep, EpChannel *ch)
{
    (void)ch;
    return ep->log->logged;
}

/* An interrupt message is a memory write. */
IM_RULE(PCIE_BME);
void im_ep_interrupt(ImEp *ep, uint64_t vector)
{
    if (!ep->bus_master || vector >= IM_EP_VECTORS(ep->config.channels)) {
        return;
    }
    ep->counters.interrupts++;
    im_ep_log(ep, PASID_EP_LOG_INTERRUPT, 0, 0, 0, false, 0, (uint32_t)vector);
    ep->port.msi(ep->host, (unsigned)vector);
}

/* One interrupt for each occurrence that finds the bit clear. */
void im_ep_raise(ImEp *ep, unsigned bit)
{
    uint64_t mask = UINT64_C(1) << bit;

    if (EP_REG(ep, EVENT) & mask) {
        return;
    }
    EP_REG(ep, EVENT) |= mask;
    if (EP_REG(ep, EVENT_ENABLE) & mask) {
        im_ep_interrupt(ep, EP_REG(ep, EVENT_VECTOR));
    }
}

/* Logged when latched: a guest in a loop does not flood the ring. */
void im_ep_misuse(ImEp *ep, unsigned bit, uint32_t arg)
{
    uint64_t mask = UINT64_C(1) << bit;

    if (EP_REG(ep, MISUSE) & mask) {
        return;
    }
    EP_REG(ep, MISUSE) |= mask;
    im_ep_log(ep, PASID_EP_LOG_MISUSE, bit, 0, 0, false, 0, arg);
    im_ep_raise(ep, EP_EVENT_MISUSE_LO);
}

void im_ep_log_dump(const ImEp *ep, GString *out)
{
    const EpLog *log = ep->log;
    uint64_t first = log->logged > 16 ? log->logged - 16 : 0;

    for (uint64_t n = first; n < log->logged; n++) {
        const uint64_t *w = log->record[n % PASID_EP_LOG_RECORDS].word;

        g_string_append_printf(out,
                               "log %" G_GUINT64_FORMAT ": kind %u "
                               "code %u flags %02x addr %" G_GINT64_MODIFIER
                               "x pasid %u arg %x\n",
                               n, (unsigned)IM_GET(w[0], EP_LOG_HEAD_KIND),
                               (unsigned)IM_GET(w[0], EP_LOG_HEAD_CODE),
                               (unsigned)IM_GET(w[0], EP_LOG_HEAD_FLAGS), w[1],
                               (unsigned)IM_GET(w[2], EP_LOG_PASID_PASID),
                               (unsigned)IM_GET(w[2], EP_LOG_PASID_ARG));
    }
}
