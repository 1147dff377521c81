#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# iasl knows no flags of an IORT's root complex node: it does not list them,
# and a table that it disassembled and compiled again has lost them.
#
# Software:  iasl 20250404 (Debian 13: acpica-tools 20250404-1), and 20200925
#            (Debian 12: acpica-tools 20200925-8)
# Input:     an IORT of revision 6: an ITS group, and a root complex node of
#            revision 4, 40 bytes before its one mapping, the last 4 of which
#            are the flags: 1, PASIDs are supported (Arm DEN 0049E, table of
#            the root complex node)
# Guess:     the listing has the flags, and compiling it gives the same node
# Seen:      the listing goes from the reserved byte at 23h to the mapping at
#            28h; compiled again the node is 4 bytes shorter, with its mapping
#            at 24h, while its revision stays 4: who reads it by its revision
#            finds the flags where the mapping begins
# So:        look at these flags in the table's bytes; do not boot a guest with
#            an IORT that went through iasl.
#
# Runs without root. Fails when what is seen changes.
set -eu
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cd "$top"

for version in 20250404-1 20200925-8; do
    apt-get download "acpica-tools=$version" >log 2>&1 && break
done
ls acpica-tools_*.deb >/dev/null 2>&1 || {
    echo "acpica-tools 20250404-1 or 20200925-8 cannot be fetched: these are" \
        "Debian 13's and 12's"
    exit 2
}
dpkg-deb -x acpica-tools_*.deb root
iasl=root/usr/bin/iasl

python3 - <<'PY'
import struct
its = struct.pack('<BHBIIIII', 0, 24, 1, 0, 0, 0, 1, 0)
mapping = struct.pack('<5I', 0, 0xffff, 0, 48, 0)
# coherent; ATS and PASIDs forwarded; segment 0; 64 address bits; 20-bit
# PASIDs; flags
root = struct.pack('<BHBIII', 2, 60, 4, 1, 1, 40) + \
    struct.pack('<IBHBIIBHBI', 1, 0, 0, 3, 5, 0, 64, 20, 0, 1) + mapping
body = struct.pack('<III', 2, 48, 0) + its + root
table = bytearray(struct.pack('<4sIBB6s8sI4sI', b'IORT', 36 + len(body), 6, 0,
                              b'FIND  ', b'FLAGS   ', 1, b'ME  ', 1) + body)
table[9] = -sum(table) & 0xff
open('iort.bin', 'wb').write(table)
PY

{ $iasl -v; $iasl -d iort.bin; $iasl -p again iort.dsl; } >>log 2>&1 || {
    cat log
    exit 2
}
grep -m1 -o 'version [0-9]*' log
sed -n '/PCI Segment Number/,/Input base/p' iort.dsl | sed '/^$/d' | tee seen
python3 - again.aml <<'PY' | tee -a seen
import struct
import sys
table = open(sys.argv[1], 'rb').read()
kind, length, revision, _, _, at = struct.unpack_from('<BHBIII', table, 72)
print(f'compiled again: {len(table)} bytes; type {kind}, revision {revision}, '
      f'{length} bytes, mapping at {at:#x}')
PY

failed=0
expect() {      # expect present|absent PATTERN
    if grep -qE "$2" seen; then was=present; else was=absent; fi
    [ "$was" = "$1" ] || { echo "changed: /$2/ is $was"; failed=1; }
}
expect absent  'Flags'
expect present 'Input base'
expect present '^compiled again: 128 bytes; type 2, revision 4, 56 bytes, mapping at 0x24$'
[ $failed = 0 ] && echo "as recorded"
exit $failed
