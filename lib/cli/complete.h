/* SPDX-License-Identifier: Apache-2.0 */
/* The candidates of one completion. Sources are mrp_complete_fn callbacks of option rows and command rows. */
#ifndef MRP_CLI_COMPLETE_H
#define MRP_CLI_COMPLETE_H

#include "context.h"
#include "opts.h"

/* What the shell should do besides offering the candidates; the bits of cobra's protocol. */
enum {
	COMPLETE_ERROR = 1 << 0,
	COMPLETE_NO_SPACE = 1 << 1,
	COMPLETE_NO_FILES = 1 << 2,
	COMPLETE_FILTER_EXT = 1 << 3, /* the candidates are file extensions */
	COMPLETE_FOLDERS = 1 << 4,
};

struct mrp_complete {
	struct mrp_ctx *ctx; /* the options that stand on the line so far are in ctx->globals; no file has been read */
	struct strvec lines; /* a candidate, a tab, a description */
	const char *word;   /* what is there already */
	const char *prefix; /* goes before each candidate: "--only=" */
	unsigned flags;     /* COMPLETE_NO_FILES unless a source takes it away */
};

/* Offer a candidate when it starts with the word. `description` may be NULL. */
void mrp_complete_add(struct mrp_complete *c, const char *candidate, const char *description);

/* "candidate\tdescription" lines in the order of their bytes, each candidate once, then ":<flags>". */
void mrp_complete_format(struct strbuf *out, struct mrp_complete *c);

/* Sources that any row can name. */
void mrp_complete_files(struct mrp_complete *c, int argc, char *const *argv, const char *word);
void mrp_complete_folders(struct mrp_complete *c, int argc, char *const *argv, const char *word);

#endif
