# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Terraform state that several creators reach: s3 and http, with their locks, and locks of runs that died.

test_http()
{
	start_creators
	start_stated
	machines
	cluster net machines '{"size":2}'
	with_http creator_once 0
	last net '.status == "applied"' 'has("state_holder") | not'
	state_of net >got
	jq -e '[.resources[].instances[]] | length == 2' got || fail 'the state is not there'
	[ ! -e state/creator/states ] || fail 'there is a local state'
	# another creator goes on from there
	variable net size 3
	mrprober creator-once --state-dir "$MRP_SCRATCH/other" --backend http --backend-config "address=$stated_url/{environment}/{cluster}" \
		|| fail 'another creator could not go on'
	last net '.status == "applied"' '.added == 1'
	! grep -rF St4te-password state other --include='*.json' --include='*.log' || fail 'the password is on the disk'
	# but not one with a local state
	creator_once 0 --plan-only --disable '*'
}

# What was made is known elsewhere: a creator with a local state would make it again.
test_local_after_remote()
{
	start_creators
	machines
	cluster net machines '{"size":1}'
	creator_once 0
	start_stated
	with_http creator_once 1 net
	said 'terraform state of cluster .net. is in the folder of creator'
	with_http creator_once 0 --force net
	last net '.status == "applied"'
}

# Creator and terraform were killed: the lock stays, is told of, and only the evidence lets it be given back.
test_unlock()
{
	start_creators
	start_stated
	slow
	cluster net slow '{"size":1}'
	with_http start_creator one --allow-programs
	until_true test -s began
	terraform_pid=$(awk '{ print $4 }' "/proc/$(cat began)/stat")
	with_http creator_once 3 --unlock net --allow-programs
	said 'the run is alive'
	kill -STOP "$creator_pid"
	kill -KILL "$terraform_pid"
	kill -KILL "$(cat began)" 2>/dev/null || :
	stop_creator "$creator_pid" KILL
	touch go
	with_http creator_once 1 --allow-programs net
	said 'the terraform state is locked by .*creator-once --unlock net'
	last net '.status == "failed"' '.message | test("locked by .* the run that died before was pid [0-9]+ on host .* ago")'
	# elsewhere nothing proves that it is dead
	code=0
	with_http mrprober creator-once --state-dir "$MRP_SCRATCH/other" --allow-programs --unlock net >out 2>err || code=$?
	cat out err
	expect_equal status 3 $code
	said 'nothing here proves'
	with_http creator_once 0 --allow-programs --unlock net
	said 'unlocked: the state was locked by'
	last net '.status == "interrupted"' '.stage == "unlock"' '.dirty' '.half_made == ["terraform_data.slow"]'
	with_http creator_once 0 --allow-programs --unlock net --force
	said 'not locked'
	# what it was making is in no state: another creator knows as well that somebody has to look
	code=0
	with_http mrprober creator-once --state-dir "$MRP_SCRATCH/other" --allow-programs net >out 2>err || code=$?
	cat out err
	expect_equal status 1 $code
	said '^net: refused: terraform was killed while it made terraform_data.slow'
	last net '.status == "refused"'
	request POST "/v1/deployments/$(jq .id last.json)/approve" '{"approved_by":"duty"}'
	expect 200
	with_http creator_once 0 --allow-programs net
	last net '.status == "applied"' '.dirty == false'
}

test_s3()
{
	start_creators
	start_s3
	export AWS_ACCESS_KEY_ID="$S3_ACCESS_KEY_ID" AWS_SECRET_ACCESS_KEY="$S3_SECRET_ACCESS_KEY"
	machines
	cluster net machines '{"size":2}'
	set -- --backend s3 --backend-config bucket=logs --backend-config region=us-east-1 \
		--backend-config 'key=states/{environment}/{cluster}.tfstate' --backend-config use_lockfile=true \
		--backend-config "endpoints={s3: \"$s3_url\"}" --backend-config use_path_style=true \
		--backend-config skip_credentials_validation=true --backend-config skip_metadata_api_check=true \
		--backend-config skip_region_validation=true --backend-config skip_requesting_account_id=true \
		--backend-config skip_s3_checksum=true
	creator_once 0 "$@"
	last net '.status == "applied"' '.logs.plan | test("creator/net/1/plan.log$")'
	variable net size 1
	creator_once 0 "$@"
	last net '.status == "applied"' '.destroyed == 1'
	ls s3
	jq -e '[.resources[].instances[]] | length == 1' "s3/states%2Fdevelopment%2F$(hostname)%2Fnet.tfstate" ||
		fail 'the state is not there'
	# the logs went to the bucket, with good signatures
	for stage in init plan apply; do
		[ -s "s3/development%2F$(hostname)%2Fcreator%2Fnet%2F1%2F$stage.log" ] || fail "the log of $stage is not there"
	done
	! grep -E ' (PUT|GET|DELETE) .*(Signature|InvalidAccessKey)' s3.log || fail 'a signature was refused'
}

# Another creator, which reaches the same state, destroys by what was deployed, and not by what has become of the recipe;
# with the sensitive values of then, which nobody sees who may not.
test_destroyed_elsewhere()
{
	start_creators
	start_stated
	mkdir guarded
	cat >guarded/main.tf <<'END'
variable "password" {
  type      = string
  sensitive = true
}
variable "size" {
  type = number
}
resource "terraform_data" "machine" {
  count = var.size
  input = "machine ${count.index}"
  provisioner "local-exec" {
    when    = destroy
    command = "echo ${self.input} >>DESTROYED"
  }
}
END
	sed -i "s|DESTROYED|$MRP_SCRATCH/destroyed|" guarded/main.tf
	cp guarded/main.tf then.tf
	recipe guarded
	request POST /v1/clusters '{"slug":"net","recipe":"guarded","variables":{"size":{"value":2},
		"password":{"value":"Pa55word-of-then","sensitive":true}}}'
	expect 201
	with_http creator_once 0 --allow-programs
	request GET '/v1/deployments/1?show_sensitive=true'
	expect 200 '.deployed.recipe.files | has("main.tf")' '.deployed.variables.size.value == 2' \
		'.deployed.variables.password == {value: "Pa55word-of-then", sensitive: true}'
	for route in deployments/1 clusters/net clusters/net/deployments; do
		request GET "/v1/$route"
		expect 200
		! grep -F Pa55word "$body" || fail "$route shows the password"
	done
	hash=$(sha256sum then.tf | cut -d' ' -f1)
	request GET "/v1/blobs/$hash"
	expect 200
	variable net password '"another"'
	variable net size 5
	echo 'this is no recipe' >guarded/main.tf
	recipe guarded
	request DELETE /v1/clusters/net
	expect 202
	code=0
	with_http mrprober creator-once --state-dir "$MRP_SCRATCH/other" --allow-programs >out 2>err || code=$?
	cat out err
	expect_equal status 0 $code
	said '^net: destroyed: 0 to add, 0 to change, 2 to destroy'
	expect_equal destroyed 'machine 0 machine 1' "$(sort destroyed | paste -sd' ')"
	request GET /v1/clusters/net
	expect_problem 404
	! grep -rF Pa55word-of-then state/objects other/objects || fail 'the password is in a log'
	expect_equal 'what is kept elsewhere' '' "$(find state/creator other/creator -name '*deployed*')"
}

# Logs of a creator on another machine: by the API, from the bucket that both are told of.
test_logs_of_another_machine()
{
	need_terraform
	unset TF_CLI_CONFIG_FILE
	start_s3
	start_api --state-dir "$MRP_SCRATCH/api"
	machines
	cluster net machines '{"size":2}'
	creator_once 0
	last net '.status == "applied"' '.logs | has("plan")'
	there() { [ "$(curl -sS -o got -w '%{http_code}' "$api_url/v1/deployments/1/logs/apply")" = 200 ]; }
	until_true there
	grep -q 'Resources: 2 added' got || fail 'the log of the apply is not there'
	mrprober api-client logs 1 plan >got
	grep -q 'Plan: 2 to add' got || fail 'the log of the plan is not there'
	[ ! -e api/objects ] || fail 'the API has it in a folder'
	request GET /v1/deployments/1/logs/none
	expect_problem 404
	# a creator cannot make the API read other objects of the bucket
	say hidden >"s3/other%2Fcreator%2Fx%2F1%2Fplan.log"
	request PATCH /v1/deployments/1 '{"logs":{"gate":"other/creator/x/1/plan.log"}}'
	expect 200
	request GET /v1/deployments/1/logs/gate
	expect_problem 404
	# what is wrong with the bucket is not the fault of who asks, and nobody waits for it
	kill "$s3_pid"
	request GET /v1/deployments/1/logs/plan
	expect_problem 502
	request GET /v1/clusters/net
	expect 200
}
