/*
 * Decoded state, for people.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/core/dump.h"
#include "hw/pcie/atc.h"
#include "hw/pcie/cfg.h"
#include "hw/pcie/channel.h"
#include "hw/pcie/dump.h"
#include "hw/pcie/flight.h"
#include "hw/pcie/inv.h"
#include "hw/pcie/log.h"
#include "hw/pcie/pri.h"

static void ep_dump_caps(const ImEp *ep, GString *out)
{
    g_string_append_printf(out, "bus master %d\n", ep->bus_master);
    if (im_ep_cap_at(ep, EP_CAP_PASID)) {
        g_string_append_printf(
            out,
            "PASID at %03x: width %u, enable %u, execute %u, "
            "privileged %u\n",
            im_ep_cap_at(ep, EP_CAP_PASID),
            (unsigned)EP_CAP(ep, EP_PASID0, PCIE_PASID_WIDTH),
            (unsigned)EP_CAP(ep, EP_PASID0, PCIE_PASID_ENABLE),
            (unsigned)EP_CAP(ep, EP_PASID0, PCIE_PASID_EXEC),
            (unsigned)EP_CAP(ep, EP_PASID0, PCIE_PASID_PRIV));
    }
    if (im_ep_cap_at(ep, EP_CAP_ATS)) {
        g_string_append_printf(out, "ATS at %03x: enable %u, STU %u%s\n",
                               im_ep_cap_at(ep, EP_CAP_ATS),
                               (unsigned)EP_CAP(ep, EP_ATS0, PCIE_ATS_ENABLE),
                               (unsigned)EP_CAP(ep, EP_ATS0, PCIE_ATS_STU),
                               im_ep_ats_ended(ep) ?
                                   ", answered UR: not asked any more" :
                                   "");
    }
    if (im_ep_cap_at(ep, EP_CAP_PRI)) {
        g_string_append_printf(
            out,
            "PRI at %03x: enable %u, stopped %d, RF %u, UPRGI %u, "
            "allocation %u of %u, outstanding %u\n",
            im_ep_cap_at(ep, EP_CAP_PRI),
            (unsigned)EP_CAP(ep, EP_PRI0, PCIE_PRI_ENABLE),
            im_ep_pri_stopped(ep), (unsigned)EP_CAP(ep, EP_PRI0, PCIE_PRI_RF),
            (unsigned)EP_CAP(ep, EP_PRI0, PCIE_PRI_UPRGI),
            (unsigned)EP_CAP(ep, EP_PRI1, PCIE_PRI_ALLOCATION),
            (unsigned)EP_CAP(ep, EP_PRI1, PCIE_PRI_CAPACITY),
            im_ep_pri_outstanding(ep));
    }
    if (im_ep_cap_at(ep, EP_CAP_ACS)) {
        g_string_append_printf(
            out,
            "ACS at %03x: request redirect %u, completion redirect %u, "
            "direct translated %u\n",
            im_ep_cap_at(ep, EP_CAP_ACS),
            (unsigned)EP_CAP(ep, EP_ACS0, PCIE_ACS_RR),
            (unsigned)EP_CAP(ep, EP_ACS0, PCIE_ACS_CR),
            (unsigned)EP_CAP(ep, EP_ACS0, PCIE_ACS_DT));
    }
}

void im_ep_dump_key(GString *out, bool has_pasid, uint32_t pasid, bool priv)
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
    const EpAtcEntry *e;

    g_string_append_printf(out, "ATC: %u of %u entries\n",
                           im_ep_atc_used(ep->atc), ep->config.atc_entries);
    for (uint32_t i = 0; (e = im_ep_atc_entry(ep->atc, i)) != NULL; i++) {
        if (!e->valid) {
            continue;
        }
        g_string_append_printf(
            out,
            "  %016" G_GINT64_MODIFIER "x -> %016" G_GINT64_MODIFIER
            "x 2^%u %c%c%c%s%s%s ",
            e->va, e->pa, e->lg2, e->perm & IM_PERM_R ? 'r' : '-',
            e->perm & IM_PERM_W ? 'w' : '-', e->perm & IM_PERM_X ? 'x' : '-',
            e->global ? " global" : "", e->u ? " untranslated-only" : "",
            e->nw ? " no-write" : "");
        im_ep_dump_key(out, e->has_pasid, e->pasid, e->priv);
        g_string_append_c(out, '\n');
    }
}

#define SHOW_(n)  im_dump_counter(out, #n, c->n);

void im_ep_dump(ImEp *ep, GString *out)
{
    const ImEpCounters *c = &ep->counters;

    ep_dump_caps(ep, out);
    ep_dump_atc(ep, out);
    im_ep_ch_dump(ep, out);
    im_ep_pri_dump(ep, out);
    im_ep_invs_dump(ep, out);
    if (im_ep_flights_parked(ep)) {
        g_string_append_printf(out, "parked requests: %u\n",
                               im_ep_flights_parked(ep));
    }
    g_string_append_printf(out, "misuse %05x, event %02x\ncounters:\n",
                           (unsigned)EP_REG(ep, MISUSE),
                           (unsigned)EP_REG(ep, EVENT));
    IM_EP_COUNTERS(SHOW_)
    im_ep_log_dump(ep, out);
}
