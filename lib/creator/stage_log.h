/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of one stage printed, without secrets: they are taken out as the output comes, before it is kept.
 */
#ifndef MRP_CREATOR_STAGE_LOG_H
#define MRP_CREATOR_STAGE_LOG_H

#include <pthread.h>

#include "redact.h"

struct stage_log {
	const char *stage;
	pthread_mutex_t lock; /* output comes on another thread */
	struct redact_stream stream;
	struct strbuf text;
	char *path; /* of what is on the disk already; NULL: nothing */
	int fd;
	size_t written; /* bytes of `text` that are there */
};

void stage_log_begin(struct stage_log *log, const char *stage, const struct redact_set *secrets);
/* Have it in this file, too, as it comes, for whoever finds it when this process is killed. Only for stages whose
 * secrets are all known at their beginning. */
int stage_log_keep(struct stage_log *log, const char *path, struct mrp_err *err);
/* A program_output_fn. */
void stage_log_add(void *log, const char *data, size_t len);
/* A line of the creator's own: "mrprober: ...". */
void stage_log_say(struct stage_log *log, const char *fmt, ...) PRINTF(2, 3);
/* Nothing more comes. The text is whole then. */
void stage_log_end(struct stage_log *log);
/* Take out secrets that became known only later. After stage_log_end. */
void stage_log_redact(struct stage_log *log, const struct redact_set *secrets);
/* Its file goes as well. */
void stage_log_release(struct stage_log *log);

/* What terraform says went wrong, in one line: the text of its first "Error: "; or the last line. NULL: nothing was
 * printed. Yours to free. */
char *stage_log_reason(const struct stage_log *log);

/* Where it is stored: PREFIX/creator/CLUSTER/DEPLOYMENT/STAGE.log. Yours to free. */
char *stage_log_object(const char *prefix, const char *cluster, int64_t deployment, const char *stage);

#endif
