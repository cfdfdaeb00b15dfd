/* SPDX-License-Identifier: Apache-2.0 */
/* The last good config on the disk. */
#include "scratch.h"

#include "../../lib/agent/config_stored.h"
#include "../../lib/base/file.h"
#include "../../lib/base/hash.h"

static char *path_of(const char *name)
{
	return path_join(scratch, name);
}

static void write_one(const char *path, const char *etag, const char *json, size_t len)
{
	struct stored_config stored = { xstrdup("api"), etag ? xstrdup(etag) : NULL, STRBUF_INIT };
	struct mrp_err err = MRP_ERR_INIT;

	strbuf_add(&stored.json, json, len);
	assert_int_equal(stored_config_write(path, &stored, &err), 0);
	stored_config_release(&stored);
}

static void test_read_back(void **state)
{
	static const struct {
		const char *etag, *json;
		size_t len;
	} cases[] = {
		{ "\"abc\"", "{\"cluster\":\"net\"}\n", 18 },
		{ NULL, "{}", 2 },
		{ "W/\"\\\"", "no JSON at all\n\n\0and more", 25 },
		{ "\"\"", "", 0 },
	};
	cleanup(freep) char *path = path_of("config.json");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(stored_config_release) struct stored_config stored = STORED_CONFIG_INIT;
		struct mrp_err err = MRP_ERR_INIT;

		write_one(path, cases[i].etag, cases[i].json, cases[i].len);
		if (stored_config_read(&stored, path, &err) < 0)
			fail_msg("case %zu: %s", i, err.msg);
		assert_string_equal(stored.origin, "api");
		assert_int_equal(stored.json.len, cases[i].len);
		assert_memory_equal(stored.json.buf, cases[i].json, cases[i].len);
		if (cases[i].etag)
			assert_string_equal(stored.etag, cases[i].etag);
		else
			assert_null(stored.etag);
	}
}

/* Every byte matters, and so does the end. */
static void test_damaged(void **state)
{
	cleanup(freep) char *path = path_of("damaged.json");
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	write_one(path, "\"abc\"", "{\"cluster\":\"net\"}\n", 18);
	assert_int_equal(read_file(&text, path, 4096, &err), 0);
	for (size_t i = 0; i < 2 * text.len; i++) {
		cleanup(stored_config_release) struct stored_config stored = STORED_CONFIG_INIT;
		bool cut = i >= text.len;
		size_t at = i % text.len;

		text.buf[at] ^= cut ? 0 : 1;
		if (stored_config_parse(&stored, text.buf, cut ? at : text.len, &err) == 0)
			fail_msg("%s byte %zu was not noticed", cut ? "cut at" : "changed", at);
		assert_int_equal(err.code, MRP_EINVALID);
		mrp_err_clear(&err);
		text.buf[at] ^= cut ? 0 : 1;
	}
}

/* Right sums over wrong things. */
static void test_wrong(void **state)
{
	static const char *const rests[] = { "", "{}\n", "[]\n{}", "{\"origin\":5}\n{}", "{\"etag\":\"x\"}\n{}", "\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rests); i++) {
		cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
		cleanup(stored_config_release) struct stored_config stored = STORED_CONFIG_INIT;
		struct mrp_err err = MRP_ERR_INIT;
		char hex[SHA256_HEX + 1];

		sha256_hex_of(hex, rests[i], strlen(rests[i]));
		strbuf_addf(&text, "{\"format_version\":1,\"sha256\":\"%s\"}\n%s", hex, rests[i]);
		if (stored_config_parse(&stored, text.buf, text.len, &err) == 0)
			fail_msg("case %zu was taken", i);
		mrp_err_clear(&err);
	}
}

static void test_sweep(void **state)
{
	static const struct {
		const char *name;
		bool goes;
	} cases[] = { { "sweep.json", false }, { "sweep.json.tmp.abcdef", true }, { "sweep.json.tmp", false },
		{ "other.json.tmp.abcdef", false } };
	cleanup(freep) char *path = path_of("sweep.json");
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(freep) char *file = path_of(cases[i].name);

		assert_int_equal(replace_file(file, "x", 1, 0600, &err), 0);
	}
	stored_config_sweep(path);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(freep) char *file = path_of(cases[i].name);

		if ((access(file, F_OK) < 0) != cases[i].goes)
			fail_msg("%s", cases[i].name);
	}
}

static void test_absent(void **state)
{
	cleanup(stored_config_release) struct stored_config stored = STORED_CONFIG_INIT;
	cleanup(freep) char *path = path_of("absent.json"), *inside = path_of("absent/config.json");
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	assert_int_equal(stored_config_read(&stored, path, &err), -1);
	assert_int_equal(err.code, MRP_ENOTFOUND);
	mrp_err_clear(&err);
	stored.origin = xstrdup("api");
	assert_int_equal(stored_config_write(inside, &stored, &err), -1);
	mrp_err_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
