/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mrprober probe TYPE: one built-in check by hand, or as a plugin of Nagios and its relatives: one line with
 * performance data on standard output, and 0 (ok), 1 (warning), 2 (critical) or 3 (unknown). It is the agent's own
 * engine, with one job.
 */
#include <semaphore.h>

#include "../lib/base/parse.h"
#include "../lib/cli/probe_options.h"
#include "../lib/probe/plugin.h"
#include "cmd.h"

enum { TIMEOUT_MS = 10000 };

#define COMMON                           \
	{                                \
		.timeout_ms = TIMEOUT_MS \
	}

static int usage_twice(const char *option, struct mrp_err *err)
{
	return mrp_err_set(err, MRP_EUSAGE, "'%s' is given twice: as an option and as the argument", option);
}

static int take_argument(const char **member, int argc, char **argv, const char *option, struct mrp_err *err)
{
	if (argc && *member)
		return usage_twice(option, err);
	if (argc)
		*member = argv[0];
	if (!*member)
		return mrp_err_set(err, MRP_EUSAGE, "arguments are missing: <%s>", option + 2);
	return 0;
}

/* "host:443", "[::1]:443", "host", "::1"; the host lives in the arena. */
static int split_host_port(struct arena *arena, const char **host, int64_t *port, struct mrp_err *err)
{
	const char *text = *host, *colon = strrchr(text, ':'), *close = strrchr(text, ']');

	if (!colon || (close && colon < close) || (!close && strchr(text, ':') != colon))
		return 0;
	if (*port)
		return usage_twice("--port", err);
	if (parse_int(port, colon + 1, 1, 65535, err) < 0) {
		mrp_err_wrap(err, "port of '%s'", text);
		err->code = MRP_EUSAGE;
		return -1;
	}
	*host = arena_strndup(arena, text, (size_t)(colon - text));
	return 0;
}

struct waiter {
	struct probe_job job;
	sem_t done;
};

static void on_done(struct probe_job *job)
{
	sem_post(&((struct waiter *)job)->done);
}

static int run_job(struct waiter *waiter, struct mrp_err *err)
{
	struct probe_engine *engine = probe_engine_new(err);

	if (!engine)
		return -1;
	sem_init(&waiter->done, 0, 0);
	probe_submit(engine, &waiter->job);
	while (sem_wait(&waiter->done) < 0) /* a signal in between */
		continue;
	probe_engine_free(engine);
	sem_destroy(&waiter->done);
	return 0;
}

static int run_probe(struct mrp_ctx *ctx, const void *args, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	const struct probe_common *common = args;
	struct waiter waiter = { .job = { .timeout_ms = common->timeout_ms, .done = on_done, .arena = ARENA_INIT } };
	struct value *probe;

	if (probe_from_options(&probe, &ctx->arena, ctx->cmd->name, ctx->cmd->opts, args, err) < 0)
		return -1;
	waiter.job.probe = probe;
	if (run_job(&waiter, err) < 0)
		return -1;
	plugin_format(&out, &waiter.job, ctx->verbose > 0);
	fputs(out.buf, stdout);
	arena_release(&waiter.job.arena);
	return (int)waiter.job.nagios_code;
}

static int run_http(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	struct probe_http args = *(const struct probe_http *)ctx->opts;

	return take_argument(&args.url, argc, argv, "--url", err) < 0 ? -1 : run_probe(ctx, &args, err);
}

static int run_tcp(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	struct probe_tcp args = *(const struct probe_tcp *)ctx->opts;

	if (take_argument(&args.host, argc, argv, "--host", err) < 0 ||
		(argc && split_host_port(&ctx->arena, &args.host, &args.port, err) < 0))
		return -1;
	if (!args.port)
		return mrp_err_set(err, MRP_EUSAGE, "the port is missing: <host>:<port>");
	return run_probe(ctx, &args, err);
}

static int run_dns(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	struct probe_dns args = *(const struct probe_dns *)ctx->opts;

	return take_argument(&args.name, argc, argv, "--name", err) < 0 ? -1 : run_probe(ctx, &args, err);
}

static int run_icmp(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	struct probe_icmp args = *(const struct probe_icmp *)ctx->opts;

	return take_argument(&args.host, argc, argv, "--host", err) < 0 ? -1 : run_probe(ctx, &args, err);
}

static int run_tls(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	struct probe_tls args = *(const struct probe_tls *)ctx->opts;

	if (take_argument(&args.host, argc, argv, "--host", err) < 0 ||
		(argc && split_host_port(&ctx->arena, &args.host, &args.port, err) < 0))
		return -1;
	return run_probe(ctx, &args, err);
}

static int run_disk(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	struct probe_disk args = *(const struct probe_disk *)ctx->opts;

	return take_argument(&args.path, argc, argv, "--path", err) < 0 ? -1 : run_probe(ctx, &args, err);
}

static const struct mrp_cmd cmd_http = {
	.name = "http",
	.summary = "ask an HTTP server",
	.description = "A new connection, a full TLS handshake, a name resolved just now; no proxy of the environment.",
	.args = "[<url>]",
	.max_args = 1,
	.opts = probe_http_opts,
	CMD_OPTS(struct probe_http, .common = COMMON, .headers = STRVEC_INIT, .expect_status = STRVEC_INIT,
		.ip_version = -1),
	.needs = CMD_PLUGIN,
	.run = run_http,
};

static const struct mrp_cmd cmd_tcp = {
	.name = "tcp",
	.summary = "connect to a TCP port",
	.description = "The time is that from the first packet to its answer, as the kernel saw it.",
	.args = "[<host>:<port>]",
	.max_args = 1,
	.opts = probe_tcp_opts,
	CMD_OPTS(struct probe_tcp, .common = COMMON, .ip_version = -1),
	.needs = CMD_PLUGIN,
	.run = run_tcp,
};

static const struct mrp_cmd cmd_dns = {
	.name = "dns",
	.summary = "ask a DNS resolver",
	.args = "[<name>]",
	.max_args = 1,
	.opts = probe_dns_opts,
	CMD_OPTS(struct probe_dns, .common = COMMON, .expect = STRVEC_INIT),
	.needs = CMD_PLUGIN,
	.run = run_dns,
};

static const struct mrp_cmd cmd_icmp = {
	.name = "icmp",
	.summary = "send ICMP echo requests",
	.description = "Needs a group within net.ipv4.ping_group_range, or CAP_NET_RAW.",
	.args = "[<host>]",
	.max_args = 1,
	.opts = probe_icmp_opts,
	CMD_OPTS(struct probe_icmp, .common = COMMON, .ip_version = -1),
	.needs = CMD_PLUGIN,
	.run = run_icmp,
};

static const struct mrp_cmd cmd_tls = {
	.name = "tls",
	.summary = "make a TLS handshake and look at the certificate",
	.args = "[<host>[:<port>]]",
	.max_args = 1,
	.opts = probe_tls_opts,
	CMD_OPTS(struct probe_tls, .common = COMMON, .ip_version = -1),
	.needs = CMD_PLUGIN,
	.run = run_tls,
};

static const struct mrp_cmd cmd_disk = {
	.name = "disk",
	.summary = "write, sync and read a file, and see how full the disk is",
	.description = "The file has no name, so nothing stays behind.",
	.args = "[<folder>]",
	.max_args = 1,
	.opts = probe_disk_opts,
	CMD_OPTS(struct probe_disk, .common = COMMON),
	.needs = CMD_PLUGIN,
	.run = run_disk,
};

static const struct mrp_cmd *const subs[] = { &cmd_disk, &cmd_dns, &cmd_http, &cmd_icmp, &cmd_tcp, &cmd_tls, NULL };

const struct mrp_cmd cmd_probe = {
	.name = "probe",
	.summary = "make one built-in check, as the agent does",
	.description = "Prints one line with performance data, as a plugin of Nagios does, and exits with 0 (ok), 1 "
		       "(warning), "
		       "2 (critical) or 3 (unknown, or called wrongly). -v adds lines.",
	.subs = subs,
	.needs = CMD_PLUGIN,
};
