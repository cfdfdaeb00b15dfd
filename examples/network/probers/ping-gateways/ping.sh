#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ping: packet loss and round-trip time to a host, by the system's ping.
#
# usage: ping.sh [-n COUNT] [-i SECONDS] [-w MS,LOSS] [-c MS,LOSS] [HOST]
#        defaults: -n 5 -i 0.2 -w 100,20 -c 500,60 (average round trip in ms, loss in percent), localhost
# exit:  0 fine, 1 either at or above -w, 2 either at or above -c, or nothing came back, 3 cannot tell (no ping, no right to
#        use it, a name that does not resolve)
set -u
export LC_ALL=C

count=5 pause=0.2 warning=100,20 critical=500,60

unknown() { echo "PING UNKNOWN - $*"; exit 3; }
number() { case $1 in '' | . | *[!0-9.]* | *.*.*) unknown "'$1' is not a number" ;; esac; }

while getopts :n:i:w:c: option; do
	case $option in
	n) count=$OPTARG ;;
	i) pause=$OPTARG ;;
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
shift $((OPTIND - 1))
host=${1:-localhost}
for pair in "$warning" "$critical"; do
	case $pair in *,*) ;; *) unknown "'$pair' is not a pair MS,LOSS" ;; esac
done
for value in "$count" "$pause" "${warning%%,*}" "${warning#*,}" "${critical%%,*}" "${critical#*,}"; do number "$value"; done
command -v ping >/dev/null || unknown 'ping is not installed'

output=$(ping -n -q -c "$count" -i "$pause" -W 1 -- "$host" 2>&1)
loss=$(printf '%s\n' "$output" | sed -n 's/.*[ ,]\([0-9.]*\)% packet loss.*/\1/p')
times=$(printf '%s\n' "$output" | sed -n 's,^\(rtt\|round-trip\) [^=]*= \([0-9./]*\) ms.*,\2,p')

if [ -z "$loss" ]; then
	reason=$(printf '%s\n' "$output" | head -n 1)
	case $reason in
	*nreachable*)
		echo "PING CRITICAL - $host: ${reason##*: }"
		exit 2
		;;
	'') unknown "$host: ping said nothing" ;;
	*) unknown "$host: ${reason##*: }" ;;
	esac
fi

# min/avg/max/mdev; no times at all when nothing came back.
awk -v host="$host" -v loss="$loss" -v times="$times" -v warning="$warning" -v critical="$critical" 'BEGIN {
	split(warning, w, ","); split(critical, c, ","); split("OK WARNING CRITICAL", word, " ")
	perfdata = sprintf("loss=%s%%;%s;%s;0;100", loss, w[2], c[2])
	if (times == "") {
		printf "PING CRITICAL - %s: %s%% loss | %s\n", host, loss, perfdata
		exit 2
	}
	split(times, t, "/")
	state = 0
	if (t[2] + 0 >= w[1] + 0 || loss + 0 >= w[2] + 0) state = 1
	if (t[2] + 0 >= c[1] + 0 || loss + 0 >= c[2] + 0) state = 2
	printf "PING %s - %s: %s%% loss, %s ms average | %s", word[state + 1], host, loss, t[2], perfdata
	printf " rtt=%sms;%s;%s;0 rtt_max=%sms;;;0\n", t[2], w[1], c[1], t[3]
	exit state
}'
