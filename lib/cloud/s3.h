/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of one bucket, by the REST API of S3 (path style: ENDPOINT/BUCKET/KEY). One try each; objects.h has the
 * policy. Signed by a static access key (sigv4.h), or an IAM token as Bearer, which Yandex Object Storage takes as
 * well. One thread at a time.
 */
#ifndef MRP_CLOUD_S3_H
#define MRP_CLOUD_S3_H

#include "iam.h"

#define S3_ENDPOINT "https://storage.yandexcloud.net"
#define S3_REGION "ru-central1"

/* All is borrowed, and copied by those who keep it. */
struct s3_options {
	const char *endpoint; /* https://, or this machine when by an IAM token; NULL: S3_ENDPOINT */
	const char *region;   /* that signatures are for; NULL: S3_REGION */
	const char *bucket;
	const char *key_id, *secret;          /* NULL, both: by an IAM token */
	const struct iam_options *iam;        /* when by an IAM token; `patience` is taken from below */
	const char *ca_file;                  /* PEM; NULL: the system's */
	int64_t timeout_ms;                   /* of a request; 0: one minute */
	const struct http_patience *patience; /* NULL: none; must outlive the bucket */
};

/* Fill from S3_ENDPOINT, S3_REGION, S3_LOGS_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY; an empty one is as
 * absent. 1 when a bucket is named; 0 when none of them is set, so no S3 is wanted; -1 with MRP_EUSAGE when what
 * is set makes no sense. Pointers are into the environment; `iam` and the rest stay as they are. */
int s3_options_from_environment(struct s3_options *options, struct mrp_err *err);

struct s3;

/* Checks the options; asks no server. MRP_EUSAGE, MRP_EINVALID (a bad IAM key). */
struct s3 *s3_open(const struct s3_options *options, struct mrp_err *err);
void s3_close(struct s3 *s3);

/* "bucket 'logs' at https://storage.yandexcloud.net": for people. */
const char *s3_description(const struct s3 *s3);

/* Is it a key that every S3 server and every folder takes? 1 to 1024 bytes of UTF-8 without control characters, no
 * empty part between slashes, none that is "." or "..". MRP_EINVALID. */
int s3_key_check(const char *key, struct mrp_err *err);

/* Errors of the following: MRP_EUNREACHABLE, MRP_EBUSY (429, 5xx, a broken answer: try again, at the earliest after
 * *retry_after_ms, which is -1 when the server did not say; may be NULL), MRP_EINTERRUPTED, MRP_EPERM (401, 403),
 * MRP_ENOTFOUND, MRP_ETOOBIG, MRP_EINVALID (this object will never be taken), MRP_EHTTP. No message holds a secret. */
int s3_put(struct s3 *s3, const char *key, const void *data, size_t len, int64_t *retry_after_ms, struct mrp_err *err);
/* Appended to `out`. */
int s3_get(struct strbuf *out, struct s3 *s3, const char *key, size_t max_bytes, struct mrp_err *err);

#endif
