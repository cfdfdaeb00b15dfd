/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <sys/random.h>
#include <unistd.h>

#include "../base/file.h"
#include "guard.h"

enum { ID_BYTES = 8, ID_MAX = 256, OBJECTS_GRACE_MS = 5000 };

/* Which state folder this is: written once. The host is for people, the number tells two of them apart. */
static int make_id(const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	unsigned char bytes[ID_BYTES];
	char host[128] = "localhost";

	gethostname(host, sizeof(host) - 1);
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return mrp_err_errno(err, "no random bytes");
	strbuf_add_visible(&text, host, strlen(host));
	strbuf_addch(&text, '/');
	for (size_t i = 0; i < sizeof(bytes); i++)
		strbuf_addf(&text, "%02x", bytes[i]);
	strbuf_addch(&text, '\n');
	/* two that start at the same time: the first one's counts */
	cleanup(freep) char *temporary = xasprintf("%s.%ld", path, (long)getpid());
	if (replace_file(temporary, text.buf, text.len, 0600, err) < 0)
		return -1;
	int r = link(temporary, path);
	unlink(temporary);
	return r < 0 && access(path, F_OK) < 0 ? mrp_err_errno(err, "cannot create '%s'", path) : 0;
}

static int read_id(struct creator *creator, struct mrp_err *err)
{
	cleanup(freep) char *path = creator_path(creator, "id");
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if ((access(path, F_OK) < 0 && make_id(path, err) < 0) || read_file(&text, path, ID_MAX, err) < 0)
		return -1;
	while (text.len && text.buf[text.len - 1] == '\n')
		strbuf_setlen(&text, text.len - 1);
	if (!text.len)
		return mrp_err_set(err, MRP_EINVALID, "'%s' is empty", path);
	creator->id = strbuf_detach(&text, NULL);
	return 0;
}

/* Whose clusters these are, by the API unless the options say it. */
static int learn_environment(struct creator *creator, struct mrp_err *err)
{
	const struct creator_options *options = &creator->options;
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	const char *environment = options->environment;

	if (!environment) {
		struct http_client *client = http_open(options->api, err);
		struct value *state = NULL;
		int r = client ? api_get_state(client, NULL, &arena, &state, err) : -1;

		http_close(client);
		if (r < 0)
			return -1;
		environment = value_get_string(state, "environment");
	}
	creator->named = environment && *environment ? xstrdup(environment) : NULL;
	creator->prefix = objects_prefix(creator->named);
	/* with the environment: when that changes, the state would be looked for elsewhere */
	creator->state_holder = xasprintf("%s in %s", creator->id, creator->prefix);
	return 0;
}

static void on_lost(void *owner)
{
	struct deploy *d = owner;

	deploy_say(d, LOG_ERROR, "the lease is lost: terraform is interrupted");
	atomic_store(&d->lost, true);
	programs_cancel(d->creator->programs, d);
}

static int open_parts(struct creator *creator, struct mrp_err *err)
{
	const struct creator_options *options = &creator->options;

	if (options->lease_ms < LEASE_GRACES * options->grace_ms)
		return mrp_err_set(err, MRP_EUSAGE,
			"the lease is too short to end terraform in its time: --lease must be at least %d times "
			"--grace",
			LEASE_GRACES);
	creator->guard = guard_start(creator->token, err); /* before there are threads */
	if (creator->guard < 0 || make_folders(creator->folder, 0700, err) < 0 || read_id(creator, err) < 0 ||
		learn_environment(creator, err) < 0)
		return -1;
	if (options->providers_file && providers_load(&creator->providers, options->providers_file, err) < 0) {
		err->code = MRP_EINVALID; /* none is a bad one */
		return -1;
	}
	if (policy_digest(creator->policy, options->providers_file, options->allow_programs, err) < 0)
		return -1;
	if (!options->plan_only) {
		creator->objects = objects_open(&options->logs, err);
		if (!creator->objects)
			return -1;
	}
	creator->programs = programs_new(options->grace_ms, err);
	creator->leases = creator->programs ? leases_new(options->api, options->lease_ms, on_lost, err) : NULL;
	return creator->leases ? 0 : -1;
}

struct creator *creator_new(const struct creator_options *options, struct mrp_err *err)
{
	struct creator *creator = xcalloc(1, sizeof(*creator));
	char host[128] = "localhost";

	creator->options = *options;
	creator->guard = -1;
	creator->token = random_token();
	if (!creator->options.grace_ms)
		creator->options.grace_ms = TERRAFORM_GRACE_MS;
	if (!creator->options.lease_ms)
		creator->options.lease_ms = LEASE_TTL_MS;
	creator->folder = path_join(options->state_dir, "creator");
	creator->queue = clusters_new();
	strvec_init(&creator->environment);
	strvec_init(&creator->compared);
	pthread_mutex_init(&creator->account_lock, NULL);
	pthread_mutex_init(&creator->compared_lock, NULL);
	for (char **variable = environ; *variable; variable++)
		strvec_push(&creator->environment, *variable);
	gethostname(host, sizeof(host) - 1);
	creator->name = xasprintf("creator on %s, pid %ld", host, (long)getpid());
	if (open_parts(creator, err) == 0)
		return creator;
	creator_free(creator);
	return NULL;
}

void creator_free(struct creator *creator)
{
	if (!creator)
		return;
	leases_free(creator->leases);
	programs_free(creator->programs);
	objects_close(creator->objects, OBJECTS_GRACE_MS);
	providers_release(&creator->providers);
	clusters_free(creator->queue);
	strvec_clear(&creator->environment);
	strvec_clear(&creator->compared);
	pthread_mutex_destroy(&creator->account_lock);
	pthread_mutex_destroy(&creator->compared_lock);
	guard_end(creator->guard);
	free(creator->token);
	free(creator->folder);
	free(creator->prefix);
	free(creator->named);
	free(creator->state_holder);
	free(creator->id);
	free(creator->name);
	free(creator);
}

void creator_stop(struct creator *creator)
{
	programs_stop(creator->programs);
	clusters_close(creator->queue);
}
