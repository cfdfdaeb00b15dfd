/* SPDX-License-Identifier: Apache-2.0 */
#include "limits.h"

/* clang-format off */
const struct server_limit_info server_limits[LIMIT_COUNT] = {
	[LIMIT_CONNECTIONS] = { "connections", 503, "too many connections at one time" },
	[LIMIT_PER_ADDRESS] = { "connections_per_address", 429, "too many connections from this address" },
	[LIMIT_TARGET] = { "target", 414, "the request target is too long" },
	[LIMIT_HEADERS] = { "headers", 431, "the headers are too large" },
	[LIMIT_BODY] = { "body", 413, "the body is too large" },
	[LIMIT_BODIES] = { "bodies", 503, "too many large requests at one time" },
	[LIMIT_ANSWERS] = { "answers", 503, "too many answers wait to be read" },
	[LIMIT_SLOW_HEADERS] = { "slow_headers", 408, "the headers did not arrive in time" },
	[LIMIT_SLOW_BODY] = { "slow_body", 408, "the body did not arrive in time" },
	[LIMIT_SLOW_READER] = { "slow_reader", 0, "the answer was not read in time" },
};
/* clang-format on */

const struct server_settings server_settings_default = {
	.connections = 8192,
	.connections_per_address = 1024,
	.header_timeout_ms = 15000,
	.request_timeout_ms = 60000,
	.idle_timeout_ms = 75000,
	.min_rate = 4096,
	.min_read_rate = 65536,
};
