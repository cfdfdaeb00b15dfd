#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Measure mrprober against the least the same work can cost, in turn and in the same run, and
# print a table of medians and ratios. See README.md beside this file for what they mean.
set -eu
LC_ALL=C
export LC_ALL

usage() {
	cat <<-'TEXT'
	usage: tests/bench/run.sh [OPTIONS] [load|sync|api|agents|postgres|startup|metrics|spawn|probes|agent|agent-slow|floors|all]...

	  load      load and check a tree; compare it with an API that has the same
	  sync      put a tree into an empty API, then 100 changes
	  api       reads, writes and lists of the HTTP API
	  agents    agents that ask for their config, which has not changed
	  postgres  reads and writes of the HTTP API over PostgreSQL
	  startup   start of the program
	  metrics   pages of an agent's metrics
	  spawn     run programs, as the agent does
	  probes    built-in checks, against bare libcurl, blackbox_exporter and fping
	  agent     checks run by the agent, by Nagios and by Icinga: 2 minutes a pair
	  agent-slow  5,000 checks at 30 s, and memory: 80 seconds a pair
	  floors    the floors alone, without mrprober
	  all       all but agent, agent-slow and the floors; without probes the default

	  --count N      probers in the tree (default 10000)
	  --pairs N      how often each measurement is made (default 3)
	  --seconds S    length of each measurement under load (default 2)
	  --markdown     print the table as Markdown
	  --strict       exit 1 when a figure misses its aim

	MRPROBER is the program to measure (default build/release/mrprober),
	BENCH_BUILD the folder to build the benchmark programs in (default build/bench),
	TMPDIR where trees and databases go: it should be on a disk, not in memory.
	TEXT
}

fail() {
	echo "run.sh: $*" >&2
	exit 1
}

bad_usage() {
	echo "run.sh: $*" >&2
	usage >&2
	exit 64
}

say() {
	echo "run.sh: $*" >&2
}

# --- options ---

count=10000
pairs=3
seconds=2
format=text
strict=
figures=
changes=100 # of the second synchronize

while [ $# -gt 0 ]; do
	case $1 in
	--count | --pairs | --seconds)
		[ $# -ge 2 ] || bad_usage "$1 needs a value"
		case $2 in
		'' | *[!0-9]* | 0) bad_usage "$1: '$2' is not a number above 0" ;;
		esac
		case $1 in
		--count) count=$2 ;;
		--pairs) pairs=$2 ;;
		--seconds) seconds=$2 ;;
		esac
		shift
		;;
	--markdown) format=markdown ;;
	--strict) strict=1 ;;
	-h | --help)
		usage
		exit 0
		;;
	load | sync | api | agents | postgres | startup | metrics | spawn | probes | agent | agent-slow | floors) figures="$figures $1" ;;
	all) figures="$figures startup metrics spawn sync load agents api postgres probes" ;;
	*) bad_usage "unknown argument '$1'" ;;
	esac
	shift
done
[ -n "$figures" ] || figures="startup metrics spawn sync load agents api postgres"
[ "$count" -ge "$changes" ] || changes=$count

wanted() {
	case " $figures " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# --- programs ---

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
bin=${BENCH_BUILD:-$top/build/bench}
mrprober=${MRPROBER:-$top/build/release/mrprober}

if [ "$figures" != " floors" ]; then
	[ -x "$mrprober" ] || fail "no program at '$mrprober': build it first, or set MRPROBER"
	mrprober=$(cd "$(dirname "$mrprober")" && pwd)/$(basename "$mrprober")
fi
mkdir -p "$bin"
if [ ! -f "$bin/CMakeCache.txt" ] && command -v ninja >/dev/null; then
	export CMAKE_GENERATOR="${CMAKE_GENERATOR:-Ninja}"
fi
mrprober_lib=$(find "$(dirname "$mrprober")" -maxdepth 1 -name 'libmrprober-*.so' 2>/dev/null | head -n 1)
if ! { cmake -S "$here" -B "$bin" -DCMAKE_BUILD_TYPE=RelWithDebInfo "-DMRP_LIB=$mrprober_lib" &&
	cmake --build "$bin" --target bench; } >"$bin/build.log" 2>&1; then
	cat "$bin/build.log" >&2
	fail "cannot build the benchmark programs"
fi

# --- scratch folder; nothing outside of it is read or written by what is measured ---

work=$(mktemp -d "${TMPDIR:-/tmp}/mrprober-bench.XXXXXX")
servers= # process ids
scratch= # further folders

clean_up() {
	trap - EXIT INT TERM HUP
	for pid in $servers; do
		if kill "$pid" 2>/dev/null; then
			wait "$pid" 2>/dev/null || :
		fi
	done
	# shellcheck disable=SC2086
	rm -rf "$work" $scratch
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT
trap 'clean_up; exit 143' TERM HUP

for name in $(env | sed -n 's/^\(MRPROBER_[A-Za-z0-9_]*\)=.*/\1/p'); do
	unset "$name"
done
HOME=$work/home
XDG_CONFIG_HOME=$work/home/config
XDG_STATE_HOME=$work/home/state
XDG_CACHE_HOME=$work/home/cache
MRPROBER_STATE_DIR=$work/home/state/mrprober
export HOME XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME MRPROBER_STATE_DIR
mkdir -p "$XDG_CONFIG_HOME" "$MRPROBER_STATE_DIR" "$XDG_CACHE_HOME" "$work/samples"

tree=$work/tree
slugs=$work/slugs

# --- samples: a file per measurement, a number per line and pair ---

# value KEY: that value from a line of KEY=VALUE words on standard input
value() {
	tr ' ' '\n' | sed -n "s/^$1=//p"
}

# sample NAME NUMBER
sample() {
	[ -n "$2" ] || fail "no number for '$1'"
	echo "$2" >>"$work/samples/$1"
}

# take NAME KEY LINE: a sample from one line of a program's output
take() {
	sample "$1" "$(echo "$3" | value "$2")"
}

median() {
	sort -n "$work/samples/$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# ratios OVER UNDER: median, least and greatest of OVER/UNDER, pair by pair
ratios() {
	paste "$work/samples/$1" "$work/samples/$2" | awk '{ print $1 / $2 }' | sort -n |
		awk '{ v[NR] = $1 } END { printf "%.4f %.4f %.4f\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2, v[1], v[NR] }'
}

# --- the table; columns are separated by tabs: figure, unit, floor, mrprober, ratio, aim, verdict ---

table=$work/table
: >"$table"

row() {
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$table"
}

# verdict NUMBER AIM, where AIM is such as "<= 1.7"; an empty aim has no verdict
verdict() {
	[ -n "$2" ] || return 0
	echo "$1 $2" | awk '{
		ok = $2 == "<=" ? $1 <= $3 : $2 == ">=" ? $1 >= $3 : $2 == "<" ? $1 < $3 : $1 == $3
		print ok ? "ok" : "MISSED"
	}'
}

# row_ratio FIGURE UNIT FLOOR-SAMPLES SAMPLES AIM
row_ratio() {
	set -- "$1" "$2" "$(median "$3")" "$(median "$4")" "$(ratios "$4" "$3")" "$5"
	row "$1" "$2" "$3" "$4" "$5" "$6" "$(verdict "${5%% *}" "$6")"
}

# row_value FIGURE UNIT SAMPLES AIM: the aim is for the value itself
row_value() {
	set -- "$1" "$2" "$(median "$3")" "$4"
	row "$1" "$2" - "$3" - "$4" "$(verdict "$3" "$4")"
}

# row_each FIGURE UNIT SAMPLES AIM: the aim is for every single sample
row_each() {
	each=ok
	while read -r one; do
		[ "$(verdict "$one" "$4")" = ok ] || each=MISSED
	done <"$work/samples/$3"
	row "$1" "$2" - "$(sort -nu "$work/samples/$3" | paste -sd, -)" - "$4" "$each"
}

row_floor() {
	row "$1" "$2" "$(median "$3")" - - "" ""
}

print_table() {
	awk -F '\t' -v format="$format" '
	function number(text) {
		if (text !~ /^[0-9.]+$/)
			return text
		if (text >= 1000 || text == int(text))
			return sprintf("%.0f", text)
		return sprintf(text >= 100 ? "%.1f" : "%.2f", text)
	}
	function ratio(text,   part) {
		if (split(text, part, " ") != 3)
			return text
		return sprintf("%.2f (%.2f-%.2f)", part[1], part[2], part[3])
	}
	function line(a, b, c, d, e, f, g) {
		n++
		cell[n, 1] = a; cell[n, 2] = b; cell[n, 3] = c; cell[n, 4] = d
		cell[n, 5] = e; cell[n, 6] = f; cell[n, 7] = g
		for (i = 1; i <= 7; i++)
			if (length(cell[n, i]) > width[i])
				width[i] = length(cell[n, i])
	}
	BEGIN { line("figure", "unit", "floor", "mrprober", "ratio (range)", "aim", "verdict") }
	{ line($1, $2, number($3), number($4), ratio($5), $6, $7) }
	END {
		for (j = 1; j <= n; j++) {
			text = ""
			for (i = 1; i <= 7; i++) {
				left = i <= 2 || i >= 5
				padded = sprintf(left ? "%-*s" : "%*s", width[i], cell[j, i])
				text = text (format == "markdown" ? "| " padded " " : (i > 1 ? "  " : "") padded)
			}
			if (format == "markdown")
				text = text "|"
			else
				sub(/ +$/, "", text)
			print text
			if (format == "markdown" && j == 1) {
				text = ""
				for (i = 1; i <= 7; i++) {
					dashes = sprintf("%*s", width[i], "")
					gsub(/ /, "-", dashes)
					text = text "| " dashes " "
				}
				print text "|"
			}
		}
	}' "$table"
}

print_machine() {
	cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
	echo "machine: ${cpu:-unknown processor}, $(getconf _NPROCESSORS_ONLN) CPUs, $(uname -sr), scratch on $(stat -f -c %T "$work")"
	echo "tree: $count probers; medians of $pairs runs; load average before: $load_before"
}

# --- servers ---

# wait_for PID URL LOG: until the server answers
wait_for() {
	tries=0
	until "$bin/loadgen" body "$2" >/dev/null 2>&1; do
		tries=$((tries + 1))
		if [ $tries -gt 200 ] || ! kill -0 "$1" 2>/dev/null; then
			tail -n 20 "$3" >&2
			fail "the server at $2 does not answer"
		fi
		sleep 0.1
	done
}

# start_api [URL]: the API with an empty database; sets api_pid and api_url.
start_api() {
	api_number=$((${api_number:-0} + 1))
	folder=$work/api-$api_number
	mkdir "$folder"
	api_url=http://127.0.0.1:$("$bin/loadgen" free-port)
	"$mrprober" api --listen "${api_url#http://}" --database "${1:-sqlite:$folder/mrprober.sqlite}" \
		--max-connections 12000 --max-connections-per-address 12000 >"$folder/log" 2>&1 &
	api_pid=$!
	servers="$servers $api_pid"
	wait_for "$api_pid" "$api_url/readyz" "$folder/log"
}

# stop PID: ask it to end, and insist that it does so in good order
stop() {
	kill "$1" 2>/dev/null || fail "a server ended before it was asked to"
	code=0
	wait "$1" || code=$?
	[ "$code" = 0 ] || [ "$code" = 143 ] || fail "a server ended with exit code $code"
	rest=
	for pid in $servers; do
		[ "$pid" = "$1" ] || rest="$rest $pid"
	done
	servers=$rest
}

start_floor_http() {
	"$bin/floor-http-read" "$work/floor-http.sqlite" "$slugs" >"$work/floor-http.port" &
	floor_pid=$!
	servers="$servers $floor_pid"
	tries=0
	while [ ! -s "$work/floor-http.port" ]; do
		tries=$((tries + 1))
		if [ $tries -gt 200 ] || ! kill -0 "$floor_pid" 2>/dev/null; then
			fail "the floor server does not start"
		fi
		sleep 0.1
	done
	floor_url=http://127.0.0.1:$(value port <"$work/floor-http.port")
}

# Requests that the API has answered so far, without those of this script.
api_requests() {
	"$bin/loadgen" body "$api_url/metrics" | awk '
		/^mrprober_api_requests_total\{/ && !/route="\/(metrics|readyz|healthz)"/ { n += $NF }
		END { printf "%d\n", n }'
}

# --- measurements ---

# measure NAME COMMAND...: one run; samples NAME-ms and NAME-mib
measure() {
	name=$1
	shift
	result=$("$bin/startup" -n 1 "$@") || fail "'$*' failed, so there is nothing to measure"
	take "$name-ms" wall_ms "$result"
	sample "$name-mib" "$(echo "$result" | value rss_kib | awk '{ print $1 / 1024 }')"
}

# measure_requests NAME COMMAND...: the same, and the API's requests as sample NAME-requests
measure_requests() {
	before=$(api_requests)
	measure "$@"
	sample "$1-requests" $(($(api_requests) - before))
}

floor_load() {
	result=$("$bin/floor-load" "$tree")
	sample floor-load-ms "$(echo "$result" | value sum_seconds | awk '{ print $1 * 1000 }')"
}

synchronize() {
	"$mrprober" synchronize --yes --api-url "$api_url" "$tree" >/dev/null ||
		fail "synchronize failed"
}

# An API that has all of the tree, for the figures that need one.
need_api_in_sync() {
	if [ -z "${api_pid:-}" ]; then
		say "filling an API"
		start_api
		synchronize
	fi
}

figure_load() {
	need_api_in_sync
	rm -f "$work"/samples/floor-load-ms
	"$mrprober" synchronize --validate "$tree" >/dev/null || fail "the tree is not valid"
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "load: $pair of $pairs"
		floor_load
		measure validate "$mrprober" synchronize --validate "$tree"
		measure_requests check "$mrprober" synchronize --check --api-url "$api_url" "$tree"
	done
	row_ratio "load and check $count (--validate)" ms floor-load-ms validate-ms "<= 1.7"
	row_ratio "in sync (--check), over --validate" ms validate-ms check-ms "<= 1.2"
	row_each "in sync: requests" count check-requests "== 1"
	row_value "in sync: peak resident size" MiB check-mib "< 100"
}

figure_sync() {
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "sync: $pair of $pairs"
		[ -z "${api_pid:-}" ] || stop "$api_pid"
		start_api
		floor_load
		measure_requests first "$mrprober" synchronize --yes --api-url "$api_url" "$tree"
		"$bin/gen-configs" -n "$count" -r "$changes" -R "$pair" "$tree"
		measure_requests change "$mrprober" synchronize --yes --api-url "$api_url" "$tree"
		"$mrprober" synchronize --check --api-url "$api_url" "$tree" >/dev/null ||
			fail "the API differs from the tree after a synchronize"
	done
	row_ratio "first synchronize of $count, over loading" ms floor-load-ms first-ms ""
	row_value "first synchronize: requests" count first-requests ""
	row_value "first synchronize: peak resident size" MiB first-mib ""
	row_ratio "synchronize $changes changes, over loading" ms floor-load-ms change-ms ""
	row_value "synchronize $changes changes: requests" count change-requests ""
}

# load_server NAME URL PID MODE CLIENTS: samples NAME-rps, NAME-cpu and NAME-p99
load_server() {
	result=$("$bin/loadgen" -c "$5" -w 0.3 -t "$seconds" -l "$slugs" -p "$3" "$4" "$2/v1/probers/{slug}") ||
		fail "the server at $2 refused some of the load"
	take "$1-rps" rps "$result"
	take "$1-cpu" server_cpu_us "$result"
	take "$1-p99" p99_us "$result"
}

read_pages() {
	result=$("$bin/loadgen" -r 5 -e "$count" pages "$2/v1/probers?page_size=1000") ||
		fail "the server at $2 does not list $count probers"
	take "$1-ms" ms "$result"
}

floor_commit() {
	result=$("$bin/floor-commit" -t "$seconds" "$work/floor-commit.sqlite" "$slugs")
	take floor-commit commits_per_second "$result"
}

figure_api() {
	need_api_in_sync
	start_floor_http
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "api: $pair of $pairs"
		load_server floor-get "$floor_url" "$floor_pid" get 32
		load_server get "$api_url" "$api_pid" get 32
		read_pages floor-pages "$floor_url"
		read_pages pages "$api_url"
		floor_commit
		load_server patch1 "$api_url" "$api_pid" patch 1
		load_server patch32 "$api_url" "$api_pid" patch 32
	done
	stop "$floor_pid"
	row_ratio "GET one prober, 32 clients" req/s floor-get-rps get-rps ">= 0.7"
	row_ratio "GET one prober: server CPU" us/req floor-get-cpu get-cpu ""
	row_ratio "GET one prober: p99" us floor-get-p99 get-p99 ""
	row_ratio "list of $count by pages of 1000" ms floor-pages-ms pages-ms ""
	row_value "list of $count: time" ms pages-ms "< 100"
	row_ratio "PATCH, 1 client, over commits" req/s floor-commit patch1-rps ">= 0.6"
	row_ratio "PATCH, 32 clients, over commits" req/s floor-commit patch32-rps ">= 1.5"
	row_value "PATCH, 32 clients: p99" us patch32-p99 ""
	stop "$api_pid" # its content now differs from the tree
	api_pid=
}

# poll NAME URL PID OPTION...: agents of as many hosts as there are slugs ask for what they have
poll() {
	name=$1 url=$2 pid=$3
	shift 3
	result=$("$bin/loadgen" "$@" -l "$slugs" -p "$pid" -E "$etag" get "$url$config_path") ||
		fail "the server at $url had something else to say than that nothing has changed"
	take "$name-rps" rps "$result"
	take "$name-cpu" server_cpu_us "$result"
	take "$name-p99" p99_us "$result"
	take "$name-share" server_share "$result"
	sample "$name-mib" "$(echo "$result" | value server_rss_kib | awk '{ print $1 / 1024 }')"
}

figure_agents() {
	config_path='/v1/agent-config?cluster=bench-a&host={slug}'
	need_api_in_sync
	start_floor_http
	etag=$("$bin/loadgen" body "$api_url/v1/agent-config?cluster=bench-a&host=h" |
		sed -n '1s/.*"config_revision":"\([0-9a-f]*\)".*/"\1"/p')
	[ -n "$etag" ] || fail "the API has no agent-config"
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "agents: $pair of $pairs"
		poll floor-poll "$floor_url" "$floor_pid" -c 32 -w 0.3 -t "$seconds"
		poll poll "$api_url" "$api_pid" -c 32 -w 0.3 -t "$seconds"
		# 10,000 agents that ask every 60 s, each on a connection of its own: all ask at first, then in turns
		poll floor-slow "$floor_url" "$floor_pid" -c 10000 -R 167 -w 3 -t $((seconds * 5))
		poll slow "$api_url" "$api_pid" -c 10000 -R 167 -w 3 -t $((seconds * 5))
	done
	stop "$floor_pid"
	row_ratio "unchanged agent-config, 32 clients" req/s floor-poll-rps poll-rps ">= 0.7"
	row_ratio "unchanged agent-config: server CPU" us/req floor-poll-cpu poll-cpu ""
	row_ratio "10,000 agents at 60 s: share of a core" "of 1" floor-slow-share slow-share ""
	row_ratio "10,000 agents at 60 s: p99" us floor-slow-p99 slow-p99 ""
	row_ratio "10,000 agents at 60 s: resident size" MiB floor-slow-mib slow-mib ""
}

# floor_postgres WHAT: sample floor-pg-WHAT
floor_postgres() {
	result=$("$bin/floor-postgres" -t "$seconds" "$1" "$pg_floor_url" "$slugs") || fail "PostgreSQL fails"
	take "floor-pg-$1" per_second "$result"
}

figure_postgres() {
	# shellcheck source=tests/postgres.sh
	. "$top/tests/postgres.sh"
	if [ ! -x "$bin/floor-postgres" ] || [ ! -x "$bin/store-read" ] || [ -z "$(postgres_programs)" ]; then
		say "postgres: left out, it needs a server, libpq, and the library beside the program"
		return
	fi
	pg_folder=$(mktemp -d "${TMPDIR:-/tmp}/mrprober-pg.XXXXXX")
	postgres_start "$pg_folder" 'checkpoint_timeout = 1h' 'max_wal_size = 4GB' || fail "PostgreSQL does not start: $(cat "$pg_folder/log" "$pg_folder/start.log")"
	# by TCP, as several machines have it
	pg_url() { echo "$postgres_url/$1"; }
	psql -qX "$(pg_url postgres)" -c 'CREATE DATABASE api' -c 'CREATE DATABASE floor'
	pg_floor_url=$(pg_url floor)
	"$mrprober" api migrate --quiet --database "$(pg_url api)"
	start_api "$(pg_url api)"
	synchronize
	psql -qX "$(pg_url api)" -c 'VACUUM ANALYZE'
	# names that fit a request target
	per_list=$((7500 / ($(head -n 1 "$slugs" | wc -c))))
	paste -sd "$(printf '%*s' $((per_list - 1)) '' | tr ' ' ,)\\n" "$slugs" | head -n $(($(wc -l <"$slugs") / per_list)) >"$work/lists"
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "postgres: $pair of $pairs"
		floor_postgres read
		result=$("$bin/store-read" -t "$seconds" "$(pg_url api)" "$slugs") || fail "the store fails"
		take pg-read per_second "$result"
		result=$("$bin/loadgen" -c 1 -w 0.3 -t "$seconds" -l "$work/lists" -p "$api_pid" get \
			"$api_url/v1/probers?page_size=1000&slug={slug}") || fail "the API refused some of the load"
		sample pg-lists "$(echo "$result" | value rps | awk -v n="$per_list" '{ print $1 * n }')"
		load_server pg-get "$api_url" "$api_pid" get 32
		read_pages pg-pages "$api_url"
		floor_postgres commit
		load_server pg-patch1 "$api_url" "$api_pid" patch 1
		load_server pg-patch32 "$api_url" "$api_pid" patch 32
	done
	row_ratio "PostgreSQL: read many, one connection" /s floor-pg-read pg-read ">= 4"
	row_ratio "PostgreSQL: HTTP, lists of $per_list slugs" /s floor-pg-read pg-lists ""
	row_ratio "PostgreSQL: GET one prober, 32 clients" req/s floor-pg-read pg-get-rps ""
	row_value "PostgreSQL: list of $count: time" ms pg-pages-ms ""
	row_ratio "PostgreSQL: PATCH, 1 client, over commits" req/s floor-pg-commit pg-patch1-rps ""
	row_ratio "PostgreSQL: PATCH, 32 clients, over commits" req/s floor-pg-commit pg-patch32-rps ""
	stop "$api_pid"
	api_pid=
}

# start NAME COMMAND...: sample NAME-ms, a median of 40 starts
start() {
	name=$1
	shift
	result=$("$bin/startup" -w 2 -n 40 "$@") || fail "'$*' failed, so there is nothing to measure"
	take "$name-ms" wall_ms "$result"
}

figure_startup() {
	small=$work/small
	"$bin/gen-configs" -n 3 "$small"
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "startup: $pair of $pairs"
		start empty "$bin/empty"
		start version "$mrprober" version
		start help "$mrprober" help
		start complete "$mrprober" __complete syn
		start small "$mrprober" synchronize --validate "$small"
		start linked "$bin/linked"
	done
	row_ratio "start: version, over an empty program" ms empty-ms version-ms "<= 1.5"
	row_ratio "start: version, over all libraries linked" ms linked-ms version-ms ""
	row_ratio "start: help, over an empty program" ms empty-ms help-ms ""
	row_ratio "start: __complete syn, over an empty program" ms empty-ms complete-ms ""
	row_ratio "start: --validate of 3 probers, over an empty program" ms empty-ms small-ms ""
}

# The library from within: no program has 10,000 probers that never run.
figure_metrics() {
	pages=$(dirname "$mrprober")/tests/metrics-page
	[ -x "$pages" ] || fail "no program at '$pages': build all of the release"
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "metrics: $pair of $pairs"
		result=$("$pages" -n "$count") || fail "'$pages' failed"
		take page-copy-ms copy_ms "$result"
		take page-ms page_ms "$result"
		take page-series series "$result"
		take page-prober-bytes prober_bytes "$result"
		take page-record-ns record_ns "$result"
		take page-record-max record_max_us "$result"
		take page-blocked blocked "$result"
		take page-verdict-ns verdict_ns "$result"
	done
	row_ratio "page of $count probers, over copying it" ms page-copy-ms page-ms ""
	row_value "page of $count probers: time" ms page-ms "< 100"
	row_value "page of $count probers: series" count page-series ""
	row_value "metrics: memory for a prober" bytes page-prober-bytes "<= 1024"
	row_value "record a verdict while pages are made" ns page-record-ns ""
	row_value "record a verdict: longest" us page-record-max ""
	row_each "record a verdict: sleeps for a lock" count page-blocked "== 0"
	row_value "read the output of a plugin" ns page-verdict-ns "<= 1000"
}

# Both run the same programs, as many in the same time as they can.
spawn_programs() {
	result=$("$bin/$1" -n $((seconds * 2000)) "$bin/empty") || fail "'$1' could not run '$bin/empty'"
	take "$1-rps" per_second "$result"
	take "$1-cpu" own_cpu_us "$result"
}

figure_spawn() {
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "spawn: $pair of $pairs"
		spawn_programs floor-spawn
		spawn_programs spawn
	done
	row_ratio "run a program" /s floor-spawn-rps spawn-rps ">= 0.85"
	row_ratio "run a program: own CPU, over the floor" us floor-spawn-cpu spawn-cpu ""
	row_value "run a program: own CPU" us spawn-cpu "<= 70"
}

# --- probes: peers are Debian packages; what is not installed is left out, and said ---

have() {
	command -v "$1" >/dev/null && return 0
	say "probes: no $1 here, so nothing is compared with it"
	return 1
}

# rate NAME MICROSECONDS: sample NAME of how many fit into a second of a processor
rate() {
	sample "$1" "$(echo "$2" | awk '{ print 1e6 / $1 }')"
}

# probe_load NAME N P PROBE [PER-CHECK]: samples NAME-cpu (us) and NAME (checks a CPU second) of the agent's engine
probe_load() {
	result=$("$(dirname "$mrprober")/tests/probeload" "$2" "$3" "$4") || fail "a probe of '$4' failed"
	one=$(echo "$result" | value cpu_us | awk -v per="${5:-1}" '{ print $1 / per }')
	sample "$1-cpu" "$one"
	rate "$1" "$one"
}

# floor_curl NAME N P URL: the same of bare libcurl
floor_curl() {
	result=$("$bin/floor-curl" "$2" "$3" "$4" "$work/web/cert.pem") || fail "bare libcurl does not get '$4'"
	take "$1-cpu" cpu_us "$result"
	rate "$1" "$(echo "$result" | value cpu_us)"
}

# blackbox NAME MODULE TARGET: the same of blackbox_exporter, asked by 16 clients
blackbox() {
	"$bin/loadgen" body "$blackbox_url/probe?module=$2&target=$3" | grep -q '^probe_success 1$' ||
		fail "blackbox_exporter finds '$3' broken"
	result=$("$bin/loadgen" -c 16 -w 0.3 -t "$seconds" -p "$blackbox_pid" get "$blackbox_url/probe?module=$2&target=$3") ||
		fail "blackbox_exporter does not answer"
	take "$1-cpu" server_cpu_us "$result"
	rate "$1" "$(echo "$result" | value server_cpu_us)"
}

start_web() {
	web=$work/web web_port=$("$bin/loadgen" free-port) tls_port=$("$bin/loadgen" free-port)
	mkdir -p "$web/logs" "$web/html"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$web/key.pem" -out "$web/cert.pem" 2>"$web/openssl.log" ||
		fail "openssl makes no certificate"
	cat >"$web/nginx.conf" <<-TEXT
		worker_processes 1; daemon off; master_process off; pid logs/nginx.pid; error_log logs/error.log error;
		events { worker_connections 8192; multi_accept on; }
		http { access_log off; client_body_temp_path logs; proxy_temp_path logs; fastcgi_temp_path logs;
		uwsgi_temp_path logs; scgi_temp_path logs;
		server { listen 127.0.0.1:$web_port backlog=8192; root html; location = /h { return 200 'ok'; } }
		server { listen 127.0.0.1:$tls_port ssl backlog=8192; ssl_certificate $web/cert.pem;
		ssl_certificate_key $web/key.pem; location = /h { return 200 'ok'; } } }
	TEXT
	nginx -p "$web" -c "$web/nginx.conf" >"$web/log" 2>&1 &
	web_pid=$!
	servers="$servers $web_pid"
	wait_for "$web_pid" "http://127.0.0.1:$web_port/h" "$web/log"
}

start_blackbox() {
	cat >"$work/blackbox.yml" <<-TEXT
		modules:
		  http: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, tls_config: {ca_file: $work/web/cert.pem}}}
		  tcp: {prober: tcp, timeout: 5s}
	TEXT
	blackbox_url=http://127.0.0.1:$("$bin/loadgen" free-port)
	prometheus-blackbox-exporter --config.file="$work/blackbox.yml" --log.level=error \
		--web.listen-address="${blackbox_url#http://}" >"$work/blackbox.log" 2>&1 &
	blackbox_pid=$!
	servers="$servers $blackbox_pid"
	wait_for "$blackbox_pid" "$blackbox_url/-/healthy" "$work/blackbox.log"
}

# 1,000 targets, 50 requests each, 10 ms between those to the same one; fping wants as much
probe_pings() {
	probe_load pings 2000 1000 '{"icmp": {"host": "127.1.%T", "count": 50, "interval": "10ms"}}' 50
	result=$("$bin/startup" -n 1 fping -q -C 50 -i 0 -p 10 -g 127.0.0.1 127.0.3.232 2>/dev/null) || fail "fping lost some"
	rate fping "$(echo "$result" | value cpu_ms | awk '{ print $1 * 1000 / 50000 }')"
}

probe_pair() {
	http="http://127.0.0.1:$web_port/h" https="https://127.0.0.1:$tls_port/h"
	trust="\"ca_cert\": \"$work/web/cert.pem\""

	floor_curl curl-http 20000 16 "$http"
	probe_load http 20000 16 "{\"http\": {\"url\": \"$http\"}}"
	floor_curl curl-https 2000 16 "$https"
	probe_load https 2000 16 "{\"http\": {\"url\": \"$https\", $trust}}"
	probe_load tls 2000 16 "{\"tls\": {\"host\": \"127.0.0.1\", \"port\": $tls_port, $trust, \"min_validity\": \"1d\"}}"
	result=$("$bin/floor-tcp" 20000 "$web_port") || fail "nobody answers at port $web_port"
	take connect-cpu cpu_us "$result"
	probe_load tcp 20000 16 "{\"tcp\": {\"host\": \"127.0.0.1\", \"port\": $web_port}}"
	[ -n "$blackbox_url" ] || return 0
	blackbox blackbox-http http "$http"
	blackbox blackbox-https http "$https"
	blackbox blackbox-tcp tcp "127.0.0.1:$web_port"
}

figure_probes() {
	have nginx || return 0
	blackbox_url=
	fping=
	start_web
	! have prometheus-blackbox-exporter || start_blackbox
	! have fping || fping=1
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "probes: $pair of $pairs"
		probe_pair
		[ -z "$fping" ] || probe_pings
	done
	row_ratio "http, over bare libcurl" "/CPU s" curl-http http ">= 0.8"
	row_ratio "https, over bare libcurl: CPU" us curl-https-cpu https-cpu "<= 1.15"
	row_ratio "tls, over bare libcurl: CPU" us curl-https-cpu tls-cpu "<= 1.15"
	row_ratio "tcp, over a bare connect: CPU" us connect-cpu tcp-cpu "<= 1.25"
	if [ -n "$blackbox_url" ]; then
		row_ratio "http, over blackbox_exporter" "/CPU s" blackbox-http http ">= 6"
		row_ratio "https, over blackbox_exporter" "/CPU s" blackbox-https https ""
		row_ratio "tcp, over blackbox_exporter" "/CPU s" blackbox-tcp tcp ">= 8"
	fi
	[ -z "$fping" ] || row_ratio "icmp, over fping: pings" "/CPU s" fping pings ">= 0.7"
	[ -z "$blackbox_url" ] || stop "$blackbox_pid"
	stop "$web_pid"
}

figure_floors() {
	start_floor_http
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "floors: $pair of $pairs"
		floor_load
		load_server floor-get "$floor_url" "$floor_pid" get 32
		read_pages floor-pages "$floor_url"
		floor_commit
		start empty "$bin/empty"
		start linked "$bin/linked"
	done
	stop "$floor_pid"
	row_floor "load $count" ms floor-load-ms
	row_floor "GET one prober, 32 clients" req/s floor-get-rps
	row_floor "GET one prober: server CPU" us/req floor-get-cpu
	row_floor "list of $count by pages of 1000" ms floor-pages-ms
	row_floor "commits, one writer" /s floor-commit
	row_floor "start: empty program" ms empty-ms
	row_floor "start: all libraries linked" ms linked-ms
}

# shellcheck source=tests/bench/schedulers.sh
. "$here/schedulers.sh"
# shellcheck source=tests/bench/agent.sh
. "$here/agent.sh"

load_before=$(cut -d ' ' -f 1 /proc/loadavg)
case $(stat -f -c %T "$work") in
tmpfs | ramfs) say "'$work' is in memory, where a durable write costs nothing; set TMPDIR to a disk" ;;
esac
"$bin/gen-configs" -n "$count" -l "$slugs" "$tree"
"$bin/floor-load" "$tree" >/dev/null # files into the page cache
for figure in floors startup metrics spawn sync load agents api postgres probes agent agent-slow; do
	if wanted "$figure"; then
		"figure_$(echo "$figure" | tr - _)"
	fi
done
[ -z "${api_pid:-}" ] || stop "$api_pid"

print_machine
echo
print_table
if [ -n "$strict" ] && cut -f 7 "$table" | grep -q MISSED; then
	exit 1
fi
