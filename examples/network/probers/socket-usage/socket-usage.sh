#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# socket-usage: how many sockets are there, and is a limit of the kernel near?
#
# Three things have limits: connections in TIME_WAIT, connections without a process (orphans), and pages of TCP memory. The
# fullest of them decides. Output is one JSON object; the verdict is its `status`.
#
# usage: socket-usage.sh [-w PERCENT] [-c PERCENT]   (defaults: 70, 90)
# exit:  0 with a verdict, 3 cannot tell (status `unknown`)
set -u
export LC_ALL=C

warning=70 critical=90

unknown() { printf '{"status": "unknown", "message": "%s"}\n' "$(printf '%s' "$*" | tr -d '\000-\037\\"')"; exit 3; }
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

folder=/proc/sys/net/ipv4
[ -r /proc/net/sockstat ] || unknown 'cannot read /proc/net/sockstat'
max_time_wait=$(cat $folder/tcp_max_tw_buckets 2>/dev/null) || unknown "cannot read $folder/tcp_max_tw_buckets"
# The next two belong to the whole machine; a container does not see them.
max_orphans=$(cat $folder/tcp_max_orphans 2>/dev/null) || max_orphans=0
max_pages=$(awk '{ print $3 }' $folder/tcp_mem 2>/dev/null) || max_pages=0

# TCP: inuse 30 orphan 0 tw 2 alloc 35 mem 3 - a name, then pairs; one table for IPv4 and one for the rest of IPv6.
cat /proc/net/sockstat /proc/net/sockstat6 2>/dev/null | awk -v warning="$warning" -v critical="$critical" \
	-v max_tw="$max_time_wait" -v max_orphan="$max_orphans" -v max_mem="$max_pages" '
	function metric(name, value, unit, protocol) {
		if (metrics != "") metrics = metrics ", "
		metrics = metrics sprintf("{\"name\": \"%s\", \"value\": %.10g, \"unit\": \"%s\", ", name, value, unit)
		metrics = metrics sprintf("\"labels\": {\"protocol\": \"%s\"}}", protocol)
	}
	function fill(name, what, max,    percent) {
		if (max <= 0) return
		percent = 100 * value["TCP:", what] / max
		metric(name "_fill", percent, "%", "tcp")
		if (fullest == "" || percent > worst) { worst = percent; fullest = name }
	}
	{ for (i = 2; i < NF; i += 2) value[$1, $i] = $(i + 1) }
	END {
		split("ok warning critical", word, " ")
		metric("sockets_in_use", value["TCP:", "inuse"] + value["TCP6:", "inuse"], "", "tcp")
		metric("sockets_in_use", value["UDP:", "inuse"] + value["UDP6:", "inuse"], "", "udp")
		metric("time_wait", value["TCP:", "tw"] + 0, "", "tcp")
		fill("time_wait", "tw", max_tw)
		fill("orphans", "orphan", max_orphan)
		fill("memory", "mem", max_mem)
		state = worst >= critical ? 2 : worst >= warning ? 1 : 0
		printf "{\"status\": \"%s\", \"message\": \"%d TCP sockets, %d in TIME_WAIT; ", word[state + 1], \
			value["TCP:", "inuse"] + value["TCP6:", "inuse"], value["TCP:", "tw"]
		printf "fullest: %s, %.1f%% of its limit\", ", fullest == "" ? "none" : fullest, worst
		printf "\"metrics\": [%s]}\n", metrics
	}'
