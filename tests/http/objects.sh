# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Creating, reading, changing and deleting recipes, clusters and probers.

# create KIND BODY: which must work
create()
{
	request POST "/v1/$1" "$2"
	expect 201
}

etag_of()
{
	header ETag
}

test_create()
{
	start_api
	for row in 'recipes {"slug":"one"}' 'clusters {"slug":"one","recipe":"one"}' \
		'probers {"slug":"one","command":["./check"]}'; do
		kind=${row%% *}
		request POST "/v1/$kind" "${row#* }"
		expect 201 '.slug == "one"' '.name == "one"' '.description == ""' '.labels == {}' '.managed == false' \
			'has("source") and .source == null' '.revision | type == "number" and . > 0' \
			'.digest | test("^[0-9a-f]{64}$")' \
			'.created_at | test("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$")' \
			'.created_at == .updated_at'
		expect_header Location "*/v1/$kind/one"
		expect_header ETag "\"r$(jq .revision "$body")\""
		expect_header Content-Type 'application/json*'
		cp "$body" created
		request GET "/v1/$kind/one"
		expect 200
		expect_files "what GET of $kind/one gives after POST" created "$body"
	done
	request GET /v1/clusters/one
	expect 200 '.state.status | IN("pending", "disabled")' '.state.message | type == "string"' '.recipe == "one"' \
		'.variables == {}' '.external_variables == []' '.sensitive_variables == []' '.deploy == {}'
	request GET /v1/recipes/one
	expect 200 '.files == {}' '.values == {}' '.required_variables == []'
}

test_create_full()
{
	start_api
	printf '#!/bin/sh\n' >check.sh
	sha=$(put_blob check.sh)
	create probers '{
		"slug": "dns", "name": "Resolve \u0438\u043c\u044f \ud83d\ude00 \"quoted\" \\", "description": "two\nlines",
		"labels": {"team": "net", "tier": ""}, "command": ["./check.sh", "${resolver}", "$${x}"],
		"files": {"check.sh": {"sha256": "'"$sha"'", "mode": "0755"}, "lib/deep/a b": {"sha256": "'"$sha"'", "mode": "0644"}},
		"interval": "30s", "timeout": "500ms", "retry_interval": "10s", "grace": "1s", "overlap": "queue",
		"concurrency_group": "g", "output": "nagios", "warning_is": "success", "keep_logs": "all",
		"limits": {"memory": "64MiB", "cpu": 0.5, "processes": 10, "output": "1MiB"}, "run_as": "nobody",
		"env": {"LC_ALL": "C"}, "matrix": {"resolver": ["10.0.0.2", "10.0.1.2"], "record": "${records}"},
		"placements": [{"clusters": ["net-*"]}, {"hosts": ["*-canary"], "interval": "5s", "enabled": false}],
		"alerts": [{"name": "DnsFails", "after": 3, "severity": "page", "summary": "on {{ $labels.host }}"}],
		"heal": {"after": 5, "command": ["./heal"], "at_most_every": "10m", "give_up_after": 3}}'
	expect 201 '.name == "Resolve имя 😀 \"quoted\" \\"' '.description == "two\nlines"' '.labels == {"team":"net","tier":""}' \
		'.command[2] == "$${x}"' '.files["check.sh"].mode == "0755"' '.files | has("lib/deep/a b")' '.timeout == "500ms"' \
		'.limits == {"memory":"64MiB","cpu":0.5,"processes":10,"output":"1MiB"}' '.matrix.record == "${records}"' \
		'.placements[1] == {"hosts":["*-canary"],"interval":"5s","enabled":false}' '.alerts[0].after == 3' \
		'.heal.give_up_after == 3'
	create probers '{"slug":"www","probe":{"http":{"url":"https://${target}/health","expect_status":[200,204]}}}'
	expect 201 '.probe.http.expect_status == [200,204]' 'has("command") | not'
	# read-only fields in a body are ignored, managed and source may be set
	create recipes '{"slug":"r","revision":77,"digest":"x","created_at":"y","updated_at":5,"managed":true,
		"source":{"path":"recipes/r/recipe.yaml","line":1,"revision":"abc-dirty","author":"A","committed_at":null}}'
	expect 201 '.revision != 77' '.digest != "x"' '.created_at != "y"' '.managed' '.source.path == "recipes/r/recipe.yaml"' \
		'.source.line == 1' '.source.revision == "abc-dirty"'
}

test_create_twice()
{
	start_api
	create recipes '{"slug":"one","description":"first"}'
	request POST /v1/recipes '{"slug":"one","description":"second"}'
	expect_problem 409 '.detail | contains("one")'
	request GET /v1/recipes/one
	expect 200 '.description == "first"'
	# slugs are unique in their kind only
	create probers '{"slug":"one","command":["x"]}'
}

test_slugs()
{
	start_api
	long=$(printf '%063d' 0)
	for slug in a 0 a-b a--b "$long" 1-2; do
		create recipes "{\"slug\":\"$slug\"}"
		request GET "/v1/recipes/$slug"
		expect 200 ".slug == \"$slug\""
	done
	for slug in '' A a_b -a a- a.b 'a b' 'a/b' '../x' "${long}0" 'é' 'a\n' 'a\u0000'; do
		request POST /v1/recipes "{\"slug\":\"$slug\"}"
		case $status in 400 | 422) ;; *) fail "slug '$slug': status $status" ;; esac
		expect_problem "$status"
	done
	request POST /v1/recipes '{"name":"no slug"}'
	expect_problem 422 '[.errors[] | .field + " " + .message] | any(contains("slug"))'
	request POST /v1/recipes '{"slug":5}'
	expect_problem 422
	request GET /v1/recipes
	expect 200 '.items | length == 6'
}

test_slug_never_changes()
{
	start_api
	create recipes '{"slug":"one"}'
	request PATCH /v1/recipes/one '{"slug":"two"}'
	expect_problem 422 '.errors[0].field == "slug"'
	request PATCH /v1/recipes/one '{"slug":null}'
	expect_problem 422 '.errors[0].field == "slug"'
	request PATCH /v1/recipes/one '{"slug":"one","description":"same slug"}'
	expect 200 '.description == "same slug"'
	request GET /v1/recipes/two
	expect_problem 404
}

test_get_unknown()
{
	start_api
	for kind in recipes clusters probers; do
		for method in GET DELETE; do
			request $method "/v1/$kind/none"
			expect_problem 404 '.detail | contains("none")'
		done
		request PATCH "/v1/$kind/none" '{"description":"x"}'
		expect_problem 404
	done
	request GET /v1/clusters/none/variables
	expect_problem 404
	request PUT /v1/clusters/none/variables/x '{"value":1}'
	expect_problem 404
	for path in /v1/unknown /v1/recipes/a/b /v1 /v2/recipes /v1/recipes/ /v1/Recipes //v1/recipes /v1/recipes/..%2f..%2fetc \
		/v1/recipes/%00 /nothing; do
		request GET "$path"
		case $status in 400 | 404) ;; *) fail "$path: status $status" ;; esac
		expect_problem "$status"
	done
}

test_conditional_get()
{
	start_api
	create recipes '{"slug":"one"}'
	etag=$(etag_of)
	request GET /v1/recipes/one '' -H "If-None-Match: $etag"
	expect 304
	[ ! -s "$body" ] || fail 'a 304 has a body'
	expect_header ETag "$etag"
	request GET /v1/recipes/one '' -H "If-None-Match: \"r0\", $etag"
	expect 304
	request GET /v1/recipes/one '' -H "If-None-Match: W/$etag"
	expect 304
	request GET /v1/recipes/one '' -H 'If-None-Match: *'
	expect 304
	request GET /v1/recipes/one '' -H 'If-None-Match: "r0"'
	expect 200
	request PATCH /v1/recipes/one '{"description":"new"}'
	expect 200
	request GET /v1/recipes/one '' -H "If-None-Match: $etag"
	expect 200 '.description == "new"'
}

test_patch()
{
	start_api
	create probers '{"slug":"dns","command":["a"],"interval":"30s","labels":{"a":"1","b":"2"}}'
	cp "$body" before
	request PATCH /v1/probers/dns '{"interval":"1m","labels":{"a":null,"c":"3"},"timeout":"5s"}'
	expect 200 '.interval == "1m"' '.labels == {"b":"2","c":"3"}' '.timeout == "5s"' '.command == ["a"]'
	[ "$(jq .revision before)" -lt "$(jq .revision "$body")" ] || fail 'the revision did not move'
	[ "$(jq .digest before)" != "$(jq .digest "$body")" ] || fail 'the digest did not change'
	expect_equal created_at "$(jq .created_at before)" "$(jq .created_at "$body")"
	expect_header ETag "\"r$(jq .revision "$body")\""
	cp "$body" patched
	request GET /v1/probers/dns
	expect_files 'what GET gives after PATCH' patched "$body"
	# back again: the digest is of the content only
	request PATCH /v1/probers/dns '{"interval":"30s","labels":{"a":"1","c":null},"timeout":null}'
	expect 200
	expect_equal digest "$(jq .digest before)" "$(jq .digest "$body")"
	# null removes a field; what must be there cannot be removed
	request PATCH /v1/probers/dns '{"command":null}'
	expect_problem 422
	request PATCH /v1/probers/dns '{"command":null,"probe":{"tcp":{"host":"h","port":53}}}'
	expect 200 'has("command") | not' '.probe.tcp.port == 53'
	# where it came from and whether a config manages it are not part of the digest
	digest=$(jq .digest "$body")
	request PATCH /v1/probers/dns '{"managed":true,"source":{"path":"probers/dns/prober.yaml","line":1}}'
	expect 200 '.managed' ".digest == $digest"
	request PATCH /v1/probers/dns '{"source":null}'
	expect 200 '.source == null'
	# a merge patch may say what it is
	request PATCH /v1/probers/dns '' -H 'Content-Type: application/merge-patch+json' --data-binary '{"description":"m"}'
	expect 200 '.description == "m"'
}

test_patch_no_object()
{
	start_api
	create recipes '{"slug":"one"}'
	for text in '[]' '"x"' 1 true null; do
		request PATCH /v1/recipes/one "$text"
		case $status in 400 | 422) ;; *) fail "PATCH with $text: status $status" ;; esac
		expect_problem "$status"
		request POST /v1/recipes "$text"
		case $status in 400 | 422) ;; *) fail "POST of $text: status $status" ;; esac
		expect_problem "$status"
	done
	request PATCH /v1/recipes/one '{}'
	expect 200
}

test_if_match()
{
	start_api
	create recipes '{"slug":"one"}'
	old=$(etag_of)
	request PATCH /v1/recipes/one '{"description":"1"}' -H "If-Match: $old"
	expect 200
	new=$(etag_of)
	request PATCH /v1/recipes/one '{"description":"2"}' -H "If-Match: $old"
	expect_problem 412
	request DELETE /v1/recipes/one '' -H "If-Match: $old"
	expect_problem 412
	request GET /v1/recipes/one
	expect 200 '.description == "1"'
	request PATCH /v1/recipes/one '{"description":"3"}' -H 'If-Match: *'
	expect 200
	# a weak tag never matches strongly, nonsense does not match at all
	for tag in "W/$new" nonsense '""'; do
		request DELETE /v1/recipes/one '' -H "If-Match: $tag"
		case $status in 400 | 412) ;; *) fail "If-Match: $tag: status $status" ;; esac
	done
	new=$(request GET /v1/recipes/one >/dev/null && etag_of)
	request DELETE /v1/recipes/one '' -H "If-Match: \"r0\", $new"
	expect '204'
	# a new object of an old name is another revision
	create recipes '{"slug":"one"}'
	[ "$(etag_of)" != "$old" ] || fail 'a tag came back'
	request PATCH /v1/recipes/none '{}' -H 'If-Match: *'
	case $status in 404 | 412) ;; *) fail "If-Match: * without an object: status $status" ;; esac
}

test_delete()
{
	start_api
	create recipes '{"slug":"one"}'
	create clusters '{"slug":"a","recipe":"one"}'
	create clusters '{"slug":"b","recipe":"one"}'
	create probers '{"slug":"p","command":["x"]}'
	request DELETE /v1/recipes/one
	expect_problem 409 '.detail | contains("a") and contains("b")' \
		'(.detail + (.errors // [] | tostring)) | test("cluster")'
	request GET /v1/recipes/one
	expect 200
	for path in clusters/a clusters/b recipes/one probers/p; do
		request DELETE "/v1/$path"
		expect 204
		[ ! -s "$body" ] || fail 'a 204 has a body'
		request GET "/v1/$path"
		expect_problem 404
		request DELETE "/v1/$path"
		expect_problem 404
	done
	request GET /v1/clusters
	expect 200 '.items == []' '.next_page_token == null or .next_page_token == ""'
}

test_unknown_recipe()
{
	start_api
	request POST /v1/clusters '{"slug":"a","recipe":"none"}'
	expect_problem 422 '.errors | any(.field == "recipe" and (.message | contains("none")))'
	create recipes '{"slug":"one"}'
	create clusters '{"slug":"a","recipe":"one"}'
	request PATCH /v1/clusters/a '{"recipe":"none"}'
	expect_problem 422 '.errors | any(.field == "recipe")'
	request GET /v1/clusters/a
	expect 200 '.recipe == "one"'
	request POST /v1/clusters '{"slug":"b"}'
	expect_problem 422 '.errors | any(.field == "recipe" and (.message | contains("missing")))'
}

# Rows: KIND BODY FIELD PATTERN, where FIELD and PATTERN are regular expressions for one of .errors.
test_wrong_content()
{
	start_api
	create recipes '{"slug":"r"}'
	while read -r kind text field message; do
		request POST "/v1/$kind" "$text"
		expect_problem 422 ".errors | any(.field // \"\" | test(\"^$field\$\"))" \
			".errors | any(.message | test(\"$message\"))"
		request GET "/v1/$kind/x"
		expect_problem 404
	done <<'END'
probers {"slug":"x","command":["a"],"intervall":"5s"} intervall did.you.mean.'interval'
probers {"slug":"x","command":["a"],"zzz":"5s"} zzz unknown
probers {"slug":"x","command":["a"],"interval":"5x"} interval is.not.a.duration
probers {"slug":"x","command":["a"],"interval":"5"} interval unit
probers {"slug":"x","command":["a"],"interval":5} interval number|unit|duration
probers {"slug":"x","command":["a"],"interval":"0s"} interval between
probers {"slug":"x","command":["a"],"timeout":"99999999d"} timeout .
probers {"slug":"x","command":[]} command empty
probers {"slug":"x","command":["","a"]} command\\[0\\] empty
probers {"slug":"x","command":["a"],"heal":{"command":[""]}} heal.command\\[0\\] empty
probers {"slug":"x","command":["a"],"labels":{"__name__":"x"}} labels __name__
probers {"slug":"x","command":["a"],"matrix":{"__m":["x"]}} matrix __m
probers {"slug":"x","command":["a"],"placements":[{"env":{"A":"${a"}}]} placements\\[0\\].env.A }
probers {"slug":"x","command":"a"} command list
probers {"slug":"x","command":[["a"]]} command\\[0\\] text
probers {"slug":"x"} command command
probers {"slug":"x","command":["a"],"probe":{"tcp":{"host":"h","port":1}}} probe only.one
probers {"slug":"x","probe":{}} probe missing
probers {"slug":"x","probe":{"tcp":{"host":"h"}}} probe.tcp.port missing
probers {"slug":"x","probe":{"tcp":{"host":"h","port":70000}}} probe.tcp.port between
probers {"slug":"x","probe":{"tcp":{"host":"h","port":1},"dns":{"name":"n"}}} probe.dns only.one
probers {"slug":"x","command":["a"],"output":"nagois"} output did.you.mean.'nagios'
probers {"slug":"x","command":["a"],"overlap":"never"} overlap skip,.queue,.allow
probers {"slug":"x","command":["a"],"limits":{"memory":"64"}} limits.memory unit|size
probers {"slug":"x","command":["a"],"limits":{"memory":"64MB"}} limits.memory size
probers {"slug":"x","command":["a"],"limits":{"cpu":"half"}} limits.cpu number
probers {"slug":"x","command":["a"],"env":{"1A":"x"}} env(.1A)? name
probers {"slug":"x","command":["a"],"labels":{"a":1}} labels.a text
probers {"slug":"x","command":["a"],"labels":{"a":["x"]}} labels.a list|text
probers {"slug":"x","command":["a"],"labels":{"status":"x"}} labels status
probers {"slug":"x","command":["a"],"matrix":{"r":[]}} matrix.r empty
probers {"slug":"x","command":["a"],"matrix":{"r":"one"}} matrix.r list
probers {"slug":"x","command":["a","${open"]} command\\[1\\] }
probers {"slug":"x","command":["a"],"placements":[{"cluster":["x"]}]} placements\\[0\\].cluster did.you.mean.'clusters'
probers {"slug":"x","command":["a"],"alerts":[{"after":3}]} alerts\\[0\\].name missing
probers {"slug":"x","command":["a"],"alerts":[{"name":"A"},{"name":"A"}]} alerts(\\[1\\])? twice
probers {"slug":"x","command":["a"],"heal":{"after":0,"command":["h"]}} heal.after between
probers {"slug":"x","command":["a"],"files":{"../up":{"sha256":"0000000000000000000000000000000000000000000000000000000000000000","mode":"0644"}}} files path
probers {"slug":"x","command":["a"],"files":{"/abs":{"sha256":"0000000000000000000000000000000000000000000000000000000000000000","mode":"0644"}}} files path
probers {"slug":"x","command":["a"],"files":{"a":{"sha256":"00","mode":"0644"}}} files.a.sha256 SHA-256
probers {"slug":"x","command":["a"],"files":{"a":{"sha256":"0000000000000000000000000000000000000000000000000000000000000000","mode":"0777"}}} files.a.mode 0644
clusters {"slug":"x","recipe":"r","deploy":{"mode":"dry"}} deploy.mode plan-only
clusters {"slug":"x","recipe":"r","deploy":{"max_destroy":-1}} deploy.max_destroy between
clusters {"slug":"x","recipe":"r","variables":{"a-b":{"value":1}}} variables(.a-b)? name
clusters {"slug":"x","recipe":"r","variables":{"a":1}} variables.a map
clusters {"slug":"x","recipe":"r","variables":{"a":{"value":1,"owner":"nobody"}}} variables.a.owner synchronize
clusters {"slug":"x","recipe":"r","environments":["prod"]} (environments)? unknown
clusters {"slug":"x","recipe":"r","external_variables":"a"} external_variables list
recipes {"slug":"x","initial_values":"abc"} initial_values SHA-256
recipes {"slug":"x","managed":"yes"} managed true.or.false
recipes {"slug":"x","source":"me"} source map
END
}

test_all_errors_at_once()
{
	start_api
	request POST /v1/probers '{"slug":"x","command":["a"],"interval":"5x","timeout":"1","outptu":"exit","env":{"A":[]}}'
	expect_problem 422 '.errors | length == 4' '[.errors[].message] | any(contains("output"))'
	request POST /v1/probers '{"slug":"x","command":["a"],"interval":"evil\u001b[31m"}'
	expect_problem 422
	! grep -q "$(printf '\033')" "$body" || fail 'a control character came back'
}

test_missing_blob()
{
	start_api
	zeros=$(printf '%064d' 0)
	request POST /v1/recipes '{"slug":"r","files":{"main.tf":{"sha256":"'"$zeros"'","mode":"0644"}}}'
	expect_problem 422 ".errors | any((.field + .message) | contains(\"main.tf\") and contains(\"$zeros\"))"
	request POST /v1/recipes '{"slug":"r","initial_values":"'"$zeros"'"}'
	expect_problem 422 ".errors | any(.message | contains(\"$zeros\"))"
	request GET /v1/recipes/r
	expect_problem 404
	echo x >x
	sha=$(put_blob x)
	create recipes '{"slug":"r","files":{"main.tf":{"sha256":"'"$sha"'","mode":"0644"}},"initial_values":"'"$sha"'"}'
	expect 201 ".initial_values == \"$sha\""
}
