/* SPDX-License-Identifier: Apache-2.0 */
/* http without its library: what is sent, and whether what came back is good. */
#include <ctype.h>

#include "body.h"
#include "http.h"

/* RFC 9110, 5.6.2 */
static bool is_token(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++) {
		if (!isalnum((unsigned char)*s) && !strchr("!#$%&'*+-.^_`|~", *s))
			return false;
	}
	return true;
}

int http_method_check(const char *method, struct mrp_err *err)
{
	return is_token(method) ? 0 : mrp_err_set(err, MRP_EINVALID, "'%s' is no method of HTTP", method);
}

int http_headers(struct strvec *out, const struct value *headers, struct mrp_err *err)
{
	for (uint32_t i = 0; headers && i < headers->n; i++) {
		const char *name = headers->members[i].key;
		const struct value *value = headers->members[i].value;

		if (!is_token(name))
			return mrp_err_set(err, MRP_EINVALID, "'%s' is no name of a header", name);
		if (value->type != V_STRING || strpbrk(value->s, "\r\n")) /* what it says may be a secret */
			return mrp_err_set(err, MRP_EINVALID, "header '%s' has more than one line", name);
		if (*value->s)
			strvec_pushf(out, "%s: %s", name, value->s);
		else
			strvec_pushf(out, "%s;", name); /* libcurl's way to send an empty one */
	}
	return 0;
}

void http_drop_secrets(struct strvec *headers)
{
	static const char *const secret[] = { "authorization", "cookie", "host", "proxy-authorization", "x-api-key" };
	struct strvec kept = STRVEC_INIT;

	for (size_t i = 0; i < headers->n; i++) {
		size_t len = strcspn(headers->v[i], ":;");
		bool drop = false;

		for (size_t k = 0; k < ARRAY_SIZE(secret); k++)
			drop |= strlen(secret[k]) == len && strncasecmp(secret[k], headers->v[i], len) == 0;
		if (!drop)
			strvec_push(&kept, headers->v[i]);
	}
	strvec_clear(headers);
	*headers = kept;
}

/* --- judgement ---------------------------------------------------------------------------------------------------- */

static bool status_expected(const struct value *expect, int status)
{
	if (!expect)
		return status >= 200 && status <= 299;
	for (uint32_t i = 0; i < expect->n; i++) {
		if (expect->items[i]->type == V_INT && expect->items[i]->i == status)
			return true;
	}
	return false;
}

/* Without the name and password that a URL may have, and what follows '?', which may be as secret. */
static void add_location(struct strbuf *out, const char *location)
{
	const char *host = strstr(location, "://"), *at;

	host = host ? host + 3 : location;
	size_t authority = strcspn(host, "/?#");
	at = memrchr(host, '@', authority);
	strbuf_addstr(out, ", to ");
	strbuf_add(out, location, (size_t)(host - location));
	host = at ? at + 1 : host;
	strbuf_add(out, host, strcspn(host, "?#"));
}

static void wrong_status(struct check *check, const struct value *expect, const struct http_result *result)
{
	cleanup(strbuf_release) struct strbuf list = STRBUF_INIT;

	for (uint32_t i = 0; expect && i < expect->n; i++)
		strbuf_addf(&list, "%s%d", i ? ", " : "", (int)expect->items[i]->i);
	if (!expect)
		strbuf_addstr(&list, "200-299");
	if (result->location)
		add_location(&list, result->location);
	check_end(check, NAGIOS_CRITICAL, "%d instead of %s", result->status, list.buf);
}

static void add_values(struct check *check, const struct http_result *result)
{
	const struct {
		const char *name;
		int64_t us;
	} phases[] = {
		{ "resolve", result->resolve_us },
		{ "connect", result->connect_us },
		{ "tls", result->tls_us },
		{ "processing", result->processing_us },
		{ "transfer", result->transfer_us },
	};

	check_value(check, "time", "s", seconds(result->total_us));
	check_value(check, "size", "B", (double)result->size);
	check_value(check, "status", "", result->status);
	check_value(check, "http_version", "", result->version / 10.0);
	check_value(check, "redirects", "", result->redirects);
	for (size_t i = 0; i < ARRAY_SIZE(phases); i++)
		check_labeled(check, "phase", "s", "phase", phases[i].name, seconds(phases[i].us));
}

static void check_validity(struct check *check, const struct http_result *result)
{
	int64_t need_ms = option_duration(check, "min_validity", 0);

	if (result->has_cert && need_ms && result->cert_left_s < need_ms / 1000)
		check_warn(check, "the certificate is valid until %s only, less than %s", result->cert_ends,
			option_text(check, "min_validity"));
}

static bool contains(const struct strbuf *body, const char *text)
{
	return memmem(body->buf, body->len, text, strlen(text));
}

void http_judge(struct check *check, const struct http_result *result)
{
	const struct value *expect = value_get(check->options, "expect_status");
	const char *text = option_text(check, "expect_body"), *regex = option_text(check, "expect_body_regex");
	bool cut = result->size > (int64_t)result->body.len, matches = true;
	struct mrp_err err = MRP_ERR_INIT;

	if (regex && body_matches(&matches, result->body.buf, result->body.len, regex, &err) < 0) {
		check_error(check, REASON_CONFIG, "%s", err.msg);
		mrp_err_clear(&err);
		return;
	}
	add_values(check, result);
	check_validity(check, result);
	check_max_time(check, "the answer", result->total_us);
	if (!status_expected(expect, result->status))
		wrong_status(check, expect, result);
	else if (text && !contains(&result->body, text))
		check_end(check, NAGIOS_CRITICAL, "%d, but the %s does not contain what is expected", result->status,
			cut ? "first MiB of the body" : "body");
	else if (!matches)
		check_end(check, NAGIOS_CRITICAL, "%d, but the %s does not match what is expected", result->status,
			result->size > BODY_REGEX_MAX ? "first 64 KiB of the body" : "body");
	else
		check_end(check, NAGIOS_OK, "%d, %lld bytes in %.3f s", result->status, (long long)result->size,
			seconds(result->total_us));
}
