/* SPDX-License-Identifier: Apache-2.0 */
/* What lies in a spool after a crash or a bad disk: an object with the hash that it says, or nothing. */
#include "fuzz.h"

#include "../../lib/base/hash.h"
#include "../../lib/cloud/spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spool_item item = { .file = { (const char *)data, size } };
	char hash[SHA256_HEX + 1];

	if (spool_item_parse(&item)) {
		MUST(item.key && !strchr(item.key, '\n'));
		MUST(item.data + item.len == (const char *)data + size);
		sha256_hex_of(hash, item.data, item.len);
		MUST(memmem(data, size - item.len, hash, SHA256_HEX));
	}
	free(item.key);
	return 0;
}
