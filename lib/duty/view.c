/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <inttypes.h>

#include "../base/clock.h"
#include "../cli/table.h"
#include "../value/json.h"

static int64_t number(const struct value *object, const char *key)
{
	const struct value *v = value_get(object, key);

	return v && v->type == V_INT ? v->i : 0;
}

static const char *text(const struct value *object, const char *key)
{
	const char *s = value_get_string(object, key);

	return s ? s : "";
}

/* "480us", "12ms", "3.4s": three digits at most. */
static void add_duration(struct strbuf *out, int64_t us)
{
	if (us < 1000)
		strbuf_addf(out, "%" PRId64 "us", us);
	else if (us < 1000000)
		strbuf_addf(out, "%" PRId64 "ms", us / 1000);
	else
		strbuf_addf(out, us < 100000000 ? "%.1fs" : "%.0fs", (double)us / 1e6);
}

static enum mrp_style style_of(const char *status)
{
	if (streq(status, "success"))
		return STYLE_ADD;
	return streq(status, "failure") ? STYLE_REMOVE : STYLE_CHANGE;
}

static void add_verdict(struct strbuf *out, const struct value *entry)
{
	const char *reason = text(entry, "reason");

	strbuf_addstr(out, text(entry, "status"));
	if (*reason && !streq(reason, "ok"))
		strbuf_addf(out, " (%s)", reason);
}

static void add_next(struct strbuf *out, const struct value *entry, int64_t now_ms)
{
	const struct value *paused = value_get(entry, "paused_until_ms");
	int64_t next_ms = number(entry, "next_ms");

	if (number(entry, "running")) {
		strbuf_addstr(out, "running");
	} else if (paused) {
		strbuf_addstr(out, "paused");
		if (paused->i) {
			strbuf_addch(out, ' ');
			time_format_age(out, paused->i - now_ms);
		}
	} else if (next_ms) {
		time_format_age(out, next_ms - now_ms);
	}
}

static void add_row(struct mrp_table *table, const struct value *entry, int64_t now_ms)
{
	cleanup(strbuf_release) struct strbuf verdict = STRBUF_INIT, age = STRBUF_INIT, took = STRBUF_INIT,
					      next = STRBUF_INIT;
	int64_t failures = number(entry, "consecutive_failures");

	add_verdict(&verdict, entry);
	add_next(&next, entry, now_ms);
	if (number(entry, "finished_ms")) {
		time_format_age(&age, now_ms - number(entry, "finished_ms"));
		if (value_get(entry, "duration_us"))
			add_duration(&took, number(entry, "duration_us"));
	}
	mrp_table_add_styled(table, STYLE_NAME, text(entry, "id"));
	if (verdict.len)
		mrp_table_add_styled(table, style_of(text(entry, "status")), verdict.buf);
	else
		mrp_table_add_styled(table, STYLE_DIM, "-");
	mrp_table_addf(table, "%" PRId64, failures);
	mrp_table_add(table, age.buf);
	mrp_table_add(table, took.buf);
	mrp_table_add(table, next.buf);
	mrp_table_add(table, text(entry, "message"));
}

/* "cluster c, host h: 25 probers; config 3f2a of 12s ago", and what is wrong with that config. */
static void add_about(struct strbuf *out, const struct value *about, int64_t now_ms)
{
	const char *error = value_get_string(about, "config_error");
	int64_t good_ms = number(about, "config_good_ms");

	strbuf_addf(out, "cluster %s, host %s: %" PRId64 " probers", text(about, "cluster"), text(about, "host"),
		number(about, "probers"));
	if (*text(about, "config_revision")) {
		strbuf_addf(out, "; config %.12s", text(about, "config_revision"));
		if (good_ms) {
			strbuf_addstr(out, ", known to be right ");
			time_format_age(out, now_ms - good_ms);
			strbuf_addstr(out, " ago");
		}
	}
	strbuf_addch(out, '\n');
	if (error) {
		strbuf_addstr(out, "config: ");
		strbuf_add_visible(out, error, strlen(error));
		strbuf_addch(out, '\n');
	}
}

void view_status(
	struct strbuf *out, const struct view_style *style, const struct value *about, const struct value *probers)
{
	static const char *const headings[] = { "PROBER", "STATUS", "FAILURES", "LAST", "TOOK", "NEXT", "MESSAGE" };
	struct mrp_table table = MRP_TABLE_INIT(ARRAY_SIZE(headings));

	add_about(out, about, style->now_ms);
	if (!probers->n)
		return;
	table.right = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5;
	mrp_table_headings(&table, headings);
	for (uint32_t i = 0; i < probers->n; i++)
		add_row(&table, probers->items[i], style->now_ms);
	mrp_table_format(out, &table, style->max_width, style->color);
	mrp_table_release(&table);
}

/* As a shell would want it: words with anything but plain characters in quotes. */
static void add_word(struct strbuf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	if (*word && strspn(word, plain) == strlen(word)) {
		strbuf_addstr(out, word);
		return;
	}
	strbuf_addch(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			strbuf_addstr(out, "'\\''");
		else
			strbuf_addch(out, *word);
	}
	strbuf_addch(out, '\'');
}

struct fields {
	struct mrp_table table;
	const struct value *set_by;
};

/* Which placement gave the field; several for maps, whose keys come from different ones. */
static void add_origin(struct strbuf *out, const struct value *set_by, const char *field)
{
	size_t len = strlen(field);
	int64_t before = -1;

	for (uint32_t i = 0; set_by && i < set_by->n; i++) {
		const struct member *m = &set_by->members[i];
		bool of_field = strncmp(m->key, field, len) == 0 && (!m->key[len] || m->key[len] == '.');

		if (!of_field || m->value->type != V_INT || m->value->i == before)
			continue;
		before = m->value->i;
		strbuf_addf(out, "%splacements[%" PRId64 "]", out->len ? ", " : "", before);
	}
}

static void add_field(struct fields *fields, const char *name, const char *value, const char *field)
{
	cleanup(strbuf_release) struct strbuf origin = STRBUF_INIT;

	if (field)
		add_origin(&origin, fields->set_by, field);
	mrp_table_add_styled(&fields->table, STYLE_NAME, name);
	mrp_table_add(&fields->table, value);
	mrp_table_add_styled(&fields->table, STYLE_DIM, origin.buf);
}

static void add_value_text(struct strbuf *out, const struct value *v)
{
	if (v->type == V_STRING)
		strbuf_add(out, v->s, v->n);
	else
		json_compact(out, v);
}

static void add_words(struct fields *fields, const char *name, const struct value *argv, const char *field)
{
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;

	for (uint32_t i = 0; argv && i < argv->n; i++) {
		if (i)
			strbuf_addch(&line, ' ');
		add_word(&line, argv->items[i]->s);
	}
	if (line.len)
		add_field(fields, name, line.buf, field);
}

/* One row a member: "labels team=blue". Placements give members, of a matrix all. */
static void add_map(struct fields *fields, const char *name, const struct value *map)
{
	bool whole = streq(name, "matrix");

	for (uint32_t i = 0; map && i < map->n; i++) {
		cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;
		cleanup(freep) char *field = xasprintf("%s.%s", name, map->members[i].key);

		strbuf_addf(&line, "%s=", map->members[i].key);
		add_value_text(&line, map->members[i].value);
		add_field(fields, i ? "" : name, line.buf, whole ? name : field);
	}
}

static void add_members(struct fields *fields, const struct value *entry)
{
	static const char *const apart[] = { "id", "prober", "name", "matrix", "labels", "set_by", "command", "env",
		"files", "error", "heal" };

	for (uint32_t i = 0; i < entry->n; i++) {
		cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;
		const struct member *m = &entry->members[i];
		bool shown = false;

		for (size_t k = 0; k < ARRAY_SIZE(apart); k++)
			shown |= streq(m->key, apart[k]);
		if (shown || (m->value->type == V_OBJECT && !m->value->n))
			continue;
		add_value_text(&line, m->value);
		add_field(fields, m->key, line.buf, m->key);
	}
}

static void add_heal(struct fields *fields, const struct value *heal)
{
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;

	if (!heal)
		return;
	add_words(fields, "heal", value_get(heal, "command"), NULL);
	strbuf_addf(&line, "after %" PRId64 " failures, at most every %s, gives up after %" PRId64 " tries",
		number(heal, "after"), text(heal, "at_most_every"), number(heal, "give_up_after"));
	add_field(fields, "", line.buf, NULL);
}

/* What the agent makes of it: user, folder, the whole environment. */
static void add_run(struct fields *fields, const struct value *run)
{
	const struct value *user = value_get(run, "user"), *env = value_get(run, "env");

	if (*text(run, "error"))
		add_field(fields, "error", text(run, "error"), NULL);
	if (*text(run, "folder"))
		add_field(fields, "folder", text(run, "folder"), NULL);
	if (user && user->type == V_OBJECT) {
		cleanup(freep) char *line = xasprintf("%s (uid %" PRId64 ", gid %" PRId64 ")", text(user, "name"),
			number(user, "uid"), number(user, "gid"));

		add_field(fields, "user", line, NULL);
	}
	for (uint32_t i = 0; env && i < env->n; i++) {
		const char *setting = env->items[i]->s;
		cleanup(freep) char *field = xasprintf("env.%.*s", (int)strcspn(setting, "="), setting);

		add_field(fields, i ? "" : "environment", setting, field);
	}
}

static void add_state(struct fields *fields, const struct value *state, int64_t now_ms)
{
	cleanup(strbuf_release) struct strbuf line = STRBUF_INIT;

	if (*text(state, "status")) {
		add_verdict(&line, state);
		strbuf_addch(&line, ' ');
		time_format_age(&line, now_ms - number(state, "finished_ms"));
		strbuf_addstr(&line, " ago");
		if (*text(state, "message"))
			strbuf_addf(&line, ": %s", text(state, "message"));
		add_field(fields, "last run", line.buf, NULL);
		strbuf_reset(&line);
		strbuf_addf(&line, "%" PRId64 " in a row", number(state, "consecutive_failures"));
		add_field(fields, "failures", line.buf, NULL);
	}
	strbuf_reset(&line);
	add_next(&line, state, now_ms);
	if (line.len)
		add_field(fields, "next run", line.buf, NULL);
}

void view_explain(struct strbuf *out, const struct view_style *style, const struct value *answer)
{
	static const char *const headings[] = { "FIELD", "VALUE", "SET BY" };
	const struct value *entry = value_get(answer, "entry"), *run = value_get(answer, "run"),
			   *state = value_get(answer, "state");
	struct fields fields = { .table = MRP_TABLE_INIT(ARRAY_SIZE(headings)) };

	if (!entry || entry->type != V_OBJECT || !run || run->type != V_OBJECT || !state || state->type != V_OBJECT)
		return;
	fields.set_by = value_get(entry, "set_by");
	mrp_table_headings(&fields.table, headings);
	add_field(&fields, "id", text(entry, "id"), NULL);
	add_field(&fields, "name", text(entry, "name"), NULL);
	add_words(&fields, "command", value_get(entry, "command"), NULL);
	add_members(&fields, entry);
	add_map(&fields, "matrix", value_get(entry, "matrix"));
	add_map(&fields, "labels", value_get(entry, "labels"));
	add_heal(&fields, value_get(entry, "heal"));
	add_run(&fields, run);
	add_state(&fields, state, style->now_ms);
	mrp_table_format(out, &fields.table, style->max_width, style->color);
	mrp_table_release(&fields.table);
}

void view_run(struct strbuf *out, const struct value *record)
{
	const struct value *truncated = value_get(record, "truncated");
	int64_t code = number(record, "exit_code"), signal_number = number(record, "signal");

	strbuf_addf(out, "run %s of %s at ", text(record, "run_id"), text(record, "id"));
	time_format(out, number(record, "started_ms"));
	strbuf_addstr(out, ", ");
	add_duration(out, number(record, "duration_us"));
	strbuf_addstr(out, ": ");
	add_verdict(out, record);
	if (signal_number)
		strbuf_addf(out, ", signal %" PRId64, signal_number);
	else if (code)
		strbuf_addf(out, ", exit %" PRId64, code);
	if (*text(record, "message")) {
		strbuf_addstr(out, ": ");
		strbuf_add_visible(out, text(record, "message"), strlen(text(record, "message")));
	}
	if (truncated && truncated->type == V_BOOL && truncated->b)
		strbuf_addstr(out, "; only the beginning of its output is here");
}

struct value *view_with_times(struct arena *arena, const struct value *v)
{
	struct value *result = value_object(arena);

	for (uint32_t i = 0; i < v->n; i++) {
		const struct member *m = &v->members[i];
		size_t len = strlen(m->key);
		char when[TIME_TEXT];

		if (!ends_with(m->key, "_ms") || m->value->type != V_INT) {
			value_append(arena, result, m->key, m->value);
			continue;
		}
		time_text(when, m->value->i);
		/* paused until it is resumed: no time */
		value_append(arena, result, arena_printf(arena, "%.*s_at", (int)(len - 3), m->key),
			m->value->i ? value_string(arena, when) : value_null(arena));
	}
	return result;
}
