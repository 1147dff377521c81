#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Our numbers and structures of iommufd against Linux's own headers.

The compiler compares: for each pair of structures sizes, and offsets and
sizes of their members in order; for each pair of names, values. A command or
structure of Linux's header without a pair fails, so that a newer header is
noticed; what is not offered is listed with its reason. Prints TAP.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import linux                                        # noqa: E402

IOMMUFD = 'include/uapi/linux/iommufd.h'
VFIO = 'include/uapi/linux/vfio.h'
TEST = 'drivers/iommu/iommufd/iommufd_test.h'

# Linux's structure: ours. Members correspond by their order.
STRUCTS = {
    'iommu_destroy': 'IofDestroyArg',
    'iommu_ioas_alloc': 'IofIoasAllocArg',
    'iommu_iova_range': 'ImuRange',
    'iommu_ioas_iova_ranges': 'IofRangesArg',
    'iommu_ioas_allow_iovas': 'IofAllowArg',
    'iommu_ioas_map': 'IofMapArg',
    'iommu_ioas_map_file': 'IofMapFileArg',
    'iommu_ioas_copy': 'IofCopyArg',
    'iommu_ioas_unmap': 'IofUnmapArg',
    'iommu_ioas_noiommu_get_pa': 'IofGetPaArg',
    'iommu_option': 'IofOptionArg',
    'iommu_vfio_ioas': 'IofVfioIoasArg',
    'iommu_ioas_change_process': 'IofChangeProcessArg',
    'iommu_hwpt_vtd_s1': 'IofVtdS1',
    'iommu_hwpt_arm_smmuv3': 'IofSmmuSte',
    'iommu_hwpt_alloc': 'IofHwptAlloc',
    'iommu_hw_info_vtd': 'IofHwInfoVtd',
    'iommu_hw_info_arm_smmuv3': 'IofHwInfoSmmu',
    'iommu_hw_info': 'IofHwInfo',
    'iommu_hwpt_set_dirty_tracking': 'IofDirtySet',
    'iommu_hwpt_get_dirty_bitmap': 'IofDirtyGet',
    'iommu_hwpt_vtd_s1_invalidate': 'IofInvVtd',
    'iommu_viommu_arm_smmuv3_invalidate': 'IofInvSmmu',
    'iommu_hwpt_invalidate': 'IofInvalidate',
    'iommu_hwpt_pgfault': 'IofFaultRecord',
    'iommu_hwpt_page_response': 'IofFaultResponse',
    'iommu_fault_alloc': 'IofFaultAlloc',
    'iommu_viommu_alloc': 'IofViommuAlloc',
    'iommu_vdevice_alloc': 'IofVdeviceAlloc',
    'iommufd_vevent_header': 'IofVeventHeader',
    'iommu_vevent_arm_smmuv3': 'IofVeventSmmu',
    'iommu_veventq_alloc': 'IofVeventqAlloc',
    'iommu_hw_queue_alloc': 'IofHwQueueAlloc',
}
# Of vfio.h only these; flexible arrays at the end are ours to know.
VFIO_STRUCTS = {
    'vfio_iommu_type1_info': 'IofVfioInfo',
    'vfio_info_cap_header': 'IofVfioCap',
    'vfio_iommu_type1_info_cap_iova_range': 'IofVfioCapRanges',
    'vfio_iommu_type1_info_dma_avail': 'IofVfioCapAvail',
    'vfio_iommu_type1_dma_map': 'IofVfioMap',
    'vfio_iommu_type1_dma_unmap': 'IofVfioUnmap',
}
TEST_STRUCTS = {
    'iommu_test_hw_info': 'MockHwInfo',
    'iommu_hwpt_selftest': 'MockHwpt',
    'iommu_hwpt_invalidate_selftest': 'MockInv',
    'iommu_viommu_invalidate_selftest': 'MockViommuInv',
    'iommu_viommu_selftest': 'MockViommuData',
}
NOT_OFFERED = {
    'iommu_hwpt_amd_guest': 'AMD\'s IOMMU is not modelled',
    'iommu_hw_info_amd': 'AMD\'s IOMMU is not modelled',
    'iommu_hw_info_tegra241_cmdqv': 'no model has this extension',
    'iommu_viommu_tegra241_cmdqv': 'no model has this extension',
    'iommu_vevent_tegra241_cmdqv': 'no model has this extension',
    'iommu_test_cmd': 'compared member by member',
    'iommu_viommu_event_selftest': 'one word',
}

# Commands: Linux's IOMMUFD_CMD_ name: ours, IOF_NR_, where they differ.
COMMANDS = {'IOAS_NOIOMMU_GET_PA': 'IOAS_GET_PA'}

VALUES = """
IOMMUFD_TYPE IOF_TYPE
IOMMU_IOAS_MAP_FIXED_IOVA IOF_MAP_FIXED
IOMMU_IOAS_MAP_WRITEABLE IOF_MAP_WRITE
IOMMU_IOAS_MAP_READABLE IOF_MAP_READ
IOMMU_OPTION_RLIMIT_MODE IOF_OPTION_RLIMIT_MODE
IOMMU_OPTION_HUGE_PAGES IOF_OPTION_HUGE_PAGES
IOMMU_OPTION_OP_SET IOF_OPTION_SET
IOMMU_OPTION_OP_GET IOF_OPTION_GET
IOMMU_VFIO_IOAS_GET IOF_VFIO_IOAS_GET
IOMMU_VFIO_IOAS_SET IOF_VFIO_IOAS_SET
IOMMU_VFIO_IOAS_CLEAR IOF_VFIO_IOAS_CLEAR
IOMMU_HWPT_ALLOC_NEST_PARENT IOF_HWPT_NEST_PARENT
IOMMU_HWPT_ALLOC_DIRTY_TRACKING IOF_HWPT_DIRTY
IOMMU_HWPT_FAULT_ID_VALID IOF_HWPT_FAULT
IOMMU_HWPT_ALLOC_PASID IOF_HWPT_PASID
IOMMU_HWPT_DATA_NONE IOF_DATA_NONE
IOMMU_HWPT_DATA_VTD_S1 IOF_DATA_VTD_S1
IOMMU_HWPT_DATA_ARM_SMMUV3 IOF_DATA_ARM_SMMUV3
IOMMU_VTD_S1_SRE IOF_VTD_S1_SRE
IOMMU_VTD_S1_EAFE IOF_VTD_S1_EAFE
IOMMU_VTD_S1_WPE IOF_VTD_S1_WPE
IOMMU_HW_INFO_TYPE_NONE IOF_HW_NONE
IOMMU_HW_INFO_TYPE_INTEL_VTD IOF_HW_VTD
IOMMU_HW_INFO_TYPE_ARM_SMMUV3 IOF_HW_SMMUV3
IOMMU_HW_INFO_FLAG_INPUT_TYPE IOF_HW_INFO_WANTS_TYPE
IOMMU_HW_CAP_DIRTY_TRACKING IOF_HW_CAP_DIRTY
IOMMU_HW_CAP_PCI_PASID_EXEC IOF_HW_CAP_EXEC
IOMMU_HW_CAP_PCI_PASID_PRIV IOF_HW_CAP_PRIV
IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED IOF_HW_CAP_NO_ATS
IOMMU_HWPT_DIRTY_TRACKING_ENABLE IOF_DIRTY_ENABLE
IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR IOF_DIRTY_NO_CLEAR
IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 IOF_INV_VTD_S1
IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 IOF_INV_SMMUV3
IOMMU_VTD_INV_FLAGS_LEAF IOF_VTD_INV_LEAF
IOMMU_PGFAULT_FLAGS_PASID_VALID IOF_FAULT_PASID
IOMMU_PGFAULT_FLAGS_LAST_PAGE IOF_FAULT_LAST
IOMMUFD_PAGE_RESP_SUCCESS IOF_RESP_SUCCESS
IOMMUFD_PAGE_RESP_INVALID IOF_RESP_INVALID
IOMMU_VIOMMU_TYPE_ARM_SMMUV3 IOF_VIOMMU_SMMUV3
IOMMU_VEVENTQ_TYPE_ARM_SMMUV3 IOF_VEVENTQ_SMMUV3
IOMMU_VEVENTQ_FLAG_LOST_EVENTS IOF_VEVENT_LOST
VFIO_GET_API_VERSION IOF_REQUEST(IOF_VFIO_GET_API_VERSION)
VFIO_CHECK_EXTENSION IOF_REQUEST(IOF_VFIO_CHECK_EXTENSION)
VFIO_SET_IOMMU IOF_REQUEST(IOF_VFIO_SET_IOMMU)
VFIO_IOMMU_GET_INFO IOF_REQUEST(IOF_VFIO_IOMMU_GET_INFO)
VFIO_IOMMU_MAP_DMA IOF_REQUEST(IOF_VFIO_IOMMU_MAP_DMA)
VFIO_IOMMU_UNMAP_DMA IOF_REQUEST(IOF_VFIO_IOMMU_UNMAP_DMA)
VFIO_IOMMU_ENABLE IOF_REQUEST(IOF_VFIO_IOMMU_ENABLE)
VFIO_IOMMU_DISABLE IOF_REQUEST(IOF_VFIO_IOMMU_DISABLE)
VFIO_IOMMU_DIRTY_PAGES IOF_REQUEST(IOF_VFIO_IOMMU_DIRTY_PAGES)
VFIO_TYPE1_IOMMU IOF_VFIO_TYPE1
VFIO_TYPE1v2_IOMMU IOF_VFIO_TYPE1V2
VFIO_DMA_CC_IOMMU IOF_VFIO_DMA_CC
VFIO_TYPE1_NESTING_IOMMU IOF_VFIO_NESTING
VFIO_NOIOMMU_IOMMU IOF_VFIO_NOIOMMU
VFIO_UNMAP_ALL IOF_VFIO_UNMAP_ALL
VFIO_UPDATE_VADDR IOF_VFIO_UPDATE_VADDR
VFIO_IOMMU_INFO_PGSIZES IOF_VFIO_INFO_PGSIZES
VFIO_IOMMU_INFO_CAPS IOF_VFIO_INFO_CAPS
VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE IOF_VFIO_CAP_IOVA_RANGE
VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL IOF_VFIO_CAP_DMA_AVAIL
VFIO_DMA_MAP_FLAG_READ IOF_VFIO_MAP_READ
VFIO_DMA_MAP_FLAG_WRITE IOF_VFIO_MAP_WRITE
VFIO_DMA_MAP_FLAG_VADDR IOF_VFIO_MAP_VADDR
VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP IOF_VFIO_UNMAP_GET_DIRTY
VFIO_DMA_UNMAP_FLAG_ALL IOF_VFIO_UNMAP_ALL_FLAG
VFIO_DMA_UNMAP_FLAG_VADDR IOF_VFIO_UNMAP_VADDR
"""

TEST_VALUES = """
IOMMU_TEST_CMD MOCK_COMMAND
MOCK_APERTURE_START MOCK_FIRST
MOCK_APERTURE_LAST MOCK_LAST
MOCK_PASID_WIDTH MOCK_PASID_BITS
MOCK_PAGE_SIZE (1<<MOCK_PAGE_SHIFT)
MOCK_HUGE_PAGE_SIZE (1<<MOCK_HUGE_SHIFT)
MOCK_FLAGS_DEVICE_NO_DIRTY MOCK_DEVICE_NO_DIRTY
MOCK_FLAGS_DEVICE_HUGE_IOVA MOCK_DEVICE_HUGE_IOVA
MOCK_FLAGS_DEVICE_PASID MOCK_DEVICE_PASID
MOCK_FLAGS_ACCESS_WRITE MOCK_ACCESS_WRITE
MOCK_FLAGS_ACCESS_SYZ MOCK_ACCESS_SYZ
MOCK_ACCESS_RW_WRITE MOCK_RW_WRITE
MOCK_ACCESS_RW_SLOW_PATH MOCK_RW_SLOW
MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES MOCK_ACCESS_PINS
MOCK_NESTED_DOMAIN_IOTLB_NUM MOCK_IOTLBS
MOCK_DEV_CACHE_NUM MOCK_CACHES
IOMMU_TEST_DEV_CACHE_DEFAULT MOCK_CACHE_DEFAULT
IOMMU_TEST_PASID_RESERVED MOCK_PASID_RESERVED
IOMMU_TEST_HW_QUEUE_MAX MOCK_QUEUES
IOMMU_HW_INFO_TYPE_SELFTEST MOCK_HW_INFO
IOMMU_HW_INFO_SELFTEST_REGVAL MOCK_HW_REGISTER
IOMMU_HWPT_DATA_SELFTEST MOCK_HWPT_DATA
IOMMU_HWPT_INVALIDATE_DATA_SELFTEST MOCK_INVALIDATE
IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST MOCK_INVALIDATE
IOMMU_TEST_INVALIDATE_FLAG_ALL MOCK_INVALIDATE_ALL
IOMMU_VIOMMU_TYPE_SELFTEST MOCK_VIOMMU
IOMMU_VEVENTQ_TYPE_SELFTEST MOCK_VEVENTQ
IOMMU_HW_QUEUE_TYPE_SELFTEST MOCK_HW_QUEUE
"""

# Members of iommu_test_cmd: of the union and of what is in it.
TEST_MEMBERS = """
size size
op op
id id
add_reserved.start add_reserved.start
add_reserved.length add_reserved.length
mock_domain.out_stdev_id domain.stdev
mock_domain.out_hwpt_id domain.hwpt
mock_domain.out_idev_id domain.idev
mock_domain_flags.dev_flags domain.flags
mock_domain_replace.pt_id replace.pt
check_map.iova check_map.iova
check_map.length check_map.length
check_map.uptr check_map.uptr
check_refs.length check_refs.length
check_refs.uptr check_refs.uptr
check_refs.refs check_refs.refs
create_access.out_access_fd access_create.fd
create_access.flags access_create.flags
destroy_access_pages.access_pages_id access_unpin.pages
access_pages.flags access_pin.flags
access_pages.out_access_pages_id access_pin.pages
access_pages.iova access_pin.iova
access_pages.length access_pin.length
access_pages.uptr access_pin.uptr
access_rw.iova access_rw.iova
access_rw.length access_rw.length
access_rw.uptr access_rw.uptr
access_rw.flags access_rw.flags
memory_limit.limit memory_limit.limit
access_replace_ioas.ioas_id access_replace.ioas
dirty.flags dirty.flags
dirty.iova dirty.iova
dirty.length dirty.length
dirty.page_size dirty.page_size
dirty.uptr dirty.uptr
dirty.out_nr_dirty dirty.count
check_iotlb.id check_iotlb.id
check_iotlb.iotlb check_iotlb.value
trigger_iopf.dev_id iopf.dev
trigger_iopf.pasid iopf.pasid
trigger_iopf.grpid iopf.group
trigger_iopf.perm iopf.perm
trigger_iopf.addr iopf.addr
check_dev_cache.id check_cache.id
check_dev_cache.cache check_cache.value
trigger_vevent.dev_id vevent.dev
pasid_attach.pasid pasid.pasid
pasid_attach.pt_id pasid.pt
pasid_replace.pasid pasid.pasid
pasid_replace.pt_id pasid.pt
pasid_detach.pasid pasid.pasid
pasid_check.pasid pasid.pasid
pasid_check.hwpt_id pasid.pt
dmabuf_get.length dmabuf_get.length
dmabuf_get.open_flags dmabuf_get.flags
dmabuf_revoke.dmabuf_fd dmabuf_revoke.fd
dmabuf_revoke.revoked dmabuf_revoke.revoked
last last
"""


def strip(text):
    return re.sub(r'/\*.*?\*/|^\s*#.*?$', '', text, flags=re.S | re.M)


def structs(text):
    """Name and members in order of each structure of a header."""
    text = strip(text)
    found = {}
    for m in re.finditer(r'struct (\w+)\s*\{((?:[^{}]|\{[^{}]*\})*)\}', text):
        # members that share their place count once
        body = re.sub(r'union\s*\{([^{};]*;)[^{}]*\}\s*;', r'\1', m.group(2))
        found[m.group(1)] = re.findall(r'(\w+)(?:\[\w*\])?\s*(?:;|,)', body)
    for m in re.finditer(r'struct \w+\s*\{([^{}]*)\}\s*(\w+);', text):
        found[m.group(2)] = re.findall(r'(\w+)(?:\[\w*\])?\s*(?:;|,)',
                                       m.group(1))
    return found


def flexible(text):
    return set(re.findall(r'(\w+)\[\]', strip(text)))


class Checks:
    """Static assertions, each in a line of its own that names a row."""

    def __init__(self):
        self.lines = []
        self.rows = []      # (name, [line numbers] or a complaint)

    def row(self, name, conditions):
        at = []
        for condition in conditions:
            self.lines.append(f'_Static_assert({condition}, "");')
            at.append(len(self.lines))
        self.rows.append((name, at))

    def wrong(self, name, why):
        self.rows.append((name, why))


def compare_struct(checks, ours, name, own, theirs, loose, older):
    mine = ours.get(own)
    if mine is None:
        checks.wrong(f'struct {name}', f'no structure {own}')
        return
    theirs = [m for m in theirs if m not in loose]
    grown = older and len(mine) > len(theirs)
    if len(mine) != len(theirs) and not grown:
        checks.wrong(f'struct {name}', f'{theirs} are not {mine}')
        return
    conditions = [f'offsetof(struct {name}, {t}) == offsetof({own}, {m}) && '
                  f'sizeof(((struct {name} *)0)->{t}) == '
                  f'sizeof((({own} *)0)->{m})'
                  for t, m in zip(theirs, mine)]
    conditions.append(f'sizeof(struct {name}) {"<" if grown else "=="} '
                      f'sizeof({own})')
    checks.row(f'struct {name}', conditions)


def collect(source, checks, older):
    """Every row. An older Linux may have less than we have."""
    texts = {name: source.text(name) for name in (IOMMUFD, VFIO, TEST)}
    overlay = source.out / 'overlay' / 'linux' / 'iommufd.h'
    if 'in_data_type' not in texts[IOMMUFD] and overlay.exists():
        texts[IOMMUFD] = overlay.read_text(encoding='utf-8')
    ours = {}
    for name in ('hw/iommufd/abi.h', 'hw/iommufd/abi_dev.h',
                 'include/im/im_ioasid_uapi.h', 'tests/uapi/mock.h'):
        ours.update(structs((linux.ROOT / name).read_text(encoding='utf-8')))
    for header, pairs in ((IOMMUFD, STRUCTS), (VFIO, VFIO_STRUCTS),
                          (TEST, TEST_STRUCTS)):
        loose = flexible(texts[header])
        for name, members in structs(texts[header]).items():
            if name in pairs:
                compare_struct(checks, ours, name, pairs[name], members,
                               loose, older)
            elif header == VFIO or name in NOT_OFFERED:
                continue
            elif name.startswith('iommu'):
                checks.wrong(f'struct {name}', 'is not in the list')
    for name in re.findall(r'^\tIOMMUFD_CMD_(\w+) =', texts[IOMMUFD], re.M):
        if name != 'BASE':
            checks.row(f'command {name}',
                       [f'IOMMUFD_CMD_{name} == '
                        f'IOF_NR_{COMMANDS.get(name, name)}'])
    for name in re.findall(r'^\tIOMMU_TEST_OP_(\w+)', texts[TEST], re.M):
        checks.row(f'test operation {name}',
                   [f'IOMMU_TEST_OP_{name} == MOCK_OP_{name}'])
    everything = ''.join(texts.values())
    for text in (VALUES, TEST_VALUES):
        for line in text.split('\n'):
            if line:
                name, own = line.split()
                if re.search(rf'\b{name}\b', everything):
                    checks.row(f'value {name}', [f'{name} == {own}'])
    for line in TEST_MEMBERS.split('\n'):
        if line:
            name, own = line.split()
            if re.search(rf'\}} {name.split(".")[0]};|'
                         rf'\t__u32 {name};', texts[TEST]):
                checks.row(f'iommu_test_cmd.{name}',
                           [f'offsetof(struct iommu_test_cmd, {name}) == '
                            f'offsetof(MockCmd, {own})'])


HEAD = """
#define __EXPORTED_HEADERS__
#include <stddef.h>
#include <linux/vfio.h>
#include "drivers/iommu/iommufd/iommufd_test.h"
"""


def failing(source, checks):
    """Numbers of the assertions that do not hold."""
    cflags = subprocess.run(['pkg-config', '--cflags', 'glib-2.0'],
                            capture_output=True, text=True,
                            check=True).stdout.split()
    cc = os.environ.get('CC', 'gcc').split()
    # Linux's enumerators first: ours of the same name are macros.
    text = HEAD + f'#include "{linux.ROOT}/hw/iommufd/abi.h"\n' \
        f'#include "{linux.ROOT}/hw/iommufd/abi_dev.h"\n' \
        f'#include "{linux.ROOT}/tests/uapi/mock.h"\n' \
        '#line 1 "checks"\n' + '\n'.join(checks.lines) + '\n'
    with tempfile.NamedTemporaryFile('w', suffix='.c') as f:
        f.write(text)
        f.flush()
        done = subprocess.run(
            [*cc, '-fsyntax-only', '-w', '-D__counted_by(m)=', '-D__user=',
             *source.lacking(), '-isystem', source.tree / 'include/uapi',
             '-I', source.tree, '-I', linux.ROOT, '-I',
             linux.ROOT / 'include', *cflags, f.name],
            text=True, capture_output=True)
    lines = {int(n) for n in re.findall(r'^checks:(\d+):\d+: error',
                                        done.stderr, re.M)}
    if done.returncode and not lines:
        raise linux.Failed('the comparison does not compile: '
                           + done.stderr[-800:].replace('\n', ' | '))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('name', choices=list(linux.SOURCES))
    a = parser.parse_args()
    try:
        source = linux.Linux(a.name)
        checks = Checks()
        source.lacking()        # writes the header that is compared
        collect(source, checks, a.name != 'new')
        bad = failing(source, checks)
    except (linux.Failed, linux.debfetch.FetchError) as e:
        print(f'Bail out! {e}')
        sys.exit(1)
    print(f'1..{len(checks.rows)}')
    for number, (name, at) in enumerate(checks.rows, 1):
        why = [at] if isinstance(at, str) else \
            [checks.lines[n - 1] for n in at if n in bad]
        for line in why:
            print(f'#   {line}')
        print(f'{"not ok" if why else "ok"} {number} {source.version} {name}')


if __name__ == '__main__':
    main()
