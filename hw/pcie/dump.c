/*
 * Decoded state, for people.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/pcie/ep.h"

static void ep_dump_caps(const ImEp *ep, GString *out)
{
    g_string_append_printf(out, "bus master %d\n", ep->bus_master);
    if (ep->cap_at[EP_CAP_PASID]) {
        g_string_append_printf(out,
            "PASID at %03x: width %u, enable %u, execute %u, "
            "privileged %u\n", ep->cap_at[EP_CAP_PASID],
            (unsigned)EP_CAP(ep, EP_PASID0, PCIE_PASID_WIDTH),
            (unsigned)EP_CAP(ep, EP_PASID0, PCIE_PASID_ENABLE),
            (unsigned)EP_CAP(ep, EP_PASID0, PCIE_PASID_EXEC),
            (unsigned)EP_CAP(ep, EP_PASID0, PCIE_PASID_PRIV));
    }
    if (ep->cap_at[EP_CAP_ATS]) {
        g_string_append_printf(out, "ATS at %03x: enable %u, STU %u%s\n",
            ep->cap_at[EP_CAP_ATS],
            (unsigned)EP_CAP(ep, EP_ATS0, PCIE_ATS_ENABLE),
            (unsigned)EP_CAP(ep, EP_ATS0, PCIE_ATS_STU),
            ep->ats_ur ? ", answered UR: not asked any more" : "");
    }
    if (ep->cap_at[EP_CAP_PRI]) {
        g_string_append_printf(out,
            "PRI at %03x: enable %u, stopped %d, RF %u, UPRGI %u, "
            "allocation %u of %u, outstanding %u\n",
            ep->cap_at[EP_CAP_PRI],
            (unsigned)EP_CAP(ep, EP_PRI0, PCIE_PRI_ENABLE),
            im_ep_stopped(ep), (unsigned)EP_CAP(ep, EP_PRI0, PCIE_PRI_RF),
            (unsigned)EP_CAP(ep, EP_PRI0, PCIE_PRI_UPRGI),
            (unsigned)EP_CAP(ep, EP_PRI1, PCIE_PRI_ALLOCATION),
            (unsigned)EP_CAP(ep, EP_PRI1, PCIE_PRI_CAPACITY),
            ep->outstanding);
    }
    if (ep->cap_at[EP_CAP_ACS]) {
        g_string_append_printf(out,
            "ACS at %03x: request redirect %u, completion redirect %u, "
            "direct translated %u\n", ep->cap_at[EP_CAP_ACS],
            (unsigned)EP_CAP(ep, EP_ACS0, PCIE_ACS_RR),
            (unsigned)EP_CAP(ep, EP_ACS0, PCIE_ACS_CR),
            (unsigned)EP_CAP(ep, EP_ACS0, PCIE_ACS_DT));
    }
}

static void ep_dump_key(GString *out, bool has_pasid, uint32_t pasid, bool priv)
{
    if (has_pasid) {
        g_string_append_printf(out, "PASID %05x%s", pasid,
                               priv ? " privileged" : "");
    } else {
        g_string_append(out, "no PASID");
    }
}

static void ep_dump_atc(const ImEp *ep, GString *out)
{
    g_string_append_printf(out, "ATC: %u of %u entries\n", ep->atc.used,
                           ep->atc.size);
    for (uint32_t i = 0; i < ep->atc.size; i++) {
        const EpAtcEntry *e = &ep->atc.entry[i];

        if (!e->valid) {
            continue;
        }
        g_string_append_printf(out, "  %016" G_GINT64_MODIFIER "x -> %016"
                               G_GINT64_MODIFIER "x 2^%u %c%c%c%s%s%s ",
                               e->va, e->pa, e->lg2,
                               e->perm & IM_PERM_R ? 'r' : '-',
                               e->perm & IM_PERM_W ? 'w' : '-',
                               e->perm & IM_PERM_X ? 'x' : '-',
                               e->global ? " global" : "",
                               e->u ? " untranslated-only" : "",
                               e->nw ? " no-write" : "");
        ep_dump_key(out, e->has_pasid, e->pasid, e->priv);
        g_string_append_c(out, '\n');
    }
}

static void ep_dump_channels(const ImEp *ep, GString *out)
{
    static const char *const states[] = {
        "idle", "running", "waits for a page", "waits for a request",
        "ok", "error", "aborted",
    };

    for (unsigned i = 0; i < ep->channels; i++) {
        const EpChannel *ch = &ep->ch[i];

        if (ch->reg[EP_R_CH_LAUNCHED] == 0) {
            continue;
        }
        g_string_append_printf(out, "channel %u: %s, cause %u, op %u, "
                               "mode %u, ", i, states[ch->state], ch->cause,
                               ch->prog.op, ch->prog.mode);
        ep_dump_key(out, ch->prog.req.has_pasid, ch->prog.req.pasid,
                    ch->prog.req.priv);
        g_string_append_printf(out, ", %" G_GUINT64_FORMAT " of %"
                               G_GUINT64_FORMAT " bytes, launched %"
                               G_GUINT64_FORMAT ", returned %"
                               G_GUINT64_FORMAT "\n",
                               ch->reg[EP_R_CH_DONE], ch->prog.total,
                               ch->reg[EP_R_CH_LAUNCHED],
                               ch->reg[EP_R_CH_RETURNED]);
    }
}

static void ep_dump_pending(const ImEp *ep, GString *out)
{
    for (unsigned i = 0; i < EP_PRGIS; i++) {
        const EpGroup *g = &ep->group[i];

        if (g->used) {
            g_string_append_printf(out, "group %u: %u messages%s, ", i,
                                   g->messages, g->closed ? "" : ", open");
            ep_dump_key(out, g->has_pasid, g->pasid, g->priv);
            g_string_append_c(out, '\n');
        }
    }
    for (unsigned i = 0; i < EP_ITAGS; i++) {
        if (ep->inv[i].used) {
            g_string_append_printf(out, "invalidation %u waits\n", i);
        }
    }
    if (ep->parked->length) {
        g_string_append_printf(out, "parked requests: %u\n",
                               ep->parked->length);
    }
}

#define SHOW_(n) \
    g_string_append_printf(out, "  " #n " %" G_GUINT64_FORMAT "\n", c->n);

static void ep_dump_log(const ImEp *ep, GString *out)
{
    uint64_t first = ep->logged > 16 ? ep->logged - 16 : 0;

    for (uint64_t n = first; n < ep->logged; n++) {
        const uint64_t *w = ep->log[n % PASID_EP_LOG_RECORDS].word;

        g_string_append_printf(out, "log %" G_GUINT64_FORMAT ": kind %u "
                               "code %u flags %02x addr %"
                               G_GINT64_MODIFIER "x pasid %u arg %x\n", n,
                               (unsigned)IM_GET(w[0], EP_LOG_HEAD_KIND),
                               (unsigned)IM_GET(w[0], EP_LOG_HEAD_CODE),
                               (unsigned)IM_GET(w[0], EP_LOG_HEAD_FLAGS),
                               w[1],
                               (unsigned)IM_GET(w[2], EP_LOG_PASID_PASID),
                               (unsigned)IM_GET(w[2], EP_LOG_PASID_ARG));
    }
}

void im_ep_dump(ImEp *ep, GString *out)
{
    const ImEpCounters *c = &ep->counters;

    ep_dump_caps(ep, out);
    ep_dump_atc(ep, out);
    ep_dump_channels(ep, out);
    ep_dump_pending(ep, out);
    g_string_append_printf(out, "misuse %05x, event %02x\ncounters:\n",
                           (unsigned)EP_REG(ep, MISUSE),
                           (unsigned)EP_REG(ep, EVENT));
    IM_EP_COUNTERS(SHOW_)
    ep_dump_log(ep, out);
}
