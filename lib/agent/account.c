/* SPDX-License-Identifier: Apache-2.0 */
#include "account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "../base/log.h"

/* Few: the users that the entries of a config name. */
struct account_list {
	struct arena arena;
	struct account **v;
	size_t n, alloc;
	char *buf; /* of lookups */
	size_t buf_size;
};

enum { LOOKUP_BYTES = 1024, LOOKUP_BYTES_MAX = 1 << 20, GROUPS_GUESS = 32 };

void account_list_free(struct account_list *list)
{
	if (!list)
		return;
	arena_release(&list->arena);
	free(list->v);
	free(list->buf);
	free(list);
}

/* Look a user up by name, or by number when that is NULL. NULL: there is none, or (errno set) it cannot be told. The
 * result lasts until the next lookup. */
static const struct passwd *lookup(struct account_list *list, struct passwd *entry, const char *name, uid_t uid)
{
	struct passwd *found;
	int error;

	if (!list->buf)
		list->buf = xmalloc(list->buf_size = LOOKUP_BYTES);
	while ((error = name ? getpwnam_r(name, entry, list->buf, list->buf_size, &found)
			     : getpwuid_r(uid, entry, list->buf, list->buf_size, &found)) == ERANGE &&
		list->buf_size < LOOKUP_BYTES_MAX)
		list->buf = xrealloc(list->buf, list->buf_size *= 2);
	errno = error == ENOENT || error == ESRCH ? 0 : error;
	return error ? NULL : found;
}

static void set_groups(struct account_list *list, struct account *account)
{
	int n = GROUPS_GUESS;
	gid_t *groups = arena_alloc(&list->arena, (size_t)n * sizeof(*groups));

	if (getgrouplist(account->name, account->user.gid, groups, &n) < 0 && n > 0) {
		groups = arena_alloc(&list->arena, (size_t)n * sizeof(*groups));
		if (getgrouplist(account->name, account->user.gid, groups, &n) < 0)
			n = 0; /* changed meanwhile: fewer rights are safe */
	}
	account->user.groups = groups;
	account->user.n_groups = (size_t)MAX(n, 0);
}

static void fill(struct account_list *list, struct account *account, const struct passwd *found)
{
	account->name = arena_strdup(&list->arena, found->pw_name);
	account->home = arena_strdup(&list->arena, found->pw_dir && *found->pw_dir ? found->pw_dir : "/");
	account->user.uid = found->pw_uid;
	account->user.gid = found->pw_gid;
}

static struct account *add(struct account_list *list)
{
	if (list->n == list->alloc) {
		list->alloc = list->alloc ? list->alloc * 2 : 4;
		list->v = xrealloc(list->v, list->alloc * sizeof(*list->v));
	}
	return list->v[list->n++] = arena_zalloc(&list->arena, sizeof(struct account));
}

/* Nobody sets them for a run, but whoever asks what a run has is told them. */
static void set_own_groups(struct account_list *list, struct account *account)
{
	int n = getgroups(0, NULL);
	gid_t *groups = arena_alloc(&list->arena, (size_t)MAX(n, 0) * sizeof(*groups));

	account->user.groups = groups;
	account->user.n_groups = (size_t)MAX(getgroups(n, groups), 0);
}

/* The agent's own user. */
static struct account *add_self(struct account_list *list)
{
	struct account *account = add(list);
	struct passwd entry;
	const struct passwd *found = lookup(list, &entry, NULL, geteuid());

	if (found) {
		fill(list, account, found);
	} else {
		account->name = arena_printf(&list->arena, "uid %u", (unsigned)geteuid());
		account->home = "/";
		account->user.uid = geteuid();
	}
	account->user.gid = getegid();
	set_own_groups(list, account);
	return account;
}

static struct account *add_named(struct account_list *list, const char *name)
{
	struct account *account = add(list);
	struct passwd entry;
	const struct passwd *found = lookup(list, &entry, name, 0);

	account->change = true;
	if (found) {
		fill(list, account, found);
		set_groups(list, account);
		return account;
	}
	account->name = arena_strdup(&list->arena, name);
	account->home = "/";
	account->error = errno
		? arena_printf(&list->arena, "run_as: user '%s' cannot be looked up: %s", name, strerror(errno))
		: arena_printf(&list->arena, "run_as: there is no user '%s' on this host", name);
	return account;
}

static struct account *find(struct account_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++) {
		if (streq(list->v[i]->name, name))
			return list->v[i];
	}
	return NULL;
}

static bool allowed(const struct account_rules *rules, const char *name)
{
	for (size_t i = 0; i < rules->n_allow; i++) {
		if (streq(rules->allow[i], name))
			return true;
	}
	return false;
}

static struct account *add_default(struct account_list *list, const struct account_rules *rules)
{
	struct passwd entry;

	if (geteuid() != 0)
		return add_self(list);
	if (rules->default_user)
		return add_named(list, rules->default_user);
	return add_named(list, lookup(list, &entry, "mrprober", 0) ? "mrprober" : "nobody");
}

/* One that is allowed may be there on other hosts only, or be made later; or the name is a slip. */
static int check_allowed(struct account_list *list, const char *name, struct mrp_err *err)
{
	if (strchr(name, ','))
		return mrp_err_set(
			err, MRP_EUSAGE, "--allow-user: '%s' is no user: name each with an option of its own", name);
	if (add_named(list, name)->error)
		log_warning("--allow-user: there is no user '%s' on this host", name);
	return 0;
}

int account_rules_check(const struct account_rules *rules, struct mrp_err *err)
{
	struct account_list *list = xcalloc(1, sizeof(*list));
	int r = 0;

	if (geteuid() != 0 && (rules->default_user || rules->n_allow))
		r = mrp_err_set(err, MRP_EINVALID, "--%s needs an agent that runs as root: only root may change users",
			rules->default_user ? "default-user" : "allow-user");
	else if (rules->default_user && add_named(list, rules->default_user)->error)
		r = mrp_err_set(
			err, MRP_EINVALID, "--default-user: there is no user '%s' on this host", rules->default_user);
	for (size_t i = 0; r == 0 && i < rules->n_allow; i++)
		r = check_allowed(list, rules->allow[i], err);
	account_list_free(list);
	return r;
}

/* The account that the entry may run as; NULL with entry->error set. */
static const struct account *choose(
	struct agent_config *config, const struct account_rules *rules, const char *name, const char **error)
{
	struct account_list *list = config->owners;
	struct account *by_default = list->v[0];

	if (!name || streq(name, by_default->name))
		return by_default;
	if (geteuid() != 0)
		*error = arena_printf(&config->arena,
			"run_as: '%s' is not '%s', and only an agent that runs as root can change users", name,
			by_default->name);
	else if (!allowed(rules, name))
		*error = arena_printf(
			&config->arena, "run_as: user '%s' is not allowed on this host (--allow-user)", name);
	else {
		struct account *account = find(list, name);

		return account ? account : add_named(list, name);
	}
	return NULL;
}

void agent_config_set_accounts(struct agent_config *config, const struct account_rules *rules)
{
	account_list_free(config->owners);
	config->owners = xcalloc(1, sizeof(*config->owners));
	add_default(config->owners, rules);
	for (size_t i = 0; i < config->entries.n; i++) {
		struct entry *entry = config->entries.v[i];

		if (entry->error)
			continue;
		entry->account = choose(config, rules, entry->run_as, &entry->error);
		if (entry->account && entry->account->error)
			entry->error = entry->account->error;
	}
	free(config->owners->buf);
	config->owners->buf = NULL;
}
