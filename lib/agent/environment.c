/* SPDX-License-Identifier: Apache-2.0 */
/* One block of memory a run: this is done thousands of times a second, by the thread that keeps time. */
#include "environment.h"

#include <inttypes.h>

#include "account.h"

enum { AGENT_VARIABLES = 5, BASE_VARIABLES = 3, TIMEOUT_TEXT = 32, HASH_TEXT = 16 };

/* "5", "0.25": seconds without trailing zeros. */
static void format_timeout(char out[TIMEOUT_TEXT], int64_t ms)
{
	int n = snprintf(out, TIMEOUT_TEXT, "%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));

	while (out[n - 1] == '0')
		n--;
	out[out[n - 1] == '.' ? n - 1 : n] = '\0';
}

struct writer {
	char *at;
	const char **next; /* of env */
};

static char *put(char *at, const char *text)
{
	return stpcpy(at, text);
}

static void put_variable(struct writer *w, const char *name, const char *value)
{
	*w->next++ = w->at;
	w->at = put(put(put(w->at, name), "="), value) + 1;
}

static bool names(const struct label *variables, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (streq(variables[i].name, name))
			return true;
	}
	return false;
}

static size_t room(const struct label *variables, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += strlen(variables[i].name) + strlen(variables[i].value) + 2;
	return bytes;
}

static void set_spec(struct run_spec *spec, const struct entry *entry, enum run_what what)
{
	bool heals = what == RUN_WHAT_HEAL;

	*spec = (struct run_spec){
		.name = entry->id,
		.argv = heals ? entry->heal.argv : entry->argv,
		.user = entry->account->change ? &entry->account->user : NULL,
		.limits = entry->limits,
		.timeout_ms = heals ? entry->heal.timeout_ms : entry->timeout_ms,
		.grace_ms = entry->grace_ms,
		.max_output_bytes = entry->max_output_bytes,
		/* without a limit the beginning of what people read is worth something; half of a document never is */
		.output_is_limit = !heals &&
			(entry->output_is_limited || entry->output == OUTPUT_PROMETHEUS || entry->output == OUTPUT_JSON),
	};
}

void run_plan_make(struct run_plan *plan, const struct agent_config *config, const struct entry *entry,
	enum run_what what, const char *run_id)
{
	char timeout[TIMEOUT_TEXT];
	const char *root = config->files_root ? config->files_root : "";

	set_spec(&plan->spec, entry, what);
	format_timeout(timeout, plan->spec.timeout_ms);
	const struct label base[BASE_VARIABLES] = {
		{ "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
		{ "LANG", "C.UTF-8" },
		{ "HOME", entry->account->home },
	};
	const struct label agent[AGENT_VARIABLES] = {
		{ "MRPROBER_CLUSTER", config->cluster },
		{ "MRPROBER_HOST", config->host },
		{ "MRPROBER_PROBER", entry->prober },
		{ "MRPROBER_TIMEOUT", timeout },
		{ "MRPROBER_RUN_ID", run_id },
	};
	size_t pointers = (BASE_VARIABLES + AGENT_VARIABLES + entry->n_env + 1) * sizeof(char *);
	size_t folder = strlen(root) + 1 + strlen(entry->prober) + 1 + HASH_TEXT + 1;

	plan->memory = xmalloc(pointers + folder + room(base, BASE_VARIABLES) + room(agent, AGENT_VARIABLES) +
		room(entry->env, entry->n_env));
	plan->spec.env = plan->memory;
	struct writer w = { (char *)plan->memory + pointers, plan->memory };
	plan->spec.folder = config->files_root ? w.at : "/";
	w.at += snprintf(w.at, folder, "%s/%s-%016" PRIx64, root, entry->prober, entry->files_hash) + 1;
	for (size_t i = 0; i < BASE_VARIABLES; i++) {
		if (!names(entry->env, entry->n_env, base[i].name))
			put_variable(&w, base[i].name, base[i].value);
	}
	for (size_t i = 0; i < entry->n_env; i++) {
		if (!names(agent, AGENT_VARIABLES, entry->env[i].name))
			put_variable(&w, entry->env[i].name, entry->env[i].value);
	}
	for (size_t i = 0; i < AGENT_VARIABLES; i++)
		put_variable(&w, agent[i].name, agent[i].value);
	*w.next = NULL;
}

void run_plan_release(struct run_plan *plan)
{
	free(plan->memory);
	plan->memory = NULL;
}
