# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What tests share: a clean environment, an API of their own, requests, and expectations that say what they saw.
# Source it under `set -eu`; a failed expectation ends the test. MRP_SCRATCH is the test's own folder.

database=sqlite:$MRP_SCRATCH/api.sqlite # of the API that start_api starts
pg_databases=

# Nothing of the person who runs the tests may reach the program under test.
clean_environment()
{
	for variable in $(env | sed -n 's/^\(MRPROBER_[A-Z_]*\)=.*/\1/p') http_proxy https_proxy HTTP_PROXY HTTPS_PROXY \
		all_proxy ALL_PROXY no_proxy NO_PROXY NO_COLOR PAGER MANPAGER EDITOR VISUAL YC_TOKEN \
		MR_PROBER_SA_AUTHORIZED_KEY OTEL_EXPORTER_OTLP_HEADERS $(env | sed -n 's/^\(S3_[A-Z_]*\)=.*/\1/p'); do
		unset "$variable"
	done
	export HOME="$MRP_SCRATCH/.home" XDG_CONFIG_HOME="$MRP_SCRATCH/.config" XDG_STATE_HOME="$MRP_SCRATCH/.state"
	export MRPROBER_STATE_DIR="$XDG_STATE_HOME/mrprober" # root's would be the machine's
	export LC_ALL=C.UTF-8 TZ=UTC TERM=dumb
	export GIT_AUTHOR_NAME=Test GIT_AUTHOR_EMAIL=test@example.net
	export GIT_COMMITTER_NAME=Test GIT_COMMITTER_EMAIL=test@example.net GIT_CONFIG_NOSYSTEM=1
	export ASAN_OPTIONS="log_path=$MRP_SCRATCH/.sanitizer:detect_stack_use_after_return=1:${ASAN_OPTIONS-}"
	export UBSAN_OPTIONS="log_path=$MRP_SCRATCH/.sanitizer:print_stacktrace=1:${UBSAN_OPTIONS-}"
	export PATH="$MRP_RESULTS/bin:$PATH"
	mkdir -p "$HOME" "$XDG_CONFIG_HOME" "$XDG_STATE_HOME"
	umask 022
	api_pid='' api_port='' api_url=''
	trap cleanup_test EXIT
	trap 'exit 130' INT TERM
}

say() { printf '%s\n' "$*"; }

fail()
{
	say "FAILED: $*"
	exit 1
}

skip()
{
	say "$*"
	exit 77
}

# A step's name, so that the log tells how far a test came.
step() { say "-- $*"; }

show_api_logs()
{
	for api_log in "$MRP_SCRATCH"/.api*.log; do
		[ -s "$api_log" ] || continue
		say "---- ${api_log##*/}"
		tail -n 100 "$api_log"
	done
}

cleanup_test()
{
	result=$?
	trap - EXIT
	set +e
	if [ -n "$api_pid" ]; then
		kill -TERM "$api_pid" 2>/dev/null
		wait "$api_pid"
		api_code=$?
		if [ $result -eq 0 ] && [ $api_code -ne 0 ]; then
			say "FAILED: the API ended with status $api_code"
			result=1
		fi
	fi
	if [ -z "${MRP_CASE-}" ] && [ $result -ne 0 ] && [ $result -ne 77 ]; then
		show_api_logs
	fi
	if [ -n "${agent_pid-}" ]; then
		kill -TERM "$agent_pid" 2>/dev/null
		wait "$agent_pid"
		agent_code=$?
		if [ $result -eq 0 ] && [ $agent_code -ne 0 ]; then
			say "FAILED: the agent ended with status $agent_code"
			result=1
		fi
	fi
	if [ -z "${MRP_CASE-}" ] && [ $result -ne 0 ] && [ $result -ne 77 ] && [ -s "$MRP_SCRATCH/.agent.log" ]; then
		say '---- the agent'
		tail -n 100 "$MRP_SCRATCH/.agent.log"
	fi
	for pid in ${fault_pids-}; do
		kill "$pid" 2>/dev/null
	done
	[ -z "${s3_pid-}" ] || kill "$s3_pid" 2>/dev/null
	[ -z "${source_pid-}" ] || kill -KILL "$source_pid" 2>/dev/null
	[ -z "${probed_pid-}" ] || kill "$probed_pid" 2>/dev/null
	! command -v cleanup_more >/dev/null || cleanup_more
	for pg_database in $pg_databases; do
		pg_admin "DROP DATABASE IF EXISTS \"$pg_database\" WITH (FORCE)" >/dev/null
	done
	exit $result
}

# --- a database of the test's own -----------------------------------------------------------------------------------

# pg_admin SQL: prints what it gives, a row a line.
pg_admin() { psql -qAtX -v ON_ERROR_STOP=1 "$MRP_TEST_POSTGRES/postgres" -c "$1"; }

# pg_query SQL: the same in the test's own database.
pg_query() { psql -qAtX -v ON_ERROR_STOP=1 "$database" -c "$1"; }

# A new, empty database in PostgreSQL: sets database, its URL.
new_postgres()
{
	[ -n "${MRP_TEST_POSTGRES-}" ] || skip 'there is no PostgreSQL here'
	pg_database=http-$$-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
	pg_admin "CREATE DATABASE \"$pg_database\" TEMPLATE template0"
	pg_databases="$pg_databases $pg_database"
	database=$MRP_TEST_POSTGRES/$pg_database
}

# Let start_api use PostgreSQL.
use_postgres()
{
	new_postgres
	mrprober api migrate --quiet --database "$database"
}

# --- an API of the test's own --------------------------------------------------------------------------------------

# A port that nobody listens on now. Below the range that the kernel hands out for outgoing connections.
free_port()
{
	while :; do
		port=$(od -An -N2 -tu2 /dev/urandom | awk '{ print 10000 + $1 % 22000 }')
		grep -qi "^ *[0-9]*: [0-9A-F]*:$(printf '%04X' "$port") " /proc/net/tcp /proc/net/tcp6 2>/dev/null || break
	done
	say "$port"
}

# start_api [OPTION...]: on a free port with the test's own database (api.sqlite); sets api_url, api_pid. Waits until it is ready.
start_api()
{
	api_tries=0
	while :; do
		[ -n "$api_port" ] && [ $api_tries -eq 0 ] || api_port=$(free_port)
		api_url=http://127.0.0.1:$api_port
		api_log=$MRP_SCRATCH/.api.$api_port.log
		mrprober api --listen "127.0.0.1:$api_port" --database "$database" "$@" \
			>>"$api_log" 2>&1 &
		api_pid=$!
		if wait_ready; then
			break
		fi
		wait "$api_pid" || :
		api_pid=
		api_tries=$((api_tries + 1))
		if [ $api_tries -ge 5 ] || ! grep -qi 'address already in use' "$api_log"; then
			fail "the API does not start"
		fi
	done
	export MRPROBER_API_URL="$api_url"
}

wait_ready()
{
	i=0
	while [ $i -lt 600 ]; do
		[ "$(curl -s -o /dev/null -w '%{http_code}' "$api_url/readyz" || :)" != 200 ] || return 0
		kill -0 "$api_pid" 2>/dev/null || return 1
		sleep 0.05
		i=$((i + 1))
	done
	kill -KILL "$api_pid"
	return 1
}

# stop_api [SIGNAL]: its status is expected to be 0 after TERM.
stop_api()
{
	kill "-${1:-TERM}" "$api_pid"
	api_code=0
	wait "$api_pid" || api_code=$?
	api_pid=
	[ "${1:-TERM}" = KILL ] || [ $api_code -eq 0 ] || fail "the API ended with status $api_code after ${1:-TERM}"
}

# start_faults RULE...: a proxy in front of the API (or of the port fault_upstream) that spoils requests (tests/tools/faultd.c says how); sets fault_url.
start_faults()
{
	fault_port_file=$MRP_SCRATCH/.faultd.port
	rm -f "$fault_port_file" "$MRP_SCRATCH/.faultd.in"
	# it ends with its input, so that one has to stay open
	mkfifo "$MRP_SCRATCH/.faultd.in"
	fault_upstream=${fault_upstream-$api_port}
	"$MRP_BUILD/tests/faultd" --port-file "$fault_port_file" --log "$MRP_SCRATCH/.faultd.log" \
		${fault_upstream:+--upstream "$fault_upstream"} "$@" <>"$MRP_SCRATCH/.faultd.in" >/dev/null 2>"$MRP_SCRATCH/.faultd.err" &
	fault_pid=$!
	fault_pids="${fault_pids-} $fault_pid"
	i=0
	while [ ! -s "$fault_port_file" ]; do
		kill -0 "$fault_pid" 2>/dev/null || fail "faultd: $(cat "$MRP_SCRATCH/.faultd.err")"
		sleep 0.05
		i=$((i + 1))
		[ $i -lt 200 ] || fail 'faultd does not start'
	done
	fault_port=$(cat "$fault_port_file")
	# shellcheck disable=SC2034 # the tests use it
	fault_url=http://127.0.0.1:$fault_port
}

# start_s3 [OPTION...]: an S3 server that checks signatures (tests/tools/s3d.py), with its objects in s3/; sets s3_url, and
# the environment for its bucket. A second one replaces the first.
start_s3()
{
	command -v python3 >/dev/null || skip 'python3 is not installed'
	[ -z "${s3_pid-}" ] || stop_s3
	rm -f "$MRP_SCRATCH/.s3.port" "$MRP_SCRATCH/.s3.in"
	mkfifo "$MRP_SCRATCH/.s3.in"
	python3 "$MRP_ROOT/tests/tools/s3d.py" --port-file "$MRP_SCRATCH/.s3.port" --folder "$MRP_SCRATCH/s3" "$@" \
		<>"$MRP_SCRATCH/.s3.in" >"$MRP_SCRATCH/.s3.err" 2>&1 &
	s3_pid=$!
	i=0
	while [ ! -s "$MRP_SCRATCH/.s3.port" ]; do
		kill -0 "$s3_pid" 2>/dev/null || fail "s3d.py: $(cat "$MRP_SCRATCH/.s3.err")"
		sleep 0.05
		i=$((i + 1))
		[ $i -lt 400 ] || fail 's3d.py does not start'
	done
	s3_url=http://127.0.0.1:$(cat "$MRP_SCRATCH/.s3.port")
	export S3_ENDPOINT="$s3_url" S3_REGION=us-east-1 S3_LOGS_BUCKET=logs
	export S3_ACCESS_KEY_ID=AKIDEXAMPLE S3_SECRET_ACCESS_KEY=s3cret/of+the=key
}

stop_s3()
{
	kill "$s3_pid"
	wait "$s3_pid" 2>/dev/null || :
	s3_pid=
}

# start_probed: servers for probes (tests/tools/probed.c says what they answer); sets dns_port, http_port, silent_port.
start_probed()
{
	mkfifo "$MRP_SCRATCH/.probed.in"
	"$MRP_BUILD/tests/probed" <>"$MRP_SCRATCH/.probed.in" >"$MRP_SCRATCH/.probed.out" &
	probed_pid=$!
	i=0
	until grep -q silent "$MRP_SCRATCH/.probed.out"; do
		kill -0 "$probed_pid" 2>/dev/null || fail 'probed does not start'
		sleep 0.02
		i=$((i + 1))
		[ $i -lt 500 ] || fail 'probed does not start'
	done
	# shellcheck disable=SC2034 # the tests use them
	{
		dns_port=$(sed -n 's/.*dns=\([0-9]*\).*/\1/p' "$MRP_SCRATCH/.probed.out")
		http_port=$(sed -n 's/.*http=\([0-9]*\).*/\1/p' "$MRP_SCRATCH/.probed.out")
		silent_port=$(sed -n 's/.*silent=\([0-9]*\).*/\1/p' "$MRP_SCRATCH/.probed.out")
	}
}

# probe CODE REGEX TYPE ARG...: mrprober probe, whose first line of output must match and whose status must be CODE.
# Leaves its output in the file out, and perfdata in perf, one value a line.
probe()
{
	want_code=$1 want_line=$2
	shift 2
	say "probe $*"
	probe_code=0
	mrprober probe "$@" >out 2>err || probe_code=$?
	cat out err
	[ "$probe_code" = "$want_code" ] || fail "status $probe_code, not $want_code"
	if [ -n "$want_line" ]; then
		head -n 1 out | grep -Eq "^$want_line" || fail "does not match '$want_line'"
	fi
	sed -n '1s/.* | //p' out | tr ' ' '\n' >perf
}

# perf NAME: the number of that value
perf() { sed -n "s/^$1=\([0-9.e+-]*\).*/\1/p" perf; }

# is AWK-CONDITION: of numbers
is() { awk "BEGIN { exit !($1) }" || fail "it is not true that $1"; }

stop_faults()
{
	kill "$fault_pid"
	wait "$fault_pid" 2>/dev/null || :
	fault_pid=
}

# --- requests ------------------------------------------------------------------------------------------------------

# request METHOD PATH [BODY] [CURL-OPTION...]: sets status; leaves the body in $body and the headers in $headers (files).
# BODY is JSON, '' for none, or @FILE.
request()
{
	request_line="$1 $2"
	method=$1 path=$2
	shift 2
	json=
	if [ $# -gt 0 ]; then
		json=$1
		shift
	fi
	body=$MRP_SCRATCH/.body
	headers=$MRP_SCRATCH/.headers
	: >"$body"
	: >"$headers"
	[ -z "$json" ] || set -- -H 'Content-Type: application/json' --data-binary "$json" "$@"
	if [ "$method" = HEAD ]; then
		set -- -I "$@"
	else
		set -- -X "$method" "$@"
	fi
	status=$(curl -sS --path-as-is -m 60 -o "$body" -D "$headers" -w '%{http_code}' -H 'Expect:' "$@" "$api_url$path") ||
		status="curl $? (status $status)"
	say "$request_line -> $status"
}

show_answer()
{
	say "answer to $request_line: status $status"
	cat "$headers"
	head -c 4000 "$body"
	echo
}

# The value of an answer's header, without CR.
header() { awk -v name="$1" 'tolower($1) == tolower(name) ":" { sub(/^[^:]*: */, ""); sub(/\r$/, ""); print }' "$headers"; }

# expect STATUS [JQ-FILTER...]: each filter must say true of the body. STATUS may be a list: "200|204".
expect()
{
	case "|$1|" in
	*"|$status|"*) ;;
	*)
		show_answer
		fail "$request_line: status $1 expected, got $status"
		;;
	esac
	shift
	for filter; do
		jq -e "$filter" "$body" >/dev/null 2>"$MRP_SCRATCH/.jq" || {
			show_answer
			cat "$MRP_SCRATCH/.jq"
			fail "$request_line: not true of the answer: $filter"
		}
	done
}

# expect_problem STATUS [JQ-FILTER...]: an answer as RFC 9457 wants it.
expect_problem()
{
	expect_status=$1
	shift
	expect "$expect_status" 'type == "object"' ".status == $expect_status" '.title | type == "string" and length > 0' \
		'(.detail == null) or (.detail | type == "string")' \
		'(.errors == null) or (.errors | type == "array" and all(.field and .message | type == "string" or . == true))' "$@"
	case $(header Content-Type) in
	application/problem+json*) ;;
	*)
		show_answer
		fail "$request_line: content type '$(header Content-Type)' is not application/problem+json"
		;;
	esac
}

# expect_header NAME PATTERN (of the shell)
expect_header()
{
	value=$(header "$1")
	# shellcheck disable=SC2254 # a pattern is meant
	case $value in
	$2) ;;
	*)
		show_answer
		fail "$request_line: header $1 is '$value', not '$2'"
		;;
	esac
}

expect_equal() # WHAT EXPECTED ACTUAL
{
	[ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# expect_files WHAT EXPECTED-FILE ACTUAL-FILE
expect_files()
{
	diff -u "$2" "$3" || fail "$1 differs"
}

# put_blob FILE: uploads it and prints its SHA-256.
put_blob()
{
	sha=$(sha256sum <"$1" | cut -c 1-64)
	blob_status=$(curl -sS -o /dev/null -w '%{http_code}' -X PUT -H 'Content-Type: application/octet-stream' \
		--data-binary "@$1" "$api_url/v1/blobs/$sha")
	case $blob_status in
	200 | 201 | 204) say "$sha" ;;
	*)
		echo "PUT of a blob: status $blob_status" >&2
		return 1
		;;
	esac
}

# The sum of a counter's series whose labels contain each of the texts given: metric NAME [TEXT...]
metric()
{
	metric_name=$1
	shift
	curl -sS "$api_url/metrics" | awk -v name="$metric_name" '
		BEGIN { for (i = 1; i < ARGC; i++) want[i] = ARGV[i]; n = ARGC; ARGC = 1 }
		index($0, name "{") == 1 || $1 == name {
			for (i = 1; i < n; i++) if (!index($0, want[i])) next
			sum += $NF
		}
		END { printf "%d\n", sum }' "$@"
}

# All requests so far but those to /metrics and /readyz, which the tests themselves make.
requests_so_far()
{
	say $(($(metric mrprober_api_requests_total) - $(metric mrprober_api_requests_total 'route="/metrics"') - \
		$(metric mrprober_api_requests_total 'route="/readyz"')))
}

# --- other users ------------------------------------------------------------------------------------------------------

# for_others: sets `program`, which any user may run: a copy when this one lies in somebody's private folder. Needs root.
for_others()
{
	[ "$(id -u)" = 0 ] || skip 'only root can be somebody else'
	command -v setpriv >/dev/null || skip 'setpriv is not installed'
	chmod 755 "$MRP_SCRATCH"
	program=$MRP_BUILD/mrprober
	setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null || skip 'cannot become somebody else'
	! setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$program" || return 0
	program=$MRP_SCRATCH/program/mrprober
	mkdir "$MRP_SCRATCH/program"
	cp "$MRP_BUILD/mrprober" "$MRP_BUILD"/*.so "$MRP_SCRATCH/program"
	PATH=$MRP_SCRATCH/program:$PATH
}

# --- the agent's source of configs (tests/tools/sourced.c) ------------------------------------------------------------

# start_source [OPTION...]: the tool, with its output in `said` and its log in `log`; asks the API every 200 ms.
start_source()
{
	rm -f orders
	mkfifo orders
	chmod 755 "$MRP_SCRATCH"
	# appended to, so that a test may empty them
	: >said
	: >log
	"$MRP_BUILD/tests/sourced" --cluster net --host h1 --state-dir "$MRP_SCRATCH/state" --interval 200 "$@" \
		<>orders >>said 2>>log &
	source_pid=$!
	exec 9>orders
}

# stop_source [KILL]: it is told to end and has to end well, or loses its life as if the machine had lost power.
stop_source()
{
	[ -n "${source_pid-}" ] || return 0
	if [ "${1-}" = KILL ]; then
		kill -KILL "$source_pid"
	else
		order quit
	fi
	source_code=0
	wait "$source_pid" 2>/dev/null || source_code=$?
	source_pid=
	exec 9>&-
	[ "${1-}" = KILL ] || [ $source_code -eq 0 ] || fail "the source ended with status $source_code: $(cat log)"
}

order() { say "$*" >&9; }

# said PATTERN [TIMES]: waits until it has said that so often.
said()
{
	i=0
	while [ "$(grep -Ec -- "$1" said)" -lt "${2:-1}" ]; do
		[ $((i += 1)) -le 400 ] || {
			tail -n 20 said log
			fail "never said: $1"
		}
		kill -0 "$source_pid" 2>/dev/null || fail "the source has ended: $(cat log)"
		sleep 0.05
	done
}

files_root=state/agent/net/files

folders() { find "$files_root" -mindepth 1 -maxdepth 1 | wc -l; }

until_folders()
{
	i=0
	while [ "$(folders)" -ne "$1" ]; do
		[ $((i += 1)) -le 300 ] || fail "$(ls -a "$files_root"): not $1 folders"
		sleep 0.05
	done
}

# expect_run TEXT PROBER PROGRAM: what the program prints in the only folder of the prober's files.
expect_run()
{
	folder_of=$(echo "$files_root/$2"-*)
	expect_equal "what $2 prints" "$1" "$("$folder_of/$3")"
}

# --- running the program -------------------------------------------------------------------------------------------

# run EXPECTED-CODE COMMAND...: its output is left in $out and $err (files).
run()
{
	want=$1
	shift
	out=$MRP_SCRATCH/.out
	err=$MRP_SCRATCH/.err
	say "\$ $*"
	got=0
	"$@" >"$out" 2>"$err" || got=$?
	[ "$got" -eq "$want" ] || {
		show_run
		fail "exit code $want expected, got $got: $*"
	}
}

show_run()
{
	say '---- stdout'
	cat "$out"
	say '---- stderr'
	cat "$err"
}

# matches FILE PATTERN: an extended regular expression in one line of it.
matches()
{
	grep -Eq -- "$2" "$1" || {
		cat "$1"
		fail "no line matches: $2"
	}
}

never() # FILE PATTERN
{
	! grep -En -- "$2" "$1" || fail "a line matches that must not: $2"
}

# --- digests ---------------------------------------------------------------------------------------------------------

# For jq: the manageable part of an object as GET shows it. With -cS its output is what the object's digest is made of, as
# jq writes integers and strings as the digest wants them.
# shellcheck disable=SC2034 # the tests use it
canonical='del(.managed, .source, .revision, .digest, .created_at, .updated_at, .state)
	| if has("variables") then .variables |= (with_entries(select(.value.owner == "synchronize"))
		| map_values({owner, sensitive, value})) else . end'
