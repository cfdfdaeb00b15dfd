/* SPDX-License-Identifier: Apache-2.0 */
#include "config_stored.h"

#include <dirent.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/hash.h"
#include "../value/json.h"

enum { LINE_MAX_BYTES = 64 << 10 };

void stored_config_release(struct stored_config *stored)
{
	free(stored->origin);
	free(stored->etag);
	strbuf_release(&stored->json);
	*stored = (struct stored_config)STORED_CONFIG_INIT;
}

/* As replace_file names its temporary files. */
void stored_config_sweep(const char *path)
{
	const char *slash = strrchr(path, '/');
	cleanup(freep) char *folder = slash ? xstrndup(path, (size_t)(slash - path + 1)) : xstrdup("."),
			    *prefix = xasprintf("%s.tmp.", slash ? slash + 1 : path);
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (skip_prefix(entry->d_name, prefix, NULL))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

static void add_rest(struct strbuf *out, const struct stored_config *stored)
{
	strbuf_addstr(out, "{\"origin\":");
	json_add_string(out, stored->origin, strlen(stored->origin));
	if (stored->etag) {
		strbuf_addstr(out, ",\"etag\":");
		json_add_string(out, stored->etag, strlen(stored->etag));
	}
	strbuf_addstr(out, "}\n");
	strbuf_add(out, stored->json.buf, stored->json.len);
}

int stored_config_write(const char *path, const struct stored_config *stored, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	char zeros[SHA256_HEX + 1] = "", *hex;
	size_t head;

	memset(zeros, '0', SHA256_HEX);
	strbuf_grow(&text, stored->json.len + 4096);
	strbuf_addstr(&text, "{\"format_version\":1,\"sha256\":\"");
	head = text.len;
	strbuf_addf(&text, "%s\"}\n", zeros);
	size_t rest = text.len;
	add_rest(&text, stored);
	hex = text.buf + head;
	char saved = hex[SHA256_HEX];
	sha256_hex_of(hex, text.buf + rest, text.len - rest);
	hex[SHA256_HEX] = saved; /* where it put a NUL */
	return replace_file(path, text.buf, text.len, 0600, err);
}

/* One line of JSON; *text and *len move behind it. NULL: it is none. */
static struct value *take_line(struct arena *arena, const char **text, size_t *len)
{
	const char *end = memchr(*text, '\n', MIN(*len, (size_t)LINE_MAX_BYTES));
	struct mrp_err err = MRP_ERR_INIT;

	if (!end)
		return NULL;
	struct value *v = json_parse(arena, *text, (size_t)(end - *text), "a line", &err);
	mrp_err_clear(&err);
	*len -= (size_t)(end + 1 - *text);
	*text = end + 1;
	return v && v->type == V_OBJECT ? v : NULL;
}

int stored_config_parse(struct stored_config *out, const char *text, size_t len, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	const struct value *head = take_line(&arena, &text, &len);
	const struct value *version = head ? value_get(head, "format_version") : NULL;
	const char *sha256 = head ? value_get_string(head, "sha256") : NULL;
	char hex[SHA256_HEX + 1];

	if (!version || version->type != V_INT || !sha256)
		return mrp_err_set(err, MRP_EINVALID, "is damaged: its first line is not what it should be");
	if (version->i != 1)
		return mrp_err_set(err, MRP_EINVALID, "is of another version");
	sha256_hex_of(hex, text, len);
	if (!streq(hex, sha256))
		return mrp_err_set(err, MRP_EINVALID, "is damaged: its checksum is wrong");
	const struct value *from = take_line(&arena, &text, &len);
	const char *origin = from ? value_get_string(from, "origin") : NULL,
		   *etag = from ? value_get_string(from, "etag") : NULL;
	if (!origin)
		return mrp_err_set(err, MRP_EINVALID, "does not say where it came from");
	out->origin = xstrdup(origin);
	out->etag = etag ? xstrdup(etag) : NULL;
	strbuf_add(&out->json, text, len);
	return 0;
}

int stored_config_read(struct stored_config *out, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (read_file(&text, path, (size_t)CONFIG_MAX + LINE_MAX_BYTES, err) < 0)
		return -1;
	if (stored_config_parse(out, text.buf, text.len, err) < 0)
		return mrp_err_wrap(err, "'%s'", path);
	return 0;
}
