#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# default-route: is there a way out: a default route, over an interface that is up and large enough, to a living neighbour?
#
# usage: default-route.sh [-m BYTES] [4|6]   (defaults: at least 1280 bytes of MTU, IPv4)
# exit:  0 there is, 1 only through an interface with a smaller MTU, 2 there is none, 3 cannot tell (iproute2 not installed)
set -u
export LC_ALL=C

mtu_wanted=1280

unknown() { echo "ROUTE UNKNOWN - $*"; exit 3; }

while getopts :m: option; do
	case $option in
	m) mtu_wanted=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
shift $((OPTIND - 1))
family=${1:-4}
case $mtu_wanted in '' | *[!0-9]* | ???????*) unknown "'$mtu_wanted' is not an MTU" ;; esac
case $family in 4 | 6) ;; *) unknown "'$family' is neither 4 nor 6" ;; esac
command -v ip >/dev/null || unknown 'iproute2 is not installed'

routes=$(ip -o "-$family" route show default 2>&1) || unknown "ip: $(printf '%s\n' "$routes" | head -n 1)"

# Of several routes one that works is enough; each that does not gives a reason.
reasons='' small=''
while read -r route; do
	case $route in *' dev '*) ;; *) continue ;; esac
	device=${route#* dev }
	device=${device%% *}
	case $route in
	*' via '*) gateway=${route#* via } gateway=${gateway#inet6 } gateway=${gateway%% *} ;;
	*) gateway='' ;;
	esac
	way="over $device${gateway:+ via $gateway}"

	# `unknown` is what virtual interfaces without a carrier to watch say.
	{ read -r state <"/sys/class/net/$device/operstate"; } 2>/dev/null || state=missing
	case $state in up | unknown) ;; *) reasons="$reasons; $way: the interface is $state"; continue ;; esac
	if [ -n "$gateway" ] && ip "-$family" neigh show to "$gateway" dev "$device" 2>/dev/null | grep -q 'FAILED'; then
		reasons="$reasons; $way: the gateway does not answer"
		continue
	fi
	{ read -r mtu <"/sys/class/net/$device/mtu"; } 2>/dev/null || mtu=0
	perfdata="mtu=$mtu;$mtu_wanted:;;0"
	if [ "$mtu" -ge "$mtu_wanted" ]; then
		echo "ROUTE OK - IPv$family $way, MTU $mtu | $perfdata"
		exit 0
	fi
	small="IPv$family $way: the MTU is $mtu, expected $mtu_wanted or more | $perfdata"
done <<ROUTES
$routes
ROUTES

if [ -n "$small" ]; then
	echo "ROUTE WARNING - $small"
	exit 1
fi
reasons=${reasons#; }
echo "ROUTE CRITICAL - IPv$family: ${reasons:-no default route}"
exit 2
