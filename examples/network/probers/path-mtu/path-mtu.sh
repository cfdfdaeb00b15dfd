#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# path-mtu: do IPv4 packets of this size reach a host without being cut?
#
# Pings with "do not fragment" set. A small ping goes first: when not even that comes back, the path's size is not the problem.
#
# usage: path-mtu.sh [HOST [MTU]]   (localhost 1500)
# exit:  0 they do, 2 small packets come back and full ones do not, 3 cannot tell (no ping, the host answers nothing at all)
set -u
export LC_ALL=C

unknown() { echo "MTU UNKNOWN - $*"; exit 3; }

host=${1:-localhost} mtu=${2:-1500}
case $mtu in '' | *[!0-9]* | ??????*) unknown "'$mtu' is not a packet size" ;; esac
[ "$mtu" -ge 68 ] || unknown "IPv4 packets of $mtu bytes do not need this check"
command -v ping >/dev/null || unknown 'ping is not installed'

try() { ping -4 -n -M "do" -c 3 -i 0.2 -W 1 -s "$1" -- "$host" 2>&1; } # $1: bytes after the IPv4 and ICMP headers
received() { sed -n 's/.*, \([0-9][0-9]*\) received.*/\1/p'; }

output=$(try 8)
small=$(printf '%s\n' "$output" | received)
if [ "${small:-0}" -eq 0 ]; then
	reason=$(printf '%s\n' "$output" | sed -n 's/^ping: //p' | head -n 1)
	unknown "$host: ${reason:+${reason##*: }, }not even small packets come back"
fi

output=$(try $((mtu - 28)))
full=$(printf '%s\n' "$output" | received)
perfdata="received=${full:-0};;1:;0;3"
if [ "${full:-0}" -gt 0 ]; then
	echo "MTU OK - $host: packets of $mtu bytes get through, $full of 3 | $perfdata"
	exit 0
fi
reason=$(printf '%s\n' "$output" | sed -n 's/.*[Mm]essage too long, mtu=\([0-9]*\).*/, the path takes \1/p' | head -n 1)
echo "MTU CRITICAL - $host: packets of $mtu bytes do not get through$reason | $perfdata"
exit 2
