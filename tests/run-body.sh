#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The inside of run-unit.sh: a clean environment, then the test itself. Exits 0 (passed), 77 (skipped), else failed.
set -eu

# shellcheck source=tests/lib.sh
. "$MRP_ROOT/tests/lib.sh"
# shellcheck source=tests/lib-agent.sh
. "$MRP_ROOT/tests/lib-agent.sh"
clean_environment
cd "$MRP_SCRATCH"

name=$1
case $name in
cli/*)
	. "$MRP_ROOT/tests/cli/run-case.sh"
	run_case "$MRP_ROOT/tests/$name"
	;;
valgrind/*)
	# The sanitizers' allocator is not there to see them, so valgrind looks for leaks too.
	code=0
	valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,possible \
		--errors-for-leak-kinds=definite --child-silent-after-fork=yes --suppressions="$MRP_ROOT/tests/valgrind.supp" \
		"$MRP_ROOT/build/release/tests/${name#valgrind/}" 2>valgrind.log || code=$?
	grep -v '^--[0-9]*-- ' valgrind.log || :
	if [ $code -eq 1 ] && grep -q 'unhandled amd64-linux syscall: 437' valgrind.log; then
		skip 'this valgrind does not know openat2()'
	fi
	if [ $code -ne 0 ] && grep -q 'unhandled amd64-linux syscall: 434' valgrind.log; then
		skip 'this valgrind does not know pidfd_open()'
	fi
	exit $code
	;;
creator/*)
	# its helpers have short names, some of which other tests use for theirs
	# shellcheck source=tests/lib-creator.sh
	. "$MRP_ROOT/tests/lib-creator.sh"
	# shellcheck source=/dev/null
	. "$MRP_ROOT/tests/${name%/*}.sh"
	"test_${name##*/}"
	;;
*)
	case $name in
	http-pg/*)
		use_postgres
		name=http/${name#http-pg/}
		;;
	esac
	# shellcheck source=/dev/null
	. "$MRP_ROOT/tests/${name%/*}.sh"
	"test_${name##*/}"
	;;
esac
