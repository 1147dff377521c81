#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lspci prints the width of PASIDs in hexadecimal, without a prefix, and leaves
# out bits of the capabilities that software for PASIDs looks at first.
#
# Software:  pciutils 3.9.0 (Debian 12: pciutils and libpci3 1:3.9.0-4)
# Input:     configuration space of one function, in lspci's own dump format:
#            PASID width 20; ATS with Page Aligned Request, Global Invalidate
#            and Relaxed Ordering supported and a queue of 32 (00h); PRI with
#            PRG Response PASID Required
# Guess:     "Max PASID Width: 20", and a word for each of these bits
# Seen:      "Max PASID Width: 14", like a width of 14; "Invalidate Queue
#            Depth: 00"; and no word for any of the four bits
# So:        read widths and these bits from configuration space (setpci).
#
# Runs without root. Fails when what is seen changes.
set -eu
version=1:3.9.0-4
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cd "$top"

apt-get download "pciutils=$version" "libpci3=$version" >log 2>&1 || {
    echo "pciutils $version cannot be fetched: this is Debian 12's"
    exit 2
}
for deb in *.deb; do
    dpkg-deb -x "$deb" root
done
lib=$(dirname "$(find root -name libpci.so.3)")

python3 - >dump <<'PY'
import struct
space = bytearray(4096)
def put(form, at, *values):
    struct.pack_into('<' + form, space, at, *values)
put('HHHHI', 0, 0x8086, 0x1234, 0x0006, 0x0010, 0x12000001)
put('B', 0x34, 0x40)
put('BBH', 0x40, 0x10, 0, 0x0002)           # PCI Express endpoint
put('IHH', 0x100, 0x1101001b, 20 << 8 | 6, 1)       # PASID: 20, Priv, Exec
put('IHH', 0x110, 0x1201000f, 0x00e0, 0x8000)       # ATS
put('IHHII', 0x120, 0x00010013, 1, 0x8100, 64, 32)  # PRI
print('00:00.0 Processing accelerators: x')
for at in range(0, 4096, 16):
    print(f'{at:02x}: ' + ' '.join(f'{b:02x}' for b in space[at:at + 16]))
PY

LD_LIBRARY_PATH=$lib root/usr/bin/lspci -F dump -vv -n 2>>log |
    sed -n '/(PASID)/,$p' | tee seen

failed=0
expect() {      # expect present|absent PATTERN
    if grep -qE "$2" seen; then was=present; else was=absent; fi
    [ "$was" = "$1" ] || { echo "changed: /$2/ is $was"; failed=1; }
}
expect present 'Max PASID Width: 14$'
expect present 'Invalidate Queue Depth: 00$'
expect absent  '[Pp]age ?[Aa]lign|[Gg]lobal ?[Ii]nv|[Rr]elaxed|[Rr]elOrd'
expect absent  'PASID ?[Rr]equired|ResponsePASID'
[ $failed = 0 ] && echo "as recorded"
exit $failed
