# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# mrprober agent run as a whole: real programs, real metrics.

test_verdicts()
{
	config "$(entry good 'command: ["true"]')" "$(entry bad 'command: ["sh", "-c", "echo broken; exit 1"]')" \
		"$(entry warns 'command: ["sh", "-c", "echo \"OK - fine | time=1.5s\"; exit 1"], output: "nagios", warning_is: "success"')" \
		"$(entry unknown 'command: ["sh", "-c", "exit 3"], output: "nagios"')" \
		"$(entry killed 'command: ["sh", "-c", "kill -9 $$"]')" \
		"$(entry missing 'command: ["./no-such-program"]')" \
		"$(entry slow 'command: ["sleep", "60"], timeout: "100ms"')" \
		"$(entry floods 'command: ["sh", "-c", "while :; do echo x 1; done"], output: "prometheus", limits: {output: "1KiB"}')" \
		"$(entry talks 'command: ["sh", "-c", "while :; do echo x; done"], timeout: "300ms"')" \
		"$(entry loud 'command: ["sh", "-c", "while :; do echo x; done"], limits: {output: "1KiB"}')" \
		"$(entry odd 'command: ["echo", "{"], output: "json"')" "$(entry 'never' 'error: "no such variable"')"
	start_agent --config config.json
	until_runs good success ok
	until_runs bad failure exit
	until_runs warns success warning
	until_runs unknown error exit
	until_runs killed error signal
	until_runs missing error spawn
	until_runs slow failure timeout
	until_runs floods error limit
	until_status "error \\(limit\\) .* printed more than its limit, 1024 bytes" floods
	until_runs loud error limit
	until_runs talks failure timeout
	until_runs odd error output
	expect_equal 'errors of the config' 1 "$(runs never error config)"
	expect_equal 'success' 1 "$(agent_metric mrprober_success 'prober="good"')"
	curl -sS "$agent_url/metrics" >page
	grep -q 'mrprober_success{.*prober="bad".*} 0' page || fail 'a failure is not 0'
	never page 'mrprober_success\{.*prober="(unknown|killed|missing|odd|never)"'
	grep -q 'mrprober_value{.*prober="warns".*metric="time".*} 1.5' page || fail 'no performance data'
	[ "$(agent_metric mrprober_consecutive_failures 'prober="killed"')" = 0 ] || fail 'an error counts as a failure'
	! command -v promtool >/dev/null || promtool check metrics <page
}

# Where there is no limit, output that is too long may be cut in the middle of a number; what is left of it is no value.
test_cut_off()
{
	config "$(entry cut 'command: ["sh", "-c", "printf \"OK | a=12s %65521s b=345s\" x"], output: "nagios"')"
	start_agent --config config.json
	until_runs cut success ok
	curl -sS "$agent_url/metrics" >page
	matches page '^mrprober_value\{.*prober="cut",metric="a",unit="s"\} 12$'
	never page 'metric="b"'
}

# Everything that a program gets, and nothing else.
test_environment()
{
	mkdir -m 777 out
	config "$(entry 'env[r=1]' 'command: ["sh", "-c", "tr \"\\0\" \"\\n\" </proc/self/environ >$OUT/now; pwd >>$OUT/now; id -un >>$OUT/now; mv $OUT/now $OUT/seen"],
		matrix: {r: "1"}, env: {OUT: "'"$MRP_SCRATCH/out"'", LANG: "C"}, timeout: "2500ms"')"
	MRPROBER_TOKEN=s3cret SECRET=s3cret start_agent --config config.json
	until_runs env success ok
	user=$(id -un)
	[ "$(id -u)" != 0 ] || user=$(id -un mrprober 2>/dev/null || echo nobody)
	{
		printf '%s\n' LANG=C MRPROBER_CLUSTER=net MRPROBER_HOST=h1 MRPROBER_PROBER=env MRPROBER_RUN_ID=ID MRPROBER_TIMEOUT=2.5 \
			"OUT=$MRP_SCRATCH/out" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
		say "HOME=$(getent passwd "$user" | cut -d : -f 6)"
		say "$MRP_SCRATCH/state/agent/net/files/env-44136fa355b3678a"
		say "$user"
	} | sort >want
	sed 's/^\(MRPROBER_RUN_ID=\)[0-9a-f]*-[0-9a-f]*$/\1ID/' out/seen | grep -v '^PWD=' | sort >seen
	expect_files 'the environment' want seen
}

test_users()
{
	[ "$(id -u)" = 0 ] || skip 'only root may change users'
	mkdir -m 777 out
	print='"sh", "-c", "id -u >>'"$MRP_SCRATCH"'/out/$MRPROBER_PROBER"'
	config "$(entry default "command: [$print]")" "$(entry allowed "command: [$print], run_as: \"daemon\"")" \
		"$(entry root "command: [$print], run_as: \"root\"")"
	run 64 mrprober agent run --cluster net --config config.json --state-dir state --allow-user daemon,bin
	start_agent --config config.json --default-user nobody --allow-user daemon --allow-user bin --allow-user no-such-user
	until_logged "warning: --allow-user: there is no user 'no-such-user' on this host"
	until_runs default success ok
	until_runs allowed success ok
	expect_equal 'errors' 1 "$(runs root error config)"
	expect_equal 'the default user' "$(id -u nobody)" "$(sort -u out/default)"
	expect_equal 'the allowed user' "$(id -u daemon)" "$(sort -u out/allowed)"
	[ ! -e out/root ] || fail 'root was not allowed'
}

# By hand no more than what to run has to be written; all else has the defaults of configs.
test_file_by_hand()
{
	say 'probers: [{prober: good, command: ["true"], interval: 200ms}, {prober: zones, matrix: {zone: a}, command: ["false"], interval: 200ms}]' >config.yaml
	start_agent --config config.yaml
	until_runs good success ok
	until_runs zones failure exit
	run 0 mrprober agent explain 'zones[zone=a]'
	matches "$out" '^timeout +10s'
	matches "$out" '^keep_logs +failures'
	matches "$out" '^name +zones'
	say 'probers: [{prober: good, command: ["true"], matrix: {zone: 1}}, {command: ["true"]}]' >config.yaml
	run 1 mrprober agent reload
	until_logged "probers\\[1\\]: prober: is missing"
	say 'probers: [{prober: good, command: ["true"], intervall: 5s, of_a_later_version: 1}]' >config.yaml
	run 1 mrprober agent reload
	until_logged "config.yaml:1:.*: prober 'good': intervall: unknown key .did you mean 'interval'"
}

# What did not change goes on as if nothing had happened; what is wrong changes nothing.
test_reload()
{
	config "$(entry stays 'command: ["true"]')" "$(entry goes 'command: ["true"]')" "$(entry changes 'command: ["false"]')"
	start_agent --config config.json --config-interval 1h
	until_metric 3 mrprober_runs_total 'prober="stays"'
	until_metric 3 mrprober_consecutive_failures 'prober="changes"'
	before=$(runs stays success ok)
	step 'another config, at SIGHUP'
	config "$(entry stays 'command: ["true"]')" "$(entry changes 'command: ["sh", "-c", "exit 7"]')" "$(entry comes 'command: ["true"]')"
	kill -HUP "$agent_pid"
	until_runs comes success ok
	[ "$(runs stays success ok)" -ge "$before" ] || fail 'counters were lost'
	[ "$(agent_metric mrprober_consecutive_failures 'prober="changes"')" -ge 3 ] || fail 'failures in a row were lost'
	curl -sS "$agent_url/metrics" >page
	never page 'prober="goes"'
	expect_equal reloads 2 "$(agent_metric mrprober_agent_config_reloads_total)"
	step 'one with a mistake'
	config "$(entry stays 'command: ["true"], interval: "often"')"
	kill -HUP "$agent_pid"
	until_logged "prober 'stays': interval: 'often' is not a duration"
	expect_equal 'reload success' 0 "$(agent_metric mrprober_agent_config_reload_success)"
	before=$(runs comes success ok)
	until_metric $((before + 2)) mrprober_runs_total 'prober="comes"'
	step 'repaired'
	config "$(entry stays 'command: ["true"]')"
	kill -HUP "$agent_pid"
	until_metric 1 mrprober_agent_config_reload_success
	expect_equal probers 1 "$(agent_metric mrprober_agent_probers)"
	step 'started anew, with a file that is no good'
	stop_agent
	echo '{' >config.json
	start_agent --config config.json
	until_runs stays success ok
	until_logged 'the config stays as it was'
	expect_equal 'reload success' 0 "$(agent_metric mrprober_agent_config_reload_success)"
}

# Nothing outlives the agent, however it resists.
test_stop()
{
	mkdir -m 777 out
	config "$(entry deaf 'command: ["sh", "-c", "trap \"\" TERM; echo $$ >'"$MRP_SCRATCH"'/out/deaf; sleep 600 & wait; sleep 600"], timeout: "1h", grace: "300ms"')" \
		"$(entry hides 'command: ["sh", "-c", "setsid sh -c \"echo \\$\\$ >'"$MRP_SCRATCH"'/out/hidden; exec sleep 600\" & sleep 600"], timeout: "1h"')"
	start_agent --config config.json
	i=0
	while [ ! -s out/deaf ] || [ ! -s out/hidden ]; do
		[ $((i += 1)) -lt 400 ] || fail 'they do not start'
		sleep 0.05
	done
	expect_equal running 2 "$(agent_metric mrprober_agent_running)"
	stop_agent
	for name in deaf hidden; do
		! kill -0 "$(cat out/$name)" 2>/dev/null || fail "'$name' is still there"
	done
}

test_heal()
{
	mkdir -m 777 out
	config "$(entry broken 'command: ["test", "-e", "'"$MRP_SCRATCH"'/out/healed"], retry_interval: "100ms",
		heal: {command: ["touch", "'"$MRP_SCRATCH"'/out/healed"], after: 3, at_most_every: "1m", give_up_after: 2, timeout: "5s"}')" \
		"$(entry fails 'command: ["no-such-program"], heal: {command: ["touch", "'"$MRP_SCRATCH"'/out/wrong"], after: 1,
			at_most_every: "1s", give_up_after: 2, timeout: "5s"}')"
	start_agent --config config.json
	until_runs broken success ok
	until_metric 3 mrprober_runs_total 'prober="fails"' 'reason="spawn"'
	expect_equal heals 1 "$(agent_metric mrprober_agent_heals_total)"
	expect_equal failures 3 "$(runs broken failure exit)"
	until_logged "prober 'broken' failed 3 times in a row: healing by 'touch', try 1 of 2"
	[ ! -e out/wrong ] || fail 'an error was healed'
}

# With an API: reports go there, and the agent does without it when it has to.
test_api()
{
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	request POST /v1/clusters '{"slug":"net","recipe":"r"}'
	printf '#!/bin/sh\necho fine\n' >check.sh
	blob=$(put_blob check.sh)
	request POST /v1/probers '{"slug":"dns","command":["./check.sh"],"interval":"200ms","placements":[{}],
		"files":{"check.sh":{"sha256":"'"$blob"'","mode":"0755"}}}'
	expect 201
	start_agent
	until_runs dns success ok
	i=0
	until request GET /v1/agents/net/h1 && [ "$status" = 200 ] && jq -e '.probers | tostring | contains("success")' "$body" >seen; do
		[ $((i += 1)) -lt 400 ] || fail 'no report'
		sleep 0.1
	done
	stop_agent
	stop_api
	start_agent
	until_runs dns success ok
	until_logged 'as stored here'
	expect_equal 'reload success' 1 "$(agent_metric mrprober_agent_config_reload_success)"
}

test_second()
{
	config "$(entry good 'command: ["true"]')"
	start_agent --config config.json
	code=0
	mrprober agent run --cluster net --host h1 --state-dir state --socket none --listen 127.0.0.1:0 --config config.json 2>err || code=$?
	expect_equal 'status of a second agent' 75 "$code"
	code=0
	mrprober agent run --cluster net --host h1 --state-dir other --socket none --listen "${agent_url#http://}" --config config.json 2>err || code=$?
	expect_equal 'status with a port in use' 1 "$code"
}

# Both receivers get what the agent counts, the last of it at the end.
test_push()
{
	config "$(entry good 'command: ["true"]')"
	mkdir requests
	start_faults --save requests '* /meta json {"access_token":"t1.s3cret","expires_in":3000}' \
		'* /v1/metrics json {}' '* /monitoring json {"sensorsProcessed":1}'
	start_agent --config config.json --push-otlp "$fault_url" --push-otlp-encoding json --push-interval 1s \
		--push-monitoring-folder b1gfolder --push-monitoring-url "$fault_url" --iam-metadata-url "$fault_url/meta"
	until_runs good success ok
	until_metric 1 mrprober_agent_push_sent_total
	stop_agent
	for path in v1/metrics monitoring; do
		request_file=$(grep -lE "^POST /$path" requests/*.head | tail -n 1)
		[ -n "$request_file" ] || fail "nothing was pushed to $path"
	done
	never .agent.log s3cret
	code=0
	mrprober agent run --cluster net --state-dir state --config config.json --push-monitoring-url http://x 2>err || code=$?
	expect_equal 'status of half an option' 64 "$code"
}

# Built-in checks run in the agent itself, and say what `mrprober probe` says.
test_probes()
{
	start_api
	config "$(entry up 'command: null, probe: {http: {url: "'"$api_url"'/healthz", expect_status: [200]}}, keep_logs: "all"')" \
		"$(entry down 'command: null, probe: {tcp: {host: "127.0.0.1", port: '"$(free_port)"'}}, interval: "300ms"')" \
		"$(entry disk 'command: null, probe: {disk: {path: "'"$MRP_SCRATCH"'"}}')"
	start_agent --config config.json
	until_runs up success ok
	until_runs disk success ok
	until_runs down failure exit
	curl -sS "$agent_url/metrics" >page
	matches page '^mrprober_value\{.*prober="up".*metric="'
	code=0
	mrprober agent once up --socket agent.sock >out 2>err || code=$?
	expect_equal 'status of once' 0 "$code"
	matches out '^HTTP OK'
	code=0
	mrprober agent logs down --socket agent.sock >out || code=$?
	expect_equal 'status of logs' 0 "$code"
	matches out '^TCP CRITICAL'
}
