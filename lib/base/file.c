/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int read_fd(struct strbuf *out, int fd, size_t max_bytes, const char *name, struct mrp_err *err)
{
	size_t start = out->len;

	for (;;) {
		strbuf_grow(out, MAX((size_t)4096, out->alloc - out->len > 1 ? out->alloc - out->len - 1 : 0));
		ssize_t n = read(fd, out->buf + out->len, out->alloc - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mrp_err_errno(err, "cannot read '%s'", name);
		if (n == 0)
			return 0;
		strbuf_setlen(out, out->len + (size_t)n);
		if (out->len - start > max_bytes)
			return mrp_err_set(err, MRP_ETOOBIG, "'%s' is larger than %zu bytes", name, max_bytes);
	}
}

/* -1, also when it is anything but a regular file. */
static int open_regular(struct stat *st, const char *path, struct mrp_err *err)
{
	cleanup(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return mrp_err_errno(err, "cannot open '%s'", path);
	if (fstat(fd, st) < 0)
		return mrp_err_errno(err, "cannot read '%s'", path);
	if (!S_ISREG(st->st_mode))
		return mrp_err_set(err, MRP_EINVALID, "'%s' is not a regular file", path);
	int result = fd;
	fd = -1;
	return result;
}

int read_file(struct strbuf *out, const char *path, size_t max_bytes, struct mrp_err *err)
{
	struct stat st;
	cleanup(fd_closep) int fd = open_regular(&st, path, err);

	if (fd < 0)
		return -1;
	if ((uintmax_t)st.st_size > max_bytes)
		return mrp_err_set(err, MRP_ETOOBIG, "'%s' is larger than %zu bytes", path, max_bytes);
	strbuf_grow(out, (size_t)st.st_size + 1);
	return read_fd(out, fd, max_bytes, path, err);
}

int map_file(struct mapping *out, const char *path, struct mrp_err *err)
{
	struct stat st;
	cleanup(fd_closep) int fd = open_regular(&st, path, err);

	*out = (struct mapping){ "", 0 };
	if (fd < 0)
		return -1;
	if (st.st_size == 0)
		return 0;
	void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return mrp_err_errno(err, "cannot read '%s'", path);
	*out = (struct mapping){ data, (size_t)st.st_size };
	return 0;
}

void mapping_release(struct mapping *mapping)
{
	if (mapping->len)
		munmap((void *)(uintptr_t)mapping->data, mapping->len);
	*mapping = (struct mapping){ "", 0 };
}

int write_all(int fd, const void *data, size_t len, struct mrp_err *err)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mrp_err_errno(err, "cannot write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int replace_file(const char *path, const void *data, size_t len, unsigned mode, struct mrp_err *err)
{
	cleanup(freep) char *temporary = xasprintf("%s.tmp.XXXXXX", path);
	cleanup(fd_closep) int fd = mkostemp(temporary, O_CLOEXEC);

	if (fd < 0)
		return mrp_err_errno(err, "cannot create '%s'", temporary);
	if (write_all(fd, data, len, err) < 0) {
		mrp_err_wrap(err, "'%s'", path);
		goto fail;
	}
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(temporary, path) < 0) {
		mrp_err_errno(err, "cannot write '%s'", path);
		goto fail;
	}
	return 0;
fail:
	unlink(temporary);
	return -1;
}

int make_folders(const char *path, unsigned mode, struct mrp_err *err)
{
	cleanup(freep) char *copy = xstrdup(path);

	for (char *p = copy + 1; *copy; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return mrp_err_errno(err, "cannot create folder '%s'", copy);
		*p = c;
		if (!c)
			break;
	}
	return 0;
}

char *path_join(const char *folder, const char *name)
{
	if (*name == '/' || !*folder)
		return xstrdup(name);
	return xasprintf("%s%s%s", folder, ends_with(folder, "/") ? "" : "/", name);
}

char *default_state_dir(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		return xstrdup("/var/lib/mrprober");
	if (state && *state == '/') /* the XDG specification: a relative one is to be ignored */
		return path_join(state, "mrprober");
	return path_join(home && *home ? home : ".", ".local/state/mrprober");
}
