/* SPDX-License-Identifier: Apache-2.0 */
/* One look, from asking to handing on. */
#include <malloc.h>

#include "../base/log.h"
#include "../ev/loop.h"
#include "config_internal.h"

enum {
	FIRST_RETRY_MS = 1000, /* as long as there is no config at all */
	BACKOFF_MAX = 4,       /* intervals */
	TELL_LEAST_MS = 25000, /* between two times that nothing is new */
};

/* --- a config becomes the current one ------------------------------------------------------------------------ */

/* Everything that the config needs is on the disk afterwards. `again`: look at what was looked at before, too. */
static int bring_files(struct agent_source *source, const struct agent_config *config, bool again, struct mrp_err *err)
{
	struct missing_vec missing = VEC_INIT;
	int result = config_files_missing(source->files, &missing, config, again, err);

	if (result == 0 && missing.n)
		result = source->backend->ops->fetch(source->backend, &missing, source->files, err);
	if (result == 0)
		result = config_files_make(source->files, err);
	missing_vec_clear(&missing);
	if (result == 0)
		return 0;
	/* what was fetched is of no use now, and may be what fills the disk */
	if (err->code == MRP_ENOSPC)
		config_files_collect(source->files, &source->used);
	return mrp_err_wrap(err, "config %s", config->revision);
}

static int read_config(struct agent_source *source, struct agent_config **out, const struct strbuf *json,
	struct problems *problems, struct mrp_err *err)
{
	const struct agent_source_options *options = &source->options;
	struct agent_config *config;

	if (agent_config_parse(&config, json->buf, json->len, options->cluster, options->host, problems, err) < 0)
		return -1;
	if (config_files_check(config, err) < 0) {
		agent_config_unref(config);
		return -1;
	}
	config->files_root = arena_strdup(&config->arena, config_files_root(source->files));
	if (options->prepare)
		options->prepare(options->ctx, config);
	*out = config;
	return 0;
}

static int store(const struct agent_source *source, struct config_look *look, struct mrp_err *err)
{
	const struct stored_config stored = { source->backend->origin, look->etag, look->json };

	return stored_config_write(source->stored_path, &stored, err);
}

/* 0: *ending says CONFIG_NEW, or CONFIG_SAME. */
static int use_found(struct agent_source *source, struct config_look *look, bool reload, struct look_ending *ending,
	struct mrp_err *err)
{
	struct agent_config *config = source_config(source);

	ending->kind = CONFIG_SAME;
	source->again = true;
	if (config && look->etag && source->etag && streq(look->etag, source->etag))
		return reload ? bring_files(source, config, true, err) : 0;
	if (read_config(source, &config, &look->json, &look->problems, err) < 0) {
		source->again = false; /* what is wrong with the config itself stays wrong until it changes */
		return -1;
	}
	if (bring_files(source, config, reload, err) < 0 || store(source, look, err) < 0) {
		agent_config_unref(config);
		return -1;
	}
	free(source->etag);
	source->etag = look->etag ? xstrdup(look->etag) : NULL;
	strbuf_release(&look->json);
	ending->kind = CONFIG_NEW;
	ending->config = config;
	return 0;
}

/* --- one look ------------------------------------------------------------------------------------------------ */

static int64_t next_look_us(const struct agent_source *source, int64_t retry_after_ms)
{
	int64_t interval = source->options.interval_ms, wait = interval;

	if (source->backoff) {
		wait = source_config(source) ? interval : MIN(interval, (int64_t)FIRST_RETRY_MS);
		for (int64_t i = 1; i < source->backoff && wait < BACKOFF_MAX * interval; i++)
			wait *= 2;
		wait = MIN(wait, BACKOFF_MAX * interval);
	}
	/* a pause that the source asks for is the least, not the middle */
	return monotonic_us() + jittered_us(wait) + MAX(retry_after_ms, (int64_t)0) * 1000;
}

/* Nothing has changed since the last look that found something; that one may have found something bad. */
static void end_unchanged(struct agent_source *source, struct look_ending *ending, bool reload)
{
	ending->kind = outcome_is_good(source->found.kind) ? CONFIG_SAME : source->found.kind;
	ending->code = source->found.code;
	ending->about = source->found.about;
	ending->error = source->found.error;
	bool quiet = source->backend->ops->often && !reload && !ending_is_news(&source->last, ending) &&
		monotonic_us() - source->told_us < (int64_t)TELL_LEAST_MS * 1000;
	if (!quiet)
		source_tell(source, ending);
}

static void end_look(struct agent_source *source, enum look_end end, struct look_ending *ending,
	const struct config_look *look, const struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (err->code != MRP_OK) {
		mrp_err_format(&text, err);
		ending->kind = end == LOOK_FAILED ? CONFIG_UNKNOWN : CONFIG_REFUSED;
		ending->code = err->code;
		ending->error = text.buf;
		ending->about = look->etag;
		ending->problems = &look->problems;
	}
	if (end != LOOK_FAILED)
		said_set(&source->found, ending);
	source_tell(source, ending);
}

static void look_now(struct agent_source *source, struct config_look *look, uint64_t reloads, struct mrp_err *err)
{
	bool reload = reloads > source->reloads_done;
	struct look_ending ending = { .reloads = reloads };
	enum look_end end = source->backend->ops->look(source->backend, source->again || reload, look, err);

	if (end != LOOK_FAILED)
		source->again = false;
	if (end == LOOK_FOUND && use_found(source, look, reload, &ending, err) == 0)
		source->again = false;
	if (err->code == MRP_EINTERRUPTED)
		return;
	source->backoff = end == LOOK_FAILED || source->again ? source->backoff + 1 : 0;
	if (end == LOOK_UNCHANGED)
		end_unchanged(source, &ending, reload);
	else
		end_look(source, end, &ending, look, err);
	source->reloads_done = reloads;
	if (ending.config) /* after it was handed on: the one before may be free already */
		config_files_collect(source->files, &source->used);
	source->look_due_us = next_look_us(source, look->retry_after_ms);
}

void source_look(struct agent_source *source)
{
	struct config_look look = { .json = STRBUF_INIT, .retry_after_ms = -1, .problems = PROBLEMS_INIT };
	struct mrp_err err = MRP_ERR_INIT;

	pthread_mutex_lock(&source->lock);
	uint64_t reloads = source->reloads;
	pthread_mutex_unlock(&source->lock);
	look_now(source, &look, reloads, &err);
	bool found = look.etag;
	strbuf_release(&look.json);
	free(look.etag);
	problems_clear(&look.problems);
	mrp_err_clear(&err);
	if (found)
		malloc_trim(0); /* reading a config takes many times what is kept of it */
}

/* --- at the start -------------------------------------------------------------------------------------------- */

static int load_stored(struct agent_source *source, struct config_look *look, struct mrp_err *err)
{
	cleanup(stored_config_release) struct stored_config stored = STORED_CONFIG_INIT;
	struct look_ending ending = { .kind = CONFIG_NEW, .last_good = true };

	if (stored_config_read(&stored, source->stored_path, err) < 0)
		return -1;
	if (!streq(stored.origin, source->backend->origin))
		return mrp_err_set(
			err, MRP_ENOTFOUND, "the config in '%s' came from '%s'", source->stored_path, stored.origin);
	if (read_config(source, &ending.config, &stored.json, &look->problems, err) < 0)
		return -1;
	if (bring_files(source, ending.config, false, err) < 0) {
		agent_config_unref(ending.config);
		return -1;
	}
	source->etag = steal(&stored.etag);
	if (source->backend->ops->known)
		source->backend->ops->known(source->backend, source->etag);
	source_tell(source, &ending);
	config_files_collect(source->files, &source->used);
	return 0;
}

void source_load_stored(struct agent_source *source)
{
	struct config_look look = { .json = STRBUF_INIT, .problems = PROBLEMS_INIT };
	struct mrp_err err = MRP_ERR_INIT;

	if (load_stored(source, &look, &err) < 0 && err.code != MRP_ENOTFOUND && err.code != MRP_EINTERRUPTED)
		log_warning("the last good config cannot be used: %s", err.msg);
	problems_clear(&look.problems);
	mrp_err_clear(&err);
	malloc_trim(0);
}
