#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# systemd-units: which units have failed?
#
# usage: systemd-units.sh [GLOB...]   (units to leave out)
# exit:  0 none, 2 some, 3 cannot tell (a machine that systemd does not run)
set -u
export LC_ALL=C

unknown() { echo "UNITS UNKNOWN - $*"; exit 3; }

command -v systemctl >/dev/null || unknown 'systemd is not installed'
[ -d /run/systemd/system ] || unknown 'this machine is not run by systemd'
units=$(systemctl list-units --state=failed --plain --no-legend --no-pager 2>&1) ||
	unknown "systemctl: $(printf '%s\n' "$units" | head -n 1)"

failed='' count=0 left_out=0
while read -r unit _; do
	[ -n "$unit" ] || continue
	skip=no
	for glob in "$@"; do
		# shellcheck disable=SC2254 # a glob is what it is meant to be
		case $unit in $glob) skip=yes ;; esac
	done
	if [ $skip = yes ]; then
		left_out=$((left_out + 1))
	else
		failed="$failed, $unit"
		count=$((count + 1))
	fi
done <<UNITS
$units
UNITS

perfdata="failed=$count;;1;0 left_out=$left_out;;;0"
if [ "$count" -eq 0 ]; then
	echo "UNITS OK - none has failed | $perfdata"
	exit 0
fi
echo "UNITS CRITICAL - failed: ${failed#, } | $perfdata"
exit 2
