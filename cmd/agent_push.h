/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `mrprober agent run` about pushing metrics, and the pushes that they start. */
#ifndef MRP_CMD_AGENT_PUSH_H
#define MRP_CMD_AGENT_PUSH_H

#include "../lib/push/push.h"
#include "cmd.h"
#include "identity.h"

struct agent_push_args {
	const char *otlp, *otlp_header_file, *monitoring_folder, *monitoring_url;
	const char *key_file, *token_url, *metadata_url;
	int otlp_encoding;
	int64_t interval_ms;
};

/* Rows for a struct with a member `push`. */
/* clang-format off */
#define AGENT_PUSH_OPTIONS(type)                                                                                       \
	OPT_STRING(0, "push-otlp", type, push.otlp, "<url>",                                                           \
		"push metrics by OTLP/HTTP to this receiver; /v1/metrics is added"),                                   \
	OPT_ENUM(0, "push-otlp-encoding", type, push.otlp_encoding, "protobuf|json", "how; protobuf when absent"),     \
	OPT_STRING(0, "push-otlp-header-file", type, push.otlp_header_file, "<file>",                                  \
		"headers that go along, 'Name: value' a line; OTEL_EXPORTER_OTLP_HEADERS too", .flags = OPTF_FILE),    \
	OPT_STRING(0, "push-monitoring-folder", type, push.monitoring_folder, "<id>",                                  \
		"push metrics to this folder of Yandex Monitoring"),                                                   \
	OPT_STRING(0, "push-monitoring-url", type, push.monitoring_url, "<url>",                                       \
		PUSH_MONITORING_URL " when absent"),                                                                   \
	OPT_DURATION(0, "push-interval", type, push.interval_ms, "<duration>", "time between two pushes; 15s when absent", \
		.min = 1000, .max = 86400000),                                                                         \
	OPT_SA_KEY_FILE(type, push.key_file),                                                                          \
	OPT_IAM_TOKEN_URL(type, push.token_url),                                                                       \
	OPT_IAM_METADATA_URL(type, push.metadata_url)
/* clang-format on */

enum { AGENT_PUSHES = 2 };

struct agent_pushes {
	struct push *v[AGENT_PUSHES];
	size_t n;
};

/* Start what the options ask for. The metrics must outlive them. */
int agent_pushes_start(struct agent_pushes *pushes, const struct agent_push_args *args, const char *host,
	const char *ca_file, struct metrics *metrics, struct mrp_err *err);
/* What is there is sent first, for a few seconds at most. */
void agent_pushes_stop(struct agent_pushes *pushes);

#endif
