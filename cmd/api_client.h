/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs of `mrprober api-client` share. Each api_client_*.c has some of the verbs; api_client.c lists them. */
#ifndef MRP_CMD_API_CLIENT_H
#define MRP_CMD_API_CLIENT_H

#include "../lib/client/fetch.h"
#include "../lib/client/print.h"
#include "cmd.h"
#include "complete_sources.h"

#define OPT_OUTPUT(st, m)                                                                                              \
	OPT_ENUM('o', "output", st, m, OUTPUT_WORDS, "how the result is printed; table when not given")
#define OPT_DOCUMENT(st, m)                                                                                            \
	OPT_STRING('f', "file", st, m, "<file>", "read YAML or JSON from <file>, - for standard input",                \
		.flags = OPTF_FILE)
#define OPT_IF_MATCH(st, m)                                                                                            \
	OPT_STRING(0, "if-match", st, m, "<revision>", "only when it still has this revision")
#define OPT_YES(st, m) OPT_BOOL('y', "yes", st, m, "do not ask", .flags = OPTF_NO_NO)

enum { CLIENT_NEEDS = NEED_SETTINGS | NEED_MANIFEST };

/* The API that the settings name. Connects to nothing yet; from here on Ctrl-C ends requests, not the program. */
int client_open(struct http_client **out, struct mrp_ctx *ctx, struct mrp_err *err);
/* How results are printed to this stdout. */
struct print_style client_style(const struct mrp_ctx *ctx, int output);
/* "12" or "r12" -> the ETag "r12", yours to free; "*" and what is quoted already stay. NULL gives NULL. */
char *client_etag(const char *revision);
/* Send a request for the thing itself, whose answer is printed by `output`, or as "prober/dns WORD" for a table. */
int client_change(struct mrp_ctx *ctx, const struct target *target, struct http_request *request, int output, const char *word,
	struct mrp_err *err);
/* Ask before something is lost, unless `yes`. 1: go on; 0: the person said no. */
int client_confirm(bool yes, struct mrp_err *err, const char *question, ...) PRINTF(3, 4);
/* A document that is an object. */
struct value *client_document(struct mrp_ctx *ctx, const char *path, struct mrp_err *err);

/* Completion of arguments. */
mrp_complete_fn complete_kind_list, complete_kind_one;

#endif
