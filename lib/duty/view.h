/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's answers as people read them: tables. Values are those that come over the socket. */
#ifndef MRP_DUTY_VIEW_H
#define MRP_DUTY_VIEW_H

#include "../value/value.h"

struct view_style {
	size_t max_width; /* 0: no limit */
	bool color;
	int64_t now_ms;
};

/* A line about the agent, then a row an entry. `probers` is an array of what add_entry of commands.c makes. */
void view_status(
	struct strbuf *out, const struct view_style *style, const struct value *about, const struct value *probers);
/* Field, value, and which placement set it; `answer` is that of `explain`. */
void view_explain(struct strbuf *out, const struct view_style *style, const struct value *answer);
/* One line: "run 4f2a of dns[record=A] at 2026-..., 12ms: failure (exit 2): no answer". */
void view_run(struct strbuf *out, const struct value *record);
/* Replace members like finished_ms by finished_at with a time as text; for JSON that is printed. Made in the arena. */
struct value *view_with_times(struct arena *arena, const struct value *v);

#endif
