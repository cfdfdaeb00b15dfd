# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# lib/push against receivers over real HTTP. OTLP is decoded by protoc, compression by gunzip, JSON by jq.

start_receiver() # RULE...: keeps its requests in the folder `requests`; a token is at /meta
{
	mkdir -p requests
	start_faults --save requests '* /meta json {"access_token":"t1.s3cret","expires_in":3000}' "$@"
}

push() # KIND OPTION...: leaves sent, dropped, failed, grown; what was printed may hold no secret
{
	push_kind=$1
	shift
	[ "$push_kind" != monitoring ] || set -- --folder b1gfolder --metadata-url "$fault_url/meta" "$@"
	run 0 timeout 100 "$MRP_BUILD/tests/pusher" --kind "$push_kind" --url "${receiver_url:-$fault_url}" "$@"
	never "$err" 's3cret'
	never "$out" 's3cret'
	sent=$(sed -n 's/^sent //p' "$out") dropped=$(sed -n 's/^dropped //p' "$out")
	failed=$(sed -n 's/^failed //p' "$out") grown=$(sed -n 's/^grown //p' "$out")
	say "sent $sent, dropped $dropped, failed $failed"
}

at_least() # WHAT LEAST ACTUAL
{
	[ "$3" -ge "$2" ] || fail "$1: at least $2 expected, got $3"
}

# The numbers of requests to the receiver, in order.
pushes() { grep -lE '^POST (/v1/metrics|/monitoring)' requests/*.head | sed 's/[^0-9]//g' | sort -n; }

jq_true() # FILE FILTER...
{
	jq_file=$1
	shift
	for filter; do
		jq -e "$filter" "$jq_file" >/dev/null || {
			jq . "$jq_file"
			fail "not true of $jq_file: $filter"
		}
	done
}

# Field numbers are compared with those of opentelemetry-proto v1, not with those of our own file.
test_otlp_protobuf()
{
	: >empty
	start_receiver "POST /v1/metrics file 200 application/x-protobuf $MRP_SCRATCH/empty"
	push otlp --until sent 0
	expect_equal sent 6 "$sent"
	expect_equal 'dropped and failed' '0 0' "$dropped $failed"
	matches requests/1.head '^POST /v1/metrics HTTP/1\.1'
	matches requests/1.head '^Content-Type: application/x-protobuf'
	matches requests/1.head '^Content-Encoding: gzip'
	never requests/1.head '^Authorization'
	gunzip <requests/1.body >plain || fail 'not gzip'

	protoc --decode_raw <plain >raw
	# ExportMetricsServiceRequest.resource_metrics=1 .scope_metrics=2 .metrics=2, then Metric.name=1 .sum=7
	# .data_points=1, NumberDataPoint.start=2 .time=3 .as_double=4 .attributes=7; .aggregation_temporality=2 .is_monotonic=3
	awk '/1: "mrprober_runs_total"/ { on = 1 } on { sub(/^ */, ""); print } on && /^3: 1$/ { exit }' raw |
		sed 's/^3: 0x.*/3: TIME/' >sum
	# "host" and "h1" happen to read as messages, too
	cat >sum.expected <<-EOF
		1: "mrprober_runs_total"
		2: "Runs."
		7 {
		1 {
		2: 0x$(printf %016x 1700000000123000000)
		3: TIME
		4: 0x4044800000000000
		7 {
		1: "cluster"
		2 {
		1: "net"
		}
		}
		7 {
		1 {
		13: 111
		14 {
		}
		}
		2 {
		1 {
		13: 49
		}
		}
		}
		7 {
		1: "prober"
		2 {
		1: "dns"
		}
		}
		7 {
		1: "status"
		2 {
		1: "success"
		}
		}
		}
		2: 2
		3: 1
	EOF
	expect_files 'the sum' sum.expected sum
	# Metric.gauge=5, and one metric with both points
	awk '/1: "mrprober_success"/ { on = 1 } on { sub(/^ */, ""); print }' raw | sed 's/^3: 0x.*/3: TIME/' >gauge
	expect_equal 'a gauge with two points' '5 {|4: 0x0000000000000000|4: 0x3ff0000000000000|' \
		"$(grep -E '^(5 \{|4: )' gauge | tr '\n' '|')"

	step 'the histogram, whole'
	protoc --decode otlp.ExportRequest -I "$MRP_ROOT/lib/push" otlp.proto <plain >decoded
	awk '/name: "mrprober_run_duration_seconds"/ { on = 1 } on { sub(/^ */, ""); print } on && /temporality/ { exit }' \
		decoded | sed 's/^time_unix_nano: 1[0-9]*$/time_unix_nano: TIME/' >histogram
	cat >histogram.expected <<-'EOF'
		name: "mrprober_run_duration_seconds"
		description: "Duration."
		unit: "s"
		histogram {
		data_points {
		start_time_unix_nano: 1700000000123000000
		time_unix_nano: TIME
		count: 6
		sum: 2.5
		bucket_counts: 3
		bucket_counts: 2
		bucket_counts: 1
		explicit_bounds: 0.1
		explicit_bounds: 1
		attributes {
		key: "cluster"
		value {
		string_value: "net"
		}
		}
		}
		aggregation_temporality: 2
	EOF
	expect_files 'the histogram' histogram.expected histogram
	# HistogramDataPoint.count=4 .sum=5 .bucket_counts=6 .explicit_bounds=7 .attributes=9, Metric.unit=3 .histogram=9
	awk '/1: "mrprober_run_duration_seconds"/ { on = 1 } on { sub(/^ */, ""); print }' raw | sed 's/[ :].*//' |
		head -n 14 | tr '\n' ' ' >numbers
	case $(cat numbers) in
	'1 2 3 9 1 2 3 4 5 6 '*) ;;
	*) fail "numbers of the histogram: $(cat numbers)" ;;
	esac
	matches decoded 'key: "service.name"'
	matches decoded 'string_value: "mrprober"'
}

test_otlp_json()
{
	start_receiver 'POST /v1/metrics json {}'
	push otlp-json --until sent 0
	expect_equal sent 6 "$sent"
	matches requests/1.head '^Content-Type: application/json'
	gunzip <requests/1.body >plain.json
	jq '[.resourceMetrics[0].scopeMetrics[0].metrics[] | {key: .name, value: .}] | from_entries' plain.json >metrics.json
	jq_true plain.json '.resourceMetrics | length == 1' '.resourceMetrics[0].scopeMetrics[0].scope.name == "mrprober"' \
		'.resourceMetrics[0].resource.attributes[0] == {key: "service.name", value: {stringValue: "mrprober"}}'
	jq_true metrics.json '.mrprober_success.gauge.dataPoints | map(.asDouble) | sort == [0, 1]' \
		'.mrprober_success.gauge.dataPoints[0].timeUnixNano | type == "string" and test("^[0-9]{19}$")' \
		'.mrprober_runs_total.sum | .isMonotonic and .aggregationTemporality == 2' \
		'.mrprober_runs_total.sum.dataPoints[0].startTimeUnixNano == "1700000000123000000"' \
		'.mrprober_run_duration_seconds.unit == "s"' \
		'.mrprober_run_duration_seconds.histogram.dataPoints[0] | .count == "6" and .sum == 2.5 and
			.bucketCounts == ["3", "2", "1"] and .explicitBounds == [0.1, 1]' \
		'.app_nan.gauge.dataPoints[0].asDouble == "NaN"' \
		'.app_seconds_total.sum.dataPoints[0].attributes[0] == {key: "_odd", value: {stringValue: "a\"b"}}'
}

test_monitoring()
{
	start_receiver 'POST /monitoring/v2/data/write* json {"writtenMetricsCount":"9"}'
	push monitoring --until sent 0
	# nine and a sample that is not finite
	expect_equal 'sent, dropped, failed' '9 1 0' "$sent $dropped $failed"
	n=$(pushes | head -n 1)
	matches "requests/$n.head" '^POST /monitoring/v2/data/write\?folderId=b1gfolder&service=custom HTTP/1\.1'
	matches "requests/$n.head" '^Authorization: Bearer t1\.s3cret.?$'
	never "requests/$n.head" '^Content-Encoding'
	jq_true "requests/$n.body" '.ts | test("^20[0-9-]{8}T[0-9:]{8}\\.[0-9]{3}Z$")' '.metrics | length == 9' \
		'.metrics | all((.labels | type == "object") and (.value | type == "number"))' \
		'[.metrics[] | select(.name == "mrprober_run_duration_seconds_bucket") | [.labels.le, .value, .type]] ==
			[["0.1", 3, "COUNTER"], ["1", 5, "COUNTER"], ["+Inf", 6, "COUNTER"]]' \
		'[.metrics[] | select(.name | test("_(sum|count)$")) | [.value, .type]] == [[2.5, "DGAUGE"], [6, "COUNTER"]]' \
		'.metrics | all(.labels | to_entries | all(
			(.key | test("^[a-zA-Z][a-zA-Z0-9._]{0,31}$")) and (.value | test("^[ -~]{1,200}$"))))' \
		'.metrics | all(.labels | has("cluster") | not)'
}

test_batches()
{
	start_receiver 'POST /v1/metrics json {}' 'POST /monitoring/* json {"writtenMetricsCount":1000000}'
	push monitoring --series 4500 --until sent 0
	expect_equal 'sent, dropped' '4509 1' "$sent $dropped"
	for n in $(pushes); do
		jq '.metrics | length' "requests/$n.body"
	done >lengths # the sample that is not finite is in the first one
	expect_equal 'lengths of requests' '1999 2000 510' "$(tr '\n' ' ' <lengths | sed 's/ $//')"
	rm -f requests/*
	push otlp --series 4500 --until sent 0
	expect_equal sent 4506 "$sent"
	expect_equal requests 3 "$(pushes | wc -l)"
	# nothing is lost at the seams
	for n in $(pushes); do
		gunzip <"requests/$n.body" | protoc --decode otlp.ExportRequest -I "$MRP_ROOT/lib/push" otlp.proto
	done | awk '/key: "number"/ { on = 1 } on && /string_value/ { print $2; on = 0 }' | sort -u | wc -l >numbers
	expect_equal 'series that arrived' 4500 "$(cat numbers)"
}

# The same request again after what may be tried again, and then on with the next one.
test_again()
{
	for status in 429 502 503 504; do
		step "$status"
		rm -rf requests
		start_receiver "POST /v1/metrics times 2 status $status 0" 'POST /v1/metrics json {}'
		push otlp-json --until sent 0
		expect_equal 'nothing was sent by one try at the end' '0 6 1' "$sent $dropped $failed"
		stop_faults
		rm -rf requests
		start_receiver "POST /v1/metrics times 2 status $status 0" 'POST /v1/metrics json {}'
		push otlp-json --until sent 6
		expect_equal failed 2 "$failed"
		cmp requests/1.body requests/2.body
		cmp requests/1.body requests/3.body
		expect_equal 'lines about it' 1 "$(grep -c "answered $status; trying again" "$err")"
		matches "$err" 'answered after 2 failures; 0 samples were dropped meanwhile'
		stop_faults
	done
}

# It is not asked again before the time that it named, whatever piles up meanwhile.
test_retry_after()
{
	ASAN_OPTIONS="$ASAN_OPTIONS:quarantine_size_mb=1"
	start_receiver 'POST /v1/metrics status 503 1000'
	push otlp --series 3000 --interval 1 --queue-bytes 300000 --until dropped 600000 --grace 0
	expect_equal 'sent, failed' '0 1' "$sent $failed"
	expect_equal requests 1 "$(pushes | wc -l)"
}

test_final()
{
	for answer in 'status 400' 'status 401' 'status 404' 'status 413' 'status 500' 'redirect /v1/metrics'; do
		step "$answer"
		rm -rf requests
		start_receiver "POST /v1/metrics times 1 $answer" 'POST /v1/metrics json {}'
		push otlp --until sent 6
		expect_equal 'dropped, failed' '6 0' "$dropped $failed"
		matches "$err" '6 samples were refused: answered [345]'
		stop_faults
	done
}

test_partial()
{
	printf '\012\010\010\004\022\004full' >partial
	start_receiver "POST /v1/metrics file 200 application/x-protobuf $MRP_SCRATCH/partial" \
		'POST /monitoring/* json {"writtenMetricsCount":7,"errorMessage":"quota"}'
	push otlp --until sent 8
	at_least dropped 16 "$dropped"
	expect_equal 'of six two were sent' "$dropped" $((sent * 2))
	expect_equal 'not tried again' 0 "$failed"
	expect_equal 'lines about it' 1 "$(grep -c '4 samples were refused: answered 200: full' "$err")"
	push monitoring --until sent 28
	expect_equal 'of ten seven were sent' "$((dropped * 7))" $((sent * 3))
	expect_equal 'lines about it' 1 "$(grep -c '2 samples were refused: answered 200: quota' "$err")"
}

test_bad_receivers()
{
	for answer in close reset garbage html hang; do
		step "$answer"
		start_receiver "POST /v1/metrics times 1 $answer" 'POST /v1/metrics json {}'
		push otlp --until sent 6 --timeout 300
		at_least failed 1 "$failed"
		expect_equal dropped 0 "$dropped"
		matches "$err" 'warning: push to .*; trying again'
		stop_faults
	done
}

test_token()
{
	step 'one that is refused is asked for again, once'
	start_receiver 'POST /monitoring/* times 1 status 401' 'POST /monitoring/* json {"writtenMetricsCount":9}'
	push monitoring --until sent 0
	expect_equal 'sent, dropped, failed' '9 1 0' "$sent $dropped $failed"
	expect_equal 'tokens asked for' 2 "$(grep -c '^GET /meta ' .faultd.log)"
	stop_faults
	rm -rf requests .faultd.log
	step 'and not for ever'
	start_receiver 'POST /monitoring/* status 401'
	push monitoring --until dropped 10
	at_least dropped 10 "$dropped"
	expect_equal sent 0 "$sent"
	matches "$err" '9 samples were refused: answered 401'
	stop_faults
	step 'no token now is no reason to drop anything'
	rm -rf requests
	mkdir requests
	start_faults --save requests 'GET /meta times 2 status 503' 'GET /meta json {"access_token":"t1.s3cret"}' \
		'POST /monitoring/* json {"writtenMetricsCount":9}'
	push monitoring --until sent 9
	expect_equal failed 2 "$failed"
	matches "$err" 'GET .*/meta: answered 503'
	stop_faults
	step 'plain http to another machine gets none'
	run 1 "$MRP_BUILD/tests/pusher" --kind monitoring --url http://monitoring.example.net --folder b1g
	matches "$err" 'push by Yandex Monitoring: .*is not https://'
}

test_headers()
{
	printf 'X-Api-Key: s3cret-of-file\n' >headers
	echo '{"message": "who is s3cret-of-file?"}' >refusal
	start_receiver "POST /v1/metrics times 1 file 400 application/json $MRP_SCRATCH/refusal" 'POST /v1/metrics json {}'
	OTEL_EXPORTER_OTLP_HEADERS='authorization=Basic%20s3cret' push otlp --header-file headers --until sent 6
	matches requests/1.head '^X-Api-Key: s3cret-of-file.?$'
	matches requests/1.head '^authorization: Basic s3cret.?$'
	matches "$err" 'answered 400, with a text that repeats a secret'
	printf 'X-Api-Key s3cret\n' >headers
	run 1 "$MRP_BUILD/tests/pusher" --kind otlp --url "$fault_url" --header-file headers
	never "$err" s3cret
}

# Nobody listens: what is kept is bounded, whatever comes.
test_dead_receiver()
{
	ASAN_OPTIONS="$ASAN_OPTIONS:quarantine_size_mb=1"
	receiver_url=http://127.0.0.1:$(free_port)
	for kind in otlp monitoring; do
		[ $kind = otlp ] || start_receiver
		push $kind --series 3000 --interval 1 --queue-bytes 300000 --until dropped 600000 --grace 0
		expect_equal sent 0 "$sent"
		at_least failed 1 "$failed"
		[ "$grown" -lt 4096 ] || fail "memory grew by $grown kB"
		matches "$err" 'the queue is full, the oldest samples are dropped'
		expect_equal 'lines of the log' 3 "$(grep -cv 'not finite' "$err")"
	done
}

# A request that hangs does not keep the agent from ending.
test_stop()
{
	start_receiver 'POST /v1/metrics hang' 'POST /monitoring/* hang'
	push monitoring --until dropped 1 --timeout 3600000 --grace 200
	expect_equal sent 0 "$sent"
	at_least dropped 10 "$dropped"
	push otlp --until sent 0 --timeout 3600000 --grace 200
	expect_equal 'sent, dropped' '0 6' "$sent $dropped"
	matches "$err" '6 samples could not be sent before the end'
}

test_bad_options()
{
	for url in '' nonsense ftp://example.net 'http://u:s3cret@example.net' 'http://example.net/?key=s3'; do
		run 1 "$MRP_BUILD/tests/pusher" --kind otlp --url "$url"
		matches "$err" '^pusher: push by OTLP: '
		never "$err" s3cret
	done
	run 1 "$MRP_BUILD/tests/pusher" --kind otlp
	matches "$err" 'no URL is given'
	run 1 "$MRP_BUILD/tests/pusher" --kind monitoring
	matches "$err" "'' is not the id of a folder"
}

# All that Prometheus would find on the agent's page arrives, with the same types and values.
test_agent()
{
	start_receiver 'POST /v1/metrics json {}' 'POST /monitoring/* json {"writtenMetricsCount":1000}'
	push otlp-json --until sent 0 --real page
	expect_equal 'dropped, failed' '0 0' "$dropped $failed"
	gunzip <requests/1.body | jq -r '.resourceMetrics[0].scopeMetrics[0].metrics[] |
		.name + " " + (if .sum then "counter" elif .histogram then "histogram" else "gauge" end)' | sort -u >pushed
	awk '$2 == "TYPE" { family = $3 " " $4 } !/^#/ { print family }' page | sed 's/ untyped$/ gauge/' | sort -u >families
	at_least 'families of the page' 15 "$(wc -l <families)"
	comm -23 families pushed >missing
	[ ! -s missing ] || fail "not pushed: $(cat missing)"
	step 'series as Monitoring has them: names, and values of the probers'
	push monitoring --until sent 0 --real page
	expect_equal 'dropped, failed' '0 0' "$dropped $failed"
	jq -r '.metrics[] | [.name, .labels.mrprober_cluster, .labels.host, .labels.prober // "-", .labels.le // "-", .value] |
		join(" ")' "requests/$(pushes | tail -n 1).body" | sort >pushed
	for line in 'app_latency_seconds_bucket net h1 app 0.5 3' 'app_latency_seconds_bucket net h1 app +Inf 4' \
		'app_latency_seconds_sum net h1 app - 1.5' 'app_bytes net h1 app - 7.5' 'mrprober_success net h1 app - 1' \
		'mrprober_success net h1 ping - 0' 'mrprober_value net h1 ping - 3' 'mrprober_consecutive_failures net h1 ping - 1' \
		'mrprober_run_duration_seconds_count net h1 ping - 1' 'mrprober_runs_total net h1 app - 1'; do
		grep -Fqx -- "$line" pushed || {
			cat pushed
			fail "missing: $line"
		}
	done
}

# The request is what the other end of the TLS connection says that it read.
test_tls()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3 -subj /CN=receiver \
		-addext subjectAltName=IP:127.0.0.1 -keyout tls.key -out tls.pem 2>openssl.err || fail "$(cat openssl.err)"
	mkfifo tls.in
	openssl s_server -accept 127.0.0.1:0 -key tls.key -cert tls.pem <>tls.in >tls.out 2>&1 &
	tls_pid=$!
	i=0
	until tls_port=$(sed -n 's/^ACCEPT 127\.0\.0\.1:\([0-9]*\)$/\1/p' tls.out) && [ -n "$tls_port" ]; do
		i=$((i + 1))
		[ $i -lt 200 ] || fail 's_server does not start'
		sleep 0.05
	done
	receiver_url=https://127.0.0.1:$tls_port
	step 'a stranger gets nothing'
	push otlp --until failed 1 --grace 0
	matches "$err" 'no secure connection: its certificate is self-signed'
	never tls.out '^POST'
	step 'and one that is known'
	push otlp --ca-cert tls.pem --timeout 500 --until failed 1 --grace 0
	matches tls.out '^POST /v1/metrics HTTP/1'
}

cleanup_more()
{
	[ -z "${tls_pid-}" ] || kill "$tls_pid" 2>/dev/null
}
