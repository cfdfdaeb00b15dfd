# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Programs of all kinds, run one after another for long: memory and descriptors of who runs them stay as they are, and
# nothing is left of what they leave behind. The unit test itself looks at all of that.

test_many_runs()
{
	program=$MRP_BUILD/tests/test_run
	[ -x "$program" ] || skip 'the unit tests are not built'
	MRPROBER_TEST_RUNS=${SOAK_RUNS:-5000} "$program"
}
