/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal numbers in the middle of a text, quickly. */
#ifndef MRP_VERDICT_NUMBER_H
#define MRP_VERDICT_NUMBER_H

#include "../base/base.h"

/* The longest [+-]digits[.digits][e[+-]digits] at `s`, correctly rounded, infinite when it is too large; digits may be
 * missing before or after the point, not both. Returns where it ends, or NULL when there is none. */
const char *number_read(double *out, const char *s, const char *end);

#endif
