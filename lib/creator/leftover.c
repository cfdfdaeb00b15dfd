/* SPDX-License-Identifier: Apache-2.0 */
#include "leftover.h"

#include <dirent.h>
#include <inttypes.h>
#include <unistd.h>

#include "../base/file.h"
#include "../base/parse.h"
#include "half_made.h"

enum { LOG_MAX = 128 << 20 };

void leftover_init(struct leftover *left)
{
	*left = (struct leftover){ .arena = ARENA_INIT, .half = STRVEC_INIT, .whole = STRVEC_INIT };
	left->logs = value_object(&left->arena);
}

void leftover_release(struct leftover *left)
{
	strvec_clear(&left->half);
	strvec_clear(&left->whole);
	arena_release(&left->arena);
}

/* What a plan or a hook before it prints may hold values that are known to be sensitive only afterwards: such a log is
 * on no disk before. */
static bool secrets_are_known(const char *stage)
{
	static const char *const stages[] = { "init", "apply", "after-apply" };

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		if (streq(stages[i], stage))
			return true;
	}
	return false;
}

void leftover_keep(struct deploy *d)
{
	struct mrp_err err = MRP_ERR_INIT;

	if (!d->record.id || !secrets_are_known(d->log.stage))
		return;
	cleanup(freep) char *path =
		creator_path(d->creator, "runs/%s.%" PRId64 ".%s.log", d->slug, d->record.id, d->log.stage);
	if (stage_log_keep(&d->log, path, &err) < 0)
		deploy_say(d, LOG_WARNING, "%s", err.msg);
	mrp_err_clear(&err);
}

/* "CLUSTER.DEPLOYMENT.STAGE.log" of this cluster; *stage is yours to free. */
static bool is_log(char **stage, int64_t *deployment, const char *name, const char *slug)
{
	struct mrp_err bad = MRP_ERR_INIT;
	const char *number, *dot, *end;

	if (!skip_prefix(name, slug, &number) || *number++ != '.' || !(dot = strchr(number, '.')) ||
		!(end = strchr(dot + 1, '.')) || !streq(end, ".log"))
		return false;
	cleanup(freep) char *digits = xstrndup(number, (size_t)(dot - number));
	if (parse_int(deployment, digits, 1, INT64_MAX, &bad) < 0) {
		mrp_err_clear(&bad);
		return false;
	}
	*stage = xstrndup(dot + 1, (size_t)(end - dot - 1));
	return true;
}

static int store_one(struct leftover *left, const struct deploy *d, const char *path, const char *stage,
	int64_t deployment, struct mrp_err *err)
{
	const struct creator *creator = d->creator;
	cleanup(freep) char *key = stage_log_object(creator->prefix, d->slug, deployment, stage);
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (read_file(&text, path, LOG_MAX, err) < 0)
		return -1;
	if (text.len && text.buf[text.len - 1] != '\n')
		strbuf_addch(&text, '\n');
	strbuf_addstr(&text, "mrprober: the creator died here\n");
	if (objects_put(creator->objects, key, text.buf, text.len, err) < 0)
		return -1;
	left->deployment = deployment;
	value_set(&left->arena, left->logs, arena_strdup(&left->arena, stage), value_string(&left->arena, key));
	if (streq(stage, "apply"))
		half_made_of(&left->half, &left->whole, text.buf, text.len);
	return 0;
}

void leftover_store(struct leftover *left, struct deploy *d)
{
	cleanup(freep) char *folder = creator_path(d->creator, "runs");
	DIR *dir = opendir(folder);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		struct mrp_err err = MRP_ERR_INIT;
		cleanup(freep) char *path = path_join(folder, entry->d_name), *stage = NULL;
		int64_t deployment;

		if (!is_log(&stage, &deployment, entry->d_name, d->slug))
			continue;
		if (store_one(left, d, path, stage, deployment, &err) == 0)
			unlink(path);
		else
			deploy_say(d, LOG_WARNING, "the log of a run that died is not stored: %s", err.msg);
		mrp_err_clear(&err);
	}
	if (dir)
		closedir(dir);
}
