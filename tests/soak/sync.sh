# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Random edits of configs, and of the API by hand: one run makes both equal, a second one finds nothing to do, and
# --atomic ends in the same objects with the same report. Then the same with requests and answers that get lost.
# SOAK_EDITS says how many edits; SOAK_SEED repeats a run that failed.

# rnd N: sets r to one of 0..N-1. A generator of our own, so that a seed says everything (Numerical Recipes' LCG).
rnd()
{
	seed=$(((seed * 1664525 + 1013904223) % 4294967296))
	r=$((seed / 65536 % $1))
}

begin_random()
{
	seed=${SOAK_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
	say "SOAK_SEED=$seed"
}

# A name that is taken often enough for things to come, change and go.
pick_prober() { rnd 12; prober=p$r; }
pick_cluster() { rnd 4; cluster=c$r; }

edit_prober()
{
	pick_prober
	mkdir -p probers/$prober
	rnd 90
	echo "{command: [./run.sh, '\${cluster}'], interval: $((r + 1))s, labels: {n: '$r'}, placements: [{clusters: [c$((r % 4))]}]}" \
		>probers/$prober/prober.yaml
	rnd 6
	printf '#!/bin/sh\nexit %s\n' "$r" >probers/$prober/run.sh
	chmod +x probers/$prober/run.sh
	rnd 3
	echo "$r" >probers/$prober/data
	[ "$r" -eq 0 ] || chmod +x probers/$prober/data
}

drop_prober() { pick_prober; rm -rf probers/$prober; }

edit_cluster()
{
	pick_cluster
	rnd 5
	printf 'recipe: %s\ndescription: "%s"\nvariables:\n  base: %s\n' "$recipe_name" "$r" "$r" >clusters/$cluster.yaml
	for name in a b c d; do
		rnd 9
		case $r in
		0) ;;
		1) echo "  $name: null" ;;
		2) echo "  $name: {x: null, y: [1, {z: null}]}" ;;
		3) echo "  $name: {x: 1, y: {z: $seed}}" ;;
		4) echo "  $name: [a, b]" ;;
		5) echo "  $name: 1.0" ;;
		6) echo "  $name: !env SOAK_SECRET" ;;
		7) echo "  $name: 'text \"\${x}\" \$\${y} %'" ;;
		8) echo "  $name: {}" ;;
		esac
	done >>clusters/$cluster.yaml
}

drop_cluster() { pick_cluster; rm -f clusters/$cluster.yaml; }

edit_recipe()
{
	rnd 9
	printf 'v: {a: %s, b: null}\nw%s: 1\n' "$r" "$r" >recipes/vm/values.yaml
	printf 'resource "terraform_data" "x" { input = %s }\n' "$r" >recipes/vm/main.tf
}

# Which recipe new clusters use: the others may be deleted then.
change_recipe()
{
	rnd 3
	recipe_name=r$r
	mkdir -p "recipes/$recipe_name"
	echo "description: $recipe_name" >"recipes/$recipe_name/recipe.yaml"
	for dir in recipes/r*; do
		[ ! -d "$dir" ] || grep -qs "recipe: ${dir#recipes/}\$" clusters/*.yaml || [ "$dir" = "recipes/$recipe_name" ] ||
			rm -r "$dir"
	done
}

# by_hand METHOD PATH [BODY]: at each API; it may be refused, but by all of them alike.
by_hand()
{
	by_hand_before=
	for by_hand_url in $apis; do
		by_hand_status=$(curl -s -o /dev/null -w '%{http_code}' -X "$1" -H 'Content-Type: application/json' ${3:+--data "$3"} \
			"$by_hand_url$2")
		[ "${by_hand_before:-$by_hand_status}" = "$by_hand_status" ] || fail "$*: $by_hand_before and $by_hand_status"
		by_hand_before=$by_hand_status
		[ "$by_hand_status" -lt 500 ] || fail "$*: $by_hand_status"
	done
}

edit_api()
{
	pick_prober
	pick_cluster
	rnd 11
	case $r in
	0) by_hand PATCH /v1/probers/$prober '{"interval":"7m","grace":"9s"}' ;;
	1) by_hand DELETE /v1/probers/$prober ;;
	2) by_hand POST /v1/probers "{\"slug\":\"$prober\",\"command\":[\"by hand\"]}" ;;
	3) by_hand PUT "/v1/clusters/$cluster/variables/a?force=true" '{"value":{"by":"hand","n":null}}' ;;
	4) by_hand DELETE "/v1/clusters/$cluster/variables/b?force=true" ;;
	5) by_hand PATCH /v1/clusters/$cluster '{"description":"by hand","labels":{"x":"y"}}' ;;
	6) by_hand DELETE /v1/clusters/$cluster ;;
	7) by_hand PATCH /v1/recipes/vm '{"values":{"v":{"a":77}}}' ;;
	8) by_hand POST /v1/clusters "{\"slug\":\"$cluster\",\"recipe\":\"vm\",\"variables\":{\"b\":{\"value\":5}}}" ;;
	9) by_hand PUT "/v1/clusters/$cluster/variables/mine" '{"value":1}' ;;
	10) by_hand PATCH /v1/probers/$prober '{"managed":false}' ;;
	esac
}

edit()
{
	rnd 12
	case $r in
	0 | 1 | 2) edit_prober ;;
	3) drop_prober ;;
	4 | 5) edit_cluster ;;
	6) drop_cluster ;;
	7) edit_recipe ;;
	8) change_recipe ;;
	*) edit_api ;;
	esac
}

some_edits()
{
	rnd 12
	n=$((r + 1))
	edits=$((edits + n))
	while [ $n -gt 0 ]; do
		edit
		n=$((n - 1))
	done
	# what a secret is changes, too
	rnd 4
	export SOAK_SECRET="secret $r"
}

# sync URL OPTION...
sync()
{
	sync_url=$1
	shift
	mrprober --api-url "$sync_url" synchronize --prune --force-ownership --format json "$@"
}

in_sync() { sync "$1" --check >check.json || { cat check.json; fail "$1 is not in sync after $edits edits"; }; }

# Files that lie still are remembered (unless there are secrets): the edits that follow are to be seen all the same.
settle()
{
	touch ../clock
	until [ $(($(date +%s) - $(stat -c %Z ../clock))) -gt 2 ]; do sleep 0.1; done
	in_sync "$1"
}

begin_tree()
{
	mkdir tree
	cd tree
	cp -R "$MRP_ROOT/tests/fixtures/basic/." .
	recipe_name=vm edits=0
	begin_random
}

test_random_edits()
{
	begin_tree
	start_api
	first_pid=$api_pid first_url=$api_url
	cleanup_more() { kill "$first_pid"; wait "$first_pid"; }
	database=sqlite:$MRP_SCRATCH/second.sqlite api_port=
	start_api
	apis="$first_url $api_url"
	while [ $edits -lt "${SOAK_EDITS:-120}" ]; do
		some_edits
		sync "$first_url" --yes --max-deletes 100% >one.json || { cat one.json; fail "after $edits edits"; }
		sync "$api_url" --yes --max-deletes 100% --atomic >all.json || { cat all.json; fail "--atomic after $edits edits"; }
		expect_files 'the report of --atomic' one.json all.json
		! grep -q 'secret [0-9]' one.json || fail 'a secret is shown'
		in_sync "$first_url"
		in_sync "$api_url"
		rnd 15
		[ "$r" -ne 0 ] || settle "$api_url"
		[ "$(jq -r .root_digest check.json)" = "$(curl -s "$first_url/v1/state" | jq -r .root)" ] || fail 'root digests differ'
	done
	say "$edits edits"
}

# A result says what the API holds: what is done is in no later plan, what is not is in the next one.
judge()
{
	sync "$apis" --check >left.json || [ $? -eq 2 ] || { cat left.json; fail 'no plan afterwards'; }
	[ "$code" -ne 0 ] || [ "$(jq '.changes | length' left.json)" -eq 0 ] || fail "status 0 with $(jq -c .changes left.json) left"
	jq -e '.changes' report.json >/dev/null 2>&1 || return 0
	jq -ce --slurpfile left left.json '[$left[0].changes[] | .kind + "/" + .slug] as $left |
		[.changes[] | select(.result) | {name: (.kind + "/" + .slug), result} |
		select((.result == "done" and (.name | IN($left[]))) or (.result != "done" and (.name | IN($left[]) | not)))] |
		if length > 0 then error(tostring) else true end' report.json >/dev/null || fail "the report of '$rule' is wrong (status $code)"
}

test_random_faults()
{
	begin_tree
	start_api
	apis=$api_url
	rounds=0
	while [ $edits -lt "${SOAK_EDITS:-100}" ]; do
		some_edits
		rnd 11
		rule=$(sed -n "$((r + 1))p" <<'END'
drop
close
reset
twice
delay 200
status 429 0
status 503 0
status 500
truncate 5
garbage
html
END
)
		rnd 6
		skipped=$r
		rnd 3
		times=$((r + 1)) mode=
		[ $((r % 2)) -eq 0 ] || mode=--atomic
		rule="* /v1/[brcp]* skip $skipped times $times $rule"
		start_faults "$rule"
		code=0
		sync "$fault_url" --yes --max-deletes 100% --parallel 4 $mode >report.json 2>err || code=$?
		stop_faults
		case $code in 0 | 1 | 69) ;; *) cat err; fail "$rule $mode: status $code" ;; esac
		judge
		sync "$api_url" --yes --max-deletes 100% >report.json || { cat report.json; fail "after '$rule'"; }
		in_sync "$api_url"
		rounds=$((rounds + 1))
	done
	say "$edits edits, $rounds faults"
}

# Two at once, of different trees, slowly: whoever comes second waits, and all of it is of one of them.
test_side_by_side()
{
	begin_tree
	start_api
	apis=$api_url
	for i in 1 2 3 4 5 6 7 8 9; do
		mkdir probers/p$i
		echo "{command: [x], interval: 1m, placements: [{}]}" >probers/p$i/prober.yaml
	done
	sync "$api_url" --yes >/dev/null
	cp -R . ../other
	rounds=0
	start_faults 'PATCH * delay 30' 'POST /v1/batch delay 100'
	while [ $rounds -lt "${SOAK_ROUNDS:-3}" ]; do
		rounds=$((rounds + 1))
		sed -i "s/interval: [0-9]*m/interval: ${rounds}1m/" probers/p*/prober.yaml
		sed -i "s/interval: [0-9]*m/interval: ${rounds}2m/" ../other/probers/p*/prober.yaml
		pids=
		for n in 1 2 3 4; do
			where=.
			[ $((n % 2)) -eq 0 ] || where=../other
			sync "$fault_url" --yes --parallel 2 --lock-timeout 5m "$where" >"../report.$n" 2>&1 &
			pids="$pids $!"
		done
		for pid in $pids; do
			wait "$pid" || { cat ../report.*; fail 'a run that waited failed'; }
		done
		intervals=$(curl -s "$api_url/v1/probers" | jq -c '[.items[] | select(.slug != "dns") | .interval] | unique')
		case $intervals in "[\"${rounds}1m\"]" | "[\"${rounds}2m\"]") ;; *) fail "mixed: $intervals" ;; esac
	done
}
