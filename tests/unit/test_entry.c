/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's config: what is refused and how it is said, what an entry becomes, whom it runs as. */
#include <unistd.h>

#include "unit.h"

#include "../../lib/agent/account.h"

static struct mrp_err err = MRP_ERR_INIT;

static int tear_down(void **state)
{
	(void)state;
	mrp_err_clear(&err);
	return 0;
}

#define SCHEDULE                                                                                             \
	"\"interval\":\"30s\",\"timeout\":\"5s\",\"grace\":\"2s\",\"overlap\":\"skip\",\"output\":\"exit\"," \
	"\"warning_is\":\"failure\",\"keep_logs\":\"failures\""
#define TRUE_ENTRY "\"id\":\"p\",\"prober\":\"p\",\"command\":[\"true\"]," SCHEDULE
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct agent_config *parse_text(const char *text, struct problems *problems)
{
	struct agent_config *config = NULL;

	mrp_err_clear(&err);
	if (agent_config_parse(&config, text, strlen(text), "net", "h1", problems, &err) < 0)
		assert_null(config);
	return config;
}

static char *with_entries(const char *entries)
{
	return xasprintf("{\"cluster\":\"net\",\"host\":\"h1\",\"environment\":\"prod\",\"config_revision\":\"r1\","
			 "\"later\":1,\"probers\":[%s]}",
		entries);
}

static struct agent_config *parse(const char *entries)
{
	cleanup(freep) char *text = with_entries(entries);
	struct problems problems = PROBLEMS_INIT;
	struct agent_config *config = parse_text(text, &problems);

	if (!config)
		fail_msg("%s: %s", entries, err.msg);
	assert_int_equal(problems.list.n, 0);
	return config;
}

static void test_bad_configs(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "{", "" },
		{ "[]", "the agent's config is a list, not an object" },
		{ "{}", "cluster: is missing" },
		{ "{\"cluster\":\"x\",\"host\":\"h1\",\"config_revision\":\"r\",\"probers\":[]}",
			"cluster: is 'x', not 'net'" },
		{ "{\"cluster\":\"net\",\"host\":\"h\",\"config_revision\":\"r\",\"probers\":[]}",
			"host: is 'h', not 'h1'" },
		{ "{\"cluster\":\"net\",\"host\":\"h1\",\"probers\":[]}", "config_revision: is missing" },
		{ "{\"cluster\":\"net\",\"host\":\"h1\",\"config_revision\":\"r\"}", "probers: is missing" },
		{ "{\"cluster\":\"net\",\"host\":\"h1\",\"config_revision\":\"r\",\"probers\":{}}",
			"probers: is not a list" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct problems problems = PROBLEMS_INIT;

		if (parse_text(rows[i].text, &problems))
			fail_msg("%s: was taken", rows[i].text);
		if (!strstr(err.msg, rows[i].want))
			fail_msg("%s: %s", rows[i].text, err.msg);
		problems_clear(&problems);
	}
}

static void test_bad_entries(void **state)
{
	static const struct {
		const char *entry, *want;
	} rows[] = {
		{ "1", "probers[0]: is a whole number, not an object" },
		{ "{}", "probers[0]: id: is missing" },
		{ "{\"prober\":\"p\",\"command\":[\"true\"]," SCHEDULE "}", "probers[0]: id: is missing" },
		{ "{\"id\":\"\",\"prober\":\"p\",\"command\":[\"true\"]," SCHEDULE "}", "prober '': id: is empty" },
		{ "{\"id\":\"p\",\"prober\":\"P!\",\"command\":[\"true\"]," SCHEDULE "}",
			"prober 'p': prober: 'P!' is not a slug" },
		{ "{\"id\":\"p\",\"prober\":\"../x\",\"command\":[\"true\"]," SCHEDULE "}", "'../x' is not a slug" },
		{ "{\"id\":\"p\",\"prober\":\"p\"," SCHEDULE "}", "prober 'p': needs either command or probe" },
		{ "{" TRUE_ENTRY ",\"probe\":{\"tcp\":{\"host\":\"h\",\"port\":1}}}", "needs either command or probe" },
		{ "{\"id\":\"p\",\"prober\":\"p\",\"command\":[]," SCHEDULE "}", "prober 'p': command: " },
		{ "{\"id\":\"p\",\"prober\":\"p\",\"command\":\"true\"," SCHEDULE "}", "prober 'p': command: " },
		{ "{\"id\":\"p\",\"prober\":\"p\",\"command\":[\"true\"]}", "prober 'p': interval: is missing" },
		{ "{" TRUE_ENTRY ",\"retry_interval\":\"5x\"}", "prober 'p': retry_interval: '5x' is not a duration" },
		{ "{" TRUE_ENTRY ",\"retry_interval\":0}", "prober 'p': retry_interval: " },
		{ "{" TRUE_ENTRY ",\"limits\":{\"memory\":\"1\"}}", "prober 'p': limits.memory: " },
		{ "{" TRUE_ENTRY ",\"limits\":[]}", "prober 'p': limits: " },
		{ "{" TRUE_ENTRY ",\"heal\":{\"after\":1}}", "prober 'p': heal.command: is missing" },
		{ "{" TRUE_ENTRY ",\"heal\":{\"command\":[\"x\"],\"after\":0}}", "prober 'p': heal.after: " },
		{ "{" TRUE_ENTRY ",\"env\":{\"a b\":\"\"}}", "prober 'p': env: " },
		{ "{" TRUE_ENTRY ",\"files\":{\"../x\":{\"sha256\":\"" HASH "\",\"mode\":\"0644\"}}}",
			"prober 'p': files: " },
		{ "{" TRUE_ENTRY ",\"files\":{\"x\":{\"sha256\":\"12\",\"mode\":\"0644\"}}}",
			"prober 'p': files.x.sha256: " },
		{ "{" TRUE_ENTRY ",\"files\":{\"x\":{\"sha256\":\"" HASH "\",\"mode\":\"4755\"}}}",
			"prober 'p': files.x.mode: " },
		{ "{" TRUE_ENTRY ",\"labels\":{\"a-b\":\"\"}}",
			"labels: 'a-b' cannot be the name of a metric's label" },
		{ "{" TRUE_ENTRY ",\"labels\":{\"status\":\"x\"}}",
			"labels: 'status' is a label that metrics use themselves" },
		{ "{" TRUE_ENTRY ",\"labels\":{\"a\":1}}", "labels: 'a' is a whole number, not text" },
		{ "{" TRUE_ENTRY ",\"labels\":[]}", "labels: is a list, not a map" },
		{ "{" TRUE_ENTRY ",\"matrix\":{\"le\":\"1\"}}", "matrix: 'le' is a label that metrics use themselves" },
		{ "{\"id\":\"p\",\"prober\":\"p\",\"error\":1}", "error: is a whole number, not text" },
		{ "{\"id\":\"p\",\"prober\":\"p\",\"probe\":{\"tcp\":{\"host\":\"h\"}}," SCHEDULE "}",
			"probe.tcp.port: is missing" },
		{ "{\"id\":\"p\",\"prober\":\"p\",\"probe\":{}," SCHEDULE "}", "prober 'p': probe: " },
		{ "{" TRUE_ENTRY "},{" TRUE_ENTRY "}", "id: 'p' is there twice" },
		{ "1,2,3", "probers[0]: is a whole number, not an object (and 2 more)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(freep) char *text = with_entries(rows[i].entry);
		struct problems problems = PROBLEMS_INIT;

		if (parse_text(text, &problems))
			fail_msg("%s: was taken", rows[i].entry);
		assert_int_equal(err.code, MRP_EINVALID);
		if (!strstr(err.msg, rows[i].want))
			fail_msg("%s: %s", rows[i].entry, err.msg);
		assert_true(problems.errors > 0);
		problems_clear(&problems);
	}
}

static void test_entry(void **state)
{
	struct agent_config *config =
		parse("{\"id\":\"p[r=2]\",\"prober\":\"p\",\"name\":\"P\",\"matrix\":{\"r\":\"2\"},\"labels\":{"
		      "\"team\":\"net\",\"r\":\"no\"},"
		      "\"new\":{\"from\":\"a later "
		      "API\"},\"command\":[\"./x\",\"2\"],\"env\":{\"B\":\"1\",\"A\":\"\"},\"interval\":\"100ms\","
		      "\"timeout\":\"5s\",\"retry_interval\":\"1d\",\"grace\":\"0s\",\"overlap\":\"allow\","
		      "\"concurrency_group\":\"g\","
		      "\"output\":\"json\",\"warning_is\":\"success\",\"keep_logs\":\"all\",\"run_as\":\"someone\","
		      "\"limits\":{\"memory\":\"64MiB\",\"cpu\":0.5,\"processes\":7,\"output\":\"1KiB\",\"later\":1},"
		      "\"heal\":{\"command\":[\"y\"],\"after\":2,\"at_most_every\":\"1m\",\"give_up_after\":4,"
		      "\"timeout\":\"3s\"}}");
	const struct entry *entry = config->entries.v[0];

	(void)state;
	assert_int_equal(config->entries.n, 1);
	assert_string_equal(config->environment, "prod");
	assert_string_equal(entry->id, "p[r=2]");
	assert_string_equal(entry->name, "P");
	assert_int_equal(entry->n_labels, 2);
	assert_string_equal(entry->labels[0].name, "r");
	assert_string_equal(entry->labels[0].value, "2");
	assert_string_equal(entry->labels[1].name, "team");
	assert_string_equal(entry->argv[0], "./x");
	assert_null(entry->argv[2]);
	assert_int_equal(entry->n_env, 2);
	assert_int_equal(entry->interval_ms, 100);
	assert_int_equal(entry->retry_interval_ms, 86400000);
	assert_int_equal(entry->grace_ms, 0);
	assert_int_equal(entry->overlap, OVERLAP_ALLOW);
	assert_int_equal(entry->output, OUTPUT_JSON);
	assert_false(entry->warning_fails);
	assert_int_equal(entry->keep_logs, KEEP_LOGS_ALL);
	assert_int_equal(entry->limits.memory_bytes, 64 << 20);
	assert_true(entry->limits.cpus == 0.5);
	assert_int_equal(entry->limits.processes, 7);
	assert_int_equal(entry->max_output_bytes, 1024);
	assert_string_equal(entry->heal.argv[0], "y");
	assert_int_equal(entry->heal.after, 2);
	assert_int_equal(entry->heal.at_most_every_ms, 60000);
	assert_int_equal(entry->heal.timeout_ms, 3000);
	assert_non_null(strstr(entry->source, "a later API"));
	agent_config_unref(config);
}

/* The digest is that of the content, not of its spelling; so is the folder's name. */
static void test_sorted_and_equal(void **state)
{
	struct agent_config *config =
		parse("{\"id\":\"b\",\"prober\":\"b\",\"command\":[\"true\"]," SCHEDULE
		      ",\"files\":{\"x\":{\"sha256\":\"" HASH "\",\"mode\":\"0755\"}}},"
		      "{\"id\":\"a\",\"prober\":\"b\",\"command\":[\"true\"]," SCHEDULE
		      ",\"files\":{\"x\":{\"mode\":\"0755\",\"sha256\":\"" HASH "\"}}},{" TRUE_ENTRY "}");
	struct agent_config *again = parse("{" SCHEDULE ",\"command\":[\"true\"],\"prober\":\"p\",\"id\":\"p\"}");
	cleanup(strbuf_release) struct strbuf one = STRBUF_INIT, other = STRBUF_INIT, none = STRBUF_INIT;
	struct entry **v = config->entries.v;

	(void)state;
	assert_string_equal(v[0]->id, "a");
	assert_string_equal(v[1]->id, "b");
	assert_string_equal(v[2]->id, "p");
	assert_memory_equal(v[2]->digest, again->entries.v[0]->digest, SHA256_BYTES);
	assert_memory_not_equal(v[0]->digest, v[1]->digest, SHA256_BYTES);
	agent_entry_folder(&one, v[0]);
	agent_entry_folder(&other, v[1]);
	agent_entry_folder(&none, v[2]);
	assert_string_equal(one.buf, other.buf);
	assert_ptr_equal(v[0]->files, v[1]->files);
	/* the first 16 digits of: printf '{}' | sha256sum */
	assert_string_equal(none.buf, "p-44136fa355b3678a");
	agent_config_unref(config);
	agent_config_unref(again);
}

/* One entry that cannot be run does not stop the others. */
static void test_entries_with_errors(void **state)
{
	static const struct {
		const char *entry, *want;
	} rows[] = {
		{ "{\"id\":\"p\",\"prober\":\"p\",\"matrix\":{\"r\":\"1\"},\"error\":\"env.A: no\"}", "env.A: no" },
		{ "{\"id\":\"p\",\"prober\":\"p\",\"probe\":{\"quic\":{}}," SCHEDULE "}",
			"does not know the probe 'quic'" },
		{ "{\"id\":\"p\",\"prober\":\"p\",\"probe\":{\"tcp\":{\"host\":\"h\",\"port\":1,\"mood\":1}}," SCHEDULE
		  "}",
			"does not know the option 'mood' of the probe 'tcp'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct agent_config *config = parse(rows[i].entry);

		if (!config->entries.v[0]->error || !strstr(config->entries.v[0]->error, rows[i].want))
			fail_msg("%s: %s", rows[i].entry, config->entries.v[0]->error);
		agent_config_unref(config);
	}
}

static void test_accounts(void **state)
{
	static const char *const allow[] = { "daemon", "no-such-user" };
	static const struct {
		const char *run_as, *name, *error;
	} rows[] = {
		{ "no-such-user", NULL, "there is no user 'no-such-user'" },
		{ "root", NULL, "user 'root' is not allowed" },
		{ "dae*", NULL, "user 'dae*' is not allowed" },
		{ "daemon", "daemon", NULL },
		{ "nobody", "nobody", NULL },
		{ NULL, "nobody", NULL },
	};
	const struct account_rules rules = { allow, ARRAY_SIZE(allow), "nobody" };

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(freep) char *entry = rows[i].run_as
			? xasprintf("{" TRUE_ENTRY ",\"run_as\":\"%s\"}", rows[i].run_as)
			: xstrdup("{" TRUE_ENTRY "}");
		struct agent_config *config = parse(entry);
		const struct entry *e = config->entries.v[0];

		agent_config_set_accounts(config, &rules);
		if (rows[i].error ? !e->error || !strstr(e->error, rows[i].error)
				  : e->error || !streq(e->account->name, rows[i].name) || !e->account->change)
			fail_msg("%s: %s", rows[i].run_as, e->error);
		agent_config_unref(config);
	}
	struct account_rules none = { .default_user = "no-such-user" };
	assert_int_equal(account_rules_check(&none, &err), -1);
	assert_string_equal(err.msg, "--default-user: there is no user 'no-such-user' on this host");
	assert_int_equal(account_rules_check(&rules, &err), 0);
}

/* An agent that is not root runs everything as itself, and says so. */
static void test_accounts_without_root(void **state)
{
	const struct account_rules none = { 0 }, some = { .default_user = "nobody" };
	uid_t before = geteuid();

	(void)state;
	if (before == 0 && seteuid(65534) < 0)
		skip();
	struct agent_config *config =
		parse("{" TRUE_ENTRY "},{\"id\":\"q\",\"prober\":\"p\",\"command\":[\"true\"]," SCHEDULE
		      ",\"run_as\":\"root\"}");
	int checked = account_rules_check(&some, &err);
	agent_config_set_accounts(config, &none);
	assert_int_equal(seteuid(before), 0);
	assert_int_equal(checked, -1);
	assert_null(config->entries.v[0]->error);
	assert_false(config->entries.v[0]->account->change);
	assert_non_null(strstr(config->entries.v[1]->error, "only an agent that runs as root can change users"));
	agent_config_unref(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_configs),
		cmocka_unit_test(test_bad_entries),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_sorted_and_equal),
		cmocka_unit_test(test_entries_with_errors),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_accounts_without_root),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
