# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Programs that behave badly, through the whole agent: the right verdict for each, the others on time, nothing left.

test_verdicts()
{
	make_hostile
	slow='timeout: "500ms"'
	config "$(hostile ticks '"exit", "0"')" \
		"$(hostile detach "\"detach\", \"$shared/detach\"")" \
		"$(hostile unmarked "\"detach-unmarked\", \"$shared/unmarked\"")" \
		"$(hostile holds "\"hold-pipe\", \"$shared/holds\"")" \
		"$(hostile group "\"leave-in-group\", \"$shared/group\"")" \
		"$(hostile deaf "\"ignore-term\", \"$shared/deaf\"" "$slow")" \
		"$(hostile catches '"catch-term"' "$slow")" \
		"$(hostile stops "\"stop-self\", \"$shared/stops\"" "$slow")" \
		"$(hostile floods '"flood"' "$slow")" "$(hostile flood-limit '"flood"' 'limits: {output: "4KiB"}')" \
		"$(hostile flood-json '"flood"' 'output: "json", limits: {output: "4KiB"}')" \
		"$(hostile bytes '"bytes"')" \
		"$(hostile closes "\"close-and-sleep\", \"$shared/closes\"" "$slow")" \
		"$(hostile aborts '"abort"')" "$(hostile killed '"signal", "9"')" "$(hostile hup '"signal", "1"')" \
		"$(hostile code '"exit", "255"')" "$(hostile inspect '"inspect"' 'keep_logs: "all"')" \
		"$(entry folder 'command: ["/"]')" "$(entry text "command: [\"$shared/text\"]")" "$(entry format "command: [\"$shared/format\"]")" \
		"$(entry script "command: [\"$shared/script\"]")" "$(entry long 'command: (["true"] + [range(40) | "0" * 60000])')"
	echo text >shared/text # may not be executed
	printf '\177garbage' >shared/format
	printf '#!/no/such/interpreter\n' >shared/script
	chmod 755 shared/format shared/script
	start_agent --config config.json
	for prober in ticks detach unmarked holds bytes inspect; do
		until_runs $prober success ok
	done
	for prober in group code; do
		until_runs $prober failure exit
	done
	for prober in deaf catches stops floods closes; do
		until_runs $prober failure timeout
	done
	for prober in aborts killed hup; do
		until_runs $prober error signal
	done
	until_runs flood-json error limit
	until_runs flood-limit error limit
	for prober in folder text format script long; do
		until_runs $prober error spawn
	done
	until_status '^killed .*killed by signal 9 \(SIGKILL\)'
	until_status '^text .*Permission denied'
	until_status '^format .*Exec format error'
	until_status '^script .*interpreter'
	until_status '^long .*Argument list too long'
	mrprober agent status >status
	LC_ALL=C never status '[^[:print:]]'
	mrprober -q agent logs inspect >inspected
	[ ! -s inspected ] || fail "$(cat inspected)"
	curl -sS "$agent_url/metrics" >page
	! command -v promtool >/dev/null || promtool check metrics <page
	for prober in $(jq -r '.probers[].id' config.json); do
		n=$(grep "^mrprober_runs_total{.*prober=\"$prober\"" page | grep -v "reason=\"late\"" | grep -vc " 0$")
		[ "$n" -eq 1 ] || fail "$(grep "^mrprober_runs_total.*prober=\"$prober\"" page)"
	done
	before=$(runs ticks success ok)
	until_metric $((before + 5)) mrprober_runs_total 'prober="ticks"'
	step 'what it printed is kept as it is'
	stop_agent
	no_leftovers || fail "processes are left: $(leftovers)"
	for file in detach unmarked holds group deaf stops closes; do
		while read -r pid; do
			! grep -qs hostile "/proc/$pid/comm" || fail "'$file' has left process $pid"
		done <shared/$file
	done
}

test_bytes_logged()
{
	make_hostile
	config "$(hostile bytes '"bytes"' 'keep_logs: "all"')" "$(hostile json '"bytes"' 'output: "json"')" \
		"$(hostile prometheus '"bytes"' 'output: "prometheus"')" "$(hostile nagios '"bytes"' 'output: "nagios"')"
	start_agent --config config.json
	until_runs bytes success ok
	until_runs json error output
	until_runs prometheus error output
	until_runs nagios success ok
	"$hostile" bytes >want
	logged() { mrprober -q agent logs bytes >got 2>logs.err; }
	until_true logged
	cmp want got || fail 'the log differs from what was printed'
	run 0 mrprober -q agent once bytes
	cmp want "$out" || fail 'once shows something else'
	run 0 mrprober agent status -o json
	jq -e . "$out" >/dev/null || fail 'no JSON'
	iconv -f UTF-8 -t UTF-8 "$out" >/dev/null || fail 'no UTF-8'
}

# Limits without a cgroup: those of each process, and of the user.
test_limits()
{
	make_hostile
	config "$(hostile eats '"eat", "200"' 'limits: {memory: "64MiB"}')" "$(hostile fits '"eat", "10"' 'limits: {memory: "64MiB"}')" \
		"$(hostile bomb '"bomb"' 'limits: {processes: 20}, interval: "24h", timeout: "30s"')" "$(hostile ticks '"exit", "0"')"
	start_agent --config config.json
	until_logged 'warning: 1 probers have limits of processors or processes, which hold in a cgroup only'
	until_runs eats failure exit
	until_runs fits success ok
	if [ "$(id -u)" = 0 ]; then # root's agent has a user of its own for probers, who is not root
		step 'a fork bomb'
		ticks=$(runs ticks success ok)
		code=0
		timeout 60 mrprober agent once bomb >"$MRP_SCRATCH/.out" 2>bomb.err || code=$?
		matches bomb.err 'failure \(exit\), exit 11' # EAGAIN
		until_metric $((ticks + 1)) mrprober_runs_total 'prober="ticks"'
	fi
	stop_agent
	until_true no_leftovers
}

# Others are on time while one floods, one forks, one hangs.
test_on_time()
{
	make_hostile
	set -- "$(hostile floods '"flood"' 'timeout: "1s"')" "$(hostile deaf "\"ignore-term\", \"$shared/deaf\"" 'timeout: "300ms", overlap: "allow"')" \
		"$(hostile detach "\"detach\", \"$shared/detach\"")" "$(hostile stops "\"stop-self\", \"$shared/stops\"" 'timeout: "300ms"')"
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		set -- "$@" "$(hostile "good$n" '"exit", "0"' 'interval: "500ms"')"
	done
	config "$@"
	start_agent --config config.json
	until_metric 300 mrprober_runs_total 'prober="good'
	curl -sS "$agent_url/metrics" >page
	late=$(sum page '^mrprober_runs_total\{.*prober="good.*reason="late"')
	[ "$late" -lt 15 ] || fail "$late of 300 were late"
	expect_equal 'errors but for that' "$late" "$(sum page '^mrprober_runs_total\{.*prober="good.*status="error"')"
	# nobody waits for a time-out of others; that much can be said on a busy machine, too
	all=$(sum page '^mrprober_agent_run_delay_seconds_count')
	soon=$(sum page '^mrprober_agent_run_delay_seconds_bucket\{.*le="0\.5"')
	[ "$soon" -ge $((all * 95 / 100)) ] || fail "of $all runs only $soon began within half a second"
}

# sum FILE PATTERN: of the samples in the lines that match
sum() { grep -E -- "$2" "$1" | awk '{ sum += $NF } END { print sum + 0 }'; }

# The program is replaced, and its prober deleted, while it runs.
test_replaced()
{
	make_shared
	slow='command: ["sh", "-c", "echo $$ >>'"$shared"'/$MRPROBER_PROBER.pids; until [ -e '"$shared"'/go ]; do sleep 0.05; done; exit 5"], timeout: "60s"'
	config "$(entry changes "$slow")" "$(entry goes "$slow")" "$(entry stays 'command: ["true"]')"
	start_agent --config config.json --config-interval 24h
	until_true test -s shared/changes.pids
	until_true test -s shared/goes.pids
	config "$(entry changes 'command: ["sh", "-c", "exit 6"], keep_logs: "all"')" "$(entry stays 'command: ["true"]')"
	run 0 mrprober agent reload
	run 0 mrprober agent status
	never "$out" '^goes'
	for prober in changes goes; do
		kill -0 "$(cat shared/$prober.pids)" || fail "the run of '$prober' does not end as it began"
	done
	: >shared/go
	until_true is_gone shared/goes.pids
	until_metric 2 mrprober_runs_total 'prober="changes"' 'status="failure"'
	curl -sS "$agent_url/metrics" >page
	never page 'prober="goes"'
	matches "$(mrprober agent status changes >status && echo status)" '^changes +failure'
}

# Its own file is written anew and taken away; an update through the API's files cannot do that, a careless engineer can.
test_own_file()
{
	make_shared
	mkdir -p tree/probers/own
	printf 'mrprober: 1\nenvironments: {prod: {}}\nrequired_variables: []\n' >tree/mrprober.yaml
	mkdir -p tree/recipes/r tree/clusters
	printf 'name: r\n' >tree/recipes/r/recipe.yaml
	printf 'name: net\nrecipe: r\n' >tree/clusters/net.yaml
	printf 'name: own\ncommand: [./check.sh]\ninterval: 200ms\ntimeout: 5s\nplacements: [{}]\n' >tree/probers/own/prober.yaml
	printf '#!/bin/sh\nexit 3\n' >tree/probers/own/check.sh
	chmod 755 tree/probers/own/check.sh
	start_agent --config tree --config-interval 24h
	until_runs own failure exit
	printf '#!/bin/sh\nexit 0\n' >tree/probers/own/check.new
	chmod 755 tree/probers/own/check.new
	mv tree/probers/own/check.new tree/probers/own/check.sh
	failures=$(runs own failure exit)
	until_metric $((failures + 2)) mrprober_runs_total 'prober="own"' # not before it is told to look
	run 0 mrprober agent reload
	until_runs own success ok
	step 'it cannot be run any more: the engineer is told where'
	chmod 644 tree/probers/own/check.sh
	run 1 mrprober agent reload
	matches "$err" "own/prober.yaml:2:11: prober 'own': command: './check.sh' is not executable"
	chmod 755 tree/probers/own/check.sh
	step 'somebody takes the agent'\''s copy away'
	rm -rf state/agent/net/files/own-*
	until_runs own error spawn
	stop_agent
	start_agent --config tree
	until_runs own success ok
}
