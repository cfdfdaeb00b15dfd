# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# /v1/state: digests and the root digest, computed again from what GET shows; the environment that an API holds.

# fill: objects by configs and by hand, of every kind, with variables of several owners
fill()
{
	echo 'resource "terraform_data" "x" {}' >main.tf
	sha=$(put_blob main.tf)
	request POST /v1/batch '{"operations":[
	{"method":"POST","path":"/v1/recipes","body":{"slug":"vm","managed":true,"values":{"b":[1,{"z":1,"a":null}],"a":"\u0436 \"q\" \\ /"},
		"files":{"main.tf":{"sha256":"'"$sha"'","mode":"0644"}},"required_variables":["ycp_profile"]}},
	{"method":"POST","path":"/v1/recipes","body":{"slug":"hand"}},
	{"method":"POST","path":"/v1/clusters","body":{"slug":"net-a","recipe":"vm","managed":true,"labels":{"x":"1"},
		"source":{"path":"clusters/net-a.yaml","line":1},"deploy":{"interval":"15m","max_destroy":3},
		"variables":{"m":{"value":1},"s":{"value":{"k":[true,null,-5]},"owner":"synchronize"},
			"p":{"value":"secret","owner":"synchronize","sensitive":true},"n":{"value":["h1"],"owner":"meeseeks"}}}},
	{"method":"POST","path":"/v1/clusters","body":{"slug":"net","recipe":"vm","managed":true}},
	{"method":"POST","path":"/v1/clusters","body":{"slug":"hand","recipe":"hand"}},
	{"method":"POST","path":"/v1/probers","body":{"slug":"dns","managed":true,"command":["./a"],"limits":{"cpu":0.5},
		"placements":[{"clusters":["net-*"]}]}},
	{"method":"POST","path":"/v1/probers","body":{"slug":"hand","command":["./a"]}}]}'
	expect 200
}

# recompute: the digest of every managed object and the root digest, into the file `lines`; sets root
recompute()
{
	: >lines
	for kind in cluster prober recipe; do
		request GET "/v1/${kind}s?page_size=1000"
		for slug in $(jq -r '.items[] | select(.managed) | .slug' "$body"); do
			request GET "/v1/${kind}s/$slug?show_sensitive=true"
			[ "$kind" = cluster ] || request GET "/v1/${kind}s/$slug"
			digest=$(jq -cSj "$canonical" "$body" | sha256sum | cut -c 1-64)
			expect_equal "digest of $kind/$slug" "$digest" "$(jq -r .digest "$body")"
			echo "$kind/$slug $digest" >>lines
		done
	done
	LC_ALL=C sort -o lines lines
	cat lines
	root=$(sha256sum <lines | cut -c 1-64)
}

test_root()
{
	start_api
	request GET /v1/state
	expect 200 '.kinds.recipes == {}' '.kinds.clusters == {}' '.kinds.probers == {}' '.environment == null' \
		".root == \"$(sha256sum </dev/null | cut -c 1-64)\""
	expect_header ETag "W/\"$(jq -r .root "$body")\""
	fill
	recompute
	request GET /v1/state
	expect 200 ".root == \"$root\"" '.kinds.clusters | keys == ["net","net-a"]' '.kinds.recipes | keys == ["vm"]' \
		'.kinds.probers | keys == ["dns"]' '.kinds.probers.dns.revision | type == "number"' \
		'.unmanaged.recipes | keys == ["hand"]' '.unmanaged.clusters | keys == ["hand"]' \
		'.unmanaged.probers.hand.revision | type == "number"'
	expect_header ETag "W/\"$root\""
	jq -r '.kinds | to_entries[] | (.key | rtrimstr("s")) as $k | .value | to_entries[] | "\($k)/\(.key) \(.value.digest)"' \
		"$body" | LC_ALL=C sort >state-lines
	expect_files 'the digests of /v1/state' lines state-lines
	request GET /v1/state '' -H "If-None-Match: W/\"$root\""
	expect 304
	[ ! -s "$body" ] || fail 'a 304 has a body'
	request GET /v1/state '' -H "If-None-Match: \"$root\""
	expect 304
}

# Each row moves the root digest, or does not.
test_what_moves_it()
{
	start_api
	fill
	request GET /v1/state
	before=$(jq -r .root "$body")
	while read -r moves method path text; do
		request "$method" "$path" "$text"
		expect '200|201|204'
		request GET /v1/state
		now=$(jq -r .root "$body")
		if [ "$moves" = yes ]; then
			[ "$now" != "$before" ] || fail "$method $path did not move the root digest"
		else
			expect_equal "root digest after $method $path" "$before" "$now"
		fi
		before=$now
	done <<'END'
no PATCH /v1/recipes/hand {"description":"x"}
no PUT /v1/clusters/net-a/variables/m {"value":7}
no PUT /v1/clusters/net-a/variables/n {"value":["h1","h2"],"owner":"meeseeks"}
no PATCH /v1/recipes/vm {"source":{"path":"elsewhere"}}
no DELETE /v1/probers/hand
yes PATCH /v1/recipes/vm {"description":"x"}
yes PUT /v1/clusters/net-a/variables/s {"value":7,"owner":"synchronize"}
yes PUT /v1/clusters/net-a/variables/p {"value":"other","owner":"synchronize","sensitive":true}
yes PATCH /v1/clusters/hand {"managed":true}
yes PATCH /v1/clusters/hand {"managed":false}
yes DELETE /v1/probers/dns
END
	recompute
	request GET /v1/state
	expect 200 ".root == \"$root\""
	# the same content again is the same digest
	request PUT /v1/clusters/net-a/variables/s '{"value":7,"owner":"synchronize"}'
	request GET /v1/state
	expect 200 ".root == \"$root\""
	stop_api
	start_api
	request GET /v1/state
	expect 200 ".root == \"$root\""
}

test_environment()
{
	start_api
	prod='Mrprober-Environment: prod'
	lab='Mrprober-Environment: lab'
	# reading teaches nothing
	request GET /v1/state '' -H "$lab"
	expect 200 '.environment == null'
	# nor does a write that fails, or one by hand
	request POST /v1/recipes '{"slug":"BAD"}' -H "$lab"
	expect_problem 422
	request POST /v1/recipes '{"slug":"hand"}'
	expect 201
	request GET /v1/state
	expect 200 '.environment == null'
	request POST /v1/recipes '{"slug":"r"}' -H "$prod"
	expect 201
	request GET /v1/state '' -H "$prod"
	expect 200 '.environment == "prod"'
	etag=$(header ETag)
	while read -r method path text; do
		request "$method" "$path" "$text" -H "$lab"
		expect_problem 409 '.type == "urn:mrprober:problem:environment"' '.detail | contains("prod") and contains("lab")'
	done <<'END'
GET /v1/state
GET /v1/recipes
POST /v1/recipes {"slug":"x"}
PATCH /v1/recipes/r {"description":"x"}
DELETE /v1/recipes/r
POST /v1/batch {"operations":[]}
END
	# before 304
	request GET /v1/state '' -H "$lab" -H "If-None-Match: $etag"
	expect_problem 409
	request GET /v1/recipes/r
	expect 200 '.description == ""'
	stop_api
	start_api
	request GET /v1/state
	expect 200 '.environment == "prod"'
	stop_api
	# the option must agree with what was learnt
	run 3 mrprober api --listen "127.0.0.1:$(free_port)" --database "sqlite:$MRP_SCRATCH/api.sqlite" --environment lab
	matches "$err" "^mrprober: .*'?prod'?"
	start_api --environment prod
}

test_environment_by_option()
{
	start_api --environment prod
	request GET /v1/state
	expect 200 '.environment == "prod"'
	request POST /v1/recipes '{"slug":"r"}' -H 'Mrprober-Environment: lab'
	expect_problem 409
	request POST /v1/recipes '{"slug":"r"}' -H 'Mrprober-Environment: prod'
	expect 201
}
