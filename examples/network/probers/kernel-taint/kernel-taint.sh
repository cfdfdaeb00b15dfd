#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel-taint: did the kernel have an accident since it started: an oops, a bad page, a lockup, a machine check, a warning?
#
# Such a kernel often goes on for weeks, and its later faults make no sense. Modules that are proprietary, unsigned, or not of
# the kernel's own tree taint it too and are no accident: they are left out.
#
# usage: kernel-taint.sh
# exit:  0 no accident, 1 a warning only, 2 anything worse, 3 cannot tell
set -u

taint=$(cat /proc/sys/kernel/tainted 2>/dev/null)
case $taint in '' | *[!0-9]*) echo 'KERNEL UNKNOWN - cannot read /proc/sys/kernel/tainted'; exit 3 ;; esac

found='' state=0
while read -r bit severity meaning; do
	if [ $((taint >> bit & 1)) -eq 1 ]; then
		found="$found, $meaning"
		[ "$severity" -gt "$state" ] && state=$severity
	fi
done <<'BITS'
4 2 the processor reported a machine check
5 2 a page of memory had a bad state
7 2 the kernel died in part (oops)
9 1 the kernel warned about itself
14 2 a processor was stuck (soft lockup)
BITS

case $state in
0) word=OK found=', no accident' ;;
1) word=WARNING ;;
*) word=CRITICAL ;;
esac
echo "KERNEL $word - ${found#, } | taint=$taint;;;0"
exit "$state"
