# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the program, its manual and its completion say about commands and options is the same.

mrp() { "$MRP_BUILD/mrprober" "$@"; }

# The option rows of a usage text: "  -q, --[no-]quiet   say nothing" -> --quiet
options_of_usage()
{
	sed -n '/^Options:/,/^$/s/^  \(-.*\)/\1/p' "$1" | sed 's/^-[A-Za-z], //; s/\[no-\]//; s/ .*//' | LC_ALL=C sort
}

# The same from the formatted page; `heading` is where the command's list starts.
options_of_page()
{
	mandoc -T lint -W warning "$1" || fail "$1: mandoc is not content"
	mandoc -T ascii -O width=200 "$1" | col -b | awk -v heading="$2" '
		$0 == heading { on = 1; next }
		on && /^ ? ? ?[A-Za-z]/ { exit }
		on && /^ *\t? *-/ { sub(/^[ \t]*/, ""); sub(/^-[A-Za-z], /, ""); sub(/\[no-\]/, ""); sub(/ .*/, ""); print }
	' | LC_ALL=C sort
}

# Only what is not offered everywhere.
options_of_completion()
{
	# shellcheck disable=SC2086 # the words of a command
	mrp __complete $1 - | sed -n 's/^\(-[^\t]*\).*/\1/p' | LC_ALL=C sort >complete.all
	LC_ALL=C comm -23 complete.all common
}

common_options()
{
	mrp __complete version - | sed -n 's/^\(-[^\t]*\).*/\1/p' | LC_ALL=C sort
}

# An own option may have the name of a common one; those count for neither side.
without_common() { LC_ALL=C comm -23 "$1" common; }

test_options_agree()
{
	common_options >common
	mrp __dump commands | while IFS= read -r command; do
		say "$command"
		# shellcheck disable=SC2086 # the words of a command
		mrp __dump options $command | LC_ALL=C sort >rows.all
		# shellcheck disable=SC2086
		mrp $command -h >usage
		without_common rows.all >rows
		options_of_usage usage >usage.all
		without_common usage.all >usage.options
		diff rows usage.options || fail "-h of '$command' differs from its options"
		options_of_completion "$command" >completion
		diff rows completion || fail "completion of '$command' differs from its options"
	done
}

test_pages_agree()
{
	command -v mandoc >/dev/null || skip 'mandoc is not installed'
	common_options >common
	mrp __dump commands | while IFS= read -r command; do
		page=$MRP_BUILD/man/mrprober-${command%% *}.1
		[ -f "$page" ] || fail "there is no man/mrprober-${command%% *}.1.in"
		# shellcheck disable=SC2086
		mrp __dump options $command | LC_ALL=C sort >rows.all
		without_common rows.all >rows
		[ -s rows ] || continue
		say "$command"
		case $command in
		*' '*) heading=$(mandoc -T ascii -O width=200 "$page" | col -b | grep -E "^   mrprober $command( |\$)") ||
			fail "man/mrprober-${command%% *}.1.in does not show '$command' (@SUBS ${command%% *}@)" ;;
		*) heading=OPTIONS ;;
		esac
		options_of_page "$page" "$heading" >page.all
		without_common page.all >page
		diff rows page || fail "the page of '$command' differs from its options"
	done
}

test_sections()
{
	for page in "$MRP_BUILD"/man/*.1; do
		for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
			grep -qx "\.Sh $section" "$page" || fail "$page has no section $section"
		done
	done
}

# A page that is referred to exists.
test_references()
{
	cat "$MRP_BUILD"/man/* | sed -n 's/^\.\(It \)\{0,1\}Xr \(mrprober[a-z-]*\) \([15]\).*/\2.\3/p' | LC_ALL=C sort -u |
		while IFS= read -r page; do
			[ -f "$MRP_BUILD/man/$page" ] || fail "a page refers to $page, which does not exist"
		done
}

# man(1) has stricter eyes than mandoc for some things.
test_man_warnings()
{
	man --version 2>/dev/null | grep -q '^man ' || skip 'man-db is not installed'
	for page in "$MRP_BUILD"/man/*; do
		MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null | tee warnings
		[ ! -s warnings ] || fail "$page: man is not content"
	done
}
