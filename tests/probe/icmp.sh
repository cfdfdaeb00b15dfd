# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0

need_icmp()
{
	if mrprober probe icmp 127.0.0.1 --count 1 | grep -q 'no right to send ICMP'; then
		skip 'no right to send ICMP'
	fi
}

test_loopback()
{
	need_icmp
	probe 0 'ICMP OK - 127.0.0.1: rta ' icmp 127.0.0.1
	[ "$(perf pl)" = 0.0 ] || fail 'packets were lost'
	is "$(perf rtmin) <= $(perf rta) && $(perf rta) <= $(perf rtmax)"
	probe 0 'ICMP OK - 127.0.0.1' icmp localhost --ip-version 4 --count 20 --interval 2ms --size 1000B -v
	grep -q 'sent: 20, answered: 20' out || fail 'not 20'
	if grep -q . /proc/net/if_inet6 2>/dev/null; then
		probe 0 'ICMP OK - ::1: rta ' icmp ::1
	fi
}

test_cannot_send()
{
	need_icmp
	probe 2 'ICMP CRITICAL - cannot send to 127.255.255.255: ' icmp 127.255.255.255 --count 2 --interval 1ms
	[ "$(perf pl)" = 100.0 ] || fail 'not all are lost'
}

# A network of its own, whose one host does not answer.
test_silence()
{
	need_icmp
	# shellcheck disable=SC2016 # for the inner shell
	unshare -n sh -c 'ip link set lo up && echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all' 2>/dev/null ||
		skip 'cannot make a network of its own'
	cat >silent <<-'TEXT'
		ip link set lo up
		echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all
		exec mrprober "$@"
	TEXT
	mrprober() { unshare -n sh silent "$@"; }
	probe 2 'ICMP CRITICAL - 127.0.0.1 does not answer, 2 sent' icmp 127.0.0.1 --count 2 --interval 1ms
	[ "$(perf pl)" = 100.0 ] || fail 'not all are lost'
	probe 2 'ICMP CRITICAL - no answer within 100ms: waiting for 127.0.0.1' icmp 127.0.0.1 --count 10 --timeout 100ms
}

test_without_rights()
{
	[ "$(id -u)" = 0 ] || skip 'not root'
	[ "$(cut -f 1 /proc/sys/net/ipv4/ping_group_range)" -gt 0 ] || skip 'ping sockets are for everybody here'
	for_others
	code=0
	setpriv --reuid 65534 --regid 65534 --clear-groups env ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS= \
		"$program" probe icmp 127.0.0.1 >out 2>err || code=$?
	cat out err
	[ $code = 3 ] || fail "status $code"
	grep -q '^ICMP UNKNOWN - no right to send ICMP' out || fail 'what it says'
}

# ping takes its own times of the same target: both are loopback times, of the same order.
test_agrees_with_ping()
{
	need_icmp
	command -v ping >/dev/null || skip 'ping is not installed'
	ping -c 5 -i 0.2 -q 127.0.0.1 >ping.out || skip 'ping does not work here'
	grep -q ' 0% packet loss' ping.out || fail 'ping lost packets'
	probe 0 'ICMP OK' icmp 127.0.0.1 --count 5
	theirs=$(sed -n 's|^rtt [^=]*= [^/]*/\([^/]*\)/.*|\1|p' ping.out)
	is "$(perf rtmin) < $theirs + 20 && $theirs < $(perf rtmax) + 20"
}
