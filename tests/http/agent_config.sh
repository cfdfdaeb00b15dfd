# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What agents get: probers resolved for a host, by ETag; and that nothing stale is given out.

make_cluster()
{
	request GET /v1/recipes/r
	[ "$status" = 200 ] || request POST /v1/recipes '{"slug":"r"}'
	request POST /v1/clusters "{\"slug\":\"$1\",\"recipe\":\"r\",\"variables\":${2:-{\}}}"
	expect 201
}

config() # CLUSTER HOST [CURL-OPTION...]
{
	config_of="/v1/agent-config?cluster=$1&host=$2"
	shift 2
	request GET "$config_of" '' "$@"
}

test_resolved()
{
	start_api --environment lab
	make_cluster net '{"zone":{"value":"a"},"nodes":{"value":["n1","n2"]},"password":{"value":"s3cret","sensitive":true}}'
	request POST /v1/probers '{"slug":"dns","command":["./dns","${host}","${node}","${zone}"],"matrix":{"node":"${nodes}"},
		"placements":[{"clusters":["n*"]},{"hosts":["*-canary"],"interval":"5s"}]}'
	expect 201
	request POST /v1/probers '{"slug":"bad","command":["./bad","${password}"],"placements":[{}]}'
	expect 201
	request POST /v1/probers '{"slug":"elsewhere","command":["x"],"placements":[{"clusters":["lab-*"]}]}'
	expect 201
	config net h1
	expect 200 '.cluster == "net"' '.host == "h1"' '.environment == "lab"' \
		'[.probers[].id] == ["bad","dns[node=n1]","dns[node=n2]"]' \
		'.probers[1].command == ["./dns","h1","n1","a"]' '.probers[1].interval == "30s"' '.probers[1].timeout == "10s"' \
		'.probers[0] | has("error") and (has("command") | not)' '.probers[1].matrix == {node: "n1"}'
	expect_header ETag '"????????????????????????????????"'
	never "$body" s3cret
	jq -e --arg etag "$(header ETag)" '"\"\(.config_revision)\"" == $etag' "$body" >/dev/null
	config net h1-canary
	expect 200 '.probers[1].interval == "5s"' '.probers[1].command[1] == "h1-canary"' '.probers[1].set_by == {"interval": 1}'
}

test_bad_requests()
{
	start_api
	request GET /v1/agent-config
	expect_problem 400 '.detail | contains("cluster")'
	request GET '/v1/agent-config?cluster=net'
	expect_problem 400 '.detail | contains("host")'
	config none h1
	expect_problem 404 '.detail | contains("none")'
	config Net h1
	expect_problem 422
	config net 'a%22b'
	expect_problem 422
	config net ''
	expect_problem 422
	config net "$(printf '%0254d' 0)"
	expect_problem 422
	request POST '/v1/agent-config?cluster=net&host=h'
	expect_problem 405
}

# Each kind of write is seen by the next request; what does not matter to agents leaves the ETag alone.
test_freshness()
{
	start_api
	make_cluster net '{"zone":{"value":"a"}}'
	config net h1
	expect 200 '.probers == []' '.environment == null'
	request POST /v1/probers '{"slug":"p","command":["${zone}"],"placements":[{}]}'
	config net h1
	expect 200 '.probers[0].command == ["a"]'
	etag=$(header ETag)
	config net h2 -H "If-None-Match: $etag"
	expect 304
	request PATCH /v1/clusters/net '{"description":"another"}'
	expect 200
	request POST /v1/recipes '{"slug":"another"}'
	config net h1 -H "If-None-Match: $etag"
	expect 304
	expect_equal 'body of a 304' 0 "$(wc -c <"$body" | tr -d ' ')"
	request PUT /v1/clusters/net/variables/zone '{"value":"b"}'
	config net h1 -H "If-None-Match: $etag"
	expect 200 '.probers[0].command == ["b"]'
	request PUT /v1/clusters/net/variables/zone '{"value":"b","sensitive":true}'
	config net h1
	expect 200 '.probers[0].error | contains("sensitive")'
	request PUT /v1/clusters/net/variables/zone '{"value":"a","sensitive":false}'
	config net h1 -H "If-None-Match: $etag"
	expect 304
	request PATCH /v1/probers/p '{"interval":"7s"}'
	config net h1
	expect 200 '.probers[0].interval == "7s"'
	request POST /v1/batch '{"operations":[{"method":"POST","path":"/v1/probers","body":{"slug":"a","command":["x"],"placements":[{"hosts":["h1"]}]}},
		{"method":"POST","path":"/v1/probers","body":{"slug":"z","command":["x"],"placements":[{"hosts":["h2"]}]}}]}'
	expect 200
	config net h1
	expect 200 '[.probers[].prober] == ["a","p"]'
	config net h2
	expect 200 '[.probers[].prober] == ["p","z"]'
	config net h3
	expect 200 '[.probers[].prober] == ["p"]'
	# one goes and another one comes
	request POST /v1/batch '{"operations":[{"method":"DELETE","path":"/v1/probers/a"},
		{"method":"POST","path":"/v1/probers","body":{"slug":"b","command":["x"],"placements":[{"hosts":["h1"]}]}}]}'
	config net h1
	expect 200 '[.probers[].prober] == ["b","p"]'
	request DELETE /v1/probers/z
	request DELETE /v1/probers/p
	config net h2
	expect 200 '.probers == []'
	request DELETE /v1/probers/b
	config net h1
	expect 200 '.probers == []'
	# the environment is learnt
	request POST /v1/probers '{"slug":"e","command":["${environment}"],"placements":[{}]}'
	config net h1
	expect 200 '.probers[0].error | contains("environment")'
	request PATCH /v1/probers/e '{"name":"E"}' -H 'Mrprober-Environment: lab'
	config net h1
	expect 200 '.probers[0].command == ["lab"]'
	request DELETE /v1/clusters/net
	config net h1
	expect_problem 404
	make_cluster net
	config net h1
	expect 200 '.probers[0].command == ["lab"]'
}

# A write through another process over the same database is seen, at most a second or so later.
test_other_process()
{
	start_api
	one=$api_pid
	one_url=$api_url
	make_cluster net
	config net h1
	expect 200 '.probers == []'
	api_pid='' api_port=''
	start_api
	request POST /v1/probers '{"slug":"p","command":["x"],"placements":[{}]}'
	expect 201
	api_url=$one_url
	i=0
	while config net h1 && [ "$(jq '.probers | length' "$body")" = 0 ]; do
		[ $((i += 1)) -le 40 ] || fail 'it is never seen'
		sleep 0.1
	done
	kill "$one"
	wait "$one" || :
}
