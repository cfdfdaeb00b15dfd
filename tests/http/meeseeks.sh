# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# mrprober meeseeks against a real API and servers of nodes over real HTTP, whose pages fail, change and lie.

start_cluster()
{
	start_api
	request POST /v1/recipes '{"slug":"r"}'
	expect 201
	request POST /v1/clusters '{"slug":"meeseeks","recipe":"r","external_variables":["compute_nodes"]}'
	expect 201 '.state.status == "waiting"'
}

variable=/v1/clusters/meeseeks/variables/compute_nodes

# holds JQ-FILTER...: the variable as the API has it
holds()
{
	request GET $variable
	expect 200 '.owner == "meeseeks"' "$@"
}

set_nodes() # JSON [OWNER]
{
	request PUT "$variable?force=true" "{\"value\":$1,\"owner\":\"${2:-meeseeks}\"}"
	expect '200|201'
	etag=$(header ETag)
}

untouched()
{
	request GET $variable
	expect_equal 'the revision of the variable' "$etag" "$(header ETag)"
}

# make_pages PAGES SIZE [PREFIX]: files page1.json ... of a list of nodes that is not sorted, and page_rules for each
make_pages()
{
	awk -v pages="$1" -v size="$2" -v prefix="${3:-node}" 'BEGIN {
		for (p = 1; p <= pages; p++) {
			file = "page" p ".json"
			printf "{\"nodes\":[" >file
			for (i = 0; i < size; i++)
				printf "%s{\"id\":\"id-%d-%d\",\"name\":\"%s-%05d.example.net\",\"zoneId\":\"ru-central1-%s\",\"status\":\"UP\",\"labels\":{\"rack\":\"r%d\"}}", \
					(i ? "," : ""), p, i, prefix, (size - i) * pages - p + 1, substr("abd", i % 3 + 1, 1), i % 40 >file
			printf "]%s}", (p < pages ? ",\"nextPageToken\":\"t+/" p + 1 "\"" : "") >file
			close(file)
		}
	}'
}

# serve PAGES RULE...: the pages, after the rules; sets nodes_url
serve()
{
	[ -z "${fault_pid-}" ] || stop_faults
	rm -rf requests
	mkdir requests
	left=$1
	shift
	while [ "$left" -ge 1 ]; do
		set -- "$@" "GET $(page_glob "$left") file 200 application/json $MRP_SCRATCH/page$left.json"
		left=$((left - 1))
	done
	fault_upstream=''
	start_faults --save requests "$@"
	nodes_url=$fault_url/v1/nodes
	export YC_TOKEN=t1.s3cret
}

page_glob() # NUMBER: of a page's path
{
	if [ "$1" -eq 1 ]; then
		say '/v1/nodes[?]pageSize=1000'
	else
		say "/v1/nodes*pageToken=t%2B%2F$1"
	fi
}

asked() { find requests -name '*.head' | wc -l; }

# meeseeks CODE OPTION...: from the pages; says no secret
meeseeks()
{
	meeseeks_code=$1
	shift
	run "$meeseeks_code" mrprober meeseeks --source compute-admin --url "$nodes_url" "$@"
	never "$out" 's3cret'
	never "$err" 's3cret'
}

# from_file CODE TEXT OPTION...
from_file()
{
	file_code=$1
	printf '%b' "$2" >nodes
	shift 2
	run "$file_code" mrprober meeseeks --source file --file nodes "$@"
}

test_many_nodes()
{
	start_cluster
	make_pages 25 1000
	serve 25
	step 'what would be done'
	meeseeks 2 --check
	expect_equal 'additions' 25000 "$(grep -c '^+ node-[0-9]*\.example\.net$' "$out")"
	matches "$out" '^meeseeks/compute_nodes: 25000 to add, 0 to remove; 25000 nodes then$'
	expect_equal 'read until two readings agree' 50 "$(asked)"
	request GET $variable
	expect 404
	step 'it is done'
	meeseeks 0 --yes
	holds '.value | length == 25000 and . == (. | sort) and .[0] == "node-00001.example.net"'
	for head in requests/*.head; do
		grep -q '^Authorization: Bearer t1\.s3cret' "$head" || fail "$head: no token"
	done
	step 'nothing has changed: one reading, no word, no write'
	etag=$(header ETag)
	before=$(asked)
	meeseeks 0
	expect_equal 'what it says' '' "$(cat "$out" "$err")"
	expect_equal 'requests' 25 $(($(asked) - before))
	untouched
	step 'one goes, one comes'
	sed -i 's/node-00007\.example/node-x.example/' page*.json
	meeseeks 64
	matches "$err" "there is no terminal to ask on; pass '--yes'"
	untouched
	meeseeks 0 --yes --quiet
	printf '%s\n' 'meeseeks/compute_nodes: 1 to add, 1 to remove; 25000 nodes then' '+ node-x.example.net' \
		'- node-00007.example.net' >expected
	expect_files 'what it says' expected "$out"
}

test_filters_and_template()
{
	start_cluster
	make_pages 2 6
	serve 2
	meeseeks 0 --yes --zone '*-a' --zone ru-central1-b --label rack --label 'rack!=r1' --template '{host: name, zone, rack: labels.rack}'
	holds '.value | length == 6' '[.value[].zone] | unique == ["ru-central1-a", "ru-central1-b"]' \
		'[.value[].rack] | unique == ["r0", "r3", "r4"]' '.value[0] | keys_unsorted == ["host", "zone", "rack"]'
	step 'another form of the same nodes removes none of them'
	meeseeks 0 --yes --zone '*-a' --zone ru-central1-b --label rack --label 'rack!=r1'
	matches "$out" '0 to add, 0 to remove, 6 to change; 6 nodes then'
	holds '.value | all(type == "string")'
	step 'a filter that nothing fits'
	meeseeks 3 --yes --zone nowhere
	matches "$err" 'the list of nodes is empty'
}

test_pages_that_fail()
{
	start_cluster
	make_pages 5 4
	set_nodes '["n1"]'
	for page in 1 3 5; do
		for fault in 'status 500' 'status 403' 'json {"nodes":7}'; do
			step "page $page: $fault"
			serve 5 "GET $(page_glob $page) $fault"
			meeseeks 1 --yes --max-removal 100%
			matches "$err" "cannot read the list of nodes: page $page: "
			untouched
		done
	done
	for fault in html close reset garbage 'redirect http://127.0.0.1:1/' 'json {"nodes":[' 'json {"nodes":[{"id":"x"}]}' \
		'json {"nodes":[7]}' 'json {"error":"x"}' 'json []' 'json null' 'json {"nodes":[{"name":"a\u0000"}]}' \
		'json {"nodes":[],"nextPageToken":"t+/3"}' 'json {"nodes":[],"nextPageToken":"t+/2"}' 'json {"nodes":[],"nextPageToken":7}' \
		"part 60 $MRP_SCRATCH/page1.json"; do
		step "$fault"
		serve 5 "GET $(page_glob 3) $fault"
		meeseeks 1 --yes --max-removal 100%
		matches "$err" '^mrprober: cannot read the list of nodes: page 3'
		[ "$(wc -l <"$err")" -eq 1 ] || fail "not one message: $(cat "$err")"
		untouched
	done
	step 'a page that is too large'
	{ printf '{"nodes":[{"name":"n1","x":"' && head -c 70000000 /dev/zero | tr '\0' a && printf '"}]}'; } >huge.json
	serve 5 "GET $(page_glob 3) file 200 application/json $MRP_SCRATCH/huge.json"
	meeseeks 1 --yes --max-removal 100%
	matches "$err" 'answered 200 with too much'
	rm huge.json
	step 'a token does not follow a redirect'
	serve 5 "GET $(page_glob 3) redirect $fault_url/elsewhere"
	meeseeks 1 --yes --max-removal 100%
	matches "$err" "answered 302, which is not followed, to 'http://127.0.0.1:[0-9]*/elsewhere'"
	! grep -q elsewhere requests/*.head || fail 'it was followed'
	step 'a page that never comes'
	serve 5 "GET $(page_glob 4) hang"
	meeseeks 1 --yes --max-removal 100% --timeout 100ms
	untouched
	step 'nobody there'
	stop_faults
	meeseeks 1 --yes
	untouched
}

test_pages_that_recover()
{
	start_cluster
	make_pages 5 4
	for fault in 'status 503 0' 'status 429 0' 'status 500' close reset 'status 401'; do
		step "$fault"
		set_nodes '[]'
		serve 5 "GET $(page_glob 2) times 1 $fault" "GET $(page_glob 5) times 1 $fault"
		meeseeks 0 --yes
		holds '.value | length == 20'
	done
}

# Servers that list by position lose a node when another one goes between two pages.
test_list_that_changes()
{
	start_cluster
	make_pages 3 4
	set_nodes '["old"]'
	sed 's/"name":"node-00008/"name":"node-00009/' page2.json >other.json
	sed 's/"name":"node-00008/"name":"node-00010/' page2.json >third.json
	other="file 200 application/json $MRP_SCRATCH/other.json"
	third="file 200 application/json $MRP_SCRATCH/third.json"
	step 'once'
	serve 3 "GET $(page_glob 2) times 1 $other"
	meeseeks 2 --check
	expect_equal 'requests' 9 "$(asked)"
	matches "$out" '^\+ node-00008'
	step 'a node on two pages: known at once, and read again all the same'
	sed 's/"name":"node-00008/"name":"node-00012/' page2.json >other.json
	serve 3 "GET $(page_glob 2) times 1 $other"
	meeseeks 2 --check
	expect_equal 'requests' 9 "$(asked)"
	step 'a server that always lists a node twice'
	serve 3 "GET $(page_glob 2) $other"
	meeseeks 2 --check
	matches "$out" '11 nodes then'
	expect_equal 'requests' 6 "$(asked)"
	step 'and says something else each time'
	sed -i 's/"name":"node-00012[^}]*"UP"/&,"x":1/' other.json
	meeseeks 3 --yes --max-removal 100% --template '{name, x}'
	untouched
	step 'a server that counts'
	sed 's/^{/{"totalSize":12,/' page1.json >counted1.json
	sed 's/^{/{"totalSize":11,/' page2.json >counted2.json
	serve 3 "GET $(page_glob 1) file 200 application/json $MRP_SCRATCH/counted1.json" \
		"GET $(page_glob 2) file 200 application/json $MRP_SCRATCH/counted2.json"
	meeseeks 3 --yes --max-removal 100%
	matches "$err" 'the list of nodes has changed while it was read, 5 times'
	untouched
	step 'all the time'
	serve 3 "GET $(page_glob 2) times 1 $other" "GET $(page_glob 2) times 1 $third" "GET $(page_glob 2) skip 1 times 1 $other" \
		"GET $(page_glob 2) skip 1 times 1 $third"
	sed -i 's/"name":"node-00012/"name":"node-00013/' other.json
	meeseeks 3 --yes --max-removal 100%
	expect_equal 'requests' 15 "$(asked)"
	untouched
	step 'expired pages'
	serve 3 "GET $(page_glob 3) times 1 status 410"
	meeseeks 0 --yes --max-removal 100%
	holds '.value | length == 12'
}

# What servers write in place of lists and tokens.
test_forms_of_pages()
{
	start_cluster
	fault_upstream=''
	export YC_TOKEN=t1.s3cret
	step 'names as protobuf has them'
	start_faults 'GET *pageToken=b json {"nodes":[{"name":"b"}],"total_size":2}' 'GET * json {"nodes":[{"name":"a"}],"next_page_token":"b","total_size":2}'
	nodes_url=$fault_url/v1/nodes
	meeseeks 0 --yes
	holds '.value == ["a", "b"]'
	etag=$(header ETag)
	step 'null for an empty list, and no list'
	for text in '{"nodes":null}' '{}' '{"nodes":[],"nextPageToken":null}' '{"nodes":[],"nextPageToken":""}'; do
		stop_faults
		start_faults "GET * json $text"
		nodes_url=$fault_url/v1/nodes
		meeseeks 3 --yes
		matches "$err" 'the list of nodes is empty'
		meeseeks 2 --check --allow-empty --max-removal 100%
	done
	untouched
}

# An option of another source is a mistake, and a silent one would be.
test_options_of_others()
{
	start_cluster
	for row in '--file x:a file is for source file, not for kubernetes' '--command x:a command is for source command' \
		'--query a=b:a query is for source compute-admin'; do
		# shellcheck disable=SC2086 # two words
		run 64 mrprober meeseeks --source kubernetes --url http://127.0.0.1:1 ${row%%:*} --yes
		matches "$err" "${row#*:}"
	done
	run 64 mrprober meeseeks --source file --file x --url http://127.0.0.1:1 --yes
	run 64 mrprober meeseeks --source file --file x --kubeconfig x --yes
}

# Lists that another form or another hand has left in the variable.
test_what_is_there()
{
	start_cluster
	for row in '{"a":1} + a' '"a" + a' '[1,null,["x"],{"q":2}] + a' '["b","a"] form' '["a","b","b"] form' '["a"] + b'; do
		set_nodes "${row%% *}"
		from_file 2 'a\nb\n' --check
		case ${row#* } in
		form) matches "$out" '0 to add, 0 to remove; 2 nodes then, written in another form$' ;;
		*) matches "$out" "^\\${row#* }\$" ;;
		esac
		from_file 0 'a\nb\n' --yes
		holds '.value == ["a", "b"]'
	done
	step 'what is sensitive cannot be compared'
	request PATCH /v1/clusters/meeseeks '{"sensitive_variables":["compute_nodes"]}'
	expect 200
	from_file 3 'a\nb\n' --yes
	matches "$err" 'is sensitive, so it cannot be seen what it holds'
}

test_guards()
{
	start_cluster
	set_nodes '["n01","n02","n03","n04","n05","n06","n07","n08","n09","n10"]'
	from_file 3 '' --yes
	matches "$err" 'the list of nodes is empty; --allow-empty lets it be'
	untouched
	from_file 3 '' --yes --max-removal 100%
	from_file 3 '' --check
	from_file 3 'n01\nn02\nn03\nn04\nn05\nn06\nn07\nx\ny\nz\n' --yes
	matches "$err" '3 of 10 nodes would be removed, more than 20%; --max-removal allows more'
	untouched
	step 'what would be refused is shown by --check, too'
	from_file 2 'n01\n' --check
	matches "$err" 'writing this would be refused: 9 of 10 nodes'
	from_file 3 'n01\nbad_name\n-x\n' --yes
	matches "$err" "'-x', 'bad_name' are no host names"
	from_file 1 '[' --yes
	matches "$err" 'cannot read the list of nodes: nodes is not valid JSON'
	run 1 mrprober meeseeks --source file --file /nonexistent --yes
	untouched
	step 'names that only look different, and those that are none'
	from_file 3 'n01\nn02\nN02\n' --yes --max-removal 100%
	matches "$err" "'(n02|N02)' and '(n02|N02)' are one host name"
	for name in 'n1.' 'n 1' '\0321\0203' 'a,b' 'a\0033[31m'; do
		from_file 3 "$name\\n" --yes --max-removal 100%
		matches "$err" "^mrprober: '.*' is no host name\$"
	done
	untouched
	step 'what is allowed'
	from_file 0 'N01\nn02\n' --yes --max-removal 100%
	set_nodes '["n01","n02","n03","n04","n05","n06","n07","n08","n09","n10"]'
	from_file 0 'n01\nn02\nn03\nn04\nn05\nn06\nn07\nn08\n' --yes
	from_file 0 'n01\n' --yes --max-removal 7
	from_file 0 '' --yes --allow-empty
	matches "$out" '^- n01$'
	from_file 3 '' --yes
	from_file 0 '' --allow-empty
	holds '.value == []'
}

test_owners()
{
	start_cluster
	set_nodes '["a"]' manual
	from_file 3 'a\nb\n' --yes
	matches "$err" "variable 'compute_nodes' of cluster 'meeseeks' belongs to 'manual', not to 'meeseeks'"
	from_file 3 'a\n' --check
	untouched
	set_nodes '["a"]' synchronize
	from_file 3 'a\nb\n' --yes
	untouched
	step 'initial values are there to be taken over'
	set_nodes '["a"]' initial
	from_file 0 'a\nb\n' --yes
	holds '.value == ["a", "b"]'
	step 'no cluster'
	from_file 1 'a\n' --yes --cluster none
	matches "$err" "cluster 'none' is not there"
	run 69 env MRPROBER_API_URL=http://127.0.0.1:1 mrprober meeseeks --source file --file nodes --yes
}

# Somebody else writes at the same time; an answer gets lost.
test_races()
{
	start_cluster
	for fault in 'times 1 status 412' 'times 1 drop' 'times 1 close' 'times 2 status 503 0'; do
		step "$fault"
		set_nodes '["a"]'
		start_faults "PUT * $fault"
		from_file 0 'a\nb\n' --yes --api-url "$fault_url"
		holds '.value == ["a", "b"]'
		stop_faults
	done
	step 'always somebody else'
	set_nodes '["a"]'
	start_faults 'PUT * status 412'
	from_file 75 'a\nb\n' --yes --api-url "$fault_url"
	untouched
}

test_command()
{
	start_cluster
	cat >list.sh <<'END'
#!/bin/sh
[ -z "${MRPROBER_TOKEN-}" ] || exit 9
printf '[{"name": "%s", "zone": "z"}]' "$@"
END
	chmod +x list.sh
	export MRPROBER_TOKEN=not-for-it
	run 0 mrprober meeseeks --source command --command "./list.sh 'n1'" --template '{name, zone}' --yes
	holds '.value == [{"name": "n1", "zone": "z"}]'
	etag=$(header ETag)
	step 'no shell, and names are checked'
	run 3 mrprober meeseeks --source command --command './list.sh "$(id)"' --yes
	matches "$err" 'is no host name'
	for row in '/nonexistent/x:cannot start' 'sh -c "echo n1; echo no luck >&2; exit 3":ended with status 3: no luck' \
		'sh -c "kill -9 \$\$":ended by signal 9' 'sleep 60:took too long'; do
		step "${row%%:*}"
		run 1 mrprober meeseeks --source command --command "${row%%:*}" --timeout 300ms --yes
		matches "$err" "${row#*:}"
	done
	run 64 mrprober meeseeks --source command --command "'x" --yes
	untouched
}

# kubernetes CODE OPTION...
kubernetes()
{
	kube_code=$1
	shift
	run "$kube_code" mrprober meeseeks --source kubernetes "$@"
	never "$err" 's3cret'
}

kube_page() # FILE CONTINUE VERSION NAME=STATUS...
{
	kube_file=$1 kube_next=$2 kube_version=$3
	shift 3
	for node; do
		say "{\"metadata\":{\"name\":\"${node%=*}\",\"labels\":{\"pool\":\"${node%-*}\"}},
			\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"${node#*=}\"}],
			\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.0.0.1\"}]}}"
	done | jq -s --arg next "$kube_next" --arg version "$kube_version" \
		'{kind: "NodeList", metadata: {resourceVersion: $version, continue: $next}, items: .}' >"$kube_file"
}

test_kubernetes()
{
	start_cluster
	kube_page k1.json 'a+b' 7 gpu-1=True cpu-1=True
	kube_page k2.json 'c/d' 7 gpu-2=False cpu-2=True
	kube_page k3.json '' 7 gpu-3=True cpu-3=Unknown
	kube_page k2other.json 'c/d' 8 gpu-2=False
	echo s3cret >token
	mkdir requests
	answer="file 200 application/json $MRP_SCRATCH"
	fault_upstream=''
	start_faults --save requests "GET *continue=a%2Bb times 1 status 410" \
		"GET *continue=a%2Bb times 1 $answer/k2other.json" \
		"GET *continue=a%2Bb $answer/k2.json" "GET *continue=c%2Fd $answer/k3.json" "GET /api/v1/nodes[?]limit=2 $answer/k1.json" \
		"GET /wrong/* json {\"kind\":\"PodList\",\"items\":[]}"
	cat >kubeconfig <<END
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: me}}]
clusters: [{name: lab, cluster: {server: "$fault_url"}}]
users: [{name: me, user: {tokenFile: token}}]
END
	KUBECONFIG=kubeconfig kubernetes 0 --page-size 2 --state Ready --label 'pool!=x*' --template '{name, state, address}' --yes
	holds '[.value[].name] == ["cpu-1", "cpu-2", "gpu-1", "gpu-3"]' \
		'.value[0] == {"name": "cpu-1", "state": "Ready", "address": "10.0.0.1"}'
	expect_equal 'requests: expired, changed, and two that agree' 11 "$(asked)"
	for head in requests/*.head; do
		matches "$head" '^Authorization: Bearer s3cret'
	done
	step 'a label, and no kubeconfig'
	kubernetes 0 --url "$fault_url" --source-token-file token --page-size 2 --label pool=gpu --max-removal 100% --yes
	holds '.value == ["gpu-1", "gpu-2", "gpu-3"]'
	etag=$(header ETag)
	step 'what is no list of nodes'
	kubernetes 1 --url "$fault_url/wrong" --yes --allow-empty --max-removal 100%
	matches "$err" 'no NodeList'
	kubernetes 64 --yes
	matches "$err" 'this is no pod of Kubernetes'
	kubernetes 64 --url http://k8s.example.net --source-token-file token --yes
	matches "$err" 'secrets do not go there'
	kubernetes 1 --url "$fault_url" --source-token-file /nonexistent --yes
	untouched
}

# A token that may do this and nothing else; a tree that names the variable as somebody else's.
test_with_token_and_tree()
{
	mkdir -p recipes/r clusters
	printf 'mrprober: 1\nenvironments: {prod: {}}\nrequired_variables: []\n' >mrprober.yaml
	echo 'name: R' >recipes/r/recipe.yaml
	printf 'recipe: r\nexternal_variables: [compute_nodes]\n' >clusters/meeseeks.yaml
	mrprober api migrate --quiet --database "$database"
	mrprober api token create --database "$database" --role admin --name a >admin.token
	mrprober api token create --database "$database" --role meeseeks --variable meeseeks/compute_nodes --name m >own.token
	mrprober api token create --database "$database" --role meeseeks --variable other/compute_nodes --name o >other.token
	start_api
	MRPROBER_TOKEN_FILE=admin.token run 0 mrprober synchronize --yes
	export MRPROBER_TOKEN_FILE=other.token
	from_file 77 'n1\nn2\n' --yes
	MRPROBER_TOKEN_FILE=own.token
	from_file 0 'n1\nn2\n' --yes --deploy
	from_file 0 'n1\nn2\nn3\n' --yes
	export MRPROBER_TOKEN_FILE=admin.token
	run 0 mrprober synchronize --check --quiet
	expect_equal 'what synchronize would do' '' "$(cat "$out")"
	sed -i '1i name: Another' clusters/meeseeks.yaml
	run 0 mrprober synchronize --yes
	run 0 mrprober api-client get cluster meeseeks -o json
	jq -e '.variables.compute_nodes | .value == ["n1", "n2", "n3"] and .owner == "meeseeks"' "$out"
}

test_several_variables()
{
	start_cluster
	mkdir conf
	printf 'a\nb\n' >conf/list
	cat >conf/meeseeks.yaml <<'END'
mappings:
  - {variable: first, source: file, file: list, template: {name, host: name}}
  - {variable: broken, source: file, file: nothing}
  - variable: last
    source: command
    command: [printf, 'x\ny\n']
    zones: []
    max_removal: 50%
END
	run 1 mrprober meeseeks --config conf/meeseeks.yaml --yes --metrics-file metrics
	matches "$err" "^mrprober: meeseeks/broken: cannot read the list of nodes: cannot open 'conf/nothing'"
	for row in 'first [{"name":"a","host":"a"},{"name":"b","host":"b"}]' 'last ["x","y"]'; do
		request GET "/v1/clusters/meeseeks/variables/${row%% *}"
		expect 200 ".value == ${row#* }"
	done
	matches metrics '^mrprober_meeseeks_failed\{cluster="meeseeks",variable="broken"\} 1$'
	matches metrics '^mrprober_meeseeks_added_total\{cluster="meeseeks",variable="first"\} 2$'
	step 'the same status for all: that one'
	sed -i 's/file: nothing/file: empty/' conf/meeseeks.yaml
	: >conf/empty
	run 3 mrprober meeseeks --config conf/meeseeks.yaml --yes
	echo c >>conf/list
	echo q >conf/empty
	run 2 mrprober meeseeks --config conf/meeseeks.yaml --check
	step 'what was refused is let pass once; what else belongs to one mapping has no place there'
	run 0 mrprober meeseeks --config conf/meeseeks.yaml --yes
	: >conf/empty
	run 3 mrprober meeseeks --config conf/meeseeks.yaml --yes
	run 0 mrprober meeseeks --config conf/meeseeks.yaml --yes --allow-empty --max-removal 100%
	for row in '--url http://127.0.0.1' '--zone x' '--template name' '--timeout 5s' '--auth none' '--source file'; do
		# shellcheck disable=SC2086 # two words
		run 64 mrprober meeseeks --config conf/meeseeks.yaml --yes $row
		matches "$err" "so ${row%% *} makes no sense with it"
	done
	step 'mistakes, all of them'
	cat >conf/meeseeks.yaml <<'END'
mappings:
  - {source: fiel, file: list}
  - {source: file, fil: list}
  - {source: file, file: list, timeout: 5}
END
	run 65 mrprober meeseeks --config conf/meeseeks.yaml --yes
	matches "$err" "^conf/meeseeks.yaml:2:14: mappings\[0\]\.source: 'fiel' is not one of"
	matches "$err" "fil: unknown key \(did you mean 'file'\?\)"
	matches "$err" '3 mistakes'
	printf 'mappings:\n- {source: file, file: a}\n- {source: file, file: b}\n' >conf/meeseeks.yaml
	run 65 mrprober meeseeks --config conf/meeseeks.yaml --yes
	matches "$err" "variable 'compute_nodes' of cluster 'meeseeks' has two mappings"
	printf 'mappings:\n- {source: file}\n' >conf/meeseeks.yaml
	run 65 mrprober meeseeks --config conf/meeseeks.yaml --yes
	run 65 mrprober meeseeks --config nothing.yaml --yes
	run 64 mrprober meeseeks --config conf/meeseeks.yaml --source file --yes
}

# json FILTER...: each must say true of what was printed, which is one document
json()
{
	jq -s -e 'length == 1 and .[0].format_version == 1' "$out" >/dev/null || fail "no document: $(cat "$out")"
	for filter; do
		jq -e "$filter" "$out" >/dev/null || fail "not true: $filter: $(cat "$out")"
	done
}

test_json()
{
	start_cluster
	step 'one variable'
	from_file 2 'a\nb\n' --check --format json
	json '.variables == [{cluster: "meeseeks", variable: "compute_nodes", status: "differs", nodes: 2, added: ["a", "b"],
		removed: [], changed: [], error: null}]'
	from_file 64 'a\nb\n' --format json
	json '.variables[0] | .status == "differs" and .error.exit_code == 64'
	from_file 0 'a\nb\n' --yes --format json
	json '.variables[0] | .status == "written" and .added == ["a", "b"] and .error == null'
	from_file 0 'a\nb\n' --yes --format json --quiet
	json '.variables[0] | .status == "in-sync" and .nodes == 2 and .added == []'
	from_file 0 'a\nb\n' --yes --format json --template '{name}'
	json '.variables[0] | .status == "written" and .changed == ["a", "b"]'
	step 'refused, and what would be'
	from_file 2 'a\n' --check --format json
	json '.variables[0] | .status == "differs" and .removed == ["b"] and .error.exit_code == 3 and
		(.error.message | test("would be refused: 1 of 2 nodes"))'
	from_file 3 'a\n' --yes --format json
	json '.variables[0] | .status == "refused" and .removed == ["b"] and .error.exit_code == 3'
	from_file 3 '' --check --format json
	json '.variables[0] | .status == "refused" and .nodes == 0'
	from_file 3 'a\nb_\n' --check --format json
	step 'failed'
	run 1 mrprober meeseeks --source file --file nothing --yes --format json
	json '.variables[0] | .status == "failed" and .nodes == null and .error.exit_code == 1 and (.error.message | test("nothing"))'
	run 69 env MRPROBER_API_URL=http://127.0.0.1:1 mrprober meeseeks --source file --file nodes --yes --format json
	json '.variables[0].error.exit_code == 69'
	step 'written, and yet something failed'
	start_faults 'POST */deploy status 403'
	from_file 77 'a\nb\nc\n' --yes --deploy --format json --api-url "$fault_url"
	json '.variables[0] | .status == "written" and .added == ["c"] and .error.exit_code == 77'
	stop_faults
	step 'before there is a variable to speak of'
	run 64 mrprober meeseeks --source compute-admin --yes --format json
	json '.error.exit_code == 64'
	run 64 mrprober meeseeks --source file --file nodes --yes --loop 1s --format json
	json '.error.exit_code == 64'
	printf 'mappings:\n- {source: fiel}\n- {source: file, fil: x}\n' >bad.yaml
	run 65 mrprober meeseeks --config bad.yaml --yes --format json
	json '.error.exit_code == 65' '.problems | length == 2 and .[0].line == 2'
	step 'several'
	printf 'x\n' >x
	printf 'mappings:\n- {variable: one, source: file, file: x}\n- {variable: two, source: file, file: none}\n- {variable: three, source: file, file: x}\n' >all.yaml
	run 1 mrprober meeseeks --config all.yaml --yes --format json
	json '[.variables[] | .variable + " " + .status] == ["one written", "two failed", "three written"]'
	matches "$err" '^mrprober: meeseeks/two: cannot read'
	step 'a full disk is no success'
	[ ! -e /dev/full ] || run 1 sh -c 'mrprober meeseeks --source file --file x --variable one --format json >/dev/full'
}

cleanup_more()
{
	for meeseeks_child in ${loop_pid-} ${notified_pid-}; do
		kill "$meeseeks_child" 2>/dev/null
	done
	[ "$result" -eq 0 ] || [ ! -s loop.log ] || cat loop.log
}

value_is() { curl -s "$api_url$variable" | jq -e ".value == $1" >/dev/null; }

test_loop()
{
	start_cluster
	"$MRP_BUILD/tests/notified" "$MRP_SCRATCH/notify.sock" >heard &
	notified_pid=$!
	until_true test -S notify.sock
	printf 'a\nb\n' >nodes
	run 64 mrprober meeseeks --loop 1s --source file --file nodes
	NOTIFY_SOCKET=$MRP_SCRATCH/notify.sock mrprober meeseeks --loop 100ms --source file --file nodes --yes \
		--metrics-file metrics 2>loop.log &
	loop_pid=$!
	until_true value_is '["a", "b"]'
	until_true grep -q '^READY=1' heard
	step 'a node more'
	printf 'a\nb\nc\n' >next
	mv next nodes
	until_true value_is '["a", "b", "c"]'
	until_true grep -q 'written, 3 nodes; added c$' loop.log
	until_true grep -q '^mrprober_meeseeks_added_total{cluster="meeseeks",variable="compute_nodes"} 3$' metrics
	step 'a source that fails, and comes back'
	mv nodes away
	until_true grep -q 'error: meeseeks/compute_nodes: cannot read the list of nodes' loop.log
	until_true grep -q '1 failed' heard
	until_true grep -q '^mrprober_meeseeks_failed{.*} 1$' metrics
	mv away nodes
	until_true grep -q '^mrprober_meeseeks_failed{.*} 0$' metrics
	step 'the end'
	kill -TERM $loop_pid
	code=0
	wait $loop_pid || code=$?
	loop_pid=
	expect_equal 'status after SIGTERM' 0 $code
	until_true grep -q '^STOPPING=1' heard
	never heard '^WATCHDOG'
}

# The manager hears of it while it sleeps, while a command takes its time, and while servers do; then SIGTERM ends each.
test_watchdog()
{
	start_cluster
	"$MRP_BUILD/tests/notified" "$MRP_SCRATCH/notify.sock" >heard &
	notified_pid=$!
	until_true test -S notify.sock
	asked_once() { [ "$(asked)" -ge 1 ]; }
	alive_often() { [ "$(grep -c '^WATCHDOG=1' heard)" -ge 5 ]; }
	serve 1 'GET * hang'
	printf 'a\n' >nodes
	for row in "--source file --file nodes" "--source command --command 'sh -c \"touch begun; exec sleep 500\"'" \
		"--source compute-admin --url $nodes_url"; do
		step "$row"
		: >heard
		say "exec mrprober meeseeks --loop 1h --yes --timeout 1h $row" >looping
		NOTIFY_SOCKET=$MRP_SCRATCH/notify.sock WATCHDOG_USEC=400000 sh looping 2>loop.log &
		loop_pid=$!
		case $row in
		*command*) until_true test -e begun ;;
		*admin*) until_true asked_once ;;
		*) until_true value_is '["a"]' ;;
		esac
		: >heard
		until_true alive_often
		kill -TERM $loop_pid
		code=0
		wait $loop_pid || code=$?
		loop_pid=
		expect_equal 'status after SIGTERM' 0 $code
	done
}

test_unit()
{
	command -v systemd-analyze >/dev/null || skip 'systemd-analyze is not installed'
	sed "s|^ExecStart=[^ ]*|ExecStart=$MRP_BUILD/mrprober|" "$MRP_BUILD/mrprober-meeseeks.service" >mrprober-meeseeks.service
	# of units that are not installed here, and man pages, nothing is to be said
	systemd-analyze verify --man=no ./mrprober-meeseeks.service >said 2>&1 || :
	never said mrprober-meeseeks
}

# SIGTERM while a server keeps it waiting.
test_loop_that_waits()
{
	start_cluster
	serve 1 'GET * hang'
	mrprober meeseeks --loop 1s --source compute-admin --url "$nodes_url" --yes 2>loop.log &
	loop_pid=$!
	asked_once() { [ "$(asked)" -ge 1 ]; }
	until_true asked_once
	kill -TERM $loop_pid
	code=0
	wait $loop_pid || code=$?
	loop_pid=
	expect_equal 'status after SIGTERM' 0 $code
}

test_check_auth()
{
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null |
		jq -Rs '{id: "ajek", service_account_id: "ajea", private_key: .}' >key.json
	fault_upstream=''
	start_faults '* /good json {"iamToken":"t1.s3cret"}' '* /refused status 401' \
		'* /meta json {"access_token":"t1.s3cret","expires_in":3000}'
	check_auth() # CODE FIRST-LINE OPTION...
	{
		auth_code=$1 auth_line=$2
		shift 2
		run "$auth_code" mrprober config check-auth "$@"
		expect_equal 'who answers' "$auth_line" "$(head -n 1 "$out")"
		never "$out" s3cret
		never "$err" s3cret
	}
	check_auth 0 'authorized key ajek of service account ajea (from key.json)' --sa-key-file key.json --iam-token-url "$fault_url/good"
	check_auth 77 'authorized key ajek of service account ajea (from key.json)' --sa-key-file key.json --iam-token-url "$fault_url/refused"
	check_auth 0 "service account of this machine (from $fault_url/meta)" --iam-metadata-url "$fault_url/meta"
	check_auth 69 'service account of this machine (from http://127.0.0.1:1)' --iam-metadata-url http://127.0.0.1:1
	YC_TOKEN=t1.s3cret check_auth 0 'IAM token from YC_TOKEN'
	YC_TOKEN='t1.s3cret x' check_auth 65 ''
	step 'why, and for whom'
	chmod 600 key.json
	YC_TOKEN=t1.s3cret MR_PROBER_SA_AUTHORIZED_KEY=s3cret S3_LOGS_BUCKET=logs S3_ACCESS_KEY_ID=AKID S3_SECRET_ACCESS_KEY=s3cret \
		MRPROBER_SOURCE_TOKEN_FILE=own.token MRPROBER_PUSH_MONITORING_FOLDER=b1g \
		check_auth 0 'authorized key ajek of service account ajea (from key.json)' --sa-key-file key.json --iam-token-url "$fault_url/good"
	cat >expected <<'END'
authorized key ajek of service account ajea (from key.json)
1. authorized key: the first that is set (key.json; MR_PROBER_SA_AUTHORIZED_KEY is set, too, and not used)
2. IAM token: YC_TOKEN is set, but not used: it comes later
3. service account of this machine: not asked: it comes later
meeseeks asks with the token in 'own.token' (MRPROBER_SOURCE_TOKEN_FILE)
S3 gets access key AKID (S3_ACCESS_KEY_ID)
Yandex Monitoring gets an IAM token of this identity
a token was given
END
	expect_files 'what it says' expected "$out"
	S3_LOGS_BUCKET=logs check_auth 0 "service account of this machine (from $fault_url/meta)" --iam-metadata-url "$fault_url/meta"
	matches "$out" '^1\. authorized key: neither --sa-key-file nor MR_PROBER_SA_AUTHORIZED_KEY is set$'
	matches "$out" '^2\. IAM token: YC_TOKEN is not set$'
	matches "$out" '^S3 gets an IAM token of this identity$'
	matches "$out" '^a token was given; it ends in (49m|50m), at 20[0-9-]*T[0-9:.]*Z$'
	S3_ACCESS_KEY_ID=AKID check_auth 69 'service account of this machine (from http://127.0.0.1:1)' --iam-metadata-url http://127.0.0.1:1
	matches "$out" '^S3 gets nothing, as its settings are wrong: '
	step 'for programs, whatever happens'
	run 0 mrprober config check-auth --format json --iam-metadata-url "$fault_url/meta"
	json '.identity | test("^service account")' '.token | .given and (.expires_at | sub("[.][0-9]+"; "") | fromdate) > now' \
		'[.chain[].chosen] == [false, false, true]' '.chain[0].set_by == null' '.consumers | keys == ["meeseeks", "monitoring", "s3"]' \
		'.error == null' '.warning == null'
	run 77 mrprober config check-auth --format json --sa-key-file key.json --iam-token-url "$fault_url/refused"
	json '.error.exit_code == 77' '.token == {given: false, expires_at: null}' '.identity | test("ajek")'
	YC_TOKEN='t1.s3cret x' run 65 mrprober config check-auth --format json
	json '.error.exit_code == 65' '.identity == null' '.chain[1].chosen'
	never "$out" s3cret
	chmod 644 key.json
	run 0 mrprober config check-auth --format json --sa-key-file key.json --iam-token-url "$fault_url/good"
	json '.warning | test("everybody can read it")'
	step 'the key goes to the server of nodes as a token'
	start_cluster
	make_pages 1 3
	stop_faults
	mkdir requests
	fault_upstream=''
	start_faults --save requests 'POST /good json {"iamToken":"t1.s3cret"}' \
		"GET /v1/nodes* file 200 application/json $MRP_SCRATCH/page1.json"
	run 0 mrprober meeseeks --source compute-admin --url "$fault_url/v1/nodes" --sa-key-file key.json --iam-token-url "$fault_url/good" \
		--query folderId='a&b' --yes
	matches requests/2.head '^GET /v1/nodes\?pageSize=1000&folderId=a%26b HTTP'
	matches requests/2.head '^Authorization: Bearer t1\.s3cret'
	step 'nobody asks'
	run 0 mrprober meeseeks --source compute-admin --url "$fault_url/v1/nodes" --auth none
	never requests/3.head Authorization
	step 'a token that is not accepted any more, for good or once: another one is asked for, once'
	for row in '1 times 1' '0 times 9'; do
		stop_faults
		rm requests/*
		start_faults --save requests 'POST /good json {"iamToken":"t1.s3cret"}' "GET /v1/nodes* ${row#* } status 401" \
			"GET /v1/nodes* file 200 application/json $MRP_SCRATCH/page1.json"
		run $((1 - ${row%% *})) mrprober meeseeks --source compute-admin --url "$fault_url/v1/nodes" --sa-key-file key.json \
			--iam-token-url "$fault_url/good"
		expect_equal 'requests for tokens' 2 "$(grep -l '^POST /good' requests/*.head | wc -l)"
		expect_equal 'requests for nodes' 2 "$(grep -l '^GET /v1/nodes' requests/*.head | wc -l)"
	done
	run 64 mrprober meeseeks --source compute-admin --url http://nodes.example.net/ --sa-key-file key.json
}
