#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cpu-steal: which share of the processors did this virtual machine want and not get?
#
# usage: cpu-steal.sh [-s SECONDS] [-w PERCENT] [-c PERCENT]   (defaults: measured over 2 s, 10 and 30 percent)
# exit:  0 below -w, 1 at or above it, 2 at or above -c, 3 cannot tell
set -u
export LC_ALL=C

seconds=2 warning=10 critical=30

unknown() { echo "STEAL UNKNOWN - $*"; exit 3; }
number() { case $1 in '' | . | *[!0-9.]* | *.*.*) unknown "'$1' is not a number" ;; esac; }

while getopts :s:w:c: option; do
	case $option in
	s) seconds=$OPTARG ;;
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
for value in "$seconds" "$warning" "$critical"; do number "$value"; done

# cpu user nice system idle iowait irq softirq steal guest guest_nice; guests are counted in user and nice already.
ticks() { awk '$1 == "cpu" { print $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9, $5 + $6, $9; exit }' /proc/stat 2>/dev/null; }

before=$(ticks)
[ -n "$before" ] || unknown 'cannot read /proc/stat'
sleep "$seconds"
printf '%s %s\n' "$before" "$(ticks)" | awk -v seconds="$seconds" -v warning="$warning" -v critical="$critical" '{
	split("OK WARNING CRITICAL", word, " ")
	total = $4 - $1
	if (total <= 0) { print "STEAL UNKNOWN - no time passed between the readings"; exit 3 }
	steal = 100 * ($6 - $3) / total
	busy = 100 - 100 * ($5 - $2) / total - steal
	state = steal >= critical ? 2 : steal >= warning ? 1 : 0
	printf "STEAL %s - %.1f%% stolen, %.1f%% used, over %s s", word[state + 1], steal, busy, seconds
	printf " | steal=%.2f%%;%s;%s;0;100 used=%.2f%%;;;0;100\n", steal, warning, critical, busy
	exit state
}'
