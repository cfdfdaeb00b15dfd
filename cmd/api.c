/* SPDX-License-Identifier: Apache-2.0 */
/* mrprober api: the HTTP API as a service. All the work is in lib/api and lib/store. */
#include "cmd.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../lib/api/httpd.h"
#include "../lib/base/file.h"
#include "../lib/base/log.h"
#include "../lib/base/text.h"
#include "../lib/store/schema.h"

#define DEFAULT_DATABASE "sqlite:./mrprober.sqlite"

enum {
	STOP_GRACE_MS = 10000,
	KEEP_FREE =
		16 << 20, /* bytes of freed memory kept for the next request rather than given back and cleared anew */
};

struct api_args {
	struct mrp_endpoint listen;
	const char *database, *environment, *state_dir;
};

static const struct mrp_opt opts[] = { OPT_ENDPOINT(0, "listen", struct api_args, listen, "<addr>:<port>",
					       "where to listen; port 0 picks a free one; 127.0.0.1:8080 when absent"),
	OPT_STRING(0, "database", struct api_args, database, "<url>",
		"sqlite:PATH, created when it is not there; sqlite:./mrprober.sqlite when absent"),
	OPT_STRING(0, "environment", struct api_args, environment, "<name>",
		"the environment that this API holds; learnt from the first synchronize when absent"),
	OPT_STRING(0, "state-dir", struct api_args, state_dir, "<dir>",
		"folder with the logs of deployments; /var/lib/mrprober or $XDG_STATE_HOME/mrprober when absent",
		.flags = OPTF_FOLDER),
	OPT_END };

/* Tell systemd what we are doing (sd_notify(3)); nothing when it did not start us. */
static void notify(const char *message)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;

	if (!len || len >= sizeof(address.sun_path))
		return;
	cleanup(fd_closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, path, len);
	if (*path == '@')
		address.sun_path[0] = '\0';
	if (fd < 0 ||
		sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_warning("cannot tell systemd '%s': %s", message, strerror(errno));
}

/* Blocked before any thread starts, so that they arrive at sigwait only. */
static void block_signals(sigset_t *stop)
{
	sigemptyset(stop);
	sigaddset(stop, SIGTERM);
	sigaddset(stop, SIGINT);
	pthread_sigmask(SIG_BLOCK, stop, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(2) then, answered as a full disk */
}

static int serve(struct api *api, int fd, const char *url, const sigset_t *stop, struct mrp_err *err)
{
	const struct httpd_ops *ops = httpd_ops_get(err);
	struct httpd *httpd = ops ? ops->start(api, fd, err) : NULL;
	int signal_number;

	if (!httpd)
		return -1;
	log_info("listening on %s", url);
	notify("READY=1");
	sigwait(stop, &signal_number);
	log_info("stopping: %s", strsignal(signal_number));
	notify("STOPPING=1");
	ops->stop(httpd, STOP_GRACE_MS);
	return 0;
}

static int check_environment(const char *name, struct mrp_err *err)
{
	if (!name || slug_valid(name, strlen(name)))
		return 0;
	return mrp_err_set(err, MRP_EUSAGE, "environment '%s' is not a slug (a-z, 0-9 and '-', at most 63)", name);
}

static int run_api(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct api_args *args = ctx->opts;
	cleanup(freep) char *state_dir = args->state_dir ? xstrdup(args->state_dir) : default_state_dir();
	cleanup(freep) char *url = NULL;
	struct api_options options = {
		.database = args->database, .environment = args->environment, .state_dir = state_dir
	};
	cleanup(fd_closep) int fd = -1;
	sigset_t stop;

	(void)argc, (void)argv;
	if (ctx->verbose)
		log_set_level(LOG_DEBUG);
	else if (ctx->quiet)
		log_set_level(LOG_WARNING);
	mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
	mallopt(M_TOP_PAD, 1 << 20);
	block_signals(&stop);
	/* the port first: a second API on it must not touch the database */
	if (check_environment(args->environment, err) < 0 ||
		httpd_listen(&fd, &url, args->listen.host, args->listen.port, err) < 0)
		return -1;
	struct api *api = api_open(&options, err);
	if (!api)
		return -1;
	int r = serve(api, fd, url, &stop, err);
	fd = r == 0 ? -1 : fd;
	api_close(api);
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
	const struct store_ops *store = store_ops_for(args->database, err);
	struct store_conn *conn;
	int64_t version;

	(void)argc, (void)argv;
	if (!store || store->version(&version, args->database, &store_schema, err) < 0)
		return -1;
	bool newest = version == (int64_t)store_schema.n_migrations;
	if (!args->check && !newest) {
		if (store->open(&conn, args->database, &store_schema, STORE_MIGRATE, err) < 0)
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
	.description = "A copy of a database with an older schema is kept beside it.",
	.opts = migrate_opts,
	CMD_OPTS(struct migrate_args, .database = DEFAULT_DATABASE),
	.run = run_migrate,
};

static const struct mrp_cmd *const subs[] = { &cmd_migrate, NULL };

const struct mrp_cmd cmd_api = {
	.name = "api",
	.summary = "serve the HTTP API over a database",
	.description = "Runs until SIGTERM or SIGINT, then finishes what it is doing. Without tokens it serves this "
		       "machine only.",
	.opts = opts,
	CMD_OPTS(struct api_args, .listen = { "127.0.0.1", 8080 }, .database = DEFAULT_DATABASE),
	.subs = subs,
	.run = run_api,
};
