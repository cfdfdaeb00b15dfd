# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The page of the API, as a real browser makes it of what the API answers.
# shellcheck disable=SC2154 # lib.sh sets what requests leave behind

need_browser()
{
	for name in chromium chromium-browser google-chrome; do
		! browser=$(command -v "$name") || return 0
	done
	skip 'there is no chromium'
}

# browse FRAGMENT: the page after its requests, without its own script and style, in the file dom
browse()
{
	say "browse #$1"
	timeout 120 "$browser" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
		--user-data-dir="$MRP_SCRATCH/profile" --virtual-time-budget=20000 --dump-dom "$api_url/#$1" \
		2>browser.err >dom.all || fail "the browser ends with status $?: $(tail -n 5 browser.err)"
	sed -e '/<style>/,/<\/style>/d' -e '/<script>/,/<\/script>/d' dom.all >dom
}

# shows TEXT...: in this order, anything between
shows()
{
	tr '\n' ' ' <dom >dom.line
	for text; do
		grep -qF -- "$text" dom.line || fail "the page does not show '$text': $(cat dom)"
	done
}

test_objects()
{
	need_browser
	start_api
	request POST /v1/recipes '{"slug":"vms","name":"Machines","labels":{"team":"net"}}'
	request POST /v1/clusters '{"slug":"net","name":"<b onclick=\"x\">Net</b>","recipe":"vms",
		"variables":{"size":{"value":3},"password":{"value":"topsecret","sensitive":true}}}'
	expect 201
	request POST /v1/probers '{"slug":"dns","command":["/bin/true"],"interval":"30s"}'
	expect 201
	browse ''
	shows '<span>dns</span>' '1 of 1 probers' 'aria-current="page">probers'
	browse recipes/vms
	shows '<h2>Machines</h2>' '"team": "net"' 'aria-current="page">recipes' 'href="#recipes/vms" aria-current="true"'
	browse clusters/net
	shows '<h2>&lt;b onclick="x"&gt;Net&lt;/b&gt;</h2>' '<span class="busy">pending</span>' '<a href="#recipes/vms">vms</a>' '"size": {'
	! grep -q topsecret dom || fail 'a sensitive value is on the screen'
	! grep -q 'Last deployments' dom || fail 'deployments of a cluster that has none'
	browse clusters/none
	shows "404 cluster 'none' is not there" '1 of 1 clusters'
}

test_runs_and_agents()
{
	need_browser
	start_api --state-dir "$MRP_SCRATCH/state"
	request POST /v1/recipes '{"slug":"vms"}'
	request POST /v1/clusters '{"slug":"net","recipe":"vms"}'
	request POST /v1/clusters/net/deployments '{"creator":"me"}'
	expect 201
	key=development/$(hostname)/creator/net/1/plan.log
	mkdir -p "state/objects/${key%/*}"
	echo 'Plan: <1> to add' >"state/objects/$key"
	request PATCH /v1/deployments/1 "{\"status\":\"failed\",\"stage\":\"plan\",\"message\":\"no quota\",\"logs\":{\"plan\":\"$key\"}}"
	expect 200
	request PUT /v1/agents/net/h1 '{"version":"0.1.0","probers":{"dns[r=1]":{"status":"success","reason":"ok"},
		"www":{"status":"failure","reason":"timeout","message":"too <i>slow</i>","consecutive_failures":3}}}'
	expect 204
	browse clusters/net
	shows '<span class="bad">failed</span>' 'no quota' '<a href="#deployments/1">1</a>' '<a href="#agents/net/h1">h1</a>' \
		'<span class="bad">www</span>'
	browse deployments/1/plan
	shows '<h2>Deployment 1</h2>' 'href="#deployments/1/plan">log of plan' '<pre class="log">Plan: &lt;1&gt; to add'
	browse agents/net/h1
	shows '<h2>net/h1</h2>' '<td>timeout</td><td>3</td><td><pre>too &lt;i&gt;slow&lt;/i&gt;</pre></td>' \
		'<a href="#probers/dns">dns[r=1]</a>' '1 failing'
}

# Who has no token is asked for one, and told nothing else.
test_token()
{
	need_browser
	start_api
	request POST /v1/recipes '{"slug":"vms"}'
	token=$(mrprober api token create --role viewer --database "$database" --name v)
	[ -n "$token" ] || fail 'no token'
	browse recipes
	shows '<span id="access"> <input id="token"' '401'
	! grep -q '<span>vms</span>' dom || fail 'the page shows objects without a token'
}
