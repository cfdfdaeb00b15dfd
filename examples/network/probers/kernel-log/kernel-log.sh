#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel-log: what did the kernel report lately, of level "error" and worse?
#
# usage: kernel-log.sh [-m MINUTES]   (the last 10)
# exit:  0 nothing, 1 errors, 2 something critical, an alert or an emergency, 3 cannot tell (no right to read the log)
set -u
export LC_ALL=C

minutes=10

unknown() { echo "KERNEL LOG UNKNOWN - $*"; exit 3; }

while getopts :m: option; do
	case $option in
	m) minutes=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
case $minutes in '' | *[!0-9]* | ??????*) unknown "'$minutes' is not a number of minutes" ;; esac
command -v dmesg >/dev/null || unknown 'dmesg is not installed'

messages=$(dmesg --decode --facility kern --level emerg,alert,crit,err --since "$minutes minutes ago" 2>&1) ||
	unknown "dmesg: $(printf '%s\n' "$messages" | head -n 1 | sed 's/^dmesg: //')"

# kern  :err   : [12345.678901] text. A bar in the text would start the performance data.
printf '%s\n' "$messages" | tr '|' '/' | awk -v minutes="$minutes" '
	/^kern *:/ {
		n++
		if ($0 !~ /^kern *:err *:/) worse++
		last = $0
		sub(/^[^]]*\] */, "", last)
	}
	END {
		state = worse > 0 ? 2 : n > 0 ? 1 : 0
		split("OK WARNING CRITICAL", word, " ")
		if (n == 0) printf "KERNEL LOG OK - no errors in %d minutes", minutes
		else printf "KERNEL LOG %s - %d errors in %d minutes, the last: %.200s", word[state + 1], n, minutes, last
		printf " | errors=%d;1;;0 critical=%d;;1;0\n", n, worse
		exit state
	}'
