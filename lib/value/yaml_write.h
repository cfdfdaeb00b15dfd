/* SPDX-License-Identifier: Apache-2.0 */
/* Values as YAML text. */
#ifndef MRP_VALUE_YAML_WRITE_H
#define MRP_VALUE_YAML_WRITE_H

#include "value.h"

/* Append `v` as one document in block style, members in their order. It reads back equal, here (value_from_yaml) and by
 * readers of YAML 1.1: texts that either would take for something else are quoted. A text with VF_ENV or VF_FILE is
 * written as `!env NAME` or `!file PATH`. */
void value_to_yaml(struct strbuf *out, const struct value *v);

#endif
