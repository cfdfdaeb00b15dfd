/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a plan from a file (save.c wrote it) and comparing it with the one that would be made now. */
#include "saved.h"

#include "../base/file.h"
#include "../value/json.h"
#include "saved_format.h"

struct saved_change {
	enum plan_action action;
	enum kind kind;
	const char *slug;
	uint8_t before[SHA256_BYTES], after[SHA256_BYTES]; /* zeros: none */
};

VEC_DEFINE(saved_change_vec, struct saved_change)

struct plan_saved {
	struct arena arena;
	char *path;
	const char *environment, *api;
	bool force_ownership;
	struct saved_change_vec changes; /* sorted by kind, then slug */
};

void plan_saved_free(struct plan_saved *saved)
{
	if (!saved)
		return;
	saved_change_vec_clear(&saved->changes);
	arena_release(&saved->arena);
	free(saved->path);
	free(saved);
}

static int damaged(const struct plan_saved *saved, const char *why, struct mrp_err *err)
{
	return mrp_err_set(
		err, MRP_EREFUSED, "refused: the plan in '%s' %s; make a new one with --plan-out", saved->path, why);
}

static int check_sum(const struct plan_saved *saved, const char *text, size_t len, struct mrp_err *err)
{
	const size_t tail = strlen(SAVED_CHECKSUM) + SHA256_HEX + strlen(SAVED_END);
	char sum[SHA256_HEX + 1];

	if (len <= tail || text[0] != '{')
		return damaged(saved, "is not a plan, or not a whole one", err);
	const char *at = text + len - tail, *digits = at + strlen(SAVED_CHECKSUM);
	if (memcmp(at, SAVED_CHECKSUM, strlen(SAVED_CHECKSUM)) != 0 ||
		memcmp(digits + SHA256_HEX, SAVED_END, strlen(SAVED_END)) != 0)
		return damaged(saved, "is not a plan, or not a whole one", err);
	sha256_hex_of(sum, text, (size_t)(digits - text));
	if (memcmp(sum, digits, SHA256_HEX) != 0)
		return damaged(saved, "was changed since it was saved (its checksum does not match)", err);
	return 0;
}

static int action_from_name(const char *name)
{
	for (int action = 0; name && action < PLAN_ACTIONS; action++) {
		if (streq(plan_action_names[action], name))
			return action;
	}
	return -1;
}

/* A digest that has to be there, or has to be absent. */
static bool take_digest(uint8_t out[SHA256_BYTES], const struct value *change, const char *name, bool wanted)
{
	const struct value *v = value_get(change, name);

	if (!wanted)
		return v && v->type == V_NULL;
	return v && v->type == V_STRING && sha256_from_hex(out, v->s);
}

static bool take_change(struct plan_saved *saved, const struct value *v)
{
	struct saved_change change = { .slug = value_get_string(v, "slug") };
	const char *kind_name = value_get_string(v, "kind");
	int action = action_from_name(value_get_string(v, "action")), kind = kind_name ? kind_from_name(kind_name) : -1;

	if (action < 0 || kind < 0 || !change.slug)
		return false;
	change.action = (enum plan_action)action;
	change.kind = (enum kind)kind;
	if (!take_digest(change.before, v, "before", action != PLAN_CREATE) ||
		!take_digest(change.after, v, "after", action != PLAN_DELETE))
		return false;
	saved_change_vec_push(&saved->changes, change);
	return true;
}

static int compare_changes(const void *a, const void *b)
{
	const struct saved_change *x = a, *y = b;

	return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->slug, y->slug);
}

static bool take_changes(struct plan_saved *saved, const struct value *changes)
{
	if (!changes || changes->type != V_ARRAY)
		return false;
	value_for_each(change, changes) {
		if (change->type != V_OBJECT || !take_change(saved, change))
			return false;
	}
	if (saved->changes.n > 1)
		qsort(saved->changes.v, saved->changes.n, sizeof(*saved->changes.v), compare_changes);
	for (size_t i = 1; i < saved->changes.n; i++) {
		if (compare_changes(&saved->changes.v[i - 1], &saved->changes.v[i]) == 0)
			return false;
	}
	return true;
}

/* Also with the right checksum it may come from anywhere. */
static int take_document(struct plan_saved *saved, const struct value *document, struct mrp_err *err)
{
	const struct value *version = document->type == V_OBJECT ? value_get(document, "format_version") : NULL;

	if (!version || version->type != V_INT)
		return damaged(saved, "is not a plan", err);
	if (version->i != SAVED_FORMAT_VERSION)
		return damaged(saved, "was saved by another version of mrprober", err);
	const struct value *options = value_get(document, "options");
	const struct value *force = options && options->type == V_OBJECT ? value_get(options, "force_ownership") : NULL;

	saved->environment = value_get_string(document, "environment");
	saved->api = value_get_string(document, "api");
	saved->force_ownership = force && force->type == V_BOOL && force->b;
	if (!saved->environment || !saved->api || !force || !take_changes(saved, value_get(document, "changes")))
		return damaged(saved, "is not a plan", err);
	return 0;
}

int plan_saved_parse(
	struct plan_saved **out, const char *path, const char *text, size_t len, struct mrp_err *err)
{
	struct plan_saved *saved = xcalloc(1, sizeof(*saved));
	struct mrp_err why = MRP_ERR_INIT;

	*out = saved;
	saved->path = xstrdup(path);
	if (check_sum(saved, text, len, err) < 0)
		return -1;
	const struct value *document = json_parse(&saved->arena, text, len, "the plan", &why);
	mrp_err_clear(&why);
	return document ? take_document(saved, document, err) : damaged(saved, "is not a plan", err);
}

int plan_saved_read(struct plan_saved **out, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (read_file(&text, path, SAVED_BYTES_MAX, err) < 0) {
		if (err->code == MRP_EINVALID || err->code == MRP_ETOOBIG)
			err->code = MRP_EREFUSED;
		return mrp_err_wrap(err, "cannot read the plan");
	}
	return plan_saved_parse(out, path, text.buf, text.len, err);
}

const char *plan_saved_environment(const struct plan_saved *saved)
{
	return saved->environment;
}

bool plan_saved_force_ownership(const struct plan_saved *saved)
{
	return saved->force_ownership;
}

bool plan_saved_has(const struct plan_saved *saved, enum kind kind, const char *slug)
{
	const struct saved_change key = { .kind = kind, .slug = slug };

	return saved->changes.n && bsearch(&key, saved->changes.v, saved->changes.n, sizeof(key), compare_changes);
}

int plan_saved_check_target(
	const struct plan_saved *saved, const char *api_url, const char *environment, struct mrp_err *err)
{
	if (environment && !streq(environment, saved->environment))
		return mrp_err_set(err, MRP_EREFUSED, "refused: the plan in '%s' is for environment '%s', not '%s'",
			saved->path, saved->environment, environment);
	if (api_url && !streq(api_url, saved->api))
		return mrp_err_set(err, MRP_EREFUSED, "refused: the plan in '%s' is for the API at %s, not for %s",
			saved->path, saved->api, api_url);
	return 0;
}

static const struct plan_change *find_change(const struct plan *plan, const struct saved_change *saved)
{
	for (size_t i = 0; i < plan->changes.n; i++) {
		const struct plan_change *change = &plan->changes.v[i];

		if (change->kind == saved->kind && streq(change->slug, saved->slug))
			return change;
	}
	return NULL;
}

/* Why this change is not what would be done now, or NULL. */
static const char *why_stale(const struct plan *plan, const struct saved_change *saved, const struct plan_change *now)
{
	const struct config_object *object = config_find(plan->config, saved->kind, saved->slug);

	if (saved->action == PLAN_DELETE && object)
		return "a config describes it again";
	if (saved->action != PLAN_DELETE && !object)
		return "no config describes it any more";
	if (object && memcmp(object->digest, saved->after, SHA256_BYTES) != 0)
		return "the configs say something else by now";
	if (!now || now->action != saved->action)
		return saved->action == PLAN_CREATE ? "is in the API by now" : "was changed in the API since";
	if (saved->action != PLAN_CREATE && memcmp(now->before, saved->before, SHA256_BYTES) != 0)
		return "was changed in the API since";
	return NULL;
}

int plan_saved_check(const struct plan_saved *saved, const struct plan *plan, struct mrp_err *err)
{
	enum { NAMED_MAX = 20 };
	cleanup(strbuf_release) struct strbuf named = STRBUF_INIT;
	size_t stale = 0;

	for (size_t i = 0; i < saved->changes.n; i++) {
		const struct saved_change *change = &saved->changes.v[i];
		/* usually both are in the same order, but for deletes, which come last here */
		const struct plan_change *now = i < plan->changes.n ? &plan->changes.v[i] : NULL;

		if (!now || now->kind != change->kind || !streq(now->slug, change->slug))
			now = find_change(plan, change);
		const char *why = why_stale(plan, change, now);

		if (why && ++stale <= NAMED_MAX)
			strbuf_addf(&named, "%s%s '%s' (%s)", stale > 1 ? ", " : "", kinds[change->kind].name,
				change->slug, why);
	}
	if (!stale)
		return 0;
	if (stale > NAMED_MAX)
		strbuf_addf(&named, " and %zu more", stale - NAMED_MAX);
	return mrp_err_set(err, MRP_EREFUSED,
		"refused: the plan in '%s' does not fit any more: %s; nothing was done, make a new one", saved->path,
		named.buf);
}
