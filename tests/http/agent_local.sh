# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The agent's source of configs without an API: a folder of configs, or a file.

write() # PATH LINE...
{
	mkdir -p "$(dirname "$1")"
	write_to=$1
	shift
	printf '%s\n' "$@" >"$write_to"
}

make_tree()
{
	write tree/mrprober.yaml 'mrprober: 1' 'environments: {lab: {}, prod: {}}' 'required_variables: []'
	write tree/recipes/r/recipe.yaml 'name: R'
	write tree/recipes/r/main.tf 'locals {}'
	write tree/clusters/net.yaml 'recipe: r' 'variables: {zone: a, nodes: [n1, n2], password: !env NO_SUCH_VARIABLE}'
	write tree/clusters/other.yaml 'recipe: r' 'environments: [prod]'
	write tree/probers/dns/prober.yaml 'command: [./dns.sh, "${host}", "${node}", "${zone}"]' 'matrix: {node: "${nodes}"}' \
		'placements: [{clusters: ["n*"]}, {hosts: ["h*"], interval: 5s, labels: {a: b}}]'
	write tree/probers/dns/dns.sh '#!/bin/sh' 'cat "$(dirname "$0")/data/list"'
	chmod 755 tree/probers/dns/dns.sh
	write tree/probers/dns/data/list one
	write tree/probers/ping/prober.yaml 'probe: {icmp: {host: "${zone}.example.net"}}' 'placements: [{}]'
	write tree/probers/elsewhere/prober.yaml 'command: ["true"]' 'placements: [{clusters: ["lab-*"]}]'
}

# The stored config as the API would have answered.
stored() { sed -n 3p state/agent/net/config.json; }

# The same configs by way of the API and straight from the tree are the same.
test_tree()
{
	make_tree
	export NO_SUCH_VARIABLE=s3cret
	start_api --environment lab
	run 0 mrprober synchronize --yes --environment lab tree
	unset NO_SUCH_VARIABLE
	request GET '/v1/agent-config?cluster=net&host=h1'
	expect 200 '.probers | length == 3'
	jq -S 'del(.config_revision)' "$body" >want
	start_source --config tree --environment lab
	said '^new [0-9a-f]{32} 3 '
	stored | jq -S 'del(.config_revision)' >got
	expect_files 'what the tree gives' want got
	expect_run one dns dns.sh
	never log 'rror|arning'
	never said '^wanted'
	step 'a change'
	write tree/probers/dns/data/list two
	said '^new ' 2
	order drop
	until_folders 1
	expect_run two dns dns.sh
	step 'files that are replaced, as editors and checkouts do'
	cp -r tree other
	sed -i 's/5s/7s/' other/probers/dns/prober.yaml
	mv other/probers/dns/prober.yaml tree/probers/dns/prober.yaml
	said '^new ' 3
	stored | grep -q '"7s"'
	stop_source
}

test_mistakes()
{
	make_tree
	start_source --config tree --environment lab
	said '^new .* 3 '
	step 'mistakes are named, all of them, once; the config stays'
	write tree/probers/dns/prober.yaml 'command: [./none.sh]' 'interval: 5x' 'placements: [{}]'
	write tree/clusters/net.yaml 'recipe: r' 'variabels: {}'
	said "^refused the configs in 'tree' have [2-9] mistakes"
	matches log "tree/probers/dns/prober.yaml:2:[0-9]+: prober 'dns': interval"
	matches log "tree/clusters/net.yaml:2:[0-9]+: cluster 'net': variabels: unknown key"
	lines=$(wc -l <log)
	order reload
	said '^reloaded 1'
	expect_equal 'lines of log' "$lines" "$(wc -l <log)"
	order status
	said '^status tree [0-9a-f]+ failures [1-9]'
	write tree/clusters/net.yaml 'recipe: r' 'variables: {zone: a, nodes: [n1]}'
	said "^refused the configs in 'tree' have 2 mistakes"
	expect_equal 'mistakes in the log' 5 "$(grep -c 'error: tree/' log)"
	step 'a restart runs the last good one'
	stop_source
	start_source --config tree --environment lab
	said '^refused'
	said '^new .* 3 .*last-good'
	step 'secrets have no values here'
	make_tree
	write tree/probers/ping/prober.yaml 'command: [echo, "${later}"]' 'placements: [{}]'
	write tree/clusters/net.yaml 'recipe: r' 'variables: {zone: a, nodes: [n1]}' 'external_variables: [later]'
	said '^new ' 2
	order ids
	said "^id ping error command\[1\]: .*later"
	step 'the tree is gone, and comes back'
	mv tree away
	said '^unknown .*tree'
	mv away tree
	said '^same|^new ' 3
	stop_source
	step 'another source than last time: what is stored is not run'
	mv tree away
	make_tree
	write tree/clusters/net.yaml 'recipe: r' 'variabels: {}'
	mv tree broken
	start_source --config broken --environment lab
	said '^refused'
	never said last-good
	stop_source
	start_source --config away
	said "^refused .*environment.*(lab|prod)"
	stop_source
}

test_file()
{
	write check.sh '#!/bin/sh' 'echo run'
	hash=$(sha256sum <check.sh | cut -c 1-64)
	defaults='"interval":"10s","timeout":"5s","grace":"2s","overlap":"skip","output":"exit","keep_logs":"all","warning_is":"failure"'
	entry='{"id":"p",'"$defaults"',"prober":"p","command":["./check.sh"],"files":{"check.sh":{"sha256":"'"$hash"'","mode":"0755"}}}'
	write agent.json '{"cluster":"net","host":"h1","config_revision":"r1","probers":['"$entry"']}'
	start_source --config agent.json
	said "^refused config r1: prober 'p': file 'check.sh': .*blobs/$hash"
	step 'the content comes'
	mkdir blobs
	cp check.sh "blobs/$hash"
	said '^new r1 1 '
	expect_run run p check.sh
	step 'a wrong content'
	write agent.json '{"cluster":"net","host":"h1","config_revision":"r2","probers":['"$(say "$entry" | sed "s/$hash/$(printf '%064d' 0)/")"']}'
	write "blobs/$(printf '%064d' 0)" wrong
	said "^refused config r2: prober 'p': file 'check.sh': the content hashes to"
	step 'paths that lead out'
	for path in ../x /etc/x a/../b . '' a//b; do
		: >said
		write agent.json '{"cluster":"net","host":"h1","config_revision":"r3","probers":['"$(say "$entry" | sed "s|\"check.sh\":{|\"$path\":{|")"']}'
		said '^refused '
		never said '^new'
	done
	for bad in '{' '[]' '{"cluster":"net","host":"h2","probers":[]}' '{"probers":5}' ''; do
		: >said
		write agent.json "$bad"
		said '^refused '
		never said '^new'
	done
	stop_source
	step 'the last good one is still there'
	start_source --config agent.json
	said '^new r1 1 .*last-good'
	stop_source
	step 'YAML, and what may be left out'
	write agent.yaml 'probers:' '- id: y' '  prober: y' '  command: ["true"]' '  interval: 10s' '  timeout: 5s' '  grace: 2s' \
		'  overlap: skip' '  output: exit' '  keep_logs: all' '  warning_is: failure'
	start_source --config agent.yaml
	said '^new [0-9a-f]{32} 1 '
	write agent.yaml 'probers:' '- {id: y, id: z'
	said '^refused '
	matches log 'agent.yaml:[23]:'
	stop_source
}
