/* SPDX-License-Identifier: Apache-2.0 */
/* `mrprober config check-auth`: who the program is to the cloud, why nobody else, and for what. */
#include "config.h"

#include "../lib/base/clock.h"
#include "../lib/cloud/s3.h"
#include "../lib/value/json.h"
#include "dispatch.h"
#include "identity.h"

enum { FORMAT_VERSION = 1 };
enum { FORMAT_TEXT, FORMAT_JSON };

struct check_auth_args {
	struct iam_options iam;
	int format;
};

static const struct mrp_opt opts[] = {
	OPT_SA_KEY_FILE(struct check_auth_args, iam.key_file),
	OPT_IAM_TOKEN_URL(struct check_auth_args, iam.token_url),
	OPT_IAM_METADATA_URL(struct check_auth_args, iam.metadata_url),
	OPT_STRING(0, "cloud-ca-cert", struct check_auth_args, iam.ca_file, "<file>",
		"PEM file of the CAs that vouch for these; default the system's", .flags = OPTF_FILE),
	OPT_ENUM(0, "format", struct check_auth_args, format, "text|json", "how it is said; default text"),
	OPT_END,
};

/* What is said, whatever the format: texts live in the arena. */
struct findings {
	struct arena arena;
	struct iam_link chain[IAM_PROVIDERS];
	const char *reasons[IAM_PROVIDERS]; /* why this one, or why not */
	const char *meeseeks, *s3, *push;   /* with what each asks */
	struct iam *iam;                    /* NULL: the chosen one is broken */
	bool given;                         /* a token */
};

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static void find_chain(struct findings *f, const struct check_auth_args *args)
{
	const char *hidden = args->iam.key_file && env("MR_PROBER_SA_AUTHORIZED_KEY")
		? "; MR_PROBER_SA_AUTHORIZED_KEY is set, too, and not used"
		: "";
	bool after = false;

	iam_chain(f->chain, &args->iam);
	for (int i = 0; i < IAM_PROVIDERS; i++) {
		const struct iam_link *link = &f->chain[i];
		const char *set_by = link->set_by;

		if (link->chosen)
			f->reasons[i] = set_by ? arena_printf(&f->arena, "the first that is set (%s%s)", set_by, hidden)
					       : "nothing before it is set";
		else if (after)
			f->reasons[i] = set_by
				? arena_printf(&f->arena, "%s is set, but not used: it comes later", set_by)
				: "not asked: it comes later";
		else
			f->reasons[i] = i == IAM_AUTHORIZED_KEY
				? "neither --sa-key-file nor MR_PROBER_SA_AUTHORIZED_KEY is set"
				: "YC_TOKEN is not set";
		after |= link->chosen;
	}
}

/* By the settings that each has in the environment; its own options may say something else. */
static void find_consumers(struct findings *f, const struct check_auth_args *args)
{
	static const char same[] = "an IAM token of this identity";
	struct s3_options s3 = { .iam = &args->iam };
	struct mrp_err err = MRP_ERR_INIT;
	const char *auth = env("MRPROBER_AUTH"), *file = env("MRPROBER_SOURCE_TOKEN_FILE"),
		   *folder = env("MRPROBER_PUSH_MONITORING_FOLDER");
	int wanted = s3_options_from_environment(&s3, &err);

	f->meeseeks = file ? arena_printf(&f->arena, "the token in '%s' (MRPROBER_SOURCE_TOKEN_FILE)", file)
		: auth && streq(auth, "none") ? "nothing (MRPROBER_AUTH=none)"
					      : same;
	if (wanted < 0)
		f->s3 = arena_printf(&f->arena, "nothing, as its settings are wrong: %s", err.msg);
	else if (!wanted)
		f->s3 = "nothing, as S3_LOGS_BUCKET is not set: objects go to a folder";
	else if (s3.key_id)
		f->s3 = arena_printf(&f->arena, "access key %s (S3_ACCESS_KEY_ID)", s3.key_id);
	else
		f->s3 = args->iam.key_file
			? "an IAM token of this identity (creators have no --sa-key-file: one of what the "
			  "environment sets)"
			: same;
	f->push = folder ? same : "an IAM token of this identity, once there is a --push-monitoring-folder";
	mrp_err_clear(&err);
}

static void print_text(const struct findings *f, bool quiet)
{
	puts(iam_description(f->iam));
	for (int i = 0; i < IAM_PROVIDERS && !quiet; i++)
		printf("%d. %s: %s\n", i + 1, f->chain[i].name, f->reasons[i]);
	if (!quiet)
		printf("meeseeks asks with %s\nS3 gets %s\nYandex Monitoring gets %s\n", f->meeseeks, f->s3, f->push);
	flush_stdout();
}

static void print_token(const struct findings *f)
{
	cleanup(strbuf_release) struct strbuf ends = STRBUF_INIT;
	int64_t ends_s = iam_ends_s(f->iam), left_ms = ends_s * 1000 - time_now_ms();

	if (!f->given) {
		puts("the token was not tried");
		return;
	}
	if (ends_s >= 0) {
		strbuf_addstr(&ends, left_ms > 0 ? "; it ends in " : "; it has ended already, by ");
		time_format_age(&ends, left_ms > 0 ? left_ms : -left_ms);
		strbuf_addstr(&ends, ", at ");
		time_format(&ends, ends_s * 1000);
	}
	printf("a token was given%s\n", ends.buf);
}

static struct value *text_or_null(struct arena *arena, const char *text)
{
	return text ? value_string(arena, text) : value_null(arena);
}

static struct value *chain_json(struct findings *f)
{
	struct value *list = value_array(&f->arena);

	for (int i = 0; i < IAM_PROVIDERS; i++) {
		struct value *link = value_object(&f->arena);

		value_append(&f->arena, link, "name", value_string(&f->arena, f->chain[i].name));
		value_append(&f->arena, link, "set_by", text_or_null(&f->arena, f->chain[i].set_by));
		value_append(&f->arena, link, "chosen", value_bool(&f->arena, f->chain[i].chosen));
		value_append(&f->arena, link, "reason", value_string(&f->arena, f->reasons[i]));
		value_push(&f->arena, list, link);
	}
	return list;
}

static struct value *token_json(struct findings *f)
{
	struct value *token = value_object(&f->arena);
	cleanup(strbuf_release) struct strbuf ends = STRBUF_INIT;

	if (f->given && iam_ends_s(f->iam) >= 0)
		time_format(&ends, iam_ends_s(f->iam) * 1000);
	value_append(&f->arena, token, "given", value_bool(&f->arena, f->given));
	value_append(&f->arena, token, "expires_at", text_or_null(&f->arena, ends.len ? ends.buf : NULL));
	return token;
}

static void print_json(struct findings *f, const struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT, message = STRBUF_INIT;
	struct arena *arena = &f->arena;
	struct value *doc = value_object(arena), *consumers = value_object(arena), *error = value_null(arena);

	value_append(arena, consumers, "meeseeks", value_string(arena, f->meeseeks));
	value_append(arena, consumers, "s3", value_string(arena, f->s3));
	value_append(arena, consumers, "monitoring", value_string(arena, f->push));
	if (err->code != MRP_OK) {
		mrp_err_format(&message, err);
		error = value_object(arena);
		value_append(arena, error, "message", value_string(arena, message.buf));
		value_append(arena, error, "exit_code", value_int(arena, mrp_err_exit_code(err->code)));
	}
	value_append(arena, doc, "format_version", value_int(arena, FORMAT_VERSION));
	value_append(arena, doc, "identity", text_or_null(arena, f->iam ? iam_description(f->iam) : NULL));
	value_append(arena, doc, "chain", chain_json(f));
	value_append(arena, doc, "token", token_json(f));
	value_append(arena, doc, "warning", text_or_null(arena, f->iam ? iam_warning(f->iam) : NULL));
	value_append(arena, doc, "consumers", consumers);
	value_append(arena, doc, "error", error);
	json_pretty(&text, doc);
	fwrite(text.buf, 1, text.len, stdout);
}

/* Who would answer is said also when no token comes. */
static int find_token(struct findings *f, const struct check_auth_args *args, bool quiet, struct mrp_err *err)
{
	f->iam = iam_open(&args->iam, err);
	if (!f->iam)
		return -1;
	if (args->format == FORMAT_TEXT)
		print_text(f, quiet);
	if (!iam_token(f->iam, err))
		return mrp_err_wrap(err, "no token");
	f->given = iam_provider(f->iam) != IAM_ENVIRONMENT_TOKEN;
	if (args->format == FORMAT_TEXT && !quiet)
		print_token(f);
	return MRP_EXIT_OK;
}

static int run_check_auth(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct check_auth_args *args = ctx->opts;
	struct findings f = { .arena = ARENA_INIT };

	(void)argc, (void)argv;
	find_chain(&f, args);
	find_consumers(&f, args);
	int code = find_token(&f, args, ctx->quiet, err);
	if (args->format == FORMAT_JSON)
		print_json(&f, err);
	iam_close(f.iam);
	arena_release(&f.arena);
	return code;
}

const struct mrp_cmd cmd_check_auth = {
	.name = "check-auth",
	.summary = "say who the program is to the cloud, and get a token",
	.description =
		"Uploads, pushes of metrics and meeseeks take an IAM token from the first of these that is set: an "
		"authorized key, YC_TOKEN, the machine's own service account. Says which one it is and why, and "
		"when its token ends. The token is not shown.",
	.opts = opts,
	CMD_OPTS(struct check_auth_args, .iam = { .ca_option = "--cloud-ca-cert" }),
	.run = run_check_auth,
};
