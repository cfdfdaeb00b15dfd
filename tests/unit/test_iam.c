/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../../lib/cloud/iam_answer.h"
#include "../../lib/cloud/key.h"

#define NOW 1700000000

static void test_answers(void **state)
{
	static const struct {
		const char *what;
		int status;
		const char *body, *token;
		int64_t lifetime_s;
		const char *msg;
	} cases[] = {
		{ "no JSON", 200, "<html>", NULL, 0, "answered 200 without a token" },
		{ "no object", 200, "[\"t1.secret\"]", NULL, 0, "answered 200 without a token" },
		{ "cut short", 200, "{\"iamToken\":\"t1.secret", NULL, 0, "answered 200 without a token" },
		{ "another type", 200, "{\"iamToken\":7}", NULL, 0, "answered 200 without a token" },
		{ "empty", 200, "{\"iamToken\":\"\"}", NULL, 0, "answered 200 with a token that no header can carry" },
		{ "a header in it", 200, "{\"iamToken\":\"t1.secret\\r\\nX: y\"}", NULL, 0,
			"answered 200 with a token that no header can carry" },
		{ "a space in it", 200, "{\"access_token\":\"t1.secret x\"}", NULL, 0,
			"answered 200 with a token that no header can carry" },
		{ "refused", 401, "{\"code\":16,\"message\":\"The token is invalid\"}", NULL, 0,
			"answered 401: The token is invalid" },
		{ "repeats the JWT", 400, "{\"message\":\"bad jwt eyJ0eXAi.secret\"}", NULL, 0, "answered 400" },
		{ "no account", 404, "no such thing: secret", NULL, 0, "answered 404" },
		{ "redirect", 302, "", NULL, 0, "answered 302" },
		{ "endpoint", 200,
			"{\"iamToken\":\"t1.a_b-c~d+e/f==\",\"expiresAt\":\"2023-11-14T23:13:20.123456789Z\"}",
			"t1.a_b-c~d+e/f==", 3600, NULL },
		{ "expired", 200, "{\"iamToken\":\"t1\",\"expiresAt\":\"2023-11-14T22:13:19Z\"}", "t1", -1, NULL },
		{ "another zone", 200, "{\"iamToken\":\"t1\",\"expiresAt\":\"2023-11-15T02:13:20+03:00\"}", "t1", 3600,
			NULL },
		{ "no time", 200, "{\"iamToken\":\"t1\",\"expiresAt\":\"soon\"}", "t1", 3600, NULL },
		{ "metadata", 200, "{\"access_token\":\"t2\",\"expires_in\":43000,\"token_type\":\"Bearer\"}", "t2",
			43000, NULL },
		{ "for ever", 200, "{\"access_token\":\"t2\",\"expires_in\":9223372036854775807}", "t2", 86400, NULL },
		{ "negative", 200, "{\"access_token\":\"t2\",\"expires_in\":-9223372036854775808}", "t2", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct http_peer_answer answer = HTTP_PEER_ANSWER_INIT;
		struct mrp_err err = MRP_ERR_INIT;
		struct iam_answer out = { NULL };

		answer.status = cases[i].status;
		strbuf_addstr(&answer.body, cases[i].body);
		int code = iam_answer_read(&out, &answer, NOW, &err);
		if ((code == 0) != (cases[i].token != NULL))
			fail_msg("%s: %s", cases[i].what, err.msg ? err.msg : "accepted");
		if (code == 0) {
			assert_string_equal(out.token, cases[i].token);
			assert_int_equal(out.lifetime_s, cases[i].lifetime_s);
		} else {
			assert_string_equal(err.msg, cases[i].msg);
			assert_null(strstr(err.msg, "secret"));
		}
		free(out.token);
		mrp_err_clear(&err);
		http_peer_answer_release(&answer);
	}
}

static void test_keep(void **state)
{
	static const struct {
		int64_t lifetime_s, keep_s;
	} cases[] = { { -5, 10 }, { 0, 10 }, { 69, 10 }, { 71, 11 }, { 3600, 3540 }, { 43200, 3600 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(iam_keep_s(cases[i].lifetime_s), cases[i].keep_s);
}

/* Keys that are too short or of another kind: http/iam. */
static void test_bad_keys(void **state)
{
	static const struct {
		const char *json, *msg;
	} cases[] = {
		{ "", "k is not the JSON of an authorized key" },
		{ "PRIVATE", "k is not the JSON of an authorized key" },
		{ "\"PRIVATE\"", "k is not the JSON of an authorized key" },
		{ "{\"private_key\":\"PRIVATE\"", "k is not the JSON of an authorized key" },
		{ "{\"private_key\":\"PRIVATE\"}", "k: 'id' is not the id of a key" },
		{ "{\"id\":\"a b\",\"private_key\":\"PRIVATE\"}", "k: 'id' is not the id of a key" },
		{ "{\"id\":\"a\",\"private_key\":\"PRIVATE\"}",
			"k: 'service_account_id' is not the id of a service account" },
		{ "{\"id\":\"a\",\"service_account_id\":\"b\"}", "k: 'private_key' is missing" },
		{ "{\"id\":\"a\",\"service_account_id\":\"b\",\"private_key\":1}", "k: 'private_key' is missing" },
		{ "{\"id\":\"a\",\"service_account_id\":\"b\",\"private_key\":\"PRIVATE\"}",
			"k: 'private_key': it is no private key in PEM without a password" },
		{ "{\"id\":\"a\",\"service_account_id\":\"b\",\"private_key\":"
		  "\"-----BEGIN PRIVATE KEY-----\\nPRIVATE\\n-----END PRIVATE KEY-----\\n\"}",
			"k: 'private_key': it is no private key in PEM without a password" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct authorized_key key;
		struct mrp_err err = MRP_ERR_INIT;

		assert_int_equal(authorized_key_parse(&key, cases[i].json, strlen(cases[i].json), "k", &err), -1);
		assert_string_equal(err.msg, cases[i].msg);
		assert_int_equal(err.code, MRP_EINVALID);
		mrp_err_clear(&err);
		authorized_key_release(&key);
	}
}

/* RFC 4648, and the two digits that differ from base64. */
static void test_base64url(void **state)
{
	static const char *const cases[][2] = { { "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" }, { "\xfb\xff\xfe", "-__-" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;

		jwt_add_base64url(&out, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(out.buf, cases[i][1]);
	}
}

static void test_bad_urls(void **state)
{
	static const struct {
		const char *url, *msg;
		bool secret;
	} cases[] = {
		{ "", "'' is not a URL that begins with http:// or https://", false },
		{ "example.net", "'example.net' is not a URL that begins with http:// or https://", false },
		{ "file:///etc/passwd", "'file:///etc/passwd' is not a URL that begins with http:// or https://",
			false },
		{ "ftp://u:s3cret@example.net", "'@example.net' is not a URL that begins with http:// or https://",
			false },
		{ "http://", "'http://' names no host", false },
		{ "http:///x", "'http:///x' names no host", false },
		{ "http://:80/", "'http://:80/' names no host", false },
		{ "http://[::1/", "'http://[::1/' names no host", false },
		{ "http://u:s3cret@example.net/", "the URL holds a user name or a password", false },
		{ "http://example.net/a b",
			"'http://example.net/a b' is not a URL: a character of it has to be escaped", false },
		{ "http://example.net/?a=b", "'http://example.net/?a=b': a query or a fragment has no place here",
			false },
		{ "http://example.net/", "'http://example.net/' is not https://: secrets do not go there", true },
		{ "http://127.0.0.1.example.net/",
			"'http://127.0.0.1.example.net/' is not https://: secrets do not go there", true },
		{ "https://example.net/a/", NULL, true },
		{ "http://127.0.0.1:1/a/", NULL, true },
		{ "http://[::1]:1", NULL, true },
		{ "http://localhost", NULL, true },
		{ "http://example.net", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct http_peer_options options = { .url = cases[i].url, .secret = cases[i].secret };
		struct mrp_err err = MRP_ERR_INIT;
		struct http_peer *peer = http_peer_open(&options, &err);

		if ((peer != NULL) != (cases[i].msg == NULL))
			fail_msg("%s: %s", cases[i].url, err.msg ? err.msg : "accepted");
		if (cases[i].msg)
			assert_string_equal(err.msg, cases[i].msg);
		mrp_err_clear(&err);
		http_peer_close(peer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_base64url),
		cmocka_unit_test(test_bad_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
