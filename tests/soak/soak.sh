# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Short forms of long tests; tests/soak.sh runs them for longer. SOAK_ROUNDS, SOAK_KILLS and SOAK_OBJECTS say how long.

rounds=${SOAK_ROUNDS:-3}
kills=${SOAK_KILLS:-3}
objects=${SOAK_OBJECTS:-1000}

# pages KIND: its pages into files KIND.1, KIND.2, ...
pages()
{
	rm -f "$1".*
	token='' page=0
	while :; do
		page=$((page + 1))
		curl -sS "$api_url/v1/$1?page_size=1000${token:+&page_token=$token}" >"$1.$page"
		token=$(jq -r '.next_page_token // "" | @uri' "$1.$page")
		[ -n "$token" ] || break
	done
}

# facts: what is in the cells of tests/tools/writers.c, by the pages of all kinds
facts()
{
	jq -r '.items[] | "fact \(.slug) \(.description) \(.revision)"' probers.*
	jq -r '.items[] | .slug as $slug | .variables | to_entries[] |
		"fact \($slug)/\(.key) \(.value.value.n) \(.value.revision)"' clusters.*
	# the two halves of a batch have the same number, or it is none
	jq -sr '[.[].items[] | select(.slug | startswith("p"))] | group_by(.slug)[] |
		"fact \(.[0].slug) \(if length == 2 and .[0].description == .[1].description then .[0].description else "half" end
		) \(map(.revision) | max)"' recipes.* clusters.*
}

# expect_root: the root digest of /v1/state is that of all objects
expect_root()
{
	for kind in cluster prober recipe; do
		jq -cS ".items[] | select(.managed) | \"$kind/\(.slug) \(.digest)\", ($canonical)" ${kind}s.*
	done >objects
	while IFS= read -r name && IFS= read -r object; do
		name=${name#'"'}
		name=${name%'"'}
		digest=$(printf %s "$object" | sha256sum | cut -c 1-64)
		expect_equal "digest of ${name% *}" "$digest" "${name#* }"
		echo "${name% *} $digest"
	done <objects | LC_ALL=C sort >lines
	request GET /v1/state
	expect 200 ".root == \"$(sha256sum <lines | cut -c 1-64)\""
}

# check_written: what the writers' journal says is what is there
check_written()
{
	for kind in recipes clusters probers; do
		pages $kind
	done
	facts >facts
	awk -v after=base -f "$MRP_ROOT/tests/soak/written.awk" journal facts >wrong 2>counts
	cat counts
	[ ! -s wrong ] || fail "$(head -n 20 wrong)"
	expect_root
	case $database in
	sqlite:*) expect_equal 'integrity' ok "$(sqlite3 "${database#sqlite:}" 'PRAGMA integrity_check')" ;;
	esac
	mv base journal
}

# random_seconds MIN MAX
random_seconds()
{
	od -An -N2 -tu2 /dev/urandom | awk -v min="$1" -v max="$2" '{ printf "%.3f", min + (max - min) * $1 / 65535 }'
}

# kill_writers ROUNDS: writers go on while the API is killed and started again.
kill_writers()
{
	: "${database:=sqlite:$MRP_SCRATCH/api.sqlite}"
	start_api
	{
		printf '{"operations":[{"method":"POST","path":"/v1/recipes","body":{"slug":"base","managed":true}}'
		for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do
			printf ',{"method":"POST","path":"/v1/clusters","body":{"slug":"w%d","recipe":"base","managed":true}}' $i
		done
		printf ']}'
	} >set-up
	request POST /v1/batch @set-up
	expect 200
	: >journal
	round=0
	while [ $round -lt "$1" ]; do
		round=$((round + 1))
		"$MRP_BUILD/tests/writers" --port "$api_port" --connections 20 --journal journal >writers.out 2>writers.err &
		writers_pid=$!
		sleep "$(random_seconds 0.3 1.5)"
		stop_api KILL
		start_api
		sleep "$(random_seconds 0.1 0.5)"
		kill $writers_pid 2>/dev/null || : # it ends by itself when it meets what cannot be
		wait $writers_pid || fail "round $round: $(cat writers.err)"
		writers_pid=
		say "round $round: $(cat writers.out)"
		check_written
	done
	[ "$(awk '$1 == "max" { print $2 }' journal)" -gt $(($1 * 10)) ] || fail 'hardly anything was written'
}

cleanup_more() { [ -z "${writers_pid-}" ] || kill "$writers_pid" 2>/dev/null; }

# The comparison finds what it is there for: rows of a journal, and what is to be said of it.
test_written_finds()
{
	while IFS='|' read -r events expected; do
		echo "$events" | tr ';' '\n' >journal
		awk -v after=base -f "$MRP_ROOT/tests/soak/written.awk" journal >wrong 2>counts
		# shellcheck disable=SC2254 # a pattern is meant
		case $(cat wrong) in
		$expected) ;;
		*) fail "'$events': '$(cat wrong)' instead of '$expected'" ;;
		esac
	done <<'END'
sent a 1;done a 1;fact a 1 1|
sent a 1;done a 1;sent a 2;fact a 1 1|
sent a 1;done a 1;sent a 2;fact a 2 2|
sent a 1;done a 1;sent a -|
sent a 1;done a 1;sent a -;fact a 1 1|
sent a 1;fact a 1 1|
sent a 1|
base a 1 5;max 5;fact a 1 5|
sent a 1;done a 1|*a has - instead of 1*
sent a 1;done a 1;fact a 2 2|*a has 2 instead of 1*
sent a 1;done a 1;sent a 2;done a 2;fact a 1 1|*a has 1 instead of 2*
sent a 1;done a 1;sent a 2;fact a half 2|*a has half instead of 1 or 2*
sent a 1;done a 1;fact a 1 2|*a has revision 2 instead of 1*
sent a 1;done a 1;sent b 1;done b 1;fact a 1 1;fact b 1 1|*b got revision 1*
sent a 1;done a 5;sent b 1;done b 4;fact a 1 5;fact b 1 4|*b got revision 4 though 5*
base a 1 5;max 5;sent a 2;fact a 2 5|*a has revision 5 though 5*
base a 1 5;max 5;fact a 1 6|*a has revision 6 instead of 5*
fact a 1 1|*a has 1 instead of -*
END
}

# kill -9 at any moment loses nothing that was answered and leaves no half of a batch.
test_kill_writers() { kill_writers "$kills"; }

test_kill_writers_postgres()
{
	command -v use_postgres >/dev/null || skip 'there is no PostgreSQL here'
	use_postgres
	kill_writers $(((kills * 2 + 4) / 5))
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
