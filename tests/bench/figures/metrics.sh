# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure metrics: pages of an agent's metrics

# The library from within: no program has 10,000 probers that never run.
figure_metrics() {
	pages=$(dirname "$mrprober")/tests/metrics-page
	[ -x "$pages" ] || fail "no program at '$pages': build all of the release"
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "metrics: $pair of $pairs"
		result=$("$pages" -n "$count") || fail "'$pages' failed"
		take page-copy-ms copy_ms "$result"
		take page-ms page_ms "$result"
		take page-series series "$result"
		take page-prober-bytes prober_bytes "$result"
		take page-record-ns record_ns "$result"
		take page-record-max record_max_us "$result"
		take page-blocked blocked "$result"
		take page-verdict-ns verdict_ns "$result"
	done
	row_ratio "page of $count probers, over copying it" ms page-copy-ms page-ms ""
	row_value "page of $count probers: time" ms page-ms "< 100"
	row_value "page of $count probers: series" count page-series ""
	row_value "metrics: memory for a prober" bytes page-prober-bytes "<= 1024"
	row_value "record a verdict while pages are made" ns page-record-ns ""
	row_value "record a verdict: longest" us page-record-max ""
	row_each "record a verdict: sleeps for a lock" count page-blocked "== 0"
	row_value "read the output of a plugin" ns page-verdict-ns "<= 1000"
}
