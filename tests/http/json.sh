# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The edges of JSON (RFC 8259), one row each, as whole bodies and as values within a good one: y_ has to be taken, n_ to
# be refused with 400, i_ is left to the implementation. Whatever comes, it is never a 5xx and never a crash.
#
# A row is a name and, after white space, a text for printf's %b: \\ is a backslash, \0NNN a byte.

# What is too long to write down, straight into files.
write_long_rows()
{
	awk '
	function many(text, n,   half) {
		if (n < 2) return n ? text : ""
		half = many(text, int(n / 2))
		return half half (n % 2 ? text : "")
	}
	function row(name, text) { printf "%s", text >"bodies/" name; close("bodies/" name) }
	BEGIN {
		row("n_structure_open_arrays_100", many("[", 100))
		row("n_structure_open_arrays_100000", many("[", 100000))
		row("n_structure_open_objects_100000", many("{\"a\":", 100000))
		row("n_structure_open_mixed_50000", many("[{\"\":", 50000))
		row("n_structure_closed_arrays_1000", many("[", 1000) many("]", 1000))
		row("n_structure_closed_objects_500", many("{\"a\":", 500) "1" many("}", 500))
		row("n_structure_only_closing", many("]", 1000))
		row("n_structure_many_commas", "[" many(",", 10000) "]")
		row("n_number_sign_many", many("-", 1000) "1")
		row("y_structure_depth_40", many("[", 40) many("]", 40))
		row("y_array_of_many", "[1" many(",1", 20000) "]")
		row("y_string_long", "\"" many("a", 100000) "\"")
		row("y_string_many_escapes", "\"" many("\\n", 5000) "\"")
		row("y_structure_much_space", many(" ", 50000) "1" many("\n", 5000))
		row("i_number_long_integer", many("9", 5000))
		row("i_number_long_fraction", "0." many("3", 5000))
		row("i_number_many_zeros", "1" many("0", 400))
		row("i_number_tiny", "0." many("0", 400) "1")
		row("i_object_many_keys_same", "{\"a\":1" many(",\"a\":1", 1000) "}")
		row("i_object_long_key", "{\"" many("k", 70000) "\":1}")
	}'
}

# Each row's text into files: NAME is the body as it is, NAME.in is within an object.
write_rows()
{
	mkdir bodies
	while read -r name text; do
		case $name in '' | '#'*) continue ;; esac
		printf '%b' "$text" >"bodies/$name"
	done <"$MRP_ROOT/tests/http/json.rows"
	write_long_rows
	for file in bodies/*; do
		{ printf '{"slug":"r","values":{"v":' && cat "$file" && printf '}}'; } >"$file.in"
	done
}

# send METHOD PATH SUFFIX: a line "STATUS NAME" for each body
send()
{
	for file in bodies/*"$3"; do
		[ "$3" != '' ] || case $file in *.in) continue ;; esac
		[ ! -s requests ] || echo next
		printf 'url = "%s%s"\nrequest = "%s"\ndata-binary = "@%s"\nheader = "Content-Type: application/json"\nheader = "Expect:"\noutput = "/dev/null"\nwrite-out = "%%{http_code} %s\\n"\nmax-time = 30\n' \
			"$api_url" "$2" "$1" "$file" "${file#bodies/}"
		echo x >requests
	done >config
	rm -f requests
	curl -sS -K config >statuses 2>errors || {
		cat errors
		tail -n 3 statuses
		fail 'curl has no answer to a body'
	}
}

alive()
{
	kill -0 "$api_pid" || fail 'the API is gone'
	request GET /v1/state
	expect 200
}

test_rows_as_values()
{
	write_rows
	expect_more 170 "$(find bodies -name '*.in' | wc -l)"
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	send PATCH /v1/recipes/r .in
	# that there is a slug which must not change does not matter here: it is the same one
	awk '$2 ~ /^y_/ && $1 != 200 || $2 ~ /^n_/ && $1 !~ /^4/ || $2 ~ /^i_/ && $1 !~ /^(200|4..)$/' statuses >wrong
	[ ! -s wrong ] || { cat wrong; fail 'wrong answers'; }
	say "$(cut -d ' ' -f 1 statuses | sort | uniq -c | tr '\n' ' ')"
	alive
}

test_rows_as_bodies()
{
	write_rows
	start_api
	for route in 'POST /v1/recipes' 'POST /v1/batch' 'POST /v1/blobs/missing' 'PUT /v1/clusters/c/variables/v'; do
		# shellcheck disable=SC2086 # two words
		send $route ''
		awk '$2 ~ /^n_/ && $1 !~ /^4/ || $1 !~ /^[24]/' statuses >wrong
		[ ! -s wrong ] || { cat wrong; fail "$route: wrong answers"; }
	done
	alive
}

# Any byte anywhere: a good body with each of its bytes replaced or removed, and cut off after each.
test_damaged_bodies()
{
	mkdir bodies
	good='{"slug":"r","name":"\\u00e9\\ud83d\\ude00","values":{"a":[1,-2.5e+3,true,null,{"b":""}]}}'
	len=${#good}
	i=0
	while [ $i -lt "$len" ]; do
		head=$(printf '%s' "$good" | cut -c "1-$((i + 1))")
		tail=$(printf '%s' "$good" | cut -c "$((i + 2))-")
		printf '%s' "${head%?}" >"bodies/cut$i"
		printf '%s%s' "${head%?}" "$tail" >"bodies/without$i"
		for byte in 000 377 042 134 173; do
			printf '%s\0'$byte'%s' "${head%?}" "$tail" >"bodies/byte$byte-$i"
		done
		i=$((i + 1))
	done
	start_api
	send POST /v1/recipes ''
	awk '$1 !~ /^(201|4..)$/' statuses >wrong
	[ ! -s wrong ] || { cat wrong; fail 'wrong answers'; }
	alive
}

expect_more() { [ "$2" -ge "$1" ] || fail "only $2 rows"; }
