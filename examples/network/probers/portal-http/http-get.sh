#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# http-get: does a page answer with the right status and text, in time?
#
# Plain HTTP with nothing but bash, for machines without curl. HTTP/1.0, so that the answer comes in one piece; redirects are
# answers like any other and not followed. At most 64 KiB are read. HTTP_USER_AGENT in the environment sets the User-Agent.
#
# usage: http-get.sh [-s STATUS] [-b TEXT] [-t SECONDS] [-w MS] [-c MS] [URL]
#        defaults: -s 200, any text, -t 8 -w 1000 -c 3000, http://localhost/
# exit:  0 as expected, 1 slower than -w, 2 no answer, another status, no such text, or slower than -c, 3 cannot tell
set -u
export LC_ALL=C

status=200 text='' limit=8 warning=1000 critical=3000

finish() { echo "HTTP $2 - $3${4:+ | $4}"; exit "$1"; }
unknown() { finish 3 UNKNOWN "$1"; }
number() { [[ $1 =~ ^[0-9]{1,9}$ ]] || unknown "'$1' is not a whole number"; }

while getopts :s:b:t:w:c: option; do
	case $option in
	s) status=$OPTARG ;;
	b) text=$OPTARG ;;
	t) limit=$OPTARG ;;
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
shift $((OPTIND - 1))
url=${1:-http://localhost/}
for value in "$status" "$limit" "$warning" "$critical"; do number "$value"; done

[[ $url =~ ^http://(\[[0-9a-fA-F:]+\]|[^]/:?#[]+)(:([0-9]{1,5}))?(/[^[:space:]#]*)?$ ]] ||
	unknown "'$url' is not a URL like http://HOST[:PORT]/PATH"
host=${BASH_REMATCH[1]} port=${BASH_REMATCH[3]:-80} path=${BASH_REMATCH[4]:-/}

# shellcheck disable=SC2317 # called by the shell that timeout starts
exchange() { # HOST-HEADER HOST PORT PATH
	exec 3<>"/dev/tcp/$2/$3" || exit 2
	printf 'GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nConnection: close\r\n\r\n' \
		"$4" "$1" "${HTTP_USER_AGENT:-mrprober-http-get}" >&3
	head -c 65536 <&3 | tr -d '\000'
}
export -f exchange

address=${host#[} address=${address%]}
[[ $port == 80 ]] && host_header=$host || host_header=$host:$port
started=${EPOCHREALTIME/./}
answer=$(timeout "$limit" bash -c 'exchange "$@"' http-get "$host_header" "$address" "$port" "$path" 2>&1)
code=$?
took=$((${EPOCHREALTIME/./} - started))
printf -v took_ms '%d.%03d' $((took / 1000)) $((took % 1000))

((code == 124)) && finish 2 CRITICAL "$url: no whole answer in $limit s"
if ((code != 0)); then
	case $answer in
	*'not known'* | *'name resolution'* | *'No address'*) unknown "$url: the name '$address' does not resolve" ;;
	*refused*) finish 2 CRITICAL "$url: connection refused" ;;
	*) finish 2 CRITICAL "$url: cannot connect" ;;
	esac
fi

first=${answer%%$'\n'*}
[[ $first =~ ^HTTP/1\.[01]\ ([0-9]{3}) ]] || finish 2 CRITICAL "$url: the answer is not HTTP"
got=${BASH_REMATCH[1]}
perfdata="time=${took_ms}ms;$warning;$critical;0 size=${#answer}B;;;0"
[[ $got == "$status" ]] || finish 2 CRITICAL "$url: status $got, expected $status" "$perfdata"

body=${answer#*$'\r\n\r\n'}
[[ $body == *"$text"* ]] || finish 2 CRITICAL "$url: status $got, but the text '$text' is not there" "$perfdata"

message="$url: status $got in $took_ms ms"
((took >= critical * 1000)) && finish 2 CRITICAL "$message" "$perfdata"
((took >= warning * 1000)) && finish 1 WARNING "$message" "$perfdata"
finish 0 OK "$message" "$perfdata"
