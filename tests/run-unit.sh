#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run one test that is not ctest's, in a scratch folder of its own, with a time limit; run.sh calls it.
#
#   sh tests/run-unit.sh lint/style/shellcheck | http/objects/create | cli/validate/tab | valgrind/test_value
#
# Writes the log to $MRP_RESULTS/NAME.log and a line "ok|fail|skip SECONDS NAME" to $MRP_RESULTS/results. What went
# wrong is shown by run.sh at the end, so that tests that run side by side do not mix their output.
set -u

name=$1
log=$MRP_RESULTS/$(echo "$name" | tr / .).log
limit=${MRP_LIMIT:-180}

# A folder as small as possible in its name: messages with long paths are hard to read.
MRP_SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/mrprober-test.XXXXXX") || exit 1
export MRP_SCRATCH
trap 'rm -rf "$MRP_SCRATCH"' EXIT
trap 'exit 130' INT TERM

start=$(date +%s.%N)
timeout -k 10 "$limit" sh "$MRP_ROOT/tests/run-body.sh" "$name" >"$log" 2>&1 </dev/null
code=$?
seconds=$(echo "$start $(date +%s.%N)" | awk '{ printf "%.2f", $2 - $1 }')
case $code in
0) verdict=ok ;;
77) verdict=skip ;;
124 | 137)
	verdict=fail
	echo "not done after $limit seconds" >>"$log"
	;;
*) verdict=fail ;;
esac

# A sanitizer's report counts even when nobody looked at that process's exit status.
for report in "$MRP_SCRATCH"/.sanitizer.*; do
	[ -f "$report" ] || continue
	verdict=fail
	cat "$report" >>"$log"
done

echo "$verdict $seconds $name" >>"$MRP_RESULTS/results"
reason=
[ $verdict != skip ] || reason=": $(tail -n 1 "$log")"
echo "$verdict $name ($seconds s)$reason"
chmod -R u+rwx "$MRP_SCRATCH" 2>/dev/null
