# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Secrets planted everywhere appear nowhere: in no log, no answer of the API, no argument of a program.

test_nowhere()
{
	start_creators
	mkdir secrets
	cat >secrets/main.tf <<'END'
variable "password" {
  type      = string
  sensitive = true
}
variable "careless" {
  type = string
}
variable "lines" {
  type = string
}
variable "ps" {
  type = string
}
resource "terraform_data" "machine" {
  input = "user:${var.careless}@host ${var.password} ${var.lines}"
  provisioner "local-exec" {
    command     = "echo $CARELESS $YC_TOKEN $PASSWORD; echo \"$LINES_\"; printf %s \"$CARELESS\" | base64; ps axww -o args >${var.ps}"
    environment = { CARELESS = var.careless, PASSWORD = nonsensitive(var.password), LINES_ = var.lines }
  }
}
output "password" {
  value     = var.password
  sensitive = true
}
output "careless" {
  value = var.careless
}
END
	recipe secrets
	request POST /v1/clusters '{"slug":"net","recipe":"secrets","sensitive_variables":["careless","lines"],"variables":{
		"ps":{"value":"'"$MRP_SCRATCH"'/ps"},"password":{"value":"Pa55word-of-the-cluster","sensitive":true},"careless":{"value":"C4reless-of-the-recipe"},
		"lines":{"value":"-----BEGIN X-----\nfirst-L1ne-of-it\nsecond-L1ne-of-it\n-----END X-----"}}}'
	expect 201
	export YC_TOKEN=t1.T0ken-of-the-environment
	creator_once 0 --allow-programs -v
	cat out err >said
	last net '.status == "applied"'
	curl -sS "$api_url/v1/clusters/net" >answers
	curl -sS "$api_url/v1/clusters/net/deployments" >>answers
	for stage in init plan apply; do
		log_of $stage
		cat "$body" >>answers
	done
	grep -q 'Provisioning with' answers || fail 'the provisioner did not run'
	grep -q 'terraform apply' ps || fail 'ps does not show what runs'
	grep -qF '***' answers || fail 'nothing was taken out, so nothing was there'
	for secret in Pa55word-of-the-cluster C4reless-of-the-recipe first-L1ne-of-it second-L1ne-of-it \
		T0ken-of-the-environment "$(printf %s C4reless-of-the-recipe | base64)"; do
		! grep -F "$secret" answers said ps || fail "'$secret' was shown"
		! grep -rF "$secret" state/objects || fail "'$secret' is in a log"
	done
	# what terraform itself must have is closed to others
	expect_equal 'files for others' '' "$(find state/creator -type f -perm /077)"
	expect_equal 'folders for others' '' "$(find state/creator -type d -perm /077)"
}

# The plan failed: its log is there, and clean.
test_failed_plan()
{
	start_creators
	mkdir secrets
	cat >secrets/main.tf <<'END'
variable "careless" {
  type = string
}
resource "terraform_data" "machine" {
  input = var.careless
  lifecycle {
    precondition {
      condition     = var.careless == ""
      error_message = "wrong: ${var.careless}"
    }
  }
}
END
	recipe secrets
	request POST /v1/clusters '{"slug":"net","recipe":"secrets","sensitive_variables":["careless"],"variables":{
		"careless":{"value":"C4reless-of-the-recipe"}}}'
	expect 201
	creator_once 1
	last net '.status == "failed"' '.message | contains("C4reless") | not'
	log_of plan
	grep -qF 'wrong: ***' "$body" || fail 'the reason is not in the log'
	! grep -rF C4reless state/objects out err last.json || fail 'a secret was shown'
}

# The creator is killed: what it has of the log on the disk is clean, and the next one stores it.
test_killed()
{
	start_creators
	mkdir secrets
	cat >secrets/main.tf <<END
variable "careless" {
  type = string
}
resource "terraform_data" "machine" {
  input = var.careless
  provisioner "local-exec" {
    command     = "echo first \$CARELESS; printf C4reless-of; touch $MRP_SCRATCH/began; until [ -e $MRP_SCRATCH/go ]; do sleep 0.05; done"
    environment = { CARELESS = var.careless }
  }
}
END
	recipe secrets
	request POST /v1/clusters '{"slug":"net","recipe":"secrets","sensitive_variables":["careless"],"variables":{
		"careless":{"value":"C4reless-of-the-recipe"}}}'
	expect 201
	start_creator one --allow-programs
	until_true test -e began
	until_true grep -qF 'first ***' state/creator/runs/net.1.apply.log
	stop_creator "$creator_pid" KILL
	! grep -rF C4reless-of-the-recipe state/creator/runs state/objects || fail 'a secret is on the disk'
	expect_equal 'files for others' '' "$(find state/creator/runs -type f -perm /077)"
	touch go
	creator_once 0 --allow-programs net
	request GET /v1/deployments/1/logs/apply
	expect 200
	grep -qF 'first ***' "$body" || fail 'the log is not there'
	grep -q 'the creator died here' "$body" || fail 'the log does not say that the creator died'
	! grep -rF C4reless-of-the-recipe state/objects || fail 'a secret was stored'
}
