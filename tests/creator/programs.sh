# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Programs that recipes bring: hooks, initial values.

hooked()
{
	mkdir -p hooked/hooks/before-plan hooked/hooks/after-apply
	cat >hooked/main.tf <<'END'
variable "records" {
  type = list(string)
}
variable "zone" {
  type = string
}
resource "terraform_data" "record" {
  for_each = toset(var.records)
  input    = "${each.key} in ${var.zone}"
}
END
	cat >hooked/hooks/before-plan/10-first <<END
#!/bin/sh
echo "first of \$MRPROBER_CLUSTER, deployment \$MRPROBER_DEPLOYMENT, \$MRPROBER_ACTION"
echo 'records: [a, b]' >"\$RETURN_VALUES_PATH"
[ -z "\${MRPROBER_TOKEN-}" ]
END
	cat >hooked/hooks/before-plan/20-second <<END
#!/bin/sh
jq -c .records "\$MRPROBER_VARIABLES_PATH"
jq '{records: (.records + ["c"])}' "\$MRPROBER_VARIABLES_PATH" >"\$RETURN_VALUES_PATH"
END
	cat >hooked/hooks/after-apply/10-tell <<END
#!/bin/sh
echo "result: \$MRPROBER_RESULT, \$MRPROBER_ADDED added"
echo "\$MRPROBER_RESULT" >>$MRP_SCRATCH/results
END
	chmod +x hooked/hooks/*/[0-9]*
	echo 'not executable, so no hook' >hooked/hooks/before-plan/README
	recipe hooked '"values":{"zone":"z"}'
}

test_hooks()
{
	start_creators
	hooked
	cluster net hooked '{}'
	creator_once 1
	said 'hooks/before-plan/10-first.*not allowed'
	[ ! -e results ] || fail 'a hook was run that is not allowed'
	last net '.status == "refused"' '.stage == "gate"'
	MRPROBER_TOKEN='' creator_once 0 --allow-programs net
	last net '.status == "applied"' '.added == 3' '.logs | has("before-plan") and has("after-apply")'
	log_of before-plan
	grep -q 'first of net, deployment [0-9]*, deploy' "$body" || fail 'the first hook has not spoken'
	grep -q '\["a","b"\]' "$body" || fail 'the second does not see what the first returned'
	log_of after-apply
	grep -q 'result: applied, 3 added' "$body" || fail 'the last hook does not know the result'
	creator_once 0 --allow-programs net
	last net '.status == "no-changes"'
	# it runs after a failure, too
	variable net zone '["no", "text"]'
	creator_once 1 --allow-programs net
	last net '.status == "failed"' '.stage == "plan"'
	expect_equal results 'applied no-changes failed' "$(paste -sd' ' results)"
}

test_failing_hook()
{
	start_creators
	hooked
	cluster net hooked '{}'
	for text in 'exit 3' 'echo "[1, 2]" >"$RETURN_VALUES_PATH"' 'echo "a b: 1" >"$RETURN_VALUES_PATH"' 'echo "{" >"$RETURN_VALUES_PATH"'; do
		printf '#!/bin/sh\n%s\n' "$text" >hooked/hooks/before-plan/20-second
		recipe hooked
		creator_once 1 --allow-programs net
		last net '.status == "failed"' '.stage == "before-plan"' '.message | test("20-second")'
	done
	hooked
	printf '#!/bin/sh\nexit 1\n' >hooked/hooks/after-apply/10-tell
	recipe hooked
	creator_once 1 --allow-programs net
	last net '.status == "failed"' '.stage == "after-apply"' '.added == 3'
}

# Run once, remembered under its owner, never over what is there.
test_initial_values()
{
	start_creators
	mkdir initial
	cat >initial/main.tf <<'END'
variable "cookie" {
  type = string
}
variable "size" {
  type = number
}
output "both" {
  value     = "${nonsensitive(var.cookie)} ${var.size}"
}
END
	cat >initial/initial_values <<END
#!/bin/sh
echo run >>$MRP_SCRATCH/ran
cookie=C00kie-\$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
echo "careless: \$cookie" >&2
echo "cookie: \$cookie"
echo 'size: 7'
END
	recipe initial '"required_variables":["cookie","size"]'
	request POST /v1/clusters '{"slug":"net","recipe":"initial","sensitive_variables":["cookie"],"variables":{"size":{"value":1}}}'
	expect 201
	creator_once 1
	said 'initial_values.*not allowed'
	creator_once 0 --allow-programs net
	last net '.status == "applied"'
	log_of initial-values
	grep -qF 'careless: ***' "$body" || fail 'the log is not as the program and the secrets make it'
	request GET '/v1/clusters/net?show_sensitive=true'
	expect 200 '.variables.cookie.owner == "initial"' '.variables.cookie.value | test("^C00kie-[0-9a-f]{8}$")' \
		'.variables.size.value == 1' '.variables.size.owner == "manual"'
	cookie=$(jq -r .variables.cookie.value "$body")
	creator_once 0 --allow-programs net
	request GET '/v1/clusters/net?show_sensitive=true'
	expect 200 ".variables.cookie.value == \"$cookie\""
	expect_equal 'runs of initial_values' 1 "$(wc -l <ran)"
	! grep -r "$cookie" state/objects || fail 'the cookie is in a log'
}

# The recipes that come along.
test_examples()
{
	start_creators --environment prod
	MEESEEKS_DB_PASSWORD=secret mrprober -C "$MRP_ROOT/examples/network" synchronize --environment prod --yes >out 2>&1 ||
		fail "$(cat out)"
	creator_once 0 --allow-programs
	request GET /v1/clusters
	expect 200 '[.items[] | select(.state.status == "deployed") | .slug] | length >= 3'
	creator_once 0 --allow-programs dns-resolvers
	last dns-resolvers '.status == "no-changes"'
}
