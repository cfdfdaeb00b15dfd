/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom probers run as. An agent started as root runs them as an unprivileged user, and as others only when its own
 * configuration allows it (--allow-user), whatever the API says; any other agent runs them as itself. Users are looked
 * up once for each config, with their groups: never in a child, and never by the thread that keeps time, as a lookup
 * may ask a directory server.
 */
#ifndef MRP_AGENT_ACCOUNT_H
#define MRP_AGENT_ACCOUNT_H

#include "entry.h"

struct account {
	const char *name; /* of the user; "uid 1234" when the system has no name for it */
	const char *home; /* "/" when there is none */
	struct run_user user;
	bool change;       /* false: the agent's own; a run needs no change of user */
	const char *error; /* why nothing may run as this one, or NULL */
};

struct account_rules {
	const char *const *allow; /* users that run_as may name; no globs */
	size_t n_allow;
	const char *default_user; /* NULL: "mrprober" when there is such a user, else "nobody" */
};

/* MRP_EINVALID when there is no user of the name that --default-user says, or it is said and we are not root;
 * MRP_EUSAGE when a name of --allow-user can be none. Warns of those that are not there. Blocks. */
int account_rules_check(const struct account_rules *rules, struct mrp_err *err);

/* Set `account` in each entry; where that is not allowed or not possible, the entry's `error`. For a config that nobody
 * else has seen yet. Blocks. */
void agent_config_set_accounts(struct agent_config *config, const struct account_rules *rules);

struct account_list;
void account_list_free(struct account_list *list); /* NULL is harmless */

#endif
