/* SPDX-License-Identifier: Apache-2.0 */
#include "reports.h"

#include <errno.h>
#include <time.h>

#include "../base/log.h"
#include "../base/thread.h"

enum {
	FLUSH_EVERY_MS = 5000,
	BYTES_MAX = 64 << 20, /* of reports that wait for the database */
};

VEC_DEFINE(report_vec, struct report)

struct reports {
	struct write_job job;
	struct writer *writer;
	pthread_t thread;
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t wake;
	struct report_vec waiting; /* by cluster and host */
	struct report_vec flushing; /* likewise; changed by the thread only, and read by all */
	size_t bytes;
	bool stopping;
};

static size_t report_bytes(const struct report *report)
{
	return sizeof(*report) + strlen(report->cluster) + strlen(report->host) + strlen(report->body) +
		strlen(report->summary);
}

static void report_free(struct report *report)
{
	free(report->cluster);
	free(report->host);
	free(report->body);
	free(report->summary);
}

static int compare(const char *cluster, const char *host, const struct report *report)
{
	int order = strcmp(cluster, report->cluster);

	return order ? order : strcmp(host, report->host);
}

/* The index of the first report not before (cluster, host). */
static size_t find(const struct report_vec *list, const char *cluster, const char *host)
{
	size_t low = 0, high = list->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(cluster, host, &list->v[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct report *get(const struct report_vec *list, const char *cluster, const char *host)
{
	size_t i = find(list, cluster, host);

	return i < list->n && compare(cluster, host, &list->v[i]) == 0 ? &list->v[i] : NULL;
}

/* Takes the report; one that is older than what is there is dropped. */
static void put(struct reports *reports, struct report *report)
{
	struct report_vec *list = &reports->waiting;
	size_t i = find(list, report->cluster, report->host);

	if (i < list->n && compare(report->cluster, report->host, &list->v[i]) == 0) {
		struct report older = *report;

		if (report->seen_ms >= list->v[i].seen_ms) {
			older = list->v[i];
			reports->bytes += report_bytes(report);
			list->v[i] = *report;
			reports->bytes -= report_bytes(&older);
		}
		report_free(&older);
		return;
	}
	reports->bytes += report_bytes(report);
	report_vec_push(list, *report);
	memmove(&list->v[i + 1], &list->v[i], (list->n - 1 - i) * sizeof(*list->v));
	list->v[i] = *report;
}

int reports_put(struct reports *reports, struct report *report, struct mrp_err *err)
{
	pthread_mutex_lock(&reports->lock);
	bool full = reports->bytes > BYTES_MAX;
	bool first = !full && !reports->waiting.n;
	if (!full)
		put(reports, report);
	pthread_mutex_unlock(&reports->lock);
	if (first)
		pthread_cond_signal(&reports->wake);
	if (!full)
		return 0;
	report_free(report);
	return mrp_err_set(err, MRP_EBUSY, "too many reports wait for the database");
}

/* Reports on their way into the database. */
struct writing {
	const struct report_vec *list;
	uint8_t *digests; /* of their bodies */
	bool *same;       /* as what is there, but for the time */
};

static int note_same(void *ctx, size_t i, const struct store_row *row, struct mrp_err *err)
{
	(void)err;
	((struct writing *)ctx)->same[i] = row;
	return 0;
}

/* Mostly only the time is new, and bodies are long. */
static int write_times(struct writing *writing, struct store_conn *conn, struct mrp_err *err)
{
	enum { N_ARGS = 4 };
	const struct report_vec *list = writing->list;
	cleanup(freep) struct store_datum *args = xcalloc(list->n * N_ARGS + 1, sizeof(*args));

	for (size_t i = 0; i < list->n; i++) {
		const struct report *report = &list->v[i];
		uint8_t *digest = writing->digests + i * SHA256_BYTES;

		sha256_of(digest, report->body, strlen(report->body));
		args[i * N_ARGS] = store_text(report->cluster);
		args[i * N_ARGS + 1] = store_text(report->host);
		args[i * N_ARGS + 2] = store_int(report->seen_ms);
		args[i * N_ARGS + 3] = store_blob(digest, SHA256_BYTES);
	}
	return store_many(conn, SQL_AGENT_SEEN, args, N_ARGS, list->n, note_same, writing, err);
}

static int write_report(struct store_conn *conn, const struct report *report, const uint8_t *digest, struct mrp_err *err)
{
	return store_run(conn, SQL_AGENT_PUT,
		STORE_ARGS(store_text(report->cluster), store_text(report->host), store_int(report->seen_ms),
			store_blob(digest, SHA256_BYTES), store_text(report->summary), store_text(report->body)),
		err);
}

static int run_flush(struct write_job *job, struct store_conn *conn, struct mrp_err *err)
{
	const struct report_vec *list = &((struct reports *)job)->flushing;
	cleanup(freep) uint8_t *digests = xcalloc(list->n + 1, SHA256_BYTES);
	cleanup(freep) bool *same = xcalloc(list->n + 1, sizeof(*same));
	struct writing writing = { list, digests, same };

	if (write_times(&writing, conn, err) < 0)
		return -1;
	for (size_t i = 0; i < list->n; i++) {
		if (!same[i] && write_report(conn, &list->v[i], digests + i * SHA256_BYTES, err) < 0)
			return -1;
	}
	return 0;
}

/* Write what waits. What could not be written waits again, unless something newer has come. */
static void flush(struct reports *reports)
{
	struct mrp_err err = MRP_ERR_INIT;
	int r = 0;

	pthread_mutex_lock(&reports->lock);
	reports->flushing = reports->waiting;
	reports->waiting = (struct report_vec)VEC_INIT;
	pthread_mutex_unlock(&reports->lock);
	if (reports->flushing.n)
		r = writer_run(reports->writer, &reports->job, &err);
	if (r < 0)
		log_warning("cannot write %zu reports of agents yet: %s", reports->flushing.n, err.msg);
	mrp_err_clear(&err);
	pthread_mutex_lock(&reports->lock);
	for (size_t i = 0; i < reports->flushing.n; i++) {
		struct report *report = &reports->flushing.v[i];

		reports->bytes -= report_bytes(report);
		if (r < 0)
			put(reports, report);
		else
			report_free(report);
	}
	report_vec_clear(&reports->flushing);
	pthread_mutex_unlock(&reports->lock);
}

/* Until there is something, then for as long as reports are collected. False: it is time to stop. */
static bool wait_until_due(struct reports *reports)
{
	struct timespec due;

	pthread_mutex_lock(&reports->lock);
	while (!reports->stopping && !reports->waiting.n)
		pthread_cond_wait(&reports->wake, &reports->lock);
	clock_gettime(CLOCK_MONOTONIC, &due);
	due.tv_sec += FLUSH_EVERY_MS / 1000;
	while (!reports->stopping && pthread_cond_timedwait(&reports->wake, &reports->lock, &due) != ETIMEDOUT)
		;
	bool stopping = reports->stopping;
	pthread_mutex_unlock(&reports->lock);
	return !stopping;
}

static void *flush_loop(void *arg)
{
	struct reports *reports = arg;

	while (wait_until_due(reports))
		flush(reports);
	flush(reports);
	return NULL;
}

struct reports *reports_start(struct writer *writer)
{
	struct reports *reports = xcalloc(1, sizeof(*reports));

	reports->writer = writer;
	reports->job.run = run_flush;
	pthread_mutex_init(&reports->lock, NULL);
	cond_init_monotonic(&reports->wake);
	if (pthread_create(&reports->thread, NULL, flush_loop, reports))
		BUG("cannot start a thread");
	return reports;
}

void reports_stop(struct reports *reports)
{
	if (!reports)
		return;
	pthread_mutex_lock(&reports->lock);
	reports->stopping = true;
	pthread_cond_signal(&reports->wake);
	pthread_mutex_unlock(&reports->lock);
	pthread_join(reports->thread, NULL);
	for (size_t i = 0; i < reports->waiting.n; i++)
		report_free(&reports->waiting.v[i]);
	report_vec_clear(&reports->waiting);
	mrp_err_clear(&reports->job.err);
	pthread_cond_destroy(&reports->wake);
	pthread_mutex_destroy(&reports->lock);
	free(reports);
}

static struct report copy(struct arena *arena, const struct report *report)
{
	return (struct report){ arena_strdup(arena, report->cluster), arena_strdup(arena, report->host), report->seen_ms,
		arena_strdup(arena, report->body), arena_strdup(arena, report->summary) };
}

int reports_get(struct report *out, struct reports *reports, struct arena *arena, struct store_conn *db,
	const char *cluster, const char *host, int64_t now_ms, struct mrp_err *err)
{
	struct store_row row;

	pthread_mutex_lock(&reports->lock);
	const struct report *found = get(&reports->waiting, cluster, host);
	if (!found)
		found = get(&reports->flushing, cluster, host);
	if (found)
		*out = copy(arena, found);
	pthread_mutex_unlock(&reports->lock);
	if (found)
		return 1;
	int there = store_first(&row, db, SQL_AGENT_GET,
		STORE_ARGS(store_text(cluster), store_text(host), store_int(now_ms - REPORT_LIFE_MS)), err);
	if (there <= 0)
		return there;
	*out = (struct report){ arena_strdup(arena, cluster), arena_strdup(arena, host), row.col[0].i,
		arena_strndup(arena, row.col[1].p, row.col[1].n), NULL };
	store_finish(db, SQL_AGENT_GET);
	return 1;
}

/* What a page is made from: rows of the database and what is in memory, in order; memory wins. */
struct listing {
	struct arena *arena;
	struct report_vec rows, fresh;
};

static void collect_fresh(struct listing *listing, const struct report_vec *list, const char *cluster, const char *host,
	const char *only, int64_t max)
{
	size_t i = find(list, cluster, host);

	for (; i < list->n && max > 0; i++) {
		const struct report *report = &list->v[i];

		if (compare(cluster, host, report) == 0)
			continue;
		if (only && !streq(report->cluster, only)) {
			if (strcmp(report->cluster, only) > 0)
				break;
			continue;
		}
		report_vec_push(&listing->fresh, copy(listing->arena, report));
		max--;
	}
}

static int read_rows(struct listing *listing, struct store_conn *db, const char *cluster, const char *host,
	const char *only, int64_t now_ms, int64_t max, struct mrp_err *err)
{
	enum sql statement = only ? SQL_AGENT_LIST_CLUSTER : SQL_AGENT_LIST;
	struct store_row row;
	/* a page token never leads out of the one cluster */
	int r = store_start(db, statement,
		STORE_ARGS(store_text(only ? only : cluster), store_text(host), store_int(now_ms - REPORT_LIFE_MS),
			store_int(max)),
		err);

	while (r >= 0 && (r = store_step(db, statement, &row, err)) > 0) {
		struct report report = { arena_strdup(listing->arena, store_col_text(&row, 0)),
			arena_strdup(listing->arena, store_col_text(&row, 1)), row.col[2].i, NULL,
			arena_strndup(listing->arena, row.col[3].p, row.col[3].n) };

		report_vec_push(&listing->rows, report);
	}
	store_finish(db, statement);
	return r;
}

static int compare_reports(const void *a, const void *b)
{
	const struct report *x = a, *y = b;
	int order = compare(x->cluster, x->host, y);

	/* of two reports of one agent the newer one first */
	return order ? order : (x->seen_ms < y->seen_ms) - (x->seen_ms > y->seen_ms);
}

static void give(const struct listing *listing, int64_t max, reports_each_fn *each, void *ctx)
{
	const struct report_vec *all = &listing->rows;

	for (size_t i = 0; i < all->n && max > 0; i++) {
		if (i && compare(all->v[i].cluster, all->v[i].host, &all->v[i - 1]) == 0)
			continue;
		if (!each(ctx, &all->v[i]))
			return;
		max--;
	}
}

int reports_list(struct reports *reports, struct arena *arena, struct store_conn *db, const char *cluster,
	const char *host, const char *only, int64_t now_ms, int64_t max, reports_each_fn *each, void *ctx,
	struct mrp_err *err)
{
	struct listing listing = { .arena = arena };

	/* memory first: what is written in between is then found twice, not missed */
	pthread_mutex_lock(&reports->lock);
	collect_fresh(&listing, &reports->waiting, cluster, host, only, max);
	collect_fresh(&listing, &reports->flushing, cluster, host, only, max);
	pthread_mutex_unlock(&reports->lock);
	int r = read_rows(&listing, db, cluster, host, only, now_ms, max, err);
	for (size_t i = 0; i < listing.fresh.n; i++)
		report_vec_push(&listing.rows, listing.fresh.v[i]);
	if (listing.rows.n > 1)
		qsort(listing.rows.v, listing.rows.n, sizeof(*listing.rows.v), compare_reports);
	if (r == 0)
		give(&listing, max, each, ctx);
	report_vec_clear(&listing.rows);
	report_vec_clear(&listing.fresh);
	return r;
}

int reports_sweep(struct store_conn *db, int64_t now_ms, struct mrp_err *err)
{
	return store_run(db, SQL_AGENT_SWEEP, STORE_ARGS(store_int(now_ms - REPORT_LIFE_MS)), err);
}
