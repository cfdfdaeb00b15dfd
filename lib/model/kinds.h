/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three kinds of objects: their field tables, checks across fields, and digests. Where to read next: recipe.c,
 * cluster.c and prober.c have a table each.
 */
#ifndef MRP_MODEL_KINDS_H
#define MRP_MODEL_KINDS_H

#include "../base/hash.h"
#include "schema.h"

/* In the order in which they are created; deletes go the other way. */
enum kind { KIND_RECIPE, KIND_CLUSTER, KIND_PROBER, KIND_COUNT };

struct kind_info {
	const char *name;   /* "recipe" */
	const char *plural; /* "recipes": in routes and folders */
	const struct field *fields;
	/* Checks across fields, on what schema_apply returned (`where` in ctx says for which form). There may have been
	 * problems with single fields, so any of them may be of any type. */
	void (*check)(struct schema_ctx *ctx, const struct value *object);
};

extern const struct kind_info kinds[KIND_COUNT];

/* Accepts singular and plural; -1 when it is neither. */
int kind_from_name(const char *name);

/* Who writes a variable. */
extern const char *const variable_owners[]; /* synchronize meeseeks initial manual, NULL */

/* Check an API body (or an object merged from one) and return its normal form: what is stored. `slug` fills in `name`.
 * Keys: slug, name, description, labels, managed, source, and those of the kind; variables as {value, owner, sensitive,
 * updated_at}. */
struct value *object_from_api(
	struct arena *arena, enum kind kind, const struct value *body, const char *slug, struct problems *problems);

/* True when readers do not see the value of this variable of a cluster. */
bool cluster_hides(const struct value *cluster, const char *name, const struct value *entry);

/* One variable of a cluster, as its route takes it. */
extern const struct field item_variable;

/* The manageable part of a stored object, for digests and comparison: without managed, source, read-only fields, and
 * for clusters without variables of other owners than synchronize and without their times. Parts are shared. */
struct value *object_manageable(struct arena *arena, enum kind kind, const struct value *object);

/* SHA-256 of the canonical JSON of the manageable part. */
void object_digest(uint8_t out[SHA256_BYTES], enum kind kind, const struct value *object);

/* One managed object in a root digest. */
struct digest_entry {
	enum kind kind;
	const char *slug;
	uint8_t digest[SHA256_BYTES];
};

/* SHA-256 over the sorted lines "kind/slug digest\n" (kind singular, digest in hex). Sorts `entries` in place. */
void root_digest(uint8_t out[SHA256_BYTES], struct digest_entry *entries, size_t n);

/* True when the placement list of a normal-form prober lets it run on `cluster` (hosts are not looked at). */
bool prober_runs_on(const struct value *prober, const char *cluster);

/* Label names that metrics use themselves. */
bool label_reserved(const char *name);

extern const struct field recipe_fields[], cluster_fields[], prober_fields[];
void recipe_check(struct schema_ctx *ctx, const struct value *recipe);
void cluster_check(struct schema_ctx *ctx, const struct value *cluster);
void prober_check(struct schema_ctx *ctx, const struct value *prober);

#endif
