# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure agents: agents that ask for their config, which has not changed

# poll NAME URL PID OPTION...: agents of as many hosts as there are slugs ask for what they have
poll() {
	name=$1 url=$2 pid=$3
	shift 3
	result=$("$bin/loadgen" "$@" -l "$slugs" -p "$pid" -E "$etag" get "$url$config_path") ||
		fail "the server at $url had something else to say than that nothing has changed"
	take "$name-rps" rps "$result"
	take "$name-cpu" server_cpu_us "$result"
	take "$name-p99" p99_us "$result"
	take "$name-share" server_share "$result"
	sample "$name-mib" "$(echo "$result" | value server_rss_kib | awk '{ print $1 / 1024 }')"
}

figure_agents() {
	config_path='/v1/agent-config?cluster=bench-a&host={slug}'
	need_api_in_sync
	start_floor_http
	etag=$("$bin/loadgen" body "$api_url/v1/agent-config?cluster=bench-a&host=h" |
		sed -n '1s/.*"config_revision":"\([0-9a-f]*\)".*/"\1"/p')
	[ -n "$etag" ] || fail "the API has no agent-config"
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "agents: $pair of $pairs"
		poll floor-poll "$floor_url" "$floor_pid" -c 32 -w 0.3 -t "$seconds"
		poll poll "$api_url" "$api_pid" -c 32 -w 0.3 -t "$seconds"
		# 10,000 agents that ask every 60 s, each on a connection of its own: all ask at first, then in turns
		poll floor-slow "$floor_url" "$floor_pid" -c 10000 -R 167 -w 3 -t $((seconds * 5))
		poll slow "$api_url" "$api_pid" -c 10000 -R 167 -w 3 -t $((seconds * 5))
	done
	stop "$floor_pid"
	row_ratio "unchanged agent-config, 32 clients" req/s floor-poll-rps poll-rps ">= 0.7"
	row_ratio "unchanged agent-config: server CPU" us/req floor-poll-cpu poll-cpu ""
	row_ratio "10,000 agents at 60 s: share of a core" "of 1" floor-slow-share slow-share ""
	row_ratio "10,000 agents at 60 s: p99" us floor-slow-p99 slow-p99 ""
	row_ratio "10,000 agents at 60 s: resident size" MiB floor-slow-mib slow-mib ""
}
