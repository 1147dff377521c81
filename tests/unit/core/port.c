/*
 * The copy of a host's table: what an older host does not have is absent.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glib.h>
#include <string.h>

#include "hw/core/port.h"

static ImBus access_any(void *host G_GNUC_UNUSED, uint64_t pa G_GNUC_UNUSED,
                        void *buf G_GNUC_UNUSED, size_t len G_GNUC_UNUSED)
{
    return IM_BUS_OK;
}

static ImBus write_any(void *host G_GNUC_UNUSED, uint64_t pa G_GNUC_UNUSED,
                       const void *buf G_GNUC_UNUSED, size_t len G_GNUC_UNUSED)
{
    return IM_BUS_OK;
}

static ImBus swap_any(void *host G_GNUC_UNUSED, uint64_t pa G_GNUC_UNUSED,
                      uint64_t *expected G_GNUC_UNUSED,
                      uint64_t desired G_GNUC_UNUSED)
{
    return IM_BUS_OK;
}

static void msi_any(void *host G_GNUC_UNUSED, const ImMsi *msi G_GNUC_UNUSED)
{
}

static void inv_any(void *host G_GNUC_UNUSED, const ImAtsInv *inv G_GNUC_UNUSED)
{
}

static void resp_any(void *host G_GNUC_UNUSED,
                     const ImPageResp *resp G_GNUC_UNUSED)
{
}

static uint64_t now_any(void *host G_GNUC_UNUSED)
{
    return 0;
}

static void deadline_any(void *host G_GNUC_UNUSED, uint64_t when G_GNUC_UNUSED)
{
}

static void wire_any(void *host G_GNUC_UNUSED, unsigned line G_GNUC_UNUSED)
{
}

static const ImPort full = {
    .size = sizeof(ImPort),
    .read = access_any,
    .write = write_any,
    .cmpxchg64 = swap_any,
    .msi = msi_any,
    .ats_invalidate = inv_any,
    .page_response = resp_any,
    .now = now_any,
    .deadline = deadline_any,
    .wire = wire_any,
};

static void test_full(void)
{
    ImPort port;

    memset(&port, 0xa5, sizeof(port));
    im_port_copy(&port, &full);
    g_assert_cmpmem(&port, sizeof(port), &full, sizeof(full));
}

static void test_older_host(void)
{
    ImPort old = full, port;

    old.size = G_STRUCT_OFFSET(ImPort, wire);
    memset(&port, 0xa5, sizeof(port));
    im_port_copy(&port, &old);
    g_assert_true(port.deadline == deadline_any);
    g_assert_null(port.wire);
    g_assert_null(port.resume);
    g_assert_cmpuint(port.size, ==, sizeof(port));
}

/* Nothing is beyond the last address, and nothing comes around from there. */
static void test_inside(void)
{
    const uint64_t last = 0xffffff;
    uint8_t buf[64];

    g_assert_cmpint(im_port_read(&full, NULL, last, last - 63, buf, 64), ==,
                    IM_BUS_OK);
    g_assert_cmpint(im_port_read(&full, NULL, last, last - 62, buf, 64), ==,
                    IM_BUS_ERROR);
    g_assert_cmpint(im_port_write(&full, NULL, last, last, buf, 1), ==,
                    IM_BUS_OK);
    g_assert_cmpint(im_port_write(&full, NULL, last, last + 1, buf, 1), ==,
                    IM_BUS_ERROR);
    g_assert_cmpint(im_port_read(&full, NULL, last, UINT64_MAX - 7, buf, 64),
                    ==, IM_BUS_ERROR);
    g_assert_cmpint(im_port_read(&full, NULL, UINT64_MAX, UINT64_MAX - 63, buf,
                                 64),
                    ==, IM_BUS_OK);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/port/full", test_full);
    g_test_add_func("/core/port/older-host", test_older_host);
    g_test_add_func("/core/port/inside", test_inside);
    return g_test_run();
}
