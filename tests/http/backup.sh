# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# mrprober api backup: a copy of one moment, taken while others write, or none at all.

backup() { mrprober api backup --database "sqlite:$MRP_SCRATCH/api.sqlite" "$@"; }

# Batches that write two recipes with the same text: a copy in the middle would show two texts.
write_pairs()
{
	n=0
	while [ -e writing ]; do
		n=$((n + 1))
		curl -sS -o /dev/null -X POST -H 'Content-Type: application/json' "$api_url/v1/batch" --data-binary '{"operations":[
			{"method":"PATCH","path":"/v1/recipes/a","body":{"description":"'$n'"}},
			{"method":"POST","path":"/v1/recipes","body":{"slug":"n'$n'","description":"'"$(head -c 3000 filling)"'"}},
			{"method":"PATCH","path":"/v1/recipes/b","body":{"description":"'$n'"}}]}'
	done
	echo $n >written
}

test_while_serving()
{
	start_api
	head -c 3000 /dev/zero | tr '\0' x >filling
	request POST /v1/recipes '{"slug":"a","description":"0"}'
	request POST /v1/recipes '{"slug":"b","description":"0"}'
	request POST /v1/clusters '{"slug":"c","recipe":"a","variables":{"v":{"value":"planted","sensitive":true}}}'
	expect 201
	touch writing
	write_pairs &
	writer=$!
	for i in 1 2 3 4 5; do
		run 0 backup "copy$i"
		matches "$out" "^copy$i: [0-9]+ bytes\$"
		expect_equal 'mode' '-rw-------' "$(stat -c %A "copy$i")"
		sleep 0.2
	done
	rm writing
	wait $writer
	[ "$(cat written)" -gt 5 ] || fail 'nobody wrote meanwhile'
	stop_api
	for i in 1 2 3 4 5; do
		expect_equal 'integrity' ok "$(sqlite3 "copy$i" 'PRAGMA integrity_check')"
		expect_equal 'journal' delete "$(sqlite3 "copy$i" 'PRAGMA journal_mode')"
		# each is a database that an API serves, of one moment
		cp "copy$i" api.sqlite
		rm -f api.sqlite-wal api.sqlite-shm
		start_api
		request GET '/v1/recipes?slug=a,b'
		expect 200 '.items[0].description == .items[1].description'
		last=$(jq -r '.items[0].description' "$body")
		request GET "/v1/recipes/n$((last + 1))"
		expect 404
		[ "$last" = 0 ] || { request GET "/v1/recipes/n$last"; expect 200; }
		stop_api
	done
	[ -z "$(find . -name 'copy?.*')" ] || fail "left behind: $(find . -name 'copy?.*')"
}

test_never_overwrites()
{
	start_api
	echo precious >file
	run 1 backup file
	matches "$err" "^mrprober: 'file' is already there \(--force replaces it\)"
	expect_equal 'the file' precious "$(cat file)"
	run 0 backup --force file
	expect_equal 'integrity' ok "$(sqlite3 file 'PRAGMA integrity_check')"
	expect_equal 'mode' '-rw-------' "$(stat -c %A file)"
	# never over a database in use, this one least of all
	run 3 backup --force api.sqlite
	matches "$err" 'is the database itself'
	ln -s api.sqlite link
	run 3 backup --force link
	mkdir folder
	run 3 backup --force folder
	cp api.sqlite other
	: >other-wal
	run 3 backup --force other
	matches "$err" "'other' is a database in use"
	request GET /v1/state
	expect 200
}

test_no_backup()
{
	run 1 mrprober api backup x --database sqlite:none.sqlite
	matches "$err" "^mrprober: cannot open database 'none.sqlite': No such file"
	[ ! -e none.sqlite ] || fail 'a database was made'
	: >empty
	run 1 mrprober api backup x --database sqlite:empty
	sqlite3 foreign 'CREATE TABLE t (x)'
	run 1 mrprober api backup x --database sqlite:foreign
	matches "$err" 'another program'
	start_api
	run 1 backup no/such/folder/x
	run 64 backup
	[ ! -e x ] || fail 'there is a copy'
}

test_no_room()
{
	[ "$(id -u)" = 0 ] || skip 'needs root: mounts a small file system'
	start_api
	head -c 3000000 /dev/urandom >blob
	put_blob blob
	mkdir small
	mount -t tmpfs -o size=1m tmpfs small 2>/dev/null || skip 'cannot mount a small file system here'
	cleanup_more() { umount "$MRP_SCRATCH/small"; }
	run 1 backup small/copy
	matches "$err" '^mrprober: .*small/copy.*no room'
	[ -z "$(ls small)" ] || fail "left behind: $(ls small)"
}

test_interrupted()
{
	start_api
	i=0
	while [ $i -lt 8 ]; do
		i=$((i + 1))
		head -c 20000000 /dev/urandom >blob
		put_blob blob
	done
	mkdir copies
	# whenever it comes: 130 and nothing there, or done
	for after in 0.02 0.05 0.1 0.2 0.3; do
		rm -f copies/*
		got=0
		timeout --foreground -s INT $after mrprober api backup --database "sqlite:$MRP_SCRATCH/api.sqlite" copies/copy >out 2>err || got=$?
		say "$after: $got, $(ls copies)"
		case $got in
		124 | 130) [ -z "$(find copies -name 'copy.*')" ] || fail "left behind: $(ls copies)" ;;
		0) ;;
		*) fail "status $got" ;;
		esac
	done
}
