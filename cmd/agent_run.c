/* SPDX-License-Identifier: Apache-2.0 */
/* mrprober agent run: the agent as a service. All the work is in lib/agent. */
#include "agent.h"
#include "agent_push.h"

#include <grp.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../lib/agent/agent.h"
#include "../lib/base/file.h"
#include "../lib/base/log.h"

enum {
	MALLOC_ARENAS = 2,   /* each thread with one of its own would keep memory that others have freed */
	KEEP_FREE = 1 << 20, /* bytes of freed memory kept for the next run */
	MAX_RUNS = 256,      /* programs at one time */
	LOG_BYTES = 64 << 20,
	UPLOAD_BYTES = 64 << 20,
	OPEN_FILES = 65536,
	FIRST_CONFIG_S = 2, /* an API that does not answer delays nobody for long */
	HOST_MAX = 256,
};

struct agent_run_args {
	const char *cluster, *host, *config, *listen, *socket, *state_dir, *default_user, *cgroup;
	struct strvec allow_user;
	int compat_metrics;
	int64_t max_runs, config_interval_ms, log_size, upload_size;
	struct agent_push_args push;
};

enum { COMPAT_NONE, COMPAT_BLACKBOX };

static const struct mrp_opt opts[] = { OPT_STRING(0, "cluster", struct agent_run_args, cluster, "<slug>",
					       "the cluster that this host belongs to; required"),
	OPT_STRING(0, "host", struct agent_run_args, host, "<name>",
		"the name of this host; that of the system when absent"),
	OPT_STRING(0, "config", struct agent_run_args, config, "<file>|<dir>",
		"read the config here instead of from the API: a file as /v1/agent-config answers, or a folder of "
		"configs",
		.flags = OPTF_FILE),
	OPT_DURATION(0, "config-interval", struct agent_run_args, config_interval_ms, "<duration>",
		"time between two looks for another config; 30s when absent, 2s for --config", .min = 100,
		.max = 86400000),
	OPT_STRING(0, "listen", struct agent_run_args, listen, "<addr>:<port>|none",
		"where metrics are served; port 0 picks a free one; 127.0.0.1:9314 when absent"),
	OPT_STRING(0, "socket", struct agent_run_args, socket, "<path>|none",
		"where duty commands (status, once, logs, ...) reach this agent; " DUTY_SOCKET " when absent",
		.flags = OPTF_FILE),
	OPT_ENUM(0, "compat-metrics", struct agent_run_args, compat_metrics, "none|blackbox",
		"also give metrics the names that dashboards of another exporter know; none when absent"),
	OPT_STRING(0, "state-dir", struct agent_run_args, state_dir, "<dir>",
		"folder for the last good config, files and logs; /var/lib/mrprober or $XDG_STATE_HOME/mrprober when "
		"absent",
		.flags = OPTF_FOLDER),
	OPT_INT(0, "max-runs", struct agent_run_args, max_runs, "<n>", "programs that run at one time; 256 when absent",
		.min = 1, .max = 100000),
	OPT_STRING(0, "default-user", struct agent_run_args, default_user, "<user>",
		"whom probers run as when the agent is root; mrprober when absent, or nobody where there is no such "
		"user"),
	OPT_LIST(0, "allow-user", struct agent_run_args, allow_user, "<user>",
		"a user that run_as of a prober may name"),
	OPT_STRING(0, "cgroup", struct agent_run_args, cgroup, "<dir>|auto",
		"a cgroup (version 2) that is delegated to the agent, for limits of all processes of a run together; "
		"auto: "
		"the one that it is in",
		.flags = OPTF_FOLDER),
	OPT_SIZE(0, "log-size", struct agent_run_args, log_size, "<size>",
		"what runs printed is kept on the disk up to this size; 64MiB when absent", .min = 1 << 20,
		.max = INT64_C(1) << 40),
	OPT_SIZE(0, "upload-size", struct agent_run_args, upload_size, "<size>",
		"what waits to be uploaded to S3 is kept on the disk up to this size; 64MiB when absent",
		.min = 1 << 20, .max = INT64_C(1) << 40),
	AGENT_PUSH_OPTIONS(struct agent_run_args), OPT_END };

/* Three descriptors a program that runs, one or two a built-in check. Returns what programs get: the limit of before.
 */
static int64_t raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= OPEN_FILES)
		return 0;
	int64_t before = (int64_t)limit.rlim_cur;
	limit.rlim_cur = MIN((rlim_t)OPEN_FILES, limit.rlim_max);
	setrlimit(RLIMIT_NOFILE, &limit);
	return before;
}

static int set_host(char host[HOST_MAX], const struct agent_run_args *args, struct mrp_err *err)
{
	if (args->host)
		snprintf(host, HOST_MAX, "%s", args->host);
	else if (gethostname(host, HOST_MAX) < 0)
		return mrp_err_errno(err, "cannot tell the name of this host");
	host[HOST_MAX - 1] = '\0';
	return 0;
}

static int set_api(struct http_options *http, struct mrp_ctx *ctx, struct mrp_err *err)
{
	const struct mrp_setting *environment = &ctx->settings[SETTING_ENVIRONMENT];
	const char *token;

	if (ctx_token(ctx, &token, err) < 0)
		return -1;
	*http = http_options_default;
	http->url = ctx_api_url(ctx);
	http->token = *token ? token : NULL;
	http->ca_file = ctx_setting(ctx, SETTING_CA_CERT);
	if (environment->origin > ORIGIN_MANIFEST)
		http->environment = environment->value;
	return 0;
}

/* 1 when output of runs is to be uploaded. `iam` is for a bucket without a key. */
static int set_s3(struct s3_options *s3, struct iam_options *iam, struct mrp_ctx *ctx, struct mrp_err *err)
{
	const struct agent_run_args *args = ctx->opts;

	*iam = (struct iam_options){
		.key_file = args->push.key_file,
		.token_url = args->push.token_url,
		.metadata_url = args->push.metadata_url,
		.ca_file = ctx_setting(ctx, SETTING_CA_CERT),
	};
	*s3 = (struct s3_options){ .iam = iam, .ca_file = ctx_setting(ctx, SETTING_CA_CERT) };
	return s3_options_from_environment(s3, err);
}

static void tune(const struct mrp_ctx *ctx)
{
	if (ctx->verbose)
		log_set_level(LOG_DEBUG);
	else if (ctx->quiet)
		log_set_level(LOG_WARNING);
	mallopt(M_ARENA_MAX, MALLOC_ARENAS);
	mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(2) then */
}

/* The socket at its usual place is a help, not a condition: another agent may have it, or only root may write there.
 * One that was asked for must work. */
static int open_socket(struct duty_server **out, const char *path, const struct duty_ops *ops, struct mrp_err *err)
{
	cleanup(freep) char *folder = NULL;
	const char *group = geteuid() == 0 && getgrnam("mrprober") ? "mrprober" : NULL;

	*out = NULL;
	if (path && streq(path, "none"))
		return 0;
	if (!path) {
		folder = xstrndup(DUTY_SOCKET, (size_t)(strrchr(DUTY_SOCKET, '/') - DUTY_SOCKET));
		if (make_folders(folder, 0755, err) == 0)
			*out = duty_server_start(DUTY_SOCKET, group, ops, err);
		if (!*out)
			log_warning("no duty commands: %s (--socket names another place)", err->msg);
		mrp_err_clear(err);
		return 0;
	}
	*out = duty_server_start(path, group, ops, err);
	return *out ? 0 : -1;
}

/* Everything around the agent: it outlives them all. */
static int run_with(struct agent *agent, struct mrp_ctx *ctx, struct mrp_err *err)
{
	const struct agent_run_args *args = ctx->opts;
	const struct duty_ops ops = duty_agent_ops(agent);
	struct agent_pushes pushes = { .n = 0 };
	struct duty_server *duty = NULL;
	int r = agent_pushes_start(&pushes, &args->push, agent_options(agent)->host, ctx_setting(ctx, SETTING_CA_CERT),
		agent_metrics(agent), err);

	/* whoever sees that the agent is there may ask for its probers at once */
	if (r == 0)
		agent_source_wait(agent_source(agent), FIRST_CONFIG_S);
	if (r == 0)
		r = open_socket(&duty, args->socket, &ops, err);
	if (r == 0) {
		if (agent_url(agent))
			log_info("metrics at %s/metrics", agent_url(agent));
		r = agent_run(agent, err);
	}
	duty_server_stop(duty);
	agent_pushes_stop(&pushes);
	return r;
}

static int run_agent(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct agent_run_args *args = ctx->opts;
	cleanup(freep) char *named = args->state_dir ? xstrdup(args->state_dir) : default_state_dir(),
			    *here = *named == '/' ? NULL : get_current_dir_name(),
			    *state_dir = path_join(here ? here : "", named);
	char host[HOST_MAX];
	struct http_options http;
	struct s3_options s3;
	struct iam_options iam;
	cleanup(freep) char *prefix = objects_prefix(ctx_environment(ctx));

	(void)argc, (void)argv;
	if (!args->cluster)
		return mrp_err_set(err, MRP_EUSAGE, "--cluster is missing: which cluster does this host belong to?");
	if (set_host(host, args, err) < 0 || (!args->config && set_api(&http, ctx, err) < 0))
		return -1;
	int uploads = set_s3(&s3, &iam, ctx, err);
	if (uploads < 0)
		return -1;
	tune(ctx);
	const struct agent_options options = {
		.cluster = args->cluster,
		.host = host,
		.state_dir = state_dir,
		.api = args->config ? NULL : &http,
		.config = args->config,
		.environment = ctx_environment(ctx),
		.config_interval_ms = args->config_interval_ms,
		.listen = streq(args->listen, "none") ? NULL : args->listen,
		.compat_blackbox = args->compat_metrics == COMPAT_BLACKBOX,
		.max_runs = args->max_runs,
		.open_files = raise_open_files(),
		.log_bytes = args->log_size,
		.s3 = uploads ? &s3 : NULL,
		.upload_bytes = args->upload_size,
		.upload_prefix = prefix,
		.cgroup = args->cgroup,
		.accounts = { (const char *const *)args->allow_user.v, args->allow_user.n, args->default_user },
	};
	struct agent *agent = agent_new(&options, err);
	if (!agent)
		return -1;
	int r = run_with(agent, ctx, err);
	agent_free(agent);
	return r;
}

const struct mrp_cmd cmd_agent_run = {
	.name = "run",
	.summary = "run the probers of this host until told to stop",
	.description = "The agent gets its config from the API, or from a file or folder, runs each prober when it is "
		       "due, and "
		       "serves what came of it as metrics. SIGHUP makes it look for another config at once, SIGTERM "
		       "and SIGINT end the runs that go on, then the agent.",
	.opts = opts,
	CMD_OPTS(struct agent_run_args, .listen = "127.0.0.1:9314", .max_runs = MAX_RUNS, .log_size = LOG_BYTES,
		.upload_size = UPLOAD_BYTES, .allow_user = STRVEC_INIT),
	.needs = NEED_SETTINGS,
	.run = run_agent,
};
