/* SPDX-License-Identifier: Apache-2.0 */
#include "variable.h"

#include "../base/parse.h"
#include "../http/api.h"

#define OWNER "meeseeks"

void variable_release(struct variable *variable)
{
	arena_release(&variable->arena);
	*variable = (struct variable){ .revision = -1 };
}

/* "r12" in its quotes */
static int64_t revision_of(const char *etag)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t revision = -1;
	const char *digits;

	if (etag && skip_prefix(etag, "\"r", &digits)) {
		cleanup(freep) char *text = xstrndup(digits, strcspn(digits, "\""));

		if (parse_int(&revision, text, 0, INT64_MAX, &err) < 0)
			revision = -1;
		mrp_err_clear(&err);
	}
	return revision;
}

/* Initial values are there to be taken over; anybody else has reasons. */
static int check_entry(const struct node_mapping *mapping, const struct value *entry, struct mrp_err *err)
{
	const char *cluster = mapping_cluster(mapping), *name = mapping_variable(mapping),
		   *owner = value_get_string(entry, "owner");

	if (!owner)
		return mrp_err_set(err, MRP_EHTTP,
			"the API's answer about variable '%s' has no owner (is this the mrprober API?)", name);
	if (!streq(owner, OWNER) && !streq(owner, "initial"))
		return mrp_err_set(err, MRP_EREFUSED,
			"variable '%s' of cluster '%s' belongs to '%s', not to '" OWNER
			"'; 'mrprober api-client unset-variable %s %s' "
			"makes room for it",
			name, cluster, owner, cluster, name);
	if (!value_get(entry, "value"))
		return mrp_err_set(err, MRP_EREFUSED,
			"variable '%s' of cluster '%s' is sensitive, so it cannot be seen what it holds", name,
			cluster);
	return 0;
}

int variable_read(
	struct variable *out, struct http_client *http, const struct node_mapping *mapping, struct mrp_err *err)
{
	struct http_request request;
	struct api_result result;

	variable_release(out);
	api_request(&request, "GET", NULL, "/v1/clusters/%s/variables/%s", mapping_cluster(mapping),
		mapping_variable(mapping));
	if (api_call(http, &request, &out->arena, &result, err) < 0) {
		/* a cluster that is not there is another thing, and both are 404 */
		if (err->code != MRP_ENOTFOUND || !strstr(err->msg, "has no variable"))
			return -1;
		mrp_err_clear(err);
		return 0;
	}
	if (!result.value || result.value->type != V_OBJECT)
		return mrp_err_set(err, MRP_EHTTP, "the API's answer about variable '%s' is no variable",
			mapping_variable(mapping));
	if (check_entry(mapping, result.value, err) < 0)
		return -1;
	out->value = value_get(result.value, "value");
	out->revision = revision_of(result.etag);
	if (out->revision < 0)
		return mrp_err_set(err, MRP_EHTTP, "the API's answer about variable '%s' has no revision",
			mapping_variable(mapping));
	return 0;
}

int variable_write(struct http_client *http, const struct node_mapping *mapping, const struct value *list,
	int64_t revision, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	cleanup(http_answer_release) struct http_answer answer = HTTP_ANSWER_INIT;
	struct value *entry = value_object(&arena);
	struct http_request request;

	value_append(&arena, entry, "value", (struct value *)list);
	value_append(&arena, entry, "owner", value_string(&arena, OWNER));
	api_request_put_variable(&request, mapping_cluster(mapping), mapping_variable(mapping), entry, revision);
	int result = http_call(http, &request, &answer, err);
	if (result == 0)
		result = api_check_written(http, &request, &answer, err);
	http_request_release(&request);
	return result;
}

int variable_deploy(struct http_client *http, const struct node_mapping *mapping, struct mrp_err *err)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct http_request request;
	struct api_result result;

	api_request(&request, "POST", NULL, "/v1/clusters/%s/deploy", mapping_cluster(mapping));
	return api_call(http, &request, &arena, &result, err);
}
