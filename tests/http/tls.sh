# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# HTTPS: who is trusted, what is said when not, a new certificate without a new start; and the Unix socket.

# make_ca NAME
make_ca()
{
	command -v openssl >/dev/null || skip 'openssl is not installed'
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=Test CA $1" \
		-addext 'basicConstraints=critical,CA:TRUE' -keyout "$1.key" -out "$1.pem" 2>openssl.err || fail "$(cat openssl.err)"
}

# make_cert NAME CA SUBJECT-ALT-NAME [OPTION...]: NAME.pem and NAME.key, signed by CA; 5 days unless options say else
make_cert()
{
	cert=$1 ca=$2
	printf 'subjectAltName=%s\n' "$3" >"$cert.ext"
	shift 3
	[ $# -gt 0 ] || set -- -days 5
	{
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$cert" -keyout "$cert.key" \
			-out "$cert.csr"
		openssl x509 -req -in "$cert.csr" -CA "$ca.pem" -CAkey "$ca.key" -CAcreateserial -extfile "$cert.ext" \
			-out "$cert.pem" "$@"
	} 2>openssl.err || fail "$(cat openssl.err)"
	chmod 600 "$cert.key"
}

# One that ended yesterday: x509 -req has no dates, ca has.
make_expired()
{
	mkdir -p ca.db
	: >ca.db/index
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=ca.db/index\nserial=ca.db/serial\nnew_certs_dir=ca.db\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' \
		>ca.cnf
	echo 1000 >ca.db/serial
	openssl ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key -in good.csr -out expired.pem -extfile good.ext \
		-startdate 20200101000000Z -enddate 20200201000000Z -notext 2>openssl.err || fail "$(cat openssl.err)"
	cp good.key expired.key
}

# start_tls CERT [OPTION...]: the API with CERT.pem; its Unix socket s.sock is there for the test's own questions
start_tls()
{
	cp "$1.pem" now.pem
	cp "$1.key" now.key
	shift
	start_api --listen "unix:$MRP_SCRATCH/s.sock" "$@"
}

# TLS is for every address and port, so the helpers of lib.sh, which speak HTTP, ask by the Unix socket.
wait_ready()
{
	i=0
	while [ $i -lt 600 ]; do
		[ "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$MRP_SCRATCH/s.sock" http://localhost/readyz || :)" != 200 ] ||
			return 0
		kill -0 "$api_pid" 2>/dev/null || return 1
		sleep 0.05
		i=$((i + 1))
	done
	return 1
}

serial_now()
{
	openssl s_client -connect "127.0.0.1:$api_port" </dev/null 2>/dev/null | openssl x509 -noout -subject
}

expiry_metric() { curl -sS --unix-socket s.sock http://localhost/metrics | sed -n 's/^mrprober_api_tls_certificate_expires_timestamp_seconds //p'; }

# client EXPECTED-CODE ARG...: as somebody would ask
client()
{
	want_code=$1
	shift
	run "$want_code" mrprober api-client list recipes "$@"
}

test_verify()
{
	make_ca ca
	make_ca other
	make_cert good ca DNS:localhost,IP:127.0.0.1
	make_cert elsewhere ca DNS:elsewhere.example
	make_expired
	start_tls good --tls-cert now.pem --tls-key now.key
	url=https://127.0.0.1:$api_port
	curl -sS --cacert ca.pem "$url/v1/state" >state || fail 'curl does not trust it'
	matches state '"root"'
	matches "$api_log" "listening on https://127\.0\.0\.1:$api_port"

	step 'by flag, variable and config.yaml'
	client 0 --api-url "$url" --ca-cert ca.pem
	MRPROBER_CA_CERT=ca.pem client 0 --api-url "$url"
	mkdir -p "$XDG_CONFIG_HOME/mrprober"
	cp ca.pem "$XDG_CONFIG_HOME/mrprober/test-ca.pem"
	printf 'contexts:\n  t: {api_url: "%s", ca_cert: test-ca.pem}\n' "$url" >"$XDG_CONFIG_HOME/mrprober/config.yaml"
	unset MRPROBER_API_URL
	client 0 --context t
	rm "$XDG_CONFIG_HOME/mrprober/config.yaml"
	SSL_CERT_FILE=$PWD/ca.pem client 0 --api-url "$url"

	step 'nobody vouches for it'
	client 69 --api-url "$url"
	matches "$err" '^mrprober: .*not signed by a CA known here \(--ca-cert'
	client 69 --api-url "$url" --ca-cert other.pem
	matches "$err" 'not signed by a CA known here'
	client 64 --api-url "$url" --ca-cert no-such.pem
	matches "$err" "^mrprober: cannot read CA certificates 'no-such.pem': No such file"
	client 69 --api-url "$url" --ca-cert good.ext
	never "$out" .

	step 'another name'
	cp elsewhere.pem now.pem
	cp elsewhere.key now.key
	kill -HUP "$api_pid"
	wait_subject elsewhere
	client 69 --api-url "$url" --ca-cert ca.pem
	matches "$err" 'its certificate is for another name'

	step 'too old'
	cp expired.pem now.pem
	cp expired.key now.key
	kill -HUP "$api_pid"
	wait_subject good
	client 69 --api-url "$url" --ca-cert ca.pem
	matches "$err" 'its certificate has expired'
	matches "$api_log" "^mrprober: warning: the TLS certificate 'now\.pem' has expired"
	expect_equal 'expiry in /metrics' "$(date -u -d 2020-02-01 +%s)" "$(expiry_metric)"

	step 'no TLS where TLS is wanted, and the other way round'
	client 69 --api-url "http://127.0.0.1:$api_port"
	api_port=$(free_port)
	mrprober api --listen "127.0.0.1:$api_port" --database sqlite:plain.sqlite 2>plain.log &
	plain=$!
	cleanup_more() { kill "$plain"; }
	i=0
	until curl -sS -o /dev/null "http://127.0.0.1:$api_port/readyz" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 200 ] || fail 'no second API'
		sleep 0.05
	done
	client 69 --api-url "https://127.0.0.1:$api_port" --ca-cert ca.pem
	matches "$err" 'does not speak TLS'
}

# wait_subject NAME: until the certificate in use is NAME's
wait_subject()
{
	i=0
	until serial_now | grep -q "CN = $1\$"; do
		i=$((i + 1))
		[ $i -lt 100 ] || fail "the certificate in use is $(serial_now), not $1"
		sleep 0.05
	done
}

test_protocols()
{
	make_ca ca
	make_cert good ca IP:127.0.0.1
	start_tls good --tls-cert now.pem --tls-key now.key
	url=https://127.0.0.1:$api_port
	for version in 1.0 1.1; do
		! curl -sS --cacert ca.pem --tls-max $version --ciphers 'DEFAULT@SECLEVEL=0' "$url/healthz" >answer 2>&1 ||
			fail "TLS $version is spoken"
	done
	for version in 1.2 1.3; do
		curl -sS --cacert ca.pem --tlsv$version --tls-max $version "$url/healthz" >answer || fail "no TLS $version"
	done
	for cipher in AES128-SHA AES256-GCM-SHA384 ECDHE-ECDSA-AES128-SHA256 NULL-SHA256; do
		! curl -sS --cacert ca.pem --tls-max 1.2 --ciphers "$cipher@SECLEVEL=0" "$url/healthz" >answer 2>&1 ||
			fail "cipher $cipher is used"
	done
	# as much as goes over it, both ways
	head -c 5000000 /dev/urandom >blob
	sha=$(sha256sum <blob | cut -c 1-64)
	expect_equal 'status of the upload' 201 "$(curl -sS --cacert ca.pem -o answer -w '%{http_code}' -X PUT \
		-H 'Content-Type: application/octet-stream' --data-binary @blob "$url/v1/blobs/$sha")"
	curl -sS --cacert ca.pem "$url/v1/blobs/$sha" | cmp - blob
	# no TLS at all, half a handshake, rubbish: only that connection suffers
	for text in 'GET / HTTP/1.0\r\n\r\n' '\026\003\001\002\000\001' 'rubbish'; do
		printf '%b' "$text" | timeout 10 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"; cat >&3; timeout 1 cat <&3 >rubbish; :' tls "$api_port" || :
	done
	curl -sS --cacert ca.pem "$url/healthz" >answer || fail 'it does not answer any more'
}

# A new certificate while a connection is in use, and bad ones while requests come.
test_reload()
{
	make_ca ca
	make_cert first ca IP:127.0.0.1 -days 5
	make_cert second ca IP:127.0.0.1 -days 9
	start_tls first --tls-cert now.pem --tls-key now.key
	url=https://127.0.0.1:$api_port
	first_expiry=$(expiry_metric)

	step 'requests on one connection go on over reloads'
	mkfifo feed
	openssl s_client -quiet -CAfile ca.pem -connect "127.0.0.1:$api_port" <feed >kept 2>kept.err &
	kept=$!
	exec 9>feed
	printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n' >&9
	sleep 0.5
	cp second.pem now.pem
	cp second.key now.key
	kill -HUP "$api_pid"
	wait_subject second
	printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&9
	i=0
	while [ "$(grep -c '^HTTP/1.1 200' kept)" -lt 2 ]; do
		i=$((i + 1))
		[ $i -lt 100 ] || { cat kept kept.err; fail 'the old connection was dropped'; }
		sleep 0.05
	done
	exec 9>&-
	wait $kept || :
	[ "$(expiry_metric)" -gt "$first_expiry" ] || fail 'the metric still tells of the old certificate'
	matches "$api_log" '^mrprober: info: reloaded'

	step 'what is no good is refused, and the old one stays'
	reloads=0
	for bad in 'key of another' 'no key' 'no certificate' 'half a certificate' 'a folder'; do
		cp second.pem now.pem
		cp second.key now.key
		case $bad in
		'key of another') cp first.key now.key ;;
		'no key') rm now.key ;;
		'no certificate') : >now.pem ;;
		'half a certificate') head -n 5 second.pem >now.pem ;;
		'a folder') rm now.pem && mkdir now.pem ;;
		esac
		kill -HUP "$api_pid"
		reloads=$((reloads + 1))
		i=0
		while [ "$(grep -c 'the certificate in use stays' "$api_log")" -lt $reloads ]; do
			i=$((i + 1))
			[ $i -lt 100 ] || fail "$bad: nothing was said"
			sleep 0.05
		done
		say "$bad: $(tail -n 1 "$api_log")"
		[ ! -d now.pem ] || rmdir now.pem
		wait_subject second
	done
	never "$api_log" 'BEGIN|PRIVATE'

	step 'under load'
	cp second.pem now.pem
	cp second.key now.key
	{
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			kill -HUP "$api_pid"
			sleep 0.05
		done
	} &
	hups=$!
	i=0
	: >urls
	while [ $i -lt 150 ]; do
		i=$((i + 1))
		[ $i -eq 1 ] || echo next >>urls
		printf 'url = "%s/healthz"\nno-keepalive\noutput = "/dev/null"\nheader = "Connection: close"\ncacert = "ca.pem"\nwrite-out = "%%{http_code}\\n"\n' "$url" >>urls
	done
	curl -sS -K urls >statuses 2>errors || { cat errors; fail 'a request was lost'; }
	wait $hups
	expect_equal 'answers during reloads' 150 "$(grep -c '^200' statuses)"
}

test_wrong_options()
{
	make_ca ca
	make_cert good ca IP:127.0.0.1
	make_cert other ca IP:127.0.0.1
	port=$(free_port)
	run 64 mrprober api --listen "127.0.0.1:$port" --database sqlite:x --tls-cert good.pem
	matches "$err" '^mrprober: --tls-key is missing'
	run 64 mrprober api --listen "127.0.0.1:$port" --database sqlite:x --tls-key good.key
	matches "$err" '^mrprober: --tls-cert is missing'
	run 1 mrprober api --listen "127.0.0.1:$port" --database sqlite:x --tls-cert good.pem --tls-key other.key
	matches "$err" "^mrprober: TLS key 'other\.key' does not belong to the certificate 'good\.pem'"
	run 1 mrprober api --listen "127.0.0.1:$port" --database sqlite:x --tls-cert good.key --tls-key good.key
	matches "$err" "^mrprober: TLS certificate 'good\.key' is not usable"
	run 1 mrprober api --listen "127.0.0.1:$port" --database sqlite:x --tls-cert none.pem --tls-key good.key
	matches "$err" 'none\.pem.*No such file'
	chmod 644 good.key
	start_tls good --tls-cert now.pem --tls-key good.key
	matches "$api_log" "^mrprober: warning: everybody may read the TLS key 'good\.key' \(mode 644\)"
}

test_unix_socket()
{
	start_tls_free() { start_api --listen "unix:$MRP_SCRATCH/s.sock"; }
	start_tls_free
	expect_equal 'mode of the socket' 'srw-rw----' "$(stat -c %A s.sock)"
	for url in "unix:$PWD/s.sock" "http+unix://$PWD/s.sock" unix:s.sock; do
		client 0 --api-url "$url"
	done
	echo '{"slug":"r"}' >r.json
	run 0 mrprober api-client create recipe --file r.json --api-url "unix:$PWD/s.sock"
	request GET /v1/recipes/r
	expect 200
	# no browser gets there, so any name is fine
	expect_equal 'any host' 200 "$(curl -sS --unix-socket s.sock -o answer -w '%{http_code}' http://any.example/v1/state)"
	step 'errors name the socket'
	client 69 --api-url unix:none.sock
	matches "$err" '^mrprober: GET unix:none\.sock/v1/recipes.*no such file'
	client 64 --api-url unix:
	step 'a second one does not take it over'
	run 1 mrprober api --listen "unix:$PWD/s.sock" --database sqlite:y.sqlite
	matches "$err" "^mrprober: cannot listen on 'unix:.*s\.sock': another program listens there"
	client 0 --api-url unix:s.sock
	step 'a socket left behind is replaced, and goes at the end'
	stop_api KILL
	[ -S s.sock ] || fail 'the socket went by itself'
	start_tls_free
	client 0 --api-url unix:s.sock
	stop_api
	[ ! -e s.sock ] || fail 'the socket is still there'
	echo x >s.sock
	run 1 mrprober api --listen "unix:$PWD/s.sock" --database sqlite:y.sqlite
	matches "$err" 'no socket'
	expect_equal 'the file' x "$(cat s.sock)"
}

test_synchronize_over_tls()
{
	make_ca ca
	make_cert good ca DNS:localhost,IP:127.0.0.1
	start_tls good --tls-cert now.pem --tls-key now.key
	cp -R "$MRP_ROOT/tests/fixtures/basic/." .
	unset MRPROBER_API_URL
	run 0 mrprober synchronize --yes --environment prod --api-url "https://localhost:$api_port" --ca-cert ca.pem
	run 0 mrprober synchronize --check --environment prod --api-url "unix:$PWD/s.sock"
}
