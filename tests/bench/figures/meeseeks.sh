# shellcheck shell=sh disable=SC2154,SC2034 # variables of run.sh
# SPDX-License-Identifier: Apache-2.0
# figure meeseeks: 25,000 nodes on 25 pages, compared with a variable that holds them

# Pages as a cloud's API for its machines answers them, about 500 bytes a node.
make_node_pages() {
	mkdir -p "$work/nodes"
	awk -v folder="$work/nodes" 'BEGIN {
		for (p = 1; p <= 25; p++) {
			file = sprintf("%s/page%02d.json", folder, p)
			printf "{\"nodes\":[" >file
			for (i = 0; i < 1000; i++) {
				n = p * 1000 + i
				printf "%s{\"id\":\"fhm%017d\",\"name\":\"node-%05d.ru-central1-%s.example.net\",\"zoneId\":\"ru-central1-%s\"," \
					"\"status\":\"UP\",\"address\":\"10.%d.%d.%d\",\"labels\":{\"rack\":\"r%d\",\"row\":\"%d\",\"generation\":\"%d\"}," \
					"\"resources\":{\"cores\":128,\"memory\":1099511627776,\"disks\":[{\"id\":\"nvme0\",\"size\":3840755982336}," \
					"{\"id\":\"nvme1\",\"size\":3840755982336}]},\"createdAt\":\"2024-01-01T00:00:00Z\"," \
					"\"updatedAt\":\"2025-06-01T12:30:00.123456Z\",\"serial\":\"%032d\"}", \
					(i ? "," : ""), n, n, substr("abd", n % 3 + 1, 1), substr("abd", n % 3 + 1, 1), n % 256, i % 256, p, \
					n % 400, n % 20, n % 7, n >file
			}
			printf "]%s}", (p < 25 ? ",\"nextPageToken\":\"p" p + 1 "\"" : "") >file
			close(file)
		}
	}'
}

start_node_server() {
	set --
	i=25
	while [ $i -ge 1 ]; do
		token="pageToken=p$i"
		[ $i -gt 1 ] || token="pageSize=1000"
		set -- "$@" "GET */nodes[?]*$token file 200 application/json $work/nodes/page$(printf %02d $i).json"
		i=$((i - 1))
	done
	mkfifo "$work/nodes/input"
	"$faultd" --port-file "$work/nodes/port" "$@" <>"$work/nodes/input" >/dev/null 2>&1 &
	nodes_pid=$!
	servers="$servers $nodes_pid"
	tries=0
	while [ ! -s "$work/nodes/port" ]; do
		[ $((tries += 1)) -le 200 ] || fail "the server of nodes does not start"
		sleep 0.1
	done
	nodes_url=http://127.0.0.1:$(cat "$work/nodes/port")/nodes
}

figure_meeseeks() {
	faultd=$(dirname "$mrprober")/tests/faultd
	[ -x "$faultd" ] || {
		say "meeseeks: there is no '$faultd', which serves the nodes: left out"
		return 0
	}
	make_node_pages
	start_node_server
	[ -z "${api_pid:-}" ] || stop "$api_pid"
	start_api
	mkdir -p "$work/nodes/tree/recipes/r" "$work/nodes/tree/clusters"
	printf 'mrprober: 1\nenvironments: {prod: {}}\nrequired_variables: []\n' >"$work/nodes/tree/mrprober.yaml"
	echo 'name: R' >"$work/nodes/tree/recipes/r/recipe.yaml"
	printf 'recipe: r\nexternal_variables: [compute_nodes]\n' >"$work/nodes/tree/clusters/meeseeks.yaml"
	"$mrprober" synchronize --yes --quiet --api-url "$api_url" "$work/nodes/tree" >/dev/null || fail "synchronize failed"
	set -- "$mrprober" meeseeks --source compute-admin --url "$nodes_url" --auth none --api-url "$api_url"
	"$@" --yes >/dev/null || fail "meeseeks failed"
	pair=0
	while [ $((pair += 1)) -le "$pairs" ]; do
		say "meeseeks: $pair of $pairs"
		measure floor-json "$bin/floor-json" "$work"/nodes/page*.json
		measure floor-kept "$bin/floor-json" --keep "$work"/nodes/page*.json
		measure meeseeks "$@" --check
	done
	stop "$nodes_pid"
	stop "$api_pid"
	api_pid=
	row_ratio "meeseeks: 25,000 nodes unchanged" ms floor-json-ms meeseeks-ms "<= 1.5"
	row_ratio "meeseeks: peak resident size, over all pages" MiB floor-kept-mib meeseeks-mib "<= 1.5"
	row_ratio "meeseeks: peak resident size, over one page" MiB floor-json-mib meeseeks-mib ""
}
