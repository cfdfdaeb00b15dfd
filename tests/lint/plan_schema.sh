# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The JSON of synchronize is what its shipped schema says.

test_plan_schema()
{
	python3 -c 'import jsonschema' 2>/dev/null || skip 'python3-jsonschema is not installed'
	cat >validate.py <<'END'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
bad = 0
for name in sys.argv[2:]:
    for error in validator.iter_errors(json.load(open(name))):
        print(name, list(error.absolute_path), error.message)
        bad = 1
sys.exit(bad)
END
	mkdir plans tree
	cd tree || exit 1
	cp -R "$MRP_ROOT/tests/fixtures/basic/." .
	start_api
	n=0
	plan()
	{
		n=$((n + 1))
		mrprober synchronize --format json "$@" >"../plans/$n.json" || :
	}
	plan --check
	plan --yes
	plan --check
	# an update of each kind, one that fails, a conflict, an unmanaged object, a waiting one, a delete
	request PUT '/v1/clusters/net/variables/zones?force=true' '{"value":["by hand"]}'
	request POST /v1/clusters/net/deployments '{"status":"applied","creator":"test"}'
	cp -R probers/dns probers/other
	sed -i 's/30s/1m/' probers/dns/prober.yaml
	printf 'a: {b: null}\n' >>recipes/vm/values.yaml
	printf '  secret: !env SECRET\n' >>clusters/net/cluster.yaml
	export SECRET=sesame
	start_faults 'POST /v1/probers status 422'
	plan --check
	MRPROBER_API_URL=$fault_url plan --yes
	stop_faults
	plan --yes --atomic
	rm -r probers/other clusters/net
	plan --check
	plan --yes --prune
	plan --check --prune
	cd .. || exit 1
	schema=$MRP_ROOT/lib/sync/plan.schema.json
	python3 validate.py "$schema" plans/*.json || fail 'a plan is not what the schema says'
	# every part of the schema was needed, and it does refuse
	jq -es 'map(.conflicts, .unmanaged, .changes, [.results // empty] | length > 0) | any' plans/*.json >/dev/null
	for part in '.conflicts[0]' '.unmanaged[0]' '.changes[0].result' '.changes[].error' '.results'; do
		jq -es "any(.[]; [$part? // empty] | length > 0)" plans/*.json >/dev/null || fail "no plan has $part"
	done
	for edit in '.changes[0].action = "replace"' '.changes[0].slug = "A"' 'del(.summary)' '.format_version = 2' '.more = 1' \
		'.root_digest = "12"' 'del(.changes[0].fields[0].before)'; do
		jq "$edit" plans/1.json >edited.json
		! python3 validate.py "$schema" edited.json >/dev/null || fail "the schema takes $edit"
	done
}
