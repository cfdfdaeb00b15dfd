/* SPDX-License-Identifier: Apache-2.0 */
/* What a program finds around it: exactly this, and nothing of ours. */
#include "unit.h"

#include "../../lib/agent/account.h"
#include "../../lib/agent/environment.h"

static const struct account other = {
	.name = "nobody", .home = "/nonexistent", .user = { .uid = 65534 }, .change = true
};
static const struct account self = { .name = "me", .home = "/home/me" };
static const char *const argv[] = { "./x", NULL }, *const heal_argv[] = { "./heal", NULL };

#define BASE "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/home/me"
#define AGENT(timeout)                                                                        \
	"MRPROBER_CLUSTER=net MRPROBER_HOST=h1 MRPROBER_PROBER=dns MRPROBER_TIMEOUT=" timeout \
	" MRPROBER_RUN_ID=6553f100-1"

static char *environment_text(const struct run_plan *plan)
{
	struct strbuf text = STRBUF_INIT;

	for (const char *const *variable = plan->spec.env; *variable; variable++)
		strbuf_addf(&text, "%s%s", text.len ? " " : "", *variable);
	return strbuf_detach(&text, NULL);
}

static void test_environment(void **state)
{
	static const struct label two[] = { { "A", "1=2" }, { "B", "" } },
				  base[] = { { "LANG", "C" }, { "PATH", "/p" } },
				  agent[] = { { "MRPROBER_HOST", "lies" }, { "MRPROBER_OTHER", "fine" } };
	static const struct {
		const struct label *env;
		size_t n;
		int64_t timeout_ms;
		const char *want;
	} rows[] = {
		{ NULL, 0, 5000, BASE " " AGENT("5") },
		{ NULL, 0, 250, BASE " " AGENT("0.25") },
		{ NULL, 0, 1, BASE " " AGENT("0.001") },
		{ NULL, 0, 60100, BASE " " AGENT("60.1") },
		{ NULL, 0, 600000, BASE " " AGENT("600") },
		{ two, 2, 1000, BASE " A=1=2 B= " AGENT("1") },
		{ base, 2, 1000, "HOME=/home/me LANG=C PATH=/p " AGENT("1") },
		{ agent, 2, 1000, BASE " MRPROBER_OTHER=fine " AGENT("1") },
	};
	const struct agent_config config = { .cluster = "net", .host = "h1", .files_root = "/f" };

	(void)state;
	setenv("MRPROBER_TOKEN", "s3cret", 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct entry entry = { .id = "dns[r=1]",
			.prober = "dns",
			.argv = argv,
			.timeout_ms = rows[i].timeout_ms,
			.env = rows[i].env,
			.n_env = rows[i].n,
			.account = &self };
		struct run_plan plan;

		run_plan_make(&plan, &config, &entry, RUN_WHAT_COMMAND, "6553f100-1");
		cleanup(freep) char *text = environment_text(&plan);
		if (!streq(text, rows[i].want))
			fail_msg("row %zu: %s", i, text);
		run_plan_release(&plan);
	}
}

static void test_spec(void **state)
{
	struct agent_config config = { .cluster = "net", .host = "h1", .files_root = "/f" };
	const struct entry entry = { .id = "dns[r=1]",
		.prober = "dns",
		.argv = argv,
		.timeout_ms = 1000,
		.grace_ms = 7,
		.max_output_bytes = 99,
		.output = OUTPUT_JSON,
		.limits = { .processes = 3 },
		.heal = { .argv = heal_argv, .timeout_ms = 2500 },
		.files_hash = 0x1f,
		.account = &other };
	struct run_plan plan;

	(void)state;
	run_plan_make(&plan, &config, &entry, RUN_WHAT_COMMAND, "1");
	assert_string_equal(plan.spec.folder, "/f/dns-000000000000001f");
	assert_string_equal(plan.spec.name, "dns[r=1]");
	assert_ptr_equal(plan.spec.argv, argv);
	assert_ptr_equal(plan.spec.user, &other.user);
	assert_int_equal(plan.spec.timeout_ms, 1000);
	assert_int_equal(plan.spec.grace_ms, 7);
	assert_int_equal(plan.spec.max_output_bytes, 99);
	assert_int_equal(plan.spec.limits.processes, 3);
	assert_true(plan.spec.output_is_limit);
	run_plan_release(&plan);

	/* a heal is run as the prober is, but for its command and time */
	config.files_root = NULL;
	run_plan_make(&plan, &config, &entry, RUN_WHAT_HEAL, "2");
	cleanup(freep) char *text = environment_text(&plan);
	assert_ptr_equal(plan.spec.argv, heal_argv);
	assert_ptr_equal(plan.spec.user, &other.user);
	assert_string_equal(plan.spec.folder, "/");
	assert_int_equal(plan.spec.timeout_ms, 2500);
	assert_int_equal(plan.spec.limits.processes, 3);
	assert_false(plan.spec.output_is_limit);
	assert_non_null(strstr(text, "HOME=/nonexistent"));
	assert_non_null(strstr(text, "MRPROBER_TIMEOUT=2.5 "));
	run_plan_release(&plan);
}

/* The name of the folder is agent_entry_folder's. */
static void test_folder(void **state)
{
	const struct agent_config config = { .cluster = "net", .host = "h1", .files_root = "/f" };
	const struct entry entry = {
		.id = "dns", .prober = "dns", .files_hash = UINT64_C(0xfedcba9876543210), .account = &self
	};
	cleanup(strbuf_release) struct strbuf want = STRBUF_INIT;
	struct run_plan plan;

	(void)state;
	strbuf_addstr(&want, "/f/");
	agent_entry_folder(&want, &entry);
	run_plan_make(&plan, &config, &entry, RUN_WHAT_COMMAND, "1");
	assert_string_equal(plan.spec.folder, want.buf);
	assert_null(plan.spec.argv);
	assert_null(plan.spec.user);
	run_plan_release(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_spec),
		cmocka_unit_test(test_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
