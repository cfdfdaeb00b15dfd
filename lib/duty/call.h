/* SPDX-License-Identifier: Apache-2.0 */
/* One request that is being answered: what the handlers of commands.c, once.c and logs.c share. */
#ifndef MRP_DUTY_CALL_H
#define MRP_DUTY_CALL_H

#include "../value/value.h"
#include "duty.h"
#include "frame.h"

struct duty_call {
	struct duty_conn *conn;
	const struct duty_ops *ops;
	const struct value *request;
	struct arena *arena;
	struct strbuf *end; /* the JSON of FRAME_END */
};

/* Waits for a client that reads slowly, but not when the server is to stop; -1 when it has gone. */
int duty_send(struct duty_call *call, enum frame_type type, const char *data, size_t len, struct mrp_err *err);

/* "key":value and a comma. */
void duty_add_text(struct strbuf *json, const char *key, const char *text);
void duty_add_number(struct strbuf *json, const char *key, int64_t n);
/* '}' in place of the last comma. */
void duty_end_object(struct strbuf *json);
/* The object that describes an entry. */
void duty_add_entry(struct strbuf *json, const struct duty_entry *entry);
/* The object that describes a run. */
void duty_add_record(struct strbuf *json, const struct log_record *record);

/* Members of the request. */
bool duty_flag(const struct duty_call *call, const char *name);
int64_t duty_number(const struct duty_call *call, const char *name, int64_t absent);
/* The id of the only entry that `prober` means. NULL with err set. */
const char *duty_target(struct duty_call *call, struct mrp_err *err);

int duty_serve_once(struct duty_call *call, struct mrp_err *err);
int duty_serve_logs(struct duty_call *call, struct mrp_err *err);

#endif
