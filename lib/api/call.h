/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handler sees. It returns 0 with the response filled in, or -1 with err set, which problem.c turns into
 * application/problem+json. Handlers of routes with RF_WRITE run inside a transaction: returning -1 takes back what
 * they wrote. Everything in the call's arena lives until the response is sent.
 */
#ifndef MRP_API_CALL_H
#define MRP_API_CALL_H

#include "../store/objects.h"
#include "../store/tokens.h"
#include "../store/writer.h"
#include "../value/json.h"
#include "../value/merge.h"
#include "api.h"
#include "limits.h"
#include "metrics.h"

enum api_param {
	Q_PAGE_SIZE,
	Q_PAGE_TOKEN,
	Q_SLUG,
	Q_LABEL,
	Q_SHOW_SENSITIVE,
	Q_FORCE,
	Q_REPLACE_VALUES,
	Q_ORPHAN,
	Q_FENCE,
	Q_CLUSTER,
	Q_HOST,
	Q_COUNT,
};

struct api_param_info {
	const char *name, *help;
	const char *type; /* JSON Schema's */
	bool repeatable;
};

extern const struct api_param_info api_params[Q_COUNT];

/* Who may call a route, once there are tokens: bits of roles. */
#define ACCESS(role) (1U << TOKEN_##role)
enum {
	ACCESS_OPEN = 1 << TOKEN_ROLES, /* everybody, without a token */
	ACCESS_ANY = ACCESS_OPEN - 1,   /* every token */
	ACCESS_READ = ACCESS(VIEWER) | ACCESS(CREATOR) | ACCESS(EDITOR) | ACCESS(ADMIN),
	ACCESS_EDIT = ACCESS(EDITOR) | ACCESS(ADMIN),
	ACCESS_CREATE = ACCESS(CREATOR) | ACCESS(ADMIN),  /* what a creator reports */
	ACCESS_REPORT = ACCESS(AGENT) | ACCESS(ADMIN),    /* what an agent reports */
	ACCESS_SECRETS = ACCESS(CREATOR) | ACCESS(ADMIN), /* values of sensitive variables */
	ACCESS_LOCK = ACCESS_CREATE | ACCESS_EDIT,       /* who must not work at the same time */
	ACCESS_WRITE = ACCESS_LOCK | ACCESS(MEESEEKS),     /* variables, each role its own */
	ACCESS_DIGESTS = ACCESS(EDITOR) | ACCESS(ADMIN), /* of clusters: values can be guessed with them */
};

/* Who asks. */
struct api_caller {
	bool known; /* by a token; else there are none, and it is somebody on this machine */
	enum token_role role;
	const char *name;      /* of the token; "" when it has none */
	const char *cluster;   /* of an agent */
	const char *variables; /* of meeseeks: "CLUSTER/NAME CLUSTER/NAME" */
};

enum {
	RF_WRITE = 1 << 0,      /* runs in a transaction on the writer's thread */
	RF_BODY = 1 << 1,       /* needs a JSON body */
	RF_MAY_BODY = 1 << 2,   /* may have one */
	RF_PATCH = 1 << 3,      /* the body is a merge patch */
	RF_RAW = 1 << 4,        /* the body is bytes */
	RF_LARGE = 1 << 5,      /* the body may have API_BLOB_MAX bytes */
	RF_BATCH = 1 << 6,      /* may stand in a batch */
	RF_SMALL = 1 << 8,      /* the body may have API_REPORT_MAX bytes only */
	RF_SPLIT = 1 << 9,      /* a JSON body of up to API_BATCH_MAX bytes, which the handler parses piece by piece */
	RF_NEGOTIABLE = 1 << 7, /* takes If-Match, or If-None-Match when it is a read */
};

struct api_call;
typedef int api_handler(struct api_call *call, struct mrp_err *err);

/* Names of bodies, for the OpenAPI document. */
enum api_shape {
	SHAPE_NONE,
	SHAPE_OBJECT,
	SHAPE_OBJECTS,
	SHAPE_VARIABLE,
	SHAPE_VARIABLES,
	SHAPE_DEPLOYMENT,
	SHAPE_DEPLOYMENTS,
	SHAPE_APPROVAL,
	SHAPE_CLUSTER_STATE,
	SHAPE_BYTES,
	SHAPE_TEXT,
	SHAPE_HTML,
	SHAPE_HASHES,
	SHAPE_MISSING,
	SHAPE_BATCH,
	SHAPE_BATCH_RESULTS,
	SHAPE_STATE,
	SHAPE_HEALTH,
	SHAPE_AGENT_CONFIG,
	SHAPE_AGENT,
	SHAPE_AGENTS,
	SHAPE_LEASE,
	SHAPE_LEASE_TAKE,
	SHAPE_LEASE_RENEW,
	SHAPE_ANY,
	SHAPE_COUNT,
};

struct api_route {
	const char *method, *path;
	api_handler *handle;
	unsigned roles; /* ACCESS_... */
	unsigned flags;
	unsigned params; /* 1 << Q_... */
	enum kind kind;  /* of the object that the path names */
	enum api_shape body, answer;
	int status; /* of success */
	const char *summary;
};

extern const struct api_route api_routes[];
extern const size_t api_routes_n;

struct state_cache;  /* state.c */
struct config_cache; /* config_cache.h */
struct reports;      /* reports.h */
struct reads;        /* reads.h */
struct access;       /* access.c */
struct log_reader;   /* log_reader.h */

struct api {
	const struct store_ops *store;
	struct store_conn *reader, *write_conn;
	struct ahead *ahead; /* of write_conn */
	struct writer *writer;
	struct write_job sweep;
	char *state_dir;
	struct log_reader *logs; /* NULL: logs are in the folder */
	struct state_cache *state;
	struct config_cache *configs;
	struct reports *reports;
	struct reads *reads; /* NULL: the database is asked at once */
	struct api_metrics *metrics;
	struct server_stats server;
	struct access *access;
	char request_id_prefix[20];
	uint64_t requests;
};

enum { API_ARGS_MAX = 2 };

struct api_call {
	struct write_job job;
	struct api *api;
	struct api_request request;
	struct api_response response;
	struct arena arena;
	const struct api_route *route;  /* NULL when none fits */
	struct store_conn *db;          /* of the thread that runs the handler */
	const char *log_key;            /* set by a handler: the answer is this object, by the log reader */
	const char *args[API_ARGS_MAX]; /* what {slug}, {name}, ... stand for, in order */
	const char *query[Q_COUNT];     /* last value; NULL: absent */
	struct strvec labels;           /* all values of `label` */
	struct value *body;             /* parsed; NULL when there is none */
	struct problems problems;       /* become `errors` */
	int status;                     /* of the failure, when the error's code does not say it */
	const char *problem_type;       /* NULL: about:blank */
	const char *problem_results;    /* batch: the member `results`, as JSON */
	const char *problem_members;    /* more members, as JSON, each with a comma before it */
	struct api_caller caller;
	bool admitted;                  /* route and caller are known */
	int retry_after_s;              /* of a failure; 0: as its status has it */
	int64_t now_ms;                 /* wall clock when it began */
	int64_t started_us;             /* monotonic */
	void (*done)(void *ctx);
	void *done_ctx;
};

/* A failure with a status of its own: returns -1. */
int api_fail(struct api_call *call, struct mrp_err *err, int status, const char *fmt, ...) PRINTF(4, 5);
/* Make the response from an error and the call's problems; clears both. */
void api_problem(struct api_call *call, struct mrp_err *err);
int api_status_of(enum mrp_errcode code);

void api_set_request_id(struct api_call *call);
/* Find the route. 0, or -1: 404, or 405 with Allow. */
int api_find_route(struct api_call *call, struct mrp_err *err);
/* Does this path fit? Fills in args (decoded, from the arena; it may be NULL). */
bool route_matches(const char *pattern, const char *target, struct arena *arena, const char **args);
/* Parse the query by the route's parameters. */
int api_parse_query(struct api_call *call, struct mrp_err *err);
/* 400 when it is neither true nor false; absent is false. */
int query_bool(bool *out, struct api_call *call, enum api_param param, struct mrp_err *err);
int query_int(int64_t *out, struct api_call *call, enum api_param param, int64_t absent, int64_t min, int64_t max,
	struct mrp_err *err);
/* Check the Content-Type and parse the JSON body, as the route wants. */
int api_parse_body(struct api_call *call, struct mrp_err *err);
/* access.c. 401 or 429; as long as there are no tokens, api_check_origin. */
int api_authenticate(struct api_call *call, struct mrp_err *err);
/* 403 naming the roles that may call the route. */
int api_check_role(struct api_call *call, struct mrp_err *err);
/* 403 when the caller's role is for one cluster or some variables, and this is another; after the query is parsed. */
int api_check_scope(struct api_call *call, struct mrp_err *err);
/* 403 "WHAT needs role ..." */
int api_needs_role(struct api_call *call, unsigned roles, const char *what, struct mrp_err *err);
/* May the caller know values of sensitive variables; digests of clusters? */
bool api_reads_secrets(const struct api_call *call);
bool api_sees_digests(const struct api_call *call);
/* Do answers to this caller have the values, unasked? */
bool api_answers_secrets(const struct api_call *call);
/* The same for a read, with what the query says about it. */
int api_show_sensitive(bool *out, struct api_call *call, struct mrp_err *err);
struct access *access_new(void);
void access_free(struct access *access);
/* Look at the table of tokens before the next request, however fresh what is known may be. */
void access_expire(struct access *access);

/* Host and Origin, as long as there are no tokens. */
int api_check_origin(struct api_call *call, struct mrp_err *err);
int api_check_environment(struct api_call *call, struct mrp_err *err);

/* A write that names a lease is refused (412) when that is not held with its fence. */
int api_check_lease(struct api_call *call, struct mrp_err *err);
/* The lease that api_check_lease will want to know. */
void api_foresee_lease(const struct api_call *call, struct ahead *ahead);
/* What the handlers of writes ask first: the object that the path or the body names, and blobs. What it says need not be
 * valid, and need not be all. */
void api_foresee(const struct api_call *call, struct ahead *ahead);

/* ETag "r<revision>". */
void api_set_etag(struct api_call *call, int64_t revision);
/* 412 when If-Match or If-None-Match say no; revision -1: the thing does not exist. */
int api_check_preconditions(struct api_call *call, int64_t revision, struct mrp_err *err);
/* True when the response became 304; call api_set_etag (or set the etag) before. */
bool api_not_modified(struct api_call *call);
/* Weak comparison against a list as in If-None-Match. */
bool etag_listed(const char *list, const char *etag, bool weak);

/* A JSON body from a value. */
void respond_value(struct api_call *call, int status, const struct value *v);
void respond_json(struct api_call *call, int status);

/* The wall clock of this process, in milliseconds. */
int64_t api_clock_ms(void);
/* "2026-11-21T03:00:00.123Z" */
const char *format_time(struct arena *arena, int64_t ms);

/* 404 "prober 'x' is not there" */
int api_not_found(struct mrp_err *err, enum kind kind, const char *slug);

/* What object_get answers with a row of SQL_OBJECT_GET; NULL: there is no such object. */
int object_answer(struct api_call *call, const struct store_row *row, struct mrp_err *err);

/* handlers of routes: object_read.c, object_write.c, variables.c, deployments.c, blobs.c, batch.c, state.c, leases.c,
 * agent_config.c, agents.c,
 * service.c */
api_handler object_list, object_get, object_create, object_patch, object_delete;
api_handler variable_list, variable_get, variable_put, variable_delete;
api_handler deployment_list, deployment_create, deployment_get, deployment_patch, deployment_approve, deployment_log;
api_handler cluster_deploy;
api_handler blob_upload, blob_download, blob_missing;
api_handler batch_run, state_get;
api_handler lease_get, lease_take, lease_renew, lease_release;
api_handler agent_config_get, agent_put, agent_get, agent_list;
api_handler service_health, service_ready, service_metrics, service_openapi, service_page;

void state_cache_free(struct state_cache *cache);

#endif
