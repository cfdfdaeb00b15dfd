/* SPDX-License-Identifier: Apache-2.0 */
#include "meeseeks.h"

enum { MAX_READINGS = 5, MAX_WRITES = 5 };

struct meeseeks {
	const struct node_mapping *mapping;
	const struct source_ops *ops;
	void *source;
	struct view *view;
	struct reading reading; /* that is believed */
	struct variable variable;
};

/* What another source is for is a mistake, as one that nobody looks at would not be noticed. Who asks is no such thing:
 * the environment says that to all commands. */
static int check_fit(const struct node_mapping *mapping, struct mrp_err *err)
{
	const struct {
		const char *name;
		bool given;
		enum source_kind kind;
	} rows[] = {
		{ "file", mapping->file, SOURCE_FILE },
		{ "command", mapping->command.n, SOURCE_COMMAND },
		{ "query", mapping->query.n, SOURCE_COMPUTE_ADMIN },
		{ "kubeconfig", mapping->kubeconfig, SOURCE_KUBERNETES },
		{ "context", mapping->kube_context, SOURCE_KUBERNETES },
		{ "URL", mapping->url && mapping->source >= SOURCE_FILE, SOURCE_COMPUTE_ADMIN },
	};
	static const char *const names[SOURCE_COUNT] = { "compute-admin", "kubernetes", "file", "command" };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].given && rows[i].kind != (enum source_kind)mapping->source)
			return mrp_err_set(err, MRP_EUSAGE, "a %s is for source %s, not for %s", rows[i].name,
				names[rows[i].kind], names[mapping->source]);
	}
	return 0;
}

static int open_parts(struct meeseeks *meeseeks, const struct http_patience *patience, struct mrp_err *err)
{
	meeseeks->view = view_new(meeseeks->mapping, &meeseeks->ops->places, err);
	return meeseeks->view ? meeseeks->ops->open(&meeseeks->source, meeseeks->mapping, patience, err) : -1;
}

struct meeseeks *meeseeks_open(
	const struct node_mapping *mapping, const struct http_patience *patience, struct mrp_err *err)
{
	struct meeseeks *meeseeks;

	if (mapping->source == SOURCE_NONE) {
		mrp_err_set(err, MRP_EUSAGE, "no source is named: --source is one of " SOURCE_WORDS);
		return NULL;
	}
	if (check_fit(mapping, err) < 0)
		return NULL;
	meeseeks = xcalloc(1, sizeof(*meeseeks));
	meeseeks->mapping = mapping;
	meeseeks->ops = source_of((enum source_kind)mapping->source);
	meeseeks->variable.revision = -1;
	if (open_parts(meeseeks, patience, err) == 0)
		return meeseeks;
	meeseeks_close(meeseeks);
	return NULL;
}

void meeseeks_close(struct meeseeks *meeseeks)
{
	if (!meeseeks)
		return;
	meeseeks->ops->close(meeseeks->source);
	view_free(meeseeks->view);
	reading_release(&meeseeks->reading);
	variable_release(&meeseeks->variable);
	free(meeseeks);
}

/* Whatever went wrong with a source, the list could not be had: one code for all of it. */
static int source_failed(struct mrp_err *err)
{
	if (err->code != MRP_EREFUSED && err->code != MRP_EINTERRUPTED)
		err->code = MRP_EFAILED;
	return mrp_err_wrap(err, "cannot read the list of nodes");
}

static int read_once(struct meeseeks *meeseeks, struct reading *out, struct mrp_err *err)
{
	*out = (struct reading){ .view = meeseeks->view };
	if (meeseeks->ops->read(meeseeks->source, out, err) < 0)
		return source_failed(err);
	nodes_sort(&out->nodes);
	if (nodes_unique(&out->nodes, &out->doubled, err) == 0)
		return 0;
	if (!out->doubled)
		return -1;
	/* what two pages say of it is of two moments */
	mrp_err_clear(err);
	out->moved = true;
	return 0;
}

static void compare_now(const struct meeseeks *meeseeks, struct changes *changes)
{
	changes_clear(changes);
	changes_find(changes, meeseeks->variable.value, view_name_key(meeseeks->view), &meeseeks->reading.nodes);
}

/* May the reading be believed? One page was read at once. A list that equals the variable is no chance either. */
static bool believed(const struct meeseeks *meeseeks, const struct reading *before, const struct changes *changes)
{
	const struct reading *now = &meeseeks->reading;

	if (now->moved)
		return false;
	if (now->pages <= 1 || (!changes_any(changes) && !now->doubled))
		return true;
	return before->view && !before->moved && nodes_equal(&before->nodes, &now->nodes);
}

static int read_until_believed(struct meeseeks *meeseeks, struct changes *changes, struct mrp_err *err)
{
	struct reading before = { .view = NULL };
	bool good = false;
	int result = 0;

	for (int i = 0; i < MAX_READINGS && !good && result == 0; i++) {
		reading_release(&before);
		before = meeseeks->reading;
		if (i == 0) {
			reading_release(&before);
			before.view = NULL;
		}
		result = read_once(meeseeks, &meeseeks->reading, err);
		if (result == 0) {
			compare_now(meeseeks, changes);
			good = believed(meeseeks, &before, changes);
		}
	}
	reading_release(&before);
	if (result == 0 && !good)
		result = mrp_err_set(err, MRP_EREFUSED, "the list of nodes has changed while it was read, %d times",
			(int)MAX_READINGS);
	return result;
}

int meeseeks_compare(struct meeseeks *meeseeks, struct http_client *http, struct changes *changes, struct mrp_err *err)
{
	if (variable_read(&meeseeks->variable, http, meeseeks->mapping, err) < 0)
		return -1;
	if (read_until_believed(meeseeks, changes, err) < 0)
		return -1;
	return nodes_check_names(&meeseeks->reading.nodes, err);
}

int meeseeks_guard(const struct meeseeks *meeseeks, const struct changes *changes, struct mrp_err *err)
{
	return changes_guard(changes, &meeseeks->mapping->max_removal, meeseeks->mapping->allow_empty, err);
}

/* After a lost race. 1: go on; 0: nothing is left to do. */
static int compare_again(
	struct meeseeks *meeseeks, struct http_client *http, struct changes *changes, bool asked, struct mrp_err *err)
{
	struct changes now = CHANGES_INIT;
	int result = variable_read(&meeseeks->variable, http, meeseeks->mapping, err);

	if (result == 0) {
		compare_now(meeseeks, &now);
		if (!changes_any(&now)) /* it was us, whose answer was lost; or somebody did the same */
			return 0;
		if (asked && !changes_equal(&now, changes))
			result = mrp_err_set(err, MRP_ELOCKED,
				"the variable has changed since the changes were shown; nothing was done, run it again "
				"to see the new ones");
		else
			result = meeseeks_guard(meeseeks, &now, err) < 0 ? -1 : 1;
	}
	changes_clear(changes);
	*changes = now;
	return result;
}

int meeseeks_write(
	struct meeseeks *meeseeks, struct http_client *http, struct changes *changes, bool asked, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	const struct value *list = nodes_value(&meeseeks->reading.nodes, &arena);

	for (int i = 0; i < MAX_WRITES; i++) {
		if (variable_write(http, meeseeks->mapping, list, meeseeks->variable.revision, err) == 0)
			return 0;
		if (err->code != MRP_EPRECONDITION)
			return -1;
		mrp_err_clear(err);
		int go_on = compare_again(meeseeks, http, changes, asked, err);
		if (go_on <= 0)
			return go_on;
	}
	return mrp_err_set(err, MRP_ELOCKED, "somebody else writes the variable all the time; try again later");
}
