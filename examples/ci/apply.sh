#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Apply the plan that plan.sh has saved, exactly, or fail with the names of what has changed since. Another pipeline that is
# just synchronizing is waited for.
#
#   apply.sh [OPTION OF synchronize]...
set -eu

mrprober synchronize --yes --apply-plan plan.json --lock-timeout 10m "$@"
