#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kernel-counters: work the kernel had to throw away since it started, as Prometheus metrics.
#
# Packets no processor had time for, connections no program accepted in time, processes killed for lack of memory. What a kernel
# does not count is left out.
#
# usage: kernel-counters.sh
# exit:  0 printed, 3 none of the counters is here
set -u
export LC_ALL=C

printed=0
describe() { printf '# HELP %s %s\n# TYPE %s counter\n' "$1" "$2" "$1"; }

# A line for each processor that is online, in hexadecimal: packets, dropped, out of time, ... and in column 13 the processor.
if [[ -r /proc/net/softnet_stat ]]; then
	dropped='' squeezed='' row=0
	while read -r _ drops squeezes _ _ _ _ _ _ _ _ _ processor _; do
		[[ -n $processor ]] || processor=$(printf '%x' "$row")
		dropped+="kernel_softnet_dropped_total{cpu=\"$((16#$processor))\"} $((16#$drops))"$'\n'
		squeezed+="kernel_softnet_squeezed_total{cpu=\"$((16#$processor))\"} $((16#$squeezes))"$'\n'
		((row += 1))
	done </proc/net/softnet_stat
	describe kernel_softnet_dropped_total 'Packets dropped because the backlog of a processor was full.'
	printf '%s' "$dropped"
	describe kernel_softnet_squeezed_total 'Times a processor ran out of time with packets left.'
	printf '%s' "$squeezed"
	printed=1
fi

# Pairs of lines with the same prefix: the names, then the values.
if [[ -r /proc/net/netstat ]]; then
	while read -r prefix line; do
		[[ $prefix == TcpExt: ]] || continue
		read -ra names <<<"$line"
		read -r _ line
		read -ra values <<<"$line"
		for i in "${!names[@]}"; do
			case ${names[i]} in
			ListenOverflows) name=listen_overflows help='Connections refused because the queue of a listening socket was full.' ;;
			TCPTimeouts) name=timeouts help='Retransmission timers of TCP that ran out.' ;;
			*) continue ;;
			esac
			describe "kernel_tcp_${name}_total" "$help"
			printf 'kernel_tcp_%s_total %s\n' "$name" "${values[i]}"
			printed=1
		done
	done </proc/net/netstat
fi

if [[ -r /proc/vmstat ]]; then
	while read -r name value; do
		[[ $name == oom_kill ]] || continue
		describe kernel_oom_kills_total 'Processes killed because memory ran out.'
		printf 'kernel_oom_kills_total %s\n' "$value"
		printed=1
	done </proc/vmstat
fi

if ((printed == 0)); then
	echo '# kernel-counters UNKNOWN - none of softnet_stat, netstat and vmstat can be read under /proc'
	exit 3
fi
