/* SPDX-License-Identifier: Apache-2.0 */
#include "requests.h"

void plan_request_main(struct http_request *request, const struct plan_change *change)
{
	switch (change->action) {
	case PLAN_CREATE:
		api_request(request, "POST", NULL, "/v1/%s", kinds[change->kind].plural);
		plan_create_body(&request->body, change->object);
		request->content_type = "application/json";
		request->harmless_twice = true; /* 409 then leads to a look: whose is it? */
		return;
	case PLAN_UPDATE:
		api_request_patch(request, change->kind, change->slug, change->patch, change->revision);
		if (change->replace_values)
			api_request_add_query(request, "replace_values=true");
		return;
	case PLAN_DELETE:
		api_request_delete(request, change->kind, change->slug, change->revision);
		return;
	case PLAN_ACTIONS:
		break;
	}
	BUG("action %d", (int)change->action);
}

void plan_request_put(struct http_request *request, const struct plan_change *change, const struct plan_put *put)
{
	api_request_put_variable(request, change->slug, put->name, put->entry, put->revision);
}
