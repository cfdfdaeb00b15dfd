# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Short forms of long tests; tests/soak.sh runs them for longer. SOAK_ROUNDS and SOAK_OBJECTS say how long.

rounds=${SOAK_ROUNDS:-3}
objects=${SOAK_OBJECTS:-1000}

# writer N: creates and changes probers of its own as fast as it can; each answered write goes into written.N
writer()
{
	n=0
	while [ ! -e stop ]; do
		n=$((n + 1))
		code=$(curl -s -m 10 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' \
			--data-binary "{\"slug\":\"w$1-$2-$n\",\"command\":[\"x\"],\"description\":\"$n\"}" "$api_url/v1/probers" || :)
		[ "$code" != 201 ] || echo "w$1-$2-$n" >>"written.$1"
	done
}

# batches: pairs of objects in one batch each; never may one exist without the other
pairs()
{
	n=0
	while [ ! -e stop ]; do
		n=$((n + 1))
		code=$(curl -s -m 10 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' --data-binary '{"operations":[
			{"method":"POST","path":"/v1/recipes","body":{"slug":"pair-'"$1-$n"'"}},
			{"method":"POST","path":"/v1/clusters","body":{"slug":"pair-'"$1-$n"'","recipe":"pair-'"$1-$n"'"}}]}' \
			"$api_url/v1/batch" || :)
		[ "$code" != 200 ] || echo "pair-$1-$n" >>written.pairs
	done
}

# all KIND: every slug of it, page by page
all()
{
	token=
	while :; do
		curl -sS "$api_url/v1/$1?page_size=1000${token:+&page_token=$token}" >page
		jq -r '.items[].slug' page
		token=$(jq -r '.next_page_token // "" | @uri' page)
		[ -n "$token" ] || break
	done
}

# kill -9 at any moment loses nothing that was answered and leaves no half of a batch.
test_kill_writers()
{
	: >written.1
	: >written.2
	: >written.pairs
	round=0
	while [ $round -lt "$rounds" ]; do
		round=$((round + 1))
		start_api
		rm -f stop
		writer 1 $round &
		one=$!
		writer 2 $round &
		two=$!
		pairs $round &
		three=$!
		sleep "$(od -An -N1 -tu1 /dev/urandom | awk '{ printf "%.2f", 0.5 + $1 / 200 }')"
		stop_api KILL
		: >stop
		wait $one $two $three || :
		start_api
		all probers | LC_ALL=C sort >there
		cat written.1 written.2 | LC_ALL=C sort >answered
		LC_ALL=C comm -23 answered there >lost
		say "round $round: $(wc -l <answered) answered, $(wc -l <there) there"
		[ ! -s lost ] || fail "answered and lost: $(head -n 5 lost)"
		all recipes | LC_ALL=C sort >recipes
		all clusters | LC_ALL=C sort >clusters
		expect_files 'recipes and clusters made in pairs' recipes clusters
		LC_ALL=C sort written.pairs >answered
		LC_ALL=C comm -23 answered recipes >lost
		[ ! -s lost ] || fail "answered and lost: $(head -n 5 lost)"
		stop_api
		expect_equal 'integrity' ok "$(sqlite3 api.sqlite 'PRAGMA integrity_check')"
	done
	for file in written.1 written.2 written.pairs; do
		[ -s $file ] || fail 'nothing was written'
	done
}

# A large tree: first run, in sync, one change, all gone.
test_many_objects()
{
	cp -R "$MRP_ROOT/tests/fixtures/basic" tree
	awk -v n="$objects" 'BEGIN {
		for (i = 0; i < n; i++) {
			folder = sprintf("tree/probers/p%05d", i)
			printf "%s\n", folder
		}
	}' | xargs mkdir -p
	i=0
	for folder in tree/probers/p*; do
		i=$((i + 1))
		printf 'name: Prober %d\ncommand: [true]\ninterval: %ds\nlabels: {n: "%d"}\nplacements: [{clusters: [net]}]\n' \
			$i $((i % 50 + 1)) $i >"$folder/prober.yaml"
	done
	start_api
	run 0 mrprober synchronize --yes -q tree
	request GET /v1/state
	expect 200 ".kinds.probers | length == $((objects + 1))"
	before=$(requests_so_far)
	run 0 mrprober synchronize --check -q tree
	expect_equal 'requests of a run in sync' 1 $(($(requests_so_far) - before))
	sed -i 's/^interval: .*/interval: 7m/' tree/probers/p00500/prober.yaml
	run 2 mrprober synchronize --check --format json tree
	jq -e '.changes | length == 1 and .[0].slug == "p00500"' "$out" >/dev/null || fail 'not exactly one change'
	before=$(requests_so_far)
	run 0 mrprober synchronize --yes -q tree
	[ $(($(requests_so_far) - before)) -le 6 ] || fail "$(($(requests_so_far) - before)) requests for one change"
	rm -r tree/probers/p*
	run 3 mrprober synchronize --yes -q --prune tree
	run 0 mrprober synchronize --yes -q --prune --max-deletes 100% tree
	request GET /v1/probers
	expect 200 '[.items[].slug] == ["dns"]'
}

# Random requests, made from good ones: never a 5xx, never a crash.
test_random_requests()
{
	start_api
	i=0
	while [ $i -lt $((rounds * 30)) ]; do
		i=$((i + 1))
		seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
		awk -v seed="$seed" 'BEGIN {
			srand(seed)
			split("GET PUT POST PATCH DELETE", methods, " ")
			n = split("/v1/recipes /v1/clusters/a /v1/probers/b /v1/state /v1/batch /v1/blobs/missing /v1/clusters/a/variables/x", paths, " ")
			text = "{\"slug\":\"a\",\"recipe\":\"r\",\"command\":[\"x\"],\"operations\":[{\"method\":\"POST\",\"path\":\"/v1/recipes\",\"body\":{}}],\"value\":{\"a\":[1,null,\"\\u0041\"]},\"labels\":{\"k\":\"v\"}}"
			printf "%s %s\n", methods[1 + int(rand() * 5)], paths[1 + int(rand() * n)]
			for (k = int(rand() * 4); k > 0; k--) {
				at = 1 + int(rand() * length(text))
				cut = int(rand() * 12)
				text = substr(text, 1, at - 1) substr("{}[]\",:0-9eE\\ntrue", 1 + int(rand() * 16), int(rand() * 4)) substr(text, at + cut)
			}
			print text
		}' >made
		read -r method path <made
		request "$method" "$path" "$(tail -n 1 made)"
		case $status in
		5* | curl*)
			cat made
			show_answer
			fail "status $status (seed $seed)"
			;;
		esac
	done
	request GET /healthz
	expect 200
}
