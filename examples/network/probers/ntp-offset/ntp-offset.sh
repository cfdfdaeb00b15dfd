#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ntp-offset: how far is this machine's clock from a time server's?
#
# One SNTP question, with nothing but bash, dd and od. Starting them costs a few milliseconds, and half of that shows up as
# offset: good for thresholds of tens of milliseconds, not for less.
#
# usage: ntp-offset.sh [-p PORT] [-t SECONDS] [-w MS] [-c MS] [SERVER]   (defaults: -p 123 -t 3 -w 100 -c 1000, 127.0.0.1)
# exit:  0 close, 1 at least -w off, 2 at least -c off, 3 cannot tell: no answer, or from a server that does not know the time
set -u
export LC_ALL=C

port=123 limit=3 warning=100 critical=1000

finish() { echo "NTP $2 - $3${4:+ | $4}"; exit "$1"; }
unknown() { finish 3 UNKNOWN "$1"; }
number() { [[ $1 =~ ^[0-9]{1,9}$ ]] || unknown "'$1' is not a whole number"; }

while getopts :p:t:w:c: option; do
	case $option in
	p) port=$OPTARG ;;
	t) limit=$OPTARG ;;
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
shift $((OPTIND - 1))
server=${1:-127.0.0.1}
for value in "$port" "$limit" "$warning" "$critical"; do number "$value"; done

# 48 bytes: version 4, mode "client", and zeros.
{ exec 3<>"/dev/udp/$server/$port"; } 2>/dev/null || unknown "cannot open a socket to '$server' port $port"
sent=${EPOCHREALTIME/./}
printf '\x23%047d' 0 | tr 0 '\000' | dd bs=48 iflag=fullblock status=none >&3 2>/dev/null ||
	unknown "$server: the question could not be sent"
read -ra reply <<<"$(timeout "$limit" dd bs=512 count=1 status=none <&3 2>/dev/null | od -An -v -tu1 | tr '\n' ' ')"
received=${EPOCHREALTIME/./}

((${#reply[@]} > 0)) || unknown "$server: no answer in $limit s, or the port is closed"
((${#reply[@]} >= 48)) || unknown "$server: the answer has ${#reply[@]} bytes, expected 48"
(((reply[0] & 7) == 4)) || unknown "$server: the answer is not one of a time server"
stratum=$((reply[1]))
(((reply[0] >> 6) != 3 && stratum >= 1 && stratum <= 15)) || unknown "$server: it does not know the time itself (stratum $stratum)"

# Seconds since 1900 and their fraction, at an offset, in microseconds since 1970.
timestamp() {
	local seconds=$(((reply[$1] << 24) + (reply[$1 + 1] << 16) + (reply[$1 + 2] << 8) + reply[$1 + 3]))
	local fraction=$(((reply[$1 + 4] << 24) + (reply[$1 + 5] << 16) + (reply[$1 + 6] << 8) + reply[$1 + 7]))
	((seconds < 2208988800)) && ((seconds += 4294967296)) # the count starts again in 2036
	value=$(((seconds - 2208988800) * 1000000 + ((fraction * 1000000) >> 32)))
}
timestamp 32
their_receive=$value
timestamp 40
their_send=$value

offset=$((((their_receive - sent) + (their_send - received)) / 2))
delay=$(((received - sent) - (their_send - their_receive)))
size=${offset#-}
sign=${offset%"$size"}
printf -v offset_ms '%s%d.%03d' "$sign" $((size / 1000)) $((size % 1000))
printf -v delay_ms '%d.%03d' $((delay / 1000)) $((delay % 1000))

perfdata="offset=${offset_ms}ms;-$warning:$warning;-$critical:$critical delay=${delay_ms}ms;;;0 stratum=$stratum;;;1;15"
message="$server: our clock is $offset_ms ms off (delay $delay_ms ms, stratum $stratum)"
((size >= critical * 1000)) && finish 2 CRITICAL "$message" "$perfdata"
((size >= warning * 1000)) && finish 1 WARNING "$message" "$perfdata"
finish 0 OK "$message" "$perfdata"
