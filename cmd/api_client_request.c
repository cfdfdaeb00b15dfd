/* SPDX-License-Identifier: Apache-2.0 */
/* `api-client request`: any request, its answer as it came. */
#include "api_client.h"

#include "../lib/client/input.h"

#include <strings.h>
#include <unistd.h>

struct request_args {
	const char *file;
	struct strvec headers;
	bool include;
};

static const struct mrp_opt request_opts[] = {
	OPT_STRING('f', "file", struct request_args, file, "<file>", "send the bytes of <file>, - for standard input",
		.flags = OPTF_FILE),
	OPT_LIST('H', "header", struct request_args, headers, "<name>:<value>", "send this header too; repeatable"),
	OPT_BOOL('i', "include", struct request_args, include, "print the status line and the headers of the answer first",
		.flags = OPTF_NO_NO),
	OPT_END,
};

static bool is_method(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n > 0 && n < 32 && !text[n];
}

static bool is_header(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~");

	return n > 0 && text[n] == ':' && !strpbrk(text, "\r\n");
}

/* The text behind "Name:" when `line` is that header. */
static const char *header_value(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	line += len + 1;
	return line + strspn(line, " \t");
}

/* Headers that the client would send itself take its place. */
static int take_headers(struct http_request *request, struct strvec *rest, const struct strvec *lines, struct mrp_err *err)
{
	for (size_t i = 0; i < lines->n; i++) {
		const char *line = lines->v[i], *v;

		if (!is_header(line))
			return mrp_err_set(err, MRP_EUSAGE, "'%s' is no header (like 'If-Match: \"r12\"')", line);
		if (header_value(line, "Authorization"))
			return mrp_err_set(err, MRP_EUSAGE,
				"a token cannot be an argument, which everybody can see; use MRPROBER_TOKEN_FILE");
		if ((v = header_value(line, "Content-Type")))
			request->content_type = v;
		else if ((v = header_value(line, "Accept")))
			request->accept = v;
		else
			strvec_push(rest, line);
	}
	return 0;
}

static int send_and_print(struct mrp_ctx *ctx, const struct http_request *request, struct mrp_err *err)
{
	const struct request_args *args = ctx->opts;
	cleanup(http_closep) struct http_client *http = NULL;
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;

	if (client_open(&http, ctx, err) < 0 || http_call(http, request, &answer, err) < 0)
		return -1;
	if (args->include) {
		cleanup(strbuf_release) struct strbuf head = STRBUF_INIT;

		for (const char *p = answer.head.buf; *p; p += strcspn(p, "\n") + 1) {
			strbuf_add_visible(&head, p, strcspn(p, "\n"));
			strbuf_addch(&head, '\n');
		}
		printf("%s\n", head.buf);
	}
	fwrite(answer.body.buf, 1, answer.body.len, stdout);
	if (answer.body.len && answer.body.buf[answer.body.len - 1] != '\n' && mrp_term_is_terminal(STDOUT_FILENO))
		putchar('\n');
	if (answer.status >= 400)
		return http_answer_error(http, request, &answer, err);
	return 0;
}

static int run_request(struct mrp_ctx *ctx, int argc, char **argv, struct mrp_err *err)
{
	const struct request_args *args = ctx->opts;
	cleanup(http_request_release) struct http_request request = HTTP_REQUEST_INIT;
	cleanup(strvec_clear) struct strvec rest = STRVEC_INIT;

	(void)argc;
	if (!is_method(argv[0]))
		return mrp_err_set(err, MRP_EUSAGE, "'%s' is no method (like GET or PATCH)", argv[0]);
	if (argv[1][0] != '/' || argv[1][1] == '/' || strpbrk(argv[1], " \t\r\n#"))
		return mrp_err_set(err, MRP_EUSAGE, "'%s' is no path of the API (like /v1/probers/dns)", argv[1]);
	request.method = argv[0];
	request.path = xstrdup(argv[1]);
	if (take_headers(&request, &rest, &args->headers, err) < 0)
		return -1;
	request.headers = &rest;
	if (args->file) {
		if (input_read(&request.body, args->file, err) < 0)
			return -1;
		if (!request.content_type)
			request.content_type =
				streq(argv[0], "PATCH") ? "application/merge-patch+json" : "application/json";
	}
	return send_and_print(ctx, &request, err);
}

const struct mrp_cmd client_request = {
	.name = "request",
	.summary = "send any request and print the answer as it came",
	.description = "For routes that no other verb has. The settings say which API and with which token. An answer of 400 and above is "
		       "printed too, and is a failure. A body is sent as JSON (a merge patch with PATCH) unless a header says otherwise.",
	.args = "<method> <path>",
	.min_args = 2,
	.max_args = 2,
	.opts = request_opts,
	CMD_OPTS(struct request_args, .headers = STRVEC_INIT),
	.needs = CLIENT_NEEDS,
	.run = run_request,
};
