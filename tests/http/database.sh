# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Databases that cannot be used: one clear message, and the file is left as it is.

# refused PATTERN: `mrprober api` on x.sqlite ends at once with status 1 and one line that matches
refused()
{
	got=0
	timeout 20 mrprober api --listen "127.0.0.1:$(free_port)" --database "sqlite:x.sqlite" >out 2>err || got=$?
	cat out err
	[ $got -eq 1 ] || [ $got -eq 77 ] || fail "status 1 expected, got $got"
	expect_equal 'lines of message' 1 "$(grep -c '^mrprober: ' err)"
	matches err "^mrprober: .*x\\.sqlite"
	matches err "$1"
}

test_not_sqlite()
{
	head -c 100000 /dev/urandom >x.sqlite
	cp x.sqlite before
	refused 'not an SQLite database'
	cmp x.sqlite before
	echo 'some text' >x.sqlite
	cp x.sqlite before
	refused 'not an SQLite database'
	cmp x.sqlite before
}

# A database of some other program is not ours to fill.
test_foreign()
{
	sqlite3 x.sqlite 'CREATE TABLE albums (id INTEGER PRIMARY KEY, title TEXT); INSERT INTO albums VALUES (1, "x");'
	refused 'another program'
	expect_equal 'tables' albums "$(sqlite3 x.sqlite .tables | tr -d ' ')"
}

test_newer()
{
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	stop_api
	cp api.sqlite x.sqlite
	version=$(sqlite3 x.sqlite 'PRAGMA user_version')
	say "version $version"
	[ "$version" -gt 0 ] || fail 'the schema has no version'
	sqlite3 x.sqlite 'PRAGMA user_version = 9999'
	refused 'newer'
	expect_equal 'version after' 9999 "$(sqlite3 x.sqlite 'PRAGMA user_version')"
	expect_equal 'objects after' 1 "$(sqlite3 api.sqlite "SELECT count(*) FROM ($(sqlite3 api.sqlite "SELECT 'SELECT 1 FROM ' || name || ' WHERE slug = ''r''' FROM sqlite_master WHERE type = 'table' AND sql LIKE '%slug%' LIMIT 1"))")"
}

test_damaged()
{
	start_api
	seq 0 199 | awk '{ op[NR] = sprintf("{\"method\":\"POST\",\"path\":\"/v1/recipes\",\"body\":{\"slug\":\"r%d\",\"description\":\"%0500d\"}}", $1, $1) }
		END { printf "{\"operations\":["; for (i = 1; i <= NR; i++) printf "%s%s", (i > 1 ? "," : ""), op[i]; print "]}" }' >batch
	request POST /v1/batch @batch
	expect 200
	stop_api
	# cut off in the middle
	size=$(wc -c <api.sqlite)
	head -c $((size / 2)) api.sqlite >x.sqlite
	got=0
	timeout 5 mrprober api --listen "127.0.0.1:$(free_port)" --database sqlite:x.sqlite >out 2>err || got=$?
	cat err
	[ $got -eq 1 ] || [ $got -eq 124 ] || [ $got -eq 0 ] || fail "status $got"
	[ $got -ne 1 ] || matches err '^mrprober: .*x\.sqlite'
}

test_a_folder()
{
	mkdir x.sqlite
	refused 'directory'
}

test_no_such_folder()
{
	got=0
	timeout 20 mrprober api --listen "127.0.0.1:$(free_port)" --database sqlite:no/such/x.sqlite >out 2>err || got=$?
	expect_equal status 1 $got
	matches err "^mrprober: .*no/such/x\\.sqlite"
	expect_equal 'lines of message' 1 "$(wc -l <err)"
}

test_bad_url()
{
	for url in mysql://x x '' sqlite: http://x; do
		run 64 timeout 10 mrprober api --listen "127.0.0.1:$(free_port)" --database "$url"
		matches "$err" '^mrprober: '
	done
}

# as_other COMMAND...: as a user without rights; root is stopped by no mode bits
as_other()
{
	[ "$(id -u)" = 0 ] || { "$@"; return; }
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# A place that such a user can reach: the build folder may be out of its sight.
reachable_program()
{
	mkdir program
	cp "$MRP_BUILD"/mrprober "$MRP_BUILD"/*.so "$MRP_BUILD"/*.so.* program 2>/dev/null || :
	chmod 755 . program
	export LD_LIBRARY_PATH="$PWD/program"
	program=$PWD/program/mrprober
	as_other "$program" version >/dev/null 2>&1 || skip 'cannot run the program as another user'
}

test_read_only()
{
	reachable_program
	start_api
	stop_api
	mkdir ro
	cp api.sqlite ro/x.sqlite
	chmod 444 ro/x.sqlite
	chmod 555 ro
	cp ro/x.sqlite before
	got=0
	as_other timeout 20 "$program" api --listen "127.0.0.1:$(free_port)" --database sqlite:ro/x.sqlite >out 2>err || got=$?
	cat out err
	chmod 755 ro
	case $got in 1 | 77) ;; *) fail "status $got" ;; esac
	expect_equal 'lines of message' 1 "$(grep -c '^mrprober: ' err)"
	matches err '^mrprober: .*ro/x\.sqlite.*(read-?only|[Pp]ermission denied)'
	cmp before ro/x.sqlite
}

test_full_disk()
{
	[ "$(id -u)" = 0 ] || skip 'needs root: mounts a small file system'
	mkdir small
	mount -t tmpfs -o size=2m,mode=755 tmpfs small 2>/dev/null || skip 'cannot mount a small file system here'
	cleanup_more() { umount "$MRP_SCRATCH/small"; }
	start_api --database "sqlite:$MRP_SCRATCH/small/x.sqlite"
	request POST /v1/recipes '{"slug":"first"}'
	expect 201
	head -c 200000 /dev/urandom | base64 -w 0 >text
	n=0
	while :; do
		n=$((n + 1))
		printf '{"slug":"r%d","values":{"v":"%s"}}' $n "$(head -c 60000 text)" >recipe.json
		request POST /v1/recipes @recipe.json
		[ "$status" = 201 ] || break
		[ $n -lt 100 ] || fail 'the disk does not fill up'
	done
	expect_problem 507 '.detail | test("full|space|room")'
	# what was answered is there, reading goes on, and so does writing once there is room
	request GET '/v1/recipes?page_size=1000'
	expect 200 ".items | length == $n"
	request GET /healthz
	expect 200
	request DELETE /v1/recipes/r1
	say "delete on a full disk: $status"
	mount -o remount,size=20m small
	request POST /v1/recipes '{"slug":"again"}'
	expect 201
	stop_api
	start_api --database "sqlite:$MRP_SCRATCH/small/x.sqlite"
	request GET /v1/recipes/again
	expect 200
	stop_api
	expect_equal 'integrity' ok "$(sqlite3 small/x.sqlite 'PRAGMA integrity_check')"
	# no room from the start: a message, not a crash
	mkdir tiny
	mount -t tmpfs -o size=4k tmpfs tiny
	cleanup_more() { umount "$MRP_SCRATCH/small" "$MRP_SCRATCH/tiny"; }
	got=0
	timeout 20 mrprober api --listen "127.0.0.1:$(free_port)" --database "sqlite:tiny/x.sqlite" >out 2>err || got=$?
	cat err
	expect_equal status 1 $got
	matches err '^mrprober: .*tiny/x\.sqlite'
	matches err 'full|space|room'
}

# What happens to the file while the API has it open: writes are refused with a reason, reads go on, and when it is
# over everything is as before.
write_refused() # STATUS PATTERN
{
	request PATCH /v1/recipes/first '{"description":"x"}'
	expect_problem "$1" ".detail | test(\"$2\")"
	request GET /v1/recipes/first
	expect 200 '.description == ""'
	request GET /healthz
	expect 200
}

write_taken()
{
	i=0
	while request PATCH /v1/recipes/first '{"description":"y"}' && [ "$status" != 200 ]; do
		i=$((i + 1))
		[ $i -lt 50 ] || fail 'writing does not go on'
		sleep 0.1
	done
	request PATCH /v1/recipes/first '{"description":""}'
	expect 200
}

test_size_limit_while_serving()
{
	command -v prlimit >/dev/null || skip 'prlimit is not installed'
	start_api
	request POST /v1/recipes '{"slug":"first"}'
	expect 201
	prlimit --pid "$api_pid" --fsize=4096:
	write_refused 507 'full|failing'
	prlimit --pid "$api_pid" --fsize=unlimited:
	write_taken
}

test_read_only_while_serving()
{
	start_api
	request POST /v1/recipes '{"slug":"first"}'
	expect 201
	chattr +i api.sqlite api.sqlite-wal 2>/dev/null || skip 'files cannot be made immutable here (root, and chattr)'
	cleanup_more() { chattr -f -i "$MRP_SCRATCH"/api.sqlite*; }
	write_refused 503 'read-only'
	chattr -i api.sqlite api.sqlite-wal
	write_taken
	stop_api
	start_api
	request GET /v1/recipes/first
	expect 200
	stop_api
	expect_equal 'integrity' ok "$(sqlite3 api.sqlite 'PRAGMA integrity_check')"
}
