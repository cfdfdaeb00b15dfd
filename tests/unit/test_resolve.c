/* SPDX-License-Identifier: Apache-2.0 */
/* From a prober and a host to what an agent runs: placements, matrix, ${name}, defaults. */
#include "unit.h"

#include "../../lib/model/resolve.h"
#include "../../lib/model/tables.h"
#include "../../lib/value/json.h"

static struct arena arena = ARENA_INIT;

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct value *parse(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct value *v = json_parse(&arena, text, strlen(text), "a test", &err);

	if (!v)
		fail_msg("%s: %s", text, err.msg);
	return v;
}

/* In normal form, as the API stores it. */
static struct value *object(enum kind kind, const char *text, const char *slug)
{
	struct problems problems = PROBLEMS_INIT;
	struct value *v = object_from_api(&arena, kind, parse(text), slug, &problems);

	if (problems.errors)
		fail_msg("%s: %s: %s", text, problems.list.v[0].field, problems.list.v[0].msg);
	problems_clear(&problems);
	return v;
}

static const char cluster_text[] =
	"{\"recipe\":\"r\",\"sensitive_variables\":[\"hidden\"],\"variables\":{"
	"\"zone\":{\"value\":\"a\"},\"port\":{\"value\":53},\"half\":{\"value\":0.5},\"on\":{\"value\":true},"
	"\"null\":{\"value\":null},\"map\":{\"value\":{\"a\":1}},\"nodes\":{\"value\":[\"n1\",\"n2\"]},"
	"\"none\":{\"value\":[]},\"mixed\":{\"value\":[\"n1\",{}]},\"numbers\":{\"value\":[1,2.5,true,\"1\"]},"
	"\"secret\":{\"value\":\"s3cret\",\"sensitive\":true},\"hidden\":{\"value\":[\"s3cret\"]},"
	"\"host\":{\"value\":\"not this\"},\"odd\":{\"value\":[\"a,b=c]\",\"%\"]}}}";

/* The entries of a prober with these members on cluster 'net', as an array; NULL when it does not run there. */
static struct value *resolve(const char *members, const char *host)
{
	const char *text = arena_printf(&arena, "{%s}", members);
	const struct value *given = parse(text);
	bool has_what = value_get(given, "command") || value_get(given, "probe");
	struct value *prober = object(KIND_PROBER,
		has_what ? text : arena_printf(&arena, "{\"command\":[\"true\"],%s}", members), "p");
	struct resolve_target target = { "net", host, "prod", object(KIND_CLUSTER, cluster_text, "net") };
	struct value *entries = value_array(&arena);
	bool matched[16];

	if (!value_get(prober, "placements"))
		value_append(&arena, prober, "placements", parse("[{}]"));
	if (!resolve_match(matched, prober, "net", host))
		return NULL;
	resolve_prober(&arena, entries, prober, matched, &target);
	return entries;
}

/* The canonical JSON of a field in each entry, in lines. */
static const char *fields(const struct value *entries, const char *field)
{
	struct strbuf out = STRBUF_INIT;

	for (uint32_t i = 0; entries && i < entries->n; i++) {
		const struct value *v = value_get(entries->items[i], field);

		strbuf_addstr(&out, i ? " | " : "");
		if (v)
			json_canonical(&out, v);
	}
	const char *copy = arena_strdup(&arena, out.buf);
	strbuf_release(&out);
	return copy;
}

static void test_rows(void **state)
{
	static const struct {
		const char *members, *field, *want;
	} rows[] = {
		/* placements: in their order, field by field */
		{ "\"interval\":\"1m\",\"placements\":[{\"clusters\":[\"net\"],\"interval\":\"5s\"}]", "interval", "\"5s\"" },
		{ "\"placements\":[{\"interval\":\"5s\"},{\"interval\":\"6s\",\"clusters\":[\"other\"]}]", "interval", "\"5s\"" },
		{ "\"placements\":[{\"interval\":\"5s\"},{\"interval\":\"6s\",\"clusters\":[\"n*\"]}]", "interval", "\"6s\"" },
		{ "\"placements\":[{\"interval\":\"5s\"},{\"hosts\":[\"h?\"],\"timeout\":\"1s\"}]", "set_by",
			"{\"interval\":0,\"timeout\":1}" },
		{ "\"env\":{\"A\":\"1\",\"B\":\"1\"},\"placements\":[{\"env\":{\"B\":\"2\",\"C\":\"3\"}}]", "env",
			"{\"A\":\"1\",\"B\":\"2\",\"C\":\"3\"}" },
		{ "\"labels\":{\"team\":\"net\"},\"placements\":[{\"labels\":{\"tier\":\"1\"}}]", "labels",
			"{\"team\":\"net\",\"tier\":\"1\"}" },
		{ "\"labels\":{\"team\":\"net\"},\"placements\":[{\"labels\":{\"tier\":\"1\"}}]", "set_by", "{\"labels.tier\":0}" },
		{ "\"matrix\":{\"a\":[\"1\"]},\"placements\":[{\"matrix\":{\"b\":[\"2\"]}}]", "id", "\"p[b=2]\"" },
		/* where it runs */
		{ "\"placements\":[{\"clusters\":[\"other\"]}]", "id", "" },
		{ "\"placements\":[{\"hosts\":[\"h2\"]}]", "id", "" },
		{ "\"placements\":[]", "id", "" },
		{ "\"placements\":[{},{\"enabled\":false}]", "id", "" },
		{ "\"placements\":[{},{\"enabled\":false,\"hosts\":[\"h1\"]}]", "id", "" },
		{ "\"placements\":[{},{\"enabled\":false,\"hosts\":[\"h2\"]}]", "id", "\"p\"" },
		{ "\"placements\":[{\"enabled\":false},{\"enabled\":true,\"hosts\":[\"h1\"]}]", "id", "\"p\"" },
		/* defaults */
		{ "", "interval", "\"30s\"" },
		{ "", "retry_interval", "\"30s\"" },
		{ "\"placements\":[{\"interval\":\"7s\"}]", "retry_interval", "\"7s\"" },
		{ "\"retry_interval\":\"1s\"", "retry_interval", "\"1s\"" },
		{ "", "limits", "{}" },
		{ "\"limits\":{\"cpu\":0.5}", "limits", "{\"cpu\":0.5}" },
		{ "", "files", "{}" },
		{ "", "heal", "" },
		{ "\"timeout\":\"3s\",\"heal\":{\"command\":[\"x\"]}", "heal",
			"{\"after\":3,\"at_most_every\":\"10m\",\"command\":[\"x\"],\"give_up_after\":3,\"timeout\":\"3s\"}" },
		/* the matrix: sorted names, values as listed, each once */
		{ "\"matrix\":{\"r\":[\"2\",\"1\"],\"a\":[\"x\",\"y\"]}", "id",
			"\"p[a=x,r=2]\" | \"p[a=x,r=1]\" | \"p[a=y,r=2]\" | \"p[a=y,r=1]\"" },
		{ "\"matrix\":{\"r\":[1,\"1\",true]}", "matrix", "{\"r\":\"1\"} | {\"r\":\"true\"}" },
		{ "\"matrix\":{\"r\":\"${nodes}\"}", "matrix", "{\"r\":\"n1\"} | {\"r\":\"n2\"}" },
		{ "\"matrix\":{\"r\":\"${numbers}\"}", "id", "\"p[r=1]\" | \"p[r=2.5]\" | \"p[r=true]\"" },
		{ "\"matrix\":{\"r\":\"${odd}\"}", "id", "\"p[r=a%2Cb%3Dc%5D]\" | \"p[r=%25]\"" },
		{ "\"matrix\":{\"r\":\"${none}\"}", "id", "" },
		{ "\"matrix\":{\"r\":\"${nodes}\",\"s\":\"${none}\"}", "id", "" },
		{ "\"matrix\":{\"r\":\"${nope}\"}", "error", "\"matrix.r: '${nope}' is no variable of cluster 'net'\"" },
		{ "\"matrix\":{\"r\":\"${zone}\"}", "error", "\"matrix.r: 'zone' of cluster 'net' is text, not a list\"" },
		{ "\"matrix\":{\"r\":\"${mixed}\"}", "error",
			"\"matrix.r: item 2 of 'mixed' is a map, not text, a number, true or false\"" },
		{ "\"matrix\":{\"r\":\"${hidden}\"}", "error",
			"\"matrix.r: 'hidden' of cluster 'net' is sensitive, and a prober's config can be read by everyone\"" },
		/* ${name}: who goes first, and how values look */
		{ "\"command\":[\"${cluster} ${host} ${environment}\"]", "command", "[\"net h1 prod\"]" },
		{ "\"command\":[\"${zone}:${port}:${half}:${on}\"]", "command", "[\"a:53:0.5:true\"]" },
		{ "\"command\":[\"${zone}\"],\"matrix\":{\"zone\":[\"m\"]}", "command", "[\"m\"]" },
		{ "\"command\":[\"${zone}\",\"plain\"],\"env\":{\"Z\":\"-${zone}-\"}", "env", "{\"Z\":\"-a-\"}" },
		{ "\"command\":[\"$${zone} $$${zone} $zone ${zone}$\"]", "command", "[\"${zone} $${zone} $zone a$\"]" },
		{ "\"command\":[\"${zone}${zone}$${zone}\"]", "command", "[\"aa${zone}\"]" },
		{ "\"probe\":{\"http\":{\"url\":\"http://${host}/\",\"expect_status\":[200]}}", "probe",
			"{\"http\":{\"expect_status\":[200],\"url\":\"http://h1/\"}}" },
		{ "\"heal\":{\"command\":[\"fix\",\"${r}\"]},\"matrix\":{\"r\":[\"1\",\"2\"]}", "error", " | " },
		{ "\"env\":{\"Z\":\"${zone}\"},\"placements\":[{\"env\":{\"Z\":\"${port}\"}}]", "env", "{\"Z\":\"53\"}" },
		{ "\"command\":[\"x\",\"${nope}\"]", "error", "\"command[1]: '${nope}' is no variable of cluster 'net'\"" },
		{ "\"command\":[\"${}\"]", "error", "\"command[0]: '${}' is no variable of cluster 'net'\"" },
		{ "\"command\":[\"${null}\"]", "error",
			"\"command[0]: 'null' of cluster 'net' is nothing, not text, a number, true or false\"" },
		{ "\"command\":[\"${nodes}\"]", "error",
			"\"command[0]: 'nodes' of cluster 'net' is a list, not text, a number, true or false\"" },
		{ "\"command\":[\"${secret}\"]", "error",
			"\"command[0]: 'secret' of cluster 'net' is sensitive, and a prober's config can be read by everyone\"" },
		{ "\"env\":{\"A\":\"${hidden}\"},\"placements\":[{\"env\":{\"A\":\"ok\"}}]", "error", "" },
		{ "\"command\":[\"${x}\"],\"matrix\":{\"y\":[\"1\",\"2\"]}", "matrix", "{\"y\":\"1\"} | {\"y\":\"2\"}" },
		/* an entry with an error has nothing that could be run */
		{ "\"command\":[\"${secret}\"]", "command", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *members = *rows[i].members ? rows[i].members : "\"env\":{}";
		const char *got = fields(resolve(members, "h1"), rows[i].field);

		if (!streq(got, rows[i].want))
			fail_msg("row %zu {%s}: %s is\n%s, not\n%s", i, rows[i].members, rows[i].field, got, rows[i].want);
	}
}

/* What the tables of fields tell people is what is filled in. */
static void test_defaults_are_as_documented(void **state)
{
	static const char *const names[] = { "interval", "timeout", "grace", "overlap", "output", "warning_is", "keep_logs" };
	struct value *entries = resolve("\"env\":{}", "h1");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct field *field = field_find(prober_fields, names[i], FF_API);
		const char *value = value_get_string(entries->items[0], names[i]);
		const char *said = arena_printf(&arena, "%s when absent", value);

		if (!strstr(field->help, said))
			fail_msg("%s: '%s' does not say '%s'", names[i], field->help, said);
	}
}

static void test_without_environment_and_cluster(void **state)
{
	struct resolve_target target = { "net", "h1", NULL, NULL };
	struct value *prober = object(KIND_PROBER,
			     "{\"command\":[\"${environment}\"],\"placements\":[{}]}", "p"),
		     *entries = value_array(&arena);
	bool matched[1];

	(void)state;
	assert_true(resolve_match(matched, prober, "net", "h1"));
	resolve_prober(&arena, entries, prober, matched, &target);
	assert_string_equal(fields(entries, "error"), "\"command[0]: '${environment}' is no variable of cluster 'net'\"");
}

static void test_too_many(void **state)
{
	struct strbuf list = STRBUF_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&list, "%s%d", i ? "," : "", i);
	struct value *cluster = parse(arena_printf(&arena, "{\"variables\":{\"l\":{\"value\":[%s]}}}", list.buf));
	struct value *prober = object(KIND_PROBER,
		"{\"command\":[\"x\"],\"matrix\":{\"a\":\"${l}\",\"b\":\"${l}\"},\"placements\":[{}]}", "p");
	struct resolve_target target = { "net", "h1", "prod", cluster };
	struct value *entries = value_array(&arena);
	bool matched[1];

	assert_true(resolve_match(matched, prober, "net", "h1"));
	resolve_prober(&arena, entries, prober, matched, &target);
	assert_int_equal(entries->n, 1);
	assert_string_equal(value_get_string(entries->items[0], "error"), "matrix: has more than 100000 combinations");
	strbuf_release(&list);
}

/* The prober itself stays as it is. */
static void test_input_unchanged(void **state)
{
	struct value *prober = object(KIND_PROBER,
		"{\"command\":[\"${zone}\"],\"env\":{\"A\":\"${zone}\"},\"labels\":{\"x\":\"1\"},\"limits\":{\"cpu\":1},"
		"\"heal\":{\"command\":[\"${zone}\"]},\"placements\":[{\"env\":{\"B\":\"2\"},\"labels\":{\"x\":\"2\"}}]}",
		"p");
	struct resolve_target target = { "net", "h1", "prod", object(KIND_CLUSTER, cluster_text, "net") };
	struct strbuf before = STRBUF_INIT, after = STRBUF_INIT;
	struct value *entries = value_array(&arena);
	bool matched[1];

	(void)state;
	json_compact(&before, prober);
	assert_true(resolve_match(matched, prober, "net", "h1"));
	resolve_prober(&arena, entries, prober, matched, &target);
	json_compact(&after, prober);
	assert_string_equal(before.buf, after.buf);
	strbuf_release(&before);
	strbuf_release(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_rows, tear_down),
		cmocka_unit_test_teardown(test_defaults_are_as_documented, tear_down),
		cmocka_unit_test_teardown(test_without_environment_and_cluster, tear_down),
		cmocka_unit_test_teardown(test_too_many, tear_down),
		cmocka_unit_test_teardown(test_input_unchanged, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
