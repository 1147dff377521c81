/*
 * The bytes of an operation: pattern, fill, device buffer, CRC-32.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/pcie/ep.h"

#define CRC32_POLY  UINT32_C(0xedb88320)    /* IEEE 802.3, reflected */

/* Table n advances a byte by n more bytes of zeroes: 8 bytes in one step. */
void im_ep_crc_init(ImEp *ep)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? CRC32_POLY : 0);
        }
        ep->crc_table[0][i] = crc;
    }
    for (unsigned n = 1; n < 8; n++) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t crc = ep->crc_table[n - 1][i];

            ep->crc_table[n][i] = crc >> 8 ^ ep->crc_table[0][crc & 0xff];
        }
    }
}

static uint32_t ep_data_crc_add8(const ImEp *ep, uint32_t crc, const uint8_t *p)
{
    uint64_t word;
    uint32_t out = 0;

    memcpy(&word, p, sizeof(word));
    word = GUINT64_FROM_LE(word) ^ crc;
    for (unsigned n = 0; n < 8; n++) {
        out ^= ep->crc_table[7 - n][word >> (8 * n) & 0xff];
    }
    return out;
}

static uint32_t ep_data_crc_add(const ImEp *ep, uint32_t crc, const uint8_t *p,
                                size_t len)
{
    for (; len >= 8; len -= 8, p += 8) {
        crc = ep_data_crc_add8(ep, crc, p);
    }
    for (; len > 0; len--, p++) {
        crc = crc >> 8 ^ ep->crc_table[0][(crc ^ *p) & 0xff];
    }
    return crc;
}

/* Bytes off .. off + len of the pattern, a quad-word at a time. */
static void ep_data_pattern(uint64_t seed, uint64_t off, uint8_t *p, size_t len)
{
    size_t i = 0;

    while (i < len) {
        uint64_t word;

        if ((off + i) % 8 != 0 || len - i < 8) {
            p[i] = pasid_ep_pattern(seed, off + i);
            i++;
            continue;
        }
        word = (seed + (off + i) / 8 + 1) * UINT64_C(0x9e3779b97f4a7c15);
        word = GUINT64_TO_LE(word ^ word >> 29);
        memcpy(p + i, &word, sizeof(word));
        i += 8;
    }
}

/* What a write carries. COPY carries what its read brought. */
void im_ep_data_make(ImEp *ep, EpChannel *ch, uint64_t off, size_t len)
{
    uint8_t *p = ch->flight->data;

    switch (ch->prog.op) {
    case PASID_EP_OP_WRITE:
        ep_data_pattern(ch->prog.seed, off, p, len);
        break;
    case PASID_EP_OP_STORE:
        memcpy(p, ep->buffer + ch->prog.addr2 + off, len);
        break;
    case PASID_EP_OP_FILL:
        for (size_t i = 0; i < len; i++) {
            p[i] = (uint8_t)(ch->prog.seed >> (8 * ((off + i) % 8)));
        }
        break;
    default:
        break;
    }
}

/* Returns false when the operation ended at a difference. */
static bool ep_data_compare(ImEp *ep, EpChannel *ch, const uint8_t *want,
                            uint64_t off, size_t len)
{
    const uint8_t *got = ch->flight->data;

    for (size_t i = 0; i < len; i++) {
        if (got[i] != want[i]) {
            ch->reg[EP_R_CH_COMPARE] =
                IM_PUT(EP_CH_COMPARE_EXPECTED, want[i]) |
                IM_PUT(EP_CH_COMPARE_ACTUAL, got[i]) |
                IM_PUT(EP_CH_COMPARE_DIFFERS, 1);
            ch->reg[EP_R_CH_DONE] = off + i;
            im_ep_ch_fail(ep, ch, PASID_EP_CAUSE_MISMATCH,
                          ch->prog.addr + off + i);
            return false;
        }
    }
    return true;
}

/*
 * A request has moved its bytes: CRC them and, for a read, use them.
 * Returns false when that ended the operation.
 */
bool im_ep_data_take(ImEp *ep, EpChannel *ch, uint64_t off, size_t len)
{
    uint8_t *p = ch->flight->data;
    uint8_t want[4096];

    if (ch->second) {
        return true;                    /* counted when it was read */
    }
    ch->crc = ep_data_crc_add(ep, ch->crc, p, len);
    switch (ch->prog.op) {
    case PASID_EP_OP_LOAD:
        memcpy(ep->buffer + ch->prog.addr2 + off, p, len);
        return true;
    case PASID_EP_OP_COMPARE:
        ep_data_pattern(ch->prog.seed, off, want, len);
        return ep_data_compare(ep, ch, want, off, len);
    case PASID_EP_OP_COMPARE_BUF:
        return ep_data_compare(ep, ch, ep->buffer + ch->prog.addr2 + off, off,
                               len);
    default:
        return true;
    }
}
