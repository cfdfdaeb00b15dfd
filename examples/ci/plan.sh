#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Show what the configs would change: plan.md for people, plan.json for apply.sh. Ends with 0 when there is a plan, whether
# there is something to do or not; a bad config, a guard's refusal or an API that does not answer fails the job.
# MRPROBER_API_URL, MRPROBER_ENVIRONMENT and MRPROBER_TOKEN or MRPROBER_TOKEN_FILE come from the pipeline's settings.
#
#   plan.sh [OPTION OF synchronize]...
set -eu

code=0
mrprober synchronize --check --prune --format markdown --plan-out plan.json "$@" >plan.md || code=$?
cat plan.md
case $code in
0 | 2) ;;
*) exit "$code" ;;
esac
