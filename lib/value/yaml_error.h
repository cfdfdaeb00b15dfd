/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's complaints in words that say what to do. */
#ifndef MRP_VALUE_YAML_ERROR_H
#define MRP_VALUE_YAML_ERROR_H

#include <yaml.h>

#include "../base/err.h"

/* Add a problem for the error that `parser` stopped at; `text` is its whole input. */
void yaml_error_report(
	struct problems *problems, const yaml_parser_t *parser, const char *text, size_t len, const char *file);

#endif
