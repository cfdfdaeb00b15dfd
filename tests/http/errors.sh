# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Requests that are wrong below the level of objects: JSON, headers, methods, sizes, sockets.

# still_fine: after all that the API answers
still_fine()
{
	request GET /v1/recipes
	expect 200 '.items == []'
}

test_bad_json()
{
	start_api
	while IFS= read -r text; do
		printf '%b' "$text" >text.json
		request POST /v1/recipes @text.json
		expect_problem 400
	done <<'END'
{
}
{"slug"}
{"slug":}
{"slug":"r",}
{,"slug":"r"}
{"slug":"r"} x
{"slug":"r"}{}
{'slug':'r'}
{slug:"r"}
{"slug":"r","slug":"r"}
{"slug":"r","name":"tab\there"}
{"slug":"r","name":"new\nline"}
{"slug":"r","name":"\\x"}
{"slug":"r","name":"\\u12"}
{"slug":"r","name":"\\ud800"}
{"slug":"r","name":"\\udc00\\ud800"}
{"slug":"r","name":"\\u0000"}
{"slug":"r","name":"\0377"}
{"slug":"r","name":"\0300\0200"}
{"slug":"r","name":"\0355\0240\0200"}
{"slug":"r","name":"\0364\0220\0200\0200"}
{"slug":"r","name":"unterminated
{"slug":"r","values":{"n":01}}
{"slug":"r","values":{"n":+1}}
{"slug":"r","values":{"n":.5}}
{"slug":"r","values":{"n":1.}}
{"slug":"r","values":{"n":1e}}
{"slug":"r","values":{"n":0x10}}
{"slug":"r","values":{"n":1e999}}
{"slug":"r","values":{"n":NaN}}
{"slug":"r","values":{"n":Infinity}}
{"slug":"r","values":{"n":-}}
{"slug":"r","values":[1,2}
{"slug":"r","values":{"n":[1,]}}
{"slug":"r","values":{"n":True}}
{"slug":"r","values":{"n":nul}}
{"slug":"r"/* comment */}
\0357\0273\0277{"slug":"r"}
\0{"slug":"r"}
slug=r
END
	# nothing at all
	request POST /v1/recipes '' -H 'Content-Type: application/json' --data-binary ''
	expect_problem 400
	# the message says where
	request POST /v1/recipes '{"slug":"r",
  "name": x}'
	expect_problem 400 '.detail | test("2")'
	still_fine
}

test_good_json()
{
	start_api
	n=0
	while IFS= read -r text; do
		n=$((n + 1))
		printf '%b' "$text" | sed "s/\"r\"/\"r$n\"/" >text.json
		request POST /v1/recipes @text.json
		expect 201
	done <<'END'
 \t\r\n{ "slug" : "r" } \r\n
{"sl\\u0075g":"r"}
{"slug":"r","name":"\\ud83d\\ude00 \\/ \\b\\f\\n\\r\\t \0177"}
{"slug":"r","values":{"n":-0}}
{"slug":"r","values":{"n":[0,-1,1.5,1e3,1E-2,9007199254740993,-9223372036854775808]}}
{"slug":"r","values":{"A":"","_b":null,"c1":{"":[{"":{}}]}}}
END
	request GET /v1/recipes/r3
	expect 200 '.name == "😀 / \b\f\n\r\t \u007f"'
	# whole numbers beyond a double's precision keep their digits
	request GET /v1/recipes/r5
	expect 200
	matches "$body" '9007199254740993'
	matches "$body" '-9223372036854775808'
	# those that would lose digits are refused, not rounded
	for n in 9223372036854775808 12345678901234567890 -9223372036854775809; do
		request POST /v1/recipes '{"slug":"lost","values":{"n":'$n'}}'
		expect_problem 400 ".detail | contains(\"$n\")"
		request POST /v1/batch '{"operations":[{"method":"POST","path":"/v1/recipes","body":{"slug":"lost","values":{"n":'$n'}}}]}'
		expect_problem 400
	done
	request POST /v1/clusters '{"slug":"c","recipe":"r1","deploy":{"max_destroy":3.0}}'
	expect 201 '.deploy.max_destroy == 3'
	matches "$body" '"max_destroy":3}'
	# numbers compare as numbers
	request POST /v1/recipes '{"slug":"n1","name":"n","values":{"n":[10,1000,0.5]}}'
	request POST /v1/recipes '{"slug":"n2","name":"n","values":{"n":[10.0,1e3,5e-1]}}'
	request GET /v1/recipes
	digests=$(jq -r '.items[] | select(.name == "n") | .values | tojson' "$body" | sort -u | wc -l)
	[ "$digests" -ge 1 ] || fail 'no values came back'
	request PATCH /v1/recipes/n1 '{"values":{"n":[10,1000,0.5]}}'
	one=$(jq -r .digest "$body")
	request PATCH /v1/recipes/n1 '{"values":{"n":[10.0,1e3,5e-1]}}'
	expect_equal 'the digest of equal numbers' "$one" "$(jq -r .digest "$body")"
}

test_deep_json()
{
	start_api
	for depth in 70 1000 100000; do
		for pair in '[ ]' '{"a": }'; do
			open=${pair% *} close=${pair#* }
			awk -v n="$depth" -v o="$open" -v c="$close" 'BEGIN {
				printf "{\"slug\":\"r\",\"values\":{\"v\":"
				for (i = 0; i < n; i++) printf "%s", o
				printf "1"
				for (i = 0; i < n; i++) printf "%s", c
				print "}}" }' >deep.json
			request POST /v1/recipes @deep.json
			case $status in 400 | 413 | 422) ;; *) fail "depth $depth: status $status" ;; esac
			expect_problem "$status"
		done
	done
	still_fine
}

test_media_types()
{
	start_api
	for type in text/plain application/x-www-form-urlencoded 'multipart/form-data; boundary=x' application/jsonx \
		application/octet-stream text/json; do
		request POST /v1/recipes '' -H "Content-Type: $type" --data-binary '{"slug":"r"}'
		expect_problem 415
	done
	request POST /v1/recipes '' -H 'Content-Type:' --data-binary '{"slug":"r"}'
	case $status in 201 | 415) ;; *) fail "no content type: status $status" ;; esac
	[ "$status" = 415 ] || request DELETE /v1/recipes/r
	n=0
	for type in application/json 'application/json; charset=utf-8' 'Application/JSON;charset="UTF-8"' \
		application/merge-patch+json; do
		n=$((n + 1))
		[ "$type" = application/merge-patch+json ] && continue
		request POST /v1/recipes '' -H "Content-Type: $type" --data-binary '{"slug":"r'$n'"}'
		expect 201
	done
	request POST /v1/recipes '' -H 'Content-Type: application/json' -H 'Content-Encoding: gzip' --data-binary '{"slug":"z"}'
	case $status in 400 | 415) ;; *) fail "a content encoding that is not undone: status $status" ;; esac
}

test_methods()
{
	start_api
	while read -r path allowed; do
		for method in GET PUT POST PATCH DELETE TRACE LINK; do
			case " $allowed " in *" $method "*) continue ;; esac
			request $method "$path"
			expect_problem 405
			allow=$(header Allow)
			for one in $allowed; do
				case ", $allow, " in
				*", $one, "*) ;;
				*) fail "$path: Allow is '$allow', without $one" ;;
				esac
			done
			case ", $allow, " in *", $method, "*) fail "$path: $method is refused and allowed" ;; esac
		done
	done <<'END'
/v1/state GET
/v1/recipes GET POST
/v1/clusters GET POST
/v1/probers GET POST
/v1/recipes/x GET PATCH DELETE
/v1/clusters/x GET PATCH DELETE
/v1/probers/x GET PATCH DELETE
/v1/clusters/x/variables GET
/v1/clusters/x/variables/y GET PUT DELETE
/v1/blobs/0000000000000000000000000000000000000000000000000000000000000000 PUT GET
/v1/batch POST
/healthz GET
/readyz GET
/metrics GET
/openapi.json GET
/ GET
END
}

test_too_large()
{
	start_api
	# a length that nobody will wait for is refused before the body comes
	for path in /v1/recipes /v1/batch; do
		status=$(printf 'POST %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{' \
			"$path" "$api_port" | raw | head -n 1 | cut -d ' ' -f 2)
		expect_equal "status of a huge Content-Length at $path" 413 "$status"
	done
	# without a length it is cut off on the way
	head -c 300000000 /dev/zero | tr '\0' ' ' >spaces
	code=0
	status=$(curl -sS -m 60 -o answer -w '%{http_code}' -X POST -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' \
		-H 'Expect:' -T spaces "$api_url/v1/recipes" 2>curl.err) || code=$?
	say "status $status, curl $code"
	case $status in 413) ;; 000) [ $code -eq 55 ] || [ $code -eq 56 ] || [ $code -eq 52 ] ;; *) fail "300 MB: status $status" ;; esac
	rm -f spaces
	still_fine
}

# raw: standard input as it is to the API, the answer to standard output
raw()
{
	# bash has sockets; this is all that is wanted of it
	timeout 20 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"; cat >&3; timeout 10 cat <&3; :' raw "$api_port" | tr -d '\r' || :
}

test_giant_headers()
{
	start_api
	head -c 60000 /dev/zero | tr '\0' 'a' >as
	request GET /v1/recipes '' -H "X-Big: $(cat as)"
	case $status in 400 | 431) ;; *) fail "60 kB in one header: status $status" ;; esac
	i=0
	while [ $i -lt 3000 ]; do
		i=$((i + 1))
		echo "X-Header-$i: some value of a header"
	done >headers.txt
	request GET /v1/recipes '' -H @headers.txt
	case $status in 400 | 431) ;; *) fail "3000 headers: status $status" ;; esac
	request GET "/v1/recipes?slug=$(cat as)"
	case $status in 400 | 414 | 431) ;; *) fail "60 kB in the path: status $status" ;; esac
	still_fine
}

test_raw_requests()
{
	start_api
	for text in 'nonsense\r\n\r\n' 'GET\r\n\r\n' '\0377\0376\r\n\r\n' 'GET / HTTP/9.9\r\n\r\n' \
		'GET /v1/recipes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n' \
		'POST /v1/recipes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: x\r\n\r\n{}' \
		'GET /v1/recipes HTTP/1.1\r\n\r\n'; do
		printf '%b' "$text" | raw >answer
		say "$text -> $(head -n 1 answer)"
		case $(head -n 1 answer) in
		'' | 'HTTP/1.'?' 4'* | 'HTTP/1.'?' 50'[15]*) ;;
		*) fail "$text" ;;
		esac
	done
	# as it would go to a proxy: its host counts, not the header's
	while read -r want target host; do
		printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$target" "$host" | raw >answer
		expect_equal "GET $target" "HTTP/1.1 $want" "$(head -n 1 answer | cut -d ' ' -f 1,2)"
	done <<'END'
403 http://evil.example/v1/recipes 127.0.0.1
404 ftp://127.0.0.1/v1/recipes 127.0.0.1
404 http://127.0.0.1/v1/none 127.0.0.1
200 http://127.0.0.1/v1/recipes?page_size=1 evil.example
200 https://localhost:1/healthz 127.0.0.1
200 http://127.0.0.1 127.0.0.1
END
	# half a request, then nobody
	printf 'POST /v1/recipes HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"slug":' \
		"$api_port" >half
	for i in 1 2 3 4 5 6 7 8 9 10; do
		timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"; cat half >&3' half "$api_port"
	done
	# two requests in one packet are answered in turn
	printf 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n\r\nGET /v1/recipes HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' \
		"$api_port" "$api_port" | raw >answer
	expect_equal 'answers to two requests' 2 "$(grep -c '^HTTP/1.1 200' answer)"
	still_fine
}

test_hosts()
{
	start_api
	for host in evil.example "evil.example:$api_port" 127.0.0.1.evil.example 192.0.2.1 localhost.evil.example \
		"169.254.169.254:$api_port" 'localhost@evil.example'; do
		request GET /v1/recipes '' -H "Host: $host"
		case $status in 400 | 403) ;; *) fail "Host $host: status $status" ;; esac
	done
	request GET /v1/recipes '' -H 'Host: evil.example'
	expect_problem 403
	for host in "127.0.0.1:$api_port" "localhost:$api_port" localhost 127.0.0.1 "LOCALHOST:$api_port" "[::1]:$api_port"; do
		request GET /v1/recipes '' -H "Host: $host"
		expect 200
	done
	for origin in http://evil.example "http://evil.example:$api_port" null "https://127.0.0.1.evil.example" \
		"http://localhost.evil.example:$api_port"; do
		for method in GET POST; do
			request $method /v1/recipes '{"slug":"r"}' -H "Origin: $origin"
			expect_problem 403
		done
	done
	request POST /v1/recipes '{"slug":"r"}' -H "Origin: http://127.0.0.1:$api_port"
	expect 201
	request GET /v1/recipes '' -H "Origin: http://localhost:$api_port" -H "Host: localhost:$api_port"
	expect 200 '.items | length == 1'
}

# While there is no token it serves the loopback address only.
test_listen_elsewhere()
{
	for address in 0.0.0.0 '[::]' 192.0.2.1; do
		run 64 mrprober api --listen "$address:$(free_port)" --database "sqlite:$MRP_SCRATCH/x.sqlite"
		matches "$err" '^mrprober: .*(loopback|token)'
	done
	run 64 mrprober api --listen nonsense --database "sqlite:$MRP_SCRATCH/x.sqlite"
	run 64 mrprober api --listen 127.0.0.1:99999 --database "sqlite:$MRP_SCRATCH/x.sqlite"
	run 64 mrprober api --listen 127.0.0.1 --database "sqlite:$MRP_SCRATCH/x.sqlite"
}
