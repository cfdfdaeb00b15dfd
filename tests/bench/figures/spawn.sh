# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure spawn: run programs, as the agent does

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
