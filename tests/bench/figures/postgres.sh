# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure postgres: reads and writes of the HTTP API over PostgreSQL

# floor_postgres WHAT: sample floor-pg-WHAT
floor_postgres() {
	result=$("$bin/floor-postgres" -t "$seconds" "$1" "$pg_floor_url" "$slugs") || fail "PostgreSQL fails"
	take "floor-pg-$1" per_second "$result"
}

figure_postgres() {
	if [ ! -x "$bin/floor-postgres" ] || [ ! -x "$bin/store-read" ] || [ -z "$(postgres_programs)" ]; then
		say "postgres: left out, it needs a server, libpq, and the library beside the program"
		return
	fi
	start_postgres
	# by TCP, as several machines have it
	pg_url() { echo "$postgres_url/$1"; }
	psql -qX "$(pg_url postgres)" -c 'CREATE DATABASE api' -c 'CREATE DATABASE floor'
	pg_floor_url=$(pg_url floor)
	"$mrprober" api migrate --quiet --database "$(pg_url api)"
	start_api "$(pg_url api)"
	measure pg-first "$mrprober" synchronize --yes --api-url "$api_url" "$tree"
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
	row_value "PostgreSQL: first synchronize of $count: time" ms pg-first-ms ""
	row_ratio "PostgreSQL: PATCH, 1 client, over commits" req/s floor-pg-commit pg-patch1-rps ""
	row_ratio "PostgreSQL: PATCH, 32 clients, over commits" req/s floor-pg-commit pg-patch32-rps ""
	stop "$api_pid"
	api_pid=
}
