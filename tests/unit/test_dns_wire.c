/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of DNS: names, records, what is an answer to a question, and what is written by people. */
#include "../../lib/probe/dns_wire.h"
#include "unit.h"

static void test_names(void **state)
{
	static const struct {
		const char *name;
		int len;
	} cases[] = {
		{ "a..b", -1 },
		{ ".a", -1 },
		{ "a123456789a123456789a123456789a123456789a123456789a123456789abcd.x", -1 },
		{ "a", 12 + 3 + 4 + 11 },
		{ "a.", 12 + 3 + 4 + 11 },
		{ ".", 12 + 1 + 4 + 11 },
		{ "", 12 + 1 + 4 + 11 },
		{ "www.example.net", 12 + 17 + 4 + 11 },
	};
	uint8_t query[DNS_QUERY_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mrp_err err = MRP_ERR_INIT;

		print_message("'%s'\n", cases[i].name);
		assert_int_equal(dns_make_query(query, 7, cases[i].name, 1, &err), cases[i].len);
		mrp_err_clear(&err);
	}
	cleanup(strbuf_release) struct strbuf longest = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	for (int i = 0; i < 127; i++)
		strbuf_addstr(&longest, "a.");
	assert_int_equal(dns_make_query(query, 7, longest.buf, 1, &err), 12 + 255 + 4 + 11);
	strbuf_addstr(&longest, "a.");
	assert_int_equal(dns_make_query(query, 7, longest.buf, 1, &err), -1);
	mrp_err_clear(&err);
}

/* An answer to "a.test", type by type: what follows the question. */
static enum dns_match answer(
	struct dns_answer *out, int type, const char *flags, int records, const char *rest, size_t len)
{
	cleanup(strbuf_release) struct strbuf message = STRBUF_INIT;
	uint8_t query[DNS_QUERY_MAX];
	struct mrp_err err = MRP_ERR_INIT;
	int n = dns_make_query(query, 0x4242, "a.test", type, &err);

	strbuf_add(&message, "BB", 2);
	strbuf_add(&message, flags, 2);
	strbuf_add(&message, "\0\1\0", 3);
	strbuf_addch(&message, (char)records);
	strbuf_add(&message, "\0\0\0\0\1A\4TEST\0\0", 13);
	strbuf_addch(&message, (char)type);
	strbuf_add(&message, "\0\1", 2);
	strbuf_add(&message, rest, len);
	return dns_read_answer(out, (const uint8_t *)message.buf, message.len, query, (size_t)n);
}

#define HEAD(type) "\xc0\x0c\0" type "\0\1\0\0\0\1\0"

static void test_records(void **state)
{
	static const struct {
		int type;
		const char *rest;
		size_t len;
		const char *expect;
	} cases[] = {
#define ROW(type, text, expect) { type, text, sizeof(text) - 1, expect }
		ROW(1, HEAD("\1") "\4\1\2\3\4", "1.2.3.4"),
		ROW(1, HEAD("\1") "\3\1\2\3", NULL),
		ROW(1, HEAD("\1") "\5\1\2\3\4\5", NULL),
		ROW(1, HEAD("\1") "\4\1\2\3", NULL),
		ROW(1, "\xc0\x0c\0", NULL),
		ROW(1, "\xc0\xff\0\1\0\1\0\0\0\1\0\4\1\2\3\4", NULL),
		ROW(1, "\xc0\x18\0\1\0\1\0\0\0\1\0\4\1\2\3\4", NULL),
		ROW(28, HEAD("\x1c") "\x10\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", "2001:db8::1"),
		ROW(5, HEAD("\5") "\4\1b\xc0\x0e", "b.TEST."),
		ROW(5, HEAD("\5") "\2\xc0\x0c", "A.TEST."),
		ROW(5, HEAD("\5") "\1\0", "."),
		ROW(5, HEAD("\5") "\2\xc0\x24", NULL),
		ROW(5, HEAD("\5") "\5\3\\. \0", "\\\\\\.\\032."),
		ROW(15, HEAD("\xf") "\6\0\x0a\1m\xc0\x0e", "10 m.TEST."),
		ROW(16, HEAD("\x10") "\6\2a\"\2\1z", "\"a\\\"\\001z\""),
		ROW(16, HEAD("\x10") "\3\3ab", NULL),
		ROW(33, HEAD("\x21") "\x8\0\1\0\2\0\x50\xc0\x0e", "1 2 80 TEST."),
		ROW(99, HEAD("\x63") "\2\1\2", "\\# 2 0102"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(dns_answer_release) struct dns_answer out = DNS_ANSWER_INIT;

		print_message("row %zu\n", i);
		enum dns_match match = answer(&out, cases[i].type, "\x81\x80", 1, cases[i].rest, cases[i].len);
		assert_int_equal(match, cases[i].expect ? DNS_ANSWER : DNS_GARBAGE);
		assert_int_equal(out.records.n, cases[i].expect ? 1 : 0);
		if (cases[i].expect)
			assert_string_equal(out.records.v[0], cases[i].expect);
	}
}

static void test_what_is_an_answer(void **state)
{
	uint8_t query[DNS_QUERY_MAX], other[DNS_QUERY_MAX];
	struct mrp_err err = MRP_ERR_INIT;
	struct dns_answer out = DNS_ANSWER_INIT;
	size_t n = (size_t)dns_make_query(query, 1, "a.test", 1, &err), m;

	(void)state;
	assert_int_equal(dns_read_answer(&out, query, n, query, n), DNS_OTHER); /* it is the question */
	m = (size_t)dns_make_query(other, 2, "a.test", 1, &err);
	other[2] |= 0x80;
	assert_int_equal(dns_read_answer(&out, other, m, query, n), DNS_OTHER);
	m = (size_t)dns_make_query(other, 1, "b.test", 1, &err);
	other[2] |= 0x80;
	assert_int_equal(dns_read_answer(&out, other, m, query, n), DNS_OTHER);
	m = (size_t)dns_make_query(other, 1, "a.test", 28, &err);
	other[2] |= 0x80;
	assert_int_equal(dns_read_answer(&out, other, m, query, n), DNS_OTHER);
	m = (size_t)dns_make_query(other, 1, "A.Test", 1, &err);
	other[2] |= 0x80;
	assert_int_equal(dns_read_answer(&out, other, m, query, n), DNS_ANSWER);
	other[3] = 3;
	assert_int_equal(dns_read_answer(&out, other, m, query, n), DNS_ANSWER);
	assert_int_equal(out.rcode, DNS_NXDOMAIN);
	for (size_t len = 0; len < 12; len++)
		assert_int_not_equal(dns_read_answer(&out, other, len, query, n), DNS_ANSWER);
	assert_int_equal(
		answer(&out, 1, "\x83\x80", 9, "", 0), DNS_ANSWER); /* cut off: what is there does not matter */
	assert_true(out.truncated);
}

static void test_written(void **state)
{
	static const struct {
		int type;
		const char *record, *written;
		bool equal;
	} cases[] = {
		{ 1, "192.0.2.1", "192.0.2.2", false },
		{ 1, "192.0.2.1", "x", false },
		{ 1, "192.0.2.1", "192.0.2.1", true },
		{ 28, "2001:db8::1", "2001:DB8:0::1", true },
		{ 28, "2001:db8::1", "192.0.2.1", false },
		{ 5, "a.test.", "A.TEST", true },
		{ 5, "a.test.", "a.test.", true },
		{ 5, "a.test.", "a.tes", false },
		{ 15, "10 mail.", "10 mail", true },
		{ 16, "\"some text\"", "some text", true },
		{ 16, "\"some text\"", "\"some text\"", true },
		{ 16, "\"some text\"", "Some text", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("'%s' '%s'\n", cases[i].record, cases[i].written);
		assert_int_equal(dns_record_equal(cases[i].type, cases[i].record, cases[i].written), cases[i].equal);
	}
	assert_int_equal(dns_type_from_name("aaaa"), 28);
	assert_int_equal(dns_type_from_name("TYPE65"), 65);
	assert_int_equal(dns_type_from_name("TYPE65536"), -1);
	assert_int_equal(dns_type_from_name("TYPE"), -1);
	assert_int_equal(dns_type_from_name(""), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_what_is_an_answer),
		cmocka_unit_test(test_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
