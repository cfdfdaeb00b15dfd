/* SPDX-License-Identifier: Apache-2.0 */
/* The wall clock, and moments as text. For measuring and planning there is the monotonic clock (lib/ev). */
#ifndef MRP_BASE_CLOCK_H
#define MRP_BASE_CLOCK_H

#include "strbuf.h"

/* Milliseconds since 1970. */
int64_t time_now_ms(void);
enum { TIME_TEXT = 32 };

/* RFC 3339 in UTC, with milliseconds: "2026-11-21T03:00:00.123Z". */
void time_text(char out[TIME_TEXT], int64_t ms);
/* The same, appended. */
void time_format(struct strbuf *out, int64_t ms);
/* RFC 3339 with any offset, as milliseconds since 1970; -1 when it is none, or NULL. */
int64_t time_parse(const char *text);
/* A length of time in its largest unit of which there are two, as that tells enough: "40s", "12m", "5h", "3d". */
void time_format_age(struct strbuf *out, int64_t ms);

#endif
