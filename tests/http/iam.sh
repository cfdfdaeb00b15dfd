# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The chain of lib/cloud/iam.h against servers over real HTTP. Signatures are checked by the openssl program.

new_key() # FILE: an authorized key as the cloud gives it out; the public half goes to FILE.pub
{
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem 2>/dev/null
	openssl pkey -in key.pem -pubout -out "$1.pub"
	{
		echo 'PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <ajekey1>'
		cat key.pem
	} | jq -Rs '{id: "ajekey1", service_account_id: "ajeaccount1", key_algorithm: "RSA_2048", private_key: .}' >"$1"
}

iam() # EXPECTED-CODE OPTION...: what was printed may hold no secret
{
	iam_code=$1
	shift
	run "$iam_code" "$MRP_BUILD/tests/iam" --out token "$@"
	never "$out" 't1\.|PRIVATE|eyJ|s3cret'
	never "$err" 't1\.|PRIVATE|eyJ|s3cret'
}

start_cloud() # RULE...: a server that keeps its requests in the folder `requests`
{
	mkdir -p requests
	start_faults --save requests "$@"
}

from_base64url() # the bytes of a part of a JWT
{
	part=$(printf %s "$1" | tr -- -_ +/)
	while [ $((${#part} % 4)) -ne 0 ]; do part="$part="; done
	printf %s "$part" | base64 -d
}

test_authorized_key()
{
	new_key key.json
	start_cloud '* /iam/v1/tokens json {"iamToken":"t1.first","expiresAt":"2100-01-01T00:00:00.5Z"}'
	before=$(date +%s)
	iam 0 --key-file key.json --token-url "$fault_url/iam/v1/tokens" --times 3
	after=$(date +%s)
	matches "$out" '^authorized key ajekey1 of service account ajeaccount1 \(from key\.json\)$'
	expect_equal token t1.first "$(cat token)"
	step 'asked once, the token is kept'
	expect_equal requests 1 "$(find requests -name '*.head' | wc -l)"
	matches requests/1.head '^POST /iam/v1/tokens HTTP/1\.1'
	matches requests/1.head '^Content-Type: application/json'
	step 'the JWT'
	jwt=$(jq -er 'select(keys == ["jwt"]) | .jwt' requests/1.body)
	header=${jwt%%.*} signature=${jwt##*.} signed=${jwt%.*}
	from_base64url "$header" | jq -e '. == {typ: "JWT", alg: "PS256", kid: "ajekey1"}'
	from_base64url "${signed#*.}" >claims
	jq -e --arg aud "$fault_url/iam/v1/tokens" --argjson before "$before" --argjson after "$after" \
		'.iss == "ajeaccount1" and .aud == $aud and .exp - .iat <= 3600 and .exp > $after and
		.iat >= $before and .iat <= $after and (keys | length) == 4' claims || fail "claims: $(cat claims)"
	from_base64url "$signature" >signature.bin
	printf %s "$signed" >signed
	openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -verify key.json.pub \
		-signature signature.bin signed || fail 'the signature is wrong'
	step 'the check can fail'
	printf %s "${signed}x" >signed
	! openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -verify key.json.pub \
		-signature signature.bin signed || fail 'any signature passes'
}

# Signed by us, verified by somebody who has never seen our code: Python's cryptography (the test above asks openssl).
test_authorized_key_in_python()
{
	python3 -c 'import cryptography' 2>/dev/null || skip "Python's cryptography is not installed"
	new_key key.json
	start_cloud '* /iam/v1/tokens json {"iamToken":"t1.first"}'
	iam 0 --key-file key.json --token-url "$fault_url/iam/v1/tokens"
	cat >verify.py <<'END'
import base64, json, sys, time
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

jwt = json.load(open("requests/1.body"))["jwt"]
header, claims, signature = jwt.split(".")
key = serialization.load_pem_public_key(open("key.json.pub", "rb").read())

def verify(salt, signed):
    key.verify(decode(signature), signed.encode(), padding.PSS(padding.MGF1(hashes.SHA256()), salt), hashes.SHA256())

verify(32, header + "." + claims)
for salt, signed in [(20, header + "." + claims), (222, header + "." + claims), (32, header + "." + claims + "A")]:
    try:
        verify(salt, signed)
    except InvalidSignature:
        continue
    sys.exit("anything passes")
assert json.loads(decode(header)) == {"typ": "JWT", "alg": "PS256", "kid": "ajekey1"}
said = json.loads(decode(claims))
assert set(said) == {"iss", "aud", "iat", "exp"} and said["iss"] == "ajeaccount1" and said["aud"] == sys.argv[1], said
assert said["exp"] - said["iat"] == 3600 and abs(said["iat"] - time.time()) < 600, said
END
	python3 verify.py "$fault_url/iam/v1/tokens" || fail 'the JWT is none'
}

# As clouds, people and other systems leave keys behind.
test_forms_of_keys()
{
	new_key key.json
	start_cloud '* /tokens json {"iamToken":"t1.x"}'
	openssl pkey -in key.pem -out pkcs1.pem -traditional
	grep -q 'BEGIN RSA PRIVATE KEY' pkcs1.pem || fail 'that is no PKCS #1'
	sed 's/$/\r/' key.pem >crlf.pem
	{ echo 'PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <ajekey1>' && cat pkcs1.pem; } | sed 's/$/\r/' >both.pem
	{ cat key.pem && echo && echo 'what comes after it'; } >after.pem
	for form in key.pem pkcs1.pem crlf.pem both.pem after.pem; do
		step "$form"
		jq -Rs '{id: "ajekey1", service_account_id: "ajeaccount1", private_key: .}' $form >form.json
		iam 0 --key-file form.json --token-url "$fault_url/tokens"
	done
	step 'the file itself with CRLF, with a byte order mark, and with more in it'
	sed 's/$/\r/' key.json >form.json
	iam 0 --key-file form.json --token-url "$fault_url/tokens"
	jq '. + {created_at: "2026-01-01T00:00:00Z", public_key: "s3cret"}' key.json >form.json
	iam 0 --key-file form.json --token-url "$fault_url/tokens"
	{ printf '\357\273\277' && cat key.json; } >form.json
	iam 0 --key-file form.json --token-url "$fault_url/tokens"
	step 'PEM alone, a public key, half a key'
	iam 65 --key-file key.pem
	matches "$err" "key.pem is a key alone, not the JSON of an authorized key"
	jq -Rs '{id: "a", service_account_id: "b", private_key: .}' key.json.pub >form.json
	iam 65 --key-file form.json
	matches "$err" "form.json: 'private_key': it is no private key in PEM without a password"
	head -c 600 key.pem | jq -Rs '{id: "a", service_account_id: "b", private_key: .}' >form.json
	iam 65 --key-file form.json
	: >form.json
	iam 65 --key-file form.json
	iam 65 --key-file .
	step 'a key that everybody can read is taken, and complained about'
	never "$err" 'everybody'
	cp key.json open.json
	chmod 644 open.json
	iam 0 --key-file open.json --token-url "$fault_url/tokens"
	matches "$err" "'open.json' holds a private key, and everybody can read it \(chmod o= open.json\)"
	chmod 640 open.json
	iam 0 --key-file open.json --token-url "$fault_url/tokens"
	expect_equal 'what it says' '' "$(cat "$err")"
	step 'one that we may not read'
	for_others
	chmod 600 open.json
	run 77 setpriv --reuid 65534 --regid 65534 --clear-groups mrprober config check-auth --sa-key-file "$MRP_SCRATCH/open.json"
	matches "$err" "cannot open '.*open.json': Permission denied"
}

# A clock that is wrong makes a JWT that is refused, which nobody says.
test_clocks()
{
	new_key key.json
	chmod 600 key.json
	for row in '7300 is 2h behind' '-300 is 5m ahead of'; do
		start_cloud --clock "${row%% *}" '* /refused status 401' '* /tokens json {"iamToken":"t1.x","expiresAt":"2100-01-01T00:00:00Z"}' \
			'* /meta status 401'
		iam 77 --key-file key.json --token-url "$fault_url/refused"
		matches "$err" "answered 401.* \(this machine's clock ${row#* } the server's: that may be why\)"
		iam 0 --key-file key.json --token-url "$fault_url/tokens"
		expect_equal 'what it says' '' "$(cat "$err")"
		iam 77 --metadata-url "$fault_url/meta"
		never "$err" clock
		stop_faults
	done
	start_cloud --clock 20 '* /refused status 401'
	iam 77 --key-file key.json --token-url "$fault_url/refused"
	never "$err" clock
	step 'a token that ends soon by the clock of the server, which is an hour behind ours'
	stop_faults
	start_cloud --clock -3600 "* /tokens json {\"iamToken\":\"t1.x\",\"expiresAt\":\"$(date -u -d '-30 minutes' +%Y-%m-%dT%H:%M:%SZ)\"}"
	rm requests/*
	iam 0 --key-file key.json --token-url "$fault_url/tokens" --times 3
	expect_equal requests 1 "$(find requests -name '*.head' | wc -l)"
}

test_order()
{
	new_key key.json
	start_cloud '* /tokens json {"iamToken":"t1.of-key"}' '* /meta json {"access_token":"t1.of-machine","expires_in":3000}'
	set -- --token-url "$fault_url/tokens" --metadata-url "$fault_url/meta"
	MR_PROBER_SA_AUTHORIZED_KEY=$(cat key.json) YC_TOKEN=t1.of-env
	export MR_PROBER_SA_AUTHORIZED_KEY YC_TOKEN
	iam 0 "$@"
	expect_equal token t1.of-key "$(cat token)"
	matches "$out" '\(from MR_PROBER_SA_AUTHORIZED_KEY\)$'
	step 'a file goes before the environment'
	iam 1 "$@" --key-file /nonexistent/key.json
	iam 0 "$@" --key-file key.json
	matches "$out" '\(from key\.json\)$'
	step 'a broken key makes nobody else of it'
	MR_PROBER_SA_AUTHORIZED_KEY='{"id": "s3cret"'
	iam 65 "$@"
	matches "$err" 'MR_PROBER_SA_AUTHORIZED_KEY is not the JSON of an authorized key'
	step 'YC_TOKEN'
	MR_PROBER_SA_AUTHORIZED_KEY=
	iam 0 "$@" --times 2
	expect_equal token t1.of-env "$(cat token)"
	matches "$out" '^IAM token from YC_TOKEN$'
	YC_TOKEN='s3cret with spaces'
	iam 65 "$@"
	step 'metadata, last'
	YC_TOKEN=
	iam 0 "$@" --times 3 --forget 1
	expect_equal token t1.of-machine "$(cat token)"
	expect_equal 'asked again after it was forgotten' 2 "$(grep -l '^GET /meta ' requests/*.head | wc -l)"
	for head in $(grep -l '^GET /meta ' requests/*.head); do
		matches "$head" '^Metadata-Flavor: Google'
	done
}

# Through a proxy 169.254.169.254 would be another machine: the metadata service is asked directly.
test_no_proxy_for_metadata()
{
	start_cloud '* /meta json {"access_token":"t1.x"}'
	export http_proxy=http://127.0.0.1:1 HTTP_PROXY=http://127.0.0.1:1
	iam 0 --metadata-url "$fault_url/meta"
}

test_bad_keys()
{
	for options in '-algorithm EC -pkeyopt ec_paramgen_curve:P-256' '-algorithm RSA -pkeyopt rsa_keygen_bits:1024'; do
		# shellcheck disable=SC2086 # words
		openssl genpkey $options 2>/dev/null | jq -Rs '{id: "a", service_account_id: "b", private_key: .}' >key.json
		iam 65 --key-file key.json
		matches "$err" "key.json: 'private_key': it (is a key of another kind than RSA|has 1024 bits)"
	done
	step 'a key with a password is not asked for it'
	openssl genpkey -algorithm RSA -aes256 -pass pass:s3cret 2>/dev/null |
		jq -Rs '{id: "a", service_account_id: "b", private_key: .}' >key.json
	iam 65 --key-file key.json </dev/null
	matches "$err" 'no private key in PEM without a password'
}

test_bad_servers()
{
	new_key key.json
	start_cloud '* /refused status 401' '* /busy status 503 1' '* /html html' '* /close close' '* /garbage garbage' \
		'* /reset reset' '* /away redirect http://127.0.0.1:1/' '* /odd json {"iamToken":"t1.a\u000ab"}'
	for path in refused busy html close garbage reset away odd; do
		step "$path"
		code=1
		case $path in
		refused) code=77 ;;
		close | reset) code=69 ;;
		esac
		iam $code --key-file key.json --token-url "$fault_url/$path"
		matches "$err" "POST $fault_url/$path"
		iam $code --metadata-url "$fault_url/$path"
		matches "$err" 'no authorized key and no YC_TOKEN are set'
	done
	iam 69 --metadata-url http://127.0.0.1:1/
	step 'a JWT does not travel in the clear'
	iam 64 --key-file key.json --token-url http://iam.example.net/
	matches "$err" 'is not https://'
}

# A server that nobody here vouches for: which option helps.
test_untrusted_server()
{
	command -v python3 >/dev/null || skip 'python3 is not installed'
	new_key key.json
	chmod 600 key.json
	openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key -out server.pem -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
		-days 2 2>/dev/null
	mkfifo .kubed.in
	echo '{}' >answer.json
	python3 "$MRP_ROOT/tests/tools/kubed.py" --port-file port --cert server.pem --key server.key --nodes answer.json --log log <>.kubed.in &
	source_pid=$!
	i=0
	until [ -s port ]; do
		[ $((i += 1)) -lt 400 ] || fail 'kubed.py does not start'
		sleep 0.05
	done
	run 69 mrprober config check-auth --sa-key-file key.json --iam-token-url "https://127.0.0.1:$(cat port)"
	matches "$err" 'self-signed, by no CA known here \(--cloud-ca-cert names another one\)'
	run 1 mrprober config check-auth --sa-key-file key.json --iam-token-url "https://127.0.0.1:$(cat port)" --cloud-ca-cert server.pem
	matches "$err" 'POST https://127.0.0.1:[0-9]*: answered 501'
}
