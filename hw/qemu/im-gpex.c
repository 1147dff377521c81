/*
 * What QEMU's generic PCI host bridge says in ACPI for our IOMMUs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "im-gpex.h"

#define FUNCTIONS           0       /* which there are, a bit each */
#define PRESERVE            5       /* PCI Firmware Specification 3.3, 4.6.5 */
#define MUST_PRESERVE       0

static bool keep;

void im_gpex_keep_bus_numbers(void)
{
    keep = true;
}

static void gpex_answer(Aml *method, int function, Aml *value)
{
    Aml *which = aml_if(aml_equal(aml_arg(2), aml_int(function)));

    aml_append(which, aml_return(value));
    aml_append(method, which);
}

void im_gpex_add_dsm(Aml *method)
{
    uint8_t functions = 1 << FUNCTIONS | 1 << PRESERVE;
    Aml *pci;

    if (keep) {
        pci = aml_if(aml_equal(
            aml_arg(0), aml_touuid("E5C937D0-3553-4D7A-9117-EA4D19C3434D")));
        gpex_answer(pci, FUNCTIONS, aml_buffer(sizeof(functions), &functions));
        gpex_answer(pci, PRESERVE, aml_int(MUST_PRESERVE));
        aml_append(method, pci);
    }
}
