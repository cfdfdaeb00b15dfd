# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure probes: built-in checks, against bare libcurl, blackbox_exporter and fping

# --- probes: peers are Debian packages; what is not installed is left out, and said ---

have() {
	command -v "$1" >/dev/null && return 0
	say "probes: no $1 here, so nothing is compared with it"
	return 1
}

# rate NAME MICROSECONDS: sample NAME of how many fit into a second of a processor
rate() {
	sample "$1" "$(echo "$2" | awk '{ print 1e6 / $1 }')"
}

# probe_load NAME N P PROBE [PER-CHECK]: samples NAME-cpu (us) and NAME (checks a CPU second) of the agent's engine
probe_load() {
	result=$("$(dirname "$mrprober")/tests/probeload" "$2" "$3" "$4") || fail "a probe of '$4' failed"
	one=$(echo "$result" | value cpu_us | awk -v per="${5:-1}" '{ print $1 / per }')
	sample "$1-cpu" "$one"
	rate "$1" "$one"
}

# floor_curl NAME N P URL: the same of bare libcurl
floor_curl() {
	result=$("$bin/floor-curl" "$2" "$3" "$4" "$work/web/cert.pem") || fail "bare libcurl does not get '$4'"
	take "$1-cpu" cpu_us "$result"
	rate "$1" "$(echo "$result" | value cpu_us)"
}

# blackbox NAME MODULE TARGET: the same of blackbox_exporter, asked by 16 clients
blackbox() {
	"$bin/loadgen" body "$blackbox_url/probe?module=$2&target=$3" | grep -q '^probe_success 1$' ||
		fail "blackbox_exporter finds '$3' broken"
	result=$("$bin/loadgen" -c 16 -w 0.3 -t "$seconds" -p "$blackbox_pid" get "$blackbox_url/probe?module=$2&target=$3") ||
		fail "blackbox_exporter does not answer"
	take "$1-cpu" server_cpu_us "$result"
	rate "$1" "$(echo "$result" | value server_cpu_us)"
}

start_web() {
	web=$work/web web_port=$("$bin/loadgen" free-port) tls_port=$("$bin/loadgen" free-port)
	mkdir -p "$web/logs" "$web/html"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$web/key.pem" -out "$web/cert.pem" 2>"$web/openssl.log" ||
		fail "openssl makes no certificate"
	cat >"$web/nginx.conf" <<-TEXT
		worker_processes 1; daemon off; master_process off; pid logs/nginx.pid; error_log logs/error.log error;
		events { worker_connections 8192; multi_accept on; }
		http { access_log off; client_body_temp_path logs; proxy_temp_path logs; fastcgi_temp_path logs;
		uwsgi_temp_path logs; scgi_temp_path logs;
		server { listen 127.0.0.1:$web_port backlog=8192; root html; location = /h { return 200 'ok'; } }
		server { listen 127.0.0.1:$tls_port ssl backlog=8192; ssl_certificate $web/cert.pem;
		ssl_certificate_key $web/key.pem; location = /h { return 200 'ok'; } } }
	TEXT
	nginx -p "$web" -c "$web/nginx.conf" >"$web/log" 2>&1 &
	web_pid=$!
	servers="$servers $web_pid"
	wait_for "$web_pid" "http://127.0.0.1:$web_port/h" "$web/log"
}

start_blackbox() {
	cat >"$work/blackbox.yml" <<-TEXT
		modules:
		  http: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, tls_config: {ca_file: $work/web/cert.pem}}}
		  tcp: {prober: tcp, timeout: 5s}
	TEXT
	blackbox_url=http://127.0.0.1:$("$bin/loadgen" free-port)
	prometheus-blackbox-exporter --config.file="$work/blackbox.yml" --log.level=error \
		--web.listen-address="${blackbox_url#http://}" >"$work/blackbox.log" 2>&1 &
	blackbox_pid=$!
	servers="$servers $blackbox_pid"
	wait_for "$blackbox_pid" "$blackbox_url/-/healthy" "$work/blackbox.log"
}

# 1,000 targets, 50 requests each, 10 ms between those to the same one; fping wants as much
probe_pings() {
	probe_load pings 2000 1000 '{"icmp": {"host": "127.1.%T", "count": 50, "interval": "10ms"}}' 50
	result=$("$bin/startup" -n 1 fping -q -C 50 -i 0 -p 10 -g 127.0.0.1 127.0.3.232 2>/dev/null) || fail "fping lost some"
	rate fping "$(echo "$result" | value cpu_ms | awk '{ print $1 * 1000 / 50000 }')"
}

probe_pair() {
	http="http://127.0.0.1:$web_port/h" https="https://127.0.0.1:$tls_port/h"
	trust="\"ca_cert\": \"$work/web/cert.pem\""

	floor_curl curl-http 20000 16 "$http"
	probe_load http 20000 16 "{\"http\": {\"url\": \"$http\"}}"
	floor_curl curl-https 2000 16 "$https"
	probe_load https 2000 16 "{\"http\": {\"url\": \"$https\", $trust}}"
	probe_load tls 2000 16 "{\"tls\": {\"host\": \"127.0.0.1\", \"port\": $tls_port, $trust, \"min_validity\": \"1d\"}}"
	result=$("$bin/floor-tcp" 20000 "$web_port") || fail "nobody answers at port $web_port"
	take connect-cpu cpu_us "$result"
	probe_load tcp 20000 16 "{\"tcp\": {\"host\": \"127.0.0.1\", \"port\": $web_port}}"
	[ -n "$blackbox_url" ] || return 0
	blackbox blackbox-http http "$http"
	blackbox blackbox-https http "$https"
	blackbox blackbox-tcp tcp "127.0.0.1:$web_port"
}

figure_probes() {
	have nginx || return 0
	blackbox_url=
	fping=
	start_web
	! have prometheus-blackbox-exporter || start_blackbox
	! have fping || fping=1
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "probes: $pair of $pairs"
		probe_pair
		[ -z "$fping" ] || probe_pings
	done
	row_ratio "http, over bare libcurl" "/CPU s" curl-http http ">= 0.8"
	row_ratio "https, over bare libcurl: CPU" us curl-https-cpu https-cpu "<= 1.15"
	row_ratio "tls, over bare libcurl: CPU" us curl-https-cpu tls-cpu "<= 1.15"
	row_ratio "tcp, over a bare connect: CPU" us connect-cpu tcp-cpu "<= 1.25"
	if [ -n "$blackbox_url" ]; then
		row_ratio "http, over blackbox_exporter" "/CPU s" blackbox-http http ">= 6"
		row_ratio "https, over blackbox_exporter" "/CPU s" blackbox-https https ""
		row_ratio "tcp, over blackbox_exporter" "/CPU s" blackbox-tcp tcp ">= 8"
	fi
	[ -z "$fping" ] || row_ratio "icmp, over fping: pings" "/CPU s" fping pings ">= 0.7"
	[ -z "$blackbox_url" ] || stop "$blackbox_pid"
	stop "$web_pid"
}
