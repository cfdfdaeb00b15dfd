# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What one client may take from the others: nothing that lasts. Each limit has its status code, and memory stays bounded.

slow() { "$MRP_BUILD/tests/slow" --port "$api_port" "$@"; }

cleanup_more() { [ -z "${slow_pid-}" ] || kill "$slow_pid" 2>/dev/null; }

# memory_kib: of the API
memory_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$api_pid/status"; }

# raw_status: standard input to the API, the status of its first answer
raw_status()
{
	timeout 20 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"; cat >&3; timeout 10 head -n 1 <&3; :' raw "$api_port" |
		tr -d '\r' | cut -d ' ' -f 2
}

# Others are served as if nobody else were there.
others_served()
{
	served=0
	while [ $served -lt 20 ]; do
		served=$((served + 1))
		request GET /v1/state '' -m 2
		expect 200
	done
	request POST /v1/recipes '{"slug":"r'"$1"'"}' -m 2
	expect 201
}

# slow_ones NAME [ARG...]: 300 of them do not stay longer than the time-out allows, whatever they do
slow_ones()
{
	slow_name=$1
	shift
	slow --connections 300 --every-ms 100 --for-ms 8000 "$@" >"slow.$slow_name" &
	slow_pid=$!
	sleep 0.5
	others_served "$slow_name"
	memory_during=$(memory_kib)
	wait $slow_pid
	cat "slow.$slow_name"
	matches "slow.$slow_name" '^connections 300 closed 300 refused 0 '
	longest=$(sed -n 's/.* longest //p' "slow.$slow_name")
	echo "$longest" | awk '{ exit !($1 >= 0.8 && $1 < 4) }' || fail "$slow_name: the last one stayed $longest seconds"
}

test_slow_clients()
{
	start_api --request-timeout 1s
	others_served 0
	before=$(memory_kib)
	step 'nothing is sent'
	slow_ones silent
	step 'a request line, a byte at a time'
	slow_ones line --fill 'GET /v1/state?page_token=x'
	step 'headers without an end'
	slow_ones headers --begin 'GET /v1/state HTTP/1.1\r\nHost: 127.0.0.1\r\n' --fill 'X: y\r\n'
	matches slow.headers ' status 408 300 '
	step 'a body without an end'
	slow_ones body --fill ' ' --begin 'POST /v1/recipes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{'
	matches slow.body ' status 408 300 '
	say "memory: $before KiB before, $memory_during KiB with 300 slow clients"
	[ $((memory_during - before)) -lt 100000 ] || fail 'they took more than 100 MB'
	[ "$(metric mrprober_api_limit_hits_total 'limit="slow_headers"')" -ge 600 ] || fail 'slow headers are not counted'
	expect_equal 'slow bodies counted' 300 "$(metric mrprober_api_limit_hits_total 'limit="slow_body"')"
	# they are gone, not only told to go
	i=0
	while [ "$(metric mrprober_api_connections)" -gt 1 ]; do
		i=$((i + 1))
		[ $i -lt 50 ] || fail "$(metric mrprober_api_connections) connections are still there"
		sleep 0.1
	done
}

test_slow_readers()
{
	start_api --request-timeout 10s
	head -c 8000000 /dev/zero >blob
	sha=$(put_blob blob)
	# 8 MB at 64 KiB/s are two minutes: that is what a slow but steady reader may take
	slow --connections 1 --read --every-ms 100 --for-ms 3000 \
		--begin "GET /v1/blobs/$sha HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" >slow.patient
	matches slow.patient ' closed 0 .* status 200 1 '
	# but not hundreds of them: what waits to be read is bounded, and those who have waited longest lose it
	"$MRP_BUILD/tests/slow" --port "$api_port" --connections 60 --read --every-ms 100 --for-ms 120000 \
		--begin "GET /v1/blobs/$sha HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" >slow.many &
	slow_pid=$!
	i=0
	while [ "$(metric mrprober_api_requests_total 'method="GET",route="/v1/blobs/{sha256}"')" -lt 61 ]; do
		i=$((i + 1))
		[ $i -lt 200 ] || fail 'they are not answered'
		sleep 0.1
	done
	sleep 1.2 # nobody loses his place in the first second
	others_served 0
	peak=$(memory_kib)
	kill $slow_pid
	wait $slow_pid || :
	slow_pid=
	say "memory: $peak KiB"
	[ "$peak" -lt 700000 ] || fail 'more memory than answers may take'
	[ "$(metric mrprober_api_limit_hits_total 'limit="answers"')" -ge 1 ] || fail 'it is not counted'
}

test_steady_upload()
{
	# slower than the time-out, but not than the least rate: it is let through
	start_api --request-timeout 1s
	head -c 100000 /dev/urandom >blob
	sha=$(sha256sum <blob | cut -c 1-64)
	request PUT "/v1/blobs/$sha" '' -H 'Content-Type: application/octet-stream' --limit-rate 40k --data-binary @blob
	expect '200|201|204'
}

test_idle_connections()
{
	start_api --request-timeout 1s
	# a connection that has been of use may wait between two requests for longer than a request may take
	timeout 20 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"
		for pause in 2 0; do
			printf "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" >&3
			sleep $pause
		done
		timeout 1 cat <&3 >kept || :' idle "$api_port"
	expect_equal 'answers on one connection' 2 "$(grep -c '^HTTP/1.1 200' kept)"
}

test_connections()
{
	start_api --max-connections 20 --request-timeout 30s
	# all places are taken by those that have just come
	slow --connections 25 --every-ms 20 --for-ms 600 --begin 'GET /healthz HTTP/1.1\r\n' --fill 'X' >slow.out
	cat slow.out
	matches slow.out ' closed 5 .* status 503 5 '
	# their places are free a moment later
	i=0
	until request GET /healthz && [ "$status" = 200 ]; do
		i=$((i + 1))
		[ $i -lt 50 ] || fail 'the places do not become free'
		sleep 0.1
	done
	[ "$(metric mrprober_api_limit_hits_total 'limit="connections"')" -ge 5 ] || fail 'they are not counted'
	# one that has waited for long gives way to one that comes with a request
	slow --connections 20 --every-ms 100 --for-ms 4000 --begin 'GET /healthz HTTP/1.1\r\n' --fill 'X' >slow.out &
	slow_pid=$!
	sleep 1.5
	others_served 1
	wait $slow_pid
	never "$api_log" 'ERROR|AddressSanitizer'
}

test_connections_per_address()
{
	start_api --max-connections-per-address 10 --listen "unix:$MRP_SCRATCH/s.sock"
	slow --connections 15 --every-ms 50 --for-ms 2000 --begin 'GET /healthz HTTP/1.1\r\n' --fill X >slow.out &
	slow_pid=$!
	sleep 0.7
	request GET /healthz
	expect 429
	expect_header Retry-After '[0-9]*'
	# another address is not concerned
	expect_equal 'status by the socket' 200 \
		"$(curl -sS --unix-socket s.sock -o answer -w '%{http_code}' http://localhost/v1/state)"
	wait $slow_pid
	cat slow.out
	matches slow.out ' closed 5 .* status 429 5 '
	i=0
	until request GET /healthz && [ "$status" = 200 ]; do
		i=$((i + 1))
		[ $i -lt 20 ] || fail 'the places do not become free'
		sleep 0.2
	done
	[ "$(metric mrprober_api_limit_hits_total 'limit="connections_per_address"')" -ge 6 ] || fail 'they are not counted'
	# one line tells of many
	expect_equal 'lines in the log' 1 "$(grep -c 'too many connections from this address' "$api_log")"
}

test_sizes()
{
	start_api
	head -c 10000 /dev/zero | tr '\0' a >as
	request GET "/v1/recipes?slug=$(cat as)"
	expect_problem 414
	request GET /v1/recipes '' -H "X-Big: $(cat as as)"
	expect_problem 431
	request GET /v1/recipes '' -H "X-Big: $(cat as)" -H "X-Big-2: $(head -c 6000 as)"
	expect 200
	# all that is allowed, at one time
	request GET "/v1/recipes?label=k:$(head -c 8100 as)" '' -H "X-Big: $(cat as)" -H "X-Big-2: $(head -c 6000 as)"
	expect 200
	head -c 17000000 /dev/zero | tr '\0' ' ' >spaces
	request POST /v1/recipes '' -H 'Content-Type: application/json' --data-binary @spaces
	expect_problem 413 '.detail | contains("16777216")'
	request POST /v1/recipes '' -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' --data-binary @spaces
	expect_problem 413
	for size in 0 1001 -1 x 99999999999999999999; do
		request GET "/v1/recipes?page_size=$size"
		expect_problem 400
	done
	head -c 70000000 /dev/zero >blob
	request PUT "/v1/blobs/$(sha256sum <blob | cut -c 1-64)" '' -H 'Content-Type: application/octet-stream' --data-binary @blob
	expect_problem 413
	rm blob spaces
	for limit in target headers body; do
		[ "$(metric mrprober_api_limit_hits_total "limit=\"$limit\"")" -ge 1 ] || fail "$limit is not counted"
	done
	# what no parser of ours gets to see has the same codes
	expect_equal 'an endless target' 414 "$({ printf 'GET /'; head -c 300000 /dev/zero | tr '\0' a; } | raw_status)"
	expect_equal 'an endless header' 431 \
		"$({ printf 'GET / HTTP/1.1\r\nX: '; head -c 300000 /dev/zero | tr '\0' a; } | raw_status)"
}

# 200 uploads at a time do not take more memory than is allowed to all of them.
test_bodies_together()
{
	start_api
	head -c 16000000 /dev/zero | tr '\0' ' ' >spaces
	: >urls
	i=0
	while [ $i -lt 60 ]; do
		i=$((i + 1))
		[ $i -eq 1 ] || echo next >>urls
		printf 'url = "%s/v1/recipes"\ndata-binary = "@spaces"\nheader = "Content-Type: application/json"\nheader = "Expect:"\noutput = "/dev/null"\nwrite-out = "%%{http_code}\\n"\n' \
			"$api_url" >>urls
	done
	curl -sS -Z --parallel-max 60 -K urls >statuses 2>errors &
	uploads=$!
	peak=0
	while kill -0 $uploads 2>/dev/null; do
		now=$(memory_kib)
		[ "$now" -le "$peak" ] || peak=$now
		sleep 0.1
	done
	wait $uploads || :
	sort statuses | uniq -c
	say "peak: $peak KiB"
	[ "$peak" -lt 1800000 ] || fail 'more memory than bodies are allowed'
	never statuses '^5(00|02)'
	request GET /v1/state
	expect 200
}
