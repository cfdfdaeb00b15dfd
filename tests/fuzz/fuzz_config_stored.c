/* SPDX-License-Identifier: Apache-2.0 */
/* The last good config on the disk: its checksum keeps nearly everything out, so the sum is also put right first. */
#include "fuzz.h"

#include "../../lib/agent/config_stored.h"
#include "../../lib/base/hash.h"

static void try_text(const char *text, size_t len)
{
	cleanup(stored_config_release) struct stored_config stored = STORED_CONFIG_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	if (stored_config_parse(&stored, text, len, &err) < 0) {
		MUST(err.code == MRP_EINVALID && err.msg && !stored.origin && !stored.etag && !stored.json.len);
		mrp_err_clear(&err);
		return;
	}
	MUST(stored.origin && stored.json.len < len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	char hex[SHA256_HEX + 1];

	try_text((const char *)data, size);
	sha256_hex_of(hex, data, size);
	strbuf_addf(&text, "{\"format_version\":1,\"sha256\":\"%s\"}\n", hex);
	strbuf_add(&text, data, size);
	try_text(text.buf, text.len);
	return 0;
}
