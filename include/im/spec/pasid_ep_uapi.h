/*
 * pasid-endpoint: registers as its software sees them. Specified in
 * docs/specs/pasid-endpoint.rst; REVISION changes when a program that used
 * this file would no longer work.
 *
 * For programs, kernel modules and tests alike: constants only, no type but
 * fixed-width ones. A field's constant is its mask in place.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef PASID_EP_UAPI_H
#define PASID_EP_UAPI_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

/* Areas of BAR0. */
#define PASID_EP_MAGIC_VALUE                     0x0050454449534150ull
#define PASID_EP_REVISION_VALUE                  0x00010002ull
#define PASID_EP_STATS                           0x100
#define PASID_EP_ATS_RESULT                      0x440
#define PASID_EP_ATS_RESULT_STRIDE               0x20
#define PASID_EP_ATS_RESULTS                     8
#define PASID_EP_CHANNEL0                        0x1000
#define PASID_EP_CHANNEL_STRIDE                  0x100
#define PASID_EP_CHANNELS_MAX                    32
#define PASID_EP_LOG                             0x3000
#define PASID_EP_LOG_STRIDE                      0x20
#define PASID_EP_LOG_RECORDS                     128
#define PASID_EP_BAR0_SIZE                       0x4000
#define PASID_EP_PAGE_SIZE                       4096

/* Identity and state: offsets in BAR0. */
/* RO; "PASIDEP" in ASCII, little endian */
#define PASID_EP_MAGIC                           0x000
/* RO; interface revision */
#define PASID_EP_REVISION                        0x008
/* RO; what the function has */
#define PASID_EP_CAP                             0x010
#define PASID_EP_BUFFER_SIZE                     0x018  /* RO; bytes of BAR2 */
/* RW; global switches */
#define PASID_EP_CONTROL                         0x020
/* WO; act now, operand in ARG */
#define PASID_EP_COMMAND                         0x028
/* RW; operand of COMMAND */
#define PASID_EP_ARG                             0x030
/* RO; state of the function */
#define PASID_EP_STATUS                          0x038
/* W1C; rules that software broke */
#define PASID_EP_MISUSE                          0x040
#define PASID_EP_EVENT                           0x048  /* W1C; what happened */
/* RW; events that interrupt */
#define PASID_EP_EVENT_ENABLE                    0x050
/* RW; vector of events */
#define PASID_EP_EVENT_VECTOR                    0x058
#define PASID_EP_SCRATCH                         0x060  /* RW; no effect */
/* RO; virtual time, ns */
#define PASID_EP_TIME                            0x068
/* RW; lost page response, ns; 0: wait for ever */
#define PASID_EP_PAGE_TIMEOUT                    0x070
/* RO; valid ATC entries */
#define PASID_EP_ATC_USED                        0x078
/* RW; entry shown below */
#define PASID_EP_ATC_INDEX                       0x080
/* RO; its untranslated address */
#define PASID_EP_ATC_ADDR                        0x088
/* RO; its translated address */
#define PASID_EP_ATC_XLAT                        0x090
/* RO; its key, size and permissions */
#define PASID_EP_ATC_INFO                        0x098
/* RO; records ever written */
#define PASID_EP_LOG_COUNT                       0x0a0
/* RO; records the ring holds */
#define PASID_EP_LOG_SIZE                        0x0a8

/* Fault injection: offsets in BAR0. */
/* RW; invalidation completions to hold */
#define PASID_EP_INJ_INV_HOLD                    0x300
/* RW; for how long, ns; 0: until RELEASE */
#define PASID_EP_INJ_INV_DELAY                   0x308
/* RW; completions never to send */
#define PASID_EP_INJ_INV_DROP                    0x310
/* RW; completions to send twice */
#define PASID_EP_INJ_INV_DUP                     0x318
/* RW; page responses to hold unseen */
#define PASID_EP_INJ_PRG_HOLD                    0x320
/* RW; for how long, ns; 0: until RELEASE */
#define PASID_EP_INJ_PRG_DELAY                   0x328
#define PASID_EP_INJ_FLAGS                       0x330  /* RW; disobedience */
/* RW; read completions to poison */
#define PASID_EP_INJ_POISON                      0x338
/* RW; n: reset before the n-th next DMA request */
#define PASID_EP_INJ_RESET                       0x340
/* RW; ends of parked requests to hold unseen */
#define PASID_EP_INJ_END_HOLD                    0x348
/* RW; for how long, ns; 0: until RELEASE */
#define PASID_EP_INJ_END_DELAY                   0x350
#define PASID_EP_INJ_INV_CC                      0x358  /* RW; completion count */

/* Raw translation request: offsets in BAR0. */
/* RW; untranslated address */
#define PASID_EP_ATS_ADDR                        0x400
#define PASID_EP_ATS_CTRL                        0x408  /* RW; attributes */
#define PASID_EP_ATS_PASID                       0x410  /* RW; PASID */
/* WO; any write sends the request */
#define PASID_EP_ATS_GO                          0x418
#define PASID_EP_ATS_STATUS                      0x420  /* RO; how it ended */

/* Raw page request: offsets in BAR0. */
#define PASID_EP_PR_ADDR                         0x600  /* RW; page address */
#define PASID_EP_PR_CTRL                         0x608  /* RW; attributes */
#define PASID_EP_PR_PASID                        0x610  /* RW; PASID */
/* WO; any write sends the request */
#define PASID_EP_PR_GO                           0x618
/* RO; whether it was sent */
#define PASID_EP_PR_STATUS                       0x620
/* RO; last response to a raw request */
#define PASID_EP_PR_RESP                         0x628
/* RO; responses to raw requests */
#define PASID_EP_PR_RESP_COUNT                   0x630

/* A channel: offsets within its block. */
#define PASID_EP_CH(n, reg)                      \
    (PASID_EP_CHANNEL0 + (n) * PASID_EP_CHANNEL_STRIDE + (reg))
/* WO; START, ABORT or STOP */
#define PASID_EP_CH_COMMAND                      0x00
#define PASID_EP_CH_STATUS                       0x08  /* RO; state and cause */
/* RW; operation and attributes */
#define PASID_EP_CH_CTRL                         0x10
#define PASID_EP_CH_PASID                        0x18  /* RW; PASID */
/* RW; memory address (COPY: source) */
#define PASID_EP_CH_ADDR                         0x20
/* RW; COPY: destination; buffer operations: offset in BAR2 */
#define PASID_EP_CH_ADDR2                        0x28
#define PASID_EP_CH_LEN                          0x30  /* RW; bytes */
/* RW; pattern seed, or the fill value */
#define PASID_EP_CH_SEED                         0x38
/* RW; bytes of one request; 0: 4096 */
#define PASID_EP_CH_SPLIT                        0x40
/* RW; completion interrupt */
#define PASID_EP_CH_INTR                         0x48
/* RW; page requests for one page */
#define PASID_EP_CH_RETRIES                      0x50
/* RW; pages of one request group */
#define PASID_EP_CH_GROUP                        0x58
/* RO; operations started */
#define PASID_EP_CH_LAUNCHED                     0x60
/* RO; operations ended */
#define PASID_EP_CH_RETURNED                     0x68
/* RO; bytes done by this operation */
#define PASID_EP_CH_DONE                         0x70
/* RO; first bad address */
#define PASID_EP_CH_BADADDR                      0x78
/* RO; CRC-32 of the bytes moved */
#define PASID_EP_CH_CRC                          0x80
/* RO; first differing byte */
#define PASID_EP_CH_COMPARE                      0x88
/* RO; memory requests of this operation */
#define PASID_EP_CH_REQUESTS                     0x90
/* RO; page requests of this operation */
#define PASID_EP_CH_PAGE_REQUESTS                0x98
/* RO; memory requests of this operation that were parked */
#define PASID_EP_CH_PARKED                       0xa0
/* RW; SWEEP: memory requests */
#define PASID_EP_CH_COUNT                        0xa8
/* RW; SWEEP: bytes from one place to the next */
#define PASID_EP_CH_STRIDE                       0xb0

/* Statistics, read-only, 8 bytes each from PASID_EP_STATS. */
#define PASID_EP_STAT_DMA_READS                  0x100
#define PASID_EP_STAT_DMA_WRITES                 0x108
#define PASID_EP_STAT_DMA_BYTES                  0x110
#define PASID_EP_STAT_DMA_ERRORS                 0x118
#define PASID_EP_STAT_ATC_HITS                   0x120
#define PASID_EP_STAT_ATC_MISSES                 0x128
#define PASID_EP_STAT_ATC_EVICTIONS              0x130
#define PASID_EP_STAT_ATS_REQUESTS               0x138
#define PASID_EP_STAT_PAGE_REQUESTS              0x140
#define PASID_EP_STAT_PAGE_GROUPS                0x148
#define PASID_EP_STAT_PAGE_RESPONSES             0x150
#define PASID_EP_STAT_RESPONSES_UNEXPECTED       0x158
#define PASID_EP_STAT_INVALIDATIONS              0x160
#define PASID_EP_STAT_INVALIDATIONS_PASID        0x168
#define PASID_EP_STAT_INVALIDATIONS_GLOBAL       0x170
#define PASID_EP_STAT_INV_COMPLETIONS            0x178
#define PASID_EP_STAT_STOP_MARKERS               0x180
#define PASID_EP_STAT_INTERRUPTS                 0x188
#define PASID_EP_STAT_DMA_PARKED                 0x190
#define PASID_EP_STAT_DMA_UNPARKED               0x198

/* Fields: masks in place. */
#define PASID_EP_REVISION_MINOR                  0xffffull
#define PASID_EP_REVISION_MAJOR                  0xffff0000ull

#define PASID_EP_CAP_CHANNELS                    0xffull
#define PASID_EP_CAP_PASID_WIDTH                 0x1f00ull
#define PASID_EP_CAP_PASID                       0x10000ull
#define PASID_EP_CAP_ATS                         0x20000ull
#define PASID_EP_CAP_PRI                         0x40000ull
#define PASID_EP_CAP_EXEC                        0x80000ull
#define PASID_EP_CAP_PRIV                        0x100000ull
#define PASID_EP_CAP_GLOBAL_INV                  0x200000ull
#define PASID_EP_CAP_PAGE_ALIGNED                0x400000ull
#define PASID_EP_CAP_PRG_PASID                   0x800000ull
#define PASID_EP_CAP_VECTORS                     0xff000000ull
#define PASID_EP_CAP_ATC_ENTRIES                 0xffffffff00000000ull

#define PASID_EP_CONTROL_LOG                     0x1ull
#define PASID_EP_CONTROL_LOG_CFG                 0x2ull

#define PASID_EP_STATUS_BUSY                     0x1ull
#define PASID_EP_STATUS_BUS_MASTER               0x2ull
#define PASID_EP_STATUS_PASID_ON                 0x4ull
#define PASID_EP_STATUS_EXEC_ON                  0x8ull
#define PASID_EP_STATUS_PRIV_ON                  0x10ull
#define PASID_EP_STATUS_ATS_ON                   0x20ull
#define PASID_EP_STATUS_PRI_ON                   0x40ull
#define PASID_EP_STATUS_PRI_STOPPED              0x80ull
#define PASID_EP_STATUS_PRI_RF                   0x100ull
#define PASID_EP_STATUS_PRI_UPRGI                0x200ull
#define PASID_EP_STATUS_ATS_UR                   0x400ull
#define PASID_EP_STATUS_HELD                     0x800ull
#define PASID_EP_STATUS_STU                      0x1f0000ull
#define PASID_EP_STATUS_OUTSTANDING              0xffffffff00000000ull

#define PASID_EP_MISUSE_PASID_CHANGE             0x1ull
#define PASID_EP_MISUSE_STU_CHANGE               0x2ull
#define PASID_EP_MISUSE_PRI_NOT_STOPPED          0x4ull
#define PASID_EP_MISUSE_PRI_ALLOC_ON             0x8ull
#define PASID_EP_MISUSE_PRI_ALLOC_OVER           0x10ull
#define PASID_EP_MISUSE_PRI_RESET_ON             0x20ull
#define PASID_EP_MISUSE_PASID_REFUSED            0x40ull
#define PASID_EP_MISUSE_PRIV_REFUSED             0x80ull
#define PASID_EP_MISUSE_EXEC_REFUSED             0x100ull
#define PASID_EP_MISUSE_ATS_REFUSED              0x200ull
#define PASID_EP_MISUSE_PRI_REFUSED              0x400ull
#define PASID_EP_MISUSE_NO_BUS_MASTER            0x800ull
#define PASID_EP_MISUSE_CH_RUNNING               0x1000ull
#define PASID_EP_MISUSE_BAD_ACCESS               0x2000ull
#define PASID_EP_MISUSE_BAD_OFFSET               0x4000ull
#define PASID_EP_MISUSE_BAD_COMMAND              0x8000ull
#define PASID_EP_MISUSE_INV_ATS_OFF              0x10000ull
#define PASID_EP_MISUSE_RESP_PASID               0x20000ull
#define PASID_EP_MISUSE_RESP_CODE                0x40000ull

#define PASID_EP_EVENT_RESPONSE                  0x1ull
#define PASID_EP_EVENT_INVALIDATION              0x2ull
#define PASID_EP_EVENT_MISUSE                    0x4ull
#define PASID_EP_EVENT_RF                        0x8ull
#define PASID_EP_EVENT_RESET                     0x10ull

#define PASID_EP_EVENT_VECTOR_VECTOR             0x7ffull

#define PASID_EP_ATC_INFO_VALID                  0x1ull
#define PASID_EP_ATC_INFO_HAS_PASID              0x2ull
#define PASID_EP_ATC_INFO_PRIV                   0x4ull
#define PASID_EP_ATC_INFO_GLOBAL                 0x8ull
#define PASID_EP_ATC_INFO_R                      0x10ull
#define PASID_EP_ATC_INFO_W                      0x20ull
#define PASID_EP_ATC_INFO_X                      0x40ull
#define PASID_EP_ATC_INFO_U                      0x80ull
#define PASID_EP_ATC_INFO_N                      0x100ull
#define PASID_EP_ATC_INFO_NW                     0x200ull
#define PASID_EP_ATC_INFO_LG2SIZE                0x3f0000ull
#define PASID_EP_ATC_INFO_PASID                  0xfffff00000000ull

#define PASID_EP_INJ_FLAGS_STALE                 0x1ull
#define PASID_EP_INJ_FLAGS_ATS_OFF               0x2ull
#define PASID_EP_INJ_FLAGS_ALLOCATION            0x4ull

#define PASID_EP_INJ_INV_CC_COUNT                0xfull
#define PASID_EP_INJ_INV_CC_WITHHOLD             0x10ull
#define PASID_EP_INJ_INV_CC_EARLY                0xf00ull

#define PASID_EP_ATS_CTRL_PASID                  0x1ull
#define PASID_EP_ATS_CTRL_PRIV                   0x2ull
#define PASID_EP_ATS_CTRL_EXEC                   0x4ull
#define PASID_EP_ATS_CTRL_NW                     0x8ull
#define PASID_EP_ATS_CTRL_FORCE                  0x10ull
#define PASID_EP_ATS_CTRL_CACHE                  0x20ull
#define PASID_EP_ATS_CTRL_RID_VALID              0x40ull
#define PASID_EP_ATS_CTRL_COUNT                  0xf00ull
#define PASID_EP_ATS_CTRL_RID                    0xffff0000ull

#define PASID_EP_ATS_STATUS_STATE                0x3ull
#define PASID_EP_ATS_STATUS_CPL                  0x30ull
#define PASID_EP_ATS_STATUS_COUNT                0xf00ull

#define PASID_EP_PR_CTRL_READ                    0x1ull
#define PASID_EP_PR_CTRL_WRITE                   0x2ull
#define PASID_EP_PR_CTRL_LAST                    0x4ull
#define PASID_EP_PR_CTRL_PASID                   0x8ull
#define PASID_EP_PR_CTRL_PRIV                    0x10ull
#define PASID_EP_PR_CTRL_EXEC                    0x20ull
#define PASID_EP_PR_CTRL_FORCE                   0x40ull
#define PASID_EP_PR_CTRL_PRGI_AUTO               0x80ull
#define PASID_EP_PR_CTRL_PRGI                    0x1ff0000ull

#define PASID_EP_PR_STATUS_STATE                 0x3ull
#define PASID_EP_PR_STATUS_PRGI                  0x1ff0000ull
#define PASID_EP_PR_STATUS_SENT                  0xffffffff00000000ull

#define PASID_EP_PR_RESP_CODE                    0xfull
#define PASID_EP_PR_RESP_VALID                   0x10ull
#define PASID_EP_PR_RESP_HAS_PASID               0x20ull
#define PASID_EP_PR_RESP_PRGI                    0x1ff0000ull
#define PASID_EP_PR_RESP_PASID                   0xfffff00000000ull

#define PASID_EP_CH_STATUS_STATE                 0xfull
#define PASID_EP_CH_STATUS_CPL                   0x30ull
#define PASID_EP_CH_STATUS_IGNORED               0x40ull
#define PASID_EP_CH_STATUS_CAUSE                 0xff00ull
#define PASID_EP_CH_STATUS_RESPONSE              0xf0000ull

#define PASID_EP_CH_CTRL_OP                      0xfull
#define PASID_EP_CH_CTRL_MODE                    0x70ull
#define PASID_EP_CH_CTRL_AT                      0x300ull
#define PASID_EP_CH_CTRL_PASID                   0x10000ull
#define PASID_EP_CH_CTRL_PRIV                    0x20000ull
#define PASID_EP_CH_CTRL_EXEC                    0x40000ull
#define PASID_EP_CH_CTRL_NW                      0x80000ull
#define PASID_EP_CH_CTRL_NO_SNOOP                0x100000ull
#define PASID_EP_CH_CTRL_FORCE                   0x200000ull
#define PASID_EP_CH_CTRL_RID_VALID               0x400000ull
#define PASID_EP_CH_CTRL_NO_CACHE                0x800000ull
#define PASID_EP_CH_CTRL_RANDOM                  0x1000000ull
#define PASID_EP_CH_CTRL_RID                     0xffff00000000ull

#define PASID_EP_CH_INTR_VECTOR                  0x7ffull
#define PASID_EP_CH_INTR_ENABLE                  0x80000000ull

#define PASID_EP_CH_COMPARE_EXPECTED             0xffull
#define PASID_EP_CH_COMPARE_ACTUAL               0xff00ull
#define PASID_EP_CH_COMPARE_DIFFERS              0x10000ull

#define PASID_EP_LOG_HEAD_KIND                   0xffull
#define PASID_EP_LOG_HEAD_CODE                   0xff00ull
#define PASID_EP_LOG_HEAD_HAS_PASID              0x10000ull
#define PASID_EP_LOG_HEAD_FLAGS                  0xff000000ull
#define PASID_EP_LOG_HEAD_SEQ                    0xffffffff00000000ull

#define PASID_EP_LOG_PASID_PASID                 0xffffffffull
#define PASID_EP_LOG_PASID_ARG                   0xffffffff00000000ull

/* values of COMMAND */
#define PASID_EP_CMD_ATC_FLUSH                   1  /* drop every ATC entry */
/* forget log records and their count */
#define PASID_EP_CMD_LOG_CLEAR                   2
#define PASID_EP_CMD_STATS_CLEAR                 3  /* zero the statistics */
/* everything a function-level reset does */
#define PASID_EP_CMD_RESET                       4
/* ARG: PASID; stop its channels, drop its entries, stop marker */
#define PASID_EP_CMD_STOP_PASID                  5
/* deliver held completions and responses */
#define PASID_EP_CMD_RELEASE                     6
#define PASID_EP_CMD_INTERRUPT                   7  /* ARG: vector; send it */
#define PASID_EP_CMD_ABORT_ALL                   8  /* ABORT on every channel */

/* values of CH_COMMAND */
#define PASID_EP_CH_CMD_START                    1
#define PASID_EP_CH_CMD_ABORT                    2
#define PASID_EP_CH_CMD_STOP                     3

/* CH_CTRL.OP */
#define PASID_EP_OP_NONE                         0  /* completes at once */
#define PASID_EP_OP_WRITE                        1  /* pattern -> memory */
#define PASID_EP_OP_READ                         2  /* memory -> CRC */
#define PASID_EP_OP_COPY                         3  /* memory -> memory */
#define PASID_EP_OP_LOAD                         4  /* memory -> BAR2 */
#define PASID_EP_OP_STORE                        5  /* BAR2 -> memory */
/* memory with the pattern */
#define PASID_EP_OP_COMPARE                      6
#define PASID_EP_OP_FILL                         7  /* seed value -> memory */
#define PASID_EP_OP_COMPARE_BUF                  8  /* memory with BAR2 */
/* zero-length read of every page */
#define PASID_EP_OP_ZERO_READ                    9
/* many reads, data ignored */
#define PASID_EP_OP_SWEEP                        10

/* CH_CTRL.MODE */
#define PASID_EP_MODE_UNTRANSLATED               0
/* ATC, else translation request; no permission: error */
#define PASID_EP_MODE_ATS                        1
/* as ATS; no permission: page request, retry */
#define PASID_EP_MODE_AUTO                       2
/* as ATS; no translation: untranslated request */
#define PASID_EP_MODE_FALLBACK                   3
/* address as given, AT from CTRL.AT */
#define PASID_EP_MODE_RAW                        4
/* as a function that knows no PASID */
#define PASID_EP_MODE_PLAIN                      5

/* CH_STATUS.STATE */
/* never started, or reset */
#define PASID_EP_STATE_IDLE                      0
#define PASID_EP_STATE_RUNNING                   1
/* for a page response or for allocation */
#define PASID_EP_STATE_WAIT_PAGE                 2
/* a memory request is parked */
#define PASID_EP_STATE_WAIT_DMA                  3
#define PASID_EP_STATE_OK                        4
#define PASID_EP_STATE_ERROR                     5  /* see CAUSE */
#define PASID_EP_STATE_ABORTED                   6

/* CH_STATUS.CAUSE */
#define PASID_EP_CAUSE_NONE                      0
/* memory request: unsupported request */
#define PASID_EP_CAUSE_DMA_UR                    1
/* memory request: completer abort */
#define PASID_EP_CAUSE_DMA_CA                    2
/* translation request: unsupported request */
#define PASID_EP_CAUSE_ATS_UR                    3
/* translation request: completer abort */
#define PASID_EP_CAUSE_ATS_CA                    4
/* translation of an impossible size or alignment */
#define PASID_EP_CAUSE_ATS_MALFORMED             5
/* translation grants too little (mode ATS) */
#define PASID_EP_CAUSE_NO_PERMISSION             6
/* page response: invalid request */
#define PASID_EP_CAUSE_RESP_INVALID              7
#define PASID_EP_CAUSE_RESP_FAILURE              8  /* page response: failure */
/* no page response in time */
#define PASID_EP_CAUSE_PAGE_TIMEOUT              9
/* page request allocation is zero, or stayed exhausted */
#define PASID_EP_CAUSE_NO_ALLOCATION             10
/* served, yet still no permission, CH_RETRIES times */
#define PASID_EP_CAUSE_RETRIES                   11
/* Bus Master Enable is 0 */
#define PASID_EP_CAUSE_NO_BUS_MASTER             12
/* PASID disabled or wider than Max PASID Width */
#define PASID_EP_CAUSE_PASID_REFUSED             13
/* privileged mode not enabled, or no PASID */
#define PASID_EP_CAUSE_PRIV_REFUSED              14
/* execute not enabled, or no PASID */
#define PASID_EP_CAUSE_EXEC_REFUSED              15
#define PASID_EP_CAUSE_ATS_OFF                   16  /* ATS Enable is 0 */
/* page requests disabled, absent or failed */
#define PASID_EP_CAUSE_PRI_OFF                   17
/* CTRL, LEN, SPLIT, ADDR or ADDR2 impossible */
#define PASID_EP_CAUSE_BAD_PROGRAM               18
/* compare found a difference */
#define PASID_EP_CAUSE_MISMATCH                  19
/* completion came poisoned */
#define PASID_EP_CAUSE_POISONED                  20
/* too many requests parked by aborted operations */
#define PASID_EP_CAUSE_BUSY                      21
/* translation is untranslated-only and mode forbids it */
#define PASID_EP_CAUSE_U_ONLY                    22

/* ATS_STATUS.STATE and PR_STATUS.STATE */
#define PASID_EP_RAW_IDLE                        0  /* never used */
#define PASID_EP_RAW_SENT                        1  /* answered or sent */
/* the function refused; see MISUSE */
#define PASID_EP_RAW_REFUSED                     2

/* CPL fields */
#define PASID_EP_CPL_SC                          0
#define PASID_EP_CPL_UR                          1
#define PASID_EP_CPL_CA                          2

/* LOG_HEAD.KIND */
/* ADDR, PASID; CODE: lg2 of the size, 64: all; ARG: ITag; FLAGS 0: global */
#define PASID_EP_LOG_INVALIDATE                  1
/* ARG: ITag vector; FLAGS 0: dropped, 1: held, 2: duplicate */
#define PASID_EP_LOG_INV_DONE                    2
/* CODE; PASID; ARG: PRGI; FLAGS 0: unexpected, 1: held */
#define PASID_EP_LOG_RESPONSE                    3
/* ADDR, PASID; ARG: PRGI; FLAGS: R, W, L, priv, exec from bit 0 */
#define PASID_EP_LOG_PAGE_REQUEST                4
#define PASID_EP_LOG_INTERRUPT                   5  /* ARG: vector */
/* ADDR, PASID; CODE: completion status; ARG: permissions */
#define PASID_EP_LOG_ATS                         6
/* CODE: bit number of MISUSE; ARG: offset or channel */
#define PASID_EP_LOG_MISUSE                      7
/* CODE: 0 conventional, 1 function-level, 2 command, 3 injected */
#define PASID_EP_LOG_RESET                       8
/* ADDR: offset; ARG: value; CODE: size (CONTROL.LOG_CFG) */
#define PASID_EP_LOG_CONFIG                      9

/* Offsets in a log record and in a raw translation result. */
#define PASID_EP_LOG_HEAD                        0x00
#define PASID_EP_LOG_ADDR                        0x08
#define PASID_EP_LOG_PASID                       0x10
#define PASID_EP_LOG_TIME                        0x18
#define PASID_EP_ATS_RESULT_ADDR                 0x00
#define PASID_EP_ATS_RESULT_SIZE                 0x08
#define PASID_EP_ATS_RESULT_ENTRY                0x10

/* Bits of ATS_RESULT_ENTRY, a translation completion entry (PCIe 10.2.3). */
#define PASID_EP_ENTRY_R                         (1ull << 0)
#define PASID_EP_ENTRY_W                         (1ull << 1)
#define PASID_EP_ENTRY_U                         (1ull << 2)
#define PASID_EP_ENTRY_EXE                       (1ull << 3)
#define PASID_EP_ENTRY_PRIV                      (1ull << 4)
#define PASID_EP_ENTRY_GLOBAL                    (1ull << 5)
#define PASID_EP_ENTRY_N                         (1ull << 10)
#define PASID_EP_ENTRY_S                         (1ull << 11)

/* Take a field out of a register, and place a value into one. */
#define PASID_EP_GET(word, mask)  (((word) & (mask)) / ((mask) & -(mask)))
#define PASID_EP_PUT(mask, val)   (((val) * ((mask) & -(mask))) & (mask))

/**
 * pasid_ep_pattern() - byte of the pattern of WRITE and COMPARE
 * @seed: CH_SEED
 * @offset: distance from the operation's first byte
 *
 * The pattern belongs to the operation, not to the address: a buffer written
 * in one operation compares equal from its start wherever it is mapped.
 */
static inline uint8_t pasid_ep_pattern(uint64_t seed, uint64_t offset)
{
    uint64_t x = (seed + offset / 8 + 1) * 0x9e3779b97f4a7c15ull;

    x ^= x >> 29;
    return (uint8_t)(x >> (8 * (offset % 8)));
}

#endif /* PASID_EP_UAPI_H */
