# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Deployments: history that creators write, what it does to a cluster's state, approval, deleting what was deployed.

prepare()
{
	start_api
	request POST /v1/recipes '{"slug":"r","managed":true}'
	request POST /v1/clusters '{"slug":"c","recipe":"r","managed":true}'
	expect 201 '.state.status == "pending"'
}

# deployment BODY: which must work; sets id
deployment()
{
	request POST /v1/clusters/c/deployments "$1"
	expect 201 '.cluster == "c"' '.id > 0'
	id=$(jq .id "$body")
}

# state STATUS: what the cluster says
state()
{
	request GET /v1/clusters/c
	expect 200 ".state.status == \"$1\""
}

test_history()
{
	prepare
	request GET /v1/clusters/c/deployments
	expect 200 '.items == []'
	deployment '{"stage":"init","creator":"host-1"}'
	expect 201 '.status == "running"' '.started_at | test("Z$")' '.logs == {}'
	expect_header Location "*/v1/deployments/$id"
	first=$id
	state deploying
	request PATCH "/v1/deployments/$id" '{"status":"applied","stage":"apply","exit_code":0,"added":3,"changed":1,"destroyed":0,
		"logs":{"plan":"creator/c/1/plan.log"}}'
	expect 200 '.status == "applied"' '.added == 3' '.finished_at | test("Z$")' '.logs.plan == "creator/c/1/plan.log"'
	state deployed
	for i in 1 2 3 4; do
		deployment '{"status":"no-changes"}'
	done
	request GET '/v1/clusters/c/deployments?page_size=2'
	expect 200 '[.items[].id] | length == 2 and .[0] > .[1]' '.next_page_token | type == "string"'
	# newest first, all of them, none twice
	: >walked
	token=
	while :; do
		request GET "/v1/clusters/c/deployments?page_size=2${token:+&page_token=$token}"
		expect 200
		jq '.items[].id' "$body" >>walked
		token=$(jq -r '.next_page_token // "" | @uri' "$body")
		[ -n "$token" ] || break
	done
	sort -rnu walked >sorted
	expect_files 'the order' sorted walked
	expect_equal 'deployments' 5 "$(wc -l <walked)"
	request GET "/v1/deployments/$first"
	expect 200 '.added == 3'
	stop_api
	start_api
	request GET "/v1/deployments/$first"
	expect 200 '.added == 3' '.status == "applied"'
	state deployed
}

test_bad()
{
	prepare
	request POST /v1/clusters/none/deployments '{}'
	expect_problem 404
	request GET /v1/clusters/none/deployments
	expect_problem 404
	for bad in 0 -1 x 99999999999999999999 1.5; do
		request GET "/v1/deployments/$bad"
		expect_problem 404
	done
	for text in '{"status":"done"}' '{"stage":"../x"}' '{"added":-1}' '{"statsu":"failed"}' '{"logs":{"../../etc":"x"}}' \
		'{"started_at":"yesterday"}' '{"exit_code":"0"}'; do
		request POST /v1/clusters/c/deployments "$text"
		expect_problem 422
	done
	state pending
	deployment '{}'
	etag=$(header ETag)
	request PATCH "/v1/deployments/$id" '{"stage":"plan"}' -H "If-Match: $etag"
	expect 200
	request PATCH "/v1/deployments/$id" '{"stage":"apply"}' -H "If-Match: $etag"
	expect_problem 412
	request GET "/v1/deployments/$id" '' -H "If-None-Match: $(request GET "/v1/deployments/$id" >/dev/null && header ETag)"
	expect 304
}

# Each outcome and what the cluster then is.
test_states()
{
	prepare
	while read -r outcome cluster; do
		deployment '{"stage":"plan"}'
		state deploying
		request PATCH "/v1/deployments/$id" '{"status":"'"$outcome"'","message":"as it went"}'
		expect 200
		state "$cluster"
	done <<'END'
no-changes deployed
applied deployed
failed failed
interrupted failed
refused refused
END
}

test_approve()
{
	prepare
	deployment '{"stage":"plan"}'
	request POST "/v1/deployments/$id/approve" '{"approved_by":"duty"}'
	expect_problem 409
	digest=$(printf '%064d' 7)
	request PATCH "/v1/deployments/$id" '{"status":"refused","message":"would destroy 5","plan_digest":"'"$digest"'"}'
	expect 200
	request POST "/v1/deployments/$id/approve" '{"approved_by":"duty"}'
	expect 200 '.approved_by == "duty"' '.approved_at | test("Z$")' ".plan_digest == \"$digest\""
	request GET "/v1/deployments/$id"
	expect 200 '.approved_by == "duty"'
	request POST /v1/deployments/77/approve '{"approved_by":"x"}'
	expect_problem 404
	# nobody approves by a patch
	deployment '{"status":"refused"}'
	request PATCH "/v1/deployments/$id" '{"approved_by":"me"}'
	request GET "/v1/deployments/$id"
	expect 200 '.approved_by == null'
}

test_deploy_now()
{
	prepare
	request POST /v1/clusters/c/deploy
	expect '200|202'
	request POST /v1/clusters/none/deploy
	expect_problem 404
}

test_logs()
{
	prepare
	deployment '{"stage":"plan"}'
	request GET "/v1/deployments/$id/logs/plan"
	expect_problem 404
	# a location is no way to any file of this machine
	request PATCH "/v1/deployments/$id" '{"logs":{"plan":"/etc/passwd","init":"../../../../../../../../etc/passwd","apply":"file:///etc/passwd"}}'
	for stage in plan init apply; do
		request GET "/v1/deployments/$id/logs/$stage"
		! grep -q root: "$body" || fail "/etc/passwd came as the log of $stage"
	done
}

# A cluster that was deployed is not forgotten but destroyed; meanwhile it is out of the root digest, its recipe stays, and
# nothing can be changed about it.
test_destroying()
{
	prepare
	request GET /v1/state
	jq -r .root "$body" >before
	request POST /v1/clusters '{"slug":"never","recipe":"r","managed":true}'
	request DELETE /v1/clusters/never
	expect 204
	deployment '{"status":"applied"}'
	request DELETE /v1/clusters/c
	expect '200|202|204'
	state destroying
	request GET /v1/state
	expect 200 '.kinds.clusters == {}' '.destroying.clusters | keys == ["c"]'
	recipe=$(jq -r '.kinds.recipes.r.digest' "$body")
	expect_equal 'root digest' "$(printf 'recipe/r %s\n' "$recipe" | sha256sum | cut -c 1-64)" "$(jq -r .root "$body")"
	request DELETE /v1/recipes/r
	case $status in 204) fail 'the recipe of a cluster that waits to be destroyed went' ;; esac
	# it goes when the creator says so
	deployment '{"status":"destroyed"}'
	request GET /v1/clusters/c
	expect_problem 404
}

test_orphan()
{
	prepare
	deployment '{"status":"applied"}'
	request DELETE '/v1/clusters/c?orphan=maybe'
	expect_problem 400
	request DELETE '/v1/clusters/c?orphan=true'
	expect 204
	request GET /v1/clusters/c
	expect_problem 404
	request DELETE /v1/recipes/r
	expect 204
}

# What creators need to know which clusters are due.
test_times()
{
	prepare
	request GET /v1/clusters/c
	expect 200 '.state.changed_at | test("Z$")' '.state | has("last_started_at") | not' '.state | has("failures") | not'
	changed=$(jq -r .state.changed_at "$body")
	for n in 1 2; do
		deployment '{"stage":"plan"}'
		request GET /v1/clusters/c
		expect 200 '.state.last_started_at | test("Z$")' ".state.changed_at == \"$changed\""
		request PATCH "/v1/deployments/$id" '{"status":"failed"}'
		expect 200
		request GET /v1/clusters/c
		expect 200 ".state.failures == $n" '.state.last_ended_at >= .state.last_started_at'
	done
	deployment '{"status":"no-changes"}'
	request GET /v1/clusters/c
	expect 200 '.state | has("failures") | not' ".state.changed_at == \"$changed\""
	request PUT /v1/clusters/c/variables/zone '{"value":"a"}'
	expect 201
	request GET /v1/clusters/c
	expect 200 ".state.changed_at > \"$changed\"" '.state.status == "deployed"'
}

# A recipe's required variables are found missing by a run; writing one lets it be tried again.
test_required()
{
	prepare
	request PATCH /v1/recipes/r '{"required_variables":["zone","size"],"values":{"size":1}}'
	expect 200
	deployment '{"stage":"variables","status":"failed"}'
	request GET /v1/clusters/c
	expect 200 '.state.status == "waiting"' '.state.message == "for variables zone"'
	request PUT /v1/clusters/c/variables/zone '{"value":"a"}'
	expect 201
	state pending
}

# The state that a creator keeps in a folder of its own is nobody else's.
test_state_holder()
{
	prepare
	deployment '{"stage":"plan","state_holder":"one"}'
	request PATCH "/v1/deployments/$id" '{"status":"planned"}'
	expect 200
	request GET /v1/clusters/c
	expect 200 '.state | has("state_holder") | not' # nothing was made
	deployment '{"stage":"plan","state_holder":"one"}'
	request PATCH "/v1/deployments/$id" '{"stage":"apply"}'
	expect 200
	for other in '{"state_holder":"two"}' '{}'; do
		request POST /v1/clusters/c/deployments "$other"
		expect_problem 409 '.detail | contains("'"'one'"'")'
	done
	request PATCH "/v1/deployments/$id" '{"status":"applied"}'
	expect 200
	deployment '{"state_holder":"one","status":"failed"}'
	request POST '/v1/clusters/c/deployments?force=true' '{"state_holder":"two"}'
	expect 201
	request GET /v1/clusters/c
	expect 200 '.state.state_holder == "two"'
	request POST /v1/clusters/c/deployments '{"state_holder":"two","status":"destroyed"}'
	expect 201
	deployment '{"state_holder":"one","stage":"apply"}'
	request POST '/v1/clusters/c/deployments?force=true' '{}'
	expect 201
	request GET /v1/clusters/c
	expect 200 '.state | has("state_holder") | not'
}

# An approval is for the very plan that was refused.
test_approval_of()
{
	prepare
	plan=$(printf %064d 1)
	other=$(printf %064d 2)
	deployment '{"status":"refused","plan_digest":"'"$plan"'"}'
	refused=$id
	request POST /v1/clusters/c/deployments '{"plan_digest":"'"$plan"'","approved_deployment":'"$refused"'}'
	expect_problem 409 '.detail | contains("was not approved")'
	request POST "/v1/deployments/$refused/approve" '{"approved_by":"duty"}'
	expect 200
	request POST /v1/clusters/c/deployments '{"plan_digest":"'"$other"'","approved_deployment":'"$refused"'}'
	expect_problem 409 '.detail | contains("another plan")'
	request POST /v1/clusters/c/deployments '{"plan_digest":"'"$plan"'","approved_deployment":999}'
	expect_problem 409 '.detail | contains("is not there")'
	deployment '{"stage":"plan"}'
	request PATCH "/v1/deployments/$id" '{"stage":"apply","plan_digest":"'"$plan"'","approved_deployment":'"$refused"'}'
	expect 200 '.approved_by == "duty"' '.approved_at | test("Z$")'
	request PATCH "/v1/deployments/$id" '{"status":"applied"}'
	expect 200 '.approved_by == "duty"' ".approved_deployment == $refused"
}

# A state that is not to be believed stays so through runs that say nothing about it, until one says that it is.
test_dirty()
{
	prepare
	deployment '{"stage":"apply"}'
	request PATCH "/v1/deployments/$id" '{"status":"failed","dirty":true,"half_made":["a.b"],"state":"x"}'
	expect 422
	request PATCH "/v1/deployments/$id" '{"status":"failed","dirty":true,"half_made":["a.b","c.d[\"e\"]"]}'
	expect 200 .dirty
	dirty="{deployment: $id, half_made: [\"a.b\", \"c.d[\\\"e\\\"]\"]}"
	deployment '{"stage":"plan"}'
	request PATCH "/v1/deployments/$id" '{"status":"refused"}'
	expect 200
	request GET /v1/clusters/c
	expect 200 ".state.dirty == $dirty"
	deployment '{"stage":"apply"}'
	request PATCH "/v1/deployments/$id" '{"status":"applied","dirty":false}'
	expect 200
	request GET /v1/clusters/c
	expect 200 '.state | has("dirty") | not'
}

# What a cluster was deployed by stays, with the contents of its files, until the next deployment, and is for few.
test_deployed()
{
	prepare
	say one >one
	hash=$(sha256sum one | cut -d' ' -f1)
	deployed='{"recipe":{"slug":"r","files":{"main.tf":{"sha256":"'$hash'","mode":"0644"}}},
		"variables":{"a":{"value":{"b":[null,{"c":null}]}},"s":{"value":"hidden","sensitive":true},"n":{"value":null}}}'
	deployment '{"stage":"plan"}'
	request PATCH "/v1/deployments/$id" "{\"stage\":\"apply\",\"deployed\":$deployed}"
	expect_problem 422 'any(.errors[]; .field | test("main.tf"))'
	request PATCH "/v1/deployments/$id" '{"deployed":{"recipe":{"slug":"r"},"variables":{"a b":{}}}}'
	expect_problem 422
	curl -sS -f -X PUT --data-binary @one "$api_url/v1/blobs/$hash"
	request PATCH "/v1/deployments/$id" "{\"stage\":\"apply\",\"deployed\":$deployed}"
	expect 200 'has("deployed") | not' '.stage == "apply"'
	first=$id
	request PATCH "/v1/deployments/$id" '{"status":"applied"}'
	expect 200
	request GET "/v1/deployments/$first"
	expect 200 'has("deployed") | not'
	request GET "/v1/deployments/$first?show_sensitive=true"
	expect 200 '.deployed.variables.a.value == {b: [null, {c: null}]}' '.deployed.variables.n.value == null' \
		'.deployed.variables.s == {value: "hidden", sensitive: true}' ".deployed.recipe.files[\"main.tf\"].sha256 == \"$hash\""
	expect_header Cache-Control no-store
	request GET /v1/clusters/c
	expect 200 ".state.deployed == $first"
	deployment '{"stage":"apply","deployed":{"recipe":{"slug":"r"},"variables":{}}}'
	request PATCH "/v1/deployments/$id" '{"status":"applied"}'
	expect 200
	request GET "/v1/deployments/$first?show_sensitive=true"
	expect 200 'has("deployed") | not'
	request GET "/v1/clusters/c"
	expect 200 ".state.deployed == $id"
	# its contents live as any that nobody names
	request DELETE '/v1/clusters/c?orphan=true'
	expect 204
	request GET "/v1/blobs/$hash"
	expect 200
}
