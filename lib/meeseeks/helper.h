/* SPDX-License-Identifier: Apache-2.0 */
/* A program that is run for what it prints, and waited for. No shell. */
#ifndef MRP_MEESEEKS_HELPER_H
#define MRP_MEESEEKS_HELPER_H

#include "../http/peer.h"

struct helper {
	const char *const *argv, *const *env; /* as in run.h */
	int64_t timeout_ms;
	size_t max_bytes;                     /* of what it prints */
	const struct http_patience *patience; /* NULL: only the time limit counts */
};

/* What it has printed, appended. MRP_EFAILED: it could not be started, took too long, or ended badly; the message has
 * the last line of its stderr. MRP_ETOOBIG, MRP_EINTERRUPTED. Nobody else in this process may start children now. */
int helper_run(struct strbuf *out, const struct helper *helper, struct mrp_err *err);

/* Our environment but for the token of the mrprober API, which is no business of the program. */
void helper_environment(struct strvec *out);

#endif
