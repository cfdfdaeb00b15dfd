/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would have to be done so that the API holds what the configs say. plan_make() asks the API (one conditional
 * request when they agree, else the state and the objects that differ); plan_text.c, plan_json.c and plan_markdown.c
 * show the plan; apply.c carries it out and notes the result of each change in it.
 *
 * No sensitive value is ever in `fields`; what is sent to the API is kept apart from what is shown.
 */
#ifndef MRP_SYNC_PLAN_H
#define MRP_SYNC_PLAN_H

#include "../cli/opts.h"
#include "../config/config.h"
#include "../http/api.h"

#define PLAN_SENSITIVE "(sensitive)"

enum plan_action { PLAN_CREATE, PLAN_UPDATE, PLAN_DELETE, PLAN_ACTIONS };

enum plan_result {
	PLAN_LEFT,    /* not tried, or not finished */
	PLAN_DONE,
	PLAN_FAILED,
	PLAN_WAITING, /* something must be destroyed first */
};

extern const char *const plan_action_names[];  /* create update delete */
extern const char *const plan_result_names[]; /* left done failed waiting */

/* One difference, ready to be shown. before or after is NULL when there is nothing. */
struct plan_field {
	const char *field; /* "limits.memory", "variables.zones", "files.check.sh" */
	const struct value *before, *after;
	const char *diff; /* of a file, by plan_read_texts(): lines to be shown below it; NULL */
};

VEC_DEFINE(plan_field_vec, struct plan_field)

/* A variable that cannot travel in a merge patch: it is written by itself. */
struct plan_put {
	const char *name;
	struct value *entry; /* owner, sensitive, value */
	int64_t revision;    /* of the variable in the API; -1: none yet */
};

VEC_DEFINE(plan_put_vec, struct plan_put)

struct plan_change {
	enum plan_action action;
	enum kind kind;
	const char *slug;
	const struct config_object *object; /* NULL: delete */
	int64_t revision;                   /* update, delete: of the object in the API */
	uint8_t before[SHA256_BYTES];       /* update, delete: its digest there; zeros when the API does not say */
	struct plan_field_vec fields;       /* update only; plan_created_fields() makes those of a create */
	struct value *patch;                /* update: what is sent; NULL when only variables are put */
	struct plan_put_vec puts;           /* update: variables that are written after the patch */
	bool replace_values;                /* update: the patch gives a recipe's values whole, as they hold a null */

	enum plan_result result;
	char *reason; /* owned; why it failed, is left or waits; NULL */
};

VEC_DEFINE(plan_change_vec, struct plan_change)

/* A config names a variable that somebody else writes. */
struct plan_conflict {
	const struct config_object *object;
	const char *variable, *owner;
};

VEC_DEFINE(plan_conflict_vec, struct plan_conflict)

struct plan_item {
	enum kind kind;
	const char *slug;
	const struct config_object *object; /* NULL: no config describes it */
	const char *reason;                 /* NULL when there is nothing to say */
};

VEC_DEFINE(plan_item_vec, struct plan_item)

struct plan_saved;

struct plan_options {
	const struct strvec *only;          /* KIND/GLOB; empty: everything */
	const struct plan_saved *saved;     /* exactly the objects of this plan (saved.h); NULL: `only` says */
	const struct config_changes *since; /* only objects that these are about; NULL: everything */
	bool prune;
	bool force_ownership;
};

struct plan {
	const struct config *config; /* borrowed */
	struct plan_options options;
	struct arena arena;
	char root[SHA256_HEX + 1];     /* the API's root digest that the plan is about */
	struct plan_change_vec changes; /* in the order of applying: creates and updates by kind, then deletes */
	struct plan_conflict_vec conflicts;
	struct plan_item_vec unmanaged; /* managed objects of the API that no config describes, when they are not deleted */
	struct plan_item_vec waiting;   /* being destroyed */
	size_t unchanged;
	size_t managed[KIND_COUNT];     /* objects of the API that came from configs */
	bool applied;                   /* results mean something */
};

/* *plan is set in any case; release it with plan_free. MRP_EREFUSED when the API holds another environment, MRP_EUSAGE
 * when `only` matches nothing or makes no sense. */
int plan_make(struct plan **plan, struct http_client *client, const struct config *config,
	const struct plan_options *options, struct mrp_err *err);
/* Is the API as the configs say? Asks it one conditional request. 1: *plan is that of nothing to do. 0: it is not, and *plan
 * is NULL. Configs that are only recalled will do. */
int plan_make_in_sync(struct plan **plan, struct http_client *client, const struct config *config, struct mrp_err *err);
void plan_free(struct plan *plan);
void plan_freep(struct plan **plan);

size_t plan_count(const struct plan *plan, enum plan_action action);
size_t plan_count_result(const struct plan *plan, enum plan_result result);

/* Differences or conflicts: what makes --check exit with 2. */
static inline bool plan_differs(const struct plan *plan)
{
	return plan->changes.n || plan->conflicts.n;
}

/* compare.c: fill in fields, patch and puts of an update from the object as the API has it now, and collect conflicts
 * (may be NULL). When they agree, nothing is filled in. What was in there before is dropped. */
void plan_compare(struct arena *arena, const struct plan_options *options, struct plan_change *change,
	const struct value *current, struct plan_conflict_vec *conflicts);

/* The fields of a create, made in `arena` (a caller's own, as there may be many). */
void plan_created_fields(struct arena *arena, const struct plan_change *change, struct plan_field_vec *fields);
/* The body of a create's POST. */
void plan_create_body(struct strbuf *body, const struct config_object *object);

/* sources.c: ask git who changed the objects of the plan, and say so in what is sent. `config` is the plan's. */
int plan_find_sources(struct plan *plan, struct config *config, struct mrp_err *err);
/* {path, line, revision, ...}: where the object came from; what is not known is null. */
struct value *plan_source(struct arena *arena, const struct config_object *object);
/* The object as the config says it, parsed in `arena`. */
struct value *plan_desired(struct arena *arena, const struct config_object *object);

/* Renderings; `columns` is the width of the terminal or 0. */
void plan_text(struct strbuf *out, const struct plan *plan, bool color, size_t columns);
void plan_json(struct strbuf *out, const struct plan *plan);
void plan_markdown(struct strbuf *out, const struct plan *plan);
/* "Plan: 1 to create, 2 to update, 0 to delete; 40 unchanged", without a newline. */
void plan_summary(struct strbuf *out, const struct plan *plan);
/* After an apply, for people: what failed, what is left, what waits; a line each. */
void plan_results(struct strbuf *out, const struct plan *plan);
/* "Done: 1 created, 2 updated, 0 deleted." or with what is not: "1 failed, 3 left". */
void plan_results_summary(struct strbuf *out, const struct plan *plan);

/* One side of a difference in a line: JSON; "(none)"; "3f2a1bc (0755)" for a file. No control characters, not cut. */
void plan_show_value(struct strbuf *out, const char *field, const struct value *v);
/* "clusters/meeseeks/cluster.yaml:1", as messages show it (from the working folder). */
void plan_add_place(struct strbuf *out, const struct plan *plan, const struct config_object *object);
/* "3f2a1bc Jane Doe 2026-11-21", "3f2a1bc-dirty", or nothing when it is not known. */
void plan_add_touch(struct strbuf *out, const struct config_object *object);

#endif
