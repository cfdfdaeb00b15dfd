#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# restart-resolver: the heal of resolver-listens; restarts a unit of systemd. The agent decides how often.
#
# usage: restart-resolver.sh [UNIT]   (named.service)
# exit:  0 restarted, 1 the restart failed, 3 no systemd here
set -u

unit=${1:-named.service}
if ! command -v systemctl >/dev/null || ! [ -d /run/systemd/system ]; then
	echo "cannot restart $unit: this machine is not run by systemd"
	exit 3
fi
if ! systemctl restart "$unit"; then
	echo "$unit did not restart; its last words:"
	journalctl --no-pager --lines 20 --unit "$unit"
	exit 1
fi
echo "restarted $unit"
