# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What systemd hears (sd_notify(3)), in which order.

cleanup_more()
{
	[ -z "${notified_pid-}" ] || kill "$notified_pid" 2>/dev/null
	[ "$result" -eq 0 ] || [ ! -s heard ] || grep -v WATCHDOG heard
}

start_notified()
{
	"$MRP_BUILD/tests/notified" "$MRP_SCRATCH/notify.sock" >heard &
	notified_pid=$!
	until_true test -S notify.sock
	export NOTIFY_SOCKET="$MRP_SCRATCH/notify.sock"
}

# heard PATTERN [TIMES]: waits until that many lines match.
heard()
{
	heard_often() { [ "$(grep -cE -- "$1" heard)" -ge "$2" ]; }
	until_true heard_often "$1" "${2:-1}"
}

# The number of the first line that matches.
line() { grep -nE -m 1 -- "$1" heard | cut -d : -f 1; }

test_order()
{
	start_notified
	config "$(entry good 'command: ["true"]')" "$(entry bad 'command: ["false"]')"
	WATCHDOG_USEC=400000 start_agent --config config.json --config-interval 24h
	heard '^READY=1 STATUS=2 probers, [0-9]+ running, [0-9]+ failing$'
	heard '^WATCHDOG=1$' 3
	until_runs bad failure exit
	step 'SIGHUP'
	config "$(entry good 'command: ["true"]')" "$(entry bad 'command: ["false"]')" "$(entry more 'command: ["true"]')"
	kill -HUP "$agent_pid"
	heard '^READY=1 STATUS=3 probers, [0-9]+ running, 1 failing$'
	matches heard '^RELOADING=1 MONOTONIC_USEC=[0-9]+$'
	usec=$(sed -n 's/^RELOADING=1 MONOTONIC_USEC=//p' heard)
	awk -v usec="$usec" '{ exit !(usec / 1e6 <= $1 && usec / 1e6 > $1 - 120) }' /proc/uptime ||
		fail "MONOTONIC_USEC=$usec is not a moment ago: $(cat /proc/uptime)"
	step 'a config that is refused'
	echo '{' >config.json
	kill -HUP "$agent_pid"
	heard '^READY=1 STATUS=3 probers, .*; config.json is not valid JSON'
	heard '^WATCHDOG=1$' $(($(grep -c WATCHDOG heard) + 2))
	stop_agent
	expect_equal 'the last word' STOPPING=1 "$(grep -v WATCHDOG heard | tail -n 1)"
	grep -v WATCHDOG heard | sed 's/[ =].*//' >words
	expect_equal 'all words in order' 'READY RELOADING READY RELOADING READY STOPPING' "$(grep -v STATUS words | xargs)"
	never heard 'FD|MAINPID'
}

# Ready means that there is a config, or that it is known that there is none yet.
test_without_config()
{
	start_notified
	api_port=$(free_port)
	MRPROBER_API_URL=http://127.0.0.1:$api_port start_agent --config-interval 200ms
	heard '^READY=1 STATUS=0 probers, 0 running, 0 failing; '
	stop_agent
}

# Not its business: a watchdog of another process, and a manager that does not answer.
test_not_ours()
{
	start_notified
	config "$(entry good 'command: ["true"]')"
	WATCHDOG_USEC=100000 WATCHDOG_PID=1 start_agent --config config.json
	heard '^READY=1'
	until_metric 3 mrprober_runs_total
	never heard WATCHDOG
	stop_agent
	kill "$notified_pid"
	wait "$notified_pid" || :
	notified_pid=
	WATCHDOG_USEC=100000 start_agent --config config.json
	until_metric 3 mrprober_runs_total
	until_logged 'cannot tell the service manager'
}
