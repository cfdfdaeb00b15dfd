/* SPDX-License-Identifier: Apache-2.0 */
#include "access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../value/json.h"
#include "call.h"

enum { TARGET_MAX = 1024 };

struct access_log {
	enum access_format format;
	char *path; /* NULL: stderr */
	int fd;
	bool may_block;
	struct strbuf line;
};

static bool known_param(const char *name, size_t len)
{
	for (int i = 0; i < Q_COUNT; i++) {
		if (strlen(api_params[i].name) == len && memcmp(api_params[i].name, name, len) == 0)
			return true;
	}
	return false;
}

void access_log_target(struct strbuf *out, const char *target)
{
	size_t path_len = strcspn(target, "?");

	strbuf_add(out, target, MIN(path_len, TARGET_MAX));
	if (path_len > TARGET_MAX)
		strbuf_addstr(out, "...");
	if (!target[path_len])
		return;
	for (const char *p = target + path_len + 1, *before = "?"; *before; before = *p ? "&" : "", p += *p ? 1 : 0) {
		size_t len = strcspn(p, "&"), name_len = MIN(strcspn(p, "="), len);
		bool known = known_param(p, name_len);

		strbuf_addstr(out, before);
		if (known)
			strbuf_add(out, p, MIN(len, TARGET_MAX));
		else if (len) /* the name itself may be the secret when no value follows it */
			strbuf_addf(out, "%.*s***", (int)(name_len < len ? MIN(name_len + 1, 64) : 0), p);
		p += len;
		if (out->len > 2 * TARGET_MAX) {
			strbuf_addstr(out, "...");
			return;
		}
	}
}

/* Plain words stand as they are, everything else in quotes. */
static void add_logfmt(struct strbuf *out, const char *key, const char *text)
{
	cleanup(strbuf_release) struct strbuf visible = STRBUF_INIT;
	bool plain = *text;

	if (out->len)
		strbuf_addch(out, ' ');
	strbuf_addf(out, "%s=", key);
	for (const char *p = text; *p; p++)
		plain &= *p > ' ' && *p < 0x7f && !strchr("\"\\=", *p);
	if (plain) {
		strbuf_addstr(out, text);
		return;
	}
	strbuf_add_visible(&visible, text, strlen(text));
	strbuf_addch(out, '"');
	for (const char *p = visible.buf; *p; p++) {
		if (*p == '"' || *p == '\\')
			strbuf_addch(out, '\\');
		strbuf_addch(out, *p);
	}
	strbuf_addch(out, '"');
}

static void add_json(struct strbuf *out, const char *key, const char *text)
{
	cleanup(strbuf_release) struct strbuf visible = STRBUF_INIT;

	/* visible first: JSON itself would let bytes through that are no UTF-8 */
	strbuf_add_visible(&visible, text, strlen(text));
	strbuf_addf(out, "%s\"%s\":", out->len ? "," : "{", key);
	json_add_string(out, visible.buf, visible.len);
}

void access_log_format(struct strbuf *out, enum access_format format, const struct access_entry *entry)
{
	cleanup(strbuf_release) struct strbuf when = STRBUF_INIT, path = STRBUF_INIT;
	char status[16], bytes[24], duration[32];

	time_format(&when, entry->time_ms);
	if (entry->target)
		access_log_target(&path, entry->target);
	snprintf(status, sizeof(status), "%d", entry->status);
	snprintf(bytes, sizeof(bytes), "%" PRIu64, entry->bytes);
	snprintf(duration, sizeof(duration), "%" PRId64 ".%03d", entry->duration_us / 1000,
		(int)(entry->duration_us % 1000));
	const struct {
		const char *key, *text;
		bool number;
	} fields[] = {
		{ "time", when.buf },
		{ "request_id", entry->request_id },
		{ "remote", entry->remote },
		{ "token", entry->token_id },
		{ "role", entry->role },
		{ "method", entry->method },
		{ "route", entry->route },
		{ "path", entry->target ? path.buf : NULL },
		{ "status", status, true },
		{ "bytes", bytes, true },
		{ "duration_ms", duration, true },
		{ "end", entry->end },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!fields[i].text)
			continue;
		if (format == ACCESS_LOGFMT)
			add_logfmt(out, fields[i].key, fields[i].text);
		else if (fields[i].number)
			strbuf_addf(out, "%s\"%s\":%s", out->len ? "," : "{", fields[i].key, fields[i].text);
		else
			add_json(out, fields[i].key, fields[i].text);
	}
	strbuf_addstr(out, format == ACCESS_JSON ? "}\n" : "\n");
}

static int open_file(const char *path, struct mrp_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

	return fd < 0 ? mrp_err_errno(err, "cannot open access log '%s'", path) : fd;
}

/* A pipe or a terminal may have a reader that does not read. */
static bool may_block(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 || !S_ISREG(st.st_mode);
}

struct access_log *access_log_open(enum access_format format, const char *path, struct mrp_err *err)
{
	int fd = path ? open_file(path, err) : STDERR_FILENO;

	if (fd < 0)
		return NULL;
	struct access_log *log = xcalloc(1, sizeof(*log));
	log->format = format;
	log->path = path ? xstrdup(path) : NULL;
	log->fd = fd;
	log->may_block = may_block(fd);
	strbuf_init(&log->line);
	return log;
}

int access_log_reopen(struct access_log *log, struct mrp_err *err)
{
	if (!log || !log->path)
		return 0;
	int fd = open_file(log->path, err);
	if (fd < 0)
		return -1;
	/* dup3 puts the new file in place at once, whoever is writing */
	int r = dup3(fd, log->fd, O_CLOEXEC);
	close(fd);
	return r < 0 ? mrp_err_errno(err, "cannot open access log '%s'", log->path) : 0;
}

void access_log_close(struct access_log *log)
{
	if (!log)
		return;
	if (log->path)
		close(log->fd);
	strbuf_release(&log->line);
	free(log->path);
	free(log);
}

bool access_log_write(struct access_log *log, const struct access_entry *entry)
{
	struct pollfd ready = { .fd = log->fd, .events = POLLOUT };

	if (log->may_block && poll(&ready, 1, 0) != 1)
		return false;
	strbuf_reset(&log->line);
	access_log_format(&log->line, log->format, entry);
	return write(log->fd, log->line.buf, log->line.len) == (ssize_t)log->line.len;
}
