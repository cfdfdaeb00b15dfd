/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

int document_load(struct document *doc, struct api_call *call, enum kind kind, const char *slug, struct mrp_err *err)
{
	*doc = (struct document){ 0 };
	int there = object_load(&doc->row, &call->arena, call->db, kind, slug, err);
	if (there <= 0)
		return there < 0 ? -1 : api_not_found(err, kind, slug);
	doc->current = json_parse(&call->arena, doc->row.body, strlen(doc->row.body), "a stored object", err);
	if (!doc->current) {
		call->status = 500;
		return -1;
	}
	doc->created_at = value_get_string(doc->current, "created_at");
	doc->state = value_get(doc->current, "state");
	return 0;
}

int document_writable(const struct document *doc, struct mrp_err *err)
{
	if (!doc->row.destroying)
		return 0;
	return mrp_err_set(err, MRP_EEXISTS, "%s '%s' waits to be destroyed and takes no changes",
		kinds[doc->row.kind].name, doc->row.slug);
}

static bool same_member(const struct value *a, const struct value *b, const char *key)
{
	const struct value *x = value_get(a, key), *y = value_get(b, key);

	return x && y ? value_equal(x, y) : x == y;
}

/* A variable's entry keeps its time and revision as long as nothing of it changes, and its value when it comes without
 * one. Entries that are new get revision 0 until the write's revision is known. */
static struct value *settle_variables(struct api_call *call, const struct value *old, const struct value *variables)
{
	struct value *result = value_copy_shallow(&call->arena, variables);
	struct value *now = value_string(&call->arena, format_time(&call->arena, call->now_ms));

	for (uint32_t i = 0; i < result->n; i++) {
		struct member *m = &result->members[i];
		struct value *before = old ? value_get(old, m->key) : NULL, *entry = value_object(&call->arena);
		struct value *value = value_get(m->value, "value");

		if (!value && before)
			value = value_get(before, "value");
		if (!value) {
			problems_add(&call->problems, (struct mrp_loc){ 0 },
				arena_printf(&call->arena, "variables.%s.value", m->key), "is missing");
			continue;
		}
		value_append(&call->arena, entry, "value", value);
		value_append(&call->arena, entry, "owner", value_get(m->value, "owner"));
		value_append(&call->arena, entry, "sensitive", value_get(m->value, "sensitive"));
		if (before && same_member(before, entry, "value") && same_member(before, entry, "owner") &&
			same_member(before, entry, "sensitive")) {
			m->value = before;
			continue;
		}
		value_append(&call->arena, entry, "updated_at", now);
		value_append(&call->arena, entry, "revision", value_int(&call->arena, 0));
		m->value = entry;
	}
	return result;
}

static void set_variable_revisions(struct value *cluster, int64_t revision)
{
	struct value *variables = value_get(cluster, "variables");

	for (uint32_t i = 0; variables && i < variables->n; i++) {
		struct value *own = value_get(variables->members[i].value, "revision");

		if (own && own->i == 0) /* made by settle_variables, nobody else's */
			own->i = revision;
	}
}

static bool unchanged(const struct document *doc, const struct value *object)
{
	for (const struct field *field = kinds[doc->row.kind].fields; field->name; field++) {
		const struct value *before = value_get(doc->current, field->name),
				   *after = value_get(object, field->name);

		if (!(field->flags & FF_API))
			continue;
		if (before && before->type == V_NULL && field->type != F_ANY) /* source */
			before = NULL;
		if (before && after ? !value_equal(before, after) : before != after)
			return false;
	}
	return true;
}

/* The variables as readers see them; NULL when nothing is hidden. */
static struct value *visible_variables(struct arena *arena, const struct value *cluster)
{
	const struct value *variables = value_get(cluster, "variables");
	struct value *visible = NULL;

	for (uint32_t i = 0; variables && i < variables->n; i++) {
		const struct member *m = &variables->members[i];

		if (!cluster_hides(cluster, m->key, m->value))
			continue;
		if (!visible)
			visible = value_copy_shallow(arena, variables);
		visible->members[i].value = value_copy_shallow(arena, m->value);
		value_set(arena, visible->members[i].value, "value", NULL);
	}
	return visible;
}

/* The document in the order of the field table. */
static struct value *assemble(
	struct arena *arena, const struct document *doc, const struct value *object, const char *now)
{
	struct value *result = value_object(arena);
	char hex[SHA256_HEX + 1];

	sha256_to_hex(hex, doc->row.digest);
	for (const struct field *field = kinds[doc->row.kind].fields; field->name; field++) {
		struct value *v = NULL;

		if (streq(field->name, "revision"))
			v = value_int(arena, doc->row.revision);
		else if (streq(field->name, "digest"))
			v = value_string(arena, hex);
		else if (streq(field->name, "created_at"))
			v = value_string(arena, doc->created_at ? doc->created_at : now);
		else if (streq(field->name, "updated_at"))
			v = value_string(arena, now);
		else if (streq(field->name, "state"))
			v = doc->state;
		else if (field->flags & FF_API)
			v = value_get(object, field->name);
		if (!v && (field->flags & FF_API) && streq(field->name, "source"))
			v = value_null(arena);
		if (v)
			value_append(arena, result, field->name, v);
	}
	return result;
}

static const char *to_text(struct arena *arena, const struct value *v)
{
	struct strbuf text = STRBUF_INIT;

	json_compact(&text, v);
	strbuf_addch(&text, '\n');
	const char *copy = arena_strndup(arena, text.buf, text.len);
	strbuf_release(&text);
	return copy;
}

static int render_and_save(struct api_call *call, struct document *doc, const struct value *object, struct mrp_err *err)
{
	struct arena *arena = &call->arena;
	const struct value *labels = value_get(object, "labels"), *managed = value_get(object, "managed");
	struct strbuf *body = &call->response.body;
	bool insert = !doc->current;

	struct value *full = assemble(arena, doc, object, format_time(arena, call->now_ms));
	struct value *visible = doc->row.kind == KIND_CLUSTER ? visible_variables(arena, full) : NULL;
	doc->row.secret = NULL;
	if (visible) {
		struct value *public = value_copy_shallow(arena, full);

		value_set(arena, public, "variables", visible);
		doc->row.secret = to_text(arena, full);
		full = public;
	}
	strbuf_reset(body);
	json_compact(body, full);
	strbuf_addch(body, '\n');
	doc->row.body = body->buf;
	doc->row.managed = managed && managed->b;
	doc->row.recipe = doc->row.kind == KIND_CLUSTER ? value_get_string(object, "recipe") : NULL;
	doc->row.labels = labels && labels->n ? to_text(arena, labels) : "{}";
	api_set_etag(call, doc->row.revision);
	respond_json(call, 200);
	if ((insert ? object_insert : object_update)(call->db, &doc->row, err) < 0)
		return -1;
	if (doc->row.secret && api_answers_secrets(call)) {
		strbuf_reset(body);
		strbuf_addstr(body, doc->row.secret);
	}
	return 0;
}

static int invalid(const struct document *doc, struct mrp_err *err)
{
	return mrp_err_set(err, MRP_EINVALID, "%s '%s' is not valid", kinds[doc->row.kind].name, doc->row.slug);
}

/* What the object points at must be there. Only what changed is looked at: the rest was checked when it was written. */
static int check_references(
	struct api_call *call, const struct document *doc, const struct value *object, bool files, struct mrp_err *err)
{
	const char *recipe = doc->row.kind == KIND_CLUSTER ? value_get_string(object, "recipe") : NULL;
	struct object_row info = { 0 };

	if (files && object_check_blobs(call->db, object, &call->problems, err) < 0)
		return -1;
	if (recipe && !(doc->current && same_member(doc->current, object, "recipe"))) {
		int there = object_info(&info, &call->arena, call->db, KIND_RECIPE, recipe, err);

		if (there < 0)
			return -1;
		if (!there || info.destroying)
			problems_add(&call->problems, (struct mrp_loc){ 0 }, "recipe", "recipe '%s' %s", recipe,
				there ? "waits to be deleted" : "is not there");
	}
	return call->problems.errors ? invalid(doc, err) : 0;
}

static int unchanged_answer(struct api_call *call, const struct document *doc, struct mrp_err *err)
{
	int64_t revision;

	strbuf_reset(&call->response.body);
	if (object_read(&call->response.body, &revision, call->db, doc->row.kind, doc->row.slug,
		    api_answers_secrets(call), err) < 0)
		return WRITE_FAILED;
	api_set_etag(call, revision);
	respond_json(call, 200);
	return WRITE_UNCHANGED;
}

/* Who may not read a value may not make it readable either: a variable becomes plain only together with a value that
 * the request itself brings, whole. (A merge patch could bring a part of a map, and get the rest with it.) */
static int check_revealed(struct api_call *call, const struct document *doc, const struct value *object, struct mrp_err *err)
{
	const struct value *before = doc->current ? value_get(doc->current, "variables") : NULL,
			   *after = value_get(object, "variables");

	if (doc->row.kind != KIND_CLUSTER || api_reads_secrets(call))
		return 0;
	for (uint32_t i = 0; before && after && i < before->n; i++) {
		const struct member *m = &before->members[i];
		const struct value *entry = value_get(after, m->key),
				   *own = doc->supplied && doc->supplied->type == V_OBJECT ? value_get(doc->supplied, m->key) : NULL;

		if (!entry || !cluster_hides(doc->current, m->key, m->value) || cluster_hides(object, m->key, entry) ||
			(own && own->type == V_OBJECT && value_get(own, "value") && same_member(own, entry, "value")))
			continue;
		return api_needs_role(call, ACCESS_SECRETS,
			arena_printf(&call->arena,
				"variable '%s' is sensitive; to make it readable without writing its whole value", m->key),
			err);
	}
	return 0;
}

enum write_result document_write(
	struct api_call *call, struct document *doc, const struct value *wanted, struct mrp_err *err)
{
	struct arena *arena = &call->arena;
	struct value *object = object_from_api(arena, doc->row.kind, wanted, doc->row.slug, &call->problems);

	if (call->problems.errors)
		return invalid(doc, err);
	if (doc->row.kind == KIND_CLUSTER) {
		const struct value *old = doc->current ? value_get(doc->current, "variables") : NULL;

		value_set(arena, object, "variables", settle_variables(call, old, value_get(object, "variables")));
		if (call->problems.errors)
			return invalid(doc, err);
	}
	if (check_revealed(call, doc, object, err) < 0)
		return WRITE_FAILED;
	if (doc->current && unchanged(doc, object))
		return unchanged_answer(call, doc, err);
	bool files = !doc->current || !same_member(doc->current, object, "files") ||
		!same_member(doc->current, object, "initial_values");
	if (check_references(call, doc, object, files, err) < 0 ||
		store_next_revision(&doc->row.revision, call->db, err) < 0)
		return WRITE_FAILED;
	if (doc->row.kind == KIND_CLUSTER) {
		set_variable_revisions(object, doc->row.revision);
		doc->state = value_copy_shallow(arena, cluster_state_next(arena, doc->state, object, NULL));
		value_set(arena, doc->state, "changed_at", value_string(arena, format_time(arena, call->now_ms)));
	}
	object_digest(doc->row.digest, doc->row.kind, object);
	if (render_and_save(call, doc, object, err) < 0)
		return WRITE_FAILED;
	if (files && object_set_refs(call->db, doc->row.kind, doc->row.slug, object, call->now_ms / 1000, err) < 0)
		return WRITE_FAILED;
	return WRITE_DONE;
}

int document_restate(struct api_call *call, struct document *doc, struct mrp_err *err)
{
	if (store_next_revision(&doc->row.revision, call->db, err) < 0)
		return -1;
	return render_and_save(call, doc, doc->current, err);
}
