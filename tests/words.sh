#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# House rules that a program can check: licence lines, white space, wording of messages. Prints what breaks them; exits
# 1 then.
#
#   sh tests/words.sh
set -eu
cd "$(dirname "$0")/.."

bad=0
complain() # WHAT, then the places on standard input
{
	while IFS= read -r place; do
		printf '%s: %s\n' "$place" "$1"
		bad=1
	done
}

if git rev-parse --git-dir >/dev/null 2>&1; then
	files=$(git ls-files -co --exclude-standard)
else
	files=$(find . -type f ! -path './build*' ! -path './.git/*' | sed 's|^\./||')
fi
only() # SUFFIX-REGEX
{
	printf '%s\n' "$files" | grep -E "$1" | while IFS= read -r file; do
		[ ! -f "$file" ] || printf '%s\n' "$file"
	done
}

tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
# found PATTERN FILES-REGEX WHAT: complain about each line that matches
found()
{
	only "$2" | tr '\n' '\0' | xargs -0 -r grep -nE -- "$1" /dev/null >"$tmp" || :
	complain "$3" <"$tmp"
}

for file in $(only '(\.[ch]|\.sh|CMakeLists\.txt|^\.ci/run)$'); do
	case $file in examples/network/* | tests/fixtures/*) continue ;; esac # trees of configs, kept short
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || printf '%s\n' "$file"
done >"$tmp"
complain 'no SPDX line at the top' <"$tmp"

found '[ 	]+$' '(\.[ch]|\.sh|\.md|CMakeLists\.txt)$' 'white space at the end of a line'
found '^ {4,}[^ *]' '\.[ch]$' 'spaces where a tab should be'
found '(^|[^A-Za-z0-9.-])(TODO|FIXME|XXX|HACK)([^A-Za-z0-9]|$)' '^(lib|cmd|tests/unit|examples)/' 'unfinished work; write it down elsewhere'
found '(mrp_err_(set|errno|at|wrap)|problems_(add|warn)|mrp_log_[a-z]*)\([^"]*"[^"]*[a-z]\."[,)]' '\.c$' \
	'a message that ends with a full stop'
found '(mrp_err_(set|errno|at|wrap)|problems_(add|warn))\([^"]*"[A-Z][a-z]+ ' '\.c$' \
	'a message that begins with a capital'
found '(^|[^_a-zA-Z])(strcpy|strcat|sprintf|vsprintf|strtok|gets|atoi|atol|system|popen|tmpnam)\(' '^(lib|cmd)/.*\.c$' \
	'a function that lib/base/banned.h is about'
found '"[^"]*\b([Ff]ailed to|[Uu]nable to|[Pp]lease|[Oo]ops|[Ss]orry)\b' '^(lib|cmd)/.*\.c$' \
	'say "cannot ..." and what was wrong'
found '(^|[^a-z])(die|exit|abort|_exit)\(' '^lib/([^b]|base/[^b]).*\.c$' 'lib/ returns errors and never exits'
found '(^|[^a-z_])(printf|puts|perror|putchar)\(' '^lib/.*\.c$' 'lib/ never prints'

exit "$bad"
