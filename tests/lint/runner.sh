# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The runner of CLI cases, tested on cases made here: a runner that cannot fail would hide everything.

. "$MRP_ROOT/tests/cli/run-case.sh"

# verdict EXPECTED ACTUAL: do they match?
verdict()
{
	printf '%b' "$1" >e
	printf '%b' "$2" >a
	if matches_expected e a >why; then
		say match
	else
		say differ
	fi
}

test_patterns()
{
	while IFS='|' read -r want expected actual; do
		expect_equal "'$expected' against '$actual'" "$want" "$(verdict "$expected" "$actual")"
	done <<'END'
match|a\n|a\n
match||
differ|a\n|b\n
differ|a\n|a\na\n
differ|a\nb\n|a\n
differ||a\n
differ|a\n|
match|...\n|
match|...\n|a\nb\n
match|a\n...\nz\n|a\nb\nc\nz\n
match|a\n...\nz\n|a\nz\n
differ|a\n...\nz\n|a\nb\n
match|...\nb\n...\n|a\nb\nb\nc\n
differ|...\nx\n...\n|a\nb\nc\n
match|~ [0-9]+ ms\n|12 ms\n
differ|~ [0-9]+ ms\n|12 ms more\n
differ|~ [0-9]+ ms\n|x12 ms\n
match|\\...\n|...\n
differ|\\...\n|a\n
match|\\~ x\n|~ x\n
differ|a.c\n|abc\n
END
}

# case_result: what run_case says of the case in ./c
case_result()
{
	if (run_case "$MRP_SCRATCH/c") >log 2>&1; then
		say passed
	else
		say "status $?"
	fi
}

new_case() # CMD [OUT [ERR [CODE]]]
{
	rm -rf c w
	mkdir c
	printf '%s\n' "$1" >c/cmd
	[ -z "${2-}" ] || printf '%s\n' "$2" >c/out
	[ -z "${3-}" ] || printf '%s\n' "$3" >c/err
	[ -z "${4-}" ] || printf '%s\n' "$4" >c/code
}

test_cases()
{
	new_case true
	expect_equal 'nothing expected, nothing printed' passed "$(case_result)"
	new_case 'exit 3'
	expect_equal 'a status that is not expected' 'status 1' "$(case_result)"
	new_case 'exit 3' '' '' 3
	expect_equal 'an expected status' passed "$(case_result)"
	new_case 'echo hello' hello
	expect_equal 'expected output' passed "$(case_result)"
	new_case 'echo hello >&2' hello
	expect_equal 'output on the wrong stream' 'status 1' "$(case_result)"
	matches log '^-hello$'
	matches log '^\+hello$'
	new_case 'false; echo not reached'
	expect_equal 'a step that fails ends a case' 'status 1' "$(case_result)"
	new_case 'try sh -c "exit 4"; echo on' '$ sh -c exit 4
[exit 4]
on'
	expect_equal 'a step that may fail' passed "$(case_result)"
	new_case 'pwd' 'SCRATCH/w'
	expect_equal 'normalised paths' passed "$(case_result)"
	new_case 'skip "no such thing here"'
	expect_equal 'a skip' 'status 77' "$(case_result)"
	new_case 'cat there' text
	mkdir c/in
	echo text >c/in/there
	expect_equal 'input files' passed "$(case_result)"
}

test_update()
{
	new_case 'echo new; exit 2' old '' 2
	expect_equal 'before' 'status 1' "$(case_result)"
	UPDATE=1
	export UPDATE
	expect_equal 'updating' passed "$(case_result)"
	unset UPDATE
	expect_equal 'after' passed "$(case_result)"
	expect_equal 'out' new "$(cat c/out)"
}

# Unit tests are found, run and counted by ctest; a name that is nobody's is an error.
test_selection()
{
	sh "$MRP_ROOT/tests/run.sh" -l unit/test_value >list
	expect_equal 'one unit test' unit/test_value "$(cat list)"
	sh "$MRP_ROOT/tests/run.sh" -l lint/runner/cases >list
	expect_equal 'one script test' lint/runner/cases "$(cat list)"
	sh "$MRP_ROOT/tests/run.sh" -l lint/runner >list
	[ "$(wc -l <list)" -ge 4 ] || fail "a whole file: $(cat list)"
	sh "$MRP_ROOT/tests/run.sh" -l lint/runn >list
	expect_equal 'a part of a name is no name' '' "$(cat list)"
}
