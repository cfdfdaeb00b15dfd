# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure api: reads, writes and lists of the HTTP API

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
