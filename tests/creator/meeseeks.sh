# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# From a node in the data centre to a machine: Compute Admin -> meeseeks -> variable -> creator -> terraform, beside a tree
# of configs that leaves the variable to meeseeks.

# A list of nodes in two pages, as Compute Admin has it now.
nodes() # NAME...
{
	for node; do
		say "$node"
	done | jq -Rn '[inputs] | {nodes: [.[:2][] | {name: ., zoneId: "z"}], nextPageToken: "2"}, {nodes: [.[2:][] | {name: .}]}' >pages
	jq -s '.[0]' pages >next1.json
	jq -s '.[1]' pages >next2.json
	mv next1.json page1.json
	mv next2.json page2.json
}

start_compute_admin()
{
	fault_upstream=''
	start_faults "GET /v1/nodes*pageToken=2 file 200 application/json $MRP_SCRATCH/page2.json" \
		"GET /v1/nodes* file 200 application/json $MRP_SCRATCH/page1.json"
	export YC_TOKEN=t1.s3cret
}

tree_of_meeseeks()
{
	mkdir -p recipes/meeseeks clusters
	printf 'mrprober: 1\nenvironments: {prod: {}}\nrequired_variables: []\n' >mrprober.yaml
	echo 'name: Meeseeks' >recipes/meeseeks/recipe.yaml
	printf 'recipe: meeseeks\nexternal_variables: [compute_nodes]\ndeploy: {interval: 1h, max_destroy: 2}\n' >clusters/meeseeks.yaml
	cat >recipes/meeseeks/main.tf <<'END'
variable "compute_nodes" {
  type = list(string)
}
resource "terraform_data" "machine" {
  for_each = toset(var.compute_nodes)
  input    = each.key
}
END
}

# meeseeks CODE OPTION...
meeseeks()
{
	meeseeks_code=$1
	shift
	run "$meeseeks_code" mrprober meeseeks --source compute-admin --url "$fault_url/v1/nodes" "$@"
}

# names_in_state: of the machines that terraform has made, in its state
names_in_state()
{
	jq -r '[.resources[]? | select(.type == "terraform_data") | .instances[].index_key] | sort | join(" ")' \
		"$MRP_SCRATCH/state/creator/states/prod/meeseeks.tfstate"
}
has_machines() { [ "$(names_in_state 2>/dev/null)" = "$*" ] && is_state meeseeks deployed; }

# in_sync: the tree and the API agree, and the variable is as meeseeks has left it
in_sync()
{
	request GET /v1/clusters/meeseeks/variables/compute_nodes
	expect 200 '.owner == "meeseeks"'
	etag=$(header ETag)
	run 0 mrprober synchronize --check
	run 0 mrprober synchronize --yes
	request GET /v1/clusters/meeseeks/variables/compute_nodes
	expect_equal 'the revision of the variable' "$etag" "$(header ETag)"
}

test_chain()
{
	start_creators --environment prod
	nodes node-1 node-2 node-3 node-4 node-5
	start_compute_admin
	tree_of_meeseeks
	run 0 mrprober synchronize --yes
	start_creator one
	step 'nothing can be made before there is a list'
	until_true is_state meeseeks waiting
	expect_equal runs 0 "$(runs meeseeks)"
	meeseeks 0 --yes --deploy
	until_true has_machines node-1 node-2 node-3 node-4 node-5
	in_sync
	step 'a node more'
	nodes node-1 node-2 node-3 node-4 node-5 node-6
	meeseeks 2 --check
	expect_equal 'what comes' '+ node-6' "$(sed 1d "$out")"
	meeseeks 0 --yes --deploy
	until_true has_machines node-1 node-2 node-3 node-4 node-5 node-6
	request GET /v1/clusters/meeseeks/deployments
	expect 200 '[.items[] | select(.status == "applied") | .added] == [1, 5]'
	in_sync
	step 'nothing has changed, or too much is gone: terraform has nothing to do'
	stop_creator "$creator_pid"
	creator_once 0 # what may still have been asked for
	before=$(runs meeseeks)
	meeseeks 0 --yes --deploy
	expect_equal 'what it says' '' "$(cat "$out" "$err")"
	nodes node-1 node-2 node-3 node-4
	meeseeks 3 --yes --deploy
	matches "$err" '2 of 6 nodes would be removed, more than 20%'
	in_sync
	creator_once 0
	expect_equal runs "$before" "$(runs meeseeks)"
	expect_equal machines 'node-1 node-2 node-3 node-4 node-5 node-6' "$(names_in_state)"
	step 'one node less'
	start_creator two
	nodes node-1 node-2 node-3 node-4 node-5
	meeseeks 0 --yes --deploy
	until_true has_machines node-1 node-2 node-3 node-4 node-5
	step 'the creator has a guard of its own, against lists that somebody lets pass'
	nodes node-9
	meeseeks 0 --yes --deploy --max-removal 100%
	until_true is_state meeseeks refused
	expect_equal machines 'node-1 node-2 node-3 node-4 node-5' "$(names_in_state)"
	stop_creator "$creator_pid"
}
