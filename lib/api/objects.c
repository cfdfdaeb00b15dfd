/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of recipes, clusters and probers. Reading is copying: the database holds what GET answers. */
#include <inttypes.h>

#include "../base/text.h"
#include "document.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000, SLUGS_MAX = 1000 };

int object_get(struct api_call *call, struct mrp_err *err)
{
	bool secrets;
	int64_t revision;

	if (query_bool(&secrets, call, Q_SHOW_SENSITIVE, err) < 0)
		return -1;
	int there = object_read(&call->response.body, &revision, call->db, call->route->kind, call->args[0], secrets, err);
	if (there <= 0)
		return there < 0 ? -1 : api_not_found(err, call->route->kind, call->args[0]);
	api_set_etag(call, revision);
	if (secrets)
		call->response.cache_control = "no-store";
	if (!api_not_modified(call))
		respond_json(call, 200);
	return 0;
}

/* A page being made. */
struct page {
	struct strbuf *out;
	int64_t size, n;
	char last[64]; /* slug of the last item */
	bool more;
};

/* False when the page is full: there is more then. */
static bool page_add(struct page *page, const char *slug, const char *body, size_t len)
{
	if (page->n == page->size) {
		page->more = true;
		return false;
	}
	if (page->n++)
		strbuf_addch(page->out, ',');
	while (len && body[len - 1] == '\n')
		len--;
	strbuf_add(page->out, body, len);
	snprintf(page->last, sizeof(page->last), "%s", slug);
	return true;
}

static int page_add_object(struct page *page, struct api_call *call, const char *slug, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf body = STRBUF_INIT;
	int64_t revision;

	if (page->n == page->size) {
		page->more = true;
		return 0;
	}
	int there = object_read(&body, &revision, call->db, call->route->kind, slug, false, err);
	if (there > 0)
		page_add(page, slug, body.buf, body.len);
	return there < 0 ? -1 : 0;
}

static int list_all(struct page *page, struct api_call *call, const char *after, struct mrp_err *err)
{
	struct store_row row;
	int r = store_start(call->db, SQL_OBJECT_LIST,
		STORE_ARGS(store_text(kinds[call->route->kind].name), store_text(after), store_int(page->size + 1)), err);

	while (r >= 0 && (r = store_step(call->db, SQL_OBJECT_LIST, &row, err)) > 0) {
		if (!page_add(page, store_col_text(&row, 0), row.col[1].p, row.col[1].n))
			break;
	}
	store_finish(call->db, SQL_OBJECT_LIST);
	return r < 0 ? -1 : 0;
}

/* "key:value" strings as {key: value}. */
static struct value *wanted_labels(struct api_call *call, struct mrp_err *err)
{
	struct value *wanted = value_object(&call->arena);

	for (size_t i = 0; i < call->labels.n; i++) {
		const char *text = call->labels.v[i], *colon = strchr(text, ':');

		if (!colon || !valid_label_key(text, (size_t)(colon - text))) {
			mrp_err_set(err, MRP_EPARSE, "query parameter 'label' is '%s', should be key:value", text);
			return NULL;
		}
		value_append(&call->arena, wanted, arena_strndup(&call->arena, text, (size_t)(colon - text)),
			value_string(&call->arena, colon + 1));
	}
	return wanted;
}

static bool labels_match(const struct value *labels, const struct value *wanted)
{
	for (uint32_t i = 0; i < wanted->n; i++) {
		const char *text = value_get_string(labels, wanted->members[i].key);

		if (!text || !streq(text, wanted->members[i].value->s))
			return false;
	}
	return true;
}

static int list_labelled(struct page *page, struct api_call *call, const char *after, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct value *wanted = wanted_labels(call, err);
	struct store_row row;

	if (!wanted)
		return -1;
	int r = store_start(call->db, SQL_OBJECT_LABELS, STORE_ARGS(store_text(kinds[call->route->kind].name), store_text(after)), err);
	while (r >= 0 && !page->more && (r = store_step(call->db, SQL_OBJECT_LABELS, &row, err)) > 0) {
		arena_reset(&arena);
		const struct value *labels = json_parse(&arena, row.col[1].p, row.col[1].n, "stored labels", err);
		if (!labels || (labels_match(labels, wanted) && page_add_object(page, call, store_col_text(&row, 0), err) < 0))
			r = -1;
	}
	store_finish(call->db, SQL_OBJECT_LABELS);
	return r < 0 ? -1 : 0;
}

static int object_has_labels(struct api_call *call, const char *slug, const struct value *wanted, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf body = STRBUF_INIT;
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	int64_t revision;
	int there = object_read(&body, &revision, call->db, call->route->kind, slug, false, err);

	if (there <= 0 || !wanted->n)
		return there;
	struct value *object = json_parse(&arena, body.buf, body.len, "a stored object", err);
	if (!object)
		return -1;
	return labels_match(value_get(object, "labels"), wanted);
}

/* The named ones, in order of their slugs and each once. */
static int list_named(struct page *page, struct api_call *call, const char *after, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec slugs = STRVEC_INIT;
	struct value *wanted = wanted_labels(call, err);

	if (!wanted)
		return -1;
	for (const char *p = call->query[Q_SLUG];; p++) {
		size_t len = strcspn(p, ",");

		if (!slug_valid(p, len))
			return mrp_err_set(err, MRP_EPARSE, "query parameter 'slug': '%.*s' is not a slug", (int)len, p);
		strvec_push_nodup(&slugs, xstrndup(p, len));
		p += len;
		if (!*p)
			break;
	}
	if (slugs.n > SLUGS_MAX)
		return mrp_err_set(err, MRP_EPARSE, "query parameter 'slug' has more than %d slugs", (int)SLUGS_MAX);
	strvec_sort(&slugs);
	for (size_t i = 0; i < slugs.n && !page->more; i++) {
		if (strcmp(slugs.v[i], after) <= 0 || (i && streq(slugs.v[i], slugs.v[i - 1])))
			continue;
		int fits = object_has_labels(call, slugs.v[i], wanted, err);
		if (fits < 0 || (fits && page_add_object(page, call, slugs.v[i], err) < 0))
			return -1;
	}
	return 0;
}

/* A page token says after which slug the next page begins; clients take it as it is. */
static int token_slug(const char **slug, struct api_call *call, struct mrp_err *err)
{
	const char *token = call->query[Q_PAGE_TOKEN];

	*slug = "";
	if (!token || !*token)
		return 0;
	if (skip_prefix(token, "after.", slug) && slug_valid(*slug, strlen(*slug)))
		return 0;
	return mrp_err_set(err, MRP_EPARSE, "query parameter 'page_token' is '%s', which no answer gave", token);
}

int object_list(struct api_call *call, struct mrp_err *err)
{
	struct page page = { .out = &call->response.body };
	const char *after;
	int64_t revision;

	if (query_int(&page.size, call, Q_PAGE_SIZE, PAGE_DEFAULT, 1, PAGE_MAX, err) < 0 || token_slug(&after, call, err) < 0 ||
		store_meta(&revision, NULL, call->db, err) < 0)
		return -1;
	/* every write of an object moves the counter, so it tells whether any list is still good */
	call->response.etag = arena_printf(&call->arena, "W/\"r%" PRId64 "\"", revision);
	if (api_not_modified(call))
		return 0;
	strbuf_addstr(page.out, "{\"items\":[");
	int r = call->query[Q_SLUG] ? list_named(&page, call, after, err)
		: call->labels.n    ? list_labelled(&page, call, after, err)
				    : list_all(&page, call, after, err);
	if (r < 0)
		return -1;
	if (page.more)
		strbuf_addf(page.out, "],\"next_page_token\":\"after.%s\"}\n", page.last);
	else
		strbuf_addstr(page.out, "],\"next_page_token\":null}\n");
	respond_json(call, 200);
	return 0;
}

int object_create(struct api_call *call, struct mrp_err *err)
{
	enum kind kind = call->route->kind;
	const struct value *slug = call->body->type == V_OBJECT ? value_get(call->body, "slug") : NULL;
	struct object_row info;

	if (!slug || slug->type != V_STRING || !slug_valid(slug->s, slug->n)) {
		problems_add(&call->problems, (struct mrp_loc){ 0 }, call->body->type == V_OBJECT ? "slug" : NULL, "%s",
			call->body->type != V_OBJECT ? "is no object"
				: slug		     ? "is not a slug (a-z, 0-9 and '-', at most 63)"
						     : "is missing");
		return mrp_err_set(err, MRP_EINVALID, "the %s is not valid", kinds[kind].name);
	}
	int there = object_info(&info, &call->arena, call->db, kind, slug->s, err);
	if (there)
		return there < 0 ? -1
				 : mrp_err_set(err, MRP_EEXISTS, "%s '%s' is already there%s", kinds[kind].name, slug->s,
					   info.destroying ? ": it waits to be destroyed" : "");
	struct document doc = { .row = { .kind = kind, .slug = slug->s } };
	if (document_write(call, &doc, call->body, err) == WRITE_FAILED)
		return -1;
	call->response.status = 201;
	call->response.location = arena_printf(&call->arena, "/v1/%s/%s", kinds[kind].plural, slug->s);
	return 0;
}

/* A change of owner must not happen by accident: it takes If-Match (the writer has seen whom it takes it from) or
 * force=true. Initial values are there to be taken over. */
static int check_owner(struct api_call *call, const char *name, const struct value *before, const char *owner, bool force,
	struct mrp_err *err)
{
	const char *old = before ? value_get_string(before, "owner") : NULL;

	if (!old || !owner || streq(old, owner) || streq(old, "initial") || force || call->request.headers[HDR_IF_MATCH])
		return 0;
	return mrp_err_set(err, MRP_EEXISTS,
		"variable '%s' belongs to '%s', not to '%s'; If-Match or ?force=true takes it over", name, old, owner);
}

/* What the rules of merge patches cannot say about variables. */
static int check_variables_patch(struct api_call *call, const struct document *doc, struct mrp_err *err)
{
	const struct value *patch = call->body->type == V_OBJECT ? value_get(call->body, "variables") : NULL;
	const struct value *current = value_get(doc->current, "variables");
	bool force;

	if (query_bool(&force, call, Q_FORCE, err) < 0)
		return -1;
	for (uint32_t i = 0; patch && patch->type == V_OBJECT && i < patch->n; i++) {
		const struct member *m = &patch->members[i];

		if (m->value->type != V_OBJECT)
			continue;
		const struct value *value = value_get(m->value, "value");
		if (value && value->type == V_NULL)
			problems_add(&call->problems, (struct mrp_loc){ 0 }, arena_printf(&call->arena, "variables.%s.value", m->key),
				"a merge patch cannot say null; PUT the variable");
		if (check_owner(call, m->key, value_get(current, m->key), value_get_string(m->value, "owner"), force, err) < 0)
			return -1;
	}
	if (call->problems.errors)
		return mrp_err_set(err, MRP_EINVALID, "the patch is not valid");
	return 0;
}

int object_patch(struct api_call *call, struct mrp_err *err)
{
	enum kind kind = call->route->kind;
	struct document doc;

	if (document_load(&doc, call, kind, call->args[0], err) < 0 ||
		api_check_preconditions(call, doc.row.revision, err) < 0 || document_writable(&doc, err) < 0 ||
		(kind == KIND_CLUSTER && check_variables_patch(call, &doc, err) < 0))
		return -1;
	struct value *wanted = merge_patch(&call->arena, doc.current, call->body);
	return document_write(call, &doc, wanted, err) == WRITE_FAILED ? -1 : 0;
}

static int mark_destroying(struct api_call *call, struct document *doc, const char *message, struct mrp_err *err)
{
	if (!doc->row.destroying) {
		doc->row.destroying = true;
		doc->state = cluster_state_set(&call->arena, doc->state, "destroying", message);
		if (document_restate(call, doc, err) < 0)
			return -1;
	} else if (object_read(&call->response.body, &doc->row.revision, call->db, doc->row.kind, doc->row.slug, false, err) < 0) {
		return -1;
	}
	api_set_etag(call, doc->row.revision);
	respond_json(call, 202);
	return 0;
}

static int delete_recipe(struct api_call *call, struct document *doc, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec live = STRVEC_INIT;
	size_t destroying;

	if (recipe_users(&live, &destroying, call->db, doc->row.slug, err) < 0)
		return -1;
	for (size_t i = 0; i < live.n; i++)
		problems_add(&call->problems, (struct mrp_loc){ 0 }, "clusters", "cluster '%s' is made from it", live.v[i]);
	if (live.n)
		return mrp_err_set(err, MRP_EEXISTS, "recipe '%s' is still used by %s%s", doc->row.slug, live.v[0],
			live.n > 1 ? " and others" : "");
	if (destroying)
		return mark_destroying(call, doc, "waits for its clusters to be destroyed", err);
	return object_remove(call->db, KIND_RECIPE, doc->row.slug, call->now_ms / 1000, err);
}

int cluster_remove(struct api_call *call, const struct document *doc, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec live = STRVEC_INIT;
	struct object_row recipe;
	size_t destroying;

	if (object_remove(call->db, KIND_CLUSTER, doc->row.slug, call->now_ms / 1000, err) < 0 ||
		recipe_users(&live, &destroying, call->db, doc->row.recipe, err) < 0)
		return -1;
	int there = object_info(&recipe, &call->arena, call->db, KIND_RECIPE, doc->row.recipe, err);
	if (there <= 0 || !recipe.destroying || live.n || destroying)
		return there < 0 ? -1 : 0;
	return object_remove(call->db, KIND_RECIPE, doc->row.recipe, call->now_ms / 1000, err);
}

static int delete_cluster(struct api_call *call, struct document *doc, struct mrp_err *err)
{
	int64_t running;
	bool orphan;

	if (query_bool(&orphan, call, Q_ORPHAN, err) < 0 ||
		store_number(&running, 0, call->db, SQL_DEPLOYMENT_RUNNING, STORE_ARGS(store_text(doc->row.slug)), err) < 0)
		return -1;
	if (!orphan && (doc->row.deployed || running))
		return mark_destroying(call, doc, "waits for the creator", err);
	return cluster_remove(call, doc, err);
}

int object_delete(struct api_call *call, struct mrp_err *err)
{
	enum kind kind = call->route->kind;
	struct document doc;
	int64_t revision;

	if (document_load(&doc, call, kind, call->args[0], err) < 0 ||
		api_check_preconditions(call, doc.row.revision, err) < 0)
		return -1;
	call->response.status = 204;
	int r = kind == KIND_RECIPE ? delete_recipe(call, &doc, err)
		: kind == KIND_CLUSTER
		? delete_cluster(call, &doc, err)
		: object_remove(call->db, kind, doc.row.slug, call->now_ms / 1000, err);
	if (r < 0 || call->response.status == 202)
		return r;
	return store_next_revision(&revision, call->db, err); /* a delete is a write, too */
}

/* Variables. They are parts of their cluster's document; each has its own revision and time. */

static int find_variable(struct value **entry, struct api_call *call, struct document *doc, struct mrp_err *err)
{
	if (document_load(doc, call, KIND_CLUSTER, call->args[0], err) < 0)
		return -1;
	*entry = value_get(value_get(doc->current, "variables"), call->args[1]);
	return 0;
}

static int64_t entry_revision(const struct value *entry)
{
	const struct value *revision = entry ? value_get(entry, "revision") : NULL;

	return revision ? revision->i : -1;
}

static struct value *shown_entry(struct api_call *call, const struct document *doc, const char *name, struct value *entry, bool secrets)
{
	if (secrets || !variable_hidden(doc->current, name, entry))
		return entry;
	struct value *shown = value_copy_shallow(&call->arena, entry);
	value_set(&call->arena, shown, "value", NULL);
	return shown;
}

int variable_list(struct api_call *call, struct mrp_err *err)
{
	struct document doc;
	bool secrets;

	if (query_bool(&secrets, call, Q_SHOW_SENSITIVE, err) < 0 ||
		document_load(&doc, call, KIND_CLUSTER, call->args[0], err) < 0)
		return -1;
	api_set_etag(call, doc.row.revision);
	if (api_not_modified(call))
		return 0;
	struct value *variables = value_copy_shallow(&call->arena, value_get(doc.current, "variables"));
	for (uint32_t i = 0; i < variables->n; i++) {
		struct member *m = &variables->members[i];

		m->value = shown_entry(call, &doc, m->key, m->value, secrets);
	}
	if (secrets)
		call->response.cache_control = "no-store";
	respond_value(call, 200, variables);
	return 0;
}

static int no_variable(struct api_call *call, struct mrp_err *err)
{
	return mrp_err_set(err, MRP_ENOTFOUND, "cluster '%s' has no variable '%s'", call->args[0], call->args[1]);
}

int variable_get(struct api_call *call, struct mrp_err *err)
{
	struct document doc;
	struct value *entry;
	bool secrets;

	if (query_bool(&secrets, call, Q_SHOW_SENSITIVE, err) < 0 || find_variable(&entry, call, &doc, err) < 0)
		return -1;
	if (!entry)
		return no_variable(call, err);
	api_set_etag(call, entry_revision(entry));
	if (secrets)
		call->response.cache_control = "no-store";
	if (!api_not_modified(call))
		respond_value(call, 200, shown_entry(call, &doc, call->args[1], entry, secrets));
	return 0;
}

/* The entry that a PUT asks for. What it leaves out stays: value and sensitive as they are; the owner is whoever writes
 * by hand. */
static struct value *put_entry(struct api_call *call, const struct value *before)
{
	static const char *const kept[] = { "value", "sensitive" };
	struct value *entry = value_copy_shallow(&call->arena, call->body);

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (before && !value_get(entry, kept[i]) && value_get(before, kept[i]))
			value_append(&call->arena, entry, kept[i], value_get(before, kept[i]));
	}
	if (!value_get(entry, "owner"))
		value_append(&call->arena, entry, "owner", value_string(&call->arena, "manual"));
	return entry;
}

static int write_variables(struct api_call *call, struct document *doc, struct value *entry, struct mrp_err *err)
{
	struct value *wanted = value_copy_shallow(&call->arena, doc->current);
	struct value *variables = value_copy_shallow(&call->arena, value_get(doc->current, "variables"));

	value_set(&call->arena, variables, call->args[1], entry);
	value_set(&call->arena, wanted, "variables", variables);
	return document_write(call, doc, wanted, err) == WRITE_FAILED ? -1 : 0;
}

int variable_put(struct api_call *call, struct mrp_err *err)
{
	struct document doc;
	struct value *before, *after;
	bool force;

	if (query_bool(&force, call, Q_FORCE, err) < 0 || find_variable(&before, call, &doc, err) < 0 ||
		api_check_preconditions(call, entry_revision(before), err) < 0 || document_writable(&doc, err) < 0)
		return -1;
	if (call->body->type != V_OBJECT) {
		problems_add(&call->problems, (struct mrp_loc){ 0 }, NULL, "is %s, should be {\"value\": ...}",
			value_type_name(call->body));
		return mrp_err_set(err, MRP_EINVALID, "the variable is not valid");
	}
	struct value *entry = put_entry(call, before);
	if (check_owner(call, call->args[1], before, value_get_string(entry, "owner"), force, err) < 0 ||
		write_variables(call, &doc, entry, err) < 0 || find_variable(&after, call, &doc, err) < 0)
		return -1;
	api_set_etag(call, entry_revision(after));
	respond_value(call, before ? 200 : 201, shown_entry(call, &doc, call->args[1], after, false));
	if (!before)
		call->response.location = arena_printf(&call->arena, "/v1/clusters/%s/variables/%s", call->args[0], call->args[1]);
	return 0;
}

int variable_delete(struct api_call *call, struct mrp_err *err)
{
	struct document doc;
	struct value *before;

	if (find_variable(&before, call, &doc, err) < 0)
		return -1;
	if (!before)
		return no_variable(call, err);
	if (api_check_preconditions(call, entry_revision(before), err) < 0 || document_writable(&doc, err) < 0 ||
		write_variables(call, &doc, NULL, err) < 0)
		return -1;
	strbuf_reset(&call->response.body);
	call->response.content_type = call->response.etag = NULL;
	call->response.status = 204;
	return 0;
}
