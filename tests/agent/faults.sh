# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What goes wrong around an agent: its API, its disk, its limits, its clock, its life.

cleanup_more()
{
	[ -z "${mounted-}" ] || umount -l "$mounted"
}

api_prober() # SLUG MEMBERS
{
	request POST /v1/probers "$(jq -cn "{slug: \"$1\", interval: \"200ms\", placements: [{}], $2}")"
	expect 201
}

start_api_with_probers()
{
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	request POST /v1/clusters '{"slug":"net","recipe":"r"}'
	printf '#!/bin/sh\necho fine\n' >check.sh
	blob=$(put_blob check.sh)
	api_prober dns "command: [\"./check.sh\"], files: {\"check.sh\": {sha256: \"$blob\", mode: \"0755\"}}"
}

reload_success() { [ "$(agent_metric mrprober_agent_config_reload_success)" = "$1" ]; }

goes_on()
{
	before=$(agent_metric mrprober_runs_total "prober=\"$1\"" 'status="success"')
	until_metric $((before + 3)) mrprober_runs_total "prober=\"$1\"" 'status="success"'
}

test_api_killed()
{
	start_api_with_probers
	start_agent --config-interval 200ms
	until_runs dns success ok
	stop_api KILL
	until_logged 'agent-config.*connection refused'
	goes_on dns
	step 'it comes back, with more'
	start_api
	api_prober more 'command: ["true"]'
	until_runs more success ok
	goes_on dns
	step 'it hangs while the agent asks'
	kill -STOP "$api_pid"
	goes_on dns
	run 0 mrprober agent status
	step 'and the agent can be stopped nevertheless'
	stop_agent
	kill -CONT "$api_pid"
}

# One answer after the other is spoiled; none changes what is run.
test_api_garbage()
{
	start_api_with_probers
	set -- garbage close reset 'status 500' 'status 503 1' 'status 404' html 'json {}' 'json {"probers":[]}' 'json [1' 'json null' \
		'truncate 10' 'delay 500' 'redirect http://127.0.0.1:1/'
	n=$#
	for rule; do
		shift
		set -- "$@" "GET /v1/agent-config* times 1 $rule"
	done
	start_faults 'GET /v1/agent-config* times 1 pass' "$@"
	MRPROBER_API_URL=$fault_url start_agent --config-interval 100ms
	until_runs dns success ok
	asked() { [ "$(grep -c 'GET /v1/agent-config.* pass$' .faultd.log)" -ge 3 ]; }
	until_true asked
	spoiled=$(grep 'GET /v1/agent-config' .faultd.log | grep -vc ' pass$')
	[ "$spoiled" -ge $n ] || fail "only $spoiled answers were spoiled"
	goes_on dns
	until_true reload_success 1
	expect_equal probers 1 "$(agent_metric mrprober_agent_probers)"
	expect_equal 'runs that failed' 0 "$(agent_metric mrprober_runs_total 'status="failure"')"
	for reason in spawn config; do
		expect_equal "errors: $reason" 0 "$(agent_metric mrprober_runs_total "reason=\"$reason\"")"
	done
	grep -c 'error:' .agent.log
}

# What the API serves as a file is not what its name says: nothing is run, and nothing that was is thrown away.
test_blob_garbage()
{
	start_api_with_probers
	start_faults 'GET /v1/blobs/* times 3 json {"not":"it"}' 'GET /v1/blobs/* times 2 truncate 3'
	MRPROBER_API_URL=$fault_url start_agent --config-interval 200ms
	until_runs dns success ok
	grep -Eq 'error:|warning:' .agent.log || fail 'nobody heard of it'
	expect_equal 'runs of something else' 0 "$(agent_metric mrprober_runs_total 'status="failure"')"
}

test_without_api()
{
	start_api_with_probers
	start_agent
	until_runs dns success ok
	stop_agent
	stop_api
	start_agent
	until_runs dns success ok
	until_true reload_success 1
	run 1 mrprober agent reload
	matches "$err" 'connection refused.*; the config before stays'
	run 0 mrprober agent status
	matches "$out" '^config: .*connection refused'
	step 'the stored config is damaged'
	stop_agent
	head -c 100 state/agent/net/config.json >half
	mv half state/agent/net/config.json
	start_agent
	until_logged 'config.json'
	run 0 mrprober agent status
	stop_agent
}

# A disk that is full takes no config and no log, and stops no prober.
test_disk_full()
{
	[ "$(id -u)" = 0 ] || skip 'only root can mount'
	mkdir state
	mount -t tmpfs -o size=1m,mode=755 tmpfs state 2>/dev/null || skip 'tmpfs cannot be mounted here'
	mounted=$MRP_SCRATCH/state
	config "$(entry talks 'command: ["sh", "-c", "echo 0123456789; exit 1"], keep_logs: "all"')" "$(entry good 'command: ["true"]')"
	start_agent --config config.json --config-interval 24h
	until_runs talks failure exit
	until_runs good success ok
	dd if=/dev/zero of=state/full bs=4096 2>/dev/null || :
	goes_on good
	failures=$(runs talks failure exit)
	until_metric $((failures + 3)) mrprober_runs_total 'prober="talks"'
	until_metric 1 mrprober_agent_logs_dropped_total
	run 1 mrprober agent pause talks
	matches "$err" 'No space left on device'
	run 0 mrprober agent status talks
	never "$out" paused
	step 'another config, with a file: it cannot be stored'
	config "$(entry good 'command: ["true"]')" "$(entry new 'command: ["true"], interval: "300ms"')"
	code=0
	mrprober agent reload >reload.out 2>&1 || code=$?
	say "reload: $code $(cat reload.out)"
	goes_on good
	run 0 mrprober agent status
	step 'there is room again'
	rm state/full
	run 0 mrprober agent reload
	until_runs new success ok
	run 0 mrprober agent pause good
}

# fork says EAGAIN: an error of those runs, and the agent lives.
test_fork_fails()
{
	for_others
	mkdir -m 777 state run
	chmod 1777 "$MRP_SCRATCH" # for reports of sanitizers
	config "$(entry good 'command: ["true"]')"
	agent_wrapper='setpriv --reuid 64123 --regid 64123 --clear-groups'
	start_agent --config config.json --socket "$MRP_SCRATCH/run/agent.sock"
	export MRPROBER_SOCKET="$MRP_SCRATCH/run/agent.sock"
	until_runs good success ok
	processes=$(awk '/^Max processes/ { print $3 }' "/proc/$agent_pid/limits")
	limit_processes() { setpriv --reuid 64123 --regid 64123 --clear-groups prlimit --pid "$agent_pid" "--nproc=$1:"; }
	limit_processes 1
	until_runs good error spawn
	mrprober agent status >status || say 'no thread for whoever asks'
	errors=$(runs good error spawn)
	until_metric $((errors + 2)) mrprober_runs_total 'reason="spawn"'
	expect_equal 'a verdict of the target' 0 "$(runs good failure exit)"
	limit_processes "$processes"
	goes_on good
	run 0 mrprober agent status
}

# No descriptors are left: again an error of runs; the agent lives, and works when there are some.
test_no_descriptors()
{
	set --
	for n in 1 2 3 4 5 6 7 8 9 10; do
		set -- "$@" "$(entry "good$n" 'command: ["sleep", "0.2"], overlap: "allow"')"
	done
	config "$@"
	start_agent --config config.json
	until_runs good1 success ok
	step 'less than it has open'
	prlimit --pid "$agent_pid" --nofile=20:
	started=$(date +%s)
	no_answer() { ! timeout 5 mrprober agent status >status 2>&1; }
	until_true no_answer
	timeout 2 curl -sS "$agent_url/metrics" >page 2>&1 || :
	some_time() { [ $(($(date +%s) - started)) -ge 2 ]; }
	until_true some_time
	prlimit --pid "$agent_pid" --nofile=10000:
	until_metric 1 mrprober_runs_total 'reason="spawn"'
	goes_on good3
	run 0 mrprober agent status good3
	expect_equal 'a verdict of the target' 0 "$(agent_metric mrprober_runs_total 'status="failure"')"
}

# Stopped for several intervals: what was missed is late, is counted, and is not made up for.
test_stopped()
{
	config "$(entry good 'command: ["true"], interval: "250ms"')"
	start_agent --config config.json
	goes_on good
	kill -STOP "$agent_pid"
	from=$(date +%s%N)
	before=$(($(date +%s%N) / 1000000))
	long_enough() { [ $(($(date +%s%N) / 1000000)) -ge $((before + 3000)) ]; }
	until_true long_enough
	kill -CONT "$agent_pid"
	until_metric 1 mrprober_runs_total 'reason="late"'
	goes_on good
	late=$(agent_metric mrprober_agent_late_total)
	[ "$late" -ge 10 ] || fail "of 12 turns $late were late"
	[ "$(runs good error late)" -lt 5 ] || fail "$(runs good error late) errors for one stop" # one, but the machine is busy
	all=$(($(runs good success ok)))
	turns=$((($(date +%s%N) - from) / 250000000 + 10))
	[ "$all" -le $turns ] || fail "$all runs in the time of $turns turns"
}

# The wall clock is moved by a day, forth and back; nothing is early, nothing is late.
test_wall_clock()
{
	library=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -n 1)
	[ -n "$library" ] || skip 'faketime is not installed'
	runtime=$(ldd "$MRP_BUILD/mrprober" | awk '/libasan/ { print $3 }')
	make_shared
	config "$(entry good 'command: ["sh", "-c", "[ -z \"$FAKETIME\" ]"], interval: "500ms"')" "$(entry hourly 'command: ["true"], interval: "1h"')"
	echo '+0' >clock
	agent_wrapper="env LD_PRELOAD=$runtime${runtime:+:}$library DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1
		FAKETIME_TIMESTAMP_FILE=$MRP_SCRATCH/clock FAKETIME_NO_CACHE=1"
	start_agent --config config.json
	goes_on good
	hourly=$(agent_metric mrprober_runs_total 'prober="hourly"')
	for moved in +1d -1d +0; do
		step "$moved"
		echo $moved >clock
		fake=$(date +%s)
		case $moved in
		+1d) fake=$((fake + 86400)) ;;
		-1d) fake=$((fake - 86400)) ;;
		esac
		begin=$(date +%s%N)
		runs_before=$(agent_metric mrprober_runs_total 'prober="good"')
		goes_on good
		runs_after=$(agent_metric mrprober_runs_total 'prober="good"')
		turns=$((($(date +%s%N) - begin) / 500000000 + 2))
		[ $((runs_after - runs_before)) -le $turns ] || fail "$((runs_after - runs_before)) runs in the time of $turns turns"
		late=$(agent_metric mrprober_agent_late_total)
		[ "$late" -lt 100 ] || fail "$late turns were late" # a day has 172800; a busy machine may have a few
		seen() # the time of the last run is that of the new clock
		{
			curl -sS "$agent_url/metrics" | awk -v fake="$fake" '/^mrprober_last_run_timestamp_seconds\{.*prober="good"/ { t = $NF }
				END { exit !(t > fake - 60 && t < fake + 60) }'
		}
		until_true seen
		awk '/too/ { exit 1 }' .agent.log || fail 'the agent noticed'
	done
	[ $(($(agent_metric mrprober_runs_total 'prober="hourly"') - hourly)) -le 1 ] || fail 'the hourly one was run again'
	step 'a pause is as long as it is said'
	run 0 mrprober agent pause --for 2s good
	echo +1d >clock
	run 0 mrprober agent status good
	matches "$out" '^good .* paused'
	goes_on good
}

# Killed: no prober lives on, and a new start works.
test_killed()
{
	make_shared
	config "$(entry sleeps 'command: ["sleep", "600"], timeout: "1h"')" \
		"$(entry deaf 'command: ["sh", "-c", "trap \"\" TERM; echo $$ >'"$shared"'/deaf; while :; do sleep 0.1; done"], timeout: "1h"')" \
		"$(entry parent 'command: ["sh", "-c", "setsid sleep 600 & echo $! >'"$shared"'/child; wait"], timeout: "1h"')" \
		"$(entry ticks 'command: ["true"]')"
	jq --arg test "$MRP_SCRATCH" '.probers |= map(.env.MRP_TEST = $test)' config.json >marked
	mv marked config.json
	start_agent --config config.json
	until_runs ticks success ok
	until_true test -s shared/deaf
	until_true test -s shared/child
	kill -KILL "$agent_pid"
	wait "$agent_pid" || :
	agent_pid=
	until_true is_gone shared/deaf
	kill -0 "$(cat shared/child)" || fail 'the child of a program dies with the agent: this test shows nothing'
	step 'what the kernel cannot end is ended by the next agent'
	config "$(entry ticks 'command: ["true"]')"
	start_agent --config config.json
	until_logged 'killed what the agent before had left: 1 '
	until_true no_leftovers
	until_runs ticks success ok
	step 'a second one of the same state'
	run 75 mrprober agent run --cluster net --host h1 --state-dir state --socket none --listen none --config config.json
	matches "$err" '^mrprober: .*state'
	goes_on ticks
	step 'and of the same socket'
	run 1 mrprober agent run --cluster net --host h1 --state-dir other --listen none --config config.json
	matches "$err" 'another program listens there'
	run 0 mrprober agent status
}

# TERM: runs get their grace, each its own, then the agent ends with 0.
test_terminated()
{
	make_shared
	config "$(entry polite 'command: ["sh", "-c", "trap \"sleep 0.3; echo done >'"$shared"'/polite.end; exit 0\" TERM; : >'"$shared"'/polite; while :; do sleep 0.05; done"],
		timeout: "1h", grace: "30s"')" \
		"$(entry deaf 'command: ["sh", "-c", "trap \"\" TERM; echo $$ >'"$shared"'/deaf; while :; do sleep 0.1; done"], timeout: "1h", grace: "200ms"')"
	start_agent --config config.json
	until_true test -e shared/polite
	until_true test -s shared/deaf
	mrprober agent logs --follow deaf >followed 2>&1 &
	follower=$!
	stop_agent
	expect_equal 'what the polite one had time for' 'done' "$(cat shared/polite.end)"
	is_gone shared/deaf || fail 'the deaf one lives'
	wait $follower || : # it ends with the agent
	step 'somebody who asked has stopped reading'
	config "$(entry floods 'command: ["sh", "-c", "echo begun; until [ -e '"$shared"'/go ]; do sleep 0.05; done; head -c 4194304 /dev/zero; : >'"$shared"'/printed; sleep 600"], timeout: "1h", interval: "24h",
		limits: {output: "16MiB"}')"
	start_agent --config config.json
	mrprober agent once floods >flood 2>flood.err &
	client=$!
	until_true test -s flood
	kill -STOP $client
	: >shared/go
	until_true test -e shared/printed
	kill -TERM "$agent_pid"
	ended() { ! kill -0 "$agent_pid" 2>/dev/null; }
	until_true ended
	code=0
	wait "$agent_pid" || code=$?
	agent_pid=
	expect_equal 'status of the agent' 0 $code
	kill -CONT $client
	code=0
	wait $client || code=$?
	expect_equal 'status of who got half of it' 69 $code
	step 'twice: it does not wait'
	config "$(entry deaf 'command: ["sh", "-c", "trap \"\" TERM; echo $$ >'"$shared"'/deaf2; while :; do sleep 0.1; done"], timeout: "1h", grace: "10m"')"
	# what a run holds is left alone when nobody waits for its end
	ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" start_agent --config config.json
	until_true test -s shared/deaf2
	kill -TERM "$agent_pid"
	until_logged 'stopping'
	kill -TERM "$agent_pid"
	code=0
	wait "$agent_pid" || code=$?
	agent_pid=
	expect_equal 'status of one that did not wait' 1 $code
	until_true is_gone shared/deaf2
}

# One machine that opens connections and says nothing does not keep Prometheus away.
test_scrape_among_idle()
{
	command -v python3 >/dev/null || skip 'python3 is not installed'
	config "$(entry good 'command: ["true"]')"
	start_agent --config config.json
	python3 - "${agent_url##*:}" >page <<-'END'
		import socket, sys, urllib.request
		server = ("127.0.0.1", int(sys.argv[1]))
		idle = [socket.create_connection(server, source_address=("127.0.0.2", 0)) for _ in range(100)]
		print(urllib.request.urlopen("http://%s:%d/metrics" % server, timeout=5).read().decode())
	END
	matches page '^mrprober_agent_probers\{.*\} 1$'
}
