# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure growth: time and memory of ten times as many probers

# growth_of NAME TREE: first run, in sync, in sync once more
growth_of() {
	start_api
	measure "growth-first-$1" "$mrprober" synchronize --yes --quiet --api-url "$api_url" "$2"
	rm -rf "$MRPROBER_STATE_DIR/trees"
	measure "growth-check-$1" "$mrprober" synchronize --check --quiet --api-url "$api_url" "$2"
	measure "growth-again-$1" "$mrprober" synchronize --check --quiet --api-url "$api_url" "$2"
	stop "$api_pid"
	api_pid=
}

figure_growth() {
	[ -z "${api_pid:-}" ] || stop "$api_pid"
	many=$((count * 10))
	"$bin/gen-configs" -n "$many" "$work/many"
	"$bin/floor-load" "$work/many" >/dev/null
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "growth: $pair of $pairs"
		growth_of one "$tree"
		growth_of many "$work/many"
	done
	for step in first:'first synchronize' check:'in sync' again:'in sync, once more'; do
		name=${step%%:*}
		row_ratio "$many over $count: ${step#*:}" ms "growth-$name-one-ms" "growth-$name-many-ms" "$([ "$name" = again ] || echo '<= 12')"
		row_ratio "$many over $count: ${step#*:}: memory" MiB "growth-$name-one-mib" "growth-$name-many-mib" "<= 10"
	done
	rm -rf "$work/many"
}
