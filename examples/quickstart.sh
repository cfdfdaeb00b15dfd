#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The main job of mrprober from end to end, on the configs in examples/network: install what is missing, build, start the
# API on a temporary database, plan, apply, see that nothing is left to do, change one config, see that difference, and
# list the result. Ends by itself; everything temporary is removed.
#
#   sh examples/quickstart.sh [--keep]     --keep leaves the API running, and says how to reach and stop it
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
api=
finish() {
	[ -z "$api" ] || { kill "$api" 2>/dev/null && wait "$api" 2>/dev/null; } || :
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
url=
tries=0
while [ -z "$url" ]; do
	url=$(sed -n 's|.*listening on \(http://[^ ]*\).*|\1|p' "$work/api.log")
	tries=$((tries + 1))
	if ! kill -0 "$api" 2>/dev/null || [ "$tries" -gt 200 ]; then
		cat "$work/api.log" >&2
		exit 1
	fi
	sleep 0.05
done
cat "$work/api.log"
MRPROBER_API_URL=$url
MRPROBER_ENVIRONMENT=prod
export MRPROBER_API_URL MRPROBER_ENVIRONMENT
cd network

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

if [ "$keep" = yes ]; then
	trap - EXIT
	say "The API is still running"
	echo "  export MRPROBER_API_URL=$url MRPROBER_ENVIRONMENT=prod PATH=$top/build/release:\$PATH"
	echo "  a page for people: $url/    the configs: $work/network"
	echo "  stop it: kill $api; rm -r $work"
fi
