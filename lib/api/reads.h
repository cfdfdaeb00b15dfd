/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group reads, for databases in which each question costs a turn: objects that several clients ask for at about the
 * same time are asked for together, on a connection and a thread of their own. What arrives meanwhile is the next
 * group, so nobody waits for company, as in store/writer.h.
 */
#ifndef MRP_API_READS_H
#define MRP_API_READS_H

#include "call.h"

/* NULL with err set when the connection cannot be made. */
struct reads *reads_start(const struct store_ops *store, const char *url, struct mrp_err *err);
/* Can this call be answered here: does it ask for one object and nothing else? */
bool reads_fit(const struct api_call *call);
/* call->done is called on the thread of the reads. */
void reads_submit(struct reads *reads, struct api_call *call);
/* Answers what is queued, then ends the thread. NULL is fine. */
void reads_stop(struct reads *reads);

#endif
