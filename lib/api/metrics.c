/* SPDX-License-Identifier: Apache-2.0 */
/* What /metrics says, in the Prometheus text format. */
#include "metrics.h"

#include <inttypes.h>

#include "call.h"

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "other" };
static const int statuses[] = { 200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 412, 413, 414, 415,
	422, 424, 429, 431, 500, 503, 507, 0 };
static const struct {
	int64_t us;
	const char *text;
} buckets[] = {
	{ 1000, "0.001" },
	{ 5000, "0.005" },
	{ 25000, "0.025" },
	{ 100000, "0.1" },
	{ 500000, "0.5" },
	{ 2500000, "2.5" },
};

struct route_metrics {
	uint64_t requests[ARRAY_SIZE(methods)][ARRAY_SIZE(statuses)];
	uint64_t buckets[ARRAY_SIZE(buckets)], count;
	int64_t sum_us;
};

struct api_metrics {
	size_t n_routes;
	struct route_metrics routes[]; /* one more than there are routes */
};

struct api_metrics *api_metrics_new(size_t n_routes)
{
	struct api_metrics *metrics = xcalloc(1, sizeof(*metrics) + (n_routes + 1) * sizeof(metrics->routes[0]));

	metrics->n_routes = n_routes;
	return metrics;
}

void api_metrics_free(struct api_metrics *metrics)
{
	free(metrics);
}

void api_metrics_count(struct api_metrics *metrics, size_t route, const char *method, int status, int64_t duration_us)
{
	struct route_metrics *m = &metrics->routes[route];
	size_t i = 0, k = 0;

	while (i < ARRAY_SIZE(methods) - 1 && !streq(methods[i], method))
		i++;
	while (k < ARRAY_SIZE(statuses) - 1 && statuses[k] != status)
		k++;
	m->requests[i][k]++;
	m->count++;
	m->sum_us += duration_us;
	for (size_t b = 0; b < ARRAY_SIZE(buckets); b++) {
		if (duration_us <= buckets[b].us) {
			m->buckets[b]++;
			break;
		}
	}
}

static const char *route_name(const struct api_metrics *metrics, size_t i)
{
	return i < metrics->n_routes ? api_routes[i].path : "none";
}

static void add_head(struct strbuf *out, const char *name, const char *type, const char *help)
{
	strbuf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_requests(struct strbuf *out, const struct api_metrics *metrics)
{
	add_head(out, "mrprober_api_requests_total", "counter", "Requests answered.");
	for (size_t i = 0; i <= metrics->n_routes; i++) {
		for (size_t m = 0; m < ARRAY_SIZE(methods); m++) {
			for (size_t s = 0; s < ARRAY_SIZE(statuses); s++) {
				uint64_t n = metrics->routes[i].requests[m][s];

				if (n)
					strbuf_addf(out,
						"mrprober_api_requests_total{method=\"%s\",route=\"%s\",status=\"%d\"} "
						"%" PRIu64 "\n",
						methods[m], route_name(metrics, i), statuses[s], n);
			}
		}
	}
}

static const char *route_method(const struct api_metrics *metrics, size_t i)
{
	return i < metrics->n_routes ? api_routes[i].method : "other";
}

static void add_durations(struct strbuf *out, const struct api_metrics *metrics)
{
	add_head(out, "mrprober_api_request_duration_seconds", "histogram",
		"From the last byte of a request to its answer.");
	for (size_t i = 0; i <= metrics->n_routes; i++) {
		const struct route_metrics *m = &metrics->routes[i];
		const char *method = route_method(metrics, i), *route = route_name(metrics, i);
		uint64_t n = 0;

		if (!m->count)
			continue;
		for (size_t b = 0; b < ARRAY_SIZE(buckets); b++) {
			n += m->buckets[b];
			strbuf_addf(out,
				"mrprober_api_request_duration_seconds_bucket{method=\"%s\",route=\"%s\",le=\"%s\"} "
				"%" PRIu64 "\n",
				method, route, buckets[b].text, n);
		}
		strbuf_addf(out,
			"mrprober_api_request_duration_seconds_bucket{method=\"%s\",route=\"%s\",le=\"+Inf\"} %" PRIu64
			"\n",
			method, route, m->count);
		strbuf_addf(
			out, "mrprober_api_request_duration_seconds_sum{method=\"%s\",route=\"%s\"} ", method, route);
		json_add_number(out, (double)m->sum_us / 1e6);
		strbuf_addf(out,
			"\nmrprober_api_request_duration_seconds_count{method=\"%s\",route=\"%s\"} %" PRIu64 "\n",
			method, route, m->count);
	}
}

static int add_objects(struct strbuf *out, struct store_conn *db, struct mrp_err *err)
{
	int64_t counts[KIND_COUNT] = { 0 };
	struct store_row row;
	int r = store_start(db, SQL_OBJECT_COUNTS, NULL, 0, err);

	while (r >= 0 && (r = store_step(db, SQL_OBJECT_COUNTS, &row, err)) > 0) {
		int kind = kind_from_name(store_col_text(&row, 0));

		if (kind >= 0)
			counts[kind] = row.col[1].i;
	}
	store_finish(db, SQL_OBJECT_COUNTS);
	add_head(out, "mrprober_api_objects", "gauge", "Objects in the database.");
	for (int kind = 0; kind < KIND_COUNT; kind++)
		strbuf_addf(out, "mrprober_api_objects{kind=\"%s\"} %" PRId64 "\n", kinds[kind].name, counts[kind]);
	return r;
}

static void add_number(struct strbuf *out, const char *name, const char *type, const char *help, long n)
{
	add_head(out, name, type, help);
	strbuf_addf(out, "%s %ld\n", name, n);
}

static void add_server(struct strbuf *out, struct server_stats *stats)
{
	long expires_at = atomic_load(&stats->tls_expires_at);

	add_number(out, "mrprober_api_connections", "gauge", "Connections open now.", atomic_load(&stats->connections));
	add_number(out, "mrprober_api_connections_total", "counter", "Connections accepted.",
		atomic_load(&stats->connections_total));
	add_head(out, "mrprober_api_limit_hits_total", "counter", "Requests and connections refused or ended by a limit.");
	for (int i = 0; i < LIMIT_COUNT; i++)
		strbuf_addf(out, "mrprober_api_limit_hits_total{limit=\"%s\"} %ld\n", server_limits[i].name,
			atomic_load(&stats->limits_hit[i]));
	add_number(out, "mrprober_api_access_log_lost_total", "counter", "Lines of the access log that could not be written.",
		atomic_load(&stats->access_log_lost));
	if (expires_at)
		add_number(out, "mrprober_api_tls_certificate_expires_timestamp_seconds", "gauge",
			"When the TLS certificate in use ends.", expires_at);
}

int service_metrics(struct api_call *call, struct mrp_err *err)
{
	struct strbuf *out = &call->response.body;
	struct writer_counts counts = writer_counts(call->api->writer);

	add_requests(out, call->api->metrics);
	add_durations(out, call->api->metrics);
	add_server(out, &call->api->server);
	if (add_objects(out, call->db, err) < 0)
		return -1;
	add_head(
		out, "mrprober_api_database_size_bytes", "gauge", "Size of the database, without its write-ahead log.");
	strbuf_addf(out, "mrprober_api_database_size_bytes %" PRId64 "\n", call->db->ops->size_bytes(call->db));
	add_head(out, "mrprober_api_commits_total", "counter", "Transactions; each holds one or more writes.");
	strbuf_addf(out, "mrprober_api_commits_total %" PRIu64 "\n", counts.commits);
	add_head(
		out, "mrprober_api_writes_total", "counter", "Writes that ran in these transactions, failed ones too.");
	strbuf_addf(out, "mrprober_api_writes_total %" PRIu64 "\n", counts.jobs);
	add_head(out, "mrprober_build_info", "gauge", "The program that runs.");
	strbuf_addstr(out, "mrprober_build_info{version=\"" MRP_VERSION "\"} 1\n");
	call->response.status = 200;
	call->response.content_type = "text/plain; version=0.0.4; charset=utf-8";
	return 0;
}
