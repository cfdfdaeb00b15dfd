# shellcheck shell=sh disable=SC2154,SC2034,SC2016 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure writes: new objects, one by one and --atomic, over bare commits; changes in many objects over the same changes alone

# objects_per_second NAME: of the run that was measured last under that name
objects_per_second() {
	sample "$1-rate" "$(tail -n 1 "$work/samples/$1-ms" | awk -v n="$count" '{ print n * 1000 / $1 }')"
}

# new_objects NAME URL OPTION...: all of the tree into an empty API over that database
new_objects() {
	new_name=$1
	start_api "$2"
	shift 2
	measure_requests "$new_name" "$mrprober" synchronize --yes --quiet --api-url "$api_url" "$@" "$tree"
	objects_per_second "$new_name"
	stop "$api_pid"
	api_pid=
}

# An empty database of the server: its URL.
new_postgres() {
	PGOPTIONS='-c client_min_messages=warning' psql -qX "$postgres_url/postgres" -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1"
	"$mrprober" api migrate --quiet --database "$postgres_url/$1"
	echo "$postgres_url/$1"
}

writes_postgres() {
	result=$("$bin/floor-postgres" -t "$seconds" commit "$(new_postgres floor)" "$slugs") || fail "PostgreSQL fails"
	take floor-pg-commit per_second "$result"
	new_objects writes-pg "$(new_postgres api)"
	new_objects writes-pg-atomic "$(new_postgres api)" --atomic
}

# changes_of NAME TREE: changes that are made there already; samples of time, requests and bytes
changes_of() {
	rm -rf "$MRPROBER_STATE_DIR/trees"
	measure_requests "$1" sh -c '"$@" >/dev/null 2>"$0"' "$work/traffic" \
		"$mrprober" synchronize --yes --verbose --api-url "$api_url" "$2"
	sample "$1-kib" "$(sed -n 's/.* \([0-9]*\) bytes sent, \([0-9]*\) received$/\1 \2/p' "$work/traffic" | awk '{ print ($1 + $2) / 1024 }')"
}

# The same number of changes in an API that has all objects and in one that has only these.
writes_changes() {
	for name in all alone; do
		change_tree=$tree
		[ "$name" = all ] || change_tree=$work/alone
		start_api
		"$mrprober" synchronize --yes --quiet --api-url "$api_url" "$change_tree" >/dev/null || fail "cannot fill an API"
		"$bin/gen-configs" -n "$([ "$name" = all ] && echo "$count" || echo "$changes")" -r "$changes" -R "2$pair" "$change_tree"
		changes_of "change-$name" "$change_tree"
		stop "$api_pid"
		api_pid=
	done
}

figure_writes() {
	[ -z "${api_pid:-}" ] || stop "$api_pid"
	api_pid='' pg_folder=''
	if [ -x "$bin/floor-postgres" ] && [ -n "$(postgres_programs)" ]; then
		start_postgres
	else
		say "writes: PostgreSQL is left out, it needs a server and libpq"
	fi
	"$bin/gen-configs" -n "$changes" "$work/alone"
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "writes: $pair of $pairs"
		floor_commit
		new_objects writes-sqlite "sqlite:$work/writes-$pair.sqlite"
		new_objects writes-sqlite-atomic "sqlite:$work/writes-$pair-atomic.sqlite" --atomic
		[ -z "$pg_folder" ] || writes_postgres
		writes_changes
	done
	row_ratio "SQLite: $count new objects, over commits" /s floor-commit writes-sqlite-rate ""
	row_ratio "SQLite: $count new objects, --atomic" /s floor-commit writes-sqlite-atomic-rate ""
	if [ -n "$pg_folder" ]; then
		row_ratio "PostgreSQL: $count new objects, over commits" /s floor-pg-commit writes-pg-rate ""
		row_ratio "PostgreSQL: $count new objects, --atomic" /s floor-pg-commit writes-pg-atomic-rate ""
	fi
	row_value "$count new objects: peak resident size" MiB writes-sqlite-mib ""
	row_value "$count new objects, --atomic: peak resident size" MiB writes-sqlite-atomic-mib ""
	row_ratio "$changes changes in $count, over these alone" ms change-alone-ms change-all-ms ""
	row_ratio "$changes changes in $count: requests" count change-alone-requests change-all-requests ""
	row_ratio "$changes changes in $count: traffic" KiB change-alone-kib change-all-kib ""
	rm -f "$work/samples/floor-commit" "$work/samples/floor-pg-commit" # other figures pair them with theirs
}
