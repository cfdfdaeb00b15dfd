/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "../base/module.h"

const struct store_ops *store_ops_for(const char *url, struct mrp_err *err)
{
	static const struct {
		const char *prefix, *module, *symbol;
	} modules[] = {
		{ "sqlite:", "sqlite", "sqlite_store_ops" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		if (skip_prefix(url, modules[i].prefix, NULL))
			return module_table(modules[i].module, modules[i].symbol, err);
	}
	/* a URL may hold a password, so only its scheme is repeated */
	mrp_err_set(err, MRP_EUSAGE, "database URL with scheme '%.*s' is not known (use sqlite:PATH)",
		(int)MIN(strcspn(url, ":/"), (size_t)20), url);
	return NULL;
}

int store_run(
	struct store_conn *conn, unsigned statement, const struct store_datum *args, size_t n, struct mrp_err *err)
{
	struct store_row row;
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
