/* SPDX-License-Identifier: Apache-2.0 */
/* Health, and the description of the API itself. */
#include "call.h"

int service_health(struct api_call *call, struct mrp_err *err)
{
	(void)err;
	strbuf_addstr(&call->response.body, "{\"status\":\"ok\"}\n");
	respond_json(call, 200);
	return 0;
}

int service_ready(struct api_call *call, struct mrp_err *err)
{
	int64_t revision;

	if (store_meta(&revision, NULL, call->db, err) < 0) {
		call->status = 503;
		return -1;
	}
	return service_health(call, err);
}

int service_openapi(struct api_call *call, struct mrp_err *err)
{
	char hex[SHA256_HEX + 1];

	(void)err;
	api_openapi(&call->response.body);
	sha256_hex_of(hex, call->response.body.buf, call->response.body.len);
	call->response.etag = arena_printf(&call->arena, "\"%s\"", hex);
	if (!api_not_modified(call))
		respond_json(call, 200);
	return 0;
}
