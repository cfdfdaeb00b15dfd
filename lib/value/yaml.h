/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML text to values, by libyaml's events. One document a text; scalars by the core schema of YAML 1.2 (yaml.org/spec/
 * 1.2.2, section 10.3), so `no` and `on` are text; anchors, aliases and merge keys work. Every value keeps its place, and
 * scalars that are no strings keep their spelling. Aliases share the value they name.
 */
#ifndef MRP_VALUE_YAML_H
#define MRP_VALUE_YAML_H

#include "value.h"

enum {
	YAML_MAX_BYTES = 4 << 20,
	YAML_MAX_DEPTH = 64,
	YAML_MAX_VALUES = 100000, /* with every alias counted as often as it is used */
};

enum {
	YAML_LOCAL_TAGS = 1 << 0, /* `!env NAME` and `!file PATH` become strings with VF_SECRET and VF_ENV or VF_FILE */
};

/* Parse `text`; `file` is its name for places (borrowed by every value). Mistakes go to `problems`. Returns NULL when they
 * leave nothing to look at (it is no YAML, or too much of it); with smaller ones (a key twice, an unknown tag) there is a
 * tree to look for more mistakes in, so compare problems->errors before and after. An empty text is a V_NULL at line 1. */
struct value *value_from_yaml(struct arena *arena, const char *text, size_t len, const char *file, unsigned flags,
	struct problems *problems);

#endif
