/* SPDX-License-Identifier: Apache-2.0 */
/* The chain. What the two servers answer is read by iam_answer.c. */
#include "iam.h"

#include <sys/stat.h>
#include <time.h>

#include "../base/clock.h"
#include "../base/file.h"
#include "../base/log.h"
#include "iam_answer.h"
#include "key.h"

enum {
	MAX_KEY_BYTES = 64 * 1024,
	JWT_LIFETIME_S = 3600, /* the most that the token endpoint takes */
	METADATA_CONNECT_MS = 2000,
	SKEW_S = 60,
};

struct iam {
	enum iam_provider provider;
	char *description;
	struct authorized_key key;
	char *audience;
	struct http_peer *peer; /* NULL: no server is asked */
	char *token;            /* NULL: none now */
	int64_t keep_until_s;   /* CLOCK_BOOTTIME: a suspended machine's token ends too */
	int64_t ends_s;         /* as iam_ends_s */
	char *warning;          /* as iam_warning */
};

static int64_t boot_time_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static void look_at_mode(struct iam *iam, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IROTH))
		iam->warning =
			xasprintf("'%s' holds a private key, and everybody can read it (chmod o= %s)", path, path);
}

static int use_key(struct iam *iam, const struct iam_options *options, struct mrp_err *err)
{
	const char *env = options->key_file ? NULL : setting("MR_PROBER_SA_AUTHORIZED_KEY");
	const char *name = options->key_file ? options->key_file : "MR_PROBER_SA_AUTHORIZED_KEY";
	struct strbuf json = STRBUF_INIT;
	int result = 0;

	strbuf_grow(&json, MAX_KEY_BYTES + 1); /* once: growing would leave copies behind */
	if (env)
		strbuf_addstr(&json, env);
	else
		result = read_file(&json, options->key_file, MAX_KEY_BYTES, err);
	if (result == 0)
		result = authorized_key_parse(&iam->key, json.buf, json.len, name, err);
	explicit_bzero(json.buf, json.len);
	strbuf_release(&json);
	if (result < 0)
		return -1;
	if (!env)
		look_at_mode(iam, options->key_file);
	iam->provider = IAM_AUTHORIZED_KEY;
	iam->audience = xstrdup(options->token_url ? options->token_url : IAM_TOKEN_URL);
	iam->description =
		xasprintf("authorized key %s of service account %s (from %s)", iam->key.id, iam->key.account, name);
	const struct http_peer_options peer = {
		.url = iam->audience,
		.ca_file = options->ca_file,
		.ca_option = options->ca_option,
		.secret = true,
		.patience = options->patience,
	};
	iam->peer = http_peer_open(&peer, err);
	return iam->peer ? 0 : mrp_err_wrap(err, "token endpoint");
}

static int use_environment(struct iam *iam, const char *token, struct mrp_err *err)
{
	if (!iam_token_valid(token))
		return mrp_err_set(
			err, MRP_EINVALID, "YC_TOKEN holds no IAM token: a character of it is not allowed in one");
	iam->provider = IAM_ENVIRONMENT_TOKEN;
	iam->description = xstrdup("IAM token from YC_TOKEN");
	iam->token = xstrdup(token);
	return 0;
}

static int use_metadata(struct iam *iam, const struct iam_options *options, struct mrp_err *err)
{
	const char *url = options->metadata_url ? options->metadata_url : IAM_METADATA_URL;
	const struct http_peer_options peer = {
		.url = url, .direct = true, .patience = options->patience, .connect_timeout_ms = METADATA_CONNECT_MS
	};

	iam->provider = IAM_METADATA;
	iam->description = xasprintf("service account of this machine (from %s)", url);
	iam->peer = http_peer_open(&peer, err);
	return iam->peer ? 0 : mrp_err_wrap(err, "metadata service");
}

struct iam *iam_open(const struct iam_options *options, struct mrp_err *err)
{
	struct iam *iam = xcalloc(1, sizeof(*iam));
	int result;

	if (options->key_file || setting("MR_PROBER_SA_AUTHORIZED_KEY"))
		result = use_key(iam, options, err);
	else if (setting("YC_TOKEN"))
		result = use_environment(iam, setting("YC_TOKEN"), err);
	else
		result = use_metadata(iam, options, err);
	iam->ends_s = -1;
	if (result == 0 && iam->warning)
		log_warning("%s", iam->warning);
	if (result == 0)
		return iam;
	iam_close(iam);
	return NULL;
}

void iam_chain(struct iam_link out[IAM_PROVIDERS], const struct iam_options *options)
{
	const struct iam_link chain[IAM_PROVIDERS] = {
		[IAM_AUTHORIZED_KEY] = { "authorized key",
			options->key_file                                ? options->key_file
				: setting("MR_PROBER_SA_AUTHORIZED_KEY") ? "MR_PROBER_SA_AUTHORIZED_KEY"
									 : NULL },
		[IAM_ENVIRONMENT_TOKEN] = { "IAM token", setting("YC_TOKEN") ? "YC_TOKEN" : NULL },
		[IAM_METADATA] = { "service account of this machine", NULL },
	};
	bool chosen = false;

	for (int i = 0; i < IAM_PROVIDERS; i++) {
		out[i] = chain[i];
		out[i].chosen = !chosen && (chain[i].set_by || i == IAM_METADATA);
		chosen |= out[i].chosen;
	}
}

static void drop_token(struct iam *iam)
{
	if (iam->token)
		explicit_bzero(iam->token, strlen(iam->token));
	freep(&iam->token);
}

void iam_close(struct iam *iam)
{
	if (!iam)
		return;
	drop_token(iam);
	http_peer_close(iam->peer);
	authorized_key_release(&iam->key);
	free(iam->description);
	free(iam->audience);
	free(iam->warning);
	free(iam);
}

void iam_closep(struct iam **iam)
{
	iam_close(*iam);
	*iam = NULL;
}

enum iam_provider iam_provider(const struct iam *iam)
{
	return iam->provider;
}

const char *iam_description(const struct iam *iam)
{
	return iam->description;
}

int64_t iam_ends_s(const struct iam *iam)
{
	return iam->token ? iam->ends_s : -1;
}

const char *iam_warning(const struct iam *iam)
{
	return iam->warning;
}

void iam_forget(struct iam *iam)
{
	if (iam->peer)
		drop_token(iam);
}

/* A JWT says when it was made, and a server refuses what is not of its time without saying so. */
static void add_skew(const struct http_peer_answer *answer, struct mrp_err *err)
{
	int64_t ahead_s = answer->date_s < 0 ? 0 : time(NULL) - answer->date_s;
	cleanup(strbuf_release) struct strbuf age = STRBUF_INIT;

	if (llabs(ahead_s) < SKEW_S)
		return;
	time_format_age(&age, llabs(ahead_s) * 1000);
	mrp_err_set(err, err->code, "%s (this machine's clock is %s %s the server's: that may be why)", err->msg,
		age.buf, ahead_s > 0 ? "ahead of" : "behind");
}

static int ask(struct iam *iam, struct iam_answer *out, const struct http_peer_request *request, struct mrp_err *err)
{
	struct http_peer_answer answer = HTTP_PEER_ANSWER_INIT;
	int result = http_peer_call(iam->peer, request, &answer, err);

	/* by the clock of the server, whose time it is */
	if (result == 0 && iam_answer_read(out, &answer, answer.date_s >= 0 ? answer.date_s : time(NULL), err) < 0) {
		result = mrp_err_wrap(err, "%s %s", request->method, http_peer_url(iam->peer));
		if (err->code == MRP_EPERM && iam->provider == IAM_AUTHORIZED_KEY)
			add_skew(&answer, err);
	}
	http_peer_answer_release(&answer);
	return result;
}

static int exchange_key(struct iam *iam, struct iam_answer *out, struct mrp_err *err)
{
	const struct jwt_claims claims = { .key_id = iam->key.id,
		.issuer = iam->key.account,
		.audience = iam->audience,
		.issued_at = time(NULL),
		.expires_at = time(NULL) + JWT_LIFETIME_S };
	cleanup(strvec_clear) struct strvec headers = STRVEC_INIT;
	struct strbuf body = STRBUF_INIT;

	strvec_push(&headers, "Content-Type: application/json");
	strbuf_addstr(&body, "{\"jwt\":\"");
	int result = jwt_make(&body, &claims, iam->key.ops, iam->key.key, err);
	strbuf_addstr(&body, "\"}");
	const struct http_peer_request request = { "POST", "", &headers, body.buf, body.len };
	if (result == 0)
		result = ask(iam, out, &request, err);
	explicit_bzero(body.buf, body.len);
	strbuf_release(&body);
	return result;
}

static int ask_metadata(struct iam *iam, struct iam_answer *out, struct mrp_err *err)
{
	cleanup(strvec_clear) struct strvec headers = STRVEC_INIT;
	const struct http_peer_request request = { "GET", "", &headers, NULL, 0 };

	strvec_push(&headers, "Metadata-Flavor: Google");
	if (ask(iam, out, &request, err) == 0)
		return 0;
	return mrp_err_wrap(
		err, "no authorized key and no YC_TOKEN are set, so the machine's own account was asked for");
}

int iam_try_metadata(const char *url, struct mrp_err *err)
{
	const struct iam_options options = { .metadata_url = url };
	struct iam *iam = xcalloc(1, sizeof(*iam));
	struct iam_answer answer = { NULL };

	int r = use_metadata(iam, &options, err);
	if (r == 0)
		r = ask_metadata(iam, &answer, err);
	if (r == 0)
		iam->token = answer.token; /* to be overwritten */
	iam_close(iam);
	return r;
}

const char *iam_token(struct iam *iam, struct mrp_err *err)
{
	struct iam_answer answer = { NULL };

	if (iam->token && (!iam->peer || boot_time_s() < iam->keep_until_s))
		return iam->token;
	drop_token(iam);
	if ((iam->provider == IAM_AUTHORIZED_KEY ? exchange_key(iam, &answer, err) : ask_metadata(iam, &answer, err)) <
		0)
		return NULL;
	iam->token = answer.token;
	iam->ends_s = answer.said ? time(NULL) + answer.lifetime_s : -1;
	iam->keep_until_s = boot_time_s() + iam_keep_s(answer.lifetime_s);
	return iam->token;
}
