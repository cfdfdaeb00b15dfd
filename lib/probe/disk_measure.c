/* SPDX-License-Identifier: Apache-2.0 */
/* One file written, synced and read back. It has no name, or loses it at once, so that nothing stays behind. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../base/file.h"
#include "disk_pool.h"

enum { BLOCK = 1 << 20, ALIGNMENT = 4096 };

static int failed(struct disk_result *result, const char *what)
{
	result->error = errno;
	result->failed = what;
	return -1;
}

static int open_file(const char *path)
{
	int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	cleanup(freep) char *name = xasprintf("%s/.mrprober-probe-XXXXXX", path);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

/* Bytes that no file system can shorten: each block of them is another one (xorshift). */
static void fill_block(uint8_t *block, size_t len, uint64_t seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;

	for (size_t i = 0; i < len; i += sizeof(x)) { /* a block is a multiple */
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(block + i, &x, sizeof(x));
	}
}

static int write_file(struct disk_result *result, int fd, uint8_t *block, size_t size, uint64_t seed)
{
	for (size_t at = 0; at < size; at += BLOCK) {
		size_t part = MIN(size - at, (size_t)BLOCK);

		fill_block(block, part, seed + at);
		int64_t begin = monotonic_us(); /* not what it takes to make up bytes */
		for (size_t done = 0; done < part;) {
			ssize_t n = write(fd, block + done, part - done);

			if (n < 0 && errno != EINTR)
				return failed(result, "write to");
			done += n > 0 ? (size_t)n : 0;
		}
		result->took_us[DISK_WRITE] += monotonic_us() - begin;
	}
	return 0;
}

/* Up to `want` bytes, rounded up: O_DIRECT wants size and place aligned, and the end of the file need not be. */
static ssize_t read_block(struct disk_result *result, int fd, uint8_t *block, size_t want, size_t at)
{
	size_t got = 0;

	want = (want + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	while (got < want) {
		ssize_t n = pread(fd, block + got, want - got, (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EINVAL && result->direct) { /* not on this file system */
			result->direct = false;
			if (fcntl(fd, F_SETFL, 0) < 0)
				return -1;
			continue;
		}
		if (n < 0)
			return -1;
		got += (size_t)n;
		if (n == 0 || got % ALIGNMENT)
			break;
	}
	return (ssize_t)got;
}

static int read_file_back(
	struct disk_result *result, int fd, uint8_t *block, uint8_t *expected, size_t size, uint64_t seed)
{
	for (size_t at = 0; at < size; at += BLOCK) {
		size_t part = MIN(size - at, (size_t)BLOCK);
		int64_t begin = monotonic_us();
		ssize_t n = read_block(result, fd, block, part, at);

		if (n < 0)
			return failed(result, "read from");
		result->took_us[DISK_READ] += monotonic_us() - begin;
		fill_block(expected, part, seed + at);
		if ((size_t)n < part || memcmp(block, expected, part) != 0) {
			result->corrupt = true;
			return -1;
		}
	}
	return 0;
}

static double percent(uint64_t used, uint64_t free_blocks)
{
	return used + free_blocks ? 100.0 * (double)used / (double)(used + free_blocks) : 0;
}

/* As df(1): what only root may use counts as neither used nor free. */
static int measure_fill(struct disk_result *result, int fd)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) < 0)
		return failed(result, "look at");
	result->fill = percent(fs.f_blocks - fs.f_bfree, fs.f_bavail);
	result->inodes = fs.f_files ? percent(fs.f_files - fs.f_ffree, fs.f_favail) : -1;
	return 0;
}

static int measure(struct disk_result *result, int fd, uint8_t *blocks, size_t size)
{
	uint64_t seed = (uint64_t)monotonic_us();

	if (measure_fill(result, fd) < 0 || write_file(result, fd, blocks, size, seed) < 0)
		return -1;
	int64_t begin = monotonic_us();
	if (fsync(fd) < 0)
		return failed(result, "sync to");
	result->took_us[DISK_SYNC] = monotonic_us() - begin;
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	result->direct = fcntl(fd, F_SETFL, O_DIRECT) == 0;
	return read_file_back(result, fd, blocks, blocks + BLOCK, size, seed);
}

void disk_measure(struct disk_result *result, const char *path, size_t size)
{
	cleanup(freep) uint8_t *blocks = NULL;
	cleanup(fd_closep) int fd = -1;

	*result = (struct disk_result){ .inodes = -1 };
	errno = posix_memalign((void **)&blocks, ALIGNMENT, 2 * BLOCK);
	if (errno) {
		blocks = NULL;
		failed(result, "get memory to write to");
		return;
	}
	fd = open_file(path);
	if (fd < 0)
		failed(result, "make a file in");
	else
		(void)!measure(result, fd, blocks, size);
}
