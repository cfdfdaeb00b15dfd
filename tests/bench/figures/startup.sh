# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure startup: start of the program

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
