#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# disk-fill: how full is the filesystem that holds a path, in space or in inodes?
#
# Space is counted as an ordinary user sees it: what is kept back for root is not free.
#
# usage: disk-fill.sh [-w PERCENT] [-c PERCENT] [space|inodes [PATH]]   (defaults: 80, 95, space /)
# exit:  0 below -w, 1 at or above it, 2 at or above -c, 3 cannot tell (no such path, a filesystem without inodes, no answer)
set -u
export LC_ALL=C

warning=80 critical=95

unknown() { echo "DISK UNKNOWN - $*"; exit 3; }
number() { case $1 in '' | . | *[!0-9.]* | *.*.*) unknown "'$1' is not a number" ;; esac; }

while getopts :w:c: option; do
	case $option in
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
shift $((OPTIND - 1))
resource=${1:-space} path=${2:-/}
number "$warning"
number "$critical"
case $resource in
space) columns=size,used,avail ;;
inodes) columns=itotal,iused,iavail ;;
*) unknown "'$resource' is neither space nor inodes" ;;
esac
[ -e "$path" ] || unknown "there is no '$path'"

# A file server that is gone would hold df for ever.
numbers=$(timeout 5 df --block-size=1 --output="$columns" -- "$path" 2>/dev/null | tail -n 1)
case $numbers in *[0-9]*) ;; *) unknown "the filesystem of '$path' does not answer, or has no $resource to count" ;; esac

printf '%s\n' "$numbers" | awk -v path="$path" -v resource="$resource" -v warning="$warning" -v critical="$critical" '{
	split("OK WARNING CRITICAL", word, " ")
	total = $2 + $3
	if (total == 0) {
		printf "DISK UNKNOWN - the filesystem of %s does not count %s\n", path, resource
		exit 3
	}
	percent = 100 * $2 / total
	state = percent >= critical ? 2 : percent >= warning ? 1 : 0
	unit = resource == "space" ? "B" : ""
	left = resource == "space" ? sprintf("%.1f GiB", $3 / 1024 / 1024 / 1024) : sprintf("%.0f inodes", $3)
	printf "DISK %s - %s: %s %.1f%% used, %s free", word[state + 1], path, resource, percent, left
	printf " | used=%.1f%%;%s;%s;0;100 free=%.0f%s;;;0;%.0f\n", percent, warning, critical, $3, unit, total
	exit state
}'
