# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure floors: the floors alone, without mrprober

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
