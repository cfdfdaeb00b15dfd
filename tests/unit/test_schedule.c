/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler against a clock and an executor that the test moves. A row is a small story:
 *
 *	@12.5        the clock goes on to 12.5 s, each turn taken when it is due
 *	stall 30     the clock jumps to 30 s; then the turns are taken
 *	ok p, fail p, error p, cancel p    the oldest run of p ends so; heal-ok p, heal-fail p: its heal does
 *	pause p 20, resume p
 *	config N     the row's config number N (from 0, the one that it begins with) is applied
 *
 * What happens is written down: "p@10" p was started at its turn at 10 s, "p@10+2" two seconds after it, "p!" its heal.
 * Phases are next to nothing, in the order of ids, so turns of all entries are at multiples of their interval.
 */
#include <inttypes.h>

#include "unit.h"

#include "../../lib/agent/heal.h"
#include "../../lib/agent/schedule_internal.h"
#include "../../lib/base/log.h"
#include "../../lib/base/parse.h"

#define SECOND INT64_C(1000000)

struct fake_run {
	struct agent_run run;
	bool canceled;
	struct fake_run *next;
};

static struct schedule *schedule;
static struct metrics *metrics;
static struct fake_run *runs; /* oldest first */
static struct strbuf story = STRBUF_INIT;
static int64_t now;
static size_t changes;

static struct agent_run *fake_new(void *ctx)
{
	struct fake_run *fake = xcalloc(1, sizeof(*fake)), **end = &runs;

	(void)ctx;
	while (*end)
		end = &(*end)->next;
	*end = fake;
	return &fake->run;
}

static void fake_start(void *ctx, struct agent_run *run)
{
	(void)ctx;
	run->started_us = now;
	strbuf_addf(&story, "%s%s", story.len ? " " : "", run->entry->id);
	if (run->kind == RUN_HEAL) {
		strbuf_addch(&story, '!');
		return;
	}
	int64_t turn_ms = run->scheduled_us / 1000, now_ms = now / 1000;
	strbuf_addf(&story, "@%g", (double)turn_ms / 1000);
	if (now_ms != turn_ms)
		strbuf_addf(&story, "+%g", (double)(now_ms - turn_ms) / 1000);
}

static void fake_cancel(void *ctx, struct agent_run *run)
{
	(void)ctx;
	((struct fake_run *)(void *)run)->canceled = true;
}

static int64_t fake_wall_ms(void *ctx)
{
	(void)ctx;
	return INT64_C(1700000000000) + now / 1000;
}

static void fake_changed(void *ctx, const struct prober_state *prober)
{
	(void)ctx, (void)prober;
	changes++;
}

static const struct executor_ops fake_ops = { fake_new, fake_start, fake_cancel, fake_wall_ms, fake_changed };

/* The oldest run of an entry is over. */
static void finish(const char *id, enum run_kind kind, enum verdict_status status, bool canceled)
{
	struct fake_run **place = &runs;

	while (*place && ((*place)->run.kind != kind || !streq((*place)->run.entry->id, id)))
		place = &(*place)->next;
	struct fake_run *fake = *place;
	if (!fake)
		fail_msg("no run of '%s' goes on; so far: %s", id, story.buf);
	*place = fake->next;
	fake->run.verdict = (struct verdict){ .status = status,
		.reason = status == VERDICT_SUCCESS ? REASON_OK
			: status == VERDICT_FAILURE ? REASON_EXIT
						    : REASON_SIGNAL,
		.message = "so it is" };
	fake->run.canceled = canceled;
	fake->run.ended_us = now;
	schedule_finished(schedule, &fake->run, now);
	free(fake);
}

#define FIELDS \
	"\"timeout\":\"5s\",\"grace\":\"2s\",\"output\":\"exit\",\"warning_is\":\"failure\",\"keep_logs\":\"none\""

/* "p interval=10s overlap=queue group=g retry=2s error=x probe heal=2; q ..." as a config. */
static void add_entry(struct strbuf *json, char *words)
{
	char *save = NULL, *word = strtok_r(words, " ", &save);
	const char *value, *overlap = "skip", *what = "\"command\":[\"true\"]";
	cleanup(strbuf_release) struct strbuf more = STRBUF_INIT;

	strbuf_addf(
		json, "%s{\"id\":\"%s\",\"prober\":\"%s\"," FIELDS, ends_with(json->buf, "[") ? "" : ",", word, word);
	while ((word = strtok_r(NULL, " ", &save))) {
		if (skip_prefix(word, "interval=", &value))
			strbuf_addf(&more, ",\"interval\":\"%s\"", value);
		else if (skip_prefix(word, "retry=", &value))
			strbuf_addf(&more, ",\"retry_interval\":\"%s\"", value);
		else if (skip_prefix(word, "group=", &value))
			strbuf_addf(&more, ",\"concurrency_group\":\"%s\"", value);
		else if (skip_prefix(word, "label=", &value))
			strbuf_addf(&more, ",\"labels\":{\"team\":\"%s\"}", value);
		else if (skip_prefix(word, "error=", &value))
			strbuf_addf(&more, ",\"error\":\"%s\"", value);
		else if (skip_prefix(word, "heal=", &value))
			strbuf_addf(&more,
				",\"heal\":{\"command\":[\"h\"],\"after\":%s,\"at_most_every\":\"30s\",\"give_up_"
				"after\":2}",
				value);
		else if (skip_prefix(word, "overlap=", &value))
			overlap = value;
		else if (streq(word, "probe"))
			what = "\"probe\":{\"tcp\":{\"host\":\"h\",\"port\":1}}";
		else
			fail_msg("what is '%s'?", word);
	}
	strbuf_addf(json, ",%s,\"overlap\":\"%s\"%s}", what, overlap, more.buf);
}

static struct agent_config *make_config(const char *text)
{
	cleanup(strbuf_release) struct strbuf json = STRBUF_INIT;
	cleanup(freep) char *copy = xstrdup(text);
	struct problems problems = PROBLEMS_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	struct agent_config *config;
	char *save = NULL;

	strbuf_addstr(&json, "{\"cluster\":\"c\",\"host\":\"h\",\"config_revision\":\"r\",\"probers\":[");
	for (char *entry = strtok_r(copy, ";", &save); entry; entry = strtok_r(NULL, ";", &save))
		add_entry(&json, entry);
	strbuf_addstr(&json, "]}");
	if (agent_config_parse(&config, json.buf, json.len, "c", "h", &problems, &err) < 0)
		fail_msg("%s: %s", json.buf, err.msg);
	return config;
}

static void apply(const char *text)
{
	schedule_apply(schedule, make_config(text), now);
	for (size_t i = 0; i < schedule->probers.n; i++) {
		struct prober_state *prober = schedule->probers.v[i];
		bool fresh = prober->hash > 100;

		prober->hash = i;
		if (fresh && prober->turn.place)
			timers_set(&schedule->turns, &prober->turn, schedule_grid_after(prober, now));
	}
}

static void set_up(int64_t max_runs)
{
	const struct metrics_options options = { .cluster = "c", .host = "h", .version = "0" };

	metrics = metrics_new(&options);
	const struct schedule_options how = { &fake_ops, NULL, metrics, "h", "6553f1000a1b2c", max_runs, 100 };
	strbuf_reset(&story);
	now = 1000; /* no turn at the very beginning */
	changes = 0;
	schedule = schedule_new(&how);
}

static void tear_down(void)
{
	schedule_stop(schedule);
	while (runs)
		finish(runs->run.entry->id, runs->run.kind, VERDICT_ERROR, true);
	assert_int_equal(schedule_running(schedule), 0);
	schedule_free(schedule);
	metrics_free(metrics);
}

static void advance(int64_t to)
{
	int64_t next;

	while ((next = schedule_next_us(schedule)) <= to + 100) {
		now = next;
		schedule_take_turns(schedule, now);
	}
	now = to + 100; /* after the phases */
}

static struct prober_state *prober(const char *id)
{
	struct prober_state *found = schedule_find(schedule, id);

	if (!found)
		fail_msg("no prober '%s'", id);
	return found;
}

static int64_t number(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t n = 0;

	if (parse_int(&n, text, 0, INT32_MAX, &err) < 0)
		fail_msg("%s", err.msg);
	return n;
}

static void tell(const char *verb, const char *id, const char *more, const char *const *configs)
{
	static const struct {
		const char *verb;
		enum run_kind kind;
		enum verdict_status status;
		bool canceled;
	} ends[] = {
		{ "ok", RUN_TURN, VERDICT_SUCCESS, false },
		{ "fail", RUN_TURN, VERDICT_FAILURE, false },
		{ "error", RUN_TURN, VERDICT_ERROR, false },
		{ "cancel", RUN_TURN, VERDICT_ERROR, true },
		{ "heal-ok", RUN_HEAL, VERDICT_SUCCESS, false },
		{ "heal-fail", RUN_HEAL, VERDICT_FAILURE, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		if (streq(verb, ends[i].verb)) {
			finish(id, ends[i].kind, ends[i].status, ends[i].canceled);
			return;
		}
	}
	if (streq(verb, "pause"))
		schedule_pause(schedule, prober(id), more ? number(more) * SECOND : PAUSED_FOREVER, now);
	else if (streq(verb, "resume"))
		schedule_pause(schedule, prober(id), 0, now);
	else if (streq(verb, "config"))
		apply(configs[number(id)]);
	else if (streq(verb, "stall"))
		schedule_take_turns(schedule, now = number(id) * SECOND + 100);
	else
		fail_msg("what is '%s'?", verb);
}

static void play(const char *script, const char *const *configs)
{
	cleanup(freep) char *copy = xstrdup(script);
	char *save = NULL;

	for (char *line = strtok_r(copy, ",", &save); line; line = strtok_r(NULL, ",", &save)) {
		char *words = NULL, *verb = strtok_r(line, " ", &words), *id = strtok_r(NULL, " ", &words);

		if (*verb == '@')
			advance((int64_t)(strtod(verb + 1, NULL) * SECOND));
		else
			tell(verb, id, strtok_r(NULL, " ", &words), configs);
	}
}

struct row {
	const char *configs[3], *script, *want;
	int64_t max_runs;
	/* of the first entry at the end */
	uint64_t success, failure, error, skipped;
	int64_t consecutive;
};

static void check_row(const struct row *row)
{
	set_up(row->max_runs ? row->max_runs : 100);
	apply(row->configs[0]);
	play(row->script, row->configs);
	if (!streq(story.buf, row->want))
		fail_msg("%s: %s:\n     %s\nnot  %s", row->configs[0], row->script, story.buf, row->want);
	if (schedule->probers.n) {
		const struct prober_state *p = schedule->probers.v[0];

		if (p->runs[VERDICT_SUCCESS] != row->success || p->runs[VERDICT_FAILURE] != row->failure ||
			p->runs[VERDICT_ERROR] != row->error || p->skipped != row->skipped ||
			p->consecutive_failures != row->consecutive)
			fail_msg("%s: %s: %d successes, %d failures, %d errors, %d skipped, %d in a row",
				row->configs[0], row->script, (int)p->runs[VERDICT_SUCCESS],
				(int)p->runs[VERDICT_FAILURE], (int)p->runs[VERDICT_ERROR], (int)p->skipped,
				(int)p->consecutive_failures);
	}
	tear_down();
}

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_row(&rows[i]);
}

static void test_turns(void **state)
{
	static const struct row rows[] = {
		/* nothing to do */
		{ { "" }, "@100", "" },
		{ { "p interval=10s error=no" }, "@100", "", .error = 1 },
		/* the grid, whatever a run takes */
		{ { "p interval=10s" }, "@9", "" },
		{ { "p interval=10s" }, "@10,ok p,@25,ok p,@30,ok p", "p@10 p@20 p@30", .success = 3 },
		{ { "p interval=10s;q interval=15s" }, "@10,ok p,@15,ok q,@20", "p@10 q@15 p@20", .success = 1 },
		/* overlap */
		{ { "p interval=10s" }, "@35,ok p,@40", "p@10 p@40", .success = 1, .skipped = 2 },
		{
			{ "p interval=10s overlap=queue" },
			"@25,ok p,@30",
			"p@10 p@20+5",
			.success = 1,
		},
		{ { "p interval=10s overlap=queue" }, "@25,ok p,ok p,@30", "p@10 p@20+5 p@30", .success = 2 },
		{ { "p interval=10s overlap=queue" }, "@45,ok p", "p@10 p@40+5", .success = 1, .skipped = 2 },
		{ { "p interval=10s overlap=allow" }, "@30,ok p,ok p,ok p", "p@10 p@20 p@30", .success = 3 },
		/* a run that was cancelled says nothing */
		{ { "p interval=10s" }, "@10,cancel p,@20,ok p", "p@10 p@20", .success = 1 },
		/* pauses */
		{ { "p interval=10s" }, "@10,ok p,pause p,@40,resume p,@50,ok p", "p@10 p@50", .success = 2 },
		{ { "p interval=10s" }, "@10,ok p,pause p 30,@29,@30,ok p", "p@10 p@30", .success = 2 },
		{ { "p interval=10s" }, "@10,pause p 30,ok p,@30", "p@10 p@30", .success = 1 },
		{ { "p interval=10s overlap=queue" }, "@20,pause p 40,ok p,@39", "p@10", .success = 1 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void test_retries(void **state)
{
	static const struct row rows[] = {
		/* retry_interval after the turn that failed, until a success; then the grid again */
		{ { "p interval=30s retry=5s" }, "@30,ok p,@60,ok p", "p@30 p@60", .success = 2 },
		{ { "p interval=30s retry=5s" }, "@31,fail p,@35,fail p,@40,ok p,@60", "p@30 p@35 p@40 p@60",
			.success = 1, .failure = 2 },
		{ { "p interval=30s retry=5s" }, "@42,fail p,@45,ok p,@60", "p@30 p@45 p@60", .success = 1,
			.failure = 1 },
		{ { "p interval=30s retry=20s" }, "@30,fail p,@50,fail p,@70,ok p,@90", "p@30 p@50 p@70 p@90",
			.success = 1, .failure = 2 },
		/* a longer one spares a target that is down */
		{ { "p interval=10s retry=25s" }, "@10,fail p,@35,fail p,@60,ok p,@70", "p@10 p@35 p@60 p@70",
			.success = 1, .failure = 2 },
		/* an error is no failure, and no end of failing */
		{ { "p interval=30s retry=5s" }, "@30,error p,@59", "p@30", .error = 1 },
		{ { "p interval=30s retry=5s" }, "@30,fail p,@35,error p,@40", "p@30 p@35 p@40", .failure = 1,
			.error = 1, .consecutive = 1 },
		{ { "p interval=30s retry=5s" }, "@30,fail p,@43", "p@30 p@35", .failure = 1, .skipped = 1,
			.consecutive = 1 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void test_places(void **state)
{
	static const struct row rows[] = {
		/* as many at one time as may; first come, first served */
		{ { "p interval=10s;q interval=10s;r interval=10s" }, "@11,ok p,@12,ok q,@13", "p@10 q@10+1 r@10+2", 1,
			.success = 1 },
		/* the next turn comes first: late, and it keeps its place in the line */
		{ { "q interval=10s;r interval=10s" }, "@25,ok q,@30", "q@10 r@20+5", 1, .success = 1, .skipped = 1,
			.error = 0 },
		{ { "p interval=5s;q interval=50s" }, "@12,@50,ok p,@52,ok q,@53", "p@5 q@50", 1, .success = 1,
			.skipped = 9 },
		{ { "a interval=10s;b interval=20s" }, "@20,ok a,@35,ok b", "a@10 b@20 a@30", 2, .success = 1,
			.skipped = 1 },
		/* built-in checks have places of their own */
		{ { "p interval=10s;q interval=10s probe" }, "@10,ok p,ok q", "p@10 q@10", 1, .success = 1 },
		/* groups: one at a time */
		{ { "p interval=10s group=g;q interval=10s group=g;r interval=10s" }, "@11,ok p,@12,ok q",
			"p@10 r@10 q@10+1", .success = 1 },
		{ { "p interval=10s group=g;q interval=10s group=g" }, "@10,ok p,@11,ok q,@20,ok p",
			"p@10 q@10 p@20 q@20", .success = 2 },
		{ { "p interval=10s group=g overlap=allow" }, "@20,ok p", "p@10 p@20", .success = 1 },
		{ { "p interval=10s group=g overlap=allow" }, "@25,ok p", "p@10 p@20+5", .success = 1 },
		/* a group that waits for a place keeps its others waiting */
		{ { "p interval=10s;q interval=10s group=g;r interval=10s group=g" }, "@10,ok p,@11,ok q,@12",
			"p@10 q@10 r@10+1", 1, .success = 1 },
		{ { "a interval=10s group=g;b interval=10s group=g;p interval=10s" }, "@11,ok a,@12,ok p,@13",
			"a@10 p@10+1 b@10+2", 1, .success = 1 },
		/* whoever is paused leaves the line */
		{ { "p interval=10s group=g;q interval=10s group=g;r interval=10s group=g" }, "@10,pause q,ok p,ok r",
			"p@10 r@10", .success = 1 },
		{ { "p interval=10s;q interval=10s group=g;r interval=10s group=g" }, "@10,pause q,ok p,ok r",
			"p@10 r@10", 1, .success = 1 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void test_late(void **state)
{
	static const struct row rows[] = {
		/* less than an interval: better late than never */
		{ { "p interval=10s" }, "@10,ok p,stall 29,ok p,@30", "p@10 p@20+9 p@30", .success = 2 },
		/* a whole one or more: no burst, one error, the grid goes on */
		{ { "p interval=10s" }, "@10,ok p,stall 30,@40,ok p", "p@10 p@40", .success = 2, .error = 1 },
		{ { "p interval=10s" }, "@10,ok p,stall 86405,@86410", "p@10 p@86410", .success = 1, .error = 1 },
		{ { "p interval=10s" }, "@10,fail p,stall 86405,@86410,fail p", "p@10 p@86410", .failure = 2,
			.error = 1, .consecutive = 2 },
		{ { "p interval=10s retry=3s" }, "@10,fail p,stall 23,@25", "p@10 p@25", .failure = 1, .error = 1,
			.consecutive = 1 },
		/* one that waits is late when its next turn comes */
		{ { "p interval=10s group=g;q interval=60s group=g" }, "@60,ok p,@75,ok q", "p@10 q@60 p@70+5",
			.success = 1, .skipped = 5 },
		{ { "p interval=40s group=g;z interval=30s group=g" }, "@95,ok z", "z@30 p@80+15", .error = 1 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void test_heals(void **state)
{
	static const struct row rows[] = {
		/* never after errors, and not before there were enough failures in a row */
		{ { "p interval=10s heal=2" }, "@10,error p,@20,error p,@30,error p", "p@10 p@20 p@30", .error = 3 },
		{ { "p interval=10s heal=2" }, "@10,fail p,@20,ok p,@30,fail p", "p@10 p@20 p@30", .success = 1,
			.failure = 2, .consecutive = 1 },
		{ { "p interval=10s heal=2" }, "@10,fail p,@20,error p,@30,fail p", "p@10 p@20 p@30 p!", .error = 1,
			.failure = 2, .consecutive = 2 },
		/* one at a time, not too often, and not for ever */
		{ { "p interval=10s heal=1" }, "@10,fail p,@20,fail p,@50,fail p", "p@10 p! p@20 p@30", .failure = 3,
			.skipped = 2, .consecutive = 3 },
		{ { "p interval=10s heal=1" }, "@10,fail p,heal-ok p,@20,fail p,@30,fail p,@39,@40,fail p,@50,fail p",
			"p@10 p! p@20 p@30 p@40 p@50 p!", .failure = 5, .consecutive = 5 },
		{ { "p interval=50s heal=1" }, "@50,fail p,heal-ok p,@100,fail p,heal-fail p,@150,fail p,@200,fail p",
			"p@50 p! p@100 p! p@150 p@200", .failure = 4, .consecutive = 4 },
		{ { "p interval=50s heal=1" }, "@50,fail p,heal-ok p,@100,fail p,heal-fail p,@150,ok p,@200,fail p",
			"p@50 p! p@100 p! p@150 p@200 p!", .failure = 3, .success = 1, .consecutive = 1 },
		/* it takes no place from runs, and no turn from its own prober */
		{ { "p interval=10s heal=1" }, "@10,fail p,@20,ok p,heal-ok p", "p@10 p! p@20", 1, .failure = 1,
			.success = 1 },
		{ { "p interval=10s heal=1" }, "@10,pause p,fail p", "p@10", .failure = 1, .consecutive = 1 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void test_configs(void **state)
{
	static const struct row rows[] = {
		{ { "p interval=10s", "p interval=10s;q interval=25s" }, "@10,fail p,@15,config 1,@25",
			"p@10 p@20 q@25", .failure = 1, .consecutive = 1 },
		{ { "p interval=10s", "p interval=7s" }, "@10,ok p,@15,config 1,@21", "p@10 p@21", .success = 1 },
		{ { "p interval=10s", "p interval=7s" }, "@10,config 1,ok p,@14", "p@10 p@14", .success = 1 },
		{ { "p interval=10s retry=4s", "p interval=10s retry=4s group=g" }, "@10,fail p,@11,config 1,@14",
			"p@10 p@14", .failure = 1, .consecutive = 1 },
		{ { "p interval=10s label=a", "p interval=10s label=b" }, "@10,fail p,config 1,@20,fail p", "p@10 p@20",
			.failure = 2, .consecutive = 2 },
		/* what is gone while it runs, waits, or heals */
		{ { "a interval=15s;p interval=10s", "a interval=15s" }, "@10,config 1,ok p,@20", "p@10 a@15" },
		{ { "a interval=15s;p interval=10s", "a interval=15s", "" }, "@10,config 1,config 0,ok p,@20",
			"p@10 a@15 p@20" },
		{ { "a interval=15s;p interval=10s heal=1", "a interval=15s" }, "@10,fail p,config 1,heal-ok p,@15",
			"p@10 p! a@15" },
		{ { "a interval=10s group=g;b interval=11s group=g;c interval=12s group=g",
			  "a interval=10s group=g;c interval=12s group=g" },
			"@12,config 1,ok a", "a@10 c@12", .success = 1 },
		{ { "p interval=10s;q interval=11s group=g;r interval=12s group=g",
			  "p interval=10s;r interval=12s group=g" },
			"@12,config 1,ok p", "p@10 r@12", 1, .success = 1 },
		{ { "p interval=10s;q interval=11s", "" }, "@10,config 1,ok p,@50", "p@10", 1 },
		/* what waits asks again as it is now */
		{ { "p interval=10s;q interval=11s", "p interval=10s;q interval=11s probe" }, "@11,config 1",
			"p@10 q@11", 1 },
		{ { "p interval=10s group=g;q interval=11s group=g", "p interval=10s group=g;q interval=11s" },
			"@11,config 1", "p@10 q@11" },
		{ { "p interval=10s group=g;q interval=11s group=g", "p interval=10s;q interval=11s group=g" },
			"@15,config 1,ok p", "p@10 q@11+4", .success = 1 },
		{ { "p interval=10s;q interval=11s", "p interval=10s;q interval=11s error=no" },
			"@11,config 1,ok p,@33", "p@10 p@20", 1, .success = 1, .skipped = 1 },
		/* an error comes and goes; it is recorded once */
		{ { "p interval=10s", "p interval=10s error=no" }, "@10,ok p,config 1,config 1,@50,config 0,@60",
			"p@10 p@60", .success = 1, .error = 1 },
		{ { "p interval=10s error=a", "p interval=10s error=b" }, "config 1,@50", "", .error = 2 },
		/* nothing new */
		{ { "p interval=10s overlap=queue" }, "@20,config 0,@25,ok p", "p@10 p@20+5", .success = 1 },
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

/* What is said of the last run. */
static void test_state(void **state)
{
	(void)state;
	set_up(10);
	apply("p interval=10s");
	assert_false(prober("p")->last.known);
	advance(10 * SECOND);
	advance(12 * SECOND);
	finish("p", RUN_TURN, VERDICT_FAILURE, false);
	const struct last_run *last = &prober("p")->last;
	assert_true(last->known);
	assert_int_equal(last->status, VERDICT_FAILURE);
	assert_string_equal(last->message, "so it is");
	assert_int_equal(last->duration_us / 1000, 2000);
	assert_int_equal(last->wall_ms, INT64_C(1700000012000));
	assert_string_equal(last->run_id, "6553f1000a1b2c-1");
	assert_int_equal(changes, 1);
	advance(20 * SECOND);
	finish("p", RUN_TURN, VERDICT_FAILURE, false);
	assert_int_equal(changes, 1);
	advance(30 * SECOND);
	finish("p", RUN_TURN, VERDICT_SUCCESS, false);
	assert_int_equal(changes, 2);
	assert_null(schedule_find(schedule, "q"));
	tear_down();
}

/* Stopping ends what runs and starts nothing that waits. */
static void test_stop(void **state)
{
	(void)state;
	set_up(1);
	apply("p interval=10s group=g;q interval=10s group=g;r interval=10s;s interval=10s overlap=queue");
	advance(20 * SECOND);
	assert_int_equal(schedule_running(schedule), 1);
	schedule_stop(schedule);
	assert_true(runs->canceled);
	assert_int_equal(schedule_next_us(schedule), INT64_MAX);
	finish(runs->run.entry->id, RUN_TURN, VERDICT_FAILURE, false);
	assert_int_equal(schedule_running(schedule), 0);
	assert_null(runs);
	tear_down();
}

/* The phase is a promise (schedule.h), and spreads entries and hosts evenly. */
static void test_phases(void **state)
{
	enum { ENTRIES = 2000, PARTS = 10 };
	cleanup(strbuf_release) struct strbuf json = STRBUF_INIT;
	size_t counts[PARTS] = { 0 };

	(void)state;
	for (int i = 0; i < ENTRIES; i++)
		strbuf_addf(&json, "%sp%d interval=10s", i ? ";" : "", i);
	set_up(1);
	schedule_apply(schedule, make_config(json.buf), 0);
	for (size_t i = 0; i < schedule->probers.n; i++)
		counts[schedule->probers.v[i]->turn.due_us / SECOND]++;
	for (size_t i = 0; i < PARTS; i++)
		assert_in_range(counts[i], ENTRIES / PARTS * 3 / 4, ENTRIES / PARTS * 5 / 4);
	/* printf 'p0\0h' | sha256sum | cut -c 1-16 */
	assert_int_equal(prober("p0")->hash, UINT64_C(0xb0c1e28527ef2790));
	int64_t first = prober("p0")->turn.due_us;
	schedule_apply(schedule, make_config("p0 interval=10s"), 123456789 * SECOND);
	assert_int_equal(prober("p0")->turn.due_us, first);
	schedule_apply(schedule, make_config("p1 interval=10s"), 123456789 * SECOND);
	schedule_apply(schedule, make_config("p0 interval=10s"), 123456789 * SECOND);
	assert_int_equal(prober("p0")->turn.due_us % (10 * SECOND), first);
	tear_down();
}

/* With more to do than can be done each entry gets its share. */
static void test_overload(void **state)
{
	enum { ENTRIES = 40, RUNS = 20 };
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	uint64_t most = 0, least = UINT64_MAX;

	(void)state;
	for (int i = 0; i < ENTRIES; i++)
		strbuf_addf(&text, "%sp%d interval=1s", i ? ";" : "", i);
	set_up(1);
	schedule_apply(schedule, make_config(text.buf), now);
	/* each run takes 47 ms: 21 a second, half of what is due */
	for (int i = 0; i < ENTRIES * RUNS; i++) {
		advance(now + 47000);
		if (runs)
			finish(runs->run.entry->id, RUN_TURN, VERDICT_SUCCESS, false);
	}
	for (size_t i = 0; i < ENTRIES; i++) {
		uint64_t n = schedule->probers.v[i]->runs[VERDICT_SUCCESS];

		most = MAX(most, n);
		least = MIN(least, n);
	}
	if (most - least > 2 || least < RUNS / 2)
		fail_msg("between %d and %d runs", (int)least, (int)most);
	tear_down();
}

static void check_invariants(int64_t max_runs)
{
	size_t going = 0, waiting = 0, busy = 0, grouped = 0;
	int64_t programs = 0;

	for (const struct agent_run *run = schedule->runs; run; run = run->next) {
		going++;
		programs += run->kind == RUN_TURN && run->entry->argv;
		grouped += run->group != NULL;
	}
	assert_int_equal(going, schedule_running(schedule));
	assert_int_equal(programs, schedule->places[PLACE_PROGRAM].taken);
	assert_true(programs <= max_runs);
	for (size_t i = 0; i < schedule->probers.n; i++) {
		const struct prober_state *p = schedule->probers.v[i];

		waiting += p->waiting != WAITING_NOT;
		grouped += p->waiting == WAITING_PLACE && p->group;
		assert_true(p->entry->error ? !p->turn.place : p->turn.place != 0);
		assert_true(!p->turn.place || p->turn.due_us > now);
		assert_true(p->waiting != WAITING_SELF || p->running > 0);
		assert_true(p->waiting != WAITING_GROUP || p->group->busy);
	}
	assert_int_equal(waiting, schedule->waiting);
	for (size_t i = 0; i < schedule->groups.n; i++)
		busy += schedule->groups.v[i]->busy;
	assert_int_equal(busy, grouped);
}

static void random_config(struct strbuf *text, unsigned *seed)
{
	static const char *const more[] = { "", " overlap=queue", " overlap=allow", " group=g", " group=h", " retry=1s",
		" probe", " error=x", " heal=2", " group=g overlap=allow", " retry=9s overlap=queue", " label=x" };

	strbuf_reset(text);
	for (int i = 0; i < 12; i++) {
		if (rand_r(seed) % 4)
			strbuf_addf(text, "%sp%d interval=%ds%s", text->len ? ";" : "", i, 1 + rand_r(seed) % 5,
				more[(unsigned)rand_r(seed) % ARRAY_SIZE(more)]);
	}
}

/* Whatever happens in whatever order: places and groups are kept, nobody is forgotten, nothing leaks. */
static void test_anything(void **state)
{
	enum { SEEDS = 40, STEPS = 600, MAX_RUNS = 3 };
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	(void)state;
	for (unsigned first = 1; first <= SEEDS; first++) {
		unsigned seed = first;

		set_up(MAX_RUNS);
		for (int step = 0; step < STEPS; step++) {
			int what = rand_r(&seed) % 20;

			if (step == 0 || what == 0) {
				random_config(&text, &seed);
				schedule_apply(schedule, make_config(text.buf), now);
			} else if (what == 1 && schedule->probers.n) {
				size_t i = (size_t)rand_r(&seed) % schedule->probers.n;

				schedule_pause(schedule, schedule->probers.v[i],
					rand_r(&seed) % 2 ? now + rand_r(&seed) % (8 * SECOND) : 0, now);
			} else if (what < 10 && runs) {
				struct fake_run *fake = runs;

				for (int skip = rand_r(&seed) % 4; skip && fake->next; skip--)
					fake = fake->next;
				finish(fake->run.entry->id, fake->run.kind,
					(enum verdict_status)(rand_r(&seed) % VERDICT_STATUSES),
					rand_r(&seed) % 10 == 0);
			} else if (what == 10) {
				schedule_take_turns(schedule, now += rand_r(&seed) % (20 * SECOND));
			} else {
				advance(now + rand_r(&seed) % SECOND);
			}
			check_invariants(MAX_RUNS);
		}
		tear_down();
	}
}

static void test_heal_jitter(void **state)
{
	const char *const argv[] = { "h", NULL };
	const struct entry entry = { .heal = { argv, 1, 3, 1000, 1000 } };
	size_t differ = 0;
	int64_t before = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct heal_state heal = { 0 };

		heal_started(&heal, &entry, seed, 5 * SECOND);
		assert_in_range(heal.next_us, 6 * SECOND, 6 * SECOND + SECOND / 10);
		differ += heal.next_us != before;
		before = heal.next_us;
	}
	assert_in_range(differ, 95, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_retries),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_heals),
		cmocka_unit_test(test_configs),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_heal_jitter),
		cmocka_unit_test(test_overload),
		cmocka_unit_test(test_anything),
	};

	log_set_level(LOG_ERROR);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	strbuf_release(&story);
	return failed;
}
