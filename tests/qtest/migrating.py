# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/migrating.rst: the same on QEMU's own IOMMU and on ours. What QEMU's
does is no rule; a row that fails after a new series of QEMU is rewritten."""

import smmu
import vtd
from endpoint import E
from harness import Machine, expect, main, rows, test
from rig import Rig
from smmu import CMDQ_CONS, CMDQEN, Smmu
from vtd import Vtd

SCALABLE = 'intel-iommu,x-scalable-mode=on'


def queue_answer(device, ttm, wide, descriptor):
    """FSTS.IQE and IQEI after a descriptor, or None when it was done."""
    with Machine('-device', device) as vm:
        v = Vtd(vm)
        v.set_root(ttm)
        v.enable_queue(wide)
        v.post(*descriptor)
        v.post_wait(0xfeed)
        v.ring()
        vm.wait(lambda: v.waited(0xfeed) or v.rd32(vtd.FSTS) & 0x70,
                'an answer')
        return v.rd64(vtd.IQERCD) & 15 if v.rd32(vtd.FSTS) & vtd.FSTS_IQE \
            else None


# device, translation table mode, 256 bits, descriptor, IQEI
@rows([
    ('no-device-tlb/qemu', 'intel-iommu', vtd.LEGACY, False,
     vtd.dev_tlb(0x20), None),
    ('no-device-tlb/ours', 'vtd-model,device-iotlb=off', vtd.LEGACY, False,
     vtd.dev_tlb(0x20), 3),
    ('no-device-tlb-pasid/qemu', SCALABLE, vtd.SCALABLE, True,
     vtd.pasid_dev_tlb(0x20, 1), None),
    ('no-device-tlb-pasid/ours', 'vtd-model,device-iotlb=off', vtd.SCALABLE,
     True, vtd.pasid_dev_tlb(0x20, 1), 3),
    ('narrow/qemu', SCALABLE, vtd.SCALABLE, False, vtd.ctx_global(), None),
    ('narrow/ours', 'vtd-model', vtd.SCALABLE, False, vtd.ctx_global(), 5),
    ('error/qemu', 'intel-iommu', vtd.LEGACY, False, vtd.pasid_global(), 0),
    ('error/ours', 'vtd-model,scalable-mode=off', vtd.LEGACY, False,
     vtd.pasid_global(), 3),
    ('page-response/qemu', SCALABLE, vtd.SCALABLE, True,
     vtd.page_response(0x20, 1), 0),
    ('page-response/ours', 'vtd-model', vtd.SCALABLE, True,
     vtd.page_response(0x20, 1), None),
])
def queue(device, ttm, wide, descriptor, iqei):
    expect(queue_answer(device, ttm, wide, descriptor), iqei, 'IQEI')


@rows([('qemu', SCALABLE + ',x-pasid-mode=on', 0), ('ours', 'vtd-model', 19)])
def pasid_size(device, pss):
    with Machine('-device', device) as vm:
        ecap = Vtd(vm).rd64(vtd.ECAP)
        expect(ecap >> 40 & 1, 1, 'ECAP.PASID')
        expect(ecap >> 35 & 31, pss, 'ECAP.PSS')


@rows([('qemu', 'intel-iommu', 1, 1), ('ours', 'vtd-model', 8, 4)])
def fault_records(device, registers, records):
    with Rig(iommu=('-device', device)) as r:
        r.vtd.start(vtd.LEGACY)
        for addr in (0x40000000, 0x40000040, 0x40001000, 0x40000000):
            r.ep.must_fail(E.CAUSE_DMA_UR, 0, E.OP_READ, addr, 4,
                           mode=E.MODE_PLAIN)
        expect((r.vtd.rd64(vtd.CAP) >> 40 & 0xff) + 1, registers, 'registers')
        expect(sum(r.vtd.fault_record(n) is not None
                   for n in range(registers)), records, 'records')
        expect(r.vtd.rd32(vtd.FSTS) & vtd.FSTS_PFO, 0, 'FSTS.PFO')


UPSTREAM = smmu.VIRT + ',iommu=smmuv3', (), 0x09050000


def ours(options):
    return smmu.VIRT, ('-device', f'smmuv3-model,{options}'), smmu.BASE


# command, what ours lacks then
@rows([
    ('atc-inv', (0x40 | 5 << 32, 52), 'ats=off'),
    ('pri-resp', (0x41 | 5 << 32, 0x1001), 'ats=off'),
    ('resume', (0x44 | 5 << 32, 0), 'stall-model=1'),
    ('stall-term', (0x45 | 5 << 32, 0), 'stall-model=1'),
    ('tlbi-el2', (0x20, 0), 'hyp=off'),
    ('tlbi-el3', (0x18, 0), 'ats=on'),
])
def command(words, options):
    for who, stops in ((UPSTREAM, 0), (ours(options), 1)):
        machine, args, base = who
        with Machine(*args, machine=machine) as vm:
            s = Smmu(vm, base=base)
            s.start(cr0=CMDQEN)
            s.post(*words)
            s.post(0x46)
            s.ring()
            vm.wait(lambda: s.rd(CMDQ_CONS) & 127 == s.prod or s.error(),
                    'an answer')
            expect(s.error(), stops, f'GERROR.CMDQ_ERR of {machine}')
            expect(s.rd(CMDQ_CONS) >> 24 & 0x7f, stops, 'CMDQ_CONS.ERR')


@test
def substreams():
    machine, _, base = UPSTREAM
    with Machine(machine=machine) as vm:
        expect(vm.read(base + smmu.IDR1, 4) >> 6 & 31, 0, 'IDR1.SSIDSIZE')
        expect(vm.read(base + smmu.IDR5, 4) & 7, 4, 'IDR5.OAS: 44 bits')


if __name__ == '__main__':
    main()
