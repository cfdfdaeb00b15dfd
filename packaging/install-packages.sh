#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install the Debian packages that building (and, with "test", testing) mrprober needs. The one list of them.
# Says nothing and needs no network when all are there. Uses sudo when it is not run by root.
#
#   sh packaging/install-packages.sh build|test
set -eu

build='gcc libc6-dev cmake ninja-build pkg-config libjansson-dev libyaml-dev nettle-dev libcurl4-openssl-dev
	libmicrohttpd-dev libgnutls28-dev libsqlite3-dev libpq-dev zlib1g-dev libssl-dev libprotobuf-c-dev
	protobuf-c-compiler libc-ares-dev libgit2-dev mandoc'
run='ca-certificates curl git jq'
test='libcmocka-dev openssl valgrind shellcheck sqlite3 postgresql procps man-db bash prometheus protobuf-compiler
	bind9-dnsutils iproute2 iputils-ping monitoring-plugins-basic faketime python3 strace
	python3-jsonschema zsh fish python3-cryptography chromium'

case ${1-} in
build) wanted="$build $run" ;;
test) wanted="$build $run $test" ;;
*)
	echo "usage: sh packaging/install-packages.sh build|test" >&2
	exit 64
	;;
esac

missing=
for package in $wanted; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing packages:$missing" >&2
as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "not root and no sudo: install these packages by hand:$missing" >&2
		exit 77
	}
	as_root=sudo
fi
# shellcheck disable=SC2086 # lists of words
{
	$as_root apt-get update -qq
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
} >&2
