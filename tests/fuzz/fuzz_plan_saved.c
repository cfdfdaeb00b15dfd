/* SPDX-License-Identifier: Apache-2.0 */
/* A saved plan: its checksum keeps nearly everything out, so the input also comes with the right one at its end. */
#include "fuzz.h"

#include "../../lib/sync/saved.h"
#include "../../lib/sync/saved_format.h"

static void try_text(const char *text, size_t len)
{
	struct plan_saved *saved = NULL;
	struct mrp_err err = MRP_ERR_INIT;

	if (plan_saved_parse(&saved, "plan.json", text, len, &err) < 0) {
		MUST(err.code == MRP_EREFUSED && err.msg);
		mrp_err_clear(&err);
	} else {
		MUST(plan_saved_environment(saved) && !plan_saved_has(saved, KIND_PROBER, ""));
	}
	plan_saved_free(saved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	char hex[SHA256_HEX + 1];

	try_text((const char *)data, size);
	strbuf_add(&text, data, size);
	strbuf_addstr(&text, SAVED_CHECKSUM);
	sha256_hex_of(hex, text.buf, text.len);
	strbuf_addf(&text, "%s%s", hex, SAVED_END);
	try_text(text.buf, text.len);
	return 0;
}
