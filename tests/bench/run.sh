#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Measure mrprober against the least the same work can cost, in turn and in the same run, and
# print a table of medians and ratios. See README.md beside this file for what they mean.
set -eu
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd)

usual="startup metrics spawn meeseeks creator writes sync git load agents api postgres" # in this order: some leave an API behind
extra="floors agent agent-slow growth peers"

# Each file of figures/ says what its figures are, a line each: "# figure NAME: what it measures".
all_figures() {
	sed -n 's/^# figure \([a-z-]*\): .*/\1/p' "$here"/figures/*.sh
}

usage() {
	cat <<-'TEXT'
	usage: tests/bench/run.sh [OPTIONS] [FIGURE|all]...

	TEXT
	sed -n 's/^# figure \([a-z-]*\): /\1 /p' "$here"/figures/*.sh | while read -r name text; do
		printf '  %-11s %s\n' "$name" "$text"
	done
	cat <<-TEXT
	  all         all but $extra; without probes the default

	  --count N      probers in the tree (default 10000)
	  --pairs N      how often each measurement is made (default 3)
	  --seconds S    length of each measurement under load (default 2)
	  --markdown     print the table as Markdown
	  --strict       exit 1 when a figure misses its aim

	MRPROBER is the program to measure (default build/release/mrprober),
	BENCH_BUILD the folder to build the benchmark programs in (default build/bench),
	TMPDIR where trees and databases go: it should be on a disk, not in memory.
	TEXT
}

fail() {
	echo "run.sh: $*" >&2
	exit 1
}

bad_usage() {
	echo "run.sh: $*" >&2
	usage >&2
	exit 64
}

say() {
	echo "run.sh: $*" >&2
}

# --- options ---

count=10000
pairs=3
seconds=2
format=text
strict=
figures=
changes=100 # of the second synchronize

while [ $# -gt 0 ]; do
	case $1 in
	--count | --pairs | --seconds)
		[ $# -ge 2 ] || bad_usage "$1 needs a value"
		case $2 in
		'' | *[!0-9]* | 0) bad_usage "$1: '$2' is not a number above 0" ;;
		esac
		case $1 in
		--count) count=$2 ;;
		--pairs) pairs=$2 ;;
		--seconds) seconds=$2 ;;
		esac
		shift
		;;
	--markdown) format=markdown ;;
	--strict) strict=1 ;;
	-h | --help)
		usage
		exit 0
		;;
	all) figures="$figures $usual probes" ;;
	*)
		all_figures | grep -Fqx -- "$1" || bad_usage "unknown argument '$1'"
		figures="$figures $1"
		;;
	esac
	shift
done
[ -n "$figures" ] || figures=$usual
[ "$count" -ge "$changes" ] || changes=$count

wanted() {
	case " $figures " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# --- programs ---

top=$(cd "$here/../.." && pwd)
bin=${BENCH_BUILD:-$top/build/bench}
mrprober=${MRPROBER:-$top/build/release/mrprober}

if [ "$figures" != " floors" ]; then
	[ -x "$mrprober" ] || fail "no program at '$mrprober': build it first, or set MRPROBER"
	mrprober=$(cd "$(dirname "$mrprober")" && pwd)/$(basename "$mrprober")
fi
mkdir -p "$bin"
if [ ! -f "$bin/CMakeCache.txt" ] && command -v ninja >/dev/null; then
	export CMAKE_GENERATOR="${CMAKE_GENERATOR:-Ninja}"
fi
mrprober_lib=$(find "$(dirname "$mrprober")" -maxdepth 1 -name 'libmrprober-*.so' 2>/dev/null | head -n 1)
if ! { cmake -S "$here" -B "$bin" -DCMAKE_BUILD_TYPE=RelWithDebInfo "-DMRP_LIB=$mrprober_lib" &&
	cmake --build "$bin" --target bench; } >"$bin/build.log" 2>&1; then
	cat "$bin/build.log" >&2
	fail "cannot build the benchmark programs"
fi

# --- scratch folder; nothing outside of it is read or written by what is measured ---

work=$(mktemp -d "${TMPDIR:-/tmp}/mrprober-bench.XXXXXX")
servers= # process ids
scratch= # further folders
pg_folders= # of PostgreSQL's servers

clean_up() {
	trap - EXIT INT TERM HUP
	for pid in $servers; do
		if kill "$pid" 2>/dev/null; then
			wait "$pid" 2>/dev/null || :
		fi
	done
	for folder in $pg_folders; do
		postgres_stop "$folder" immediate || :
	done
	# shellcheck disable=SC2086
	rm -rf "$work" $scratch $pg_folders
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT
trap 'clean_up; exit 143' TERM HUP

for name in $(env | sed -n 's/^\(MRPROBER_[A-Za-z0-9_]*\)=.*/\1/p'); do
	unset "$name"
done
HOME=$work/home
XDG_CONFIG_HOME=$work/home/config
XDG_STATE_HOME=$work/home/state
MRPROBER_STATE_DIR=$work/home/state/mrprober
export HOME XDG_CONFIG_HOME XDG_STATE_HOME MRPROBER_STATE_DIR
mkdir -p "$XDG_CONFIG_HOME" "$MRPROBER_STATE_DIR" "$work/samples"

tree=$work/tree
slugs=$work/slugs

# --- figures ---

# shellcheck source=tests/postgres.sh
. "$top/tests/postgres.sh"
# shellcheck source=tests/bench/table.sh
. "$here/table.sh"
# shellcheck source=tests/bench/measure.sh
. "$here/measure.sh"
# shellcheck source=tests/bench/schedulers.sh
. "$here/schedulers.sh"
for file in "$here"/figures/*.sh; do
	# shellcheck source=/dev/null
	. "$file"
done

load_before=$(cut -d ' ' -f 1 /proc/loadavg)
case $(stat -f -c %T "$work") in
tmpfs | ramfs) say "'$work' is in memory, where a durable write costs nothing; set TMPDIR to a disk" ;;
esac
"$bin/gen-configs" -n "$count" -l "$slugs" "$tree"
"$bin/floor-load" "$tree" >/dev/null # files into the page cache
for figure in $usual probes $extra; do
	if wanted "$figure"; then
		"figure_$(echo "$figure" | tr - _)"
	fi
done
[ -z "${api_pid:-}" ] || stop "$api_pid"

print_machine
echo
print_table
if [ -n "$strict" ] && cut -f 7 "$table" | grep -q MISSED; then
	exit 1
fi
