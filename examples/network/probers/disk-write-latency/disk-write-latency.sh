#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# disk-write-latency: the average time of a small write that has reached the disk.
#
# Writes 4 KiB blocks into a new file, each made durable before the next (O_DSYNC), and removes the file. On a tmpfs this
# measures memory, and the message says so.
#
# Output is one JSON object; the verdict is its `status`.
#
# usage: disk-write-latency.sh [-n WRITES] [-w MS] [-c MS] [FOLDER]   (defaults: -n 20 -w 20 -c 200, /var/tmp)
# exit:  0 with a verdict, 3 cannot tell (status `unknown`: no such folder, no right to write, disk full)
set -u
export LC_ALL=C

writes=20 warning=20 critical=200

quote() { printf '%s' "$1" | tr '\n\t' '  ' | tr -d '\000-\037' | sed 's/[\\"]/\\&/g'; }
unknown() { printf '{"status": "unknown", "message": "%s"}\n' "$(quote "$*")"; exit 3; }
number() { case $1 in '' | . | *[!0-9.]* | *.*.*) unknown "'$1' is not a number" ;; esac; }

while getopts :n:w:c: option; do
	case $option in
	n) writes=$OPTARG ;;
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
shift $((OPTIND - 1))
folder=${1:-/var/tmp}
case $writes in '' | *[!0-9]* | ??????* | 0*) unknown "'$writes' is not a number of writes from 1 to 99999" ;; esac
number "$warning"
number "$critical"
[ -d "$folder" ] || unknown "'$folder' is not a folder"
[ -w "$folder" ] || unknown "no right to write to '$folder'"

file=$(mktemp "$folder/.disk-write-latency.XXXXXX" 2>/dev/null) || unknown "cannot make a file in '$folder'"
trap 'rm -f "$file"' EXIT
trap 'exit 3' HUP INT TERM

filesystem=$(stat -f -c %T "$file" 2>/dev/null)
report=$(dd if=/dev/zero of="$file" bs=4096 count="$writes" oflag=dsync conv=notrunc 2>&1) ||
	unknown "writing to '$folder' failed: $(printf '%s\n' "$report" | head -n 1 | sed "s/.*: //")"
seconds=$(printf '%s\n' "$report" | sed -n 's/.*copied, \([0-9.e-]*\) s.*/\1/p')
[ -n "$seconds" ] || unknown 'dd did not say how long it took'

case $filesystem in tmpfs | ramfs) remark=', but this is memory, not a disk' ;; *) remark= ;; esac
awk -v folder="$(quote "$folder" | sed 's/\\/\\\\/g')" -v seconds="$seconds" -v writes="$writes" \
	-v warning="$warning" -v critical="$critical" -v remark="$remark" 'BEGIN {
	split("ok warning critical", word, " ")
	ms = seconds * 1000 / writes
	state = ms >= critical ? 2 : ms >= warning ? 1 : 0
	printf "{\"status\": \"%s\", \"message\": \"%s: %.3f ms a write, over %d writes%s\", \"metrics\": [", \
		word[state + 1], folder, ms, writes, remark
	printf "{\"name\": \"write_latency\", \"value\": %.6f, \"unit\": \"s\", \"labels\": {\"size\": \"4096\"}}, ", ms / 1000
	printf "{\"name\": \"writes\", \"value\": %d, \"unit\": \"\", \"labels\": {\"size\": \"4096\"}}]}\n", writes
}'
