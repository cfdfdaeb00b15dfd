# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What tests of the creator share, beside lib.sh: an API, recipes and clusters made by hand, creators with a state folder
# of the test's own, and what has become of it all.
# shellcheck disable=SC2154 # lib.sh sets what requests leave behind

need_terraform()
{
	command -v terraform >/dev/null || skip 'terraform is not installed'
}

# start_creators [OPTION...]: an API with its objects where creators of state folder state/ put them.
start_creators()
{
	need_terraform
	unset TF_CLI_CONFIG_FILE
	export MRPROBER_IAM_METADATA_URL=http://127.0.0.1:1/ # no machine's own account
	start_api --state-dir "$MRP_SCRATCH/state" "$@"
}

# blob FILE: upload it; prints its hash
blob()
{
	hash=$(sha256sum "$1" | cut -d' ' -f1)
	curl -sS -f -o /dev/null -X PUT --data-binary "@$1" "$api_url/v1/blobs/$hash" || fail "cannot upload $1"
	say "$hash"
}

# recipe SLUG [MEMBERS]: made of the files in folder SLUG (or written anew, when it is there); MEMBERS are more of its JSON
recipe()
{
	recipe_files=$(cd "$1" && find . -type f ! -name initial_values | sed 's|^\./||' | sort | while read -r file; do
		mode=0644
		[ ! -x "$file" ] || mode=0755
		say "\"$file\":{\"sha256\":\"$(blob "$file")\",\"mode\":\"$mode\"}"
	done | paste -sd, -)
	recipe_more=${2:+,$2}
	[ ! -f "$1/initial_values" ] || recipe_more="$recipe_more,\"initial_values\":\"$(blob "$1/initial_values")\""
	request GET "/v1/recipes/$1"
	case $status in
	200) request PATCH "/v1/recipes/$1" "{\"files\":{$recipe_files}$recipe_more}" ;;
	*) request POST /v1/recipes "{\"slug\":\"$1\",\"files\":{$recipe_files}$recipe_more}" ;;
	esac
	expect '200|201'
}

# cluster SLUG RECIPE VARIABLES [MEMBERS]: VARIABLES are name -> value
cluster()
{
	request POST /v1/clusters "$(jq -cn --arg slug "$1" --arg recipe "$2" --argjson values "$3" \
		"{slug: \$slug, recipe: \$recipe, variables: (\$values | map_values({value: .}))} + {${4-}}")"
	expect 201
}

# variable CLUSTER NAME VALUE
variable()
{
	request PUT "/v1/clusters/$1/variables/$2" "{\"value\":$3}"
	expect '200|201'
}

# machines: the recipe that most tests use: `size` machines, which are nothing but an entry of the state
machines()
{
	mkdir -p machines
	cat >machines/main.tf <<'END'
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
	recipe machines
}

# creator_once CODE [OPTION...]: with its state in state/; what it says is in the files out and err
creator_once()
{
	want_code=$1
	shift
	say "creator-once $*"
	once_code=0
	mrprober creator-once --state-dir "$MRP_SCRATCH/state" "$@" >out 2>err || once_code=$?
	sed 's/^/  /' out err
	[ "$once_code" = "$want_code" ] || fail "status $once_code, not $want_code"
}

# said REGEX: creator-once has said so
said() { cat out err | grep -Eq -- "$1" || fail "does not say '$1'"; }

# last CLUSTER FILTER...: each must say true of the cluster's last deployment
last()
{
	request GET "/v1/clusters/$1/deployments?page_size=1"
	expect 200
	jq '.items[0]' "$body" >last.json
	shift
	for filter; do
		jq -e "$filter" last.json >/dev/null || fail "not true: $filter: $(cat last.json)"
	done
}

# runs CLUSTER [STATUS]: how many deployments it has had (that ended so)
runs()
{
	curl -sS "$api_url/v1/clusters/$1/deployments?page_size=1000" |
		jq "[.items[] | select(${2:+.status == \"$2\" and} true)] | length"
}

# cluster_state CLUSTER STATUS
cluster_state()
{
	request GET "/v1/clusters/$1"
	expect 200 ".state.status == \"$2\""
}

# machines_of CLUSTER: how many its terraform state has
machines_of()
{
	jq '[.resources[]? | select(.type == "terraform_data") | .instances[]] | length' \
		"$MRP_SCRATCH/state/creator/states/development/$(hostname)/$1.tfstate"
}

# log_of STAGE: of the deployment that `last` has looked at, as the API shows it
log_of()
{
	request GET "/v1/deployments/$(jq .id last.json)/logs/$1"
	expect 200
}

# start_creator NAME [OPTION...]: a creator as a service, with its state in state/; sets creator_pid, creator_url. Its log is
# .creator.NAME.log.
start_creator()
{
	creator_log=$MRP_SCRATCH/.creator.$1.log
	shift
	mrprober creator --state-dir "$MRP_SCRATCH/state" --listen 127.0.0.1:0 --poll-interval 200ms "$@" >"$creator_log" 2>&1 &
	creator_pid=$!
	creator_pids="${creator_pids-} $creator_pid"
	i=0
	until grep -q 'metrics at http' "$creator_log"; do
		kill -0 "$creator_pid" 2>/dev/null || fail "the creator does not start: $(cat "$creator_log")"
		[ $((i += 1)) -lt 400 ] || fail 'the creator does not start'
		sleep 0.05
	done
	# shellcheck disable=SC2034 # the tests use it
	creator_url=$(sed -n 's|.*metrics at \(http[^ ]*\)/metrics|\1|p' "$creator_log")
}

# stop_creator PID [SIGNAL]: its status is expected to be 0 after TERM.
stop_creator()
{
	kill "-${2:-TERM}" "$1"
	creator_code=0
	wait "$1" || creator_code=$?
	[ "${2:-TERM}" = KILL ] || [ $creator_code -eq 0 ] || fail "the creator ended with status $creator_code"
}

# is_state CLUSTER STATUS, has_run CLUSTER N: for until_true
is_state() { curl -sS "$api_url/v1/clusters/$1" | jq -e ".state.status == \"$2\"" >/dev/null; }
has_run() { [ "$(runs "$1")" -ge "$2" ]; }

cleanup_more()
{
	for pid in ${creator_pids-}; do
		kill -KILL "$pid" 2>/dev/null
	done
	if [ "$result" -ne 0 ] && [ "$result" -ne 77 ]; then
		for log in "$MRP_SCRATCH"/.creator.*.log; do
			[ ! -s "$log" ] || { say "---- $log" && tail -n 60 "$log"; }
		done
	fi
}

# slow: a recipe whose apply lasts until the file `go` is there; it makes the file `began` when it has begun
slow()
{
	mkdir -p slow
	cat >slow/main.tf <<END
variable "size" {
  type = number
}
resource "terraform_data" "first" {
  input = var.size
}
resource "terraform_data" "slow" {
  input      = var.size
  depends_on = [terraform_data.first]
  provisioner "local-exec" {
    command = "echo \$\$ >>$MRP_SCRATCH/began; until [ -e $MRP_SCRATCH/go ]; do sleep 0.05; done"
  }
}
END
	recipe slow
}

# start_stated: a server for terraform's http backend; sets stated_url
start_stated()
{
	command -v python3 >/dev/null || skip 'python3 is not installed'
	mkfifo .stated.in
	python3 "$MRP_ROOT/tests/tools/stated.py" --port-file .stated.port --user terraform --password St4te-password \
		<>.stated.in >.stated.err 2>&1 &
	creator_pids="${creator_pids-} $!"
	until_true test -s .stated.port
	stated_url=http://127.0.0.1:$(cat .stated.port)
	export TF_HTTP_PASSWORD=St4te-password TF_HTTP_USERNAME=terraform
}

# with_http COMMAND...: it and the options for that server
with_http()
{
	"$@" --backend http --backend-config "address=$stated_url/{environment}/{cluster}" \
		--backend-config "lock_address=$stated_url/{environment}/{cluster}" \
		--backend-config "unlock_address=$stated_url/{environment}/{cluster}"
}

# state_of CLUSTER: as that server has it
state_of() { curl -sS -u terraform:St4te-password "$stated_url/development/$(hostname)/$1"; }
