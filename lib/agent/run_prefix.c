/* SPDX-License-Identifier: Apache-2.0 */
#include "run_prefix.h"

#include <sys/random.h>

#include "../base/clock.h"
#include "../base/file.h"
#include "../base/log.h"
#include "../run/leftovers.h"

enum { DIGITS = RUN_PREFIX - 2 };

/* Only what looks like one: an empty prefix would mean the runs of everybody. */
static bool is_prefix(const char *text)
{
	return strspn(text, "0123456789abcdef") == DIGITS && !text[DIGITS];
}

static void end_leftovers(const char *path)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct mrp_err ignored = MRP_ERR_INIT; /* there is none yet, or it is damaged */

	if (read_file(&text, path, 64, &ignored) == 0 && text.len && text.buf[text.len - 1] == '\n')
		strbuf_setlen(&text, text.len - 1);
	mrp_err_clear(&ignored);
	if (!is_prefix(text.buf))
		return;
	strbuf_addch(&text, '-');
	size_t killed = leftovers_kill(text.buf);
	if (killed)
		log_warning("killed what the agent before had left: %zu processes", killed);
}

void run_prefix_begin(char out[RUN_PREFIX], const char *folder)
{
	cleanup(freep) char *path = path_join(folder, "run-prefix"), *line = NULL;
	struct mrp_err err = MRP_ERR_INIT;
	uint32_t chance = 0;

	end_leftovers(path);
	if (getrandom(&chance, sizeof(chance), 0) < 0)
		chance = (uint32_t)(uintptr_t)out;
	snprintf(out, RUN_PREFIX, "%08x%06x", (uint32_t)(time_now_ms() / 1000), chance & 0xffffff);
	line = xasprintf("%s\n", out);
	if (replace_file(path, line, strlen(line), 0644, &err) < 0)
		log_warning("should this agent be killed, what its runs leave is not found: %s", err.msg);
	mrp_err_clear(&err);
}
