/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command knows about how it was called: its parsed options and the settings, each with its origin. A setting
 * comes from the first of: flag, environment, the context in config.yaml, the manifest's environment, the default.
 */
#ifndef MRP_CLI_CONTEXT_H
#define MRP_CLI_CONTEXT_H

#include "../value/value.h"
#include "term.h"

enum mrp_origin {
	ORIGIN_DEFAULT,
	ORIGIN_MANIFEST, /* mrprober.yaml */
	ORIGIN_CONFIG,   /* config.yaml: its top level or the context */
	ORIGIN_ENV,
	ORIGIN_FLAG,
};

enum mrp_setting_id {
	SETTING_API_URL,
	SETTING_TOKEN,
	SETTING_TOKEN_FILE,
	SETTING_CA_CERT,
	SETTING_ENVIRONMENT,
	SETTING_CONTEXT,
	SETTING_COLOR,
	SETTING_QUIET,
	SETTING_VERBOSE,
	SETTING_COUNT,
};

struct mrp_setting {
	const char *value; /* NULL: not set and no default */
	enum mrp_origin origin;
	const char *where; /* "MRPROBER_API_URL", "--api-url", "/etc/mrprober/config.yaml:3:12"; NULL for defaults */
};

struct mrp_alias {
	const char *name, *words;
	struct mrp_loc loc;
};

VEC_DEFINE(mrp_alias_vec, struct mrp_alias)

/* What the global options fill in. */
struct mrp_globals {
	struct strvec folders; /* -C */
	const char *context, *api_url, *ca_cert, *environment;
	int color;   /* enum mrp_color, or -1: not given */
	int quiet;   /* likewise */
	int verbose; /* likewise */
	bool version;
};

struct mrp_cmd;

struct mrp_ctx {
	const struct mrp_cmd *cmd; /* that runs now */
	const char *cmd_path;      /* "config get" */
	const void *opts;          /* the command's own options, parsed */
	bool quiet;                /* say nothing that is no data and no error */
	int verbose;               /* how often -v was given */
	bool color_out, color_err; /* colours on stdout, on stderr */
	struct mrp_globals globals;
	struct mrp_setting settings[SETTING_COUNT];
	struct mrp_alias_vec aliases;
	char *token;              /* read from the token file; owned */
	struct problems warnings; /* of settings; the dispatcher prints them */
	struct arena arena;       /* lives as long as the command */
	struct value *manifest;   /* the mrprober.yaml found here or above; NULL: none, or not read yet */
	struct value *configs[2]; /* config.yaml of the user, of the system; NULL: not read yet */
};

/* "api-url" */
const char *setting_name(enum mrp_setting_id id);
/* -1 when there is none of that name; dashes and underscores are the same. */
int setting_find(const char *name);
bool setting_secret(enum mrp_setting_id id);
/* "flag --api-url", "environment MRPROBER_API_URL", "/etc/mrprober/config.yaml:3:12", "default" */
void setting_origin(struct strbuf *out, const struct mrp_setting *setting);

/* Flags, environment and defaults into ctx->settings; sets quiet, verbose, colours. Reads no file. */
int settings_init(struct mrp_ctx *ctx, struct mrp_err *err);
/* Reads config.yaml, the user's and the system's, once, for the aliases in it. All mistakes go to ctx->warnings. */
int settings_load_aliases(struct mrp_ctx *ctx, struct mrp_err *err);
/* And the settings of config.yaml: its top level and the context. */
int settings_load_config(struct mrp_ctx *ctx, struct mrp_err *err);
/* And a manifest's environment: `manifest` is the parsed mrprober.yaml. Without a named environment its only one is
 * taken; several and none named leave `environment` unset. */
int settings_add_manifest(struct mrp_ctx *ctx, const struct value *manifest, struct mrp_err *err);
/* Reads the mrprober.yaml of this folder or above it, if any, into ctx->manifest. Its mistakes are one warning. */
int settings_read_manifest(struct mrp_ctx *ctx, struct mrp_err *err);
/* And the manifest found in this folder or above it, if any. */
int settings_find_manifest(struct mrp_ctx *ctx, struct mrp_err *err);
/* NULL when there is none. Borrowed from ctx. */
const struct mrp_alias *mrp_alias_find(const struct mrp_ctx *ctx, const char *name);
void mrp_ctx_release(struct mrp_ctx *ctx);

/* What a setting says now; NULL when unset. */
static inline const char *ctx_setting(const struct mrp_ctx *ctx, enum mrp_setting_id id)
{
	return ctx->settings[id].value;
}

static inline const char *ctx_api_url(const struct mrp_ctx *ctx)
{
	return ctx->settings[SETTING_API_URL].value;
}

static inline const char *ctx_environment(const struct mrp_ctx *ctx)
{
	return ctx->settings[SETTING_ENVIRONMENT].value;
}

/* The bearer token, from the setting or the token file (whichever layer is higher); "" when there is none. *out lives
 * as long as ctx. MRP_ENOTFOUND, MRP_EPERM, MRP_EINVALID when the file is unusable. */
int ctx_token(struct mrp_ctx *ctx, const char **out, struct mrp_err *err);

/* Set SETTING_<...> for programs that we start: MRPROBER_API_URL and so on, by setenv. */
void settings_export(const struct mrp_ctx *ctx);

#endif
