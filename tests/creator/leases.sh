# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Leases that are lost in the middle of a run: terraform ends before anybody else begins.

# watched: as slow; what begins while the terraform of an earlier run lives says so in the file `overlap`
watched()
{
	slow
	mkdir -p slow/hooks/before-plan
	cat >slow/hooks/before-plan/look <<END
#!/bin/sh
echo "\$MRPROBER_DEPLOYMENT" >>$MRP_SCRATCH/begun
! kill -0 "\$(cat $MRP_SCRATCH/terraform)" 2>/dev/null || echo "\$MRPROBER_DEPLOYMENT" >>$MRP_SCRATCH/overlap
END
	chmod +x slow/hooks/before-plan/look
	sed -i "s#command = \"#&echo \$PPID >$MRP_SCRATCH/terraform; #" slow/main.tf
	recipe slow
}

# interrupted_first: of the two runs that there were, and what its terraform has recorded
interrupted_first()
{
	request GET /v1/clusters/net/deployments
	expect 200 '.items[-1].status == "interrupted"' '.items[0].status == "applied"' '.items[0].destroyed == 1' \
		'.items[0].added == 1' '.items | length == 2'
	[ ! -e overlap ] || fail "run $(cat overlap) began while terraform of another was there"
	expect_equal machines 2 "$(state_of net | jq '[.resources[].instances[]] | length')"
}

# Somebody takes the lease away in the middle of an apply: it is found out, terraform ends, and only then the next begins.
test_taken_away()
{
	start_creators
	start_stated
	watched
	cluster net slow '{"size":1}'
	with_http start_creator one --allow-programs --grace 1s --lease 5s
	until_true test -s began
	request DELETE '/v1/leases/cluster.net?force=true'
	expect 204
	until_true grep -q 'net: the lease is lost: terraform is interrupted' "$creator_log"
	until_true grep -q 'net: interrupted: the lease of the cluster was lost' "$creator_log"
	state_of net >got
	jq -e 'any(.resources[]; .name == "slow" and .instances[0].status == "tainted")' got ||
		fail "terraform was not interrupted as it should be: $(cat got)"
	touch go
	until_true is_state net deployed
	stop_creator "$creator_pid"
	interrupted_first
}

# The API is heard of no more: the lease is given up so early that terraform has ended when another creator may begin. A
# call that hangs does not delay that.
test_not_renewed()
{
	start_creators
	start_stated
	watched
	cluster net slow '{"size":1}'
	start_faults 'PUT /v1/leases/* hang'
	set -- --allow-programs --grace 500ms --lease 6s
	MRPROBER_API_URL=$fault_url
	with_http start_creator one "$@"
	one=$creator_pid one_log=$creator_log
	MRPROBER_API_URL=$api_url
	until_true test -s began
	with_http start_creator two "$@" --state-dir "$MRP_SCRATCH/other"
	until_true grep -q 'net: the lease is lost: terraform is interrupted' "$one_log"
	touch go
	stop_creator "$one"
	request POST /v1/clusters/net/deploy
	expect 202
	until_true is_state net deployed
	stop_creator "$creator_pid"
	interrupted_first
}

test_too_short()
{
	start_creators
	creator_once 64 --grace 1s --lease 4s
	said '--lease must be at least 5 times --grace'
}
