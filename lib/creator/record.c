/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <inttypes.h>

enum { LOOK_BACK = 50, HALF_MADE_MAX = 1000 };

void record_init(struct record *record, struct http_client *client, const char *slug)
{
	*record = (struct record){ .client = client, .slug = slug, .arena = ARENA_INIT, .exit_code = -2 };
	record->logs = value_object(&record->arena);
}

void record_release(struct record *record)
{
	arena_release(&record->arena);
}

void record_add_log(struct record *record, const char *stage, const char *location)
{
	struct arena *arena = &record->arena;

	value_set(arena, record->logs, arena_strdup(arena, stage), value_string(arena, location));
}

static void set_string(struct record *record, struct value *v, const char *key, const char *text)
{
	if (text)
		value_append(&record->arena, v, key, value_string(&record->arena, text));
}

static void set_int(struct record *record, struct value *v, const char *key, int64_t n)
{
	value_append(&record->arena, v, key, value_int(&record->arena, n));
}

static void set_dirty(struct record *record, struct value *v, const struct dirty *dirty)
{
	struct value *list = value_array(&record->arena);

	value_append(&record->arena, v, "dirty", value_bool(&record->arena, dirty->is));
	for (size_t i = 0; dirty->is && i < MIN(dirty->half_made.n, (size_t)HALF_MADE_MAX); i++)
		value_push(&record->arena, list, value_string(&record->arena, dirty->half_made.v[i]));
	if (list->n)
		value_append(&record->arena, v, "half_made", list);
}

/* What a write says beside status, stage and message. */
static struct value *body(struct record *record, const char *status, const char *stage)
{
	struct value *v = value_object(&record->arena);

	set_string(record, v, "status", status);
	set_string(record, v, "stage", stage);
	if (!record->id) {
		set_string(record, v, "creator", record->creator);
		set_string(record, v, "state_holder", record->state_holder);
	}
	if (record->changes) {
		set_int(record, v, "added", record->changes->added);
		set_int(record, v, "changed", record->changes->changed);
		set_int(record, v, "destroyed", record->changes->destroyed);
	}
	set_string(record, v, "plan_digest", record->plan_digest);
	set_string(record, v, "refused_by", record->refused_by);
	if (record->approved_deployment)
		set_int(record, v, "approved_deployment", record->approved_deployment);
	if (record->exit_code > -2)
		set_int(record, v, "exit_code", record->exit_code);
	if (record->logs->n)
		value_append(&record->arena, v, "logs", record->logs);
	if (record->dirty)
		set_dirty(record, v, record->dirty);
	if (record->deployed)
		value_append(&record->arena, v, "deployed", (struct value *)record->deployed);
	return v;
}

/* POST the first time, then PATCH. Sent again after a lost connection, a POST could be recorded twice: the second one
 * is what goes on then, and the first is ended by the next run as one that died. */
static int write_record(struct record *record, const struct value *v, bool force, struct mrp_err *err)
{
	struct http_request request;
	struct api_result result;

	if (record->id)
		api_request(&request, "PATCH", v, "/v1/deployments/%" PRId64, record->id);
	else
		api_request(
			&request, "POST", v, "/v1/clusters/%s/deployments%s", record->slug, force ? "?force=true" : "");
	request.harmless_twice = true;
	if (api_call(record->client, &request, &record->arena, &result, err) < 0)
		return -1;
	const struct value *id = result.value ? value_get(result.value, "id") : NULL;
	if (!id || id->type != V_INT)
		return mrp_err_set(err, MRP_EHTTP, "the API's answer is no deployment");
	record->id = id->i;
	record->deployed = NULL;
	return 0;
}

int record_begin(struct record *record, const char *stage, bool force, struct mrp_err *err)
{
	return write_record(record, body(record, "running", stage), force, err);
}

int record_stage(struct record *record, const char *stage, struct mrp_err *err)
{
	return write_record(record, body(record, "running", stage), false, err);
}

int record_end(struct record *record, const char *status, const char *stage, const char *message, struct mrp_err *err)
{
	struct value *v = body(record, status, stage);

	set_string(record, v, "message", message);
	return write_record(record, v, false, err);
}

static int list(const struct value **items, struct record *record, struct mrp_err *err)
{
	struct http_request request;
	struct api_result result;

	api_request(&request, "GET", NULL, "/v1/clusters/%s/deployments?page_size=%d", record->slug, LOOK_BACK);
	if (api_call(record->client, &request, &record->arena, &result, err) < 0)
		return -1;
	*items = result.value ? value_get(result.value, "items") : NULL;
	if (!*items || (*items)->type != V_ARRAY)
		return mrp_err_set(err, MRP_EHTTP, "the API's answer is no list of deployments");
	return 0;
}

static int64_t id_of(const struct value *item)
{
	const struct value *id = item->type == V_OBJECT ? value_get(item, "id") : NULL;

	return id && id->type == V_INT ? id->i : 0;
}

static bool has_status(const struct value *item, const char *status)
{
	const char *text = value_get_string(item, "status");

	return text && streq(text, status);
}

static int end_dead(struct record *record, const struct value *item, struct record_dead *dead, struct mrp_err *err)
{
	const char *stage = value_get_string(item, "stage");
	struct value *v = value_object(&record->arena);
	struct http_request request;
	struct api_result result;

	set_string(record, v, "status", "interrupted");
	set_string(record, v, "message", dead->why);
	if (dead->logs && dead->logs->n && id_of(item) == dead->deployment)
		value_append(&record->arena, v, "logs", (struct value *)dead->logs);
	if (dead->broken->is && stage && streq(stage, "apply")) {
		set_dirty(record, v, dead->broken);
		dead->dirty = true;
	}
	api_request(&request, "PATCH", v, "/v1/deployments/%" PRId64, id_of(item));
	request.harmless_twice = true;
	return api_call(record->client, &request, &record->arena, &result, err);
}

int record_end_dead(struct record *record, struct record_dead *dead, struct mrp_err *err)
{
	const struct value *items;
	int n = 0;

	if (list(&items, record, err) < 0)
		return -1;
	value_for_each(item, items) {
		if (!id_of(item) || !has_status(item, "running"))
			continue;
		if (end_dead(record, item, dead, err) < 0)
			return -1;
		n++;
	}
	return n;
}

int record_find_approval(int64_t *id, struct record *record, const char *plan_digest, struct mrp_err *err)
{
	const struct value *items;

	*id = 0;
	if (list(&items, record, err) < 0)
		return -1;
	value_for_each(item, items) { /* newest first */
		const char *digest = id_of(item) ? value_get_string(item, "plan_digest") : NULL;

		if (!id_of(item) || has_status(item, "applied") || has_status(item, "destroyed"))
			break; /* what was allowed before that is done, or was about another time */
		if (digest && streq(digest, plan_digest) && has_status(item, "refused") &&
			value_get_string(item, "approved_at")) {
			*id = id_of(item);
			break;
		}
	}
	return 0;
}
