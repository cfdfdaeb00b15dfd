#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The long forms of tests/soak/*.sh and of the fuzz targets. Build first (sh tests/run.sh -n is enough after that).
#
#   sh tests/soak.sh [MINUTES]     default: 10
set -eu
cd "$(dirname "$0")/.."
minutes=${1:-10}

export SOAK_ROUNDS=$((minutes * 4)) SOAK_KILLS=$((minutes * 5)) SOAK_OBJECTS=10000 SOAK_RUNS=$((minutes * 10000)) \
	SOAK_EDITS=$((minutes * 1000)) \
	MRP_LIMIT=$((minutes * 60 + 900))
sh tests/run.sh -n -j 1 soak
# Memory of what is delivered, without sanitizers.
if [ -x build/release/mrprober ]; then
	MRP_BUILD="$PWD/build/release" sh tests/run.sh -n soak/agent
fi

for target in build/dev/tests/fuzz_*; do
	[ -x "$target" ] || continue
	name=${target##*/}
	echo "$name: $minutes minutes"
	FUZZ_SECONDS=$((minutes * 60)) "$target" "tests/fuzz/corpus/${name#fuzz_}"
done
