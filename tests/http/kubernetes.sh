# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# mrprober meeseeks --source kubernetes over TLS, as kubeconfigs and pods have it: who we are, whom we believe.

start_cluster()
{
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	expect 201
	request POST /v1/clusters '{"slug":"meeseeks","recipe":"r","external_variables":["compute_nodes"]}'
	expect 201
}

variable=/v1/clusters/meeseeks/variables/compute_nodes

cleanup_more()
{
	for kube_child in ${loop_pid-} ${kubed_pid-}; do
		kill "$kube_child" 2>/dev/null
	done
	[ "$result" -eq 0 ] || [ ! -s loop.log ] || cat loop.log
	[ "$result" -eq 0 ] || [ ! -s asked ] || cat asked
}

# certificate NAME CA SUBJECT [EXTENSION]: NAME.pem and NAME.key, signed by CA.key; a CA when it is signed by itself
certificate()
{
	openssl req -new -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "$3" 2>/dev/null
	say "${4-basicConstraints=CA:TRUE}" >"$1.ext"
	if [ "$1" = "$2" ]; then
		openssl x509 -req -in "$1.csr" -out "$1.pem" -days 2 -extfile "$1.ext" -signkey "$1.key" 2>/dev/null
	else
		openssl x509 -req -in "$1.csr" -out "$1.pem" -days 2 -extfile "$1.ext" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial 2>/dev/null
	fi
}

# start_kubed [OPTION...]: with nodes a and b, who wants a certificate of the CA "people"; sets kubed_port
start_kubed()
{
	command -v python3 >/dev/null || skip 'python3 is not installed'
	[ -e ca.pem ] || {
		certificate ca ca /CN=ca
		certificate people people /CN=people
		certificate server ca /CN=kube 'subjectAltName=DNS:kube.internal,IP:127.0.0.1,IP:::1'
		certificate me people /CN=meeseeks 'extendedKeyUsage=clientAuth'
	}
	set_kube_nodes a b
	: >asked
	rm -f kubed.port kubed.in
	mkfifo kubed.in
	python3 "$MRP_ROOT/tests/tools/kubed.py" --port-file kubed.port --cert server.pem --key server.key --nodes kube.json \
		--log asked "$@" <>kubed.in >kubed.err 2>&1 &
	kubed_pid=$!
	i=0
	until [ -s kubed.port ]; do
		kill -0 $kubed_pid 2>/dev/null || fail "kubed.py: $(cat kubed.err)"
		[ $((i += 1)) -lt 400 ] || fail 'kubed.py does not start'
		sleep 0.05
	done
	kubed_port=$(cat kubed.port)
}

stop_kubed()
{
	kill "$kubed_pid"
	wait "$kubed_pid" 2>/dev/null || :
	kubed_pid=
}

set_kube_nodes()
{
	for node; do
		say "$node"
	done | jq -Rn '{kind: "NodeList", metadata: {}, items: [inputs | {metadata: {name: .}}]}' >kube.new
	mv kube.new kube.json
}

# kubeconfig CLUSTER-MEMBERS USER-MEMBERS: the file `kubeconfig` with a context `lab`, and one `other` that nobody answers
kubeconfig()
{
	cat >kubeconfig <<END
apiVersion: v1
kind: Config
current-context: lab
contexts:
- {name: lab, context: {cluster: lab, user: me}}
- {name: other, context: {cluster: other, user: me}}
clusters:
- {name: lab, cluster: {server: "https://127.0.0.1:$kubed_port"${1:+, $1}}}
- {name: other, cluster: {server: "https://127.0.0.1:1"}}
users:
- name: me
  user: {$2}
END
}

# meeseeks CODE OPTION...
meeseeks()
{
	meeseeks_code=$1
	shift
	run "$meeseeks_code" mrprober meeseeks --source kubernetes --timeout 10s "$@"
	never "$out" 's3cret|BEGIN'
	never "$err" 's3cret|BEGIN'
}

data() { base64 -w 0 "$1"; }

test_client_certificates()
{
	start_cluster
	start_kubed --client-ca people.pem
	step 'files, relative to the kubeconfig'
	mkdir conf
	cp ca.pem me.pem me.key conf
	kubeconfig 'certificate-authority: ca.pem' 'client-certificate: me.pem, client-key: me.key'
	mv kubeconfig conf
	meeseeks 2 --kubeconfig conf/kubeconfig --check
	matches "$out" '^\+ b$'
	matches asked '^200 /api/v1/nodes\?limit=500 .* client=meeseeks token=-$'
	step 'texts'
	kubeconfig "certificate-authority-data: $(data ca.pem)" \
		"client-certificate-data: $(data me.pem), client-key-data: $(data me.key), token: s3cret"
	: >asked
	meeseeks 2 --kubeconfig kubeconfig --check
	matches asked '^200 .* client=meeseeks token=s3cret$'
	step 'a server that is another one'
	kubeconfig "certificate-authority-data: $(data people.pem)" 'client-certificate: me.pem, client-key: me.key'
	meeseeks 1 --kubeconfig kubeconfig --check
	matches "$err" 'its certificate is (not signed|self-signed, by no).* CA known here \(--source-ca-cert names another one\)'
	kubeconfig 'insecure-skip-tls-verify: true' 'token: s3cret'
	meeseeks 65 --kubeconfig kubeconfig --check
	matches "$err" 'insecure-skip-tls-verify is not done here'
	step 'nobody, and somebody whom the server does not know'
	kubeconfig 'certificate-authority: ca.pem' 'token: s3cret'
	meeseeks 1 --kubeconfig kubeconfig --check
	certificate stranger ca /CN=stranger 'extendedKeyUsage=clientAuth'
	kubeconfig 'certificate-authority: ca.pem' 'client-certificate: stranger.pem, client-key: stranger.key'
	meeseeks 1 --kubeconfig kubeconfig --check
	step 'half of it, none of it, a key with a password, a key of another certificate'
	kubeconfig 'certificate-authority: ca.pem' 'client-certificate: me.pem'
	meeseeks 65 --kubeconfig kubeconfig --check
	matches "$err" 'the user has a client-certificate without a client-key'
	kubeconfig 'certificate-authority: ca.pem' 'client-certificate: me.pem, client-key: nothing.key'
	meeseeks 1 --kubeconfig kubeconfig --check
	matches "$err" "cannot read the key of the client certificate 'nothing.key'"
	openssl rsa -aes128 -passout pass:s3cret -in me.key -out locked.key 2>/dev/null
	kubeconfig 'certificate-authority: ca.pem' 'client-certificate: me.pem, client-key: locked.key'
	meeseeks 1 --kubeconfig kubeconfig --check </dev/null
	kubeconfig 'certificate-authority: ca.pem' 'client-certificate: me.pem, client-key: stranger.key'
	meeseeks 1 --kubeconfig kubeconfig --check
}

test_contexts_and_names()
{
	start_cluster
	start_kubed
	kubeconfig 'certificate-authority: ca.pem, tls-server-name: kube.internal' 'token: s3cret'
	meeseeks 2 --kubeconfig kubeconfig --check
	matches asked "^200 .* sni=kube\.internal host=127\.0\.0\.1:$kubed_port "
	step 'a name that the certificate does not have'
	kubeconfig 'certificate-authority: ca.pem, tls-server-name: kube.example.net' 'token: s3cret'
	meeseeks 1 --kubeconfig kubeconfig --check
	matches "$err" 'https://127\.0\.0\.1:.*its certificate is for another name'
	step 'contexts'
	meeseeks 1 --kubeconfig kubeconfig --kube-context other --check
	matches "$err" 'https://127\.0\.0\.1:1'
	meeseeks 65 --kubeconfig kubeconfig --kube-context nothing --check
	matches "$err" "there is no context 'nothing', only 'lab', 'other'"
	meeseeks 64 --kube-context lab --check
	matches "$err" 'a context is one of a kubeconfig, and there is none'
	step 'several files: the first that says something counts, and names are relative to where they stand'
	kubeconfig 'certificate-authority: ../ca.pem' 'tokenFile: nothing'
	mkdir -p first "$HOME/.kube"
	mv kubeconfig first/second
	printf 'users: [{name: me, user: {tokenFile: token}}]\n' >first/first
	echo s3cret-1 >first/token
	: >asked
	KUBECONFIG=first/none:first/first::first/second meeseeks 2 --check
	matches asked '^200 .* token=s3cret-1$'
	KUBECONFIG=first/none meeseeks 64 --check
	matches "$err" "KUBECONFIG: there is no 'first/none'"
	echo '[' >first/first
	KUBECONFIG=first/first:first/second meeseeks 65 --check
	step 'the usual file'
	kubeconfig "certificate-authority: $MRP_SCRATCH/ca.pem" 'token: s3cret-2'
	mv kubeconfig "$HOME/.kube/config"
	: >asked
	meeseeks 2 --check
	matches asked '^200 .* token=s3cret-2$'
}

test_exec()
{
	start_cluster
	start_kubed --tokens tokens
	echo s3cret-1 >tokens
	mkdir conf
	cat >conf/credential <<'END'
#!/bin/sh
echo run >>runs
[ -z "${MRPROBER_TOKEN-}" ] && [ "$WHERE" = lab ] && [ "$*" = 'a b' ] || exit 9
printf '%s\n' "$KUBERNETES_EXEC_INFO" >info
cat answer
END
	chmod +x conf/credential
	exec_user()
	{
		kubeconfig 'certificate-authority: ../ca.pem, tls-server-name: kube.internal' \
			"exec: {apiVersion: client.authentication.k8s.io/v1, command: ./credential, args: [a, b], interactiveMode: IfAvailable, \
			provideClusterInfo: true, installHint: get it, env: [{name: WHERE, value: lab}]}"
		mv kubeconfig conf
	}
	answer() # STATUS
	{
		say "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{$1}}" >answer
	}
	runs() { wc -l <runs; }
	export MRPROBER_TOKEN=not-for-it
	exec_user
	step 'a token'
	answer '"token":"s3cret-1"'
	meeseeks 2 --kubeconfig conf/kubeconfig --check --page-size 1
	matches asked '^200 .* token=s3cret-1$'
	jq -e --arg server "https://127.0.0.1:$kubed_port" '.apiVersion == "client.authentication.k8s.io/v1" and
		.kind == "ExecCredential" and .spec == {interactive: false, cluster: {server: $server, "tls-server-name": "kube.internal"}}' info
	step 'one that the server does not take: the program is asked once more'
	answer '"token":"s3cret-2","expirationTimestamp":"2100-01-01T00:00:00Z"'
	rm runs
	meeseeks 1 --kubeconfig conf/kubeconfig --check
	matches "$err" 'answered 401'
	expect_equal 'runs of the program' 2 "$(runs)"
	step 'a certificate'
	stop_kubed
	start_kubed --client-ca people.pem
	jq -n --rawfile cert me.pem --rawfile key me.key '{apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential",
		status: {clientCertificateData: $cert, clientKeyData: $key}}' >answer
	exec_user
	meeseeks 2 --kubeconfig conf/kubeconfig --check
	matches asked '^200 .* client=meeseeks token=-$'
	step 'a certificate with a token that is not accepted, and then a token alone'
	stop_kubed
	start_kubed --tokens tokens
	answer '"token":"s3cret-1"'
	mv answer later
	printf '#!/bin/sh\nif [ -e once ]; then cat later; else touch once; cat first; fi\n' >conf/credential
	jq -n --rawfile cert me.pem --rawfile key me.key '{apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential",
		status: {clientCertificateData: $cert, clientKeyData: $key, token: "s3cret-0"}}' >first
	exec_user
	meeseeks 2 --kubeconfig conf/kubeconfig --check
	matches asked '^401 .* token=s3cret-0$'
	matches asked '^200 .* token=s3cret-1$'
	printf '#!/bin/sh\ncat answer\n' >conf/credential
	step 'programs that do not do it'
	bad() # REGEX: what answer has left behind is refused
	{
		meeseeks 1 --kubeconfig conf/kubeconfig --check
		matches "$err" "no credential: 'conf/./credential'.* $1"
	}
	answer '"token":"s3cret x"'
	bad 'a token that no header can carry$'
	for status_of_it in '"token":""' '"clientKeyData":"s3cret"' '"token":7'; do
		answer "$status_of_it"
		bad 'neither a token nor a certificate with its key$'
	done
	answer '"token":"s3cret","expirationTimestamp":"soon"'
	bad "'expirationTimestamp' is no time of RFC 3339\$"
	cp ca.key answer
	bad 'printed no ExecCredential$'
	say '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"}' >answer
	bad "printed another 'apiVersion' than client.authentication.k8s.io/v1\$"
	rm answer
	bad 'ended with status 1: cat: answer: No such file or directory \(the kubeconfig says: get it\)$'
	rm conf/credential
	meeseeks 1 --kubeconfig conf/kubeconfig --check
	matches "$err" "no credential: cannot start 'conf/./credential' \(exec\): No such file or directory \(the kubeconfig says: get it\)"
}

# A pod's account is at one place, so the test makes that place for one process only.
pod='mount --bind "$0" /run && exec "$@"'
in_pod() { unshare -m sh -c "$pod" "$MRP_SCRATCH/run" "$@"; }

make_pod()
{
	unshare -m true 2>/dev/null || skip 'unshare is not allowed here'
	account=run/secrets/kubernetes.io/serviceaccount
	mkdir -p $account
	in_pod test -d /var/run/secrets/kubernetes.io/serviceaccount || skip 'mount is not allowed here'
	cp ca.pem $account/ca.crt
	say "$1" >$account/token
}

test_pod()
{
	start_cluster
	start_kubed --listen ::1 --tokens tokens
	make_pod s3cret-1
	echo s3cret-1 >tokens
	export KUBERNETES_SERVICE_HOST=::1 KUBERNETES_SERVICE_PORT="$kubed_port"
	unshare -m sh -c "$pod" "$MRP_SCRATCH/run" mrprober meeseeks --source kubernetes --loop 100ms --yes 2>loop.log &
	loop_pid=$!
	until_true has '["a","b"]'
	matches asked "^200 .* host=\[::1\]:$kubed_port client=- token=s3cret-1$"
	step 'another token'
	echo s3cret-2 >tokens
	until_true grep -q 'answered 401: Unauthorized' loop.log
	say s3cret-2 >$account/next
	mv $account/next $account/token
	set_kube_nodes a b c
	until_true has '["a","b","c"]'
	matches asked '^200 .* token=s3cret-2$'
	never loop.log s3cret
	step 'the end'
	kill -TERM $loop_pid
	code=0
	wait $loop_pid || code=$?
	loop_pid=
	expect_equal 'status after SIGTERM' 0 $code
	step 'an account without a token, and one without a CA'
	rm $account/token
	run 1 in_pod mrprober meeseeks --source kubernetes --check
	matches "$err" "cannot open '/var/run/secrets/kubernetes.io/serviceaccount/token'"
	rm $account/ca.crt
	run 1 in_pod mrprober meeseeks --source kubernetes --check
	matches "$err" "cannot read CA certificates '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt'"
}

has() { curl -s "$api_url$variable" | jq -e ".value == $1" >/dev/null; }
