/* SPDX-License-Identifier: Apache-2.0 */
#include "uploads.h"

#include <inttypes.h>
#include <time.h>

#include "../base/clock.h"
#include "../base/log.h"
#include "../creator/redact.h"

struct uploads {
	struct uploads_options options; /* its strings are owned */
	struct objects *objects;
	struct redact_set *shapes;
	bool complained;
};

static void count(void *ctx, enum objects_count what, int64_t n)
{
	static const enum agent_metric metrics[] = {
		[OBJECTS_STORED] = AGENT_UPLOADS_TOTAL,
		[OBJECTS_FAILED] = AGENT_UPLOADS_FAILED_TOTAL,
		[OBJECTS_DROPPED] = AGENT_UPLOADS_DROPPED_TOTAL,
		[OBJECTS_WAITING] = AGENT_UPLOADS_WAITING,
	};

	metrics_agent_add(((struct uploads *)ctx)->options.metrics, metrics[what], n);
}

static void release(struct uploads *uploads)
{
	redact_free(uploads->shapes);
	free((char *)(uintptr_t)uploads->options.prefix);
	free((char *)(uintptr_t)uploads->options.cluster);
	free((char *)(uintptr_t)uploads->options.host);
	free(uploads);
}

struct uploads *uploads_start(const struct uploads_options *options, struct mrp_err *err)
{
	struct uploads *uploads = xcalloc(1, sizeof(*uploads));
	const struct objects_options objects = {
		.s3 = options->s3,
		.spool = options->folder,
		.spool_bytes = options->max_bytes,
		.count = count,
		.ctx = uploads,
	};

	uploads->options = (struct uploads_options){
		.prefix = xstrdup(options->prefix),
		.cluster = xstrdup(options->cluster),
		.host = xstrdup(options->host),
		.metrics = options->metrics,
	};
	uploads->shapes = redact_new(REDACT_SHAPES);
	uploads->objects = objects_open(&objects, err);
	if (uploads->objects)
		return uploads;
	release(uploads);
	return NULL;
}

void uploads_stop(struct uploads *uploads, int64_t grace_ms)
{
	if (!uploads)
		return;
	objects_close(uploads->objects, grace_ms);
	release(uploads);
}

const char *uploads_description(const struct uploads *uploads)
{
	return objects_description(uploads->objects);
}

void uploads_add_key(struct strbuf *out, const struct uploads_options *options, const struct log_record *record)
{
	time_t seconds = (time_t)(record->started_ms / 1000);
	struct tm tm;
	char time[24];

	gmtime_r(&seconds, &tm);
	strftime(time, sizeof(time), "%Y%m%dT%H%M%S", &tm);
	strbuf_addf(out, "%s/agent/%s/%s/%.*s/%s.%03dZ-%s.log", options->prefix, options->cluster, options->host,
		(int)strcspn(record->id, "["), record->id, time, (int)(record->started_ms % 1000), record->run_id);
}

static void add_output(struct strbuf *out, const struct log_record *record, enum run_stream stream, const char *name)
{
	if (!record->output_len[stream])
		return;
	strbuf_addf(out, "\n--- %s%s\n", name, record->truncated[stream] ? ", only its beginning" : "");
	strbuf_add(out, record->output[stream], record->output_len[stream]);
	if (record->output[stream][record->output_len[stream] - 1] != '\n')
		strbuf_addch(out, '\n');
}

void uploads_add_text(struct strbuf *out, const struct uploads_options *options, const struct log_record *record)
{
	strbuf_addf(out, "prober: %s\nrun: %s\ncluster: %s\nhost: %s\nstarted: ", record->id, record->run_id,
		options->cluster, options->host);
	time_format(out, record->started_ms);
	strbuf_addf(out, "\nduration: %" PRId64 ".%03ds\nstatus: %s\nreason: %s\n", record->duration_us / 1000000,
		(int)(record->duration_us / 1000 % 1000), verdict_status_names[record->status],
		verdict_reason_names[record->reason]);
	if (record->signal_number)
		strbuf_addf(out, "signal: %d\n", record->signal_number);
	else
		strbuf_addf(out, "exit code: %d\n", record->exit_code);
	strbuf_addf(out, "message: %s\n", record->message);
	add_output(out, record, RUN_STDOUT, "stdout");
	add_output(out, record, RUN_STDERR, "stderr");
}

/* One line when it begins to go wrong, one when it is over. */
static void note(struct uploads *uploads, int result, const struct mrp_err *err)
{
	if (result < 0)
		metrics_agent_add(uploads->options.metrics, AGENT_UPLOADS_DROPPED_TOTAL, 1);
	if (result < 0 && !uploads->complained)
		log_warning("output of runs cannot be uploaded: %s", err->msg);
	else if (result == 0 && uploads->complained)
		log_info("output of runs can be uploaded again");
	uploads->complained = result < 0;
}

void uploads_put(struct uploads *uploads, const struct log_record *record)
{
	cleanup(strbuf_release) struct strbuf key = STRBUF_INIT, text = STRBUF_INIT, clean = STRBUF_INIT;
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;

	uploads_add_key(&key, &uploads->options, record);
	uploads_add_text(&text, &uploads->options, record);
	redact_text(&clean, uploads->shapes, text.buf, text.len);
	note(uploads, objects_put(uploads->objects, key.buf, clean.buf, clean.len, &err), &err);
}
