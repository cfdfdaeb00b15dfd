/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access log: a line a request, in logfmt or JSON, on stderr or in a file. Never a body, never a token; of the query
 * only the values of parameters that the API knows. Whatever a client sends, it stays inside its own field of its own
 * line: quotes, control characters and bytes that are no UTF-8 are escaped.
 */
#ifndef MRP_API_ACCESS_LOG_H
#define MRP_API_ACCESS_LOG_H

#include "../base/err.h"

enum access_format { ACCESS_OFF, ACCESS_LOGFMT, ACCESS_JSON };

#define ACCESS_FORMAT_WORDS "off|logfmt|json"

/* One request. NULL where something is not known. */
struct access_entry {
	int64_t time_ms; /* wall clock, when it began */
	const char *request_id, *remote, *method;
	const char *route;  /* pattern: "/v1/recipes/{slug}" */
	const char *target; /* as sent */
	int status;         /* 0: the answer was not the API's (a request that is not HTTP) */
	uint64_t bytes;     /* of the answer's body */
	int64_t duration_us;
	const char *token_id, *role;
	const char *end; /* "ok", "aborted": the client did not wait for all of it */
};

struct access_log;

/* NULL with err set when the file cannot be opened (made with mode 0640). `path` NULL: stderr. */
struct access_log *access_log_open(enum access_format format, const char *path, struct mrp_err *err);
/* Open the file again, after it was moved away. The old one stays when that fails. */
int access_log_reopen(struct access_log *log, struct mrp_err *err);
void access_log_close(struct access_log *log);
/* False: it could not be written, or whoever reads the pipe is too slow: a log does not stop the service. */
bool access_log_write(struct access_log *log, const struct access_entry *entry);

/* The line, with its newline. */
void access_log_format(struct strbuf *out, enum access_format format, const struct access_entry *entry);
/* A target that may be shown: values of unknown query parameters become "***"; cut when very long. */
void access_log_target(struct strbuf *out, const char *target);

#endif
