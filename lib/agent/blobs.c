/* SPDX-License-Identifier: Apache-2.0 */
#include "blobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/file.h"

enum { NAME_SIZE = SHA256_HEX + 3 };

static void blob_name(char out[NAME_SIZE], const char *sha256, bool executable)
{
	snprintf(out, NAME_SIZE, "%.*s%s", (int)SHA256_HEX, sha256, executable ? ".x" : "");
}

static bool hash_fd(uint8_t digest[SHA256_BYTES], int fd)
{
	struct sha256_ctx ctx;
	uint8_t buf[16 * 1024];

	sha256_init(&ctx);
	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;
		sha256_update(&ctx, (size_t)n, buf);
	}
	sha256_digest(&ctx, SHA256_BYTES, digest);
	return true;
}

bool blob_file_matches(int folder, const char *path, const char *sha256)
{
	cleanup(fd_closep) int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	uint8_t wanted[SHA256_BYTES], digest[SHA256_BYTES];
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && sha256_from_hex(wanted, sha256) &&
		hash_fd(digest, fd) && memcmp(digest, wanted, SHA256_BYTES) == 0;
}

int blob_dir_open(struct blob_dir *blobs, const char *path, struct mrp_err *err)
{
	if (make_folders(path, 0700, err) < 0)
		return -1;
	blobs->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (blobs->fd < 0)
		return mrp_err_errno(err, "cannot open folder '%s'", path);
	blobs->path = xstrdup(path);
	return 0;
}

void blob_dir_close(struct blob_dir *blobs)
{
	fd_closep(&blobs->fd);
	freep(&blobs->path);
}

static bool has(const struct blob_dir *blobs, const char *sha256, bool executable)
{
	char name[NAME_SIZE];

	blob_name(name, sha256, executable);
	if (blob_file_matches(blobs->fd, name, sha256) && fchmodat(blobs->fd, name, executable ? 0755 : 0644, 0) == 0)
		return true;
	unlinkat(blobs->fd, name, 0);
	return false;
}

bool blob_dir_has(const struct blob_dir *blobs, const char *sha256)
{
	bool plain = has(blobs, sha256, false), executable = has(blobs, sha256, true);

	return plain || executable;
}

int blob_dir_put(const struct blob_dir *blobs, const char *sha256, bool executable, const void *data, size_t len,
	struct mrp_err *err)
{
	char name[NAME_SIZE], hex[SHA256_HEX + 1];

	sha256_hex_of(hex, data, len);
	if (!streq(hex, sha256))
		return mrp_err_set(err, MRP_EHTTP, "the content hashes to %s, not to %s", hex, sha256);
	blob_name(name, sha256, executable);
	cleanup(freep) char *path = path_join(blobs->path, name);
	return replace_file(path, data, len, executable ? 0755 : 0644, err);
}

/* Read from the blob with either mode. */
static int open_any(const struct blob_dir *blobs, const char *sha256)
{
	char name[NAME_SIZE];

	blob_name(name, sha256, false);
	int fd = openat(blobs->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	blob_name(name, sha256, true);
	return openat(blobs->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* For file systems without hard links, and for what has as many as it may have. */
static int copy(const struct blob_dir *blobs, const char *sha256, bool executable, int folder, const char *path,
	struct mrp_err *err)
{
	cleanup(fd_closep) int from = open_any(blobs, sha256);
	cleanup(fd_closep) int to = from < 0 ? -1 : openat(folder, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char buf[16 * 1024];
	ssize_t n;

	if (to < 0)
		return mrp_err_errno(err, "cannot create it");
	while ((n = read(from, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR)) {
		if (n > 0 && write_all(to, buf, (size_t)n, err) < 0)
			return -1;
	}
	if (n < 0 || fchmod(to, executable ? 0755 : 0644) < 0)
		return mrp_err_errno(err, "cannot copy it");
	return 0;
}

int blob_dir_link(const struct blob_dir *blobs, const char *sha256, bool executable, int folder, const char *path,
	struct mrp_err *err)
{
	char name[NAME_SIZE];

	blob_name(name, sha256, executable);
	if (linkat(blobs->fd, name, folder, path, 0) == 0)
		return 0;
	/* the same content with the other mode: from now on it is there with this one, too */
	if (errno == ENOENT && copy(blobs, sha256, executable, blobs->fd, name, err) < 0)
		return -1;
	if (linkat(blobs->fd, name, folder, path, 0) == 0)
		return 0;
	if (errno != EMLINK && errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return mrp_err_errno(err, "cannot create it");
	return copy(blobs, sha256, executable, folder, path, err);
}

void blob_dir_collect(const struct blob_dir *blobs)
{
	DIR *dir = opendir(blobs->path);
	struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		if (fstatat(blobs->fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) &&
			st.st_nlink < 2)
			unlinkat(blobs->fd, entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}
