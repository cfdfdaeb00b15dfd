# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# A CLI case is a folder: `cmd` is sh, run in a scratch folder (with a copy of `in/` when there is one); what it prints
# must be `out` and `err`, its status `code` (absent: empty, and 0). Expected lines may be patterns:
#
#   ~ REGEX   the whole line matches this extended regular expression
#   ...       any number of lines
#   \TEXT     TEXT, when it starts like one of these
#
# Output is made the same everywhere first: the scratch folder becomes SCRATCH, the API's address API.

normalise()
{
	fault_port=$(cat "$MRP_SCRATCH/.faultd.port" 2>/dev/null || echo none)
	sed -e "s|$MRP_SCRATCH|SCRATCH|g" -e "s|${MRP_ROOT}|SOURCE|g" \
		-e "s|127\\.0\\.0\\.1:${api_port:-none}|API|g" \
		-e "s|127\\.0\\.0\\.1:$fault_port|FAULT|g" "$1"
}

# Is ACTUAL what EXPECTED says? Patterns as above.
matches_expected() # EXPECTED ACTUAL
{
	awk -v expected="$1" -v actual="$2" '
	function same(pattern, text) {
		if (substr(pattern, 1, 2) == "~ ")
			return text ~ ("^(" substr(pattern, 3) ")$")
		if (substr(pattern, 1, 1) == "\\")
			pattern = substr(pattern, 2)
		return pattern == text
	}
	BEGIN {
		while ((getline line <expected) > 0) e[++n] = line
		while ((getline line <actual) > 0) a[++m] = line
		# reach[j]: the expected lines so far can cover the first j actual lines
		reach[0] = 1
		for (i = 1; i <= n; i++) {
			for (j = 0; j <= m; j++) {
				if (e[i] == "...")
					next_reach[j] = reach[j] || (j > 0 && next_reach[j - 1])
				else
					next_reach[j] = j > 0 && reach[j - 1] && same(e[i], a[j])
			}
			found = 0
			for (j = 0; j <= m; j++) found += reach[j] = next_reach[j]
			if (!found) {
				print "nothing fits expected line " i ": " e[i]
				exit 1
			}
		}
		if (!reach[m + 0]) print "there is more than what is expected"
		exit !reach[m + 0]
	}'
}

# The names of the files are those of the case; tools that look at them begin with a point.
run_case() # FOLDER
{
	case_dir=$1
	work=$MRP_SCRATCH/w
	mkdir -p "$work"
	[ ! -d "$case_dir/in" ] || cp -R "$case_dir/in/." "$work"
	say "\$ cat tests/${case_dir#"$MRP_ROOT"/tests/}/cmd"
	cat "$case_dir/cmd"
	echo

	code=0
	(cd "$work" && exec sh "$MRP_ROOT/tests/cli/case-body.sh" "$case_dir/cmd") \
		>"$MRP_SCRATCH/.case.out" 2>"$MRP_SCRATCH/.case.err" || code=$?
	if [ $code -eq 77 ]; then
		tail -n 1 "$MRP_SCRATCH/.case.out"
		exit 77
	fi
	[ ! -f "$MRP_SCRATCH/.port" ] || api_port=$(cat "$MRP_SCRATCH/.port")
	echo "$code" >"$MRP_SCRATCH/.actual.code"
	normalise "$MRP_SCRATCH/.case.out" >"$MRP_SCRATCH/.actual.out"
	normalise "$MRP_SCRATCH/.case.err" >"$MRP_SCRATCH/.actual.err"

	bad=
	for stream in code out err; do
		compare_stream "$stream" || bad=1
	done
	[ -z "$bad" ] || fail "the case does not give what it should"
}

compare_stream() # code|out|err
{
	expected=$case_dir/$1
	actual=$MRP_SCRATCH/.actual.$1
	if [ ! -f "$expected" ]; then
		expected=$MRP_SCRATCH/.expected.$1
		[ "$1" != code ] || echo 0 >"$expected"
		[ "$1" = code ] || : >"$expected"
	fi
	! matches_expected "$expected" "$actual" || return 0
	if [ "${UPDATE-}" = 1 ]; then
		sed 's/^\(~ \|\.\.\.$\|\\\)/\\\1/' "$actual" >"$case_dir/$1" # what looks like a pattern is none
		[ -s "$actual" ] || rm -f "$case_dir/$1"
		say "updated $1"
		return 0
	fi
	diff -u --label "$1 expected" --label "$1 actual" "$expected" "$actual"
	return 1
}
