/* SPDX-License-Identifier: Apache-2.0 */
#include "kube_exec.h"

#include "../base/clock.h"
#include "../value/json.h"
#include "helper.h"

enum { TIMEOUT_MS = 60000, MAX_BYTES = 1 << 20 };

struct kube_exec {
	const struct kube_program *program;
	const struct http_patience *patience;
	char *token;
	struct memory_file cert, key;
	int64_t ends_ms; /* 0: there is no credential */
	unsigned serial;
};

struct kube_exec *kube_exec_new(const struct kube_program *program, const struct http_patience *patience)
{
	struct kube_exec *exec = xcalloc(1, sizeof(*exec));

	exec->program = program;
	exec->patience = patience;
	exec->cert = exec->key = (struct memory_file)MEMORY_FILE_INIT;
	return exec;
}

static void drop(struct kube_exec *exec)
{
	if (exec->token)
		explicit_bzero(exec->token, strlen(exec->token));
	freep(&exec->token);
	memory_file_release(&exec->cert);
	memory_file_release(&exec->key);
	exec->ends_ms = 0;
}

void kube_exec_free(struct kube_exec *exec)
{
	if (!exec)
		return;
	drop(exec);
	free(exec);
}

void kube_exec_forget(struct kube_exec *exec)
{
	exec->ends_ms = 0;
}

static bool header_safe(const char *token)
{
	for (const char *p = token; *p; p++) {
		if (*p <= 0x20 || *p >= 0x7f)
			return false;
	}
	return true;
}

static const char *text_of(const struct value *object, const char *key)
{
	const char *text = value_get_string(object, key);

	return text && *text ? text : NULL;
}

int exec_answer_read(struct exec_answer *out, struct arena *arena, const char *text, size_t len,
	const char *api_version, struct mrp_err *err)
{
	struct mrp_err ignored = MRP_ERR_INIT; /* it may quote a secret */
	const struct value *json = json_parse(arena, text, len, "", &ignored);
	const char *kind = json && json->type == V_OBJECT ? value_get_string(json, "kind") : NULL;

	mrp_err_clear(&ignored);
	if (!kind || !streq(kind, "ExecCredential"))
		return mrp_err_set(err, MRP_EFAILED, "it printed no ExecCredential");
	const char *version = value_get_string(json, "apiVersion");
	const struct value *status = value_get(json, "status");
	if (!version || !streq(version, api_version))
		return mrp_err_set(err, MRP_EFAILED, "it printed another 'apiVersion' than %s", api_version);
	if (!status || status->type != V_OBJECT)
		return mrp_err_set(err, MRP_EFAILED, "it printed no 'status'");
	const char *ends = text_of(status, "expirationTimestamp");
	*out = (struct exec_answer){ .token = text_of(status, "token"),
		.cert = text_of(status, "clientCertificateData"),
		.key = text_of(status, "clientKeyData"),
		.ends_ms = ends ? time_parse(ends) : INT64_MAX };
	if (!out->cert != !out->key || (!out->token && !out->cert))
		return mrp_err_set(err, MRP_EFAILED, "it printed neither a token nor a certificate with its key");
	if (out->token && !header_safe(out->token))
		return mrp_err_set(err, MRP_EFAILED, "it printed a token that no header can carry");
	if (out->ends_ms < 0)
		return mrp_err_set(err, MRP_EFAILED, "its 'expirationTimestamp' is no time of RFC 3339");
	return 0;
}

static int take(struct kube_exec *exec, const struct exec_answer *answer, struct mrp_err *err)
{
	/* a peer that reads files which are gone would read others by their number */
	exec->serial += exec->cert.path || answer->cert;
	drop(exec);
	exec->token = answer->token ? xstrdup(answer->token) : NULL;
	if (answer->cert &&
		(memory_file_write(&exec->cert, answer->cert, strlen(answer->cert), err) < 0 ||
			memory_file_write(&exec->key, answer->key, strlen(answer->key), err) < 0))
		return -1;
	exec->ends_ms = answer->ends_ms;
	return 0;
}

static void wipe(const char *text)
{
	if (text)
		explicit_bzero((char *)text, strlen(text));
}

static int run(struct kube_exec *exec, struct mrp_err *err)
{
	const struct helper helper = { .argv = (const char *const *)exec->program->argv.v,
		.env = (const char *const *)exec->program->env.v,
		.timeout_ms = TIMEOUT_MS,
		.max_bytes = MAX_BYTES,
		.patience = exec->patience };
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct exec_answer answer = { NULL };
	struct strbuf text = STRBUF_INIT;
	int result = helper_run(&text, &helper, err);

	if (result == 0) {
		result = exec_answer_read(&answer, &arena, text.buf, text.len, exec->program->api_version, err);
		result = result < 0 ? mrp_err_wrap(err, "'%s'", exec->program->argv.v[0]) : take(exec, &answer, err);
	} else if (exec->program->hint && err->code == MRP_EFAILED) {
		cleanup(strbuf_release) struct strbuf hint = STRBUF_INIT;

		strbuf_add_visible(&hint, exec->program->hint, strlen(exec->program->hint));
		mrp_err_set(err, MRP_EFAILED, "%s (the kubeconfig says: %s)", err->msg, hint.buf);
	}
	explicit_bzero(text.buf, text.len);
	strbuf_release(&text);
	wipe(answer.token);
	wipe(answer.key);
	return result;
}

int kube_exec_get(struct kube_exec *exec, struct kube_credential *out, struct mrp_err *err)
{
	if (time_now_ms() >= exec->ends_ms && run(exec, err) < 0)
		return mrp_err_wrap(err, "no credential");
	*out = (struct kube_credential){ exec->token, exec->cert.path, exec->key.path, exec->serial };
	return 0;
}
