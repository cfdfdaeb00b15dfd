/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets to know how a look ended. The log says what is wrong once, not with each look: that is news only when it is
 * something else, or about another config.
 */
#include "../base/log.h"
#include "../ev/loop.h"
#include "config_internal.h"

enum { PROBLEMS_LOGGED = 100 };

void said_release(struct said *said)
{
	free(said->about);
	free(said->error);
	*said = (struct said){ .kind = CONFIG_SAME };
}

void said_set(struct said *said, const struct look_ending *ending)
{
	struct said now = { ending->kind, ending->code, ending->about ? xstrdup(ending->about) : NULL,
		ending->error ? xstrdup(ending->error) : NULL };

	said_release(said);
	*said = now;
}

bool outcome_is_good(enum config_outcome_kind kind)
{
	return kind == CONFIG_NEW || kind == CONFIG_SAME;
}

/* Messages differ in numbers and names of temporary files, so they are not compared. */
bool ending_is_news(const struct said *last, const struct look_ending *ending)
{
	if (outcome_is_good(ending->kind))
		return ending->kind == CONFIG_NEW || !outcome_is_good(last->kind);
	return last->kind != ending->kind || last->code != ending->code ||
		!streq(last->about ? last->about : "", ending->about ? ending->about : "");
}

static void log_problems(const struct problems *problems)
{
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;
	size_t logged = 0;

	for (size_t i = 0; i < problems->list.n; i++) {
		if (problems->list.v[i].warning)
			continue;
		if (logged++ == PROBLEMS_LOGGED) {
			log_error("... and %zu more", problems->errors - PROBLEMS_LOGGED);
			return;
		}
		strbuf_reset(&line);
		problem_format(&line, &problems->list.v[i]);
		log_error("%s", line.buf);
	}
}

static void log_ending(const struct agent_source *source, const struct look_ending *ending)
{
	const struct agent_config *config = source_config(source);

	if (outcome_is_good(ending->kind)) {
		log_info("config %.12s from %s: %zu probers%s", config->revision, source->backend->name, config->entries.n,
			ending->last_good                     ? ", as stored here"
				: ending->kind == CONFIG_SAME ? ", is right again"
							      : "");
		return;
	}
	if (ending->problems)
		log_problems(ending->problems);
	log_error("%s: %s", config ? "the config stays as it was" : "there is no config yet", ending->error);
}

static void note_status(struct agent_source *source, const struct look_ending *ending)
{
	struct agent_source_status *status = &source->status;
	const struct agent_config *config = source_config(source);
	bool good = outcome_is_good(ending->kind);

	pthread_mutex_lock(&source->lock);
	free(status->revision);
	status->revision = config ? xstrdup(config->revision) : NULL;
	if (!ending->last_good) {
		free(status->error);
		status->error = ending->error ? xstrdup(ending->error) : NULL;
		status->checked_ms = wall_ms();
		status->good_ms = good ? status->checked_ms : status->good_ms;
		status->failures = good ? 0 : status->failures + 1;
	}
	pthread_mutex_unlock(&source->lock);
}

void source_tell(struct agent_source *source, const struct look_ending *ending)
{
	const struct config_outcome outcome = {
		.kind = ending->kind,
		.config = ending->config ? agent_config_ref(ending->config) : NULL,
		.last_good = ending->last_good,
		.error = ending->error,
		.reloads = ending->reloads,
	};

	if (ending->config)
		config_vec_push(&source->used, ending->config);
	if (ending_is_news(&source->last, ending))
		log_ending(source, ending);
	said_set(&source->last, ending);
	note_status(source, ending);
	source->told_us = monotonic_us();
	source->options.outcome(source->options.ctx, &outcome);
	pthread_mutex_lock(&source->lock);
	source->told = true;
	pthread_cond_broadcast(&source->first_told);
	pthread_mutex_unlock(&source->lock);
}
