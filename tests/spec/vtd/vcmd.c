/*
 * Virtual command interface: 11.4.16.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lib/spec.h"
#include "lib/vtd_build.h"

#define VCMD        0xe00
#define VCMD_EO     0xe08
#define VCRSP       0xe10
#define VCCAP       0xe30

#define IP          UINT64_C(1)
#define SC(n)       (UINT64_C(n) << 1)
#define PASID(n)    ((uint64_t)(n) << 16)

/* Table 54, by number */
enum { CMD_NULL = 0, CMD_ALLOC = 1, CMD_FREE = 2 };

/* --- a host that notes what it is asked --------------------------------- */

static ImVcmd asked[8];
static unsigned asked_count;

static void host_vcmd(void *host G_GNUC_UNUSED, const ImVcmd *cmd)
{
    g_assert_cmpuint(asked_count, <, G_N_ELEMENTS(asked));
    asked[asked_count++] = *cmd;
}

static ImVtd *unit(Rig *r, unsigned pasid_bits, char **err)
{
    ImVtdConfig c = rig_vtd_config();

    c.pasid_bits = (uint8_t)pasid_bits;
    c.vcmd = host_vcmd;
    asked_count = 0;
    return im_vtd_new(&c, &r->port, r, err);
}

/* The rig's own unit makes room for one with virtual commands. */
static Rig *rig(void)
{
    Rig *r = rig_vtd_new(NULL);

    im_vtd_free(r->vtd);
    r->vtd = unit(r, 20, NULL);
    g_assert_nonnull(r->vtd);
    return r;
}

static void answer(Rig *r, unsigned nth, ImVcmdStatus status, uint32_t pasid)
{
    im_vtd_vcmd_done(r->vtd, asked[nth].serial, status, pasid);
}

/* --- what is advertised ------------------------------------------------- */

static void capability(void)
{
    g_autoptr(Rig) r = rig();

    g_assert_cmpuint(rig_reg64(r, REG_ECAP) >> 44 & 1, ==, 1);
    g_assert_cmphex(rig_reg64(r, VCCAP), ==, 7);
    rig_set64(r, VCCAP, 0);
    g_assert_cmphex(rig_reg64(r, VCCAP), ==, 7);
}

/* A unit without VCS has none of the four registers. */
static void absent(void)
{
    static const unsigned regs[] = { VCMD, VCMD_EO, VCRSP, VCCAP };
    g_autoptr(Rig) r = rig_vtd_new(NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        rig_set64(r, regs[i], UINT64_MAX);
        g_assert_cmphex(rig_reg64(r, regs[i]), ==, 0);
    }
}

/* PASIDs need PASIDs. */
static void refused(void)
{
    g_autoptr(Rig) r = rig_vtd_new(NULL);
    g_autofree char *no_pasid = NULL;
    ImVtdConfig c = rig_vtd_config();

    g_assert_null(unit(r, 0, &no_pasid));
    g_assert_nonnull(strstr(no_pasid, "pasid_bits"));
    c.vcmd = host_vcmd;
    c.pasid_bits = 0;
    im_vtd_config_prune(&c);
    g_assert_null(c.vcmd);
}

/* --- commands ----------------------------------------------------------- */

static void null_command(void)
{
    g_autoptr(Rig) r = rig();

    rig_set64(r, VCMD, PASID(0xfffff) | CMD_NULL);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, 0);
    g_assert_cmpuint(asked_count, ==, 0);
}

static void allocate(void)
{
    g_autoptr(Rig) r = rig();

    rig_set64(r, VCMD, CMD_ALLOC);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, IP);
    g_assert_cmpuint(asked_count, ==, 1);
    g_assert_cmpuint(asked[0].code, ==, IM_VCMD_ALLOC_PASID);
    answer(r, 0, IM_VCMD_OK, 0xabcde);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, PASID(0xabcde));
    g_assert_cmphex(rig_reg64(r, VCMD), ==, CMD_ALLOC);
}

/* Status without result: what the host says beside it stays with it. */
static void none_available(void)
{
    g_autoptr(Rig) r = rig();

    rig_set64(r, VCMD, CMD_ALLOC);
    answer(r, 0, IM_VCMD_NO_PASID, 77);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, SC(16));
}

static void release(void)
{
    g_autoptr(Rig) r = rig();

    /* 63:36 are unused, whatever they hold */
    rig_set64(r, VCMD, UINT64_C(0xfffffff) << 36 | PASID(0x12345) | CMD_FREE);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, IP);
    g_assert_cmpuint(asked[0].code, ==, IM_VCMD_FREE_PASID);
    g_assert_cmphex(asked[0].pasid, ==, 0x12345);
    answer(r, 0, IM_VCMD_OK, 0x12345);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, 0);
    rig_set64(r, VCMD, PASID(7) | CMD_FREE);
    answer(r, 1, IM_VCMD_INVALID_PASID, 0);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, SC(16));
}

static void undefined(void)
{
    g_autoptr(Rig) r = rig();

    for (unsigned code = 3; code < 256; code++) {
        rig_set64(r, VCMD, PASID(5) | code);
        g_assert_cmphex(rig_reg64(r, VCRSP), ==, SC(1));
    }
    g_assert_cmpuint(asked_count, ==, 0);
}

/* --- in progress -------------------------------------------------------- */

/* Writes are dropped until the answer is there, in halves too. */
static void busy(void)
{
    g_autoptr(Rig) r = rig();

    rig_set64(r, VCMD_EO, 0x1111);
    rig_set64(r, VCMD, PASID(9) | CMD_ALLOC);
    rig_set64(r, VCMD, PASID(3) | CMD_FREE);
    rig_set32(r, VCMD + 4, 5);
    rig_set32(r, VCMD, CMD_FREE);
    rig_set64(r, VCMD_EO, 0x2222);
    rig_set64(r, VCRSP, UINT64_MAX);
    g_assert_cmphex(rig_reg64(r, VCMD), ==, PASID(9) | CMD_ALLOC);
    g_assert_cmphex(rig_reg64(r, VCMD_EO), ==, 0x1111);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, IP);
    g_assert_cmpuint(asked_count, ==, 1);
    answer(r, 0, IM_VCMD_OK, 1);
    rig_set64(r, VCMD_EO, 0x2222);
    g_assert_cmphex(rig_reg64(r, VCMD_EO), ==, 0x2222);
}

/* 32-bit software writes the operand first; the command is the trigger. */
static void halves(void)
{
    g_autoptr(Rig) r = rig();

    rig_set32(r, VCMD + 4, 0xa);
    g_assert_cmpuint(asked_count, ==, 0);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, 0);
    rig_set32(r, VCMD, (uint32_t)PASID(0xbcde) | CMD_FREE);
    g_assert_cmpuint(asked_count, ==, 1);
    g_assert_cmphex(asked[0].pasid, ==, 0xabcde);
    answer(r, 0, IM_VCMD_OK, 0);
    rig_set32(r, VCMD + 4, 0xb);                /* the next one's */
    g_assert_cmpuint(asked_count, ==, 1);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, 0);
}

/* A new command clears the last response. */
static void cleared(void)
{
    g_autoptr(Rig) r = rig();

    rig_set64(r, VCMD, CMD_ALLOC);
    answer(r, 0, IM_VCMD_OK, 0x77);
    rig_set64(r, VCMD, CMD_ALLOC);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, IP);
    answer(r, 1, IM_VCMD_OK, 0x78);
    rig_set64(r, VCMD, CMD_NULL);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, 0);
}

/* Twice, late, and after a reset: nobody waits. */
static void stale_answers(void)
{
    g_autoptr(Rig) r = rig();

    rig_set64(r, VCMD, CMD_ALLOC);
    answer(r, 0, IM_VCMD_OK, 1);
    answer(r, 0, IM_VCMD_OK, 2);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, PASID(1));
    rig_set64(r, VCMD, CMD_ALLOC);
    answer(r, 0, IM_VCMD_OK, 3);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, IP);
    im_vtd_reset(r->vtd);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, 0);
    g_assert_cmphex(rig_reg64(r, VCMD), ==, 0);
    g_assert_cmphex(rig_reg64(r, VCCAP), ==, 7);
    answer(r, 1, IM_VCMD_OK, 4);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, 0);
    rig_set64(r, VCMD, CMD_ALLOC);
    answer(r, 1, IM_VCMD_OK, 5);
    g_assert_cmphex(rig_reg64(r, VCRSP), ==, IP);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    spec_test(VTD_REG_VCCAP, "advertised", capability);
    spec_test(VTD_REG_VCCAP, "reserved-without-vcs", absent);
    spec_test(VTD_REG_ECAP, "vcs-refused", refused);
    spec_test(VTD_REG_VCMD, "null", null_command);
    spec_test(VTD_VCMD_STATUS, "allocate", allocate);
    spec_test(VTD_VCMD_STATUS, "no-pasid-available", none_available);
    spec_test(VTD_VCMD_STATUS, "free", release);
    spec_test(VTD_VCMD_STATUS, "undefined-command", undefined);
    spec_test(VTD_REG_VCMD, "dropped-in-progress", busy);
    spec_test(VTD_REG_VCMD_EO, "dropped-in-progress", busy);
    spec_test(VTD_REG_VCMD, "two-halves", halves);
    spec_test(VTD_REG_VCRSP, "cleared-by-command", cleared);
    spec_test(VTD_REG_VCRSP, "stale-answers", stale_answers);
    return g_test_run();
}
