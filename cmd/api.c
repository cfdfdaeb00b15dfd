/* SPDX-License-Identifier: Apache-2.0 */
/* mrprober api: the HTTP API as a service. All the work is in lib/api and lib/store. */
#include "api_token.h"

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include "../lib/api/httpd.h"
#include "../lib/base/file.h"
#include "../lib/base/interrupt.h"
#include "../lib/base/log.h"
#include "../lib/base/notify.h"
#include "../lib/base/text.h"
#include "../lib/cloud/s3.h"
#include "../lib/store/tokens.h"

enum {
	STOP_GRACE_MS = 10000,
	KEEP_FREE =
		16 << 20, /* bytes of freed memory kept for the next request rather than given back and cleared anew */
};

struct api_args {
	struct strvec listen;
	const char *database, *environment, *state_dir, *tls_cert, *tls_key, *access_log_file;
	int access_log;
	int64_t max_connections, max_connections_per_address, request_timeout_ms;
};

static const struct mrp_opt opts[] = { OPT_LIST(0, "listen", struct api_args, listen, "<addr>:<port>|unix:<path>",
					       "where to listen, each time one more place; port 0 picks a free one; "
					       "127.0.0.1:8080 when absent"),
	OPT_STRING(0, "database", struct api_args, database, "<url>",
		"sqlite:PATH, created when it is not there, or postgresql://HOST/NAME; sqlite:./mrprober.sqlite when absent"),
	OPT_STRING(0, "environment", struct api_args, environment, "<name>",
		"the environment that this API holds; learnt from the first synchronize when absent"),
	OPT_STRING(0, "state-dir", struct api_args, state_dir, "<dir>",
		"folder with the logs of deployments; /var/lib/mrprober or $XDG_STATE_HOME/mrprober when absent",
		.flags = OPTF_FOLDER),
	OPT_STRING(0, "tls-cert", struct api_args, tls_cert, "<file>",
		"speak HTTPS with this certificate, a PEM file with those between it and its CA; read again at SIGHUP",
		.flags = OPTF_FILE),
	OPT_STRING(0, "tls-key", struct api_args, tls_key, "<file>", "the certificate's key, a PEM file",
		.flags = OPTF_FILE),
	OPT_ENUM(0, "access-log", struct api_args, access_log, ACCESS_FORMAT_WORDS,
		"write a line for each request; off when absent"),
	OPT_STRING(0, "access-log-file", struct api_args, access_log_file, "<file>",
		"where to write it, opened again at SIGHUP; standard error when absent", .flags = OPTF_FILE),
	OPT_INT(0, "max-connections", struct api_args, max_connections, "<n>",
		"connections at one time; 8192 when absent", .min = 1, .max = 1000000),
	OPT_INT(0, "max-connections-per-address", struct api_args, max_connections_per_address, "<n>",
		"of them from one address (of IPv6: one /64 network); 1024 when absent", .min = 1, .max = 1000000),
	OPT_DURATION(0, "request-timeout", struct api_args, request_timeout_ms, "<duration>",
		"in which a request must have arrived, and an answer be read; large ones get longer; 1m when absent",
		.min = 100, .max = 86400000),
	OPT_END };

/* Blocked before any thread starts, so that they arrive at sigwait only. */
static void block_signals(sigset_t *wanted)
{
	sigemptyset(wanted);
	sigaddset(wanted, SIGTERM);
	sigaddset(wanted, SIGINT);
	sigaddset(wanted, SIGHUP);
	pthread_sigmask(SIG_BLOCK, wanted, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(2) then, answered as a full disk */
}

/* What can change without a new start: the certificate, the log's file. Each stays as it was when it cannot. */
static void reload(const struct httpd_ops *ops, struct httpd *httpd, const struct httpd_options *options)
{
	struct mrp_err err = MRP_ERR_INIT;
	cleanup(strbuf_release) struct strbuf why = STRBUF_INIT;
	int failed = 0;

	notify_reloading();
	if (ops->reload(httpd, &err) < 0) {
		mrp_err_format(&why, &err);
		log_error("%s; the certificate in use stays", why.buf);
		strbuf_reset(&why);
		failed++;
	}
	if (access_log_reopen(options->access_log, &err) < 0) {
		mrp_err_format(&why, &err);
		log_error("%s; the open one stays", why.buf);
		failed++;
	}
	mrp_err_clear(&err);
	if (!failed)
		log_info("reloaded%s%s", options->tls_cert ? " the certificate" : "",
			options->access_log ? ", opened the access log again" : "");
	notify_manager("READY=1");
}

static int serve(struct api *api, const struct httpd_options *options, const sigset_t *wanted, struct mrp_err *err)
{
	const struct httpd_ops *ops = httpd_ops_get(err);
	struct httpd *httpd = ops ? ops->start(api, options, err) : NULL;
	int signal_number;

	if (!httpd)
		return -1;
	for (size_t i = 0; i < options->n_listeners; i++)
		log_info("listening on %s", options->listeners[i].url);
	notify_manager("READY=1");
	while (sigwait(wanted, &signal_number), signal_number == SIGHUP)
		reload(ops, httpd, options);
	log_info("stopping: %s", strsignal(signal_number));
	notify_manager("STOPPING=1");
	ops->stop(httpd, STOP_GRACE_MS);
	return 0;
}

const char *take_database(struct mrp_ctx *ctx, const char *url)
{
	const char *copy = arena_strdup(&ctx->arena, url);

	/* a word of the command line, of an alias or of the environment: no constant has a password */
	if (skip_prefix(url, "postgres", NULL))
		store_url_hide((char *)(uintptr_t)url);
	return copy;
}

struct listeners {
	struct listener *v;
	size_t n;
};

static void close_listeners(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->n; i++)
		listener_close(&listeners->v[i]);
	free(listeners->v);
}

/* Was a token ever made in this database? Only then other machines may reach the API. It is looked at before there are
 * listeners, and only when one of them needs to know: a port that is in use must not change a database. */
static int any_token(bool *out, const char *url, struct mrp_err *err)
{
	const struct store_ops *store = store_ops_for(url, err);
	struct store_conn *conn;
	struct token_meta meta;
	int64_t version;

	*out = false;
	if (!store || store->version(&version, url, &store_schema, err) < 0)
		return -1;
	if (!version)
		return 0;
	bool newest = version == (int64_t)store_schema.n_migrations;
	if (store->open(&conn, url, &store_schema, newest ? STORE_READ : store_service_flags(store), err) < 0)
		return -1;
	int r = token_meta_get(&meta, conn, err);
	store->close(conn);
	*out = r == 0 && meta.any;
	explicit_bzero(&meta, sizeof(meta));
	return r;
}

/* False when in doubt: the listener itself looks at the address. */
static bool surely_local(const char *place)
{
	static const char *const prefixes[] = { "127.", "localhost:", "[::1]:", "unix:" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (skip_prefix(place, prefixes[i], NULL))
			return true;
	}
	return false;
}

static int open_listeners(
	struct listeners *out, const struct api_args *args, const char *database, struct mrp_err *err)
{
	const char *const by_default[] = { "127.0.0.1:8080" };
	const char *const *places = args->listen.n ? (const char *const *)args->listen.v : by_default;
	size_t n = args->listen.n ? args->listen.n : 1;
	unsigned flags = args->tls_cert ? LISTEN_TLS : 0;

	bool local = true, anywhere;

	for (size_t i = 0; i < n; i++)
		local = local && surely_local(places[i]);
	if (!local && any_token(&anywhere, database, err) < 0)
		return -1;
	if (!local && anywhere)
		flags |= LISTEN_ANYWHERE;
	out->v = xcalloc(n, sizeof(*out->v));
	for (; out->n < n; out->n++) {
		const char *place = places[out->n];

		if (listener_open(&out->v[out->n], place, flags, err) == 0)
			continue;
		if (err->code != MRP_EREFUSED)
			return -1;
		return mrp_err_set(err, MRP_EUSAGE,
			"'%s' is not a loopback address: without tokens the API listens on this machine only; the "
			"first one is made by "
			"'mrprober api token create --role admin' with the same --database",
			place);
	}
	return 0;
}

static int check_options(const struct api_args *args, struct mrp_err *err)
{
	if (!args->tls_cert != !args->tls_key)
		return mrp_err_set(err, MRP_EUSAGE, "--tls-%s is missing: certificate and key go together",
			args->tls_cert ? "key" : "cert");
	if (args->access_log_file && args->access_log == ACCESS_OFF)
		return mrp_err_set(err, MRP_EUSAGE, "--access-log-file without --access-log logfmt or json");
	return 0;
}

static int check_environment(const char *name, struct mrp_err *err)
{
	if (!name || slug_valid(name, strlen(name)))
		return 0;
	return mrp_err_set(err, MRP_EUSAGE, "environment '%s' is not a slug (a-z, 0-9 and '-', at most 63)", name);
}

static struct server_settings server_settings(const struct api_args *args)
{
	struct server_settings settings = server_settings_default;

	settings.connections = args->max_connections;
	settings.connections_per_address = args->max_connections_per_address;
	settings.request_timeout_ms = args->request_timeout_ms;
	return settings;
}

static int run_api(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct api_args *args = ctx->opts;
	cleanup(freep) char *state_dir = args->state_dir ? xstrdup(args->state_dir) : default_state_dir();
	const char *database = take_database(ctx, args->database);
	struct iam_options iam = { .ca_file = ctx_setting(ctx, SETTING_CA_CERT) };
	struct s3_options s3 = { .iam = &iam, .ca_file = iam.ca_file };
	struct api_options options = {
		.database = database, .environment = args->environment, .state_dir = state_dir
	};
	cleanup(close_listeners) struct listeners listeners = { NULL, 0 };
	sigset_t wanted;

	(void)argc, (void)argv;
	if (ctx->verbose)
		log_set_level(LOG_DEBUG);
	else if (ctx->quiet)
		log_set_level(LOG_WARNING);
	mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
	mallopt(M_TOP_PAD, 1 << 20);
	block_signals(&wanted);
	int by_s3 = s3_options_from_environment(&s3, err);
	if (by_s3 < 0)
		return -1;
	options.s3 = by_s3 ? &s3 : NULL;
	/* the port first: a second API on it must not touch the database */
	if (check_options(args, err) < 0 || check_environment(args->environment, err) < 0 ||
		open_listeners(&listeners, args, database, err) < 0)
		return -1;
	struct access_log *access_log = NULL;
	if (args->access_log != ACCESS_OFF &&
		!(access_log = access_log_open(args->access_log, args->access_log_file, err)))
		return -1;
	const struct httpd_options server = {
		.listeners = listeners.v,
		.n_listeners = listeners.n,
		.settings = server_settings(args),
		.tls_cert = args->tls_cert,
		.tls_key = args->tls_key,
		.access_log = access_log,
	};
	struct api *api = api_open(&options, err);
	int r = api ? serve(api, &server, &wanted, err) : -1;
	api_close(api);
	access_log_close(access_log);
	return r;
}

struct migrate_args {
	const char *database;
	bool check;
};

static const struct mrp_opt migrate_opts[] = { OPT_STRING(0, "database", struct migrate_args, database, "<url>",
						       "as for mrprober api"),
	OPT_BOOL(0, "check", struct migrate_args, check,
		"change nothing; exit 2 when the database is not at the newest schema"),
	OPT_END };

static int run_migrate(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct migrate_args *args = ctx->opts;
	const char *database = take_database(ctx, args->database);
	const struct store_ops *store = store_ops_for(database, err);
	struct store_conn *conn;
	int64_t version;

	(void)argc, (void)argv;
	if (!store || store->version(&version, database, &store_schema, err) < 0)
		return -1;
	bool newest = version == (int64_t)store_schema.n_migrations;
	if (!args->check && !newest) {
		if (store->open(&conn, database, &store_schema, STORE_MIGRATE, err) < 0)
			return -1;
		store->close(conn);
	}
	if (!ctx->quiet)
		printf("schema version %d%s%d\n", (int)version,
			newest                ? ", the newest is "
				: args->check ? ", should be "
					      : " -> ",
			(int)store_schema.n_migrations);
	return args->check && !newest ? MRP_EXIT_DIFFERENCES : MRP_EXIT_OK;
}

static const struct mrp_cmd cmd_migrate = {
	.name = "migrate",
	.summary = "create the database or bring it to the newest schema",
	.description = "A copy of an SQLite database with an older schema is kept beside it. A PostgreSQL database has to be "
		       "there, empty or ours; it is never changed otherwise, so run this before newer API processes start.",
	.opts = migrate_opts,
	CMD_OPTS(struct migrate_args, .database = DEFAULT_DATABASE),
	.run = run_migrate,
};

struct backup_args {
	const char *database;
	bool force;
};

static const struct mrp_opt backup_opts[] = { OPT_STRING(0, "database", struct backup_args, database, "<url>",
						      "as for mrprober api"),
	OPT_BOOL(0, "force", struct backup_args, force, "replace the file when it is there",
		.flags = OPTF_NO_NO),
	OPT_END };

static int run_backup(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct backup_args *args = ctx->opts;
	const char *database = take_database(ctx, args->database);
	const struct store_ops *store = store_ops_for(database, err);
	int64_t bytes;

	(void)argc;
	if (!store || interrupt_catch(err) < 0)
		return -1;
	if (!store->backup)
		return mrp_err_set(err, MRP_EUSAGE, "only SQLite is backed up here: use pg_dump for PostgreSQL");
	if (store->backup(&bytes, database, &store_schema, argv[0], args->force, interrupted, err) < 0)
		return -1;
	if (!ctx->quiet)
		printf("%s: %" PRId64 " bytes\n", argv[0], bytes);
	return MRP_EXIT_OK;
}

static const struct mrp_cmd cmd_backup = {
	.name = "backup",
	.summary = "copy the database to a file while the API serves",
	.description = "The copy shows the database at one moment, holds its secrets (mode 0600), and was read through "
		       "before the file gets its name. To restore: stop the API and put the file in place of the "
		       "database, without the old files that end in -wal and -shm. Only for SQLite.",
	.args = "<file>",
	.min_args = 1,
	.max_args = 1,
	.opts = backup_opts,
	CMD_OPTS(struct backup_args, .database = DEFAULT_DATABASE),
	.run = run_backup,
};

static const struct mrp_cmd *const subs[] = { &cmd_backup, &cmd_migrate, &cmd_api_token, NULL };

const struct mrp_cmd cmd_api = {
	.name = "api",
	.summary = "serve the HTTP API over a database",
	.description = "Runs until SIGTERM or SIGINT, then finishes what it is doing. Without tokens it serves this "
		       "machine only.",
	.opts = opts,
	CMD_OPTS(struct api_args, .listen = STRVEC_INIT, .database = DEFAULT_DATABASE, .max_connections = 8192,
		.max_connections_per_address = 1024, .request_timeout_ms = 60000),
	.subs = subs,
	.run = run_api,
};
