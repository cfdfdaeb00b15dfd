/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, pauses, and the spool by itself; http/storage.sh has the rest, over real HTTP. */
#include <sys/stat.h>

#include "scratch.h"

#include "../../lib/agent/uploads.h"
#include "../../lib/cloud/objects_sender.h"

static void test_keys(void **state)
{
	char long_key[1026];
	const struct {
		const char *key;
		bool good;
	} rows[] = { { "", false }, { "/", false }, { "/a", false }, { "a/", false }, { "a//b", false }, { ".", false },
		{ "..", false }, { "./a", false }, { "a/.", false }, { "a/../b", false }, { "a\nb", false },
		{ "a\x7f", false }, { "a\xff", false }, { "\xc0\xaf", false }, { long_key, false },
		{ long_key + 1, true }, { "a", true }, { "...", true }, { "..a/.b/c.", true },
		{ "a b+c=d?e#f%20", true }, { "\xd0\xb6", true } };

	(void)state;
	memset(long_key, 'x', sizeof(long_key) - 1);
	long_key[sizeof(long_key) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mrp_err err = MRP_ERR_INIT;

		if ((s3_key_check(rows[i].key, &err) == 0) != rows[i].good)
			fail_msg("'%s'", rows[i].key);
		assert_int_equal(err.code, rows[i].good ? MRP_OK : MRP_EINVALID);
		mrp_err_clear(&err);
	}
}

static void test_pauses(void **state)
{
	static const struct {
		int64_t first_ms;
		int failures;
		int64_t retry_after_ms;
		uint64_t chance;
		int64_t pause_ms;
	} rows[] = {
		{ 1000, 1, -1, 0, 500 },
		{ 1000, 1, -1, 500, 1000 },
		{ 1000, 1, -1, 501, 500 },
		{ 1000, 3, -1, 0, 2000 },
		{ 1000, 3, -1, 2000, 4000 },
		{ 1000, 9, -1, 0, 128000 },
		{ 1000, 10, -1, 0, 150000 },
		{ 1000, INT32_MAX, -1, 150000, 300000 },
		{ 1, 1, -1, UINT64_MAX, 1 },
		{ 1000, 5, 0, 7, 0 },
		{ 1000, 5, 7000, 7, 7000 },
		{ 1000, 5, INT64_MAX, 7, 3600000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t pause_ms =
			objects_pause_ms(rows[i].first_ms, rows[i].failures, rows[i].retry_after_ms, rows[i].chance);

		if (pause_ms != rows[i].pause_ms)
			fail_msg("row %zu: %ld", i, (long)pause_ms);
	}
}

static struct spool *must_open(const char *name, int64_t max_bytes)
{
	cleanup(freep) char *folder = xasprintf("%s/%s", scratch, name);
	struct mrp_err err = MRP_ERR_INIT;
	struct spool *spool = spool_open(folder, max_bytes, &err);

	if (!spool)
		fail_msg("%s", err.msg);
	return spool;
}

static size_t must_put(struct spool *spool, const char *key, const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	size_t dropped;

	if (spool_put(spool, key, text, strlen(text), &dropped, &err) < 0)
		fail_msg("%s", err.msg);
	return dropped;
}

/* "key=text key=text", oldest first. */
static void expect_items(struct spool *spool, const char *want)
{
	cleanup(strvec_clear) struct strvec names = STRVEC_INIT;
	cleanup(strbuf_release) struct strbuf seen = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	assert_int_equal(spool_list(&names, spool, &err), 0);
	for (size_t i = 0; i < names.n; i++) {
		struct spool_item item;

		assert_int_equal(spool_read(&item, spool, names.v[i], &err), 1);
		strbuf_addf(&seen, "%s%s=%.*s", i ? " " : "", item.key, (int)item.len, item.data);
		spool_item_release(&item);
	}
	assert_string_equal(seen.buf, want);
	assert_int_equal(spool_count(spool), names.n);
}

/* The order of puts survives, also when the clock was set back meanwhile, as far as names can tell. */
static void test_spool(void **state)
{
	struct spool *spool = must_open("spool", 1 << 20);
	struct mrp_err err = MRP_ERR_INIT;
	struct spool_item item;

	(void)state;
	expect_items(spool, "");
	for (int i = 0; i < 5; i++) {
		char text[2] = { (char)('1' + i), '\0' };

		must_put(spool, i % 2 ? "b c" : "a", text);
	}
	spool_close(spool);
	cleanup(freep) char *future = xasprintf("%s/spool/09999999999999999-1.object", scratch);
	spool = must_open("spool", 1 << 20);
	expect_items(spool, "a=1 b c=2 a=3 b c=4 a=5");
	assert_int_equal(spool_read(&item, spool, "no-such-name", &err), 0);
	assert_int_equal(replace_file(future, "x", 1, 0600, &err), 0);
	assert_int_equal(spool_read(&item, spool, "09999999999999999-1.object", &err), -1);
	assert_int_equal(err.code, MRP_EPARSE);
	mrp_err_clear(&err);
	spool_close(spool);
	spool = must_open("spool", 1 << 20);
	must_put(spool, "a", "6");
	spool_remove(spool, "09999999999999999-1.object");
	spool_remove(spool, "09999999999999999-1.object");
	expect_items(spool, "a=1 b c=2 a=3 b c=4 a=5 a=6");
	spool_close(spool);
}

static void test_spool_bounds(void **state)
{
	struct spool *spool = must_open("small", 64 << 10);
	struct mrp_err err = MRP_ERR_INIT;
	cleanup(freep) char *large = xcalloc(1, 64 << 10);
	size_t dropped = 0, n = 0;

	(void)state;
	assert_int_equal(spool_put(spool, "a", large, 64 << 10, &dropped, &err), -1);
	assert_int_equal(err.code, MRP_ETOOBIG);
	mrp_err_clear(&err);
	expect_items(spool, "");
	while (!dropped) {
		dropped = must_put(spool, "a", "x");
		n++;
	}
	assert_int_equal(n, 16);      /* 4 KiB each, and a little */
	assert_int_equal(dropped, 2); /* and a sixteenth more than had to be */
	assert_int_equal(spool_count(spool), 14);
	spool_close(spool);
}

static void test_spool_lock(void **state)
{
	struct spool *one = must_open("locked", 1 << 20), *other = must_open("locked", 1 << 20);

	(void)state;
	assert_true(spool_lock(one));
	assert_false(spool_lock(other));
	must_put(other, "a", "x");
	expect_items(one, "a=x");
	spool_unlock(one);
	assert_true(spool_lock(other));
	assert_false(spool_lock(one));
	spool_close(other);
	assert_true(spool_lock(one));
	spool_close(one);
}

static void test_uploads(void **state)
{
	const struct uploads_options options = { .prefix = "prod", .cluster = "net", .host = "h1" };
	const struct log_record record = { .id = "dns[resolver=10.0.0.2,x=[]]",
		.run_id = "1a-2",
		.message = "no answer",
		.status = VERDICT_ERROR,
		.reason = REASON_SIGNAL,
		.signal_number = 9,
		.started_ms = INT64_C(1764310500007),
		.duration_us = 12034567,
		.output = { "a\nb", "" },
		.output_len = { 3, 0 },
		.truncated = { true, false } };
	cleanup(strbuf_release) struct strbuf key = STRBUF_INIT, text = STRBUF_INIT;

	(void)state;
	uploads_add_key(&key, &options, &record);
	assert_string_equal(key.buf, "prod/agent/net/h1/dns/20251128T061500.007Z-1a-2.log");
	uploads_add_text(&text, &options, &record);
	assert_string_equal(text.buf,
		"prober: dns[resolver=10.0.0.2,x=[]]\nrun: 1a-2\ncluster: net\nhost: h1\nstarted: "
		"2025-11-28T06:15:00.007Z\n"
		"duration: 12.034s\nstatus: error\nreason: signal\nsignal: 9\nmessage: no answer\n"
		"\n--- stdout, only its beginning\na\nb\n");
}

static void test_prefix(void **state)
{
	cleanup(freep) char *prod = objects_prefix("prod"), *none = objects_prefix(NULL), *empty = objects_prefix("");

	(void)state;
	assert_string_equal(prod, "prod");
	assert_string_equal(none, empty);
	assert_true(skip_prefix(none, "development/", NULL));
	assert_true(strlen(none) > strlen("development/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_spool),
		cmocka_unit_test(test_spool_bounds),
		cmocka_unit_test(test_spool_lock),
		cmocka_unit_test(test_uploads),
		cmocka_unit_test(test_prefix),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
