# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Reports of agents: kept in memory, written in batches, forgotten after a week.

make_clusters()
{
	request POST /v1/recipes '{"slug":"r"}'
	for cluster; do
		request POST /v1/clusters "{\"slug\":\"$cluster\",\"recipe\":\"r\"}"
		expect 201
	done
}

report() # CLUSTER/HOST [PROBERS]
{
	request PUT "/v1/agents/$1" '{"version":"0.1.0","config_revision":"abc","probers":'"${2:-{\}}"'}'
	expect 204
}

test_reports()
{
	start_api
	make_clusters net lab
	request GET /v1/agents/net/h1
	expect_problem 404 '.detail | contains("net/h1")'
	report net/h1 '{"dns[r=1]":{"status":"success","reason":"ok"},"dns[r=2]":{"status":"failure","reason":"timeout","message":"too \"slow\"","consecutive_failures":3},"www":{"status":"error","reason":"spawn"}}'
	request GET /v1/agents/net/h1
	expect 200 '.cluster == "net"' '.host == "h1"' '.version == "0.1.0"' '.config_revision == "abc"' \
		'.last_seen | test("^20.*Z$")' '.probers["dns[r=2]"].message == "too \"slow\""' '.probers.www.status == "error"'
	request GET /v1/agents
	expect 200 '.items | length == 1' '.items[0].counts == {success: 1, failure: 1, error: 1}' \
		'.items[0].failing == ["dns[r=2]", "www"]' '.items[0] | has("probers") | not' '.next_page_token == null'
	# the last one counts
	report net/h1
	request GET /v1/agents/net/h1
	expect 200 '.probers == {}'
	# an empty report is one, too
	request PUT /v1/agents/lab/h1 '{}'
	expect 204
	request GET /v1/agents/lab/h1
	expect 200 '.host == "h1"' '.probers == {}'
	request GET '/v1/agents?cluster=lab'
	expect 200 '[.items[] | .cluster + "/" + .host] == ["lab/h1"]' '.items[0].version == null'
}

test_bad_requests()
{
	start_api
	make_clusters net
	for bad in '[]' '{"version":5}' '{"probers":[]}' '{"probers":{"x":{}}}' '{"probers":{"x":{"status":"good"}}}' \
		'{"probers":{"x":{"status":"failure","reason":"bad luck"}}}' '{"what":1}' '{"probers":{"":{"status":"success"}}}'; do
		request PUT /v1/agents/net/h1 "$bad"
		expect_problem 422
	done
	request PUT /v1/agents/none/h1 '{}'
	expect_problem 404
	request PUT /v1/agents/net/a%2Fb '{}'
	expect_problem 422
	request PUT /v1/agents/net/h1
	expect_problem 400
	head -c 1100000 /dev/zero | tr '\0' ' ' >large
	request PUT /v1/agents/net/h1 @large
	expect_problem 413
	request GET '/v1/agents?page_token=x'
	expect_problem 400
	request GET '/v1/agents?cluster=net&page_token=after.lab/h1'
	expect_problem 400
	request GET /v1/agents
	expect 200 '.items == []'
}

# Pages go on where they ended, whether reports are in memory, in the database, or both.
pages()
{
	token=
	: >pages
	while :; do
		request GET "/v1/agents?page_size=$1${2:+&cluster=$2}${token:+&page_token=$token}"
		expect 200 ".items | length <= $1"
		jq -r '.items[] | .cluster + "/" + .host' "$body" >>pages
		token=$(jq -r '.next_page_token // ""' "$body")
		[ -n "$token" ] || break
	done
}

flushed()
{
	i=0
	while [ "$(sqlite3 api.sqlite 'SELECT count(*) FROM agents')" -lt "$1" ]; do
		[ $((i += 1)) -le 100 ] || fail 'reports never get to the database'
		sleep 0.1
	done
}

test_pages()
{
	start_api
	make_clusters a b
	for n in 1 2 3 4 5; do
		report "b/h$n"
		report "a/h$n"
	done
	(cd / && printf '%s\n' a/h1 a/h2 a/h3 a/h4 a/h5 b/h1 b/h2 b/h3 b/h4 b/h5) >want
	for size in 1 3 10 1000; do
		pages $size
		expect_files "pages of $size in memory" want pages
	done
	flushed 10
	report a/h3
	report a/h33
	report b/h0
	printf '%s\n' a/h1 a/h2 a/h3 a/h33 a/h4 a/h5 b/h0 b/h1 b/h2 b/h3 b/h4 b/h5 >want
	for size in 1 2 5 12; do
		pages $size
		expect_files "pages of $size" want pages
	done
	grep ^b want >want.b
	pages 2 b
	expect_files 'pages of one cluster' want.b pages
}

# A clean end writes them; a killed process loses the last seconds at most, and nothing that was written before.
test_restart()
{
	start_api
	make_clusters net
	report net/h1 '{"p":{"status":"failure"}}'
	stop_api
	start_api
	request GET /v1/agents/net/h1
	expect 200 '.probers.p.status == "failure"'
	seen=$(jq .last_seen "$body")
	report net/h2
	flushed 2
	stop_api KILL
	start_api
	request GET /v1/agents
	expect 200 '[.items[].host] == ["h1", "h2"]' ".items[0].last_seen == $seen"
	# forgotten after a week
	sqlite3 api.sqlite "UPDATE agents SET seen_ms = seen_ms - 7 * 86400000 WHERE host = 'h1'"
	request GET /v1/agents
	expect 200 '[.items[].host] == ["h2"]'
	request GET /v1/agents/net/h1
	expect_problem 404
	report net/h1
	request GET '/v1/agents?cluster=net'
	expect 200 '[.items[].host] == ["h1", "h2"]'
}
