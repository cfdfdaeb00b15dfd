/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authorized key of a service account, as the cloud gives it out: JSON with id, service_account_id and private_key,
 * a PEM that may have a line of comment before it. The private key is kept in OpenSSL's form only.
 */
#ifndef MRP_CLOUD_KEY_H
#define MRP_CLOUD_KEY_H

#include "jwt.h"

struct authorized_key {
	char *id, *account; /* owned */
	const struct jwt_ops *ops;
	struct jwt_key *key;
};

/* `name` says where the text is from. MRP_EINVALID when it is no authorized key; no message holds any of the text. */
int authorized_key_parse(
	struct authorized_key *out, const char *json, size_t len, const char *name, struct mrp_err *err);
void authorized_key_release(struct authorized_key *key);

#endif
