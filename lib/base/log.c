/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <unistd.h>

#include "strbuf.h"

static enum log_level threshold = LOG_INFO;

void log_set_level(enum log_level level)
{
	threshold = level;
}

bool log_enabled(enum log_level level)
{
	return level <= threshold;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const words[] = { "error", "warning", "info", "debug" };
	static const char *const priorities[] = { "<3>", "<4>", "<6>", "<7>" }; /* sd-daemon(3) */
	struct strbuf text = STRBUF_INIT, line = STRBUF_INIT;
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (getenv("JOURNAL_STREAM"))
		strbuf_addstr(&line, priorities[level]);
	strbuf_addf(&line, "mrprober: %s: ", words[level]);
	strbuf_add_visible(&line, text.buf, text.len);
	strbuf_addch(&line, '\n');
	/* one write, so that lines of threads do not mix; nothing can be done when stderr is gone */
	if (write(STDERR_FILENO, line.buf, line.len) < 0)
		threshold = LOG_ERROR;
	strbuf_release(&text);
	strbuf_release(&line);
}
