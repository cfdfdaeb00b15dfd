#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# All tests. Installs missing packages (packaging/install-packages.sh has the list), builds with sanitizers, runs, and
# ends with a line "N passed, N failed, N skipped". README.md here says how to write a test.
#
#   sh tests/run.sh [-j JOBS] [-l] [-n] [NAME...]
#
# NAME is a group or a part of it: unit, lint, cli, cli/validate, cli/validate/tab, http/objects/create, probe/tls, valgrind.
#   -j JOBS  tests at a time (2)
#   -l       list the names of the tests, run nothing
#   -n       neither install nor build first
#
# The group http runs a second time over PostgreSQL, as http-pg, where a test does not look into the file of SQLite. One
# server is started for all tests that want one (postgres.sh) and ended with them.
#
# UPDATE=1 rewrites the expectations of CLI cases that fail. MRP_BUILD names another build folder (with -n).
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
jobs=2
list=
prepare=1
while getopts j:ln opt; do
	case $opt in
	j) jobs=$OPTARG ;;
	l) list=1 ;;
	n) prepare= ;;
	*)
		echo 'usage: sh tests/run.sh [-j JOBS] [-l] [-n] [NAME...]' >&2
		exit 64
		;;
	esac
done
shift $((OPTIND - 1))
cd "$root" || exit 1

MRP_BUILD=${MRP_BUILD:-$root/build/dev}
MRP_ROOT=$root
MRP_RESULTS=$root/build/test-results
export MRP_BUILD MRP_ROOT MRP_RESULTS

# The names of everything but the unit tests, which ctest knows.
list_scripts()
{
	for file in tests/lint/*.sh tests/http/*.sh tests/agent/*.sh tests/probe/*.sh tests/creator/*.sh tests/soak/*.sh; do
		[ -f "$file" ] || continue
		prefix=${file#tests/}
		sed -n "s|^test_\\([a-z0-9_]*\\)().*|${prefix%.sh}/\\1|p" "$file"
	done
	# The same over PostgreSQL, but for what is about files: tests that name one, and whole files about other things.
	for file in tests/http/*.sh; do
		case ${file##*/} in
		agent_local.sh | agent_source.sh | backup.sh | browser.sh | database.sh | errors.sh | iam.sh | json.sh) continue ;;
		limits.sh | meeseeks.sh | openapi.sh | page.sh | postgres.sh | push.sh | storage.sh | tls.sh) continue ;;
		esac
		awk -v prefix="http-pg/$(basename "$file" .sh)/" '
			/^test_[a-z0-9_]*\(\)/ { name = $0; sub(/^test_/, "", name); sub(/\(.*/, "", name); file = 0 }
			/sqlite/ { file = 1 }
			/^}/ { if (name && !file) print prefix name; name = "" }' "$file"
	done
	find tests/cli -name cmd -type f | sed 's|^tests/\(.*\)/cmd$|\1|' | LC_ALL=C sort
}

# Does a name start with one of the patterns asked for? (All do when none was given.)
wanted()
{
	whole=$1
	shift
	[ $# -gt 0 ] || return 0
	for pattern; do
		case $whole in
		"${pattern%/}" | "${pattern%/}"/*) return 0 ;;
		esac
	done
	return 1
}

# Is anything of this group asked for?
wanted_group()
{
	group=$1
	shift
	[ $# -gt 0 ] || return 0
	for pattern; do
		case $pattern in
		"$group" | "$group"/*) return 0 ;;
		esac
	done
	return 1
}

wanted_scripts()
{
	list_scripts | while read -r name; do
		if wanted "$name" "$@"; then
			echo "$name"
		fi
	done
}

configure_and_build() # PRESET
{
	echo "building: $1"
	mkdir -p build
	{ cmake --preset "$1" && cmake --build --preset "$1"; } >"build/$1.log" 2>&1 || {
		cat "build/$1.log"
		echo "cannot build '$1'"
		return 1
	}
}

# One line per test of ctest: "ok 0.05 NAME".
run_ctest() # PATTERN...
{
	names=
	for pattern; do
		case $pattern in
		unit/*) names="$names${names:+|}^$pattern" ;;
		unit) names="$names${names:+|}^unit/" ;;
		esac
	done
	log=$MRP_RESULTS/ctest.log
	ctest --test-dir "$MRP_BUILD" --output-on-failure -j "$jobs" ${names:+-R "$names"} >"$log" 2>&1
	code=$?
	awk '/^ *[0-9]+\/[0-9]+ +Test +#/ {
		sub(/^.*: /, ""); name = $1
		verdict = /Skipped/ ? "skip" : /Passed/ ? "ok" : "fail"
		print verdict, $(NF - 1), name
	}' "$log" >"$MRP_RESULTS/ctest.results"
	cat "$MRP_RESULTS/ctest.results" >>"$MRP_RESULTS/results"
	sed 's/^\([a-z]*\) \([^ ]*\) \(.*\)/\1 \3 (\2 s)/' "$MRP_RESULTS/ctest.results"
	if [ $code -ne 0 ]; then
		cat "$log"
		grep -q '^fail ' "$MRP_RESULTS/ctest.results" || echo "fail 0 unit (ctest)" >>"$MRP_RESULTS/results"
	fi
}

# The unit tests again, without sanitizers, under valgrind.
run_valgrind()
{
	command -v valgrind >/dev/null || {
		echo 'skip valgrind: not installed'
		echo 'skip 0 valgrind' >>"$MRP_RESULTS/results"
		return
	}
	configure_and_build release || {
		echo 'fail 0 valgrind (build)' >>"$MRP_RESULTS/results"
		return
	}
	for program in build/release/tests/test_*; do
		name=valgrind/${program##*/}
		if [ -x "$program" ] && wanted "$name" "$@"; then
			echo "$name"
		fi
	done | xargs -r -P "$jobs" -n 1 sh tests/run-unit.sh
}

if [ -n "$list" ]; then
	for source in tests/unit/test_*.c; do
		name=${source##*/}
		for group in unit valgrind; do
			! wanted "$group/${name%.c}" "$@" || echo "$group/${name%.c}"
		done
	done
	wanted_scripts "$@"
	exit 0
fi

# shellcheck source=tests/postgres.sh
. "$root/tests/postgres.sh"

# One server for all tests that want one; without it they are skipped, and say so.
start_postgres()
{
	wanted_group unit "$@" || wanted_group http "$@" || wanted_group http-pg "$@" || wanted_group soak "$@" ||
		wanted_group valgrind "$@" || return 0
	pg_folder=$(mktemp -d /tmp/mrprober-pg.XXXXXX) || exit 1
	trap 'postgres_stop "$pg_folder" immediate; rm -rf "$pg_folder"' EXIT
	trap 'exit 130' INT TERM
	if postgres_start "$pg_folder" 'fsync = off' 'full_page_writes = off'; then
		MRP_TEST_POSTGRES=$postgres_url
	elif [ -z "$(postgres_programs)" ]; then
		echo 'PostgreSQL is not installed: its tests are skipped'
	else
		cat "$pg_folder/log" "$pg_folder/start.log"
		echo 'fail 0 postgres (no server)' >>"$MRP_RESULTS/results"
	fi
}
MRP_TEST_POSTGRES=
export MRP_TEST_POSTGRES

started=$(date +%s)
rm -rf "$MRP_RESULTS"
mkdir -p "$MRP_RESULTS/bin"
: >"$MRP_RESULTS/results"
if [ -n "$prepare" ]; then
	sh packaging/install-packages.sh test || exit 1
	configure_and_build dev || {
		echo '0 passed, 1 failed, 0 skipped'
		exit 1
	}
fi
ln -s "$MRP_BUILD/mrprober" "$MRP_RESULTS/bin/mrprober"

start_postgres "$@"
! wanted_group unit "$@" || run_ctest "$@"
wanted_scripts "$@" | xargs -r -P "$jobs" -n 1 sh tests/run-unit.sh
! wanted_group valgrind "$@" || run_valgrind "$@"

# Failures once more, in full, where they are easy to find.
grep '^fail ' "$MRP_RESULTS/results" | while read -r _ _ name; do
	log=$MRP_RESULTS/$(echo "$name" | tr / .).log
	printf '\n==== failed: %s\n' "$name"
	[ ! -f "$log" ] || cat "$log"
done
count() { grep -c "^$1 " "$MRP_RESULTS/results"; }
failed=$(count fail)
printf '\n%s seconds; logs in %s\n' "$(($(date +%s) - started))" "${MRP_RESULTS#"$root"/}"
[ "$(wc -l <"$MRP_RESULTS/results")" -gt 0 ] || {
	echo "no test is called that: $*"
	failed=1
}
echo "$(count ok) passed, $failed failed, $(count skip) skipped"
[ "$failed" -eq 0 ]
