/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "../lib/cli/context.h"
#include "complete_sources.h"

/* Their variables of the environment are settings, which know their origin; so OPTF_NO_ENV. */
/* clang-format off */
#define COMMON_OPTIONS                                                                                                 \
	OPT_STRING(0, "api-url", struct mrp_globals, api_url, "<url>",                                                 \
		"the API, https://... or unix:PATH too; default http://127.0.0.1:8080", .flags = OPTF_NO_ENV),         \
	OPT_STRING(0, "ca-cert", struct mrp_globals, ca_cert, "<file>",                                                \
		"PEM file of the CAs that vouch for the API; default the system's", .flags = OPTF_NO_ENV | OPTF_FILE), \
	OPT_STRING(0, "environment", struct mrp_globals, environment, "<name>",                                        \
		"which environment of the manifest", .flags = OPTF_NO_ENV, .complete = complete_environments),         \
	OPT_STRING(0, "context", struct mrp_globals, context, "<name>",                                                \
		"which context of config.yaml", .flags = OPTF_NO_ENV, .complete = complete_contexts),                  \
	OPT_ENUM(0, "color", struct mrp_globals, color, MRP_COLOR_WORDS,                                               \
		"colours; auto: on a terminal, and NO_COLOR is not set", .flags = OPTF_NO_ENV),                        \
	OPT_TRISTATE('q', "quiet", struct mrp_globals, quiet,                                                          \
		"say nothing but data and errors", .flags = OPTF_NO_ENV),                                              \
	OPT_COUNT('v', "verbose", struct mrp_globals, verbose,                                                         \
		"say more; twice for even more", .flags = OPTF_NO_ENV)
/* clang-format on */

const struct mrp_opt common_opts[] = { COMMON_OPTIONS, OPT_END };

const struct mrp_opt global_opts[] = {
	OPT_LIST('C', NULL, struct mrp_globals, folders, "<folder>", "work as if started in this folder; each from the one before",
		.flags = OPTF_FOLDER),
	COMMON_OPTIONS,
	OPT_BOOL(0, "version", struct mrp_globals, version, "print the version", .flags = OPTF_NO_ENV | OPTF_NO_NO),
	OPT_END,
};

_Static_assert(ARRAY_SIZE(common_opts) <= MAX_COMMON_OPTS, "MAX_COMMON_OPTS is too small");

void common_opts_beside(struct mrp_opt out[MAX_COMMON_OPTS], const struct mrp_opt *own)
{
	bool no;

	for (const struct mrp_opt *opt = common_opts; opt->type; opt++) {
		if (!mrp_opt_find(own, opt->name, strlen(opt->name), &no))
			*out++ = *opt;
	}
	*out = (struct mrp_opt)OPT_END;
}
