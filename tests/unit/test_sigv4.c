/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures that the AWS documentation and its test suite (aws-sig-v4-test-suite) give; http/objects.sh has a server
 * that checks them. */
#include "unit.h"

#include "../../lib/base/hash.h"
#include "../../lib/cloud/sigv4.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define EXAMPLE_ID "AKIAIOSFODNN7EXAMPLE"
#define EXAMPLE_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define S3_DATE "x-amz-date: 20130524T000000Z"
#define S3_HOST "Host: examplebucket.s3.amazonaws.com"

static const struct sigv4_identity s3_example = { EXAMPLE_ID, EXAMPLE_SECRET, "us-east-1", "s3" };
static const struct sigv4_identity suite = { "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1",
	"service" };
static const struct sigv4_identity iam = { "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1",
	"iam" };

static const struct {
	const char *what;
	const struct sigv4_identity *identity;
	const char *method, *path, *query, *headers[6], *payload, *time, *signed_headers, *signature;
} cases[] = {
	{ "S3: GET Object", &s3_example, "GET", "/test.txt", NULL,
		{ S3_HOST, "Range: bytes=0-9", "x-amz-content-sha256: " EMPTY_SHA256, S3_DATE }, EMPTY_SHA256,
		"20130524T000000Z", "host;range;x-amz-content-sha256;x-amz-date",
		"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ "S3: PUT Object", &s3_example, "PUT", "/test%24file.text", NULL,
		{ S3_HOST, "Date: Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class: REDUCED_REDUNDANCY",
			"x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			S3_DATE },
		"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", "20130524T000000Z",
		"date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
		"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ "S3: GET Bucket Lifecycle", &s3_example, "GET", "/", "lifecycle",
		{ S3_DATE, "x-amz-content-sha256: " EMPTY_SHA256, S3_HOST }, EMPTY_SHA256, "20130524T000000Z",
		"host;x-amz-content-sha256;x-amz-date",
		"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ "S3: GET Bucket", &s3_example, "GET", "", "prefix=J&max-keys=2",
		{ "X-Amz-Content-SHA256:  " EMPTY_SHA256, S3_HOST, "X-Amz-Date: 20130524T000000Z  " }, EMPTY_SHA256,
		"20130524T000000Z", "host;x-amz-content-sha256;x-amz-date",
		"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
	{ "suite: get-vanilla", &suite, "GET", "/", NULL,
		{ "Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z" }, EMPTY_SHA256, "20150830T123600Z",
		"host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "suite: get-vanilla-query-order-key-case", &suite, "GET", "/", "Param2=value2&Param1=value1",
		{ "Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z" }, EMPTY_SHA256, "20150830T123600Z",
		"host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "documentation: IAM ListUsers", &iam, "GET", "/", "Action=ListUsers&Version=2010-05-08",
		{ "Host: iam.amazonaws.com", "Content-Type: application/x-www-form-urlencoded; charset=utf-8",
			"X-Amz-Date: 20150830T123600Z" },
		EMPTY_SHA256, "20150830T123600Z", "content-type;host;x-amz-date",
		"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7" },
};

static void test_documented(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(strbuf_release) struct strbuf out = STRBUF_INIT, want = STRBUF_INIT;
		cleanup(strvec_clear) struct strvec headers = STRVEC_INIT;

		for (size_t k = 0; cases[i].headers[k]; k++)
			strvec_push(&headers, cases[i].headers[k]);
		const struct sigv4_request request = { cases[i].method, cases[i].path, cases[i].query, &headers,
			cases[i].payload };
		sigv4_add_authorization(&out, cases[i].identity, &request, cases[i].time);
		strbuf_addf(&want,
			"AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, SignedHeaders=%s, Signature=%s",
			cases[i].identity->key_id, cases[i].time, cases[i].identity->service, cases[i].signed_headers,
			cases[i].signature);
		if (strcmp(out.buf, want.buf) != 0)
			fail_msg("%s:\n%s\n%s", cases[i].what, out.buf, want.buf);
	}
}

/* The signature says the same however a query is ordered, and something else for another one. */
static void test_query(void **state)
{
	static const struct {
		const char *one, *other;
		bool same;
	} rows[] = {
		{ "a=1", "a=2", false },
		{ "a", "b", false },
		{ "a=1&b=2", "b=2&a=1", true },
		{ "a=2&a=1", "a=1&a=2", true },
		{ "a-b=1&a=2", "a=2&a-b=1", true },
		{ "uploads", "uploads=", true },
		{ "&a=1&&b=2&", "a=1&b=2", true },
		{ "a=b=c", "a=b&c", false },
		{ NULL, "", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(strbuf_release) struct strbuf one = STRBUF_INIT, other = STRBUF_INIT;
		cleanup(strvec_clear) struct strvec headers = STRVEC_INIT;

		strvec_push(&headers, "Host: h");
		struct sigv4_request request = { "GET", "/", rows[i].one, &headers, EMPTY_SHA256 };
		sigv4_add_authorization(&one, &suite, &request, "20150830T123600Z");
		request.query = rows[i].other;
		sigv4_add_authorization(&other, &suite, &request, "20150830T123600Z");
		if (streq(one.buf, other.buf) != rows[i].same)
			fail_msg("'%s' and '%s'", rows[i].one, rows[i].other);
	}
}

static void test_paths(void **state)
{
	static const char *const rows[][2] = { { "", "" }, { "/a-b._~/Z9", "/a-b._~/Z9" }, { "a b", "a%20b" },
		{ "a+b=c", "a%2Bb%3Dc" }, { "50%", "50%25" }, { "\xd0\xb6", "%D0%B6" },
		{ "?#&:@!$'()*,;", "%3F%23%26%3A%40%21%24%27%28%29%2A%2C%3B" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;

		sigv4_add_path(&out, rows[i][0]);
		assert_string_equal(out.buf, rows[i][1]);
	}
}

static void test_time(void **state)
{
	char text[SIGV4_TIME];

	(void)state;
	sigv4_time(text, 1369353600);
	assert_string_equal(text, "20130524T000000Z");
	sigv4_time(text, 951827696);
	assert_string_equal(text, "20000229T123456Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documented),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
