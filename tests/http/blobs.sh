# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Blobs: contents by their SHA-256.

hash_of()
{
	sha256sum <"$1" | cut -c 1-64
}

put() # HASH FILE
{
	request PUT "/v1/blobs/$1" '' -H 'Content-Type: application/octet-stream' --data-binary "@$2"
}

test_put_and_get()
{
	start_api
	printf 'a\0b\r\n\377' >binary
	: >empty
	head -c 3000000 /dev/urandom >large
	for file in binary empty large; do
		hash=$(hash_of $file)
		request GET "/v1/blobs/$hash"
		expect_problem 404
		request HEAD "/v1/blobs/$hash"
		expect 404
		put "$hash" $file
		expect '200|201|204'
		put "$hash" $file
		expect '200|201|204'
		request GET "/v1/blobs/$hash"
		expect 200
		cmp $file "$body" || fail "$file came back changed"
		expect_header Cache-Control '*immutable*'
		expect_header ETag "*$hash*"
		expect_header Content-Length "$(wc -c <$file)"
		expect_header Content-Type application/octet-stream
		etag=$(header ETag)
		request GET "/v1/blobs/$hash" '' -H "If-None-Match: $etag"
		expect 304
		request HEAD "/v1/blobs/$hash"
		expect 200
		expect_header Content-Length "$(wc -c <$file)"
	done
}

test_wrong_hash()
{
	start_api
	echo one >one
	echo two >two
	put "$(hash_of one)" two
	expect_problem 422
	request GET "/v1/blobs/$(hash_of one)"
	expect_problem 404
	request GET "/v1/blobs/$(hash_of two)"
	expect_problem 404
	# what is there stays
	put "$(hash_of one)" one
	put "$(hash_of one)" two
	expect_problem 422
	request GET "/v1/blobs/$(hash_of one)"
	cmp one "$body"
	for name in abc "$(hash_of one | tr a-f A-F)" "$(hash_of one)0" zz; do
		put "$name" one
		case $status in 400 | 404 | 422) ;; *) fail "name $name: status $status" ;; esac
		expect_problem "$status"
	done
}

test_missing()
{
	start_api
	echo one >one
	put "$(hash_of one)" one
	zeros=$(printf '%064d' 0)
	question='{"sha256":["'$zeros'","'$(hash_of one)'","'$zeros'"]}'
	request POST /v1/blobs/missing "$question"
	expect 200 "[.. | strings] | unique == [\"$zeros\"]"
	request POST /v1/blobs/missing '{"sha256":[]}'
	expect 200 '[.. | strings] == []'
	request POST /v1/blobs/missing '"x"'
	case $status in 400 | 422) ;; *) fail "status $status" ;; esac
	request POST /v1/blobs/missing "$(printf '%s' "$question" | sed "s/$zeros/short/")"
	expect_problem 422
}

# Upload of what is too large for a file of a config.
test_too_large()
{
	start_api
	status=$(printf 'PUT /v1/blobs/%064d HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Length: 999999999999\r\n\r\nx' 0 "$api_port" |
		timeout 20 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"; cat >&3; timeout 10 cat <&3; :' raw "$api_port" | head -n 1 | cut -d ' ' -f 2)
	expect_equal 'status of a huge blob' 413 "$status"
}

# A blob that an object names cannot be garbage, whatever its age; here: it is still there after a restart.
test_survives_restart()
{
	start_api
	echo one >one
	put "$(hash_of one)" one
	request POST /v1/recipes '{"slug":"r","files":{"f":{"sha256":"'"$(hash_of one)"'","mode":"0644"}}}'
	expect 201
	stop_api
	start_api
	request GET "/v1/blobs/$(hash_of one)"
	expect 200
	cmp one "$body"
}
