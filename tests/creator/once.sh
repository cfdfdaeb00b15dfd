# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# creator-once with real terraform: what it does to clusters, and what it leaves alone.

test_one_cluster()
{
	start_creators
	machines
	cluster net machines '{"size":2}'
	creator_once 0
	said '^net: applied: 2 to add'
	last net '.status == "applied"' '.stage == "apply"' '.added == 2' '.changed == 0' '.destroyed == 0' '.exit_code == 0' \
		'.creator | test("pid")' '.logs | keys == ["apply", "init", "plan"]' '.finished_at >= .started_at'
	cluster_state net deployed
	expect_equal machines 2 "$(machines_of net)"
	log_of plan
	grep -q 'Plan: 2 to add' "$body" || fail 'the log of the plan is not there'
	log_of apply
	grep -q 'Resources: 2 added' "$body" || fail 'the log of the apply is not there'
	# nothing is left behind, and nothing is to be done
	expect_equal 'work folders' '' "$(find state/creator/work state/creator/runs -mindepth 1)"
	creator_once 0
	expect_equal deployments 1 "$(runs net)"
	creator_once 0 net
	last net '.status == "no-changes"' '.stage == "plan"' '.added == 0'
	# a variable that is written makes it due at once
	variable net size 3
	creator_once 0
	last net '.status == "applied"' '.added == 1'
	expect_equal machines 3 "$(machines_of net)"
	# and so does its recipe
	sed -i 's/machine \${/machine no. ${/' machines/main.tf
	recipe machines
	creator_once 0
	last net '.status == "applied"' '.changed == 3'
}

test_plan_only()
{
	start_creators
	machines
	cluster net machines '{"size":2}'
	creator_once 2 --plan-only
	grep -q 'Plan: 2 to add' out || fail 'the plan is not shown'
	expect_equal deployments 0 "$(runs net)"
	cluster_state net pending
	creator_once 0
	creator_once 0 --plan-only net
	# as the cluster itself says
	cluster planned machines '{"size":1}' 'deploy: {mode: "plan-only"}'
	creator_once 0
	last planned '.status == "planned"' '.added == 1' '.plan_digest | length == 64'
	[ ! -e "state/creator/states/development/$(hostname)/planned.tfstate" ] || fail 'something was made'
}

test_guard()
{
	start_creators
	machines
	cluster net machines '{"size":4}' 'deploy: {max_destroy: 1}'
	creator_once 0
	variable net size 3
	creator_once 0
	last net '.status == "applied"' '.destroyed == 1'
	variable net size 1
	creator_once 1
	said '^net: refused: .*destroys 2, more than max_destroy'
	last net '.status == "refused"' '.destroyed == 2'
	cluster_state net refused
	expect_equal machines 3 "$(machines_of net)"
	refused=$(jq .id last.json)
	# it waits for somebody, not for time
	creator_once 0
	expect_equal deployments 3 "$(runs net)"
	request POST "/v1/deployments/$refused/approve" '{"approved_by":"duty"}'
	expect 200
	creator_once 0
	last net '.status == "applied"' '.destroyed == 2' '.approved_by == "duty"' ".approved_deployment == $refused"
	expect_equal machines 1 "$(machines_of net)"
}

# An approval is for one plan: what comes instead is refused again.
test_guard_other_plan()
{
	start_creators
	machines
	cluster net machines '{"size":4}' 'deploy: {max_destroy: 0}'
	creator_once 0
	variable net size 3
	creator_once 1
	last net '.status == "refused"'
	refused=$(jq .id last.json)
	variable net size 2
	request POST "/v1/deployments/$refused/approve" '{"approved_by":"duty"}'
	expect 200
	creator_once 1
	last net '.status == "refused"' '.destroyed == 2' "has(\"approved_by\") | not"
	expect_equal machines 4 "$(machines_of net)"
}

test_failures()
{
	start_creators
	machines
	mkdir bad
	cat >bad/main.tf <<'END'
variable "size" {
  type = number
}
resource "terraform_data" "machine" {
  input = var.size
  lifecycle {
    precondition {
      condition     = var.size < 0
      error_message = "there is no such size"
    }
  }
}
END
	recipe bad
	for name in a b c; do
		cluster "good-$name" machines '{"size":1}'
		cluster "bad-$name" bad '{"size":1}'
	done
	creator_once 1 --parallel 2
	for name in a b c; do
		last "good-$name" '.status == "applied"'
		last "bad-$name" '.status == "failed"' '.stage == "plan"' '.exit_code == 1' '.message | test("precondition")'
		log_of plan
		grep -q 'there is no such size' "$body" || fail 'the log of the failed plan is not there'
		cluster_state "bad-$name" failed
	done
	request GET /v1/clusters/bad-a
	expect 200 '.state.failures == 1'
	# they wait a little before the next try
	creator_once 0
	expect_equal deployments 1 "$(runs bad-a)"
	creator_once 1 bad-a
	request GET /v1/clusters/bad-a
	expect 200 '.state.failures == 2'
}

test_waiting()
{
	start_creators
	machines
	recipe machines '"required_variables":["size","zone"]'
	cluster net machines '{"size":1}' 'external_variables: ["nodes"]'
	cluster_state net waiting
	variable net nodes '[]'
	cluster_state net pending
	creator_once 0
	said '^net: waiting: for variables zone'
	cluster_state net waiting
	request GET /v1/clusters/net
	expect 200 '.state.message == "for variables zone"'
	last net '.status == "failed"' '.stage == "variables"'
	creator_once 0 net
	expect_equal deployments 1 "$(runs net)"
	variable net zone '"a"'
	creator_once 0
	last net '.status == "applied"'
}

# The recipe's values stand under those of a cluster made by hand; maps are merged.
test_values()
{
	start_creators
	mkdir values
	cat >values/main.tf <<'END'
variable "labels" {
  type = map(string)
}
variable "size" {
  type = number
}
output "labels" {
  value = var.labels
}
output "size" {
  value = var.size
}
END
	recipe values '"values":{"labels":{"a":"recipe","b":"recipe"},"size":1,"unused":true}'
	cluster net values '{"labels":{"b":"cluster"}}'
	creator_once 0
	last net '.status == "applied"' '.added == 0'
	jq -e '.outputs | .labels.value == {a: "recipe", b: "cluster"} and .size.value == 1' \
		"state/creator/states/development/$(hostname)/net.tfstate" >/dev/null || fail 'the variables are not as merged'
}

test_disabled()
{
	start_creators
	machines
	cluster test-one machines '{"size":1}'
	cluster off machines '{"size":1}' 'deploy: {enabled: false}'
	cluster on machines '{"size":1}'
	creator_once 0 --disable 'test*' --disable 'nothing-?'
	said "no cluster is called 'nothing-\?'"
	expect_equal deployments '0 0 1' "$(runs test-one) $(runs off) $(runs on)"
	creator_once 1 off
	said '^off: skipped: it is disabled'
	creator_once 1 none
	said "cluster 'none' is not there"
}

# A cluster that is deleted is destroyed by what it was last deployed by, then it goes.
test_destroy()
{
	start_creators
	machines
	cluster net machines '{"size":2}' 'deploy: {max_destroy: 1}'
	creator_once 0
	rm -r machines
	mkdir machines
	echo 'this is no recipe' >machines/main.tf
	recipe machines
	request DELETE /v1/clusters/net
	expect 202
	creator_once 1
	said '^net: refused: the plan destroys 2'
	last net '.status == "refused"'
	request POST "/v1/deployments/$(jq .id last.json)/approve" '{"approved_by":"duty"}'
	expect 200
	creator_once 0
	said '^net: destroyed: 0 to add, 0 to change, 2 to destroy'
	request GET /v1/clusters/net
	expect_problem 404
	expect_equal machines 0 "$(machines_of net)"
}

# The local state is one creator's: another one would make everything again.
test_state_holder()
{
	start_creators
	machines
	cluster net machines '{"size":1}'
	creator_once 0
	code=0
	mrprober creator-once --state-dir "$MRP_SCRATCH/other" net >out 2>err || code=$?
	cat err
	expect_equal status 1 $code
	said 'terraform state of cluster .net. is in the folder of creator'
	expect_equal deployments 1 "$(runs net)"
	creator_once 0 net
}

test_usage()
{
	need_terraform
	api_url=http://127.0.0.1:$(free_port)
	MRPROBER_API_URL=$api_url creator_once 69
	start_creators
	creator_once 64 --unlock a b
	creator_once 64 --backend-config nothing
	machines
	cluster net machines '{"size":1}'
	creator_once 1 --terraform ./none
	said 'cannot run .*/none'
	last net '.status == "failed"' '.stage == "init"'
}

# What was refused is due again when the creator allows something else, and only then; no two creators take turns.
test_policy()
{
	start_creators
	slow
	touch go
	cluster net slow '{"size":1}'
	creator_once 1
	said '^net: refused: .*local-exec'
	last net '.status == "refused"' '.refused_by | length == 64'
	creator_once 0
	expect_equal runs 1 "$(runs net)"
	echo '{"terraform": {"required_providers": {}}}' >providers.tf.json
	creator_once 1 --providers-file providers.tf.json
	creator_once 0 --providers-file providers.tf.json
	creator_once 0
	expect_equal runs 2 "$(runs net)"
	creator_once 0 --allow-programs
	last net '.status == "applied"'
	request GET /v1/clusters/net
	expect 200 '.state | has("refused_by") | not'
	# a plan that waits for approval is no matter of policy
	request PATCH /v1/clusters/net '{"deploy":{"max_destroy":0}}'
	expect 200
	variable net size 2
	sed -i 's/input = var.size/triggers_replace = var.size/; s/input      = var.size/triggers_replace = var.size/' slow/main.tf
	recipe slow
	creator_once 1 --allow-programs
	last net '.status == "refused"' 'has("refused_by") | not'
	creator_once 0 --allow-programs --providers-file providers.tf.json
	last net '.status == "refused"'
	expect_equal runs 4 "$(runs net)"
}
