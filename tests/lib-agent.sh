# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What tests of a running agent share, beside lib.sh: an agent of the test's own, configs for it, what it says.

# until_true COMMAND...: waits until it succeeds; a function will do.
until_true()
{
	tries=0
	until "$@"; do
		[ $((tries += 1)) -lt 400 ] || fail "never true: $*"
		sleep 0.05
	done
}

# start_agent [OPTION...]: of cluster net on host h1, with its state in state/ and its socket where duty commands look
# for it; sets agent_pid, agent_url. The words of agent_wrapper come before the command.
agent_wrapper=
start_agent()
{
	chmod a+rx "$MRP_SCRATCH" # probers may run as another user
	export MRPROBER_SOCKET="$MRP_SCRATCH/agent.sock"
	: >"$MRP_SCRATCH/.agent.log"
	# shellcheck disable=SC2086 # words
	$agent_wrapper mrprober agent run --cluster net --host h1 --state-dir "$MRP_SCRATCH/state" --listen 127.0.0.1:0 "$@" \
		2>"$MRP_SCRATCH/.agent.log" &
	agent_pid=$!
	i=0
	while ! grep -q 'metrics at http' "$MRP_SCRATCH/.agent.log"; do
		kill -0 "$agent_pid" 2>/dev/null || fail "the agent does not start: $(cat "$MRP_SCRATCH/.agent.log")"
		[ $((i += 1)) -lt 400 ] || fail 'the agent does not start'
		sleep 0.05
	done
	agent_url=$(sed -n 's|.*metrics at \(http[^ ]*\)/metrics|\1|p' "$MRP_SCRATCH/.agent.log")
}

# Its status is expected to be 0.
stop_agent()
{
	kill -TERM "$agent_pid"
	agent_code=0
	wait "$agent_pid" || agent_code=$?
	agent_pid=
	[ $agent_code -eq 0 ] || fail "the agent ended with status $agent_code"
}

# As metric, of the agent.
# shellcheck disable=SC2034 # metric uses it
agent_metric() { (api_url=$agent_url && metric "$@"); }

# until_metric MIN NAME [TEXT...]: waits until it is at least that.
until_metric()
{
	least=$1
	shift
	i=0
	while [ "$(agent_metric "$@")" -lt "$least" ]; do
		kill -0 "$agent_pid" 2>/dev/null || fail 'the agent has ended'
		[ $((i += 1)) -lt 400 ] || fail "$* is $(agent_metric "$@"), not $least"
		sleep 0.05
	done
}

# until_logged PATTERN: waits until the agent has said so.
until_logged()
{
	i=0
	while ! grep -Eq -- "$1" "$MRP_SCRATCH/.agent.log"; do
		kill -0 "$agent_pid" 2>/dev/null || fail 'the agent has ended'
		[ $((i += 1)) -lt 400 ] || fail "never logged: $1"
		sleep 0.05
	done
}

# entry ID MEMBERS [JQ-OPTION...]: one of a config; MEMBERS say what differs from a program that runs each 200 ms.
entry()
{
	entry_id=$1 entry_members=$2
	shift 2
	jq -cn --arg id "$entry_id" "$@" "{id: \$id, prober: (\$id | split(\"[\")[0]), name: \$id, matrix: {}, labels: {}, files: {},
		env: {}, interval: \"200ms\", timeout: \"5s\", grace: \"100ms\", overlap: \"skip\", output: \"exit\",
		warning_is: \"failure\", keep_logs: \"failures\"} + {$entry_members}"
}

# config ENTRY...: config.json, replaced as an editor does.
config()
{
	printf '%s\n' "$@" | jq -s '{cluster: "net", host: "h1", environment: null, config_revision: "r\(length)", probers: .}' >config.new
	mv config.new config.json
}

runs() { agent_metric mrprober_runs_total "prober=\"$1\"" "status=\"$2\"" "reason=\"$3\""; }

until_runs() { until_metric 1 mrprober_runs_total "prober=\"$1\"" "status=\"$2\"" "reason=\"$3\""; }

# until_status PATTERN [PROBER...]: waits until a line of the status matches. On a busy machine any run may be late.
until_status()
{
	pattern=$1
	shift
	# shellcheck disable=SC2317 # until_true calls it
	status_matches() { mrprober agent status "$@" | grep -Eq -- "$pattern"; }
	until_true status_matches "$@"
}

# A folder that every prober may write to: shared/.
make_shared()
{
	mkdir -p shared
	chmod 777 shared
	# shellcheck disable=SC2034 # tests use it
	shared=$MRP_SCRATCH/shared
}

# The number of a process that wrote it to a file is no process's any more.
is_gone() { [ -s "$1" ] && ! kill -0 "$(tail -n 1 "$1")" 2>/dev/null; }

# Processes of probers that are marked by MRP_TEST=$MRP_SCRATCH in their environment.
leftovers() { grep -lzFx "MRP_TEST=$MRP_SCRATCH" /proc/[0-9]*/environ 2>/dev/null || :; }

no_leftovers() { [ -z "$(leftovers)" ]; }

# hostile ID MODE [ARGUMENT-AND-MEMBERS]: an entry that runs tests/tools/hostile.c. Each is marked by MRP_TEST.
hostile()
{
	entry "$1" "command: [\$program, $2], env: {MRP_TEST: \$test}${3:+, $3}" --arg program "$hostile" --arg test "$MRP_SCRATCH"
}

# The program where every user can run it, as the build folder may be nobody else's to enter.
make_hostile()
{
	make_shared
	hostile=$shared/hostile
	cp "$MRP_BUILD/tests/hostile" "$hostile"
}
