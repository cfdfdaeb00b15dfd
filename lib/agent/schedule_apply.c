/* SPDX-License-Identifier: Apache-2.0 */
/* A new config beside the one that runs: both are sorted by id, so one walk over both finds what differs. */
#include "schedule_internal.h"

/* See schedule.h. */
static uint64_t phase_hash(const char *id, const char *host)
{
	uint8_t digest[SHA256_BYTES];
	struct sha256_ctx ctx;
	uint64_t hash = 0;

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(id) + 1, (const uint8_t *)id);
	sha256_update(&ctx, strlen(host), (const uint8_t *)host);
	sha256_digest(&ctx, sizeof(digest), digest);
	for (int i = 0; i < 8; i++)
		hash = hash << 8 | digest[i];
	return hash;
}

void prober_state_free(struct schedule *schedule, struct prober_state *prober)
{
	group_unref(schedule, prober->group);
	agent_config_unref(prober->config);
	free(prober->last.message);
	free(prober);
}

static bool same_labels(const struct entry *a, const struct entry *b)
{
	if (a->n_labels != b->n_labels)
		return false;
	for (size_t i = 0; i < a->n_labels; i++) {
		if (!streq(a->labels[i].name, b->labels[i].name) || !streq(a->labels[i].value, b->labels[i].value))
			return false;
	}
	return true;
}

static struct metrics_prober *add_series(struct schedule *schedule, const struct entry *entry)
{
	return metrics_prober_add(schedule->metrics, entry->prober, entry->labels, entry->n_labels);
}

/* Its first turn, or none while it has an error. */
static void begin(struct schedule *schedule, struct prober_state *prober, int64_t now_us)
{
	if (prober->entry->error)
		schedule_record_error(schedule, prober, REASON_CONFIG, prober->entry->error);
	else
		timers_set(&schedule->turns, &prober->turn, schedule_grid_after(prober, now_us));
}

static struct prober_state *add(
	struct schedule *schedule, struct agent_config *config, const struct entry *entry, int64_t now_us)
{
	struct prober_state *prober = xcalloc(1, sizeof(*prober));

	prober->entry = entry;
	prober->config = agent_config_ref(config);
	prober->series = add_series(schedule, entry);
	prober->hash = phase_hash(entry->id, schedule->host);
	prober->turn.ctx = prober;
	if (entry->concurrency_group)
		prober->group = group_get(schedule, entry->concurrency_group);
	begin(schedule, prober, now_us);
	return prober;
}

static void drop(struct schedule *schedule, struct prober_state *prober)
{
	places_leave(schedule, prober);
	timers_clear(&schedule->turns, &prober->turn);
	metrics_prober_remove(schedule->metrics, prober->series);
	if (prober->paused_until_us)
		schedule->paused--;
	prober->series = NULL;
	prober->removed = true;
	if (!prober->running && !prober->heal.running)
		prober_state_free(schedule, prober);
}

static void set_group(struct schedule *schedule, struct prober_state *prober, const char *name)
{
	struct place_group *before = prober->group;

	prober->group = name ? group_get(schedule, name) : NULL;
	group_unref(schedule, before);
}

/* The new definition in place of the old one: what it says about the next run holds from now on. */
static void change(struct schedule *schedule, struct prober_state *prober, const struct entry *before, int64_t now_us)
{
	const struct entry *entry = prober->entry;

	if (!same_labels(before, entry)) {
		metrics_prober_remove(schedule->metrics, prober->series);
		prober->series = add_series(schedule, entry);
	}
	set_group(schedule, prober, entry->concurrency_group);
	if (!!before->error != !!entry->error || (entry->error && !streq(before->error, entry->error))) {
		timers_clear(&schedule->turns, &prober->turn);
		begin(schedule, prober, now_us);
	} else if (before->interval_ms != entry->interval_ms || before->retry_interval_ms != entry->retry_interval_ms) {
		timers_set(&schedule->turns, &prober->turn, schedule_grid_after(prober, now_us));
	}
}

/* The same text may have another error: who may run as whom is said by this host. */
static bool same_entry(const struct entry *a, const struct entry *b)
{
	if (memcmp(a->digest, b->digest, sizeof(a->digest)) != 0 || !a->error != !b->error)
		return false;
	return !a->error || streq(a->error, b->error);
}

static void keep(struct schedule *schedule, struct prober_state *prober, struct agent_config *config,
	const struct entry *entry, int64_t now_us)
{
	const struct entry *before = prober->entry;
	struct agent_config *old = prober->config;
	bool same = same_entry(before, entry), waits = !same && prober->waiting != WAITING_NOT;
	int64_t turn = waits ? places_leave(schedule, prober) : 0; /* it may have to wait for something else now */

	prober->entry = entry;
	prober->config = agent_config_ref(config);
	if (!same)
		change(schedule, prober, before, now_us);
	if (waits && !entry->error)
		places_ask(schedule, prober, turn);
	agent_config_unref(old);
}

void schedule_apply(struct schedule *schedule, struct agent_config *config, int64_t now_us)
{
	struct prober_vec before = schedule->probers, after = VEC_INIT;
	size_t old = 0;

	for (size_t i = 0; i < config->entries.n; i++) {
		const struct entry *entry = config->entries.v[i];
		int order = 1;

		while (old < before.n && (order = strcmp(before.v[old]->entry->id, entry->id)) < 0)
			drop(schedule, before.v[old++]);
		if (old < before.n && order == 0) {
			keep(schedule, before.v[old], config, entry, now_us);
			prober_vec_push(&after, before.v[old++]);
		} else {
			prober_vec_push(&after, add(schedule, config, entry, now_us));
		}
	}
	while (old < before.n)
		drop(schedule, before.v[old++]);
	prober_vec_clear(&before);
	schedule->probers = after;
	agent_config_unref(schedule->config);
	schedule->config = config;
	metrics_agent_set(schedule->metrics, AGENT_PROBERS, (double)after.n);
	metrics_agent_set(schedule->metrics, AGENT_PROBERS_PAUSED, (double)schedule->paused);
}
