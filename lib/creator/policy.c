/* SPDX-License-Identifier: Apache-2.0 */
#include "policy.h"

#include <inttypes.h>

#include "../base/file.h"

enum { FILE_MAX = 1 << 20 };

int policy_digest(char out[SHA256_HEX + 1], const char *providers_file, bool allow_programs, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	strbuf_addstr(&text, allow_programs ? "programs\n" : "no programs\n");
	if (providers_file && read_file(&text, providers_file, FILE_MAX, err) < 0)
		return -1;
	sha256_hex_of(out, text.buf, text.len);
	return 0;
}

void policy_refusal(char out[SHA256_HEX + 1], const char *policy, int64_t recipe_revision)
{
	cleanup(freep) char *text = xasprintf("%s %" PRId64, policy, recipe_revision);

	sha256_hex_of(out, text, strlen(text));
}

bool policy_is_new(const struct value *cluster, const char *refusal)
{
	const struct value *state = value_get(cluster, "state"),
			   *list = state && state->type == V_OBJECT ? value_get(state, "refused_by") : NULL;

	if (!list || list->type != V_ARRAY)
		return false;
	value_for_each(item, list) {
		if (item->type == V_STRING && streq(item->s, refusal))
			return false;
	}
	return true;
}
