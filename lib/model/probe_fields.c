/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_fields.h"

#include "tables.h"

static const char *const ip_versions[] = { "4", "6", "any", NULL };

static const struct field item_status = { "", F_INT, FF_BOTH, NULL, .min = 100, .max = 599 };

#define IP_VERSION { "ip_version", F_ENUM, FF_BOTH, "4, 6 or any; any when absent", .words = ip_versions }
#define PORT(needed, text) { "port", F_INT, FF_BOTH | (needed), text, .min = 1, .max = 65535 }
#define HOST { "host", F_STRING, FF_BOTH | FF_REQUIRED, "name or address", .min = 1, .max = 255 }

static const struct field http_fields[] = {
	{ "url", F_STRING, FF_BOTH | FF_REQUIRED, "http:// or https:// address to ask for", .min = 1, .max = 8192 },
	{ "method", F_STRING, FF_BOTH, "GET when absent", .min = 1, .max = 32 },
	{ "headers", F_MAP, FF_BOTH, "request headers", .sub = &item_string },
	{ "body", F_STRING, FF_BOTH, "request body", .max = 65536 },
	{ "expect_status", F_LIST, FF_BOTH, "status codes that are a success; 200-299 when absent", .sub = &item_status,
		.min = 1, .max = 100 },
	{ "expect_body", F_STRING, FF_BOTH, "text that the body must contain", .min = 1, .max = 65536 },
	{ "expect_body_regex", F_STRING, FF_BOTH, "extended regular expression that the body must match", .min = 1,
		.max = 4096 },
	{ "follow_redirects", F_BOOL, FF_BOTH, "false when absent" },
	{ "max_time", F_DURATION, FF_BOTH, "an answer that takes longer is a warning" },
	{ "min_validity", F_DURATION, FF_BOTH, "a certificate that ends sooner is a warning" },
	{ "insecure", F_BOOL, FF_BOTH, "do not verify the certificate; false when absent" },
	{ "ca_cert", F_STRING, FF_BOTH, "file with the certificates to trust", .min = 1, .max = 4096 },
	IP_VERSION,
	END_FIELDS
};

static const struct field tcp_fields[] = {
	HOST,
	PORT(FF_REQUIRED, "port to connect to"),
	{ "send", F_STRING, FF_BOTH, "text to send after connecting", .max = 65536 },
	{ "expect", F_STRING, FF_BOTH, "text that must come back", .min = 1, .max = 65536 },
	{ "max_time", F_DURATION, FF_BOTH, "connecting that takes longer is a warning" },
	IP_VERSION,
	END_FIELDS
};

static const struct field dns_fields[] = {
	{ "server", F_STRING, FF_BOTH, "resolver to ask, address or address:port; those of the host when absent", .min = 1,
		.max = 255 },
	{ "name", F_STRING, FF_BOTH | FF_REQUIRED, "name to look up", .min = 1, .max = 255 },
	{ "type", F_STRING, FF_BOTH, "record type; A when absent", .min = 1, .max = 32 },
	{ "expect", F_LIST, FF_BOTH, "records that must be in the answer", .sub = &item_string, .min = 1, .max = 100 },
	{ "max_time", F_DURATION, FF_BOTH, "an answer that takes longer is a warning" },
	{ "tcp", F_BOOL, FF_BOTH, "ask over TCP; false when absent" },
	END_FIELDS
};

static const struct field icmp_fields[] = {
	HOST,
	{ "count", F_INT, FF_BOTH, "echo requests to send; 3 when absent", .min = 1, .max = 1000 },
	{ "interval", F_DURATION, FF_BOTH, "time between them; 200ms when absent", .min = 1, .max = 60000 },
	{ "size", F_SIZE, FF_BOTH, "payload; 56B when absent", .min = 8, .max = 65000 },
	{ "max_loss", F_PERCENT, FF_BOTH, "more loss is a failure; 0% when absent" },
	{ "max_rtt", F_DURATION, FF_BOTH, "a larger mean round-trip time is a failure" },
	IP_VERSION,
	END_FIELDS
};

static const struct field tls_fields[] = {
	HOST,
	PORT(0, "443 when absent"),
	{ "server_name", F_STRING, FF_BOTH, "name to ask for and verify; the host when absent", .min = 1, .max = 255 },
	{ "min_validity", F_DURATION, FF_BOTH, "a certificate that ends sooner is a failure; 7d when absent" },
	{ "insecure", F_BOOL, FF_BOTH, "do not verify the certificate; false when absent" },
	{ "ca_cert", F_STRING, FF_BOTH, "file with the certificates to trust", .min = 1, .max = 4096 },
	IP_VERSION,
	END_FIELDS
};

static const struct field disk_fields[] = {
	{ "path", F_STRING, FF_BOTH | FF_REQUIRED, "folder to write in", .min = 1, .max = 4096 },
	{ "size", F_SIZE, FF_BOTH, "bytes to write, sync and read back; 4KiB when absent", .min = 1, .max = INT64_C(1) << 30 },
	{ "max_latency", F_DURATION, FF_BOTH, "a slower write, sync and read is a failure" },
	{ "max_fill", F_PERCENT, FF_BOTH, "a fuller file system is a failure" },
	END_FIELDS
};

const struct field probe_fields[] = {
	{ "http", F_OBJECT, FF_BOTH | FF_ONE, "an HTTP request", .sub = http_fields },
	{ "tcp", F_OBJECT, FF_BOTH | FF_ONE, "a TCP connection", .sub = tcp_fields },
	{ "dns", F_OBJECT, FF_BOTH | FF_ONE, "a DNS question", .sub = dns_fields },
	{ "icmp", F_OBJECT, FF_BOTH | FF_ONE, "ICMP echo requests", .sub = icmp_fields },
	{ "tls", F_OBJECT, FF_BOTH | FF_ONE, "a TLS handshake and its certificate", .sub = tls_fields },
	{ "disk", F_OBJECT, FF_BOTH | FF_ONE, "a write to a file system", .sub = disk_fields },
	END_FIELDS
};
