# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# /openapi.json says exactly the routes that exist.

# A path with something in place of its parameters.
filled()
{
	say "$1" | sed -e "s/{sha256}/$(printf '%064d' 0)/" -e 's/{kind}/recipes/' -e 's/{[^}]*}/x/g'
}

test_document()
{
	start_api
	request GET /openapi.json
	expect 200 '.openapi | startswith("3.1")' '.info.title | type == "string"' '.info.version | test("^[0-9]+\\.[0-9]+")' \
		'.paths | length > 10' '[.paths[] | to_entries[] | select(.key | IN("get","put","post","patch","delete","head"))
			| .value | has("responses")] | all' \
		'[.paths | to_entries[] | .key as $path | [$path | scan("\\{([^}]*)\\}") | .[0]] as $names
			| .value as $item | ($item | to_entries[] | select(.key | IN("get","put","post","patch","delete","head")) | .value) as $op
			| (([$item.parameters // [], $op.parameters // []] | add | map(select(.in == "path") | .name) | sort) == ($names | sort))] | all'
	expect_header Content-Type 'application/json*'
	# every reference leads somewhere
	jq -r '[.. | objects | ."$ref"? // empty] | unique[]' "$body" >refs
	while IFS= read -r ref; do
		pointer=$(say "$ref" | sed 's|^#/||' | jq -Rc 'split("/") | map(gsub("~1"; "/") | gsub("~0"; "~"))')
		jq -e --argjson p "$pointer" 'getpath($p) != null' "$body" >/dev/null || fail "$ref leads nowhere"
	done <refs
	# what answers hold, and what is refused
	expect 200 '.components.schemas | .Recipe, .Cluster, .Prober | .properties.source.type == ["object", "null"]' \
		'.components.schemas.Cluster.properties.deploy.properties.max_destroy | .minimum == 0 and .maximum > 0' \
		'.paths["/v1/blobs/{sha256}"].head.responses["200"] | has("content") | not'
	# operation names are unique
	expect 200 '[.paths[][] | objects | .operationId // empty] | length == (unique | length)'
}

# Methods that a path does not list are refused with 405 and exactly the listed ones in Allow; those it lists are not.
test_routes_are_those()
{
	start_api
	curl -sS "$api_url/openapi.json" >openapi.json
	jq -r '.paths | keys[]' openapi.json >paths
	while IFS= read -r path; do
		# looks like a hash to the route beside it, which says that it is none
		[ "$path" != /v1/blobs/missing ] || continue
		listed=$(jq -r --arg path "$path" '.paths[$path] | keys | map(select(IN("get","put","post","patch","delete","head")) | ascii_upcase) | join(" ")' openapi.json)
		for method in GET PUT POST PATCH DELETE; do
			request $method "$(filled "$path")"
			case " $listed " in
			*" $method "*)
				[ "$status" != 405 ] || fail "$method $path is in the document and not allowed"
				if [ "$status" = 404 ]; then
					expect_problem 404 '.detail | test("x|0000")'
				fi
				;;
			*)
				expect_problem 405
				allow=$(header Allow | tr -d ' ' | tr , '\n' | grep -v -e OPTIONS -e HEAD | LC_ALL=C sort | tr '\n' ' ')
				want=$(say "$listed" | tr ' ' '\n' | grep -v HEAD | LC_ALL=C sort | tr '\n' ' ')
				expect_equal "Allow of $path" "$want" "$allow"
				;;
			esac
		done
	done <paths
}

# What the API promises (HEAD goes with every GET), and nothing of what it does not have yet.
test_routes_promised()
{
	start_api
	curl -sS "$api_url/openapi.json" >openapi.json
	jq -r '.paths | to_entries[] | .key as $p | .value | keys[] | select(IN("get","put","post","patch","delete"))
		| ascii_upcase + " " + $p' openapi.json | sed 's/{[^}]*}/{}/g' | LC_ALL=C sort >have
	while read -r path methods; do
		for method in $methods; do
			say "$method $path"
		done
	done <<'END' | sed 's/{[^}]*}/{}/g' | LC_ALL=C sort >want
/v1/state GET
/v1/recipes GET POST
/v1/clusters GET POST
/v1/probers GET POST
/v1/recipes/{slug} GET PATCH DELETE
/v1/clusters/{slug} GET PATCH DELETE
/v1/probers/{slug} GET PATCH DELETE
/v1/clusters/{slug}/variables GET
/v1/clusters/{slug}/variables/{name} GET PUT DELETE
/v1/clusters/{slug}/deployments GET POST
/v1/clusters/{slug}/deploy POST
/v1/deployments/{id} GET PATCH
/v1/deployments/{id}/approve POST
/v1/deployments/{id}/logs/{stage} GET
/v1/blobs/{sha256} PUT GET
/v1/blobs/missing POST
/v1/batch POST
/v1/leases/{name} GET POST PUT DELETE
/v1/agent-config GET
/v1/agents GET
/v1/agents/{cluster}/{host} GET PUT
/healthz GET
/readyz GET
/metrics GET
/openapi.json GET
/ GET
END
	expect_files 'the list of routes' want have
	for path in /v1/leases /v1/agents/c; do
		request GET "$path"
		expect_problem 404
	done
}
