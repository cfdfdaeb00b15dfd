# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# mrprober probe dns against a server that answers as the name says.

ask() { code=$1 line=$2 name=$3; shift 3; probe "$code" "$line" dns "$name.test" --server "127.0.0.1:$dns_port" "$@"; }

test_records()
{
	start_probed
	ask 0 'DNS OK - a.test is 192.0.2.1, 192.0.2.2 in ' a
	ask 0 'DNS OK - aaaa.test is 2001:db8::1 ' aaaa --type aaaa
	ask 0 'DNS OK - txt.test is "hello world" ' txt --type TXT
	ask 0 'DNS OK - mx.test is 10 mail.example. ' mx --type MX
	ask 0 'DNS OK - cname.test is 192.0.2.1 ' cname
	ask 0 'DNS OK - cname.test is a.test. ' cname --type CNAME
	ask 0 'DNS OK - a.test is ' a --tcp -v
	grep -q "server: 127.0.0.1:$dns_port (TCP)" out || fail 'not by TCP'
}

test_expect()
{
	start_probed
	ask 0 'DNS OK' a --expect 192.0.2.2 --expect 192.0.2.1
	ask 2 "DNS CRITICAL - a.test: '192.0.2.9' is not among the records \(192.0.2.1, 192.0.2.2\)" a --expect 192.0.2.9
	ask 0 'DNS OK' aaaa --type AAAA --expect 2001:0db8:0:0::1
	ask 0 'DNS OK' mx --type MX --expect '10 MAIL.example'
	ask 0 'DNS OK' txt --type TXT --expect 'hello world'
}

test_errors()
{
	start_probed
	ask 2 'DNS CRITICAL - nx.test: .* says NXDOMAIN' nx
	ask 2 'DNS CRITICAL - fail.test: .* says SERVFAIL' fail
	ask 2 'DNS CRITICAL - none.test has no record of type A' none
	ask 2 'DNS CRITICAL - a.test has no record of type MX' a --type MX
	ask 2 'DNS CRITICAL - what came back is no answer of DNS' garbage
	ask 2 'DNS CRITICAL - no answer within 100ms: waiting for 127.0.0.1:' silent --timeout 100ms
	ask 2 'DNS CRITICAL - no answer within 100ms' other --timeout 100ms
	ask 2 'DNS CRITICAL - 127.0.0.1:.* closed the connection before an answer' silent --tcp
	probe 2 'DNS CRITICAL - no answer within 100ms' dns a.test --server "127.0.0.1:$silent_port" --timeout 100ms --tcp
	ask 3 "DNS UNKNOWN - there is no record type 'FOO'" a --type FOO
	probe 3 'DNS UNKNOWN - .* is no name of DNS' dns a..test --server "127.0.0.1:$dns_port"
	probe 3 "DNS UNKNOWN - server 'x' is neither" dns a.test --server x
	none=$(free_port)
	probe 2 "DNS CRITICAL - 127.0.0.1:$none does not answer: Connection refused" dns a.test --server "127.0.0.1:$none"
	probe 2 "DNS CRITICAL - 127.0.0.1:$none does not answer by TCP: Connection refused" dns a.test --tcp \
		--server "127.0.0.1:$none"
}

test_cut_off()
{
	start_probed
	ask 0 'DNS OK - cut.test is 192.0.2.3 ' cut -v
	grep -q 'the answer by UDP was cut off' out || fail 'it was not cut off'
}

# The server waits for 100 ms before it answers; dig sees that too.
test_time()
{
	start_probed
	ask 0 'DNS OK - late.test is 192.0.2.4 ' late
	is "$(perf time) >= 0.099"
	ask 1 'DNS WARNING - .*; the answer took .* more than 50ms' late --max-time 50ms
	command -v dig >/dev/null || skip 'the rest: dig is not installed'
	ms=$(dig -p "$dns_port" @127.0.0.1 late.test +tries=1 | sed -n 's/^;; Query time: \([0-9]*\) msec/\1/p')
	is "$ms >= 99"
	[ "$(dig -p "$dns_port" @127.0.0.1 a.test +short | sort | tr '\n' ' ')" = '192.0.2.1 192.0.2.2 ' ] || fail 'dig differs'
}
