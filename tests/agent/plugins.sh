# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Real plugins of the Monitoring Plugins project as probers.

plugins=/usr/lib/nagios/plugins

need_plugins() { [ -x $plugins/check_dummy ] || skip 'monitoring-plugins-basic is not installed'; }

plugin() # ID COMMAND-AND-MEMBERS
{
	entry "$1" "interval: \"1s\", output: \"nagios\", timeout: \"20s\", command: [\"$plugins/\" + $2"
}

# value PROBER METRIC UNIT: of the page, as it stands there.
value()
{
	awk -v prober="prober=\"$1\"" -v metric="metric=\"$2\"" -v unit="unit=\"$3\"" '
		index($0, "mrprober_value{") == 1 && index($0, prober) && index($0, metric) && index($0, unit) { print $NF }' page
}

test_codes()
{
	need_plugins
	{
		for code in 0 1 2 3; do
			plugin dummy$code "\"check_dummy\", \"$code\", \"text | a=1.5s 'two words'=50%;80;90;0;100 c=3c d=-2KB e=U\"]"
		done
		plugin lenient '"check_dummy", "1"], warning_is: "success"'
		plugin usage '"check_dummy"]'
		plugin missing '"check_no_such"]'
	} >entries
	jq -s '{cluster: "net", host: "h1", config_revision: "1", probers: .}' entries >config.json
	start_agent --config config.json
	until_runs dummy0 success ok
	until_runs dummy1 failure warning
	until_runs dummy2 failure exit
	until_runs dummy3 error exit
	until_runs lenient success warning
	until_runs usage error exit
	until_runs missing error spawn
	curl -sS "$agent_url/metrics" >page
	for code in 0 1 2; do
		expect_equal "values of code $code" '1.5 50 3 -2' \
			"$(value dummy$code a s) $(value dummy$code 'two words' %) $(value dummy$code c c) $(value dummy$code d KB)"
	done
	never page 'metric="e"'
	! command -v promtool >/dev/null || promtool check metrics <page
	until_status 'failure \(exit\) .* CRITICAL: text$' dummy2
}

# near WHAT A B: within a tenth.
near() { awk -v a="$2" -v b="$3" 'BEGIN { exit !(a >= b * 0.9 && a <= b * 1.1) }' || fail "$1: $2 is not about $3"; }

test_real()
{
	need_plugins
	start_api # a server on the loopback interface
	disk=disk
	"$plugins/check_disk" -w 0 -c 0 -p / || disk= # it wants /etc/mtab, which a bare root has not
	{
		[ -z "$disk" ] || plugin disk '"check_disk", "-w", "0", "-c", "0", "-p", "/"]'
		plugin load '"check_load", "-w", "9999,9999,9999", "-c", "9999,9999,9999"]'
		plugin procs '"check_procs", "-w", "1:", "-c", "1:"]'
		plugin few '"check_procs", "-w", "0:0", "-c", "0:0"]'
		plugin tcp "\"check_tcp\", \"-H\", \"127.0.0.1\", \"-p\", \"$api_port\"]"
		plugin http "\"check_http\", \"-I\", \"127.0.0.1\", \"-p\", \"$api_port\", \"-u\", \"/readyz\"]"
		plugin refused "\"check_tcp\", \"-H\", \"127.0.0.1\", \"-p\", \"$(free_port)\"]"
	} >entries
	jq -s '{cluster: "net", host: "h1", config_revision: "1", probers: .}' entries >config.json
	start_agent --config config.json
	for prober in $disk load procs tcp http; do
		until_runs "$prober" success ok
	done
	until_runs few failure exit
	until_runs refused failure exit
	curl -sS "$agent_url/metrics" >page
	! command -v promtool >/dev/null || promtool check metrics <page
	if [ -n "$disk" ]; then
		"$plugins/check_disk" -w 0 -c 0 -p / >direct
		unit=$(sed -n 's/.*[|] *\/=[0-9.]*\([A-Za-z]*\);.*/\1/p' direct)
		near 'used bytes' "$(value disk / "$unit")" "$(sed -n 's/.*[|] *\/=\([0-9.]*\)[A-Za-z]*;.*/\1/p' direct)"
	fi
	for name in load1 load5 load15; do
		[ -n "$(value load $name '')" ] || fail "no $name"
	done
	[ "$(value procs procs '')" -ge 1 ] || fail 'no processes'
	awk -v t="$(value tcp time s)" 'BEGIN { exit !(t > 0 && t < 10) }' || fail "time of check_tcp: '$(value tcp time s)'"
	awk -v t="$(value http time s)" 'BEGIN { exit !(t > 0 && t < 10) }' || fail "time of check_http: '$(value http time s)'"
	awk -v t="$(value http size B)" 'BEGIN { exit !(t > 0) }' || fail "size of check_http: '$(value http size B)'"
	step 'the target goes, the plugin says so'
	stop_api
	until_runs tcp failure exit
	expect_equal 'its last verdict' 0 "$(agent_metric mrprober_success 'prober="tcp"')"
}
