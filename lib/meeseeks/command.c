/* SPDX-License-Identifier: Apache-2.0 */
/* A program that prints nodes: the way to an API that speaks no HTTP and JSON. */
#include "helper.h"
#include "text.h"

enum { TIMEOUT_MS = 60000 };

struct command {
	const struct node_mapping *mapping;
	const struct http_patience *patience;
	struct strvec env;
};

static void close_command(void *state)
{
	struct command *source = state;

	if (!source)
		return;
	strvec_clear(&source->env);
	free(source);
}

static int open_command(
	void **state, const struct node_mapping *mapping, const struct http_patience *patience, struct mrp_err *err)
{
	struct command *source;

	if (!mapping->command.n)
		return mrp_err_set(err, MRP_EUSAGE, "source command needs a program (--command, command)");
	*state = source = xcalloc(1, sizeof(*source));
	source->mapping = mapping;
	source->patience = patience;
	strvec_init(&source->env);
	helper_environment(&source->env);
	return 0;
}

static int read_output(void *state, struct reading *reading, struct mrp_err *err)
{
	struct command *source = state;
	const struct node_mapping *mapping = source->mapping;
	const struct helper helper = {
		.argv = (const char *const *)mapping->command.v,
		.env = (const char *const *)source->env.v,
		.timeout_ms = mapping->timeout_ms ? mapping->timeout_ms : TIMEOUT_MS,
		.max_bytes = TEXT_MAX_BYTES,
		.patience = source->patience,
	};
	cleanup(strbuf_release) struct strbuf output = STRBUF_INIT;

	if (helper_run(&output, &helper, err) < 0)
		return -1;
	cleanup(freep) char *name = xasprintf("what '%s' printed", mapping->command.v[0]);
	return text_read(reading, output.buf, output.len, name, err);
}

const struct source_ops source_command = {
	.places = TEXT_PLACES,
	.open = open_command,
	.read = read_output,
	.close = close_command,
};
