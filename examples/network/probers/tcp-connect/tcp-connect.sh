#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tcp-connect: does a TCP port accept a connection, and how fast? Nothing is sent.
#
# usage: tcp-connect.sh [-t SECONDS] [-w MS] [-c MS] [HOST [PORT]]   (defaults: -t 3 -w 300 -c 1000, localhost 22)
# exit:  0 connected, 1 slower than -w, 2 refused, unreachable, no answer, or slower than -c, 3 cannot tell (bad argument,
#        or a name that does not resolve: that is not the port's fault)
set -u
export LC_ALL=C

limit=3 warning=300 critical=1000

finish() { echo "TCP $2 - $3${4:+ | $4}"; exit "$1"; }
unknown() { finish 3 UNKNOWN "$1"; }
number() { [[ $1 =~ ^[0-9]{1,9}$ ]] || unknown "'$1' is not a whole number"; }

while getopts :t:w:c: option; do
	case $option in
	t) limit=$OPTARG ;;
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
shift $((OPTIND - 1))
host=${1:-localhost} port=${2:-22}
for value in "$limit" "$warning" "$critical" "$port"; do number "$value"; done
((port >= 1 && port <= 65535)) || unknown "'$port' is not a port"

started=${EPOCHREALTIME/./}
# shellcheck disable=SC2016 # the inner shell expands these
complaint=$(timeout "$limit" bash -c 'exec 3<>"/dev/tcp/$1/$2"' tcp-connect "$host" "$port" 2>&1)
code=$?
took=$((${EPOCHREALTIME/./} - started))
printf -v took_ms '%d.%03d' $((took / 1000)) $((took % 1000))

if ((code != 0)); then
	((code == 124)) && finish 2 CRITICAL "$host:$port: no answer in $limit s"
	case $complaint in
	*'not known'* | *'name resolution'* | *'No address'*) unknown "the name '$host' does not resolve" ;;
	*refused*) finish 2 CRITICAL "$host:$port: connection refused" ;;
	*unreachable*) finish 2 CRITICAL "$host:$port: unreachable" ;;
	*) finish 2 CRITICAL "$host:$port: ${complaint##*: }" ;;
	esac
fi

message="$host:$port: connected in $took_ms ms"
perfdata="time=${took_ms}ms;$warning;$critical;0"
((took >= critical * 1000)) && finish 2 CRITICAL "$message" "$perfdata"
((took >= warning * 1000)) && finish 1 WARNING "$message" "$perfdata"
finish 0 OK "$message" "$perfdata"
