#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clock-sync: does a time service keep this machine's clock, and how far off does it think we are?
#
# Asks chrony when it runs, systemd otherwise. Only chrony knows the offset.
#
# usage: clock-sync.sh [-w MS] [-c MS]   (defaults: 50, 500)
# exit:  0 synchronized, 1 at least -w off, 2 not synchronized, or at least -c off, 3 cannot tell (neither chrony nor systemd)
set -u
export LC_ALL=C

warning=50 critical=500

unknown() { echo "CLOCK UNKNOWN - $*"; exit 3; }
number() { case $1 in '' | . | *[!0-9.]* | *.*.*) unknown "'$1' is not a number" ;; esac; }

while getopts :w:c: option; do
	case $option in
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
number "$warning"
number "$critical"

# One comma-separated line: 2 source, 3 stratum, 5 offset in seconds, 14 leap status.
if command -v chronyc >/dev/null && tracking=$(chronyc -c -n tracking 2>/dev/null); then
	printf '%s\n' "$tracking" | awk -F, -v warning="$warning" -v critical="$critical" '{
		split("OK WARNING CRITICAL", word, " ")
		offset = $5 * 1000
		size = offset < 0 ? -offset : offset
		perfdata = sprintf("offset=%.3fms;-%s:%s;-%s:%s stratum=%d;;;0;16", offset, warning, warning, critical, critical, $3)
		if ($14 == "Not synchronised") {
			printf "CLOCK CRITICAL - chrony has no source it trusts | %s\n", perfdata
			exit 2
		}
		state = size >= critical ? 2 : size >= warning ? 1 : 0
		printf "CLOCK %s - %.3f ms off, by %s (stratum %d) | %s\n", word[state + 1], offset, $2 == "" ? "a local clock" : $2, $3, perfdata
		exit state
	}'
	exit
fi

command -v timedatectl >/dev/null || unknown 'neither chrony nor systemd is here to ask'
properties=$(timedatectl show --property=NTP --property=NTPSynchronized 2>/dev/null) || unknown 'systemd does not answer'
case $properties in
*NTPSynchronized=yes*) echo 'CLOCK OK - synchronized, says systemd | synchronized=1;;1:;0;1' ;;
*NTP=no*)
	echo 'CLOCK CRITICAL - not synchronized: no time service is switched on | synchronized=0;;1:;0;1'
	exit 2
	;;
*)
	echo 'CLOCK CRITICAL - not synchronized: the time service has not set the clock | synchronized=0;;1:;0;1'
	exit 2
	;;
esac
