/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings by layers. A layer offers values; an offer is taken when its origin is higher than what is there, so layers
 * can come in any order, and a file is read only when a command needs it. settings_file.c has the layers from files.
 */
#include "settings.h"

#include "../base/file.h"
#include "opts.h"

#include <sys/stat.h>

enum { MAX_TOKEN_BYTES = 64 * 1024 };

static const struct {
	const char *name, *env, *fallback;
	bool secret;
} rows[SETTING_COUNT] = {
	[SETTING_API_URL] = { "api-url", "MRPROBER_API_URL", "http://127.0.0.1:8080" },
	[SETTING_TOKEN] = { "token", "MRPROBER_TOKEN", NULL, .secret = true },
	[SETTING_TOKEN_FILE] = { "token-file", "MRPROBER_TOKEN_FILE", NULL },
	[SETTING_CA_CERT] = { "ca-cert", "MRPROBER_CA_CERT", NULL },
	[SETTING_ENVIRONMENT] = { "environment", "MRPROBER_ENVIRONMENT", NULL },
	[SETTING_CONTEXT] = { "context", "MRPROBER_CONTEXT", NULL },
	[SETTING_COLOR] = { "color", "MRPROBER_COLOR", "auto" },
	[SETTING_QUIET] = { "quiet", "MRPROBER_QUIET", "false" },
	[SETTING_VERBOSE] = { "verbose", "MRPROBER_VERBOSE", "0" },
};

const char *setting_name(enum mrp_setting_id id)
{
	return rows[id].name;
}

bool setting_secret(enum mrp_setting_id id)
{
	return rows[id].secret;
}

int setting_find(const char *name)
{
	for (int id = 0; id < SETTING_COUNT; id++) {
		const char *a = name, *b = rows[id].name;

		while (*a && (*a == '_' ? '-' : *a) == *b)
			a++, b++;
		if (!*a && !*b)
			return id;
	}
	return -1;
}

void setting_origin(struct strbuf *out, const struct mrp_setting *setting)
{
	static const char *const words[] = {
		[ORIGIN_DEFAULT] = "default",
		[ORIGIN_MANIFEST] = "manifest",
		[ORIGIN_CONFIG] = "config",
		[ORIGIN_ENV] = "environment",
		[ORIGIN_FLAG] = "flag",
	};

	strbuf_addstr(out, words[setting->origin]);
	if (setting->where) {
		strbuf_addch(out, ' ');
		strbuf_add_visible(out, setting->where, strlen(setting->where));
	}
}

void setting_offer(
	struct mrp_ctx *ctx, enum mrp_setting_id id, const char *value, enum mrp_origin origin, const char *where)
{
	struct mrp_setting *setting = &ctx->settings[id];

	if (value && (!setting->value || origin > setting->origin))
		*setting = (struct mrp_setting){ value, origin, where };
}

/* One of the settings that change how the program itself behaves. */
static int apply_color(struct mrp_ctx *ctx, struct mrp_err *err)
{
	const struct mrp_setting *setting = &ctx->settings[SETTING_COLOR];
	int color = mrp_word_index(MRP_COLOR_WORDS, setting->value);

	if (color < 0)
		return mrp_err_set(err, MRP_EUSAGE, "%s: '%s' is not one of " MRP_COLOR_WORDS,
			setting->where ? setting->where : "color", setting->value);
	ctx->color_out = mrp_term_use_color(1, color);
	ctx->color_err = mrp_term_use_color(2, color);
	return 0;
}

static int apply_loudness(struct mrp_ctx *ctx, struct mrp_err *err)
{
	static const struct mrp_opt quiet = OPT_BOOL('q', "quiet", struct mrp_ctx, quiet, "");
	static const struct mrp_opt verbose = OPT_COUNT('v', "verbose", struct mrp_ctx, verbose, "");
	const struct mrp_setting *q = &ctx->settings[SETTING_QUIET], *v = &ctx->settings[SETTING_VERBOSE];

	if (mrp_opt_set(&quiet, ctx, q->value, q->where ? q->where : "quiet", err) < 0)
		return -1;
	return mrp_opt_set(&verbose, ctx, v->value, v->where ? v->where : "verbose", err);
}

int settings_apply(struct mrp_ctx *ctx, struct mrp_err *err)
{
	return apply_color(ctx, err) < 0 || apply_loudness(ctx, err) < 0 ? -1 : 0;
}

static void offer_flags(struct mrp_ctx *ctx)
{
	static const char *const colors[] = { "auto", "always", "never" };
	const struct mrp_globals *g = &ctx->globals;

	setting_offer(ctx, SETTING_API_URL, g->api_url, ORIGIN_FLAG, "--api-url");
	setting_offer(ctx, SETTING_CA_CERT, g->ca_cert, ORIGIN_FLAG, "--ca-cert");
	setting_offer(ctx, SETTING_ENVIRONMENT, g->environment, ORIGIN_FLAG, "--environment");
	setting_offer(ctx, SETTING_CONTEXT, g->context, ORIGIN_FLAG, "--context");
	if (g->color >= 0)
		setting_offer(ctx, SETTING_COLOR, colors[g->color], ORIGIN_FLAG, "--color");
	if (g->quiet >= 0)
		setting_offer(ctx, SETTING_QUIET, g->quiet ? "true" : "false", ORIGIN_FLAG, "--quiet");
	if (g->verbose >= 0)
		setting_offer(ctx, SETTING_VERBOSE, arena_printf(&ctx->arena, "%d", MIN(g->verbose, 9)), ORIGIN_FLAG,
			"--verbose");
}

int settings_init(struct mrp_ctx *ctx, struct mrp_err *err)
{
	memset(ctx->settings, 0, sizeof(ctx->settings));
	offer_flags(ctx);
	for (int id = 0; id < SETTING_COUNT; id++) {
		const char *value = getenv(rows[id].env);

		if (value && *value)
			setting_offer(ctx, id, value, ORIGIN_ENV, rows[id].env);
		setting_offer(ctx, id, rows[id].fallback, ORIGIN_DEFAULT, NULL);
	}
	return settings_apply(ctx, err);
}

static void warn_about_mode(struct mrp_ctx *ctx, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && st.st_mode & 077)
		problems_warn(&ctx->warnings, (struct mrp_loc){ path }, NULL,
			"others may read this token (mode %03o); 'chmod 600' it", (unsigned)(st.st_mode & 0777));
}

static int read_token(struct mrp_ctx *ctx, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (read_file(&text, path, MAX_TOKEN_BYTES, err) < 0)
		return mrp_err_wrap(err, "token file");
	while (text.len && strchr(" \t\r\n", text.buf[text.len - 1]))
		strbuf_setlen(&text, text.len - 1);
	size_t start = strspn(text.buf, " \t\r\n");
	for (size_t i = start; i < text.len; i++) {
		if (text.buf[i] <= ' ' || text.buf[i] > '~')
			return mrp_err_set(err, MRP_EINVALID, "token file '%s' does not hold one token", path);
	}
	if (start == text.len)
		return mrp_err_set(err, MRP_EINVALID, "token file '%s' is empty", path);
	warn_about_mode(ctx, path);
	ctx->token = xstrdup(text.buf + start);
	return 0;
}

int ctx_token(struct mrp_ctx *ctx, const char **out, struct mrp_err *err)
{
	const struct mrp_setting *token = &ctx->settings[SETTING_TOKEN], *file = &ctx->settings[SETTING_TOKEN_FILE];

	*out = "";
	if (!file->value || (token->value && token->origin >= file->origin)) {
		if (token->value)
			*out = token->value;
		return 0;
	}
	if (!ctx->token && read_token(ctx, file->value, err) < 0)
		return -1;
	*out = ctx->token;
	return 0;
}

void settings_export(const struct mrp_ctx *ctx)
{
	for (int id = 0; id < SETTING_COUNT; id++) {
		if (ctx->settings[id].value)
			setenv(rows[id].env, ctx->settings[id].value, 1);
	}
}

void mrp_ctx_release(struct mrp_ctx *ctx)
{
	free(ctx->token);
	mrp_alias_vec_clear(&ctx->aliases);
	problems_clear(&ctx->warnings);
	arena_release(&ctx->arena);
}
