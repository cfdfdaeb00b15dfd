# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The API as a service: health, metrics, start, stop, restart, kill.

test_health()
{
	start_api
	for path in /healthz /readyz; do
		request GET $path
		expect 200
		request GET $path '' -H 'Host: anything.example'
		expect 200
	done
	request GET /
	expect 200
	expect_header Content-Type 'text/html*'
}

# The text format, checked line by line: HELP and TYPE before the samples of a metric, labels quoted, numbers numbers,
# no series twice.
check_metrics()
{
	if command -v promtool >/dev/null; then
		promtool check metrics <"$1" || fail 'promtool is not content'
	fi
	awk '
	function bad(why) { printf "line %d: %s: %s\n", NR, why, $0; failed = 1 }
	/^# HELP / { if (help[$3]++) bad("HELP twice"); next }
	/^# TYPE / {
		if (type[$3]) bad("TYPE twice")
		if ($4 !~ /^(counter|gauge|histogram|summary|untyped)$/) bad("type")
		type[$3] = $4
		next
	}
	/^#/ || /^$/ { next }
	!/^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*",?)*\})? [-+0-9.eE]+(Inf|NaN)?( [0-9]+)?$/ { bad("syntax"); next }
	{
		name = $0
		sub(/[{ ].*/, "", name)
		base = name
		if (!(base in type)) sub(/_(bucket|sum|count)$/, "", base)
		if (!(base in type)) bad("no TYPE")
		if (!(base in help)) bad("no HELP")
		if (type[base] == "counter" && name !~ /_total$/) bad("a counter that does not end in _total")
		if (type[base] == "histogram" && name ~ /_bucket$/ && !/le="/) bad("a bucket without le")
		series = $0
		sub(/ [^ ]*$/, "", series)
		if (seen[series]++) bad("series twice")
		n++
	}
	END { if (n < 5) { print "only " n + 0 " samples"; failed = 1 } exit failed }' "$1"
}

test_metrics()
{
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	request POST /v1/recipes '{"slug":"r"}'
	request GET /v1/recipes/r
	request GET /v1/recipes/none
	request GET '/v1/recipes/%22evil%5C'
	request GET /nowhere-1
	request GET /nowhere-2
	request FOO /nowhere-2
	request GET /metrics
	expect 200
	expect_header Content-Type 'text/plain*'
	cp "$body" metrics
	check_metrics metrics
	matches metrics '^mrprober_api_requests_total\{.*method="POST".*route="/v1/recipes".*status="201".*\} 1$'
	matches metrics '^mrprober_api_requests_total\{.*method="POST".*route="/v1/recipes".*status="409".*\} 1$'
	matches metrics '^mrprober_api_requests_total\{.*method="GET".*route="/v1/recipes/\{slug\}".*status="200".*\} 1$'
	# labels come from the table of routes, so that nobody can fill the memory with them
	never metrics 'nowhere|evil|FOO'
	matches metrics '^mrprober_api_request_duration_seconds_(bucket|count)\{'
	count=$(metric mrprober_api_requests_total)
	request GET /v1/recipes/r
	expect_equal 'requests counted' $((count + 2)) "$(metric mrprober_api_requests_total)"
}

test_stop_idle()
{
	start_api
	# a client that keeps its connection does not hold it up
	timeout 60 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"; printf "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" >&3; cat <&3 >kept' kept "$api_port" &
	holder=$!
	sleep 0.5
	start=$(date +%s)
	stop_api TERM
	[ $(($(date +%s) - start)) -le 5 ] || fail 'took longer than 5 seconds to stop'
	kill $holder 2>/dev/null || :
	wait $holder || :
	start_api
	stop_api INT
}

# SIGTERM while a body is on its way: the request is answered, then the API ends with 0.
test_stop_in_flight()
{
	start_api
	head -c 400000 /dev/urandom >blob
	hash=$(sha256sum <blob | cut -c 1-64)
	curl -sS -o answer -w '%{http_code}' --limit-rate 200k -X PUT -H 'Expect:' -H 'Content-Type: application/octet-stream' \
		--data-binary @blob "$api_url/v1/blobs/$hash" >status 2>curl.err &
	uploader=$!
	sleep 0.7
	kill -TERM "$api_pid"
	wait $uploader || fail "the upload broke off: $(cat curl.err)"
	case $(cat status) in 200 | 201 | 204) ;; *) fail "status $(cat status)" ;; esac
	code=0
	wait "$api_pid" || code=$?
	api_pid=
	expect_equal 'status of the API' 0 $code
	start_api
	request GET "/v1/blobs/$hash"
	expect 200
	cmp blob "$body"
}

test_restart_keeps_everything()
{
	start_api
	echo x >x
	sha=$(put_blob x)
	request POST /v1/recipes '{"slug":"r","files":{"x":{"sha256":"'"$sha"'","mode":"0755"}},"values":{"a":[1.5,null]}}'
	request POST /v1/clusters '{"slug":"c","recipe":"r","variables":{"v":{"value":1,"sensitive":true}}}'
	request POST /v1/probers '{"slug":"p","command":["x"]}'
	for path in /v1/recipes /v1/clusters /v1/probers /v1/state '/v1/clusters/c?show_sensitive=true'; do
		request GET "$path"
		cat "$body" >>before
	done
	for signal in TERM KILL TERM; do
		stop_api $signal
		start_api
		: >after
		for path in /v1/recipes /v1/clusters /v1/probers /v1/state '/v1/clusters/c?show_sensitive=true'; do
			request GET "$path"
			cat "$body" >>after
		done
		expect_files "everything after a restart ($signal)" before after
		# revisions go on, they never come again
		request PATCH /v1/probers/p "{\"description\":\"$signal\"}"
		expect 200
		[ "$(jq .revision "$body")" -gt "${revision:-0}" ] || fail 'a revision came again'
		revision=$(jq .revision "$body")
		request PATCH /v1/probers/p '{"description":""}'
		rm before
		for path in /v1/recipes /v1/clusters /v1/probers /v1/state '/v1/clusters/c?show_sensitive=true'; do
			request GET "$path"
			cat "$body" >>before
		done
	done
}

test_address_in_use()
{
	start_api
	run 1 mrprober api --listen "127.0.0.1:$api_port" --database "sqlite:$MRP_SCRATCH/other.sqlite"
	matches "$err" "^mrprober: cannot listen on .*127\.0\.0\.1:$api_port"
	expect_equal 'lines of message' 1 "$(wc -l <"$err")"
}

# Two services on one database: the second is refused, or both tell the same.
test_one_database_two_apis()
{
	start_api
	first_pid=$api_pid first_url=$api_url
	request POST /v1/recipes '{"slug":"one","managed":true}'
	api_port=$(free_port)
	api_url=http://127.0.0.1:$api_port
	mrprober api --listen "127.0.0.1:$api_port" --database "sqlite:$MRP_SCRATCH/api.sqlite" >second.log 2>&1 &
	api_pid=$!
	cleanup_more() { kill "$first_pid" "$api_pid"; }
	if ! wait_ready; then
		got=0
		wait "$api_pid" || got=$?
		case $got in 1 | 75) ;; *) fail "a second API on the same database: status $got" ;; esac
		matches second.log '^mrprober: .*api\.sqlite'
		api_pid=$first_pid
		return
	fi
	second_url=$api_url
	n=0
	for url in "$first_url" "$second_url" "$first_url"; do
		n=$((n + 1))
		api_url=$url
		request POST /v1/recipes '{"slug":"r'$n'","managed":true}' -H 'Mrprober-Environment: prod'
		expect 201
	done
	curl -sS "$first_url/v1/state" >state.first
	curl -sS "$second_url/v1/state" >state.second
	expect_files 'the state that both tell' state.first state.second
	jq -e '.environment == "prod" and (.kinds.recipes | length == 4)' state.first >/dev/null || fail "$(cat state.first)"
	kill -TERM "$first_pid"
	wait "$first_pid"
	cleanup_more() { :; }
	api_url=$second_url
	request GET /v1/recipes
	expect 200 '.items | length == 4'
}
