/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clusters that wait for their turn: what was asked for first, then by the time since when they are due. Each is taken
 * by one worker at a time. What the API knows comes in by looks: clusters_look_begin, clusters_set for each,
 * clusters_look_end. All functions may be called by any thread; the clock is passed in.
 */
#ifndef MRP_CREATOR_CLUSTERS_H
#define MRP_CREATOR_CLUSTERS_H

#include "../base/base.h"
#include "due.h"

enum { CLUSTER_SLUG = 64 };

struct clusters;

struct clusters *clusters_new(void);
void clusters_free(struct clusters *queue);

void clusters_look_begin(struct clusters *queue);
/* False when the cluster has to be read: it is new, or not what it was when it was read. */
bool clusters_seen(struct clusters *queue, const char *slug, int64_t revision);
/* Since then its recipe may have been written: read anew all that are made from it. */
void clusters_forget_recipe(struct clusters *queue, const char *recipe);
void clusters_set(struct clusters *queue, const char *slug, int64_t revision, const char *recipe, struct due due);
/* Those that were not seen are gone. Workers that wait look again. */
void clusters_look_end(struct clusters *queue);

/* The next one that is due, copied to `slug`. Blocks until there is one; false when there will be none any more: after
 * clusters_close() at once, after clusters_finish() when nothing is due. */
bool clusters_take(char slug[CLUSTER_SLUG], struct clusters *queue, int64_t (*now_ms)(void));
enum run_outcome {
	RUN_RECORDED, /* the API knows how it went, and so when it is due again */
	RUN_SKIPPED,  /* somebody else has it: in a moment */
	RUN_UNKNOWN,  /* the API could not be told: after a while, longer each time */
};

/* Its run has ended; it is not due again before the next look. */
void clusters_done(struct clusters *queue, const char *slug, int64_t now_ms, enum run_outcome outcome);

/* Nothing comes in any more: workers end when nothing is due. */
void clusters_finish(struct clusters *queue);
void clusters_close(struct clusters *queue);

struct clusters_figures {
	size_t clusters, running, due;
	int64_t oldest_ms; /* for how long the longest waits already; 0: none waits */
};
struct clusters_figures clusters_figures(struct clusters *queue, int64_t now_ms);

#endif
