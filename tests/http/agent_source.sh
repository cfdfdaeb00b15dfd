# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The agent's source of configs against a real API: changes, files, what is left when the API is gone or talks nonsense.

make_cluster()
{
	request POST /v1/recipes '{"slug":"r"}'
	request POST /v1/clusters '{"slug":"net","recipe":"r","variables":{"zone":{"value":"a"}}}'
	expect 201
}

# put_prober SLUG TEXT: a prober with check.sh, which has that text, and with data/list.
put_prober()
{
	printf '#!/bin/sh\necho %s\n' "$2" >check.sh
	printf 'one\n' >list
	blob=$(put_blob check.sh)
	blob_list=$(put_blob list)
	request GET "/v1/probers/$1"
	if [ "$status" = 404 ]; then
		request POST /v1/probers '{"slug":"'"$1"'","command":["./check.sh","${zone}"],"placements":[{}],"files":'"$(files)"'}'
		expect 201
	else
		request PATCH "/v1/probers/$1" '{"files":'"$(files)"'}'
		expect 200
	fi
}

files() { say '{"check.sh":{"sha256":"'"$blob"'","mode":"0755"},"data/list":{"sha256":"'"$blob_list"'","mode":"0644"}}'; }

test_changes()
{
	start_api
	make_cluster
	put_prober dns first
	umask 077
	start_source --api-url "$api_url"
	umask 022
	said '^new [0-9a-f]+ 1 .*files$'
	never said last-good
	folder=$(echo "$files_root"/dns-*)
	expect_equal 'what runs print' first "$("$folder/check.sh")"
	expect_equal modes '755 644 755 755' "$(stat -c %a "$folder/check.sh" "$folder/data/list" "$folder/data" "$folder" | xargs)"
	expect_equal 'mode of the stored config' 600 "$(stat -c %a state/agent/net/config.json)"
	said '^same' 3
	step 'a change of a file, with the old config in use'
	put_prober dns second
	said '^new ' 2
	expect_equal folders 2 "$(folders)"
	expect_equal 'the old one' first "$("$folder/check.sh")"
	order drop
	until_folders 1
	[ ! -e "$folder" ] || fail 'the wrong folder is gone'
	expect_run second dns check.sh
	expect_equal 'contents kept' 2 "$(find state/agent/net/blobs -type f | wc -l)"
	step 'a prober more shares contents'
	put_prober www second
	said '^new [0-9a-f]+ 2 ' 1
	expect_equal 'contents kept' 2 "$(find state/agent/net/blobs -type f | wc -l)"
	order ids
	said '^id dns$'
	said '^id www$'
	never log 'rror|arning'
	stop_source
}

# Everything that goes wrong with the API: the config stays, and the log says each thing once.
test_trouble()
{
	start_api
	make_cluster
	put_prober dns first
	start_faults
	start_source --api-url "$fault_url"
	said '^new '
	stop_faults
	said '^unknown .*refused' 2
	start_faults_at "$fault_port"
	said '^same'
	matches log 'is right again'
	put_prober www second
	for trouble in 'html' 'garbage' 'close' 'truncate 5' 'status 500' 'status 403' 'status 404' 'json {"probers":' \
		'json {"cluster":"net","host":"other","config_revision":"x","probers":[]}' 'json []' 'redirect http://127.0.0.1:1/' \
		'json {"cluster":"net","host":"h1","config_revision":"x","probers":[{"id":"x"}]}'; do
		step "$trouble"
		stop_faults
		: >log
		: >said
		# on the same port: the source knows no other
		start_faults_at "$fault_port" "* /v1/agent-config* $trouble"
		said '^(refused|unknown) ' 3
		never said '^new'
		# what it says when nobody listens, and this
		[ "$(grep -c '^mrprober: error: the config stays' log)" -le 2 ] || fail "a flood: $(cat log)"
	done
	order status
	said '^status http:.* failures [1-9][0-9]* error [^-]'
	step 'and it is well again'
	stop_faults
	start_faults_at "$fault_port"
	said '^new [0-9a-f]+ 2 '
	stop_source
}

start_faults_at() # PORT RULE...
{
	listen_port=$1
	shift
	start_faults "--port" "$listen_port" "$@"
}

test_blobs()
{
	start_api
	make_cluster
	put_prober dns first
	start_faults "GET /v1/blobs/$blob times 3 status 404" "GET /v1/blobs/$blob times 1 html" \
		"GET /v1/blobs/$blob times 1 truncate 3"
	start_source --api-url "$fault_url"
	said "^refused config [0-9a-f]+: prober 'dns': file 'check.sh': GET .*404"
	[ "$(folders)" -eq 0 ] || fail 'folders of a config that was refused'
	[ ! -e state/agent/net/config.json ] || fail 'a config that was refused is stored'
	said "^refused .*file 'check.sh': the content hashes to"
	said '^new '
	expect_run first dns check.sh
	stop_source
}

test_last_good()
{
	start_api
	make_cluster
	put_prober dns first
	start_source --api-url "$api_url"
	said '^new '
	stop_source
	stop_api
	step 'without the API'
	start_source --api-url "$api_url"
	said '^new .* last-good'
	said '^unknown .*refused' 2
	expect_equal 'errors in the log' 1 "$(grep -c '^mrprober: error' log)"
	step 'a second agent'
	run 75 "$MRP_BUILD/tests/sourced" --cluster net --host h1 --state-dir "$MRP_SCRATCH/state" --api-url "$api_url"
	matches "$err" 'another agent'
	stop_source
	step 'what a crash leaves goes, what is damaged is not used'
	mkdir -p "$files_root/.new-dns-1/data" "$files_root/old-0000000000000000"
	touch "$files_root/.new-dns-1/data/x" state/agent/net/blobs/x.tmp.AAAAAA
	start_source --api-url "$api_url"
	said '^new .* last-good'
	until_folders 1
	[ ! -e state/agent/net/blobs/x.tmp.AAAAAA ] || fail 'a half-written content is still there'
	stop_source
	step 'a damaged file, without the API'
	echo damage >>"$(echo "$files_root"/dns-*/check.sh)"
	start_source --api-url "$api_url"
	said '^unknown ' 2
	never said '^new'
	matches log "last good config cannot be used: .*file 'check.sh'"
	step 'and with it'
	start_api
	said '^new '
	expect_run first dns check.sh
	stop_source
	step 'a damaged file at the start'
	echo damage >>"$(echo "$files_root"/dns-*/check.sh)"
	start_source --api-url "$api_url"
	said '^new .* last-good'
	expect_run first dns check.sh
	matches log 'made anew'
	step 'a damaged file, by reload'
	rm -r "$files_root"/dns-*
	order reload
	said '^reloaded 1'
	expect_run first dns check.sh
	stop_source
	step 'a damaged config'
	sed -i 's/"interval":"30s"/"interval":"10s"/' state/agent/net/config.json
	start_source --api-url "$api_url"
	said '^new '
	never said last-good
	matches log 'checksum is wrong'
	stop_source
}

test_full_disk()
{
	[ "$(id -u)" -eq 0 ] || skip 'only root can mount'
	start_api
	make_cluster
	put_prober dns first
	mkdir state
	mount -t tmpfs -o size=256k,mode=755 tmpfs state 2>mount.err || skip "no tmpfs: $(cat mount.err)"
	full_result=0
	(full_disk) || full_result=$?
	umount -l state
	[ $full_result -eq 0 ] || fail 'see above'
}

full_disk()
{
	trap stop_source EXIT
	start_source --api-url "$api_url"
	said '^new '
	head -c 300000 /dev/urandom >list
	blob_list=$(put_blob list)
	request PATCH /v1/probers/dns '{"files":'"$(files)"'}'
	expect 200
	said '^refused .*No space left' 3
	expect_equal 'errors in the log' 1 "$(grep -c '^mrprober: error' log)"
	# nothing of it is left, so that others can write
	head -c 60000 /dev/urandom >state/others
	order status
	said '^status .* failures [1-9]'
	step 'room again'
	mount -o remount,size=4m state
	said '^new ' 2
	order drop
	until_folders 1
	step 'a disk that cannot be written at all'
	mount -o remount,ro state
	put_prober dns second
	said '^refused .*Read-only'
	stop_source
	start_source --api-url "$api_url"
	said '^new .*last-good'
	said '^refused .*Read-only'
	expect_run first dns check.sh
	mount -o remount,rw state
	said '^new ' 2
	order drop
	until_folders 1
	expect_run second dns check.sh
	stop_source
}

test_reports()
{
	start_api
	make_cluster
	put_prober dns first
	start_source --api-url "$api_url" --report-interval 300
	order report 7
	said '^report yes'
	request GET /v1/agents/net/h1
	expect 200 '.version == "'"$(mrprober version | sed 's/^[^0-9]*//')"'"' '.probers | length == 7' \
		'.probers["prober[number=1]"] == {status: "failure", reason: "exit", message: "said \"this\" and that",
			finished_at: "2023-11-14T22:13:20.123Z", duration_seconds: 0.25, consecutive_failures: 1}'
	step 'many probers'
	order report 20000
	: >said
	# one with the few may be on its way
	said '^report yes' 2
	request GET /v1/agents/net/h1
	expect 200 '.probers | length > 15000' '.probers["prober[number=1]"].status == "failure"'
	step 'a report that nobody takes'
	request DELETE /v1/probers/dns
	request DELETE '/v1/clusters/net'
	expect '200|202|204'
	said '^report no' 2
	expect_equal 'warnings in the log' 1 "$(grep -c 'report was not taken' log)"
	never said '^report no.*yes'
	stop_source
}

# A pause that the API asks for is kept, unless somebody wants to know now.
test_pause()
{
	start_api
	make_cluster
	put_prober dns first
	start_faults 'GET /v1/agent-config* times 1 status 429 3600'
	start_source --api-url "$fault_url"
	said '^unknown .*429'
	for n in 1 2 3 4 5; do
		order status
		said '^status .* failures 1 ' $n
		sleep 0.1
	done
	expect_equal requests 1 "$(grep -c agent-config .faultd.log)"
	order reload
	said '^new '
	stop_source
}

# An API that never answers does not keep the agent from ending.
test_stop()
{
	start_api
	make_cluster
	put_prober dns first
	for hang in 'GET /v1/agent-config*' 'GET /v1/blobs/*' 'PUT /v1/agents/*'; do
		step "$hang"
		start_faults "$hang hang"
		start_source --api-url "$fault_url" --report-interval 100
		order report 1
		i=0
		until grep -q ' hang$' .faultd.log; do
			[ $((i += 1)) -le 400 ] || fail 'never asked'
			sleep 0.05
		done
		stop_source
		stop_faults
		rm -rf state .faultd.log
	done
}

# Killed at any moment, it finds what it needs at the next start.
test_killed()
{
	start_api
	make_cluster
	for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
		put_prober dns "$n"
		start_source --api-url "$api_url"
		sleep "0.0$((n * 3 % 10))"
		stop_source KILL
	done
	start_source --api-url "$api_url"
	said '^same|^new [0-9a-f]+ 1 .*files$'
	order drop
	until_folders 1
	expect_run 12 dns check.sh
	never log 'rror'
	[ -z "$(find state -name '*.tmp.*' -o -name '.new*' -o -name '.old*')" ] || fail "left: $(find state)"
	stop_source
}

test_usage()
{
	run 64 "$MRP_BUILD/tests/sourced" --cluster net --host 'a/b' --state-dir state --api-url http://127.0.0.1:1
	matches "$err" "host 'a/b' is not a host name"
	run 64 "$MRP_BUILD/tests/sourced" --cluster Net --host h1 --state-dir state --api-url http://127.0.0.1:1
	run 64 "$MRP_BUILD/tests/sourced" --cluster net --host h1 --state-dir state --api-url nonsense://x
	[ ! -e state ] || fail 'something is left behind'
	run 1 "$MRP_BUILD/tests/sourced" --cluster net --host h1 --state-dir state --config none.yaml
	matches "$err" 'none.yaml'
	echo x >file
	run 1 "$MRP_BUILD/tests/sourced" --cluster net --host h1 --state-dir file --api-url http://127.0.0.1:1
}

# 10,000 entries: it works, and memory stays within a small multiple of the answer.
test_large()
{
	start_api
	make_cluster
	put_prober dns first
	request PATCH /v1/probers/dns "$(jq -nc '{matrix: {a: [range(100) | tostring], b: [range(100) | tostring]}}')"
	expect 200
	start_source --api-url "$api_url"
	said '^new [0-9a-f]+ 10000 '
	said '^same' 3
	expect_equal folders 1 "$(folders)"
	say "peak: $(awk '/VmHWM/ { print $2 }' "/proc/$source_pid/status") KiB"
	stop_source
}
