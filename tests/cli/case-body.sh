#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The inside of run-case.sh: what `cmd` of a case may use besides tests/lib.sh.
set -eu

. "$MRP_ROOT/tests/lib.sh"
trap cleanup_test EXIT
trap 'exit 130' INT TERM
api_pid='' api_port='' api_url=''
MRP_CASE=1

# Show a command, run it, show its status when that is not 0: for cases of several steps.
try()
{
	printf '$ %s\n' "$*"
	try_code=0
	"$@" || try_code=$?
	[ $try_code -eq 0 ] || printf '[exit %d]\n' $try_code
}

# The port must be known outside, where output is compared.
start_case_api()
{
	start_api "$@"
	say "$api_port" >"$MRP_SCRATCH/.port"
}

# tree NAME: a copy of tests/fixtures/NAME in the current folder.
tree() { cp -R "$MRP_ROOT/tests/fixtures/$1/." .; }

# quietly COMMAND...: no output unless it fails.
quietly()
{
	"$@" >"$MRP_SCRATCH/.quiet" 2>&1 || {
		cat "$MRP_SCRATCH/.quiet"
		fail "$*"
	}
}

# shellcheck source=/dev/null
. "$1"
