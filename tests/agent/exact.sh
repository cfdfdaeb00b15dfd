# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# `once` and `shell` show exactly what the agent runs: one program tells all that it has got, run by the schedule, by
# `once`, and in `shell`, from a caller who has everything different.

# Its output, but for MRPROBER_RUN_ID, which is another one for each run.
without_run_id() { sed 's/^MRPROBER_RUN_ID=[0-9a-f]*-[0-9a-f]*$/MRPROBER_RUN_ID=ID/' "$1"; }

tell='echo "# environment"; env | grep -v ^_= | sort
echo "# folder"; pwd; ls
echo "# user"; grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs)" /proc/self/status
echo "# signals"; grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status
echo "# descriptors"; ls /proc/self/fd; readlink /proc/self/fd/0
echo "# process"; umask; nice; cat /proc/self/oom_score_adj; grep ^Cpus_allowed_list /proc/self/status
echo "# limits"; cat /proc/self/limits'

# The sections named of such an output.
sections()
{
	awk -v wanted=" $2 " '/^# / { on = index(wanted, " " $2 " ") } on' "$1"
}

# As somebody who has it all different: ignored and blocked signals, other limits, open descriptors, a variable, a folder.
elsewhere()
{
	(
		cd /
		umask 077
		ulimit -S -n 100
		ulimit -S -s 4096
		ulimit -S -t 1000
		trap '' PIPE HUP USR1
		exec 7</dev/null 8</dev/null
		SECRET=s3cret nice -n 7 "$@"
	)
}

make_teller()
{
	config "$(entry 'tell[x=1]' "command: [\"sh\", \"-c\", \$tell], interval: \"500ms\", keep_logs: \"all\", matrix: {x: \"1\"},
		limits: {memory: \"1GiB\", processes: 50}, env: {LANG: \"C\", GREETING: \"hello  \\\"world\\\"\", EMPTY: \"\"}" --arg tell "$tell")"
}

scheduled()
{
	until_runs tell success ok
	logged() { mrprober -q agent logs tell >by_schedule 2>by_schedule.err; }
	until_true logged
	without_run_id by_schedule >want
	grep -q '^MRPROBER_RUN_ID=ID$' want || fail 'no MRPROBER_RUN_ID'
	never want 'SECRET|TOKEN|NOTIFY'
}

test_same()
{
	make_teller
	umask 027
	ulimit -S -n 512
	agent_wrapper='nice -n 3'
	MRPROBER_TOKEN=s3cret SECRET=s3cret start_agent --config config.json
	umask 022
	scheduled
	matches want '^Max open files +512 '
	matches want '^0027$'
	step once
	run 0 elsewhere mrprober -q agent once tell
	without_run_id "$out" >got
	expect_files 'what once runs' want got
	step shell
	run 0 elsewhere mrprober -q agent shell tell -- sh -c "$tell" </dev/null
	without_run_id "$out" >got
	[ "$(id -u)" = 0 ] || { # only root may lower these
		sed -i 's/^[37]$/NICE/' want got
	}
	expect_files 'what a shell has' want got
	step 'its exit status, and what it is told'
	run 7 mrprober agent shell tell -- sh -c 'exit 7'
	# it has the prober's limit of memory already, which looking for leaks goes over
	run 1 env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" mrprober agent shell tell -- no-such-command
	matches "$err" "cannot run 'no-such-command'"
	echo 'echo $MRPROBER_PROBER $0' >input
	run 0 sh -c 'mrprober agent shell tell <input'
	matches "$out" '^tell /bin/'
	matches "$err" "^mrprober: the prober's command is: 'sh' '-c' "
	run 0 sh -c 'mrprober -q agent shell tell <input'
	[ ! -s "$err" ] || fail '-q is not quiet'
}

# The groups of the prober's user, and of an agent that changes nobody.
test_groups()
{
	[ "$(id -u)" = 0 ] || skip 'only root can be somebody else'
	make_teller
	config "$(jq -c '.probers[0] + {run_as: "root"}' config.json)"
	start_agent --config config.json --allow-user root
	scheduled
	run 0 setpriv --groups 4242,4243 mrprober -q agent shell tell -- sh -c "$tell" </dev/null
	without_run_id "$out" | sections - user >got
	sections want user >want.user
	expect_files 'user and groups of root' want.user got
	stop_agent
	step 'an agent that is not root, but has groups'
	for_others
	make_teller
	rm -rf state
	mkdir state
	mkdir "$MRP_SCRATCH/run"
	chmod 777 "$MRP_SCRATCH/run" state
	agent_wrapper='setpriv --reuid 65534 --regid 65534 --groups 4242,4244'
	start_agent --config config.json --socket "$MRP_SCRATCH/run/agent.sock"
	export MRPROBER_SOCKET="$MRP_SCRATCH/run/agent.sock"
	scheduled
	matches want '^Groups:.4242 4244'
	run 0 mrprober -q agent shell tell -- sh -c "$tell" </dev/null
	without_run_id "$out" >got
	expect_files 'what a shell of root has' want got
	run 0 setpriv --reuid 65534 --regid 65534 --groups 4242,4244 mrprober -q agent shell tell -- sh -c "$tell" </dev/null
	without_run_id "$out" >got
	expect_files 'what a shell of the same user has' want got
}

# Somebody who is not the prober's user gets everything but the user, as far as limits may be raised.
test_unprivileged()
{
	for_others
	make_teller
	start_agent --config config.json
	scheduled
	chgrp 4242 agent.sock
	run 0 elsewhere setpriv --reuid 1 --regid 1 --groups 4242 mrprober -q agent shell tell -- sh -c "$tell" </dev/null
	without_run_id "$out" >got
	for part in environment folder signals descriptors limits; do
		sections want "$part" >want.part
		sections got "$part" >got.part
		expect_files "$part" want.part got.part
	done
	matches got '^Uid:.1.1.1.1$'
	matches got '^Groups:.4242 $'
	matches got '^CapEff:.0000000000000000$'
	step 'with limits that it may not raise'
	(
		ulimit -n 90
		run 0 setpriv --reuid 1 --regid 1 --groups 4242 mrprober -q agent shell tell -- sh -c 'ulimit -n'
		expect_equal 'open files' 90 "$(cat "$out")"
	)
}
