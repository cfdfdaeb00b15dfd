#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Includes point one way: a folder of lib/ may use itself and what stands on a lower line here. Libraries that are slow
# to load are seen only by files *_module.c (see lib/base/module.h). Prints what breaks this; exits 1 then.
#
#   sh tests/layers.sh [ROOT]
set -eu
cd "${1:-$(dirname "$0")/..}"

# shellcheck disable=SC2016 # the program is awk's
find lib cmd -name '*.[ch]' | LC_ALL=C sort | xargs awk '
BEGIN {
	split("base|value ev|model run|verdict|cli config http store metrics probe|cloud|api client sync|push meeseeks|creator|agent|duty|cmd", lines, "|")
	for (i in lines) {
		n = split(lines[i], names, " ")
		for (k = 1; k <= n; k++) level[names[k]] = i + 0
	}
	heavy = "^(curl/|sqlite3|microhttpd|zlib|protobuf-c|git2|libpq|openssl/|gnutls/|ares[.]h|nettle/)"
	home["jansson.h"] = "^lib/value/"
	home["yaml.h"] = "^lib/(value|config)/"
}
function complain(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text
	bad = 1
}
# a path without "x/.." parts
function clean(path) {
	while (sub(/[^\/.][^\/]*\/\.\.\//, "", path)) ;
	return path
}
FNR == 1 {
	n = split(FILENAME, parts, "/")
	own = parts[1] == "lib" ? parts[2] : "cmd"
	if (!(own in level)) complain("folder lib/" own " has no place in tests/layers.sh")
	folder = FILENAME
	sub(/[^\/]*$/, "", folder)
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	target = clean(folder quoted[2])
	split(target, parts, "/")
	other = parts[1] == "lib" ? parts[2] : parts[1]
	if (!(other in level)) complain("includes " target ", which is outside lib/ and cmd/")
	else if (other != own && level[other] >= level[own])
		complain("includes " target ": lib/" other " is not below " (own == "cmd" ? "cmd" : "lib/" own))
}
/^[ \t]*#[ \t]*include[ \t]*</ {
	name = $0
	sub(/^[^<]*</, "", name)
	sub(/>.*/, "", name)
	if (name ~ heavy && FILENAME !~ /_module\.c$/) complain("<" name "> belongs into a file *_module.c")
	for (prefix in home)
		if (index(name, prefix) == 1 && FILENAME !~ home[prefix])
			complain("<" name "> belongs into files " home[prefix])
}
END { exit bad }'
