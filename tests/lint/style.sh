# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Checks of the sources themselves.

all_scripts()
{
	cd "$MRP_ROOT" || exit 1
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files -co --exclude-standard
	else
		find . -type f ! -path './build/*' ! -path './.git/*'
	fi | sed 's|^\./||' | while IFS= read -r file; do
		[ -f "$file" ] || continue
		case $file in
		tests/cli/*/cmd | tests/fixtures/*) continue ;;
		*.sh | .ci/run) echo "$file" ;;
		*) ! head -c 64 "$file" | LC_ALL=C grep -aqE '^#! ?/(usr/)?bin/(env )?(ba|da)?sh' || echo "$file" ;;
		esac
	done
}

test_shellcheck()
{
	command -v shellcheck >/dev/null || skip 'shellcheck is not installed'
	cd "$MRP_ROOT" || exit 1
	all_scripts | grep -vE '^tests/(http|agent|creator|lint|probe|soak)/' >"$MRP_SCRATCH/scripts"
	[ -s "$MRP_SCRATCH/scripts" ] || fail 'no scripts found'
	tr '\n' '\0' <"$MRP_SCRATCH/scripts" | xargs -0 shellcheck -x -P "$MRP_ROOT"
}

# Files of tests and commands of cases use what the runner gives them (SC2154), keep shell code and JSON in single quotes
# (SC2016), and run under `set -e` (SC2164).
test_shellcheck_tests()
{
	command -v shellcheck >/dev/null || skip 'shellcheck is not installed'
	cd "$MRP_ROOT" || exit 1
	find tests/http tests/agent tests/creator tests/lint tests/probe tests/soak -name '*.sh' >"$MRP_SCRATCH/scripts"
	find tests/cli -name cmd -type f >>"$MRP_SCRATCH/scripts"
	tr '\n' '\0' <"$MRP_SCRATCH/scripts" | xargs -0 shellcheck -s sh \
		-e SC1091,SC2013,SC2016,SC2034,SC2094,SC2148,SC2154,SC2164,SC2238,SC2317,SC3045
}

test_shell_syntax()
{
	cd "$MRP_ROOT" || exit 1
	all_scripts | while IFS= read -r file; do
		case $(head -n 1 "$file") in
		*bash*) bash -n "$file" ;;
		*) sh -n "$file" ;;
		esac || fail "$file: syntax"
	done
	for file in completions/*.bash; do
		[ ! -f "$file" ] || bash -n "$file" || fail "$file: syntax"
	done
}

test_man()
{
	command -v mandoc >/dev/null || skip 'mandoc is not installed'
	find "$MRP_ROOT/man" "$MRP_BUILD/man" -name '*.[1-8]' -type f 2>/dev/null >"$MRP_SCRATCH/pages" || :
	[ -s "$MRP_SCRATCH/pages" ] || skip 'no manual pages yet'
	while IFS= read -r page; do
		say "$page"
		mandoc -T lint -W warning "$page" || fail "$page: mandoc is not content"
		[ "$(mandoc -T utf8 "$page" | wc -l)" -gt 10 ] || fail "$page: next to nothing in it"
	done <"$MRP_SCRATCH/pages"
}

test_layers()
{
	sh "$MRP_ROOT/tests/layers.sh"
}

# The layer check finds what it is for.
test_layers_check()
{
	mkdir -p lib/base lib/model lib/sync lib/http cmd
	echo '#include "../model/x.h"' >lib/base/a.c
	echo '#include <curl/curl.h>' >lib/http/client.c
	echo '#include "../../cmd/cmd.h"' >lib/sync/s.c
	printf '%s\n' '#include "../base/x.h"' '#include <stdio.h>' >lib/model/ok.c
	echo '#include "../lib/sync/s.h"' >cmd/ok.c
	! sh "$MRP_ROOT/tests/layers.sh" "$MRP_SCRATCH" >found || fail 'nothing was found'
	cat found
	expect_equal 'complaints' 3 "$(wc -l <found)"
	matches found '^lib/base/a\.c:1: .*not below lib/base'
	matches found '^lib/http/client\.c:1: <curl/curl\.h>'
	matches found '^lib/sync/s\.c:1: .*not below lib/sync'
}

test_words()
{
	sh "$MRP_ROOT/tests/words.sh"
}
