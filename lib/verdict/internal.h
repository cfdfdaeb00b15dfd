/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of the four formats share. Each fills `out`, whose lists are empty before. */
#ifndef MRP_VERDICT_INTERNAL_H
#define MRP_VERDICT_INTERNAL_H

#include "verdict.h"

struct reading {
	struct verdict *out;
	struct arena *arena;
	const char *text, *end;
	int exit_code;
	bool warning_fails;
};

static inline bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

void read_exit_code(struct reading *reading);
void read_nagios(struct reading *reading);
void read_prometheus(struct reading *reading);
void read_json(struct reading *reading);

/* 0 is success, everything else failure. */
void verdict_by_exit_code(struct verdict *out, int exit_code);
/* A warning is what `warning_fails` says. */
void verdict_warning(struct verdict *out, bool warning_fails);
/* The output is not of its format, and nothing of it counts. The message says the exit code too, unless it is 0. */
void verdict_bad_output(struct reading *reading, const char *fmt, ...) PRINTF(2, 3);

/* Any bytes as a message: one line, valid UTF-8, without blanks around, not too long. */
const char *message_make(struct arena *arena, const char *s, size_t len);
/* As message_make of the first line with something in it, up to a '|' when `bar`; "exit code 1" when there is none. */
const char *message_first_line(const struct reading *reading, bool bar);
/* Any bytes as a label's value: what is no valid UTF-8, or not visible, becomes \xNN. */
const char *text_make(struct arena *arena, const char *s, size_t len);

/* Whether series may carry the label beside the agent's own; NULL, or why not: "is ...". */
const char *label_objection(const char *name);
/* Sort by name; the name that is there twice, or NULL. */
const char *labels_sort(struct label *labels, size_t n);
/* As strcmp, label by label; both sorted. */
int labels_compare(const struct label *a, size_t n_a, const struct label *b, size_t n_b);

#endif
