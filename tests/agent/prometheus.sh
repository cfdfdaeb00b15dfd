# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# A real Prometheus scrapes a running agent; what it answers is what the probers' programs dictate.

cleanup_more()
{
	[ -z "${prometheus_pid-}" ] || kill "$prometheus_pid" 2>/dev/null
	[ -z "${prometheus_pid-}" ] || wait "$prometheus_pid" 2>/dev/null
	[ "$result" -eq 0 ] || [ ! -s prometheus.log ] || tail -n 20 prometheus.log
}

# start_prometheus: with the agent as it is (OpenMetrics) and behind a proxy that drops Accept (the text format).
start_prometheus()
{
	fault_upstream=${agent_url##*:}
	start_faults --without Accept
	cat >prometheus.yml <<-END
		global: {scrape_interval: 1s, scrape_timeout: 1s}
		scrape_configs:
		  - {job_name: openmetrics, static_configs: [{targets: ["${agent_url#http://}"]}]}
		  - {job_name: text, static_configs: [{targets: ["${fault_url#http://}"]}]}
	END
	prometheus_port=$(free_port)
	prometheus --config.file=prometheus.yml --storage.tsdb.path=tsdb --web.listen-address="127.0.0.1:$prometheus_port" \
		--log.level=warn >prometheus.log 2>&1 &
	prometheus_pid=$!
	until_true prometheus_ready
}

prometheus_ready()
{
	kill -0 "$prometheus_pid" || fail "prometheus does not start: $(cat prometheus.log)"
	curl -sf -o /dev/null "http://127.0.0.1:$prometheus_port/-/ready"
}

# query EXPRESSION: lines "prober value" of the answer, sorted.
query()
{
	curl -sS "http://127.0.0.1:$prometheus_port/api/v1/query" --data-urlencode "query=$1" |
		jq -r '.data.result[] | "\(.metric.prober // "-") \(.value[1])"' | LC_ALL=C sort
}

# The program of a prober that ends RUNS times, each Nth of them a failure; then it goes on for ever.
every_nth()
{
	say 'command: ["sh", "-c", "n=$(cat '"$shared/$1"' 2>/dev/null || echo 0); n=$((n + 1)); echo $n >'"$shared/$1"';
		[ $n -le '"$2"' ] || exec sleep 600; [ $((n % '"$3"')) -ne 0 ]"], timeout: "1h"'
}

test_scrape()
{
	command -v prometheus >/dev/null || skip 'prometheus is not installed'
	make_shared
	odd=$(printf '"q\134')
	config "$(entry 'half[x="q\"]' "$(every_nth half 10 2 | tr '\n' ' '), matrix: {x: \$x}" --arg x "$odd")" \
		"$(entry quarter "$(every_nth quarter 8 4 | tr '\n' ' '), labels: {team: \"blue\"}")" \
		"$(entry broken 'command: ["no-such-program"]')" \
		"$(entry perf 'command: ["echo", "OK | size=1234KB time=0.5s"], interval: "2s", output: "nagios"')"
	start_agent --config config.json
	until_metric 10 mrprober_runs_total 'prober="half"'
	until_metric 8 mrprober_runs_total 'prober="quarter"'
	until_runs broken error spawn
	until_runs perf success ok
	step 'the page itself'
	for accept in text/plain 'application/openmetrics-text;version=1.0.0'; do
		curl -sS -H "Accept: $accept" "$agent_url/metrics" -o page -D header
		grep -i "^content-type: ${accept%%;*}" header || fail "not the format that was asked for"
		[ "$accept" != text/plain ] || promtool check metrics <page || fail 'promtool is not content'
	done
	expect_equal 'the end of an OpenMetrics page' '# EOF' "$(tail -n 1 page)"
	step 'what Prometheus knows'
	start_prometheus
	for job in openmetrics text; do
		say "$job"
		scraped() { [ "$(query "up{job=\"$job\"}")" = '- 1' ]; }
		until_true scraped
		{
			echo 'broken 0'
			echo 'half 0.5'
			echo 'quarter 0.75'
		} >want
		query "sum by (prober) (mrprober_runs_total{job=\"$job\", status=\"success\", prober!=\"perf\"} or
			0 * mrprober_runs_total{job=\"$job\"}) / sum by (prober) (mrprober_runs_total{job=\"$job\", prober!=\"perf\"})" >ratios
		expect_files 'success ratios' want ratios
		expect_equal 'last verdicts' 'half 0 perf 1 quarter 0' "$(query "mrprober_success{job=\"$job\"}" | xargs)"
		expect_equal 'by its matrix' 'half 10' "$(query "sum by (prober) (mrprober_runs_total{job=\"$job\", x=\"\\\"q\\\\\"})")"
		expect_equal 'by its label' 'quarter 8' "$(query "sum by (prober) (mrprober_runs_total{job=\"$job\", team=\"blue\"})")"
		expect_equal 'values' 'perf 0.5' "$(query "mrprober_value{job=\"$job\", metric=\"time\", unit=\"s\"}")"
		expect_equal 'a histogram' 'half 10' "$(query "mrprober_run_duration_seconds_count{job=\"$job\", prober=\"half\"}")"
		expect_equal 'its last bucket' 'half 10' "$(query "mrprober_run_duration_seconds_bucket{job=\"$job\", prober=\"half\", le=\"+Inf\"}")"
	done
	curl -sS "http://127.0.0.1:$prometheus_port/api/v1/targets" >targets
	jq -e '[.data.activeTargets[].lastError] == ["", ""]' targets >/dev/null || fail "$(jq -c '[.data.activeTargets[].lastError]' targets)"
	never prometheus.log 'level=(warn|error)'
}

# The series of a prober that is gone are stale at the next scrape, not five minutes later.
test_removed()
{
	command -v prometheus >/dev/null || skip 'prometheus is not installed'
	config "$(entry stays 'command: ["true"]')" "$(entry goes 'command: ["true"]')"
	start_agent --config config.json
	until_runs goes success ok
	until_runs stays success ok
	start_prometheus
	both() { [ "$(query 'mrprober_success{job="openmetrics"}' | xargs)" = 'goes 1 stays 1' ]; }
	until_true both
	config "$(entry stays 'command: ["true"]')"
	run 0 mrprober agent reload
	one() { [ "$(query 'mrprober_success{job="openmetrics"}' | xargs)" = 'stays 1' ]; }
	until_true one
	one_text() { [ "$(query '{prober="goes"}' | xargs)" = '' ]; }
	until_true one_text
}
