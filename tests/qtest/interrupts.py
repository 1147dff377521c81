# SPDX-License-Identifier: GPL-2.0-or-later
"""Interrupt remapping of vtd-model: MSI-X, MSI and the IOAPIC."""

import re

import pcie
import vtd
from endpoint import E, Endpoint
from harness import expect, main, rows, test
from irqs import BLOCKED, IOAPIC_RID, ioapic_entry, ioapic_remappable, \
    irte, pulse, remappable, remapping, send
from rig import IOVA, RID, Rig, pending_vectors, scalable
from vtd import R, U, W


@test
def msix_without_remapping():
    with Rig() as r:
        r.ep.msix(1, 0xfee00000, 0x51)
        send(r)
        expect(pending_vectors(r.vm), {0x51}, 'vectors')
        expect(r.ep.stat(E.STAT_INTERRUPTS), 1, 'interrupts sent')


@test
def every_vector_has_its_own_message():
    with Rig() as r:
        count = (r.ep.reg(E.CAP) >> 24) & 0xff
        for n in range(count):
            r.ep.msix(n, 0xfee00000, 0x40 + n)
            send(r, n)
        expect(pending_vectors(r.vm), {0x40 + n for n in range(count)},
               'vectors')


@test
def msi_without_remapping():
    with Rig() as r:
        pos = r.ep.cap(pcie.CAP_MSI)
        r.ep.set_cfg(pos + 4, 0xfee00000)
        r.ep.set_cfg(pos + 12, 0x60, 2)
        r.ep.set_cfg(pos + 2, 1, 2)
        send(r, 3)                      # one message granted: shared
        expect(pending_vectors(r.vm), {0x60}, 'vectors')


@test
def channel_interrupts_when_done():
    with Rig() as r:
        r.ep.msix(2, 0xfee00000, 0x52)
        r.ep.must(0, E.OP_FILL, r.buf, 64, vector=2)
        expect(pending_vectors(r.vm), {0x52}, 'vectors')


@rows([
    ('plain', 5, 0, 0), ('subhandle', 5, 1, 3), ('last', 255, 0, 0),
])
def remapped(handle, shv, sub):
    with Rig() as r:
        remapping(r)
        irte(r, handle + sub, 0x71)
        r.ep.msix(1, remappable(handle, shv), sub)
        send(r)
        expect(pending_vectors(r.vm), {0x71}, 'vectors')
        r.vtd.expect_no_fault()


@rows([
    *BLOCKED,
    ('other-function', 0x26, dict(sid=RID + 1), remappable(5), 0),
    ('bus-out-of-range', 0x26, dict(svt=2, sid=0x0102), remappable(5), 0),
])
def blocked(reason, entry, addr, data):
    with Rig() as r:
        remapping(r)
        irte(r, 5, 0x71, **entry)
        r.ep.msix(1, addr, data)
        send(r)
        expect(pending_vectors(r.vm), set(), 'vectors')
        fault = r.vm.qmp('x-im-faults')[-1]
        expect(fault['kind'], 'interrupt', 'x-im-faults: kind')
        expect(fault['reason'], reason, 'x-im-faults: reason')
        r.vtd.expect_fault(reason, rid=RID)


@rows([
    ('no-validation', dict(svt=0, sid=0)),
    ('any-function', dict(sid=RID + 5, sq=3)),
    ('bus-in-range', dict(svt=2, sid=0x0001)),
])
def source_accepted(entry):
    with Rig() as r:
        remapping(r)
        irte(r, 5, 0x71, **entry)
        r.ep.msix(1, remappable(5), 0)
        send(r)
        expect(pending_vectors(r.vm), {0x71}, 'vectors')


@test
def not_present_with_fpd_is_not_recorded():
    with Rig() as r:
        remapping(r)
        irte(r, 5, 0x71, p=0, fpd=1)
        r.ep.msix(1, remappable(5), 0)
        send(r)
        expect(pending_vectors(r.vm), set(), 'vectors')
        r.vtd.expect_no_fault()


@test
def compatibility_format_passes_with_cfi():
    with Rig() as r:
        remapping(r)
        r.vtd.gcmd(vtd.CFI)
        r.ep.msix(1, 0xfee00000, 0x51)
        send(r)
        expect(pending_vectors(r.vm), {0x51}, 'vectors')


@test
def changed_entry_holds_after_invalidation():
    with Rig() as r:
        remapping(r)
        irte(r, 5, 0x71)
        r.ep.msix(1, remappable(5), 0)
        send(r)
        irte(r, 5, 0x72)
        r.vtd.sync(vtd.iec_global())
        send(r)
        expect(pending_vectors(r.vm), {0x71, 0x72}, 'vectors')


@rows([
    ('own-registers', vtd.BASE), ('pci-hole', 0xc8000000),
    ('beyond-memory', 0x7f00000000),
])
def table_not_in_memory(at):
    with Rig() as r:
        remapping(r)
        r.vtd.wr64(vtd.IRTA, at | 7)
        r.vtd.gcmd(vtd.SIRTP)
        r.ep.msix(1, remappable(5), 0)
        send(r)
        expect(pending_vectors(r.vm), set(), 'vectors')
        r.vtd.expect_fault(0x23, rid=RID)


@test
def wide_destination_with_eime():
    with Rig('-trace', 'im_vtd_remapped') as r:
        remapping(r, eime=1)
        irte(r, 5, 0x71, dest=0x11f)
        r.ep.msix(1, remappable(5), 0)
        send(r)
        # APIC ID bits 31:8 travel in bits 63:40 of the address
        message = re.search(rf'im_vtd_remapped rid {RID:#06x} '
                            r'addr (\w+) data (\w+)', r.vm.output())
        expect(int(message[1], 0), 0x100fee1f000, 'address')
        expect(int(message[2], 0) & 0xff, 0x71, 'vector')
        expect(pending_vectors(r.vm), set(), 'vectors of APIC 0')


# --- the interrupt range as memory -------------------------------------------

@rows([
    ('read-dword', E.OP_READ, 4), ('write-byte', E.OP_FILL, 1),
    ('write-quad-word', E.OP_FILL, 8), ('write-page', E.OP_FILL, 4096),
])
def interrupt_range_is_no_memory(op, length):
    with Rig() as r:
        r.vtd.start()
        r.vtd.context(RID)
        r.vtd.pasid(RID, 0, vtd.PT)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, op, 0xfee00000, length)
        r.vtd.expect_fault(0x29, rid=RID)
        expect(pending_vectors(r.vm), set(), 'vectors')


@test
def dword_write_of_dma_is_an_interrupt():
    with Rig() as r:
        r.vtd.start()
        r.ep.must(0, E.OP_FILL, 0xfee00000, 4, seed=0x53)
        expect(pending_vectors(r.vm), {0x53}, 'vectors')


@test
def with_pasid_the_range_is_an_address_like_any_other():
    with Rig() as r:
        scalable(r)
        r.first_stage(2, 0xfee00000, r.buf)
        r.ep.must(0, E.OP_FILL, 0xfee00000, 4, seed=0x54, pasid=2)
        expect(r.vm.read(r.buf, 4), 0x54, 'memory')
        expect(pending_vectors(r.vm), set(), 'vectors')


@rows([
    ('first-stage', vtd.FS, 12), ('first-stage-large', vtd.FS, 21),
    ('second-stage', vtd.SS, 12), ('second-stage-large', vtd.SS, 21),
])
def translation_into_the_range_is_blocked(pgtt, page):
    with Rig() as r:
        scalable(r)
        top = r.heap.alloc()
        make = r.vtd.fs_map if pgtt == vtd.FS else r.vtd.ss_map
        r.vtd.pasid(RID, 2, pgtt, **{'fs' if pgtt == vtd.FS else 'ss': top})
        make(top, 0x40000000, 0xfee00000, page=page)
        r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_FILL, 0x40000000, 4, pasid=2,
                       seed=0x55)
        r.vtd.expect_fault(0x87, rid=RID)
        expect(pending_vectors(r.vm), set(), 'vectors')


# --- IOAPIC ------------------------------------------------------------------

@test
def ioapic_without_remapping():
    with Rig() as r:
        ioapic_entry(r.vm, 20, 0x33)
        pulse(r.vm, 20)
        expect(pending_vectors(r.vm), {0x33}, 'vectors')


@test
def ioapic_remapped():
    with Rig() as r:
        remapping(r)
        irte(r, 9, 0x34, sid=IOAPIC_RID)
        ioapic_entry(r.vm, 20, ioapic_remappable(9, 0x34))
        pulse(r.vm, 20)
        expect(pending_vectors(r.vm), {0x34}, 'vectors')
        r.vtd.expect_no_fault()


@rows([
    ('compatibility', 0x25, 0x33, {}),
    ('other-source', 0x26, ioapic_remappable(9, 0x34), dict(sid=RID)),
])
def ioapic_blocked(reason, entry, kw):
    with Rig() as r:
        remapping(r)
        irte(r, 9, 0x34, **(dict(sid=IOAPIC_RID) | kw))
        ioapic_entry(r.vm, 20, entry)
        pulse(r.vm, 20)
        expect(pending_vectors(r.vm), set(), 'vectors')
        r.vtd.expect_fault(reason, rid=IOAPIC_RID)


@test
def ioapic_source_unchecked():
    """For programs that name another; a function is verified all the same."""
    with Rig(iommu=('-device', 'vtd-model,ioapic-source-check=off')) as r:
        remapping(r)
        irte(r, 9, 0x34, sid=RID + 8)
        ioapic_entry(r.vm, 20, ioapic_remappable(9, 0x34))
        pulse(r.vm, 20)
        expect(pending_vectors(r.vm), {0x34}, 'vectors')
        r.vtd.expect_no_fault()
        r.ep.msix(1, remappable(9), 0)
        send(r)
        r.vtd.expect_fault(0x26, rid=RID)


@test
def ioapic_source_of_intel_iommu():
    """QEMU's own looks at no source (docs/migrating.rst)."""
    with Rig('-machine', 'kernel-irqchip=off',
             iommu=('-device', 'intel-iommu,intremap=on')) as r:
        remapping(r)
        irte(r, 9, 0x34, sid=RID)
        ioapic_entry(r.vm, 20, ioapic_remappable(9, 0x34))
        pulse(r.vm, 20)
        expect(pending_vectors(r.vm), {0x34}, 'vectors')


@rows([
    ('compatibility', 0x25, 0x33),
    ('not-present', 0x22, ioapic_remappable(10, 0x34)),
])
def ioapic_unchecked_but_blocked(reason, entry):
    with Rig(iommu=('-device', 'vtd-model,ioapic-source-check=off')) as r:
        remapping(r)
        irte(r, 9, 0x34, sid=RID)
        ioapic_entry(r.vm, 20, entry)
        pulse(r.vm, 20)
        expect(pending_vectors(r.vm), set(), 'vectors')
        r.vtd.expect_fault(reason, rid=IOAPIC_RID)


if __name__ == '__main__':
    main()
