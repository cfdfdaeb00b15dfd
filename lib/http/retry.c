/* SPDX-License-Identifier: Apache-2.0 */
#include "retry.h"

#include <time.h>

#include "../base/parse.h"

/* Full jitter: anything between 0 and the bound, so that many clients do not come back together. */
static int64_t backoff(const struct retry_policy *policy, int number, uint64_t chance)
{
	int64_t bound = policy->first_ms;

	for (int i = 1; i < number && bound < policy->longest_ms; i++)
		bound *= 2;
	return (int64_t)(chance % (uint64_t)(MIN(bound, policy->longest_ms) + 1));
}

static bool again_after_answer(const struct retry_policy *policy, const struct retry_try *attempt)
{
	switch (attempt->status) {
	case 429: /* said before anything was done */
		return true;
	case 503:
		if (attempt->retry_after_ms >= 0)
			return attempt->harmless_twice;
		break;
	case 501:
	case 505:
	case 507: /* the same tomorrow */
		return false;
	default:
		if (attempt->status < 500)
			return false;
	}
	return attempt->harmless_twice && attempt->number < policy->max_errors;
}

static bool again(const struct retry_policy *policy, const struct retry_try *attempt)
{
	switch (attempt->end) {
	case WIRE_ANSWERED:
		return again_after_answer(policy, attempt);
	case WIRE_NO_HOST:
	case WIRE_NO_CONNECT:
		return attempt->was_there;
	case WIRE_NO_ANSWER:
		return attempt->sent_none || attempt->harmless_twice;
	case WIRE_CUT_SHORT:
	case WIRE_TOO_SLOW:
		return attempt->harmless_twice && attempt->number < policy->max_errors;
	case WIRE_NO_TRUST:
	case WIRE_TOO_BIG:
	case WIRE_NOT_HTTP:
	case WIRE_BROKEN:
		return false;
	}
	BUG("transfer ended by %d", (int)attempt->end);
}

int64_t retry_wait(const struct retry_policy *policy, const struct retry_try *attempt, uint64_t chance)
{
	if (!again(policy, attempt))
		return -1;
	/* a server that never answered gets fewer tries than one that went away */
	if (attempt->end == WIRE_NO_ANSWER && !attempt->was_there && attempt->number >= policy->max_errors)
		return -1;
	int64_t wait = backoff(policy, attempt->number, chance);
	if (attempt->end == WIRE_ANSWERED && attempt->retry_after_ms > 0)
		wait += attempt->retry_after_ms;
	return attempt->elapsed_ms + wait <= policy->total_ms ? wait : -1;
}

int64_t http_date(const char *text)
{
	static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y" };

	for (size_t i = 0; text && i < ARRAY_SIZE(forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);

		if (end && !*end)
			return (int64_t)timegm(&tm);
	}
	return -1;
}

int64_t retry_after_ms(const char *text, int64_t now_s)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t seconds;

	if (!text || !*text)
		return -1;
	if (parse_int(&seconds, text, 0, INT32_MAX, &err) == 0)
		return seconds * 1000;
	mrp_err_clear(&err);
	int64_t date_s = http_date(text);
	return date_s < 0 ? -1 : MAX(0, date_s - now_s) * 1000;
}
