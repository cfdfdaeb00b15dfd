/* SPDX-License-Identifier: Apache-2.0 */
/* Heals as runs: they take no place from others, and no turn from their own prober. */
#include "schedule_internal.h"

#include <inttypes.h>

#include "../base/log.h"
#include "heal.h"

enum { HEALS_MAX = 16 }; /* at one time; one more is tried after the next failure */

static void start_heal(struct schedule *schedule, struct prober_state *prober, int64_t now_us)
{
	const struct entry *entry = prober->entry;

	heal_started(&prober->heal, entry, prober->hash, now_us);
	schedule->heals++;
	metrics_agent_add(schedule->metrics, AGENT_HEALS_TOTAL, 1);
	log_info("prober '%s' failed %" PRId64 " times in a row: healing by '%s', try %" PRId64 " of %" PRId64,
		entry->id, prober->consecutive_failures, entry->heal.argv[0], prober->heal.tries,
		entry->heal.give_up_after);
	schedule->ops->start(schedule->ctx, schedule_new_run(schedule, prober, RUN_HEAL, now_us));
}

void schedule_consider_heal(struct schedule *schedule, struct prober_state *prober, int64_t now_us)
{
	switch (heal_ask(&prober->heal, prober->entry, prober->consecutive_failures, now_us)) {
	case HEAL_NOW:
		if (schedule->heals < HEALS_MAX)
			start_heal(schedule, prober, now_us);
		break;
	case HEAL_GIVES_UP:
		log_warning("prober '%s' still fails after %" PRId64 " heals: no more of them until a success",
			prober->entry->id, prober->heal.tries);
		break;
	case HEAL_NO:
		break;
	}
}

void schedule_heal_ended(struct schedule *schedule, const struct agent_run *run)
{
	struct prober_state *prober = run->prober;

	schedule->heals--;
	prober->heal.running = false;
	if (run->canceled)
		return;
	if (run->verdict.status == VERDICT_SUCCESS) {
		log_info("heal of prober '%s' is done", run->entry->id);
		return;
	}
	metrics_agent_add(schedule->metrics, AGENT_HEAL_FAILURES_TOTAL, 1);
	log_warning("heal of prober '%s' failed: %s", run->entry->id, run->verdict.message);
}
