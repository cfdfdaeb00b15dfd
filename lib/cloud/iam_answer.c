/* SPDX-License-Identifier: Apache-2.0 */
#include "iam_answer.h"

#include "../base/clock.h"
#include "../value/json.h"

enum { MAX_TOKEN_BYTES = 16 * 1024, MAX_SAID_BYTES = 200, UNKNOWN_LIFETIME_S = 3600, MAX_LIFETIME_S = 86400 };
enum {
	KEEP_S = 3600,
	MARGIN_S = 60,
	KEEP_MIN_S = 10, /* however soon it ends, a server is not asked for each call */
};

bool iam_token_valid(const char *token)
{
	size_t len = strspn(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=");

	return len > 0 && len <= MAX_TOKEN_BYTES && token[len] == '\0';
}

/* *said: the server has said so, in a form that is understood; else it is a guess. */
static int64_t lifetime_of(const struct value *json, int64_t now_s, bool *said)
{
	const struct value *expires_in = value_get(json, "expires_in");
	int64_t ends_ms = time_parse(value_get_string(json, "expiresAt"));

	*said = true;
	if (expires_in && expires_in->type == V_INT)
		return MAX(0, MIN(expires_in->i, MAX_LIFETIME_S));
	if (ends_ms >= 0)
		return ends_ms / 1000 - now_s;
	*said = false;
	return UNKNOWN_LIFETIME_S;
}

/* {"code", "message"}: worth a look, unless it repeats what it was sent (a JWT begins with "eyJ"). */
static int refused(int status, const struct value *json, struct mrp_err *err)
{
	const char *said = json ? value_get_string(json, "message") : NULL;
	bool quoted = said && strlen(said) <= MAX_SAID_BYTES && !strstr(said, "eyJ");

	return mrp_err_set(err,
		status == 400 || status == 401 || status == 403 || status == 404 ? MRP_EPERM : MRP_EHTTP,
		"answered %d%s%s", status, quoted ? ": " : "", quoted ? said : "");
}

static void wipe(const struct value *json, const char *key)
{
	struct value *value = value_get(json, key);

	if (value && value->type == V_STRING)
		explicit_bzero((char *)value->s, value->n);
}

int iam_answer_read(struct iam_answer *out, const struct http_peer_answer *answer, int64_t now_s, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct mrp_err parse_err = MRP_ERR_INIT;
	const struct value *json = json_parse(&arena, answer->body.buf, answer->body.len, "answer", &parse_err);

	mrp_err_clear(&parse_err); /* it may quote the token */
	if (json && json->type != V_OBJECT)
		json = NULL;
	if (answer->status != 200)
		return refused(answer->status, json, err);
	const char *token = json ? value_get_string(json, "iamToken") : NULL;
	bool said;
	if (json && !token)
		token = value_get_string(json, "access_token");
	if (!token)
		return mrp_err_set(err, MRP_EHTTP, "answered 200 without a token");
	if (!iam_token_valid(token))
		return mrp_err_set(err, MRP_EHTTP, "answered 200 with a token that no header can carry");
	*out = (struct iam_answer){ xstrdup(token), lifetime_of(json, now_s, &said), said };
	wipe(json, "iamToken");
	wipe(json, "access_token");
	return 0;
}

int64_t iam_keep_s(int64_t lifetime_s)
{
	return MAX(KEEP_MIN_S, MIN(KEEP_S, lifetime_s - MARGIN_S));
}
