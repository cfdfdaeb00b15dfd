/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of one stage printed, without secrets: they are taken out as the output comes, before it is kept.
 */
#ifndef MRP_CREATOR_STAGE_LOG_H
#define MRP_CREATOR_STAGE_LOG_H

#include <pthread.h>

#include "../cloud/objects.h"
#include "redact.h"

struct stage_log {
	const char *stage;
	pthread_mutex_t lock; /* output comes on another thread */
	struct redact_stream stream;
	struct strbuf text;
};

void stage_log_begin(struct stage_log *log, const char *stage, const struct redact_set *secrets);
/* A program_output_fn. */
void stage_log_add(void *log, const char *data, size_t len);
/* A line of the creator's own: "mrprober: ...". */
void stage_log_say(struct stage_log *log, const char *fmt, ...) PRINTF(2, 3);
/* Nothing more comes. The text is whole then. */
void stage_log_end(struct stage_log *log);
/* Take out secrets that became known only later. After stage_log_end. */
void stage_log_redact(struct stage_log *log, const struct redact_set *secrets);
void stage_log_release(struct stage_log *log);

/* What terraform says went wrong, in one line: the text of its first "Error: "; or the last line. NULL: nothing was
 * printed. Yours to free. */
char *stage_log_reason(const struct stage_log *log);

/* Store it under PREFIX/creator/CLUSTER/DEPLOYMENT/STAGE.log; *key is yours to free. */
int stage_log_store(char **key, const struct stage_log *log, struct objects *objects, const char *prefix,
	const char *cluster, int64_t deployment, struct mrp_err *err);

#endif
