/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of deployments that are in a bucket of S3: fetched by a thread of its own, so that no other request waits for
 * it.
 */
#ifndef MRP_API_LOG_READER_H
#define MRP_API_LOG_READER_H

#include "../cloud/s3.h"
#include "call.h"

struct log_reader;

/* Connects to nothing yet; what S3 takes wrongly is said here. The thread is started by the first call. */
struct log_reader *log_reader_new(const struct s3_options *s3, struct mrp_err *err);
/* No call may be waiting. NULL is fine. */
void log_reader_free(struct log_reader *reader);
/* Answer with the object call->log_key, on the reader's thread: call->done is called there. Too many that wait: 503. */
void log_reader_submit(struct log_reader *reader, struct api_call *call);

#endif
