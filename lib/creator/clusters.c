/* SPDX-License-Identifier: Apache-2.0 */
#include "clusters.h"

#include <pthread.h>
#include <time.h>

struct entry {
	char slug[CLUSTER_SLUG], recipe[CLUSTER_SLUG];
	int64_t revision; /* that was read; -1: to be read again */
	struct due due;
	int64_t hold_ms; /* not before; 0: at once */
	int64_t failures;
	bool running, seen;
};

VEC_DEFINE(entry_vec, struct entry)

struct clusters {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct entry_vec entries; /* by slug */
	bool finish, closed;
};

struct clusters *clusters_new(void)
{
	struct clusters *queue = xcalloc(1, sizeof(*queue));

	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->changed, NULL);
	return queue;
}

void clusters_free(struct clusters *queue)
{
	if (!queue)
		return;
	entry_vec_clear(&queue->entries);
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

/* Where it is, or where it belongs. */
static size_t place_of(const struct clusters *queue, const char *slug)
{
	size_t low = 0, high = queue->entries.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(queue->entries.v[middle].slug, slug) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct entry *find(const struct clusters *queue, const char *slug)
{
	size_t i = place_of(queue, slug);

	return i < queue->entries.n && streq(queue->entries.v[i].slug, slug) ? &queue->entries.v[i] : NULL;
}

static struct entry *add(struct clusters *queue, const char *slug)
{
	size_t i = place_of(queue, slug);
	struct entry entry = { .revision = -1, .due = { DUE_NEVER, false } };

	snprintf(entry.slug, sizeof(entry.slug), "%s", slug);
	entry_vec_push(&queue->entries, entry);
	struct entry *at = &queue->entries.v[i];
	memmove(at + 1, at, (queue->entries.n - 1 - i) * sizeof(*at));
	*at = entry;
	return at;
}

/* --- looks --- */

void clusters_look_begin(struct clusters *queue)
{
	pthread_mutex_lock(&queue->lock);
	for (size_t i = 0; i < queue->entries.n; i++)
		queue->entries.v[i].seen = false;
	pthread_mutex_unlock(&queue->lock);
}

bool clusters_seen(struct clusters *queue, const char *slug, int64_t revision)
{
	pthread_mutex_lock(&queue->lock);
	struct entry *entry = find(queue, slug);
	if (entry)
		entry->seen = true;
	bool known = entry && entry->revision == revision;
	pthread_mutex_unlock(&queue->lock);
	return known;
}

void clusters_forget_recipe(struct clusters *queue, const char *recipe)
{
	pthread_mutex_lock(&queue->lock);
	for (size_t i = 0; i < queue->entries.n; i++) {
		if (streq(queue->entries.v[i].recipe, recipe))
			queue->entries.v[i].revision = -1;
	}
	pthread_mutex_unlock(&queue->lock);
}

void clusters_set(struct clusters *queue, const char *slug, int64_t revision, const char *recipe, struct due due)
{
	pthread_mutex_lock(&queue->lock);
	struct entry *entry = find(queue, slug);
	if (!entry)
		entry = add(queue, slug);
	entry->seen = true;
	if (!entry->running) { /* else it is read again after the run */
		entry->revision = revision;
		entry->due = due;
	}
	snprintf(entry->recipe, sizeof(entry->recipe), "%s", recipe ? recipe : "");
	pthread_mutex_unlock(&queue->lock);
}

void clusters_look_end(struct clusters *queue)
{
	size_t kept = 0;

	pthread_mutex_lock(&queue->lock);
	for (size_t i = 0; i < queue->entries.n; i++) {
		if (queue->entries.v[i].seen || queue->entries.v[i].running)
			queue->entries.v[kept++] = queue->entries.v[i];
	}
	queue->entries.n = kept;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
}

/* --- taking --- */

static int64_t ready_at(const struct entry *entry)
{
	return entry->running || entry->due.at_ms == DUE_NEVER ? DUE_NEVER : MAX(entry->due.at_ms, entry->hold_ms);
}

static bool comes_before(const struct entry *a, const struct entry *b)
{
	if (a->due.asked != b->due.asked)
		return a->due.asked;
	return ready_at(a) < ready_at(b);
}

/* NULL when none is due; *next_ms is when one will be. */
static struct entry *first_due(struct clusters *queue, int64_t now_ms, int64_t *next_ms)
{
	struct entry *first = NULL;

	*next_ms = DUE_NEVER;
	for (size_t i = 0; i < queue->entries.n; i++) {
		struct entry *entry = &queue->entries.v[i];
		int64_t at = ready_at(entry);

		if (at > now_ms)
			*next_ms = MIN(*next_ms, at);
		else if (!first || comes_before(entry, first))
			first = entry;
	}
	return first;
}

static void wait_until(struct clusters *queue, int64_t at_ms)
{
	struct timespec at = { .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 };

	if (at_ms == DUE_NEVER)
		pthread_cond_wait(&queue->changed, &queue->lock);
	else
		pthread_cond_timedwait(&queue->changed, &queue->lock, &at);
}

bool clusters_take(char slug[CLUSTER_SLUG], struct clusters *queue, int64_t (*now_ms)(void))
{
	struct entry *entry = NULL;
	int64_t next_ms;

	pthread_mutex_lock(&queue->lock);
	while (!queue->closed && !(entry = first_due(queue, now_ms(), &next_ms)) && !queue->finish)
		wait_until(queue, next_ms);
	if (queue->closed)
		entry = NULL;
	if (entry) {
		entry->running = true;
		memcpy(slug, entry->slug, CLUSTER_SLUG);
	}
	pthread_mutex_unlock(&queue->lock);
	return entry != NULL;
}

void clusters_done(struct clusters *queue, const char *slug, int64_t now_ms, enum run_outcome outcome)
{
	pthread_mutex_lock(&queue->lock);
	struct entry *entry = find(queue, slug);
	if (entry) {
		entry->running = false;
		entry->revision = -1;
		entry->due = (struct due){ DUE_NEVER, false };
		entry->failures = outcome == RUN_UNKNOWN ? entry->failures + 1 : 0;
		entry->hold_ms = outcome == RUN_RECORDED ? 0 : now_ms + due_backoff_ms(entry->failures);
	}
	pthread_mutex_unlock(&queue->lock);
}

void clusters_finish(struct clusters *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->finish = true;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
}

void clusters_close(struct clusters *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
}

struct clusters_figures clusters_figures(struct clusters *queue, int64_t now_ms)
{
	struct clusters_figures figures = { 0 };

	pthread_mutex_lock(&queue->lock);
	figures.clusters = queue->entries.n;
	for (size_t i = 0; i < queue->entries.n; i++) {
		const struct entry *entry = &queue->entries.v[i];
		int64_t at = ready_at(entry);

		figures.running += entry->running;
		if (at > now_ms)
			continue;
		figures.due++;
		figures.oldest_ms = MAX(figures.oldest_ms, now_ms - at);
	}
	pthread_mutex_unlock(&queue->lock);
	return figures;
}
