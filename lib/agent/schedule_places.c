/* SPDX-License-Identifier: Apache-2.0 */
/* Who may start, and who waits: first the group, then a place among all runs. */
#include "schedule_internal.h"

enum { OVERLOAD_RUNS = 64 /* several times as many as processors can be busy with in a few milliseconds */ };

enum place_kind place_kind_of(const struct entry *entry)
{
	return entry->argv ? PLACE_PROGRAM : PLACE_PROBE;
}

bool schedule_is_overloaded(const struct schedule *schedule)
{
	const struct places *programs = &schedule->places[PLACE_PROGRAM];

	return programs->line.first && programs->taken >= OVERLOAD_RUNS;
}

static void line_push(struct line *line, struct prober_state *prober)
{
	prober->previous = line->last;
	prober->next = NULL;
	*(line->last ? &line->last->next : &line->first) = prober;
	line->last = prober;
}

static void line_remove(struct line *line, struct prober_state *prober)
{
	*(prober->previous ? &prober->previous->next : &line->first) = prober->next;
	*(prober->next ? &prober->next->previous : &line->last) = prober->previous;
	prober->next = prober->previous = NULL;
}

/* The index of the group, or of the one before which it belongs. */
static size_t group_index(const struct schedule *schedule, const char *name, bool *found)
{
	size_t low = 0, high = schedule->groups.n;

	*found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(schedule->groups.v[middle]->name, name);

		if (!order) {
			*found = true;
			return middle;
		}
		*(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
	}
	return low;
}

struct place_group *group_get(struct schedule *schedule, const char *name)
{
	struct group_vec *groups = &schedule->groups;
	bool found;
	size_t i = group_index(schedule, name, &found);

	if (!found) {
		struct place_group *group = xcalloc(1, sizeof(*group));

		group->name = xstrdup(name);
		group_vec_push(groups, group);
		memmove(&groups->v[i + 1], &groups->v[i], (groups->n - 1 - i) * sizeof(*groups->v));
		groups->v[i] = group;
	}
	groups->v[i]->references++;
	return groups->v[i];
}

void group_unref(struct schedule *schedule, struct place_group *group)
{
	struct group_vec *groups = &schedule->groups;
	bool found;

	if (!group || --group->references)
		return;
	size_t i = group_index(schedule, group->name, &found);
	groups->n--;
	memmove(&groups->v[i], &groups->v[i + 1], (groups->n - i) * sizeof(*groups->v));
	free(group->name);
	free(group);
	if (!groups->n)
		group_vec_clear(groups);
}

static void wait_in(struct schedule *schedule, struct prober_state *prober, enum waiting what, struct line *line)
{
	if (prober->waiting == WAITING_NOT)
		metrics_agent_set(schedule->metrics, AGENT_QUEUED, (double)++schedule->waiting);
	prober->waiting = what;
	if (line)
		line_push(line, prober);
}

static void wait_no_more(struct schedule *schedule, struct prober_state *prober)
{
	prober->waiting = WAITING_NOT;
	metrics_agent_set(schedule->metrics, AGENT_QUEUED, (double)--schedule->waiting);
}

/* The group is free, or there is none. */
static void ask_place(struct schedule *schedule, struct prober_state *prober)
{
	struct places *places = &schedule->places[place_kind_of(prober->entry)];

	if (prober->group)
		prober->group->busy = true;
	if (places->taken >= places->max) {
		wait_in(schedule, prober, WAITING_PLACE, &places->line);
		return;
	}
	if (prober->waiting != WAITING_NOT)
		wait_no_more(schedule, prober);
	places->taken++;
	schedule_start(schedule, prober, prober->waiting_us);
}

void places_ask(struct schedule *schedule, struct prober_state *prober, int64_t turn_us)
{
	prober->waiting_us = turn_us;
	if (prober->group && prober->group->busy)
		wait_in(schedule, prober, WAITING_GROUP, &prober->group->line);
	else
		ask_place(schedule, prober);
}

void places_wait_self(struct schedule *schedule, struct prober_state *prober, int64_t turn_us)
{
	prober->waiting_us = turn_us;
	wait_in(schedule, prober, WAITING_SELF, NULL);
}

/* Nobody runs in the group now: the next one may. */
static void free_group(struct schedule *schedule, struct place_group *group)
{
	struct prober_state *next = group->line.first;

	group->busy = false;
	if (!next || schedule->stopping)
		return;
	line_remove(&group->line, next);
	ask_place(schedule, next);
}

int64_t places_leave(struct schedule *schedule, struct prober_state *prober)
{
	enum waiting what = prober->waiting;

	if (what == WAITING_NOT)
		return 0;
	if (what == WAITING_GROUP)
		line_remove(&prober->group->line, prober);
	if (what == WAITING_PLACE)
		line_remove(&schedule->places[place_kind_of(prober->entry)].line, prober);
	wait_no_more(schedule, prober);
	if (what == WAITING_PLACE && prober->group)
		free_group(schedule, prober->group);
	return prober->waiting_us;
}

void places_release(struct schedule *schedule, struct agent_run *run)
{
	struct places *places = &schedule->places[place_kind_of(run->entry)];

	places->taken--;
	while (places->line.first && places->taken < places->max && !schedule->stopping) {
		struct prober_state *next = places->line.first;

		line_remove(&places->line, next);
		ask_place(schedule, next);
	}
	if (!run->group)
		return;
	free_group(schedule, run->group);
	group_unref(schedule, run->group);
	run->group = NULL;
}
