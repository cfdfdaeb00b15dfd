# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# A whole agent and programs that behave badly, for long: SOAK_RUNS runs.

# flat RUNS: descriptors and memory of the agent do not grow with runs, and nothing is left of them.
flat()
{
	make_hostile
	set -- "$1" "$(hostile bytes '"bytes"' 'keep_logs: "all", overlap: "allow"')" "$(hostile killed '"abort"')" \
		"$(hostile group "\"leave-in-group\", \"/dev/null\"")" "$(entry missing 'command: ["./missing"]')" \
		"$(entry perf 'command: ["echo", "OK | a=1 b=2"], output: "nagios"')" "$(hostile out '"print", "2000"' 'limits: {output: "1KiB"}')" \
		"$(hostile slow '"catch-term"' 'timeout: "50ms"')" "$(hostile detach '"detach", "/dev/null"')"
	wanted=$1
	shift
	config "$@"
	# many of one kind that is good, so that the others do not need all the time
	jq --argjson good "$(hostile good '"exit", "0"')" '.probers += [range(60) as $n | $good | .id = "good\($n)" | .prober = .id] |
		.probers |= map(.interval = "100ms")' config.json >config.fast
	mv config.fast config.json
	# sanitizers keep 256 MB of freed memory unless told otherwise
	ASAN_OPTIONS="$ASAN_OPTIONS:quarantine_size_mb=1" start_agent --config config.json --log-size 1MiB
	after_runs $((wanted / 3))
	measure before
	after_runs "$wanted"
	measure after
	say "after a third: $(cat before); after $wanted runs: $(cat after)"
	run 0 mrprober agent pause '*'
	idle() { [ "$(agent_metric mrprober_agent_running)" = 0 ]; }
	until_true idle
	until_true no_leftovers
	no_children() { [ -z "$(cat /proc/"$agent_pid"/task/*/children)" ]; }
	until_true no_children
	read -r kib_before <before
	read -r kib_after <after
	[ "$kib_after" -le $((kib_before * 11 / 10 + 2048)) ] || fail "memory grew from $kib_before to $kib_after KiB"
	descriptors_flat() { [ "$(descriptors)" -le "$fds_idle" ]; }
	until_true descriptors_flat
}

after_runs()
{
	while [ "$(agent_metric mrprober_runs_total)" -lt "$1" ]; do
		kill -0 "$agent_pid" || fail 'the agent has ended'
		sleep 0.2
	done
}

descriptors() { find "/proc/$agent_pid/fd" -mindepth 1 | wc -l; }

measure() { awk '/^VmRSS/ { print $2 }' "/proc/$agent_pid/status" >"$1"; }

test_flat()
{
	# as many descriptors as an agent has that has not run anything yet, and two for whoever asks it
	config "$(entry later 'command: ["true"], interval: "24h"')"
	start_agent --config config.json
	agent_metric mrprober_agent_running >/dev/null
	fds_idle=$(($(descriptors) + 2))
	stop_agent
	rm -rf state
	flat "${SOAK_RUNS:-2000}"
}
