#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The main job of mrprober from end to end, on the configs in examples/network: install what is missing, build, start the
# API on a temporary database, plan, apply, see that nothing is left to do, change one config, see that difference, list
# the result; then run an agent for the cluster `here`, see what its probers find on this machine, and ask it what an
# engineer on duty would. Ends by itself; everything temporary is removed.
#
#   sh examples/quickstart.sh [--keep]     --keep leaves API and agent running, and says how to reach and stop them
set -eu

keep=no
case "$#:${1-}" in
0:) ;;
1:--keep) keep=yes ;;
*)
	echo "usage: sh examples/quickstart.sh [--keep]" >&2
	exit 64
	;;
esac

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
sh packaging/install-packages.sh build

echo "building ..."
log=$(mktemp)
if ! { cmake --preset release -DBUILD_TESTING=OFF && cmake --build --preset release; } >"$log" 2>&1; then
	cat "$log" >&2
	rm -f "$log"
	exit 1
fi
rm -f "$log"
PATH=$top/build/release:$PATH

# Settings of this machine must not change what is shown.
for name in $(env | sed -n 's/^\(MRPROBER_[A-Za-z0-9_]*\)=.*/\1/p'); do
	unset "$name"
done

work=$(mktemp -d)
chmod 755 "$work" # an agent of root runs probers as somebody who may do less
api=
agent=
finish() {
	for pid in $agent $api; do
		{ kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; } || :
	done
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cp -R examples/network "$work/network"
cd "$work"
XDG_CONFIG_HOME=$work/config
export XDG_CONFIG_HOME

# say WHAT: a heading; run COMMAND...: show a command as a user would type it, then run it
say() { printf '\n\033[1m== %s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }
run() {
	printf '$ %s\n' "$*"
	"$@"
}
# expect CODE COMMAND...: run a command whose exit code is part of what it tells
expect() {
	want=$1
	shift
	got=0
	run "$@" || got=$?
	echo "(exit code $got)"
	[ "$got" = "$want" ] || {
		echo "quickstart: expected exit code $want" >&2
		exit 1
	}
}

say "The API, on a temporary SQLite database"
echo '$ mrprober api --listen 127.0.0.1:0 --database sqlite:mrprober.sqlite &'
mrprober api --listen 127.0.0.1:0 --database "sqlite:$work/mrprober.sqlite" --state-dir "$work/state" 2>"$work/api.log" &
api=$!
# address PID LOG PATTERN: what follows the pattern in a service's log, once it is there
address() {
	tries=0
	while ! grep -q "$3" "$2"; do
		tries=$((tries + 1))
		if ! kill -0 "$1" 2>/dev/null || [ "$tries" -gt 200 ]; then
			cat "$2" >&2
			exit 1
		fi
		sleep 0.05
	done
	sed -n "s|.*$3\\(http://[^ /]*\\).*|\\1|p" "$2"
}
url=$(address "$api" "$work/api.log" 'listening on ')
cat "$work/api.log"
MRPROBER_API_URL=$url
MRPROBER_ENVIRONMENT=prod
export MRPROBER_API_URL MRPROBER_ENVIRONMENT
cd network
sed -i "s|http://127.0.0.1:8080|$url|" clusters/here.yaml # a prober asks whether the API is well

say "What would change: everything is new"
expect 2 mrprober synchronize --check

say "Apply it"
expect 0 mrprober synchronize --yes

say "A second run has nothing to do, and asks one question"
expect 0 mrprober synchronize --check

say "Change one config: ask the resolvers twice as often"
run sed -i 's/^interval: 30s/interval: 15s/' probers/dns-resolve/prober.yaml
expect 2 mrprober synchronize --check
expect 0 mrprober synchronize --yes --quiet

say "Where each value comes from"
run mrprober synchronize --explain cluster/meeseeks

say "The result"
run mrprober api-client list recipes
run mrprober api-client list clusters
run mrprober api-client list probers

say "An agent on this machine, for the cluster 'here'"
echo '$ mrprober agent run --cluster here --host this-machine --socket agent.sock &'
mrprober agent run --cluster here --host this-machine --state-dir "$work/state" --listen 127.0.0.1:0 \
	--socket "$work/agent.sock" --config-interval 1s 2>"$work/agent.log" &
agent=$!
metrics=$(address "$agent" "$work/agent.log" 'metrics at ')
cat "$work/agent.log"
MRPROBER_SOCKET=$work/agent.sock
export MRPROBER_SOCKET

say "Its probers run every few seconds, each when it is its turn; wait until all have run"
until_all_ran() {
	tries=0
	until mrprober agent status -o json | jq -e '.probers | length > 0 and all(.status)' >/dev/null 2>&1; do
		tries=$((tries + 1))
		if ! kill -0 "$agent" 2>/dev/null || [ "$tries" -gt 300 ]; then
			cat "$work/agent.log" >&2
			mrprober agent status >&2
			exit 1
		fi
		sleep 0.1
	done
}
until_all_ran
run mrprober agent status

say "One of them, as it is run here, and which placement said so"
run mrprober agent explain fd-usage

say "Run it now, exactly as the agent does"
expect 0 mrprober agent once fd-usage

say "What Prometheus scrapes"
echo "\$ curl -s $metrics/metrics | grep ..."
curl -s "$metrics/metrics" >"$work/page"
grep -E '^mrprober_(success|runs_total)\{.*prober="(fd-usage|api-health)"' "$work/page"
grep -E '^mrprober_value\{.*prober="disk-write-latency"' "$work/page" | head -n 2

say "What the API knows of it"
tries=0
until mrprober api-client list agents -o name | grep -q . || [ "$tries" -gt 100 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
run mrprober api-client list agents

say "A mistake in a config is seen before it is applied"
run sed -i 's/^interval: 1m/interval: 1x/' probers/fd-usage/prober.yaml
expect 65 mrprober synchronize --validate

if [ "$keep" = yes ]; then
	trap - EXIT
	say "API and agent are still running"
	echo "  export MRPROBER_API_URL=$url MRPROBER_ENVIRONMENT=prod MRPROBER_SOCKET=$work/agent.sock PATH=$top/build/release:\$PATH"
	echo "  a page for people: $url/    metrics: $metrics/metrics    the configs: $work/network"
	echo "  stop them: kill $agent $api; rm -r $work"
fi
