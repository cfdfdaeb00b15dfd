/* SPDX-License-Identifier: Apache-2.0 */
/* How a run is recorded, and whether its terraform state is to be believed afterwards. */
#include "internal.h"

#include <unistd.h>

/* What the record says of the state: it is broken now, or was all the time, or good again. */
static void say_dirty(struct deploy *d)
{
	static const struct dirty clean = { .is = false };
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (d->killed.is) {
		cleanup(freep) char *before = steal(&d->message);

		dirty_format(&text, &d->killed);
		deploy_ends(d, DEPLOY_FAILED,
			"%s; terraform was killed while it made %s: that may be half made, or in no state; the next "
			"plan "
			"waits for approval",
			before ? before : "failed", text.buf);
		d->record.dirty = &d->killed;
	} else if (d->mark.is &&
		(d->status == DEPLOY_APPLIED || d->status == DEPLOY_NO_CHANGES || d->status == DEPLOY_DESTROYED)) {
		d->record.dirty = &clean;
	} else if (d->mark_is_news) {
		d->record.dirty = &d->mark;
	}
}

void deploy_record_outcome(struct deploy *d)
{
	struct mrp_err err = MRP_ERR_INIT;
	cleanup(strbuf_release) struct strbuf message = STRBUF_INIT;

	say_dirty(d);
	strbuf_add_visible(&message, d->message ? d->message : "", d->message ? strlen(d->message) : 0);
	if (!d->record.id)
		return;
	if (record_end(&d->record, d->status == DEPLOY_WAITING ? "failed" : deploy_status_names[d->status], d->stage,
		    message.len ? message.buf : NULL, &err) == 0) {
		if (d->record.dirty)
			unlink(d->dirty_path); /* the API knows it */
		return;
	}
	deploy_say(
		d, LOG_ERROR, "the API did not record how it ended (%s): %s", deploy_status_names[d->status], err.msg);
	if (d->status != DEPLOY_INTERRUPTED)
		d->status = DEPLOY_FAILED;
	mrp_err_clear(&err);
}
