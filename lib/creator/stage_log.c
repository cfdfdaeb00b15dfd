/* SPDX-License-Identifier: Apache-2.0 */
#include "stage_log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "../base/file.h"

enum { REASON_MAX = 400 };

void stage_log_begin(struct stage_log *log, const char *stage, const struct redact_set *secrets)
{
	*log = (struct stage_log){ .stage = stage, .text = STRBUF_INIT, .fd = -1 };
	pthread_mutex_init(&log->lock, NULL);
	redact_begin(&log->stream, secrets);
}

int stage_log_keep(struct stage_log *log, const char *path, struct mrp_err *err)
{
	log->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (log->fd < 0)
		return mrp_err_errno(err, "cannot create '%s'", path);
	log->path = xstrdup(path);
	return 0;
}

/* When the disk is full the log is in memory all the same. */
static void write_new(struct stage_log *log)
{
	struct mrp_err ignored = MRP_ERR_INIT;

	if (log->fd < 0 || log->written >= log->text.len)
		return;
	if (write_all(log->fd, log->text.buf + log->written, log->text.len - log->written, &ignored) < 0) {
		close(log->fd);
		log->fd = -1;
	}
	log->written = log->text.len;
	mrp_err_clear(&ignored);
}

void stage_log_add(void *ctx, const char *data, size_t len)
{
	struct stage_log *log = ctx;

	pthread_mutex_lock(&log->lock);
	redact_feed(&log->text, &log->stream, data, len);
	write_new(log);
	pthread_mutex_unlock(&log->lock);
}

void stage_log_say(struct stage_log *log, const char *fmt, ...)
{
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;
	va_list ap;

	strbuf_addstr(&line, "mrprober: ");
	va_start(ap, fmt);
	strbuf_vaddf(&line, fmt, ap);
	va_end(ap);
	strbuf_addch(&line, '\n');
	stage_log_add(log, line.buf, line.len);
}

void stage_log_end(struct stage_log *log)
{
	pthread_mutex_lock(&log->lock);
	redact_end(&log->text, &log->stream);
	write_new(log);
	pthread_mutex_unlock(&log->lock);
}

void stage_log_redact(struct stage_log *log, const struct redact_set *secrets)
{
	struct strbuf clean = STRBUF_INIT;

	redact_text(&clean, secrets, log->text.buf, log->text.len);
	strbuf_release(&log->text);
	log->text = clean;
}

void stage_log_release(struct stage_log *log)
{
	if (!log->stage)
		return;
	fd_closep(&log->fd);
	if (log->path)
		unlink(log->path);
	free(log->path);
	pthread_mutex_destroy(&log->lock);
	strbuf_release(&log->text);
	log->stage = NULL;
}

/* Box-drawing characters of terraform's frames ("╷ │ ╵", all E2 94/95 xx) and blanks. */
static const char *skip_frame(const char *p, const char *end)
{
	for (;;) {
		if (p < end && (*p == ' ' || *p == '\t'))
			p++;
		else if (end - p >= 3 && (unsigned char)p[0] == 0xe2 &&
			((unsigned char)p[1] == 0x94 || (unsigned char)p[1] == 0x95))
			p += 3;
		else
			return p;
	}
}

char *stage_log_reason(const struct stage_log *log)
{
	const char *end = log->text.buf + log->text.len, *found = NULL;
	size_t found_len = 0;

	for (const char *p = log->text.buf; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p)), *stop = newline ? newline : end;
		const char *text = skip_frame(p, stop), *rest;

		if (text < stop) {
			found = text;
			found_len = (size_t)(stop - text);
			if (skip_prefix(text, "Error: ", &rest)) {
				found_len -= (size_t)(rest - text);
				found = rest;
				break;
			}
		}
		p = newline ? newline + 1 : end;
	}
	return found && found_len ? xstrndup(found, MIN(found_len, (size_t)REASON_MAX)) : NULL;
}

char *stage_log_object(const char *prefix, const char *cluster, int64_t deployment, const char *stage)
{
	return xasprintf("%s/creator/%s/%" PRId64 "/%s.log", prefix, cluster, deployment, stage);
}
