/*
 * The bytes of an operation: pattern, fill, device buffer, CRC-32.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "hw/pcie/data.h"
#include "hw/pcie/op.h"

#define CRC32_POLY  UINT32_C(0xedb88320)    /* IEEE 802.3, reflected */

typedef struct EpData {
    uint8_t *buffer;
    uint64_t size;
    uint32_t crc_table[8][256];
} EpData;

/* Table n advances a byte by n more bytes of zeroes: 8 bytes in one step. */
static void ep_data_crc_init(EpData *data)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? CRC32_POLY : 0);
        }
        data->crc_table[0][i] = crc;
    }
    for (unsigned n = 1; n < 8; n++) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t crc = data->crc_table[n - 1][i];

            data->crc_table[n][i] = crc >> 8 ^ data->crc_table[0][crc & 0xff];
        }
    }
}

EpData *im_ep_data_new(uint64_t buffer_size)
{
    EpData *data = g_new0(EpData, 1);

    data->buffer = g_malloc0(buffer_size);
    data->size = buffer_size;
    ep_data_crc_init(data);
    return data;
}

void im_ep_data_free(EpData *data)
{
    g_free(data->buffer);
    g_free(data);
}

void im_ep_data_clear(ImEp *ep)
{
    memset(ep->data->buffer, 0, ep->data->size);
}

uint8_t *im_ep_buffer(ImEp *ep)
{
    return ep->data->buffer;
}

static uint32_t ep_data_crc_add8(const EpData *data, uint32_t crc,
                                 const uint8_t *p)
{
    uint64_t word;
    uint32_t out = 0;

    memcpy(&word, p, sizeof(word));
    word = GUINT64_FROM_LE(word) ^ crc;
    for (unsigned n = 0; n < 8; n++) {
        out ^= data->crc_table[7 - n][word >> (8 * n) & 0xff];
    }
    return out;
}

static uint32_t ep_data_crc_add(const EpData *data, uint32_t crc,
                                const uint8_t *p, size_t len)
{
    for (; len >= 8; len -= 8, p += 8) {
        crc = ep_data_crc_add8(data, crc, p);
    }
    for (; len > 0; len--, p++) {
        crc = crc >> 8 ^ data->crc_table[0][(crc ^ *p) & 0xff];
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

/* COPY carries what its read brought. */
void im_ep_data_make(ImEp *ep, EpChannel *ch, uint64_t off, size_t len)
{
    uint8_t *p = ch->flight->data;

    switch (ch->prog.op) {
    case PASID_EP_OP_WRITE:
        ep_data_pattern(ch->prog.seed, off, p, len);
        break;
    case PASID_EP_OP_STORE:
        memcpy(p, ep->data->buffer + ch->prog.addr2 + off, len);
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
            ch->reg[EP_R_CH_COMPARE] = IM_PUT(EP_CH_COMPARE_EXPECTED, want[i]) |
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

bool im_ep_data_take(ImEp *ep, EpChannel *ch, uint64_t off, size_t len)
{
    uint8_t *p = ch->flight->data;
    uint8_t want[4096];

    if (ch->second) {
        return true;                    /* counted when it was read */
    }
    ch->crc = ep_data_crc_add(ep->data, ch->crc, p, len);
    switch (ch->prog.op) {
    case PASID_EP_OP_LOAD:
        memcpy(ep->data->buffer + ch->prog.addr2 + off, p, len);
        return true;
    case PASID_EP_OP_COMPARE:
        ep_data_pattern(ch->prog.seed, off, want, len);
        return ep_data_compare(ep, ch, want, off, len);
    case PASID_EP_OP_COMPARE_BUF:
        return ep_data_compare(ep, ch, ep->data->buffer + ch->prog.addr2 + off,
                               off, len);
    default:
        return true;
    }
}
