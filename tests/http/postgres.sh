# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What only PostgreSQL brings: several API processes over one database, outages, passwords, migrations by hand.

# start_two: two API processes over one database; `on 1` and `on 2` say which of them gets the next requests.
start_two()
{
	[ "${database%%:*}" = postgresql ] || use_postgres
	start_api
	pid_1=$api_pid port_1=$api_port
	api_port=
	start_api
	pid_2=$api_pid port_2=$api_port
	cleanup_more() { kill "$pid_1" 2>/dev/null && wait "$pid_1"; }
}

on()
{
	eval "api_port=\$port_$1"
	api_url=http://127.0.0.1:$api_port
	export MRPROBER_API_URL="$api_url"
}

drop_server()
{
	postgres_stop "$server" immediate
	rm -rf "$server"
	pg_databases=
}

# own_server: a server of the test's own, that can be stopped, and an empty database in it.
own_server()
{
	[ -n "${MRP_TEST_POSTGRES-}" ] || skip 'there is no PostgreSQL here'
	. "$MRP_ROOT/tests/postgres.sh"
	server=$(mktemp -d /tmp/mrprober-pg.XXXXXX)
	cleanup_more() { drop_server; }
	postgres_start "$server" || fail "$(cat "$server/log" "$server/start.log")"
	MRP_TEST_POSTGRES=$postgres_url
	use_postgres
}

# soon STATUS REQUEST...: until the answer has this status; what comes before must be 503 with Retry-After.
soon()
{
	soon_status=$1
	shift
	i=0
	while request "$@" && [ "$status" != "$soon_status" ]; do
		expect_problem 503
		expect_header Retry-After '[1-9]*'
		i=$((i + 1))
		[ $i -lt 200 ] || fail "no $soon_status in 20 s"
		sleep 0.1
	done
	expect "$soon_status"
}

test_two_processes()
{
	start_two
	step 'what one writes the other knows'
	on 1
	request POST /v1/recipes '{"slug":"r","managed":true}'
	expect 201
	etag=$(header ETag)
	request GET /v1/state
	root=$(jq -r .root "$body")
	on 2
	request GET /v1/recipes/r
	expect 200
	expect_equal ETag "$etag" "$(header ETag)"
	request GET /v1/recipes/r '' -H "If-None-Match: $etag"
	expect 304
	request POST /v1/recipes '{"slug":"r"}'
	expect_problem 409
	request GET /v1/state
	expect 200 ".root == \"$root\""
	list=$(header ETag)

	step 'who has read an older revision does not write over a newer one'
	request PATCH /v1/recipes/r '{"description":"by 2"}' -H "If-Match: $etag"
	expect 200
	on 1
	request PATCH /v1/recipes/r '{"description":"by 1"}' -H "If-Match: $etag"
	expect_problem 412
	request GET /v1/state '' -H "If-None-Match: $list"
	expect 200 ".root != \"$root\""
	root=$(jq -r .root "$body")
	on 2
	request GET /v1/state
	expect 200 ".root == \"$root\""

	step 'a batch is there as a whole, or not at all'
	request POST /v1/batch '{"operations":[{"method":"POST","path":"/v1/recipes","body":{"slug":"b1"}},
		{"method":"POST","path":"/v1/recipes","body":{"slug":"r"}}]}'
	say "$status"
	on 1
	request GET /v1/recipes/b1
	expect_problem 404
	request POST /v1/batch '{"operations":[{"method":"POST","path":"/v1/recipes","body":{"slug":"b1"}},
		{"method":"POST","path":"/v1/recipes","body":{"slug":"b2"}}]}'
	expect 200
	on 2
	request GET '/v1/recipes?slug=b2,nobody,b1,r'
	expect 200 '[.items[].slug] == ["b1", "b2", "r"]'
}

test_leases()
{
	start_two
	on 1
	request POST /v1/recipes '{"slug":"r"}'
	request POST /v1/leases/synchronize '{"holder":"one","ttl_seconds":60}'
	expect 201
	fence=$(jq .fence "$body")
	on 2
	request POST /v1/leases/synchronize '{"holder":"two","ttl_seconds":60}'
	expect_problem 409 '.holder == "one"'
	request PATCH /v1/recipes/r '{"description":"x"}' -H "Mrprober-Lease: synchronize;fence=$fence"
	expect 200
	request DELETE "/v1/leases/synchronize?fence=$fence"
	expect 204
	request POST /v1/leases/synchronize '{"holder":"two","ttl_seconds":60}'
	expect 201 ".fence > $fence"
	on 1
	request PATCH /v1/recipes/r '{"description":"late"}' -H "Mrprober-Lease: synchronize;fence=$fence"
	expect_problem 412
	request GET /v1/recipes/r
	expect 200 '.description == "x"'

	step 'of many that take it at the same time one gets it'
	for i in 1 2 3 4 5 6 7 8; do
		on $((i % 2 + 1))
		curl -sS -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/json' \
			-d "{\"holder\":\"h$i\",\"ttl_seconds\":60}" "$api_url/v1/leases/race" >status.$i &
		eval "curl_$i=\$!"
	done
	for i in 1 2 3 4 5 6 7 8; do eval "wait \$curl_$i"; done
	expect_equal 'taken' 1 "$(cat status.* | grep -c 201)"
	expect_equal 'refused' 7 "$(cat status.* | grep -c 409)"
}

test_agent_config()
{
	start_two
	on 1
	request POST /v1/recipes '{"slug":"r"}'
	request POST /v1/clusters '{"slug":"c","recipe":"r"}'
	expect 201
	request POST /v1/probers '{"slug":"p1","command":["true"],"placements":[{}]}'
	expect 201
	on 2
	request GET '/v1/agent-config?cluster=c&host=h'
	expect 200 '[.probers[].id] == ["p1"]'
	on 1
	request POST /v1/probers '{"slug":"p2","command":["true"],"placements":[{}]}'
	request DELETE /v1/probers/p1
	on 2
	i=0
	while request GET '/v1/agent-config?cluster=c&host=h' && [ "$(jq -c '[.probers[].id]' "$body")" != '["p2"]' ]; do
		i=$((i + 1))
		[ $i -lt 100 ] || fail 'the other process does not notice'
		sleep 0.1
	done
}

test_tokens()
{
	start_two
	run 0 mrprober api token create --database "$database" --role admin --name me
	token=$(cat "$out")
	for n in 1 2; do
		on $n
		request GET /v1/recipes
		expect_problem 401
		request GET /v1/recipes '' -H "Authorization: Bearer $token"
		expect 200
	done
	run 0 mrprober api token list --database "$database" --output json
	run 0 mrprober api token revoke --database "$database" "$(jq '.items[0].id' "$out")"
	for n in 1 2; do
		on $n
		request GET /v1/recipes '' -H "Authorization: Bearer $token"
		expect_problem 401
	done
}

# add PORT NAME: 15 times, add 1 to a description by If-Match; a line for each success
add()
{
	i=0
	while [ $i -lt 15 ]; do
		curl -sS -D "$2.headers" -o "$2.body" "http://127.0.0.1:$1/v1/recipes/counter"
		etag=$(tr -d '\r' <"$2.headers" | sed -n 's/^ETag: //p')
		code=$(curl -sS -o "$2.answer" -w '%{http_code}' -X PATCH -H 'Content-Type: application/json' -H "If-Match: $etag" \
			-d "{\"description\":\"$(($(jq -r .description "$2.body") + 1))\"}" "http://127.0.0.1:$1/v1/recipes/counter")
		case $code in
		200)
			i=$((i + 1))
			sed -n 's/.*"revision":\([0-9]*\).*/\1/p' "$2.answer"
			;;
		412) ;;
		*) echo "status $code" ;;
		esac
	done
}

test_no_lost_updates()
{
	start_two
	on 1
	request POST /v1/recipes '{"slug":"counter","description":"0"}'
	add "$port_1" one >one &
	adder=$!
	add "$port_2" two >two
	wait $adder
	never one status
	never two status
	request GET /v1/recipes/counter
	expect 200 '.description == "30"'
	expect_equal 'revision' 31 "$(pg_query 'SELECT revision FROM meta')"
}

test_needs_migration()
{
	new_postgres
	serve() { run 1 timeout 20 mrprober api --listen "127.0.0.1:$(free_port)" --database "$database"; }
	serve
	matches "$err" "^mrprober: database '.*' has schema version 0 instead of [0-9]+: run 'mrprober api migrate'"
	run 2 mrprober api migrate --check --database "$database"
	run 1 mrprober api token create --role admin --database "$database"
	matches "$err" 'api migrate'
	expect_equal 'tables' 0 "$(pg_query "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")"
	run 0 mrprober api migrate --database "$database"
	run 0 mrprober api migrate --check --database "$database"
	newest=$(pg_query 'SELECT version FROM mrprober_schema')

	step 'a newer schema'
	pg_query 'UPDATE mrprober_schema SET version = 9999'
	serve
	matches "$err" 'has schema version 9999, which is newer than'
	run 1 mrprober api migrate --database "$database"
	expect_equal version 9999 "$(pg_query 'SELECT version FROM mrprober_schema')"
	pg_query "UPDATE mrprober_schema SET version = $newest"

	step 'that of another program'
	pg_query 'UPDATE mrprober_schema SET application_id = 1'
	run 1 mrprober api migrate --database "$database"
	matches "$err" 'another program'
	new_postgres
	pg_query 'CREATE TABLE albums (title text)'
	run 1 mrprober api migrate --database "$database"
	matches "$err" 'another program'
	run 1 mrprober api migrate --check --database "$database"
	expect_equal 'tables' albums "$(pg_query "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")"
	run 64 mrprober api backup x.sqlite --database "$database"
	matches "$err" 'pg_dump'
}

test_migrations_at_once()
{
	new_postgres
	for i in 1 2 3 4; do
		mrprober api migrate --database "$database" >migrate.$i 2>&1 &
		eval "migrate_$i=\$!"
	done
	for i in 1 2 3 4; do eval "wait \$migrate_$i" || fail "$(cat migrate.$i)"; done
	cat migrate.*
	run 0 mrprober api migrate --check --database "$database"
	expect_equal 'rows of meta' 1 "$(pg_query 'SELECT count(*) FROM meta')"
}

# Passwords: in no message, no log and no list of processes, however wrong the URL is.
test_passwords()
{
	use_postgres
	place=${MRP_TEST_POSTGRES#*@}
	pg_admin "DO \$\$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'guarded') THEN
		CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'kept-secret'; END IF; END \$\$" || :
	name=${database##*/}
	for url in "guarded:wrong-hunter2@$place/$name" "guarded:hunter2@$place/none" "guarded:hun@ter2@$place/$name" \
		"guarded:hun/ter2@$place/$name" "guarded:hun%zzter2@$place/$name" "guarded:hun:ter2@$place/$name" \
		"guarded@$place/$name?password=hunter2&x=y" "guarded:hunter2@127.0.0.1:1/$name" "guarded:hunter2@:port/$name"; do
		got=0
		timeout 20 mrprober api --listen "127.0.0.1:$(free_port)" --database "postgresql://$url" >out 2>err || got=$?
		cat err
		case $got in 1 | 64) ;; *) fail "status $got" ;; esac
		matches err '^mrprober: (cannot reach )?database '
		never err 'hun|ter2'
	done
	run 1 mrprober api migrate --database "postgresql://mrprober@$place/no-such-database"
	matches "$err" 'database "no-such-database" does not exist'
	run 1 mrprober api migrate --database "postgresql://nobody:pw@127.0.0.1:1/x"
	matches "$err" "cannot reach database 'postgresql://127.0.0.1:1/x': .*refused"

	step 'not in the list of processes'
	start_api --database "postgresql://guarded:kept-secret@$place/$name"
	tr '\0' ' ' <"/proc/$api_pid/cmdline" >cmdline
	matches cmdline 'guarded:x+@'
	never cmdline 'kept'
	pg_admin "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'guarded' AND datname = '$name'"
	soon 200 GET /v1/recipes
	never "$MRP_SCRATCH/.api.$api_port.log" 'kept'
	stop_api
	mkdir -p "$XDG_CONFIG_HOME/mrprober"
	printf 'aliases:\n  serve: api --quiet\n' >"$XDG_CONFIG_HOME/mrprober/config.yaml"
	mrprober serve --listen "127.0.0.1:$api_port" "--database=postgresql://guarded:kept-secret@$place/$name" &
	api_pid=$!
	wait_ready || fail 'the API does not start by an alias'
	tr '\0' ' ' <"/proc/$api_pid/cmdline" >cmdline
	matches cmdline 'guarded:x+@'
	never cmdline 'kept'
	stop_api
	MRPROBER_DATABASE="postgresql://guarded:kept-secret@$place/$name" run 0 mrprober api migrate --check
	MRPROBER_DATABASE="postgresql://guarded@$place/$name" PGPASSWORD=kept-secret run 0 mrprober api migrate --check
}

# Writers take turns; one that never ends does not hold the others for ever.
test_locked()
{
	use_postgres
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	expect 201
	mkfifo hold
	psql -qAtX "$database" <hold >held 2>&1 &
	holder=$!
	exec 5>hold
	echo "BEGIN; SELECT pg_advisory_xact_lock($((0x6d727062)), 'mrprober_schema'::regclass::oid::int); SELECT 'locked';" >&5
	i=0
	while ! grep -q locked held; do
		i=$((i + 1))
		[ $i -lt 100 ] || fail "$(cat held)"
		sleep 0.1
	done
	request PATCH /v1/recipes/r '{"description":"x"}'
	expect_problem 503 '.detail | contains("locked by another process")'
	expect_header Retry-After '[1-9]*'
	request GET /v1/recipes/r
	expect 200
	exec 5>&-
	wait $holder
	request PATCH /v1/recipes/r '{"description":"x"}'
	expect 200
}

test_read_only()
{
	use_postgres
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	expect 201
	pg_admin "ALTER DATABASE \"${database##*/}\" SET default_transaction_read_only = on"
	pg_admin "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database##*/}'"
	soon 200 GET /v1/recipes/r
	request PATCH /v1/recipes/r '{"description":"x"}'
	expect_problem 503 '.detail | contains("read-only")'
	expect_header Retry-After '[1-9]*'
	pg_admin "ALTER DATABASE \"${database##*/}\" RESET default_transaction_read_only"
	pg_admin "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database##*/}'"
	soon 200 PATCH /v1/recipes/r '{"description":"x"}'
}

test_full_disk()
{
	[ "$(id -u)" = 0 ] || skip 'needs root: mounts a small file system'
	own_server
	mkdir "$server/small"
	mount -t tmpfs -o size=12m,mode=777 tmpfs "$server/small" 2>/dev/null || skip 'cannot mount a small file system here'
	cleanup_more()
	{
		postgres_stop "$server" immediate
		umount "$server/small"
		drop_server
	}
	chown "$(stat -c %u "$server/data")" "$server/small"
	pg_admin "CREATE TABLESPACE small LOCATION '$server/small'"
	pg_admin 'CREATE DATABASE tiny TABLESPACE small'
	database=$MRP_TEST_POSTGRES/tiny
	run 0 mrprober api migrate --database "$database"
	start_api
	request POST /v1/recipes '{"slug":"first"}'
	expect 201
	n=0
	while head -c 500000 /dev/urandom >blob; do
		request PUT "/v1/blobs/$(sha256sum <blob | cut -c 1-64)" '' -H 'Content-Type: application/octet-stream' --data-binary @blob
		[ "$status" = 201 ] || break
		n=$((n + 1))
		[ $n -lt 40 ] || fail 'the disk does not fill up'
	done
	expect_problem 507 '.detail | contains("no room")'
	request GET /v1/recipes/first
	expect 200
	mount -o remount,size=60m "$server/small"
	request PUT "/v1/blobs/$(sha256sum <blob | cut -c 1-64)" '' -H 'Content-Type: application/octet-stream' --data-binary @blob
	expect 201
}

# The server goes and comes again.
test_outage()
{
	own_server
	start_two
	cleanup_more()
	{
		kill "$pid_1" && wait "$pid_1"
		drop_server
	}
	on 1
	request POST /v1/recipes '{"slug":"r"}'
	expect 201
	postgres_stop "$server"
	for n in 1 2; do
		on $n
		request GET /v1/recipes/r
		expect_problem 503
		expect_header Retry-After '[1-9]*'
		request PATCH /v1/recipes/r '{"description":"no"}'
		expect_problem 503
		expect_header Retry-After '[1-9]*'
		request GET /readyz
		expect_problem 503
		request GET /healthz
		expect 200
	done
	run 1 timeout 20 mrprober api --listen "127.0.0.1:$(free_port)" --database "$database"
	matches "$err" '^mrprober: cannot reach database '
	postgres_launch "$server" || fail "$(cat "$server/start.log")"
	for n in 1 2; do
		on $n
		soon 200 GET /v1/recipes/r
		soon 200 PATCH /v1/recipes/r "{\"description\":\"by $n\"}"
	done
	on 1
	request GET /v1/recipes/r
	expect 200 '.description == "by 2"'
	matches "$MRP_SCRATCH/.api.$port_1.log" 'connected to database .* again'
}

# write_until_told PORT NAME: new recipes until there is a file `enough`; NAME.done has those that were answered by 201,
# NAME.maybe those that nobody knows of.
write_until_told()
{
	n=0
	while [ ! -e enough ]; do
		n=$((n + 1))
		code=$(curl -sS -m 30 -o "$2.body" -D "$2.headers" -w '%{http_code}' -H 'Content-Type: application/json' \
			-d "{\"slug\":\"$2-$n\"}" "http://127.0.0.1:$1/v1/recipes" 2>>"$2.curl") || code="curl $?"
		case $code in
		201) echo "$2-$n" >>"$2.done" ;;
		503)
			grep -qi '^Retry-After: [1-9]' "$2.headers" || echo "no Retry-After: $2-$n" >>bad
			echo "$2-$n" >>"$2.maybe"
			sleep 0.05
			;;
		*) echo "$2-$n: $code $(cat "$2.body")" >>bad ;;
		esac
	done
}

# A crash of the server under load, and sessions that somebody ends: what was answered is there, what was not is there as
# a whole or not at all, and nobody is told anything but that or 503.
test_crash_under_load()
{
	own_server
	start_two
	cleanup_more()
	{
		: >enough
		kill "$pid_1" && wait "$pid_1"
		drop_server
	}
	: >bad
	write_until_told "$port_1" a &
	writer_1=$!
	write_until_told "$port_1" b &
	writer_2=$!
	write_until_told "$port_2" c &
	writer_3=$!
	for round in 1 2 3; do
		some=$(cat ./*.done 2>/dev/null | wc -l)
		step "round $round after $some"
		i=0
		while [ "$(cat ./*.done 2>/dev/null | wc -l)" -lt $((some + 60)) ]; do
			i=$((i + 1))
			[ $i -lt 300 ] || fail 'writing does not go on'
			sleep 0.1
		done
		if [ $round = 2 ]; then
			pg_admin "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mrprober'" >/dev/null
		else
			postgres_stop "$server" immediate
			postgres_launch "$server" || fail "$(cat "$server/start.log")"
		fi
	done
	some=$(cat ./*.done | wc -l)
	while [ "$(cat ./*.done | wc -l)" -lt $((some + 30)) ]; do sleep 0.1; done
	: >enough
	wait $writer_1 $writer_2 $writer_3
	cat bad
	[ ! -s bad ] || fail 'an answer that must not be'
	pg_query 'SELECT slug FROM objects' | LC_ALL=C sort >there
	cat ./*.done | LC_ALL=C sort >answered
	expect_equal 'answered and lost' '' "$(LC_ALL=C comm -13 there answered)"
	LC_ALL=C comm -23 there answered | while read -r slug; do
		grep -qx "$slug" ./*.maybe || fail "$slug was never asked for"
	done
	say "$(wc -l <answered) answered, $(cat ./*.maybe | wc -l) not known, $(wc -l <there) there"
	expect_equal 'revision' "$(wc -l <there)" "$(pg_query 'SELECT revision FROM meta')"
	for n in 1 2; do
		on $n
		request GET /v1/state
		expect 200 ".unmanaged.recipes | length == $(wc -l <there)"
		[ $n = 1 ] || expect_equal root "$root" "$(jq -r .root "$body")"
		root=$(jq -r .root "$body")
	done
}

# read_together CURL-OPTION...: 60 recipes of which 40 are there, by 30 connections; -> files statuses, got.N
read_together()
{
	i=0
	while [ $((i += 1)) -le 60 ]; do
		printf 'url = "%s/v1/recipes/r%d"\noutput = "got.%d"\n' "$api_url" $i $i
	done >urls
	rm -f got.*
	curl -sS -Z --parallel-immediate --parallel-max 30 -w '%{http_code}\n' -K urls "$@" >statuses 2>errors
}

# Clients that ask at the same time are answered by one question to the database.
test_reads_together()
{
	use_postgres
	start_api
	operations=
	i=0
	while [ $((i += 1)) -le 40 ]; do
		operations="$operations${operations:+,}{\"method\":\"POST\",\"path\":\"/v1/recipes\",\"body\":{\"slug\":\"r$i\",\"description\":\"number $i\"}}"
	done
	request POST /v1/batch "{\"operations\":[$operations]}"
	expect 200

	step 'each gets his own'
	read_together
	expect_equal 'statuses' "$(printf '%7d 200\n%7d 404' 40 20)" "$(sort statuses | uniq -c)"
	i=0
	while [ $((i += 1)) -le 60 ]; do
		if [ $i -le 40 ]; then
			jq -e --arg n $i '.slug == "r" + $n and .description == "number " + $n' got.$i >/dev/null
		else
			jq -e --arg n $i '.detail | contains("r" + $n)' got.$i >/dev/null
		fi || fail "r$i: $(cat got.$i)"
	done

	step 'conditions'
	read_together -H 'If-None-Match: *'
	expect_equal 'statuses' "$(printf '%7d 304\n%7d 404' 40 20)" "$(sort statuses | uniq -c)"

	step 'what was answered before is seen'
	request PATCH /v1/recipes/r7 '{"description":"new"}'
	expect 200
	read_together
	expect_equal 'r7' new "$(jq -r .description got.7)"

	step 'their session ends'
	(
		i=0
		while [ $((i += 1)) -le 20 ]; do
			pg_admin "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database##*/}'"
		done >/dev/null
	) &
	killer=$!
	while kill -0 $killer 2>/dev/null; do
		read_together
		! grep -Evx '200|404|503' statuses || fail 'another status'
		[ "$(wc -l <statuses)" = 60 ] || fail "$(cat errors)"
	done
	wait $killer
	tries=0
	until read_together && ! grep -qx 503 statuses; do
		[ $((tries += 1)) -lt 100 ] || fail 'reads do not come back'
		sleep 0.1
	done
}

# A session that is ended while nobody uses it is hardly noticed; one that is ended inside a transaction is not made up for.
test_ended_sessions()
{
	use_postgres
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	expect 201
	pg_admin "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database##*/}'"
	soon 200 GET /v1/recipes/r
	soon 200 PATCH /v1/recipes/r '{"description":"x"}'

	step 'in the middle of a commit'
	pg_query "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
		CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON objects DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()"
	(
		i=0
		while [ "$(pg_admin "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = '${database##*/}' AND query = 'COMMIT' AND wait_event = 'PgSleep'")" = 0 ] && [ $i -lt 100 ]; do
			i=$((i + 1))
			sleep 0.1
		done
	) &
	killer=$!
	request PATCH /v1/recipes/r '{"description":"y"}'
	wait $killer
	expect_problem 503 '.detail | contains("not known whether")'
	expect_header Retry-After '[1-9]*'
	pg_query 'DROP TRIGGER slow ON objects'
	soon 200 GET /v1/recipes/r
	expect 200 '.description == "x"'
	soon 200 PATCH /v1/recipes/r '{"description":"y"}'
}

# A server that has hung, or a network that swallows everything: no request waits for it for long.
test_silent_server()
{
	own_server
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	expect 201
	server_pids=$(pgrep -P "$(head -n 1 "$server/data/postmaster.pid")")
	# shellcheck disable=SC2086 # a list
	kill -STOP $server_pids
	request GET /v1/recipes/r
	# shellcheck disable=SC2086
	kill -CONT $server_pids
	expect_problem 503 '.detail | contains("does not answer")'
	expect_header Retry-After '[1-9]*'
	soon 200 GET /v1/recipes/r
	soon 200 PATCH /v1/recipes/r '{"description":"x"}'
}
