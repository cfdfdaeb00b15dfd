# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh, and for agent.sh
# SPDX-License-Identifier: Apache-2.0
#
# Schedulers that run `tick` as so many checks: mrprober's agent, and two others where they are installed. For run.sh,
# which has `work`, `bin`, `mrprober`, `fail`, and `servers`.
#
# Each start_NAME CHECKS INTERVAL-SECONDS sets `scheduler`, the process at the top of what it started. Ours also sets
# `agent_url`, of its metrics.

scheduler=
ticks=

# Some of them run checks as users of their own, who have to get at the program and its file. That is kept in memory,
# so no check waits for a disk.
open_ticks() {
	chmod 711 "$work"
	cp "$bin/tick" "$work/tick"
	ticks=$work/ticks
	if [ -d /dev/shm ] && [ -w /dev/shm ]; then
		ticks_folder=$(mktemp -d /dev/shm/mrprober-bench.XXXXXX)
		scratch="$scratch $ticks_folder"
		chmod 711 "$ticks_folder"
		ticks=$ticks_folder/ticks
	fi
}

# started PID
started() {
	scheduler=$1
	servers="$servers $1"
}

# Most end at once, some first wait for all of their checks: then they are killed.
stop_scheduler() {
	kill "$scheduler" 2>/dev/null || fail "a scheduler ended by itself: see $work/scheduler.log"
	tries=0
	while [ $((tries += 1)) -lt 100 ] && kill -0 "$scheduler" 2>/dev/null; do
		sleep 0.1
	done
	kill -9 "$scheduler" 2>/dev/null || :
	wait "$scheduler" 2>/dev/null || :
	rest=
	for pid in $servers; do
		[ "$pid" = "$scheduler" ] || rest="$rest $pid"
	done
	servers=$rest
}

# --- the agent ---

agent_config() {
	awk -v n="$1" -v interval="$2" -v tick="$work/tick" -v file="$ticks" 'BEGIN {
		printf "{\"probers\":["
		for (i = 0; i < n; i++) {
			printf "%s{\"id\":\"tick-%d\",\"prober\":\"tick-%d\",\"command\":[\"%s\",\"%s\",\"%d\"],", i ? "," : "", i, i,
				tick, file, i
			printf "\"interval\":\"%ss\",\"timeout\":\"30s\",\"grace\":\"5s\",\"overlap\":\"skip\",", interval
			printf "\"output\":\"nagios\",\"warning_is\":\"failure\",\"keep_logs\":\"failures\"}\n"
		}
		print "]}"
	}'
}

start_agent() {
	"$bin/ticks" make "$ticks" "$1"
	agent_config "$1" "$2" >"$work/agent.json"
	"$mrprober" agent run --cluster bench --host bench --config "$work/agent.json" --listen 127.0.0.1:0 \
		--socket none --state-dir "$work/agent" 2>"$work/scheduler.log" &
	started $!
	tries=0
	until grep -q "config .* probers" "$work/scheduler.log"; do
		if [ $((tries += 1)) -gt 100 ] || ! kill -0 "$scheduler" 2>/dev/null; then
			cat "$work/scheduler.log" >&2
			fail "the agent does not start"
		fi
		sleep 0.1
	done
	agent_url=$(sed -n 's/.*metrics at //p' "$work/scheduler.log")
}

# --- Nagios Core 4 ---

nagios_main_config() {
	cat <<-TEXT
	log_file=$1/nagios.log
	cfg_file=$1/objects.cfg
	object_cache_file=$1/objects.cache
	precached_object_file=$1/objects.precache
	status_file=$1/status.dat
	status_update_interval=60
	lock_file=$1/nagios.lock
	temp_file=$1/nagios.tmp
	temp_path=$1
	check_result_path=$1/spool
	query_socket=$1/nagios.qh
	check_external_commands=0
	log_rotation_method=n
	use_syslog=0
	log_initial_states=0
	interval_length=1
	service_inter_check_delay_method=s
	max_service_check_spread=1
	service_interleave_factor=s
	max_concurrent_checks=0
	check_result_reaper_frequency=1
	execute_service_checks=1
	execute_host_checks=0
	accept_passive_service_checks=0
	accept_passive_host_checks=0
	enable_notifications=0
	enable_event_handlers=0
	enable_flap_detection=0
	process_performance_data=0
	check_for_orphaned_services=0
	check_for_orphaned_hosts=0
	check_service_freshness=0
	check_host_freshness=0
	retain_state_information=0
	enable_environment_macros=0
	use_large_installation_tweaks=1
	check_for_updates=0
	service_check_timeout=30
	check_workers=4
	TEXT
	if [ "$(id -u)" = 0 ]; then
		echo nagios_user=nagios
		echo nagios_group=nagios
	fi
}

nagios_objects() {
	cat <<-TEXT
	define command {
	 command_name tick
	 command_line $work/tick $ticks \$SERVICEDESC\$
	}
	define timeperiod {
	 timeperiod_name always
	 alias always
	$(for day in sunday monday tuesday wednesday thursday friday saturday; do echo " $day 00:00-24:00"; done)
	}
	define contact {
	 contact_name nobody
	 host_notifications_enabled 0
	 service_notifications_enabled 0
	 host_notification_period always
	 service_notification_period always
	 host_notification_options n
	 service_notification_options n
	 host_notification_commands tick
	 service_notification_commands tick
	}
	TEXT
	awk -v n="$1" -v interval="$2" 'BEGIN {
		for (i = 0; i < n; i++) {
			if (i % 50 == 0)
				printf "define host {\n host_name h%d\n address 127.0.0.1\n max_check_attempts 1\n" \
					" check_period always\n contacts nobody\n notification_interval 0\n" \
					" active_checks_enabled 0\n}\n", i / 50
			printf "define service {\n host_name h%d\n service_description %d\n check_command tick\n" \
				" max_check_attempts 1\n check_interval %d\n retry_interval %d\n check_period always\n" \
				" contacts nobody\n notifications_enabled 0\n notification_interval 0\n}\n",
				i / 50, i, interval, interval
		}
	}'
}

start_nagios() {
	folder=${ticks%/*}/nagios
	rm -rf "$folder"
	mkdir -p "$folder/spool"
	"$bin/ticks" make "$ticks" "$1"
	nagios_main_config "$folder" >"$folder/nagios.cfg"
	nagios_objects "$1" "$2" >"$folder/objects.cfg"
	[ "$(id -u)" != 0 ] || chown -R nagios:nagios "$folder"
	nagios4 "$folder/nagios.cfg" >"$work/scheduler.log" 2>&1 &
	started $!
}

# --- Icinga 2 ---

icinga_config() {
	cat <<-TEXT
	const NodeName = "bench"
	const ZoneName = NodeName
	const MaxConcurrentChecks = 512
	include <itl>
	object Endpoint NodeName { }
	object Zone ZoneName { endpoints = [ NodeName ] }
	object CheckerComponent "checker" { }
	object FileLogger "main" { severity = "warning"; path = "$work/icinga.log" }
	object CheckCommand "tick" { command = [ "$work/tick", "$ticks", "\$number\$" ] }
	TEXT
	awk -v n="$1" -v interval="$2" 'BEGIN {
		for (i = 0; i < n; i++) {
			if (i % 50 == 0)
				printf "object Host \"h%d\" { check_command = \"dummy\"; enable_active_checks = false }\n", i / 50
			printf "object Service \"s%d\" { host_name = \"h%d\"; check_command = \"tick\"; check_interval = %ds; " \
				"retry_interval = %ds; enable_notifications = false; enable_flapping = false; " \
				"enable_perfdata = false; vars.number = \"%d\" }\n", i, i / 50, interval, interval, i
		}
	}'
}

# All of its folders are ours, so an Icinga of this machine is not touched.
start_icinga() {
	folder=$work/icinga
	rm -rf "$folder"
	mkdir -p "$folder"
	"$bin/ticks" make "$ticks" "$1"
	icinga_config "$1" "$2" >"$folder/icinga.conf"
	for name in DataDir LogDir CacheDir SpoolDir InitRunDir; do
		mkdir "$folder/$name"
		set -- "$@" -D "$name=$folder/$name"
	done
	shift 2
	icinga2 daemon -c "$folder/icinga.conf" -D "RunAsUser=$(id -un)" -D "RunAsGroup=$(id -gn)" "$@" \
		-D "PidPath=$folder/pid" -D "VarsPath=$folder/vars" -D "ObjectsPath=$folder/objects" \
		-D "StatePath=$folder/state" -D "ModAttrPath=$folder/modified" >"$work/scheduler.log" 2>&1 &
	started $!
}
