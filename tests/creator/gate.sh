# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The gate before a real terraform: what is refused, that nothing is connected to, that terraform reads a recipe as we do.
# A provider that is no part of terraform comes from a folder of providers: MRP_TERRAFORM_MIRROR, or one of the usual places.

need_terraform()
{
	command -v terraform >/dev/null || skip 'terraform is not installed'
	# what the person who runs the tests has set must not matter
	export TF_CLI_CONFIG_FILE=/nonexistent/rc TF_VAR_secret=inherited TF_DATA_DIR=/nonexistent/data TF_LOG=trace
	export TF_CLI_ARGS=-nonsense
	mkdir -p mirror
	printf '{}\n' >allow
}

# Sets mirror, source, version of a provider that is there.
need_provider()
{
	need_terraform
	for mirror in "${MRP_TERRAFORM_MIRROR-}" "$HOME/.terraform.d/plugins" /usr/local/share/terraform/plugins \
		/usr/share/terraform/plugins /opt/*; do
		[ -d "$mirror/registry.terraform.io" ] || continue
		found=$(cd "$mirror" && find . -mindepth 5 -maxdepth 5 -name 'linux_*' | sed -n 1p)
		[ -n "$found" ] || continue
		found=${found#./}
		version=$(echo "$found" | cut -d/ -f4)
		source=$(echo "$found" | cut -d/ -f1-3)
		type=${source##*/}
		allow "\"$type\": {\"source\": \"$source\", \"version\": \"$version\"}"
		return
	done
	skip 'no folder of providers for terraform'
}

allow() { printf '{"terraform": {"required_providers": {%s}}}\n' "$1" >allow; }

# recipe: a new one in recipe/, main.tf from stdin
recipe()
{
	rm -rf recipe
	mkdir -p recipe
	cat >recipe/main.tf
}

# gate [OPTION...]: sets code; what it said is in said, what connected or ran in calls
gate()
{
	command -v strace >/dev/null || skip 'strace is not installed'
	code=0
	rm -f recipe.rc
	# a leak sanitizer cannot work under ptrace
	ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" strace -f -qq -e trace=connect,execve,sendto -e signal=none -o calls \
		"$MRP_BUILD/tests/gate" "$@" allow "$PWD/recipe" >said 2>&1 || code=$?
}

expect_code() { [ "$code" -eq "$1" ] || fail "exit code $code, not $1: $(cat said)"; }
expect_said() { grep -qF -- "$1" said || fail "not said: $1; but: $(cat said)"; }

expect_no_network()
{
	if grep -E 'sa_family=AF_INET' calls; then
		fail 'something was connected to'
	fi
}

expect_no_terraform()
{
	if grep -E 'execve\("[^"]*terraform' calls; then
		fail 'terraform was run'
	fi
}

refused_before_all() # WORDS, recipe on stdin
{
	recipe
	gate
	expect_code 1
	expect_said "$1"
	expect_no_network
	expect_no_terraform
	[ ! -e recipe/.terraform ] || fail 'something was written'
}

test_refused_before_terraform_runs()
{
	need_terraform
	refused_before_all "main.tf:1:1: resource 'null_resource.a': provider 'hashicorp/null' is not allowed" <<-'EOF'
		resource "null_resource" "a" {}
	EOF
	refused_before_all "main.tf:2:3: module 'm': source 'git::https://example.com/m.git' is not local" <<-'EOF'
		module "m" {
		  source = "git::https://example.com/m.git"
		}
	EOF
	refused_before_all "main.tf:2:3: provisioner 'local-exec' of resource 'terraform_data.a'" <<-'EOF'
		resource "terraform_data" "a" {
		  provisioner "local-exec" {
		    command = "touch /nonexistent"
		  }
		}
	EOF
	refused_before_all "main.tf:2:3: block 'backend'" <<-'EOF'
		terraform {
		  backend "http" {
		    address = "http://example.com"
		  }
		}
	EOF
}

# Odd things that are fine: terraform's own list must agree with what we have read.
test_terraform_reads_the_same()
{
	need_terraform
	recipe <<-'EOF'
		# resource "evil_x" "a" {
		/* module "m" { source = "git::x" } */
		locals {
		  a = <<-EOT
		    resource "evil_x" "a" {
		      provisioner "local-exec" {}
		    $${x} %%{if} $5 100%
		    ${ { a = "}" }["a"] }EOT
		    EOT x
		    EOT
		  b = "${"${"}\""}"} $" // {
		  c = "%{ if true ~}x%{ endif }"
		  d = (1 +
		    2)
		  e = [for k, v in { for x in [1] : x => x... } : k if v != 0]
		  f = provider::terraform::encode_expr({ provider = "a::b" })
		  g = true ? 1e3 : -1.5
		}
		terraform {
		  required_providers {
		    terraform = { source = "terraform.io/builtin/terraform" }
		  }
		}
		resource "terraform_data" "a" { input = local.b }
		module "one" {
		  source = "./m/../m/./"
		}
		module "two" {
		  source = "./m"
		}
		removed {
		  from = terraform_data.gone
		  lifecycle {
		    destroy = false
		  }
		}
		check "c" {
		  assert {
		    condition     = local.a != ""
		    error_message = "x"
		  }
		}
	EOF
	mkdir -p recipe/m recipe/n
	printf 'module "n" {\n  source = "../m/../n"\n}\noutput "x" { value = 1 }\n' >recipe/m/main.tf
	cat >recipe/n/main.tf.json <<-'EOF'
		{"//": "a comment", "resource": [{"terraform_data": {"a": [{"input": {"provisioner": "x"}}]}}],
		 "variable": {"v": {"default": "${x"}}, "output": {"v": {"value": "${var.v} ${1 + 1}"}}}
	EOF
	gate -a -s "$PWD/state"
	expect_code 0
	expect_said 'Apply complete! Resources: 3 added'
	expect_no_network
	[ -s state ] || fail 'no state where it should be'
}

# agrees NAME, "== PATH" before each file on stdin: terraform names the same providers in the same modules. Only then comes
# init, which has no such providers.
agrees()
{
	step "$1"
	rm -rf recipe
	mkdir recipe
	awk '/^== / { file = "recipe/" $2; folder = file; sub(/[^\/]*$/, "", folder); system("mkdir -p " folder); next }
		{ print >file }'
	gate -p
	expect_said init
	expect_said 'Failed to query available provider packages'
	expect_no_network
}

test_lists_of_providers_agree()
{
	need_terraform
	allow '"one": {"source": "example/one", "version": "1.0.0"}, "two": {"source": "tf.example.com/x/two", "version": "2.0.0"},
		"three": {"version": "3.0.0"}'
	agrees 'names that the root leaves out' <<-'EOF'
		== main.tf
		resource "one_x" "a" {}
		ephemeral "two_x" "a" {}
	EOF
	agrees 'names that mean something else' <<-'EOF'
		== main.tf
		terraform {
		  required_providers {
		    one   = { source = "TF.example.com/X/two" }
		    other = { source = "example/one", version = "~> 1.0" }
		  }
		}
		resource "one_x" "a" {}
		module "m" { source = "./m" }
		== m/a.tf.json
		{"terraform": [{"required_providers": [{"one": {"source": "example/ONE"}}]}], "resource": {"one_x": {"a": {}}}}
	EOF
	agrees 'configurations that are handed on' <<-'EOF'
		== main.tf
		provider "two" {
		  alias = "y"
		}
		module "m" {
		  source    = "./m"
		  providers = { two.x = two.y }
		}
		== m/a.tf
		terraform {
		  required_providers {
		    two = {
		      source                = "tf.example.com/x/two"
		      configuration_aliases = [two.x]
		    }
		  }
		}
		module "n" {
		  source    = "../n"
		  count     = 2
		  providers = { two = two.x }
		}
		== n/a.tf
		terraform {
		  required_providers {
		    two = { source = "tf.example.com/x/two" }
		  }
		}
		resource "terraform_data" "a" {}
	EOF
	agrees 'overriding files' <<-'EOF'
		== main.tf
		resource "one_x" "a" {}
		== override.tf
		resource "one_x" "a" {
		  provider = two.west
		}
		terraform {
		  required_providers {
		    two = { source = "tf.example.com/x/two" }
		  }
		}
		terraform {
		  required_providers {
		    one = { source = "example/one" }
		  }
		}
	EOF
	agrees 'imports, checks, functions, provisioners of what was removed' <<-'EOF'
		== main.tf
		import {
		  to = one_x.a
		  id = "x"
		}
		check "c" {
		  data "two_x" "d" {}
		  assert {
		    condition     = data.two_x.d.id != provider::two::f(1)
		    error_message = "x"
		  }
		}
		removed {
		  from = one_x.b
		  lifecycle {
		    destroy = true
		  }
		  provisioner "local-exec" {
		    when    = destroy
		    command = "id"
		  }
		}
	EOF
	agrees 'a warning after the list' <<-'EOF'
		== main.tf
		module "m" {
		  source    = "./m"
		  providers = { three = three }
		}
		== m/a.tf
		resource "three_x" "a" {}
	EOF
}

test_variables_are_taken_as_they_are()
{
	need_terraform
	recipe <<-'EOF'
		variable "text" {}
		variable "secret" {
		  sensitive = true
		}
		output "text" {
		  value = var.text
		}
		output "secret" {
		  value = nonsensitive(var.secret)
		}
	EOF
	printf 'text = "of the recipe"\n' >recipe/zz.auto.tfvars
	# shellcheck disable=SC2016
	gate -a -s "$PWD/state" -v 'text="${1 + 1} %{ if }"' -v 'secret="s3"' -v 'unknown=1'
	expect_code 0
	# shellcheck disable=SC2016
	jq -e '.outputs | .text.value == "${1 + 1} %{ if }" and .secret.value == "s3"' state >/dev/null || fail "$(cat state)"
	! grep -r s3 recipe/zz_mrprober.auto.tfvars.json || fail 'a secret among the others'
	[ "$(stat -c %a recipe/zz_mrprober_sensitive.auto.tfvars.json)" = 600 ] || fail 'mode of the secrets'
}

test_provider_from_the_mirror()
{
	need_provider
	recipe <<-EOF
		module "m" {
		  source = "./m"
		}
	EOF
	mkdir -p recipe/m
	printf 'terraform {\n  required_providers {\n    p = { source = "%s" }\n  }\n}\n' "$source" >recipe/m/main.tf
	gate -m "$mirror"
	expect_code 0
	expect_no_network
	link=$(readlink "recipe/.terraform/providers/$source/$version"/linux_*) || fail 'not linked'
	[ "${link#"$mirror"/}" != "$link" ] || fail "not the mirror: $link"
	grep -q "version *= \"$version\"" recipe/.terraform.lock.hcl || fail 'no lock file'
	step 'a recipe with that lock file'
	cp recipe/.terraform.lock.hcl lock
	printf 'terraform {\n  required_providers {\n    p = { source = "%s" }\n  }\n}\n' "$source" | recipe
	cp lock recipe/.terraform.lock.hcl
	gate -m "$mirror"
	expect_code 0
	cmp lock recipe/.terraform.lock.hcl || fail 'the lock file has changed'
	step 'one whose hashes say something else'
	printf 'terraform {\n  required_providers {\n    p = { source = "%s" }\n  }\n}\n' "$source" | recipe
	sed 's|"h1:.*"|"h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="|' lock >recipe/.terraform.lock.hcl
	gate -m "$mirror"
	expect_code 2
	expect_said checksum
}

# The recipe has a required_providers block: ours cannot be a second one, and the pin holds all the same.
test_pin_over_the_recipes_own()
{
	need_provider
	recipe <<-EOF
		terraform {
		  required_providers {
		    mine = {
		      source  = "$source"
		      version = ">= 0.0.1"
		    }
		  }
		}
	EOF
	printf 'terraform {\n  required_providers {\n    mine = { source = "%s" }\n  }\n}\n' "$source" >recipe/x_override.tf
	gate -m "$mirror"
	expect_code 0
	expect_no_network
	grep -q "constraints *= \"$version\"" recipe/.terraform.lock.hcl || fail "$(cat recipe/.terraform.lock.hcl)"
	printf 'terraform {\n  required_providers {\n    mine = { source = "%s", version = "< %s" }\n  }\n}\n' "$source" \
		"$version" | recipe
	gate -m "$mirror"
	expect_code 1
	expect_said "version '< $version' excludes $version, the one that is allowed"
	expect_no_terraform
}

# Allowed, but neither here nor to be fetched.
test_no_way_to_a_registry()
{
	need_terraform
	allow '"absent": {"source": "example/absent", "version": "1.0.0"}'
	echo 'resource "absent_x" "a" {}' | recipe
	for option in '' "-m $PWD/mirror"; do
		# shellcheck disable=SC2086
		gate $option
		expect_code 2
		expect_said init
		expect_said 'Failed to query available provider packages'
		expect_no_network
		echo 'resource "absent_x" "a" {}' | recipe
	done
}

test_programs()
{
	need_terraform
	recipe <<-EOF
		resource "terraform_data" "a" {
		  provisioner "local-exec" {
		    command = "env >$PWD/ran"
		  }
		}
	EOF
	S3_SECRET_ACCESS_KEY=k MRPROBER_API_TOKEN=t gate -p -a -s "$PWD/state"
	expect_code 0
	expect_said 'Apply complete!'
	[ -s ran ] || fail 'it did not run'
	! grep -E '^(S3_|MRPROBER_|TF_VAR|TF_DATA|TF_LOG)' ran || fail 'inherited'
}

# If the reader ever overlooks a module: terraform does not get it either.
test_unseen_module_is_not_fetched()
{
	need_terraform
	echo 'locals {}' | recipe
	gate
	expect_code 0
	printf 'module "m" {\n  source = "git::https://example.com/m.git"\n}\n' >recipe/late.tf
	unset TF_DATA_DIR TF_CLI_ARGS TF_LOG
	export TF_CLI_CONFIG_FILE="$PWD/recipe.rc" CHECKPOINT_DISABLE=1
	for command in providers 'init -get=false' 'plan'; do
		# shellcheck disable=SC2086
		if strace -f -qq -e trace=connect,execve -e signal=none -o calls terraform -chdir=recipe $command >said 2>&1; then
			fail "$command has worked"
		fi
		expect_said 'Module not installed'
		expect_no_network
		! grep -E 'execve\("[^"]*git' calls || fail 'git was run'
	done
}

# The recipes that we show are read by both alike, and bring no more programs than their hooks.
test_examples()
{
	need_terraform
	for example in "$MRP_ROOT"/examples/*/recipes/*; do
		step "${example##*/}"
		rm -rf recipe
		cp -R "$example" recipe
		find recipe \( -name '*.tftest.hcl' -o -name recipe.yaml \) -delete
		gate -p
		expect_code 0
		expect_said init
		expect_no_network
	done
	rm -rf recipe
	cp -R "$MRP_ROOT/examples/network/recipes/resolvers" recipe
	find recipe -name '*.tftest.hcl' -delete
	gate
	expect_code 1
	expect_said "hook 'hooks/"
	[ "$(grep -c 'programs of recipes' said)" -eq "$(grep -c "hook 'hooks/" said)" ] || fail "$(cat said)"
}
