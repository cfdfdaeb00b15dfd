/* SPDX-License-Identifier: Apache-2.0 */
#include "sender.h"

#include "../base/module.h"
#include "../http/http.h"
#include "solomon_label.h"

static char *monitoring_path(const char *folder)
{
	struct strbuf path = STRBUF_INIT;

	strbuf_addstr(&path, "/monitoring/v2/data/write?folderId=");
	http_add_escaped(&path, folder);
	strbuf_addstr(&path, "&service=custom");
	return strbuf_detach(&path, NULL);
}

static int set_target(struct push_sender *sender, const struct push_options *options,
	const struct http_patience *patience, struct mrp_err *err)
{
	const char *url = options->url ? options->url : PUSH_MONITORING_URL;
	const struct http_peer_options peer = { .url = url,
		.ca_file = options->ca_file,
		.secret = sender->format->token,
		.total_timeout_ms = options->timeout_ms,
		.patience = patience };

	sender->peer = http_peer_open(&peer, err);
	if (!sender->peer)
		return -1;
	if (options->kind == PUSH_MONITORING)
		sender->path = monitoring_path(options->folder);
	else
		sender->path = xstrdup(ends_with(http_peer_url(sender->peer), "/v1/metrics") ? "" : "/v1/metrics");
	return 0;
}

static int set_headers(struct push_sender *sender, const struct push_options *options, struct mrp_err *err)
{
	strvec_pushf(&sender->headers, "Content-Type: %s", sender->format->content_type);
	if (sender->format->gzip)
		strvec_push(&sender->headers, "Content-Encoding: gzip");
	for (size_t i = 0; options->headers && i < options->headers->n; i++) {
		const char *header = options->headers->v[i];

		if (header[strcspn(header, "\r\n")] || !strchr(header, ':'))
			return mrp_err_set(err, MRP_EUSAGE, "header number %zu is not 'Name: value'", i + 1);
		strvec_push(&sender->headers, header);
	}
	return 0;
}

static int set_identity(struct push_sender *sender, const struct push_options *options,
	const struct http_patience *patience, struct mrp_err *err)
{
	struct iam_options iam = *options->iam;

	iam.patience = patience;
	sender->iam = iam_open(&iam, err);
	return sender->iam ? 0 : -1;
}

static int check(const struct push_options *options, struct mrp_err *err)
{
	if (options->kind != PUSH_MONITORING)
		return options->url ? 0 : mrp_err_set(err, MRP_EUSAGE, "no URL is given");
	if (!options->folder || !*options->folder || strlen(options->folder) > SOLOMON_FOLDER_MAX)
		return mrp_err_set(
			err, MRP_EUSAGE, "'%s' is not the id of a folder", options->folder ? options->folder : "");
	return 0;
}

int push_sender_open(struct push_sender *sender, const struct push_options *options,
	const struct http_patience *patience, struct mrp_err *err)
{
	*sender = (struct push_sender){ .format = &push_formats[options->kind], .headers = STRVEC_INIT };
	if (check(options, err) == 0 && set_target(sender, options, patience, err) == 0 &&
		set_headers(sender, options, err) == 0 &&
		(!sender->format->token || set_identity(sender, options, patience, err) == 0) &&
		(!sender->format->gzip || module_table("otlp", "mrp_otlp", err)))
		return 0;
	push_sender_close(sender);
	return mrp_err_wrap(err, "push by %s", push_formats[options->kind].name);
}

void push_sender_close(struct push_sender *sender)
{
	http_peer_close(sender->peer);
	iam_close(sender->iam);
	free(sender->path);
	push_headers_clear(&sender->headers);
	*sender = (struct push_sender){ .headers = STRVEC_INIT };
}

/* Receivers may repeat in a message what they were sent. */
static void hide_secrets(struct push_result *result, int status, const struct strvec *headers)
{
	for (size_t i = 0; result->said && i < headers->n; i++) {
		const char *value = strchr(headers->v[i], ':') + 1, *rest;

		value += strspn(value, " ");
		if (skip_prefix(headers->v[i], "Content-", NULL))
			continue;
		if (skip_prefix(value, "Bearer ", &rest))
			value = rest;
		if (!*value || !strstr(result->said, value))
			continue;
		free(result->said);
		result->said = xasprintf("answered %d, with a text that repeats a secret", status);
	}
}

static void set_failure(struct push_result *result, struct mrp_err *err)
{
	result->fate = PUSH_AGAIN;
	result->interrupted = err->code == MRP_EINTERRUPTED;
	result->said = steal(&err->msg);
	mrp_err_clear(err);
}

static void send_once(struct push_result *result, struct push_sender *sender, const struct push_batch *batch,
	const struct strvec *headers)
{
	const struct http_peer_request request = { "POST", sender->path, headers, batch->body, batch->len };
	struct http_peer_answer answer = HTTP_PEER_ANSWER_INIT;
	struct push_reply reply = { PUSH_AGAIN };
	struct mrp_err err = MRP_ERR_INIT;

	if (http_peer_call(sender->peer, &request, &answer, &err) < 0) {
		set_failure(result, &err);
		return;
	}
	sender->format->read(&reply, &answer, batch->samples);
	result->fate = reply.fate;
	result->rejected = reply.rejected;
	result->said = reply.said;
	result->retry_after_ms = answer.retry_after_ms;
	hide_secrets(result, answer.status, headers);
	http_peer_answer_release(&answer);
}

static void send_with_token(struct push_result *result, struct push_sender *sender, const struct push_batch *batch)
{
	struct strvec headers = STRVEC_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	const char *token = sender->iam ? iam_token(sender->iam, &err) : NULL;

	*result = (struct push_result){ .retry_after_ms = -1 };
	if (sender->iam && !token) {
		set_failure(result, &err);
		return;
	}
	for (size_t i = 0; i < sender->headers.n; i++)
		strvec_push(&headers, sender->headers.v[i]);
	if (token)
		strvec_pushf(&headers, "Authorization: Bearer %s", token);
	send_once(result, sender, batch, &headers);
	push_headers_clear(&headers);
}

void push_sender_send(struct push_result *result, struct push_sender *sender, const struct push_batch *batch)
{
	send_with_token(result, sender, batch);
	if (result->fate == PUSH_TOKEN && sender->iam && iam_provider(sender->iam) != IAM_ENVIRONMENT_TOKEN) {
		iam_forget(sender->iam);
		free(result->said);
		send_with_token(result, sender, batch);
	}
	if (result->fate == PUSH_TOKEN)
		result->fate = PUSH_FINAL;
}
