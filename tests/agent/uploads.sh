# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Output of runs to S3, by a server that checks signatures (tools/s3d.py).

# The objects of a prober, oldest first.
objects_of() { find s3 -name "*%2F$1%2F*.log" -printf '%f\n' | LC_ALL=C sort; }

spooled() { find state/agent/net/uploads -name '*.object'; }

until_objects() { until_true has_objects "$1" "$2"; }

has_objects() { [ "$(objects_of "$1" | wc -l)" -ge "$2" ]; }

no_waiting() { [ "$(agent_metric mrprober_agent_uploads_waiting)" = 0 ]; }

# As keep_logs says, with what a reader wants to know, under the key that the manual promises.
test_what()
{
	start_s3
	config "$(entry bad 'command: ["sh", "-c", "echo out; echo token: t1.'"$(printf '%060d.%090d' 1 2)"'; echo oops >&2; exit 3"], matrix: {r: "1"}')" \
		"$(entry 'web[zone=a]' 'command: ["sh", "-c", "printf fine"], keep_logs: "all"')" \
		"$(entry good 'command: ["true"]')" "$(entry silent 'command: ["false"], keep_logs: "none"')" \
		"$(entry missing 'command: ["./no-such-program"]')"
	start_agent --config config.json --environment prod
	until_objects bad 2
	until_objects web 1
	until_objects missing 1
	until_runs good success ok
	until_runs silent failure exit
	until_metric 2 mrprober_agent_uploads_total
	stop_agent
	expect_equal 'not to be kept' '' "$(objects_of good)$(objects_of silent)"
	never s3.log '^[^2]'
	name=$(objects_of bad | head -n 1)
	say "$name" | grep -Eq '^prod%2Fagent%2Fnet%2Fh1%2Fbad%2F20[0-9]{6}T[0-9]{6}\.[0-9]{3}Z-[0-9a-f]+-[0-9a-f]+\.log$' ||
		fail "another key: $name"
	run=$(say "$name" | sed 's/.*Z-\(.*\)\.log/\1/')
	cat >want <<-END
		prober: bad
		run: $run
		cluster: net
		host: h1
		started: TIME
		duration: SECONDS
		status: failure
		reason: exit
		exit code: 3
		message: out

		--- stdout
		out
		token: ***

		--- stderr
		oops
	END
	sed 's/^started: 20[0-9T:.-]*Z$/started: TIME/; s/^duration: [0-9]*\.[0-9]\{3\}s$/duration: SECONDS/' "s3/$name" >seen
	expect_files 'what is stored' want seen
	name=$(objects_of web | head -n 1)
	expect_equal 'prober' 'prober: web[zone=a]' "$(head -n 1 "s3/$name")"
	expect_equal 'output' fine "$(tail -n 1 "s3/$name")"
	grep -q 'cannot be started' "s3/$(objects_of missing | head -n 1)" || fail 'no reason'
	never .agent.log 's3cret|Signature'
}

# Runs go on as ever while S3 is away; what they printed goes later, also after a restart.
test_away()
{
	start_s3
	: >s3.down
	config "$(entry bad 'command: ["sh", "-c", "echo broken; exit 1"]')"
	start_agent --config config.json
	until_metric 3 mrprober_runs_total 'prober="bad"'
	until_metric 1 mrprober_agent_uploads_failed_total
	until_metric 2 mrprober_agent_uploads_waiting
	until_logged "uploads: PUT 'development/.*/agent/net/h1/bad/.*: answered 503 SlowDown; trying again"
	stop_agent
	waiting=$(spooled | wc -l)
	grep -q "$waiting objects wait on the disk for the next time" .agent.log || fail 'nothing was said'
	[ "$waiting" -ge 2 ] || fail 'nothing is kept'
	rm s3.down
	config "$(entry good 'command: ["true"]')"
	start_agent --config config.json
	until_metric "$waiting" mrprober_agent_uploads_total
	until_true no_waiting
	expect_equal 'objects' "$waiting" "$(objects_of bad | wc -l)"
	expect_equal 'dropped' 0 "$(agent_metric mrprober_agent_uploads_dropped_total)"
	never .agent.log s3cret
}

# A few runs end just before the agent does: they are there.
test_last()
{
	start_s3
	make_shared
	config "$(entry bad "command: [\"sh\", \"-c\", \"echo x >>$shared/runs; exit 1\"]")"
	start_agent --config config.json
	until_runs bad failure exit
	stop_agent
	expect_equal 'waiting' '' "$(spooled)"
	kept=$(objects_of bad | wc -l) runs=$(wc -l <shared/runs)
	# the last run may have been ended together with the agent, and is no failure then
	[ "$kept" = "$runs" ] || [ "$kept" = $((runs - 1)) ] || fail "$kept of $runs"
}

test_token()
{
	start_s3 --token t1.s3cret
	unset S3_ACCESS_KEY_ID S3_SECRET_ACCESS_KEY
	start_faults '* /meta json {"access_token":"t1.s3cret","expires_in":3000}'
	config "$(entry bad 'command: ["false"]')"
	start_agent --config config.json --iam-metadata-url "$fault_url/meta"
	until_objects bad 1
	never .agent.log s3cret
}

test_bad_settings()
{
	chmod 755 "$MRP_SCRATCH"
	config "$(entry good 'command: ["true"]')"
	while IFS='|' read -r settings message; do
		code=0
		# shellcheck disable=SC2086 # words
		env $settings mrprober agent run --cluster net --host h1 --state-dir state --socket none --listen none --config config.json \
			2>err || code=$?
		grep -Fqx "mrprober: $message" err || fail "$settings: $(cat err)"
		never err s3cret
		expect_equal 'status' 64 "$code"
	done <<-'END'
		S3_ENDPOINT=https://s3.example.net|S3_ENDPOINT is set, but not S3_LOGS_BUCKET: which bucket are logs for?
		S3_LOGS_BUCKET=logs S3_SECRET_ACCESS_KEY=s3cret|S3_SECRET_ACCESS_KEY is set, but not S3_ACCESS_KEY_ID
		S3_LOGS_BUCKET=logs S3_ENDPOINT=s3.example.net S3_ACCESS_KEY_ID=id S3_SECRET_ACCESS_KEY=s3cret|uploads: S3: 's3.example.net' is not a URL that begins with http:// or https://
	END
}
