/* SPDX-License-Identifier: Apache-2.0 */
/* The thread with the loop: takes jobs, starts checks by their type, ends them in time. */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>

#include "../base/module.h"
#include "../base/parse.h"
#include "../base/thread.h"
#include "check.h"

/* Where the tables of checks are; those of modules are loaded with the first check of their type. */
static const struct {
	const char *name;
	const struct check_type *type;
	const char *module, *symbol;
} known_types[] = {
	{ "http", NULL, "http", "mrp_check_http" },
	{ "tcp", &check_tcp, NULL, NULL },
	{ "dns", &check_dns, NULL, NULL },
	{ "icmp", &check_icmp, NULL, NULL },
	{ "tls", NULL, "tls", "mrp_check_tls" },
	{ "disk", &check_disk, NULL, NULL },
};

VEC_DEFINE(check_vec, struct check *)

struct probe_engine {
	struct loop *loop;
	struct resolver *resolver;
	pthread_t thread;
	atomic_uint_fast64_t last_number;
	struct check_vec running;
	struct {
		const struct check_type *type; /* NULL: no check of it yet */
		void *shared;
	} types[ARRAY_SIZE(known_types)];
};

/* --- the end of a check ------------------------------------------------------------------------------------------- */

static void forget(struct check *check)
{
	struct check_vec *running = &check->engine->running;

	running->v[check->place] = running->v[--running->n];
	running->v[check->place]->place = check->place;
}

static void keep_values(struct check *check)
{
	struct probe_job *job = check->job;
	size_t bytes = check->values.n * sizeof(*check->values.v);

	if (bytes) {
		struct verdict_value *values = arena_alloc(&job->arena, bytes);

		memcpy(values, check->values.v, bytes);
		job->verdict.values = values;
		job->verdict.n_values = check->values.n;
	}
	job->details = check->details.len ? arena_strndup(&job->arena, check->details.buf, check->details.len) : "";
}

static void end_check(struct check *check, enum nagios_code code, enum verdict_status status,
	enum verdict_reason reason, const char *message)
{
	struct probe_job *job = check->job;

	job->ended_us = monotonic_us();
	job->nagios_code = code;
	if (check->type && check->type->stop)
		check->type->stop(check);
	verdict_set(&job->verdict, &job->arena, status, reason, "%s", message);
	keep_values(check);
	loop_timer_clear(check->loop, &check->deadline);
	forget(check);
	verdict_value_vec_clear(&check->values);
	strbuf_release(&check->details);
	free(check);
	job->done(job);
}

void check_end(struct check *check, enum nagios_code code, const char *fmt, ...)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (code == NAGIOS_OK && check->warning) {
		strbuf_addf(&text, "; %s", check->warning);
		end_check(check, NAGIOS_WARNING, check->job->warning_fails ? VERDICT_FAILURE : VERDICT_SUCCESS,
			REASON_WARNING, text.buf);
		return;
	}
	if (code == NAGIOS_OK)
		end_check(check, code, VERDICT_SUCCESS, REASON_OK, text.buf);
	else
		end_check(check, code, VERDICT_FAILURE, REASON_EXIT, text.buf);
}

void check_error(struct check *check, enum verdict_reason reason, const char *fmt, ...)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	check->values.n = 0; /* half a result is none */
	end_check(check, NAGIOS_UNKNOWN, VERDICT_ERROR, reason, text.buf);
}

void check_errno(struct check *check, const char *what)
{
	bool limit = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;

	check_error(check, limit ? REASON_LIMIT : REASON_SPAWN, "%s: %s", what, strerror(errno));
}

void resolve_failed(struct check *check, const struct resolve *resolve)
{
	if (resolve->end == RESOLVE_ERROR || resolve->end == RESOLVE_LIMIT)
		check_error(check, resolve->end == RESOLVE_LIMIT ? REASON_LIMIT : REASON_CONFIG, "%s", resolve->error);
	else
		check_end(check, NAGIOS_CRITICAL, "%s", resolve->error);
}

void check_timed_out(struct check *check)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	strbuf_addstr(&text, "no answer within ");
	format_duration(&text, check->job->timeout_ms);
	if (check->stage)
		strbuf_addf(&text, ": %s", check->stage);
	end_check(check, NAGIOS_CRITICAL, VERDICT_FAILURE, REASON_TIMEOUT, text.buf);
}

/* When this process was stopped, or got no processor, the answer may be here already: that is looked at first. */
static void on_deadline(void *ctx)
{
	enum { LATE_US = 20000, LOOK_US = 100000 };
	struct check *check = ctx;
	int64_t now = monotonic_us();

	if (!check->slept && now - check->deadline.due_us > LATE_US) {
		check->slept = true;
		loop_timer_set(check->loop, &check->deadline, now + LOOK_US);
		return;
	}
	(check->type->timed_out ? check->type->timed_out : check_timed_out)(check);
}

/* --- the beginning ------------------------------------------------------------------------------------------------ */

static int open_type(struct probe_engine *engine, size_t i, struct mrp_err *err)
{
	const struct check_type *type = known_types[i].type;

	if (engine->types[i].type)
		return 0;
	if (!type)
		type = module_table(known_types[i].module, known_types[i].symbol, err);
	if (!type)
		return -1;
	if (type->open) {
		engine->types[i].shared = type->open(engine->loop, err);
		if (!engine->types[i].shared)
			return -1;
	}
	engine->types[i].type = type;
	return 0;
}

static struct check *new_check(struct probe_engine *engine, struct probe_job *job, size_t size)
{
	struct check *check = xcalloc(1, size);

	*check = (struct check){
		.engine = engine,
		.loop = engine->loop,
		.resolver = engine->resolver,
		.job = job,
		.values = VEC_INIT,
		.details = STRBUF_INIT,
		.deadline = { .fn = on_deadline, .ctx = check },
		.place = engine->running.n,
	};
	check_vec_push(&engine->running, check);
	return check;
}

static void begin(struct probe_engine *engine, struct probe_job *job)
{
	struct mrp_err err = MRP_ERR_INIT;
	const char *name = job->probe->type == V_OBJECT && job->probe->n ? job->probe->members[0].key : "";
	size_t i = 0;

	job->started_us = monotonic_us();
	while (i < ARRAY_SIZE(known_types) && !streq(known_types[i].name, name))
		i++;
	if (i == ARRAY_SIZE(known_types)) {
		check_error(
			new_check(engine, job, sizeof(struct check)), REASON_CONFIG, "there is no probe '%s'", name);
		return;
	}
	if (open_type(engine, i, &err) < 0) {
		check_error(new_check(engine, job, sizeof(struct check)), REASON_SPAWN, "%s", err.msg);
		mrp_err_clear(&err);
		return;
	}
	struct check *check = new_check(engine, job, engine->types[i].type->size);
	check->type = engine->types[i].type;
	check->shared = engine->types[i].shared;
	check->options = job->probe->members[0].value;
	loop_timer_set(engine->loop, &check->deadline, job->started_us + job->timeout_ms * 1000);
	check->type->start(check);
}

/* --- other threads ------------------------------------------------------------------------------------------------ */

struct message {
	struct loop_message message;
	struct probe_engine *engine;
	struct probe_job *job; /* NULL: cancel `number` */
	uint64_t number;
};

static void cancel(struct probe_engine *engine, uint64_t number)
{
	for (size_t i = 0; i < engine->running.n; i++) {
		if (engine->running.v[i]->job->number == number) {
			check_error(engine->running.v[i], REASON_SIGNAL, "canceled");
			return;
		}
	}
}

static void deliver(struct loop_message *base)
{
	struct message message = *(struct message *)base;

	free(base);
	if (message.job)
		begin(message.engine, message.job);
	else
		cancel(message.engine, message.number);
}

static void post(struct probe_engine *engine, struct probe_job *job, uint64_t number)
{
	struct message *message = xmalloc(sizeof(*message));

	*message = (struct message){ { deliver, NULL }, engine, job, number };
	loop_post(engine->loop, &message->message);
}

void probe_submit(struct probe_engine *engine, struct probe_job *job)
{
	job->number = atomic_fetch_add(&engine->last_number, 1) + 1;
	post(engine, job, job->number);
}

void probe_cancel(struct probe_engine *engine, struct probe_job *job)
{
	post(engine, NULL, job->number);
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

static void *run(void *ctx)
{
	struct probe_engine *engine = ctx;
	struct mrp_err err = MRP_ERR_INIT;

	pthread_setname_np(pthread_self(), "probe");
	if (loop_run(engine->loop, &err) < 0)
		BUG("the loop of probes: %s", err.msg);
	return NULL;
}

static void free_parts(struct probe_engine *engine)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_types); i++) {
		if (engine->types[i].type && engine->types[i].type->close)
			engine->types[i].type->close(engine->types[i].shared);
	}
	resolver_free(engine->resolver);
	loop_free(engine->loop);
	check_vec_clear(&engine->running);
	free(engine);
}

struct probe_engine *probe_engine_new(struct mrp_err *err)
{
	struct probe_engine *engine = xcalloc(1, sizeof(*engine));

	engine->loop = loop_new(err);
	if (!engine->loop) {
		free(engine);
		return NULL;
	}
	engine->resolver = resolver_new(engine->loop);
	if (thread_start(&engine->thread, NULL, run, engine, err) < 0) {
		free_parts(engine);
		return NULL;
	}
	return engine;
}

void probe_engine_free(struct probe_engine *engine)
{
	if (!engine)
		return;
	loop_stop(engine->loop);
	pthread_join(engine->thread, NULL);
	if (engine->running.n)
		BUG("%zu probes are left", engine->running.n);
	free_parts(engine);
}
