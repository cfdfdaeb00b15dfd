# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Thirty clusters of one recipe, some of them failing, while creators are killed: each ends as its variables say, and was
# deployed once for each change.

# ended: nothing runs or waits but the failing ones
ended()
{
	curl -sS "$api_url/v1/clusters?page_size=100" |
		jq -e '[.items[] | .state.status == (if .slug | test("bad") then "failed" else "deployed" end)] | all' >/dev/null
}

some_ended() { [ "$(curl -sS "$api_url/v1/clusters?page_size=100" | jq "[.items[] | select(.state.last_ended_at)] | length")" -ge "$1" ]; }

# check_all SIZE CHANGES: all good clusters have so many machines, by that many changes
check_all()
{
	for i in $good; do
		expect_equal "machines of net-$i" "$1" "$(machines_of "net-$i")"
		# a killed run may have got to its end, which the next one finds out; then there is one less that says so
		applied=$(runs "net-$i" applied)
		killed=$(runs "net-$i" interrupted)
		[ "$applied" -le "$2" ] || fail "net-$i was deployed $applied times for $2 changes"
		[ $((applied + killed)) -ge "$2" ] || fail "net-$i was deployed $applied times for $2 changes, and $killed were killed"
		[ "$(runs "net-$i" running)" = 0 ] || fail "a run of net-$i goes on"
	done
	for i in $bad; do
		[ "$(runs "bad-$i" failed)" -ge 1 ] || fail "bad-$i has not failed"
	done
}

# As until_true, with the half minute after which an interrupted run is tried again, and what thirty runs take.
until_long()
{
	tries=0
	until "$@"; do
		[ $((tries += 1)) -lt 1800 ] || fail "never true: $*"
		sleep 0.05
	done
}

test_killed_twice()
{
	start_creators
	mkdir many
	cat >many/main.tf <<'END'
variable "size" {
  type = number
}
resource "terraform_data" "machine" {
  count = var.size
  input = "machine ${count.index}"
  lifecycle {
    precondition {
      condition     = var.size < 100
      error_message = "too many"
    }
  }
}
END
	recipe many
	good=$(seq 1 25) bad=$(seq 1 5)
	for i in $good; do
		cluster "net-$i" many '{"size":2}'
	done
	for i in $bad; do
		cluster "bad-$i" many '{"size":100}'
	done
	start_creator one --parallel 4
	until_long some_ended 6
	stop_creator "$creator_pid" KILL
	start_creator two --parallel 4
	until_long some_ended 15
	stop_creator "$creator_pid" KILL
	start_creator three --parallel 4
	until_long ended
	check_all 2 1
	for i in $good; do
		variable "net-$i" size 3
	done
	until_long some_ended 30
	stop_creator "$creator_pid" TERM
	start_creator four --parallel 4
	all_three() { for i in $good; do [ "$(machines_of "net-$i")" = 3 ] || return 1; done; }
	until_long all_three
	until_long ended
	check_all 3 2
	stop_creator "$creator_pid"
}
