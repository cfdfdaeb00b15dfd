/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept equal to what: a source of nodes with its options, and the variable of a cluster. Everything is borrowed
 * but the lists. */
#ifndef MRP_MEESEEKS_MAPPING_H
#define MRP_MEESEEKS_MAPPING_H

#include "../cli/opts.h"
#include "../model/schema.h"

/* In the order of enum source_kind. */
#define SOURCE_WORDS "compute-admin|kubernetes|file|command"
enum source_kind {
	SOURCE_COMPUTE_ADMIN,
	SOURCE_KUBERNETES,
	SOURCE_FILE,
	SOURCE_COMMAND,
	SOURCE_COUNT,
	SOURCE_NONE = -1
};

#define AUTH_WORDS "iam|none"
enum { AUTH_IAM, AUTH_NONE };

struct node_mapping {
	const char *cluster, *variable; /* NULL: meeseeks, compute_nodes */
	int source;                     /* enum source_kind */

	/* where the nodes are */
	const char *url;          /* compute-admin: of the list; kubernetes: of the API server */
	const char *file;         /* file */
	struct strvec command;    /* command: program and arguments */
	const char *kubeconfig;   /* kubernetes; NULL: $KUBECONFIG, the pod's own account, ~/.kube/config */
	const char *kube_context; /* of the kubeconfig; NULL: the current one */
	struct strvec query;      /* compute-admin: "NAME=VALUE" for the query */
	int64_t page_size;        /* 0: 1000 */
	int64_t timeout_ms;       /* of a request or the program; 0: a minute */
	const char *ca_file;      /* of the source */
	int auth;                 /* compute-admin */
	const char *token_file;   /* a bearer token instead of an IAM token; read each time */
	const char *sa_key_file, *iam_token_url, *iam_metadata_url; /* as in struct iam_options */

	/* which of them, and what of them */
	const char *list_path;       /* where the list lies in an answer; NULL: the source's */
	struct strvec fields;        /* "FIELD=PATH": where a field lies in a node */
	const char *template;        /* NULL: name */
	struct strvec zones, states; /* globs; none: any */
	struct strvec labels;        /* "KEY=GLOB", "KEY!=GLOB", "KEY"; all must hold */

	/* guards */
	struct mrp_limit max_removal; /* unset: 20% */
	bool allow_empty;
};

#define MAPPING_INIT                                                                                \
	.source = SOURCE_NONE, .command = STRVEC_INIT, .query = STRVEC_INIT, .fields = STRVEC_INIT, \
	.zones = STRVEC_INIT, .states = STRVEC_INIT, .labels = STRVEC_INIT

void node_mapping_release(struct node_mapping *mapping);
static inline const char *mapping_cluster(const struct node_mapping *mapping)
{
	return mapping->cluster ? mapping->cluster : "meeseeks";
}
static inline const char *mapping_variable(const struct node_mapping *mapping)
{
	return mapping->variable ? mapping->variable : "compute_nodes";
}

VEC_DEFINE(node_mapping_vec, struct node_mapping)

extern const struct field mappings_fields[]; /* a whole meeseeks.yaml */

/* Read meeseeks.yaml. Texts live in the arena; paths in it are relative to its folder. Mistakes go to `problems`; -1
 * only when it cannot be read. */
int mappings_load(struct node_mapping_vec *out, struct arena *arena, const char *path, struct problems *problems,
	struct mrp_err *err);
void mappings_release(struct node_mapping_vec *mappings);

#endif
