/* SPDX-License-Identifier: Apache-2.0 */
#include "heal.h"

enum heal_answer heal_ask(
	struct heal_state *heal, const struct entry *entry, int64_t consecutive_failures, int64_t now_us)
{
	if (!entry->heal.argv || heal->running || consecutive_failures < entry->heal.after)
		return HEAL_NO;
	if (heal->tries >= entry->heal.give_up_after) {
		bool again = heal->given_up;

		heal->given_up = true;
		return again ? HEAL_NO : HEAL_GIVES_UP;
	}
	return now_us < heal->next_us ? HEAL_NO : HEAL_NOW;
}

/* splitmix64: a number spread over all 64 bits. */
static uint64_t scatter(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

void heal_started(struct heal_state *heal, const struct entry *entry, uint64_t seed, int64_t now_us)
{
	uint64_t every_us = (uint64_t)entry->heal.at_most_every_ms * 1000;

	heal->running = true;
	heal->tries++;
	heal->next_us = now_us + (int64_t)(every_us + scatter(seed + (uint64_t)heal->tries) % (every_us / 10 + 1));
}

void heal_recovered(struct heal_state *heal)
{
	heal->tries = 0;
	heal->given_up = false;
}
