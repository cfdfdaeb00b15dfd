/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `mrprober probe TYPE`: those of the field tables of lib/model/probe_fields.c, as rows of flags. */
#ifndef MRP_CLI_PROBE_OPTIONS_H
#define MRP_CLI_PROBE_OPTIONS_H

#include "../model/probe_fields.h"
#include "opts.h"

/* What every type's struct begins with. */
struct probe_common {
	int64_t timeout_ms;
};

struct probe_http {
	struct probe_common common;
	const char *url, *method, *body, *expect_body, *expect_body_regex, *max_time, *min_validity, *ca_cert;
	struct strvec headers, expect_status;
	bool follow_redirects, insecure;
	int ip_version;
};

struct probe_tcp {
	struct probe_common common;
	const char *host, *send, *expect, *max_time;
	int64_t port;
	int ip_version;
};

struct probe_dns {
	struct probe_common common;
	const char *server, *name, *type, *max_time;
	struct strvec expect;
	bool tcp;
};

struct probe_icmp {
	struct probe_common common;
	const char *host, *interval, *size, *max_loss, *max_rtt;
	int64_t count;
	int ip_version;
};

struct probe_tls {
	struct probe_common common;
	const char *host, *server_name, *min_validity, *ca_cert;
	int64_t port;
	bool insecure;
	int ip_version;
};

struct probe_disk {
	struct probe_common common;
	const char *path, *size, *max_latency, *max_fill;
};

extern const struct mrp_opt probe_http_opts[], probe_tcp_opts[], probe_dns_opts[], probe_icmp_opts[], probe_tls_opts[],
	probe_disk_opts[];

/* The row for a field: "max_time" -> --max-time, and of a list or map one at a time: "headers" -> --header. */
const struct mrp_opt *probe_opt_of(const struct mrp_opt *opts, const struct field *field);

/* The options of one type as a probe in normal form: {"http": {...}}. MRP_EUSAGE. */
int probe_from_options(struct value **out, struct arena *arena, const char *type, const struct mrp_opt *opts,
	const void *args, struct mrp_err *err);

#endif
