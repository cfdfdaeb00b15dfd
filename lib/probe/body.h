/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a body must hold. Both looks have a bound, so that no body and no expression takes the thread of all checks away
 * from the others: text is looked for in the first MiB, expressions in the first 64 KiB and in one pass.
 */
#ifndef MRP_PROBE_BODY_H
#define MRP_PROBE_BODY_H

#include "../base/err.h"

enum { BODY_KEPT_MAX = 1 << 20, BODY_REGEX_MAX = 64 << 10, REGEX_REPEATS_MAX = 10000 };

/* POSIX extended, '.' matches newlines, '^' and '$' are the ends of the body. MRP_EINVALID: it is no expression, or one
 * that could take too long or too much memory: a back-reference, or repeats that multiply to over 10,000. */
int body_matches(bool *out, const char *body, size_t len, const char *regex, struct mrp_err *err);

#endif
