/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the writer is kept from waiting.
 *
 * The numbers of a prober are a few words under a sequence number: the writer makes it odd, changes them, makes it
 * even; a reader that saw an odd or a changed number reads again. Values and families of the last verdict are a block
 * (struct series) whose shape never changes: the same shape again is numbers stored in place, another shape is another
 * block. Only for the moment of taking or changing the pointer to a block there is a lock, and one for the list of
 * probers, which the writer needs when the config changes.
 */
#ifndef MRP_METRICS_INTERNAL_H
#define MRP_METRICS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "metrics.h"

enum {
	DURATION_BUCKETS = 8, /* with +Inf */
	DELAY_BUCKETS = 11,
	SUCCESS_UNKNOWN = 2,
	PROCESS_METRICS = 5,
};

extern const double duration_bounds[DURATION_BUCKETS - 1], delay_bounds[DELAY_BUCKETS - 1];
extern const char *const duration_bound_texts[DURATION_BUCKETS], *const delay_bound_texts[DELAY_BUCKETS];

/* The fields are multiples of 8 bytes together. */
struct stats {
	uint64_t duration_ns; /* of all runs */
	uint64_t last_duration_ns;
	int64_t last_run_ms; /* wall clock; 0: none yet */
	int64_t consecutive_failures;
	uint32_t runs[VERDICT_STATUSES][VERDICT_REASONS];
	uint32_t buckets[DURATION_BUCKETS]; /* not cumulated */
	uint64_t success;                   /* of the last verdict: 0, 1, SUCCESS_UNKNOWN */
};

enum { STATS_WORDS = sizeof(struct stats) / 8 };

struct metrics_prober {
	atomic_uint references;
	atomic_bool removed;
	atomic_uint sequence;
	_Atomic uint64_t words[STATS_WORDS];
	struct series *series; /* NULL: none. The writer's; others take it by series_get */
	size_t index;          /* in the list */
	int64_t start_ms;      /* wall clock: when its counters began */
	const char *text;      /* `prober="x",zone="a"`: after metrics->prefix */
	size_t text_len, n_labels;
	struct label labels[]; /* cluster, host, prober, then its own */
};

VEC_DEFINE(prober_vec, struct metrics_prober *)

/* A family's name, type and help while some prober, or the agent itself, has it: one block of the page. */
struct name {
	size_t references; /* under series_lock */
	char *name, *help; /* help NULL: none */
	enum series_type type;
	int own; /* the agent's own sample of it: 0 to PROCESS_METRICS - 1; -1 none; -2: all of it is the agent's */
};

VEC_DEFINE(name_vec, struct name *)

struct metrics {
	char *cluster, *host, *version;
	bool compat_blackbox;
	char *prefix; /* `cluster="c",host="h",` */
	size_t prefix_len;
	int64_t start_ms;

	pthread_mutex_t list_lock;
	struct prober_vec probers;

	pthread_mutex_t series_lock; /* names, and what probers point to */
	struct name_vec names;       /* sorted */
	atomic_size_t conflicts;     /* families left out */

	_Atomic uint64_t agent[AGENT_METRICS]; /* bits of doubles */
	_Atomic uint64_t delays[DELAY_BUCKETS], delay_ns;
};

void stats_load(struct stats *out, struct metrics_prober *prober);

/* References to all probers that are there now. */
void probers_get(struct prober_vec *out, struct metrics *metrics);
void probers_put(struct prober_vec *probers);

struct series_value {
	const char *metric, *unit;
	const struct label *labels;
	size_t n_labels;
	_Atomic uint64_t value; /* bits of a double */
};

struct series_sample {
	const char *name;
	const struct label *labels;
	size_t n_labels;
	_Atomic uint64_t value;
};

struct series_family {
	struct name *name; /* NULL: somebody else has this name with another type; it is left out */
	const char *text;
	enum series_type type;
	struct series_sample *samples;
	size_t n_samples;
};

struct series {
	atomic_uint references;
	struct metrics *metrics;
	struct series_value *values;
	struct series_family *families;
	size_t n_values, n_families;
	size_t conflicts;
	bool renamed; /* a label had a name that the prober's labels have too */
};

/* The writer's: what the prober has from now on. */
void series_update(struct metrics *metrics, struct metrics_prober *prober, const struct verdict *verdict);
/* A reference, or NULL. Any thread. */
struct series *series_get(struct metrics *metrics, struct metrics_prober *prober);
void series_put(struct series *series); /* NULL is harmless */

struct name *name_get(struct metrics *metrics, const char *name, const char *help, enum series_type type, int own);
void name_put(struct metrics *metrics, struct name *name);

static inline double bits_double(uint64_t bits)
{
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

static inline uint64_t double_bits(double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

static inline double value_load(_Atomic uint64_t *value)
{
	return bits_double(atomic_load_explicit(value, memory_order_relaxed));
}

/* What a family is called and says, in pages and pushes alike. */
struct family_info {
	const char *name, *help, *unit; /* unit NULL: none */
	enum series_type type;
	bool absent_at_0; /* 0 means that it is not known */
};

enum family {
	FAMILY_RUNS, /* each prober has these */
	FAMILY_DURATION,
	FAMILY_SUCCESS,
	FAMILY_CONSECUTIVE,
	FAMILY_LAST_RUN,
	FAMILY_VALUE,
	FAMILY_PROBE_SUCCESS, /* compat_blackbox only */
	FAMILY_PROBE_DURATION,
	FAMILY_LEFT_OUT, /* the agent has these */
	FAMILY_DELAY,
	FAMILY_BUILD,
	FAMILIES
};

extern const struct family_info family_infos[FAMILIES], agent_metric_infos[AGENT_METRICS],
	process_metric_infos[PROCESS_METRICS];

/* A counter that is shown: those that each prober can have from the start, so that rate() sees the first of them. */
static inline bool run_count_shown(const struct stats *stats, int status, int reason)
{
	return stats->runs[status][reason] || (status == VERDICT_SUCCESS && reason == REASON_OK) ||
		(status == VERDICT_FAILURE && reason == REASON_EXIT);
}

void process_metrics_read(double out[PROCESS_METRICS]);

#endif
