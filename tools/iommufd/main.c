/*
 * im-iommufd: see docs/iommufd.rst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server.h"

int main(int argc, char **argv)
{
    return im_iommufd_server_main(argc, argv, NULL);
}
