/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of agent_source: what its two kinds have in common, the API and files on this machine. */
#ifndef MRP_AGENT_CONFIG_BACKEND_H
#define MRP_AGENT_CONFIG_BACKEND_H

#include "config_files.h"
#include "config_source.h"

enum look_end {
	LOOK_UNCHANGED, /* since the last look that found something */
	LOOK_FOUND,     /* a config */
	LOOK_BAD,       /* what is there is no good config (`problems`, or err alone); it stays so until it changes */
	LOOK_FAILED,    /* it could not be asked */
};

struct config_look {
	struct strbuf json;     /* LOOK_FOUND: as /v1/agent-config answers */
	char *etag;             /* LOOK_FOUND, LOOK_BAD: equal ones mean equal configs; or NULL */
	int64_t retry_after_ms; /* LOOK_FAILED: the source asks for that much time; else -1 */
	struct problems problems;
};

struct config_backend;

struct config_backend_ops {
	/* Look for a config. `again`: say what is there also when it has not changed. Blocks. */
	enum look_end (*look)(struct config_backend *backend, bool again, struct config_look *out, struct mrp_err *err);
	/* Get all those contents of the config that was found last. Messages name prober and file. */
	int (*fetch)(struct config_backend *backend, const struct missing_vec *missing, struct config_files *files,
		struct mrp_err *err);
	/* This is the config that is in use: it need not be given again. `etag` may be NULL. NULL: nobody wants to
	 * know. */
	void (*known)(struct config_backend *backend, const char *etag);
	/* Send a report (JSON). NULL: there is nobody to send it to. */
	int (*report)(struct config_backend *backend, const struct strbuf *json, struct mrp_err *err);
	void (*free)(struct config_backend *backend);
	int64_t interval_ms; /* when the options say nothing */
	bool often;          /* it is looked at so often that "unchanged" is no news */
};

/* Implementations begin with this struct. */
struct config_backend {
	const struct config_backend_ops *ops;
	char *name;   /* for status and messages */
	char *origin; /* in the stored config (config_stored.h) */
};

/* `interrupt_fd` becomes readable when requests are to end. */
struct config_backend *config_backend_api(
	const struct agent_source_options *options, int interrupt_fd, struct mrp_err *err);
struct config_backend *config_backend_local(const struct agent_source_options *options);

#endif
