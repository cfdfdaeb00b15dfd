/* SPDX-License-Identifier: Apache-2.0 */
/* Reading recipes, clusters and probers is copying: the database holds what GET answers. Only from clusters, and only
 * for those who could guess sensitive values by it, the digest is cut out. */
#include <inttypes.h>

#include "../base/text.h"
#include "call.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000, SLUGS_MAX = 1000 };

/* The value of compact JSON at `p` and what follows it up to a comma or bracket of the same level. */
static const char *skip_value(const char *p, const char *end)
{
	int depth = 0;

	for (bool quoted = false; p < end; p++) {
		if (quoted) {
			p += *p == '\\';
			quoted = *p != '"';
		} else if (*p == '"') {
			quoted = true;
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if (*p == '}' || *p == ']') {
			if (!depth--)
				break;
		} else if (*p == ',' && !depth) {
			break;
		}
	}
	return p;
}

/* Where a member of an object in compact JSON is, with the comma after it; *len is 0 when it is not there. It is not the
 * last one. */
static const char *find_member(size_t *len, const char *json, size_t json_len, const char *quoted_key)
{
	const char *end = json + json_len, *p = json + 1, *next;

	for (; p < end && *p == '"'; p = next + 1) {
		next = skip_value(p, end);
		if (next < end && *next == ',' && (size_t)(next - p) > strlen(quoted_key) &&
			memcmp(p, quoted_key, strlen(quoted_key)) == 0) {
			*len = (size_t)(next - p) + 1;
			return p;
		}
	}
	*len = 0;
	return json;
}

/* An object as this caller may see it. */
static void add_object(struct strbuf *out, const struct api_call *call, const char *body, size_t len)
{
	size_t cut;

	if (call->route->kind != KIND_CLUSTER || api_sees_digests(call)) {
		strbuf_add(out, body, len);
		return;
	}
	const char *digest = find_member(&cut, body, len, "\"digest\":");
	strbuf_add(out, body, (size_t)(digest - body));
	strbuf_add(out, digest + cut, len - (size_t)(digest - body) - cut);
}

int object_answer(struct api_call *call, const struct store_row *row, struct mrp_err *err)
{
	bool secrets;

	if (api_show_sensitive(&secrets, call, err) < 0)
		return -1;
	if (!row)
		return api_not_found(err, call->route->kind, call->args[0]);
	const struct store_datum *body = object_row_body(row, secrets);
	add_object(&call->response.body, call, body->p, body->n);
	api_set_etag(call, row->col[0].i);
	if (!api_not_modified(call))
		respond_json(call, 200);
	return 0;
}

int object_get(struct api_call *call, struct mrp_err *err)
{
	const struct store_datum key[] = { store_text(kinds[call->route->kind].name), store_text(call->args[0]) };
	struct store_row row;
	int there = store_first(&row, call->db, SQL_OBJECT_GET, key, ARRAY_SIZE(key), err);

	if (there < 0)
		return -1;
	int r = object_answer(call, there ? &row : NULL, err);
	store_finish(call->db, SQL_OBJECT_GET);
	return r;
}

/* A page being made. */
struct page {
	const struct api_call *call;
	bool secrets;
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
	add_object(page->out, page->call, body, len);
	snprintf(page->last, sizeof(page->last), "%s", slug);
	return true;
}

static int list_all(struct page *page, struct api_call *call, const char *after, struct mrp_err *err)
{
	enum sql list = page->secrets ? SQL_OBJECT_LIST_WHOLE : SQL_OBJECT_LIST;
	struct store_row row;
	int r = store_start(call->db, list,
		STORE_ARGS(store_text(kinds[call->route->kind].name), store_text(after), store_int(page->size + 1)),
		err);

	while (r >= 0 && (r = store_step(call->db, list, &row, err)) > 0) {
		if (!page_add(page, store_col_text(&row, 0), row.col[1].p, row.col[1].n))
			break;
	}
	store_finish(call->db, list);
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

/* The first `max` slugs after `after` whose labels are these. */
static int labelled_slugs(struct strvec *out, struct api_call *call, const char *after, const struct value *wanted,
	size_t max, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct store_row row;
	int r = store_start(call->db, SQL_OBJECT_LABELS,
		STORE_ARGS(store_text(kinds[call->route->kind].name), store_text(after)), err);

	while (r >= 0 && out->n < max && (r = store_step(call->db, SQL_OBJECT_LABELS, &row, err)) > 0) {
		arena_reset(&arena);
		const struct value *labels = json_parse(&arena, row.col[1].p, row.col[1].n, "stored labels", err);
		if (!labels)
			r = -1;
		else if (labels_match(labels, wanted))
			strvec_push(out, store_col_text(&row, 0));
	}
	store_finish(call->db, SQL_OBJECT_LABELS);
	return r < 0 ? -1 : 0;
}

struct named {
	struct page *page;
	const struct value *wanted; /* labels */
};

static int add_named(void *ctx, const char *slug, const char *body, size_t len, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct named *named = ctx;

	if (named->wanted->n) {
		struct value *object = json_parse(&arena, body, len, "a stored object", err);

		if (!object)
			return -1;
		if (!labels_match(value_get(object, "labels"), named->wanted))
			return 1;
	}
	return page_add(named->page, slug, body, len);
}

static int list_labelled(struct page *page, struct api_call *call, const char *after, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec slugs = STRVEC_INIT;
	struct value *wanted = wanted_labels(call, err);

	if (!wanted || labelled_slugs(&slugs, call, after, wanted, (size_t)page->size + 1, err) < 0)
		return -1;
	struct named named = { page, value_object(&call->arena) }; /* they are known to fit */
	return object_read_many(call->db, call->route->kind, slugs.v, slugs.n, page->secrets, add_named, &named, err);
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
			return mrp_err_set(
				err, MRP_EPARSE, "query parameter 'slug': '%.*s' is not a slug", (int)len, p);
		strvec_push_nodup(&slugs, xstrndup(p, len));
		p += len;
		if (!*p)
			break;
	}
	if (slugs.n > SLUGS_MAX)
		return mrp_err_set(err, MRP_EPARSE, "query parameter 'slug' has more than %d slugs", (int)SLUGS_MAX);
	strvec_sort(&slugs);
	cleanup(freep) char **left = xcalloc(slugs.n + 1, sizeof(*left));
	size_t n = 0;
	for (size_t i = 0; i < slugs.n; i++) {
		if (strcmp(slugs.v[i], after) > 0 && (!i || !streq(slugs.v[i], slugs.v[i - 1])))
			left[n++] = slugs.v[i];
	}
	struct named named = { page, wanted };
	return object_read_many(call->db, call->route->kind, left, n, page->secrets, add_named, &named, err);
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
	struct page page = { .out = &call->response.body, .call = call };
	const char *after;
	int64_t revision;

	if (query_int(&page.size, call, Q_PAGE_SIZE, PAGE_DEFAULT, 1, PAGE_MAX, err) < 0 ||
		api_show_sensitive(&page.secrets, call, err) < 0 || token_slug(&after, call, err) < 0 ||
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
