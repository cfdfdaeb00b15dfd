# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What an engineer on the machine asks a running agent. exact.sh has whether `once` and `shell` tell the truth.

never_yet() { entry later 'command: ["true"], interval: "24h"'; }

test_status()
{
	config "$(entry good 'command: ["true"], interval: "1s"')" "$(entry bad 'command: ["sh", "-c", "echo broken; exit 1"], interval: "1s"')" \
		"$(entry 'dns[record=A]' 'command: ["true"], matrix: {record: "A"}')" \
		"$(entry 'dns[record=AAAA]' 'command: ["true"], matrix: {record: "AAAA"}')" "$(never_yet)" \
		"$(entry wrong 'error: "no such variable"')"
	start_agent --config config.json
	until_runs good success ok
	until_metric 2 mrprober_consecutive_failures 'prober="bad"'
	until_metric 2 mrprober_runs_total 'prober="dns"'
	run 0 mrprober agent status
	[ ! -s "$err" ] || fail 'something on stderr'
	matches "$out" '^cluster net, host h1: 6 probers; config r6, known to be right '
	matches "$out" '^PROBER +STATUS +FAILURES +LAST +TOOK +NEXT +MESSAGE$'
	matches "$out" '^good +success +0 .*[0-9](us|ms|s) '
	matches "$out" '^bad +failure \(exit\) +[2-9].* broken$'
	matches "$out" '^later +- +0 '
	matches "$out" '^wrong +error \(config\) +0 .* no such variable$'
	expect_equal 'lines' 8 "$(wc -l <"$out")"
	run 0 mrprober agent status dns
	expect_equal 'lines of dns' 4 "$(wc -l <"$out")"
	run 0 mrprober agent status '*record=A?' g*
	expect_equal 'lines of globs' 4 "$(wc -l <"$out")"
	matches "$out" '^dns\[record=A\] '
	run 0 mrprober agent status 'dns[record=A]'
	expect_equal 'lines of an id' 3 "$(wc -l <"$out")"
	run 0 mrprober agent status --failed
	expect_equal 'lines of failed ones' 4 "$(wc -l <"$out")"
	never "$out" '^(good|dns|later)'
	run 0 mrprober agent status --failed good
	expect_equal 'lines when nothing failed' 1 "$(wc -l <"$out")"
	run 1 mrprober agent status goood
	matches "$err" "no prober 'goood'; did you mean 'good'"
	[ ! -s "$out" ] || fail 'half a table for a prober that does not exist'
	run 1 mrprober agent status 'x*'
	run 64 mrprober agent status --interval 5
}

test_status_json()
{
	config "$(entry good 'command: ["true"], interval: "1s"')" "$(entry bad 'command: ["sh", "-c", "echo broken; exit 1"], interval: "1s"')" "$(never_yet)"
	start_agent --config config.json
	until_runs good success ok
	until_runs bad failure exit
	run 0 mrprober agent pause later
	run 0 mrprober agent status -o json
	body=$out
	status=0
	request_line='status -o json'
	expect 0 '.format_version == 1' '.agent | .cluster == "net" and .host == "h1" and .config_revision == "r3" and .probers == 3' \
		'[.probers[].id] == ["bad", "good", "later"]' \
		'.probers[0] | .status == "failure" and .reason == "exit" and .message == "broken" and .consecutive_failures >= 1' \
		'.probers[0].finished_at | test("^20[0-9-]+T[0-9:.]+Z$")' '.probers[1] | .status == "success" and .duration_us > 0' \
		'.probers[2] | has("status") | not' '.probers[2].consecutive_failures == 0'
	run 0 mrprober agent status -o json --failed
	expect 0 '[.probers[].id] == ["bad"]'
	run 0 mrprober agent status -o json --failed good
	expect 0 '.probers == []'
	# a time of the agent's and one of ours are of one clock
	run 0 mrprober agent status -o json good
	expect 0 '(.probers[0].finished_at | sub("[.][0-9]+"; "") | fromdateiso8601) - now | . > -60 and . < 60'
}

lines_of() { [ "$(grep -c "$2" "$1")" -ge "$3" ]; }

# Until Ctrl-C; an agent that is started anew meanwhile is found again.
test_watch()
{
	config "$(entry good 'command: ["true"]')"
	start_agent --config config.json
	mrprober agent status --watch --interval 100ms >watched 2>trouble &
	watcher=$!
	until_true lines_of watched '^good ' 3
	step 'the agent is started anew'
	stop_agent
	until_true grep -q 'looking again until it works' trouble
	before=$(grep -c '^good ' watched)
	start_agent --config config.json
	until_true lines_of watched '^good ' $((before + 2))
	kill -INT $watcher
	code=0
	wait $watcher || code=$?
	expect_equal 'status after Ctrl-C' 130 $code
	expect_equal 'times that trouble was told' 1 "$(wc -l <trouble)"
	never watched "$(printf '\033')"
	step 'the agent is about to end'
	stop_agent
	mrprober agent status --watch --interval 100ms >watched 2>trouble && fail 'there is no agent' # the first look counts
	start_agent --config config.json
	mrprober agent status --watch --interval 100ms >watched 2>trouble &
	watcher=$!
	until_true lines_of watched '^good ' 1
	stop_agent
	# one that ends closes what it has not read
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True:
	s.accept()[0].close()
	print("turned away", flush=True)' "$MRPROBER_SOCKET" >turned &
	source_pid=$!
	until_true lines_of turned away 3
	kill -KILL "$source_pid"
	wait "$source_pid" 2>/dev/null || :
	rm "$MRPROBER_SOCKET"
	before=$(grep -c '^good ' watched)
	start_agent --config config.json
	until_true lines_of watched '^good ' $((before + 1))
	kill -INT $watcher
	wait $watcher || :
	step 'nobody reads it any more'
	mkfifo pipe
	{ mrprober agent status --watch --interval 100ms >pipe 2>trouble || :; } &
	watcher=$!
	head -n 1 pipe >first
	matches first '^cluster net'
	wait $watcher
	run 1 sh -c 'exec mrprober agent status --watch --interval 100ms >/dev/full'
}

test_once()
{
	make_shared
	config "$(entry talks 'command: ["sh", "-c", "echo out; echo err >&2; exit 3"], interval: "24h", keep_logs: "all"')" \
		"$(entry fine 'command: ["echo", "all is well"], interval: "24h"')" \
		"$(entry waits 'command: ["sh", "-c", "echo first; until [ -e '"$shared"'/go ]; do sleep 0.05; done; echo last"],
			interval: "24h", timeout: "60s"')" \
		"$(entry plugin 'command: ["sh", "-c", "echo WARN; exit 1"], interval: "24h", output: "nagios", warning_is: "success"')" \
		"$(entry slow 'command: ["sleep", "60"], timeout: "200ms", interval: "24h"')" \
		"$(entry missing 'command: ["./missing"], interval: "24h"')" "$(entry wrong 'error: "no such variable"')" \
		"$(entry 'm[a=1]' 'command: ["true"], interval: "24h"')" "$(entry 'm[a=2]' 'command: ["true"], interval: "24h"')"
	start_agent --config config.json
	until_runs wrong error config
	run 1 mrprober agent once talks
	expect_equal 'its stdout' out "$(cat "$out")"
	expect_equal 'its stderr' err "$(head -n 1 "$err")"
	matches "$err" '^mrprober: run [0-9a-f-]+ of talks at 20.*: failure \(exit\), exit 3: out$'
	run 0 mrprober -q agent once fine
	expect_equal 'its stdout' 'all is well' "$(cat "$out")"
	[ ! -s "$err" ] || fail '-q is not quiet'
	run 0 mrprober agent once plugin
	run 1 mrprober agent once slow
	matches "$err" 'failure \(timeout\): did not end within 200ms'
	run 1 mrprober agent once missing
	matches "$err" 'error \(spawn\)'
	run 65 mrprober agent once wrong
	matches "$err" 'no such variable'
	run 64 mrprober agent once m
	matches "$err" "'m' means 2 entries; name one of them: m\[a=1\], m\[a=2\]"
	run 0 mrprober agent once 'm[a=2]'
	run 1 mrprober agent once tolks
	matches "$err" "did you mean 'talks'"
	run 64 mrprober agent once
	step 'output as it comes'
	mrprober agent once waits >live 2>live.err &
	client=$!
	until_true grep -q first live
	never live last
	: >shared/go
	wait $client || fail "once ended with status $?"
	expect_equal 'all of its output' 'first last' "$(xargs <live)"
	expect_equal 'runs that are counted' 0 "$(agent_metric mrprober_runs_total 'status="success"')"
	run 1 mrprober agent logs talks
	step 'paused ones, too'
	run 0 mrprober agent pause fine
	run 0 mrprober agent once fine
}

# The run belongs to who asked for it: it ends with Ctrl-C, and when the client has gone in any other way.
test_once_left()
{
	make_shared
	config "$(entry sleeps 'command: ["sh", "-c", "echo $$ >>'"$shared"'/pids; echo begun; exec sleep 600"], interval: "24h",
		timeout: "1h"')"
	start_agent --config config.json
	for signal in INT TERM KILL; do
		step "$signal"
		: >begun
		rm -f shared/pids
		mrprober agent once sleeps >begun 2>begun.err &
		client=$!
		until_true grep -q begun begun
		kill -$signal $client
		code=0
		wait $client || code=$?
		[ $signal != INT ] || expect_equal 'status after Ctrl-C' 130 $code
		until_true is_gone shared/pids
	done
	step 'the agent stops'
	rm -f shared/pids
	mrprober agent once sleeps >begun 2>begun.err &
	client=$!
	until_true test -s shared/pids
	stop_agent
	is_gone shared/pids || fail 'a run outlives the agent'
	code=0
	wait $client || code=$?
	[ $code -ne 0 ] || fail 'a run that was ended by the agent is a success'
}

counter() { say 'command: ["sh", "-c", "n=$(cat '"$shared"'/'"$1"' 2>/dev/null); echo $((n + 1)) | tee '"$shared/$1"'; echo note >&2; exit '"$2"'"]'; }

test_logs()
{
	make_shared
	config "$(entry none "$(counter none 1), keep_logs: \"none\"")" "$(entry failures "$(counter failures 1), keep_logs: \"failures\"")" \
		"$(entry fine "$(counter fine 0), keep_logs: \"failures\"")" "$(entry all "$(counter all 0), keep_logs: \"all\"")"
	start_agent --config config.json
	for prober in none failures fine all; do
		until_metric 4 mrprober_runs_total "prober=\"$prober\""
	done
	run 0 mrprober agent pause '*'
	idle() { [ "$(agent_metric mrprober_agent_running)" = 0 ]; }
	until_true idle
	for prober in none fine; do
		run 1 mrprober agent logs $prober
		matches "$err" "no output of '$prober' was kept"
	done
	for prober in failures all; do
		last=$(cat shared/$prober)
		shown() { mrprober -q agent logs "$prober" 2>/dev/null | grep -qx "$last"; }
		until_true shown # it is written after the run has ended
		for n in 1 2 4; do
			run 0 mrprober agent logs $prober --run $n
			expect_equal "run $n from the end" $((last - n + 1)) "$(cat "$out")"
			expect_equal 'its stderr' note "$(sed -n '/^mrprober: /!p' "$err")"
			matches "$err" '^mrprober: run [0-9a-f-]+ of '$prober
		done
		run 1 mrprober agent logs $prober --run 1000000
		matches "$err" 'no so old output'
		run 64 mrprober agent logs $prober --run 0
	done
	run 1 mrprober agent logs al
	matches "$err" "did you mean 'all'"
	step 'follow'
	last=$(cat shared/all)
	mrprober -q agent logs all --follow >followed 2>followed.err &
	client=$!
	until_true grep -qx "$last" followed
	run 0 mrprober agent resume all
	until_true grep -qx $((last + 5)) followed
	kill -INT $client
	code=0
	wait $client || code=$?
	expect_equal 'status after Ctrl-C' 130 $code
	n=$(wc -l <followed)
	seq "$last" $((last + n - 1)) >want
	expect_files 'each run once, in order' want followed
	step 'what was cut off'
	config "$(entry long 'command: ["sh", "-c", "echo 01234; head -c 70000 /dev/zero; exit 1"]')" \
		"$(entry short 'command: ["sh", "-c", "echo 01234; exit 1"], limits: {output: "6B"}')"
	run 0 mrprober agent reload
	until_runs long failure exit
	until_runs short failure exit
	run 0 mrprober agent logs long
	matches "$err" ': 01234; only the beginning of its output is here$'
	run 1 mrprober agent once long
	matches "$err" ': 01234; only the beginning of its output is here$'
	run 1 mrprober agent once short
	never "$err" 'only the beginning'
	step 'those of a prober that is gone, and after a restart'
	config "$(never_yet)"
	run 0 mrprober agent reload
	run 0 mrprober agent logs failures
	mrprober agent logs failures --follow >gone 2>gone.err &
	client=$!
	until_true [ -s gone ]
	stop_agent
	code=0
	wait $client || code=$?
	expect_equal 'status when the agent stops' 75 $code
	matches gone.err '^mrprober: the agent is stopping$'
	start_agent --config config.json
	run 0 mrprober agent logs failures
	expect_equal 'the last run' "$(cat shared/failures)" "$(cat "$out")"
}

test_explain()
{
	mkdir -p tree/probers/dns tree/clusters tree/recipes/r
	printf 'mrprober: 1\nenvironments: {prod: {}}\nrequired_variables: []\n' >tree/mrprober.yaml
	printf 'name: r\n' >tree/recipes/r/recipe.yaml
	printf 'name: net\nrecipe: r\n' >tree/clusters/net.yaml
	printf '#!/bin/sh\n' >tree/probers/dns/check.sh
	chmod 755 tree/probers/dns/check.sh
	cat >tree/probers/dns/prober.yaml <<-'END'
		name: A name
		command: [./check.sh, "${record}", "two words", "it's"]
		interval: 24h
		timeout: 5s
		env: {GREETING: "hello world"}
		matrix: {record: [A, AAAA]}
		limits: {memory: 64MiB}
		placements:
		  - clusters: ["n*"]
		    timeout: 3s
		    env: {FROM: first}
		  - hosts: [h1]
		    interval: 12h
		    labels: {team: blue}
		    matrix: {record: [AAAA, A]}
	END
	start_agent --config tree
	run 0 mrprober agent explain 'dns[record=A]'
	matches "$out" "^command +\./check\.sh A 'two words' 'it'\\\\''s'"
	matches "$out" '^timeout +3s +placements\[0\]$'
	matches "$out" '^interval +12h +placements\[1\]$'
	matches "$out" 'GREETING=.?hello world'
	matches "$out" 'FROM=first +placements\[0\]$'
	matches "$out" '^matrix +record=A +placements\[1\]$'
	matches "$out" '^labels +team=blue +placements\[1\]$'
	never "$out" '(GREETING|PATH)=.*placements'
	matches "$out" 'MRPROBER_PROBER=dns'
	matches "$out" 'PATH=/usr/local/sbin:'
	never "$out" '^grace.*placements'
	run 0 mrprober agent explain -o json 'dns[record=AAAA]'
	body=$out
	status=0
	request_line='explain -o json'
	expect 0 '.format_version == 1' '.run.argv == ["./check.sh", "AAAA", "two words", "it'"'"'s"]' \
		'.run.env | index("FROM=first") and index("MRPROBER_TIMEOUT=3")' '.run.timeout_ms == 3000' \
		'.run.user.name | length > 0' '.entry.interval == "12h"'
	run 64 mrprober agent explain dns
	run 1 mrprober agent explain dnss
}

pausing() { [ "$(mrprober agent status -o json "$1" | jq '.probers[0] | has("paused_until_at") or has("paused_until_ms")')" = true ]; }

test_pause()
{
	make_shared
	config "$(entry ticks 'command: ["true"]')" "$(entry held 'command: ["true"]')" "$(entry brief 'command: ["true"]')" \
		"$(entry busy 'command: ["sh", "-c", ": >'"$shared"'/began; until [ -e '"$shared"'/go ]; do sleep 0.05; done; : >'"$shared"'/ended"],
			timeout: "60s"')"
	start_agent --config config.json
	until_runs held success ok
	until_true test -e shared/began
	run 1 mrprober agent pause held no-such-prober
	! pausing held || fail 'paused, although one of those named does not exist'
	run 0 mrprober agent pause held 'bu*'
	expect_equal 'what is said' 'paused busy paused held' "$(xargs <"$out")"
	run 0 mrprober agent pause --for 2s brief
	matches "$(mrprober agent status brief >status && echo status)" '^brief .* paused [12]s'
	step 'one that runs goes on to its end'
	expect_equal running 1 "$(agent_metric mrprober_agent_running 'cluster')"
	: >shared/go
	until_true test -e shared/ended
	until_runs busy success ok
	step 'others go on'
	before=$(runs held success ok)
	busy=$(runs busy success ok)
	until_metric $(($(runs ticks success ok) + 5)) mrprober_runs_total 'prober="ticks"'
	expect_equal 'runs of the paused one' "$before" "$(runs held success ok)"
	expect_equal 'runs of the busy one' "$busy" "$(runs busy success ok)"
	expect_equal 'paused ones' 1 "$(curl -sS "$agent_url/metrics" | grep -cE '^mrprober_agent_probers_paused\{.*\} [23]$')"
	step 'a pause ends by itself'
	until_runs brief success ok
	ended() { ! pausing brief; }
	until_true ended
	step 'over a restart, and another config'
	stop_agent
	start_agent --config config.json
	until_metric 3 mrprober_runs_total 'prober="ticks"'
	pausing held || fail 'the pause did not survive a restart'
	expect_equal 'runs of the paused one' 0 "$(agent_metric mrprober_runs_total 'prober="held"')"
	config "$(entry ticks 'command: ["true"], timeout: "4s"')" "$(entry held 'command: ["true"], timeout: "4s"')"
	run 0 mrprober agent reload
	pausing held || fail 'the pause did not survive another config'
	run 0 mrprober agent resume '*'
	expect_equal 'what is said' 'resumed held' "$(xargs <"$out")"
	until_runs held success ok
	run 0 mrprober agent resume '*'
	[ ! -s "$out" ] || fail 'resumed what was not paused'
	stop_agent
	start_agent --config config.json
	until_runs held success ok
	for bad in 0s 5 -1s x; do
		run 64 mrprober agent pause --for=$bad held
	done
	run 64 mrprober agent pause
}

test_reload()
{
	config "$(entry stays 'command: ["true"]')"
	start_agent --config config.json --config-interval 24h
	until_runs stays success ok
	config "$(entry stays 'command: ["true"]')" "$(entry comes 'command: ["true"]')"
	run 0 mrprober agent reload
	matches "$out" '^config r2$'
	until_runs comes success ok
	config "$(entry stays 'command: ["true"], interval: "often"')"
	run 1 mrprober agent reload
	matches "$err" "interval: 'often' is not a duration.*; the config before stays"
	expect_equal 'lines of trouble' 1 "$(wc -l <"$err")"
	before=$(runs comes success ok)
	until_metric $((before + 2)) mrprober_runs_total 'prober="comes"'
	run 0 mrprober agent status
	matches "$out" "^config: .*'often' is not a duration"
	rm config.json
	run 1 mrprober agent reload
	config "$(entry stays 'command: ["true"]')"
	run 0 mrprober agent reload
	run 0 mrprober agent status
	never "$out" '^config: '
}

test_no_agent()
{
	export MRPROBER_SOCKET="$MRP_SCRATCH/none.sock"
	for command in status 'status --watch' 'once x' 'logs x' 'logs -f x' 'explain x' 'shell x' 'pause x' 'resume x' reload; do
		# shellcheck disable=SC2086 # words
		run 69 mrprober agent $command
		matches "$err" "no agent listens at '.*none.sock' \(start one: mrprober agent run"
	done
	step 'a socket that nobody listens at any more, and no socket at all'
	config "$(never_yet)"
	start_agent --config config.json
	kill -KILL "$agent_pid"
	wait "$agent_pid" || :
	agent_pid=
	run 69 mrprober agent status
	start_agent --config config.json
	run 0 mrprober agent status
	stop_agent
	[ ! -e agent.sock ] || fail 'the socket is left behind'
	: >file
	run 69 mrprober agent status --socket "$MRP_SCRATCH/file"
	run 64 mrprober agent status --socket "$(printf '%0200d' 0)"
	run 64 mrprober agent status --socket ''
}

# as_nobody COMMAND...: with the groups that `groups` says.
as_nobody()
{
	if [ -n "$groups" ]; then
		setpriv --reuid 65534 --regid 65534 --groups "$groups" "$@"
	else
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	fi
}

# Whoever may open the socket may ask, and that gives nobody any rights.
test_rights()
{
	for_others
	groups=
	make_shared
	config "$(entry who 'command: ["id", "-u"], interval: "24h", run_as: "daemon"')" "$(entry ticks 'command: ["true"]')"
	start_agent --config config.json --allow-user daemon
	expect_equal 'mode of the socket' 660 "$(stat -c %a agent.sock)"
	for command in status 'once who' reload 'shell who id' 'pause who'; do
		# shellcheck disable=SC2086 # words
		run 77 as_nobody mrprober agent $command
		matches "$err" 'you may not ask the agent'
	done
	step 'a member of its group'
	chgrp 4242 agent.sock
	groups=4242
	run 0 as_nobody mrprober agent status
	run 0 as_nobody mrprober agent once who
	expect_equal 'whom it runs as' "$(id -u daemon)" "$(cat "$out")"
	run 0 as_nobody mrprober agent pause who
	until_logged 'paused 1 probers, as user 65534 asks'
	run 0 as_nobody mrprober agent shell who -- id -u
	expect_equal 'whom nobody becomes' 65534 "$(cat "$out")"
	matches "$err" "you stay uid 65534: the agent runs it as 'daemon'"
	run 0 as_nobody mrprober agent shell who -- sh -c 'grep -E "^(Uid|Gid|Groups|CapEff|CapPrm):" /proc/self/status | xargs'
	expect_equal 'rights' 'Uid: 65534 65534 65534 65534 Gid: 65534 65534 65534 65534 Groups: 4242 CapPrm: 0000000000000000 CapEff: 0000000000000000' \
		"$(xargs <"$out")"
	step 'root gives its rights up'
	run 0 mrprober agent shell who id
	expect_equal 'whom root becomes' "$(id daemon)" "$(cat "$out")"
}

# It answers while thousands run.
test_many()
{
	probers=${AGENT_PROBERS:-5000}
	jq -n --argjson n "$probers" '{cluster: "net", host: "h1", environment: null, config_revision: "many", probers: [range($n) | {
		id: "p\(. + 100000)", prober: "p\(. + 100000)", name: "p", matrix: {}, labels: {}, files: {}, env: {}, command: ["true"],
		interval: "60s", timeout: "5s", grace: "100ms", overlap: "skip", output: "exit", warning_is: "failure",
		keep_logs: "failures"}]}' >config.json
	start_agent --config config.json
	until_metric 100 mrprober_runs_total
	run 0 mrprober agent status -o json
	expect_equal 'probers' "$probers" "$(jq '.probers | length' "$out")"
	expect_equal 'each once' "$probers" "$(jq -r '.probers[].id' "$out" | sort -u | wc -l)"
	run 0 mrprober agent status
	expect_equal 'lines' $((probers + 2)) "$(wc -l <"$out")"
	run 0 mrprober agent once p102345
	run 0 mrprober agent explain p102345
	run 0 mrprober agent pause 'p1*'
	expect_equal 'paused ones' "$probers" "$(wc -l <"$out")"
	run 0 mrprober agent resume 'p1*'
	expect_equal 'resumed ones' "$probers" "$(wc -l <"$out")"
	mrprober agent status | head -n 1 >first
	matches first "$probers probers"
	before=$(agent_metric mrprober_runs_total)
	until_metric $((before + 100)) mrprober_runs_total
	expect_equal 'probers that are not on time' 0 "$(agent_metric mrprober_runs_total 'reason="late"')"
}

# Too many ask at a time: those who are turned away are told to try again, and the agent goes on.
test_crowd()
{
	config "$(entry talks 'command: ["echo", "x"], keep_logs: "all"')"
	start_agent --config config.json
	until_runs talks success ok
	clients=
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36; do
		{ mrprober -q agent logs --follow talks >/dev/null 2>away.$n || echo $? >code.$n; } &
		clients="$clients $!"
	done
	four_away() { [ "$(cat code.* 2>/dev/null | wc -l)" -ge 4 ]; }
	until_true four_away
	expect_equal 'what those are told who are turned away' 75 "$(cat code.* | sort -u)"
	run 75 mrprober agent status
	matches "$err" 'answers too many others just now'
	before=$(runs talks success ok)
	until_metric $((before + 2)) mrprober_runs_total
	stop_agent # which ends all who follow
	for client in $clients; do
		wait "$client"
	done
	start_agent --config config.json
	run 0 mrprober agent status
}

# No word of success when nobody got to read it.
test_output()
{
	config "$(entry talks 'command: ["sh", "-c", "echo out; exit 1"], keep_logs: "all"')"
	start_agent --config config.json
	until_runs talks failure exit
	for command in status 'status -o json' 'once talks' 'logs talks' 'explain talks' 'explain -o json talks' 'pause talks' 'resume talks' \
		reload; do
		run 1 sh -c "exec mrprober agent $command >/dev/full"
		matches "$err" '^mrprober: '
		grep -q 'No space left on device' "$err" || fail "'$command' does not say why"
	done
	for command in status 'once talks' 'logs talks' 'explain talks'; do
		run 1 sh -c "exec mrprober agent $command >&-"
	done
	run 0 mrprober agent status
}

# Ids are what matrix values make them.
test_strange_ids()
{
	esc=$(printf '\033')
	config "$(entry 'web[url=http://a/?b=*&c]' 'command: ["echo", "a"], interval: "24h"')" \
		"$(entry 'web[url=two words]' 'command: ["echo", "b"], interval: "24h"')" \
		"$(entry "web[url='\"\$(id)\`]" 'command: ["echo", "c"], interval: "24h"')" \
		"$(entry "web[url=$esc]0;x]" 'command: ["echo", "d"], interval: "24h", keep_logs: "all"')" \
		"$(entry 'web[url=имя]' 'command: ["echo", "e"], interval: "24h"')" \
		"$(entry "web[url=a
b]" 'command: ["echo", "f"], interval: "24h"')" "$(entry 'web[url=]' 'command: ["echo", "g"], interval: "24h"')" \
		"$(entry 'web[url=*]' 'command: ["echo", "h"], interval: "24h"')"
	start_agent --config config.json
	run 0 mrprober agent status
	never "$out" "$esc"
	expect_equal 'lines' 10 "$(wc -l <"$out")"
	run 0 mrprober agent status -o json
	jq -e '.probers | length == 8' "$out" >/dev/null || fail 'not all of them'
	jq -r '.probers[].id | @base64' "$out" >ids
	while read -r id; do
		id=$(echo "$id" | base64 -d)
		run 0 mrprober agent once "$id"
		cat "$out" >>seen
		run 0 mrprober agent explain "$id"
		never "$out" "$esc"
		run 0 mrprober agent pause "$id"
		expect_equal 'of those one is paused' 1 "$(mrprober agent status -o json "$id" | jq '[.probers[] | select(has("paused_until_at") or has("paused_until_ms"))] | length')"
		run 0 mrprober agent resume "$id"
		run 0 mrprober agent shell "$id" -- true
	done <ids
	expect_equal 'what they print' 'a b c d e f g h' "$(sort seen | xargs)"
	run 64 mrprober agent once 'web*'
	run 1 mrprober agent once ''
	run 1 mrprober agent once "$esc"
	never "$err" "$esc"
	run 0 mrprober __complete agent once 'web[url=t'
	matches "$out" '^web\[url=two words\]'
}
