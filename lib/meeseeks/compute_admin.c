/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list method of a REST API as Google's design guide (AIP-158) and Yandex Cloud have it: GET
 * URL?pageSize=N&pageToken=T
 * -> {"nodes": [...], "nextPageToken": "..."}, until there is no next token.
 */
#include "../http/http.h"
#include "pages.h"

enum { PAGE_SIZE = 1000 };

struct compute_admin {
	const struct node_mapping *mapping;
	struct pages *pages;
};

static void close_compute_admin(void *state)
{
	struct compute_admin *source = state;

	if (source)
		pages_close(source->pages);
	free(source);
}

static int open_compute_admin(
	void **state, const struct node_mapping *mapping, const struct http_patience *patience, struct mrp_err *err)
{
	const struct pages_options options = {
		.url = mapping->url,
		.ca_file = mapping->ca_file,
		.token_file = mapping->token_file,
		.iam = mapping->auth == AUTH_IAM ? mapping : NULL,
		.timeout_ms = mapping->timeout_ms,
		.patience = patience,
	};

	if (!mapping->url)
		return mrp_err_set(err, MRP_EUSAGE, "source compute-admin needs the URL of the list (--url, url)");
	for (size_t i = 0; i < mapping->query.n; i++) {
		if (strcspn(mapping->query.v[i], "=") == 0 || !strchr(mapping->query.v[i], '='))
			return mrp_err_set(err, MRP_EUSAGE, "query '%s' is not NAME=VALUE", mapping->query.v[i]);
	}
	struct compute_admin *source = xcalloc(1, sizeof(*source));
	source->mapping = mapping;
	source->pages = pages_open(&options, err);
	*state = source;
	return source->pages ? 0 : -1;
}

static void make_path(struct strbuf *out, const struct node_mapping *mapping, const char *token)
{
	strbuf_reset(out);
	strbuf_addf(out, "?pageSize=%lld", (long long)(mapping->page_size ? mapping->page_size : PAGE_SIZE));
	for (size_t i = 0; i < mapping->query.n; i++) {
		const char *equals = strchr(mapping->query.v[i], '=');
		cleanup(freep) char *name = xstrndup(mapping->query.v[i], (size_t)(equals - mapping->query.v[i]));

		strbuf_addch(out, '&');
		http_add_escaped(out, name);
		strbuf_addch(out, '=');
		http_add_escaped(out, equals + 1);
	}
	if (*token) {
		strbuf_addstr(out, "&pageToken=");
		http_add_escaped(out, token);
	}
}

/* JSON from protobuf has names in one of two forms. */
static const struct value *member(const struct value *page, const char *name, const char *proto_name)
{
	const struct value *v = page->type == V_OBJECT ? value_get(page, name) : NULL;

	return v || page->type != V_OBJECT ? v : value_get(page, proto_name);
}

/* Servers that count say the same on each page, and what there is; -1: this one does not count. */
static int64_t total_of(const struct value *page)
{
	const struct value *total = member(page, "totalSize", "total_size");

	return total && total->type == V_INT ? total->i : -1;
}

/* The next page's token, copied to `token`. 0 when this page was the last. What is no text is no end either: half a
 * list would look like all of it. */
static int next_token(struct strbuf *token, struct strvec *seen, const struct value *page, struct mrp_err *err)
{
	const struct value *v = member(page, "nextPageToken", "next_page_token");

	strbuf_reset(token);
	if (v && v->type != V_STRING && v->type != V_NULL)
		return mrp_err_set(err, MRP_EHTTP, "page %zu: 'nextPageToken' is no text", seen->n + 1);
	const char *next = v && v->type == V_STRING ? v->s : "";
	if (!*next)
		return 0;
	if ((seen->n && streq(seen->v[seen->n - 1], next)) || seen->n >= PAGES_MAX || strvec_contains(seen, next))
		return mrp_err_set(err, MRP_EHTTP, "page %zu names a next page that was read before", seen->n + 1);
	strvec_push(seen, next);
	strbuf_addstr(token, next);
	return 1;
}

static int read_compute_admin(void *state, struct reading *reading, struct mrp_err *err)
{
	struct compute_admin *source = state;
	cleanup(strbuf_release) struct strbuf path = STRBUF_INIT, token = STRBUF_INIT;
	cleanup(strvec_clear) struct strvec seen = STRVEC_INIT;
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	int64_t total = -1;
	int more;

	do {
		const int number = reading->pages + 1;
		bool expired;

		arena_reset(&arena);
		make_path(&path, source->mapping, token.buf);
		struct value *page = pages_get(source->pages, path.buf, &arena, &expired, err);
		if (!page && expired) {
			mrp_err_clear(err);
			reading->moved = true;
			return 0;
		}
		if (!page || reading_add_page(reading, page, err) < 0)
			return mrp_err_wrap(err, "page %d", number);
		reading->moved |= reading->pages > 1 && total_of(page) != total;
		total = total_of(page);
		more = next_token(&token, &seen, page, err);
	} while (more > 0);
	return more;
}

const struct source_ops source_compute_admin = {
	.places = { .list = "nodes",
		.name = "name",
		.zone = "zoneId",
		.state = "status",
		.address = "address",
		.labels = "labels" },
	.open = open_compute_admin,
	.read = read_compute_admin,
	.close = close_compute_admin,
};
