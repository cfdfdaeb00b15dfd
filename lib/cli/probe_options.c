/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_options.h"

#include "../base/file.h"
#include "../base/parse.h"

enum { HEADER_FILE_MAX = 65536 };

/* None is taken from the environment: an agent's probers have MRPROBER_HOST and MRPROBER_TIMEOUT, which mean others. */
#define NO_ENV .flags = OPTF_NO_ENV

/* clang-format off */
#define OPT_TIMEOUT(st) OPT_DURATION(0, "timeout", st, common.timeout_ms, "<duration>", \
	"for all of it; critical when it is over; 10s when not given", .min = 1, .max = 86400000, NO_ENV)
#define OPT_IP_VERSION(st) OPT_ENUM(0, "ip-version", st, ip_version, "4|6|any", "of the address; any when not given", NO_ENV)
#define OPT_HOST(st) OPT_STRING(0, "host", st, host, "<host>", "name or address, in place of the argument", NO_ENV)
#define OPT_MAX_TIME(st, what) OPT_STRING(0, "max-time", st, max_time, "<duration>", what " that takes longer is a warning", NO_ENV)
#define OPT_CA_CERT(st) OPT_STRING(0, "ca-cert", st, ca_cert, "<file>", \
	"PEM file with the certificates to trust; the system's when not given", .flags = OPTF_NO_ENV | OPTF_FILE)
#define OPT_INSECURE(st) OPT_BOOL(0, "insecure", st, insecure, "do not verify the certificate", .flags = OPTF_NO_ENV | OPTF_NO_NO)

const struct mrp_opt probe_http_opts[] = {
	OPT_STRING(0, "url", struct probe_http, url, "<url>", "http:// or https:// address, in place of the argument", NO_ENV),
	OPT_STRING(0, "method", struct probe_http, method, "<method>", "GET when not given", NO_ENV),
	OPT_LIST(0, "header", struct probe_http, headers, "<name: value>|@<file>",
		"header of the request; @FILE has one a line, for those that are secret; repeatable", NO_ENV),
	OPT_STRING(0, "body", struct probe_http, body, "<text>", "body of the request", NO_ENV),
	OPT_LIST(0, "expect-status", struct probe_http, expect_status, "<status>",
		"status that is a success; 200-299 when not given; repeatable", NO_ENV),
	OPT_STRING(0, "expect-body", struct probe_http, expect_body, "<text>", "text that the body must contain", NO_ENV),
	OPT_STRING(0, "expect-body-regex", struct probe_http, expect_body_regex, "<regex>",
		"extended regular expression that the body must match", NO_ENV),
	OPT_BOOL(0, "follow-redirects", struct probe_http, follow_redirects, "ask where a redirect points to, at most 10 times",
		.flags = OPTF_NO_ENV | OPTF_NO_NO),
	OPT_MAX_TIME(struct probe_http, "an answer"),
	OPT_STRING(0, "min-validity", struct probe_http, min_validity, "<duration>", "a certificate that ends sooner is a warning", NO_ENV),
	OPT_INSECURE(struct probe_http),
	OPT_CA_CERT(struct probe_http),
	OPT_IP_VERSION(struct probe_http),
	OPT_TIMEOUT(struct probe_http),
	OPT_END,
};

const struct mrp_opt probe_tcp_opts[] = {
	OPT_HOST(struct probe_tcp),
	OPT_INT(0, "port", struct probe_tcp, port, "<port>", "port to connect to", .min = 1, .max = 65535, NO_ENV),
	OPT_STRING(0, "send", struct probe_tcp, send, "<text>", "text to send after connecting", NO_ENV),
	OPT_STRING(0, "expect", struct probe_tcp, expect, "<text>", "text that must come back", NO_ENV),
	OPT_MAX_TIME(struct probe_tcp, "connecting"),
	OPT_IP_VERSION(struct probe_tcp),
	OPT_TIMEOUT(struct probe_tcp),
	OPT_END,
};

const struct mrp_opt probe_dns_opts[] = {
	OPT_STRING(0, "server", struct probe_dns, server, "<address[:port]>", "resolver to ask; those of the host when not given", NO_ENV),
	OPT_STRING(0, "name", struct probe_dns, name, "<name>", "name to look up, in place of the argument", NO_ENV),
	OPT_STRING(0, "type", struct probe_dns, type, "<type>", "record type; A when not given", NO_ENV),
	OPT_LIST(0, "expect", struct probe_dns, expect, "<record>", "record that must be in the answer; repeatable", NO_ENV),
	OPT_MAX_TIME(struct probe_dns, "an answer"),
	OPT_BOOL(0, "tcp", struct probe_dns, tcp, "ask over TCP", .flags = OPTF_NO_ENV | OPTF_NO_NO),
	OPT_TIMEOUT(struct probe_dns),
	OPT_END,
};

const struct mrp_opt probe_icmp_opts[] = {
	OPT_HOST(struct probe_icmp),
	OPT_INT(0, "count", struct probe_icmp, count, "<n>", "echo requests to send; 3 when not given", .min = 1, .max = 1000, NO_ENV),
	OPT_STRING(0, "interval", struct probe_icmp, interval, "<duration>", "time between them; 200ms when not given", NO_ENV),
	OPT_STRING(0, "size", struct probe_icmp, size, "<size>", "payload; 56B when not given", NO_ENV),
	OPT_STRING(0, "max-loss", struct probe_icmp, max_loss, "<percent>", "more loss is critical; 0% when not given", NO_ENV),
	OPT_STRING(0, "max-rtt", struct probe_icmp, max_rtt, "<duration>", "a larger mean round-trip time is critical", NO_ENV),
	OPT_IP_VERSION(struct probe_icmp),
	OPT_TIMEOUT(struct probe_icmp),
	OPT_END,
};

const struct mrp_opt probe_tls_opts[] = {
	OPT_HOST(struct probe_tls),
	OPT_INT(0, "port", struct probe_tls, port, "<port>", "443 when not given", .min = 1, .max = 65535, NO_ENV),
	OPT_STRING(0, "server-name", struct probe_tls, server_name, "<name>", "name to ask for and verify; the host when not given", NO_ENV),
	OPT_STRING(0, "min-validity", struct probe_tls, min_validity, "<duration>",
		"a certificate that ends sooner is critical; 7d when not given", NO_ENV),
	OPT_INSECURE(struct probe_tls),
	OPT_CA_CERT(struct probe_tls),
	OPT_IP_VERSION(struct probe_tls),
	OPT_TIMEOUT(struct probe_tls),
	OPT_END,
};

const struct mrp_opt probe_disk_opts[] = {
	OPT_STRING(0, "path", struct probe_disk, path, "<folder>", "folder to write in, in place of the argument",
		.flags = OPTF_NO_ENV | OPTF_FOLDER),
	OPT_STRING(0, "size", struct probe_disk, size, "<size>", "what to write, sync and read back; 4KiB when not given", NO_ENV),
	OPT_STRING(0, "max-latency", struct probe_disk, max_latency, "<duration>", "a slower write, sync and read is critical", NO_ENV),
	OPT_STRING(0, "max-fill", struct probe_disk, max_fill, "<percent>", "a fuller file system is critical", NO_ENV),
	OPT_TIMEOUT(struct probe_disk),
	OPT_END,
};
/* clang-format on */

const struct mrp_opt *probe_opt_of(const struct mrp_opt *opts, const struct field *field)
{
	cleanup(freep) char *name = xstrdup(field->name);
	size_t len = strlen(name);
	bool no;

	for (char *p = name; *p; p++) {
		if (*p == '_')
			*p = '-';
	}
	const struct mrp_opt *opt = mrp_opt_find(opts, name, len, &no);
	bool many = field->type == F_LIST || field->type == F_MAP;
	if (!opt && many && ends_with(name, "s"))
		opt = mrp_opt_find(opts, name, len - 1, &no);
	return opt;
}

/* --- rows to values ----------------------------------------------------------------------------------------------- */

static struct value *list_value(struct arena *arena, const struct field *field, const struct strvec *list,
	const char *shown, struct mrp_err *err)
{
	struct value *array = value_array(arena);

	for (size_t i = 0; i < list->n; i++) {
		int64_t n;

		if (field->sub->type != F_INT) {
			value_push(arena, array, value_string(arena, list->v[i]));
			continue;
		}
		if (parse_int(&n, list->v[i], field->sub->min, field->sub->max, err) < 0) {
			mrp_err_wrap(err, "--%s", shown);
			return NULL;
		}
		value_push(arena, array, value_int(arena, n));
	}
	return array;
}

/* "Name: value", whose value may be a secret: no message shows it. */
static int add_header(struct arena *arena, struct value *map, const char *line, struct mrp_err *err)
{
	size_t len = strcspn(line, ":");
	const char *value = line + len + (line[len] == ':');

	if (!len || !line[len])
		return mrp_err_set(err, MRP_EUSAGE, "--header: a header is 'Name: value'");
	value += strspn(value, " \t");
	value_set(arena, map, arena_strndup(arena, line, len), value_string(arena, value));
	return 0;
}

static int add_headers_of_file(struct arena *arena, struct value *map, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (read_file(&text, path, HEADER_FILE_MAX, err) < 0)
		return mrp_err_wrap(err, "--header");
	for (char *line = text.buf, *next; *line; line = next) {
		size_t len = strcspn(line, "\r\n");

		next = line + len + strspn(line + len, "\r\n");
		line[len] = '\0';
		if (*line && add_header(arena, map, line, err) < 0)
			return -1;
	}
	return 0;
}

static struct value *map_value(struct arena *arena, const struct strvec *list, struct mrp_err *err)
{
	struct value *map = value_object(arena);

	for (size_t i = 0; i < list->n; i++) {
		const char *rest;
		int r = skip_prefix(list->v[i], "@", &rest) ? add_headers_of_file(arena, map, rest, err)
							    : add_header(arena, map, list->v[i], err);

		if (r < 0)
			return NULL;
	}
	return map;
}

static void pick_word(void *ctx, const char *word, size_t len)
{
	struct {
		struct arena *arena;
		int left;
		struct value *value;
	} *pick = ctx;

	if (pick->left-- == 0)
		pick->value = value_string_n(pick->arena, word, len);
}

/* 0: *out is the value, or NULL when the option was not given. */
static int row_value(struct value **out, struct arena *arena, const struct field *field, const struct mrp_opt *opt,
	const void *args, struct mrp_err *err)
{
	const void *member = (const char *)args + opt->offset;
	struct {
		struct arena *arena;
		int left;
		struct value *value;
	} pick = { arena, 0, NULL };

	*out = NULL;
	switch (opt->type) {
	case OPT_TYPE_STRING:
		if (*(const char *const *)member)
			*out = value_string(arena, *(const char *const *)member);
		return 0;
	case OPT_TYPE_BOOL:
		if (*(const bool *)member)
			*out = value_bool(arena, true);
		return 0;
	case OPT_TYPE_INT:
		if (*(const int64_t *)member)
			*out = value_int(arena, *(const int64_t *)member);
		return 0;
	case OPT_TYPE_ENUM:
		pick.left = *(const int *)member;
		if (pick.left >= 0)
			mrp_opt_words(opt, pick_word, &pick);
		*out = pick.value;
		return 0;
	case OPT_TYPE_LIST:
		if (!((const struct strvec *)member)->n)
			return 0;
		*out = field->type == F_MAP ? map_value(arena, member, err)
					    : list_value(arena, field, member, opt->name, err);
		return *out ? 0 : -1;
	default:
		BUG("option '%s' of no type that a field has", opt->name);
	}
}

/* "max_time" -> "--max-time" */
static int usage_problem(
	const struct problem *problem, const struct mrp_opt *opts, const struct field *fields, struct mrp_err *err)
{
	size_t len = problem->field ? strcspn(problem->field, ".[") : 0;

	for (const struct field *field = fields; len && field->name; field++) {
		if (strlen(field->name) == len && memcmp(field->name, problem->field, len) == 0)
			return mrp_err_set(err, MRP_EUSAGE, "--%s: %s", probe_opt_of(opts, field)->name, problem->msg);
	}
	return mrp_err_set(err, MRP_EUSAGE, "%s", problem->msg);
}

int probe_from_options(struct value **out, struct arena *arena, const char *type, const struct mrp_opt *opts,
	const void *args, struct mrp_err *err)
{
	const struct field *fields = field_find(probe_fields, type, FF_API)->sub;
	struct value *given = value_object(arena), *v;
	struct problems problems = PROBLEMS_INIT;
	struct schema_ctx schema = { arena, &problems, FF_API };
	int result = 0;

	for (const struct field *field = fields; field->name; field++) {
		if (row_value(&v, arena, field, probe_opt_of(opts, field), args, err) < 0) {
			err->code = MRP_EUSAGE;
			return -1;
		}
		if (v)
			value_set(arena, given, field->name, v);
	}
	v = schema_apply(&schema, fields, given, "");
	*out = value_object(arena);
	value_set(arena, *out, type, v);
	if (problems.errors)
		result = usage_problem(&problems.list.v[0], opts, fields, err);
	problems_clear(&problems);
	return result;
}
