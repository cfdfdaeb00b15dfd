/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: no client can forge a line or a field, and no secret of a query gets in. */
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "../../lib/api/access_log.h"
#include "../../lib/base/file.h"
#include "../../lib/value/json.h"
#include "scratch.h"

static void test_targets(void **state)
{
	static const struct {
		const char *target, *shown;
	} rows[] = {
		{ "/", "/" },
		{ "/v1/state", "/v1/state" },
		{ "/v1/recipes?", "/v1/recipes?" },
		{ "/v1/recipes?page_size=2&slug=a,b", "/v1/recipes?page_size=2&slug=a,b" },
		{ "/v1/recipes?token=planted", "/v1/recipes?token=***" },
		{ "/v1/recipes?planted", "/v1/recipes?***" },
		{ "/v1/recipes?page_size=2&planted", "/v1/recipes?page_size=2&***" },
		{ "/v1/recipes?a=planted&slug=x&b=planted", "/v1/recipes?a=***&slug=x&b=***" },
		{ "/v1/recipes?=planted", "/v1/recipes?=***" },
		{ "/v1/recipes?page_sizes=planted", "/v1/recipes?page_sizes=***" },
		{ "/v1/recipes?page%5Fsize=planted", "/v1/recipes?page%5Fsize=***" },
		{ "/v1/recipes?&&", "/v1/recipes?&&" },
		{ "/v1/recipes?a=planted?slug=planted", "/v1/recipes?a=***" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;

		access_log_target(&out, rows[i].target);
		if (!streq(out.buf, rows[i].shown))
			fail_msg("'%s': '%s', expected '%s'", rows[i].target, out.buf, rows[i].shown);
	}
}

static void test_long_targets(void **state)
{
	cleanup(strbuf_release) struct strbuf target = STRBUF_INIT, out = STRBUF_INIT;

	(void)state;
	strbuf_addch(&target, '/');
	strbuf_addchars(&target, 'a', 8000);
	access_log_target(&out, target.buf);
	assert_in_range(out.len, 1000, 1100);
	strbuf_reset(&target);
	strbuf_reset(&out);
	strbuf_addstr(&target, "/?slug=a");
	for (int i = 0; i < 2000; i++)
		strbuf_addstr(&target, "&b=planted");
	access_log_target(&out, target.buf);
	assert_in_range(out.len, 2000, 2200);
	assert_null(strstr(out.buf, "planted"));
}

/* Everything that a client chooses, at its worst. */
static const char *const nasty[] = {
	"plain", "", " ", "a b", "a\nstatus=200", "a\r\n{\"forged\":1}", "\"", "\\", "a\"b\\\"c", "a=b", "\x1b[31mred",
	"\xff\xfe", "\xc2\x85", "\xe2\x80\xa8", "tab\there", "\"}\n{\"time\":\"", "\x7f", "\x01\x02",
};

static struct access_entry entry_with(const char *text)
{
	return (struct access_entry){ .time_ms = 1795236180123, .request_id = text, .remote = text, .method = text,
		.route = "/v1/recipes/{slug}", .target = text, .status = 200, .bytes = 12, .duration_us = 1234567,
		.token_id = text, .role = text, .end = "ok" };
}

static void test_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nasty); i++) {
		cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
		cleanup(arena_release) struct arena arena = ARENA_INIT;
		struct access_entry entry = entry_with(nasty[i]);
		struct mrp_err err = MRP_ERR_INIT;

		access_log_format(&out, ACCESS_JSON, &entry);
		if (strchr(out.buf, '\n') != out.buf + out.len - 1)
			fail_msg("row %zu: more than one line: %s", i, out.buf);
		struct value *v = json_parse(&arena, out.buf, out.len, "the line", &err);
		if (!v)
			fail_msg("row %zu: %s: %s", i, err.msg, out.buf);
		assert_int_equal(v->n, 12);
		assert_string_equal(value_get_string(v, "time"), "2026-11-21T04:43:00.123Z");
		assert_string_equal(value_get_string(v, "end"), "ok");
		assert_int_equal(value_get(v, "status")->i, 200);
		assert_null(value_get(v, "forged"));
		if (!strpbrk(nasty[i], "\x01\x1b\r\n\t\x7f\xff\xc2\xe2?"))
			assert_string_equal(value_get_string(v, "request_id"), nasty[i]);
	}
}

/* key=word and key="text with \" and \\", separated by single spaces: the number of fields, or -1. */
static int count_fields(const char *line)
{
	for (int n = 1;; n++) {
		size_t key = strspn(line, "abcdefghijklmnopqrstuvwxyz_");

		if (!key || line[key] != '=')
			return -1;
		line += key + 1;
		if (*line == '"') {
			for (line++; *line != '"'; line++) {
				if (*line == '\\')
					line++;
				if ((unsigned char)*line < ' ')
					return -1;
			}
			line++;
		} else {
			for (; *line != ' ' && *line != '\n'; line++) {
				if (*line <= ' ' || strchr("\"\\=", *line))
					return -1;
			}
		}
		if (*line == '\n')
			return line[1] ? -1 : n;
		if (*line++ != ' ')
			return -1;
	}
}

static void test_logfmt(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nasty); i++) {
		cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
		struct access_entry entry = entry_with(nasty[i]);

		access_log_format(&out, ACCESS_LOGFMT, &entry);
		if (count_fields(out.buf) != 12)
			fail_msg("row %zu: not 12 fields: %s", i, out.buf);
	}
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	const struct access_entry entry = { .time_ms = 0, .remote = "unix:uid=0", .status = 0, .end = "rejected" };

	access_log_format(&out, ACCESS_LOGFMT, &entry);
	assert_string_equal(out.buf,
		"time=1970-01-01T00:00:00.000Z remote=\"unix:uid=0\" status=0 bytes=0 duration_ms=0.000 end=rejected\n");
}

static void test_reopen(void **state)
{
	cleanup(freep) char *path = xasprintf("%s/access.log", scratch), *moved = xasprintf("%s.1", path);
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct access_entry entry = { .method = "GET", .end = "ok" };
	struct mrp_err err = MRP_ERR_INIT;
	struct access_log *log = access_log_open(ACCESS_LOGFMT, path, &err);

	(void)state;
	assert_non_null(log);
	assert_true(access_log_write(log, &entry));
	assert_int_equal(rename(path, moved), 0);
	assert_true(access_log_write(log, &entry));
	assert_int_equal(access_log_reopen(log, &err), 0);
	assert_true(access_log_write(log, &entry));
	assert_int_equal(read_file(&text, moved, 10000, &err), 0);
	assert_int_equal(text.len % 2, 0);
	size_t two = text.len;
	strbuf_reset(&text);
	assert_int_equal(read_file(&text, path, 10000, &err), 0);
	assert_int_equal(text.len * 2, two);
	access_log_close(log);
}

/* A reader who does not read loses lines; the service goes on. */
static void test_stuck_reader(void **state)
{
	cleanup(freep) char *path = xasprintf("%s/pipe", scratch);
	const struct access_entry entry = { .method = "GET", .end = "ok" };
	struct mrp_err err = MRP_ERR_INIT;
	int written = 0;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct access_log *log = access_log_open(ACCESS_LOGFMT, path, &err);
	assert_non_null(log);
	while (written < 100000 && access_log_write(log, &entry))
		written++;
	assert_in_range(written, 100, 99999);
	access_log_close(log);
	close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_long_targets),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_logfmt),
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_stuck_reader),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
