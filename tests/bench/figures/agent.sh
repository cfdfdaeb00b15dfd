# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure agent: checks run by the agent, by Nagios and by Icinga: 2 minutes a pair
# figure agent-slow: 5,000 checks at 30 s, and memory: 80 seconds a pair
#
# Figures of the agent, for run.sh: checks that do nothing, run by it, by the least that can run programs, and by other
# schedulers. schedulers.sh knows how each is started.

many=5000   # checks each second: more than the machine can run
some=1000   # what it can
warm_up=10  # seconds until each of them has found its pace
slow=30     # seconds between runs of one check, when thousands of them are no load

# Skips are said, so that a table without them is not taken for a whole one.
peers() {
	for peer in nagios icinga; do
		case $peer in
		nagios) command -v nagios4 >/dev/null || { say "nagios4 is not installed: no rows about it"; continue; } ;;
		icinga) command -v icinga2 >/dev/null || { say "icinga2 is not installed: no rows about it"; continue; } ;;
		esac
		echo $peer
	done
}

# watch NAME CHECKS INTERVAL SECONDS: of the scheduler that runs
watch() {
	result=$("$bin/ticks" -i "$(($3 * 1000))" watch "$ticks" "$2" "$4" "$scheduler") || fail "$1 runs no checks"
	take "$1-rps" per_second "$result"
	take "$1-cpu" cpu_us "$result"
	take "$1-share" cpu_share "$result"
	take "$1-mib" pss_mib "$result"
	take "$1-p50" p50_ms "$result"
	take "$1-p99" p99_ms "$result"
	take "$1-off" off_p99_ms "$result"
	take "$1-fewest" fewest "$result"
	take "$1-most" most "$result"
}

# schedule NAME SCHEDULER CHECKS: start it, and watch it at one second
schedule() {
	"start_$2" "$3" 1
	sleep "$warm_up"
	watch "$1" "$3" 1 $((seconds * 4))
	stop_scheduler
}

floor_ticks() {
	"$bin/ticks" make "$ticks" 1
	result=$("$bin/floor-spawn" -t 2 -k 8 -n $((seconds * 8000)) "$work/tick" "$ticks" 0)
	take floor-ticks-rps per_second "$result"
	take floor-ticks-cpu own_cpu_us "$result"
}

rows_of_peers() {
	for peer in $present; do
		case $peer in
		nagios) name="Nagios" aim=">= 1.7" ;;
		icinga) name="Icinga" aim=">= 2.5" ;;
		esac
		row_ratio "$many checks at 1 s, over $name" /s "$peer-many-rps" agent-many-rps "$aim"
		row_ratio "$many checks at 1 s: own CPU, over $name" us "$peer-many-cpu" agent-many-cpu ""
		row_ratio "$many checks at 1 s: memory, over $name" MiB "$peer-many-mib" agent-many-mib ""
		row_ratio "$some checks at 1 s: own CPU, over $name" us "$peer-some-cpu" agent-some-cpu ""
		row_ratio "$some checks at 1 s: interval p50, over $name" ms "$peer-some-p50" agent-some-p50 ""
		row_ratio "$some checks at 1 s: interval p99, over $name" ms "$peer-some-p99" agent-some-p99 ""
		row_ratio "$some checks at 1 s: off by, p99, over $name" ms "$peer-some-off" agent-some-off ""
	done
}

figure_agent() {
	open_ticks
	present=$(peers)
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "agent: $pair of $pairs"
		floor_ticks
		schedule agent-many agent $many
		for peer in $present; do
			schedule "$peer-many" "$peer" $many
		done
		schedule agent-some agent $some
		for peer in $present; do
			schedule "$peer-some" "$peer" $some
		done
	done
	row_ratio "$many checks at 1 s, over bare vfork" /s floor-ticks-rps agent-many-rps ">= 0.85"
	row_ratio "$many checks at 1 s: own CPU, over bare vfork" us floor-ticks-cpu agent-many-cpu ""
	row_value "$many checks at 1 s: own CPU" us agent-many-cpu "<= 70"
	row_value "$many checks at 1 s: memory" MiB agent-many-mib "<= 16"
	row_value "$many checks at 1 s: runs of the check that had fewest" count agent-many-fewest ""
	row_value "$many checks at 1 s: runs of the check that had most" count agent-many-most ""
	row_value "$some checks at 1 s: off by, p99" ms agent-some-off "<= 10"
	row_value "$some checks at 1 s: own CPU" us agent-some-cpu ""
	rows_of_peers
}

# --- thousands that are no load ---

# delay_p99 BEFORE AFTER: milliseconds, between two pages of metrics, as histogram_quantile() of Prometheus tells it
delay_p99() {
	sed -n 's/^mrprober_agent_run_delay_seconds_bucket{.*le="\([^"]*\)"} /\1 /p' "$1" >"$work/buckets-before"
	sed -n 's/^mrprober_agent_run_delay_seconds_bucket{.*le="\([^"]*\)"} /\1 /p' "$2" |
		paste -d ' ' "$work/buckets-before" - |
		awk '{ le[NR] = $3; n[NR] = $4 - $2 }
			END {
				want = 0.99 * n[NR]
				for (i = 1; n[i] < want; i++)
					;
				if (le[i] == "+Inf")
					i--
				print 1000 * (le[i - 1] + (le[i] - le[i - 1]) * (want - n[i - 1]) / (n[i] - n[i - 1]))
			}'
}

scrape() {
	result=$("$bin/loadgen" -c 1 -n 1 get "$agent_url") || fail "the agent serves no metrics"
	take scrape-us p50_us "$result"
}

# Everything has run at least once when the watching begins. A scrape each 15 s, as Prometheus would.
figure_agent_slow() {
	open_ticks
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "agent-slow: $pair of $pairs"
		start_agent $many $slow
		sleep $((slow + 1))
		"$bin/loadgen" body "$agent_url" >"$work/page-before"
		{
			for second in 7 15 15; do
				sleep "$second"
				scrape
			done
		} &
		scraper=$!
		watch slow $many $slow $((slow + 10))
		wait "$scraper" || fail "the agent cannot be scraped"
		"$bin/loadgen" body "$agent_url" >"$work/page-after"
		sample slow-delay "$(delay_p99 "$work/page-before" "$work/page-after")"
		stop_scheduler
	done
	row_value "$many checks at $slow s: share of a processor" "of 1" slow-share ""
	row_value "$many checks at $slow s: own CPU" us slow-cpu ""
	row_value "$many checks at $slow s: memory" MiB slow-mib "<= 16"
	row_value "$many checks at $slow s: delay of runs, p99" ms slow-delay "< 20"
	row_value "$many checks at $slow s: interval off by, p99" ms slow-off ""
	row_value "$many checks at $slow s: one scrape" us scrape-us ""
	for checks in 1000 10000; do
		start_agent $checks $slow
		sleep $((slow + 1))
		watch "size-$checks" $checks $slow 5
		stop_scheduler
		row_value "$checks checks at $slow s: memory" MiB "size-$checks-mib" ""
	done
}
