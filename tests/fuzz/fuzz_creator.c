/* SPDX-License-Identifier: Apache-2.0 */
/* What terraform says, in whatever bytes: a plan is counted or refused, equal plans have equal digests and counts are
 * no more than there are changes; the text of a failed command gives a reason and a lock of bounded size. */
#include "fuzz.h"

#include "../../lib/creator/due.h"
#include "../../lib/creator/half_made.h"
#include "../../lib/creator/lock_info.h"
#include "../../lib/creator/plan_changes.h"
#include "../../lib/creator/stage_log.h"
#include "../../lib/value/json.h"

static void read_plan(const char *text, size_t len, const struct redact_set *secrets)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct plan_changes once, twice;
	struct mrp_err err = MRP_ERR_INIT;
	struct value *plan = json_parse(&arena, text, len, "plan", &err);

	if (plan && plan_changes_of(&once, &arena, plan, secrets, &err) == 0) {
		const struct value *list = value_get(plan, "resource_changes");
		int64_t n = list && list->type == V_ARRAY ? list->n : 0;

		MUST(plan_changes_of(&twice, &arena, plan, secrets, &err) == 0 && streq(once.digest, twice.digest));
		MUST(once.added <= n && once.changed <= n && once.destroyed <= n);
	}
	if (plan && plan->type == V_OBJECT) {
		struct redact_set *more = redact_new(0);

		plan_changes_add_secrets(more, plan);
		redact_free(more);
		due_of(plan, 0, "mine"); /* any object might come as a cluster */
	}
	mrp_err_clear(&err);
}

static void read_log(const char *text, size_t len, const struct redact_set *secrets)
{
	struct strvec half = STRVEC_INIT, whole = STRVEC_INIT;
	struct stage_log log;
	struct lock_info info;

	stage_log_begin(&log, "plan", secrets);
	stage_log_add(&log, text, len / 2);
	stage_log_add(&log, text + len / 2, len - len / 2);
	stage_log_end(&log);
	cleanup(freep) char *reason = stage_log_reason(&log);
	MUST(!reason || strlen(reason) <= 400);
	if (lock_info_find(&info, log.text.buf)) {
		cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;

		lock_info_format(&out, &info, 0);
		MUST(!memchr(out.buf, '\n', out.len) && !memchr(out.buf, '\x1b', out.len));
	}
	half_made_of(&half, &whole, text, len);
	for (size_t i = 0; i < half.n; i++)
		MUST(*half.v[i] && !strchr(half.v[i], '\n') && !strvec_contains(&whole, half.v[i]));
	strvec_clear(&half);
	strvec_clear(&whole);
	stage_log_release(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct redact_set *secrets = redact_new(REDACT_SHAPES);

	redact_add(secrets, "hidden-one", 10);
	read_plan((const char *)data, size, secrets);
	read_log((const char *)data, size, secrets);
	redact_free(secrets);
	return 0;
}
