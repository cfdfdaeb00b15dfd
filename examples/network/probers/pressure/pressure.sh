#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pressure: for which share of the last minute did some work wait for memory, disk or processor (the kernel's pressure stall
# information)? Unlike "free memory" it shows harm, not use.
#
# usage: pressure.sh [-w PERCENT] [-c PERCENT] [memory|io|cpu]   (defaults: 20, 60, memory)
# exit:  0 below -w, 1 at or above it, 2 at or above -c, 3 cannot tell (a kernel without it, or with it switched off)
set -u
export LC_ALL=C

warning=20 critical=60

unknown() { echo "PRESSURE UNKNOWN - $*"; exit 3; }
number() { case $1 in '' | . | *[!0-9.]* | *.*.*) unknown "'$1' is not a number" ;; esac; }

while getopts :w:c: option; do
	case $option in
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
shift $((OPTIND - 1))
resource=${1:-memory}
number "$warning"
number "$critical"
case $resource in memory | io | cpu) ;; *) unknown "'$resource' is not memory, io or cpu" ;; esac

# some avg10=0.00 avg60=0.00 avg300=0.00 total=0, and the same for `full`: everything waited. Old kernels have no `full` for cpu.
stalls=$(cat "/proc/pressure/$resource" 2>/dev/null) ||
	unknown "this kernel does not measure it: cannot read /proc/pressure/$resource"
printf '%s\n' "$stalls" | awk -v resource="$resource" -v warning="$warning" -v critical="$critical" '
	{ for (i = 2; i <= NF; i++) { split($i, pair, "="); value[$1, pair[1]] = pair[2] } }
	END {
		split("OK WARNING CRITICAL", word, " ")
		if (!(("some", "avg60") in value)) { printf "PRESSURE UNKNOWN - cannot understand /proc/pressure/%s\n", resource; exit 3 }
		some = value["some", "avg60"]
		full = value["full", "avg60"] + 0
		state = some >= critical ? 2 : some >= warning ? 1 : 0
		printf "PRESSURE %s - %s: some work waited for %.1f%% of the last minute, all of it for %.1f%%", \
			word[state + 1], resource, some, full
		printf " | some=%.2f%%;%s;%s;0;100 full=%.2f%%;;;0;100\n", some, warning, critical, full
		exit state
	}'
