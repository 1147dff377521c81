/*
 * iommufd: devices (not yet).
 *
 * SPDX-License-Identifier: MIT
 */
#include "hw/iommufd/iommufd.h"

const ImIommufdCommand im_iof_dev_commands[] = { { 0 } };
const unsigned im_iof_dev_command_count = 0;

IofIoas *im_iof_hwpt_ioas(ImIommufdFile *file, uint32_t hwpt_id)
{
    (void)file;
    (void)hwpt_id;
    return NULL;
}

bool im_iof_ioas_unsafe(const IofIoas *ioas)
{
    (void)ioas;
    return false;
}

void im_iof_backend_readable(ImIommufdFile *file, ImuRef queue)
{
    (void)file;
    (void)queue;
}

void im_iof_ats_invalidate(ImIommufd *f, const ImAtsInv *inv)
{
    (void)f;
    (void)inv;
}

void im_iof_page_response(ImIommufd *f, const ImPageResp *resp)
{
    (void)f;
    (void)resp;
}

void im_iof_devs_free(ImIommufd *f)
{
    (void)f;
}

void im_iof_file_devs_free(ImIommufdFile *file)
{
    (void)file;
}
