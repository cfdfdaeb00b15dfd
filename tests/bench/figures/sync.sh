# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure sync: put a tree into an empty API, then 100 changes

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
