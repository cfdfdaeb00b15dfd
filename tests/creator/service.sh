# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The creator as a service: what is due, asked for, interrupted, killed, shared.

test_loop()
{
	start_creators
	machines
	cluster a machines '{"size":1}'
	start_creator one
	until_true is_state a deployed
	cluster b machines '{"size":1}' 'deploy: {interval: "1s"}'
	until_true is_state b deployed
	# drift is found by the regular plan
	until_true has_run b 3
	expect_equal runs 1 "$(runs a)"
	variable a size 2
	until_true has_run a 2
	request POST /v1/clusters/a/deploy
	expect 202
	until_true has_run a 3
	until_true is_state a deployed
	last a '.status == "no-changes"'
	curl -sS "$creator_url/metrics" >page
	cat page
	grep -Eq '^mrprober_creator_runs_total\{status="applied"\} [3-9]' page || fail 'runs are not counted'
	grep -Eq '^mrprober_creator_clusters 2$' page || fail 'clusters are not counted'
	grep -Eq '^mrprober_creator_look_success 1$' page || fail 'looks are not counted'
	# the API goes away and comes back
	stop_api
	sleep 0.5
	start_api --state-dir "$MRP_SCRATCH/state"
	variable a size 1
	until_true has_run a 4
	stop_creator "$creator_pid"
}

# A failed cluster does not delay the others, and comes again later.
test_failing_and_good()
{
	start_creators
	machines
	mkdir bad
	echo 'resource "terraform_data" "x" { input = file("/nowhere") }' >bad/main.tf
	recipe bad
	for i in 1 2 3; do
		cluster "bad-$i" bad '{}'
		cluster "good-$i" machines '{"size":1}'
	done
	start_creator one --parallel 2
	for i in 1 2 3; do
		until_true is_state "good-$i" deployed
		until_true is_state "bad-$i" failed
	done
	expect_equal runs '1 1 1' "$(runs bad-1) $(runs bad-2) $(runs bad-3)"
	# a recipe that is mended is tried at once
	echo 'resource "terraform_data" "x" { input = 1 }' >bad/main.tf
	recipe bad
	for i in 1 2 3; do
		until_true is_state "bad-$i" deployed
	done
	stop_creator "$creator_pid"
}

# SIGTERM in the middle of an apply: terraform ends cleanly, the record says so, the next creator goes on.
test_terminated()
{
	start_creators
	slow
	cluster net slow '{"size":1}'
	start_creator one --allow-programs
	until_true test -s began
	stop_creator "$creator_pid"
	last net '.status == "interrupted"' '.stage == "apply"' '.message | test("interrupted")'
	cluster_state net failed
	log_of apply
	grep -qi 'interrupt' "$body" || fail 'the log does not say that terraform was interrupted'
	# what was made is known, the half-made thing is tainted
	tfstate="state/creator/states/development/$(hostname)/net.tfstate"
	jq -e '[.resources[] | {(.name): .instances[0].status}] | add | .first == null and .slow == "tainted"' "$tfstate" ||
		fail "the state is not as terraform leaves it: $(cat "$tfstate")"
	expect_equal 'what is left' '' "$(find state/creator/work state/creator/runs -mindepth 1)"
	touch go
	creator_once 0 --allow-programs net
	last net '.status == "applied"' '.added == 1' '.destroyed == 1'
}

# kill -9 of the creator in the middle of an apply: terraform finishes alone, and the next one goes on at once.
test_killed()
{
	start_creators
	slow
	cluster net slow '{"size":1}'
	start_creator one --allow-programs
	until_true test -s began
	[ -e state/creator/runs/net.json ] || fail 'there is no evidence of the run'
	stop_creator "$creator_pid" KILL
	last net '.status == "running"'
	# terraform is not ended by its output that nobody reads: it says what became of the half-made thing
	expect_equal 'kept logs' state/creator/runs/net.1.apply.log "$(echo state/creator/runs/*.log)"
	tfstate="state/creator/states/development/$(hostname)/net.tfstate"
	is_tainted() { jq -e 'any(.resources[]; .name == "slow" and .instances[0].status == "tainted")' "$tfstate" >/dev/null; }
	until_true is_tainted
	touch go
	start_creator two --allow-programs
	until_true is_state net deployed
	last net '.status == "applied"' '.added == 1' '.destroyed == 1'
	request GET /v1/clusters/net/deployments
	expect 200 '.items | length == 2' '.items[1].status == "interrupted"' '.items[1].message | test("died")' \
		'.items[1].logs | has("apply")' '.items[1] | has("dirty") | not'
	jq '.items[1]' "$body" >last.json
	log_of apply
	grep -q 'terraform_data.slow: Provisioning' "$body" || fail 'the log of the run that died is lost'
	expect_equal 'kept logs' '' "$(find state/creator/runs -name '*.log')"
	stop_creator "$creator_pid"
	jq -e '[.resources[].instances[]] | length == 2 and all(.status == null)' "$tfstate" ||
		fail "not everything was made: $(cat "$tfstate")"
}

# Two creators with a state of their own each would bind it; with a state that both reach they share the work.
test_two()
{
	start_creators
	machines
	for i in 1 2 3 4 5 6; do
		cluster "net-$i" machines '{"size":1}'
	done
	mkdir shared
	start_creator one --parallel 2 --backend local --backend-config path="$MRP_SCRATCH/shared/{cluster}.tfstate"
	one=$creator_pid
	start_creator two --parallel 2 --backend local --backend-config path="$MRP_SCRATCH/shared/{cluster}.tfstate"
	for i in 1 2 3 4 5 6; do
		until_true is_state "net-$i" deployed
	done
	for i in 1 2 3 4 5 6; do
		variable "net-$i" size 2
	done
	for i in 1 2 3 4 5 6; do
		until_true has_run "net-$i" 2
		until_true is_state "net-$i" deployed
	done
	stop_creator "$one"
	stop_creator "$creator_pid"
	for i in 1 2 3 4 5 6; do
		expect_equal "runs of net-$i" 2 "$(runs "net-$i" applied)"
		expect_equal "all runs of net-$i" 2 "$(runs "net-$i")"
		expect_equal "machines of net-$i" 2 "$(jq '[.resources[].instances[]] | length' "shared/net-$i.tfstate")"
	done
}

# A run that lasts too long is interrupted.
test_timeout()
{
	start_creators
	slow
	cluster net slow '{"size":1}' 'deploy: {timeout: "10s"}'
	creator_once 1 --allow-programs
	said 'did not end in time'
	last net '.status == "failed"' '.stage == "apply"'
}

# Killed when the API had given it the lease and it did not know yet, and again when it was giving the lease back: neither
# makes anybody wait for the end of the lease.
test_killed_around_the_lease()
{
	start_creators
	machines
	cluster net machines '{"size":1}'
	has_two() { [ "$(machines_of net)" = 2 ]; }
	for rule in 'POST /v1/leases/* drop' 'DELETE /v1/leases/* close'; do
		start_faults "$rule"
		MRPROBER_API_URL=$fault_url
		start_creator early
		until_true grep -q "${rule%% *} /v1/leases/" "$MRP_SCRATCH/.faultd.log"
		stop_creator "$creator_pid" KILL
		request GET /v1/leases/cluster.net
		expect 200
		kill "$fault_pid"
		MRPROBER_API_URL=$api_url
		variable net size 2
		start_creator late
		until_true has_two
		stop_creator "$creator_pid"
		variable net size 1
	done
}

# deaf: a terraform that hears no signal but KILL. (The real one ends at an interrupt, whatever a provisioner does.)
deaf()
{
	printf '#!/bin/sh\ntrap "" INT\nsetsid terraform "$@"\n' >deaf
	chmod +x deaf
}

# dirty_cluster: net, whose terraform was killed while it made terraform_data.slow
dirty_cluster()
{
	slow
	deaf
	cluster net slow '{"size":1}'
	mrprober creator-once --state-dir "$MRP_SCRATCH/state" --allow-programs --grace 200ms --terraform ./deaf >out 2>err &
	creator_pids="${creator_pids-} $!"
	until_true test -s began
	kill -INT $!
	wait $! || :
	cat out err
}

# terraform had to be killed: its state is not believed, by no creator, until somebody has looked.
test_terraform_killed()
{
	start_creators
	dirty_cluster
	said '^net: failed: .* was killed; terraform was killed while it made terraform_data.slow:'
	last net '.status == "failed"' '.stage == "apply"' '.dirty' '.half_made == ["terraform_data.slow"]'
	killed=$(jq .id last.json)
	log_of apply
	grep -q 'terraform_data.slow: Provisioning' "$body" || fail 'the log of what was killed is not there'
	request GET /v1/clusters/net
	expect 200 ".state.dirty == {deployment: $killed, half_made: [\"terraform_data.slow\"]}"
	touch go
	creator_once 1 --allow-programs net
	said '^net: refused: terraform was killed while it made terraform_data.slow'
	last net '.status == "refused"' '.message | test("approve")' '.plan_digest | length == 64'
	cluster_state net refused
	refused=$(jq .id last.json)
	# a failure in between changes nothing, nor does a plan
	cp slow/main.tf good.tf
	echo 'resource "x" {' >slow/main.tf
	recipe slow
	creator_once 1 --allow-programs net
	cp good.tf slow/main.tf
	recipe slow
	creator_once 2 --plan-only --allow-programs net
	creator_once 1 --allow-programs net
	said '^net: refused: '
	request POST "/v1/deployments/$refused/approve" '{"approved_by":"duty"}'
	expect 200
	creator_once 0 --allow-programs net
	last net '.status == "applied"' '.approved_by == "duty"' '.dirty == false' 'has("half_made") | not'
	request GET /v1/clusters/net
	expect 200 '.state | has("dirty") | not' '.state.status == "deployed"'
	expect_equal machines 2 "$(machines_of net)"
	[ ! -e state/creator/runs/net.dirty ] || fail 'there is still a mark'
	creator_once 0 --allow-programs net
	last net '.status == "no-changes"'
}

# Creator and terraform were both killed, as when the host goes down: the next one sees that terraform did not end.
test_all_killed()
{
	start_creators
	slow
	cluster net slow '{"size":1}'
	start_creator one --allow-programs
	until_true test -s began
	terraform_pid=$(awk '{ print $4 }' "/proc/$(cat began)/stat")
	kill -STOP "$creator_pid"
	kill -KILL "$terraform_pid"
	kill -KILL "$(cat began)" 2>/dev/null || :
	stop_creator "$creator_pid" KILL
	touch go
	creator_once 1 --allow-programs net
	said 'its terraform was killed; going on from there'
	said '^net: refused: terraform was killed while it made terraform_data.slow'
	request GET /v1/clusters/net/deployments
	expect 200 '.items | length == 2' '.items[1].status == "interrupted"' '.items[1].dirty' \
		'.items[1].half_made == ["terraform_data.slow"]'
	request POST "/v1/deployments/$(jq '.items[0].id' "$body")/approve" '{}'
	expect 200
	creator_once 0 --allow-programs net
	last net '.status == "applied"' '.dirty == false'
}

# Who has looked and found the state right says so; then nothing is replaced.
test_clean()
{
	start_creators
	creator_once 64 --clean net --plan-only
	creator_once 64 --clean net --unlock net
	dirty_cluster
	touch go
	creator_once 1 --allow-programs net
	said 'refused: terraform was killed'
	creator_once 0 --clean net
	said '^clean: terraform_data.slow is believed to be as the state says'
	last net '.status == "planned"' '.stage == "clean"' '.dirty == false' '.message | test("terraform_data.slow")'
	request GET /v1/clusters/net
	expect 200 '.state | has("dirty") | not'
	creator_once 0 --clean net
	said 'nothing to do'
	creator_once 0 --allow-programs net
	last net '.destroyed == 0' '.status | test("applied|no-changes")'
	expect_equal machines 2 "$(machines_of net)"
}

# The API was away when terraform had to be killed: it is told by the next run.
test_killed_without_api()
{
	start_creators
	slow
	deaf
	cluster net slow '{"size":1}'
	start_creator one --allow-programs --grace 200ms --lease 2s --terraform ./deaf
	until_true test -s began
	stop_api
	until_true test -e state/creator/runs/net.dirty
	stop_creator "$creator_pid"
	touch go
	start_api --state-dir "$MRP_SCRATCH/state"
	free_again() { [ "$(curl -sS -o /dev/null -w '%{http_code}' "$api_url/v1/leases/cluster.net")" = 404 ]; }
	until_true free_again
	creator_once 1 --allow-programs net
	said '^net: refused: terraform was killed while it made terraform_data.slow'
	last net '.status == "refused"' '.dirty' '.half_made == ["terraform_data.slow"]'
	request GET /v1/clusters/net
	expect 200 '.state.dirty.half_made == ["terraform_data.slow"]'
	[ ! -e state/creator/runs/net.dirty ] || fail 'it is not told the API alone'
}

# The host was started anew while terraform applied: nothing shows that it ended by itself.
test_host_restarted()
{
	start_creators
	slow
	cluster net slow '{"size":1}'
	start_creator one --allow-programs
	until_true test -s began
	stop_creator "$creator_pid" KILL
	ended() { ! kill -0 "$(cat began)" 2>/dev/null; }
	until_true ended
	sed -i 's/"boot_id": "[^"]*"/"boot_id": "another"/' state/creator/runs/net.json
	grep -q another state/creator/runs/net.json || fail 'the evidence is not as it should be'
	touch go
	creator_once 1 --allow-programs net
	said '^net: refused: terraform was killed while it made terraform_data.slow'
	request GET /v1/deployments/1
	expect 200 '.status == "interrupted"' .dirty
}
