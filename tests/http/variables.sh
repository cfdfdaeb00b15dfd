# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Variables of clusters: owners, tags, and values that are not shown.

prepare()
{
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	request POST /v1/clusters '{"slug":"c","recipe":"r"}'
	expect 201
}

test_put_get_delete()
{
	prepare
	for value in 1 0.5 '"text"' true '[1,"a",null]' '{"a":{"b":null}}' null '""' '[]' '{}'; do
		request PUT /v1/clusters/c/variables/v '{"value":'"$value"'}'
		expect '200|201' ".value == $value" '.owner == "manual"' '.sensitive == false' '.updated_at | test("Z$")'
		request GET /v1/clusters/c/variables/v
		expect 200 ".value == $value" 'has("value")'
	done
	request PUT /v1/clusters/c/variables/w '{"value":2,"owner":"meeseeks"}'
	expect 201 '.owner == "meeseeks"'
	request GET /v1/clusters/c/variables
	expect 200 '[.. | objects | select(has("owner"))] | length == 2'
	request GET /v1/clusters/c
	expect 200 '.variables.w.value == 2' '.variables.w.owner == "meeseeks"' '.variables.v.value == {}'
	request DELETE /v1/clusters/c/variables/v
	expect 204
	request GET /v1/clusters/c/variables/v
	expect_problem 404
	request DELETE /v1/clusters/c/variables/v
	expect_problem 404
	request GET /v1/clusters/c
	expect 200 '.variables | keys == ["w"]'
}

test_tags()
{
	prepare
	request PUT /v1/clusters/c/variables/v '{"value":1}'
	request GET /v1/clusters/c/variables/v
	one=$(header ETag)
	case $one in '"r'[0-9]*'"') ;; *) fail "tag of a variable: $one" ;; esac
	request GET /v1/clusters/c/variables/v '' -H "If-None-Match: $one"
	expect 304
	request PUT /v1/clusters/c/variables/v '{"value":2}' -H "If-Match: $one"
	expect 200
	request PUT /v1/clusters/c/variables/v '{"value":3}' -H "If-Match: $one"
	expect_problem 412
	request DELETE /v1/clusters/c/variables/v '' -H "If-Match: $one"
	expect_problem 412
	request PUT /v1/clusters/c/variables/new '{"value":3}' -H "If-Match: $one"
	expect_problem 412
	request PUT /v1/clusters/c/variables/v '{"value":4}' -H 'If-None-Match: *'
	expect_problem 412
	request GET /v1/clusters/c/variables/v
	expect 200 '.value == 2'
	# another variable's write does not move this one's tag, but it moves the cluster's
	two=$(header ETag)
	request GET /v1/clusters/c
	cluster=$(header ETag)
	request PUT /v1/clusters/c/variables/other '{"value":1}'
	request GET /v1/clusters/c/variables/v
	expect_header ETag "$two"
	request GET /v1/clusters/c
	[ "$(header ETag)" != "$cluster" ] || fail "a cluster's tag did not move when a variable was written"
}

test_bad()
{
	prepare
	request PUT /v1/clusters/c/variables/theirs '{"value":1,"owner":"synchronize"}'
	while read -r name field text; do
		request PUT "/v1/clusters/c/variables/$name" "$text"
		expect_problem 422 ".errors[0].field == \"$field\""
	done <<'END'
v valeu {"valeu":1}
v variables.v.value {}
v owner {"value":1,"owner":"me"}
v sensitive {"value":1,"sensitive":"no"}
theirs owner {"value":1,"owner":"me"}
theirs zzz {"value":1,"zzz":1}
a-b variables {"value":1}
1a variables {"value":1}
END
	request DELETE /v1/clusters/c/variables/theirs
	request PUT /v1/clusters/c/variables/v '[1]'
	expect_problem 422
	request PUT /v1/clusters/c/variables/v 'x'
	expect_problem 400
	request GET /v1/clusters/c
	expect 200 '.variables == {}'
}

# Only variables of synchronize count for the digest.
test_digest()
{
	prepare
	request GET /v1/clusters/c
	digest=$(jq -r .digest "$body")
	for owner in manual meeseeks initial; do
		request PUT "/v1/clusters/c/variables/$owner" '{"value":"x","owner":"'$owner'"}'
		request GET /v1/clusters/c
		expect 200 ".digest == \"$digest\""
	done
	request PUT /v1/clusters/c/variables/mine '{"value":"x","owner":"synchronize"}'
	request GET /v1/clusters/c
	expect 200 ".digest != \"$digest\""
	request DELETE /v1/clusters/c/variables/mine
	request GET /v1/clusters/c
	expect 200 ".digest == \"$digest\""
}

test_sensitive()
{
	prepare
	secret=planted-secret-$$
	request PUT /v1/clusters/c/variables/password '{"value":"'$secret'","owner":"synchronize","sensitive":true}'
	expect 201 'has("value") | not' '.sensitive'
	request PATCH /v1/clusters/c '{"variables":{"token":{"value":["'$secret'"],"sensitive":true},"open":{"value":1}}}'
	expect 200 '.variables.token | has("value") | not' '.variables.open.value == 1'
	# by name: listed in sensitive_variables
	request PUT /v1/clusters/c/variables/named '{"value":"'$secret'"}'
	request PATCH /v1/clusters/c '{"sensitive_variables":["named"]}'
	expect 200 '.sensitive_variables == ["named"]'
	: >everything
	for path in /v1/clusters/c /v1/clusters /v1/clusters/c/variables /v1/clusters/c/variables/password \
		/v1/clusters/c/variables/named /v1/clusters/c/variables/token /v1/state /metrics / /openapi.json; do
		request GET "$path"
		expect 200
		cat "$body" "$headers" >>everything
	done
	request POST /v1/batch '{"operations":[{"method":"PATCH","path":"/v1/clusters/c","body":{"description":"d"}},
		{"method":"PUT","path":"/v1/clusters/c/variables/password","body":{"value":"'$secret'","owner":"synchronize","sensitive":true}}]}'
	expect 200
	cat "$body" >>everything
	# errors do not quote it
	request PUT /v1/clusters/c/variables/password '{"value":"'$secret'","sensitive":true,"owner":"'$secret'x"}'
	cat "$body" >>later
	request PUT /v1/clusters/c/variables/password '{"value":"'$secret'","sensitive":true,"zzz":1}'
	cat "$body" >>everything
	never everything "$secret"
	# asked for, to the one who may
	request GET '/v1/clusters/c?show_sensitive=true'
	expect 200 ".variables.password.value == \"$secret\"" ".variables.token.value == [\"$secret\"]" ".variables.named.value == \"$secret\""
	request GET '/v1/clusters/c/variables/password?show_sensitive=true'
	expect 200 ".value == \"$secret\""
	request GET '/v1/clusters/c/variables?show_sensitive=true'
	expect 200 "[.. | strings] | any(. == \"$secret\")"
	stop_api
	never "$(ls "$MRP_SCRATCH"/.api.*.log)" "$secret"
	say 'not in the log'
}

# What a reader got can be written back without losing a value that it did not get.
test_write_back()
{
	prepare
	request PUT /v1/clusters/c/variables/password '{"value":"s3cret","sensitive":true,"owner":"synchronize"}'
	request GET /v1/clusters/c
	digest=$(jq -r .digest "$body")
	jq '{variables}' "$body" >back.json
	request PATCH /v1/clusters/c @back.json
	expect 200 ".digest == \"$digest\""
	request GET /v1/clusters/c/variables/password
	cp "$body" back.json
	request PUT /v1/clusters/c/variables/password @back.json
	expect '200|204'
	request GET '/v1/clusters/c?show_sensitive=true'
	expect 200 '.variables.password.value == "s3cret"' ".digest == \"$digest\""
	# a new entry must have a value
	request PUT /v1/clusters/c/variables/new '{"sensitive":true}'
	expect_problem 422
	request PUT /v1/clusters/c/variables/new '{}'
	expect_problem 422
	request PATCH /v1/clusters/c '{"variables":{"new":{"owner":"manual"}}}'
	expect_problem 422
}
