/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that people add to OTLP requests, mostly to say who they are: values are secrets. */
#include <ctype.h>

#include "../base/file.h"
#include "push.h"

enum { MAX_FILE_BYTES = 64 * 1024 };

static const char *const own_headers[] = { "Content-Type", "Content-Length", "Content-Encoding", "Host",
	"Transfer-Encoding", "Connection", "Expect" };

static bool is_name(const char *name, size_t len)
{
	static const char marks[] = "!#$%&'*+-.^_`|~"; /* RFC 9110: a token */

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && (!name[i] || !strchr(marks, name[i])))
			return false;
	}
	return len > 0;
}

/* `value` is borrowed and may hold anything. */
static int add_header(
	struct strvec *out, const char *name, size_t name_len, const char *value, const char *from, struct mrp_err *err)
{
	if (!is_name(name, name_len))
		return mrp_err_set(
			err, MRP_EINVALID, "%s: no name of a header before the value of number %zu", from, out->n + 1);
	for (size_t i = 0; i < ARRAY_SIZE(own_headers); i++) {
		if (strlen(own_headers[i]) == name_len && strncasecmp(own_headers[i], name, name_len) == 0)
			return mrp_err_set(
				err, MRP_EINVALID, "%s: header '%s' is set by the push itself", from, own_headers[i]);
	}
	for (const char *p = value; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return mrp_err_set(err, MRP_EINVALID,
				"%s: the value of header '%.*s' holds a control character", from, (int)name_len, name);
	}
	strvec_pushf(out, "%.*s: %s", (int)name_len, name, value);
	return 0;
}

/* `line` is changed: white space at both ends of the value goes. */
static int add_line(struct strvec *out, char *line, const char *from, struct mrp_err *err)
{
	size_t name_len = strcspn(line, ":"), len = strlen(line);

	while (len && strchr(" \t\r", line[len - 1]))
		line[--len] = '\0';
	if (!len || *line == '#')
		return 0;
	if (name_len >= len)
		return mrp_err_set(err, MRP_EINVALID, "%s: header number %zu is not 'Name: value'", from, out->n + 1);
	char *value = line + name_len + 1;
	return add_header(out, line, name_len, value + strspn(value, " \t"), from, err);
}

int push_headers_parse_lines(struct strvec *out, const char *text, const char *name, struct mrp_err *err)
{
	int result = 0;

	while (*text && result == 0) {
		size_t len = strcspn(text, "\n");
		char *line = xstrndup(text, len);

		result = add_line(out, line, name, err);
		explicit_bzero(line, len);
		free(line);
		text += len + (text[len] == '\n');
	}
	return result;
}

int push_headers_read(struct strvec *out, const char *path, struct mrp_err *err)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_grow(&text, MAX_FILE_BYTES + 1); /* once: growing would leave copies behind */
	int result = read_file(&text, path, MAX_FILE_BYTES, err);
	if (result == 0 && strlen(text.buf) != text.len)
		result = mrp_err_set(err, MRP_EINVALID, "%s holds a NUL byte", path);
	if (result == 0)
		result = push_headers_parse_lines(out, text.buf, path, err);
	explicit_bzero(text.buf, text.len);
	strbuf_release(&text);
	return result;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* In place; a '%' that begins no code stays what it is. */
static void percent_decode(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		int high = *p == '%' ? hex_digit(p[1]) : -1, low = high >= 0 ? hex_digit(p[2]) : -1;

		/* %00 would end the value early: 0x01 is refused like every control character */
		*to++ = low >= 0 ? (char)MAX(1, high << 4 | low) : *p;
		p += low >= 0 ? 2 : 0;
	}
	*to = '\0';
}

static int add_pair(struct strvec *out, char *pair, struct mrp_err *err)
{
	const char *from = "OTEL_EXPORTER_OTLP_HEADERS";
	size_t name_len = strcspn(pair, "=");
	char *value = pair + name_len + 1;

	if (!pair[strspn(pair, " \t")])
		return 0;
	if (!pair[name_len])
		return mrp_err_set(err, MRP_EINVALID, "%s: header number %zu is not 'name=value'", from, out->n + 1);
	value += strspn(value, " \t");
	for (size_t len = strlen(value); len && strchr(" \t", value[len - 1]); len--)
		value[len - 1] = '\0';
	percent_decode(value);
	while (name_len && strchr(" \t", pair[name_len - 1]))
		name_len--;
	size_t skip = strspn(pair, " \t");
	return add_header(out, pair + skip, name_len > skip ? name_len - skip : 0, value, from, err);
}

int push_headers_parse_env(struct strvec *out, const char *text, struct mrp_err *err)
{
	int result = 0;

	while (*text && result == 0) {
		size_t len = strcspn(text, ",");
		char *pair = xstrndup(text, len);

		result = add_pair(out, pair, err);
		explicit_bzero(pair, len);
		free(pair);
		text += len + (text[len] == ',');
	}
	return result;
}

void push_headers_clear(struct strvec *headers)
{
	for (size_t i = 0; i < headers->n; i++)
		explicit_bzero(headers->v[i], strlen(headers->v[i]));
	strvec_clear(headers);
}
