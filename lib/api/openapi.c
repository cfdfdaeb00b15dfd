/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenAPI 3.1 document, made from the table of routes and the tables of fields: what is not in them cannot be
 * served, and what is in them is described.
 */
#include "agents.h"
#include "call.h"
#include "deployment.h"
#include "lease.h"

#define REF "#/components/schemas/"

/* Shapes that are no table of fields, as JSON Schema text. */
static const struct {
	const char *name, *schema;
} shapes[SHAPE_COUNT] = {
	[SHAPE_VARIABLES] = { "Variables",
		"{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"" REF "Variable\"}}" },
	[SHAPE_VARIABLE] = { "Variable",
		"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
		"\"value\":{\"description\":\"any JSON; absent when it is sensitive and the caller's role is not creator or admin; left out of "
		"a PUT: stays\"},"
		"\"owner\":{\"enum\":[\"synchronize\",\"meeseeks\",\"initial\",\"manual\"],"
		"\"description\":\"who writes it; manual when a PUT does not say. Taking it from another owner than "
		"initial needs "
		"If-Match or force=true\"},"
		"\"sensitive\":{\"type\":\"boolean\",\"description\":\"never shown or logged; left out of a PUT: "
		"stays\"},"
		"\"updated_at\":{\"type\":\"string\",\"readOnly\":true},\"revision\":{\"type\":\"integer\","
		"\"readOnly\":true}}}" },
	[SHAPE_CLUSTER_STATE] = { "ClusterState",
		"{\"type\":\"object\",\"properties\":{\"status\":{\"enum\":[\"pending\",\"deploying\",\"deployed\","
		"\"failed\","
		"\"waiting\",\"refused\",\"disabled\",\"destroying\"]},\"message\":{\"type\":\"string\"},"
		"\"deployment\":{\"type\":\"integer\",\"description\":\"the last one\"},"
		"\"deploy_requested_at\":{\"type\":\"string\",\"description\":\"until a deployment begins\"},"
		"\"changed_at\":{\"type\":\"string\",\"description\":\"when the cluster or a variable of it was written\"},"
		"\"last_started_at\":{\"type\":\"string\",\"description\":\"when the last deployment began\"},"
		"\"last_ended_at\":{\"type\":\"string\",\"description\":\"when one last ended\"},"
		"\"failures\":{\"type\":\"integer\",\"description\":\"deployments that failed since one did not\"},"
		"\"state_holder\":{\"type\":\"string\",\"description\":\"the creator that has the terraform state; "
		"absent: all can reach it\"},"
		"\"deployed\":{\"type\":\"integer\",\"description\":\"the deployment that has what it was last deployed by\"},"
		"\"refused_by\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"policies of creators "
		"that do not allow its recipe\"},"
		"\"dirty\":{\"type\":\"object\",\"description\":\"terraform was killed while it applied: the next plan "
		"waits for approval\",\"properties\":{\"deployment\":{\"type\":\"integer\"},"
		"\"half_made\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}}" },
	[SHAPE_HASHES] = { "Hashes",
		"{\"type\":\"object\",\"required\":[\"sha256\"],\"properties\":{\"sha256\":{\"type\":\"array\","
		"\"items\":"
		"{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\"}}}}" },
	[SHAPE_MISSING] = { "Missing",
		"{\"type\":\"object\",\"properties\":{\"missing\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}"
		"}" },
	[SHAPE_BATCH] = { "Batch",
		"{\"type\":\"object\",\"required\":[\"operations\"],\"properties\":{\"operations\":{\"type\":\"array\","
		"\"items\":"
		"{\"type\":\"object\",\"required\":[\"method\",\"path\"],\"additionalProperties\":false,\"properties\":"
		"{"
		"\"method\":{\"type\":\"string\"},\"path\":{\"type\":\"string\"},\"if_match\":{\"type\":\"string\"},"
		"\"body\":{}}}}}}" },
	[SHAPE_BATCH_RESULTS] = { "BatchResults",
		"{\"type\":\"object\",\"properties\":{\"results\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
		"\"properties\":{"
		"\"status\":{\"type\":\"integer\"},\"body\":{}}}}}}" },
	[SHAPE_STATE] = { "State",
		"{\"type\":\"object\",\"properties\":{\"root\":{\"type\":\"string\",\"description\":\"SHA-256 over the digests "
		"of all managed objects; it and digests of clusters only for roles editor and admin\"},\"environment\":{\"type\":[\"string\",\"null\"]},"
		"\"kinds\":{\"type\":\"object\",\"description\":\"managed objects: kind -> slug -> digest and "
		"revision\"},"
		"\"unmanaged\":{\"type\":\"object\",\"description\":\"objects made by hand: kind -> slug -> "
		"revision\"},"
		"\"destroying\":{\"type\":\"object\",\"description\":\"objects that wait to be destroyed: kind -> slug "
		"-> revision\"}}}" },
	[SHAPE_HEALTH] = { "Health", "{\"type\":\"object\",\"properties\":{\"status\":{\"const\":\"ok\"}}}" },
	[SHAPE_AGENT_CONFIG] = { "AgentConfig",
		"{\"type\":\"object\",\"properties\":{\"cluster\":{\"type\":\"string\"},\"host\":{\"type\":\"string\"},"
		"\"environment\":{\"type\":[\"string\",\"null\"]},"
		"\"config_revision\":{\"type\":\"string\",\"description\":\"moves when anything else here does\"},"
		"\"probers\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"prober\",\"name\",\"matrix\"],"
		"\"description\":\"a prober and one combination of its matrix, with defaults filled in; with error it cannot "
		"run\",\"properties\":{\"id\":{\"type\":\"string\",\"description\":\"slug and values of the matrix\"},"
		"\"prober\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},\"matrix\":{\"type\":\"object\"},"
		"\"error\":{\"type\":\"string\"},\"set_by\":{\"type\":\"object\",\"description\":\"field -> number of the "
		"placement that set it\"}}}}}}" },
	[SHAPE_AGENTS] = { "Agents",
		"{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
		"\"cluster\":{\"type\":\"string\"},\"host\":{\"type\":\"string\"},\"last_seen\":{\"type\":\"string\"},"
		"\"version\":{\"type\":[\"string\",\"null\"]},\"config_revision\":{\"type\":[\"string\",\"null\"]},"
		"\"counts\":{\"type\":\"object\",\"description\":\"probers by status\"},"
		"\"failing\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"ids of probers whose last run "
		"was no success, the first hundred\"}}}},\"next_page_token\":{\"type\":[\"string\",\"null\"]}}}" },
	[SHAPE_ANY] = { "Any", "{\"type\":\"object\"}" },
	[SHAPE_DEPLOYMENTS] = { "Deployments",
		"{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"" REF
		"Deployment\"}},"
		"\"next_page_token\":{\"type\":[\"string\",\"null\"]}}}" },
};

static const char problem_schema[] =
	"{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
	"\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},\"errors\":{\"type\":\"array\",\"items\":"
	"{\"type\":\"object\",\"properties\":{\"field\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"}}}}}}";

static struct value *text(struct arena *arena, const char *s)
{
	return value_string(arena, s);
}

static struct value *ref(struct arena *arena, const char *name)
{
	struct value *v = value_object(arena);

	value_append(arena, v, "$ref", value_string(arena, arena_printf(arena, REF "%s", name)));
	return v;
}

static struct value *parsed(struct arena *arena, const char *json)
{
	struct mrp_err err = MRP_ERR_INIT;
	struct value *v = json_parse(arena, json, strlen(json), "a schema", &err);

	if (!v)
		BUG("%s", err.msg);
	return v;
}

/* "Recipe", "Clusters" */
static const char *title(struct arena *arena, const char *name)
{
	char *s = arena_strdup(arena, name);

	s[0] = (char)(s[0] - 'a' + 'A');
	return s;
}

static const char *media_type(const struct api_route *route, enum api_shape shape, bool request)
{
	switch (shape) {
	case SHAPE_BYTES:
		return "application/octet-stream";
	case SHAPE_TEXT:
		return "text/plain";
	case SHAPE_HTML:
		return "text/html";
	default:
		return request && (route->flags & RF_PATCH) ? "application/merge-patch+json" : "application/json";
	}
}

static struct value *shape_schema(struct arena *arena, const struct api_route *route, enum api_shape shape)
{
	switch (shape) {
	case SHAPE_OBJECT:
		return ref(arena, title(arena, kinds[route->kind].name));
	case SHAPE_OBJECTS:
		return ref(arena, title(arena, kinds[route->kind].plural));
	case SHAPE_DEPLOYMENT:
		return ref(arena, "Deployment");
	case SHAPE_APPROVAL:
		return ref(arena, "Approval");
	case SHAPE_AGENT:
		return ref(arena, "Agent");
	case SHAPE_LEASE:
		return ref(arena, "Lease");
	case SHAPE_LEASE_TAKE:
		return ref(arena, "LeaseTake");
	case SHAPE_LEASE_RENEW:
		return ref(arena, "LeaseRenew");
	case SHAPE_BYTES:
	case SHAPE_TEXT:
	case SHAPE_HTML:
		return parsed(arena, "{\"type\":\"string\"}");
	default:
		return ref(arena, shapes[shape].name);
	}
}

static struct value *content(struct arena *arena, const struct api_route *route, enum api_shape shape, bool request)
{
	struct value *types = value_object(arena), *type = value_object(arena);

	/* a merge patch has the fields of what it patches, but nothing in it is required */
	value_append(arena, type, "schema",
		request && (route->flags & RF_PATCH) ? parsed(arena, "{\"type\":\"object\"}")
						     : shape_schema(arena, route, shape));
	value_append(arena, types, media_type(route, shape, request), type);
	return types;
}

static void add_parameter(struct arena *arena, struct value *list, const char *in, const char *name, const char *type,
	const char *help, bool required)
{
	struct value *parameter = value_object(arena), *schema = value_object(arena);

	value_append(arena, parameter, "name", text(arena, name));
	value_append(arena, parameter, "in", text(arena, in));
	if (help)
		value_append(arena, parameter, "description", text(arena, help));
	if (required)
		value_append(arena, parameter, "required", value_bool(arena, true));
	value_append(arena, schema, "type", text(arena, type));
	value_append(arena, parameter, "schema", schema);
	value_push(arena, list, parameter);
}

static struct value *parameters(struct arena *arena, const struct api_route *route)
{
	struct value *list = value_array(arena);

	for (const char *p = route->path; (p = strchr(p, '{')); p++) {
		const char *name = arena_strndup(arena, p + 1, strcspn(p + 1, "}"));

		add_parameter(arena, list, "path", name, "string", NULL, true);
	}
	for (int i = 0; i < Q_COUNT; i++) {
		if (route->params & (1U << i))
			add_parameter(arena, list, "query", api_params[i].name, api_params[i].type, api_params[i].help,
				false);
	}
	if (route->flags & RF_NEGOTIABLE)
		add_parameter(arena, list, "header", route->flags & RF_WRITE ? "If-Match" : "If-None-Match", "string",
			route->flags & RF_WRITE ? "412 unless it names the ETag" : "304 when it names the ETag", false);
	if (route->flags & RF_SPLIT)
		add_parameter(arena, list, "header", "Prefer", "string",
			"return=minimal: results have a status, and null as body", false);
	if (route->flags & RF_WRITE)
		add_parameter(arena, list, "header", "Mrprober-Lease", "string",
			"NAME;fence=N: 412 unless that lease is held with this fence", false);
	return list;
}

static void add_response(struct arena *arena, struct value *responses, int status, struct value *body)
{
	struct value *response = value_object(arena);

	value_append(arena, response, "description", text(arena, api_status_text(status)));
	if (body)
		value_append(arena, response, "content", body);
	value_append(arena, responses, arena_printf(arena, "%d", status), response);
}

static struct value *responses(struct arena *arena, const struct api_route *route)
{
	struct value *list = value_object(arena), *failure = value_object(arena), *types = value_object(arena),
		     *type = value_object(arena);
	bool put = streq(route->method, "PUT") && route->answer != SHAPE_LEASE && route->body != SHAPE_AGENT;

	add_response(arena, list, route->status, route->answer ? content(arena, route, route->answer, false) : NULL);
	if (put) /* was there already */
		add_response(arena, list, route->answer ? (route->status == 201 ? 200 : 201) : 204,
			route->answer ? content(arena, route, route->answer, false) : NULL);
	if (streq(route->method, "DELETE") && !strchr(route->path + 1, '}')[1] && route->kind != KIND_PROBER &&
		route->kind != KIND_COUNT && !strstr(route->path, "{name}"))
		add_response(arena, list, 202, content(arena, route, SHAPE_OBJECT, false));
	if ((route->flags & RF_NEGOTIABLE) && !(route->flags & RF_WRITE))
		add_response(arena, list, 304, NULL);
	value_append(arena, type, "schema", ref(arena, "Problem"));
	value_append(arena, types, "application/problem+json", type);
	value_append(arena, failure, "description", text(arena, "a problem (RFC 9457)"));
	value_append(arena, failure, "content", types);
	value_append(arena, list, "default", failure);
	return list;
}

/* "GET /v1/probers/{slug}" -> "get_v1_probers_slug" */
static const char *operation_id(struct arena *arena, const struct api_route *route)
{
	char *id = arena_printf(arena, "%s%s", route->method, route->path), *to = id;

	for (const char *p = id; *p; p++) {
		char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;

		if (c == '/' || c == '.' || c == '-')
			c = '_';
		if (c != '{' && c != '}')
			*to++ = c;
	}
	*to = '\0';
	return id;
}

/* [] when everybody may, else the roles that may */
static struct value *security(struct arena *arena, unsigned roles)
{
	struct value *list = value_array(arena), *one = value_object(arena), *names = value_array(arena);

	for (int i = 0; i < TOKEN_ROLES; i++) {
		if (roles & (1U << i))
			value_push(arena, names, text(arena, token_role_names[i]));
	}
	if (roles & ACCESS_OPEN)
		return list;
	value_append(arena, one, "token", names);
	value_push(arena, list, one);
	return list;
}

static struct value *operation(struct arena *arena, const struct api_route *route)
{
	struct value *v = value_object(arena), *list = parameters(arena, route);

	value_append(arena, v, "operationId", text(arena, operation_id(arena, route)));
	value_append(arena, v, "summary", text(arena, route->summary));
	if (list->n)
		value_append(arena, v, "parameters", list);
	value_append(arena, v, "security", security(arena, route->roles));
	if (route->body) {
		struct value *body = value_object(arena);

		value_append(arena, body, "required", value_bool(arena, !(route->flags & RF_MAY_BODY)));
		value_append(arena, body, "content", content(arena, route, route->body, true));
		value_append(arena, v, "requestBody", body);
	}
	value_append(arena, v, "responses", responses(arena, route));
	return v;
}

/* Every GET has its HEAD; where one is asked for to see whether something is there, it is a route of its own. */
static struct value *head_operation(struct arena *arena, const struct api_route *route)
{
	struct api_route head = *route;

	head.method = "HEAD";
	head.answer = SHAPE_NONE;
	return operation(arena, &head);
}

static const char *method_key(const char *method)
{
	static const struct {
		const char *method, *key;
	} keys[] = {
		{ "GET", "get" },
		{ "POST", "post" },
		{ "PUT", "put" },
		{ "PATCH", "patch" },
		{ "DELETE", "delete" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (streq(keys[i].method, method))
			return keys[i].key;
	}
	BUG("method '%s'", method);
}

static struct value *list_schema(struct arena *arena, const char *item)
{
	return parsed(arena,
		arena_printf(arena,
			"{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"" REF
			"%s\"}},\"next_page_token\":{\"type\":[\"string\",\"null\"]}}}",
			item));
}

static struct value *schemas(struct arena *arena)
{
	struct value *list = value_object(arena);

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const char *name = title(arena, kinds[kind].name);

		value_append(arena, list, name, schema_to_json(arena, kinds[kind].fields, FF_API, NULL, name));
		value_append(arena, list, title(arena, kinds[kind].plural), list_schema(arena, name));
	}
	value_append(arena, list, "Deployment", schema_to_json(arena, deployment_fields, FF_API, NULL, "Deployment"));
	value_append(arena, list, "Approval", schema_to_json(arena, approval_fields, FF_API, NULL, "Approval"));
	value_append(arena, list, "Agent", schema_to_json(arena, agent_fields, FF_API, NULL, "Agent"));
	value_append(arena, list, "Lease", schema_to_json(arena, lease_fields, FF_API, NULL, "Lease"));
	value_append(arena, list, "LeaseTake", schema_to_json(arena, lease_take_fields, FF_API, NULL, "LeaseTake"));
	value_append(arena, list, "LeaseRenew", schema_to_json(arena, lease_renew_fields, FF_API, NULL, "LeaseRenew"));
	for (int i = 0; i < SHAPE_COUNT; i++) {
		if (shapes[i].name)
			value_append(arena, list, shapes[i].name, parsed(arena, shapes[i].schema));
	}
	value_append(arena, list, "Problem", parsed(arena, problem_schema));
	return list;
}

void api_openapi(struct strbuf *out)
{
	cleanup(arena_release) struct arena arena = ARENA_INIT;
	struct value *document = value_object(&arena), *info = value_object(&arena), *paths = value_object(&arena),
		     *components = value_object(&arena);

	value_append(&arena, info, "title", text(&arena, "mrprober"));
	value_append(&arena, info, "version", text(&arena, MRP_VERSION));
	for (size_t i = 0; i < api_routes_n; i++) {
		const struct api_route *route = &api_routes[i];
		struct value *path = value_get(paths, route->path);

		if (!path) {
			path = value_object(&arena);
			value_append(&arena, paths, route->path, path);
		}
		value_append(&arena, path, method_key(route->method), operation(&arena, route));
		if (route->answer == SHAPE_BYTES && streq(route->method, "GET"))
			value_append(&arena, path, "head", head_operation(&arena, route));
	}
	value_append(&arena, components, "schemas", schemas(&arena));
	value_append(&arena, components, "securitySchemes",
		parsed(&arena,
			"{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"made by 'mrprober api "
			"token create'; not needed as long as none was made. Each operation lists the roles that may call it\"}}"));
	value_append(&arena, document, "openapi", text(&arena, "3.1.0"));
	value_append(&arena, document, "info", info);
	value_append(&arena, document, "paths", paths);
	value_append(&arena, document, "components", components);
	json_pretty(out, document);
}
