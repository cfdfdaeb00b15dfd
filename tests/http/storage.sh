# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# lib/cloud/objects.h against a server that checks signatures on its own (tools/s3d.py), and against a folder.

storer() { "$MRP_BUILD/tests/storer" "$@" 2>>"$MRP_SCRATCH/.storer.log"; }

# The object, its key percent-encoded as the server names files.
expect_object() { # ENCODED-KEY TEXT
	[ -f "s3/$1" ] || fail "no object $1: $(ls s3)"
	expect_equal "$1" "$2" "$(cat "s3/$1")"
}

# Files of the spool, oldest first.
spooled() { find spool -name '*.object' 2>/dev/null | LC_ALL=C sort; }

no_secrets()
{
	! grep -rF -e 's3cret' -e 'Signature=' "$MRP_SCRATCH/.storer.log" "$MRP_SCRATCH/.storer.out" 2>/dev/null ||
		fail 'a secret was told'
}

test_keys()
{
	start_s3
	storer --spool spool put prod/creator/c1/7/plan.log one put 'a b+c=d&e?f#g%h' two put 'ж/日本.log' three \
		put "quote's\"<>~*()!,;:@\$[]{}|^\`\\" four put '%41' five put a..b/c...d six put empty '' >out
	expect_equal 'counts' 'waiting 0 stored 7 failed 0 dropped 0' "$(cat out)"
	expect_object prod%2Fcreator%2Fc1%2F7%2Fplan.log one
	expect_object 'a%20b%2Bc%3Dd%26e%3Ff%23g%25h' two
	expect_object '%D0%B6%2F%E6%97%A5%E6%9C%AC.log' three
	expect_object '%2541' five
	expect_object a..b%2Fc...d six
	expect_object empty ''
	for key in prod/creator/c1/7/plan.log 'a b+c=d&e?f#g%h' 'ж/日本.log' "quote's\"<>~*()!,;:@\$[]{}|^\`\\"; do
		storer --spool spool --wait 0 get "$key" >>got
	done
	grep -v waiting got >kinds || :
	expect_equal 'read back' 'onewaiting 0 stored 0 failed 0 dropped 0
twowaiting 0 stored 0 failed 0 dropped 0
threewaiting 0 stored 0 failed 0 dropped 0
fourwaiting 0 stored 0 failed 0 dropped 0' "$(cat got)"
	! grep -v '^200 ' s3.log || fail 'something was refused'
	for key in '' / a//b /a a/ . .. a/../b a/./b "$(printf 'a\001b')" "$(printf 'a\377b')"; do
		! storer --spool spool put "$key" x >out || fail "the key '$key' was taken"
	done
	no_secrets
}

test_large_file()
{
	start_s3
	head -c 20000000 /dev/urandom >large
	storer --spool spool --wait 30000 put-file big large get big >out
	head -c 20000000 out | cmp - large
	cmp s3/big large
	! storer --spool spool put-file x no-such-file >out || fail 'a file that is not there was stored'
	! storer --spool spool put-file x . >out || fail 'a folder was stored'
}

test_wrong_credentials()
{
	start_s3
	S3_SECRET_ACCESS_KEY=0ther-s3cret storer --spool spool --wait 500 --pause 50 put a x >out
	grep -q '^waiting 1 stored 0 failed [1-9]' out || fail "$(cat out)"
	grep -q "uploads: PUT 'a' in bucket 'logs' at $s3_url: answered 403 SignatureDoesNotMatch; trying again" .storer.log ||
		fail "$(cat .storer.log)"
	expect_equal 'complaints' 1 "$(grep -c 'trying again' .storer.log)"
	S3_REGION=elsewhere storer --spool spool --wait 0 --grace 5000 >out
	grep -q 'InvalidAccessKeyId: the scope is .*/elsewhere/s3/' s3.log || fail 'no other region'
	S3_LOGS_BUCKET=other storer --spool spool --wait 0 --grace 5000 >out
	grep -q 'answered 404 NoSuchBucket' .storer.log || fail 'no other bucket'
	[ ! -e s3/a ] || fail 'it was stored all the same'
	storer --spool spool >out
	expect_equal 'with the right ones' 'waiting 0 stored 1 failed 0 dropped 0' "$(cat out)"
	expect_object a x
	no_secrets
}

# What S3 does not take now goes later, in its order, also by another program.
test_spool()
{
	start_s3
	: >s3.down
	for i in 1 2 3; do
		storer --spool spool --wait 0 put same "$i" put "key$i" "$i" >out
	done
	grep -q '^waiting 6' out || fail "$(cat out)"
	expect_equal 'read from the spool' 3 "$(storer --spool spool --wait 0 get same | sed 's/waiting.*//')"
	expect_equal 'mode' 700 "$(stat -c %a spool)"
	expect_equal 'modes' 600 "$(stat -c %a spool/*.object | sort -u)"
	stop_s3
	storer --spool spool --wait 300 --pause 50 put key4 4 >out
	grep -q '^waiting 7 stored 0 failed [1-9]' out || fail "$(cat out)"
	rm s3.down
	: >s3.log
	start_s3
	storer --spool spool >out
	expect_equal 'counts' 'waiting 0 stored 7 failed 0 dropped 0' "$(cat out)"
	expect_equal 'order' 'same key1 same key2 same key3 key4' \
		"$(sed 's|.*/logs/||' s3.log | tr '\n' ' ' | sed 's/ $//')"
	expect_object same 3
	expect_object key4 4
	no_secrets
}

test_retries()
{
	start_s3
	printf '%s\n' 503 500 close '429 1' 408 >s3.faults
	storer --spool spool --pause 20 --wait 20000 put a x >out
	# libcurl itself goes on when a connection that was kept turns out to be closed
	grep -Eq '^waiting 0 stored 1 failed [45] dropped 0$' out || fail "$(cat out)"
	expect_object a x
	grep -q 'taken again after [45] failures; 0 objects were dropped meanwhile' .storer.log || fail "$(cat .storer.log)"
	expect_equal 'complaints' 1 "$(grep -c 'trying again' .storer.log)"
	no_secrets
}

# One that is refused does not keep back the others.
test_refused()
{
	start_s3
	echo bad >s3.refuse
	storer --spool spool --pause 20 put good1 1 put bad2 2 put good3 3 >out
	grep -q '^waiting 0 stored 2 failed [1-9][0-9]* dropped 1$' out || fail "$(cat out)"
	grep -q "an object was dropped: PUT 'bad2' in bucket 'logs' at .*: answered 403 AccessDenied" .storer.log ||
		fail "$(cat .storer.log)"
	no_secrets
}

test_bounded()
{
	start_s3
	: >s3.down
	head -c 60000 /dev/zero | tr '\0' x >large
	set --
	for i in $(seq 1 40); do
		set -- "$@" put-file "key$i" large
	done
	storer --spool spool --spool-bytes 1000000 --wait 0 "$@" >out
	grep -Eq '^waiting 1[45] stored 0 failed [01] dropped 2[56]$' out || fail "$(cat out)"
	[ "$(du -sb spool | cut -f 1)" -lt 1010000 ] || fail 'larger than it may be'
	grep -q 'the oldest objects are dropped' .storer.log || fail 'nothing was said'
	! storer --spool spool --spool-bytes 10000 --wait 0 put-file x large >out || fail 'larger than the spool'
	rm s3.down
	storer --spool spool >out
	[ -e s3/key40 ] || fail 'the newest is not there'
	[ ! -e s3/key1 ] || fail 'the oldest is there'
}

# What a crash or somebody else has left there.
test_damaged()
{
	start_s3
	: >s3.down
	storer --spool spool --wait 0 put a x >out
	storer --spool spool --wait 0 put b y >out
	rm s3.down
	file=$(spooled | head -n 1)
	truncate -s -1 "$file"
	: >spool/.new-abcdef
	touch -d '2 hours ago' spool/.new-abcdef
	: >spool/.new-ghijkl
	: >spool/00000000000000001-1.object
	echo mine >spool/README
	storer --spool spool >out
	expect_equal 'counts' 'waiting 0 stored 1 failed 0 dropped 2' "$(cat out)"
	expect_object b y
	expect_equal 'files' '.new-ghijkl README lock ' "$(find spool -type f -printf '%f\n' | LC_ALL=C sort | tr '\n' ' ')"
	grep -q "is damaged" .storer.log || fail 'nothing was said'
}

# Several programs with one spool: each object is sent once.
test_shared()
{
	start_s3
	: >s3.down
	for i in 1 2 3 4; do
		storer --spool spool --wait 8000 --pause 100 put "a$i" x put "b$i" x put "c$i" x put "d$i" x >"out$i" &
		eval "pid$i=\$!"
	done
	tries=0
	until [ "$(spooled | wc -l)" = 16 ]; do
		[ $((tries += 1)) -lt 400 ] || fail 'they do not put'
		sleep 0.02
	done
	rm s3.down
	for i in 1 2 3 4; do
		eval "wait \$pid$i"
		grep -q '^waiting 0' "out$i" || fail "$(cat "out$i")"
	done
	expect_equal 'objects' 16 "$(find s3 -type f | wc -l)"
	expect_equal 'requests' 16 "$(grep -c '^200 PUT' s3.log)"
}

test_iam()
{
	start_s3 --token t1.token.s3cret --base /storage
	unset S3_ACCESS_KEY_ID S3_SECRET_ACCESS_KEY
	export S3_ENDPOINT="$s3_url/storage/"
	YC_TOKEN=t1.token.s3cret storer --spool spool put a/b x get a/b >out
	expect_equal 'it' 'xwaiting 0 stored 1 failed 0 dropped 0' "$(cat out)"
	expect_object a%2Fb x
	YC_TOKEN=t1.other.s3cret storer --spool spool --wait 200 --pause 50 put a/c x >out
	grep -q 'answered 401 AccessDenied' .storer.log || fail "$(cat .storer.log)"
	! YC_TOKEN=t1.x S3_ENDPOINT=http://example.net storer --spool other put a x >out || fail 'a token over plain http'
	grep -q "S3: 'http://example.net' is not https://" .storer.log || fail "$(cat .storer.log)"
	no_secrets
}

test_base()
{
	start_s3 --base /storage
	S3_ENDPOINT=$s3_url/storage storer --spool spool put 'a b' x get 'a b' >out
	expect_equal 'it' 'xwaiting 0 stored 1 failed 0 dropped 0' "$(cat out)"
}

test_folder()
{
	storer --folder objects/there put prod/a/b.log x put prod/a/b.log y put prod/c '' get prod/a/b.log >out
	expect_equal 'it' 'ywaiting 0 stored 3 failed 0 dropped 0' "$(cat out)"
	expect_equal 'file' y "$(cat objects/there/prod/a/b.log)"
	expect_equal 'mode' 700 "$(stat -c %a objects/there/prod)"
	for key in no prod/a/no prod/a/b.log/no; do
		! storer --folder objects/there get "$key" >out || fail "$key is there"
	done
	expect_equal 'what it says' 3 "$(grep -c "is not in folder 'objects/there'" .storer.log)"
	! storer --folder objects/there get ../outside >out || fail 'outside'
}

test_environment()
{
	while IFS='|' read -r settings message; do
		# shellcheck disable=SC2086 # words
		! env $settings "$MRP_BUILD/tests/storer" --spool spool >out 2>err || fail "'$settings' was taken"
		expect_equal "$settings" "storer: $message" "$(cat err)"
	done <<-'END'
		S3_ENDPOINT=http://127.0.0.1:1|environment: S3_ENDPOINT is set, but not S3_LOGS_BUCKET: which bucket are logs for?
		S3_LOGS_BUCKET=logs S3_ACCESS_KEY_ID=id|environment: S3_ACCESS_KEY_ID is set, but not S3_SECRET_ACCESS_KEY
		S3_LOGS_BUCKET=logs S3_SECRET_ACCESS_KEY=s3cret|environment: S3_SECRET_ACCESS_KEY is set, but not S3_ACCESS_KEY_ID
		S3_LOGS_BUCKET=a/b S3_ACCESS_KEY_ID=id S3_SECRET_ACCESS_KEY=s3cret|open: S3: 'a/b' is not the name of a bucket
		S3_LOGS_BUCKET=logs S3_ACCESS_KEY_ID=i/d S3_SECRET_ACCESS_KEY=s3cret|open: S3: the id of the S3 access key is not one
		S3_LOGS_BUCKET=logs S3_REGION=a/b S3_ACCESS_KEY_ID=id S3_SECRET_ACCESS_KEY=s3cret|open: S3: 'a/b' is not the name of a region
		S3_LOGS_BUCKET=logs S3_ENDPOINT=127.0.0.1 S3_ACCESS_KEY_ID=id S3_SECRET_ACCESS_KEY=s3cret|open: S3: '127.0.0.1' is not a URL that begins with http:// or https://
		S3_LOGS_BUCKET=logs YC_TOKEN=a@b|open: S3: YC_TOKEN holds no IAM token: a character of it is not allowed in one
	END
}
