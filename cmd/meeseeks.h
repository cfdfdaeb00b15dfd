/* SPDX-License-Identifier: Apache-2.0 */
/* What meeseeks.c and meeseeks_loop.c share: the mappings of this run, opened, and what is to be done with them. */
#ifndef MRP_CMD_MEESEEKS_H
#define MRP_CMD_MEESEEKS_H

#include "../lib/meeseeks/meeseeks.h"
#include "cmd.h"

#define FORMAT_WORDS "text|json"
enum { FORMAT_TEXT, FORMAT_JSON };

struct meeseeks_args {
	struct node_mapping mapping; /* of the options */
	const char *config, *command, *metrics_file;
	int64_t loop_ms; /* 0: once */
	int format;      /* FORMAT_TEXT or FORMAT_JSON */
	bool check, yes, deploy;
};

/* One variable that is kept. */
struct keeper {
	const struct node_mapping *mapping;
	struct meeseeks *meeseeks;
	size_t nodes;
	uint64_t added, removed, changed; /* since the start */
	int64_t success_ms;               /* the last one; 0: none yet */
	bool failed;                      /* the last time */
	bool written;                     /* now */
	char *doubt;                      /* owned; why what --check found could not be written; NULL: it could */
};

VEC_DEFINE(keeper_vec, struct keeper)

struct meeseeks_run {
	struct mrp_ctx *ctx;
	const struct meeseeks_args *args;
	struct node_mapping_vec mappings; /* of the config */
	struct keeper_vec keepers;
	struct http_client *http;
	bool printed; /* the JSON */
};

/* Compare, and write what differs. 1: written; 0: nothing had to be. `changes` is what was found. */
int keeper_write(
	struct meeseeks_run *run, struct keeper *keeper, struct changes *changes, bool asked, struct mrp_err *err);
/* "meeseeks/compute_nodes" */
void keeper_add_name(struct strbuf *out, const struct keeper *keeper);
void keeper_succeeded(struct keeper *keeper, const struct changes *changes, bool written);
/* Read the mappings of --config, and apply the options beside it. Mistakes are printed. */
int meeseeks_read_config(struct meeseeks_run *run, struct problems *problems, struct mrp_err *err);
/* Each mapping once; the exit code, or -1. */
int meeseeks_once(struct meeseeks_run *run, struct mrp_err *err);
/* One more row. `err` is why it failed, or NULL. */
void meeseeks_json_add(struct strbuf *out, const struct keeper *keeper, const char *status,
	const struct changes *changes, const struct mrp_err *err);
/* The document of these rows, on stdout. */
void meeseeks_json_print(const struct strbuf *rows);
/* Prometheus text into the file, when one is named. */
int meeseeks_write_metrics(const struct meeseeks_run *run, struct mrp_err *err);

/* Again and again, until SIGTERM or SIGINT. `open` makes the keepers. */
int meeseeks_loop(struct meeseeks_run *run,
	int (*open)(struct meeseeks_run *run, const struct http_patience *patience, struct mrp_err *err),
	struct mrp_err *err);

#endif
