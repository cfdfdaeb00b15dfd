/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that the tables of all kinds share. Included by the files with tables only. */
#ifndef MRP_MODEL_TABLES_H
#define MRP_MODEL_TABLES_H

#include "../base/text.h"
#include "kinds.h"

#define SLUG_FORM "a slug (a-z, 0-9 and '-', at most 63)"
#define SLUG_PATTERN "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
#define IDENTIFIER_FORM "a name (letters, digits and '_')"
#define IDENTIFIER_PATTERN "^[A-Za-z_][A-Za-z0-9_]*$"

extern const struct field item_string, item_identifier, item_glob, item_label, item_file, item_any;
extern const struct field source_fields[];

/* What every kind has. */
/* clang-format off */
#define COMMON_FIELDS                                                                                                  \
	{ "slug", F_PATTERN, FF_API, "unique in its kind, never changes", .valid = slug_valid, .form = SLUG_FORM,      \
	  .pattern = SLUG_PATTERN },                                                                                   \
	{ "name", F_STRING, FF_BOTH, "shown to people; the slug when absent", .max = 200 },                            \
	{ "description", F_STRING, FF_BOTH | FF_ALWAYS, "shown to people", .max = 65536 },                             \
	{ "labels", F_MAP, FF_BOTH | FF_ALWAYS, "for selecting and grouping", .sub = &item_label,                      \
	  .valid = valid_label_key, .form = "a label name (letters, digits, '_', '.', '/', '-')",                      \
	  .pattern = "^[A-Za-z0-9_]([A-Za-z0-9_./-]*[A-Za-z0-9_])?$" },                                                  \
	{ "managed", F_BOOL, FF_API, "true when it came from a config" },                                              \
	{ "source", F_OBJECT, FF_API | FF_NULL, "where it came from; null when made by hand", .sub = source_fields },            \
	{ "revision", F_INT, FF_READONLY, "moved by every write" },                                                    \
	{ "digest", F_STRING, FF_READONLY, "SHA-256 of what a config can manage" },                                    \
	{ "created_at", F_STRING, FF_READONLY, "RFC 3339, UTC" },                                                      \
	{ "updated_at", F_STRING, FF_READONLY, "RFC 3339, UTC" }
/* clang-format on */

#define END_FIELDS { .name = NULL }

#endif
