/* SPDX-License-Identifier: Apache-2.0 */
/* From a URL to a connection that is ready: the URL's form, the session's settings, the schema, the statements. */
#include <inttypes.h>
#include <libpq-fe.h>

#include "postgres.h"

enum { OLDEST_SERVER = 120000 };

/* libpq's own messages about a malformed URL repeat it, with the password. So what can be read in two ways never gets
 * there: a '@', ':' or '/' of a password that was not written as %40, %3A, %2F. */
static int check_url(const char *url, struct mrp_err *err)
{
	const char *rest, *end;
	char *why = NULL;

	if (!skip_prefix(url, "postgresql://", &rest) && !skip_prefix(url, "postgres://", &rest))
		return mrp_err_set(
			err, MRP_EUSAGE, "database URL is not of the form postgresql://[USER@]HOST[:PORT]/DATABASE");
	end = rest + strcspn(rest, "?");
	const char *at = memchr(rest, '@', (size_t)(end - rest)), *slash = memchr(rest, '/', (size_t)(end - rest));
	bool clear = !at || ((!slash || at < slash) && !memchr(at + 1, '@', (size_t)(end - at - 1)));
	PQconninfoOption *parsed = clear ? PQconninfoParse(url, &why) : NULL;
	bool good = parsed != NULL;
	for (PQconninfoOption *option = parsed; option && option->keyword; option++) {
		if (option->val)
			explicit_bzero(option->val, strlen(option->val));
	}
	PQconninfoFree(parsed);
	if (why)
		explicit_bzero(why, strlen(why));
	PQfreemem(why);
	if (good)
		return 0;
	return mrp_err_set(err, MRP_EUSAGE,
		"database URL cannot be read: it should be postgresql://[USER@]HOST[:PORT]/DATABASE[?NAME=VALUE...], "
		"with special characters of names and passwords as %%XX");
}

static void ignore_notice(void *ctx, const char *message)
{
	(void)ctx, (void)message;
}

static void set_label(struct postgres *c)
{
	const char *host = PQhost(c->db), *port = PQport(c->db), *name = PQdb(c->db);
	bool file = host && *host == '/';

	free(c->label);
	c->label = file ? xasprintf("postgresql:///%s?host=%s&port=%s", name ? name : "", host, port ? port : "")
			: xasprintf("postgresql://%s:%s/%s", host ? host : "", port ? port : "", name ? name : "");
}

static int connect_server(struct postgres *c, struct mrp_err *err)
{
	/* what stands before the URL are defaults, what stands after it overrides it */
	static const char *const names[] = { "connect_timeout", "tcp_user_timeout", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "fallback_application_name", "dbname", "client_encoding",
		NULL };
	const char *const values[] = { "10", "15000", "10", "5", "3", "mrprober", c->url, "UTF8", NULL };

	c->db = PQconnectdbParams(names, values, 1);
	if (!c->db)
		BUG("out of memory");
	set_label(c);
	if (PQstatus(c->db) != CONNECTION_OK) {
		cleanup(freep) char *line = pg_one_line(PQerrorMessage(c->db));

		return mrp_err_set(err, MRP_EFAILED, "cannot reach database '%s': %s", c->label, line);
	}
	PQsetNoticeProcessor(c->db, ignore_notice, NULL);
	if (PQserverVersion(c->db) < OLDEST_SERVER)
		return mrp_err_set(err, MRP_EFAILED, "database '%s' is PostgreSQL %d; at least %d is needed", c->label,
			PQserverVersion(c->db) / 10000, OLDEST_SERVER / 10000);
	const char *encoding = PQparameterStatus(c->db, "server_encoding");
	if (!encoding || !streq(encoding, "UTF8"))
		return mrp_err_set(err, MRP_EFAILED, "database '%s' has encoding %s; UTF8 is needed", c->label,
			encoding ? encoding : "unknown");
	return 0;
}

/* A commit that was answered is on the disk, whatever the server's defaults are; and a process that hangs inside a
 * transaction does not keep the others from writing for ever. */
static int set_session(struct postgres *c, struct mrp_err *err)
{
	cleanup(freep) char *sql = xasprintf(
		"SELECT set_config('lock_timeout', '%d', false), set_config('jit', 'off', false), "
		"set_config('plan_cache_mode', 'force_generic_plan', false),"
		" set_config('idle_in_transaction_session_timeout', '30s', false),"
		" set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"
		" ELSE current_setting('synchronous_commit') END, false)%s",
		c->schema->busy_timeout_ms,
		c->flags & STORE_READ ? ", set_config('default_transaction_read_only', 'on', false)" : "");
	PGresult *result = PQexec(c->db, sql);
	int r = PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : pg_fail(c, result, err);

	PQclear(result);
	return r;
}

static int check_schema(struct postgres *c, struct mrp_err *err)
{
	int64_t version, newest = (int64_t)c->schema->n_migrations;

	if (pg_schema_check(&version, c, err) < 0)
		return -1;
	if (version != newest && (c->flags & STORE_MIGRATE))
		return pg_schema_migrate(c, err) < 0 ? -1 : pg_schema_check(&version, c, err);
	if (version != newest)
		return mrp_err_set(err, MRP_EFAILED,
			"database '%s' has schema version %" PRId64 " instead of %" PRId64
			": run 'mrprober api migrate'",
			c->label, version, newest);
	return 0;
}

static void freec(struct postgres **c)
{
	pg_free(*c);
}

/* A connection that is given up while it is being made is not dialled again. */
static struct postgres *new_connection(const char *url, const struct store_schema *schema, unsigned flags)
{
	struct postgres *c = xcalloc(1, sizeof(*c));

	c->conn.ops = &postgres_store_ops;
	c->url = xstrdup(url);
	c->schema = schema;
	c->flags = flags;
	c->dialling = true;
	c->silence_ms = PG_SILENCE_MS;
	return c;
}

int pg_dial(
	struct postgres **out, const char *url, const struct store_schema *schema, unsigned flags, struct mrp_err *err)
{
	cleanup(freec) struct postgres *c = new_connection(url, schema, flags);

	if (check_url(url, err) < 0)
		return -1;
	if (connect_server(c, err) < 0 || set_session(c, err) < 0 || check_schema(c, err) < 0)
		return -1;
	if (!PQenterPipelineMode(c->db) || PQsetnonblocking(c->db, 1) < 0)
		return pg_fail(c, NULL, err);
	if (pg_prepare_all(c, err) < 0)
		return -1;
	c->dialling = false;
	*out = steal(&c);
	return 0;
}

int pg_dial_version(int64_t *version, const char *url, const struct store_schema *schema, struct mrp_err *err)
{
	cleanup(freec) struct postgres *c = new_connection(url, schema, STORE_READ);

	if (check_url(url, err) < 0)
		return -1;
	return connect_server(c, err) < 0 || set_session(c, err) < 0 ? -1 : pg_schema_check(version, c, err);
}

void pg_free(struct postgres *c)
{
	if (!c)
		return;
	pg_redial_stop(c);
	for (size_t i = 0; c->statements && i < c->schema->n_statements; i++) {
		PQclear(c->statements[i].result);
		free(c->statements[i].types);
	}
	free(c->statements);
	PQfinish(c->db);
	explicit_bzero(c->url, strlen(c->url));
	free(c->url);
	free(c->label);
	free(c);
}
