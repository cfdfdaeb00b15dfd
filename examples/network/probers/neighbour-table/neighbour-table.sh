#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# neighbour-table: how full is the kernel's table of neighbours (ARP for IPv4, neighbour discovery for IPv6)?
#
# Beyond gc_thresh3 entries the kernel refuses new neighbours, and hosts of the same network become unreachable.
#
# usage: neighbour-table.sh [-w PERCENT] [-c PERCENT] [arp|ndisc]   (defaults: 70, 90, arp)
# exit:  0 below -w, 1 at or above it, 2 at or above -c, 3 cannot tell (no such table here, as in many containers)
set -u
export LC_ALL=C

warning=70 critical=90

unknown() { echo "NEIGHBOURS UNKNOWN - $*"; exit 3; }
number() { case $1 in '' | . | *[!0-9.]* | *.*.*) unknown "'$1' is not a number" ;; esac; }

while getopts :w:c: option; do
	case $option in
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
shift $((OPTIND - 1))
protocol=${1:-arp}
number "$warning"
number "$critical"
case $protocol in
arp) family=ipv4 ;;
ndisc) family=ipv6 ;;
*) unknown "'$protocol' is neither arp nor ndisc" ;;
esac

# A line for each processor, in hexadecimal; the first column, the entries of the whole table, is the same on each.
statistics=/proc/net/stat/${protocol}_cache
limit_file=/proc/sys/net/$family/neigh/default/gc_thresh3
entries=$(awk 'NR == 2 { print $1 }' "$statistics" 2>/dev/null)
[ -n "$entries" ] || unknown "cannot read $statistics"
case $entries in *[!0-9a-f]*) unknown "'$entries' in $statistics is not a number" ;; esac
limit=$(cat "$limit_file" 2>/dev/null) || unknown "cannot read $limit_file"
[ "$limit" -gt 0 ] || unknown "$limit_file is 0"

awk -v entries=$((0x$entries)) -v limit="$limit" -v protocol="$protocol" -v warning="$warning" -v critical="$critical" 'BEGIN {
	split("OK WARNING CRITICAL", word, " ")
	percent = 100 * entries / limit
	state = percent >= critical ? 2 : percent >= warning ? 1 : 0
	printf "NEIGHBOURS %s - %s: %d of %d entries, %.1f%%", word[state + 1], protocol, entries, limit, percent
	printf " | used=%.1f%%;%s;%s;0 entries=%d;;;0;%d\n", percent, warning, critical, entries, limit
	exit state
}'
