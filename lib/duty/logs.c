/* SPDX-License-Identifier: Apache-2.0 */
/* `logs`: what a run has printed, and then those that follow. */
#include <inttypes.h>
#include <poll.h>

#include "call.h"

enum { FOLLOW_MS = 1000, NEWER_MAX = 100 };

/* Has the client gone, or is the server about to stop? */
static bool is_over(const struct duty_conn *conn, bool *stopping)
{
	struct pollfd fds[2] = { { .fd = conn->fd, .events = POLLRDHUP }, { .fd = conn->stop_fd, .events = POLLIN } };
	bool over = poll(fds, 2, 0) > 0;

	*stopping = over && fds[1].revents;
	return over;
}

static int send_record(struct duty_call *call, const struct log_record *record, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf json = STRBUF_INIT;

	duty_add_record(&json, record);
	if (duty_send(call, FRAME_JSON, json.buf, json.len, err) < 0)
		return -1;
	if (record->output_len[0] && duty_send(call, FRAME_STDOUT, record->output[0], record->output_len[0], err) < 0)
		return -1;
	return record->output_len[1] ? duty_send(call, FRAME_STDERR, record->output[1], record->output_len[1], err) : 0;
}

/* The runs after the one with the id `shown`, newest first; of very many the last ones. Runs may be added meanwhile,
 * which moves those that are there: one may come twice in a row, and is taken once. */
static int read_newer(struct log_record *out, size_t *n, struct duty_call *call, const char *id, const char *shown,
	struct mrp_err *err)
{
	int r;

	*n = 0;
	for (size_t back = 0; *n < NEWER_MAX; back++) {
		struct log_record *record = &out[*n];

		r = call->ops->log(call->ops->ctx, record, id, back, err);
		if (r <= 0)
			return r;
		bool again = *n && streq(record->run_id, record[-1].run_id);
		bool known = streq(record->run_id, shown);
		if (again || known)
			strbuf_release(&record->text);
		if (known)
			return 0;
		*n += !again;
	}
	return 0;
}

/* Send the runs that came after the one with the id `shown`, oldest first; that is the last of them then. */
static int send_newer(struct duty_call *call, const char *id, struct strbuf *shown, struct mrp_err *err)
{
	cleanup(freep) struct log_record *records = xmalloc(NEWER_MAX * sizeof(*records));
	size_t n;
	int r = read_newer(records, &n, call, id, shown->buf, err);

	while (n-- > 0) {
		if (r == 0)
			r = send_record(call, &records[n], err);
		strbuf_reset(shown);
		strbuf_addstr(shown, records[n].run_id);
		strbuf_release(&records[n].text);
	}
	return r;
}

static int follow_logs(struct duty_call *call, const char *id, struct strbuf *shown, struct mrp_err *err)
{
	uint64_t seen = 0;
	bool stopping;

	while (!is_over(call->conn, &stopping)) {
		if (send_newer(call, id, shown, err) < 0)
			return -1;
		call->ops->log_wait(call->ops->ctx, &seen, FOLLOW_MS);
	}
	return stopping ? mrp_err_set(err, MRP_EBUSY, "the agent is stopping") : 0;
}

int duty_serve_logs(struct duty_call *call, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf shown = STRBUF_INIT;
	int64_t number = duty_number(call, "run", 1);
	const char *word = value_get_string(call->request, "prober");
	struct log_record record;
	const char *id = duty_target(call, err);

	if (!id && err->code == MRP_ENOTFOUND && call->ops->log(call->ops->ctx, &record, word, 0, err) > 0) {
		/* a prober that is gone, whose output is still there */
		strbuf_release(&record.text);
		mrp_err_clear(err);
		id = word;
	}
	if (!id)
		return -1;
	if (number < 1)
		return mrp_err_set(err, MRP_EUSAGE, "run %" PRId64 " is no number from 1, the last one", number);
	int r = call->ops->log(call->ops->ctx, &record, id, (size_t)number - 1, err);
	if (r > 0) {
		r = send_record(call, &record, err);
		strbuf_addstr(&shown, record.run_id);
		strbuf_release(&record.text);
	} else if (r == 0 && !duty_flag(call, "follow")) {
		return mrp_err_set(err, MRP_ENOTFOUND,
			number == 1 ? "no output of '%s' was kept" : "no so old output of '%s' is kept", id);
	}
	if (r < 0)
		return -1;
	return duty_flag(call, "follow") ? follow_logs(call, id, &shown, err) : 0;
}
