/* SPDX-License-Identifier: Apache-2.0 */
/* Field tables: what they accept and refuse from configs and from the API, normal forms, digests, JSON Schemas. */
#include "unit.h"

#include "../../lib/model/kinds.h"
#include "../../lib/model/manifest.h"
#include "../../lib/model/schemas.h"
#include "../../lib/value/json.h"
#include "../../lib/value/yaml.h"

static struct arena arena = ARENA_INIT;

static const char *canonical(const struct value *v)
{
	struct strbuf out = STRBUF_INIT;

	json_canonical(&out, v);
	const char *text = arena_strdup(&arena, out.buf);
	strbuf_release(&out);
	return text;
}

/* Without warnings: no prober of these tests has placements. */
static const char *problems_text(struct problems *problems)
{
	struct strbuf out = STRBUF_INIT;

	problems_sort(problems);
	for (size_t i = 0; i < problems->list.n; i++) {
		if (problems->list.v[i].warning)
			continue;
		strbuf_addstr(&out, out.len ? "\n" : "");
		problem_format(&out, &problems->list.v[i]);
	}
	problems_clear(problems);
	const char *text = arena_strdup(&arena, out.buf);
	strbuf_release(&out);
	return text;
}

/* The problems of a config of that kind. */
static const char *check_config(enum kind kind, const char *yaml)
{
	struct problems problems = PROBLEMS_INIT;
	struct schema_ctx ctx = { .arena = &arena, .problems = &problems, .where = FF_CONFIG };
	const struct value *v = value_from_yaml(&arena, yaml, strlen(yaml), NULL, 0, &problems);

	assert_non_null(v);
	v = schema_apply(&ctx, kinds[kind].fields, v, "");
	if (!problems.errors)
		kinds[kind].check(&ctx, v);
	return problems_text(&problems);
}

static void test_configs(void **state)
{
#define P KIND_PROBER
#define RUN "command: [x]\n"
	static const struct { enum kind kind; const char *yaml, *problems; } cases[] = {
		{ P, RUN "interval: 100ms\ntimeout: 7d\ngrace: 0s\nlimits: {memory: 1MiB, cpu: 0.25, processes: 1, output: 1B}\n", "" },
		{ P, RUN "interval: 99ms\n", "interval: '99ms' is not between 100ms and 366d" },
		{ P, RUN "interval: 367d\n", "interval: '367d' is not between 100ms and 366d" },
		{ P, RUN "timeout: 0s\n", "timeout: '0s' is not between 1ms and 7d" },
		{ P, RUN "interval: [5s]\n", "interval: is a list, should be a duration (like 30s, 5m)" },
		{ P, RUN "interval:\n", "interval: is empty; give it a value or remove the line" },
		{ P, RUN "limits: {memory: 5}\n", "limits.memory: '5' needs a unit (like 5KiB, 5MiB)" },
		{ P, RUN "limits: {memory: 1KiB}\n", "limits.memory: '1KiB' is not between 1048576 and 1125899906842624 bytes" },
		{ P, RUN "limits: {memory: 99999999TiB}\n", "limits.memory: '99999999TiB' is too large" },
		{ P, RUN "limits: {cpu: half}\n", "limits.cpu: is text, should be a number" },
		{ P, RUN "limits: {processes: 1.5}\n", "limits.processes: is a number, should be a whole number" },
		{ P, RUN "limits: {processes: 0}\n", "limits.processes: is not between 1 and 1000000" },
		{ P, RUN "limits: 5\n", "limits: is a whole number, should be a map" },
		{ P, RUN "overlap: never\n", "overlap: 'never' is not one of skip, queue, allow" },
		{ P, RUN "overlap: skp\n", "overlap: 'skp' is not one of skip, queue, allow (did you mean 'skip'?)" },
		{ P, RUN "name: [a]\n", "name: is a list, should be text" },
		{ P, RUN "env: {A-B: 1}\n", "env: 'A-B' is not a name (letters, digits and '_')" },
		{ P, RUN "env: [A]\n", "env: is a list, should be a map" },
		{ P, "command: []\n", "command: is an empty list" },
		{ P, "command: x\n", "command: is text, should be a list" },
		{ P, "command: [x, [y]]\n", "command[1]: is a list, should be text" },
		{ P, "command:\n", "command: is empty; give it a value or remove the line" },
		{ P, "name: x\n", "command: one of 'command', 'probe' is missing" },
		{ P, "command: [x]\nprobe: {tcp: {host: a, port: 1}}\n", "probe: only one of 'command', 'probe' may be there" },
		{ P, "probe: {}\n", "probe: one of 'http', 'tcp', 'dns', 'icmp', 'tls', 'disk' is missing" },
		{ P, "probe: {tcp: {host: a}}\n", "probe.tcp.port: is missing" },
		{ P, "probe: {tcp: {host: a, port: 65536}}\n", "probe.tcp.port: is not between 1 and 65535" },
		{ P, "probe: {http: {url: u, expect_status: [99]}}\n", "probe.http.expect_status[0]: is not between 100 and 599" },
		{ P, "probe: {icmp: {host: a, max_loss: 20}}\n", "probe.icmp.max_loss: '20' is not a percentage (like 10%)" },
		{ P, "probe: {icmp: {host: a, max_loss: 101%}}\n", "probe.icmp.max_loss: '101%' is not between 0% and 100%" },
		{ P, RUN "intervall: 5s\n", "intervall: unknown key (did you mean 'interval'?)" },
		{ P, RUN "zzz: 5s\n", "zzz: unknown key" },
		{ P, RUN "slug: x\n", "slug: unknown key" },
		{ P, RUN "managed: true\n", "managed: unknown key" },
		{ P, RUN "placements: [{clusters: a}]\n", "placements[0].clusters: is text, should be a list" },
		{ P, RUN "placements: [{enabled: yes}]\n", "placements[0].enabled: is text, should be true or false" },
		{ P, RUN "placements: [{command: [x]}]\n", "placements[0].command: unknown key" },
		{ P, RUN "placements: [5]\n", "placements[0]: is a whole number, should be a map" },
		{ P, RUN "matrix: {a: []}\n", "matrix.a: is an empty list" },
		{ P, RUN "matrix: {a: [[1]]}\n", "matrix.a[0]: is a list, should be text or a number" },
		{ P, RUN "matrix: {a: text}\n",
			"matrix.a: 'text' is neither a list nor the name of a list variable (like \"${compute_nodes}\")" },
		{ P, RUN "matrix: {a: '${x}${y}'}\n",
			"matrix.a: '${x}${y}' is neither a list nor the name of a list variable (like \"${compute_nodes}\")" },
		{ P, RUN "matrix: {host: [1]}\n", "matrix: 'host' is a label that metrics use themselves" },
		{ P, RUN "labels: {le: x}\n", "labels: 'le' is a label that metrics use themselves" },
		{ P, RUN "matrix: {__name__: [1]}\n", "matrix: '__name__' is a label that metrics use themselves" },
		{ P, RUN "limits: {cpu: 0}\n", "limits.cpu: is 0, so nothing could run" },
		{ P, RUN "limits: {cpu: 0.0}\n", "limits.cpu: is 0, so nothing could run" },
		{ P, "probe: {http: {url: 'ftp://x'}}\n", "probe.http.url: begins with neither http:// nor https://" },
		{ P, "probe: {http: {url: x.example.net/}}\n", "probe.http.url: begins with neither http:// nor https://" },
		{ P, "probe: {http: {url: 'HTTPS://x'}}\n", "" },
		{ P, "probe: {http: {url: '${scheme}://x'}}\n", "" },
		{ P, "probe: {http: 5}\n", "probe.http: is a whole number, should be a map" },
		{ P, "probe: {disk: {path: data}}\n", "probe.disk.path: 'data' is no absolute path" },
		{ P, "probe: {disk: {path: '${folder}'}}\n", "" },
		{ P, RUN "labels: {a/b: x}\n",
			"labels: 'a/b' becomes a metric's label, so it must be a name (letters, digits and '_')" },
		{ P, RUN "placements: [{labels: {unit: x}}]\n", "placements[0].labels: 'unit' is a label that metrics use themselves" },
		{ P, "command: ['${a']\n", "command[0]: '${a' has a '${' without '}' ('$${' is a literal '${')" },
		{ P, RUN "alerts: [{name: A}, {name: A}]\n", "alerts: 'A' is there twice" },
		{ P, "command: ['', x]\n", "command[0]: is empty, should be a program" },
		{ P, RUN "alerts: [{name: A, after: 3.5}]\n", "alerts[0].after: is a number, should be a whole number" },
		{ P, RUN "alerts: [{name: A, after: 3.0}]\n", "" },
		{ P, RUN "labels: {__name__: x}\n", "labels: '__name__' is a label that metrics use themselves" },
		{ P, RUN "placements: [{env: {A: '${a'}}]\n",
			"placements[0].env.A: '${a' has a '${' without '}' ('$${' is a literal '${')" },
		{ P, RUN "alerts: [{after: 1}]\n", "alerts[0].name: is missing" },
		{ P, RUN "heal: {after: 5}\n", "heal.command: is missing" },
		{ P, "- x\n", "is a list, should be a map" },
		{ KIND_CLUSTER, "name: x\n", "recipe: is missing" },
		{ KIND_CLUSTER, "recipe: Net\n", "recipe: 'Net' is not a slug (a-z, 0-9 and '-', at most 63)" },
		{ KIND_CLUSTER, "recipe: r\nenvironments: []\n", "environments: is an empty list" },
		{ KIND_CLUSTER, "recipe: r\nvariables: {a: ~, 'b c': 1}\n", "variables: 'b c' is not a name (letters, digits and '_')" },
		{ KIND_CLUSTER, "recipe: r\ndeploy: {max_destroy: -1}\n", "deploy.max_destroy: is not between 0 and 1000000" },
		{ KIND_CLUSTER, "recipe: r\ndeploy: {mode: plan}\n",
			"deploy.mode: 'plan' is not one of apply, plan-only (did you mean 'plan-only'?)" },
		{ KIND_CLUSTER, "recipe: r\nvariables: {a: 1}\nexternal_variables: [a]\n",
			"variables: 'a' is also one of external_variables, which someone else writes" },
		{ KIND_RECIPE, "files: [\"\"]\n", "files[0]: is empty" },
		{ KIND_RECIPE, "values: {}\n", "values: unknown key" },
	};
	int n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *problems = check_config(cases[i].kind, cases[i].yaml);

		if (streq(problems, cases[i].problems))
			continue;
		print_error("%s gives\n%s not\n%s\n", cases[i].yaml, problems, cases[i].problems);
		n_wrong++;
	}
	assert_int_equal(n_wrong, 0);
}

static void test_large_matrix(void **state)
{
	struct strbuf yaml = STRBUF_INIT;

	(void)state;
	strbuf_addstr(&yaml, RUN "matrix:\n");
	for (int k = 0; k < 2; k++) {
		strbuf_addf(&yaml, "  m%d: [0", k);
		for (int i = 1; i < 317; i++)
			strbuf_addf(&yaml, ", %d", i);
		strbuf_addstr(&yaml, "]\n");
	}
	assert_string_equal(check_config(KIND_PROBER, yaml.buf), "matrix: has more than 100000 combinations");
	strbuf_release(&yaml);
}

static struct value *from_api(enum kind kind, const char *json, const char **text)
{
	struct problems problems = PROBLEMS_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	const struct value *body = json_parse(&arena, json, strlen(json), "the body", &err);

	assert_non_null(body);
	struct value *object = object_from_api(&arena, kind, body, "s", &problems);
	*text = problems_text(&problems);
	return object;
}

static void test_api(void **state)
{
	static const struct { enum kind kind; const char *json, *problems, *normal; } cases[] = {
		{ KIND_RECIPE, "{}", "",
			"{\"description\":\"\",\"files\":{},\"labels\":{},\"managed\":false,\"name\":\"s\",\"required_variables\":[],"
			"\"slug\":\"s\",\"values\":{}}" },
		{ KIND_RECIPE, "{\"description\":null,\"name\":null,\"source\":null,\"revision\":5,\"digest\":\"x\",\"created_at\":1}", "",
			"{\"description\":\"\",\"files\":{},\"labels\":{},\"managed\":false,\"name\":\"s\",\"required_variables\":[],"
			"\"slug\":\"s\",\"values\":{}}" },
		{ KIND_CLUSTER, "{\"recipe\":\"r\",\"variables\":{\"a\":{\"value\":[null]}},\"state\":{\"status\":\"x\"}}", "",
			"{\"deploy\":{},\"description\":\"\",\"external_variables\":[],\"labels\":{},\"managed\":false,\"name\":\"s\","
			"\"recipe\":\"r\",\"sensitive_variables\":[],\"slug\":\"s\","
			"\"variables\":{\"a\":{\"owner\":\"manual\",\"sensitive\":false,\"value\":[null]}}}" },
		{ KIND_PROBER, "{\"command\":[\"x\"],\"probe\":null}", "",
			"{\"command\":[\"x\"],\"description\":\"\",\"files\":{},\"labels\":{},\"managed\":false,\"name\":\"s\",\"slug\":\"s\"}" },
		{ KIND_RECIPE, "{\"slug\":\"t\"}", "slug: is 's' and cannot be changed to 't'", NULL },
		{ KIND_RECIPE, "{\"file\":{}}", "file: unknown key (did you mean 'files'?)", NULL },
		{ KIND_RECIPE, "{\"name\":5}", "name: is a whole number, should be text", NULL },
		{ KIND_RECIPE, "{\"files\":{\"../x\":{\"mode\":\"0644\",\"sha256\":\"y\"}}}",
			"files: '../x' is not a relative path without '..'\nfiles.../x.sha256: 'y' is not a SHA-256 in lower-case hex", NULL },
		{ KIND_RECIPE, "{\"files\":{\"x\":{\"mode\":\"0777\"}}}",
			"files.x.mode: '0777' is not one of 0644, 0755 (did you mean '0755'?)\nfiles.x.sha256: is missing", NULL },
		{ KIND_CLUSTER, "{\"recipe\":\"r\",\"variables\":{\"a\":1}}", "variables.a: is a whole number, should be a map", NULL },
		{ KIND_CLUSTER, "{\"recipe\":null}", "recipe: is missing", NULL },
		{ KIND_CLUSTER, "{\"recipe\":\"r\",\"environments\":[\"x\"]}", "environments: unknown key", NULL },
		{ KIND_CLUSTER, "{\"recipe\":\"r\",\"variables\":{\"a\":{\"value\":1,\"owner\":\"me\"}}}",
			"variables.a.owner: 'me' is not one of synchronize, meeseeks, initial, manual", NULL },
		{ KIND_PROBER, "[]", "is a list, should be a map", NULL },
	};
	int n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *problems, *normal = NULL;
		struct value *object = from_api(cases[i].kind, cases[i].json, &problems);

		if (cases[i].normal)
			normal = canonical(object);
		if (streq(problems, cases[i].problems) && (!normal || streq(normal, cases[i].normal)))
			continue;
		print_error("%s gives\n%s\n%s\n not\n%s\n%s\n", cases[i].json, problems, normal ? normal : "", cases[i].problems,
			cases[i].normal ? cases[i].normal : "");
		n_wrong++;
	}
	assert_int_equal(n_wrong, 0);
}

/* A digest is of what a config can manage: others' variables and times do not move it. */
static void test_digest(void **state)
{
	static const char *const same[] = {
		"{\"recipe\":\"r\",\"variables\":{\"a\":{\"value\":1,\"owner\":\"synchronize\"}}}",
		"{\"recipe\":\"r\",\"managed\":true,\"source\":{\"path\":\"x\"},\"name\":\"s\",\"deploy\":{},"
		"\"variables\":{\"b\":{\"value\":2},\"a\":{\"value\":1.0,\"owner\":\"synchronize\",\"updated_at\":\"x\"}}}",
	};
	static const char other[] = "{\"recipe\":\"r\",\"variables\":{\"a\":{\"value\":2,\"owner\":\"synchronize\"}}}";
	uint8_t first[SHA256_BYTES], digest[SHA256_BYTES];
	const char *text;

	(void)state;
	object_digest(first, KIND_CLUSTER, from_api(KIND_CLUSTER, same[0], &text));
	object_digest(digest, KIND_CLUSTER, from_api(KIND_CLUSTER, same[1], &text));
	assert_memory_equal(first, digest, SHA256_BYTES);
	object_digest(digest, KIND_CLUSTER, from_api(KIND_CLUSTER, other, &text));
	assert_memory_not_equal(first, digest, SHA256_BYTES);
}

static void test_root_digest(void **state)
{
	struct digest_entry entries[] = { { KIND_RECIPE, "a", { 1 } }, { KIND_CLUSTER, "b", { 2 } }, { KIND_PROBER, "a", { 3 } },
		{ KIND_CLUSTER, "a", { 4 } } };
	static const char *const order[] = { "cluster/a 04", "cluster/b 02", "prober/a 03", "recipe/a 01" };
	cleanup(strbuf_release) struct strbuf lines = STRBUF_INIT;
	uint8_t want[SHA256_BYTES], digest[SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		strbuf_addstr(&lines, order[i]);
		strbuf_addchars(&lines, '0', 62);
		strbuf_addch(&lines, '\n');
	}
	sha256_of(want, lines.buf, lines.len);
	root_digest(digest, entries, ARRAY_SIZE(entries));
	assert_memory_equal(want, digest, SHA256_BYTES);
	root_digest(digest, NULL, 0);
	sha256_of(want, "", 0);
	assert_memory_equal(want, digest, SHA256_BYTES);
}

static void test_runs_on(void **state)
{
	static const struct { const char *placements, *cluster; bool runs; } cases[] = {
		{ "[]", "a", false }, { "[{}]", "a", true }, { "[{\"clusters\":[\"b\",\"a*\"]}]", "a-1", true },
		{ "[{\"clusters\":[\"b\"]}]", "a", false },
		{ "[{},{\"clusters\":[\"a\"],\"enabled\":false}]", "a", false },
		{ "[{},{\"clusters\":[\"a\"],\"enabled\":false}]", "b", true },
		{ "[{},{\"clusters\":[\"a\"],\"hosts\":[\"x\"],\"enabled\":false}]", "a", true },
		{ "[{\"enabled\":false},{\"hosts\":[\"x\"]}]", "a", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *json = arena_printf(&arena, "{\"command\":[\"x\"],\"placements\":%s}", cases[i].placements), *text;

		if (prober_runs_on(from_api(KIND_PROBER, json, &text), cases[i].cluster) != cases[i].runs)
			fail_msg("%s on %s", cases[i].placements, cases[i].cluster);
	}
}

/* Rows that would fail only when someone meets them: patterns without a check, lists without items, a name twice. */
static void check_table(const struct field *fields, const char *path)
{
	for (const struct field *field = fields; field->name; field++) {
		const char *name = arena_printf(&arena, "%s.%s", path, field->name);
		bool items = field->type == F_LIST || field->type == F_MAP;

		if (field - fields >= 64)
			fail_msg("%s: more than 64 rows", path);
		if (!field->help || !*field->help || ends_with(field->help, "."))
			fail_msg("%s: help is missing, or ends in a full stop", name);
		if ((field->type == F_PATTERN || field->type == F_EITHER) && (!field->valid || !field->form))
			fail_msg("%s: a pattern without valid or form", name);
		if (field->type == F_ENUM && !field->words)
			fail_msg("%s: an enum without words", name);
		if ((items || field->type == F_OBJECT || field->type == F_EITHER) && !field->sub)
			fail_msg("%s: no sub", name);
		for (const struct field *other = fields; other < field; other++) {
			if (streq(other->name, field->name) && (other->flags & field->flags & FF_BOTH))
				fail_msg("%s: there twice", name);
		}
		if (field->type == F_OBJECT || field->type == F_EITHER)
			check_table(field->sub, name);
		else if (items && field->sub->type == F_OBJECT)
			check_table(field->sub->sub, name);
	}
}

static void test_tables(void **state)
{
	(void)state;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		check_table(kinds[kind].fields, kinds[kind].name);
	check_table(manifest_fields, "manifest");
}

static void test_schema_pages(void **state)
{
	size_t n = 0;

	(void)state;
	for (; schema_page_names[n]; n++) {
		const struct value *page = schema_page(&arena, schema_page_names[n]);

		assert_string_equal(value_get_string(page, "$schema"), "https://json-schema.org/draft/2020-12/schema");
		assert_string_equal(value_get_string(page, "type"), "object");
		assert_non_null(value_get_string(page, "title"));
	}
	assert_int_equal(n, 5);
	assert_null(schema_page(&arena, "other"));
	const struct value *page = schema_page(&arena, "prober"), *properties = value_get(page, "properties");
	size_t rows = 0;
	for (const struct field *field = prober_fields; field->name; field++) {
		rows += (field->flags & FF_CONFIG) != 0;
		assert_int_equal(value_get(properties, field->name) != NULL, field_find(prober_fields, field->name, FF_CONFIG) != NULL);
	}
	assert_int_equal(properties->n, rows);
	assert_string_equal(canonical(value_get(properties, "interval")),
		"{\"description\":\"time between runs; 30s when absent\",\"pattern\":\"^[0-9]+(ms|s|m|h|d)$\",\"type\":\"string\"}");
	assert_string_equal(canonical(value_get(page, "oneOf")), "[{\"required\":[\"command\"]},{\"required\":[\"probe\"]}]");
	assert_string_equal(canonical(value_get(schema_page(&arena, "values"), "propertyNames")),
		"{\"pattern\":\"^[A-Za-z_][A-Za-z0-9_]*$\"}");
	assert_string_equal(canonical(value_get(schema_page(&arena, "cluster"), "required")), "[\"recipe\"]");
	/* what the loader takes, an editor must not mark */
	const struct value *manifest = value_get(schema_page(&arena, "manifest"), "properties");
	const struct value *guards = value_get(value_get(manifest, "guards"), "properties");
	const struct value *environment = value_get(value_get(manifest, "environments"), "additionalProperties");
	const struct value *max_deletes = value_get(value_get(guards, "max_deletes"), "oneOf");
	assert_string_equal(canonical(value_get(max_deletes->items[0], "type")), "[\"string\",\"number\"]");
	assert_string_equal(canonical(value_get(max_deletes->items[1], "type")), "\"object\"");
	assert_string_equal(canonical(value_get(environment, "type")), "[\"object\",\"null\"]");
	const struct value *deploy = value_get(value_get(schema_page(&arena, "cluster"), "properties"), "deploy");
	assert_string_equal(canonical(value_get(value_get(value_get(deploy, "properties"), "max_destroy"), "minimum")), "0");
}

static int release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configs),
		cmocka_unit_test(test_large_matrix),
		cmocka_unit_test(test_api),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_root_digest),
		cmocka_unit_test(test_runs_on),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_schema_pages),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
