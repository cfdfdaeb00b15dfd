# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# A provider that is no part of terraform, from a folder of providers: MRP_TERRAFORM_MIRROR, or one of the usual places.

# Sets mirror and version of hashicorp/aws, which has something to say without a network.
need_aws()
{
	need_terraform
	for mirror in "${MRP_TERRAFORM_MIRROR-}" /root/.terraform.d/plugins /usr/local/share/terraform/plugins \
		/usr/share/terraform/plugins /opt/*; do
		version=$(find "$mirror/registry.terraform.io/hashicorp/aws" -mindepth 1 -maxdepth 1 -printf "%f\n" 2>/dev/null | sed -n 1p)
		[ -z "$version" ] || return 0
	done
	skip 'no folder of providers with hashicorp/aws'
}

test_mirror()
{
	need_aws
	start_creators
	mkdir cloud
	cat >cloud/main.tf <<'END'
variable "arn" {
  type = string
}
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "mock"
  secret_key                  = "mock-s3cret"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}
data "aws_arn" "one" {
  arn = var.arn
}
resource "terraform_data" "account" {
  input = data.aws_arn.one.account
}
END
	recipe cloud
	for i in 1 2 3; do
		cluster "net-$i" cloud '{"arn":"arn:aws:iam::12345678901'$i':user/x"}'
	done
	# nobody said that it may be used
	creator_once 1 net-1
	said 'net-1: refused: .*main.tf:4.*aws'
	last net-1 '.status == "refused"' '.stage == "gate"'
	printf '{"terraform":{"required_providers":{"aws":{"source":"hashicorp/aws","version":"%s"}}}}' "$version" >providers.json
	# nor where it is: no registry is asked
	creator_once 1 --providers-file providers.json net-1
	last net-1 '.status == "failed"' '.stage == "init"'
	creator_once 0 --providers-file providers.json --provider-mirror "$mirror" --parallel 3 net-1 net-2 net-3
	for i in 1 2 3; do
		last "net-$i" '.status == "applied"' '.added == 1'
		jq -e --arg id "12345678901$i" '[.resources[] | select(.type == "terraform_data").instances[].attributes.output.value] == [$id]' \
			"state/creator/states/development/$(hostname)/net-$i.tfstate" || fail 'the provider has not told the account'
	done
	creator_once 65 --providers-file missing.json
}

# Provider yandex takes YC_TOKEN, or the service account of the machine, whose metadata service is asked.
test_account_of_the_machine()
{
	start_creators
	unset YC_TOKEN
	mkdir cloud
	cat >cloud/main.tf <<'END'
resource "yandex_vpc_network" "net" {
}
END
	echo '{"terraform": {"required_providers": {"yandex": {"source": "yandex-cloud/yandex", "version": "0.1.0"}}}}' >providers.tf.json
	recipe cloud
	cluster net cloud '{}'
	creator_once 1 --providers-file providers.tf.json
	last net '.status == "failed"' '.stage == "gate"' \
		'.message | test("lacks YC_TOKEN, for provider .yandex. .*machine.s own account was asked for.*127.0.0.1:1")'
	YC_TOKEN=t1.x creator_once 1 --providers-file providers.tf.json net
	last net '.stage == "init"'
	mkdir asked
	start_faults --save asked 'GET /computeMetadata/* json {"access_token":"t1.S3cret-of-the-machine","expires_in":3600}'
	creator_once 1 --providers-file providers.tf.json --iam-metadata-url "$fault_url/computeMetadata/v1/token" net
	last net '.stage == "init"'
	log_of init
	grep -q 'yandex-cloud/yandex' "$body" || fail 'terraform did not look for the provider'
	grep -qi '^Metadata-Flavor: Google' asked/1.head || fail 'it was not asked as it wants to be'
	! grep -rF S3cret-of state/creator state/objects out err || fail 'the token was kept'
}

# Several init at once fill one cache: the provider is unpacked once and whole, also after one was killed in the middle.
test_shared_cache()
{
	need_aws
	command -v python3 >/dev/null || skip 'python3 is not installed'
	start_creators
	original=$(find "$mirror/registry.terraform.io/hashicorp/aws/$version" -type f -name 'terraform-provider-aws_*')
	platform=$(basename "$(dirname "$original")")
	[ "$(df -Pk . | awk 'END { print int($4 / 1024) }')" -gt $((3 * $(stat -c %s "$original") / 1048576)) ] || skip 'the disk is too full'
	# a mirror that has to be unpacked, as a registry's answer
	mkdir -p "packed/registry.terraform.io/hashicorp/aws"
	python3 - "$original" "packed/registry.terraform.io/hashicorp/aws/terraform-provider-aws_${version}_$platform.zip" <<'END'
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_STORED) as z:
    z.write(sys.argv[1], os.path.basename(sys.argv[1]))
END
	mkdir cloud
	cat >cloud/main.tf <<'END'
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}
variable "size" {
  type = number
}
resource "terraform_data" "machine" {
  count = var.size
}
END
	recipe cloud
	for i in 1 2 3; do
		cluster "net-$i" cloud '{"size":1}'
	done
	printf '{"terraform":{"required_providers":{"aws":{"source":"hashicorp/aws","version":"%s"}}}}' "$version" >providers.json
	set -- --providers-file providers.json --provider-mirror "$MRP_SCRATCH/packed" --provider-cache "$MRP_SCRATCH/cache" --parallel 3
	cached=cache/registry.terraform.io/hashicorp/aws/$version/$platform/$(basename "$original")
	# killed when a part of it is there
	start_creator one "$@"
	until_true test -s "$cached"
	stop_creator "$creator_pid" KILL
	creator_once 0 "$@" net-1 net-2 net-3
	for i in 1 2 3; do
		last "net-$i" '.status == "applied"' '.added == 1'
	done
	cmp "$original" "$cached" || fail 'the provider in the cache is not that of the mirror'
	[ ! -e cache/.mrprober.filling ] || fail 'the cache is said to be half filled'
	expect_equal 'versions in the cache' "$version" "$(ls cache/registry.terraform.io/hashicorp/aws)"
}
