/* SPDX-License-Identifier: Apache-2.0 */
/* An error on its way from the agent to the client: {code, message}. */
#ifndef MRP_DUTY_ERRORS_H
#define MRP_DUTY_ERRORS_H

#include "../base/err.h"

void duty_error_format(struct strbuf *json, const struct mrp_err *err);
/* Set err from such a text. Returns -1. */
int duty_error_parse(const char *json, size_t len, struct mrp_err *err);

#endif
