#!/bin/sh
# link-errors: do network interfaces damage or drop packets right now?
#
# Reads the counters twice, some seconds apart, so old errors do not matter. Every interface that is up is looked at, except lo.
#
# usage: link-errors.sh [-s SECONDS] [-w RATE] [-c RATE]   (defaults: -s 5, and 1 and 10 a second, errors and drops together)
# exit:  0 below -w on each interface, 1 at or above it on one, 2 at or above -c on one, 3 cannot tell (no interface is up)
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

# A line "when interface counter value" for each counter.
counters() {
	for folder in /sys/class/net/*; do
		device=${folder##*/}
		[ "$device" = lo ] && continue
		{ read -r state <"$folder/operstate"; } 2>/dev/null || continue
		case $state in up | unknown) ;; *) continue ;; esac
		for counter in rx_errors tx_errors rx_dropped tx_dropped; do
			{ read -r value <"$folder/statistics/$counter"; } 2>/dev/null || continue
			echo "$1 $device $counter $value"
		done
	done
}

before=$(counters before)
[ -n "$before" ] || unknown 'no interface but lo is up'
sleep "$seconds"
printf '%s\n%s\n' "$before" "$(counters after)" |
	awk -v seconds="$seconds" -v warning="$warning" -v critical="$critical" '
	$1 == "before" { old[$2, $3] = $4; next }
	# An interface that came or went meanwhile, or whose counters were set back, has nothing to say this time.
	($2, $3) in old && $4 >= old[$2, $3] {
		if (!($2 in rate)) order[++n] = $2
		rate[$2] += ($4 - old[$2, $3]) / seconds
		parts[$2] = parts[$2] sprintf(" \047%s_%s\047=%.2f;;;0", $2, $3, ($4 - old[$2, $3]) / seconds)
	}
	END {
		split("OK WARNING CRITICAL", word, " ")
		if (n == 0) { print "LINK UNKNOWN - no interface was up at both readings"; exit 3 }
		for (i = 1; i <= n; i++) {
			device = order[i]
			if (rate[device] >= critical) state = 2
			else if (rate[device] >= warning && state < 1) state = 1
			if (rate[device] >= warning) text = text sprintf(", %s %.1f a second", device, rate[device])
			perfdata = perfdata parts[device]
		}
		printf "LINK %s - %s |%s\n", word[state + 1], text == "" ? n " interfaces without trouble" : substr(text, 3), perfdata
		exit state
	}'
