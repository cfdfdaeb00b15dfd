/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents of files in a repository. How long one is can be asked before it is read, but in a pack that costs as much
 * as reading it: the way through its deltas is the same. So libgit2 reads at once, and is refused memory for more than
 * was asked for; what was refused is asked for its length.
 */
#include <git2.h>
#include <git2/sys/alloc.h>

#include "git.h"

enum { LFS_POINTER_MAX = 1024, OVERHEAD_MAX = 4096 };

/* Of this thread's reading; 0: any. */
static _Thread_local size_t largest;
static _Thread_local bool refused;

static bool refuse(size_t n, size_t size)
{
	size_t bytes;

	if (!largest || (!__builtin_mul_overflow(n, size, &bytes) && bytes <= largest))
		return false;
	refused = true;
	return true;
}

/* As libgit2's own, which it does not hand out: what fails gives NULL, and the caller says so. */

static void *get(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return refuse(n, 1) ? NULL : malloc(n);
}

static void *get_zeroed(size_t n, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return refuse(n, size) ? NULL : calloc(n, size);
}

static void *get_array(size_t n, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return refuse(n, size) ? NULL : reallocarray(NULL, n, size);
}

static void *resize(void *old, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return refuse(n, 1) ? NULL : realloc(old, n);
}

static void *resize_array(void *old, size_t n, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return refuse(n, size) ? NULL : reallocarray(old, n, size);
}

static char *copy(const char *s, const char *file, int line)
{
	(void)file, (void)line;
	return strdup(s);
}

static char *copy_up_to(const char *s, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return strndup(s, n);
}

static char *copy_exactly(const char *s, size_t n, const char *file, int line)
{
	char *bytes = n < SIZE_MAX ? get(n + 1, file, line) : NULL;

	if (bytes) {
		memcpy(bytes, s, n);
		bytes[n] = '\0';
	}
	return bytes;
}

void git_blob_prepare(void)
{
	static git_allocator allocator = { get, get_zeroed, copy, copy_up_to, copy_exactly, resize, resize_array,
		get_array, free };

	git_libgit2_opts(GIT_OPT_SET_ALLOCATOR, &allocator);
}

/* A checkout has the file itself in its place. */
static bool is_lfs_pointer(const char *text, size_t len)
{
	static const char start[] = "version https://git-lfs.github.com/spec/";

	return len < LFS_POINTER_MAX && len >= sizeof(start) && memcmp(text, start, sizeof(start) - 1) == 0;
}

/* NULL with err set: it cannot be read, or is larger. */
static git_odb_object *get_blob(git_odb *odb, const git_oid *id, size_t max_bytes, struct mrp_err *err)
{
	git_odb_object *blob = NULL;
	git_object_t type;
	size_t len;

	refused = false;
	largest = max_bytes + OVERHEAD_MAX;
	int result = git_odb_read(&blob, odb, id);
	largest = 0;
	if (result < 0 && refused && git_odb_read_header(&len, &type, odb, id) == 0) {
		if (len > max_bytes) {
			mrp_err_set(err, MRP_ETOOBIG, "is larger than %zu MiB", max_bytes >> 20);
			return NULL;
		}
		result = git_odb_read(&blob, odb, id); /* what it is a delta of is larger */
	}
	if (result == 0)
		return blob;
	repo_fail_read(err);
	return NULL;
}

int git_blob_read(
	struct git_odb *odb, struct strbuf *out, const struct git_oid *id, size_t max_bytes, struct mrp_err *err)
{
	git_odb_object *blob = get_blob(odb, id, max_bytes, err);
	int result = 0;

	if (!blob)
		return -1;
	const char *text = git_odb_object_data(blob);
	size_t len = git_odb_object_size(blob);
	if (len > max_bytes)
		result = mrp_err_set(err, MRP_ETOOBIG, "is larger than %zu MiB", max_bytes >> 20);
	else if (is_lfs_pointer(text, len))
		result = mrp_err_set(err, MRP_EINVALID,
			"is kept by Git LFS, outside the repository; read it from a checkout, without --revision");
	else
		strbuf_add(out, text, len);
	git_odb_object_free(blob);
	return result;
}
