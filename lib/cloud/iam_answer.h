/* SPDX-License-Identifier: Apache-2.0 */
/* What the token endpoint and the metadata service answer. */
#ifndef MRP_CLOUD_IAM_ANSWER_H
#define MRP_CLOUD_IAM_ANSWER_H

#include "../http/peer.h"

struct iam_answer {
	char *token; /* owned */
	int64_t lifetime_s;
	bool said; /* by the server; else it is a guess */
};

/* Can it go into a header? (RFC 6750: letters, digits, "-._~+/" and "=".) */
bool iam_token_valid(const char *token);

/* {"iamToken", "expiresAt": RFC 3339} or {"access_token", "expires_in": seconds}; without a time: one hour. */
int iam_answer_read(struct iam_answer *out, const struct http_peer_answer *answer, int64_t now_s, struct mrp_err *err);

/* Seconds to keep a token that lives so long: an hour at most, as the cloud asks, and a minute less than it lives. */
int64_t iam_keep_s(int64_t lifetime_s);

#endif
