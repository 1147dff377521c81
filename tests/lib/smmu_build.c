/*
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "lib/smmu_build.h"

#define BITS(h, l)  (UINT64_MAX >> (63 - (h)) & UINT64_MAX << (l))

/* --- fields ------------------------------------------------------------- */

unsigned sb_tg0(unsigned lg2)
{
    return lg2 == 12 ? 0 : lg2 == 16 ? 1 : 2;
}

unsigned sb_tg1(unsigned lg2)
{
    return lg2 == 14 ? 1 : lg2 == 12 ? 2 : 3;
}

unsigned sb_ps(unsigned bits)
{
    static const uint8_t ps[] = { 32, 36, 40, 42, 44, 48, 52 };

    for (unsigned i = 0; i < sizeof(ps); i++) {
        if (ps[i] == bits) {
            return i;
        }
    }
    g_assert_not_reached();
}

/* --- geometry ----------------------------------------------------------- */

unsigned sb_start_level(unsigned g, unsigned bits)
{
    unsigned stride = g - 3;

    return 4 - (bits - g + stride - 1) / stride;
}

unsigned sb_level_shift(unsigned g, unsigned level)
{
    return g + (3 - level) * (g - 3);
}

uint64_t sb_index(unsigned g, unsigned bits, unsigned start, unsigned level,
                  uint64_t addr)
{
    unsigned shift = sb_level_shift(g, level);
    unsigned top = level == start ? bits : shift + g - 3;

    return (addr & BITS(top - 1, 0)) >> shift;
}

uint64_t sb_root_size(unsigned g, unsigned bits, unsigned start)
{
    return UINT64_C(8) << (bits - sb_level_shift(g, start));
}

uint64_t sb_desc_addr(unsigned g, uint64_t desc)
{
    uint64_t addr = desc & BITS(47, g);

    if (g == 16) {
        addr |= (desc >> 12 & 0xf) << 48;
    }
    return addr;
}

uint64_t sb_addr_desc(unsigned g, uint64_t addr)
{
    uint64_t desc = addr & BITS(47, 12);

    if (g == 16) {
        desc |= (addr >> 48 & 0xf) << 12;
    }
    return desc;
}

/* --- commands ----------------------------------------------------------- */

void cmd_put(Cmd *c, unsigned hi, unsigned lo, uint64_t val)
{
    for (unsigned bit = lo; bit <= hi; bit++) {
        uint64_t one = UINT64_C(1) << bit % 64;

        if (val >> (bit - lo) & 1) {
            c->q[bit / 64] |= one;
        } else {
            c->q[bit / 64] &= ~one;
        }
    }
}

Cmd cmd_op(unsigned op)
{
    return (Cmd) { { op, 0 } };
}

static Cmd cmd_sid(unsigned op, uint32_t sid)
{
    Cmd c = cmd_op(op);

    cmd_put(&c, 63, 32, sid);
    return c;
}

Cmd cmd_cfgi_ste(uint32_t sid, bool leaf)
{
    Cmd c = cmd_sid(OP_CFGI_STE, sid);

    cmd_put(&c, 64, 64, leaf);
    return c;
}

Cmd cmd_cfgi_ste_range(uint32_t sid, unsigned range)
{
    Cmd c = cmd_sid(OP_CFGI_STE_RANGE, sid);

    cmd_put(&c, 68, 64, range);
    return c;
}

Cmd cmd_cfgi_all(void)
{
    return cmd_cfgi_ste_range(0, 31);
}

Cmd cmd_cfgi_cd(uint32_t sid, uint32_t ssid, bool leaf)
{
    Cmd c = cmd_sid(OP_CFGI_CD, sid);

    cmd_put(&c, 31, 12, ssid);
    cmd_put(&c, 64, 64, leaf);
    return c;
}

Cmd cmd_cfgi_cd_all(uint32_t sid)
{
    return cmd_sid(OP_CFGI_CD_ALL, sid);
}

Cmd cmd_tlbi(unsigned op, uint16_t vmid, uint16_t asid, uint64_t addr,
             bool leaf)
{
    Cmd c = cmd_op(op);

    cmd_put(&c, 47, 32, vmid);
    cmd_put(&c, 63, 48, asid);
    cmd_put(&c, 64, 64, leaf);
    cmd_put(&c, 127, 76, addr >> 12);
    return c;
}

Cmd cmd_tlbi_range(Cmd c, unsigned tg, unsigned ttl, unsigned num,
                   unsigned scale)
{
    cmd_put(&c, 16, 12, num);
    cmd_put(&c, 24, 20, scale);
    cmd_put(&c, 73, 72, ttl);
    cmd_put(&c, 75, 74, tg);
    return c;
}

Cmd cmd_atc_inv(uint32_t sid, uint64_t addr, unsigned size)
{
    Cmd c = cmd_sid(OP_ATC_INV, sid);

    cmd_put(&c, 69, 64, size);
    cmd_put(&c, 127, 76, addr >> 12);
    return c;
}

Cmd cmd_atc_inv_ssid(uint32_t sid, uint32_t ssid, bool g, uint64_t addr,
                     unsigned size)
{
    Cmd c = cmd_atc_inv(sid, addr, size);

    cmd_put(&c, 9, 9, g);
    cmd_put(&c, 11, 11, 1);
    cmd_put(&c, 31, 12, ssid);
    return c;
}

Cmd cmd_pri_resp(uint32_t sid, uint16_t prgi, unsigned resp)
{
    Cmd c = cmd_sid(OP_PRI_RESP, sid);

    cmd_put(&c, 72, 64, prgi);
    cmd_put(&c, 77, 76, resp);
    return c;
}

Cmd cmd_pri_resp_ssid(uint32_t sid, uint32_t ssid, uint16_t prgi, unsigned resp)
{
    Cmd c = cmd_pri_resp(sid, prgi, resp);

    cmd_put(&c, 11, 11, 1);
    cmd_put(&c, 31, 12, ssid);
    return c;
}

Cmd cmd_resume(uint32_t sid, uint16_t stag, bool ac, bool ab)
{
    Cmd c = cmd_sid(OP_RESUME, sid);

    cmd_put(&c, 12, 12, ac);
    cmd_put(&c, 13, 13, ab);
    cmd_put(&c, 79, 64, stag);
    return c;
}

Cmd cmd_stall_term(uint32_t sid)
{
    return cmd_sid(OP_STALL_TERM, sid);
}

Cmd cmd_sync(unsigned cs, uint64_t msi_addr, uint32_t msi_data)
{
    Cmd c = cmd_op(OP_SYNC);

    cmd_put(&c, 13, 12, cs);
    cmd_put(&c, 23, 22, 3);
    cmd_put(&c, 27, 24, 0xf);
    cmd_put(&c, 63, 32, msi_data);
    cmd_put(&c, 119, 66, msi_addr >> 2);
    return c;
}

/* --- queues ------------------------------------------------------------- */

static uint64_t queue_memory(Rig *r, unsigned lg2, unsigned width, unsigned use)
{
    uint64_t bytes = (uint64_t)width << lg2;

    return rig_alloc(r, (unsigned)((bytes + 4095) / 4096), use);
}

void sb_cr0(Rig *r, uint32_t bits, bool on)
{
    uint32_t val = rig_reg32(r, SR_CR0);

    rig_set32(r, SR_CR0, on ? val | bits : val & ~bits);
    g_assert_cmphex(rig_reg32(r, SR_CR0ACK), ==, rig_reg32(r, SR_CR0));
}

void sb_cmdq_enable(Rig *r, unsigned lg2)
{
    r->sq[0].base = queue_memory(r, lg2, 16, RIG_READ);
    r->sq[0].lg2 = lg2;
    r->sq[0].at = 0;
    rig_set64(r, SR_CMDQ_BASE, r->sq[0].base | lg2);
    rig_set32(r, SR_CMDQ_PROD, 0);
    rig_set32(r, SR_CMDQ_CONS, 0);
    sb_cr0(r, CR0_CMDQEN, true);
}

void sb_evtq_enable(Rig *r, unsigned lg2)
{
    r->sq[1].base = queue_memory(r, lg2, 32, RIG_WRITE);
    r->sq[1].lg2 = lg2;
    rig_set64(r, SR_EVTQ_BASE, r->sq[1].base | lg2);
    rig_set32(r, SR_EVTQ_PROD, 0);
    rig_set32(r, SR_EVTQ_CONS, 0);
    sb_cr0(r, CR0_EVENTQEN, true);
}

void sb_priq_enable(Rig *r, unsigned lg2)
{
    r->sq[2].base = queue_memory(r, lg2, 16, RIG_WRITE | RIG_UPDATE);
    r->sq[2].lg2 = lg2;
    rig_set64(r, SR_PRIQ_BASE, r->sq[2].base | lg2);
    rig_set32(r, SR_PRIQ_PROD, 0);
    rig_set32(r, SR_PRIQ_CONS, 0);
    sb_cr0(r, CR0_PRIQEN, true);
}

void sb_irq_enable(Rig *r, uint32_t bits)
{
    rig_set32(r, SR_IRQ_CTRL, bits);
    g_assert_cmphex(rig_reg32(r, SR_IRQ_CTRLACK), ==, bits);
}

void sb_cmd_put(Rig *r, Cmd c)
{
    uint64_t mask = (UINT64_C(1) << r->sq[0].lg2) - 1;
    uint64_t pa = r->sq[0].base + 16 * (r->sq[0].at & mask);

    rig_w64(r, pa, c.q[0]);
    rig_w64(r, pa + 8, c.q[1]);
    r->sq[0].at = (r->sq[0].at + 1) & (2 * mask + 1);
}

void sb_cmd_ring(Rig *r)
{
    rig_set32(r, SR_CMDQ_PROD, r->sq[0].at);
}

void sb_cmd(Rig *r, Cmd c)
{
    sb_cmd_put(r, c);
    sb_cmd_ring(r);
}

bool sb_cmdq_empty(Rig *r)
{
    return (rig_reg32(r, SR_CMDQ_CONS) & 0xfffff) == r->sq[0].at;
}

bool sb_sync(Rig *r)
{
    sb_cmd(r, cmd_sync(CS_NONE, 0, 0));
    return sb_cmdq_empty(r);
}

void sb_do(Rig *r, Cmd c)
{
    sb_cmd_put(r, c);
    g_assert_true(sb_sync(r));
}

unsigned sb_cerror(Rig *r)
{
    return rig_reg32(r, SR_CMDQ_CONS) >> 24 & 0x7f;
}

uint32_t sb_gerror(Rig *r)
{
    return rig_reg32(r, SR_GERROR) ^ rig_reg32(r, SR_GERRORN);
}

void sb_gerror_ack(Rig *r)
{
    rig_set32(r, SR_GERRORN, rig_reg32(r, SR_GERROR));
}

/* 4.1.5: software replaces the command by one that does nothing. */
void sb_cmdq_skip(Rig *r)
{
    uint64_t mask = (UINT64_C(1) << r->sq[0].lg2) - 1;
    uint64_t pa = r->sq[0].base + 16 * (rig_reg32(r, SR_CMDQ_CONS) & mask);
    Cmd nop = cmd_sync(CS_NONE, 0, 0);

    rig_w64(r, pa, nop.q[0]);
    rig_w64(r, pa + 8, nop.q[1]);
    sb_gerror_ack(r);
}

/* --- output queues ------------------------------------------------------ */

static unsigned pending(Rig *r, unsigned lg2, uint64_t prod, uint64_t cons)
{
    uint32_t mask = (2u << lg2) - 1;

    return (rig_reg32(r, prod) - rig_reg32(r, cons)) & mask;
}

static uint64_t entry(Rig *r, unsigned q, unsigned width, uint64_t cons,
                      unsigned n)
{
    uint32_t mask = (1u << r->sq[q].lg2) - 1;

    return r->sq[q].base + (uint64_t)width * ((rig_reg32(r, cons) + n) & mask);
}

static void consume(Rig *r, unsigned q, uint64_t prod, uint64_t cons,
                    unsigned n)
{
    uint32_t mask = (2u << r->sq[q].lg2) - 1;
    uint32_t rd = (rig_reg32(r, cons) + n) & mask;

    rig_set32(r, cons, rd | (rig_reg32(r, prod) & Q_OVERFLOW));
}

unsigned sb_events(Rig *r)
{
    return pending(r, r->sq[1].lg2, SR_EVTQ_PROD, SR_EVTQ_CONS);
}

Evt sb_event(Rig *r, unsigned n)
{
    uint64_t pa = entry(r, 1, 32, SR_EVTQ_CONS, n);
    Evt e = { .code = (unsigned)rig_get(r, pa, 7, 0) };

    g_assert_cmpuint(n, <, sb_events(r));
    for (unsigned i = 0; i < 4; i++) {
        e.q[i] = rig_r64(r, pa + 8 * i);
    }
    e.ssv = rig_get(r, pa, 11, 11);
    e.ssid = (uint32_t)rig_get(r, pa, 31, 12);
    e.sid = (uint32_t)rig_get(r, pa, 63, 32);
    e.stag = (uint16_t)rig_get(r, pa, 79, 64);
    e.stall = rig_get(r, pa, 95, 95);
    e.pnu = rig_get(r, pa, 97, 97);
    e.ind = rig_get(r, pa, 98, 98);
    e.rnw = rig_get(r, pa, 99, 99);
    e.s2 = rig_get(r, pa, 103, 103);
    e.cls = (unsigned)rig_get(r, pa, 105, 104);
    e.ttrnw = rig_get(r, pa, 108, 108);
    e.addr = rig_get(r, pa, 191, 128);
    e.ipa = rig_get(r, pa, 247, 204) << 12;
    e.fetch = rig_get(r, pa, 247, 195) << 3;
    return e;
}

void sb_events_drop(Rig *r, unsigned n)
{
    consume(r, 1, SR_EVTQ_PROD, SR_EVTQ_CONS, n);
}

void sb_events_clear(Rig *r)
{
    sb_events_drop(r, sb_events(r));
}

unsigned sb_pprs(Rig *r)
{
    return pending(r, r->sq[2].lg2, SR_PRIQ_PROD, SR_PRIQ_CONS);
}

Ppr sb_ppr(Rig *r, unsigned n)
{
    uint64_t pa = entry(r, 2, 16, SR_PRIQ_CONS, n);

    g_assert_cmpuint(n, <, sb_pprs(r));
    return (Ppr) {
        .sid = (uint32_t)rig_get(r, pa, 31, 0),
        .ssid = (uint32_t)rig_get(r, pa, 51, 32),
        .priv = rig_get(r, pa, 58, 58),
        .x = rig_get(r, pa, 59, 59),
        .r = rig_get(r, pa, 60, 60),
        .w = rig_get(r, pa, 61, 61),
        .last = rig_get(r, pa, 62, 62),
        .ssv = rig_get(r, pa, 63, 63),
        .prgi = (uint16_t)rig_get(r, pa, 72, 64),
        .addr = rig_get(r, pa, 127, 76) << 12,
    };
}

void sb_pprs_clear(Rig *r)
{
    consume(r, 2, SR_PRIQ_PROD, SR_PRIQ_CONS, sb_pprs(r));
}
