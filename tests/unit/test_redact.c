/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in all their spellings, in any chunks; and nothing but secrets. */
#include "unit.h"

#include <inttypes.h>

#include "../../lib/creator/redact.h"
#include "../../lib/creator/redact_forms.h"
#include "../../lib/value/json.h"

static uint64_t seed = 1;

static uint64_t random_below(uint64_t n) /* splitmix64 */
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % n;
}

/* In chunks of at most `max` bytes, each from a block of exactly its size. */
static void filter(struct strbuf *out, const struct redact_set *set, const char *text, size_t len, size_t max)
{
	struct redact_stream stream;

	redact_begin(&stream, set);
	while (len) {
		size_t wanted = max == 1 ? 1 : 1 + random_below(max), n = MIN(len, wanted);
		char *chunk = memcpy(xmalloc(n), text, n);

		redact_feed(out, &stream, chunk, n);
		free(chunk);
		text += n;
		len -= n;
	}
	redact_end(out, &stream);
}

/* However it comes, the same goes. */
static void expect(const char *what, const struct redact_set *set, const char *text, const char *want)
{
	for (size_t round = 0; round < 30; round++) {
		cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;

		filter(&out, set, text, strlen(text), round < 2 ? 1 + round * 100000 : 1 + random_below(40));
		if (strcmp(out.buf, want) != 0)
			fail_msg("%s, round %zu, seed %" PRIu64 ":\n%s\ninstead of\n%s", what, round, seed, out.buf,
				want);
	}
}

static void test_spellings(void **state)
{
	static const struct {
		const char *secret, *text, *want;
	} rows[] = {
		{ "hunter2", "the password is hunter2.", "the password is ***." },
		{ "hunter2", "hunter2", "***" },
		{ "hunter2", "hunter2hunter2 hunter2hunter", "*** ***hunter" },
		{ "hunter2", "hunterhunter2", "hunter***" },
		{ "hunter2", "", "" },
		{ "abab", "xababababx", "x***x" },
		{ "a\"b\\c\nd", "{\"p\": \"a\\\"b\\\\c\\nd\"}", "{\"p\": \"***\"}" },
		{ "a\"b\\c", "\"{\\\"p\\\":\\\"a\\\\\\\"b\\\\\\\\c\\\"}\"", "\"{\\\"p\\\":\\\"***\\\"}\"" },
		{ "x<y>&z", "\"x\\u003cy\\u003e\\u0026z\"", "\"***\"" },
		{ "p\xc3\xa4ss\xf0\x9f\x94\x91", "p\\u00e4ss\\ud83d\\udd11!", "***!" },
		{ "a/b/c", "a\\/b\\/c", "***" },
		{ "a${b}%{c", "pass = \"a$${b}%%{c\"", "pass = \"***\"" },
		{ "p@ss w/rd", "https://x/?p=p%40ss%20w%2Frd&q", "https://x/?p=***&q" },
		{ "p@ss w/rd", "p%40ss+w%2frd", "***" },
		{ "p@ss w/rd", "p%40ss+w/rd", "***" },
		{ "hunter2!?", "aHVudGVyMiE/", "***" },
		{ "hunter2!?", "aHVudGVyMiE_", "***" },
		/* "user:hunter2!?" and "me:hunter2!?x" */
		{ "hunter2!?", "dXNlcjpodW50ZXIyIT8=", "dXNlcjp***8=" },
		{ "hunter2!?", "bWU6aHVudGVyMiE/eA==", "bWU6***eA==" },
		{ "one line\n  two}\n}\n", "+ one line\n+   two}\n}", "+ ***\n+   ***\n}" },
		{ "one\r\ntwos\r\n", "a one b twos", "a one b ***" },
		{ " padded ", "|padded|", "|***|" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(redact_freep) struct redact_set *set = redact_new(0);

		assert_true(redact_add(set, rows[i].secret, strlen(rows[i].secret)));
		expect(rows[i].secret, set, rows[i].text, rows[i].want);
	}
}

static void test_too_short(void **state)
{
	cleanup(redact_freep) struct redact_set *set = redact_new(0);

	(void)state;
	assert_false(redact_add(set, "", 0));
	assert_false(redact_add(set, "abc", 3));
	assert_true(redact_add(set, "abcd", 4));
	assert_true(redact_add(set, "ab\0cd", 5));
	expect("short", set, "abc abd", "abc abd");
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	filter(&out, set, "1ab\0cd2", 7, 1);
	assert_string_equal(out.buf, "1***2");
}

static void test_overlaps(void **state)
{
	cleanup(redact_freep) struct redact_set *set = redact_new(0);
	static const char *const secrets[] = { "abcdef", "defghi", "cdef", "ghijklmnop", "abcdefghij-and-more" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		redact_add(set, secrets[i], strlen(secrets[i]));
	expect("overlap", set, "xabcdefghijklmnopx", "x***x");
	expect("a longer one does not come", set, "abcdefghij-and-mor", "***j-and-mor");
	expect("a longer one", set, "abcdefghij-and-more", "***");
	expect("side by side", set, "cdefcdef cdef", "*** ***");
	expect("not whole", set, "abcde defgh cde", "abcde defgh cde");
}

static void test_value(void **state)
{
	static const char json[] =
		"{\"z\": \"first-secret\", \"list\": [123456, 2.5, true, null, \"\", \"second one\"],"
		"\"deep\": {\"er\": \"third\\nlines\"}}";
	struct arena arena = ARENA_INIT;
	cleanup(redact_freep) struct redact_set *set = redact_new(0);
	struct mrp_err err = MRP_ERR_INIT;
	struct value *value = json_parse(&arena, json, strlen(json), "test", &err);

	(void)state;
	assert_non_null(value);
	assert_false(redact_add_value(set, value)); /* 2.5 is too short */
	expect("parts", set, "first-secret 123456 2.5 true null second one third lines z list deep",
		"*** *** 2.5 true null *** *** *** z list deep");
	expect("sorted, as terraform writes it", set,
		"x = {\"deep\":{\"er\":\"third\\nlines\"},\"list\":[123456,2.5,true,null,\"\",\"second "
		"one\"],\"z\":\"first-secret\"}",
		"x = ***");
	arena_release(&arena);
}

#define X10 "0123456789"
#define X40 X10 X10 X10 X10
#define X60 X40 X10 X10
#define KEY_BODY "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ\n"

static void test_shapes(void **state)
{
	static const char *const rows[][2] = {
		{ "t1.9euelZqX" X40 "." X60 "_- end", "*** end" },
		{ "t1.9euelZqX" X40 "." X60 "== end", "*** end" },
		{ "t1.9euelZqX" X40 "." X40, "t1.9euelZqX" X40 "." X40 },
		{ "paint1.9euelZqX" X40 "." X60, "paint1.9euelZqX" X40 "." X60 },
		{ "version t1.2 and t1.", "version t1.2 and t1." },
		{ "y0_" X40 "AbC-", "***" },
		{ "AQVN" X40 ",", "***," },
		{ "secret: YC" X10 X10 X10 "abcdefgh\n", "secret: ***\n" },
		{ "YC" X40, "YC" X40 },
		{ "YCXabc YC", "YCXabc YC" },
		{ "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4", "***" },
		{ "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9" },
		{ "mrp_" X40 "abcdefghi.", "***." },
		{ "ghp_" X40, "***" },
		{ "Authorization: Bearer abcdefghijklmnop.q/r+s==\r\n", "Authorization: Bearer ***\r\n" },
		{ "Bearer authentication", "Bearer authentication" },
		{ "Authorization: [\"Basic dXNlcjpwYXNzd29yZA==\"]", "Authorization: [\"Basic ***\"]" },
		{ "Basic authentication", "Basic authentication" },
		{ "git::https://user:pa:ss@host/x.git", "git::https://user:***@host/x.git" },
		{ "https://" X10 X10 "@host", "https://***@host" },
		{ "ssh://git@host/x", "ssh://git@host/x" },
		{ "http://127.0.0.1:8080/a@b http://[::1]:80", "http://127.0.0.1:8080/a@b http://[::1]:80" },
		{ "at ://", "at ://" },
		{ "a\n-----BEGIN PRIVATE KEY-----\n" KEY_BODY KEY_BODY "-----END PRIVATE KEY-----\nb", "a\n***\nb" },
		{ "\"-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY-----\\n\"", "\"***\\n\"" },
		{ "-----BEGIN PRIVATE KEY-----\n" KEY_BODY "and so on", "***" },
		{ "-----BEGIN PRIVATE KEY-----\nx\n-----END ", "***" },
		{ "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----",
			"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----" },
		{ "-----BEGIN PRIVATE KEY----", "-----BEGIN PRIVATE KEY----" },
		{ "--------", "--------" },
		{ "", "" },
	};
	cleanup(redact_freep) struct redact_set *set = redact_new(REDACT_SHAPES), *none = redact_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		expect(rows[i][0], set, rows[i][0], rows[i][1]);
		expect(rows[i][0], none, rows[i][0], rows[i][0]);
	}
}

/* A token of a megabyte is hidden, a key without an end hides only so much; memory stays small. */
static void test_endless(void **state)
{
	cleanup(redact_freep) struct redact_set *set = redact_new(REDACT_SHAPES);
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
	struct redact_stream stream;

	(void)state;
	strbuf_addstr(&text, "Bearer ");
	strbuf_addchars(&text, 'x', 1 << 20);
	strbuf_addstr(&text, " -----BEGIN PRIVATE KEY-----");
	strbuf_addchars(&text, '\n', 1 << 20);
	redact_begin(&stream, set);
	for (size_t i = 0; i < text.len; i += 1000) {
		redact_feed(&out, &stream, text.buf + i, MIN((size_t)1000, text.len - i));
		assert_true(stream.held.len < 10000);
	}
	redact_end(&out, &stream);
	assert_memory_equal(out.buf, "Bearer *** ***\n\n", 16);
	assert_int_equal(out.len, 14 + (1 << 20) - (32 << 10));
}

/* --- property: as somebody would do it who has all the text, all the forms and all the time -------------------------
 */

VEC_DEFINE(form_vec, struct strbuf)

static void keep_form(void *ctx, const char *form, size_t len)
{
	struct strbuf copy = STRBUF_INIT;

	if (len < REDACT_MIN)
		return;
	strbuf_add(&copy, form, len);
	form_vec_push(ctx, copy);
}

static void filter_slowly(struct strbuf *out, const struct form_vec *forms, const struct strbuf *text)
{
	cleanup(freep) bool *hidden = xcalloc(text->len + 1, sizeof(bool));

	for (size_t i = 0; i < forms->n; i++) {
		const struct strbuf *form = &forms->v[i];

		for (size_t at = 0; at + form->len <= text->len; at++) {
			if (memcmp(text->buf + at, form->buf, form->len) == 0)
				memset(hidden + at, true, form->len);
		}
	}
	for (size_t at = 0; at < text->len; at++) {
		if (!hidden[at])
			strbuf_addch(out, text->buf[at]);
		else if (!at || !hidden[at - 1])
			strbuf_addstr(out, "***");
	}
}

static void add_random(struct strbuf *out, size_t len, const char *alphabet, size_t letters)
{
	while (len--)
		strbuf_addch(out, alphabet[random_below(letters)]);
}

/* Few letters make many repetitions and overlaps; all bytes but '*' make odd forms. */
static void one_round(void)
{
	static char bytes[255];
	static const char few[] = "ab", some[] = "ab\"\\ \n/<%{$+=\xc3\xa9";
	const char *alphabets[] = { few, some, bytes };
	size_t letters[] = { 2, sizeof(some) - 1, sizeof(bytes) }, which = random_below(3), n = 1 + random_below(6);
	cleanup(redact_freep) struct redact_set *set = redact_new(0);
	struct form_vec forms = VEC_INIT;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT, out = STRBUF_INIT, want = STRBUF_INIT;

	for (int c = 0, i = 0; c < 256; c++) {
		if (c != '*')
			bytes[i++] = (char)c;
	}
	for (size_t i = 0; i < n; i++) {
		cleanup(strbuf_release) struct strbuf secret = STRBUF_INIT;

		add_random(&secret, 4 + random_below(random_below(2) ? 6 : 60), alphabets[which], letters[which]);
		/* from a block of exactly that size */
		cleanup(freep) char *copy = memcpy(xmalloc(secret.len), secret.buf, secret.len);
		redact_add(set, copy, secret.len);
		redact_each_form(copy, secret.len, keep_form, &forms);
	}
	while (text.len < 400) {
		const struct strbuf *form = &forms.v[random_below(forms.n)];
		size_t cut = random_below(4) ? form->len : random_below(form->len);

		add_random(&text, random_below(12), alphabets[which], letters[which]);
		strbuf_add(&text, form->buf, cut);
	}
	filter_slowly(&want, &forms, &text);
	filter(&out, set, text.buf, text.len, 1 + random_below(random_below(2) ? 8 : 500));
	if (out.len != want.len || memcmp(out.buf, want.buf, out.len) != 0)
		fail_msg("seed %" PRIu64, seed);
	for (size_t i = 0; i < forms.n; i++) {
		assert_null(memmem(out.buf, out.len, forms.v[i].buf, forms.v[i].len));
		strbuf_release(&forms.v[i]);
	}
	form_vec_clear(&forms);
}

static void test_property(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		seed = 1000003 * (uint64_t)(i + 1);
		one_round();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
