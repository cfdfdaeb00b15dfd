#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dns-resolve: does this resolver answer this question, and how fast?
#
# Needs no DNS tool: bash opens the socket, dd moves the datagrams, od shows their bytes. One question and no second try, so that
# a lost packet shows. The time includes starting dd and od, a few milliseconds.
#
# usage: dns-resolve.sh [-n NAME] [-p PORT] [-t SECONDS] [-w MS] [-c MS] [RESOLVER [TYPE]]
#        defaults: -n localhost -p 53 -t 3 -w 200 -c 1000, RESOLVER 127.0.0.1, TYPE A (or AAAA CNAME MX NS SOA TXT)
# exit:  0 answered with a record of that type, 1 answered after -w, 2 no answer, an error, no such record, or after -c,
#        3 cannot tell
set -u
export LC_ALL=C

name=localhost port=53 limit=3 warning=200 critical=1000

finish() { echo "DNS $2 - $3${4:+ | $4}"; exit "$1"; }
unknown() { finish 3 UNKNOWN "$1"; }
fail() { finish 2 CRITICAL "$server: $name $type: $1"; }
number() { [[ $1 =~ ^[0-9]{1,9}$ ]] || unknown "'$1' is not a whole number"; }

while getopts :n:p:t:w:c: option; do
	case $option in
	n) name=$OPTARG ;;
	p) port=$OPTARG ;;
	t) limit=$OPTARG ;;
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
shift $((OPTIND - 1))
server=${1:-127.0.0.1} type=${2:-A}
for value in "$port" "$limit" "$warning" "$critical"; do number "$value"; done

case $type in
A) type_code=1 ;;
NS) type_code=2 ;;
CNAME) type_code=5 ;;
SOA) type_code=6 ;;
MX) type_code=15 ;;
TXT) type_code=16 ;;
AAAA) type_code=28 ;;
*) unknown "record type '$type' is not one of A AAAA CNAME MX NS SOA TXT" ;;
esac

# The question, as printf escapes: a header that asks for recursion and counts one question, the name, the type, class IN.
id=$((RANDOM % 65536))
printf -v question '\\x%02x\\x%02x\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00' $((id >> 8)) $((id & 255))
IFS=. read -ra labels <<<"${name%.}"
for label in "${labels[@]}"; do
	[[ $label =~ ^[A-Za-z0-9_-]{1,63}$ ]] || unknown "'$name' is not a domain name"
	printf -v part '\\x%02x%s' ${#label} "$label"
	question+=$part
done
printf -v part '\\x00\\x00\\x%02x\\x00\\x01' "$type_code"
question+=$part

# dd gathers the question and sends it as one datagram; bash itself would cut it at each byte that looks like a line end.
started=${EPOCHREALTIME/./}
{ exec 3<>"/dev/udp/$server/$port"; } 2>/dev/null || unknown "cannot open a socket to '$server' port $port"
printf '%b' "$question" | dd bs=512 iflag=fullblock status=none >&3 2>/dev/null || fail 'the question could not be sent'
read -ra reply <<<"$(timeout "$limit" dd bs=4096 count=1 status=none <&3 2>/dev/null | od -An -v -tu1 | tr '\n' ' ')"
took=$((${EPOCHREALTIME/./} - started))
printf -v took_ms '%d.%03d' $((took / 1000)) $((took % 1000))

((${#reply[@]} > 0)) || {
	((took >= limit * 1000000)) && fail "no answer in $limit s"
	fail 'the port is closed'
}

u16() { value=$((reply[$1] * 256 + reply[$1 + 1])); } # the 16-bit number at an offset

skip_name() { # moves `at` behind the name that starts there
	local length
	while ((at < ${#reply[@]})); do
		length=$((reply[at]))
		((length >= 192)) && { ((at += 2)); return; }
		((at += length + 1))
		((length == 0)) && return
	done
	fail 'the answer ends inside a name'
}

((${#reply[@]} >= 12)) || fail "the answer has ${#reply[@]} bytes, too few for a header"
u16 0
((value == id)) || fail "the answer is to another question"
u16 2
flags=$value
((flags & 0x8000)) || fail 'what came back is not an answer'
case $((flags & 15)) in
0) ;;
1) fail 'the resolver cannot read the question (FORMERR)' ;;
2) fail 'the resolver failed (SERVFAIL)' ;;
3) fail 'no such name (NXDOMAIN)' ;;
5) fail 'the resolver refused (REFUSED)' ;;
*) fail "error code $((flags & 15))" ;;
esac

u16 4
questions=$value
u16 6
answers=$value found=0 at=12
for ((i = 0; i < questions; i++)); do
	skip_name
	((at += 4))
done
for ((i = 0; i < answers; i++)); do
	skip_name
	((at + 10 <= ${#reply[@]})) || break # cut short: what fitted is counted
	u16 at
	((value == type_code)) && ((found += 1))
	u16 at+8
	((at += 10 + value))
done
((found > 0)) || fail "no record of that type among $answers"

perfdata="time=${took_ms}ms;$warning;$critical;0 records=$found;;;0"
message="$server: $name $type in $took_ms ms, records: $found"
((took >= critical * 1000)) && finish 2 CRITICAL "$message" "$perfdata"
((took >= warning * 1000)) && finish 1 WARNING "$message" "$perfdata"
finish 0 OK "$message" "$perfdata"
