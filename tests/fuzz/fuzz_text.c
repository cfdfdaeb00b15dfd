/* SPDX-License-Identifier: Apache-2.0 */
/* Small parsers: durations, sizes, percentages, numbers, placeholders, globs, and making text visible. */
#include "../../lib/base/parse.h"
#include "../../lib/base/text.h"
#include "../../lib/model/schema.h"
#include "fuzz.h"

static void count(void *ctx, const char *name, size_t len)
{
	MUST(name);
	*(size_t *)ctx += len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(freep) char *text = xstrndup((const char *)data, size);
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;
	int64_t n, again;
	double percent;
	size_t names = 0;

	if (parse_duration(&n, text, &err) == 0) {
		MUST(n >= 0);
		format_duration(&out, n);
		MUST(parse_duration(&again, out.buf, &err) == 0 && again == n);
	}
	if (parse_size(&n, text, &err) == 0)
		MUST(n >= 0);
	if (parse_int(&n, text, -5, 5, &err) == 0)
		MUST(n >= -5 && n <= 5);
	if (parse_percent(&percent, text, &err) == 0)
		MUST(percent >= 0 && percent <= 100);
	if (placeholders(text, count, &names) == 0)
		MUST(names <= size);
	/* a glob of text, with both halves of the input */
	cleanup(freep) char *half = xstrndup(text, strlen(text) / 2);
	glob_match(half, text);
	if (strlen(half) < 64)
		glob_match_path(half, text);

	strbuf_reset(&out);
	strbuf_add_visible(&out, (const char *)data, size);
	MUST(utf8_valid(out.buf, out.len));
	for (size_t i = 0; i < out.len; i++)
		MUST((unsigned char)out.buf[i] >= 0x20 && out.buf[i] != 0x7f);
	return 0;
}
