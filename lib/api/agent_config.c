/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/agent-config: the probers of one host. Most requests end with 304, so that way is short. */
#include "agents.h"

#include "config_cache.h"

int agent_config_get(struct api_call *call, struct mrp_err *err)
{
	const char *cluster = call->query[Q_CLUSTER], *host = call->query[Q_HOST];

	if (!cluster || !host)
		return mrp_err_set(err, MRP_EPARSE, "query parameter '%s' is missing", cluster ? "host" : "cluster");
	if (agent_check_names(cluster, host, err) < 0)
		return -1;
	const struct config_class *class =
		config_cache_find(call->api->configs, call->db, cluster, host, call->started_us, err);
	if (!class)
		return -1;
	call->response.etag = arena_printf(&call->arena, "\"%s\"", config_class_etag(class));
	call->response.cache_control = "no-cache";
	if (api_not_modified(call))
		return 0;
	config_class_format(&call->response.body, class, host);
	respond_json(call, 200);
	return 0;
}
