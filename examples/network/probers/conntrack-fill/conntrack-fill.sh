#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# conntrack-fill: how full is the kernel's connection tracking table? A full one drops every new connection.
#
# usage: conntrack-fill.sh [-w PERCENT] [-c PERCENT]   (defaults: 70, 90)
# exit:  0 below -w, 1 at or above it, 2 at or above -c, 3 cannot tell (connection tracking is not loaded)
set -u
export LC_ALL=C

warning=70 critical=90

unknown() { echo "CONNTRACK UNKNOWN - $*"; exit 3; }
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

folder=/proc/sys/net/netfilter
# By cat, since `read` takes a byte at a time and files of /proc/sys give nothing after the first.
count=$(cat $folder/nf_conntrack_count 2>/dev/null) || unknown 'connection tracking is not loaded in this kernel'
max=$(cat $folder/nf_conntrack_max 2>/dev/null) || unknown "cannot read $folder/nf_conntrack_max"
[ "$max" -gt 0 ] || unknown 'the table has no limit'

awk -v count="$count" -v max="$max" -v warning="$warning" -v critical="$critical" 'BEGIN {
	split("OK WARNING CRITICAL", word, " ")
	percent = 100 * count / max
	state = percent >= critical ? 2 : percent >= warning ? 1 : 0
	printf "CONNTRACK %s - %d of %d entries, %.1f%%", word[state + 1], count, max, percent
	printf " | used=%.1f%%;%s;%s;0;100 entries=%d;;;0;%d\n", percent, warning, critical, count, max
	exit state
}'
