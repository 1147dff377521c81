# SPDX-License-Identifier: GPL-2.0-or-later
"""A driver of pasid-endpoint, from docs/specs/pasid-endpoint.rst."""

import os
import re

import pcie
from harness import expect

UAPI = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..',
                    'include', 'im', 'spec', 'pasid_ep_uapi.h')


class Uapi:
    """PASID_EP_X of the header is E.X."""

    def __init__(self, path=UAPI):
        row = re.compile(r'#define PASID_EP_(\w+)\s+\(?(0x[0-9a-fA-F]+|\d+)'
                         r'(?:ull|u)?(?: << (\d+)\))?\s*(/\*.*)?$')
        with open(path) as f:
            for line in f:
                m = row.match(line.rstrip())
                if m:
                    setattr(self, m[1], int(m[2], 0) << int(m[3] or 0))


E = Uapi()


def field(word, mask):
    return (word & mask) // (mask & -mask)


def put(mask, value):
    return value * (mask & -mask) & mask


def pattern(seed, length):
    out = bytearray()
    for i in range((length + 7) // 8):
        x = (seed + i + 1) * 0x9e3779b97f4a7c15 & (1 << 64) - 1
        out += (x ^ x >> 29).to_bytes(8, 'little')
    return bytes(out[:length])


class Endpoint(pcie.Function):
    def __init__(self, vm, bus=0, dev=4, slot=0, master=True):
        super().__init__(vm, bus, dev)
        self.enable(vm.window + slot * pcie.WINDOW_SIZE, master)

    def reg(self, off):
        return self.vm.read(self.bar[0] + off, 8)

    def set_reg(self, off, value):
        self.vm.write(self.bar[0] + off, value, 8)

    def ch(self, n, off):
        return E.CHANNEL0 + n * E.CHANNEL_STRIDE + off

    # capabilities

    def pasid_on(self, exec_=False, priv=True):
        pos = self.need_ecap(pcie.ECAP_PASID)
        self.set_cfg(pos + 6, 1 | exec_ << 1 | priv << 2, 2)

    def ats_on(self, stu=0):
        self.set_cfg(self.need_ecap(pcie.ECAP_ATS) + 6, 1 << 15 | stu, 2)

    def pri_on(self, allocation=32):
        pos = self.need_ecap(pcie.ECAP_PRI)
        self.set_cfg(pos + 12, allocation)
        self.set_cfg(pos + 4, 1, 2)

    def all_on(self):
        self.pasid_on()
        self.ats_on()
        self.pri_on()

    # channels

    def start(self, ch, op, addr, length, mode=0, pasid=None, addr2=0,
              seed=0, ctrl=0, split=0, vector=None):
        ctrl |= put(E.CH_CTRL_OP, op) | put(E.CH_CTRL_MODE, mode)
        if pasid is not None:
            ctrl |= E.CH_CTRL_PASID
            self.set_reg(self.ch(ch, E.CH_PASID), pasid)
        self.set_reg(self.ch(ch, E.CH_CTRL), ctrl)
        self.set_reg(self.ch(ch, E.CH_ADDR), addr)
        self.set_reg(self.ch(ch, E.CH_ADDR2), addr2)
        self.set_reg(self.ch(ch, E.CH_LEN), length)
        self.set_reg(self.ch(ch, E.CH_SEED), seed)
        self.set_reg(self.ch(ch, E.CH_SPLIT), split)
        self.set_reg(self.ch(ch, E.CH_INTR), 0 if vector is None
                     else E.CH_INTR_ENABLE | vector)
        self.set_reg(self.ch(ch, E.CH_COMMAND), E.CH_CMD_START)

    def state(self, ch):
        return field(self.reg(self.ch(ch, E.CH_STATUS)), E.CH_STATUS_STATE)

    def running(self, ch):
        return self.state(ch) in (E.STATE_RUNNING, E.STATE_WAIT_PAGE,
                                  E.STATE_WAIT_DMA)

    def finish(self, ch):
        self.vm.wait(lambda: not self.running(ch), f'channel {ch} ends')
        status = self.reg(self.ch(ch, E.CH_STATUS))
        return (field(status, E.CH_STATUS_STATE),
                field(status, E.CH_STATUS_CAUSE))

    def run(self, ch, *args, **kwargs):
        self.start(ch, *args, **kwargs)
        return self.finish(ch)

    def must(self, ch, *args, **kwargs):
        expect(self.run(ch, *args, **kwargs), (E.STATE_OK, E.CAUSE_NONE),
               'state and cause of the operation')

    def must_fail(self, cause, ch, *args, **kwargs):
        expect(self.run(ch, *args, **kwargs), (E.STATE_ERROR, cause),
               'state and cause of the operation')

    def stat(self, off):
        return self.reg(off)

    # interrupts

    def msix(self, vector, addr, data):
        pos = self.cap(pcie.CAP_MSIX)
        entry = self.bar[1] + 16 * vector
        for off, value in ((0, addr & 0xffffffff), (4, addr >> 32),
                           (8, data), (12, 0)):
            self.vm.write(entry + off, value, 4)
        self.set_cfg(pos + 2, 1 << 15, 2)
