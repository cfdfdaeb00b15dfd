/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "../base/module.h"

const struct store_ops *store_ops_for(const char *url, struct mrp_err *err)
{
	static const struct {
		const char *prefix, *module, *symbol;
	} modules[] = {
		{ "sqlite:", "sqlite", "sqlite_store_ops" },
		{ "postgresql:", "postgres", "postgres_store_ops" },
		{ "postgres:", "postgres", "postgres_store_ops" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		if (skip_prefix(url, modules[i].prefix, NULL))
			return module_table(modules[i].module, modules[i].symbol, err);
	}
	/* a URL may hold a password, so only its scheme is repeated */
	mrp_err_set(err, MRP_EUSAGE, "database URL with scheme '%.*s' is not known (use sqlite:PATH or postgresql://...)",
		(int)MIN(strcspn(url, ":/"), (size_t)20), url);
	return NULL;
}

/* The last '@' counts: a password in which it was not written as %40 is one all the same. */
void store_url_hide(char *url)
{
	char *authority = strstr(url, "://"), *query = strchr(url, '?');

	if (!authority || skip_prefix(url, "sqlite:", NULL))
		return;
	authority += strlen("://");
	size_t len = query ? (size_t)(query - authority) : strlen(authority);
	char *at = memrchr(authority, '@', len), *colon = memchr(authority, ':', len);
	if (at && colon && colon < at)
		memset(colon + 1, 'x', (size_t)(at - colon - 1));
	for (char *p = query; p && *p; p += strcspn(p, "&")) {
		const char *value;

		p++;
		if (skip_prefix(p, "password=", &value) || skip_prefix(p, "sslpassword=", &value))
			memset(p + (value - p), 'x', strcspn(value, "&"));
	}
}

int store_run(
	struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n, struct mrp_err *err)
{
	struct store_row row;

	if (conn->ops->run)
		return conn->ops->run(conn, statement, args, n, err);
	int r = store_start(conn, statement, args, n, err);
	while (r >= 0 && (r = store_step(conn, statement, &row, err)) > 0)
		continue;
	store_finish(conn, statement);
	return r;
}

int store_first(struct store_row *row, struct store_conn *conn, unsigned statement, const struct store_datum *args,
	size_t n, struct mrp_err *err)
{
	int r = store_start(conn, statement, args, n, err);

	if (r >= 0)
		r = store_step(conn, statement, row, err);
	if (r <= 0)
		store_finish(conn, statement);
	return r;
}

int store_number(int64_t *out, int64_t absent, struct store_conn *conn, unsigned statement,
	const struct store_datum *args, size_t n, struct mrp_err *err)
{
	struct store_row row;
	int r = store_first(&row, conn, statement, args, n, err);

	if (r < 0)
		return -1;
	*out = r ? row.col[0].i : absent;
	store_finish(conn, statement);
	return 0;
}

int store_many(struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n_args, size_t n,
	store_each_fn *each, void *ctx, struct mrp_err *err)
{
	struct store_row row;
	int r = 0;

	if (conn->ops->many)
		return conn->ops->many(conn, statement, args, n_args, n, each, ctx, err);
	for (size_t i = 0; i < n && r >= 0; i++) {
		r = store_first(&row, conn, statement, args + i * n_args, n_args, err);
		if (r >= 0)
			r = each(ctx, i, r > 0 ? &row : NULL, err);
		store_finish(conn, statement);
	}
	return r < 0 ? -1 : 0;
}
