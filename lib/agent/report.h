/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent tells the API about itself: how the last run of each prober ended. The scheduler fills one in, the
 * thread of agent_source sends it, as PUT /v1/agents/{cluster}/{host}.
 */
#ifndef MRP_AGENT_REPORT_H
#define MRP_AGENT_REPORT_H

#include "../verdict/verdict.h"

/* The last run of one entry. */
struct report_item {
	const char *id;
	enum verdict_status status;
	enum verdict_reason reason;
	const char *message; /* NULL: none */
	int64_t finished_ms; /* wall clock; 0: it did not run */
	double duration_s;   /* < 0: it did not run */
	int64_t consecutive_failures;
};

enum {
	REPORT_MAX = 1000000,     /* bytes; the API takes a little more */
	REPORT_MESSAGE_MAX = 256, /* bytes of a message that are kept */
};

struct agent_report;

/* `config_revision` may be NULL. */
struct agent_report *agent_report_new(const char *config_revision);
void agent_report_free(struct agent_report *report); /* NULL is harmless */
/* All is copied; long messages are cut. Entries that have not run yet are left out by the caller. */
void agent_report_add(struct agent_report *report, const struct report_item *item);
/* The JSON, never more than REPORT_MAX bytes: where everything does not fit, messages of successes go first, then all
 * that is said about successes but their status, then about the others, then items at the end. Appended. */
void agent_report_format(struct strbuf *out, const struct agent_report *report);

#endif
