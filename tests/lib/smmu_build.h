/*
 * SMMUv3 structures as software writes them: the tests' own encoders, made
 * from IHI 0070 and the A-profile manual, and never from the model.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TESTS_LIB_SMMU_BUILD_H
#define TESTS_LIB_SMMU_BUILD_H

#include "lib/rig.h"
#include "lib/smmu_regs.h"

/* --- structures: "hi, lo" of rig_put() and rig_get() -------------------- */

/* 5.1 */
#define L1STD_SPAN      4, 0
#define L1STD_L2PTR     55, 6       /* value: address >> 6 */

/* 5.2 */
#define STE_V           0, 0
#define STE_CONFIG      3, 1
#define STE_S1FMT       5, 4
#define STE_S1CTXPTR    55, 6       /* address >> 6 */
#define STE_S1CDMAX     63, 59
#define STE_S1DSS       65, 64
#define STE_PPAR        82, 82
#define STE_MEV         83, 83
#define STE_S2FWB       89, 89
#define STE_S1STALLD    91, 91
#define STE_EATS        93, 92
#define STE_STRW        95, 94
#define STE_MEMATTR     99, 96
#define STE_MTCFG       100, 100
#define STE_SHCFG       109, 108
#define STE_PRIVCFG     113, 112
#define STE_INSTCFG     115, 114
#define STE_S2VMID      143, 128
#define STE_S2T0SZ      165, 160
#define STE_S2SL0       167, 166
#define STE_S2TG        175, 174
#define STE_S2PS        178, 176
#define STE_S2AA64      179, 179
#define STE_S2ENDI      180, 180
#define STE_S2AFFD      181, 181
#define STE_S2PTW       182, 182
#define STE_S2HD        183, 183
#define STE_S2HA        184, 184
#define STE_S2S         185, 185
#define STE_S2R         186, 186
#define STE_S2HAFT      187, 187
#define STE_S2TTB       243, 196    /* address >> 4 */

enum {
    CONFIG_ABORT = 0,
    CONFIG_BYPASS = 4,
    CONFIG_S1 = 5,
    CONFIG_S2 = 6,
    CONFIG_NESTED = 7
};

/* 5.3 */
#define L1CD_V          0, 0
#define L1CD_L2PTR      55, 12      /* address >> 12 */

/* 5.4 */
#define CD_T0SZ         5, 0
#define CD_TG0          7, 6
#define CD_EPD0         14, 14
#define CD_ENDI         15, 15
#define CD_T1SZ         21, 16
#define CD_TG1          23, 22
#define CD_EPD1         30, 30
#define CD_V            31, 31
#define CD_IPS          34, 32
#define CD_AFFD         35, 35
#define CD_WXN          36, 36
#define CD_UWXN         37, 37
#define CD_TBI0         38, 38
#define CD_TBI1         39, 39
#define CD_PAN          40, 40
#define CD_AA64         41, 41
#define CD_HD           42, 42
#define CD_HA           43, 43
#define CD_S            44, 44
#define CD_R            45, 45
#define CD_A            46, 46
#define CD_ASET         47, 47
#define CD_ASID         63, 48
#define CD_HAD0         65, 65
#define CD_E0PD0        66, 66
#define CD_HAFT         67, 67
#define CD_TTB0         115, 68     /* address >> 4 */
#define CD_HAD1         129, 129
#define CD_E0PD1        130, 130
#define CD_TTB1         179, 132
#define CD_MAIR         255, 192

/* CD.TG0, STE.S2TG; CD.TG1 has codes of its own. lg2: 12, 14, 16 */
unsigned sb_tg0(unsigned lg2);
unsigned sb_tg1(unsigned lg2);
/* IDR5.OAS, CD.IPS, STE.S2PS of a number of bits */
unsigned sb_ps(unsigned bits);

/* --- VMSAv8-64 descriptors ---------------------------------------------- */

#define DB(n)       (UINT64_C(1) << (n))
#define D_V         DB(0)
#define D_TABLE     DB(1)           /* above level 3: table; there: page */
#define D_IDX(n)    ((uint64_t)(n) << 2)
#define D_AP1       DB(6)           /* unprivileged too */
#define D_AP2       DB(7)           /* read only */
#define D_SH(n)     ((uint64_t)(n) << 8)
#define D_AF        DB(10)
#define D_NG        DB(11)
#define D_DBM       DB(51)
#define D_CONT      DB(52)
#define D_PXN       DB(53)
#define D_UXN       DB(54)
#define D_TPXN      DB(59)          /* of a table descriptor */
#define D_TUXN      DB(60)
#define D_TAP1      DB(61)          /* APTable[0]: no unprivileged */
#define D_TAP2      DB(62)          /* APTable[1]: no write */
#define D_S2R       DB(6)
#define D_S2W       DB(7)
#define D_S2XN0     DB(53)
#define D_S2XN1     DB(54)
#define D_S2MEM(n)  ((uint64_t)(n) << 2)

/* A leaf that grants everything; SB_S1 is not global. */
#define SB_S1       (D_AF | D_AP1 | D_NG | D_SH(3))
#define SB_S1_RO    (SB_S1 | D_AP2)
#define SB_S2       (D_AF | D_S2R | D_S2W | D_S2MEM(0xf) | D_SH(3))

/* Geometry of a walk: g log2 of the granule, bits of input address. */
unsigned sb_start_level(unsigned g, unsigned bits);
unsigned sb_level_shift(unsigned g, unsigned level);
uint64_t sb_index(unsigned g, unsigned bits, unsigned start, unsigned level,
                  uint64_t addr);
/* Bytes of the first table, concatenation included. */
uint64_t sb_root_size(unsigned g, unsigned bits, unsigned start);
/* Table address in a descriptor (52 bits with 64 KiB). */
uint64_t sb_desc_addr(unsigned g, uint64_t desc);
uint64_t sb_addr_desc(unsigned g, uint64_t addr);

/* --- commands, chapter 4 ------------------------------------------------ */

typedef struct Cmd {
    uint64_t q[2];
} Cmd;

void cmd_put(Cmd *c, unsigned hi, unsigned lo, uint64_t val);

enum {
    OP_PREFETCH_CONFIG = 0x01,
    OP_PREFETCH_ADDR = 0x02,
    OP_CFGI_STE = 0x03,
    OP_CFGI_STE_RANGE = 0x04,
    OP_CFGI_CD = 0x05,
    OP_CFGI_CD_ALL = 0x06,
    OP_CFGI_VMS_PIDM = 0x07,
    OP_NH_ALL = 0x10,
    OP_NH_ASID = 0x11,
    OP_NH_VA = 0x12,
    OP_NH_VAA = 0x13,
    OP_EL3_ALL = 0x18,
    OP_EL3_VA = 0x1a,
    OP_EL2_ALL = 0x20,
    OP_EL2_ASID = 0x21,
    OP_EL2_VA = 0x22,
    OP_EL2_VAA = 0x23,
    OP_S12_VMALL = 0x28,
    OP_S2_IPA = 0x2a,
    OP_NSNH_ALL = 0x30,
    OP_ATC_INV = 0x40,
    OP_PRI_RESP = 0x41,
    OP_RESUME = 0x44,
    OP_STALL_TERM = 0x45,
    OP_SYNC = 0x46,
    OP_DPTI_ALL = 0x70,
    OP_DPTI_PA = 0x73,
};

enum { CS_NONE = 0, CS_IRQ = 1, CS_SEV = 2 };
enum { RESP_FAILURE = 0, RESP_INVALID = 1, RESP_SUCCESS = 2 };

Cmd cmd_op(unsigned op);
Cmd cmd_cfgi_ste(uint32_t sid, bool leaf);
Cmd cmd_cfgi_ste_range(uint32_t sid, unsigned range);
Cmd cmd_cfgi_all(void);
Cmd cmd_cfgi_cd(uint32_t sid, uint32_t ssid, bool leaf);
Cmd cmd_cfgi_cd_all(uint32_t sid);
/* op: OP_NH_*, OP_EL2_*, OP_S12_VMALL, OP_S2_IPA, OP_NSNH_ALL */
Cmd cmd_tlbi(unsigned op, uint16_t vmid, uint16_t asid, uint64_t addr,
             bool leaf);
/* tg: 1 4K, 2 16K, 3 64K */
Cmd cmd_tlbi_range(Cmd c, unsigned tg, unsigned ttl, unsigned num,
                   unsigned scale);
Cmd cmd_atc_inv(uint32_t sid, uint64_t addr, unsigned size);
Cmd cmd_atc_inv_ssid(uint32_t sid, uint32_t ssid, bool g, uint64_t addr,
                     unsigned size);
Cmd cmd_pri_resp(uint32_t sid, uint16_t prgi, unsigned resp);
Cmd cmd_pri_resp_ssid(uint32_t sid, uint32_t ssid, uint16_t prgi,
                      unsigned resp);
Cmd cmd_resume(uint32_t sid, uint16_t stag, bool ac, bool ab);
Cmd cmd_stall_term(uint32_t sid);
Cmd cmd_sync(unsigned cs, uint64_t msi_addr, uint32_t msi_data);

/* --- events and page requests, chapters 7 and 8 ------------------------- */

enum {
    EV_UUT = 0x01,
    EV_BAD_STREAMID = 0x02,
    EV_STE_FETCH = 0x03,
    EV_BAD_STE = 0x04,
    EV_BAD_ATS_TREQ = 0x05,
    EV_STREAM_DISABLED = 0x06,
    EV_TRANSL_FORBIDDEN = 0x07,
    EV_BAD_SUBSTREAMID = 0x08,
    EV_CD_FETCH = 0x09,
    EV_BAD_CD = 0x0a,
    EV_WALK_EABT = 0x0b,
    EV_TRANSLATION = 0x10,
    EV_ADDR_SIZE = 0x11,
    EV_ACCESS = 0x12,
    EV_PERMISSION = 0x13,
    EV_TLB_CONFLICT = 0x20,
    EV_CFG_CONFLICT = 0x21,
    EV_PAGE_REQUEST = 0x24,
    EV_VMS_FETCH = 0x25,
};

enum { CLASS_CD = 0, CLASS_TT = 1, CLASS_IN = 2 };

typedef struct Evt {
    uint64_t q[4];
    unsigned code;
    bool ssv;
    uint32_t ssid;
    uint32_t sid;
    uint16_t stag;          /* Reason of other records */
    bool stall;
    bool pnu, ind, rnw, s2, ttrnw;
    unsigned cls;
    uint64_t addr;
    uint64_t ipa;           /* 55:12 in place */
    uint64_t fetch;         /* 55:3 in place */
} Evt;

typedef struct Ppr {
    uint32_t sid, ssid;
    bool priv, x, r, w, last, ssv;
    uint16_t prgi;
    uint64_t addr;
} Ppr;

/* --- queues and registers ----------------------------------------------- */

/* Program and enable queues of 2^lg2 entries in memory of their own. */
void sb_cmdq_enable(Rig *r, unsigned lg2);
void sb_evtq_enable(Rig *r, unsigned lg2);
void sb_priq_enable(Rig *r, unsigned lg2);
/* Write CR0 with bits changed; asserts that CR0ACK follows. */
void sb_cr0(Rig *r, uint32_t bits, bool on);
void sb_irq_enable(Rig *r, uint32_t bits);

void sb_cmd_put(Rig *r, Cmd c);             /* without the doorbell */
void sb_cmd_ring(Rig *r);
void sb_cmd(Rig *r, Cmd c);
/* Submit CMD_SYNC; true when everything has been consumed. */
bool sb_sync(Rig *r);
/* A command, then a sync that must complete. */
void sb_do(Rig *r, Cmd c);
unsigned sb_cerror(Rig *r);                 /* CMDQ_CONS.ERR */
uint32_t sb_gerror(Rig *r);                 /* active errors */
void sb_gerror_ack(Rig *r);
/* Nothing is left in the command queue. */
bool sb_cmdq_empty(Rig *r);
/* Command queue: put it right after an error, skipping the culprit. */
void sb_cmdq_skip(Rig *r);

unsigned sb_events(Rig *r);                 /* not yet consumed */
Evt sb_event(Rig *r, unsigned n);           /* n-th of these */
void sb_events_drop(Rig *r, unsigned n);    /* consume, acknowledge */
void sb_events_clear(Rig *r);
unsigned sb_pprs(Rig *r);
Ppr sb_ppr(Rig *r, unsigned n);
void sb_pprs_clear(Rig *r);

#endif /* TESTS_LIB_SMMU_BUILD_H */
