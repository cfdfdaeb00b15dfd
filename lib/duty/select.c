/* SPDX-License-Identifier: Apache-2.0 */
#include "select.h"

#include "../base/text.h"

enum { PAGE = 256, NAMED_MAX = 8 };

static bool is_glob(const char *word)
{
	return strpbrk(word, "*?") != NULL;
}

static bool means(const char *word, const struct duty_entry *entry)
{
	if (streq(word, entry->id) || streq(word, entry->prober))
		return true;
	return is_glob(word) && (glob_match(word, entry->id) || glob_match(word, entry->prober));
}

/* Every entry, page by page. */
static int each_entry(const struct duty_ops *ops, duty_entry_fn *each, void *ctx, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(strbuf_release) struct strbuf after = STRBUF_INIT;
	cleanup(freep) struct duty_entry *page = xmalloc(PAGE * sizeof(*page));
	size_t n;

	do {
		arena_reset(&arena);
		n = ops->list(ops->ctx, page, PAGE, after.buf, &arena);
		for (size_t i = 0; i < n; i++) {
			if (each(ctx, &page[i], err) < 0)
				return -1;
		}
		strbuf_reset(&after);
		if (n)
			strbuf_addstr(&after, page[n - 1].id);
	} while (n == PAGE);
	return 0;
}

struct search {
	const struct value *words;
	bool *found; /* a word meant something */
	duty_entry_fn *each;
	void *ctx;
};

static int note_found(void *ctx, const struct duty_entry *entry, struct mrp_err *err)
{
	struct search *search = ctx;

	(void)err;
	for (uint32_t i = 0; i < search->words->n; i++)
		search->found[i] |= means(search->words->items[i]->s, entry);
	return 0;
}

static int pass_on(void *ctx, const struct duty_entry *entry, struct mrp_err *err)
{
	struct search *search = ctx;
	bool wanted = !search->words->n;

	for (uint32_t i = 0; i < search->words->n && !wanted; i++)
		wanted = means(search->words->items[i]->s, entry);
	return wanted ? search->each(search->ctx, entry, err) : 0;
}

static int collect(void *ctx, const struct duty_entry *entry, struct mrp_err *err)
{
	struct strvec *names = ctx;

	(void)err;
	if (!strvec_contains(names, entry->prober))
		strvec_push(names, entry->prober);
	strvec_push(names, entry->id);
	return 0;
}

static int not_found(const struct duty_ops *ops, const char *word, struct mrp_err *err)
{
	struct strvec names = STRVEC_INIT;
	struct mrp_err ignored = MRP_ERR_INIT;

	each_entry(ops, collect, &names, &ignored);
	mrp_err_clear(&ignored);
	const char *near = is_glob(word) ? NULL : nearest_word(word, (const char *const *)names.v, names.n);
	if (near)
		mrp_err_set(err, MRP_ENOTFOUND, "this agent runs no prober '%s'; did you mean '%s'?", word, near);
	else
		mrp_err_set(err, MRP_ENOTFOUND, "this agent runs no prober '%s'", word);
	strvec_clear(&names);
	return -1;
}

int duty_select(
	const struct duty_ops *ops, const struct value *words, duty_entry_fn *each, void *ctx, struct mrp_err *err)
{
	cleanup(freep) bool *found = xcalloc(words->n + 1, sizeof(*found));
	struct search search = { words, found, each, ctx };

	if (words->n && each_entry(ops, note_found, &search, err) < 0)
		return -1;
	for (uint32_t i = 0; i < words->n; i++) {
		if (!found[i])
			return not_found(ops, words->items[i]->s, err);
	}
	return each_entry(ops, pass_on, &search, err);
}

struct choice {
	const char *word;
	struct strvec ids;
	size_t n;
	bool exact;
};

static int note_choice(void *ctx, const struct duty_entry *entry, struct mrp_err *err)
{
	struct choice *choice = ctx;
	bool exact = streq(choice->word, entry->id);

	(void)err;
	if (choice->exact || !means(choice->word, entry))
		return 0;
	if (exact) {
		strvec_clear(&choice->ids);
		choice->n = 0;
		choice->exact = true;
	}
	choice->n++;
	if (choice->n <= NAMED_MAX)
		strvec_push(&choice->ids, entry->id);
	return 0;
}

static int ambiguous(const struct choice *choice, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < choice->ids.n; i++)
		strbuf_addf(&names, "%s%s", i ? ", " : "", choice->ids.v[i]);
	return mrp_err_set(err, MRP_EUSAGE, "'%s' means %zu entries; name one of them: %s%s", choice->word, choice->n,
		names.buf, choice->n > NAMED_MAX ? ", ..." : "");
}

const char *duty_select_one(const struct duty_ops *ops, const char *word, struct arena *arena, struct mrp_err *err)
{
	struct choice choice = { .word = word, .ids = STRVEC_INIT };
	const char *id = NULL;

	if (each_entry(ops, note_choice, &choice, err) == 0) {
		if (choice.n == 1)
			id = arena_strdup(arena, choice.ids.v[0]);
		else if (choice.n)
			ambiguous(&choice, err);
		else
			not_found(ops, word, err);
	}
	strvec_clear(&choice.ids);
	return id;
}
