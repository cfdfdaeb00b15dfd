/* SPDX-License-Identifier: Apache-2.0 */
/* What clouds and receivers of metrics answer, and what people put into keys and headers: a result or an error, and no
 * token or header that could begin another header. The first byte says what the rest is. */
#include "fuzz.h"

#include "../../lib/cloud/iam_answer.h"
#include "../../lib/cloud/key.h"
#include "../../lib/push/format.h"

static void check_token(const struct http_peer_answer *answer)
{
	struct iam_answer out = { NULL };
	struct mrp_err err = MRP_ERR_INIT;

	if (iam_answer_read(&out, answer, 1700000000, &err) == 0) {
		MUST(iam_token_valid(out.token) && !strpbrk(out.token, "\r\n "));
		MUST(iam_keep_s(out.lifetime_s) > 0);
	} else {
		MUST(err.msg);
	}
	free(out.token);
	mrp_err_clear(&err);
}

static void check_reply(const struct http_peer_answer *answer, enum push_kind kind)
{
	struct push_reply reply;

	push_formats[kind].read(&reply, answer, 10);
	MUST(reply.rejected <= 10);
	MUST(reply.fate == PUSH_TAKEN || reply.said);
	free(reply.said);
}

static void check_headers(const char *text, bool env)
{
	struct strvec headers = STRVEC_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	int code = env ? push_headers_parse_env(&headers, text, &err)
		       : push_headers_parse_lines(&headers, text, "f", &err);

	MUST(code == 0 || err.msg);
	for (size_t i = 0; i < headers.n; i++)
		MUST(strchr(headers.v[i], ':') && !strpbrk(headers.v[i], "\r\n"));
	mrp_err_clear(&err);
	push_headers_clear(&headers);
}

static void check_key(const char *text, size_t len)
{
	struct authorized_key key;
	struct mrp_err err = MRP_ERR_INIT;

	MUST(authorized_key_parse(&key, text, len, "key", &err) == 0 || err.msg);
	mrp_err_clear(&err);
	authorized_key_release(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "application/json", "application/x-protobuf", "text/html", NULL };
	static const int statuses[] = { 200, 200, 400, 503 };
	struct http_peer_answer answer = HTTP_PEER_ANSWER_INIT;

	if (size < 2)
		return 0;
	answer.status = statuses[data[1] & 3];
	answer.content_type = types[data[1] >> 2 & 3] ? xstrdup(types[data[1] >> 2 & 3]) : NULL;
	strbuf_add(&answer.body, data + 2, size - 2);
	switch (data[0] % 6) {
	case 0:
		check_token(&answer);
		break;
	case 1:
		check_reply(&answer, PUSH_MONITORING);
		break;
	case 2:
		check_reply(&answer, PUSH_OTLP);
		break;
	case 3:
		check_headers(answer.body.buf, false);
		break;
	case 4:
		check_headers(answer.body.buf, true);
		break;
	default:
		check_key(answer.body.buf, answer.body.len);
	}
	http_peer_answer_release(&answer);
	return 0;
}
