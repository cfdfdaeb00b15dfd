# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The cases of RFC 7396, appendix A, one level down: as one of a recipe's values, and as the value of a variable.

rows()
{
	cat <<'END'
{"a":"b"}|{"a":"c"}|{"a":"c"}
{"a":"b"}|{"b":"c"}|{"a":"b","b":"c"}
{"a":"b"}|{"a":null}|{}
{"a":"b","b":"c"}|{"a":null}|{"b":"c"}
{"a":["b"]}|{"a":"c"}|{"a":"c"}
{"a":"c"}|{"a":["b"]}|{"a":["b"]}
{"a":{"b":"c"}}|{"a":{"b":"d","c":null}}|{"a":{"b":"d"}}
{"a":[{"b":"c"}]}|{"a":[1]}|{"a":[1]}
["a","b"]|["c","d"]|["c","d"]
{"a":"b"}|["c"]|["c"]
{"a":"foo"}|null|gone
{"a":"foo"}|"bar"|"bar"
{"e":null}|{"a":1}|{"e":null,"a":1}
[1,2]|{"a":"b","c":null}|{"a":"b"}
{}|{"a":{"bb":{"ccc":null}}}|{"a":{"bb":{}}}
END
}

test_recipe_values()
{
	start_api
	n=0
	rows >rows
	while IFS='|' read -r before patch after; do
		n=$((n + 1))
		request POST /v1/recipes '{"slug":"r'$n'","values":{"t":'"$before"',"other":[null,{"x":null}]}}'
		expect 201 ".values.t == $before"
		request PATCH "/v1/recipes/r$n" '{"values":{"t":'"$patch"'}}'
		if [ "$after" = gone ]; then
			expect 200 '.values | has("t") | not'
		else
			expect 200 ".values.t == $after"
		fi
		expect 200 '.values.other == [null,{"x":null}]'
		cp "$body" patched
		request GET "/v1/recipes/r$n"
		expect_files 'what GET gives after PATCH' patched "$body"
	done <rows
	expect_equal 'rows of the appendix' 15 $n
}

test_variables()
{
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	n=0
	rows | grep -v 'gone$' >rows
	while IFS='|' read -r before patch after; do
		n=$((n + 1))
		request POST /v1/clusters '{"slug":"c'$n'","recipe":"r","variables":{"t":{"value":'"$before"'}}}'
		expect 201 ".variables.t.value == $before" '.variables.t.owner == "manual"' '.variables.t.sensitive == false'
		request PATCH "/v1/clusters/c$n" '{"variables":{"t":{"value":'"$patch"'}}}'
		expect 200 ".variables.t.value == $after"
	done <rows
	expect_equal 'rows of the appendix' 14 $n
	request PATCH /v1/clusters/c1 '{"variables":{"t":null,"u":{"value":[null]}}}'
	expect 200 '.variables | keys == ["u"]' '.variables.u.value == [null]'
	# a value that contains null is written by PUT of the variable
	request PUT /v1/clusters/c1/variables/n '{"value":{"a":null}}'
	expect '200|201'
	request GET /v1/clusters/c1
	expect 200 '.variables.n.value == {"a":null}'
}

# null means "remove" in a merge patch: a recipe's values that hold one are given whole.
test_replace_values()
{
	start_api
	request POST /v1/recipes '{"slug":"r","description":"d","values":{"a":{"b":null,"c":1},"z":1}}'
	expect 201
	request PATCH '/v1/recipes/r?replace_values=true' '{"values":{"a":{"b":1,"c":null}}}' -H 'If-Match: "r1"'
	expect 200 '.values == {"a":{"b":1,"c":null}}' '.description == "d"' '.revision == 2'
	cp "$body" patched
	request GET /v1/recipes/r
	expect_files 'what GET gives after PATCH' patched "$body"
	# the rest of the patch is one as ever, and without values nothing is replaced
	request PATCH '/v1/recipes/r?replace_values=true' '{"description":null}'
	expect 200 '.values == {"a":{"b":1,"c":null}}' '.description == ""'
	request PATCH '/v1/recipes/r?replace_values=true' '{"values":7}'
	expect_problem 422
	request PATCH '/v1/recipes/r?replace_values=true' '[1]'
	expect_problem 422
	request PATCH '/v1/recipes/r?replace_values=maybe' '{"values":{}}'
	expect_problem 400
	request PATCH '/v1/recipes/r?replace_values=false' '{"values":{"a":{"c":2}}}'
	expect 200 '.values == {"a":{"b":1,"c":2}}'
	request POST /v1/batch '{"operations":[{"method":"PATCH","path":"/v1/recipes/r?replace_values=true",
		"body":{"values":{"n":null}}}]}'
	expect 200 '.results[0].body.values == {"n":null}'
	request POST /v1/clusters '{"slug":"c","recipe":"r"}'
	expect 201
	request PATCH '/v1/clusters/c?replace_values=true' '{"name":"x"}'
	expect_problem 400
}
