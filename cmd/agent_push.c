/* SPDX-License-Identifier: Apache-2.0 */
#include "agent_push.h"

enum { LAST_MS = 3000 };

static int start(
	struct agent_pushes *pushes, const struct push_options *options, struct metrics *metrics, struct mrp_err *err)
{
	const struct push_source source = { metrics, metrics_each, metrics_agent_add };
	struct push *push = push_start(options, &source, err);

	if (!push)
		return -1;
	pushes->v[pushes->n++] = push;
	return 0;
}

static int read_headers(struct strvec *out, const char *path, struct mrp_err *err)
{
	const char *by_environment = getenv("OTEL_EXPORTER_OTLP_HEADERS");

	if (path && push_headers_read(out, path, err) < 0)
		return -1;
	return by_environment && *by_environment ? push_headers_parse_env(out, by_environment, err) : 0;
}

static int start_otlp(struct agent_pushes *pushes, const struct agent_push_args *args, const char *host,
	const char *ca_file, struct metrics *metrics, struct mrp_err *err)
{
	cleanup(push_headers_clear) struct strvec headers = STRVEC_INIT;
	const struct push_options options = {
		.kind = args->otlp_encoding ? PUSH_OTLP_JSON : PUSH_OTLP,
		.url = args->otlp,
		.headers = &headers,
		.host = host,
		.ca_file = ca_file,
		.interval_ms = args->interval_ms,
	};

	if (read_headers(&headers, args->otlp_header_file, err) < 0)
		return -1;
	return start(pushes, &options, metrics, err);
}

static int start_monitoring(struct agent_pushes *pushes, const struct agent_push_args *args, const char *ca_file,
	struct metrics *metrics, struct mrp_err *err)
{
	const struct iam_options iam = {
		.key_file = args->key_file,
		.token_url = args->token_url,
		.metadata_url = args->metadata_url,
		.ca_file = ca_file,
	};
	const struct push_options options = {
		.kind = PUSH_MONITORING,
		.url = args->monitoring_url,
		.folder = args->monitoring_folder,
		.ca_file = ca_file,
		.interval_ms = args->interval_ms,
		.iam = &iam,
	};

	return start(pushes, &options, metrics, err);
}

int agent_pushes_start(struct agent_pushes *pushes, const struct agent_push_args *args, const char *host,
	const char *ca_file, struct metrics *metrics, struct mrp_err *err)
{
	if (!args->otlp && args->otlp_header_file)
		return mrp_err_set(err, MRP_EUSAGE, "--push-otlp-header-file without --push-otlp");
	if (!args->monitoring_folder && args->monitoring_url)
		return mrp_err_set(err, MRP_EUSAGE, "--push-monitoring-url without --push-monitoring-folder");
	if (args->otlp && start_otlp(pushes, args, host, ca_file, metrics, err) < 0)
		return -1;
	return args->monitoring_folder ? start_monitoring(pushes, args, ca_file, metrics, err) : 0;
}

void agent_pushes_stop(struct agent_pushes *pushes)
{
	while (pushes->n)
		push_stop(pushes->v[--pushes->n], LAST_MS);
}
