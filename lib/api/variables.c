/* SPDX-License-Identifier: Apache-2.0 */
/* Variables are parts of their cluster's document; each has an owner, a revision and a time of its own. */
#include "document.h"

/* A change of owner must not happen by accident: it takes If-Match (the writer has seen whom it takes it from) or
 * force=true. Initial values are there to be taken over. */
static int check_owner(struct api_call *call, const char *name, const struct value *before, const char *owner,
	bool force, struct mrp_err *err)
{
	const char *old = before ? value_get_string(before, "owner") : NULL;

	if (!old || !owner || streq(old, owner) || streq(old, "initial") || force ||
		call->request.headers[HDR_IF_MATCH])
		return 0;
	return mrp_err_set(err, MRP_EEXISTS,
		"variable '%s' belongs to '%s', not to '%s'; If-Match or ?force=true takes it over", name, old, owner);
}

/* What the rules of merge patches cannot say about variables. */
int variables_check_patch(struct api_call *call, const struct document *doc, struct mrp_err *err)
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
			problems_add(&call->problems, (struct mrp_loc){ 0 },
				arena_printf(&call->arena, "variables.%s.value", m->key),
				"a merge patch cannot say null; PUT the variable");
		if (check_owner(call, m->key, value_get(current, m->key), value_get_string(m->value, "owner"), force,
			    err) < 0)
			return -1;
	}
	if (call->problems.errors)
		return mrp_err_set(err, MRP_EINVALID, "the patch is not valid");
	return 0;
}

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

static struct value *shown_entry(
	struct api_call *call, const struct document *doc, const char *name, struct value *entry, bool secrets)
{
	if (secrets || !cluster_hides(doc->current, name, entry))
		return entry;
	struct value *shown = value_copy_shallow(&call->arena, entry);
	value_set(&call->arena, shown, "value", NULL);
	return shown;
}

int variable_list(struct api_call *call, struct mrp_err *err)
{
	struct document doc;
	bool secrets;

	if (api_show_sensitive(&secrets, call, err) < 0 ||
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

	if (api_show_sensitive(&secrets, call, err) < 0 || find_variable(&entry, call, &doc, err) < 0)
		return -1;
	if (!entry)
		return no_variable(call, err);
	api_set_etag(call, entry_revision(entry));
	if (!api_not_modified(call))
		respond_value(call, 200, shown_entry(call, &doc, call->args[1], entry, secrets));
	return 0;
}

/* Programs write under their own names, people and synchronize under any. */
static const char *owner_of(const struct api_call *call)
{
	if (!call->caller.known)
		return "manual";
	return call->caller.role == TOKEN_MEESEEKS ? "meeseeks" : call->caller.role == TOKEN_CREATOR ? "initial" : "manual";
}

/* 403 when the caller's role writes one owner's variables and this is another's. A creator writes what nobody else has
 * written; meeseeks may take over, as its token names the very variable. */
static int check_role_owner(struct api_call *call, const struct value *before, const char *owner, struct mrp_err *err)
{
	const char *own = owner_of(call), *old = before ? value_get_string(before, "owner") : NULL;

	if (streq(own, "manual"))
		return 0;
	if (owner && !streq(owner, own))
		return mrp_err_set(err, MRP_EPERM, "a token of role '%s' writes variables as owner '%s', not as '%s'",
			token_role_names[call->caller.role], own, owner);
	if (streq(own, "initial") && old && !streq(old, own))
		return mrp_err_set(err, MRP_EPERM,
			"variable '%s' belongs to '%s'; a token of role 'creator' writes only initial values", call->args[1], old);
	return 0;
}

/* The entry that a PUT asks for. What it leaves out stays: value and sensitive as they are; the owner is who
 * writes. */
static struct value *put_entry(struct api_call *call, const struct value *before)
{
	static const char *const kept[] = { "value", "sensitive" };
	struct value *entry = value_copy_shallow(&call->arena, call->body);

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (before && !value_get(entry, kept[i]) && value_get(before, kept[i]))
			value_append(&call->arena, entry, kept[i], value_get(before, kept[i]));
	}
	if (!value_get(entry, "owner"))
		value_append(&call->arena, entry, "owner", value_string(&call->arena, owner_of(call)));
	return entry;
}

static int write_variables(struct api_call *call, struct document *doc, struct value *entry, struct mrp_err *err)
{
	struct value *wanted = value_copy_shallow(&call->arena, doc->current);
	struct value *variables = value_copy_shallow(&call->arena, value_get(doc->current, "variables"));

	if (entry) {
		struct value *supplied = value_object(&call->arena);

		value_append(&call->arena, supplied, call->args[1], call->body);
		doc->supplied = supplied;
	}
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
	struct schema_ctx ctx = { .arena = &call->arena, .problems = &call->problems, .where = FF_API };
	schema_apply_value(&ctx, &item_variable, entry, ""); /* before it is asked whose it is */
	if (call->problems.errors)
		return mrp_err_set(err, MRP_EINVALID, "the variable is not valid");
	if (check_role_owner(call, before, value_get_string(entry, "owner"), err) < 0 ||
		check_owner(call, call->args[1], before, value_get_string(entry, "owner"), force, err) < 0 ||
		write_variables(call, &doc, entry, err) < 0 || find_variable(&after, call, &doc, err) < 0)
		return -1;
	api_set_etag(call, entry_revision(after));
	respond_value(call, before ? 200 : 201, shown_entry(call, &doc, call->args[1], after, api_answers_secrets(call)));
	if (!before)
		call->response.location =
			arena_printf(&call->arena, "/v1/clusters/%s/variables/%s", call->args[0], call->args[1]);
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
