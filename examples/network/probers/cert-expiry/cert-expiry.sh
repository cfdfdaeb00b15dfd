#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cert-expiry: for how many days is a certificate still good?
#
# The certificate is that of a TLS server (HOST:PORT), or the first one of a PEM file (a path with a slash). Only the dates are
# looked at, not who signed it.
#
# usage: cert-expiry.sh [-t SECONDS] [-w DAYS] [-c DAYS] [HOST:PORT | FILE]   (defaults: -t 10 -w 21 -c 7, localhost:443)
# exit:  0 good for long, 1 for at most -w days, 2 for at most -c days or expired, 3 cannot tell (no openssl, no certificate)
set -u
export LC_ALL=C

limit=10 warning=21 critical=7

unknown() { echo "CERTIFICATE UNKNOWN - $*"; exit 3; }
number() { case $1 in '' | *[!0-9]* | ?????????*) unknown "'$1' is not a whole number" ;; esac; }

while getopts :t:w:c: option; do
	case $option in
	t) limit=$OPTARG ;;
	w) warning=$OPTARG ;;
	c) critical=$OPTARG ;;
	*) unknown "option -$OPTARG is unknown or lacks its value" ;;
	esac
done
shift $((OPTIND - 1))
where=${1:-localhost:443}
number "$limit"
number "$warning"
number "$critical"
command -v openssl >/dev/null || unknown 'openssl is not installed'

case $where in
*/*)
	[ -r "$where" ] || unknown "cannot read '$where'"
	end=$(openssl x509 -in "$where" -noout -enddate 2>/dev/null) || unknown "no certificate in '$where'"
	;;
?*:*[0-9])
	host=${where%:*}
	answer=$(timeout "$limit" openssl s_client -connect "$where" -servername "$host" </dev/null 2>/dev/null)
	end=$(printf '%s\n' "$answer" | openssl x509 -noout -enddate 2>/dev/null) || unknown "$where shows no certificate"
	;;
*) unknown "'$where' is neither HOST:PORT nor a path" ;;
esac

end=${end#notAfter=}
end_seconds=$(date -d "$end" +%s 2>/dev/null) || unknown "cannot read the date '$end'"
left=$((end_seconds - $(date +%s)))
days=$((left / 86400))
perfdata="days=$days;$((warning + 1)):;$((critical + 1)):"

if [ "$left" -le 0 ]; then
	echo "CERTIFICATE CRITICAL - $where: expired on $end | $perfdata"
	exit 2
elif [ "$days" -le "$critical" ]; then
	echo "CERTIFICATE CRITICAL - $where: $days days left, until $end | $perfdata"
	exit 2
elif [ "$days" -le "$warning" ]; then
	echo "CERTIFICATE WARNING - $where: $days days left, until $end | $perfdata"
	exit 1
fi
echo "CERTIFICATE OK - $where: $days days left, until $end | $perfdata"
