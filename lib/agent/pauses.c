/* SPDX-License-Identifier: Apache-2.0 */
#include "pauses.h"

#include <pthread.h>

#include "../base/clock.h"
#include "../base/file.h"
#include "../base/log.h"
#include "../value/json.h"

enum { FORMAT_VERSION = 1, FILE_MAX = 64 << 20 };

struct pause {
	char *id;
	int64_t until_ms;
};

VEC_DEFINE(pause_vec, struct pause)

struct pauses {
	char *path;
	pthread_mutex_t writing; /* who holds it may change `list` and the file */
	pthread_mutex_t lock;    /* of `list` */
	struct pause_vec list;   /* sorted by id */
};

static int compare_pauses(const void *a, const void *b)
{
	return strcmp(((const struct pause *)a)->id, ((const struct pause *)b)->id);
}

static void clear(struct pause_vec *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].id);
	pause_vec_clear(list);
}

/* {"format_version": 1, "paused": {id: until, 0 for ever}} */
static int read_list(struct pause_vec *out, const char *path, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;
	cleanup(arena_release) struct arena arena = ARENA_INIT;

	if (read_file(&text, path, FILE_MAX, err) < 0)
		return -1;
	const struct value *v = json_parse(&arena, text.buf, text.len, path, err);
	const struct value *paused = v && v->type == V_OBJECT ? value_get(v, "paused") : NULL;
	if (!paused || paused->type != V_OBJECT)
		return v ? mrp_err_set(err, MRP_EINVALID, "'%s' is no list of paused probers", path) : -1;
	for (uint32_t i = 0; i < paused->n; i++) {
		const struct member *m = &paused->members[i];

		if (m->value->type == V_INT)
			pause_vec_push(out, (struct pause){ xstrdup(m->key), m->value->i ? m->value->i : INT64_MAX });
	}
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), compare_pauses);
	return 0;
}

struct pauses *pauses_open(const char *path)
{
	struct pauses *pauses = xcalloc(1, sizeof(*pauses));
	struct mrp_err err = MRP_ERR_INIT;

	pauses->path = xstrdup(path);
	pthread_mutex_init(&pauses->writing, NULL);
	pthread_mutex_init(&pauses->lock, NULL);
	if (read_list(&pauses->list, path, &err) < 0 && err.code != MRP_ENOTFOUND)
		log_warning("nothing is paused any more: %s", err.msg);
	mrp_err_clear(&err);
	return pauses;
}

void pauses_close(struct pauses *pauses)
{
	if (!pauses)
		return;
	clear(&pauses->list);
	pthread_mutex_destroy(&pauses->lock);
	pthread_mutex_destroy(&pauses->writing);
	free(pauses->path);
	free(pauses);
}

static int write_list(const struct pauses *pauses, const struct pause_vec *list, struct mrp_err *err)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "{\"format_version\":%d,\"paused\":{", FORMAT_VERSION);
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			strbuf_addch(&text, ',');
		json_add_string(&text, list->v[i].id, strlen(list->v[i].id));
		strbuf_addf(&text, ":%lld", list->v[i].until_ms == INT64_MAX ? 0 : (long long)list->v[i].until_ms);
	}
	strbuf_addstr(&text, "}}\n");
	return replace_file(pauses->path, text.buf, text.len, 0644, err);
}

int pauses_set(struct pauses *pauses, const struct strvec *ids, int64_t until_ms, struct mrp_err *err)
{
	struct pause_vec list = VEC_INIT;
	int64_t now_ms = time_now_ms();

	pthread_mutex_lock(&pauses->writing);
	for (size_t i = 0; i < pauses->list.n; i++) {
		const struct pause *pause = &pauses->list.v[i];

		if (pause->until_ms > now_ms && !strvec_contains(ids, pause->id))
			pause_vec_push(&list, (struct pause){ xstrdup(pause->id), pause->until_ms });
	}
	for (size_t i = 0; until_ms > now_ms && i < ids->n; i++)
		pause_vec_push(&list, (struct pause){ xstrdup(ids->v[i]), until_ms });
	if (list.n > 1)
		qsort(list.v, list.n, sizeof(*list.v), compare_pauses);
	int r = write_list(pauses, &list, err);
	if (r == 0) {
		pthread_mutex_lock(&pauses->lock);
		struct pause_vec before = pauses->list;
		pauses->list = list;
		list = before;
		pthread_mutex_unlock(&pauses->lock);
	}
	pthread_mutex_unlock(&pauses->writing);
	clear(&list);
	return r;
}

void pauses_each(
	struct pauses *pauses, int64_t now_ms, void (*each)(void *ctx, const char *id, int64_t until_ms), void *ctx)
{
	pthread_mutex_lock(&pauses->lock);
	for (size_t i = 0; i < pauses->list.n; i++) {
		if (pauses->list.v[i].until_ms > now_ms)
			each(ctx, pauses->list.v[i].id, pauses->list.v[i].until_ms);
	}
	pthread_mutex_unlock(&pauses->lock);
}
