/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include "../base/module.h"
#include "../value/json.h"

void authorized_key_release(struct authorized_key *key)
{
	if (key->key)
		key->ops->free_key(key->key);
	free(key->id);
	free(key->account);
	*key = (struct authorized_key){ NULL };
}

/* What goes into a token's header or is shown: the ids of the cloud are letters, digits and dashes. */
static bool is_id(const char *text)
{
	return text && *text && strlen(text) <= 64 &&
		text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] == '\0';
}

static int read_members(struct authorized_key *out, struct value *json, const char *name, struct mrp_err *err)
{
	const char *id = value_get_string(json, "id"), *account = value_get_string(json, "service_account_id");
	struct value *pem = value_get(json, "private_key");

	if (!is_id(id))
		return mrp_err_set(err, MRP_EINVALID, "%s: 'id' is not the id of a key", name);
	if (!is_id(account))
		return mrp_err_set(
			err, MRP_EINVALID, "%s: 'service_account_id' is not the id of a service account", name);
	if (!pem || pem->type != V_STRING)
		return mrp_err_set(err, MRP_EINVALID, "%s: 'private_key' is missing", name);
	out->ops = module_table("openssl", "mrp_openssl_jwt", err);
	if (!out->ops)
		return -1;
	out->key = out->ops->load_key(pem->s, pem->n, err);
	if (!out->key)
		return mrp_err_wrap(err, "%s: 'private_key'", name);
	out->id = xstrdup(id);
	out->account = xstrdup(account);
	return 0;
}

int authorized_key_parse(
	struct authorized_key *out, const char *json, size_t len, const char *name, struct mrp_err *err)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of byte order: some editors put it before UTF-8 */
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	size_t skip = len >= 3 && memcmp(json, mark, 3) == 0 ? 3 : 0;
	struct value *value = json_parse(&arena, json + skip, len - skip, name, err);

	*out = (struct authorized_key){ NULL };
	if (!value || value->type != V_OBJECT) {
		if (memmem(json, len, "-----BEGIN ", strlen("-----BEGIN ")) && memchr(json, '{', len) == NULL)
			return mrp_err_set(err, MRP_EINVALID,
				"%s is a key alone, not the JSON of an authorized key, which says whose it is", name);
		/* a parser's message may quote what it stopped at */
		return mrp_err_set(err, MRP_EINVALID, "%s is not the JSON of an authorized key", name);
	}
	int result = read_members(out, value, name, err);
	struct value *pem = value_get(value, "private_key");
	if (pem && pem->type == V_STRING)
		explicit_bzero((char *)pem->s, pem->n);
	return result;
}
