# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# mrprober probe tls, and http over TLS, against openssl s_server with certificates of all kinds.

make_ca()
{
	command -v openssl >/dev/null || skip 'openssl is not installed'
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 300 -subj "/CN=Test CA" \
		-addext 'basicConstraints=critical,CA:TRUE' -keyout ca.key -out ca.pem 2>openssl.err || fail "$(cat openssl.err)"
}

# make_cert NAME SUBJECT-ALT-NAME [OPTION...]: NAME.pem and NAME.key, signed by the CA
make_cert()
{
	cert=$1
	printf 'subjectAltName=%s\n' "$2" >"$cert.ext"
	shift 2
	{
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$cert" -keyout "$cert.key" \
			-out "$cert.csr"
		openssl x509 -req -in "$cert.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -extfile "$cert.ext" \
			-out "$cert.pem" "$@"
	} 2>openssl.err || fail "$(cat openssl.err)"
}

# One that ended long ago: x509 -req has no dates, ca has. Wants good.csr.
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

cleanup_more()
{
	[ -z "${server_pid-}" ] || kill "$server_pid" 2>/dev/null
}

# serve NAME [OPTION...]: with that certificate; sets port
serve()
{
	[ -z "${server_pid-}" ] || { kill "$server_pid"; wait "$server_pid" 2>/dev/null || :; }
	cert=$1
	shift
	port=$(free_port)
	openssl s_server -accept "127.0.0.1:$port" -cert "$cert.pem" -key "$cert.key" -www -quiet "$@" >server.log 2>&1 &
	server_pid=$!
	i=0
	until mrprober probe tcp "127.0.0.1:$port" >/dev/null; do
		kill -0 "$server_pid" 2>/dev/null || fail "$(cat server.log)"
		sleep 0.05
		i=$((i + 1))
		[ $i -lt 200 ] || fail 'the server does not start'
	done
}

test_good()
{
	make_ca
	make_cert good 'DNS:localhost,IP:127.0.0.1' -days 100
	serve good
	for name in 127.0.0.1 localhost; do
		probe 0 'TLS OK - TLSv1.[23] in .*, certificate valid for (99|100) days, until ' tls "$name:$port" --ca-cert ca.pem \
			--ip-version 4
	done
	is "$(perf certificate_validity) > 99 * 86400 - 60 && $(perf certificate_validity) <= 100 * 86400"
	probe 2 'TLS CRITICAL - the certificate is valid until .* only, less than 101d' tls "127.0.0.1:$port" \
		--ca-cert ca.pem --min-validity 101d
	probe 0 'TLS OK' tls 127.0.0.1 --port "$port" --server-name localhost --ca-cert ca.pem -v
	grep -q '^certificate: CN=good, by CN=Test CA$' out || fail 'no line about the certificate'
	step 'http'
	probe 0 'HTTP OK - 200' http "https://localhost:$port/" --ca-cert ca.pem --ip-version 4
	is "$(perf time_tls) > 0 && $(perf certificate_validity) > 99 * 86400 - 60"
	probe 1 'HTTP WARNING - 200, .*; the certificate is valid until .* only, less than 101d' http \
		"https://127.0.0.1:$port/" --ca-cert ca.pem --min-validity 101d
	step 'an older protocol'
	serve good -no_tls1_3
	probe 0 'TLS OK - TLSv1.2 ' tls "127.0.0.1:$port" --ca-cert ca.pem
}

# expect_both REGEX OPTION...: tls and http say the same
expect_both()
{
	want=$1
	shift
	probe 2 "TLS CRITICAL - TLS with '$host': $want" tls "$host:$port" --ip-version 4 "$@"
	probe 2 "HTTP CRITICAL - TLS with '$host': $want" http "https://$host:$port/" --ip-version 4 "$@"
}

test_bad()
{
	make_ca
	host=localhost
	make_cert good 'DNS:localhost' -days 100
	serve good
	expect_both 'its certificate is not signed by a CA known here'
	host=127.0.0.1
	expect_both 'its certificate is for another name' --ca-cert ca.pem
	host=localhost
	step 'expired'
	make_expired
	serve expired
	expect_both 'its certificate has expired' --ca-cert ca.pem
	probe 0 'TLS OK' tls "localhost:$port" --ip-version 4 --insecure
	probe 0 'HTTP OK' http "https://localhost:$port" --ip-version 4 --insecure
	probe 2 'TLS CRITICAL - the certificate ended at 2020-02-01T00:00:00Z' tls "localhost:$port" --ip-version 4 \
		--insecure --min-validity 1d
	step 'self-signed'
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 5 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost -keyout self.key -out self.pem 2>openssl.err || fail "$(cat openssl.err)"
	serve self
	expect_both 'its certificate is self-signed'
	probe 2 'TLS CRITICAL - the certificate is valid until .* only, less than 7d' tls "localhost:$port" --ip-version 4 \
		--ca-cert self.pem
}

test_trust_changes()
{
	make_ca
	make_cert good 'DNS:localhost' -days 100
	serve good
	probe 3 'TLS UNKNOWN - cannot read .nothing.pem.: No such file' tls "localhost:$port" --ca-cert nothing.pem
	probe 3 'HTTP UNKNOWN - cannot read .nothing.pem.: No such file' http "https://localhost:$port/" --ca-cert nothing.pem
	echo nonsense >bad.pem
	probe 3 'TLS UNKNOWN - no certificates in .bad.pem.' tls "localhost:$port" --ca-cert bad.pem
	probe 3 'HTTP UNKNOWN - cannot read certificates from .bad.pem.' http "https://localhost:$port/" --ca-cert bad.pem \
		--ip-version 4
	start_probed
	probe 2 'TLS CRITICAL - what answers there does not speak TLS' tls "127.0.0.1:$http_port"
	probe 2 'TLS CRITICAL - no answer within 2s: in the TLS handshake' tls "127.0.0.1:$silent_port" --timeout 2s \
		--insecure
}
