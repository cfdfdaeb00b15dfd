# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Batches: all or nothing.

test_success()
{
	start_api
	request POST /v1/batch '{"operations":[
		{"method":"POST","path":"/v1/recipes","body":{"slug":"r"}},
		{"method":"POST","path":"/v1/clusters","body":{"slug":"c","recipe":"r"}},
		{"method":"PATCH","path":"/v1/recipes/r","body":{"description":"d"}},
		{"method":"PUT","path":"/v1/clusters/c/variables/v","body":{"value":[1]}},
		{"method":"POST","path":"/v1/probers","body":{"slug":"p","command":["x"]}},
		{"method":"DELETE","path":"/v1/probers/p"}]}'
	expect 200 '[.results[].status] | .[0] == 201 and .[1] == 201 and .[2] == 200 and (.[3] == 200 or .[3] == 201) and .[4] == 201 and .[5] == 204' \
		'.results[0].body.slug == "r"' '.results[2].body.description == "d"' '.results[1].body.recipe == "r"'
	request GET /v1/recipes/r
	expect 200 '.description == "d"'
	request GET /v1/clusters/c/variables/v
	expect 200 '.value == [1]'
	request GET /v1/probers/p
	expect_problem 404
	request POST /v1/batch '{"operations":[]}'
	expect 200 '.results == []'
}

# Operations build on what those before them did, near and far; one that does not fit takes all of them back.
test_many()
{
	start_api
	request POST /v1/probers '{"slug":"old","command":["x"]}'
	jq -cn '
		def op($method; $path; $body): {method: $method, path: $path, body: $body};
		[range(150) | "p\(.)" | op("POST"; "/v1/probers"; {slug: ., command: ["x"]}), op("PATCH"; "/v1/probers/" + .; {name: .})]
		+ [op("DELETE"; "/v1/probers/p0"; null), op("DELETE"; "/v1/probers/old"; null), op("POST"; "/v1/probers"; {slug: "p0", command: ["y"]})]
		+ [range(1; 150) | op("PATCH"; "/v1/probers/p\(.)"; {description: "d"})]
		+ [op("PATCH"; "/v1/probers/p0"; {name: "again"})] | map(if .body then . else del(.body) end)' >operations
	jq -c '{operations: (. + [{method: "PATCH", path: "/v1/probers/old", body: {}}])}' operations >bad.json
	request POST /v1/batch @bad.json
	expect_problem 404 '.results[-1].status == 404'
	request GET /v1/probers
	expect 200 '[.items[].slug] == ["old"]'
	jq -c '{operations: .}' operations >good.json
	request POST /v1/batch @good.json
	expect 200 '[.results[].status] | unique == [200, 201, 204]' '.results[-1].body | .name == "again" and .command == ["y"]'
	request GET '/v1/probers?page_size=1000'
	expect 200 '.items | length == 150' '[.items[] | select(.slug != "p0" and (.name != .slug or .description != "d"))] == []' \
		'[.items[].revision] | unique | length == 150'
}

# Rows: a failing operation and its status. What stands before and after it must not happen.
test_atomic()
{
	start_api
	request POST /v1/recipes '{"slug":"used"}'
	request POST /v1/clusters '{"slug":"user","recipe":"used"}'
	request GET /v1/state
	cp "$body" state-before
	while read -r want operation; do
		request POST /v1/batch '{"operations":[
			{"method":"POST","path":"/v1/recipes","body":{"slug":"new"}},
			{"method":"PATCH","path":"/v1/recipes/used","body":{"description":"changed"}},
			{"method":"DELETE","path":"/v1/clusters/user"},
			'"$operation"',
			{"method":"POST","path":"/v1/recipes","body":{"slug":"late"}}]}'
		expect_problem "$want" '.results | length == 5' ".results[3].status == $want" \
			'[.results[0,1,2,4].status] == [424,424,424,424]'
		request GET /v1/recipes
		expect 200 '[.items[].slug] == ["used"]' '.items[0].description == ""'
		request GET /v1/clusters/user
		expect 200
	done <<'END'
409 {"method":"POST","path":"/v1/recipes","body":{"slug":"used"}}
409 {"method":"POST","path":"/v1/recipes","body":{"slug":"new"}}
422 {"method":"POST","path":"/v1/recipes","body":{"slug":"BAD"}}
422 {"method":"POST","path":"/v1/clusters","body":{"slug":"c","recipe":"none"}}
404 {"method":"PATCH","path":"/v1/recipes/none","body":{}}
404 {"method":"DELETE","path":"/v1/probers/none"}
412 {"method":"PATCH","path":"/v1/recipes/used","if_match":"\"r0\"","body":{}}
412 {"method":"DELETE","path":"/v1/recipes/used","if_match":"\"r0\""}
404 {"method":"PUT","path":"/v1/clusters/user/variables/a","body":{"value":1}}
END
	request GET /v1/state
	expect_files 'the state' state-before "$body"
}

test_if_match()
{
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	etag=$(header ETag)
	request POST /v1/batch '{"operations":[{"method":"PATCH","path":"/v1/recipes/r","if_match":'"$(printf %s "$etag" | jq -R .)"',"body":{"description":"x"}}]}'
	expect 200 '.results[0].body.description == "x"'
	request POST /v1/batch '{"operations":[{"method":"PATCH","path":"/v1/recipes/r","if_match":'"$(printf %s "$etag" | jq -R .)"',"body":{"description":"y"}}]}'
	expect_problem 412
}

# Operations are taken apart one by one, whatever is between and inside of them.
test_spelling()
{
	start_api
	printf '\n { "operations" :\t[\r\n{"body":{"description":"]}\\"],[{\\\\","slug":"a"},"path":"/v1/recipes","method":"POST"} ,\n' >batch
	printf '{"method":"POST","path":"/v1/recipes","body":{"slug":"b","values":{"x":[[{"y":[]}],{}]}}}\n]\n}\n\n' >>batch
	request POST /v1/batch @batch
	expect 200 '[.results[].status] == [201,201]'
	request GET /v1/recipes
	expect 200 '.items[0].description == "]}\"],[{\\"' '.items[1].values.x == [[{"y":[]}],{}]'
	curl -sS -o "$body" -H 'Prefer: return=minimal' -H 'Content-Type: application/json' \
		--data '{"operations":[{"method":"DELETE","path":"/v1/recipes/a"},{"method":"POST","path":"/v1/recipes","body":{"slug":"c"}}]}' \
		"$api_url/v1/batch"
	jq -e '.results == [{"status":204,"body":null},{"status":201,"body":null}]' "$body" >/dev/null || fail "$(cat "$body")"
	# larger than any other body may be
	{
		printf '{"operations":[{"method":"POST","path":"/v1/recipes","body":{"slug":"large"}}'
		head -c 70000000 /dev/zero | tr '\0' ' '
		printf ']}'
	} >batch
	request POST /v1/batch @batch
	expect 200 '[.results[].status] == [201]'
}

# A mistake anywhere: nothing of it is done.
test_broken()
{
	start_api
	first='{"method":"POST","path":"/v1/recipes","body":{"slug":"first"}}'
	for text in "{\"operations\":[$first,{\"method\":nope}]}" "{\"operations\":[$first,{\"a\":1,\"a\":2}]}" "{\"operations\":[$first,]}" \
		"{\"operations\":[$first" "{\"operations\":[$first]" "{\"operations\":[$first]}}" "{\"operations\":[$first],\"operations\":[]}" \
		"{\"operat\\u0069ons\":[$first]}" "{\"operations\":[$first}]" "{\"operations\":[$first {}]}" "[$first]" "{\"operations\":[$first,[]]}" \
		"{\"operations\":[$first,{\"x\":\"" "{\"operations\":[$first,{]}" '{"operations":' '{'; do
		request POST /v1/batch "$text"
		case $status in 400 | 422) ;; *) fail "$text: status $status" ;; esac
		expect_problem "$status"
	done
	request GET /v1/recipes
	expect 200 '.items == []'
}

test_bad_batches()
{
	start_api
	for text in '{}' '[]' '{"operations":{}}' '{"operations":[1]}' '{"operations":[{}]}' '{"operations":[{"method":"POST"}]}' \
		'{"operations":[{"method":5,"path":"/v1/recipes"}]}' '{"operations":[{"method":"POST","path":"/v1/recipes","bdoy":{}}]}' \
		'{"operations":[],"atomic":false}'; do
		request POST /v1/batch "$text"
		case $status in 400 | 422) ;; *) fail "$text: status $status" ;; esac
		expect_problem "$status"
	done
	# only what writes objects may stand in a batch, and no batch in a batch
	for operation in '{"method":"GET","path":"/v1/recipes"}' '{"method":"POST","path":"/v1/batch","body":{"operations":[]}}' \
		'{"method":"POST","path":"/nowhere","body":{}}' '{"method":"POST","path":"http://evil.example/v1/recipes","body":{}}' \
		'{"method":"BREW","path":"/v1/recipes"}' '{"method":"PUT","path":"/v1/recipes","body":{}}'; do
		request POST /v1/batch '{"operations":['"$operation"']}'
		case $status in 400 | 404 | 405 | 422) ;; *) fail "$operation: status $status" ;; esac
		expect_problem "$status"
	done
}

# Two batches at a time that touch the same objects the other way round: both are done, or one is refused, never half.
test_side_by_side()
{
	start_api
	for i in $(seq 0 19); do
		seq 0 49 | awk -v i="$i" '
			{ k = i % 2 ? 49 - $1 : $1
			  op[NR] = sprintf("{\"method\":\"POST\",\"path\":\"/v1/recipes\",\"body\":{\"slug\":\"s%d\",\"description\":\"%d\"}}", k, i) }
			END { printf "{\"operations\":["; for (k = 1; k <= NR; k++) printf "%s%s", (k > 1 ? "," : ""), op[k]; print "]}" }' >"batch$i"
		curl -sS -o "answer$i" -w '%{http_code}\n' -H 'Content-Type: application/json' --data-binary "@batch$i" \
			"$api_url/v1/batch" >"status$i" &
		curls="${curls-} $!"
	done
	# shellcheck disable=SC2086 # a list of numbers
	wait $curls
	cat status* | sort | uniq -c >counts
	cat counts
	expect_equal 'batches that were done' 1 "$(cat status* | grep -c '^200')"
	expect_equal 'batches that were refused' 19 "$(cat status* | grep -c '^409')"
	request GET '/v1/recipes?page_size=1000'
	expect 200 '.items | length == 50' '[.items[].description] | unique | length == 1'
}
