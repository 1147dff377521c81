/*
 * BAR0: the rows of endpoint_regs.h.inc, one merge rule, hooks by name.
 * Specified in docs/specs/pasid-endpoint.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/core/regbank.h"
#include "hw/pcie/atc.h"
#include "hw/pcie/cfg.h"
#include "hw/pcie/channel.h"
#include "hw/pcie/hold.h"
#include "hw/pcie/log.h"
#include "hw/pcie/pri.h"
#include "hw/pcie/raw.h"
#include "hw/pcie/regs.h"
#include "hw/pcie/run.h"

typedef struct EpRow {
    uint64_t rw;
    uint64_t w1c;
    EpWritten *written;
    EpRead *read;
} EpRow;

#define ROW_(name, off, rw, w1c, written, read)  { rw, w1c, written, read },
static const EpRow global_rows[EP_REGS] = { IM_EP_GLOBAL_REGS(ROW_) };
static const EpRow channel_rows[EP_CH_REGS] = { IM_EP_CHANNEL_REGS(ROW_) };

/* What guest programs include says the same as the rows. */
#define SAME_OFFSET_(name, off, rw, w1c, written, read) \
    G_STATIC_ASSERT(PASID_EP_##name == (off) && (off) % 8 == 0);
IM_EP_GLOBAL_REGS(SAME_OFFSET_)
IM_EP_CHANNEL_REGS(SAME_OFFSET_)
#define SAME_FIELD_(unit, field, hi, lo) \
    G_STATIC_ASSERT(PASID_##unit##_##field == IM_BITS(hi, lo));
#define NO_FIELD_(hi, lo)
#define SAME_LAYOUT_(name) \
    IM_EP_##name##_LAYOUT(SAME_FIELD_, NO_FIELD_, NO_FIELD_)
IM_EP_LAYOUTS(SAME_LAYOUT_)
G_STATIC_ASSERT(PASID_EP_BAR0_SIZE == IM_EP_BAR0_SIZE);
G_STATIC_ASSERT(PASID_EP_LOG + PASID_EP_LOG_RECORDS * PASID_EP_LOG_STRIDE <=
                PASID_EP_BAR0_SIZE);
G_STATIC_ASSERT(PASID_EP_STAT_INTERRUPTS ==
                PASID_EP_STATS + G_STRUCT_OFFSET(ImEpCounters, interrupts));

#define CASE_(name, off, rw, w1c, written, read) \
    case off: \
        return EP_R_##name;

static int ep_regs_global_at(uint64_t off)
{
    switch (off) {
        IM_EP_GLOBAL_REGS(CASE_)
    default:
        return -1;
    }
}

static int ep_regs_channel_at(uint64_t off)
{
    switch (off) {
        IM_EP_CHANNEL_REGS(CASE_)
    default:
        return -1;
    }
}

void im_ep_regs_reset(ImEp *ep)
{
    const ImEpConfig *c = &ep->config;

    memset(ep->reg, 0, sizeof(ep->reg));
    EP_REG(ep, MAGIC) = PASID_EP_MAGIC_VALUE;
    EP_REG(ep, REVISION) = PASID_EP_REVISION_VALUE;
    EP_REG(ep, CAP) =
        IM_PUT(EP_CAP_CHANNELS, c->channels) |
        IM_PUT(EP_CAP_PASID_WIDTH, c->pasid ? c->pasid_bits : 0) |
        IM_PUT(EP_CAP_PASID, c->pasid) | IM_PUT(EP_CAP_ATS, c->ats) |
        IM_PUT(EP_CAP_PRI, c->pri) | IM_PUT(EP_CAP_EXEC, c->pasid_exec) |
        IM_PUT(EP_CAP_PRIV, c->pasid_priv) |
        IM_PUT(EP_CAP_GLOBAL_INV, c->ats && c->ats_global_invalidate) |
        IM_PUT(EP_CAP_PAGE_ALIGNED, c->ats && c->ats_page_aligned) |
        IM_PUT(EP_CAP_PRG_PASID, c->pri && c->pri_pasid_required) |
        IM_PUT(EP_CAP_VECTORS, IM_EP_VECTORS(c->channels)) |
        IM_PUT(EP_CAP_ATC_ENTRIES, c->atc_entries);
    EP_REG(ep, BUFFER_SIZE) = c->buffer_size;
    EP_REG(ep, CONTROL) = IM_MASK(EP_CONTROL_LOG);
    EP_REG(ep, PAGE_TIMEOUT) = c->page_timeout_ns;
    EP_REG(ep, LOG_SIZE) = PASID_EP_LOG_RECORDS;
    im_ep_raw_reset(ep);
    im_ep_ch_reset_regs(ep);
}

uint64_t im_ep_r_status(ImEp *ep, EpChannel *ch)
{
    (void)ch;
    return IM_PUT(EP_STATUS_BUSY, im_ep_ch_any_active(ep)) |
           IM_PUT(EP_STATUS_BUS_MASTER, ep->bus_master) |
           IM_PUT(EP_STATUS_PASID_ON,
                  EP_CAP(ep, EP_PASID0, PCIE_PASID_ENABLE)) |
           IM_PUT(EP_STATUS_EXEC_ON, EP_CAP(ep, EP_PASID0, PCIE_PASID_EXEC)) |
           IM_PUT(EP_STATUS_PRIV_ON, EP_CAP(ep, EP_PASID0, PCIE_PASID_PRIV)) |
           IM_PUT(EP_STATUS_ATS_ON, im_ep_ats_on(ep)) |
           IM_PUT(EP_STATUS_PRI_ON, EP_CAP(ep, EP_PRI0, PCIE_PRI_ENABLE)) |
           IM_PUT(EP_STATUS_PRI_STOPPED, im_ep_pri_stopped(ep)) |
           IM_PUT(EP_STATUS_PRI_RF, EP_CAP(ep, EP_PRI0, PCIE_PRI_RF)) |
           IM_PUT(EP_STATUS_PRI_UPRGI, EP_CAP(ep, EP_PRI0, PCIE_PRI_UPRGI)) |
           IM_PUT(EP_STATUS_ATS_UR, im_ep_ats_ended(ep)) |
           IM_PUT(EP_STATUS_HELD, im_ep_held_any(ep)) |
           IM_PUT(EP_STATUS_STU, EP_CAP(ep, EP_ATS0, PCIE_ATS_STU)) |
           IM_PUT(EP_STATUS_OUTSTANDING, im_ep_pri_outstanding(ep));
}

uint64_t im_ep_r_time(ImEp *ep, EpChannel *ch)
{
    (void)ch;
    return im_ep_now(ep);
}

uint64_t im_ep_r_atc_used(ImEp *ep, EpChannel *ch)
{
    (void)ch;
    return im_ep_atc_used(ep->atc);
}

/* The entry that ATC_INDEX selects, or an empty one. */
static const EpAtcEntry *ep_regs_shown(const ImEp *ep)
{
    static const EpAtcEntry none;
    const EpAtcEntry *e = im_ep_atc_entry(ep->atc, EP_REG(ep, ATC_INDEX));

    return e && e->valid ? e : &none;
}

uint64_t im_ep_r_atc_addr(ImEp *ep, EpChannel *ch)
{
    (void)ch;
    return ep_regs_shown(ep)->va;
}

uint64_t im_ep_r_atc_xlat(ImEp *ep, EpChannel *ch)
{
    (void)ch;
    return ep_regs_shown(ep)->pa;
}

uint64_t im_ep_r_atc_info(ImEp *ep, EpChannel *ch)
{
    const EpAtcEntry *e = ep_regs_shown(ep);

    (void)ch;
    return IM_PUT(EP_ATC_INFO_VALID, e->valid) |
           IM_PUT(EP_ATC_INFO_HAS_PASID, e->has_pasid) |
           IM_PUT(EP_ATC_INFO_PRIV, e->priv) |
           IM_PUT(EP_ATC_INFO_GLOBAL, e->global) |
           IM_PUT(EP_ATC_INFO_R, (e->perm & IM_PERM_R) != 0) |
           IM_PUT(EP_ATC_INFO_W, (e->perm & IM_PERM_W) != 0) |
           IM_PUT(EP_ATC_INFO_X, (e->perm & IM_PERM_X) != 0) |
           IM_PUT(EP_ATC_INFO_U, e->u) | IM_PUT(EP_ATC_INFO_N, e->n) |
           IM_PUT(EP_ATC_INFO_NW, e->nw) | IM_PUT(EP_ATC_INFO_LG2SIZE, e->lg2) |
           IM_PUT(EP_ATC_INFO_PASID, e->has_pasid ? e->pasid : 0);
}

IM_RULE(EP_COMMAND);
void im_ep_w_command(ImEp *ep, EpChannel *ch, uint64_t val)
{
    uint64_t arg = EP_REG(ep, ARG);

    (void)ch;
    switch (val) {
    case PASID_EP_CMD_ATC_FLUSH:
        im_ep_atc_flush(ep->atc);
        break;
    case PASID_EP_CMD_LOG_CLEAR:
        im_ep_log_clear(ep);
        break;
    case PASID_EP_CMD_STATS_CLEAR:
        memset(&ep->counters, 0, sizeof(ep->counters));
        break;
    case PASID_EP_CMD_RESET:
        im_ep_reset_as(ep, EP_RESET_COMMAND);
        break;
    case PASID_EP_CMD_STOP_PASID:
        im_ep_stop_pasid(ep, (uint32_t)arg);
        break;
    case PASID_EP_CMD_RELEASE:
        im_ep_held_deliver(ep, true);
        break;
    case PASID_EP_CMD_INTERRUPT:
        im_ep_interrupt(ep, arg);
        break;
    case PASID_EP_CMD_ABORT_ALL:
        im_ep_ch_end_all(ep, PASID_EP_STATE_ABORTED, PASID_EP_CAUSE_NONE);
        break;
    default:
        im_ep_misuse(ep, EP_MISUSE_BAD_COMMAND_LO, PASID_EP_COMMAND);
        break;
    }
}

/* Channel and offset within its block; NULL when there is none. */
static EpChannel *ep_regs_channel_of(ImEp *ep, uint64_t off, uint64_t *rel)
{
    uint64_t n = (off - PASID_EP_CHANNEL0) / PASID_EP_CHANNEL_STRIDE;

    *rel = (off - PASID_EP_CHANNEL0) % PASID_EP_CHANNEL_STRIDE;
    return off >= PASID_EP_CHANNEL0 ? im_ep_ch(ep, n) : NULL;
}

static bool ep_regs_in_area(uint64_t off, uint64_t start, uint64_t size)
{
    return off >= start && off - start < size;
}

/*
 * Areas that are not registers of the rows: statistics, results, log.
 * Returns false when off is in none of them.
 */
static bool ep_regs_read_area(const ImEp *ep, uint64_t off, uint64_t *val)
{
    if (ep_regs_in_area(off, PASID_EP_STATS, sizeof(ep->counters))) {
        memcpy(val, (const char *)&ep->counters + (off - PASID_EP_STATS), 8);
        return true;
    }
    if (ep_regs_in_area(off, PASID_EP_LOG,
                        PASID_EP_LOG_RECORDS * PASID_EP_LOG_STRIDE)) {
        *val = im_ep_log_read(ep, off - PASID_EP_LOG);
        return true;
    }
    if (ep_regs_in_area(off, PASID_EP_ATS_RESULT,
                        PASID_EP_ATS_RESULTS * PASID_EP_ATS_RESULT_STRIDE)) {
        return im_ep_raw_result(ep, off - PASID_EP_ATS_RESULT, val);
    }
    return false;
}

static uint64_t ep_regs_read_row(ImEp *ep, EpChannel *ch, const EpRow *row,
                                 uint64_t stored)
{
    return row->read ? row->read(ep, ch) : stored;
}

static bool ep_regs_read64(ImEp *ep, uint64_t off, uint64_t *val)
{
    uint64_t rel;
    EpChannel *ch = ep_regs_channel_of(ep, off, &rel);
    int i = ch ? ep_regs_channel_at(rel) : ep_regs_global_at(off);

    if (i >= 0) {
        *val = ch ? ep_regs_read_row(ep, ch, &channel_rows[i],
                                     *im_ep_ch_reg(ch, i)) :
                    ep_regs_read_row(ep, NULL, &global_rows[i], ep->reg[i]);
        return true;
    }
    return !ch && ep_regs_read_area(ep, off, val);
}

IM_RULE(EP_ACCESS);
static bool ep_regs_access_ok(ImEp *ep, uint64_t off, unsigned size)
{
    if ((size == 4 || size == 8) && off % size == 0) {
        return true;
    }
    im_ep_misuse(ep, EP_MISUSE_BAD_ACCESS_LO, (uint32_t)off);
    return false;
}

uint64_t im_ep_mmio_read(ImEp *ep, uint64_t off, unsigned size)
{
    uint64_t val = 0;

    if (!ep_regs_access_ok(ep, off, size)) {
        return 0;
    }
    if (!ep_regs_read64(ep, off & ~UINT64_C(7), &val)) {
        im_ep_misuse(ep, EP_MISUSE_BAD_OFFSET_LO, (uint32_t)off);
        return 0;
    }
    return size == 8 ? val : (uint32_t)(val >> (off % 8 * 8));
}

static void ep_regs_write_row(ImEp *ep, EpChannel *ch, const EpRow *row,
                              uint64_t *stored, uint64_t val, uint64_t lanes)
{
    *stored = im_reg_merge(*stored, val, row->rw, row->w1c, lanes);
    if (row->written && (lanes & UINT32_MAX)) {
        row->written(ep, ch, val);
    }
}

static void ep_regs_write64(ImEp *ep, uint64_t off, uint64_t val,
                            uint64_t lanes)
{
    uint64_t rel, ignored;
    EpChannel *ch = ep_regs_channel_of(ep, off, &rel);
    int i = ch ? ep_regs_channel_at(rel) : ep_regs_global_at(off);

    if (i < 0) {
        if (ch || !ep_regs_read_area(ep, off, &ignored)) {
            im_ep_misuse(ep, EP_MISUSE_BAD_OFFSET_LO, (uint32_t)off);
        }
    } else if (!ch) {
        ep_regs_write_row(ep, NULL, &global_rows[i], &ep->reg[i], val, lanes);
    } else if (im_ep_ch_active(ch) && channel_rows[i].rw) {
        im_ep_ch_ignore(ep, ch);
    } else {
        ep_regs_write_row(ep, ch, &channel_rows[i], im_ep_ch_reg(ch, i), val,
                          lanes);
    }
}

void im_ep_mmio_write(ImEp *ep, uint64_t off, uint64_t val, unsigned size)
{
    unsigned shift = (unsigned)(off % 8 * 8);

    if (!ep_regs_access_ok(ep, off, size)) {
        return;
    }
    if (size == 8) {
        ep_regs_write64(ep, off, val, UINT64_MAX);
    } else {
        ep_regs_write64(ep, off & ~UINT64_C(7), (val & UINT32_MAX) << shift,
                        (uint64_t)UINT32_MAX << shift);
    }
    im_ep_settle(ep);
}
