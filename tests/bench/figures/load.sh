# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure load: load and check a tree; compare it with an API that has the same

figure_load() {
	need_api_in_sync
	rm -f "$work"/samples/floor-load-ms
	"$mrprober" synchronize --validate "$tree" >/dev/null || fail "the tree is not valid"
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "load: $pair of $pairs"
		floor_load
		measure validate "$mrprober" synchronize --validate "$tree"
		rm -rf "$MRPROBER_STATE_DIR/trees" # what is remembered of the files
		measure_requests check "$mrprober" synchronize --check --api-url "$api_url" "$tree"
		measure_requests again "$mrprober" synchronize --check --api-url "$api_url" "$tree"
	done
	row_ratio "load and check $count (--validate)" ms floor-load-ms validate-ms "<= 1.7"
	row_ratio "in sync (--check), over --validate" ms validate-ms check-ms "<= 1.2"
	row_each "in sync: requests" count check-requests "== 1"
	row_value "in sync: peak resident size" MiB check-mib "< 64"
	row_value "in sync, once more" ms again-ms "< 100"
	row_each "in sync, once more: requests" count again-requests "== 1"
}
