# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Leases: taking, renewing, releasing; fences that only grow; writes that carry one.

# take NAME HOLDER TTL: sets fence
take()
{
	request POST "/v1/leases/$1" '{"holder":"'"$2"'","ttl_seconds":'"$3"'}'
	expect 201 ".name == \"$1\"" ".holder == \"$2\"" '.fence > 0' '.expires_at > .taken_at'
	fence=$(jq .fence "$body")
}

test_life()
{
	start_api
	request GET /v1/leases/a
	expect_problem 404
	take a alice 60
	first=$fence
	request GET /v1/leases/a
	expect 200 '.holder == "alice"' ".fence == $first"
	request POST /v1/leases/a '{"holder":"bob","ttl_seconds":60}'
	expect_problem 409 '.detail | contains("alice")' '.holder == "alice"' '.expires_at | test("^2.*Z$")' \
		'.type == "urn:mrprober:problem:lease"'
	# another name is another lease
	take b bob 60
	# the same holder takes it from itself: its first answer may have been lost
	take a alice 60
	[ "$fence" -gt "$first" ] || fail "fence $fence after $first"
	request PUT /v1/leases/a '{"holder":"alice","ttl_seconds":60,"fence":'"$first"'}'
	expect_problem 409
	request PUT /v1/leases/a '{"holder":"bob","ttl_seconds":60,"fence":'"$fence"'}'
	expect_problem 409
	request PUT /v1/leases/a '{"holder":"alice","ttl_seconds":3600,"fence":'"$fence"'}'
	expect 200 ".fence == $fence" '(.expires_at[11:13] != .taken_at[11:13])'
	request DELETE /v1/leases/a
	expect_problem 400 '.detail | contains("fence")'
	request DELETE "/v1/leases/a?fence=$first"
	expect_problem 409 '.holder == "alice"'
	request DELETE "/v1/leases/a?fence=$fence"
	expect 204
	request DELETE "/v1/leases/a?fence=$fence"
	expect_problem 404
	request PUT /v1/leases/a '{"holder":"alice","ttl_seconds":60,"fence":'"$fence"'}'
	expect_problem 409 '.detail | contains("nobody")'
	last=$fence
	take a bob 60
	[ "$fence" -gt "$last" ] || fail "fence $fence after $last"
	request DELETE '/v1/leases/a?force=true'
	expect 204
}

test_bad_requests()
{
	start_api
	for bad in '{}' '{"holder":"x"}' '{"ttl_seconds":5}' '{"holder":"","ttl_seconds":5}' '{"holder":"x","ttl_seconds":0}' \
		'{"holder":"x","ttl_seconds":3601}' '{"holder":"x","ttl_seconds":1.5}' '{"holder":5,"ttl_seconds":5}' \
		'{"holder":"a\nb","ttl_seconds":5}' '{"holder":"x","ttl_seconds":5,"y":1}' '[]' \
		'{"holder":"x","ttl_seconds":99999999999999999999}'; do
		request POST /v1/leases/a "$bad"
		expect '422|400' '.status >= 400'
	done
	request POST /v1/leases/a%20b '{"holder":"x","ttl_seconds":5}'
	expect_problem 422
	request POST "/v1/leases/$(printf '%0129d' 0)" '{"holder":"x","ttl_seconds":5}'
	expect_problem 422
	request POST /v1/leases/a
	expect 400
	request PUT /v1/leases/a '{"holder":"x","ttl_seconds":5}'
	expect_problem 422
	request GET /v1/leases/a
	expect_problem 404
}

# A write with a fence is done only while its lease is held, alone and in a batch.
test_fenced_writes()
{
	start_api
	request POST /v1/recipes '{"slug":"r"}' -H 'Mrprober-Lease: a;fence=1'
	expect_problem 412 '.detail | contains("nobody")'
	take a alice 5
	request POST /v1/recipes '{"slug":"r"}' -H "Mrprober-Lease: a;fence=$fence"
	expect 201
	request POST /v1/recipes '{"slug":"s"}' -H "Mrprober-Lease: a; fence=$((fence + 1))"
	expect_problem 412 '.holder == "alice"'
	for bad in a 'a;fence=' 'a;fence=x' 'a;fence=-1' ';fence=1' 'a;fence=1;b' 'a b;fence=1'; do
		request POST /v1/recipes '{"slug":"s"}' -H "Mrprober-Lease: $bad"
		expect_problem 400
	done
	sleep 5.1
	request DELETE /v1/recipes/r '' -H "Mrprober-Lease: a;fence=$fence"
	expect_problem 412
	late=$fence
	take a bob 60
	request POST /v1/batch '{"operations":[{"method":"DELETE","path":"/v1/recipes/r"}]}' -H "Mrprober-Lease: a;fence=$late"
	expect_problem 412 '.holder == "bob"'
	request PATCH /v1/recipes/r '{"name":"x"}' -H "Mrprober-Lease: a;fence=$late"
	expect_problem 412
	request GET /v1/recipes/r '' -H "Mrprober-Lease: a;fence=$late"
	expect 200 '.name == "r"'
	request POST /v1/batch '{"operations":[{"method":"DELETE","path":"/v1/recipes/r"}]}' -H "Mrprober-Lease: a;fence=$fence"
	expect 200
}

# Leases and fences are still there after the end of the process, however it came.
test_restart()
{
	start_api
	take a alice 600
	first=$fence
	take b bob 1
	stop_api KILL
	start_api
	request POST /v1/leases/a '{"holder":"bob","ttl_seconds":60}'
	expect_problem 409 '.holder == "alice"'
	request PUT /v1/leases/a '{"holder":"alice","ttl_seconds":60,"fence":'"$first"'}'
	expect 200
	sleep 1
	take b carol 60
	[ "$fence" -gt $((first + 1)) ] || fail "fence $fence was given before"
}

# Twenty at once: one has it. Two processes over one database.
test_at_once()
{
	start_api
	one=$api_pid
	one_url=$api_url
	api_pid='' api_port=''
	start_api
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		url=$one_url
		[ $((i % 2)) -eq 0 ] || url=$api_url
		curl -sS -o "answer.$i" -w '%{http_code}\n' -X POST -H 'Content-Type: application/json' \
			-d '{"holder":"h'$i'","ttl_seconds":60}' "$url/v1/leases/a" >"status.$i" &
		pids="${pids-} $!"
	done
	# shellcheck disable=SC2086 # one word for each
	wait $pids
	cat status.* | LC_ALL=C sort | uniq -c | awk '{ print $2, $1 }' >counts
	printf '201 1\n409 19\n' >want
	expect_files 'who got it' want counts
	kill "$one"
	wait "$one" || :
}
