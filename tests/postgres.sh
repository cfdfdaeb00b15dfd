# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# A PostgreSQL server of our own for tests and benchmarks: in a folder below /tmp, on the loopback address and a Unix
# socket there. Source it, then postgres_start FOLDER [SETTING...]; postgres_stop FOLDER ends it.
#
# Everybody on the machine may connect as `mrprober` without a password; `guarded` needs one. The default collation is
# not that of bytes, so that an order which relies on the default is noticed.

# The newest installed server's programs; nothing when there is none.
postgres_programs()
{
	for postgres_bin in /usr/lib/postgresql/*/bin /usr/local/pgsql/bin; do
		[ ! -x "$postgres_bin/initdb" ] || echo "$postgres_bin"
	done | sort -V | tail -n 1
}

# as_postgres COMMAND...: the server refuses to be root.
as_postgres()
{
	if [ "$(id -u)" != 0 ]; then
		"$@"
	elif id postgres >/dev/null 2>&1; then
		(cd / && setpriv --reuid=postgres --regid=postgres --clear-groups "$@")
	else
		(cd / && setpriv --reuid=65534 --regid=65534 --clear-groups "$@")
	fi
}

# Below the range that the kernel hands out for outgoing connections.
postgres_free_port()
{
	while :; do
		postgres_port=$(od -An -N2 -tu2 /dev/urandom | awk '{ print 10000 + $1 % 22000 }')
		grep -qi "^ *[0-9]*: [0-9A-F]*:$(printf '%04X' "$postgres_port") " /proc/net/tcp /proc/net/tcp6 2>/dev/null || break
	done
}

# postgres_start FOLDER [SETTING...]: sets postgres_port and postgres_url (without a database). FOLDER is made.
# 77: there is no server here; 1: it does not start, FOLDER/log and FOLDER/start.log say why.
postgres_start()
{
	postgres_folder=$1
	shift
	postgres_bin=$(postgres_programs)
	[ -n "$postgres_bin" ] || return 77
	mkdir -p "$postgres_folder"
	chmod 755 "$postgres_folder"
	: >"$postgres_folder/log"
	chmod 666 "$postgres_folder/log"
	mkdir "$postgres_folder/data" "$postgres_folder/socket"
	if [ "$(id -u)" = 0 ]; then
		chown "$(as_postgres id -u)" "$postgres_folder/data" "$postgres_folder/socket"
	fi
	as_postgres "$postgres_bin/initdb" -D "$postgres_folder/data" -U mrprober -A trust -E UTF8 --locale=C.UTF-8 \
		--locale-provider=icu --icu-locale=en-US --no-sync >>"$postgres_folder/start.log" 2>&1 || return 1
	{
		echo 'local all guarded scram-sha-256'
		echo 'host all guarded 127.0.0.1/32 scram-sha-256'
		echo 'local all all trust'
		echo 'host all all 127.0.0.1/32 trust'
	} >"$postgres_folder/hba"
	chmod 644 "$postgres_folder/hba"
	postgres_tries=0
	while :; do
		postgres_free_port
		postgres_configure "$@"
		! postgres_launch "$postgres_folder" || break
		postgres_tries=$((postgres_tries + 1))
		[ $postgres_tries -lt 5 ] || return 1
	done
	# shellcheck disable=SC2034 # whoever sources this uses it
	postgres_url=postgresql://mrprober@127.0.0.1:$postgres_port
}

postgres_configure() # SETTING...
{
	{
		echo "hba_file = '$postgres_folder/hba'"
		echo "listen_addresses = '127.0.0.1'"
		echo "dynamic_shared_memory_type = mmap" # there may be no /dev/shm for everybody
		echo "port = $postgres_port"
		echo "unix_socket_directories = '$postgres_folder/socket'"
		echo 'shared_buffers = 64MB'
		echo 'max_connections = 60'
		echo 'log_min_messages = fatal'
		for postgres_setting; do echo "$postgres_setting"; done
	} >"$postgres_folder/settings"
	chmod 644 "$postgres_folder/settings"
}

# postgres_launch FOLDER: start its server, for the first time or after a stop.
postgres_launch()
{
	as_postgres "$(postgres_programs)/pg_ctl" -D "$1/data" -l "$1/log" -w -t 60 -s -o "-c config_file=$1/settings" start \
		>>"$1/start.log" 2>&1
}

# postgres_stop FOLDER [fast|immediate]: `immediate` is a crash.
postgres_stop()
{
	[ ! -f "$1/data/postmaster.pid" ] || as_postgres "$(postgres_programs)/pg_ctl" -D "$1/data" -w -s -m "${2:-fast}" stop \
		>>"$1/start.log" 2>&1 || :
}
