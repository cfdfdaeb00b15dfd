# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure creator: 30 clusters of one recipe, made and then found in sync, against bare terraform

creator_clusters=30
creator_parallel=2

make_creator_tree() {
	mkdir -p "$work/creator/tree/recipes/machines/files" "$work/creator/tree/clusters"
	cat >"$work/creator/main.tf" <<'END'
variable "size" {
  type = number
}
resource "terraform_data" "machine" {
  count = var.size
  input = "machine ${count.index}"
}
output "size" {
  value = var.size
}
END
	cp "$work/creator/main.tf" "$work/creator/tree/recipes/machines/files/main.tf"
	printf 'mrprober: 1\nenvironments: {prod: {}}\nrequired_variables: []\n' >"$work/creator/tree/mrprober.yaml"
	printf 'name: Machines\n' >"$work/creator/tree/recipes/machines/recipe.yaml"
	for i in $(seq "$creator_clusters"); do
		printf 'recipe: machines\nvariables: {size: 5}\n' >"$work/creator/tree/clusters/net-$i.yaml"
	done
}

# What the creator has to run at least, as a shell would.
make_bare_terraform() {
	cat >"$work/creator/bare" <<'END'
#!/bin/sh
set -e
cd "$2"
terraform init -input=false -no-color >init.log
if [ "$1" = apply ]; then
	terraform plan -input=false -no-color -out=plan >plan.log
	terraform apply -input=false -no-color plan >apply.log
else
	terraform plan -input=false -no-color -detailed-exitcode -out=plan >plan.log
fi
END
	# shellcheck disable=SC2016 # the script's own variables
	printf '#!/bin/sh\nls -d "$2"/net-* | xargs -n 1 -P %d "%s/creator/bare" "$1"\n' "$creator_parallel" "$work" \
		>"$work/creator/bare-all"
	chmod +x "$work/creator/bare" "$work/creator/bare-all"
}

# per_cluster NAME MS: as a sample
per_cluster() {
	sample "$1" "$(echo "$2 $creator_clusters" | awk '{ print $1 / $2 }')"
}

# per_hour NAME MS: of all clusters
per_hour() {
	sample "$1" "$(echo "$2 $creator_clusters" | awk '{ printf "%.0f\n", $2 * 3600000 / $1 }')"
}

bare_terraform() {
	bare=$work/creator/bare-$1
	for i in $(seq "$creator_clusters"); do
		mkdir -p "$bare/net-$i"
		cp "$work/creator/main.tf" "$bare/net-$i/main.tf"
		echo '{"size": 5}' >"$bare/net-$i/x.auto.tfvars.json"
	done
	result=$("$bin/startup" -n 1 "$work/creator/bare-all" apply "$bare") || fail "bare terraform failed"
	take creator-floor-ms wall_ms "$result"
	per_cluster creator-floor-cpu "$(echo "$result" | value cpu_ms)"
	result=$("$bin/startup" -n 1 "$work/creator/bare-all" plan "$bare") || fail "bare terraform failed"
	per_hour creator-floor-hour "$(echo "$result" | value wall_ms)"
	rm -r "$bare"
}

creator_deployed() {
	"$bin/loadgen" body "$api_url/v1/clusters?page_size=100" | grep -o '"status":"deployed"' | wc -l
}

# The creator's own: the kernel counts what its programs took separately.
creator_sample() {
	ticks=$(sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }')
	per_cluster creator-own-cpu "$(echo "$ticks $(getconf CLK_TCK)" | awk '{ print $1 * 1000 / $2 }')"
	sample creator-own-mib "$(awk '/^VmHWM:/ { print $2 / 1024 }' "/proc/$1/status")"
}

creator_run() {
	start_api
	"$mrprober" synchronize --yes --quiet --api-url "$api_url" "$work/creator/tree" >/dev/null || fail "synchronize failed"
	set -- --api-url "$api_url" --state-dir "$work/creator/state-$1" --parallel "$creator_parallel"
	began=$(date +%s%N)
	"$mrprober" creator "$@" --listen none >"$work/creator/log" 2>&1 &
	creator_pid=$!
	servers="$servers $creator_pid"
	until [ "$(creator_deployed)" = "$creator_clusters" ]; do
		kill -0 "$creator_pid" 2>/dev/null || fail "the creator ended: $(cat "$work/creator/log")"
		[ $(($(date +%s%N) - began)) -lt 600000000000 ] || fail "not all clusters are deployed: $(cat "$work/creator/log")"
		sleep 0.05
	done
	sample creator-ms $((($(date +%s%N) - began) / 1000000))
	creator_sample "$creator_pid"
	stop "$creator_pid"
	names=$(seq -f net-%.0f "$creator_clusters")
	# shellcheck disable=SC2086 # many words
	result=$("$bin/startup" -n 1 "$mrprober" creator-once --quiet "$@" $names) || fail "creator-once failed"
	per_hour creator-hour "$(echo "$result" | value wall_ms)"
	stop "$api_pid"
	api_pid=
}

figure_creator() {
	command -v terraform >/dev/null || {
		say "creator: terraform is not installed: left out"
		return 0
	}
	unset TF_CLI_CONFIG_FILE
	export CHECKPOINT_DISABLE=1 # bare terraform would ask the network
	[ -z "${api_pid:-}" ] || stop "$api_pid"
	mkdir "$work/creator"
	make_creator_tree
	make_bare_terraform
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "creator: $pair of $pairs"
		bare_terraform "$pair"
		creator_run "$pair"
	done
	row_ratio "creator: 30 new clusters, 2 at a time" ms creator-floor-ms creator-ms ""
	row_ratio "creator: own CPU a cluster, over terraform's" ms creator-floor-cpu creator-own-cpu ""
	row_value "creator: own CPU a cluster" ms creator-own-cpu "<= 10"
	row_value "creator: own peak resident size" MiB creator-own-mib "<= 16"
	row_ratio "creator: clusters in sync checked an hour" 1/h creator-floor-hour creator-hour ""
}
