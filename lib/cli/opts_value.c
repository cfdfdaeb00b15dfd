/* SPDX-License-Identifier: Apache-2.0 */
/* What the values of options mean, from the command line and from the environment. */
#include "opts.h"

#include "../base/parse.h"
#include "../base/text.h"

#include <ctype.h>

typedef int set_fn(const struct mrp_opt *opt, void *member, const char *text, struct mrp_err *err);

static int set_bool(const struct mrp_opt *opt, void *member, const char *text, struct mrp_err *err)
{
	/* clang-format off */
	static const struct { const char *word; bool value; } words[] = {
		{ "1", true }, { "true", true }, { "yes", true }, { "on", true },
		{ "0", false }, { "false", false }, { "no", false }, { "off", false },
	};
	/* clang-format on */

	(void)opt;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(words[i].word, text) == 0) {
			*(bool *)member = words[i].value;
			return 0;
		}
	}
	return mrp_err_set(err, MRP_EPARSE, "'%s' is neither true nor false", text);
}

static int set_tristate(const struct mrp_opt *opt, void *member, const char *text, struct mrp_err *err)
{
	bool b;

	if (set_bool(opt, &b, text, err) < 0)
		return -1;
	*(int *)member = b;
	return 0;
}

static int set_count(const struct mrp_opt *opt, void *member, const char *text, struct mrp_err *err)
{
	struct mrp_err ignored = MRP_ERR_INIT;
	int64_t n;

	if (parse_int(&n, text, 0, 9, &ignored) == 0) {
		*(int *)member = (int)n;
		return 0;
	}
	mrp_err_clear(&ignored);
	return set_tristate(opt, member, text, err);
}

static int set_string(const struct mrp_opt *opt, void *member, const char *text, struct mrp_err *err)
{
	(void)opt, (void)err;
	*(const char **)member = text;
	return 0;
}

static bool bounded(const struct mrp_opt *opt)
{
	return opt->min || opt->max;
}

static int set_int(const struct mrp_opt *opt, void *member, const char *text, struct mrp_err *err)
{
	return parse_int(member, text, bounded(opt) ? opt->min : INT64_MIN, bounded(opt) ? opt->max : INT64_MAX, err);
}

/* Durations and sizes: bounds are said in the option's own units. */
static int set_bounded(const struct mrp_opt *opt, int64_t *member, int64_t value, const char *text, struct mrp_err *err)
{
	if (bounded(opt) && (value < opt->min || value > opt->max))
		return mrp_err_set(err, MRP_ERANGE, "'%s' is too %s", text, value < opt->min ? "small" : "large");
	*member = value;
	return 0;
}

static int set_duration(const struct mrp_opt *opt, void *member, const char *text, struct mrp_err *err)
{
	int64_t ms;

	return parse_duration(&ms, text, err) < 0 ? -1 : set_bounded(opt, member, ms, text, err);
}

static int set_size(const struct mrp_opt *opt, void *member, const char *text, struct mrp_err *err)
{
	int64_t bytes;

	return parse_size(&bytes, text, err) < 0 ? -1 : set_bounded(opt, member, bytes, text, err);
}

static void add_word(void *ctx, const char *word, size_t len)
{
	struct strvec *words = ctx;

	strvec_push_nodup(words, xstrndup(word, len));
}

static int set_enum(const struct mrp_opt *opt, void *member, const char *text, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec words = STRVEC_INIT;
	int index = mrp_word_index(opt->arg, text);

	if (index >= 0) {
		*(int *)member = index;
		return 0;
	}
	mrp_opt_words(opt, add_word, &words);
	const char *near = nearest_word(text, (const char *const *)words.v, words.n);
	if (near)
		return mrp_err_set(err, MRP_EPARSE, "'%s' is not one of %s; did you mean '%s'?", text, opt->arg, near);
	return mrp_err_set(err, MRP_EPARSE, "'%s' is not one of %s", text, opt->arg);
}

static int set_list(const struct mrp_opt *opt, void *member, const char *text, struct mrp_err *err)
{
	(void)opt, (void)err;
	strvec_push(member, text);
	return 0;
}

int mrp_limit_parse(struct mrp_limit *out, const char *text, struct mrp_err *err)
{
	struct mrp_limit limit = { .set = true };

	if (ends_with(text, "%")) {
		limit.is_percent = true;
		if (parse_percent(&limit.percent, text, err) < 0)
			return -1;
	} else if (parse_int(&limit.count, text, 0, INT64_MAX, err) < 0) {
		if (err->code == MRP_ERANGE)
			return mrp_err_set(err, MRP_ERANGE, "'%s' is out of range", text);
		return mrp_err_set(err, MRP_EPARSE, "'%s' is neither a number nor a percentage (like 5, 10%%)", text);
	}
	*out = limit;
	return 0;
}

static int set_limit(const struct mrp_opt *opt, void *member, const char *text, struct mrp_err *err)
{
	(void)opt;
	return mrp_limit_parse(member, text, err);
}

static int set_endpoint(const struct mrp_opt *opt, void *member, const char *text, struct mrp_err *err)
{
	struct mrp_endpoint endpoint = { .port = 0 };
	const char *colon = strrchr(text, ':'), *host = text;
	int64_t port;

	(void)opt;
	size_t len = colon ? (size_t)(colon - text) : 0;
	bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	if (bracketed) {
		host++;
		len -= 2;
	}
	if (!colon || len >= sizeof(endpoint.host) || memchr(host, bracketed ? ']' : ':', len))
		return mrp_err_set(err, MRP_EPARSE, "'%s' is not ADDR:PORT (like 127.0.0.1:8080, [::1]:8080)", text);
	if (parse_int(&port, colon + 1, 0, 65535, err) < 0)
		return mrp_err_wrap(err, "port of '%s'", text);
	memcpy(endpoint.host, host, len);
	endpoint.port = (int)port;
	*(struct mrp_endpoint *)member = endpoint;
	return 0;
}

static set_fn *const setters[] = {
	[OPT_TYPE_BOOL] = set_bool,
	[OPT_TYPE_TRISTATE] = set_tristate,
	[OPT_TYPE_COUNT] = set_count,
	[OPT_TYPE_STRING] = set_string,
	[OPT_TYPE_INT] = set_int,
	[OPT_TYPE_DURATION] = set_duration,
	[OPT_TYPE_SIZE] = set_size,
	[OPT_TYPE_ENUM] = set_enum,
	[OPT_TYPE_LIST] = set_list,
	[OPT_TYPE_LIMIT] = set_limit,
	[OPT_TYPE_ENDPOINT] = set_endpoint,
};

int mrp_opt_set(const struct mrp_opt *opt, void *base, const char *text, const char *shown, struct mrp_err *err)
{
	if (setters[opt->type](opt, (char *)base + opt->offset, text, err) < 0) {
		mrp_err_wrap(err, "%s", shown);
		err->code = MRP_EUSAGE;
		return -1;
	}
	return 0;
}

/* "prober/a,prober/b": as many values */
static void set_list_from_env(struct strvec *list, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, ",");

		if (len)
			strvec_push_nodup(list, xstrndup(text, len));
		text += len + (text[len] == ',');
	}
}

int mrp_opts_from_env(const struct mrp_opt_group *group, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT;

	for (const struct mrp_opt *opt = group->opts; opt && opt->type; opt++) {
		if (!opt->name || opt->flags & OPTF_NO_ENV || group->seen & UINT64_C(1) << (opt - group->opts))
			continue;
		strbuf_reset(&name);
		mrp_opt_env_name(&name, opt);
		const char *text = getenv(name.buf);
		if (!text || !*text)
			continue;
		if (opt->type == OPT_TYPE_LIST)
			set_list_from_env((void *)((char *)group->base + opt->offset), text);
		else if (mrp_opt_set(opt, group->base, text, name.buf, err) < 0)
			return -1;
	}
	return 0;
}

void mrp_opts_release(const struct mrp_opt *opts, void *base)
{
	for (const struct mrp_opt *opt = opts; opt && opt->type; opt++) {
		if (opt->type == OPT_TYPE_LIST)
			strvec_clear((void *)((char *)base + opt->offset));
	}
}

void mrp_opt_env_name(struct strbuf *out, const struct mrp_opt *opt)
{
	strbuf_addstr(out, "MRPROBER_");
	for (const char *p = opt->name; *p; p++)
		strbuf_addch(out, *p == '-' ? '_' : (char)toupper((unsigned char)*p));
}

void mrp_opt_words(const struct mrp_opt *opt, void (*each)(void *ctx, const char *word, size_t len), void *ctx)
{
	for (const char *p = opt->arg;; p++) {
		size_t len = strcspn(p, "|");

		each(ctx, p, len);
		p += len;
		if (!*p)
			return;
	}
}

int mrp_word_index(const char *words, const char *text)
{
	size_t want = strlen(text);
	int index = 0;

	for (const char *p = words;; p++, index++) {
		size_t len = strcspn(p, "|");

		if (len == want && memcmp(p, text, len) == 0)
			return index;
		p += len;
		if (!*p)
			return -1;
	}
}
