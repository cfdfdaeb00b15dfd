#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# link-errors: do network interfaces damage or drop packets right now?
#
# Reads the counters twice, some seconds apart, so old errors do not matter. Every interface is looked at, except lo.
#
# usage: link-errors.sh [-s SECONDS] [-w RATE] [-c RATE]   (defaults: -s 5, and 1 and 10 a second, errors and drops together)
# exit:  0 below -w on each interface, 1 at or above it on one, 2 at or above -c on one, 3 cannot tell (no interface)
set -u
export LC_ALL=C

seconds=5 warning=1 critical=10

unknown() { echo "LINK UNKNOWN - $*"; exit 3; }
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
case $seconds in *[1-9]*) ;; *) unknown 'the time between the readings has to be more than nothing' ;; esac

# A line "when interface errors drops" for each interface: /proc/net/dev has two lines of headings, then "name: 8 numbers of what
# came in, 8 of what went out", the third and fourth of each being errors and drops.
counters() {
	awk -v when="$1" 'NR > 2 { sub(/:/, " "); if ($1 != "lo") print when, $1, $4 + $12, $5 + $13 }' /proc/net/dev 2>/dev/null
}

before=$(counters before)
[ -n "$before" ] || unknown 'no interface but lo in /proc/net/dev'
sleep "$seconds"
printf '%s\n%s\n' "$before" "$(counters after)" |
	awk -v seconds="$seconds" -v warning="$warning" -v critical="$critical" '
	$1 == "before" { errors[$2] = $3; drops[$2] = $4; next }
	# An interface that came or went meanwhile, or whose counters were set back, has nothing to say this time.
	$2 in errors && $3 >= errors[$2] && $4 >= drops[$2] {
		n++
		error_rate = ($3 - errors[$2]) / seconds
		drop_rate = ($4 - drops[$2]) / seconds
		rate = error_rate + drop_rate
		all_errors += error_rate
		all_drops += drop_rate
		if (rate > worst) worst = rate
		if (rate >= warning) text = text sprintf(", %s %.1f a second", $2, rate)
	}
	END {
		split("OK WARNING CRITICAL", word, " ")
		if (n == 0) { print "LINK UNKNOWN - no interface was there at both readings"; exit 3 }
		state = worst >= critical ? 2 : worst >= warning ? 1 : 0
		printf "LINK %s - %s", word[state + 1], text == "" ? n " interfaces without trouble" : substr(text, 3)
		printf " | worst=%.2f;%s;%s;0 errors=%.2f;;;0 drops=%.2f;;;0\n", worst, warning, critical, all_errors, all_drops
		exit state
	}'
