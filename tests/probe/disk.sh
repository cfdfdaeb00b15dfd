# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0

cleanup_more()
{
	[ -z "${mounted-}" ] || umount "$mounted"
}

test_folder()
{
	mkdir folder
	probe 0 "DISK OK - 'folder' wrote, synced and read in " disk folder -v
	probe 0 'DISK OK' disk --path folder --size 3000001B
	probe 0 'DISK OK' disk folder --size 1B
	[ -z "$(ls -A folder)" ] || fail 'something was left in the folder'
	is "$(perf time_write) + $(perf time_sync) + $(perf time_read) <= $(perf time) + 0.000005"
	probe 2 "DISK CRITICAL - the file system of 'folder' is .* full, more than 0%" disk folder --max-fill 0%
}

test_no_folder()
{
	touch file
	probe 3 "DISK UNKNOWN - cannot make a file in 'nothing': No such file" disk nothing
	probe 3 "DISK UNKNOWN - cannot make a file in 'file': Not a directory" disk file
	probe 3 '' disk folder --size 2GiB
	probe 3 '' disk folder --size 0B
}

test_fill_agrees_with_df()
{
	mkdir folder
	probe 0 'DISK OK' disk folder
	theirs=$(df --output=pcent folder | tail -n 1 | tr -d ' %')
	is "$(perf fill) > $theirs - 2 && $(perf fill) < $theirs + 2"
}

test_full()
{
	[ "$(id -u)" = 0 ] || skip 'not root'
	mkdir small
	mount -t tmpfs -o size=256k none small 2>/dev/null || skip 'cannot mount'
	mounted=$MRP_SCRATCH/small
	probe 0 'DISK OK' disk small
	probe 2 "DISK CRITICAL - cannot write to 'small': No space left" disk small --size 1MiB
	head -c 200000 /dev/zero >small/file
	probe 2 "DISK CRITICAL - the file system of 'small' is 7.* full, more than 50%" disk small --max-fill 50%
	mount -o remount,ro small 2>/dev/null || skip 'the rest: cannot mount read-only'
	probe 2 "DISK CRITICAL - cannot make a file in 'small': Read-only" disk small
}
