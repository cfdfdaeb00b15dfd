# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What a page of some other site can make a browser on this machine send to an API without tokens: nothing of it is done,
# and nothing of it can be read. The requests are those that browsers send (Fetch standard), written out.

site='http://evil.example'

# refused METHOD PATH BODY [CURL-OPTION...]
refused()
{
	request "$@"
	case $status in
	400 | 403 | 405 | 415) ;;
	*)
		show_answer
		fail "$request_line: status $status"
		;;
	esac
	[ -z "$(header Access-Control-Allow-Origin)" ] || fail "$request_line: other sites may read the answer"
}

unchanged()
{
	curl -sS "$api_url/v1/state" >now
	expect_files 'the state' before now
}

test_pages_of_other_sites()
{
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	expect 201
	request POST /v1/clusters '{"slug":"c","recipe":"r","variables":{"v":{"value":"planted","sensitive":true}}}'
	expect 201
	curl -sS "$api_url/v1/state" >before
	for origin in "$site" null "http://127.0.0.1.evil.example:$api_port" "http://127.0.0.1:1" "https://127.0.0.1:$api_port.evil.example" \
		"http://localhost@evil.example" "file://" "chrome-extension://abc" "http://127.0.0.1"; do
		step "origin $origin"
		refused GET /v1/recipes '' -H "Origin: $origin"
		refused GET '/v1/clusters/c?show_sensitive=true' '' -H "Origin: $origin"
		# without a preflight: a form, and fetch() with a simple content type
		for type in text/plain application/x-www-form-urlencoded multipart/form-data; do
			refused POST /v1/recipes '' -H "Origin: $origin" -H "Content-Type: $type" --data-binary '{"slug":"x"}'
		done
		refused POST /v1/recipes '' -H "Origin: $origin" --data-binary '{"slug":"x"}' -H 'Content-Type:'
		refused POST /v1/clusters/c/deploy '' -H "Origin: $origin"
		# the preflight of all others
		refused OPTIONS /v1/recipes/r '' -H "Origin: $origin" -H 'Access-Control-Request-Method: DELETE' \
			-H 'Access-Control-Request-Private-Network: true'
		refused DELETE /v1/recipes/r '' -H "Origin: $origin"
		refused PUT /v1/clusters/c/variables/v '{"value":1}' -H "Origin: $origin"
	done
	unchanged
	step 'what carries no Origin: images, scripts, frames, links'
	for where in cross-site same-site; do
		for mode in no-cors navigate; do
			refused GET '/v1/clusters/c?show_sensitive=true' '' -H "Sec-Fetch-Site: $where" -H "Sec-Fetch-Mode: $mode"
			refused GET /metrics '' -H "Sec-Fetch-Site: $where" -H "Sec-Fetch-Mode: $mode"
			refused POST /v1/recipes '' -H "Sec-Fetch-Site: $where" -H 'Content-Type: text/plain' --data-binary '{"slug":"x"}'
		done
	done
	unchanged
	step 'an old browser, which says nothing: it cannot read, and what it sends is no JSON'
	request GET /v1/recipes
	expect_header X-Content-Type-Options nosniff
	[ -z "$(header Access-Control-Allow-Origin)" ] || fail 'other sites may read the answer'
	refused POST /v1/recipes '' -H 'Content-Type: text/plain' --data-binary '{"slug":"x"}'
	unchanged
}

# DNS rebinding: the name of the site resolves to 127.0.0.1, so that its own page is of the same origin.
test_rebinding()
{
	start_api
	for host in evil.example "evil.example:$api_port" 127.0.0.1.evil.example 127.0.0.1.nip.io localhost.evil.example 127.evil.example \
		127.1 0 0.0.0.0 2130706433 0x7f000001 '[::]' '[::ffff:7f00:1]' 'localhost.' "127.0.0.1:$api_port.evil.example" 'a@127.0.0.1' ''; do
		refused GET /v1/recipes '' -H "Host: ${host:-;}"
		refused POST /v1/recipes '{"slug":"x"}' -H "Host: ${host:-;}" -H "Origin: http://$host" -H 'Sec-Fetch-Site: same-origin'
	done
	printf 'GET /v1/recipes HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n' |
		timeout 10 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"; cat >&3; cat <&3' two "$api_port" >answer
	matches answer '^HTTP/1.1 40[03] '
	request GET /v1/recipes
	expect 200 '.items == []'
}

# The API's own page, and programs, are served.
test_own_page()
{
	start_api
	request GET / '' -H 'Sec-Fetch-Site: none' -H 'Sec-Fetch-Mode: navigate'
	expect 200
	expect_header Content-Security-Policy '*frame-ancestors*'
	request GET /v1/recipes '' -H 'Sec-Fetch-Site: same-origin'
	expect 200
	request POST /v1/recipes '{"slug":"x"}' -H 'Sec-Fetch-Site: same-origin' -H "Origin: $api_url"
	expect 201
	request GET /v1/recipes/x
	expect 200
}
