/* SPDX-License-Identifier: Apache-2.0 */
/* A file of nodes, which something else keeps. */
#include "../base/file.h"
#include "text.h"

static int open_file(
	void **state, const struct node_mapping *mapping, const struct http_patience *patience, struct mrp_err *err)
{
	(void)patience;
	if (!mapping->file)
		return mrp_err_set(err, MRP_EUSAGE, "source file needs a file (--file, file)");
	*state = (void *)mapping;
	return 0;
}

static int read_nodes(void *state, struct reading *reading, struct mrp_err *err)
{
	const struct node_mapping *mapping = state;
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (read_file(&text, mapping->file, TEXT_MAX_BYTES, err) < 0)
		return -1;
	return text_read(reading, text.buf, text.len, mapping->file, err);
}

static void close_file(void *state)
{
	(void)state;
}

const struct source_ops source_file = {
	.places = TEXT_PLACES,
	.open = open_file,
	.read = read_nodes,
	.close = close_file,
};
