# shellcheck shell=sh disable=SC2154,SC2034,SC2119,SC2120 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
#
# What several figures of run.sh measure, and the servers that they measure.

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
	rm -f "$work/floor-http.port" # of one before
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

# A server of PostgreSQL, ended with everything; sets postgres_url.
start_postgres() {
	pg_folder=$(mktemp -d "${TMPDIR:-/tmp}/mrprober-pg.XXXXXX")
	pg_folders="$pg_folders $pg_folder"
	postgres_start "$pg_folder" 'checkpoint_timeout = 1h' 'max_wal_size = 4GB' ||
		fail "PostgreSQL does not start: $(cat "$pg_folder/log" "$pg_folder/start.log")"
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

# start NAME COMMAND...: sample NAME-ms, a median of 40 starts
start() {
	name=$1
	shift
	result=$("$bin/startup" -w 2 -n 40 "$@") || fail "'$*' failed, so there is nothing to measure"
	take "$name-ms" wall_ms "$result"
}
