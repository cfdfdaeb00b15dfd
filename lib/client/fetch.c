/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

/* The list's own members are what prints and filters look at, so a name that is only a key becomes one. */
static void add_named(struct arena *arena, struct value *items, const char *name, const struct value *entry)
{
	struct value *item = value_object(arena);

	value_append(arena, item, "name", value_string(arena, name));
	for (uint32_t i = 0; i < entry->n; i++) {
		if (!streq(entry->members[i].key, "name"))
			value_append(arena, item, entry->members[i].key, entry->members[i].value);
	}
	value_push(arena, items, item);
}

static int no_items(const struct http_client *http, const char *path, struct mrp_err *err)
{
	return mrp_err_set(
		err, MRP_EHTTP, "GET %s%s: the answer is no list (is this the mrprober API?)", http_url(http), path);
}

/* Variables of a cluster: {name: entry}. */
static int add_variables(struct arena *arena, struct value *items, const struct value *variables)
{
	for (uint32_t i = 0; i < variables->n; i++) {
		if (variables->members[i].value->type != V_OBJECT)
			return -1;
		add_named(arena, items, variables->members[i].key, variables->members[i].value);
	}
	return 0;
}

/* A page of a list: {items: [...]}. */
static int add_page(struct arena *arena, struct value *items, const struct value *page)
{
	const struct value *part = value_get(page, "items");

	if (!part || part->type != V_ARRAY)
		return -1;
	value_for_each(item, part) {
		if (item->type != V_OBJECT)
			return -1;
		value_push(arena, items, item);
	}
	return 0;
}

/* Who may read sensitive values gets them unasked; here they are shown only to who asks. */
static const char *query_of(const struct target *target, const char *query)
{
	bool has_values = target->resource->kind == KIND_CLUSTER || streq(target->resource->name, "variable");

	return has_values && !(query && *query) ? "show_sensitive=false" : query;
}

int fetch_list_changed(struct value **items, char **etag, struct http_client *http, const struct target *target,
	const char *query, struct arena *arena, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf token = STRBUF_INIT, path = STRBUF_INIT;
	bool pages = !streq(target->resource->name, "variable");
	int (*add)(struct arena *, struct value *, const struct value *) = pages ? add_page : add_variables;
	struct value *all = value_array(arena);
	const char *last = NULL; /* page token */
	const char *seen = NULL; /* ETag of the first page; each says the same when nothing was written between them */

	*items = NULL;
	query = query_of(target, query);
	target_path(&path, target);
	do {
		struct http_request request;
		struct api_result result;

		api_request(&request, "GET", NULL, "%s?%s%s%s%s%s", path.buf, pages ? "page_size=1000" : "",
			pages && query && *query ? "&" : "", query ? query : "", token.len ? "&page_token=" : "", token.buf);
		request.if_none_match = token.len ? NULL : steal(etag);
		if (api_call(http, &request, arena, &result, err) < 0)
			return -1;
		if (result.status == 304) {
			*etag = result.etag ? xstrdup(result.etag) : NULL;
			return 0;
		}
		if (!result.value || result.value->type != V_OBJECT || add(arena, all, result.value) < 0)
			return no_items(http, path.buf, err);
		seen = !result.etag || (token.len && (!seen || !streq(seen, result.etag))) ? NULL : result.etag;
		const char *next = pages ? value_get_string(result.value, "next_page_token") : NULL;
		if (next && last && streq(next, last))
			return mrp_err_set(err, MRP_EHTTP, "GET %s%s: the answer gives the same page again and again",
				http_url(http), path.buf);
		last = next;
		strbuf_reset(&token);
		if (next)
			http_add_escaped(&token, next);
	} while (token.len);
	*etag = seen ? xstrdup(seen) : NULL;
	*items = all;
	return 0;
}

struct value *fetch_list(struct http_client *http, const struct target *target, const char *query, struct arena *arena,
	struct mrp_err *err)
{
	cleanup(freep) char *etag = NULL;
	struct value *items;

	return fetch_list_changed(&items, &etag, http, target, query, arena, err) < 0 ? NULL : items;
}

static int fetch_item(struct value **item, char **etag, struct http_client *http, const struct target *target, const char *query,
	struct arena *arena, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf path = STRBUF_INIT;
	struct http_request request;
	struct api_result result;

	*item = NULL;
	query = query_of(target, query);
	target_path(&path, target);
	api_request(&request, "GET", NULL, "%s%s%s", path.buf, query && *query ? "?" : "", query ? query : "");
	request.if_none_match = steal(etag);
	if (api_call(http, &request, arena, &result, err) < 0)
		return -1;
	*etag = result.etag ? xstrdup(result.etag) : NULL;
	if (result.status == 304)
		return 0;
	if (!result.value || result.value->type != V_OBJECT)
		return mrp_err_set(err, MRP_EHTTP, "GET %s%s: the answer is no object (is this the mrprober API?)",
			http_url(http), path.buf);
	*item = result.value;
	if (streq(target->resource->name, "variable") && !value_get(result.value, "name")) {
		struct value *one = value_array(arena);

		add_named(arena, one, target->parts[1], result.value);
		*item = one->items[0];
	}
	return 0;
}

struct value *fetch_one(struct http_client *http, const struct target *target, const char *query, struct arena *arena,
	struct mrp_err *err)
{
	cleanup(freep) char *etag = NULL;
	struct value *item;

	return fetch_item(&item, &etag, http, target, query, arena, err) < 0 ? NULL : item;
}

int fetch_one_changed(struct value **item, char **etag, struct http_client *http, const struct target *target,
	struct arena *arena, struct mrp_err *err)
{
	return fetch_item(item, etag, http, target, NULL, arena, err);
}
