/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans: one object against the API's row by row; a whole plan, its three renderings and its application over a wire that
 * answers from a list.
 */
#include "unit.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/base/file.h"
#include "../../lib/sync/apply.h"
#include "../../lib/sync/guards.h"
#include "../../lib/value/json.h"

static struct arena arena = ARENA_INIT;

static struct value *parse(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct value *v = json_parse(&arena, text, strlen(text), "test", &err);

	if (!v)
		fail_msg("%s: %s", text, err.msg);
	return v;
}

static void add_canonical(struct strbuf *out, const struct value *v)
{
	if (v)
		json_canonical(out, v);
	else
		strbuf_addstr(out, "-");
}

/* ---- one object ---- */

#define CLUSTER(variables)                                                                                             \
	"{\"slug\":\"c\",\"name\":\"c\",\"recipe\":\"r\",\"external_variables\":[],\"sensitive_variables\":[],"        \
	"\"variables\":" variables "}"
#define CURRENT(variables, more)                                                                                       \
	"{\"slug\":\"c\",\"name\":\"c\",\"recipe\":\"r\",\"external_variables\":[],\"sensitive_variables\":[],"        \
	"\"managed\":true,\"revision\":7,\"variables\":" variables more "}"
#define OWN(value) "{\"owner\":\"synchronize\",\"sensitive\":false,\"value\":" value "}"
#define OF(owner, value) "{\"owner\":\"" owner "\",\"sensitive\":false,\"value\":" value ",\"revision\":5}"
#define HIDDEN(owner) "{\"owner\":\"" owner "\",\"sensitive\":true,\"revision\":5}"
#define SECRET(value) "{\"owner\":\"synchronize\",\"sensitive\":true,\"value\":" value "}"

static const struct {
	const char *what;
	enum kind kind;
	bool force;
	const char *desired, *current;
	const char *fields;    /* "field:before>after;" */
	const char *patch;     /* without source; "-": none */
	const char *puts;      /* "name@revision;" */
	const char *conflicts; /* "variable:owner;" */
} comparisons[] = {
	{ "equal numbers", KIND_PROBER, false, "{\"slug\":\"p\",\"limits\":{\"cpu\":1}}",
		"{\"slug\":\"p\",\"limits\":{\"cpu\":1.0},\"managed\":true,\"source\":{\"line\":3},\"revision\":1}", "", "-", "", "" },
	{ "a field, a nested one, one that goes", KIND_PROBER, false,
		"{\"slug\":\"p\",\"interval\":\"1m\",\"limits\":{\"cpu\":2}}",
		"{\"slug\":\"p\",\"interval\":\"30s\",\"limits\":{\"cpu\":1},\"grace\":\"1s\",\"managed\":true}",
		"grace:\"1s\">-;interval:\"30s\">\"1m\";limits.cpu:1>2;",
		"{\"grace\":null,\"interval\":\"1m\",\"limits\":{\"cpu\":2}}", "", "" },
	{ "files are shown whole", KIND_PROBER, false,
		"{\"slug\":\"p\",\"files\":{\"a.sh\":{\"mode\":\"0755\",\"sha256\":\"22\"}}}",
		"{\"slug\":\"p\",\"files\":{\"a.sh\":{\"mode\":\"0644\",\"sha256\":\"11\"},\"b\":{\"mode\":\"0644\",\"sha256\":\"11\"}},"
		"\"managed\":true}",
		"files.a.sh:{\"mode\":\"0644\",\"sha256\":\"11\"}>{\"mode\":\"0755\",\"sha256\":\"22\"};"
		"files.b:{\"mode\":\"0644\",\"sha256\":\"11\"}>-;",
		"{\"files\":{\"a.sh\":{\"mode\":\"0755\",\"sha256\":\"22\"},\"b\":null}}", "", "" },
	{ "made by hand", KIND_PROBER, false, "{\"slug\":\"p\"}", "{\"slug\":\"p\",\"managed\":false}", "managed:false>true;",
		"{\"managed\":true}", "", "" },
	{ "null in a recipe", KIND_RECIPE, false, "{\"slug\":\"r\",\"values\":{\"a\":{\"b\":null}}}",
		"{\"slug\":\"r\",\"values\":{\"a\":1},\"managed\":true}", "values.a:1>{\"b\":null};",
		"whole {\"values\":{\"a\":{\"b\":null}}}", "", "" },
	{ "a null of a recipe stays where something else changes", KIND_RECIPE, false,
		"{\"slug\":\"r\",\"values\":{\"a\":{\"b\":null},\"c\":2}}",
		"{\"slug\":\"r\",\"values\":{\"a\":{\"b\":null},\"c\":1},\"managed\":true}", "values.c:1>2;",
		"{\"values\":{\"c\":2}}", "", "" },
	{ "own variable changes, one comes, one goes", KIND_CLUSTER, false,
		CLUSTER("{\"a\":" OWN("2") ",\"n\":" OWN("\"x\"") "}"),
		CURRENT("{\"a\":" OF("synchronize", "1") ",\"z\":" OF("synchronize", "9") "}", ""),
		"variables.a:1>2;variables.n:->\"x\";variables.z:9>-;",
		"{\"variables\":{\"a\":{\"value\":2},\"n\":{\"owner\":\"synchronize\",\"sensitive\":false,\"value\":\"x\"},\"z\":null}}",
		"", "" },
	{ "a map merges in the patch and is shown by path", KIND_CLUSTER, false, CLUSTER("{\"m\":" OWN("{\"x\":1,\"y\":[2]}") "}"),
		CURRENT("{\"m\":" OF("synchronize", "{\"x\":1,\"y\":[1],\"w\":0}") "}", ""),
		"variables.m.w:0>-;variables.m.y:[1]>[2];", "{\"variables\":{\"m\":{\"value\":{\"w\":null,\"y\":[2]}}}}", "", "" },
	{ "null is put", KIND_CLUSTER, false, CLUSTER("{\"a\":" OWN("{\"x\":null}") ",\"b\":" OWN("null") "}"),
		CURRENT("{\"a\":" OF("synchronize", "1") "}", ""), "variables.a:1>{\"x\":null};variables.b:->null;", "-",
		"a@5;b@-1;", "" },
	{ "null in a list of maps can be patched", KIND_CLUSTER, false, CLUSTER("{\"a\":" OWN("[{\"x\":null}]") "}"),
		CURRENT("{\"a\":" OF("synchronize", "1") "}", ""), "variables.a:1>[{\"x\":null}];",
		"{\"variables\":{\"a\":{\"value\":[{\"x\":null}]}}}", "", "" },
	{ "initial is taken over, also when equal", KIND_CLUSTER, false, CLUSTER("{\"a\":" OWN("1") "}"),
		CURRENT("{\"a\":" OF("initial", "1") "}", ""), "variables.a.owner:\"initial\">\"synchronize\";",
		"{\"variables\":{\"a\":{\"owner\":\"synchronize\"}}}", "", "" },
	{ "others are left alone", KIND_CLUSTER, false, CLUSTER("{\"a\":" OWN("1") ",\"b\":" OWN("1") "}"),
		CURRENT("{\"a\":" OF("manual", "2") ",\"b\":" OF("meeseeks", "1") ",\"c\":" OF("manual", "3") "}", ""), "", "-", "",
		"a:manual;b:meeseeks;" },
	{ "unless by force", KIND_CLUSTER, true, CLUSTER("{\"a\":" OWN("1") "}"),
		CURRENT("{\"a\":" OF("manual", "2") ",\"c\":" OF("manual", "3") "}", ""),
		"variables.a:2>1;variables.a.owner:\"manual\">\"synchronize\";",
		"{\"variables\":{\"a\":{\"owner\":\"synchronize\",\"value\":1}}}", "", "" },
	{ "a secret comes", KIND_CLUSTER, false, CLUSTER("{\"s\":" SECRET("\"pw\"") "}"), CURRENT("{}", ""),
		"variables.s:->\"(sensitive)\";",
		"{\"variables\":{\"s\":{\"owner\":\"synchronize\",\"sensitive\":true,\"value\":\"pw\"}}}", "", "" },
	{ "a hidden value without a digest is sent again", KIND_CLUSTER, false, CLUSTER("{\"s\":" SECRET("\"pw\"") "}"),
		CURRENT("{\"s\":" HIDDEN("synchronize") "}", ""), "variables.s:\"(sensitive)\">\"(sensitive)\";",
		"{\"variables\":{\"s\":{\"value\":\"pw\"}}}", "", "" },
	{ "a hidden map is put", KIND_CLUSTER, false, CLUSTER("{\"s\":" SECRET("{\"k\":1}") "}"),
		CURRENT("{\"s\":" HIDDEN("synchronize") "}", ""), "variables.s:\"(sensitive)\">\"(sensitive)\";", "-", "s@5;", "" },
	{ "what becomes a secret is hidden on both sides", KIND_CLUSTER, false, CLUSTER("{\"s\":" SECRET("\"pw\"") "}"),
		CURRENT("{\"s\":" OF("synchronize", "\"old\"") "}", ""),
		"variables.s:\"(sensitive)\">\"(sensitive)\";variables.s.sensitive:false>true;",
		"{\"variables\":{\"s\":{\"sensitive\":true,\"value\":\"pw\"}}}", "", "" },
	{ "a secret goes", KIND_CLUSTER, false, CLUSTER("{}"), CURRENT("{\"s\":" HIDDEN("synchronize") "}", ""),
		"variables.s:\"(sensitive)\">-;", "{\"variables\":{\"s\":null}}", "", "" },
};

static void check_comparison(size_t i)
{
	struct config_object object = { .kind = comparisons[i].kind, .slug = "x", .path = "x.yaml", .line = 1,
		.text = comparisons[i].desired, .len = strlen(comparisons[i].desired) };
	struct plan_options options = { .force_ownership = comparisons[i].force };
	struct plan_change change = { .action = PLAN_UPDATE, .kind = object.kind, .slug = "x", .object = &object };
	struct plan_conflict_vec conflicts = VEC_INIT;
	struct strbuf fields = STRBUF_INIT, patch = STRBUF_INIT, puts = STRBUF_INIT, conflicting = STRBUF_INIT;

	print_message("%s\n", comparisons[i].what);
	plan_compare(&arena, &options, &change, parse(comparisons[i].current), &conflicts);
	for (size_t k = 0; k < change.fields.n; k++) {
		strbuf_addf(&fields, "%s:", change.fields.v[k].field);
		add_canonical(&fields, change.fields.v[k].before);
		strbuf_addch(&fields, '>');
		add_canonical(&fields, change.fields.v[k].after);
		strbuf_addch(&fields, ';');
	}
	if (change.patch) {
		assert_string_equal(value_get_string(value_get(change.patch, "source"), "path"), "x.yaml");
		value_set(&arena, change.patch, "source", NULL);
	}
	if (change.replace_values)
		strbuf_addstr(&patch, "whole ");
	add_canonical(&patch, change.patch);
	for (size_t k = 0; k < change.puts.n; k++)
		strbuf_addf(&puts, "%s@%d;", change.puts.v[k].name, (int)change.puts.v[k].revision);
	for (size_t k = 0; k < conflicts.n; k++)
		strbuf_addf(&conflicting, "%s:%s;", conflicts.v[k].variable, conflicts.v[k].owner);
	assert_string_equal(fields.buf, comparisons[i].fields);
	assert_string_equal(patch.buf, comparisons[i].patch);
	assert_string_equal(puts.buf, comparisons[i].puts);
	assert_string_equal(conflicting.buf, comparisons[i].conflicts);
	plan_field_vec_clear(&change.fields);
	plan_put_vec_clear(&change.puts);
	plan_conflict_vec_clear(&conflicts);
	strbuf_release(&fields);
	strbuf_release(&patch);
	strbuf_release(&puts);
	strbuf_release(&conflicting);
}

static void test_compare(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(comparisons); i++)
		check_comparison(i);
}

/* With the digest of the API a hidden value is known to be the same, and only the other field changes. */
static void test_hidden_equal(void **state)
{
	static const char desired[] = CLUSTER("{\"a\":" OWN("2") ",\"s\":" SECRET("\"pw\"") "}");
	struct config_object object = { .kind = KIND_CLUSTER, .path = "x.yaml", .text = desired, .len = strlen(desired) };
	struct plan_options options = { 0 };
	struct plan_change change = { .action = PLAN_UPDATE, .kind = KIND_CLUSTER, .object = &object };
	struct value *stored = parse(CLUSTER("{\"a\":" OWN("1") ",\"s\":" SECRET("\"pw\"") "}"));
	struct value *current = parse(CURRENT("{\"a\":" OF("synchronize", "1") ",\"s\":" HIDDEN("synchronize") "}", ""));
	uint8_t digest[SHA256_BYTES];
	char hex[SHA256_HEX + 1];

	(void)state;
	object_digest(digest, KIND_CLUSTER, stored);
	sha256_to_hex(hex, digest);
	value_append(&arena, current, "digest", value_string(&arena, hex));
	plan_compare(&arena, &options, &change, current, NULL);
	assert_int_equal(change.fields.n, 1);
	assert_string_equal(change.fields.v[0].field, "variables.a");
	plan_field_vec_clear(&change.fields);
}

/* ---- a whole plan ---- */

static struct strbuf fake_log = STRBUF_INIT; /* what was asked, with If-Match */
static char folder[] = "/tmp/mrprober-plan-XXXXXX";
static struct config *config;

static void put_file(const char *path, unsigned mode, const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	char *full = path_join(folder, path), *slash = strrchr(full, '/');

	*slash = '\0';
	assert_int_equal(make_folders(full, 0755, &err), 0);
	*slash = '/';
	assert_int_equal(replace_file(full, text, strlen(text), mode, &err), 0);
	free(full);
}

static int make_tree(void **state)
{
	struct config_options options = { .path = folder, .read_secrets = true };
	struct problems problems = PROBLEMS_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv("PLAN_TEST_SECRET", "hunter2", 1);
	put_file("mrprober.yaml", 0644, "mrprober: 1\nenvironments: {prod: {}}\nrequired_variables: []\n");
	put_file("recipes/base/recipe.yaml", 0644, "name: Base\n");
	put_file("recipes/base/main.tf", 0644, "# nothing\n");
	put_file("clusters/lab.yaml", 0644, "recipe: base\nvariables:\n  zones: [a]\n  key: !env PLAN_TEST_SECRET\n");
	put_file("probers/dns/prober.yaml", 0644, "command: [./dns.sh]\ninterval: 1m\nplacements: [{}]\n");
	put_file("probers/dns/dns.sh", 0755, "exit 0\n");
	put_file("probers/same/prober.yaml", 0644, "command: [\"true\"]\nplacements: [{}]\n");
	if (config_load(&config, &options, &problems, &err) < 0 || problems.errors)
		fail_msg("%s", err.msg ? err.msg : problems.list.v[0].msg);
	problems_clear(&problems);
	return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info, (void)type, (void)walk;
	return remove(path);
}

static int remove_tree(void **state)
{
	(void)state;
	config_free(config);
	strbuf_release(&fake_log);
	arena_release(&arena);
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The wire answers from a list: the first row not yet used whose request fits. */
struct wire {
	int unused;
};

struct exchange {
	const char *request; /* "GET /v1/state": the beginning of what is asked */
	int status;          /* 0: the connection ends without an answer */
	const char *body;
};

static struct {
	struct exchange rows[20];
	bool used[20];
	struct wire_transfer *running[64];
	int n_running;
	int64_t now_ms;
} fake;

static struct wire *fake_open(const struct wire_options *options, struct mrp_err *err)
{
	static struct wire wire;

	(void)options, (void)err;
	return &wire;
}

static void fake_close(struct wire *wire)
{
	(void)wire;
}

static const char *asked(const struct wire_transfer *transfer)
{
	const char *path = transfer->url + strlen("http://api");

	return arena_printf(&arena, "%s %s", transfer->method, path);
}

static int fake_start(struct wire *wire, struct wire_transfer *transfer, struct mrp_err *err)
{
	(void)wire, (void)err;
	strbuf_addstr(&fake_log, asked(transfer));
	for (size_t i = 0; i < transfer->headers->n; i++) {
		const char *match;

		if (skip_prefix(transfer->headers->v[i], "If-Match: ", &match))
			strbuf_addf(&fake_log, " if %s", match);
	}
	strbuf_addch(&fake_log, '\n');
	fake.running[fake.n_running++] = transfer;
	return 0;
}

static struct wire_transfer *fake_wait(struct wire *wire, int timeout_ms, int wake_fd)
{
	(void)wire, (void)wake_fd;
	if (!fake.n_running) {
		fake.now_ms += timeout_ms;
		return NULL;
	}
	struct wire_transfer *transfer = fake.running[0];
	memmove(fake.running, fake.running + 1, (size_t)--fake.n_running * sizeof(fake.running[0]));
	for (size_t i = 0; i < ARRAY_SIZE(fake.rows) && fake.rows[i].request; i++) {
		const struct exchange *row = &fake.rows[i];

		if (fake.used[i] || !skip_prefix(asked(transfer), row->request, NULL))
			continue;
		fake.used[i] = true;
		transfer->end = row->status ? WIRE_ANSWERED : WIRE_NO_ANSWER;
		transfer->status = row->status;
		transfer->content_type = xstrdup(row->body && row->body[0] == '<' ? "text/html"
				: row->status < 300                       ? "application/json"
									  : "application/problem+json");
		/* a page of a proxy has no ETag */
		transfer->etag = row->body ? NULL : xstrdup("\"r10\"");
		strbuf_addstr(&transfer->answer, row->body ? row->body : "{}");
		return transfer;
	}
	fail_msg("no answer is planned for: %s", asked(transfer));
	return NULL;
}

static int fake_check_url(char **base, char **host, const char *url, struct mrp_err *err)
{
	(void)err;
	*base = xstrdup(url);
	*host = xstrdup("api");
	return 0;
}

static int64_t fake_now(void *ctx)
{
	(void)ctx;
	return fake.now_ms;
}

static uint64_t fake_chance(void *ctx)
{
	(void)ctx;
	return 0;
}

static const struct wire_ops fake_ops = { fake_open, fake_close, fake_start, fake_wait, fake_check_url };
static const struct http_clock fake_clock = { fake_now, fake_now, fake_chance, NULL };

static struct http_client *open_fake(const struct exchange *rows, size_t n)
{
	struct http_options options = http_options_default;
	struct mrp_err err = MRP_ERR_INIT;

	memset(fake.rows, 0, sizeof(fake.rows));
	memset(fake.used, 0, sizeof(fake.used));
	memcpy(fake.rows, rows, n * sizeof(*rows));
	strbuf_reset(&fake_log);
	options.url = "http://api";
	options.wire = &fake_ops;
	options.clock = &fake_clock;
	options.parallel = 1; /* so that the order of requests is certain */
	return http_open(&options, &err);
}

static const char *digest_of(enum kind kind, const char *slug)
{
	char hex[SHA256_HEX + 1];

	sha256_to_hex(hex, config_find(config, kind, slug)->digest);
	return arena_strdup(&arena, hex);
}

/* An API that lacks the recipe, differs in a cluster and a prober, has the same prober and two that no config has. */
static const char *usual_state(void)
{
	static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

	return arena_printf(&arena,
		"{\"root\":\"%s\",\"environment\":\"prod\",\"kinds\":{\"recipes\":{},"
		"\"clusters\":{\"lab\":{\"digest\":\"%s\",\"revision\":3}},"
		"\"probers\":{\"dns\":{\"digest\":\"%s\",\"revision\":4},\"same\":{\"digest\":\"%s\",\"revision\":5},"
		"\"gone\":{\"digest\":\"%s\",\"revision\":6},\"old\":{\"digest\":\"%s\",\"revision\":7}}},"
		"\"unmanaged\":{},\"destroying\":{\"clusters\":{\"tmp\":{\"revision\":9}}}}",
		zeros, zeros, zeros, digest_of(KIND_PROBER, "same"), zeros, zeros);
}

#define LAB_NOW                                                                                                        \
	"{\"items\":[{\"slug\":\"lab\",\"name\":\"lab\",\"description\":\"\",\"labels\":{},\"managed\":true,\"recipe\":"   \
	"\"base\",\"variables\":{\"zones\":{\"value\":[\"b\"],\"owner\":\"manual\",\"sensitive\":false,\"revision\":2},"   \
	"\"key\":{\"owner\":\"synchronize\",\"sensitive\":true,\"revision\":3}},\"external_variables\":[],"                \
	"\"sensitive_variables\":[],\"deploy\":{},\"revision\":3}]}"
#define DNS_NOW                                                                                                        \
	"{\"items\":[{\"slug\":\"dns\",\"name\":\"dns\",\"description\":\"a | `b` <c>\\u0007\",\"labels\":{},\"managed\":true," \
	"\"command\":[\"./dns.sh\"],\"files\":{\"dns.sh\":{\"sha256\":"                                                    \
	"\"1111111111111111111111111111111111111111111111111111111111111111\",\"mode\":\"0644\"}},\"interval\":\"30s\","   \
	"\"placements\":[{}],\"revision\":4}]}"

static struct plan *make_plan(struct http_client *client, bool prune)
{
	struct plan_options options = { .prune = prune };
	struct mrp_err err = MRP_ERR_INIT;
	struct plan *plan;

	if (plan_make(&plan, client, config, &options, &err) < 0)
		fail_msg("%s", err.msg);
	return plan;
}

/* Expected texts write @ for the folder. */
static void check_text(const struct strbuf *text, const char *expected)
{
	struct strbuf got = STRBUF_INIT;
	const char *p = text->buf;

	for (const char *hit; (hit = strstr(p, folder)); p = hit + strlen(folder)) {
		strbuf_add(&got, p, (size_t)(hit - p));
		strbuf_addch(&got, '@');
	}
	strbuf_addstr(&got, p);
	assert_string_equal(got.buf, expected);
	assert_null(strstr(got.buf, "hunter2"));
	strbuf_release(&got);
}

static struct plan *usual_plan(bool prune, struct http_client **client)
{
	const struct exchange rows[] = { { "GET /v1/state", 200, usual_state() }, { "GET /v1/clusters?", 200, LAB_NOW },
		{ "GET /v1/probers?", 200, DNS_NOW } };

	*client = open_fake(rows, ARRAY_SIZE(rows));
	struct plan *plan = make_plan(*client, prune);
	assert_string_equal(fake_log.buf, "GET /v1/state\nGET /v1/clusters?page_size=1&slug=lab\n"
					  "GET /v1/probers?page_size=1&slug=dns\n");
	return plan;
}

static void test_text(void **state)
{
	struct http_client *client;
	struct plan *plan = usual_plan(false, &client);
	struct strbuf text = STRBUF_INIT;

	(void)state;
	plan_text(&text, plan, false, 80);
	check_text(&text,
		"+ recipe base  @/recipes/base/recipe.yaml:1\n"
		"~ cluster lab  @/clusters/lab.yaml:1\n"
		"    variables.key: (sensitive) -> (sensitive)\n"
		"~ prober dns   @/probers/dns/prober.yaml:1\n"
		"    description: \"a | `b` <c>\\u0007\" -> \"\"\n"
		"    files.dns.sh: 1111111 (0644) -> 28d3b9e (0755)\n"
		"    interval: \"30s\" -> \"1m\"\n"
		"\n"
		"Conflicts: variables that someone else writes are left alone (--force-ownership takes them over)\n"
		"! cluster lab  @/clusters/lab.yaml:1: variable 'zones' is written by 'manual'\n"
		"\n"
		"Unmanaged: no config describes these any more (--prune deletes them)\n"
		"  prober gone\n"
		"  prober old\n"
		"\n"
		"Waiting\n"
		"  cluster tmp: is being destroyed\n"
		"\n"
		"Plan: 1 to create, 2 to update, 0 to delete, 1 conflict, 2 unmanaged, 1 waiting; 1 unchanged\n");
	strbuf_release(&text);
	plan_free(plan);
	http_close(client);
}

static void test_json(void **state)
{
	struct http_client *client;
	struct plan *plan = usual_plan(true, &client);
	struct strbuf text = STRBUF_INIT;

	(void)state;
	plan_json(&text, plan);
	parse(text.buf);
	check_text(&text,
		"{\n"
		"  \"format_version\": 1,\n"
		"  \"environment\": \"prod\",\n"
		"  \"revision\": null,\n"
		"  \"root_digest\": \"0000000000000000000000000000000000000000000000000000000000000000\",\n"
		"  \"changes\": [\n"
		"    {\"action\": \"create\", \"kind\": \"recipe\", \"slug\": \"base\", \"source\": "
		"{\"path\":\"recipes/base/recipe.yaml\",\"line\":1,\"revision\":null,\"author\":null,\"committed_at\":null}, "
		"\"fields\": [{\"field\": \"files.main.tf\", \"before\": null, \"after\": "
		"{\"mode\":\"0644\",\"sha256\":\"5e49ea838dc30f3eeacf6ca7815f6e3adcf77f467a970d978676790fd90377e1\"}}, "
		"{\"field\": \"name\", \"before\": null, \"after\": \"Base\"}]},\n"
		"    {\"action\": \"update\", \"kind\": \"cluster\", \"slug\": \"lab\", \"source\": "
		"{\"path\":\"clusters/lab.yaml\",\"line\":1,\"revision\":null,\"author\":null,\"committed_at\":null}, "
		"\"fields\": [{\"field\": \"variables.key\", \"before\": \"(sensitive)\", \"after\": \"(sensitive)\"}]},\n"
		"    {\"action\": \"update\", \"kind\": \"prober\", \"slug\": \"dns\", \"source\": "
		"{\"path\":\"probers/dns/prober.yaml\",\"line\":1,\"revision\":null,\"author\":null,\"committed_at\":null}, "
		"\"fields\": [{\"field\": \"description\", \"before\": \"a | `b` <c>\\u0007\", \"after\": \"\"}, "
		"{\"field\": \"files.dns.sh\", \"before\": "
		"{\"sha256\":\"1111111111111111111111111111111111111111111111111111111111111111\",\"mode\":\"0644\"}, \"after\": "
		"{\"mode\":\"0755\",\"sha256\":\"28d3b9e880a77975493dc7e359144c0295a4f694cfe0af4f928c22307bc5c320\"}}, "
		"{\"field\": \"interval\", \"before\": \"30s\", \"after\": \"1m\"}]},\n"
		"    {\"action\": \"delete\", \"kind\": \"prober\", \"slug\": \"gone\", \"source\": null, \"fields\": []},\n"
		"    {\"action\": \"delete\", \"kind\": \"prober\", \"slug\": \"old\", \"source\": null, \"fields\": []}\n"
		"  ],\n"
		"  \"conflicts\": [\n"
		"    {\"kind\": \"cluster\", \"slug\": \"lab\", \"field\": \"variables.zones\", \"owner\": \"manual\", \"source\": "
		"{\"path\":\"clusters/lab.yaml\",\"line\":1,\"revision\":null,\"author\":null,\"committed_at\":null}}\n"
		"  ],\n"
		"  \"unmanaged\": [],\n"
		"  \"waiting\": [\n"
		"    {\"kind\": \"cluster\", \"slug\": \"tmp\", \"reason\": \"is being destroyed\"}\n"
		"  ],\n"
		"  \"summary\": {\"create\": 1, \"update\": 2, \"delete\": 2, \"conflict\": 1, \"unchanged\": 1}\n"
		"}\n");
	strbuf_release(&text);
	plan_free(plan);
	http_close(client);
}

static void test_markdown(void **state)
{
	struct http_client *client;
	struct plan *plan = usual_plan(true, &client);
	struct strbuf text = STRBUF_INIT;

	(void)state;
	plan_markdown(&text, plan);
	check_text(&text,
		"### mrprober synchronize: <code>prod</code>\n"
		"\n"
		"Plan: 1 to create, 2 to update, 2 to delete, 1 conflict, 1 waiting; 1 unchanged\n"
		"\n"
		"| | object | changes | source |\n"
		"|---|---|---|---|\n"
		"| create | recipe <code>base</code> |  | <code>recipes/base/recipe.yaml:1</code> |\n"
		"| update | cluster <code>lab</code> | <code>variables.key</code>: <code>(sensitive)</code> → "
		"<code>(sensitive)</code> | <code>clusters/lab.yaml:1</code> |\n"
		"| update | prober <code>dns</code> | <code>description</code>: <code>\"a &#124; &#96;b&#96; &#60;c&#62;&#92;u0007\"</code> "
		"→ <code>\"\"</code><br><code>files.dns.sh</code>: <code>1111111 (0644)</code> → <code>28d3b9e (0755)</code><br>"
		"<code>interval</code>: <code>\"30s\"</code> → <code>\"1m\"</code> | <code>probers/dns/prober.yaml:1</code> |\n"
		"| delete | prober <code>gone</code> |  |  |\n"
		"| delete | prober <code>old</code> |  |  |\n"
		"\n"
		"**Conflicts** (left alone; `--force-ownership` takes them over)\n"
		"\n"
		"- cluster <code>lab</code>: variable <code>zones</code> is written by manual (<code>clusters/lab.yaml:1</code>)\n"
		"\n"
		"**Waiting**\n"
		"\n"
		"- cluster <code>tmp</code>: is being destroyed\n");
	strbuf_release(&text);
	plan_free(plan);
	http_close(client);
}

static void test_in_sync(void **state)
{
	const struct exchange rows[] = { { "GET /v1/state", 304, NULL } };
	struct http_client *client = open_fake(rows, ARRAY_SIZE(rows));
	struct plan *plan = make_plan(client, true);
	struct strbuf text = STRBUF_INIT;

	(void)state;
	assert_string_equal(fake_log.buf, "GET /v1/state\n");
	assert_false(plan_differs(plan));
	plan_text(&text, plan, true, 80);
	assert_string_equal(text.buf, "In sync: 4 objects.\n");
	strbuf_release(&text);
	plan_free(plan);
	http_close(client);
}

static void test_refusals(void **state)
{
	static const struct { const char *only, *state; enum mrp_errcode code; const char *message; } cases[] = {
		{ NULL, "{\"root\":\"x\",\"environment\":\"preprod\",\"kinds\":{\"recipes\":{},\"clusters\":{},\"probers\":{}}}",
			MRP_EREFUSED, "the API holds environment 'preprod', not 'prod'" },
		{ "prober/x*", NULL, MRP_EUSAGE, "--only: nothing matches 'prober/x*'" },
		{ "probers", NULL, MRP_EUSAGE,
			"--only: 'probers' is not KIND/GLOB (like prober/dns-*; kinds are recipe, cluster, prober)" },
		{ NULL, "{\"root\":\"x\",\"kinds\":{\"recipes\":{},\"clusters\":{}}}", MRP_EHTTP,
			"GET http://api/v1/state: the answer has no 'probers' (is this the mrprober API?)" },
		{ NULL, "{\"root\":\"x\",\"kinds\":{\"recipes\":{\"a\":{\"digest\":\"short\",\"revision\":1}}}}", MRP_EHTTP,
			"GET http://api/v1/state: the answer has no 'digest' (is this the mrprober API?)" },
		{ NULL, "[]", MRP_EHTTP, "GET http://api/v1/state: the answer has no 'root' (is this the mrprober API?)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct exchange rows[] = { { "GET /v1/state", 200, cases[i].state ? cases[i].state : usual_state() } };
		struct http_client *client = open_fake(rows, 1);
		struct strvec only = STRVEC_INIT;
		struct plan_options options = { .only = &only };
		struct mrp_err err = MRP_ERR_INIT;
		struct plan *plan;

		if (cases[i].only)
			strvec_push(&only, cases[i].only);
		assert_int_equal(plan_make(&plan, client, config, &options, &err), -1);
		assert_string_equal(err.msg, cases[i].message);
		assert_int_equal(err.code, cases[i].code);
		mrp_err_clear(&err);
		strvec_clear(&only);
		plan_free(plan);
		http_close(client);
	}
}

/* "5 probers=10%": what the option was given with, one after the other. */
static struct plan_limits limits(const char *said)
{
	struct plan_limits limits = { 0 };
	struct mrp_err err = MRP_ERR_INIT;
	cleanup(freep) char *copy = xstrdup(said);

	for (char *rest = copy, *word; (word = strsep(&rest, " "));) {
		if (*word && plan_limits_add(&limits, word, &err) < 0)
			fail_msg("%s", err.msg);
	}
	return limits;
}

/* The usual plan deletes 2 of 4 probers, and changes 5 objects: a recipe, a cluster and 3 probers. */
static void test_guards(void **state)
{
	static const struct { const char *deletes, *changes, *too_much, *flags; } cases[] = {
		{ "", "", "delete 2 of 4 probers (at most 1: 10% by default)", "--max-deletes probers=2" },
		{ "0%", "", "delete 2 of 4 probers (at most 0: 0% by --max-deletes)", "--max-deletes probers=2" },
		{ "1", "", "delete 2 objects (at most 1 by --max-deletes)", "--max-deletes 2" },
		{ "1 50%", "" }, /* the last one counts */
		{ "2", "" },
		{ "50%", "" },
		{ "2", "2", "change 5 objects (at most 2 by --max-changes)", "--max-changes 5" },
		{ "2", "5" },
		{ "1", "0%", "delete 2 objects (at most 1 by --max-deletes), change 1 of 0 recipes (at most 0: 0% by --max-changes), "
			     "change 1 of 1 clusters (at most 0: 0% by --max-changes), change 3 of 4 probers (at most 0: 0% by --max-changes)",
			"--max-deletes 2 --max-changes recipes=1 --max-changes clusters=1 --max-changes probers=3" },
		/* one kind */
		{ "probers=2", "" },
		{ "prober=50%", "" },
		{ "probers=1", "", "delete 2 of 4 probers (at most 1 by --max-deletes)", "--max-deletes probers=2" },
		{ "probers=25%", "", "delete 2 of 4 probers (at most 1: 25% by --max-deletes)", "--max-deletes probers=2" },
		{ "clusters=0", "", "delete 2 of 4 probers (at most 1: 10% by default)", "--max-deletes probers=2" },
		{ "0 probers=2", "" },
		{ "100% probers=1", "", "delete 2 of 4 probers (at most 1 by --max-deletes)", "--max-deletes probers=2" },
		{ "probers=1 probers=2", "" },
		/* a number is for those without one of their own */
		{ "2", "2 probers=3" },
		{ "2", "1 probers=3", "change 2 objects (at most 1 by --max-changes)", "--max-changes 2" },
		{ "2", "cluster=0 1 probers=3", "change 1 of 1 clusters (at most 0 by --max-changes)", "--max-changes clusters=1" },
	};
	struct http_client *client;
	struct plan *plan = usual_plan(true, &client);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct plan_limits deletes = limits(cases[i].deletes), changes = limits(cases[i].changes);
		struct mrp_err err = MRP_ERR_INIT;
		int code = plan_guard(plan, &deletes, &changes, &err);

		assert_int_equal(code, cases[i].too_much ? -1 : 0);
		if (cases[i].too_much) {
			char *message = xasprintf("refused: the plan would %s; to allow this plan pass %s", cases[i].too_much,
				cases[i].flags);

			assert_string_equal(err.msg, message);
			free(message);
		}
		assert_int_equal(err.code, cases[i].too_much ? MRP_EREFUSED : MRP_OK);
		mrp_err_clear(&err);
	}
	plan_free(plan);
	http_close(client);
}

static void test_bad_limits(void **state)
{
	static const struct { const char *text, *message; } cases[] = {
		{ "", "'' is neither a number nor a percentage (like 5, 10%)" },
		{ "probers", "'probers' is neither a number nor a percentage (like 5, 10%)" },
		{ "probers=", "'' is neither a number nor a percentage (like 5, 10%)" },
		{ "probers=x", "'x' is neither a number nor a percentage (like 5, 10%)" },
		{ "probers=-1", "'-1' is out of range" },
		{ "probers=101%", "'101%' is not between 0% and 100%" },
		{ "agents=1", "'agents' is no kind of object (recipes, clusters, probers)" },
		{ "=1", "'' is no kind of object (recipes, clusters, probers)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct plan_limits limits = { 0 };
		struct mrp_err err = MRP_ERR_INIT;

		assert_int_equal(plan_limits_add(&limits, cases[i].text, &err), -1);
		assert_string_equal(err.msg, cases[i].message);
		assert_false(plan_limits_set(&limits));
		mrp_err_clear(&err);
	}
}

/* Applying the usual plan, with what one answer does to it. `results` has a letter a change: l d f w. */
struct application {
	const char *what;
	struct exchange rows[12];
	const char *results;
	enum mrp_errcode code;
	const char *asked; /* from the first write on */
};

#define MISSING_NONE { "POST /v1/blobs/missing", 200, "{\"missing\":[]}" }

static const struct application applications[] = {
	{ "all well", { MISSING_NONE, { "POST /v1/recipes", 201, NULL }, { "PATCH /v1/clusters/lab", 200, NULL },
			      { "PATCH /v1/probers/dns", 200, NULL }, { "DELETE /v1/probers/gone", 204, NULL },
			      { "DELETE /v1/probers/old", 204, NULL } },
		"ddddd", MRP_OK,
		"POST /v1/recipes\nPATCH /v1/clusters/lab if \"r3\"\nPATCH /v1/probers/dns if \"r4\"\n"
		"DELETE /v1/probers/gone if \"r6\"\nDELETE /v1/probers/old if \"r7\"\n" },
	{ "a recipe fails, its cluster is left", { MISSING_NONE, { "POST /v1/recipes", 422, NULL },
							 { "PATCH /v1/probers/dns", 200, NULL },
							 { "DELETE /v1/probers/gone", 202, NULL },
							 { "DELETE /v1/probers/old", 404, NULL } },
		"fldwd", MRP_EFAILED,
		"POST /v1/recipes\nPATCH /v1/probers/dns if \"r4\"\nDELETE /v1/probers/gone if \"r6\"\n"
		"DELETE /v1/probers/old if \"r7\"\n" },
	{ "lost, sent again, and it had arrived", { MISSING_NONE, { "POST /v1/recipes", 0, NULL },
							  { "POST /v1/recipes", 409, NULL },
							  { "GET /v1/recipes/base", 200,
								  "{\"slug\":\"base\",\"name\":\"Base\",\"description\":\"\",\"labels\":{},"
								  "\"managed\":true,\"files\":{\"main.tf\":{\"mode\":\"0644\",\"sha256\":"
								  "\"5e49ea838dc30f3eeacf6ca7815f6e3adcf77f467a970d978676790fd90377e1\"}},"
								  "\"values\":{},\"required_variables\":[],\"revision\":9}" },
							  { "PATCH /v1/clusters/lab", 200, NULL },
							  { "PATCH /v1/probers/dns", 200, NULL },
							  { "DELETE /v1/probers/gone", 204, NULL },
							  { "DELETE /v1/probers/old", 204, NULL } },
		"ddddd", MRP_OK, NULL },
	{ "somebody else made the recipe", { MISSING_NONE, { "POST /v1/recipes", 409, NULL },
						   { "GET /v1/recipes/base", 200,
							   "{\"slug\":\"base\",\"name\":\"Other\",\"managed\":true,\"revision\":9}" },
						   { "PATCH /v1/probers/dns", 200, NULL },
						   { "DELETE /v1/probers/gone", 412, NULL },
						   { "GET /v1/probers/gone", 200, "{\"slug\":\"gone\",\"revision\":8}" },
						   { "DELETE /v1/probers/old", 412, NULL },
						   { "GET /v1/probers/old", 404, NULL } },
		"fldfd", MRP_EFAILED, NULL },
	{ "not allowed: nothing more is tried", { MISSING_NONE, { "POST /v1/recipes", 403, NULL } }, "fllll", MRP_EPERM, NULL },
	{ "an environment of another", { MISSING_NONE, { "POST /v1/recipes", 409,
							       "{\"type\":\"urn:mrprober:problem:environment\",\"title\":\"x\"}" } },
		"fllll", MRP_EREFUSED, NULL },
	{ "success that is none", { MISSING_NONE, { "POST /v1/recipes", 200, "{}" }, { "PATCH /v1/probers/dns", 204, "" },
					  { "DELETE /v1/probers/gone", 200, "{}" }, { "DELETE /v1/probers/old", 204, NULL } },
		"flffd", MRP_EFAILED, NULL },
	{ "each fails in its own way", { MISSING_NONE, { "POST /v1/recipes", 0, NULL }, { "POST /v1/recipes", 0, NULL },
							{ "POST /v1/recipes", 0, NULL }, { "POST /v1/recipes", 501, NULL },
							{ "PATCH /v1/probers/dns", 500, NULL }, { "PATCH /v1/probers/dns", 500, NULL },
							{ "PATCH /v1/probers/dns", 500, NULL }, { "PATCH /v1/probers/dns", 500, NULL },
							{ "DELETE /v1/probers/gone", 507, NULL } },
		"flffl", MRP_ENOSPC, NULL },
	{ "a page of a proxy does not say that something is gone", { MISSING_NONE, { "POST /v1/recipes", 409, NULL },
									  { "GET /v1/recipes/base", 404, "<p>" },
									  { "PATCH /v1/probers/dns", 200, NULL },
									  { "DELETE /v1/probers/gone", 404, "<p>" },
									  { "DELETE /v1/probers/old", 412, NULL },
									  { "GET /v1/probers/old", 404, "<p>" } },
		"fldff", MRP_EFAILED, NULL },
	{ "a file cannot be uploaded: its object fails", { { "POST /v1/blobs/missing", 200,
								 "{\"missing\":["
								 "\"5e49ea838dc30f3eeacf6ca7815f6e3adcf77f467a970d978676790fd90377e1\"]}" },
								 { "PUT /v1/blobs/5e49", 422, NULL },
								 { "PATCH /v1/probers/dns", 200, NULL },
								 { "DELETE /v1/probers/gone", 204, NULL },
								 { "DELETE /v1/probers/old", 204, NULL } },
		"flddd", MRP_EFAILED, NULL },
};

static void check_application(const struct application *application)
{
	static const char letters[] = "ldfw";
	struct http_client *client;
	struct plan *plan = usual_plan(true, &client);
	struct mrp_err err = MRP_ERR_INIT;
	char results[8] = "";

	print_message("%s\n", application->what);
	http_close(client);
	client = open_fake(application->rows, ARRAY_SIZE(application->rows));
	int code = plan_apply(plan, client, NULL, NULL, &err);
	for (size_t i = 0; i < plan->changes.n; i++)
		results[i] = letters[plan->changes.v[i].result];
	assert_string_equal(results, application->results);
	assert_int_equal(err.code, application->code);
	assert_int_equal(code, application->code == MRP_OK ? 0 : -1);
	for (size_t i = 0; i < ARRAY_SIZE(fake.rows) && fake.rows[i].request; i++)
		assert_true(fake.used[i]);
	if (application->asked)
		assert_string_equal(strchr(fake_log.buf, '\n') + 1, application->asked);
	for (size_t i = 0; i < plan->changes.n; i++) {
		if (plan->changes.v[i].result == PLAN_FAILED)
			assert_non_null(plan->changes.v[i].reason);
	}
	mrp_err_clear(&err);
	plan_free(plan);
	http_close(client);
}

static void test_apply(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(applications); i++)
		check_application(&applications[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_hidden_equal),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_markdown),
		cmocka_unit_test(test_in_sync),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_guards),
		cmocka_unit_test(test_bad_limits),
		cmocka_unit_test(test_apply),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
