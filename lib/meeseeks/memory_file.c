/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../base/file.h"

void memory_file_release(struct memory_file *file)
{
	fd_closep(&file->fd);
	free(file->path);
	*file = (struct memory_file)MEMORY_FILE_INIT;
}

int memory_file_write(struct memory_file *out, const char *text, size_t len, struct mrp_err *err)
{
	memory_file_release(out);
	out->fd = memfd_create("mrprober", MFD_CLOEXEC);
	if (out->fd < 0)
		return mrp_err_errno(err, "cannot keep a text in memory");
	out->path = xasprintf("/proc/self/fd/%d", out->fd);
	return write_all(out->fd, text, len, err);
}

/* False when it is something else. */
static bool decode_base64(struct strbuf *out, const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;

	for (; *text && *text != '='; text++) {
		const char *digit = strchr(digits, *text);

		if (strchr(" \t\r\n", *text))
			continue;
		if (!digit)
			return false;
		bits = bits << 6 | (unsigned)(digit - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			strbuf_addch(out, (char)(bits >> have & 0xff));
		}
	}
	return text[strspn(text, "=\r\n ")] == '\0';
}

int memory_file_decode(struct memory_file *out, const char *base64, const char *what, struct mrp_err *err)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_grow(&text, strlen(base64)); /* once: it may be a key, and growing would leave copies behind */
	int result = decode_base64(&text, base64) ? memory_file_write(out, text.buf, text.len, err)
						  : mrp_err_set(err, MRP_EINVALID, "%s is not base64", what);
	explicit_bzero(text.buf, text.len);
	strbuf_release(&text);
	return result;
}
