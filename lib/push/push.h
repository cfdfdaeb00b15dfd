/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushing the agent's metrics, to Yandex Monitoring or to any receiver of OTLP/HTTP: a thread takes all samples at each
 * interval, makes requests of them within the receiver's limits, and sends these in order from a queue that is bounded
 * in bytes. A receiver in trouble is asked again after a growing wait (or the one that it asks for); when the queue is
 * full the oldest samples go, as each later value of a counter holds the earlier one. What was sent and dropped is
 * counted (AGENT_PUSH_*), and the log gets a line when something begins to fail and when it works again.
 *
 * Options of `mrprober agent run`, for whoever wires this (each also as MRPROBER_<OPTION>):
 *	--push-otlp URL               base URL; "/v1/metrics" is added unless it is there
 *	--push-otlp-encoding WORD     protobuf (default) or json
 *	--push-otlp-header-file FILE  "Name: value" lines (push_headers_read); OTEL_EXPORTER_OTLP_HEADERS goes as well
 *	--push-monitoring-folder ID   turns this push on; the token is from the chain of lib/cloud/iam.h
 *	--push-monitoring-url URL     PUSH_MONITORING_URL
 *	--push-interval DURATION      15s
 *	--sa-key-file FILE, --iam-token-url URL, --iam-metadata-url URL: struct iam_options
 */
#ifndef MRP_PUSH_PUSH_H
#define MRP_PUSH_PUSH_H

#include "../cloud/iam.h"
#include "../metrics/metrics.h"

#define PUSH_MONITORING_URL "https://monitoring.api.cloud.yandex.net"

enum push_kind { PUSH_MONITORING, PUSH_OTLP, PUSH_OTLP_JSON };

/* Where samples come from and counts go to: { metrics, metrics_each, metrics_agent_add }. */
struct push_source {
	struct metrics *metrics;
	void (*each)(struct metrics *metrics, void (*each)(void *ctx, const struct metrics_point *point), void *ctx);
	void (*add)(struct metrics *metrics, enum agent_metric which, int64_t n);
};

struct push_options {
	enum push_kind kind;
	const char *url;               /* OTLP: required; Monitoring: NULL for PUSH_MONITORING_URL */
	const char *folder;            /* Monitoring: required */
	const struct strvec *headers;  /* OTLP: "Name: value", may be secrets; NULL: none. Copied */
	const char *host;              /* OTLP: service.instance.id; NULL: none */
	const char *ca_file;           /* PEM; NULL: the system's */
	int64_t interval_ms;           /* 0: 15 s. The first push comes after a random part of it */
	int64_t timeout_ms;            /* of one request; 0: 10 s */
	size_t queue_bytes;            /* 0: 8 MiB */
	const struct iam_options *iam; /* Monitoring: required; `patience` is set here */
};

struct push;

/* Check the options, load the modules, start the thread; asks no server. MRP_EUSAGE for a bad URL or header,
 * MRP_EINVALID for a bad key. The source must outlive the push. */
struct push *push_start(const struct push_options *options, const struct push_source *source, struct mrp_err *err);
/* Take the samples once more, send what there is for at most `grace_ms`, count the rest as dropped, end the thread.
 * NULL is harmless. */
void push_stop(struct push *push, int64_t grace_ms);

/* Headers for OTLP. A file has a line "Name: value" each; empty lines and those beginning with '#' are passed over. The
 * text of OTEL_EXPORTER_OTLP_HEADERS is "name=value,name=value" with values percent-encoded (W3C Baggage). Appended to
 * `out`; MRP_EINVALID with no part of a value in the message. */
int push_headers_read(struct strvec *out, const char *path, struct mrp_err *err);
int push_headers_parse_lines(struct strvec *out, const char *text, const char *name, struct mrp_err *err);
int push_headers_parse_env(struct strvec *out, const char *text, struct mrp_err *err);
/* Overwrites them first. */
void push_headers_clear(struct strvec *headers);

#endif
