#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tcp-retransmits: which share of its TCP segments does this machine send again? Loss that pings are too rare to see.
#
# usage: tcp-retransmits.sh [-s SECONDS] [-n SEGMENTS] [-w PERCENT] [-c PERCENT]
#        defaults: measured over 5 s, judged only when at least 100 segments were sent meanwhile, 2 and 10 percent
# exit:  0 below -w or too few segments to judge, 1 at or above -w, 2 at or above -c, 3 cannot tell
set -u
export LC_ALL=C

seconds=5 enough=100 warning=2 critical=10

unknown() { echo "RETRANSMITS UNKNOWN - $*"; exit 3; }
number() { case $1 in '' | . | *[!0-9.]* | *.*.*) unknown "'$1' is not a number" ;; esac; }

while getopts :s:n:w:c: option; do
	case $option in
	s) seconds=$OPTARG ;;
	n) enough=$OPTARG ;;
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
for value in "$seconds" "$enough" "$warning" "$critical"; do number "$value"; done

# Two lines start with "Tcp:": the names, then the values.
counters() {
	awk '$1 == "Tcp:" && !named { for (i = 2; i <= NF; i++) column[$i] = i; named = 1; next }
		$1 == "Tcp:" { print $column["OutSegs"], $column["RetransSegs"]; exit }' /proc/net/snmp 2>/dev/null
}

before=$(counters)
[ -n "$before" ] || unknown 'cannot read the TCP counters in /proc/net/snmp'
sleep "$seconds"
printf '%s %s\n' "$before" "$(counters)" | awk -v enough="$enough" -v warning="$warning" -v critical="$critical" '{
	split("OK WARNING CRITICAL", word, " ")
	sent = $3 - $1
	again = $4 - $2
	percent = sent > 0 ? 100 * again / sent : 0
	state = sent < enough ? 0 : percent >= critical ? 2 : percent >= warning ? 1 : 0
	printf "RETRANSMITS %s - %d of %d segments, %.2f%%", word[state + 1], again, sent, percent
	if (sent < enough) printf ", too few to judge"
	printf " | retransmitted=%.2f%%;%s;%s;0 sent=%d;;;0\n", percent, warning, critical, sent
	exit state
}'
