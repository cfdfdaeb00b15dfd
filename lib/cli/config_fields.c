/* SPDX-License-Identifier: Apache-2.0 */
#include "config_fields.h"

static const char *const color_words[] = { "auto", "always", "never", NULL };

bool valid_alias_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool alnum = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9');

		if (!alnum && (i == 0 || text[i] != '-'))
			return false;
	}
	return len > 0 && len <= 63;
}

/* clang-format off */
#define WHERE_TO                                                                                                       \
	{ "api_url", F_STRING, FF_CONFIG, "the API, like https://mrprober.example.net", .max = 2048 },                 \
	{ "environment", F_STRING, FF_CONFIG, "which environment of the manifest", .max = 200 },                       \
	{ "token", F_STRING, FF_CONFIG, "the API's token; better in a file of its own", .max = 65536 },                \
	{ "token_file", F_STRING, FF_CONFIG, "a file that holds the token; relative to config.yaml", .max = 4096 },    \
	{ "ca_cert", F_STRING, FF_CONFIG,                                                                              \
	  "PEM file of the CAs that vouch for the API, instead of the system's; relative to config.yaml", .max = 4096 }
/* clang-format on */

static const struct field context_fields[] = { WHERE_TO, { .name = NULL } };
static const struct field item_context = { "", F_OBJECT, FF_CONFIG, "", .sub = context_fields };
static const struct field item_alias = { "", F_STRING, FF_CONFIG, "", .max = 4096 };

const struct field config_fields[] = {
	WHERE_TO,
	{ "context", F_STRING, FF_CONFIG, "which of the contexts is used when none is named", .max = 200 },
	{ "contexts", F_MAP, FF_CONFIG, "settings to choose from by --context; they go before those of the top level",
		.sub = &item_context, .valid = valid_label_key,
		.form = "a name (letters, digits, '_', '.', '/', '-')",
		.pattern = "^[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?$" },
	{ "color", F_ENUM, FF_CONFIG, "when to use colours", .words = color_words },
	{ "quiet", F_BOOL, FF_CONFIG, "as --quiet" },
	{ "verbose", F_INT, FF_CONFIG, "as so many --verbose", .min = 0, .max = 9 },
	{ "aliases", F_MAP, FF_CONFIG, "short names for commands with options; never over a command that exists",
		.sub = &item_alias, .valid = valid_alias_name, .form = "a command's name (a-z, 0-9, '-')",
		.pattern = "^[a-z0-9][a-z0-9-]*$" },
	{ .name = NULL },
};
