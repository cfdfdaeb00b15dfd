/* SPDX-License-Identifier: Apache-2.0 */
/* One parser for each kind of number that people write; each refuses trailing text, overflow and the empty string. */
#ifndef MRP_BASE_PARSE_H
#define MRP_BASE_PARSE_H

#include "err.h"

/* Decimal, with an optional minus. MRP_EPARSE or MRP_ERANGE (outside [min, max]). */
int parse_int(int64_t *out, const char *text, int64_t min, int64_t max, struct mrp_err *err);
/* Parse "500ms", "30s", "5m", "2h" or "1d" into milliseconds; a unit is required, one unit only, no sign, no fraction.
 * MRP_EPARSE (no duration) or MRP_ERANGE (over 100 years); *out_ms is written only on success. */
int parse_duration(int64_t *out_ms, const char *text, struct mrp_err *err);
/* Parse "64KiB", "1GiB" or "100B" (B KiB MiB GiB TiB) into bytes. */
int parse_size(int64_t *out_bytes, const char *text, struct mrp_err *err);
/* Parse "10%" into 10; 0-100, fractions allowed. */
int parse_percent(double *out, const char *text, struct mrp_err *err);
/* The shortest duration text that means `ms`: 60000 -> "1m". */
void format_duration(struct strbuf *out, int64_t ms);

#endif
