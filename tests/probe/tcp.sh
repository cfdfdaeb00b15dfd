# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0

test_connect()
{
	start_probed
	none=$(free_port)
	probe 0 "TCP OK - connected to 127.0.0.1:$http_port in 0" tcp "127.0.0.1:$http_port"
	probe 0 'TCP OK' tcp --host 127.0.0.1 --port "$http_port"
	probe 0 'TCP OK' tcp "localhost:$http_port" -v
	probe 2 "TCP CRITICAL - cannot connect to 127.0.0.1:$none: Connection refused" tcp "127.0.0.1:$none"
	probe 2 'TCP CRITICAL - .*nowhere.invalid' tcp nowhere.invalid:1 --timeout 3s
	probe 2 "TCP CRITICAL - cannot connect to \[::1\]:$none: Connection refused" tcp "localhost:$none" --ip-version 6
	probe 3 "TCP UNKNOWN - '127.0.0.1' is no address of IPv6" tcp 127.0.0.1:1 --ip-version 6
}

test_expect()
{
	start_probed
	printf 'GET /say/x HTTP/1.1\r\n\r\n.' >request
	request=$(cat request)
	probe 0 'TCP OK - the expected answer from' tcp "127.0.0.1:$http_port" --send "${request%.}" --expect 'HTTP/1.1 200'
	is "$(perf time_answer) > 0"
}

test_no_answer()
{
	start_probed
	printf 'GET /say/x HTTP/1.1\r\n\r\n.' >request
	request=$(cat request)
	probe 2 'TCP CRITICAL - the connection was closed without the expected answer; it begins with .HTTP/1.1 200' \
		tcp "127.0.0.1:$http_port" --send "${request%.}" --expect nothing
	probe 2 'TCP CRITICAL - no answer within 100ms: waiting for the expected answer' tcp "127.0.0.1:$silent_port" \
		--expect x --timeout 100ms
	printf 'GET /close HTTP/1.1\r\n\r\n.' >request
	request=$(cat request)
	probe 2 'TCP CRITICAL - the connection was closed before an answer' tcp "127.0.0.1:$http_port" \
		--send "${request%.}" --expect nothing
}
