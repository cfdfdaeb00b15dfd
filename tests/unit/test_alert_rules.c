/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus rules: one row of alerts in, the rule file out. */
#include "unit.h"

#include "../../lib/client/alert_rules.h"
#include "../../lib/value/json.h"
#include "../../lib/value/yaml_write.h"

static const char *rules_of(struct arena *arena, const char *probers)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct strbuf out = STRBUF_INIT;
	struct value *v = json_parse(arena, probers, strlen(probers), "test", &err);

	if (!v)
		fail_msg("%s", err.msg);
	value_to_yaml(&out, alert_rules(arena, v));
	const char *text = arena_strdup(arena, out.buf);
	strbuf_release(&out);
	return text;
}

static void test_rules(void **state)
{
	static const struct { const char *probers, *rules; } cases[] = {
		{ "[]", "groups: []\n" },
		{ "[{\"slug\": \"dns\"}, {\"slug\": \"http\", \"alerts\": []}]", "groups: []\n" },
		{ "[{\"slug\": \"dns\", \"alerts\": [{\"name\": \"DnsFails\", \"after\": 3, \"severity\": \"ticket\","
		  "\"summary\": \"fails on {{ $labels.host }}\", \"description\": \"two\\nlines {{ $value }}\\n\"}]}]",
			"groups:\n  - name: dns\n    rules:\n      - alert: DnsFails\n"
			"        expr: mrprober_consecutive_failures{prober=\"dns\"} >= 3\n"
			"        labels:\n          severity: ticket\n"
			"        annotations:\n          summary: fails on {{ $labels.host }}\n"
			"          description: |\n            two\n            lines {{ $value }}\n" },
		/* absent fields: after the first failure, to a pager, without annotations */
		{ "[{\"slug\": \"a\", \"alerts\": [{\"name\": \"A\"}]}]",
			"groups:\n  - name: a\n    rules:\n      - alert: A\n"
			"        expr: mrprober_consecutive_failures{prober=\"a\"} >= 1\n"
			"        labels:\n          severity: page\n" },
		/* own labels join; the severity is said once */
		{ "[{\"slug\": \"a\", \"alerts\": [{\"name\": \"A\", \"labels\": {\"severity\": \"warn\", \"team\": \"no\"}}]}]",
			"groups:\n  - name: a\n    rules:\n      - alert: A\n"
			"        expr: mrprober_consecutive_failures{prober=\"a\"} >= 1\n"
			"        labels:\n          severity: warn\n          team: \"no\"\n" },
		{ "[{\"slug\": \"a\", \"alerts\": [{\"name\": \"A\", \"severity\": \"page\", \"labels\": {\"severity\": \"x\"}},"
		  "{\"name\": \"B\", \"summary\": \"{{ $labels.host }} is: down\"}]}]",
			"groups:\n  - name: a\n    rules:\n      - alert: A\n"
			"        expr: mrprober_consecutive_failures{prober=\"a\"} >= 1\n"
			"        labels:\n          severity: page\n      - alert: B\n"
			"        expr: mrprober_consecutive_failures{prober=\"a\"} >= 1\n"
			"        labels:\n          severity: page\n        annotations:\n"
			"          summary: \"{{ $labels.host }} is: down\"\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct arena arena = ARENA_INIT;

		assert_string_equal(rules_of(&arena, cases[i].probers), cases[i].rules);
		arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
