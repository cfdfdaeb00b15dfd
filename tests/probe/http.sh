# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# mrprober probe http against a server that answers as its paths say.

test_status()
{
	start_probed
	base=http://127.0.0.1:$http_port
	probe 0 'HTTP OK - 200, 0 bytes in ' http "$base/status/200"
	probe 0 'HTTP OK - 204' http "$base/status/204"
	probe 2 'HTTP CRITICAL - 404 instead of 200-299 ' http "$base/status/404"
	probe 0 'HTTP OK - 404' http "$base/status/404" --expect-status 404
	probe 0 'HTTP OK - 404' http "$base/status/404" --expect-status 200 --expect-status 404
	probe 2 'HTTP CRITICAL - 200 instead of 301, 404' http "$base/status/200" --expect-status 301 --expect-status 404
	probe 0 'HTTP OK' http --url "$base/status/200" --method HEAD
}

test_body()
{
	start_probed
	base=http://127.0.0.1:$http_port
	probe 0 'HTTP OK - 200, 5 bytes' http "$base/say/hello" --expect-body ell
	probe 2 'HTTP CRITICAL - 200, but the body does not contain' http "$base/say/hello" --expect-body bye
	probe 0 'HTTP OK' http "$base/say/hello" --expect-body-regex '^h.l+o$'
	probe 2 'HTTP CRITICAL - 200, but the body does not match' http "$base/say/hello" --expect-body-regex '^ello'
	probe 0 'HTTP OK - 200, 3000000 bytes' http "$base/size/3000000"
	[ "$(perf size)" = 3000000 ] || fail 'size'
	probe 2 '.*first MiB of the body does not contain' http "$base/size/3000000" --expect-body y
	probe 2 '.*first 64 KiB of the body does not match' http "$base/size/3000000" --expect-body-regex 'x*y'
}

# Each would take minutes, or all memory, if it were run as it is written.
test_costly_regex()
{
	start_probed
	base=http://127.0.0.1:$http_port/size/2000000
	probe 2 'HTTP CRITICAL' http "$base" --expect-body-regex '(x|xx)*y.*z' --timeout 1m
	probe 2 'HTTP CRITICAL' http "$base" --expect-body-regex 'x.*x.*x.*y' --timeout 1m
	probe 3 'HTTP UNKNOWN - .* has a back-reference' http "$base" --expect-body-regex '(x*)\1y'
	probe 3 'HTTP UNKNOWN - .* has repeats that multiply' http "$base" --expect-body-regex '((x{200}){200}){200}'
	probe 3 'HTTP UNKNOWN - .* is no regular expression' http "$base" --expect-body-regex ')('
	probe 3 'HTTP UNKNOWN - .* is no regular expression' http "$base" --expect-body-regex '(x'
}

test_request()
{
	start_probed
	base=http://127.0.0.1:$http_port
	printf 'Authorization: Bearer s3cret\nX-Two: 2\n' >headers
	probe 0 'HTTP OK' http "$base/echo" --header 'X-One: 1' --header @headers --method PUT --body 'some text' \
		--expect-body-regex '^PUT /echo HTTP/1.1.*X-One: 1.*Authorization: Bearer s3cret.*X-Two: 2.*some text$'
	probe 0 'HTTP OK' http "$base/echo" --expect-body 'User-Agent: mrprober/'
	probe 0 'HTTP OK' http "$base/echo" --header 'User-Agent: me' --expect-body 'User-Agent: me'
	probe 3 '' http "$base/echo" --header 'no colon'
	probe 3 'HTTP UNKNOWN - .* is no name of a header' http "$base/echo" --header 'a b: c'
	probe 3 'HTTP UNKNOWN - header .X. has more than one line' http "$base/echo" --header 'X: a
Y: b'
	probe 3 'HTTP UNKNOWN - .* is no method' http "$base/echo" --method 'GET /'
	probe 3 '' http "$base/echo" --header @nothing
}

test_redirects()
{
	start_probed
	base=http://127.0.0.1:$http_port
	probe 2 "HTTP CRITICAL - 302 instead of 200-299, to $base/say/x" http "$base/to//say/x"
	probe 0 'HTTP OK - 302' http "$base/to//say/x" --expect-status 302
	probe 0 'HTTP OK - 200, 1 bytes' http "$base/to//say/x" --follow-redirects
	[ "$(perf redirects)" = 1 ] || fail 'redirects'
	probe 2 'HTTP CRITICAL - more than 10 redirects' http "$base/loop" --follow-redirects
	probe 2 'HTTP CRITICAL - a redirect to what is no address of HTTP' http "$base/to/ftp://x/" --follow-redirects
	step 'what is secret stays with its server'
	probe 0 'HTTP OK' http "$base/to//echo" --follow-redirects --header 'Authorization: s3cret' --expect-body s3cret
	probe 2 'HTTP CRITICAL' http "$base/to/http://localhost:$http_port/echo" --follow-redirects \
		--header 'Authorization: s3cret' --expect-body s3cret
}

test_failures()
{
	start_probed
	base=http://127.0.0.1:$http_port
	none=$(free_port)
	probe 2 "HTTP CRITICAL - cannot connect to 127.0.0.1:$none: Connection refused" http "http://127.0.0.1:$none/"
	probe 2 'HTTP CRITICAL - .* is not HTTP' http "$base/garbage"
	probe 2 'HTTP CRITICAL - .* closed the connection before an answer' http "$base/close"
	probe 2 'HTTP CRITICAL - no answer within 200ms: waiting for the answer' http "$base/silent" --timeout 200ms
	probe 2 'HTTP CRITICAL - no answer within 2s: in the TLS handshake' http "https://127.0.0.1:$silent_port/" \
		--timeout 2s
	probe 2 'HTTP CRITICAL - what answers at .* does not speak TLS' http "https://127.0.0.1:$http_port/"
	probe 2 'HTTP CRITICAL - .*nowhere.invalid' http http://nowhere.invalid/ --timeout 3s
	probe 3 'HTTP UNKNOWN - the url begins with neither' http ftp://127.0.0.1/
	probe 3 'HTTP UNKNOWN - the url is none' http 'http://[::1/'
	probe 3 "HTTP UNKNOWN - '127.0.0.1' is no address of IPv6" http "$base/" --ip-version 6
	probe 1 'HTTP WARNING - 200, .*; the answer took .* more than 1ms' http "$base/size/30000000" --max-time 1ms
	step 'no password in what is printed'
	probe 2 "HTTP CRITICAL - 302 instead of 200-299, to http://127.0.0.1:$http_port/a$|.*/a " http \
		"http://me:s3cret@127.0.0.1:$http_port/to//a?s3cret"
	! grep -r s3cret out err || fail 'a password is shown'
	probe 2 'HTTP CRITICAL - cannot connect' http "http://me:s3cret@127.0.0.1:$none/"
	! grep -r s3cret out err || fail 'a password is shown'
}

# A proxy of the environment is not what is checked.
test_no_proxy()
{
	start_probed
	http_proxy=http://127.0.0.1:1 HTTP_PROXY=http://127.0.0.1:1 all_proxy=http://127.0.0.1:1
	export http_proxy HTTP_PROXY all_proxy
	probe 0 'HTTP OK' http "http://127.0.0.1:$http_port/status/200"
}

# The same server, measured by curl: our time lies within what curl saw, widely.
test_agrees_with_curl()
{
	start_probed
	base=http://127.0.0.1:$http_port/size/100000
	curl_size=$(curl -s -o /dev/null -w '%{size_download} %{http_code}' "$base")
	probe 0 'HTTP OK' http "$base" --timeout 1m
	[ "$(perf size) $(perf status)" = "$curl_size" ] || fail "curl says $curl_size"
	is "$(perf time_connect) + $(perf time_processing) + $(perf time_transfer) <= $(perf time) + 0.000005"
	is "$(perf time) > 0"
}
