/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects differ. Digests answer that; only what differs is fetched, and only then fields are looked at. */
#include "plan.h"

#include "../base/text.h"
#include "saved.h"

const char *const plan_action_names[] = { "create", "update", "delete", NULL };
const char *const plan_result_names[] = { "left", "done", "failed", "waiting", NULL };

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->changes.n; i++) {
		plan_field_vec_clear(&plan->changes.v[i].fields);
		plan_put_vec_clear(&plan->changes.v[i].puts);
		free(plan->changes.v[i].reason);
	}
	plan_change_vec_clear(&plan->changes);
	plan_conflict_vec_clear(&plan->conflicts);
	plan_item_vec_clear(&plan->unmanaged);
	plan_item_vec_clear(&plan->waiting);
	arena_release(&plan->arena);
	free(plan);
}

void plan_freep(struct plan **plan)
{
	plan_free(*plan);
	*plan = NULL;
}

/* "prober/dns-*" -> the kind and its glob; -1 when it makes no sense. */
static int split_only(const char *only, const char **glob)
{
	const char *slash = strchr(only, '/');
	char name[16];

	if (!slash || !slash[1] || (size_t)(slash - only) >= sizeof(name))
		return -1;
	memcpy(name, only, (size_t)(slash - only));
	name[slash - only] = '\0';
	*glob = slash + 1;
	return kind_from_name(name);
}

static int check_only(const struct plan_options *options, struct mrp_err *err)
{
	for (size_t i = 0; options->only && i < options->only->n; i++) {
		const char *glob;

		if (split_only(options->only->v[i], &glob) < 0)
			return mrp_err_set(err, MRP_EUSAGE,
				"--only: '%s' is not KIND/GLOB (like prober/dns-*; kinds are recipe, cluster, prober)",
				options->only->v[i]);
	}
	return 0;
}

static bool only_matches(const char *only, enum kind kind, const char *slug)
{
	const char *glob;

	return split_only(only, &glob) == (int)kind && glob_match(glob, slug);
}

/* Does any KIND/GLOB of `only` name the object? */
static bool in_only(const struct plan_options *options, enum kind kind, const char *slug)
{
	if (options->saved)
		return plan_saved_has(options->saved, kind, slug);
	if (!options->only || !options->only->n)
		return true;
	for (size_t i = 0; i < options->only->n; i++) {
		if (only_matches(options->only->v[i], kind, slug))
			return true;
	}
	return false;
}

static bool object_in_scope(const struct plan_options *options, const struct config_object *object)
{
	return in_only(options, object->kind, object->slug) &&
		(!options->since || config_changes_object(options->since, object));
}

/* The same for an object of the API that no config describes. */
static bool rest_in_scope(const struct plan_options *options, enum kind kind, const char *slug)
{
	return in_only(options, kind, slug) && (!options->since || config_changes_had(options->since, kind, slug));
}

/* The map slug -> entry of one part of the state, or NULL. */
static const struct value *part_of(const struct value *state, const char *part, enum kind kind)
{
	const struct value *maps = value_get(state, part);

	return maps ? value_get(maps, kinds[kind].plural) : NULL;
}

static const struct value *entry_of(const struct value *state, const char *part, enum kind kind, const char *slug)
{
	const struct value *map = part_of(state, part, kind);

	return map ? value_get(map, slug) : NULL;
}

static int64_t revision_of(const struct value *entry)
{
	return value_get(entry, "revision")->i; /* api_get_state has checked it */
}

/* The digest by the state or by the object itself. */
static void note_digest(struct plan_change *change, const struct value *entry)
{
	const char *digest = value_get_string(entry, "digest");

	if (!digest || !sha256_from_hex(change->before, digest))
		memset(change->before, 0, sizeof(change->before));
}

static void add_change(struct plan *plan, enum plan_action action, const struct config_object *object, int64_t revision)
{
	struct plan_change change = { .action = action, .kind = object->kind, .slug = object->slug, .object = object,
		.revision = revision };

	plan_change_vec_push(&plan->changes, change);
}

/* What the state says about one object of the configs. */
static void place_object(struct plan *plan, const struct value *state, const struct config_object *object)
{
	const struct value *entry = entry_of(state, "kinds", object->kind, object->slug);
	uint8_t digest[SHA256_BYTES];

	if (entry && sha256_from_hex(digest, value_get_string(entry, "digest")) &&
		memcmp(digest, object->digest, SHA256_BYTES) == 0) {
		plan->unchanged++;
		return;
	}
	if (!entry)
		entry = entry_of(state, "unmanaged", object->kind, object->slug);
	if (entry) {
		add_change(plan, PLAN_UPDATE, object, revision_of(entry));
	} else if (entry_of(state, "destroying", object->kind, object->slug)) {
		struct plan_item item = { object->kind, object->slug, object,
			"is being destroyed; it can be created again when that is done" };

		plan_item_vec_push(&plan->waiting, item);
	} else {
		add_change(plan, PLAN_CREATE, object, -1);
	}
}

static void place_objects(struct plan *plan, const struct value *state)
{
	size_t n;
	const struct config_object *objects = config_objects(plan->config, &n);

	for (size_t i = 0; i < n; i++) {
		if (object_in_scope(&plan->options, &objects[i]))
			place_object(plan, state, &objects[i]);
	}
}

/* Objects that came from configs, and that no config describes any more. */
static void place_rest(struct plan *plan, const struct value *state, enum kind kind)
{
	const struct value *map = part_of(state, "kinds", kind);

	plan->managed[kind] = map->n;
	for (uint32_t i = 0; i < map->n; i++) {
		const char *slug = map->members[i].key;

		if (config_find(plan->config, kind, slug) || !rest_in_scope(&plan->options, kind, slug))
			continue;
		if (plan->options.prune) {
			struct plan_change change = { .action = PLAN_DELETE, .kind = kind,
				.slug = arena_strdup(&plan->arena, slug),
				.revision = revision_of(map->members[i].value) };

			note_digest(&change, map->members[i].value);
			plan_change_vec_push(&plan->changes, change);
		} else {
			struct plan_item item = { kind, arena_strdup(&plan->arena, slug), NULL, NULL };

			plan_item_vec_push(&plan->unmanaged, item);
		}
	}
	map = part_of(state, "destroying", kind);
	for (uint32_t i = 0; map && i < map->n; i++) {
		const char *slug = map->members[i].key;
		struct plan_item item = { kind, arena_strdup(&plan->arena, slug), NULL, "is being destroyed" };

		if (!config_find(plan->config, kind, slug) && rest_in_scope(&plan->options, kind, slug))
			plan_item_vec_push(&plan->waiting, item);
	}
}

static struct plan_change *find_update(struct plan *plan, enum kind kind, const char *slug)
{
	/* before the deletes, changes are in the order of the configs: by kind, then by slug */
	for (size_t low = 0, high = plan->changes.n; low < high;) {
		size_t middle = low + (high - low) / 2;
		struct plan_change *change = &plan->changes.v[middle];
		int order = kind != change->kind ? (int)kind - (int)change->kind : strcmp(slug, change->slug);

		if (order == 0)
			return change;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const struct value *kept_value(struct arena *arena, const struct value *v)
{
	return v ? value_copy(arena, v) : NULL;
}

/* Copy what the comparison found out of its scratch memory: of most objects that is a small part. */
static void keep_comparison(struct arena *arena, struct plan_change *change)
{
	for (size_t i = 0; i < change->fields.n; i++) {
		struct plan_field *field = &change->fields.v[i];

		field->field = arena_strdup(arena, field->field);
		field->before = kept_value(arena, field->before);
		field->after = kept_value(arena, field->after);
	}
	for (size_t i = 0; i < change->puts.n; i++) {
		struct plan_put *put = &change->puts.v[i];

		put->name = arena_strdup(arena, put->name);
		put->entry = value_copy(arena, put->entry);
	}
	if (change->patch)
		change->patch = value_copy(arena, change->patch);
}

static void keep_conflicts(struct plan *plan, const struct plan_conflict_vec *found)
{
	for (size_t i = 0; i < found->n; i++) {
		struct plan_conflict conflict = found->v[i];

		conflict.variable = arena_strdup(&plan->arena, conflict.variable);
		conflict.owner = arena_strdup(&plan->arena, conflict.owner);
		plan_conflict_vec_push(&plan->conflicts, conflict);
	}
}

static int got_object(void *ctx, enum kind kind, struct value *current, struct mrp_err *err)
{
	struct plan *plan = ctx;
	cleanup(arena_release) struct arena scratch = ARENA_INIT;
	cleanup(plan_conflict_vec_clear) struct plan_conflict_vec conflicts = VEC_INIT;
	struct plan_change *change = find_update(plan, kind, value_get_string(current, "slug"));
	const struct value *revision = value_get(current, "revision");

	if (!change || change->action != PLAN_UPDATE)
		return 0;
	if (!revision || revision->type != V_INT)
		return mrp_err_set(err, MRP_EHTTP, "the API gave %s '%s' without a revision", kinds[kind].name, change->slug);
	change->revision = revision->i;
	note_digest(change, current);
	plan_compare(&scratch, &plan->options, change, current, &conflicts);
	keep_comparison(&plan->arena, change);
	keep_conflicts(plan, &conflicts);
	return 0;
}

/* Fetch what differs. What is gone since the state was read becomes a create, what agrees by now is no change. */
static int compare_objects(struct plan *plan, struct http_client *client, struct mrp_err *err)
{
	cleanup(freep) const char **slugs = xmalloc((plan->changes.n + 1) * sizeof(*slugs));

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		size_t n = 0;

		for (size_t i = 0; i < plan->changes.n; i++) {
			if (plan->changes.v[i].kind == (enum kind)kind && plan->changes.v[i].action == PLAN_UPDATE) {
				plan->changes.v[i].revision = -1; /* until it is fetched */
				slugs[n++] = plan->changes.v[i].slug;
			}
		}
		if (n && api_list_slugs(client, (enum kind)kind, slugs, n, got_object, plan, err) < 0)
			return -1;
	}
	return 0;
}

static bool names_conflict(const struct plan *plan, const struct config_object *object)
{
	for (size_t i = 0; i < plan->conflicts.n; i++) {
		if (plan->conflicts.v[i].object == object)
			return true;
	}
	return false;
}

static void drop_equal(struct plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->changes.n; i++) {
		struct plan_change *change = &plan->changes.v[i];

		if (change->action == PLAN_UPDATE && change->revision < 0)
			change->action = PLAN_CREATE;
		if (change->action == PLAN_UPDATE && !change->fields.n) {
			plan->unchanged += !names_conflict(plan, change->object);
			continue;
		}
		plan->changes.v[kept++] = *change;
	}
	plan->changes.n = kept;
}

static int compare_conflicts(const void *a, const void *b)
{
	const struct plan_conflict *x = a, *y = b;

	/* objects lie in one array, in the order in which they are shown */
	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return strcmp(x->variable, y->variable);
}

/* --only that names nothing is a typing error, not an empty plan. */
static int check_matches(const struct plan *plan, const struct value *state, struct mrp_err *err)
{
	const struct strvec *only = plan->options.only;
	size_t n;
	const struct config_object *objects = config_objects(plan->config, &n);

	for (size_t i = 0; only && i < only->n; i++) {
		bool found = false;

		for (size_t k = 0; k < n && !found; k++)
			found = only_matches(only->v[i], objects[k].kind, objects[k].slug);
		for (int kind = 0; state && kind < KIND_COUNT; kind++) {
			const struct value *map = part_of(state, "kinds", (enum kind)kind);

			for (uint32_t k = 0; k < map->n && !found; k++)
				found = only_matches(only->v[i], (enum kind)kind, map->members[k].key);
		}
		if (!found)
			return mrp_err_set(err, MRP_EUSAGE, "--only: nothing matches '%s'", only->v[i]);
	}
	return 0;
}

static int check_environment(const struct plan *plan, const struct value *state, struct mrp_err *err)
{
	const char *theirs = value_get_string(state, "environment"), *ours = config_environment(plan->config);

	if (theirs && *theirs && ours && !streq(theirs, ours))
		return mrp_err_set(err, MRP_EREFUSED, "the API holds environment '%s', not '%s'", theirs, ours);
	return 0;
}

static void count_in_sync(struct plan *plan)
{
	size_t n;
	const struct config_object *objects = config_objects(plan->config, &n);

	for (size_t i = 0; i < n; i++)
		plan->unchanged += object_in_scope(&plan->options, &objects[i]);
}

static int make_from_state(struct plan *plan, struct http_client *client, struct value *state, struct mrp_err *err)
{
	const char *root = value_get_string(state, "root");

	if (!root)
		return mrp_err_set(err, MRP_EPERM,
			"the token may not see digests of clusters, which synchronize needs: role 'editor' or 'admin' may");
	snprintf(plan->root, sizeof(plan->root), "%s", root);
	if (check_environment(plan, state, err) < 0 || check_matches(plan, state, err) < 0)
		return -1;
	place_objects(plan, state);
	if (compare_objects(plan, client, err) < 0)
		return -1;
	drop_equal(plan);
	if (plan->conflicts.n > 1)
		qsort(plan->conflicts.v, plan->conflicts.n, sizeof(*plan->conflicts.v), compare_conflicts);
	for (int kind = KIND_COUNT - 1; kind >= 0; kind--) /* deletes go the other way */
		place_rest(plan, state, (enum kind)kind);
	return 0;
}

int plan_make(struct plan **out, struct http_client *client, const struct config *config,
	const struct plan_options *options, struct mrp_err *err)
{
	cleanup(arena_release) struct arena state_arena = ARENA_INIT;
	struct plan *plan = xcalloc(1, sizeof(*plan));
	uint8_t root[SHA256_BYTES];
	struct value *state;

	*out = plan;
	plan->config = config;
	plan->options = *options;
	if (check_only(options, err) < 0)
		return -1;
	config_root_digest(root, config);
	sha256_to_hex(plan->root, root);
	if (api_get_state(client, plan->root, &state_arena, &state, err) < 0)
		return -1;
	if (state)
		return make_from_state(plan, client, state, err);
	if (check_matches(plan, NULL, err) < 0)
		return -1;
	count_in_sync(plan);
	return 0;
}

int plan_make_in_sync(struct plan **out, struct http_client *client, const struct config *config, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(plan_freep) struct plan *plan = xcalloc(1, sizeof(*plan));
	uint8_t root[SHA256_BYTES];
	struct value *state;

	*out = NULL;
	plan->config = config;
	config_root_digest(root, config);
	sha256_to_hex(plan->root, root);
	if (api_get_state(client, plan->root, &arena, &state, err) < 0)
		return -1;
	if (state)
		return 0;
	plan->unchanged = config_count(config);
	*out = steal(&plan);
	return 1;
}

size_t plan_count(const struct plan *plan, enum plan_action action)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->changes.n; i++)
		n += plan->changes.v[i].action == action;
	return n;
}

size_t plan_count_result(const struct plan *plan, enum plan_result result)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->changes.n; i++)
		n += plan->changes.v[i].result == result;
	return n;
}
