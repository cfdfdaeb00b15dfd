# shellcheck shell=sh disable=SC2154,SC2034,SC2016 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure peers: other declarative tools with as many objects of the same contents: terraform, puppet, decK

# What each is asked: is everything as it is described? What they describe is each prober's YAML file as one text, so that
# all read and compare as many bytes: README.md says what that leaves out.

# Texts of all probers: {"checkout-cache-00001": "name: ...", ...}
prober_texts() {
	(cd "$tree/probers" && find . -name prober.yaml | sort |
		xargs jq -Rn 'reduce inputs as $line ({}; .[input_filename | split("/")[1]] += $line + "\n")') | jq -s add
}

# A configuration, and a state that says the same, as `terraform apply` would have left it.
terraform_tree() {
	: >"$work/terraform.rc"
	TF_CLI_CONFIG_FILE=$work/terraform.rc CHECKPOINT_DISABLE=1
	export TF_CLI_CONFIG_FILE CHECKPOINT_DISABLE
	mkdir -p "$work/terraform"
	prober_texts >"$work/texts.json"
	jq --arg folder "$tree/probers" '{resource: {terraform_data: with_entries(
		.value = {input: "${file(\"\($folder)/\(.key)/prober.yaml\")}"})}}' "$work/texts.json" >"$work/terraform/main.tf.json"
	jq --arg version "$(terraform version -json | jq -r .terraform_version)" '{version: 4, terraform_version: $version, serial: 1,
		lineage: "bench", outputs: {}, resources: [to_entries[] | {mode: "managed", type: "terraform_data", name: .key,
		provider: "provider[\"terraform.io/builtin/terraform\"]", instances: [{schema_version: 0, sensitive_attributes: [],
		attributes: {id: .key, triggers_replace: null, input: {value, type: "string"}, output: {value, type: "string"}}}]}]}' \
		"$work/texts.json" >"$work/terraform/terraform.tfstate"
	terraform -chdir="$work/terraform" init -input=false >/dev/null || fail "terraform cannot begin"
}

# A catalogue of files, and the files.
puppet_tree() {
	mkdir -p "$work/puppet/files" "$work/puppet/conf"
	find "$tree/probers" -name prober.yaml | sort | while read -r path; do
		slug=${path%/prober.yaml}
		slug=${slug##*/}
		cp "$path" "$work/puppet/files/$slug.yaml"
		printf "file { '%s/puppet/files/%s.yaml': ensure => file, content => file('%s') }\n" "$work" "$slug" "$path"
	done >"$work/puppet/site.pp"
}

deck_tree() {
	find "$tree/probers" -name prober.yaml | sort | awk '
		BEGIN { print "_format_version: \"1.1\"\nservices:" }
		{ n = split($0, part, "/"); printf "- {name: %s, host: %s.example.net, port: 80, path: /health, retries: 3, tags: [bench]}\n", part[n - 1], part[n - 1] }' \
		>"$work/kong.yaml"
}

# peer PROGRAM: is it here?
peer() {
	command -v "$1" >/dev/null && return 0
	say "peers: $1 is not installed, its row is left out"
	return 1
}

measure_peers() {
	[ ! -d "$work/terraform" ] || measure peer-terraform terraform -chdir="$work/terraform" plan -input=false -no-color \
		-lock=false -detailed-exitcode
	[ ! -d "$work/puppet" ] || measure peer-puppet unshare -n sh -c 'exec "$@" 2>/dev/null' sh puppet apply --noop --detailed-exitcodes --confdir "$work/puppet/conf" \
		--vardir "$work/puppet/var" "$work/puppet/site.pp"
	[ ! -f "$work/kong.yaml" ] || measure peer-deck deck validate -s "$work/kong.yaml"
	rm -rf "$MRPROBER_STATE_DIR/trees"
	measure peer-check "$mrprober" synchronize --check --api-url "$api_url" "$tree"
	measure peer-validate "$mrprober" synchronize --validate "$tree"
}

figure_peers() {
	command -v jq >/dev/null || fail "the figure needs jq"
	! peer terraform || terraform_tree
	# by itself it asks the network where it is
	! { peer puppet && unshare -n true; } || puppet_tree
	! peer deck || deck_tree
	need_api_in_sync
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "peers: $pair of $pairs"
		measure_peers
	done
	for name in terraform puppet; do
		[ ! -f "$work/samples/peer-$name-ms" ] || row_ratio "in sync, over $name" ms "peer-$name-ms" peer-check-ms ""
		[ ! -f "$work/samples/peer-$name-mib" ] || row_ratio "in sync, over $name: peak resident size" MiB "peer-$name-mib" peer-check-mib ""
	done
	[ ! -f "$work/samples/peer-deck-ms" ] || row_ratio "load and check, over deck validate" ms peer-deck-ms peer-validate-ms ""
}
