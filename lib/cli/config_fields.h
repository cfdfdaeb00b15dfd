/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand in config.yaml. */
#ifndef MRP_CLI_CONFIG_FIELDS_H
#define MRP_CLI_CONFIG_FIELDS_H

#include "../model/schema.h"

extern const struct field config_fields[];
/* A name that a command could have: letters, digits, '-'. */
bool valid_alias_name(const char *text, size_t len);

#endif
