/* SPDX-License-Identifier: Apache-2.0 */
/* Every route, one row each: dispatch, who may call it, 405, metrics labels and the OpenAPI document all come from here. */
#include "call.h"

#define Q(param) (1U << (param))
#define LIST_PARAMS (Q(Q_PAGE_SIZE) | Q(Q_PAGE_TOKEN) | Q(Q_SLUG) | Q(Q_LABEL))

/* The plain routes of a kind. What only some kinds take is said by the arguments. */
/* clang-format off */
#define KIND_ROUTES(K, plural, singular, list_params, get_params, patch_params, delete_params)                                      \
	{ "GET", "/v1/" plural, object_list, ACCESS_READ, RF_NEGOTIABLE, LIST_PARAMS | list_params, K, SHAPE_NONE, SHAPE_OBJECTS,    \
	  200, "list " plural " by slug" },                                                                            \
	{ "POST", "/v1/" plural, object_create, ACCESS_EDIT, RF_WRITE | RF_BODY | RF_BATCH, 0, K, SHAPE_OBJECT,        \
	  SHAPE_OBJECT, 201, "create a " singular },                                                                   \
	{ "GET", "/v1/" plural "/{slug}", object_get, ACCESS_READ, RF_NEGOTIABLE, get_params, K, SHAPE_NONE,           \
	  SHAPE_OBJECT, 200, "read a " singular },                                                                     \
	{ "PATCH", "/v1/" plural "/{slug}", object_patch, ACCESS_EDIT,                                                 \
	  RF_WRITE | RF_BODY | RF_PATCH | RF_BATCH | RF_NEGOTIABLE, patch_params, K, SHAPE_OBJECT, SHAPE_OBJECT, 200,  \
	  "change a " singular " by a merge patch" },                                                                  \
	{ "DELETE", "/v1/" plural "/{slug}", object_delete, ACCESS_EDIT, RF_WRITE | RF_BATCH | RF_NEGOTIABLE,          \
	  delete_params, K, SHAPE_NONE, SHAPE_NONE, 204, "delete a " singular }
/* clang-format on */

#define VARIABLES "/v1/clusters/{slug}/variables"

const struct api_route api_routes[] = {
	/* those that many ask for often come first */
	{ "GET", "/v1/agent-config", agent_config_get, ACCESS_READ | ACCESS(AGENT), RF_NEGOTIABLE, Q(Q_CLUSTER) | Q(Q_HOST), KIND_COUNT,
		SHAPE_NONE, SHAPE_AGENT_CONFIG, 200, "what the agent of a host runs" },
	{ "GET", "/v1/state", state_get, ACCESS_READ, RF_NEGOTIABLE, 0, KIND_COUNT, SHAPE_NONE, SHAPE_STATE, 200,
		"digests and revisions of all objects" },
	{ "PUT", "/v1/agents/{cluster}/{host}", agent_put, ACCESS_REPORT, RF_BODY | RF_SMALL, 0, KIND_COUNT, SHAPE_AGENT, SHAPE_NONE, 204,
		"report how an agent does; kept for a week" },
	{ "GET", "/v1/agents/{cluster}/{host}", agent_get, ACCESS_READ | ACCESS(AGENT), 0, 0, KIND_COUNT, SHAPE_NONE, SHAPE_AGENT, 200,
		"the last report of an agent" },
	{ "GET", "/v1/agents", agent_list, ACCESS_READ, 0, Q(Q_CLUSTER) | Q(Q_PAGE_SIZE) | Q(Q_PAGE_TOKEN), KIND_COUNT,
		SHAPE_NONE, SHAPE_AGENTS, 200, "agents that have reported, by cluster and host" },
	KIND_ROUTES(KIND_PROBER, "probers", "prober", 0, 0, 0, 0),
	KIND_ROUTES(KIND_CLUSTER, "clusters", "cluster", Q(Q_SHOW_SENSITIVE), Q(Q_SHOW_SENSITIVE), Q(Q_FORCE), Q(Q_ORPHAN)),
	KIND_ROUTES(KIND_RECIPE, "recipes", "recipe", 0, 0, Q(Q_REPLACE_VALUES), 0),

	{ "GET", VARIABLES, variable_list, ACCESS_READ, RF_NEGOTIABLE, Q(Q_SHOW_SENSITIVE), KIND_CLUSTER, SHAPE_NONE,
		SHAPE_VARIABLES, 200, "variables of a cluster" },
	{ "GET", VARIABLES "/{name}", variable_get, ACCESS_READ | ACCESS(MEESEEKS), RF_NEGOTIABLE, Q(Q_SHOW_SENSITIVE), KIND_CLUSTER,
		SHAPE_NONE, SHAPE_VARIABLE, 200, "read a variable" },
	{ "PUT", VARIABLES "/{name}", variable_put, ACCESS_WRITE, RF_WRITE | RF_BODY | RF_BATCH | RF_NEGOTIABLE,
		Q(Q_FORCE), KIND_CLUSTER, SHAPE_VARIABLE, SHAPE_VARIABLE, 200, "write a variable" },
	{ "DELETE", VARIABLES "/{name}", variable_delete, ACCESS_EDIT, RF_WRITE | RF_BATCH | RF_NEGOTIABLE, 0,
		KIND_CLUSTER, SHAPE_NONE, SHAPE_NONE, 204, "delete a variable" },

	{ "POST", "/v1/clusters/{slug}/deploy", cluster_deploy, ACCESS_EDIT | ACCESS(MEESEEKS), RF_WRITE | RF_MAY_BODY | RF_NEGOTIABLE, 0,
		KIND_CLUSTER, SHAPE_ANY, SHAPE_CLUSTER_STATE, 202, "ask for a deployment now" },
	{ "GET", "/v1/clusters/{slug}/deployments", deployment_list, ACCESS_READ, 0, Q(Q_PAGE_SIZE) | Q(Q_PAGE_TOKEN),
		KIND_CLUSTER, SHAPE_NONE, SHAPE_DEPLOYMENTS, 200, "deployments of a cluster, newest first" },
	{ "POST", "/v1/clusters/{slug}/deployments", deployment_create, ACCESS_CREATE, RF_WRITE | RF_BODY, Q(Q_FORCE),
		KIND_CLUSTER, SHAPE_DEPLOYMENT, SHAPE_DEPLOYMENT, 201, "record a deployment that begins" },
	{ "GET", "/v1/deployments/{id}", deployment_get, ACCESS_READ, RF_NEGOTIABLE, Q(Q_SHOW_SENSITIVE), KIND_COUNT, SHAPE_NONE,
		SHAPE_DEPLOYMENT, 200, "read a deployment" },
	{ "PATCH", "/v1/deployments/{id}", deployment_patch, ACCESS_CREATE,
		RF_WRITE | RF_BODY | RF_PATCH | RF_NEGOTIABLE, 0, KIND_COUNT, SHAPE_DEPLOYMENT, SHAPE_DEPLOYMENT, 200,
		"report how a deployment goes on" },
	{ "POST", "/v1/deployments/{id}/approve", deployment_approve, ACCESS_EDIT,
		RF_WRITE | RF_MAY_BODY | RF_NEGOTIABLE, 0, KIND_COUNT, SHAPE_APPROVAL, SHAPE_DEPLOYMENT, 200,
		"allow the plan of a refused deployment" },
	{ "GET", "/v1/deployments/{id}/logs/{stage}", deployment_log, ACCESS_READ, 0, 0, KIND_COUNT, SHAPE_NONE,
		SHAPE_TEXT, 200, "output of a stage" },

	{ "GET", "/v1/blobs/{sha256}", blob_download, ACCESS_READ | ACCESS(AGENT), RF_NEGOTIABLE, 0, KIND_COUNT, SHAPE_NONE, SHAPE_BYTES,
		200, "content by its SHA-256" },
	{ "PUT", "/v1/blobs/{sha256}", blob_upload, ACCESS_EDIT, RF_WRITE | RF_RAW | RF_LARGE, 0, KIND_COUNT,
		SHAPE_BYTES, SHAPE_NONE, 201, "upload content under its SHA-256" },
	{ "POST", "/v1/blobs/missing", blob_missing, ACCESS_READ, RF_BODY, 0, KIND_COUNT, SHAPE_HASHES, SHAPE_MISSING,
		200, "which of these contents are not here" },

	{ "POST", "/v1/batch", batch_run, ACCESS_WRITE, RF_WRITE | RF_BODY | RF_SPLIT, 0, KIND_COUNT, SHAPE_BATCH,
		SHAPE_BATCH_RESULTS, 200, "several operations on objects in one transaction" },

	{ "GET", "/v1/leases/{name}", lease_get, ACCESS_READ, 0, 0, KIND_COUNT, SHAPE_NONE, SHAPE_LEASE, 200,
		"who holds a lease" },
	{ "POST", "/v1/leases/{name}", lease_take, ACCESS_LOCK, RF_WRITE | RF_BODY, 0, KIND_COUNT, SHAPE_LEASE_TAKE,
		SHAPE_LEASE, 201, "take a lease; 409 names who holds it" },
	{ "PUT", "/v1/leases/{name}", lease_renew, ACCESS_LOCK, RF_WRITE | RF_BODY, 0, KIND_COUNT, SHAPE_LEASE_RENEW,
		SHAPE_LEASE, 200, "renew a lease" },
	{ "DELETE", "/v1/leases/{name}", lease_release, ACCESS_LOCK, RF_WRITE, Q(Q_FENCE) | Q(Q_FORCE), KIND_COUNT,
		SHAPE_NONE, SHAPE_NONE, 204, "release a lease" },

	{ "GET", "/healthz", service_health, ACCESS_OPEN, 0, 0, KIND_COUNT, SHAPE_NONE, SHAPE_HEALTH, 200,
		"whether the process answers" },
	{ "GET", "/readyz", service_ready, ACCESS_OPEN, 0, 0, KIND_COUNT, SHAPE_NONE, SHAPE_HEALTH, 200,
		"whether the database answers" },
	{ "GET", "/metrics", service_metrics, ACCESS_READ, 0, 0, KIND_COUNT, SHAPE_NONE, SHAPE_TEXT, 200,
		"metrics in the Prometheus text format" },
	{ "GET", "/openapi.json", service_openapi, ACCESS_ANY, RF_NEGOTIABLE, 0, KIND_COUNT, SHAPE_NONE, SHAPE_ANY,
		200, "this description" },
	{ "GET", "/", service_page, ACCESS_OPEN, 0, 0, KIND_COUNT, SHAPE_NONE, SHAPE_HTML, 200,
		"a page to look around" },
};

const size_t api_routes_n = ARRAY_SIZE(api_routes);
