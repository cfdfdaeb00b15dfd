/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the program is to the cloud: IAM tokens for pushes, uploads and lists of nodes. One chain of providers, and the
 * first that is set answers: a broken key never makes the program somebody else.
 *
 *	1. an authorized key, in a file (options) or in MR_PROBER_SA_AUTHORIZED_KEY: a JWT, exchanged at the token
 *endpoint
 *	2. YC_TOKEN: an IAM token, passed on as it is (OAuth tokens are not exchanged)
 *	3. the metadata service of the VM that this runs on
 *
 * A token is kept in memory for an hour, or until a minute before it ends. One thread at a time: make one for each
 * thread. Sources: the documentation of Yandex Cloud, "Get an IAM token for a service account" and "Using Yandex Cloud
 * from within a VM".
 */
#ifndef MRP_CLOUD_IAM_H
#define MRP_CLOUD_IAM_H

#include "../http/peer.h"

#define IAM_TOKEN_URL "https://iam.api.cloud.yandex.net/iam/v1/tokens"
#define IAM_METADATA_URL "http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token"

struct iam_options {
	const char *key_file;     /* NULL: by the environment */
	const char *token_url;    /* NULL: IAM_TOKEN_URL; a JWT's audience, too. https://, or this machine */
	const char *metadata_url; /* NULL: IAM_METADATA_URL */
	const char *ca_file;      /* PEM; NULL: the system's */
	const char *ca_option;    /* as in struct http_peer_options */
	const struct http_patience *patience; /* NULL: none; must outlive the chain */
};

enum iam_provider { IAM_AUTHORIZED_KEY, IAM_ENVIRONMENT_TOKEN, IAM_METADATA, IAM_PROVIDERS };

/* A provider of the chain as it is set now: for people who wonder why another one answers. */
struct iam_link {
	const char *name;   /* "authorized key" */
	const char *set_by; /* the file or the variable; NULL: not set, or nothing has to be */
	bool chosen;        /* the first that is set; those before it are not, those after it are not looked at */
};
void iam_chain(struct iam_link out[IAM_PROVIDERS], const struct iam_options *options);

struct iam;

/* Choose the provider and read its secret; asks no server. MRP_EINVALID for a bad key or token. */
struct iam *iam_open(const struct iam_options *options, struct mrp_err *err);
void iam_close(struct iam *iam);
void iam_closep(struct iam **iam);

enum iam_provider iam_provider(const struct iam *iam);
/* "authorized key ajex of service account ajey (from MR_PROBER_SA_AUTHORIZED_KEY)": for people, no secret. */
const char *iam_description(const struct iam *iam);

/* The token, borrowed until the next call with this chain. Asks a server when there is none; blocks for 10 s at most.
 * NULL: MRP_EUNREACHABLE, MRP_EHTTP, MRP_EPERM (refused), MRP_EINTERRUPTED. */
const char *iam_token(struct iam *iam, struct mrp_err *err);
/* When the token that there is ends, in seconds since 1970; -1: the server did not say, or there is none. */
int64_t iam_ends_s(const struct iam *iam);
/* What somebody should know about the secret ("'key.json' can be read by everybody"); NULL: nothing. */
const char *iam_warning(const struct iam *iam);
/* Does this machine have a service account? Asks its metadata service (url NULL: IAM_METADATA_URL); blocks for some
 * seconds at most. 0; -1: as iam_token. */
int iam_try_metadata(const char *url, struct mrp_err *err);
/* The token was not accepted: the next call asks for another one. */
void iam_forget(struct iam *iam);

#endif
