#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# resolver-listens: does something listen on this port, over UDP and over TCP?
#
# usage: resolver-listens.sh [PORT]   (53)
# exit:  0 both, 1 only one of them, 2 neither, 3 cannot tell
set -u
export LC_ALL=C

unknown() { echo "LISTEN UNKNOWN - $*"; exit 3; }

port=${1:-53}
case $port in '' | *[!0-9]* | ??????*) unknown "'$port' is not a port" ;; esac
for table in /proc/net/udp /proc/net/tcp; do
	[ -r $table ] || unknown "cannot read $table"
done

# Sockets of a table, and of its IPv6 twin when there is one, that are bound to the port and in the given state: 07 is a UDP
# socket without a peer, 0A a listening TCP socket.
count() {
	cat "/proc/net/$1" "/proc/net/${1}6" 2>/dev/null |
		awk -v port="$(printf ':%04X' "$port")" -v state="$2" '
			substr($2, length($2) - 4) == port && $4 == state { n++ }
			END { print n + 0 }'
}
udp=$(count udp 07)
tcp=$(count tcp 0A)

perfdata="udp=$udp;;;0 tcp=$tcp;;;0"
if [ "$udp" -gt 0 ] && [ "$tcp" -gt 0 ]; then
	echo "LISTEN OK - port $port: $udp sockets over UDP, $tcp over TCP | $perfdata"
elif [ "$udp" -eq 0 ] && [ "$tcp" -eq 0 ]; then
	echo "LISTEN CRITICAL - port $port: nobody listens | $perfdata"
	exit 2
else
	[ "$udp" -gt 0 ] && missing=TCP || missing=UDP
	echo "LISTEN WARNING - port $port: nobody listens over $missing | $perfdata"
	exit 1
fi
