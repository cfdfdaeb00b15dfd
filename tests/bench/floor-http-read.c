/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor-http-read DATABASE SLUGS-FILE
 *
 * The least an HTTP server over SQLite can do, with the same two libraries that mrprober's
 * API uses: libmicrohttpd in one thread, and in its handler one prepared statement.
 *
 *   GET   /v1/probers/<slug>                          one point read, a row of 1.5 KB
 *   GET   /v1/probers?page_size=N&page_token=<slug>   N rows in order of the slug
 *   PATCH /v1/probers/<slug>                          one commit, synchronous=FULL
 *   GET   /v1/agent-config                            304, without looking at anything: no handler can do less
 *
 * No JSON is parsed, nothing is checked, nobody is authenticated. It listens on a free port
 * of the loopback, prints "port=<number>", and serves until SIGTERM or SIGINT.
 */
#include "floordb.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "/v1/probers"
#define MAX_PATCH 512 /* longer bodies are refused: the load generator's are short */

struct server {
	sqlite3 *db;
	sqlite3_stmt *read, *page, *update;
};

/* The state of a request that has no body. */
static char no_upload;

/* What is kept of a request between the calls of the handler. */
struct upload {
	size_t len;
	char body[MAX_PATCH + 1];
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, char *text, size_t len,
	enum MHD_ResponseMemoryMode mode, const char *etag)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(len, text, mode);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", "application/json");
	if (etag)
		MHD_add_response_header(response, "ETag", etag);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status, const char *text)
{
	return answer(connection, status, (char *)text, strlen(text), MHD_RESPMEM_MUST_COPY, NULL);
}

static enum MHD_Result get_one(struct server *server, struct MHD_Connection *connection, const char *slug)
{
	enum MHD_Result result;
	char etag[32];
	int rc;

	sqlite3_bind_text(server->read, 1, slug, -1, SQLITE_STATIC);
	rc = sqlite3_step(server->read);
	if (rc == SQLITE_ROW) {
		snprintf(etag, sizeof(etag), "\"r%lld\"", sqlite3_column_int64(server->read, 0));
		result = answer(connection, MHD_HTTP_OK, (char *)sqlite3_column_text(server->read, 1),
			(size_t)sqlite3_column_bytes(server->read, 1), MHD_RESPMEM_MUST_COPY, etag);
	} else {
		result = answer_text(
			connection, rc == SQLITE_DONE ? MHD_HTTP_NOT_FOUND : MHD_HTTP_INTERNAL_SERVER_ERROR, "{}");
	}
	sqlite3_reset(server->read);
	return result;
}

static enum MHD_Result get_page(struct server *server, struct MHD_Connection *connection)
{
	const char *size = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "page_size");
	const char *token = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "page_token");
	long limit = size ? strtol(size, NULL, 10) : 100, n = 0;
	char *text = NULL, last[128] = "";
	size_t len = 0;
	bool more;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return MHD_NO;
	fputs("{\"items\":[", out);
	sqlite3_bind_text(server->page, 1, token ? token : "", -1, SQLITE_STATIC);
	sqlite3_bind_int64(server->page, 2, limit + 1); /* one more tells whether there is a next page */
	while ((more = sqlite3_step(server->page) == SQLITE_ROW) && n < limit) {
		if (n++)
			putc_unlocked(',', out);
		fwrite_unlocked(
			sqlite3_column_text(server->page, 1), 1, (size_t)sqlite3_column_bytes(server->page, 1), out);
		if (n == limit)
			snprintf(last, sizeof(last), "%s", sqlite3_column_text(server->page, 0));
	}
	sqlite3_reset(server->page);
	fprintf(out, more ? "],\"next_page_token\":\"%s\"}" : "],\"next_page_token\":null}", last);
	if (fclose(out) == EOF)
		return MHD_NO;
	return answer(connection, MHD_HTTP_OK, text, len, MHD_RESPMEM_MUST_FREE, NULL);
}

static enum MHD_Result patch_one(
	struct server *server, struct MHD_Connection *connection, const char *slug, const struct upload *upload)
{
	char row[ROW_BYTES + 1];

	row_format(row, slug, upload->body);
	if (floordb_update(server->update, slug, row) != SQLITE_DONE)
		return answer_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "{}");
	if (!sqlite3_changes(server->db))
		return answer_text(connection, MHD_HTTP_NOT_FOUND, "{}");
	return answer(connection, MHD_HTTP_OK, row, ROW_BYTES, MHD_RESPMEM_MUST_COPY, NULL);
}

static enum MHD_Result answer_unchanged(struct MHD_Connection *connection)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(0, (char *)"", MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "ETag", "\"0123456789abcdef0123456789abcdef\"");
	result = MHD_queue_response(connection, MHD_HTTP_NOT_MODIFIED, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *data, size_t *size, void **state)
{
	struct server *server = cls;
	struct upload *upload = *state;
	bool is_patch = !strcmp(method, "PATCH");

	(void)version;
	if (!*state) {
		*state = is_patch ? xcalloc(1, sizeof(*upload)) : (void *)&no_upload;
		return MHD_YES;
	}
	if (*size) {
		if (!is_patch || upload->len + *size > MAX_PATCH)
			return MHD_NO;
		memcpy(upload->body + upload->len, data, *size);
		upload->len += *size;
		*size = 0;
		return MHD_YES;
	}
	if (!strcmp(url, "/v1/agent-config") && !is_patch)
		return answer_unchanged(connection);
	if (!strcmp(url, PREFIX) && !is_patch)
		return get_page(server, connection);
	if (strncmp(url, PREFIX "/", sizeof(PREFIX)))
		return answer_text(connection, MHD_HTTP_NOT_FOUND, "{}");
	url += sizeof(PREFIX);
	return is_patch ? patch_one(server, connection, url, upload) : get_one(server, connection, url);
}

static void request_done(
	void *cls, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
	(void)cls;
	(void)code;
	(void)connection;
	if (*state != &no_upload)
		free(*state);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct MHD_Daemon *daemon;
	struct server server;
	struct lines slugs;
	sigset_t stop;
	int sig;

	if (argc != 3)
		die_usage("usage: floor-http-read DATABASE SLUGS-FILE");
	lines_read(&slugs, argv[2]);
	server.db = floordb_create(argv[1], &slugs);
	lines_release(&slugs);
	server.read = floordb_prepare(server.db, FLOORDB_READ);
	server.page = floordb_prepare(server.db, FLOORDB_PAGE);
	server.update = floordb_prepare(server.db, FLOORDB_UPDATE);

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO, 0, NULL, NULL, handle, &server,
		MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, request_done, NULL,
		MHD_OPTION_CONNECTION_LIMIT, 16384u, MHD_OPTION_END);
	if (!daemon)
		die("cannot listen on the loopback");
	printf("port=%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	sigwait(&stop, &sig);
	MHD_stop_daemon(daemon);
	sqlite3_finalize(server.read);
	sqlite3_finalize(server.page);
	sqlite3_finalize(server.update);
	sqlite3_close(server.db);
	return 0;
}
