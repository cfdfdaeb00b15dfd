#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fd-usage: how many files does the whole machine have open, measured by what the kernel allows?
#
# usage: fd-usage.sh [-w PERCENT] [-c PERCENT]   (defaults: 70, 90)
# exit:  0 below -w, 1 at or above it, 2 at or above -c, 3 cannot tell
set -u
export LC_ALL=C

warning=70 critical=90

unknown() { echo "FILES UNKNOWN - $*"; exit 3; }
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

# Handles in use, handles kept for reuse, and the limit, which systemd sets to the largest number there is.
numbers=$(cat /proc/sys/fs/file-nr 2>/dev/null) || unknown 'cannot read /proc/sys/fs/file-nr'
printf '%s\n' "$numbers" | awk -v warning="$warning" -v critical="$critical" '{
	split("OK WARNING CRITICAL", word, " ")
	open = $1 - $2
	percent = 100 * open / $3
	state = percent >= critical ? 2 : percent >= warning ? 1 : 0
	printf "FILES %s - %d open, %.2f%% of what the kernel allows", word[state + 1], open, percent
	printf " | used=%.4f%%;%s;%s;0;100 open=%d;;;0\n", percent, warning, critical, open
	exit state
}'
